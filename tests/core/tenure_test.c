/*
 * What outlives what: connections, restarts, keys, revocations, catalogues.
 */
#include <string.h>

#include "scene.h"

#define TEST(name) static void name(void **state)
#define BEGIN                                                                                                           \
    (void)state;                                                                                                        \
    struct scene *scene = scene_new();                                                                                  \
    struct peer *requester = scene_connect(scene, "r1");                                                                \
    struct peer *performer = scene_connect(scene, "p1");                                                                \
    (void)requester, (void)performer, scene_forget_trace(scene)

/* An owned task belongs to the organisation: a disconnect changes nothing, any of its workers carries on. */
TEST(owned_task_outlives_its_connection)
{
    BEGIN;
    scene_offer(scene, performer, "owned", 1);
    uint64_t id = scene_submit(scene, requester, "owned");
    struct hand hand = peer_hand(performer);
    scene_accept(scene, performer, hand);
    scene_start(scene, performer, hand);
    struct peer *colleague = scene_connect(scene, "p1/m2");
    scene_offer(scene, colleague, "owned", 1);
    scene_disconnect(scene, performer);
    const struct proto_record *task = peer_got(colleague, PROTO_TASK, 0);
    assert_non_null(task);
    assert_int_equal(task->u.task.status, PROTO_STATUS_IN_PROGRESS);
    assert_int_equal(task->u.task.fence, hand.fence);
    scene_complete(scene, colleague, hand);
    peer_expect_receipt(colleague, PROTO_STATUS_COMPLETED);
    scene_expect(scene, "0.000 #1 -> requested  submitted by r1\n"
                        "0.000 #1 requested -> accepted  agreed by p1\n"
                        "0.000 #1 accepted -> in-progress  started\n"
                        "0.000 #1 in-progress -> completed  by m2\n");
    scene_expect_status(scene, id, PROTO_STATUS_COMPLETED);
    scene_end(scene);
}

TEST(owned_task_waits_for_a_worker_of_its_party_to_come_back)
{
    BEGIN;
    scene_offer(scene, performer, "owned", 1);
    scene_submit(scene, requester, "owned");
    struct hand hand = peer_hand(performer);
    scene_accept(scene, performer, hand);
    scene_disconnect(scene, performer);
    struct peer *other = scene_connect(scene, "p2");
    scene_offer(scene, other, "owned", 5);
    assert_int_equal(peer_count(other, PROTO_TASK), 0);
    struct peer *back = scene_connect(scene, "p1");
    scene_offer(scene, back, "owned", 1);
    assert_int_equal(peer_got(back, PROTO_TASK, 0)->u.task.status, PROTO_STATUS_ACCEPTED);
    assert_int_equal(peer_hand(back).fence, hand.fence);
    scene_end(scene);
}

/* The same worker may come back within its lease, renew, and finish. */
TEST(leased_task_is_kept_by_renewing_after_a_reconnect)
{
    BEGIN;
    scene_offer(scene, performer, "leased", 1);
    scene_submit(scene, requester, "leased");
    struct hand hand = peer_hand(performer);
    scene_disconnect(scene, performer);
    scene_advance_to(scene, SECONDS(20));
    struct peer *back = scene_connect(scene, "p1");
    scene_offer(scene, back, "leased", 1);
    struct proto_buf held;
    proto_buf_init(&held, 256);
    struct proto_held row = {.task = hand.task, .fence = hand.fence};
    assert_true(proto_buf_append(&held, "\x91", 1) && proto_struct_encode(&held, PROTO_STRUCT_HELD, &row));
    struct proto_record renew = scene_record(PROTO_RENEW);
    renew.u.renew.held = (struct proto_bin){held.p, (uint32_t)held.n};
    scene_send(scene, back, &renew);
    scene_advance_to(scene, SECONDS(45));
    scene_complete(scene, back, hand);
    peer_expect_receipt(back, PROTO_STATUS_COMPLETED);
    proto_buf_fini(&held);
    scene_end(scene);
}

