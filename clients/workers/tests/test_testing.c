/* qiao-testing: every value of the rules, bad input, the stages and the certificate. */
#include "support.h"

#include "testing/rules.h"
#include "testing/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT "{'product':'Ibuprofen tablets 200 mg','batch':'B2603','sample':'S-17','sampled_on':'2026-03-20','tested_on':'2026-03-30'}"

/* ---- the rules by themselves */

static void
values_of(const char *text, struct values *values)
{
    char copy[1024], *rest = NULL;
    int places;
    mpq_t value;
    mpq_init(value);
    values_init(values);
    snprintf(copy, sizeof copy, "%s", text);
    for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        assert_true(decimal_parse(word, value, &places));
        values_add(values, value);
    }
    mpq_clear(value);
}

static void
shows(const mpq_t value, int places, const char *expected)
{
    char text[DECIMAL_BYTES];
    decimal_format(value, places, ROUNDING_USP, text, sizeof text);
    assert_string_equal(text, expected);
}

static void
mean_deviation_and_rsd_of_six(void **state)
{
    struct values values;
    mpq_t number;
    mpq_init(number);
    values_of("99.2 100.4 99.8 100.1 99.5 100.6", &values);
    values_mean(&values, number);
    shows(number, 3, "99.933");
    values_deviation(&values, 4, number);
    shows(number, 4, "0.5354");
    assert_true(values_rsd(&values, 3, number));
    shows(number, 3, "0.536");
    values_fini(&values);
    mpq_clear(number);
}

static void
rsd_of_a_zero_mean_is_not_defined(void **state)
{
    struct values values;
    mpq_t number;
    mpq_init(number);
    values_of("-1 1", &values);
    assert_false(values_rsd(&values, 3, number));
    values_fini(&values);
    mpq_clear(number);
}

static void
dissolves(const char *units, long q, enum stage_verdict verdict, int stage, size_t more, size_t low, const char *mean)
{
    struct values values;
    struct dissolution judged;
    mpq_t number;
    mpq_init(number);
    values_of(units, &values);
    decimal_set_ratio(number, q, 1);
    assert_true(dissolution_judge(&values, number, &judged));
    assert_int_equal(judged.verdict, verdict);
    assert_int_equal(judged.stage, stage);
    assert_int_equal(judged.more, more);
    assert_int_equal(judged.low_units, low);
    values_mean(&values, number);
    shows(number, 2, mean);
    values_fini(&values);
    mpq_clear(number);
}

static void
dissolution_goes_through_its_three_stages(void **state)
{
    dissolves("85 86 88 87 90 85", 80, STAGE_PASSES, 1, 0, 0, "86.83");
    dissolves("86 88 84 87 90 85", 80, STAGE_NEXT_NEEDED, 2, 6, 0, "86.67");
    dissolves("86 88 84 87 90 85 82 79 88 85 81 83", 80, STAGE_PASSES, 2, 0, 0, "84.83");
    dissolves("84 70 88 79 83 86 77 64 81 80 79 82", 80, STAGE_NEXT_NEEDED, 3, 12, 1, "79.42");
    dissolves("84 70 88 79 83 86 77 64 81 80 79 82 85 82 80 63 84 86 81 83 79 88 82 84", 80, STAGE_PASSES, 3, 0, 2, "80.42");
}

static void
dissolution_fails_only_after_its_last_stage(void **state)
{
    /* three units below Q - 15; then one below Q - 25; then a mean below Q */
    dissolves("84 64 88 89 83 86 87 64 81 85 89 82 85 82 84 63 84 86 81 83 89 88 82 84", 80, STAGE_FAILS, 3, 0, 3, "82.21");
    dissolves("84 54 88 89 83 86 87 84 81 85 89 82 85 82 84 83 84 86 81 83 89 88 82 84", 80, STAGE_FAILS, 3, 0, 1, "83.46");
    dissolves("79 79 79 79 79 79 79 79 79 79 79 79 79 79 79 79 79 79 79 79 79 79 79 79", 80, STAGE_FAILS, 3, 0, 0, "79.00");
}

static void
dissolution_takes_no_other_number_of_units(void **state)
{
    struct values values;
    struct dissolution judged;
    mpq_t q;
    mpq_init(q);
    decimal_set_ratio(q, 80, 1);
    values_of("86 88 84 87 90", &values);
    assert_false(dissolution_judge(&values, q, &judged));
    values_fini(&values);
    mpq_clear(q);
}

