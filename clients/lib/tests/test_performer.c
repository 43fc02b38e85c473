/* The performer's side against a scripted broker: offers and credit, acts, leases, aborts, withdrawals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake.h"

#define A_WHILE QIAO_SECONDS(60)

static const struct qiao_offer OFFER = {.service = "bench.echo", .capacity = 4, .worker = "w1"};

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
task(uint64_t id, uint64_t fence, int64_t lease_us)
{
    struct proto_record record;

    proto_record_init(&record, PROTO_TASK);
    record.u.task.task = id;
    record.u.task.fence = fence;
    record.u.task.service = PROTO_STR("bench.echo");
    record.u.task.kind = PROTO_TASK_KIND_FULFILL;
    record.u.task.status = PROTO_STATUS_IN_PROGRESS;
    record.u.task.tenure = lease_us > 0 ? PROTO_TENURE_LEASED : PROTO_TENURE_OWNED;
    record.u.task.lease = lease_us;
    record.body = (struct proto_bin){(const uint8_t *)"work", 4};
    return record;
}

/* Receipts for all acts. */
static bool
takes_acts(struct fake *fake, const struct proto_record *record, void *user)
{
    switch (record->type) {
    case PROTO_ACCEPT: case PROTO_REJECT: case PROTO_START: case PROTO_PROGRESS: case PROTO_HOLD: case PROTO_ASK:
    case PROTO_COMPLETE: case PROTO_VERIFY: case PROTO_FAIL: case PROTO_RELEASE:
        fake_receipt(fake, record->n, 64, 9);
        return true;
    default:
        return false;
    }
}

static void
credit_comes_back_in_the_frame_of_the_result(void **state)
{
    struct fake *fake = fake_new(takes_acts, NULL);
    struct qiao_client *client = fake_client(fake, NULL);
    struct proto_record given = task(65, 1000, 30000000), record;
    struct qiao_event event;
    struct qiao_act act = {.kind = QIAO_ACT_COMPLETE, .outcome = "fine"};

    assert_int_equal(qiao_offer(client, &OFFER, A_WHILE), QIAO_OK);
    fake_seen_at(fake, PROTO_OFFER, 0, &record);
    assert_int_equal(record.u.offer.capacity, 4);
    assert_int_equal(record.u.offer.credit, 4);
    fake_send(fake, &given);
    event = next_event(client, QIAO_EVENT_TASK);
    assert_int_equal(event.task.request, 64);
    assert_string_equal(event.task.service, "bench.echo");
    assert_memory_equal(event.task.body.p, "work", 4);
    assert_int_equal(qiao_held(client, 65, 1000), QIAO_HELD);
    assert_int_equal(qiao_held(client, 65, 999), QIAO_HELD_NOT);
    act.task = event.task.task;
    act.fence = event.task.fence;
    assert_int_equal(qiao_act_begin(client, &act, &act), QIAO_OK);
    event = next_event(client, QIAO_EVENT_ANSWER);
    assert_ptr_equal(event.tag, &act);
    assert_int_equal(qiao_held(client, 65, 1000), QIAO_HELD_NOT);
    assert_int_equal(fake_seen_at(fake, PROTO_CREDIT, 0, &record).frame, fake_seen_at(fake, PROTO_COMPLETE, 0, NULL).frame);
    assert_int_equal(record.u.credit.credit, 1);
    assert_true(proto_str_eq(record.u.credit.service, PROTO_STR("bench.echo")));
    qiao_client_close(&client, 0);
    fake_free(&fake);
}