/* D5, A2: after a restart leases get a full term, everything else goes on where it was, and fences rise. */
TEST(restart_in_the_middle_loses_nothing)
{
    BEGIN;
    scene_offer(scene, performer, "leased", 1);
    scene_offer(scene, performer, "owned", 1);
    uint64_t leased = scene_submit(scene, requester, "leased");
    uint64_t owned = scene_submit(scene, requester, "owned");
    struct hand owned_hand = peer_hand(performer);
    uint64_t waiting = scene_submit(scene, requester, "near");
    scene_accept(scene, performer, owned_hand);
    scene_advance_to(scene, SECONDS(25));
    scene_restart(scene);
    int64_t restarted = scene_now(scene).mono_us - SECONDS(1000);
    scene_expect_status(scene, leased, PROTO_STATUS_IN_PROGRESS);
    scene_expect_status(scene, owned, PROTO_STATUS_ACCEPTED);
    scene_expect_status(scene, waiting, PROTO_STATUS_READY);
    scene_advance_to(scene, restarted + SECONDS(29));
    scene_expect_status(scene, leased, PROTO_STATUS_IN_PROGRESS);
    struct peer *again = scene_connect(scene, "p1");
    scene_offer(scene, again, "*", 5);
    assert_int_equal(peer_count(again, PROTO_TASK), 2); /* owned, and what waited */
    scene_advance_to(scene, restarted + SECONDS(31));
    assert_int_equal(peer_count(again, PROTO_TASK), 3);
    assert_true(peer_hand(again).fence > owned_hand.fence);
    scene_start(scene, again, owned_hand);
    peer_expect_receipt(again, PROTO_STATUS_IN_PROGRESS);
    scene_end(scene);
}

/* A request keeps the terms under which it was accepted; a new one gets the new terms. */
TEST(reload_changes_nothing_for_what_was_accepted)
{
    BEGIN;
    scene_submit(scene, requester, "leased");
    scene_reload(scene, 300);
    scene_submit(scene, requester, "leased");
    scene_offer(scene, performer, "leased", 2);
    assert_int_equal(peer_got(performer, PROTO_TASK, 0)->u.task.lease, SECONDS(30));
    assert_int_equal(peer_got(performer, PROTO_TASK, 1)->u.task.lease, SECONDS(300));
    for (int i = 0; i < 20; i++) {
        scene_reload(scene, 30 + i);
    }
    scene_advance_to(scene, SECONDS(31));
    assert_int_equal(scene_events(scene, PROTO_EV_LAPSED), 1);
    scene_end(scene);
}

/* ------------------------------------------------------------- keys and parties */

static struct proto_record
party_record(enum proto_party_action action, const char *party)
{
    struct proto_record record = scene_record(PROTO_PARTY);
    record.u.party.action = action;
    record.u.party.party = proto_str_of(party);
    return record;
}

/* C4: a revoked key holds nothing from the next message; its tasks stay with the party. */
TEST(revoked_member_is_cut_off)
{
    BEGIN;
    struct peer *operator = scene_connect(scene, "park"), *colleague = scene_connect(scene, "p1/m2");
    scene_offer(scene, performer, "owned", 1);
    scene_submit(scene, requester, "owned");
    scene_offer(scene, colleague, "owned", 1);
    struct proto_record revoke = party_record(PROTO_PARTY_ACTION_REVOKE, "p1");
    revoke.u.party.member = PROTO_STR("m1");
    scene_send(scene, operator, &revoke);
    assert_int_equal(peer_answer(operator)->type, PROTO_RECEIPT);
    assert_true(peer_is_closed(performer));
    assert_false(peer_is_closed(colleague));
    assert_int_equal(peer_count(colleague, PROTO_TASK), 1);
    struct core_member_info info;
    uint8_t key[32] = {0};
    assert_false(core_member_by_key(scene_core(scene), key, scene_now(scene).utc_us, &info));
    /* Even if a record of that key still comes in, on whatever connection. */
    struct peer *ghost = scene_connect(scene, "p1");
    scene_accept(scene, ghost, (struct hand){65, 1});
    peer_expect_refusal(ghost, PROTO_REFUSAL_CODE_FORBIDDEN);
    assert_true(peer_is_closed(ghost));
    scene_end(scene);
}

