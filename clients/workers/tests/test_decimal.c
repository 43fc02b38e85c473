/* Exact decimals, dates and documents: the ground the workers stand on. */
#include "support.h"

#include "common/civil.h"
#include "common/decimal.h"
#include "common/document.h"

#include <stdlib.h>
#include <string.h>

static void
rounds(const char *text, int places, enum rounding rule, const char *expected)
{
    char out[DECIMAL_BYTES];
    int read_places;
    mpq_t value;
    mpq_init(value);
    assert_true(decimal_parse(text, value, &read_places));
    decimal_format(value, places, rule, out, sizeof out);
    assert_string_equal(out, expected);
    mpq_clear(value);
}

static void
half_goes_up_or_to_even_by_the_rule(void **state)
{
    rounds("97.85", 1, ROUNDING_USP, "97.9");
    rounds("97.85", 1, ROUNDING_GBT8170, "97.8");
    rounds("97.75", 1, ROUNDING_GBT8170, "97.8");
    rounds("101.549", 1, ROUNDING_USP, "101.5");
    rounds("101.55", 1, ROUNDING_USP, "101.6");
    rounds("101.55", 1, ROUNDING_GBT8170, "101.6");
    rounds("97.8500000000001", 1, ROUNDING_GBT8170, "97.9");
    rounds("-2.5", 0, ROUNDING_USP, "-3");
    rounds("-2.5", 0, ROUNDING_GBT8170, "-2");
    rounds("0.005", 2, ROUNDING_USP, "0.01");
    rounds("0.004", 2, ROUNDING_USP, "0.00");
    rounds("9.999", 2, ROUNDING_USP, "10.00");
    rounds("7", 3, ROUNDING_USP, "7.000");
}

static void
only_plain_decimals_are_read(void **state)
{
    static const char *const bad[] = {"", "-", ".", ".5", "5.", "1e3", "1,5", " 1", "1 ", "0x10", "1.2.3", "--1", "nan", "inf",
                                      "1234567890123456789012345678901234567890123", "0.1234567890123456789"};
    mpq_t value;
    int places;
    mpq_init(value);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(decimal_parse(bad[i], value, &places));
    assert_false(decimal_parse(NULL, value, &places));
    assert_true(decimal_parse("-00.50", value, &places));
    assert_int_equal(places, 2);
    assert_true(mpq_cmp_si(value, -1, 2) == 0);
    mpq_clear(value);
}

static void
roots_are_rounded_half_up(void **state)
{
    char out[DECIMAL_BYTES];
    mpq_t value;
    mpq_init(value);
    decimal_set_ratio(value, 2, 1);
    decimal_sqrt(value, value, 6);
    decimal_format(value, 6, ROUNDING_USP, out, sizeof out);
    assert_string_equal(out, "1.414214");
    decimal_set_ratio(value, 9, 4);
    decimal_sqrt(value, value, 0);
    assert_true(mpq_cmp_ui(value, 2, 1) == 0);
    mpq_clear(value);
}

static void
a_time_is_read_with_its_offset(void **state)
{
    int64_t us;
    char text[CIVIL_TEXT_BYTES];
    assert_true(civil_parse_time("2026-03-31T16:00:00+08:00", &us));
    assert_int_equal(us, SUPPORT_NOW_US);
    civil_format_time(us, text);
    assert_string_equal(text, "2026-03-31T08:00:00Z");
    assert_true(civil_parse_time("2019-04-02T14:05:00.250-01:00", &us));
    civil_format_time(us, text);
    assert_string_equal(text, "2019-04-02T15:05:00Z");
    assert_int_equal(us % CIVIL_SECOND_US, 250000);
    assert_true(civil_parse_time("1969-12-31T23:59:59Z", &us));
    assert_int_equal(us, -CIVIL_SECOND_US);
    civil_format_time(us, text);
    assert_string_equal(text, "1969-12-31T23:59:59Z");
}

