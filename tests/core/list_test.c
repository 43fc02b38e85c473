/*
 * list: every row whole, in one order, whatever moves between the pages.
 */
#include <stdio.h>
#include <string.h>

#include "scene.h"

#define TEST(name) static void name(void **state)

enum { ROWS_MAX = 256 };

/* What a walk through all pages brought. Texts are copied: pages do not live as long. */
struct listed {
    struct {
        uint64_t id, seq;
        enum proto_status status;
        enum proto_priority priority;
        int64_t complete_by, charge;
        uint64_t fence;
        char subject[130], key[130], outcome[66], currency[4], requester[66], performer[66];
    } rows[ROWS_MAX];
    uint32_t n, pages;
    char cursor[PROTO_LIST_AFTER_MAX + 1];
};

#define COPY(to, from) snprintf(to, sizeof(to), "%.*s", PROTO_STR_ARG(from))

static void
list_page(struct scene *scene, struct peer *peer, struct proto_record *record, struct listed *listed)
{
    record->u.list.after = proto_str_of(listed->cursor);
    scene_send(scene, peer, record);
    const struct proto_record *page = peer_answer(peer);
    assert_int_equal(page->type, PROTO_PAGE);
    struct proto_iter it = proto_iter_of(page->u.page.rows);
    struct proto_request row;
    while (proto_iter_struct(&it, PROTO_STRUCT_REQUEST, &row)) {
        uint32_t n = listed->n++;
        assert_true(n < ROWS_MAX);
        listed->rows[n].id = row.id;
        listed->rows[n].seq = row.seq;
        listed->rows[n].status = row.status;
        listed->rows[n].priority = row.priority;
        listed->rows[n].complete_by = row.complete_by;
        listed->rows[n].charge = row.charge;
        listed->rows[n].fence = row.fence;
        COPY(listed->rows[n].subject, row.subject);
        COPY(listed->rows[n].key, row.key);
        COPY(listed->rows[n].outcome, row.outcome);
        COPY(listed->rows[n].currency, row.currency);
        COPY(listed->rows[n].requester, row.requester);
        COPY(listed->rows[n].performer, row.performer);
        assert_int_equal(row.output.n, 0);
        assert_int_equal(row.input.n, 0);
    }
    COPY(listed->cursor, page->u.page.next);
    listed->pages++;
    assert_true(listed->pages < 10000);
}

static void
list_all(struct scene *scene, struct peer *peer, struct proto_record *record, struct listed *listed)
{
    memset(listed, 0, sizeof *listed);
    do {
        list_page(scene, peer, record, listed);
    } while (listed->cursor[0] != 0);
}

static bool
is_finished(enum proto_status status)
{
    return status == PROTO_STATUS_COMPLETED || status == PROTO_STATUS_FAILED || status == PROTO_STATUS_CANCELLED;
}

/* Open ones by falling id, then finished ones by falling sequence of their end; none twice. */
static void
expect_order(const struct listed *listed)
{
    for (uint32_t i = 1; i < listed->n; i++) {
        bool was = is_finished(listed->rows[i - 1].status), is = is_finished(listed->rows[i].status);
        if (!was && !is) {
            assert_true(listed->rows[i].id < listed->rows[i - 1].id);
        } else {
            assert_true(is);
            assert_true(!was || listed->rows[i].seq < listed->rows[i - 1].seq);
        }
    }
}

static struct proto_record
list_record(enum proto_scope scope, uint32_t limit)
{
    struct proto_record record = scene_record(PROTO_LIST);
    record.u.list.scope = scope;
    record.u.list.limit = limit;
    record.u.list.finished = true;
    return record;
}

static struct scene *
scene_small(uint32_t looks)
{
    struct core_settings settings;
    core_settings_init(&settings);
    settings.rows_scanned_max = looks;
    return scene_new_with(&settings);
}

