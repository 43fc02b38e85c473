/*
 * The writing half of history.db.
 */
#include "store/history.h"

#include <endian.h>
#include <stdlib.h>

#include "store/bypass.h"
#include "store/crc32c.h"
#include "store/directory.h"
#include "store/error.h"
#include "store/names.h"
#include "store/seal.h"

static const char schema_sql[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE name (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);"
    "CREATE TABLE finished (id INTEGER PRIMARY KEY, seq INTEGER NOT NULL, at INTEGER NOT NULL,"
    " status INTEGER NOT NULL, service INTEGER NOT NULL, requester INTEGER NOT NULL, performer INTEGER NOT NULL,"
    " event_crc INTEGER NOT NULL, trail_crc INTEGER NOT NULL, event BLOB NOT NULL, trail BLOB NOT NULL);"
    "CREATE INDEX finished_requester ON finished (requester, at);"
    "CREATE INDEX finished_service ON finished (service, at);"
    "CREATE INDEX finished_performer ON finished (performer, at) WHERE performer > 0;"
    "CREATE TABLE mark (id INTEGER PRIMARY KEY, seq INTEGER NOT NULL);"
    "INSERT INTO mark VALUES (1, 0);"
    "PRAGMA application_id = 0x5169616f";

/*
 * A request has one terminal event; should its row be there already, it is the same. (OR REPLACE would cost twice: it
 * makes SQLite keep a journal per statement.)
 */
static const char insert_sql[] =
    "INSERT OR IGNORE INTO finished (id, seq, at, status, service, requester, performer, event_crc, trail_crc, event,"
    " trail) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";

struct history {
    sqlite3 *db;
    sqlite3_stmt *begin, *commit, *rollback, *insert, *mark;
    struct names names;
    uint64_t page_bytes;
    uint64_t log_pages;
};

uint32_t
history_event_crc(uint64_t id, uint64_t seq, const void *p, uint32_t n)
{
    uint64_t le[2] = {htole64(id), htole64(seq)};

    return crc32c(crc32c(0, le, sizeof(le)), p, n);
}

static int
log_grew(void *context, sqlite3 *db, const char *name, int pages)
{
    struct history *history = context;

    history->log_pages = (uint64_t)pages;
    return SQLITE_OK;
}

void
history_close(struct history **history_p)
{
    struct history *history = *history_p;

    *history_p = NULL;
    if (history == NULL) {
        return;
    }
    names_fini(&history->names);
    sqlite3_finalize(history->begin);
    sqlite3_finalize(history->commit);
    sqlite3_finalize(history->rollback);
    sqlite3_finalize(history->insert);
    sqlite3_finalize(history->mark);
    if (history->db != NULL) {
        sql_close(&history->db);
    }
    free(history);
}

static enum store_status
settings_apply(struct history *history, bool memory, struct store_error *out_error)
{
    sqlite3 *db = history->db;
    enum store_status status = STORE_OK;
    int64_t page = 0;

    if (!memory) {
        status = sql_setting(db, "PRAGMA journal_mode = WAL", "wal", out_error);
    }
    if (status == STORE_OK) {
        status = sql_run(db, "PRAGMA synchronous = NORMAL", HISTORY_NAME, out_error);
    }
    if (status == STORE_OK) {
        status = sql_setting(db, "PRAGMA wal_autocheckpoint = 0", "0", out_error);
    }
    if (status == STORE_OK) {
        status = sql_run(db, "PRAGMA cache_size = -4096; PRAGMA temp_store = MEMORY; PRAGMA secure_delete = OFF; PRAGMA cell_size_check = ON",
                         HISTORY_NAME, out_error);
    }
    if (status == STORE_OK) {
        status = sql_number(db, "PRAGMA page_size", &page, out_error);
        history->page_bytes = (uint64_t)page;
    }
    return status;
}

static enum store_status
statements_prepare(struct history *history, struct store_error *out_error)
{
    const struct {
        sqlite3_stmt **stmt;
        const char *sql;
    } list[] = {
        {&history->begin, "BEGIN IMMEDIATE"},
        {&history->commit, "COMMIT"},
        {&history->rollback, "ROLLBACK"},
        {&history->insert, insert_sql},
        {&history->mark, "UPDATE mark SET seq = ?1 WHERE id = 1 AND seq <= ?1"},
    };
    enum store_status status = STORE_OK;

    for (size_t i = 0; status == STORE_OK && i < sizeof(list) / sizeof(list[0]); i++) {
        status = sql_prepare(history->db, list[i].sql, list[i].stmt, out_error);
    }
    return status;
}

enum store_status
history_connect(const char *path, enum sql_mode mode, const char *vfs, sqlite3 **out_db, struct store_error *out_error)
{
    const char *sealing = NULL;
    enum store_status status = STORE_OK;

    if (mode != SQL_READ && vfs == NULL) {
        status = bypass_vfs(NULL, &vfs, out_error);
    }
    if (status == STORE_OK) {
        status = seal_vfs(vfs, &sealing, out_error);
    }
    return status == STORE_OK ? sql_open(path, mode, sealing, out_db, out_error) : status;
}

enum store_status
history_format_check(sqlite3 *db, const char *path, struct store_error *out_error)
{
    int64_t version = 0;
    enum store_status status = sql_format_check(db, HISTORY_FORMAT, path, out_error);

    if (status == STORE_OK) {
        status = sql_number(db, "PRAGMA user_version", &version, out_error);
    }
    if (status == STORE_OK && version > HISTORY_FORMAT_UNSEALED && !seal_is_on(db)) {
        status = error_set(out_error, STORE_DAMAGED, "%s: page 1 says that pages have no checksums; in format %lld they have", path,
                           (long long)version);
    }
    return status;
}

/* In a file whose first page was made without seals, and nothing else, they are not made either. */
static enum store_status
tables_make(struct history *history, struct store_error *out_error)
{
    enum store_status status = sql_run(history->db, schema_sql, HISTORY_NAME, out_error);

    return status == STORE_OK ? sql_run_number(history->db, "PRAGMA user_version = %lld; COMMIT",
                                               seal_is_on(history->db) ? HISTORY_FORMAT : HISTORY_FORMAT_UNSEALED, HISTORY_NAME, out_error)
                              : status;
}

static enum store_status
tables_open(struct history *history, const char *path, uint64_t *out_mark_seq, struct store_error *out_error)
{
    int64_t mark = -1;
    bool bare = false;
    enum store_status status = sql_is_bare(history->db, &bare, out_error);

    if (status == STORE_OK && !bare) {
        status = history_format_check(history->db, path, out_error);
    }
    if (status == STORE_OK && bare) {
        status = sql_run(history->db, "PRAGMA page_size = 8192", HISTORY_NAME, out_error);
        seal_begin(history->db);
    }
    if (status == STORE_OK) {
        status = settings_apply(history, path == NULL, out_error);
    }
    if (status == STORE_OK && bare) {
        status = tables_make(history, out_error);
    }
    if (status == STORE_OK) {
        status = sql_number(history->db, "SELECT seq FROM mark WHERE id = 1", &mark, out_error);
    }
    if (status == STORE_OK && mark < 0) {
        status = error_set(out_error, STORE_DAMAGED, "history.db: its mark is missing");
    }
    if (status == STORE_OK) {
        *out_mark_seq = (uint64_t)mark;
    }
    return status;
}

enum store_status
history_open(const char *path, const char *vfs, struct history **out_history, uint64_t *out_mark_seq,
             struct store_error *out_error)
{
    struct history *history = calloc(1, sizeof(*history));
    uint64_t mark_seq = 0;
    enum store_status status;

    if (history == NULL) {
        return error_set(out_error, STORE_NO_MEMORY, "no memory for history");
    }
    status = path == NULL || vfs != NULL ? STORE_OK : directory_file_make(path, out_error);
    if (status == STORE_OK) {
        status = path == NULL ? sql_open(NULL, SQL_MEMORY, NULL, &history->db, out_error)
                              : history_connect(path, SQL_WRITE_CREATE, vfs, &history->db, out_error);
    }
    if (status == STORE_OK) {
        status = tables_open(history, path, &mark_seq, out_error);
    }
    if (status == STORE_OK) {
        status = statements_prepare(history, out_error);
    }
    if (status == STORE_OK) {
        sqlite3_wal_hook(history->db, log_grew, history);
        status = names_init(&history->names, history->db, out_error);
    }
    if (status != STORE_OK) {
        history_close(&history);
        return status;
    }
    *out_history = history;
    *out_mark_seq = mark_seq;
    return STORE_OK;
}

enum store_status
history_begin(struct history *history, struct store_error *out_error)
{
    int rc = sql_step(history->begin);

    return rc == SQLITE_DONE ? STORE_OK : sql_error(history->db, rc, "history.db: begin", out_error);
}

enum store_status
history_add(struct history *history, const struct history_row *row, struct store_error *out_error)
{
    sqlite3_stmt *stmt = history->insert;
    uint32_t service = 0, requester = 0, performer = 0;
    enum store_status status = names_number(&history->names, row->service, &service, out_error);
    int rc;

    if (status == STORE_OK) {
        status = names_number(&history->names, row->requester, &requester, out_error);
    }
    if (status == STORE_OK) {
        status = names_number(&history->names, row->performer, &performer, out_error);
    }
    if (status != STORE_OK) {
        return status;
    }
    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)row->id);
    sqlite3_bind_int64(stmt, 2, (sqlite3_int64)row->seq);
    sqlite3_bind_int64(stmt, 3, row->at_us);
    sqlite3_bind_int64(stmt, 4, row->status);
    sqlite3_bind_int64(stmt, 5, service);
    sqlite3_bind_int64(stmt, 6, requester);
    sqlite3_bind_int64(stmt, 7, performer);
    sqlite3_bind_int64(stmt, 8, history_event_crc(row->id, row->seq, row->event, row->event_n));
    sqlite3_bind_int64(stmt, 9, history_event_crc(row->id, row->seq, row->trail, row->trail_n));
    sqlite3_bind_blob(stmt, 10, row->event, (int)row->event_n, SQLITE_STATIC);
    sqlite3_bind_blob(stmt, 11, row->trail_n > 0 ? (const void *)row->trail : "", (int)row->trail_n, SQLITE_STATIC);
    rc = sql_step(stmt);
    return rc == SQLITE_DONE ? STORE_OK : sql_error(history->db, rc, "history.db: writing a row", out_error);
}

