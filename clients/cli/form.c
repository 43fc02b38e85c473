/* A request document, filled in. */
#include "form.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scalar.h"
#include "value.h"
#include "when.h"

enum { BODY_BYTES_MAX = 16 << 20 }; /* the broker's own limit is lower and is told by it */

bool
form_open(struct form *form, const char *path, struct said *said)
{
    *form = (struct form){ 0 };
    if (!path)
        return true;
    form->document = document_read(path, said);
    return form->document != NULL;
}

void
form_fini(struct form *form)
{
    json_decref(form->json);
    document_free(form->document);
    qiao_map_free(form->input);
    qiao_map_free(form->require);
    free(form->body);
    *form = (struct form){ 0 };
}

/* ---- types ---- */

json_t *
form_types(const json_t *service, const char *which)
{
    const json_t *fields = json_object_get(service, which);
    json_t *types = fields ? json_object() : NULL;
    size_t i;
    json_t *field;
    json_array_foreach(fields, i, field) {
        const char *name = json_string_value(json_object_get(field, "name"));
        const char *type = json_string_value(json_object_get(field, "type"));
        const char *items = json_string_value(json_object_get(field, "items"));
        if (name && type && strcmp(type, "list") == 0 && items)
            json_object_set_new(types, name, json_pack("[s]", items));
        else if (name && type && strcmp(type, "list") == 0)
            json_object_set_new(types, name, json_pack("[s]", "any"));
        else if (name && type)
            json_object_set_new(types, name, strcmp(type, "map") == 0 ? json_object() : json_string(type));
    }
    return types;
}

static json_t *
types_of_document(const json_t *service)
{
    json_t *types = json_pack("{s:s,s:s,s:s,s:s,s:[s],s:[s],s:[[s]],s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "service", "string", "key",
                              "string", "priority", "string", "subject", "string", "prefer", "string", "exclude", "string", "require", "any",
                              "performer", "string", "fallback", "string", "not_before", "string", "complete_by", "string", "location", "any",
                              "cost", "integer", "note", "string", "based_on", "string", "traceparent", "string", "body", "any", "body_file", "string");
    json_t *input = form_types(service, "input");
    json_object_set_new(types, "input", input ? input : json_object());
    return types;
}

/* ---- overlays ---- */

/* The type at a dotted path; NULL when the types do not reach that far. */
static const json_t *
type_at(const json_t *types, const char *path)
{
    char name[128];
    while (types && *path) {
        size_t n = strcspn(path, ".");
        snprintf(name, sizeof name, "%.*s", (int)n, path);
        types = json_is_object(types) ? json_object_get(types, name) : NULL;
        path += n + (path[n] == '.');
    }
    return types;
}

/* Puts the value at a dotted path, making maps on the way. Takes the value. */
static bool
put_at(json_t *map, const char *path, json_t *value)
{
    char name[128];
    for (;;) {
        size_t n = strcspn(path, ".");
        if (n == 0 || n >= sizeof name)
            break;
        snprintf(name, sizeof name, "%.*s", (int)n, path);
        if (!path[n])
            return json_object_set_new(map, name, value) == 0;
        json_t *next = json_object_get(map, name);
        if (!json_is_object(next)) {
            next = json_object();
            if (json_object_set_new(map, name, next) != 0) /* the name is not UTF-8 */
                break;
        }
        map = next;
        path += n + 1;
    }
    json_decref(value);
    return false;
}

/* One NAME=VALUE; the value is YAML, by its type. */
static bool
put_pair(json_t *map, const char *option, const char *pair, const char *skip, const json_t *types, struct said *said)
{
    char path[256], name[300];
    size_t n = strcspn(pair, "=");
    if (pair[n] != '=' || n == 0 || n >= sizeof path)
        return say(said, EXIT_USAGE, "--%s: '%s' is not NAME=VALUE", option, pair);
    snprintf(path, sizeof path, "%.*s", (int)n, pair);
    snprintf(name, sizeof name, "--%s %s", option, path);
    size_t prefix = strlen(skip);
    const char *inside = prefix && strncmp(path, skip, prefix) == 0 && path[prefix] == '.' ? path + prefix + 1 : path;
    const json_t *type = type_at(types, inside);
    json_t *value = NULL;
    char expected[128];
    /* A scalar needs no quoting: --set input.note="a: b" is a text. */
    if (json_is_string(type) && strcmp(json_string_value(type), "any") != 0 && strcmp(json_string_value(type), "money") != 0) {
        value = scalar_json(pair + n + 1, false, json_string_value(type), expected, sizeof expected);
        if (!value)
            return say(said, EXIT_DATA, "%s: expected %s, found '%s'", name, expected, pair + n + 1);
    } else {
        struct document *document = document_parse(name, pair + n + 1, strlen(pair + n + 1), said);
        value = document ? document_json(document, type, "", said) : NULL;
        document_free(document);
        if (!value)
            return false;
    }
    return put_at(map, inside, value) ? true : say(said, EXIT_USAGE, "%s: not a path of names", name);
}

