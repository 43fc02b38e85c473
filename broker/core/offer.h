/*
 * Connections and what they offer; binding tasks to offers; leases. Connection state: never journaled.
 */
#ifndef CORE_OFFER_H
#define CORE_OFFER_H

#include "core/event.h"

/* The connection with exactly this handle, or NULL. */
struct connection *connection_find(const struct core *core, uint32_t handle);
void connection_open(struct turn *turn);
void connection_end(struct turn *turn, uint32_t handle);

/* ------------------------------------------------------------- offers */

uint32_t offer_find(const struct core *core, const struct connection *connection, struct proto_str pattern);
/* An offer of this connection that covers a service; 0: none. */
uint32_t offer_covering(const struct core *core, const struct connection *connection, uint32_t service);
uint32_t offer_make(struct core *core, struct connection *connection, struct proto_str pattern);
/* Which services it covers may have changed: grants, catalogue, or the offer is new or gone (capacity 0). */
void offer_cover(struct core *core, uint32_t offer);
void offer_free_all(struct core *core);

/* How many tasks could be sent to it now. */
static inline uint32_t
offer_room(const struct offer *offer)
{
    uint32_t left = offer->capacity > offer->running ? offer->capacity - offer->running : 0;
    return left < offer->credit ? left : offer->credit;
}

/* It may have room for work: look at it at the end of this call. */
void offer_wake(struct core *core, uint32_t offer);
/* All offers of a party, or (party 0) of a service: something was resumed, or is to be handed out. */
void offer_wake_all(struct core *core, uint32_t service, uint32_t party);

/* ------------------------------------------------------------- binding */

void offer_bind(struct core *core, uint32_t request, uint32_t offer);
void offer_unbind(struct core *core, uint32_t request);
/* The acting connection works at a task that nobody is bound to: bind it to its offer, if it has one. */
void offer_adopt(struct turn *turn, uint32_t request);

/* ------------------------------------------------------------- leases */

/* A leased task in progress has a lease; all else has none. A running lease is left alone. */
void lease_settle(struct turn *turn, uint32_t request);
/* From now on a full term. */
void lease_renew(struct turn *turn, uint32_t request);

#endif