static void
each_act_is_its_record(void **state)
{
    struct fake *fake = fake_new(takes_acts, NULL);
    struct qiao_client *client = fake_client(fake, NULL);
    const char *fields[] = {"units", "batch"};
    const struct qiao_bytes none = {0};
    const struct qiao_money cost = {1250, "CNY"};
    struct proto_record record;

    assert_int_equal(qiao_accept(client, 65, 7, A_WHILE), QIAO_OK);
    fake_seen_at(fake, PROTO_ACCEPT, 0, &record);
    assert_int_equal(record.u.accept.code, PROTO_CODE_FULFILL);
    assert_int_equal(qiao_start(client, 65, 7, "sample_received", A_WHILE), QIAO_OK);
    assert_int_equal(qiao_progress(client, 65, 7, 0.5, 10, "running", "half", A_WHILE), QIAO_OK);
    fake_seen_at(fake, PROTO_PROGRESS, 0, &record);
    assert_true(record.u.progress.progress == 0.5 && record.u.progress.remaining == 10);
    assert_int_equal(qiao_hold(client, 65, 7, QIAO_REASON_EQUIPMENT_ISSUE, "broken", A_WHILE), QIAO_OK);
    assert_int_equal(qiao_lift(client, 65, 7, "mended", A_WHILE), QIAO_OK);
    fake_seen_at(fake, PROTO_HOLD, 1, &record);
    assert_true(record.u.hold.lift);
    assert_int_equal(qiao_ask(client, 65, 7, "which?", fields, 2, A_WHILE), QIAO_OK);
    fake_seen_at(fake, PROTO_ASK, 0, &record);
    assert_int_equal(proto_iter_of(record.u.ask.fields).left, 2);
    assert_int_equal(qiao_complete(client, 65, 7, "conforming", none, none, A_WHILE), QIAO_OK);
    assert_int_equal(qiao_verify(client, 65, 7, false, "no", A_WHILE), QIAO_OK);
    fake_seen_at(fake, PROTO_VERIFY, 0, &record);
    assert_true(PROTO_HAS(&record.u.verify, VERIFY, AGREE) && !record.u.verify.agree);
    assert_int_equal(qiao_fail(client, 65, 7, true, QIAO_REASON_MISSING, "gone", A_WHILE), QIAO_OK);
    fake_seen_at(fake, PROTO_FAIL, 0, &record);
    assert_true(record.u.fail.retryable && record.u.fail.id == 0);
    assert_int_equal(qiao_release(client, 65, 7, NULL, A_WHILE), QIAO_OK);
    assert_int_equal(qiao_reject(client, 65, 7, QIAO_REASON_PERSONNEL_ISSUE, "ill", A_WHILE), QIAO_OK);
    assert_int_equal(qiao_accept_abort(client, 65, 7, "stopped", cost, A_WHILE), QIAO_OK);
    fake_seen_at(fake, PROTO_ACCEPT, 1, &record);
    assert_int_equal(record.u.accept.code, PROTO_CODE_ABORT);
    assert_int_equal(record.u.accept.charge, 1250);
    assert_int_equal(qiao_refuse_abort(client, 65, 7, QIAO_REASON_NONE, "too late", cost, A_WHILE), QIAO_OK);
    fake_seen_at(fake, PROTO_REJECT, 1, &record);
    assert_int_equal(record.u.reject.code, PROTO_CODE_ABORT);
    qiao_client_close(&client, 0);
    fake_free(&fake);
}

/* A5 and the lease, from this side: renewed before it ends, by itself, while the caller waits for something else. */
static bool
loses_the_second(struct fake *fake, const struct proto_record *record, void *user)
{
    struct proto_iter it;
    struct proto_held row;
    struct proto_record receipt;
    struct proto_buf lost;

    if (record->type != PROTO_RENEW) {
        return takes_acts(fake, record, user);
    }
    proto_record_init(&receipt, PROTO_RECEIPT);
    receipt.re = record->n;
    proto_buf_init(&lost, 4096);
    it = proto_iter_of(record->u.renew.held);
    while (proto_iter_struct(&it, PROTO_STRUCT_HELD, &row)) {
        if (row.task == 129) {
            proto_buf_append(&lost, "\x91", 1);
            proto_struct_encode(&lost, PROTO_STRUCT_HELD, &row);
            receipt.u.receipt.lost = (struct proto_bin){lost.p, (uint32_t)lost.n};
        }
    }
    fake_put(fake, &receipt);
    proto_buf_fini(&lost);
    return true;
}