TEST(revoked_party_loses_its_tasks)
{
    BEGIN;
    struct peer *operator = scene_connect(scene, "park"), *other = scene_connect(scene, "p2");
    scene_offer(scene, performer, "owned", 5);
    uint64_t id = scene_submit(scene, requester, "owned");
    scene_accept(scene, performer, peer_hand(performer));
    scene_start(scene, performer, peer_hand(performer));
    scene_offer(scene, other, "owned", 5);
    struct proto_record revoke = party_record(PROTO_PARTY_ACTION_REVOKE, "p1");
    scene_send(scene, operator, &revoke);
    assert_true(peer_is_closed(performer));
    assert_int_equal(peer_count(other, PROTO_TASK), 1);
    assert_int_equal(peer_got(other, PROTO_TASK, 0)->u.task.attempt, 1); /* it was not its doing */
    scene_expect_status(scene, id, PROTO_STATUS_REQUESTED);
    revoke.u.party.party = PROTO_STR("park");
    scene_send(scene, operator, &revoke);
    peer_expect_refusal(operator, PROTO_REFUSAL_CODE_CONFLICT);
    scene_end(scene);
}

TEST(lost_grant_takes_the_offer_and_what_was_not_accepted)
{
    BEGIN;
    struct peer *operator = scene_connect(scene, "park");
    scene_offer(scene, performer, "owned", 5);
    scene_submit(scene, requester, "owned");
    struct hand kept = peer_hand(performer);
    scene_accept(scene, performer, kept);
    scene_submit(scene, requester, "owned");
    struct proto_record revoke = party_record(PROTO_PARTY_ACTION_REVOKE, "p1");
    revoke.u.party.services = list_of("*", NULL);
    scene_send(scene, operator, &revoke);
    assert_int_equal(peer_count(performer, PROTO_WITHDRAW), 1);
    scene_start(scene, performer, kept);
    peer_expect_receipt(performer, PROTO_STATUS_IN_PROGRESS);
    scene_submit(scene, requester, "owned");
    assert_int_equal(peer_count(performer, PROTO_TASK), 2);
    struct proto_record grant = party_record(PROTO_PARTY_ACTION_GRANT, "p1");
    grant.u.party.services = list_of("owned", NULL);
    scene_send(scene, operator, &grant);
    assert_int_equal(peer_count(performer, PROTO_TASK), 4);
    scene_end(scene);
}

