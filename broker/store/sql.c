/*
 * SQLite with our settings. See sql.h.
 */
#include "store/sql.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "store/error.h"
#include "store/seal.h"

enum {
    BUSY_MS = 2000, /* a reader of another process may just be reading the log's index */
    MESSAGE_BYTES = 48,
};

static pthread_once_t config_once = PTHREAD_ONCE_INIT;

/*
 * SQLite calls a read that failed with one of three errors a damaged file. It may go well the next time, and what could not be read
 * is not gone: another number, and SQLite calls it what it is.
 */
static ssize_t
pread_or_io(int fd, void *p, size_t n, off64_t offset)
{
    ssize_t done = pread64(fd, p, n, offset);

    if (done < 0 && (errno == EIO || errno == ENXIO || errno == ERANGE)) {
        errno = EREMOTEIO;
    }
    return done;
}

static void
sql_configure(void)
{
    static const char *const names[] = {"pread", "pread64"};
    sqlite3_vfs *vfs;

    /* The allocation statistics take a global lock in every allocation of every thread. */
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    vfs = sqlite3_vfs_find(NULL);
    for (size_t i = 0; vfs != NULL && vfs->iVersion >= 3 && i < sizeof(names) / sizeof(names[0]); i++) {
        if (vfs->xGetSystemCall(vfs, names[i]) != NULL) {
            vfs->xSetSystemCall(vfs, names[i], (sqlite3_syscall_ptr)pread_or_io);
        }
    }
}

void
sql_setup(void)
{
    pthread_once(&config_once, sql_configure);
}

enum store_status
sql_status(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return STORE_OK;
    case SQLITE_FULL:
        return STORE_DISK_FULL;
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
        return STORE_READ_ONLY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return STORE_DAMAGED;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return STORE_IN_USE;
    case SQLITE_NOMEM:
        return STORE_NO_MEMORY;
    default:
        return STORE_IO;
    }
}

/* Of a damaged file the page, where that is known. */
static const char *
message_of(sqlite3 *db, int rc, char *buffer, size_t n)
{
    uint32_t page = db != NULL && sql_status(rc) == STORE_DAMAGED ? seal_broken_page(db) : 0;

    if (page != 0) {
        snprintf(buffer, n, "page %u fails its checksum", page);
        return buffer;
    }
    return db != NULL ? sqlite3_errmsg(db) : sqlite3_errstr(rc);
}

enum store_status
sql_error(sqlite3 *db, int rc, const char *what, struct store_error *out_error)
{
    char buffer[MESSAGE_BYTES];

    return error_set(out_error, sql_status(rc), "%s: %s", what, message_of(db, rc, buffer, sizeof(buffer)));
}

/* Of a query: the file first, which is what an operator can look at. */
static enum store_status
query_error(sqlite3 *db, int rc, const char *sql, struct store_error *out_error)
{
    const char *path = sqlite3_db_filename(db, "main"), *name = path != NULL ? strrchr(path, '/') : NULL;
    char buffer[MESSAGE_BYTES];

    return error_set(out_error, sql_status(rc), "%s: %s (%s)", name != NULL ? name + 1 : "memory",
                     message_of(db, rc, buffer, sizeof(buffer)), sql);
}

enum store_status
sql_open(const char *path, enum sql_mode mode, const char *vfs, sqlite3 **out_db, struct store_error *out_error)
{
    static const int flags[] = {
        [SQL_READ] = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX,
        [SQL_WRITE] = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
        [SQL_WRITE_CREATE] = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
        [SQL_MEMORY] = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX,
    };
    sqlite3 *db = NULL;
    enum store_status status;
    int rc;

    sql_setup();
    rc = sqlite3_open_v2(mode == SQL_MEMORY ? ":memory:" : path, &db, flags[mode] | SQLITE_OPEN_EXRESCODE, vfs);
    if (rc != SQLITE_OK) {
        status = sql_error(db, rc, path, out_error);
        sqlite3_close(db);
        return status;
    }
    sqlite3_busy_timeout(db, BUSY_MS);
    if (mode == SQL_READ) {
        /* Two connections that checkpoint can lose a commit in the packaged SQLite (its WAL-reset bug). */
        sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    }
    *out_db = db;
    return STORE_OK;
}

void
sql_close(sqlite3 **db_p)
{
    sqlite3_close(*db_p);
    *db_p = NULL;
}

