/*
 * Memory first, then disk with the whole batch around an event, then the open table.
 */
#include "store/source.h"

#include "store/error.h"

enum store_status
source_init(struct source *source, const struct engine_ops *ops, struct engine *engine, struct recent *recent,
            bool adds_recent, uint64_t cache_bytes_max, struct store_error *out_error)
{
    *source = (struct source){.ops = ops, .recent = recent, .adds_recent = adds_recent};
    cache_init(&source->cache, cache_bytes_max);
    return ops->reader_open(engine, &source->reader, out_error);
}

void
source_fini(struct source *source)
{
    cache_fini(&source->cache);
    if (source->reader != NULL) {
        source->ops->reader_close(&source->reader);
    }
}

enum store_status
source_batch(struct source *source, uint64_t seq, struct batch **out_batch, struct store_error *out_error)
{
    struct batch *batch = NULL;
    enum store_status status;

    if (source->recent != NULL && source->adds_recent && (batch = recent_find(source->recent, seq)) != NULL) {
        source->reads_recent++;
        *out_batch = batch;
        return STORE_OK;
    }
    if ((batch = cache_find(&source->cache, seq)) != NULL) {
        source->reads_cached++;
        *out_batch = batch;
        return STORE_OK;
    }
    if (source->recent != NULL && !source->adds_recent) {
        batch = recent_pin(source->recent, seq);
    }
    if (batch != NULL) {
        source->reads_recent++;
    } else {
        status = source->ops->batch(source->reader, seq, &batch, out_error);
        if (status != STORE_OK) {
            return status;
        }
        batch_packed_drop(batch);
        source->reads_disk++;
    }
    if (!cache_add(&source->cache, &batch)) {
        batch_unref(&batch);
        return error_set(out_error, STORE_NO_MEMORY, "no memory for a batch that was read");
    }
    *out_batch = cache_find(&source->cache, seq);
    return STORE_OK;
}

enum store_status
source_event(struct source *source, uint64_t seq, const uint8_t **out_p, uint32_t *out_n,
             struct store_error *out_error)
{
    struct batch *batch = NULL;
    enum store_status status = source_batch(source, seq, &batch, out_error);
    struct engine_event event;

    if (status == STORE_PRUNED) {
        status = source->ops->open_event(source->reader, seq, &event, out_error);
        if (status == STORE_NOT_FOUND) {
            return error_set_seq(out_error, STORE_PRUNED, seq, "event %llu was pruned", (unsigned long long)seq);
        }
        if (status == STORE_OK) {
            *out_p = event.p;
            *out_n = event.n;
        }
        return status;
    }
    if (status != STORE_OK) {
        return status;
    }
    if (!batch_event(batch, seq, out_p, out_n)) {
        return error_set_seq(out_error, STORE_DAMAGED, seq, "event %llu in batch %llu fails its checksum",
                             (unsigned long long)seq, (unsigned long long)batch->seq);
    }
    return STORE_OK;
}
