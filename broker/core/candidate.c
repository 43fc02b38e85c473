/*
 * Who may take the tasks of a group, and who takes the next one; see candidate.h.
 */
#include "core/candidate.h"

#include <stdlib.h>

#include "core/offer.h"
#include "core/party.h"
#include "core/queue.h"

static bool
holds(const uint64_t *tags, uint32_t n, uint64_t tag)
{
    for (uint32_t i = 0; i < n; i++) {
        if (tags[i] == tag) {
            return true;
        }
    }
    return false;
}

/* ------------------------------------------------------------- candidates of a group */

/* What does not change while offers stay as they are. */
static const char *
offer_incapable(const struct core *core, const struct group *group, const struct offer *offer, char *why, size_t why_n)
{
    const struct wishes *wishes = &group->wishes;
    if (offer->verify) {
        return "only verifies results";
    }
    const struct party *party = party_at(core, offer->party);
    if (wishes->directed != 0 && party->tag != wishes->directed) {
        return "the request is directed to another party";
    }
    if (holds(wishes->exclude, wishes->exclude_n, party->tag)) {
        return "excluded by the requester";
    }
    if (wishes->require.n > 0) {
        struct attribute_view view = {{party->attributes, party->attributes_n}, {offer->attributes, offer->attributes_n},
                                      service_at(core, group->service)->type};
        if (!constraint_eval(wishes->require, &view, why, why_n)) {
            return why != NULL ? why : "a constraint is not met";
        }
    }
    return NULL;
}

void
candidates_find(struct core *core, struct group *group)
{
    const struct service *service = service_at(core, group->service);
    if (group->version == service->version) {
        return;
    }
    group->version = service->version;
    group->room_seen = core->room_version - 1;
    uint32_t words = (service->offer_count + 63) / 64;
    if (words > group->candidate_words) {
        group->candidates = table_realloc(group->candidates, words * sizeof *group->candidates);
        group->candidate_words = words;
    }
    if (words > 0) {
        memset(group->candidates, 0, words * sizeof *group->candidates);
    }
    group->candidate_count = 0;
    for (uint32_t i = 0; i < service->offer_count; i++) {
        if (offer_incapable(core, group, offer_at(core, service->offers[i]), NULL, 0) == NULL) {
            group->candidates[i / 64] |= UINT64_C(1) << (i % 64);
            group->candidate_count++;
        }
    }
}

bool
offer_stands_still(const struct core *core, const struct offer *offer)
{
    const struct party *party = party_at(core, offer->party);
    return party->paused || party->draining || party->revoked;
}

bool
avoid_blocks(const struct core *core, const struct group *group, uint32_t party)
{
    if (group->wishes.avoid_n == 0 || !holds(group->wishes.avoid, group->wishes.avoid_n, party_at(core, party)->tag)) {
        return false;
    }
    const struct service *service = service_at(core, group->service);
    for (uint32_t i = 0; i < service->offer_count; i++) {
        const struct offer *other = offer_at(core, service->offers[i]);
        if ((group->candidates[i / 64] >> (i % 64) & 1) != 0 && !offer_stands_still(core, other) &&
            !holds(group->wishes.avoid, group->wishes.avoid_n, party_at(core, other->party)->tag)) {
            return true;
        }
    }
    return false;
}

const char *
match_obstacle(const struct core *core, uint32_t group_item, uint32_t offer_item, char *why, size_t why_n)
{
    const struct group *group = group_at(core, group_item);
    const struct offer *offer = offer_at(core, offer_item);
    const struct party *party = party_at(core, offer->party);
    const char *obstacle = offer_incapable(core, group, offer, why, why_n);
    if (obstacle != NULL) {
        return obstacle;
    }
    if (party->paused) {
        return "provider is paused";
    }
    if (party->draining) {
        return "provider is draining";
    }
    if (offer->running >= offer->capacity) {
        return "no free capacity";
    }
    return offer->credit == 0 ? "asks for no more work now" : NULL;
}

bool
match_capable(const struct core *core, uint32_t group, uint32_t offer)
{
    return offer_incapable(core, group_at(core, group), offer_at(core, offer), NULL, 0) == NULL;
}

/* ------------------------------------------------------------- the service's policy */

struct rank {
    uint32_t preferred; /* place in the requester's list */
    double key;         /* distance, price: less is better */
};

static struct rank
offer_rank(const struct core *core, const struct group *group, enum proto_policy policy, const struct offer *offer)
{
    const struct wishes *wishes = &group->wishes;
    struct rank rank = {0, 0};
    uint64_t tag = party_at(core, offer->party)->tag;
    while (rank.preferred < wishes->prefer_n && wishes->prefer[rank.preferred] != tag) {
        rank.preferred++;
    }
    if (policy == PROTO_POLICY_NEAREST && wishes->located) {
        rank.key = offer->located ? point_distance_km(wishes->latitude_e4 / 1e4, wishes->longitude_e4 / 1e4,
                                                      offer->latitude, offer->longitude)
                                  : 1e9;
    } else if (policy == PROTO_POLICY_CHEAPEST) {
        /* Prices in different currencies cannot be compared: those in another one than the service's come last. */
        const struct service_type *type = service_at(core, group->service)->type;
        bool same = type != NULL && memcmp(offer->currency, type->currency, sizeof offer->currency) == 0;
        rank.key = offer->has_price && same ? (double)offer->price : 1e300;
    }
    return rank;
}

/* Preference first, then the policy, then the lighter load, then who offered first. */
static bool
offer_better(const struct offer *a, struct rank ra, const struct offer *b, struct rank rb)
{
    if (ra.preferred != rb.preferred) {
        return ra.preferred < rb.preferred;
    }
    if (ra.key != rb.key) {
        return ra.key < rb.key;
    }
    uint64_t load_a = (uint64_t)a->running * b->capacity;
    uint64_t load_b = (uint64_t)b->running * a->capacity;
    return load_a != load_b ? load_a < load_b : a->order < b->order;
}

uint32_t
offer_pick(struct core *core, struct group *group)
{
    const struct service *service = service_at(core, group->service);
    enum proto_policy policy = terms_at(core, group->wishes.terms)->policy;
    uint32_t best = 0, second = 0;
    struct rank best_rank = {0, 0}, second_rank = {0, 0};
    bool others = false;
    for (uint32_t i = 0; i < service->offer_count; i++) {
        if ((group->candidates[i / 64] >> (i % 64) & 1) == 0) {
            continue;
        }
        uint32_t item = service->offers[i];
        const struct offer *offer = offer_at(core, item);
        if (offer_stands_still(core, offer)) {
            continue;
        }
        bool avoided = group->wishes.avoid_n > 0 &&
                       holds(group->wishes.avoid, group->wishes.avoid_n, party_at(core, offer->party)->tag);
        others = others || !avoided;
        if (offer_room(offer) == 0) {
            continue;
        }
        struct rank rank = offer_rank(core, group, policy, offer);
        uint32_t *chosen = avoided ? &second : &best;
        struct rank *chosen_rank = avoided ? &second_rank : &best_rank;
        if (*chosen == 0 || offer_better(offer, rank, offer_at(core, *chosen), *chosen_rank)) {
            *chosen = item;
            *chosen_rank = rank;
        }
    }
    return best != 0 || others ? best : second;
}
