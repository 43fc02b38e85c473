/*
 * The SQLite engine's writing half: one connection to journal.db, which alone writes and checkpoints.
 *
 * WAL, synchronous=FULL, both read back. The log is moved into the file by this connection between commits, when it has
 * grown; never by SQLite on its own. It knows the tables of the journal and nothing above them.
 */
#include "store/engine_sqlite.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/crc32c.h"
#include "store/directory.h"
#include "store/error.h"

static const char schema_sql[] =
    "BEGIN IMMEDIATE;"
    /* The owner's row: every commit moves seq from the end it follows, under its epoch, or writes nothing. */
    "CREATE TABLE shard (id INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, seq INTEGER NOT NULL);"
    "CREATE TABLE batch (seq INTEGER PRIMARY KEY, shard INTEGER NOT NULL, n INTEGER NOT NULL, epoch INTEGER NOT NULL,"
    " chain BLOB NOT NULL, data BLOB NOT NULL);"
    "CREATE TABLE mark (id INTEGER PRIMARY KEY, seq INTEGER NOT NULL, chain BLOB NOT NULL);"
    "CREATE TABLE open (seq INTEGER PRIMARY KEY, request INTEGER NOT NULL, crc INTEGER NOT NULL, data BLOB NOT NULL);"
    "CREATE INDEX open_request ON open (request);"
    "CREATE TABLE snapshot (id INTEGER PRIMARY KEY, seq INTEGER NOT NULL, crc INTEGER NOT NULL, data BLOB NOT NULL);"
    "INSERT INTO mark VALUES (1, 0, zeroblob(32));"
    "INSERT INTO shard VALUES (%lld, 0, 0);"
    "PRAGMA application_id = 0x5169616f;"
    "PRAGMA user_version = 1;"
    "COMMIT";

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
    STMT_COUNT,
};

static const char *const stmt_sql[STMT_COUNT] = {
    [STMT_BEGIN] = "BEGIN IMMEDIATE",
    [STMT_COMMIT] = "COMMIT",
    [STMT_ROLLBACK] = "ROLLBACK",
    [STMT_OWN] = "UPDATE shard SET seq = ?1 WHERE id = ?2 AND epoch = ?3 AND seq = ?4",
    [STMT_BATCH] = "INSERT INTO batch (seq, shard, n, epoch, chain, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [STMT_OPEN] = "INSERT OR IGNORE INTO open (seq, request, crc, data) VALUES (?1, ?2, ?3, ?4)",
    [STMT_FINISHED] = "DELETE FROM open WHERE request = ?1",
    [STMT_SNAPSHOT] = "INSERT OR REPLACE INTO snapshot (id, seq, crc, data) VALUES (1, ?1, ?2, ?3)",
    [STMT_MARK] = "UPDATE mark SET seq = ?1, chain = ?2 WHERE id = 1",
    [STMT_PRUNE] = "DELETE FROM batch WHERE seq IN (SELECT seq FROM batch WHERE"
                   " seq < ?1 AND seq + n <= min(?1, (SELECT seq FROM mark) + 1) ORDER BY seq LIMIT ?2)",
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
    char *vfs;
};

static int
log_grew(void *context, sqlite3 *db, const char *name, int pages)
{
    struct engine *engine = context;

    engine->log_pages = (uint64_t)pages;
    if (engine->log_checked > engine->log_pages) {
        engine->log_checked = 0;
    }
    return SQLITE_OK;
}

static void
sqlite_close(struct engine **engine_p)
{
    struct engine *engine = *engine_p;

    *engine_p = NULL;
    if (engine == NULL) {
        return;
    }
    for (int i = 0; i < STMT_COUNT; i++) {
        sqlite3_finalize(engine->stmts[i]);
    }
    if (engine->db != NULL) {
        sql_close(&engine->db);
    }
    if (engine->witness_fd >= 0) {
        close(engine->witness_fd);
    }
    directory_unlock(&engine->lock_fd);
    free(engine->vfs);
    free(engine);
}

/* ------------------------------------------------------------- open */

