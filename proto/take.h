/*
 * The quick way through a header: validate and take in one pass, for what encoders of this schema write. Inside proto only.
 *
 * It knows only how to say yes. Whatever is rare (an unknown key, "n" behind a field, a number where a word should be) or
 * wrong is left: the caller then goes the careful way from the start (check.h, then fields_decode), which finds the reason
 * or takes the rare. So what is accepted, and what comes out, is decided there; tests/wire compares the two.
 */
#ifndef PROTO_TAKE_H
#define PROTO_TAKE_H

#include "proto/codec.h"

/* A record, row or event at the start of n bytes. False: nothing is said; what the struct holds then counts for nothing. */
bool take_record(const uint8_t *p, size_t n, size_t *out_used, struct proto_record *out_record);
bool take_event(const uint8_t *p, size_t n, size_t *out_used, struct proto_event *out_event);

/* Exactly n bytes. */
bool take_row(const uint8_t *p, size_t n, const struct proto_desc *desc, void *out_row);

/* The careful ways, which proto_decode, proto_event_decode and proto_struct_decode go when the quick one is left. */
bool decode_careful(const uint8_t *p, size_t n, size_t *out_used, struct proto_record *out_record,
                    struct proto_error *out_error);
bool event_decode_careful(const uint8_t *p, size_t n, size_t *out_used, struct proto_event *out_event,
                          struct proto_error *out_error);
bool row_decode_careful(const uint8_t *p, size_t n, const struct proto_desc *desc, void *out_row,
                        struct proto_error *out_error);

/* ------------------------------------------------------------- shared by take.c and fields_take.c */

struct take {
    const uint8_t *at;
    const uint8_t *end;
    uint32_t depth; /* deepest nesting that was met; the header is 1 */
    bool numbers;   /* enums as numbers (events) */
    bool lenient;   /* an unknown enum name is taken as absent */
};

/* An unsigned integer, the head of a map, the body behind a header. */
bool take_number(struct take *take, uint64_t *out_number);
bool take_map(struct take *take, uint32_t *out_pairs);
bool take_body(struct take *take, struct proto_bin *out_body);

/*
 * So many pairs, all of known fields that differ, into *base (zero before, its defaults filled); `has` gets the bits.
 * With number keys only those below `below` are taken, and *pairs says how many are left.
 */
bool take_fields(struct take *take, const struct proto_desc *desc, uint8_t *base, uint32_t pairs, uint64_t *out_has);
bool take_numbered(struct take *take, const struct proto_desc *desc, uint8_t *base, unsigned below, uint32_t *pairs,
                   uint64_t *out_has);

#endif