static void
acceptance(long mean_tenths, long s_tenths, size_t n, long target_tenths, const char *m, const char *value)
{
    mpq_t mean, s, target, out, reference;
    mpq_inits(mean, s, target, out, reference, NULL);
    decimal_set_ratio(mean, mean_tenths, 10);
    decimal_set_ratio(s, s_tenths, 10);
    decimal_set_ratio(target, target_tenths, 10);
    uniformity_value(mean, s, n, target, out, reference);
    shows(out, 1, value);
    shows(reference, 1, m);
    mpq_clears(mean, s, target, out, reference, NULL);
}

static void
acceptance_value_measures_from_the_nearer_bound(void **state)
{
    acceptance(1059, 50, 10, 1000, "101.5", "16.4");
    acceptance(1059, 60, 30, 1000, "101.5", "16.4");
    acceptance(1000, 50, 10, 1000, "100.0", "12.0");
    acceptance(970, 10, 10, 1000, "98.5", "3.9");
    acceptance(1040, 10, 10, 1050, "104.0", "2.4"); /* target above 101.5 */
}

static void
uniform(const char *units, enum stage_verdict verdict, size_t more, bool outside)
{
    struct values values;
    struct uniformity judged;
    mpq_t l1, l2, target, out;
    mpq_inits(l1, l2, target, out, NULL);
    values_of(units, &values);
    decimal_set_ratio(l1, 15, 1);
    decimal_set_ratio(l2, 25, 1);
    decimal_set_ratio(target, 100, 1);
    assert_true(uniformity_judge(&values, l1, 1, l2, target, out, &judged));
    assert_int_equal(judged.verdict, verdict);
    assert_int_equal(judged.more, more);
    assert_int_equal(judged.unit_outside, outside);
    values_fini(&values);
    mpq_clears(l1, l2, target, out, NULL);
}

#define TEN " 100 100 100 100 100 100 100 100 100 100"

static void
uniformity_has_two_stages(void **state)
{
    uniform("98 99 100 101 102 98 99 100 101 102", STAGE_PASSES, 0, false);
    uniform("90 112 100 111 92 108 95 109 90 110", STAGE_NEXT_NEEDED, 20, false);
    uniform("92 104 100 103 96 108 99 102 98 101" TEN TEN, STAGE_PASSES, 0, false);
    uniform("70 104 100 103 96 108 99 102 98 101" TEN TEN, STAGE_FAILS, 0, true); /* AV is fine, one unit is not */
    uniform("80 120 80 120 80 120 80 120 80 120" TEN TEN, STAGE_FAILS, 0, false);
}

/* ---- whole requests */

static void
assay(const char *rounding, const char *limits, const char *value, const char *outcome, const char *result)
{
    char body[1024];
    struct answer answer;
    snprintf(body, sizeof body,
             "{'specification':{'id':'SP-1','version':'3','rounding':'%s','tests':[{'id':'assay','kind':'assay','unit':'%%',%s}]},"
             "'results':{'assay':[%s]}}", rounding, limits, value);
    support_run_json(testing_compute, NULL, "testing.release", INPUT, body, &answer);
    assert_int_equal(answer.kind, ANSWER_DONE);
    assert_string_equal(answer.outcome, outcome);
    const json_t *row = json_array_get(json_object_get(answer.output, "results"), 0);
    assert_string_equal(json_string_value(json_object_get(row, "result")), result);
    answer_fini(&answer);
}

static void
an_assay_is_rounded_once_to_the_limits_places(void **state)
{
    assay("usp", "'lower':'97.9'", "'97.85'", "conforming", "97.9 %");
    assay("gbt8170", "'lower':'97.9'", "'97.85'", "out-of-specification", "97.8 %");
    assay("usp", "'upper':'101.5'", "'101.549'", "conforming", "101.5 %");
    assay("usp", "'upper':'101.5'", "'101.55'", "out-of-specification", "101.6 %");
    assay("gbt8170", "'upper':'101.5'", "101.55", "out-of-specification", "101.6 %"); /* a JSON number is read as it is written */
    assay("usp", "'lower':'97.9','upper':'102.0'", "'97.80','97.90'", "conforming", "97.9 %"); /* the mean is rounded, not its parts */
    assay("usp", "'lower':'95.0','rsd_max':'2.0'", "'95.0','101.0'", "out-of-specification", "98.0 %");
}

