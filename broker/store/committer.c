/*
 * The committer's thread and its one-place mailbox.
 */
#include "store/committer.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "store/error.h"
#include "store/thread.h"

enum { WRITTEN_PER_LOOK = 64 };

struct committer {
    const struct engine_ops *ops;
    struct engine *engine;
    uint32_t pack_bytes_min;
    int event_fd;
    pthread_t thread;
    uint8_t chain[BATCH_CHAIN_BYTES]; /* of the last batch written; whose engine_used is it */
    struct batch packing;             /* keeps the memory for packing between batches; the same */

    pthread_mutex_t lock; /* for all below */
    pthread_cond_t work;  /* something came in */
    pthread_cond_t ended; /* something ended */
    struct batch *batch;  /* to be written, or being written */
    const struct engine_step *step;
    bool step_ended;
    bool engine_used;     /* by the thread, or by committer_write */
    bool log_looked_at;   /* false: see whether the log has grown */
    uint32_t written;     /* by committer_write */
    bool stop;
    enum store_status status;
    struct store_error error;
    struct committer_figures figures;
};

/* Remember the first error; called with the lock held. */
static void
status_keep(struct committer *committer, enum store_status status, const struct store_error *error)
{
    if (status != STORE_OK && committer->status == STORE_OK) {
        committer->status = status;
        committer->error = *error;
    }
}

/* Called with the lock held; lets go of it while it writes. */
static void
batch_write(struct committer *committer)
{
    struct batch *batch = committer->batch;
    enum store_status status = committer->status;
    struct store_error error = committer->error;
    uint32_t stored = 0;
    uint64_t us = 0;

    if (status == STORE_OK) {
        pthread_mutex_unlock(&committer->lock);
        us = thread_clock_us();
        batch_packed_move(&committer->packing, batch);
        batch_seal(batch, committer->chain, committer->pack_bytes_min);
        batch_stored(batch, &stored);
        status = committer->ops->commit(committer->engine, batch, &error);
        us = thread_clock_us() - us;
        memcpy(committer->chain, batch->chain, sizeof(committer->chain));
        batch_packed_move(batch, &committer->packing);
        pthread_mutex_lock(&committer->lock);
    }
    if (status == STORE_OK) {
        committer->figures.batches++;
        committer->figures.bytes_total += batch->bytes;
        committer->figures.stored_bytes_total += stored;
        committer->figures.commit_us_total += us;
        if (us > committer->figures.commit_us_max) {
            committer->figures.commit_us_max = us;
        }
    }
    status_keep(committer, status, &error);
    committer->batch = NULL;
    pthread_cond_broadcast(&committer->ended);
}

static void
step_write(struct committer *committer)
{
    const struct engine_step *step = committer->step;
    enum store_status status = committer->status;
    struct store_error error = committer->error;

    if (status == STORE_OK) {
        pthread_mutex_unlock(&committer->lock);
        status = committer->ops->step(committer->engine, step, &error);
        pthread_mutex_lock(&committer->lock);
        committer->figures.steps++;
    }
    status_keep(committer, status, &error);
    committer->step = NULL;
    committer->step_ended = true;
    pthread_cond_broadcast(&committer->ended);
    if (status != STORE_OK) {
        thread_wake(committer->event_fd);
    }
}

/* After a commit was reported, so that only the next one waits for it. */
static void
log_move(struct committer *committer)
{
    enum store_status status;
    struct store_error error;
    bool done = false;
    uint64_t us;

    if (committer->status != STORE_OK) {
        return;
    }
    pthread_mutex_unlock(&committer->lock);
    us = thread_clock_us();
    status = committer->ops->checkpoint(committer->engine, false, &done, &error);
    us = thread_clock_us() - us;
    pthread_mutex_lock(&committer->lock);
    if (done) {
        committer->figures.checkpoints++;
        if (us > committer->figures.checkpoint_us_max) {
            committer->figures.checkpoint_us_max = us;
        }
    }
    status_keep(committer, status, &error);
    if (status != STORE_OK) {
        thread_wake(committer->event_fd);
    }
}

/* Called with the lock held. False: there is nothing to do. */
static bool
work_do(struct committer *committer)
{
    if (committer->engine_used) {
        return false; /* committer_write says when it is free again */
    }
    committer->engine_used = true;
    if (committer->batch != NULL) {
        batch_write(committer);
        thread_wake(committer->event_fd);
        log_move(committer);
    } else if (committer->step != NULL) {
        step_write(committer);
        log_move(committer);
    } else if (!committer->log_looked_at) {
        committer->log_looked_at = true;
        log_move(committer);
    } else {
        committer->engine_used = false;
        return false;
    }
    committer->engine_used = false;
    return true;
}

