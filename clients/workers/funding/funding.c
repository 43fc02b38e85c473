/* funding.*: see funding.h. */
#include "funding/funding.h"

#include "common/civil.h"
#include "common/money.h"
#include "funding/finance.h"
#include "funding/terms.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What one computation gathers. */
struct run {
    const struct job *job;
    struct answer *answer;
    const struct policy *policy;
    struct reader input;
    const char *applicant;
    char computed_by[160];
    struct eligibility eligibility;
    json_t *document; /* the term sheet */
};

static json_t *
money_json(int64_t minor, const char *currency)
{
    json_t *money = json_object();
    json_object_set_new(money, "amount", json_integer(minor));
    json_object_set_new(money, "currency", json_string(currency));
    return money;
}

/* Ask for a field unless it is there. */
static void
need(struct run *run, const char *name)
{
    if (run->input.fault->kind == FAULT_NONE && !reader_has(&run->input, name))
        answer_ask(run->answer, name);
}

static bool
sound(const struct run *run)
{
    return run->input.fault->kind == FAULT_NONE;
}

/* ---- lease */

/* An optional amount in the currency of the amount and below it; 0 when absent. */
static int64_t
part_read(const struct reader *input, const char *name, const struct money *whole)
{
    struct money part = {0};
    if (!reader_has(input, name) || !read_money(input, name, &part))
        return 0;
    if (strcmp(part.currency, whole->currency) != 0)
        reader_wrong(input, name, "in the currency of amount");
    else if (part.minor >= whole->minor)
        reader_wrong(input, name, "less than amount");
    return part.minor;
}

static void
lease_read(const struct reader *input, struct lease *lease, struct money *amount)
{
    static const char *const timings[] = {"arrears", "advance", NULL};
    int places;
    mpq_t bound;
    mpq_init(bound);
    if (read_money(input, "amount", amount) && amount->minor == 0)
        reader_wrong(input, "amount", "more than nothing");
    lease->amount = amount->minor;
    decimal_set_ratio(bound, 100, 1);
    if (read_decimal(input, "annual_rate_percent", lease->monthly_rate, &places) &&
        (mpq_sgn(lease->monthly_rate) < 0 || mpq_cmp(lease->monthly_rate, bound) > 0))
        reader_wrong(input, "annual_rate_percent", "from 0 to 100");
    decimal_set_ratio(bound, 1200, 1);
    mpq_div(lease->monthly_rate, lease->monthly_rate, bound);
    lease->months = (int)read_integer(input, "months", 1, MONTHS_MAX);
    lease->in_advance = read_word_or(input, "timing", timings, 0) == 1;
    lease->balloon = part_read(input, "balloon", amount);
    lease->fee = part_read(input, "fee", amount);
    mpq_clear(bound);
}

static void
lease_terms(struct run *run, const struct lease *lease, const struct schedule *schedule, const char *currency)
{
    double nominal, effective;
    char text[64];
    json_t *output = run->answer->output;
    json_object_set_new(output, "payment", money_json(schedule->payment, currency));
    json_object_set_new(output, "last_payment", money_json(schedule->last_payment, currency));
    json_object_set_new(output, "interest_total", money_json(schedule->interest_total, currency));
    json_object_set_new(output, "fee_total", money_json(lease->fee, currency));
    json_object_set_new(output, "payments", json_integer(schedule->rows_n));
    terms_money(run->document, "Amount", "租赁金额", lease->amount, currency);
    terms_money(run->document, lease->in_advance ? "Payment, in advance" : "Payment, in arrears", lease->in_advance ? "每期租金（期初支付）" : "每期租金（期末支付）",
                schedule->payment, currency);
    terms_money(run->document, "Last payment", "末期租金", schedule->last_payment, currency);
    if (lease->balloon > 0)
        terms_money(run->document, "Balloon", "尾款", lease->balloon, currency);
    terms_money(run->document, "Interest in all", "利息合计", schedule->interest_total, currency);
    terms_money(run->document, "Fee", "手续费", lease->fee, currency);
    if (lease_irr(lease, schedule, &nominal, &effective)) {
        snprintf(text, sizeof text, "%.4f", nominal);
        json_object_set_new(output, "irr_percent", json_string(text));
        snprintf(text, sizeof text, "%.4f %% / %.4f %%", nominal, effective);
        document_field(run->document, "Internal rate of return, nominal / effective", "内部收益率，名义 / 实际", phrase_plain(text));
    }
}

