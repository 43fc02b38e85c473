/*
 * What can go wrong around a store: damage, lost ends, full disks, other owners, newer formats, death in the middle.
 * The path of store_tool is the argument.
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
#include "helper.h"
#include "process.h"

struct world {
    char *dir;
    struct store_options options;
    struct store *store;
};

static int
setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    world->dir = helper_dir_make();
    world->options = helper_options(STORE_ENGINE_SQLITE);
    *state = world;
    return 0;
}

static int
teardown(void **state)
{
    struct world *world = *state;
    struct store_error error;

    store_close(&world->store, 0, &error);
    helper_dir_remove(&world->dir);
    free(world);
    return 0;
}

/* A closed store of that many finished requests, in batches of one each. */
static void
fill(struct world *world, uint32_t from, uint32_t to)
{
    world->store = helper_open(world->dir, &world->options);
    for (uint32_t i = from; i < to; i++) {
        struct helper_request request = helper_request_of(i);
        helper_lifecycle(world->store, &request, i);
        helper_commit(world->store);
    }
    helper_projected(world->store);
    helper_close(&world->store);
}

static int
replay_ignore(void *context, enum store_origin origin, uint64_t seq, const uint8_t *p, uint32_t n)
{
    return 0;
}

/* Open and replay; closed again in any case. */
static enum store_status
open_status(struct world *world, struct store_error *out_error)
{
    struct store_error error;
    enum store_status status = store_open(world->dir, &world->options, &world->store, out_error);

    if (status == STORE_OK) {
        status = store_replay(world->store, replay_ignore, NULL, out_error);
    }
    store_close(&world->store, 0, &error);
    return status;
}

static enum store_status
verify_status(struct world *world, char *out_report, size_t n)
{
    struct store_verify_result result;
    struct store_error error;
    FILE *report = fmemopen(out_report, n, "w");
    enum store_status status = store_journal_verify(world->dir, report, &result, &error);

    fclose(report);
    return status;
}

/* The bytes of the accepted event of request i, which is event 3 i + 1 in a store that `fill` made from 0. */
static void
flip_event(struct world *world, const char *name, uint32_t i)
{
    struct helper_request request = helper_request_of(i);
    struct proto_buf buf;

    proto_buf_init(&buf, 1 << 16);
    helper_event(&buf, PROTO_EV_ACCEPTED, &request, PROTO_STATUS_READY, i, 256);
    assert_true(file_flip(world->dir, name, buf.p, buf.n));
    proto_buf_fini(&buf);
}

/* ------------------------------------------------------------- damage */

/* D6 */
static void
flipped_bit_in_the_journal_is_found_and_named(void **state)
{
    struct world *world = *state;
    struct store_error error;
    char report[4096] = "";

    fill(world, 0, 20);
    flip_event(world, "journal.db", 11);
    assert_int_equal(open_status(world, &error), STORE_DAMAGED);
    assert_int_equal(error.seq, 34);
    assert_int_equal(verify_status(world, report, sizeof(report)), STORE_DAMAGED);
    assert_non_null(strstr(report, "event=34 batch=34 its checksum is wrong"));
}

/* D6 */
static void
flipped_bit_behind_the_mark_is_not_served(void **state)
{
    struct world *world = *state;
    struct store_error error = {0};
    struct store_stats stats;
    const uint8_t *p;
    uint64_t durable;
    uint32_t n;

    fill(world, 0, 20);
    world->store = helper_open(world->dir, &world->options);
    helper_projected(world->store);
    assert_int_equal(store_mark_advance(world->store, NULL, 0, 0), STORE_OK);
    do {
        assert_int_equal(store_commit_end(world->store, &durable, &error), STORE_OK);
        store_stats(world->store, &stats);
    } while (stats.compacting);
    assert_int_equal(stats.mark_seq, 60);
    helper_close(&world->store);
    flip_event(world, "journal.db", 11);
    world->store = helper_open(world->dir, &world->options);
    assert_int_equal(store_read(world->store, 31, &p, &n, &error), STORE_OK);
    assert_int_equal(store_read(world->store, 34, &p, &n, &error), STORE_DAMAGED);
    assert_int_equal(error.seq, 34);
}

