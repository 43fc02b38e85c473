/* Encoded maps and JSON: see convert.h. */
#include "common/convert.h"

#include <stdio.h>
#include <string.h>

enum { DEPTH_MAX = 12, NAME_BYTES_MAX = 256 };

static json_t *json_of_value(const struct qiao_value *value, int depth);

static json_t *
json_of_container(const struct qiao_value *value, int depth)
{
    struct qiao_walk walk = qiao_walk_of(value->encoded);
    struct qiao_value name, element;
    json_t *container = value->kind == QIAO_MAP ? json_object() : json_array();
    bool sound = depth < DEPTH_MAX;
    if (value->kind == QIAO_LIST)
        while (sound && qiao_walk_next(&walk, &element))
            sound = element.kind == QIAO_BIN || json_array_append_new(container, json_of_value(&element, depth + 1)) == 0;
    else
        while (sound && qiao_walk_pair(&walk, &name, &element)) {
            char text[NAME_BYTES_MAX + 1];
            sound = name.kind == QIAO_STR && name.text.n <= NAME_BYTES_MAX && !memchr(name.text.p, '\0', name.text.n);
            if (!sound || element.kind == QIAO_BIN)
                continue;
            snprintf(text, sizeof text, "%.*s", (int)name.text.n, name.text.p);
            sound = json_object_set_new(container, text, json_of_value(&element, depth + 1)) == 0;
        }
    if (sound)
        return container;
    json_decref(container);
    return NULL;
}

static json_t *
json_of_value(const struct qiao_value *value, int depth)
{
    switch (value->kind) {
    case QIAO_NIL: return json_null();
    case QIAO_BOOL: return json_boolean(value->b);
    case QIAO_UINT: return value->u <= INT64_MAX ? json_integer((json_int_t)value->u) : json_real((double)value->u);
    case QIAO_INT: return json_integer(value->i);
    case QIAO_F64: return json_real(value->f);
    case QIAO_STR: return json_stringn(value->text.p, value->text.n);
    case QIAO_BIN: return NULL;
    case QIAO_LIST: case QIAO_MAP: return json_of_container(value, depth);
    }
    return NULL;
}

json_t *
json_of_map(struct qiao_bytes map)
{
    struct qiao_value value;
    if (map.n == 0)
        return json_object();
    return qiao_value_read(map, &value) && value.kind == QIAO_MAP ? json_of_value(&value, 0) : NULL;
}

static void value_put(struct qiao_map *map, const char *name, const json_t *value);

static void
container_put(struct qiao_map *map, const char *name, const json_t *value)
{
    const char *key;
    json_t *element;
    size_t i;
    if (json_is_object(value)) {
        qiao_map_begin_map(map, name);
        json_object_foreach((json_t *)value, key, element)
            value_put(map, key, element);
    } else {
        qiao_map_begin_list(map, name);
        json_array_foreach(value, i, element)
            value_put(map, NULL, element);
    }
    qiao_map_end(map);
}

static void
value_put(struct qiao_map *map, const char *name, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT: case JSON_ARRAY: container_put(map, name, value); break;
    case JSON_STRING: qiao_map_str_n(map, name, json_string_value(value), json_string_length(value)); break;
    case JSON_INTEGER: qiao_map_i64(map, name, json_integer_value(value)); break;
    case JSON_REAL: qiao_map_f64(map, name, json_real_value(value)); break;
    case JSON_TRUE: case JSON_FALSE: qiao_map_bool(map, name, json_is_true(value)); break;
    case JSON_NULL: qiao_map_nil(map, name); break;
    }
}

struct qiao_map *
map_of_json(const json_t *object)
{
    const char *key;
    json_t *element;
    struct qiao_bytes bytes;
    struct qiao_map *map = qiao_map_new();
    if (!map)
        return NULL;
    json_object_foreach((json_t *)object, key, element)
        value_put(map, key, element);
    if (qiao_map_bytes(map, &bytes))
        return map;
    qiao_map_free(map);
    return NULL;
}
