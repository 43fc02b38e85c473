/*
 * What requester, performer and operator say to each other while a task is under way: cancel and abort, ask and reply, hold,
 * progress, not-before, operators' acts.
 */
#include <string.h>

#include "scene.h"

#define TEST(name) static void name(void **state)
#define BEGIN                                                                                                           \
    (void)state;                                                                                                        \
    struct scene *scene = scene_new();                                                                                  \
    struct peer *requester = scene_connect(scene, "r1");                                                                \
    struct peer *performer = scene_connect(scene, "p1");                                                                \
    scene_forget_trace(scene)

/* ------------------------------------------------------------- cancel and abort */

TEST(cancel_before_work_takes_effect_at_once)
{
    BEGIN;
    uint64_t waiting = scene_submit(scene, requester, "owned");
    scene_cancel(scene, requester, waiting);
    peer_expect_receipt(requester, PROTO_STATUS_CANCELLED);
    scene_cancel(scene, requester, waiting);
    assert_true(peer_answer(requester)->u.receipt.duplicate);
    scene_offer(scene, performer, "owned", 5);
    uint64_t offered = scene_submit(scene, requester, "owned");
    scene_cancel(scene, requester, offered);
    peer_expect_receipt(requester, PROTO_STATUS_CANCELLED);
    assert_int_equal(peer_count(performer, PROTO_WITHDRAW), 1);
    assert_int_equal(peer_got(performer, PROTO_WITHDRAW, 0)->u.withdraw.reason, PROTO_REASON_CANCELLED_BY_REQUESTER);
    scene_accept(scene, performer, peer_hand(performer));
    peer_expect_refusal(performer, PROTO_REFUSAL_CODE_CONFLICT);
    scene_end(scene);
}

TEST(cancel_of_work_in_progress_asks_the_performer_who_may_agree)
{
    BEGIN;
    uint64_t id;
    struct hand hand = scene_owned_in_progress(scene, requester, performer, "owned", &id);
    scene_cancel(scene, requester, id);
    peer_expect_receipt(requester, PROTO_STATUS_IN_PROGRESS);
    assert_int_equal(peer_count(performer, PROTO_ABORT), 1);
    scene_answer_abort(scene, performer, hand, true);
    peer_expect_receipt(performer, PROTO_STATUS_CANCELLED);
    assert_int_equal(peer_last_event(requester)->status, PROTO_STATUS_CANCELLED);
    assert_int_equal(peer_last_event(requester)->reason, PROTO_REASON_ABORT_AGREED);
    assert_int_equal(peer_last_event(requester)->charge, 12500);
    assert_int_equal(peer_count(performer, PROTO_WITHDRAW), 0);
    scene_end(scene);
}

TEST(performer_may_refuse_to_abort_with_the_cost_so_far)
{
    BEGIN;
    uint64_t id;
    struct hand hand = scene_owned_in_progress(scene, requester, performer, "owned", &id);
    scene_answer_abort(scene, performer, hand, false);
    peer_expect_refusal(performer, PROTO_REFUSAL_CODE_CONFLICT); /* nobody asked */
    scene_cancel(scene, requester, id);
    scene_answer_abort(scene, performer, hand, false);
    peer_expect_receipt(performer, PROTO_STATUS_IN_PROGRESS);
    assert_int_equal(peer_last_event(requester)->reason, PROTO_REASON_ABORT_REFUSED);
    assert_int_equal(peer_last_event(requester)->charge, 7000);
    scene_complete(scene, performer, hand);
    peer_expect_receipt(performer, PROTO_STATUS_COMPLETED);
    scene_end(scene);
}

/* L4: cancel and result cross; the first one counts, both sides hear the same. */
TEST(result_and_abort_may_cross)
{
    BEGIN;
    uint64_t id;
    struct hand hand = scene_owned_in_progress(scene, requester, performer, "owned", &id);
    scene_cancel(scene, requester, id);
    scene_complete(scene, performer, hand);
    peer_expect_receipt(performer, PROTO_STATUS_COMPLETED);
    assert_int_equal(peer_last_event(requester)->status, PROTO_STATUS_COMPLETED);
    scene_answer_abort(scene, performer, hand, true);
    peer_expect_refusal(performer, PROTO_REFUSAL_CODE_CONFLICT);
    scene_cancel(scene, requester, id);
    peer_expect_refusal(requester, PROTO_REFUSAL_CODE_CONFLICT);
    assert_int_equal(peer_answer(requester)->u.refusal.status, PROTO_STATUS_COMPLETED);
    scene_complete(scene, performer, hand); /* N4 */
    assert_true(peer_answer(performer)->u.receipt.duplicate);
    scene_project(scene);
    scene_complete(scene, performer, hand);
    assert_true(peer_answer(performer)->u.receipt.duplicate);
    scene_answer_abort(scene, performer, hand, true);
    peer_expect_refusal(performer, PROTO_REFUSAL_CODE_CONFLICT);
    scene_cancel(scene, requester, id);
    peer_expect_refusal(requester, PROTO_REFUSAL_CODE_CONFLICT);
    scene_end(scene);
}

