/*
 * Effects that may leave, and questions to history: rendered from the journal, sent into the network.
 */
#include "audit.h"
#include "broker.h"
#include "link.h"

#include <inttypes.h>

void
leave_bytes(struct sim *sim, uint32_t handle, const uint8_t *p, size_t n)
{
    uint16_t conn = link_of_handle(sim, handle);
    if (conn != 0xffff && sim->conns[conn].broker_open) {
        link_down(sim, conn, p, n);
    }
}

static void
rendered_send(struct sim *sim, const struct outlet *outlet, const struct core_effect *effect)
{
    struct proto_buf *render = &sim->broker.render;
    proto_buf_reset(render);
    CHECK(sim, core_render(sim->broker.core, &outlet->out, effect, journal_event(&sim->journal, effect->source),
                           journal_event(&sim->journal, effect->source2), render),
          "D6", "render", "effect %u of source %" PRIu64 " cannot be rendered", effect->kind, effect->source);
    leave_bytes(sim, effect->conn, render->p, render->n);
}

/* A page of the core's own rows, with what their events say. */
static void
list_send(struct sim *sim, const struct outlet *outlet, const struct core_effect *effect)
{
    struct proto_buf rows, *render = &sim->broker.render;
    struct core_listed list;
    proto_buf_init(&rows, PROTO_PAGE_ROWS_MAX);
    bool fits = core_listed_begin(&outlet->out, effect, &list);
    while (core_listed_next(&list)) {
        struct proto_bin events[3];
        uint32_t count = 0;
        for (int i = 0; i < 3; i++) {
            if (list.seqs[i] != 0) {
                events[count++] = journal_event(&sim->journal, list.seqs[i]);
            }
        }
        fits = fits && core_listed_render(sim->broker.core, effect, &list, events, count, &rows);
    }
    proto_buf_reset(render);
    CHECK(sim, fits && core_page_render(render, effect->re, PROTO_PAGE_KIND_REQUEST, (struct proto_bin){rows.p, (uint32_t)rows.n},
                                        list.count, proto_str_of(list.next)),
          "D6", "page", "a list cannot be rendered");
    proto_buf_fini(&rows);
    leave_bytes(sim, effect->conn, render->p, render->n);
}

static void
reload_answer(struct sim *sim, const struct core_effect *effect)
{
    uint32_t variant = rng_below(&sim->rng, 8);
    broker_reload(sim, variant);
    struct proto_record record;
    proto_record_init(&record, PROTO_RECEIPT);
    record.re = effect->re;
    proto_buf_reset(&sim->encode);
    proto_encode(&sim->encode, &record);
    leave_bytes(sim, effect->conn, sim->encode.p, sim->encode.n);
}

static void
ask_push(struct sim *sim, const struct outlet *outlet, const struct core_effect *effect)
{
    struct broker *broker = &sim->broker;
    if (broker->ask_count < ASKS_MAX) {
        struct ask *ask = &broker->asks[broker->ask_count++];
        ask->effect = *effect;
        if (effect->kind == CORE_HISTORY) {
            core_effect_query(&outlet->out, effect, &ask->query);
        }
    }
}

static void
feed_push(struct broker *broker, const struct core_effect *effect)
{
    for (uint32_t i = 0; i < broker->feed_count; i++) {
        if (broker->feeds[i] == effect->watch) {
            return;
        }
    }
    if (broker->feed_count < FEEDS_MAX) {
        broker->feeds[broker->feed_count++] = effect->watch;
    }
}

void
leave_effect(struct sim *sim, const struct outlet *outlet, const struct core_effect *effect)
{
    switch ((enum core_effect_kind)effect->kind) {
    case CORE_SEND:
        leave_bytes(sim, effect->conn, outlet->out.bytes.p + effect->offset, effect->bytes);
        break;
    case CORE_RECEIPT:
    case CORE_TASK:
    case CORE_EVENT:
        rendered_send(sim, outlet, effect);
        break;
    case CORE_LIST:
        list_send(sim, outlet, effect);
        break;
    case CORE_DETAIL:
    case CORE_FINISHED:
    case CORE_HISTORY:
        ask_push(sim, outlet, effect);
        break;
    case CORE_WATCH:
        feed_push(&sim->broker, effect);
        break;
    case CORE_CLOSE: {
        uint16_t conn = link_of_handle(sim, effect->conn);
        if (conn != 0xffff && sim->conns[conn].broker_open) {
            broker_decide(sim, &(struct core_input){.kind = CORE_DISCONNECTED, .conn = effect->conn});
            link_drop(sim, conn);
        }
        break;
    }
    case CORE_RELOAD:
        reload_answer(sim, effect);
        break;
    }
}