static void
leases_are_renewed_and_a_lost_one_is_told(void **state)
{
    struct fake *fake = fake_new(loses_the_second, NULL);
    struct qiao_client *client = fake_client(fake, NULL);
    struct proto_record first = task(65, 1000, 90000), second = task(129, 1001, 90000), owned = task(193, 1002, 0), record;
    struct qiao_event event;

    assert_int_equal(qiao_offer(client, &OFFER, A_WHILE), QIAO_OK);
    fake_send(fake, &first);
    fake_send(fake, &second);
    fake_send(fake, &owned);
    for (int at = 0; at < 3; at++) {
        next_event(client, QIAO_EVENT_TASK);
    }
    event = next_event(client, QIAO_EVENT_WITHDRAW);
    assert_int_equal(event.notice.task, 129);
    assert_int_equal(event.notice.reason, QIAO_REASON_LEASE_EXPIRED);
    fake_seen_at(fake, PROTO_RENEW, 0, &record);
    assert_int_equal(proto_iter_of(record.u.renew.held).left, 2); /* the owned one needs none */
    assert_int_equal(qiao_held(client, 129, 1001), QIAO_HELD_NOT);
    assert_int_equal(qiao_held(client, 65, 1000), QIAO_HELD);
    assert_int_equal(qiao_held_count(client), 2);
    assert_int_equal(qiao_renew(client, 129, 1001, A_WHILE), QIAO_STALE);
    assert_int_equal(qiao_renew(client, 65, 1000, A_WHILE), QIAO_OK);
    qiao_client_close(&client, 0);
    fake_free(&fake);
}

/* On a new connection: offers again, renews at once, and a task that is still held is no news when it comes again. */
static bool
sends_held_again(struct fake *fake, const struct proto_record *record, void *user)
{
    if (record->type == PROTO_OFFER && fake_connection(fake) == 2) {
        struct proto_record again = task(193, 1002, 0), fresh = task(257, 1003, 0);

        fake_receipt(fake, record->n, 0, 0);
        fake_put(fake, &again);
        fake_put(fake, &fresh);
        return true;
    }
    return takes_acts(fake, record, user);
}

static void
new_connection_takes_up_where_the_old_one_was(void **state)
{
    struct fake *fake = fake_new(sends_held_again, NULL);
    struct qiao_client *client = fake_client(fake, NULL);
    struct proto_record leased = task(65, 1000, 30000000), owned = task(193, 1002, 0), record;
    struct qiao_event event;

    assert_int_equal(qiao_offer(client, &OFFER, A_WHILE), QIAO_OK);
    fake_send(fake, &leased);
    fake_send(fake, &owned);
    next_event(client, QIAO_EVENT_TASK);
    next_event(client, QIAO_EVENT_TASK);
    fake_restart(fake);
    event = next_event(client, QIAO_EVENT_TASK);
    assert_int_equal(event.task.task, 257);
    fake_seen_at(fake, PROTO_OFFER, 1, &record);
    assert_int_equal(record.u.offer.capacity, 4);
    assert_int_equal(record.u.offer.credit, 3); /* the leased one is in hand; the owned one comes again, for one credit */
    assert_true(proto_str_eq(record.u.offer.worker, PROTO_STR("w1")));
    assert_int_equal(qiao_complete(client, 257, 1003, "fine", (struct qiao_bytes){0}, (struct qiao_bytes){0}, A_WHILE), QIAO_OK);
    fake_await(fake, PROTO_CREDIT, 1);
    fake_seen_at(fake, PROTO_CREDIT, 0, &record);
    assert_int_equal(record.u.credit.credit, 1); /* both that came used up credit, also the one that is no news */
    fake_seen_at(fake, PROTO_RENEW, 0, &record);
    assert_int_equal(proto_iter_of(record.u.renew.held).left, 1);
    qiao_client_close(&client, 0);
    fake_free(&fake);
}

