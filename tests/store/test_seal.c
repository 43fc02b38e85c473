/*
 * The pages of history.db have checksums: what is wrong with one is found when it is read, with its number; who makes, copies and moves
 * pages keeps them right; and a history of the older format goes on without.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "store/history.h"
#include "store/seal.h"
#include "world.h"

enum { PAGE = 512, PAGE_OF_NEW = 8192, RESERVED_AT = 20 };

struct bytes {
    uint8_t *p;
    size_t n;
};

static const char *
history_path(const struct world *world)
{
    static char path[1024];

    snprintf(path, sizeof(path), "%s/" HISTORY_NAME, world->dir);
    return path;
}

static struct bytes
history_bytes(const struct world *world)
{
    FILE *file = fopen(history_path(world), "rb");
    struct bytes bytes = {.p = malloc(1 << 20)};

    assert_non_null(file);
    bytes.n = fread(bytes.p, 1, 1 << 20, file);
    fclose(file);
    return bytes;
}

static void
history_write(const struct world *world, const uint8_t *p, size_t n)
{
    FILE *file = fopen(history_path(world), "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(p, 1, n, file), n);
    fclose(file);
}

/* Small pages, so that there are many: in a file with a header and no tables yet a start makes them. */
static void
small_pages(const struct world *world)
{
    struct store_error error = {0};
    sqlite3 *db = NULL;

    assert_int_equal(history_connect(history_path(world), SQL_WRITE_CREATE, NULL, &db, &error), STORE_OK);
    assert_int_equal(sql_run(db, "PRAGMA page_size = 512", "sql", &error), STORE_OK);
    seal_begin(db);
    assert_int_equal(sql_run(db, "PRAGMA journal_mode = WAL", "sql", &error), STORE_OK);
    sql_close(&db);
}

/* Every page read. The first that does not hold is in the error. */
static enum store_status
pages_read(const char *path, bool *out_sealed, struct store_error *out_error)
{
    sqlite3 *db = NULL;
    int64_t whole = 0;
    uint32_t page;
    enum store_status status;

    assert_int_equal(history_connect(path, SQL_READ, NULL, &db, out_error), STORE_OK);
    status = sql_number(db, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'", &whole, out_error);
    page = seal_broken_page(db);
    if (page != 0) {
        status = STORE_DAMAGED;
        snprintf(out_error->text, sizeof(out_error->text), "page %u fails its checksum", page);
    }
    *out_sealed = seal_is_on(db);
    sql_close(&db);
    return status == STORE_OK && whole != 1 ? STORE_DAMAGED : status;
}

static void
page_is_named(const struct world *world, size_t page)
{
    struct store_error error = {0};
    char words[48];
    bool sealed;

    snprintf(words, sizeof(words), "page %zu fails its checksum", page + 1);
    if (pages_read(history_path(world), &sealed, &error) != STORE_DAMAGED || strstr(error.text, words) == NULL) {
        fail_msg("page %zu: %s", page + 1, error.text);
    }
}

static void
pages_hold(const char *path, bool want_sealed)
{
    struct store_error error = {0};
    bool sealed = !want_sealed;

    if (pages_read(path, &sealed, &error) != STORE_OK) {
        fail_msg("%s: %s", path, error.text);
    }
    assert_int_equal(sealed, want_sealed);
}

/* D6: a bit of its contents, and one of its checksum. */
static void
flipped_bit_in_any_page_is_found_and_named(void **state)
{
    static const size_t places[] = {PAGE / 2, PAGE - 9, PAGE - 1};
    struct world *world = *state;
    struct bytes bytes;

    small_pages(world);
    world_fill(world, 0, 20);
    bytes = history_bytes(world);
    assert_true(bytes.n / PAGE > 20);
    for (size_t page = 0; page < bytes.n / PAGE; page++) {
        for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
            bytes.p[page * PAGE + places[i]] ^= 1;
            history_write(world, bytes.p, bytes.n);
            page_is_named(world, page);
            bytes.p[page * PAGE + places[i]] ^= 1;
        }
    }
    history_write(world, bytes.p, bytes.n);
    pages_hold(history_path(world), true);
    free(bytes.p);
}

