/*
 * Pages of lists: the core's rows with what their events say, and rows of history.
 */
#include "shell/ask.h"

#include <assert.h>

enum {
    HISTORY_SCAN_MAX = 20000,
    HISTORY_READ_MAX = 2000,     /* of them with their trails, wanted or not: beyond it the page ends early */
    HISTORY_BYTES_MAX = 4 << 20, /* the same in bytes */
};

/* ------------------------------------------------------------- rows of the core */

/* A finished request's events may have been pruned since: history has them. Its trail is kept in broker->trail. */
static enum store_status
events_of_history(struct broker *broker, uint64_t id, const struct core_listed *list, struct trail *trail, struct store_error *error)
{
    struct store_finished finished;
    enum store_status status = store_history_get(broker->store, id, &finished, error);
    uint32_t offset = 0, n;
    uint64_t seq;
    const uint8_t *p;
    trail->count = 0;
    proto_buf_reset(&broker->trail);
    if (status != STORE_OK) {
        return status == STORE_NOT_FOUND ? STORE_OK : status; /* the row without them */
    }
    while (store_trail_next(finished.trail, finished.trail_n, &offset, &seq, &p, &n)) {
        if ((seq == list->seqs[0] || seq == list->seqs[1]) && !ask_trail_add(broker, trail, seq, p, n)) {
            return STORE_NO_MEMORY;
        }
    }
    if (trail->count == 0) {
        return STORE_OK;
    }
    return ask_trail_add(broker, trail, finished.seq, finished.event, finished.event_n) ? STORE_OK : STORE_NO_MEMORY;
}

static enum store_status
events_read(struct broker *broker, const struct core_listed *list, struct trail *trail, struct store_error *error)
{
    trail->count = 0;
    proto_buf_reset(&broker->trail);
    for (int i = 0; i < 3; i++) {
        const uint8_t *p;
        uint32_t n;
        if (list->seqs[i] == 0) {
            continue;
        }
        enum store_status status = store_read(broker->store, list->seqs[i], &p, &n, error);
        if (status == STORE_PRUNED && list->seqs[2] != 0) {
            return events_of_history(broker, list->id, list, trail, error);
        }
        if (status != STORE_OK) {
            return status;
        }
        if (!ask_trail_add(broker, trail, list->seqs[i], p, n)) {
            return STORE_NO_MEMORY;
        }
    }
    return STORE_OK;
}

bool
ask_list_answer(struct broker *broker, struct ask *ask, struct trail *trail, int64_t until_us)
{
    const struct core_effect *effect = &ask->effect;
    struct core_listed list;
    struct store_error error = {.text = ""};
    struct core_now now;
    bool fits = core_listed_of(ask->listed, effect->bytes, &list);
    if (ask->listed_offset == 0) {
        proto_buf_reset(&broker->listed);
    } else {
        list.offset = ask->listed_offset;
    }
    while (fits && core_listed_next(&list)) {
        enum store_status status = events_read(broker, &list, trail, &error);
        if (status != STORE_OK) {
            ask_store_refuse(broker, effect, "list", status, &error);
            return true;
        }
        ask_trail_settle(broker, trail);
        fits = core_listed_render(broker->core, effect, &list, trail->events, trail->count, &broker->listed);
        ask->listed_offset = list.offset;
        clock_read(&now);
        if (fits && now.mono_us >= until_us) {
            return false;
        }
    }
    proto_buf_reset(&broker->render);
    struct proto_bin rows = {broker->listed.p, (uint32_t)broker->listed.n};
    ask_render_send(broker, effect, fits && core_page_render(&broker->render, effect->re, PROTO_PAGE_KIND_REQUEST, rows, list.count,
                                                             proto_str_of(list.next)));
    return true;
}

/* ------------------------------------------------------------- rows of history */

struct page {
    struct broker *broker;
    const struct core_effect *effect;
    const struct core_query *query;
    uint32_t count;
    size_t bytes_max;
    uint32_t rows_read;
    size_t bytes_read;
};

/* A row from all events of its request. False: one of them does not decode. */
static bool
row_fold(const struct store_finished *finished, struct proto_request *row)
{
    struct proto_event event;
    struct proto_error error;
    size_t used;
    uint32_t offset = 0, n;
    uint64_t seq;
    const uint8_t *p;
    memset(row, 0, sizeof *row);
    while (store_trail_next(finished->trail, finished->trail_n, &offset, &seq, &p, &n)) {
        if (!proto_event_decode(p, n, &used, &event, &error)) {
            return false;
        }
        core_row_fold(row, seq, &event);
    }
    if (!proto_event_decode(finished->event, finished->event_n, &used, &event, &error)) {
        return false;
    }
    core_row_fold(row, finished->seq, &event);
    row->id = finished->id;
    return true;
}

static int
row_add(void *context, const struct store_finished *finished)
{
    struct page *page = context;
    struct proto_request row;
    page->bytes_read += finished->event_n + finished->trail_n;
    if (page->rows_read++ > 0 && (page->rows_read > HISTORY_READ_MAX || page->bytes_read > HISTORY_BYTES_MAX)) {
        return STORE_ROW_STOP;
    }
    /* Damage of one row hides that row only; `journal verify` names it. */
    if (finished->seq > page->query->seq_max || !row_fold(finished, &row) || !core_query_takes(page->query, &row)) {
        return STORE_ROW_PASSED;
    }
    core_row_trim(page->broker->core, page->effect, &row);
    size_t before = page->broker->rows.n;
    if (!proto_struct_encode(&page->broker->rows, PROTO_STRUCT_REQUEST, &row) || page->broker->rows.n > page->bytes_max) {
        proto_buf_cut(&page->broker->rows, before);
        return STORE_ROW_STOP;
    }
    page->count++;
    return STORE_ROW_TAKEN;
}

void
ask_history_answer(struct broker *broker, const struct core_effect *effect, const struct core_query *query)
{
    const char *party = query->party[0] ? query->party : NULL;
    struct store_query store_query = {
        .requester = query->scope == PROTO_SCOPE_PERFORMER ? NULL : party,
        .performer = query->scope == PROTO_SCOPE_REQUESTER ? NULL : party,
        .service = query->service[0] ? query->service : NULL,
        .since_us = query->since_us, /* what was accepted after it finished after it */
        .status_mask = query->statuses,
        .after = query->after,
        .rows_max = query->limit,
        .scan_max = HISTORY_SCAN_MAX,
        .trail = true,
    };
    struct page page = {.broker = broker, .effect = effect, .query = query, .bytes_max = broker->config.frame_bytes_max - 4096};
    struct store_error error = {.text = ""};
    char cursor[STORE_CURSOR_BYTES] = "", next[PROTO_LIST_AFTER_MAX + 1] = "";
    proto_buf_reset(&broker->rows);
    enum store_status status = store_history_list(broker->store, &store_query, row_add, &page, cursor, &error);
    if (status != STORE_OK) {
        ask_store_refuse(broker, effect, "history", status, &error);
        return;
    }
    if (cursor[0]) {
        core_history_cursor(proto_str_of(cursor), next);
    }
    proto_buf_reset(&broker->render);
    struct proto_bin rows = {broker->rows.p, (uint32_t)broker->rows.n};
    ask_render_send(broker, effect, core_page_render(&broker->render, effect->re, PROTO_PAGE_KIND_REQUEST, rows, page.count,
                                                     proto_str_of(next)));
}
