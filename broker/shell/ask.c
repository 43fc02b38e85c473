/*
 * Questions that the store answers: one request in detail, a finished one, a page of finished ones.
 *
 * They wait in a ring and a few are answered per round, within a slice of time, so that a client that asks a lot delays
 * nobody's acknowledgement (B4).
 */
#include "shell/broker.h"

#include <assert.h>

enum {
    ASK_SLICE_US = 2000,
    TRAIL_BYTES_MAX = 64 << 20,
    HISTORY_SCAN_MAX = 20000,
};

struct trail {
    struct proto_bin events[CORE_DETAIL_EVENTS_MAX];
    size_t offsets[CORE_DETAIL_EVENTS_MAX];
    uint64_t seqs[CORE_DETAIL_EVENTS_MAX];
    uint32_t count;
};

void
ask_push(struct broker *broker, const struct outlet *outlet, const struct core_effect *effect)
{
    if (broker->ask_count == ASKS_MAX) {
        leave_refusal(broker, effect->conn, effect->re, PROTO_REFUSAL_CODE_RETRY_LATER, "", "too many questions wait");
        return;
    }
    struct ask *ask = &broker->asks[(broker->ask_first + broker->ask_count++) % ASKS_MAX];
    ask->effect = *effect;
    if (effect->kind == CORE_HISTORY) {
        core_effect_query(&outlet->out, effect, &ask->query);
    }
}

static void
store_refuse(struct broker *broker, const struct core_effect *effect, const char *what, enum store_status status,
             const struct store_error *error)
{
    log_line(CONFIG_LOG_ERROR, what, "status=\"%s\" seq=%llu text=\"%s\"", store_status_text(status),
             (unsigned long long)error->seq, error->text);
    leave_refusal(broker, effect->conn, effect->re,
                  status == STORE_INVALID ? PROTO_REFUSAL_CODE_INVALID : PROTO_REFUSAL_CODE_RETRY_LATER,
                  status == STORE_INVALID ? "after" : "", "the store cannot answer this now");
}

static void
render_send(struct broker *broker, const struct core_effect *effect, bool rendered)
{
    if (!rendered) {
        leave_refusal(broker, effect->conn, effect->re, PROTO_REFUSAL_CODE_TOO_LARGE, "", "the answer is larger than a frame");
        return;
    }
    net_send(broker->net, effect->conn, broker->render.p, broker->render.n, 1);
}

static bool
trail_add(struct broker *broker, struct trail *trail, uint64_t seq, const uint8_t *p, uint32_t n)
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
static void
trail_settle(struct broker *broker, struct trail *trail)
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
        if (!trail_add(broker, trail, seq, p, n)) {
            return STORE_NO_MEMORY;
        }
        seq = trail->count == CORE_DETAIL_EVENTS_MAX ? 0 : event.prev;
    }
    trail_settle(broker, trail);
    trail_turn(trail);
    return STORE_OK;
}

static void
detail_answer(struct broker *broker, const struct core_effect *effect, struct trail *trail)
{
    struct store_error error = {.text = ""};
    enum store_status status = trail_walk(broker, effect, trail, &error);
    if (status != STORE_OK) {
        store_refuse(broker, effect, "detail", status, &error);
        return;
    }
    proto_buf_reset(&broker->render);
    render_send(broker, effect, core_render_detail(broker->core, effect, trail->events, trail->seqs, trail->count, &broker->render));
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
            fits = trail_add(broker, trail, seq, p, n);
        }
        if (!fits || !trail_add(broker, trail, finished.seq, finished.event, finished.event_n)) {
            store_refuse(broker, effect, "finished", STORE_NO_MEMORY, &error);
            return;
        }
        trail_settle(broker, trail);
    } else if (status != STORE_NOT_FOUND) {
        store_refuse(broker, effect, "finished", status, &error);
        return;
    }
    proto_buf_reset(&broker->render);
    render_send(broker, effect, core_render_finished(broker->core, effect, trail->events, trail->seqs, trail->count, &broker->render));
}

