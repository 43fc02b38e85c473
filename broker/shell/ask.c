/*
 * Questions that the store answers: one request in detail, a finished one, a page of many (ask_list.c).
 *
 * They wait in a ring and a few are answered per round, within a slice of time, so that a client that asks a lot delays
 * nobody's acknowledgement (B4).
 */
#include "shell/ask.h"

#include <assert.h>
#include <stdlib.h>

enum { ASK_SLICE_US = 2000 };

void
ask_push(struct broker *broker, const struct outlet *outlet, const struct core_effect *effect)
{
    if (broker->ask_count == ASKS_MAX) {
        leave_refusal(broker, effect->conn, effect->re, PROTO_REFUSAL_CODE_RETRY_LATER, "", "too many questions wait");
        return;
    }
    struct ask *ask = &broker->asks[(broker->ask_first + broker->ask_count++) % ASKS_MAX];
    ask->effect = *effect;
    ask->listed = NULL;
    ask->listed_offset = 0;
    if (effect->kind == CORE_HISTORY) {
        core_effect_query(&outlet->out, effect, &ask->query);
    } else if (effect->kind == CORE_LIST) {
        ask->listed = malloc(effect->bytes);
        if (ask->listed == NULL) {
            broker->ask_count--;
            leave_refusal(broker, effect->conn, effect->re, PROTO_REFUSAL_CODE_RETRY_LATER, "", "no memory for this now");
            return;
        }
        memcpy(ask->listed, outlet->out.bytes.p + effect->offset, effect->bytes);
    }
}

static void
ask_pop(struct broker *broker)
{
    free(broker->asks[broker->ask_first].listed);
    broker->ask_first = (broker->ask_first + 1) % ASKS_MAX;
    broker->ask_count--;
}

void
ask_fini(struct broker *broker)
{
    while (broker->ask_count > 0) {
        ask_pop(broker);
    }
    free(broker->asks);
    broker->asks = NULL;
}

void
ask_store_refuse(struct broker *broker, const struct core_effect *effect, const char *what, enum store_status status,
             const struct store_error *error)
{
    log_line(CONFIG_LOG_ERROR, what, "status=\"%s\" seq=%llu text=\"%s\"", store_status_text(status),
             (unsigned long long)error->seq, error->text);
    leave_refusal(broker, effect->conn, effect->re,
                  status == STORE_INVALID ? PROTO_REFUSAL_CODE_INVALID : PROTO_REFUSAL_CODE_RETRY_LATER,
                  status == STORE_INVALID ? "after" : "", "the store cannot answer this now");
}

void
ask_render_send(struct broker *broker, const struct core_effect *effect, bool rendered)
{
    if (!rendered) {
        leave_refusal(broker, effect->conn, effect->re, PROTO_REFUSAL_CODE_TOO_LARGE, "", "the answer is larger than a frame");
        return;
    }
    net_send(broker->net, effect->conn, broker->render.p, broker->render.n, 1);
}

bool
ask_trail_add(struct broker *broker, struct trail *trail, uint64_t seq, const uint8_t *p, uint32_t n)
{
    trail->offsets[trail->count] = broker->trail.n;
    trail->seqs[trail->count] = seq;
    trail->events[trail->count].n = n;
    if (!proto_buf_append(&broker->trail, p, n)) {
        return false;
    }
    trail->count++;
    return true;
}

/* The buffer may have moved while it grew. */
void
ask_trail_settle(struct broker *broker, struct trail *trail)
{
    for (uint32_t i = 0; i < trail->count; i++) {
        trail->events[i].p = broker->trail.p + trail->offsets[i];
    }
}

/* Newest first to oldest first. */
static void
trail_turn(struct trail *trail)
{
    for (uint32_t i = 0, j = trail->count; i + 1 < j; i++) {
        j--;
        struct proto_bin event = trail->events[i];
        uint64_t seq = trail->seqs[i];
        trail->events[i] = trail->events[j];
        trail->seqs[i] = trail->seqs[j];
        trail->events[j] = event;
        trail->seqs[j] = seq;
    }
}

