/* Excursions, gaps and the disposition: see assess.h. */
#include "coldchain/assess.h"

#include "common/civil.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *
disposition_word(enum disposition disposition)
{
    return disposition == DISPOSITION_CONFORMANT ? "conformant" : disposition == DISPOSITION_HELD ? "held" : "non_conformant";
}

const char *
reason_text(unsigned bit, bool zh)
{
    static const char *const texts[REASONS_N][2] = {
        {"warm excursion", "高温超标"},
        {"warm excursion within the mean kinetic temperature limit: a person decides", "高温超标但平均动力学温度在限度内：需人工判定"},
        {"cold excursion", "低温超标"},
        {"below the freezing limit", "低于冻结限度"},
        {"gap in the readings", "温度记录中断"},
        {"only minimum and maximum are known: mean kinetic temperature indeterminate", "仅有最低和最高温度：平均动力学温度无法确定"},
        {"a sensor reported an alarm", "传感器报警"},
        {"a sensor reported an error", "传感器故障"},
        {"mean kinetic temperature above its limit", "平均动力学温度超限"},
        {"more excursions than are listed", "超标次数多于所列"},
        {"no temperature was read", "没有温度读数"},
    };
    for (int i = 0; i < REASONS_N; i++)
        if (bit == 1u << i)
            return texts[i][zh];
    return "";
}

static int64_t
minutes_us(double minutes)
{
    return (int64_t)llround(minutes * (double)CIVIL_MINUTE_US);
}

static double
us_minutes(int64_t us)
{
    return (double)us / (double)CIVIL_MINUTE_US;
}

static void
excursion_note(struct assessment *out, const struct excursion *excursion)
{
    if (!out->excursions)
        out->excursions = calloc(EXCURSIONS_MAX, sizeof *out->excursions);
    if (out->excursions && out->excursions_n < EXCURSIONS_MAX)
        out->excursions[out->excursions_n++] = *excursion;
    else
        out->reasons |= REASON_TOO_MANY;
}

/* -1 below, 1 above, 0 within. */
static int
side_of(const struct limits *limits, double celsius)
{
    return celsius < limits->low ? -1 : celsius > limits->high ? 1 : 0;
}

/* A run out of range is over: count it, and note it when it was too long. */
static void
run_close(const struct limits *limits, struct assessment *out, struct excursion *run, int64_t end_us)
{
    run->end_us = end_us;
    run->minutes = us_minutes(end_us - run->start_us);
    out->minutes_outside += run->minutes;
    out->degree_minutes += run->degree_minutes;
    bool froze = run->kind == EXCURSION_LOW && limits->freezes && run->peak < limits->freezes_at;
    /* Freezing needs no time. Nor does a single reading at the very end that no later one takes back. */
    if (froze)
        out->reasons |= REASON_FROZE;
    if (!froze && run->minutes <= limits->allowed_minutes && run->minutes > 0)
        return;
    excursion_note(out, run);
    if (run->kind == EXCURSION_LOW)
        out->reasons |= froze ? 0 : REASON_COLD;
    else
        out->reasons |= REASON_WARM;
}

static void
run_extend(const struct limits *limits, struct excursion *run, double celsius, int64_t stood_us)
{
    double beyond = run->kind == EXCURSION_LOW ? limits->low - celsius : celsius - limits->high;
    run->degree_minutes += beyond * us_minutes(stood_us);
    if (run->kind == EXCURSION_LOW ? celsius < run->peak : celsius > run->peak)
        run->peak = celsius;
}

/* A reading stands until the next one; the last one as long as the one before it, at most an interval. */
static int64_t
stood_us(const struct series *series, size_t i, int64_t interval_us)
{
    if (i + 1 < series->n)
        return series->v[i + 1].at_us - series->v[i].at_us;
    int64_t before = i > 0 ? series->v[i].at_us - series->v[i - 1].at_us : interval_us;
    return before < interval_us ? before : interval_us;
}

static void
series_gap(const struct limits *limits, const struct series *series, size_t i, struct assessment *out)
{
    int64_t allowed_us = minutes_us(side_of(limits, series->v[i].celsius) ? limits->interval_outside_minutes : limits->interval_minutes);
    if (i + 1 == series->n || series->v[i + 1].at_us - series->v[i].at_us <= allowed_us)
        return;
    struct excursion gap = {.kind = EXCURSION_GAP, .device = series->device, .start_us = series->v[i].at_us, .end_us = series->v[i + 1].at_us};
    gap.minutes = us_minutes(gap.end_us - gap.start_us);
    out->gaps++;
    out->reasons |= REASON_GAP;
    excursion_note(out, &gap);
}

static void
series_assess(const struct limits *limits, const struct series *series, struct assessment *out, double *weighted_sum)
{
    int64_t interval_us = minutes_us(limits->interval_minutes);
    struct excursion run = {0};
    for (size_t i = 0; i < series->n; i++) {
        const struct reading *reading = &series->v[i];
        int64_t stood = stood_us(series, i, interval_us);
        int64_t known_us = stood < interval_us ? stood : interval_us;
        int side = side_of(limits, reading->celsius);
        enum excursion_kind kind = side < 0 ? EXCURSION_LOW : EXCURSION_HIGH;
        if (run.kind && (side == 0 || kind != run.kind)) {
            run_close(limits, out, &run, reading->at_us);
            run.kind = 0;
        }
        if (side != 0 && !run.kind)
            run = (struct excursion){.kind = kind, .device = series->device, .start_us = reading->at_us, .peak = reading->celsius};
        if (side != 0)
            run_extend(limits, &run, reading->celsius, stood);
        series_gap(limits, series, i, out);
        out->minutes += us_minutes(known_us);
        *weighted_sum += reading->celsius * us_minutes(known_us);
        out->minimum = fmin(out->minimum, reading->celsius);
        out->maximum = fmax(out->maximum, reading->celsius);
    }
    if (run.kind)
        run_close(limits, out, &run, series->v[series->n - 1].at_us + stood_us(series, series->n - 1, interval_us));
}

