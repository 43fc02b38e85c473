/* Connections and choices that all roles share; see client.h. */
#include "client.h"

#include <inttypes.h>

#include "link.h"

struct client *
client_new(struct sim *sim, uint8_t party, uint8_t member, uint32_t key)
{
    for (uint32_t i = 0; i < CLIENTS_MAX; i++) {
        struct client *client = &sim->clients[i];
        if (i >= sim->client_count || !client->alive) {
            uint64_t pseq = client->pseq; /* a producer's numbers go on: another process, another number, is told apart by party */
            uint32_t *produced = client->produced;
            uint32_t cap = client->produced_cap;
            bool fresh = i >= sim->client_count || client->party != party;
            if (i < sim->client_count && fresh) {
                continue; /* its producer number belongs to another party */
            }
            *client = (struct client){.alive = true, .party = party, .member = member, .key = key, .conn = 0xffff};
            if (!fresh) {
                client->pseq = pseq;
                client->produced = produced;
                client->produced_cap = cap;
            }
            sim->client_count = i >= sim->client_count ? i + 1 : sim->client_count;
            return client;
        }
    }
    return NULL;
}

static void
connection_forget(struct client *client)
{
    client->conn = 0xffff;
    memset(client->watches, 0, sizeof client->watches);
}

static void
connect(struct sim *sim, uint8_t at)
{
    struct client *client = &sim->clients[at];
    client->conn = link_open(sim, at);
    if (client->conn != 0xffff && (sim->audit.parties[client->party].roles & 1u << PROTO_ROLE_PERFORMER)) {
        performer_offer(sim, at, client->honest);
    }
}

void
client_cut(struct sim *sim, uint8_t at)
{
    struct client *client = &sim->clients[at];
    if (client->conn != 0xffff) {
        sim->counts->faults[FAULT_CUT]++;
        SAY(sim, "client %u cuts conn %u", at, client->conn);
        link_close(sim, client->conn);
        connection_forget(client);
    }
}

void
client_send(struct sim *sim, uint8_t at, struct proto_record *record, const struct pending *wants)
{
    struct client *client = &sim->clients[at];
    if (client->conn == 0xffff) {
        return;
    }
    if (wants != NULL) {
        record->n = ++client->n;
        struct pending *pending = &client->pending[record->n % PENDING];
        *pending = *wants;
        pending->n = record->n;
        pending->type = (uint8_t)record->type;
    }
    proto_buf_reset(&sim->encode);
    CHECK(sim, proto_encode(&sim->encode, record), "setup", "encode", "a %s of client %u cannot be encoded",
          proto_record_desc(record->type)->name, at);
    link_up(sim, client->conn, sim->encode.p, sim->encode.n);
}

/* ------------------------------------------------------------- choices */

uint64_t
client_choose_id(struct sim *sim, uint8_t at, uint8_t *out_expect)
{
    const struct client *client = &sim->clients[at];
    *out_expect = EXPECT_ANYTHING;
    if (rng_percent(&sim->rng, sim->options.wrong_percent)) {
        bool oversees = (sim->audit.parties[client->party].roles & (1u << PROTO_ROLE_OPERATOR | 1u << PROTO_ROLE_OBSERVER)) != 0;
        if (rng_below(&sim->rng, 2) == 0) {
            *out_expect = EXPECT_ABSENT;
            return (UINT64_C(1) << 62 | rng_next(&sim->rng) >> 4) & ~UINT64_C(63);
        }
        const struct life *life = &sim->audit.lives[rng_below(&sim->rng, sim->audit.life_count)];
        bool foreign = life->requester != client->party && (life->had >> client->party & 1) == 0 && !oversees;
        *out_expect = life->id != 0 && foreign ? EXPECT_FOREIGN : EXPECT_ANYTHING;
        return life->id != 0 ? life->id : 64;
    }
    uint64_t id = client->mine[rng_below(&sim->rng, 16)];
    return id != 0 ? id : client->mine[(client->mine_next + 15) % 16];
}

/* ------------------------------------------------------------- acts that all roles share */

