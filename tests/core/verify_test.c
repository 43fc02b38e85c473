/*
 * A second member of the performer looks at a result before it counts.
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

TEST(second_member_verifies_and_the_first_may_not)
{
    BEGIN;
    uint64_t id;
    struct hand hand = scene_owned_in_progress(scene, requester, performer, "owned.verified", &id);
    scene_complete(scene, performer, hand);
    peer_expect_receipt(performer, PROTO_STATUS_IN_PROGRESS);
    assert_true(proto_str_eq(peer_answer(performer)->u.receipt.business_status, PROTO_STR("to_be_verified")));
    struct proto_request row = scene_row(scene, requester, id);
    assert_int_equal(row.outcome.n, 0); /* not the requester's yet */
    assert_int_equal(row.output_seq, 0);
    scene_verify(scene, performer, hand, true);
    peer_expect_refusal(performer, PROTO_REFUSAL_CODE_FORBIDDEN);
    struct peer *second = scene_connect(scene, "p1/m2");
    scene_offer(scene, second, "owned.verified", 5);
    const struct proto_record *task = peer_got(second, PROTO_TASK, 0);
    assert_non_null(task);
    assert_true(proto_str_eq(task->u.task.business_status, PROTO_STR("to_be_verified")));
    assert_int_equal(task->u.task.fence, hand.fence);
    assert_memory_equal(task->body.p, "body", 4);
    struct peer *stranger = scene_connect(scene, "p2");
    scene_verify(scene, stranger, hand, true);
    peer_expect_refusal(stranger, PROTO_REFUSAL_CODE_NOT_FOUND);
    scene_verify(scene, second, hand, true);
    peer_expect_receipt(second, PROTO_STATUS_COMPLETED);
    assert_int_equal(peer_last_event(requester)->status, PROTO_STATUS_COMPLETED);
    assert_true(peer_last_place(second, PROTO_RECEIPT) < peer_last_place(requester, PROTO_EVENT)); /* what stands last leaves first */
    assert_true(proto_str_eq(peer_last_event(requester)->outcome, PROTO_STR("conforming")));
    assert_memory_equal(peer_got(requester, PROTO_EVENT, -1)->body.p, "result", 6);
    row = scene_row(scene, requester, id);
    assert_true(proto_str_eq(row.outcome, PROTO_STR("conforming")));
    assert_int_equal(row.body_bytes, 6);
    scene_project(scene);
    scene_verify(scene, second, hand, true);
    assert_true(peer_answer(second)->u.receipt.duplicate);
    scene_end(scene);
}

/* L5: a look at what waits to be verified has a bound, and one's own results do not end it for good. */
TEST(own_results_in_front_do_not_hide_a_colleagues)
{
    enum { OWN = 70 };
    BEGIN;
    struct peer *second = scene_connect(scene, "p1/m2");
    struct hand own[OWN];
    uint64_t id;
    struct hand last = scene_owned_in_progress(scene, requester, second, "owned.verified", &id);
    for (int i = 0; i < OWN; i++) {
        own[i] = scene_owned_in_progress(scene, requester, performer, "owned.verified", &id);
        scene_complete(scene, performer, own[i]);
    }
    scene_offer(scene, performer, "owned.verified", 5);
    scene_complete(scene, second, last);
    peer_forget(performer);
    for (int i = 0; i < OWN; i++) {
        scene_verify(scene, second, own[i], true);
        peer_expect_receipt(second, PROTO_STATUS_COMPLETED);
    }
    const struct proto_record *task = peer_got(performer, PROTO_TASK, 0);
    assert_non_null(task);
    assert_int_equal(task->u.task.task, last.task);
    scene_end(scene);
}

