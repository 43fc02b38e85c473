/*
 * Check an encoded input (or output) map against the fields of a service type.
 *
 * The bytes were validated as msgpack before (the codec did). Takes no memory. It knows nothing of services, requests or
 * who asks. A field list without required fields and an empty map cost nothing.
 *
 * A fault names the path, the rule and the type of what was there, never its value: faults go into refusals and logs.
 * (A path may hold a key that the requester wrote, made printable and cut to 64 bytes.)
 */
#ifndef CORE_INPUT_CHECK_H
#define CORE_INPUT_CHECK_H

#include "core/catalogue.h"

struct input_fault {
    char path[256]; /* "input.replicates[3]" */
    char rule[128]; /* "required", "at least 0", "a decimal such as \"97.85\"", "one of usp, gbt8170" */
    char got[32];   /* "absent", "string", "integer", "list" ... */
};

enum input_mode {
    INPUT_WHOLE,   /* required fields must be there */
    INPUT_PARTIAL, /* they need not: a reply to an ask, a partial result */
};

/*
 * `root` begins every path ("input", "output"). An absent map (no bytes) counts as an empty one. On false *out_fault is
 * filled, otherwise untouched.
 */
bool input_check(const struct field_list *list, enum input_mode mode, const char *root, struct proto_bin map,
                 struct input_fault *out_fault);

/* "input.limit: required, got absent" as one line, cut to n bytes with its NUL; for refusal.message. */
void input_fault_text(const struct input_fault *fault, char *out_text, size_t n);

#endif