TEST(abort_that_nobody_can_answer_any_more_cancels)
{
    BEGIN;
    scene_offer(scene, performer, "leased", 1);
    uint64_t id = scene_submit(scene, requester, "leased");
    scene_cancel(scene, requester, id);
    peer_expect_receipt(requester, PROTO_STATUS_IN_PROGRESS);
    scene_disconnect(scene, performer);
    scene_advance_to(scene, SECONDS(31));
    scene_expect_status(scene, id, PROTO_STATUS_CANCELLED);
    assert_int_equal(peer_last_event(requester)->status, PROTO_STATUS_CANCELLED);
    scene_end(scene);
}

TEST(requester_closes_what_nobody_works_at)
{
    BEGIN;
    uint64_t id = scene_submit(scene, requester, "owned");
    struct proto_record close = scene_record(PROTO_CLOSE);
    close.u.close.id = id;
    struct peer *other = scene_connect(scene, "r2");
    scene_send(scene, other, &close);
    peer_expect_refusal(other, PROTO_REFUSAL_CODE_NOT_FOUND);
    scene_send(scene, requester, &close);
    peer_expect_receipt(requester, PROTO_STATUS_CANCELLED);
    scene_offer(scene, performer, "owned", 5);
    close.u.close.id = scene_submit(scene, requester, "owned");
    scene_send(scene, requester, &close);
    peer_expect_refusal(requester, PROTO_REFUSAL_CODE_CONFLICT);
    scene_end(scene);
}

/* ------------------------------------------------------------- ask and reply */

/* The clocks stop: the attempt's, and complete-by. */
TEST(asking_back_stops_the_clocks)
{
    BEGIN;
    scene_offer(scene, performer, "owned", 5);
    struct proto_record record = scene_submission("owned");
    record.u.submit.complete_by = scene_now(scene).utc_us + SECONDS(1000);
    uint64_t id = scene_submit_record(scene, requester, &record);
    struct hand hand = peer_hand(performer);
    scene_accept(scene, performer, hand);
    scene_start(scene, performer, hand);
    scene_advance_to(scene, SECONDS(100));
    scene_send_hand(scene, performer, PROTO_ASK, hand);
    peer_expect_receipt(performer, PROTO_STATUS_ON_HOLD);
    assert_int_equal(peer_last_event(requester)->reason, PROTO_REASON_AWAITING_INFORMATION);
    assert_true(proto_str_eq(peer_last_event(requester)->business_status, PROTO_STR("awaiting-information")));
    assert_int_not_equal(peer_last_event(requester)->fields.n, 0);
    scene_advance_to(scene, SECONDS(5000));
    scene_expect_status(scene, id, PROTO_STATUS_ON_HOLD);
    struct proto_record reply = scene_record(PROTO_REPLY);
    reply.u.reply.id = id;
    reply.u.reply.message = PROTO_STR("batch 7");
    reply.body = (struct proto_bin){(const uint8_t *)"answer", 6};
    scene_send(scene, requester, &reply);
    peer_expect_receipt(requester, PROTO_STATUS_IN_PROGRESS);
    const struct proto_record *task = peer_got(performer, PROTO_TASK, -1);
    assert_true(task->u.task.reply);
    assert_int_equal(task->u.task.fence, hand.fence);
    assert_memory_equal(task->body.p, "answer", 6);
    scene_send(scene, requester, &reply);
    peer_expect_refusal(requester, PROTO_REFUSAL_CODE_CONFLICT);
    /* 500 s of the attempt are left, 900 s to complete-by. */
    scene_advance_to(scene, SECONDS(5499));
    scene_expect_status(scene, id, PROTO_STATUS_IN_PROGRESS);
    scene_advance_to(scene, SECONDS(5501));
    assert_int_equal(scene_events(scene, PROTO_EV_LAPSED), 1);
    assert_int_equal(scene_events(scene, PROTO_EV_OVERDUE), 0);
    scene_advance_to(scene, SECONDS(5901));
    assert_int_equal(scene_events(scene, PROTO_EV_OVERDUE), 1);
    scene_end(scene);
}

