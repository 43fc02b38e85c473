/*
 * A number for what can still happen. It reads the core's own tables, connection state included, and leaves out what only names things:
 * ids, sequences, fences (a fence is live or it is not), the time of day. Requesters and performers can change places (performers not
 * where requests are directed to one of them): of all ways to call them, the one with the smallest number counts.
 *
 * Included although it should not matter: what groups remember of their candidates, offers that are still to be looked at, and the
 * order of lists. Leaving it out would hide the faults that such memories have.
 */
#include "world.h"

#include "../sim/audit.h"
#include "core/state.h"

struct line {
    uint64_t hash;
};

static void
add(struct line *line, uint64_t value)
{
    line->hash = rng_mix(line->hash * UINT64_C(0x9e3779b97f4a7c15) + value + 1);
}

/* Names: 1 and 2 for the two of a kind, in the order that is tried; 0: nobody. */
struct calls {
    const struct core *core;
    uint32_t requesters[WHOS], performers[WHOS];
};

static uint32_t
call_of(const uint32_t names[WHOS], uint32_t party)
{
    return party == 0 ? 0 : names[0] == party ? 1 : names[1] == party ? 2 : 3;
}

static uint32_t
tag_call(const struct calls *calls, uint64_t tag)
{
    for (unsigned i = 0; i < WHOS; i++) {
        if (party_at(calls->core, calls->performers[i])->tag == tag) {
            return i + 1;
        }
    }
    return 0;
}

static uint32_t
party_item(const struct core *core, uint8_t number)
{
    struct proto_str name = party_name(number);
    for (uint32_t i = 1; i < core->parties.used; i++) {
        if (proto_str_eq(name_str(&party_at(core, i)->name), name)) {
            return i;
        }
    }
    return 0;
}

static uint32_t
request_item(const struct core *core, uint64_t id)
{
    for (uint32_t i = 1; i < core->requests.used; i++) {
        if (id != 0 && request_at(core, i)->id == id) {
            return i;
        }
    }
    return 0;
}

static int64_t
left_of(const struct request *request, int64_t limit_us)
{
    return limit_us == 0 || (request->flags & FLAG_CLOCKS) ? limit_us : limit_us - world.now.utc_us;
}

/* ------------------------------------------------------------- requests */

static void
add_timers(struct line *line, const struct core *core, const struct request *request)
{
    const struct timers *mono = &core->timers[CLOCK_MONO], *utc = &core->timers[CLOCK_UTC];
    add(line, request->timer_mono == 0 ? 0 : (uint64_t)(mono->heap[request->timer_mono - 1].at_us - world.now.mono_us) + 1);
    add(line, request->timer_utc == 0 ? 0 : (uint64_t)(utc->heap[request->timer_utc - 1].at_us - world.now.utc_us) + 1);
}

static void
add_wishes(struct line *line, const struct calls *calls, const struct group *group)
{
    uint64_t avoided = 0;
    for (unsigned i = 0; i < group->wishes.avoid_n; i++) {
        avoided |= UINT64_C(1) << tag_call(calls, group->wishes.avoid[i]);
    }
    add(line, avoided);
    add(line, (uint64_t)tag_call(calls, group->wishes.directed) << 1 | group->wishes.fallback);
}

/* What groups remember, idle ones included. Both are found anew when the next offer comes, if there is none. */
static uint64_t
memories_of(const struct calls *calls)
{
    const struct core *core = calls->core;
    uint64_t sum = 0;
    for (uint32_t i = 1; i < core->groups.used; i++) {
        const struct group *group = group_at(core, i);
        if (group->key == NULL || service_at(core, group->service)->offer_count == 0) {
            continue;
        }
        bool fresh = group->version == service_at(core, group->service)->version, full = group->room_seen == core->room_version;
        struct line line = {.hash = (uint64_t)fresh << 1 | full};
        add_wishes(&line, calls, group);
        sum += fresh || full ? rng_mix(line.hash) : 0; /* one that is gone would remember nothing */
    }
    return sum;
}