static void
other_kinds_of_tests_are_judged(void **state)
{
    struct answer answer;
    support_run_json(testing_compute, NULL, "testing.device", INPUT,
                     "{'specification':{'id':'D','version':'1','rounding':'usp','tests':[{'id':'look','kind':'text','expected':'White tablet'},"
                     "{'id':'defects','kind':'attribute','inspected':125,'accept':3},{'id':'length','kind':'limit','upper':'10.00'}]},"
                     "'results':{'look':'white TABLET','defects':4,'length':['9.99']}}", &answer);
    assert_string_equal(answer.outcome, "out-of-specification");
    assert_int_equal(support_integer(&answer, "tests"), 3);
    assert_int_equal(support_integer(&answer, "failed"), 1);
    assert_string_equal(answer.business_status, "to_be_verified");
    answer_fini(&answer);
}

#define DISSOLUTION_BODY                                                                                                                             \
    "{'specification':{'id':'SP-1','version':'3','rounding':'usp','tests':[{'id':'dissolution','kind':'dissolution','q':'80'}]},"                  \
    "'results':{'dissolution':['86','88','84','87','90','85']}}"

/* "stage 2 required" is a question to the requester, not a failure. */
static void
a_stage_that_is_not_measured_is_asked_for(void **state)
{
    struct answer answer;
    support_run_json(testing_compute, NULL, "testing.release", INPUT, DISSOLUTION_BODY, &answer);
    assert_int_equal(answer.kind, ANSWER_ASK);
    assert_int_equal(answer.fields_n, 1);
    assert_string_equal(answer.fields[0], "more_replicates");
    assert_string_equal(answer.message, "dissolution: stage 2 required, 6 more units");
    answer_fini(&answer);

    support_run_json(testing_compute, NULL, "testing.release",
                     "{'product':'P','batch':'B','sample':'S','more_replicates':{'dissolution':['82','79','88','85','81','83']}}", DISSOLUTION_BODY, &answer);
    assert_int_equal(answer.kind, ANSWER_DONE);
    assert_string_equal(answer.outcome, "conforming");
    assert_non_null(json_object_get(json_object_get(answer.output, "answers"), "more_replicates"));
    answer_fini(&answer);

    support_run_json(testing_compute, NULL, "testing.release", "{'product':'P','batch':'B','sample':'S','stages_by_ask':false}", DISSOLUTION_BODY, &answer);
    assert_int_equal(answer.kind, ANSWER_DONE);
    assert_string_equal(answer.outcome, "further-stage-required");
    answer_fini(&answer);
}

static void
a_stability_study_judges_each_point_and_its_trend(void **state)
{
    static const char body[] =
        "{'specification':{'id':'SP-1','version':'3','rounding':'gbt8170','tests':[{'id':'assay','kind':'assay','lower':'90.0','unit':'%'},"
        "{'id':'impurity','kind':'limit','upper':'1.0','unit':'%'}]},'timepoints':["
        "{'months':0,'results':{'assay':['100.0'],'impurity':['0.1']}},{'months':6,'results':{'assay':['97.5'],'impurity':['0.3']}},"
        "{'months':12,'results':{'assay':['%s'],'impurity':['0.4']}}]}";
    char text[1024];
    struct answer answer;
    snprintf(text, sizeof text, "%.*s95.0%s", (int)(strstr(body, "%s") - body), body, strstr(body, "%s") + 2);
    support_run_json(testing_compute, NULL, "testing.stability", INPUT, text, &answer);
    assert_int_equal(answer.kind, ANSWER_DONE);
    assert_string_equal(answer.outcome, "conforming");
    assert_true(json_is_true(json_object_get(answer.output, "significant_change")));
    assert_int_equal(support_integer(&answer, "tests"), 6);
    answer_fini(&answer);

    snprintf(text, sizeof text, "%.*s96.0%s", (int)(strstr(body, "%s") - body), body, strstr(body, "%s") + 2);
    support_run_json(testing_compute, NULL, "testing.stability", INPUT, text, &answer);
    assert_true(json_is_false(json_object_get(answer.output, "significant_change")));
    answer_fini(&answer);
}

