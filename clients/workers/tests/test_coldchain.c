/* qiao-coldchain: mean kinetic temperature, excursions, gaps, dispositions; CSV and EPCIS, friendly and hostile. */
#include "support.h"

#include "coldchain/assess.h"
#include "coldchain/coldchain.h"
#include "common/civil.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static const struct limits fridge = {.low = 2, .high = 8, .interval_minutes = 5, .interval_outside_minutes = 2, .activation_kelvin = 10000, .spike_limit = 23, .freezes = true, .freezes_at = 0};

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

/* ---- files */

#define INPUT "{'shipment':'SH-1','product':'Vaccine','format':'csv','limit_low':2,'limit_high':8}"

static void
csv(const char *text, struct answer *answer)
{
    support_run(coldchain_compute, NULL, "cold-chain.transport", INPUT, text, strlen(text), answer);
}

static void
csv_is_read_in_its_dialects(void **state)
{
    static const char *const files[] = {
        "time,celsius\n2026-03-01T12:00:00Z,5.0\n2026-03-01T12:05:00Z,5.5\n",
        "\xef\xbb\xbf# logger 17\r\nTimestamp;Temperature\r\n2026-03-01T12:05:00Z;5,5\r\n\r\n2026-03-01T12:00:00Z;5,0",
        "device\ttime\tnote\ttemp\nA\t2026-03-01T12:00:00Z\tx\t5\nA\t2026-03-01T12:05:00Z\t\t5.5\nA\t2026-03-01T12:05:00Z\tagain\t5.5\n",
        "\"time\",\"device\",\"celsius\"\n\"2026-03-01T20:00:00+08:00\",\"A,1\",\"5.0\"\n2026-03-01T12:05:00Z,\"A,1\",5.5\n",
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct answer answer;
        csv(files[i], &answer);
        if (answer.kind != ANSWER_DONE)
            fail_msg("file %zu: %s", i, answer.fault.message);
        assert_string_equal(answer.outcome, "conformant");
        assert_int_equal(support_integer(&answer, "readings"), 2);
        near(support_number(&answer, "minimum"), 5.0, 0);
        near(support_number(&answer, "maximum"), 5.5, 0);
        answer_fini(&answer);
    }
}

static void
readings_are_streamed_as_progress(void **state)
{
    struct answer answer;
    char *text = malloc(65536);
    size_t used = (size_t)snprintf(text, 65536, "time,celsius\n");
    for (int i = 0; i < 1000; i++)
        used += (size_t)snprintf(text + used, 65536 - used, "2026-03-01T%02d:%02d:00Z,%d.%d\n", i / 60, i % 60, 4 + i % 3, i % 10);
    csv(text, &answer);
    assert_string_equal(answer.outcome, "conformant");
    assert_int_equal(answer.steps_n, 20);
    for (size_t i = 1; i < answer.steps_n; i++) {
        assert_true(answer.steps[i].progress > answer.steps[i - 1].progress);
        assert_true(answer.steps[i].after_us >= answer.steps[i - 1].after_us);
    }
    assert_string_equal(answer.steps[19].message, "readings 951 to 1000: 4.00 to 6.90 °C");
    assert_int_equal(json_integer_value(json_object_get(answer.steps[19].output, "readings")), 1000);
    answer_fini(&answer);
    free(text);
}

