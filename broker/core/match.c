/*
 * Bringing waiting tasks and offers together; see match.h.
 */
#include "core/match.h"

#include "core/candidate.h"
#include "core/offer.h"
#include "core/party.h"
#include "core/queue.h"
#include "core/request.h"

static bool
moves_left(const struct core *core)
{
    return core->moves < core->settings.moves_per_call_max;
}

/* ------------------------------------------------------------- assigning */

/*
 * A2, D7: strictly rising, and above every fence that was given out before a restore, also when the wall clock goes back after
 * the start. (Not when it stood wrong at the start: then nothing here knows better.)
 */
static uint64_t
fence_next(const struct turn *turn)
{
    int64_t started = turn->core->started_us;
    uint64_t now = (uint64_t)(turn->now.utc_us > started ? turn->now.utc_us : started);
    return now > turn->core->fence_last ? now : turn->core->fence_last + 1;
}

static void
task_assign(struct turn *turn, uint32_t item, uint32_t offer_item)
{
    struct core *core = turn->core;
    const struct request *request = request_at(core, item);
    const struct terms *terms = request_terms(core, request);
    struct offer *offer = offer_at(core, offer_item);
    bool leased = terms->tenure == PROTO_TENURE_LEASED;
    const struct wishes *wishes = &request_group(core, request)->wishes;
    int64_t limit = leased ? terms->attempt_us : terms->accept_by_us;
    if (!leased && limit == 0 && wishes->directed != 0 && wishes->fallback) {
        limit = DIRECTED_SECONDS * INT64_C(1000000); /* else the fallback would never come */
    }
    struct proto_event event;
    event_begin_broker(turn, &event, PROTO_EV_ASSIGNED, item);
    event.performer = name_str(&party_at(core, offer->party)->name);
    event.worker = name_str(&member_at(core, offer->member)->name);
    event.attempt = request->attempt + 1u;
    event.fence = fence_next(turn);
    event.task_status = leased ? PROTO_STATUS_IN_PROGRESS : PROTO_STATUS_REQUESTED;
    event.u.assigned.due = limit > 0 ? turn->now.utc_us + limit : 0;
    event.u.assigned.lease = leased ? terms->lease_us : 0;
    queue_charge(core, item);
    event_commit(turn, &event, item);
    offer->credit--;
    offer_bind(core, item, offer_item);
    tell_task(turn, item, 0, false);
    core->stats.assigned++;
    core->moves++;
}

static void
group_unmatched(struct core *core, uint32_t item)
{
    struct group *group = group_at(core, item);
    struct service *service = service_at(core, group->service);
    LIST_REMOVE(core, group, &service->groups, item, next, prev);
    LIST_APPEND(core, group, &service->unmatched, item, next, prev);
    group->place = GROUP_UNMATCHED;
}

/* Assign from one group until it is empty, nobody has room, or this call has moved enough. */
static void
group_match(struct turn *turn, uint32_t group_item)
{
    struct core *core = turn->core;
    struct group *group = group_at(core, group_item);
    struct service *service = service_at(core, group->service);
    if (group->waiting == 0 || service->paused || service->offer_count == 0) {
        return;
    }
    candidates_find(core, group);
    if (group->candidate_count == 0) {
        if (group->place == GROUP_WAITS) {
            group_unmatched(core, group_item);
        }
        return;
    }
    if (group->room_seen == core->room_version) {
        return;
    }
    struct turn_of next;
    while (queue_first(core, group_item, turn->now.utc_us, &next)) {
        uint32_t offer = offer_pick(core, group);
        if (offer == 0) {
            group->room_seen = core->room_version;
            return;
        }
        if (!moves_left(core)) {
            offer_wake(core, offer);
            return;
        }
        task_assign(turn, next.request, offer);
    }
}

/* ------------------------------------------------------------- orphans and results to verify */

/* Hand a task that its party already owns to one of its connections: the same fence, whatever status it has. */
static void
task_resend(struct turn *turn, uint32_t item, uint32_t offer_item, uint64_t source2)
{
    struct core *core = turn->core;
    const struct request *request = request_at(core, item);
    offer_at(core, offer_item)->credit--;
    uint64_t result = request->flags & FLAG_VERIFY ? request->output_seq : source2;
    offer_bind(core, item, offer_item);
    tell_task(turn, item, result, false);
    if (request->flags & FLAG_ABORT) {
        tell_abort(turn, item);
    }
    core->moves++;
}

bool
may_verify(const struct core *core, const struct request *request, uint32_t member)
{
    return request->member == 0 ||
           !proto_str_eq(name_str(&member_at(core, request->member)->name), name_str(&member_at(core, member)->name));
}

static bool
offer_serves(const struct offer *offer, uint32_t service)
{
    for (uint32_t s = 0; s < offer->service_count; s++) {
        if (offer->services[s] == service) {
            return true;
        }
    }
    return false;
}

void
match_return(struct turn *turn, uint32_t item)
{
    struct core *core = turn->core;
    const struct request *request = request_at(core, item);
    uint32_t service = request_group(core, request)->service, chosen = 0;
    if (request->offer != 0 || request->performer == 0) {
        return;
    }
    for (uint32_t i = party_at(core, request->performer)->offers.head; i != 0; i = offer_at(core, i)->party_next) {
        const struct offer *offer = offer_at(core, i);
        if (offer->verify || offer_room(offer) == 0 || !offer_serves(offer, service)) {
            continue;
        }
        bool same = !may_verify(core, request, offer->member);
        if (chosen == 0 || same) {
            chosen = i;
        }
        if (same) {
            break;
        }
    }
    if (chosen != 0) {
        task_resend(turn, item, chosen, request->last_seq);
    }
}

