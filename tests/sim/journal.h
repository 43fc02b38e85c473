/*
 * The simulated store: all events in memory, a durable line, a mark with its snapshot, and crashes that keep what they like of
 * the rest. Knows no core.
 */
#ifndef SIM_JOURNAL_H
#define SIM_JOURNAL_H

#include "sim.h"

void journal_init(struct journal *journal);
void journal_fini(struct journal *journal);

/* The bytes are copied; the caller fills the fact but for at and n. */
struct fact *journal_append(struct journal *journal, const uint8_t *p, uint32_t n);
struct proto_bin journal_event(const struct journal *journal, uint64_t seq); /* 0: empty */

/* A crash: how much is kept, and forget the rest. Only whole groups of events, as batches are atomic. */
uint64_t journal_cut(const struct journal *journal, struct rng *rng, uint32_t lost_percent, uint32_t kept_percent);
void journal_truncate(struct journal *journal, uint64_t last);

#endif
