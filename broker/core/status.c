/*
 * Task.status: the table of its transitions, its only writer, and how a request's status follows; see request.h.
 */
#include "core/party.h"
#include "core/request.h"

#include <inttypes.h>
#include <stdio.h>

#define BIT(status) (1u << PROTO_STATUS_##status)

/*
 * FHIR's Task.status diagram, then this project's additions. Row: from; bits: to. The row 0 is the start.
 * Additions: an attempt that was lost or given back returns to ready or requested; what has not started can be put on hold
 * and returns to where it was; in progress becomes cancelled only by an agreed abort.
 */
static const uint16_t transitions[STATUSES] = {
    [0] = BIT(DRAFT) | BIT(READY) | BIT(REQUESTED),
    [PROTO_STATUS_DRAFT] = BIT(READY) | BIT(REQUESTED) | BIT(CANCELLED),
    [PROTO_STATUS_REQUESTED] = BIT(RECEIVED) | BIT(ACCEPTED) | BIT(REJECTED) | BIT(CANCELLED) | BIT(ON_HOLD),
    [PROTO_STATUS_RECEIVED] = BIT(ACCEPTED) | BIT(REJECTED) | BIT(CANCELLED),
    [PROTO_STATUS_ACCEPTED] = BIT(IN_PROGRESS) | BIT(CANCELLED) | BIT(ON_HOLD) | BIT(READY) | BIT(REQUESTED),
    [PROTO_STATUS_READY] = BIT(IN_PROGRESS) | BIT(CANCELLED) | BIT(ON_HOLD),
    [PROTO_STATUS_IN_PROGRESS] = BIT(COMPLETED) | BIT(FAILED) | BIT(ON_HOLD) | BIT(READY) | BIT(REQUESTED) | BIT(CANCELLED),
    [PROTO_STATUS_ON_HOLD] = BIT(IN_PROGRESS) | BIT(ACCEPTED) | BIT(READY) | BIT(REQUESTED) | BIT(FAILED) | BIT(CANCELLED),
};

bool
status_may(enum proto_status was, enum proto_status status)
{
    return (unsigned)was < STATUSES && (unsigned)status < STATUSES && (transitions[was] >> status & 1) != 0;
}

enum proto_status
request_status(const struct core *core, const struct request *request)
{
    if (request->flags & FLAG_FAILED) {
        return PROTO_STATUS_FAILED;
    }
    if (request->flags & FLAG_CANCELLED) {
        return PROTO_STATUS_CANCELLED;
    }
    if (request->flags & FLAG_EXHAUSTED) {
        return PROTO_STATUS_ON_HOLD;
    }
    if (request->status == PROTO_STATUS_DRAFT) {
        if (request->flags & FLAG_NOT_BEFORE) {
            return PROTO_STATUS_ON_HOLD;
        }
        return request_owned(core, request) ? PROTO_STATUS_REQUESTED : PROTO_STATUS_READY;
    }
    return request->status;
}

/* ------------------------------------------------------------- trace */

static void
trace_event(struct core *core, const struct request *request, const struct proto_event *event, char *text, size_t n)
{
    const char *reason = event->reason != PROTO_REASON_NONE ? proto_enum_name(PROTO_ENUM_REASON, event->reason) : "";
    switch (event->type) {
    case PROTO_EV_ACCEPTED:
        snprintf(text, n, "submitted by %.*s", PROTO_STR_ARG(event->requester));
        break;
    case PROTO_EV_ASSIGNED:
        snprintf(text, n, "to %.*s, attempt %u", PROTO_STR_ARG(event->performer), event->attempt);
        break;
    case PROTO_EV_AGREED:
        snprintf(text, n, "agreed by %.*s", PROTO_STR_ARG(event->performer));
        break;
    case PROTO_EV_COMPLETED:
        snprintf(text, n, "%s %.*s", event->u.completed.verified ? "verified by" : "by", PROTO_STR_ARG(event->member));
        break;
    case PROTO_EV_LAPSED:
        snprintf(text, n, "%s, %.*s", reason, PROTO_STR_ARG(event->performer));
        break;
    default:
        snprintf(text, n, "%s%s%s", proto_ev_desc(event->type)->name, reason[0] ? ", " : "", reason);
        break;
    }
    (void)core;
    (void)request;
}

static void
trace_line(struct core *core, const struct request *request, enum proto_status was, const struct proto_event *event)
{
    if (core->trace_first_id == 0) {
        core->trace_first_id = request->id;
        core->trace_start_us = event->at;
    }
    char why[128];
    char line[256];
    trace_event(core, request, event, why, sizeof why);
    int64_t ms = (event->at - core->trace_start_us) / 1000;
    uint64_t number = (request->id - core->trace_first_id) / REQUEST_STRIDE + 1;
    const char *from = was == 0 ? "" : proto_enum_name(PROTO_ENUM_STATUS, was);
    snprintf(line, sizeof line, "%" PRId64 ".%03d #%" PRIu64 "%s%s -> %s  %s", ms / 1000, (int)(ms % 1000), number,
             was == 0 ? "" : " ", from, proto_enum_name(PROTO_ENUM_STATUS, request->status), why);
    core->trace(core->trace_arg, line);
}

bool
task_status_set(struct core *core, struct request *request, enum proto_status status, const struct proto_event *event)
{
    enum proto_status was = request->status;
    if (!status_may(was, status)) {
        return false;
    }
    request->status = (uint8_t)status;
    if (core->trace != NULL) {
        trace_line(core, request, was, event);
    }
    return true;
}
