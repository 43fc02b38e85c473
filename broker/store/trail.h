/*
 * The trail of a request: its events before the last, found by walking back from event to event.
 *
 *     n × ( u64 sequence | u32 length | bytes )      little-endian, oldest first
 */
#ifndef STORE_TRAIL_H
#define STORE_TRAIL_H

#include "store/source.h"

enum {
    TRAIL_BYTES_MAX = 4 << 20,    /* beyond it the middle is left out; first and latest events stay */
    TRAIL_EVENTS_MAX = 1 << 16,
};

/* Built from its end towards its beginning, because that is how it is walked. */
struct trail {
    uint8_t *memory;
    uint32_t cap;
    uint32_t begin; /* the trail is memory[begin .. cap) */
    uint32_t count;
    bool cut;       /* something of it is missing: pruned, or left out as too long */
    bool pruned;    /* something of it was pruned */
};

void trail_init(struct trail *trail);
void trail_fini(struct trail *trail);

/* Collect the events before a request's event whose `prev` is given. What was pruned ends the walk (cut). */
enum store_status trail_collect(struct trail *trail, struct source *source, uint64_t request, uint64_t prev,
                                struct store_error *out_error);

#endif
