/*
 * What planted bugs (tests/mutants) showed to be unguarded: each scene here sees one that all others let pass.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scene_internal.h"

#define TEST(name) static void name(void **state)
#define BEGIN                                                                                                           \
    (void)state;                                                                                                        \
    struct scene *scene = scene_new();                                                                                  \
    struct peer *requester = scene_connect(scene, "r1"), *performer = scene_connect(scene, "p1");                       \
    (void)requester, (void)performer

static struct proto_record
keyed(const char *key)
{
    struct proto_record record = scene_record(PROTO_SUBMIT);
    record.u.submit.service = PROTO_STR("leased");
    record.u.submit.key = proto_str_of(key);
    return record;
}

static struct proto_record
produced(uint64_t pseq)
{
    struct proto_record record = scene_record(PROTO_SUBMIT);
    record.u.submit.service = PROTO_STR("leased");
    record.u.submit.producer = 7;
    record.u.submit.pseq = pseq;
    return record;
}

static bool
is_duplicate(struct scene *scene, struct peer *peer, struct proto_record *record, uint64_t id)
{
    scene_send(scene, peer, record);
    const struct proto_record *answer = peer_answer(peer);
    return answer->type == PROTO_RECEIPT && answer->u.receipt.duplicate && answer->u.receipt.id == id;
}

/* ------------------------------------------------------------- replay */

/* The scene's journal up to `upto`, applied to a new core. */
static struct core *
core_replayed(const struct scene *scene, uint64_t upto)
{
    struct core *core = core_new(&scene->settings);
    for (uint64_t seq = 1; seq <= upto; seq++) {
        struct proto_bin event = journal_at(scene, seq);
        assert_int_equal(core_apply(core, seq, event.p, event.n, NULL), CORE_APPLIED);
    }
    return core;
}

static enum core_applied
apply_changed(struct core *core, uint64_t seq, const struct proto_event *event)
{
    struct proto_buf buf;
    proto_buf_init(&buf, 1 << 16);
    assert_true(proto_event_encode(&buf, event));
    enum core_applied applied = core_apply(core, seq, buf.p, buf.n, NULL);
    proto_buf_fini(&buf);
    return applied;
}

/* D6, L1: what does not follow its request's last event, names another task of it, or comes after its end, is damage. */
TEST(event_that_does_not_follow_is_damage)
{
    BEGIN;
    scene_offer(scene, performer, "leased", 1);
    scene_submit(scene, requester, "leased");
    scene_complete(scene, performer, peer_hand(performer));
    uint64_t last = scene->journal_n;
    struct proto_event completed;
    decode_event(journal_at(scene, last), &completed);
    assert_int_equal(completed.type, PROTO_EV_COMPLETED);

    struct core *core = core_replayed(scene, last - 1);
    struct proto_event wrong = completed;
    wrong.prev--;
    assert_int_equal(apply_changed(core, last, &wrong), CORE_APPLY_DAMAGED);
    wrong = completed;
    wrong.task++;
    assert_int_equal(apply_changed(core, last, &wrong), CORE_APPLY_DAMAGED);
    assert_int_equal(apply_changed(core, last, &completed), CORE_APPLIED);
    assert_int_equal(apply_changed(core, last, &completed), CORE_APPLIED_BEFORE);
    completed.prev = last;
    completed.type = PROTO_EV_CANCELLED;
    completed.task_status = PROTO_STATUS_CANCELLED;
    assert_int_equal(apply_changed(core, last + 1, &completed), CORE_APPLY_DAMAGED);
    core_destroy(&core);
    scene_end(scene);
}

/* D7: a backup is restored; what it gives out is above all that was given out since it was made. */
TEST(fences_after_a_restore_are_above_all_that_were_given_out)
{
    BEGIN;
    uint64_t backup = scene->journal_n;
    scene_offer(scene, performer, "leased", 1);
    for (int i = 0; i < 5; i++) {
        scene_submit(scene, requester, "leased");
        scene_complete(scene, performer, peer_hand(performer));
    }
    uint64_t given = peer_hand(performer).fence;
    uint64_t lost = scene->journal_n;
    while (scene->journal_n > backup) {
        free(scene->journal[--scene->journal_n].p);
    }
    scene->last_fence = 0;
    scene_restart(scene);
    struct peer *again = scene_connect(scene, "p1");
    scene_offer(scene, again, "leased", 1);
    uint64_t id = scene_submit(scene, scene_connect(scene, "r1"), "leased");
    assert_true(scene->journal_n < lost);
    assert_true(peer_hand(again).fence > given);
    scene_expect_status(scene, id, PROTO_STATUS_IN_PROGRESS);
    scene_end(scene);
}