enum store_status
history_commit(struct history *history, uint64_t mark_seq, struct store_error *out_error)
{
    int rc;

    sqlite3_bind_int64(history->mark, 1, (sqlite3_int64)mark_seq);
    rc = sql_step(history->mark);
    if (rc == SQLITE_DONE) {
        rc = sql_step(history->commit);
    }
    sqlite3_clear_bindings(history->insert);
    return rc == SQLITE_DONE ? STORE_OK : sql_error(history->db, rc, "history.db: commit", out_error);
}

void
history_rollback(struct history *history)
{
    struct names names;

    sql_step(history->rollback);
    sqlite3_clear_bindings(history->insert);
    /* Names that only the transaction knew are gone with it. Without memory for the fresh table the old one stays. */
    if (names_init(&names, history->db, NULL) == STORE_OK) {
        names_fini(&history->names);
        history->names = names;
    } else {
        names_fini(&names);
    }
}

uint64_t
history_log_bytes(const struct history *history)
{
    return history->log_pages * history->page_bytes;
}

enum store_status
history_checkpoint(struct history *history, bool *out_all, struct store_error *out_error)
{
    int log = 0, moved = 0;
    int rc = sqlite3_wal_checkpoint_v2(history->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &log, &moved);

    *out_all = false;
    if (rc == SQLITE_BUSY) {
        return STORE_OK;
    }
    if (rc != SQLITE_OK) {
        return sql_error(history->db, rc, "history.db: checkpoint", out_error);
    }
    if (bypass_failed(history->db)) {
        return error_set(out_error, STORE_IO, "history.db: pages could not be moved into it from its log; start again");
    }
    *out_all = log == moved;
    history->log_pages = 0;
    return STORE_OK;
}

enum store_status
history_reader_open_beside(struct history *history, struct history_reader **out_reader, struct store_error *out_error)
{
    return history_reader_of(history->db, false, out_reader, out_error);
}