struct page {
    struct broker *broker;
    uint32_t count;
    size_t bytes_max;
    uint64_t seq_max; /* what finished after it is still shown by the core */
};

static int
row_add(void *context, const struct store_finished *finished)
{
    struct page *page = context;
    struct proto_event event;
    struct proto_error error;
    size_t used;
    if (finished->seq > page->seq_max) {
        return 0;
    }
    if (!proto_event_decode(finished->event, finished->event_n, &used, &event, &error)) {
        return 0; /* damage of one row hides that row only; `journal verify` names it */
    }
    struct proto_request row = {0};
    core_row_fold(&row, finished->seq, &event);
    row.id = finished->id;
    row.output = (struct proto_bin){0}; /* `get` shows it */
    row.has &= ~(uint64_t)PROTO_REQUEST_OUTPUT;
    size_t before = page->broker->rows.n;
    if (!proto_struct_encode(&page->broker->rows, PROTO_STRUCT_REQUEST, &row) || page->broker->rows.n > page->bytes_max) {
        proto_buf_cut(&page->broker->rows, before);
        return 1;
    }
    page->count++;
    return 0;
}

static void
history_answer(struct broker *broker, const struct core_effect *effect, const struct core_query *query)
{
    const char *party = query->party[0] ? query->party : NULL;
    struct store_query store_query = {
        .requester = query->scope == PROTO_SCOPE_PERFORMER ? NULL : party,
        .performer = query->scope == PROTO_SCOPE_REQUESTER ? NULL : party,
        .service = query->service[0] ? query->service : NULL,
        .since_us = query->since_us,
        .until_us = query->until_us,
        .status_mask = query->statuses,
        .after = query->after,
        .rows_max = query->limit,
        .scan_max = HISTORY_SCAN_MAX,
    };
    struct page page = {.broker = broker, .bytes_max = broker->config.frame_bytes_max - 4096, .seq_max = query->seq_max};
    struct store_error error = {.text = ""};
    char cursor[STORE_CURSOR_BYTES] = "", next[PROTO_LIST_AFTER_MAX + 1] = "";
    proto_buf_reset(&broker->rows);
    enum store_status status = store_history_list(broker->store, &store_query, row_add, &page, cursor, &error);
    if (status != STORE_OK) {
        store_refuse(broker, effect, "history", status, &error);
        return;
    }
    if (cursor[0]) {
        core_history_cursor(proto_str_of(cursor), next);
    }
    proto_buf_reset(&broker->render);
    struct proto_bin rows = {broker->rows.p, (uint32_t)broker->rows.n};
    render_send(broker, effect, core_page_render(&broker->render, effect->re, PROTO_PAGE_KIND_REQUEST, rows, page.count,
                                                 proto_str_of(next)));
}

static void
ask_answer(struct broker *broker, const struct ask *ask)
{
    struct trail trail;
    switch (ask->effect.kind) {
    case CORE_DETAIL:
        detail_answer(broker, &ask->effect, &trail);
        break;
    case CORE_FINISHED:
        finished_answer(broker, &ask->effect, &trail);
        break;
    default:
        assert(ask->effect.kind == CORE_HISTORY);
        history_answer(broker, &ask->effect, &ask->query);
        break;
    }
}

void
ask_step(struct broker *broker)
{
    struct core_now now;
    int64_t until_us = broker->now.mono_us + ASK_SLICE_US;
    bool first = true;
    while (broker->ask_count > 0 && !broker->failed) {
        const struct ask *ask = &broker->asks[broker->ask_first];
        if (net_room(broker->net, ask->effect.conn) > 0) {
            clock_read(&now);
            if (first) {
                until_us = now.mono_us + ASK_SLICE_US;
            }
            if (now.mono_us >= until_us) {
                return;
            }
            first = false;
            ask_answer(broker, ask);
        }
        broker->ask_first = (broker->ask_first + 1) % ASKS_MAX;
        broker->ask_count--;
    }
}
