/*
 * The bytes of records that may have to be sent again, byte for byte. Chunks that are filled one after the other and
 * used again when nothing in them is alive. Knows no record.
 */
#include <stdlib.h>

#include "lib/internal.h"

static struct qiaoi_chunk *
chunk_new(struct qiaoi_log *log, size_t n)
{
    struct qiaoi_chunk *chunk = log->free;

    if (chunk && chunk->size >= n) {
        log->free = chunk->next;
    } else {
        size_t size = n > QIAOI_LOG_CHUNK_BYTES ? n : QIAOI_LOG_CHUNK_BYTES;

        chunk = malloc(sizeof *chunk + size);
        if (!chunk) {
            return NULL;
        }
        chunk->size = (uint32_t)size;
    }
    chunk->next = NULL;
    chunk->live = 0;
    chunk->used = 0;
    return chunk;
}

static void
chunk_retire(struct qiaoi_log *log, struct qiaoi_chunk *chunk)
{
    if (chunk->size > QIAOI_LOG_CHUNK_BYTES) {
        free(chunk);
        return;
    }
    chunk->next = log->free;
    log->free = chunk;
}

const uint8_t *
qiaoi_log_keep(struct qiaoi_log *log, const uint8_t *p, size_t n, struct qiaoi_chunk **out_chunk)
{
    struct qiaoi_chunk *chunk = log->current;
    uint8_t *kept;

    if (!chunk || chunk->size - chunk->used < n) {
        struct qiaoi_chunk *fresh = chunk_new(log, n);

        if (!fresh) {
            return NULL;
        }
        if (chunk && chunk->live == 0) {
            chunk_retire(log, chunk);
        }
        log->current = chunk = fresh;
    }
    kept = chunk->bytes + chunk->used;
    memcpy(kept, p, n);
    chunk->used += (uint32_t)n;
    chunk->live++;
    *out_chunk = chunk;
    return kept;
}

void
qiaoi_log_release(struct qiaoi_log *log, struct qiaoi_chunk *chunk)
{
    assert(chunk->live > 0);
    chunk->live--;
    if (chunk->live > 0) {
        return;
    }
    if (chunk == log->current) {
        chunk->used = 0;
    } else {
        chunk_retire(log, chunk);
    }
}

/* Chunks that are still alive are released by their calls before this. */
void
qiaoi_log_fini(struct qiaoi_log *log)
{
    free(log->current);
    while (log->free) {
        struct qiaoi_chunk *next = log->free->next;

        free(log->free);
        log->free = next;
    }
    *log = (struct qiaoi_log){0};
}
