/*
 * The mark over both engines (the engine's name is the argument): what a recovery hands over is the same wherever the
 * mark stands, and what is pruned is not needed.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "helper.h"
#include "store/engine.h"
#include "store/handle.h" /* whether it looks quiet */

static enum store_engine engine_kind;

enum { REQUESTS_MAX = 4000, EVENTS_MAX = 16384 };

struct world {
    char *dir;
    struct store_options options;
    struct store *store;
    struct helper_request requests[REQUESTS_MAX];
    uint8_t done[REQUESTS_MAX]; /* events so far; 3: finished */
    uint32_t begun;
    uint32_t seed;
};

static int
setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    world->dir = helper_dir_make();
    world->options = helper_options(engine_kind);
    world->options.keep_events = UINT64_MAX;
    world->options.mark_distance = 100;
    world->options.mark_distance_max = 200;
    world->store = helper_open(world->dir, &world->options);
    world->seed = 1;
    *state = world;
    return 0;
}

static int
teardown(void **state)
{
    struct world *world = *state;

    helper_close(&world->store);
    engine_memory_forget(world->dir);
    helper_dir_remove(&world->dir);
    free(world);
    return 0;
}

static uint32_t
chance(struct world *world, uint32_t below)
{
    world->seed = world->seed * 1103515245u + 12345u;
    return (world->seed >> 8) % below;
}

/* One event of some request, or of none; sometimes a commit. */
static void
act(struct world *world)
{
    uint32_t i = chance(world, world->begun + 1);

    if (chance(world, 50) == 0) {
        struct helper_request none = {.service = "", .requester = "", .performer = ""};
        helper_append(world->store, PROTO_EV_CATALOGUE_LOADED, &none, 0, 1, 0);
    } else if ((i == world->begun || world->done[i] == 3) && world->begun < REQUESTS_MAX) {
        i = world->begun++;
        world->requests[i] = helper_request_of(i);
        helper_append(world->store, PROTO_EV_ACCEPTED, &world->requests[i], PROTO_STATUS_READY, i, 40);
        world->done[i] = 1;
    } else if (i < world->begun && world->done[i] < 3) {
        bool last = ++world->done[i] == 3;
        helper_append(world->store, last ? PROTO_EV_COMPLETED : PROTO_EV_ASSIGNED, &world->requests[i],
                      last ? PROTO_STATUS_COMPLETED : PROTO_STATUS_IN_PROGRESS, i, last ? 8 : 0);
    }
    if (chance(world, 20) == 0) {
        helper_commit(world->store);
    }
}

static void
snapshot_of(struct proto_buf *buf, uint32_t marker)
{
    uint32_t le = marker;

    proto_buf_reset(buf);
    for (uint32_t i = 0; i < 3; i++) {
        le = 4;
        assert_true(proto_buf_append(buf, &le, 4));
        assert_true(proto_buf_append(buf, &marker, 4));
    }
}

/* Move the mark as far as it goes, and wait until it is there. */
static uint64_t
mark_move(struct world *world, bool with_snapshot)
{
    struct store_stats stats;
    struct proto_buf snapshot;
    struct store_error error = {0};
    uint64_t durable, seq = store_last_seq(world->store);

    proto_buf_init(&snapshot, 1 << 16);
    snapshot_of(&snapshot, (uint32_t)seq);
    helper_projected(world->store);
    assert_int_equal(store_mark_advance(world->store, with_snapshot ? snapshot.p : NULL,
                                        with_snapshot ? snapshot.n : 0, with_snapshot ? seq : 0), STORE_OK);
    assert_int_equal(store_mark_advance(world->store, NULL, 0, 0), STORE_STOPPED);
    proto_buf_fini(&snapshot);
    do {
        /* History's log is synced by its own thread; the descriptor tells when it moved. */
        struct pollfd poll_fd = {.fd = store_fd(world->store), .events = POLLIN};
        poll(&poll_fd, 1, 10);
        if (store_commit_end(world->store, &durable, &error) != STORE_OK) {
            fail_msg("%s", error.text);
        }
        store_stats(world->store, &stats);
    } while (stats.compacting);
    return stats.mark_seq;
}

