/* See broker.h. */
#include "broker.h"

#include <inttypes.h>

#include "audit.h"
#include "content.h"
#include "link.h"

/* ------------------------------------------------------------- what the core decided */

static void
events_take(struct sim *sim, const struct core_out *out, size_t from, uint32_t count)
{
    const uint8_t *p = out->events.p + from;
    uint64_t first = sim->journal.last + 1;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t n = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
        journal_append(&sim->journal, p + 4, n);
        audit_event(sim, sim->journal.last);
        p += 4 + n;
    }
    CHECK(sim, p == out->events.p + out->events.n, "D4", "events-layout", "the events do not fill their bytes");
    CHECK(sim, core_seq(sim->broker.core) == sim->journal.last, "D4", "gap", "the core is at %" PRIu64 ", the journal at %" PRIu64,
          core_seq(sim->broker.core), sim->journal.last);
    audit_settled(sim, first);
}

/* D2: an effect is tagged with what was decided when it was made. C4: nobody revoked is told anything but no. */
static void
effects_check(struct sim *sim, const struct core_out *out, uint32_t from, uint64_t before)
{
    for (uint32_t i = from; i < out->effect_count; i++) {
        const struct core_effect *effect = &out->effects[i];
        CHECK(sim, effect->seq >= before && effect->seq <= sim->journal.last && effect->source <= effect->seq && effect->source2 <= effect->seq,
              "D2", "tag", "effect %u is tagged %" PRIu64 " (source %" PRIu64 "), the journal went from %" PRIu64 " to %" PRIu64, effect->kind,
              effect->seq, effect->source, before, sim->journal.last);
        CHECK(sim, effect->kind != CORE_RECEIPT || effect->fence <= effect->seq, "D2", "receipt-tag", "a receipt tells %" PRIu64 ", tagged %" PRIu64,
              effect->fence, effect->seq);
        uint16_t conn = link_of_handle(sim, effect->conn);
        bool tells = effect->kind == CORE_TASK || effect->kind == CORE_EVENT || effect->kind == CORE_DETAIL;
        if (conn != 0xffff && tells) {
            uint32_t key = sim->conns[conn].key;
            const struct key_state *state = &sim->audit.keys[key];
            CHECK(sim, state->state != CORE_MEMBER_REVOKED && !sim->audit.parties[state->party].revoked, "C4", "revoked-told",
                  "effect %u for revoked key %u", effect->kind, key);
        }
    }
}

/* B2: who was refused has changed nothing. */
static void
refusal_check(struct sim *sim, const struct core_out *out, uint32_t effects, uint64_t before)
{
    if (sim->record == NULL || out->effect_count == effects || sim->journal.last == before) {
        return;
    }
    const struct core_effect *effect = &out->effects[effects];
    if (effect->kind != CORE_SEND) {
        return;
    }
    struct proto_record record;
    struct proto_error error;
    size_t used;
    bool decodes = proto_decode(out->bytes.p + effect->offset, effect->bytes, &used, &record, &error);
    CHECK(sim, decodes, "D6", "send-codec", "a record to send does not decode: %s", error.why);
    if (!decodes || record.type != PROTO_REFUSAL || record.re != sim->record->n) {
        return;
    }
    for (uint64_t seq = before + 1; seq <= sim->journal.last; seq++) {
        const struct fact *fact = &sim->journal.facts[seq];
        CHECK(sim, !fact->by_person, "B2", "refused-but-done", "a refused %s made event %s", proto_record_desc(sim->record->type)->name,
              proto_ev_desc((enum proto_ev)fact->type)->name);
    }
}

void
broker_decide(struct sim *sim, const struct core_input *input)
{
    struct core_out *out = &sim->broker.filling->out;
    size_t events = out->events.n;
    uint32_t count = out->event_count, effects = out->effect_count;
    uint64_t before = sim->journal.last;
    core_decide(sim->broker.core, sim->now, input, out);
    events_take(sim, out, events, out->event_count - count);
    effects_check(sim, out, effects, before);
    refusal_check(sim, out, effects, before);
}

