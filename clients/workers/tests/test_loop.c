/* What the loop is made of: the command line, and maps to JSON and back. */
#include "support.h"

#include "common/convert.h"
#include "common/options.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static int
parse(struct options *options, const char **own_value, const char *const *words)
{
    char *argv[16] = {"worker"};
    int argc = 1;
    struct worker_option own[] = {{"policy", "a file", own_value}, {0}};
    for (; *words; words++)
        argv[argc++] = (char *)*words;
    int kept = dup(STDERR_FILENO), nowhere = open("/dev/null", O_WRONLY);
    dup2(nowhere, STDERR_FILENO); /* what is wrong with the options is not news here */
    int code = options_parse(argc, argv, "worker", "a test", "testing.*", own, options);
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(nowhere);
    return code;
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void
options_are_read_in_both_spellings(void **state)
{
    struct options options;
    const char *policy = NULL;
    assert_int_equal(parse(&options, &policy, WORDS("--context", "lab", "--services=a.b,c.*", "--capacity", "3", "--speed=2.5", "--verify",
        "--policy", "p.yaml", "--price", "1250.5 CNY")), 0);
    assert_int_equal(options.price_minor, 125050);
    assert_string_equal(options.price_currency, "CNY");
    assert_string_equal(options.context, "lab");
    assert_int_equal(options.services_n, 2);
    assert_string_equal(options.services[1], "c.*");
    assert_int_equal(options.capacity, 3);
    assert_true(options.speed == 2.5);
    assert_true(options.verify);
    assert_string_equal(policy, "p.yaml");
}

static void
defaults_stand_without_options(void **state)
{
    struct options options;
    assert_int_equal(parse(&options, NULL, (const char *const[]){NULL}), 0);
    assert_string_equal(options.services[0], "testing.*");
    assert_int_equal(options.capacity, 16);
    assert_true(options.speed == 1);
    assert_null(options.context);
    assert_string_equal(options.price_currency, "");
}

static void
wrong_options_end_with_usage(void **state)
{
    struct options options;
    const char *policy = NULL;
    const char *const *cases[] = {
        WORDS("--nothing"), WORDS("word"), WORDS("--capacity", "0"), WORDS("--capacity", "257"), WORDS("--capacity", "many"), WORDS("--speed", "0.5"),
        WORDS("--speed", "nan"), WORDS("--context"), WORDS("--verify=yes"), WORDS("--services", ""), WORDS("--services", "a,,b"), WORDS("--try", "a"),
            WORDS("--name="), WORDS("--price", "90"), WORDS("--price", "CNY"), WORDS("--price", "-1.00CNY"), WORDS("--price", "1.005CNY"),
            WORDS("--price", "1.5JPY"), WORDS("--price", "1.CNY"), WORDS("--price", "1.00 cny"),
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(parse(&options, &policy, cases[i]), EX_USAGE);
}

static void
json_and_maps_are_the_same_values(void **state)
{
    static const char text[] = "{\"a\":1,\"b\":-2,\"c\":2.5,\"d\":\"t\xc3\xa9xt\",\"e\":[true,false,null,{\"f\":[]}],\"g\":9007199254740993}";
    struct qiao_bytes bytes;
    json_t *before = json_loads(text, 0, NULL);
    struct qiao_map *map = map_of_json(before);
    assert_non_null(map);
    assert_true(qiao_map_bytes(map, &bytes));
    json_t *after = json_of_map(bytes);
    assert_true(json_equal(before, after));
    json_decref(before);
    json_decref(after);
    qiao_map_free(map);
}

/* B1: what does not fit the protocol is no map; what is no map is no JSON. */
static void
too_deep_too_large_and_no_map_are_refused(void **state)
{
    char deep[256] = "{\"a\":", *large = malloc(20001);
    for (int i = 0; i < 20; i++)
        strncat(deep, "[", sizeof deep - strlen(deep) - 1);
    for (int i = 0; i < 20; i++)
        strncat(deep, "]", sizeof deep - strlen(deep) - 1);
    strncat(deep, "}", sizeof deep - strlen(deep) - 1);
    json_t *json = json_loads(deep, 0, NULL);
    assert_non_null(json);
    assert_null(map_of_json(json));
    json_decref(json);

    memset(large, 'x', 20000);
    large[20000] = '\0';
    json = json_object();
    json_object_set_new(json, "a", json_string(large));
    assert_null(map_of_json(json));
    json_decref(json);
    free(large);

    assert_null(json_of_map((struct qiao_bytes){"\x01", 1}));
    assert_null(json_of_map((struct qiao_bytes){"\x81\xa1", 2}));
    json = json_of_map((struct qiao_bytes){NULL, 0});
    assert_int_equal(json_object_size(json), 0);
    json_decref(json);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_read_in_both_spellings),
        cmocka_unit_test(defaults_stand_without_options),
        cmocka_unit_test(wrong_options_end_with_usage),
        cmocka_unit_test(json_and_maps_are_the_same_values),
        cmocka_unit_test(too_deep_too_large_and_no_map_are_refused),
    };
    return cmocka_run_group_tests_name("workers loop", tests, NULL, NULL);
}
