/* Specifications and their judged tests: see specification.h. */
#include "testing/specification.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *const rounding_words[] = {"usp", "gbt8170", NULL};

const char *
verdict_word(enum verdict verdict)
{
    return verdict == VERDICT_CONFORMS ? "conforms" : verdict == VERDICT_FAILS ? "out of specification" : "further stage required";
}

const char *
verdict_word_zh(enum verdict verdict)
{
    return verdict == VERDICT_CONFORMS ? "符合规定" : verdict == VERDICT_FAILS ? "不符合规定" : "需进行下一阶段检验";
}

bool
specification_read(const struct reader *body, struct specification *out)
{
    struct specification spec = {0};
    spec.reader = reader_child(body, "specification");
    const struct reader *reader = &spec.reader;
    spec.id = read_text(reader, "id");
    spec.version = read_text(reader, "version");
    spec.pharmacopoeia = read_text_or(reader, "pharmacopoeia", "");
    spec.edition = read_text_or(reader, "edition", "");
    spec.rounding = read_word(reader, "rounding", rounding_words) == 0 ? ROUNDING_USP : ROUNDING_GBT8170;
    spec.tests = read_list(reader, "tests", 1, SPECIFICATION_TESTS_MAX);
    for (size_t i = 0; spec.tests && i < json_array_size(spec.tests); i++) {
        struct reader test = reader_element(reader, "tests", spec.tests, i);
        const char *id = read_text(&test, "id");
        for (size_t j = 0; id && j < i; j++)
            if (strcmp(id, json_string_value(json_object_get(json_array_get(spec.tests, j), "id"))) == 0)
                reader_wrong(&test, "id", "different from the ids before it");
    }
    if (body->fault->kind != FAULT_NONE)
        return false;
    *out = spec;
    return true;
}

/* ---- replicates */

static void
replicates_append(const struct reader *reader, const char *name, bool required, struct values *values, int *places)
{
    if (!required && !reader_has(reader, name))
        return;
    const json_t *list = read_list(reader, name, 1, REPLICATES_MAX);
    mpq_t value;
    mpq_init(value);
    for (size_t i = 0; list && i < json_array_size(list); i++) {
        int value_places;
        char element[INPUT_PATH_BYTES];
        snprintf(element, sizeof element, "%s[%zu]", name, i);
        if (values->n == REPLICATES_MAX) {
            reader_wrong(reader, name, "at most 1,000 replicates with those before");
            break;
        }
        if (!decimal_of_json(json_array_get(list, i), value, &value_places)) {
            reader_wrong(reader, element, "a decimal such as \"97.9\"");
            break;
        }
        values_add(values, value);
        *places = value_places > *places ? value_places : *places;
    }
    mpq_clear(value);
}

static bool
replicates_read(const struct reader *results, const struct reader *more, const char *id, const char *suffix, struct values *values, int *places)
{
    char further[INPUT_PATH_BYTES];
    replicates_append(results, id, true, values, places);
    snprintf(further, sizeof further, "%s%s", id, suffix);
    if (more)
        replicates_append(more, further, false, values, places);
    return results->fault->kind == FAULT_NONE;
}

/* Information beside a mean; never rounded values that are judged. */
static void
detail_write(const struct values *values, struct judged *out)
{
    char mean_text[DECIMAL_BYTES], s_text[DECIMAL_BYTES], rsd_text[DECIMAL_BYTES] = "-";
    mpq_t number;
    mpq_init(number);
    values_mean(values, number);
    decimal_format(number, 3, ROUNDING_USP, mean_text, sizeof mean_text);
    values_deviation(values, 4, number);
    decimal_format(number, 4, ROUNDING_USP, s_text, sizeof s_text);
    if (values_rsd(values, 3, number))
        decimal_format(number, 3, ROUNDING_USP, rsd_text, sizeof rsd_text);
    if (values->n > 1)
        snprintf(out->detail, sizeof out->detail, "n %zu, mean %.30s, s %.30s, RSD %.30s %%", values->n, mean_text, s_text, rsd_text);
    mpq_clear(number);
}

/* ---- kinds of tests */

static const char *
unit_space(const struct judged *judged)
{
    return *judged->unit ? " " : "";
}

/* An upper bound of the relative deviation, where the specification has one. */
static bool
rsd_exceeds(const struct reader *test, const struct values *values)
{
    bool exceeds = false;
    int places;
    mpq_t bound, rsd;
    if (!reader_has(test, "rsd_max"))
        return false;
    mpq_inits(bound, rsd, NULL);
    if (read_decimal(test, "rsd_max", bound, &places))
        exceeds = !values_rsd(values, places, rsd) || mpq_cmp(rsd, bound) > 0;
    mpq_clears(bound, rsd, NULL);
    return exceeds;
}

