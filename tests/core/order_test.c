/*
 * Which task goes first: priority, ageing, fair share.
 */
#include <stdio.h>
#include <string.h>

#include "scene.h"

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

static const char *
served(struct peer *performer, int nth)
{
    static char subject[32];
    const struct proto_record *task = peer_got(performer, PROTO_TASK, nth);
    assert_non_null(task);
    snprintf(subject, sizeof subject, "%.*s", PROTO_STR_ARG(task->u.task.subject));
    return subject;
}

static void
submit_named(struct scene *scene, struct peer *peer, const char *subject, enum proto_priority priority, uint32_t cost)
{
    struct proto_record record = scene_submission("leased");
    record.u.submit.subject = text(subject);
    record.u.submit.priority = priority;
    record.u.submit.cost = cost;
    scene_submit_record(scene, peer, &record);
}

static void
serve_all(struct scene *scene, struct peer *performer)
{
    scene_offer(scene, performer, "leased", 1);
    for (int i = 0; peer_got(performer, PROTO_TASK, i) != NULL; i++) {
        const struct proto_task *task = &peer_got(performer, PROTO_TASK, i)->u.task;
        scene_complete(scene, performer, (struct hand){task->task, task->fence});
    }
}

TEST(urgent_work_goes_first_and_old_work_rises)
{
    BEGIN;
    struct peer *performer = scene_connect(scene, "p1");
    submit_named(scene, requester, "old routine", PROTO_PRIORITY_ROUTINE, 1);
    scene_advance_to(scene, SECONDS(250)); /* two levels up: as asap, and older */
    submit_named(scene, requester, "routine", PROTO_PRIORITY_ROUTINE, 1);
    submit_named(scene, requester, "urgent", PROTO_PRIORITY_URGENT, 1);
    submit_named(scene, requester, "asap", PROTO_PRIORITY_ASAP, 1);
    submit_named(scene, requester, "stat", PROTO_PRIORITY_STAT, 1);
    serve_all(scene, performer);
    assert_string_equal(served(performer, 0), "stat");
    assert_string_equal(served(performer, 1), "old routine");
    assert_string_equal(served(performer, 2), "asap");
    assert_string_equal(served(performer, 3), "urgent");
    assert_string_equal(served(performer, 4), "routine");
    scene_end(scene);
}

/* L6: who submits a thousand does not make the one of another wait for all of them. */
TEST(requesters_share_fairly)
{
    BEGIN;
    struct peer *other = scene_connect(scene, "r2"), *performer = scene_connect(scene, "p1");
    for (int i = 0; i < 20; i++) {
        submit_named(scene, requester, "many", PROTO_PRIORITY_ROUTINE, 1);
    }
    for (int i = 0; i < 3; i++) {
        submit_named(scene, other, "few", PROTO_PRIORITY_ROUTINE, 1);
    }
    serve_all(scene, performer);
    int few = 0;
    for (int i = 0; i < 7; i++) {
        few += strcmp(served(performer, i), "few") == 0;
    }
    assert_int_equal(few, 3);
    scene_end(scene);
}

TEST(declared_cost_weighs_in_the_fair_share)
{
    BEGIN;
    struct peer *other = scene_connect(scene, "r2"), *performer = scene_connect(scene, "p1");
    for (int i = 0; i < 10; i++) {
        submit_named(scene, requester, "heavy", PROTO_PRIORITY_ROUTINE, 4);
    }
    for (int i = 0; i < 20; i++) {
        submit_named(scene, other, "light", PROTO_PRIORITY_ROUTINE, 1);
    }
    serve_all(scene, performer);
    int light = 0;
    for (int i = 0; i < 15; i++) {
        light += strcmp(served(performer, i), "light") == 0;
    }
    assert_in_range(light, 11, 13); /* four to one */
    scene_end(scene);
}

/* Many sets of wishes do not multiply a requester's share. */
TEST(wishes_do_not_multiply_a_share)
{
    BEGIN;
    struct peer *other = scene_connect(scene, "r2"), *performer = scene_connect(scene, "p1");
    for (int i = 0; i < 9; i++) {
        struct proto_record record = scene_submission("leased");
        record.u.submit.subject = text("many");
        if (i % 3 != 0) {
            record.u.submit.prefer = list_of("p1", NULL);
        }
        if (i % 3 == 1) {
            record.u.submit.fallback = PROTO_FALLBACK_ANY;
            record.u.submit.performer = text("p1");
        }
        scene_submit_record(scene, requester, &record);
    }
    for (int i = 0; i < 3; i++) {
        submit_named(scene, other, "few", PROTO_PRIORITY_ROUTINE, 1);
    }
    serve_all(scene, performer);
    int few = 0;
    for (int i = 0; i < 6; i++) {
        few += strcmp(served(performer, i), "few") == 0;
    }
    assert_int_equal(few, 3);
    scene_end(scene);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urgent_work_goes_first_and_old_work_rises),
        cmocka_unit_test(requesters_share_fairly),
        cmocka_unit_test(declared_cost_weighs_in_the_fair_share),
        cmocka_unit_test(wishes_do_not_multiply_a_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
