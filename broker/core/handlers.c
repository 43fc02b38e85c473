/*
 * What several handlers share; see handlers.h.
 */
#include "core/handlers.h"

#include "core/match.h"
#include "core/offer.h"
#include "core/party.h"
#include "core/request.h"
#include "core/submission.h"

void
answer_from_history(struct turn *turn, uint64_t id, uint64_t fence, enum core_want want)
{
    struct core_effect *effect = effect_add(turn, CORE_FINISHED, turn->conn);
    effect->re = turn->record->n;
    effect->id = id;
    effect->fence = fence;
    effect->want = (uint8_t)want;
    effect->record = (uint8_t)turn->record->type;
    effect->party = turn->party;
    effect->roles = party_at(turn->core, turn->party)->roles;
}

uint32_t
task_named(struct turn *turn, uint64_t task, uint64_t fence)
{
    const struct core *core = turn->core;
    uint64_t ordinal = task % REQUEST_STRIDE;
    uint32_t item = ordinal == 0 ? 0 : request_find(core, task - ordinal);
    if (item == 0) {
        answer_from_history(turn, task - ordinal, fence, CORE_WANT_PERFORMED);
        return 0;
    }
    const struct request *request = request_at(core, item);
    bool had = request->former == turn->party;
    if (request->performer != turn->party && !had) {
        answer_refusal(turn, PROTO_REFUSAL_CODE_NOT_FOUND, "task", "no such task");
        return 0;
    }
    if (request->performer != turn->party || request->ordinal != ordinal || request->fence != fence) {
        answer_refusal(turn, PROTO_REFUSAL_CODE_STALE, "fence", "this task was assigned anew since");
        return 0;
    }
    return item;
}

uint32_t
request_named(struct turn *turn, uint64_t id, bool operators)
{
    const struct core *core = turn->core;
    uint32_t item = request_find(core, id);
    if (item == 0) {
        answer_from_history(turn, id, 0, CORE_WANT_REQUESTED);
        return 0;
    }
    const struct party *party = party_at(core, turn->party);
    bool operates = operators && party_has_role(party, PROTO_ROLE_OPERATOR);
    if (!operates && request_requester(core, request_at(core, item)) != turn->party) {
        answer_refusal(turn, PROTO_REFUSAL_CODE_NOT_FOUND, "id", "no such request");
        return 0;
    }
    return item;
}

void
refuse_status(struct turn *turn, uint32_t item, const char *message)
{
    const struct request *request = request_at(turn->core, item);
    answer_conflict(turn, request->id, request->shown, message);
}

bool
charge_valid(struct turn *turn, bool has_charge, struct proto_str currency)
{
    bool whole = currency.n == 3;
    for (uint32_t i = 0; i < currency.n; i++) {
        whole = whole && currency.p[i] >= 'A' && currency.p[i] <= 'Z';
    }
    if (has_charge ? whole : currency.n == 0) {
        return true;
    }
    answer_refusal(turn, PROTO_REFUSAL_CODE_INVALID, has_charge ? "currency" : "charge",
                   "an amount is minor units and the three capital letters of its currency");
    return false;
}

void
answer_task_receipt(struct turn *turn, const struct proto_event *event)
{
    if (turn->record->n == 0) {
        return;
    }
    struct core_effect *effect = effect_add(turn, CORE_RECEIPT, turn->conn);
    effect->re = turn->record->n;
    effect->id = event->id;
    effect->task = (uint8_t)event->task;
    effect->status = (uint8_t)event->task_status;
    effect->fence = turn->core->seq;
}

bool
business_fits(struct turn *turn, struct proto_str text)
{
    const struct core *core = turn->core;
    if (text.n == 0 || (uint64_t)core->texts.count * sizeof(struct text) < core->settings.names_bytes_max) {
        return true;
    }
    answer_retry_later(turn, "as many different business statuses as there may be");
    return false;
}

/* ------------------------------------------------------------- limits and attempts */

int64_t
limit_left(const struct turn *turn, int64_t limit_us)
{
    return limit_us == 0 ? 0 : limit_us > turn->now.utc_us ? limit_us - turn->now.utc_us : 1;
}

int64_t
limit_from_now(const struct turn *turn, int64_t left_us)
{
    return left_us == 0 ? 0 : turn->now.utc_us + left_us;
}

