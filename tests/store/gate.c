/* See gate.h. */
#include "gate.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WAIT_S = 20 }; /* only a test that fails runs into it */

const char gate_vfs[] = "gate";

static struct {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    bool closed;
    uint32_t begun, waiting, writes;
    uint64_t bytes;
    uint32_t sync_fails, write_fails; /* so many from now; 0: none */
    const char *watched;
    sqlite3_vfs *real, own;
} gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER};

struct gate_file {
    sqlite3_file base;
    sqlite3_io_methods methods; /* the real ones, but for the sync */
};

/* The real file lies behind ours in the same memory; its methods want to be called with itself. */
static sqlite3_file *
real_of(sqlite3_file *file)
{
    return (sqlite3_file *)((struct gate_file *)(void *)file + 1);
}

static bool
counted_down(uint32_t *n)
{
    return *n > 0 && --*n == 0;
}

static int
gate_sync(sqlite3_file *file, int flags)
{
    bool fails;

    pthread_mutex_lock(&gate.lock);
    gate.begun++;
    gate.waiting++;
    pthread_cond_broadcast(&gate.moved);
    while (gate.closed) {
        pthread_cond_wait(&gate.moved, &gate.lock);
    }
    gate.waiting--;
    fails = counted_down(&gate.sync_fails);
    pthread_mutex_unlock(&gate.lock);
    return fails ? SQLITE_IOERR_FSYNC : real_of(file)->pMethods->xSync(real_of(file), flags);
}

static int
gate_write(sqlite3_file *file, const void *p, int n, sqlite3_int64 at)
{
    bool fails;

    pthread_mutex_lock(&gate.lock);
    gate.writes++;
    gate.bytes += (uint64_t)n;
    fails = counted_down(&gate.write_fails);
    pthread_mutex_unlock(&gate.lock);
    return fails ? SQLITE_IOERR_WRITE : real_of(file)->pMethods->xWrite(real_of(file), p, n, at);
}

#define PASS(name, parameters, arguments)                                                                             \
    static int gate_##name parameters                                                                                  \
    {                                                                                                                  \
        return real_of(file)->pMethods->name arguments;                                                                \
    }
PASS(xClose, (sqlite3_file * file), (real_of(file)))
PASS(xRead, (sqlite3_file * file, void *p, int n, sqlite3_int64 at), (real_of(file), p, n, at))
PASS(xTruncate, (sqlite3_file * file, sqlite3_int64 size), (real_of(file), size))
PASS(xFileSize, (sqlite3_file * file, sqlite3_int64 *size), (real_of(file), size))
PASS(xLock, (sqlite3_file * file, int lock), (real_of(file), lock))
PASS(xUnlock, (sqlite3_file * file, int lock), (real_of(file), lock))
PASS(xCheckReservedLock, (sqlite3_file * file, int *out), (real_of(file), out))
PASS(xFileControl, (sqlite3_file * file, int op, void *arg), (real_of(file), op, arg))
PASS(xSectorSize, (sqlite3_file * file), (real_of(file)))
PASS(xDeviceCharacteristics, (sqlite3_file * file), (real_of(file)))
PASS(xShmMap, (sqlite3_file * file, int page, int n, int extend, void volatile **out), (real_of(file), page, n, extend, out))
PASS(xShmLock, (sqlite3_file * file, int offset, int n, int flags), (real_of(file), offset, n, flags))
PASS(xShmUnmap, (sqlite3_file * file, int remove), (real_of(file), remove))
#undef PASS

static void
gate_xShmBarrier(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int
gate_file_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
    struct gate_file *own = (struct gate_file *)(void *)file;
    size_t n = name != NULL ? strlen(name) : 0, tail = strlen(gate.watched);
    int rc;

    if (n < tail || strcmp(name + n - tail, gate.watched) != 0) {
        return gate.real->xOpen(gate.real, name, file, flags, out_flags);
    }
    own->base.pMethods = NULL;
    real_of(file)->pMethods = NULL;
    rc = gate.real->xOpen(gate.real, name, real_of(file), flags, out_flags);
    if (rc == SQLITE_OK) {
        /* Version 2: a database has shared memory for its log. */
        own->methods = (sqlite3_io_methods){2, gate_xClose, gate_xRead, gate_write, gate_xTruncate, gate_sync, gate_xFileSize,
                                            gate_xLock, gate_xUnlock, gate_xCheckReservedLock, gate_xFileControl, gate_xSectorSize,
                                            gate_xDeviceCharacteristics, gate_xShmMap, gate_xShmLock, gate_xShmBarrier, gate_xShmUnmap,
                                            NULL, NULL};
        own->base.pMethods = &own->methods;
    }
    return rc;
}

void
gate_install(const char *watched)
{
    gate.watched = watched;
    if (gate.real == NULL) {
        gate.real = sqlite3_vfs_find(NULL);
        gate.own = *gate.real;
        gate.own.zName = gate_vfs;
        gate.own.szOsFile = (int)sizeof(struct gate_file) + gate.real->szOsFile;
        gate.own.xOpen = gate_file_open;
        if (sqlite3_vfs_register(&gate.own, 0) != SQLITE_OK) {
            abort();
        }
    }
}

void
gate_close(void)
{
    pthread_mutex_lock(&gate.lock);
    gate.closed = true;
    pthread_mutex_unlock(&gate.lock);
}

void
gate_open(void)
{
    pthread_mutex_lock(&gate.lock);
    gate.closed = false;
    pthread_cond_broadcast(&gate.moved);
    pthread_mutex_unlock(&gate.lock);
}

bool
gate_wait(void)
{
    struct timespec until;
    bool reached;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_S;
    pthread_mutex_lock(&gate.lock);
    while (gate.waiting == 0 && pthread_cond_timedwait(&gate.moved, &gate.lock, &until) == 0) {
    }
    reached = gate.waiting > 0;
    pthread_mutex_unlock(&gate.lock);
    return reached;
}

void
gate_fail_sync(uint32_t nth)
{
    pthread_mutex_lock(&gate.lock);
    gate.sync_fails = nth;
    pthread_mutex_unlock(&gate.lock);
}

void
gate_fail_next(void)
{
    gate_fail_sync(1);
}

void
gate_fail_write(uint32_t nth)
{
    pthread_mutex_lock(&gate.lock);
    gate.write_fails = nth;
    pthread_mutex_unlock(&gate.lock);
}

uint32_t
gate_syncs(void)
{
    uint32_t begun;

    pthread_mutex_lock(&gate.lock);
    begun = gate.begun;
    pthread_mutex_unlock(&gate.lock);
    return begun;
}

uint32_t
gate_writes(uint64_t *out_bytes)
{
    uint32_t writes;

    pthread_mutex_lock(&gate.lock);
    writes = gate.writes;
    if (out_bytes != NULL) {
        *out_bytes = gate.bytes;
    }
    pthread_mutex_unlock(&gate.lock);
    return writes;
}
