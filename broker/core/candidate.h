/*
 * Candidates of a group, kept as a bit per offer until the service's offers change; and the service's policy among them.
 */
#ifndef CORE_CANDIDATE_H
#define CORE_CANDIDATE_H

#include "core/state.h"

/* Bring a group's candidates up to date. */
void candidates_find(struct core *core, struct group *group);

/* Paused, draining or revoked: its party gets nothing new. */
bool offer_stands_still(const struct core *core, const struct offer *offer);

/* A party that declined takes such a task only when no other candidate is connected. */
bool avoid_blocks(const struct core *core, const struct group *group, uint32_t party);

/*
 * The best candidate with room; 0: none now. Parties that declined before are taken only when no other candidate is connected,
 * whether it has room or not.
 */
uint32_t offer_pick(struct core *core, struct group *group);

/* Why an offer may not take tasks of a group, the first reason; NULL: it may. Pauses and room are looked at, too. */
const char *match_obstacle(const struct core *core, uint32_t group, uint32_t offer, char *why, size_t why_n);

/* Could it, if it were not busy and nobody had paused it? */
bool match_capable(const struct core *core, uint32_t group, uint32_t offer);

#endif
