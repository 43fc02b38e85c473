/*
 * Replay with one thread that reads and one that applies, a few batches apart.
 */
#include "store/replay.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "store/error.h"
#include "store/event.h"
#include "store/idset.h"
#include "store/thread.h"

enum { QUEUE_SIZE = 8 };

struct replay {
    const struct engine_ops *ops;
    struct engine_reader *reader; /* of the reading thread while it runs */
    const struct engine_state *state;
    store_replay_fn *fn;
    void *context;
    struct idset open;    /* requests of the open table */
    struct idset left_out; /* requests that had ended when the mark passed their beginning */

    pthread_mutex_t lock; /* for all below */
    pthread_cond_t moved;
    struct batch *queue[QUEUE_SIZE];
    uint64_t head, tail;
    bool stop;  /* the applying side has had enough */
    bool ended; /* the reading side has nothing more */
    enum store_status status;
    struct store_error error;
};

/* ------------------------------------------------------------- the reading side */

/* The batch that must come next, whole and linked to the one before. */
static enum store_status
batch_next(struct replay *replay, uint64_t seq, uint64_t epoch, const uint8_t chain[BATCH_CHAIN_BYTES],
           struct batch **out_batch, struct store_error *out_error)
{
    struct batch *batch = NULL;
    enum store_status status = replay->ops->batch(replay->reader, seq, &batch, out_error);
    uint64_t bad = 0;

    if (status == STORE_PRUNED || status == STORE_NOT_FOUND) {
        return error_set_seq(out_error, STORE_DAMAGED, seq, "a gap: no batch holds event %llu",
                             (unsigned long long)seq);
    }
    if (status != STORE_OK) {
        return status;
    }
    if (batch->seq != seq || batch->epoch < epoch) {
        status = error_set_seq(out_error, STORE_DAMAGED, seq, "batch %llu of epoch %llu cannot follow event %llu",
                               (unsigned long long)batch->seq, (unsigned long long)batch->epoch,
                               (unsigned long long)seq - 1);
    } else if (!batch_check(batch, chain, &bad)) {
        status = bad > 0 ? error_set_seq(out_error, STORE_DAMAGED, bad, "event %llu in batch %llu fails its checksum",
                                         (unsigned long long)bad, (unsigned long long)batch->seq)
                         : error_set_seq(out_error, STORE_DAMAGED, seq, "batch %llu does not continue the chain",
                                         (unsigned long long)batch->seq);
    }
    if (status != STORE_OK) {
        batch_unref(&batch);
        return status;
    }
    batch->trusted = true;
    *out_batch = batch;
    return STORE_OK;
}

/* False: the other side wants no more. Takes the reference. */
static bool
queue_push(struct replay *replay, struct batch **batch_p)
{
    bool stop;

    pthread_mutex_lock(&replay->lock);
    while (replay->tail - replay->head == QUEUE_SIZE && !replay->stop) {
        pthread_cond_wait(&replay->moved, &replay->lock);
    }
    stop = replay->stop;
    if (!stop) {
        replay->queue[replay->tail++ % QUEUE_SIZE] = *batch_p;
        *batch_p = NULL;
        pthread_cond_signal(&replay->moved);
    }
    pthread_mutex_unlock(&replay->lock);
    batch_unref(batch_p);
    return !stop;
}

static void *
replay_read(void *context)
{
    struct replay *replay = context;
    const struct engine_state *state = replay->state;
    enum store_status status = STORE_OK;
    struct store_error error;
    uint8_t chain[BATCH_CHAIN_BYTES];
    uint64_t seq = state->mark_seq + 1, epoch = 0;

    memcpy(chain, state->mark_chain, sizeof(chain));
    while (seq <= state->last_seq) {
        struct batch *batch = NULL;
        status = batch_next(replay, seq, epoch, chain, &batch, &error);
        if (status != STORE_OK) {
            break;
        }
        memcpy(chain, batch->chain, sizeof(chain));
        epoch = batch->epoch;
        seq += batch->n;
        if (!queue_push(replay, &batch)) {
            break;
        }
    }
    pthread_mutex_lock(&replay->lock);
    replay->ended = true;
    replay->status = status;
    if (status != STORE_OK) {
        replay->error = error;
    }
    pthread_cond_signal(&replay->moved);
    pthread_mutex_unlock(&replay->lock);
    return NULL;
}

/* ------------------------------------------------------------- the applying side */

/* NULL: the reading side ended, and its status counts. */
static struct batch *
queue_pop(struct replay *replay)
{
    struct batch *batch = NULL;

    pthread_mutex_lock(&replay->lock);
    while (replay->head == replay->tail && !replay->ended) {
        pthread_cond_wait(&replay->moved, &replay->lock);
    }
    if (replay->head < replay->tail) {
        batch = replay->queue[replay->head++ % QUEUE_SIZE];
        pthread_cond_signal(&replay->moved);
    }
    pthread_mutex_unlock(&replay->lock);
    return batch;
}

static enum store_status
event_apply(struct replay *replay, enum store_origin origin, uint64_t seq, const uint8_t *p, uint32_t n,
            struct store_error *out_error)
{
    if (replay->fn(replay->context, origin, seq, p, n) != 0) {
        return error_set_seq(out_error, STORE_STOPPED, seq, "event %llu was not taken", (unsigned long long)seq);
    }
    return STORE_OK;
}

