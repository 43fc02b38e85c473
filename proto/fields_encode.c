/*
 * The encoding half of the walker, see fields.h.
 *
 * Room for the whole header is made once; then keys and words of codes, which the tables hold encoded and padded with
 * zeros, are copied with a length that the compiler knows, and msgpack-c packs the values behind them.
 */
#include "proto/fields.h"

#include "proto/head.h"
#include "proto/packer.h"
#include "proto/text.h"

static unsigned
enum_value(const void *at)
{
    unsigned number; /* enums without negative values are unsigned int in this ABI: asserted in codec.c */
    memcpy(&number, at, sizeof number);
    return number;
}

/* A number without a name counts as absent. */
static inline bool
enum_named(const struct proto_field *field, unsigned number)
{
    if (number < 64 && (field->named >> number & 1) != 0) {
        return true;
    }
    const struct proto_enum_desc *desc = &proto_enums[field->enum_id];
    return number < desc->count && desc->words[number][0] != 0;
}

static inline unsigned
differs(const struct proto_presence *presence, const uint8_t *bytes)
{
    return (word8(bytes + presence->word) & presence->mask) != presence->absent;
}

uint64_t
fields_present(const struct proto_desc *desc, const void *base, uint64_t has)
{
    const uint8_t *bytes = base;
    uint64_t present = 0;
    for (unsigned i = 0; i < desc->count; i += 4) {
        const struct proto_presence *four = &desc->presence[i];
        unsigned bits = differs(&four[0], bytes) | differs(&four[1], bytes) << 1 | differs(&four[2], bytes) << 2 |
                        differs(&four[3], bytes) << 3;
        present |= (uint64_t)bits << i;
    }
    present |= has & (desc->count < 64 ? (UINT64_C(1) << desc->count) - 1 : UINT64_MAX);
    for (uint64_t left = present & desc->enums; left != 0; left &= left - 1) {
        const struct proto_field *field = &desc->fields[__builtin_ctzll(left)];
        if (!enum_named(field, enum_value(bytes + field->offset))) {
            present &= ~(left & -left);
        }
    }
    return present;
}

/* ------------------------------------------------------------- room */

size_t
fields_bound(const struct proto_desc *desc, const void *base, uint64_t present)
{
    size_t bytes = desc->fixed_max;
    for (uint64_t left = present & desc->variable; left != 0; left &= left - 1) {
        const struct proto_field *field = &desc->fields[__builtin_ctzll(left)];
        bytes += ((const struct proto_bin *)((const uint8_t *)base + field->offset))->n;
    }
    return bytes;
}

bool
header_room_slow(struct proto_buf *buf, size_t bound, size_t fixed, struct header_room *out_room)
{
    /* All but `fixed` will surely be written. */
    if (bound - fixed > buf->max - buf->n) {
        return false;
    }
    proto_buf_init(&out_room->aside, bound);
    if (!proto_buf_reserve(&out_room->aside, bound)) {
        return false;
    }
    out_room->at = out_room->aside.p;
    return true;
}

bool
header_room_slow_end(struct proto_buf *buf, struct header_room *room, bool ok)
{
    ok = ok && proto_buf_append(buf, room->aside.p, (size_t)(room->at - room->aside.p));
    proto_buf_fini(&room->aside);
    return ok;
}

/* ------------------------------------------------------------- values */

/* A map or list that somebody encoded: the right kind, within the limit. Empty bytes stand for an empty one. */
static uint8_t *
encoded_put(uint8_t *at, const struct proto_field *field, struct proto_bin value)
{
    bool map = field->type == PROTO_FIELD_MAP;
    if (value.n == 0) {
        *at = map ? 0x80 : 0x90;
        return at + 1;
    }
    struct proto_head head;
    if (proto_head_read(value.p, value.n, &head) != NULL || head.kind != (map ? PROTO_KIND_MAP : PROTO_KIND_LIST)) {
        return NULL;
    }
    bool counted = field->type == PROTO_FIELD_STRS || field->type == PROTO_FIELD_STRUCTS;
    if ((counted ? head.u : value.n) > field->limit) {
        return NULL;
    }
    bytes_copy(at, value.p, value.n);
    return at + value.n;
}

static uint8_t *
word_put(uint8_t *at, const struct proto_field *field, unsigned number)
{
    const uint8_t *word = field->words[number];
    memcpy(at, word, PROTO_WORD_BYTES);
    return at + word[0] - 0x9f;
}

/* The end of what was written, or NULL: outside the limits. */
static inline uint8_t *
field_put(uint8_t *at, const struct proto_field *field, const uint8_t *from, bool numbers)
{
    const struct proto_bin *bin = (const struct proto_bin *)from;
    msgpack_packer packer = packer_at(&at);
    switch ((enum proto_field_type)field->type) {
    case PROTO_FIELD_BOOL:
        *at = *(const bool *)from ? 0xc3 : 0xc2;
        return at + 1;
    case PROTO_FIELD_U32:
        msgpack_pack_uint32(&packer, *(const uint32_t *)from);
        return at;
    case PROTO_FIELD_U64:
        msgpack_pack_uint64(&packer, *(const uint64_t *)from);
        return at;
    case PROTO_FIELD_I64:
        msgpack_pack_int64(&packer, *(const int64_t *)from);
        return at;
    case PROTO_FIELD_F64: {
        double value = *(const double *)from;
        msgpack_pack_double(&packer, value);
        return value - value == 0 ? at : NULL;
    }
    case PROTO_FIELD_STR:
    case PROTO_FIELD_BIN:
        if (bin->n > field->limit) {
            return NULL;
        }
        if (field->type == PROTO_FIELD_STR) {
            msgpack_pack_str(&packer, bin->n); /* proto_str has the same layout */
        } else {
            msgpack_pack_bin(&packer, bin->n);
        }
        bytes_copy(at, bin->p, bin->n);
        return at + bin->n;
    case PROTO_FIELD_ENUM:
        if (!numbers) {
            return word_put(at, field, enum_value(from));
        }
        msgpack_pack_uint32(&packer, enum_value(from));
        return at;
    case PROTO_FIELD_MAP:
    case PROTO_FIELD_ANY:
    case PROTO_FIELD_STRS:
    case PROTO_FIELD_STRUCTS:
        return encoded_put(at, field, *bin);
    }
    return NULL;
}

PACKER_FOLDED uint8_t *
fields_encode(uint8_t *at, const struct proto_desc *desc, const void *base, uint64_t present, bool numbers)
{
    for (; present != 0; present &= present - 1) {
        const struct proto_field *field = &desc->fields[__builtin_ctzll(present)];
        memcpy(at, field->key, PROTO_KEY_BYTES);
        at = field_put(at + field->key_len, field, (const uint8_t *)base + field->offset, numbers);
        if (at == NULL) {
            return NULL;
        }
    }
    return at;
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
