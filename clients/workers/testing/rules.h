/*
 * The arithmetic of testing: mean and deviation, dissolution, uniformity of dosage units. Exact decimals in, verdicts out.
 *
 * Knows no specification document, no JSON and no certificate. The sources of the rules stand at each function.
 */
#ifndef QIAO_WORKERS_TESTING_RULES_H
#define QIAO_WORKERS_TESTING_RULES_H

#include "common/decimal.h"

#include <stddef.h>

enum { REPLICATES_MAX = 1000 };

/* A list of exact values with its own memory. */
struct values {
    mpq_t *v;
    size_t n;
};

/* An empty list; values_fini frees it. */
void values_init(struct values *values);
void values_fini(struct values *values);
/* Appends a copy; asserts n < REPLICATES_MAX. */
void values_add(struct values *values, const mpq_t value);

/* Arithmetic mean; n >= 1. */
void values_mean(const struct values *values, mpq_t out);
/* Sample standard deviation (n - 1), half up at places; 0 for n = 1. */
void values_deviation(const struct values *values, int places, mpq_t out);
/* Relative standard deviation in percent of the mean, half up at places. False, nothing changed, when the mean is 0. */
bool values_rsd(const struct values *values, int places, mpq_t out);

enum stage_verdict {
    STAGE_PASSES = 1,
    STAGE_FAILS,       /* the last stage is measured and not met */
    STAGE_NEXT_NEEDED, /* not met so far; the next stage is to be measured: no failure */
};

struct dissolution {
    enum stage_verdict verdict;
    int stage;       /* that passed, failed, or (NEXT_NEEDED) is to be measured next */
    size_t more;     /* NEXT_NEEDED: how many further units */
    size_t low_units; /* below Q - 15 */
};

/*
 * USP <711>, acceptance table 1, immediate release. units: 6, 12 or 24 values in %, in the order of testing; other counts are false.
 * S1: each of 6 >= Q + 5. S2: mean of 12 >= Q, none < Q - 15. S3: mean of 24 >= Q, at most two < Q - 15, none < Q - 25.
 */
bool dissolution_judge(const struct values *units, const mpq_t q, struct dissolution *out);

struct uniformity {
    enum stage_verdict verdict;
    size_t more;
    bool unit_outside; /* at n = 30: a unit outside (1 +- L2/100) M */
};

/*
 * USP <905>: acceptance value |M - mean| + k s from a mean and a deviation in % of the label claim; k = 2.4 for n = 10, 2.0 for n = 30.
 * M is the mean within 98.5 to 101.5 (to the target, when that is above 101.5), else the nearer bound.
 */
void uniformity_value(const mpq_t mean, const mpq_t deviation, size_t n, const mpq_t target, mpq_t out_value, mpq_t out_m);

/*
 * The two stages of USP <905>. units: 10 or 30 values; other counts are false. The acceptance value is rounded (half up) to the places of l1
 * before it is compared, and given in out_value.
 */
bool uniformity_judge(const struct values *units, const mpq_t l1, int l1_places, const mpq_t l2, const mpq_t target, mpq_t out_value,
                      struct uniformity *out);

#endif
