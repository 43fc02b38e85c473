/*
 * Waiting tasks in their order: priority with ageing, then fair share, then age.
 *
 * In a group each priority is a level: a heap of flows by start tag (start-time fair queueing, per requester and service);
 * in a flow and level tasks stand first come, first served. Ageing lifts a level's first task one level per
 * terms.age_us of its age; only first tasks are looked at, so nothing is scanned. Knows no offer.
 */
#ifndef CORE_QUEUE_H
#define CORE_QUEUE_H

#include "core/state.h"

/* Goes to the end, or to the front if it is older than what stands there: a task that comes back keeps its turn. */
void queue_push(struct core *core, uint32_t request);
void queue_remove(struct core *core, uint32_t request);

/* The task that is next in a group, and how it ranks against those of other groups. */
struct turn_of {
    uint32_t request;
    uint32_t rank;  /* effective level: higher goes first */
    uint64_t start; /* start tag: lower goes first; comparable within a service */
    uint64_t id;    /* lower goes first */
};

/* False: nothing waits there. */
bool queue_first(struct core *core, uint32_t group, int64_t utc_us, struct turn_of *out_turn);

/* Does a go before b? same_service: their start tags can be compared. */
bool queue_before(const struct turn_of *a, const struct turn_of *b, bool same_service);

/* The first task of this request's flow is being assigned: charge its requester. Before it leaves the queue. */
void queue_charge(struct core *core, uint32_t request);

/* How many tasks of its group are likely to be assigned before this one; looks at no more than `steps` items. */
uint64_t queue_ahead(const struct core *core, uint32_t request, uint32_t steps);

#endif
