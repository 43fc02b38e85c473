/* qiao-funding: schedules, premiums, policies and term sheets. */
#include "support.h"

#include "common/decimal.h"
#include "common/money.h"
#include "funding/finance.h"
#include "funding/funding.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct policies *policies;

static int
policies_setup(void **state)
{
    char path[1024], error[512];
    snprintf(path, sizeof path, "%s/../../funding/policy.yaml", getenv("QIAO_WORKERS_DATA"));
    if (!policies_load(path, &policies, error, sizeof error)) {
        print_error("%s\n", error);
        return -1;
    }
    return 0;
}

static int
policies_teardown(void **state)
{
    policies_free(policies);
    return 0;
}

/* ---- the arithmetic */

static void
schedule_of(int64_t amount, const char *percent, int months, bool advance, int64_t balloon, int64_t fee, struct schedule *out, double *irr)
{
    struct lease lease;
    int places;
    double effective;
    int64_t principal = 0, payments = 0, interest = 0;
    mpq_t twelve_hundred;
    lease_init(&lease);
    mpq_init(twelve_hundred);
    decimal_set_ratio(twelve_hundred, 1200, 1);
    assert_true(decimal_parse(percent, lease.monthly_rate, &places));
    mpq_div(lease.monthly_rate, lease.monthly_rate, twelve_hundred);
    lease.amount = amount;
    lease.months = months;
    lease.in_advance = advance;
    lease.balloon = balloon;
    lease.fee = fee;
    assert_true(lease_schedule(&lease, out));
    for (int i = 0; i < out->rows_n; i++) {
        principal += out->rows[i].principal;
        payments += out->rows[i].payment;
        interest += out->rows[i].interest;
        assert_int_equal(out->rows[i].payment, out->rows[i].principal + out->rows[i].interest);
    }
    assert_int_equal(principal, amount); /* to the last minor unit */
    assert_int_equal(payments, amount + interest);
    assert_int_equal(interest, out->interest_total);
    assert_int_equal(out->rows[out->rows_n - 1].balance, 0);
    if (irr)
        assert_true(lease_irr(&lease, out, irr, &effective));
    mpq_clear(twelve_hundred);
    lease_fini(&lease);
}

static void
an_annuity_pays_its_amount_off_exactly(void **state)
{
    struct schedule *schedule = malloc(sizeof *schedule);
    schedule_of(500000000, "4.8", 36, false, 0, 0, schedule, NULL);
    assert_int_equal(schedule->payment, 14940592);
    assert_int_equal(schedule->last_payment, 14940591);
    assert_int_equal(schedule->interest_total, 37861311);
    assert_int_equal(schedule->rows_n, 36);
    schedule_of(500000000, "4.8", 36, true, 0, 0, schedule, NULL);
    assert_int_equal(schedule->payment, 14881068);
    assert_int_equal(schedule->rows[0].month, 0);
    assert_int_equal(schedule->rows[0].interest, 0);
    schedule_of(500000000, "4.8", 36, false, 50000000, 0, schedule, NULL);
    assert_int_equal(schedule->payment, 13646533);
    assert_int_equal(schedule->rows_n, 37);
    assert_int_equal(schedule->rows[36].payment, 50000000);
    schedule_of(500000000, "0", 36, false, 0, 0, schedule, NULL);
    assert_int_equal(schedule->payment, 13888889);
    assert_int_equal(schedule->last_payment, 13888885);
    assert_int_equal(schedule->interest_total, 0);
    free(schedule);
}

/* Amounts, rates, terms, timings and balloons of all kinds: the helper checks the sums of each. */
static void
every_schedule_sums_to_its_amount(void **state)
{
    static const char *const rates[] = {"0", "0.01", "3.65", "4.8", "17.999", "100"};
    struct schedule *schedule = malloc(sizeof *schedule);
    for (size_t r = 0; r < sizeof rates / sizeof *rates; r++)
        for (int months = 1; months <= 360; months += 59)
            for (int kind = 0; kind < 4; kind++)
                schedule_of(123456789, rates[r], months, kind & 1, kind & 2 ? 23456789 : 0, 0, schedule, NULL);
    free(schedule);
}

