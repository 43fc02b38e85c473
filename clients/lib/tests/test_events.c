/* Events against a scripted broker: watches, tracked requests, await, the descriptor, and what stays valid how long. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake.h"

#define A_WHILE QIAO_SECONDS(60)

static struct qiao_event
next_event(struct qiao_client *client, enum qiao_event_kind kind)
{
    struct qiao_event event;

    do {
        assert_int_equal(qiao_next_event(client, A_WHILE, &event), QIAO_OK);
    } while (event.kind != kind && (event.kind == QIAO_EVENT_CONNECTED || event.kind == QIAO_EVENT_DISCONNECTED));
    assert_int_equal(event.kind, kind);
    return event;
}

static struct proto_record
change(uint64_t re, uint64_t id, uint64_t seq, enum proto_status status)
{
    struct proto_record record;

    proto_record_init(&record, PROTO_EVENT);
    record.re = re;
    record.u.event.id = id;
    record.u.event.seq = seq;
    record.u.event.status = status;
    record.u.event.event = PROTO_STR("some");
    record.u.event.service = PROTO_STR("bench.echo");
    record.u.event.outcome = PROTO_STR("fine");
    record.body = (struct proto_bin){(const uint8_t *)"result", 6};
    return record;
}

/* A watch gets ten events from behind its sequence, then the connection breaks; the next one gets ten more. */
static bool
tells_ten_and_breaks(struct fake *fake, const struct proto_record *record, void *user)
{
    if (record->type != PROTO_WATCH) {
        return false;
    }
    if (fake_connection(fake) == 1) {
        for (uint64_t seq = record->u.watch.seq + 1; seq <= record->u.watch.seq + 10; seq++) {
            struct proto_record event = change(record->n, 64, seq, PROTO_STATUS_IN_PROGRESS);

            fake_put(fake, &event);
        }
    } else {
        struct proto_record event = change(record->n, 64, record->u.watch.seq + 1, PROTO_STATUS_COMPLETED);

        fake_put(fake, &event);
    }
    return true;
}

static void
watch_goes_on_behind_the_last_event_that_was_taken(void **state)
{
    struct fake *fake = fake_new(tells_ten_and_breaks, NULL);
    struct qiao_client *client = fake_client(fake, NULL);
    struct qiao_watch_query query = {.seq = 100, .credit = 4};
    struct proto_record record;
    struct qiao_event event;
    uint64_t watch;

    assert_int_equal(qiao_watch_begin(client, &query, &watch), QIAO_OK);
    for (uint64_t seq = 101; seq <= 110; seq++) {
        event = next_event(client, QIAO_EVENT_CHANGE);
        assert_int_equal(event.watch, watch);
        assert_int_equal(event.change.seq, seq);
    }
    assert_int_equal(qiao_flush(client), QIAO_OK);
    fake_await(fake, PROTO_CREDIT, 1);
    fake_restart(fake);
    event = next_event(client, QIAO_EVENT_CHANGE);
    assert_int_equal(event.watch, watch);
    assert_int_equal(event.change.seq, 111);
    assert_int_equal(event.change.status, QIAO_TASK_COMPLETED);
    fake_seen_at(fake, PROTO_WATCH, 1, &record);
    assert_int_equal(record.u.watch.seq, 110);
    assert_int_equal(qiao_watch_end(client, watch), QIAO_OK);
    assert_int_equal(qiao_watch_end(client, watch), QIAO_ARGUMENT);
    assert_int_equal(qiao_flush(client), QIAO_OK);
    fake_await(fake, PROTO_WATCH, 3);
    fake_seen_at(fake, PROTO_WATCH, 2, &record);
    assert_true(record.u.watch.stop && record.re != 0);
    qiao_client_close(&client, 0);
    fake_free(&fake);
}

static bool
refuses_watches(struct fake *fake, const struct proto_record *record, void *user)
{
    if (record->type != PROTO_WATCH) {
        return false;
    }
    fake_refuse(fake, record->n, PROTO_REFUSAL_CODE_FORBIDDEN, "not for you", "scope");
    return true;
}

static void
refused_watch_says_so(void **state)
{
    struct fake *fake = fake_new(refuses_watches, NULL);
    struct qiao_client *client = fake_client(fake, NULL);
    struct qiao_watch_query query = {.scope = QIAO_SCOPE_ALL};
    struct qiao_event event;
    uint64_t watch;

    assert_int_equal(qiao_watch_begin(client, &query, &watch), QIAO_OK);
    event = next_event(client, QIAO_EVENT_WATCH_ENDED);
    assert_int_equal(event.watch, watch);
    assert_int_equal(event.answer.status, QIAO_FORBIDDEN);
    assert_string_equal(event.answer.refusal.message, "not for you");
    qiao_client_close(&client, 0);
    fake_free(&fake);
}

