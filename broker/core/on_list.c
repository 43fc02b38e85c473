/*
 * list: open requests from the core, newest first; then finished ones, the last finished first: from the core those that
 * history may not have yet, then from history.
 *
 * Cursors: "o" and an id: open ones below it; "f" and a sequence: finished ones whose last event is below it; "h" and the
 * store's own cursor: history goes on. A page may hold fewer rows than asked for, or none, and still have a next one.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/handlers.h"
#include "core/listing.h"
#include "core/party.h"
#include "core/render.h"
#include "core/request.h"

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

/* The rows as far as the core knows them; what only events say is added when they leave. See render_list.c. */
static void
answer_rows(struct turn *turn, const struct listing_found *found, const char *next)
{
    struct core *core = turn->core;
    struct proto_buf row_bytes;
    proto_buf_init(&row_bytes, PROTO_PAGE_ROWS_MAX);
    struct core_effect *effect = effect_add(turn, CORE_LIST, turn->conn);
    effect->re = turn->record->n;
    effect->party = turn->party;
    effect->roles = party_at(core, turn->party)->roles;
    effect->offset = (uint32_t)turn->out->bytes.n;
    struct listed_head head = {.count = found->n};
    snprintf(head.next, sizeof head.next, "%s", next);
    bool fits = proto_buf_append(&turn->out->bytes, &head, sizeof head);
    for (uint32_t i = 0; fits && i < found->n; i++) {
        const struct request *request = request_at(core, found->items[i]);
        struct proto_request row;
        row_fill(turn, request, &row);
        proto_buf_reset(&row_bytes);
        fits = proto_struct_encode(&row_bytes, PROTO_STRUCT_REQUEST, &row);
        struct listed_row listed = {.id = request->id, .accepted_seq = request->accepted_seq, .bytes = (uint32_t)row_bytes.n};
        if (request_is_finished(request)) {
            listed.finished_seq = request->last_seq;
            listed.result_seq = request->flags & FLAG_VERIFY ? request->output_seq : 0;
        }
        fits = fits && proto_buf_append(&turn->out->bytes, &listed, sizeof listed) &&
               proto_buf_append(&turn->out->bytes, row_bytes.p, row_bytes.n);
    }
    assert(fits); /* 1,000 rows of names and numbers */
    effect->bytes = (uint32_t)turn->out->bytes.n - effect->offset;
    proto_buf_fini(&row_bytes);
}

/* ------------------------------------------------------------- history */

static void
text_copy(char *out, size_t n, struct proto_str text)
{
    snprintf(out, n, "%.*s", PROTO_STR_ARG(text));
}

