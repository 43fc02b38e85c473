/*
 * Apply: parties, members, services, terms, and the pieces of snapshots; see apply.h.
 */
#include <stdlib.h>

#include "core/apply.h"
#include "core/group.h"
#include "core/kept.h"
#include "core/party.h"

static void
bytes_keep(uint8_t **p, uint32_t *n, struct proto_bin value)
{
    if (value.p == *p && value.n == *n) {
        return; /* a fact that repeats what is there, from the very same bytes */
    }
    *p = table_realloc(*p, value.n);
    if (value.n > 0) {
        memcpy(*p, value.p, value.n);
    }
    *n = value.n;
}

static uint32_t
roles_of_list(struct proto_bin list)
{
    uint32_t roles = 0;
    struct proto_iter it = proto_iter_of(list);
    struct proto_str name;
    unsigned role;
    while (proto_iter_str(&it, &name)) {
        if (proto_enum_number(PROTO_ENUM_ROLE, name.p, name.n, &role)) {
            roles |= 1u << role;
        }
    }
    return roles;
}

static bool
apply_party(struct core *core, const struct proto_ev_party *fact)
{
    if (fact->name.n == 0) {
        return false;
    }
    uint32_t item = party_find(core, fact->name);
    if (item == 0 && core->parties.count >= PARTIES_HARD) {
        return false;
    }
    if (item == 0) {
        item = party_make(core, fact->name);
    }
    struct party *party = party_at(core, item);
    party->title_n = (uint8_t)fact->title.n;
    if (fact->title.n > 0) {
        memmove(party->title, fact->title.p, fact->title.n); /* it may be its own */
    }
    party->roles = roles_of_list(fact->roles);
    bytes_keep(&party->services, &party->services_n, fact->services);
    bytes_keep(&party->attributes, &party->attributes_n, fact->attributes);
    party->quota = fact->quota;
    party->paused = fact->paused;
    party->draining = fact->draining;
    party->revoked = fact->revoked;
    return true;
}

static bool
apply_member(struct core *core, const struct proto_ev_member *fact)
{
    uint32_t party = party_find(core, fact->of);
    if (party == 0 || fact->name.n == 0 || fact->key.n != 32 || fact->state < CORE_MEMBER_ACTIVE ||
        fact->state > CORE_MEMBER_REVOKED) {
        return false;
    }
    uint32_t item = member_find_key(core, fact->key.p);
    if (item == 0) {
        item = member_make(core, party, fact->name, fact->key.p);
    }
    struct member *member = member_at(core, item);
    if (member->party != party || !proto_str_eq(name_str(&member->name), fact->name)) {
        return false;
    }
    member->state = (enum core_member_state)fact->state;
    member->expires_us = fact->expires;
    return true;
}

static bool
apply_terms(struct core *core, const struct proto_event *event)
{
    const struct proto_ev_terms *fact = &event->u.terms;
    if (fact->terms == 0 || event->service.n == 0 ||
        (fact->tenure != PROTO_TENURE_LEASED && fact->tenure != PROTO_TENURE_OWNED)) {
        return false;
    }
    uint32_t service = service_make(core, event->service);
    uint32_t item = terms_find(core, fact->terms);
    if (item == 0) {
        item = terms_make(core, fact->terms, service);
        struct terms *terms = terms_at(core, item);
        terms->tenure = fact->tenure;
        terms->policy = fact->policy;
        terms->verify = fact->verify;
        terms->complete_by_fails = fact->complete_by_fails;
        terms->attempts = fact->attempts;
        terms->releases_max = fact->releases_max;
        terms->accept_by_us = fact->accept_by;
        terms->start_by_us = fact->start_by;
        terms->attempt_us = fact->attempt_limit;
        terms->lease_us = fact->lease;
        terms->backoff_us = fact->backoff;
        terms->backoff_max_us = fact->backoff_max;
        terms->age_us = fact->age;
    }
    if (fact->terms > core->terms_last) {
        core->terms_last = fact->terms;
    }
    struct service *of = service_at(core, service);
    if (of->terms == 0 || terms_at(core, of->terms)->number < fact->terms) {
        of->terms = item;
    }
    return true;
}

static bool
apply_key_kept(struct core *core, const struct proto_event *event)
{
    uint32_t requester = party_find(core, event->requester);
    if (requester == 0 || event->u.key_kept.entries.n % KEPT_ENTRY_BYTES != 0) {
        return false;
    }
    keys_restore(core, requester, event->u.key_kept.entries);
    return true;
}

static bool
apply_producer_kept(struct core *core, const struct proto_event *event)
{
    uint32_t party = party_find(core, event->requester);
    if (party == 0 || event->u.producer_kept.first == 0) {
        return false;
    }
    producer_restore(core, party, &event->u.producer_kept);
    return true;
}

static bool
apply_high_water(struct core *core, const struct proto_ev_high_water *fact)
{
    core->id_last = fact->request > core->id_last ? fact->request : core->id_last;
    core->fence_last = fact->top_fence > core->fence_last ? fact->top_fence : core->fence_last;
    core->terms_last = fact->top_terms > core->terms_last ? fact->top_terms : core->terms_last;
    core->expired_to_us = fact->expired > core->expired_to_us ? fact->expired : core->expired_to_us;
    core->snapshot_seq = fact->seq > core->snapshot_seq ? fact->seq : core->snapshot_seq;
    return true;
}

bool
apply_other(struct core *core, const struct proto_event *event)
{
    switch (event->type) {
    case PROTO_EV_PARTY:
        return apply_party(core, &event->u.party);
    case PROTO_EV_MEMBER:
        return apply_member(core, &event->u.member);
    case PROTO_EV_SERVICE_STATE: {
        if (event->service.n == 0) {
            return false;
        }
        struct service *service = service_at(core, service_make(core, event->service));
        service->paused = event->u.service_state.paused;
        service->draining = event->u.service_state.draining;
        return true;
    }
    case PROTO_EV_CATALOGUE_LOADED:
        if (event->u.catalogue_loaded.digest.n != sizeof core->catalogue_digest) {
            return false;
        }
        memcpy(core->catalogue_digest, event->u.catalogue_loaded.digest.p, sizeof core->catalogue_digest);
        return true;
    case PROTO_EV_TERMS:
        return apply_terms(core, event);
    case PROTO_EV_KEY_KEPT:
        return apply_key_kept(core, event);
    case PROTO_EV_PRODUCER_KEPT:
        return apply_producer_kept(core, event);
    case PROTO_EV_HIGH_WATER:
        return apply_high_water(core, &event->u.high_water);
    default:
        return false;
    }
}
