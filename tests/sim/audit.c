/* The model and its undoing; see audit.h. */
#include "audit.h"
#include "fair.h"

#include <inttypes.h>

void
audit_init(struct audit *audit)
{
    *audit = (struct audit){.id_cap = 1024, .life_cap = 256, .life_count = 1};
    audit->ids = calloc(audit->id_cap, sizeof *audit->ids);
    audit->lives = memory(NULL, audit->life_cap * sizeof *audit->lives);
    audit->lease_us = memory(NULL, audit->life_cap * sizeof *audit->lease_us);
    audit->undo = memory(NULL, UNDO * sizeof *audit->undo);
    audit->lives[0] = (struct life){0};
}

void
audit_fini(struct audit *audit)
{
    free(audit->ids);
    free(audit->lives);
    free(audit->lease_us);
    free(audit->undo);
    fair_fini(audit);
}

/* ------------------------------------------------------------- lives by id */

static struct id_slot *
id_slot(const struct audit *audit, uint64_t id)
{
    uint32_t at = (uint32_t)rng_mix(id) & (audit->id_cap - 1);
    while (audit->ids[at].id != 0 && audit->ids[at].id != id) {
        at = (at + 1) & (audit->id_cap - 1);
    }
    return &audit->ids[at];
}

struct life *
life_find(const struct audit *audit, uint64_t id)
{
    if (id == 0) {
        return NULL;
    }
    const struct id_slot *slot = id_slot(audit, id);
    return slot->id == id && audit->lives[slot->life].id == id ? &audit->lives[slot->life] : NULL;
}

static void
ids_grow(struct audit *audit)
{
    struct id_slot *old = audit->ids;
    uint32_t cap = audit->id_cap;
    audit->id_cap *= 2;
    audit->ids = calloc(audit->id_cap, sizeof *audit->ids);
    for (uint32_t i = 0; i < cap; i++) {
        if (old[i].id != 0) {
            *id_slot(audit, old[i].id) = old[i];
        }
    }
    free(old);
}

struct life *
life_new(struct audit *audit, uint64_t id)
{
    if (audit->life_count * 2 > audit->id_cap) {
        ids_grow(audit);
    }
    if (audit->life_count == audit->life_cap) {
        audit->life_cap *= 2;
        audit->lives = memory(audit->lives, audit->life_cap * sizeof *audit->lives);
        audit->lease_us = memory(audit->lease_us, audit->life_cap * sizeof *audit->lease_us);
    }
    uint32_t index = audit->life_count++;
    *id_slot(audit, id) = (struct id_slot){id, index};
    audit->lives[index] = (struct life){.id = id, .performer = NOBODY, .directed = NOBODY, .worker = NOBODY};
    audit->lease_us[index] = 0;
    return &audit->lives[index];
}

/* ------------------------------------------------------------- counts */

static void
life_count(struct audit *audit, const struct life *life, int by)
{
    if (life->id == 0) {
        return;
    }
    audit->open += (uint32_t)(life->end_seq == 0 ? by : 0);
    audit->finished += (uint32_t)(life->end_seq != 0 ? by : 0);
    audit->waiting += (uint32_t)(life_waits(life) ? by : 0);
    audit->held += (uint32_t)(life->status == PROTO_STATUS_ON_HOLD ? by : 0);
}

/* ------------------------------------------------------------- events */

static void
fact_fill(struct sim *sim, struct fact *fact, const struct proto_event *event)
{
    fact->id = event->id;
    fact->prev = event->prev;
    fact->type = (uint8_t)event->type;
    fact->status = (uint8_t)event->status;
    fact->task_status = (uint8_t)event->task_status;
    fact->by_person = event->party.n > 0;
    fact->requester = party_of_name(event->requester);
    fact->performer = party_of_name(event->performer);
    (void)sim;
}

static void
waiting_note(struct audit *audit, const struct life *was, const struct life *is)
{
    if (life_waits(was) == life_waits(is) && was->wants == is->wants) {
        return;
    }
    if (life_waits(was)) {
        fair_leaves(audit, was);
    }
    if (life_waits(is)) {
        fair_enters(audit, is);
    }
}