int64_t
fallback_due(const struct turn *turn, uint32_t item)
{
    const struct core *core = turn->core;
    const struct request *request = request_at(core, item);
    const struct wishes *wishes = &request_group(core, request)->wishes;
    return directed_due(turn, request_terms(core, request), wishes->directed != 0 && wishes->fallback);
}

uint32_t
task_following(const struct core *core, uint32_t item)
{
    const struct request *request = request_at(core, item);
    const struct terms *terms = request_terms(core, request);
    return request->attempt >= terms->attempts || request->ordinal >= TASKS_MAX ? 0 : request->ordinal + 1u;
}

int64_t
backoff_until(const struct turn *turn, uint32_t item)
{
    const struct request *request = request_at(turn->core, item);
    const struct terms *terms = request_terms(turn->core, request);
    int64_t wait = terms->backoff_us;
    for (unsigned i = 1; i < request->attempt && wait > 0 && wait < terms->backoff_max_us; i++) {
        wait *= 2;
    }
    if (terms->backoff_max_us > 0 && wait > terms->backoff_max_us) {
        wait = terms->backoff_max_us;
    }
    return wait > 0 ? turn->now.utc_us + wait : 0;
}

enum proto_status
status_waiting(const struct core *core, uint32_t item)
{
    return request_owned(core, request_at(core, item)) ? PROTO_STATUS_REQUESTED : PROTO_STATUS_READY;
}

/* The request stands on hold until somebody decides (A6: attempts are limited, then on-hold, never dropped). */
static void
request_exhaust(struct turn *turn, uint32_t item)
{
    struct proto_event event;
    event_begin_broker(turn, &event, PROTO_EV_EXHAUSTED, item);
    event.reason = PROTO_REASON_ATTEMPTS_EXHAUSTED;
    if (event.task_status == PROTO_STATUS_READY || event.task_status == PROTO_STATUS_REQUESTED) {
        event.task_status = PROTO_STATUS_CANCELLED;
    }
    event_commit(turn, &event, item);
    turn->core->stats.exhausted++;
}

void
request_follow_up(struct turn *turn, uint32_t item)
{
    struct core *core = turn->core;
    const struct request *request = request_at(core, item);
    const struct terms *terms = request_terms(core, request);
    bool over = (request->flags & FLAG_EXHAUSTED) != 0;
    bool too_often = request->place == PLACE_QUEUE &&
                     (request->attempt >= terms->attempts || request->releases > terms->releases_max);
    if (!request_is_finished(request) && (over || too_often)) {
        request_exhaust(turn, item);
    }
    match_request(turn, item);
}

/* ------------------------------------------------------------- ends */

void
request_cancel(struct turn *turn, uint32_t item, enum proto_reason reason, struct proto_str message)
{
    struct core *core = turn->core;
    struct proto_event event;
    event_begin(turn, &event, PROTO_EV_CANCELLED, item);
    event.reason = reason;
    event.message = message;
    if (status_may(event.task_status, PROTO_STATUS_CANCELLED)) {
        event.task_status = PROTO_STATUS_CANCELLED;
    }
    event_sum_up(core, &event, item);
    event_commit(turn, &event, item);
    core->stats.cancelled++;
}

void
request_fail(struct turn *turn, uint32_t item, enum proto_reason reason, struct proto_str message)
{
    struct core *core = turn->core;
    struct proto_event event;
    event_begin(turn, &event, PROTO_EV_FAILED, item);
    event.reason = reason;
    event.message = message;
    if (status_may(event.task_status, PROTO_STATUS_FAILED)) {
        event.task_status = PROTO_STATUS_FAILED;
    } else if (status_may(event.task_status, PROTO_STATUS_CANCELLED)) {
        event.task_status = PROTO_STATUS_CANCELLED; /* it was never begun */
    }
    event_sum_up(core, &event, item);
    event_commit(turn, &event, item);
    core->stats.failed++;
}

void
task_recall(struct turn *turn, uint32_t item, enum proto_reason reason)
{
    struct core *core = turn->core;
    const struct request *request = request_at(core, item);
    if (request->flags & FLAG_ABORT) {
        /* Nobody is left to be asked. */
        request_cancel(turn, item, PROTO_REASON_CANCELLED_BY_REQUESTER, (struct proto_str){0});
        return;
    }
    struct proto_event event;
    event_begin(turn, &event, PROTO_EV_RELEASED, item);
    event.reason = reason;
    event.task_status = status_waiting(core, item);
    event.u.released.due = fallback_due(turn, item);
    event_commit(turn, &event, item);
    request_follow_up(turn, item);
}
