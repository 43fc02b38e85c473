/*
 * The containers of the core: pools of equal items, an index from a hash to an item, lists through items.
 *
 * Items are named by u32 numbers from 1; 0 is none. A pool grows by chunks and never moves an item, so pointers hold as
 * long as the item lives. They know no request, no party: only sizes and numbers.
 */
#ifndef CORE_TABLE_H
#define CORE_TABLE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Out of memory is the one thing that the core does not survive: every table is capped, so it is a set-up error. */
void *table_alloc(size_t n);
void *table_realloc(void *p, size_t n);

/* ------------------------------------------------------------- pool */

enum { POOL_CHUNK_BITS = 10, POOL_CHUNK = 1 << POOL_CHUNK_BITS };

struct pool {
    uint8_t **chunks;
    uint32_t chunk_count;
    uint32_t item_bytes;
    uint32_t used;  /* numbers below this were given out at least once; starts at 1 */
    uint32_t free;  /* first free item; its last four bytes hold the next, so that what stands first tells if it lives */
    uint32_t count; /* items in use */
};

void pool_init(struct pool *pool, uint32_t item_bytes);
void pool_fini(struct pool *pool);
size_t pool_bytes(const struct pool *pool);
uint32_t pool_grow(struct pool *pool);

static inline void *
pool_at(const struct pool *pool, uint32_t item)
{
    return pool->chunks[item >> POOL_CHUNK_BITS] + (size_t)(item & (POOL_CHUNK - 1)) * pool->item_bytes;
}

/* A new item, all zero. */
static inline uint32_t
pool_new(struct pool *pool)
{
    uint32_t item = pool->free;
    if (item == 0) {
        return pool_grow(pool);
    }
    uint8_t *p = pool_at(pool, item);
    memcpy(&pool->free, p + pool->item_bytes - sizeof pool->free, sizeof pool->free);
    memset(p, 0, pool->item_bytes);
    pool->count++;
    return item;
}

static inline void
pool_free(struct pool *pool, uint32_t item)
{
    uint8_t *p = pool_at(pool, item);
    memcpy(p + pool->item_bytes - sizeof pool->free, &pool->free, sizeof pool->free);
    pool->free = item;
    pool->count--;
}

/* ------------------------------------------------------------- index */

/*
 * Open addressing over item numbers. The hash of an item is asked from its owner, so a slot is four bytes. The callbacks
 * are constants at each call and are inlined.
 */
struct index {
    uint32_t *slots;
    uint32_t shift; /* 64 - log2(slots) */
    uint32_t near;  /* so many low bits of a hash are kept: neighbours share a cache line */
    uint32_t mask;
    uint32_t count;
};

typedef uint64_t index_hash_fn(const void *owner, uint32_t item);

void index_init(struct index *index, uint32_t bits); /* room for 0.75 * 2^bits before it grows */
void index_fini(struct index *index);
void index_resize(struct index *index, const void *owner, index_hash_fn *hash);

static inline uint32_t
index_slot(const struct index *index, uint64_t hash)
{
    uint32_t low = (UINT32_C(1) << index->near) - 1;
    uint32_t slot = (uint32_t)(((hash >> index->near) * UINT64_C(0x9E3779B97F4A7C15)) >> index->shift);
    return (slot & ~low) | ((uint32_t)hash & low);
}

#define INDEX_EACH(index, hash, item)                                                                                   \
    for (uint32_t slot_ = index_slot(index, hash), item; (item = (index)->slots[slot_]) != 0;                           \
         slot_ = (slot_ + 1) & (index)->mask)

static inline __attribute__((always_inline)) void
index_put(struct index *index, const void *owner, index_hash_fn *hash, uint32_t item)
{
    if ((uint64_t)(index->count + 1) * 4 > (uint64_t)(index->mask + 1) * 3) {
        index_resize(index, owner, hash);
    }
    uint32_t slot = index_slot(index, hash(owner, item));
    while (index->slots[slot] != 0) {
        slot = (slot + 1) & index->mask;
    }
    index->slots[slot] = item;
    index->count++;
}

