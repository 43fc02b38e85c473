/*
 * Requests: finding, making, forgetting, and the list each one is in; see request.h.
 */
#include "core/request.h"

#include "core/group.h"
#include "core/listing.h"
#include "core/party.h"
#include "core/queue.h"

static uint64_t
request_hash(const void *owner, uint32_t item)
{
    return request_at(owner, item)->id / REQUEST_STRIDE;
}

uint32_t
request_find(const struct core *core, uint64_t id)
{
    INDEX_EACH(&core->request_by_id, id / REQUEST_STRIDE, item)
    {
        if (request_at(core, item)->id == id) {
            return item;
        }
    }
    return 0;
}

uint32_t
request_find_task(const struct core *core, uint64_t task)
{
    uint64_t ordinal = task % REQUEST_STRIDE;
    uint32_t item = request_find(core, task - ordinal);
    return item != 0 && request_at(core, item)->ordinal == ordinal ? item : 0;
}

uint32_t
request_make(struct core *core, uint64_t id, uint32_t flow)
{
    uint32_t item = pool_new(&core->requests);
    struct request *request = request_at(core, item);
    request->id = id;
    request->flow = flow;
    flow_take(core, flow);
    index_put(&core->request_by_id, core, request_hash, item);
    struct party *party = party_at(core, flow_at(core, flow)->requester);
    LIST_PREPEND(core, request, &party->mine, item, mine_next, mine_prev);
    party->open++;
    core->by_status[0]++;
    return item;
}

void
request_forget(struct core *core, uint32_t item)
{
    struct request *request = request_at(core, item);
    assert(request->place == PLACE_FINISHED && request->offer == 0);
    struct party *party = party_at(core, request_requester(core, request));
    listing_let_go(core, party, item);
    LIST_REMOVE(core, request, &core->finished, item, next, prev);
    LIST_REMOVE(core, request, &party->mine, item, mine_next, mine_prev);
    core->by_status[request->shown]--;
    index_remove(&core->request_by_id, core, request_hash, item);
    text_drop(core, request->business);
    flow_drop(core, request->flow);
    request->id = 0;
    request->place = PLACE_NONE;
    pool_free(&core->requests, item);
}

void
request_regroup(struct core *core, uint32_t item, uint32_t flow)
{
    struct request *request = request_at(core, item);
    assert(request->place != PLACE_QUEUE);
    if (flow != request->flow) {
        flow_take(core, flow);
        flow_drop(core, request->flow);
        request->flow = flow;
    }
}

/* ------------------------------------------------------------- place */

bool
request_waits(const struct request *request)
{
    return request->performer == 0 && (request->status == PROTO_STATUS_READY || request->status == PROTO_STATUS_REQUESTED) &&
           (request->flags & (FLAG_EXHAUSTED | FLAG_FAILED)) == 0;
}

static enum place
place_of(const struct core *core, const struct request *request)
{
    if (status_is_terminal(request_status(core, request))) {
        return PLACE_FINISHED;
    }
    if (request_waits(request)) {
        return PLACE_QUEUE;
    }
    if (request->performer == 0 || (request->flags & FLAG_EXHAUSTED)) {
        return PLACE_NONE;
    }
    if (request->offer != 0) {
        return PLACE_BOUND;
    }
    if (request->flags & FLAG_VERIFY) {
        return PLACE_VERIFY;
    }
    return request_owned(core, request) ? PLACE_ORPHAN : PLACE_BOUND;
}

static struct list *
place_list(struct core *core, const struct request *request, enum place place, uint32_t performer)
{
    struct provider *provider = provider_at(core, provider_make(core, performer, request_group(core, request)->service));
    return place == PLACE_BOUND ? &provider->bound : place == PLACE_ORPHAN ? &provider->orphans : &provider->verify;
}

/* Work that a requester has running counts in its share. */
static void
running_count(struct core *core, const struct request *request, bool more)
{
    struct share *share = share_at(core, flow_at(core, request->flow)->share);
    share->running += more ? request->cost : -(uint64_t)request->cost;
    request_service(core, request)->running += more ? 1u : -1u;
}

void
request_lift(struct core *core, uint32_t item)
{
    struct request *request = request_at(core, item);
    switch ((enum place)request->place) {
    case PLACE_QUEUE:
        queue_remove(core, item);
        break;
    case PLACE_BOUND:
    case PLACE_ORPHAN:
    case PLACE_VERIFY:
        LIST_REMOVE(core, request, place_list(core, request, request->place, request->performer), item, next, prev);
        running_count(core, request, false);
        break;
    case PLACE_NONE:
    case PLACE_FINISHED:
        break;
    }
    request->place = PLACE_NONE;
}

static void
place_enter(struct core *core, uint32_t item, enum place place)
{
    struct request *request = request_at(core, item);
    switch (place) {
    case PLACE_QUEUE:
        queue_push(core, item);
        break;
    case PLACE_BOUND:
    case PLACE_ORPHAN:
    case PLACE_VERIFY:
        LIST_APPEND(core, request, place_list(core, request, place, request->performer), item, next, prev);
        running_count(core, request, true);
        break;
    case PLACE_FINISHED:
        LIST_APPEND(core, request, &core->finished, item, next, prev);
        break;
    case PLACE_NONE:
        break;
    }
}

/* Counts by status: L3, accepted = sum over states. */
static void
status_count(struct core *core, struct request *request)
{
    enum proto_status status = request_status(core, request);
    if (status == request->shown) {
        return;
    }
    struct service *service = request_service(core, request);
    core->by_status[request->shown]--;
    core->by_status[status]++;
    service->held -= request->shown == PROTO_STATUS_ON_HOLD;
    service->held += status == PROTO_STATUS_ON_HOLD;
    if (status_is_terminal(status)) {
        service->finished++;
        party_at(core, request_requester(core, request))->open--;
    }
    request->shown = (uint8_t)status;
}

void
request_place(struct core *core, uint32_t item)
{
    struct request *request = request_at(core, item);
    status_count(core, request);
    enum place place = place_of(core, request);
    if (place != request->place) {
        request_lift(core, item);
        place_enter(core, item, place);
        request->place = place & 7u;
    }
}
