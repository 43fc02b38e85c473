/* testing.*: see testing.h. */
#include "testing/testing.h"

#include "common/civil.h"
#include "testing/certificate.h"
#include "testing/trend.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* What one computation gathers. */
struct run {
    const struct job *job;
    struct answer *answer;
    struct certificate certificate;
    struct specification specification;
    struct reader more; /* more_replicates; map NULL when absent */
    bool by_ask, has_more;
    json_t *document, *results; /* results: what is digested */
    size_t tests, failed, open;
    struct trend trend;
    char computed_by[JOB_SIGNER_BYTES], verified_by[JOB_SIGNER_BYTES];
};

static void
date_field(const struct reader *input, const char *name, char *out)
{
    int64_t day;
    if (read_date(input, name, &day))
        civil_format_date(day, out);
}

static void
input_read(struct run *run, const struct reader *input, char *number, size_t number_bytes)
{
    struct certificate *certificate = &run->certificate;
    certificate->service = run->job->service;
    certificate->product = read_text(input, "product");
    certificate->batch = read_text(input, "batch");
    certificate->sample = read_text(input, "sample");
    certificate->manufacturer = read_text_or(input, "manufacturer", "");
    certificate->condition = read_text_or(input, "condition", "");
    certificate->version = (int)read_integer_or(input, "certificate_version", 1, 99, 1);
    date_field(input, "sampled_on", certificate->sampled_on);
    date_field(input, "received_on", certificate->received_on);
    date_field(input, "tested_on", certificate->tested_on);
    date_field(input, "expires_on", certificate->expires_on);
    civil_format_time(run->job->now_us, certificate->issued_at);
    snprintf(number, number_bytes, "COA-%s", run->job->reference);
    certificate->number = number;
    job_signers(run->job, run->computed_by, run->verified_by);
    certificate->computed_by = run->computed_by;
    certificate->verified_by = *run->verified_by ? run->verified_by : NULL;
    run->by_ask = read_flag_or(input, "stages_by_ask", true);
    run->has_more = reader_has(input, "more_replicates");
    if (run->has_more)
        run->more = reader_child(input, "more_replicates");
}

/* Keep a result for the output, and its need of a further stage as a question. */
static void
result_add(struct run *run, const struct judged *judged, int months, const char *suffix)
{
    json_t *row = json_object();
    json_object_set_new(row, "test", json_string(judged->test));
    json_object_set_new(row, "result", json_string(judged->result));
    json_object_set_new(row, "limit", json_string(judged->limit));
    json_object_set_new(row, "verdict", json_string(verdict_word(judged->verdict)));
    if (*judged->detail)
        json_object_set_new(row, "detail", json_string(judged->detail));
    if (months >= 0)
        json_object_set_new(row, "months", json_integer(months));
    json_array_append_new(run->results, row);
    run->tests++;
    run->failed += judged->verdict == VERDICT_FAILS;
    if (judged->verdict != VERDICT_STAGE_NEEDED)
        return;
    run->open++;
    size_t used = strlen(run->answer->message);
    snprintf(run->answer->message + used, sizeof run->answer->message - used, "%s%s%s: stage %d required, %zu more units", used ? "; " : "",
             judged->test, suffix, judged->stage, judged->more);
}

static bool
results_judge(struct run *run, const struct reader *results, int months)
{
    char suffix[16] = "";
    if (months >= 0)
        snprintf(suffix, sizeof suffix, "@%d", months);
    json_t *rows = certificate_tests(run->document, months);
    for (size_t i = 0; i < json_array_size(run->specification.tests); i++) {
        struct judged judged;
        if (!specification_judge(&run->specification, i, results, run->has_more ? &run->more : NULL, suffix, &judged))
            return false;
        certificate_test_add(rows, &judged);
        result_add(run, &judged, months, suffix);
        if (months >= 0 && judged.quantitative)
            trend_add(&run->trend, i, judged.assay, months, judged.value);
    }
    return true;
}

static void
timepoints_judge(struct run *run, const struct reader *body)
{
    int64_t before = -1;
    const json_t *points = read_list(body, "timepoints", 2, TREND_POINTS_MAX);
    for (size_t i = 0; points && i < json_array_size(points); i++) {
        struct reader point = reader_element(body, "timepoints", points, i);
        int64_t months = read_integer(&point, "months", 0, 120);
        if (months <= before)
            reader_wrong(&point, "months", "later than the point before it");
        before = months;
        struct reader results = reader_child(&point, "results");
        if (body->fault->kind != FAULT_NONE || !results_judge(run, &results, (int)months))
            return;
    }
}

/* Slopes and significant change of a stability study, as a table of their own. */
static void
trends_write(struct run *run)
{
    json_t *columns = json_array();
    json_array_append_new(columns, phrase("Test", "检验项目"));
    json_array_append_new(columns, phrase("Slope per month", "每月变化"));
    json_array_append_new(columns, phrase("Change from the start", "较初始变化"));
    document_heading(run->document, "Trend", "趋势");
    json_t *rows = document_table(run->document, columns);
    for (size_t i = 0; i < json_array_size(run->specification.tests); i++) {
        double slope, change;
        if (!trend_of(&run->trend, i, &slope, &change))
            continue;
        char text[48];
        const char *name = json_string_value(json_object_get(json_array_get(run->specification.tests, i), "id"));
        json_t *row = json_array();
        json_array_append_new(row, phrase_plain(name));
        snprintf(text, sizeof text, "%+.4f", slope);
        json_array_append_new(row, phrase_plain(text));
        snprintf(text, sizeof text, "%+.2f %%", change);
        json_array_append_new(row, phrase_plain(text));
        json_array_append_new(rows, row);
    }
}

