/*
 * Walking requests for `list`; see listing.h.
 */
#include "core/listing.h"

#include <stdlib.h>

#include "core/party.h"
#include "core/request.h"

static bool
look(struct listing_query *query)
{
    query->looks -= query->looks > 0;
    return query->looks > 0;
}

/* ------------------------------------------------------------- which requests */

static bool
scope_matches(const struct core *core, const struct listing_query *query, const struct request *request)
{
    switch (query->record->scope) {
    case PROTO_SCOPE_PERFORMER:
        return request->performer == query->viewer;
    case PROTO_SCOPE_ALL:
        return true;
    default:
        return request_requester(core, request) == query->viewer;
    }
}

static bool
matches(const struct core *core, const struct listing_query *query, const struct request *request)
{
    const struct proto_list *record = query->record;
    if (query->statuses != 0 && (query->statuses >> request->shown & 1) == 0) {
        return false;
    }
    const struct service *service = request_service(core, request);
    if (query->service != 0 ? request_group(core, request)->service != query->service
                            : query->pattern.n > 0 && !service_name_covers(query->pattern, name_str(&service->name))) {
        return false;
    }
    if (query->party != 0 && request_requester(core, request) != query->party && request->performer != query->party) {
        return false;
    }
    return scope_matches(core, query, request) && (record->since == 0 || request->authored_us >= record->since) &&
           (record->until == 0 || request->authored_us < record->until);
}

/* ------------------------------------------------------------- heaps of requests */

/* Does one belong above another? `newest`: the newest on top, else the oldest. */
static bool
above(const struct core *core, uint32_t one, uint32_t other, bool newest)
{
    return (request_at(core, one)->id > request_at(core, other)->id) == newest;
}

