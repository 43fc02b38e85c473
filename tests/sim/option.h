/*
 * What a seed draws before it begins: how big the world is, what goes wrong and how often, how small the caps are.
 *
 * Every seed draws its own ("swarm"): a world without crashes finds other bugs than one that crashes all the time.
 */
#ifndef SIM_OPTION_H
#define SIM_OPTION_H

#include "rng.h"

struct options {
    /* the world */
    uint32_t requesters, performers, both, operators; /* parties, besides the first operator and an observer */
    uint32_t members;                      /* of each, at most */
    uint32_t services;
    uint32_t keys; /* distinct texts of callers' keys, shared by all parties */
    /* time */
    int64_t step_us;
    uint32_t leap_ppm;  /* to the next deadline */
    uint32_t jump_ppm;  /* of the wall clock */
    int64_t jump_us;
    /* network */
    uint32_t loss_ppm, twice_ppm, reorder_ppm, cut_ppm, drop_ppm;
    uint32_t zombie_percent; /* a cut-off client's old messages still arrive */
    /* broker */
    uint32_t crash_ppm;
    uint32_t lost_percent, kept_percent; /* of crashes: all that is not durable is lost, is kept; else a part of it */
    uint32_t sync_ppm; /* of commits: they fail */
    uint32_t backup_ppm, restore_ppm;
    uint32_t commit_percent, project_percent;
    uint32_t mark_ppm;
    uint32_t moves_max;
    uint32_t small_caps;
    /* people */
    uint32_t wrong_percent; /* acts outside of one's rights or knowledge */
    uint32_t operator_percent;
    uint32_t reload_ppm, revoke_ppm, invite_ppm, pressure_ppm;
    uint32_t producer_percent; /* submissions with a producer's number instead of a key */
    uint32_t repeat_percent;   /* submissions that were submitted before */
    uint32_t cancel_percent;
    uint32_t watch_percent;
    uint32_t finish_percent; /* of performers' acts: go on towards a result */
    uint32_t later_percent;  /* submissions with not-before, complete-by */
    uint32_t choosy_percent; /* submissions with directions, exclusions, constraints */
};

void options_draw(struct options *options, struct rng *rng);
void options_print(const struct options *options); /* as name=value, in lines that begin with # */

/* Override what was drawn: "loss=0,services=1". False: no such name, or no number. */
bool options_set(struct options *options, const char *words);

#endif
