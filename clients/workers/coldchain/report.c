/* The temperature report: see report.h. */
#include "coldchain/report.h"

#include "common/civil.h"
#include "common/document.h"

#include <math.h>
#include <stdio.h>

enum { OUTPUT_EXCURSIONS = 40, DOCUMENT_EXCURSIONS = 100 };

static const char *
kind_word(enum excursion_kind kind, bool zh)
{
    switch (kind) {
    case EXCURSION_LOW: return zh ? "低温" : "low";
    case EXCURSION_HIGH: return zh ? "高温" : "high";
    case EXCURSION_GAP: return zh ? "中断" : "gap";
    }
    return "";
}

/* To so many places, so that a report does not show the noise of binary floats. */
static json_t *
rounded(double value, int places)
{
    double scale = pow(10, places);
    return json_real(round(value * scale) / scale);
}

json_t *
report_excursions(const struct assessment *assessment, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < assessment->excursions_n && i < n; i++) {
        const struct excursion *excursion = &assessment->excursions[i];
        char start[CIVIL_TEXT_BYTES], end[CIVIL_TEXT_BYTES];
        civil_format_time(excursion->start_us, start);
        civil_format_time(excursion->end_us, end);
        json_t *row = json_object();
        json_object_set_new(row, "kind", json_string(kind_word(excursion->kind, false)));
        if (*excursion->device)
            json_object_set_new(row, "device", phrase_plain(excursion->device));
        json_object_set_new(row, "start", json_string(start));
        json_object_set_new(row, "end", json_string(end));
        if (excursion->kind != EXCURSION_GAP) {
            json_object_set_new(row, "peak", rounded(excursion->peak, 3));
            json_object_set_new(row, "degree_minutes", rounded(excursion->degree_minutes, 2));
        }
        json_object_set_new(row, "minutes", rounded(excursion->minutes, 2));
        json_array_append_new(list, row);
    }
    return list;
}

json_t *
report_output(const struct shipment *shipment, const struct assessment *assessment)
{
    json_t *output = json_object(), *reasons = json_array();
    json_object_set_new(output, "disposition", json_string(disposition_word(assessment->disposition)));
    json_object_set_new(output, "readings", json_integer((json_int_t)assessment->readings));
    json_object_set_new(output, "series", json_integer((json_int_t)assessment->series));
    if (!isnan(assessment->minimum)) {
        json_object_set_new(output, "minimum", rounded(assessment->minimum, 3));
        json_object_set_new(output, "maximum", rounded(assessment->maximum, 3));
    }
    if (!isnan(assessment->mean))
        json_object_set_new(output, "mean", rounded(assessment->mean, 3));
    if (assessment->has_mkt)
        json_object_set_new(output, "mkt", rounded(assessment->mkt, 3));
    json_object_set_new(output, "minutes", rounded(assessment->minutes, 2));
    json_object_set_new(output, "minutes_outside", rounded(assessment->minutes_outside, 2));
    json_object_set_new(output, "degree_minutes", rounded(assessment->degree_minutes, 2));
    json_object_set_new(output, "excursions", report_excursions(assessment, OUTPUT_EXCURSIONS));
    json_object_set_new(output, "gaps", json_integer((json_int_t)assessment->gaps));
    for (int i = 0; i < REASONS_N; i++)
        if (assessment->reasons & 1u << i)
            json_array_append_new(reasons, json_string(reason_text(1u << i, false)));
    json_object_set_new(output, "reasons", reasons);
    json_object_set_new(output, "computed_by", json_string(shipment->computed_by));
    return output;
}

static json_t *
number_phrase(const char *format, double value)
{
    char text[96];
    snprintf(text, sizeof text, format, value);
    return phrase_plain(text);
}

static void
field_unless_empty(json_t *document, const char *en, const char *zh, const char *value)
{
    if (*value)
        document_field(document, en, zh, phrase_plain(value));
}

static void
document_limits(json_t *document, const struct shipment *shipment, const struct limits *limits)
{
    char text[96];
    snprintf(text, sizeof text, "%g °C - %g °C", limits->low, limits->high);
    document_field(document, "Limits", "温度限度", phrase_plain(text));
    document_field(document, "Allowed outside (min)", "允许超限时间（分钟）", number_phrase("%g", limits->allowed_minutes));
    snprintf(text, sizeof text, "%g / %g", limits->interval_minutes, limits->interval_outside_minutes);
    document_field(document, "Reading interval, in / out of range (min)", "记录间隔，范围内 / 超限（分钟）", phrase_plain(text));
    document_field(document, "Sensor error (°C)", "传感器误差（°C）", number_phrase("± %g", shipment->sensor_error));
    document_field(document, "ΔH/R (K)", "ΔH/R（K）", number_phrase("%g", limits->activation_kelvin));
    if (limits->mkt_window_minutes > 0)
        document_field(document, "Window of the mean kinetic temperature (min)", "平均动力学温度窗口（分钟）", number_phrase("%g", limits->mkt_window_minutes));
}

