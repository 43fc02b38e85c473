/*
 * The life of a request with one provider: leased and owned, limits, attempts, ends.
 */
#include "scene.h"

#define TEST(name) static void name(void **state)
#define UNUSED (void)state

static struct proto_str
text(const char *t)
{
    return proto_str_of(t);
}

/* A request goes through, and both sides hear of it. */
TEST(leased_request_is_done_and_told)
{
    UNUSED;
    struct scene *scene = scene_new();
    struct peer *requester = scene_connect(scene, "r1");
    struct peer *performer = scene_connect(scene, "p1");
    scene_forget_trace(scene);
    scene_offer(scene, performer, "leased", 1);
    uint64_t id = scene_submit(scene, requester, "leased");
    const struct proto_record *task = peer_got(performer, PROTO_TASK, 0);
    assert_non_null(task);
    assert_int_equal(task->u.task.status, PROTO_STATUS_IN_PROGRESS);
    assert_int_equal(task->u.task.lease, SECONDS(30));
    assert_int_equal(task->u.task.task, id + 1);
    assert_memory_equal(task->body.p, "body", 4);
    assert_true(proto_str_eq(task->u.task.requester, text("r1")));
    scene_complete(scene, performer, peer_hand(performer));
    peer_expect_receipt(performer, PROTO_STATUS_COMPLETED);
    const struct proto_record *event = peer_got(requester, PROTO_EVENT, -1);
    assert_non_null(event);
    assert_int_equal(event->u.event.status, PROTO_STATUS_COMPLETED);
    assert_true(proto_str_eq(event->u.event.outcome, text("conforming")));
    assert_memory_equal(event->body.p, "result", 6);
    /* What stands last leaves first: whoever waits for the outcome hears of it first. */
    assert_true(peer_last_place(performer, PROTO_RECEIPT) < peer_last_place(requester, PROTO_EVENT));
    scene_expect(scene, "0.000 #1 -> ready  submitted by r1\n"
                        "0.000 #1 ready -> in-progress  to p1, attempt 1\n"
                        "0.000 #1 in-progress -> completed  by m1\n");
    scene_expect_status(scene, id, PROTO_STATUS_COMPLETED);
    scene_project(scene);
    scene_expect_status(scene, id, PROTO_STATUS_COMPLETED);
    scene_end(scene);
}

/* An owned task is agreed to, begun, reported on and completed. */
TEST(owned_request_is_accepted_started_and_completed)
{
    UNUSED;
    struct scene *scene = scene_new();
    struct peer *requester = scene_connect(scene, "r1");
    struct peer *performer = scene_connect(scene, "p1");
    scene_offer(scene, performer, "owned", 1);
    scene_forget_trace(scene);
    uint64_t id = scene_submit(scene, requester, "owned");
    struct hand hand = peer_hand(performer);
    assert_int_equal(peer_got(performer, PROTO_TASK, 0)->u.task.status, PROTO_STATUS_REQUESTED);
    scene_start(scene, performer, hand);
    peer_expect_refusal(performer, PROTO_REFUSAL_CODE_CONFLICT);
    scene_accept(scene, performer, hand);
    peer_expect_receipt(performer, PROTO_STATUS_ACCEPTED);
    scene_start(scene, performer, hand);
    peer_expect_receipt(performer, PROTO_STATUS_IN_PROGRESS);
    scene_complete(scene, performer, hand);
    peer_expect_receipt(performer, PROTO_STATUS_COMPLETED);
    scene_expect(scene, "0.000 #1 -> requested  submitted by r1\n"
                        "0.000 #1 requested -> accepted  agreed by p1\n"
                        "0.000 #1 accepted -> in-progress  started\n"
                        "0.000 #1 in-progress -> completed  by m1\n");
    scene_expect_status(scene, id, PROTO_STATUS_COMPLETED);
    scene_end(scene);
}

/* A provider that falls silent loses what it holds; the stale result changes nothing (A3). */
TEST(silent_provider_loses_its_request)
{
    UNUSED;
    struct scene *scene = scene_new();
    struct peer *requester = scene_connect(scene, "r1");
    struct peer *silent = scene_connect(scene, "p1");
    scene_offer(scene, silent, "leased", 1);
    scene_forget_trace(scene);
    uint64_t id = scene_submit(scene, requester, "leased");
    struct hand stale = peer_hand(silent);
    scene_disconnect(scene, silent);
    struct peer *other = scene_connect(scene, "p2");
    scene_offer(scene, other, "leased", 1);
    scene_advance_to(scene, SECONDS(30));
    scene_expect(scene, "0.000 #1 -> ready  submitted by r1\n"
                        "0.000 #1 ready -> in-progress  to p1, attempt 1\n"
                        "30.000 #1 in-progress -> ready  lease-expired, p1\n"
                        "30.000 #1 ready -> in-progress  to p2, attempt 2\n");
    struct peer *back = scene_connect(scene, "p1");
    scene_complete(scene, back, stale);
    peer_expect_refusal(back, PROTO_REFUSAL_CODE_STALE);
    scene_complete(scene, other, peer_hand(other));
    peer_expect_receipt(other, PROTO_STATUS_COMPLETED);
    scene_expect_status(scene, id, PROTO_STATUS_COMPLETED);
    scene_end(scene);
}

