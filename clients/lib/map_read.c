/* Reading encoded maps and lists: thin public forms of the protocol's reader. */
#include "lib/internal.h"

static bool
token_value(const struct proto_token *token, struct qiao_value *value)
{
    switch (token->kind) {
    case PROTO_KIND_NIL:
        value->kind = QIAO_NIL;
        return true;
    case PROTO_KIND_BOOL:
        value->kind = QIAO_BOOL;
        value->b = token->b;
        return true;
    case PROTO_KIND_UINT:
        value->kind = QIAO_UINT;
        value->u = token->u;
        return true;
    case PROTO_KIND_INT:
        value->kind = QIAO_INT;
        value->i = token->i;
        return true;
    case PROTO_KIND_F64:
        value->kind = QIAO_F64;
        value->f = token->f;
        return true;
    case PROTO_KIND_STR:
        value->kind = QIAO_STR;
        value->text.p = token->str.p;
        value->text.n = token->str.n;
        return true;
    case PROTO_KIND_BIN:
        value->kind = QIAO_BIN;
        value->text.p = (const char *)token->bin.p;
        value->text.n = token->bin.n;
        return true;
    case PROTO_KIND_LIST:
    case PROTO_KIND_MAP:
        value->kind = token->kind == PROTO_KIND_LIST ? QIAO_LIST : QIAO_MAP;
        value->count = token->count;
        return true;
    }
    return false;
}

/* One value from the reader, which is then behind it. */
static bool
value_take(struct proto_reader *reader, struct qiao_value *out_value)
{
    struct qiao_value value;
    struct proto_bin encoded;
    struct proto_reader inside;
    struct proto_token token;

    if (!proto_value(reader, &encoded)) {
        return false;
    }
    inside = proto_reader_of(encoded);
    if (!proto_next(&inside, &token) || !token_value(&token, &value)) {
        return false;
    }
    value.encoded = (struct qiao_bytes){encoded.p, encoded.n};
    *out_value = value;
    return true;
}

bool
qiao_value_read(struct qiao_bytes encoded, struct qiao_value *out_value)
{
    struct proto_reader reader = proto_reader_of(qiaoi_bin(encoded));
    struct qiao_value value;

    if (encoded.n == 0 || !value_take(&reader, &value) || reader.p != reader.end) {
        return false;
    }
    *out_value = value;
    return true;
}

bool
qiao_map_get(struct qiao_bytes map, const char *name, struct qiao_value *out_value)
{
    struct proto_bin encoded;

    return map.n > 0 && proto_map_find(qiaoi_bin(map), qiaoi_str(name), &encoded) &&
           qiao_value_read((struct qiao_bytes){encoded.p, encoded.n}, out_value);
}

bool
qiao_map_get_bool(struct qiao_bytes map, const char *name, bool *out_value)
{
    struct qiao_value value;

    if (!qiao_map_get(map, name, &value) || value.kind != QIAO_BOOL) {
        return false;
    }
    *out_value = value.b;
    return true;
}

bool
qiao_map_get_i64(struct qiao_bytes map, const char *name, int64_t *out_value)
{
    struct qiao_value value;

    if (!qiao_map_get(map, name, &value)) {
        return false;
    }
    if (value.kind == QIAO_INT || (value.kind == QIAO_UINT && value.u <= INT64_MAX)) {
        *out_value = value.kind == QIAO_INT ? value.i : (int64_t)value.u;
        return true;
    }
    return false;
}

bool
qiao_map_get_f64(struct qiao_bytes map, const char *name, double *out_value)
{
    const uint64_t exact = UINT64_C(1) << 53;
    struct qiao_value value;

    if (!qiao_map_get(map, name, &value)) {
        return false;
    }
    if (value.kind == QIAO_F64) {
        *out_value = value.f;
        return true;
    }
    if (value.kind == QIAO_UINT && value.u <= exact) {
        *out_value = (double)value.u;
        return true;
    }
    if (value.kind == QIAO_INT && value.i >= -(int64_t)exact) {
        *out_value = (double)value.i;
        return true;
    }
    return false;
}

bool
qiao_map_get_str(struct qiao_bytes map, const char *name, char *out_text, size_t size)
{
    struct qiao_value value;

    if (!qiao_map_get(map, name, &value) || value.kind != QIAO_STR || value.text.n >= size ||
        (value.text.n > 0 && memchr(value.text.p, '\0', value.text.n))) {
        return false;
    }
    if (value.text.n > 0) {
        memcpy(out_text, value.text.p, value.text.n);
    }
    out_text[value.text.n] = '\0';
    return true;
}

struct qiao_walk
qiao_walk_of(struct qiao_bytes container)
{
    struct proto_reader reader = proto_reader_of(qiaoi_bin(container));
    struct proto_token token;

    if (container.n == 0 || !proto_next(&reader, &token) ||
        (token.kind != PROTO_KIND_LIST && token.kind != PROTO_KIND_MAP)) {
        return (struct qiao_walk){NULL, NULL, 0};
    }
    return (struct qiao_walk){reader.p, reader.end, token.count};
}

bool
qiao_walk_next(struct qiao_walk *walk, struct qiao_value *out_value)
{
    struct proto_reader reader = {walk->p, walk->end};

    if (walk->left == 0 || !value_take(&reader, out_value)) {
        return false;
    }
    walk->p = reader.p;
    walk->left--;
    return true;
}

bool
qiao_walk_pair(struct qiao_walk *walk, struct qiao_value *out_name, struct qiao_value *out_value)
{
    struct proto_reader reader = {walk->p, walk->end};
    struct qiao_value name, value;

    if (walk->left == 0 || !value_take(&reader, &name) || !value_take(&reader, &value)) {
        return false;
    }
    *out_name = name;
    *out_value = value;
    walk->p = reader.p;
    walk->left--;
    return true;
}
