/*
 * A byte buffer that grows up to a hard maximum. Encoders append to it.
 *
 * An append that does not fit (or finds no memory) returns false and leaves the buffer as it was. proto_buf_reset keeps
 * the memory, so a buffer that is used again and again stops allocating. Not for two threads at once.
 */
#ifndef PROTO_BUF_H
#define PROTO_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct proto_buf {
    uint8_t *p;
    size_t n;
    size_t cap;
    size_t max;
};

void proto_buf_init(struct proto_buf *buf, size_t bytes_max);
void proto_buf_fini(struct proto_buf *buf);

/* Make room for `more` bytes after the n that are there. */
bool proto_buf_grow(struct proto_buf *buf, size_t more);

static inline bool
proto_buf_reserve(struct proto_buf *buf, size_t more)
{
    return more <= buf->cap - buf->n || proto_buf_grow(buf, more);
}

static inline bool
proto_buf_append(struct proto_buf *buf, const void *p, size_t n)
{
    if (!proto_buf_reserve(buf, n)) {
        return false;
    }
    if (n > 0) {
        memcpy(buf->p + buf->n, p, n);
        buf->n += n;
    }
    return true;
}

static inline void
proto_buf_reset(struct proto_buf *buf)
{
    buf->n = 0;
}

/* Back to an earlier length; for taking back what was appended since. */
static inline void
proto_buf_cut(struct proto_buf *buf, size_t n)
{
    if (n < buf->n) {
        buf->n = n;
    }
}

/* Drop the first n bytes and move the rest to the front. */
void proto_buf_consume(struct proto_buf *buf, size_t n);

/* Give the bytes away: the caller frees them with free(); the buffer is empty and usable afterwards. */
uint8_t *proto_buf_take(struct proto_buf *buf, size_t *out_n);

#endif
