/* JSON to msgpack and back, over the map writer and readers of libqiao. */
#include "value.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- to msgpack ---- */

static bool
put_base64(struct qiao_map *map, const char *name, const char *text)
{
    size_t length = strlen(text), n;
    uint8_t *raw = malloc(length + 1);
    bool good = raw && sodium_base642bin(raw, length + 1, text, length, "\r\n ", &n, NULL,
                                         sodium_base64_VARIANT_ORIGINAL) == 0;
    if (good)
        qiao_map_bin(map, name, raw, n);
    free(raw);
    return good;
}

static bool
put_unsigned(struct qiao_map *map, const char *name, const char *text)
{
    char *end;
    errno = 0;
    uint64_t v = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno)
        return false;
    qiao_map_u64(map, name, v);
    return true;
}

static bool
put_float(struct qiao_map *map, const char *name, const char *text)
{
    char *end;
    double v = strtod(text, &end);
    if (!*text || *end)
        return false;
    qiao_map_f64(map, name, v);
    return true;
}

/* The objects of one key that stand for what JSON lacks. False: it is none of them. */
static bool
put_special(struct qiao_map *map, const char *name, const json_t *object, bool *out_good)
{
    static const struct {
        const char *key;
        bool (*put)(struct qiao_map *map, const char *name, const char *text);
    } kinds[] = { { "$bin", put_base64 }, { "$u64", put_unsigned }, { "$f64", put_float } };
    if (json_object_size(object) != 1)
        return false;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const json_t *text = json_object_get(object, kinds[i].key);
        if (json_is_string(text)) {
            *out_good = kinds[i].put(map, name, json_string_value(text));
            return true;
        }
    }
    return false;
}

static bool
put_members(struct qiao_map *map, const json_t *value)
{
    const char *key;
    json_t *member;
    size_t i;
    if (json_is_array(value)) {
        json_array_foreach(value, i, member)
            if (!value_put(map, NULL, member))
                return false;
        return true;
    }
    json_object_foreach((json_t *)(uintptr_t)value, key, member)
        if (!value_put(map, key, member))
            return false;
    return true;
}

bool
value_put(struct qiao_map *map, const char *name, const json_t *value)
{
    bool good = true;
    switch (json_typeof(value)) {
    case JSON_NULL: qiao_map_nil(map, name); break;
    case JSON_TRUE: qiao_map_bool(map, name, true); break;
    case JSON_FALSE: qiao_map_bool(map, name, false); break;
    case JSON_INTEGER: qiao_map_i64(map, name, json_integer_value(value)); break;
    case JSON_REAL: qiao_map_f64(map, name, json_real_value(value)); break;
    case JSON_STRING: qiao_map_str_n(map, name, json_string_value(value), json_string_length(value)); break;
    case JSON_ARRAY:
        qiao_map_begin_list(map, name);
        good = put_members(map, value);
        qiao_map_end(map);
        break;
    case JSON_OBJECT:
        if (put_special(map, name, value, &good))
            break;
        qiao_map_begin_map(map, name);
        good = put_members(map, value);
        qiao_map_end(map);
        break;
    }
    return good;
}

/* Deeper than the protocol allows? Checked before the recursion above, which is bounded by this. */
static bool
too_deep(const json_t *value, int depth)
{
    const char *key;
    json_t *member;
    size_t i;
    if (!json_is_array(value) && !json_is_object(value))
        return false;
    if (depth == VALUE_DEPTH_MAX)
        return true;
    if (json_is_array(value)) {
        json_array_foreach(value, i, member)
            if (too_deep(member, depth + 1))
                return true;
    } else {
        json_object_foreach((json_t *)(uintptr_t)value, key, member)
            if (too_deep(member, depth + 1))
                return true;
    }
    return false;
}

struct qiao_map *
value_map(const json_t *value)
{
    if (!(json_is_object(value) || json_is_array(value)) || too_deep(value, 0))
        return NULL;
    struct qiao_map *map = json_is_object(value) ? qiao_map_new() : qiao_list_new();
    struct qiao_bytes bytes;
    if (map && put_members(map, value) && qiao_map_bytes(map, &bytes))
        return map;
    qiao_map_free(map);
    return NULL;
}

/* ---- from msgpack ---- */

static json_t *
special(const char *key, const char *text)
{
    return json_pack("{s:s}", key, text);
}

static json_t *
binary_json(const void *p, size_t n)
{
    size_t size = sodium_base64_encoded_len(n, sodium_base64_VARIANT_ORIGINAL);
    char *text = malloc(size);
    if (!text)
        return NULL;
    sodium_bin2base64(text, size, p, n, sodium_base64_VARIANT_ORIGINAL);
    json_t *value = special("$bin", text);
    free(text);
    return value;
}

static json_t *
float_json(double v)
{
    char text[32];
    if (isfinite(v))
        return json_real(v);
    snprintf(text, sizeof text, "%s", isnan(v) ? "nan" : v < 0 ? "-inf" : "inf");
    return special("$f64", text);
}

static json_t *
unsigned_json(uint64_t v)
{
    char text[32];
    if (v <= INT64_MAX)
        return json_integer((json_int_t)v);
    snprintf(text, sizeof text, "%" PRIu64, v);
    return special("$u64", text);
}

static json_t *scalar_or_container(const struct qiao_value *value, int depth);

static json_t *
list_json(const struct qiao_value *value, int depth)
{
    struct qiao_walk walk = qiao_walk_of(value->encoded);
    struct qiao_value member;
    json_t *list = json_array();
    while (list && qiao_walk_next(&walk, &member)) {
        json_t *one = scalar_or_container(&member, depth + 1);
        if (!one || json_array_append_new(list, one) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *
map_json(const struct qiao_value *value, int depth)
{
    struct qiao_walk walk = qiao_walk_of(value->encoded);
    struct qiao_value name, member;
    json_t *map = json_object();
    while (map && qiao_walk_pair(&walk, &name, &member)) {
        json_t *one = name.kind == QIAO_STR ? scalar_or_container(&member, depth + 1) : NULL;
        char *key = one ? strndup(name.text.p, name.text.n) : NULL;
        bool good = key && json_object_set(map, key, one) == 0;
        free(key);
        json_decref(one);
        if (!good) {
            json_decref(map);
            return NULL;
        }
    }
    return map;
}

static json_t *
scalar_or_container(const struct qiao_value *value, int depth)
{
    if (depth > VALUE_DEPTH_MAX)
        return NULL;
    switch (value->kind) {
    case QIAO_NIL: return json_null();
    case QIAO_BOOL: return json_boolean(value->b);
    case QIAO_UINT: return unsigned_json(value->u);
    case QIAO_INT: return json_integer(value->i);
    case QIAO_F64: return float_json(value->f);
    case QIAO_STR: return json_stringn(value->text.p, value->text.n);
    case QIAO_BIN: return binary_json(value->text.p, value->text.n);
    case QIAO_LIST: return list_json(value, depth);
    case QIAO_MAP: return map_json(value, depth);
    }
    return NULL;
}

json_t *
value_json(struct qiao_bytes encoded)
{
    struct qiao_value value;
    return encoded.n && qiao_value_read(encoded, &value) ? scalar_or_container(&value, 0) : NULL;
}

json_t *
value_json_map(struct qiao_bytes encoded)
{
    json_t *value = value_json(encoded);
    if (json_is_object(value))
        return value;
    json_decref(value);
    return json_object();
}
