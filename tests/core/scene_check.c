/*
 * What must hold in the core after every step, looked at from inside; and recovery.
 */
#include "scene_internal.h"

#include <stdlib.h>
#include <string.h>

#include "core/candidate.h"
#include "core/party.h"
#include "core/request.h"
#include "core/state.h"

/* L3: every request is counted under its status; none stands in two lists, and lists hold nothing else. */
static void
check_requests(const struct core *core, uint32_t *listed)
{
    uint32_t count = 0, by_status[STATUSES] = {0}, open = 0;
    for (uint32_t i = 1; i < core->requests.used; i++) {
        const struct request *request = request_at(core, i);
        if (request->id == 0) {
            continue;
        }
        count++;
        assert_int_equal(request->shown, request_status(core, request));
        by_status[request->shown]++;
        open += !request_is_finished(request);
        listed[i] = request->place == PLACE_NONE ? 1 : 0;
        if (request->place == PLACE_QUEUE) {
            assert_true(request_waits(request));
        }
        /* A lease runs exactly while a leased task is worked at. */
        bool leased = !request_owned(core, request) && request->status == PROTO_STATUS_IN_PROGRESS &&
                      (request->flags & FLAG_VERIFY) == 0;
        assert_int_equal(request->timer_mono != 0, leased);
        assert_int_equal(request->timer_utc != 0, request_limit(request) != INT64_MAX);
        /* A1: one binding at most, and only with the task's own performer. */
        if (request->offer != 0) {
            assert_int_equal(offer_at(core, request->offer)->party, request->performer);
            assert_int_equal(request->place, PLACE_BOUND);
        }
    }
    assert_int_equal(count, core->requests.count);
    for (unsigned status = 0; status < STATUSES; status++) {
        assert_int_equal(by_status[status], core->by_status[status]);
    }
    uint32_t counted = 0;
    for (uint32_t p = 1; p < core->parties.used; p++) {
        counted += party_at(core, p)->open;
    }
    assert_int_equal(counted, open);
}

static void
check_list(const struct core *core, const struct list *list, enum place place, uint32_t *listed)
{
    uint32_t n = 0;
    for (uint32_t i = list->head; i != 0; i = request_at(core, i)->next, n++) {
        assert_int_equal(request_at(core, i)->place, place);
        listed[i]++;
    }
    assert_int_equal(n, list->count);
}

static void
check_queues(const struct core *core, uint32_t *listed)
{
    for (uint32_t f = 1; f < core->flows.used; f++) {
        const struct flow *flow = flow_at(core, f);
        uint32_t waiting = 0;
        for (unsigned level = 0; level < LEVELS && flow->group != 0; level++) {
            uint64_t last = 0;
            for (uint32_t i = flow->heads[level]; i != 0; i = request_at(core, i)->next) {
                assert_int_equal(request_at(core, i)->flow, f);
                last = request_at(core, i)->id;
                listed[i]++;
                waiting++;
            }
            (void)last;
        }
        if (flow->open > 0) {
            assert_int_equal(waiting, flow->waiting);
        }
    }
}

/* L5: no waiting task stands beside an offer that may take it and has room. */
static void
check_no_idle_match(const struct core *core)
{
    if (core->hungry_head != 0) {
        return;
    }
    for (uint32_t s = 1; s < core->services.used; s++) {
        const struct service *service = service_at(core, s);
        const struct list *lists[] = {&service->groups, &service->unmatched};
        for (unsigned which = 0; which < 2 && !service->paused; which++) {
            for (uint32_t g = lists[which]->head; g != 0; g = group_at(core, g)->next) {
                const struct group *group = group_at(core, g);
                for (uint32_t i = 0; i < service->offer_count; i++) {
                    bool blocked = group->version == service->version &&
                                   avoid_blocks(core, group, offer_at(core, service->offers[i])->party);
                    assert_true(blocked || match_obstacle(core, g, service->offers[i], NULL, 0) != NULL);
                }
            }
        }
    }
}