struct recovered {
    uint64_t seq[EVENTS_MAX];
    uint64_t request[EVENTS_MAX];
    enum store_origin origin[EVENTS_MAX];
    uint32_t count, snapshots;
    uint64_t snapshot_seq;
};

static int
replay_note(void *context, enum store_origin origin, uint64_t seq, const uint8_t *p, uint32_t n)
{
    struct recovered *recovered = context;
    struct proto_event event;
    struct proto_error why;
    size_t used;

    if (origin == STORE_FROM_SNAPSHOT) {
        recovered->snapshots++;
        recovered->snapshot_seq = seq;
        return recovered->count > 0 || n != 4;
    }
    if (!proto_event_decode(p, n, &used, &event, &why) || recovered->count == EVENTS_MAX) {
        return 1;
    }
    recovered->seq[recovered->count] = seq;
    recovered->request[recovered->count] = event.id;
    recovered->origin[recovered->count++] = origin;
    return 0;
}

static struct recovered *
recover(struct world *world)
{
    struct recovered *recovered = calloc(1, sizeof(*recovered));
    struct store_error error = {0};

    helper_close(&world->store);
    if (store_open(world->dir, &world->options, &world->store, &error) != STORE_OK ||
        store_replay(world->store, replay_note, recovered, &error) != STORE_OK) {
        fail_msg("%s", error.text);
    }
    return recovered;
}

/* Every event of every open request is there, once, in order; of finished ones all or nothing. */
static void
expect_recovered(struct world *world, const struct recovered *recovered, uint64_t mark)
{
    uint32_t events[REQUESTS_MAX] = {0};

    for (uint32_t i = 0; i < recovered->count; i++) {
        assert_true(i == 0 || recovered->seq[i] > recovered->seq[i - 1]);
        assert_int_equal(recovered->origin[i], recovered->seq[i] > mark ? STORE_FROM_JOURNAL : STORE_FROM_OPEN);
        for (uint32_t k = 0; k < world->begun && recovered->request[i] != 0; k++) {
            events[k] += world->requests[k].id == recovered->request[i];
        }
    }
    for (uint32_t k = 0; k < world->begun; k++) {
        if (world->done[k] < 3) {
            assert_int_equal(events[k], world->done[k]);
        } else {
            /* Finished at or below the mark: not a trace. Finished after it: it may have been known by then. */
            assert_true(events[k] == 0 || (events[k] == 3 && world->requests[k].prev > mark));
        }
    }
}

/* D4 D5 */
static void
recovery_from_a_mark_knows_every_open_request(void **state)
{
    struct world *world = *state;

    for (uint32_t round = 0; round < 6; round++) {
        struct recovered *recovered;
        uint64_t mark;
        for (uint32_t i = 0; i < 700; i++) {
            act(world);
        }
        mark = mark_move(world, true);
        assert_int_equal(mark, store_durable_seq(world->store));
        for (uint32_t i = 0; i < 100; i++) {
            act(world);
        }
        helper_commit(world->store);
        recovered = recover(world);
        assert_int_equal(recovered->snapshots, 3);
        assert_int_equal(recovered->snapshot_seq, mark);
        expect_recovered(world, recovered, mark);
        free(recovered);
    }
}

static void
events_of_no_request_are_kept_where_there_is_no_snapshot(void **state)
{
    struct world *world = *state;
    struct helper_request none = {.service = "", .requester = "", .performer = ""};
    struct helper_request request = helper_request_of(1);
    struct recovered *recovered;

    helper_append(world->store, PROTO_EV_CATALOGUE_LOADED, &none, 0, 1, 0);
    helper_lifecycle(world->store, &request, 2);
    assert_int_equal(mark_move(world, false), 4);
    recovered = recover(world);
    assert_int_equal(recovered->count, 1);
    assert_int_equal(recovered->request[0], 0);
    free(recovered);
}

static void
what_the_snapshot_holds_is_not_told_again(void **state)
{
    struct world *world = *state;
    struct helper_request none = {.service = "", .requester = "", .performer = ""};
    struct recovered *recovered;

    helper_append(world->store, PROTO_EV_CATALOGUE_LOADED, &none, 0, 1, 0);
    mark_move(world, true);
    helper_append(world->store, PROTO_EV_CATALOGUE_LOADED, &none, 0, 2, 0);
    recovered = recover(world);
    assert_int_equal(recovered->count, 1);
    assert_int_equal(recovered->seq[0], 2);
    free(recovered);
}

