/*
 * Who gets a task: constraints, policies, direction, exclusion, capacity, pauses.
 */
#include <stdio.h>
#include <string.h>

#include "scene.h"

#include "proto/writer.h"

#define TEST(name) static void name(void **state)
#define BEGIN                                                                                                           \
    (void)state;                                                                                                        \
    struct scene *scene = scene_new();                                                                                  \
    struct peer *requester = scene_connect(scene, "r1")

static struct proto_str
text(const char *t)
{
    return proto_str_of(t);
}

static struct proto_record
offer_of(const char *service, uint32_t capacity)
{
    struct proto_record record = scene_record(PROTO_OFFER);
    record.u.offer.service = text(service);
    record.u.offer.capacity = capacity;
    record.u.offer.credit = 1000;
    return record;
}

static void
send_offer(struct scene *scene, struct peer *peer, struct proto_record *record)
{
    scene_send(scene, peer, record);
    assert_int_equal(peer_answer(peer)->type, PROTO_RECEIPT);
}

/* ------------------------------------------------------------- policies */

TEST(least_loaded_spreads_work)
{
    BEGIN;
    struct peer *a = scene_connect(scene, "p1"), *b = scene_connect(scene, "p2");
    scene_offer(scene, a, "leased", 4);
    scene_offer(scene, b, "leased", 2);
    for (int i = 0; i < 6; i++) {
        scene_submit(scene, requester, "leased");
    }
    assert_int_equal(peer_count(a, PROTO_TASK), 4);
    assert_int_equal(peer_count(b, PROTO_TASK), 2);
    scene_end(scene);
}

TEST(nearest_goes_to_the_nearest_with_room)
{
    BEGIN;
    struct peer *far = scene_connect(scene, "p1"), *near = scene_connect(scene, "p2"), *nowhere = scene_connect(scene, "p3");
    struct proto_record offer = offer_of("near", 1);
    send_offer(scene, nowhere, &offer);
    offer.u.offer.located = true;
    offer.u.offer.latitude = 39.9;
    offer.u.offer.longitude = 116.4; /* Beijing */
    send_offer(scene, near, &offer);
    offer.u.offer.latitude = 31.2;
    offer.u.offer.longitude = 121.5; /* Shanghai */
    send_offer(scene, far, &offer);
    for (int i = 0; i < 3; i++) {
        struct proto_record record = scene_submission("near");
        record.u.submit.located = true;
        record.u.submit.latitude = 39.7;
        record.u.submit.longitude = 116.3; /* Daxing */
        scene_submit_record(scene, requester, &record);
        assert_int_equal(peer_count(near, PROTO_TASK), 1);
        assert_int_equal(peer_count(far, PROTO_TASK), i > 0);
        assert_int_equal(peer_count(nowhere, PROTO_TASK), i > 1);
    }
    scene_end(scene);
}

TEST(cheapest_goes_to_the_lowest_price)
{
    BEGIN;
    struct peer *dear = scene_connect(scene, "p1"), *cheap = scene_connect(scene, "p2"), *silent = scene_connect(scene, "p3");
    struct proto_record offer = offer_of("cheap", 1);
    send_offer(scene, silent, &offer);
    offer.u.offer.price = 900;
    offer.u.offer.currency = PROTO_STR("CNY");
    send_offer(scene, dear, &offer);
    offer.u.offer.price = 500;
    send_offer(scene, cheap, &offer);
    scene_submit(scene, requester, "cheap");
    assert_int_equal(peer_count(cheap, PROTO_TASK), 1);
    scene_submit(scene, requester, "cheap");
    assert_int_equal(peer_count(dear, PROTO_TASK), 1);
    scene_submit(scene, requester, "cheap");
    assert_int_equal(peer_count(silent, PROTO_TASK), 1);
    scene_end(scene);
}