static void
the_rate_of_return_includes_the_fee(void **state)
{
    double irr;
    struct schedule *schedule = malloc(sizeof *schedule);
    schedule_of(500000000, "4.8", 36, false, 0, 0, schedule, &irr);
    assert_true(fabs(irr - 4.8) < 0.0001);
    schedule_of(500000000, "4.8", 36, true, 50000000, 0, schedule, &irr);
    assert_true(fabs(irr - 4.8) < 0.0001);
    schedule_of(500000000, "4.8", 36, false, 0, 5000000, schedule, &irr);
    assert_true(irr > 5.4 && irr < 5.6); /* 1 % taken at the start costs about 0.69 points over three years */
    schedule_of(500000000, "0", 36, false, 0, 0, schedule, &irr);
    assert_true(fabs(irr) < 0.0001);
    free(schedule);
}

static void
a_payment_too_small_to_round_is_refused(void **state)
{
    struct lease lease;
    struct schedule *schedule = malloc(sizeof *schedule);
    lease_init(&lease); /* without interest */
    lease.amount = 200;
    lease.months = 360;
    assert_false(lease_schedule(&lease, schedule)); /* 0.55 rounds to 1: paid off long before the end */
    lease_fini(&lease);
    free(schedule);
}

static void
decimal_of(mpq_t out, const char *text)
{
    int places;
    assert_true(decimal_parse(text, out, &places));
}

static void
premiums_come_from_cif_cfr_and_expected_loss(void **state)
{
    int64_t premium = 0, insured = 0;
    mpq_t one, two;
    mpq_inits(one, two, NULL);
    decimal_of(one, "1.1");
    decimal_of(two, "0.0035");
    assert_true(premium_cargo(100000000, false, one, two, &premium, &insured));
    assert_int_equal(premium, 385000);
    assert_int_equal(insured, 110000000);
    assert_true(premium_cargo(100000000, true, one, two, &premium, &insured));
    assert_int_equal(premium, 386488);
    decimal_of(two, "1");
    assert_false(premium_cargo(100000000, true, one, two, &premium, &insured));
    assert_int_equal(premium, 386488); /* untouched */
    decimal_of(one, "0.20");
    decimal_of(two, "0.05");
    assert_true(premium_liability(18000, 4000, one, two, 120, &premium));
    assert_int_equal(premium, 3520000);
    decimal_of(two, "0.80");
    assert_false(premium_liability(18000, 4000, one, two, 120, &premium));
    mpq_clears(one, two, NULL);
}

static void
money_is_written_with_its_currencys_places(void **state)
{
    char text[MONEY_TEXT_BYTES];
    money_format(14940592, "CNY", 1, text);
    assert_string_equal(text, "149,405.92 CNY");
    money_format(5, "CNY", 0, text);
    assert_string_equal(text, "0.05");
    money_format(-123456, "JPY", 1, text);
    assert_string_equal(text, "-123,456 JPY");
    money_format(1000, "KWD", 1, text);
    assert_string_equal(text, "1.000 KWD");
    money_format(100000000000, "CNY", 0, text);
    assert_string_equal(text, "1,000,000,000.00");
}

/* ---- whole requests */

#define FACTS "'applicant':'Acme','founded_on':'2020-05-01','debt_ratio_percent':'45.5'"
#define EQUITY FACTS ",'amount':{'amount':2000000000,'currency':'CNY'},'sector':'biotech','stage':'a','rd_share_percent':'38','patents':7,'high_tech':true"
#define LEASE FACTS ",'amount':{'amount':500000000,'currency':'CNY'},'annual_rate_percent':'4.8','months':36,'overdue_days':0,'new_equipment':true"
#define CARGO FACTS ",'cover':'cargo','claims_5y':0,'gmp_certified':true,'value':{'amount':100000000,'currency':'CNY'},'value_basis':'cfr'," \
    "'rate_percent':'0.35'"

