/* Request documents: types by the service's fields, errors with file, line and field. */
#include "cmocka_all.h"

#include <unistd.h>

#include "form.h"
#include "value.h"

static struct args args;
static struct said said;
static struct form form;
static char path[64];

static const char service_fields[] =
    "{\"input\": [{\"name\": \"batch\", \"type\": \"string\"}, {\"name\": \"limit\", \"type\": \"decimal\"},"
    " {\"name\": \"units\", \"type\": \"integer\"}, {\"name\": \"values\", \"type\": \"list\", \"items\": \"decimal\"},"
    " {\"name\": \"price\", \"type\": \"money\"}, {\"name\": \"on\", \"type\": \"date\"}, {\"name\": \"sterile\", \"type\": \"boolean\"},"
    " {\"name\": \"extra\", \"type\": \"map\"}, {\"name\": \"level\", \"type\": \"number\"}]}";

static void
write_document(const char *text)
{
    snprintf(path, sizeof path, "/tmp/qiao-form-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

/* Fills the form from a document and options that end with NULL. */
static bool
fill(const char *text, ...)
{
    static char *words[32];
    size_t count = 0, used;
    va_list list;
    va_start(list, text);
    words[count++] = "submit";
    for (char *word; (word = va_arg(list, char *)) != NULL;)
        words[count++] = word;
    va_end(list);
    char wrong[256];
    args = (struct args){ 0 };
    const struct command *command = command_find(words, count, &used);
    if (!args_parse(&args, command, words + used, count - used, 0, NULL, wrong, sizeof wrong))
        fail_msg("%s", wrong);
    said = (struct said){ "", 0 };
    write_document(text);
    json_t *service = json_loads(service_fields, 0, NULL);
    bool good = form_open(&form, path, &said) && form_fill(&form, service, &args, INT64_C(1000000), &said);
    json_decref(service);
    unlink(path);
    return good;
}

static int
clean(void **state)
{
    form_fini(&form);
    return 0;
}

static void
input_is(const char *expected)
{
    json_t *json = json_loads(expected, 0, NULL), *got = value_json_map(form.submission.input);
    assert_non_null(json);
    if (!json_equal(json, got))
        fail_msg("%s", json_dumps(got, JSON_COMPACT));
    json_decref(json);
    json_decref(got);
}

static void
plain_scalars_take_the_type_of_their_field(void **state)
{
    assert_true(fill("service: testing.release\ninput:\n  batch: 007\n  limit: 97.90\n  units: 12\n  values: [99.10, \"98.0\"]\n"
                     "  price: 1250.00 CNY\n  on: 2026-11-30\n  sterile: true\n  level: 3\n  extra: {a: 1, b: 2.5, c: [x]}\n",
                     NULL));
    input_is("{\"batch\": \"007\", \"limit\": \"97.90\", \"units\": 12, \"values\": [\"99.10\", \"98.0\"],"
             " \"price\": {\"amount\": 125000, \"currency\": \"CNY\"},"
             " \"on\": \"2026-11-30\", \"sterile\": true, \"level\": 3, \"extra\": {\"a\": 1, \"b\": 2.5, \"c\": [\"x\"]}}");
}

static void
json_keeps_the_digits_of_decimals(void **state)
{
    assert_true(fill("{\"service\": \"testing.release\", \"input\": {\"limit\": 97.90, \"batch\": \"\\ud83d\\ude00\"}}", NULL));
    input_is("{\"limit\": \"97.9\", \"batch\": \"\\ud83d\\ude00\"}");
    form_fini(&form);
    assert_true(fill("{\"service\": \"testing.release\",\n\t\"input\": {\"limit\": 97.90}}", NULL));
    input_is("{\"limit\": \"97.90\"}");
}

static void
options_outrank_the_document(void **state)
{
    assert_true(fill("service: a.b\npriority: routine\ninput: {units: 1}\n", "--priority", "stat", "--service", "testing.release", "--set", "input.units=5",
                     "--set", "input.batch=a: b", "--set", "input.extra.deep=[1, 2]", "--prefer", "p1", "--prefer", "p2", NULL));
    assert_string_equal(form.submission.service, "testing.release");
    assert_int_equal(form.submission.priority, QIAO_STAT);
    assert_int_equal(form.submission.prefer_count, 2);
    input_is("{\"units\": 5, \"batch\": \"a: b\", \"extra\": {\"deep\": [1, 2]}}");
}

/* Found by tests/fuzz: they were dropped, cut, or failed without a word. */
static void
options_that_are_no_text_are_refused(void **state)
{
    static const char *const options[][2] = { { "--key", "\xff" }, { "--exclude", "\xff" }, { "--require", "\xff ge 5" }, { "--set", "\xff.a=1" },
                                              { "--set", "\xff=1" }, { "--require", "litres greater-than 5" } };
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        assert_false(fill("service: a\n", options[i][0], options[i][1], NULL));
        assert_int_equal(said.exit_code, EXIT_USAGE);
        assert_true(strlen(said.text) > 0);
        form_fini(&form);
    }
    assert_false(fill("service: a\nrequire: 5\n", "--require", "litres ge 5", NULL));
    assert_int_equal(said.exit_code, EXIT_DATA);
}

static void
times_and_places_are_read(void **state)
{
    assert_true(fill("service: a\nnot_before: +2h\ncomplete_by: 2026-11-22T05:14:31Z\nlocation: [39.8, 116.5]\ncost: 5\nfallback: any\nperformer: p\n", NULL));
    assert_int_equal(form.submission.not_before, INT64_C(7201000000));
    assert_int_equal(form.submission.complete_by, INT64_C(1795324471000000));
    assert_true(form.submission.place.given);
    assert_true(form.submission.place.longitude > 116.4 && form.submission.place.longitude < 116.6);
    assert_int_equal(form.submission.cost, 5);
    assert_int_equal(form.submission.fallback, QIAO_FALLBACK_ANY);
}

static void
constraints_come_from_document_and_options(void **state)
{
    assert_true(fill("service: a\nrequire:\n  - [accreditation, has, CNAS]\n", "--require", "site near 39.8,116.5,50", "-r", "class in [A, B]", NULL));
    json_t *got = value_json(form.submission.require);
    json_t *expected = json_loads("[[\"accreditation\",\"has\",\"CNAS\"],[\"site\",\"near\",[39.8,116.5,50]],[\"class\",\"in\",[\"A\",\"B\"]]]", 0, NULL);
    assert_true(json_equal(got, expected));
    json_decref(got);
    json_decref(expected);
}

static void
a_body_is_text_or_json_or_a_file(void **state)
{
    assert_true(fill("service: a\nbody: |\n  one\n  two\n", NULL));
    assert_memory_equal(form.submission.body.p, "one\ntwo\n", form.submission.body.n);
    form_fini(&form);
    assert_true(fill("service: a\nbody: {x: [1, two]}\n", NULL));
    assert_memory_equal(form.submission.body.p, "{\"x\":[1,\"two\"]}", form.submission.body.n);
    form_fini(&form);
    assert_false(fill("service: a\nbody_file: not-there.json\n", NULL));
    assert_int_equal(said.exit_code, EXIT_NO_INPUT);
}

static void
expect_error(const char *text, const char *where, const char *what)
{
    assert_false(fill(text, NULL));
    if (!strstr(said.text, where) || !strstr(said.text, what) || !strstr(said.text, path))
        fail_msg("%s", said.text);
    assert_int_equal(said.exit_code, EXIT_DATA);
    form_fini(&form);
}

static void
errors_name_file_line_and_field(void **state)
{
    expect_error("service: a\ninput:\n  units: many\n", ":3: input.units", "expected an integer, found 'many'");
    expect_error("service: a\ninput:\n  values: [1.0, x]\n", ":3: input.values[1]", "decimal");
    expect_error("service: a\ninput:\n  units: \"12\"\n", ":3: input.units", "integer");
    expect_error("service: a\npriority: soon\n", ":2: priority", "routine, urgent, asap, stat");
    expect_error("service: a\nnot_before: later\n", ":2: not_before", "time");
    expect_error("service: a\ninputs: {}\n", ":2: inputs", "no such field");
    expect_error("service: a\nservice: b\n", ":2: service", "stands twice");
    expect_error("service: [a]\n", ":1: service", "found a list");
    expect_error("service: a\n  bad\n indent: x\n", ":", "");
    expect_error("- a\n- b\n", ":1", "found a list");
    expect_error("service: a\nlocation: here\n", ":2: location", "latitude");
    expect_error("service: a\ncost: 0\n", ":2: cost", "1000000");
    expect_error("service: a\ninput: {extra: {a: {b: {c: {d: {e: {f: {g: {h: 1}}}}}}}}}\n", ":2: input", "deep");
}

/* B1: a document of a few lines does not become a large one. */
static void
aliases_do_not_multiply(void **state)
{
    assert_false(fill("service: a\ninput:\n  extra:\n    a: &a [1,1,1,1,1,1,1,1,1,1]\n    b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
                      "    c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
                      "    d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n    e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n    f: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n",
                      NULL));
    assert_non_null(strstr(said.text, "too many values"));
    form_fini(&form);
    assert_false(fill("service: a\ninput: &x {extra: *x}\n", NULL));
    assert_int_equal(said.exit_code, EXIT_DATA);
}

/* B1: whatever stands in a document, it gives a value or one line that says why not. */
static void
damaged_documents_give_a_value_or_a_reason(void **state)
{
    static const char base[] = "service: a.b\nrequire: [[x, ge, 4]]\ninput: {limit: 97.90, values: [1.0, \"2\"],"
                               " on: 2026-01-02, extra: {a: &a [1], b: *a}}\nbody: |\n  x\n";
    static const char *const pieces[] = { "{", "[", "&a ", "*a", ": ", "\n- ", "\"", "\t", "!!x ", "\xff", "|", "---\n", "0x", "?" };
    json_t *types = json_loads("{\"input\": {\"limit\": \"decimal\", \"values\": [\"decimal\"], \"on\": \"date\", \"extra\": {}}}", 0, NULL);
    uint64_t seed = 7;
    for (int round = 0; round < 3000; round++) {
        char text[512];
        size_t n = sizeof base - 1;
        memcpy(text, base, n);
        for (int change = 0; change < 3; change++) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
            size_t at = (size_t)(seed >> 33) % n;
            const char *piece = pieces[(seed >> 20) % (sizeof pieces / sizeof *pieces)];
            size_t m = strlen(piece);
            memmove(text + at + m, text + at, n - at);
            memcpy(text + at, piece, m);
            n += m;
        }
        said = (struct said){ "", 0 };
        struct document *document = document_parse("d", text, n, &said);
        json_t *json = document ? document_json(document, types, "", &said) : NULL;
        assert_true(json != NULL || (said.exit_code == EXIT_DATA && *said.text));
        json_decref(json);
        document_free(document);
    }
    json_decref(types);
}

