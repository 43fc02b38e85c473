/*
 * Anything may happen in any order: peers that do whatever comes to mind, right or wrong, while time passes, connections
 * break, parties come and go and the broker restarts. After each step the scene checks its invariants; at the end of each
 * run both ways of recovery must give the same digest (D5), and when faults stop, everything that can be done is done (L5).
 *
 *     core_random_test [seed [last seed]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scene.h"

enum { REQUESTERS = 3, PERFORMERS = 4, KNOWN = 64, STEPS = 400 };

struct dice {
    uint64_t state;
};

static uint32_t
roll(struct dice *dice, uint32_t sides)
{
    dice->state ^= dice->state << 13;
    dice->state ^= dice->state >> 7;
    dice->state ^= dice->state << 17;
    return (uint32_t)((dice->state >> 32) % sides);
}

struct world {
    struct scene *scene;
    struct dice dice;
    struct peer *requesters[REQUESTERS];
    struct peer *performers[PERFORMERS];
    struct peer *operator;
    bool connected[PERFORMERS];
    uint64_t known[KNOWN];
    uint32_t known_n;
    struct hand hands[KNOWN];
    uint32_t hand_n;
    uint64_t pseq[REQUESTERS];
    int64_t time;
    uint32_t lease;
};

static const char *const services[] = {"leased", "leased.verified", "owned", "owned.verified", "near", "cheap", "strict"};
static const char *const patterns[] = {"leased", "owned", "*", "leased.verified", "owned.verified", "near", "cheap"};

static const char *
performer_name(uint32_t i)
{
    static const char *const names[PERFORMERS] = {"p1", "p2", "p3/m1", "p3/m2"};
    return names[i];
}

static void
know(struct world *world, uint64_t id)
{
    world->known[world->known_n++ % KNOWN] = id;
}

static uint64_t
some_id(struct world *world)
{
    uint32_t n = world->known_n < KNOWN ? world->known_n : KNOWN;
    return n == 0 ? 64 : world->known[roll(&world->dice, n)];
}

static void
connect_performer(struct world *world, uint32_t i)
{
    world->performers[i] = scene_connect(world->scene, performer_name(i));
    world->connected[i] = true;
}

/* ------------------------------------------------------------- what may happen */

static void
do_submit(struct world *world)
{
    struct dice *dice = &world->dice;
    uint32_t who = roll(dice, REQUESTERS);
    struct proto_record record = scene_record(PROTO_SUBMIT);
    struct proto_submit *submit = &record.u.submit;
    submit->service = proto_str_of(services[roll(dice, 7)]);
    char key[8];
    if (roll(dice, 4) == 0) {
        snprintf(key, sizeof key, "k%u", roll(dice, 20));
        submit->key = proto_str_of(key);
    } else {
        submit->producer = who + 1;
        submit->pseq = roll(dice, 10) == 0 && world->pseq[who] > 0 ? world->pseq[who] : ++world->pseq[who];
    }
    submit->priority = (enum proto_priority)(1 + roll(dice, 4));
    submit->notify = (enum proto_notify)roll(dice, 3);
    submit->cost = roll(dice, 5);
    if (roll(dice, 6) == 0) {
        submit->performer = proto_str_of(roll(dice, 2) ? "p1" : "p2");
        submit->fallback = (enum proto_fallback)roll(dice, 2);
    }
    if (roll(dice, 6) == 0) {
        submit->exclude = list_of("p1", roll(dice, 2) ? "p3" : NULL);
    }
    if (roll(dice, 8) == 0) {
        submit->prefer = list_of("p2", "p1");
    }
    if (roll(dice, 8) == 0) {
        submit->require = require_one("grade", "eq", roll(dice, 2) ? "A" : "B");
    }
    if (roll(dice, 8) == 0) {
        submit->not_before = scene_now(world->scene).utc_us + SECONDS(roll(dice, 50));
    }
    if (roll(dice, 8) == 0) {
        submit->complete_by = scene_now(world->scene).utc_us + SECONDS(60 + roll(dice, 500));
    }
    if (roll(dice, 4) == 0) {
        submit->located = true;
        submit->latitude = roll(dice, 5);
    }
    scene_send(world->scene, world->requesters[who], &record);
    const struct proto_record *answer = peer_answer(world->requesters[who]);
    if (answer->type == PROTO_RECEIPT && !answer->u.receipt.duplicate) {
        know(world, answer->u.receipt.id);
    }
}