static void
document_figures(json_t *document, const struct assessment *assessment)
{
    char from[CIVIL_TEXT_BYTES], to[CIVIL_TEXT_BYTES], text[96];
    document_heading(document, "Figures", "数据");
    if (assessment->from_us <= assessment->to_us) {
        civil_format_time(assessment->from_us, from);
        civil_format_time(assessment->to_us, to);
        document_field(document, "First reading (UTC)", "首次读数（UTC）", phrase_plain(from));
        document_field(document, "Last reading (UTC)", "末次读数（UTC）", phrase_plain(to));
    }
    snprintf(text, sizeof text, "%zu / %zu", assessment->readings, assessment->series);
    document_field(document, "Readings / sensors", "读数 / 传感器", phrase_plain(text));
    if (!isnan(assessment->minimum)) {
        snprintf(text, sizeof text, "%.2f °C / %.2f °C", assessment->minimum, assessment->maximum);
        document_field(document, "Minimum / maximum", "最低 / 最高温度", phrase_plain(text));
    }
    if (!isnan(assessment->mean))
        document_field(document, "Mean, weighted by time", "时间加权平均温度", number_phrase("%.2f °C", assessment->mean));
    if (assessment->has_mkt)
        document_field(document, "Mean kinetic temperature", "平均动力学温度", number_phrase("%.3f °C", assessment->mkt));
    else
        document_field(document, "Mean kinetic temperature", "平均动力学温度", phrase("indeterminate", "无法确定"));
    document_field(document, "Minutes covered by readings", "有效记录时间（分钟）", number_phrase("%.1f", assessment->minutes));
    document_field(document, "Minutes outside the limits", "超限时间（分钟）", number_phrase("%.1f", assessment->minutes_outside));
    document_field(document, "Degree-minutes", "度·分钟", number_phrase("%.1f", assessment->degree_minutes));
}

static void
document_excursions(json_t *document, const struct assessment *assessment)
{
    static const char *const titles[][2] = {
        {"Kind", "类型"}, {"Start (UTC)", "开始（UTC）"}, {"End (UTC)", "结束（UTC）"}, {"Peak (°C)", "极值（°C）"}, {"Minutes", "分钟"}, {"Degree-minutes", "度·分钟"},
            {"Sensor", "传感器"},
    };
    if (assessment->excursions_n == 0)
        return;
    json_t *columns = json_array();
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        json_array_append_new(columns, phrase(titles[i][0], titles[i][1]));
    document_heading(document, "Excursions and gaps", "超标与中断");
    json_t *rows = document_table(document, columns);
    for (size_t i = 0; i < assessment->excursions_n && i < DOCUMENT_EXCURSIONS; i++) {
        const struct excursion *excursion = &assessment->excursions[i];
        bool gap = excursion->kind == EXCURSION_GAP;
        char start[CIVIL_TEXT_BYTES], end[CIVIL_TEXT_BYTES];
        civil_format_time(excursion->start_us, start);
        civil_format_time(excursion->end_us, end);
        json_t *row = json_array();
        json_array_append_new(row, phrase(kind_word(excursion->kind, false), kind_word(excursion->kind, true)));
        json_array_append_new(row, phrase_plain(start));
        json_array_append_new(row, phrase_plain(end));
        json_array_append_new(row, gap ? phrase_plain("-") : number_phrase("%.2f", excursion->peak));
        json_array_append_new(row, number_phrase("%.1f", excursion->minutes));
        json_array_append_new(row, gap ? phrase_plain("-") : number_phrase("%.1f", excursion->degree_minutes));
        json_array_append_new(row, phrase_plain(excursion->device));
        json_array_append_new(rows, row);
    }
}

json_t *
report_document(const struct shipment *shipment, const struct limits *limits, const struct assessment *assessment)
{
    static const char *const words[][2] = {{"", ""}, {"conformant", "合格"}, {"held for a decision", "待判定"}, {"non-conformant", "不合格"}};
    json_t *document = document_new("Temperature report", "运输温度报告");
    document_field(document, "Shipment", "运单号", phrase_plain(shipment->shipment));
    document_field(document, "Product", "品名", phrase_plain(shipment->product));
    field_unless_empty(document, "Origin", "起运地", shipment->origin);
    field_unless_empty(document, "Destination", "目的地", shipment->destination);
    field_unless_empty(document, "Carrier", "承运人", shipment->carrier);
    document_field(document, "Disposition", "结论", phrase(words[assessment->disposition][0], words[assessment->disposition][1]));
    document_limits(document, shipment, limits);
    document_figures(document, assessment);
    for (int i = 0; i < REASONS_N; i++)
        if (assessment->reasons & 1u << i)
            document_note(document, phrase(reason_text(1u << i, false), reason_text(1u << i, true)));
    document_excursions(document, assessment);
    document_field(document, "Computed by", "计算人", phrase_plain(shipment->computed_by));
    return document;
}
