/*
 * Moving the mark. See compactor.h.
 *
 * A stretch is read once, and a good way beyond its end, to learn which event is whose and which requests have ended;
 * then once more where there are events of others, to copy them. So a request that lives for a moment is never copied, wherever the stretch ends. What it
 * has behind the mark is dropped although it ended only beyond it: replay leaves out the rest of such requests (replay.c).
 *
 * In small steps: events are added (they do not count before the mark is past them), requests that have ended leave
 * (replay does without them, see above), and then the mark moves in one.
 */
#include "store/compactor.h"

#include <stdlib.h>
#include <string.h>

#include "store/error.h"
#include "store/event.h"
#include "store/idset.h"
#include "store/source.h"
#include "store/thread.h"

enum {
    STRETCH_EVENTS_MAX = 1 << 18,
    LOOK_AHEAD_EVENTS = 1 << 16, /* beyond the stretch, for requests that end a little later */
    STEP_FINISHED_MAX = 400,     /* requests that leave the open table in one step */
    STEP_ROWS_MAX = 1000,
    STEP_BYTES_MAX = 1 << 20,
    PRUNE_BATCHES_MAX = 16,
    REST_FACTOR = 2,             /* rest this many times as long as a step took: commits come first */
};

struct compactor {
    struct compactor_task task;
    struct source source;
    struct idset begun, ended; /* requests, within the stretch and the look ahead */
    uint64_t *finished;        /* those that ended there and began before: they may be in the open table */
    uint32_t finished_count, finished_cap;
    uint64_t *whose;           /* the request of each event of the stretch; 0: none */
    struct engine_event rows[STEP_ROWS_MAX];
    uint32_t row_count;
    uint8_t *bytes; /* of the rows */
    uint32_t bytes_n, bytes_cap;
    struct pacer pacer;
    pthread_t thread;

    pthread_mutex_t lock; /* for all below */
    pthread_cond_t wake;
    bool stop, over;
    uint64_t mark_seq, first_seq;
    enum store_status status;
    struct store_error error;
};

/* ------------------------------------------------------------- steps */

static bool
stopping(struct compactor *compactor)
{
    bool stop;

    pthread_mutex_lock(&compactor->lock);
    stop = compactor->stop;
    pthread_mutex_unlock(&compactor->lock);
    return stop;
}

static enum store_status
step_run(struct compactor *compactor, const struct engine_step *step, struct store_error *out_error)
{
    uint64_t us = thread_clock_us();
    enum store_status status = committer_step(compactor->task.committer, step, out_error);

    us = thread_clock_us() - us;
    pthread_mutex_lock(&compactor->lock);
    if (status == STORE_OK && !compactor->stop) {
        thread_cond_wait_us(&compactor->wake, &compactor->lock, us * REST_FACTOR);
    }
    pthread_mutex_unlock(&compactor->lock);
    return status;
}

static enum store_status
rows_flush(struct compactor *compactor, struct store_error *out_error)
{
    struct engine_step step = {.open = compactor->rows, .open_count = compactor->row_count};
    uint32_t at = 0;

    if (compactor->row_count == 0) {
        return STORE_OK;
    }
    /* The bytes may have moved while they were gathered. */
    for (uint32_t i = 0; i < compactor->row_count; i++) {
        compactor->rows[i].p = compactor->bytes + at;
        at += compactor->rows[i].n;
    }
    compactor->row_count = 0;
    compactor->bytes_n = 0;
    return step_run(compactor, &step, out_error);
}

static enum store_status
row_add(struct compactor *compactor, uint64_t seq, uint64_t request, const uint8_t *p, uint32_t n,
        struct store_error *out_error)
{
    enum store_status status = STORE_OK;

    if (compactor->row_count == STEP_ROWS_MAX || compactor->bytes_n >= STEP_BYTES_MAX) {
        status = rows_flush(compactor, out_error);
    }
    if (status != STORE_OK) {
        return status;
    }
    if (compactor->bytes_cap - compactor->bytes_n < n) {
        uint32_t cap = compactor->bytes_n + n + STEP_BYTES_MAX / 4;
        uint8_t *bytes = realloc(compactor->bytes, cap);
        if (bytes == NULL) {
            return error_set(out_error, STORE_NO_MEMORY, "no memory to move the mark");
        }
        compactor->bytes = bytes;
        compactor->bytes_cap = cap;
    }
    memcpy(compactor->bytes + compactor->bytes_n, p, n);
    compactor->bytes_n += n;
    compactor->rows[compactor->row_count++] = (struct engine_event){.seq = seq, .request = request, .n = n};
    return STORE_OK;
}