/* Walk an open request's events backwards by `prev`; if there are too many, the first and the newest ones are kept. */
static enum store_status
trail_walk(struct broker *broker, const struct core_effect *effect, struct trail *trail, struct store_error *error)
{
    proto_buf_reset(&broker->trail);
    trail->count = 0;
    uint64_t seq = effect->source;
    while (seq != 0) {
        if (trail->count == CORE_DETAIL_EVENTS_MAX - 1) {
            seq = effect->source2 != 0 ? effect->source2 : seq;
        }
        const uint8_t *p;
        uint32_t n;
        size_t used;
        struct proto_event event;
        struct proto_error damage;
        enum store_status status = store_read(broker->store, seq, &p, &n, error);
        if (status != STORE_OK) {
            return status;
        }
        if (!proto_event_decode(p, n, &used, &event, &damage) || event.prev >= seq) {
            error->seq = seq;
            return STORE_DAMAGED;
        }
        if (!ask_trail_add(broker, trail, seq, p, n)) {
            return STORE_NO_MEMORY;
        }
        seq = trail->count == CORE_DETAIL_EVENTS_MAX ? 0 : event.prev;
    }
    ask_trail_settle(broker, trail);
    trail_turn(trail);
    return STORE_OK;
}

static void
detail_answer(struct broker *broker, const struct core_effect *effect, struct trail *trail)
{
    struct store_error error = {.text = ""};
    enum store_status status = trail_walk(broker, effect, trail, &error);
    if (status != STORE_OK) {
        ask_store_refuse(broker, effect, "detail", status, &error);
        return;
    }
    proto_buf_reset(&broker->render);
    ask_render_send(broker, effect, core_render_detail(broker->core, effect, trail->events, trail->seqs, trail->count, &broker->render));
}

static void
finished_answer(struct broker *broker, const struct core_effect *effect, struct trail *trail)
{
    struct store_error error = {.text = ""};
    struct store_finished finished;
    trail->count = 0;
    proto_buf_reset(&broker->trail);
    enum store_status status = store_history_get(broker->store, effect->id, &finished, &error);
    if (status == STORE_OK) {
        uint32_t offset = 0, n;
        uint64_t seq;
        const uint8_t *p;
        bool fits = true;
        while (fits && trail->count < CORE_DETAIL_EVENTS_MAX - 1 &&
               store_trail_next(finished.trail, finished.trail_n, &offset, &seq, &p, &n)) {
            fits = ask_trail_add(broker, trail, seq, p, n);
        }
        if (!fits || !ask_trail_add(broker, trail, finished.seq, finished.event, finished.event_n)) {
            ask_store_refuse(broker, effect, "finished", STORE_NO_MEMORY, &error);
            return;
        }
        ask_trail_settle(broker, trail);
    } else if (status != STORE_NOT_FOUND) {
        ask_store_refuse(broker, effect, "finished", status, &error);
        return;
    }
    proto_buf_reset(&broker->render);
    ask_render_send(broker, effect, core_render_finished(broker->core, effect, trail->events, trail->seqs, trail->count, &broker->render));
}

/* True: answered, or never to be. */
static bool
ask_answer(struct broker *broker, struct ask *ask, int64_t until_us)
{
    struct trail trail;
    switch (ask->effect.kind) {
    case CORE_DETAIL:
        detail_answer(broker, &ask->effect, &trail);
        break;
    case CORE_FINISHED:
        finished_answer(broker, &ask->effect, &trail);
        break;
    case CORE_LIST:
        return ask_list_answer(broker, ask, &trail, until_us);
    default:
        assert(ask->effect.kind == CORE_HISTORY);
        ask_history_answer(broker, &ask->effect, &ask->query);
        break;
    }
    return true;
}

void
ask_step(struct broker *broker)
{
    struct core_now now;
    int64_t until_us = broker->now.mono_us + ASK_SLICE_US;
    bool first = true;
    while (broker->ask_count > 0 && !broker->failed) {
        struct ask *ask = &broker->asks[broker->ask_first];
        if (net_room(broker->net, ask->effect.conn) > 0) {
            clock_read(&now);
            if (first) {
                until_us = now.mono_us + ASK_SLICE_US;
            }
            if (now.mono_us >= until_us) {
                return;
            }
            first = false;
            if (!ask_answer(broker, ask, until_us)) {
                return;
            }
        }
        ask_pop(broker);
    }
}
