/* The table of commands and the parser that walks it; help, manual pages and completion from the same rows. */
#include "cmocka_all.h"

#include "command.h"

static struct args args;
static char said[512];

/* Parses words that end with NULL, by the row that they name. */
static bool
parse(const char *first, ...)
{
    char *words[32];
    size_t count = 0, used = 0;
    va_list list;
    va_start(list, first);
    for (const char *word = first; word && count < 32; word = va_arg(list, const char *))
        words[count++] = (char *)(uintptr_t)word;
    va_end(list);
    const struct command *command = command_find(words, count, &used);
    assert_non_null(command);
    args = (struct args){ 0 };
    return args_parse(&args, command, words + used, count - used, INT64_C(1000000), NULL, said, sizeof said);
}

static void
the_longest_name_wins(void **state)
{
    char *words[] = { "party", "add", "acme" };
    size_t used;
    assert_string_equal(command_find(words, 3, &used)->name, "party add");
    assert_int_equal(used, 2);
    assert_null(command_find(words, 1, &used));
    char *hold[] = { "hold", "lift" };
    assert_string_equal(command_find(hold, 2, &used)->name, "hold");
}

static void
options_stand_anywhere_in_any_form(void **state)
{
    assert_true(parse("submit", "--key=k1", "file.yaml", "-p", "urgent", "--set", "input.a=1", "-sinput.b=2", "-jw", NULL));
    assert_string_equal(args_text(&args, "key"), "k1");
    assert_string_equal(args_text(&args, "priority"), "urgent");
    assert_string_equal(args_word(&args, 0), "file.yaml");
    assert_true(args_flag(&args, "json"));
    assert_true(args_flag(&args, "wait"));
    size_t at = 0;
    assert_string_equal(args_next(&args, "set", &at), "input.a=1");
    assert_string_equal(args_next(&args, "set", &at), "input.b=2");
    assert_null(args_next(&args, "set", &at));
}

static void
a_lone_dash_is_a_word_and_two_end_the_options(void **state)
{
    assert_true(parse("submit", "-", NULL));
    assert_string_equal(args_word(&args, 0), "-");
    assert_true(parse("worker", "run", "-s", "bench.echo", "--", "cat", "--number", NULL));
    assert_int_equal(args.word_count, 2);
    assert_string_equal(args_word(&args, 1), "--number");
}

static void
values_are_checked_by_their_kind(void **state)
{
    assert_false(parse("list", "--limit", "ten", NULL));
    assert_non_null(strstr(said, "--limit"));
    assert_false(parse("submit", "f", "--priority", "soon", NULL));
    assert_non_null(strstr(said, "routine"));
    assert_false(parse("submit", "f", "--complete-by", "later", NULL));
    assert_false(parse("list", "--timeout", "5", NULL));
    assert_true(parse("list", "--timeout", "5s", "--since", "+1h", NULL));
    assert_int_equal(args_number(&args, "timeout", 0), 5000000);
    assert_int_equal(args_number(&args, "since", 0), INT64_C(3601000000));
    assert_int_equal(args_number(&args, "limit", 100), 100);
}

static void
what_is_missing_or_too_much_is_named(void **state)
{
    assert_false(parse("get", NULL));
    assert_string_equal(said, "ID is missing");
    assert_false(parse("get", "a", "b", NULL));
    assert_string_equal(said, "unexpected 'b'");
    assert_false(parse("list", "--nonsense", NULL));
    assert_non_null(strstr(said, "--nonsense"));
    assert_false(parse("get", "--context", NULL));
    assert_true(parse("get", "--help", NULL));
}

/* Every row says everything about itself, in both languages. */
static void
every_row_is_complete(void **state)
{
    for (const struct command_group *group = command_groups; group->commands; group++)
        for (const struct command *command = group->commands; command->name; command++) {
            assert_non_null(command->summary.en);
            assert_non_null(command->summary.zh);
            assert_true(!command->about.en == !command->about.zh);
            assert_true((command->run != NULL) != (command->raw != NULL));
            for (const struct option *o = command->options; o && o->name; o++) {
                assert_non_null(o->help.en);
                assert_non_null(o->help.zh);
                assert_true((o->kind == OPTION_CHOICE) == (o->choices != NULL));
                for (const struct option *other = common_options; other->name && !command->verbatim; other++) {
                    assert_string_not_equal(o->name, other->name);
                    assert_true(!o->letter || o->letter != other->letter);
                }
                for (const struct option *other = command->options; other != o; other++) {
                    assert_string_not_equal(o->name, other->name);
                    assert_true(!o->letter || o->letter != other->letter);
                }
            }
            for (const struct argument *a = command->arguments; a && a->name; a++) {
                assert_non_null(a->help.en);
                assert_non_null(a->help.zh);
            }
            for (const struct example *e = command->examples; e && e->line; e++)
                assert_non_null(strstr(e->line, "qiao"));
        }
}

static char *
printed(void (*print)(FILE *out, const struct command *command, enum lang lang, size_t width), const struct command *command, enum lang lang)
{
    char *text = NULL;
    size_t n;
    FILE *memory = open_memstream(&text, &n);
    print(memory, command, lang, 80);
    fclose(memory);
    return text;
}

static void
help_names_every_option_in_both_languages(void **state)
{
    for (int lang = LANG_EN; lang <= LANG_ZH; lang++)
        for (const struct command_group *group = command_groups; group->commands; group++)
            for (const struct command *command = group->commands; command->name; command++) {
                char *text = printed(help_print, command, (enum lang)lang), name[64];
                assert_non_null(strstr(text, text_in(&command->summary, (enum lang)lang)));
                for (const struct option *o = command->options; o && o->name; o++) {
                    snprintf(name, sizeof name, "--%s", o->name);
                    assert_non_null(strstr(text, name));
                }
                free(text);
            }
}

static void
exit_codes_of_rows_are_listed(void **state)
{
    for (const struct command_group *group = command_groups; group->commands; group++)
        for (const struct command *command = group->commands; command->name; command++)
            for (const int *code = command->exits; code && *code; code++) {
                bool listed = false;
                for (const struct exit_row *row = exit_rows; row->help.en; row++)
                    listed = listed || row->code == *code;
                assert_true(listed);
            }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_name_wins),
        cmocka_unit_test(options_stand_anywhere_in_any_form),
        cmocka_unit_test(a_lone_dash_is_a_word_and_two_end_the_options),
        cmocka_unit_test(values_are_checked_by_their_kind),
        cmocka_unit_test(what_is_missing_or_too_much_is_named),
        cmocka_unit_test(every_row_is_complete),
        cmocka_unit_test(help_names_every_option_in_both_languages),
        cmocka_unit_test(exit_codes_of_rows_are_listed),
    };
    return cmocka_run_group_tests_name("args", tests, NULL, NULL);
}
