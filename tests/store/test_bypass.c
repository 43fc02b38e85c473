/*
 * The pages that a checkpoint moves go to the disk in long writes past the page cache: what readers, the sync and a crash see of it.
 * Below is a file system that counts the writes and syncs of the database, and fails or waits when it is told to (gate.h); what goes
 * past it is seen in the calls of the C library, which are this program's.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* O_DIRECT */
#endif
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "file.h"
#include "gate.h"
#include "helper.h"
#include "store/bypass.h"
#include "store/engine_sqlite.h"

enum { PAGE = 8192, ROW_KIB = 300 };

/* ------------------------------------------------------------- the calls */

static struct {
    uint32_t writes; /* by descriptors that pass by the page cache */
    uint64_t bytes;
    int code;        /* with which they fail; 0: they do not */
    bool half;       /* they write half, and no whole pages */
    bool unknown;    /* the file system knows no such descriptors */
} direct;

ssize_t hook_pwrite(int fd, const void *p, size_t n, off_t at) __asm__("pwrite");
ssize_t hook_pwrite64(int fd, const void *p, size_t n, off_t at) __asm__("pwrite64");
int hook_open(const char *path, int flags, ...) __asm__("open");
int hook_open64(const char *path, int flags, ...) __asm__("open64");

ssize_t
hook_pwrite64(int fd, const void *p, size_t n, off_t at)
{
    if (fcntl(fd, F_GETFL) & O_DIRECT) {
        direct.writes++;
        direct.bytes += n;
        if (direct.code != 0) {
            errno = direct.code;
            return -1;
        }
        if (direct.half) {
            syscall(SYS_pwrite64, fd, p, n / 2 / PAGE * PAGE, at);
            return (ssize_t)(n / 2 - 1);
        }
    }
    return syscall(SYS_pwrite64, fd, p, n, at);
}

ssize_t
hook_pwrite(int fd, const void *p, size_t n, off_t at)
{
    return hook_pwrite64(fd, p, n, at);
}

static int
open_any(const char *path, int flags, mode_t mode)
{
    if ((flags & O_DIRECT) != 0 && direct.unknown) {
        errno = EINVAL;
        return -1;
    }
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int
hook_open64(const char *path, int flags, ...)
{
    va_list rest;
    mode_t mode;

    va_start(rest, flags);
    mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return open_any(path, flags, mode);
}

int
hook_open(const char *path, int flags, ...)
{
    va_list rest;
    mode_t mode;

    va_start(rest, flags);
    mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return open_any(path, flags, mode);
}

/* ------------------------------------------------------------- a connection */

struct scene {
    char *dir;
    char path[1024];
    sqlite3 *db;
};

static void
run(sqlite3 *db, const char *sql)
{
    struct store_error error = {0};

    if (sql_run(db, sql, "sql", &error) != STORE_OK) {
        fail_msg("%s: %s", sql, error.text);
    }
}

static int64_t
number(sqlite3 *db, const char *sql)
{
    struct store_error error = {0};
    int64_t n = -1;

    if (sql_number(db, sql, &n, &error) != STORE_OK) {
        fail_msg("%s: %s", sql, error.text);
    }
    return n;
}

static void
scene_open(struct scene *scene)
{
    struct store_error error = {0};
    const char *vfs = NULL;

    assert_int_equal(bypass_vfs(gate_vfs, &vfs, &error), STORE_OK);
    assert_int_equal(sql_open(scene->path, SQL_WRITE_CREATE, vfs, &scene->db, &error), STORE_OK);
    run(scene->db, "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;"
                   " PRAGMA cache_spill = OFF; CREATE TABLE IF NOT EXISTS t (n INTEGER PRIMARY KEY, data BLOB)");
}

static int
setup(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));

    memset(&direct, 0, sizeof(direct));
    gate_install(JOURNAL_NAME);
    scene->dir = helper_dir_make();
    snprintf(scene->path, sizeof(scene->path), "%s/" JOURNAL_NAME, scene->dir);
    scene_open(scene);
    *state = scene;
    return 0;
}

static int
teardown(void **state)
{
    struct scene *scene = *state;

    gate_open();
    gate_fail_write(0);
    memset(&direct, 0, sizeof(direct));
    sqlite3_close(scene->db);
    helper_dir_remove(&scene->dir);
    free(scene);
    return 0;
}