/* ------------------------------------------------------------- keys */

/* N1: what was accepted is answered so, though by now it could not be accepted: its time is over, nobody may submit. */
TEST(key_is_answered_before_anything_is_checked)
{
    BEGIN;
    struct proto_record record = keyed("order-1");
    record.u.submit.complete_by = scene_now(scene).utc_us + SECONDS(10);
    uint64_t id = scene_submit_record(scene, requester, &record);
    scene_advance_to(scene, SECONDS(20));
    struct core_input pressure = {.kind = CORE_PRESSURE, .pressure = CORE_PRESSURE_DISK | CORE_PRESSURE_HISTORY};
    scene_input(scene, &pressure);
    assert_true(is_duplicate(scene, requester, &record, id));
    scene_end(scene);
}

/* D5: which key has ended may be known from the snapshot alone, while the request that came with it is open and told again. */
TEST(ended_key_does_not_come_back_with_its_open_request)
{
    BEGIN;
    struct proto_record first = keyed("a"), second = keyed("b");
    scene_submit_record(scene, requester, &first);
    scene_advance_to(scene, DAYS(8));
    scene_offer(scene, performer, "leased", 2);
    scene_send_hand(scene, performer, PROTO_HOLD, peer_hand(performer));
    scene_submit_record(scene, requester, &second);
    scene_complete(scene, performer, peer_hand(performer));
    scene_project(scene);
    struct core_stats stats;
    core_stats(scene_core(scene), &stats);
    assert_int_equal(stats.kept_keys, 1);
    assert_int_equal(stats.open, 1);
    for (int i = 0; i < 4; i++) { /* so that the marks of the scene's end lie behind all that */
        scene_reload(scene, 40 + i);
    }
    scene_end(scene);
}

/* N1: the window is of 8,192 numbers, the top included; not one more, not one less. */
TEST(producers_window_ends_where_it_should)
{
    BEGIN;
    struct proto_record below = produced(1), lowest = produced(2), top = produced(8193);
    scene_submit_record(scene, requester, &below);
    uint64_t id = scene_submit_record(scene, requester, &lowest);
    scene_submit_record(scene, requester, &top);
    assert_true(is_duplicate(scene, requester, &lowest, id));
    scene_send(scene, requester, &below);
    peer_expect_refusal(requester, PROTO_REFUSAL_CODE_STALE);
    scene_restart(scene);
    requester = scene_connect(scene, "r1");
    assert_true(is_duplicate(scene, requester, &lowest, id));
    scene_end(scene);
}

/* N1: whenever the window grows, the numbers in it go along. */
TEST(growing_window_forgets_nothing)
{
    BEGIN;
    uint64_t ids[65];
    for (uint64_t pseq = 1; pseq <= 64; pseq++) {
        struct proto_record record = produced(pseq);
        ids[pseq] = scene_submit_record(scene, requester, &record);
        for (uint64_t before = 1; before <= pseq; before++) {
            record = produced(before);
            assert_true(is_duplicate(scene, requester, &record, ids[before]));
        }
    }
    scene_end(scene);
}

/* N3: producers choose their numbers themselves; two parties may choose the same. */
TEST(producers_of_two_parties_never_meet)
{
    BEGIN;
    struct peer *other = scene_connect(scene, "r2");
    struct proto_record record = produced(1);
    uint64_t id = scene_submit_record(scene, requester, &record);
    assert_false(is_duplicate(scene, other, &record, id));
    assert_int_equal(peer_answer(other)->type, PROTO_RECEIPT);
    assert_int_not_equal(peer_answer(other)->u.receipt.id, id);
    scene_end(scene);
}

/* ------------------------------------------------------------- assignment */