/* A row says the same of its request while it is open, when it has just finished, and when history has it. */
TEST(rows_are_whole_wherever_their_request_is)
{
    (void)state;
    struct scene *scene = scene_new();
    struct peer *requester = scene_connect(scene, "r1"), *performer = scene_connect(scene, "p1");
    struct peer *second = scene_connect(scene, "p1/m2");
    struct listed listed;
    scene_offer(scene, performer, "owned.verified", 1);
    struct proto_record submission = scene_submission("owned.verified");
    submission.u.submit.subject = PROTO_STR("batch 7");
    submission.u.submit.key = PROTO_STR("order 12");
    submission.u.submit.producer = submission.u.submit.pseq = 0;
    submission.u.submit.priority = PROTO_PRIORITY_URGENT;
    submission.u.submit.complete_by = scene_now(scene).utc_us + DAYS(3);
    int64_t complete_by = submission.u.submit.complete_by;
    scene_submit_record(scene, requester, &submission);
    struct hand hand = peer_hand(performer);
    scene_accept(scene, performer, hand);
    scene_start(scene, performer, hand);
    for (int round = 0; round < 4; round++) {
        struct proto_record record = list_record(PROTO_SCOPE_REQUESTER, 10);
        list_all(scene, requester, &record, &listed);
        assert_int_equal(listed.n, 1);
        assert_string_equal(listed.rows[0].subject, "batch 7");
        assert_string_equal(listed.rows[0].key, "order 12");
        assert_string_equal(listed.rows[0].performer, "p1");
        assert_int_equal(listed.rows[0].priority, PROTO_PRIORITY_URGENT);
        assert_int_equal(listed.rows[0].complete_by, complete_by);
        assert_int_equal(listed.rows[0].fence, 0); /* C3: only to the performer and operators */
        assert_string_equal(listed.rows[0].outcome, round < 2 ? "" : "conforming");
        assert_string_equal(listed.rows[0].currency, round < 2 ? "" : "CNY");
        assert_int_equal(listed.rows[0].charge, round < 2 ? 0 : 4200);
        record = list_record(PROTO_SCOPE_PERFORMER, 10);
        list_all(scene, performer, &record, &listed);
        assert_int_equal(listed.n, 1);
        assert_int_equal(listed.rows[0].fence, hand.fence);
        if (round == 0) {
            record = scene_record(PROTO_COMPLETE);
            record.u.complete.task = hand.task;
            record.u.complete.fence = hand.fence;
            record.u.complete.outcome = PROTO_STR("conforming");
            record.u.complete.charge = 4200;
            record.u.complete.currency = PROTO_STR("CNY");
            record.u.complete.has |= PROTO_COMPLETE_CHARGE;
            scene_send(scene, performer, &record);
            peer_expect_receipt(performer, PROTO_STATUS_IN_PROGRESS);
        } else if (round == 1) {
            scene_offer(scene, second, "owned.verified", 1);
            scene_verify(scene, second, peer_hand(second), true);
        } else {
            scene_project(scene);
        }
    }
    scene_end(scene);
}

/* Twelve requests of three parties, some finished, in places of the table that were used before. */
static void
crowd_make(struct scene *scene, struct peer *performer)
{
    struct peer *requesters[3] = {scene_connect(scene, "r1"), scene_connect(scene, "r2"), scene_connect(scene, "r3")};
    scene_offer(scene, performer, "leased", 5);
    for (int i = 0; i < 9; i++) {
        scene_submit(scene, requesters[i % 3], "leased");
    }
    for (int i = 0; i < 3; i++) {
        scene_complete(scene, performer, peer_hand(performer));
        if (i == 0) {
            scene_credit(scene, performer, "leased", 1);
        }
        if (i == 1) {
            scene_project(scene);
        }
    }
    for (int i = 0; i < 6; i++) {
        scene_submit(scene, requesters[(i + 1) % 3], i % 2 == 0 ? "owned" : "leased");
    }
}

/* B5: however few a page may look at, all pages together show each request once, in one order, for every scope. */
TEST(everybodys_list_is_newest_first_whatever_a_page_may_hold_or_look_at)
{
    (void)state;
    static const uint32_t looks[] = {2, 3, 5, 8, 100000};
    for (unsigned i = 0; i < sizeof looks / sizeof *looks; i++) {
        for (uint32_t limit = 1; limit <= 20; limit += limit < 4 ? 1 : 8) {
            struct scene *scene = scene_small(looks[i]);
            struct peer *performer = scene_connect(scene, "p1"), *operator = scene_connect(scene, "park");
            struct listed listed;
            crowd_make(scene, performer);
            struct proto_record record = list_record(PROTO_SCOPE_ALL, limit);
            list_all(scene, operator, &record, &listed);
            assert_int_equal(listed.n, 15);
            expect_order(&listed);
            record = list_record(PROTO_SCOPE_REQUESTER, limit);
            list_all(scene, scene_connect(scene, "r2"), &record, &listed);
            assert_int_equal(listed.n, 5);
            expect_order(&listed);
            for (uint32_t row = 0; row < listed.n; row++) {
                assert_string_equal(listed.rows[row].requester, "r2");
            }
            scene_end(scene);
        }
    }
}

/* Between the pages everything that was shown last is finished, projected and forgotten: no other row is lost or shown twice. */
TEST(pages_go_on_although_their_last_row_is_gone)
{
    (void)state;
    struct scene *scene = scene_new();
    struct peer *requester = scene_connect(scene, "r1"), *performer = scene_connect(scene, "p1");
    struct peer *operator = scene_connect(scene, "park"), *other = scene_connect(scene, "r2");
    scene_offer(scene, performer, "leased", 1);
    uint64_t ids[8];
    for (int i = 0; i < 8; i++) {
        ids[i] = scene_submit(scene, requester, i == 0 ? "leased" : "owned");
    }
    for (int scope = PROTO_SCOPE_REQUESTER; scope <= PROTO_SCOPE_ALL; scope += 2) {
        struct listed listed = {.n = 0};
        struct proto_record record = list_record((enum proto_scope)scope, 2);
        record.u.list.finished = false;
        struct peer *viewer = scope == PROTO_SCOPE_ALL ? operator : requester;
        list_page(scene, viewer, &record, &listed);
        list_page(scene, viewer, &record, &listed);
        assert_int_equal(listed.n, 4);
        if (scope == PROTO_SCOPE_REQUESTER) {
            for (int i = 7; i >= 4; i--) {
                scene_cancel(scene, requester, ids[i]);
            }
            scene_project(scene);
            for (int i = 0; i < 4; i++) {
                scene_submit(scene, other, "owned"); /* takes the places in the table that became free */
            }
        }
        while (listed.cursor[0] != 0) {
            list_page(scene, viewer, &record, &listed);
        }
        assert_int_equal(listed.n, 8);
        expect_order(&listed);
    }
    scene_end(scene);
}

