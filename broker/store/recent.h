/*
 * The last committed batches, kept in memory within a budget.
 *
 * One thread adds and may look without a lock (the shell's); others take a reference under the lock (history). The
 * batches stand in order of sequence without a gap.
 */
#ifndef STORE_RECENT_H
#define STORE_RECENT_H

#include <pthread.h>

#include "store/batch.h"

struct recent {
    pthread_mutex_t lock;  /* for changes, and for looks of other threads */
    struct batch **ring;   /* power of two */
    uint32_t ring_size;
    uint64_t head, tail;   /* oldest is ring[head % size], newest ring[(tail - 1) % size] */
    uint64_t bytes;
    uint64_t bytes_max;
};

bool recent_init(struct recent *recent, uint64_t bytes_max);
void recent_fini(struct recent *recent);

/* Takes the reference. The oldest leave until the budget holds again; the newest always stays. False: no memory. */
bool recent_add(struct recent *recent, struct batch **batch_p);

/* The batch that holds seq, or NULL. For the thread that adds; lives until the next recent_add. */
struct batch *recent_find(const struct recent *recent, uint64_t seq);

/* The same with a reference of its own, for any thread. */
struct batch *recent_pin(struct recent *recent, uint64_t seq);

#endif
