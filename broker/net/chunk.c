/*
 * Memory for frames on their way out, in four sizes, used again and again.
 *
 * A chunk is handed to libzmq without copying; its I/O thread gives it back through a stack that any thread may push to
 * and that only the owner empties, whole, so there is nothing to race for. Idle memory beyond a budget is freed.
 */
#include "net/internal.h"

#include <stdlib.h>

enum { IDLE_BYTES_MAX = 32 << 20 };

void
chunk_pool_init(struct chunk_pool *pool, uint32_t frame_bytes_max)
{
    static const uint32_t caps[CHUNK_CLASSES] = {2 << 10, 32 << 10, 256 << 10, UINT32_MAX};
    for (uint32_t i = 0; i < CHUNK_CLASSES; i++) {
        pool->cap[i] = caps[i] < frame_bytes_max ? caps[i] : frame_bytes_max;
        pool->free[i] = NULL;
        atomic_init(&pool->returned[i], NULL);
    }
    pool->idle_bytes = 0;
}

static void
chunk_list_free(struct chunk *list)
{
    while (list) {
        struct chunk *next = list->next;
        free(list);
        list = next;
    }
}

void
chunk_pool_fini(struct chunk_pool *pool)
{
    for (uint32_t i = 0; i < CHUNK_CLASSES; i++) {
        chunk_list_free(pool->free[i]);
        chunk_list_free(atomic_exchange_explicit(&pool->returned[i], NULL, memory_order_acquire));
        pool->free[i] = NULL;
    }
}

/* Take back what the I/O thread has finished with. */
static void
chunk_collect(struct chunk_pool *pool, uint32_t size_class)
{
    struct chunk *list = atomic_exchange_explicit(&pool->returned[size_class], NULL, memory_order_acquire);
    while (list) {
        struct chunk *next = list->next;
        chunk_put(list);
        list = next;
    }
}

struct chunk *
chunk_get(struct chunk_pool *pool, uint32_t class_min, size_t n)
{
    uint32_t size_class = class_min;
    while (size_class < CHUNK_CLASSES && pool->cap[size_class] < n) {
        size_class++;
    }
    if (size_class >= CHUNK_CLASSES) {
        return NULL;
    }
    if (!pool->free[size_class]) {
        chunk_collect(pool, size_class);
    }
    struct chunk *chunk = pool->free[size_class];
    if (chunk) {
        pool->free[size_class] = chunk->next;
        pool->idle_bytes -= chunk->cap;
    } else {
        chunk = malloc(sizeof *chunk + pool->cap[size_class]);
        if (!chunk) {
            return NULL;
        }
        chunk->pool = pool;
        chunk->size_class = size_class;
        chunk->cap = pool->cap[size_class];
    }
    chunk->next = NULL;
    chunk->used = 0;
    chunk->records = 0;
    return chunk;
}

void
chunk_put(struct chunk *chunk)
{
    struct chunk_pool *pool = chunk->pool;
    if (pool->idle_bytes + chunk->cap > IDLE_BYTES_MAX) {
        free(chunk);
        return;
    }
    pool->idle_bytes += chunk->cap;
    chunk->next = pool->free[chunk->size_class];
    pool->free[chunk->size_class] = chunk;
}

void
chunk_release(void *data, void *hint)
{
    (void)data;
    struct chunk *chunk = hint;
    _Atomic(struct chunk *) *stack = &chunk->pool->returned[chunk->size_class];
    struct chunk *top = atomic_load_explicit(stack, memory_order_relaxed);
    do {
        chunk->next = top;
    } while (!atomic_compare_exchange_weak_explicit(stack, &top, chunk, memory_order_release, memory_order_relaxed));
}
