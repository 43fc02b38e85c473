/*
 * Bringing waiting tasks and offers together.
 *
 * Matching runs when a task begins to wait (its group is looked at) and when an offer gets room (its groups are). Between
 * calls of core_decide no offer with room and no waiting task that it may take stand beside each other, except for work
 * that is left over for the next call (core.hungry).
 */
#ifndef CORE_MATCH_H
#define CORE_MATCH_H

#include "core/event.h"

/* A request may have begun to wait, or to be an orphan: find it a performer. */
void match_request(struct turn *turn, uint32_t request);

/* A result is verified by another member than the one who did the work. */
bool may_verify(const struct core *core, const struct request *request, uint32_t member);

/* Hand a task back to a connection of its performer, that of the member who worked at it first, with its last event. */
void match_return(struct turn *turn, uint32_t request);

/* Look after the offers that woke, as far as this call's moves reach. */
void match_run(struct turn *turn);

#endif
