/*
 * Records and events, between bytes and C structs.
 *
 * The structs and tables are generated from schema.toml and events.toml into qiao_proto.h; the encoder and the decoder
 * walk those tables. It does not know what a record means, what frames are, or where bytes come from.
 *
 * Decoding: what an encoder of this schema writes is validated and taken in one pass (take.h). Anything else goes through the
 * strict validator (check.h), which notes where the outermost values are, and the decoder takes them from there; this careful
 * way alone says what is accepted. Neither takes memory. Decoded text, bytes, maps and lists point into the given bytes and
 * live as long as those do.
 *
 * Encoding: msgpack-c packs the values, into room that is made once. Where msgpack-c is not asked, with figures of codec_bench
 * (submit with a body of 256 bytes, task, journal event `accepted`):
 *   decoding        78, 125, 75 ns as it is; msgpack-c's zone would cost another 180 ns for a submit, 285 for a task
 *   keys and words  come encoded from the tables, and msgpack-c's writer is folded into the loop: 41, 60, 73 ns instead
 *                   of 67, 110, 137 with a call for every piece
 *   maps and lists  that a caller encoded are copied
 *
 * A field is encoded when its `has` bit is set or its value differs from the default; an enum value without a name
 * (0 in most) counts as absent. So a struct filled with zeros, or with proto_record_init (which also fills defaults
 * that are not zero), and then set field by field encodes what was set. Decoding sets `has` for what was on the wire
 * and fills the defaults elsewhere.
 *
 * Nothing here has state; everything may be called from any thread.
 */
#ifndef PROTO_CODEC_H
#define PROTO_CODEC_H

#include "proto/buf.h"
#include "qiao_proto.h"

enum { PROTO_ERROR_PATH_BYTES = 96 };

/* Why bytes were refused (decode) or a struct cannot be encoded. */
struct proto_error {
    enum proto_refusal_code code;      /* malformed, unsupported, invalid or too-large */
    char path[PROTO_ERROR_PATH_BYTES]; /* the field, such as "held[3].fence"; empty where there is none */
    const char *why;                   /* a constant text */
    size_t at;                         /* offset in the decoded bytes */
};

/* ------------------------------------------------------------- records */

/* All zero, then the defaults of that record. */
void proto_record_init(struct proto_record *record, enum proto_type type);

/*
 * Append header and body. False, and the buffer as it was, when it does not fit or a value is outside the schema's
 * limits (proto_record_check tells which).
 */
bool proto_encode(struct proto_buf *buf, const struct proto_record *record);

/* The two halves of it, for a body that lies elsewhere. The body's half is the bin's head and its bytes. */
bool proto_encode_header(struct proto_buf *buf, const struct proto_record *record);
bool proto_encode_body(struct proto_buf *buf, struct proto_bin body);

/*
 * Only the head of a body of that many bytes (1 to 5 bytes long), when the bytes themselves go out another way.
 */
bool proto_encode_body_head(struct proto_buf *buf, uint32_t body_bytes);

/*
 * Is every value within limits, text valid UTF-8, every map and list one strictly valid value? For values that come
 * from a caller and not from a decoder. `required` fields are checked too.
 */
bool proto_record_check(const struct proto_record *record, struct proto_error *out_error);

/*
 * Read the first record of n bytes; *out_used is its length, the next one follows.
 *
 * On false *out_error says why. Then *out_used is the length of the bad record when its end could be found, so that a
 * reader may go on behind it, and 0 when not: the rest of the frame is lost. out_record->n is the number it
 * carried (0 if unknown), for the refusal's `re`; out_record->type is set when the name was known, otherwise 0; nothing else of the record counts.
 *
 * Unknown header fields are validated and ignored. An unknown record name is `unsupported`. In records that only
 * a broker sends, an unknown enum name is taken as absent, so that an older client reads a newer broker.
 */
bool proto_decode(const uint8_t *p, size_t n, size_t *out_used, struct proto_record *out_record,
                  struct proto_error *out_error);

/* ------------------------------------------------------------- rows: structs inside lists */

/* Append one row as a map. `row` is the generated struct, e.g. struct proto_request for PROTO_STRUCT_REQUEST. */
bool proto_struct_encode(struct proto_buf *buf, enum proto_struct type, const void *row);

/* Read one row from exactly n bytes (one element of a list). On false the row is zero. */
bool proto_struct_decode(const uint8_t *p, size_t n, enum proto_struct type, void *out_row,
                         struct proto_error *out_error);

/*
 * Walk a decoded `list:STRUCT` or `list:any` field whose elements are maps of that struct:
 *     struct proto_iter it = proto_iter_of(record.u.renew.held);
 *     struct proto_held row;
 *     while (proto_iter_struct(&it, PROTO_STRUCT_HELD, &row)) { ... }
 * Ends early at an element that is not such a map; it.left is then not 0.
 */
struct proto_iter {
    const uint8_t *p;
    const uint8_t *end;
    uint32_t left; /* elements still to come */
};

struct proto_iter proto_iter_of(struct proto_bin list);
bool proto_iter_struct(struct proto_iter *it, enum proto_struct type, void *out_row);
bool proto_iter_str(struct proto_iter *it, struct proto_str *out_text);
bool proto_iter_value(struct proto_iter *it, struct proto_bin *out_value); /* one encoded element */

/* ------------------------------------------------------------- journal events */

/*
 * An event's encoding: a map with number keys {0: event, common fields, its own fields}, then a bin (body). Enums are
 * numbers here. Same rules otherwise. A decoder that meets an event number that it does not know says `unsupported`.
 */
bool proto_event_encode(struct proto_buf *buf, const struct proto_event *event);
bool proto_event_encode_header(struct proto_buf *buf, const struct proto_event *event);
bool proto_event_decode(const uint8_t *p, size_t n, size_t *out_used, struct proto_event *out_event,
                        struct proto_error *out_error);

/* ------------------------------------------------------------- tables */

const struct proto_desc *proto_record_desc(enum proto_type type); /* NULL: no such number */
const struct proto_desc *proto_struct_desc(enum proto_struct type);
const struct proto_desc *proto_ev_desc(enum proto_ev type);
const struct proto_desc *proto_event_common_desc(void);
enum proto_type proto_record_type(const char *name, size_t n); /* 0: no such name */
bool proto_struct_type(const char *name, size_t n, enum proto_struct *out_type);

/* The struct that the rows of a page of this kind hold. */
bool proto_page_struct(enum proto_page_kind kind, enum proto_struct *out_type);

const char *proto_enum_name(enum proto_enum table, unsigned number); /* NULL: no such number */
bool proto_enum_number(enum proto_enum table, const char *name, size_t n, unsigned *out_number);
const struct proto_enum_desc *proto_enum_desc(enum proto_enum table);

#endif