static void
hostile_csv_is_refused_by_its_line(void **state)
{
    static const struct {
        const char *text, *path;
    } cases[] = {
        {"", "body"},
        {"\n\n# nothing\n", "body"},
        {"5.0,2026-03-01T12:00:00Z\n", "body.line[1]"},
        {"time,celsius\n", "body.readings"},
        {"time,celsius\n2026-03-01T12:00:00Z\n", "body.line[2].celsius"},
        {"time,celsius\nyesterday,5\n", "body.line[2].time"},
        {"time,celsius\n2026-03-01 12:00:00,5\n", "body.line[2].time"},
        {"time,celsius\n2026-03-01T12:00:00Z,nan\n", "body.line[2].celsius"},
        {"time,celsius\n2026-03-01T12:00:00Z,0x10\n", "body.line[2].celsius"},
        {"time,celsius\n2026-03-01T12:00:00Z,1e999\n", "body.line[2].celsius"},
        {"time,celsius\n2026-03-01T12:00:00Z,-300\n", "body.line[2].celsius"},
        {"time,celsius\n2026-03-01T12:00:00Z,\"5\n", "body.line[2]"},
        {"time,celsius\n2026-03-01T12:00:00Z,5\n2026-03-01T12:00:00Z,6\n", "body.readings"},
        {"a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u,v,w,x,y,z,1,2,3,4,5,6,7\n", "body.line[1]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct answer answer;
        csv(cases[i].text, &answer);
        assert_int_equal(answer.kind, ANSWER_REFUSED);
        assert_string_equal(answer.fault.path, cases[i].path);
        answer_fini(&answer);
    }
    struct answer answer;
    char *line = malloc(5000);
    memset(line, 'x', 4999);
    line[4999] = '\0';
    csv(line, &answer);
    support_refused(&answer, FAULT_MISIDENTIFIED, "body.line[1]");
    answer_fini(&answer);
    free(line);
    support_run(coldchain_compute, NULL, "cold-chain.transport", INPUT, "time,celsius\n\0", 14, &answer);
    support_refused(&answer, FAULT_MISIDENTIFIED, "body.line[2]");
    answer_fini(&answer);
}

static void
too_many_sensors_are_refused(void **state)
{
    struct answer answer;
    char *text = malloc(8192);
    size_t used = (size_t)snprintf(text, 8192, "time,device,celsius\n");
    for (int i = 0; i < 65; i++)
        used += (size_t)snprintf(text + used, 8192 - used, "2026-03-01T12:00:00Z,d%d,5\n", i);
    csv(text, &answer);
    support_refused(&answer, FAULT_MISIDENTIFIED, "body.line[66].celsius");
    answer_fini(&answer);
    free(text);
}

#define EPCIS_INPUT "{'shipment':'SH-1','product':'Vaccine','format':'epcis','limit_low':2,'limit_high':8}"

static void
epcis(const char *file, struct answer *answer)
{
    size_t size;
    char *bytes = support_file(file, &size);
    support_run(coldchain_compute, NULL, "cold-chain.transport", EPCIS_INPUT, bytes, size, answer);
    free(bytes);
}

static void
epcis_sensor_elements_are_read(void **state)
{
    struct answer answer;
    epcis("epcis/points.jsonld", &answer);
    assert_string_equal(answer.outcome, "conformant");
    assert_int_equal(support_integer(&answer, "readings"), 3);
    near(support_number(&answer, "maximum"), 5.4, 1e-9);
    answer_fini(&answer);

    epcis("epcis/extremes.jsonld", &answer);
    assert_string_equal(answer.outcome, "held");
    assert_null(json_object_get(answer.output, "mkt"));
    near(support_number(&answer, "maximum"), 6.4, 1e-9);
    answer_fini(&answer);

    epcis("epcis/two-places.jsonld", &answer); /* one element, two temperatures: two series */
    assert_string_equal(answer.outcome, "non_conformant");
    assert_int_equal(support_integer(&answer, "series"), 2);
    answer_fini(&answer);

    epcis("epcis/alarm.jsonld", &answer);
    assert_string_equal(answer.outcome, "held");
    assert_int_equal(json_array_size(json_object_get(answer.output, "reasons")), 3);
    answer_fini(&answer);

    epcis("epcis/units.jsonld", &answer);
    assert_string_equal(answer.outcome, "conformant");
    near(support_number(&answer, "minimum"), 5, 1e-6);
    near(support_number(&answer, "maximum"), 5, 1e-6);
    answer_fini(&answer);

    epcis("epcis/no-temperature.jsonld", &answer);
    support_refused(&answer, FAULT_MISSING, "body.readings");
    answer_fini(&answer);
}

/* The examples of the standard itself, where they lie beside the tree: $QIAO_EPCIS_EXAMPLES. */
static void
examples_of_the_standard_are_read(void **state)
{
    const char *directory = getenv("QIAO_EPCIS_EXAMPLES");
    DIR *listing = directory ? opendir(directory) : NULL;
    if (!listing)
        skip();
    struct dirent *entry;
    int without_temperature = 0, read = 0;
    while ((entry = readdir(listing))) {
        char path[1024], *bytes = calloc(1, INPUT_BODY_BYTES_MAX);
        struct answer answer;
        snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        FILE *file = strstr(entry->d_name, ".jsonld") ? fopen(path, "rb") : NULL;
        if (file) {
            size_t size = fread(bytes, 1, INPUT_BODY_BYTES_MAX, file);
            support_run(coldchain_compute, NULL, "cold-chain.transport", EPCIS_INPUT, bytes, size, &answer);
            if (answer.kind == ANSWER_REFUSED) { /* only those of other sensors */
                assert_string_equal(answer.fault.path, "body.readings");
                without_temperature++;
            } else {
                assert_int_equal(answer.kind, ANSWER_DONE);
                read++;
            }
            answer_fini(&answer);
            fclose(file);
        }
        free(bytes);
    }
    closedir(listing);
    assert_int_equal(without_temperature, 2); /* speed; dose rate */
    assert_true(read >= 9);
}

static void
hostile_epcis_is_refused_by_its_path(void **state)
{
#define EVENT(inside) "{'epcisBody':{'eventList':[{'eventTime':'2026-03-01T12:00:00Z','sensorElementList':[{'sensorReport':[" inside "]}]}]}}"
    static const struct {
        const char *body, *path;
    } cases[] = {
        {"{'epcisBody':7}", "body.epcisBody"},
        {"{}", "body.epcisBody"},
        {"{'epcisBody':{'eventList':[]}}", "body.epcisBody.eventList"},
        {"{'epcisBody':{'eventList':['x']}}", "body.epcisBody.eventList[0]"},
        {"{'epcisBody':{'eventList':[{'sensorElementList':[{}]}]}}", "body.epcisBody.eventList[0].sensorElementList[0].sensorReport"},
        {EVENT("{'type':'Temperature','value':'warm','uom':'CEL'}"), "body.epcisBody.eventList[0].sensorElementList[0].sensorReport[0].value"},
        {EVENT("{'type':'Temperature','value':5,'uom':'MTS'}"), "body.epcisBody.eventList[0].sensorElementList[0].sensorReport[0].uom"},
        {EVENT("{'type':'Temperature','value':5}"), "body.epcisBody.eventList[0].sensorElementList[0].sensorReport[0].uom"},
        {EVENT("{'type':'Temperature','minValue':5,'uom':'CEL'}"), "body.epcisBody.eventList[0].sensorElementList[0].sensorReport[0].maxValue"},
        {EVENT("{'type':'Temperature','minValue':6,'maxValue':5,'uom':'CEL'}"), "body.epcisBody.eventList[0].sensorElementList[0].sensorReport[0]"},
        {EVENT("{'type':'Temperature','value':5,'uom':'CEL','time':'noon'}"), "body.epcisBody.eventList[0].sensorElementList[0].sensorReport[0].time"},
        {"{'sensorElementList':[{'sensorReport':[{'type':'Temperature','value':5,'uom':'CEL'}]}]}", "body.sensorElementList[0].sensorReport[0].time"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct answer answer;
        support_run_json(coldchain_compute, NULL, "cold-chain.transport", EPCIS_INPUT, cases[i].body, &answer);
        assert_int_equal(answer.kind, ANSWER_REFUSED);
        assert_string_equal(answer.fault.path, cases[i].path);
        answer_fini(&answer);
    }
    /* Ten thousand open brackets end in a refusal, not in the stack. */
    struct answer answer;
    char *deep = malloc(10001);
    memset(deep, '[', 10000);
    support_run(coldchain_compute, NULL, "cold-chain.transport", EPCIS_INPUT, deep, 10000, &answer);
    support_refused(&answer, FAULT_MISIDENTIFIED, "body");
    answer_fini(&answer);
    free(deep);
}

static void
bad_input_is_refused_by_its_path(void **state)
{
    static const struct {
        const char *input, *path;
    } cases[] = {
        {"{'product':'V','format':'csv','limit_low':2,'limit_high':8}", "input.shipment"},
        {"{'shipment':'S','product':'V','format':'xml','limit_low':2,'limit_high':8}", "input.format"},
        {"{'shipment':'S','product':'V','format':'csv','limit_high':8}", "input.limit_low"},
        {"{'shipment':'S','product':'V','format':'csv','limit_low':9,'limit_high':8}", "input.limit_low"},
        {"{'shipment':'S','product':'V','format':'csv','limit_low':2,'limit_high':8,'allowed_minutes':-1}", "input.allowed_minutes"},
        {"{'shipment':'S','product':'V','format':'csv','limit_low':2,'limit_high':8,'activation_kelvin':1}", "input.activation_kelvin"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct answer answer;
        support_run_json(coldchain_compute, NULL, "cold-chain.transport", cases[i].input, "x", &answer);
        assert_int_equal(answer.kind, ANSWER_REFUSED);
        assert_string_equal(answer.fault.path, cases[i].path);
        answer_fini(&answer);
    }
}

static void
the_report_reads_as_it_should(void **state)
{
    struct answer answer;
    csv("time,device,celsius\n2026-03-01T12:00:00Z,A,5.0\n2026-03-01T12:02:00Z,A,9.5\n2026-03-01T12:04:00Z,A,8.5\n2026-03-01T12:06:00Z,A,6\n2026-03-01T12:16:00Z,A,5\n", &answer);
    assert_string_equal(answer.outcome, "non_conformant");
    support_golden(&answer, "temperature-report.en.txt", "temperature-report.en.txt");
    support_golden(&answer, "temperature-report.zh.txt", "temperature-report.zh.txt");
    answer_fini(&answer);
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
        cmocka_unit_test(csv_is_read_in_its_dialects),
        cmocka_unit_test(readings_are_streamed_as_progress),
        cmocka_unit_test(hostile_csv_is_refused_by_its_line),
        cmocka_unit_test(too_many_sensors_are_refused),
        cmocka_unit_test(epcis_sensor_elements_are_read),
        cmocka_unit_test(examples_of_the_standard_are_read),
        cmocka_unit_test(hostile_epcis_is_refused_by_its_path),
        cmocka_unit_test(bad_input_is_refused_by_its_path),
        cmocka_unit_test(the_report_reads_as_it_should),
    };
    return cmocka_run_group_tests_name("workers coldchain", tests, NULL, NULL);
}
