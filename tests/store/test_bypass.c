/*
 * The pages that a checkpoint moves go to the disk in long writes past the page cache: what readers, the sync and a crash see of it.
 * Below is a file system that counts the writes and syncs of the database, and fails or waits when it is told to (gate.h); what goes
 * past it is seen in the calls of the C library (direct.h).
 */
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
#include <unistd.h>

#include "direct.h"
#include "file.h"
#include "gate.h"
#include "helper.h"
#include "store/bypass.h"
#include "store/engine_sqlite.h"

enum { PAGE = DIRECT_PAGE, ROW_KIB = 300 };

/* ------------------------------------------------------------- a connection */

struct scene {
    char *dir;
    char path[1024];
    sqlite3 *db;
};

static void
scene_open(struct scene *scene)
{
    struct store_error error = {0};
    const char *vfs = NULL;

    assert_int_equal(bypass_vfs(gate_vfs, &vfs, &error), STORE_OK);
    assert_int_equal(sql_open(scene->path, SQL_WRITE_CREATE, vfs, &scene->db, &error), STORE_OK);
    helper_run(scene->db, "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;"
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
        helper_run(scene->db, sql);
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
    assert_int_equal(helper_number(db, "SELECT count(*) FROM t"), rows);
    assert_int_equal(helper_number(db, "SELECT sum(length(data)) FROM t"), rows * (ROW_KIB << 10));
    assert_int_equal(helper_number(db, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"), 1);
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

/* D6: such a checkpoint is not synced; all the same others read what it moved from the file. Of the next one SQLite asks for the answer. */
static void
what_moved_beside_a_reader_is_read_from_the_file(void **state)
{
    struct scene *scene = *state;
    sqlite3 *old = reader_open(scene->path), *later;
    bool all = true;

    rows_add(scene, 5);
    helper_run(old, "BEGIN");
    assert_whole(old, 5);
    rows_add(scene, 3);
    assert_int_equal(checkpoint(scene, &all), SQLITE_OK);
    assert_false(all);
    assert_int_equal(direct.writes, 0);
    later = reader_open(scene->path);
    assert_whole(later, 8);
    assert_whole(old, 5);
    helper_run(old, "COMMIT");
    assert_int_equal(checkpoint(scene, &all), SQLITE_OK);
    assert_true(all);
    assert_true(direct.writes > 0 || !direct_is_known(scene));
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

/* Also of pages that are shorter than what the disk takes at once, and of the longest. */
static void
pages_of_any_size_are_moved(void **state)
{
    static const int sizes[] = {512, 1024, 2048, 4096, 65536};
    struct scene *scene = *state;
    char sql[96];

    for (int i = 0; i < 5; i++) {
        snprintf(sql, sizeof(sql), "PRAGMA journal_mode = DELETE; PRAGMA page_size = %d; VACUUM; PRAGMA journal_mode = WAL", sizes[i]);
        helper_run(scene->db, sql);
        assert_int_equal(helper_number(scene->db, "PRAGMA page_size"), sizes[i]);
        rows_add(scene, 5);
        assert_int_equal(checkpoint(scene, NULL), SQLITE_OK);
        assert_moved(scene, 5 * (i + 1));
    }
}

/* ------------------------------------------------------------- without a log, as a journal is made */

/* D6: some pages are written twice in such a commit, and read between. */
static void
what_is_held_back_is_read_and_counted(void **state)
{
    struct scene *scene = *state;
    sqlite3_file *file = NULL;
    uint8_t page[PAGE], want[PAGE];
    sqlite3_int64 size = 0, at = 1 << 20;

    assert_int_equal(sqlite3_file_control(scene->db, "main", SQLITE_FCNTL_FILE_POINTER, &file), SQLITE_OK);
    for (int i = 1; i <= 3; i++) {
        memset(page, i, PAGE);
        assert_int_equal(file->pMethods->xWrite(file, page, PAGE, at + (i == 2 ? PAGE : 0)), SQLITE_OK);
    }
    assert_int_equal(file->pMethods->xRead(file, page, PAGE, at), SQLITE_OK);
    memset(want, 3, PAGE);
    assert_memory_equal(page, want, PAGE);
    assert_int_equal(file->pMethods->xWrite(file, page, PAGE, at + 2 * PAGE), SQLITE_OK);
    assert_int_equal(file->pMethods->xFileSize(file, &size), SQLITE_OK);
    assert_int_equal(size, at + 3 * PAGE);
    assert_int_equal(file->pMethods->xWrite(file, page, PAGE, at + 3 * PAGE), SQLITE_OK);
    assert_int_equal(file->pMethods->xTruncate(file, 4 * PAGE), SQLITE_OK);
    assert_int_equal(file->pMethods->xFileSize(file, &size), SQLITE_OK);
    assert_int_equal(size, 4 * PAGE);
}

static void
commit_without_a_log_is_written_before_its_sync_or_unlock(void **state)
{
    struct scene *scene = *state;
    sqlite3 *later;

    helper_run(scene->db, "PRAGMA journal_mode = DELETE; BEGIN");
    rows_add(scene, 2);
    direct.code = EIO;
    gate_fail_write(1);
    assert_int_not_equal(sqlite3_exec(scene->db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    direct.code = 0;
    gate_fail_write(0);
    helper_run(scene->db, "PRAGMA synchronous = OFF");
    rows_add(scene, 2);
    later = reader_open(scene->path);
    assert_whole(later, 2);
    sql_close(&later);
}

/* ------------------------------------------------------------- where it cannot be done, or fails */

static void
long_write_that_fails_is_made_again_as_sqlite_would(void **state)
{
    struct scene *scene = *state;
    const int codes[] = {EINVAL, EIO, ENOSPC, 0, 0};

    for (int i = 0; i < 5; i++) {
        direct.code = codes[i];
        direct.half = codes[i] == 0;
        direct.odd = i == 4;
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

/* D4, D6: as when a backup fills the disk, whose own reader keeps the checkpoint from being whole, and outlives a new start. */
static void
full_disk_beside_a_reader_takes_nothing_away(void **state)
{
    struct scene *scene = *state;
    sqlite3 *old = reader_open(scene->path), *later = reader_open(scene->path);

    rows_add(scene, 2);
    helper_run(old, "BEGIN");
    assert_whole(old, 2);
    rows_add(scene, 3);
    direct.code = ENOSPC;
    gate_fail_write(1);
    checkpoint(scene, NULL);
    assert_whole(later, 5);
    direct.code = 0;
    sqlite3_db_config(scene->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sql_close(&scene->db);
    scene_open(scene);
    helper_run(old, "COMMIT");
    assert_int_equal(checkpoint(scene, NULL), SQLITE_OK);
    assert_whole(later, 5);
    assert_moved(scene, 5);
    sql_close(&later);
    sql_close(&old);
}

/* D6: the log has become longer meanwhile, so SQLite does not cut the file, and believes that all was moved; the store must not. */
static void
failure_that_sqlite_does_not_ask_for_is_known(void **state)
{
    struct scene *scene = *state;
    struct store_error error = {0};

    if (!direct_is_known(scene)) {
        skip();
    }
    rows_add(scene, 2);
    assert_int_equal(sql_open(scene->path, SQL_WRITE, NULL, &direct.foreign, &error), STORE_OK);
    helper_run(direct.foreign, "PRAGMA wal_autocheckpoint = 0");
    assert_false(bypass_failed(scene->db));
    direct.code = EIO;
    gate_fail_write(1);
    assert_int_equal(checkpoint(scene, NULL), SQLITE_OK);
    assert_null(direct.foreign);
    assert_true(bypass_failed(scene->db));
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
        STORY(pages_of_any_size_are_moved),
        STORY(what_is_held_back_is_read_and_counted),
        STORY(commit_without_a_log_is_written_before_its_sync_or_unlock),
        STORY(long_write_that_fails_is_made_again_as_sqlite_would),
        STORY(file_system_that_knows_no_such_writes_is_written_as_sqlite_would),
        STORY(failed_write_fails_the_checkpoint),
        STORY(full_disk_beside_a_reader_takes_nothing_away),
        STORY(failure_that_sqlite_does_not_ask_for_is_known),
    };

    return cmocka_run_group_tests_name("bypass", tests, NULL, NULL);
}
