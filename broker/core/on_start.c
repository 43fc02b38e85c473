/*
 * start: an accepted task is in progress from now on.
 */
#include "core/handlers.h"
#include "core/offer.h"
#include "core/party.h"
#include "core/request.h"

void
on_start(struct turn *turn)
{
    const struct proto_start *record = &turn->record->u.start;
    uint32_t item = task_named(turn, record->task, record->fence);
    if (item == 0) {
        return;
    }
    const struct request *request = request_at(turn->core, item);
    if (request->status == PROTO_STATUS_IN_PROGRESS) {
        answer_duplicate(turn, item);
        return;
    }
    if (request->status != PROTO_STATUS_ACCEPTED) {
        refuse_status(turn, item, "only an accepted task can be started");
        return;
    }
    if (!business_fits(turn, record->business_status)) {
        return;
    }
    struct proto_event event;
    event_begin(turn, &event, PROTO_EV_STARTED, item);
    event.task_status = PROTO_STATUS_IN_PROGRESS;
    event.business_status = record->business_status;
    event.u.started.due = request->until_us;
    event_commit(turn, &event, item);
    offer_adopt(turn, item);
    answer_request_receipt(turn, item);
}
