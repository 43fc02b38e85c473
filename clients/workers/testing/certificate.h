/*
 * The certificate of analysis as a document (common/document.h): numbers, dates, each test with method, limit, result and verdict.
 * Knows how it looks; judges nothing.
 */
#ifndef QIAO_WORKERS_TESTING_CERTIFICATE_H
#define QIAO_WORKERS_TESTING_CERTIFICATE_H

#include "common/document.h"
#include "testing/specification.h"

struct certificate {
    const char *service;
    const char *number;
    int version;
    const char *product, *batch, *sample, *manufacturer, *condition;
    char sampled_on[32], received_on[32], tested_on[32], expires_on[32]; /* "" where not given */
    char issued_at[32];
    const char *computed_by, *verified_by; /* verified_by NULL: to be verified */
    const struct specification *specification;
    const char *outcome;
};

/* Everything above the tests. */
json_t *certificate_new(const struct certificate *certificate);

/* A heading (months >= 0: of a time point) and an empty table of tests. */
json_t *certificate_tests(json_t *document, int months);
void certificate_test_add(json_t *rows, const struct judged *judged);

/* The verdict and the signatures. */
void certificate_close(json_t *document, const struct certificate *certificate);

#endif
