/*
 * Functions for other processes: verify, dump, backup, rebuild. The path of store_tool is the argument.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "file.h"
#include "helper.h"
#include "process.h"

struct world {
    char *dir;
    char *other;
    struct store_options options;
    struct store *store;
};

static int
setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    world->dir = helper_dir_make();
    world->other = helper_dir_make();
    world->options = helper_options(STORE_ENGINE_SQLITE);
    world->store = helper_open(world->dir, &world->options);
    *state = world;
    return 0;
}

static int
teardown(void **state)
{
    struct world *world = *state;

    helper_close(&world->store);
    helper_dir_remove(&world->dir);
    helper_dir_remove(&world->other);
    free(world);
    return 0;
}

static void
fill(struct world *world, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        struct helper_request request = helper_request_of(i);
        helper_lifecycle(world->store, &request, i);
        if (i % 4 == 0) {
            helper_commit(world->store);
        }
    }
    helper_projected(world->store);
}

static void
mark_move(struct world *world)
{
    struct store_error error = {0};
    struct store_stats stats;
    uint64_t durable;

    helper_projected(world->store);
    assert_int_equal(store_mark_advance(world->store, "", 0, store_last_seq(world->store)), STORE_OK);
    do {
        struct pollfd poll_fd = {.fd = store_fd(world->store), .events = POLLIN};
        poll(&poll_fd, 1, 10);
        assert_int_equal(store_commit_end(world->store, &durable, &error), STORE_OK);
        store_stats(world->store, &stats);
    } while (stats.compacting);
}

static struct store_verify_result
verified(const char *dir)
{
    struct store_verify_result result = {0};
    struct store_error error = {0};

    if (store_journal_verify(dir, stderr, &result, &error) != STORE_OK) {
        fail_msg("%s", error.text);
    }
    return result;
}

/* ------------------------------------------------------------- verify, dump */

static void
whole_store_verifies_while_it_is_in_use(void **state)
{
    struct world *world = *state;
    struct helper_request open = helper_request_of(900);
    struct store_verify_result result;

    world->options.keep_events = 100;
    helper_close(&world->store);
    world->store = helper_open(world->dir, &world->options);
    helper_append(world->store, PROTO_EV_ACCEPTED, &open, PROTO_STATUS_READY, 1, 10);
    fill(world, 0, 100);
    mark_move(world);
    fill(world, 100, 110);
    result = verified(world->dir);
    assert_int_equal(result.last_seq, 331);
    assert_int_equal(result.history_rows, 110);
    assert_int_equal(result.open_events, 1);
    assert_int_equal(result.mark_seq, 301);
    assert_true(result.first_seq > 190 && result.first_seq <= 202);
    assert_int_equal(result.events, 331 - result.first_seq + 1);
}

static void
dump_shows_each_event_on_a_line(void **state)
{
    struct world *world = *state;
    struct store_error error;
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);

    fill(world, 0, 10);
    assert_int_equal(store_journal_dump(world->dir, 7, 8, false, out, &error), STORE_OK);
    fclose(out);
    assert_string_equal(text,
                        "seq=7 event=accepted at=1970-01-01T00:00:00.000002Z id=00SAKY4000060 service=coldchain.transport"
                        " requester=bio-c status=ready body=256B\n"
                        "seq=8 event=assigned at=1970-01-01T00:00:00.000003Z id=00SAKY4000060 prev=7"
                        " service=coldchain.transport requester=bio-c performer=lab-1 status=in-progress\n");
    free(text);
}

/* C5 */
static void
dump_shows_bodies_only_when_asked(void **state)
{
    struct world *world = *state;
    struct store_error error;
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);

    fill(world, 0, 1);
    assert_int_equal(store_journal_dump(world->dir, 1, 1, true, out, &error), STORE_OK);
    fclose(out);
    assert_non_null(strstr(text, "body=00070e151c"));
    free(text);
}

/* ------------------------------------------------------------- backup */

static void
backup_opens_and_holds_everything(void **state)
{
    struct world *world = *state;
    struct store_finished row;
    struct store_error error = {0};
    struct store *copy;
    uint64_t last = 0;

    fill(world, 0, 200);
    if (store_backup(world->dir, world->other, &last, &error) != STORE_OK) {
        fail_msg("%s", error.text);
    }
    assert_int_equal(last, 600);
    assert_int_equal(verified(world->other).history_rows, 200);
    copy = helper_open(world->other, &world->options);
    assert_int_equal(store_last_seq(copy), 600);
    assert_true(store_epoch(copy) > store_epoch(world->store));
    assert_int_equal(store_history_get(copy, helper_request_of(150).id, &row, &error), STORE_OK);
    helper_close(&copy);
    assert_int_equal(store_backup(world->dir, world->other, &last, &error), STORE_INVALID);
}

