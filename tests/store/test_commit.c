/*
 * Commits on a disk that waits or fails when it is told to: what is said before, while and after a batch is synced.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "file.h"
#include "gate.h"
#include "store/committer.h"
#include "store/engine_sqlite.h"
#include "world.h"

static int
setup(void **state)
{
    struct world *world;

    gate_install("journal.db-wal");
    world_setup(state);
    world = *state;
    world->options.vfs = gate_vfs;
    world->options.here_events_max = 0; /* a closed gate is to stop the committer's thread, not ours */
    world->store = helper_open(world->dir, &world->options);
    return 0;
}

static int
teardown(void **state)
{
    gate_open();
    return world_teardown(state);
}

/* Turn until the store says something new: durable, or an error. */
static enum store_status
commit_end(struct world *world, uint64_t *out_durable, struct store_error *out_error)
{
    enum store_status status = STORE_OK;

    while (status == STORE_OK && store_commit_busy(world->store)) {
        struct pollfd poll_fd = {.fd = store_fd(world->store), .events = POLLIN};
        poll(&poll_fd, 1, 1000);
        status = store_commit_end(world->store, out_durable, out_error);
    }
    return status;
}

/* D1, D2 */
static void
nothing_is_durable_while_its_sync_is_on_the_way(void **state)
{
    struct world *world = *state;
    struct helper_request request = helper_request_of(1);
    struct store_finished row;
    struct store_error error = {0};
    uint64_t durable = 99, projected = 99;

    gate_close();
    helper_lifecycle(world->store, &request, 1);
    store_commit_begin(world->store);
    assert_true(gate_wait());
    for (int i = 0; i < 3; i++) {
        assert_int_equal(store_commit_end(world->store, &durable, &error), STORE_OK);
        assert_int_equal(durable, 0);
        assert_true(store_commit_busy(world->store));
    }
    store_projected(world->store, &projected);
    assert_int_equal(projected, 0);
    assert_int_equal(store_history_get(world->store, request.id, &row, &error), STORE_NOT_FOUND);
    gate_open();
    assert_int_equal(commit_end(world, &durable, &error), STORE_OK);
    assert_int_equal(durable, 3);
}

/* D1: each commit is one sync at least. */
static void
every_commit_is_synced(void **state)
{
    struct world *world = *state;

    for (uint32_t i = 0; i < 5; i++) {
        struct helper_request request = helper_request_of(i);
        uint32_t before = gate_syncs();
        helper_lifecycle(world->store, &request, i);
        helper_commit(world->store);
        assert_true(gate_syncs() > before);
    }
}

/* D2: history shows nothing of a batch that only fills. */
static void
history_is_not_ahead_of_the_journal(void **state)
{
    struct world *world = *state;
    struct helper_request first = helper_request_of(1), second = helper_request_of(2);
    struct store_finished row;
    struct store_error error = {0};
    uint64_t durable = 0, projected = 0;

    gate_close();
    helper_lifecycle(world->store, &first, 1);
    store_commit_begin(world->store);
    helper_lifecycle(world->store, &second, 2);
    gate_open();
    assert_int_equal(commit_end(world, &durable, &error), STORE_OK);
    assert_int_equal(durable, 3);
    while (projected < 3) {
        struct pollfd poll_fd = {.fd = store_fd(world->store), .events = POLLIN};
        poll(&poll_fd, 1, 10);
        if (store_commit_end(world->store, &durable, &error) != STORE_OK) {
            fail_msg("%s", error.text);
        }
        store_projected(world->store, &projected);
    }
    assert_int_equal(projected, 3);
    assert_int_equal(store_history_get(world->store, second.id, &row, &error), STORE_NOT_FOUND);
    helper_commit(world->store);
    helper_projected(world->store);
    assert_int_equal(store_history_get(world->store, second.id, &row, &error), STORE_OK);
}

/* D3: the first failed sync is the last one; what was in its batch is neither told nor tried again. */
static void
failed_sync_is_not_tried_again(void **state)
{
    struct world *world = *state;
    struct helper_request first = helper_request_of(1), second = helper_request_of(2);
    struct store_error error = {0};
    uint64_t durable = 0;
    uint32_t syncs;

    helper_lifecycle(world->store, &first, 1);
    helper_commit(world->store);
    syncs = gate_syncs();
    gate_fail_next();
    helper_lifecycle(world->store, &second, 2);
    store_commit_begin(world->store);
    helper_append(world->store, PROTO_EV_ACCEPTED, &second, PROTO_STATUS_READY, 3, 0);
    assert_int_equal(commit_end(world, &durable, &error), STORE_IN_DOUBT);
    store_commit_begin(world->store);
    assert_int_equal(store_commit_end(world->store, &durable, &error), STORE_IN_DOUBT);
    assert_int_equal(store_durable_seq(world->store), 3);
    assert_int_equal(gate_syncs(), syncs + 1);
    assert_int_equal(store_close(&world->store, 0, &error), STORE_IN_DOUBT);
    assert_int_equal(gate_syncs(), syncs + 1); /* not by moving the log at the end either */
    world->store = helper_open(world->dir, &world->options);
    assert_true(store_last_seq(world->store) >= 3); /* the batch in doubt may be there or not; what was durable is */
}

