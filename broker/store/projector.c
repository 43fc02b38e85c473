/*
 * From events to rows of history. See projector.h.
 */
#include "store/projector.h"

#include <assert.h>
#include <stdlib.h>

#include "store/error.h"
#include "store/event.h"
#include "store/source.h"
#include "store/thread.h"
#include "store/trail.h"

enum {
    ROUND_EVENTS_MAX = 1 << 16,
    ROUND_BYTES_MAX = 16 << 20,
    ROUND_US_MAX = 250000,    /* a finished request leaves the core no later than about this after its commit, */
    ROUND_PACED_US_MAX = 1000000, /* or this where others want the processor */
    GATHER_US = 50000,        /* wait a little for more: a wide transaction costs less per row */
    GATHER_EVENTS = 1 << 13,  /* with this many there is nothing to wait for */
    GIVE_WAY_US = 15000000,   /* a burst may hold it back so long; then it catches up first */
    REST_TIMES = 4,           /* while a burst lasts it rests so many times as long as the pacer says, at first */
    RETRY_US = 1000000,       /* on a full disk */
    LOG_BYTES_MAX = 32 << 20, /* then the log is moved into the file */
};

struct projector {
    struct history *history; /* the thread's own, as source and trail */
    struct source source;
    struct trail trail;
    struct pacer pacer;
    uint64_t lag_hurry;       /* events; behind by more than this it gives way no longer, by less the less */
    uint64_t caught_up_us;    /* when it was behind by little for the last time */
    int niceness;
    int event_fd;
    pthread_t thread;
    uint64_t rows;

    uint64_t projected_seq; /* atomic; written by the thread */
    uint64_t synced_seq;    /* the same */

    pthread_mutex_t lock; /* for all below */
    pthread_cond_t wake;
    pthread_cond_t moved;
    uint64_t durable_seq;
    bool stop;
    bool sync_soon;
    bool syncing;
    bool idle;      /* it waits for anything to do */
    bool gathering; /* it waits for more to do */
    enum store_status status;
    struct store_error error;
    struct projector_figures figures;
};

enum store_status
projector_event(struct history *history, struct source *source, struct trail *trail, uint64_t seq, const uint8_t *p,
                uint32_t n, uint64_t *rows, struct store_error *out_error)
{
    struct event_glance event;
    struct history_row row;
    enum store_status status;

    if (!event_look(p, n, &event)) {
        return error_set_seq(out_error, STORE_DAMAGED, seq, "event %llu does not decode", (unsigned long long)seq);
    }
    if (!event_is_terminal(&event)) {
        return STORE_OK;
    }
    status = trail_collect(trail, source, event.id, event.prev, out_error);
    if (status != STORE_OK) {
        return status;
    }
    row = (struct history_row){
        .id = event.id,
        .seq = seq,
        .at_us = event.at_us,
        .status = event.status,
        .service = event.service,
        .requester = event.requester,
        .performer = event.performer,
        .event = p,
        .event_n = n,
        .trail = trail->memory + trail->begin,
        .trail_n = trail->cap - trail->begin,
    };
    (*rows)++;
    return history_add(history, &row, out_error);
}

/* ------------------------------------------------------------- a round: one transaction */

static enum store_status
batch_project(struct projector *projector, uint64_t seq, uint64_t *out_next, uint32_t *out_bytes,
              struct store_error *out_error)
{
    struct batch *batch = NULL;
    enum store_status status = source_batch(&projector->source, seq, &batch, out_error);

    if (status != STORE_OK) {
        return status;
    }
    /* The trail's walk may push it out of the cache. */
    batch_ref(batch);
    for (uint64_t at = seq; status == STORE_OK && at < batch->seq + batch->n; at++) {
        const uint8_t *p;
        uint32_t n;
        if (!batch_event(batch, at, &p, &n)) {
            status = error_set_seq(out_error, STORE_DAMAGED, at, "event %llu in batch %llu fails its checksum",
                                   (unsigned long long)at, (unsigned long long)batch->seq);
        } else {
            status = projector_event(projector->history, &projector->source, &projector->trail, at, p, n,
                                     &projector->rows, out_error);
        }
    }
    *out_next = batch->seq + batch->n;
    *out_bytes = batch->bytes;
    batch_unref(&batch);
    return status;
}

/* Rest if the foreground is busy and there is no hurry. Returns how long. */
static uint64_t
round_rest(struct projector *projector, uint64_t next)
{
    uint64_t rest_us = pacer_rest_us(&projector->pacer), began_us = thread_clock_us(), lag;

    pthread_mutex_lock(&projector->lock);
    lag = projector->durable_seq + 1 - next;
    if (lag < GATHER_EVENTS) {
        projector->caught_up_us = began_us;
    }
    if (rest_us > 0 && lag < projector->lag_hurry && began_us - projector->caught_up_us < GIVE_WAY_US &&
        !projector->stop && !projector->sync_soon) {
        rest_us = rest_us * REST_TIMES * (projector->lag_hurry - lag) / projector->lag_hurry;
        thread_cond_wait_us(&projector->wake, &projector->lock, rest_us);
    }
    pthread_mutex_unlock(&projector->lock);
    return thread_clock_us() - began_us;
}

