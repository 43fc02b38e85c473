/*
 * Batches that are packed on their way to the disk, and journals from before there was packing.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>

#include "file.h"
#include "store/batch.h"
#include "store/pack.h"
#include "world.h"

static const uint8_t chain_before[BATCH_CHAIN_BYTES] = {1};

enum { EVENTS = 20 };

/* Events of 300 bytes; noise does not get smaller. */
static struct batch *
batch_of(bool noise)
{
    struct batch *batch = batch_new(0);

    batch_reset(batch, 100, 3);
    srandom(1);
    for (uint32_t i = 0; i < EVENTS; i++) {
        uint8_t bytes[300];
        for (size_t at = 0; at < sizeof(bytes); at++) {
            bytes[at] = (uint8_t)(noise ? random() >> 8 : i);
        }
        assert_true(batch_append(batch, bytes, sizeof(bytes)));
    }
    batch_seal(batch, chain_before, 1);
    return batch;
}

/* As a reader does it, from memory that ends where the bytes end. */
static enum store_status
batch_parse(const struct batch *batch, uint32_t size, const uint8_t *stored, uint32_t n, struct batch **out_read)
{
    struct store_error error;
    enum store_status status = batch_take(100, 3, EVENTS, batch->chain, size, n, out_read, &error);

    if (status == STORE_OK) {
        memcpy((*out_read)->packed, stored, n);
        status = batch_index(*out_read, &error);
        if (status != STORE_OK) {
            batch_unref(out_read);
        }
    }
    return status;
}

/* D1 */
static void
packed_batch_is_read_as_it_was_written(void **state)
{
    struct batch *batch = batch_of(false), *read = NULL;
    uint64_t bad;

    assert_in_range(batch->packed_bytes, 1, batch->bytes / 4);
    assert_int_equal(batch_parse(batch, batch->bytes, batch->packed, batch->packed_bytes, &read), STORE_OK);
    assert_true(batch_check(read, chain_before, &bad));
    assert_memory_equal(read->data, batch->data, batch->bytes);
    batch_unref(&read);
    batch_unref(&batch);
}

static void
what_does_not_get_smaller_is_stored_as_it_is(void **state)
{
    struct batch *batch = batch_of(true);
    uint64_t bad;
    uint32_t n;

    assert_int_equal(batch->packed_bytes, 0);
    assert_ptr_equal(batch_stored(batch, &n), batch->data);
    assert_int_equal(n, batch->bytes);
    assert_true(batch_check(batch, chain_before, &bad));
    batch_unref(&batch);
}

