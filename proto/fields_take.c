/* Fields by the quick way, see take.h. Knows the table's types but no record. */
#include "proto/take.h"

#include "proto/fields.h"
#include "proto/head.h"
#include "proto/text.h"

enum take_verdict { TAKE_SET, TAKE_ABSENT, TAKE_LEFT };

/* ------------------------------------------------------------- values */

/* The forms of one byte, and those of an unsigned integer with bytes enough behind it, are told here. */
static inline bool
number_take(struct take *take, uint64_t *out_number)
{
    size_t left = (size_t)(take->end - take->at);
    if (left > 0 && take->at[0] < 0x80) {
        *out_number = *take->at++;
        return true;
    }
    if (left > 8 && (take->at[0] & 0xfc) == 0xcc) {
        unsigned bytes = 1u << (take->at[0] & 3);
        uint64_t least = bytes == 1 ? 0x80 : UINT64_C(1) << (4 * bytes); /* what needs this form */
        uint64_t number = head_be(take->at + 1, 8) >> (64 - 8 * bytes);
        if (number < least) {
            return false;
        }
        *out_number = number;
        take->at += 1 + bytes;
        return true;
    }
    struct proto_head head;
    if (proto_head_read(take->at, left, &head) != NULL || head.kind != PROTO_KIND_UINT) {
        return false;
    }
    *out_number = head.u;
    take->at += head.bytes;
    return true;
}

bool
take_number(struct take *take, uint64_t *out_number)
{
    return number_take(take, out_number);
}

bool
take_map(struct take *take, uint32_t *out_pairs)
{
    struct proto_head head;
    if (proto_head_read(take->at, (size_t)(take->end - take->at), &head) != NULL || head.kind != PROTO_KIND_MAP) {
        return false;
    }
    *out_pairs = (uint32_t)head.u;
    take->at += head.bytes;
    return true;
}

/* Text or bytes of that kind; their UTF-8 is not looked at. */
static inline bool
bytes_take(struct take *take, enum proto_kind kind, struct proto_bin *out_bytes)
{
    size_t left = (size_t)(take->end - take->at);
    struct proto_head head;
    if (proto_head_read(take->at, left, &head) != NULL || head.kind != kind || head.u > left - head.bytes) {
        return false;
    }
    *out_bytes = (struct proto_bin){take->at + head.bytes, (uint32_t)head.u};
    take->at += head.bytes + head.u;
    return true;
}

bool
take_body(struct take *take, struct proto_bin *out_body)
{
    return bytes_take(take, PROTO_KIND_BIN, out_body);
}

static enum take_verdict
signed_take(struct take *take, bool floating, uint8_t *at)
{
    struct proto_reader reader = {take->at, take->end};
    struct proto_token token;
    int64_t number;
    double real;
    if (!proto_next(&reader, &token) || !(floating ? proto_token_f64(&token, &real) : proto_token_i64(&token, &number))) {
        return TAKE_LEFT;
    }
    if (floating) {
        memcpy(at, &real, sizeof real);
    } else {
        memcpy(at, &number, sizeof number);
    }
    take->at = reader.p;
    return TAKE_SET;
}

static enum take_verdict
enum_take(struct take *take, const struct proto_field *field, uint8_t *at)
{
    const struct proto_enum_desc *desc = &proto_enums[field->enum_id];
    unsigned number;
    uint64_t wide;
    struct proto_bin word;
    if (take->numbers) {
        if (!number_take(take, &wide) || wide >= desc->count || desc->words[wide][0] == 0) {
            return TAKE_LEFT;
        }
        number = (unsigned)wide;
    } else {
        if (!bytes_take(take, PROTO_KIND_STR, &word)) {
            return TAKE_LEFT;
        }
        if (!proto_enum_number((enum proto_enum)field->enum_id, (const char *)word.p, word.n, &number)) {
            return take->lenient && text_check(word.p, word.n) ? TAKE_ABSENT : TAKE_LEFT;
        }
    }
    memcpy(at, &number, sizeof number);
    return TAKE_SET;
}

/* What is inside is the validator's work. */
static enum take_verdict
container_take(struct take *take, const struct proto_field *field, uint8_t *at)
{
    struct proto_check check = {.depth_max = PROTO_LIMIT_RECORD_DEPTH - 1, .pairs_max = PROTO_LIMIT_MAP_FIELDS};
    struct proto_error error;
    size_t used;
    bool map = field->type == PROTO_FIELD_MAP;
    struct proto_head head;
    size_t left = (size_t)(take->end - take->at);
    if (proto_head_read(take->at, left, &head) != NULL || head.kind != (map ? PROTO_KIND_MAP : PROTO_KIND_LIST) ||
        !proto_check_value(&check, take->at, left, &used, &error)) {
        return TAKE_LEFT;
    }
    struct proto_bin value = {take->at, (uint32_t)used};
    bool counted = field->type == PROTO_FIELD_STRS || field->type == PROTO_FIELD_STRUCTS;
    if (counted ? !elements_check(field, value, &error) : value.n > field->limit) {
        return TAKE_LEFT;
    }
    take->depth = check.depth + 1 > take->depth ? check.depth + 1 : take->depth;
    memcpy(at, &value, sizeof value);
    take->at += used;
    return TAKE_SET;
}