/* A period of which only the extremes are known: nobody can say how long it was outside, nor its kinetic mean. */
static void
extremes_assess(const struct limits *limits, const struct series *series, struct assessment *out)
{
    for (size_t i = 0; i < series->extremes_n; i++) {
        const struct extremes *extremes = &series->extremes[i];
        struct excursion excursion = {.device = series->device, .start_us = extremes->from_us, .end_us = extremes->to_us};
        excursion.minutes = us_minutes(extremes->to_us - extremes->from_us); /* at most */
        out->reasons |= REASON_EXTREMES_ONLY;
        out->minimum = fmin(out->minimum, extremes->low);
        out->maximum = fmax(out->maximum, extremes->high);
        if (extremes->high > limits->high) {
            excursion.kind = EXCURSION_HIGH;
            excursion.peak = extremes->high;
            out->reasons |= REASON_WARM;
            excursion_note(out, &excursion);
        }
        if (extremes->low < limits->low) {
            excursion.kind = EXCURSION_LOW;
            excursion.peak = extremes->low;
            out->reasons |= limits->freezes && extremes->low < limits->freezes_at ? REASON_FROZE : REASON_COLD;
            excursion_note(out, &excursion);
        }
    }
}

static void
series_span(const struct series *series, int64_t *from_us, int64_t *to_us)
{
    if (series->n > 0) {
        *from_us = series->v[0].at_us < *from_us ? series->v[0].at_us : *from_us;
        *to_us = series->v[series->n - 1].at_us > *to_us ? series->v[series->n - 1].at_us : *to_us;
    }
    for (size_t i = 0; i < series->extremes_n; i++) {
        *from_us = series->extremes[i].from_us < *from_us ? series->extremes[i].from_us : *from_us;
        *to_us = series->extremes[i].to_us > *to_us ? series->extremes[i].to_us : *to_us;
    }
}

/* The highest MKT of the series over the declared window, which ends with the last reading's own time. */
static void
mkt_assess(const struct readings *readings, const struct limits *limits, struct assessment *out)
{
    int64_t interval_us = minutes_us(limits->interval_minutes);
    for (size_t i = 0; i < readings->series_n; i++) {
        const struct series *series = &readings->series[i];
        double celsius;
        if (series->n == 0)
            continue;
        int64_t to_us = series->v[series->n - 1].at_us + stood_us(series, series->n - 1, interval_us);
        int64_t from_us = limits->mkt_window_minutes > 0 ? to_us - minutes_us(limits->mkt_window_minutes) : INT64_MIN;
        if (series_mkt(series, interval_us, from_us, to_us, limits->activation_kelvin, &celsius)) {
            out->mkt = out->has_mkt ? fmax(out->mkt, celsius) : celsius;
            out->has_mkt = true;
        }
    }
    if (out->reasons & REASON_EXTREMES_ONLY)
        out->has_mkt = false;
    if (out->has_mkt && limits->has_mkt_limit && out->mkt > limits->mkt_limit)
        out->reasons |= REASON_MKT_HIGH;
}

/* MKT may excuse a warm excursion; never freezing, a gap, or goods that are to stay frozen. */
static void
disposition_decide(const struct limits *limits, struct assessment *out)
{
    bool excusable = out->has_mkt && limits->has_mkt_limit && out->mkt <= limits->mkt_limit && out->maximum <= limits->spike_limit && !limits->frozen_goods;
    if ((out->reasons & REASON_WARM) && excusable)
        out->reasons = (out->reasons & ~(unsigned)REASON_WARM) | REASON_WARM_EXCUSED;
    if (out->reasons & (REASON_WARM | REASON_FROZE))
        out->disposition = DISPOSITION_NON_CONFORMANT;
    else
        out->disposition = out->reasons ? DISPOSITION_HELD : DISPOSITION_CONFORMANT;
}

void
assess(const struct readings *readings, const struct limits *limits, struct assessment *out)
{
    double weighted_sum = 0;
    *out = (struct assessment){.minimum = NAN, .maximum = NAN, .mean = NAN, .from_us = INT64_MAX, .to_us = INT64_MIN};
    out->readings = readings->total;
    out->series = readings->series_n;
    for (size_t i = 0; i < readings->series_n; i++) {
        series_assess(limits, &readings->series[i], out, &weighted_sum);
        extremes_assess(limits, &readings->series[i], out);
        series_span(&readings->series[i], &out->from_us, &out->to_us);
    }
    if (out->minutes > 0)
        out->mean = weighted_sum / out->minutes;
    out->reasons |= (readings->alarms ? REASON_ALARM : 0) | (readings->sensor_errors ? REASON_SENSOR_ERROR : 0) | (readings->total ? 0 : REASON_NO_READING);
    mkt_assess(readings, limits, out);
    disposition_decide(limits, out);
}

void
assessment_fini(struct assessment *assessment)
{
    free(assessment->excursions);
    memset(assessment, 0, sizeof *assessment);
}
