/* What bench sends: bytes that nothing packs. See bench.h. */
#include <stdlib.h>
#include <string.h>

#include "bench.h"

/*
 * A prime, so that the second time through the pieces begin elsewhere; larger than any batch of a journal, so that no packer sees a
 * piece twice. Behind it lies room for a piece that begins near its end.
 */
enum { NOISE_BYTES = 4194301 };

/* Three shifts and a product, known as xorshift64*: of no use for secrets. */
static uint64_t
noise_next(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545f4914f6cdd1d);
}

bool
bench_noise_init(struct bench_noise *noise, uint64_t seed)
{
    size_t n = (NOISE_BYTES + BENCH_PIECE_MAX + 7) / 8 * 8;

    *noise = (struct bench_noise){.bytes = malloc(n)};
    if (!noise->bytes) {
        return false;
    }
    for (size_t at = 0; at < n; at += 8) {
        uint64_t value = noise_next(&seed);

        memcpy(noise->bytes + at, &value, sizeof value);
    }
    return true;
}

void
bench_noise_fini(struct bench_noise *noise)
{
    free(noise->bytes);
    *noise = (struct bench_noise){0};
}

const void *
bench_noise_take(struct bench_noise *noise, uint32_t n)
{
    const uint8_t *piece = noise->bytes + noise->at;

    noise->at = (noise->at + n) % NOISE_BYTES;
    return piece;
}