void
audit_event(struct sim *sim, uint64_t seq)
{
    struct audit *audit = &sim->audit;
    struct proto_bin bytes = journal_event(&sim->journal, seq);
    struct proto_event event;
    struct proto_error error;
    size_t used = 0;
    CHECK(sim, proto_event_decode(bytes.p, bytes.n, &used, &event, &error) && used == bytes.n, "D4", "event-codec",
          "event %" PRIu64 " does not decode: %s", seq, error.why);
    fact_fill(sim, &sim->journal.facts[seq], &event);
    sim->counts->events++;
    sim->counts->kinds[event.type % 64]++;
    SAY(sim, "  event %" PRIu64 " %s #%" PRIx64 ".%u %s->%s request %s->%s by %.*s/%.*s performer %.*s attempt %u fence %" PRIu64 " %s",
        seq, proto_ev_desc(event.type)->name, event.id, event.task, proto_enum_name(PROTO_ENUM_STATUS, event.task_was),
        proto_enum_name(PROTO_ENUM_STATUS, event.task_status), proto_enum_name(PROTO_ENUM_STATUS, event.was),
        proto_enum_name(PROTO_ENUM_STATUS, event.status), PROTO_STR_ARG(event.party), PROTO_STR_ARG(event.member),
        PROTO_STR_ARG(event.performer), event.attempt, event.fence,
        event.reason != 0 ? proto_enum_name(PROTO_ENUM_REASON, event.reason) : "");
    struct undo *undo = &audit->undo[seq % UNDO];
    undo->fence_top = audit->fence_top;
    undo->kind = UNDO_NOTHING;
    if (event.id == 0) {
        audit_other(sim, &event, undo);
        return;
    }
    if (event.type == PROTO_EV_ACCEPTED) {
        audit_accepted(sim, seq, &event, undo);
        struct life *life = life_find(audit, event.id);
        life_count(audit, life, 1);
        waiting_note(audit, &(struct life){.end_seq = 1}, life);
        return;
    }
    struct life *life = life_find(audit, event.id);
    CHECK(sim, life != NULL, "L3", "unknown-request", "event %" PRIu64 " is about a request that was never accepted", seq);
    undo->kind = UNDO_LIFE;
    undo->index = life_index(audit, life);
    undo->life = *life;
    const struct life before = *life;
    if (event.type == PROTO_EV_ASSIGNED && life_waits(life)) {
        fair_assigned(sim, life);
    }
    life_count(audit, life, -1);
    audit_about(sim, seq, &event, life);
    life_count(audit, life, 1);
    waiting_note(audit, &before, life);
}

static void
event_undo(struct sim *sim, uint64_t seq)
{
    struct audit *audit = &sim->audit;
    const struct undo *undo = &audit->undo[seq % UNDO];
    audit->fence_top = undo->fence_top;
    switch ((enum undo_kind)undo->kind) {
    case UNDO_LIFE: {
        struct life *life = &audit->lives[undo->index];
        life_count(audit, life, -1);
        if (undo->life.id == 0) {
            sim->submissions[life->submission].id = undo->sub_id;
            sim->submissions[life->submission].variant = undo->sub_variant;
        }
        *life = undo->life;
        life_count(audit, life, 1);
        break;
    }
    case UNDO_PARTY:
        audit->parties[undo->index] = undo->party;
        break;
    case UNDO_KEY:
        audit->keys[undo->index] = undo->key;
        break;
    case UNDO_SERVICE:
        audit->services[undo->index] = undo->service;
        break;
    case UNDO_TERMS:
        audit->terms[undo->index] = undo->terms;
        break;
    case UNDO_NOTHING:
        break;
    }
}

void
audit_undo(struct sim *sim, uint64_t last)
{
    for (uint64_t seq = sim->journal.last; seq > last; seq--) {
        event_undo(sim, seq);
    }
}

void
audit_recovered(struct sim *sim)
{
    for (uint32_t i = 1; i < sim->audit.life_count; i++) {
        sim->audit.lease_us[i] = sim->now.mono_us;
    }
    fair_forget(&sim->audit);
}

void
audit_renewed(struct sim *sim, uint64_t task, uint64_t fence, uint8_t party)
{
    struct life *life = life_find(&sim->audit, task - task % 64);
    if (life != NULL && life->performer == party && life->ordinal == task % 64 && life->fence == fence && life->end_seq == 0) {
        sim->audit.lease_us[life_index(&sim->audit, life)] = sim->now.mono_us;
    }
}

/* ------------------------------------------------------------- after a turn */

void
audit_settled(struct sim *sim, uint64_t first_seq)
{
    struct audit *audit = &sim->audit;
    for (uint64_t seq = first_seq; seq <= sim->journal.last; seq++) {
        const struct life *life = life_find(audit, sim->journal.facts[seq].id);
        if (life == NULL || life->end_seq != 0) {
            continue;
        }
        CHECK(sim, (life->flags & LIFE_OVER) == 0 || (life->flags & LIFE_EXHAUSTED) != 0, "A6", "over-not-exhausted",
              "request %" PRIx64 " has no task left and nobody was told", life->id);
        const struct terms_state *terms = &audit->terms[life->terms];
        CHECK(sim, !life_waits(life) || life->directed == NOBODY || !life->fallback || life->due_us != 0, "L5", "fallback-never",
              "%" PRIx64 " waits for party %u alone, and its fallback never comes", life->id, life->directed);
        CHECK(sim, !life_waits(life) || life->attempt < terms->attempts, "A6", "waits-without-attempts",
              "request %" PRIx64 " waits with %u of %u attempts used", life->id, life->attempt, terms->attempts);
    }
    bool enrolled = sim->record != NULL && sim->record->type == PROTO_ENROL && sim->journal.last >= first_seq;
    CHECK(sim, !enrolled || audit->keys[sim->actor->key].state != CORE_MEMBER_INVITED, "C2", "invitation-again", "the invitation of key %u can be used again",
          sim->actor->key);
    if (sim->journal.last >= first_seq) {
        sim->journal.facts[sim->journal.last].group_end = true;
    }
}

void
audit_count(struct sim *sim)
{
    struct audit *audit = &sim->audit;
    struct core_stats stats;
    core_stats(sim->broker.core, &stats);
    CHECK(sim, stats.open == audit->open, "L3", "open", "core holds %u open requests, the journal %u", stats.open, audit->open);
    CHECK(sim, stats.waiting == audit->waiting, "L3", "waiting", "core has %u waiting, the journal %u", stats.waiting, audit->waiting);
    CHECK(sim, stats.held == audit->held, "L3", "held", "core has %u on hold, the journal %u", stats.held, audit->held);
}
