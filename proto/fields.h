/*
 * The walker: fields of one C struct, by its table. Inside proto only.
 *
 * Serves records, rows and events alike; it knows the table's types but no record.
 */
#ifndef PROTO_FIELDS_H
#define PROTO_FIELDS_H

#include "proto/check.h"
#include "proto/codec.h"

/* Which fields of *base would be encoded, as bits like those of `has`. */
uint64_t fields_present(const struct proto_desc *desc, const void *base, uint64_t has);

/*
 * Append key and value of these fields. False when a value is outside its limits or the buffer is full; the caller cuts
 * the buffer. `numbers`: enums as numbers (events), not names.
 */
bool fields_encode(struct proto_buf *buf, const struct proto_desc *desc, const void *base, uint64_t present,
                   bool numbers);

/* Everything that fields_encode does not look at: UTF-8, validity of maps and lists, required fields. */
bool fields_check(const struct proto_desc *desc, const void *base, uint64_t present, struct proto_error *out_error);

/* Set the fields that have a default other than zero. */
void fields_default(const struct proto_desc *desc, void *base);

struct fields_source {
    const uint8_t *p;              /* validated bytes */
    const struct proto_span *spans; /* into p */
    uint32_t count;
    bool numbers; /* number keys and enums as numbers */
    bool lenient; /* an unknown enum name is taken as absent */
};

/*
 * Read the fields that the spans hold into *base (all zero before). Spans of other keys are passed over. With base NULL
 * values are only checked. `has` gets the bits.
 */
bool fields_decode(const struct proto_desc *desc, const struct fields_source *source, void *base, uint64_t *out_has,
                   struct proto_error *out_error);

/* `prefix` before the path of an error, such as "held[3]" before "task". */
void error_path_prepend(struct proto_error *error, const char *name, uint32_t index);

#endif
