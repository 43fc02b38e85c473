/*
 * Request and task ids: 64 bits, shown as 13 characters of Crockford's base32.
 *
 *     shard 8 | UTC seconds 32 | counter 24
 *
 * Written in upper case; read in either case, with I and L taken for 1 and O for 0. The first character is below G,
 * because 13 characters could hold 65 bits.
 */
#ifndef PROTO_ID_H
#define PROTO_ID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PROTO_ID_CHARS = 13 };

/* Writes 13 characters and a NUL. */
void proto_id_text(uint64_t id, char out[PROTO_ID_CHARS + 1]);

/* False, and *out_id untouched, when these n characters are no id. */
bool proto_id_parse(const char *text, size_t n, uint64_t *out_id);

static inline uint32_t
proto_id_shard(uint64_t id)
{
    return (uint32_t)(id >> 56);
}

static inline uint32_t
proto_id_seconds(uint64_t id)
{
    return (uint32_t)(id >> 24);
}

static inline uint32_t
proto_id_counter(uint64_t id)
{
    return (uint32_t)id & 0xffffffu;
}

static inline uint64_t
proto_id_make(uint32_t shard, uint32_t seconds, uint32_t counter)
{
    return (uint64_t)(shard & 0xffu) << 56 | (uint64_t)seconds << 24 | (counter & 0xffffffu);
}

#endif
