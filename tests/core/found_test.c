/*
 * What the simulation and users found. Each scene fails on the code from before.
 */
#include <string.h>

#include "scene.h"

#define TEST(name) static void name(void **state)

static struct scene *
small_scene(uint32_t requests_max)
{
    struct core_settings settings;
    core_settings_init(&settings);
    settings.connections_max = 64;
    settings.requests_max = requests_max;
    return scene_new_with(&settings);
}

static struct proto_record
keyed(const char *key)
{
    struct proto_record record = scene_record(PROTO_SUBMIT);
    record.u.submit.service = PROTO_STR("leased");
    record.u.submit.key = proto_str_of(key);
    return record;
}

/* D4: a request that was over and forgotten when the snapshot was made may be told again, without its terms. */
TEST(terms_that_nobody_uses_any_more_do_not_stop_a_restart)
{
    (void)state;
    struct scene *scene = small_scene(1000);
    struct peer *requester = scene_connect(scene, "r1"), *performer = scene_connect(scene, "p1");
    scene_offer(scene, performer, "leased", 1);
    for (int i = 0; i < 10; i++) {
        scene_submit(scene, requester, "leased");
        scene_complete(scene, performer, peer_hand(performer));
        scene_project(scene);
        scene_reload(scene, 40 + i); /* new terms; the old ones are in no request */
    }
    scene_end(scene); /* recovers from marks at each quarter */
}

/* D4: live, finished requests leave; in replay they do not, and must not count against the cap. */
TEST(finished_requests_do_not_fill_the_table_in_replay)
{
    (void)state;
    struct scene *scene = small_scene(4);
    struct peer *requester = scene_connect(scene, "r1"), *performer = scene_connect(scene, "p1");
    scene_offer(scene, performer, "leased", 1);
    for (int i = 0; i < 20; i++) {
        scene_submit(scene, requester, "leased");
        scene_complete(scene, performer, peer_hand(performer));
        scene_project(scene);
    }
    scene_restart(scene);
    scene_end(scene);
}

/* N1: after the wall clock went back, keys no longer end in the order in which they were kept. */
TEST(key_is_kept_again_after_a_wall_clock_jump)
{
    (void)state;
    struct scene *scene = small_scene(1000);
    struct peer *requester = scene_connect(scene, "r1");
    struct proto_record first = keyed("a"), second = keyed("b");
    scene_jump_wall_clock(scene, DAYS(3));
    scene_submit_record(scene, requester, &first); /* kept until day 10 */
    scene_jump_wall_clock(scene, -DAYS(3));
    scene_submit_record(scene, requester, &second); /* kept until day 7 at least, behind the first */
    scene_jump_wall_clock(scene, DAYS(9));
    uint64_t again = scene_submit_record(scene, requester, &second);
    scene_send(scene, requester, &second);
    if (!peer_answer(requester)->u.receipt.duplicate || peer_answer(requester)->u.receipt.id != again) {
        fail_msg("the same key was accepted twice");
    }
    scene_jump_wall_clock(scene, -DAYS(60)); /* far back: the retention is not shortened */
    struct proto_record third = keyed("c");
    uint64_t id = scene_submit_record(scene, requester, &third);
    scene_send(scene, requester, &third);
    assert_int_equal(peer_answer(requester)->u.receipt.id, id);
    scene_end(scene);
}

/* D5: keys that had ended do not come back in replay. */
TEST(ended_keys_stay_ended_in_replay)
{
    (void)state;
    struct scene *scene = small_scene(1000);
    struct peer *requester = scene_connect(scene, "r1"), *performer = scene_connect(scene, "p1");
    scene_offer(scene, performer, "leased", 10);
    static const char *const keys[] = {"a", "b", "c", "d", "e"};
    for (int i = 0; i < 5; i++) {
        struct proto_record record = keyed(keys[i]);
        scene_submit_record(scene, requester, &record);
        scene_advance_to(scene, DAYS(2 * (i + 1)));
    }
    struct core_stats stats;
    core_stats(scene_core(scene), &stats);
    assert_int_equal(stats.kept_keys, 4);
    scene_end(scene);
}

