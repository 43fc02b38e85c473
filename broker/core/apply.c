/*
 * Apply one fact: what all facts about requests have in common; see event.h and apply.h.
 */
#include "core/apply.h"

#include "core/group.h"
#include "core/party.h"
#include "core/request.h"

bool
apply_status(struct core *core, uint32_t item, const struct proto_event *event)
{
    struct request *request = request_at(core, item);
    return request->status == event->task_status || task_status_set(core, request, event->task_status, event);
}

void
apply_lose(struct core *core, uint32_t item)
{
    struct request *request = request_at(core, item);
    request_lift(core, item);
    if (request->performer != 0) {
        request->former = request->performer;
    }
    request->performer = 0;
    request->member = 0;
    request->due_us = 0;
    request->until_us = 0;
    request->progress_e4 = 0;
    request->flags &= (uint16_t)~(FLAG_ABORT | FLAG_VERIFY | FLAG_ASKED | FLAG_CLOCKS | FLAG_BY_OPERATOR | FLAG_REPLIED);
}

bool
apply_next(struct core *core, uint32_t item, struct following next, const struct proto_event *event)
{
    struct request *request = request_at(core, item);
    if (next.ordinal <= request->ordinal || next.ordinal > TASKS_MAX) {
        return false;
    }
    apply_lose(core, item);
    request->ordinal = (uint8_t)next.ordinal;
    request->status = 0;
    request->due_us = next.at_us != 0 ? next.at_us : next.due_us;
    enum proto_status status = next.at_us != 0               ? PROTO_STATUS_DRAFT
                               : request_owned(core, request) ? PROTO_STATUS_REQUESTED
                                                              : PROTO_STATUS_READY;
    return task_status_set(core, request, status, event);
}

static bool
apply_about_request(struct core *core, uint32_t item, uint64_t seq, const struct proto_event *event)
{
    switch (event->type) {
    case PROTO_EV_CANCELLED:
    case PROTO_EV_EXHAUSTED:
    case PROTO_EV_REQUEUED:
    case PROTO_EV_OVERDUE:
    case PROTO_EV_WOKEN:
    case PROTO_EV_ABORT_ASKED:
    case PROTO_EV_ABORT_REFUSED:
    case PROTO_EV_ASKED:
    case PROTO_EV_REPLIED:
    case PROTO_EV_HELD:
    case PROTO_EV_LIFTED:
        return apply_request(core, item, seq, event);
    default:
        return apply_task(core, item, seq, event);
    }
}

/* What every fact about a request leaves behind. */
static void
request_note(struct core *core, uint32_t item, uint64_t seq, const struct proto_event *event)
{
    struct request *request = request_at(core, item);
    request->last_seq = seq;
    int64_t after = (event->at - request->authored_us) / 1000000;
    request->modified_s = after > 0 ? (uint32_t)after : 0;
    if (event->reason != PROTO_REASON_NONE || event->task_status != event->task_was) {
        request->reason = (uint8_t)event->reason;
    }
    if (event->business_status.n > 0) {
        uint32_t text = text_take(core, event->business_status);
        text_drop(core, request->business);
        request->business = text;
    }
    request_place(core, item);
}

static enum core_applied
apply_to_request(struct core *core, uint64_t seq, const struct proto_event *event, uint32_t *known)
{
    uint32_t item = *known != 0 ? *known : request_find(core, event->id);
    *known = 0;
    if (item == 0 || seq <= request_at(core, item)->last_seq) {
        /* Finished, in history and forgotten before the snapshot was taken; or replayed from two places. */
        return CORE_APPLIED_BEFORE;
    }
    const struct request *request = request_at(core, item);
    if (event->prev != request->last_seq || request_is_finished(request) || event->task != request->ordinal) {
        return CORE_APPLY_DAMAGED;
    }
    if (!apply_about_request(core, item, seq, event)) {
        return CORE_APPLY_DAMAGED;
    }
    *known = item;
    return CORE_APPLIED;
}

enum core_applied
event_apply(struct core *core, uint64_t seq, const struct proto_event *event, uint32_t *item)
{
    enum core_applied applied = CORE_APPLIED;
    if (event->id == 0) {
        applied = apply_other(core, event) ? CORE_APPLIED : CORE_APPLY_DAMAGED;
    } else if (event->type == PROTO_EV_ACCEPTED) {
        applied = apply_accepted(core, seq, event, item);
    } else {
        applied = apply_to_request(core, seq, event, item);
    }
    if (applied == CORE_APPLY_DAMAGED || applied == CORE_APPLY_FULL) {
        return applied;
    }
    if (seq > core->seq) {
        core->seq = seq;
    }
    if (event->fence > core->fence_last) {
        core->fence_last = event->fence;
    }
    if (*item != 0) {
        request_note(core, *item, seq, event);
    }
    return applied;
}