void
broker_tick(struct sim *sim)
{
    SAY(sim, "tick");
    broker_decide(sim, &(struct core_input){.kind = CORE_TICK});
}

void
broker_reload(struct sim *sim, uint32_t variant)
{
    struct catalogue *catalogue = sim->catalogue(sim, variant);
    struct core_out *out = &sim->broker.filling->out;
    out->refused = NULL;
    SAY(sim, "catalogue %u", variant);
    broker_decide(sim, &(struct core_input){.kind = CORE_CATALOGUE, .catalogue = catalogue});
    sim->broker.variant = out->refused == NULL ? variant : sim->broker.variant;
    catalogue_unref(&catalogue);
}

/* ------------------------------------------------------------- what arrives */

/* C2, C4: a key counts from the event that says so until the one that takes it back, and an invitation until it ends. */
static void
key_check(struct sim *sim, uint32_t key, bool known)
{
    const struct key_state *state = &sim->audit.keys[key];
    bool invited = state->state == CORE_MEMBER_INVITED && (state->expires_us == 0 || state->expires_us > sim->now.utc_us);
    bool counts = (state->state == CORE_MEMBER_ACTIVE || invited) && !sim->audit.parties[state->party].revoked;
    CHECK(sim, known == counts, "C4", "key", "key %u is %s, in the journal it stands as %u", key, known ? "known" : "unknown", state->state);
}

static void
greet(struct sim *sim, uint16_t at)
{
    struct conn *conn = &sim->conns[at];
    struct core_member_info info;
    uint8_t key[32];
    key_bytes(conn->key, key);
    conn->greeted = true;
    bool known = core_member_by_key(sim->broker.core, key, sim->now.utc_us, &info);
    const struct key_state *state = &sim->audit.keys[conn->key];
    key_check(sim, conn->key, known);
    if (!known) {
        SAY(sim, "conn %u refused", at);
        link_drop(sim, at);
        return;
    }
    conn->broker_open = true;
    SAY(sim, "conn %u of client %u (party %u member %u) connected", at, conn->client, state->party, state->member);
    broker_decide(sim, &(struct core_input){.kind = CORE_CONNECTED, .conn = link_handle(sim, at), .member = info.member});
}

static void
hear(struct sim *sim, uint16_t at, const struct message *message)
{
    struct proto_record record;
    struct proto_error error;
    struct core_member_info info;
    size_t used;
    uint8_t key[32];
    CHECK(sim, proto_decode(message->bytes, message->n, &used, &record, &error), "setup", "codec", "a client's record does not decode: %s %s",
          error.path, error.why);
    key_bytes(sim->conns[at].key, key);
    bool known = core_member_by_key(sim->broker.core, key, sim->now.utc_us, &info);
    key_check(sim, sim->conns[at].key, known);
    if (!known) {
        /* net: a key that does not count ends its connection */
        broker_decide(sim, &(struct core_input){.kind = CORE_DISCONNECTED, .conn = link_handle(sim, at)});
        link_drop(sim, at);
        return;
    }
    SAY(sim, "conn %u %s n=%" PRIu64, at, proto_record_desc(record.type)->name, record.n);
    struct client actor = {.party = sim->audit.keys[sim->conns[at].key].party,
                           .member = sim->audit.keys[sim->conns[at].key].member,
                           .key = sim->conns[at].key};
    sim->record = &record;
    sim->actor = &actor;
    sim->counts->records++;
    if (record.type == PROTO_RENEW) {
        struct proto_iter it = proto_iter_of(record.u.renew.held);
        struct proto_held held;
        while (proto_iter_struct(&it, PROTO_STRUCT_HELD, &held)) {
            audit_renewed(sim, held.task, held.fence, actor.party);
        }
    }
    broker_decide(sim, &(struct core_input){.kind = CORE_RECORD, .conn = link_handle(sim, at), .member = info.member, .record = &record});
    sim->record = NULL;
    sim->actor = NULL;
}