/* Those of history that finished below a sequence. */
static void
answer_history(struct turn *turn, const struct listing_query *query, struct proto_str cursor, uint64_t below)
{
    const struct core *core = turn->core;
    const struct proto_list *record = query->record;
    struct core_query asked;
    memset(&asked, 0, sizeof asked);
    asked.scope = record->scope;
    text_copy(asked.party, sizeof asked.party,
              record->scope == PROTO_SCOPE_ALL ? record->party : name_str(&party_at(core, turn->party)->name));
    if (record->scope != PROTO_SCOPE_ALL) {
        text_copy(asked.other, sizeof asked.other, record->party);
    }
    text_copy(asked.service, sizeof asked.service, record->service);
    text_copy(asked.after, sizeof asked.after, cursor);
    asked.statuses = query->statuses;
    asked.since_us = record->since;
    asked.until_us = record->until;
    asked.limit = query->limit;
    asked.seq_max = below - 1 < core->projected ? below - 1 : core->projected;
    struct core_effect *effect = effect_add(turn, CORE_HISTORY, turn->conn);
    effect->re = turn->record->n;
    effect->party = turn->party;
    effect->roles = party_at(core, turn->party)->roles;
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

bool
core_query_takes(const struct core_query *query, const struct proto_request *row)
{
    struct proto_str other = proto_str_of(query->other);
    return (other.n == 0 || proto_str_eq(row->requester, other) || proto_str_eq(row->performer, other)) &&
           (query->since_us == 0 || row->authored_on >= query->since_us) &&
           (query->until_us == 0 || row->authored_on < query->until_us);
}

void
core_history_cursor(struct proto_str store_cursor, char out_text[PROTO_LIST_AFTER_MAX + 1])
{
    snprintf(out_text, PROTO_LIST_AFTER_MAX + 1, "h%.*s", PROTO_STR_ARG(store_cursor));
}

/* ------------------------------------------------------------- the record */

enum { TERMINAL_BITS = 1u << PROTO_STATUS_COMPLETED | 1u << PROTO_STATUS_FAILED | 1u << PROTO_STATUS_CANCELLED };

static bool
statuses_read(struct turn *turn, struct listing_query *query)
{
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
    query->finished = query->record->finished || (query->statuses & TERMINAL_BITS) != 0;
    return true;
}

/* A service, or prefix.* that covers one at least. */
static bool
service_read(struct turn *turn, struct listing_query *query)
{
    const struct core *core = turn->core;
    struct proto_str name = query->record->service;
    bool found = name.n == 0;
    if (name.n > 0 && name.p[name.n - 1] != '*') {
        query->service = service_find(core, name);
        found = query->service != 0;
    } else if (name.n > 0) {
        query->pattern = name;
        for (uint32_t i = 1; i < core->services.used && !found; i++) {
            found = service_name_covers(name, name_str(&service_at(core, i)->name));
        }
    }
    if (!found) {
        answer_refusal(turn, PROTO_REFUSAL_CODE_NOT_FOUND, "service", "no such name");
    }
    return found;
}

static bool
query_read(struct turn *turn, struct listing_query *query)
{
    const struct core *core = turn->core;
    const struct proto_list *record = &turn->record->u.list;
    const struct party *party = party_at(core, turn->party);
    *query = (struct listing_query){.record = record, .viewer = turn->party, .looks = core->settings.rows_scanned_max};
    bool oversees = party_has_role(party, PROTO_ROLE_OPERATOR) || party_has_role(party, PROTO_ROLE_OBSERVER);
    if (record->scope == PROTO_SCOPE_ALL && !oversees) {
        answer_refusal(turn, PROTO_REFUSAL_CODE_FORBIDDEN, "scope", "your party does not have the role for this");
        return false;
    }
    query->limit = record->limit == 0 ? PROTO_LIMIT_PAGE_ROWS : record->limit < LISTING_MAX ? record->limit : LISTING_MAX;
    query->party = record->party.n > 0 ? party_find(core, record->party) : 0;
    if (record->party.n > 0 && query->party == 0) {
        answer_refusal(turn, PROTO_REFUSAL_CODE_NOT_FOUND, "party", "no such name");
        return false;
    }
    return service_read(turn, query) && statuses_read(turn, query);
}

/* The number behind a cursor's letter; none: no bound. False: it is no cursor of ours. */
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
    *out_number = cursor.n > 1 ? number : UINT64_MAX;
    return true;
}

/* Finished ones go behind what is on the page already. */
static void
list_finished(struct turn *turn, struct listing_query *query, struct listing_found *found, uint64_t below)
{
    char next[PROTO_PAGE_NEXT_MAX + 1] = "f";
    bool done = listing_finished(turn->core, query, found, &below);
    if (done && found->n == 0) {
        answer_history(turn, query, (struct proto_str){"", 0}, below);
        return;
    }
    if (below != UINT64_MAX) {
        snprintf(next, sizeof next, "f%" PRIu64, below);
    }
    answer_rows(turn, found, next);
}

static void
list_open(struct turn *turn, struct listing_query *query, struct listing_found *found, uint64_t below)
{
    char next[PROTO_PAGE_NEXT_MAX + 1] = "";
    bool many = false, done = true;
    if (query->statuses == 0 || (query->statuses & ~TERMINAL_BITS) != 0) {
        done = query->record->scope == PROTO_SCOPE_PERFORMER ? listing_in_hand(turn->core, query, found, &below, &many)
                                                             : listing_open(turn->core, query, found, &below);
    }
    if (many) {
        answer_refusal(turn, PROTO_REFUSAL_CODE_TOO_LARGE, "service", "too many tasks in hand to look through: name one service");
    } else if (done && query->finished) {
        list_finished(turn, query, found, UINT64_MAX);
    } else {
        if (!done) {
            snprintf(next, sizeof next, below == UINT64_MAX ? "o" : "o%" PRIu64, below);
        }
        answer_rows(turn, found, next);
    }
}

void
on_list(struct turn *turn)
{
    struct listing_query query;
    struct proto_str after = turn->record->u.list.after;
    uint64_t below = UINT64_MAX;
    if (!query_read(turn, &query)) {
        return;
    }
    if (after.n > 1 && after.p[0] == 'h') {
        answer_history(turn, &query, (struct proto_str){after.p + 1, after.n - 1}, UINT64_MAX);
        return;
    }
    if (after.n > 0 && ((after.p[0] != 'o' && after.p[0] != 'f') || !cursor_number(after, &below) || below == 0)) {
        answer_refusal(turn, PROTO_REFUSAL_CODE_INVALID, "after", "not a cursor of this broker");
        return;
    }
    struct listing_found *found = table_alloc(sizeof *found);
    found->n = 0;
    if (after.n > 0 && after.p[0] == 'f') {
        list_finished(turn, &query, found, below);
    } else {
        list_open(turn, &query, found, below);
    }
    free(found);
}