static void
a_date_that_does_not_exist_is_refused(void **state)
{
    static const char *const bad[] = {"2026-02-29", "2026-13-01", "2026-00-10", "2026-04-31", "26-04-01", "2026-4-1", "2026-04-01x", "", "1899-01-01"};
    int64_t day, us;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(civil_parse_date(bad[i], &day));
    assert_true(civil_parse_date("2024-02-29", &day));
    assert_false(civil_parse_time("2026-03-31T16:00:00", &us));
    assert_false(civil_parse_time("2026-03-31T24:00:00Z", &us));
    assert_false(civil_parse_time("2026-03-31T16:00:00.Z", &us));
    assert_false(civil_parse_time("2026-03-31", &us));
}

static void
a_month_later_keeps_the_day_where_it_exists(void **state)
{
    int64_t day;
    char text[CIVIL_TEXT_BYTES];
    assert_true(civil_parse_date("2026-01-31", &day));
    civil_format_date(civil_add_months(day, 1), text);
    assert_string_equal(text, "2026-02-28");
    civil_format_date(civil_add_months(day, 12), text);
    assert_string_equal(text, "2027-01-31");
    civil_format_date(civil_add_months(day, 25), text);
    assert_string_equal(text, "2028-02-29");
}

/* C5 in spirit: what a requester wrote cannot become markup of somebody's page. */
static void
values_are_escaped_in_html(void **state)
{
    json_t *document = document_new("Title", "标题");
    document_field(document, "Product", "品名", phrase_plain("<script>\"&'"));
    char *html = document_render(document, DOCUMENT_ZH, DOCUMENT_HTML);
    assert_non_null(strstr(html, "&lt;script&gt;&quot;&amp;&#39;"));
    assert_null(strstr(html, "<script>"));
    assert_non_null(strstr(html, "lang=\"zh-CN\""));
    free(html);
    json_decref(document);
}

static void
chinese_columns_stand_below_each_other(void **state)
{
    json_t *document = document_new("T", "表"), *columns = json_array(), *row = json_array();
    json_array_append_new(columns, phrase("Name", "名称"));
    json_array_append_new(columns, phrase("Value", "值"));
    json_t *rows = document_table(document, columns);
    json_array_append_new(row, phrase("a", "布洛芬片"));
    json_array_append_new(row, phrase_plain("1"));
    json_array_append_new(rows, row);
    char *text = document_render(document, DOCUMENT_ZH, DOCUMENT_TEXT);
    assert_string_equal(text, "表\n==\n\n名称      值\n--------  --\n布洛芬片  1\n");
    free(text);
    json_decref(document);
}

/* B1: a body beyond the wire's limit loses documents, the last first, and says which. */
static void
documents_that_do_not_fit_are_named(void **state)
{
    struct answer answer = {.body = json_object()};
    char *big = calloc(1, 40001);
    size_t size;
    memset(big, 'x', 40000);
    json_t *documents = json_object();
    json_object_set_new(documents, "a.txt", json_string(big));
    json_object_set_new(documents, "b.txt", json_string(big));
    json_object_set_new(answer.body, "documents", documents);
    char *text = job_body(&answer, &size);
    assert_true(size <= JOB_BODY_BYTES_MAX);
    assert_non_null(strstr(text, "\"omitted\":[\"b.txt\"]"));
    free(text);
    free(big);
    answer_fini(&answer);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(half_goes_up_or_to_even_by_the_rule),
        cmocka_unit_test(only_plain_decimals_are_read),
        cmocka_unit_test(roots_are_rounded_half_up),
        cmocka_unit_test(a_time_is_read_with_its_offset),
        cmocka_unit_test(a_date_that_does_not_exist_is_refused),
        cmocka_unit_test(a_month_later_keeps_the_day_where_it_exists),
        cmocka_unit_test(values_are_escaped_in_html),
        cmocka_unit_test(chinese_columns_stand_below_each_other),
        cmocka_unit_test(documents_that_do_not_fit_are_named),
    };
    return cmocka_run_group_tests_name("workers decimal", tests, NULL, NULL);
}