/* L5: a direction with a fallback ends, also towards a party that nobody knows. */
TEST(direction_to_an_unknown_party_falls_back_or_waits)
{
    (void)state;
    struct scene *scene = small_scene(1000);
    struct peer *requester = scene_connect(scene, "r1"), *performer = scene_connect(scene, "p1");
    scene_offer(scene, performer, "owned", 10);
    struct proto_record record = scene_submission("owned");
    record.u.submit.performer = PROTO_STR("p9");
    uint64_t waits = scene_submit_record(scene, requester, &record);
    record = scene_submission("owned");
    record.u.submit.performer = PROTO_STR("p9");
    record.u.submit.fallback = PROTO_FALLBACK_ANY;
    scene_submit_record(scene, requester, &record);
    record = scene_submission("owned");
    record.u.submit.exclude = list_of("p9", NULL);
    record.u.submit.prefer = list_of("p9", "p1");
    scene_submit_record(scene, requester, &record);
    assert_int_equal(peer_count(performer, PROTO_TASK), 1);
    scene_accept(scene, performer, peer_hand(performer));
    scene_start(scene, performer, peer_hand(performer));
    scene_advance_to(scene, SECONDS(61));
    assert_int_equal(peer_count(performer, PROTO_TASK), 2);
    struct proto_record explain = scene_record(PROTO_EXPLAIN);
    explain.u.explain.id = waits;
    scene_send(scene, requester, &explain);
    assert_int_equal(peer_answer(requester)->u.page.reason, PROTO_REASON_NO_CAPABLE_PROVIDER);
    /* It comes to the park after all. */
    struct peer *late = scene_connect(scene, "p9");
    scene_offer(scene, late, "owned", 10);
    assert_int_equal(peer_count(late, PROTO_TASK), 1);
    scene_end(scene);
}

/* D5: a producer that gave way to busier ones does not come back in replay, in the place of one that was kept. */
TEST(producers_that_gave_way_stay_away_in_replay)
{
    (void)state;
    struct core_settings settings;
    core_settings_init(&settings);
    settings.connections_max = 64;
    settings.producers_per_party_max = 2;
    struct scene *scene = scene_new_with(&settings);
    struct peer *requester = scene_connect(scene, "r1"), *performer = scene_connect(scene, "p1");
    scene_offer(scene, performer, "leased", 1);
    for (uint64_t producer = 1; producer <= 4; producer++) {
        struct proto_record record = scene_submission(producer == 1 ? "owned" : "leased"); /* the first one stays open */
        record.u.submit.producer = producer;
        record.u.submit.pseq = 1;
        scene_submit_record(scene, requester, &record);
        if (producer > 1) {
            scene_complete(scene, performer, peer_hand(performer));
        }
    }
    scene_project(scene);
    struct core_stats stats;
    core_stats(scene_core(scene), &stats);
    assert_int_equal(stats.producers, 2);
    scene_end(scene);
}

/* D7: a restored journal may end long before the start, and the wall clock may go back after it. */
TEST(ids_and_fences_are_higher_than_the_start)
{
    (void)state;
    struct scene *scene = small_scene(1000);
    struct peer *requester = scene_connect(scene, "r1");
    uint64_t before = scene_submit(scene, requester, "leased");
    scene_advance_to(scene, DAYS(1)); /* what was given out in this day is in no journal */
    scene_restart(scene);
    int64_t started_us = scene_now(scene).utc_us;
    scene_jump_wall_clock(scene, -SECONDS(3600));
    struct peer *performer = scene_connect(scene, "p1");
    scene_offer(scene, performer, "leased", 10);
    assert_int_equal(peer_hand(performer).task, before + 1);
    assert_true(peer_hand(performer).fence >= (uint64_t)started_us);
    uint64_t id = scene_submit(scene, scene_connect(scene, "r1"), "leased");
    assert_true(id >> 24 >= (uint64_t)started_us / 1000000);
    scene_end(scene);
}

/* ------------------------------------------------------------- L5: a direction with a fallback ends, also the second time */

/* p2 stands ready all the time; p1, to which the request is directed, has its task. */
struct directed {
    struct scene *scene;
    struct peer *performer, *other, *operator;
    uint64_t id;
};

static struct directed
directed_scene(const char *service)
{
    struct directed d = {.scene = small_scene(1000)};
    struct peer *requester = scene_connect(d.scene, "r1");
    d.performer = scene_connect(d.scene, "p1");
    d.other = scene_connect(d.scene, "p2");
    d.operator = scene_connect(d.scene, "park");
    scene_offer(d.scene, d.performer, service, 10);
    scene_offer(d.scene, d.other, service, 10);
    struct proto_record record = scene_submission(service);
    record.u.submit.performer = PROTO_STR("p1");
    record.u.submit.fallback = PROTO_FALLBACK_ANY;
    d.id = scene_submit_record(d.scene, requester, &record);
    assert_int_equal(peer_count(d.performer, PROTO_TASK), 1);
    assert_int_equal(peer_count(d.other, PROTO_TASK), 0);
    return d;
}

static void
party_paused(struct directed *d)
{
    struct proto_record record = scene_record(PROTO_PAUSE);
    record.u.pause.party = PROTO_STR("p1");
    scene_send(d->scene, d->operator, &record);
}

static void
falls_back_within(struct directed *d, int64_t limit_us)
{
    int64_t now = scene_now(d->scene).mono_us - SECONDS(1000);
    scene_advance_to(d->scene, now + limit_us - SECONDS(1));
    assert_int_equal(peer_count(d->other, PROTO_TASK), 0); /* p1 may still come for it */
    scene_advance_to(d->scene, now + limit_us);
    assert_int_equal(peer_count(d->other, PROTO_TASK), 1);
    scene_end(d->scene);
}

