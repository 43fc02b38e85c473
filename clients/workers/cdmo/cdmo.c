/* cdmo.*: see cdmo.h. */
#include "cdmo/cdmo.h"

#include "cdmo/record.h"
#include "common/civil.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLIPS_MAX = 50, KEEP_DAYS = 30 };

/* What one computation gathers. */
struct run {
    const struct job *job;
    struct cdmo_site *site;
    struct answer *answer;
    struct reader input, body;
    json_t *body_json;
    struct record record;
    char computed_by[JOB_SIGNER_BYTES], verified_by[JOB_SIGNER_BYTES];
    int64_t earliest_us;
    struct stages stages;
    struct batch_yield yield;
};

static bool
sound(const struct run *run)
{
    return run->answer->fault.kind == FAULT_NONE;
}

/* How long a stage took more than planned: "slips" of the body, [{stage, hours}]. They are checked before anything is booked. */
static void
slips_check(struct run *run)
{
    if (!run->body_json || !reader_has(&run->body, "slips"))
        return;
    const json_t *slips = read_list(&run->body, "slips", 1, SLIPS_MAX);
    for (size_t i = 0; slips && i < json_array_size(slips); i++) {
        struct reader slip = reader_element(&run->body, "slips", slips, i);
        const char *stage = read_text(&slip, "stage");
        size_t known = 0;
        read_integer(&slip, "hours", 1, STAGE_HOURS_MAX);
        while (stage && known < run->stages.n && strcmp(run->stages.v[known].id, stage) != 0)
            known++;
        if (stage && known == run->stages.n)
            reader_wrong(&slip, "stage", "the id of a stage");
    }
}

static void
slips_apply(struct run *run)
{
    const json_t *slips = json_object_get(run->body_json, "slips");
    for (size_t i = 0; i < json_array_size(slips); i++) {
        const json_t *slip = json_array_get(slips, i);
        plan_slip(&run->site->ledger.plan, run->site->plant, run->job->reference, json_string_value(json_object_get(slip, "stage")),
                  json_integer_value(json_object_get(slip, "hours")) * CIVIL_HOUR_US);
    }
}

static void
request_read(struct run *run)
{
    const char *titre_unit = "g/L";
    bool own = plant_process(run->site->plant, run->job->service, &run->stages, &titre_unit);
    run->record.product = read_text(&run->input, "product");
    run->record.batch = read_text(&run->input, "batch");
    run->earliest_us = run->job->now_us;
    if (read_time(&run->input, "earliest_start", &run->earliest_us) && run->earliest_us < run->job->now_us)
        run->earliest_us = run->job->now_us;
    batch_yield_compute(&run->input, titre_unit, &run->yield);
    if (sound(run) && run->job->body_bytes > 0)
        run->body_json = body_parse(run->job->body, run->job->body_bytes, &run->answer->fault);
    run->body = reader_of(run->body_json, "body", &run->answer->fault);
    if (sound(run) && reader_has(&run->body, "stages"))
        stages_read(run->site->plant, &run->body, &run->stages);
    else if (!own)
        fault_missing(&run->answer->fault, "body.stages");
    slips_check(run);
}

/* A copy of the batch's bookings, made under the ledger's lock; the caller frees bookings. False: answer says why. */
static bool
batch_book(struct run *run, struct batch *out)
{
    char error[256] = "the plan is full";
    struct ledger *ledger = &run->site->ledger;
    bool done = false;
    if (!ledger_open(ledger, error, sizeof error)) {
        run->answer->kind = ANSWER_TROUBLE;
        word_set(run->answer->message, "%s", error);
        return false;
    }
    plan_prune(&ledger->plan, run->job->now_us - KEEP_DAYS * CIVIL_DAY_US);
    const struct batch *batch = plan_find(&ledger->plan, run->job->reference);
    bool fresh = !batch;
    if (fresh) {
        batch = plan_book(&ledger->plan, run->site->plant, run->job->reference, &run->stages, run->earliest_us, run->job->now_us);
        if (batch)
            slips_apply(run);
    }
    if (batch) {
        *out = *batch;
        out->bookings = calloc(batch->bookings_n, sizeof *out->bookings);
        done = out->bookings != NULL;
        if (done)
            memcpy(out->bookings, batch->bookings, batch->bookings_n * sizeof *out->bookings);
    }
    if (fresh && run->job->verifying)
        plan_cancel(&ledger->plan, run->job->reference);
    if (!ledger_close(ledger, done && fresh && !run->job->verifying, error, sizeof error))
        done = false;
    if (!done) {
        run->answer->kind = ANSWER_TROUBLE;
        word_set(run->answer->message, "%s", error);
    }
    return done;
}

