/*
 * From YAML texts to service types, and from files or a folder to one sealed catalogue.
 *
 * What a service type may say is decided by core/catalogue_check.c; this file only reads amounts and words.
 */
#include "shell/catalogue_load.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "shell/catalogue_schema_load.h"
#include "shell/quantity_load.h"
#include "shell/yaml_load.h"

enum {
    PATH_BYTES = 512,
    SERVICE_PATH_BYTES = 32,
};

/* One file on its way in. */
struct reading {
    const struct yaml_file *file;
    struct load_error *error;
    char service[SERVICE_PATH_BYTES]; /* "services[3]" */
};

static bool
blame(struct reading *reading, const char *part, const char *what)
{
    char field[sizeof reading->error->field];
    snprintf(field, sizeof field, "%s%s", reading->service, part);
    return yaml_file_blame(reading->file, field, what, reading->error);
}

/* ------------------------------------------------------------- amounts; absent ones leave the default */

static bool
duration_take(struct reading *reading, const char *part, const char *text, int64_t *us)
{
    return text == NULL || quantity_duration(text, us) ||
           blame(reading, part, "a duration such as 30s, 15m, 8h, 14d, or 0 for none");
}

static bool
count_take(struct reading *reading, const char *part, const char *text, uint32_t *count)
{
    uint64_t wide;
    if (text == NULL) {
        return true;
    }
    if (!quantity_count(text, &wide) || wide > UINT32_MAX) {
        return blame(reading, part, "a whole number");
    }
    *count = (uint32_t)wide;
    return true;
}

static bool
bytes_take(struct reading *reading, const char *part, const char *text, uint32_t *bytes)
{
    uint64_t wide;
    if (text == NULL) {
        return true;
    }
    if (!quantity_bytes(text, &wide) || wide > UINT32_MAX) {
        return blame(reading, part, "a size such as 16KiB");
    }
    *bytes = (uint32_t)wide;
    return true;
}

static bool
bool_take(struct reading *reading, const char *part, const char *text, bool *value)
{
    return text == NULL || quantity_bool(text, value) || blame(reading, part, "true or false");
}

static bool
word_take(struct reading *reading, const char *part, const char *text, enum proto_enum table, unsigned *number)
{
    if (text == NULL || proto_enum_number(table, text, strlen(text), number)) {
        return true;
    }
    char what[128] = "one of";
    const struct proto_enum_desc *desc = proto_enum_desc(table);
    for (unsigned i = 0, n = 6; i < desc->count && n < sizeof what; i++) {
        if (desc->names[i].n > 0) {
            n += (unsigned)snprintf(what + n, sizeof what - n, " %.*s", PROTO_STR_ARG(desc->names[i]));
        }
    }
    return blame(reading, part, what);
}

/* ------------------------------------------------------------- fields and attributes */

static struct proto_str *
texts_take(char **texts, uint32_t count)
{
    struct proto_str *taken = calloc(count > 0 ? count : 1, sizeof *taken);
    if (taken == NULL) {
        abort();
    }
    for (uint32_t i = 0; i < count; i++) {
        taken[i] = proto_str_of(texts[i]);
    }
    return taken;
}

static bool
bound_take(struct reading *reading, const char *part, const char *text, bool *out_has, double *out_bound)
{
    if (text == NULL) {
        return true;
    }
    *out_has = true;
    return quantity_number(text, out_bound) || blame(reading, part, "a number");
}

static bool
field_take(struct reading *reading, const char *which, uint32_t index, const struct raw_field *raw, struct field *field)
{
    char part[64], place[80];
    snprintf(part, sizeof part, ".%s[%u]", which, index);
    *field = (struct field){
        .name = proto_str_of(raw->name),
        .unit = proto_str_of(raw->unit),
        .doc = proto_str_of(raw->doc),
        .items = FIELD_ANY,
        .values = texts_take(raw->values, raw->value_count),
        .value_count = raw->value_count,
    };
    snprintf(place, sizeof place, "%s.type", part);
    if (!field_type_find(proto_str_of(raw->type), &field->type)) {
        return blame(reading, place, "string, integer, decimal, number, boolean, date, time, money, list or map");
    }
    snprintf(place, sizeof place, "%s.items", part);
    if (raw->items != NULL && (!field_type_find(proto_str_of(raw->items), &field->items) ||
                               (field->type != FIELD_LIST && field->type != FIELD_MAP))) {
        return blame(reading, place, "the type of the elements, only for a list or map");
    }
    snprintf(place, sizeof place, "%s.required", part);
    if (!bool_take(reading, place, raw->required, &field->required)) {
        return false;
    }
    snprintf(place, sizeof place, "%s.min", part);
    if (!bound_take(reading, place, raw->min, &field->has_min, &field->min)) {
        return false;
    }
    snprintf(place, sizeof place, "%s.max", part);
    return bound_take(reading, place, raw->max, &field->has_max, &field->max);
}

