/* See settle.h. */
#include "settle.h"

#include <inttypes.h>

#include "audit.h"
#include "broker.h"
#include "client.h"
#include "link.h"

#include "proto/writer.h"

enum { ROUNDS = 5000, QUIET_ROUNDS = 40, WAIT_US = 1000000, IDLE_TICKS = 10000 };

void
settle_drain(struct sim *sim)
{
    bool worked = true;
    uint64_t seq = sim->journal.last;
    uint32_t idle_ticks = 0;
    while (worked) {
        worked = false;
        idle_ticks = sim->journal.last == seq ? idle_ticks : 0;
        seq = sim->journal.last;
        for (uint16_t at = 1; at < CONNS_MAX; at++) {
            struct conn *conn = &sim->conns[at];
            while (conn->used && (conn->up.head != NULL || (conn->broker_open && !conn->client_open))) {
                broker_deliver(sim, at);
                sim->step++;
                worked = true;
            }
            while (conn->used && (conn->down.head != NULL || (conn->client_open && conn->greeted && !conn->broker_open))) {
                client_deliver(sim, at);
                sim->step++;
                worked = true;
            }
        }
        if (core_next_deadline(sim->broker.core, sim->now) <= sim->now.mono_us) {
            broker_tick(sim);
            worked = true;
            CHECK(sim, idle_ticks++ < IDLE_TICKS, "B5", "spin", "the core wants to be called at once, and does nothing, %d times", IDLE_TICKS);
        }
        bool chores = broker_commit(sim);
        chores = broker_ask(sim) || chores;
        chores = broker_feed(sim) || chores;
        worked = worked || chores;
    }
    broker_project(sim);
}

/* ------------------------------------------------------------- who is left */

static bool
client_counts(const struct sim *sim, const struct client *client)
{
    return client->alive && sim->audit.keys[client->key].state == CORE_MEMBER_ACTIVE && !sim->audit.parties[client->party].revoked;
}

static int
client_of_party(const struct sim *sim, uint8_t party)
{
    for (uint32_t i = 0; i < sim->client_count; i++) {
        if (sim->clients[i].party == party && client_counts(sim, &sim->clients[i])) {
            return (int)i;
        }
    }
    return -1;
}

static bool
party_performs(const struct sim *sim, uint8_t party)
{
    return (sim->audit.parties[party].roles & 1u << PROTO_ROLE_PERFORMER) && client_of_party(sim, party) >= 0;
}

/* Is there anybody who could take it? */
static bool
life_has_capable(const struct sim *sim, const struct life *life)
{
    for (uint8_t party = 0; party < sim->party_count; party++) {
        bool directed = life->directed == NOBODY || life->directed == party || life->fallback;
        if (party_performs(sim, party) && directed && (life->exclude >> party & 1) == 0 && !life->impossible) {
            return true;
        }
    }
    return false;
}

/* Its performer has nobody left, or no second member who could verify its result. */
static bool
life_lacks_people(const struct sim *sim, const struct life *life)
{
    if (life->performer != NOBODY && client_of_party(sim, life->performer) < 0) {
        return true;
    }
    if ((life->flags & LIFE_VERIFY) == 0) {
        return false;
    }
    for (uint32_t i = 0; i < sim->client_count; i++) {
        const struct client *client = &sim->clients[i];
        if (client->party == life->performer && client->member != life->worker && client_counts(sim, client)) {
            return false;
        }
    }
    return true;
}

/* ------------------------------------------------------------- what everybody should do */

static void
operator_sends(struct sim *sim, struct proto_record *record)
{
    client_send(sim, 0, record, &(struct pending){0});
}

