/*
 * A sorted array with a use counter per entry. Additions are rare (each stands for a read from disk), so they may scan.
 */
#include "store/cache.h"

#include <stdlib.h>
#include <string.h>

enum { CACHE_ENTRIES_MAX = 2048 };

struct cache_entry {
    struct batch *batch;
    uint64_t used;
};

void
cache_init(struct cache *cache, uint64_t bytes_max)
{
    *cache = (struct cache){.bytes_max = bytes_max};
}

void
cache_fini(struct cache *cache)
{
    for (uint32_t i = 0; i < cache->count; i++) {
        batch_unref(&cache->entries[i].batch);
    }
    free(cache->entries);
    *cache = (struct cache){0};
}

/* The first entry that begins above seq. */
static uint32_t
cache_above(const struct cache *cache, uint64_t seq)
{
    uint32_t low = 0, high = cache->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (cache->entries[middle].batch->seq > seq) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

struct batch *
cache_find(struct cache *cache, uint64_t seq)
{
    uint32_t i = cache->last;

    if (i >= cache->count || !batch_has(cache->entries[i].batch, seq)) {
        i = cache_above(cache, seq);
        if (i == 0 || !batch_has(cache->entries[i - 1].batch, seq)) {
            return NULL;
        }
        i--;
        cache->last = i;
    }
    cache->entries[i].used = ++cache->clock;
    return cache->entries[i].batch;
}

static void
cache_drop_oldest(struct cache *cache)
{
    uint32_t oldest = 0;

    for (uint32_t i = 1; i < cache->count; i++) {
        if (cache->entries[i].used < cache->entries[oldest].used) {
            oldest = i;
        }
    }
    cache->bytes -= batch_memory(cache->entries[oldest].batch);
    batch_unref(&cache->entries[oldest].batch);
    cache->count--;
    memmove(&cache->entries[oldest], &cache->entries[oldest + 1],
            sizeof(cache->entries[0]) * (cache->count - oldest));
}

bool
cache_add(struct cache *cache, struct batch **batch_p)
{
    size_t more = batch_memory(*batch_p);
    uint32_t i;

    while (cache->count > 0 && (cache->bytes + more > cache->bytes_max || cache->count == CACHE_ENTRIES_MAX)) {
        cache_drop_oldest(cache);
    }
    if (cache->count == cache->cap) {
        uint32_t cap = cache->cap > 0 ? cache->cap * 2 : 16;
        struct cache_entry *entries = realloc(cache->entries, sizeof(entries[0]) * cap);
        if (entries == NULL) {
            return false;
        }
        cache->entries = entries;
        cache->cap = cap;
    }
    i = cache_above(cache, (*batch_p)->seq);
    memmove(&cache->entries[i + 1], &cache->entries[i], sizeof(cache->entries[0]) * (cache->count - i));
    cache->entries[i] = (struct cache_entry){.batch = *batch_p, .used = ++cache->clock};
    cache->count++;
    cache->bytes += more;
    cache->last = i;
    *batch_p = NULL;
    return true;
}
