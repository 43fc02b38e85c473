/*
 * The store: where events become durable, and where finished requests are looked up.
 *
 * One handle joins four parts: the batch that fills, a committer thread that makes batches durable (journal), a second
 * thread that projects finished requests (history), and reads of both. It knows an event only as bytes and by the
 * common fields of the codec. It does not know what an event means, what a client is, or what time it is.
 *
 * Threads: every function here is for the one thread that opened the store (the shell's loop), except those under
 * "Other processes", which work on a directory and need no handle. None of them waits for a sync except store_open,
 * store_close and store_commit_wait.
 *
 * The round of the shell's loop:
 *     while (!store_batch_full(store) && (input = next())) { core_decide(...); store_append(...) for each event; }
 *     store_commit_begin(store);
 *     poll(store_fd, ...);
 *     store_commit_end(store, &durable_seq, &error)  → effects up to durable_seq may leave
 *     store_projected(store, &seq)                   → core_decide(projected(seq))
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum store_status {
    STORE_OK = 0,
    STORE_NOT_FOUND,  /* no such event, request or store */
    STORE_PRUNED,     /* it was there, retention took it */
    STORE_STOPPED,    /* a callback asked to stop */
    STORE_INVALID,    /* a cursor or an option makes no sense */
    STORE_IN_USE,     /* another process holds the directory; error.pid says which (0: unknown) */
    STORE_NEWER,      /* written by a newer Qiao: this one would damage it */
    STORE_DAMAGED,    /* bytes are not what was written; error.text says where, error.seq which event */
    STORE_BEHIND,     /* the journal ends before a witness: acknowledged events are missing; error.seq is the witness */
    STORE_READ_ONLY,  /* the directory or a file in it cannot be written */
    STORE_DISK_FULL,  /* no room even to start */
    STORE_FENCED,     /* another owner took this shard: our epoch is over */
    STORE_IN_DOUBT,   /* a write or sync failed; the batch may or may not be durable. Emit nothing of it and stop. */
    STORE_IO,         /* anything else the operating system or SQLite said, before anything was in doubt */
    STORE_NO_MEMORY,
};

/* "in use", "damaged" ... : one word or two for logs. */
const char *store_status_text(enum store_status status);

struct store_error {
    enum store_status status;
    int pid;
    uint64_t seq;
    char text[320]; /* one sentence for the operator: what, where, what to do */
};

enum store_engine { STORE_ENGINE_SQLITE, STORE_ENGINE_MEMORY };

enum store_durability {
    STORE_DURABLE, /* every commit is synced before it is reported */
    STORE_UNSYNCED, /* for benchmarks only: a commit survives the process, not the machine */
};

struct store_options {
    enum store_engine engine;
    enum store_durability durability;
    bool create;                  /* make a store where there is none; without it: STORE_NOT_FOUND */
    bool history;                 /* run the history thread */
    uint32_t shard;               /* of a new store; an old one must have the same */
    uint32_t batch_events_max;    /* where a batch counts as full */
    uint32_t batch_bytes_max;
    uint32_t here_events_max;     /* a batch of no more is committed by store_commit_begin itself, without the other thread */
    uint32_t pack_bytes_min;      /* a batch of fewer is not packed: somebody waits for it */
    uint64_t recent_bytes_max;    /* committed batches kept in memory, for the effects that follow and for history */
    uint64_t cache_bytes_max;     /* batches read back from disk by store_read */
    uint64_t history_cache_bytes_max; /* the same, for the history thread */
    uint32_t page_bytes;          /* SQLite's page of a new journal */
    uint64_t wal_bytes_max;       /* the log is moved into the file beyond this */
    uint64_t journal_bytes_max;   /* 0: no limit. A quota, and how tests fill a disk. */
    uint64_t disk_reserve_bytes;  /* store_disk_high below this much free space */
    uint64_t history_lag_max;     /* events; store_history_slow beyond it */
    uint64_t mark_distance;       /* events to replay from where on the mark is due when little is going on */
    uint64_t mark_distance_max;   /* and from where on it is due in any case; the same in bytes */
    uint64_t mark_bytes_max;
    uint64_t keep_events;         /* retention: journal events kept behind the mark; UINT64_MAX for all of them */
    int history_nice;             /* niceness of the history thread */
    const char *vfs;              /* name of a SQLite VFS, NULL for the default */
};

