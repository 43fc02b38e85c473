/* A msgpack-c packer that writes into a proto_buf. Inside proto only: writer.c and fields.c share it. */
#ifndef PROTO_PACKER_H
#define PROTO_PACKER_H

#include "proto/buf.h"

#include <msgpack.h>

static inline int
packer_write(void *data, const char *p, size_t n)
{
    return proto_buf_append(data, p, n) ? 0 : -1;
}

static inline msgpack_packer
packer_of(struct proto_buf *buf)
{
    return (msgpack_packer){.data = buf, .callback = packer_write};
}

#endif