enum store_status
sql_run(sqlite3 *db, const char *sql, const char *what, struct store_error *out_error)
{
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);

    return rc == SQLITE_OK ? STORE_OK : sql_error(db, rc, what, out_error);
}

enum store_status
sql_run_number(sqlite3 *db, const char *format, int64_t number, const char *what, struct store_error *out_error)
{
    char sql[160];

    sqlite3_snprintf(sizeof(sql), sql, format, (sqlite3_int64)number);
    return sql_run(db, sql, what, out_error);
}

enum store_status
sql_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out_stmt, struct store_error *out_error)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);

    if (rc != SQLITE_OK) {
        return query_error(db, rc, sql, out_error);
    }
    *out_stmt = stmt;
    return STORE_OK;
}

int
sql_step(sqlite3_stmt *stmt)
{
    int rc = sqlite3_step(stmt);

    sqlite3_reset(stmt);
    return rc;
}

enum store_status
sql_number(sqlite3 *db, const char *sql, int64_t *out_number, struct store_error *out_error)
{
    sqlite3_stmt *stmt = NULL;
    enum store_status status = sql_prepare(db, sql, &stmt, out_error);
    int rc;

    if (status != STORE_OK) {
        return status;
    }
    rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        *out_number = sqlite3_column_int64(stmt, 0);
    } else if (rc != SQLITE_DONE) {
        status = query_error(db, rc, sql, out_error);
    }
    sqlite3_finalize(stmt);
    return status;
}

enum store_status
sql_setting(sqlite3 *db, const char *sql, const char *want, struct store_error *out_error)
{
    sqlite3_stmt *stmt = NULL;
    enum store_status status = sql_prepare(db, sql, &stmt, out_error);
    int rc;

    if (status != STORE_OK) {
        return status;
    }
    rc = sqlite3_step(stmt);
    if (rc != SQLITE_ROW) {
        status = query_error(db, rc, sql, out_error);
    } else {
        const char *got = (const char *)sqlite3_column_text(stmt, 0);
        if (got == NULL || strcmp(got, want) != 0) {
            status = error_set(out_error, STORE_IO, "%s: SQLite answers %s instead of %s", sql, got ? got : "nothing",
                               want);
        }
    }
    sqlite3_finalize(stmt);
    return status;
}

enum store_status
sql_format_check(sqlite3 *db, int format, const char *path, struct store_error *out_error)
{
    int64_t application = 0, version = 0;
    enum store_status status = sql_number(db, "PRAGMA application_id", &application, out_error);

    if (status == STORE_OK) {
        status = sql_number(db, "PRAGMA user_version", &version, out_error);
    }
    if (status != STORE_OK) {
        return status;
    }
    if (application != SQL_APPLICATION_ID) {
        return error_set(out_error, STORE_DAMAGED, "%s: this is a SQLite file, but not one of Qiao", path);
    }
    if (version > format) {
        return error_set(out_error, STORE_NEWER, "%s: written in format %lld by a newer Qiao; this one knows format %d",
                         path, (long long)version, format);
    }
    return STORE_OK;
}

enum store_status
sql_is_bare(sqlite3 *db, bool *out_bare, struct store_error *out_error)
{
    static const char *const questions[] = {"SELECT count(*) FROM sqlite_schema", "PRAGMA application_id", "PRAGMA user_version"};
    enum store_status status = STORE_OK;
    bool bare = true;

    for (size_t i = 0; status == STORE_OK && bare && i < sizeof(questions) / sizeof(questions[0]); i++) {
        int64_t number = 0;
        status = sql_number(db, questions[i], &number, out_error);
        bare = number == 0;
    }
    if (status == STORE_OK) {
        *out_bare = bare;
    }
    return status;
}

enum store_status
sql_made_check(sqlite3 *db, const char *path, struct store_error *out_error)
{
    bool bare = false;
    enum store_status status = sql_is_bare(db, &bare, out_error);

    /* A rollback journal is there only while the mode is set to WAL, before the tables are made; who only reads cannot undo it. */
    if (status == STORE_READ_ONLY && sqlite3_extended_errcode(db) == SQLITE_READONLY_ROLLBACK) {
        status = STORE_OK;
        bare = true;
    }
    if (status == STORE_OK && bare) {
        status = error_set(out_error, STORE_NOT_FOUND, "%s: its making was cut short and there is nothing in it yet; a start of qiaod finishes it",
                           path);
    }
    return status;
}
