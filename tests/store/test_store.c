/*
 * The store's handle over both engines (the engine's name is the argument): commits, reads, recovery, history.
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

static enum store_engine engine_kind;

struct world {
    char *dir;
    struct store_options options;
    struct store *store;
};

static int
setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    world->dir = helper_dir_make();
    world->options = helper_options(engine_kind);
    world->store = helper_open(world->dir, &world->options);
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

static void
reopen(struct world *world)
{
    helper_close(&world->store);
    world->store = helper_open(world->dir, &world->options);
}

static void
expect_event(struct store *store, uint64_t seq, uint64_t request)
{
    struct proto_event event;
    struct proto_error why;
    struct store_error error = {0};
    const uint8_t *p;
    uint32_t n;
    size_t used;

    if (store_read(store, seq, &p, &n, &error) != STORE_OK) {
        fail_msg("%llu: %s", (unsigned long long)seq, error.text);
    }
    assert_true(proto_event_decode(p, n, &used, &event, &why));
    assert_int_equal(event.id, request);
}

/* ------------------------------------------------------------- commits */

/* D2 */
static void
nothing_is_durable_before_its_commit_ended(void **state)
{
    struct world *world = *state;
    struct helper_request request = helper_request_of(1);
    struct store_error error;
    uint64_t durable = 99;

    helper_lifecycle(world->store, &request, 1);
    assert_int_equal(store_commit_end(world->store, &durable, &error), STORE_OK);
    assert_int_equal(durable, 0);
    assert_int_equal(store_last_seq(world->store), 3);
    store_commit_begin(world->store);
    assert_true(store_commit_busy(world->store));
    while (durable < 3) {
        struct pollfd poll_fd = {.fd = store_fd(world->store), .events = POLLIN};
        assert_int_equal(poll(&poll_fd, 1, 10000), 1);
        assert_int_equal(store_commit_end(world->store, &durable, &error), STORE_OK);
    }
    assert_false(store_commit_busy(world->store));
}

static void
one_batch_fills_while_another_is_in_commit(void **state)
{
    struct world *world = *state;
    struct helper_request first = helper_request_of(1), second = helper_request_of(2);

    helper_lifecycle(world->store, &first, 1);
    store_commit_begin(world->store);
    helper_lifecycle(world->store, &second, 2);
    store_commit_begin(world->store); /* the committer may still be busy: then this does nothing */
    expect_event(world->store, 2, first.id);
    expect_event(world->store, 5, second.id);
    helper_commit(world->store);
    assert_int_equal(store_durable_seq(world->store), 6);
    expect_event(world->store, 2, first.id);
    expect_event(world->store, 5, second.id);
}

static void
batch_is_full_at_its_cap(void **state)
{
    struct world *world = *state;
    struct helper_request request = helper_request_of(1);

    helper_close(&world->store);
    world->options.batch_events_max = 6;
    world->store = helper_open(world->dir, &world->options);
    helper_lifecycle(world->store, &request, 1);
    assert_false(store_batch_full(world->store));
    helper_lifecycle(world->store, &request, 1);
    assert_true(store_batch_full(world->store));
    store_commit_begin(world->store);
    assert_false(store_batch_full(world->store));
    helper_commit(world->store);
}

struct replayed {
    uint64_t last;
    uint64_t events;
    uint64_t bytes;
    bool ordered;
};

static int
replay_note(void *context, enum store_origin origin, uint64_t seq, const uint8_t *p, uint32_t n)
{
    struct replayed *replayed = context;

    replayed->ordered = replayed->ordered && origin == STORE_FROM_JOURNAL && seq == replayed->last + 1;
    replayed->last = seq;
    replayed->events++;
    replayed->bytes += n;
    return 0;
}

/* D1 D4 */
static void
every_committed_event_is_replayed_in_order(void **state)
{
    struct world *world = *state;
    struct replayed replayed = {.ordered = true};
    struct store_error error = {0};
    uint32_t seed = 7;

    for (uint32_t i = 0; i < 500; i++) {
        struct helper_request request = helper_request_of(i);
        helper_lifecycle(world->store, &request, i);
        seed = seed * 1103515245u + 12345u;
        if (seed >> 16 & 1) {
            store_commit_begin(world->store);
        }
        if ((seed >> 17 & 7) == 0) {
            helper_commit(world->store);
        }
    }
    helper_close(&world->store);
    assert_int_equal(store_open(world->dir, &world->options, &world->store, &error), STORE_OK);
    assert_int_equal(store_replay(world->store, replay_note, &replayed, &error), STORE_OK);
    assert_true(replayed.ordered);
    assert_int_equal(replayed.events, 1500);
    assert_int_equal(store_last_seq(world->store), 1500);
}

