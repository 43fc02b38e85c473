/*
 * L5, at once: when a world has come to rest, nothing waits that somebody there could take, and whatever is to end by a limit has a timer.
 */
#include "world.h"

#include <inttypes.h>

#include "core/state.h"

static bool
is_avoided(const struct wishes *wishes, uint64_t tag)
{
    for (unsigned i = 0; i < wishes->avoid_n; i++) {
        if (wishes->avoid[i] == tag) {
            return true;
        }
    }
    return false;
}

/* Who declined is asked again only when nobody else is there. */
static bool
may_be_asked(const struct core *core, const struct wishes *wishes, const struct party *party)
{
    if (wishes->directed != 0 && wishes->directed != party->tag) {
        return false;
    }
    bool others = false;
    for (uint32_t i = 1; i < core->offers.used; i++) {
        const struct offer *offer = offer_at(core, i);
        others = others || (offer->capacity > 0 && !is_avoided(wishes, party_at(core, offer->party)->tag));
    }
    return !is_avoided(wishes, party->tag) || !others;
}

static void
waiting_check(const struct core *core, const struct request *request)
{
    const struct wishes *wishes = &request_group(core, request)->wishes;
    for (uint32_t i = 1; i < core->offers.used; i++) {
        const struct offer *offer = offer_at(core, i);
        bool room = offer->credit > 0 && offer->capacity > offer->running;
        CHECK(&world, !room || !may_be_asked(core, wishes, party_at(core, offer->party)), "L5", "waits-beside", "%" PRIx64 " waits, and party %u has room",
              request->id, offer->party);
    }
}

void
rest_check(void)
{
    const struct core *core = world.broker.core;
    for (uint32_t i = 1; i < core->requests.used; i++) {
        const struct request *request = request_at(core, i);
        if (request->id == 0) {
            continue;
        }
        if (request->place == PLACE_QUEUE) {
            waiting_check(core, request);
        }
        bool works = request->status == PROTO_STATUS_IN_PROGRESS && request->performer != 0 && (request->flags & FLAG_EXHAUSTED) == 0;
        bool leased = request_terms(core, request)->tenure == PROTO_TENURE_LEASED;
        CHECK(&world, !works || !leased || request->timer_mono != 0, "L5", "no-lease", "%" PRIx64 " is worked at without a lease", request->id);
        bool limited = request->due_us != 0 && (request->flags & (FLAG_CLOCKS | FLAG_EXHAUSTED)) == 0 && request->shown != PROTO_STATUS_COMPLETED &&
                       request->shown != PROTO_STATUS_FAILED && request->shown != PROTO_STATUS_CANCELLED;
        CHECK(&world, !limited || request->timer_utc != 0, "L5", "no-timer", "%" PRIx64 " has a limit and no timer", request->id);
    }
}
