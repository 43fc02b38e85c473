/*
 * What a commit writes to the log is gathered and written in one: what a connection, its readers and the disk see of it.
 * Below is a file system that counts the writes and syncs of the log, and fails or waits when it is told to (gate.h).
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "gate.h"
#include "helper.h"
#include "store/engine_sqlite.h"
#include "store/gather.h"

#define LOG JOURNAL_NAME "-wal"

enum { PIECE = 64 << 10, FAR = 32 << 20 };

/* A connection that gathers, set as the journal's is, over a table of blobs; no store around it. */
struct scene {
    char *dir;
    char path[1024];
    sqlite3 *db;
};

static void
scene_open(struct scene *scene, const char *uri_words)
{
    struct store_error error = {0};
    const char *vfs = NULL;
    char uri[1100];

    assert_int_equal(gather_vfs(gate_vfs, &vfs, &error), STORE_OK);
    snprintf(uri, sizeof(uri), "file:%s%s", scene->path, uri_words);
    assert_int_equal(sqlite3_open_v2(uri, &scene->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI, vfs), SQLITE_OK);
    helper_run(scene->db, "PRAGMA page_size = 4096; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;"
                   " PRAGMA cache_spill = OFF; CREATE TABLE IF NOT EXISTS t (n INTEGER PRIMARY KEY, data BLOB)");
}

static int
setup_bare(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));

    gate_install(LOG);
    scene->dir = helper_dir_make();
    snprintf(scene->path, sizeof(scene->path), "%s/" JOURNAL_NAME, scene->dir);
    *state = scene;
    return 0;
}

static int
setup(void **state)
{
    setup_bare(state);
    scene_open(*state, "");
    return 0;
}

static int
teardown(void **state)
{
    struct scene *scene = *state;

    gate_open();
    gate_fail_write(0);
    gate_fail_sync(0);
    sqlite3_close(scene->db);
    helper_dir_remove(&scene->dir);
    free(scene);
    return 0;
}

/* The SQLite code of a commit of one row of so many KiB. */
static int
commit(sqlite3 *db, uint32_t kib)
{
    char sql[96];

    snprintf(sql, sizeof(sql), "INSERT INTO t (data) VALUES (randomblob(%u))", kib << 10);
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

/* What a plain connection makes of the files as they are now: its rows, when they are in order. */
static int64_t
rows_recovered(struct scene *scene)
{
    struct store_error error = {0};
    char path[1100];
    sqlite3 *db = NULL;
    int64_t rows;

    file_copy(scene->dir, JOURNAL_NAME, "copy.db");
    file_copy(scene->dir, LOG, "copy.db-wal");
    file_remove(scene->dir, "copy.db-shm");
    snprintf(path, sizeof(path), "%s/copy.db", scene->dir);
    assert_int_equal(sql_open(path, SQL_WRITE, NULL, &db, &error), STORE_OK);
    rows = helper_number(db, "SELECT count(*) FROM t");
    assert_int_equal(helper_number(db, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"), 1);
    sql_close(&db);
    return rows;
}

/* The log as SQLite holds it. */
static sqlite3_file *
log_of(sqlite3 *db)
{
    sqlite3_file *file = NULL;

    assert_int_equal(sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file), SQLITE_OK);
    return file;
}

static int
log_write(sqlite3_file *log, char c, int n, sqlite3_int64 at)
{
    static uint8_t bytes[PIECE];

    assert_true(n <= PIECE);
    memset(bytes, c, (size_t)n);
    return log->pMethods->xWrite(log, bytes, n, at);
}

static sqlite3_int64
log_size(sqlite3_file *log)
{
    sqlite3_int64 size = -1;

    assert_int_equal(log->pMethods->xFileSize(log, &size), SQLITE_OK);
    return size;
}

/* One byte of the log as it is on the disk; -1: it does not reach so far. */
static int
byte_on_disk(struct scene *scene, sqlite3_int64 at)
{
    char path[1100];
    FILE *file;
    int c;

    snprintf(path, sizeof(path), "%s-wal", scene->path);
    file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, (long)at, SEEK_SET), 0);
    c = fgetc(file);
    fclose(file);
    return c;
}

/* ------------------------------------------------------------- what it is for */

/* Without it these are 22 writes, and 82. */
static void
commit_is_written_in_one(void **state)
{
    struct scene *scene = *state;
    uint64_t before, after;
    uint32_t writes = gate_writes(&before), syncs = gate_syncs();

    assert_int_equal(commit(scene->db, 40), SQLITE_OK);
    assert_int_equal(gate_writes(&after) - writes, 1);
    assert_true(after - before > 40 << 10);
    assert_int_equal(gate_syncs(), syncs + 1);
    writes = gate_writes(&before);
    assert_int_equal(commit(scene->db, 160), SQLITE_OK);
    writes = gate_writes(&after) - writes;
    assert_int_equal(writes, (after - before + PIECE - 1) / PIECE);
    assert_int_equal(gate_syncs(), syncs + 2);
}

