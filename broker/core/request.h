/*
 * Requests: finding them, their status and its table, the list each one is in, their timers.
 *
 * Knows no record and no connection.
 */
#ifndef CORE_REQUEST_H
#define CORE_REQUEST_H

#include "core/state.h"

uint32_t request_find(const struct core *core, uint64_t id);
/* The request of a task id, if that is its live or last task; else 0. */
uint32_t request_find_task(const struct core *core, uint64_t task);

/* A new request in a flow; the caller fills the rest. It goes to the front of its requester's list. */
uint32_t request_make(struct core *core, uint64_t id, uint32_t flow);
/* Requests that are not finished. */
static inline uint32_t
requests_open(const struct core *core)
{
    return core->requests.count - core->finished.count;
}

/* Forget a finished one for good. */
void request_forget(struct core *core, uint32_t item);
/* Move to another flow of the same requester and service; it must not be queued. */
void request_regroup(struct core *core, uint32_t item, uint32_t flow);

/* ------------------------------------------------------------- status */

/* What a request's status is, from its task and its pattern (direct). The only place that derives it. */
enum proto_status request_status(const struct core *core, const struct request *request);

static inline bool
status_is_terminal(enum proto_status status)
{
    return status == PROTO_STATUS_COMPLETED || status == PROTO_STATUS_FAILED || status == PROTO_STATUS_CANCELLED;
}

static inline bool
request_is_finished(const struct request *request)
{
    return status_is_terminal(request->shown);
}

/* Is the transition in the table? */
bool status_may(enum proto_status was, enum proto_status status);

/*
 * The only writer of Task.status. `event` says why, for the trace. False, and nothing changed: the table forbids it.
 */
bool task_status_set(struct core *core, struct request *request, enum proto_status status,
                     const struct proto_event *event);

/* ------------------------------------------------------------- place */

/*
 * Put a request into the list where its durable state and its binding say it belongs, and count its status. Every apply
 * ends with it, and every change of request->offer.
 */
void request_place(struct core *core, uint32_t item);

/* Take it out of its list, before its performer or its flow changes; request_place puts it where it belongs then. */
void request_lift(struct core *core, uint32_t item);

/* Waits for somebody to perform it: its task is ready or requested and nobody has it. */
bool request_waits(const struct request *request);

/* Owned by the organisation and not by the worker: a lost connection changes nothing. */
static inline bool
request_owned(const struct core *core, const struct request *request)
{
    const struct flow *flow = flow_at(core, request->flow);
    return terms_at(core, group_at(core, flow->group)->wishes.terms)->tenure == PROTO_TENURE_OWNED;
}

/* ------------------------------------------------------------- timers */

/* Set, move or (INT64_MAX) remove. */
void timer_set(struct core *core, enum clock clock, uint32_t request, int64_t at_us);
/* The request whose timer is due, or 0. */
uint32_t timer_due(const struct core *core, enum clock clock, int64_t now_us);
int64_t timer_next(const struct core *core, enum clock clock);

/* The next UTC limit of a request that counts now; INT64_MAX: none. */
int64_t request_limit(const struct request *request);
/* Arm the UTC timer for it. */
void request_arm(struct core *core, uint32_t item);

#endif
