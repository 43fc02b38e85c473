/* Suites and processes: see plant.h. */
#include "cdmo/plant.h"

#include "common/civil.h"
#include "common/yaml.h"

#include <stdio.h>
#include <string.h>

struct stage_row {
    char *id, *name, *name_zh, *suite_class;
    unsigned hours;
    char **after;
    unsigned after_count;
};

struct process {
    char *service, *titre_unit;
    struct stage_row *stages;
    unsigned stages_count;
};

struct plant {
    struct suite *suites;
    unsigned suites_count;
    struct process *processes;
    unsigned processes_count;
};

static const cyaml_schema_value_t text_schema = {CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, NAME_BYTES - 1)};

static const cyaml_schema_field_t suite_fields[] = {
    CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct suite, name, 1, NAME_BYTES - 1),
    CYAML_FIELD_STRING_PTR("class", CYAML_FLAG_POINTER, struct suite, suite_class, 1, NAME_BYTES - 1),
    CYAML_FIELD_UINT("changeover_hours", CYAML_FLAG_DEFAULT, struct suite, changeover_hours),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t suite_schema = {CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct suite, suite_fields)};

static const cyaml_schema_field_t stage_fields[] = {
    CYAML_FIELD_STRING_PTR("id", CYAML_FLAG_POINTER, struct stage_row, id, 1, NAME_BYTES - 1),
    CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct stage_row, name, 1, NAME_BYTES - 1),
    CYAML_FIELD_STRING_PTR("name_zh", CYAML_FLAG_POINTER, struct stage_row, name_zh, 1, NAME_BYTES - 1),
    CYAML_FIELD_STRING_PTR("class", CYAML_FLAG_POINTER, struct stage_row, suite_class, 1, NAME_BYTES - 1),
    CYAML_FIELD_UINT("hours", CYAML_FLAG_DEFAULT, struct stage_row, hours),
    CYAML_FIELD_SEQUENCE("after", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct stage_row, after, &text_schema, 0, AFTER_MAX),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t stage_schema = {CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct stage_row, stage_fields)};

static const cyaml_schema_field_t process_fields[] = {
    CYAML_FIELD_STRING_PTR("service", CYAML_FLAG_POINTER, struct process, service, 1, NAME_BYTES - 1),
    CYAML_FIELD_STRING_PTR("titre_unit", CYAML_FLAG_POINTER, struct process, titre_unit, 1, NAME_BYTES - 1),
    CYAML_FIELD_SEQUENCE("stages", CYAML_FLAG_POINTER, struct process, stages, &stage_schema, 1, STAGES_MAX),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t process_schema = {CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct process, process_fields)};

static const cyaml_schema_field_t plant_fields[] = {
    CYAML_FIELD_SEQUENCE("suites", CYAML_FLAG_POINTER, struct plant, suites, &suite_schema, 1, SUITES_MAX),
    CYAML_FIELD_SEQUENCE("processes", CYAML_FLAG_POINTER, struct plant, processes, &process_schema, 1, 64),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t plant_schema = {CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct plant, plant_fields)};

static bool
class_exists(const struct plant *plant, const char *suite_class)
{
    for (unsigned i = 0; i < plant->suites_count; i++)
        if (strcmp(plant->suites[i].suite_class, suite_class) == 0)
            return true;
    return false;
}

/* The index of a stage that stands before; n when there is none. */
static size_t
stage_find(const struct stages *stages, const char *id)
{
    size_t i = 0;
    while (i < stages->n && strcmp(stages->v[i].id, id) != 0)
        i++;
    return i;
}

/* NULL when the row was added, else what is wrong with it. */
static const char *
stage_add(const struct plant *plant, struct stages *stages, const struct stage_row *row)
{
    if (stage_find(stages, row->id) < stages->n)
        return "id stands twice";
    if (!class_exists(plant, row->suite_class))
        return "no suite has this class";
    if (row->hours < 1 || row->hours > STAGE_HOURS_MAX)
        return "hours are from 1 to 17520";
    struct stage *stage = &stages->v[stages->n];
    memset(stage, 0, sizeof *stage);
    for (unsigned i = 0; i < row->after_count; i++) {
        size_t before = stage_find(stages, row->after[i]);
        if (before == stages->n)
            return "after names a stage that does not stand before it";
        stage->after[stage->after_n++] = before;
    }
    snprintf(stage->id, NAME_BYTES, "%s", row->id);
    snprintf(stage->name, NAME_BYTES, "%s", row->name);
    snprintf(stage->name_zh, NAME_BYTES, "%s", row->name_zh);
    snprintf(stage->suite_class, NAME_BYTES, "%s", row->suite_class);
    stage->length_us = row->hours * CIVIL_HOUR_US;
    stages->n++;
    return NULL;
}