/* The mean, rounded once to the limit's places by the specification's rule, against the limits. */
static void
judge_limits(const struct specification *spec, const struct reader *test, const struct values *values, struct judged *out)
{
    int lower_places = 0, upper_places = 0;
    mpq_t lower, upper, mean;
    mpq_inits(lower, upper, mean, NULL);
    bool has_lower = reader_has(test, "lower") && read_decimal(test, "lower", lower, &lower_places);
    bool has_upper = reader_has(test, "upper") && read_decimal(test, "upper", upper, &upper_places);
    if (!has_lower && !has_upper)
        reader_missing(test, "lower");
    if (has_lower && has_upper && mpq_cmp(lower, upper) > 0)
        reader_wrong(test, "lower", "at most upper");
    int places = lower_places > upper_places ? lower_places : upper_places;
    values_mean(values, mean);
    out->value = mpq_get_d(mean);
    out->quantitative = true;
    decimal_round(mean, mean, places, spec->rounding);
    bool within = (!has_lower || mpq_cmp(mean, lower) >= 0) && (!has_upper || mpq_cmp(mean, upper) <= 0) && !rsd_exceeds(test, values);
    out->verdict = within ? VERDICT_CONFORMS : VERDICT_FAILS;

    char low[DECIMAL_BYTES] = "", high[DECIMAL_BYTES] = "", text[DECIMAL_BYTES];
    decimal_format(lower, lower_places, ROUNDING_USP, low, sizeof low);
    decimal_format(upper, upper_places, ROUNDING_USP, high, sizeof high);
    decimal_format(mean, places, ROUNDING_USP, text, sizeof text);
    if (has_lower && has_upper)
        snprintf(out->limit, sizeof out->limit, "%.40s - %.40s%s%.60s", low, high, unit_space(out), out->unit);
    else
        snprintf(out->limit, sizeof out->limit, "%s %.40s%s%.60s", has_lower ? "≥" : "≤", has_lower ? low : high, unit_space(out), out->unit);
    snprintf(out->limit_zh, sizeof out->limit_zh, "%s", out->limit);
    snprintf(out->result, sizeof out->result, "%.60s%s%.60s", text, unit_space(out), out->unit);
    detail_write(values, out);
    mpq_clears(lower, upper, mean, NULL);
}

static enum verdict
verdict_of_stage(enum stage_verdict stage)
{
    return stage == STAGE_PASSES ? VERDICT_CONFORMS : stage == STAGE_FAILS ? VERDICT_FAILS : VERDICT_STAGE_NEEDED;
}

static void
judge_dissolution(const struct reader *results, const struct reader *test, const struct values *units, struct judged *out)
{
    int places = 0;
    char q_text[DECIMAL_BYTES], mean_text[DECIMAL_BYTES];
    struct dissolution judged;
    mpq_t q, mean;
    mpq_inits(q, mean, NULL);
    if (read_decimal(test, "q", q, &places) && !dissolution_judge(units, q, &judged))
        reader_wrong(results, out->test, "6, 12 or 24 units (with more_replicates)");
    if (results->fault->kind == FAULT_NONE) {
        out->verdict = verdict_of_stage(judged.verdict);
        out->stage = judged.stage;
        out->more = judged.more;
        values_mean(units, mean);
        decimal_format(q, places, ROUNDING_USP, q_text, sizeof q_text);
        decimal_format(mean, 2, ROUNDING_USP, mean_text, sizeof mean_text);
        snprintf(out->limit, sizeof out->limit, "Q = %.40s %%", q_text);
        snprintf(out->limit_zh, sizeof out->limit_zh, "Q = %.40s %%", q_text);
        if (judged.verdict == STAGE_NEXT_NEEDED)
            snprintf(out->result, sizeof out->result, "stage %d required", judged.stage);
        else
            snprintf(out->result, sizeof out->result, "mean %.40s %%, S%d", mean_text, judged.stage);
        snprintf(out->detail, sizeof out->detail, "n %zu, mean %.40s %%, %zu below Q - 15", units->n, mean_text, judged.low_units);
    }
    mpq_clears(q, mean, NULL);
}

