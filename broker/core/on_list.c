/*
 * list: open requests from the core, newest first, then finished ones from history.
 *
 * Cursors: "o" and an id: open ones below that id; "s" and a number: open ones of everybody, from that place of the table
 * on; "h" and the store's own cursor: finished ones. A page may hold fewer rows than asked for and still have a next one.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/handlers.h"
#include "core/party.h"
#include "core/request.h"

enum { LIST_MAX = PROTO_LIMIT_PAGE_ROWS_MAX };

struct query {
    const struct proto_list *record;
    uint32_t statuses; /* bits; 0: any */
    uint32_t service;
    uint32_t party;
    uint32_t limit;
    uint32_t scanned;
    uint64_t below; /* ids; 0: no bound */
    bool finished;  /* those that history may not have yet, too */
};

/* The newest `limit` that were offered: a heap with the oldest on top. */
struct newest {
    uint32_t items[LIST_MAX];
    uint32_t n;
};

/* ------------------------------------------------------------- which requests */

static bool
query_matches(const struct core *core, const struct query *query, const struct request *request)
{
    const struct proto_list *record = query->record;
    if (request_is_finished(request) && (!query->finished || request->last_seq <= core->projected)) {
        return false;
    }
    if (query->below != 0 && request->id >= query->below) {
        return false;
    }
    if (query->statuses != 0 && (query->statuses >> request->shown & 1) == 0) {
        return false;
    }
    if (query->service != 0 && request_group(core, request)->service != query->service) {
        return false;
    }
    if (query->party != 0 && request_requester(core, request) != query->party && request->performer != query->party) {
        return false;
    }
    return (record->since == 0 || request->authored_us >= record->since) &&
           (record->until == 0 || request->authored_us < record->until);
}

static void
newest_sift(const struct core *core, struct newest *newest, uint32_t at)
{
    uint32_t item = newest->items[at];
    uint64_t id = request_at(core, item)->id;
    for (uint32_t child = at * 2 + 1; child < newest->n; child = at * 2 + 1) {
        if (child + 1 < newest->n &&
            request_at(core, newest->items[child + 1])->id < request_at(core, newest->items[child])->id) {
            child++;
        }
        if (request_at(core, newest->items[child])->id >= id) {
            break;
        }
        newest->items[at] = newest->items[child];
        at = child;
    }
    newest->items[at] = item;
}

static void
newest_offer(const struct core *core, struct newest *newest, uint32_t limit, uint32_t item)
{
    uint64_t id = request_at(core, item)->id;
    if (newest->n < limit) {
        uint32_t at = newest->n++;
        for (; at > 0 && request_at(core, newest->items[(at - 1) / 2])->id > id; at = (at - 1) / 2) {
            newest->items[at] = newest->items[(at - 1) / 2];
        }
        newest->items[at] = item;
    } else if (request_at(core, newest->items[0])->id < id) {
        newest->items[0] = item;
        newest_sift(core, newest, 0);
    }
}

/* ------------------------------------------------------------- scopes */

/* A requester's list is in order: it ends when the page is full. */
static void
scan_mine(const struct turn *turn, struct query *query, struct newest *newest)
{
    const struct core *core = turn->core;
    for (uint32_t i = party_at(core, turn->party)->mine.head; i != 0; i = request_at(core, i)->mine_next) {
        if (newest->n == query->limit || query->scanned++ > core->settings.rows_scanned_max) {
            break;
        }
        if (query_matches(core, query, request_at(core, i))) {
            newest_offer(core, newest, query->limit, i);
        }
    }
}

static void
scan_list(const struct core *core, struct query *query, struct newest *newest, const struct list *list, uint32_t performer)
{
    for (uint32_t i = list->head; i != 0; i = request_at(core, i)->next) {
        if (query->scanned++ > core->settings.rows_scanned_max) {
            break;
        }
        const struct request *request = request_at(core, i);
        if (request->performer == performer && query_matches(core, query, request)) {
            newest_offer(core, newest, query->limit, i);
        }
    }
}

static void
scan_performed(const struct turn *turn, struct query *query, struct newest *newest)
{
    const struct core *core = turn->core;
    for (uint32_t p = party_at(core, turn->party)->providers; p != 0; p = provider_at(core, p)->next) {
        const struct provider *provider = provider_at(core, p);
        scan_list(core, query, newest, &provider->bound, turn->party);
        scan_list(core, query, newest, &provider->orphans, turn->party);
        scan_list(core, query, newest, &provider->verify, turn->party);
    }
    if (query->finished) {
        scan_list(core, query, newest, &core->finished, turn->party);
    }
}