static enum store_status
round_project(struct projector *projector, uint64_t durable_seq, uint64_t *out_projected, struct store_error *out_error)
{
    uint64_t first = projector->projected_seq + 1, next = first, bytes = 0;
    uint64_t began_us = thread_clock_us(), rested_us = 0;
    enum store_status status = history_begin(projector->history, out_error);

    if (status != STORE_OK) {
        return status;
    }
    while (status == STORE_OK && next <= durable_seq && next - first < ROUND_EVENTS_MAX && bytes < ROUND_BYTES_MAX) {
        uint32_t more = 0;
        uint64_t us;
        pacer_begin(&projector->pacer);
        status = batch_project(projector, next, &next, &more, out_error);
        bytes += more;
        us = thread_clock_us() - began_us;
        if (us > ROUND_PACED_US_MAX || us - rested_us > ROUND_US_MAX) {
            break;
        }
        if (status == STORE_OK) {
            rested_us += round_rest(projector, next);
        }
    }
    if (status == STORE_OK) {
        status = history_commit(projector->history, next - 1, out_error);
    }
    if (status != STORE_OK) {
        history_rollback(projector->history);
        return status;
    }
    *out_projected = next - 1;
    return STORE_OK;
}

static enum store_status
log_move(struct projector *projector, bool now, struct store_error *out_error)
{
    enum store_status status = STORE_OK;
    bool all = false;

    if (now || history_log_bytes(projector->history) >= LOG_BYTES_MAX) {
        status = history_checkpoint(projector->history, &all, out_error);
        if (all) {
            __atomic_store_n(&projector->synced_seq, projector->projected_seq, __ATOMIC_RELEASE);
        }
    }
    return status;
}

/* ------------------------------------------------------------- the thread */

/* Called with the lock held. True: go on; false: it is over. */
static bool
work_wait(struct projector *projector)
{
    uint64_t until_us, now_us;

    projector->idle = true;
    now_us = thread_clock_us();
    while (!projector->stop && !projector->sync_soon && projector->durable_seq == projector->projected_seq) {
        pthread_cond_wait(&projector->wake, &projector->lock);
        projector->caught_up_us = now_us = thread_clock_us();
    }
    projector->idle = false;
    projector->gathering = true;
    until_us = now_us + GATHER_US;
    while (!projector->stop && !projector->sync_soon && now_us < until_us &&
           projector->durable_seq - projector->projected_seq < GATHER_EVENTS) {
        thread_cond_wait_us(&projector->wake, &projector->lock, until_us - now_us);
        now_us = thread_clock_us();
    }
    projector->gathering = false;
    return !projector->stop;
}

/* Called with the lock held; lets go of it while it works. */
static void
work_do(struct projector *projector)
{
    uint64_t durable_seq = projector->durable_seq, projected = projector->projected_seq;
    bool sync_soon = projector->sync_soon;
    enum store_status status = STORE_OK;
    struct store_error error;

    projector->sync_soon = false;
    projector->syncing = sync_soon;
    pthread_mutex_unlock(&projector->lock);
    if (durable_seq > projected) {
        status = round_project(projector, durable_seq, &projected, &error);
    }
    if (status == STORE_OK) {
        __atomic_store_n(&projector->projected_seq, projected, __ATOMIC_RELEASE);
        thread_wake(projector->event_fd);
        status = log_move(projector, sync_soon, &error);
    }
    pthread_mutex_lock(&projector->lock);
    projector->syncing = false;
    if (sync_soon) {
        thread_wake(projector->event_fd);
    }
    projector->figures.rows = projector->rows;
    projector->figures.reads_disk = projector->source.reads_disk;
    if (status == STORE_DISK_FULL || status == STORE_IN_USE) {
        /* Nothing is lost: the journal has it. Until there is room again, history only lags. */
        thread_cond_wait_us(&projector->wake, &projector->lock, RETRY_US);
    } else if (status != STORE_OK) {
        projector->status = status;
        projector->error = error;
        projector->stop = true;
        thread_wake(projector->event_fd);
    }
    pthread_cond_broadcast(&projector->moved);
}

static void *
projector_run(void *context)
{
    struct projector *projector = context;

    thread_background(projector->niceness);
    pthread_mutex_lock(&projector->lock);
    while (work_wait(projector)) {
        work_do(projector);
    }
    pthread_mutex_unlock(&projector->lock);
    return NULL;
}

/* ------------------------------------------------------------- for the shell's thread */