/* The document that leaves shows who verified it; what was presented stays in the journal, and so does who did what. */
TEST(verifier_signs_the_document_and_is_named)
{
    for (int restart = 0; restart < 2; restart++) {
        BEGIN;
        uint64_t id;
        struct hand hand = scene_owned_in_progress(scene, requester, performer, "owned.verified", &id);
        scene_complete(scene, performer, hand);
        struct peer *second = scene_connect(scene, "p1/m2");
        scene_offer(scene, second, "owned.verified", 5);
        assert_int_equal(scene_row(scene, performer, id).verifier.n, 0);
        struct proto_record record = scene_record(PROTO_VERIFY);
        record.u.verify.task = hand.task;
        record.u.verify.fence = hand.fence;
        record.u.verify.agree = true;
        record.u.verify.has = PROTO_VERIFY_AGREE;
        record.body = (struct proto_bin){(const uint8_t *)"signed result", 13};
        scene_send(scene, second, &record);
        peer_expect_receipt(second, PROTO_STATUS_COMPLETED);
        assert_int_equal(peer_got(requester, PROTO_EVENT, -1)->body.n, 13);
        assert_memory_equal(peer_got(requester, PROTO_EVENT, -1)->body.p, "signed result", 13);
        int64_t verified_on = scene_now(scene).utc_us;
        if (restart == 1) {
            scene_advance_to(scene, SECONDS(1000));
            scene_restart(scene);
            scene_project(scene);
            requester = scene_connect(scene, "r1");
        }
        struct proto_request row = scene_row(scene, requester, id);
        assert_true(proto_str_eq(row.verifier, PROTO_STR("m2")));
        assert_true(proto_str_eq(row.member, PROTO_STR("m1")));
        assert_int_equal(row.verified_on, verified_on);
        assert_int_equal(row.body_bytes, 13);
        assert_true(proto_str_eq(row.outcome, PROTO_STR("conforming")));
        assert_memory_equal(peer_answer(requester)->body.p, "signed result", 13);
        scene_end(scene);
    }
}

TEST(refused_result_goes_back_to_the_worker)
{
    BEGIN;
    uint64_t id;
    struct hand hand = scene_owned_in_progress(scene, requester, performer, "owned.verified", &id);
    struct peer *second = scene_connect(scene, "p1/m2");
    scene_offer(scene, second, "owned.verified", 5);
    scene_complete(scene, performer, hand);
    assert_int_equal(peer_count(second, PROTO_TASK), 1);
    assert_int_equal(peer_count(performer, PROTO_TASK), 1);
    scene_verify(scene, second, hand, false);
    peer_expect_receipt(second, PROTO_STATUS_IN_PROGRESS);
    assert_int_equal(peer_count(performer, PROTO_TASK), 2);
    assert_true(proto_str_eq(peer_got(performer, PROTO_TASK, -1)->u.task.business_status, PROTO_STR("verification_refused")));
    scene_complete(scene, performer, hand);
    scene_verify(scene, second, hand, true);
    peer_expect_receipt(second, PROTO_STATUS_COMPLETED);
    scene_expect_status(scene, id, PROTO_STATUS_COMPLETED);
    scene_end(scene);
}

/* An offer only to verify gets no new work, and the results of others. */
TEST(reviewer_gets_results_and_no_work)
{
    BEGIN;
    struct peer *reviewer = scene_connect(scene, "p1/m2");
    struct proto_record offer = scene_record(PROTO_OFFER);
    offer.u.offer.service = PROTO_STR("leased.verified");
    offer.u.offer.capacity = 9;
    offer.u.offer.credit = 9;
    offer.u.offer.verify = true;
    scene_send(scene, reviewer, &offer);
    uint64_t id = scene_submit(scene, requester, "leased.verified");
    assert_int_equal(peer_count(reviewer, PROTO_TASK), 0);
    scene_offer(scene, performer, "leased.verified", 1);
    struct hand hand = peer_hand(performer);
    scene_complete(scene, performer, hand);
    assert_int_equal(peer_count(reviewer, PROTO_TASK), 1);
    scene_advance_to(scene, SECONDS(100)); /* no lease runs while it is looked at */
    scene_verify(scene, reviewer, hand, true);
    scene_expect_status(scene, id, PROTO_STATUS_COMPLETED);
    scene_end(scene);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(second_member_verifies_and_the_first_may_not),
        cmocka_unit_test(own_results_in_front_do_not_hide_a_colleagues),
        cmocka_unit_test(verifier_signs_the_document_and_is_named),
        cmocka_unit_test(refused_result_goes_back_to_the_worker),
        cmocka_unit_test(reviewer_gets_results_and_no_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
