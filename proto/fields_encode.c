/* The encoding half of the walker, see fields.h. Values are packed by msgpack-c. */
#include "proto/fields.h"

#include "proto/head.h"
#include "proto/packer.h"

static unsigned
enum_value(const void *at)
{
    unsigned number; /* enums without negative values are unsigned int in this ABI: asserted in codec.c */
    memcpy(&number, at, sizeof number);
    return number;
}

static bool
field_present(const struct proto_field *field, const uint8_t *at, bool marked)
{
    switch ((enum proto_field_type)field->type) {
    case PROTO_FIELD_BOOL:
        return marked || *(const bool *)at;
    case PROTO_FIELD_U32:
        return marked || *(const uint32_t *)at != 0;
    case PROTO_FIELD_U64:
    case PROTO_FIELD_I64:
        return marked || *(const uint64_t *)at != 0;
    case PROTO_FIELD_F64:
        return marked || *(const double *)at != 0;
    case PROTO_FIELD_ENUM: {
        unsigned number = enum_value(at);
        return (marked || number != (unsigned)field->fallback) &&
               proto_enum_name((enum proto_enum)field->enum_id, number) != NULL;
    }
    default: /* all others begin with a pointer and a length */
        return marked || ((const struct proto_bin *)at)->n != 0;
    }
}

uint64_t
fields_present(const struct proto_desc *desc, const void *base, uint64_t has)
{
    uint64_t present = 0;
    for (unsigned i = 0; i < desc->count; i++) {
        const struct proto_field *field = &desc->fields[i];
        if (field_present(field, (const uint8_t *)base + field->offset, has >> i & 1)) {
            present |= UINT64_C(1) << i;
        }
    }
    return present;
}

/* A map or list that somebody encoded: the right kind, within the limit. Empty bytes stand for an empty one. */
static bool
encoded_pack(struct proto_buf *buf, const struct proto_field *field, struct proto_bin value)
{
    bool map = field->type == PROTO_FIELD_MAP;
    if (value.n == 0) {
        return proto_buf_append(buf, map ? "\x80" : "\x90", 1);
    }
    struct proto_head head;
    if (proto_head_read(value.p, value.n, &head) != NULL || head.kind != (map ? PROTO_KIND_MAP : PROTO_KIND_LIST)) {
        return false;
    }
    bool counted = field->type == PROTO_FIELD_STRS || field->type == PROTO_FIELD_STRUCTS;
    if ((counted ? head.u : value.n) > field->limit) {
        return false;
    }
    return proto_buf_append(buf, value.p, value.n);
}

static bool
enum_pack(msgpack_packer *packer, const struct proto_field *field, const void *at, bool numbers)
{
    unsigned number = enum_value(at);
    if (numbers) {
        return msgpack_pack_uint32(packer, number) == 0;
    }
    const struct proto_str *name = &proto_enums[field->enum_id].names[number];
    return msgpack_pack_str(packer, name->n) == 0 && msgpack_pack_str_body(packer, name->p, name->n) == 0;
}

static bool
field_pack(struct proto_buf *buf, const struct proto_field *field, const uint8_t *at, bool numbers)
{
    msgpack_packer packer = packer_of(buf);
    switch ((enum proto_field_type)field->type) {
    case PROTO_FIELD_BOOL:
        return (*(const bool *)at ? msgpack_pack_true(&packer) : msgpack_pack_false(&packer)) == 0;
    case PROTO_FIELD_U32:
        return msgpack_pack_uint32(&packer, *(const uint32_t *)at) == 0;
    case PROTO_FIELD_U64:
        return msgpack_pack_uint64(&packer, *(const uint64_t *)at) == 0;
    case PROTO_FIELD_I64:
        return msgpack_pack_int64(&packer, *(const int64_t *)at) == 0;
    case PROTO_FIELD_F64: {
        double value = *(const double *)at;
        return value - value == 0 && msgpack_pack_double(&packer, value) == 0;
    }
    case PROTO_FIELD_STR: {
        const struct proto_str *text = (const struct proto_str *)at;
        return text->n <= field->limit && msgpack_pack_str(&packer, text->n) == 0 &&
               msgpack_pack_str_body(&packer, text->p, text->n) == 0;
    }
    case PROTO_FIELD_BIN: {
        const struct proto_bin *bin = (const struct proto_bin *)at;
        return bin->n <= field->limit && msgpack_pack_bin(&packer, bin->n) == 0 &&
               msgpack_pack_bin_body(&packer, bin->p, bin->n) == 0;
    }
    case PROTO_FIELD_ENUM:
        return enum_pack(&packer, field, at, numbers);
    case PROTO_FIELD_MAP:
    case PROTO_FIELD_ANY:
    case PROTO_FIELD_STRS:
    case PROTO_FIELD_STRUCTS:
        return encoded_pack(buf, field, *(const struct proto_bin *)at);
    }
    return false;
}

bool
fields_encode(struct proto_buf *buf, const struct proto_desc *desc, const void *base, uint64_t present, bool numbers)
{
    for (; present != 0; present &= present - 1) {
        const struct proto_field *field = &desc->fields[__builtin_ctzll(present)];
        if (!proto_buf_append(buf, field->key, field->key_len) ||
            !field_pack(buf, field, (const uint8_t *)base + field->offset, numbers)) {
            return false;
        }
    }
    return true;
}

static bool
check_failed(const struct proto_field *field, enum proto_refusal_code code, const char *why,
             struct proto_error *out_error)
{
    *out_error = (struct proto_error){.code = code, .why = why};
    error_path_prepend(out_error, field->name, UINT32_MAX);
    return false;
}

static bool
field_check(const struct proto_field *field, const uint8_t *at, struct proto_error *out_error)
{
    const struct proto_bin *bin = (const struct proto_bin *)at;
    bool map = field->type == PROTO_FIELD_MAP;
    switch ((enum proto_field_type)field->type) {
    case PROTO_FIELD_F64: {
        double value = *(const double *)at;
        return value - value == 0 ||
               check_failed(field, PROTO_REFUSAL_CODE_INVALID, "not a finite number", out_error);
    }
    case PROTO_FIELD_STR:
        if (!proto_utf8_check(bin->p, bin->n)) {
            return check_failed(field, PROTO_REFUSAL_CODE_MALFORMED, "the text is not UTF-8", out_error);
        }
        return bin->n <= field->limit ||
               check_failed(field, PROTO_REFUSAL_CODE_TOO_LARGE, "longer than the limit", out_error);
    case PROTO_FIELD_BIN:
        return bin->n <= field->limit ||
               check_failed(field, PROTO_REFUSAL_CODE_TOO_LARGE, "longer than the limit", out_error);
    case PROTO_FIELD_MAP:
    case PROTO_FIELD_ANY:
    case PROTO_FIELD_STRS:
    case PROTO_FIELD_STRUCTS:
        if (bin->n > 0 && !(map ? proto_map_check(*bin, out_error) : proto_list_check(*bin, out_error))) {
            error_path_prepend(out_error, field->name, UINT32_MAX);
            return false;
        }
        return true;
    default:
        return true;
    }
}

bool
fields_check(const struct proto_desc *desc, const void *base, uint64_t present, struct proto_error *out_error)
{
    for (unsigned i = 0; i < desc->count; i++) {
        const struct proto_field *field = &desc->fields[i];
        if (present >> i & 1) {
            if (!field_check(field, (const uint8_t *)base + field->offset, out_error)) {
                return false;
            }
        } else if (field->required) {
            return check_failed(field, PROTO_REFUSAL_CODE_INVALID, "required", out_error);
        }
    }
    return true;
}
