/*
 * Submitting again: callers' keys, producers' numbers, quotas and caps.
 */
#include <stdio.h>
#include <string.h>

#include "scene.h"

#define TEST(name) static void name(void **state)
#define BEGIN                                                                                                           \
    (void)state;                                                                                                        \
    struct scene *scene = scene_new();                                                                                  \
    struct peer *requester = scene_connect(scene, "r1")

static struct proto_record
keyed(const char *key, const char *subject)
{
    struct proto_record record = scene_record(PROTO_SUBMIT);
    record.u.submit.service = PROTO_STR("leased");
    record.u.submit.key = proto_str_of(key);
    record.u.submit.subject = proto_str_of(subject);
    record.body = (struct proto_bin){(const uint8_t *)"a body that is longer than a digest", 35};
    return record;
}

static const struct proto_receipt *
receipt(struct peer *peer)
{
    assert_int_equal(peer_answer(peer)->type, PROTO_RECEIPT);
    return &peer_answer(peer)->u.receipt;
}

/* N1, N2. */
TEST(same_key_same_content_is_the_same_request_and_other_content_a_conflict)
{
    BEGIN;
    struct proto_record record = keyed("order-1", "batch 1");
    uint64_t id = scene_submit_record(scene, requester, &record);
    scene_send(scene, requester, &record);
    assert_true(receipt(requester)->duplicate);
    assert_int_equal(receipt(requester)->id, id);
    record.u.submit.subject = PROTO_STR("batch 2");
    scene_send(scene, requester, &record);
    peer_expect_refusal(requester, PROTO_REFUSAL_CODE_CONFLICT);
    assert_int_equal(peer_answer(requester)->u.refusal.id, id);
    assert_int_equal(peer_answer(requester)->u.refusal.status, PROTO_STATUS_READY);
    record.u.submit.subject = PROTO_STR("batch 1");
    record.body.p = (const uint8_t *)"b body that is longer than a digest";
    scene_send(scene, requester, &record);
    peer_expect_refusal(requester, PROTO_REFUSAL_CODE_CONFLICT);
    assert_int_equal(scene_events(scene, PROTO_EV_ACCEPTED), 1);
    scene_end(scene);
}

/* N3: keys of two parties, and of two services, never meet. */
TEST(keys_of_two_parties_never_meet)
{
    BEGIN;
    struct peer *other = scene_connect(scene, "r2");
    struct proto_record record = keyed("order-1", "batch 1");
    uint64_t id = scene_submit_record(scene, requester, &record);
    assert_int_not_equal(scene_submit_record(scene, other, &record), id);
    assert_false(receipt(other)->duplicate);
    record.u.submit.service = PROTO_STR("owned");
    assert_int_not_equal(scene_submit_record(scene, requester, &record), id);
    scene_end(scene);
}

/* The end is told again to whoever submits again: from the core, from history, and after a restart. */
TEST(resubmitting_a_finished_request_tells_its_end_again)
{
    BEGIN;
    struct peer *performer = scene_connect(scene, "p1");
    scene_offer(scene, performer, "leased", 1);
    struct proto_record record = keyed("order-1", "batch 1");
    uint64_t id = scene_submit_record(scene, requester, &record);
    scene_complete(scene, performer, peer_hand(performer));
    for (int round = 0; round < 3; round++) {
        struct peer *again = scene_connect(scene, "r1");
        scene_send(scene, again, &record);
        assert_int_equal(receipt(again)->id, id);
        assert_true(receipt(again)->duplicate);
        assert_int_equal(receipt(again)->status, PROTO_STATUS_COMPLETED);
        assert_int_equal(peer_count(again, PROTO_EVENT), 1);
        assert_int_equal(peer_got(again, PROTO_EVENT, 0)->u.event.status, PROTO_STATUS_COMPLETED);
        assert_memory_equal(peer_got(again, PROTO_EVENT, 0)->body.p, "result", 6);
        if (round == 0) {
            scene_project(scene);
        } else {
            scene_restart(scene);
        }
    }
    scene_end(scene);
}

/* An open one that is submitted again on another connection is told there from then on. */
TEST(resubmitting_moves_the_notices_to_the_new_connection)
{
    BEGIN;
    struct proto_record record = keyed("order-1", "batch 1");
    scene_submit_record(scene, requester, &record);
    scene_disconnect(scene, requester);
    struct peer *again = scene_connect(scene, "r1");
    scene_send(scene, again, &record);
    assert_true(receipt(again)->duplicate);
    struct peer *performer = scene_connect(scene, "p1");
    scene_offer(scene, performer, "leased", 1);
    scene_complete(scene, performer, peer_hand(performer));
    assert_int_equal(peer_count(again, PROTO_EVENT), 1);
    scene_end(scene);
}

