/*
 * Apply: the life of a task with its performer; see apply.h.
 */
#include "core/apply.h"
#include "core/group.h"
#include "core/party.h"
#include "core/request.h"

static bool
apply_assigned(struct core *core, uint32_t item, const struct proto_event *event)
{
    struct request *request = request_at(core, item);
    uint32_t performer = party_find(core, event->performer);
    if (!request_waits(request) || performer == 0 || event->attempt > 255) {
        return false;
    }
    request_lift(core, item);
    request->performer = (uint16_t)performer;
    request->member = member_find_name(core, performer, event->worker);
    request->attempt = (uint8_t)event->attempt;
    request->fence = event->fence;
    request->due_us = event->u.assigned.due;
    return apply_status(core, item, event);
}

/* Who of the performer acted works at it. */
static void
member_note(struct core *core, struct request *request, const struct proto_event *event)
{
    if (event->member.n > 0 && proto_str_eq(event->party, event->performer)) {
        request->member = member_find_name(core, request->performer, event->member);
    }
}

static bool
apply_agreed(struct core *core, uint32_t item, const struct proto_event *event)
{
    struct request *request = request_at(core, item);
    member_note(core, request, event);
    request->due_us = event->u.agreed.due;
    request->until_us = event->u.agreed.until;
    return apply_status(core, item, event);
}

static bool
apply_started(struct core *core, uint32_t item, const struct proto_event *event)
{
    struct request *request = request_at(core, item);
    member_note(core, request, event);
    request->due_us = event->u.started.due;
    request->until_us = 0;
    return apply_status(core, item, event);
}

static bool
apply_presented(struct core *core, uint32_t item, uint64_t seq, const struct proto_event *event)
{
    struct request *request = request_at(core, item);
    member_note(core, request, event);
    request->flags = (uint16_t)((request->flags & ~FLAG_REPLIED) | FLAG_VERIFY | FLAG_CLOCKS);
    request->due_us = event->u.presented.due;
    request->output_seq = seq;
    return request->status == PROTO_STATUS_IN_PROGRESS;
}

static bool
apply_sent_back(struct core *core, uint32_t item, const struct proto_event *event)
{
    struct request *request = request_at(core, item);
    if ((request->flags & FLAG_VERIFY) == 0) {
        return false;
    }
    request_lift(core, item);
    request->flags &= (uint16_t)~(FLAG_VERIFY | FLAG_CLOCKS);
    request->due_us = event->u.sent_back.due;
    request->until_us = 0;
    return true;
}

/* The task is over without a result; another may follow. Who declined it is asked again last. */
static bool
apply_over(struct core *core, uint32_t item, const struct proto_event *event, struct following next, bool declined)
{
    struct request *request = request_at(core, item);
    uint32_t performer = request->performer;
    if (!apply_status(core, item, event)) {
        return false;
    }
    apply_lose(core, item);
    if (declined) {
        struct wishes wishes = request_group(core, request)->wishes;
        wishes_declined(&wishes, performer != 0 ? party_at(core, performer)->tag : 0);
        uint32_t group = group_make(core, &wishes);
        request_regroup(core, item, flow_make(core, group, request_requester(core, request)));
    }
    if (next.ordinal != 0) {
        return apply_next(core, item, next, event);
    }
    request->flags |= FLAG_EXHAUSTED;
    return true;
}

static bool
apply_failed(struct core *core, uint32_t item, const struct proto_event *event)
{
    if (event->u.failed.retryable) {
        return apply_over(core, item, event, (struct following){event->u.failed.next, event->u.failed.next_at, event->u.failed.due}, false);
    }
    struct request *request = request_at(core, item);
    request_lift(core, item);
    request->flags = (uint16_t)((request->flags & ~FLAG_EXHAUSTED) | FLAG_FAILED);
    return apply_status(core, item, event);
}

/* The attempt is lost or given back: the same task waits again, for its directed party alone until `due_us`. */
static bool
apply_back(struct core *core, uint32_t item, const struct proto_event *event, int64_t due_us)
{
    apply_lose(core, item);
    request_at(core, item)->due_us = due_us;
    return apply_status(core, item, event);
}

static bool
apply_lapsed(struct core *core, uint32_t item, const struct proto_event *event)
{
    if (event->task_status == PROTO_STATUS_READY || event->task_status == PROTO_STATUS_REQUESTED) {
        return apply_back(core, item, event, event->u.lapsed.due);
    }
    bool declined = event->reason == PROTO_REASON_ACCEPT_BY_EXPIRED || event->reason == PROTO_REASON_START_BY_EXPIRED;
    return apply_over(core, item, event, (struct following){event->u.lapsed.next, event->u.lapsed.next_at, 0}, declined);
}

static bool
apply_released(struct core *core, uint32_t item, const struct proto_event *event)
{
    struct request *request = request_at(core, item);
    if (request->performer == 0) {
        return false;
    }
    request->attempt -= request->attempt > 0;
    request->releases += request->releases < RELEASES_HARD;
    return apply_back(core, item, event, event->u.released.due);
}

bool
apply_task(struct core *core, uint32_t item, uint64_t seq, const struct proto_event *event)
{
    struct request *request = request_at(core, item);
    switch (event->type) {
    case PROTO_EV_ASSIGNED:
        return apply_assigned(core, item, event);
    case PROTO_EV_AGREED:
        return apply_agreed(core, item, event);
    case PROTO_EV_STARTED:
        return apply_started(core, item, event);
    case PROTO_EV_PROGRESSED:
        request->progress_e4 = (uint16_t)(event->u.progressed.progress * 10000);
        return true;
    case PROTO_EV_PRESENTED:
        return apply_presented(core, item, seq, event);
    case PROTO_EV_SENT_BACK:
        return apply_sent_back(core, item, event);
    case PROTO_EV_COMPLETED:
        request_lift(core, item);
        return apply_status(core, item, event);
    case PROTO_EV_REJECTED:
        return apply_over(core, item, event, (struct following){event->u.rejected.next, event->u.rejected.next_at, 0}, true);
    case PROTO_EV_FAILED:
        return apply_failed(core, item, event);
    case PROTO_EV_LAPSED:
        return apply_lapsed(core, item, event);
    case PROTO_EV_RELEASED:
        return apply_released(core, item, event);
    default:
        return false;
    }
}
