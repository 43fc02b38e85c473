/* The batch record's summary: see record.h. */
#include "cdmo/record.h"

#include "common/civil.h"

#include <stdio.h>
#include <string.h>

json_t *
record_schedule(const struct batch *batch)
{
    json_t *list = json_array();
    for (size_t i = 0; i < batch->bookings_n; i++) {
        char time[CIVIL_TEXT_BYTES];
        json_t *row = json_object();
        json_object_set_new(row, "stage", json_string(batch->bookings[i].stage));
        json_object_set_new(row, "suite", json_string(batch->bookings[i].suite));
        civil_format_time(batch->bookings[i].start_us, time);
        json_object_set_new(row, "start", json_string(time));
        civil_format_time(batch->bookings[i].end_us, time);
        json_object_set_new(row, "end", json_string(time));
        json_array_append_new(list, row);
    }
    return list;
}

static void
field(json_t *document, const char *en, const char *zh, const char *value, const char *unit)
{
    char text[256];
    snprintf(text, sizeof text, "%s%s%s", value, *unit ? " " : "", unit);
    document_field(document, en, zh, phrase_plain(text));
}

static void
schedule_table(json_t *document, const struct batch *batch)
{
    static const char *const titles[][2] = {{"Stage", "工序"}, {"Suite", "车间"}, {"Start (UTC)", "开始（UTC）"}, {"End (UTC)", "结束（UTC）"}};
    json_t *columns = json_array();
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        json_array_append_new(columns, phrase(titles[i][0], titles[i][1]));
    document_heading(document, "Stages", "工序安排");
    json_t *rows = document_table(document, columns);
    for (size_t i = 0; i < batch->bookings_n; i++) {
        char time[CIVIL_TEXT_BYTES];
        json_t *row = json_array();
        json_array_append_new(row, phrase(batch->bookings[i].name, batch->bookings[i].name_zh));
        json_array_append_new(row, phrase_plain(batch->bookings[i].suite));
        civil_format_time(batch->bookings[i].start_us, time);
        json_array_append_new(row, phrase_plain(time));
        civil_format_time(batch->bookings[i].end_us, time);
        json_array_append_new(row, phrase_plain(time));
        json_array_append_new(rows, row);
    }
}

static void
outcome_note(json_t *document, const char *outcome)
{
    static const char *const words[][3] = {
        {"conforming", "All figures are within their limits.", "各项指标均在限度内。"},
        {"deviation", "There are deviations: the batch is held until a person decides.", "存在偏差：该批暂扣，待人工判定。"},
        {"planned", "The batch is planned; its yield is not recorded yet.", "该批已排产，收率尚未记录。"},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i][0], outcome) == 0)
            document_note(document, phrase(words[i][1], words[i][2]));
}

json_t *
record_document(const struct record *record, const struct batch_yield *yield, const struct batch *batch)
{
    json_t *document = document_new("Batch record summary", "批生产记录摘要");
    field(document, "Product", "品名", record->product, "");
    field(document, "Batch", "批号", record->batch, "");
    field(document, "Expected yield", "理论收率", yield->expected_text, yield->unit);
    field(document, "Overall recovery", "总回收率", yield->overall_percent, "%");
    if (yield->has_actual) {
        field(document, "Actual yield", "实际产量", yield->actual_text, yield->unit);
        field(document, "Of the expected yield", "占理论产量", yield->actual_percent, "%");
    }
    if (yield->has_reconciliation) {
        field(document, "Reconciliation", "物料平衡", yield->balance_percent, "%");
        field(document, "Packed yield", "成品率", yield->packed_percent, "%");
    }
    outcome_note(document, record->outcome);
    for (size_t i = 0; i < yield->deviations_n; i++)
        document_note(document, phrase(yield->deviations[i].text, yield->deviations[i].text_zh));
    schedule_table(document, batch);
    document_field(document, "Computed by", "计算人", phrase_plain(record->computed_by));
    document_field(document, "Verified by", "复核人",
                   *record->verified_by ? phrase_plain(record->verified_by) : phrase("to be verified by another member", "待另一人员复核"));
    return document;
}
