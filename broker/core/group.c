/*
 * Groups, flows and shares; see group.h.
 */
#include "core/group.h"

#include <stdlib.h>

static uint64_t
pair_hash(uint32_t a, uint32_t b)
{
    return hash_mix((uint64_t)a << 32 | b);
}

/* ------------------------------------------------------------- wishes as bytes */

enum { WISHES_BYTES_MAX = 64 + 8 * (PROTO_SUBMIT_EXCLUDE_MAX + PROTO_SUBMIT_PREFER_MAX + AVOID_MAX) + CONSTRAINT_BYTES_MAX };

static bool
wishes_plain(const struct wishes *w)
{
    return w->directed == 0 && w->exclude_n == 0 && w->prefer_n == 0 && w->avoid_n == 0 && !w->located && w->require.n == 0;
}

static uint32_t
wishes_key(const struct wishes *w, uint8_t out[static WISHES_BYTES_MAX])
{
    uint32_t head[8] = {w->terms, (uint32_t)w->fallback << 1 | w->located,
                        (uint32_t)w->exclude_n << 16 | (uint32_t)w->prefer_n << 8 | w->avoid_n,
                        (uint32_t)w->latitude_e4, (uint32_t)w->longitude_e4, w->require.n,
                        (uint32_t)w->directed, (uint32_t)(w->directed >> 32)};
    uint32_t n = 0;
    memcpy(out, head, sizeof head);
    n += sizeof head;
    memcpy(out + n, w->exclude, w->exclude_n * sizeof *w->exclude);
    n += w->exclude_n * (uint32_t)sizeof *w->exclude;
    memcpy(out + n, w->prefer, w->prefer_n * sizeof *w->prefer);
    n += w->prefer_n * (uint32_t)sizeof *w->prefer;
    memcpy(out + n, w->avoid, w->avoid_n * sizeof *w->avoid);
    n += w->avoid_n * (uint32_t)sizeof *w->avoid;
    if (w->require.n > 0) {
        memcpy(out + n, w->require.p, w->require.n);
    }
    return n + w->require.n;
}

void
wishes_declined(struct wishes *wishes, uint64_t tag)
{
    if (wishes->directed != 0) {
        if (!wishes->fallback) {
            return;
        }
        wishes->directed = 0;
        wishes->fallback = false;
    }
    uint32_t at = 0;
    while (at < wishes->avoid_n && wishes->avoid[at] < tag) {
        at++;
    }
    if (wishes->avoid_n == AVOID_MAX || tag == 0 || (at < wishes->avoid_n && wishes->avoid[at] == tag)) {
        return;
    }
    memmove(wishes->avoid + at + 1, wishes->avoid + at, (wishes->avoid_n - at) * sizeof *wishes->avoid);
    wishes->avoid[at] = tag;
    wishes->avoid_n++;
}

void
wishes_fresh(struct wishes *wishes)
{
    wishes->avoid_n = 0;
}

/* ------------------------------------------------------------- groups */

static uint64_t
group_hash(const void *owner, uint32_t item)
{
    const struct core *core = owner;
    const struct group *group = group_at(core, item);
    return hash_bytes(core->settings.seed, group->key, group->key_n);
}

static void
idle_put(struct core *core, uint32_t item)
{
    group_at(core, item)->place = GROUP_IDLE;
    LIST_APPEND(core, group, &core->idle_groups, item, next, prev);
}

static void
idle_take(struct core *core, uint32_t item)
{
    LIST_REMOVE(core, group, &core->idle_groups, item, next, prev);
    group_at(core, item)->place = GROUP_RESTS;
}

static void
group_free(struct core *core, uint32_t item)
{
    struct group *group = group_at(core, item);
    assert(group->flows == 0 && group->waiting == 0 && group->place == GROUP_IDLE);
    idle_take(core, item);
    index_remove(&core->group_by_key, core, group_hash, item);
    struct terms *terms = terms_at(core, group->wishes.terms);
    terms->groups--;
    if (terms->plain_group == item) {
        terms->plain_group = 0;
    }
    for (unsigned i = 0; i < LEVELS; i++) {
        free(group->levels[i].flows);
    }
    free(group->candidates);
    free(group->key);
    group->key = NULL;
    group->key_n = 0;
    pool_free(&core->groups, item);
}

uint32_t
group_find(const struct core *core, const struct wishes *wishes)
{
    if (wishes_plain(wishes)) {
        return terms_at(core, wishes->terms)->plain_group;
    }
    uint8_t key[WISHES_BYTES_MAX];
    uint32_t n = wishes_key(wishes, key);
    INDEX_EACH(&core->group_by_key, hash_bytes(core->settings.seed, key, n), item)
    {
        const struct group *group = group_at(core, item);
        if (group->key_n == n && memcmp(group->key, key, n) == 0) {
            return item;
        }
    }
    return 0;
}

bool
group_has_room(const struct core *core)
{
    /* An idle flow may set its group free, too. */
    bool groups = core->groups.count < core->settings.groups_max || core->idle_groups.count > 0 || core->idle_flows.count > 0;
    bool flows = core->flows.count < core->settings.flows_max || core->idle_flows.count > 0;
    return groups && flows;
}

/* ------------------------------------------------------------- shares */