static int
replay_refuse(void *context, enum store_origin origin, uint64_t seq, const uint8_t *p, uint32_t n)
{
    return seq == 2;
}

static void
replay_ends_where_the_caller_refuses(void **state)
{
    struct world *world = *state;
    struct helper_request request = helper_request_of(1);
    struct store_error error = {0};

    helper_lifecycle(world->store, &request, 1);
    helper_close(&world->store);
    assert_int_equal(store_open(world->dir, &world->options, &world->store, &error), STORE_OK);
    assert_int_equal(store_replay(world->store, replay_refuse, NULL, &error), STORE_STOPPED);
    assert_int_equal(error.seq, 2);
    assert_int_equal(store_close(&world->store, 0, &error), STORE_OK);
    world->store = helper_open(world->dir, &world->options);
}

/* D6 */
static void
client_that_saw_more_than_the_journal_holds_is_a_witness(void **state)
{
    struct world *world = *state;
    struct helper_request request = helper_request_of(1);
    struct store_error error;

    helper_lifecycle(world->store, &request, 1);
    helper_commit(world->store);
    assert_int_equal(store_witness(world->store, 3, &error), STORE_OK);
    assert_int_equal(store_witness(world->store, 4, &error), STORE_BEHIND);
    assert_int_equal(error.seq, 4);
}

/* ------------------------------------------------------------- reads */

static void
any_event_is_read_from_wherever_it_is(void **state)
{
    struct world *world = *state;
    uint64_t ids[400];
    struct store_stats stats;

    for (uint32_t i = 0; i < 400; i++) {
        struct helper_request request = helper_request_of(i);
        ids[i] = request.id;
        helper_lifecycle(world->store, &request, i);
        if (i % 10 == 9 && i < 390) {
            helper_commit(world->store);
        }
    }
    for (uint32_t i = 0; i < 2000; i++) {
        uint64_t seq = 1 + (i * 7919u) % 1200;
        expect_event(world->store, seq, ids[(seq - 1) / 3]);
    }
    store_stats(world->store, &stats);
    assert_true(stats.reads_recent > 0 && stats.reads_cached > 0 && stats.reads_disk > 0);
    /* B1 */
    assert_true(stats.memory_bytes < world->options.recent_bytes_max + world->options.cache_bytes_max + (1 << 20));
}

static void
event_that_was_never_appended_is_not_found(void **state)
{
    struct world *world = *state;
    struct store_error error;
    const uint8_t *p;
    uint32_t n;

    assert_int_equal(store_read(world->store, 0, &p, &n, &error), STORE_NOT_FOUND);
    assert_int_equal(store_read(world->store, 1, &p, &n, &error), STORE_NOT_FOUND);
}

/* ------------------------------------------------------------- history */

static void
finished_request_is_found_with_its_trail(void **state)
{
    struct world *world = *state;
    struct helper_request request = helper_request_of(5), other = helper_request_of(6);
    struct store_finished row;
    struct store_error error = {0};
    uint32_t offset = 0, n, events = 0;
    uint64_t seq, want[] = {1, 3, 5};
    const uint8_t *p;

    helper_append(world->store, PROTO_EV_ACCEPTED, &request, PROTO_STATUS_READY, 10, 300);
    helper_append(world->store, PROTO_EV_ACCEPTED, &other, PROTO_STATUS_READY, 11, 300);
    helper_append(world->store, PROTO_EV_ASSIGNED, &request, PROTO_STATUS_IN_PROGRESS, 12, 0);
    helper_commit(world->store);
    helper_append(world->store, PROTO_EV_ASSIGNED, &other, PROTO_STATUS_IN_PROGRESS, 13, 0);
    helper_append(world->store, PROTO_EV_PROGRESSED, &request, PROTO_STATUS_IN_PROGRESS, 14, 20);
    helper_append(world->store, PROTO_EV_COMPLETED, &request, PROTO_STATUS_COMPLETED, 15, 64);
    helper_projected(world->store);
    assert_int_equal(store_history_get(world->store, other.id, &row, &error), STORE_NOT_FOUND);
    assert_int_equal(store_history_get(world->store, request.id, &row, &error), STORE_OK);
    assert_int_equal(row.seq, 6);
    assert_int_equal(row.finished_us, 15);
    assert_int_equal(row.status, PROTO_STATUS_COMPLETED);
    while (store_trail_next(row.trail, row.trail_n, &offset, &seq, &p, &n)) {
        struct proto_event event;
        struct proto_error why;
        size_t used;
        assert_true(proto_event_decode(p, n, &used, &event, &why));
        assert_int_equal(event.id, request.id);
        assert_int_equal(seq, want[events++]);
    }
    assert_int_equal(events, 3);
    assert_int_equal(offset, row.trail_n);
}

