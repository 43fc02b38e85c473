/*
 * The memory engine: same promises, no disk. What was committed outlives the engine under its directory's name, as it
 * would on a disk, until engine_memory_forget; so the contract suite can reopen it. For tests and for measuring the rest.
 */
#include "store/engine_memory.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/error.h"

enum { MEMORY_BYTES_FREE = 1 << 30 };

static struct memory_disk *disks;
static pthread_mutex_t disks_lock = PTHREAD_MUTEX_INITIALIZER;

static void
disk_free(struct memory_disk *disk)
{
    for (uint32_t i = 0; i < disk->batch_count; i++) {
        batch_unref(&disk->batches[i]);
    }
    for (uint32_t i = 0; i < disk->open_count; i++) {
        free(disk->opens[i].p);
    }
    free(disk->batches);
    free(disk->opens);
    free(disk->snapshot);
    free(disk->dir);
    pthread_mutex_destroy(&disk->lock);
    free(disk);
}

void
engine_memory_forget(const char *dir)
{
    pthread_mutex_lock(&disks_lock);
    for (struct memory_disk **at = &disks; *at != NULL; at = &(*at)->next) {
        struct memory_disk *disk = *at;
        if (strcmp(disk->dir, dir) == 0) {
            assert(!disk->held);
            *at = disk->next;
            disk_free(disk);
            break;
        }
    }
    pthread_mutex_unlock(&disks_lock);
}

static struct memory_disk *
disk_find(const char *dir)
{
    struct memory_disk *disk = disks;

    while (disk != NULL && strcmp(disk->dir, dir) != 0) {
        disk = disk->next;
    }
    return disk;
}

static struct memory_disk *
disk_make(const char *dir, uint32_t shard)
{
    struct memory_disk *disk = calloc(1, sizeof(*disk));

    if (disk == NULL) {
        return NULL;
    }
    disk->dir = strdup(dir);
    if (disk->dir == NULL) {
        free(disk);
        return NULL;
    }
    pthread_mutex_init(&disk->lock, NULL);
    disk->state.shard = shard;
    disk->state.first_seq = 1;
    disk->next = disks;
    disks = disk;
    return disk;
}

static enum store_status
memory_take(const char *dir, const struct store_options *options, struct memory_disk **out_disk,
            struct store_error *out_error)
{
    struct memory_disk *disk = disk_find(dir);

    if (disk == NULL && !options->create) {
        return error_set(out_error, STORE_NOT_FOUND, "%s: no store here", dir);
    }
    if (disk == NULL) {
        disk = disk_make(dir, options->shard);
    }
    if (disk == NULL) {
        return error_set(out_error, STORE_NO_MEMORY, "no memory for the store");
    }
    if (disk->held) {
        enum store_status status = error_set(out_error, STORE_IN_USE, "%s: in use by process %d", dir, (int)getpid());
        if (out_error != NULL) {
            out_error->pid = (int)getpid();
        }
        return status;
    }
    if (disk->state.shard != options->shard) {
        return error_set(out_error, STORE_INVALID, "%s: this is the store of shard %u, not of shard %u", dir,
                         disk->state.shard, options->shard);
    }
    /* What is above the mark is left over from a stretch that was given up; the batches have those events. */
    while (disk->open_count > 0 && disk->opens[disk->open_count - 1].seq > disk->state.mark_seq) {
        free(disk->opens[--disk->open_count].p);
    }
    disk->held = true;
    *out_disk = disk;
    return STORE_OK;
}

static enum store_status
memory_open(const char *dir, const struct store_options *options, struct engine **out_engine,
            struct engine_state *out_state, struct store_error *out_error)
{
    struct engine *engine = calloc(1, sizeof(*engine));
    enum store_status status;

    if (engine == NULL) {
        return error_set(out_error, STORE_NO_MEMORY, "no memory for the store");
    }
    pthread_mutex_lock(&disks_lock);
    status = memory_take(dir, options, &engine->disk, out_error);
    pthread_mutex_unlock(&disks_lock);
    if (status != STORE_OK) {
        free(engine);
        return status;
    }
    engine->epoch = ++engine->disk->state.epoch;
    *out_state = engine->disk->state;
    *out_engine = engine;
    return STORE_OK;
}

static void
memory_close(struct engine **engine_p)
{
    struct engine *engine = *engine_p;

    *engine_p = NULL;
    if (engine == NULL) {
        return;
    }
    pthread_mutex_lock(&disks_lock);
    engine->disk->held = false;
    pthread_mutex_unlock(&disks_lock);
    free(engine);
}

/* ------------------------------------------------------------- writing */

static bool
array_reserve(void **items_p, uint32_t *cap, uint32_t need, size_t item_bytes)
{
    uint32_t more = *cap > 0 ? *cap : 64;
    void *items;

    if (need <= *cap) {
        return true;
    }
    while (more < need) {
        more *= 2;
    }
    items = realloc(*items_p, more * item_bytes);
    if (items == NULL) {
        return false;
    }
    *items_p = items;
    *cap = more;
    return true;
}

