/*
 * What a service type may say, and the names of its types and services. Knows no file and no catalogue.
 */
#include "core/catalogue_check.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#define SECOND_US INT64_C(1000000)
#define DURATION_MAX_US (INT64_C(100) * 366 * 86400 * SECOND_US)
#define LEASE_MIN_US (INT64_C(100) * 1000)
#define LEASE_MAX_US (INT64_C(86400) * SECOND_US)

enum {
    FIELD_NAME_BYTES_MAX = 64,
    FIELD_DOC_BYTES_MAX = 256,
    ATTEMPTS_MAX = 63, /* a task's number within its request has six bits, and 0 is the request */
    RELEASES_MAX = 10000,
    WAITING_MAX = 100000000,
    PART_BYTES = 96,
    PLACE_BYTES = PART_BYTES + 32,
};

static const char *const field_type_names[FIELD_TYPES] = {
    [FIELD_STRING] = "string",   [FIELD_INTEGER] = "integer", [FIELD_DECIMAL] = "decimal", [FIELD_NUMBER] = "number",
    [FIELD_BOOLEAN] = "boolean", [FIELD_DATE] = "date",       [FIELD_TIME] = "time",       [FIELD_MONEY] = "money",
    [FIELD_LIST] = "list",       [FIELD_MAP] = "map",         [FIELD_ANY] = "any",
};

static const char *const attribute_type_names[ATTRIBUTE_TYPES] = {
    [ATTRIBUTE_STRING] = "string", [ATTRIBUTE_NUMBER] = "number", [ATTRIBUTE_BOOLEAN] = "boolean",
    [ATTRIBUTE_RANGE] = "range",   [ATTRIBUTE_DATE] = "date",     [ATTRIBUTE_SET] = "set",
    [ATTRIBUTE_POINT] = "point",
};

const char *
field_type_name(enum field_type type)
{
    return (unsigned)type < FIELD_TYPES ? field_type_names[type] : NULL;
}

bool
field_type_find(struct proto_str name, enum field_type *out_type)
{
    for (unsigned i = 0; i < FIELD_TYPES; i++) {
        if (proto_str_eq(proto_str_of(field_type_names[i]), name)) {
            *out_type = (enum field_type)i;
            return true;
        }
    }
    return false;
}

const char *
attribute_type_name(enum attribute_type type)
{
    return (unsigned)type < ATTRIBUTE_TYPES ? attribute_type_names[type] : NULL;
}

bool
attribute_type_find(struct proto_str name, enum attribute_type *out_type)
{
    for (unsigned i = 0; i < ATTRIBUTE_TYPES; i++) {
        if (proto_str_eq(proto_str_of(attribute_type_names[i]), name)) {
            *out_type = (enum attribute_type)i;
            return true;
        }
    }
    return false;
}

/* ------------------------------------------------------------- names */

static bool
is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* One part: begins with a letter, holds letters, digits, '-' and '_'. */
static bool
name_valid(struct proto_str name, uint32_t bytes_max)
{
    if (name.n == 0 || name.n > bytes_max || name.p[0] < 'a' || name.p[0] > 'z') {
        return false;
    }
    for (uint32_t i = 1; i < name.n; i++) {
        if (!is_name_char(name.p[i])) {
            return false;
        }
    }
    return true;
}

bool
service_name_valid(struct proto_str name, bool pattern)
{
    if (name.n == 0 || name.n > CATALOGUE_NAME_BYTES_MAX) {
        return false;
    }
    if (pattern && name.p[name.n - 1] == '*') {
        if (name.n == 1) {
            return true;
        }
        if (name.n < 3 || name.p[name.n - 2] != '.') {
            return false;
        }
        name.n -= 2;
    }
    uint32_t from = 0;
    for (uint32_t i = 0; i <= name.n; i++) {
        if (i == name.n || name.p[i] == '.') {
            if (!name_valid((struct proto_str){name.p + from, i - from}, CATALOGUE_NAME_BYTES_MAX)) {
                return false;
            }
            from = i + 1;
        }
    }
    return true;
}

bool
service_name_covers(struct proto_str pattern, struct proto_str name)
{
    if (pattern.n == 0 || pattern.p[pattern.n - 1] != '*') {
        return pattern.n > 0 && proto_str_eq(pattern, name);
    }
    uint32_t prefix = pattern.n - 1; /* with its dot */
    return prefix == 0 || (name.n > prefix && memcmp(pattern.p, name.p, prefix) == 0);
}