struct listed {
    uint64_t ids[4096];
    int64_t at[4096];
    uint32_t count, stop_after;
};

static int
list_note(void *context, const struct store_finished *row)
{
    struct listed *listed = context;

    if (listed->count == listed->stop_after) {
        return 1;
    }
    listed->ids[listed->count] = row->id;
    listed->at[listed->count++] = row->finished_us;
    return 0;
}

/* All pages of a query together. */
static uint32_t
list_all(struct store *store, struct store_query query, struct listed *listed)
{
    char cursor[STORE_CURSOR_BYTES] = "";
    struct store_error error = {0};
    uint32_t pages = 0;

    *listed = (struct listed){.stop_after = 4096};
    do {
        query.after = cursor;
        if (store_history_list(store, &query, list_note, listed, cursor, &error) != STORE_OK) {
            fail_msg("%s", error.text);
        }
        pages++;
    } while (cursor[0] != '\0');
    for (uint32_t i = 1; i < listed->count; i++) {
        assert_true(listed->at[i] < listed->at[i - 1] ||
                    (listed->at[i] == listed->at[i - 1] && listed->ids[i] < listed->ids[i - 1]));
    }
    return pages;
}

static void
history_fill(struct world *world, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct helper_request request = helper_request_of(i);
        helper_append(world->store, PROTO_EV_ACCEPTED, &request, PROTO_STATUS_READY, i, 16);
        helper_append(world->store, i % 5 == 0 ? PROTO_EV_CANCELLED : PROTO_EV_COMPLETED, &request,
                      i % 5 == 0 ? PROTO_STATUS_CANCELLED : PROTO_STATUS_COMPLETED, 1000 + i / 3, 0);
    }
    helper_projected(world->store);
}

static void
lists_are_whole_and_newest_first(void **state)
{
    struct world *world = *state;
    struct store_query query = {.rows_max = 7, .scan_max = 1000};
    struct listed *listed = malloc(sizeof(*listed));

    history_fill(world, 600);
    assert_int_equal(list_all(world->store, query, listed), 86);
    assert_int_equal(listed->count, 600);
    query.requester = "bio-a";
    list_all(world->store, query, listed);
    assert_int_equal(listed->count, 200);
    query.service = "testing.assay";
    list_all(world->store, query, listed);
    assert_int_equal(listed->count, 50);
    query.requester = NULL;
    list_all(world->store, query, listed);
    assert_int_equal(listed->count, 150);
    query.service = NULL;
    query.performer = "lab-1";
    list_all(world->store, query, listed);
    assert_int_equal(listed->count, 300);
    query.status_mask = 1u << PROTO_STATUS_CANCELLED;
    list_all(world->store, query, listed);
    assert_int_equal(listed->count, 60);
    query.performer = NULL;
    query.status_mask = 0;
    query.since_us = 1100;
    query.until_us = 1150;
    list_all(world->store, query, listed);
    assert_int_equal(listed->count, 150);
    query.requester = "nobody";
    list_all(world->store, query, listed);
    assert_int_equal(listed->count, 0);
    free(listed);
}

static void
party_that_asks_and_performs_sees_each_request_once(void **state)
{
    struct world *world = *state;
    struct store_query query = {.requester = "lab-1", .performer = "lab-1", .rows_max = 4, .scan_max = 100};
    struct listed *listed = malloc(sizeof(*listed));

    for (uint32_t i = 0; i < 30; i++) {
        struct helper_request request = helper_request_of(i);
        request.requester = i % 2 == 0 ? "lab-1" : "bio-a";
        request.performer = i % 3 == 0 ? "lab-1" : "lab-2";
        helper_lifecycle(world->store, &request, i);
    }
    helper_projected(world->store);
    list_all(world->store, query, listed);
    assert_int_equal(listed->count, 20); /* 15 asked, 10 performed, 5 of them both */
    free(listed);
}

