/*
 * Stores that are not what was written: damage, lost ends, other and newer formats.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "file.h"
#include "world.h"

/* The bytes of the accepted event of request i, which is event 3 i + 1 in a store that `world_fill` made from 0. */
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

    world_fill(world, 0, 20);
    flip_event(world, "journal.db", 11);
    assert_int_equal(world_open_status(world, &error), STORE_DAMAGED);
    assert_int_equal(error.seq, 34);
    assert_int_equal(world_verify_status(world, report, sizeof(report)), STORE_DAMAGED);
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
    uint32_t n;

    world_fill(world, 0, 20);
    world->store = helper_open(world->dir, &world->options);
    world_mark_move(world, NULL, 0);
    store_stats(world->store, &stats);
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

    world_fill(world, 0, 20);
    flip_event(world, "history.db", 11);
    world->store = helper_open(world->dir, &world->options);
    assert_int_equal(store_history_get(world->store, helper_request_of(11).id, &row, &error), STORE_DAMAGED);
    assert_non_null(strstr(error.text, "history.db: reading a row: page"));
    helper_close(&world->store);
}

/* D6: the page is whole, and what is in it is not. */
static void
row_of_history_that_was_changed_is_not_served(void **state)
{
    struct world *world = *state;
    struct store_error error;
    struct store_finished row;
    char report[4096] = "", sql[128];

    world_fill(world, 0, 20);
    snprintf(sql, sizeof(sql), "UPDATE finished SET trail = x'00' WHERE id = %llu", (unsigned long long)helper_request_of(11).id);
    file_sql(world->dir, "history.db", sql);
    world->store = helper_open(world->dir, &world->options);
    assert_int_equal(store_history_get(world->store, helper_request_of(10).id, &row, &error), STORE_OK);
    assert_int_equal(store_history_get(world->store, helper_request_of(11).id, &row, &error), STORE_DAMAGED);
    helper_close(&world->store);
    assert_int_equal(world_verify_status(world, report, sizeof(report)), STORE_DAMAGED);
    assert_non_null(strstr(report, "history: the trail of request"));
}

struct told {
    uint64_t seq[256];
    uint32_t crc[256];
    uint32_t count;
};

static int
replay_tell(void *context, enum store_origin origin, uint64_t seq, const uint8_t *p, uint32_t n)
{
    struct told *told = context;
    uint32_t crc = 0;

    for (uint32_t i = 0; i < n; i++) {
        crc = crc * 31 + p[i];
    }
    told->seq[told->count] = seq;
    told->crc[told->count++] = crc;
    return told->count == 256;
}

/* D6 */
static void
random_flip_is_detected_or_changes_nothing_that_is_replayed(void **state)
{
    struct world *world = *state;
    struct told want = {.count = 0};
    struct store_error error;
    uint32_t seed = 5, refused = 0;

    world->options.page_bytes = 1024; /* so that it is mostly content */
    world_fill_with_mark(world);
    file_copy(world->dir, "journal.db", "journal.whole");
    assert_int_equal(store_open(world->dir, &world->options, &world->store, &error), STORE_OK);
    assert_int_equal(store_replay(world->store, replay_tell, &want, &error), STORE_OK);
    assert_true(want.count > 15);
    store_close(&world->store, 0, &error);
    for (int i = 0; i < 300; i++) {
        struct told told = {.count = 0};
        file_copy(world->dir, "journal.whole", "journal.db");
        seed = seed * 1103515245u + 12345u;
        file_flip_at(world->dir, "journal.db", (seed >> 8) % 1000000);
        if (store_open(world->dir, &world->options, &world->store, &error) != STORE_OK ||
            store_replay(world->store, replay_tell, &told, &error) != STORE_OK) {
            refused++;
        } else {
            assert_memory_equal(&told, &want, sizeof(told));
        }
        store_close(&world->store, 0, &error);
        file_remove(world->dir, "journal.db-wal");
        file_remove(world->dir, "journal.db-shm");
    }
    assert_true(refused > 10);
}

static void
open_row_that_vanished_is_missed(void **state)
{
    struct world *world = *state;
    struct store_error error;
    char report[4096] = "";

    world_fill_with_mark(world);
    file_sql(world->dir, "journal.db", "DELETE FROM open WHERE seq = (SELECT min(seq) FROM open)");
    assert_int_equal(world_open_status(world, &error), STORE_DAMAGED);
    assert_int_equal(world_verify_status(world, report, sizeof(report)), STORE_DAMAGED);
    assert_non_null(strstr(report, "open table: 7 rows instead of 8"));
}