/* D1, D3: a small batch is durable, or in doubt for good, when store_commit_begin returns. */
static void
small_batch_is_committed_by_whoever_begins_it(void **state)
{
    struct world *world = *state;
    struct helper_request first = helper_request_of(1), second = helper_request_of(2);
    struct store_error error = {0};
    uint64_t durable = 0;
    uint32_t syncs;

    helper_close(&world->store);
    world->options.here_events_max = 16;
    world->store = helper_open(world->dir, &world->options);
    helper_lifecycle(world->store, &first, 1);
    syncs = gate_syncs();
    store_commit_begin(world->store);
    assert_int_equal(gate_syncs(), syncs + 1);
    assert_int_equal(store_commit_end(world->store, &durable, &error), STORE_OK);
    assert_int_equal(durable, 3);
    helper_lifecycle(world->store, &second, 2);
    gate_fail_next();
    store_commit_begin(world->store);
    assert_int_equal(store_commit_end(world->store, &durable, &error), STORE_IN_DOUBT);
    syncs = gate_syncs();
    store_commit_begin(world->store);
    assert_int_equal(gate_syncs(), syncs);
    assert_int_equal(durable, 3);
    assert_int_equal(store_close(&world->store, 0, &error), STORE_IN_DOUBT);
    world->store = helper_open(world->dir, &world->options);
    assert_true(store_last_seq(world->store) >= 3);
}

/* The store gathers: without it the smallest commit is four writes. */
static void
batch_is_written_in_one(void **state)
{
    struct world *world = *state;

    for (uint32_t i = 0; i < 5; i++) {
        struct helper_request request = helper_request_of(i);
        uint32_t writes = gate_writes(NULL);
        helper_lifecycle(world->store, &request, i);
        helper_commit(world->store);
        assert_int_equal(gate_writes(NULL), writes + 1);
    }
}

/* D2, D3 */
static void
batch_that_could_not_be_written_is_in_doubt_and_the_last(void **state)
{
    struct world *world = *state;
    struct helper_request request = helper_request_of(1);
    struct store_error error = {0};
    uint32_t writes;

    helper_lifecycle(world->store, &request, 1);
    helper_commit(world->store);
    gate_fail_write(1);
    request = helper_request_of(2);
    helper_lifecycle(world->store, &request, 2);
    assert_int_equal(store_commit_wait(world->store, &error), STORE_IN_DOUBT);
    writes = gate_writes(NULL);
    assert_int_equal(store_durable_seq(world->store), 3);
    assert_int_equal(store_close(&world->store, 0, &error), STORE_IN_DOUBT);
    assert_int_equal(gate_writes(NULL), writes);
    world->store = helper_open(world->dir, &world->options);
    assert_int_equal(store_last_seq(world->store), 3);
}

/* D3: a start that fails is no different. */
static void
start_whose_sync_failed_syncs_nothing_after_it(void **state)
{
    struct world *world = *state;
    struct store_error error = {0};
    enum store_status status = STORE_IO;

    helper_close(&world->store);
    for (uint32_t nth = 1; status != STORE_OK; nth++) {
        uint32_t syncs = gate_syncs();
        assert_true(nth < 20);
        file_remove(world->dir, "journal.db");
        file_remove(world->dir, "journal.db-wal");
        gate_fail_sync(nth);
        status = store_open(world->dir, &world->options, &world->store, &error);
        assert_true(status == STORE_OK ? nth > 2 : gate_syncs() == syncs + nth);
    }
    gate_fail_sync(0);
}

/* Nothing would say when what is gathered must be in the file. */
static void
store_without_syncs_gathers_nothing(void **state)
{
    struct world *world = *state;

    helper_close(&world->store);
    world->options.durability = STORE_UNSYNCED;
    world->store = helper_open(world->dir, &world->options);
    for (uint32_t i = 1; i < 5; i++) {
        struct helper_request request = helper_request_of(i);
        uint32_t writes = gate_writes(NULL), syncs = gate_syncs();
        struct engine_reader *reader = NULL;
        struct engine_state at;
        struct store_error error = {0};
        helper_lifecycle(world->store, &request, i);
        helper_commit(world->store);
        assert_true(gate_writes(NULL) > writes);
        assert_int_equal(gate_syncs(), syncs);
        assert_int_equal(journal_reader_at(world->dir, &reader, &error), STORE_OK);
        assert_int_equal(journal_state(reader, &at, &error), STORE_OK);
        assert_int_equal(at.last_seq, 3 * i);
        journal_reader_close(&reader);
    }
}

