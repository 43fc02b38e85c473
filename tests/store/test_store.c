/*
 * The store's handle over both engines (the engine's name is the argument): commits, reads, recovery.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "world.h"

static void
expect_event(struct store *store, uint64_t seq, uint64_t request)
{
    struct proto_event event;
    struct proto_error why;
    struct store_error error = {0};
    const uint8_t *p;
    uint32_t n;
    size_t used;

    if (store_read(store, seq, &p, &n, &error) != STORE_OK) {
        fail_msg("%llu: %s", (unsigned long long)seq, error.text);
    }
    assert_true(proto_event_decode(p, n, &used, &event, &why));
    assert_int_equal(event.id, request);
}

/* ------------------------------------------------------------- commits */

/* D2 */
static void
nothing_is_durable_before_its_commit_ended(void **state)
{
    struct world *world = *state;
    struct helper_request request = helper_request_of(1);
    struct store_error error;
    uint64_t durable = 99;

    helper_lifecycle(world->store, &request, 1);
    assert_int_equal(store_commit_end(world->store, &durable, &error), STORE_OK);
    assert_int_equal(durable, 0);
    assert_int_equal(store_last_seq(world->store), 3);
    store_commit_begin(world->store);
    assert_true(store_commit_busy(world->store));
    while (durable < 3) {
        struct pollfd poll_fd = {.fd = store_fd(world->store), .events = POLLIN};
        assert_int_equal(poll(&poll_fd, 1, 10000), 1);
        assert_int_equal(store_commit_end(world->store, &durable, &error), STORE_OK);
    }
    assert_false(store_commit_busy(world->store));
}

static void
one_batch_fills_while_another_is_in_commit(void **state)
{
    struct world *world = *state;
    struct helper_request first = helper_request_of(1), second = helper_request_of(2);

    helper_lifecycle(world->store, &first, 1);
    store_commit_begin(world->store);
    helper_lifecycle(world->store, &second, 2);
    store_commit_begin(world->store); /* the committer may still be busy: then this does nothing */
    expect_event(world->store, 2, first.id);
    expect_event(world->store, 5, second.id);
    helper_commit(world->store);
    assert_int_equal(store_durable_seq(world->store), 6);
    expect_event(world->store, 2, first.id);
    expect_event(world->store, 5, second.id);
}

static void
batch_is_full_at_its_cap(void **state)
{
    struct world *world = *state;
    struct helper_request request = helper_request_of(1);

    helper_close(&world->store);
    world->options.batch_events_max = 6;
    world->store = helper_open(world->dir, &world->options);
    helper_lifecycle(world->store, &request, 1);
    assert_false(store_batch_full(world->store));
    helper_lifecycle(world->store, &request, 1);
    assert_true(store_batch_full(world->store));
    store_commit_begin(world->store);
    assert_false(store_batch_full(world->store));
    helper_commit(world->store);
}

struct replayed {
    uint64_t last;
    uint64_t events;
    uint64_t bytes;
    bool ordered;
};

static int
replay_note(void *context, enum store_origin origin, uint64_t seq, const uint8_t *p, uint32_t n)
{
    struct replayed *replayed = context;

    replayed->ordered = replayed->ordered && origin == STORE_FROM_JOURNAL && seq == replayed->last + 1;
    replayed->last = seq;
    replayed->events++;
    replayed->bytes += n;
    return 0;
}

/* D1 D4 */
static void
every_committed_event_is_replayed_in_order(void **state)
{
    struct world *world = *state;
    struct replayed replayed = {.ordered = true};
    struct store_error error = {0};
    uint32_t seed = 7;

    for (uint32_t i = 0; i < 500; i++) {
        struct helper_request request = helper_request_of(i);
        helper_lifecycle(world->store, &request, i);
        seed = seed * 1103515245u + 12345u;
        if (seed >> 16 & 1) {
            store_commit_begin(world->store);
        }
        if ((seed >> 17 & 7) == 0) {
            helper_commit(world->store);
        }
    }
    helper_close(&world->store);
    assert_int_equal(store_open(world->dir, &world->options, &world->store, &error), STORE_OK);
    assert_int_equal(store_replay(world->store, replay_note, &replayed, &error), STORE_OK);
    assert_true(replayed.ordered);
    assert_int_equal(replayed.events, 1500);
    assert_int_equal(store_last_seq(world->store), 1500);
}