static void
run(const char *service, const char *input, struct answer *answer)
{
    support_run_json(funding_compute, policies, service, input, NULL, answer);
}

static void
a_good_applicant_is_eligible(void **state)
{
    struct answer answer;
    run("funding.equity", "{" EQUITY "}", &answer);
    assert_int_equal(answer.kind, ANSWER_DONE);
    assert_string_equal(answer.outcome, "eligible");
    assert_int_equal(support_integer(&answer, "score"), 100);
    assert_int_equal(json_array_size(json_object_get(answer.output, "criteria")), 6);
    answer_fini(&answer);
}

static void
a_knock_out_decides_alone_and_every_criterion_is_listed(void **state)
{
    struct answer answer;
    run("funding.fund", "{'applicant':'Acme','founded_on':'2020-05-01','debt_ratio_percent':'70.1','amount':{'amount':1,'currency':'CNY'},"
        "'sector':'biotech','stage':'a','rd_share_percent':'38','patents':7,'high_tech':true}", &answer);
    assert_int_equal(answer.kind, ANSWER_DONE);
    assert_string_equal(answer.outcome, "not-eligible");
    assert_int_equal(support_integer(&answer, "score"), 80);
    const json_t *row = json_array_get(json_object_get(answer.output, "criteria"), 4);
    assert_string_equal(json_string_value(json_object_get(row, "verdict")), "knock-out");
    answer_fini(&answer);
}

static void
a_middling_score_is_for_a_person(void **state)
{
    struct answer answer;
    run("funding.equity", "{'applicant':'Acme','founded_on':'2010-05-01','debt_ratio_percent':'50','amount':{'amount':1,'currency':'CNY'},"
        "'sector':'biotech','stage':'a','rd_share_percent':'14.99','patents':3,'high_tech':false}", &answer);
    assert_string_equal(answer.outcome, "refer");
    assert_int_equal(support_integer(&answer, "score"), 50);
    answer_fini(&answer);
}

static void
an_age_is_counted_in_completed_years(void **state)
{
    struct answer answer;
    /* today is 2026-03-31: ten years old today, and eleven tomorrow would still be ten */
    run("funding.equity", "{'applicant':'A','founded_on':'2015-04-01','debt_ratio_percent':'1','amount':{'amount':1,'currency':'CNY'},'sector':'tcm',"
        "'stage':'b','rd_share_percent':'1','patents':0,'high_tech':false}", &answer);
    assert_int_equal(support_integer(&answer, "score"), 45);
    answer_fini(&answer);
    run("funding.equity", "{'applicant':'A','founded_on':'2015-03-31','debt_ratio_percent':'1','amount':{'amount':1,'currency':'CNY'},'sector':'tcm',"
        "'stage':'b','rd_share_percent':'1','patents':0,'high_tech':false}", &answer);
    assert_int_equal(support_integer(&answer, "score"), 30);
    answer_fini(&answer);
}

static void
what_the_policy_lacks_is_asked_back_at_once(void **state)
{
    struct answer answer;
    run("funding.equity", "{'applicant':'Acme','amount':{'amount':1,'currency':'CNY'},'sector':'biotech','stage':'a','rd_share_percent':'38',"
        "'patents':7,'high_tech':true}", &answer);
    assert_int_equal(answer.kind, ANSWER_ASK);
    assert_int_equal(answer.fields_n, 2);
    assert_string_equal(answer.fields[0], "founded_on");
    assert_string_equal(answer.fields[1], "debt_ratio_percent");
    answer_fini(&answer);
    run("funding.insurance", "{'applicant':'Acme','cover':'liability','units':120,'claims_5y':0,'gmp_certified':true}", &answer);
    assert_int_equal(answer.kind, ANSWER_ASK);
    assert_int_equal(answer.fields_n, 5);
    assert_string_equal(answer.fields[0], "expected_loss");
    assert_string_equal(answer.fields[4], "founded_on");
    answer_fini(&answer);
}

static long long
money_field(const struct answer *answer, const char *name)
{
    return json_integer_value(json_object_get(json_object_get(answer->output, name), "amount"));
}

