/*
 * Gathering the writes of the log. See gather.h.
 */
#include "store/gather.h"

#include <stdlib.h>
#include <string.h>

#include "store/pass.h"

enum { RUN_BYTES_MIN = 128 << 10 };

struct log {
    struct pass_file file;
    int failed;       /* the code of the first failure; every write and sync answers with it */
    int n, cap;
    sqlite3_int64 at; /* where in the file the gathered run begins; all of it belongs together */
    uint8_t *run;
};

static struct log *
log_of(sqlite3_file *file)
{
    return (struct log *)(void *)file;
}

static sqlite3_file *
lower_of(struct log *log)
{
    return log->file.lower;
}

/* ------------------------------------------------------------- the run */

/* From the first failure on nothing is kept, and nothing done. */
static int
log_keep(struct log *log, int rc)
{
    if (rc != SQLITE_OK) {
        log->failed = rc;
        log->n = 0;
    }
    return rc;
}

static int
lower_write(struct log *log, const uint8_t *p, int n, sqlite3_int64 at)
{
    return log_keep(log, pass_write_long(lower_of(log), p, n, at));
}

static int
run_flush(struct log *log)
{
    int n = log->n;

    log->n = 0;
    return lower_write(log, log->run, n, log->at);
}

/* Room for a run of n bytes. False: it is too long, or there is no memory. */
static bool
run_fits(struct log *log, sqlite3_int64 n)
{
    int cap = log->cap > 0 ? log->cap : RUN_BYTES_MIN;
    uint8_t *run;

    if (n <= log->cap) {
        return true;
    }
    if (n > GATHER_BYTES_MAX) {
        return false;
    }
    while (cap < n) {
        cap *= 2;
    }
    run = realloc(log->run, (size_t)cap);
    if (run == NULL) {
        return false;
    }
    log->run = run;
    log->cap = cap;
    return true;
}

/* ------------------------------------------------------------- the file */

static int
log_write(sqlite3_file *file, const void *p, int n, sqlite3_int64 at)
{
    struct log *log = log_of(file);
    bool joins = log->n > 0 && at >= log->at && at <= log->at + log->n;
    int rc = log->failed, from;

    if (rc == SQLITE_OK && !(joins && run_fits(log, at - log->at + n))) {
        rc = run_flush(log);
    }
    if (rc != SQLITE_OK) {
        return rc;
    }
    if (log->n == 0) {
        if (!run_fits(log, n)) {
            return lower_write(log, p, n, at);
        }
        log->at = at;
    }
    from = (int)(at - log->at);
    memcpy(log->run + from, p, (size_t)n);
    log->n = from + n > log->n ? from + n : log->n;
    return SQLITE_OK;
}

/* The file as it would be: what is below, and the run over it. */
static int
log_read(sqlite3_file *file, void *p, int n, sqlite3_int64 at)
{
    struct log *log = log_of(file);
    sqlite3_file *lower = lower_of(log);
    sqlite3_int64 end = log->at + log->n, from = at > log->at ? at : log->at, to = at + n < end ? at + n : end;
    int rc = SQLITE_OK;

    if (log->n == 0) {
        return lower->pMethods->xRead(lower, p, n, at);
    }
    if (from != at || to != at + n) {
        rc = lower->pMethods->xRead(lower, p, n, at);
        /* It has put zeros where its file has ended. */
        if (rc == SQLITE_IOERR_SHORT_READ && at + n <= end) {
            rc = SQLITE_OK;
        }
    }
    if (from < to && (rc == SQLITE_OK || rc == SQLITE_IOERR_SHORT_READ)) {
        memcpy((uint8_t *)p + (from - at), log->run + (from - log->at), (size_t)(to - from));
    }
    return rc;
}

static int
log_size(sqlite3_file *file, sqlite3_int64 *out_size)
{
    struct log *log = log_of(file);
    sqlite3_file *lower = lower_of(log);
    int rc = lower->pMethods->xFileSize(lower, out_size);

    if (rc == SQLITE_OK && log->n > 0 && *out_size < log->at + log->n) {
        *out_size = log->at + log->n;
    }
    return rc;
}

static int
log_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    struct log *log = log_of(file);
    sqlite3_file *lower = lower_of(log);
    int rc = log->failed;

    if (log->n > 0 && log->at + log->n > size) {
        log->n = size > log->at ? (int)(size - log->at) : 0;
    }
    if (rc == SQLITE_OK) {
        rc = run_flush(log);
    }
    return rc == SQLITE_OK ? log_keep(log, lower->pMethods->xTruncate(lower, size)) : rc;
}

static int
log_sync(sqlite3_file *file, int flags)
{
    struct log *log = log_of(file);
    sqlite3_file *lower = lower_of(log);
    int rc = log->failed;

    if (rc == SQLITE_OK) {
        rc = run_flush(log);
    }
    return rc == SQLITE_OK ? log_keep(log, lower->pMethods->xSync(lower, flags)) : rc;
}

static int
log_close(sqlite3_file *file)
{
    struct log *log = log_of(file);

    free(log->run);
    log->run = NULL;
    log->n = log->cap = 0;
    return pass_close(file);
}

/* Version 1: a log needs nothing of what came later (shared memory is the database's). */
static const sqlite3_io_methods log_methods = {
    .iVersion = 1,
    .xClose = log_close,
    .xRead = log_read,
    .xWrite = log_write,
    .xTruncate = log_truncate,
    .xSync = log_sync,
    .xFileSize = log_size,
    .xLock = pass_lock,
    .xUnlock = pass_unlock,
    .xCheckReservedLock = pass_check_reserved_lock,
    .xFileControl = pass_control,
    .xSectorSize = pass_sector_size,
    .xDeviceCharacteristics = pass_characteristics,
};

void
gather_stop(sqlite3 *db)
{
    sqlite3_file *file = NULL;

    if (sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file) == SQLITE_OK && file != NULL &&
        file->pMethods == &log_methods && log_of(file)->failed == SQLITE_OK) {
        log_keep(log_of(file), SQLITE_IOERR_WRITE);
    }
}

/* ------------------------------------------------------------- the file system */

static bool
log_may_be_gathered(const char *name)
{
    sqlite3_file *file = sqlite3_database_file_object(name);

    return file != NULL && file->pMethods != NULL &&
           (file->pMethods->xDeviceCharacteristics(file) & SQLITE_IOCAP_POWERSAFE_OVERWRITE) != 0;
}

static int
gather_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
    return (flags & SQLITE_OPEN_WAL) != 0 && log_may_be_gathered(name) ? pass_open_own(vfs, name, file, &log_methods, flags, out_flags)
                                                                       : pass_open(vfs, name, file, flags, out_flags);
}

enum store_status
gather_vfs(const char *lower, const char **out_name, struct store_error *out_error)
{
    static const struct pass_layer layer = {.name = "qiao-gather", .file_bytes = sizeof(struct log), .open = gather_open};

    return pass_vfs(&layer, lower, out_name, out_error);
}