/* A leased task has no lease while it asks, and a full one after the reply. */
TEST(lease_stands_still_while_asking)
{
    BEGIN;
    scene_offer(scene, performer, "leased", 1);
    uint64_t id = scene_submit(scene, requester, "leased");
    scene_send_hand(scene, performer, PROTO_ASK, peer_hand(performer));
    scene_advance_to(scene, SECONDS(500));
    scene_expect_status(scene, id, PROTO_STATUS_ON_HOLD);
    struct proto_record reply = scene_record(PROTO_REPLY);
    reply.u.reply.id = id;
    scene_send(scene, requester, &reply);
    scene_advance_to(scene, SECONDS(529));
    scene_expect_status(scene, id, PROTO_STATUS_IN_PROGRESS);
    assert_int_equal(scene_events(scene, PROTO_EV_LAPSED), 0);
    scene_advance_to(scene, SECONDS(531));
    assert_int_equal(scene_events(scene, PROTO_EV_LAPSED), 1);
    scene_end(scene);
}

/* Whoever carries on after a reply gets the whole: input overlaid, the reply's body. */
TEST(task_taken_over_after_a_reply_comes_whole)
{
    BEGIN;
    uint64_t id;
    struct hand hand = scene_owned_in_progress(scene, requester, performer, "owned", &id);
    scene_send_hand(scene, performer, PROTO_ASK, hand);
    struct proto_record reply = scene_record(PROTO_REPLY);
    reply.u.reply.id = id;
    reply.body = (struct proto_bin){(const uint8_t *)"answer", 6};
    scene_send(scene, requester, &reply);
    scene_disconnect(scene, performer);
    struct peer *second = scene_connect(scene, "p1/m2");
    scene_offer(scene, second, "owned", 5);
    const struct proto_record *task = peer_got(second, PROTO_TASK, 0);
    assert_false(task->u.task.reply);
    assert_memory_equal(task->body.p, "answer", 6);
    scene_complete(scene, second, peer_hand(second));
    peer_expect_receipt(second, PROTO_STATUS_COMPLETED);
    scene_end(scene);
}

/* ------------------------------------------------------------- hold */

TEST(performer_holds_and_lifts_with_what_was_left)
{
    BEGIN;
    uint64_t id;
    struct hand hand = scene_owned_in_progress(scene, requester, performer, "owned", &id);
    scene_advance_to(scene, SECONDS(100));
    scene_send_hand(scene, performer, PROTO_HOLD, hand);
    peer_expect_receipt(performer, PROTO_STATUS_ON_HOLD);
    assert_int_equal(peer_last_event(requester)->reason, PROTO_REASON_EQUIPMENT_ISSUE);
    scene_advance_to(scene, SECONDS(2000));
    struct proto_record lift = scene_record(PROTO_HOLD);
    lift.u.hold.task = hand.task;
    lift.u.hold.fence = hand.fence;
    lift.u.hold.lift = true;
    scene_send(scene, performer, &lift);
    peer_expect_receipt(performer, PROTO_STATUS_IN_PROGRESS);
    scene_advance_to(scene, SECONDS(2499));
    assert_int_equal(scene_events(scene, PROTO_EV_LAPSED), 0);
    scene_advance_to(scene, SECONDS(2501));
    assert_int_equal(scene_events(scene, PROTO_EV_LAPSED), 1);
    scene_end(scene);
}