/* The map of a document, or an empty one without a path. NULL with said. */
static json_t *
map_of(const char *path, const char *root, const json_t *types, struct said *said)
{
    json_t *empty = json_object();
    if (!path)
        return empty;
    struct document *document = document_read(path, said);
    json_t *map = document ? document_json(document, types ? types : empty, root, said) : NULL;
    document_free(document);
    json_decref(empty);
    return map;
}

static json_t *
overlaid(json_t *map, const struct args *args, const char *option, const char *root, const json_t *types, struct said *said)
{
    size_t at = 0;
    const char *pair;
    while (map && (pair = args_next(args, option, &at)) != NULL)
        if (!put_pair(map, option, pair, root, types, said)) {
            json_decref(map);
            return NULL;
        }
    return map;
}

json_t *
form_pairs(const char *path, const struct args *args, const char *option, struct said *said)
{
    return overlaid(map_of(path, "", NULL, said), args, option, "", NULL, said);
}

json_t *
form_map(const char *path, const struct args *args, const char *root, const json_t *types, struct said *said)
{
    return overlaid(map_of(path, root, types, said), args, "set", root, types, said);
}

/* "ATTR OP VALUE": the value is YAML; "a,b,c" behind near is a list. */
static bool
put_constraint(json_t *list, const char *text, struct said *said)
{
    char attribute[65], op[9], value_text[1024];
    int attribute_end = 0, op_end = 0, used = 0;
    if (sscanf(text, "%64s%n %8s%n %n", attribute, &attribute_end, op, &op_end, &used) != 2 || !isspace((unsigned char)text[attribute_end]) ||
        !isspace((unsigned char)text[op_end]) || !text[used] || strlen(text + used) > sizeof value_text - 3)
        return say(said, EXIT_USAGE, "--require: '%s' is not ATTRIBUTE OP VALUE", text);
    bool bare = strcmp(op, "near") == 0 && text[used] != '[';
    snprintf(value_text, sizeof value_text, bare ? "[%s]" : "%s", text + used);
    struct document *document = document_parse("--require", value_text, strlen(value_text), said);
    json_t *value = document ? document_json(document, NULL, "", said) : NULL;
    document_free(document);
    if (!value)
        return false;
    if (json_array_append_new(list, json_pack("[s,s,o]", attribute, op, value)) != 0)
        return say(said, EXIT_USAGE, "--require: the words must be UTF-8");
    return true;
}

/* A member of the form, or an element of a list, from the text of an option. */
static bool
put_text(json_t *form, json_t *list, const char *name, const char *option, const char *text, struct said *said)
{
    json_t *value = json_string(text);
    if (list ? json_array_append_new(list, value) == 0 : json_object_set_new(form, name, value) == 0)
        return true;
    return say(said, EXIT_USAGE, "--%s: the text is not UTF-8", option);
}

