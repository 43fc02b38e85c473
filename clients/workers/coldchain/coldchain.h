/*
 * cold-chain.transport: logger readings to excursions, gaps, mean kinetic temperature and a disposition.
 */
#ifndef QIAO_WORKERS_COLDCHAIN_H
#define QIAO_WORKERS_COLDCHAIN_H

#include "common/job.h"

/* site: not used. */
void coldchain_compute(const struct job *job, void *site, struct answer *answer);

#endif
