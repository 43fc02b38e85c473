/*
 * The compactor: a thread that runs only while the mark moves.
 *
 * Stretch by stretch of the journal behind the mark it finds the requests that have not ended, copies their events to
 * the open table, removes those that have ended from it, moves the mark and drops what retention lets go. A request
 * counts as ended only when its last event is at or below the target: durable, and safe in history.
 * All writing goes through the committer in small steps.
 */
#ifndef STORE_COMPACTOR_H
#define STORE_COMPACTOR_H

#include "store/committer.h"

struct compactor;

struct compactor_task {
    const struct engine_ops *ops;
    struct engine *engine;
    struct committer *committer;
    uint64_t mark_seq;     /* where the mark is */
    uint64_t target_seq;   /* how far it may move: durable, and safe in history */
    uint64_t keep_events;  /* behind the mark */
    uint8_t *snapshot;     /* malloc; taken over. NULL: none */
    uint32_t snapshot_bytes;
    uint64_t snapshot_seq; /* at or above target_seq, durable */
    uint64_t cache_bytes_max;
    bool hurry;            /* do not give way to a busy foreground */
    int niceness;
};

/* On failure the snapshot is freed too. */
enum store_status compactor_start(const struct compactor_task *task, struct compactor **out_compactor,
                                  struct store_error *out_error);

/* Where the mark and the journal's beginning are now. True: it is over. */
bool compactor_ended(struct compactor *compactor, uint64_t *out_mark_seq, uint64_t *out_first_seq);

/* Ends it at the next step and joins; gives where things are, and how it went. */
enum store_status compactor_stop(struct compactor **compactor_p, uint64_t *out_mark_seq, uint64_t *out_first_seq,
                                 struct store_error *out_error);

#endif
