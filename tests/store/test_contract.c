/*
 * The contract suite of engines: the same stories over every engine; the engine's name is the argument.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "helper.h"
#include "store/engine.h"

static enum store_engine engine_kind;

struct world {
    char *dir;
    const struct engine_ops *ops;
    struct store_options options;
    struct engine *engine;
    struct engine_reader *reader;
    struct engine_state state;
    uint8_t chain[BATCH_CHAIN_BYTES];
};

static void
world_open(struct world *world)
{
    struct store_error error = {0};

    if (world->ops->open(world->dir, &world->options, &world->engine, &world->state, &error) != STORE_OK ||
        world->ops->reader_open(world->engine, &world->reader, &error) != STORE_OK) {
        fail_msg("%s", error.text);
    }
    memcpy(world->chain, world->state.chain, sizeof(world->chain));
}

static void
world_close(struct world *world)
{
    world->ops->reader_close(&world->reader);
    world->ops->close(&world->engine);
}

static void
world_reopen(struct world *world)
{
    world_close(world);
    world_open(world);
}

static int
setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    world->dir = helper_dir_make();
    world->ops = engine_of(engine_kind);
    world->options = helper_options(engine_kind);
    world_open(world);
    *state = world;
    return 0;
}

static int
teardown(void **state)
{
    struct world *world = *state;

    world_close(world);
    engine_memory_forget(world->dir);
    helper_dir_remove(&world->dir);
    free(world);
    return 0;
}

/* n events "<seq>", sealed after the chain given. */
static struct batch *
batch_made(uint64_t seq, uint64_t epoch, uint32_t n, const uint8_t chain[BATCH_CHAIN_BYTES])
{
    struct batch *batch = batch_new(64);

    batch_reset(batch, seq, epoch);
    for (uint32_t i = 0; i < n; i++) {
        char text[32];
        snprintf(text, sizeof(text), "event %llu", (unsigned long long)(seq + i));
        assert_true(batch_append(batch, text, (uint32_t)strlen(text)));
    }
    batch_seal(batch, chain, 0);
    return batch;
}

static enum store_status
commit_as(struct world *world, uint64_t seq, uint64_t epoch, uint32_t n)
{
    struct batch *batch = batch_made(seq, epoch, n, world->chain);
    struct store_error error;
    enum store_status status = world->ops->commit(world->engine, batch, &error);

    if (status == STORE_OK) {
        memcpy(world->chain, batch->chain, sizeof(world->chain));
    }
    batch_unref(&batch);
    return status;
}

static void
commit(struct world *world, uint64_t seq, uint32_t n)
{
    assert_int_equal(commit_as(world, seq, world->state.epoch, n), STORE_OK);
}

static struct engine_state
state_now(struct world *world)
{
    struct engine_state state;
    struct store_error error;

    assert_int_equal(world->ops->state(world->reader, &state, &error), STORE_OK);
    return state;
}

static enum store_status
batch_status(struct world *world, uint64_t seq)
{
    struct batch *batch = NULL;
    struct store_error error;
    enum store_status status = world->ops->batch(world->reader, seq, &batch, &error);

    batch_unref(&batch);
    return status;
}

/* D1 */
static void
committed_batch_is_read_back_whole(void **state)
{
    struct world *world = *state;
    struct batch *batch = NULL;
    struct store_error error;
    uint8_t zero[BATCH_CHAIN_BYTES] = {0};
    const uint8_t *p;
    uint64_t bad;
    uint32_t n;

    commit(world, 1, 5);
    assert_int_equal(world->ops->batch(world->reader, 3, &batch, &error), STORE_OK);
    assert_int_equal(batch->seq, 1);
    assert_int_equal(batch->n, 5);
    assert_int_equal(batch->epoch, world->state.epoch);
    assert_true(batch_event(batch, 3, &p, &n));
    assert_memory_equal(p, "event 3", n);
    assert_true(batch_check(batch, zero, &bad));
    batch_unref(&batch);
}