/* Everybody's: by place in the table, from high to low; *place is where to go on. */
static void
scan_all(const struct core *core, struct query *query, struct newest *newest, uint32_t *place)
{
    while (*place > 0 && newest->n < query->limit && query->scanned++ < core->settings.rows_scanned_max) {
        const struct request *request = request_at(core, *place);
        if (request->id != 0 && query_matches(core, query, request)) {
            newest_offer(core, newest, query->limit, *place);
        }
        --*place;
    }
}

/* ------------------------------------------------------------- rows */

static void
row_fill(const struct turn *turn, const struct request *request, struct proto_request *row)
{
    const struct core *core = turn->core;
    const struct party *viewer = party_at(core, turn->party);
    memset(row, 0, sizeof *row);
    row->id = request->id;
    row->service = name_str(&request_service(core, request)->name);
    row->status = (enum proto_status)request->shown;
    row->business_status = text_str(core, request->business);
    row->reason = (enum proto_reason)request->reason;
    row->priority = (enum proto_priority)request->priority;
    row->requester = name_str(&party_at(core, request_requester(core, request))->name);
    if (request->performer != 0) {
        row->performer = name_str(&party_at(core, request->performer)->name);
    }
    if (request->member != 0) {
        row->member = name_str(&member_at(core, request->member)->name);
    }
    row->authored_on = request->authored_us;
    row->last_modified = request->authored_us + (int64_t)request->modified_s * 1000000;
    row->complete_by = request->flags & FLAG_ASKED ? 0 : request->complete_by_us;
    row->attempt = request->attempt;
    row->progress = request->progress_e4 / 1e4;
    row->task = request->id + request->ordinal;
    row->seq = request->last_seq;
    row->not_before = request->flags & FLAG_NOT_BEFORE ? request->due_us : 0;
    if (request->performer == turn->party || party_has_role(viewer, PROTO_ROLE_OPERATOR)) {
        row->fence = request->fence;
    }
}