struct engine {
    uint32_t commits, moves_after;
};

static enum store_status
disk_that_failed(struct engine *engine, const struct batch *batch, struct store_error *out_error)
{
    engine->commits++;
    *out_error = (struct store_error){.status = STORE_IN_DOUBT, .text = "it failed"};
    return STORE_IN_DOUBT;
}

static enum store_status
log_moved(struct engine *engine, bool all, bool *out_done, struct store_error *out_error)
{
    engine->moves_after += engine->commits > 0;
    *out_done = true;
    return STORE_OK;
}

/* D3: by nobody, whatever the engine itself would make of it. */
static void
engine_that_failed_is_asked_for_nothing_more(void **state)
{
    static const struct engine_ops ops = {.name = "failing", .commit = disk_that_failed, .checkpoint = log_moved};
    const struct store_options options = helper_options(STORE_ENGINE_SQLITE);
    const uint8_t chain[BATCH_CHAIN_BYTES] = {0};
    struct committer *committer = NULL;
    struct batch *batch = batch_new(64);
    struct store_error error = {0};
    struct engine engine = {.commits = 0};
    enum store_status status = STORE_OK;
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    assert_int_equal(committer_start(&ops, &engine, &options, chain, fd, &committer, &error), STORE_OK);
    batch_reset(batch, 1, 1);
    assert_true(batch_append(batch, "x", 1));
    committer_give(committer, batch);
    assert_true(committer_ended(committer, true, &status, &error));
    assert_int_equal(status, STORE_IN_DOUBT);
    committer_give(committer, batch);
    assert_true(committer_ended(committer, true, &status, &error));
    assert_int_equal(status, STORE_IN_DOUBT);
    committer_stop(&committer);
    assert_int_equal(engine.commits, 1);
    assert_int_equal(engine.moves_after, 0);
    batch_unref(&batch);
    close(fd);
}

/* D6: whoever took the shard over raised its epoch; from then on this process writes nothing. */
static void
former_owner_writes_nothing(void **state)
{
    struct world *world = *state;
    struct helper_request first = helper_request_of(1), second = helper_request_of(2);
    struct store_error error = {0};
    uint64_t durable = 0;

    helper_lifecycle(world->store, &first, 1);
    helper_commit(world->store);
    file_sql(world->dir, "journal.db", "UPDATE shard SET epoch = epoch + 1");
    helper_lifecycle(world->store, &second, 2);
    store_commit_begin(world->store);
    assert_int_equal(commit_end(world, &durable, &error), STORE_FENCED);
    assert_int_equal(store_close(&world->store, 0, &error), STORE_FENCED);
    world->store = helper_open(world->dir, &world->options);
    assert_int_equal(store_last_seq(world->store), 3);
}

static int
replay_count(void *context, enum store_origin origin, uint64_t seq, const uint8_t *p, uint32_t n)
{
    *(uint64_t *)context = seq;
    return 0;
}

/* D4: a journal ends with any batch, of one event too. */
static void
last_batch_of_one_event_is_replayed(void **state)
{
    struct world *world = *state;
    struct helper_request request = helper_request_of(1);
    struct store_error error = {0};

    helper_lifecycle(world->store, &request, 1);
    helper_commit(world->store);
    request = helper_request_of(2);
    helper_append(world->store, PROTO_EV_ACCEPTED, &request, PROTO_STATUS_READY, 2, 10);
    helper_commit(world->store);
    for (uint64_t batches = 2; batches < 5; batches++) {
        uint64_t last = 0;
        helper_close(&world->store);
        assert_int_equal(store_open(world->dir, &world->options, &world->store, &error), STORE_OK);
        assert_int_equal(store_replay(world->store, replay_count, &last, &error), STORE_OK);
        assert_int_equal(last, store_last_seq(world->store));
        helper_append(world->store, PROTO_EV_ASSIGNED, &request, PROTO_STATUS_IN_PROGRESS, 3, 0);
        helper_commit(world->store);
    }
}

int
main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        STORY(every_commit_is_synced),
        STORY(nothing_is_durable_while_its_sync_is_on_the_way),
        STORY(history_is_not_ahead_of_the_journal),
        STORY(failed_sync_is_not_tried_again),
        STORY(small_batch_is_committed_by_whoever_begins_it),
        STORY(batch_is_written_in_one),
        STORY(batch_that_could_not_be_written_is_in_doubt_and_the_last),
        STORY(start_whose_sync_failed_syncs_nothing_after_it),
        STORY(store_without_syncs_gathers_nothing),
        cmocka_unit_test(engine_that_failed_is_asked_for_nothing_more),
        STORY(former_owner_writes_nothing),
        STORY(last_batch_of_one_event_is_replayed),
    };

    return cmocka_run_group_tests_name("commit", tests, NULL, NULL);
}