TEST(operator_holds_a_waiting_request_and_only_an_operator_lifts)
{
    BEGIN;
    struct peer *operator = scene_connect(scene, "park");
    uint64_t id = scene_submit(scene, requester, "leased");
    struct proto_record hold = scene_record(PROTO_HOLD);
    hold.u.hold.id = id;
    scene_send(scene, requester, &hold);
    peer_expect_refusal(requester, PROTO_REFUSAL_CODE_FORBIDDEN);
    scene_send(scene, operator, &hold);
    peer_expect_receipt(operator, PROTO_STATUS_ON_HOLD);
    scene_offer(scene, performer, "leased", 1);
    assert_int_equal(peer_count(performer, PROTO_TASK), 0);
    hold.u.hold.lift = true;
    scene_send(scene, operator, &hold);
    assert_int_equal(peer_count(performer, PROTO_TASK), 1);
    hold.u.hold.lift = false;
    scene_send(scene, operator, &hold);
    struct proto_record lift = scene_record(PROTO_HOLD);
    lift.u.hold.task = peer_hand(performer).task;
    lift.u.hold.fence = peer_hand(performer).fence;
    lift.u.hold.lift = true;
    scene_send(scene, performer, &lift);
    peer_expect_refusal(performer, PROTO_REFUSAL_CODE_FORBIDDEN);
    scene_end(scene);
}

/* Whoever works at it is told that its acts would be taken again; who lifts by itself knows. */
TEST(a_lifted_hold_is_told_to_the_worker)
{
    BEGIN;
    struct peer *operator = scene_connect(scene, "park");
    uint64_t id;
    struct hand hand = scene_owned_in_progress(scene, requester, performer, "owned", &id);
    assert_int_equal(peer_count(performer, PROTO_TASK), 1);
    struct proto_record hold = scene_record(PROTO_HOLD);
    hold.u.hold.id = id;
    scene_send(scene, operator, &hold);
    scene_complete(scene, performer, hand);
    peer_expect_refusal(performer, PROTO_REFUSAL_CODE_CONFLICT);
    hold.u.hold.lift = true;
    scene_send(scene, operator, &hold);
    assert_int_equal(peer_count(performer, PROTO_TASK), 2);
    const struct proto_record *task = peer_got(performer, PROTO_TASK, -1);
    assert_int_equal(task->u.task.task, hand.task);
    assert_int_equal(task->u.task.fence, hand.fence);
    assert_int_equal(task->u.task.status, PROTO_STATUS_IN_PROGRESS);
    scene_send_hand(scene, performer, PROTO_HOLD, hand);
    struct proto_record lift = scene_record(PROTO_HOLD);
    lift.u.hold.task = hand.task;
    lift.u.hold.fence = hand.fence;
    lift.u.hold.lift = true;
    scene_send(scene, performer, &lift);
    assert_int_equal(peer_count(performer, PROTO_TASK), 2);
    scene_complete(scene, performer, hand);
    peer_expect_receipt(performer, PROTO_STATUS_COMPLETED);
    scene_end(scene);
}

TEST(operator_fails_any_request)
{
    BEGIN;
    struct peer *operator = scene_connect(scene, "park");
    uint64_t waiting = scene_submit(scene, requester, "owned"), held;
    struct hand hand = scene_owned_in_progress(scene, requester, performer, "owned", &held);
    struct proto_record fail = scene_record(PROTO_FAIL);
    fail.u.fail.id = held;
    fail.u.fail.message = PROTO_STR("the park closes");
    scene_send(scene, operator, &fail);
    peer_expect_receipt(operator, PROTO_STATUS_FAILED);
    assert_int_equal(peer_last_event(requester)->reason, PROTO_REASON_FAILED_BY_OPERATOR);
    assert_int_equal(peer_count(performer, PROTO_WITHDRAW), 1);
    scene_complete(scene, performer, hand);
    fail.u.fail.id = waiting;
    scene_send(scene, operator, &fail);
    peer_expect_receipt(operator, PROTO_STATUS_FAILED);
    scene_end(scene);
}

/* ------------------------------------------------------------- progress */

TEST(progress_is_told_to_who_wants_all_and_renews_a_lease)
{
    BEGIN;
    scene_offer(scene, performer, "leased", 1);
    struct proto_record record = scene_submission("leased");
    record.u.submit.notify = PROTO_NOTIFY_ALL;
    uint64_t id = scene_submit_record(scene, requester, &record);
    scene_advance_to(scene, SECONDS(20));
    scene_send_hand(scene, performer, PROTO_PROGRESS, peer_hand(performer));
    peer_expect_receipt(performer, PROTO_STATUS_IN_PROGRESS);
    assert_true(peer_last_event(requester)->progress == 0.25);
    scene_advance_to(scene, SECONDS(45));
    assert_int_equal(scene_events(scene, PROTO_EV_LAPSED), 0);
    struct proto_request row = scene_row(scene, requester, id);
    assert_true(row.progress == 0.25);
    assert_true(proto_str_eq(row.business_status, PROTO_STR("sample_received")));
    assert_true(proto_str_eq(row.performer, PROTO_STR("p1")));
    assert_int_equal(row.fence, 0); /* the performer's and the operators' only */
    scene_end(scene);
}

