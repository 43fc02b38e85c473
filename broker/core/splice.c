/*
 * Records from events without decoding; see splice.h.
 */
#include "core/splice.h"

#include <assert.h>
#include <endian.h>

#include "proto/head.h"
#include "proto/reader.h"
#include "proto/text.h"

/* ------------------------------------------------------------- reading */

static inline uint32_t
be(const uint8_t *p, unsigned n)
{
    uint32_t v = 0;
    for (unsigned i = 0; i < n; i++) {
        v = v << 8 | p[i];
    }
    return v;
}

/* The length of a value that is no container, 0 for one; of `left` bytes the head is surely there when it is needed. */
static inline size_t
scalar_bytes(const uint8_t *p, size_t left)
{
    uint8_t c = p[0];
    if (c < 0x80 || c >= 0xe0) {
        return 1;
    }
    if (c >= 0xa0 && c < 0xc0) {
        return 1 + (size_t)(c & 0x1f);
    }
    switch (c) {
    case 0xc0: case 0xc2: case 0xc3:
        return 1;
    case 0xcc: case 0xd0:
        return 2;
    case 0xcd: case 0xd1:
        return 3;
    case 0xce: case 0xd2: case 0xca:
        return 5;
    case 0xcf: case 0xd3: case 0xcb:
        return 9;
    case 0xc4: case 0xd9:
        return left < 2 ? SIZE_MAX : 2 + (size_t)p[1];
    case 0xc5: case 0xda:
        return left < 3 ? SIZE_MAX : 3 + (size_t)be(p + 1, 2);
    case 0xc6: case 0xdb:
        return left < 5 ? SIZE_MAX : 5 + (size_t)be(p + 1, 4);
    default:
        return 0;
    }
}

/* Step over one value; NULL: it is none, or it does not end within the bytes. */
static inline const uint8_t *
value_end(const uint8_t *p, const uint8_t *end)
{
    if (p >= end) {
        return NULL;
    }
    size_t n = scalar_bytes(p, (size_t)(end - p));
    if (n == 0) {
        struct proto_reader reader = {p, end};
        return proto_skip(&reader) ? reader.p : NULL;
    }
    return n <= (size_t)(end - p) ? p + n : NULL;
}

bool
pieces_read(struct proto_bin event, struct pieces *pieces)
{
    struct proto_head head;
    pieces->has = 0;
    pieces->type = 0;
    if (proto_head_read(event.p, event.n, &head) != NULL || head.kind != PROTO_KIND_MAP) {
        return false;
    }
    const uint8_t *p = event.p + head.bytes, *end = event.p + event.n;
    uint64_t has = 0;
    for (uint64_t left = head.u; left > 0; left--) {
        if (p >= end || *p >= 0x80) {
            return false; /* keys are numbers of one byte */
        }
        unsigned number = *p++;
        const uint8_t *next = value_end(p, end);
        if (next == NULL) {
            return false;
        }
        if (number < PIECES) {
            pieces->at[number] = (struct proto_bin){p, (uint32_t)(next - p)};
            has |= UINT64_C(1) << number;
        }
        p = next;
    }
    size_t rest = (size_t)(end - p);
    if (proto_head_read(p, rest, &head) != NULL || head.kind != PROTO_KIND_BIN || head.bytes + head.u != rest) {
        return false;
    }
    pieces->has = has;
    pieces->body = (struct proto_bin){p + head.bytes, (uint32_t)head.u};
    pieces->type = (enum proto_ev)pieces_number(pieces, 0);
    return proto_ev_desc(pieces->type) != NULL;
}

unsigned
pieces_number(const struct pieces *pieces, unsigned number)
{
    if (!pieces_has(pieces, number)) {
        return 0;
    }
    struct proto_bin value = pieces->at[number];
    return value.n == 1 && value.p[0] < 0x80 ? value.p[0] : 0;
}

/* ------------------------------------------------------------- writing */

enum { HEADER_ROOM = 2048 + PROTO_WORD_BYTES }; /* all keys of a record, and its numbers and enums; and the padding of the last key or word */

static inline void
put(struct pen *pen, const void *p, size_t n)
{
    bytes_copy(pen->at, p, n);
    pen->at += n;
}

/* What the tables hold encoded is copied with its padding: a length that the compiler knows is two moves, another is a call. */
static inline void
put_padded(struct pen *pen, const uint8_t *p, size_t n, size_t padded)
{
    memcpy(pen->at, p, padded);
    pen->at += n;
}

static inline void
put_byte(struct pen *pen, unsigned byte)
{
    *pen->at++ = (uint8_t)byte;
}