TEST(keys_are_kept_seven_days)
{
    BEGIN;
    struct proto_record record = keyed("order-1", "batch 1");
    uint64_t id = scene_submit_record(scene, requester, &record);
    scene_advance_to(scene, DAYS(6));
    scene_send(scene, requester, &record);
    assert_true(receipt(requester)->duplicate);
    scene_advance_to(scene, DAYS(7) + SECONDS(1));
    assert_int_not_equal(scene_submit_record(scene, requester, &record), id);
    scene_end(scene);
}

TEST(kept_keys_are_capped_per_requester)
{
    (void)state;
    struct core_settings settings;
    core_settings_init(&settings);
    settings.connections_max = 16;
    settings.keys_per_party_max = 2;
    struct scene *scene = scene_new_with(&settings);
    struct peer *requester = scene_connect(scene, "r1"), *other = scene_connect(scene, "r2");
    struct proto_record record = keyed("a", "");
    scene_submit_record(scene, requester, &record);
    record = keyed("b", "");
    scene_submit_record(scene, requester, &record);
    record = keyed("c", "");
    scene_send(scene, requester, &record);
    peer_expect_refusal(requester, PROTO_REFUSAL_CODE_QUOTA);
    scene_submit_record(scene, other, &record);
    record = keyed("b", "");
    scene_send(scene, requester, &record);
    assert_true(receipt(requester)->duplicate); /* what is kept is answered, cap or not */
    scene_end(scene);
}

/* ------------------------------------------------------------- producers */

static struct proto_record
produced(uint64_t producer, uint64_t pseq, const char *subject)
{
    struct proto_record record = scene_record(PROTO_SUBMIT);
    record.u.submit.service = PROTO_STR("leased");
    record.u.submit.producer = producer;
    record.u.submit.pseq = pseq;
    record.u.submit.subject = proto_str_of(subject);
    return record;
}

TEST(producers_numbers_are_known_again_within_the_window_and_stale_below_it)
{
    BEGIN;
    uint64_t ids[4] = {0};
    const uint64_t numbers[4] = {1, 2, 5, 9000};
    for (int i = 0; i < 3; i++) {
        struct proto_record record = produced(7, numbers[i], "x");
        ids[i] = scene_submit_record(scene, requester, &record);
    }
    struct proto_record record = produced(7, 2, "x");
    scene_send(scene, requester, &record);
    assert_true(receipt(requester)->duplicate);
    assert_int_equal(receipt(requester)->id, ids[1]);
    record = produced(7, 2, "y");
    scene_send(scene, requester, &record);
    peer_expect_refusal(requester, PROTO_REFUSAL_CODE_CONFLICT);
    record = produced(7, 3, "x"); /* a gap that is filled late */
    assert_int_not_equal(scene_submit_record(scene, requester, &record), ids[1]);
    record = produced(7, numbers[3], "x");
    scene_submit_record(scene, requester, &record);
    record = produced(7, 5, "x");
    scene_send(scene, requester, &record);
    peer_expect_refusal(requester, PROTO_REFUSAL_CODE_STALE);
    record = produced(8, 5, "x"); /* another producer */
    scene_submit_record(scene, requester, &record);
    assert_false(receipt(requester)->duplicate);
    scene_end(scene);
}

TEST(producers_window_survives_a_restart)
{
    BEGIN;
    struct proto_record record = scene_record(PROTO_SUBMIT);
    uint64_t first = 0;
    for (uint64_t i = 1; i <= 100; i++) {
        record = produced(7, i, "x");
        uint64_t id = scene_submit_record(scene, requester, &record);
        first = first == 0 ? id : first;
    }
    scene_restart(scene);
    struct peer *again = scene_connect(scene, "r1");
    record = produced(7, 1, "x");
    scene_send(scene, again, &record);
    assert_true(receipt(again)->duplicate);
    assert_int_equal(receipt(again)->id, first);
    scene_end(scene);
}