static bool
refuses_acts(struct fake *fake, const struct proto_record *record, void *user)
{
    if (record->type != PROTO_COMPLETE) {
        return false;
    }
    fake_refuse(fake, record->n, *(enum proto_refusal_code *)user, "no", "output.mean");
    return true;
}

static void
refused_result_is_still_held_unless_it_is_stale(void **state)
{
    enum proto_refusal_code code = PROTO_REFUSAL_CODE_INVALID;
    struct fake *fake = fake_new(refuses_acts, &code);
    struct qiao_client *client = fake_client(fake, NULL);
    struct proto_record given = task(65, 1000, 30000000);
    const struct qiao_bytes none = {0};

    assert_int_equal(qiao_offer(client, &OFFER, A_WHILE), QIAO_OK);
    fake_send(fake, &given);
    next_event(client, QIAO_EVENT_TASK);
    assert_int_equal(qiao_complete(client, 65, 1000, "fine", none, none, A_WHILE), QIAO_INVALID);
    assert_int_equal(qiao_held(client, 65, 1000), QIAO_HELD);
    code = PROTO_REFUSAL_CODE_STALE;
    assert_int_equal(qiao_complete(client, 65, 1000, "fine", none, none, A_WHILE), QIAO_STALE);
    assert_int_equal(qiao_held(client, 65, 1000), QIAO_HELD_NOT);
    qiao_client_close(&client, 0);
    fake_free(&fake);
}

static void
abort_and_withdrawal_are_told_and_remembered(void **state)
{
    struct fake *fake = fake_new(takes_acts, NULL);
    struct qiao_client *client = fake_client(fake, NULL);
    struct proto_record given = task(65, 1000, 0), abort_asked, withdraw;
    struct qiao_task taken;
    struct qiao_event event;

    assert_int_equal(qiao_offer(client, &OFFER, A_WHILE), QIAO_OK);
    fake_send(fake, &given);
    assert_int_equal(qiao_next_task(client, A_WHILE, &taken), QIAO_OK);
    assert_int_equal(taken.task, 65);
    proto_record_init(&abort_asked, PROTO_ABORT);
    abort_asked.u.abort.task = 65;
    abort_asked.u.abort.fence = 1000;
    abort_asked.u.abort.message = PROTO_STR("not needed any more");
    fake_send(fake, &abort_asked);
    event = next_event(client, QIAO_EVENT_ABORT);
    assert_string_equal(event.notice.message, "not needed any more");
    assert_int_equal(qiao_held(client, 65, 1000), QIAO_HELD_ABORT);
    proto_record_init(&withdraw, PROTO_WITHDRAW);
    withdraw.u.withdraw.task = 65;
    withdraw.u.withdraw.fence = 1000;
    withdraw.u.withdraw.reason = PROTO_REASON_ATTEMPT_EXPIRED;
    fake_send(fake, &withdraw);
    event = next_event(client, QIAO_EVENT_WITHDRAW);
    assert_int_equal(event.notice.reason, QIAO_REASON_ATTEMPT_EXPIRED);
    assert_int_equal(qiao_held(client, 65, 1000), QIAO_HELD_NOT);
    qiao_client_close(&client, 0);
    fake_free(&fake);
}

static bool
breaks_at_the_first_result(struct fake *fake, const struct proto_record *record, void *user)
{
    if (record->type == PROTO_COMPLETE && fake_connection(fake) == 1) {
        fake_break(fake);
        return true;
    }
    return takes_acts(fake, record, user);
}

/* N4, from this side. */
static void
result_in_doubt_is_sent_again_as_it_was(void **state)
{
    struct fake *fake = fake_new(breaks_at_the_first_result, NULL);
    struct qiao_client *client = fake_client(fake, NULL);
    struct proto_record given = task(65, 1000, 0);
    const struct qiao_bytes none = {0}, body = {"result", 6};
    struct fake_seen first, again;

    assert_int_equal(qiao_offer(client, &OFFER, A_WHILE), QIAO_OK);
    fake_send(fake, &given);
    next_event(client, QIAO_EVENT_TASK);
    assert_int_equal(qiao_complete(client, 65, 1000, "fine", none, body, A_WHILE), QIAO_OK);
    first = fake_seen_at(fake, PROTO_COMPLETE, 0, NULL);
    again = fake_seen_at(fake, PROTO_COMPLETE, 1, NULL);
    assert_int_equal(first.bytes_n, again.bytes_n);
    assert_memory_equal(first.bytes, again.bytes, first.bytes_n);
    qiao_client_close(&client, 0);
    fake_free(&fake);
}

