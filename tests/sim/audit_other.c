/*
 * Events about no request: parties, keys, services, terms. They are the audit's own knowledge of who may do what.
 */
#include "audit.h"

#include <inttypes.h>

static uint8_t
roles_of(struct proto_bin list)
{
    struct proto_iter it = proto_iter_of(list);
    struct proto_str text;
    unsigned number, roles = 0;
    while (proto_iter_str(&it, &text)) {
        if (proto_enum_number(PROTO_ENUM_ROLE, text.p, text.n, &number)) {
            roles |= 1u << number;
        }
    }
    return (uint8_t)roles;
}

static uint16_t
services_of(struct proto_bin list)
{
    struct proto_iter it = proto_iter_of(list);
    struct proto_str text;
    uint16_t services = 0;
    while (proto_iter_str(&it, &text)) {
        uint8_t service = service_of_name(text);
        services = (uint16_t)(service != NOBODY ? services | 1u << service : 0xffff); /* "*" and "svc.*" */
    }
    return services;
}

/* C4, C6: what a person did carries that person's name, and that person may. */
static void
actor_check(struct sim *sim, const struct proto_event *event)
{
    if (event->party.n == 0) {
        return;
    }
    CHECK(sim, sim->actor != NULL && party_of_name(event->party) == sim->actor->party &&
                   member_of_name(event->member) == sim->actor->member,
          "C6", "actor", "an entry names %.*s/%.*s, who did not act", PROTO_STR_ARG(event->party), PROTO_STR_ARG(event->member));
}

/* C2, C4: only an operator says who may do what. */
static void
rights_check(struct sim *sim, const struct proto_event *event)
{
    if (event->party.n == 0) {
        return;
    }
    const struct key_state *by = &sim->audit.keys[sim->actor->key];
    CHECK(sim, by->state == CORE_MEMBER_ACTIVE && !sim->audit.parties[by->party].revoked, "C4", "revoked-decides", "%s by key %u, which stands as %u",
          proto_ev_desc(event->type)->name, sim->actor->key, by->state);
    CHECK(sim, sim->audit.parties[by->party].roles & 1u << PROTO_ROLE_OPERATOR, "C2", "no-operator", "%s by party %u, which is no operator",
          proto_ev_desc(event->type)->name, by->party);
}

/* C2: a key enrols another of its own member, and an invitation does so once, in time. */
static void
enrol_check(struct sim *sim, const struct proto_ev_member *fact, uint32_t number)
{
    const struct key_state *by = &sim->audit.keys[sim->actor->key];
    bool in_time = by->expires_us == 0 || by->expires_us > sim->now.utc_us;
    CHECK(sim, !sim->audit.parties[by->party].revoked && (by->state == CORE_MEMBER_ACTIVE || (by->state == CORE_MEMBER_INVITED && in_time)), "C2",
          "enrolled-by", "key %u was enrolled by key %u, which stands as %u", number, sim->actor->key, by->state);
    CHECK(sim, party_of_name(fact->of) == by->party && member_of_name(fact->name) == by->member, "C2", "enrolled-whom",
          "key %u of %u/%u enrolled one of %.*s/%.*s", sim->actor->key, by->party, by->member, PROTO_STR_ARG(fact->of), PROTO_STR_ARG(fact->name));
    CHECK(sim, fact->state == CORE_MEMBER_ACTIVE || (fact->state == CORE_MEMBER_REVOKED && number == sim->actor->key), "C2", "enrolled-as",
          "enrolling made key %u stand as %u", number, fact->state);
    sim->counts->enrolled += fact->state == CORE_MEMBER_ACTIVE;
}

static void
on_party_event(struct sim *sim, const struct proto_event *event, struct undo *undo)
{
    const struct proto_ev_party *fact = &event->u.party;
    uint8_t party = party_of_name(fact->name);
    CHECK(sim, party != NOBODY, "C6", "party-name", "a party of a name that nobody gave");
    struct party_state *state = &sim->audit.parties[party];
    undo->kind = UNDO_PARTY;
    undo->index = party;
    undo->party = *state;
    *state = (struct party_state){.known = true,
                                  .paused = fact->paused,
                                  .draining = fact->draining,
                                  .revoked = fact->revoked,
                                  .roles = roles_of(fact->roles),
                                  .services = services_of(fact->services)};
    CHECK(sim, !undo->party.revoked || state->revoked, "C4", "party-back", "a revoked party came back");
}

static void
on_member_event(struct sim *sim, const struct proto_event *event, struct undo *undo)
{
    const struct proto_ev_member *fact = &event->u.member;
    uint32_t number;
    memcpy(&number, fact->key.p, sizeof number);
    CHECK(sim, number < KEYS_MAX, "C6", "key", "a key that nobody made");
    struct key_state *state = &sim->audit.keys[number];
    undo->kind = UNDO_KEY;
    undo->index = number;
    undo->key = *state;
    if (sim->record != NULL && sim->record->type == PROTO_ENROL) {
        enrol_check(sim, fact, number);
    } else {
        rights_check(sim, event);
    }
    CHECK(sim, state->state != CORE_MEMBER_REVOKED || fact->state == CORE_MEMBER_REVOKED, "C4", "key-back",
          "revoked key %u counts again", number);
    CHECK(sim, state->state == 0 || fact->state == CORE_MEMBER_REVOKED, "C2", "key-taken", "key %u stands for somebody already", number);
    *state = (struct key_state){.state = (uint8_t)fact->state, .party = party_of_name(fact->of), .member = member_of_name(fact->name),
                                .expires_us = fact->expires};
}

static void
on_terms_event(struct sim *sim, const struct proto_event *event, struct undo *undo)
{
    const struct proto_ev_terms *fact = &event->u.terms;
    CHECK(sim, fact->terms < TERMS_MAX, "B1", "terms", "terms number %u", fact->terms);
    undo->kind = UNDO_TERMS;
    undo->index = fact->terms;
    undo->terms = sim->audit.terms[fact->terms];
    sim->audit.terms[fact->terms] = (struct terms_state){.service = service_of_name(event->service),
                                                         .owned = fact->tenure == PROTO_TENURE_OWNED,
                                                         .verify = fact->verify,
                                                         .late_fails = fact->complete_by_fails,
                                                         .attempts = fact->attempts,
                                                         .releases_max = fact->releases_max,
                                                         .lease_us = fact->lease};
}

void
audit_other(struct sim *sim, const struct proto_event *event, struct undo *undo)
{
    actor_check(sim, event);
    switch (event->type) {
    case PROTO_EV_PARTY:
        rights_check(sim, event);
        on_party_event(sim, event, undo);
        break;
    case PROTO_EV_MEMBER:
        on_member_event(sim, event, undo);
        break;
    case PROTO_EV_SERVICE_STATE: {
        uint8_t service = service_of_name(event->service);
        rights_check(sim, event);
        CHECK(sim, service != NOBODY, "C6", "service-name", "a service of an unknown name");
        undo->kind = UNDO_SERVICE;
        undo->index = service;
        undo->service = sim->audit.services[service];
        sim->audit.services[service] = (struct service_state){event->u.service_state.paused, event->u.service_state.draining};
        break;
    }
    case PROTO_EV_TERMS:
        on_terms_event(sim, event, undo);
        break;
    case PROTO_EV_CATALOGUE_LOADED:
        break;
    default:
        sim_fail(sim, "D4", "event-kind", "event %s in the journal", proto_ev_desc(event->type)->name);
    }
}
