/*
 * Hard constraints of a request over the attributes of providers: [attribute, op, value].
 *
 * | op       | attribute's type            | value                     | holds when the offered value ...
 * | eq ne    | string number boolean date  | of the same type          | is / is not equal
 * | in       | string number date          | list of those             | is one of them
 * | ge le    | number date                 | of the same type          | is at least / at most it (dates: not before / not after)
 * | has      | set                         | string or list of strings | contains all of them
 * | has      | range                       | number or [lo, hi]        | includes it, ends included
 * | near     | point                       | [lat, lon, km]            | lies within km of it
 *
 * An attribute that is not offered satisfies nothing, not even `ne`.
 *
 * A submitted list is checked once against the service type and brought into canonical form: an encoded list, sorted and
 * without doubles, so that two requests that demand the same have the same bytes. The canonical bytes are all that is
 * kept (in the journal, as a group's name) and all that evaluation needs: it does not look at the catalogue, so it also
 * works for requests from before a reload. Takes no memory. Knows no request.
 */
#ifndef CORE_CONSTRAINT_H
#define CORE_CONSTRAINT_H

#include "core/attribute.h"

enum {
    CONSTRAINTS_MAX = 16,
    CONSTRAINT_VALUES_MAX = 32, /* of one list */
    CONSTRAINT_BYTES_MAX = PROTO_SUBMIT_REQUIRE_MAX,
};

/*
 * Check `require` (an encoded list; no bytes: no constraints) and write its canonical form. An empty list becomes no
 * bytes. On false *out_fault says which one is wrong ("require[2]", rule, type) and out_bytes is undefined.
 */
bool constraint_canonical(const struct service_type *service, struct proto_bin require,
                          uint8_t out_bytes[static CONSTRAINT_BYTES_MAX], uint32_t *out_n,
                          struct input_fault *out_fault);

/*
 * Does an offer satisfy all of them? On false out_why (why_n bytes, NUL included; may be NULL) names the first that stands
 * in the way, in the requester's own words and nobody else's: "accreditation has GMP: not met", "...: not offered" or "...: not confirmed".
 * What was offered instead is not told.
 */
bool constraint_eval(struct proto_bin canonical, const struct attribute_view *view, char *out_why, size_t why_n);

#endif
