/*
 * Taking tasks back from parties that are drained, revoked, or lost a grant; ending connections.
 */
#ifndef CORE_RECALL_H
#define CORE_RECALL_H

#include "core/event.h"

/* From now on look through what the party has; in portions, at the end of this call and of the following ones. */
void recall_start(struct core *core, uint32_t party);
void recall_run(struct turn *turn);

/* End the connections of a member's key (or, member 0, of a party) now. */
void connections_close(struct turn *turn, uint32_t member, uint32_t party);

/* The grants of a party changed: its offers cover other services. */
void party_offers_cover(struct core *core, uint32_t party);

/* Roles as an encoded list of their names. */
void roles_encode(uint32_t roles, struct proto_buf *buf);

/* Journal a party's pause or drain. */
void party_state_change(struct turn *turn, uint32_t party, bool paused, bool draining, struct proto_str message);

/* The answer to party list. */
void party_list(struct turn *turn);

#endif
