/*
 * The strict validator: stands in front of everything that reads msgpack which came from outside.
 *
 * Takes no memory and never recurses. Refused: more nesting than allowed, too many pairs in a map, integers and lengths
 * that are not in their shortest form, text that is not UTF-8, a key twice in one map, keys that are not strings, ext
 * types, NaN and infinities, and any length or count that the bytes left cannot hold (checked before anything else is
 * done with it). So five bytes that announce four billion pairs cost five bytes.
 */
#ifndef PROTO_CHECK_H
#define PROTO_CHECK_H

#include "proto/codec.h"
#include "proto/reader.h"

enum {
    PROTO_DEPTH_HARD = 16,   /* nesting that this validator could follow at all */
    PROTO_MAP_FIELDS_HARD = 256,
};

/* One pair of the outermost map, as offsets into the bytes. */
struct proto_span {
    uint32_t key;   /* where the key's text begins (string keys), or the key itself (number keys) */
    uint32_t key_n; /* bytes of the text */
    uint32_t value;
    uint32_t end;
    struct proto_token token; /* the value; of a container only the head */
};

struct proto_check {
    uint32_t depth_max;        /* containers inside each other; the outermost is 1 */
    uint32_t pairs_max;        /* of the outermost map */
    bool number_keys;          /* the outermost map's keys are small numbers (events), not strings */
    struct proto_span *spans;  /* NULL or room for pairs_max: filled for the outermost map */
    uint32_t span_count;       /* out */
    uint32_t depth;            /* out: deepest nesting that was met */
};

/* One value at the start of n bytes. *out_used is its length. On false *out_error is filled (code malformed). */
bool proto_check_value(struct proto_check *check, const uint8_t *p, size_t n, size_t *out_used,
                       struct proto_error *out_error);

/* Is this exactly one valid value of the given outermost kind (PROTO_KIND_MAP or PROTO_KIND_LIST), within the schema's depth? */
bool proto_map_check(struct proto_bin map, struct proto_error *out_error);
bool proto_list_check(struct proto_bin list, struct proto_error *out_error);

bool proto_utf8_check(const uint8_t *p, size_t n);

#endif
