/*
 * msgpack-c's packers that write into a proto_buf. Inside proto only: writer.c, codec*.c and fields_encode.c share them.
 *
 * msgpack-c calls back for every few bytes. packer_of is safe everywhere: it asks for room each time. packer_at writes
 * where room was made before (header_room of fields.h); in a PACKER_FOLDED function the compiler sees through both the
 * packer and the call, and what is left of packing a number is a compare and a store.
 */
#ifndef PROTO_PACKER_H
#define PROTO_PACKER_H

#include "proto/buf.h"

#include <msgpack.h>

#define PACKER_FOLDED __attribute__((flatten))

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

/* The heads and numbers that come through here are at most nine bytes long, of a length that the compiler knows. */
static inline int
packer_write_at(void *data, const char *p, size_t n)
{
    uint8_t **at = data;
    memcpy(*at, p, n);
    *at += n;
    return 0;
}

static inline msgpack_packer
packer_at(uint8_t **at)
{
    return (msgpack_packer){.data = at, .callback = packer_write_at};
}

#endif
