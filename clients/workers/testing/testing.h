/*
 * testing.*: specification and replicates to verdicts and a certificate of analysis.
 *
 * Out of specification is an outcome, never a failure: nothing here asks for another attempt (no testing into compliance).
 * A stage that is not measured yet is asked back (field more_replicates), or ends as outcome further-stage-required.
 */
#ifndef QIAO_WORKERS_TESTING_H
#define QIAO_WORKERS_TESTING_H

#include "common/job.h"

/* site: not used. */
void testing_compute(const struct job *job, void *site, struct answer *answer);

#endif
