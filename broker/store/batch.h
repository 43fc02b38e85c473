/*
 * A batch: the events that become durable together, as one run of bytes.
 *
 *     n × ( u32 length | u32 crc32c(seq, bytes) | bytes )      all little-endian
 *     chain = BLAKE2b-256(chain of the batch before | the bytes above as they are stored: packed (pack.h), or as they are)
 *
 * A batch is written by one thread until it is sealed, and never changes afterwards; references may be held by several
 * threads. It knows nothing of what an event means, and nothing of disks.
 */
#ifndef STORE_BATCH_H
#define STORE_BATCH_H

#include "store/store.h"

enum {
    BATCH_CHAIN_BYTES = 32,
    BATCH_HEAD_BYTES = 8,          /* before each event */
    BATCH_BYTES_MAX = 64 << 20,    /* hard: no batch is larger, and none larger is read */
};

struct batch {
    unsigned refs;    /* atomic */
    uint64_t seq;     /* of its first event */
    uint64_t epoch;
    uint32_t n;       /* events */
    uint32_t bytes;
    uint32_t bytes_cap;
    uint32_t offset_cap;
    bool sealed;      /* checksums and chain are in place */
    bool trusted;     /* made by this process, or checked already: reads need not check again */
    uint8_t chain[BATCH_CHAIN_BYTES];
    uint8_t *data;
    uint32_t *offset; /* where each event's head begins */
    uint8_t *packed;  /* data as it is stored, while packed_bytes > 0 */
    uint32_t packed_bytes;
    uint32_t packed_cap;
};

/* NULL when there is no memory. One reference. */
struct batch *batch_new(uint32_t bytes_cap);
struct batch *batch_ref(struct batch *batch);
void batch_unref(struct batch **batch_p); /* takes the reference; NULL is fine */

/* Large buffers that were let go wait here for the next batch_new, a few of them; this frees them. */
void batch_pool_drain(void);

/* For another use of the same memory: no events, not sealed. Only with the one reference that is left. */
void batch_reset(struct batch *batch, uint64_t seq, uint64_t epoch);

/* An exact copy without spare room, for keeping. */
struct batch *batch_copy(const struct batch *batch);

/* False: no memory, or BATCH_BYTES_MAX reached; nothing changed. */
bool batch_append(struct batch *batch, const void *p, uint32_t n);

/* Write the checksums, pack what has that many bytes, and work out the chain. Where there is no memory to pack it stays as it is. */
void batch_seal(struct batch *batch, const uint8_t chain_before[BATCH_CHAIN_BYTES], uint32_t pack_bytes_min);

/* As it is stored: packed, or data. */
static inline const uint8_t *
batch_stored(const struct batch *batch, uint32_t *out_n)
{
    *out_n = batch->packed_bytes > 0 ? batch->packed_bytes : batch->bytes;
    return batch->packed_bytes > 0 ? batch->packed : batch->data;
}

/* Memory for that many packed bytes, in `packed`. False: none. */
bool batch_packed_reserve(struct batch *batch, uint32_t bytes);

/* Nobody will look at the chain any more: what is packed goes, the events stay. Nothing happens while others hold the batch too. */
void batch_packed_drop(struct batch *batch);

/* The memory for packing, from one batch to the next that will be sealed; what it had goes. */
void batch_packed_move(struct batch *from, struct batch *to);

/*
 * A batch for what is going to be read: n events in that many bytes, stored in `packed_bytes` (0: as they are). The caller
 * fills packed or data and calls batch_index, which unpacks and finds the events. DAMAGED: it does not unpack, or the lengths
 * do not add up, with the sequence where it goes wrong. Checksums are looked at later.
 */
enum store_status batch_take(uint64_t seq, uint64_t epoch, uint32_t n, const uint8_t chain[BATCH_CHAIN_BYTES],
                             uint32_t bytes, uint32_t packed_bytes, struct batch **out_batch, struct store_error *out_error);
enum store_status batch_index(struct batch *batch, struct store_error *out_error);

/* Does the batch hold it? */
static inline bool
batch_has(const struct batch *batch, uint64_t seq)
{
    return seq >= batch->seq && seq - batch->seq < batch->n;
}

/* An event that the batch holds. False: its checksum is wrong. */
bool batch_event(const struct batch *batch, uint64_t seq, const uint8_t **out_p, uint32_t *out_n);

/* Check every event and the chain. On false *out_seq is the first bad event, or 0 when only the chain is wrong. */
bool batch_check(const struct batch *batch, const uint8_t chain_before[BATCH_CHAIN_BYTES], uint64_t *out_seq);

/* Memory that it takes, for budgets. */
size_t batch_memory(const struct batch *batch);

#endif
