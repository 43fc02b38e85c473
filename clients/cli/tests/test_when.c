/* Times and durations. The tests run in the zone Asia/Shanghai. */
#include "cmocka_all.h"

#include "when.h"

static int64_t
duration(const char *text)
{
    int64_t us = -1;
    return duration_parse(text, &us) ? us : -1;
}

static int64_t
when(const char *text)
{
    int64_t us = -1;
    return when_parse(text, INT64_C(1000000), &us) ? us : -1;
}

static void
durations_add_their_parts(void **state)
{
    assert_int_equal(duration("90s"), INT64_C(90000000));
    assert_int_equal(duration("2h30m"), INT64_C(9000000000));
    assert_int_equal(duration("1.5h"), INT64_C(5400000000));
    assert_int_equal(duration("250ms"), 250000);
    assert_int_equal(duration("3d"), INT64_C(259200000000));
    assert_int_equal(duration("0"), 0);
}

static void
what_is_no_duration_is_refused(void **state)
{
    static const char *const bad[] = { "", "5", "-1s", "s", "1x", "1..5s", "1.s", "99999999999999999999s", "200y", "1s!", "40000d" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(duration(bad[i]), -1);
}

static void
times_carry_their_offset(void **state)
{
    assert_int_equal(when("2026-11-22T05:14:31Z"), INT64_C(1795324471000000));
    assert_int_equal(when("2026-11-22T13:14:31+08:00"), INT64_C(1795324471000000));
    assert_int_equal(when("2026-11-22T05:14:31.25Z"), INT64_C(1795324471250000));
    assert_int_equal(when("2026-11-22 13:14:31 +0800"), INT64_C(1795324471000000));
}

static void
a_time_without_an_offset_is_local(void **state)
{
    assert_int_equal(when("2026-11-22T13:14:31"), INT64_C(1795324471000000));
    assert_int_equal(when("2026-11-22T13:14"), INT64_C(1795324440000000));
    assert_int_equal(when("2026-11-22"), INT64_C(1795276800000000));
}

static void
a_plus_counts_from_now(void **state)
{
    assert_int_equal(when("+2h"), INT64_C(7201000000));
}

static void
dates_that_do_not_exist_are_refused(void **state)
{
    static const char *const bad[] = { "2026-02-29", "2026-13-01", "2026-00-01", "2026-11-31", "26-11-01", "2026-11-22T24:00Z", "2026-11-22T05:61Z",
                                       "2026-11-22T05:14:31+25:00", "tomorrow", "2026-11-22T", "2026-11-22x" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(when(bad[i]), -1);
    assert_int_not_equal(when("2028-02-29"), -1);
}

static void
times_are_shown_with_the_offset_of_the_local_zone(void **state)
{
    char text[WHEN_SIZE];
    when_format(INT64_C(1795324471000000), false, false, text);
    assert_string_equal(text, "2026-11-22T13:14:31+08:00");
    when_format(INT64_C(1795324471250000), true, true, text);
    assert_string_equal(text, "2026-11-22T05:14:31.250000Z");
    when_format_table(INT64_C(1795324471000000), false, text);
    assert_string_equal(text, "2026-11-22 13:14:31 +0800");
    when_format(0, false, false, text);
    assert_string_equal(text, "");
}

static void
durations_are_shown_in_their_two_largest_units(void **state)
{
    static const struct {
        int64_t us;
        const char *text;
    } cases[] = { { 0, "0s" }, { 999, "999us" }, { 250000, "250ms" }, { 12000000, "12s" }, { 125000000, "2m 5s" }, { INT64_C(11400000000), "3h 10m" },
                  { INT64_C(1216800000000), "14d 2h" }, { -5000000, "-5s" } };
    char text[WHEN_SIZE];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        duration_format(cases[i].us, text);
        assert_string_equal(text, cases[i].text);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_add_their_parts),
        cmocka_unit_test(what_is_no_duration_is_refused),
        cmocka_unit_test(times_carry_their_offset),
        cmocka_unit_test(a_time_without_an_offset_is_local),
        cmocka_unit_test(a_plus_counts_from_now),
        cmocka_unit_test(dates_that_do_not_exist_are_refused),
        cmocka_unit_test(times_are_shown_with_the_offset_of_the_local_zone),
        cmocka_unit_test(durations_are_shown_in_their_two_largest_units),
    };
    return cmocka_run_group_tests_name("when", tests, NULL, NULL);
}