/* An invitation enrols one key, once, within its time; a member's own key adds another (rotation). */
TEST(invitation_enrols_once)
{
    BEGIN;
    struct peer *operator = scene_connect(scene, "park");
    uint8_t invited[32] = {7}, own[32] = {8}, rotated[32] = {9};
    struct proto_record invite = party_record(PROTO_PARTY_ACTION_INVITE, "r1");
    invite.u.party.member = PROTO_STR("anna");
    invite.u.party.key = (struct proto_bin){invited, 32};
    invite.u.party.expires = scene_now(scene).utc_us + SECONDS(100);
    scene_send(scene, operator, &invite);
    assert_int_equal(peer_answer(operator)->type, PROTO_RECEIPT);
    struct core_member_info info;
    assert_true(core_member_by_key(scene_core(scene), invited, scene_now(scene).utc_us, &info));
    assert_int_equal(info.state, CORE_MEMBER_INVITED);
    assert_false(core_member_by_key(scene_core(scene), invited, scene_now(scene).utc_us + SECONDS(101), &info));
    struct peer *anna = scene_connect(scene, "r1/anna");
    struct proto_record submission = scene_submission("leased");
    scene_send(scene, anna, &submission);
    peer_expect_refusal(anna, PROTO_REFUSAL_CODE_FORBIDDEN);
    struct proto_record enrol = scene_record(PROTO_ENROL);
    enrol.u.enrol.key = (struct proto_bin){own, 32};
    scene_send(scene, anna, &enrol);
    assert_int_equal(peer_answer(anna)->type, PROTO_RECEIPT);
    assert_false(core_member_by_key(scene_core(scene), invited, scene_now(scene).utc_us, &info));
    assert_true(core_member_by_key(scene_core(scene), own, scene_now(scene).utc_us, &info));
    assert_true(proto_str_eq(info.member_name, PROTO_STR("anna")));
    anna = scene_connect(scene, "r1/anna");
    enrol.u.enrol.key = (struct proto_bin){rotated, 32};
    scene_send(scene, anna, &enrol);
    assert_int_equal(peer_answer(anna)->type, PROTO_RECEIPT);
    scene_send(scene, anna, &enrol);
    peer_expect_refusal(anna, PROTO_REFUSAL_CODE_CONFLICT);
    enrol.u.enrol.member = PROTO_STR("bert");
    scene_send(scene, anna, &enrol);
    peer_expect_refusal(anna, PROTO_REFUSAL_CODE_FORBIDDEN);
    scene_end(scene);
}

TEST(only_operators_manage_parties_and_the_first_comes_from_bootstrap)
{
    BEGIN;
    struct proto_record add = party_record(PROTO_PARTY_ACTION_ADD, "new");
    scene_send(scene, requester, &add);
    peer_expect_refusal(requester, PROTO_REFUSAL_CODE_FORBIDDEN);
    uint32_t before = scene_events(scene, PROTO_EV_PARTY);
    struct core_bootstrap again = {.party = PROTO_STR("intruder"), .member = PROTO_STR("m1")};
    struct core_input bootstrap = {.kind = CORE_BOOTSTRAP, .first = &again};
    scene_input(scene, &bootstrap);
    assert_int_equal(scene_events(scene, PROTO_EV_PARTY), before);
    struct peer *operator = scene_connect(scene, "park");
    add.u.party.party = PROTO_STR("no spaces");
    scene_send(scene, operator, &add);
    peer_expect_refusal(operator, PROTO_REFUSAL_CODE_INVALID);
    scene_end(scene);
}

/* D7: fences and ids stay above what was given out, whatever the clock says after a restore. */
TEST(fences_and_ids_rise_even_if_the_clock_was_set_back)
{
    BEGIN;
    scene_offer(scene, performer, "leased", 1);
    uint64_t first = scene_submit(scene, requester, "leased");
    uint64_t fence = peer_hand(performer).fence;
    scene_complete(scene, performer, peer_hand(performer));
    scene_jump_wall_clock(scene, -DAYS(30));
    uint64_t second = scene_submit(scene, requester, "leased");
    assert_true(second > first);
    assert_true(peer_hand(performer).fence > fence);
    scene_end(scene);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(owned_task_outlives_its_connection),
        cmocka_unit_test(owned_task_waits_for_a_worker_of_its_party_to_come_back),
        cmocka_unit_test(leased_task_is_kept_by_renewing_after_a_reconnect),
        cmocka_unit_test(restart_in_the_middle_loses_nothing),
        cmocka_unit_test(reload_changes_nothing_for_what_was_accepted),
        cmocka_unit_test(revoked_member_is_cut_off),
        cmocka_unit_test(revoked_party_loses_its_tasks),
        cmocka_unit_test(lost_grant_takes_the_offer_and_what_was_not_accepted),
        cmocka_unit_test(invitation_enrols_once),
        cmocka_unit_test(only_operators_manage_parties_and_the_first_comes_from_bootstrap),
        cmocka_unit_test(fences_and_ids_rise_even_if_the_clock_was_set_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
