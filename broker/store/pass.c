/*
 * See pass.h.
 */
#include "store/pass.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/error.h"
#include "store/sql.h"

enum {
    NAME_BYTES = 64,
    WRITE_BYTES_MAX = 64 << 10, /* SQLite's own never writes more than a page at once, and its file system cuts off beyond 128 KiB */
};

struct pass {
    sqlite3_vfs vfs;
    const struct pass_layer *layer;
    char name[NAME_BYTES];
};

/* ------------------------------------------------------------- the files */

#define PASS(type, name, method, parameters, arguments)                                                                            \
    type pass_##name parameters                                                                                                    \
    {                                                                                                                              \
        sqlite3_file *lower = ((struct pass_file *)(void *)file)->lower;                                                           \
        return lower->pMethods->method arguments;                                                                                  \
    }
PASS(int, close, xClose, (sqlite3_file * file), (lower))
PASS(int, truncate, xTruncate, (sqlite3_file * file, sqlite3_int64 size), (lower, size))
PASS(int, sync, xSync, (sqlite3_file * file, int flags), (lower, flags))
PASS(int, size, xFileSize, (sqlite3_file * file, sqlite3_int64 *out_size), (lower, out_size))
PASS(int, lock, xLock, (sqlite3_file * file, int lock), (lower, lock))
PASS(int, unlock, xUnlock, (sqlite3_file * file, int lock), (lower, lock))
PASS(int, check_reserved_lock, xCheckReservedLock, (sqlite3_file * file, int *out), (lower, out))
PASS(int, control, xFileControl, (sqlite3_file * file, int op, void *arg), (lower, op, arg))
PASS(int, sector_size, xSectorSize, (sqlite3_file * file), (lower))
PASS(int, characteristics, xDeviceCharacteristics, (sqlite3_file * file), (lower))
PASS(int, shm_map, xShmMap, (sqlite3_file * file, int page, int page_bytes, int extend, void volatile **out), (lower, page, page_bytes, extend, out))
PASS(int, shm_lock, xShmLock, (sqlite3_file * file, int offset, int n, int flags), (lower, offset, n, flags))
PASS(void, shm_barrier, xShmBarrier, (sqlite3_file * file), (lower))
PASS(int, shm_unmap, xShmUnmap, (sqlite3_file * file, int remove), (lower, remove))
#undef PASS

int
pass_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
    sqlite3_vfs *below = vfs->pAppData;

    return below->xOpen(below, name, file, flags, out_flags);
}

int
pass_open_own(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, const sqlite3_io_methods *methods, int flags, int *out_flags)
{
    sqlite3_vfs *below = vfs->pAppData;
    const struct pass *pass = (const struct pass *)(const void *)vfs;
    struct pass_file *own = (struct pass_file *)(void *)file;
    int rc;

    memset(own, 0, (size_t)pass->layer->file_bytes);
    own->lower = (sqlite3_file *)(void *)((uint8_t *)own + pass->layer->file_bytes);
    own->lower->pMethods = NULL;
    rc = below->xOpen(below, name, own->lower, flags, out_flags);
    if (rc == SQLITE_OK) {
        own->base.pMethods = methods;
    } else if (own->lower->pMethods != NULL) {
        own->lower->pMethods->xClose(own->lower);
    }
    return rc;
}

int
pass_write_long(sqlite3_file *lower, const uint8_t *p, int n, sqlite3_int64 at)
{
    int rc = SQLITE_OK;

    for (int done = 0; rc == SQLITE_OK && done < n; done += WRITE_BYTES_MAX) {
        int some = n - done < WRITE_BYTES_MAX ? n - done : WRITE_BYTES_MAX;
        rc = lower->pMethods->xWrite(lower, p + done, some, at + done);
    }
    return rc;
}

/* ------------------------------------------------------------- the file system */

#define PASS(type, name, parameters, arguments)                                                                                    \
    static type pass_##name parameters                                                                                             \
    {                                                                                                                              \
        sqlite3_vfs *below = vfs->pAppData;                                                                                        \
        return below->name arguments;                                                                                              \
    }