static void *
committer_run(void *context)
{
    struct committer *committer = context;

    pthread_mutex_lock(&committer->lock);
    while (true) {
        if (work_do(committer)) {
            continue;
        }
        if (committer->stop) {
            break;
        }
        pthread_cond_wait(&committer->work, &committer->lock);
    }
    pthread_mutex_unlock(&committer->lock);
    return NULL;
}

enum store_status
committer_start(const struct engine_ops *ops, struct engine *engine, const struct store_options *options,
                const uint8_t chain[BATCH_CHAIN_BYTES], int event_fd, struct committer **out_committer, struct store_error *out_error)
{
    struct committer *committer = calloc(1, sizeof(*committer));
    enum store_status status;

    if (committer == NULL) {
        return error_set(out_error, STORE_NO_MEMORY, "no memory for the committer");
    }
    committer->ops = ops;
    committer->engine = engine;
    committer->pack_bytes_min = options->pack_bytes_min;
    committer->event_fd = event_fd;
    memcpy(committer->chain, chain, sizeof(committer->chain));
    pthread_mutex_init(&committer->lock, NULL);
    pthread_cond_init(&committer->work, NULL);
    pthread_cond_init(&committer->ended, NULL);
    status = thread_start("qiao-commit", committer_run, committer, &committer->thread, out_error);
    if (status != STORE_OK) {
        free(committer);
        return status;
    }
    *out_committer = committer;
    return STORE_OK;
}

void
committer_stop(struct committer **committer_p)
{
    struct committer *committer = *committer_p;

    *committer_p = NULL;
    if (committer == NULL) {
        return;
    }
    pthread_mutex_lock(&committer->lock);
    assert(committer->batch == NULL);
    committer->stop = true;
    pthread_cond_signal(&committer->work);
    pthread_mutex_unlock(&committer->lock);
    pthread_join(committer->thread, NULL);
    pthread_mutex_destroy(&committer->lock);
    pthread_cond_destroy(&committer->work);
    pthread_cond_destroy(&committer->ended);
    batch_packed_drop(&committer->packing);
    free(committer);
}

void
committer_give(struct committer *committer, struct batch *batch)
{
    pthread_mutex_lock(&committer->lock);
    assert(committer->batch == NULL);
    committer->batch = batch;
    pthread_cond_signal(&committer->work);
    pthread_mutex_unlock(&committer->lock);
}

bool
committer_write(struct committer *committer, struct batch *batch)
{
    bool free;

    pthread_mutex_lock(&committer->lock);
    assert(committer->batch == NULL);
    free = !committer->engine_used && committer->step == NULL;
    if (free) {
        committer->engine_used = true;
        committer->batch = batch;
        batch_write(committer);
        thread_wake(committer->event_fd);
        committer->engine_used = false;
        committer->log_looked_at = ++committer->written % WRITTEN_PER_LOOK != 0;
        if (committer->step != NULL || !committer->log_looked_at) {
            pthread_cond_signal(&committer->work);
        }
    }
    pthread_mutex_unlock(&committer->lock);
    return free;
}

bool
committer_ended(struct committer *committer, bool wait, enum store_status *out_status, struct store_error *out_error)
{
    bool ended;

    pthread_mutex_lock(&committer->lock);
    while (wait && committer->batch != NULL) {
        pthread_cond_wait(&committer->ended, &committer->lock);
    }
    ended = committer->batch == NULL;
    *out_status = committer->status;
    if (committer->status != STORE_OK && out_error != NULL) {
        *out_error = committer->error;
    }
    pthread_mutex_unlock(&committer->lock);
    return ended;
}

enum store_status
committer_step(struct committer *committer, const struct engine_step *step, struct store_error *out_error)
{
    enum store_status status;

    pthread_mutex_lock(&committer->lock);
    assert(committer->step == NULL);
    committer->step = step;
    committer->step_ended = false;
    pthread_cond_signal(&committer->work);
    while (!committer->step_ended) {
        pthread_cond_wait(&committer->ended, &committer->lock);
    }
    status = committer->status;
    if (status != STORE_OK && out_error != NULL) {
        *out_error = committer->error;
    }
    pthread_mutex_unlock(&committer->lock);
    return status;
}

void
committer_figures(struct committer *committer, struct committer_figures *out_figures)
{
    pthread_mutex_lock(&committer->lock);
    *out_figures = committer->figures;
    pthread_mutex_unlock(&committer->lock);
}
