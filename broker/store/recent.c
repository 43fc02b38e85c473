/*
 * A ring of batches, searched by halving.
 */
#include "store/recent.h"

#include <assert.h>
#include <stdlib.h>

enum { RING_SIZE_FIRST = 64, RING_SIZE_MAX = 1 << 16 };

bool
recent_init(struct recent *recent, uint64_t bytes_max)
{
    *recent = (struct recent){.bytes_max = bytes_max, .ring_size = RING_SIZE_FIRST};
    recent->ring = calloc(recent->ring_size, sizeof(recent->ring[0]));
    if (recent->ring == NULL) {
        return false;
    }
    pthread_mutex_init(&recent->lock, NULL);
    return true;
}

static struct batch **
recent_slot(const struct recent *recent, uint64_t i)
{
    return &recent->ring[i & (recent->ring_size - 1)];
}

static void
recent_drop_oldest(struct recent *recent)
{
    struct batch **slot = recent_slot(recent, recent->head);

    recent->bytes -= batch_memory(*slot);
    batch_unref(slot);
    recent->head++;
}

void
recent_fini(struct recent *recent)
{
    while (recent->head < recent->tail) {
        recent_drop_oldest(recent);
    }
    free(recent->ring);
    pthread_mutex_destroy(&recent->lock);
}

static bool
recent_grow(struct recent *recent)
{
    uint32_t size = recent->ring_size * 2;
    struct batch **ring = calloc(size, sizeof(ring[0]));

    if (ring == NULL) {
        return false;
    }
    for (uint64_t i = recent->head; i < recent->tail; i++) {
        ring[i & (size - 1)] = *recent_slot(recent, i);
    }
    free(recent->ring);
    recent->ring = ring;
    recent->ring_size = size;
    return true;
}

bool
recent_add(struct recent *recent, struct batch **batch_p)
{
    struct batch *batch = *batch_p;
    bool ok = true;

    pthread_mutex_lock(&recent->lock);
    assert(recent->head == recent->tail ||
           batch->seq == (*recent_slot(recent, recent->tail - 1))->seq + (*recent_slot(recent, recent->tail - 1))->n);
    if (recent->tail - recent->head == recent->ring_size) {
        if (recent->ring_size >= RING_SIZE_MAX) {
            recent_drop_oldest(recent);
        } else {
            ok = recent_grow(recent);
        }
    }
    if (ok) {
        *recent_slot(recent, recent->tail++) = batch;
        recent->bytes += batch_memory(batch);
        *batch_p = NULL;
        while (recent->bytes > recent->bytes_max && recent->tail - recent->head > 1) {
            recent_drop_oldest(recent);
        }
    }
    pthread_mutex_unlock(&recent->lock);
    return ok;
}

struct batch *
recent_find(const struct recent *recent, uint64_t seq)
{
    uint64_t low = recent->head, high = recent->tail;

    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        struct batch *batch = *recent_slot(recent, middle);
        if (batch_has(batch, seq)) {
            return batch;
        }
        if (seq < batch->seq) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}

struct batch *
recent_pin(struct recent *recent, uint64_t seq)
{
    struct batch *batch;

    pthread_mutex_lock(&recent->lock);
    batch = recent_find(recent, seq);
    if (batch != NULL) {
        batch_ref(batch);
    }
    pthread_mutex_unlock(&recent->lock);
    return batch;
}
