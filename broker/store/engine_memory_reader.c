/*
 * The memory engine's reading half. Threads meet at the disk's lock.
 */
#include "store/engine_memory.h"

#include <stdlib.h>
#include <string.h>

#include "store/error.h"

uint32_t
memory_open_lower(const struct memory_disk *disk, uint64_t seq)
{
    uint32_t low = 0, high = disk->open_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (disk->opens[middle].seq < seq) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

enum store_status
memory_reader_open(struct engine *engine, struct engine_reader **out_reader, struct store_error *out_error)
{
    struct engine_reader *reader = calloc(1, sizeof(*reader));

    if (reader == NULL) {
        return error_set(out_error, STORE_NO_MEMORY, "no memory for a reader");
    }
    reader->disk = engine->disk;
    *out_reader = reader;
    return STORE_OK;
}

void
memory_reader_close(struct engine_reader **reader_p)
{
    if (*reader_p != NULL) {
        free((*reader_p)->copy);
        free(*reader_p);
    }
    *reader_p = NULL;
}

static struct batch *
batch_find(const struct memory_disk *disk, uint64_t seq)
{
    uint32_t low = 0, high = disk->batch_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (batch_has(disk->batches[middle], seq)) {
            return disk->batches[middle];
        }
        if (seq < disk->batches[middle]->seq) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}

enum store_status
memory_batch(struct engine_reader *reader, uint64_t seq, struct batch **out_batch, struct store_error *out_error)
{
    struct memory_disk *disk = reader->disk;
    enum store_status status = STORE_OK;
    struct batch *batch;

    pthread_mutex_lock(&disk->lock);
    batch = batch_find(disk, seq);
    if (batch != NULL) {
        *out_batch = batch_ref(batch);
    } else if (seq > 0 && seq < disk->state.first_seq) {
        status = error_set_seq(out_error, STORE_PRUNED, seq, "event %llu was pruned", (unsigned long long)seq);
    } else {
        status = error_set_seq(out_error, STORE_NOT_FOUND, seq, "event %llu is not in the journal",
                               (unsigned long long)seq);
    }
    pthread_mutex_unlock(&disk->lock);
    return status;
}

enum store_status
memory_open_event(struct engine_reader *reader, uint64_t seq, struct engine_event *out_event,
                  struct store_error *out_error)
{
    struct memory_disk *disk = reader->disk;
    enum store_status status;
    uint32_t i;

    pthread_mutex_lock(&disk->lock);
    i = memory_open_lower(disk, seq);
    if (i == disk->open_count || disk->opens[i].seq != seq || seq > disk->state.mark_seq) {
        status = error_set_seq(out_error, STORE_NOT_FOUND, seq, "event %llu is not in the open table",
                               (unsigned long long)seq);
    } else {
        const struct memory_event *event = &disk->opens[i];
        uint8_t *copy = realloc(reader->copy, event->n > 0 ? event->n : 1);
        status = copy != NULL ? STORE_OK : error_set(out_error, STORE_NO_MEMORY, "no memory for an event");
        if (copy != NULL) {
            reader->copy = copy;
            memcpy(copy, event->p, event->n);
            *out_event = (struct engine_event){.seq = seq, .request = event->request, .p = copy, .n = event->n};
        }
    }
    pthread_mutex_unlock(&disk->lock);
    return status;
}

enum store_status
memory_open_walk(struct engine_reader *reader, engine_event_fn *fn, void *context, struct store_error *out_error)
{
    struct memory_disk *disk = reader->disk;
    enum store_status status = STORE_OK;

    pthread_mutex_lock(&disk->lock);
    for (uint32_t i = 0; status == STORE_OK && i < disk->open_count; i++) {
        const struct memory_event *at = &disk->opens[i];
        struct engine_event event = {.seq = at->seq, .request = at->request, .p = at->p, .n = at->n};
        if (event.seq <= disk->state.mark_seq) {
            status = fn(context, &event, out_error);
        }
    }
    pthread_mutex_unlock(&disk->lock);
    return status;
}

enum store_status
memory_snapshot(struct engine_reader *reader, uint8_t **out_bytes, uint32_t *out_n, uint64_t *out_seq,
                struct store_error *out_error)
{
    struct memory_disk *disk = reader->disk;
    enum store_status status = STORE_OK;

    *out_bytes = NULL;
    *out_n = 0;
    *out_seq = 0;
    pthread_mutex_lock(&disk->lock);
    if (disk->snapshot != NULL) {
        *out_bytes = malloc(disk->snapshot_bytes > 0 ? disk->snapshot_bytes : 1);
        if (*out_bytes == NULL) {
            status = error_set(out_error, STORE_NO_MEMORY, "no memory for a snapshot");
        } else {
            memcpy(*out_bytes, disk->snapshot, disk->snapshot_bytes);
            *out_n = disk->snapshot_bytes;
            *out_seq = disk->state.snapshot_seq;
        }
    }
    pthread_mutex_unlock(&disk->lock);
    return status;
}

enum store_status
memory_state(struct engine_reader *reader, struct engine_state *out_state, struct store_error *out_error)
{
    pthread_mutex_lock(&reader->disk->lock);
    *out_state = reader->disk->state;
    pthread_mutex_unlock(&reader->disk->lock);
    return STORE_OK;
}