static void
heap_down(const struct core *core, uint32_t *heap, uint32_t n, uint32_t at, bool newest)
{
    uint32_t item = heap[at];
    for (uint32_t child = at * 2 + 1; child < n; child = at * 2 + 1) {
        if (child + 1 < n && above(core, heap[child + 1], heap[child], newest)) {
            child++;
        }
        if (!above(core, heap[child], item, newest)) {
            break;
        }
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = item;
}

static void
heap_order(const struct core *core, uint32_t *heap, uint32_t n, bool newest)
{
    for (uint32_t at = n / 2; at-- > 0;) {
        heap_down(core, heap, n, at, newest);
    }
}

/* ------------------------------------------------------------- open ones, of one party or of all */

/* The party's newest request below an id; the finger stays on the one before it. False: not reached within the looks. */
static bool
party_seek(const struct core *core, struct listing_query *query, struct party *party, uint64_t below, uint32_t *out_item)
{
    if (below == UINT64_MAX) {
        *out_item = party->mine.head;
        return true;
    }
    uint32_t last = request_find(core, below); /* that the page before looked at: usually still there */
    uint32_t finger = last != 0 && party_at(core, request_requester(core, request_at(core, last))) == party ? last : party->finger;
    while (finger != 0 && request_at(core, finger)->id < below && look(query)) {
        finger = request_at(core, finger)->mine_prev;
    }
    uint32_t next = finger != 0 ? request_at(core, finger)->mine_next : party->mine.head;
    while (next != 0 && request_at(core, next)->id >= below && look(query)) {
        finger = next;
        next = request_at(core, next)->mine_next;
    }
    party->finger = finger;
    *out_item = next;
    return query->looks > 0;
}

/* Where each list goes on. Returns how many do. False: a later page must go on seeking. */
static bool
heads_find(const struct core *core, struct listing_query *query, uint64_t below, uint32_t *heads, uint32_t *out_n)
{
    bool all = query->record->scope == PROTO_SCOPE_ALL;
    uint32_t first = all ? 1 : query->viewer, end = all ? core->parties.used : query->viewer + 1;
    *out_n = 0;
    for (uint32_t i = first; i < end; i++) {
        struct party *party = party_at(core, i);
        uint32_t item = 0;
        if (party->mine.head != 0 && !party_seek(core, query, party, below, &item)) {
            return false;
        }
        if (item != 0) {
            heads[(*out_n)++] = item;
        }
    }
    heap_order(core, heads, *out_n, true);
    return true;
}

bool
listing_open(struct core *core, struct listing_query *query, struct listing_found *found, uint64_t *below)
{
    uint32_t *heads = table_alloc((size_t)core->parties.used * sizeof *heads);
    uint32_t n = 0;
    bool done = heads_find(core, query, *below, heads, &n);
    while (done && n > 0) {
        if (found->n == query->limit || !look(query)) {
            done = false;
            break;
        }
        const struct request *request = request_at(core, heads[0]);
        if (!request_is_finished(request) && matches(core, query, request)) {
            found->items[found->n++] = heads[0];
        }
        *below = request->id;
        heads[0] = request->mine_next != 0 ? request->mine_next : heads[--n];
        heap_down(core, heads, n, 0, true);
    }
    free(heads);
    return done;
}

/* ------------------------------------------------------------- tasks in hand */

/* The newest `limit` that were offered: a heap with the oldest on top. */
static void
newest_offer(const struct core *core, struct listing_found *found, uint32_t limit, uint32_t item)
{
    uint32_t *heap = found->items;
    if (found->n < limit) {
        uint32_t at = found->n++;
        for (; at > 0 && above(core, item, heap[(at - 1) / 2], false); at = (at - 1) / 2) {
            heap[at] = heap[(at - 1) / 2];
        }
        heap[at] = item;
    } else if (above(core, heap[0], item, false)) {
        heap[0] = item;
        heap_down(core, heap, found->n, 0, false);
    }
}

static bool
hand_scan(const struct core *core, struct listing_query *query, struct listing_found *found, const struct list *list,
          uint64_t below)
{
    for (uint32_t i = list->head; i != 0; i = request_at(core, i)->next) {
        if (!look(query)) {
            return false;
        }
        if (request_at(core, i)->id < below && matches(core, query, request_at(core, i))) {
            newest_offer(core, found, query->limit, i);
        }
    }
    return true;
}

bool
listing_in_hand(struct core *core, struct listing_query *query, struct listing_found *found, uint64_t *below, bool *out_many)
{
    *out_many = false;
    for (uint32_t p = party_at(core, query->viewer)->providers; p != 0; p = provider_at(core, p)->next) {
        const struct provider *provider = provider_at(core, p);
        if (query->service != 0 && provider->service != query->service) {
            continue;
        }
        if (!hand_scan(core, query, found, &provider->bound, *below) || !hand_scan(core, query, found, &provider->orphans, *below) ||
            !hand_scan(core, query, found, &provider->verify, *below)) {
            *out_many = true;
            return false;
        }
    }
    bool full = found->n == query->limit;
    *below = full ? request_at(core, found->items[0])->id : *below;
    /* The oldest leaves the heap first: sorted from the end. */
    for (uint32_t n = found->n; n > 1; n--) {
        uint32_t oldest = found->items[0];
        found->items[0] = found->items[n - 1];
        heap_down(core, found->items, n - 1, 0, false);
        found->items[n - 1] = oldest;
    }
    return !full;
}

/* ------------------------------------------------------------- finished ones */

bool
listing_finished(struct core *core, struct listing_query *query, struct listing_found *found, uint64_t *below)
{
    uint32_t finger = *below == UINT64_MAX ? 0 : core->finished_finger;
    while (finger != 0 && request_at(core, finger)->last_seq < *below && look(query)) {
        finger = request_at(core, finger)->next;
    }
    uint32_t item = finger != 0 ? request_at(core, finger)->prev : core->finished.tail;
    while (item != 0 && request_at(core, item)->last_seq >= *below && look(query)) {
        finger = item;
        item = request_at(core, item)->prev;
    }
    core->finished_finger = finger;
    if (query->looks == 0) {
        return false;
    }
    while (item != 0 && request_at(core, item)->last_seq > core->projected) {
        if (found->n == query->limit || !look(query)) {
            return false;
        }
        if (matches(core, query, request_at(core, item))) {
            found->items[found->n++] = item;
        }
        *below = request_at(core, item)->last_seq;
        core->finished_finger = item;
        item = request_at(core, item)->prev;
    }
    return true;
}
