/* Files, libyaml and libcyaml behind yaml_load.h. */
#include "shell/yaml_load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TRACE_PARTS_MAX = 16,
    TRACE_PART_BYTES = 64,
};

/* ------------------------------------------------------------- the file */

static bool
file_blame(const char *path, const char *what, struct load_error *out_error)
{
    *out_error = (struct load_error){0};
    snprintf(out_error->file, sizeof out_error->file, "%s", path);
    snprintf(out_error->what, sizeof out_error->what, "%s", what);
    return false;
}

static bool
bytes_read(const char *path, uint8_t **out_bytes, size_t *out_n, struct load_error *out_error)
{
    FILE *stream = fopen(path, "rbe");
    if (stream == NULL) {
        return file_blame(path, strerror(errno), out_error);
    }
    uint8_t *bytes = malloc(YAML_FILE_BYTES_MAX + 1);
    if (bytes == NULL) {
        abort();
    }
    size_t n = fread(bytes, 1, YAML_FILE_BYTES_MAX + 1, stream);
    bool failed = ferror(stream) != 0;
    int number = errno;
    fclose(stream);
    if (failed || n > YAML_FILE_BYTES_MAX) {
        free(bytes);
        return file_blame(path, failed ? strerror(number) : "larger than 4 MiB", out_error);
    }
    *out_bytes = bytes;
    *out_n = n;
    return true;
}

static bool
document_blame(const struct yaml_file *file, const yaml_parser_t *parser, struct load_error *out_error)
{
    file_blame(file->path, parser->problem != NULL ? parser->problem : "no YAML", out_error);
    if (parser->error == YAML_READER_ERROR) { /* it has no mark yet, only an offset */
        out_error->line = 1;
        for (size_t i = 0; i < parser->problem_offset && i < file->n; i++) {
            out_error->line += file->bytes[i] == '\n';
        }
        return false;
    }
    out_error->line = (unsigned)parser->problem_mark.line + 1;
    out_error->column = (unsigned)parser->problem_mark.column + 1;
    return false;
}

/* Is there nothing after the first document? */
static bool
document_is_last(const struct yaml_file *file, yaml_parser_t *parser, struct load_error *out_error)
{
    yaml_document_t second;
    if (!yaml_parser_load(parser, &second)) {
        return document_blame(file, parser, out_error);
    }
    yaml_node_t *root = yaml_document_get_root_node(&second);
    unsigned line = root != NULL ? (unsigned)root->start_mark.line + 1 : 0;
    yaml_document_delete(&second);
    if (root != NULL) {
        file_blame(file->path, "a second document; one file holds one", out_error);
        out_error->line = line;
    }
    return root == NULL;
}

static bool
document_read(struct yaml_file *file, struct load_error *out_error)
{
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser)) {
        abort();
    }
    yaml_parser_set_input_string(&parser, file->bytes, file->n);
    bool good = false;
    if (!yaml_parser_load(&parser, &file->document)) {
        document_blame(file, &parser, out_error);
    } else if (yaml_document_get_root_node(&file->document) == NULL) {
        yaml_document_delete(&file->document);
        file_blame(file->path, "empty", out_error);
    } else if (!document_is_last(file, &parser, out_error)) {
        yaml_document_delete(&file->document);
    } else {
        good = true;
    }
    yaml_parser_delete(&parser);
    return good;
}

bool
yaml_file_open(const char *path, struct yaml_file *out_file, struct load_error *out_error)
{
    struct yaml_file file = {.path = path};
    if (!bytes_read(path, &file.bytes, &file.n, out_error)) {
        return false;
    }
    if (!document_read(&file, out_error)) {
        free(file.bytes);
        return false;
    }
    *out_file = file;
    return true;
}

void
yaml_file_close(struct yaml_file *file)
{
    yaml_document_delete(&file->document);
    free(file->bytes);
    *file = (struct yaml_file){0};
}

/* ------------------------------------------------------------- libcyaml's complaints */

/* libcyaml says what is wrong in one line, then where in further lines, the innermost first. */
struct trace {
    struct load_error *error;
    bool told;
    unsigned count;
    char parts[TRACE_PARTS_MAX][TRACE_PART_BYTES];
};

static void
trace_place(struct trace *trace, const char *text)
{
    unsigned line, column;
    const char *place = strstr(text, "(line: ");
    if (place == NULL || sscanf(place, "(line: %u, column: %u)", &line, &column) != 2) {
        return;
    }
    if (trace->error->line == 0) {
        trace->error->line = line;
        trace->error->column = column;
    }
    if (trace->count == TRACE_PARTS_MAX) {
        return;
    }
    unsigned entry;
    char *part = trace->parts[trace->count];
    if (sscanf(text, " in sequence entry '%u'", &entry) == 1 && entry > 0) {
        snprintf(part, TRACE_PART_BYTES, "[%u]", entry - 1);
        trace->count++;
    } else if (sscanf(text, " in mapping field '%62[^']'", part) == 1) {
        trace->count++;
    }
}