/* A price in another currency cannot be compared: it counts as none. Without a currency it is no price. */
TEST(cheapest_compares_only_prices_in_the_services_currency)
{
    BEGIN;
    struct peer *foreign = scene_connect(scene, "p1"), *home = scene_connect(scene, "p2");
    struct proto_record offer = offer_of("cheap", 1);
    offer.u.offer.price = 100;
    scene_send(scene, foreign, &offer);
    peer_expect_refusal(foreign, PROTO_REFUSAL_CODE_INVALID);
    offer.u.offer.currency = PROTO_STR("USD");
    send_offer(scene, foreign, &offer);
    offer.u.offer.price = 500;
    offer.u.offer.currency = PROTO_STR("CNY");
    send_offer(scene, home, &offer);
    scene_submit(scene, requester, "cheap");
    assert_int_equal(peer_count(home, PROTO_TASK), 1);
    scene_submit(scene, requester, "cheap");
    assert_int_equal(peer_count(foreign, PROTO_TASK), 1);
    scene_end(scene);
}

TEST(preferred_parties_come_in_the_requesters_order)
{
    BEGIN;
    struct peer *a = scene_connect(scene, "p1"), *b = scene_connect(scene, "p2"), *c = scene_connect(scene, "p3");
    scene_offer(scene, a, "chosen", 1);
    scene_offer(scene, b, "chosen", 1);
    scene_offer(scene, c, "chosen", 1);
    struct proto_record record = scene_submission("chosen");
    record.u.submit.prefer = list_of("p3", "p2");
    scene_submit_record(scene, requester, &record);
    assert_int_equal(peer_count(c, PROTO_TASK), 1);
    record.u.submit.pseq += 1000;
    scene_submit_record(scene, requester, &record);
    assert_int_equal(peer_count(b, PROTO_TASK), 1);
    record.u.submit.pseq += 1000;
    scene_submit_record(scene, requester, &record);
    assert_int_equal(peer_count(a, PROTO_TASK), 1);
    scene_end(scene);
}

/* ------------------------------------------------------------- constraints, direction, exclusion */

TEST(hard_constraints_hold_and_confirmed_attributes_outrank_offered_ones)
{
    BEGIN;
    struct peer *a = scene_connect(scene, "p1"), *b = scene_connect(scene, "p2");
    scene_attributes(scene, "p2", map_of("grade", "B")); /* the operator knows better */
    struct proto_record offer = offer_of("leased", 5);
    offer.u.offer.attributes = map_of("grade", "A");
    send_offer(scene, b, &offer);
    struct proto_record record = scene_submission("leased");
    record.u.submit.require = require_one("grade", "eq", "A");
    uint64_t id = scene_submit_record(scene, requester, &record);
    assert_int_equal(peer_count(b, PROTO_TASK), 0);
    struct proto_record explain = scene_record(PROTO_EXPLAIN);
    explain.u.explain.id = id;
    scene_send(scene, requester, &explain);
    const struct proto_record *page = peer_answer(requester);
    assert_int_equal(page->u.page.reason, PROTO_REASON_NO_CAPABLE_PROVIDER);
    struct proto_iter it = proto_iter_of(page->u.page.rows);
    struct proto_candidate candidate;
    assert_true(proto_iter_struct(&it, PROTO_STRUCT_CANDIDATE, &candidate));
    assert_true(proto_str_eq(candidate.party, text("p2")));
    assert_false(candidate.matches);
    assert_non_null(memmem(candidate.why.p, candidate.why.n, "grade eq A", 10));
    send_offer(scene, a, &offer);
    assert_int_equal(peer_count(a, PROTO_TASK), 1);
    record.u.submit.require = require_one("colour", "eq", "red");
    record.u.submit.pseq += 1000;
    scene_send(scene, requester, &record);
    peer_expect_refusal(requester, PROTO_REFUSAL_CODE_INVALID);
    scene_end(scene);
}

