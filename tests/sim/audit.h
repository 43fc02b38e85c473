/*
 * What must hold of the journal, whatever anybody did: an independent reading of the events, one by one as they are made.
 *
 * It folds events into its own small model (struct life), knows the rules of DESIGN and DOMAIN, and shares no code with the core.
 * Its model can be taken back event by event, as a crash does.
 */
#ifndef SIM_AUDIT_H
#define SIM_AUDIT_H

#include "journal.h"

void audit_init(struct audit *audit);
void audit_fini(struct audit *audit);

/* The next event was made (and stands in the journal as `seq`): check it against the rules and take it in. */
void audit_event(struct sim *sim, uint64_t seq);

/* After one core_decide: what must not be left lying. */
void audit_settled(struct sim *sim, uint64_t first_seq);

/* A crash took back everything after `last`. */
void audit_undo(struct sim *sim, uint64_t last);

/* Leases begin anew with a recovery. */
void audit_recovered(struct sim *sim);

/* L3: the core counts what the journal says. */
void audit_count(struct sim *sim);

struct life *life_find(const struct audit *audit, uint64_t id); /* of a request; NULL: the journal has none */
static inline uint32_t
life_index(const struct audit *audit, const struct life *life)
{
    return (uint32_t)(life - audit->lives);
}

static inline bool
life_waits(const struct life *life)
{
    return life->performer == NOBODY && (life->task_status == PROTO_STATUS_READY || life->task_status == PROTO_STATUS_REQUESTED) &&
           (life->flags & (LIFE_OVER | LIFE_EXHAUSTED)) == 0 && life->end_seq == 0;
}

/* May the broker have forgotten the key of this request? After its retention; and a producer that gave way to busier ones. */
static inline bool
key_is_over(const struct sim *sim, const struct life *life)
{
    return sim->submissions[life->submission].pseq != 0 ? sim->broker.settings.producers_per_party_max < CLIENTS_MAX
                                                        : life->key_until_us < sim->audit.utc_top_us;
}

/* A renewal that counts: the record in hand names a task and its fence. */
struct life *life_new(struct audit *audit, uint64_t id);

void audit_renewed(struct sim *sim, uint64_t task, uint64_t fence, uint8_t party);

/* audit_task.c: rules of one event about a request; `life` is as it was before. */
void audit_about(struct sim *sim, uint64_t seq, const struct proto_event *event, struct life *life);
/* audit_other.c: an event about no request. */
void audit_other(struct sim *sim, const struct proto_event *event, struct undo *undo);
/* audit_accept.c */
void audit_accepted(struct sim *sim, uint64_t seq, const struct proto_event *event, struct undo *undo);

#endif