/* D6: two pages in each other's place; each row is whole, and all are there. */
static void
exchanged_pages_of_the_open_table_are_found_and_named(void **state)
{
    struct world *world = *state;
    struct store_error error;
    char report[4096] = "";

    world->options.page_bytes = 512; /* two events of 100 bytes fill a page */
    world_fill_with_mark(world);
    file_pages_exchange(world->dir, "journal.db", 512, "open");
    assert_int_equal(world_open_status(world, &error), STORE_DAMAGED);
    assert_non_null(strstr(error.text, "open table: event"));
    assert_non_null(strstr(error.text, "comes after event"));
    assert_true(error.seq > 0);
    assert_int_equal(world_verify_status(world, report, sizeof(report)), STORE_DAMAGED);
    assert_non_null(strstr(report, "comes after event"));
}

/* D6: by it the rows of a request go when it has ended; those that it does not know would come back as open. */
static void
index_that_lost_rows_of_the_open_table_is_found(void **state)
{
    struct world *world = *state;
    struct store_error error;
    char report[4096] = "";

    world->options.page_bytes = 1024;
    world_fill_with_mark(world);
    file_root_empty(world->dir, "journal.db", 1024, "open_request");
    assert_int_equal(world_open_status(world, &error), STORE_DAMAGED);
    assert_non_null(strstr(error.text, "open table: its index has 0 rows instead of 8"));
    assert_int_equal(world_verify_status(world, report, sizeof(report)), STORE_DAMAGED);
    assert_non_null(strstr(report, "open table: its index"));
}

static void
missing_batch_is_a_gap(void **state)
{
    struct world *world = *state;
    struct store_error error;
    char report[4096] = "";

    world_fill(world, 0, 20);
    file_sql(world->dir, "journal.db", "DELETE FROM batch WHERE seq = 31");
    assert_int_equal(world_open_status(world, &error), STORE_DAMAGED);
    assert_int_equal(error.seq, 31);
    assert_int_equal(world_verify_status(world, report, sizeof(report)), STORE_DAMAGED);
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

    world_fill(world, 0, 10);
    world_fill(&other, 100, 110);
    snprintf(sql, sizeof(sql),
             "ATTACH '%s/journal.db' AS other;"
             "UPDATE batch SET data = (SELECT data FROM other.batch WHERE seq = 13) WHERE seq = 13",
             other.dir);
    file_sql(world->dir, "journal.db", sql);
    assert_int_equal(world_open_status(world, &error), STORE_DAMAGED);
    assert_int_equal(error.seq, 13);
    assert_non_null(strstr(error.text, "chain"));
    assert_int_equal(world_verify_status(world, report, sizeof(report)), STORE_DAMAGED);
    assert_non_null(strstr(report, "batch=13 it does not continue the chain"));
    helper_dir_remove(&other.dir);
}

static void
file_that_is_no_journal_is_refused(void **state)
{
    struct world *world = *state;
    struct store_error error;

    world_fill(world, 0, 2);
    file_sql(world->dir, "journal.db", "PRAGMA application_id = 7");
    assert_int_equal(world_open_status(world, &error), STORE_DAMAGED);
    file_copy(world->dir, "lock", "journal.db");
    assert_int_equal(world_open_status(world, &error), STORE_DAMAGED);
}

/* A first start that found no room, or no power, before its tables were committed. */
static void
files_with_nothing_but_a_header_are_as_good_as_none(void **state)
{
    struct world *world = *state;
    struct store_error error;

    file_sql(world->dir, "journal.db", "PRAGMA page_size = 1024; PRAGMA journal_mode = WAL");
    file_sql(world->dir, "history.db", "PRAGMA journal_mode = WAL");
    assert_int_equal(world_open_status(world, &error), STORE_OK);
    world_fill(world, 0, 2);
    file_remove(world->dir, "journal.db");
    file_sql(world->dir, "journal.db", "PRAGMA journal_mode = WAL");
    assert_int_equal(world_open_status(world, &error), STORE_BEHIND);
}

/* The tools say of such a journal what is so, and do not damn it; one that a witness remembers is a loss. */
static void
half_made_journal_is_no_store_to_the_tools(void **state)
{
    static const char *const makings[] = {"", "PRAGMA page_size = 1024; PRAGMA journal_mode = WAL"};
    struct world *world = *state;
    struct store_verify_result result;
    struct store_error error;

    for (int i = 0; i < 2; i++) {
        file_sql(world->dir, "journal.db", makings[i]);
        file_sql(world->dir, "history.db", makings[i]);
        assert_int_equal(store_history_rebuild(world->dir, NULL, NULL, &error), STORE_NOT_FOUND);
        assert_non_null(strstr(error.text, "journal.db: its making was cut short"));
        assert_int_equal(store_journal_verify(world->dir, stderr, &result, &error), STORE_NOT_FOUND);
        assert_non_null(strstr(error.text, "journal.db: its making was cut short"));
    }
    assert_int_equal(world_open_status(world, &error), STORE_OK);
    world_fill(world, 0, 2);
    file_remove(world->dir, "journal.db");
    file_sql(world->dir, "journal.db", makings[1]);
    assert_int_equal(store_history_rebuild(world->dir, NULL, NULL, &error), STORE_BEHIND);
    assert_int_equal(store_journal_verify(world->dir, stderr, &result, &error), STORE_BEHIND);
    assert_int_equal(error.seq, 6);
}