static void
a_central_laboratory_reports_and_does_not_reject(void **state)
{
    struct answer answer;
    support_run_json(testing_compute, NULL, "testing.central-lab", INPUT,
                     "{'specification':{'id':'R','version':'1','rounding':'usp','tests':[{'id':'ALT','kind':'limit','upper':'40','unit':'U/L'}]},"
                     "'results':{'ALT':['55']}}", &answer);
    assert_string_equal(answer.outcome, "reported");
    assert_int_equal(support_integer(&answer, "failed"), 1);
    answer_fini(&answer);
}

/* Two members who compute the same get the same digest, whoever they are and whenever. */
static void
the_digest_depends_on_the_results_only(void **state)
{
    struct answer one, two;
    char first[JOB_DIGEST_BYTES];
    support_run_json(testing_compute, NULL, "testing.release", "{'product':'P','batch':'B','sample':'S','stages_by_ask':false}", DISSOLUTION_BODY, &one);
    snprintf(first, sizeof first, "%s", support_text(&one, "digest"));
    support_run_json(testing_compute, NULL, "testing.release", "{'product':'P','batch':'B','sample':'S','stages_by_ask':false,'tested_on':'2026-01-01'}",
                     DISSOLUTION_BODY, &two);
    assert_string_equal(first, support_text(&two, "digest"));
    assert_int_equal(strlen(first), 64);
    answer_fini(&one);
    answer_fini(&two);
}