static void
put_be(struct pen *pen, unsigned head, uint64_t value, unsigned bytes)
{
    uint64_t be = htobe64(value << (64 - 8 * bytes)); /* what is too much of it is written over, or is room */
    put_byte(pen, head);
    memcpy(pen->at, &be, sizeof be);
    pen->at += bytes;
}

static void
put_u64(struct pen *pen, uint64_t value)
{
    if (value < 0x80) {
        put_byte(pen, (unsigned)value);
    } else if (value <= UINT8_MAX) {
        put_be(pen, 0xcc, value, 1);
    } else if (value <= UINT16_MAX) {
        put_be(pen, 0xcd, value, 2);
    } else if (value <= UINT32_MAX) {
        put_be(pen, 0xce, value, 4);
    } else {
        put_be(pen, 0xcf, value, 8);
    }
}

static void
put_text(struct pen *pen, struct proto_str value)
{
    if (value.n < 32) {
        put_byte(pen, 0xa0 | value.n);
    } else if (value.n <= UINT8_MAX) {
        put_be(pen, 0xd9, value.n, 1);
    } else {
        put_be(pen, 0xda, value.n, 2);
    }
    put(pen, value.p, value.n);
}

bool
pen_begin(struct pen *pen, struct proto_buf *buf, enum proto_type type, uint64_t re, size_t room)
{
    if (!proto_buf_reserve(buf, HEADER_ROOM + room)) {
        return false;
    }
    *pen = (struct pen){.buf = buf, .desc = proto_record_desc(type), .pairs = 1, .count = buf->p + buf->n};
    pen->at = pen->count;
    put_byte(pen, 0x80); /* a map of more than 15 pairs has its count in two bytes more: pen_end makes room if so */
    put_padded(pen, pen->desc->head, pen->desc->head_len, PROTO_KEY_BYTES);
    if (re != 0) {
        put(pen, "\xa2re", 3);
        put_u64(pen, re);
        pen->pairs++;
    }
    return true;
}

static void
put_key(struct pen *pen, uint64_t field)
{
    const struct proto_field *of = &pen->desc->fields[__builtin_ctzll(field)];
    put_padded(pen, of->key, of->key_len, PROTO_KEY_BYTES);
    pen->pairs++;
}

void
pen_u64(struct pen *pen, uint64_t field, uint64_t value)
{
    if (value != 0) {
        put_key(pen, field);
        put_u64(pen, value);
    }
}

void
pen_i64(struct pen *pen, uint64_t field, int64_t value)
{
    assert(value >= 0); /* what the core sets itself: times and durations */
    pen_u64(pen, field, (uint64_t)value);
}

void
pen_bool(struct pen *pen, uint64_t field, bool value)
{
    if (value) {
        put_key(pen, field);
        put_byte(pen, 0xc3);
    }
}

void
pen_text(struct pen *pen, uint64_t field, struct proto_str value)
{
    if (value.n > 0) {
        put_key(pen, field);
        put_text(pen, value);
    }
}

void
pen_enum(struct pen *pen, uint64_t field, unsigned value)
{
    const struct proto_field *of = &pen->desc->fields[__builtin_ctzll(field)];
    const struct proto_enum_desc *names = proto_enum_desc((enum proto_enum)of->enum_id);
    if (value != (unsigned)of->fallback && value < names->count && names->words[value][0] != 0) {
        put_key(pen, field);
        put_padded(pen, names->words[value], names->words[value][0] - 0x9fu, PROTO_WORD_BYTES);
    }
}

void
pen_raw(struct pen *pen, uint64_t field, struct proto_bin value)
{
    if (value.n > 0) {
        put_key(pen, field);
        put(pen, value.p, value.n);
    }
}

void
pen_piece(struct pen *pen, uint64_t field, const struct pieces *pieces, unsigned number)
{
    if (pieces_has(pieces, number)) {
        pen_raw(pen, field, pieces->at[number]);
    }
}

void
pen_end(struct pen *pen, struct proto_bin body)
{
    if (pen->pairs < 16) {
        pen->count[0] = (uint8_t)(0x80 | pen->pairs);
    } else {
        memmove(pen->count + 3, pen->count + 1, (size_t)(pen->at - (pen->count + 1)));
        pen->at += 2;
        pen->count[0] = 0xde;
        pen->count[1] = 0;
        pen->count[2] = (uint8_t)pen->pairs;
    }
    if (body.n <= UINT8_MAX) {
        put_be(pen, 0xc4, body.n, 1);
    } else if (body.n <= UINT16_MAX) {
        put_be(pen, 0xc5, body.n, 2);
    } else {
        put_be(pen, 0xc6, body.n, 4);
    }
    if (body.n > 0) {
        put(pen, body.p, body.n);
    }
    pen->buf->n = (size_t)(pen->at - pen->buf->p);
}
