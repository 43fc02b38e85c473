/* YAML and JSON documents, over libyaml; JSON is checked by jansson first, because YAML takes more than JSON allows. */
#include "document.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "command.h"
#include "scalar.h"

enum { DEPTH_MAX = 16, NODES_MAX = 100000, PATH_SIZE = 256 };

struct document {
    char *name;
    yaml_document_t yaml;
};

bool
say(struct said *said, int exit_code, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vsnprintf(said->text, sizeof said->text, format, list);
    va_end(list);
    said->exit_code = exit_code;
    return false;
}

/* ---- reading ---- */

char *
file_read(const char *path, size_t max, size_t *out_n, struct said *said)
{
    bool standard = strcmp(path, "-") == 0;
    FILE *file = standard ? stdin : fopen(path, "rb");
    if (!file) {
        say(said, EXIT_NO_INPUT, "%s: %s", path, strerror(errno));
        return NULL;
    }
    size_t n = 0, size = 4096, got;
    char *text = malloc(size);
    while (text && n <= max && (got = fread(text + n, 1, size - n - 1, file)) > 0) {
        n += got;
        if (size - n < 2) {
            char *grown = realloc(text, size *= 2);
            if (!grown) {
                free(text);
                text = NULL;
            } else {
                text = grown;
            }
        }
    }
    bool failed = ferror(file) != 0;
    if (!standard)
        fclose(file);
    if (!text || failed || n > max) {
        if (n > max)
            say(said, EXIT_DATA, "%s: larger than %zu bytes", path, max);
        else
            say(said, EXIT_NO_INPUT, "%s: cannot be read", path);
        free(text);
        return NULL;
    }
    text[n] = '\0';
    *out_n = n;
    return text;
}

static bool
load_yaml(struct document *document, const char *text, size_t n, struct said *said)
{
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        return say(said, EXIT_SYSTEM, "%s: no memory", document->name);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, n);
    bool good = yaml_parser_load(&parser, &document->yaml);
    if (!good)
        say(said, EXIT_DATA, "%s:%zu: %s%s%s", document->name, parser.problem_mark.line + 1, parser.context ? parser.context : "",
            parser.context ? ": " : "", parser.problem ? parser.problem : "not YAML");
    yaml_parser_delete(&parser);
    return good;
}

static bool
ends_with(const char *p, const char *end)
{
    size_t n = strlen(p), m = strlen(end);
    return n >= m && strcmp(p + n - m, end) == 0;
}

/*
 * A .json file must be JSON. Anything that begins with a brace may be; then YAML reads it too, for the lines and for
 * the text of its numbers, except the few escapes that YAML does not know: those are written out first.
 */
static bool
load(struct document *document, const char *text, size_t n, struct said *said)
{
    size_t at = strspn(text, " \t\r\n");
    bool named = ends_with(document->name, ".json");
    json_error_t error;
    json_t *json = named || text[at] == '{' ? json_loadb(text, n, JSON_REJECT_DUPLICATES, &error) : NULL;
    if (named && !json)
        return say(said, EXIT_DATA, "%s:%d: %s", document->name, error.line, error.text);
    bool good = load_yaml(document, text, n, said);
    if (!good && json) {
        char *plain = json_dumps(json, JSON_INDENT(1) | JSON_REAL_PRECISION(15));
        good = plain && load_yaml(document, plain, strlen(plain), said);
        free(plain);
    }
    json_decref(json);
    return good;
}

struct document *
document_parse(const char *name, const char *text, size_t n, struct said *said)
{
    struct document *document = calloc(1, sizeof *document);
    if (!document || !(document->name = strdup(name))) {
        free(document);
        say(said, EXIT_SYSTEM, "%s: no memory", name);
        return NULL;
    }
    if (!load(document, text, n, said)) {
        free(document->name);
        free(document);
        return NULL;
    }
    return document;
}

struct document *
document_read(const char *path, struct said *said)
{
    size_t n;
    char *text = file_read(path, DOCUMENT_BYTES_MAX, &n, said);
    if (!text)
        return NULL;
    struct document *document = document_parse(strcmp(path, "-") == 0 ? "standard input" : path, text, n, said);
    free(text);
    return document;
}

void
document_free(struct document *document)
{
    if (!document)
        return;
    yaml_document_delete(&document->yaml);
    free(document->name);
    free(document);
}

const char *
document_name(const struct document *document)
{
    return document->name;
}

/* ---- values ---- */

struct build {
    struct document *document;
    struct said *said;
    size_t nodes; /* visited so far: an alias counts each time, so that no document grows without end */
    char path[PATH_SIZE];
};

static json_t *build_node(struct build *build, int index, const json_t *type, int depth);

static void
complain(struct build *build, const yaml_node_t *node, const char *what)
{
    say(build->said, EXIT_DATA, "%s:%zu: %s%s%s", build->document->name, node->start_mark.line + 1, build->path,
        *build->path ? ": " : "", what);
}

static json_t *
build_scalar(struct build *build, const yaml_node_t *node, const json_t *type)
{
    char expected[128];
    const char *text = (const char *)node->data.scalar.value;
    if (strlen(text) != node->data.scalar.length) {
        complain(build, node, "a NUL character is not allowed");
        return NULL;
    }
    const char *word = json_is_string(type) ? json_string_value(type) : json_is_array(type) ? "list" : json_is_object(type) ? "map" : "any";
    json_t *value = scalar_json(text, node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE, word, expected, sizeof expected);
    if (!value) {
        char line[320], shown[64];
        text_clean(text, shown, sizeof shown);
        snprintf(line, sizeof line, "expected %s, found '%s'", expected, shown);
        complain(build, node, line);
    }
    return value;
}

