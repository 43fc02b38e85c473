/* Temperature curves: mean kinetic temperature, excursions, gaps, dispositions. */
#include "support.h"

#include "coldchain/assess.h"
#include "common/civil.h"

#include <math.h>
#include <stdlib.h>

#define START_US SUPPORT_NOW_US

static void
near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%.6f is not %.6f", value, expected);
}

/* ---- mean kinetic temperature */

static void
mkt_is_weighted_by_time(void **state)
{
    near(mkt_of((double[]){20, 25, 30}, (double[]){1, 1, 1}, 3, 10000), 25.858, 0.0005);
    near(mkt_of((double[]){5, 12, 6}, (double[]){600, 60, 720}, 3, 10000), 5.972, 0.0005);
    near(mkt_of((double[]){5, 12, 6}, (double[]){1, 1, 1}, 3, 10000), 8.268, 0.0005);
    near(mkt_of((double[]){22, 38}, (double[]){29, 1}, 2, 10000), 23.276, 0.0005);
    near(mkt_of((double[]){22, 38}, (double[]){2, 1}, 2, 10000), 30.458, 0.0005);
    near(mkt_of((double[]){25, 25, 25}, (double[]){1, 7, 2}, 3, 10000), 25, 1e-9);
    near(mkt_of((double[]){-196, -196}, (double[]){1, 1}, 2, 50000), -196, 1e-9);
}

/* Readings of so many minutes each, appended to one series. */
static void
stretch(struct readings *readings, double celsius, int count, int64_t *at_us, int64_t step_us)
{
    struct fault fault = {0};
    for (int i = 0; i < count; i++, *at_us += step_us)
        assert_true(readings_add(readings, "", *at_us, celsius, "test", &fault));
}

static void
mkt_of_a_curve_takes_its_declared_window(void **state)
{
    double celsius;
    struct readings *readings = calloc(1, sizeof *readings);
    int64_t at_us = START_US;
    stretch(readings, 22, 29, &at_us, CIVIL_DAY_US);
    stretch(readings, 38, 1, &at_us, CIVIL_DAY_US);
    assert_true(series_mkt(&readings->series[0], CIVIL_DAY_US, INT64_MIN, at_us, 10000, &celsius));
    near(celsius, 23.276, 0.0005);
    assert_true(series_mkt(&readings->series[0], CIVIL_DAY_US, at_us - 3 * CIVIL_DAY_US, at_us, 10000, &celsius));
    near(celsius, 30.458, 0.0005);
    assert_false(series_mkt(&readings->series[0], CIVIL_DAY_US, at_us + CIVIL_DAY_US, INT64_MAX, 10000, &celsius));
    readings_fini(readings);
    free(readings);
}

/* ---- assessments of curves */

static const struct limits fridge = {.low = 2, .high = 8, .interval_minutes = 5, .interval_outside_minutes = 2, .activation_kelvin = 10000,
    .spike_limit = 23, .freezes = true, .freezes_at = 0};

struct part {
    double celsius;
    int count; /* readings one minute apart */
};

static void
curve(const struct part *parts, const struct limits *limits, enum disposition disposition, unsigned reasons, struct assessment *out)
{
    static struct readings readings;
    int64_t at_us = START_US;
    readings_fini(&readings);
    for (; parts->count; parts++)
        stretch(&readings, parts->celsius, parts->count, &at_us, CIVIL_MINUTE_US);
    assess(&readings, limits, out);
    assert_int_equal(out->disposition, disposition);
    assert_int_equal(out->reasons, reasons);
}

#define CURVE(...) ((const struct part[]){__VA_ARGS__, {0, 0}})

static void
a_curve_within_its_limits_is_conformant(void **state)
{
    struct assessment out;
    curve(CURVE({5, 600}, {8, 10}, {2, 10}), &fridge, DISPOSITION_CONFORMANT, 0, &out);
    assert_int_equal(out.readings, 620);
    near(out.minutes, 620, 1e-9);
    near(out.minimum, 2, 0);
    near(out.maximum, 8, 0);
    near(out.minutes_outside, 0, 0);
    assessment_fini(&out);
}