static const char *
outcome_of(const struct run *run)
{
    if (strcmp(run->job->service, "testing.central-lab") == 0 && run->open == 0)
        return "reported";
    return run->failed ? "out-of-specification" : run->open ? "further-stage-required" : "conforming";
}

static void
output_write(struct run *run, const struct reader *input)
{
    struct answer *answer = run->answer;
    char digest[JOB_DIGEST_BYTES];
    json_t *content = json_object(), *output = json_object();
    json_object_set_new(content, "specification", json_string(run->specification.id));
    json_object_set_new(content, "version", json_string(run->specification.version));
    json_object_set_new(content, "batch", json_string(run->certificate.batch));
    json_object_set_new(content, "outcome", json_string(answer->outcome));
    json_object_set(content, "results", run->results);
    job_digest(content, digest);
    json_decref(content);

    json_object_set_new(output, "certificate", json_string(run->certificate.number));
    json_object_set_new(output, "certificate_version", json_integer(run->certificate.version));
    json_object_set_new(output, "verdict", json_string(answer->outcome));
    json_object_set_new(output, "tests", json_integer((json_int_t)run->tests));
    json_object_set_new(output, "failed", json_integer((json_int_t)run->failed));
    /* A long study does not fit the output map; its results are in the body. */
    if (json_array_size(run->results) <= 24)
        json_object_set(output, "results", run->results);
    json_t *answers = json_object();
    if (run->has_more)
        json_object_set(answers, "more_replicates", json_object_get(input->map, "more_replicates"));
    json_object_set_new(output, "answers", answers);
    json_object_set_new(output, "computed_by", json_string(run->certificate.computed_by));
    json_object_set_new(output, "digest", json_string(digest));
    if (run->trend.points > 0)
        json_object_set_new(output, "significant_change", json_boolean(trend_significant(&run->trend, json_array_size(run->specification.tests))));
    answer->output = output;

    answer->body = json_object();
    json_object_set_new(answer->body, "service", json_string(run->job->service));
    json_object_set_new(answer->body, "outcome", json_string(answer->outcome));
    json_object_set(answer->body, "results", run->results);
    document_bundle(run->document, "certificate", answer->body);
}

static void
steps_write(struct answer *answer, size_t tests)
{
    static const struct {
        int half_seconds;
        double progress;
        const char *business_status, *message;
    } steps[] = {{0, 0.0, "sample_received", "sample received"}, {1, 0.3, "in_test", "testing"}, {2, 0.9, "in_test", "results complete"}};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct step *step = answer_step(answer, steps[i].half_seconds * CIVIL_SECOND_US / 2, steps[i].progress);
        if (!step)
            return;
        word_set(step->business_status, "%s", steps[i].business_status);
        word_set(step->message, "%s, %zu tests", steps[i].message, tests);
    }
    answer->length_us = 2 * CIVIL_SECOND_US; /* the laboratory's work is in the results already */
}

static void
run_conclude(struct run *run, const struct reader *input)
{
    struct answer *answer = run->answer;
    if (run->open > 0 && run->failed == 0 && run->by_ask) {
        answer_ask(answer, "more_replicates");
        return;
    }
    answer->kind = ANSWER_DONE;
    word_set(answer->outcome, "%s", outcome_of(run));
    word_set(answer->business_status, "to_be_verified");
    run->certificate.outcome = answer->outcome;
    if (run->trend.points > 0)
        trends_write(run);
    certificate_close(run->document, &run->certificate);
    output_write(run, input);
    steps_write(answer, run->tests);
}

void
testing_compute(const struct job *job, void *site, struct answer *answer)
{
    char number[96];
    struct run run = {.job = job, .answer = answer};
    struct fault *fault = &answer->fault;
    struct reader input = reader_of(job->input, "input", fault);
    (void)site;

    input_read(&run, &input, number, sizeof number);
    json_t *body_json = fault->kind == FAULT_NONE ? body_parse(job->body, job->body_bytes, fault) : NULL;
    struct reader body = reader_of(body_json, "body", fault);
    run.results = json_array();
    if (fault->kind == FAULT_NONE && specification_read(&body, &run.specification)) {
        run.certificate.specification = &run.specification;
        run.document = certificate_new(&run.certificate);
        if (strcmp(job->service, "testing.stability") == 0) {
            timepoints_judge(&run, &body);
        } else {
            struct reader results = reader_child(&body, "results");
            results_judge(&run, &results, -1);
        }
        if (fault->kind == FAULT_NONE)
            run_conclude(&run, &input);
    }
    if (fault->kind != FAULT_NONE)
        answer->kind = ANSWER_REFUSED;
    json_decref(run.document);
    json_decref(run.results);
    json_decref(body_json);
}
