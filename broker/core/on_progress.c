/*
 * progress: how far the work is. Renews a lease.
 */
#include "core/handlers.h"
#include "core/offer.h"
#include "core/party.h"
#include "core/request.h"

static bool
partial_check(struct turn *turn, uint32_t item)
{
    const struct service_type *type = request_service(turn->core, request_at(turn->core, item))->type;
    struct input_fault fault;
    struct proto_bin output = turn->record->u.progress.output;
    if (type == NULL || output.n == 0 || input_check(&type->output, INPUT_PARTIAL, "output", output, &fault)) {
        return true;
    }
    answer_invalid(turn, &fault);
    return false;
}

void
on_progress(struct turn *turn)
{
    const struct proto_progress *record = &turn->record->u.progress;
    uint32_t item = task_named(turn, record->task, record->fence);
    if (item == 0) {
        return;
    }
    const struct request *request = request_at(turn->core, item);
    if (request->status != PROTO_STATUS_IN_PROGRESS || (request->flags & FLAG_VERIFY)) {
        refuse_status(turn, item, "only a task in progress can report progress");
        return;
    }
    if (!(record->progress >= 0 && record->progress <= 1)) {
        answer_refusal(turn, PROTO_REFUSAL_CODE_INVALID, "progress", "from 0 to 1");
        return;
    }
    if (!partial_check(turn, item) || !business_fits(turn, record->business_status)) {
        return;
    }
    struct proto_event event;
    event_begin(turn, &event, PROTO_EV_PROGRESSED, item);
    event.business_status = record->business_status;
    event.message = record->message;
    event.body = turn->record->body;
    event.u.progressed.progress = record->progress;
    event.u.progressed.remaining = record->remaining;
    event.u.progressed.output = record->output;
    event_commit(turn, &event, item);
    lease_renew(turn, item);
    offer_adopt(turn, item);
    answer_request_receipt(turn, item);
}