__attribute__((format(printf, 3, 0))) static void
trace_line(cyaml_log_t level, void *context, const char *format, va_list arguments)
{
    struct trace *trace = context;
    char text[sizeof trace->error->what];
    (void)level;
    vsnprintf(text, sizeof text, format, arguments);
    text[strcspn(text, "\n")] = '\0';
    const char *said = strncmp(text, "Load: ", 6) == 0 ? text + 6 : text;
    if (!trace->told) {
        snprintf(trace->error->what, sizeof trace->error->what, "%s", said);
        trace->told = true;
    } else {
        trace_place(trace, said);
    }
}

static void
trace_end(struct trace *trace)
{
    char *field = trace->error->field;
    size_t n = 0;
    for (unsigned i = trace->count; i > 0 && n < sizeof trace->error->field; i--) {
        const char *part = trace->parts[i - 1];
        n += (size_t)snprintf(field + n, sizeof trace->error->field - n, "%s%s", n > 0 && part[0] != '[' ? "." : "",
                              part);
    }
}

static cyaml_config_t
cyaml_settings(struct trace *trace)
{
    return (cyaml_config_t){
        .log_fn = trace != NULL ? trace_line : NULL,
        .log_ctx = trace,
        .log_level = CYAML_LOG_ERROR,
        .mem_fn = cyaml_mem,
    };
}

bool
yaml_file_read(const struct yaml_file *file, const cyaml_schema_value_t *schema, void **out_data,
               struct load_error *out_error)
{
    struct load_error error = {0};
    struct trace trace = {.error = &error};
    cyaml_config_t settings = cyaml_settings(&trace);
    void *data = NULL;
    snprintf(error.file, sizeof error.file, "%s", file->path);
    cyaml_err_t status = cyaml_load_data(file->bytes, file->n, &settings, schema, &data, NULL);
    if (status != CYAML_OK || data == NULL) {
        if (!trace.told) {
            snprintf(error.what, sizeof error.what, "%s", cyaml_strerror(status));
        }
        trace_end(&trace);
        if (data != NULL) {
            yaml_file_free(schema, data);
        }
        *out_error = error;
        return false;
    }
    *out_data = data;
    return true;
}

void
yaml_file_free(const cyaml_schema_value_t *schema, void *data)
{
    cyaml_config_t settings = cyaml_settings(NULL);
    cyaml_free(&settings, schema, data, 0);
}

/* ------------------------------------------------------------- lines of fields */

static yaml_node_t *
pair_find(yaml_document_t *document, const yaml_node_t *node, const char *name, size_t n)
{
    if (node->type != YAML_MAPPING_NODE) {
        return NULL;
    }
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
        yaml_node_t *key = yaml_document_get_node(document, pair->key);
        if (key->type == YAML_SCALAR_NODE && key->data.scalar.length == n &&
            memcmp(key->data.scalar.value, name, n) == 0) {
            return yaml_document_get_node(document, pair->value);
        }
    }
    return NULL;
}

static yaml_node_t *
item_find(yaml_document_t *document, const yaml_node_t *node, unsigned index)
{
    if (node->type != YAML_SEQUENCE_NODE) {
        return NULL;
    }
    yaml_node_item_t *item = node->data.sequence.items.start + index;
    return item < node->data.sequence.items.top ? yaml_document_get_node(document, *item) : NULL;
}

bool
yaml_file_blame(const struct yaml_file *file, const char *field, const char *what, struct load_error *out_error)
{
    yaml_document_t *document = (yaml_document_t *)&file->document; /* libyaml's readers take no const */
    yaml_node_t *node = yaml_document_get_root_node(document);
    yaml_node_t *deepest = node;
    const char *p = field;
    while (node != NULL && *p != '\0') {
        if (*p == '[') {
            node = item_find(document, node, (unsigned)strtoul(p + 1, NULL, 10));
            p += strcspn(p, "]");
            p += *p == ']';
        } else {
            p += *p == '.';
            size_t n = strcspn(p, ".[");
            node = pair_find(document, node, p, n);
            p += n;
        }
        deepest = node != NULL ? node : deepest;
    }
    file_blame(file->path, what, out_error);
    snprintf(out_error->field, sizeof out_error->field, "%s", field);
    out_error->line = (unsigned)deepest->start_mark.line + 1;
    out_error->column = (unsigned)deepest->start_mark.column + 1;
    return false;
}