/* ------------------------------------------------------------- checks */

bool
catalogue_blame(struct catalogue_error *out_error, const char *path, const char *part, const char *format, ...)
{
    snprintf(out_error->path, sizeof out_error->path, "%s%s", path, part);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(out_error->what, sizeof out_error->what, format, arguments);
    va_end(arguments);
    return false;
}

static bool
text_check(struct proto_str text, uint32_t bytes_max, const char *path, const char *part, struct catalogue_error *error)
{
    if (text.n > bytes_max) {
        return catalogue_blame(error, path, part, "at most %u bytes", bytes_max);
    }
    return true;
}

static bool
values_check(const struct field *field, const char *path, const char *part, struct catalogue_error *error)
{
    bool of_text = field->type == FIELD_STRING ||
                   ((field->type == FIELD_LIST || field->type == FIELD_MAP) && field->items == FIELD_STRING);
    char place[PLACE_BYTES];
    snprintf(place, sizeof place, "%s.enum", part);
    if (field->value_count == 0) {
        return true;
    }
    if (!of_text) {
        return catalogue_blame(error, path, place, "only for strings and lists or maps of strings");
    }
    if (field->value_count > CATALOGUE_ENUM_MAX) {
        return catalogue_blame(error, path, place, "at most %d values", CATALOGUE_ENUM_MAX);
    }
    for (uint32_t i = 0; i < field->value_count; i++) {
        snprintf(place, sizeof place, "%s.enum[%u]", part, i);
        if (field->values[i].n == 0 || field->values[i].n > CATALOGUE_NAME_BYTES_MAX) {
            return catalogue_blame(error, path, place, "1 to %d bytes", CATALOGUE_NAME_BYTES_MAX);
        }
        for (uint32_t j = 0; j < i; j++) {
            if (proto_str_eq(field->values[i], field->values[j])) {
                return catalogue_blame(error, path, place, "is there twice");
            }
        }
    }
    return true;
}

static bool
bounds_check(const struct field *field, const char *path, const char *part, struct catalogue_error *error)
{
    char place[PLACE_BYTES];
    snprintf(place, sizeof place, "%s.%s", part, field->has_min ? "min" : "max");
    if (!field->has_min && !field->has_max) {
        return true;
    }
    if (field->type == FIELD_BOOLEAN || field->type == FIELD_DATE || field->type == FIELD_TIME) {
        return catalogue_blame(error, path, place, "a %s has no bounds", field_type_name(field->type));
    }
    if ((field->has_min && !isfinite(field->min)) || (field->has_max && !isfinite(field->max))) {
        return catalogue_blame(error, path, place, "a finite number");
    }
    bool counted = field->type == FIELD_STRING || field->type == FIELD_LIST || field->type == FIELD_MAP;
    if (counted && ((field->has_min && field->min < 0) || (field->has_max && field->max < 0))) {
        return catalogue_blame(error, path, place, "a length from 0");
    }
    if (field->has_min && field->has_max && field->min > field->max) {
        return catalogue_blame(error, path, place, "min is above max");
    }
    return true;
}

static bool
field_check(const struct field_list *list, uint32_t index, const char *path, const char *which,
            struct catalogue_error *error)
{
    const struct field *field = &list->fields[index];
    char part[PART_BYTES];
    char place[PLACE_BYTES];
    snprintf(part, sizeof part, ".%s[%u]", which, index);
    snprintf(place, sizeof place, "%s.name", part);
    if (!name_valid(field->name, FIELD_NAME_BYTES_MAX)) {
        return catalogue_blame(error, path, place, "lower-case letters, digits, '-' and '_', beginning with a letter");
    }
    for (uint32_t i = 0; i < index; i++) {
        if (proto_str_eq(list->fields[i].name, field->name)) {
            return catalogue_blame(error, path, place, "%.*s is there twice", PROTO_STR_ARG(field->name));
        }
    }
    snprintf(place, sizeof place, "%s.type", part);
    if ((unsigned)field->type >= FIELD_ANY) {
        return catalogue_blame(error, path, place, "string, integer, decimal, number, boolean, date, time, money, list or map");
    }
    snprintf(place, sizeof place, "%s.unit", part);
    if (!text_check(field->unit, CATALOGUE_UNIT_BYTES_MAX, path, place, error)) {
        return false;
    }
    if (field->type == FIELD_MONEY && field->unit.n != 0 && field->unit.n != 3) {
        return catalogue_blame(error, path, place, "of money: a currency of three letters");
    }
    snprintf(place, sizeof place, "%s.doc", part);
    return text_check(field->doc, FIELD_DOC_BYTES_MAX, path, place, error) && bounds_check(field, path, part, error) &&
           values_check(field, path, part, error);
}