/* Options that have the name of a member of the document. */
static bool
overlay(json_t *form, const json_t *types, const struct args *args, struct said *said)
{
    static const char *const texts[] = { "service", "key", "priority", "performer", "fallback", "not-before", "complete-by", "subject", "note" };
    static const char *const lists[] = { "prefer", "exclude" };
    size_t at;
    const char *text;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if ((text = args_text(args, texts[i])) != NULL) {
            char name[32];
            snprintf(name, sizeof name, "%s", texts[i]);
            if (strchr(name, '-'))
                *strchr(name, '-') = '_';
            if (!put_text(form, NULL, name, texts[i], text, said))
                return false;
        }
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        at = 0;
        if (!args_next(args, lists[i], &at))
            continue;
        json_object_set_new(form, lists[i], json_array());
        for (at = 0; (text = args_next(args, lists[i], &at)) != NULL;)
            if (!put_text(NULL, json_object_get(form, lists[i]), lists[i], lists[i], text, said))
                return false;
    }
    for (at = 0; (text = args_next(args, "require", &at)) != NULL;) {
        json_t *list = json_object_get(form, "require");
        if (!list)
            json_object_set_new(form, "require", list = json_array());
        if (!json_is_array(list))
            return say(said, EXIT_DATA, "--require: the document's require is no list");
        if (!put_constraint(list, text, said))
            return false;
    }
    for (at = 0; (text = args_next(args, "set", &at)) != NULL;)
        if (!put_pair(form, "set", text, "", types, said))
            return false;
    return true;
}

const char *
form_service(const struct form *form, const struct args *args)
{
    const char *service = args_text(args, "service");
    size_t at = 0;
    const char *pair;
    while (!service && (pair = args_next(args, "set", &at)) != NULL)
        if (strncmp(pair, "service=", 8) == 0)
            service = pair + 8;
    return service || !form->document ? service : document_text(form->document, "service");
}

/* ---- the submission ---- */

struct filling {
    struct form *form;
    struct said *said;
    int64_t now_us;
};

static bool
wrong(struct filling *filling, const char *name, const char *what)
{
    const struct document *document = filling->form->document;
    int line = document ? document_line(document, name) : 0;
    if (line)
        return say(filling->said, EXIT_DATA, "%s:%d: %s: %s", document_name(document), line, name, what);
    return say(filling->said, EXIT_DATA, "%s: %s", name, what);
}

static const char *
text_of(const struct filling *filling, const char *name)
{
    return json_string_value(json_object_get(filling->form->json, name));
}

static bool
fill_time(struct filling *filling, const char *name, int64_t *out_us)
{
    const char *text = text_of(filling, name);
    if (!text || when_parse(text, filling->now_us, out_us))
        return true;
    return wrong(filling, name, "expected a time such as 2026-12-01T09:00:00+08:00 or +2h");
}

static bool
fill_list(struct filling *filling, const char *name, const char *texts[16], const char *const **out_texts, size_t *out_count)
{
    const json_t *list = json_object_get(filling->form->json, name);
    size_t n = json_array_size(list);
    if (n > 16)
        return wrong(filling, name, "at most 16 parties");
    for (size_t i = 0; i < n; i++)
        texts[i] = json_string_value(json_array_get(list, i));
    *out_texts = texts;
    *out_count = n;
    return true;
}

static bool
fill_words(struct filling *filling)
{
    struct qiao_submission *s = &filling->form->submission;
    const char *priority = text_of(filling, "priority"), *fallback = text_of(filling, "fallback");
    s->service = text_of(filling, "service");
    s->key = text_of(filling, "key");
    s->subject = text_of(filling, "subject");
    s->performer = text_of(filling, "performer");
    s->note = text_of(filling, "note");
    s->based_on = text_of(filling, "based_on");
    s->traceparent = text_of(filling, "traceparent");
    if (!s->service || !*s->service)
        return wrong(filling, "service", "is missing");
    if (priority && !qiao_priority_parse(priority, &s->priority))
        return wrong(filling, "priority", "expected one of routine, urgent, asap, stat");
    if (fallback && strcmp(fallback, "any") != 0 && strcmp(fallback, "none") != 0)
        return wrong(filling, "fallback", "expected none or any");
    s->fallback = fallback && strcmp(fallback, "any") == 0 ? QIAO_FALLBACK_ANY : QIAO_FALLBACK_NONE;
    const json_t *cost = json_object_get(filling->form->json, "cost");
    if (cost && (json_integer_value(cost) < 1 || json_integer_value(cost) > 1000000))
        return wrong(filling, "cost", "expected an integer from 1 to 1000000");
    s->cost = (uint32_t)json_integer_value(cost);
    return true;
}

