/* Reading inputs field by field: see input.h. */
#include "common/input.h"

#include "common/civil.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void
fault_set(struct fault *fault, enum fault_kind kind, const char *path, const char *rule)
{
    if (fault->kind != FAULT_NONE)
        return;
    fault->kind = kind;
    snprintf(fault->path, sizeof fault->path, "%s", path);
    snprintf(fault->message, sizeof fault->message, "%s: %s", fault->path, rule);
}

void
fault_missing(struct fault *fault, const char *path)
{
    fault_set(fault, FAULT_MISSING, path, "is missing");
}

void
fault_wrong(struct fault *fault, const char *path, const char *rule)
{
    char text[160];
    snprintf(text, sizeof text, "must be %s", rule);
    fault_set(fault, FAULT_MISIDENTIFIED, path, text);
}

struct reader
reader_of(const json_t *map, const char *base, struct fault *fault)
{
    struct reader reader = {.map = map, .fault = fault};
    snprintf(reader.base, sizeof reader.base, "%s", base);
    if (map && !json_is_object(map)) {
        fault_wrong(fault, base, "a map");
        reader.map = NULL;
    }
    return reader;
}

void
reader_path(const struct reader *reader, const char *name, char out[INPUT_PATH_BYTES])
{
    int n = snprintf(out, INPUT_PATH_BYTES, "%s%s%s", reader->base, *reader->base ? "." : "", name);
    if (n >= INPUT_PATH_BYTES)
        memcpy(out + INPUT_PATH_BYTES - 4, "...", 4);
}

static const json_t *
field(const struct reader *reader, const char *name)
{
    if (reader->fault->kind != FAULT_NONE)
        return NULL;
    const json_t *value = json_object_get(reader->map, name);
    return json_is_null(value) ? NULL : value;
}

static const json_t *
field_required(const struct reader *reader, const char *name)
{
    const json_t *value = field(reader, name);
    if (!value)
        reader_missing(reader, name);
    return value;
}

bool
reader_has(const struct reader *reader, const char *name)
{
    return field(reader, name) != NULL;
}

void
reader_wrong(const struct reader *reader, const char *name, const char *rule)
{
    char path[INPUT_PATH_BYTES];
    reader_path(reader, name, path);
    fault_wrong(reader->fault, path, rule);
}

void
reader_missing(const struct reader *reader, const char *name)
{
    char path[INPUT_PATH_BYTES];
    reader_path(reader, name, path);
    fault_missing(reader->fault, path);
}

struct reader
reader_child(const struct reader *reader, const char *name)
{
    char path[INPUT_PATH_BYTES];
    reader_path(reader, name, path);
    return reader_of(field_required(reader, name), path, reader->fault);
}

struct reader
reader_element(const struct reader *reader, const char *name, const json_t *list, size_t index)
{
    char with_index[INPUT_PATH_BYTES], path[INPUT_PATH_BYTES];
    snprintf(with_index, sizeof with_index, "%s[%zu]", name, index);
    reader_path(reader, with_index, path);
    return reader_of(json_array_get(list, index), path, reader->fault);
}

static const char *
text_of(const struct reader *reader, const char *name, const json_t *value)
{
    size_t n = json_string_length(value);
    if (!json_is_string(value) || n == 0 || n > INPUT_TEXT_BYTES_MAX || strlen(json_string_value(value)) != n) {
        reader_wrong(reader, name, "a text of 1 to 256 bytes");
        return NULL;
    }
    return json_string_value(value);
}

const char *
read_text(const struct reader *reader, const char *name)
{
    const json_t *value = field_required(reader, name);
    return value ? text_of(reader, name, value) : NULL;
}

const char *
read_text_or(const struct reader *reader, const char *name, const char *fallback)
{
    const json_t *value = field(reader, name);
    return value ? text_of(reader, name, value) : fallback;
}

static int64_t
integer_of(const struct reader *reader, const char *name, const json_t *value, int64_t min, int64_t max)
{
    if (json_is_integer(value) && json_integer_value(value) >= min && json_integer_value(value) <= max)
        return json_integer_value(value);
    char rule[96];
    snprintf(rule, sizeof rule, "a whole number from %lld to %lld", (long long)min, (long long)max);
    reader_wrong(reader, name, rule);
    return min;
}

int64_t
read_integer(const struct reader *reader, const char *name, int64_t min, int64_t max)
{
    const json_t *value = field_required(reader, name);
    return value ? integer_of(reader, name, value, min, max) : min;
}

int64_t
read_integer_or(const struct reader *reader, const char *name, int64_t min, int64_t max, int64_t fallback)
{
    const json_t *value = field(reader, name);
    return value ? integer_of(reader, name, value, min, max) : fallback;
}

static double
number_of(const struct reader *reader, const char *name, const json_t *value, double min, double max)
{
    double number = json_number_value(value);
    if (json_is_number(value) && isfinite(number) && number >= min && number <= max)
        return number;
    char rule[96];
    snprintf(rule, sizeof rule, "a number from %g to %g", min, max);
    reader_wrong(reader, name, rule);
    return min;
}

double
read_number(const struct reader *reader, const char *name, double min, double max)
{
    const json_t *value = field_required(reader, name);
    return value ? number_of(reader, name, value, min, max) : min;
}

double
read_number_or(const struct reader *reader, const char *name, double min, double max, double fallback)
{
    const json_t *value = field(reader, name);
    return value ? number_of(reader, name, value, min, max) : fallback;
}

