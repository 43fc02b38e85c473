/*
 * Walk encoded msgpack values: the maps and lists that records carry.
 *
 * Made for values that a decoder has validated, but never reads outside the given bytes and never recurses, whatever
 * they hold. Knows no record. Takes no memory.
 */
#ifndef PROTO_READER_H
#define PROTO_READER_H

#include "proto/types.h"

enum proto_kind {
    PROTO_KIND_NIL,
    PROTO_KIND_BOOL,
    PROTO_KIND_UINT, /* an integer from 0 */
    PROTO_KIND_INT,  /* an integer below 0 */
    PROTO_KIND_F64,
    PROTO_KIND_STR,
    PROTO_KIND_BIN,
    PROTO_KIND_LIST, /* `count` values follow */
    PROTO_KIND_MAP,  /* `count` pairs of key and value follow */
};

struct proto_token {
    enum proto_kind kind;
    union {
        bool b;
        uint64_t u;
        int64_t i;
        double f;
        struct proto_str str;
        struct proto_bin bin;
        uint32_t count;
    };
};

struct proto_reader {
    const uint8_t *p;
    const uint8_t *end;
};

static inline struct proto_reader
proto_reader_of(struct proto_bin value)
{
    return (struct proto_reader){value.p, value.n > 0 ? value.p + value.n : value.p}; /* an absent value has no place */
}

/* The next token; of a container only its head. False at the end or at bytes that are no msgpack. */
bool proto_next(struct proto_reader *reader, struct proto_token *out_token);

/* Step over one whole value, or give its encoded bytes. */
bool proto_skip(struct proto_reader *reader);
bool proto_value(struct proto_reader *reader, struct proto_bin *out_value);

/* The encoded value under a key of an encoded map. False when it is no map or has no such key. */
bool proto_map_find(struct proto_bin map, struct proto_str key, struct proto_bin *out_value);

/* The same, read as one token (of a container only the head). */
bool proto_map_token(struct proto_bin map, struct proto_str key, struct proto_token *out_token);

/* Number of pairs of an encoded map, of elements of an encoded list; 0 for anything else. */
uint32_t proto_map_count(struct proto_bin map);
uint32_t proto_list_count(struct proto_bin list);

/* An integer or a float as a double; an integer as i64. False when it is neither or does not fit. */
bool proto_token_f64(const struct proto_token *token, double *out_number);
bool proto_token_i64(const struct proto_token *token, int64_t *out_number);

#endif
