/*
 * Effects as records: receipts, tasks, events; see core.h. What the core does not hold is read from the journal's events
 * that the shell hands in.
 */
#include "core/event.h"
#include "core/render.h"

#include "proto/reader.h"
#include "proto/writer.h"

bool
event_read(struct proto_bin bytes, struct proto_event *out_event)
{
    struct proto_error error;
    size_t used;
    return bytes.n > 0 && proto_event_decode(bytes.p, bytes.n, &used, out_event, &error) && used == bytes.n;
}

/* ------------------------------------------------------------- receipt */

static bool
render_receipt(const struct core_out *out, const struct core_effect *effect, struct proto_buf *buf)
{
    struct proto_record record = {.type = PROTO_RECEIPT, .re = effect->re};
    struct proto_receipt *receipt = &record.u.receipt;
    receipt->id = effect->id;
    receipt->status = (enum proto_status)effect->status;
    receipt->seq = effect->fence;
    receipt->duplicate = (effect->flags & EFFECT_DUPLICATE) != 0;
    receipt->task = effect->task != 0 ? effect->id + effect->task : 0;
    if ((effect->flags & EFFECT_VERIFY) && effect->status == PROTO_STATUS_IN_PROGRESS) {
        receipt->business_status = PROTO_STR("to_be_verified");
    }
    if (effect->watch == 0) {
        return proto_encode(buf, &record);
    }
    /* Of a renew: what was lost, as rows that are encoded already. */
    struct proto_buf lost;
    proto_buf_init(&lost, PROTO_LIMIT_FRAME_BYTES);
    bool fits = proto_put_list(&lost, effect->watch) && proto_buf_append(&lost, out->bytes.p + effect->offset, effect->bytes);
    receipt->lost = (struct proto_bin){lost.p, (uint32_t)lost.n};
    fits = fits && proto_encode(buf, &record);
    proto_buf_fini(&lost);
    return fits;
}

/* ------------------------------------------------------------- task */

/* Every pair of both maps; where both have a key, the second one's value. */
static bool
map_overlay(struct proto_buf *buf, struct proto_bin base, struct proto_bin over)
{
    struct proto_bin value;
    struct proto_token head, key;
    for (int pass = 0, pairs = 0; pass < 2; pass++) {
        if (pass == 1 && !proto_put_map(buf, (uint32_t)pairs)) {
            return false;
        }
        for (int which = 0; which < 2; which++) {
            struct proto_reader reader = proto_reader_of(which == 0 ? base : over);
            if (!proto_next(&reader, &head)) {
                continue; /* an absent map */
            }
            for (uint32_t i = 0; i < head.count; i++) {
                struct proto_bin ignored;
                if (!proto_next(&reader, &key) || !proto_value(&reader, &value)) {
                    return false;
                }
                if (which == 0 && over.n > 0 && proto_map_find(over, key.str, &ignored)) {
                    continue;
                }
                pairs += pass == 0;
                if (pass == 1 && (!proto_put_str(buf, key.str) || !proto_buf_append(buf, value.p, value.n))) {
                    return false;
                }
            }
        }
    }
    return true;
}

/*
 * What goes along: a result to verify, or a reply. To the worker that asked, the reply alone; to one that takes the task over
 * (reply not set) the whole: input overlaid by the reply's, and the reply's body if it has one.
 */
static void
task_second_source(struct proto_record *record, const struct core_effect *effect, const struct proto_event *second,
                   struct proto_buf *scratch)
{
    struct proto_task *task = &record->u.task;
    task->message = second->message;
    if (second->type == PROTO_EV_PRESENTED) {
        task->output = second->u.presented.output;
    } else if (second->type == PROTO_EV_REPLIED && (effect->flags & EFFECT_REPLY)) {
        task->reply = true;
        task->input = second->u.replied.input;
        record->body = second->body;
    } else if (second->type == PROTO_EV_REPLIED) {
        if (map_overlay(scratch, task->input, second->u.replied.input)) {
            task->input = (struct proto_bin){scratch->p, (uint32_t)scratch->n};
        } /* else both together are more than a record may carry: the request's own stands, `get` shows the reply */
        record->body = second->body.n > 0 ? second->body : record->body;
    }
}

