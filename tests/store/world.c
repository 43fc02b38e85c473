/*
 * See world.h.
 */
#include "world.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>

#include "store/engine.h"

static enum store_engine engine_kind = STORE_ENGINE_SQLITE;

void
world_engine_set(const char *name)
{
    engine_kind = strcmp(name, "memory") == 0 ? STORE_ENGINE_MEMORY : STORE_ENGINE_SQLITE;
}

int
world_setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    world->dir = helper_dir_make();
    world->options = helper_options(engine_kind);
    *state = world;
    return 0;
}

int
world_setup_open(void **state)
{
    struct world *world;

    world_setup(state);
    world = *state;
    world->store = helper_open(world->dir, &world->options);
    return 0;
}

int
world_teardown(void **state)
{
    struct world *world = *state;
    struct store_error error;

    store_close(&world->store, 0, &error);
    engine_memory_forget(world->dir);
    helper_dir_remove(&world->dir);
    free(world);
    return 0;
}

int
world_teardown_open(void **state)
{
    struct world *world = *state;

    helper_close(&world->store);
    return world_teardown(state);
}

void
world_fill(struct world *world, uint32_t from, uint32_t to)
{
    world->store = helper_open(world->dir, &world->options);
    for (uint32_t i = from; i < to; i++) {
        struct helper_request request = helper_request_of(i);
        helper_lifecycle(world->store, &request, i);
        helper_commit(world->store);
    }
    helper_projected(world->store);
    helper_close(&world->store);
}

void
world_mark_move(struct world *world, const void *snapshot, size_t snapshot_bytes)
{
    struct store_error error = {0};
    struct store_stats stats;
    uint64_t durable;

    helper_projected(world->store);
    assert_int_equal(store_mark_advance(world->store, snapshot, snapshot_bytes, store_last_seq(world->store)), STORE_OK);
    do {
        assert_int_equal(store_commit_end(world->store, &durable, &error), STORE_OK);
        store_stats(world->store, &stats);
    } while (stats.compacting);
}

void
world_fill_with_mark(struct world *world)
{
    world->options.keep_events = 3;
    world->store = helper_open(world->dir, &world->options);
    for (uint32_t i = 0; i < 24; i++) {
        struct helper_request request = helper_request_of(i);
        helper_append(world->store, PROTO_EV_ACCEPTED, &request, PROTO_STATUS_READY, i, 100);
        if (i % 3 == 0) {
            helper_append(world->store, PROTO_EV_CANCELLED, &request, PROTO_STATUS_CANCELLED, i, 0);
        }
        helper_commit(world->store);
        if (i == 12) {
            world_mark_move(world, "\4\0\0\0keys", 8);
        }
    }
    helper_projected(world->store);
    helper_close(&world->store);
}

static int
replay_ignore(void *context, enum store_origin origin, uint64_t seq, const uint8_t *p, uint32_t n)
{
    return 0;
}

enum store_status
world_open_status(struct world *world, struct store_error *out_error)
{
    struct store_error error;
    enum store_status status = store_open(world->dir, &world->options, &world->store, out_error);

    if (status == STORE_OK) {
        status = store_replay(world->store, replay_ignore, NULL, out_error);
    }
    store_close(&world->store, 0, &error);
    return status;
}

enum store_status
world_verify_status(struct world *world, char *out_report, size_t n)
{
    struct store_verify_result result;
    struct store_error error;
    FILE *report = fmemopen(out_report, n, "w");
    enum store_status status = store_journal_verify(world->dir, report, &result, &error);

    fclose(report);
    return status;
}