static enum store_status
memory_commit(struct engine *engine, const struct batch *batch, struct store_error *out_error)
{
    struct memory_disk *disk = engine->disk;
    struct batch *copy;
    enum store_status status = STORE_OK;

    assert(batch->sealed);
    pthread_mutex_lock(&disk->lock);
    if (disk->state.epoch != batch->epoch || disk->state.last_seq != batch->seq - 1) {
        status = error_set_seq(out_error, STORE_FENCED, batch->seq, "the owner's row does not stand at event %llu",
                               (unsigned long long)(batch->seq - 1));
    } else if ((copy = batch_copy(batch)) == NULL ||
               !array_reserve((void **)&disk->batches, &disk->batch_cap, disk->batch_count + 1,
                              sizeof(disk->batches[0]))) {
        batch_unref(&copy);
        status = error_set(out_error, STORE_IN_DOUBT, "no memory for a batch of %u bytes", batch->bytes);
    } else {
        disk->batches[disk->batch_count++] = copy;
        disk->state.last_seq = batch->seq + batch->n - 1;
        memcpy(disk->state.chain, batch->chain, BATCH_CHAIN_BYTES);
    }
    pthread_mutex_unlock(&disk->lock);
    return status;
}

static bool
step_open(struct memory_disk *disk, const struct engine_event *event)
{
    uint32_t i = memory_open_lower(disk, event->seq);
    uint8_t *p;

    if (i < disk->open_count && disk->opens[i].seq == event->seq) {
        return true;
    }
    p = malloc(event->n > 0 ? event->n : 1);
    if (p == NULL || !array_reserve((void **)&disk->opens, &disk->open_cap, disk->open_count + 1,
                                    sizeof(disk->opens[0]))) {
        free(p);
        return false;
    }
    memcpy(p, event->p, event->n);
    memmove(&disk->opens[i + 1], &disk->opens[i], sizeof(disk->opens[0]) * (disk->open_count - i));
    disk->opens[i] = (struct memory_event){.seq = event->seq, .request = event->request, .n = event->n, .p = p};
    disk->open_count++;
    return true;
}

static void
step_finished(struct memory_disk *disk, uint64_t request)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < disk->open_count; i++) {
        if (disk->opens[i].request == request) {
            free(disk->opens[i].p);
        } else {
            disk->opens[kept++] = disk->opens[i];
        }
    }
    disk->open_count = kept;
}

static void
step_prune(struct memory_disk *disk, uint64_t below, uint32_t batches_max)
{
    uint32_t gone = 0;

    if (below > disk->state.mark_seq + 1) {
        below = disk->state.mark_seq + 1;
    }
    while (gone < disk->batch_count && gone < batches_max &&
           disk->batches[gone]->seq + disk->batches[gone]->n <= below) {
        batch_unref(&disk->batches[gone]);
        gone++;
    }
    if (gone == 0) {
        return;
    }
    disk->batch_count -= gone;
    memmove(disk->batches, disk->batches + gone, sizeof(disk->batches[0]) * disk->batch_count);
    disk->state.first_seq = disk->batch_count > 0 ? disk->batches[0]->seq : disk->state.last_seq + 1;
}

static bool
step_snapshot(struct memory_disk *disk, const struct engine_step *step)
{
    uint8_t *snapshot = malloc(step->snapshot_bytes > 0 ? step->snapshot_bytes : 1);

    if (snapshot == NULL) {
        return false;
    }
    memcpy(snapshot, step->snapshot, step->snapshot_bytes);
    free(disk->snapshot);
    disk->snapshot = snapshot;
    disk->snapshot_bytes = step->snapshot_bytes;
    disk->state.snapshot_seq = step->snapshot_seq;
    return true;
}

static enum store_status
memory_step(struct engine *engine, const struct engine_step *step, struct store_error *out_error)
{
    struct memory_disk *disk = engine->disk;
    bool ok = true;

    pthread_mutex_lock(&disk->lock);
    for (uint32_t i = 0; ok && i < step->open_count; i++) {
        ok = step_open(disk, &step->open[i]);
    }
    ok = ok && (step->snapshot == NULL || step_snapshot(disk, step));
    if (ok) {
        for (uint32_t i = 0; i < step->finished_count; i++) {
            step_finished(disk, step->finished[i]);
        }
        if (step->mark_moves) {
            disk->state.mark_seq = step->mark_seq;
            memcpy(disk->state.mark_chain, step->mark_chain, BATCH_CHAIN_BYTES);
        }
        step_prune(disk, step->prune_below, step->prune_batches);
    }
    pthread_mutex_unlock(&disk->lock);
    return ok ? STORE_OK : error_set(out_error, STORE_IN_DOUBT, "no memory for a step of the mark");
}

static enum store_status
memory_checkpoint(struct engine *engine, bool all, bool *out_done, struct store_error *out_error)
{
    *out_done = false;
    return STORE_OK;
}

static uint64_t
memory_bytes_free(struct engine *engine)
{
    return MEMORY_BYTES_FREE;
}

static void
memory_sizes(struct engine *engine, uint64_t *out_file_bytes, uint64_t *out_log_bytes)
{
    struct memory_disk *disk = engine->disk;

    *out_file_bytes = *out_log_bytes = 0;
    pthread_mutex_lock(&disk->lock);
    for (uint32_t i = 0; i < disk->batch_count; i++) {
        *out_file_bytes += disk->batches[i]->bytes;
    }
    pthread_mutex_unlock(&disk->lock);
}

const struct engine_ops engine_memory = {
    .name = "memory",
    .open = memory_open,
    .close = memory_close,
    .commit = memory_commit,
    .step = memory_step,
    .checkpoint = memory_checkpoint,
    .bytes_free = memory_bytes_free,
    .sizes = memory_sizes,
    .reader_open = memory_reader_open,
    .reader_close = memory_reader_close,
    .batch = memory_batch,
    .open_event = memory_open_event,
    .open_walk = memory_open_walk,
    .snapshot = memory_snapshot,
    .state = memory_state,
};

const struct engine_ops *
engine_of(enum store_engine engine)
{
    return engine == STORE_ENGINE_MEMORY ? &engine_memory : &engine_sqlite;
}