/* A6: giving back costs no attempt, but not for ever. */
TEST(task_given_back_too_often_is_on_hold)
{
    BEGIN;
    scene_offer(scene, performer, "leased", 1);
    uint64_t id = scene_submit(scene, requester, "leased");
    uint32_t given_back = 0;
    while (scene_status(scene, id) == PROTO_STATUS_IN_PROGRESS && given_back < 1000) {
        scene_send_hand(scene, performer, PROTO_RELEASE, peer_hand(performer));
        given_back++;
    }
    scene_expect_status(scene, id, PROTO_STATUS_ON_HOLD);
    assert_in_range(given_back, 2, 255);
    assert_int_equal(scene_events(scene, PROTO_EV_EXHAUSTED), 1);
    scene_end(scene);
}

/* L2: accept again is answered as before; nothing is written. */
TEST(accepting_twice_is_accepting_once)
{
    BEGIN;
    scene_offer(scene, performer, "owned", 1);
    scene_submit(scene, requester, "owned");
    scene_accept(scene, performer, peer_hand(performer));
    scene_accept(scene, performer, peer_hand(performer));
    peer_expect_receipt(performer, PROTO_STATUS_ACCEPTED);
    assert_true(peer_answer(performer)->u.receipt.duplicate);
    assert_int_equal(scene_events(scene, PROTO_EV_AGREED), 1);
    scene_end(scene);
}

/* L6: who was idle takes its turn with the others; it does not catch up on turns that it did not use. */
TEST(idle_requester_does_not_save_up_turns)
{
    BEGIN;
    struct peer *idle = scene_connect(scene, "r2");
    scene_offer(scene, performer, "leased", 1);
    for (int i = 0; i < 30; i++) {
        scene_submit(scene, requester, "leased");
        scene_complete(scene, performer, peer_hand(performer));
    }
    scene_submit(scene, requester, "leased"); /* holds the only place while the others queue up */
    for (int i = 0; i < 10; i++) {
        scene_submit(scene, idle, "leased");
        scene_submit(scene, requester, "leased");
    }
    uint32_t of_idle = 0;
    for (int i = 0; i < 10; i++) {
        scene_complete(scene, performer, peer_hand(performer));
        of_idle += proto_str_eq(peer_got(performer, PROTO_TASK, -1)->u.task.requester, PROTO_STR("r2"));
    }
    assert_in_range(of_idle, 4, 6);
    scene_end(scene);
}

/* ------------------------------------------------------------- bounds */

/* B2: whatever presses, nothing more is accepted, and when nothing does, it is. */
TEST(each_pressure_alone_refuses_before_acceptance)
{
    BEGIN;
    static const uint32_t pressures[] = {CORE_PRESSURE_DISK, CORE_PRESSURE_HISTORY, CORE_PRESSURE_STOPPING};
    for (uint32_t i = 0; i < sizeof pressures / sizeof *pressures; i++) {
        struct core_input pressure = {.kind = CORE_PRESSURE, .pressure = pressures[i]};
        scene_input(scene, &pressure);
        struct proto_record record = scene_submission("leased");
        scene_send(scene, requester, &record);
        peer_expect_refusal(requester, PROTO_REFUSAL_CODE_RETRY_LATER);
        assert_int_equal(scene_events(scene, PROTO_EV_ACCEPTED), i);
        pressure.pressure = 0;
        scene_input(scene, &pressure);
        scene_submit_record(scene, requester, &record);
    }
    scene_end(scene);
}

static void
expect_put_off(struct scene *scene, struct peer *requester)
{
    struct proto_record record = scene_submission("leased");
    uint32_t accepted = scene_events(scene, PROTO_EV_ACCEPTED);
    scene_send(scene, requester, &record);
    peer_expect_refusal(requester, PROTO_REFUSAL_CODE_RETRY_LATER);
    assert_int_equal(scene_events(scene, PROTO_EV_ACCEPTED), accepted);
}

