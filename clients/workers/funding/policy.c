/* Eligibility by a policy table: see policy.h. */
#include "funding/policy.h"

#include "common/civil.h"
#include "common/yaml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum operator { OP_EQ, OP_NE, OP_IN, OP_GE, OP_LE, OP_AGE_GE, OP_AGE_LE };
enum type { TYPE_TEXT, TYPE_NUMBER, TYPE_MONEY, TYPE_DATE, TYPE_FLAG };

struct criterion {
    char *id, *field, *title, *title_zh;
    enum operator op;
    enum type type;
    char *value;
    char **values;
    unsigned values_count;
    char *currency;
    unsigned weight;
    bool knock_out;
};

struct policy {
    char *name, *version;
    char **services;
    unsigned services_count;
    unsigned pass, refer;
    struct criterion *criteria;
    unsigned criteria_count;
};

struct policies {
    struct policy *policies;
    unsigned policies_count;
};

/* ---- the file */

static const cyaml_strval_t operator_words[] = {{"eq", OP_EQ}, {"ne", OP_NE}, {"in", OP_IN}, {"ge", OP_GE}, {"le", OP_LE}, {"age_ge", OP_AGE_GE},
    {"age_le", OP_AGE_LE}};
static const cyaml_strval_t type_words[] = {{"text", TYPE_TEXT}, {"number", TYPE_NUMBER}, {"money", TYPE_MONEY}, {"date", TYPE_DATE}, {"flag", TYPE_FLAG}};
static const cyaml_schema_value_t text_schema = {CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, 200)};

static const cyaml_schema_field_t criterion_fields[] = {
    CYAML_FIELD_STRING_PTR("id", CYAML_FLAG_POINTER, struct criterion, id, 1, 63),
    CYAML_FIELD_STRING_PTR("field", CYAML_FLAG_POINTER, struct criterion, field, 1, 63),
    CYAML_FIELD_STRING_PTR("title", CYAML_FLAG_POINTER, struct criterion, title, 1, 200),
    CYAML_FIELD_STRING_PTR("title_zh", CYAML_FLAG_POINTER, struct criterion, title_zh, 1, 200),
    CYAML_FIELD_ENUM("op", CYAML_FLAG_STRICT, struct criterion, op, operator_words, CYAML_ARRAY_LEN(operator_words)),
    CYAML_FIELD_ENUM("type", CYAML_FLAG_STRICT, struct criterion, type, type_words, CYAML_ARRAY_LEN(type_words)),
    CYAML_FIELD_STRING_PTR("value", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct criterion, value, 1, 200),
    CYAML_FIELD_SEQUENCE("values", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct criterion, values, &text_schema, 1, 64),
    CYAML_FIELD_STRING_PTR("currency", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct criterion, currency, 3, 3),
    CYAML_FIELD_UINT("weight", CYAML_FLAG_DEFAULT, struct criterion, weight),
    CYAML_FIELD_BOOL("knock_out", CYAML_FLAG_OPTIONAL, struct criterion, knock_out),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t criterion_schema = {CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct criterion, criterion_fields)};

static const cyaml_schema_field_t policy_fields[] = {
    CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct policy, name, 1, 63),
    CYAML_FIELD_STRING_PTR("version", CYAML_FLAG_POINTER, struct policy, version, 1, 31),
    CYAML_FIELD_SEQUENCE("services", CYAML_FLAG_POINTER, struct policy, services, &text_schema, 1, 16),
    CYAML_FIELD_UINT("pass", CYAML_FLAG_DEFAULT, struct policy, pass),
    CYAML_FIELD_UINT("refer", CYAML_FLAG_DEFAULT, struct policy, refer),
    CYAML_FIELD_SEQUENCE("criteria", CYAML_FLAG_POINTER, struct policy, criteria, &criterion_schema, 1, POLICY_CRITERIA_MAX),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t policy_schema = {CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct policy, policy_fields)};