/* D1 D4 */
static void
committed_batches_outlive_a_reopen(void **state)
{
    struct world *world = *state;

    commit(world, 1, 2);
    commit(world, 3, 1);
    commit(world, 4, 7);
    world_reopen(world);
    assert_int_equal(world->state.last_seq, 10);
    assert_int_equal(world->state.first_seq, 1);
    assert_memory_equal(world->state.chain, world->chain, BATCH_CHAIN_BYTES);
    assert_int_equal(batch_status(world, 10), STORE_OK);
    commit(world, 11, 1);
}

static void
batch_is_found_by_every_event_in_it(void **state)
{
    struct world *world = *state;

    for (uint64_t seq = 1; seq <= 100; seq += 1 + seq % 7) {
        commit(world, seq, (uint32_t)(1 + seq % 7));
    }
    for (uint64_t seq = 1; seq <= state_now(world).last_seq; seq++) {
        struct batch *batch = NULL;
        struct store_error error;
        assert_int_equal(world->ops->batch(world->reader, seq, &batch, &error), STORE_OK);
        assert_true(batch_has(batch, seq));
        batch_unref(&batch);
    }
}

static void
event_beyond_the_end_is_not_found(void **state)
{
    struct world *world = *state;

    assert_int_equal(batch_status(world, 1), STORE_NOT_FOUND);
    commit(world, 1, 3);
    assert_int_equal(batch_status(world, 0), STORE_NOT_FOUND);
    assert_int_equal(batch_status(world, 4), STORE_NOT_FOUND);
}

static void
epoch_rises_with_every_open(void **state)
{
    struct world *world = *state;
    uint64_t epoch = world->state.epoch;

    world_reopen(world);
    assert_int_equal(world->state.epoch, epoch + 1);
    world_reopen(world);
    assert_int_equal(world->state.epoch, epoch + 2);
}

/* D4 */
static void
batch_that_leaves_a_gap_is_fenced(void **state)
{
    struct world *world = *state;

    commit(world, 1, 3);
    assert_int_equal(commit_as(world, 5, world->state.epoch, 1), STORE_FENCED);
    assert_int_equal(commit_as(world, 3, world->state.epoch, 1), STORE_FENCED);
    assert_int_equal(state_now(world).last_seq, 3);
    commit(world, 4, 1);
}

static void
batch_of_an_older_epoch_is_fenced(void **state)
{
    struct world *world = *state;

    world_reopen(world);
    assert_int_equal(commit_as(world, 1, world->state.epoch - 1, 1), STORE_FENCED);
    assert_int_equal(state_now(world).last_seq, 0);
    assert_int_equal(batch_status(world, 1), STORE_NOT_FOUND);
}

static void
second_opener_is_told_who_holds_it(void **state)
{
    struct world *world = *state;
    struct engine *other = NULL;
    struct engine_state other_state;
    struct store_error error;

    assert_int_equal(world->ops->open(world->dir, &world->options, &other, &other_state, &error), STORE_IN_USE);
    assert_int_equal(error.pid, getpid());
    assert_null(other);
}

static void
store_of_another_shard_is_refused(void **state)
{
    struct world *world = *state;
    struct engine *other = NULL;
    struct engine_state other_state;
    struct store_error error;

    world_close(world);
    world->options.shard = 7;
    assert_int_equal(world->ops->open(world->dir, &world->options, &other, &other_state, &error), STORE_INVALID);
    world->options.shard = 0;
    world_open(world);
}

static void
nothing_is_made_where_it_was_not_asked_for(void **state)
{
    struct world *world = *state;
    char *dir = helper_dir_make();
    struct store_options options = world->options;
    struct engine *other = NULL;
    struct engine_state other_state;
    struct store_error error;

    options.create = false;
    assert_int_equal(world->ops->open(dir, &options, &other, &other_state, &error), STORE_NOT_FOUND);
    assert_int_equal(world->ops->open(dir, &options, &other, &other_state, &error), STORE_NOT_FOUND);
    helper_dir_remove(&dir);
}

