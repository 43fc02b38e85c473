/*
 * Fuzzes what people give the command line: documents of requests, and --set and --require over them.
 *
 * An input is the document, then options, each behind a NUL: NAME=VALUE, or '>' and a constraint. What is read as values
 * must stay the same on its way to msgpack and back.
 */
#include "fuzz.h"

#include <string.h>

#include "document.h"
#include "form.h"
#include "value.h"

enum { TEXT_BYTES_MAX = 1 << 16, OPTIONS_MAX = 8 };

#define NOW_US INT64_C(1800000000000000)

static const char service_text[] =
    "{\"input\": [{\"name\": \"batch\", \"type\": \"string\"}, {\"name\": \"limit\", \"type\": \"decimal\"},"
    " {\"name\": \"units\", \"type\": \"integer\"}, {\"name\": \"values\", \"type\": \"list\", \"items\": \"decimal\"},"
    " {\"name\": \"price\", \"type\": \"money\"}, {\"name\": \"on\", \"type\": \"date\"}, {\"name\": \"at\", \"type\": \"time\"},"
    " {\"name\": \"sterile\", \"type\": \"boolean\"}, {\"name\": \"extra\", \"type\": \"map\"}, {\"name\": \"level\", \"type\": \"number\"},"
    " {\"name\": \"rest\", \"type\": \"any\"}, {\"name\": \"prices\", \"type\": \"list\", \"items\": \"money\"},"
    " {\"name\": \"times\", \"type\": \"list\", \"items\": \"time\"}, {\"name\": \"bare\", \"type\": \"list\"}]}";

static void
said_check(const struct said *said)
{
    REQUIRE(said->exit_code != 0 && said->text[0] != '\0' && memchr(said->text, '\0', sizeof said->text) != NULL);
}

static void
value_check(const json_t *value)
{
    struct qiao_bytes first, second;
    struct qiao_map *map = value_map(value);
    if (map == NULL) {
        return;
    }
    REQUIRE(qiao_map_bytes(map, &first));
    json_t *back = value_json(first);
    REQUIRE(back != NULL);
    struct qiao_map *again = value_map(back);
    REQUIRE(again != NULL && qiao_map_bytes(again, &second));
    REQUIRE(first.n == second.n && memcmp(first.p, second.p, first.n) == 0);
    json_decref(back);
    qiao_map_free(again);
    qiao_map_free(map);
}

/* The document alone, without types and with lines. */
static void
document_fuzz(const char *name, const char *text, size_t n)
{
    struct said said = {"", 0};
    struct document *document = document_parse(name, text, n, &said);
    if (document == NULL) {
        said_check(&said);
        return;
    }
    (void)document_line(document, "input.replicates[2].batch");
    (void)document_text(document, "service");
    json_t *value = document_json(document, NULL, "", &said);
    if (value == NULL) {
        said_check(&said);
    } else {
        value_check(value);
    }
    json_decref(value);
    document_free(document);
}

/* A body from a file would read this machine's files. */
static bool
names_a_file(const struct document *document, char *const *words, size_t count)
{
    bool found = document_text(document, "body_file") != NULL;
    for (size_t i = 0; i < count; i++) {
        found = found || strstr(words[i], "body_file") != NULL;
    }
    return found;
}

static void
form_fuzz(const char *text, size_t n, char *const *words, size_t count)
{
    static json_t *service;
    struct form form = {0};
    struct said said = {"", 0};
    struct args args = {0};
    char wrong[256];
    size_t used, read;
    const struct command *command = command_find((char *const[]){"submit"}, 1, &used);
    if (service == NULL) {
        service = json_loads(service_text, 0, NULL);
    }
    REQUIRE(command != NULL && service != NULL);
    form.document = document_parse("fuzz.yaml", text, n, &said);
    if (form.document != NULL && !names_a_file(form.document, words, count) &&
        args_parse(&args, command, words, count, NOW_US, &read, wrong, sizeof wrong)) {
        (void)form_service(&form, &args);
        if (!form_fill(&form, service, &args, NOW_US, &said)) {
            said_check(&said);
        }
    }
    form_fini(&form);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    char *words[2 * OPTIONS_MAX];
    size_t count = 0;
    if (n > TEXT_BYTES_MAX) {
        return 0;
    }
    char *text = malloc(n + 1); /* readers of files end their text with a NUL */
    REQUIRE(text != NULL);
    memcpy(text, p, n);
    text[n] = '\0';
    size_t length = strlen(text);
    for (size_t at = length + 1; at < n && count < 2 * OPTIONS_MAX; at += strlen(text + at) + 1) {
        bool demand = text[at] == '>';
        words[count++] = demand ? "--require" : "--set";
        words[count++] = text + at + demand;
    }
    document_fuzz("fuzz.yaml", text, length);
    document_fuzz("fuzz.json", text, length);
    form_fuzz(text, length, words, count);
    free(text);
    return 0;
}
