/*
 * Tasks that a renewal takes over from a connection that is gone, and results that wait to be verified: who has them, who sees them, who hears
 * what is said about them. Each scene fails on the code from before.
 */
#include <string.h>

#include "scene.h"

#define TEST(name) static void name(void **state)

static void
renew_send(struct scene *scene, struct peer *peer, struct hand hand)
{
    struct proto_buf held;
    proto_buf_init(&held, 256);
    struct proto_held row = {.task = hand.task, .fence = hand.fence};
    assert_true(proto_buf_append(&held, "\x91", 1) && proto_struct_encode(&held, PROTO_STRUCT_HELD, &row));
    struct proto_record renew = scene_record(PROTO_RENEW);
    renew.u.renew.held = (struct proto_bin){held.p, (uint32_t)held.n};
    scene_send(scene, peer, &renew);
    proto_buf_fini(&held);
}

/* L5: a result that waits for a colleague stays in sight of the colleagues when its author renews it. */
TEST(author_who_renews_a_presented_result_does_not_hide_it_from_its_verifier)
{
    (void)state;
    struct scene *scene = scene_new();
    struct peer *requester = scene_connect(scene, "r1"), *performer = scene_connect(scene, "p1");
    uint64_t id;
    struct hand hand = scene_owned_in_progress(scene, requester, performer, "owned.verified", &id);
    scene_complete(scene, performer, hand);
    renew_send(scene, performer, hand);
    struct peer *second = scene_connect(scene, "p1/m2");
    scene_offer(scene, second, "owned.verified", 5);
    assert_int_equal(peer_count(second, PROTO_TASK), 1);
    scene_verify(scene, second, hand, true);
    scene_expect_status(scene, id, PROTO_STATUS_COMPLETED);
    scene_end(scene);
}

/* The same when a colleague renews who had the task once, and has not been sent the result. */
TEST(colleague_who_renews_what_he_once_had_is_sent_the_result_all_the_same)
{
    (void)state;
    struct scene *scene = scene_new();
    struct peer *requester = scene_connect(scene, "r1"), *performer = scene_connect(scene, "p1");
    struct peer *second = scene_connect(scene, "p1/m2");
    uint64_t id;
    struct hand hand = scene_owned_in_progress(scene, requester, performer, "owned.verified", &id);
    struct proto_record offer = scene_record(PROTO_OFFER);
    offer.u.offer.service = PROTO_STR("owned.verified");
    offer.u.offer.capacity = 5;
    scene_send(scene, second, &offer);
    scene_complete(scene, performer, hand);
    renew_send(scene, second, hand);
    assert_int_equal(peer_count(second, PROTO_TASK), 0); /* it gave no credit */
    scene_credit(scene, second, "owned.verified", 1);
    assert_int_equal(peer_count(second, PROTO_TASK), 1);
    scene_verify(scene, second, hand, true);
    scene_expect_status(scene, id, PROTO_STATUS_COMPLETED);
    scene_end(scene);
}

/* The same when its author refuses to abort. */
TEST(author_who_refuses_to_abort_does_not_hide_its_result_from_its_verifier)
{
    (void)state;
    struct scene *scene = scene_new();
    struct peer *requester = scene_connect(scene, "r1"), *performer = scene_connect(scene, "p1");
    uint64_t id;
    struct hand hand = scene_owned_in_progress(scene, requester, performer, "owned.verified", &id);
    scene_cancel(scene, requester, id);
    scene_complete(scene, performer, hand);
    struct proto_record reject = scene_record(PROTO_REJECT);
    reject.u.reject.task = hand.task;
    reject.u.reject.fence = hand.fence;
    reject.u.reject.code = PROTO_CODE_ABORT;
    scene_send(scene, performer, &reject);
    struct peer *second = scene_connect(scene, "p1/m2");
    scene_offer(scene, second, "owned.verified", 5);
    assert_int_equal(peer_count(second, PROTO_TASK), 1);
    scene_verify(scene, second, hand, true);
    scene_expect_status(scene, id, PROTO_STATUS_COMPLETED);
    scene_end(scene);
}

