/*
 * Opening a journal.db for writing: format, settings (read back), owner's row, witness, epoch.
 */
#include "store/engine_sqlite_writer.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/bypass.h"
#include "store/error.h"
#include "store/gather.h"

static const char schema_sql[] =
    "BEGIN IMMEDIATE;"
    /* The owner's row: every commit moves seq from the end it follows, under its epoch, or writes nothing. */
    "CREATE TABLE shard (id INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, seq INTEGER NOT NULL);"
    /* size: of the events, where data is packed. */
    "CREATE TABLE batch (seq INTEGER PRIMARY KEY, shard INTEGER NOT NULL, n INTEGER NOT NULL, epoch INTEGER NOT NULL,"
    " chain BLOB NOT NULL, size INTEGER, data BLOB NOT NULL);"
    "CREATE TABLE mark (id INTEGER PRIMARY KEY, seq INTEGER NOT NULL, chain BLOB NOT NULL,"
    " open_rows INTEGER NOT NULL, open_sum INTEGER NOT NULL, snapshot_seq INTEGER NOT NULL, crc INTEGER NOT NULL);"
    "CREATE TABLE open (seq INTEGER PRIMARY KEY, request INTEGER NOT NULL, crc INTEGER NOT NULL, data BLOB NOT NULL);"
    "CREATE INDEX open_request ON open (request);"
    "CREATE TABLE snapshot (id INTEGER PRIMARY KEY, seq INTEGER NOT NULL, crc INTEGER NOT NULL, data BLOB NOT NULL);"
    "INSERT INTO mark VALUES (1, 0, zeroblob(32), 0, 0, 0, %lld);"
    "INSERT INTO shard VALUES (%lld, 0, 0);"
    "PRAGMA application_id = 0x5169616f;"
    "PRAGMA user_version = 2;"
    "COMMIT";

/* Format 1 packed nothing. */
static const char raise_sql[] =
    "BEGIN IMMEDIATE; ALTER TABLE batch ADD COLUMN size INTEGER; PRAGMA user_version = 2; COMMIT";

static const char *const stmt_sql[STMT_COUNT] = {
    [STMT_BEGIN] = "BEGIN IMMEDIATE",
    [STMT_COMMIT] = "COMMIT",
    [STMT_ROLLBACK] = "ROLLBACK",
    [STMT_OWN] = "UPDATE shard SET seq = ?1 WHERE id = ?2 AND epoch = ?3 AND seq = ?4",
    [STMT_BATCH] = "INSERT INTO batch (seq, shard, n, epoch, chain, size, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [STMT_OPEN] = "INSERT OR IGNORE INTO open (seq, request, crc, data) VALUES (?1, ?2, ?3, ?4)",
    [STMT_FINISHED] = "DELETE FROM open WHERE request = ?1 RETURNING crc",
    [STMT_SNAPSHOT] = "INSERT OR REPLACE INTO snapshot (id, seq, crc, data) VALUES (1, ?1, ?2, ?3)",
    [STMT_MARK] = "UPDATE mark SET seq = ?1, chain = ?2, open_rows = ?3, open_sum = ?4, snapshot_seq = ?5, crc = ?6",
    /* Rows above the mark are left over from a stretch that was given up; the batches have those events. */
    [STMT_LEFT_OVER] = "DELETE FROM open WHERE seq > ?1 RETURNING crc",
    [STMT_EPOCH] = "UPDATE shard SET epoch = ?1 WHERE id = ?2",
    [STMT_PRUNE] = "DELETE FROM batch WHERE seq IN (SELECT seq FROM batch WHERE"
                   " seq < ?1 AND seq + n <= min(?1, (SELECT seq FROM mark) + 1) ORDER BY seq LIMIT ?2)",
};

static int
log_grew(void *context, sqlite3 *db, const char *name, int pages)
{
    struct engine *engine = context;

    /* The shell's thread looks at it too, for the room that is left. */
    __atomic_store_n(&engine->log_pages, (uint64_t)pages, __ATOMIC_RELAXED);
    if (engine->log_checked > (uint64_t)pages) {
        engine->log_checked = 0;
    }
    return SQLITE_OK;
}

