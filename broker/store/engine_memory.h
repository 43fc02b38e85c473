/*
 * What the two halves of the memory engine share: the disk that is none.
 */
#ifndef STORE_ENGINE_MEMORY_H
#define STORE_ENGINE_MEMORY_H

#include <pthread.h>

#include "store/engine.h"

struct memory_event {
    uint64_t seq;
    uint64_t request;
    uint32_t n;
    uint8_t *p;
};

struct memory_disk {
    struct memory_disk *next;
    char *dir;
    bool held;
    pthread_mutex_t lock;
    struct engine_state state;
    struct batch **batches;
    uint32_t batch_count, batch_cap;
    struct memory_event *opens; /* by sequence */
    uint32_t open_count, open_cap;
    uint8_t *snapshot;
    uint32_t snapshot_bytes;
};

struct engine {
    struct memory_disk *disk;
    uint64_t epoch;
};

struct engine_reader {
    struct memory_disk *disk;
    uint8_t *copy; /* what open_event handed out last */
};

/* The first open event at or above seq; with the disk's lock held. */
uint32_t memory_open_lower(const struct memory_disk *disk, uint64_t seq);

enum store_status memory_reader_open(struct engine *engine, struct engine_reader **out_reader,
                                     struct store_error *out_error);
void memory_reader_close(struct engine_reader **reader_p);
enum store_status memory_batch(struct engine_reader *reader, uint64_t seq, struct batch **out_batch,
                               struct store_error *out_error);
enum store_status memory_open_event(struct engine_reader *reader, uint64_t seq, struct engine_event *out_event,
                                    struct store_error *out_error);
enum store_status memory_open_walk(struct engine_reader *reader, engine_event_fn *fn, void *context,
                                   struct store_error *out_error);
enum store_status memory_snapshot(struct engine_reader *reader, uint8_t **out_bytes, uint32_t *out_n,
                                  uint64_t *out_seq, struct store_error *out_error);
enum store_status memory_state(struct engine_reader *reader, struct engine_state *out_state,
                               struct store_error *out_error);

#endif
