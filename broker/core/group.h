/*
 * Terms, and the groups, flows and shares by which waiting tasks are ordered. Knows no offer and decides nothing.
 *
 * A group is one set of wishes; a flow is one requester in it; a share is one requester at one service, over all groups.
 * Groups and flows without requests rest in a list and are used again, so that the steady state takes no memory.
 */
#ifndef CORE_GROUP_H
#define CORE_GROUP_H

#include "core/state.h"

uint32_t terms_find(const struct core *core, uint32_t number);
uint32_t terms_make(struct core *core, uint32_t number, uint32_t service);
bool terms_same(const struct terms *a, const struct terms *b); /* but for number and use */
void terms_forget_unused(struct core *core);

/* Is there room for one more group and flow, by letting go of resting ones? For the check before acceptance. */
bool group_has_room(const struct core *core);

uint32_t group_find(const struct core *core, const struct wishes *wishes);
uint32_t group_make(struct core *core, const struct wishes *wishes); /* finds it, or makes it */
uint32_t flow_find(const struct core *core, uint32_t group, uint32_t requester);
uint32_t flow_make(struct core *core, uint32_t group, uint32_t requester);

/* One more request belongs to a flow; one fewer. */
void flow_take(struct core *core, uint32_t flow);
void flow_drop(struct core *core, uint32_t flow);

void group_forget_resting(struct core *core);
void group_free_all(struct core *core);

/* The wishes of a request that a party declined: it is avoided; a direction with a fallback is over. */
void wishes_declined(struct wishes *wishes, uint64_t tag);

/* Without what was learnt while it was tried. */
void wishes_fresh(struct wishes *wishes);

#endif
