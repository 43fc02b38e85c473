/* Money: minor units by currency, never a float. */
#include "cmocka_all.h"

#include "money.h"

static void
check(const char *text, int64_t minor, const char *currency)
{
    int64_t got = -1;
    char code[4];
    assert_true(money_parse(text, &got, code));
    assert_int_equal(got, minor);
    assert_string_equal(code, currency);
}

static void
amounts_are_minor_units_of_their_currency(void **state)
{
    check("1250.00 CNY", 125000, "CNY");
    check("1250 CNY", 125000, "CNY");
    check("CNY 1,250.5", 125050, "CNY");
    check("500 JPY", 500, "JPY");
    check("1.234 KWD", 1234, "KWD");
    check("-3.10 EUR", -310, "EUR");
    check("5,000,000.00 CNY", 500000000, "CNY");
}

static void
what_is_no_amount_is_refused(void **state)
{
    static const char *const bad[] = { "", "1250", "CNY", "1.005 CNY", "1.5 JPY", "1 cny", "1..0 CNY", "one CNY",
                                       "99999999999999999999 CNY", "1 CNYX", "1e3 CNY" };
    int64_t minor;
    char code[4];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(money_parse(bad[i], &minor, code));
}

static void
amounts_are_shown_with_their_decimals(void **state)
{
    char text[MONEY_SIZE];
    money_format(125000, "CNY", text);
    assert_string_equal(text, "1,250.00 CNY");
    money_format(-5, "CNY", text);
    assert_string_equal(text, "-0.05 CNY");
    money_format(1234567, "JPY", text);
    assert_string_equal(text, "1,234,567 JPY");
    money_format(INT64_MIN, "CNY", text);
    assert_string_equal(text, "-92,233,720,368,547,758.08 CNY");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(amounts_are_minor_units_of_their_currency),
        cmocka_unit_test(what_is_no_amount_is_refused),
        cmocka_unit_test(amounts_are_shown_with_their_decimals),
    };
    return cmocka_run_group_tests_name("money", tests, NULL, NULL);
}