static uint64_t
share_hash(const void *owner, uint32_t item)
{
    const struct core *core = owner;
    const struct share *share = share_at(core, item);
    return pair_hash(share->service, share->requester);
}

static uint32_t
share_take(struct core *core, uint32_t service, uint32_t requester)
{
    INDEX_EACH(&core->share_by_pair, pair_hash(service, requester), item)
    {
        struct share *share = share_at(core, item);
        if (share->service == service && share->requester == requester) {
            share->flows++;
            return item;
        }
    }
    uint32_t made = pool_new(&core->shares);
    *share_at(core, made) = (struct share){.service = service, .requester = requester, .flows = 1};
    index_put(&core->share_by_pair, core, share_hash, made);
    return made;
}

static void
share_drop(struct core *core, uint32_t item)
{
    if (--share_at(core, item)->flows == 0) {
        index_remove(&core->share_by_pair, core, share_hash, item);
        pool_free(&core->shares, item);
    }
}

/* ------------------------------------------------------------- flows */

static uint64_t
flow_hash(const void *owner, uint32_t item)
{
    const struct core *core = owner;
    const struct flow *flow = flow_at(core, item);
    return pair_hash(flow->group, flow->requester);
}

static void
flow_free(struct core *core, uint32_t item)
{
    struct flow *flow = flow_at(core, item);
    assert(flow->open == 0 && flow->waiting == 0);
    LIST_REMOVE(core, flow, &core->idle_flows, item, next, prev);
    index_remove(&core->flow_by_pair, core, flow_hash, item);
    share_drop(core, flow->share);
    if (--group_at(core, flow->group)->flows == 0) {
        idle_put(core, flow->group);
    }
    pool_free(&core->flows, item);
}

uint32_t
flow_find(const struct core *core, uint32_t group, uint32_t requester)
{
    INDEX_EACH(&core->flow_by_pair, pair_hash(group, requester), item)
    {
        const struct flow *flow = flow_at(core, item);
        if (flow->group == group && flow->requester == requester) {
            return item;
        }
    }
    return 0;
}

uint32_t
flow_make(struct core *core, uint32_t group, uint32_t requester)
{
    uint32_t item = flow_find(core, group, requester);
    if (item != 0) {
        return item;
    }
    /* Keep this group off the resting list while others are let go. */
    if (group_at(core, group)->flows++ == 0) {
        idle_take(core, group);
    }
    while (core->flows.count >= core->settings.flows_max && core->idle_flows.count > 0) {
        flow_free(core, core->idle_flows.head);
    }
    item = pool_new(&core->flows);
    struct flow *flow = flow_at(core, item);
    flow->group = group;
    flow->requester = requester;
    flow->share = share_take(core, group_at(core, group)->service, requester);
    index_put(&core->flow_by_pair, core, flow_hash, item);
    /* It rests until flow_take. */
    LIST_APPEND(core, flow, &core->idle_flows, item, next, prev);
    return item;
}

void
flow_take(struct core *core, uint32_t item)
{
    if (flow_at(core, item)->open++ == 0) {
        LIST_REMOVE(core, flow, &core->idle_flows, item, next, prev);
    }
}

void
flow_drop(struct core *core, uint32_t item)
{
    struct flow *flow = flow_at(core, item);
    assert(flow->open > 0);
    if (--flow->open > 0) {
        return;
    }
    LIST_APPEND(core, flow, &core->idle_flows, item, next, prev);
}

uint32_t
group_make(struct core *core, const struct wishes *wishes)
{
    uint32_t item = group_find(core, wishes);
    if (item != 0) {
        return item;
    }
    while (core->groups.count >= core->settings.groups_max && core->idle_groups.count + core->idle_flows.count > 0) {
        if (core->idle_groups.count > 0) {
            group_free(core, core->idle_groups.head);
        } else {
            flow_free(core, core->idle_flows.head);
        }
    }
    uint8_t key[WISHES_BYTES_MAX];
    uint32_t n = wishes_key(wishes, key);
    item = pool_new(&core->groups);
    struct group *group = group_at(core, item);
    group->wishes = *wishes;
    group->key = table_alloc(n);
    group->key_n = n;
    memcpy(group->key, key, n);
    group->wishes.require.p = group->key + n - wishes->require.n;
    struct terms *terms = terms_at(core, wishes->terms);
    group->service = terms->service;
    group->version = service_at(core, group->service)->version - 1;
    terms->groups++;
    if (wishes_plain(wishes)) {
        terms->plain_group = item;
    }
    index_put(&core->group_by_key, core, group_hash, item);
    idle_put(core, item);
    return item;
}

void
group_forget_resting(struct core *core)
{
    while (core->idle_flows.count > 0) {
        flow_free(core, core->idle_flows.head);
    }
    while (core->idle_groups.count > 0) {
        group_free(core, core->idle_groups.head);
    }
}

void
group_free_all(struct core *core)
{
    for (uint32_t i = 1; i < core->groups.used; i++) {
        struct group *group = group_at(core, i);
        if (group->key != NULL) {
            for (unsigned level = 0; level < LEVELS; level++) {
                free(group->levels[level].flows);
            }
            free(group->candidates);
            free(group->key);
        }
    }
}