static void
add_request(struct line *line, const struct calls *calls, uint32_t item)
{
    const struct core *core = calls->core;
    const struct request *request = request_at(core, item);
    const struct flow *flow = flow_at(core, request->flow);
    const uint64_t numbers[] = {request->status, request->resume, request->reason, request->flags, request->ordinal, request->attempt,
                                request->releases, request->place, request->shown, request->member != 0};
    for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        add(line, numbers[i]);
    }
    add(line, call_of(calls->requesters, flow->requester));
    add(line, call_of(calls->performers, request->performer));
    add(line, call_of(calls->performers, request->former));
    add(line, request->offer == 0 ? 0 : call_of(calls->performers, offer_at(core, request->offer)->party));
    add(line, (uint64_t)left_of(request, request->due_us));
    add(line, request->flags & (FLAG_VERIFY | FLAG_REPLIED) ? 0 : (uint64_t)left_of(request, request->until_us));
    add_timers(line, core, request);
    add_wishes(line, calls, group_at(core, flow->group));
    add(line, group_at(core, flow->group)->place);
}

/* How the two requests stand to each other. */
static void
add_pair(struct line *line, const struct core *core, uint32_t one, uint32_t other)
{
    const struct request *a = request_at(core, one), *b = request_at(core, other);
    add(line, a->flow == b->flow);
    add(line, flow_at(core, a->flow)->group == flow_at(core, b->flow)->group);
    add(line, (uint64_t)(a->next == other) << 1 | (b->next == one));
    for (unsigned clock = 0; clock < CLOCKS; clock++) {
        uint32_t at = clock == CLOCK_UTC ? a->timer_utc : a->timer_mono, bt = clock == CLOCK_UTC ? b->timer_utc : b->timer_mono;
        const struct timer *heap = core->timers[clock].heap;
        bool both = at != 0 && bt != 0;
        add(line, both ? 1u + (heap[at - 1].order < heap[bt - 1].order) : 0);
    }
}

/* ------------------------------------------------------------- performers, shares */

static uint32_t
offer_of(const struct core *core, uint32_t party)
{
    return party_at(core, party)->offers.head;
}

static void
add_offer(struct line *line, const struct core *core, uint32_t item)
{
    const struct offer *offer = offer_at(core, item);
    const uint64_t numbers[] = {offer->capacity, offer->credit, offer->running, offer->hungry, offer->looked, offer->service_count};
    for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        add(line, numbers[i]);
    }
}

static void
add_performers(struct line *line, const struct calls *calls, const uint8_t order[WHOS])
{
    const struct core *core = calls->core;
    for (unsigned i = 0; i < WHOS; i++) {
        uint32_t item = offer_of(core, calls->performers[i]);
        add(line, world.conns[4 + order[i]].used);
        add(line, item != 0);
        if (item != 0) {
            add_offer(line, core, item);
        }
        for (unsigned which = 0; which < around.count; which++) {
            add(line, around.lost[order[i]][which].task % 64); /* 0: none; which task of the request it was */
        }
    }
    uint32_t one = offer_of(core, calls->performers[0]), two = offer_of(core, calls->performers[1]);
    add(line, one != 0 && two != 0 ? 1u + (offer_at(core, one)->order < offer_at(core, two)->order) : 0);
    add(line, core->hungry_head == 0 ? 0 : call_of(calls->performers, offer_at(core, core->hungry_head)->party));
}

/* Where a requester stands ahead of the service's time; with nothing waiting it does not matter to have stood behind. */
static void
add_shares(struct line *line, const struct calls *calls)
{
    const struct core *core = calls->core;
    for (unsigned i = 0; i < WHOS; i++) {
        uint64_t ahead = 0, running = 0;
        for (uint32_t s = 1; s < core->shares.used; s++) {
            const struct share *share = share_at(core, s);
            if (share->flows > 0 && share->requester == calls->requesters[i]) {
                uint64_t vtime = service_at(core, share->service)->vtime;
                bool behind = share->start < vtime;
                ahead = behind && share->waiting == 0 ? 0 : share->start - vtime;
                running = share->running;
            }
        }
        add(line, ahead);
        add(line, running);
    }
}

/* ------------------------------------------------------------- after a recovery */

