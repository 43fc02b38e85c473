/*
 * L6: no requester waits more than its fair share.
 *
 * Tasks that ask for the same (service, terms, wishes, priority) form a class: any provider of one may take any other. While two
 * requesters both wait in a class, the broker alternates between them by declared cost: from an assignment to the one until its
 * next, the other may be assigned in this class no more cost than the one has had of the service since, and one task beyond.
 * That bound holds for any number of classes and requesters; nothing of the core's own tags is read.
 */
#ifndef SIM_FAIR_H
#define SIM_FAIR_H

#include "sim.h"

/* What an accepted event asks of its performer, as a number: two with the same stand in one class. */
uint64_t fair_wants(const struct proto_event *event);
/* It was declined, or requeued: `what` says by whom. It stands in another class from now on. */
uint64_t fair_wants_after(uint64_t wants, unsigned what);

void fair_fini(struct audit *audit);
void fair_enters(struct audit *audit, const struct life *life);
void fair_leaves(struct audit *audit, const struct life *life);
void fair_assigned(struct sim *sim, const struct life *life); /* before it leaves */
void fair_forget(struct audit *audit); /* shares begin anew with a recovery */

#endif
