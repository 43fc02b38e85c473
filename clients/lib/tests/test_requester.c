/* The requester's side against a scripted broker: receipts, refusals, lost answers, packing, watches, tracking. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake.h"

static const struct qiao_submission ECHO = {.service = "bench.echo"};

#define A_WHILE QIAO_SECONDS(60)

static uint64_t
id_of(uint64_t number)
{
    return number << 6;
}

/* Every submission gets the id of its number. */
static bool
accepts(struct fake *fake, const struct proto_record *record, void *user)
{
    if (record->type != PROTO_SUBMIT) {
        return false;
    }
    fake_receipt(fake, record->n, id_of(record->n), record->n);
    return true;
}

static struct qiao_event
next_event(struct qiao_client *client)
{
    struct qiao_event event;

    assert_int_equal(qiao_next_event(client, A_WHILE, &event), QIAO_OK);
    return event;
}

static void
submit_returns_when_the_broker_has_it(void **state)
{
    struct fake *fake = fake_new(accepts, NULL);
    struct qiao_client *client = fake_client(fake, NULL);
    struct qiao_receipt receipt;
    struct proto_record record;

    assert_int_equal(qiao_submit(client, &ECHO, A_WHILE, &receipt), QIAO_OK);
    fake_seen_at(fake, PROTO_SUBMIT, 0, &record);
    assert_int_equal(receipt.id, id_of(record.n));
    assert_int_equal(receipt.status, QIAO_TASK_READY);
    assert_string_equal(receipt.message, "");
    assert_int_equal(qiao_session(client)->seq, record.n);
    assert_string_equal(qiao_session(client)->party, "acme");
    assert_int_equal(qiao_in_flight(client), 0);
    qiao_client_close(&client, 0);
    assert_null(client);
    fake_free(&fake);
}

static void
all_that_was_given_stands_in_the_record(void **state)
{
    struct fake *fake = fake_new(accepts, NULL);
    struct qiao_client *client = fake_client(fake, NULL);
    const char *exclude[] = {"bad", "worse"}, *prefer[] = {"good"};
    struct qiao_map *input = qiao_map_new(), *require = qiao_list_new();
    struct qiao_submission all = {
        .service = "testing.release", .key = "order 7", .body = {"body", 4}, .priority = QIAO_STAT,
        .performer = "lab", .fallback = QIAO_FALLBACK_ANY, .exclude = exclude, .exclude_count = 2, .prefer = prefer,
        .prefer_count = 1, .not_before = 5, .complete_by = 6, .place = {true, 39.9, 116.4}, .cost = 3,
        .subject = "batch 9", .note = "note", .based_on = "contract", .notify = QIAO_NOTIFY_NONE,
    };
    struct proto_record record;
    struct proto_iter it;
    struct proto_str text;

    qiao_map_i64(input, "units", 12);
    qiao_map_begin_list(require, NULL);
    qiao_map_str(require, NULL, "accreditation");
    qiao_map_str(require, NULL, "eq");
    qiao_map_str(require, NULL, "CNAS");
    qiao_map_end(require);
    assert_true(qiao_map_bytes(input, &all.input));
    assert_true(qiao_map_bytes(require, &all.require));
    assert_int_equal(qiao_submit(client, &all, A_WHILE, NULL), QIAO_OK);
    fake_seen_at(fake, PROTO_SUBMIT, 0, &record);
    assert_true(proto_str_eq(record.u.submit.service, PROTO_STR("testing.release")));
    assert_true(proto_str_eq(record.u.submit.key, PROTO_STR("order 7")));
    assert_int_equal(record.u.submit.producer, 0);
    assert_int_equal(record.u.submit.pseq, 0);
    assert_int_equal(record.u.submit.priority, PROTO_PRIORITY_STAT);
    assert_true(proto_str_eq(record.u.submit.performer, PROTO_STR("lab")));
    assert_int_equal(record.u.submit.fallback, PROTO_FALLBACK_ANY);
    it = proto_iter_of(record.u.submit.exclude);
    assert_int_equal(it.left, 2);
    it = proto_iter_of(record.u.submit.prefer);
    assert_true(proto_iter_str(&it, &text) && proto_str_eq(text, PROTO_STR("good")));
    assert_int_equal(record.u.submit.not_before, 5);
    assert_int_equal(record.u.submit.complete_by, 6);
    assert_true(record.u.submit.located && record.u.submit.latitude == 39.9);
    assert_int_equal(record.u.submit.cost, 3);
    assert_int_equal(record.u.submit.notify, PROTO_NOTIFY_NONE);
    assert_int_equal(record.u.submit.input.n, all.input.n);
    assert_int_equal(record.u.submit.require.n, all.require.n);
    assert_memory_equal(record.body.p, "body", 4);
    qiao_map_free(input);
    qiao_map_free(require);
    qiao_client_close(&client, 0);
    fake_free(&fake);
}

