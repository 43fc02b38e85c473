/* cold-chain.transport: see coldchain.h. */
#include "coldchain/coldchain.h"

#include "coldchain/assess.h"
#include "coldchain/report.h"
#include "common/civil.h"
#include "common/document.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { STEPS = 20, BODY_EXCURSIONS = 200 };

static void
limits_read(const struct reader *input, struct limits *out)
{
    out->low = read_number(input, "limit_low", -200, 100);
    out->high = read_number(input, "limit_high", -200, 100);
    if (input->fault->kind == FAULT_NONE && out->low >= out->high)
        reader_wrong(input, "limit_low", "below limit_high");
    out->allowed_minutes = read_number_or(input, "allowed_minutes", 0, 10080, 0);
    out->interval_minutes = read_number_or(input, "interval_minutes", 0.1, 1440, 5);
    out->interval_outside_minutes = read_number_or(input, "interval_outside_minutes", 0.1, 1440, 2);
    out->activation_kelvin = read_number_or(input, "activation_kelvin", 1000, 50000, 10000);
    out->has_mkt_limit = reader_has(input, "mkt_limit");
    out->mkt_limit = read_number_or(input, "mkt_limit", -200, 100, 0);
    out->spike_limit = read_number_or(input, "spike_limit", -200, 150, out->high + 15);
    out->mkt_window_minutes = read_number_or(input, "mkt_window_minutes", 1, 527040, 0);
    out->freezes = reader_has(input, "freezes_at") || out->low > 0;
    out->freezes_at = read_number_or(input, "freezes_at", -200, 100, 0);
    out->frozen_goods = read_flag_or(input, "frozen_goods", false);
}

static void
shipment_read(const struct reader *input, struct shipment *out)
{
    out->shipment = read_text(input, "shipment");
    out->product = read_text(input, "product");
    out->origin = read_text_or(input, "origin", "");
    out->destination = read_text_or(input, "destination", "");
    out->carrier = read_text_or(input, "carrier", "");
    out->sensor_error = read_number_or(input, "sensor_error", 0, 5, 0.5);
}

/* One portion of readings as a step of progress. */
static void
portion_report(const struct readings *readings, size_t from, size_t to, int index, int portions, struct answer *answer)
{
    size_t seen = 0;
    double low = INFINITY, high = -INFINITY, last = NAN;
    for (size_t i = 0; i < readings->series_n; i++)
        for (size_t j = 0; j < readings->series[i].n; j++, seen++) {
            if (seen < from || seen >= to)
                continue;
            last = readings->series[i].v[j].celsius;
            low = fmin(low, last);
            high = fmax(high, last);
        }
    struct step *step = isnan(last) ? NULL : answer_step(answer, index * CIVIL_SECOND_US / 10, (double)(index + 1) / (portions + 1));
    if (!step)
        return;
    word_set(step->business_status, "in_transit");
    word_set(step->message, "readings %zu to %zu: %.2f to %.2f °C", from + 1, to, low, high);
    step->output = json_object();
    json_object_set_new(step->output, "readings", json_integer((json_int_t)to));
    json_object_set_new(step->output, "minimum", json_real(low));
    json_object_set_new(step->output, "maximum", json_real(high));
}

/* The readings are streamed in at most STEPS portions. */
static void
readings_stream(const struct readings *readings, struct answer *answer)
{
    size_t total = 0;
    for (size_t i = 0; i < readings->series_n; i++)
        total += readings->series[i].n;
    int portions = total < STEPS ? (int)total : STEPS;
    for (int i = 0; i < portions; i++)
        portion_report(readings, total * (size_t)i / (size_t)portions, total * (size_t)(i + 1) / (size_t)portions, i, portions, answer);
    answer->length_us = (portions + 1) * CIVIL_SECOND_US / 10;
}

static void
answer_write(const struct job *job, const struct shipment *shipment, const struct limits *limits, const struct readings *readings, struct answer *answer)
{
    struct assessment assessment;
    assess(readings, limits, &assessment);
    answer->kind = ANSWER_DONE;
    word_set(answer->outcome, "%s", disposition_word(assessment.disposition));
    word_set(answer->business_status, "%s", assessment.disposition == DISPOSITION_HELD ? "decision-required" : disposition_word(assessment.disposition));
    answer->output = report_output(shipment, &assessment);
    answer->body = json_object();
    json_object_set_new(answer->body, "service", json_string(job->service));
    json_object_set_new(answer->body, "outcome", json_string(answer->outcome));
    json_object_set_new(answer->body, "excursions", report_excursions(&assessment, BODY_EXCURSIONS));
    json_t *document = report_document(shipment, limits, &assessment);
    document_bundle(document, "temperature-report", answer->body);
    json_decref(document);
    readings_stream(readings, answer);
    assessment_fini(&assessment);
}

void
coldchain_compute(const struct job *job, void *site, struct answer *answer)
{
    static const char *const formats[] = {"csv", "epcis", NULL};
    char computed_by[160];
    struct fault *fault = &answer->fault;
    struct shipment shipment = {.computed_by = computed_by};
    struct limits limits = {0};
    struct readings *readings = calloc(1, sizeof *readings);
    struct reader input = reader_of(job->input, "input", fault);
    (void)site;

    if (!readings) {
        answer->kind = ANSWER_TROUBLE;
        word_set(answer->message, "no memory");
        return;
    }
    snprintf(computed_by, sizeof computed_by, "%s / %s", job->party, job->member);
    shipment_read(&input, &shipment);
    int format = read_word(&input, "format", formats);
    limits_read(&input, &limits);
    readings_init(readings);
    bool sound = fault->kind == FAULT_NONE && (format == 0 ? readings_read_csv(readings, job->body, job->body_bytes, fault)
                                                           : readings_read_epcis(readings, job->body, job->body_bytes, fault));
    if (sound)
        answer_write(job, &shipment, &limits, readings, answer);
    else
        answer->kind = ANSWER_REFUSED;
    readings_fini(readings);
    free(readings);
}
