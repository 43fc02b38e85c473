/* Shared by the tests of the workers: see support.h. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *
with_quotes(const char *text)
{
    char *copy = strdup(text);
    for (char *at = copy; *at; at++)
        if (*at == '\'')
            *at = '"';
    return copy;
}

void
support_run(job_compute *compute, void *site, const char *service, const char *input, const char *body, size_t body_bytes, struct answer *answer)
{
    json_error_t error;
    char *quoted = with_quotes(input);
    json_t *map = json_loads(quoted, 0, &error);
    if (!map)
        fail_msg("input is no JSON: %s, column %d", error.text, error.column);
    struct job job = {.service = service, .reference = "0EXAMPLE00001", .input = map, .body = body, .body_bytes = body_bytes, .now_us = SUPPORT_NOW_US,
                      .party = "lab-1", .member = "analyst"};
    memset(answer, 0, sizeof *answer);
    compute(&job, site, answer);
    json_decref(map);
    free(quoted);
}

void
support_run_json(job_compute *compute, void *site, const char *service, const char *input, const char *body, struct answer *answer)
{
    char *quoted = with_quotes(body ? body : "");
    support_run(compute, site, service, input, quoted, strlen(quoted), answer);
    free(quoted);
}

void
support_refused(const struct answer *answer, enum fault_kind kind, const char *path)
{
    assert_int_equal(answer->kind, ANSWER_REFUSED);
    assert_string_equal(answer->fault.path, path);
    assert_int_equal(answer->fault.kind, kind);
    assert_non_null(strstr(answer->fault.message, path));
}

const char *
support_text(const struct answer *answer, const char *name)
{
    const char *text = json_string_value(json_object_get(answer->output, name));
    if (!text)
        fail_msg("output has no text %s", name);
    return text;
}

long long
support_integer(const struct answer *answer, const char *name)
{
    const json_t *value = json_object_get(answer->output, name);
    if (!json_is_integer(value))
        fail_msg("output has no integer %s", name);
    return json_integer_value(value);
}

double
support_number(const struct answer *answer, const char *name)
{
    const json_t *value = json_object_get(answer->output, name);
    if (!json_is_number(value))
        fail_msg("output has no number %s", name);
    return json_number_value(value);
}

char *
support_file(const char *name, size_t *out_bytes)
{
    char path[1024];
    const char *directory = getenv("QIAO_WORKERS_DATA");
    snprintf(path, sizeof path, "%s/%s", directory ? directory : "data", name);
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("%s cannot be opened", path);
    char *bytes = calloc(1, INPUT_BODY_BYTES_MAX + 1);
    *out_bytes = fread(bytes, 1, INPUT_BODY_BYTES_MAX, file);
    fclose(file);
    return bytes;
}

void
support_golden(const struct answer *answer, const char *document, const char *file)
{
    size_t size;
    const char *text = json_string_value(json_object_get(json_object_get(answer->body, "documents"), document));
    assert_non_null(text);
    if (getenv("QIAO_GOLDEN_WRITE")) { /* accept the new output after looking at it */
        char path[1024];
        snprintf(path, sizeof path, "%s/%s", getenv("QIAO_WORKERS_DATA"), file);
        FILE *out = fopen(path, "wb");
        assert_non_null(out);
        fputs(text, out);
        fclose(out);
        return;
    }
    char *golden = support_file(file, &size);
    assert_string_equal(text, golden);
    free(golden);
}