/* By time; a batch has few stages. */
static void
milestones_write(struct answer *answer, const struct batch *batch)
{
    int64_t start_us = batch_start(batch);
    bool told[STAGES_MAX] = {false};
    for (size_t n = 0; n < batch->bookings_n; n++) {
        size_t next = STAGES_MAX;
        for (size_t i = 0; i < batch->bookings_n; i++)
            if (!told[i] && (next == STAGES_MAX || batch->bookings[i].end_us < batch->bookings[next].end_us))
                next = i;
        told[next] = true;
        const struct booking *booking = &batch->bookings[next];
        struct step *step = answer_step(answer, booking->end_us - start_us, (double)(n + 1) / (double)(batch->bookings_n + 1));
        if (!step)
            return;
        word_set(step->business_status, "milestone:%.50s", booking->stage);
        word_set(step->message, "%.60s done on %.60s", booking->name, booking->suite);
    }
    answer->length_us = batch_end(batch) - start_us;
    answer->lead_us = start_us > batch->booked_us ? start_us - batch->booked_us : 0;
    answer->begun_us = batch->booked_us;
}

static json_t *
deviations_json(const struct batch_yield *yield)
{
    json_t *list = json_array();
    for (size_t i = 0; i < yield->deviations_n; i++) {
        json_t *row = json_object();
        json_object_set_new(row, "code", json_string(yield->deviations[i].code));
        json_object_set_new(row, "text", json_string(yield->deviations[i].text));
        json_array_append_new(list, row);
    }
    return list;
}

/* The figures: what a second member has to find again, whatever the suites do. */
static json_t *
figures_json(const struct run *run)
{
    const struct batch_yield *yield = &run->yield;
    json_t *figures = json_object();
    json_object_set_new(figures, "expected_yield", json_string(yield->expected_text));
    json_object_set_new(figures, "yield_unit", json_string(yield->unit));
    json_object_set_new(figures, "overall_recovery_percent", json_string(yield->overall_percent));
    if (yield->has_actual)
        json_object_set_new(figures, "actual_percent", json_string(yield->actual_percent));
    if (yield->has_reconciliation) {
        json_object_set_new(figures, "reconciliation_percent", json_string(yield->balance_percent));
        json_object_set_new(figures, "packed_yield_percent", json_string(yield->packed_percent));
    }
    json_object_set_new(figures, "deviations", deviations_json(yield));
    return figures;
}

static void
answer_write(struct run *run, const struct batch *batch)
{
    struct answer *answer = run->answer;
    char digest[JOB_DIGEST_BYTES], time[CIVIL_TEXT_BYTES];
    bool deviates = run->yield.deviations_n > 0;
    answer->kind = ANSWER_DONE;
    word_set(answer->outcome, "%s", deviates ? "deviation" : run->yield.has_actual || run->yield.has_reconciliation ? "conforming" : "planned");
    word_set(answer->business_status, "%s", deviates ? "deviation-open" : "to_be_verified");
    answer->needs_decision = deviates;
    run->record.outcome = answer->outcome;

    json_t *output = figures_json(run), *content = json_deep_copy(output);
    json_object_set_new(content, "product", json_string(run->record.product));
    json_object_set_new(content, "batch", json_string(run->record.batch));
    json_object_set_new(content, "outcome", json_string(answer->outcome));
    job_digest(content, digest);
    json_decref(content);
    /* A long process does not fit the output map; it is in the body. */
    json_t *schedule = record_schedule(batch);
    if (batch->bookings_n <= 32)
        json_object_set(output, "schedule", schedule);
    civil_format_time(batch_start(batch), time);
    json_object_set_new(output, "planned_start", json_string(time));
    civil_format_time(batch_end(batch), time);
    json_object_set_new(output, "planned_end", json_string(time));
    json_object_set_new(output, "computed_by", json_string(run->computed_by));
    json_object_set_new(output, "digest", json_string(digest));
    answer->output = output;

    answer->body = json_object();
    json_object_set_new(answer->body, "service", json_string(run->job->service));
    json_object_set_new(answer->body, "outcome", json_string(answer->outcome));
    json_object_set_new(answer->body, "schedule", schedule);
    json_t *document = record_document(&run->record, &run->yield, batch);
    document_bundle(document, "batch-record", answer->body);
    json_decref(document);
    milestones_write(answer, batch);
}

void
cdmo_compute(const struct job *job, void *site, struct answer *answer)
{
    struct batch batch = {0};
    struct run *run = calloc(1, sizeof *run);
    if (!run) {
        answer->kind = ANSWER_TROUBLE;
        word_set(answer->message, "no memory");
        return;
    }
    *run = (struct run){.job = job, .site = site, .answer = answer, .input = reader_of(job->input, "input", &answer->fault)};
    batch_yield_init(&run->yield);
    job_signers(job, run->computed_by, run->verified_by);
    run->record.computed_by = run->computed_by;
    run->record.verified_by = run->verified_by;
    request_read(run);
    if (!sound(run))
        answer->kind = ANSWER_REFUSED;
    else if (batch_book(run, &batch))
        answer_write(run, &batch);
    free(batch.bookings);
    batch_yield_fini(&run->yield);
    json_decref(run->body_json);
    free(run);
}

void
cdmo_dropped(void *site, const char *reference)
{
    char error[256];
    struct ledger *ledger = &((struct cdmo_site *)site)->ledger;
    if (!ledger_open(ledger, error, sizeof error))
        return; /* the booking stays: harmless, and pruned when it is over */
    bool known = plan_find(&ledger->plan, reference) != NULL;
    plan_cancel(&ledger->plan, reference);
    ledger_close(ledger, known, error, sizeof error);
}