/* ------------------------------------------------------------- a stretch */

static enum store_status
finished_add(struct compactor *compactor, uint64_t request, struct store_error *out_error)
{
    if (compactor->finished_count == compactor->finished_cap) {
        uint32_t cap = compactor->finished_cap > 0 ? compactor->finished_cap * 2 : STEP_FINISHED_MAX;
        uint64_t *finished = realloc(compactor->finished, sizeof(finished[0]) * cap);
        if (finished == NULL) {
            return error_set(out_error, STORE_NO_MEMORY, "no memory to move the mark");
        }
        compactor->finished = finished;
        compactor->finished_cap = cap;
    }
    compactor->finished[compactor->finished_count++] = request;
    return STORE_OK;
}

/* First pass: who began and who ended. */
static enum store_status
event_learn(struct compactor *compactor, uint64_t seq, const struct event_glance *event, struct store_error *out_error)
{
    bool ok = true;

    if (seq - compactor->mark_seq <= STRETCH_EVENTS_MAX) {
        compactor->whose[seq - compactor->mark_seq - 1] = event->id;
    }
    if (event->id == 0) {
        return STORE_OK;
    }
    if (event->prev == 0) {
        ok = idset_add(&compactor->begun, event->id);
    }
    if (ok && event_is_terminal(event)) {
        ok = idset_add(&compactor->ended, event->id);
        if (ok && !idset_has(&compactor->begun, event->id)) {
            return finished_add(compactor, event->id, out_error);
        }
    }
    return ok ? STORE_OK : error_set(out_error, STORE_NO_MEMORY, "no memory to move the mark");
}

static enum store_status
batch_learn(struct compactor *compactor, const struct batch *batch, struct store_error *out_error)
{
    enum store_status status = STORE_OK;

    for (uint32_t i = 0; status == STORE_OK && i < batch->n; i++) {
        uint64_t seq = batch->seq + i;
        struct event_glance event;
        const uint8_t *p;
        uint32_t n;
        if (!batch_event(batch, seq, &p, &n) || !event_look(p, n, &event)) {
            return error_set_seq(out_error, STORE_DAMAGED, seq, "event %llu in batch %llu is not what was written",
                                 (unsigned long long)seq, (unsigned long long)batch->seq);
        }
        status = event_learn(compactor, seq, &event, out_error);
    }
    return status;
}

/* Is this event to be kept? What belongs to no request is in the snapshot, if there is one. */
static bool
event_stays(const struct compactor *compactor, uint64_t seq)
{
    uint64_t id = compactor->whose[seq - compactor->mark_seq - 1];

    return id == 0 ? compactor->task.snapshot_seq == 0 : !idset_has(&compactor->ended, id);
}

/* Where the stretch may end: a look ahead before the target, unless that is all there is. */
static uint64_t
stretch_limit(const struct compactor *compactor)
{
    uint64_t target = compactor->task.target_seq, limit = target;

    if (target > compactor->mark_seq + LOOK_AHEAD_EVENTS) {
        limit = target - LOOK_AHEAD_EVENTS;
    } else if (compactor->mark_seq > compactor->task.mark_seq) {
        limit = compactor->mark_seq; /* the rest is for the next time */
    }
    if (limit > compactor->mark_seq + STRETCH_EVENTS_MAX) {
        limit = compactor->mark_seq + STRETCH_EVENTS_MAX;
    }
    return limit;
}

/* Rest if the foreground is busy and there is no hurry. */
static void
stretch_rest(struct compactor *compactor)
{
    uint64_t rest_us = compactor->task.hurry ? 0 : pacer_rest_us(&compactor->pacer);

    if (rest_us > 0) {
        pthread_mutex_lock(&compactor->lock);
        if (!compactor->stop) {
            thread_cond_wait_us(&compactor->wake, &compactor->lock, rest_us);
        }
        pthread_mutex_unlock(&compactor->lock);
    }
}

static enum store_status
stretch_learn(struct compactor *compactor, uint64_t *out_end, uint8_t out_chain[BATCH_CHAIN_BYTES],
              struct store_error *out_error)
{
    uint64_t next = compactor->mark_seq + 1, limit = stretch_limit(compactor), end = compactor->mark_seq;
    uint64_t ahead = limit + LOOK_AHEAD_EVENTS < compactor->task.target_seq ? limit + LOOK_AHEAD_EVENTS
                                                                            : compactor->task.target_seq;
    enum store_status status = STORE_OK;