/* 5 degrees for 600 min, 12 for 60, 6 for 720: MKT 5.972, and one excursion of an hour, 4 degrees above. */
static void
an_excursion_has_start_end_peak_and_degree_minutes(void **state)
{
    struct assessment out;
    curve(CURVE({5, 600}, {12, 60}, {6, 720}), &fridge, DISPOSITION_NON_CONFORMANT, REASON_WARM, &out);
    near(out.mkt, 5.972, 0.0005);
    near(out.mean, (5.0 * 600 + 12 * 60 + 6 * 720) / 1380, 1e-9);
    assert_int_equal(out.excursions_n, 1);
    assert_int_equal(out.excursions[0].kind, EXCURSION_HIGH);
    assert_int_equal(out.excursions[0].start_us, START_US + 600 * CIVIL_MINUTE_US);
    assert_int_equal(out.excursions[0].end_us, START_US + 660 * CIVIL_MINUTE_US);
    near(out.excursions[0].peak, 12, 0);
    near(out.excursions[0].minutes, 60, 1e-9);
    near(out.excursions[0].degree_minutes, 240, 1e-6);
    near(out.minutes_outside, 60, 1e-9);
    assessment_fini(&out);
}

static void
outside_for_no_longer_than_allowed_is_no_excursion(void **state)
{
    struct assessment out;
    struct limits limits = fridge;
    limits.allowed_minutes = 30;
    curve(CURVE({5, 60}, {9, 30}, {5, 60}), &limits, DISPOSITION_CONFORMANT, 0, &out);
    near(out.minutes_outside, 30, 1e-9);
    assert_int_equal(out.excursions_n, 0);
    assessment_fini(&out);
    curve(CURVE({5, 60}, {9, 31}, {5, 60}), &limits, DISPOSITION_NON_CONFORMANT, REASON_WARM, &out);
    assessment_fini(&out);
}

static void
an_excursion_that_never_ends_is_one_too(void **state)
{
    struct assessment out;
    curve(CURVE({5, 60}, {9, 10}), &fridge, DISPOSITION_NON_CONFORMANT, REASON_WARM, &out);
    near(out.excursions[0].minutes, 10, 1e-9);
    assessment_fini(&out);
    curve(CURVE({9, 1}), &fridge, DISPOSITION_NON_CONFORMANT, REASON_WARM, &out);
    assessment_fini(&out);
}

static void
mkt_may_excuse_warmth_up_to_the_spike_limit(void **state)
{
    struct assessment out;
    struct limits limits = fridge;
    limits.has_mkt_limit = true;
    limits.mkt_limit = 8;
    curve(CURVE({5, 600}, {12, 60}, {6, 720}), &limits, DISPOSITION_HELD, REASON_WARM_EXCUSED, &out);
    assessment_fini(&out);
    limits.spike_limit = 11;
    curve(CURVE({5, 600}, {12, 60}, {6, 720}), &limits, DISPOSITION_NON_CONFORMANT, REASON_WARM, &out);
    assessment_fini(&out);
    limits.spike_limit = 23;
    limits.mkt_limit = 5.9;
    curve(CURVE({5, 600}, {12, 60}, {6, 720}), &limits, DISPOSITION_NON_CONFORMANT, REASON_WARM | REASON_MKT_HIGH, &out);
    assessment_fini(&out);
}

static void
mkt_never_excuses_freezing_nor_frozen_goods_nor_gaps(void **state)
{
    struct assessment out;
    struct limits limits = fridge;
    limits.has_mkt_limit = true;
    limits.mkt_limit = 8;
    limits.allowed_minutes = 60;
    curve(CURVE({5, 600}, {-0.1, 1}, {5, 600}), &limits, DISPOSITION_NON_CONFORMANT, REASON_FROZE, &out); /* not even for a minute */
    assessment_fini(&out);
    curve(CURVE({5, 600}, {1, 90}, {5, 600}), &limits, DISPOSITION_HELD, REASON_COLD, &out);
    assessment_fini(&out);

    struct limits frozen = {.low = -25, .high = -15, .interval_minutes = 5, .interval_outside_minutes = 2, .activation_kelvin = 10000, .has_mkt_limit = true,
                            .mkt_limit = -10, .spike_limit = 0, .frozen_goods = true};
    curve(CURVE({-20, 600}, {-14, 60}, {-20, 600}), &frozen, DISPOSITION_NON_CONFORMANT, REASON_WARM, &out);
    assessment_fini(&out);
}

