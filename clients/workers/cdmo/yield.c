/* Yield and reconciliation: see yield.h. */
#include "cdmo/yield.h"

#include <stdio.h>
#include <string.h>

void
batch_yield_init(struct batch_yield *yield)
{
    memset(yield, 0, sizeof *yield);
    mpq_init(yield->expected);
}

void
batch_yield_fini(struct batch_yield *yield)
{
    mpq_clear(yield->expected);
}

bool
yield_unit(const char *titre_unit, const char *volume_unit, long *out_factor, char *out_unit, size_t unit_bytes)
{
    static const struct {
        const char *name;
        long microlitres;
    } volumes[] = {{"uL", 1}, {"mL", 1000}, {"L", 1000000}, {"m3", 1000000000}};
    const char *slash = strrchr(titre_unit, '/');
    long per = 0, whole = 0;
    if (!slash || slash == titre_unit || (size_t)(slash - titre_unit) >= unit_bytes)
        return false;
    for (size_t i = 0; i < sizeof volumes / sizeof *volumes; i++) {
        per = strcmp(slash + 1, volumes[i].name) == 0 ? volumes[i].microlitres : per;
        whole = strcmp(volume_unit, volumes[i].name) == 0 ? volumes[i].microlitres : whole;
    }
    if (per == 0 || whole < per)
        return false;
    *out_factor = whole / per;
    snprintf(out_unit, unit_bytes, "%.*s", (int)(slash - titre_unit), titre_unit);
    return true;
}

static void
deviation_note(struct batch_yield *out, const char *code, const char *text, const char *text_zh)
{
    if (out->deviations_n == DEVIATIONS_MAX)
        return;
    struct deviation *deviation = &out->deviations[out->deviations_n++];
    snprintf(deviation->code, sizeof deviation->code, "%s", code);
    snprintf(deviation->text, sizeof deviation->text, "%s", text);
    snprintf(deviation->text_zh, sizeof deviation->text_zh, "%s", text_zh);
}

static void
read_positive(const struct reader *reader, const char *name, mpq_t out)
{
    int places;
    if (read_decimal(reader, name, out, &places) && mpq_sgn(out) <= 0)
        reader_wrong(reader, name, "above 0");
}

static void
read_not_negative(const struct reader *reader, const char *name, mpq_t out)
{
    int places;
    if (read_decimal(reader, name, out, &places) && mpq_sgn(out) < 0)
        reader_wrong(reader, name, "from 0");
}

/* 100 part / whole, rounded to two places, also as text. */
static void
percent_of(const mpq_t part, const mpq_t whole, mpq_t out, char text[DECIMAL_BYTES])
{
    mpq_t hundred;
    mpq_init(hundred);
    decimal_set_ratio(hundred, 100, 1);
    mpq_mul(out, part, hundred);
    mpq_div(out, out, whole);
    decimal_round(out, out, 2, ROUNDING_USP);
    decimal_format(out, 2, ROUNDING_USP, text, DECIMAL_BYTES);
    mpq_clear(hundred);
}

/* Below or above its limits (either may have a default): a deviation. */
static void
limits_check(const struct reader *reader, const char *lower_name, const char *lower_default, const char *upper_name, const char *upper_default,
             const mpq_t percent, const char *percent_text, const char *code, const char *what, const char *what_zh, struct batch_yield *out)
{
    int places;
    char text[200], text_zh[200];
    mpq_t lower, upper;
    mpq_inits(lower, upper, NULL);
    read_decimal_or(reader, lower_name, lower_default, lower, &places);
    read_decimal_or(reader, upper_name, upper_default, upper, &places);
    if (mpq_cmp(lower, upper) > 0)
        reader_wrong(reader, lower_name, "at most the upper limit");
    if (mpq_cmp(percent, lower) < 0 || mpq_cmp(percent, upper) > 0) {
        bool low = mpq_cmp(percent, lower) < 0;
        snprintf(text, sizeof text, "%s %.60s %% is %s its limit", what, percent_text, low ? "below" : "above");
        snprintf(text_zh, sizeof text_zh, "%s %.60s %% %s限度", what_zh, percent_text, low ? "低于" : "高于");
        deviation_note(out, code, text, text_zh);
    }
    mpq_clears(lower, upper, NULL);
}

static void
recoveries_read(const struct reader *input, mpq_t overall)
{
    const json_t *list = read_list(input, "recoveries", 1, RECOVERIES_MAX);
    mpq_t recovery, one;
    mpq_inits(recovery, one, NULL);
    decimal_set_ratio(one, 1, 1);
    mpq_set(overall, one);
    for (size_t i = 0; list && i < json_array_size(list); i++) {
        int places;
        char element[48];
        snprintf(element, sizeof element, "recoveries[%zu]", i);
        if (!decimal_of_json(json_array_get(list, i), recovery, &places) || mpq_sgn(recovery) <= 0 || mpq_cmp(recovery, one) > 0)
            reader_wrong(input, element, "a fraction above 0 and at most 1, such as \"0.95\"");
        mpq_mul(overall, overall, recovery);
    }
    mpq_clears(recovery, one, NULL);
}

