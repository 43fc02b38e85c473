/*
 * The simulated shell around the real core: the same rules as qiaod's, over the simulated store and network.
 *
 * Every event that the core makes goes through the audit at once; every effect leaves only when its sequence is durable.
 */
#ifndef SIM_BROKER_H
#define SIM_BROKER_H

#include "sim.h"

void broker_init(struct sim *sim); /* and the first operator */
void broker_fini(struct sim *sim);

void broker_decide(struct sim *sim, const struct core_input *input);
void broker_deliver(struct sim *sim, uint16_t conn); /* one message of a connection, or its end */
void broker_tick(struct sim *sim);
void broker_reload(struct sim *sim, uint32_t variant);

/* Chores; each does a little and says whether there was something to do. */
bool broker_commit(struct sim *sim); /* a commit ends, or begins */
bool broker_ask(struct sim *sim);
bool broker_feed(struct sim *sim);
void broker_project(struct sim *sim);
void broker_mark(struct sim *sim);

/* recover.c */
void broker_crash(struct sim *sim, uint64_t keep);
void broker_stop(struct sim *sim, uint64_t keep);
void broker_start(struct sim *sim, bool same);
void recovery_rehearse(struct sim *sim);

/* restore.c */
void backup_take(struct sim *sim);
bool backup_restore(struct sim *sim); /* false: there is none, or it is too old */

/* full.c */
void full_check(struct sim *sim);
void caps_check(struct sim *sim);

/* leave.c */
void leave_effect(struct sim *sim, const struct outlet *outlet, const struct core_effect *effect);
void leave_bytes(struct sim *sim, uint32_t handle, const uint8_t *p, size_t n);

#endif