static void
bad_input_is_refused_by_its_path(void **state)
{
    static const struct {
        const char *input, *body, *path;
        enum fault_kind kind;
    } cases[] = {
        {"{'batch':'B','sample':'S'}", "{}", "input.product", FAULT_MISSING},
        {"{'product':7,'batch':'B','sample':'S'}", "{}", "input.product", FAULT_MISIDENTIFIED},
        {"{'product':'P','batch':'B','sample':'S','tested_on':'2026-02-30'}", "{}", "input.tested_on", FAULT_MISIDENTIFIED},
        {INPUT, NULL, "body", FAULT_MISSING},
        {INPUT, "{'specification':", "body", FAULT_MISIDENTIFIED},
        {INPUT, "{'a':1,'a':2}", "body", FAULT_MISIDENTIFIED},
        {INPUT, "[]", "body", FAULT_MISIDENTIFIED},
        {INPUT, "{}", "body.specification", FAULT_MISSING},
        {INPUT, "{'specification':{'id':'A','version':'1','tests':[{}]}}", "body.specification.rounding", FAULT_MISSING},
        {INPUT, "{'specification':{'id':'A','version':'1','rounding':'up','tests':[{}]}}", "body.specification.rounding", FAULT_MISIDENTIFIED},
        {INPUT, "{'specification':{'id':'A','version':'1','rounding':'usp','tests':[]}}", "body.specification.tests", FAULT_MISIDENTIFIED},
        {INPUT, "{'specification':{'id':'A','version':'1','rounding':'usp','tests':[{'id':'x'},{'id':'x'}]}}", "body.specification.tests[1].id",
            FAULT_MISIDENTIFIED},
        {INPUT, "{'specification':{'id':'A','version':'1','rounding':'usp','tests':[7]}}", "body.specification.tests[0]", FAULT_MISIDENTIFIED},
        {INPUT, "{'specification':{'id':'A','version':'1','rounding':'usp','tests':[{'id':'x','kind':'assay'}]},'results':{'x':['1']}}",
            "body.specification.tests[0].lower", FAULT_MISSING},
        {INPUT, "{'specification':{'id':'A','version':'1','rounding':'usp','tests':[{'id':'x','kind':'assay','lower':'2','upper':'1'}]},"
            "'results':{'x':['1']}}", "body.specification.tests[0].lower", FAULT_MISIDENTIFIED},
        {INPUT, "{'specification':{'id':'A','version':'1','rounding':'usp','tests':[{'id':'x','kind':'assay','lower':'1'}]},'results':{}}",
            "body.results.x", FAULT_MISSING},
        {INPUT, "{'specification':{'id':'A','version':'1','rounding':'usp','tests':[{'id':'x','kind':'assay','lower':'1'}]},'results':{'x':[]}}",
            "body.results.x", FAULT_MISIDENTIFIED},
        {INPUT, "{'specification':{'id':'A','version':'1','rounding':'usp','tests':[{'id':'x','kind':'assay','lower':'1'}]},'results':{'x':['1',"
            "'n/a']}}", "body.results.x[1]", FAULT_MISIDENTIFIED},
        {INPUT, "{'specification':{'id':'A','version':'1','rounding':'usp','tests':[{'id':'x','kind':'assay','lower':'1'}]},"
            "'results':{'x':[1.00000000000000001e300]}}", "body.results.x[0]", FAULT_MISIDENTIFIED},
        {INPUT, "{'specification':{'id':'A','version':'1','rounding':'usp','tests':[{'id':'x','kind':'dissolution','q':'80'}]},'results':{'x':[1,2,"
            "3]}}", "body.results.x", FAULT_MISIDENTIFIED},
        {INPUT, "{'specification':{'id':'A','version':'1','rounding':'usp','tests':[{'id':'x','kind':'uniformity'}]},'results':{'x':[1,2,3]}}",
            "body.results.x", FAULT_MISIDENTIFIED},
        {INPUT, "{'specification':{'id':'A','version':'1','rounding':'usp','tests':[{'id':'x','kind':'attribute','inspected':5,'accept':9}]},"
            "'results':{'x':1}}", "body.specification.tests[0].accept", FAULT_MISIDENTIFIED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct answer answer;
        support_run_json(testing_compute, NULL, "testing.release", cases[i].input, cases[i].body, &answer);
        support_refused(&answer, cases[i].kind, cases[i].path);
        answer_fini(&answer);
    }
}

/* B1: a thousand replicates, not one more. */
static void
replicates_are_bounded(void **state)
{
    char *body = malloc(16384);
    struct answer answer;
    for (int n = 1000; n <= 1001; n++) {
        size_t used = (size_t)snprintf(body, 16384, "{'specification':{'id':'A','version':'1','rounding':'usp','tests':[{'id':'x','kind':'assay',"
            "'lower':'1'}]},'results':{'x':[1");
        for (int i = 1; i < n; i++)
            used += (size_t)snprintf(body + used, 16384 - used, ",%d", i % 10);
        snprintf(body + used, 16384 - used, "]}}");
        support_run_json(testing_compute, NULL, "testing.release", INPUT, body, &answer);
        assert_int_equal(answer.kind, n == 1000 ? ANSWER_DONE : ANSWER_REFUSED);
        answer_fini(&answer);
    }
    free(body);
}

static void
the_certificate_reads_as_it_should(void **state)
{
    size_t size;
    struct answer answer;
    char *body = support_file("release.json", &size);
    support_run(testing_compute, NULL, "testing.release", INPUT, body, size, &answer);
    assert_int_equal(answer.kind, ANSWER_DONE);
    support_golden(&answer, "certificate.en.txt", "certificate.en.txt");
    support_golden(&answer, "certificate.zh.txt", "certificate.zh.txt");
    support_golden(&answer, "certificate.en.html", "certificate.en.html");
    support_golden(&answer, "certificate.zh.html", "certificate.zh.html");
    answer_fini(&answer);
    free(body);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mean_deviation_and_rsd_of_six),
        cmocka_unit_test(rsd_of_a_zero_mean_is_not_defined),
        cmocka_unit_test(dissolution_goes_through_its_three_stages),
        cmocka_unit_test(dissolution_fails_only_after_its_last_stage),
        cmocka_unit_test(dissolution_takes_no_other_number_of_units),
        cmocka_unit_test(acceptance_value_measures_from_the_nearer_bound),
        cmocka_unit_test(uniformity_has_two_stages),
        cmocka_unit_test(an_assay_is_rounded_once_to_the_limits_places),
        cmocka_unit_test(other_kinds_of_tests_are_judged),
        cmocka_unit_test(a_stage_that_is_not_measured_is_asked_for),
        cmocka_unit_test(a_stability_study_judges_each_point_and_its_trend),
        cmocka_unit_test(a_central_laboratory_reports_and_does_not_reject),
        cmocka_unit_test(the_digest_depends_on_the_results_only),
        cmocka_unit_test(bad_input_is_refused_by_its_path),
        cmocka_unit_test(replicates_are_bounded),
        cmocka_unit_test(the_certificate_reads_as_it_should),
    };
    return cmocka_run_group_tests_name("workers testing", tests, NULL, NULL);
}
