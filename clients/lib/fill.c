/*
 * Records as public structs, without copying.
 *
 * Public texts end with a NUL, the protocol's do not. The record lies in memory of our own and was decoded already, so
 * the byte behind a text may be overwritten: it is the head of the next key or of the body, and nobody reads it again. It
 * never belongs to the next record, because every record ends with its body's head and bytes.
 */
#include "lib/internal.h"

const char *
qiaoi_text(struct proto_str text)
{
    if (text.n == 0) {
        return "";
    }
    ((char *)(uintptr_t)text.p)[text.n] = '\0';
    return text.p;
}

static struct qiao_bytes
bytes_of(struct proto_bin bin)
{
    return (struct qiao_bytes){bin.p, bin.n};
}

void
qiaoi_fill_receipt(const struct proto_record *record, struct qiao_receipt *out_receipt)
{
    const struct proto_receipt *receipt;

    *out_receipt = (struct qiao_receipt){.message = "", .business_status = ""};
    if (!record || record->type != PROTO_RECEIPT) {
        return;
    }
    receipt = &record->u.receipt;
    out_receipt->id = receipt->id;
    out_receipt->task = receipt->task;
    out_receipt->status = (enum qiao_task_status)receipt->status;
    out_receipt->seq = receipt->seq;
    out_receipt->duplicate = receipt->duplicate;
    out_receipt->message = qiaoi_text(receipt->message);
    out_receipt->business_status = qiaoi_text(receipt->business_status);
}

void
qiaoi_fill_refusal(const struct proto_record *record, struct qiao_refusal *out_refusal)
{
    const struct proto_refusal *refusal;

    *out_refusal = (struct qiao_refusal){.message = "", .path = ""};
    if (!record || record->type != PROTO_REFUSAL) {
        return;
    }
    refusal = &record->u.refusal;
    /* A code that this library does not know yet has no name in its tables. */
    out_refusal->code = refusal->code != 0 ? (enum qiao_status)refusal->code : QIAO_UNSUPPORTED;
    out_refusal->message = qiaoi_text(refusal->message);
    out_refusal->path = qiaoi_text(refusal->path);
    out_refusal->retry_after_us = refusal->retry_after;
    out_refusal->id = refusal->id;
    out_refusal->status = (enum qiao_task_status)refusal->status;
}

static void
fill_answer(const struct proto_record *record, const struct qiaoi_arrival *arrival, struct qiao_answer *answer)
{
    qiaoi_fill_receipt(record, &answer->receipt);
    qiaoi_fill_refusal(record, &answer->refusal);
    answer->status = answer->refusal.code;
    answer->repeated = arrival->repeated;
}

static void
fill_change(const struct proto_record *record, struct qiao_change *change)
{
    const struct proto_event_record *event = &record->u.event;

    change->id = event->id;
    change->seq = event->seq;
    change->at = event->at;
    change->was = (enum qiao_task_status)event->was;
    change->status = (enum qiao_task_status)event->status;
    change->reason = (enum qiao_reason)event->reason;
    change->event = qiaoi_text(event->event);
    change->business_status = qiaoi_text(event->business_status);
    change->outcome = qiaoi_text(event->outcome);
    change->service = qiaoi_text(event->service);
    change->requester = qiaoi_text(event->requester);
    change->performer = qiaoi_text(event->performer);
    change->member = qiaoi_text(event->member);
    change->attempt = event->attempt;
    change->progress = event->progress;
    change->remaining_us = event->remaining;
    change->message = qiaoi_text(event->message);
    change->charge = (struct qiao_money){event->charge, qiaoi_text(event->currency)};
    change->output = bytes_of(event->output);
    change->body = bytes_of(record->body);
    change->fields = bytes_of(event->fields);
}

static void
fill_task(const struct proto_record *record, struct qiao_task *to)
{
    const struct proto_task *task = &record->u.task;

    to->task = task->task;
    to->fence = task->fence;
    to->request = qiao_request_of(task->task);
    to->kind = (enum qiao_task_kind)task->kind;
    to->status = (enum qiao_task_status)task->status;
    to->tenure = (enum qiao_tenure)task->tenure;
    to->priority = (enum qiao_priority)task->priority;
    to->attempt = task->attempt;
    to->lease_us = task->lease;
    to->deadline = task->deadline;
    to->complete_by = task->complete_by;
    to->service = qiaoi_text(task->service);
    to->requester = qiaoi_text(task->requester);
    to->subject = qiaoi_text(task->subject);
    to->note = qiaoi_text(task->note);
    to->traceparent = qiaoi_text(task->traceparent);
    to->business_status = qiaoi_text(task->business_status);
    to->message = qiaoi_text(task->message);
    to->reply = task->reply;
    to->input = bytes_of(task->input);
    to->body = bytes_of(record->body);
    to->output = bytes_of(task->output);
    to->seq = task->seq;
}

static void
fill_notice(const struct proto_record *record, struct qiao_notice *notice)
{
    *notice = (struct qiao_notice){.message = ""};
    if (record->type == PROTO_ABORT) {
        notice->task = record->u.abort.task;
        notice->fence = record->u.abort.fence;
        notice->message = qiaoi_text(record->u.abort.message);
    } else {
        notice->task = record->u.withdraw.task;
        notice->fence = record->u.withdraw.fence;
        notice->reason = (enum qiao_reason)record->u.withdraw.reason;
        notice->status = (enum qiao_task_status)record->u.withdraw.status;
    }
}

void
qiaoi_fill_event(const struct proto_record *record, const struct qiaoi_arrival *arrival, struct qiao_event *out_event)
{
    out_event->kind = arrival->kind;
    out_event->tag = arrival->tag;
    out_event->watch = arrival->watch;
    switch (arrival->kind) {
    case QIAO_EVENT_ANSWER:
    case QIAO_EVENT_WATCH_ENDED:
    case QIAO_EVENT_OFFER_ENDED:
        fill_answer(record, arrival, &out_event->answer);
        return;
    case QIAO_EVENT_CHANGE:
        fill_change(record, &out_event->change);
        return;
    case QIAO_EVENT_TASK:
        fill_task(record, &out_event->task);
        return;
    case QIAO_EVENT_ABORT:
    case QIAO_EVENT_WITHDRAW:
        fill_notice(record, &out_event->notice);
        return;
    case QIAO_EVENT_CONNECTED:
    case QIAO_EVENT_DISCONNECTED:
        return;
    }
}