/* D6: wherever the bit is, the bytes do not unpack, or an event's checksum or the chain does not hold. */
static void
every_flipped_bit_of_a_packed_batch_is_found(void **state)
{
    struct batch *batch = batch_of(false);

    for (uint32_t bit = 0; bit < batch->packed_bytes * 8; bit++) {
        struct batch *read = NULL;
        uint64_t bad;
        batch->packed[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (batch_parse(batch, batch->bytes, batch->packed, batch->packed_bytes, &read) == STORE_OK) {
            assert_false(batch_check(read, chain_before, &bad));
            batch_unref(&read);
        }
        batch->packed[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    batch_unref(&batch);
}

/* B1: nothing is taken on the word of a row that its bytes cannot keep. */
static void
sizes_that_are_not_true_are_refused(void **state)
{
    struct batch *batch = batch_of(false), *read = NULL;

    for (uint32_t n = 1; n < batch->packed_bytes; n++) {
        uint8_t *exact = malloc(n);
        memcpy(exact, batch->packed, n);
        assert_int_equal(batch_parse(batch, batch->bytes, exact, n, &read), STORE_DAMAGED);
        free(exact);
    }
    assert_int_equal(batch_parse(batch, batch->bytes - 1, batch->packed, batch->packed_bytes, &read), STORE_DAMAGED);
    assert_int_equal(batch_parse(batch, batch->bytes + 1, batch->packed, batch->packed_bytes, &read), STORE_DAMAGED);
    assert_int_equal(batch_parse(batch, BATCH_BYTES_MAX, batch->packed, batch->packed_bytes, &read), STORE_DAMAGED);
    assert_int_equal(batch_parse(batch, batch->packed_bytes, batch->packed, batch->packed_bytes, &read), STORE_DAMAGED);
    assert_null(read);
    batch_unref(&batch);
}

/* ------------------------------------------------------------- on disk */

static int
replay_count(void *context, enum store_origin origin, uint64_t seq, const uint8_t *p, uint32_t n)
{
    uint32_t *count = context;

    *count += origin == STORE_FROM_JOURNAL;
    return 0;
}

/* One batch of that many requests, and closed. Their bodies repeat, so that it packs once there are a few of them. */
static void
store_fill(struct world *world, uint32_t from, uint32_t to)
{
    world->store = helper_open(world->dir, &world->options);
    for (uint32_t i = from; i < to; i++) {
        struct helper_request request = helper_request_of(i);
        helper_lifecycle(world->store, &request, i);
    }
    helper_commit(world->store);
    helper_projected(world->store);
    helper_close(&world->store);
}

static uint32_t
store_replayed(struct world *world)
{
    struct store_error error = {0};
    uint32_t count = 0;

    assert_int_equal(store_open(world->dir, &world->options, &world->store, &error), STORE_OK);
    assert_int_equal(store_replay(world->store, replay_count, &count, &error), STORE_OK);
    helper_close(&world->store);
    return count;
}

/* D4 */
static void
journal_of_packed_batches_is_replayed_and_verified(void **state)
{
    struct world *world = *state;
    char report[4096] = "";

    store_fill(world, 0, 200);
    assert_true(file_number(world->dir, "journal.db", "SELECT size > 2 * length(data) FROM batch") == 1);
    assert_int_equal(store_replayed(world), 600);
    assert_int_equal(world_verify_status(world, report, sizeof(report)), STORE_OK);
}

/* D6 */
static void
packed_batch_with_another_size_is_named(void **state)
{
    struct world *world = *state;
    struct store_error error;
    char report[4096] = "";

    store_fill(world, 0, 200);
    file_sql(world->dir, "journal.db", "UPDATE batch SET size = size + 1");
    assert_int_equal(world_open_status(world, &error), STORE_DAMAGED);
    assert_int_equal(error.seq, 1);
    assert_int_equal(world_verify_status(world, report, sizeof(report)), STORE_DAMAGED);
    assert_non_null(strstr(report, "do not unpack"));
}

/* As Qiao wrote it before it packed: batches as they are, and no column that says their size. */
static void
store_make_format_1(struct world *world)
{
    for (uint32_t i = 0; i < 3; i++) {
        store_fill(world, i, i + 1);
    }
    file_sql(world->dir, "journal.db", "ALTER TABLE batch DROP COLUMN size; PRAGMA user_version = 1");
}

/* D1 */
static void
journal_of_format_1_is_verified_as_it_is_and_raised_by_a_start(void **state)
{
    struct world *world = *state;
    char report[4096] = "";

    store_make_format_1(world);
    assert_int_equal(world_verify_status(world, report, sizeof(report)), STORE_OK);
    assert_int_equal(file_number(world->dir, "journal.db", "PRAGMA user_version"), 1);
    assert_int_equal(store_replayed(world), 9);
    assert_int_equal(file_number(world->dir, "journal.db", "PRAGMA user_version"), 2);
    store_fill(world, 3, 200);
    assert_int_equal(store_replayed(world), 600);
    assert_int_equal(world_verify_status(world, report, sizeof(report)), STORE_OK);
}

/* A store that is refused stays what it was: the program that wrote it can still open it. */
static void
journal_of_format_1_that_is_refused_is_not_raised(void **state)
{
    struct world *world = *state;
    struct store_error error;

    store_make_format_1(world);
    world->options.shard++;
    assert_int_equal(world_open_status(world, &error), STORE_INVALID);
    assert_int_equal(file_number(world->dir, "journal.db", "PRAGMA user_version"), 1);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packed_batch_is_read_as_it_was_written),
        cmocka_unit_test(what_does_not_get_smaller_is_stored_as_it_is),
        cmocka_unit_test(every_flipped_bit_of_a_packed_batch_is_found),
        cmocka_unit_test(sizes_that_are_not_true_are_refused),
        STORY(journal_of_packed_batches_is_replayed_and_verified),
        STORY(packed_batch_with_another_size_is_named),
        STORY(journal_of_format_1_is_verified_as_it_is_and_raised_by_a_start),
        STORY(journal_of_format_1_that_is_refused_is_not_raised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