/* Newest first, as many as the page may hold in bytes. */
static void
answer_rows(struct turn *turn, struct newest *newest, const char *next)
{
    struct core *core = turn->core;
    struct proto_buf rows;
    proto_buf_init(&rows, PROTO_PAGE_ROWS_MAX);
    uint32_t count = newest->n;
    uint32_t sorted[LIST_MAX];
    for (uint32_t i = count; i-- > 0;) {
        sorted[i] = newest->items[0];
        newest->items[0] = newest->items[--newest->n];
        if (newest->n > 0) {
            newest_sift(core, newest, 0);
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        struct proto_request row;
        row_fill(turn, request_at(core, sorted[i]), &row);
        bool fits = proto_struct_encode(&rows, PROTO_STRUCT_REQUEST, &row);
        assert(fits); /* 1,000 rows of names and numbers stay far below the page's limit */
    }
    answer_page(turn, PROTO_PAGE_KIND_REQUEST, &rows, count, next);
    proto_buf_fini(&rows);
}

/* ------------------------------------------------------------- history */

static void
text_copy(char *out, size_t n, struct proto_str text)
{
    snprintf(out, n, "%.*s", PROTO_STR_ARG(text));
}

static void
answer_history(struct turn *turn, const struct query *query, struct proto_str cursor)
{
    const struct proto_list *record = query->record;
    struct core_query asked;
    memset(&asked, 0, sizeof asked);
    asked.scope = record->scope;
    text_copy(asked.party, sizeof asked.party,
              record->scope == PROTO_SCOPE_ALL ? record->party : name_str(&party_at(turn->core, turn->party)->name));
    text_copy(asked.service, sizeof asked.service, record->service);
    text_copy(asked.after, sizeof asked.after, cursor);
    asked.statuses = query->statuses;
    asked.since_us = record->since;
    asked.until_us = record->until;
    asked.limit = query->limit;
    asked.seq_max = turn->core->projected;
    struct core_effect *effect = effect_add(turn, CORE_HISTORY, turn->conn);
    effect->re = turn->record->n;
    effect->offset = (uint32_t)turn->out->bytes.n;
    effect->bytes = sizeof asked;
    bool fits = proto_buf_append(&turn->out->bytes, &asked, sizeof asked);
    assert(fits);
}

void
core_effect_query(const struct core_out *out, const struct core_effect *effect, struct core_query *out_query)
{
    assert(effect->kind == CORE_HISTORY && effect->bytes == sizeof *out_query);
    memcpy(out_query, out->bytes.p + effect->offset, sizeof *out_query);
}

void
core_history_cursor(struct proto_str store_cursor, char out_text[PROTO_LIST_AFTER_MAX + 1])
{
    snprintf(out_text, PROTO_LIST_AFTER_MAX + 1, "h%.*s", PROTO_STR_ARG(store_cursor));
}

/* ------------------------------------------------------------- the record */

static bool
statuses_read(struct turn *turn, struct query *query)
{
    const uint32_t terminal = 1u << PROTO_STATUS_COMPLETED | 1u << PROTO_STATUS_FAILED | 1u << PROTO_STATUS_CANCELLED;
    struct proto_iter it = proto_iter_of(query->record->status);
    struct proto_str name;
    unsigned status;
    while (proto_iter_str(&it, &name)) {
        if (!proto_enum_number(PROTO_ENUM_STATUS, name.p, name.n, &status)) {
            answer_refusal(turn, PROTO_REFUSAL_CODE_INVALID, "status", "no such status");
            return false;
        }
        query->statuses |= 1u << status;
    }
    query->finished = query->record->finished || (query->statuses & terminal) != 0;
    return true;
}

static bool
query_read(struct turn *turn, struct query *query)
{
    const struct core *core = turn->core;
    const struct proto_list *record = &turn->record->u.list;
    const struct party *party = party_at(core, turn->party);
    *query = (struct query){.record = record};
    bool oversees = party_has_role(party, PROTO_ROLE_OPERATOR) || party_has_role(party, PROTO_ROLE_OBSERVER);
    if (record->scope == PROTO_SCOPE_ALL && !oversees) {
        answer_refusal(turn, PROTO_REFUSAL_CODE_FORBIDDEN, "scope", "your party does not have the role for this");
        return false;
    }
    query->limit = record->limit == 0 ? PROTO_LIMIT_PAGE_ROWS : record->limit < LIST_MAX ? record->limit : LIST_MAX;
    query->service = record->service.n > 0 ? service_find(core, record->service) : 0;
    query->party = record->party.n > 0 ? party_find(core, record->party) : 0;
    if ((record->service.n > 0 && query->service == 0) || (record->party.n > 0 && query->party == 0)) {
        answer_refusal(turn, PROTO_REFUSAL_CODE_NOT_FOUND, query->service == 0 && record->service.n > 0 ? "service" : "party",
                       "no such name");
        return false;
    }
    return statuses_read(turn, query);
}

/* The number behind a cursor's letter. False: it is no cursor of ours. */
static bool
cursor_number(struct proto_str cursor, uint64_t *out_number)
{
    uint64_t number = 0;
    for (uint32_t i = 1; i < cursor.n; i++) {
        if (cursor.p[i] < '0' || cursor.p[i] > '9' || number > UINT64_MAX / 10 - 10) {
            return false;
        }
        number = number * 10 + (uint64_t)(cursor.p[i] - '0');
    }
    *out_number = number;
    return cursor.n > 1;
}

static void
list_open(struct turn *turn, struct query *query, uint64_t number)
{
    const struct core *core = turn->core;
    struct newest *newest = table_alloc(sizeof *newest);
    char next[PROTO_PAGE_NEXT_MAX + 1] = "";
    if (query->record->scope == PROTO_SCOPE_ALL) {
        uint32_t place = number == 0 || number >= core->requests.used ? core->requests.used - 1 : (uint32_t)number - 1;
        scan_all(core, query, newest, &place);
        if (place > 0) {
            snprintf(next, sizeof next, "s%" PRIu32, place + 1);
        }
    } else {
        query->below = number;
        if (query->record->scope == PROTO_SCOPE_REQUESTER) {
            scan_mine(turn, query, newest);
        } else {
            scan_performed(turn, query, newest);
        }
        if (newest->n == query->limit) {
            snprintf(next, sizeof next, "o%" PRIu64, request_at(core, newest->items[0])->id);
        }
    }
    if (next[0] == 0 && newest->n == 0 && query->finished) {
        answer_history(turn, query, (struct proto_str){"", 0});
    } else {
        answer_rows(turn, newest, next[0] != 0 ? next : query->finished ? "h" : "");
    }
    free(newest);
}

void
on_list(struct turn *turn)
{
    struct query query;
    struct proto_str after = turn->record->u.list.after;
    uint64_t number = 0;
    if (!query_read(turn, &query)) {
        return;
    }
    if (after.n > 0 && after.p[0] == 'h') {
        answer_history(turn, &query, (struct proto_str){after.p + 1, after.n - 1});
    } else if (after.n > 0 && ((after.p[0] != 'o' && after.p[0] != 's') || !cursor_number(after, &number))) {
        answer_refusal(turn, PROTO_REFUSAL_CODE_INVALID, "after", "not a cursor of this broker");
    } else {
        list_open(turn, &query, number);
    }
}
