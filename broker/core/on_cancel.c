/*
 * cancel and close: the requester does not want it any more.
 *
 * Before a task is in progress cancel takes effect at once. After that the performer is asked (abort) and may refuse: the
 * receipt then says in-progress, and an event tells the answer. A result and an abort may cross: the first one counts (L4).
 */
#include "core/handlers.h"
#include "core/offer.h"
#include "core/party.h"
#include "core/request.h"

static bool
was_started(const struct request *request)
{
    enum proto_status status = request->status == PROTO_STATUS_ON_HOLD ? request->resume : request->status;
    return status == PROTO_STATUS_IN_PROGRESS && (request->flags & FLAG_EXHAUSTED) == 0;
}

void
on_cancel(struct turn *turn)
{
    struct core *core = turn->core;
    const struct proto_cancel *record = &turn->record->u.cancel;
    uint32_t item = request_named(turn, record->id, false);
    if (item == 0) {
        return;
    }
    const struct request *request = request_at(core, item);
    if (request->shown == PROTO_STATUS_CANCELLED) {
        answer_duplicate(turn, item);
        return;
    }
    if (request_is_finished(request)) {
        refuse_status(turn, item, "it is finished");
        return;
    }
    if (!was_started(request)) {
        request_cancel(turn, item, PROTO_REASON_CANCELLED_BY_REQUESTER, record->message);
        answer_request_receipt(turn, item);
        return;
    }
    if ((request->flags & FLAG_ABORT) == 0) {
        struct proto_event event;
        event_begin(turn, &event, PROTO_EV_ABORT_ASKED, item);
        event.message = record->message;
        event_commit(turn, &event, item);
        answer_request_receipt(turn, item);
    } else {
        answer_duplicate(turn, item);
    }
    tell_abort(turn, item);
}

void
on_close(struct turn *turn)
{
    struct core *core = turn->core;
    const struct proto_close *record = &turn->record->u.close;
    uint32_t item = request_named(turn, record->id, false);
    if (item == 0) {
        return;
    }
    const struct request *request = request_at(core, item);
    if (request->shown == PROTO_STATUS_CANCELLED) {
        answer_duplicate(turn, item);
        return;
    }
    if (request_is_finished(request) || request->performer != 0) {
        refuse_status(turn, item, request_is_finished(request) ? "it is finished" : "somebody works at it: cancel it");
        return;
    }
    request_cancel(turn, item, PROTO_REASON_CLOSED_BY_REQUESTER, record->message);
    answer_request_receipt(turn, item);
}
