/* Seeded chance and random field values for the property tests. The same seed gives the same values. */
#ifndef TEST_WIRE_CHANCE_H
#define TEST_WIRE_CHANCE_H

#include "proto/codec.h"

struct chance {
    uint64_t state;
};

uint64_t chance_u64(struct chance *chance);

/* From 0 up to, but not including, below. */
uint32_t chance_below(struct chance *chance, uint32_t below);

/* An integer whose size in bytes is random too, so that every form on the wire comes up. */
uint64_t chance_sized(struct chance *chance);

/*
 * Fill about half of the fields of a struct, and all that are required. Bytes go into `store`, which must have room
 * and not move.
 */
void chance_fields(struct chance *chance, const struct proto_desc *desc, struct proto_buf *store, void *base,
                   uint64_t *out_has);

#endif
