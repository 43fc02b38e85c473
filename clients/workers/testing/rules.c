/* The arithmetic of testing: see rules.h. */
#include "testing/rules.h"

#include <assert.h>
#include <stdlib.h>

void
values_init(struct values *values)
{
    values->v = NULL;
    values->n = 0;
}

void
values_fini(struct values *values)
{
    for (size_t i = 0; i < values->n; i++)
        mpq_clear(values->v[i]);
    free(values->v);
    values_init(values);
}

void
values_add(struct values *values, const mpq_t value)
{
    assert(values->n < REPLICATES_MAX);
    if ((values->n & (values->n - 1)) == 0) { /* grows at each power of two */
        mpq_t *grown = realloc(values->v, (values->n ? 2 * values->n : 1) * sizeof *grown);
        assert(grown);
        values->v = grown;
    }
    mpq_init(values->v[values->n]);
    mpq_set(values->v[values->n], value);
    values->n++;
}

static void
mean_of_first(const struct values *values, size_t n, mpq_t out)
{
    mpq_t sum, count;
    mpq_inits(sum, count, NULL);
    for (size_t i = 0; i < n; i++)
        mpq_add(sum, sum, values->v[i]);
    decimal_set_ratio(count, (long)n, 1);
    mpq_div(out, sum, count);
    mpq_clears(sum, count, NULL);
}

void
values_mean(const struct values *values, mpq_t out)
{
    assert(values->n > 0);
    mean_of_first(values, values->n, out);
}

/* Sum of squared differences over n - 1. */
static void
values_variance(const struct values *values, mpq_t out)
{
    mpq_t mean, difference, sum;
    mpq_inits(mean, difference, sum, NULL);
    values_mean(values, mean);
    for (size_t i = 0; i < values->n; i++) {
        mpq_sub(difference, values->v[i], mean);
        mpq_mul(difference, difference, difference);
        mpq_add(sum, sum, difference);
    }
    decimal_set_ratio(mean, values->n > 1 ? (long)values->n - 1 : 1, 1);
    mpq_div(out, sum, mean);
    mpq_clears(mean, difference, sum, NULL);
}

void
values_deviation(const struct values *values, int places, mpq_t out)
{
    mpq_t variance;
    mpq_init(variance);
    values_variance(values, variance);
    decimal_sqrt(out, variance, places);
    mpq_clear(variance);
}

bool
values_rsd(const struct values *values, int places, mpq_t out)
{
    mpq_t mean, ratio, hundred;
    mpq_inits(mean, ratio, hundred, NULL);
    values_mean(values, mean);
    bool defined = mpq_sgn(mean) != 0;
    if (defined) {
        /* The root of 100^2 variance / mean^2, so that nothing is rounded before the end. */
        values_variance(values, ratio);
        mpq_div(ratio, ratio, mean);
        mpq_div(ratio, ratio, mean);
        decimal_set_ratio(hundred, 10000, 1);
        mpq_mul(ratio, ratio, hundred);
        decimal_sqrt(out, ratio, places);
    }
    mpq_clears(mean, ratio, hundred, NULL);
    return defined;
}

/* How many of the first n units are below q + offset. */
static size_t
units_below(const struct values *units, size_t n, const mpq_t q, long offset)
{
    mpq_t bound;
    size_t below = 0;
    mpq_init(bound);
    decimal_set_ratio(bound, offset, 1);
    mpq_add(bound, bound, q);
    for (size_t i = 0; i < n; i++)
        below += mpq_cmp(units->v[i], bound) < 0;
    mpq_clear(bound);
    return below;
}

static bool
mean_reaches(const struct values *units, size_t n, const mpq_t q)
{
    mpq_t mean;
    mpq_init(mean);
    mean_of_first(units, n, mean);
    bool reaches = mpq_cmp(mean, q) >= 0;
    mpq_clear(mean);
    return reaches;
}

bool
dissolution_judge(const struct values *units, const mpq_t q, struct dissolution *out)
{
    size_t n = units->n;
    if (n != 6 && n != 12 && n != 24)
        return false;
    struct dissolution judged = {.verdict = STAGE_PASSES, .stage = 1};
    if (units_below(units, 6, q, 5) == 0) {
        judged.stage = 1;
    } else if (n < 12) {
        judged = (struct dissolution){.verdict = STAGE_NEXT_NEEDED, .stage = 2, .more = 6};
    } else if (mean_reaches(units, 12, q) && units_below(units, 12, q, -15) == 0) {
        judged.stage = 2;
    } else if (n < 24) {
        judged = (struct dissolution){.verdict = STAGE_NEXT_NEEDED, .stage = 3, .more = 12};
    } else {
        bool met = mean_reaches(units, 24, q) && units_below(units, 24, q, -15) <= 2 && units_below(units, 24, q, -25) == 0;
        judged = (struct dissolution){.verdict = met ? STAGE_PASSES : STAGE_FAILS, .stage = 3};
    }
    judged.low_units = units_below(units, n, q, -15);
    *out = judged;
    return true;
}

void
uniformity_value(const mpq_t mean, const mpq_t deviation, size_t n, const mpq_t target, mpq_t out_value, mpq_t out_m)
{
    assert(n == 10 || n == 30);
    mpq_t low, high, spread;
    mpq_inits(low, high, spread, NULL);
    decimal_set_ratio(low, 985, 10);
    decimal_set_ratio(high, 1015, 10);
    if (mpq_cmp(target, high) > 0)
        mpq_set(high, target);
    mpq_set(out_m, mpq_cmp(mean, low) < 0 ? low : mpq_cmp(mean, high) > 0 ? high : mean);
    decimal_set_ratio(spread, n == 10 ? 24 : 20, 10);
    mpq_mul(spread, spread, deviation);
    mpq_sub(low, out_m, mean);
    mpq_abs(low, low);
    mpq_add(out_value, low, spread);
    mpq_clears(low, high, spread, NULL);
}

static bool
units_outside(const struct values *units, const mpq_t m, const mpq_t l2)
{
    mpq_t low, high, share;
    bool outside = false;
    mpq_inits(low, high, share, NULL);
    decimal_set_ratio(share, 1, 100);
    mpq_mul(share, share, l2);
    mpq_mul(share, share, m);
    mpq_sub(low, m, share);
    mpq_add(high, m, share);
    for (size_t i = 0; i < units->n; i++)
        outside = outside || mpq_cmp(units->v[i], low) < 0 || mpq_cmp(units->v[i], high) > 0;
    mpq_clears(low, high, share, NULL);
    return outside;
}

bool
uniformity_judge(const struct values *units, const mpq_t l1, int l1_places, const mpq_t l2, const mpq_t target, mpq_t out_value,
                 struct uniformity *out)
{
    if (units->n != 10 && units->n != 30)
        return false;
    mpq_t mean, deviation, m;
    mpq_inits(mean, deviation, m, NULL);
    values_mean(units, mean);
    values_deviation(units, DECIMAL_PLACES_MAX, deviation);
    uniformity_value(mean, deviation, units->n, target, out_value, m);
    decimal_round(out_value, out_value, l1_places, ROUNDING_USP);

    struct uniformity judged = {.verdict = STAGE_PASSES};
    bool within = mpq_cmp(out_value, l1) <= 0;
    if (units->n == 10 && !within) {
        judged.verdict = STAGE_NEXT_NEEDED;
        judged.more = 20;
    } else if (units->n == 30) {
        judged.unit_outside = units_outside(units, m, l2);
        if (!within || judged.unit_outside)
            judged.verdict = STAGE_FAILS;
    }
    mpq_clears(mean, deviation, m, NULL);
    *out = judged;
    return true;
}
