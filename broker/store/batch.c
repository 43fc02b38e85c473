/*
 * Batches: append, seal, parse, check. See batch.h for the layout.
 */
#include "store/batch.h"

#include <assert.h>
#include <endian.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "store/crc32c.h"
#include "store/error.h"
#include "store/pack.h"

static void
u32_put(uint8_t *p, uint32_t value)
{
    uint32_t le = htole32(value);

    memcpy(p, &le, sizeof(le));
}

static uint32_t
u32_get(const uint8_t *p)
{
    uint32_t le;

    memcpy(&le, p, sizeof(le));
    return le32toh(le);
}

/*
 * Buffers of a few hundred KiB come and go with every batch that is read or committed. Given back to the system each
 * time, they cost a page fault per 4 KiB: as much as filling them.
 */
enum { POOL_COUNT = 1, POOL_BYTES_MIN = 64 << 10, POOL_BYTES_MAX = 2 << 20 };

static struct {
    pthread_mutex_t lock;
    struct batch *batches[POOL_COUNT];
    uint32_t count;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void
batch_free(struct batch *batch)
{
    free(batch->data);
    free(batch->packed);
    free(batch->offset);
    free(batch);
}

static bool
pool_put(struct batch *batch)
{
    bool taken = false;

    if (batch->bytes_cap < POOL_BYTES_MIN || batch->bytes_cap > POOL_BYTES_MAX) {
        return false;
    }
    pthread_mutex_lock(&pool.lock);
    if (pool.count < POOL_COUNT) {
        pool.batches[pool.count++] = batch;
        taken = true;
    }
    pthread_mutex_unlock(&pool.lock);
    return taken;
}

/* One that is large enough, and not more than twice as large. */
static struct batch *
pool_take(uint32_t bytes_cap)
{
    struct batch *batch = NULL;

    if (bytes_cap < POOL_BYTES_MIN / 2) {
        return NULL;
    }
    pthread_mutex_lock(&pool.lock);
    for (uint32_t i = pool.count; batch == NULL && i-- > 0;) {
        if (pool.batches[i]->bytes_cap >= bytes_cap && pool.batches[i]->bytes_cap / 2 <= bytes_cap) {
            batch = pool.batches[i];
            pool.batches[i] = pool.batches[--pool.count];
        }
    }
    pthread_mutex_unlock(&pool.lock);
    return batch;
}

void
batch_pool_drain(void)
{
    pthread_mutex_lock(&pool.lock);
    while (pool.count > 0) {
        batch_free(pool.batches[--pool.count]);
    }
    pthread_mutex_unlock(&pool.lock);
}

struct batch *
batch_new(uint32_t bytes_cap)
{
    struct batch *batch = pool_take(bytes_cap);

    if (batch != NULL) {
        batch->refs = 1;
        batch->n = batch->bytes = batch->packed_bytes = 0;
        batch->sealed = batch->trusted = false;
        return batch;
    }
    batch = calloc(1, sizeof(*batch));
    if (batch == NULL) {
        return NULL;
    }
    batch->refs = 1;
    batch->data = malloc(bytes_cap > 0 ? bytes_cap : 1);
    if (batch->data == NULL) {
        free(batch);
        return NULL;
    }
    batch->bytes_cap = bytes_cap;
    return batch;
}

struct batch *
batch_ref(struct batch *batch)
{
    __atomic_fetch_add(&batch->refs, 1, __ATOMIC_RELAXED);
    return batch;
}

void
batch_unref(struct batch **batch_p)
{
    struct batch *batch = *batch_p;

    *batch_p = NULL;
    if (batch == NULL || __atomic_sub_fetch(&batch->refs, 1, __ATOMIC_ACQ_REL) > 0) {
        return;
    }
    if (!pool_put(batch)) {
        batch_free(batch);
    }
}

void
batch_reset(struct batch *batch, uint64_t seq, uint64_t epoch)
{
    assert(__atomic_load_n(&batch->refs, __ATOMIC_ACQUIRE) == 1);
    batch->seq = seq;
    batch->epoch = epoch;
    batch->n = 0;
    batch->bytes = 0;
    batch->packed_bytes = 0;
    batch->sealed = false;
    batch->trusted = true;
}

static bool
bytes_grow(struct batch *batch, uint64_t need)
{
    uint64_t cap = batch->bytes_cap > 0 ? batch->bytes_cap : 1;
    uint8_t *data;

    if (need > BATCH_BYTES_MAX) {
        return false;
    }
    while (cap < need) {
        cap += cap / 2 + 4096;
    }
    data = realloc(batch->data, cap);
    if (data == NULL) {
        return false;
    }
    batch->data = data;
    batch->bytes_cap = (uint32_t)cap;
    return true;
}

static bool
offsets_grow(struct batch *batch, uint32_t need)
{
    uint32_t cap = batch->offset_cap * 2 > need ? batch->offset_cap * 2 : need;
    uint32_t *offset;

    offset = realloc(batch->offset, sizeof(offset[0]) * cap);
    if (offset == NULL) {
        return false;
    }
    batch->offset = offset;
    batch->offset_cap = cap;
    return true;
}

struct batch *
batch_copy(const struct batch *batch)
{
    struct batch *copy = batch_new(batch->bytes);

    if (copy == NULL) {
        return NULL;
    }
    if ((copy->offset_cap < batch->n && !offsets_grow(copy, batch->n)) || !batch_packed_reserve(copy, batch->packed_bytes)) {
        batch_unref(&copy);
        return NULL;
    }
    memcpy(copy->offset, batch->offset, sizeof(copy->offset[0]) * batch->n);
    memcpy(copy->data, batch->data, batch->bytes);
    if (batch->packed_bytes > 0) {
        memcpy(copy->packed, batch->packed, batch->packed_bytes);
    }
    copy->packed_bytes = batch->packed_bytes;
    memcpy(copy->chain, batch->chain, sizeof(copy->chain));
    copy->seq = batch->seq;
    copy->epoch = batch->epoch;
    copy->n = batch->n;
    copy->bytes = batch->bytes;
    copy->sealed = batch->sealed;
    copy->trusted = batch->trusted;
    return copy;
}

bool
batch_append(struct batch *batch, const void *p, uint32_t n)
{
    uint64_t need = (uint64_t)batch->bytes + BATCH_HEAD_BYTES + n;

    assert(!batch->sealed);
    if (need > batch->bytes_cap && !bytes_grow(batch, need)) {
        return false;
    }
    if (batch->n == batch->offset_cap && !offsets_grow(batch, batch->n + 1)) {
        return false;
    }
    batch->offset[batch->n++] = batch->bytes;
    u32_put(batch->data + batch->bytes, n);
    memcpy(batch->data + batch->bytes + BATCH_HEAD_BYTES, p, n);
    batch->bytes = (uint32_t)need;
    return true;
}

bool
batch_packed_reserve(struct batch *batch, uint32_t bytes)
{
    uint8_t *packed;

    if (bytes <= batch->packed_cap) {
        return true;
    }
    packed = malloc(bytes);
    if (packed == NULL) {
        return false;
    }
    free(batch->packed);
    batch->packed = packed;
    batch->packed_cap = bytes;
    return true;
}

void
batch_packed_drop(struct batch *batch)
{
    if (__atomic_load_n(&batch->refs, __ATOMIC_ACQUIRE) > 1) {
        return;
    }
    free(batch->packed);
    batch->packed = NULL;
    batch->packed_bytes = batch->packed_cap = 0;
}

void
batch_packed_move(struct batch *from, struct batch *to)
{
    batch_packed_drop(to);
    to->packed = from->packed;
    to->packed_cap = from->packed_cap;
    from->packed = NULL;
    from->packed_bytes = from->packed_cap = 0;
}

static void
chain_make(const struct batch *batch, const uint8_t before[BATCH_CHAIN_BYTES], uint8_t out_chain[BATCH_CHAIN_BYTES])
{
    crypto_generichash_state state;
    uint32_t n;
    const uint8_t *stored = batch_stored(batch, &n);

    crypto_generichash_init(&state, NULL, 0, BATCH_CHAIN_BYTES);
    crypto_generichash_update(&state, before, BATCH_CHAIN_BYTES);
    crypto_generichash_update(&state, stored, n);
    crypto_generichash_final(&state, out_chain, BATCH_CHAIN_BYTES);
}

void
batch_seal(struct batch *batch, const uint8_t chain_before[BATCH_CHAIN_BYTES], uint32_t pack_bytes_min)
{
    assert(!batch->sealed && batch->n > 0);
    for (uint32_t i = 0; i < batch->n; i++) {
        uint8_t *head = batch->data + batch->offset[i];
        u32_put(head + 4, crc32c_event(batch->seq + i, head + BATCH_HEAD_BYTES, u32_get(head)));
    }
    if (batch->bytes >= pack_bytes_min && batch_packed_reserve(batch, pack_room(batch->bytes))) {
        batch->packed_bytes = pack(batch->data, batch->bytes, batch->packed, batch->packed_cap);
    }
    chain_make(batch, chain_before, batch->chain);
    batch->sealed = true;
}

enum store_status
batch_index(struct batch *batch, struct store_error *out_error)
{
    uint32_t at = 0;

    if (batch->packed_bytes > 0 && !unpack(batch->packed, batch->packed_bytes, batch->data, batch->bytes)) {
        return error_set_seq(out_error, STORE_DAMAGED, batch->seq, "batch %llu: its %u packed bytes do not unpack to %u",
                             (unsigned long long)batch->seq, batch->packed_bytes, batch->bytes);
    }
    for (uint32_t i = 0; i < batch->n; i++) {
        uint32_t left = batch->bytes - at;
        if (left < BATCH_HEAD_BYTES || u32_get(batch->data + at) > left - BATCH_HEAD_BYTES) {
            return error_set_seq(out_error, STORE_DAMAGED, batch->seq + i,
                                 "batch %llu: the length of event %llu leads out of the batch",
                                 (unsigned long long)batch->seq, (unsigned long long)(batch->seq + i));
        }
        batch->offset[i] = at;
        at += BATCH_HEAD_BYTES + u32_get(batch->data + at);
    }
    if (at != batch->bytes) {
        return error_set_seq(out_error, STORE_DAMAGED, batch->seq, "batch %llu: %u bytes after its last event",
                             (unsigned long long)batch->seq, batch->bytes - at);
    }
    return STORE_OK;
}

enum store_status
batch_take(uint64_t seq, uint64_t epoch, uint32_t n, const uint8_t chain[BATCH_CHAIN_BYTES], uint32_t bytes,
           uint32_t packed_bytes, struct batch **out_batch, struct store_error *out_error)
{
    struct batch *batch;

    if (n == 0 || bytes > BATCH_BYTES_MAX || (uint64_t)n * BATCH_HEAD_BYTES > bytes) {
        return error_set_seq(out_error, STORE_DAMAGED, seq, "batch %llu: %u events cannot stand in %u bytes",
                             (unsigned long long)seq, n, bytes);
    }
    if (packed_bytes > 0 && (packed_bytes >= bytes || bytes / PACK_RATIO_MAX > packed_bytes)) {
        return error_set_seq(out_error, STORE_DAMAGED, seq, "batch %llu: %u packed bytes cannot hold %u",
                             (unsigned long long)seq, packed_bytes, bytes);
    }
    batch = batch_new(bytes);
    if (batch == NULL || (batch->offset_cap < n && !offsets_grow(batch, n)) || !batch_packed_reserve(batch, packed_bytes)) {
        batch_unref(&batch);
        return error_set(out_error, STORE_NO_MEMORY, "no memory for a batch of %u bytes", bytes);
    }
    memcpy(batch->chain, chain, BATCH_CHAIN_BYTES);
    batch->seq = seq;
    batch->epoch = epoch;
    batch->n = n;
    batch->bytes = bytes;
    batch->packed_bytes = packed_bytes;
    batch->sealed = true;
    *out_batch = batch;
    return STORE_OK;
}

bool
batch_event(const struct batch *batch, uint64_t seq, const uint8_t **out_p, uint32_t *out_n)
{
    const uint8_t *head;
    uint32_t n;

    assert(batch_has(batch, seq));
    head = batch->data + batch->offset[seq - batch->seq];
    n = u32_get(head);
    if (!batch->trusted && crc32c_event(seq, head + BATCH_HEAD_BYTES, n) != u32_get(head + 4)) {
        return false;
    }
    *out_p = head + BATCH_HEAD_BYTES;
    *out_n = n;
    return true;
}

bool
batch_check(const struct batch *batch, const uint8_t chain_before[BATCH_CHAIN_BYTES], uint64_t *out_seq)
{
    uint8_t chain[BATCH_CHAIN_BYTES];

    for (uint32_t i = 0; i < batch->n; i++) {
        const uint8_t *head = batch->data + batch->offset[i];
        if (crc32c_event(batch->seq + i, head + BATCH_HEAD_BYTES, u32_get(head)) != u32_get(head + 4)) {
            *out_seq = batch->seq + i;
            return false;
        }
    }
    chain_make(batch, chain_before, chain);
    if (memcmp(chain, batch->chain, sizeof(chain)) != 0) {
        *out_seq = 0;
        return false;
    }
    return true;
}

size_t
batch_memory(const struct batch *batch)
{
    return sizeof(*batch) + batch->bytes_cap + batch->packed_cap + sizeof(batch->offset[0]) * batch->offset_cap;
}
