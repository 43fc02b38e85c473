/*
 * The walker: fields of one C struct, by its table. Inside proto only.
 *
 * Serves records, rows and events alike; it knows the table's types but no record.
 */
#ifndef PROTO_FIELDS_H
#define PROTO_FIELDS_H

#include "proto/check.h"
#include "proto/codec.h"
#include "proto/packer.h"
#include "proto/text.h"

/* Which fields of *base would be encoded, as bits like those of `has`. */
uint64_t fields_present(const struct proto_desc *desc, const void *base, uint64_t has);

/* No more bytes than these are written for those fields and the pairs in front of them. */
size_t fields_bound(const struct proto_desc *desc, const void *base, uint64_t present);

/*
 * Where a header is put together: behind the buffer's bytes when its bound fits there, else aside, because what is less
 * than the bound may fit nevertheless. Begin, write at `at` and move it on, end; between the two nobody else appends.
 */
struct header_room {
    uint8_t *at;
    struct proto_buf aside;
};

bool header_room_slow(struct proto_buf *buf, size_t bound, size_t fixed, struct header_room *out_room);
bool header_room_slow_end(struct proto_buf *buf, struct header_room *room, bool ok);

/* `fixed`: the part of the bound that may turn out to be less. */
static inline bool
header_room_begin(struct proto_buf *buf, size_t bound, size_t fixed, struct header_room *out_room)
{
    if (!proto_buf_reserve(buf, bound)) {
        return header_room_slow(buf, bound, fixed, out_room);
    }
    out_room->at = buf->p + buf->n;
    out_room->aside.p = NULL;
    return true;
}

/* Append what was written, or, when it is not ok, nothing. Returns whether it was appended. */
static inline bool
header_room_end(struct proto_buf *buf, struct header_room *room, bool ok)
{
    if (room->aside.p != NULL) {
        return header_room_slow_end(buf, room, ok);
    }
    if (ok) {
        buf->n = (size_t)(room->at - buf->p);
    }
    return ok;
}

/* The map's head and the pair that names the record or event; in PACKER_FOLDED functions. Returns the end. */
static inline uint8_t *
header_begin(uint8_t *at, const struct proto_desc *desc, uint32_t pairs)
{
    msgpack_packer packer = packer_at(&at);
    msgpack_pack_map(&packer, pairs);
    memcpy(at, desc->head, PROTO_KEY_BYTES);
    return at + desc->head_len;
}

/* The bin behind a header. Returns the end. */
static inline uint8_t *
body_put(uint8_t *at, struct proto_bin body)
{
    msgpack_packer packer = packer_at(&at);
    msgpack_pack_bin(&packer, body.n);
    bytes_copy(at, body.p, body.n);
    return at + body.n;
}

/*
 * Write key and value of these fields; room for fields_bound bytes is there. Returns the end, or NULL when a value is
 * outside its limits. `numbers`: enums as numbers (events), not names.
 */
uint8_t *fields_encode(uint8_t *at, const struct proto_desc *desc, const void *base, uint64_t present, bool numbers);

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

/* A list of strings or of maps of a struct, already validated: are count and elements within the field's limits? */
bool elements_check(const struct proto_field *field, struct proto_bin value, struct proto_error *out_error);

/* `prefix` before the path of an error, such as "held[3]" before "task". */
void error_path_prepend(struct proto_error *error, const char *name, uint32_t index);

#endif
