/*
 * Records made from journal events without decoding them: values are encoded alike in both, only keys and enums differ.
 *
 * Rendering a task or an event is done for every lifecycle; taking the values as bytes costs a fifth of decoding and encoding
 * them. The events are our own, read back and checked by the store; still nothing is read outside them. `pieces` knows
 * where each value of an event lies, `pen` writes a record's header in the schema's order.
 */
#ifndef CORE_SPLICE_H
#define CORE_SPLICE_H

#include "proto/codec.h"

enum { PIECES = 64 };

/* The values of one event by field number, as encoded bytes. */
struct pieces {
    enum proto_ev type;
    uint64_t has; /* bits by number */
    struct proto_bin at[PIECES];
    struct proto_bin body;
};

/* False: these bytes are no event. */
bool pieces_read(struct proto_bin event, struct pieces *out_pieces);

static inline bool
pieces_has(const struct pieces *pieces, unsigned number)
{
    return (pieces->has >> number & 1) != 0;
}

/* A number below 128, such as an enum; 0 if it is not there. */
unsigned pieces_number(const struct pieces *pieces, unsigned number);

/* A header being written. The buffer has room for everything before the pen begins (pen_begin). */
struct pen {
    struct proto_buf *buf;
    const struct proto_desc *desc;
    uint8_t *count; /* where the number of pairs stands */
    uint8_t *at;    /* where the next byte goes; the buffer is told in the end */
    uint32_t pairs;
};

/* `room`: bytes of all values that will be put, raw ones above all. False: the buffer has no room. */
bool pen_begin(struct pen *pen, struct proto_buf *buf, enum proto_type type, uint64_t re, size_t room);

/* Fields by their place in the record's table (PEN of the generated bit); defaults and absent pieces are left out. */
void pen_u64(struct pen *pen, uint64_t field, uint64_t value);
void pen_i64(struct pen *pen, uint64_t field, int64_t value);
void pen_bool(struct pen *pen, uint64_t field, bool value);
void pen_text(struct pen *pen, uint64_t field, struct proto_str value);
void pen_enum(struct pen *pen, uint64_t field, unsigned value);
void pen_raw(struct pen *pen, uint64_t field, struct proto_bin value);
void pen_piece(struct pen *pen, uint64_t field, const struct pieces *pieces, unsigned number);

/* The body, and the record is whole. */
void pen_end(struct pen *pen, struct proto_bin body);

#endif