bool
form_place(const char *text, struct qiao_place *out_place)
{
    double latitude, longitude;
    int used = 0;
    if (sscanf(text, " %lf , %lf %n", &latitude, &longitude, &used) != 2 || text[used] || !(latitude >= -90 && latitude <= 90) ||
        !(longitude >= -180 && longitude <= 180))
        return false;
    *out_place = (struct qiao_place){ true, latitude, longitude };
    return true;
}

/* "30.1,116.4", [30.1, 116.4] or {latitude: 30.1, longitude: 116.4} */
static bool
fill_location(struct filling *filling)
{
    const json_t *location = json_object_get(filling->form->json, "location");
    char text[80];
    if (!location)
        return true;
    const json_t *latitude = json_is_array(location) ? json_array_get(location, 0) : json_object_get(location, "latitude");
    const json_t *longitude = json_is_array(location) ? json_array_get(location, 1) : json_object_get(location, "longitude");
    if (json_is_number(latitude) && json_is_number(longitude))
        snprintf(text, sizeof text, "%.17g,%.17g", json_number_value(latitude), json_number_value(longitude));
    else
        snprintf(text, sizeof text, "%s", json_is_string(location) ? json_string_value(location) : "");
    if (form_place(text, &filling->form->submission.place))
        return true;
    return wrong(filling, "location", "expected latitude and longitude in degrees, such as [39.8, 116.5]");
}

/* body: a text, or a map or list that is sent as JSON; body_file: a file beside the document. */
static bool
fill_body(struct filling *filling, const struct args *args)
{
    struct form *form = filling->form;
    const json_t *body = json_object_get(form->json, "body");
    const char *file = args_text(args, "body"), *beside = text_of(filling, "body_file");
    char path[1024];
    if (!file && body && beside)
        return wrong(filling, "body_file", "there is a body already");
    if (!file && beside) {
        const char *name = form->document ? document_name(form->document) : "", *slash = strrchr(name, '/');
        snprintf(path, sizeof path, "%.*s%s", *beside == '/' || !slash ? 0 : (int)(slash - name + 1), name, beside);
        file = path;
    }
    if (file) {
        form->body = file_read(file, BODY_BYTES_MAX, &form->body_bytes, filling->said);
        if (!form->body)
            return false;
    } else if (json_is_string(body)) {
        form->body = strdup(json_string_value(body));
        form->body_bytes = json_string_length(body);
    } else if (body && !json_is_null(body)) {
        form->body = json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY);
        form->body_bytes = form->body ? strlen(form->body) : 0;
    }
    form->submission.body = (struct qiao_bytes){ form->body, form->body_bytes };
    return true;
}

static bool
fill_values(struct filling *filling)
{
    struct form *form = filling->form;
    const json_t *input = json_object_get(form->json, "input"), *require = json_object_get(form->json, "require");
    if (input && json_object_size(input)) {
        form->input = value_map(input);
        if (!form->input || !qiao_map_bytes(form->input, &form->submission.input))
            return wrong(filling, "input", "too large (16 KiB) or too deep (8 levels)");
    }
    if (require && json_array_size(require)) {
        form->require = value_map(require);
        if (!form->require || !qiao_map_bytes(form->require, &form->submission.require))
            return wrong(filling, "require", "too large or too deep");
    }
    return true;
}

static bool
names_known(struct filling *filling, const json_t *types)
{
    const char *name;
    json_t *value;
    json_object_foreach(filling->form->json, name, value)
        if (!json_object_get(types, name))
            return wrong(filling, name, "no such field; qiao help document lists them");
    return true;
}

bool
form_fill(struct form *form, const json_t *service, const struct args *args, int64_t now_us, struct said *said)
{
    struct filling filling = { form, said, now_us };
    struct qiao_submission *s = &form->submission;
    json_t *types = types_of_document(service);
    form->json = form->document ? document_json(form->document, types, "", said) : json_object();
    bool good = form->json && overlay(form->json, types, args, said) && names_known(&filling, types) && fill_words(&filling) &&
                fill_time(&filling, "not_before", &s->not_before) && fill_time(&filling, "complete_by", &s->complete_by) &&
                fill_location(&filling) && fill_list(&filling, "prefer", form->prefer, &s->prefer, &s->prefer_count) &&
                fill_list(&filling, "exclude", form->exclude, &s->exclude, &s->exclude_count) && fill_values(&filling) &&
                fill_body(&filling, args);
    json_decref(types);
    return good;
}