    idset_clear(&compactor->begun);
    idset_clear(&compactor->ended);
    compactor->finished_count = 0;
    while (status == STORE_OK && limit > compactor->mark_seq && next <= ahead && !stopping(compactor)) {
        struct batch *batch = NULL;
        pacer_begin(&compactor->pacer);
        status = source_batch(&compactor->source, next, &batch, out_error);
        if (status != STORE_OK || batch->seq + batch->n - 1 > compactor->task.target_seq) {
            break;
        }
        status = batch_learn(compactor, batch, out_error);
        next = batch->seq + batch->n;
        if (next - 1 <= limit) {
            end = next - 1;
            memcpy(out_chain, batch->chain, BATCH_CHAIN_BYTES);
        }
        stretch_rest(compactor);
    }
    *out_end = end;
    return status;
}

/* The first event of the stretch from seq on that stays; end + 1: none. */
static uint64_t
stays_next(const struct compactor *compactor, uint64_t seq, uint64_t end)
{
    while (seq <= end && !event_stays(compactor, seq)) {
        seq++;
    }
    return seq;
}

/* Second pass. */
static enum store_status
stretch_keep(struct compactor *compactor, uint64_t end, struct store_error *out_error)
{
    uint64_t seq = stays_next(compactor, compactor->mark_seq + 1, end);
    enum store_status status = STORE_OK;

    while (status == STORE_OK && seq <= end && !stopping(compactor)) {
        struct batch *batch = NULL;
        status = source_batch(&compactor->source, seq, &batch, out_error);
        while (status == STORE_OK && seq <= end && batch_has(batch, seq)) {
            const uint8_t *p;
            uint32_t n;
            if (!batch_event(batch, seq, &p, &n)) {
                return error_set_seq(out_error, STORE_DAMAGED, seq, "event %llu in batch %llu fails its checksum",
                                     (unsigned long long)seq, (unsigned long long)batch->seq);
            }
            status = row_add(compactor, seq, compactor->whose[seq - compactor->mark_seq - 1], p, n, out_error);
            seq = stays_next(compactor, seq + 1, end);
        }
    }
    return status == STORE_OK ? rows_flush(compactor, out_error) : status;
}

/* Needs the mark's move for nothing: without their rows, replay leaves these requests out. */
static enum store_status
stretch_release(struct compactor *compactor, struct store_error *out_error)
{
    enum store_status status = STORE_OK;

    for (uint32_t i = 0; status == STORE_OK && i < compactor->finished_count && !stopping(compactor);
         i += STEP_FINISHED_MAX) {
        uint32_t left = compactor->finished_count - i;
        struct engine_step step = {
            .finished = compactor->finished + i,
            .finished_count = left < STEP_FINISHED_MAX ? left : STEP_FINISHED_MAX,
        };
        status = step_run(compactor, &step, out_error);
    }
    return status;
}

static enum store_status
stretch_move(struct compactor *compactor, uint64_t end, const uint8_t chain[BATCH_CHAIN_BYTES],
             struct store_error *out_error)
{
    struct engine_step step = {
        .snapshot = compactor->task.snapshot,
        .snapshot_bytes = compactor->task.snapshot_bytes,
        .snapshot_seq = compactor->task.snapshot_seq,
        .mark_moves = true,
        .mark_seq = end,
    };
    enum store_status status;

    memcpy(step.mark_chain, chain, BATCH_CHAIN_BYTES);
    status = step_run(compactor, &step, out_error);
    if (status == STORE_OK) {
        free(compactor->task.snapshot);
        compactor->task.snapshot = NULL; /* once is enough: it is above every mark of this run */
        pthread_mutex_lock(&compactor->lock);
        compactor->mark_seq = end;
        pthread_mutex_unlock(&compactor->lock);
    }
    return status;
}

/* ------------------------------------------------------------- retention */

static enum store_status
journal_prune(struct compactor *compactor, struct store_error *out_error)
{
    struct engine_step step = {.prune_batches = PRUNE_BATCHES_MAX};
    struct engine_state state;
    enum store_status status;
    uint64_t before;

    if (compactor->task.keep_events >= compactor->mark_seq) {
        return STORE_OK;
    }
    step.prune_below = compactor->mark_seq + 1 - compactor->task.keep_events;
    do {
        before = compactor->first_seq;
        status = step_run(compactor, &step, out_error);
        if (status == STORE_OK) {
            status = compactor->task.ops->state(compactor->source.reader, &state, out_error);
        }
        if (status == STORE_OK) {
            pthread_mutex_lock(&compactor->lock);
            compactor->first_seq = state.first_seq;
            pthread_mutex_unlock(&compactor->lock);
        }
    } while (status == STORE_OK && compactor->first_seq > before && !stopping(compactor));
    return status;
}