/* An accreditation is nothing that one says of oneself. */
TEST(what_must_be_confirmed_counts_only_when_the_operator_confirmed_it)
{
    BEGIN;
    struct peer *boaster = scene_connect(scene, "p1"), *licensed = scene_connect(scene, "p2");
    struct proto_record offer = offer_of("leased", 5);
    offer.u.offer.attributes = map_of("licence", "GMP");
    send_offer(scene, boaster, &offer);
    struct proto_record record = scene_submission("leased");
    record.u.submit.require = require_one("licence", "eq", "GMP");
    uint64_t id = scene_submit_record(scene, requester, &record);
    assert_int_equal(peer_count(boaster, PROTO_TASK), 0);
    struct proto_record explain = scene_record(PROTO_EXPLAIN);
    explain.u.explain.id = id;
    scene_send(scene, requester, &explain);
    struct proto_iter it = proto_iter_of(peer_answer(requester)->u.page.rows);
    struct proto_candidate candidate;
    assert_true(proto_iter_struct(&it, PROTO_STRUCT_CANDIDATE, &candidate));
    assert_false(candidate.matches);
    assert_true(proto_str_eq(candidate.why, PROTO_STR("licence eq GMP: not confirmed")));
    scene_attributes(scene, "p2", map_of("licence", "GMP"));
    offer.u.offer.attributes = (struct proto_bin){0};
    send_offer(scene, licensed, &offer);
    assert_int_equal(peer_count(licensed, PROTO_TASK), 1);
    assert_int_equal(peer_count(boaster, PROTO_TASK), 0);
    scene_attributes(scene, "p1", map_of("licence", "GMP")); /* now the offer that stood all the time matches */
    record.u.submit.pseq += 1000;
    record.u.submit.exclude = list_of("p2", NULL);
    scene_submit_record(scene, requester, &record);
    assert_int_equal(peer_count(boaster, PROTO_TASK), 1);
    scene_end(scene);
}

TEST(excluded_party_never_gets_it)
{
    BEGIN;
    struct peer *a = scene_connect(scene, "p1"), *b = scene_connect(scene, "p2");
    scene_offer(scene, a, "leased", 5);
    struct proto_record record = scene_submission("leased");
    record.u.submit.exclude = list_of("p1", NULL);
    scene_connect(scene, "p2");
    scene_submit_record(scene, requester, &record);
    assert_int_equal(peer_count(a, PROTO_TASK), 0);
    scene_offer(scene, b, "leased", 5);
    assert_int_equal(peer_count(b, PROTO_TASK), 1);
    scene_end(scene);
}

TEST(directed_request_waits_for_its_performer)
{
    BEGIN;
    struct peer *a = scene_connect(scene, "p1"), *b = scene_connect(scene, "p2");
    scene_offer(scene, a, "leased", 5);
    struct proto_record record = scene_submission("leased");
    record.u.submit.performer = text("p2");
    scene_submit_record(scene, requester, &record);
    scene_advance_to(scene, SECONDS(1000));
    assert_int_equal(peer_count(a, PROTO_TASK), 0);
    scene_offer(scene, b, "leased", 5);
    assert_int_equal(peer_count(b, PROTO_TASK), 1);
    scene_end(scene);
}

TEST(directed_request_falls_back_when_its_performer_does_not_take_it)
{
    BEGIN;
    struct peer *a = scene_connect(scene, "p1"), *b = scene_connect(scene, "p2");
    scene_offer(scene, a, "owned", 5);
    scene_offer(scene, b, "owned", 5);
    /* It declines. */
    struct proto_record record = scene_submission("owned");
    record.u.submit.performer = text("p2");
    record.u.submit.fallback = PROTO_FALLBACK_ANY;
    scene_submit_record(scene, requester, &record);
    struct proto_record reject = scene_record(PROTO_REJECT);
    reject.u.reject.task = peer_hand(b).task;
    reject.u.reject.fence = peer_hand(b).fence;
    scene_send(scene, b, &reject);
    assert_int_equal(peer_count(a, PROTO_TASK), 1);
    /* It is not there. */
    scene_disconnect(scene, b);
    record = scene_submission("owned");
    record.u.submit.performer = text("p2");
    record.u.submit.fallback = PROTO_FALLBACK_ANY;
    scene_submit_record(scene, requester, &record);
    assert_int_equal(peer_count(a, PROTO_TASK), 1);
    scene_accept(scene, a, peer_hand(a));
    scene_start(scene, a, peer_hand(a));
    scene_advance_to(scene, SECONDS(61));
    assert_int_equal(peer_count(a, PROTO_TASK), 2);
    scene_end(scene);
}

TEST(directed_request_without_fallback_is_on_hold_when_declined)
{
    BEGIN;
    struct peer *a = scene_connect(scene, "p1");
    scene_offer(scene, a, "owned", 5);
    struct proto_record record = scene_submission("owned");
    record.u.submit.performer = text("p1");
    uint64_t id = scene_submit_record(scene, requester, &record);
    struct proto_record reject = scene_record(PROTO_REJECT);
    reject.u.reject.task = peer_hand(a).task;
    reject.u.reject.fence = peer_hand(a).fence;
    scene_send(scene, a, &reject);
    scene_expect_status(scene, id, PROTO_STATUS_ON_HOLD);
    assert_int_equal(peer_count(a, PROTO_TASK), 1);
    scene_end(scene);
}