/* A6: attempts are limited, then the request is on hold, never dropped; an operator gives it new ones. */
TEST(attempts_are_limited_then_on_hold)
{
    UNUSED;
    struct scene *scene = scene_new();
    struct peer *requester = scene_connect(scene, "r1");
    struct peer *silent = scene_connect(scene, "p1");
    struct peer *operator = scene_connect(scene, "park");
    scene_offer(scene, silent, "leased", 10);
    scene_forget_trace(scene);
    uint64_t id = scene_submit(scene, requester, "leased");
    scene_advance_to(scene, SECONDS(100));
    scene_expect(scene, "0.000 #1 -> ready  submitted by r1\n"
                        "0.000 #1 ready -> in-progress  to p1, attempt 1\n"
                        "30.000 #1 in-progress -> ready  lease-expired, p1\n"
                        "30.000 #1 ready -> in-progress  to p1, attempt 2\n"
                        "60.000 #1 in-progress -> ready  lease-expired, p1\n"
                        "60.000 #1 ready -> in-progress  to p1, attempt 3\n"
                        "90.000 #1 in-progress -> failed  lease-expired, p1\n");
    scene_expect_status(scene, id, PROTO_STATUS_ON_HOLD);
    const struct proto_record *event = peer_got(requester, PROTO_EVENT, -1);
    assert_int_equal(event->u.event.reason, PROTO_REASON_ATTEMPTS_EXHAUSTED);
    struct proto_record record = scene_record(PROTO_REQUEUE);
    record.u.requeue.id = id;
    scene_send(scene, operator, &record);
    peer_expect_receipt(operator, PROTO_STATUS_READY);
    scene_expect(scene, "100.000 #1 -> ready  requeued, requeued-by-operator\n"
                        "100.000 #1 ready -> in-progress  to p1, attempt 1\n");
    scene_complete(scene, silent, peer_hand(silent));
    peer_expect_receipt(silent, PROTO_STATUS_COMPLETED);
    scene_end(scene);
}

/* A5: a wall-clock jump never ends a lease, and renewing keeps it. */
TEST(wall_clock_jump_never_ends_a_lease)
{
    UNUSED;
    struct scene *scene = scene_new();
    struct peer *requester = scene_connect(scene, "r1");
    struct peer *performer = scene_connect(scene, "p1");
    scene_offer(scene, performer, "leased", 1);
    scene_submit(scene, requester, "leased");
    struct hand hand = peer_hand(performer);
    scene_jump_wall_clock(scene, DAYS(30));
    assert_int_equal(scene_events(scene, PROTO_EV_LAPSED), 0);
    scene_advance_to(scene, SECONDS(20));
    struct proto_buf held;
    proto_buf_init(&held, 256);
    struct proto_held row = {.task = hand.task, .fence = hand.fence};
    assert_true(proto_buf_append(&held, "\x91", 1) && proto_struct_encode(&held, PROTO_STRUCT_HELD, &row));
    struct proto_record record = scene_record(PROTO_RENEW);
    record.u.renew.held = (struct proto_bin){held.p, (uint32_t)held.n};
    scene_send(scene, performer, &record);
    assert_int_equal(peer_answer(performer)->u.receipt.lost.n, 0);
    scene_advance_to(scene, SECONDS(45));
    assert_int_equal(scene_events(scene, PROTO_EV_LAPSED), 0);
    scene_advance_to(scene, SECONDS(51));
    assert_int_equal(scene_events(scene, PROTO_EV_LAPSED), 1);
    /* Now it is lost: the receipt says so. It was assigned anew, to the same connection. */
    scene_send(scene, performer, &record);
    struct proto_iter it = proto_iter_of(peer_answer(performer)->u.receipt.lost);
    struct proto_held lost;
    assert_true(proto_iter_struct(&it, PROTO_STRUCT_HELD, &lost));
    assert_int_equal(lost.task, hand.task);
    proto_buf_fini(&held);
    scene_end(scene);
}

