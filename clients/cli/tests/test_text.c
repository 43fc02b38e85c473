/* Texts: languages, widths, what a terminal may be shown. */
#include "cmocka_all.h"

#include "text.h"

static void
chinese_characters_take_two_columns(void **state)
{
    assert_int_equal(text_width("桥 qiao"), 7);
    assert_int_equal(text_width("e\xcc\x81"), 1);
    assert_int_equal(text_width(""), 0);
}

/* C5 and a terminal's peace: somebody else's text moves no cursor. */
static void
control_characters_do_not_reach_a_terminal(void **state)
{
    char out[64];
    text_clean("a\033[2Jb\nc\x7f", out, sizeof out);
    assert_string_equal(out, "a?[2Jb c?");
    text_clean("\xe2\x80\xae" "evil", out, sizeof out);
    assert_string_equal(out, "?evil");
}

static void
a_cut_never_splits_a_character(void **state)
{
    char out[8];
    text_clean("桥桥桥桥", out, sizeof out);
    assert_true(strlen(out) % 3 == 0);
    assert_true(strlen(out) < sizeof out);
}

static void
bytes_that_are_no_utf8_count_as_one_replacement(void **state)
{
    uint32_t code;
    assert_int_equal(text_next("\xff", &code), 1);
    assert_int_equal(code, 0xfffd);
    assert_int_equal(text_next("\xed\xa0\x80", &code), 1);
    assert_int_equal(text_next("\xc0\x80", &code), 1);
    assert_int_equal(text_next("", &code), 0);
}

static void
the_language_follows_the_locale(void **state)
{
    enum lang lang = LANG_EN;
    assert_int_equal(lang_parse("zh_CN.UTF-8", &lang), 0);
    assert_int_equal(lang, LANG_ZH);
    assert_int_equal(lang_parse("C.UTF-8", &lang), 0);
    assert_int_equal(lang, LANG_EN);
    assert_int_equal(lang_parse("tlh", &lang), -1);
}

static void
lines_are_wrapped_at_spaces_and_between_chinese_characters(void **state)
{
    char *text = NULL;
    size_t n;
    FILE *memory = open_memstream(&text, &n);
    text_wrap(memory, "one two three", 2, 9);
    text_wrap(memory, "提交服务请求", 0, 6);
    fclose(memory);
    assert_string_equal(text, "one two\n  three\n提交服\n务请求\n");
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chinese_characters_take_two_columns),
        cmocka_unit_test(control_characters_do_not_reach_a_terminal),
        cmocka_unit_test(a_cut_never_splits_a_character),
        cmocka_unit_test(bytes_that_are_no_utf8_count_as_one_replacement),
        cmocka_unit_test(the_language_follows_the_locale),
        cmocka_unit_test(lines_are_wrapped_at_spaces_and_between_chinese_characters),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
