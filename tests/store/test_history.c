/*
 * History over both engines (the engine's name is the argument): rows, trails, pages.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "world.h"

static void
reopen(struct world *world)
{
    helper_close(&world->store);
    world->store = helper_open(world->dir, &world->options);
}

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

struct picked {
    struct listed listed;
    uint32_t passed, events;
};

/* Takes every third row, and looks at the trail of each. */
static int
third_pick(void *context, const struct store_finished *row)
{
    struct picked *picked = context;
    uint32_t offset = 0, n;
    uint64_t seq;
    const uint8_t *p;

    while (store_trail_next(row->trail, row->trail_n, &offset, &seq, &p, &n)) {
        assert_true(seq < row->seq);
        picked->events++;
    }
    if ((picked->passed + picked->listed.count) % 3 != 0) {
        picked->passed++;
        return STORE_ROW_PASSED;
    }
    return list_note(&picked->listed, row);
}

static void
rows_that_are_passed_fill_no_page_and_trails_come_when_asked_for(void **state)
{
    struct world *world = *state;
    struct store_query query = {.rows_max = 4, .scan_max = 1000, .trail = true};
    struct picked *picked = calloc(1, sizeof(*picked));
    char cursor[STORE_CURSOR_BYTES] = "";
    struct store_error error;

    history_fill(world, 21);
    picked->listed.stop_after = 100;
    assert_int_equal(store_history_list(world->store, &query, third_pick, picked, cursor, &error), STORE_OK);
    assert_int_equal(picked->listed.count, 4);
    assert_int_equal(picked->passed, 6);
    assert_int_equal(picked->events, 10);
    query.after = cursor;
    assert_int_equal(store_history_list(world->store, &query, third_pick, picked, cursor, &error), STORE_OK);
    assert_int_equal(picked->listed.count, 7);
    assert_string_equal(cursor, "");
    query = (struct store_query){.rows_max = 4, .scan_max = 1000};
    memset(picked, 0, sizeof(*picked));
    picked->listed.stop_after = 100;
    assert_int_equal(store_history_list(world->store, &query, third_pick, picked, cursor, &error), STORE_OK);
    assert_int_equal(picked->events, 0);
    free(picked);
}

/* A prefix means the services below it: not the one that is called so, and not one that only begins alike. */
static void
services_are_listed_by_prefix(void **state)
{
    static const char *const services[] = {"cdmo.tcm", "cdmo.antibody", "cdmo", "cdmox.tcm", "cdmo-x", "cdm.o"};
    struct world *world = *state;
    struct listed *listed = calloc(1, sizeof(*listed));
    struct store_query query = {.rows_max = 2, .scan_max = 100, .service = "cdmo.*"};

    for (uint32_t i = 0; i < 12; i++) {
        struct helper_request request = helper_request_of(i);
        request.service = services[i % 6];
        request.requester = i < 6 ? "r1" : "r2";
        helper_lifecycle(world->store, &request, 100 + i);
    }
    helper_projected(world->store);
    list_all(world->store, query, listed);
    assert_int_equal(listed->count, 4);
    query.requester = "r2";
    list_all(world->store, query, listed);
    assert_int_equal(listed->count, 2);
    query.service = "nothing.*";
    list_all(world->store, query, listed);
    assert_int_equal(listed->count, 0);
    free(listed);
}

static void
history_catches_up_from_the_journal_after_a_stop(void **state)
{
    struct world *world = *state;
    struct store_finished row;
    struct store_error error;

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

struct told {
    struct store *store;
    uint64_t most; /* the highest sequence that was called projected during the replay */
};

static int
projected_note(void *context, enum store_origin origin, uint64_t seq, const uint8_t *p, uint32_t n)
{
    struct told *told = context;
    uint64_t projected;

    store_projected(told->store, &projected);
    told->most = projected > told->most ? projected : told->most;
    return 0;
}

/* D1, N4: what is called projected is forgotten by the core; history that lags behind the journal must not be believed to have it. */
static void
nothing_counts_as_projected_before_history_has_it_during_replay_too(void **state)
{
    struct world *world = *state;
    struct told told = {0};
    struct store_error error;

    history_fill(world, 10);
    for (uint32_t i = 10; i < 300; i++) {
        struct helper_request request = helper_request_of(i);
        helper_lifecycle(world->store, &request, i);
    }
    helper_commit(world->store);
    assert_int_equal(store_close(&world->store, 0, &error), STORE_OK); /* no time to catch up */
    assert_int_equal(store_open(world->dir, &world->options, &told.store, &error), STORE_OK);
    world->store = told.store;
    assert_int_equal(store_replay(told.store, projected_note, &told, &error), STORE_OK);
    assert_true(told.most < store_last_seq(told.store));
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
#define STORY(name) cmocka_unit_test_setup_teardown(name, world_setup_open, world_teardown_open)
    const struct CMUnitTest tests[] = {
        STORY(finished_request_is_found_with_its_trail),
        STORY(lists_are_whole_and_newest_first),
        STORY(party_that_asks_and_performs_sees_each_request_once),
        STORY(page_ends_at_its_scan_limit_and_goes_on),
        STORY(page_goes_on_with_the_row_that_was_not_taken),
        STORY(rows_that_are_passed_fill_no_page_and_trails_come_when_asked_for),
        STORY(services_are_listed_by_prefix),
        STORY(history_catches_up_from_the_journal_after_a_stop),
        STORY(nothing_counts_as_projected_before_history_has_it_during_replay_too),
        STORY(history_survives_a_reopen),
    };

    if (argc != 2) {
        return 64;
    }
    world_engine_set(argv[1]);
    return cmocka_run_group_tests_name(argv[1], tests, NULL, NULL);
}
