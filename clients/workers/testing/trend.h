/*
 * The trend of a stability study: least-squares slope per month and change from the start, per test.
 *
 * ICH Q1A(R2), 2.2.7.1: a change of 5 % in assay from its initial value is significant. Binary floats: a trend is information, it decides no limit.
 */
#ifndef QIAO_WORKERS_TESTING_TREND_H
#define QIAO_WORKERS_TESTING_TREND_H

#include <stdbool.h>
#include <stddef.h>

enum { TREND_POINTS_MAX = 40, TREND_TESTS_MAX = 64 };

struct trend {
    size_t points; /* in all tests together */
    bool assay[TREND_TESTS_MAX]; /* only an assay can change significantly */
    size_t n[TREND_TESTS_MAX];
    double months[TREND_TESTS_MAX][TREND_POINTS_MAX];
    double values[TREND_TESTS_MAX][TREND_POINTS_MAX];
};

void trend_add(struct trend *trend, size_t test, bool assay, double months, double value);

/* False when the test has fewer than two points. change is in percent of the first value; 0 when that is 0. */
bool trend_of(const struct trend *trend, size_t test, double *out_slope, double *out_change_percent);

/* Any assay among the first n tests changed by 5 % or more. */
bool trend_significant(const struct trend *trend, size_t tests);

#endif