static void
lease_conclude(struct run *run)
{
    struct money amount = {0};
    struct lease lease;
    struct schedule *schedule = calloc(1, sizeof *schedule);
    lease_init(&lease);
    lease_read(&run->input, &lease, &amount);
    if (sound(run) && !lease_schedule(&lease, schedule))
        reader_wrong(&run->input, "months", "a term whose payments can be rounded to the currency's minor unit");
    if (sound(run) && run->eligibility.verdict != POLICY_NOT_ELIGIBLE) {
        lease_terms(run, &lease, schedule, amount.currency);
        json_t *table = terms_schedule(schedule, amount.currency);
        terms_close(run->document, &run->eligibility, run->computed_by);
        document_bundle(run->document, "term-sheet", run->answer->body);
        document_bundle(table, "schedule", run->answer->body);
        json_decref(table);
    }
    lease_fini(&lease);
    free(schedule);
}

/* ---- insurance */

static void
cargo_conclude(struct run *run)
{
    static const char *const bases[] = {"cif", "cfr", NULL};
    int places;
    int64_t premium, insured;
    struct money value = {0};
    mpq_t rate, uplift, hundred;
    mpq_inits(rate, uplift, hundred, NULL);
    decimal_set_ratio(hundred, 100, 1);
    read_money(&run->input, "value", &value);
    int basis = read_word(&run->input, "value_basis", bases);
    read_decimal(&run->input, "rate_percent", rate, &places);
    read_decimal_or(&run->input, "uplift", "1.1", uplift, &places);
    if (sound(run) && (mpq_sgn(rate) <= 0 || mpq_cmp(rate, hundred) > 0))
        reader_wrong(&run->input, "rate_percent", "above 0 and at most 100");
    if (sound(run) && mpq_cmp_ui(uplift, 1, 1) < 0)
        reader_wrong(&run->input, "uplift", "at least 1");
    mpq_div(rate, rate, hundred);
    if (sound(run) && !premium_cargo(value.minor, basis == 1, uplift, rate, &premium, &insured))
        reader_wrong(&run->input, "rate_percent", "a rate at which a premium exists");
    if (sound(run)) {
        json_object_set_new(run->answer->output, "premium", money_json(premium, value.currency));
        json_object_set_new(run->answer->output, "insured_sum", money_json(insured, value.currency));
        terms_money(run->document, basis == 1 ? "Value, CFR" : "Value, CIF", basis == 1 ? "货值（CFR）" : "货值（CIF）", value.minor, value.currency);
        terms_money(run->document, "Insured sum", "保险金额", insured, value.currency);
        terms_money(run->document, "Premium", "保险费", premium, value.currency);
    }
    mpq_clears(rate, uplift, hundred, NULL);
}

static void
liability_conclude(struct run *run)
{
    int places;
    int64_t premium;
    struct money loss = {0}, cost = {0};
    mpq_t commission, margin;
    mpq_inits(commission, margin, NULL);
    read_money(&run->input, "expected_loss", &loss);
    read_money(&run->input, "fixed_cost", &cost);
    if (sound(run) && strcmp(loss.currency, cost.currency) != 0)
        reader_wrong(&run->input, "fixed_cost", "in the currency of expected_loss");
    if (read_decimal(&run->input, "commission", commission, &places) && mpq_sgn(commission) < 0)
        reader_wrong(&run->input, "commission", "a fraction from 0");
    if (read_decimal(&run->input, "margin", margin, &places) && mpq_sgn(margin) < 0)
        reader_wrong(&run->input, "margin", "a fraction from 0");
    int64_t units = read_integer(&run->input, "units", 1, 10000000);
    if (sound(run) && !premium_liability(loss.minor, cost.minor, commission, margin, units, &premium))
        reader_wrong(&run->input, "margin", "less than 1 together with commission");
    if (sound(run)) {
        json_object_set_new(run->answer->output, "premium", money_json(premium, loss.currency));
        terms_money(run->document, "Premium", "保险费", premium, loss.currency);
    }
    mpq_clears(commission, margin, NULL);
}