/* ------------------------------------------------------------- capacity, credit, pauses */

TEST(capacity_and_credit_bound_what_is_sent)
{
    BEGIN;
    struct peer *performer = scene_connect(scene, "p1");
    struct proto_record offer = offer_of("leased", 3);
    offer.u.offer.credit = 2;
    send_offer(scene, performer, &offer);
    for (int i = 0; i < 10; i++) {
        scene_submit(scene, requester, "leased");
    }
    assert_int_equal(peer_count(performer, PROTO_TASK), 2);
    scene_credit(scene, performer, "leased", 5);
    assert_int_equal(peer_count(performer, PROTO_TASK), 3);
    scene_complete(scene, performer, peer_hand(performer));
    assert_int_equal(peer_count(performer, PROTO_TASK), 4);
    scene_end(scene);
}

static void
change(struct scene *scene, struct peer *operator, enum proto_type type, const char *service, const char *party)
{
    struct proto_record record = scene_record(type);
    struct proto_str s = text(service), p = text(party);
    if (type == PROTO_PAUSE) {
        record.u.pause.service = s;
        record.u.pause.party = p;
    } else if (type == PROTO_DRAIN) {
        record.u.drain.service = s;
        record.u.drain.party = p;
    } else {
        record.u.resume.service = s;
        record.u.resume.party = p;
    }
    scene_send(scene, operator, &record);
    assert_int_equal(peer_answer(operator)->type, PROTO_RECEIPT);
}

TEST(paused_service_takes_submissions_and_assigns_none)
{
    BEGIN;
    struct peer *performer = scene_connect(scene, "p1"), *operator = scene_connect(scene, "park");
    scene_offer(scene, performer, "leased", 5);
    change(scene, operator, PROTO_PAUSE, "leased", "");
    scene_submit(scene, requester, "leased");
    assert_int_equal(peer_count(performer, PROTO_TASK), 0);
    change(scene, operator, PROTO_RESUME, "leased", "");
    assert_int_equal(peer_count(performer, PROTO_TASK), 1);
    scene_end(scene);
}

TEST(drained_service_refuses_submissions_and_works_off_what_it_has)
{
    BEGIN;
    struct peer *performer = scene_connect(scene, "p1"), *operator = scene_connect(scene, "park");
    scene_submit(scene, requester, "leased");
    change(scene, operator, PROTO_DRAIN, "leased", "");
    struct proto_record record = scene_submission("leased");
    scene_send(scene, requester, &record);
    peer_expect_refusal(requester, PROTO_REFUSAL_CODE_RETRY_LATER);
    assert_true(peer_answer(requester)->u.refusal.retry_after > 0);
    scene_offer(scene, performer, "leased", 5);
    assert_int_equal(peer_count(performer, PROTO_TASK), 1);
    scene_end(scene);
}

TEST(drained_provider_keeps_what_it_accepted_and_gives_back_the_rest)
{
    BEGIN;
    struct peer *a = scene_connect(scene, "p1"), *b = scene_connect(scene, "p2"), *operator = scene_connect(scene, "park");
    scene_offer(scene, a, "owned", 2);
    scene_submit(scene, requester, "owned");
    struct hand kept = peer_hand(a);
    scene_accept(scene, a, kept);
    scene_submit(scene, requester, "owned");
    scene_offer(scene, b, "owned", 2);
    change(scene, operator, PROTO_DRAIN, "", "p1");
    assert_int_equal(peer_count(a, PROTO_WITHDRAW), 1);
    assert_int_equal(peer_got(a, PROTO_WITHDRAW, 0)->u.withdraw.reason, PROTO_REASON_PROVIDER_DRAINED);
    assert_int_equal(peer_count(b, PROTO_TASK), 1);
    scene_start(scene, a, kept);
    peer_expect_receipt(a, PROTO_STATUS_IN_PROGRESS);
    scene_submit(scene, requester, "owned");
    assert_int_equal(peer_count(b, PROTO_TASK), 2);
    change(scene, operator, PROTO_RESUME, "", "p1");
    scene_submit(scene, requester, "owned");
    assert_int_equal(peer_count(a, PROTO_TASK), 3);
    scene_end(scene);
}