void
broker_deliver(struct sim *sim, uint16_t at)
{
    struct conn *conn = &sim->conns[at];
    struct message *message = sim->arriving = queue_take(sim, conn, &conn->up);
    if (message != NULL && !conn->greeted) {
        greet(sim, at);
    } else if (message != NULL && conn->broker_open) {
        hear(sim, at, message);
    } else if (message == NULL && conn->broker_open && !conn->client_open) {
        SAY(sim, "conn %u disconnected", at);
        broker_decide(sim, &(struct core_input){.kind = CORE_DISCONNECTED, .conn = link_handle(sim, at)});
        conn->broker_open = false;
    }
    free(message);
    sim->arriving = NULL;
    link_settle(sim, at);
}

/* ------------------------------------------------------------- commits */

/* True: nothing is left in it. */
static bool
outlet_release(struct sim *sim, struct outlet *outlet)
{
    while (outlet->next < outlet->out.effect_count && outlet->out.effects[outlet->next].seq <= sim->journal.durable) {
        struct core_effect effect = outlet->out.effects[outlet->next++];
        leave_effect(sim, outlet, &effect);
    }
    if (outlet->next < outlet->out.effect_count) {
        return false;
    }
    core_out_reset(&outlet->out);
    outlet->next = 0;
    return true;
}

/* D3: an error of write or sync is in doubt. Nothing of the batch leaves, the broker stops, and recovery alone decides. */
static void
sync_fails(struct sim *sim)
{
    uint64_t doubtful[] = {sim->journal.durable, sim->broker.committing};
    sim->counts->faults[FAULT_SYNC]++;
    SAY(sim, "the sync of %" PRIu64 " fails", sim->broker.committing);
    broker_crash(sim, doubtful[rng_below(&sim->rng, 2)]);
}

bool
broker_commit(struct sim *sim)
{
    struct broker *broker = &sim->broker;
    bool worked = broker->committing != 0;
    if (worked) {
        if (!sim->faults_over && rng_ppm(&sim->rng, sim->options.sync_ppm)) {
            sync_fails(sim);
            return true;
        }
        sim->journal.durable = broker->committing;
        broker->committing = 0;
        SAY(sim, "durable %" PRIu64, sim->journal.durable);
    }
    if (!outlet_release(sim, broker->leaving)) {
        return worked;
    }
    bool empty = outlet_release(sim, broker->filling);
    if (sim->journal.last > sim->journal.durable) {
        broker->committing = sim->journal.last;
        worked = true;
    }
    if (!empty) {
        struct outlet *outlet = broker->leaving;
        broker->leaving = broker->filling;
        broker->filling = outlet;
    }
    return worked;
}

void
broker_project(struct sim *sim)
{
    struct journal *journal = &sim->journal;
    if (journal->projected < journal->durable) {
        journal->projected = (uint64_t)rng_between(&sim->rng, (int64_t)journal->projected, (int64_t)journal->durable);
    }
    if (journal->projected > sim->broker.projected_told) {
        sim->broker.projected_told = journal->projected;
        SAY(sim, "projected %" PRIu64, journal->projected);
        broker_decide(sim, &(struct core_input){.kind = CORE_PROJECTED, .seq = journal->projected});
    }
}

/* ------------------------------------------------------------- watches that catch up */

bool
broker_feed(struct sim *sim)
{
    struct broker *broker = &sim->broker;
    if (broker->feed_count == 0) {
        return false;
    }
    uint32_t at = rng_below(&sim->rng, broker->feed_count);
    uint64_t seq = core_watch_next(broker->core, broker->feeds[at]);
    enum core_feed feed = seq == 0 ? CORE_FEED_GONE : CORE_FEED_MORE;
    for (unsigned n = 0; n < 32 && feed == CORE_FEED_MORE && seq <= sim->journal.last; n++, seq++) {
        feed = core_watch_feed(broker->core, broker->feeds[at], seq, journal_event(&sim->journal, seq), &broker->filling->out);
    }
    if (feed != CORE_FEED_MORE || seq > sim->journal.last) {
        broker->feeds[at] = broker->feeds[--broker->feed_count];
    }
    return true;
}

