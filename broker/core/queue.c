/*
 * Waiting tasks in their order; see queue.h.
 */
#include "core/queue.h"

/* ------------------------------------------------------------- a level: heap of flows */

static bool
flow_less(const struct core *core, uint32_t a, uint32_t b, unsigned level)
{
    const struct flow *x = flow_at(core, a);
    const struct flow *y = flow_at(core, b);
    if (x->keys[level] != y->keys[level]) {
        return x->keys[level] < y->keys[level];
    }
    return request_at(core, x->heads[level])->id < request_at(core, y->heads[level])->id;
}

static void
level_set(struct core *core, struct level *heap, unsigned level, uint32_t at, uint32_t flow)
{
    heap->flows[at] = flow;
    flow_at(core, flow)->at[level] = at + 1;
}

static void
level_up(struct core *core, struct level *heap, unsigned level, uint32_t at)
{
    uint32_t flow = heap->flows[at];
    while (at > 0 && flow_less(core, flow, heap->flows[(at - 1) / 2], level)) {
        level_set(core, heap, level, at, heap->flows[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    level_set(core, heap, level, at, flow);
}

static void
level_down(struct core *core, struct level *heap, unsigned level, uint32_t at)
{
    uint32_t flow = heap->flows[at];
    for (uint32_t child = at * 2 + 1; child < heap->n; child = at * 2 + 1) {
        if (child + 1 < heap->n && flow_less(core, heap->flows[child + 1], heap->flows[child], level)) {
            child++;
        }
        if (!flow_less(core, heap->flows[child], flow, level)) {
            break;
        }
        level_set(core, heap, level, at, heap->flows[child]);
        at = child;
    }
    level_set(core, heap, level, at, flow);
}

static void
level_put(struct core *core, struct level *heap, unsigned level, uint32_t flow)
{
    if (heap->n == heap->cap) {
        heap->cap = heap->cap == 0 ? 2 : heap->cap * 2;
        heap->flows = table_realloc(heap->flows, heap->cap * sizeof *heap->flows);
    }
    heap->flows[heap->n] = flow;
    level_up(core, heap, level, heap->n++);
}

static void
level_take(struct core *core, struct level *heap, unsigned level, uint32_t flow)
{
    uint32_t at = flow_at(core, flow)->at[level] - 1;
    flow_at(core, flow)->at[level] = 0;
    uint32_t last = heap->flows[--heap->n];
    if (last != flow) {
        heap->flows[at] = last;
        level_up(core, heap, level, at);
        level_down(core, heap, level, flow_at(core, last)->at[level] - 1);
    }
}

/* ------------------------------------------------------------- groups that wait */

static void
group_waits(struct core *core, uint32_t item)
{
    struct group *group = group_at(core, item);
    assert(group->place == GROUP_RESTS);
    group->place = GROUP_WAITS;
    LIST_APPEND(core, group, &service_at(core, group->service)->groups, item, next, prev);
    service_at(core, group->service)->avoiding += group->wishes.avoid_n > 0;
}

static void
group_rests(struct core *core, uint32_t item)
{
    struct group *group = group_at(core, item);
    struct service *service = service_at(core, group->service);
    assert(group->place == GROUP_WAITS || group->place == GROUP_UNMATCHED);
    LIST_REMOVE(core, group, group->place == GROUP_WAITS ? &service->groups : &service->unmatched, item, next, prev);
    group->place = GROUP_RESTS;
    service->avoiding -= group->wishes.avoid_n > 0;
}

/* ------------------------------------------------------------- push and remove */

/*
 * A requester that had nothing waiting starts where the service's time stands, behind by what it has running: it neither
 * saves up turns while idle nor gets ahead by many small bursts.
 */
static void
share_wakes(struct core *core, const struct group *group, struct share *share)
{
    if (share->waiting++ == 0) {
        uint64_t start = service_at(core, group->service)->vtime + share->running;
        share->start = start > share->start ? start : share->start;
    }
}

void
queue_push(struct core *core, uint32_t item)
{
    struct request *request = request_at(core, item);
    uint32_t flow_item = request->flow;
    struct flow *flow = flow_at(core, flow_item);
    struct group *group = group_at(core, flow->group);
    struct share *share = share_at(core, flow->share);
    unsigned level = request->priority - 1u;
    assert(level < LEVELS);
    share_wakes(core, group, share);
    uint32_t head = flow->heads[level];
    request->next = request->prev = 0;
    if (head == 0) {
        flow->heads[level] = flow->tails[level] = item;
        flow->keys[level] = share->start;
        level_put(core, &group->levels[level], level, flow_item);
    } else if (request->id < request_at(core, head)->id) {
        request->next = head;
        request_at(core, head)->prev = item;
        flow->heads[level] = item;
        level_up(core, &group->levels[level], level, flow->at[level] - 1);
    } else {
        request->prev = flow->tails[level];
        request_at(core, request->prev)->next = item;
        flow->tails[level] = item;
    }
    flow->waiting++;
    flow->counts[level]++;
    service_at(core, group->service)->waiting++;
    if (group->waiting++ == 0) {
        group_waits(core, flow->group);
    }
}

void
queue_remove(struct core *core, uint32_t item)
{
    struct request *request = request_at(core, item);
    uint32_t flow_item = request->flow;
    struct flow *flow = flow_at(core, flow_item);
    struct group *group = group_at(core, flow->group);
    unsigned level = request->priority - 1u;
    bool was_head = request->prev == 0;
    if (request->prev != 0) {
        request_at(core, request->prev)->next = request->next;
    } else {
        flow->heads[level] = request->next;
    }
    if (request->next != 0) {
        request_at(core, request->next)->prev = request->prev;
    } else {
        flow->tails[level] = request->prev;
    }
    request->next = request->prev = 0;
    if (flow->heads[level] == 0) {
        level_take(core, &group->levels[level], level, flow_item);
    } else if (was_head) {
        /* The next head is younger: among equal tags it may have to stand back. */
        level_down(core, &group->levels[level], level, flow->at[level] - 1);
    }
    flow->waiting--;
    flow->counts[level]--;
    share_at(core, flow->share)->waiting--;
    service_at(core, group->service)->waiting--;
    if (--group->waiting == 0) {
        group_rests(core, flow->group);
    }
}

void
queue_charge(struct core *core, uint32_t item)
{
    const struct request *request = request_at(core, item);
    const struct flow *flow = flow_at(core, request->flow);
    struct share *share = share_at(core, flow->share);
    struct service *service = request_service(core, request);
    if (share->start > service->vtime) {
        service->vtime = share->start;
    }
    share->start += request->cost;
}

/* ------------------------------------------------------------- who is next */

/* The flow on top of a level, with its tag brought up to date: tags only rise, so a stale one can only sink. */
static uint32_t
level_top(struct core *core, struct level *heap, unsigned level)
{
    for (;;) {
        uint32_t item = heap->flows[0];
        struct flow *flow = flow_at(core, item);
        uint64_t start = share_at(core, flow->share)->start;
        if (flow->keys[level] >= start) {
            return item;
        }
        flow->keys[level] = start;
        level_down(core, heap, level, 0);
        if (heap->flows[0] == item) {
            return item;
        }
    }
}

static uint32_t
level_aged(unsigned level, const struct request *request, int64_t age_us, int64_t utc_us)
{
    if (age_us <= 0 || utc_us <= request->authored_us) {
        return level;
    }
    int64_t risen = (utc_us - request->authored_us) / age_us;
    return risen >= LEVELS - 1 - (int64_t)level ? LEVELS - 1 : level + (uint32_t)risen;
}

bool
queue_before(const struct turn_of *a, const struct turn_of *b, bool same_service)
{
    if (a->rank != b->rank) {
        return a->rank > b->rank;
    }
    if (same_service && a->start != b->start) {
        return a->start < b->start;
    }
    return a->id < b->id;
}

bool
queue_first(struct core *core, uint32_t group_item, int64_t utc_us, struct turn_of *out_turn)
{
    struct group *group = group_at(core, group_item);
    if (group->waiting == 0) {
        return false;
    }
    int64_t age_us = terms_at(core, group->wishes.terms)->age_us;
    struct turn_of best = {0};
    for (unsigned level = 0; level < LEVELS; level++) {
        struct level *heap = &group->levels[level];
        if (heap->n == 0) {
            continue;
        }
        const struct flow *flow = flow_at(core, level_top(core, heap, level));
        const struct request *request = request_at(core, flow->heads[level]);
        struct turn_of turn = {.request = flow->heads[level],
                               .rank = level_aged(level, request, age_us, utc_us),
                               .start = flow->keys[level],
                               .id = request->id};
        if (best.request == 0 || queue_before(&turn, &best, true)) {
            best = turn;
        }
    }
    *out_turn = best;
    return true;
}

uint64_t
queue_ahead(const struct core *core, uint32_t item, uint32_t steps)
{
    const struct request *request = request_at(core, item);
    const struct flow *mine = flow_at(core, request->flow);
    const struct group *group = group_at(core, mine->group);
    uint64_t before = 0;
    for (uint32_t i = request->prev; i != 0 && steps > 0; i = request_at(core, i)->prev, steps--) {
        before++;
    }
    uint64_t ahead = before;
    unsigned own = request->priority - 1u;
    for (unsigned level = own; level < LEVELS; level++) {
        const struct level *heap = &group->levels[level];
        for (uint32_t i = 0; i < heap->n && steps > 0; i++, steps--) {
            const struct flow *flow = flow_at(core, heap->flows[i]);
            if (level > own) {
                ahead += flow->counts[level];
            } else if (flow != mine) {
                /* Equal shares: about as many of each other requester as of its own. */
                ahead += before + 1 < flow->counts[level] ? before + 1 : flow->counts[level];
            }
        }
    }
    return ahead;
}
