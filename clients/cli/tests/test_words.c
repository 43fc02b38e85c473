/* The broker's words in Chinese: whole sentences, values in them, and what is not in the list. */
#include "cmocka_all.h"

#include "words.h"

static void
says(const char *english, const char *chinese)
{
    char buf[512];
    assert_string_equal(words_in(english, LANG_ZH, buf, sizeof buf), chinese);
    assert_ptr_equal(words_in(english, LANG_EN, buf, sizeof buf), english);
}

static void
a_sentence_is_said_in_chinese(void **state)
{
    says("no such request", "没有该请求");
    says("awaiting-information", "等待补充信息");
}

static void
values_stay_as_they_are(void **state)
{
    says("accreditation has [\"CNAS\", \"GMP\"]: not met", "accreditation has [\"CNAS\", \"GMP\"]:不满足");
    says("note eq \"x: not met\": not offered", "note eq \"x: not met\":未提供");
}

static void
a_rule_is_looked_up_with_its_own_values(void **state)
{
    says("input.hits: at most 1000, got integer", "input.hits:至多 1000(所给为整数)");
    says("input.limit: required, got absent", "input.limit:必填(所给为缺失)");
    says("input.a: one of usp, got, gbt8170, got string", "input.a:以下之一:usp, got, gbt8170(所给为文本)");
    says("input.price: money: {amount, currency}, got string", "input.price:金额:{amount, currency}(所给为文本)");
}

static void
what_is_not_in_the_list_is_shown_as_it_is(void **state)
{
    says("the moon is too close", "the moon is too close");
    says("", "");
    says("%s: not met", "%s:不满足");
    says(": not met", ": not met");
    says("input.a: 什么, got %t", "input.a:什么(所给为%t)");
}

static void
line_says(const char *english, const char *chinese)
{
    char buf[512];
    assert_string_equal(words_of_line(english, LANG_ZH, buf, sizeof buf), chinese);
    assert_ptr_equal(words_of_line(english, LANG_EN, buf, sizeof buf), english);
}

static void
places_before_a_sentence_stay(void **state)
{
    line_says("r.yaml:7: input.units: expected an integer, found 'many'", "r.yaml:7: input.units: 应为 整数,实为 'many'");
    line_says("r.yaml:2: input: stands twice", "r.yaml:2: input: 重复出现");
    line_says("--wait-at-most: 'soon' is not a duration such as 90s, 5m, 2h30m, 3d", "--wait-at-most: 'soon' 应为 时长,如 90s、5m、2h30m、3d");
    line_says("r.yaml:2: did not find expected key", "r.yaml:2: did not find expected key");
    line_says("a: ", "a: ");
    line_says("", "");
    char small[20];
    const char *english = "r.yaml:2: input: stands twice";
    assert_ptr_equal(words_of_line(english, LANG_ZH, small, sizeof small), english);
}

/* Never half a sentence, nor half a character. */
static void
what_does_not_fit_is_shown_as_it_is(void **state)
{
    const char *english = "no such request";
    char small[16], just[17];
    assert_ptr_equal(words_in(english, LANG_ZH, small, 15), english);
    assert_string_equal(words_in(english, LANG_ZH, just, 16), "没有该请求");
    assert_ptr_equal(words_in(english, LANG_ZH, small, 0), english);
    char longer[3000], out[64];
    memset(longer, ',', sizeof longer);
    memcpy(longer, "a: b, got ", 10);
    longer[sizeof longer - 1] = '\0';
    assert_ptr_equal(words_in(longer, LANG_ZH, out, sizeof out), longer);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sentence_is_said_in_chinese),
        cmocka_unit_test(values_stay_as_they_are),
        cmocka_unit_test(a_rule_is_looked_up_with_its_own_values),
        cmocka_unit_test(places_before_a_sentence_stay),
        cmocka_unit_test(what_is_not_in_the_list_is_shown_as_it_is),
        cmocka_unit_test(what_does_not_fit_is_shown_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
