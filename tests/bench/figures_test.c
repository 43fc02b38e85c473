/* What bench measures with: shares of a histogram, the account of a process. */
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_are_within_a_bucket_of_the_truth),
        cmocka_unit_test(small_and_huge_durations_have_their_place),
        cmocka_unit_test(own_process_has_memory_and_a_strange_one_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