/* C3: a result that was never verified is not shown when the request has ended without it, and its end is told the same way each time. */
TEST(end_that_is_told_again_does_not_show_a_result_that_was_never_verified)
{
    (void)state;
    struct scene *scene = scene_new();
    struct peer *requester = scene_connect(scene, "r1"), *performer = scene_connect(scene, "p1");
    scene_offer(scene, performer, "owned.verified", 5);
    struct proto_record record = scene_submission("owned.verified");
    uint64_t id = scene_submit_record(scene, requester, &record);
    struct hand hand = peer_hand(performer);
    scene_accept(scene, performer, hand);
    scene_start(scene, performer, hand);
    scene_cancel(scene, requester, id);
    scene_complete(scene, performer, hand);
    struct proto_record agree = scene_record(PROTO_ACCEPT);
    agree.u.accept.task = hand.task;
    agree.u.accept.fence = hand.fence;
    agree.u.accept.code = PROTO_CODE_ABORT;
    scene_send(scene, performer, &agree);
    scene_expect_status(scene, id, PROTO_STATUS_CANCELLED);
    peer_forget(requester);
    scene_send(scene, requester, &record);
    const struct proto_record *end = peer_got(requester, PROTO_EVENT, -1);
    assert_non_null(end);
    assert_int_equal(end->u.event.status, PROTO_STATUS_CANCELLED);
    assert_int_equal(end->u.event.outcome.n, 0);
    assert_int_equal(end->u.event.output.n, 0);
    assert_int_equal(end->body.n, 0);
    for (int finished = 0; finished < 2; finished++) {
        struct proto_request row = scene_row(scene, requester, id);
        assert_int_equal(row.outcome.n, 0);
        assert_int_equal(row.output.n, 0);
        assert_int_equal(row.output_seq, 0);
        assert_int_equal(row.body_bytes, 0);
        assert_int_equal(peer_answer(requester)->body.n, 0);
        scene_project(scene); /* the same from history */
    }
    scene_end(scene);
}

/* L4: the wish to stop may have gone to a connection that was dead already; whoever renews the task hears it. */
TEST(worker_that_renews_after_a_reconnect_hears_the_abort_that_it_missed)
{
    (void)state;
    struct scene *scene = scene_new();
    struct peer *requester = scene_connect(scene, "r1"), *gone = scene_connect(scene, "p1");
    scene_offer(scene, gone, "leased", 1);
    uint64_t id = scene_submit(scene, requester, "leased");
    struct hand hand = peer_hand(gone), unknown = {.task = hand.task + 1, .fence = 7};
    struct peer *back = scene_connect(scene, "p1");
    scene_offer(scene, back, "leased", 1);
    scene_cancel(scene, requester, id);
    renew_send(scene, back, hand);
    assert_int_equal(peer_count(back, PROTO_ABORT), 0); /* the other connection still has the task */
    scene_disconnect(scene, gone);
    renew_send(scene, back, hand);
    assert_int_equal(peer_count(back, PROTO_ABORT), 1);
    assert_int_equal(peer_answer(back)->u.receipt.lost.n, 0);
    renew_send(scene, back, hand);
    assert_int_equal(peer_count(back, PROTO_ABORT), 1); /* once is enough */
    renew_send(scene, back, unknown);
    assert_true(peer_answer(back)->u.receipt.lost.n > 0);
    scene_answer_abort(scene, back, hand, true);
    scene_expect_status(scene, id, PROTO_STATUS_CANCELLED);
    scene_end(scene);
}

/* L5: the same with the reply to a question: without it the worker would renew, and wait, for ever. */
TEST(worker_that_renews_after_a_reconnect_gets_the_reply_that_it_missed)
{
    (void)state;
    struct scene *scene = scene_new();
    struct peer *requester = scene_connect(scene, "r1"), *gone = scene_connect(scene, "p1");
    scene_offer(scene, gone, "leased", 1);
    uint64_t id = scene_submit(scene, requester, "leased");
    struct hand hand = peer_hand(gone);
    scene_send_hand(scene, gone, PROTO_ASK, hand);
    scene_disconnect(scene, gone);
    struct proto_record reply = scene_record(PROTO_REPLY);
    reply.u.reply.id = id;
    reply.body = (struct proto_bin){(const uint8_t *)"answer", 6};
    scene_send(scene, requester, &reply);
    struct peer *back = scene_connect(scene, "p1");
    scene_offer(scene, back, "leased", 1);
    assert_int_equal(peer_count(back, PROTO_TASK), 0);
    renew_send(scene, back, hand);
    assert_int_equal(peer_count(back, PROTO_TASK), 1);
    const struct proto_record *task = peer_got(back, PROTO_TASK, 0);
    assert_int_equal(task->u.task.fence, hand.fence);
    assert_int_equal(task->u.task.status, PROTO_STATUS_IN_PROGRESS);
    assert_memory_equal(task->body.p, "answer", 6);
    renew_send(scene, back, hand);
    assert_int_equal(peer_count(back, PROTO_TASK), 1);
    scene_complete(scene, back, hand);
    peer_expect_receipt(back, PROTO_STATUS_COMPLETED);
    scene_end(scene);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(worker_that_renews_after_a_reconnect_hears_the_abort_that_it_missed),
        cmocka_unit_test(worker_that_renews_after_a_reconnect_gets_the_reply_that_it_missed),
        cmocka_unit_test(author_who_renews_a_presented_result_does_not_hide_it_from_its_verifier),
        cmocka_unit_test(colleague_who_renews_what_he_once_had_is_sent_the_result_all_the_same),
        cmocka_unit_test(author_who_refuses_to_abort_does_not_hide_its_result_from_its_verifier),
        cmocka_unit_test(end_that_is_told_again_does_not_show_a_result_that_was_never_verified),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
