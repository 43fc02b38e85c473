/*
 * An operator: pauses, resumes, drains, holds, requeues, fails, grants, revokes, enrols new members, reloads, looks.
 */
#include "client.h"
#include "content.h"

static uint8_t
some_party(struct sim *sim)
{
    return (uint8_t)rng_below(&sim->rng, sim->party_count);
}

static void
state_change(struct sim *sim, uint8_t at)
{
    struct proto_record record;
    uint32_t roll = rng_below(&sim->rng, 8);
    enum proto_type type = roll == 0 ? PROTO_PAUSE : roll == 1 ? PROTO_DRAIN : PROTO_RESUME;
    proto_record_init(&record, type);
    struct proto_str service = {0}, party = {0};
    if (rng_below(&sim->rng, 2)) {
        service = service_name(rng_below(&sim->rng, sim->options.services));
    } else {
        party = party_name(some_party(sim));
    }
    if (type == PROTO_PAUSE) {
        record.u.pause.service = service;
        record.u.pause.party = party;
    } else if (type == PROTO_DRAIN) {
        record.u.drain.service = service;
        record.u.drain.party = party;
    } else {
        record.u.resume.service = service;
        record.u.resume.party = party;
    }
    client_send(sim, at, &record, &(struct pending){0});
}

static uint64_t
some_request(struct sim *sim)
{
    const struct life *life = &sim->audit.lives[rng_below(&sim->rng, sim->audit.life_count)];
    return life->id != 0 ? life->id : 64;
}

static void
request_change(struct sim *sim, uint8_t at)
{
    struct proto_record record;
    struct pending pending = {.id = some_request(sim)};
    switch (rng_below(&sim->rng, 4)) {
    case 0:
        proto_record_init(&record, PROTO_FAIL);
        record.u.fail.id = pending.id;
        break;
    case 1:
        proto_record_init(&record, PROTO_REQUEUE);
        record.u.requeue.id = pending.id;
        record.u.requeue.has |= PROTO_REQUEUE_ID;
        break;
    default:
        proto_record_init(&record, PROTO_HOLD);
        record.u.hold.id = pending.id;
        record.u.hold.lift = rng_below(&sim->rng, 2);
        break;
    }
    client_send(sim, at, &record, &pending);
}

static void
grant(struct sim *sim, uint8_t at)
{
    struct proto_record record;
    uint8_t party = some_party(sim);
    struct proto_str services[SERVICES_MAX];
    uint32_t n = 0;
    proto_record_init(&record, PROTO_PARTY);
    for (unsigned i = 0; i < sim->options.services; i++) {
        if (rng_below(&sim->rng, 3) != 0) {
            services[n++] = service_name(i);
        }
    }
    proto_buf_reset(&sim->scratch);
    record.u.party.action = rng_below(&sim->rng, 4) ? PROTO_PARTY_ACTION_GRANT : PROTO_PARTY_ACTION_REVOKE;
    record.u.party.has |= PROTO_PARTY_ACTION;
    record.u.party.party = party_name(party);
    if (n == 0) {
        services[n++] = PROTO_STR("*");
    }
    record.u.party.services = content_list(&sim->scratch, services, n);
    client_send(sim, at, &record, &(struct pending){0});
}

void
overseer_act(struct sim *sim, uint8_t at)
{
    struct proto_record record;
    switch (rng_below(&sim->rng, 8)) {
    case 0:
    case 1:
        state_change(sim, at);
        break;
    case 2:
    case 3:
        request_change(sim, at);
        break;
    case 4:
        grant(sim, at);
        break;
    case 5:
        proto_record_init(&record, rng_below(&sim->rng, 2) ? PROTO_QUEUES : PROTO_WORKERS);
        client_send(sim, at, &record, &(struct pending){0});
        break;
    case 6:
        if (rng_percent(&sim->rng, sim->options.wrong_percent + 2)) {
            proto_record_init(&record, PROTO_CATALOGUE);
            client_send(sim, at, &record, &(struct pending){0});
            break;
        }
        client_look(sim, at);
        break;
    default:
        client_look(sim, at);
        break;
    }
}

/* ------------------------------------------------------------- revocation, and somebody new instead */

static void
member_add(struct sim *sim, uint8_t operator_at, uint8_t party, uint8_t member)
{
    struct proto_record record;
    if (sim->key_count >= KEYS_MAX - 1) {
        return;
    }
    uint32_t key = sim->key_count++;
    uint8_t bytes[32];
    key_bytes(key, bytes);
    proto_record_init(&record, PROTO_PARTY);
    record.u.party.action = PROTO_PARTY_ACTION_ADD;
    record.u.party.has |= PROTO_PARTY_ACTION;
    record.u.party.party = party_name(party);
    record.u.party.member = member_name(member);
    record.u.party.key = (struct proto_bin){bytes, sizeof bytes};
    client_send(sim, operator_at, &record, &(struct pending){0});
    client_new(sim, party, member, key); /* it is refused until the operator's record has arrived */
}

/* One member's key is revoked and gets a new one; seldom a whole party goes. */
void
overseer_revoke(struct sim *sim)
{
    uint8_t at = (uint8_t)rng_below(&sim->rng, sim->client_count);
    struct client *victim = &sim->clients[at];
    struct client *operator = &sim->clients[0];
    if (at == 0 || !victim->alive || victim->party == 0 || operator->conn == 0xffff) {
        return;
    }
    uint8_t bytes[32];
    struct proto_record record;
    sim->counts->faults[FAULT_REVOKE]++;
    proto_record_init(&record, PROTO_PARTY);
    record.u.party.action = PROTO_PARTY_ACTION_REVOKE;
    record.u.party.has |= PROTO_PARTY_ACTION;
    record.u.party.party = party_name(victim->party);
    if (rng_below(&sim->rng, 12) == 0) {
        SAY(sim, "party %u is to be revoked", victim->party);
        client_send(sim, 0, &record, &(struct pending){0});
        return;
    }
    key_bytes(victim->key, bytes);
    record.u.party.key = (struct proto_bin){bytes, sizeof bytes};
    client_send(sim, 0, &record, &(struct pending){0});
    SAY(sim, "key %u of client %u is to be revoked", victim->key, at);
    uint8_t party = victim->party, member = victim->member;
    if (rng_below(&sim->rng, 2)) {
        victim->alive = false; /* its old process goes on otherwise, with a key that does not count */
        client_cut(sim, at);
    }
    member_add(sim, 0, party, member);
}