/* An open request keeps its events, whatever is pruned around them. */
static void
pruned_journal_still_shows_open_requests(void **state)
{
    struct world *world = *state;
    struct store_stats stats;
    struct store_error error;
    uint32_t pruned = 0;

    world->options.keep_events = 50;
    helper_close(&world->store);
    world->store = helper_open(world->dir, &world->options);
    for (uint32_t i = 0; i < 2000; i++) {
        act(world);
    }
    mark_move(world, true);
    helper_close(&world->store);
    world->store = helper_open(world->dir, &world->options);
    store_stats(world->store, &stats);
    assert_true(stats.first_seq > 1000 && stats.first_seq <= stats.mark_seq - 49);
    for (uint32_t k = 0; k < world->begun; k++) {
        const uint8_t *p;
        uint32_t n;
        enum store_status status = store_read(world->store, world->requests[k].prev, &p, &n, &error);
        if (world->done[k] < 3) {
            assert_int_equal(status, STORE_OK);
        } else {
            assert_true(status == STORE_OK || status == STORE_PRUNED);
            pruned += status == STORE_PRUNED;
        }
    }
    assert_true(pruned > 100);
    assert_int_equal(store_first_seq(world->store), stats.first_seq);
}

/* A request whose beginning was pruned finishes: its trail is whole. */
static void
trail_is_whole_after_its_beginning_was_pruned(void **state)
{
    struct world *world = *state;
    struct helper_request slow = helper_request_of(3999);
    struct store_finished row;
    struct store_error error = {0};
    uint32_t offset = 0, n, events = 0;
    const uint8_t *p;
    uint64_t seq;

    world->options.keep_events = 0;
    world->options.recent_bytes_max = world->options.cache_bytes_max = world->options.history_cache_bytes_max = 1;
    helper_close(&world->store);
    world->store = helper_open(world->dir, &world->options);
    helper_append(world->store, PROTO_EV_ACCEPTED, &slow, PROTO_STATUS_READY, 1, 100);
    helper_append(world->store, PROTO_EV_ASSIGNED, &slow, PROTO_STATUS_IN_PROGRESS, 2, 0);
    for (uint32_t i = 0; i < 300; i++) {
        act(world);
    }
    mark_move(world, true);
    helper_append(world->store, PROTO_EV_PROGRESSED, &slow, PROTO_STATUS_IN_PROGRESS, 3, 5);
    mark_move(world, true);
    helper_append(world->store, PROTO_EV_COMPLETED, &slow, PROTO_STATUS_COMPLETED, 4, 5);
    mark_move(world, true);
    assert_int_equal(store_read(world->store, 1, &p, &n, &error), STORE_PRUNED);
    assert_int_equal(store_history_get(world->store, slow.id, &row, &error), STORE_OK);
    while (store_trail_next(row.trail, row.trail_n, &offset, &seq, &p, &n)) {
        events++;
    }
    assert_int_equal(events, 3);
}

static void
mark_is_due_when_too_much_would_be_replayed(void **state)
{
    struct world *world = *state;

    assert_false(store_mark_due(world->store));
    while (store_last_seq(world->store) < 150) {
        act(world);
    }
    helper_projected(world->store);
    /* Much is going on: it can wait, but not for ever. (On a machine that was busy elsewhere it may look quiet already.) */
    assert_true(!store_mark_due(world->store) || world->store->quiet);
    while (store_last_seq(world->store) < 250) {
        act(world);
    }
    helper_projected(world->store);
    assert_true(store_mark_due(world->store));
    mark_move(world, true);
    assert_false(store_mark_due(world->store));
}

static void
mark_is_due_earlier_when_little_is_going_on(void **state)
{
    struct world *world = *state;

    while (store_last_seq(world->store) < 150) {
        act(world);
    }
    helper_projected(world->store);
    while (!store_mark_due(world->store)) {
        struct pollfd nothing = {.fd = -1};
        poll(&nothing, 1, 20);
    }
    assert_int_equal(store_last_seq(world->store), 150);
}

/* ------------------------------------------------------------- a mark far from the end */