static bool
fields_take(struct reading *reading, const char *which, const struct raw_field *raw, uint32_t count,
            struct field_list *out_list)
{
    struct field *fields = calloc(count > 0 ? count : 1, sizeof *fields);
    if (fields == NULL) {
        abort();
    }
    *out_list = (struct field_list){.fields = fields, .count = count};
    for (uint32_t i = 0; i < count; i++) {
        if (!field_take(reading, which, i, &raw[i], &fields[i])) {
            return false;
        }
    }
    return true;
}

static void
fields_free(struct field_list *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        free((void *)list->fields[i].values);
    }
    free((void *)list->fields);
}

static bool
attributes_take(struct reading *reading, const struct raw_service *raw, struct service_type *service)
{
    struct attribute *attributes = calloc(raw->attribute_count + 1, sizeof *attributes);
    if (attributes == NULL) {
        abort();
    }
    service->attributes = attributes;
    service->attribute_count = raw->attribute_count;
    for (uint32_t i = 0; i < raw->attribute_count; i++) {
        attributes[i].name = proto_str_of(raw->attributes[i].name);
        attributes[i].unit = proto_str_of(raw->attributes[i].unit);
        attributes[i].doc = proto_str_of(raw->attributes[i].doc);
        if (!attribute_type_find(proto_str_of(raw->attributes[i].type), &attributes[i].type)) {
            char part[64];
            snprintf(part, sizeof part, ".attributes[%u].type", i);
            return blame(reading, part, "string, number, boolean, range, date, set or point");
        }
        char part[64];
        snprintf(part, sizeof part, ".attributes[%u].confirmed", i);
        if (!bool_take(reading, part, raw->attributes[i].confirmed, &attributes[i].confirmed)) {
            return false;
        }
    }
    return true;
}

/* ------------------------------------------------------------- a service type */

static bool
limits_take(struct reading *reading, const struct raw_limits *raw, struct service_type *service)
{
    return count_take(reading, ".limits.attempts", raw->attempts, &service->attempts) &&
           count_take(reading, ".limits.releases", raw->releases, &service->releases_max) &&
           duration_take(reading, ".limits.accept_by", raw->accept_by, &service->accept_by_us) &&
           duration_take(reading, ".limits.start_by", raw->start_by, &service->start_by_us) &&
           duration_take(reading, ".limits.attempt", raw->attempt, &service->attempt_us) &&
           duration_take(reading, ".limits.lease", raw->lease, &service->lease_us) &&
           duration_take(reading, ".limits.complete_by", raw->complete_by, &service->complete_by_us) &&
           bool_take(reading, ".limits.complete_by_fails", raw->complete_by_fails, &service->complete_by_fails) &&
           duration_take(reading, ".limits.backoff", raw->backoff, &service->backoff_us) &&
           duration_take(reading, ".limits.backoff_max", raw->backoff_max, &service->backoff_max_us) &&
           duration_take(reading, ".limits.age", raw->age, &service->age_us) &&
           bytes_take(reading, ".limits.input", raw->input, &service->input_bytes_max) &&
           bytes_take(reading, ".limits.body", raw->body, &service->body_bytes_max) &&
           count_take(reading, ".limits.waiting", raw->waiting, &service->waiting_max);
}

static bool
words_take(struct reading *reading, const struct raw_service *raw, struct service_type *service)
{
    unsigned pattern = service->pattern, tenure = service->tenure, policy = service->policy;
    if (!word_take(reading, ".pattern", raw->pattern, PROTO_ENUM_PATTERN, &pattern) ||
        !word_take(reading, ".tenure", raw->tenure, PROTO_ENUM_TENURE, &tenure) ||
        !word_take(reading, ".policy", raw->policy, PROTO_ENUM_POLICY, &policy)) {
        return false;
    }
    service->pattern = (enum proto_pattern)pattern;
    service->tenure = (enum proto_tenure)tenure;
    service->policy = (enum proto_policy)policy;
    if (service->tenure == PROTO_TENURE_OWNED && raw->limits.lease != NULL) {
        return blame(reading, ".limits.lease", "only for leased services: an owned task has no lease");
    }
    return bool_take(reading, ".verify", raw->verify, &service->verify);
}