static const char *
process_stages(const struct plant *plant, const struct process *process, struct stages *out, unsigned *out_index)
{
    const char *fault = NULL;
    out->n = 0;
    for (unsigned i = 0; !fault && i < process->stages_count; i++) {
        *out_index = i;
        fault = stage_add(plant, out, &process->stages[i]);
    }
    return fault;
}

/* What the schema cannot tell. */
static bool
plant_check(const struct plant *plant, const char *path, char *error, size_t error_bytes)
{
    struct stages stages;
    for (unsigned i = 0; i < plant->suites_count; i++)
        for (unsigned j = 0; j < i; j++)
            if (strcmp(plant->suites[i].name, plant->suites[j].name) == 0) {
                snprintf(error, error_bytes, "%s: suites[%u].name stands twice", path, i);
                return false;
            }
    for (unsigned i = 0; i < plant->processes_count; i++) {
        unsigned index = 0;
        const char *fault = process_stages(plant, &plant->processes[i], &stages, &index);
        if (fault) {
            snprintf(error, error_bytes, "%s: processes[%u].stages[%u]: %s", path, i, index, fault);
            return false;
        }
    }
    return true;
}

bool
plant_load(const char *path, struct plant **out, char *error, size_t error_bytes)
{
    void *data = NULL;
    char text[YAML_ERROR_BYTES];
    if (!yaml_file_load(path, &plant_schema, &data, text)) {
        snprintf(error, error_bytes, "%s", text);
        return false;
    }
    if (!plant_check(data, path, error, error_bytes)) {
        plant_free(data);
        return false;
    }
    *out = data;
    return true;
}

void
plant_free(struct plant *plant)
{
    yaml_file_free(&plant_schema, plant);
}

size_t
plant_suites(const struct plant *plant, const struct suite **out)
{
    *out = plant->suites;
    return plant->suites_count;
}

bool
plant_process(const struct plant *plant, const char *service, struct stages *out, const char **out_titre_unit)
{
    unsigned index;
    for (unsigned i = 0; i < plant->processes_count; i++)
        if (strcmp(plant->processes[i].service, service) == 0) {
            *out_titre_unit = plant->processes[i].titre_unit;
            return process_stages(plant, &plant->processes[i], out, &index) == NULL;
        }
    return false;
}

/* ---- stages from a request */

static void
after_read(const struct reader *reader, struct stage_row *row, const char *names[AFTER_MAX])
{
    if (!reader_has(reader, "after"))
        return;
    const json_t *list = read_list(reader, "after", 0, AFTER_MAX);
    for (size_t i = 0; list && i < json_array_size(list); i++) {
        names[i] = json_string_value(json_array_get(list, i));
        if (!names[i])
            reader_wrong(reader, "after", "a list of stage ids");
        else
            row->after_count++;
    }
}

static const char *
name_read(const struct reader *reader, const char *name, const char *fallback)
{
    const char *text = fallback ? read_text_or(reader, name, fallback) : read_text(reader, name);
    if (text && strlen(text) >= NAME_BYTES)
        reader_wrong(reader, name, "at most 63 bytes");
    return text;
}

bool
stages_read(const struct plant *plant, const struct reader *body, struct stages *out)
{
    const json_t *list = read_list(body, "stages", 1, STAGES_MAX);
    out->n = 0;
    for (size_t i = 0; list && i < json_array_size(list); i++) {
        struct reader reader = reader_element(body, "stages", list, i);
        const char *names[AFTER_MAX], *fault;
        struct stage_row row = {.id = (char *)name_read(&reader, "id", NULL), .suite_class = (char *)name_read(&reader, "class", NULL),
                                .hours = (unsigned)read_integer(&reader, "hours", 1, STAGE_HOURS_MAX), .after = (char **)names};
        row.name = (char *)name_read(&reader, "name", row.id ? row.id : "");
        row.name_zh = (char *)name_read(&reader, "name_zh", row.name ? row.name : "");
        after_read(&reader, &row, names);
        if (body->fault->kind != FAULT_NONE)
            return false;
        fault = stage_add(plant, out, &row);
        if (fault) {
            char path[INPUT_PATH_BYTES], rule[96];
            snprintf(path, sizeof path, "%.150s", reader.base);
            snprintf(rule, sizeof rule, "a stage that fits the plant: %s", fault);
            fault_wrong(body->fault, path, rule);
            return false;
        }
    }
    return body->fault->kind == FAULT_NONE;
}
