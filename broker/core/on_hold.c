/*
 * hold: pause a task with a reason, or lift that. By its performer (task and fence) or an operator (the request's id).
 *
 * What was left of the attempt is kept. complete-by goes on: it is the requester's, and a hold is not its doing.
 */
#include "core/handlers.h"
#include "core/match.h"
#include "core/offer.h"
#include "core/party.h"
#include "core/request.h"

static void
task_hold(struct turn *turn, uint32_t item, bool operates)
{
    const struct request *request = request_at(turn->core, item);
    const struct proto_hold *record = &turn->record->u.hold;
    bool waits = request_waits(request);
    bool holdable = status_may(request->status, PROTO_STATUS_ON_HOLD) && (request->flags & FLAG_VERIFY) == 0;
    bool offered = request->status == PROTO_STATUS_REQUESTED && !waits;
    if (request_is_finished(request) || !holdable || offered || (waits && !operates)) {
        refuse_status(turn, item, "it cannot be put on hold where it is");
        return;
    }
    struct proto_event event;
    event_begin(turn, &event, PROTO_EV_HELD, item);
    event.task_status = PROTO_STATUS_ON_HOLD;
    event.reason = record->reason != PROTO_REASON_NONE && !operates ? record->reason
                   : operates                                      ? PROTO_REASON_HELD_BY_OPERATOR
                                                                   : PROTO_REASON_HELD_BY_PERFORMER;
    event.message = record->message;
    event.u.held.due = limit_left(turn, request->due_us);
    event.u.held.until = request->status == PROTO_STATUS_ACCEPTED ? limit_left(turn, request->until_us) : 0;
    event_commit(turn, &event, item);
    answer_request_receipt(turn, item);
}

static void
task_lift(struct turn *turn, uint32_t item, bool operates)
{
    const struct request *request = request_at(turn->core, item);
    const struct proto_hold *record = &turn->record->u.hold;
    bool held = request->status == PROTO_STATUS_ON_HOLD && (request->flags & (FLAG_ASKED | FLAG_EXHAUSTED)) == 0;
    if (request_is_finished(request) || !held) {
        refuse_status(turn, item, "it is not held");
        return;
    }
    if ((request->flags & FLAG_BY_OPERATOR) && !operates) {
        answer_refusal(turn, PROTO_REFUSAL_CODE_FORBIDDEN, "task", "an operator holds it");
        return;
    }
    struct proto_event event;
    event_begin(turn, &event, PROTO_EV_LIFTED, item);
    event.task_status = request->resume;
    event.message = record->message;
    event.u.lifted.due = limit_from_now(turn, request->due_us);
    event.u.lifted.until = limit_from_now(turn, request->until_us);
    event_commit(turn, &event, item);
    answer_request_receipt(turn, item);
    if (request->offer != 0 && offer_at(turn->core, request->offer)->conn != turn->conn) {
        /* Whoever works at it had its acts refused meanwhile, and cannot know that they would be taken now. */
        tell_task(turn, item, request->flags & FLAG_REPLIED ? request->output_seq : 0, false);
    }
    match_request(turn, item);
}

void
on_hold(struct turn *turn)
{
    const struct proto_hold *record = &turn->record->u.hold;
    bool operates = record->id != 0;
    uint32_t item;
    if (operates) {
        if (!party_has_role(party_at(turn->core, turn->party), PROTO_ROLE_OPERATOR)) {
            answer_refusal(turn, PROTO_REFUSAL_CODE_FORBIDDEN, "role", "only an operator names a request");
            return;
        }
        item = request_named(turn, record->id, true);
    } else {
        item = task_named(turn, record->task, record->fence);
    }
    if (item == 0) {
        return;
    }
    if (record->lift) {
        task_lift(turn, item, operates);
    } else {
        task_hold(turn, item, operates);
    }
}