/* What the service holds of its own is freed by the caller, good or bad. */
static bool
service_take(struct reading *reading, const struct raw_service *raw, struct service_type *service)
{
    service->name = proto_str_of(raw->name);
    service->title = proto_str_of(raw->title);
    service->title_zh = proto_str_of(raw->title_zh);
    service->category = proto_str_of(raw->category);
    service->description = proto_str_of(raw->description);
    if (raw->currency != NULL && strlen(raw->currency) != sizeof service->currency - 1) {
        return blame(reading, ".currency", "three capital letters of ISO 4217");
    }
    if (raw->currency != NULL) {
        snprintf(service->currency, sizeof service->currency, "%s", raw->currency);
    }
    service->outcomes = texts_take(raw->outcomes, raw->outcome_count);
    service->outcome_count = raw->outcome_count;
    return words_take(reading, raw, service) && limits_take(reading, &raw->limits, service) &&
           fields_take(reading, "input", raw->input, raw->input_count, &service->input) &&
           fields_take(reading, "output", raw->output, raw->output_count, &service->output) &&
           attributes_take(reading, raw, service);
}

static bool
service_add(struct reading *reading, const struct raw_service *raw, uint32_t input_bytes_max, uint32_t body_bytes_max,
            struct catalogue *catalogue)
{
    struct service_type service;
    struct catalogue_error error;
    service_type_init(&service);
    service.input_bytes_max = input_bytes_max;
    service.body_bytes_max = body_bytes_max;
    bool good = service_take(reading, raw, &service);
    if (good && service.input_bytes_max > input_bytes_max) {
        good = blame(reading, ".limits.input", "at most the configuration's limits.input");
    }
    if (good && service.body_bytes_max > body_bytes_max) {
        good = blame(reading, ".limits.body", "at most the configuration's limits.body");
    }
    if (good && !catalogue_add_service(catalogue, &service, reading->service, &error)) {
        good = yaml_file_blame(reading->file, error.path, error.what, reading->error);
    }
    fields_free(&service.input);
    fields_free(&service.output);
    free((void *)service.attributes);
    free((void *)service.outcomes);
    return good;
}

/* ------------------------------------------------------------- files */

static bool
file_add(const char *path, uint32_t input_bytes_max, uint32_t body_bytes_max, struct catalogue *catalogue,
         struct load_error *out_error)
{
    struct yaml_file file;
    void *data = NULL;
    if (!yaml_file_open(path, &file, out_error)) {
        return false;
    }
    bool good = yaml_file_read(&file, &raw_catalogue_schema, &data, out_error);
    if (good) {
        const struct raw_catalogue *raw = data;
        struct reading reading = {.file = &file, .error = out_error};
        for (uint32_t i = 0; good && i < raw->service_count; i++) {
            snprintf(reading.service, sizeof reading.service, "services[%u]", i);
            good = service_add(&reading, &raw->services[i], input_bytes_max, body_bytes_max, catalogue);
        }
        yaml_file_free(&raw_catalogue_schema, data);
    }
    yaml_file_close(&file);
    return good;
}

static bool
path_blame(const char *path, const char *what, struct load_error *out_error)
{
    *out_error = (struct load_error){0};
    snprintf(out_error->file, sizeof out_error->file, "%s", path);
    snprintf(out_error->what, sizeof out_error->what, "%s", what);
    return false;
}

static int
is_yaml(const struct dirent *entry)
{
    size_t n = strlen(entry->d_name);
    return entry->d_name[0] != '.' && n > 5 && strcmp(entry->d_name + n - 5, ".yaml") == 0;
}

static bool
folder_add(const char *path, uint32_t input_bytes_max, uint32_t body_bytes_max, struct catalogue *catalogue,
           struct load_error *out_error)
{
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, is_yaml, alphasort);
    bool good = count > 0 && count <= CATALOGUE_FILES_MAX;
    if (!good) {
        path_blame(path, count < 0 ? strerror(errno) : count == 0 ? "no *.yaml in it" : "more than 256 files", out_error);
    }
    for (int i = 0; i < count; i++) {
        char file[PATH_BYTES];
        int n = snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name);
        if (good && (size_t)n >= sizeof file) {
            good = path_blame(path, "a path that is too long", out_error);
        }
        good = good && file_add(file, input_bytes_max, body_bytes_max, catalogue, out_error);
        free(entries[i]);
    }
    free(entries);
    return good;
}

bool
catalogue_load(const char *path, uint32_t input_bytes_max, uint32_t body_bytes_max, struct catalogue **out_catalogue,
               struct load_error *out_error)
{
    struct stat status;
    struct catalogue *catalogue = catalogue_new();
    bool good;
    if (stat(path, &status) != 0) {
        good = path_blame(path, strerror(errno), out_error);
    } else if (S_ISDIR(status.st_mode)) {
        good = folder_add(path, input_bytes_max, body_bytes_max, catalogue, out_error);
    } else {
        good = file_add(path, input_bytes_max, body_bytes_max, catalogue, out_error);
    }
    if (!good) {
        catalogue_unref(&catalogue);
        return false;
    }
    catalogue_seal(catalogue);
    *out_catalogue = catalogue;
    return true;
}