/* ------------------------------------------------------------- open table, mark, pruning */

static void
step(struct world *world, const struct engine_step *what)
{
    struct store_error error = {0};

    if (world->ops->step(world->engine, what, &error) != STORE_OK) {
        fail_msg("%s", error.text);
    }
}

static void
open_add(struct world *world, uint64_t seq, uint64_t request)
{
    char text[32];
    struct engine_event event = {.seq = seq, .request = request, .p = (const uint8_t *)text};

    event.n = (uint32_t)snprintf(text, sizeof(text), "open %llu", (unsigned long long)seq);
    step(world, &(struct engine_step){.open = &event, .open_count = 1});
}

static void
mark_move(struct world *world, uint64_t seq)
{
    struct engine_step what = {.mark_moves = true, .mark_seq = seq};

    memcpy(what.mark_chain, world->chain, BATCH_CHAIN_BYTES);
    step(world, &what);
}

struct walked {
    uint64_t seqs[16];
    uint32_t count;
};

static enum store_status
walk_note(void *context, const struct engine_event *event, struct store_error *out_error)
{
    struct walked *walked = context;

    walked->seqs[walked->count++] = event->seq;
    return STORE_OK;
}

static struct walked
walk(struct world *world)
{
    struct walked walked = {.count = 0};
    struct store_error error;

    assert_int_equal(world->ops->open_walk(world->reader, walk_note, &walked, &error), STORE_OK);
    return walked;
}

static void
open_events_count_only_up_to_the_mark(void **state)
{
    struct world *world = *state;
    struct engine_event event;
    struct store_error error;

    commit(world, 1, 9);
    open_add(world, 5, 50);
    open_add(world, 2, 20);
    assert_int_equal(walk(world).count, 0);
    assert_int_equal(world->ops->open_event(world->reader, 5, &event, &error), STORE_NOT_FOUND);
    mark_move(world, 9);
    assert_int_equal(walk(world).count, 2);
    assert_int_equal(walk(world).seqs[0], 2);
    assert_int_equal(walk(world).seqs[1], 5);
    assert_int_equal(world->ops->open_event(world->reader, 5, &event, &error), STORE_OK);
    assert_int_equal(event.request, 50);
    assert_memory_equal(event.p, "open 5", event.n);
}

static void
open_events_above_the_mark_are_gone_after_a_reopen(void **state)
{
    struct world *world = *state;

    commit(world, 1, 5);
    mark_move(world, 5);
    open_add(world, 4, 40);
    commit(world, 6, 5);
    open_add(world, 8, 80);
    world_reopen(world);
    mark_move(world, 10);
    assert_int_equal(walk(world).count, 1);
    assert_int_equal(walk(world).seqs[0], 4);
}

static void
finished_request_leaves_the_open_table_with_the_mark(void **state)
{
    struct world *world = *state;
    uint64_t finished[] = {20};
    struct engine_step what = {.finished = finished, .finished_count = 1, .mark_moves = true, .mark_seq = 9};

    commit(world, 1, 9);
    open_add(world, 1, 20);
    open_add(world, 3, 30);
    open_add(world, 4, 20);
    memcpy(what.mark_chain, world->chain, BATCH_CHAIN_BYTES);
    step(world, &what);
    assert_int_equal(walk(world).count, 1);
    assert_int_equal(walk(world).seqs[0], 3);
}