/* ------------------------------------------------------------- the thread */

static enum store_status
compactor_work(struct compactor *compactor, struct store_error *out_error)
{
    enum store_status status = STORE_OK;

    while (status == STORE_OK && !stopping(compactor)) {
        uint8_t chain[BATCH_CHAIN_BYTES];
        uint64_t end;
        status = stretch_learn(compactor, &end, chain, out_error);
        if (status != STORE_OK || end == compactor->mark_seq || stopping(compactor)) {
            break;
        }
        status = stretch_keep(compactor, end, out_error);
        if (status == STORE_OK) {
            status = stretch_release(compactor, out_error);
        }
        if (status == STORE_OK && !stopping(compactor)) {
            status = stretch_move(compactor, end, chain, out_error);
        }
    }
    return status == STORE_OK && !stopping(compactor) ? journal_prune(compactor, out_error) : status;
}

static void *
compactor_run(void *context)
{
    struct compactor *compactor = context;
    struct store_error error;
    enum store_status status;

    thread_background(compactor->task.niceness);
    status = compactor_work(compactor, &error);
    pthread_mutex_lock(&compactor->lock);
    compactor->over = true;
    compactor->status = status;
    if (status != STORE_OK) {
        compactor->error = error;
    }
    pthread_mutex_unlock(&compactor->lock);
    return NULL;
}

static void
compactor_free(struct compactor *compactor)
{
    source_fini(&compactor->source);
    pacer_fini(&compactor->pacer);
    idset_fini(&compactor->begun);
    idset_fini(&compactor->ended);
    free(compactor->whose);
    free(compactor->finished);
    free(compactor->bytes);
    free(compactor->task.snapshot);
    pthread_mutex_destroy(&compactor->lock);
    pthread_cond_destroy(&compactor->wake);
    free(compactor);
}

enum store_status
compactor_start(const struct compactor_task *task, struct compactor **out_compactor, struct store_error *out_error)
{
    struct compactor *compactor = calloc(1, sizeof(*compactor));
    struct engine_state state;
    enum store_status status;

    if (compactor == NULL) {
        free(task->snapshot);
        return error_set(out_error, STORE_NO_MEMORY, "no memory to move the mark");
    }
    compactor->task = *task;
    compactor->whose = malloc(sizeof(compactor->whose[0]) * STRETCH_EVENTS_MAX);
    compactor->mark_seq = task->mark_seq;
    pthread_mutex_init(&compactor->lock, NULL);
    thread_cond_init(&compactor->wake);
    pacer_init(&compactor->pacer);
    idset_init(&compactor->begun);
    idset_init(&compactor->ended);
    status = compactor->whose != NULL ? STORE_OK
                                      : error_set(out_error, STORE_NO_MEMORY, "no memory to move the mark");
    if (status == STORE_OK) {
        status = source_init(&compactor->source, task->ops, task->engine, NULL, false, task->cache_bytes_max, out_error);
    }
    if (status == STORE_OK) {
        status = task->ops->state(compactor->source.reader, &state, out_error);
    }
    if (status == STORE_OK) {
        compactor->first_seq = state.first_seq;
        status = thread_start("qiao-compact", compactor_run, compactor, &compactor->thread, out_error);
    }
    if (status != STORE_OK) {
        compactor_free(compactor);
        return status;
    }
    *out_compactor = compactor;
    return STORE_OK;
}

bool
compactor_ended(struct compactor *compactor, uint64_t *out_mark_seq, uint64_t *out_first_seq)
{
    bool over;

    pthread_mutex_lock(&compactor->lock);
    over = compactor->over;
    *out_mark_seq = compactor->mark_seq;
    *out_first_seq = compactor->first_seq;
    pthread_mutex_unlock(&compactor->lock);
    return over;
}

enum store_status
compactor_stop(struct compactor **compactor_p, uint64_t *out_mark_seq, uint64_t *out_first_seq,
               struct store_error *out_error)
{
    struct compactor *compactor = *compactor_p;
    enum store_status status;

    *compactor_p = NULL;
    pthread_mutex_lock(&compactor->lock);
    compactor->stop = true;
    pthread_cond_signal(&compactor->wake);
    pthread_mutex_unlock(&compactor->lock);
    pthread_join(compactor->thread, NULL);
    status = compactor->status;
    *out_mark_seq = compactor->mark_seq;
    *out_first_seq = compactor->first_seq;
    if (status != STORE_OK && out_error != NULL) {
        *out_error = compactor->error;
    }
    compactor_free(compactor);
    return status;
}
