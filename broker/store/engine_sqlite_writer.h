/*
 * What the files of the SQLite engine's writing half share: its handle and its statements.
 */
#ifndef STORE_ENGINE_SQLITE_WRITER_H
#define STORE_ENGINE_SQLITE_WRITER_H

#include "store/engine_sqlite.h"

enum journal_stmt {
    STMT_BEGIN,
    STMT_COMMIT,
    STMT_ROLLBACK,
    STMT_OWN,
    STMT_BATCH,
    STMT_OPEN,
    STMT_FINISHED,
    STMT_SNAPSHOT,
    STMT_MARK,
    STMT_PRUNE,
    STMT_LEFT_OVER,
    STMT_EPOCH,
    STMT_COUNT,
};

struct engine {
    char dir[DIRECTORY_PATH_BYTES];
    int lock_fd;
    int witness_fd;
    sqlite3 *db;
    sqlite3_stmt *stmts[STMT_COUNT];
    uint32_t shard;
    uint64_t epoch;
    uint64_t last_seq;
    uint64_t page_bytes;
    uint64_t pages_max;    /* 0: no quota */
    uint64_t log_pages;    /* in the log after the last commit */
    uint64_t log_checked;  /* log_pages at the last checkpoint that could not start the log anew */
    uint64_t log_pages_max;
    struct engine_state mark; /* mark, snapshot and tally of the open table, as they are in the mark's row */
    char *vfs;
};

/* Run a statement that deletes open rows and returns their checksums, and take them off the tally. The SQLite code. */
int open_delete(struct engine *engine, sqlite3_stmt *stmt);

/* Write the mark's row. Within the transaction that changed what it is about. */
int mark_write(struct engine *engine);

enum store_status sqlite_open(const char *dir, const struct store_options *options, struct engine **out_engine,
                              struct engine_state *out_state, struct store_error *out_error);
void sqlite_close(struct engine **engine_p);

#endif