/* ------------------------------------------------------------- reading */

static void
what_is_gathered_is_read_back(void **state)
{
    struct scene *scene = *state;
    sqlite3_file *log = log_of(scene->db);
    sqlite3_int64 begin = log_size(log);
    uint32_t writes = gate_writes(NULL);
    char got[32];

    assert_int_equal(log_write(log, 'a', 10, begin), SQLITE_OK);
    assert_int_equal(log_write(log, 'b', 10, begin + 10), SQLITE_OK);
    assert_int_equal(log_write(log, 'c', 4, begin + 8), SQLITE_OK);
    assert_int_equal(log_size(log), begin + 20);
    assert_int_equal(log->pMethods->xRead(log, got, 20, begin), SQLITE_OK);
    assert_memory_equal(got, "aaaaaaaaccccbbbbbbbb", 20);
    assert_int_equal(log->pMethods->xRead(log, got, 4, begin + 6), SQLITE_OK);
    assert_memory_equal(got, "aacc", 4);
    /* With what stands before it, and beyond its end. */
    assert_int_equal(log->pMethods->xRead(log, got, 8, begin - 4), SQLITE_OK);
    assert_memory_equal(got + 4, "aaaa", 4);
    assert_int_equal(got[0] & 0xff, byte_on_disk(scene, begin - 4));
    assert_int_equal(log->pMethods->xRead(log, got, 8, begin + 16), SQLITE_IOERR_SHORT_READ);
    assert_memory_equal(got, "bbbb\0\0\0\0", 8);
    /* Cut off again, and written elsewhere: what is between are zeros. */
    assert_int_equal(log->pMethods->xTruncate(log, begin + 12), SQLITE_OK);
    assert_int_equal(log_size(log), begin + 12);
    assert_int_equal(byte_on_disk(scene, begin + 11), 'c');
    assert_int_equal(log_write(log, 'd', 10, begin + 16), SQLITE_OK);
    assert_int_equal(log->pMethods->xRead(log, got, 8, begin + 10), SQLITE_OK);
    assert_memory_equal(got, "cc\0\0\0\0dd", 8);
    assert_int_equal(log->pMethods->xRead(log, got, 4, begin + 12), SQLITE_OK);
    assert_memory_equal(got, "\0\0\0\0", 4);
    assert_int_equal(gate_writes(NULL), writes + 1);
    gather_stop(scene->db);
}

/* D4 */
static void
what_is_written_elsewhere_comes_after_what_was_gathered(void **state)
{
    struct scene *scene = *state;
    sqlite3_file *log = log_of(scene->db);
    sqlite3_int64 begin = log_size(log);

    assert_int_equal(log_write(log, 'a', 100, begin), SQLITE_OK);
    assert_int_equal(byte_on_disk(scene, begin), -1);
    assert_int_equal(log_write(log, 'b', 100, begin + 1000), SQLITE_OK);
    assert_int_equal(byte_on_disk(scene, begin), 'a');
    assert_int_equal(byte_on_disk(scene, begin + 1000), -1);
    assert_int_equal(log_write(log, 'c', 50, begin), SQLITE_OK);
    assert_int_equal(byte_on_disk(scene, begin + 1000), 'b');
    assert_int_equal(byte_on_disk(scene, begin), 'a');
    assert_int_equal(log->pMethods->xSync(log, SQLITE_SYNC_NORMAL), SQLITE_OK);
    assert_int_equal(byte_on_disk(scene, begin), 'c');
    assert_int_equal(byte_on_disk(scene, begin + 99), 'a');
}

/* B1 */
static void
what_is_gathered_has_a_bound(void **state)
{
    struct scene *scene = *state;
    sqlite3_file *log = log_of(scene->db);
    sqlite3_int64 begin = log_size(log), given = 0;
    uint64_t before, after;

    gate_writes(&before);
    while (given < 3 * GATHER_BYTES_MAX) {
        assert_int_equal(log_write(log, 'a' + (char)(given / PIECE % 20), PIECE - 1, begin + given), SQLITE_OK);
        given += PIECE - 1;
        gate_writes(&after);
        assert_true(given - (sqlite3_int64)(after - before) <= GATHER_BYTES_MAX);
    }
    assert_int_equal(log_size(log), begin + given);
    assert_int_equal(log->pMethods->xSync(log, SQLITE_SYNC_NORMAL), SQLITE_OK);
    for (sqlite3_int64 at = 0; at < given; at += PIECE - 1) {
        assert_int_equal(byte_on_disk(scene, begin + at), 'a' + at / PIECE % 20);
    }
}

