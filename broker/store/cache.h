/*
 * Batches that were read back from disk, within a budget; the one not used for longest leaves first.
 * For one thread. Knows no disk: the caller reads and adds.
 */
#ifndef STORE_CACHE_H
#define STORE_CACHE_H

#include "store/batch.h"

struct cache_entry;

struct cache {
    struct cache_entry *entries; /* by sequence */
    uint32_t count, cap;
    uint64_t bytes, bytes_max;
    uint64_t clock; /* rises with every use */
    uint32_t last;  /* where the last find was: the next is often the same */
};

void cache_init(struct cache *cache, uint64_t bytes_max);
void cache_fini(struct cache *cache);

/* The batch that holds seq, or NULL. Lives until the next cache_add. */
struct batch *cache_find(struct cache *cache, uint64_t seq);

/*
 * Takes the reference; the batch is in the cache until it is pushed out, and at least until the next cache_add, however
 * large it is. False: no memory.
 */
bool cache_add(struct cache *cache, struct batch **batch_p);

#endif