typedef void symbol_fn(void);
PASS(int, xDelete, (sqlite3_vfs * vfs, const char *name, int sync), (below, name, sync))
PASS(int, xAccess, (sqlite3_vfs * vfs, const char *name, int flags, int *out), (below, name, flags, out))
PASS(int, xFullPathname, (sqlite3_vfs * vfs, const char *name, int n, char *out), (below, name, n, out))
PASS(void *, xDlOpen, (sqlite3_vfs * vfs, const char *name), (below, name))
PASS(void, xDlError, (sqlite3_vfs * vfs, int n, char *out), (below, n, out))
PASS(symbol_fn *, xDlSym, (sqlite3_vfs * vfs, void *library, const char *symbol), (below, library, symbol))
PASS(void, xDlClose, (sqlite3_vfs * vfs, void *library), (below, library))
PASS(int, xRandomness, (sqlite3_vfs * vfs, int n, char *out), (below, n, out))
PASS(int, xSleep, (sqlite3_vfs * vfs, int us), (below, us))
PASS(int, xCurrentTime, (sqlite3_vfs * vfs, double *out), (below, out))
PASS(int, xGetLastError, (sqlite3_vfs * vfs, int n, char *out), (below, n, out))
PASS(int, xCurrentTimeInt64, (sqlite3_vfs * vfs, sqlite3_int64 *out), (below, out))
#undef PASS

static int
layer_register(const struct pass_layer *layer, sqlite3_vfs *below, const char *name)
{
    struct pass *pass = calloc(1, sizeof(*pass)); /* SQLite's, as long as the process lives */
    int rc;

    if (pass == NULL) {
        return SQLITE_NOMEM;
    }
    pass->layer = layer;
    snprintf(pass->name, sizeof(pass->name), "%s", name);
    pass->vfs = (sqlite3_vfs){
        .iVersion = below->iVersion < 2 ? below->iVersion : 2,
        .szOsFile = layer->file_bytes + below->szOsFile,
        .mxPathname = below->mxPathname,
        .zName = pass->name,
        .pAppData = below,
        .xOpen = layer->open,
        .xDelete = pass_xDelete,
        .xAccess = pass_xAccess,
        .xFullPathname = pass_xFullPathname,
        .xDlOpen = pass_xDlOpen,
        .xDlError = pass_xDlError,
        .xDlSym = pass_xDlSym,
        .xDlClose = pass_xDlClose,
        .xRandomness = pass_xRandomness,
        .xSleep = pass_xSleep,
        .xCurrentTime = pass_xCurrentTime,
        .xGetLastError = pass_xGetLastError,
        .xCurrentTimeInt64 = pass_xCurrentTimeInt64,
    };
    rc = sqlite3_vfs_register(&pass->vfs, 0);
    if (rc != SQLITE_OK) {
        free(pass);
    }
    return rc;
}

enum store_status
pass_vfs(const struct pass_layer *layer, const char *lower, const char **out_name, struct store_error *out_error)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* what is registered SQLite keeps, under a lock of its own */
    char name[NAME_BYTES];
    sqlite3_vfs *below, *own;
    int rc = SQLITE_OK;

    sql_setup();
    below = sqlite3_vfs_find(lower);
    if (below == NULL || snprintf(name, sizeof(name), "%s-%s", layer->name, below->zName) >= (int)sizeof(name)) {
        return error_set(out_error, STORE_INVALID, "%s: no such file system of SQLite", lower != NULL ? lower : "default");
    }
    pthread_mutex_lock(&lock);
    own = sqlite3_vfs_find(name);
    if (own == NULL) {
        rc = layer_register(layer, below, name);
        own = sqlite3_vfs_find(name);
    }
    pthread_mutex_unlock(&lock);
    if (rc != SQLITE_OK || own == NULL) {
        return error_set(out_error, STORE_NO_MEMORY, "no memory for the store");
    }
    *out_name = own->zName;
    return STORE_OK;
}
