/*
 * What a store engine must do: keep batches, the open table and the mark. One file per engine implements it; the
 * contract suite (tests/store) runs the same tests over every engine.
 *
 * An engine knows nothing of threads, caches, history or what an event means. All calls are synchronous.
 * - The writer (engine_open ... engine_close) is used by one thread at a time and by one process per directory.
 * - Readers are used by one thread each, see only what is committed, never write, lock nothing and checkpoint nothing.
 */
#ifndef STORE_ENGINE_H
#define STORE_ENGINE_H

#include "store/batch.h"

struct engine;
struct engine_reader;

/* Where a journal stands. */
struct engine_state {
    uint32_t shard;
    uint64_t epoch;
    uint64_t last_epoch; /* of the last batch; 0: there is none */
    uint64_t first_seq; /* of the oldest event in a batch; last_seq + 1 when there is no batch */
    uint64_t last_seq;
    uint64_t mark_seq;
    uint64_t snapshot_seq;                  /* 0: no snapshot */
    uint64_t open_rows, open_sum;           /* tally of the open table, where the engine keeps one */
    uint8_t chain[BATCH_CHAIN_BYTES];       /* of the last batch; zeros before the first */
    uint8_t mark_chain[BATCH_CHAIN_BYTES];  /* of the batch that ends at the mark */
};

/* An event on its way to or from the open table. */
struct engine_event {
    uint64_t seq;
    uint64_t request;
    const uint8_t *p;
    uint32_t n;
};

/* One transaction beside the batches: a step of moving the mark, or of pruning. */
struct engine_step {
    const struct engine_event *open; /* to add; one that is there already stays as it is */
    uint32_t open_count;
    const uint64_t *finished; /* requests whose open events go, if there are any */
    uint32_t finished_count;
    const uint8_t *snapshot; /* replaces the old one; NULL: none */
    uint32_t snapshot_bytes;
    uint64_t snapshot_seq;
    bool mark_moves;
    uint64_t mark_seq; /* the last event of a batch */
    uint8_t mark_chain[BATCH_CHAIN_BYTES];
    uint64_t prune_below;   /* batches that end below this go; never above the mark */
    uint32_t prune_batches; /* at most so many in this step */
};

/* Return anything but STORE_OK to end the walk with it. The bytes live until it returns. */
typedef enum store_status engine_event_fn(void *context, const struct engine_event *event,
                                          struct store_error *out_error);

struct engine_ops {
    const char *name;

    /*
     * Take the directory, check format, settings and owner row, raise the epoch durably. On failure nothing changed.
     */
    enum store_status (*open)(const char *dir, const struct store_options *options, struct engine **out_engine,
                              struct engine_state *out_state, struct store_error *out_error);
    void (*close)(struct engine **engine_p);

    /*
     * Make a sealed batch durable. FENCED: the owner row names another epoch or another end than this batch follows;
     * nothing was written. IN_DOUBT: anything else; the engine must not be used for writing again.
     */
    enum store_status (*commit)(struct engine *engine, const struct batch *batch, struct store_error *out_error);

    /* Same statuses. All of the step or nothing. */
    enum store_status (*step)(struct engine *engine, const struct engine_step *step, struct store_error *out_error);

    /* Move the log into the file when it is larger than the options say, or (all) however small. IN_DOUBT is final. */
    enum store_status (*checkpoint)(struct engine *engine, bool all, bool *out_done, struct store_error *out_error);

    /* Bytes that can still be written: of the disk, or of the quota. */
    uint64_t (*bytes_free)(struct engine *engine);

    /* Sizes of the file and of its log. */
    void (*sizes)(struct engine *engine, uint64_t *out_file_bytes, uint64_t *out_log_bytes);

    enum store_status (*reader_open)(struct engine *engine, struct engine_reader **out_reader,
                                     struct store_error *out_error);
    void (*reader_close)(struct engine_reader **reader_p);

    /* The batch that holds seq; PRUNED below the first, NOT_FOUND above the last. */
    enum store_status (*batch)(struct engine_reader *reader, uint64_t seq, struct batch **out_batch,
                               struct store_error *out_error);

    /* One event of the open table, at or below the mark. The bytes live until the reader's next call. */
    enum store_status (*open_event)(struct engine_reader *reader, uint64_t seq, struct engine_event *out_event,
                                    struct store_error *out_error);

    /* All of them in order of sequence. DAMAGED also when the table is not whole. */
    enum store_status (*open_walk)(struct engine_reader *reader, engine_event_fn *fn, void *context,
                                   struct store_error *out_error);

    /* The snapshot's bytes (malloc, the caller frees) and its sequence; NULL and 0 when there is none. */
    enum store_status (*snapshot)(struct engine_reader *reader, uint8_t **out_bytes, uint32_t *out_n,
                                  uint64_t *out_seq, struct store_error *out_error);

    enum store_status (*state)(struct engine_reader *reader, struct engine_state *out_state,
                               struct store_error *out_error);
};

extern const struct engine_ops engine_memory;
extern const struct engine_ops engine_sqlite;

const struct engine_ops *engine_of(enum store_engine engine);

/* For tests: the memory engine keeps what was committed under a directory's name until this, as a disk would. */
void engine_memory_forget(const char *dir);

#endif