static void
a_lease_has_its_terms(void **state)
{
    struct answer answer;
    run("funding.lease", "{" LEASE "}", &answer);
    assert_string_equal(answer.outcome, "eligible");
    assert_int_equal(money_field(&answer, "payment"), 14940592);
    assert_int_equal(money_field(&answer, "last_payment"), 14940591);
    assert_int_equal(money_field(&answer, "interest_total"), 37861311);
    assert_string_equal(support_text(&answer, "irr_percent"), "4.8000");
    support_golden(&answer, "term-sheet.en.txt", "term-sheet.en.txt");
    support_golden(&answer, "term-sheet.zh.txt", "term-sheet.zh.txt");
    assert_non_null(json_object_get(json_object_get(answer.body, "documents"), "schedule.zh.html"));
    answer_fini(&answer);
    run("funding.lease", "{" LEASE ",'timing':'advance'}", &answer);
    assert_int_equal(money_field(&answer, "payment"), 14881068);
    answer_fini(&answer);
    run("funding.lease", "{" LEASE ",'balloon':{'amount':50000000,'currency':'CNY'}}", &answer);
    assert_int_equal(money_field(&answer, "payment"), 13646533);
    answer_fini(&answer);
}

/* A schedule of 30 years still fits the wire: what does not is named. */
static void
the_longest_schedule_fits_the_body(void **state)
{
    struct answer answer;
    size_t size;
    run("funding.lease", "{" FACTS ",'amount':{'amount':500000000,'currency':'CNY'},'annual_rate_percent':'4.8','months':360,'overdue_days':0,"
        "'new_equipment':true}", &answer);
    char *text = job_body(&answer, &size);
    assert_true(size <= JOB_BODY_BYTES_MAX);
    assert_non_null(strstr(text, "\"schedule.en.txt\":"));
    assert_non_null(strstr(text, "\"omitted\":["));
    free(text);
    answer_fini(&answer);
}

static void
insurance_is_quoted(void **state)
{
    struct answer answer;
    run("funding.insurance", "{" CARGO "}", &answer);
    assert_string_equal(answer.outcome, "quoted");
    assert_int_equal(money_field(&answer, "premium"), 386488);
    answer_fini(&answer);
    run("funding.insurance",
        "{" FACTS ",'cover':'liability','claims_5y':1,'gmp_certified':false,'expected_loss':{'amount':18000,'currency':'CNY'},"
            "'fixed_cost':{'amount':4000,'currency':'CNY'},"
        "'commission':'0.20','margin':'0.05','units':120}", &answer);
    assert_string_equal(answer.outcome, "quoted");
    assert_int_equal(money_field(&answer, "premium"), 3520000);
    answer_fini(&answer);
}

