/*
 * requeue: an operator gives an exhausted request a new task and fresh attempts.
 */
#include "core/handlers.h"
#include "core/match.h"
#include "core/party.h"
#include "core/request.h"

void
on_requeue(struct turn *turn)
{
    const struct core *core = turn->core;
    const struct proto_requeue *record = &turn->record->u.requeue;
    uint32_t item = request_named(turn, record->id, true);
    if (item == 0) {
        return;
    }
    const struct request *request = request_at(core, item);
    if (request_is_finished(request) || (request->flags & FLAG_EXHAUSTED) == 0) {
        refuse_status(turn, item, "only a request whose attempts are exhausted can be requeued");
        return;
    }
    if (request->ordinal >= TASKS_MAX) {
        answer_refusal(turn, PROTO_REFUSAL_CODE_QUOTA, "id", "it has had as many tasks as a request may have");
        return;
    }
    struct proto_event event;
    event_begin(turn, &event, PROTO_EV_REQUEUED, item);
    event.reason = PROTO_REASON_REQUEUED_BY_OPERATOR;
    event.message = record->message;
    event.u.requeued.next = request->ordinal + 1u;
    event.u.requeued.due = fallback_due(turn, item);
    event_commit(turn, &event, item);
    answer_request_receipt(turn, item);
    match_request(turn, item);
}
