/*
 * Making facts: who, when, what; append, apply, tell; see event.h.
 */
#include "core/event.h"

#include "core/offer.h"
#include "core/party.h"
#include "core/request.h"
#include "core/watch.h"

void
event_begin_broker(struct turn *turn, struct proto_event *event, enum proto_ev type, uint32_t item)
{
    struct core *core = turn->core;
    /* Only what this kind has: the largest kind is many times larger than most. */
    memset(event, 0, offsetof(struct proto_event, u));
    memset(&event->u, 0, proto_ev_desc(type)->size);
    event->type = type;
    event->at = turn->now.utc_us;
    if (item == 0) {
        return;
    }
    const struct request *request = request_at(core, item);
    event->id = request->id;
    event->prev = request->last_seq;
    event->service = name_str(&request_service(core, request)->name);
    event->requester = name_str(&party_at(core, request_requester(core, request))->name);
    if (request->performer != 0) {
        event->performer = name_str(&party_at(core, request->performer)->name);
    }
    event->task = request->ordinal;
    event->was = request->shown;
    event->task_was = request->status;
    event->task_status = request->status;
    event->attempt = request->attempt;
    event->fence = request->fence;
}

void
event_begin(struct turn *turn, struct proto_event *event, enum proto_ev type, uint32_t item)
{
    event_begin_broker(turn, event, type, item);
    if (turn->member != 0) {
        event->party = name_str(&party_at(turn->core, turn->party)->name);
        event->member = name_str(&member_at(turn->core, turn->member)->name);
    }
}

void
event_sum_up(const struct core *core, struct proto_event *event, uint32_t item)
{
    const struct request *request = request_at(core, item);
    event->accepted_seq = request->accepted_seq;
    event->authored_on = request->authored_us;
    if (request->member != 0) {
        event->worker = name_str(&member_at(core, request->member)->name);
    }
}

/* Which events the connection that submitted a request is sent. */
static bool
event_notifies(const struct proto_event *event, enum proto_notify notify)
{
    if (notify == PROTO_NOTIFY_NONE || event->type == PROTO_EV_ACCEPTED) {
        return false;
    }
    if (notify == PROTO_NOTIFY_ALL || status_is_terminal(event->status)) {
        return true;
    }
    switch (event->type) {
    case PROTO_EV_HELD:
    case PROTO_EV_ASKED:
    case PROTO_EV_EXHAUSTED:
    case PROTO_EV_LAPSED:
    case PROTO_EV_OVERDUE:
    case PROTO_EV_ABORT_REFUSED:
        return true;
    default:
        return false;
    }
}

static void
event_tell(struct turn *turn, uint64_t seq, const struct proto_event *event, const struct request *request)
{
    if (!event_notifies(event, request->notify) || connection_find(turn->core, request->conn) == NULL) {
        return;
    }
    struct core_effect *effect = effect_add(turn, CORE_EVENT, request->conn);
    effect->source = seq;
    effect->source2 = event->output_seq;
}

static void
event_append(struct turn *turn, uint64_t seq, const struct proto_event *event)
{
    struct core_out *out = turn->out;
    if (out->event_count++ == 0) {
        out->first_seq = seq;
    }
    size_t start = out->events.n;
    uint32_t n = 0;
    bool fits = proto_buf_append(&out->events, &n, sizeof n) && proto_event_encode(&out->events, event);
    assert(fits);
    n = (uint32_t)(out->events.n - start - sizeof n);
    uint8_t head[4] = {(uint8_t)n, (uint8_t)(n >> 8), (uint8_t)(n >> 16), (uint8_t)(n >> 24)};
    memcpy(out->events.p + start, head, sizeof head);
}

/*
 * After a fact: whoever no longer has the task is let go and told, and the clocks are set. A binding holds while the task is
 * with the party of the offer.
 */
static void
request_settle(struct turn *turn, uint32_t item, const struct proto_event *event)
{
    struct core *core = turn->core;
    struct request *request = request_at(core, item);
    if (request->offer != 0 && (request_is_finished(request) || request->performer != offer_at(core, request->offer)->party)) {
        task_unbind(turn, item, event);
    }
    request_arm(core, item);
    lease_settle(turn, item);
}

uint64_t
event_commit(struct turn *turn, struct proto_event *event, uint32_t item)
{
    struct core *core = turn->core;
    uint64_t seq = core->seq + 1;
    enum core_applied applied = event_apply(core, seq, event, &item);
    assert(applied == CORE_APPLIED);
    turn->item = item;
    if (item == 0) {
        event_append(turn, seq, event);
        return seq;
    }
    const struct request *request = request_at(core, item);
    event->status = request->shown;
    event_append(turn, seq, event);
    request_settle(turn, item, event);
    event_tell(turn, seq, event, request);
    watch_publish(turn, seq, event, request);
    return seq;
}