/* B1, B2: finished requests that wait for history have a cap of their own; at it nothing more is accepted, and what is open may end. */
TEST(finished_requests_that_wait_for_history_take_no_room_of_open_ones)
{
    (void)state;
    struct core_settings settings;
    core_settings_init(&settings);
    settings.connections_max = 16;
    settings.requests_max = 2;
    settings.finished_max = 3;
    struct scene *scene = scene_new_with(&settings);
    struct peer *requester = scene_connect(scene, "r1"), *performer = scene_connect(scene, "p1");
    scene_offer(scene, performer, "leased", 1);
    for (int i = 0; i < 2; i++) {
        scene_submit(scene, requester, "leased");
        scene_complete(scene, performer, peer_hand(performer));
    }
    scene_submit(scene, requester, "leased");
    scene_submit(scene, requester, "leased");
    expect_put_off(scene, requester); /* two are open */
    scene_complete(scene, performer, peer_hand(performer));
    expect_put_off(scene, requester); /* three wait for history */
    scene_complete(scene, performer, peer_hand(performer));
    assert_int_equal(scene_events(scene, PROTO_EV_COMPLETED), 4);
    expect_put_off(scene, requester);
    scene_project(scene);
    scene_submit(scene, requester, "leased");
    scene_end(scene);
}

static uint64_t
watch(struct scene *scene, struct peer *peer, uint32_t credit)
{
    struct proto_record record = scene_record(PROTO_WATCH);
    record.u.watch.scope = PROTO_SCOPE_REQUESTER;
    record.u.watch.seq = scene->journal_n;
    record.u.watch.credit = credit;
    return scene_send(scene, peer, &record);
}

static uint32_t
watched(struct peer *peer, uint64_t re)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < peer->count; i++) {
        n += peer->inbox[i].record.type == PROTO_EVENT && peer->inbox[i].record.re == re;
    }
    return n;
}

/* B1: a watch that lives is sent what it has credit for, and goes on where it stood. */
TEST(live_watch_gets_no_more_than_its_credit)
{
    BEGIN;
    uint64_t re = watch(scene, requester, 2);
    for (int i = 0; i < 5; i++) {
        scene_submit(scene, requester, "leased");
    }
    assert_int_equal(watched(requester, re), 2);
    struct proto_record credit = scene_record(PROTO_CREDIT);
    credit.re = re;
    credit.u.credit.credit = 100;
    scene_send(scene, requester, &credit);
    assert_int_equal(watched(requester, re), 5);
    scene_end(scene);
}

/* B1 */
TEST(connection_has_a_bounded_number_of_watches)
{
    (void)state;
    struct core_settings settings;
    core_settings_init(&settings);
    settings.connections_max = 16;
    settings.watches_per_connection_max = 2;
    struct scene *scene = scene_new_with(&settings);
    struct peer *requester = scene_connect(scene, "r1"), *other = scene_connect(scene, "r1");
    watch(scene, requester, 1);
    watch(scene, requester, 1);
    watch(scene, requester, 1);
    peer_expect_refusal(requester, PROTO_REFUSAL_CODE_QUOTA);
    uint32_t answers = other->count;
    watch(scene, other, 1);
    assert_int_equal(other->count, answers); /* taken without a word */
    scene_end(scene);
}

/* ------------------------------------------------------------- who may */

static void
party_do(struct scene *scene, struct peer *operator, enum proto_party_action action, const char *party, const char *member,
         uint8_t key[32], int64_t expires_us)
{
    struct proto_record record = scene_record(PROTO_PARTY);
    record.u.party.action = action;
    record.u.party.party = proto_str_of(party);
    record.u.party.member = proto_str_of(member);
    record.u.party.key = (struct proto_bin){key, key != NULL ? 32 : 0};
    record.u.party.expires = expires_us;
    scene_send(scene, operator, &record);
    assert_int_equal(peer_answer(operator)->type, PROTO_RECEIPT);
}

/* C4: no key of a revoked party opens a connection, after a restart from a snapshot neither (the scene's end compares). */
TEST(keys_of_a_revoked_party_are_unknown)
{
    BEGIN;
    struct peer *operator = scene_connect(scene, "park");
    uint8_t anna[32] = {71}, bert[32] = {72};
    struct core_member_info info;
    party_do(scene, operator, PROTO_PARTY_ACTION_ADD, "p1", "anna", anna, 0);
    party_do(scene, operator, PROTO_PARTY_ACTION_ADD, "r1", "bert", bert, 0);
    assert_true(core_member_by_key(scene_core(scene), anna, scene_now(scene).utc_us, &info));
    party_do(scene, operator, PROTO_PARTY_ACTION_REVOKE, "p1", "", NULL, 0);
    assert_false(core_member_by_key(scene_core(scene), anna, scene_now(scene).utc_us, &info));
    assert_true(core_member_by_key(scene_core(scene), bert, scene_now(scene).utc_us, &info));
    scene_restart(scene);
    assert_false(core_member_by_key(scene_core(scene), anna, scene_now(scene).utc_us, &info));
    scene_end(scene);
}