enum { MANY = 24000, IN_FLIGHT = 200 };

/* Requests overlap: each is assigned and ends when later ones begin, so a mark falls between its events. Now and then one of no request. */
static void
fill_overlapping(struct world *world)
{
    struct helper_request none = {.service = "", .requester = "", .performer = ""};

    for (uint32_t number = 0; number < MANY; number++) {
        struct helper_request *slot = &world->requests[number % IN_FLIGHT];
        if (number >= IN_FLIGHT) {
            helper_append(world->store, PROTO_EV_COMPLETED, slot, PROTO_STATUS_COMPLETED, number, 8);
        }
        *slot = helper_request_of(number);
        helper_append(world->store, PROTO_EV_ACCEPTED, slot, PROTO_STATUS_READY, number, 8);
        if (number >= IN_FLIGHT / 2) {
            slot = &world->requests[(number - IN_FLIGHT / 2) % IN_FLIGHT];
            helper_append(world->store, PROTO_EV_ASSIGNED, slot, PROTO_STATUS_IN_PROGRESS, number, 0);
        }
        if (number % 1000 == 0) {
            helper_append(world->store, PROTO_EV_CATALOGUE_LOADED, &none, 0, number, 0);
        }
        if (number % 256 == 0) {
            helper_commit(world->store);
        }
    }
    helper_commit(world->store);
}

struct fold {
    uint64_t last[MANY]; /* event of each request */
    uint8_t events[MANY];
};

/* Nonzero: an event that does not follow the one that it names, or that the snapshot holds. */
static int
replay_fold(void *context, enum store_origin origin, uint64_t seq, const uint8_t *p, uint32_t n)
{
    struct fold *fold = context;
    struct proto_event event;
    struct proto_error why;
    size_t used;

    if (origin == STORE_FROM_SNAPSHOT) {
        return 0;
    }
    if (!proto_event_decode(p, n, &used, &event, &why) || event.id == 0) {
        return 1;
    }
    uint64_t number = ((event.id >> 24) - 1700000000u) * 1000 + ((event.id & 0xffffff) >> 6) - 1;
    if (number >= MANY || event.prev != fold->last[number]) {
        return 1;
    }
    fold->last[number] = seq;
    fold->events[number]++;
    return 0;
}

/* D4: the snapshot is of the end, the mark far before it; between them requests that had ended when their beginning was dropped. */
static void
mark_far_before_its_snapshot_leaves_no_half_of_a_request(void **state)
{
    struct world *world = *state;
    struct fold *fold = calloc(1, sizeof(*fold));
    struct store_error error = {0};
    uint64_t mark, last;

    fill_overlapping(world);
    last = store_last_seq(world->store);
    mark = mark_move(world, true);
    assert_true(mark > 0 && mark + 50000 < last);
    helper_close(&world->store);
    if (store_open(world->dir, &world->options, &world->store, &error) != STORE_OK ||
        store_replay(world->store, replay_fold, fold, &error) != STORE_OK) {
        fail_msg("%s", error.text);
    }
    for (uint32_t number = 0; number < MANY; number++) {
        uint32_t want = number >= MANY - IN_FLIGHT / 2 ? 1 : number >= MANY - IN_FLIGHT ? 2 : 3;
        assert_true(fold->events[number] == want || (want == 3 && fold->events[number] == 0));
    }
    free(fold);
}

int
main(int argc, char **argv)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        STORY(recovery_from_a_mark_knows_every_open_request),
        STORY(events_of_no_request_are_kept_where_there_is_no_snapshot),
        STORY(what_the_snapshot_holds_is_not_told_again),
        STORY(pruned_journal_still_shows_open_requests),
        STORY(trail_is_whole_after_its_beginning_was_pruned),
        STORY(mark_far_before_its_snapshot_leaves_no_half_of_a_request),
        STORY(mark_is_due_when_too_much_would_be_replayed),
        STORY(mark_is_due_earlier_when_little_is_going_on),
    };

    if (argc != 2) {
        return 64;
    }
    engine_kind = strcmp(argv[1], "memory") == 0 ? STORE_ENGINE_MEMORY : STORE_ENGINE_SQLITE;
    return cmocka_run_group_tests_name(argv[1], tests, NULL, NULL);
}