void
client_watch(struct sim *sim, uint8_t at)
{
    struct client *client = &sim->clients[at];
    struct watching *watch = &client->watches[rng_below(&sim->rng, WATCHES)];
    struct proto_record record;
    uint8_t roles = sim->audit.parties[client->party].roles;
    if (watch->n == 0) {
        enum proto_scope scope = roles & 1u << PROTO_ROLE_REQUESTER   ? PROTO_SCOPE_REQUESTER
                                 : roles & 1u << PROTO_ROLE_PERFORMER ? PROTO_SCOPE_PERFORMER
                                                                      : PROTO_SCOPE_ALL;
        if (rng_percent(&sim->rng, sim->options.wrong_percent)) {
            scope = (enum proto_scope)(1 + rng_below(&sim->rng, 3));
        }
        proto_record_init(&record, PROTO_WATCH);
        record.u.watch.scope = scope;
        record.u.watch.seq = rng_below(&sim->rng, 2) ? sim->told_seq : rng_next(&sim->rng) % (sim->told_seq + 1);
        record.u.watch.credit = rng_below(&sim->rng, 20);
        client_send(sim, at, &record, &(struct pending){0});
        *watch = (struct watching){.n = record.n, .seq = record.u.watch.seq, .scope = (uint8_t)scope, .credit = record.u.watch.credit};
    } else if (rng_below(&sim->rng, 8) == 0) {
        proto_record_init(&record, PROTO_WATCH);
        record.u.watch.stop = true;
        record.re = watch->n;
        client_send(sim, at, &record, NULL);
        watch->n = 0;
    } else {
        proto_record_init(&record, PROTO_CREDIT);
        record.re = watch->n;
        record.u.credit.credit = 1 + rng_below(&sim->rng, 20);
        record.u.credit.has |= PROTO_CREDIT_CREDIT;
        client_send(sim, at, &record, NULL);
    }
}

void
client_look(struct sim *sim, uint8_t at)
{
    struct proto_record record;
    struct pending pending = {0};
    switch (rng_below(&sim->rng, 6)) {
    case 0:
        proto_record_init(&record, PROTO_LIST);
        record.u.list.scope = (enum proto_scope)(1 + rng_below(&sim->rng, 3));
        record.u.list.limit = 1 + rng_below(&sim->rng, 10);
        record.u.list.finished = rng_below(&sim->rng, 2);
        break;
    case 1:
        proto_record_init(&record, PROTO_SERVICES);
        break;
    case 2:
        proto_record_init(&record, PROTO_EXPLAIN);
        record.u.explain.id = client_choose_id(sim, at, &pending.expect);
        record.u.explain.has |= PROTO_EXPLAIN_ID;
        break;
    default:
        proto_record_init(&record, PROTO_GET);
        record.u.get.id = client_choose_id(sim, at, &pending.expect);
        record.u.get.has |= PROTO_GET_ID;
        record.u.get.trail = rng_below(&sim->rng, 2);
        record.u.get.output = rng_below(&sim->rng, 2);
        record.u.get.input = rng_below(&sim->rng, 2);
        break;
    }
    client_send(sim, at, &record, &pending);
}

void
client_act(struct sim *sim, uint8_t at)
{
    struct client *client = &sim->clients[at];
    if (client->conn == 0xffff) {
        connect(sim, at);
        return;
    }
    if (!sim->faults_over && rng_ppm(&sim->rng, sim->options.cut_ppm)) {
        client_cut(sim, at);
        return;
    }
    if (enrol_act(sim, at)) {
        return;
    }
    if (rng_percent(&sim->rng, sim->options.watch_percent)) {
        client_watch(sim, at);
        return;
    }
    uint8_t roles = sim->audit.parties[client->party].roles;
    if (rng_percent(&sim->rng, sim->options.wrong_percent)) {
        roles = (uint8_t)(1u << rng_below(&sim->rng, 3)); /* outside its rights, perhaps */
    }
    bool requests = roles & 1u << PROTO_ROLE_REQUESTER, performs = roles & 1u << PROTO_ROLE_PERFORMER;
    if (performs && (!requests || rng_below(&sim->rng, 2))) {
        performer_act(sim, at);
    } else if (requests) {
        requester_act(sim, at);
    } else if (roles & 1u << PROTO_ROLE_OPERATOR) {
        overseer_act(sim, at);
    } else {
        client_look(sim, at);
    }
}

void
client_deliver(struct sim *sim, uint16_t at)
{
    struct conn *conn = &sim->conns[at];
    struct client *client = &sim->clients[conn->client];
    struct message *message = sim->arriving = queue_take(sim, conn, &conn->down);
    if (message == NULL) {
        if (conn->client_open && conn->greeted && !conn->broker_open) {
            conn->client_open = false;
            if (client->conn == at) {
                connection_forget(client);
                enrol_dropped(client);
            }
        }
        link_settle(sim, at);
        return;
    }
    struct proto_record record;
    struct proto_error error;
    size_t used, from = 0;
    while (from < message->n) {
        bool decodes = proto_decode(message->bytes + from, message->n - from, &used, &record, &error);
        CHECK(sim, decodes, "D6", "told-codec", "what the broker sent does not decode: %s %s", error.path, error.why);
        if (!decodes) {
            break;
        }
        from += used;
        sim->counts->told++;
        SAY(sim, "client %u hears %s re=%" PRIu64, conn->client, proto_record_desc(record.type)->name, record.re);
        if (client->conn == at) {
            note_record(sim, conn->client, conn, message, &record);
        }
    }
    free(message);
    sim->arriving = NULL;
}