static bool
render_task(const struct core_out *out, const struct core_effect *effect, struct proto_bin source,
            struct proto_bin source2, struct proto_buf *buf)
{
    struct proto_event event;
    if (!event_read(source, &event) || event.type != PROTO_EV_ACCEPTED) {
        return false;
    }
    const struct proto_ev_accepted *accepted = &event.u.accepted;
    struct proto_record record;
    memset(&record, 0, sizeof record);
    record.type = PROTO_TASK;
    record.body = event.body;
    struct proto_task *task = &record.u.task;
    task->task = effect->id;
    task->fence = effect->fence;
    task->service = event.service;
    task->kind = PROTO_TASK_KIND_FULFILL;
    task->status = (enum proto_status)effect->status;
    task->tenure = effect->flags & EFFECT_LEASED ? PROTO_TENURE_LEASED : PROTO_TENURE_OWNED;
    task->attempt = effect->attempt;
    task->priority = accepted->priority;
    task->lease = effect->due_us;
    task->deadline = effect->until_us;
    task->complete_by = accepted->complete_by;
    task->requester = event.requester;
    task->subject = accepted->subject;
    task->input = accepted->input;
    task->note = accepted->note;
    task->traceparent = accepted->traceparent;
    task->business_status = (struct proto_str){(const char *)out->bytes.p + effect->offset, effect->bytes};
    task->seq = effect->seq;
    if (source2.n == 0) {
        return proto_encode(buf, &record);
    }
    struct proto_event second;
    struct proto_buf scratch;
    proto_buf_init(&scratch, PROTO_TASK_INPUT_MAX);
    bool fits = event_read(source2, &second);
    if (fits) {
        task_second_source(&record, effect, &second, &scratch);
        fits = proto_encode(buf, &record);
    }
    proto_buf_fini(&scratch);
    return fits;
}

/* ------------------------------------------------------------- event */

/* What only some kinds of event have. A result that is not verified yet is nobody's but its performer's. */
static void
event_own_fields(struct proto_record *record, const struct proto_event *event)
{
    struct proto_event_record *shown = &record->u.event;
    switch (event->type) {
    case PROTO_EV_PROGRESSED:
        shown->progress = event->u.progressed.progress;
        shown->remaining = event->u.progressed.remaining;
        shown->output = event->u.progressed.output;
        record->body = event->body;
        break;
    case PROTO_EV_COMPLETED:
        shown->output = event->u.completed.output;
        record->body = event->body;
        break;
    case PROTO_EV_ASKED:
        shown->fields = event->u.asked.fields;
        record->body = event->body;
        break;
    default:
        break;
    }
}

static void
event_result(struct proto_record *record, const struct proto_event *result)
{
    struct proto_event_record *shown = &record->u.event;
    if (result->type == PROTO_EV_PRESENTED) {
        shown->outcome = result->outcome;
        shown->charge = result->charge;
        shown->currency = result->currency;
        shown->output = result->u.presented.output;
        record->body = result->body;
    }
}

bool
render_event(uint64_t re, uint64_t seq, struct proto_bin source, struct proto_bin source2, struct proto_buf *buf)
{
    struct proto_event event, result;
    if (!event_read(source, &event)) {
        return false;
    }
    struct proto_record record;
    memset(&record, 0, sizeof record);
    record.type = PROTO_EVENT;
    record.re = re;
    struct proto_event_record *shown = &record.u.event;
    bool verdict_open = event.type == PROTO_EV_PRESENTED;
    shown->id = event.id;
    shown->seq = seq;
    shown->at = event.at;
    shown->was = event.was;
    shown->status = event.status;
    shown->reason = event.reason;
    shown->business_status = event.business_status;
    shown->outcome = verdict_open ? (struct proto_str){0} : event.outcome;
    shown->performer = event.performer;
    shown->member = event.member;
    shown->attempt = event.attempt;
    shown->message = event.message;
    shown->charge = verdict_open ? 0 : event.charge;
    shown->currency = verdict_open ? (struct proto_str){0} : event.currency;
    shown->event = proto_str_of(proto_ev_desc(event.type)->name);
    shown->service = event.service;
    shown->requester = event.requester;
    event_own_fields(&record, &event);
    if (source2.n > 0) {
        if (!event_read(source2, &result)) {
            return false;
        }
        event_result(&record, &result);
    }
    return proto_encode(buf, &record);
}

bool
core_render(const struct core *core, const struct core_out *out, const struct core_effect *effect,
            struct proto_bin source, struct proto_bin source2, struct proto_buf *buf)
{
    (void)core;
    switch ((enum core_effect_kind)effect->kind) {
    case CORE_SEND:
        return proto_buf_append(buf, out->bytes.p + effect->offset, effect->bytes);
    case CORE_RECEIPT:
        return render_receipt(out, effect, buf);
    case CORE_TASK:
        return render_task(out, effect, source, source2, buf);
    case CORE_EVENT:
        return render_event(effect->re, effect->source, source, source2, buf);
    default:
        return false;
    }
}

/* ------------------------------------------------------------- pages */

bool
core_page_render(struct proto_buf *buf, uint64_t re, enum proto_page_kind kind, struct proto_bin rows, uint32_t count,
                 struct proto_str next)
{
    struct proto_record record = {.type = PROTO_PAGE, .re = re};
    record.u.page.kind = kind;
    record.u.page.next = next;
    return page_encode(buf, &record, rows, count);
}

bool
page_encode(struct proto_buf *buf, struct proto_record *record, struct proto_bin rows, uint32_t count)
{
    struct proto_buf list;
    proto_buf_init(&list, PROTO_PAGE_ROWS_MAX + 16);
    bool fits = proto_put_list(&list, count) && proto_buf_append(&list, rows.p, rows.n);
    record->u.page.rows = (struct proto_bin){list.p, (uint32_t)list.n};
    fits = fits && proto_encode(buf, record);
    proto_buf_fini(&list);
    return fits;
}
