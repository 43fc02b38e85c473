/*
 * How members come: an operator's invitation with a one-time key, with which somebody makes its own; and rotation, a second key
 * beside the first. Whose answer is lost tries both keys in turn.
 */
#include "client.h"

enum { SECOND = 1000000, NAMES = 6 };

void
overseer_invite(struct sim *sim)
{
    uint8_t at = (uint8_t)rng_below(&sim->rng, sim->client_count);
    const struct client *operator = &sim->clients[at];
    bool may = sim->audit.parties[operator->party].roles & 1u << PROTO_ROLE_OPERATOR;
    if (sim->key_count + 2 >= KEYS_MAX || !operator->alive || operator->conn == 0xffff || (!may && rng_below(&sim->rng, 8) != 0)) {
        return;
    }
    uint32_t key = sim->key_count;
    uint8_t bytes[32], party = (uint8_t)rng_below(&sim->rng, sim->party_count), member = (uint8_t)rng_below(&sim->rng, NAMES);
    struct proto_record record;
    sim->key_count += 2;
    key_bytes(key, bytes);
    proto_record_init(&record, PROTO_PARTY);
    record.u.party.action = PROTO_PARTY_ACTION_INVITE;
    record.u.party.has |= PROTO_PARTY_ACTION;
    record.u.party.party = party_name(party);
    record.u.party.member = member_name(member);
    record.u.party.key = (struct proto_bin){bytes, sizeof bytes};
    record.u.party.expires = rng_below(&sim->rng, 4) == 0 ? 0 : sim->now.utc_us + rng_between(&sim->rng, SECOND, INT64_C(600) * SECOND);
    sim->counts->faults[FAULT_INVITE]++;
    client_send(sim, at, &record, &(struct pending){0});
    struct client *client = client_new(sim, party, member, key);
    if (client != NULL) {
        SAY(sim, "key %u invites a member %u of party %u", key, member, party);
        client->other_key = key + 1;
        client->invited = true;
    }
}

bool
enrol_act(struct sim *sim, uint8_t at)
{
    struct client *client = &sim->clients[at];
    bool wrong = rng_percent(&sim->rng, sim->options.wrong_percent);
    if (at != 0 && !client->invited && client->other_key == 0 && !sim->faults_over && rng_ppm(&sim->rng, sim->options.invite_ppm) &&
        sim->key_count + 1 < KEYS_MAX) {
        client->other_key = sim->key_count++; /* rotation */
    } else if (client->other_key == 0 || (client->invited ? wrong : rng_below(&sim->rng, 4) != 0)) {
        return false; /* an invited one does what it may not yet */
    }
    uint32_t key = wrong && rng_below(&sim->rng, 2) ? rng_below(&sim->rng, sim->key_count) : client->other_key;
    key = sim->audit.keys[key].state == 0 ? client->other_key : key; /* another's, but not before it is known */
    uint8_t bytes[32];
    struct proto_record record;
    key_bytes(key, bytes);
    proto_record_init(&record, PROTO_ENROL);
    record.u.enrol.key = (struct proto_bin){bytes, sizeof bytes};
    record.u.enrol.has |= PROTO_ENROL_KEY;
    if (rng_below(&sim->rng, 2)) {
        record.u.enrol.member = member_name(wrong ? rng_below(&sim->rng, NAMES) : client->member);
    }
    client_send(sim, at, &record, &(struct pending){.extra = key == client->other_key});
    return true;
}

static void
keys_swap(struct client *client)
{
    uint32_t key = client->key;
    client->key = client->other_key;
    client->other_key = key;
}

void
enrol_told(struct sim *sim, uint8_t at)
{
    struct client *client = &sim->clients[at];
    keys_swap(client);
    client->other_key = 0;
    client->invited = false;
    client_cut(sim, at); /* and comes back with its own */
}

void
enrol_settled(struct sim *sim, struct client *client)
{
    if (client->other_key != 0 && sim->audit.keys[client->key].state != CORE_MEMBER_ACTIVE) {
        keys_swap(client);
    }
    client->other_key = 0;
    client->invited = false;
}

void
enrol_dropped(struct client *client)
{
    if (client->other_key != 0) {
        keys_swap(client);
    }
}
