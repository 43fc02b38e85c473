/*
 * Input and output maps: JSON as people write it, msgpack as the wire carries it.
 *
 * Integers stay exact, floats stay floats. What JSON has no word for is an object with one key:
 * {"$bin": "base64"}, {"$u64": "18446744073709551615"}, {"$f64": "nan"}.
 */
#ifndef QIAO_CLI_VALUE_H
#define QIAO_CLI_VALUE_H

#include <jansson.h>
#include <stdbool.h>

#include <qiao/map.h>

enum { VALUE_DEPTH_MAX = 8 };

/* Puts the value under a name (NULL inside a list). False: a special object that does not say what it should. */
bool value_put(struct qiao_map *map, const char *name, const json_t *value);

/* An object as a map, an array as a list. NULL: it does not fit, is too deep, or is neither. Free with qiao_map_free. */
struct qiao_map *value_map(const json_t *value);

/* The one value that these bytes hold; NULL when they are no such thing. The caller owns it. */
json_t *value_json(struct qiao_bytes encoded);

/* The same, an empty object for no bytes or bytes that are no map. */
json_t *value_json_map(struct qiao_bytes encoded);

#endif