static void
a_gap_is_an_excursion_and_held_for_a_decision(void **state)
{
    struct assessment out;
    struct readings *readings = calloc(1, sizeof *readings);
    int64_t at_us = START_US;
    stretch(readings, 5, 10, &at_us, 5 * CIVIL_MINUTE_US);
    at_us += CIVIL_MINUTE_US;
    stretch(readings, 5, 10, &at_us, 5 * CIVIL_MINUTE_US);
    assess(readings, &fridge, &out);
    assert_int_equal(out.disposition, DISPOSITION_HELD);
    assert_int_equal(out.reasons, REASON_GAP);
    assert_int_equal(out.gaps, 1);
    assert_int_equal(out.excursions[0].kind, EXCURSION_GAP);
    near(out.excursions[0].minutes, 6, 1e-9);
    near(out.minutes, 100, 1e-9); /* the minute that nobody saw counts for nothing */
    assessment_fini(&out);
    readings_fini(readings);
    free(readings);
}

static void
out_of_range_readings_must_come_more_often(void **state)
{
    struct assessment out;
    struct limits limits = fridge;
    struct readings *readings = calloc(1, sizeof *readings);
    int64_t at_us = START_US;
    limits.allowed_minutes = 30;
    stretch(readings, 5, 3, &at_us, 5 * CIVIL_MINUTE_US);
    stretch(readings, 9, 1, &at_us, 5 * CIVIL_MINUTE_US);
    stretch(readings, 5, 3, &at_us, 5 * CIVIL_MINUTE_US);
    assess(readings, &limits, &out);
    assert_int_equal(out.reasons, REASON_GAP);
    assert_int_equal(out.gaps, 1);
    assessment_fini(&out);
    readings_fini(readings);
    free(readings);
}

static void
only_minimum_and_maximum_leave_mkt_indeterminate(void **state)
{
    struct assessment out;
    struct fault fault = {0};
    struct readings *readings = calloc(1, sizeof *readings);
    struct extremes extremes = {START_US, START_US + CIVIL_HOUR_US, 3, 7};
    assert_true(readings_add_extremes(readings, "", &extremes, "test", &fault));
    assess(readings, &fridge, &out);
    assert_int_equal(out.disposition, DISPOSITION_HELD);
    assert_int_equal(out.reasons, REASON_EXTREMES_ONLY);
    assert_false(out.has_mkt);
    assessment_fini(&out);
    extremes.high = 9;
    assert_true(readings_add_extremes(readings, "", &extremes, "test", &fault));
    assess(readings, &fridge, &out);
    assert_int_equal(out.disposition, DISPOSITION_NON_CONFORMANT);
    assessment_fini(&out);
    readings_fini(readings);
    free(readings);
}

/* B1, B5: a curve that goes in and out at every reading fills the list and no more. */
static void
excursions_are_bounded(void **state)
{
    struct assessment out;
    struct readings *readings = calloc(1, sizeof *readings);
    int64_t at_us = START_US;
    for (int i = 0; i < 3000; i++)
        stretch(readings, i % 2 ? 5 : 9, 1, &at_us, CIVIL_MINUTE_US);
    assess(readings, &fridge, &out);
    assert_int_equal(out.excursions_n, EXCURSIONS_MAX);
    assert_true(out.reasons & REASON_TOO_MANY);
    near(out.minutes_outside, 1500, 1e-6);
    assessment_fini(&out);
    readings_fini(readings);
    free(readings);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mkt_is_weighted_by_time),
        cmocka_unit_test(mkt_of_a_curve_takes_its_declared_window),
        cmocka_unit_test(a_curve_within_its_limits_is_conformant),
        cmocka_unit_test(an_excursion_has_start_end_peak_and_degree_minutes),
        cmocka_unit_test(outside_for_no_longer_than_allowed_is_no_excursion),
        cmocka_unit_test(an_excursion_that_never_ends_is_one_too),
        cmocka_unit_test(mkt_may_excuse_warmth_up_to_the_spike_limit),
        cmocka_unit_test(mkt_never_excuses_freezing_nor_frozen_goods_nor_gaps),
        cmocka_unit_test(a_gap_is_an_excursion_and_held_for_a_decision),
        cmocka_unit_test(out_of_range_readings_must_come_more_often),
        cmocka_unit_test(only_minimum_and_maximum_leave_mkt_indeterminate),
        cmocka_unit_test(excursions_are_bounded),
    };
    return cmocka_run_group_tests_name("workers assess", tests, NULL, NULL);
}
