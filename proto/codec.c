/* Records: see codec.h. Reads and writes the header's frame (t, n, re) and the body; fields are the walker's work. */
#include "proto/codec.h"

#include <assert.h>

#include "proto/fields.h"
#include "proto/head.h"
#include "proto/packer.h"
#include "proto/take.h"
#include "proto/writer.h"

static_assert(sizeof(enum proto_status) == sizeof(unsigned), "the walker reads and writes enums as unsigned int");
static_assert(sizeof(struct proto_str) == sizeof(struct proto_bin), "the walker treats both alike");

void
proto_record_init(struct proto_record *record, enum proto_type type)
{
    memset(record, 0, sizeof *record);
    record->type = type;
    const struct proto_desc *desc = proto_record_desc(type);
    assert(desc != NULL);
    fields_default(desc, &record->u);
}

/* ------------------------------------------------------------- encoding */

static inline uint8_t *
number_put(uint8_t *at, const char *key, size_t key_n, uint64_t number)
{
    msgpack_packer packer = packer_at(&at);
    memcpy(at, key, key_n);
    at += key_n;
    msgpack_pack_uint64(&packer, number);
    return at;
}

/* With body NULL only the header. */
static PACKER_FOLDED bool
record_encode(struct proto_buf *buf, const struct proto_record *record, const struct proto_bin *body)
{
    const struct proto_desc *desc = proto_record_desc(record->type);
    assert(desc != NULL);
    uint64_t has;
    memcpy(&has, &record->u, sizeof has); /* every record's struct begins with it */
    uint64_t present = fields_present(desc, &record->u, has);
    uint32_t pairs = 1 + (record->n != 0) + (record->re != 0) + (uint32_t)__builtin_popcountll(present);
    size_t bound = fields_bound(desc, &record->u, present) + (body != NULL ? body->n : 0);
    struct header_room room;
    if (!header_room_begin(buf, bound, desc->fixed_max, &room)) {
        return false;
    }
    uint8_t *at = header_begin(room.at, desc, pairs);
    if (record->n != 0) {
        at = number_put(at, "\xa1n", 2, record->n);
    }
    if (record->re != 0) {
        at = number_put(at, "\xa2re", 3, record->re);
    }
    at = fields_encode(at, desc, &record->u, present, false);
    room.at = at != NULL && body != NULL ? body_put(at, *body) : at;
    return header_room_end(buf, &room, at != NULL);
}

bool
proto_encode_header(struct proto_buf *buf, const struct proto_record *record)
{
    return record_encode(buf, record, NULL);
}

bool
proto_encode_body_head(struct proto_buf *buf, uint32_t body_bytes)
{
    msgpack_packer packer = packer_of(buf);
    size_t before = buf->n;
    if (msgpack_pack_bin(&packer, body_bytes) != 0) {
        proto_buf_cut(buf, before);
        return false;
    }
    return true;
}

bool
proto_encode_body(struct proto_buf *buf, struct proto_bin body)
{
    return proto_put_bin(buf, body);
}

bool
proto_encode(struct proto_buf *buf, const struct proto_record *record)
{
    return record->body.n <= PROTO_LIMIT_BODY_BYTES && record_encode(buf, record, &record->body);
}

bool
proto_record_check(const struct proto_record *record, struct proto_error *out_error)
{
    const struct proto_desc *desc = proto_record_desc(record->type);
    if (desc == NULL) {
        *out_error = (struct proto_error){.code = PROTO_REFUSAL_CODE_UNSUPPORTED, .why = "no such record"};
        return false;
    }
    uint64_t has;
    memcpy(&has, &record->u, sizeof has);
    if (!fields_check(desc, &record->u, fields_present(desc, &record->u, has), out_error)) {
        return false;
    }
    if (record->body.n > PROTO_LIMIT_BODY_BYTES || (record->body.n > 0 && !desc->body)) {
        *out_error = (struct proto_error){.path = "body",
                                          .code = desc->body ? PROTO_REFUSAL_CODE_TOO_LARGE : PROTO_REFUSAL_CODE_INVALID,
                                          .why = desc->body ? "longer than the limit" : "this record has no body"};
        return false;
    }
    return true;
}

/* ------------------------------------------------------------- decoding */

static bool
decode_fail(struct proto_error *error, enum proto_refusal_code code, const char *why, size_t at)
{
    *error = (struct proto_error){.code = code, .why = why, .at = at};
    return false;
}

/* The bin behind the header. *used grows by it. */
static bool
body_read(const uint8_t *p, size_t n, size_t *used, struct proto_bin *out_body, struct proto_error *out_error)
{
    struct proto_head head;
    const char *why = proto_head_read(p + *used, n - *used, &head);
    if (why == NULL && head.kind != PROTO_KIND_BIN) {
        why = "a bin was expected behind the header";
    }
    if (why == NULL && head.u > n - *used - head.bytes) {
        why = "a length goes beyond the bytes";
    }
    if (why != NULL) {
        return decode_fail(out_error, PROTO_REFUSAL_CODE_MALFORMED, why, *used);
    }
    *out_body = (struct proto_bin){p + *used + head.bytes, (uint32_t)head.u};
    *used += head.bytes + (size_t)head.u;
    return true;
}

