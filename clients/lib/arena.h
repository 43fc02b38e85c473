/*
 * Memory that is given back all at once: for a page and everything in it. Knows nothing of pages.
 */
#ifndef QIAOI_ARENA_H
#define QIAOI_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct qiaoi_arena_chunk;

struct qiaoi_arena {
    struct qiaoi_arena_chunk *chunks;
    bool failed; /* some request found no memory; every later one fails too */
};

/* Zeroed, aligned for anything. NULL: no memory. */
void *qiaoi_arena_take(struct qiaoi_arena *arena, size_t count, size_t size);
void qiaoi_arena_fini(struct qiaoi_arena *arena);

#endif
