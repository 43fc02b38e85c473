/*
 * The shapes that the generated tables and structs are made of.
 *
 * Included by the generated qiao_proto.h; nobody needs to include it alone. It knows no record and no field: those
 * are in schema.toml and events.toml only.
 */
#ifndef PROTO_TYPES_H
#define PROTO_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Text and bytes that belong to somebody else: to the buffer that was decoded, or to the caller. Not NUL-terminated. */
struct proto_str {
    const char *p;
    uint32_t n;
};

struct proto_bin {
    const uint8_t *p;
    uint32_t n;
};

#define PROTO_STR(literal) ((struct proto_str){"" literal, sizeof(literal) - 1})
#define PROTO_STR_ARG(s) (int)(s).n, (s).p ? (s).p : "" /* for "%.*s" */

static inline struct proto_str
proto_str_of(const char *text)
{
    return (struct proto_str){text, text ? (uint32_t)strlen(text) : 0};
}

static inline bool
proto_str_eq(struct proto_str a, struct proto_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Was the field on the wire?  PROTO_HAS(&record.u.submit, SUBMIT, KEY) */
#define PROTO_HAS(x, OWNER, FIELD) (((x)->has & PROTO_##OWNER##_##FIELD) != 0)

enum proto_field_type {
    PROTO_FIELD_BOOL,    /* bool */
    PROTO_FIELD_U32,     /* uint32_t */
    PROTO_FIELD_U64,     /* uint64_t */
    PROTO_FIELD_I64,     /* int64_t */
    PROTO_FIELD_F64,     /* double */
    PROTO_FIELD_STR,     /* struct proto_str, at most `limit` bytes */
    PROTO_FIELD_BIN,     /* struct proto_bin, at most `limit` bytes */
    PROTO_FIELD_ENUM,    /* enum proto_<enum_id> */
    PROTO_FIELD_MAP,     /* struct proto_bin: one encoded map, at most `limit` bytes */
    PROTO_FIELD_ANY,     /* struct proto_bin: one encoded list, at most `limit` bytes */
    PROTO_FIELD_STRS,    /* struct proto_bin: one encoded list of at most `limit` strings */
    PROTO_FIELD_STRUCTS, /* struct proto_bin: one encoded list of at most `limit` maps of `struct_id` */
};

enum { PROTO_KEY_BYTES = 16, PROTO_WORD_BYTES = 32 };

struct proto_field {
    const char *name;
    uint8_t key[PROTO_KEY_BYTES]; /* the encoded key (a string in records and structs, a number in events), then zeros */
    uint8_t name_len;
    uint8_t key_len;
    uint8_t number;
    uint8_t type; /* enum proto_field_type */
    bool required;
    uint8_t enum_id;   /* enum proto_enum */
    uint8_t struct_id; /* enum proto_struct */
    uint8_t fallback;  /* the value of an absent field: 0 in all but some enums */
    uint16_t offset;   /* in the C struct */
    uint32_t limit;
    const char *doc;
    const uint8_t (*words)[PROTO_WORD_BYTES]; /* of an enum, as in proto_enum_desc */
    uint64_t named;   /* of an enum: which numbers have a name, as bits; all do not when there is one above 63 */
} __attribute__((aligned(64))); /* a cache line each */

/*
 * Does a field differ from its default? The aligned eight bytes that hold it (of text, bytes, maps and lists: their length),
 * under the mask, are then not `absent`. The mask of a double leaves the sign out: -0 is the default as well.
 */
struct proto_presence {
    uint64_t mask;
    uint64_t absent;
    uint32_t word; /* offset of the eight bytes in the C struct */
};

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define PROTO_PRESENCE_SHIFT(at, width) (8 * ((at) % 8))
#else
#define PROTO_PRESENCE_SHIFT(at, width) (8 * (8 - (width) - (at) % 8))
#endif
#define PROTO_PRESENCE(at, width, bits, fallback)                                                                      \
    {                                                                                                                  \
        (uint64_t)(bits) << PROTO_PRESENCE_SHIFT(at, width), (uint64_t)(fallback) << PROTO_PRESENCE_SHIFT(at, width),  \
            (at) / 8 * 8                                                                                               \
    }

/* A record, a struct of a list, or an event. The n-th field's bit in `has` is 1 << n. */
struct proto_desc {
    const char *name;
    uint8_t name_len;
    uint16_t number;
    uint16_t size; /* of the C struct */
    uint8_t count; /* of fields */
    bool body;     /* may carry a body that is not empty */
    bool from_client;
    bool from_broker;
    uint64_t required;  /* the fields that must be there, as bits like those of `has` */
    uint64_t defaulted; /* the fields whose default is not zero */
    uint64_t enums;     /* the fields that are enums */
    uint64_t variable;  /* the fields whose encoding has no small bound: long text and bytes, maps, lists */
    uint8_t head[PROTO_KEY_BYTES]; /* the encoded first pair, which names the record or event; none in structs */
    uint8_t head_len;
    uint16_t fixed_max; /* bytes of a header in which every variable value is empty, and what may be written over */
    const struct proto_presence *presence; /* one per field, then some that are never present, to a multiple of four */
    uint32_t roles; /* who may send it, as bits 1 << PROTO_ROLE_*; 0: everybody who is known */
    const struct proto_field *fields;
    const char *doc;
};

struct proto_enum_desc {
    const char *name;
    uint8_t count;                 /* numbers below this may have a name */
    const struct proto_str *names; /* by number; n = 0: no such number */
    const uint8_t (*words)[PROTO_WORD_BYTES]; /* by number: the encoded name, then zeros; all zero: no such number */
    const uint8_t *slots;          /* numbers by proto_word_slot, so that a name is found by one comparison */
    uint8_t factors[3];
    uint16_t slots_count;          /* a power of two */
};

/* Where a name's number is; the generator chose factors with which every name has a slot of its own. */
static inline unsigned
proto_word_slot(const char *word, size_t n, const uint8_t *factors, unsigned slots_count)
{
    const unsigned char *c = (const unsigned char *)word;
    return ((unsigned)n + c[0] * factors[0] + c[n - 1] * factors[1] + c[n / 2] * factors[2] + c[n / 4] +
            7u * c[n - 1 - n / 4]) & (slots_count - 1);
}

#endif