/* Takes submissions; the outcome comes only through the watch of the second connection. */
static bool
forgets_outcomes(struct fake *fake, const struct proto_record *record, void *user)
{
    if (record->type == PROTO_SUBMIT) {
        fake_receipt(fake, record->n, 64 * record->n, 7);
        return true;
    }
    if (record->type == PROTO_WATCH && !record->u.watch.stop) {
        struct proto_record submit, other = change(record->n, 6400000, 8, PROTO_STATUS_COMPLETED), own;

        *(uint64_t *)user = record->u.watch.seq;
        fake_put(fake, &other); /* of another client of the party */
        proto_record_init(&submit, PROTO_SUBMIT);
        for (uint64_t n = 1; n < 10; n++) {
            own = change(record->n, 64 * n, 8 + n, PROTO_STATUS_IN_PROGRESS);
            fake_put(fake, &own);
            own = change(record->n, 64 * n, 20 + n, PROTO_STATUS_COMPLETED);
            fake_put(fake, &own);
        }
        return true;
    }
    return false;
}

static void
tracked_outcome_is_found_after_the_connection_broke(void **state)
{
    uint64_t from = 0;
    struct fake *fake = fake_new(forgets_outcomes, &from);
    struct qiao_client *client = fake_client(fake, NULL);
    struct qiao_submission submission = {.service = "bench.echo", .track = true};
    struct qiao_event event;
    struct proto_record record;
    int tag;

    assert_int_equal(qiao_submit_begin(client, &submission, &tag), QIAO_OK);
    event = next_event(client, QIAO_EVENT_ANSWER);
    assert_int_equal(qiao_tracked(client), 1);
    fake_restart(fake);
    event = next_event(client, QIAO_EVENT_CHANGE);
    assert_ptr_equal(event.tag, &tag);
    assert_int_equal(event.watch, 0);
    assert_int_equal(event.change.status, QIAO_TASK_COMPLETED);
    assert_string_equal(event.change.outcome, "fine");
    assert_memory_equal(event.change.body.p, "result", 6);
    assert_int_equal(from, 7);
    assert_int_equal(qiao_tracked(client), 0);
    qiao_process(client);
    fake_await(fake, PROTO_WATCH, 2); /* the library's own watch ended with its last request */
    fake_seen_at(fake, PROTO_WATCH, 1, &record);
    assert_true(record.u.watch.stop);
    assert_int_equal(qiao_next_event(client, 0, &event), QIAO_TIMEOUT);
    qiao_client_close(&client, 0);
    fake_free(&fake);
}

static bool
submits_and_tells(struct fake *fake, const struct proto_record *record, void *user)
{
    if (record->type == PROTO_SUBMIT) {
        struct proto_record event = change(0, 64 * record->n, 8, PROTO_STATUS_COMPLETED);

        fake_receipt(fake, record->n, 64 * record->n, 7);
        fake_put(fake, &event);
        return true;
    }
    if (record->type == PROTO_GET) {
        fake_refuse(fake, record->n, PROTO_REFUSAL_CODE_NOT_FOUND, "no such request", "id");
        return true;
    }
    return false;
}

static void
what_an_event_points_to_outlives_other_calls(void **state)
{
    struct fake *fake = fake_new(submits_and_tells, NULL);
    struct qiao_client *client = fake_client(fake, NULL);
    struct qiao_submission submission = {.service = "bench.echo", .track = true};
    struct qiao_event event;
    struct qiao_page *page;
    int tag;

    assert_int_equal(qiao_submit_begin(client, &submission, &tag), QIAO_OK);
    assert_int_equal(qiao_submit_begin(client, &submission, &tag), QIAO_OK);
    event = next_event(client, QIAO_EVENT_ANSWER);
    event = next_event(client, QIAO_EVENT_CHANGE);
    /* The rest of that frame is put by while the call waits. */
    assert_int_equal(qiao_get(client, 64, 0, A_WHILE, &page), QIAO_NOT_FOUND);
    assert_int_equal(qiao_process(client), QIAO_OK);
    assert_string_equal(event.change.service, "bench.echo");
    assert_string_equal(event.change.event, "some");
    assert_ptr_equal(event.tag, &tag);
    event = next_event(client, QIAO_EVENT_ANSWER);
    event = next_event(client, QIAO_EVENT_CHANGE);
    assert_int_equal(qiao_get(client, 64, 0, A_WHILE, &page), QIAO_NOT_FOUND);
    assert_string_equal(event.change.outcome, "fine");
    qiao_client_close(&client, 0);
    fake_free(&fake);
}

static void
descriptor_is_readable_when_something_came(void **state)
{
    struct fake *fake = fake_new(submits_and_tells, NULL);
    struct qiao_client *client = fake_client(fake, NULL);
    struct qiao_submission submission = {.service = "bench.echo"};
    struct qiao_event event;
    int seen = 0;

    assert_int_equal(qiao_submit_begin(client, &submission, NULL), QIAO_OK);
    assert_int_equal(qiao_flush(client), QIAO_OK);
    while (seen < 2) {
        struct pollfd item = {.fd = qiao_fd(client), .events = POLLIN};
        enum qiao_status status;

        assert_int_equal(poll(&item, 1, 60000), 1);
        while ((status = qiao_next_event(client, 0, &event)) == QIAO_OK) {
            seen++;
        }
        assert_int_equal(status, QIAO_TIMEOUT);
    }
    qiao_client_close(&client, 0);
    fake_free(&fake);
}

