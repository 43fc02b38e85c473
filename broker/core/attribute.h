/*
 * What a provider says of itself: attributes, by which requests choose.
 *
 * Two encoded maps lie over each other: what the operator confirmed for the party outranks what its offer says. They stay
 * encoded; nothing here takes memory or keeps a pointer. It knows no party, offer or request.
 *
 *     {"accreditation": ["CMA", "CNAS"], "accredited-until": "2027-05-31", "temperature": [-25, -15],
 *      "capacity-litres": 2000, "site": [39.68, 116.33], "gmp": true}
 *
 * Which of the shapes a value must have is told by the service type's attribute definitions.
 */
#ifndef CORE_ATTRIBUTE_H
#define CORE_ATTRIBUTE_H

#include "core/input_check.h"

enum {
    ATTRIBUTE_SET_MAX = 32,  /* attributes of a party or offer */
    ATTRIBUTE_LIST_MAX = 64, /* values of a set */
};

/*
 * The attributes that count for one offer. Either map may be empty (n = 0). Borrows.
 *
 * An accreditation is nothing that one says of oneself: what the service type marks as confirmed counts only from the first map.
 */
struct attribute_view {
    struct proto_bin confirmed;
    struct proto_bin offered;
    const struct service_type *service; /* NULL: not in the catalogue, then nothing is marked */
};

/* The encoded value of an attribute, the confirmed one first. False: not offered at all, or not as it must be. */
bool attribute_find(const struct attribute_view *view, struct proto_str name, struct proto_bin *out_value);

/* Is it one that only the operator's confirmation makes count? */
bool attribute_needs_confirming(const struct attribute_view *view, struct proto_str name);

/*
 * Is it a map of at most ATTRIBUTE_SET_MAX attributes with valid names and values of known shapes? For operators' grants
 * and for offers under a prefix. Paths begin with "attributes".
 */
bool attribute_map_check(struct proto_bin map, struct input_fault *out_fault);

/*
 * The same, and each attribute that the service type defines has its type. Attributes that it does not define are
 * allowed (one offer may serve several services) and count for nothing.
 */
bool attribute_check(const struct service_type *service, struct proto_bin map, struct input_fault *out_fault);

/* A day that exists, as YYYY-MM-DD. */
bool date_valid(struct proto_str text);

/* Degrees: latitude -90..90, longitude -180..180. */
bool point_valid(double latitude, double longitude);

/* Great-circle distance (haversine, mean earth radius 6,371.0088 km). */
double point_distance_km(double latitude_a, double longitude_a, double latitude_b, double longitude_b);

#endif