/* What qiaod uses when the configuration says nothing. Always start from this. */
void store_options_default(struct store_options *out_options);

struct store;

/*
 * Take the directory (it must exist), check what is in it, raise the epoch, start the threads.
 *
 * After STORE_OK the caller must call store_replay once, before the first store_append. On anything else nothing was
 * changed, *out_store is untouched, and *out_error is filled: NOT_FOUND, INVALID, IN_USE, NEWER, DAMAGED, BEHIND,
 * READ_ONLY, DISK_FULL, IO, NO_MEMORY.
 */
enum store_status store_open(const char *dir, const struct store_options *options, struct store **out_store,
                             struct store_error *out_error);

/*
 * Commit what fills, let history catch up as far as it comes within catch_up_us, move the logs into the files, stop
 * the threads, free all. Nulls *store_p. STORE_IN_DOUBT when that last commit failed (see out_error).
 */
enum store_status store_close(struct store **store_p, int64_t catch_up_us, struct store_error *out_error);

uint64_t store_epoch(const struct store *store);       /* raised by every open */
uint32_t store_shard(const struct store *store);
uint64_t store_last_seq(const struct store *store);    /* of the last event appended; 0: none ever */
uint64_t store_durable_seq(const struct store *store); /* of the last event known to be durable */
uint64_t store_first_seq(const struct store *store);   /* of the oldest event that the journal still has */

/* ------------------------------------------------------------- recovery */

enum store_origin {
    STORE_FROM_SNAPSHOT, /* made by the core at an earlier mark; seq is that snapshot's, not the event's */
    STORE_FROM_OPEN,     /* an old event of a request that was open at the mark */
    STORE_FROM_JOURNAL,
};

/* Anything but 0 ends the replay with STORE_STOPPED. The bytes live until the callback returns. */
typedef int store_replay_fn(void *context, enum store_origin origin, uint64_t seq, const uint8_t *p, uint32_t n);

/*
 * Hand over what makes up the durable state: first the snapshot, then the events of requests that were open at the
 * mark, then every event after it; the last two in order of sequence. CRC of every event and chain of every batch
 * after the mark are checked on the way.
 *
 * The snapshot was made at a sequence S at or above the mark. Events of no request (request id 0) up to S are not
 * handed over again, they are in it. Events of requests between mark and S are: what the snapshot says about requests
 * (keys, counters) must bear to be told twice. A request that has ended is handed over with all its events after the
 * mark or, if it began before, not at all.
 *
 * DAMAGED: serve nothing.
 */
enum store_status store_replay(struct store *store, store_replay_fn *fn, void *context, struct store_error *out_error);

/*
 * A client says that it was told `seen`. STORE_BEHIND when the journal never held it: acknowledged events are
 * missing; refuse to serve. (Every sequence that a client can have heard of is durable in a whole journal.)
 */
enum store_status store_witness(const struct store *store, uint64_t seen, struct store_error *out_error);

/* ------------------------------------------------------------- append and commit */

/*
 * Add one event to the batch that fills. seq must be store_last_seq + 1. The bytes are copied.
 * NO_MEMORY, or the error that ended the store (IN_DOUBT, FENCED): the event is not in.
 */
enum store_status store_append(struct store *store, uint64_t seq, const void *p, uint32_t n);

/* Should the caller stop taking inputs until a commit ended? An input may still append all its events after that. */
bool store_batch_full(const struct store *store);

/*
 * Hand the batch that fills to the committer if it is idle and there is something in it; otherwise nothing. A small batch
 * (here_events_max) may have been committed when this returns: store_commit_end tells.
 */
