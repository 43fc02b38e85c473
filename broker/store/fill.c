/*
 * The batch that fills, and its commit. One batch is on its way to the disk while the next fills.
 */
#include "store/handle.h"

#include <assert.h>
#include <errno.h>
#include <unistd.h>

#include "store/error.h"

enum store_status
store_append(struct store *store, uint64_t seq, const void *p, uint32_t n)
{
    assert(store->replayed && seq == store->last_seq + 1);
    if (store->fatal.status != STORE_OK) {
        return store->fatal.status;
    }
    if (!batch_append(store->filling, p, n)) {
        return STORE_NO_MEMORY;
    }
    store->last_seq = seq;
    return STORE_OK;
}

bool
store_batch_full(const struct store *store)
{
    return store->filling->n >= store->options.batch_events_max ||
           store->filling->bytes >= store->options.batch_bytes_max;
}

/* Room for the next batch: about what this one needed, so that it neither grows step by step nor is copied to be kept. */
static uint32_t
fill_bytes(const struct store *store)
{
    uint32_t bytes = store->filling->bytes + store->filling->bytes / 8, least = store->options.batch_bytes_max / 16;
    return bytes > least ? bytes : least;
}

void
store_commit_begin(struct store *store)
{
    struct batch *next;

    if (store->committing != NULL || store->filling->n == 0 || store->fatal.status != STORE_OK) {
        return;
    }
    next = store->spare != NULL ? store->spare : batch_new(fill_bytes(store));
    store->spare = NULL;
    if (next == NULL) {
        return; /* what fills goes on filling; the next call may find memory */
    }
    store->committing = store->filling;
    store->filling = next;
    batch_reset(next, store->last_seq + 1, store->state.epoch);
    if (store->committing->n > store->options.here_events_max || !committer_write(store->committer, store->committing)) {
        committer_give(store->committer, store->committing);
    }
}

bool
store_commit_busy(const struct store *store)
{
    return store->committing != NULL;
}

int
store_fd(const struct store *store)
{
    return store->event_fd;
}

/* Keep what was committed at hand; a small batch in memory of its own size, and the buffer is used again. */
static void
committed_keep(struct store *store)
{
    struct batch *batch = store->committing;
    struct batch *kept = NULL;

    store->committing = NULL;
    if (batch->bytes < batch->bytes_cap / 2) {
        kept = batch_copy(batch);
    }
    if (kept != NULL) {
        store->spare = batch;
    } else {
        kept = batch;
    }
    if (!recent_add(&store->recent, &kept)) {
        batch_unref(&kept); /* it will be read from disk */
    }
}

static enum store_status
fatal_set(struct store *store, const struct store_error *error, struct store_error *out_error)
{
    if (store->fatal.status == STORE_OK) {
        store->fatal = *error;
    }
    if (out_error != NULL) {
        *out_error = store->fatal;
    }
    return store->fatal.status;
}

static enum store_status
commit_take(struct store *store, bool wait, struct store_error *out_error)
{
    enum store_status status = STORE_OK;
    struct store_error error;
    bool ended = committer_ended(store->committer, wait, &status, &error);

    if (status != STORE_OK) {
        return fatal_set(store, &error, out_error);
    }
    if (ended && store->committing != NULL) {
        store->durable_seq = store->committing->seq + store->committing->n - 1;
        store->bytes_committed += store->committing->bytes;
        committed_keep(store);
        store->bytes_free = store->ops->bytes_free(store->engine);
        if (store->projector != NULL) {
            projector_advance(store->projector, store->durable_seq);
        }
    }
    if (store->projector != NULL && projector_status(store->projector, &error) != STORE_OK) {
        return fatal_set(store, &error, out_error);
    }
    if (mark_tend(store, &error) != STORE_OK) {
        return fatal_set(store, &error, out_error);
    }
    return STORE_OK;
}

enum store_status
store_commit_end(struct store *store, uint64_t *out_durable_seq, struct store_error *out_error)
{
    enum store_status status;
    uint64_t count;

    if (store->fatal.status != STORE_OK) {
        return fatal_set(store, &store->fatal, out_error);
    }
    /* Cleared first: what ends after this makes it readable again. Empty is fine. */
    if (read(store->event_fd, &count, sizeof(count)) < 0) {
        errno = 0;
    }
    status = commit_take(store, false, out_error);
    if (status == STORE_OK) {
        *out_durable_seq = store->durable_seq;
    }
    return status;
}

enum store_status
store_commit_wait(struct store *store, struct store_error *out_error)
{
    enum store_status status = store->fatal.status;

    if (status != STORE_OK) {
        return fatal_set(store, &store->fatal, out_error);
    }
    while (status == STORE_OK && store->durable_seq < store->last_seq) {
        store_commit_begin(store);
        if (store->committing == NULL) {
            return error_set(out_error, STORE_NO_MEMORY, "no memory to commit");
        }
        status = commit_take(store, true, out_error);
    }
    return status;
}