static void
snapshot_replaces_the_one_before(void **state)
{
    struct world *world = *state;
    struct store_error error;
    uint8_t *bytes = NULL;
    uint32_t n = 1;
    uint64_t seq = 1;

    assert_int_equal(world->ops->snapshot(world->reader, &bytes, &n, &seq, &error), STORE_OK);
    assert_null(bytes);
    assert_int_equal(seq, 0);
    step(world, &(struct engine_step){.snapshot = (const uint8_t *)"one", .snapshot_bytes = 3, .snapshot_seq = 4});
    step(world, &(struct engine_step){.snapshot = (const uint8_t *)"second", .snapshot_bytes = 6, .snapshot_seq = 8});
    world_reopen(world);
    assert_int_equal(world->state.snapshot_seq, 8);
    assert_int_equal(world->ops->snapshot(world->reader, &bytes, &n, &seq, &error), STORE_OK);
    assert_int_equal(n, 6);
    assert_int_equal(seq, 8);
    assert_memory_equal(bytes, "second", 6);
    free(bytes);
}

static void
only_a_prefix_behind_the_mark_is_pruned(void **state)
{
    struct world *world = *state;

    commit(world, 1, 4);
    commit(world, 5, 4);
    mark_move(world, 8);
    commit(world, 9, 4);
    step(world, &(struct engine_step){.prune_below = 7, .prune_batches = 10});
    assert_int_equal(state_now(world).first_seq, 5);
    assert_int_equal(batch_status(world, 4), STORE_PRUNED);
    assert_int_equal(batch_status(world, 5), STORE_OK);
    step(world, &(struct engine_step){.prune_below = 100, .prune_batches = 10});
    assert_int_equal(state_now(world).first_seq, 9);
    assert_int_equal(batch_status(world, 9), STORE_OK);
    assert_int_equal(state_now(world).last_seq, 12);
}

static void
journal_pruned_to_nothing_goes_on(void **state)
{
    struct world *world = *state;

    commit(world, 1, 4);
    mark_move(world, 4);
    step(world, &(struct engine_step){.prune_below = 5, .prune_batches = 1});
    world_reopen(world);
    assert_int_equal(world->state.first_seq, 5);
    assert_int_equal(world->state.last_seq, 4);
    assert_int_equal(batch_status(world, 4), STORE_PRUNED);
    assert_int_equal(batch_status(world, 5), STORE_NOT_FOUND);
    commit(world, 5, 2);
    assert_int_equal(batch_status(world, 6), STORE_OK);
}

static void
pruning_takes_as_many_batches_as_told(void **state)
{
    struct world *world = *state;

    for (uint64_t seq = 1; seq <= 10; seq++) {
        commit(world, seq, 1);
    }
    mark_move(world, 10);
    step(world, &(struct engine_step){.prune_below = 11, .prune_batches = 3});
    assert_int_equal(state_now(world).first_seq, 4);
}

int
main(int argc, char **argv)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        STORY(committed_batch_is_read_back_whole),
        STORY(committed_batches_outlive_a_reopen),
        STORY(batch_is_found_by_every_event_in_it),
        STORY(event_beyond_the_end_is_not_found),
        STORY(epoch_rises_with_every_open),
        STORY(batch_that_leaves_a_gap_is_fenced),
        STORY(batch_of_an_older_epoch_is_fenced),
        STORY(second_opener_is_told_who_holds_it),
        STORY(store_of_another_shard_is_refused),
        STORY(nothing_is_made_where_it_was_not_asked_for),
        STORY(open_events_count_only_up_to_the_mark),
        STORY(open_events_above_the_mark_are_gone_after_a_reopen),
        STORY(finished_request_leaves_the_open_table_with_the_mark),
        STORY(snapshot_replaces_the_one_before),
        STORY(only_a_prefix_behind_the_mark_is_pruned),
        STORY(journal_pruned_to_nothing_goes_on),
        STORY(pruning_takes_as_many_batches_as_told),
    };

    if (argc != 2 || sodium_init() < 0) {
        return 64;
    }
    engine_kind = strcmp(argv[1], "memory") == 0 ? STORE_ENGINE_MEMORY : STORE_ENGINE_SQLITE;
    return cmocka_run_group_tests_name(argv[1], tests, NULL, NULL);
}