static void
projector_free(struct projector *projector)
{
    source_fini(&projector->source);
    trail_fini(&projector->trail);
    pacer_fini(&projector->pacer);
    pthread_mutex_destroy(&projector->lock);
    pthread_cond_destroy(&projector->wake);
    pthread_cond_destroy(&projector->moved);
    free(projector);
}

enum store_status
projector_start(const struct engine_ops *ops, struct engine *engine, struct recent *recent,
                struct history **history_p, uint64_t mark_seq, uint64_t durable_seq,
                const struct store_options *options, int event_fd, struct projector **out_projector,
                struct store_error *out_error)
{
    struct projector *projector = calloc(1, sizeof(*projector));
    enum store_status status;

    assert(mark_seq <= durable_seq);
    if (projector == NULL) {
        return error_set(out_error, STORE_NO_MEMORY, "no memory for history");
    }
    pthread_mutex_init(&projector->lock, NULL);
    thread_cond_init(&projector->wake);
    thread_cond_init(&projector->moved);
    trail_init(&projector->trail);
    pacer_init(&projector->pacer);
    projector->history = *history_p;
    projector->niceness = options->history_nice;
    projector->lag_hurry = options->history_lag_max / 4 * 3;
    projector->caught_up_us = thread_clock_us();
    projector->event_fd = event_fd;
    projector->projected_seq = mark_seq;
    projector->durable_seq = durable_seq;
    projector->sync_soon = true;
    status = source_init(&projector->source, ops, engine, recent, false, options->history_cache_bytes_max, out_error);
    if (status == STORE_OK) {
        status = thread_start("qiao-history", projector_run, projector, &projector->thread, out_error);
    }
    if (status != STORE_OK) {
        projector_free(projector);
        return status;
    }
    *history_p = NULL;
    *out_projector = projector;
    return STORE_OK;
}

void
projector_stop(struct projector **projector_p, int64_t catch_up_us)
{
    struct projector *projector = *projector_p;
    uint64_t until_us = thread_clock_us() + (uint64_t)(catch_up_us > 0 ? catch_up_us : 0);
    struct store_error error;

    *projector_p = NULL;
    if (projector == NULL) {
        return;
    }
    pthread_mutex_lock(&projector->lock);
    while (!projector->stop && projector_projected(projector) < projector->durable_seq) {
        uint64_t now_us = thread_clock_us();
        if (now_us >= until_us) {
            break;
        }
        projector->sync_soon = true; /* do not wait for more */
        pthread_cond_signal(&projector->wake);
        thread_cond_wait_us(&projector->moved, &projector->lock, until_us - now_us);
    }
    projector->stop = true;
    pthread_cond_signal(&projector->wake);
    pthread_mutex_unlock(&projector->lock);
    pthread_join(projector->thread, NULL);
    /* What is not moved now is moved by the next start. */
    log_move(projector, true, &error);
    history_close(&projector->history);
    projector_free(projector);
}

void
projector_advance(struct projector *projector, uint64_t durable_seq)
{
    pthread_mutex_lock(&projector->lock);
    projector->durable_seq = durable_seq;
    if (projector->idle ||
        (projector->gathering && durable_seq - projector_projected(projector) >= GATHER_EVENTS)) {
        pthread_cond_signal(&projector->wake);
    }
    pthread_mutex_unlock(&projector->lock);
}

uint64_t
projector_projected(const struct projector *projector)
{
    return __atomic_load_n(&projector->projected_seq, __ATOMIC_ACQUIRE);
}

uint64_t
projector_synced(const struct projector *projector)
{
    return __atomic_load_n(&projector->synced_seq, __ATOMIC_ACQUIRE);
}

void
projector_sync_soon(struct projector *projector)
{
    pthread_mutex_lock(&projector->lock);
    projector->sync_soon = true;
    pthread_cond_signal(&projector->wake);
    pthread_mutex_unlock(&projector->lock);
}

bool
projector_sync_ended(struct projector *projector)
{
    bool ended;

    pthread_mutex_lock(&projector->lock);
    ended = !projector->sync_soon && !projector->syncing;
    pthread_mutex_unlock(&projector->lock);
    return ended;
}

enum store_status
projector_status(struct projector *projector, struct store_error *out_error)
{
    enum store_status status;

    pthread_mutex_lock(&projector->lock);
    status = projector->status;
    if (status != STORE_OK && out_error != NULL) {
        *out_error = projector->error;
    }
    pthread_mutex_unlock(&projector->lock);
    return status;
}

void
projector_figures(struct projector *projector, struct projector_figures *out_figures)
{
    pthread_mutex_lock(&projector->lock);
    *out_figures = projector->figures;
    pthread_mutex_unlock(&projector->lock);
    out_figures->projected_seq = projector_projected(projector);
    out_figures->synced_seq = projector_synced(projector);
}