static bool
span_is(const uint8_t *p, const struct proto_span *span, const char *key, size_t n)
{
    return span->key_n == n && memcmp(p + span->key, key, n) == 0;
}

/* "t", "n" and "re"; the record's type stays 0 when its name is not known. */
static bool
envelope_read(const uint8_t *p, const struct proto_check *check, struct proto_record *record,
              struct proto_error *out_error)
{
    const struct proto_span *spans = check->spans;
    if (check->span_count == 0 || !span_is(p, &spans[0], "t", 1)) {
        return decode_fail(out_error, PROTO_REFUSAL_CODE_MALFORMED, "the first key is not t", 0);
    }
    struct proto_token name = spans[0].token;
    if (name.kind != PROTO_KIND_STR) {
        return decode_fail(out_error, PROTO_REFUSAL_CODE_MALFORMED, "the record's name is not a string", spans[0].value);
    }
    for (uint32_t i = 1; i < check->span_count; i++) {
        bool is_n = span_is(p, &spans[i], "n", 1);
        if (!is_n && !span_is(p, &spans[i], "re", 2)) {
            continue;
        }
        struct proto_token number = spans[i].token;
        if (number.kind != PROTO_KIND_UINT) {
            return decode_fail(out_error, PROTO_REFUSAL_CODE_MALFORMED, "n and re are integers from 0", spans[i].value);
        }
        *(is_n ? &record->n : &record->re) = number.u;
    }
    record->type = proto_record_type(name.str.p, name.str.n);
    if (record->type == 0) {
        return decode_fail(out_error, PROTO_REFUSAL_CODE_UNSUPPORTED, "no record has this name", spans[0].value);
    }
    return true;
}

/* Values of a client may nest as deep as the schema says; the broker wraps them into pages and may go deeper. */
static bool
record_bounds_check(const struct proto_desc *desc, const struct proto_record *record, uint32_t depth,
                    struct proto_error *out_error)
{
    if (desc->from_client && depth > PROTO_LIMIT_DEPTH + 1) {
        return decode_fail(out_error, PROTO_REFUSAL_CODE_MALFORMED, "the nesting is too deep", 0);
    }
    if (record->body.n > PROTO_LIMIT_BODY_BYTES) {
        *out_error = (struct proto_error){.code = PROTO_REFUSAL_CODE_TOO_LARGE, .path = "body",
                                          .why = "longer than the limit"};
        return false;
    }
    if (record->body.n > 0 && !desc->body) {
        *out_error = (struct proto_error){.code = PROTO_REFUSAL_CODE_INVALID, .path = "body",
                                          .why = "this record has no body"};
        return false;
    }
    return true;
}

bool
decode_careful(const uint8_t *p, size_t n, size_t *out_used, struct proto_record *out_record,
               struct proto_error *out_error)
{
    struct proto_span spans[PROTO_LIMIT_HEADER_FIELDS];
    struct proto_check check = {.depth_max = PROTO_LIMIT_RECORD_DEPTH, .pairs_max = PROTO_LIMIT_HEADER_FIELDS,
                                .spans = spans};
    size_t used = 0;
    out_record->type = (enum proto_type)0;
    out_record->n = 0;
    out_record->re = 0;
    *out_used = 0;
    if (n == 0 || ((p[0] & 0xf0) != 0x80 && p[0] != 0xde && p[0] != 0xdf)) {
        return decode_fail(out_error, PROTO_REFUSAL_CODE_MALFORMED, "a record begins with a map", 0);
    }
    if (!proto_check_value(&check, p, n, &used, out_error) ||
        !body_read(p, n, &used, &out_record->body, out_error)) {
        return false;
    }
    *out_used = used;
    if (!envelope_read(p, &check, out_record, out_error)) {
        return false;
    }
    const struct proto_desc *desc = proto_record_desc(out_record->type);
    if (!record_bounds_check(desc, out_record, check.depth, out_error)) {
        return false;
    }
    struct fields_source source = {.p = p, .spans = spans + 1, .count = check.span_count - 1,
                                   .lenient = !desc->from_client};
    memset(&out_record->u, 0, desc->size);
    uint64_t has;
    if (!fields_decode(desc, &source, &out_record->u, &has, out_error)) {
        return false;
    }
    memcpy(&out_record->u, &has, sizeof has);
    return true;
}

bool
proto_decode(const uint8_t *p, size_t n, size_t *out_used, struct proto_record *out_record,
             struct proto_error *out_error)
{
    return take_record(p, n, out_used, out_record) || decode_careful(p, n, out_used, out_record, out_error);
}