/* D4 D6 */
static void
backup_of_a_writing_broker_is_whole(void **state)
{
    struct world *world = *state;
    struct process writer;
    uint64_t last = 0;

    helper_close(&world->store);
    writer = process_start("write", world->dir, NULL);
    for (int i = 0; i < 8; i++) {
        struct store_error error = {0};
        uint64_t before = strtoull(process_line(&writer), NULL, 10);
        if (store_backup(world->dir, world->other, &last, &error) != STORE_OK) {
            fail_msg("%s", error.text);
        }
        assert_true(last >= before);
        assert_int_equal(verified(world->other).last_seq, last);
        helper_dir_remove(&world->other);
        world->other = helper_dir_make();
        for (int k = 0; k < 60; k++) {
            process_line(&writer);
        }
    }
    process_kill(&writer);
    world->store = helper_open(world->dir, &world->options);
}

static void
running_broker_verifies_from_outside(void **state)
{
    struct world *world = *state;
    struct process writer;

    helper_close(&world->store);
    writer = process_start("write", world->dir, NULL);
    for (int i = 0; i < 5; i++) {
        for (int k = 0; k < 100; k++) {
            process_line(&writer);
        }
        verified(world->dir);
    }
    process_kill(&writer);
    world->store = helper_open(world->dir, &world->options);
}

/* ------------------------------------------------------------- rebuild */

struct rows {
    uint64_t id[1024], seq[1024];
    uint32_t crc[1024];
    uint32_t count;
};

static int
rows_note(void *context, const struct store_finished *row)
{
    struct rows *rows = context;

    rows->id[rows->count] = row->id;
    rows->seq[rows->count++] = row->seq;
    return 0;
}

static struct rows *
rows_of(struct store *store)
{
    struct rows *rows = calloc(1, sizeof(*rows));
    char cursor[STORE_CURSOR_BYTES];
    struct store_query query = {.rows_max = 1024, .scan_max = 1024};
    struct store_error error;

    assert_int_equal(store_history_list(store, &query, rows_note, rows, cursor, &error), STORE_OK);
    for (uint32_t i = 0; i < rows->count; i++) {
        struct store_finished row;
        assert_int_equal(store_history_get(store, rows->id[i], &row, &error), STORE_OK);
        for (uint32_t k = 0; k < row.trail_n; k++) {
            rows->crc[i] = rows->crc[i] * 31 + row.trail[k];
        }
        for (uint32_t k = 0; k < row.event_n; k++) {
            rows->crc[i] = rows->crc[i] * 31 + row.event[k];
        }
    }
    return rows;
}

static void
rebuild_and_compare(struct world *world, bool keep_old)
{
    struct rows *before = rows_of(world->store), *after;
    struct store_error error = {0};
    uint64_t count = 0;

    helper_close(&world->store);
    if (!keep_old) {
        file_remove(world->dir, "history.db");
    }
    if (store_history_rebuild(world->dir, &count, NULL, &error) != STORE_OK) {
        fail_msg("%s", error.text);
    }
    assert_false(file_exists(world->dir, "history.new"));
    world->store = helper_open(world->dir, &world->options);
    helper_projected(world->store);
    after = rows_of(world->store);
    assert_int_equal(count, before->count);
    assert_memory_equal(before, after, sizeof(*before));
    free(before);
    free(after);
}

static void
rebuilt_history_is_equal(void **state)
{
    struct world *world = *state;

    fill(world, 0, 300);
    rebuild_and_compare(world, false);
    fill(world, 300, 310);
    rebuild_and_compare(world, true);
}

static void
rebuild_takes_over_what_the_journal_no_longer_has(void **state)
{
    struct world *world = *state;
    struct helper_request slow = helper_request_of(900);

    world->options.keep_events = 30;
    helper_close(&world->store);
    world->store = helper_open(world->dir, &world->options);
    helper_append(world->store, PROTO_EV_ACCEPTED, &slow, PROTO_STATUS_READY, 1, 10);
    fill(world, 0, 100);
    mark_move(world);
    helper_append(world->store, PROTO_EV_CANCELLED, &slow, PROTO_STATUS_CANCELLED, 2, 0);
    fill(world, 100, 110);
    mark_move(world);
    rebuild_and_compare(world, true);
    verified(world->dir);
}