/* B5 */
static void
page_ends_at_its_scan_limit_and_goes_on(void **state)
{
    struct world *world = *state;
    struct store_query query = {.rows_max = 100, .scan_max = 10, .status_mask = 1u << PROTO_STATUS_FAILED};
    struct listed *listed = malloc(sizeof(*listed));

    history_fill(world, 95);
    assert_int_equal(list_all(world->store, query, listed), 10);
    assert_int_equal(listed->count, 0);
    query.status_mask = 1u << PROTO_STATUS_CANCELLED;
    list_all(world->store, query, listed);
    assert_int_equal(listed->count, 19);
    free(listed);
}

static void
page_goes_on_with_the_row_that_was_not_taken(void **state)
{
    struct world *world = *state;
    struct store_query query = {.rows_max = 100, .scan_max = 100};
    struct listed *listed = calloc(1, sizeof(*listed));
    char cursor[STORE_CURSOR_BYTES] = "";
    struct store_error error;

    history_fill(world, 20);
    listed->stop_after = 8;
    assert_int_equal(store_history_list(world->store, &query, list_note, listed, cursor, &error), STORE_OK);
    assert_int_equal(listed->count, 8);
    listed->stop_after = 100;
    query.after = cursor;
    assert_int_equal(store_history_list(world->store, &query, list_note, listed, cursor, &error), STORE_OK);
    assert_int_equal(listed->count, 20);
    assert_string_equal(cursor, "");
    query.after = "nonsense";
    assert_int_equal(store_history_list(world->store, &query, list_note, listed, cursor, &error), STORE_INVALID);
    free(listed);
}

static void
history_catches_up_from_the_journal_after_a_stop(void **state)
{
    struct world *world = *state;
    struct store_finished row;
    struct store_error error;

    if (engine_kind == STORE_ENGINE_MEMORY) {
        skip();
    }
    for (uint32_t i = 0; i < 300; i++) {
        struct helper_request request = helper_request_of(i);
        helper_lifecycle(world->store, &request, i);
    }
    helper_commit(world->store);
    assert_int_equal(store_close(&world->store, 0, &error), STORE_OK); /* no time to catch up */
    world->store = helper_open(world->dir, &world->options);
    helper_projected(world->store);
    for (uint32_t i = 0; i < 300; i++) {
        assert_int_equal(store_history_get(world->store, helper_request_of(i).id, &row, &error), STORE_OK);
    }
}

static void
history_survives_a_reopen(void **state)
{
    struct world *world = *state;
    struct listed *listed = malloc(sizeof(*listed));

    history_fill(world, 50);
    reopen(world);
    helper_projected(world->store);
    list_all(world->store, (struct store_query){.rows_max = 100, .scan_max = 100}, listed);
    assert_int_equal(listed->count, 50);
    free(listed);
}

int
main(int argc, char **argv)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        STORY(nothing_is_durable_before_its_commit_ended),
        STORY(one_batch_fills_while_another_is_in_commit),
        STORY(batch_is_full_at_its_cap),
        STORY(every_committed_event_is_replayed_in_order),
        STORY(replay_ends_where_the_caller_refuses),
        STORY(client_that_saw_more_than_the_journal_holds_is_a_witness),
        STORY(any_event_is_read_from_wherever_it_is),
        STORY(event_that_was_never_appended_is_not_found),
        STORY(finished_request_is_found_with_its_trail),
        STORY(lists_are_whole_and_newest_first),
        STORY(party_that_asks_and_performs_sees_each_request_once),
        STORY(page_ends_at_its_scan_limit_and_goes_on),
        STORY(page_goes_on_with_the_row_that_was_not_taken),
        STORY(history_catches_up_from_the_journal_after_a_stop),
        STORY(history_survives_a_reopen),
    };

    if (argc != 2) {
        return 64;
    }
    engine_kind = strcmp(argv[1], "memory") == 0 ? STORE_ENGINE_MEMORY : STORE_ENGINE_SQLITE;
    return cmocka_run_group_tests_name(argv[1], tests, NULL, NULL);
}