/* Take it out and close the gap, so that no probe ends too early. The item must be in. */
static inline __attribute__((always_inline)) void
index_remove(struct index *index, const void *owner, index_hash_fn *hash, uint32_t item)
{
    uint32_t gap = index_slot(index, hash(owner, item));
    while (index->slots[gap] != item) {
        assert(index->slots[gap] != 0);
        gap = (gap + 1) & index->mask;
    }
    for (uint32_t next = (gap + 1) & index->mask; index->slots[next] != 0; next = (next + 1) & index->mask) {
        uint32_t home = index_slot(index, hash(owner, index->slots[next]));
        if (((next - home) & index->mask) >= ((next - gap) & index->mask)) {
            index->slots[gap] = index->slots[next];
            gap = next;
        }
    }
    index->slots[gap] = 0;
    index->count--;
}

static inline size_t
index_bytes(const struct index *index)
{
    return ((size_t)index->mask + 1) * sizeof *index->slots;
}

/* ------------------------------------------------------------- hashing */

/* Mix a number. Good enough for table slots; nothing durable depends on it. */
static inline uint64_t
hash_mix(uint64_t x)
{
    x ^= x >> 32;
    x *= UINT64_C(0xD6E8FEB86659FD93);
    x ^= x >> 32;
    return x;
}

/* Hash bytes under a seed that peers cannot know. */
static inline uint64_t
hash_bytes(uint64_t seed, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    uint64_t h = seed ^ (n * UINT64_C(0x9E3779B97F4A7C15));
    for (; n >= 8; p += 8, n -= 8) {
        uint64_t v;
        memcpy(&v, p, 8);
        h = hash_mix(h ^ v) * UINT64_C(0x9E3779B97F4A7C15);
    }
    uint64_t v = 0;
    if (n > 0) {
        memcpy(&v, p, n);
    }
    return hash_mix(hash_mix(h ^ v));
}

/* ------------------------------------------------------------- lists */

/* A list through two fields of its items; `type` names the items as in state.h (type##_at finds one). */
struct list {
    uint32_t head;
    uint32_t tail;
    uint32_t count;
};

#define LIST_APPEND(core, type, of, item, next, prev)                                                                 \
    do {                                                                                                                \
        struct list *list_ = (of);                                                                                     \
        struct type *item_ = type##_at(core, item);                                                                     \
        item_->next = 0;                                                                                                \
        item_->prev = list_->tail;                                                                                      \
        *(list_->tail != 0 ? &type##_at(core, list_->tail)->next : &list_->head) = (item);                              \
        list_->tail = (item);                                                                                           \
        list_->count++;                                                                                                 \
    } while (0)

#define LIST_PREPEND(core, type, of, item, next, prev)                                                                \
    do {                                                                                                                \
        struct list *list_ = (of);                                                                                     \
        struct type *item_ = type##_at(core, item);                                                                     \
        item_->prev = 0;                                                                                                \
        item_->next = list_->head;                                                                                      \
        *(list_->head != 0 ? &type##_at(core, list_->head)->prev : &list_->tail) = (item);                              \
        list_->head = (item);                                                                                           \
        list_->count++;                                                                                                 \
    } while (0)

#define LIST_REMOVE(core, type, of, item, next, prev)                                                                 \
    do {                                                                                                                \
        struct list *list_ = (of);                                                                                     \
        struct type *item_ = type##_at(core, item);                                                                     \
        *(item_->prev != 0 ? &type##_at(core, item_->prev)->next : &list_->head) = item_->next;                         \
        *(item_->next != 0 ? &type##_at(core, item_->next)->prev : &list_->tail) = item_->prev;                         \
        item_->next = item_->prev = 0;                                                                                  \
        list_->count--;                                                                                                 \
    } while (0)

#endif
