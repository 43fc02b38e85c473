/*
 * Long writes past the page cache. See bypass.h.
 */
#include "store/bypass.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/pass.h"

enum {
    DIRECT_BYTES_MIN = 64 << 10, /* a shorter write costs more in waiting than in copying */
    ALIGNMENT = 4096,            /* of memory, place and length, for every disk */
    CKPT_LOCK = 1,               /* bytes of the log's index: held in a checkpoint */
    READ_LOCK_1 = 4,             /* the first of those that readers of the log hold; before it is that of readers of the file alone */
    ASK_FAILED = 0x5169,         /* SQLite leaves what is above 100 to applications; a file control is passed on by every layer */
};

struct moved {
    struct pass_file file;
    int fd;           /* the same file, opened with O_DIRECT; -1: not to be had */
    bool beside;      /* a reader that needs the file as it is keeps the checkpoint from moving all */
    int failed;       /* of a write whose answer nobody asked for */
    int n;
    sqlite3_int64 at; /* where in the file the run begins */
    uint8_t *run;
};

static struct moved *
moved_of(sqlite3_file *file)
{
    return (struct moved *)(void *)file;
}

/* ------------------------------------------------------------- the run */

static bool
direct_write(const struct moved *moved)
{
    int done = 0;

    if (moved->fd < 0 || moved->n < DIRECT_BYTES_MIN || moved->at % ALIGNMENT != 0 || moved->n % ALIGNMENT != 0) {
        return false;
    }
    while (done < moved->n) {
        ssize_t n = pwrite(moved->fd, moved->run + done, (size_t)(moved->n - done), moved->at + done);
        if (n <= 0 || n % ALIGNMENT != 0) {
            return false;
        }
        done += (int)n;
    }
    return true;
}

static int
lower_write(const struct moved *moved, const uint8_t *p, int n, sqlite3_int64 at)
{
    return pass_write_long(moved->file.lower, p, n, at);
}

/* Of the run, or of an earlier one that nobody has heard of. */
static int
run_flush(struct moved *moved)
{
    int rc = moved->failed;

    if (rc == SQLITE_OK && moved->n > 0 && !direct_write(moved)) {
        rc = lower_write(moved, moved->run, moved->n, moved->at);
    }
    moved->failed = SQLITE_OK;
    moved->n = 0;
    return rc;
}

/* ------------------------------------------------------------- the file */

static int
moved_write(sqlite3_file *file, const void *p, int n, sqlite3_int64 at)
{
    struct moved *moved = moved_of(file);
    bool joins = moved->n > 0 && at == moved->at + moved->n && n <= BYPASS_BYTES - moved->n;
    int rc = joins ? moved->failed : run_flush(moved);

    if (rc != SQLITE_OK) {
        return rc;
    }
    if (moved->run == NULL && !moved->beside) {
        moved->run = aligned_alloc(ALIGNMENT, BYPASS_BYTES);
    }
    if (moved->run == NULL || moved->beside || n > BYPASS_BYTES) {
        return lower_write(moved, p, n, at);
    }
    moved->at = joins ? moved->at : at;
    memcpy(moved->run + moved->n, p, (size_t)n);
    moved->n += n;
    return SQLITE_OK;
}

static int
moved_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    int rc = run_flush(moved_of(file));

    return rc == SQLITE_OK ? pass_truncate(file, size) : rc;
}

static int
moved_sync(sqlite3_file *file, int flags)
{
    int rc = run_flush(moved_of(file));

    return rc == SQLITE_OK ? pass_sync(file, flags) : rc;
}

static int
moved_size(sqlite3_file *file, sqlite3_int64 *out_size)
{
    int rc = run_flush(moved_of(file));

    return rc == SQLITE_OK ? pass_size(file, out_size) : rc;
}

static int
moved_read(sqlite3_file *file, void *p, int n, sqlite3_int64 at)
{
    sqlite3_file *lower = moved_of(file)->file.lower;
    int rc = run_flush(moved_of(file));

    return rc == SQLITE_OK ? lower->pMethods->xRead(lower, p, n, at) : rc;
}

static void
flush_unasked(struct moved *moved)
{
    moved->failed = run_flush(moved);
}

static int
moved_unlock(sqlite3_file *file, int lock)
{
    flush_unasked(moved_of(file));
    return pass_unlock(file, lock);
}

static int
moved_control(sqlite3_file *file, int op, void *arg)
{
    switch (op) {
    case SQLITE_FCNTL_CKPT_DONE:
        flush_unasked(moved_of(file));
        return pass_control(file, op, arg);
    case ASK_FAILED:
        *(bool *)arg = moved_of(file)->failed != SQLITE_OK;
        return SQLITE_OK;
    default:
        return pass_control(file, op, arg);
    }
}

/* A checkpoint asks for its own lock, and then for the lock of each reader that needs the file as it is. */
static int
moved_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    struct moved *moved = moved_of(file);
    int rc = pass_shm_lock(file, offset, n, flags);

    if (flags == (SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE)) {
        moved->beside = offset != CKPT_LOCK && (moved->beside || (rc != SQLITE_OK && offset >= READ_LOCK_1));
    }
    return rc;
}

/* Closing any descriptor of a file gives back all the process's locks on it: only once SQLite gives back those of this connection. */
static int
moved_close(sqlite3_file *file)
{
    struct moved *moved = moved_of(file);
    int rc;

    flush_unasked(moved);
    rc = pass_close(file);
    if (moved->fd >= 0) {
        close(moved->fd);
        moved->fd = -1;
    }
    free(moved->run);
    moved->run = NULL;
    return rc;
}

static const sqlite3_io_methods moved_methods = {
    .iVersion = 2,
    .xClose = moved_close,
    .xRead = moved_read,
    .xWrite = moved_write,
    .xTruncate = moved_truncate,
    .xSync = moved_sync,
    .xFileSize = moved_size,
    .xLock = pass_lock,
    .xUnlock = moved_unlock,
    .xCheckReservedLock = pass_check_reserved_lock,
    .xFileControl = moved_control,
    .xSectorSize = pass_sector_size,
    .xDeviceCharacteristics = pass_characteristics,
    .xShmMap = pass_shm_map,
    .xShmLock = moved_shm_lock,
    .xShmBarrier = pass_shm_barrier,
    .xShmUnmap = pass_shm_unmap,
};

bool
bypass_failed(sqlite3 *db)
{
    bool failed = false;

    return sqlite3_file_control(db, "main", ASK_FAILED, &failed) == SQLITE_OK && failed;
}

/* ------------------------------------------------------------- the file system */

static int
bypass_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
    int rc;

    if ((flags & SQLITE_OPEN_MAIN_DB) == 0 || (flags & SQLITE_OPEN_READONLY) != 0) {
        return pass_open(vfs, name, file, flags, out_flags);
    }
    rc = pass_open_own(vfs, name, file, &moved_methods, flags, out_flags);
    moved_of(file)->fd = rc == SQLITE_OK ? open(name, O_WRONLY | O_DIRECT | O_CLOEXEC) : -1;
    return rc;
}

enum store_status
bypass_vfs(const char *lower, const char **out_name, struct store_error *out_error)
{
    static const struct pass_layer layer = {.name = "qiao-bypass", .file_bytes = sizeof(struct moved), .open = bypass_open};

    return pass_vfs(&layer, lower, out_name, out_error);
}