static enum store_status
settings_apply(struct engine *engine, const struct store_options *options, bool fresh, struct store_error *out_error)
{
    bool synced = options->durability == STORE_DURABLE;
    sqlite3 *db = engine->db;
    enum store_status status = STORE_OK;
    int64_t page = 0, count = 0;

    if (fresh) {
        status = sql_run_number(db, "PRAGMA page_size = %lld", options->page_bytes, JOURNAL_NAME, out_error);
    }
    if (status == STORE_OK) {
        status = sql_setting(db, "PRAGMA journal_mode = WAL", "wal", out_error);
    }
    if (status == STORE_OK) {
        status = sql_run(db, synced ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = OFF", JOURNAL_NAME, out_error);
    }
    if (status == STORE_OK) {
        status = sql_setting(db, "PRAGMA synchronous", synced ? "2" : "0", out_error);
    }
    if (status == STORE_OK) {
        status = sql_setting(db, "PRAGMA wal_autocheckpoint = 0", "0", out_error);
    }
    if (status == STORE_OK) {
        status = sql_run(db, "PRAGMA cache_size = -1024; PRAGMA temp_store = MEMORY; PRAGMA secure_delete = OFF; PRAGMA cell_size_check = ON",
                         JOURNAL_NAME, out_error);
    }
    if (status == STORE_OK) {
        status = sql_number(db, "PRAGMA page_size", &page, out_error);
    }
    if (status == STORE_OK) {
        status = sql_number(db, "PRAGMA page_count", &count, out_error);
    }
    if (status != STORE_OK) {
        return status;
    }
    engine->page_bytes = (uint64_t)page;
    engine->pages_max = options->journal_pages_max;
    engine->log_pages_max = options->wal_bytes_max / engine->page_bytes + 1;
    if (engine->pages_max > 0) {
        if (!fresh && (uint64_t)count >= engine->pages_max) {
            return error_set(out_error, STORE_DISK_FULL, "%s/" JOURNAL_NAME ": %lld pages, its quota is %llu",
                             engine->dir, (long long)count, (unsigned long long)engine->pages_max);
        }
        return sql_run_number(db, "PRAGMA max_page_count = %lld", (int64_t)engine->pages_max, JOURNAL_NAME, out_error);
    }
    return STORE_OK;
}

static enum store_status
schema_make(struct engine *engine, uint32_t shard, struct store_error *out_error)
{
    char sql[sizeof(schema_sql) + 32];
    enum store_status status;

    sqlite3_snprintf(sizeof(sql), sql, schema_sql, (sqlite3_int64)shard);
    status = sql_run(engine->db, sql, JOURNAL_NAME, out_error);
    if (status != STORE_OK) {
        sqlite3_exec(engine->db, "ROLLBACK", NULL, NULL, NULL);
    }
    return status;
}

/* The journal must reach at least as far as its witness. */
static enum store_status
witness_check(const struct engine *engine, uint64_t last_seq, struct store_error *out_error)
{
    uint32_t shard;
    uint64_t seq;

    if (witness_read(engine->dir, &shard, &seq) && seq > last_seq) {
        return error_set_seq(out_error, STORE_BEHIND, seq,
                             "%s: the journal ends at event %llu, but event %llu was durable: acknowledged requests are"
                             " missing. Restore a backup; or remove journal.end to serve without them.",
                             engine->dir, (unsigned long long)last_seq, (unsigned long long)seq);
    }
    return STORE_OK;
}

static enum store_status
state_check(const struct engine *engine, const struct store_options *options, const struct engine_state *state,
            struct store_error *out_error)
{
    if (state->shard != options->shard) {
        return error_set(out_error, STORE_INVALID, "%s: this is the store of shard %u, not of shard %u", engine->dir,
                         state->shard, options->shard);
    }
    if (state->mark_seq > state->last_seq) {
        return error_set_seq(out_error, STORE_DAMAGED, state->mark_seq,
                             "%s: the mark is at event %llu, the journal ends at %llu", engine->dir,
                             (unsigned long long)state->mark_seq, (unsigned long long)state->last_seq);
    }
    return witness_check(engine, state->last_seq, out_error);
}

static enum store_status
epoch_raise(struct engine *engine, const struct engine_state *state, struct store_error *out_error)
{
    char sql[256];

    /* Rows above the mark are left over from a stretch that was given up; the batches have those events. */
    sqlite3_snprintf(sizeof(sql), sql,
                     "BEGIN IMMEDIATE; UPDATE shard SET epoch = %lld WHERE id = %lld;"
                     "DELETE FROM open WHERE seq > %lld; COMMIT",
                     (sqlite3_int64)(state->epoch + 1), (sqlite3_int64)state->shard, (sqlite3_int64)state->mark_seq);
    return sql_run(engine->db, sql, JOURNAL_NAME, out_error);
}

static enum store_status
journal_open(struct engine *engine, const struct store_options *options, struct engine_state *out_state,
             struct store_error *out_error)
{
    bool fresh = !directory_has(engine->dir, JOURNAL_NAME);
    char path[DIRECTORY_PATH_BYTES];
    enum store_status status = directory_path(engine->dir, JOURNAL_NAME, path, out_error);

    if (status == STORE_OK && fresh && !options->create) {
        status = error_set(out_error, STORE_NOT_FOUND, "%s: no store here", engine->dir);
    }
    if (status == STORE_OK && fresh) {
        status = witness_check(engine, 0, out_error);
    }
    if (status == STORE_OK && fresh && options->vfs == NULL) {
        status = directory_file_make(path, out_error);
    }
    if (status == STORE_OK) {
        status = sql_open(path, fresh ? SQL_WRITE_CREATE : SQL_WRITE, options->vfs, &engine->db, out_error);
    }
    if (status == STORE_OK && !fresh) {
        /* A start that was killed before it made its tables leaves an empty file, which is as good as none. */
        int64_t pages = 0;
        status = sql_number(engine->db, "PRAGMA page_count", &pages, out_error);
        fresh = status == STORE_OK && pages == 0;
        if (status == STORE_OK && !fresh) {
            status = sql_format_check(engine->db, JOURNAL_FORMAT, path, out_error);
        }
    }
    if (status == STORE_OK) {
        status = settings_apply(engine, options, fresh, out_error);
    }
    if (status == STORE_OK && fresh) {
        status = schema_make(engine, options->shard, out_error);
    }
    if (status == STORE_OK) {
        status = journal_state_load(engine->db, out_state, out_error);
    }
    return status == STORE_OK ? state_check(engine, options, out_state, out_error) : status;
}

static enum store_status
sqlite_open(const char *dir, const struct store_options *options, struct engine **out_engine,
            struct engine_state *out_state, struct store_error *out_error)
{
    struct engine *engine = calloc(1, sizeof(*engine));
    struct engine_state state;
    enum store_status status;

    if (engine == NULL) {
        return error_set(out_error, STORE_NO_MEMORY, "no memory for the store");
    }
    engine->lock_fd = engine->witness_fd = -1;
    snprintf(engine->dir, sizeof(engine->dir), "%s", dir);
    engine->vfs = options->vfs != NULL ? strdup(options->vfs) : NULL;
    status = directory_lock(dir, &engine->lock_fd, out_error);
    if (status == STORE_OK) {
        status = journal_open(engine, options, &state, out_error);
    }
    for (int i = 0; status == STORE_OK && i < STMT_COUNT; i++) {
        status = sql_prepare(engine->db, stmt_sql[i], &engine->stmts[i], out_error);
    }
    if (status == STORE_OK) {
        status = witness_open(dir, &engine->witness_fd, out_error);
    }
    if (status == STORE_OK) {
        sqlite3_wal_hook(engine->db, log_grew, engine);
        status = epoch_raise(engine, &state, out_error);
    }
    if (status != STORE_OK) {
        sqlite_close(&engine);
        return status;
    }
    state.epoch++;
    engine->shard = state.shard;
    engine->epoch = state.epoch;
    engine->last_seq = state.last_seq;
    *out_state = state;
    *out_engine = engine;
    return STORE_OK;
}

/* ------------------------------------------------------------- commit */

/* Whether the write reached the disk is not known; only a new start can tell. */
static enum store_status
in_doubt(struct engine *engine, const char *what, struct store_error *out_error)
{
    char message[160];

    snprintf(message, sizeof(message), "%s", sqlite3_errmsg(engine->db));
    sql_step(engine->stmts[STMT_ROLLBACK]);
    return error_set_seq(out_error, STORE_IN_DOUBT, engine->last_seq + 1,
                         "%s/" JOURNAL_NAME ": %s failed: %s. What followed event %llu may or may not be durable;"
                         " stop, and start again to find out.",
                         engine->dir, what, message, (unsigned long long)engine->last_seq);
}

static int
batch_insert(struct engine *engine, const struct batch *batch)
{
    sqlite3_stmt *stmt = engine->stmts[STMT_BATCH];
    int rc;

    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)batch->seq);
    sqlite3_bind_int64(stmt, 2, engine->shard);
    sqlite3_bind_int64(stmt, 3, batch->n);
    sqlite3_bind_int64(stmt, 4, (sqlite3_int64)batch->epoch);
    sqlite3_bind_blob(stmt, 5, batch->chain, BATCH_CHAIN_BYTES, SQLITE_STATIC);
    sqlite3_bind_blob(stmt, 6, batch->data, (int)batch->bytes, SQLITE_STATIC);
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