/* ------------------------------------------------------------- the disk, and readers */

static void *
commit_run(void *context)
{
    struct scene *scene = context;

    return (void *)(intptr_t)commit(scene->db, 100);
}

/* D1, D2: all of a commit is written before the sync begins, and nobody sees it before the sync has ended. */
static void
sync_comes_between_the_writes_and_what_readers_see(void **state)
{
    struct scene *scene = *state;
    struct store_error error = {0};
    sqlite3 *reader = NULL;
    pthread_t thread;
    void *rc;

    assert_int_equal(commit(scene->db, 20), SQLITE_OK);
    assert_int_equal(sql_open(scene->path, SQL_READ, NULL, &reader, &error), STORE_OK);
    gate_close();
    pthread_create(&thread, NULL, commit_run, scene);
    assert_true(gate_wait());
    assert_int_equal(helper_number(reader, "SELECT count(*) FROM t"), 1);
    assert_int_equal(rows_recovered(scene), 2);
    gate_open();
    pthread_join(thread, &rc);
    assert_int_equal((intptr_t)rc, SQLITE_OK);
    assert_int_equal(helper_number(reader, "SELECT count(*) FROM t"), 2);
    assert_int_equal(helper_number(reader, "SELECT sum(length(data)) FROM t"), 120 << 10);
    sql_close(&reader);
}

/* D1, D4: over logs that are moved and begun anew, cut off or not, as a plain connection recovers them. */
static void
every_commit_is_recovered_without_it(void **state)
{
    struct scene *scene = *state;
    static const int modes[] = {SQLITE_CHECKPOINT_PASSIVE, SQLITE_CHECKPOINT_RESTART, SQLITE_CHECKPOINT_TRUNCATE};

    for (int i = 0; i < 40; i++) {
        assert_int_equal(commit(scene->db, (uint32_t)(i * 7919 % 300)), SQLITE_OK);
        assert_int_equal(rows_recovered(scene), i + 1);
        if (i % 5 == 4) {
            assert_int_equal(sqlite3_wal_checkpoint_v2(scene->db, NULL, modes[i / 5 % 3], NULL, NULL), SQLITE_OK);
            assert_int_equal(rows_recovered(scene), i + 1);
        }
    }
}

/* Without the promise SQLite fills the sector up after the sync; readers would look at that. */
static void
nothing_is_gathered_where_an_overwrite_is_not_safe(void **state)
{
    struct scene *scene = *state;
    uint32_t writes;

    scene_open(scene, "?psow=0");
    assert_int_equal(commit(scene->db, 40), SQLITE_OK);
    writes = gate_writes(NULL);
    assert_int_equal(commit(scene->db, 40), SQLITE_OK);
    assert_true(gate_writes(NULL) > writes + 20);
    assert_int_equal(rows_recovered(scene), 2);
}

/* ------------------------------------------------------------- taken back, and failed */

static void
rollback_leaves_nothing(void **state)
{
    struct scene *scene = *state;
    uint32_t writes;

    assert_int_equal(commit(scene->db, 20), SQLITE_OK);
    writes = gate_writes(NULL);
    helper_run(scene->db, "BEGIN IMMEDIATE");
    assert_int_equal(commit(scene->db, 3000), SQLITE_OK);
    helper_run(scene->db, "ROLLBACK");
    assert_int_equal(gate_writes(NULL), writes);
    assert_int_equal(rows_recovered(scene), 1);
    assert_int_equal(commit(scene->db, 20), SQLITE_OK);
    assert_int_equal(rows_recovered(scene), 2);
}