static bool
refuses_in_turn(struct fake *fake, const struct proto_record *record, void *user)
{
    enum proto_refusal_code *code = user;

    if (record->type != PROTO_SUBMIT) {
        return false;
    }
    fake_refuse(fake, record->n, *code, "because", "input.units");
    return true;
}

static void
each_refusal_has_its_own_status(void **state)
{
    enum proto_refusal_code code = PROTO_REFUSAL_CODE_MALFORMED;
    struct fake *fake = fake_new(refuses_in_turn, &code);
    struct qiao_client *client = fake_client(fake, NULL);

    for (; code <= PROTO_REFUSAL_CODE_RETRY_LATER; code++) {
        assert_int_equal(qiao_submit(client, &ECHO, A_WHILE, NULL), code);
        assert_int_equal(qiao_last_refusal(client)->code, code);
        assert_string_equal(qiao_last_refusal(client)->message, "because");
        assert_string_equal(qiao_last_refusal(client)->path, "input.units");
        assert_string_equal(qiao_status_name((enum qiao_status)code), proto_enum_name(PROTO_ENUM_REFUSAL_CODE, code));
    }
    qiao_client_close(&client, 0);
    fake_free(&fake);
}

/* Both sides pack what is ready at the same moment. */
static void
what_was_begun_together_leaves_in_one_frame(void **state)
{
    struct fake *fake = fake_new(accepts, NULL);
    struct qiao_client *client = fake_client(fake, NULL);
    int tags[100];

    for (int at = 0; at < 100; at++) {
        assert_int_equal(qiao_submit_begin(client, &ECHO, &tags[at]), QIAO_OK);
    }
    assert_int_equal(qiao_in_flight(client), 100);
    for (int at = 0; at < 100; at++) {
        struct qiao_event event = next_event(client);

        assert_int_equal(event.kind, QIAO_EVENT_ANSWER);
        assert_int_equal(event.answer.status, QIAO_OK);
        assert_ptr_equal(event.tag, &tags[at]);
    }
    assert_int_equal(fake_frames(fake), 2); /* hello, and all of them */
    qiao_client_close(&client, 0);
    fake_free(&fake);
}

static void
large_bodies_are_spread_over_frames(void **state)
{
    struct fake *fake = fake_new(accepts, NULL);
    struct qiao_client *client = fake_client(fake, NULL);
    static char body[65536];
    struct qiao_submission large = {.service = "bench.echo", .body = {body, sizeof body}};

    for (int at = 0; at < 50; at++) {
        assert_int_equal(qiao_submit_begin(client, &large, NULL), QIAO_OK);
    }
    for (int at = 0; at < 50; at++) {
        assert_int_equal(next_event(client).answer.status, QIAO_OK);
    }
    assert_true(fake_frames(fake) >= 4);
    qiao_client_close(&client, 0);
    fake_free(&fake);
}

/* N1, from this side: the first connection swallows what it gets and breaks; the second answers. */
static bool
swallows_once(struct fake *fake, const struct proto_record *record, void *user)
{
    uint32_t *swallow = user;

    if (record->type == PROTO_HELLO) {
        return false;
    }
    if (fake_connection(fake) == 1) {
        if (--*swallow == 0) {
            fake_break(fake);
        }
        return true;
    }
    return accepts(fake, record, NULL);
}

