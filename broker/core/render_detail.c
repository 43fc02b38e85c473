/*
 * One request in full, from its events: rows, trails, and answers about requests that are in history; see core.h.
 */
#include <stdlib.h>

#include "core/event.h"
#include "core/party.h"
#include "core/render.h"
#include "core/request.h"

#include "proto/writer.h"

/* ------------------------------------------------------------- a row as a fold of events */

static void
fold_result(struct proto_request *row, uint64_t seq, const struct proto_event *event, struct proto_bin output)
{
    row->output = output;
    row->output_seq = seq;
    row->body_bytes = event->body.n;
}

static void
fold_own_fields(struct proto_request *row, uint64_t seq, const struct proto_event *event)
{
    switch (event->type) {
    case PROTO_EV_ACCEPTED:
        row->authored_on = event->at;
        row->priority = event->u.accepted.priority;
        row->complete_by = event->u.accepted.complete_by;
        row->subject = event->u.accepted.subject;
        row->key = event->u.accepted.key;
        row->input = event->u.accepted.input;
        row->not_before = event->u.accepted.not_before;
        break;
    case PROTO_EV_PROGRESSED:
        row->progress = event->u.progressed.progress;
        break;
    case PROTO_EV_REPLIED:
        row->complete_by = event->u.replied.complete_by;
        break;
    case PROTO_EV_PRESENTED:
        fold_result(row, seq, event, event->u.presented.output);
        break;
    case PROTO_EV_COMPLETED:
        if (!event->u.completed.verified) {
            fold_result(row, seq, event, event->u.completed.output);
            break;
        }
        row->verifier = event->member;
        row->verified_on = event->at;
        row->body_bytes = event->body.n > 0 ? event->body.n : row->body_bytes;
        break;
    default:
        break;
    }
}

static bool
performer_keeps(const struct proto_event *event)
{
    switch (event->type) {
    case PROTO_EV_REJECTED:
    case PROTO_EV_LAPSED:
    case PROTO_EV_RELEASED:
    case PROTO_EV_EXHAUSTED:
    case PROTO_EV_REQUEUED:
        return false;
    case PROTO_EV_FAILED:
        return !event->u.failed.retryable;
    default:
        return true;
    }
}

static void
fold_charge(struct proto_request *row, const struct proto_event *event)
{
    if (event->currency.n > 0) {
        row->charge = event->charge;
        row->currency = event->currency;
    }
    if (event->outcome.n > 0) {
        row->outcome = event->outcome;
    }
}

/* A result that was presented counts when it was verified. When the request ends otherwise it is not shown any more. */
static void
fold_end(struct proto_request *row, const struct proto_event *event)
{
    if (!status_is_terminal(event->status) || event->type == PROTO_EV_COMPLETED || row->output_seq == 0) {
        return;
    }
    row->outcome.n = 0;
    row->output.n = 0;
    row->output_seq = 0;
    row->body_bytes = 0;
    row->charge = event->charge;
    row->currency = event->currency;
}

void
core_row_fold(struct proto_request *row, uint64_t seq, const struct proto_event *event)
{
    row->id = event->id;
    row->service = event->service;
    row->requester = event->requester;
    row->status = event->status;
    row->last_modified = event->at;
    row->seq = seq;
    row->attempt = event->attempt;
    row->task = event->id + event->task;
    row->performer = performer_keeps(event) ? event->performer : (struct proto_str){0};
    row->fence = event->fence;
    if (event->authored_on != 0) {
        row->authored_on = event->authored_on;
    }
    if (event->reason != PROTO_REASON_NONE || event->was != event->status) {
        row->reason = event->reason;
    }
    if (event->business_status.n > 0) {
        row->business_status = event->business_status;
    }
    if (event->message.n > 0) {
        row->message = event->message;
    }
    if (event->worker.n > 0) {
        row->member = event->worker;
    } else if (event->member.n > 0 && proto_str_eq(event->party, event->performer)) {
        row->member = event->member;
    }
    fold_charge(row, event);
    fold_own_fields(row, seq, event);
    fold_end(row, event);
}

/* ------------------------------------------------------------- trail */

static bool
trail_line(struct proto_buf *buf, uint64_t seq, const struct proto_event *event)
{
    struct proto_transition line = {.seq = seq,
                                    .at = event->at,
                                    .task = event->id + event->task,
                                    .was = event->task_was,
                                    .status = event->task_status,
                                    .reason = event->reason,
                                    .business_status = event->business_status,
                                    .party = event->party,
                                    .member = event->member,
                                    .message = event->message,
                                    .attempt = event->attempt,
                                    .event = proto_str_of(proto_ev_desc(event->type)->name)};
    return proto_struct_encode(buf, PROTO_STRUCT_TRANSITION, &line);
}