static void
world_mend(struct sim *sim)
{
    struct proto_record record;
    sim->broker.pressure = 0;
    broker_decide(sim, &(struct core_input){.kind = CORE_PRESSURE});
    broker_reload(sim, 0);
    for (uint8_t i = 0; i < sim->client_count; i++) {
        if (sim->clients[i].conn != 0xffff) {
            link_close(sim, sim->clients[i].conn);
            sim->clients[i].conn = 0xffff;
        }
        enrol_settled(sim, &sim->clients[i]);
        sim->clients[i].honest = true;
        sim->clients[i].used = 0;
        memset(sim->clients[i].held, 0, sizeof sim->clients[i].held); /* from now on it forgets nothing */
    }
    settle_drain(sim);
    client_act(sim, 0);
    for (unsigned i = 0; i < sim->options.services; i++) {
        proto_record_init(&record, PROTO_RESUME);
        record.u.resume.service = service_name(i);
        operator_sends(sim, &record);
    }
    for (uint8_t party = 1; party < sim->party_count; party++) {
        proto_record_init(&record, PROTO_RESUME);
        record.u.resume.party = party_name(party);
        operator_sends(sim, &record);
        struct proto_str all = PROTO_STR("*");
        proto_record_init(&record, PROTO_PARTY);
        proto_buf_reset(&sim->scratch);
        proto_put_list(&sim->scratch, 1);
        proto_put_str(&sim->scratch, all);
        record.u.party.action = PROTO_PARTY_ACTION_GRANT;
        record.u.party.has |= PROTO_PARTY_ACTION;
        record.u.party.party = party_name(party);
        record.u.party.services = (struct proto_bin){sim->scratch.p, (uint32_t)sim->scratch.n};
        operator_sends(sim, &record);
    }
    settle_drain(sim);
    for (uint8_t i = 1; i < sim->client_count; i++) {
        if (client_counts(sim, &sim->clients[i])) {
            client_act(sim, i); /* connects, and offers everything */
        }
    }
    settle_drain(sim);
}

/* What only a person can untie. */
static void
life_untie(struct sim *sim, const struct life *life)
{
    struct proto_record record;
    if (life->flags & LIFE_ASKED) {
        int at = client_of_party(sim, life->requester);
        if (at >= 0) {
            proto_record_init(&record, PROTO_REPLY);
            record.u.reply.id = life->id;
            record.u.reply.has |= PROTO_REPLY_ID;
            client_send(sim, (uint8_t)at, &record, &(struct pending){.id = life->id});
            return;
        }
        proto_record_init(&record, PROTO_FAIL);
        record.u.fail.id = life->id;
    } else if ((life->flags & LIFE_EXHAUSTED) && life->ordinal < 60) {
        proto_record_init(&record, PROTO_REQUEUE);
        record.u.requeue.id = life->id;
        record.u.requeue.has |= PROTO_REQUEUE_ID;
    } else if ((life->flags & LIFE_EXHAUSTED) || life_lacks_people(sim, life)) {
        proto_record_init(&record, PROTO_FAIL);
        record.u.fail.id = life->id;
    } else if (life->task_status == PROTO_STATUS_ON_HOLD) {
        proto_record_init(&record, PROTO_HOLD);
        record.u.hold.id = life->id;
        record.u.hold.lift = true;
    } else {
        return;
    }
    client_send(sim, 0, &record, &(struct pending){.id = life->id});
}