static const char *const covers[] = {"cargo", "liability", NULL};

static void
insurance_needs(struct run *run)
{
    static const char *const cargo[] = {"value", "value_basis", "rate_percent", NULL};
    static const char *const liability[] = {"expected_loss", "fixed_cost", "commission", "margin", "units", NULL};
    const char *const *names = read_word(&run->input, "cover", covers) == 0 ? cargo : liability;
    for (; *names; names++)
        need(run, *names);
}

/* ---- all */

static void
outcome_write(struct run *run)
{
    struct answer *answer = run->answer;
    bool insurance = strcmp(run->job->service, "funding.insurance") == 0;
    const char *good = insurance ? "quoted" : "eligible";
    enum policy_verdict verdict = run->eligibility.verdict;
    answer->kind = ANSWER_DONE;
    word_set(answer->outcome, "%s", verdict == POLICY_ELIGIBLE ? good : verdict == POLICY_REFER ? "refer" : "not-eligible");
    word_set(answer->business_status, "%s", answer->outcome);
    json_object_set_new(answer->output, "score", json_integer(run->eligibility.score));
    json_object_set_new(answer->output, "score_max", json_integer(run->eligibility.score_max));
    json_object_set(answer->output, "criteria", run->eligibility.criteria);
    json_object_set_new(answer->output, "policy", json_string(policy_name(run->policy)));
    json_object_set_new(answer->output, "policy_version", json_string(policy_version(run->policy)));
    json_object_set_new(answer->output, "computed_by", json_string(run->computed_by));
    json_object_set_new(answer->body, "service", json_string(run->job->service));
    json_object_set_new(answer->body, "outcome", json_string(answer->outcome));
    json_object_set(answer->body, "criteria", run->eligibility.criteria);
    struct step *step = answer_step(answer, 0, 0.5);
    if (step) {
        word_set(step->business_status, "screening");
        word_set(step->message, "policy %.60s, score %d of %d", policy_name(run->policy), run->eligibility.score, run->eligibility.score_max);
    }
    answer->length_us = CIVIL_SECOND_US / 2;
}

static void
run_conclude(struct run *run)
{
    struct money amount;
    const char *service = run->job->service;
    run->answer->output = json_object();
    run->answer->body = json_object();
    run->document = terms_new(service, run->applicant, run->policy, &run->eligibility);
    if (strcmp(service, "funding.lease") == 0) {
        lease_conclude(run);
    } else if (strcmp(service, "funding.insurance") == 0) {
        if (read_word(&run->input, "cover", covers) == 0)
            cargo_conclude(run);
        else
            liability_conclude(run);
    } else if (read_money(&run->input, "amount", &amount)) {
        terms_money(run->document, "Amount asked for", "申请金额", amount.minor, amount.currency);
    }
    if (!sound(run))
        return;
    if (!json_object_get(run->answer->body, "documents")) {
        terms_close(run->document, &run->eligibility, run->computed_by);
        document_bundle(run->document, "term-sheet", run->answer->body);
    }
    outcome_write(run);
}

void
funding_compute(const struct job *job, void *site, struct answer *answer)
{
    struct run run = {.job = job, .answer = answer, .policy = policy_for(site, job->service), .input = reader_of(job->input, "input", &answer->fault)};
    if (!run.policy) {
        answer->kind = ANSWER_TROUBLE;
        word_set(answer->message, "no policy covers this service");
        return;
    }
    snprintf(run.computed_by, sizeof run.computed_by, "%s / %s", job->party, job->member);
    run.applicant = read_text(&run.input, "applicant");
    if (strcmp(job->service, "funding.insurance") == 0)
        insurance_needs(&run);
    if (sound(&run) && policy_judge(run.policy, &run.input, job->now_us / CIVIL_DAY_US, &run.eligibility)) {
        for (size_t i = 0; i < run.eligibility.missing_n; i++)
            answer_ask(answer, run.eligibility.missing[i]);
        if (answer->kind == ANSWER_ASK)
            word_set(answer->message, "policy %.60s and the terms need %zu more fields", policy_name(run.policy), answer->fields_n);
        else
            run_conclude(&run);
    }
    if (!sound(&run))
        answer->kind = ANSWER_REFUSED;
    json_decref(run.document);
    json_decref(run.eligibility.criteria);
}
