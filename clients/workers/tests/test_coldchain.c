/* qiao-coldchain: CSV and EPCIS, friendly and hostile; the report. */
#include "support.h"

#include "coldchain/coldchain.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%.6f is not %.6f", value, expected);
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
        return; /* they are not part of this tree */
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
    csv("time,device,celsius\n2026-03-01T12:00:00Z,A,5.0\n2026-03-01T12:02:00Z,A,9.5\n2026-03-01T12:04:00Z,A,8.5\n2026-03-01T12:06:00Z,A,"
        "6\n2026-03-01T12:16:00Z,A,5\n", &answer);
    assert_string_equal(answer.outcome, "non_conformant");
    support_golden(&answer, "temperature-report.en.txt", "temperature-report.en.txt");
    support_golden(&answer, "temperature-report.zh.txt", "temperature-report.zh.txt");
    answer_fini(&answer);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
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