#define SEND_NAMED(sim, at, TYPE, lower, held, more)                                                                    \
    do {                                                                                                                \
        struct proto_record record_;                                                                                    \
        proto_record_init(&record_, PROTO_##TYPE);                                                                      \
        record_.u.lower.task = (held)->task;                                                                            \
        record_.u.lower.fence = (held)->fence;                                                                          \
        record_.u.lower.has |= PROTO_##TYPE##_TASK | PROTO_##TYPE##_FENCE;                                              \
        struct proto_record *r = &record_;                                                                              \
        more;                                                                                                           \
        client_send(sim, at, r, &(struct pending){.id = (held)->task, .fence = (held)->fence});                         \
    } while (0)

/* Work off what this performer was told of and still has. */
static void
performer_works(struct sim *sim, uint8_t at)
{
    struct client *client = &sim->clients[at];
    for (unsigned i = 0; i < HELD; i++) {
        const struct held *held = &client->held[i];
        const struct life *life = life_find(&sim->audit, held->task - held->task % 64);
        if (held->task == 0 || life == NULL || life->end_seq != 0 || life->fence != held->fence || life->performer != client->party) {
            continue;
        }
        if (life->flags & LIFE_ABORT) {
            SEND_NAMED(sim, at, ACCEPT, accept, held, r->u.accept.code = PROTO_CODE_ABORT);
        } else if (life->task_status == PROTO_STATUS_REQUESTED) {
            SEND_NAMED(sim, at, ACCEPT, accept, held, (void)0);
        } else if (life->task_status == PROTO_STATUS_ACCEPTED) {
            SEND_NAMED(sim, at, START, start, held, (void)0);
        } else if (life->flags & LIFE_VERIFY) {
            SEND_NAMED(sim, at, VERIFY, verify, held, (r->u.verify.agree = true, r->u.verify.has |= PROTO_VERIFY_AGREE));
        } else if (life->task_status == PROTO_STATUS_IN_PROGRESS) {
            SEND_NAMED(sim, at, COMPLETE, complete, held, (void)0);
        }
    }
    if (client->used == 0) {
        return; /* no credit out of nothing: it would wake what should have woken by itself */
    }
    struct proto_record record;
    proto_record_init(&record, PROTO_CREDIT);
    record.u.credit.service = PROTO_STR("*");
    record.u.credit.credit = client->used;
    record.u.credit.has |= PROTO_CREDIT_CREDIT;
    client->used = 0;
    client_send(sim, at, &record, NULL);
}

/* ------------------------------------------------------------- rounds */

static void
round_run(struct sim *sim)
{
    for (uint32_t i = 1; i < sim->audit.life_count; i++) {
        const struct life *life = &sim->audit.lives[i];
        if (life->id != 0 && life->end_seq == 0) {
            life_untie(sim, life);
        }
    }
    for (uint8_t i = 1; i < sim->client_count; i++) {
        if (client_counts(sim, &sim->clients[i]) && (sim->audit.parties[sim->clients[i].party].roles & 1u << PROTO_ROLE_PERFORMER)) {
            performer_works(sim, i);
        }
    }
    settle_drain(sim);
}

static const struct life *
life_stuck(const struct sim *sim)
{
    for (uint32_t i = 1; i < sim->audit.life_count; i++) {
        const struct life *life = &sim->audit.lives[i];
        if (life->id != 0 && life->end_seq == 0 && (!life_waits(life) || life_has_capable(sim, life))) {
            return life;
        }
    }
    return NULL;
}

/* Who was drained keeps only what it accepted; who was revoked keeps nothing. */
static void
recalled_check(struct sim *sim)
{
    for (uint32_t i = 1; i < sim->audit.life_count; i++) {
        const struct life *life = &sim->audit.lives[i];
        if (life->id == 0 || life->end_seq != 0 || life->performer == NOBODY) {
            continue;
        }
        const struct party_state *party = &sim->audit.parties[life->performer];
        CHECK(sim, !party->revoked && (!party->draining || life->task_status != PROTO_STATUS_REQUESTED), "L5", "not-recalled",
              "%" PRIx64 " is still with party %u, which is %s", life->id, life->performer, party->revoked ? "revoked" : "draining");
    }
}

/* L3, as an operator sees it. */
static void
queues_ask(struct sim *sim)
{
    struct proto_record record;
    sim->at_rest = true;
    proto_record_init(&record, PROTO_QUEUES);
    client_send(sim, 0, &record, &(struct pending){0});
    settle_drain(sim);
    sim->at_rest = false;
}

void
settle(struct sim *sim)
{
    sim->faults_over = true;
    SAY(sim, "faults are over");
    settle_drain(sim);
    recalled_check(sim);
    queues_ask(sim);
    world_mend(sim);
    uint64_t seq = 0;
    uint32_t quiet = 0;
    for (uint32_t n = 0; n < ROUNDS && quiet < QUIET_ROUNDS && life_stuck(sim) != NULL; n++) {
        round_run(sim);
        quiet = sim->journal.last == seq ? quiet + 1 : 0;
        seq = sim->journal.last;
        if (quiet > 0) {
            int64_t next = core_next_deadline(sim->broker.core, sim->now);
            int64_t wait = next != INT64_MAX && next - sim->now.mono_us > WAIT_US ? next - sim->now.mono_us : WAIT_US;
            sim->now.mono_us += wait;
            sim->now.utc_us += wait;
        }
    }
    const struct life *stuck = life_stuck(sim);
    CHECK(sim, stuck == NULL, "L5", stuck != NULL && life_waits(stuck) ? "waits" : "stuck",
          "%" PRIx64 ".%u stays as %u/%u (flags %u, performer %u, directed %u/%d, excluded %x, service %u, due %" PRId64 ", now %" PRId64
          ") when faults are over",
          stuck->id, stuck->ordinal, stuck->status, stuck->task_status, stuck->flags, stuck->performer, stuck->directed, stuck->fallback,
          stuck->exclude, stuck->service, stuck->due_us, sim->now.utc_us);
    full_check(sim);
    queues_ask(sim);
    broker_crash(sim, sim->journal.last);
    full_check(sim);
    audit_count(sim);
}
