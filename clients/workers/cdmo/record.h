/*
 * The summary of a batch record as a document. Knows how it looks; computes nothing.
 */
#ifndef QIAO_WORKERS_CDMO_RECORD_H
#define QIAO_WORKERS_CDMO_RECORD_H

#include "cdmo/plan.h"
#include "cdmo/yield.h"
#include "common/document.h"

struct record {
    const char *product, *batch, *computed_by, *verified_by, *outcome; /* verified_by "": to be verified */
};

json_t *record_document(const struct record *record, const struct batch_yield *yield, const struct batch *batch);

/* [{stage, suite, start, end}] */
json_t *record_schedule(const struct batch *batch);

#endif