/* Accept-by: the task is cancelled, the next candidate tried, the requester told. */
TEST(provider_that_does_not_accept_in_time_is_passed_over)
{
    UNUSED;
    struct scene *scene = scene_new();
    struct peer *requester = scene_connect(scene, "r1");
    struct peer *slow = scene_connect(scene, "p1");
    scene_offer(scene, slow, "owned", 5);
    scene_forget_trace(scene);
    scene_submit(scene, requester, "owned");
    struct peer *other = scene_connect(scene, "p2");
    scene_offer(scene, other, "owned", 5);
    scene_advance_to(scene, SECONDS(60));
    scene_expect(scene, "0.000 #1 -> requested  submitted by r1\n"
                        "60.000 #1 requested -> cancelled  accept-by-expired, p1\n"
                        "60.000 #1 -> requested  accept-by-expired, p1\n");
    assert_int_equal(peer_count(slow, PROTO_WITHDRAW), 1);
    assert_int_equal(peer_count(other, PROTO_TASK), 1);
    assert_int_equal(peer_got(requester, PROTO_EVENT, -1)->u.event.reason, PROTO_REASON_ACCEPT_BY_EXPIRED);
    scene_end(scene);
}

/* Start-by likewise; the attempt's deadline gives the same task back. */
TEST(start_by_and_attempt_limits_of_an_owned_task)
{
    UNUSED;
    struct scene *scene = scene_new();
    struct peer *requester = scene_connect(scene, "r1");
    struct peer *first = scene_connect(scene, "p1");
    scene_offer(scene, first, "owned", 5);
    scene_forget_trace(scene);
    scene_submit(scene, requester, "owned");
    scene_accept(scene, first, peer_hand(first));
    struct peer *second = scene_connect(scene, "p2");
    scene_offer(scene, second, "owned", 5);
    scene_advance_to(scene, SECONDS(120));
    scene_accept(scene, second, peer_hand(second));
    scene_start(scene, second, peer_hand(second));
    scene_advance_to(scene, SECONDS(720));
    scene_expect(scene, "0.000 #1 -> requested  submitted by r1\n"
                        "0.000 #1 requested -> accepted  agreed by p1\n"
                        "120.000 #1 accepted -> cancelled  start-by-expired, p1\n"
                        "120.000 #1 -> requested  start-by-expired, p1\n"
                        "120.000 #1 requested -> accepted  agreed by p2\n"
                        "120.000 #1 accepted -> in-progress  started\n"
                        "720.000 #1 in-progress -> requested  attempt-expired, p2\n");
    assert_int_equal(peer_count(second, PROTO_WITHDRAW), 1);
    scene_end(scene);
}

/* Complete-by tells, or fails where the catalogue says so. */
TEST(complete_by_tells_or_fails)
{
    UNUSED;
    struct scene *scene = scene_new();
    struct peer *requester = scene_connect(scene, "r1");
    struct proto_record record = scene_record(PROTO_SUBMIT);
    record.u.submit.service = text("leased");
    record.u.submit.key = text("k1");
    record.u.submit.complete_by = scene_now(scene).utc_us + SECONDS(10);
    scene_send(scene, requester, &record);
    uint64_t tells = peer_answer(requester)->u.receipt.id;
    record.u.submit.service = text("strict");
    scene_send(scene, requester, &record);
    uint64_t fails = peer_answer(requester)->u.receipt.id;
    scene_advance_to(scene, SECONDS(11));
    scene_expect_status(scene, tells, PROTO_STATUS_READY);
    scene_expect_status(scene, fails, PROTO_STATUS_FAILED);
    assert_int_equal(scene_events(scene, PROTO_EV_OVERDUE), 1);
    assert_int_equal(peer_count(requester, PROTO_EVENT), 2);
    scene_end(scene);
}

