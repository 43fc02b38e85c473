/*
 * The head of one msgpack value, read strictly. Inside proto, and for core's splice.c.
 *
 * A head is what stands before the content: the type byte with its length, count or number. proto_head_read never looks
 * behind the n bytes and refuses every form that is not the shortest.
 */
#ifndef PROTO_HEAD_H
#define PROTO_HEAD_H

#include <endian.h>

#include "proto/reader.h"

struct proto_head {
    enum proto_kind kind;
    uint32_t bytes; /* of the head itself */
    union {
        uint64_t u; /* UINT; BOOL; LIST, MAP: the count; STR, BIN: the length */
        int64_t i;  /* INT */
        double f;
    };
};

/* Big-endian numbers of 0, 1, 2, 4 or 8 bytes. */
static inline uint64_t
head_be(const uint8_t *p, unsigned n)
{
    uint16_t two;
    uint32_t four;
    uint64_t eight;
    switch (n) {
    case 1:
        return p[0];
    case 2:
        memcpy(&two, p, sizeof two);
        return be16toh(two);
    case 4:
        memcpy(&four, p, sizeof four);
        return be32toh(four);
    case 8:
        memcpy(&eight, p, sizeof eight);
        return be64toh(eight);
    default:
        return 0;
    }
}

/* The less frequent forms: those with a type byte from 0xc0 to 0xdf. Returns NULL or why not. */
const char *head_read_long(const uint8_t *p, size_t n, struct proto_head *out);

/* Returns NULL and fills *out, or says why not. */
static inline const char *
proto_head_read(const uint8_t *p, size_t n, struct proto_head *out)
{
    if (n == 0) {
        return "the bytes end in the middle of a value";
    }
    uint8_t c = p[0];
    out->bytes = 1;
    if (c < 0x80) {
        out->kind = PROTO_KIND_UINT;
        out->u = c;
    } else if (c < 0x90) {
        out->kind = PROTO_KIND_MAP;
        out->u = c & 0x0fu;
    } else if (c < 0xa0) {
        out->kind = PROTO_KIND_LIST;
        out->u = c & 0x0fu;
    } else if (c < 0xc0) {
        out->kind = PROTO_KIND_STR;
        out->u = c & 0x1fu;
    } else if (c >= 0xe0) {
        out->kind = PROTO_KIND_INT;
        out->i = (int8_t)c;
    } else {
        return head_read_long(p, n, out);
    }
    return NULL;
}

#endif
