/*
 * Short bytes: compare, find, copy, look for what is not ASCII, without a call and without touching a byte outside. Inside proto, and for
 * core's splice.c, which writes as proto does.
 *
 * Names, keys and texts on the wire are mostly up to 16 bytes long; a call of memcmp or memcpy with a length that the
 * compiler does not know costs more than the work. Two overlapping words do it.
 */
#ifndef PROTO_TEXT_H
#define PROTO_TEXT_H

#include "proto/check.h"

static inline uint64_t
word8(const void *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

static inline uint32_t
word4(const void *p)
{
    uint32_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

/* n > 0. */
static inline bool
bytes_same(const void *left, const void *right, size_t n)
{
    const uint8_t *a = left;
    const uint8_t *b = right;
    if (n > 16) {
        return memcmp(a, b, n) == 0;
    }
    if (n >= 8) {
        return ((word8(a) ^ word8(b)) | (word8(a + n - 8) ^ word8(b + n - 8))) == 0;
    }
    if (n >= 4) {
        return ((word4(a) ^ word4(b)) | (word4(a + n - 4) ^ word4(b + n - 4))) == 0;
    }
    return a[0] == b[0] && a[n / 2] == b[n / 2] && a[n - 1] == b[n - 1];
}

static inline void
bytes_copy(uint8_t *to, const void *from, size_t n)
{
    const uint8_t *p = from;
    if (n > 16) {
        memcpy(to, p, n);
    } else if (n >= 8) {
        memcpy(to, p, 8);
        memcpy(to + n - 8, p + n - 8, 8);
    } else if (n >= 4) {
        memcpy(to, p, 4);
        memcpy(to + n - 4, p + n - 4, 4);
    } else if (n > 0) {
        to[0] = p[0];
        to[n / 2] = p[n / 2];
        to[n - 1] = p[n - 1];
    }
}

/* The number of a code's word. */
static inline bool
word_find(const struct proto_enum_desc *desc, const void *word, size_t n, unsigned *out_number)
{
    if (n == 0) {
        return false;
    }
    unsigned number = desc->slots[proto_word_slot(word, n, desc->factors, desc->slots_count)];
    if (desc->names[number].n != n || !bytes_same(desc->names[number].p, word, n)) {
        return false;
    }
    *out_number = number;
    return true;
}

/* UTF-8? Texts that are short and ASCII are told here. */
static inline bool
text_check(const uint8_t *p, size_t n)
{
    uint64_t high = 0;
    if (n > 32) {
        return proto_utf8_check(p, n);
    }
    if (n >= 8) {
        for (size_t i = 8; i < n; i += 8) {
            high |= word8(p + i - 8);
        }
        high |= word8(p + n - 8);
    } else if (n >= 4) {
        high = (uint64_t)word4(p) | word4(p + n - 4);
    } else if (n > 0) {
        high = (uint64_t)p[0] | p[n / 2] | p[n - 1];
    }
    return (high & UINT64_C(0x8080808080808080)) == 0 || proto_utf8_check(p, n);
}

#endif