/* A retryable failure makes a new task after a back-off that grows; one that is not ends the request. */
TEST(failed_attempts_are_retried_with_back_off)
{
    UNUSED;
    struct scene *scene = scene_new();
    struct peer *requester = scene_connect(scene, "r1");
    struct peer *performer = scene_connect(scene, "p1");
    scene_offer(scene, performer, "leased", 1);
    scene_forget_trace(scene);
    uint64_t id = scene_submit(scene, requester, "leased");
    struct proto_record record = scene_record(PROTO_FAIL);
    record.u.fail.retryable = true;
    record.u.fail.reason = PROTO_REASON_EQUIPMENT_ISSUE;
    for (int i = 0; i < 2; i++) {
        struct hand hand = peer_hand(performer);
        record.u.fail.task = hand.task;
        record.u.fail.fence = hand.fence;
        scene_send(scene, performer, &record);
        peer_expect_receipt(performer, PROTO_STATUS_FAILED);
        scene_advance_to(scene, SECONDS(i == 0 ? 2 : 6));
    }
    scene_expect(scene, "0.000 #1 -> ready  submitted by r1\n"
                        "0.000 #1 ready -> in-progress  to p1, attempt 1\n"
                        "0.000 #1 in-progress -> failed  failed, equipment-issue\n"
                        "0.000 #1 -> draft  failed, equipment-issue\n"
                        "2.000 #1 draft -> ready  woken\n"
                        "2.000 #1 ready -> in-progress  to p1, attempt 2\n"
                        "2.000 #1 in-progress -> failed  failed, equipment-issue\n"
                        "2.000 #1 -> draft  failed, equipment-issue\n"
                        "6.000 #1 draft -> ready  woken\n"
                        "6.000 #1 ready -> in-progress  to p1, attempt 3\n");
    assert_int_equal(peer_hand(performer).task, id + 3);
    record.u.fail.task = peer_hand(performer).task;
    record.u.fail.fence = peer_hand(performer).fence;
    record.u.fail.retryable = false;
    scene_send(scene, performer, &record);
    peer_expect_receipt(performer, PROTO_STATUS_FAILED);
    scene_expect_status(scene, id, PROTO_STATUS_FAILED);
    scene_end(scene);
}

/* Release does not count as an attempt, but is bounded. */
TEST(released_task_goes_on_and_releases_are_bounded)
{
    UNUSED;
    struct scene *scene = scene_new();
    struct peer *requester = scene_connect(scene, "r1");
    struct peer *performer = scene_connect(scene, "p1");
    scene_offer(scene, performer, "leased", 1);
    uint64_t id = scene_submit(scene, requester, "leased");
    for (int i = 0; i < 4; i++) {
        struct hand hand = peer_hand(performer);
        assert_int_equal(peer_got(performer, PROTO_TASK, -1)->u.task.attempt, 1);
        struct proto_record record = scene_record(PROTO_RELEASE);
        record.u.release.task = hand.task;
        record.u.release.fence = hand.fence;
        scene_send(scene, performer, &record);
        assert_int_equal(peer_answer(performer)->type, PROTO_RECEIPT);
    }
    scene_expect_status(scene, id, PROTO_STATUS_ON_HOLD);
    assert_int_equal(peer_count(performer, PROTO_TASK), 4);
    scene_end(scene);
}

/* Rejected: another provider is asked; when nobody else is there, the same one, until the attempts are used up. */
TEST(rejected_task_goes_to_the_next_candidate)
{
    UNUSED;
    struct scene *scene = scene_new();
    struct peer *requester = scene_connect(scene, "r1");
    struct peer *first = scene_connect(scene, "p1");
    struct peer *second = scene_connect(scene, "p2");
    scene_offer(scene, first, "owned", 1);
    uint64_t id = scene_submit(scene, requester, "owned");
    scene_offer(scene, second, "owned", 1);
    struct proto_record record = scene_record(PROTO_REJECT);
    record.u.reject.task = peer_hand(first).task;
    record.u.reject.fence = peer_hand(first).fence;
    scene_send(scene, first, &record);
    peer_expect_receipt(first, PROTO_STATUS_REJECTED);
    assert_int_equal(peer_count(first, PROTO_TASK), 1);
    assert_int_equal(peer_hand(second).task, id + 2);
    record.u.reject.task = peer_hand(second).task;
    record.u.reject.fence = peer_hand(second).fence;
    scene_send(scene, second, &record);
    /* Both declined: whoever has room is asked once more, then it is on hold. */
    struct peer *third = peer_count(first, PROTO_TASK) == 2 ? first : second;
    record.u.reject.task = peer_hand(third).task;
    record.u.reject.fence = peer_hand(third).fence;
    assert_int_equal(record.u.reject.task, id + 3);
    scene_send(scene, third, &record);
    scene_expect_status(scene, id, PROTO_STATUS_ON_HOLD);
    scene_end(scene);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leased_request_is_done_and_told),
        cmocka_unit_test(owned_request_is_accepted_started_and_completed),
        cmocka_unit_test(silent_provider_loses_its_request),
        cmocka_unit_test(attempts_are_limited_then_on_hold),
        cmocka_unit_test(wall_clock_jump_never_ends_a_lease),
        cmocka_unit_test(provider_that_does_not_accept_in_time_is_passed_over),
        cmocka_unit_test(start_by_and_attempt_limits_of_an_owned_task),
        cmocka_unit_test(complete_by_tells_or_fails),
        cmocka_unit_test(failed_attempts_are_retried_with_back_off),
        cmocka_unit_test(released_task_goes_on_and_releases_are_bounded),
        cmocka_unit_test(rejected_task_goes_to_the_next_candidate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
