/*
 * The head of one msgpack value, read strictly. Inside proto only: check.c and reader.c share it.
 *
 * A head is what stands before the content: the type byte with its length, count or number. proto_head_read never looks
 * behind the n bytes and refuses every form that is not the shortest.
 */
#ifndef PROTO_HEAD_H
#define PROTO_HEAD_H

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

/* n big-endian bytes. */
static inline uint64_t
head_be(const uint8_t *p, unsigned n)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < n; i++) {
        v = v << 8 | p[i];
    }
    return v;
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