/* Does its task wait after this event? */
static bool
waits_after(uint64_t seq)
{
    const struct fact *fact = &world.journal.facts[seq];
    const struct fact *next = seq < world.journal.last ? &world.journal.facts[seq + 1] : NULL;
    bool over = next != NULL && next->type == PROTO_EV_EXHAUSTED && next->id == fact->id;
    switch ((enum proto_ev)fact->type) {
    case PROTO_EV_ACCEPTED:
    case PROTO_EV_RELEASED:
    case PROTO_EV_REQUEUED:
        return true;
    case PROTO_EV_LAPSED:
    case PROTO_EV_FAILED:
    case PROTO_EV_REJECTED:
        return !over && !status_ends(fact->status);
    default:
        return false;
    }
}

/*
 * Shares are not durable: replay makes them from when tasks began to wait, and beside how many. So two worlds that are the same now
 * may differ after a crash; and lists of held tasks come in the order in which they were assigned.
 */
static void
add_history(struct line *line, const uint8_t requesters[WHOS])
{
    uint8_t waiting[PARTIES_MAX] = {0}, running[PARTIES_MAX] = {0}, start[PARTIES_MAX] = {0}, state[REQUESTS] = {0};
    for (uint64_t seq = 1; seq <= world.journal.last; seq++) {
        const struct fact *fact = &world.journal.facts[seq];
        bool moves = fact->type == PROTO_EV_ASSIGNED || fact->type == PROTO_EV_EXHAUSTED || status_ends(fact->status) || waits_after(seq);
        if (fact->id == 0 || !moves) {
            continue;
        }
        uint8_t *now = &state[around.count > 1 && fact->id == around.ids[1]], party = fact->requester;
        waiting[party] = (uint8_t)(waiting[party] - (*now == 1));
        running[party] = (uint8_t)(running[party] - (*now == 2));
        *now = fact->type == PROTO_EV_ASSIGNED ? 2 : waits_after(seq);
        if (*now == 1 && waiting[party]++ == 0) {
            start[party] = running[party] > start[party] ? running[party] : start[party];
        }
        running[party] = (uint8_t)(running[party] + (*now == 2));
    }
    for (unsigned i = 0; i < WHOS; i++) {
        add(line, start[party_of_requester(requesters[i])]);
    }
    const struct life *one = life_find(&world.audit, around.ids[0]), *two = life_find(&world.audit, around.ids[1]);
    bool both = one != NULL && two != NULL && one->performer != NOBODY && one->performer == two->performer;
    add(line, both ? 1u + (one->assigned_seq < two->assigned_seq) : 0);
}

/* ------------------------------------------------------------- the whole */

static uint64_t
canon_as(const struct calls *calls, const uint8_t requesters[WHOS], const uint8_t performers[WHOS])
{
    struct line line = {.hash = around.count};
    uint32_t items[REQUESTS] = {0};
    for (unsigned which = 0; which < around.count; which++) {
        items[which] = request_item(calls->core, around.ids[which]);
        add(&line, items[which] != 0);
        if (items[which] != 0) {
            add_request(&line, calls, items[which]);
        }
    }
    if (items[0] != 0 && items[1] != 0) {
        add_pair(&line, calls->core, items[0], items[1]);
    }
    add_performers(&line, calls, performers);
    add_shares(&line, calls);
    add(&line, memories_of(calls));
    add_history(&line, requesters);
    return line.hash;
}

uint64_t
world_canon(void)
{
    const struct core *core = world.broker.core;
    uint64_t least = UINT64_MAX;
    for (unsigned way = 0; way < (world_is_lopsided() ? 2 : 4); way++) {
        uint8_t r = way & 1, p = (uint8_t)(way >> 1);
        const uint8_t requesters[WHOS] = {r, (uint8_t)(1 - r)}, performers[WHOS] = {p, (uint8_t)(1 - p)};
        const struct calls calls = {
            .core = core,
            .requesters = {party_item(core, party_of_requester(r)), party_item(core, party_of_requester(1 - r))},
            .performers = {party_item(core, party_of_performer(p)), party_item(core, party_of_performer(1 - p))}};
        uint64_t hash = canon_as(&calls, requesters, performers);
        least = hash < least ? hash : least;
    }
    return least;
}