struct detail {
    struct proto_request row;
    struct proto_bin body; /* of the result, or the one that its verifier put in its place */
    struct proto_buf lines;
    uint32_t line_count;
};

/* Fold all events. False: one does not decode, or there is no room. */
static bool
detail_fold(struct detail *detail, const struct proto_bin *events, const uint64_t *seqs, uint32_t count)
{
    memset(&detail->row, 0, sizeof detail->row);
    detail->body.n = 0;
    detail->line_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct proto_event event;
        if (!event_read(events[i], &event)) {
            return false;
        }
        core_row_fold(&detail->row, seqs[i], &event);
        if (detail->row.output_seq == seqs[i] || (event.type == PROTO_EV_COMPLETED && event.body.n > 0)) {
            detail->body = event.body;
        } else if (detail->row.output_seq == 0) {
            detail->body.n = 0;
        }
        if (detail->line_count < CORE_DETAIL_EVENTS_MAX) {
            if (!trail_line(&detail->lines, seqs[i], &event)) {
                return false;
            }
            detail->line_count++;
        }
    }
    return true;
}

/* Who may see a request: its requester, its performer, operators and observers. */
static bool
viewer_may(const struct core *core, const struct core_effect *effect, const struct proto_request *row)
{
    struct proto_str viewer = core_party_name(core, effect->party);
    uint32_t watches = 1u << PROTO_ROLE_OPERATOR | 1u << PROTO_ROLE_OBSERVER;
    return (effect->roles & watches) != 0 || proto_str_eq(viewer, row->requester) || proto_str_eq(viewer, row->performer);
}

static bool
page_of_detail(const struct core *core, const struct core_effect *effect, struct detail *detail, struct proto_buf *buf)
{
    struct proto_request *row = &detail->row;
    struct proto_str viewer = core_party_name(core, effect->party);
    bool performs = proto_str_eq(viewer, row->performer);
    bool finished = status_is_terminal(row->status);
    struct proto_record record = {.type = PROTO_PAGE, .re = effect->re};
    record.u.page.kind = PROTO_PAGE_KIND_REQUEST;
    if ((effect->flags & EFFECT_INPUT) == 0) {
        row->input.n = 0;
    }
    /* A result that waits for verification is its performer's only. */
    bool result_shown = finished || performs;
    if (!result_shown) {
        row->outcome.n = 0;
        row->currency.n = 0;
        row->charge = 0;
        row->output_seq = 0;
        row->body_bytes = 0;
    }
    if (!result_shown || (effect->flags & EFFECT_OUTPUT) == 0) {
        row->output.n = 0;
    } else {
        record.body = detail->body;
    }
    if (!performs && (effect->roles & 1u << PROTO_ROLE_OPERATOR) == 0) {
        row->fence = 0;
    }
    struct proto_buf trail, encoded;
    proto_buf_init(&trail, PROTO_PAGE_ROWS_MAX);
    proto_buf_init(&encoded, PROTO_PAGE_ROWS_MAX);
    bool fits = true;
    if (effect->flags & EFFECT_TRAIL) {
        fits = proto_put_list(&trail, detail->line_count) && proto_buf_append(&trail, detail->lines.p, detail->lines.n);
        row->trail = (struct proto_bin){trail.p, (uint32_t)trail.n};
    }
    fits = fits && proto_struct_encode(&encoded, PROTO_STRUCT_REQUEST, row) &&
           page_encode(buf, &record, (struct proto_bin){encoded.p, (uint32_t)encoded.n}, 1);
    proto_buf_fini(&trail);
    proto_buf_fini(&encoded);
    return fits;
}

bool
core_render_detail(const struct core *core, const struct core_effect *effect, const struct proto_bin *events,
                   const uint64_t *seqs, uint32_t count, struct proto_buf *buf)
{
    struct detail *detail = table_alloc(sizeof *detail);
    proto_buf_init(&detail->lines, PROTO_PAGE_ROWS_MAX);
    bool done = detail_fold(detail, events, seqs, count) && page_of_detail(core, effect, detail, buf);
    proto_buf_fini(&detail->lines);
    free(detail);
    return done;
}

/* ------------------------------------------------------------- finished requests */

static bool
refusal(const struct core_effect *effect, enum proto_refusal_code code, const char *path, const char *message,
        const struct proto_request *row, struct proto_buf *buf)
{
    struct proto_record record = {.type = PROTO_REFUSAL, .re = effect->re};
    record.u.refusal.code = code;
    record.u.refusal.path = proto_str_of(path);
    record.u.refusal.message = proto_str_of(message);
    if (row != NULL) {
        record.u.refusal.id = row->id;
        record.u.refusal.status = row->status;
    }
    return proto_encode(buf, &record);
}

