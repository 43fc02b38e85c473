/*
 * The SQLite engine's writing half: one connection to journal.db, which alone writes and checkpoints.
 *
 * WAL, synchronous=FULL, both read back. The log is moved into the file by this connection between commits, when it has
 * grown; never by SQLite on its own. It knows the tables of the journal and nothing above them.
 */
#include "store/engine_sqlite_writer.h"

#include <string.h>

#include "store/bypass.h"
#include "store/crc32c.h"
#include "store/error.h"
#include "store/gather.h"

/* Whether the write reached the disk is not known; only a new start can tell. */
static enum store_status
in_doubt(struct engine *engine, const char *what, struct store_error *out_error)
{
    char message[160];

    snprintf(message, sizeof(message), "%s", sqlite3_errmsg(engine->db));
    gather_stop(engine->db);
    sql_step(engine->stmts[STMT_ROLLBACK]);
    /* Closing would move the log, and sync once more what a sync has failed for (D3). */
    sqlite3_db_config(engine->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    return error_set_seq(out_error, STORE_IN_DOUBT, engine->last_seq + 1,
                         "%s/" JOURNAL_NAME ": %s failed: %s. What followed event %llu may or may not be durable;"
                         " stop, and start again to find out.",
                         engine->dir, what, message, (unsigned long long)engine->last_seq);
}

static int
batch_insert(struct engine *engine, const struct batch *batch)
{
    sqlite3_stmt *stmt = engine->stmts[STMT_BATCH];
    uint32_t n;
    const uint8_t *stored = batch_stored(batch, &n);
    int rc;

    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)batch->seq);
    sqlite3_bind_int64(stmt, 2, engine->shard);
    sqlite3_bind_int64(stmt, 3, batch->n);
    sqlite3_bind_int64(stmt, 4, (sqlite3_int64)batch->epoch);
    sqlite3_bind_blob(stmt, 5, batch->chain, BATCH_CHAIN_BYTES, SQLITE_STATIC);
    if (batch->packed_bytes > 0) {
        sqlite3_bind_int64(stmt, 6, batch->bytes);
    }
    sqlite3_bind_blob(stmt, 7, stored, (int)n, SQLITE_STATIC);
    rc = sql_step(stmt);
    sqlite3_clear_bindings(stmt);
    return rc;
}

static enum store_status
sqlite_commit(struct engine *engine, const struct batch *batch, struct store_error *out_error)
{
    sqlite3_stmt *own = engine->stmts[STMT_OWN];
    uint64_t end = batch->seq + batch->n - 1;

    if (sql_step(engine->stmts[STMT_BEGIN]) != SQLITE_DONE) {
        return in_doubt(engine, "begin", out_error);
    }
    sqlite3_bind_int64(own, 1, (sqlite3_int64)end);
    sqlite3_bind_int64(own, 2, engine->shard);
    sqlite3_bind_int64(own, 3, (sqlite3_int64)batch->epoch);
    sqlite3_bind_int64(own, 4, (sqlite3_int64)(batch->seq - 1));
    if (sql_step(own) != SQLITE_DONE) {
        return in_doubt(engine, "write", out_error);
    }
    if (sqlite3_changes(engine->db) != 1) {
        sql_step(engine->stmts[STMT_ROLLBACK]);
        return error_set_seq(out_error, STORE_FENCED, batch->seq,
                             "%s/" JOURNAL_NAME ": the owner's row does not stand at event %llu of epoch %llu:"
                             " another process owns this shard",
                             engine->dir, (unsigned long long)(batch->seq - 1), (unsigned long long)batch->epoch);
    }
    if (batch_insert(engine, batch) != SQLITE_DONE) {
        return in_doubt(engine, "write", out_error);
    }
    if (sql_step(engine->stmts[STMT_COMMIT]) != SQLITE_DONE) {
        return in_doubt(engine, "commit", out_error);
    }
    engine->last_seq = end;
    witness_write(engine->witness_fd, engine->shard, end);
    return STORE_OK;
}

/* ------------------------------------------------------------- step */

int
open_delete(struct engine *engine, sqlite3_stmt *stmt)
{
    int rc;

    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        engine->mark.open_rows--;
        engine->mark.open_sum -= (uint64_t)sqlite3_column_int64(stmt, 0);
    }
    sqlite3_reset(stmt);
    return rc;
}

int
mark_write(struct engine *engine)
{
    const struct engine_state *mark = &engine->mark;
    sqlite3_stmt *stmt = engine->stmts[STMT_MARK];
    int rc;

    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)mark->mark_seq);
    sqlite3_bind_blob(stmt, 2, mark->mark_chain, BATCH_CHAIN_BYTES, SQLITE_STATIC);
    sqlite3_bind_int64(stmt, 3, (sqlite3_int64)mark->open_rows);
    sqlite3_bind_int64(stmt, 4, (sqlite3_int64)mark->open_sum);
    sqlite3_bind_int64(stmt, 5, (sqlite3_int64)mark->snapshot_seq);
    sqlite3_bind_int64(stmt, 6, journal_mark_crc(mark));
    rc = sql_step(stmt);
    sqlite3_clear_bindings(stmt);
    return rc;
}

