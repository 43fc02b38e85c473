/*
 * The store's handle: opening and closing, reads. The parts do the work; this joins them. What fills and commits: fill.c.
 */
#include "store/handle.h"

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "store/error.h"
#include "store/thread.h"

void
store_options_default(struct store_options *out_options)
{
    *out_options = (struct store_options){
        .engine = STORE_ENGINE_SQLITE,
        .durability = STORE_DURABLE,
        .create = true,
        .history = true,
        .batch_events_max = 2048,
        .batch_bytes_max = 1 << 20,
        .here_events_max = 16,
        .pack_bytes_min = 4 << 10,
        .recent_bytes_max = 4 << 20,
        .cache_bytes_max = 4 << 20,
        .history_cache_bytes_max = 1 << 20,
        .page_bytes = 8192,
        .wal_bytes_max = 8 << 20,
        .disk_reserve_bytes = 256 << 20,
        .history_lag_max = 4000000,
        .mark_distance = 1000000,
        .mark_distance_max = 4000000,
        .mark_bytes_max = 512 << 20,
        .keep_events = 50000000,
        .history_nice = 10,
    };
}

/* ------------------------------------------------------------- open, close */

static enum store_status
history_join(struct store *store, struct store_error *out_error)
{
    bool memory = store->options.engine == STORE_ENGINE_MEMORY;
    char path[DIRECTORY_PATH_BYTES];
    enum store_status status = directory_path(store->dir, HISTORY_NAME, path, out_error);

    if (status == STORE_OK) {
        status = history_open(memory ? NULL : path, store->options.vfs, &store->history, &store->history_mark_seq,
                              out_error);
    }
    if (status == STORE_DAMAGED && out_error != NULL) {
        size_t n = strlen(out_error->text);
        snprintf(out_error->text + n, sizeof(out_error->text) - n, ". History can be rebuilt from the journal.");
    }
    if (status != STORE_OK) {
        return status;
    }
    if (store->history_mark_seq > store->state.last_seq) {
        return error_set_seq(out_error, STORE_BEHIND, store->history_mark_seq,
                             "%s: the journal ends at event %llu, but history holds requests up to event %llu:"
                             " acknowledged requests are missing. Restore a backup; or rebuild history to serve without them.",
                             store->dir, (unsigned long long)store->state.last_seq,
                             (unsigned long long)store->history_mark_seq);
    }
    if (store->history_mark_seq + 1 < store->state.first_seq) {
        if (memory) {
            store->history_mark_seq = store->state.first_seq - 1;
            return STORE_OK;
        }
        return error_set_seq(out_error, STORE_DAMAGED, store->history_mark_seq,
                             "%s: history ends at event %llu, the journal begins at event %llu. Restore a backup; or"
                             " rebuild history from what is left.",
                             store->dir, (unsigned long long)store->history_mark_seq,
                             (unsigned long long)store->state.first_seq);
    }
    return memory ? history_reader_open_beside(store->history, &store->history_reader, out_error)
                  : history_reader_open(path, store->options.vfs, &store->history_reader, out_error);
}

static enum store_status
options_check(const struct store_options *options, struct store_error *out_error)
{
    uint32_t page = options->page_bytes;

    if (page < 512 || page > 65536 || (page & (page - 1)) != 0) {
        return error_set(out_error, STORE_INVALID, "page_bytes: %u is no power of two from 512 to 65536", page);
    }
    if (options->batch_events_max == 0 || options->batch_bytes_max == 0 ||
        options->batch_bytes_max > BATCH_BYTES_MAX / 2) {
        return error_set(out_error, STORE_INVALID, "a batch cannot be of %u events or %u bytes",
                         options->batch_events_max, options->batch_bytes_max);
    }
    return STORE_OK;
}

static void
store_free(struct store *store)
{
    committer_stop(&store->committer);
    history_reader_close(&store->history_reader);
    history_close(&store->history);
    if (store->source_ready) {
        source_fini(&store->source);
    }
    if (store->recent_ready) {
        recent_fini(&store->recent);
    }
    batch_unref(&store->filling);
    batch_unref(&store->committing);
    batch_unref(&store->spare);
    if (store->ops != NULL) {
        store->ops->close(&store->engine);
    }
    if (store->event_fd >= 0) {
        close(store->event_fd);
    }
    free(store->snapshot);
    free(store);
    batch_pool_drain();
}

static enum store_status
store_join(struct store *store, struct store_error *out_error)
{
    const struct store_options *options = &store->options;
    enum store_status status;

    store->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (store->event_fd < 0) {
        return error_set(out_error, STORE_IO, "eventfd: %s", strerror(errno));
    }
    store->recent_ready = recent_init(&store->recent, options->recent_bytes_max);
    store->filling = batch_new(options->batch_bytes_max / 16);
    if (!store->recent_ready || store->filling == NULL) {
        return error_set(out_error, STORE_NO_MEMORY, "no memory for the store");
    }
    store->ops = engine_of(options->engine);
    status = store->ops->open(store->dir, options, &store->engine, &store->state, out_error);
    if (status == STORE_OK) {
        status = source_init(&store->source, store->ops, store->engine, &store->recent, true, options->cache_bytes_max,
                             out_error);
        store->source_ready = true;
    }
    if (status == STORE_OK && options->history) {
        status = history_join(store, out_error);
    }
    if (status == STORE_OK) {
        status = committer_start(store->ops, store->engine, &store->options, store->state.chain, store->event_fd, &store->committer,
                                 out_error);
    }
    if (status != STORE_OK) {
        return status;
    }
    store->last_seq = store->durable_seq = store->state.last_seq;
    store->mark_seq = store->state.mark_seq;
    store->first_seq = store->state.first_seq;
    store->asked_seq = store->last_seq;
    store->asked_us = thread_clock_us();
    batch_reset(store->filling, store->last_seq + 1, store->state.epoch);
    store->bytes_free = store->ops->bytes_free(store->engine);
    return STORE_OK;
}

