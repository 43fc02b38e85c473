/*
 * funding.*: eligibility by policy, and terms: a schedule for a lease, a premium for insurance, a pre-screen for equity and fund.
 *
 * not-eligible is an outcome, not a failure. What the policy or the instrument needs and the input does not have is asked back, all at once.
 */
#ifndef QIAO_WORKERS_FUNDING_H
#define QIAO_WORKERS_FUNDING_H

#include "common/job.h"
#include "funding/policy.h"

/* site: struct policies *. */
void funding_compute(const struct job *job, void *site, struct answer *answer);

#endif