TEST(idlest_producer_gives_way)
{
    (void)state;
    struct core_settings settings;
    core_settings_init(&settings);
    settings.connections_max = 16;
    settings.producers_per_party_max = 2;
    struct scene *scene = scene_new_with(&settings);
    struct peer *requester = scene_connect(scene, "r1");
    for (uint64_t producer = 1; producer <= 2; producer++) {
        struct proto_record record = produced(producer, 1, "x");
        scene_submit_record(scene, requester, &record);
    }
    struct proto_record record = produced(1, 2, "x");
    scene_submit_record(scene, requester, &record); /* 2 is the idlest now */
    record = produced(3, 1, "x");
    scene_submit_record(scene, requester, &record);
    record = produced(1, 1, "x");
    scene_send(scene, requester, &record);
    assert_true(receipt(requester)->duplicate);
    struct core_stats stats;
    core_stats(scene_core(scene), &stats);
    assert_int_equal(stats.producers, 2);
    scene_end(scene);
}

TEST(submission_needs_one_kind_of_key)
{
    BEGIN;
    struct proto_record record = keyed("", "x");
    scene_send(scene, requester, &record);
    peer_expect_refusal(requester, PROTO_REFUSAL_CODE_INVALID);
    record = keyed("a", "x");
    record.u.submit.producer = 1;
    record.u.submit.pseq = 1;
    scene_send(scene, requester, &record);
    peer_expect_refusal(requester, PROTO_REFUSAL_CODE_INVALID);
    record = produced(0, 1, "x"); /* N3: those who forget the producer do not share a window */
    scene_send(scene, requester, &record);
    peer_expect_refusal(requester, PROTO_REFUSAL_CODE_INVALID);
    assert_memory_equal(peer_answer(requester)->u.refusal.path.p, "producer", 8);
    scene_end(scene);
}

/* ------------------------------------------------------------- caps: B2, overload refuses before acceptance */

TEST(quota_of_open_requests_holds_and_frees)
{
    BEGIN;
    struct peer *operator = scene_connect(scene, "park"), *performer = scene_connect(scene, "p1");
    struct proto_record quota = scene_record(PROTO_PARTY);
    quota.u.party.action = PROTO_PARTY_ACTION_QUOTA;
    quota.u.party.party = PROTO_STR("r1");
    quota.u.party.quota = 2;
    scene_send(scene, operator, &quota);
    scene_submit(scene, requester, "leased");
    scene_submit(scene, requester, "leased");
    struct proto_record record = scene_submission("leased");
    scene_send(scene, requester, &record);
    peer_expect_refusal(requester, PROTO_REFUSAL_CODE_QUOTA);
    scene_offer(scene, performer, "leased", 1);
    scene_complete(scene, performer, peer_hand(performer));
    scene_submit_record(scene, requester, &record);
    scene_end(scene);
}

TEST(full_table_and_pressure_are_answered_retry_later)
{
    (void)state;
    struct core_settings settings;
    core_settings_init(&settings);
    settings.connections_max = 16;
    settings.requests_max = 3;
    settings.groups_max = 2;
    struct scene *scene = scene_new_with(&settings);
    struct peer *requester = scene_connect(scene, "r1");
    scene_submit(scene, requester, "leased");
    scene_submit(scene, requester, "owned");
    struct proto_record record = scene_submission("near");
    scene_send(scene, requester, &record); /* a third group */
    peer_expect_refusal(requester, PROTO_REFUSAL_CODE_RETRY_LATER);
    struct core_input pressure = {.kind = CORE_PRESSURE, .pressure = CORE_PRESSURE_DISK};
    scene_input(scene, &pressure);
    record = scene_submission("leased");
    scene_send(scene, requester, &record);
    peer_expect_refusal(requester, PROTO_REFUSAL_CODE_RETRY_LATER);
    pressure.pressure = 0;
    scene_input(scene, &pressure);
    assert_int_equal(scene_events(scene, PROTO_EV_ACCEPTED), 2);
    scene_end(scene);
}

/* B1: a request names parties by 16 bits; the broker enrols no more, and a journal that does is damaged. */
TEST(journal_with_more_parties_than_a_request_can_name_is_damaged)
{
    (void)state;
    struct core_settings settings;
    core_settings_init(&settings);
    struct core *core = core_new(&settings);
    struct proto_buf buf;
    proto_buf_init(&buf, 1 << 16);
    for (uint32_t i = 1; i <= UINT16_MAX + 1; i++) {
        char name[16];
        snprintf(name, sizeof name, "p%u", i);
        struct proto_event event = {.type = PROTO_EV_PARTY, .at = 1, .u.party.name = proto_str_of(name)};
        proto_buf_reset(&buf);
        assert_true(proto_event_encode(&buf, &event));
        enum core_applied applied = core_apply(core, i, buf.p, buf.n, NULL);
        assert_int_equal(applied, i <= UINT16_MAX ? CORE_APPLIED : CORE_APPLY_DAMAGED);
    }
    proto_buf_fini(&buf);
    core_destroy(&core);
}