/*
 * Two kinds of events after the mark are not handed over: up to its own sequence the snapshot holds everything that
 * belongs to no request; and the rest of a request whose beginning the mark has passed and that is not in the open
 * table: its end was durable and in history before its beginning was dropped.
 */
static bool
event_counts(struct replay *replay, uint64_t seq, const struct event_glance *event, bool *out_memory)
{
    const struct engine_state *state = replay->state;

    if (event->id == 0) {
        return seq > state->snapshot_seq;
    }
    if (event->prev == 0 || event->prev > state->mark_seq) {
        return !idset_has(&replay->left_out, event->id);
    }
    if (idset_has(&replay->open, event->id)) {
        return true;
    }
    *out_memory = idset_add(&replay->left_out, event->id);
    return false;
}

static enum store_status
batch_apply(struct replay *replay, const struct batch *batch, struct store_error *out_error)
{
    enum store_status status = STORE_OK;

    for (uint32_t i = 0; status == STORE_OK && i < batch->n; i++) {
        uint64_t seq = batch->seq + i;
        struct event_glance event;
        const uint8_t *p = NULL;
        bool memory = true;
        uint32_t n = 0;
        batch_event(batch, seq, &p, &n);
        if (replay->state->mark_seq == 0 || !event_look(p, n, &event) || event_counts(replay, seq, &event, &memory)) {
            status = event_apply(replay, STORE_FROM_JOURNAL, seq, p, n, out_error);
        }
        if (!memory) {
            status = error_set(out_error, STORE_NO_MEMORY, "no memory to replay");
        }
    }
    return status;
}

static enum store_status
batches_apply(struct replay *replay, struct store_error *out_error)
{
    enum store_status status = STORE_OK;
    struct batch *batch;
    pthread_t thread;

    status = thread_start("qiao-replay", replay_read, replay, &thread, out_error);
    if (status != STORE_OK) {
        return status;
    }
    while (status == STORE_OK && (batch = queue_pop(replay)) != NULL) {
        status = batch_apply(replay, batch, out_error);
        batch_unref(&batch);
    }
    pthread_mutex_lock(&replay->lock);
    replay->stop = true;
    pthread_cond_signal(&replay->moved);
    pthread_mutex_unlock(&replay->lock);
    pthread_join(thread, NULL);
    while (replay->head < replay->tail) {
        batch_unref(&replay->queue[replay->head++ % QUEUE_SIZE]);
    }
    if (status == STORE_OK && replay->status != STORE_OK) {
        *out_error = replay->error;
        status = replay->status;
    }
    return status;
}

static enum store_status
open_apply(void *context, const struct engine_event *event, struct store_error *out_error)
{
    struct replay *replay = context;
    struct event_glance glance;

    if (!event_look(event->p, event->n, &glance) || glance.id != event->request) {
        return error_set_seq(out_error, STORE_DAMAGED, event->seq, "open table: event %llu is not of its request",
                             (unsigned long long)event->seq);
    }
    if (event->request != 0 && !idset_add(&replay->open, event->request)) {
        return error_set(out_error, STORE_NO_MEMORY, "no memory to replay");
    }
    return event_apply(replay, STORE_FROM_OPEN, event->seq, event->p, event->n, out_error);
}

static enum store_status
snapshot_apply(struct replay *replay, struct store_error *out_error)
{
    uint8_t *bytes = NULL;
    uint32_t n = 0, at = 0;
    uint64_t seq = 0;
    enum store_status status = replay->ops->snapshot(replay->reader, &bytes, &n, &seq, out_error);

    while (status == STORE_OK && at < n) {
        uint32_t length = 0;
        if (n - at >= sizeof(length)) {
            memcpy(&length, bytes + at, sizeof(length));
            length = le32toh(length);
        }
        if (n - at < sizeof(length) || length > n - at - sizeof(length)) {
            status = error_set_seq(out_error, STORE_DAMAGED, seq, "the snapshot at event %llu is cut off",
                                   (unsigned long long)seq);
        } else {
            at += (uint32_t)sizeof(length);
            status = event_apply(replay, STORE_FROM_SNAPSHOT, seq, bytes + at, length, out_error);
            at += length;
        }
    }
    free(bytes);
    return status;
}

enum store_status
replay_run(const struct engine_ops *ops, struct engine *engine, const struct engine_state *state, store_replay_fn *fn,
           void *context, struct store_error *out_error)
{
    struct replay replay = {.ops = ops, .state = state, .fn = fn, .context = context};
    struct store_error error;
    enum store_status status = ops->reader_open(engine, &replay.reader, &error);

    if (status == STORE_OK) {
        pthread_mutex_init(&replay.lock, NULL);
        thread_cond_init(&replay.moved);
        status = snapshot_apply(&replay, &error);
        if (status == STORE_OK) {
            status = ops->open_walk(replay.reader, open_apply, &replay, &error);
        }
        if (status == STORE_OK) {
            status = batches_apply(&replay, &error);
        }
        pthread_mutex_destroy(&replay.lock);
        pthread_cond_destroy(&replay.moved);
        ops->reader_close(&replay.reader);
        idset_fini(&replay.open);
        idset_fini(&replay.left_out);
    }
    if (status != STORE_OK && out_error != NULL) {
        *out_error = error;
    }
    return status;
}