enum store_status
store_open(const char *dir, const struct store_options *options, struct store **out_store,
           struct store_error *out_error)
{
    struct store *store;
    enum store_status status = options_check(options, out_error);

    if (status != STORE_OK) {
        return status;
    }
    store = calloc(1, sizeof(*store));
    if (store == NULL || sodium_init() < 0) {
        free(store);
        return error_set(out_error, STORE_NO_MEMORY, "no memory for the store");
    }
    store->options = *options;
    store->event_fd = -1;
    snprintf(store->dir, sizeof(store->dir), "%s", dir);
    status = store_join(store, out_error);
    if (status != STORE_OK) {
        store_free(store);
        return status;
    }
    *out_store = store;
    return STORE_OK;
}

enum store_status
store_replay(struct store *store, store_replay_fn *fn, void *context, struct store_error *out_error)
{
    enum store_status status;

    assert(!store->replayed);
    status = replay_run(store->ops, store->engine, &store->state, fn, context, out_error);
    if (status == STORE_OK && store->history != NULL) {
        status = projector_start(store->ops, store->engine, &store->recent, &store->history, store->history_mark_seq,
                                 store->durable_seq, &store->options, store->event_fd, &store->projector, out_error);
    }
    store->replayed = status == STORE_OK;
    return status;
}

enum store_status
store_close(struct store **store_p, int64_t catch_up_us, struct store_error *out_error)
{
    struct store *store = *store_p;
    enum store_status status;
    struct store_error error;
    bool done;

    *store_p = NULL;
    if (store == NULL) {
        return STORE_OK;
    }
    status = store_commit_wait(store, &error);
    if (status != STORE_OK) {
        /* Whatever ended it, the committer may still be busy with a batch. */
        enum store_status ignored;
        committer_ended(store->committer, true, &ignored, NULL);
    }
    if (store->compactor != NULL) {
        compactor_stop(&store->compactor, &store->mark_seq, &store->first_seq, NULL);
    }
    /* Readers first: the writer that closes last leaves no log behind. */
    history_reader_close(&store->history_reader);
    projector_stop(&store->projector, catch_up_us);
    committer_stop(&store->committer);
    if (status == STORE_OK) {
        /* Everything is durable already; what cannot be moved now, the next start moves. */
        store->ops->checkpoint(store->engine, true, &done, NULL);
    } else if (out_error != NULL) {
        *out_error = error;
    }
    store_free(store);
    return status;
}

uint64_t
store_epoch(const struct store *store)
{
    return store->state.epoch;
}

uint32_t
store_shard(const struct store *store)
{
    return store->state.shard;
}

uint64_t
store_last_seq(const struct store *store)
{
    return store->last_seq;
}

uint64_t
store_durable_seq(const struct store *store)
{
    return store->durable_seq;
}

uint64_t
store_first_seq(const struct store *store)
{
    return store->first_seq;
}

enum store_status
store_witness(const struct store *store, uint64_t seen, struct store_error *out_error)
{
    if (seen <= store->durable_seq) {
        return STORE_OK;
    }
    return error_set_seq(out_error, STORE_BEHIND, seen,
                         "%s: a client was told event %llu, but the journal ends at %llu: acknowledged requests are"
                         " missing. Restore a backup.",
                         store->dir, (unsigned long long)seen, (unsigned long long)store->durable_seq);
}

/* ------------------------------------------------------------- reads */

enum store_status
store_read(struct store *store, uint64_t seq, const uint8_t **out_p, uint32_t *out_n, struct store_error *out_error)
{
    if (seq == 0 || seq > store->last_seq) {
        return error_set_seq(out_error, STORE_NOT_FOUND, seq, "event %llu was never appended", (unsigned long long)seq);
    }
    if (batch_has(store->filling, seq)) {
        batch_event(store->filling, seq, out_p, out_n);
        return STORE_OK;
    }
    if (store->committing != NULL && batch_has(store->committing, seq)) {
        batch_event(store->committing, seq, out_p, out_n);
        return STORE_OK;
    }
    return source_event(&store->source, seq, out_p, out_n, out_error);
}

void
store_projected(struct store *store, uint64_t *out_seq)
{
    if (store->projector != NULL) {
        *out_seq = projector_projected(store->projector);
    } else {
        /* During replay nobody projects yet: history has what it had when it was opened, not what the journal has. */
        *out_seq = store->history_reader != NULL ? store->history_mark_seq : store->durable_seq;
    }
}

bool
store_history_slow(const struct store *store)
{
    return store->projector != NULL &&
           store->durable_seq - projector_projected(store->projector) > store->options.history_lag_max;
}

enum store_status
store_history_get(struct store *store, uint64_t id, struct store_finished *out_finished, struct store_error *out_error)
{
    if (store->history_reader == NULL) {
        return error_set(out_error, STORE_NOT_FOUND, "this store keeps no history");
    }
    return history_get(store->history_reader, id, out_finished, out_error);
}

enum store_status
store_history_list(struct store *store, const struct store_query *query, store_finished_fn *fn, void *context,
                   char *out_cursor, struct store_error *out_error)
{
    if (store->history_reader == NULL) {
        return error_set(out_error, STORE_NOT_FOUND, "this store keeps no history");
    }
    return history_list(store->history_reader, query, fn, context, out_cursor, out_error);
}