/* A request that finishes while one pages is shown as open or as finished or both, never neither. */
TEST(a_request_that_finishes_between_pages_is_not_lost)
{
    (void)state;
    for (int before = 0; before < 6; before++) {
        struct scene *scene = scene_new();
        struct peer *requester = scene_connect(scene, "r1"), *performer = scene_connect(scene, "p1");
        scene_offer(scene, performer, "leased", 8);
        for (int i = 0; i < 6; i++) {
            scene_submit(scene, requester, "leased");
        }
        struct listed listed = {.n = 0};
        struct proto_record record = list_record(PROTO_SCOPE_REQUESTER, 1);
        for (int pages = 0; pages == 0 || listed.cursor[0] != 0; pages++) {
            if (pages == before) {
                scene_complete(scene, performer, peer_hand(performer));
            }
            if (pages == before + 2) {
                scene_project(scene);
            }
            list_page(scene, requester, &record, &listed);
        }
        uint64_t seen = 0;
        for (uint32_t i = 0; i < listed.n; i++) {
            bool first = true;
            for (uint32_t j = 0; j < i; j++) {
                first = first && listed.rows[j].id != listed.rows[i].id;
            }
            seen += first;
        }
        assert_int_equal(seen, 6);
        scene_end(scene);
    }
}

TEST(lists_take_a_prefix_the_other_side_and_times)
{
    (void)state;
    struct scene *scene = scene_new();
    struct peer *performer = scene_connect(scene, "p1"), *operator = scene_connect(scene, "park");
    struct listed listed;
    crowd_make(scene, performer);
    struct proto_record record = list_record(PROTO_SCOPE_ALL, 4);
    record.u.list.service = PROTO_STR("owned.*");
    list_all(scene, operator, &record, &listed);
    assert_int_equal(listed.n, 0);
    record.u.list.service = PROTO_STR("nothing.*");
    scene_send(scene, operator, &record);
    peer_expect_refusal(operator, PROTO_REFUSAL_CODE_NOT_FOUND);
    record = list_record(PROTO_SCOPE_REQUESTER, 4);
    record.u.list.party = PROTO_STR("p1");
    struct peer *requester = scene_connect(scene, "r1");
    list_all(scene, requester, &record, &listed);
    assert_true(listed.n > 0);
    for (uint32_t i = 0; i < listed.n; i++) {
        assert_string_equal(listed.rows[i].performer, "p1");
    }
    /* Accepted before now, long ago, and from the next hour on. */
    record = list_record(PROTO_SCOPE_ALL, 4);
    scene_advance_to(scene, SECONDS(3600));
    record.u.list.since = scene_now(scene).utc_us - SECONDS(10);
    list_all(scene, operator, &record, &listed);
    assert_int_equal(listed.n, 0);
    record.u.list.since = 0;
    record.u.list.until = scene_now(scene).utc_us;
    scene_project(scene);
    list_all(scene, operator, &record, &listed);
    assert_int_equal(listed.n, 15);
    scene_end(scene);
}

TEST(a_performer_with_too_many_tasks_is_told_to_name_a_service)
{
    (void)state;
    struct scene *scene = scene_small(4);
    struct peer *requester = scene_connect(scene, "r1"), *performer = scene_connect(scene, "p1");
    struct listed listed;
    scene_offer(scene, performer, "leased", 3);
    scene_offer(scene, performer, "owned", 3);
    for (int i = 0; i < 6; i++) {
        scene_submit(scene, requester, i % 2 == 0 ? "leased" : "owned");
    }
    struct proto_record record = list_record(PROTO_SCOPE_PERFORMER, 10);
    scene_send(scene, performer, &record);
    peer_expect_refusal(performer, PROTO_REFUSAL_CODE_TOO_LARGE);
    record.u.list.service = PROTO_STR("owned");
    list_all(scene, performer, &record, &listed);
    assert_int_equal(listed.n, 3);
    expect_order(&listed);
    scene_end(scene);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_whole_wherever_their_request_is),
        cmocka_unit_test(everybodys_list_is_newest_first_whatever_a_page_may_hold_or_look_at),
        cmocka_unit_test(pages_go_on_although_their_last_row_is_gone),
        cmocka_unit_test(a_request_that_finishes_between_pages_is_not_lost),
        cmocka_unit_test(lists_take_a_prefix_the_other_side_and_times),
        cmocka_unit_test(a_performer_with_too_many_tasks_is_told_to_name_a_service),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