static void
lost_answer_is_asked_for_again_with_the_same_bytes(void **state)
{
    uint32_t swallow = 3;
    struct fake *fake = fake_new(swallows_once, &swallow);
    struct qiao_client *client = fake_client(fake, NULL);
    struct qiao_submission with_key = {.service = "bench.echo", .key = "mine", .body = {"x", 1}};
    bool disconnected = false, connected = false;
    int tags[3], answers = 0;

    assert_int_equal(qiao_submit_begin(client, &ECHO, &tags[0]), QIAO_OK);
    assert_int_equal(qiao_submit_begin(client, &with_key, &tags[1]), QIAO_OK);
    assert_int_equal(qiao_submit_begin(client, &ECHO, &tags[2]), QIAO_OK);
    while (answers < 3) {
        struct qiao_event event = next_event(client);

        disconnected = disconnected || event.kind == QIAO_EVENT_DISCONNECTED;
        connected = connected || event.kind == QIAO_EVENT_CONNECTED;
        if (event.kind == QIAO_EVENT_ANSWER) {
            assert_ptr_equal(event.tag, &tags[answers++]);
            assert_int_equal(event.answer.status, QIAO_OK);
            assert_true(event.answer.repeated);
        }
    }
    assert_true(disconnected && connected);
    assert_int_equal(fake_count(fake, PROTO_SUBMIT), 6);
    for (uint32_t at = 0; at < 3; at++) {
        struct fake_seen first = fake_seen_at(fake, PROTO_SUBMIT, at, NULL);
        struct fake_seen again = fake_seen_at(fake, PROTO_SUBMIT, at + 3, NULL);

        assert_int_equal(first.bytes_n, again.bytes_n);
        assert_memory_equal(first.bytes, again.bytes, first.bytes_n);
    }
    assert_int_equal(qiao_session(client)->reconnects, 1);
    qiao_client_close(&client, 0);
    fake_free(&fake);
}

static void
blocking_call_outlives_the_connection(void **state)
{
    uint32_t swallow = 1;
    struct fake *fake = fake_new(swallows_once, &swallow);
    struct qiao_client *client = fake_client(fake, NULL);

    assert_int_equal(qiao_submit(client, &ECHO, A_WHILE, NULL), QIAO_OK);
    assert_int_equal(fake_count(fake, PROTO_SUBMIT), 2);
    qiao_client_close(&client, 0);
    fake_free(&fake);
}

static bool
is_silent(struct fake *fake, const struct proto_record *record, void *user)
{
    return record->type == PROTO_SUBMIT || record->type == PROTO_GET || record->type == PROTO_REQUEUE;
}

static void
answer_that_never_came_is_uncertain_and_settles_later(void **state)
{
    struct fake *fake = fake_new(is_silent, NULL);
    struct qiao_client *client = fake_client(fake, NULL);
    struct qiao_page *page = NULL;
    struct proto_record record;
    struct qiao_event event;

    assert_int_equal(qiao_submit(client, &ECHO, 1000, NULL), QIAO_UNCERTAIN);
    assert_int_equal(qiao_requeue(client, 64, NULL, 1000, NULL), QIAO_UNCERTAIN);
    assert_int_equal(qiao_get(client, 64, 0, 1000, &page), QIAO_TIMEOUT);
    assert_null(page);
    assert_int_equal(qiao_in_flight(client), 1); /* the submission goes on */
    fake_await(fake, PROTO_SUBMIT, 1);
    fake_script_set(fake, accepts, NULL);
    fake_restart(fake);
    do {
        event = next_event(client);
    } while (event.kind != QIAO_EVENT_ANSWER);
    assert_null(event.tag);
    fake_seen_at(fake, PROTO_SUBMIT, 0, &record);
    assert_int_equal(event.answer.receipt.id, id_of(record.n));
    assert_int_equal(fake_count(fake, PROTO_REQUEUE), 1); /* an operator's act is never repeated */
    qiao_client_close(&client, 0);
    fake_free(&fake);
}

static bool
breaks_on_requeue(struct fake *fake, const struct proto_record *record, void *user)
{
    if (record->type == PROTO_REQUEUE) {
        fake_break(fake);
    }
    return record->type == PROTO_REQUEUE;
}

