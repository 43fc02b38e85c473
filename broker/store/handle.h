/*
 * What is inside a store's handle; for the files that make it up (store.c, fill.c, mark.c), nobody else.
 */
#ifndef STORE_HANDLE_H
#define STORE_HANDLE_H

#include "store/committer.h"
#include "store/compactor.h"
#include "store/directory.h"
#include "store/history.h"
#include "store/projector.h"
#include "store/recent.h"
#include "store/replay.h"
#include "store/source.h"

struct store {
    struct store_options options;
    char dir[DIRECTORY_PATH_BYTES];
    const struct engine_ops *ops;
    struct engine *engine;
    struct engine_state state; /* as it was when the store was opened */
    int event_fd;
    bool replayed, source_ready, recent_ready;

    struct committer *committer;
    struct batch *filling;
    struct batch *committing; /* given to the committer; only read until it ended */
    struct batch *spare;      /* a buffer to fill next */
    struct recent recent;
    struct source source;
    uint64_t last_seq, durable_seq;
    uint64_t bytes_free; /* after the last commit */
    struct store_error fatal;

    struct history *history; /* until the projector takes it over */
    uint64_t history_mark_seq;
    struct history_reader *history_reader;
    struct projector *projector;

    struct compactor *compactor;
    uint64_t mark_seq, first_seq;
    uint8_t *snapshot; /* waits to become durable */
    uint32_t snapshot_bytes;
    uint64_t snapshot_seq;
    bool mark_wanted;
    uint64_t asked_seq, asked_us; /* when the rate of events was looked at last */
    bool quiet;
    uint64_t bytes_committed; /* since start */
};

/* Start the compactor when its snapshot is durable, take note of what it did. After each commit. */
enum store_status mark_tend(struct store *store, struct store_error *out_error);

#endif
