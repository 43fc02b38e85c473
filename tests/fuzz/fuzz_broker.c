/*
 * Fuzzes the whole message handler, with state carried from message to message: frames of several peers of different
 * parties and roles are decoded, decided and answered, while time passes, peers come and go and the broker restarts.
 *
 * An input is a row of steps, each a byte and what belongs to it; the byte's low four bits say what, the highest that
 * effects leave after it:
 *     0  frame       slot, length (two bytes, low first), bytes
 *     1  connect     key * 8 + slot
 *     2  disconnect  slot
 *     3  wait        b: 2^(b % 40) microseconds, both clocks
 *     4  jump        b: the wall clock alone, (b - 128) * 100 seconds
 *     5  project     history has all that there is
 *     6  pressure    bits
 *     7  catalogue   which one
 *     8  restart
 * Every other value is passed over.
 */
#include "broker_world.h"
#include "fuzz.h"

enum { INPUT_BYTES_MAX = 1 << 16, STEPS_MAX = 512, LEAVE = 0x80 };

struct input {
    const uint8_t *p;
    size_t n;
};

static unsigned
byte_take(struct input *input)
{
    if (input->n == 0) {
        return 0;
    }
    input->n--;
    return *input->p++;
}

static void
frame_step(struct world *world, struct input *input)
{
    unsigned slot = byte_take(input) % WORLD_CONNECTIONS;
    size_t length = byte_take(input);
    length |= (size_t)byte_take(input) << 8;
    length = length < input->n ? length : input->n;
    world_frame(world, slot, input->p, length);
    input->p += length;
    input->n -= length;
}

static void
step(struct world *world, struct input *input, unsigned what)
{
    unsigned b = what >= 1 && what <= 7 && what != 5 ? byte_take(input) : 0;
    switch (what) {
    case 0: frame_step(world, input); break;
    case 1: world_connect(world, b % WORLD_CONNECTIONS, b / WORLD_CONNECTIONS % WORLD_KEYS); break;
    case 2: world_disconnect(world, b % WORLD_CONNECTIONS); break;
    case 3: world_wait(world, INT64_C(1) << b % 40); break;
    case 4: world_jump(world, ((int64_t)b - 128) * 100 * 1000000); break;
    case 5: world_project(world); break;
    case 6: world_press(world, b % 8); break;
    case 7: world_reload(world, b % WORLD_CATALOGUES); break;
    case 8: world_restart(world); break;
    default: break;
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct input input = {p, n};
    if (n > INPUT_BYTES_MAX) {
        return 0;
    }
    struct world *world = world_begin();
    for (unsigned steps = 0; input.n > 0 && steps < STEPS_MAX; steps++) {
        unsigned what = byte_take(&input);
        step(world, &input, what & 15);
        if (what & LEAVE) {
            world_flush(world);
        }
    }
    world_end(&world);
    return 0;
}
