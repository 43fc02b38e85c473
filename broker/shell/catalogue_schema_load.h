/* The shape of a catalogue file as libcyaml reads it: all texts, judged later. For catalogue_load.c only. */
#ifndef SHELL_CATALOGUE_SCHEMA_LOAD_H
#define SHELL_CATALOGUE_SCHEMA_LOAD_H

#include <cyaml/cyaml.h>
#include <stdint.h>

struct raw_field {
    char *name;
    char *type;
    char *items;
    char *unit;
    char *required;
    char *min;
    char *max;
    char **values;
    uint32_t value_count;
    char *doc;
};

struct raw_attribute {
    char *name;
    char *type;
    char *unit;
    char *doc;
    char *confirmed;
};

struct raw_limits {
    char *attempts;
    char *releases;
    char *accept_by;
    char *start_by;
    char *attempt;
    char *lease;
    char *complete_by;
    char *complete_by_fails;
    char *backoff;
    char *backoff_max;
    char *age;
    char *input;
    char *body;
    char *waiting;
};

struct raw_service {
    char *name;
    char *title;
    char *title_zh;
    char *category;
    char *description;
    char *pattern;
    char *tenure;
    char *policy;
    char *verify;
    char *currency;
    struct raw_limits limits;
    struct raw_field *input;
    uint32_t input_count;
    struct raw_field *output;
    uint32_t output_count;
    struct raw_attribute *attributes;
    uint32_t attribute_count;
    char **outcomes;
    uint32_t outcome_count;
};

struct raw_catalogue {
    struct raw_service *services;
    uint32_t service_count;
};

extern const cyaml_schema_value_t raw_catalogue_schema;

#endif