/* ------------------------------------------------------------- beginning and end */

/*
 * B1: what the core's tables may take, from its caps and what one of each costs: items come in pieces of 1,024, `more` is for
 * its places in indexes and heaps. The numbers of producers are counted as they are used (full.c).
 */
static void
budget_set(struct sim *sim)
{
    const struct core_settings *settings = &sim->broker.settings;
    struct core_stats stats;
    uint32_t parties = sim->options.requesters + sim->options.performers + sim->options.both + sim->options.operators + 2;
    uint32_t pairs = parties * sim->options.services, held = settings->requests_max + settings->finished_max;
    const struct {
        uint32_t cap, bytes, more;
    } rows[] = {{held, 128, 80}, {settings->keys_per_party_max * parties, 64, 16}, {settings->producers_max, 64, 16},
                {settings->offers_max, 248, 0}, {settings->watches_max, 64, 0}, {settings->groups_max + held, 496, 16},
                {settings->flows_max + held, 128, 16}, {pairs, 32, 16}, {pairs, 48, 16}, {parties, 328, 16},
                {KEYS_MAX - 1, 128, 32}, {sim->options.services, 168, 16}, {settings->terms_max, 96, 16}, {64, 72, 16}};
    core_stats(sim->broker.core, &stats);
    sim->broker.budget = stats.bytes;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        sim->broker.budget += (rows[i].cap / 1024 + 1) * UINT64_C(1024) * rows[i].bytes + (uint64_t)rows[i].cap * rows[i].more;
    }
}

void
broker_init(struct sim *sim)
{
    struct broker *broker = &sim->broker;
    core_out_init(&broker->outlets[0].out);
    core_out_init(&broker->outlets[1].out);
    broker->filling = &broker->outlets[0];
    broker->leaving = &broker->outlets[1];
    proto_buf_init(&broker->render, 8u << 20);
    struct core_settings *settings = &broker->settings;
    core_settings_init(settings);
    bool small = sim->options.small_caps;
    settings->requests_max = small ? 16 + rng_below(&sim->rng, 100) : 8192;
    settings->finished_max = small ? 1 + settings->requests_max / 32 : 8192;
    settings->requests_per_party_max = small ? 4 + rng_below(&sim->rng, 20) : 8192;
    settings->connections_max = CONNS_MAX;
    settings->offers_max = small ? CLIENTS_MAX : 1024;
    settings->offers_per_connection_max = small ? 2 : 64;
    settings->watches_max = small ? 4 : 256;
    settings->groups_max = small ? 8 : 4096;
    settings->flows_max = small ? 16 : 8192;
    settings->keys_per_party_max = small ? 20 : 8192;
    settings->terms_max = 1023;
    settings->producers_per_party_max = small && rng_below(&sim->rng, 2) ? 4 : CLIENTS_MAX; /* few: the idlest give way */
    settings->producers_max = settings->producers_per_party_max * 4;
    settings->key_retention_us = RETENTION_S * INT64_C(1000000);
    settings->moves_per_call_max = sim->options.moves_max;
    settings->seed = rng_next(&sim->rng);
    broker->core = core_new(settings);
    budget_set(sim);
    broker_decide(sim, &(struct core_input){.kind = CORE_RECOVERED});
    broker_reload(sim, 0);
    struct core_bootstrap first = {.party = party_name(0), .title = PROTO_STR("first"), .member = member_name(0)};
    key_bytes(0, first.key);
    broker_decide(sim, &(struct core_input){.kind = CORE_BOOTSTRAP, .first = &first});
}

void
broker_fini(struct sim *sim)
{
    core_destroy(&sim->broker.core);
    core_out_fini(&sim->broker.outlets[0].out);
    core_out_fini(&sim->broker.outlets[1].out);
    proto_buf_fini(&sim->broker.render);
}