bool
read_flag_or(const struct reader *reader, const char *name, bool fallback)
{
    const json_t *value = field(reader, name);
    if (!value)
        return fallback;
    if (!json_is_boolean(value))
        reader_wrong(reader, name, "true or false");
    return json_is_true(value);
}

bool
decimal_of_json(const json_t *value, mpq_t out, int *out_places)
{
    char text[DECIMAL_TEXT_MAX + 1];
    if (json_is_string(value))
        return strlen(json_string_value(value)) == json_string_length(value) && decimal_parse(json_string_value(value), out, out_places);
    if (json_is_integer(value)) {
        snprintf(text, sizeof text, "%lld", (long long)json_integer_value(value));
        return decimal_parse(text, out, out_places);
    }
    if (!json_is_real(value))
        return false;
    /* 15 digits name a binary number without loss; one that needs more was not meant as a decimal and is refused. */
    snprintf(text, sizeof text, "%.15g", json_real_value(value));
    return strtod(text, NULL) == json_real_value(value) && decimal_parse(text, out, out_places);
}

static bool
decimal_field(const struct reader *reader, const char *name, const json_t *value, mpq_t out, int *out_places)
{
    if (decimal_of_json(value, out, out_places))
        return true;
    reader_wrong(reader, name, "a decimal such as \"97.9\"");
    return false;
}

bool
read_decimal(const struct reader *reader, const char *name, mpq_t value, int *out_places)
{
    const json_t *json = field_required(reader, name);
    return json && decimal_field(reader, name, json, value, out_places);
}

void
read_decimal_or(const struct reader *reader, const char *name, const char *fallback, mpq_t value, int *out_places)
{
    const json_t *json = field(reader, name);
    if (json)
        decimal_field(reader, name, json, value, out_places);
    else
        decimal_parse(fallback, value, out_places);
}

bool
read_money(const struct reader *reader, const char *name, struct money *out)
{
    const json_t *value = field_required(reader, name);
    const json_t *amount = json_object_get(value, "amount"), *currency = json_object_get(value, "currency");
    if (!value)
        return false;
    bool sound = json_is_integer(amount) && json_integer_value(amount) >= 0 && json_integer_value(amount) <= INT64_C(1000000000000000) &&
                 json_string_length(currency) == 3 && strspn(json_string_value(currency), "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 3;
    if (!sound) {
        reader_wrong(reader, name, "money: {amount: minor units from 0, currency: three capital letters}");
        return false;
    }
    out->minor = json_integer_value(amount);
    memcpy(out->currency, json_string_value(currency), 4);
    return true;
}

const json_t *
read_list(const struct reader *reader, const char *name, size_t min, size_t max)
{
    const json_t *value = field_required(reader, name);
    if (!value)
        return NULL;
    if (json_is_array(value) && json_array_size(value) >= min && json_array_size(value) <= max)
        return value;
    char rule[80];
    snprintf(rule, sizeof rule, "a list of %zu to %zu elements", min, max);
    reader_wrong(reader, name, rule);
    return NULL;
}

static int
word_of(const struct reader *reader, const char *name, const json_t *value, const char *const *words)
{
    char rule[160] = "one of";
    for (int i = 0; words[i]; i++) {
        if (json_is_string(value) && strcmp(json_string_value(value), words[i]) == 0)
            return i;
        size_t used = strlen(rule);
        snprintf(rule + used, sizeof rule - used, " %s", words[i]);
    }
    reader_wrong(reader, name, rule);
    return 0;
}

int
read_word(const struct reader *reader, const char *name, const char *const *words)
{
    const json_t *value = field_required(reader, name);
    return value ? word_of(reader, name, value, words) : 0;
}

int
read_word_or(const struct reader *reader, const char *name, const char *const *words, int fallback)
{
    const json_t *value = field(reader, name);
    return value ? word_of(reader, name, value, words) : fallback;
}

bool
read_date(const struct reader *reader, const char *name, int64_t *out_day)
{
    const json_t *value = field(reader, name);
    if (!value)
        return false;
    if (json_is_string(value) && civil_parse_date(json_string_value(value), out_day))
        return true;
    reader_wrong(reader, name, "a date such as 2026-03-31");
    return false;
}

bool
read_time(const struct reader *reader, const char *name, int64_t *out_us)
{
    const json_t *value = field(reader, name);
    if (!value)
        return false;
    if (json_is_string(value) && civil_parse_time(json_string_value(value), out_us))
        return true;
    reader_wrong(reader, name, "a time such as 2026-03-31T08:00:00+08:00");
    return false;
}

json_t *
body_parse(const void *bytes, size_t size, struct fault *fault)
{
    char rule[128];
    json_error_t error;
    if (size == 0) {
        fault_missing(fault, "body");
        return NULL;
    }
    if (size > INPUT_BODY_BYTES_MAX) {
        fault_wrong(fault, "body", "at most 1 MiB");
        return NULL;
    }
    json_t *body = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, &error);
    if (body && json_is_object(body))
        return body;
    if (body)
        snprintf(rule, sizeof rule, "a JSON object");
    else
        snprintf(rule, sizeof rule, "a JSON document (line %d, column %d)", error.line, error.column);
    json_decref(body);
    fault_wrong(fault, "body", rule);
    return NULL;
}
