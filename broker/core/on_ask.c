/*
 * ask and reply: the performer needs something from the requester; all clocks stop until the answer.
 */
#include "core/handlers.h"
#include "core/match.h"
#include "core/offer.h"
#include "core/party.h"
#include "core/request.h"

void
on_ask(struct turn *turn)
{
    const struct proto_ask *record = &turn->record->u.ask;
    uint32_t item = task_named(turn, record->task, record->fence);
    if (item == 0) {
        return;
    }
    const struct request *request = request_at(turn->core, item);
    if (request->status == PROTO_STATUS_ON_HOLD && (request->flags & FLAG_ASKED)) {
        answer_duplicate(turn, item);
        return;
    }
    if (request->status != PROTO_STATUS_IN_PROGRESS || (request->flags & FLAG_VERIFY)) {
        refuse_status(turn, item, "only a task in progress can ask back");
        return;
    }
    struct proto_event event;
    event_begin(turn, &event, PROTO_EV_ASKED, item);
    event.task_status = PROTO_STATUS_ON_HOLD;
    event.reason = PROTO_REASON_AWAITING_INFORMATION;
    event.business_status = PROTO_STR("awaiting-information");
    event.message = record->message;
    event.body = turn->record->body;
    event.u.asked.due = limit_left(turn, request->due_us);
    event.u.asked.complete_by = limit_left(turn, request->complete_by_us);
    event.u.asked.fields = record->fields;
    event_commit(turn, &event, item);
    offer_adopt(turn, item);
    answer_request_receipt(turn, item);
}

/* ------------------------------------------------------------- reply */

static bool
reply_check(struct turn *turn, uint32_t item)
{
    const struct proto_reply *record = &turn->record->u.reply;
    const struct request *request = request_at(turn->core, item);
    if (request->status != PROTO_STATUS_ON_HOLD || (request->flags & FLAG_ASKED) == 0) {
        refuse_status(turn, item, "nobody asks");
        return false;
    }
    const struct service_type *type = request_service(turn->core, request)->type;
    struct input_fault fault;
    if (type == NULL || record->input.n == 0 || input_check(&type->input, INPUT_PARTIAL, "input", record->input, &fault)) {
        return true;
    }
    answer_invalid(turn, &fault);
    return false;
}

void
on_reply(struct turn *turn)
{
    struct core *core = turn->core;
    const struct proto_reply *record = &turn->record->u.reply;
    uint32_t item = request_named(turn, record->id, false);
    if (item == 0 || !reply_check(turn, item)) {
        return;
    }
    const struct request *request = request_at(core, item);
    struct proto_event event;
    event_begin(turn, &event, PROTO_EV_REPLIED, item);
    event.task_status = request->resume;
    event.business_status = PROTO_STR("information-received");
    event.message = record->message;
    event.body = turn->record->body;
    event.u.replied.input = record->input;
    event.u.replied.due = limit_from_now(turn, request->due_us);
    event.u.replied.complete_by = limit_from_now(turn, request->complete_by_us);
    uint64_t seq = event_commit(turn, &event, item);
    answer_request_receipt(turn, item);
    tell_task(turn, item, seq, true);
    match_request(turn, item);
}
