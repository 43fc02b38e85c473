/*
 * Events and batches by sequence, wherever they are: recent batches in memory, batches read back, disk, open table.
 * One per thread. It does not know the batch that fills or the one in commit: those are the shell's thread's alone.
 */
#ifndef STORE_SOURCE_H
#define STORE_SOURCE_H

#include "store/cache.h"
#include "store/engine.h"
#include "store/recent.h"

struct source {
    const struct engine_ops *ops;
    struct engine_reader *reader;
    struct recent *recent; /* NULL: none */
    bool adds_recent;      /* this thread is the one that adds to recent: it may look without a lock */
    struct cache cache;
    uint64_t reads_recent, reads_cached, reads_disk;
};

/* Opens a reader of its own. */
enum store_status source_init(struct source *source, const struct engine_ops *ops, struct engine *engine,
                              struct recent *recent, bool adds_recent, uint64_t cache_bytes_max,
                              struct store_error *out_error);
void source_fini(struct source *source);

/* The batch that holds seq. Lives until the next call with this source (and the next recent_add). */
enum store_status source_batch(struct source *source, uint64_t seq, struct batch **out_batch,
                               struct store_error *out_error);

/*
 * One event; the same life. NOT_FOUND, PRUNED (and not in the open table either), DAMAGED.
 */
enum store_status source_event(struct source *source, uint64_t seq, const uint8_t **out_p, uint32_t *out_n,
                               struct store_error *out_error);

#endif