/* ------------------------------------------------------------- history */

struct trail {
    struct proto_bin events[CORE_DETAIL_EVENTS_MAX];
    uint64_t seqs[CORE_DETAIL_EVENTS_MAX];
    uint32_t count;
};

/* Oldest first; too many: the first and the newest ones. */
static void
trail_walk(const struct journal *journal, uint64_t last, uint64_t first, struct trail *trail)
{
    uint32_t n = 0;
    for (uint64_t seq = last; seq != 0; seq = journal->facts[seq].prev) {
        if (n == CORE_DETAIL_EVENTS_MAX - 1) {
            seq = first;
        }
        trail->seqs[n++] = seq;
    }
    for (uint32_t i = 0; i < n / 2; i++) {
        uint64_t seq = trail->seqs[i];
        trail->seqs[i] = trail->seqs[n - 1 - i];
        trail->seqs[n - 1 - i] = seq;
    }
    for (uint32_t i = 0; i < n; i++) {
        trail->events[i] = journal_event(journal, trail->seqs[i]);
    }
    trail->count = n;
}

static void
history_list(struct sim *sim, const struct ask *ask)
{
    struct proto_buf rows;
    uint32_t count = 0;
    proto_buf_init(&rows, 1u << 20);
    uint8_t party = party_of_name(proto_str_of(ask->query.party));
    for (uint64_t seq = sim->journal.projected; seq > 0 && count < ask->query.limit && count < 20; seq--) {
        const struct fact *fact = &sim->journal.facts[seq];
        bool mine = party == NOBODY || (ask->query.scope != PROTO_SCOPE_PERFORMER && fact->requester == party) ||
                    (ask->query.scope != PROTO_SCOPE_REQUESTER && fact->performer == party);
        if (fact->id == 0 || !status_ends(fact->status) || !mine) {
            continue;
        }
        struct proto_event event;
        struct proto_error error;
        size_t used;
        struct proto_bin bytes = journal_event(&sim->journal, seq);
        struct proto_request row = {0};
        if (proto_event_decode(bytes.p, bytes.n, &used, &event, &error)) {
            core_row_fold(&row, seq, &event);
            row.id = fact->id;
            row.output = (struct proto_bin){0};
            row.has &= ~(uint64_t)PROTO_REQUEST_OUTPUT;
            count += proto_struct_encode(&rows, PROTO_STRUCT_REQUEST, &row);
        }
    }
    proto_buf_reset(&sim->broker.render);
    CHECK(sim, core_page_render(&sim->broker.render, ask->effect.re, PROTO_PAGE_KIND_REQUEST, (struct proto_bin){rows.p, (uint32_t)rows.n},
                                count, (struct proto_str){0}),
          "D6", "page", "a page of history cannot be rendered");
    proto_buf_fini(&rows);
}

bool
broker_ask(struct sim *sim)
{
    static struct trail trail;
    struct broker *broker = &sim->broker;
    if (broker->ask_count == 0) {
        return false;
    }
    struct ask ask = broker->asks[0];
    memmove(broker->asks, broker->asks + 1, --broker->ask_count * sizeof *broker->asks);
    const struct core_effect *effect = &ask.effect;
    bool rendered = true;
    proto_buf_reset(&broker->render);
    trail.count = 0;
    if (effect->kind == CORE_DETAIL) {
        trail_walk(&sim->journal, effect->source, effect->source2, &trail);
        rendered = core_render_detail(broker->core, effect, trail.events, trail.seqs, trail.count, &broker->render);
    } else if (effect->kind == CORE_FINISHED) {
        const struct life *life = life_find(&sim->audit, effect->id);
        if (life != NULL && life->end_seq != 0 && life->end_seq <= sim->journal.projected) {
            trail_walk(&sim->journal, life->end_seq, life->accepted_seq, &trail);
        }
        rendered = core_render_finished(broker->core, effect, trail.events, trail.seqs, trail.count, &broker->render);
    } else {
        history_list(sim, &ask);
    }
    CHECK(sim, rendered, "D6", "render-ask", "the answer about %" PRIx64 " cannot be rendered", effect->id);
    if (broker->render.n > 0) {
        leave_bytes(sim, effect->conn, broker->render.p, broker->render.n);
    }
    return true;
}