static bool
fields_check(const struct field_list *list, const char *path, const char *which, struct catalogue_error *error)
{
    if (list->count > CATALOGUE_FIELDS_MAX) {
        char part[PART_BYTES];
        snprintf(part, sizeof part, ".%s", which);
        return catalogue_blame(error, path, part, "at most %d fields", CATALOGUE_FIELDS_MAX);
    }
    for (uint32_t i = 0; i < list->count; i++) {
        if (!field_check(list, i, path, which, error)) {
            return false;
        }
    }
    return true;
}

static bool
attributes_check(const struct service_type *service, const char *path, struct catalogue_error *error)
{
    if (service->attribute_count > CATALOGUE_ATTRIBUTES_MAX) {
        return catalogue_blame(error, path, ".attributes", "at most %d", CATALOGUE_ATTRIBUTES_MAX);
    }
    for (uint32_t i = 0; i < service->attribute_count; i++) {
        const struct attribute *attribute = &service->attributes[i];
        char part[PART_BYTES];
        snprintf(part, sizeof part, ".attributes[%u].name", i);
        if (!name_valid(attribute->name, FIELD_NAME_BYTES_MAX)) {
            return catalogue_blame(error, path, part, "lower-case letters, digits, '-' and '_', beginning with a letter");
        }
        for (uint32_t j = 0; j < i; j++) {
            if (proto_str_eq(service->attributes[j].name, attribute->name)) {
                return catalogue_blame(error, path, part, "%.*s is there twice", PROTO_STR_ARG(attribute->name));
            }
        }
        snprintf(part, sizeof part, ".attributes[%u].type", i);
        if ((unsigned)attribute->type >= ATTRIBUTE_TYPES) {
            return catalogue_blame(error, path, part, "string, number, boolean, range, date, set or point");
        }
        snprintf(part, sizeof part, ".attributes[%u].unit", i);
        if (!text_check(attribute->unit, CATALOGUE_UNIT_BYTES_MAX, path, part, error)) {
            return false;
        }
        snprintf(part, sizeof part, ".attributes[%u].doc", i);
        if (!text_check(attribute->doc, FIELD_DOC_BYTES_MAX, path, part, error)) {
            return false;
        }
    }
    return true;
}

