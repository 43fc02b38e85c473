/*
 * complete and verify: the work is done. Where the terms ask for it, a second member of the performer looks at it first.
 */
#include "core/handlers.h"
#include "core/match.h"
#include "core/offer.h"
#include "core/party.h"
#include "core/request.h"

/* ------------------------------------------------------------- complete */

static bool
result_check(struct turn *turn, uint32_t item)
{
    const struct proto_complete *record = &turn->record->u.complete;
    const struct service_type *type = request_service(turn->core, request_at(turn->core, item))->type;
    if (!charge_valid(turn, PROTO_HAS(record, COMPLETE, CHARGE), record->currency) ||
        !business_fits(turn, record->business_status)) {
        return false;
    }
    if (type == NULL) {
        return true; /* the catalogue no longer has it; what was accepted is worked off */
    }
    struct input_fault fault;
    if ((type->output.required != 0 || record->output.n > 0) &&
        !input_check(&type->output, INPUT_WHOLE, "output", record->output, &fault)) {
        answer_invalid(turn, &fault);
        return false;
    }
    if (!service_has_outcome(type, record->outcome)) {
        answer_refusal(turn, PROTO_REFUSAL_CODE_INVALID, "outcome", "not one of the outcomes of this service");
        return false;
    }
    return true;
}

static void
result_fill(struct turn *turn, struct proto_event *event)
{
    const struct proto_complete *record = &turn->record->u.complete;
    event->outcome = record->outcome;
    event->charge = record->charge;
    event->currency = record->currency;
    event->message = record->message;
    event->business_status = record->business_status;
    event->body = turn->record->body;
}

/* A moving average, for estimates: a fence is about the moment of the assignment. */
static void
duration_note(struct turn *turn, const struct request *request)
{
    struct service *service = request_service(turn->core, request);
    int64_t took = turn->now.utc_us - (int64_t)request->fence;
    if (took > 0) {
        service->duration_us += service->duration_us == 0 ? took : (took - service->duration_us) / 16;
    }
}

/*
 * The receipt stands before the outcome: what stands last leaves first (net/outbox.c), and whoever waits for an outcome waits
 * longer for it than its performer for a receipt.
 */
static void
outcome_commit(struct turn *turn, struct proto_event *event, uint32_t item)
{
    uint32_t told = turn->out->effect_count, answered;
    duration_note(turn, request_at(turn->core, item));
    event_commit(turn, event, item);
    turn->core->stats.completed++;
    answered = turn->out->effect_count;
    answer_request_receipt(turn, item);
    if (turn->out->effect_count > answered) {
        effect_last_to(turn, told);
    }
}

static void
task_complete(struct turn *turn, uint32_t item)
{
    struct core *core = turn->core;
    struct proto_event event;
    event_begin(turn, &event, PROTO_EV_COMPLETED, item);
    result_fill(turn, &event);
    event.task_status = PROTO_STATUS_COMPLETED;
    event.u.completed.output = turn->record->u.complete.output;
    event_sum_up(core, &event, item);
    event.worker = event.member;
    outcome_commit(turn, &event, item);
}

static void
task_present(struct turn *turn, uint32_t item)
{
    struct core *core = turn->core;
    const struct request *request = request_at(core, item);
    struct proto_event event;
    event_begin(turn, &event, PROTO_EV_PRESENTED, item);
    result_fill(turn, &event);
    event.reason = PROTO_REASON_TO_BE_VERIFIED;
    event.business_status = PROTO_STR("to_be_verified");
    event.u.presented.output = turn->record->u.complete.output;
    event.u.presented.due = limit_left(turn, request->due_us);
    event_commit(turn, &event, item);
    answer_request_receipt(turn, item);
    task_unbind(turn, item, &event);
    match_request(turn, item);
}

void
on_complete(struct turn *turn)
{
    struct core *core = turn->core;
    const struct proto_complete *record = &turn->record->u.complete;
    uint32_t item = task_named(turn, record->task, record->fence);
    if (item == 0) {
        return;
    }
    const struct request *request = request_at(core, item);
    bool presented = request->status == PROTO_STATUS_IN_PROGRESS && (request->flags & FLAG_VERIFY) != 0;
    if (request->status == PROTO_STATUS_COMPLETED || presented) {
        answer_duplicate(turn, item); /* N4 */
        return;
    }
    if (request->status != PROTO_STATUS_IN_PROGRESS) {
        refuse_status(turn, item, "only a task in progress can be completed");
        return;
    }
    if (!result_check(turn, item)) {
        return;
    }
    if (request_terms(core, request)->verify) {
        task_present(turn, item);
    } else {
        task_complete(turn, item);
    }
}

/* ------------------------------------------------------------- verify */

static void
result_verified(struct turn *turn, uint32_t item)
{
    struct core *core = turn->core;
    const struct proto_verify *record = &turn->record->u.verify;
    struct proto_event event;
    event_begin(turn, &event, PROTO_EV_COMPLETED, item);
    event.task_status = PROTO_STATUS_COMPLETED;
    event.business_status = record->business_status.n > 0 ? record->business_status : PROTO_STR("verified");
    event.message = record->message;
    event.output_seq = request_at(core, item)->output_seq;
    event.body = turn->record->body;
    event.u.completed.verified = true;
    event_sum_up(core, &event, item);
    outcome_commit(turn, &event, item);
    /* A look at what waits to be verified has a bound: what this one stood before may be in reach now. */
    offer_wake_all(core, 0, turn->party);
}

static void
result_sent_back(struct turn *turn, uint32_t item)
{
    struct core *core = turn->core;
    const struct proto_verify *record = &turn->record->u.verify;
    const struct request *request = request_at(core, item);
    struct proto_event event;
    event_begin(turn, &event, PROTO_EV_SENT_BACK, item);
    event.reason = PROTO_REASON_VERIFICATION_REFUSED;
    event.business_status = record->business_status.n > 0 ? record->business_status : PROTO_STR("verification_refused");
    event.message = record->message;
    event.u.sent_back.due = limit_from_now(turn, request->due_us);
    event_commit(turn, &event, item);
    task_unbind(turn, item, &event);
    answer_request_receipt(turn, item);
    match_return(turn, item);
    offer_wake_all(core, 0, turn->party);
}

void
on_verify(struct turn *turn)
{
    struct core *core = turn->core;
    const struct proto_verify *record = &turn->record->u.verify;
    uint32_t item = task_named(turn, record->task, record->fence);
    if (item == 0) {
        return;
    }
    const struct request *request = request_at(core, item);
    if (request->status == PROTO_STATUS_COMPLETED && record->agree && (request->flags & FLAG_VERIFY)) {
        answer_duplicate(turn, item);
        return;
    }
    if (request->status != PROTO_STATUS_IN_PROGRESS || (request->flags & FLAG_VERIFY) == 0) {
        refuse_status(turn, item, "there is no result to verify");
        return;
    }
    if (!may_verify(core, request, turn->member)) {
        answer_refusal(turn, PROTO_REFUSAL_CODE_FORBIDDEN, "member", "another member than the one who did the work verifies it");
        return;
    }
    if (!business_fits(turn, record->business_status)) {
        return;
    }
    if (record->agree) {
        result_verified(turn, item);
    } else {
        result_sent_back(turn, item);
    }
}
