/* Fields by the quick way, see take.h. Knows the table's types but no record. */
#include "proto/take.h"

#include "proto/fields.h"
#include "proto/head.h"
#include "proto/text.h"

/*
 * Each step gets the place and the end by value and returns the place behind what it took, or NULL: left to the careful way.
 * So both stay in registers while values are written through pointers of bytes, which could point at anything.
 */

/* ------------------------------------------------------------- values */

/* The forms of one byte, and those of an unsigned integer with bytes enough behind it, are told here. */
static inline const uint8_t *
number_take(const uint8_t *at, const uint8_t *end, uint64_t *out_number)
{
    size_t left = (size_t)(end - at);
    if (left > 0 && at[0] < 0x80) {
        *out_number = at[0];
        return at + 1;
    }
    if (left > 8 && (at[0] & 0xfc) == 0xcc) {
        unsigned bytes = 1u << (at[0] & 3);
        uint64_t least = bytes == 1 ? 0x80 : UINT64_C(1) << (4 * bytes); /* what needs this form */
        uint64_t number = head_be(at + 1, 8) >> (64 - 8 * bytes);
        *out_number = number;
        return number >= least ? at + 1 + bytes : NULL;
    }
    struct proto_head head;
    if (proto_head_read(at, left, &head) != NULL || head.kind != PROTO_KIND_UINT) {
        return NULL;
    }
    *out_number = head.u;
    return at + head.bytes;
}

