/*
 * Input and output maps: small trees of values under names, encoded as msgpack.
 *
 * A writer builds one; the readers walk one that was received. Neither knows what a service expects: the broker
 * checks that against its catalogue. Nothing here has a thread or a clock.
 *
 *     struct qiao_map *input = qiao_map_new();
 *     qiao_map_str(input, "product", "Tablet 5 mg");
 *     qiao_map_i64(input, "units", 12);
 *     qiao_map_begin_list(input, "replicates");
 *         qiao_map_f64(input, NULL, 99.1);
 *     qiao_map_end(input);
 *     struct qiao_bytes bytes;
 *     if (!qiao_map_bytes(input, &bytes)) ...     something above was wrong or too large
 */
#ifndef QIAO_MAP_H
#define QIAO_MAP_H

#include <qiao/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------- writing */

struct qiao_map;

/* An empty map. NULL: no memory. Free with qiao_map_free. */
QIAO_API struct qiao_map *qiao_map_new(void);
QIAO_API void qiao_map_free(struct qiao_map *map);

/* Empty again, keeping its memory. */
QIAO_API void qiao_map_reset(struct qiao_map *map);

/*
 * Put one value. Inside a map it needs a name, inside a list the name is NULL. Text is UTF-8. A mistake (a name where
 * none belongs, text that is not UTF-8, over 16 KiB, deeper than the protocol allows, no memory) is remembered:
 * nothing is added from then on, and qiao_map_bytes says false.
 */
QIAO_API void qiao_map_nil(struct qiao_map *map, const char *name);
QIAO_API void qiao_map_bool(struct qiao_map *map, const char *name, bool value);
QIAO_API void qiao_map_i64(struct qiao_map *map, const char *name, int64_t value);
QIAO_API void qiao_map_u64(struct qiao_map *map, const char *name, uint64_t value);
QIAO_API void qiao_map_f64(struct qiao_map *map, const char *name, double value);
QIAO_API void qiao_map_str(struct qiao_map *map, const char *name, const char *value);
QIAO_API void qiao_map_str_n(struct qiao_map *map, const char *name, const char *value, size_t n);
QIAO_API void qiao_map_bin(struct qiao_map *map, const char *name, const void *value, size_t n);
QIAO_API void qiao_map_value(struct qiao_map *map, const char *name, struct qiao_bytes encoded);

/* What is put after this goes into the new map or list, until qiao_map_end. */
QIAO_API void qiao_map_begin_map(struct qiao_map *map, const char *name);
QIAO_API void qiao_map_begin_list(struct qiao_map *map, const char *name);
QIAO_API void qiao_map_end(struct qiao_map *map);

/*
 * The encoded map; valid until the map is changed or freed. False when a mistake was made above, when something begun
 * was not ended, or when a name stands twice in one map; *out_bytes is then untouched.
 */
QIAO_API QIAO_NODISCARD bool qiao_map_bytes(struct qiao_map *map, struct qiao_bytes *out_bytes);

/*
 * A list on its own, such as submission.require: begin with this instead of qiao_map_new. Its outermost values have
 * no names.
 */
QIAO_API struct qiao_map *qiao_list_new(void);

/* ------------------------------------------------------------- reading */

enum qiao_value_kind {
    QIAO_NIL,
    QIAO_BOOL,
    QIAO_UINT, /* an integer from 0 */
    QIAO_INT,  /* an integer below 0 */
    QIAO_F64,
    QIAO_STR,  /* text.p, text.n; not NUL-terminated */
    QIAO_BIN,
    QIAO_LIST, /* count values; encoded is the whole of it */
    QIAO_MAP,  /* count pairs */
};

/* One value, read. Points into the bytes it was read from. */
struct qiao_value {
    enum qiao_value_kind kind;
    union {
        bool b;
        uint64_t u;
        int64_t i;
        double f;
        struct {
            const char *p;
            size_t n;
        } text; /* of STR and BIN */
        uint32_t count;
    };
    struct qiao_bytes encoded;
};

/* Read one encoded value. False: not one msgpack value. */
QIAO_API QIAO_NODISCARD bool qiao_value_read(struct qiao_bytes encoded, struct qiao_value *out_value);

/* The value under a name of an encoded map. False: absent, or no map. */
QIAO_API QIAO_NODISCARD bool qiao_map_get(struct qiao_bytes map, const char *name, struct qiao_value *out_value);

/*
 * The same with a type. False, and *out_ untouched, when the name is absent or the value has another type. An integer
 * is taken where a double is asked for, when it fits exactly.
 */
QIAO_API QIAO_NODISCARD bool qiao_map_get_bool(struct qiao_bytes map, const char *name, bool *out_value);
QIAO_API QIAO_NODISCARD bool qiao_map_get_i64(struct qiao_bytes map, const char *name, int64_t *out_value);
QIAO_API QIAO_NODISCARD bool qiao_map_get_f64(struct qiao_bytes map, const char *name, double *out_value);

/* The text, cut never: false too when it does not fit in size bytes with its NUL, or holds a NUL itself. */
QIAO_API QIAO_NODISCARD bool qiao_map_get_str(struct qiao_bytes map, const char *name, char *out_text, size_t size);

/*
 * Walk a map or a list:
 *     struct qiao_walk walk = qiao_walk_of(task->input);
 *     struct qiao_value name, value;
 *     while (qiao_walk_pair(&walk, &name, &value)) ...       of a map
 *     while (qiao_walk_next(&walk, &value)) ...              of a list
 */
struct qiao_walk {
    const uint8_t *p;
    const uint8_t *end;
    uint32_t left; /* pairs or values still to come */
};

QIAO_API struct qiao_walk qiao_walk_of(struct qiao_bytes container);
QIAO_API QIAO_NODISCARD bool qiao_walk_pair(struct qiao_walk *walk, struct qiao_value *out_name,
                                            struct qiao_value *out_value);
QIAO_API QIAO_NODISCARD bool qiao_walk_next(struct qiao_walk *walk, struct qiao_value *out_value);

#ifdef __cplusplus
}
#endif
#endif