/* C4: an invitation that nobody took ends in its time, whatever was replayed meanwhile. */
TEST(invitation_that_nobody_took_ends)
{
    BEGIN;
    struct peer *operator = scene_connect(scene, "park");
    uint8_t invited[32] = {73};
    struct core_member_info info;
    int64_t expires_us = scene_now(scene).utc_us + SECONDS(100);
    party_do(scene, operator, PROTO_PARTY_ACTION_INVITE, "r1", "anna", invited, expires_us);
    for (int i = 0; i < 8; i++) {
        scene_submit(scene, requester, "leased"); /* so that marks lie behind it */
    }
    scene_restart(scene);
    assert_true(core_member_by_key(scene_core(scene), invited, expires_us - 1, &info));
    assert_false(core_member_by_key(scene_core(scene), invited, expires_us, &info));
    scene_end(scene);
}

/* C3: another party's request and one that never was are answered alike, whatever is asked. */
TEST(requests_of_others_are_as_if_they_were_not)
{
    BEGIN;
    struct peer *stranger = scene_connect(scene, "r2");
    uint64_t id = scene_submit(scene, requester, "leased");
    static const enum proto_type types[] = {PROTO_GET, PROTO_EXPLAIN, PROTO_CANCEL, PROTO_CLOSE, PROTO_REPLY};
    for (unsigned i = 0; i < sizeof types / sizeof *types; i++) {
        struct proto_refusal answers[2];
        for (int absent = 0; absent < 2; absent++) {
            struct proto_record record = scene_record(types[i]);
            uint64_t *named = types[i] == PROTO_GET       ? &record.u.get.id
                              : types[i] == PROTO_EXPLAIN ? &record.u.explain.id
                              : types[i] == PROTO_CANCEL  ? &record.u.cancel.id
                              : types[i] == PROTO_CLOSE   ? &record.u.close.id
                                                          : &record.u.reply.id;
            *named = absent ? id + 64 * 1000 : id;
            scene_send(scene, stranger, &record);
            peer_expect_refusal(stranger, PROTO_REFUSAL_CODE_NOT_FOUND);
            answers[absent] = peer_answer(stranger)->u.refusal;
        }
        assert_true(proto_str_eq(answers[0].path, answers[1].path) && proto_str_eq(answers[0].message, answers[1].message));
        assert_true(answers[0].id == answers[1].id && answers[0].status == answers[1].status);
    }
    scene_end(scene);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(event_that_does_not_follow_is_damage),
        cmocka_unit_test(fences_after_a_restore_are_above_all_that_were_given_out),
        cmocka_unit_test(key_is_answered_before_anything_is_checked),
        cmocka_unit_test(ended_key_does_not_come_back_with_its_open_request),
        cmocka_unit_test(producers_window_ends_where_it_should),
        cmocka_unit_test(growing_window_forgets_nothing),
        cmocka_unit_test(producers_of_two_parties_never_meet),
        cmocka_unit_test(task_given_back_too_often_is_on_hold),
        cmocka_unit_test(accepting_twice_is_accepting_once),
        cmocka_unit_test(idle_requester_does_not_save_up_turns),
        cmocka_unit_test(each_pressure_alone_refuses_before_acceptance),
        cmocka_unit_test(finished_requests_that_wait_for_history_take_no_room_of_open_ones),
        cmocka_unit_test(live_watch_gets_no_more_than_its_credit),
        cmocka_unit_test(connection_has_a_bounded_number_of_watches),
        cmocka_unit_test(keys_of_a_revoked_party_are_unknown),
        cmocka_unit_test(invitation_that_nobody_took_ends),
        cmocka_unit_test(requests_of_others_are_as_if_they_were_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