static void
act_of_an_operator_is_not_repeated(void **state)
{
    struct fake *fake = fake_new(breaks_on_requeue, NULL);
    struct qiao_client *client = fake_client(fake, NULL);

    assert_int_equal(qiao_requeue(client, 64, "again", A_WHILE, NULL), QIAO_UNCERTAIN);
    assert_int_equal(fake_count(fake, PROTO_REQUEUE), 1);
    qiao_client_close(&client, 0);
    fake_free(&fake);
}

static void
window_bounds_what_is_under_way(void **state)
{
    struct fake *fake = fake_new(is_silent, NULL);
    struct qiao_options options = {.window = 8};
    struct qiao_client *client = fake_client(fake, &options);

    for (int at = 0; at < 8; at++) {
        assert_int_equal(qiao_submit_begin(client, &ECHO, NULL), QIAO_OK);
    }
    assert_int_equal(qiao_submit_begin(client, &ECHO, NULL), QIAO_FULL);
    assert_int_equal(qiao_in_flight(client), 8);
    qiao_client_close(&client, 0);
    fake_free(&fake);
}

/* One submission stays open while others pass: the library's own keys never leave half of the broker's window. */
static bool
forgets_the_first(struct fake *fake, const struct proto_record *record, void *user)
{
    return record->type == PROTO_SUBMIT && (record->u.submit.pseq == 1 || accepts(fake, record, user));
}

static void
open_submission_stays_within_the_broker_s_window(void **state)
{
    struct fake *fake = fake_new(forgets_the_first, NULL);
    struct qiao_client *client = fake_client(fake, NULL);
    int accepted = 0;

    while (qiao_submit_begin(client, &ECHO, NULL) == QIAO_OK) {
        if (accepted++ > 0) {
            assert_int_equal(next_event(client).kind, QIAO_EVENT_ANSWER);
        }
    }
    assert_int_equal(accepted, 4096);
    qiao_client_close(&client, 0);
    fake_free(&fake);
}

static void
argument_out_of_limits_is_not_sent(void **state)
{
    struct fake *fake = fake_new(accepts, NULL);
    struct qiao_client *client = fake_client(fake, NULL);
    struct qiao_submission none = {0};
    struct qiao_submission wrong = {.service = "s", .subject = "0123456789012345678901234567890123456789012345678901234567890123456789"
                                    "0123456789012345678901234567890123456789012345678901234567890123456789"};

    assert_int_equal(qiao_submit(client, &none, A_WHILE, NULL), QIAO_ARGUMENT);
    assert_string_equal(qiao_last_refusal(client)->path, "service");
    assert_int_equal(qiao_submit(client, &wrong, A_WHILE, NULL), QIAO_ARGUMENT);
    assert_string_equal(qiao_last_refusal(client)->path, "subject");
    assert_int_equal(qiao_submit_begin(client, &wrong, NULL), QIAO_ARGUMENT);
    assert_int_equal(qiao_in_flight(client), 0);
    assert_int_equal(qiao_submit(client, &ECHO, A_WHILE, NULL), QIAO_OK);
    assert_int_equal(fake_count(fake, PROTO_SUBMIT), 1);
    qiao_client_close(&client, 0);
    fake_free(&fake);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(submit_returns_when_the_broker_has_it),
        cmocka_unit_test(all_that_was_given_stands_in_the_record),
        cmocka_unit_test(each_refusal_has_its_own_status),
        cmocka_unit_test(what_was_begun_together_leaves_in_one_frame),
        cmocka_unit_test(large_bodies_are_spread_over_frames),
        cmocka_unit_test(lost_answer_is_asked_for_again_with_the_same_bytes),
        cmocka_unit_test(blocking_call_outlives_the_connection),
        cmocka_unit_test(answer_that_never_came_is_uncertain_and_settles_later),
        cmocka_unit_test(act_of_an_operator_is_not_repeated),
        cmocka_unit_test(window_bounds_what_is_under_way),
        cmocka_unit_test(open_submission_stays_within_the_broker_s_window),
        cmocka_unit_test(argument_out_of_limits_is_not_sent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