/* D6 */
static void
flipped_bit_in_history_is_not_served(void **state)
{
    struct world *world = *state;
    struct store_error error;
    struct store_finished row;
    char report[4096] = "";

    fill(world, 0, 20);
    flip_event(world, "history.db", 11);
    world->store = helper_open(world->dir, &world->options);
    assert_int_equal(store_history_get(world->store, helper_request_of(10).id, &row, &error), STORE_OK);
    assert_int_equal(store_history_get(world->store, helper_request_of(11).id, &row, &error), STORE_DAMAGED);
    helper_close(&world->store);
    assert_int_equal(verify_status(world, report, sizeof(report)), STORE_DAMAGED);
    assert_non_null(strstr(report, "history: the trail of request"));
}

static void
missing_batch_is_a_gap(void **state)
{
    struct world *world = *state;
    struct store_error error;
    char report[4096] = "";

    fill(world, 0, 20);
    file_sql(world->dir, "journal.db", "DELETE FROM batch WHERE seq = 31");
    assert_int_equal(open_status(world, &error), STORE_DAMAGED);
    assert_int_equal(error.seq, 31);
    assert_int_equal(verify_status(world, report, sizeof(report)), STORE_DAMAGED);
    assert_non_null(strstr(report, "event=31 a gap"));
}

/* C6: whoever rewrites the past with right checksums still breaks the chain. */
static void
exchanged_batch_breaks_the_chain(void **state)
{
    struct world *world = *state;
    struct world other = {.dir = helper_dir_make(), .options = world->options};
    struct store_error error;
    char sql[512], report[4096] = "";

    fill(world, 0, 10);
    fill(&other, 100, 110);
    snprintf(sql, sizeof(sql),
             "ATTACH '%s/journal.db' AS other;"
             "UPDATE batch SET data = (SELECT data FROM other.batch WHERE seq = 13) WHERE seq = 13",
             other.dir);
    file_sql(world->dir, "journal.db", sql);
    assert_int_equal(open_status(world, &error), STORE_DAMAGED);
    assert_int_equal(error.seq, 13);
    assert_non_null(strstr(error.text, "chain"));
    assert_int_equal(verify_status(world, report, sizeof(report)), STORE_DAMAGED);
    assert_non_null(strstr(report, "batch=13 it does not continue the chain"));
    helper_dir_remove(&other.dir);
}

static void
file_that_is_no_journal_is_refused(void **state)
{
    struct world *world = *state;
    struct store_error error;

    fill(world, 0, 2);
    file_sql(world->dir, "journal.db", "PRAGMA application_id = 7");
    assert_int_equal(open_status(world, &error), STORE_DAMAGED);
    file_copy(world->dir, "lock", "journal.db");
    assert_int_equal(open_status(world, &error), STORE_DAMAGED);
}

static void
newer_format_is_refused_and_left_alone(void **state)
{
    struct world *world = *state;
    struct store_error error;

    fill(world, 0, 2);
    file_sql(world->dir, "history.db", "PRAGMA user_version = 2");
    assert_int_equal(open_status(world, &error), STORE_NEWER);
    file_sql(world->dir, "history.db", "PRAGMA user_version = 1");
    assert_int_equal(open_status(world, &error), STORE_OK);
    file_sql(world->dir, "journal.db", "PRAGMA user_version = 2");
    assert_int_equal(open_status(world, &error), STORE_NEWER);
}

/* ------------------------------------------------------------- lost ends */

/* D6 */
static void
journal_that_ends_before_its_witness_is_refused(void **state)
{
    struct world *world = *state;
    struct store_error error;

    fill(world, 0, 5);
    file_copy(world->dir, "journal.db", "journal.old");
    fill(world, 5, 9);
    file_copy(world->dir, "journal.old", "journal.db");
    file_remove(world->dir, "history.db");
    assert_int_equal(open_status(world, &error), STORE_BEHIND);
    assert_int_equal(error.seq, 27);
}

/* D6 */
static void
journal_that_ends_before_history_is_refused(void **state)
{
    struct world *world = *state;
    struct store_error error;
    char report[4096] = "";

    fill(world, 0, 5);
    file_copy(world->dir, "journal.db", "journal.old");
    fill(world, 5, 9);
    file_copy(world->dir, "journal.old", "journal.db");
    file_remove(world->dir, "journal.end");
    assert_int_equal(open_status(world, &error), STORE_BEHIND);
    assert_int_equal(error.seq, 27);
    assert_int_equal(verify_status(world, report, sizeof(report)), STORE_DAMAGED);
    assert_non_null(strstr(report, "history=27 the journal ends at 15"));
}