TEST(directed_task_whose_lease_was_lost_falls_back)
{
    (void)state;
    struct directed d = directed_scene("leased");
    scene_disconnect(d.scene, d.performer);
    scene_advance_to(d.scene, SECONDS(30));
    assert_int_equal(scene_events(d.scene, PROTO_EV_LAPSED), 1);
    falls_back_within(&d, SECONDS(30));
}

TEST(directed_task_that_was_given_back_falls_back)
{
    (void)state;
    struct directed d = directed_scene("owned");
    party_paused(&d);
    scene_send_hand(d.scene, d.performer, PROTO_RELEASE, peer_hand(d.performer));
    falls_back_within(&d, SECONDS(60));
}

TEST(directed_task_of_a_revoked_party_falls_back)
{
    (void)state;
    struct directed d = directed_scene("owned");
    scene_accept(d.scene, d.performer, peer_hand(d.performer));
    struct proto_record record = scene_record(PROTO_PARTY);
    record.u.party.action = PROTO_PARTY_ACTION_REVOKE;
    record.u.party.party = PROTO_STR("p1");
    scene_send(d.scene, d.operator, &record);
    assert_int_equal(scene_events(d.scene, PROTO_EV_RELEASED), 1);
    falls_back_within(&d, SECONDS(60));
}

TEST(directed_task_that_was_requeued_falls_back)
{
    (void)state;
    struct directed d = directed_scene("leased");
    for (int i = 0; i < 3; i++) {
        scene_advance_to(d.scene, SECONDS(30 * (i + 1))); /* the third lost lease is the last */
    }
    assert_int_equal(scene_events(d.scene, PROTO_EV_EXHAUSTED), 1);
    party_paused(&d);
    struct proto_record record = scene_record(PROTO_REQUEUE);
    record.u.requeue.id = d.id;
    scene_send(d.scene, d.operator, &record);
    falls_back_within(&d, SECONDS(30));
}

/* After the back-off; without one the limit begins with the failure (tests/sim). */
TEST(directed_task_that_failed_falls_back)
{
    (void)state;
    struct directed d = directed_scene("leased");
    party_paused(&d);
    struct hand hand = peer_hand(d.performer);
    struct proto_record record = scene_record(PROTO_FAIL);
    record.u.fail.task = hand.task;
    record.u.fail.fence = hand.fence;
    record.u.fail.retryable = true;
    scene_send(d.scene, d.performer, &record);
    scene_advance_to(d.scene, SECONDS(2)); /* the back-off of this service */
    falls_back_within(&d, SECONDS(30));
}

/* A finished request is in one part of a list only. */
TEST(lists_show_a_finished_request_once)
{
    (void)state;
    struct scene *scene = small_scene(1000);
    struct peer *requester = scene_connect(scene, "r1"), *performer = scene_connect(scene, "p1"),
                *operator = scene_connect(scene, "park");
    scene_offer(scene, performer, "leased", 1);
    for (int i = 0; i < 3; i++) {
        scene_submit(scene, requester, "leased");
        scene_complete(scene, performer, peer_hand(performer));
        if (i < 2) {
            scene_project(scene);
        }
    }
    struct proto_record record = scene_record(PROTO_LIST);
    record.u.list.scope = PROTO_SCOPE_ALL;
    record.u.list.finished = true;
    uint32_t rows = 0;
    char cursor[80] = "";
    do {
        record.u.list.after = proto_str_of(cursor);
        scene_send(scene, operator, &record);
        struct proto_iter it = proto_iter_of(peer_answer(operator)->u.page.rows);
        struct proto_request row;
        while (proto_iter_struct(&it, PROTO_STRUCT_REQUEST, &row)) {
            assert_true(row.id > 1000000);
            rows++;
        }
        size_t n = peer_answer(operator)->u.page.next.n;
        memcpy(cursor, n > 0 ? peer_answer(operator)->u.page.next.p : "", n);
        cursor[n] = 0;
    } while (cursor[0] != 0);
    assert_int_equal(rows, 3);
    scene_end(scene);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(terms_that_nobody_uses_any_more_do_not_stop_a_restart),
        cmocka_unit_test(finished_requests_do_not_fill_the_table_in_replay),
        cmocka_unit_test(key_is_kept_again_after_a_wall_clock_jump),
        cmocka_unit_test(ended_keys_stay_ended_in_replay),
        cmocka_unit_test(direction_to_an_unknown_party_falls_back_or_waits),
        cmocka_unit_test(producers_that_gave_way_stay_away_in_replay),
        cmocka_unit_test(ids_and_fences_are_higher_than_the_start),
        cmocka_unit_test(directed_task_whose_lease_was_lost_falls_back),
        cmocka_unit_test(directed_task_that_was_given_back_falls_back),
        cmocka_unit_test(directed_task_of_a_revoked_party_falls_back),
        cmocka_unit_test(directed_task_that_was_requeued_falls_back),
        cmocka_unit_test(directed_task_that_failed_falls_back),
        cmocka_unit_test(lists_show_a_finished_request_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