static int
step_open(struct engine *engine, const struct engine_step *step)
{
    int rc = SQLITE_DONE;

    for (uint32_t i = 0; i < step->open_count && rc == SQLITE_DONE; i++) {
        const struct engine_event *event = &step->open[i];
        sqlite3_stmt *stmt = engine->stmts[STMT_OPEN];
        sqlite3_bind_int64(stmt, 1, (sqlite3_int64)event->seq);
        sqlite3_bind_int64(stmt, 2, (sqlite3_int64)event->request);
        uint32_t crc = crc32c_event(event->seq, event->p, event->n);
        sqlite3_bind_int64(stmt, 3, crc);
        sqlite3_bind_blob(stmt, 4, event->p, (int)event->n, SQLITE_STATIC);
        rc = sql_step(stmt);
        sqlite3_clear_bindings(stmt);
        if (rc == SQLITE_DONE && sqlite3_changes(engine->db) == 1) {
            engine->mark.open_rows++;
            engine->mark.open_sum += crc;
        }
    }
    for (uint32_t i = 0; i < step->finished_count && rc == SQLITE_DONE; i++) {
        sqlite3_bind_int64(engine->stmts[STMT_FINISHED], 1, (sqlite3_int64)step->finished[i]);
        rc = open_delete(engine, engine->stmts[STMT_FINISHED]);
    }
    return rc;
}

static int
step_mark(struct engine *engine, const struct engine_step *step)
{
    sqlite3_stmt *stmt;
    int rc = SQLITE_DONE;

    if (step->snapshot != NULL) {
        stmt = engine->stmts[STMT_SNAPSHOT];
        sqlite3_bind_int64(stmt, 1, (sqlite3_int64)step->snapshot_seq);
        sqlite3_bind_int64(stmt, 2, crc32c_event(step->snapshot_seq, step->snapshot, step->snapshot_bytes));
        sqlite3_bind_blob(stmt, 3, step->snapshot, (int)step->snapshot_bytes, SQLITE_STATIC);
        rc = sql_step(stmt);
        sqlite3_clear_bindings(stmt);
        engine->mark.snapshot_seq = step->snapshot_seq;
    }
    if (step->mark_moves) {
        engine->mark.mark_seq = step->mark_seq;
        memcpy(engine->mark.mark_chain, step->mark_chain, BATCH_CHAIN_BYTES);
    }
    if (rc == SQLITE_DONE) {
        rc = mark_write(engine);
    }
    if (rc == SQLITE_DONE && step->prune_batches > 0) {
        stmt = engine->stmts[STMT_PRUNE];
        sqlite3_bind_int64(stmt, 1, (sqlite3_int64)step->prune_below);
        sqlite3_bind_int64(stmt, 2, step->prune_batches);
        rc = sql_step(stmt);
    }
    return rc;
}

static enum store_status
sqlite_step(struct engine *engine, const struct engine_step *step, struct store_error *out_error)
{
    if (sql_step(engine->stmts[STMT_BEGIN]) != SQLITE_DONE || step_open(engine, step) != SQLITE_DONE ||
        step_mark(engine, step) != SQLITE_DONE || sql_step(engine->stmts[STMT_COMMIT]) != SQLITE_DONE) {
        return in_doubt(engine, "a step of the mark", out_error);
    }
    return STORE_OK;
}

static enum store_status
sqlite_checkpoint(struct engine *engine, bool all, bool *out_done, struct store_error *out_error)
{
    int log = 0, moved = 0;
    int rc;

    *out_done = false;
    if (!all && engine->log_pages < engine->log_checked + engine->log_pages_max) {
        return STORE_OK;
    }
    rc = sqlite3_wal_checkpoint_v2(engine->db, NULL, all ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE,
                                   &log, &moved);
    if ((rc != SQLITE_OK && rc != SQLITE_BUSY) || bypass_failed(engine->db)) {
        return in_doubt(engine, "checkpoint", out_error);
    }
    if (rc == SQLITE_BUSY) {
        return STORE_OK; /* a reader stands in the way; the log just stays longer */
    }
    engine->log_checked = engine->log_pages;
    *out_done = true;
    return STORE_OK;
}

static uint64_t
sqlite_bytes_free(struct engine *engine)
{
    uint64_t bytes = directory_bytes_free(engine->dir);

    if (engine->pages_max > 0) {
        uint64_t file = directory_file_bytes(engine->dir, JOURNAL_NAME);
        uint64_t log = __atomic_load_n(&engine->log_pages, __ATOMIC_RELAXED) * engine->page_bytes;
        uint64_t quota = engine->pages_max * engine->page_bytes;
        uint64_t left = file + log < quota ? quota - file - log : 0;
        bytes = left < bytes ? left : bytes;
    }
    return bytes;
}

static void
sqlite_sizes(struct engine *engine, uint64_t *out_file_bytes, uint64_t *out_log_bytes)
{
    *out_file_bytes = directory_file_bytes(engine->dir, JOURNAL_NAME);
    *out_log_bytes = directory_file_bytes(engine->dir, JOURNAL_NAME "-wal");
}

static enum store_status
sqlite_reader_open(struct engine *engine, struct engine_reader **out_reader, struct store_error *out_error)
{
    char path[DIRECTORY_PATH_BYTES];
    enum store_status status = directory_path(engine->dir, JOURNAL_NAME, path, out_error);

    return status == STORE_OK ? journal_reader_open(path, engine->vfs, out_reader, out_error) : status;
}

const struct engine_ops engine_sqlite = {
    .name = "sqlite",
    .open = sqlite_open,
    .close = sqlite_close,
    .commit = sqlite_commit,
    .step = sqlite_step,
    .checkpoint = sqlite_checkpoint,
    .bytes_free = sqlite_bytes_free,
    .sizes = sqlite_sizes,
    .reader_open = sqlite_reader_open,
    .reader_close = journal_reader_close,
    .batch = journal_batch,
    .open_event = journal_open_event,
    .open_walk = journal_open_walk,
    .snapshot = journal_snapshot,
    .state = journal_state,
};
