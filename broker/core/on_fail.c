/*
 * fail and release: it could not be done, or is given back unharmed.
 *
 * A performer names task and fence; an operator may fail any request by its id, whatever its task does.
 */
#include "core/handlers.h"
#include "core/match.h"
#include "core/offer.h"
#include "core/party.h"
#include "core/request.h"

static struct proto_str const no_text = {NULL, 0};

/* ------------------------------------------------------------- fail, by its performer */

static void
task_fail(struct turn *turn, uint32_t item)
{
    struct core *core = turn->core;
    const struct proto_fail *record = &turn->record->u.fail;
    struct proto_event event;
    event_begin(turn, &event, PROTO_EV_FAILED, item);
    event.task_status = PROTO_STATUS_FAILED;
    event.reason = record->reason != PROTO_REASON_NONE ? record->reason : PROTO_REASON_FAILED_BY_PERFORMER;
    event.message = record->message;
    event.charge = record->charge;
    event.currency = record->currency;
    event.u.failed.retryable = record->retryable;
    if (record->retryable) {
        event.u.failed.next = task_following(core, item);
        event.u.failed.next_at = event.u.failed.next != 0 ? backoff_until(turn, item) : 0;
        bool waits = event.u.failed.next != 0 && event.u.failed.next_at == 0;
        event.u.failed.due = waits ? fallback_due(turn, item) : 0;
    } else {
        event_sum_up(core, &event, item);
        core->stats.failed++;
    }
    event_commit(turn, &event, item);
    answer_task_receipt(turn, &event);
    request_follow_up(turn, item);
}

static void
performer_fails(struct turn *turn)
{
    const struct proto_fail *record = &turn->record->u.fail;
    uint32_t item = task_named(turn, record->task, record->fence);
    if (item == 0 || !charge_valid(turn, PROTO_HAS(record, FAIL, CHARGE), record->currency)) {
        return;
    }
    const struct request *request = request_at(turn->core, item);
    if (request->status == PROTO_STATUS_FAILED) {
        answer_duplicate(turn, item);
        return;
    }
    bool works = request->status == PROTO_STATUS_IN_PROGRESS || request->status == PROTO_STATUS_ON_HOLD;
    if (!works || request_is_finished(request)) {
        refuse_status(turn, item, "only a task that was started can fail");
        return;
    }
    if (record->retryable && (request->flags & FLAG_ABORT)) {
        /* The requester does not want another attempt. */
        request_cancel(turn, item, PROTO_REASON_CANCELLED_BY_REQUESTER, record->message);
        answer_request_receipt(turn, item);
        return;
    }
    task_fail(turn, item);
}

/* ------------------------------------------------------------- fail, by an operator */

static void
operator_fails(struct turn *turn)
{
    struct core *core = turn->core;
    const struct proto_fail *record = &turn->record->u.fail;
    if (!party_has_role(party_at(core, turn->party), PROTO_ROLE_OPERATOR)) {
        answer_refusal(turn, PROTO_REFUSAL_CODE_FORBIDDEN, "role", "only an operator names a request");
        return;
    }
    uint32_t item = request_named(turn, record->id, true);
    if (item == 0) {
        return;
    }
    if (request_is_finished(request_at(core, item))) {
        refuse_status(turn, item, "it is finished");
        return;
    }
    request_fail(turn, item, record->reason != PROTO_REASON_NONE ? record->reason : PROTO_REASON_FAILED_BY_OPERATOR,
                 record->message);
    answer_request_receipt(turn, item);
}

void
on_fail(struct turn *turn)
{
    if (turn->record->u.fail.id != 0) {
        operator_fails(turn);
    } else if (!party_has_role(party_at(turn->core, turn->party), PROTO_ROLE_PERFORMER)) {
        answer_refusal(turn, PROTO_REFUSAL_CODE_FORBIDDEN, "role", "only a performer names a task");
    } else {
        performer_fails(turn);
    }
}

/* ------------------------------------------------------------- release */

void
on_release(struct turn *turn)
{
    struct core *core = turn->core;
    const struct proto_release *record = &turn->record->u.release;
    uint32_t item = task_named(turn, record->task, record->fence);
    if (item == 0) {
        return;
    }
    const struct request *request = request_at(core, item);
    if (request_is_finished(request) || (request->flags & (FLAG_EXHAUSTED | FLAG_BY_OPERATOR))) {
        refuse_status(turn, item, "it cannot be given back where it is");
        return;
    }
    if (request->flags & FLAG_ABORT) {
        request_cancel(turn, item, PROTO_REASON_CANCELLED_BY_REQUESTER, no_text);
        answer_request_receipt(turn, item);
        return;
    }
    struct proto_event event;
    event_begin(turn, &event, PROTO_EV_RELEASED, item);
    event.reason = PROTO_REASON_RELEASED;
    event.message = record->message;
    event.task_status = status_waiting(core, item);
    event.u.released.due = fallback_due(turn, item);
    event_commit(turn, &event, item);
    answer_task_receipt(turn, &event);
    request_follow_up(turn, item);
}