static void
offer_feed_owned(struct turn *turn, uint32_t offer_item, uint32_t service)
{
    struct core *core = turn->core;
    const struct offer *offer = offer_at(core, offer_item);
    uint32_t provider_item = provider_find(core, offer->party, service);
    if (provider_item == 0) {
        return;
    }
    struct provider *provider = provider_at(core, provider_item);
    while (!offer->verify && provider->orphans.head != 0 && offer_room(offer) > 0 && moves_left(core)) {
        const struct request *orphan = request_at(core, provider->orphans.head);
        uint64_t reply = orphan->flags & FLAG_REPLIED ? orphan->output_seq : 0;
        task_resend(turn, provider->orphans.head, offer_item, reply);
    }
    uint32_t looks = GROUPS_PER_LOOK;
    for (uint32_t i = provider->verify.head, next; i != 0 && looks-- > 0; i = next) {
        next = request_at(core, i)->next;
        if (offer_room(offer) == 0 || !moves_left(core)) {
            return;
        }
        if (may_verify(core, request_at(core, i), offer->member)) {
            task_resend(turn, i, offer_item, 0);
        }
    }
}

/* ------------------------------------------------------------- an offer with room */

/* What an offer's look at the waiting groups found. */
struct look {
    uint32_t left;  /* groups that may still be looked at in this call */
    uint32_t seen;  /* that were looked at and still wait with a candidate */
    uint32_t group; /* whose first task should go first; 0: none that this offer may take */
    struct turn_of first;
};

static void
look_at_service(struct turn *turn, uint32_t offer_item, struct service *service, struct look *look)
{
    struct core *core = turn->core;
    uint32_t at = 0;
    while (service->offers[at] != offer_item) {
        at++;
    }
    for (uint32_t n = service->groups.count; n > 0 && look->left > 0; n--, look->left--) {
        /* Rotate, so that with many groups each is looked at in its turn. */
        uint32_t item = service->groups.head;
        struct group *group = group_at(core, item);
        if (service->groups.count > 1) {
            LIST_REMOVE(core, group, &service->groups, item, next, prev);
            LIST_APPEND(core, group, &service->groups, item, next, prev);
        }
        candidates_find(core, group);
        if (group->candidate_count == 0) {
            group_unmatched(core, item);
            continue;
        }
        look->seen++;
        struct turn_of first;
        if ((group->candidates[at / 64] >> (at % 64) & 1) == 0 || !queue_first(core, item, turn->now.utc_us, &first) ||
            avoid_blocks(core, group, offer_at(core, offer_item)->party)) {
            continue;
        }
        bool same = look->group != 0 && group_at(core, look->group)->service == group->service;
        if (look->group == 0 || queue_before(&first, &look->first, same)) {
            look->first = first;
            look->group = item;
        }
    }
}

/* Give an offer one task. False: there is none for it, or it is too early to say: then it stays awake. */
static bool
offer_feed_one(struct turn *turn, uint32_t item)
{
    struct core *core = turn->core;
    struct offer *offer = offer_at(core, item);
    struct look look = {.left = GROUPS_PER_LOOK};
    uint32_t groups = 0;
    for (uint32_t s = 0; s < offer->service_count; s++) {
        struct service *service = service_at(core, offer->services[s]);
        if (!service->paused && service->groups.count > 0) {
            look_at_service(turn, item, service, &look);
            groups += service->groups.count;
        }
    }
    uint32_t chosen = look.group == 0 ? 0 : offer_pick(core, group_at(core, look.group));
    if (chosen == 0) {
        uint32_t looked = offer->looked + look.seen;
        if (look.left == 0 && looked < groups) {
            offer_wake(core, item);
            offer->looked = looked;
        }
        return false;
    }
    task_assign(turn, look.first.request, chosen);
    return true;
}

static void
offer_feed(struct turn *turn, uint32_t item)
{
    struct core *core = turn->core;
    const struct offer *offer = offer_at(core, item);
    if (offer_stands_still(core, offer)) {
        return;
    }
    for (uint32_t s = 0; s < offer->service_count; s++) {
        offer_feed_owned(turn, item, offer->services[s]);
    }
    while (offer_room(offer) > 0) {
        if (!moves_left(core)) {
            offer_wake(core, item);
            return;
        }
        if (!offer_feed_one(turn, item)) {
            return;
        }
    }
}

void
match_run(struct turn *turn)
{
    struct core *core = turn->core;
    uint32_t last = core->hungry_tail;
    while (core->hungry_head != 0 && moves_left(core)) {
        uint32_t item = core->hungry_head;
        struct offer *offer = offer_at(core, item);
        core->hungry_head = offer->hungry_next;
        if (core->hungry_head == 0) {
            core->hungry_tail = 0;
        }
        offer->hungry = false;
        offer_feed(turn, item);
        if (item == last) {
            break;
        }
    }
}

void
match_request(struct turn *turn, uint32_t item)
{
    struct core *core = turn->core;
    const struct request *request = request_at(core, item);
    if (request->place == PLACE_QUEUE) {
        group_match(turn, flow_at(core, request->flow)->group);
    } else if (request->place == PLACE_ORPHAN || request->place == PLACE_VERIFY) {
        offer_wake_all(core, 0, request->performer);
    }
}
