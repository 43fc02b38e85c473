/*
 * The catalogue: the service types that can be asked for, as data.
 *
 * Built once (by the YAML loader of the shell, or by a test), sealed, and never changed after that. A reload builds a new
 * one; who still works with the old one holds a reference. It knows no YAML, no file, no party and no request.
 *
 * Words: a *service type* has *fields* for its input and output, *attributes* that providers may offer and requests may
 * demand, and *limits*. Everything that a request needs from it is copied into the request's `accepted` event, so a
 * request keeps the terms under which it was accepted; core_apply never looks here.
 *
 * One thread. Pointers into a catalogue live as long as a reference to it is held.
 */
#ifndef CORE_CATALOGUE_H
#define CORE_CATALOGUE_H

#include "proto/codec.h"

enum {
    CATALOGUE_SERVICES_MAX = 4096,
    CATALOGUE_FIELDS_MAX = 64,     /* of an input, of an output */
    CATALOGUE_ATTRIBUTES_MAX = 32, /* of a service type */
    CATALOGUE_ENUM_MAX = 64,       /* allowed values of a field */
    CATALOGUE_OUTCOMES_MAX = 32,
    CATALOGUE_NAME_BYTES_MAX = 64,
    CATALOGUE_TITLE_BYTES_MAX = 128,
    CATALOGUE_TEXT_BYTES_MAX = 512,
    CATALOGUE_UNIT_BYTES_MAX = 16,
    CATALOGUE_DIGEST_BYTES = 32,
};

/* ------------------------------------------------------------- what a value may be */

enum field_type {
    FIELD_STRING,  /* UTF-8 text; min and max bound its length in characters */
    FIELD_INTEGER, /* a whole number */
    FIELD_DECIMAL, /* an exact number, written as text: "97.85" */
    FIELD_NUMBER,  /* a measurement: integer or float */
    FIELD_BOOLEAN,
    FIELD_DATE,    /* text YYYY-MM-DD, a day that exists */
    FIELD_TIME,    /* text of RFC 3339 with an offset: 2026-03-01T08:00:00+08:00 */
    FIELD_MONEY,   /* map {amount: integer of minor units, currency: three capital letters}; `unit` fixes the currency */
    FIELD_LIST,    /* elements of type `items`; min and max bound their number */
    FIELD_MAP,     /* string keys, values of type `items`; min and max bound their number */
    FIELD_ANY,     /* only as `items`: whatever msgpack can hold */
    FIELD_TYPES,
};

/*
 * One field of an input or output. For integer, decimal, number and money min and max bound the value (of money the
 * minor units). `values` (enum) holds the allowed texts of a string, or of the strings of a list.
 */
struct field {
    struct proto_str name;
    enum field_type type;
    enum field_type items;
    struct proto_str unit; /* UCUM where there is one; of money a currency */
    struct proto_str doc;
    bool required;
    bool has_min;
    bool has_max;
    double min;
    double max;
    const struct proto_str *values;
    uint32_t value_count;
};

struct field_list {
    const struct field *fields;
    uint32_t count;
    uint64_t required; /* bit per field; made by catalogue_add_service */
};

enum attribute_type {
    ATTRIBUTE_STRING,
    ATTRIBUTE_NUMBER,
    ATTRIBUTE_BOOLEAN,
    ATTRIBUTE_RANGE, /* list [lo, hi] */
    ATTRIBUTE_DATE,  /* text YYYY-MM-DD */
    ATTRIBUTE_SET,   /* list of strings */
    ATTRIBUTE_POINT, /* list [latitude, longitude], degrees */
    ATTRIBUTE_TYPES,
};

struct attribute {
    struct proto_str name;
    enum attribute_type type;
    struct proto_str unit;
    struct proto_str doc;
    bool confirmed; /* counts only when the operator confirmed it for the party */
};

/* Names of the types as files and the wire write them: "string", "integer" ... NULL and false for an unknown one. */
const char *field_type_name(enum field_type type);
bool field_type_find(struct proto_str name, enum field_type *out_type);
const char *attribute_type_name(enum attribute_type type);
bool attribute_type_find(struct proto_str name, enum attribute_type *out_type);

/* ------------------------------------------------------------- a service type */

struct service_type {
    struct proto_str name; /* lower case, digits, '-', parts joined by '.': testing.release */
    struct proto_str title;
    struct proto_str title_zh;
    struct proto_str category;
    struct proto_str description;