/* D6 */
static void
exchanged_and_zeroed_pages_are_found_and_named(void **state)
{
    struct world *world = *state;
    struct store_error error = {0};
    struct bytes bytes;
    uint8_t *other;
    size_t pages;
    bool sealed;

    small_pages(world);
    world_fill(world, 0, 20);
    bytes = history_bytes(world);
    other = malloc(bytes.n);
    pages = bytes.n / PAGE;
    for (size_t page = 1; page < pages; page++) {
        /* It is whole, and in a wrong place. */
        memcpy(other, bytes.p, bytes.n);
        memcpy(other + page * PAGE, bytes.p + (page + 1 < pages ? page + 1 : 1) * PAGE, PAGE);
        history_write(world, other, bytes.n);
        page_is_named(world, page);
        memset(other + page * PAGE, 0, PAGE);
        history_write(world, other, bytes.n);
        page_is_named(world, page);
    }
    /* SQLite finds by itself that there are fewer than the first page says. */
    history_write(world, bytes.p, bytes.n - PAGE);
    assert_int_equal(pages_read(history_path(world), &sealed, &error), STORE_DAMAGED);
    assert_non_null(strstr(error.text, "history.db"));
    free(other);
    free(bytes.p);
}

/* D6: what a lookup, a start and verify say of it. */
static void
damaged_page_is_no_missing_request(void **state)
{
    struct world *world = *state;
    struct store_error error = {0};
    struct store_finished row;
    char report[4096] = "";
    struct bytes bytes;
    uint32_t damaged = 0;

    small_pages(world);
    world_fill(world, 0, 20);
    file_page_clear(world->dir, HISTORY_NAME, PAGE, "finished", 1);
    world->store = helper_open(world->dir, &world->options);
    for (uint32_t i = 0; i < 20; i++) {
        enum store_status status = store_history_get(world->store, helper_request_of(i).id, &row, &error);
        assert_true(status == STORE_OK || status == STORE_DAMAGED);
        damaged += status == STORE_DAMAGED;
        assert_true(status == STORE_OK || (strstr(error.text, "history.db: ") != NULL && strstr(error.text, " fails its checksum") != NULL));
    }
    assert_true(damaged > 0 && damaged < 20);
    helper_close(&world->store);
    assert_int_equal(world_verify_status(world, report, sizeof(report)), STORE_DAMAGED);
    assert_non_null(strstr(report, "history.db: page "));
    assert_int_equal(store_history_rebuild(world->dir, NULL, NULL, &error), STORE_OK);
    bytes = history_bytes(world);
    bytes.p[PAGE] ^= 1;
    bytes.p[60] ^= 1;
    history_write(world, bytes.p, bytes.n);
    free(bytes.p);
    assert_int_equal(world_open_status(world, &error), STORE_DAMAGED);
    assert_non_null(strstr(error.text, "page 1 fails its checksum"));
    assert_non_null(strstr(error.text, "History can be rebuilt"));
}

/* D6: without its word nobody would look at the pages. */
static void
header_that_denies_the_checksums_is_refused(void **state)
{
    struct world *world = *state;
    struct store_error error = {0};
    struct bytes bytes;

    world_fill(world, 0, 5);
    bytes = history_bytes(world);
    assert_int_equal(bytes.p[RESERVED_AT], 8);
    bytes.p[RESERVED_AT] = 0;
    history_write(world, bytes.p, bytes.n);
    free(bytes.p);
    assert_int_equal(world_open_status(world, &error), STORE_DAMAGED);
    assert_non_null(strstr(error.text, "page 1 says that pages have no checksums"));
}