/* Some file systems know none; what is asserted of long writes holds only where they do. */
static bool
direct_is_known(const struct scene *scene)
{
    int fd = open(scene->path, O_WRONLY | O_DIRECT);

    if (fd >= 0) {
        close(fd);
    }
    return fd >= 0;
}

static void
rows_add(struct scene *scene, int count)
{
    char sql[96];

    snprintf(sql, sizeof(sql), "INSERT INTO t (data) VALUES (randomblob(%d))", ROW_KIB << 10);
    for (int i = 0; i < count; i++) {
        run(scene->db, sql);
    }
}

static int
checkpoint(struct scene *scene, bool *out_all)
{
    int log = 0, moved = 0;
    int rc = sqlite3_wal_checkpoint_v2(scene->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &log, &moved);

    if (out_all != NULL) {
        *out_all = log == moved;
    }
    return rc;
}

static void
assert_whole(sqlite3 *db, int64_t rows)
{
    assert_int_equal(number(db, "SELECT count(*) FROM t"), rows);
    assert_int_equal(number(db, "SELECT sum(length(data)) FROM t"), rows * (ROW_KIB << 10));
    assert_int_equal(number(db, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"), 1);
}

static sqlite3 *
reader_open(const char *path)
{
    struct store_error error = {0};
    sqlite3 *db = NULL;

    assert_int_equal(sql_open(path, SQL_READ, NULL, &db, &error), STORE_OK);
    return db;
}

/* The database's file alone, as if its log had gone: what was moved is there, all of it. */
static void
assert_moved(struct scene *scene, int64_t rows)
{
    struct store_error error = {0};
    char path[1100];
    sqlite3 *db = NULL;

    file_copy(scene->dir, JOURNAL_NAME, "copy.db");
    snprintf(path, sizeof(path), "%s/copy.db", scene->dir);
    assert_int_equal(sql_open(path, SQL_WRITE, NULL, &db, &error), STORE_OK);
    assert_whole(db, rows);
    sql_close(&db);
}

/* ------------------------------------------------------------- what it is for */

/* By SQLite's own way these are some 390 writes of a page, into the page cache. */
static void
pages_are_moved_in_long_writes_past_the_cache(void **state)
{
    struct scene *scene = *state;
    uint64_t before, after;

    if (!direct_is_known(scene)) {
        skip();
    }
    rows_add(scene, 10);
    gate_writes(&before);
    assert_int_equal(checkpoint(scene, NULL), SQLITE_OK);
    gate_writes(&after);
    assert_in_range(direct.writes, 3, 6);
    assert_true(direct.bytes >= 10 * (ROW_KIB << 10));
    assert_true(after - before < 64 << 10);
    assert_moved(scene, 10);
}

/* ------------------------------------------------------------- the disk, and readers */

static void *
checkpoint_run(void *context)
{
    return (void *)(intptr_t)checkpoint(context, NULL);
}

/* D1: the log may be written over once the sync has ended. */
static void
all_that_moves_is_written_before_the_sync(void **state)
{
    struct scene *scene = *state;
    pthread_t thread;
    void *rc;

    rows_add(scene, 7);
    gate_close();
    pthread_create(&thread, NULL, checkpoint_run, scene);
    assert_true(gate_wait());
    assert_moved(scene, 7);
    gate_open();
    pthread_join(thread, &rc);
    assert_int_equal((intptr_t)rc, SQLITE_OK);
}

/* D6: such a checkpoint is not synced; all the same others read what it moved from the file. */
static void
what_moved_beside_a_reader_is_read_from_the_file(void **state)
{
    struct scene *scene = *state;
    sqlite3 *old = reader_open(scene->path), *later;
    bool all = true;

    rows_add(scene, 5);
    run(old, "BEGIN");
    assert_whole(old, 5);
    rows_add(scene, 3);
    assert_int_equal(checkpoint(scene, &all), SQLITE_OK);
    assert_false(all);
    later = reader_open(scene->path);
    assert_whole(later, 8);
    assert_whole(old, 5);
    run(old, "COMMIT");
    assert_int_equal(checkpoint(scene, &all), SQLITE_OK);
    assert_true(all);
    assert_whole(later, 8);
    assert_moved(scene, 8);
    sql_close(&later);
    sql_close(&old);
}

/* D4: over logs that are begun anew, as a plain connection finds the files. */
static void
every_commit_is_recovered_without_it(void **state)
{
    struct scene *scene = *state;

    for (int i = 1; i <= 12; i++) {
        rows_add(scene, 1);
        if (i % 3 == 0) {
            assert_int_equal(checkpoint(scene, NULL), SQLITE_OK);
        }
        if (i % 4 == 0) {
            sql_close(&scene->db);
            assert_moved(scene, i);
            scene_open(scene);
        }
        assert_whole(scene->db, i);
    }
}

/* ------------------------------------------------------------- where it cannot be done, or fails */

static void
long_write_that_fails_is_made_again_as_sqlite_would(void **state)
{
    struct scene *scene = *state;
    const int codes[] = {EINVAL, EIO, ENOSPC, 0};

    for (int i = 0; i < 4; i++) {
        direct.code = codes[i];
        direct.half = codes[i] == 0;
        rows_add(scene, 4);
        assert_int_equal(checkpoint(scene, NULL), SQLITE_OK);
        assert_false(bypass_failed(scene->db));
        assert_moved(scene, 4 * (i + 1));
    }
}

static void
file_system_that_knows_no_such_writes_is_written_as_sqlite_would(void **state)
{
    struct scene *scene = *state;

    sql_close(&scene->db);
    direct.unknown = true;
    scene_open(scene);
    rows_add(scene, 6);
    assert_int_equal(checkpoint(scene, NULL), SQLITE_OK);
    assert_int_equal(direct.writes, 0);
    assert_moved(scene, 6);
}

/* D1: whichever of the writes it is, nothing counts as moved, and the next checkpoint moves all of it. */
static void
failed_write_fails_the_checkpoint(void **state)
{
    struct scene *scene = *state;
    uint32_t writes, syncs = 0;
    int rows = 0;

    direct.code = EIO;
    rows_add(scene, 5);
    rows += 5;
    writes = gate_writes(NULL);
    assert_int_equal(checkpoint(scene, NULL), SQLITE_OK);
    writes = gate_writes(NULL) - writes;
    for (uint32_t nth = 1; nth <= writes; nth += 5) {
        rows_add(scene, 5);
        rows += 5;
        syncs = gate_syncs();
        gate_fail_write(nth);
        assert_int_not_equal(checkpoint(scene, NULL), SQLITE_OK);
        assert_int_equal(gate_syncs(), syncs);
        assert_whole(scene->db, rows);
        gate_fail_write(0);
        assert_int_equal(checkpoint(scene, NULL), SQLITE_OK);
        assert_false(bypass_failed(scene->db));
        assert_moved(scene, rows);
    }
}

/* D6: beside a reader SQLite believes that all was moved; the store must not. */
static void
failure_that_sqlite_does_not_ask_for_is_known(void **state)
{
    struct scene *scene = *state;
    sqlite3 *old = reader_open(scene->path);
    uint32_t writes;
    bool all = true;

    direct.code = EIO;
    rows_add(scene, 1);
    run(old, "BEGIN");
    assert_whole(old, 1);
    rows_add(scene, 1);
    assert_false(bypass_failed(scene->db));
    writes = gate_writes(NULL);
    gate_fail_write(1);
    assert_int_equal(checkpoint(scene, &all), SQLITE_OK);
    assert_false(all);
    assert_int_equal(gate_writes(NULL), writes + 1);
    assert_true(bypass_failed(scene->db));
    run(old, "COMMIT");
    sql_close(&old);
}

int
main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        STORY(pages_are_moved_in_long_writes_past_the_cache),
        STORY(all_that_moves_is_written_before_the_sync),
        STORY(what_moved_beside_a_reader_is_read_from_the_file),
        STORY(every_commit_is_recovered_without_it),
        STORY(long_write_that_fails_is_made_again_as_sqlite_would),
        STORY(file_system_that_knows_no_such_writes_is_written_as_sqlite_would),
        STORY(failed_write_fails_the_checkpoint),
        STORY(failure_that_sqlite_does_not_ask_for_is_known),
    };

    return cmocka_run_group_tests_name("bypass", tests, NULL, NULL);
}