static bool
receipt_again(const struct core_effect *effect, const struct proto_request *row, struct proto_buf *buf)
{
    struct proto_record record = {.type = PROTO_RECEIPT, .re = effect->re};
    record.u.receipt.id = effect->id;
    record.u.receipt.duplicate = true;
    record.u.receipt.status = row->status;
    record.u.receipt.seq = row->seq;
    record.u.receipt.task = row->task;
    return proto_encode(buf, &record);
}

/* The submission again: its receipt, and its end once more. History may no longer have it: then only that it was accepted. */
static bool
resubmit(const struct core_effect *effect, const struct proto_request *row, const struct proto_bin *events,
         const uint64_t *seqs, uint32_t count, struct proto_buf *buf)
{
    size_t start = buf->n;
    if (!receipt_again(effect, row, buf)) {
        return false;
    }
    if ((effect->flags & EFFECT_NOTIFY) == 0 || count == 0) {
        return true;
    }
    struct proto_bin result = {0};
    for (uint32_t i = 0; i + 1 < count; i++) {
        if (seqs[i] == row->output_seq) {
            result = events[i];
        }
    }
    if (render_event(0, seqs[count - 1], events[count - 1], result, buf)) {
        return true;
    }
    proto_buf_cut(buf, start);
    return false;
}

/* A performer's record about a task whose request is over: the same result again is told the same (N4). */
static bool
performed(const struct core *core, const struct core_effect *effect, const struct proto_request *row, struct proto_buf *buf)
{
    if (!proto_str_eq(core_party_name(core, effect->party), row->performer)) {
        return refusal(effect, PROTO_REFUSAL_CODE_NOT_FOUND, "task", "no such task", NULL, buf);
    }
    if (effect->fence != row->fence) {
        return refusal(effect, PROTO_REFUSAL_CODE_STALE, "fence", "this task was assigned anew since", NULL, buf);
    }
    bool again = (row->status == PROTO_STATUS_COMPLETED && (effect->record == PROTO_COMPLETE || effect->record == PROTO_VERIFY)) ||
                 (row->status == PROTO_STATUS_FAILED && effect->record == PROTO_FAIL);
    return again ? receipt_again(effect, row, buf)
                 : refusal(effect, PROTO_REFUSAL_CODE_CONFLICT, NULL, "it is finished", row, buf);
}

static bool
requested(const struct core *core, const struct core_effect *effect, const struct proto_request *row, struct proto_buf *buf)
{
    bool operates = (effect->roles & 1u << PROTO_ROLE_OPERATOR) != 0;
    if (!operates && !proto_str_eq(core_party_name(core, effect->party), row->requester)) {
        return refusal(effect, PROTO_REFUSAL_CODE_NOT_FOUND, "id", "no such request", NULL, buf);
    }
    bool again = row->status == PROTO_STATUS_CANCELLED && (effect->record == PROTO_CANCEL || effect->record == PROTO_CLOSE);
    return again ? receipt_again(effect, row, buf)
                 : refusal(effect, PROTO_REFUSAL_CODE_CONFLICT, NULL, "it is finished", row, buf);
}

static bool
finished(const struct core *core, const struct core_effect *effect, struct detail *detail,
         const struct proto_bin *events, const uint64_t *seqs, uint32_t count, struct proto_buf *buf)
{
    struct proto_request *row = &detail->row;
    if (effect->want == CORE_WANT_RESUBMIT) {
        return resubmit(effect, row, events, seqs, count, buf);
    }
    if (effect->re == 0) {
        return true; /* nobody waits for an answer */
    }
    if (count == 0) {
        bool task = effect->want == CORE_WANT_PERFORMED;
        return refusal(effect, PROTO_REFUSAL_CODE_NOT_FOUND, task ? "task" : "id", task ? "no such task" : "no such request",
                       NULL, buf);
    }
    if (effect->want == CORE_WANT_PERFORMED) {
        return performed(core, effect, row, buf);
    }
    if (effect->want == CORE_WANT_REQUESTED) {
        return requested(core, effect, row, buf);
    }
    return viewer_may(core, effect, row) ? page_of_detail(core, effect, detail, buf)
                                         : refusal(effect, PROTO_REFUSAL_CODE_NOT_FOUND, "id", "no such request", NULL, buf);
}

bool
core_render_finished(const struct core *core, const struct core_effect *effect, const struct proto_bin *events,
                     const uint64_t *seqs, uint32_t count, struct proto_buf *buf)
{
    struct detail *detail = table_alloc(sizeof *detail);
    proto_buf_init(&detail->lines, PROTO_PAGE_ROWS_MAX);
    bool done = detail_fold(detail, events, seqs, count) && finished(core, effect, detail, events, seqs, count, buf);
    proto_buf_fini(&detail->lines);
    free(detail);
    return done;
}
