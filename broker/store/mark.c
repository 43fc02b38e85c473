/*
 * The mark and the figures, as the handle's owner sees them. The work is the compactor's.
 */
#include "store/handle.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "store/error.h"
#include "store/thread.h"

enum { QUIET_US = 200000, QUIET_EVENTS_PER_S = 20000 };

/* How far the mark may go: durable, and safe in history. */
static uint64_t
mark_target(const struct store *store)
{
    uint64_t target = store->snapshot != NULL ? store->snapshot_seq : store->durable_seq;

    if (store->projector != NULL && projector_synced(store->projector) < target) {
        target = projector_synced(store->projector);
    }
    return target;
}

/* Little is going on: fewer events a second than QUIET_EVENTS_PER_S, over at least QUIET_US. */
static bool
quiet_now(struct store *store)
{
    uint64_t now_us = thread_clock_us(), us = now_us - store->asked_us;

    if (us >= QUIET_US) {
        store->quiet = (store->last_seq - store->asked_seq) * 1000000 < us * QUIET_EVENTS_PER_S;
        store->asked_seq = store->last_seq;
        store->asked_us = now_us;
    }
    return store->quiet;
}

/* Replay would take long: the mark cannot wait for a quiet moment. */
static bool
mark_hurry(const struct store *store)
{
    uint64_t distance = store->durable_seq - store->mark_seq, events = store->durable_seq - store->state.last_seq;
    uint64_t event_bytes = events > 0 ? store->bytes_committed / events : 0;

    return distance > store->options.mark_distance_max || distance * event_bytes > store->options.mark_bytes_max;
}

bool
store_mark_due(struct store *store)
{
    uint64_t reach = store->projector != NULL ? projector_projected(store->projector) : store->durable_seq;
    bool quiet = quiet_now(store);

    return !store->mark_wanted && store->compactor == NULL &&
           store->durable_seq - store->mark_seq > store->options.mark_distance &&
           reach > store->mark_seq + store->options.mark_distance / 2 && (quiet || mark_hurry(store));
}

enum store_status
store_mark_advance(struct store *store, const void *snapshot, size_t snapshot_bytes, uint64_t snapshot_seq)
{
    if (store->mark_wanted || store->compactor != NULL) {
        return STORE_STOPPED;
    }
    assert(snapshot == NULL || (snapshot_seq == store->last_seq && snapshot_bytes <= INT32_MAX));
    if (snapshot != NULL) {
        store->snapshot = malloc(snapshot_bytes > 0 ? snapshot_bytes : 1);
        if (store->snapshot == NULL) {
            return STORE_NO_MEMORY;
        }
        memcpy(store->snapshot, snapshot, snapshot_bytes);
        store->snapshot_bytes = (uint32_t)snapshot_bytes;
        store->snapshot_seq = snapshot_seq;
    }
    store->mark_wanted = true;
    if (store->projector != NULL) {
        projector_sync_soon(store->projector);
    }
    return STORE_OK;
}

static enum store_status
mark_begin(struct store *store, struct store_error *out_error)
{
    struct compactor_task task = {
        .ops = store->ops,
        .engine = store->engine,
        .committer = store->committer,
        .mark_seq = store->mark_seq,
        .target_seq = mark_target(store),
        .keep_events = store->options.keep_events,
        .snapshot = store->snapshot,
        .snapshot_bytes = store->snapshot_bytes,
        .snapshot_seq = store->snapshot != NULL ? store->snapshot_seq : 0,
        .cache_bytes_max = store->options.history_cache_bytes_max,
        .hurry = mark_hurry(store),
        .niceness = store->options.history_nice,
    };

    store->snapshot = NULL;
    store->mark_wanted = false;
    return compactor_start(&task, &store->compactor, out_error);
}

enum store_status
mark_tend(struct store *store, struct store_error *out_error)
{
    if (store->compactor != NULL && compactor_ended(store->compactor, &store->mark_seq, &store->first_seq)) {
        return compactor_stop(&store->compactor, &store->mark_seq, &store->first_seq, out_error);
    }
    if (store->mark_wanted && (store->snapshot == NULL || store->snapshot_seq <= store->durable_seq) &&
        (store->projector == NULL || projector_sync_ended(store->projector))) {
        return mark_begin(store, out_error);
    }
    return STORE_OK;
}

/* ------------------------------------------------------------- figures */

void
store_stats(struct store *store, struct store_stats *out_stats)
{
    struct store_stats stats = {
        .epoch = store->state.epoch,
        .first_seq = store->first_seq,
        .last_seq = store->last_seq,
        .durable_seq = store->durable_seq,
        .mark_seq = store->mark_seq,
        .reads_recent = store->source.reads_recent,
        .reads_cached = store->source.reads_cached,
        .reads_disk = store->source.reads_disk,
        .memory_bytes = store->recent.bytes + store->source.cache.bytes + batch_memory(store->filling),
        .batch_events = store->filling->n,
        .batch_bytes = store->filling->bytes,
        .disk_free_bytes = store->ops->bytes_free(store->engine),
        .compacting = store->compactor != NULL || store->mark_wanted,
    };
    struct committer_figures commits;

    committer_figures(store->committer, &commits);
    stats.batches = commits.batches;
    stats.syncs = store->options.durability == STORE_DURABLE ? commits.batches + commits.steps : 0;
    stats.commit_us_total = commits.commit_us_total;
    stats.commit_us_max = commits.commit_us_max;
    stats.journal_bytes_total = commits.bytes_total;
    stats.journal_stored_total = commits.stored_bytes_total;
    stats.checkpoints = commits.checkpoints;
    stats.checkpoint_us_max = commits.checkpoint_us_max;
    store->ops->sizes(store->engine, &stats.journal_file_bytes, &stats.journal_log_bytes);
    if (store->projector != NULL) {
        struct projector_figures figures;
        projector_figures(store->projector, &figures);
        stats.projected_seq = figures.projected_seq;
        stats.synced_history_seq = figures.synced_seq;
        stats.history_rows = figures.rows;
        stats.history_batches_read = figures.reads_disk;
        stats.history_file_bytes = directory_file_bytes(store->dir, HISTORY_NAME);
    }
    *out_stats = stats;
}

bool
store_disk_high(const struct store *store)
{
    /* Asked each time: while everything is refused there is no commit after which the room could be looked at again. */
    return store->ops->bytes_free(store->engine) < store->options.disk_reserve_bytes;
}