void store_commit_begin(struct store *store);

bool store_commit_busy(const struct store *store);

/* Readable when a commit ended, well or badly, or when history has moved on. For poll; never read it yourself. */
int store_fd(const struct store *store);

/*
 * Take note of the commit that ended, if one did, and clear store_fd. *out_durable_seq is what is durable now,
 * changed or not.
 *
 * Anything but STORE_OK is final: IN_DOUBT, FENCED; or what ended history or the mark's move (DAMAGED, IO, NO_MEMORY).
 * Nothing that is not durable yet may leave in any form; stop the process.
 */
enum store_status store_commit_end(struct store *store, uint64_t *out_durable_seq, struct store_error *out_error);

/* Begin and end commits until all that was appended is durable. For start, stop and tests. */
enum store_status store_commit_wait(struct store *store, struct store_error *out_error);

/* ------------------------------------------------------------- reading events */

/*
 * One event by its sequence, appended or durable: from memory, else from disk (with the whole batch around it). Its
 * CRC was checked. *out_p lives until the next call of store_read, store_append, store_commit_begin or store_commit_end.
 *
 * NOT_FOUND: above store_last_seq, or 0. PRUNED: older than the journal, and not of an open request (look in history).
 * DAMAGED: do not serve it.
 */
enum store_status store_read(struct store *store, uint64_t seq, const uint8_t **out_p, uint32_t *out_n,
                             struct store_error *out_error);

/* ------------------------------------------------------------- history: finished requests */

/*
 * Every request that finished at or before this sequence can be found in history, during replay too. Never falls. Of a
 * store without history: what is durable.
 */
void store_projected(struct store *store, uint64_t *out_seq);

/* The lag is above its cap: answer new submissions with retry-later. */
bool store_history_slow(const struct store *store);

enum { STORE_NAME_BYTES = 64, STORE_CURSOR_BYTES = 40 };

/* A finished request. The bytes live until the next call of store_history_*. */
struct store_finished {
    uint64_t id;
    uint64_t seq;        /* of its terminal event */
    int64_t finished_us; /* `at` of it, UTC */
    uint32_t status;     /* enum proto_status */
    const uint8_t *event; /* the terminal event, encoded */
    uint32_t event_n;
    const uint8_t *trail; /* its earlier events in order, for store_trail_next; in a list only when asked for */
    uint32_t trail_n;
};

/* NOT_FOUND: not finished, not projected yet, or never there. */
enum store_status store_history_get(struct store *store, uint64_t id, struct store_finished *out_finished,
                                    struct store_error *out_error);

/* Walk a trail: false at its end. *offset starts at 0. */
bool store_trail_next(const uint8_t *trail, uint32_t trail_n, uint32_t *offset, uint64_t *out_seq,
                      const uint8_t **out_p, uint32_t *out_n);

struct store_query {
    const char *requester; /* party names; NULL: any. With both, rows of either (an organisation that is both). */
    const char *performer;
    const char *service;   /* a name, or prefix.* */
    int64_t since_us;      /* finished at or after; 0: any */
    int64_t until_us;      /* finished before; 0: any */
    uint32_t status_mask;  /* 1 << enum proto_status; 0: any */
    const char *after;     /* cursor of the page before; NULL or "": from the newest */
    uint32_t rows_max;     /* rows handed over at most */
    uint32_t scan_max;     /* rows looked at at most; then the page ends early, with a cursor */
    bool trail;            /* rows come with their trails */
};

enum {
    STORE_ROW_TAKEN = 0,
    STORE_ROW_STOP = 1,    /* the page ends before this row, which the cursor then names as the next */
    STORE_ROW_PASSED = -1, /* not wanted: it does not count for rows_max */
};

typedef int store_finished_fn(void *context, const struct store_finished *row);

/*
 * Finished requests, newest first (by finished_us, then id). out_cursor (STORE_CURSOR_BYTES) is "" when that was all.
 * INVALID: the cursor is none of ours.
 */