static bool
settles_on_the_second_connection(struct fake *fake, const struct proto_record *record, void *user)
{
    if (record->type == PROTO_COMPLETE && fake_connection(fake) == 1) {
        return true;
    }
    return takes_acts(fake, record, user);
}

/* The receipts are late, because the broker is away: nothing is given that could not be settled, and nothing stays away for ever. */
static void
what_is_given_can_always_be_settled(void **state)
{
    struct fake *fake = fake_new(settles_on_the_second_connection, NULL);
    struct qiao_client *client = fake_client(fake, &(struct qiao_options){.window = 4});
    struct qiao_act act = {.kind = QIAO_ACT_COMPLETE, .outcome = "fine"};
    struct proto_record record;
    uint32_t given = 0;

    assert_int_equal(qiao_offer(client, &OFFER, A_WHILE), QIAO_OK);
    for (uint32_t at = 0; at < 4; at++) {
        struct proto_record one = task(65 + 64 * at, 1000 + at, 30000000);
        fake_send(fake, &one);
    }
    for (uint32_t at = 0; at < 4; at++) {
        struct qiao_event event = next_event(client, QIAO_EVENT_TASK);
        act.task = event.task.task;
        act.fence = event.task.fence;
        assert_int_equal(qiao_act_begin(client, &act, NULL), QIAO_OK);
    }
    assert_int_equal(qiao_process(client), QIAO_OK);
    fake_await(fake, PROTO_COMPLETE, 4);
    assert_int_equal(fake_count(fake, PROTO_CREDIT), 0);
    fake_restart(fake);
    for (uint32_t at = 0; at < 4; at++) {
        assert_int_equal(next_event(client, QIAO_EVENT_ANSWER).answer.status, QIAO_OK);
    }
    assert_int_equal(qiao_process(client), QIAO_OK);
    fake_await(fake, PROTO_CREDIT, 1);
    for (uint32_t at = 0; at < fake_count(fake, PROTO_CREDIT); at++) {
        fake_seen_at(fake, PROTO_CREDIT, at, &record);
        given += record.u.credit.credit;
    }
    assert_int_equal(given, 4); /* and none with the new connection's offer */
    qiao_client_close(&client, 0);
    fake_free(&fake);
}

static void
results_do_not_wait_for_submissions(void **state)
{
    struct fake *fake = fake_new(NULL, NULL);
    struct qiao_client *client = fake_client(fake, &(struct qiao_options){.window = 2});
    struct qiao_submission submission = {.service = "bench.echo"};
    struct qiao_act act = {.kind = QIAO_ACT_COMPLETE, .task = 65, .fence = 1000, .outcome = "fine"};

    assert_int_equal(qiao_submit_begin(client, &submission, NULL), QIAO_OK);
    assert_int_equal(qiao_submit_begin(client, &submission, NULL), QIAO_OK);
    assert_int_equal(qiao_submit_begin(client, &submission, NULL), QIAO_FULL);
    assert_int_equal(qiao_act_begin(client, &act, NULL), QIAO_OK);
    assert_int_equal(qiao_act_begin(client, &act, NULL), QIAO_OK);
    assert_int_equal(qiao_act_begin(client, &act, NULL), QIAO_FULL);
    qiao_client_close(&client, 0);
    fake_free(&fake);
}

static bool
leaves_the_first_open(struct fake *fake, const struct proto_record *record, void *user)
{
    uint64_t *first = user;

    if (record->type != PROTO_COMPLETE)
        return false;
    *first = *first ? *first : record->n;
    return *first == record->n || takes_acts(fake, record, NULL);
}

