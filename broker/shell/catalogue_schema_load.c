/* libcyaml's tables for a catalogue file. Counts are bounded here, before memory is taken; meaning is judged elsewhere. */
#include "shell/catalogue_schema_load.h"

#include <stddef.h>

#include "core/catalogue.h"

enum { TEXT_MAX = CATALOGUE_TEXT_BYTES_MAX };

#define TEXT(key, type) CYAML_FIELD_STRING_PTR(#key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, key, 0, TEXT_MAX)
#define NEEDED(key, type) CYAML_FIELD_STRING_PTR(#key, CYAML_FLAG_POINTER, type, key, 1, TEXT_MAX)
#define LIST(key, type, member, count, entry, max)                                                                   \
    CYAML_FIELD_SEQUENCE_COUNT(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, count, entry, 0, max)

static const cyaml_schema_value_t text_schema = {CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 1, TEXT_MAX)};

static const cyaml_schema_field_t field_fields[] = {
    NEEDED(name, struct raw_field),
    NEEDED(type, struct raw_field),
    TEXT(items, struct raw_field),
    TEXT(unit, struct raw_field),
    TEXT(required, struct raw_field),
    TEXT(min, struct raw_field),
    TEXT(max, struct raw_field),
    LIST("enum", struct raw_field, values, value_count, &text_schema, CATALOGUE_ENUM_MAX),
    TEXT(doc, struct raw_field),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t field_schema = {CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_field, field_fields)};

static const cyaml_schema_field_t attribute_fields[] = {
    NEEDED(name, struct raw_attribute),
    NEEDED(type, struct raw_attribute),
    TEXT(unit, struct raw_attribute),
    TEXT(doc, struct raw_attribute),
    TEXT(confirmed, struct raw_attribute),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t attribute_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_attribute, attribute_fields)};

static const cyaml_schema_field_t limit_fields[] = {
    TEXT(attempts, struct raw_limits),
    TEXT(releases, struct raw_limits),
    TEXT(accept_by, struct raw_limits),
    TEXT(start_by, struct raw_limits),
    TEXT(attempt, struct raw_limits),
    TEXT(lease, struct raw_limits),
    TEXT(complete_by, struct raw_limits),
    TEXT(complete_by_fails, struct raw_limits),
    TEXT(backoff, struct raw_limits),
    TEXT(backoff_max, struct raw_limits),
    TEXT(age, struct raw_limits),
    TEXT(input, struct raw_limits),
    TEXT(body, struct raw_limits),
    TEXT(waiting, struct raw_limits),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t service_fields[] = {
    NEEDED(name, struct raw_service),
    NEEDED(title, struct raw_service),
    NEEDED(title_zh, struct raw_service),
    NEEDED(category, struct raw_service),
    TEXT(description, struct raw_service),
    TEXT(pattern, struct raw_service),
    NEEDED(tenure, struct raw_service),
    TEXT(policy, struct raw_service),
    TEXT(verify, struct raw_service),
    TEXT(currency, struct raw_service),
    CYAML_FIELD_MAPPING("limits", CYAML_FLAG_OPTIONAL, struct raw_service, limits, limit_fields),
    LIST("input", struct raw_service, input, input_count, &field_schema, CATALOGUE_FIELDS_MAX),
    LIST("output", struct raw_service, output, output_count, &field_schema, CATALOGUE_FIELDS_MAX),
    LIST("attributes", struct raw_service, attributes, attribute_count, &attribute_schema, CATALOGUE_ATTRIBUTES_MAX),
    LIST("outcomes", struct raw_service, outcomes, outcome_count, &text_schema, CATALOGUE_OUTCOMES_MAX),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t service_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_service, service_fields)};

static const cyaml_schema_field_t catalogue_fields[] = {
    CYAML_FIELD_SEQUENCE_COUNT("services", CYAML_FLAG_POINTER, struct raw_catalogue, services, service_count,
                               &service_schema, 0, CATALOGUE_SERVICES_MAX),
    CYAML_FIELD_END,
};

const cyaml_schema_value_t raw_catalogue_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw_catalogue, catalogue_fields)};