static void
do_offer(struct world *world, uint32_t i)
{
    struct dice *dice = &world->dice;
    struct proto_record record = scene_record(PROTO_OFFER);
    record.u.offer.service = proto_str_of(patterns[roll(dice, 7)]);
    record.u.offer.capacity = roll(dice, 4);
    record.u.offer.credit = roll(dice, 6);
    record.u.offer.price = roll(dice, 10);
    record.u.offer.currency = record.u.offer.price == 0 ? (struct proto_str){0} : roll(dice, 3) ? PROTO_STR("CNY") : PROTO_STR("USD");
    record.u.offer.located = roll(dice, 2);
    record.u.offer.latitude = roll(dice, 5);
    record.u.offer.verify = roll(dice, 6) == 0;
    if (roll(dice, 3) == 0) {
        record.u.offer.attributes = map_of("grade", roll(dice, 2) ? "A" : "B");
    }
    scene_send(world->scene, world->performers[i], &record);
}

static void
learn_hands(struct world *world, uint32_t i)
{
    struct peer *peer = world->performers[i];
    for (int n = 0; peer_got(peer, PROTO_TASK, n) != NULL; n++) {
        const struct proto_task *task = &peer_got(peer, PROTO_TASK, n)->u.task;
        world->hands[world->hand_n++ % KNOWN] = (struct hand){task->task, task->fence};
    }
    peer_forget(peer);
}

static struct hand
some_hand(struct world *world)
{
    uint32_t n = world->hand_n < KNOWN ? world->hand_n : KNOWN;
    struct hand hand = n == 0 ? (struct hand){65, 1} : world->hands[roll(&world->dice, n)];
    if (roll(&world->dice, 30) == 0) {
        hand.fence += roll(&world->dice, 3);
    }
    return hand;
}

static void
do_task_record(struct world *world, uint32_t i)
{
    struct dice *dice = &world->dice;
    struct hand hand = some_hand(world);
    static const enum proto_type types[] = {PROTO_ACCEPT, PROTO_ACCEPT, PROTO_START,  PROTO_START,    PROTO_COMPLETE, PROTO_COMPLETE,
                                            PROTO_VERIFY, PROTO_REJECT, PROTO_FAIL,   PROTO_RELEASE,  PROTO_HOLD,     PROTO_ASK,
                                            PROTO_PROGRESS};
    struct proto_record record = scene_record(types[roll(dice, 13)]);
    uint64_t *task = NULL, *fence = NULL;
#define TASK(type, of)                                                                                                   \
    case type:                                                                                                          \
        task = &record.u.of.task;                                                                                       \
        fence = &record.u.of.fence;                                                                                     \
        break
    switch (record.type) {
        TASK(PROTO_ACCEPT, accept);
        TASK(PROTO_START, start);
        TASK(PROTO_COMPLETE, complete);
        TASK(PROTO_VERIFY, verify);
        TASK(PROTO_REJECT, reject);
        TASK(PROTO_FAIL, fail);
        TASK(PROTO_RELEASE, release);
        TASK(PROTO_HOLD, hold);
        TASK(PROTO_ASK, ask);
        TASK(PROTO_PROGRESS, progress);
    default:
        return;
    }
    *task = hand.task;
    *fence = hand.fence;
    if (record.type == PROTO_ACCEPT && roll(dice, 4) == 0) {
        record.u.accept.code = PROTO_CODE_ABORT;
    } else if (record.type == PROTO_REJECT && roll(dice, 2) == 0) {
        record.u.reject.code = PROTO_CODE_ABORT;
    } else if (record.type == PROTO_FAIL) {
        record.u.fail.retryable = roll(dice, 3) != 0;
    } else if (record.type == PROTO_HOLD) {
        record.u.hold.lift = roll(dice, 2);
    } else if (record.type == PROTO_VERIFY) {
        record.u.verify.agree = roll(dice, 3) != 0;
        record.u.verify.has = PROTO_VERIFY_AGREE;
    } else if (record.type == PROTO_PROGRESS) {
        record.u.progress.progress = 0.5;
        record.u.progress.business_status = proto_str_of(roll(dice, 2) ? "half" : "some");
    }
    scene_send(world->scene, world->performers[i], &record);
}

static void
do_requester_record(struct world *world)
{
    struct dice *dice = &world->dice;
    static const enum proto_type types[] = {PROTO_CANCEL, PROTO_REPLY, PROTO_REPLY, PROTO_CLOSE, PROTO_GET, PROTO_LIST, PROTO_EXPLAIN};
    struct proto_record record = scene_record(types[roll(dice, 7)]);
    uint64_t id = some_id(world);
    switch (record.type) {
    case PROTO_CANCEL:
        record.u.cancel.id = id;
        break;
    case PROTO_REPLY:
        record.u.reply.id = id;
        break;
    case PROTO_CLOSE:
        record.u.close.id = id;
        break;
    case PROTO_GET:
        record.u.get.id = id;
        record.u.get.trail = true;
        break;
    case PROTO_EXPLAIN:
        record.u.explain.id = id;
        break;
    default:
        record.u.list.finished = roll(dice, 2);
        record.u.list.limit = 1 + roll(dice, 5);
        break;
    }
    scene_send(world->scene, world->requesters[roll(dice, REQUESTERS)], &record);
}