static const cyaml_schema_field_t file_fields[] = {
    CYAML_FIELD_SEQUENCE("policies", CYAML_FLAG_POINTER, struct policies, policies, &policy_schema, 1, 32),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t file_schema = {CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct policies, file_fields)};

/* What the schema cannot tell: operators fit types, values are what the type says. NULL: sound. */
static const char *
criterion_fault(const struct criterion *criterion)
{
    int places;
    mpq_t number;
    bool wants_list = criterion->op == OP_IN, age = criterion->op == OP_AGE_GE || criterion->op == OP_AGE_LE;
    bool numeric = criterion->type == TYPE_NUMBER || criterion->type == TYPE_MONEY || age;
    bool ordered = criterion->op == OP_GE || criterion->op == OP_LE;
    if (wants_list ? !criterion->values || criterion->type != TYPE_TEXT : !criterion->value)
        return wants_list ? "in needs values and type text" : "needs a value";
    if (age != (criterion->type == TYPE_DATE))
        return "age_ge and age_le go with type date, and only they";
    if (ordered && !numeric)
        return "ge and le go with type number or money";
    if (criterion->type == TYPE_MONEY && !criterion->currency)
        return "type money needs a currency";
    if (criterion->type == TYPE_FLAG && strcmp(criterion->value, "true") != 0 && strcmp(criterion->value, "false") != 0)
        return "a flag's value is true or false";
    if (!numeric)
        return NULL;
    mpq_init(number);
    bool sound = decimal_parse(criterion->value, number, &places);
    mpq_clear(number);
    return sound ? NULL : "the value is no decimal";
}

bool
policies_load(const char *path, struct policies **out, char *error, size_t error_bytes)
{
    void *data = NULL;
    char text[YAML_ERROR_BYTES];
    if (!yaml_file_load(path, &file_schema, &data, text)) {
        snprintf(error, error_bytes, "%s", text);
        return false;
    }
    struct policies *policies = data;
    for (unsigned i = 0; i < policies->policies_count; i++)
        for (unsigned j = 0; j < policies->policies[i].criteria_count; j++) {
            const char *fault = criterion_fault(&policies->policies[i].criteria[j]);
            if (fault) {
                snprintf(error, error_bytes, "%s: policies[%u].criteria[%u]: %s", path, i, j, fault);
                policies_free(policies);
                return false;
            }
        }
    *out = policies;
    return true;
}

void
policies_free(struct policies *policies)
{
    yaml_file_free(&file_schema, policies);
}

const struct policy *
policy_for(const struct policies *policies, const char *service)
{
    for (unsigned i = 0; i < policies->policies_count; i++)
        for (unsigned j = 0; j < policies->policies[i].services_count; j++)
            if (strcmp(policies->policies[i].services[j], service) == 0)
                return &policies->policies[i];
    return NULL;
}

const char *
policy_name(const struct policy *policy)
{
    return policy->name;
}

const char *
policy_version(const struct policy *policy)
{
    return policy->version;
}

/* ---- judging */

static bool
compare_numbers(const struct criterion *criterion, const mpq_t number)
{
    int places;
    mpq_t bound;
    mpq_init(bound);
    bool parsed = decimal_parse(criterion->value, bound, &places);
    int order = mpq_cmp(number, bound);
    mpq_clear(bound);
    switch (criterion->op) {
    case OP_GE: case OP_AGE_GE: return parsed && order >= 0;
    case OP_LE: case OP_AGE_LE: return parsed && order <= 0;
    case OP_NE: return parsed && order != 0;
    default: return parsed && order == 0;
    }
}

static bool
compare_texts(const struct criterion *criterion, const char *text)
{
    bool found = false;
    if (criterion->op != OP_IN)
        return (strcmp(text, criterion->value) == 0) == (criterion->op == OP_EQ);
    for (unsigned i = 0; i < criterion->values_count; i++)
        found = found || strcmp(text, criterion->values[i]) == 0;
    return found;
}

/* Completed years from a day to another. */
static long
years_between(int64_t from, int64_t to)
{
    long years = 0;
    while (years < 1000 && civil_add_months(from, (int)(12 * (years + 1))) <= to)
        years++;
    return years;
}