void
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
        /* Without spilling, nothing of a transaction is written before its commit. */
        status = sql_run(db, "PRAGMA cache_size = -1024; PRAGMA cache_spill = OFF; PRAGMA temp_store = MEMORY;"
                             " PRAGMA secure_delete = OFF; PRAGMA cell_size_check = ON",
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
    engine->log_pages_max = options->wal_bytes_max / engine->page_bytes + 1;
    if (options->journal_bytes_max > 0) {
        engine->pages_max = options->journal_bytes_max / engine->page_bytes + (options->journal_bytes_max < engine->page_bytes);
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
    struct engine_state fresh = {.mark_seq = 0};
    char sql[sizeof(schema_sql) + 64];
    enum store_status status;

    sqlite3_snprintf(sizeof(sql), sql, schema_sql, (sqlite3_int64)journal_mark_crc(&fresh),
                     (sqlite3_int64)shard);
    status = sql_run(engine->db, sql, JOURNAL_NAME, out_error);
    if (status != STORE_OK) {
        sqlite3_exec(engine->db, "ROLLBACK", NULL, NULL, NULL);
    }
    return status;
}

static enum store_status
state_check(const struct engine *engine, const struct store_options *options, const struct engine_state *state,
            struct store_error *out_error)
{
    if (state->shard != options->shard) {
        return error_set(out_error, STORE_INVALID, "%s: this is the store of shard %u, not of shard %u", engine->dir,
                         state->shard, options->shard);
    }
    if (state->last_epoch > state->epoch) {
        return error_set_seq(out_error, STORE_DAMAGED, state->last_seq,
                             "%s: the last batch is of epoch %llu, the owner's row of epoch %llu", engine->dir,
                             (unsigned long long)state->last_epoch, (unsigned long long)state->epoch);
    }
    if (state->mark_seq > state->last_seq) {
        return error_set_seq(out_error, STORE_DAMAGED, state->mark_seq,
                             "%s: the mark is at event %llu, the journal ends at %llu", engine->dir,
                             (unsigned long long)state->mark_seq, (unsigned long long)state->last_seq);
    }
    return witness_check(engine->dir, state->last_seq, out_error);
}

/* The first transaction of an owner. */
static enum store_status
owner_begin(struct engine *engine, const struct engine_state *state, struct store_error *out_error)
{
    sqlite3_stmt *epoch = engine->stmts[STMT_EPOCH], *left_over = engine->stmts[STMT_LEFT_OVER];
    int rc;

    engine->mark = *state;
    sqlite3_bind_int64(epoch, 1, (sqlite3_int64)(state->epoch + 1));
    sqlite3_bind_int64(epoch, 2, state->shard);
    sqlite3_bind_int64(left_over, 1, (sqlite3_int64)state->mark_seq);
    rc = sql_step(engine->stmts[STMT_BEGIN]);
    if (rc == SQLITE_DONE) {
        rc = sql_step(epoch);
    }
    if (rc == SQLITE_DONE) {
        rc = open_delete(engine, left_over);
    }
    if (rc == SQLITE_DONE) {
        rc = mark_write(engine);
    }
    if (rc == SQLITE_DONE) {
        rc = sql_step(engine->stmts[STMT_COMMIT]);
    }
    return rc == SQLITE_DONE ? STORE_OK : sql_error(engine->db, rc, JOURNAL_NAME, out_error);
}

static enum store_status
journal_open(struct engine *engine, const struct store_options *options, struct engine_state *out_state,
             struct store_error *out_error)
{
    bool fresh = !directory_has(engine->dir, JOURNAL_NAME);
    const char *vfs = options->vfs;
    char path[DIRECTORY_PATH_BYTES];
    enum store_status status = directory_path(engine->dir, JOURNAL_NAME, path, out_error);

    if (status == STORE_OK && fresh && !options->create) {
        status = error_set(out_error, STORE_NOT_FOUND, "%s: no store here", engine->dir);
    }
    if (status == STORE_OK && fresh) {
        status = witness_check(engine->dir, 0, out_error);
    }
    if (status == STORE_OK && fresh && options->vfs == NULL) {
        status = directory_file_make(path, out_error);
    }
    /* Without syncs nothing would say when what is gathered must be in the file. */
    if (status == STORE_OK && options->durability == STORE_DURABLE && options->vfs == NULL) {
        status = bypass_vfs(NULL, &vfs, out_error);
    }
    if (status == STORE_OK && options->durability == STORE_DURABLE) {
        status = gather_vfs(vfs, &vfs, out_error);
    }
    if (status == STORE_OK) {
        status = sql_open(path, fresh ? SQL_WRITE_CREATE : SQL_WRITE, vfs, &engine->db, out_error);
    }
    if (status == STORE_OK && !fresh) {
        status = sql_is_bare(engine->db, &fresh, out_error);
        if (status == STORE_OK) {
            status = fresh ? witness_check(engine->dir, 0, out_error) : sql_format_check(engine->db, JOURNAL_FORMAT, path, out_error);
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

/* Once nothing refuses the store any more: a program from before can still open one that was refused. */
static enum store_status
format_raise(struct engine *engine, struct store_error *out_error)
{
    int64_t format = 0;
    enum store_status status = sql_number(engine->db, "PRAGMA user_version", &format, out_error);

    if (status == STORE_OK && format < JOURNAL_FORMAT) {
        status = sql_run(engine->db, raise_sql, JOURNAL_NAME, out_error);
    }
    return status;
}

enum store_status
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
    if (status == STORE_OK) {
        status = format_raise(engine, out_error);
    }
    for (int i = 0; status == STORE_OK && i < STMT_COUNT; i++) {
        status = sql_prepare(engine->db, stmt_sql[i], &engine->stmts[i], out_error);
    }
    if (status == STORE_OK) {
        status = witness_open(dir, &engine->witness_fd, out_error);
    }
    if (status == STORE_OK) {
        sqlite3_wal_hook(engine->db, log_grew, engine);
        status = owner_begin(engine, &state, out_error);
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