static void
do_operator_record(struct world *world)
{
    struct dice *dice = &world->dice;
    static const enum proto_type types[] = {PROTO_PAUSE, PROTO_RESUME, PROTO_RESUME, PROTO_RESUME, PROTO_DRAIN, PROTO_REQUEUE,
                                            PROTO_REQUEUE, PROTO_HOLD, PROTO_HOLD, PROTO_FAIL, PROTO_QUEUES, PROTO_WORKERS};
    struct proto_record record = scene_record(types[roll(dice, 12)]);
    struct proto_str service = proto_str_of(services[roll(dice, 7)]), party = proto_str_of(roll(dice, 2) ? "p1" : "p3");
    bool of_party = roll(dice, 2);
    switch (record.type) {
    case PROTO_PAUSE:
        *(of_party ? &record.u.pause.party : &record.u.pause.service) = of_party ? party : service;
        break;
    case PROTO_RESUME:
        *(of_party ? &record.u.resume.party : &record.u.resume.service) = of_party ? party : service;
        break;
    case PROTO_DRAIN:
        *(of_party ? &record.u.drain.party : &record.u.drain.service) = of_party ? party : service;
        break;
    case PROTO_REQUEUE:
        record.u.requeue.id = some_id(world);
        break;
    case PROTO_HOLD:
        record.u.hold.id = some_id(world);
        record.u.hold.lift = roll(dice, 2);
        break;
    case PROTO_FAIL:
        record.u.fail.id = some_id(world);
        break;
    default:
        break;
    }
    scene_send(world->scene, world->operator, &record);
}

static void
do_watch(struct world *world)
{
    struct peer *peer = world->requesters[roll(&world->dice, REQUESTERS)];
    struct proto_record record = scene_record(PROTO_WATCH);
    record.u.watch.seq = roll(&world->dice, 100);
    record.u.watch.credit = roll(&world->dice, 50);
    scene_send(world->scene, peer, &record);
}

static void
do_restart(struct world *world)
{
    scene_restart(world->scene);
    world->operator = scene_connect(world->scene, "park");
    for (uint32_t i = 0; i < REQUESTERS; i++) {
        char name[4];
        snprintf(name, sizeof name, "r%u", i + 1);
        world->requesters[i] = scene_connect(world->scene, name);
    }
    for (uint32_t i = 0; i < PERFORMERS; i++) {
        connect_performer(world, i);
    }
    world->time = (scene_now(world->scene).mono_us - SECONDS(1000));
}

static void
one_step(struct world *world)
{
    struct dice *dice = &world->dice;
    uint32_t i = roll(dice, PERFORMERS);
    uint32_t what = roll(dice, 100);
    if (what < 22) {
        do_submit(world);
    } else if (what < 32 && world->connected[i]) {
        do_offer(world, i);
    } else if (what < 62 && world->connected[i]) {
        learn_hands(world, i);
        do_task_record(world, i);
    } else if (what < 70) {
        do_requester_record(world);
    } else if (what < 76) {
        do_operator_record(world);
    } else if (what < 78) {
        do_watch(world);
    } else if (what < 80 && world->connected[i]) {
        scene_disconnect(world->scene, world->performers[i]);
        world->connected[i] = false;
    } else if (what < 84 && !world->connected[i]) {
        connect_performer(world, i);
    } else if (what == 84) {
        scene_reload(world->scene, 20 + (int)roll(dice, 3) * 10);
    } else if (what == 85) {
        scene_project(world->scene);
    } else if (what == 86) {
        scene_jump_wall_clock(world->scene, SECONDS((int)roll(dice, 40) - 20));
    } else if (what == 87 && roll(dice, 4) == 0) {
        do_restart(world);
    } else {
        world->time += SECONDS(roll(dice, 20));
        scene_advance_to(world->scene, world->time);
    }
}

/* ------------------------------------------------------------- when faults stop */

static void
resume_all(struct world *world)
{
    for (unsigned i = 0; i < 7; i++) {
        struct proto_record record = scene_record(PROTO_RESUME);
        record.u.resume.service = proto_str_of(services[i]);
        scene_send(world->scene, world->operator, &record);
    }
    static const char *const parties[] = {"p1", "p2", "p3"};
    for (unsigned i = 0; i < 3; i++) {
        struct proto_record record = scene_record(PROTO_RESUME);
        record.u.resume.party = proto_str_of(parties[i]);
        scene_send(world->scene, world->operator, &record);
    }
}

