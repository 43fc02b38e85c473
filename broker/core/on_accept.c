/*
 * accept and reject: of a requested task, or (code abort) of the requester's wish to stop.
 */
#include "core/handlers.h"
#include "core/match.h"
#include "core/offer.h"
#include "core/party.h"
#include "core/request.h"

static void
task_agree(struct turn *turn, uint32_t item)
{
    struct core *core = turn->core;
    const struct request *request = request_at(core, item);
    const struct proto_accept *record = &turn->record->u.accept;
    if (request->status == PROTO_STATUS_ACCEPTED) {
        answer_duplicate(turn, item); /* the same again: the same answer */
        return;
    }
    if (request->status != PROTO_STATUS_REQUESTED) {
        refuse_status(turn, item, "only a requested task can be accepted");
        return;
    }
    const struct terms *terms = request_terms(core, request);
    struct proto_event event;
    event_begin(turn, &event, PROTO_EV_AGREED, item);
    event.task_status = PROTO_STATUS_ACCEPTED;
    event.message = record->message;
    event.u.agreed.due = limit_from_now(turn, terms->start_by_us);
    event.u.agreed.until = limit_from_now(turn, terms->attempt_us);
    event_commit(turn, &event, item);
    offer_adopt(turn, item);
    answer_request_receipt(turn, item);
}

static void
abort_agree(struct turn *turn, uint32_t item)
{
    const struct proto_accept *record = &turn->record->u.accept;
    struct proto_event event;
    event_begin(turn, &event, PROTO_EV_CANCELLED, item);
    event.reason = PROTO_REASON_ABORT_AGREED;
    event.task_status = PROTO_STATUS_CANCELLED;
    event.message = record->message;
    event.charge = record->charge;
    event.currency = record->currency;
    event_sum_up(turn->core, &event, item);
    event_commit(turn, &event, item);
    turn->core->stats.cancelled++;
    answer_request_receipt(turn, item);
}

static bool
abort_is_asked(struct turn *turn, uint32_t item)
{
    const struct request *request = request_at(turn->core, item);
    if (!request_is_finished(request) && (request->flags & FLAG_ABORT) != 0) {
        return true;
    }
    refuse_status(turn, item, "nobody asks to abort this task");
    return false;
}

void
on_accept(struct turn *turn)
{
    const struct proto_accept *record = &turn->record->u.accept;
    uint32_t item = task_named(turn, record->task, record->fence);
    if (item == 0 || !charge_valid(turn, record->charge != 0, record->currency)) {
        return;
    }
    if (record->code != PROTO_CODE_ABORT) {
        task_agree(turn, item);
    } else if (abort_is_asked(turn, item)) {
        abort_agree(turn, item);
    }
}

/* ------------------------------------------------------------- reject */

static void
abort_refuse(struct turn *turn, uint32_t item)
{
    const struct proto_reject *record = &turn->record->u.reject;
    struct proto_event event;
    event_begin(turn, &event, PROTO_EV_ABORT_REFUSED, item);
    event.reason = PROTO_REASON_ABORT_REFUSED;
    event.message = record->message;
    event.charge = record->charge;
    event.currency = record->currency;
    event_commit(turn, &event, item);
    offer_adopt(turn, item);
    answer_request_receipt(turn, item);
}

/* A directed request without a fallback has nobody else to go to. */
static bool
another_may_take_it(const struct core *core, const struct request *request)
{
    const struct wishes *wishes = &request_group(core, request)->wishes;
    return wishes->directed == 0 || wishes->fallback;
}

static void
task_reject(struct turn *turn, uint32_t item)
{
    struct core *core = turn->core;
    const struct request *request = request_at(core, item);
    const struct proto_reject *record = &turn->record->u.reject;
    if (request->status != PROTO_STATUS_REQUESTED) {
        refuse_status(turn, item, "only a requested task can be rejected");
        return;
    }
    struct proto_event event;
    event_begin(turn, &event, PROTO_EV_REJECTED, item);
    event.task_status = PROTO_STATUS_REJECTED;
    event.reason = record->reason != PROTO_REASON_NONE ? record->reason : PROTO_REASON_REJECTED_BY_PERFORMER;
    event.message = record->message;
    event.u.rejected.next = another_may_take_it(core, request) ? task_following(core, item) : 0;
    event_commit(turn, &event, item);
    answer_task_receipt(turn, &event);
    request_follow_up(turn, item);
}

void
on_reject(struct turn *turn)
{
    const struct proto_reject *record = &turn->record->u.reject;
    uint32_t item = task_named(turn, record->task, record->fence);
    if (item == 0 || !charge_valid(turn, record->charge != 0, record->currency)) {
        return;
    }
    if (record->code != PROTO_CODE_ABORT) {
        task_reject(turn, item);
    } else if (abort_is_asked(turn, item)) {
        abort_refuse(turn, item);
    }
}