bool
take_number(struct take *take, uint64_t *out_number)
{
    const uint8_t *at = number_take(take->at, take->end, out_number);
    take->at = at != NULL ? at : take->at;
    return at != NULL;
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
static inline const uint8_t *
bytes_take(const uint8_t *at, const uint8_t *end, enum proto_kind kind, struct proto_bin *out_bytes)
{
    size_t left = (size_t)(end - at);
    size_t n;
    bool text = kind == PROTO_KIND_STR;
    if (left > 0 && text && (at[0] & 0xe0) == 0xa0) {
        n = at[0] & 0x1fu;
        at++;
    } else if (left > 1 && at[0] == (text ? 0xd9 : 0xc4) && (!text || at[1] >= 32)) { /* shorter text has a shorter form */
        n = at[1];
        at += 2;
    } else {
        struct proto_head head;
        if (proto_head_read(at, left, &head) != NULL || head.kind != kind) {
            return NULL;
        }
        n = head.u;
        at += head.bytes;
    }
    if (n > (size_t)(end - at)) {
        return NULL;
    }
    *out_bytes = (struct proto_bin){at, (uint32_t)n};
    return at + n;
}

bool
take_body(struct take *take, struct proto_bin *out_body)
{
    const uint8_t *at = bytes_take(take->at, take->end, PROTO_KIND_BIN, out_body);
    take->at = at != NULL ? at : take->at;
    return at != NULL;
}

/* Below zero, or with a fraction. */
static const uint8_t *
signed_take(const uint8_t *at, const uint8_t *end, bool floating, uint8_t *to)
{
    struct proto_reader reader = {at, end};
    struct proto_token token;
    int64_t number;
    double real;
    if (!proto_next(&reader, &token) || !(floating ? proto_token_f64(&token, &real) : proto_token_i64(&token, &number))) {
        return NULL;
    }
    if (floating) {
        memcpy(to, &real, sizeof real);
    } else {
        memcpy(to, &number, sizeof number);
    }
    return reader.p;
}

static inline const uint8_t *
enum_take(const uint8_t *at, const uint8_t *end, const struct take *take, const struct proto_field *field, uint8_t *to,
          bool *out_absent)
{
    const struct proto_enum_desc *desc = &proto_enums[field->enum_id];
    unsigned number;
    uint64_t wide;
    struct proto_bin word;
    if (take->numbers) {
        at = number_take(at, end, &wide);
        if (at == NULL || wide >= desc->count || desc->words[wide][0] == 0) {
            return NULL;
        }
        number = (unsigned)wide;
    } else {
        at = bytes_take(at, end, PROTO_KIND_STR, &word);
        if (at == NULL) {
            return NULL;
        }
        if (!word_find(desc, word.p, word.n, &number)) {
            *out_absent = take->lenient && text_check(word.p, word.n);
            return *out_absent ? at : NULL;
        }
    }
    memcpy(to, &number, sizeof number);
    return at;
}

/* What is inside is the validator's work. */
static const uint8_t *
container_take(const uint8_t *at, const uint8_t *end, uint32_t *depth, const struct proto_field *field, uint8_t *to)
{
    struct proto_check check = {.depth_max = PROTO_LIMIT_RECORD_DEPTH - 1, .pairs_max = PROTO_LIMIT_MAP_FIELDS};
    struct proto_error error;
    size_t used;
    bool map = field->type == PROTO_FIELD_MAP;
    struct proto_head head;
    size_t left = (size_t)(end - at);
    if (proto_head_read(at, left, &head) != NULL || head.kind != (map ? PROTO_KIND_MAP : PROTO_KIND_LIST) ||
        !proto_check_value(&check, at, left, &used, &error)) {
        return NULL;
    }
    struct proto_bin value = {at, (uint32_t)used};
    bool counted = field->type == PROTO_FIELD_STRS || field->type == PROTO_FIELD_STRUCTS;
    if (counted ? !elements_check(field, value, &error) : value.n > field->limit) {
        return NULL;
    }
    *depth = check.depth + 1 > *depth ? check.depth + 1 : *depth;
    memcpy(to, &value, sizeof value);
    return at + used;
}

static inline const uint8_t *
value_take(const uint8_t *at, const uint8_t *end, struct take *take, const struct proto_field *field, uint8_t *to,
           bool *out_absent)
{
    uint64_t number;
    struct proto_bin bytes;
    switch ((enum proto_field_type)field->type) {
    case PROTO_FIELD_BOOL:
        if (at == end || (*at & 0xfe) != 0xc2) {
            return NULL;
        }
        *to = *at & 1;
        return at + 1;
    case PROTO_FIELD_U32: {
        at = number_take(at, end, &number);
        if (at == NULL || number > UINT32_MAX) {
            return NULL;
        }
        uint32_t small = (uint32_t)number;
        memcpy(to, &small, sizeof small);
        return at;
    }
    case PROTO_FIELD_I64:
        if (at < end && *at >= 0xd0) {
            return signed_take(at, end, false, to);
        }
        at = number_take(at, end, &number);
        if (at == NULL || number > INT64_MAX) {
            return NULL;
        }
        memcpy(to, &number, sizeof number);
        return at;
    case PROTO_FIELD_U64:
        at = number_take(at, end, &number);
        if (at != NULL) {
            memcpy(to, &number, sizeof number);
        }
        return at;
    case PROTO_FIELD_F64:
        return signed_take(at, end, true, to);
    case PROTO_FIELD_STR:
    case PROTO_FIELD_BIN: {
        bool text = field->type == PROTO_FIELD_STR;
        at = bytes_take(at, end, text ? PROTO_KIND_STR : PROTO_KIND_BIN, &bytes);
        if (at == NULL || bytes.n > field->limit || (text && !text_check(bytes.p, bytes.n))) {
            return NULL;
        }
        memcpy(to, &bytes, sizeof bytes); /* proto_str has the same layout */
        return at;
    }
    case PROTO_FIELD_ENUM:
        return enum_take(at, end, take, field, to, out_absent);
    default:
        return container_take(at, end, &take->depth, field, to);
    }
}

/* ------------------------------------------------------------- keys */

/* The next key's field, or count. Keys nearly always come in the table's order, so the search begins behind the last. */
static inline unsigned
field_at(const uint8_t *at, const uint8_t *end, const struct proto_desc *desc, unsigned next)
{
    static const uint8_t ones[2 * PROTO_KEY_BYTES] = {[0 ... PROTO_KEY_BYTES - 1] = 0xff};
    uint8_t padded[PROTO_KEY_BYTES] = {0};
    size_t left = (size_t)(end - at);
    const uint8_t *key = at;
    if (left < PROTO_KEY_BYTES) { /* no byte of a key is zero, so a key that ends with the bytes is not met */
        memcpy(padded, at, left);
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
    const uint8_t *at = take->at;
    const uint8_t *end = take->end;
    uint64_t seen = 0;
    uint64_t has = 0;
    unsigned next = 0;
    for (; pairs > 0; pairs--) {
        unsigned i = field_at(at, end, desc, next);
        if (i == desc->count || seen >> i & 1) {
            return false;
        }
        const struct proto_field *field = &desc->fields[i];
        bool absent = false;
        at = value_take(at + field->key_len, end, take, field, base + field->offset, &absent);
        if (at == NULL) {
            return false;
        }
        seen |= UINT64_C(1) << i;
        has |= (uint64_t)!absent << i;
        next = i + 1;
    }
    take->at = at;
    *out_has = has;
    return (desc->required & ~has) == 0;
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
    const uint8_t *at = take->at;
    const uint8_t *end = take->end;
    uint64_t seen = 0;
    uint32_t left = *pairs;
    for (; left > 0; left--) {
        if (at == end) {
            return false;
        }
        unsigned number = *at;
        if (number >= below) {
            break;
        }
        unsigned i = desc->count > 0 ? field_numbered(desc, number) : 0;
        if (i == desc->count || seen >> i & 1) {
            return false;
        }
        const struct proto_field *field = &desc->fields[i];
        bool absent = false; /* stays so: only words are taken leniently */
        at = value_take(at + 1, end, take, field, base + field->offset, &absent);
        if (at == NULL) {
            return false;
        }
        seen |= UINT64_C(1) << i;
    }
    take->at = at;
    *pairs = left;
    *out_has = seen;
    return (desc->required & ~seen) == 0;
}
