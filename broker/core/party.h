/*
 * Parties, members, services, providers and short texts: finding and making them. Knows no request.
 *
 * Numbers are from 1; 0: there is none.
 */
#ifndef CORE_PARTY_H
#define CORE_PARTY_H

#include "core/state.h"

uint32_t party_find(const struct core *core, struct proto_str name);
/* Names have tags: 64 bits, the same in every run, never 0. */
uint64_t party_tag(struct proto_str name);
uint32_t party_make(struct core *core, struct proto_str name); /* there must be none of that name */
void party_free_all(struct core *core);

/* May it perform this service? By exact name or prefix.*, of its grants. */
bool party_may_perform(const struct core *core, const struct party *party, struct proto_str service);
static inline bool
party_has_role(const struct party *party, enum proto_role role)
{
    return (party->roles >> role & 1) != 0;
}

uint32_t member_find_key(const struct core *core, const uint8_t key[32]);
/* An active key's row of that member if there is one, else any row of it. */
uint32_t member_find_name(const struct core *core, uint32_t party, struct proto_str name);
uint32_t member_make(struct core *core, uint32_t party, struct proto_str name, const uint8_t key[32]);

uint32_t service_find(const struct core *core, struct proto_str name);
uint32_t service_make(struct core *core, struct proto_str name); /* finds it, or makes it */
void service_free_all(struct core *core);

uint32_t provider_find(const struct core *core, uint32_t party, uint32_t service);
uint32_t provider_make(struct core *core, uint32_t party, uint32_t service);

/* Interned text with a count of its users. Empty text is 0. */
uint32_t text_take(struct core *core, struct proto_str text);
void text_drop(struct core *core, uint32_t text);
struct proto_str text_str(const struct core *core, uint32_t text);

#endif