/* ------------------------------------------------------------- not-before */

TEST(request_waits_for_not_before)
{
    BEGIN;
    scene_offer(scene, performer, "leased", 1);
    struct proto_record record = scene_submission("leased");
    record.u.submit.not_before = scene_now(scene).utc_us + SECONDS(50);
    uint64_t id = scene_submit_record(scene, requester, &record);
    peer_expect_receipt(requester, PROTO_STATUS_ON_HOLD);
    struct proto_request row = scene_row(scene, requester, id);
    assert_int_equal(row.reason, PROTO_REASON_NOT_BEFORE);
    scene_advance_to(scene, SECONDS(49));
    assert_int_equal(peer_count(performer, PROTO_TASK), 0);
    scene_restart(scene);
    struct peer *again = scene_connect(scene, "p1");
    scene_offer(scene, again, "leased", 1);
    scene_advance_to(scene, SECONDS(60));
    assert_int_equal(peer_count(again, PROTO_TASK), 1);
    scene_expect_status(scene, id, PROTO_STATUS_IN_PROGRESS);
    scene_end(scene);
}

/* ------------------------------------------------------------- who may what */

TEST(strangers_hear_not_found_and_old_fences_stale)
{
    BEGIN;
    uint64_t id;
    struct hand hand = scene_owned_in_progress(scene, requester, performer, "owned", &id);
    struct peer *stranger = scene_connect(scene, "p2"), *other = scene_connect(scene, "r2");
    scene_complete(scene, stranger, hand);
    peer_expect_refusal(stranger, PROTO_REFUSAL_CODE_NOT_FOUND);
    scene_complete(scene, stranger, (struct hand){12345 * 64 + 1, 1});
    peer_expect_refusal(stranger, PROTO_REFUSAL_CODE_NOT_FOUND);
    scene_cancel(scene, other, id);
    peer_expect_refusal(other, PROTO_REFUSAL_CODE_NOT_FOUND);
    struct proto_record get = scene_record(PROTO_GET);
    get.u.get.id = id;
    scene_send(scene, other, &get);
    peer_expect_refusal(other, PROTO_REFUSAL_CODE_NOT_FOUND);
    hand.fence--;
    scene_complete(scene, performer, hand);
    peer_expect_refusal(performer, PROTO_REFUSAL_CODE_STALE);
    hand.fence++;
    struct proto_record submission = scene_submission("owned");
    scene_send(scene, performer, &submission);
    peer_expect_refusal(performer, PROTO_REFUSAL_CODE_FORBIDDEN);
    scene_complete(scene, performer, hand);
    scene_project(scene);
    scene_send(scene, other, &get); /* the same from history */
    peer_expect_refusal(other, PROTO_REFUSAL_CODE_NOT_FOUND);
    scene_complete(scene, stranger, hand);
    peer_expect_refusal(stranger, PROTO_REFUSAL_CODE_NOT_FOUND);
    scene_end(scene);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cancel_before_work_takes_effect_at_once),
        cmocka_unit_test(cancel_of_work_in_progress_asks_the_performer_who_may_agree),
        cmocka_unit_test(performer_may_refuse_to_abort_with_the_cost_so_far),
        cmocka_unit_test(result_and_abort_may_cross),
        cmocka_unit_test(abort_that_nobody_can_answer_any_more_cancels),
        cmocka_unit_test(requester_closes_what_nobody_works_at),
        cmocka_unit_test(asking_back_stops_the_clocks),
        cmocka_unit_test(lease_stands_still_while_asking),
        cmocka_unit_test(task_taken_over_after_a_reply_comes_whole),
        cmocka_unit_test(performer_holds_and_lifts_with_what_was_left),
        cmocka_unit_test(operator_holds_a_waiting_request_and_only_an_operator_lifts),
        cmocka_unit_test(a_lifted_hold_is_told_to_the_worker),
        cmocka_unit_test(operator_fails_any_request),
        cmocka_unit_test(progress_is_told_to_who_wants_all_and_renews_a_lease),
        cmocka_unit_test(request_waits_for_not_before),
        cmocka_unit_test(strangers_hear_not_found_and_old_fences_stale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