/* D6: another process may have written there since. */
static void
what_was_taken_back_is_not_written_by_the_close(void **state)
{
    struct scene *scene = *state;
    struct store_error error = {0};
    sqlite3 *other = NULL;
    sqlite3_file *log = log_of(scene->db);

    assert_int_equal(commit(scene->db, 20), SQLITE_OK);
    assert_int_equal(log_write(log, 'x', 20000, log_size(log)), SQLITE_OK);
    assert_int_equal(sql_open(scene->path, SQL_WRITE, NULL, &other, &error), STORE_OK);
    sqlite3_db_config(other, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    assert_int_equal(commit(other, 30), SQLITE_OK);
    sqlite3_db_config(scene->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    assert_int_equal(sqlite3_close(scene->db), SQLITE_OK);
    scene->db = NULL;
    assert_int_equal(rows_recovered(scene), 2);
    sql_close(&other);
}

/* D3: also not when SQLite is asked to sync, to commit, to move the log or to close. */
static void
nothing_is_written_after_it_was_stopped(void **state)
{
    struct scene *scene = *state;
    sqlite3_file *log = log_of(scene->db);
    uint32_t writes, syncs;

    assert_int_equal(commit(scene->db, 20), SQLITE_OK);
    assert_int_equal(log_write(log, 'x', 100, log_size(log)), SQLITE_OK);
    writes = gate_writes(NULL);
    syncs = gate_syncs();
    gather_stop(scene->db);
    assert_int_not_equal(log->pMethods->xSync(log, SQLITE_SYNC_NORMAL), SQLITE_OK);
    assert_int_not_equal(log->pMethods->xTruncate(log, 0), SQLITE_OK);
    assert_int_not_equal(commit(scene->db, 20), SQLITE_OK);
    assert_int_not_equal(sqlite3_wal_checkpoint_v2(scene->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL), SQLITE_OK);
    sqlite3_close(scene->db);
    scene->db = NULL;
    assert_int_equal(gate_writes(NULL), writes);
    assert_int_equal(gate_syncs(), syncs);
    assert_int_equal(rows_recovered(scene), 1);
}

/* D3: the commit fails, whichever of its writes does or its sync; and that was the last one. */
static void
failed_write_or_sync_is_the_last(void **state)
{
    struct scene *scene = *state;

    for (uint32_t nth = 0; nth < 4; nth++) {
        uint32_t writes, syncs;
        assert_int_equal(commit(scene->db, 20), SQLITE_OK);
        assert_int_equal(rows_recovered(scene), nth + 1);
        writes = gate_writes(NULL);
        syncs = gate_syncs();
        gate_fail_write(nth);
        gate_fail_sync(nth == 0);
        assert_int_not_equal(commit(scene->db, 150), SQLITE_OK);
        assert_int_equal(gate_writes(NULL), nth > 0 ? writes + nth : writes + 3);
        assert_int_equal(gate_syncs(), syncs + (nth == 0));
        writes = gate_writes(NULL);
        syncs = gate_syncs();
        assert_int_equal(helper_number(scene->db, "SELECT count(*) FROM t"), nth + 1);
        assert_int_not_equal(commit(scene->db, 20), SQLITE_OK);
        assert_int_not_equal(sqlite3_wal_checkpoint_v2(scene->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL), SQLITE_OK);
        sqlite3_close(scene->db);
        assert_int_equal(gate_writes(NULL), writes);
        assert_int_equal(gate_syncs(), syncs);
        /* Only a new start goes on. Was it the sync, the commit may be there: it is taken away for the count. */
        scene_open(scene, "");
        helper_run(scene->db, "DELETE FROM t WHERE length(data) > 100000");
    }
}

/* ------------------------------------------------------------- */

static void *
name_ask(void *context)
{
    const char *name = NULL;

    return gather_vfs(context, &name, NULL) == STORE_OK ? (void *)(uintptr_t)name : NULL;
}

static void
registered_once_whoever_asks(void **state)
{
    pthread_t threads[8];
    void *names[8];
    struct store_error error = {0};
    const char *name = NULL;

    for (int i = 0; i < 8; i++) {
        pthread_create(&threads[i], NULL, name_ask, NULL);
    }
    for (int i = 0; i < 8; i++) {
        pthread_join(threads[i], &names[i]);
        assert_non_null(names[i]);
        assert_ptr_equal(names[i], names[0]);
    }
    assert_int_equal(gather_vfs("no such one", &name, &error), STORE_INVALID);
    assert_non_null(strstr(error.text, "no such one"));
    assert_string_not_equal(sqlite3_vfs_find(NULL)->zName, names[0]);
}

int
main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registered_once_whoever_asks),
        STORY(commit_is_written_in_one),
        STORY(what_is_gathered_is_read_back),
        STORY(what_is_written_elsewhere_comes_after_what_was_gathered),
        STORY(what_is_gathered_has_a_bound),
        STORY(sync_comes_between_the_writes_and_what_readers_see),
        STORY(every_commit_is_recovered_without_it),
        cmocka_unit_test_setup_teardown(nothing_is_gathered_where_an_overwrite_is_not_safe, setup_bare, teardown),
        STORY(rollback_leaves_nothing),
        STORY(what_was_taken_back_is_not_written_by_the_close),
        STORY(nothing_is_written_after_it_was_stopped),
        STORY(failed_write_or_sync_is_the_last),
    };

    return cmocka_run_group_tests_name("gather", tests, NULL, NULL);
}
