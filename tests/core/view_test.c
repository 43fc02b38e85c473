/*
 * What can be seen: get, list, watch, queues, workers, services, parties, stats; and the table of statuses.
 */
#include <stdio.h>
#include <string.h>

#include "core/request.h"
#include "scene.h"

#define TEST(name) static void name(void **state)
#define BEGIN                                                                                                           \
    (void)state;                                                                                                        \
    struct scene *scene = scene_new();                                                                                  \
    struct peer *requester = scene_connect(scene, "r1");                                                                \
    struct peer *performer = scene_connect(scene, "p1");                                                                \
    struct peer *operator = scene_connect(scene, "park");                                                               \
    (void)performer, (void)operator

/* L2: every pair of statuses, against DOMAIN's diagram. */
TEST(status_table_is_the_diagram)
{
    (void)state;
    static const char *const allowed[] = {
        "- draft ready requested",
        "draft ready requested cancelled",
        "requested received accepted rejected cancelled on-hold",
        "received accepted rejected cancelled",
        "accepted in-progress cancelled on-hold ready requested",
        "ready in-progress cancelled on-hold",
        "in-progress completed failed on-hold ready requested cancelled",
        "on-hold in-progress accepted ready requested failed cancelled",
        "completed",
        "failed",
        "rejected",
        "cancelled",
        "entered-in-error",
    };
    for (unsigned row = 0; row < sizeof allowed / sizeof *allowed; row++) {
        char from[32], padded[128];
        unsigned was = 0;
        assert_int_equal(sscanf(allowed[row], "%31s", from), 1);
        if (strcmp(from, "-") != 0) {
            assert_true(proto_enum_number(PROTO_ENUM_STATUS, from, strlen(from), &was));
        }
        const char *rest = strchr(allowed[row], ' ');
        snprintf(padded, sizeof padded, "%s ", rest != NULL ? rest : "");
        for (unsigned to = 1; to <= PROTO_STATUS_ENTERED_IN_ERROR; to++) {
            char word[40];
            snprintf(word, sizeof word, " %s ", proto_enum_name(PROTO_ENUM_STATUS, to));
            if (status_may((enum proto_status)was, (enum proto_status)to) != (strstr(padded, word) != NULL)) {
                fail_msg("%s -> %s", from, word);
            }
        }
    }
}

TEST(get_shows_the_whole_way)
{
    BEGIN;
    scene_offer(scene, performer, "owned", 1);
    struct proto_record record = scene_submission("owned");
    record.u.submit.subject = PROTO_STR("batch 7");
    uint64_t id = scene_submit_record(scene, requester, &record);
    struct hand hand = peer_hand(performer);
    scene_accept(scene, performer, hand);
    scene_start(scene, performer, hand);
    for (int round = 0; round < 2; round++) {
        struct proto_request row = scene_row(scene, requester, id);
        assert_true(proto_str_eq(row.subject, PROTO_STR("batch 7")));
        assert_true(proto_str_eq(row.performer, PROTO_STR("p1")));
        assert_true(proto_str_eq(row.member, PROTO_STR("m1")));
        assert_int_equal(row.status, round == 0 ? PROTO_STATUS_IN_PROGRESS : PROTO_STATUS_COMPLETED);
        struct proto_iter it = proto_iter_of(row.trail);
        struct proto_transition line;
        static const char *const names[] = {"accepted", "assigned", "agreed", "started", "completed"};
        int lines = 0;
        while (proto_iter_struct(&it, PROTO_STRUCT_TRANSITION, &line)) {
            assert_true(proto_str_eq(line.event, proto_str_of(names[lines])));
            lines++;
        }
        assert_int_equal(lines, round == 0 ? 4 : 5);
        if (round == 0) {
            scene_complete(scene, performer, hand);
            scene_project(scene);
        } else {
            assert_memory_equal(peer_answer(requester)->body.p, "result", 6);
        }
    }
    assert_int_equal(scene_row(scene, performer, id).fence, hand.fence);
    assert_int_equal(scene_row(scene, operator, id).status, PROTO_STATUS_COMPLETED);
    scene_end(scene);
}

/* ------------------------------------------------------------- list */

static uint32_t
page_rows(const struct proto_record *page, uint64_t *ids, uint32_t n)
{
    assert_int_equal(page->type, PROTO_PAGE);
    struct proto_iter it = proto_iter_of(page->u.page.rows);
    struct proto_request row;
    while (proto_iter_struct(&it, PROTO_STRUCT_REQUEST, &row)) {
        ids[n++] = row.id;
    }
    return n;
}

/* Walk all pages; returns how many rows there were, newest first except for scope all. */
static uint32_t
list_all(struct scene *scene, struct peer *peer, struct proto_record *record, uint64_t *ids)
{
    uint32_t n = 0;
    static char cursor[80];
    record->u.list.after = (struct proto_str){0};
    for (int pages = 0; pages < 100; pages++) {
        scene_send(scene, peer, record);
        const struct proto_record *page = peer_answer(peer);
        n = page_rows(page, ids, n);
        snprintf(cursor, sizeof cursor, "%.*s", PROTO_STR_ARG(page->u.page.next));
        record->u.list.after = proto_str_of(cursor);
        if (cursor[0] == 0) {
            return n;
        }
    }
    fail_msg("the list never ends");
    return 0;
}