static void
check_offers(const struct core *core)
{
    uint32_t *running = calloc(core->offers.used + 1, sizeof *running);
    for (uint32_t i = 1; i < core->requests.used; i++) {
        const struct request *request = request_at(core, i);
        if (request->id != 0 && request->offer != 0) {
            running[request->offer]++;
        }
    }
    for (uint32_t i = 1; i < core->offers.used; i++) {
        if (offer_at(core, i)->conn != 0) {
            assert_int_equal(offer_at(core, i)->running, running[i]);
        }
    }
    free(running);
}

void
scene_check(struct scene *scene)
{
    const struct core *core = scene->core;
    uint32_t *listed = calloc(core->requests.used + 1, sizeof *listed);
    check_requests(core, listed);
    check_queues(core, listed);
    check_list(core, &core->finished, PLACE_FINISHED, listed);
    for (uint32_t p = 1; p < core->providers.used; p++) {
        check_list(core, &provider_at(core, p)->bound, PLACE_BOUND, listed);
        check_list(core, &provider_at(core, p)->orphans, PLACE_ORPHAN, listed);
        check_list(core, &provider_at(core, p)->verify, PLACE_VERIFY, listed);
    }
    for (uint32_t i = 1; i < core->requests.used; i++) {
        if (request_at(core, i)->id != 0) {
            assert_int_equal(listed[i], 1);
        }
    }
    free(listed);
    check_offers(core);
    check_no_idle_match(core);
}

/* ------------------------------------------------------------- recovery */

static void
apply_line(struct core *core, const struct line *line)
{
    struct proto_error error;
    enum core_applied applied = core_apply(core, line->seq, line->p, line->n, &error);
    assert_true(applied == CORE_APPLIED || applied == CORE_APPLIED_BEFORE);
}

static void
expect_same(struct scene *scene, struct core *other)
{
    struct core_out out;
    core_out_init(&out);
    struct core_input recovered = {.kind = CORE_RECOVERED};
    uint8_t live[32], replayed[32];
    if (scene->projected != 0) {
        struct core_input projected = {.kind = CORE_PROJECTED, .seq = scene->projected};
        core_decide(other, scene->now, &projected, &out);
    }
    core_digest(scene->core, live);
    core_digest(other, replayed);
    assert_memory_equal(live, replayed, 32);
    core_decide(other, scene->now, &recovered, &out);
    core_out_fini(&out);
}

static void
apply_snapshot(struct scene *scene, struct core *core)
{
    struct proto_buf buf;
    uint32_t count = 0;
    proto_buf_init(&buf, 64u << 20);
    assert_true(core_snapshot(scene->core, &buf, &count));
    const uint8_t *p = buf.p;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t n = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
        struct line line = {.p = (uint8_t *)p + 4, .n = n};
        apply_line(core, &line);
        p += 4 + n;
    }
    assert_ptr_equal(p, buf.p + buf.n);
    proto_buf_fini(&buf);
}

/* The store's mark stands somewhere: what is open now keeps its events up to there, the rest is in the snapshot. */
static void
check_compacted(struct scene *scene, uint32_t mark)
{
    struct core *compacted = core_new(&scene->settings);
    apply_snapshot(scene, compacted);
    for (uint32_t i = 0; i < mark; i++) {
        if (scene->journal[i].id != 0 && core_request_is_open(scene->core, scene->journal[i].id)) {
            apply_line(compacted, &scene->journal[i]);
        }
    }
    for (uint32_t i = mark; i < scene->journal_n; i++) {
        apply_line(compacted, &scene->journal[i]);
    }
    core_seq_set(compacted, scene->journal_n);
    expect_same(scene, compacted);
    core_destroy(&compacted);
}

void
scene_check_replay(struct scene *scene)
{
    struct core *whole = core_new(&scene->settings);
    for (uint32_t i = 0; i < scene->journal_n; i++) {
        apply_line(whole, &scene->journal[i]);
    }
    expect_same(scene, whole);
    core_destroy(&whole);

    for (uint32_t quarter = 0; quarter <= 4; quarter++) {
        check_compacted(scene, scene->journal_n * quarter / 4);
    }
}