static void
work_off(struct world *world, struct peer **workers, uint32_t count)
{
    for (uint32_t w = 0; w < count; w++) {
        for (int n = 0; peer_got(workers[w], PROTO_TASK, n) != NULL; n++) {
            struct hand hand = {peer_got(workers[w], PROTO_TASK, n)->u.task.task, peer_got(workers[w], PROTO_TASK, n)->u.task.fence};
            scene_accept(world->scene, workers[w], hand);
            scene_start(world->scene, workers[w], hand);
            scene_complete(world->scene, workers[w], hand);
            struct proto_record verify = scene_record(PROTO_VERIFY);
            verify.u.verify.task = hand.task;
            verify.u.verify.fence = hand.fence;
            verify.u.verify.agree = true;
            scene_send(world->scene, workers[w], &verify);
        }
        peer_forget(workers[w]);
    }
}

static void
show_waiting(struct world *world)
{
    struct proto_record record = scene_record(PROTO_LIST);
    record.u.list.scope = PROTO_SCOPE_ALL;
    scene_send(world->scene, world->operator, &record);
    struct proto_iter it = proto_iter_of(peer_answer(world->operator)->u.page.rows);
    struct proto_request row;
    while (proto_iter_struct(&it, PROTO_STRUCT_REQUEST, &row)) {
        record = scene_record(PROTO_EXPLAIN);
        record.u.explain.id = row.id;
        scene_send(world->scene, world->operator, &record);
        const struct proto_page *page = &peer_answer(world->operator)->u.page;
        print_error("%.*s %s: %.*s\n", PROTO_STR_ARG(row.service), proto_enum_name(PROTO_ENUM_STATUS, row.status),
                    PROTO_STR_ARG(page->message));
        struct proto_iter rows = proto_iter_of(page->rows);
        struct proto_candidate candidate;
        while (proto_iter_struct(&rows, PROTO_STRUCT_CANDIDATE, &candidate)) {
            print_error("    %.*s %.*s\n", PROTO_STR_ARG(candidate.party), PROTO_STR_ARG(candidate.why));
        }
    }
}

/* Two diligent members of three parties: nothing may wait in the end but what somebody holds or nobody may do. */
static void
settle(struct world *world)
{
    static const char *const names[] = {"p1", "p2", "p3", "p1/m2", "p2/m2", "p3/m2"};
    struct peer *workers[6];
    resume_all(world);
    for (unsigned i = 0; i < 6; i++) {
        workers[i] = scene_connect(world->scene, names[i]);
        struct proto_record record = scene_record(PROTO_OFFER);
        record.u.offer.service = PROTO_STR("*");
        record.u.offer.capacity = 1000;
        record.u.offer.credit = 100000;
        record.u.offer.attributes = map_of("grade", i % 2 ? "A" : "B");
        scene_send(world->scene, workers[i], &record);
    }
    for (int round = 0; round < 30; round++) {
        work_off(world, workers, 6);
        world->time += SECONDS(60);
        scene_advance_to(world->scene, world->time);
    }
    struct core_stats stats;
    core_stats(scene_core(world->scene), &stats);
    if (stats.waiting != 0) {
        show_waiting(world);
    }
    assert_int_equal(stats.waiting, 0);
}

static uint64_t seed_now, seed_first = 1, seed_last = 25;

static void
run(uint64_t seed)
{
    struct world world = {.dice = {seed * UINT64_C(0x9E3779B97F4A7C15) + 1}};
    world.scene = scene_new();
    world.operator = scene_connect(world.scene, "park");
    for (uint32_t i = 0; i < REQUESTERS; i++) {
        char name[4];
        snprintf(name, sizeof name, "r%u", i + 1);
        world.requesters[i] = scene_connect(world.scene, name);
    }
    for (uint32_t i = 0; i < PERFORMERS; i++) {
        connect_performer(&world, i);
        do_offer(&world, i);
    }
    for (int step = 0; step < STEPS; step++) {
        one_step(&world);
    }
    settle(&world);
    scene_end(world.scene);
}

static void
anything_may_happen_in_any_order(void **state)
{
    (void)state;
    for (seed_now = seed_first; seed_now <= seed_last; seed_now++) {
        run(seed_now);
    }
}

int
main(int argc, char **argv)
{
    if (argc > 1) {
        seed_first = seed_last = strtoull(argv[1], NULL, 10);
    }
    if (argc > 2) {
        seed_last = strtoull(argv[2], NULL, 10);
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(anything_may_happen_in_any_order)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (failed != 0) {
        fprintf(stderr, "# seed %llu\n", (unsigned long long)seed_now);
    }
    return failed;
}
