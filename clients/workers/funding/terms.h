/*
 * The term sheet and the payment schedule as documents. Knows how they look; computes nothing.
 */
#ifndef QIAO_WORKERS_FUNDING_TERMS_H
#define QIAO_WORKERS_FUNDING_TERMS_H

#include "common/document.h"
#include "funding/finance.h"
#include "funding/policy.h"

/* Title, applicant, instrument, verdict, score. */
json_t *terms_new(const char *service, const char *applicant, const struct policy *policy, const struct eligibility *eligibility);

/* The table of criteria, and who computed. */
void terms_close(json_t *document, const struct eligibility *eligibility, const char *computed_by);

void terms_money(json_t *document, const char *en, const char *zh, int64_t minor, const char *currency);

/* A document of its own with one row per payment. */
json_t *terms_schedule(const struct schedule *schedule, const char *currency);

#endif