enum store_status store_history_list(struct store *store, const struct store_query *query, store_finished_fn *fn,
                                     void *context, char *out_cursor, struct store_error *out_error);

/* ------------------------------------------------------------- the mark: what bounds replay and size */

/*
 * Would a restart now replay too much (mark_distance and so on), with history far enough to do something about it? Ask a
 * few times a second: it compares with the question before to see whether little is going on.
 */
bool store_mark_due(struct store *store);

/*
 * Move the mark towards store_durable_seq, in the background and in small steps: events of requests that are still
 * open are copied aside, the snapshot replaces the older one, batches behind the mark beyond keep_events are dropped.
 * Never above what history holds safely.
 *
 * The snapshot: events that rebuild the state that belongs to no open request, each as u32 length (little-endian) and
 * bytes, made at snapshot_seq, which must be store_last_seq at this call and durable when it is used (the store
 * waits for that). It is copied. NULL and 0: none; then events of no request are kept for ever.
 *
 * STORE_STOPPED: one is under way already.
 */
enum store_status store_mark_advance(struct store *store, const void *snapshot, size_t snapshot_bytes,
                                     uint64_t snapshot_seq);

/* ------------------------------------------------------------- figures */

struct store_stats {
    uint64_t epoch, first_seq, last_seq, durable_seq, projected_seq, synced_history_seq, mark_seq;
    uint64_t batches, syncs, commit_us_total, commit_us_max, journal_bytes_total,
        journal_stored_total; /* since start; bytes of events, and what they became when they were packed */
    uint64_t reads_recent, reads_cached, reads_disk;
    uint64_t history_rows, history_batches_read;
    uint64_t checkpoints, checkpoint_us_max;
    uint64_t journal_file_bytes, journal_log_bytes, history_file_bytes;
    uint64_t disk_free_bytes;
    uint64_t memory_bytes; /* batches in memory, all kinds */
    uint64_t batch_events, batch_bytes; /* of the batch that fills */
    bool compacting;
};

void store_stats(struct store *store, struct store_stats *out_stats);

/* Less free space than disk_reserve_bytes (or than that within journal_bytes_max): refuse new submissions. Cheap. */
bool store_disk_high(const struct store *store);

/* ------------------------------------------------------------- other processes */

struct store_verify_result {
    uint64_t batches, events, first_seq, last_seq, mark_seq, open_events, history_rows, faults;
    uint8_t chain[32]; /* of the last batch: compare it with one noted elsewhere */
};

/*
 * Read every batch: gaps, CRC of every event, chain, epochs, owner row, open table, history's mark. Works beside
 * a running qiaod. Each fault is one line on `report`. DAMAGED when there was one; otherwise OK or why it could not be read.
 */
enum store_status store_journal_verify(const char *dir, FILE *report, struct store_verify_result *out_result,
                                       struct store_error *out_error);

/* Events from..to (to 0: the end), one key=value line each. `body`: with body bytes in hex, otherwise only their count. */
enum store_status store_journal_dump(const char *dir, uint64_t from, uint64_t to, bool body, FILE *out,
                                     struct store_error *out_error);

/*
 * Make history.db anew from the journal and, for requests whose events were pruned, from what is whole in the old
 * history.db. qiaod must not run: IN_USE. *out_rows is how many requests it holds. *out_lost: OK, or what could not be taken
 * over because the old history was damaged, ended early or was gone. One that cannot be read now ends the rebuild, and stays.
 */
enum store_status store_history_rebuild(const char *dir, uint64_t *out_rows, struct store_error *out_lost, struct store_error *out_error);

/*
 * Copy a store, also while qiaod runs on it, into `to` (made, or empty). The copy opens as a store of its own, and its
 * history is never ahead of its journal. Takes no lock and moves nothing in the source.
 */
enum store_status store_backup(const char *from, const char *to, uint64_t *out_last_seq,
                               struct store_error *out_error);

#endif
