/* Walking msgpack values, see reader.h. Counts what is still to come instead of recursing. */
#include "proto/reader.h"

#include "proto/head.h"

bool
proto_next(struct proto_reader *reader, struct proto_token *out_token)
{
    struct proto_head head;
    size_t left = (size_t)(reader->end - reader->p);
    if (proto_head_read(reader->p, left, &head) != NULL) {
        return false;
    }
    const uint8_t *content = reader->p + head.bytes;
    left -= head.bytes;
    struct proto_token token = {.kind = head.kind};
    switch (head.kind) {
    case PROTO_KIND_NIL:
        break;
    case PROTO_KIND_BOOL:
        token.b = head.u != 0;
        break;
    case PROTO_KIND_UINT:
        token.u = head.u;
        break;
    case PROTO_KIND_INT:
        token.i = head.i;
        break;
    case PROTO_KIND_F64:
        token.f = head.f;
        break;
    case PROTO_KIND_STR:
    case PROTO_KIND_BIN:
        if (head.u > left) {
            return false;
        }
        token.bin = (struct proto_bin){content, (uint32_t)head.u};
        if (head.kind == PROTO_KIND_STR) {
            token.str = (struct proto_str){(const char *)content, (uint32_t)head.u};
        }
        content += head.u;
        break;
    case PROTO_KIND_LIST:
    case PROTO_KIND_MAP:
        if (head.u > left) {
            return false;
        }
        token.count = (uint32_t)head.u;
        break;
    }
    reader->p = content;
    *out_token = token;
    return true;
}

bool
proto_skip(struct proto_reader *reader)
{
    struct proto_reader at = *reader;
    uint64_t open = 1; /* values that are still to come */
    struct proto_token token;
    while (open > 0) {
        if (!proto_next(&at, &token)) {
            return false;
        }
        open--;
        if (token.kind == PROTO_KIND_LIST) {
            open += token.count;
        } else if (token.kind == PROTO_KIND_MAP) {
            open += 2 * (uint64_t)token.count;
        }
        if (open > (uint64_t)(at.end - at.p)) {
            return false;
        }
    }
    *reader = at;
    return true;
}

bool
proto_value(struct proto_reader *reader, struct proto_bin *out_value)
{
    const uint8_t *start = reader->p;
    if (!proto_skip(reader)) {
        return false;
    }
    *out_value = (struct proto_bin){start, (uint32_t)(reader->p - start)};
    return true;
}

bool
proto_map_find(struct proto_bin map, struct proto_str key, struct proto_bin *out_value)
{
    struct proto_reader reader = proto_reader_of(map);
    struct proto_token token;
    if (!proto_next(&reader, &token) || token.kind != PROTO_KIND_MAP) {
        return false;
    }
    for (uint32_t left = token.count; left > 0; left--) {
        struct proto_token name;
        if (!proto_next(&reader, &name)) {
            return false;
        }
        if (name.kind != PROTO_KIND_STR) {
            return false;
        }
        if (proto_str_eq(name.str, key)) {
            return proto_value(&reader, out_value);
        }
        if (!proto_skip(&reader)) {
            return false;
        }
    }
    return false;
}

bool
proto_map_token(struct proto_bin map, struct proto_str key, struct proto_token *out_token)
{
    struct proto_bin value;
    if (!proto_map_find(map, key, &value)) {
        return false;
    }
    struct proto_reader reader = proto_reader_of(value);
    return proto_next(&reader, out_token);
}

static uint32_t
container_count(struct proto_bin value, enum proto_kind kind)
{
    struct proto_reader reader = proto_reader_of(value);
    struct proto_token token;
    return proto_next(&reader, &token) && token.kind == kind ? token.count : 0;
}

uint32_t
proto_map_count(struct proto_bin map)
{
    return container_count(map, PROTO_KIND_MAP);
}

uint32_t
proto_list_count(struct proto_bin list)
{
    return container_count(list, PROTO_KIND_LIST);
}

bool
proto_token_f64(const struct proto_token *token, double *out_number)
{
    switch (token->kind) {
    case PROTO_KIND_F64:
        *out_number = token->f;
        return true;
    case PROTO_KIND_UINT:
        *out_number = (double)token->u;
        return true;
    case PROTO_KIND_INT:
        *out_number = (double)token->i;
        return true;
    default:
        return false;
    }
}

bool
proto_token_i64(const struct proto_token *token, int64_t *out_number)
{
    if (token->kind == PROTO_KIND_INT) {
        *out_number = token->i;
        return true;
    }
    if (token->kind == PROTO_KIND_UINT && token->u <= INT64_MAX) {
        *out_number = (int64_t)token->u;
        return true;
    }
    return false;
}
