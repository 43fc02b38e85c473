/*
 * The temperature report of a shipment as a document, and as output fields. Knows how an assessment looks; judges nothing.
 */
#ifndef QIAO_WORKERS_COLDCHAIN_REPORT_H
#define QIAO_WORKERS_COLDCHAIN_REPORT_H

#include "coldchain/assess.h"
#include "common/job.h"

struct shipment {
    const char *shipment, *product, *origin, *destination, *carrier, *computed_by;
    double sensor_error;
};

/* The output map. */
json_t *report_output(const struct shipment *shipment, const struct assessment *assessment);

/* The document with limits, figures, reasons and excursions. */
json_t *report_document(const struct shipment *shipment, const struct limits *limits, const struct assessment *assessment);

/* Rows for excursions from first on, at most n. */
json_t *report_excursions(const struct assessment *assessment, size_t n);

#endif
