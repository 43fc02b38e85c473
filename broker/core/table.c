/*
 * Growth of the core's containers; see table.h.
 */
#include "core/table.h"

#include <stdlib.h>
#include <sys/mman.h>

void *
table_alloc(size_t n)
{
    void *p = calloc(1, n > 0 ? n : 1);
    if (p == NULL) {
        abort();
    }
    return p;
}

void *
table_realloc(void *p, size_t n)
{
    p = realloc(p, n > 0 ? n : 1);
    if (p == NULL) {
        abort();
    }
    return p;
}

/* Zero, apart from the heap. `whole`: its pages are there at once, a third cheaper than a fault for each when it is first touched. */
static void *
pages_new(size_t n, bool whole)
{
    void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | (whole ? MAP_POPULATE : 0), -1, 0);
    if (p == MAP_FAILED) {
        abort();
    }
    return p;
}

/*
 * Chunks live as long as the core. Apart from the heap they do not lie between buffers that come and go. Most tables never need
 * a second one, and of their first only what they use; a table that grows is going to use all of the next.
 */
static uint8_t *
chunk_new(const struct pool *pool)
{
    return pages_new((size_t)POOL_CHUNK * pool->item_bytes, pool->chunk_count > 0);
}

void
pool_init(struct pool *pool, uint32_t item_bytes)
{
    assert(item_bytes >= sizeof(uint32_t));
    *pool = (struct pool){.item_bytes = item_bytes, .used = 1};
}

void
pool_fini(struct pool *pool)
{
    for (uint32_t i = 0; i < pool->chunk_count; i++) {
        munmap(pool->chunks[i], (size_t)POOL_CHUNK * pool->item_bytes);
    }
    free(pool->chunks);
    *pool = (struct pool){0};
}

size_t
pool_bytes(const struct pool *pool)
{
    return (size_t)pool->chunk_count * (POOL_CHUNK * (size_t)pool->item_bytes + sizeof(uint8_t *));
}

uint32_t
pool_grow(struct pool *pool)
{
    uint32_t item = pool->used;
    if (item >> POOL_CHUNK_BITS >= pool->chunk_count) {
        /* The list of chunks doubles; chunks themselves never move. */
        if ((pool->chunk_count & (pool->chunk_count - 1)) == 0) {
            uint32_t cap = pool->chunk_count == 0 ? 1 : pool->chunk_count * 2;
            pool->chunks = table_realloc(pool->chunks, cap * sizeof *pool->chunks);
        }
        pool->chunks[pool->chunk_count++] = chunk_new(pool);
    }
    pool->used++;
    pool->count++;
    return item;
}

/* From here on slots are pages of their own; growing writes to all of them. */
enum { INDEX_PAGES_BYTES = 128 << 10 };

static void
index_make(struct index *index, uint32_t bits)
{
    index->mask = (UINT32_C(1) << bits) - 1;
    index->shift = 64 - bits;
    size_t n = index_bytes(index);
    index->slots = n >= INDEX_PAGES_BYTES ? pages_new(n, true) : table_alloc(n);
}

static void
slots_free(const struct index *index)
{
    size_t n = index_bytes(index);
    if (n >= INDEX_PAGES_BYTES) {
        munmap(index->slots, n);
    } else {
        free(index->slots);
    }
}

void
index_init(struct index *index, uint32_t bits)
{
    assert(bits >= 1 && bits <= 31);
    *index = (struct index){0};
    index_make(index, bits);
}

void
index_fini(struct index *index)
{
    slots_free(index);
    *index = (struct index){0};
}

void
index_resize(struct index *index, const void *owner, index_hash_fn *hash)
{
    struct index old = *index;
    index_make(index, 64 - old.shift + 1);
    for (uint32_t i = 0; i <= old.mask; i++) {
        if (old.slots[i] != 0) {
            uint32_t slot = index_slot(index, hash(owner, old.slots[i]));
            while (index->slots[slot] != 0) {
                slot = (slot + 1) & index->mask;
            }
            index->slots[slot] = old.slots[i];
        }
    }
    slots_free(&old);
}
