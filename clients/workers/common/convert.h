/*
 * Between the library's encoded maps and JSON values. Integers stay exact; binary values, which JSON has not, are left out.
 */
#ifndef QIAO_WORKERS_CONVERT_H
#define QIAO_WORKERS_CONVERT_H

#include <jansson.h>
#include <qiao/qiao.h>

/* An encoded map as a JSON object; an empty one for no bytes. NULL: not a map, or too deep. The caller frees it. */
json_t *json_of_map(struct qiao_bytes map);

/* A JSON object as an encoded map, in a builder that owns the bytes. NULL: over the limits of the protocol. */
struct qiao_map *map_of_json(const json_t *object);

#endif
