/* The growable buffer of buf.h. Knows nothing of what is in it. */
#include "proto/buf.h"

#include <stdlib.h>

enum { BUF_FIRST_BYTES = 512 };

void
proto_buf_init(struct proto_buf *buf, size_t bytes_max)
{
    *buf = (struct proto_buf){.max = bytes_max};
}

void
proto_buf_fini(struct proto_buf *buf)
{
    free(buf->p);
    *buf = (struct proto_buf){.max = buf->max};
}

bool
proto_buf_grow(struct proto_buf *buf, size_t more)
{
    if (more > buf->max || buf->n > buf->max - more) {
        return false;
    }
    size_t need = buf->n + more;
    size_t cap = buf->cap < BUF_FIRST_BYTES ? BUF_FIRST_BYTES : buf->cap;
    while (cap < need) {
        cap *= 2;
    }
    if (cap > buf->max) {
        cap = buf->max;
    }
    uint8_t *p = realloc(buf->p, cap);
    if (p == NULL) {
        return false;
    }
    buf->p = p;
    buf->cap = cap;
    return true;
}

void
proto_buf_consume(struct proto_buf *buf, size_t n)
{
    if (n >= buf->n) {
        buf->n = 0;
        return;
    }
    memmove(buf->p, buf->p + n, buf->n - n);
    buf->n -= n;
}

uint8_t *
proto_buf_take(struct proto_buf *buf, size_t *out_n)
{
    uint8_t *p = buf->p;
    *out_n = buf->n;
    buf->p = NULL;
    buf->n = 0;
    buf->cap = 0;
    return p;
}
