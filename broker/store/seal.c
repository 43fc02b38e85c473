/*
 * Checksums of pages. See seal.h.
 */
#include "store/seal.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "store/crc32c.h"
#include "store/pass.h"

enum {
    SEAL_BYTES = 8,
    PAGE_BYTES_MIN = 512,
    HEADER_BYTES = 100, /* of a database, at the beginning of its first page */
    RESERVED_AT = 20,   /* in the header: how many bytes at the end of each page are not SQLite's */
};

struct seal {
    struct pass_file file;
    bool on;      /* an empty file's pages will be sealed, until its first page says otherwise */
    bool forgiving;
    uint32_t broken;
    int page_n;
    uint8_t *page; /* what is written, with its seal */
};

static struct seal *
seal_of(sqlite3_file *file)
{
    return (struct seal *)(void *)file;
}

/* Also of a page of zeros the seal is not zero. */
static uint64_t
seal_make(uint32_t number, const uint8_t *page, int n)
{
    uint32_t crc = crc32c_event(number, page, (size_t)n - SEAL_BYTES);

    return htole64((uint64_t)~crc << 32 | crc);
}

static bool
page_holds(uint32_t number, const uint8_t *page, int n)
{
    uint64_t seal = seal_make(number, page, n);

    return memcmp(page + n - SEAL_BYTES, &seal, SEAL_BYTES) == 0;
}

static bool
is_page(int n, sqlite3_int64 at)
{
    return n >= PAGE_BYTES_MIN && (n & (n - 1)) == 0 && at % n == 0;
}

static void
header_look(struct seal *seal, const uint8_t *p, int n, sqlite3_int64 at)
{
    if (at == 0 && n >= HEADER_BYTES) {
        seal->on = p[RESERVED_AT] == SEAL_BYTES;
    }
}

/* What lies behind the file's end is read as zeros, and SQLite takes it so: no page of a sealed file. */
static int
seal_read(sqlite3_file *file, void *p, int n, sqlite3_int64 at)
{
    struct seal *seal = seal_of(file);
    sqlite3_file *lower = seal->file.lower;
    int rc = lower->pMethods->xRead(lower, p, n, at);
    uint32_t number;

    if (rc == SQLITE_OK) {
        header_look(seal, p, n, at);
    }
    if ((rc != SQLITE_OK && rc != SQLITE_IOERR_SHORT_READ) || !seal->on || !is_page(n, at)) {
        return rc;
    }
    number = (uint32_t)(at / n) + 1;
    if (page_holds(number, p, n)) {
        return rc;
    }
    seal->broken = seal->broken == 0 ? number : seal->broken;
    return seal->forgiving ? rc : SQLITE_CORRUPT;
}

static int
seal_write(sqlite3_file *file, const void *p, int n, sqlite3_int64 at)
{
    struct seal *seal = seal_of(file);
    sqlite3_file *lower = seal->file.lower;
    uint64_t word;

    header_look(seal, p, n, at);
    if (!seal->on || !is_page(n, at)) {
        return lower->pMethods->xWrite(lower, p, n, at);
    }
    if (seal->page_n < n) {
        uint8_t *page = realloc(seal->page, (size_t)n);
        if (page == NULL) {
            return SQLITE_IOERR_NOMEM;
        }
        seal->page = page;
        seal->page_n = n;
    }
    word = seal_make((uint32_t)(at / n) + 1, p, n);
    memcpy(seal->page, p, (size_t)n - SEAL_BYTES);
    memcpy(seal->page + n - SEAL_BYTES, &word, SEAL_BYTES);
    return lower->pMethods->xWrite(lower, seal->page, n, at);
}

static int
seal_close(sqlite3_file *file)
{
    struct seal *seal = seal_of(file);

    free(seal->page);
    seal->page = NULL;
    return pass_close(file);
}

/* Version 2: a log needs shared memory. No mapped pages, which nobody would look at. */
static const sqlite3_io_methods seal_methods = {
    .iVersion = 2,
    .xClose = seal_close,
    .xRead = seal_read,
    .xWrite = seal_write,
    .xTruncate = pass_truncate,
    .xSync = pass_sync,
    .xFileSize = pass_size,
    .xLock = pass_lock,
    .xUnlock = pass_unlock,
    .xCheckReservedLock = pass_check_reserved_lock,
    .xFileControl = pass_control,
    .xSectorSize = pass_sector_size,
    .xDeviceCharacteristics = pass_characteristics,
    .xShmMap = pass_shm_map,
    .xShmLock = pass_shm_lock,
    .xShmBarrier = pass_shm_barrier,
    .xShmUnmap = pass_shm_unmap,
};

static int
seal_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
    int rc;

    if ((flags & SQLITE_OPEN_MAIN_DB) == 0) {
        return pass_open(vfs, name, file, flags, out_flags);
    }
    rc = pass_open_own(vfs, name, file, &seal_methods, flags, out_flags);
    seal_of(file)->on = true;
    return rc;
}

enum store_status
seal_vfs(const char *lower, const char **out_name, struct store_error *out_error)
{
    static const struct pass_layer layer = {.name = "qiao-seal", .file_bytes = sizeof(struct seal), .open = seal_open};

    return pass_vfs(&layer, lower, out_name, out_error);
}

/* ------------------------------------------------------------- of a connection */

static struct seal *
seal_find(sqlite3 *db)
{
    sqlite3_file *file = NULL;
    bool found = sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file) == SQLITE_OK && file != NULL &&
                 file->pMethods == &seal_methods;

    return found ? seal_of(file) : NULL;
}

void
seal_begin(sqlite3 *db)
{
    int bytes = SEAL_BYTES;

    if (seal_find(db) != NULL) {
        sqlite3_file_control(db, "main", SQLITE_FCNTL_RESERVE_BYTES, &bytes);
    }
}

bool
seal_is_on(sqlite3 *db)
{
    const struct seal *seal = seal_find(db);

    return seal != NULL && seal->on;
}

void
seal_forgive(sqlite3 *db)
{
    struct seal *seal = seal_find(db);

    if (seal != NULL) {
        seal->forgiving = true;
    }
}

uint32_t
seal_broken_page(sqlite3 *db)
{
    struct seal *seal = seal_find(db);
    uint32_t broken = seal != NULL ? seal->broken : 0;

    if (seal != NULL) {
        seal->broken = 0;
    }
    return broken;
}
