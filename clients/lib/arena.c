/* Memory that is given back all at once, see arena.h. */
#include "lib/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>

enum { CHUNK_BYTES = 16384 };

struct qiaoi_arena_chunk {
    struct qiaoi_arena_chunk *next;
    size_t used;
    size_t size;
    alignas(max_align_t) unsigned char bytes[];
};

void *
qiaoi_arena_take(struct qiaoi_arena *arena, size_t count, size_t size)
{
    struct qiaoi_arena_chunk *chunk = arena->chunks;
    size_t n;
    void *p;

    if (arena->failed || (size != 0 && count > SIZE_MAX / 2 / size)) {
        arena->failed = true;
        return NULL;
    }
    n = (count * size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (!chunk || chunk->size - chunk->used < n) {
        size_t room = n > CHUNK_BYTES ? n : CHUNK_BYTES;

        chunk = calloc(1, sizeof *chunk + room);
        if (!chunk) {
            arena->failed = true;
            return NULL;
        }
        chunk->size = room;
        chunk->next = arena->chunks;
        arena->chunks = chunk;
    }
    p = chunk->bytes + chunk->used;
    chunk->used += n;
    return p;
}

void
qiaoi_arena_fini(struct qiaoi_arena *arena)
{
    while (arena->chunks) {
        struct qiaoi_arena_chunk *next = arena->chunks->next;

        free(arena->chunks);
        arena->chunks = next;
    }
}