TEST(lists_page_through_open_and_finished_requests)
{
    BEGIN;
    struct peer *other = scene_connect(scene, "r2");
    uint64_t ids[64];
    scene_offer(scene, performer, "leased", 3);
    for (int i = 0; i < 9; i++) {
        scene_submit(scene, requester, "leased");
        scene_submit(scene, other, "owned");
    }
    scene_complete(scene, performer, peer_hand(performer));
    scene_project(scene);
    scene_complete(scene, performer, peer_hand(performer));
    struct proto_record record = scene_record(PROTO_LIST);
    record.u.list.limit = 2;
    assert_int_equal(list_all(scene, requester, &record, ids), 7);
    for (int i = 1; i < 7; i++) {
        assert_true(ids[i] < ids[i - 1]);
    }
    record.u.list.finished = true;
    assert_int_equal(list_all(scene, requester, &record, ids), 9);
    record.u.list.finished = false;
    record.u.list.status = list_of("ready", NULL);
    assert_int_equal(list_all(scene, requester, &record, ids), 4);
    record = scene_record(PROTO_LIST);
    record.u.list.scope = PROTO_SCOPE_PERFORMER;
    record.u.list.limit = 2;
    assert_int_equal(list_all(scene, performer, &record, ids), 3);
    record.u.list.scope = PROTO_SCOPE_ALL;
    assert_int_equal(list_all(scene, operator, &record, ids), 16);
    record.u.list.service = PROTO_STR("owned");
    assert_int_equal(list_all(scene, operator, &record, ids), 9);
    scene_send(scene, requester, &record);
    peer_expect_refusal(requester, PROTO_REFUSAL_CODE_FORBIDDEN);
    record = scene_record(PROTO_LIST);
    record.u.list.after = PROTO_STR("garbage");
    scene_send(scene, requester, &record);
    peer_expect_refusal(requester, PROTO_REFUSAL_CODE_INVALID);
    scene_end(scene);
}

/* ------------------------------------------------------------- watch */

static uint64_t
watch(struct scene *scene, struct peer *peer, enum proto_scope scope, uint64_t seq, uint32_t credit)
{
    struct proto_record record = scene_record(PROTO_WATCH);
    record.u.watch.scope = scope;
    record.u.watch.seq = seq;
    record.u.watch.credit = credit;
    return scene_send(scene, peer, &record);
}

static uint32_t
watched(struct peer *peer, uint64_t re, uint64_t *last)
{
    uint32_t n = 0;
    for (int i = 0; peer_got(peer, PROTO_EVENT, i) != NULL; i++) {
        const struct proto_record *record = peer_got(peer, PROTO_EVENT, i);
        if (record->re == re) {
            assert_true(record->u.event.seq > *last); /* in order, nothing twice */
            *last = record->u.event.seq;
            n++;
        }
    }
    return n;
}

/* Nothing is skipped and nothing comes twice, however slow the watcher is. */
TEST(watch_is_resumable_and_follows_credit)
{
    BEGIN;
    uint64_t last = 0;
    scene_offer(scene, performer, "leased", 1);
    for (int i = 0; i < 3; i++) {
        scene_submit(scene, requester, "leased");
        scene_complete(scene, performer, peer_hand(performer));
    }
    struct peer *watcher = scene_connect(scene, "r1");
    uint64_t re = watch(scene, watcher, PROTO_SCOPE_REQUESTER, 0, 4);
    assert_int_equal(watched(watcher, re, &last), 4);
    struct proto_record credit = scene_record(PROTO_CREDIT);
    credit.re = re;
    credit.u.credit.credit = 100;
    scene_send(scene, watcher, &credit);
    last = 0;
    assert_int_equal(watched(watcher, re, &last), 9);
    scene_submit(scene, requester, "leased"); /* live now */
    uint64_t resume = last;
    last = 0;
    assert_int_equal(watched(watcher, re, &last), 11);
    struct peer *again = scene_connect(scene, "r1");
    last = 0;
    uint64_t second = watch(scene, again, PROTO_SCOPE_REQUESTER, resume, 100);
    assert_int_equal(watched(again, second, &last), 2);
    struct proto_record stop = scene_record(PROTO_WATCH);
    stop.re = second;
    stop.u.watch.stop = true;
    scene_send(scene, again, &stop);
    scene_submit(scene, requester, "leased");
    last = 0;
    assert_int_equal(watched(again, second, &last), 2);
    scene_end(scene);
}