static void
half_made_history_is_as_good_as_none_to_the_tools(void **state)
{
    struct world *world = *state;
    struct store_verify_result result;
    struct store_error error;
    uint64_t rows = 0;

    world_fill(world, 0, 5);
    file_remove(world->dir, "history.db");
    file_sql(world->dir, "history.db", "PRAGMA journal_mode = WAL");
    assert_int_equal(store_journal_verify(world->dir, stderr, &result, &error), STORE_OK);
    assert_int_equal(result.history_rows, 0);
    assert_int_equal(store_history_rebuild(world->dir, &rows, NULL, &error), STORE_OK);
    assert_int_equal(rows, 5);
}

static void
newer_format_is_refused_and_left_alone(void **state)
{
    struct world *world = *state;
    struct store_error error;

    world_fill(world, 0, 2);
    file_sql(world->dir, "history.db", "PRAGMA user_version = 3");
    assert_int_equal(world_open_status(world, &error), STORE_NEWER);
    file_sql(world->dir, "history.db", "PRAGMA user_version = 2");
    assert_int_equal(world_open_status(world, &error), STORE_OK);
    file_sql(world->dir, "journal.db", "PRAGMA user_version = 3");
    assert_int_equal(world_open_status(world, &error), STORE_NEWER);
}

/* ------------------------------------------------------------- lost ends */

/* D6 */
static void
journal_that_ends_before_its_witness_is_refused(void **state)
{
    struct world *world = *state;
    struct store_error error;

    world_fill(world, 0, 5);
    file_copy(world->dir, "journal.db", "journal.old");
    world_fill(world, 5, 9);
    file_copy(world->dir, "journal.old", "journal.db");
    file_remove(world->dir, "history.db");
    assert_int_equal(world_open_status(world, &error), STORE_BEHIND);
    assert_int_equal(error.seq, 27);
}

/* D6 */
static void
journal_that_ends_before_history_is_refused(void **state)
{
    struct world *world = *state;
    struct store_error error;
    char report[4096] = "";

    world_fill(world, 0, 5);
    file_copy(world->dir, "journal.db", "journal.old");
    world_fill(world, 5, 9);
    file_copy(world->dir, "journal.old", "journal.db");
    file_remove(world->dir, "journal.end");
    assert_int_equal(world_open_status(world, &error), STORE_BEHIND);
    assert_int_equal(error.seq, 27);
    assert_int_equal(world_verify_status(world, report, sizeof(report)), STORE_DAMAGED);
    assert_non_null(strstr(report, "history=27 the journal ends at 15"));
}

static void
missing_journal_beside_a_witness_is_refused(void **state)
{
    struct world *world = *state;
    struct store_error error;

    world_fill(world, 0, 5);
    file_remove(world->dir, "journal.db");
    assert_int_equal(world_open_status(world, &error), STORE_BEHIND);
    assert_false(file_exists(world->dir, "journal.db"));
}

static void
history_that_is_gone_is_projected_again(void **state)
{
    struct world *world = *state;
    struct store_finished row;
    struct store_error error;

    world_fill(world, 0, 5);
    file_remove(world->dir, "history.db");
    world->store = helper_open(world->dir, &world->options);
    helper_projected(world->store);
    assert_int_equal(store_history_get(world->store, helper_request_of(3).id, &row, &error), STORE_OK);
}

int
main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        STORY(flipped_bit_in_the_journal_is_found_and_named),
        STORY(flipped_bit_behind_the_mark_is_not_served),
        STORY(flipped_bit_in_history_is_not_served),
        STORY(row_of_history_that_was_changed_is_not_served),
        STORY(random_flip_is_detected_or_changes_nothing_that_is_replayed),
        STORY(open_row_that_vanished_is_missed),
        STORY(exchanged_pages_of_the_open_table_are_found_and_named),
        STORY(index_that_lost_rows_of_the_open_table_is_found),
        STORY(missing_batch_is_a_gap),
        STORY(exchanged_batch_breaks_the_chain),
        STORY(file_that_is_no_journal_is_refused),
        STORY(files_with_nothing_but_a_header_are_as_good_as_none),
        STORY(half_made_journal_is_no_store_to_the_tools),
        STORY(half_made_history_is_as_good_as_none_to_the_tools),
        STORY(newer_format_is_refused_and_left_alone),
        STORY(journal_that_ends_before_its_witness_is_refused),
        STORY(journal_that_ends_before_history_is_refused),
        STORY(missing_journal_beside_a_witness_is_refused),
        STORY(history_that_is_gone_is_projected_again),
    };

    return cmocka_run_group_tests_name("damage", tests, NULL, NULL);
}