/* Numbers come round to a call that the broker has not answered yet: it is stepped over. */
static void
one_late_answer_holds_nobody_up(void **state)
{
    uint64_t first = 0;
    struct fake *fake = fake_new(leaves_the_first_open, &first);
    struct qiao_client *client = fake_client(fake, &(struct qiao_options){.window = 4});
    struct qiao_act act = {.kind = QIAO_ACT_COMPLETE, .task = 65, .fence = 1000, .outcome = "fine"};

    assert_int_equal(qiao_act_begin(client, &act, NULL), QIAO_OK);
    for (uint32_t at = 0; at < 600; at++)
        assert_int_equal(qiao_act(client, &act, A_WHILE, NULL), QIAO_OK);
    assert_int_equal(qiao_in_flight(client), 1);
    qiao_client_close(&client, 0);
    fake_free(&fake);
}

static bool
refuses_the_second_offer(struct fake *fake, const struct proto_record *record, void *user)
{
    if (record->type != PROTO_OFFER || fake_connection(fake) == 1) {
        return takes_acts(fake, record, user);
    }
    fake_refuse(fake, record->n, PROTO_REFUSAL_CODE_FORBIDDEN, "no longer", "service");
    return true;
}

static void
offer_that_is_refused_on_the_new_connection_is_told(void **state)
{
    struct fake *fake = fake_new(refuses_the_second_offer, NULL);
    struct qiao_client *client = fake_client(fake, NULL);

    assert_int_equal(qiao_offer(client, &OFFER, A_WHILE), QIAO_OK);
    fake_restart(fake);
    next_event(client, QIAO_EVENT_OFFER_ENDED);
    qiao_client_close(&client, 0);
    fake_free(&fake);
}

static void
doubles_it(struct qiao_client *client, const struct qiao_task *given, struct qiao_act *act, void *user)
{
    act->kind = QIAO_ACT_COMPLETE;
    act->outcome = "doubled";
    act->body = given->body;
    ++*(int *)user;
}

static void
shortest_worker_accepts_starts_and_completes(void **state)
{
    struct fake *fake = fake_new(takes_acts, NULL);
    struct qiao_client *client = fake_client(fake, NULL);
    struct proto_record given = task(65, 1000, 0), record;
    volatile int done = 0;

    assert_int_equal(qiao_offer(client, &OFFER, A_WHILE), QIAO_OK);
    given.u.task.status = PROTO_STATUS_REQUESTED;
    fake_send(fake, &given);
    assert_int_equal(qiao_work(client, doubles_it, (void *)(uintptr_t)&done, &done), QIAO_OK);
    assert_int_equal(fake_count(fake, PROTO_ACCEPT), 1);
    assert_int_equal(fake_count(fake, PROTO_START), 1);
    fake_seen_at(fake, PROTO_COMPLETE, 0, &record);
    assert_memory_equal(record.body.p, "work", 4);
    qiao_client_close(&client, 0);
    fake_free(&fake);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(credit_comes_back_in_the_frame_of_the_result),
        cmocka_unit_test(each_act_is_its_record),
        cmocka_unit_test(leases_are_renewed_and_a_lost_one_is_told),
        cmocka_unit_test(new_connection_takes_up_where_the_old_one_was),
        cmocka_unit_test(refused_result_is_still_held_unless_it_is_stale),
        cmocka_unit_test(abort_and_withdrawal_are_told_and_remembered),
        cmocka_unit_test(result_in_doubt_is_sent_again_as_it_was),
        cmocka_unit_test(what_is_given_can_always_be_settled),
        cmocka_unit_test(results_do_not_wait_for_submissions),
        cmocka_unit_test(one_late_answer_holds_nobody_up),
        cmocka_unit_test(offer_that_is_refused_on_the_new_connection_is_told),
        cmocka_unit_test(shortest_worker_accepts_starts_and_completes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