static void
a_path_finds_its_line(void **state)
{
    struct document *document = document_parse("d", "a: 1\nb:\n  - x\n  - y: 2\n", 22, &said);
    assert_non_null(document);
    assert_int_equal(document_line(document, "b[1].y"), 4);
    assert_int_equal(document_line(document, "b[1].z"), 4);
    assert_int_equal(document_line(document, "b[0]"), 3);
    assert_int_equal(document_line(document, "nothing"), 1);
    document_free(document);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(plain_scalars_take_the_type_of_their_field, clean),
        cmocka_unit_test_teardown(json_keeps_the_digits_of_decimals, clean),
        cmocka_unit_test_teardown(options_outrank_the_document, clean),
        cmocka_unit_test_teardown(options_that_are_no_text_are_refused, clean),
        cmocka_unit_test_teardown(times_and_places_are_read, clean),
        cmocka_unit_test_teardown(constraints_come_from_document_and_options, clean),
        cmocka_unit_test_teardown(a_body_is_text_or_json_or_a_file, clean),
        cmocka_unit_test_teardown(errors_name_file_line_and_field, clean),
        cmocka_unit_test_teardown(aliases_do_not_multiply, clean),
        cmocka_unit_test(damaged_documents_give_a_value_or_a_reason),
        cmocka_unit_test(a_path_finds_its_line),
    };
    return cmocka_run_group_tests_name("form", tests, NULL, NULL);
}