static int
replay_refuse(void *context, enum store_origin origin, uint64_t seq, const uint8_t *p, uint32_t n)
{
    return seq == 2;
}

static void
replay_ends_where_the_caller_refuses(void **state)
{
    struct world *world = *state;
    struct helper_request request = helper_request_of(1);
    struct store_error error = {0};

    helper_lifecycle(world->store, &request, 1);
    helper_close(&world->store);
    assert_int_equal(store_open(world->dir, &world->options, &world->store, &error), STORE_OK);
    assert_int_equal(store_replay(world->store, replay_refuse, NULL, &error), STORE_STOPPED);
    assert_int_equal(error.seq, 2);
    assert_int_equal(store_close(&world->store, 0, &error), STORE_OK);
    world->store = helper_open(world->dir, &world->options);
}

/* D6 */
static void
client_that_saw_more_than_the_journal_holds_is_a_witness(void **state)
{
    struct world *world = *state;
    struct helper_request request = helper_request_of(1);
    struct store_error error;

    helper_lifecycle(world->store, &request, 1);
    helper_commit(world->store);
    assert_int_equal(store_witness(world->store, 3, &error), STORE_OK);
    assert_int_equal(store_witness(world->store, 4, &error), STORE_BEHIND);
    assert_int_equal(error.seq, 4);
}

/* ------------------------------------------------------------- reads */

static void
any_event_is_read_from_wherever_it_is(void **state)
{
    struct world *world = *state;
    uint64_t ids[400];
    struct store_stats stats;

    for (uint32_t i = 0; i < 400; i++) {
        struct helper_request request = helper_request_of(i);
        ids[i] = request.id;
        helper_lifecycle(world->store, &request, i);
        if (i % 10 == 9 && i < 390) {
            helper_commit(world->store);
        }
    }
    for (uint32_t i = 0; i < 2000; i++) {
        uint64_t seq = 1 + (i * 7919u) % 1200;
        expect_event(world->store, seq, ids[(seq - 1) / 3]);
    }
    store_stats(world->store, &stats);
    assert_true(stats.reads_recent > 0 && stats.reads_cached > 0 && stats.reads_disk > 0);
    /* B1 */
    assert_true(stats.memory_bytes < world->options.recent_bytes_max + world->options.cache_bytes_max + (1 << 20));
}

static void
event_that_was_never_appended_is_not_found(void **state)
{
    struct world *world = *state;
    struct store_error error;
    const uint8_t *p;
    uint32_t n;

    assert_int_equal(store_read(world->store, 0, &p, &n, &error), STORE_NOT_FOUND);
    assert_int_equal(store_read(world->store, 1, &p, &n, &error), STORE_NOT_FOUND);
}

int
main(int argc, char **argv)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, world_setup_open, world_teardown_open)
    const struct CMUnitTest tests[] = {
        STORY(nothing_is_durable_before_its_commit_ended),
        STORY(one_batch_fills_while_another_is_in_commit),
        STORY(batch_is_full_at_its_cap),
        STORY(every_committed_event_is_replayed_in_order),
        STORY(replay_ends_where_the_caller_refuses),
        STORY(client_that_saw_more_than_the_journal_holds_is_a_witness),
        STORY(any_event_is_read_from_wherever_it_is),
        STORY(event_that_was_never_appended_is_not_found),
    };

    if (argc != 2) {
        return 64;
    }
    world_engine_set(argv[1]);
    return cmocka_run_group_tests_name(argv[1], tests, NULL, NULL);
}