static bool
criterion_met(const struct criterion *criterion, const struct reader *input, int64_t today)
{
    struct money money;
    int64_t day;
    int places;
    bool met = false;
    mpq_t number;
    mpq_init(number);
    if (criterion->type == TYPE_TEXT) {
        const char *text = read_text(input, criterion->field);
        met = text && compare_texts(criterion, text);
    } else if (criterion->type == TYPE_FLAG) {
        met = compare_texts(criterion, read_flag_or(input, criterion->field, false) ? "true" : "false");
    } else if (criterion->type == TYPE_DATE) {
        if (read_date(input, criterion->field, &day)) {
            decimal_set_ratio(number, years_between(day, today), 1);
            met = compare_numbers(criterion, number);
        }
    } else if (criterion->type == TYPE_NUMBER) {
        met = read_decimal(input, criterion->field, number, &places) && compare_numbers(criterion, number);
    } else if (read_money(input, criterion->field, &money)) {
        if (strcmp(money.currency, criterion->currency) != 0)
            reader_wrong(input, criterion->field, "in the policy's currency");
        decimal_set_ratio(number, (long)money.minor, 1);
        met = compare_numbers(criterion, number);
    }
    mpq_clear(number);
    return met;
}

static json_t *
criterion_row(const struct criterion *criterion, bool met)
{
    char rule[320] = "";
    json_t *row = json_object();
    const char *verdict = met ? "met" : criterion->knock_out ? "knock-out" : "not-met";
    json_object_set_new(row, "criterion", json_string(criterion->id));
    json_object_set_new(row, "title", json_string(criterion->title));
    json_object_set_new(row, "title_zh", json_string(criterion->title_zh));
    for (unsigned i = 0; criterion->op == OP_IN && i < criterion->values_count; i++) {
        size_t used = strlen(rule);
        snprintf(rule + used, sizeof rule - used, "%s%s", i ? ", " : "", criterion->values[i]);
    }
    json_object_set_new(row, "op", json_string(operator_words[criterion->op].str));
    json_object_set_new(row, "value", json_string(criterion->op == OP_IN ? rule : criterion->value));
    json_object_set_new(row, "verdict", json_string(verdict));
    json_object_set_new(row, "weight", json_integer(criterion->weight));
    return row;
}

static void
missing_find(const struct policy *policy, const struct reader *input, struct eligibility *out)
{
    for (unsigned i = 0; i < policy->criteria_count && out->missing_n < JOB_FIELDS_MAX; i++) {
        const char *field = policy->criteria[i].field;
        bool listed = false;
        for (size_t j = 0; j < out->missing_n; j++)
            listed = listed || strcmp(out->missing[j], field) == 0;
        if (!listed && !reader_has(input, field))
            word_set(out->missing[out->missing_n++], "%s", field);
    }
}

bool
policy_judge(const struct policy *policy, const struct reader *input, int64_t today, struct eligibility *out)
{
    struct eligibility judged = {0};
    bool knocked_out = false;
    missing_find(policy, input, &judged);
    if (judged.missing_n > 0) {
        *out = judged;
        return true;
    }
    judged.criteria = json_array();
    for (unsigned i = 0; i < policy->criteria_count; i++) {
        const struct criterion *criterion = &policy->criteria[i];
        bool met = criterion_met(criterion, input, today);
        judged.score += met ? (int)criterion->weight : 0;
        judged.score_max += (int)criterion->weight;
        knocked_out = knocked_out || (!met && criterion->knock_out);
        json_array_append_new(judged.criteria, criterion_row(criterion, met));
    }
    if (input->fault->kind != FAULT_NONE) {
        json_decref(judged.criteria);
        return false;
    }
    judged.verdict = knocked_out ? POLICY_NOT_ELIGIBLE : judged.score >= (int)policy->pass ? POLICY_ELIGIBLE
                   : judged.score >= (int)policy->refer ? POLICY_REFER : POLICY_NOT_ELIGIBLE;
    *out = judged;
    return true;
}