static void
expected_compute(const struct reader *input, const char *default_titre_unit, struct batch_yield *out)
{
    long factor = 1;
    mpq_t volume, overall, one;
    mpq_inits(volume, overall, one, NULL);
    decimal_set_ratio(one, 1, 1);
    const char *titre_unit = read_text_or(input, "titre_unit", default_titre_unit), *volume_unit = read_text_or(input, "volume_unit", "L");
    if (titre_unit && volume_unit && !yield_unit(titre_unit, volume_unit, &factor, out->unit, sizeof out->unit))
        reader_wrong(input, "titre_unit", "an amount per uL, mL, L or m3, no larger than volume_unit");
    read_positive(input, "titre", out->expected);
    read_positive(input, "volume", volume);
    recoveries_read(input, overall);
    if (input->fault->kind == FAULT_NONE) {
        char percent[DECIMAL_BYTES];
        mpq_mul(out->expected, out->expected, volume);
        mpq_mul(out->expected, out->expected, overall);
        percent_of(overall, one, volume, percent);
        memcpy(out->overall_percent, percent, sizeof percent);
        decimal_set_ratio(volume, factor, 1);
        mpq_mul(out->expected, out->expected, volume);
        decimal_format(out->expected, 2, ROUNDING_USP, out->expected_text, sizeof out->expected_text);
    }
    mpq_clears(volume, overall, one, NULL);
}

static void
actual_compute(const struct reader *input, struct batch_yield *out)
{
    mpq_t actual, percent;
    mpq_inits(actual, percent, NULL);
    out->has_actual = reader_has(input, "actual_yield");
    if (out->has_actual)
        read_not_negative(input, "actual_yield", actual);
    if (out->has_actual && input->fault->kind == FAULT_NONE) {
        decimal_format(actual, 2, ROUNDING_USP, out->actual_text, sizeof out->actual_text);
        percent_of(actual, out->expected, percent, out->actual_percent);
        limits_check(input, "yield_lower_percent", "90", "yield_upper_percent", "105", percent, out->actual_percent, "yield", "yield", "收率", out);
    }
    mpq_clears(actual, percent, NULL);
}

/* (packed + rejected + samples) / input, and packed / input. */
static void
reconciliation_compute(const struct reader *input, struct batch_yield *out)
{
    mpq_t whole, packed, part, sum, percent;
    out->has_reconciliation = reader_has(input, "reconciliation");
    if (!out->has_reconciliation)
        return;
    mpq_inits(whole, packed, part, sum, percent, NULL);
    struct reader balance = reader_child(input, "reconciliation");
    read_positive(&balance, "input", whole);
    read_not_negative(&balance, "packed", packed);
    mpq_set(sum, packed);
    read_not_negative(&balance, "rejected", part);
    mpq_add(sum, sum, part);
    read_not_negative(&balance, "samples", part);
    mpq_add(sum, sum, part);
    if (input->fault->kind == FAULT_NONE) {
        percent_of(sum, whole, percent, out->balance_percent);
        limits_check(&balance, "lower", "98.0", "upper", "101.0", percent, out->balance_percent, "reconciliation", "reconciliation", "物料平衡", out);
        percent_of(packed, whole, percent, out->packed_percent);
        limits_check(&balance, "yield_lower", "95.0", "yield_upper", "101.0", percent, out->packed_percent, "packed-yield", "packed yield", "成品率", out);
    }
    mpq_clears(whole, packed, part, sum, percent, NULL);
}

/* Deviations that are known already travel with the batch. */
static void
known_read(const struct reader *input, struct batch_yield *out)
{
    static const char *const classes[] = {"minor", "major", "critical", NULL};
    if (!reader_has(input, "deviations"))
        return;
    const json_t *list = read_list(input, "deviations", 0, DEVIATIONS_MAX - 4);
    for (size_t i = 0; list && i < json_array_size(list); i++) {
        struct reader known = reader_element(input, "deviations", list, i);
        char code[80], line[200];
        const char *id = read_text(&known, "id"), *text = read_text(&known, "text");
        int class = read_word(&known, "class", classes);
        if (!id || !text || known.fault->kind != FAULT_NONE)
            return;
        snprintf(code, sizeof code, "known:%.60s", id);
        snprintf(line, sizeof line, "%s: %.180s", classes[class], text);
        deviation_note(out, code, line, line);
    }
}

bool
batch_yield_compute(const struct reader *input, const char *default_titre_unit, struct batch_yield *out)
{
    expected_compute(input, default_titre_unit, out);
    actual_compute(input, out);
    reconciliation_compute(input, out);
    known_read(input, out);
    return input->fault->kind == FAULT_NONE;
}
