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

#include "file.h"
#include "gate.h"
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
        STORY(former_owner_writes_nothing),
        STORY(last_batch_of_one_event_is_replayed),
    };

    return cmocka_run_group_tests_name("commit", tests, NULL, NULL);
}
