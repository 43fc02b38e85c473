/*
 * What happens around a store: death in the middle, other owners, no rights, no room. The path of store_tool is the argument.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "process.h"
#include "world.h"

/* D6: SQLite alone drops what follows a flipped bit in its log, without a word. */
static void
flipped_bit_in_the_log_of_a_killed_broker_is_found(void **state)
{
    struct world *world = *state;
    struct process process = process_start("write", world->dir, NULL);
    struct store_error error;
    char report[4096] = "";

    for (int i = 0; i < 40; i++) {
        process_line(&process);
    }
    process_kill(&process);
    file_flip_at(world->dir, "journal.db-wal", 500000);
    assert_int_equal(world_open_status(world, &error), STORE_BEHIND);
    assert_int_equal(world_verify_status(world, report, sizeof(report)), STORE_DAMAGED);
    assert_non_null(strstr(report, "witness="));
}

/* The open requests of a replay, by their last event: every event must follow the one that it names. */
struct fold {
    uint64_t id[65536], last[65536];
    uint32_t count;
};

static int
replay_fold(void *context, enum store_origin origin, uint64_t seq, const uint8_t *p, uint32_t n)
{
    struct fold *fold = context;
    struct proto_event event;
    struct proto_error why;
    size_t used;
    uint32_t i = 0;

    if (origin == STORE_FROM_SNAPSHOT) {
        return 0;
    }
    if (!proto_event_decode(p, n, &used, &event, &why)) {
        return 1;
    }
    while (i < fold->count && fold->id[i] != event.id) {
        i++;
    }
    if (event.prev == 0 ? i < fold->count : i == fold->count || fold->last[i] != event.prev) {
        return 1;
    }
    if (i == fold->count) {
        fold->id[fold->count++] = event.id;
    }
    fold->last[i] = seq;
    if (event.status == PROTO_STATUS_COMPLETED) {
        fold->count--;
        fold->id[i] = fold->id[fold->count];
        fold->last[i] = fold->last[fold->count];
    }
    return fold->count == 65536;
}

/* D1 D4 */
static void
killed_broker_keeps_every_event_that_it_reported(void **state)
{
    struct world *world = *state;
    struct store_stats stats;

    for (int cycle = 0; cycle < 12; cycle++) {
        struct process process = process_start("write", world->dir, NULL);
        struct fold *fold = calloc(1, sizeof(*fold));
        struct store_error error = {0};
        unsigned long long reported = 0;
        for (int i = 0; i < 5 + cycle * 37; i++) {
            reported = strtoull(process_line(&process), NULL, 10);
        }
        process_kill(&process);
        if (store_open(world->dir, &world->options, &world->store, &error) != STORE_OK ||
            store_replay(world->store, replay_fold, fold, &error) != STORE_OK) {
            fail_msg("cycle %d: %s", cycle, error.text);
        }
        free(fold);
        assert_true(store_last_seq(world->store) >= reported);
        store_stats(world->store, &stats);
        helper_close(&world->store);
        assert_int_equal(world_verify_status(world, (char[4096]){0}, 4096), STORE_OK);
    }
    /* The mark moved and the journal was pruned meanwhile. */
    assert_true(stats.mark_seq > 5000 && stats.first_seq > 1);
}

/* ------------------------------------------------------------- other owners, no rights, no room */

static void
second_process_is_told_who_holds_the_store(void **state)
{
    struct world *world = *state;
    struct process process = process_start("hold", world->dir, NULL);
    struct store_error error;

    assert_string_equal(process_line(&process), "ready");
    assert_int_equal(world_open_status(world, &error), STORE_IN_USE);
    assert_int_equal(error.pid, process.pid);
    assert_int_equal(store_history_rebuild(world->dir, NULL, NULL, &error), STORE_IN_USE);
    assert_int_equal(process_end(&process), 0);
    assert_int_equal(world_open_status(world, &error), STORE_OK);
}

static void
directory_that_cannot_be_written_is_refused(void **state)
{
    struct world *world = *state;
    struct process process;

    world_fill(world, 0, 2);
    chmod(world->dir, 0555);
    process = process_start("nobody", world->dir, NULL);
    assert_int_equal(strncmp(process_line(&process), "read-only ", 10), 0);
    assert_int_equal(process_end(&process), 1);
    chmod(world->dir, 0700);
}

static void
directory_that_does_not_exist_is_refused(void **state)
{
    struct world *world = *state;
    struct store *store = NULL;
    struct store_error error;

    assert_int_equal(store_open("/nonexistent/qiao", &world->options, &store, &error), STORE_NOT_FOUND);
    assert_int_equal(store_journal_verify(world->dir, stderr, &(struct store_verify_result){0}, &error),
                     STORE_NOT_FOUND);
    assert_int_equal(store_journal_dump(world->dir, 0, 0, false, stderr, &error), STORE_NOT_FOUND);
    assert_int_equal(store_history_rebuild(world->dir, NULL, NULL, &error), STORE_NOT_FOUND);
}