static void
missing_journal_beside_a_witness_is_refused(void **state)
{
    struct world *world = *state;
    struct store_error error;

    fill(world, 0, 5);
    file_remove(world->dir, "journal.db");
    assert_int_equal(open_status(world, &error), STORE_BEHIND);
    assert_false(file_exists(world->dir, "journal.db"));
}

static void
history_that_is_gone_is_projected_again(void **state)
{
    struct world *world = *state;
    struct store_finished row;
    struct store_error error;

    fill(world, 0, 5);
    file_remove(world->dir, "history.db");
    world->store = helper_open(world->dir, &world->options);
    helper_projected(world->store);
    assert_int_equal(store_history_get(world->store, helper_request_of(3).id, &row, &error), STORE_OK);
}

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
    file_flip_at(world->dir, "journal.db-wal", 500);
    assert_int_equal(open_status(world, &error), STORE_BEHIND);
    assert_int_equal(verify_status(world, report, sizeof(report)), STORE_DAMAGED);
    assert_non_null(strstr(report, "witness="));
}

/* D1 D4 */
static void
killed_broker_keeps_every_event_that_it_reported(void **state)
{
    struct world *world = *state;

    for (int cycle = 0; cycle < 12; cycle++) {
        struct process process = process_start("write", world->dir, NULL);
        struct store_error error = {0};
        unsigned long long reported = 0;
        for (int i = 0; i < 5 + cycle * 17; i++) {
            reported = strtoull(process_line(&process), NULL, 10);
        }
        process_kill(&process);
        if (store_open(world->dir, &world->options, &world->store, &error) != STORE_OK ||
            store_replay(world->store, replay_ignore, NULL, &error) != STORE_OK) {
            fail_msg("cycle %d: %s", cycle, error.text);
        }
        assert_true(store_last_seq(world->store) >= reported);
        helper_close(&world->store);
        assert_int_equal(verify_status(world, (char[4096]){0}, 4096), STORE_OK);
    }
}

/* ------------------------------------------------------------- other owners, no rights, no room */

static void
second_process_is_told_who_holds_the_store(void **state)
{
    struct world *world = *state;
    struct process process = process_start("hold", world->dir, NULL);
    struct store_error error;

    assert_string_equal(process_line(&process), "ready");
    assert_int_equal(open_status(world, &error), STORE_IN_USE);
    assert_int_equal(error.pid, process.pid);
    assert_int_equal(store_history_rebuild(world->dir, NULL, &error), STORE_IN_USE);
    assert_int_equal(process_end(&process), 0);
    assert_int_equal(open_status(world, &error), STORE_OK);
}

static void
directory_that_cannot_be_written_is_refused(void **state)
{
    struct world *world = *state;
    struct process process;

    fill(world, 0, 2);
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
    assert_int_equal(store_history_rebuild(world->dir, NULL, &error), STORE_NOT_FOUND);
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
    world->options.journal_pages_max = 100;
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
    world->options.journal_pages_max = 50;
    assert_int_equal(open_status(world, &error), STORE_DISK_FULL);
    world->options.journal_pages_max = 0;
    world->store = helper_open(world->dir, &world->options);
    assert_true(store_last_seq(world->store) >= durable);
}

int
main(int argc, char **argv)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        STORY(flipped_bit_in_the_journal_is_found_and_named),
        STORY(flipped_bit_behind_the_mark_is_not_served),
        STORY(flipped_bit_in_history_is_not_served),
        STORY(missing_batch_is_a_gap),
        STORY(exchanged_batch_breaks_the_chain),
        STORY(file_that_is_no_journal_is_refused),
        STORY(newer_format_is_refused_and_left_alone),
        STORY(journal_that_ends_before_its_witness_is_refused),
        STORY(journal_that_ends_before_history_is_refused),
        STORY(missing_journal_beside_a_witness_is_refused),
        STORY(history_that_is_gone_is_projected_again),
        STORY(flipped_bit_in_the_log_of_a_killed_broker_is_found),
        STORY(killed_broker_keeps_every_event_that_it_reported),
        STORY(second_process_is_told_who_holds_the_store),
        STORY(directory_that_cannot_be_written_is_refused),
        STORY(directory_that_does_not_exist_is_refused),
        STORY(files_are_for_their_owner_only),
        STORY(full_disk_warns_first_and_then_stops_in_doubt),
    };

    if (argc != 2) {
        return 64;
    }
    process_tool(argv[1]);
    return cmocka_run_group_tests_name("damage", tests, NULL, NULL);
}
