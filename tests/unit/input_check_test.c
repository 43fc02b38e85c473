/* Input against the fields of a service: what is refused, where, and that the refusal tells no value (C5). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/input_check.h"
#include "pack.h"

static const struct proto_str colours[] = {{"red", 3}, {"green", 5}};

static const struct field fields[] = {
    {.name = {"batch", 5}, .type = FIELD_STRING, .required = true, .has_min = true, .min = 1, .has_max = true, .max = 8},
    {.name = {"colour", 6}, .type = FIELD_STRING, .values = colours, .value_count = 2},
    {.name = {"count", 5}, .type = FIELD_INTEGER, .has_min = true, .min = 1, .has_max = true, .max = 360},
    {.name = {"assay", 5}, .type = FIELD_DECIMAL, .has_min = true, .min = 0, .has_max = true, .max = 100},
    {.name = {"celsius", 7}, .type = FIELD_NUMBER, .has_min = true, .min = -200.5},
    {.name = {"frozen", 6}, .type = FIELD_BOOLEAN},
    {.name = {"day", 3}, .type = FIELD_DATE},
    {.name = {"start", 5}, .type = FIELD_TIME},
    {.name = {"price", 5}, .type = FIELD_MONEY, .has_min = true, .min = 1},
    {.name = {"yuan", 4}, .type = FIELD_MONEY, .unit = {"CNY", 3}},
    {.name = {"units", 5}, .type = FIELD_LIST, .items = FIELD_DECIMAL, .has_min = true, .min = 1, .has_max = true, .max = 3},
    {.name = {"rows", 4}, .type = FIELD_LIST, .items = FIELD_MAP},
    {.name = {"shares", 6}, .type = FIELD_MAP, .items = FIELD_INTEGER},
    {.name = {"more", 4}, .type = FIELD_MAP, .items = FIELD_LIST},
    {.name = {"any", 3}, .type = FIELD_LIST, .items = FIELD_ANY},
    {.name = {"words", 5}, .type = FIELD_LIST, .items = FIELD_STRING, .values = colours, .value_count = 2},
    {.name = {"fees", 4}, .type = FIELD_LIST, .items = FIELD_MONEY},
};

static const struct field_list list = {fields, sizeof fields / sizeof *fields, 1};

static void
accepts(const char *json)
{
    struct input_fault fault;
    if (!input_check(&list, INPUT_WHOLE, "input", pack(json), &fault)) {
        char text[512];
        input_fault_text(&fault, text, sizeof text);
        fail_msg("%s was refused: %s", json, text);
    }
    pack_end();
}

static void
refuses(const char *json, const char *expected)
{
    struct input_fault fault;
    char text[512];
    assert_false(input_check(&list, INPUT_WHOLE, "input", pack(json), &fault));
    input_fault_text(&fault, text, sizeof text);
    assert_string_equal(text, expected);
    pack_end();
}

static void
a_full_input_of_every_type_is_accepted(void **state)
{
    accepts("{\"batch\": \"AX-1\", \"colour\": \"red\", \"count\": 360, \"assay\": \"97.85\", \"celsius\": -18, \"frozen\": true,"
            " \"day\": \"2028-02-29\", \"start\": \"2026-03-01T08:00:00.5+08:00\","
            " \"price\": {\"currency\": \"CNY\", \"amount\": 3}, \"yuan\": {\"amount\": -3, \"currency\": \"CNY\"},"
            " \"units\": [\"0.95\", \"1\"], \"rows\": [{\"a\": 1}], \"shares\": {\"a\": 1, \"b\": 2}, \"more\": {\"d\": [1]},"
            " \"any\": [1, \"x\", null], \"words\": [\"green\"], \"fees\": [{\"amount\": 1, \"currency\": \"EUR\"}]}");
}

static void
a_missing_required_field_is_named(void **state)
{
    refuses("{}", "input.batch: required, got absent");
    refuses("{\"count\": 2}", "input.batch: required, got absent");
}

static void
an_absent_map_is_an_empty_one(void **state)
{
    struct input_fault fault;
    struct field_list none = {0};
    assert_true(input_check(&none, INPUT_WHOLE, "input", (struct proto_bin){0}, &fault));
    assert_false(input_check(&list, INPUT_WHOLE, "input", (struct proto_bin){0}, &fault));
    assert_string_equal(fault.path, "input.batch");
}

static void
a_partial_input_may_leave_out_required_fields(void **state)
{
    struct input_fault fault;
    assert_true(input_check(&list, INPUT_PARTIAL, "reply", pack("{\"count\": 2}"), &fault));
    assert_false(input_check(&list, INPUT_PARTIAL, "reply", pack("{\"count\": 0}"), &fault));
    assert_string_equal(fault.path, "reply.count");
    pack_end();
}

static void
an_unknown_field_is_refused(void **state)
{
    refuses("{\"batch\": \"a\", \"colours\": 1}", "input.colours: no such field, got integer");
}

static void
a_hostile_key_is_made_printable_and_cut(void **state)
{
    refuses("{\"a\\n\\u0007\\u5b57\": 1}", "input.a?????: no such field, got integer");
    struct input_fault fault;
    char json[400] = "{\"";
    memset(json + 2, 'k', 300);
    memcpy(json + 302, "\": 1}", 6);
    assert_false(input_check(&list, INPUT_WHOLE, "input", pack(json), &fault));
    assert_int_equal(strlen(fault.path), strlen("input.") + 64);
    pack_end();
}

static void
a_value_of_another_type_is_refused_without_the_value(void **state)
{
    refuses("{\"batch\": 77}", "input.batch: a string, got integer");
    refuses("{\"batch\": null}", "input.batch: a string, got null");
    refuses("{\"count\": 1.5}", "input.count: an integer of 64 bits, got number");
    refuses("{\"count\": \"1\"}", "input.count: an integer of 64 bits, got string");
    refuses("{\"assay\": 97.85}", "input.assay: a decimal as text, such as \"97.85\", got number");
    refuses("{\"celsius\": \"5\"}", "input.celsius: a number, got string");
    refuses("{\"frozen\": 1}", "input.frozen: true or false, got integer");
    refuses("{\"units\": \"0.95\"}", "input.units: a list, got string");
    refuses("{\"shares\": []}", "input.shares: a map, got list");
    refuses("{\"price\": 5}", "input.price: money: {amount, currency}, got integer");
    refuses("[1]", "input: a map, got list");
}

static void
bounds_hold_at_both_ends(void **state)
{
    refuses("{\"count\": 0}", "input.count: at least 1, got integer");
    refuses("{\"count\": 361}", "input.count: at most 360, got integer");
    refuses("{\"assay\": \"100.01\"}", "input.assay: at most 100, got string");
    refuses("{\"assay\": \"-0.5\"}", "input.assay: at least 0, got string");
    refuses("{\"celsius\": -200.75}", "input.celsius: at least -200.5, got number");
    accepts("{\"batch\": \"x\", \"celsius\": -200.5, \"assay\": \"100.00\", \"count\": 1}");
}

static void
the_length_of_a_string_counts_characters(void **state)
{
    refuses("{\"batch\": \"\"}", "input.batch: a length of at least 1, got string");
    refuses("{\"batch\": \"123456789\"}", "input.batch: a length of at most 8, got string");
    accepts("{\"batch\": \"\\u4e2d\\u6587\\u6279\\u53f7\\u4e2d\\u6587\\u6279\\u53f7\"}");
}

static void
only_listed_words_are_accepted(void **state)
{
    refuses("{\"colour\": \"blue\"}", "input.colour: one of red, green, got string");
    refuses("{\"words\": [\"red\", \"blue\"]}", "input.words[1]: one of red, green, got string");
}

static void
decimals_are_plain(void **state)
{
    const char *bad[] = {"", "-", ".5", "5.", "1e3", "+1", "1,5", "0x1", " 1", "1.2.3", "nan"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char json[64];
        snprintf(json, sizeof json, "{\"assay\": \"%s\"}", bad[i]);
        refuses(json, "input.assay: a decimal as text, such as \"97.85\", got string");
    }
}

static void
a_day_must_exist(void **state)
{
    const char *bad[] = {"2026-02-29", "1900-02-29", "2026-13-01", "2026-00-10", "2026-04-31", "2026-4-01", "26-04-01", "2026/04/01", ""};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char json[64];
        snprintf(json, sizeof json, "{\"day\": \"%s\"}", bad[i]);
        refuses(json, "input.day: a date YYYY-MM-DD, got string");
    }
    accepts("{\"batch\": \"x\", \"day\": \"2000-02-29\"}");
}

static void
a_time_needs_its_offset(void **state)
{
    const char *bad[] = {"2026-03-01T08:00:00", "2026-03-01 08:00:00Z", "2026-03-01T24:00:00Z", "2026-03-01T08:60:00Z",
                         "2026-03-01T08:00:00.Z", "2026-03-01T08:00:00+8:00", "2026-03-01T08:00:00+24:00", "2026-03-01T08:00:00Zz",
                         "2026-02-30T08:00:00Z"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char json[64];
        snprintf(json, sizeof json, "{\"start\": \"%s\"}", bad[i]);
        refuses(json, "input.start: a time of RFC 3339, such as 2026-03-01T08:00:00+08:00, got string");
    }
    accepts("{\"batch\": \"x\", \"start\": \"2026-03-01T08:00:00Z\"}");
}

static void
money_is_minor_units_and_a_currency(void **state)
{
    const char *rule = "input.price: money: {amount: integer of minor units, currency: three capital letters}, got map";
    refuses("{\"price\": {\"amount\": 1}}", rule);
    refuses("{\"price\": {\"amount\": 1.5, \"currency\": \"CNY\"}}", rule);
    refuses("{\"price\": {\"amount\": 1, \"currency\": \"cny\"}}", rule);
    refuses("{\"price\": {\"amount\": 1, \"currency\": \"CNY\", \"tax\": 1}}", rule);
    refuses("{\"price\": {\"amount\": [1], \"currency\": \"CNY\"}}", rule);
    refuses("{\"price\": {\"amount\": 0, \"currency\": \"CNY\"}}", "input.price: an amount of at least 1, got money");
    refuses("{\"yuan\": {\"amount\": 1, \"currency\": \"EUR\"}}", "input.yuan: currency CNY, got another currency");
}

static void
an_element_is_named_by_its_place(void **state)
{
    refuses("{\"units\": [\"0.95\", 0.9]}", "input.units[1]: a decimal as text, such as \"97.85\", got number");
    refuses("{\"units\": []}", "input.units: a number of elements of at least 1, got list");
    refuses("{\"units\": [\"1\", \"1\", \"1\", \"1\"]}", "input.units: a number of elements of at most 3, got list");
    refuses("{\"rows\": [{}, 3]}", "input.rows[1]: a map, got integer");
    refuses("{\"shares\": {\"a\": 1, \"b\": \"x\"}}", "input.shares.b: an integer of 64 bits, got string");
    refuses("{\"more\": {\"d\": 1}}", "input.more.d: a list, got integer");
    refuses("{\"fees\": [{\"amount\": 1, \"currency\": \"EUR\"}, 2]}", "input.fees[1]: money: {amount, currency}, got integer");
}

static void
what_stands_behind_a_container_is_still_checked(void **state)
{
    refuses("{\"rows\": [{\"a\": [1, {\"b\": 2}]}], \"count\": 0}", "input.count: at least 1, got integer");
    refuses("{\"fees\": [{\"amount\": 1, \"currency\": \"EUR\"}], \"count\": 0}", "input.count: at least 1, got integer");
    refuses("{\"any\": [[1, 2], {\"x\": {}}], \"count\": 0}", "input.count: at least 1, got integer");
}

/* Bytes that the codec would never let through must not be read past their end either. */
static void
cut_bytes_are_refused_not_followed(void **state)
{
    struct proto_bin whole = pack("{\"batch\": \"AX-1\", \"units\": [\"0.95\"], \"price\": {\"amount\": 1, \"currency\": \"CNY\"},"
                                  " \"shares\": {\"a\": 1}}");
    for (uint32_t n = 1; n < whole.n; n++) {
        struct input_fault fault;
        uint8_t *exact = test_malloc(n); /* so that a read past the end is seen */
        memcpy(exact, whole.p, n);
        assert_false(input_check(&list, INPUT_WHOLE, "input", (struct proto_bin){exact, n}, &fault));
        test_free(exact);
    }
    pack_end();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_input_of_every_type_is_accepted),
        cmocka_unit_test(a_missing_required_field_is_named),
        cmocka_unit_test(an_absent_map_is_an_empty_one),
        cmocka_unit_test(a_partial_input_may_leave_out_required_fields),
        cmocka_unit_test(an_unknown_field_is_refused),
        cmocka_unit_test(a_hostile_key_is_made_printable_and_cut),
        cmocka_unit_test(a_value_of_another_type_is_refused_without_the_value),
        cmocka_unit_test(bounds_hold_at_both_ends),
        cmocka_unit_test(the_length_of_a_string_counts_characters),
        cmocka_unit_test(only_listed_words_are_accepted),
        cmocka_unit_test(decimals_are_plain),
        cmocka_unit_test(a_day_must_exist),
        cmocka_unit_test(a_time_needs_its_offset),
        cmocka_unit_test(money_is_minor_units_and_a_currency),
        cmocka_unit_test(an_element_is_named_by_its_place),
        cmocka_unit_test(what_stands_behind_a_container_is_still_checked),
        cmocka_unit_test(cut_bytes_are_refused_not_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