static inline enum take_verdict
value_take(struct take *take, const struct proto_field *field, uint8_t *at)
{
    uint64_t number;
    struct proto_bin bytes;
    switch ((enum proto_field_type)field->type) {
    case PROTO_FIELD_BOOL:
        if (take->at == take->end || (*take->at & 0xfe) != 0xc2) {
            return TAKE_LEFT;
        }
        *at = *take->at++ & 1;
        return TAKE_SET;
    case PROTO_FIELD_U32: {
        if (!number_take(take, &number) || number > UINT32_MAX) {
            return TAKE_LEFT;
        }
        uint32_t small = (uint32_t)number;
        memcpy(at, &small, sizeof small);
        return TAKE_SET;
    }
    case PROTO_FIELD_U64:
    case PROTO_FIELD_I64:
        if (field->type == PROTO_FIELD_I64 && take->at < take->end && *take->at >= 0xcf) {
            /* Below zero, or in eight bytes and perhaps beyond the largest. */
            return signed_take(take, false, at);
        }
        if (!number_take(take, &number)) {
            return TAKE_LEFT;
        }
        memcpy(at, &number, sizeof number);
        return TAKE_SET;
    case PROTO_FIELD_F64:
        return signed_take(take, true, at);
    case PROTO_FIELD_STR:
        if (!bytes_take(take, PROTO_KIND_STR, &bytes) || bytes.n > field->limit || !text_check(bytes.p, bytes.n)) {
            return TAKE_LEFT;
        }
        memcpy(at, &bytes, sizeof bytes); /* proto_str has the same layout */
        return TAKE_SET;
    case PROTO_FIELD_BIN:
        if (!bytes_take(take, PROTO_KIND_BIN, &bytes) || bytes.n > field->limit) {
            return TAKE_LEFT;
        }
        memcpy(at, &bytes, sizeof bytes);
        return TAKE_SET;
    case PROTO_FIELD_ENUM:
        return enum_take(take, field, at);
    default:
        return container_take(take, field, at);
    }
}

/* ------------------------------------------------------------- keys */

/* The next key's field, or count. Keys nearly always come in the table's order, so the search begins behind the last. */
static inline unsigned
field_at(const struct take *take, const struct proto_desc *desc, unsigned next)
{
    static const uint8_t ones[2 * PROTO_KEY_BYTES] = {[0 ... PROTO_KEY_BYTES - 1] = 0xff};
    uint8_t padded[PROTO_KEY_BYTES] = {0};
    size_t left = (size_t)(take->end - take->at);
    const uint8_t *key = take->at;
    if (left < PROTO_KEY_BYTES) { /* no byte of a key is zero, so a key that ends with the bytes is not met */
        memcpy(padded, take->at, left);
        key = padded;
    }
    size_t n = left > 0 ? 1u + (key[0] & 0x1fu) : 0;
    if (n == 0 || n > PROTO_KEY_BYTES) {
        return desc->count;
    }
    uint64_t head = word8(key) & word8(ones + PROTO_KEY_BYTES - n);
    uint64_t tail = word8(key + 8) & word8(ones + PROTO_KEY_BYTES - n + 8);
    for (unsigned tried = 0, i = next; tried < desc->count; tried++, i++) {
        i = i < desc->count ? i : 0;
        const uint8_t *known = desc->fields[i].key;
        if (word8(known) == head && word8(known + 8) == tail) {
            return i;
        }
    }
    return desc->count;
}

bool
take_fields(struct take *take, const struct proto_desc *desc, uint8_t *base, uint32_t pairs, uint64_t *out_has)
{
    uint64_t seen = 0;
    uint64_t absent = 0;
    unsigned next = 0;
    struct take here = *take; /* stays in registers */
    for (; pairs > 0; pairs--) {
        unsigned i = field_at(&here, desc, next);
        if (i == desc->count || seen >> i & 1) {
            return false;
        }
        const struct proto_field *field = &desc->fields[i];
        here.at += field->key_len;
        enum take_verdict verdict = value_take(&here, field, base + field->offset);
        if (verdict == TAKE_LEFT) {
            return false;
        }
        seen |= UINT64_C(1) << i;
        absent |= (uint64_t)(verdict == TAKE_ABSENT) << i;
        next = i + 1;
    }
    *take = here;
    *out_has = seen & ~absent;
    return (desc->required & ~*out_has) == 0;
}

/* Numbers rise without gaps in nearly every table: then the number is the place. */
static inline unsigned
field_numbered(const struct proto_desc *desc, unsigned number)
{
    unsigned i = number - desc->fields[0].number;
    if (i < desc->count && desc->fields[i].number == number) {
        return i;
    }
    for (i = 0; i < desc->count && desc->fields[i].number != number; i++) {
    }
    return i;
}

bool
take_numbered(struct take *take, const struct proto_desc *desc, uint8_t *base, unsigned below, uint32_t *pairs,
              uint64_t *out_has)
{
    uint64_t seen = 0;
    struct take here = *take;
    for (; *pairs > 0; (*pairs)--) {
        if (here.at == here.end) {
            return false;
        }
        if (*here.at >= below) {
            break;
        }
        unsigned i = desc->count > 0 ? field_numbered(desc, *here.at) : 0;
        if (i == desc->count || seen >> i & 1) {
            return false;
        }
        const struct proto_field *field = &desc->fields[i];
        here.at++;
        if (value_take(&here, field, base + field->offset) != TAKE_SET) {
            return false;
        }
        seen |= UINT64_C(1) << i;
    }
    *take = here;
    *out_has = seen;
    return (desc->required & ~seen) == 0;
}
