/* JSON text as encoded msgpack, so that tests can be read. Numbers with a point become floats. */
#ifndef UNIT_PACK_H
#define UNIT_PACK_H

#include "proto/types.h"

/* The bytes belong to the helper and live until pack_end. JSON that does not parse ends the test. */
struct proto_bin pack(const char *json);
void pack_end(void);

#endif