/* A copy of 4 MiB writes pages before it has the first one together, and half of them come from the log, where they have no seal. */
static void
copies_rebuilds_and_vacuum_keep_the_checksums(void **state)
{
    struct world *world = *state;
    struct store_error error = {0};
    char to[1024], path[1100];
    uint64_t seq, rows;

    world->store = helper_open(world->dir, &world->options);
    for (uint32_t i = 0; i < 64; i++) {
        struct helper_request request = helper_request_of(i);
        helper_append(world->store, PROTO_EV_ACCEPTED, &request, PROTO_STATUS_READY, i, 60000);
        helper_append(world->store, PROTO_EV_COMPLETED, &request, PROTO_STATUS_COMPLETED, i, 5000);
        helper_commit(world->store);
        if (i == 31) {
            helper_projected(world->store);
            helper_close(&world->store);
            world->store = helper_open(world->dir, &world->options);
        }
    }
    helper_projected(world->store);
    snprintf(to, sizeof(to), "%s/copy", world->dir);
    snprintf(path, sizeof(path), "%s/" HISTORY_NAME, to);
    assert_int_equal(store_backup(world->dir, to, &seq, &error), STORE_OK);
    pages_hold(path, true);
    assert_int_equal(file_number(to, HISTORY_NAME, "SELECT count(*) FROM finished"), 64);
    assert_int_equal(file_number(to, HISTORY_NAME, "PRAGMA user_version"), 2);
    helper_close(&world->store);
    pages_hold(history_path(world), true);
    assert_int_equal(store_history_rebuild(world->dir, &rows, NULL, &error), STORE_OK);
    assert_int_equal(rows, 64);
    pages_hold(history_path(world), true);
    file_sql(world->dir, HISTORY_NAME, "DELETE FROM finished WHERE id % 3 = 0; VACUUM");
    pages_hold(history_path(world), true);
}

/* Any SQLite reads it; one that writes leaves pages that do not hold, and that is said. */
static void
other_programs_may_read_and_not_write(void **state)
{
    struct world *world = *state;
    struct store_error error = {0};
    bool sealed;

    world_fill(world, 0, 5);
    assert_int_equal(file_number(world->dir, HISTORY_NAME, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"), 1);
    assert_int_equal(file_number(world->dir, HISTORY_NAME, "SELECT count(*) FROM finished"), 5);
    pages_hold(history_path(world), true);
    file_number(world->dir, HISTORY_NAME, "UPDATE finished SET at = at + 1 RETURNING id");
    assert_int_equal(pages_read(history_path(world), &sealed, &error), STORE_DAMAGED);
}

/* Made by a Qiao that knew no checksums: with a first page that has no room for one. */
static void
history_of_the_older_format_goes_on_without(void **state)
{
    struct world *world = *state;
    struct store_error error = {0};
    struct store_finished row;
    char to[1024], path[1100], report[4096] = "";
    uint64_t seq;

    file_sql(world->dir, HISTORY_NAME, "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL");
    world_fill(world, 0, 5);
    assert_int_equal(file_number(world->dir, HISTORY_NAME, "PRAGMA user_version"), 1);
    file_number(world->dir, HISTORY_NAME, "UPDATE finished SET at = at + 1 RETURNING id"); /* as any program may */
    world_fill(world, 5, 9);
    pages_hold(history_path(world), false);
    assert_int_equal(world_verify_status(world, report, sizeof(report)), STORE_OK);
    snprintf(to, sizeof(to), "%s/copy", world->dir);
    snprintf(path, sizeof(path), "%s/" HISTORY_NAME, to);
    assert_int_equal(store_backup(world->dir, to, &seq, &error), STORE_OK);
    pages_hold(path, false);
    assert_int_equal(store_history_rebuild(world->dir, NULL, NULL, &error), STORE_OK);
    assert_int_equal(file_number(world->dir, HISTORY_NAME, "PRAGMA user_version"), 2);
    pages_hold(history_path(world), true);
    world->store = helper_open(world->dir, &world->options);
    assert_int_equal(store_history_get(world->store, helper_request_of(7).id, &row, &error), STORE_OK);
    helper_close(&world->store);
}

int
main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        STORY(flipped_bit_in_any_page_is_found_and_named),
        STORY(exchanged_and_zeroed_pages_are_found_and_named),
        STORY(damaged_page_is_no_missing_request),
        STORY(header_that_denies_the_checksums_is_refused),
        STORY(copies_rebuilds_and_vacuum_keep_the_checksums),
        STORY(other_programs_may_read_and_not_write),
        STORY(history_of_the_older_format_goes_on_without),
    };

    return cmocka_run_group_tests_name("seal", tests, NULL, NULL);
}