TEST(watch_shows_each_party_its_own)
{
    BEGIN;
    struct peer *other = scene_connect(scene, "r2"), *idle = scene_connect(scene, "p2");
    uint64_t last = 0;
    uint64_t mine = watch(scene, requester, PROTO_SCOPE_REQUESTER, 0, 100);
    uint64_t theirs = watch(scene, other, PROTO_SCOPE_REQUESTER, 0, 100);
    uint64_t works = watch(scene, performer, PROTO_SCOPE_PERFORMER, 0, 100);
    uint64_t nothing = watch(scene, idle, PROTO_SCOPE_PERFORMER, 0, 100);
    uint64_t all = watch(scene, operator, PROTO_SCOPE_ALL, 0, 100);
    scene_offer(scene, performer, "leased", 1);
    scene_submit(scene, requester, "leased");
    scene_complete(scene, performer, peer_hand(performer));
    assert_int_equal(watched(requester, mine, &last), 3);
    last = 0;
    assert_int_equal(watched(other, theirs, &last), 0);
    assert_int_equal(watched(performer, works, &last), 2);
    last = 0;
    assert_int_equal(watched(idle, nothing, &last), 0);
    assert_int_equal(watched(operator, all, &last), 3);
    watch(scene, requester, PROTO_SCOPE_ALL, 0, 100);
    peer_expect_refusal(requester, PROTO_REFUSAL_CODE_FORBIDDEN);
    scene_end(scene);
}

/* ------------------------------------------------------------- operators' pages */

TEST(queues_workers_and_parties_are_shown)
{
    BEGIN;
    scene_offer(scene, performer, "leased", 3);
    for (int i = 0; i < 5; i++) {
        scene_submit(scene, requester, "leased");
    }
    struct proto_record impossible = scene_submission("leased");
    impossible.u.submit.require = require_one("grade", "eq", "A");
    scene_submit_record(scene, requester, &impossible);
    scene_advance_to(scene, SECONDS(7));
    struct proto_record record = scene_record(PROTO_QUEUES);
    record.u.queues.service = PROTO_STR("leased");
    scene_send(scene, operator, &record);
    struct proto_iter it = proto_iter_of(peer_answer(operator)->u.page.rows);
    struct proto_queue queue;
    assert_true(proto_iter_struct(&it, PROTO_STRUCT_QUEUE, &queue));
    assert_int_equal(queue.depth, 3);
    assert_int_equal(queue.running, 3);
    assert_int_equal(queue.unmatched, 1);
    assert_int_equal(queue.providers, 1);
    assert_int_equal(queue.free, 0);
    assert_int_equal(queue.oldest, SECONDS(7));
    record = scene_record(PROTO_WORKERS);
    scene_send(scene, operator, &record);
    it = proto_iter_of(peer_answer(operator)->u.page.rows);
    struct proto_worker worker;
    assert_true(proto_iter_struct(&it, PROTO_STRUCT_WORKER, &worker));
    assert_int_equal(worker.running, 3);
    assert_true(proto_str_eq(worker.party, PROTO_STR("p1")));
    record = scene_record(PROTO_PARTY);
    record.u.party.action = PROTO_PARTY_ACTION_LIST;
    record.u.party.limit = 1;
    uint32_t parties = 0;
    for (char cursor[80] = "x"; cursor[0] != 0; parties++) {
        scene_send(scene, operator, &record);
        snprintf(cursor, sizeof cursor, "%.*s", PROTO_STR_ARG(peer_answer(operator)->u.page.next));
        record.u.party.after = proto_str_of(cursor);
    }
    assert_int_equal(parties, 3);
    record = scene_record(PROTO_STATS);
    scene_send(scene, operator, &record);
    assert_int_equal(peer_answer(operator)->u.page.kind, PROTO_PAGE_KIND_STAT);
    scene_send(scene, requester, &record);
    peer_expect_refusal(requester, PROTO_REFUSAL_CODE_FORBIDDEN);
    scene_end(scene);
}

TEST(services_are_public)
{
    BEGIN;
    struct proto_record record = scene_record(PROTO_SERVICES);
    record.u.services.limit = 3;
    uint32_t pages = 0;
    for (char cursor[80] = "x"; cursor[0] != 0; pages++) {
        scene_send(scene, requester, &record);
        snprintf(cursor, sizeof cursor, "%.*s", PROTO_STR_ARG(peer_answer(requester)->u.page.next));
        record.u.services.after = proto_str_of(cursor);
    }
    assert_int_equal(pages, 3);
    record.u.services.service = PROTO_STR("leased");
    scene_send(scene, requester, &record);
    struct proto_iter it = proto_iter_of(peer_answer(requester)->u.page.rows);
    struct proto_service_row row;
    assert_true(proto_iter_struct(&it, PROTO_STRUCT_SERVICE_ROW, &row));
    assert_int_equal(row.tenure, PROTO_TENURE_LEASED);
    record.u.services.service = PROTO_STR("nothing");
    scene_send(scene, requester, &record);
    peer_expect_refusal(requester, PROTO_REFUSAL_CODE_NOT_FOUND);
    scene_end(scene);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_table_is_the_diagram),
        cmocka_unit_test(get_shows_the_whole_way),
        cmocka_unit_test(lists_page_through_open_and_finished_requests),
        cmocka_unit_test(watch_is_resumable_and_follows_credit),
        cmocka_unit_test(watch_shows_each_party_its_own),
        cmocka_unit_test(queues_workers_and_parties_are_shown),
        cmocka_unit_test(services_are_public),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