static void
history_with_a_hole_is_refused_until_it_is_rebuilt(void **state)
{
    struct world *world = *state;
    struct store_error error;

    world->options.keep_events = 0;
    helper_close(&world->store);
    world->store = helper_open(world->dir, &world->options);
    fill(world, 0, 20);
    mark_move(world);
    helper_close(&world->store);
    file_remove(world->dir, "history.db");
    assert_int_equal(store_open(world->dir, &world->options, &world->store, &error), STORE_DAMAGED);
    assert_int_equal(store_history_rebuild(world->dir, NULL, NULL, &error), STORE_OK);
    world->store = helper_open(world->dir, &world->options);
}

/* Requests 0..99, whose events are pruned to the last thirty: what is in the old history's file and what of it is lost. */
static void
pruned_world(struct world *world)
{
    world->options.keep_events = 30;
    helper_close(&world->store);
    world->store = helper_open(world->dir, &world->options);
    fill(world, 0, 100);
    mark_move(world);
    helper_close(&world->store);
}

static struct store_error
rebuilt_with_losses(struct world *world, uint64_t *out_rows)
{
    struct store_error error = {0}, lost = {0};

    if (store_history_rebuild(world->dir, out_rows, &lost, &error) != STORE_OK) {
        fail_msg("%s", error.text);
    }
    world->store = helper_open(world->dir, &world->options);
    return lost;
}

/* P4: what the old history alone had and cannot give any more is not left out without a word. */
static void
rebuild_says_what_a_damaged_history_cannot_give(void **state)
{
    struct world *world = *state;
    struct store_error lost;
    uint64_t rows = 0;

    pruned_world(world);
    file_sql(world->dir, "history.db", "UPDATE finished SET trail = x'00' WHERE id IN (SELECT id FROM finished ORDER BY id LIMIT 3)");
    lost = rebuilt_with_losses(world, &rows);
    assert_int_equal(rows, 97);
    assert_int_equal(lost.status, STORE_DAMAGED);
    assert_non_null(strstr(lost.text, "3 rows"));
    assert_non_null(strstr(lost.text, "the trail of request 28521267200000064 fails its checksum"));
    helper_close(&world->store);
    lost = rebuilt_with_losses(world, &rows);
    assert_int_equal(lost.status, STORE_OK);
}

/* P4 */
static void
rebuild_takes_rows_from_both_sides_of_a_damaged_page(void **state)
{
    struct world *world = *state;
    struct store_error lost;
    uint64_t rows = 0;

    pruned_world(world);
    file_page_clear(world->dir, "history.db", 8192, "finished", 2);
    lost = rebuilt_with_losses(world, &rows);
    assert_true(rows > 70 && rows < 100);
    assert_int_equal(lost.status, STORE_DAMAGED);
    assert_non_null(strstr(lost.text, "history.db: page "));
}

/* P4 */
static void
rebuild_says_that_the_old_history_is_gone(void **state)
{
    struct world *world = *state;
    struct store_error lost;
    uint64_t rows = 0;

    pruned_world(world);
    file_remove(world->dir, "history.db");
    lost = rebuilt_with_losses(world, &rows);
    assert_true(rows < 15);
    assert_int_equal(lost.status, STORE_DAMAGED);
    assert_non_null(strstr(lost.text, "history.db: No such file"));
}

/* P4 */
static void
rebuild_does_not_replace_a_history_of_a_newer_format(void **state)
{
    struct world *world = *state;
    struct store_error error;

    pruned_world(world);
    file_sql(world->dir, "history.db", "PRAGMA user_version = 3");
    assert_int_equal(store_history_rebuild(world->dir, NULL, NULL, &error), STORE_NEWER);
    file_sql(world->dir, "history.db", "PRAGMA user_version = 2");
    world->store = helper_open(world->dir, &world->options);
}

int
main(int argc, char **argv)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        STORY(whole_store_verifies_while_it_is_in_use),
        STORY(dump_shows_each_event_on_a_line),
        STORY(dump_shows_bodies_only_when_asked),
        STORY(backup_opens_and_holds_everything),
        STORY(backup_of_a_writing_broker_is_whole),
        STORY(running_broker_verifies_from_outside),
        STORY(rebuilt_history_is_equal),
        STORY(rebuild_takes_over_what_the_journal_no_longer_has),
        STORY(history_with_a_hole_is_refused_until_it_is_rebuilt),
        STORY(rebuild_says_what_a_damaged_history_cannot_give),
        STORY(rebuild_takes_rows_from_both_sides_of_a_damaged_page),
        STORY(rebuild_says_that_the_old_history_is_gone),
        STORY(rebuild_does_not_replace_a_history_of_a_newer_format),
    };

    if (argc != 2) {
        return 64;
    }
    process_tool(argv[1]);
    return cmocka_run_group_tests_name("tools", tests, NULL, NULL);
}
