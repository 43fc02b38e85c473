/*
 * Limits that have come: leases (monotonic time), and accept-by, start-by, attempt, complete-by, not-before (UTC).
 */
#include "core/handlers.h"
#include "core/match.h"
#include "core/offer.h"
#include "core/party.h"
#include "core/request.h"

/* ------------------------------------------------------------- an attempt is lost */

/* The same task waits again, or at the attempt limit it is over. */
static void
attempt_lost(struct turn *turn, uint32_t item, enum proto_reason reason)
{
    struct core *core = turn->core;
    const struct request *request = request_at(core, item);
    if (request->flags & FLAG_ABORT) {
        request_cancel(turn, item, PROTO_REASON_CANCELLED_BY_REQUESTER, (struct proto_str){0});
        return;
    }
    bool last = request->attempt >= request_terms(core, request)->attempts;
    struct proto_event event;
    event_begin(turn, &event, PROTO_EV_LAPSED, item);
    event.reason = reason;
    event.task_status = !last                                         ? status_waiting(core, item)
                        : request->status == PROTO_STATUS_ACCEPTED ? PROTO_STATUS_CANCELLED
                                                                   : PROTO_STATUS_FAILED;
    event.u.lapsed.due = !last ? fallback_due(turn, item) : 0;
    event_commit(turn, &event, item);
    core->stats.lease_expired += reason == PROTO_REASON_LEASE_EXPIRED;
    request_follow_up(turn, item);
}

/* It was not taken, or not begun, in time: that task is over, and the next candidate is tried. */
static void
candidate_lapsed(struct turn *turn, uint32_t item, enum proto_reason reason)
{
    struct core *core = turn->core;
    const struct request *request = request_at(core, item);
    struct proto_event event;
    event_begin(turn, &event, PROTO_EV_LAPSED, item);
    event.reason = reason;
    event.task_status = PROTO_STATUS_CANCELLED;
    /* One that nobody had was no attempt: only its direction ends. */
    bool nobody = request->performer == 0;
    event.u.lapsed.next = nobody && request->ordinal < TASKS_MAX ? request->ordinal + 1u : task_following(core, item);
    event_commit(turn, &event, item);
    request_follow_up(turn, item);
}

/* ------------------------------------------------------------- UTC */

static void
task_wakes(struct turn *turn, uint32_t item)
{
    struct core *core = turn->core;
    struct proto_event event;
    event_begin(turn, &event, PROTO_EV_WOKEN, item);
    event.task_status = status_waiting(core, item);
    event.u.woken.due = fallback_due(turn, item);
    event_commit(turn, &event, item);
    match_request(turn, item);
}

static void
request_overdue(struct turn *turn, uint32_t item)
{
    struct core *core = turn->core;
    if (request_terms(core, request_at(core, item))->complete_by_fails) {
        request_fail(turn, item, PROTO_REASON_COMPLETE_BY_EXPIRED, (struct proto_str){0});
        return;
    }
    struct proto_event event;
    event_begin(turn, &event, PROTO_EV_OVERDUE, item);
    event.reason = PROTO_REASON_COMPLETE_BY_EXPIRED;
    event_commit(turn, &event, item);
}

static void
task_limit(struct turn *turn, uint32_t item)
{
    const struct request *request = request_at(turn->core, item);
    int64_t now = turn->now.utc_us;
    switch ((enum proto_status)request->status) {
    case PROTO_STATUS_DRAFT:
        task_wakes(turn, item);
        break;
    case PROTO_STATUS_READY:
    case PROTO_STATUS_REQUESTED:
        candidate_lapsed(turn, item, PROTO_REASON_ACCEPT_BY_EXPIRED);
        break;
    case PROTO_STATUS_ACCEPTED:
        if (request->due_us != 0 && request->due_us <= now) {
            candidate_lapsed(turn, item, PROTO_REASON_START_BY_EXPIRED);
        } else {
            attempt_lost(turn, item, PROTO_REASON_ATTEMPT_EXPIRED);
        }
        break;
    case PROTO_STATUS_IN_PROGRESS:
        attempt_lost(turn, item, PROTO_REASON_ATTEMPT_EXPIRED);
        break;
    default:
        assert(!"a limit of a task that has none");
    }
}

static void
utc_due(struct turn *turn, uint32_t item)
{
    const struct request *request = request_at(turn->core, item);
    bool by = (request->flags & (FLAG_OVERDUE | FLAG_ASKED)) == 0 && request->complete_by_us != 0;
    if (by && request->complete_by_us <= turn->now.utc_us) {
        request_overdue(turn, item);
    } else {
        task_limit(turn, item);
    }
}

void
on_timers(struct turn *turn)
{
    struct core *core = turn->core;
    uint32_t item;
    while (core->moves < core->settings.moves_per_call_max && (item = timer_due(core, CLOCK_MONO, turn->now.mono_us)) != 0) {
        timer_set(core, CLOCK_MONO, item, INT64_MAX);
        attempt_lost(turn, item, PROTO_REASON_LEASE_EXPIRED);
        core->moves++;
    }
    while (core->moves < core->settings.moves_per_call_max && (item = timer_due(core, CLOCK_UTC, turn->now.utc_us)) != 0) {
        utc_due(turn, item);
        core->moves++;
    }
}