TEST(offer_by_prefix_covers_what_is_granted)
{
    BEGIN;
    scene_party(scene, "px", 1u << PROTO_ROLE_PERFORMER, "owned.*");
    struct peer *performer = scene_connect(scene, "px");
    scene_offer(scene, performer, "*", 5);
    scene_submit(scene, requester, "leased");
    scene_submit(scene, requester, "owned");
    assert_int_equal(peer_count(performer, PROTO_TASK), 0);
    scene_submit(scene, requester, "owned.verified");
    assert_int_equal(peer_count(performer, PROTO_TASK), 1);
    struct proto_record offer = offer_of("leased", 1);
    scene_send(scene, performer, &offer);
    peer_expect_refusal(performer, PROTO_REFUSAL_CODE_FORBIDDEN);
    offer.u.offer.service = text("nothing.such");
    scene_send(scene, performer, &offer);
    peer_expect_refusal(performer, PROTO_REFUSAL_CODE_NOT_FOUND);
    scene_end(scene);
}

/* B5: thousands of groups that nobody can serve do not keep an offer from the one that it can. */
TEST(many_unmatched_groups_do_not_hide_the_one_that_matches)
{
    BEGIN;
    struct peer *performer = scene_connect(scene, "p1");
    for (int i = 0; i < 500; i++) {
        char grade[16];
        snprintf(grade, sizeof grade, "G%d", i);
        struct proto_record record = scene_submission("leased");
        record.u.submit.require = require_one("grade", "eq", grade);
        scene_submit_record(scene, requester, &record);
    }
    struct proto_record offer = offer_of("leased", 5);
    offer.u.offer.attributes = map_of("grade", "G490");
    send_offer(scene, performer, &offer);
    assert_int_equal(peer_count(performer, PROTO_TASK), 1);
    scene_end(scene);
}

TEST(position_and_estimate_are_told)
{
    BEGIN;
    struct peer *performer = scene_connect(scene, "p1");
    scene_offer(scene, performer, "leased", 1);
    scene_submit(scene, requester, "leased");
    scene_advance_to(scene, SECONDS(10));
    scene_complete(scene, performer, peer_hand(performer));
    scene_submit(scene, requester, "leased");
    scene_submit(scene, requester, "leased");
    uint64_t id = scene_submit(scene, requester, "leased");
    struct proto_record explain = scene_record(PROTO_EXPLAIN);
    explain.u.explain.id = id;
    scene_send(scene, requester, &explain);
    assert_int_equal(peer_answer(requester)->u.page.position, 1);
    assert_in_range(peer_answer(requester)->u.page.estimate, SECONDS(19), SECONDS(21));
    scene_end(scene);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(least_loaded_spreads_work),
        cmocka_unit_test(nearest_goes_to_the_nearest_with_room),
        cmocka_unit_test(cheapest_goes_to_the_lowest_price),
        cmocka_unit_test(cheapest_compares_only_prices_in_the_services_currency),
        cmocka_unit_test(preferred_parties_come_in_the_requesters_order),
        cmocka_unit_test(hard_constraints_hold_and_confirmed_attributes_outrank_offered_ones),
        cmocka_unit_test(what_must_be_confirmed_counts_only_when_the_operator_confirmed_it),
        cmocka_unit_test(excluded_party_never_gets_it),
        cmocka_unit_test(directed_request_waits_for_its_performer),
        cmocka_unit_test(directed_request_falls_back_when_its_performer_does_not_take_it),
        cmocka_unit_test(directed_request_without_fallback_is_on_hold_when_declined),
        cmocka_unit_test(capacity_and_credit_bound_what_is_sent),
        cmocka_unit_test(paused_service_takes_submissions_and_assigns_none),
        cmocka_unit_test(drained_service_refuses_submissions_and_works_off_what_it_has),
        cmocka_unit_test(drained_provider_keeps_what_it_accepted_and_gives_back_the_rest),
        cmocka_unit_test(offer_by_prefix_covers_what_is_granted),
        cmocka_unit_test(many_unmatched_groups_do_not_hide_the_one_that_matches),
        cmocka_unit_test(position_and_estimate_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