static bool
outcomes_check(const struct service_type *service, const char *path, struct catalogue_error *error)
{
    if (strspn(service->currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3) {
        return catalogue_blame(error, path, ".currency", "three capital letters of ISO 4217");
    }
    if (service->outcome_count > CATALOGUE_OUTCOMES_MAX) {
        return catalogue_blame(error, path, ".outcomes", "at most %d", CATALOGUE_OUTCOMES_MAX);
    }
    for (uint32_t i = 0; i < service->outcome_count; i++) {
        char part[PART_BYTES];
        snprintf(part, sizeof part, ".outcomes[%u]", i);
        if (!name_valid(service->outcomes[i], CATALOGUE_NAME_BYTES_MAX)) {
            return catalogue_blame(error, path, part, "lower-case letters, digits, '-' and '_', beginning with a letter");
        }
        for (uint32_t j = 0; j < i; j++) {
            if (proto_str_eq(service->outcomes[i], service->outcomes[j])) {
                return catalogue_blame(error, path, part, "is there twice");
            }
        }
    }
    return true;
}

static bool
durations_check(const struct service_type *service, const char *path, struct catalogue_error *error)
{
    const struct {
        const char *part;
        int64_t value;
    } durations[] = {
        {".limits.accept_by", service->accept_by_us},     {".limits.start_by", service->start_by_us},
        {".limits.attempt", service->attempt_us},         {".limits.complete_by", service->complete_by_us},
        {".limits.backoff", service->backoff_us},         {".limits.backoff_max", service->backoff_max_us},
        {".limits.age", service->age_us},
    };
    for (size_t i = 0; i < sizeof durations / sizeof *durations; i++) {
        if (durations[i].value < 0 || durations[i].value > DURATION_MAX_US) {
            return catalogue_blame(error, path, durations[i].part, "from 0 to 100 years");
        }
    }
    if (service->backoff_max_us < service->backoff_us) {
        return catalogue_blame(error, path, ".limits.backoff_max", "not below backoff");
    }
    if (service->tenure == PROTO_TENURE_LEASED) {
        if (service->lease_us < LEASE_MIN_US || service->lease_us > LEASE_MAX_US) {
            return catalogue_blame(error, path, ".limits.lease", "from 100 ms to 1 day");
        }
        if (service->attempt_us != 0 && service->attempt_us < service->lease_us) {
            return catalogue_blame(error, path, ".limits.attempt", "not below lease");
        }
        if (service->accept_by_us != 0 || service->start_by_us != 0) {
            return catalogue_blame(error, path, service->accept_by_us != 0 ? ".limits.accept_by" : ".limits.start_by",
                                   "only for owned services: a leased task starts when it is assigned");
        }
    }
    if (service->complete_by_us != 0 && service->complete_by_us < service->accept_by_us) {
        return catalogue_blame(error, path, ".limits.complete_by", "not below accept_by");
    }
    if (service->complete_by_fails && service->complete_by_us == 0) {
        return catalogue_blame(error, path, ".limits.complete_by", "needed when passing it fails the request");
    }
    return true;
}

static bool
limits_check(const struct service_type *service, const char *path, struct catalogue_error *error)
{
    if (service->attempts < 1 || service->attempts > ATTEMPTS_MAX) {
        return catalogue_blame(error, path, ".limits.attempts", "from 1 to %d", ATTEMPTS_MAX);
    }
    if (service->releases_max > RELEASES_MAX) {
        return catalogue_blame(error, path, ".limits.releases", "from 0 to %d", RELEASES_MAX);
    }
    if (service->input_bytes_max < 1 || service->input_bytes_max > PROTO_LIMIT_INPUT_BYTES) {
        return catalogue_blame(error, path, ".limits.input", "from 1 to %d bytes", PROTO_LIMIT_INPUT_BYTES);
    }
    if (service->body_bytes_max > PROTO_LIMIT_BODY_BYTES) {
        return catalogue_blame(error, path, ".limits.body", "from 0 to %d bytes", PROTO_LIMIT_BODY_BYTES);
    }
    if (service->waiting_max > WAITING_MAX) {
        return catalogue_blame(error, path, ".limits.waiting", "from 0 to %d", WAITING_MAX);
    }
    return durations_check(service, path, error);
}

bool
service_type_check(const struct service_type *service, const char *path, struct catalogue_error *out_error)
{
    if (!service_name_valid(service->name, false)) {
        return catalogue_blame(out_error, path, ".name",
                               "parts of lower-case letters, digits and '-', joined by '.', at most %d bytes",
                               CATALOGUE_NAME_BYTES_MAX);
    }
    if (service->category.n != 0 && !name_valid(service->category, CATALOGUE_NAME_BYTES_MAX)) {
        return catalogue_blame(out_error, path, ".category", "lower-case letters, digits, '-' and '_'");
    }
    if (service->pattern != PROTO_PATTERN_DIRECT) {
        return catalogue_blame(out_error, path, ".pattern", "direct: no other pattern is served yet");
    }
    if (service->tenure != PROTO_TENURE_LEASED && service->tenure != PROTO_TENURE_OWNED) {
        return catalogue_blame(out_error, path, ".tenure", "leased or owned");
    }
    if (service->policy < PROTO_POLICY_LEAST_LOADED || service->policy > PROTO_POLICY_PREFERRED) {
        return catalogue_blame(out_error, path, ".policy", "least-loaded, nearest, cheapest or preferred");
    }
    return text_check(service->title, CATALOGUE_TITLE_BYTES_MAX, path, ".title", out_error) &&
           text_check(service->title_zh, CATALOGUE_TITLE_BYTES_MAX, path, ".title_zh", out_error) &&
           text_check(service->description, CATALOGUE_TEXT_BYTES_MAX, path, ".description", out_error) &&
           limits_check(service, path, out_error) && fields_check(&service->input, path, "input", out_error) &&
           fields_check(&service->output, path, "output", out_error) &&
           attributes_check(service, path, out_error) && outcomes_check(service, path, out_error);
}