static int
step_open(struct engine *engine, const struct engine_step *step)
{
    int rc = SQLITE_DONE;

    for (uint32_t i = 0; i < step->open_count && rc == SQLITE_DONE; i++) {
        const struct engine_event *event = &step->open[i];
        sqlite3_stmt *stmt = engine->stmts[STMT_OPEN];
        sqlite3_bind_int64(stmt, 1, (sqlite3_int64)event->seq);
        sqlite3_bind_int64(stmt, 2, (sqlite3_int64)event->request);
        sqlite3_bind_int64(stmt, 3, crc32c_event(event->seq, event->p, event->n));
        sqlite3_bind_blob(stmt, 4, event->p, (int)event->n, SQLITE_STATIC);
        rc = sql_step(stmt);
        sqlite3_clear_bindings(stmt);
    }
    for (uint32_t i = 0; i < step->finished_count && rc == SQLITE_DONE; i++) {
        sqlite3_bind_int64(engine->stmts[STMT_FINISHED], 1, (sqlite3_int64)step->finished[i]);
        rc = sql_step(engine->stmts[STMT_FINISHED]);
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
    }
    if (rc == SQLITE_DONE && step->mark_moves) {
        stmt = engine->stmts[STMT_MARK];
        sqlite3_bind_int64(stmt, 1, (sqlite3_int64)step->mark_seq);
        sqlite3_bind_blob(stmt, 2, step->mark_chain, BATCH_CHAIN_BYTES, SQLITE_STATIC);
        rc = sql_step(stmt);
        sqlite3_clear_bindings(stmt);
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
    if (rc == SQLITE_BUSY) {
        return STORE_OK; /* a reader stands in the way; the log just stays longer */
    }
    if (rc != SQLITE_OK) {
        return in_doubt(engine, "checkpoint", out_error);
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
        uint64_t log = engine->log_pages * engine->page_bytes;
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