static void
bad_input_is_refused_by_its_path(void **state)
{
    static const struct {
        const char *service, *input, *path;
    } cases[] = {
        {"funding.equity", "{}", "input.applicant"},
        {"funding.equity", "{'applicant':'A','founded_on':'soon','debt_ratio_percent':'1','amount':{'amount':1,'currency':'CNY'},'sector':'tcm',"
            "'stage':'b','rd_share_percent':'1','patents':0,'high_tech':false}", "input.founded_on"},
        {"funding.equity", "{'applicant':'A','founded_on':'2020-01-01','debt_ratio_percent':'high','amount':{'amount':1,'currency':'CNY'},"
            "'sector':'tcm','stage':'b','rd_share_percent':'1','patents':0,'high_tech':false}", "input.debt_ratio_percent"},
        {"funding.equity", "{'applicant':'A','founded_on':'2020-01-01','debt_ratio_percent':'1','amount':{'amount':-1,'currency':'CNY'},"
            "'sector':'tcm','stage':'b','rd_share_percent':'1','patents':0,'high_tech':false}", "input.amount"},
        {"funding.equity", "{'applicant':'A','founded_on':'2020-01-01','debt_ratio_percent':'1','amount':{'amount':1,'currency':'yuan'},"
            "'sector':'tcm','stage':'b','rd_share_percent':'1','patents':0,'high_tech':false}", "input.amount"},
        {"funding.lease", "{" FACTS ",'amount':{'amount':500000000,'currency':'CNY'},'annual_rate_percent':'4.8','months':361,'overdue_days':0,"
            "'new_equipment':true}", "input.months"},
        {"funding.lease", "{" FACTS ",'amount':{'amount':500000000,'currency':'CNY'},'annual_rate_percent':'-4.8','months':36,'overdue_days':0,"
            "'new_equipment':true}", "input.annual_rate_percent"},
        {"funding.lease", "{" LEASE ",'balloon':{'amount':500000000,'currency':'CNY'}}", "input.balloon"},
        {"funding.lease", "{" LEASE ",'fee':{'amount':1,'currency':'USD'}}", "input.fee"},
        {"funding.lease", "{" LEASE ",'timing':'later'}", "input.timing"},
        {"funding.insurance", "{" FACTS ",'cover':'rain'}", "input.cover"},
        {"funding.insurance", "{" CARGO ",'uplift':'0.9'}", "input.uplift"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct answer answer;
        run(cases[i].service, cases[i].input, &answer);
        if (answer.kind != ANSWER_REFUSED)
            fail_msg("case %zu was not refused", i);
        assert_string_equal(answer.fault.path, cases[i].path);
        answer_fini(&answer);
    }
}

static void
a_bad_policy_file_says_where(void **state)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"policies: 7\n", "policies"},
        {"policies:\n  - {name: a, version: '1', services: [x], pass: 1, refer: 0, colour: red}\n", "colour"},
        {"policies:\n  - {name: a, version: '1', services: [x], pass: 1, refer: 0, criteria: [{id: a, field: f, title: t, title_zh: t, type: text,"
            " op: ge, value: '1', weight: 1}]}\n", "policies[0].criteria[0]: ge and le"},
        {"policies:\n  - {name: a, version: '1', services: [x], pass: 1, refer: 0, criteria: [{id: a, field: f, title: t, title_zh: t, type: number,"
            " op: ge, value: many, weight: 1}]}\n", "no decimal"},
        {"policies:\n  - {name: a, version: '1', services: [x], pass: 1, refer: 0, criteria: [{id: a, field: f, title: t, title_zh: t, type: money,"
            " op: ge, value: '5', weight: 1}]}\n", "currency"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[] = "/tmp/qiao-policy-XXXXXX", error[512];
        struct policies *bad;
        int fd = mkstemp(path);
        FILE *file = fdopen(fd, "w");
        fputs(cases[i].text, file);
        fclose(file);
        assert_false(policies_load(path, &bad, error, sizeof error));
        remove(path);
        assert_non_null(strstr(error, path));
        if (!strstr(error, cases[i].expected))
            fail_msg("case %zu: %s", i, error);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_annuity_pays_its_amount_off_exactly),
        cmocka_unit_test(every_schedule_sums_to_its_amount),
        cmocka_unit_test(the_rate_of_return_includes_the_fee),
        cmocka_unit_test(a_payment_too_small_to_round_is_refused),
        cmocka_unit_test(premiums_come_from_cif_cfr_and_expected_loss),
        cmocka_unit_test(money_is_written_with_its_currencys_places),
        cmocka_unit_test(a_good_applicant_is_eligible),
        cmocka_unit_test(a_knock_out_decides_alone_and_every_criterion_is_listed),
        cmocka_unit_test(a_middling_score_is_for_a_person),
        cmocka_unit_test(an_age_is_counted_in_completed_years),
        cmocka_unit_test(what_the_policy_lacks_is_asked_back_at_once),
        cmocka_unit_test(a_lease_has_its_terms),
        cmocka_unit_test(the_longest_schedule_fits_the_body),
        cmocka_unit_test(insurance_is_quoted),
        cmocka_unit_test(bad_input_is_refused_by_its_path),
        cmocka_unit_test(a_bad_policy_file_says_where),
    };
    return cmocka_run_group_tests_name("workers funding", tests, policies_setup, policies_teardown);
}