    enum proto_pattern pattern; /* only direct so far */
    enum proto_tenure tenure;
    enum proto_policy policy;
    bool verify;            /* a second member of the provider verifies the result */
    bool complete_by_fails; /* passing complete-by fails the request instead of telling only */

    uint32_t attempts;     /* at most that many tasks and lost leases, then on-hold; 1..63 */
    uint32_t releases_max; /* how often providers may give it back unharmed */

    /* All in microseconds; 0 means none, except lease_us, which a leased type must have. */
    int64_t accept_by_us;   /* owned: to accept, from when the task was offered to a provider */
    int64_t start_by_us;    /* owned: to start, from acceptance */
    int64_t attempt_us;     /* the whole attempt, from assignment (leased) or acceptance (owned); a UTC deadline */
    int64_t lease_us;       /* leased: until the next renewal */
    int64_t complete_by_us; /* default of a request that names no complete_by, from acceptance of the request */
    int64_t backoff_us;     /* before the second attempt; doubled for each further one */
    int64_t backoff_max_us;
    int64_t age_us;         /* a waiting task rises one priority level per age; 0: never */

    char currency[4]; /* of prices that the policy cheapest compares; other prices count as none. ISO 4217 */

    uint32_t input_bytes_max;
    uint32_t body_bytes_max;
    uint32_t waiting_max; /* tasks that may wait for a performer at once, over it: retry-later; 0: no limit of its own */

    struct field_list input;
    struct field_list output;
    const struct attribute *attributes; /* sorted by name in a sealed catalogue */
    uint32_t attribute_count;
    const struct proto_str *outcomes; /* what `complete` may say; none listed: anything */
    uint32_t outcome_count;

    uint32_t index; /* position in this catalogue, 0..count-1, in order of names */
};

/* Defaults for everything but the name: direct, leased, least-loaded, 3 attempts, lease 30 s, and so on. */
void service_type_init(struct service_type *service);

const struct attribute *service_attribute(const struct service_type *service, struct proto_str name); /* or NULL */

/* May `complete` name this outcome? An empty one always may: it means "completed". */
bool service_has_outcome(const struct service_type *service, struct proto_str outcome);

/*
 * Append the service type as one encoded row (struct service_row of the schema): for the answer to `services`.
 * Without `whole`, the fields, attributes and description are left out. False, and the buffer as it was, if it does not fit.
 */
bool service_row_encode(const struct service_type *service, bool whole, struct proto_buf *buf);

/* ------------------------------------------------------------- the catalogue */

struct catalogue;

/* What is wrong, and where: path such as "services[3].limits.lease". */
struct catalogue_error {
    char path[160];
    char what[192];
};

/* An empty catalogue that can be added to; one reference. Never NULL: out of memory at start or reload aborts. */
struct catalogue *catalogue_new(void);

/*
 * Check a service type and put a deep copy of it in. The caller's memory may go afterwards. On false nothing was added and
 * *out_error says which part is wrong; its path begins with `path` (such as "services[3]").
 * Refused: bad or double names, values outside their bounds, limits that contradict each other, patterns that are not
 * served, fields without a type.
 */
bool catalogue_add_service(struct catalogue *catalogue, const struct service_type *service, const char *path,
                           struct catalogue_error *out_error);

/* Sort, number and digest; from here on it does not change. Adding to a sealed one is our bug. */
void catalogue_seal(struct catalogue *catalogue);

struct catalogue *catalogue_ref(struct catalogue *catalogue);
void catalogue_unref(struct catalogue **catalogue_p); /* frees with the last reference; nulls; NULL is fine */

/* Of a sealed catalogue. */
uint32_t catalogue_count(const struct catalogue *catalogue);
const struct service_type *catalogue_service(const struct catalogue *catalogue, uint32_t index);
const struct service_type *catalogue_find(const struct catalogue *catalogue, struct proto_str name); /* or NULL */

/* BLAKE2b-256 over everything that the catalogue says, in a defined order: the same content, the same digest. */
const uint8_t *catalogue_digest(const struct catalogue *catalogue);

/*
 * Does a grant or offer cover a service?  Exact name, "prefix.*" (testing.* covers testing.release, not testing), or "*".
 */
bool service_name_covers(struct proto_str pattern, struct proto_str name);

/* Is it a well-formed service name? With `pattern` also "prefix.*" and "*". */
bool service_name_valid(struct proto_str name, bool pattern);

#endif