/* Groups and flows without requests give way to new ones. */
TEST(resting_groups_give_way)
{
    (void)state;
    struct core_settings settings;
    core_settings_init(&settings);
    settings.connections_max = 16;
    settings.groups_max = 4;
    settings.flows_max = 4;
    struct scene *scene = scene_new_with(&settings);
    struct peer *requester = scene_connect(scene, "r1"), *performer = scene_connect(scene, "p1");
    struct proto_record offer = scene_record(PROTO_OFFER);
    offer.u.offer.service = PROTO_STR("leased");
    offer.u.offer.capacity = 10;
    offer.u.offer.credit = 1000;
    for (int i = 0; i < 20; i++) {
        char grade[16];
        snprintf(grade, sizeof grade, "G%d", i);
        offer.u.offer.attributes = map_of("grade", grade);
        scene_send(scene, performer, &offer);
        struct proto_record record = scene_submission("leased");
        record.u.submit.require = require_one("grade", "eq", grade);
        scene_submit_record(scene, requester, &record);
        scene_complete(scene, performer, peer_hand(performer));
        scene_project(scene);
    }
    assert_int_equal(scene_events(scene, PROTO_EV_COMPLETED), 20);
    scene_end(scene);
}

TEST(bad_submissions_are_refused_with_the_path)
{
    BEGIN;
    struct proto_record record = scene_submission("no.such");
    scene_send(scene, requester, &record);
    peer_expect_refusal(requester, PROTO_REFUSAL_CODE_NOT_FOUND);
    record = scene_submission("leased");
    record.u.submit.performer = PROTO_STR("p1");
    record.u.submit.exclude = list_of("p1", NULL);
    scene_send(scene, requester, &record);
    peer_expect_refusal(requester, PROTO_REFUSAL_CODE_INVALID);
    assert_true(proto_str_eq(peer_answer(requester)->u.refusal.path, PROTO_STR("exclude")));
    record = scene_submission("leased");
    record.u.submit.input = map_of("unknown", "x");
    scene_send(scene, requester, &record);
    peer_expect_refusal(requester, PROTO_REFUSAL_CODE_INVALID);
    assert_true(proto_str_eq(peer_answer(requester)->u.refusal.path, PROTO_STR("input.unknown")));
    record = scene_submission("leased");
    record.u.submit.as = PROTO_STR("r2");
    scene_send(scene, requester, &record);
    peer_expect_refusal(requester, PROTO_REFUSAL_CODE_UNSUPPORTED);
    record = scene_submission("leased");
    record.u.submit.complete_by = 1;
    scene_send(scene, requester, &record);
    peer_expect_refusal(requester, PROTO_REFUSAL_CODE_INVALID);
    assert_int_equal(scene_events(scene, PROTO_EV_ACCEPTED), 0);
    scene_end(scene);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_key_same_content_is_the_same_request_and_other_content_a_conflict),
        cmocka_unit_test(keys_of_two_parties_never_meet),
        cmocka_unit_test(resubmitting_a_finished_request_tells_its_end_again),
        cmocka_unit_test(resubmitting_moves_the_notices_to_the_new_connection),
        cmocka_unit_test(keys_are_kept_seven_days),
        cmocka_unit_test(kept_keys_are_capped_per_requester),
        cmocka_unit_test(producers_numbers_are_known_again_within_the_window_and_stale_below_it),
        cmocka_unit_test(producers_window_survives_a_restart),
        cmocka_unit_test(idlest_producer_gives_way),
        cmocka_unit_test(submission_needs_one_kind_of_key),
        cmocka_unit_test(quota_of_open_requests_holds_and_frees),
        cmocka_unit_test(full_table_and_pressure_are_answered_retry_later),
        cmocka_unit_test(journal_with_more_parties_than_a_request_can_name_is_damaged),
        cmocka_unit_test(resting_groups_give_way),
        cmocka_unit_test(bad_submissions_are_refused_with_the_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