static json_t *
build_list(struct build *build, const yaml_node_t *node, const json_t *type, int depth)
{
    size_t length = strlen(build->path), i = 0;
    json_t *list = json_array();
    for (yaml_node_item_t *item = node->data.sequence.items.start; list && item < node->data.sequence.items.top; item++, i++) {
        snprintf(build->path + length, PATH_SIZE - length, "[%zu]", i);
        json_t *value = build_node(build, *item, json_is_array(type) ? json_array_get(type, 0) : NULL, depth + 1);
        if (!value || json_array_append_new(list, value) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    build->path[length] = '\0';
    return list;
}

/* One pair into the map; false with said. */
static bool
build_pair(struct build *build, json_t *map, const yaml_node_pair_t *pair, const json_t *type, int depth)
{
    size_t length = strlen(build->path);
    const yaml_node_t *key = yaml_document_get_node(&build->document->yaml, pair->key);
    const char *name = key->type == YAML_SCALAR_NODE ? (const char *)key->data.scalar.value : "";
    if (!*name || strlen(name) != key->data.scalar.length) {
        complain(build, key, "a name must be a text");
        return false;
    }
    snprintf(build->path + length, PATH_SIZE - length, "%s%s", length ? "." : "", name);
    if (json_object_get(map, name)) {
        complain(build, key, "stands twice");
        return false;
    }
    json_t *value = build_node(build, pair->value, json_is_object(type) ? json_object_get(type, name) : NULL, depth + 1);
    if (!value)
        return false;
    if (json_object_set_new(map, name, value) != 0) {
        complain(build, key, "the name is not UTF-8");
        return false;
    }
    build->path[length] = '\0';
    return true;
}

static json_t *
build_map(struct build *build, const yaml_node_t *node, const json_t *type, int depth)
{
    json_t *map = json_object();
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start; map && pair < node->data.mapping.pairs.top; pair++)
        if (!build_pair(build, map, pair, type, depth)) {
            json_decref(map);
            return NULL;
        }
    return map;
}

static json_t *
build_node(struct build *build, int index, const json_t *type, int depth)
{
    const yaml_node_t *node = yaml_document_get_node(&build->document->yaml, index);
    if (depth > DEPTH_MAX || ++build->nodes > NODES_MAX) {
        complain(build, node, depth > DEPTH_MAX ? "nested too deep" : "too many values");
        return NULL;
    }
    const char *wanted = json_is_string(type) ? json_string_value(type) : json_is_array(type) ? "list" : json_is_object(type) ? "map" : "any";
    bool any = strcmp(wanted, "any") == 0 || (strcmp(wanted, "money") == 0 && node->type == YAML_MAPPING_NODE);
    if (node->type == YAML_SCALAR_NODE)
        return build_scalar(build, node, type);
    const char *found = node->type == YAML_SEQUENCE_NODE ? "list" : "map";
    if (!any && strcmp(wanted, found) != 0) {
        char line[96];
        snprintf(line, sizeof line, "expected %s, found a %s", scalar_type_text(wanted), found);
        complain(build, node, line);
        return NULL;
    }
    return node->type == YAML_SEQUENCE_NODE ? build_list(build, node, type, depth) : build_map(build, node, type, depth);
}

json_t *
document_json(const struct document *document, const json_t *types, const char *root, struct said *said)
{
    struct build build = { (struct document *)(uintptr_t)document, said, 0, "" };
    snprintf(build.path, sizeof build.path, "%s", root);
    if (!yaml_document_get_root_node(&build.document->yaml))
        return json_is_object(types) ? json_object() : json_null();
    return build_node(&build, 1, types, 0);
}

/* ---- lines ---- */

/* One step of a path: a name or [index]. The index of the node there, 0 when there is none. */
static int
step(yaml_document_t *yaml, const yaml_node_t *node, const char **path)
{
    if (**path == '[') {
        char *end;
        unsigned long at = strtoul(*path + 1, &end, 10);
        *path = *end == ']' ? end + 1 : end;
        if (node->type != YAML_SEQUENCE_NODE || at >= (size_t)(node->data.sequence.items.top - node->data.sequence.items.start))
            return 0;
        return node->data.sequence.items.start[at];
    }
    *path += **path == '.';
    size_t n = strcspn(*path, ".[");
    const char *name = *path;
    *path += n;
    if (node->type != YAML_MAPPING_NODE)
        return 0;
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_document_get_node(yaml, pair->key);
        if (key->type == YAML_SCALAR_NODE && key->data.scalar.length == n && memcmp(key->data.scalar.value, name, n) == 0)
            return pair->value;
    }
    return 0;
}

int
document_line(const struct document *document, const char *path)
{
    yaml_document_t *yaml = (yaml_document_t *)(uintptr_t)&document->yaml;
    const yaml_node_t *node = yaml_document_get_root_node(yaml);
    while (node && *path) {
        int next = step(yaml, node, &path);
        if (!next)
            break;
        node = yaml_document_get_node(yaml, next);
    }
    return node ? (int)node->start_mark.line + 1 : 0;
}

const char *
document_text(const struct document *document, const char *name)
{
    yaml_document_t *yaml = (yaml_document_t *)(uintptr_t)&document->yaml;
    const yaml_node_t *root = yaml_document_get_root_node(yaml), *node;
    int index = root ? step(yaml, root, &name) : 0;
    node = index ? yaml_document_get_node(yaml, index) : NULL;
    return node && node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;
}