/* First in-progress; the watch tells the end; then completed. */
static bool
finishes_while_watched(struct fake *fake, const struct proto_record *record, void *user)
{
    bool *over = user;
    struct proto_record answer;

    if (record->type == PROTO_GET) {
        struct proto_buf rows;
        struct proto_request row = {.id = record->u.get.id, .seq = 50, .service = PROTO_STR("bench.echo")};

        row.status = *over ? PROTO_STATUS_COMPLETED : PROTO_STATUS_IN_PROGRESS;
        proto_buf_init(&rows, 65536);
        proto_buf_append(&rows, "\x91", 1);
        proto_struct_encode(&rows, PROTO_STRUCT_REQUEST, &row);
        proto_record_init(&answer, PROTO_PAGE);
        answer.re = record->n;
        answer.u.page.kind = PROTO_PAGE_KIND_REQUEST;
        answer.u.page.rows = (struct proto_bin){rows.p, (uint32_t)rows.n};
        answer.body = (struct proto_bin){(const uint8_t *)"result", 6};
        fake_put(fake, &answer);
        proto_buf_fini(&rows);
        return true;
    }
    if (record->type == PROTO_WATCH && !record->u.watch.stop) {
        *over = true;
        answer = change(record->n, record->u.watch.id, 51, PROTO_STATUS_IN_PROGRESS);
        fake_put(fake, &answer);
        answer = change(record->n, record->u.watch.id, 52, PROTO_STATUS_COMPLETED);
        fake_put(fake, &answer);
        return true;
    }
    return false;
}

static void
await_follows_a_request_to_its_end(void **state)
{
    bool over = false;
    struct fake *fake = fake_new(finishes_while_watched, &over);
    struct qiao_client *client = fake_client(fake, NULL);
    struct qiao_page *page = NULL;
    struct qiao_event event;
    struct proto_record record;

    assert_int_equal(qiao_await(client, 640, false, A_WHILE, &page), QIAO_OK);
    assert_int_equal(page->count, 1);
    assert_int_equal(page->requests[0].status, QIAO_TASK_COMPLETED);
    assert_string_equal(page->requests[0].service, "bench.echo");
    assert_string_equal(page->requests[0].outcome, "");
    assert_memory_equal(page->body.p, "result", 6);
    qiao_page_free(&page);
    assert_null(page);
    fake_seen_at(fake, PROTO_WATCH, 0, &record);
    assert_int_equal(record.u.watch.seq, 50);
    /* Nothing of it is left for the caller. */
    assert_int_equal(qiao_next_event(client, 0, &event), QIAO_TIMEOUT);
    qiao_client_close(&client, 0);
    fake_free(&fake);
}

static bool
never_finishes(struct fake *fake, const struct proto_record *record, void *user)
{
    bool never = false;

    return record->type == PROTO_WATCH || finishes_while_watched(fake, record, &never);
}

static void
await_says_not_yet(void **state)
{
    struct fake *fake = fake_new(never_finishes, NULL);
    struct qiao_client *client = fake_client(fake, NULL);
    struct qiao_page *page = NULL;

    assert_int_equal(qiao_await(client, 640, false, 10000, &page), QIAO_TIMEOUT);
    assert_null(page);
    qiao_client_close(&client, 0);
    fake_free(&fake);
}

/* B1: a caller who makes only blocking calls does not make the backlog grow for ever. */
static bool
floods(struct fake *fake, const struct proto_record *record, void *user)
{
    struct proto_record event;

    if (record->type != PROTO_GET) {
        return false;
    }
    for (uint64_t seq = 1; seq <= 100; seq++) {
        event = change(0, 64, seq, PROTO_STATUS_IN_PROGRESS);
        fake_put(fake, &event);
    }
    return true;
}

static void
backlog_has_a_limit(void **state)
{
    struct fake *fake = fake_new(floods, NULL);
    struct qiao_options options = {.backlog_bytes_max = 4096};
    struct qiao_client *client = fake_client(fake, &options);
    struct qiao_page *page;
    struct qiao_event event;

    assert_int_equal(qiao_get(client, 64, 0, A_WHILE, &page), QIAO_FULL);
    for (int at = 0; at < 100; at++) {
        event = next_event(client, QIAO_EVENT_CHANGE);
        assert_int_equal(event.change.seq, at + 1);
    }
    qiao_client_close(&client, 0);
    fake_free(&fake);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(watch_goes_on_behind_the_last_event_that_was_taken),
        cmocka_unit_test(refused_watch_says_so),
        cmocka_unit_test(tracked_outcome_is_found_after_the_connection_broke),
        cmocka_unit_test(what_an_event_points_to_outlives_other_calls),
        cmocka_unit_test(descriptor_is_readable_when_something_came),
        cmocka_unit_test(await_follows_a_request_to_its_end),
        cmocka_unit_test(await_says_not_yet),
        cmocka_unit_test(backlog_has_a_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