static void
judge_uniformity(const struct reader *results, const struct reader *test, const struct values *units, struct judged *out)
{
    int l1_places = 0, places = 0;
    char l1_text[DECIMAL_BYTES], value_text[DECIMAL_BYTES];
    struct uniformity judged;
    mpq_t l1, l2, target, value;
    mpq_inits(l1, l2, target, value, NULL);
    read_decimal_or(test, "l1", "15.0", l1, &l1_places);
    read_decimal_or(test, "l2", "25.0", l2, &places);
    read_decimal_or(test, "target", "100.0", target, &places);
    if (results->fault->kind == FAULT_NONE && !uniformity_judge(units, l1, l1_places, l2, target, value, &judged))
        reader_wrong(results, out->test, "10 or 30 units (with more_replicates)");
    if (results->fault->kind == FAULT_NONE) {
        out->verdict = verdict_of_stage(judged.verdict);
        out->stage = units->n == 10 && judged.verdict != STAGE_NEXT_NEEDED ? 1 : 2;
        out->more = judged.more;
        decimal_format(l1, l1_places, ROUNDING_USP, l1_text, sizeof l1_text);
        decimal_format(value, l1_places, ROUNDING_USP, value_text, sizeof value_text);
        snprintf(out->limit, sizeof out->limit, "acceptance value ≤ %.40s", l1_text);
        snprintf(out->limit_zh, sizeof out->limit_zh, "接受值 ≤ %.40s", l1_text);
        if (judged.verdict == STAGE_NEXT_NEEDED)
            snprintf(out->result, sizeof out->result, "AV %.40s, stage 2 required", value_text);
        else
            snprintf(out->result, sizeof out->result, "AV %.40s%s", value_text, judged.unit_outside ? ", a unit outside L2" : "");
        detail_write(units, out);
    }
    mpq_clears(l1, l2, target, value, NULL);
}

static void
judge_text(const struct reader *results, const struct reader *test, struct judged *out)
{
    const char *expected = read_text(test, "expected"), *found = read_text(results, out->test);
    if (!expected || !found)
        return;
    out->verdict = strcasecmp(expected, found) == 0 ? VERDICT_CONFORMS : VERDICT_FAILS;
    snprintf(out->limit, sizeof out->limit, "%.150s", expected);
    snprintf(out->limit_zh, sizeof out->limit_zh, "%.150s", read_text_or(test, "expected_zh", expected));
    snprintf(out->result, sizeof out->result, "%.150s", found);
    snprintf(out->result_zh, sizeof out->result_zh, "%.150s", out->verdict == VERDICT_CONFORMS ? out->limit_zh : found);
}

/* Inspection by attributes: so many units looked at, at most so many nonconforming. The plan (GB/T 2828.1, ISO 2859-1) is data. */
static void
judge_attribute(const struct reader *results, const struct reader *test, struct judged *out)
{
    int64_t inspected = read_integer(test, "inspected", 1, 1000000), accept = read_integer(test, "accept", 0, inspected);
    int64_t found = read_integer(results, out->test, 0, inspected);
    out->verdict = found <= accept ? VERDICT_CONFORMS : VERDICT_FAILS;
    out->n = (size_t)inspected;
    snprintf(out->limit, sizeof out->limit, "at most %lld of %lld nonconforming", (long long)accept, (long long)inspected);
    snprintf(out->limit_zh, sizeof out->limit_zh, "%lld 件中不合格不超过 %lld 件", (long long)inspected, (long long)accept);
    snprintf(out->result, sizeof out->result, "%lld", (long long)found);
}

bool
specification_judge(const struct specification *spec, size_t index, const struct reader *results, const struct reader *more, const char *suffix,
                    struct judged *out)
{
    static const char *const kinds[] = {"assay", "limit", "dissolution", "uniformity", "text", "attribute", NULL};
    struct reader test = reader_element(&spec->reader, "tests", spec->tests, index);
    struct judged judged = {0};
    judged.test = read_text(&test, "id");
    judged.name = read_text_or(&test, "name", judged.test);
    judged.name_zh = read_text_or(&test, "name_zh", judged.name);
    judged.method = read_text_or(&test, "method", "");
    judged.unit = read_text_or(&test, "unit", "");
    int kind = read_word(&test, "kind", kinds), places = 0;
    if (test.fault->kind != FAULT_NONE)
        return false;

    struct values values;
    values_init(&values);
    if (kind == 4) {
        judge_text(results, &test, &judged);
    } else if (kind == 5) {
        judge_attribute(results, &test, &judged);
    } else if (replicates_read(results, more, judged.test, suffix, &values, &places)) {
        judged.n = values.n;
        judged.assay = kind == 0;
        if (kind <= 1)
            judge_limits(spec, &test, &values, &judged);
        else if (kind == 2)
            judge_dissolution(results, &test, &values, &judged);
        else
            judge_uniformity(results, &test, &values, &judged);
    }
    values_fini(&values);
    if (test.fault->kind != FAULT_NONE)
        return false;
    *out = judged;
    return true;
}
