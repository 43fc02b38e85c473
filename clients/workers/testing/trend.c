/* The trend of a stability study: see trend.h. */
#include "testing/trend.h"

#include <assert.h>
#include <math.h>

void
trend_add(struct trend *trend, size_t test, bool assay, double months, double value)
{
    assert(test < TREND_TESTS_MAX && trend->n[test] < TREND_POINTS_MAX);
    trend->assay[test] = assay;
    trend->months[test][trend->n[test]] = months;
    trend->values[test][trend->n[test]] = value;
    trend->n[test]++;
    trend->points++;
}

bool
trend_of(const struct trend *trend, size_t test, double *out_slope, double *out_change_percent)
{
    size_t n = trend->n[test];
    const double *x = trend->months[test], *y = trend->values[test];
    double mean_x = 0, mean_y = 0, xy = 0, xx = 0;
    if (n < 2)
        return false;
    for (size_t i = 0; i < n; i++) {
        mean_x += x[i] / (double)n;
        mean_y += y[i] / (double)n;
    }
    for (size_t i = 0; i < n; i++) {
        xy += (x[i] - mean_x) * (y[i] - mean_y);
        xx += (x[i] - mean_x) * (x[i] - mean_x);
    }
    *out_slope = xy / xx;
    *out_change_percent = y[0] != 0 ? 100 * (y[n - 1] - y[0]) / y[0] : 0;
    return true;
}

bool
trend_significant(const struct trend *trend, size_t tests)
{
    for (size_t i = 0; i < tests; i++) {
        double slope, change;
        /* The tolerance keeps 100.0 -> 95.0 a change of 5 %. */
        if (trend->assay[i] && trend_of(trend, i, &slope, &change) && fabs(change) >= 5.0 - 1e-9)
            return true;
    }
    return false;
}
