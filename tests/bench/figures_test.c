/* What bench measures with: shares of a histogram, the account of a process; and the noise that it sends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bench.h"

static void
shares_are_within_a_bucket_of_the_truth(void **state)
{
    struct bench_times *times = calloc(1, sizeof *times);

    assert_non_null(times);
    for (int64_t us = 1; us <= 1000000; us++) {
        bench_times_add(times, us);
    }
    assert_int_equal(times->count, 1000000);
    assert_int_equal(times->max_us, 1000000);
    for (int part = 1; part < 100; part++) {
        double truth = part * 10000.0, found = (double)bench_times_at(times, part / 100.0);

        assert_true(found > truth * (1 - 1.0 / 32) && found <= truth * (1 + 1.0 / 32));
    }
    free(times);
}

static void
small_and_huge_durations_have_their_place(void **state)
{
    struct bench_times *times = calloc(1, sizeof *times);

    assert_non_null(times);
    bench_times_add(times, -5);
    bench_times_add(times, 0);
    bench_times_add(times, 63);
    bench_times_add(times, 64);
    bench_times_add(times, INT64_MAX);
    assert_int_equal(bench_times_at(times, 0), 0);
    assert_int_equal(bench_times_at(times, 0.5), 63);
    assert_int_equal(bench_times_at(times, 0.7), 64);
    assert_true(bench_times_at(times, 0.99) > (uint64_t)INT64_MAX / 2);
    free(times);
}

static void
own_process_has_memory_and_a_strange_one_none(void **state)
{
    assert_true(bench_usage_of(getpid()).rss_bytes > 0);
    assert_int_equal(bench_usage_of(0).rss_bytes, 0);
    assert_int_equal(bench_usage_of(0).cpu_us, 0);
}

static uint64_t
word_of(const uint8_t *p)
{
    uint64_t word;

    memcpy(&word, p, sizeof word);
    return word;
}

/* A packer finds what came before: here no eight bytes of a million pieces are the same as any of the mebibyte before them. */
static void
nothing_comes_twice_within_a_packers_sight(void **state)
{
    enum { SLOTS = 1 << 22, SIGHT = 1 << 20, PIECE = 64 };
    struct bench_noise noise;
    uint64_t *words = calloc(SLOTS, sizeof *words), *seen_at = calloc(SLOTS, sizeof *seen_at), at = SIGHT + 1;

    assert_non_null(words);
    assert_non_null(seen_at);
    assert_true(bench_noise_init(&noise, 1));
    for (uint32_t i = 0; i < 1000000; i++) {
        const uint8_t *piece = bench_noise_take(&noise, PIECE);

        for (uint32_t k = 0; k + sizeof(uint64_t) <= PIECE; k += 8, at += 8) {
            uint64_t word = word_of(piece + k), slot = word % SLOTS;

            assert_false(words[slot] == word && at - seen_at[slot] <= SIGHT);
            words[slot] = word;
            seen_at[slot] = at;
        }
    }
    bench_noise_fini(&noise);
    free(words);
    free(seen_at);
}

static void
every_byte_is_as_frequent_and_the_largest_piece_fits(void **state)
{
    struct bench_noise noise, other;
    uint32_t counts[256] = {0};

    assert_true(bench_noise_init(&noise, 1) && bench_noise_init(&other, 2));
    assert_memory_not_equal(bench_noise_take(&noise, 64), bench_noise_take(&other, 64), 64);
    for (uint32_t i = 0; i < 1000; i++) {
        const uint8_t *piece = bench_noise_take(&noise, BENCH_PIECE_MAX);

        for (uint32_t k = 0; k < BENCH_PIECE_MAX; k++) {
            counts[piece[k]]++;
        }
    }
    for (uint32_t byte = 0; byte < 256; byte++) {
        assert_in_range(counts[byte], 250000, 262000); /* of 256,000 */
    }
    bench_noise_fini(&noise);
    bench_noise_fini(&other);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_are_within_a_bucket_of_the_truth),
        cmocka_unit_test(small_and_huge_durations_have_their_place),
        cmocka_unit_test(own_process_has_memory_and_a_strange_one_none),
        cmocka_unit_test(nothing_comes_twice_within_a_packers_sight),
        cmocka_unit_test(every_byte_is_as_frequent_and_the_largest_piece_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
