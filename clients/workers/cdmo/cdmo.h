/*
 * cdmo.*: a batch's stages booked on suites, milestones, yield, reconciliation, deviations, and the batch record's summary.
 *
 * A value outside its limits is a deviation in the outcome, held for a decision: never a failure, and never decided by a program.
 */
#ifndef QIAO_WORKERS_CDMO_H
#define QIAO_WORKERS_CDMO_H

#include "cdmo/ledger.h"
#include "common/job.h"

struct cdmo_site {
    struct plant *plant;
    struct ledger ledger;
};

/* site: struct cdmo_site *. A batch that is booked already under this reference keeps its bookings. */
void cdmo_compute(const struct job *job, void *site, struct answer *answer);

/* The batch under this reference is not made: its suites are free again. */
void cdmo_dropped(void *site, const char *reference);

#endif