static void
files_are_for_their_owner_only(void **state)
{
    struct world *world = *state;
    static const char *const names[] = {"journal.db", "journal.db-wal", "journal.db-shm", "history.db",
                                        "history.db-wal", "lock", "journal.end"};

    world->store = helper_open(world->dir, &world->options);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_int_equal(file_mode(world->dir, names[i]), 0600);
    }
}

static void
store_without_syncs_says_so(void **state)
{
    struct world *world = *state;
    struct helper_request request = helper_request_of(1);
    struct store_stats stats;

    world->options.durability = STORE_UNSYNCED;
    world->store = helper_open(world->dir, &world->options);
    helper_lifecycle(world->store, &request, 1);
    helper_commit(world->store);
    store_stats(world->store, &stats);
    assert_int_equal(stats.batches, 1);
    assert_int_equal(stats.syncs, 0);
}

/* B3 D3 */
static void
full_disk_warns_first_and_then_stops_in_doubt(void **state)
{
    struct world *world = *state;
    struct store_error error = {0};
    enum store_status status = STORE_OK;
    uint64_t durable = 0;
    uint32_t i = 0;
    bool warned = false;

    world->options.page_bytes = 4096;
    world->options.journal_bytes_max = 400 << 10;
    world->options.disk_reserve_bytes = 200 << 10;
    world->options.history = false;
    world->store = helper_open(world->dir, &world->options);
    assert_false(store_disk_high(world->store));
    while (status == STORE_OK) {
        struct helper_request request = helper_request_of(i++);
        helper_append(world->store, PROTO_EV_ACCEPTED, &request, PROTO_STATUS_READY, 1, 4000);
        durable = store_durable_seq(world->store);
        warned = warned || store_disk_high(world->store);
        assert_true(i < 1000);
        status = store_commit_wait(world->store, &error);
    }
    assert_true(warned);
    assert_int_equal(status, STORE_IN_DOUBT);
    /* It stays so: nothing more is taken, nothing more is called durable. */
    assert_int_equal(store_append(world->store, store_last_seq(world->store) + 1, "x", 1), STORE_IN_DOUBT);
    store_commit_begin(world->store);
    assert_false(store_durable_seq(world->store) > durable);
    assert_int_equal(store_commit_end(world->store, &(uint64_t){0}, &error), STORE_IN_DOUBT);
    assert_int_equal(store_close(&world->store, 0, &error), STORE_IN_DOUBT);
    world->options.journal_bytes_max = 200 << 10;
    assert_int_equal(world_open_status(world, &error), STORE_DISK_FULL);
    world->options.journal_bytes_max = 0;
    world->store = helper_open(world->dir, &world->options);
    assert_true(store_last_seq(world->store) >= durable);
}

/* B3: the pages that count are those of the journal, whatever a new one would get. */
static void
quota_holds_for_a_journal_of_other_pages(void **state)
{
    struct world *world = *state;
    struct store_error error = {0};
    enum store_status status = STORE_OK;
    uint64_t quota = 1 << 20;
    struct stat st;
    char path[1024];

    world->options.page_bytes = 65536;
    world->options.history = false;
    world->options.pack_bytes_min = UINT32_MAX; /* bodies of a pattern would take no room */
    world->store = helper_open(world->dir, &world->options);
    helper_close(&world->store);
    world->options.page_bytes = 4096;
    world->options.journal_bytes_max = quota;
    world->store = helper_open(world->dir, &world->options);
    for (uint32_t i = 0; status == STORE_OK; i++) {
        struct helper_request request = helper_request_of(i);
        helper_append(world->store, PROTO_EV_ACCEPTED, &request, PROTO_STATUS_READY, 1, 40000);
        status = store_commit_wait(world->store, &error);
        assert_true(i < 100);
    }
    assert_int_equal(status, STORE_IN_DOUBT);
    assert_int_equal(store_close(&world->store, 0, &error), STORE_IN_DOUBT);
    file_sql(world->dir, "journal.db", "PRAGMA wal_checkpoint(TRUNCATE)");
    snprintf(path, sizeof(path), "%s/journal.db", world->dir);
    assert_int_equal(stat(path, &st), 0);
    assert_true((uint64_t)st.st_size <= quota && (uint64_t)st.st_size > quota / 2);
    /* Less than a page is a quota too. */
    world->options.journal_bytes_max = 1;
    assert_int_equal(world_open_status(world, &error), STORE_DISK_FULL);
}

int
main(int argc, char **argv)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        STORY(flipped_bit_in_the_log_of_a_killed_broker_is_found),
        STORY(killed_broker_keeps_every_event_that_it_reported),
        STORY(second_process_is_told_who_holds_the_store),
        STORY(directory_that_cannot_be_written_is_refused),
        STORY(directory_that_does_not_exist_is_refused),
        STORY(files_are_for_their_owner_only),
        STORY(store_without_syncs_says_so),
        STORY(full_disk_warns_first_and_then_stops_in_doubt),
        STORY(quota_holds_for_a_journal_of_other_pages),
    };

    if (argc != 2) {
        return 64;
    }
    process_tool(argv[1]);
    return cmocka_run_group_tests_name("world", tests, NULL, NULL);
}
