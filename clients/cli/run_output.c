/* output: what a finished request brought, on standard output or as files. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "print.h"
#include "request.h"
#include "rows.h"
#include "table.h"
#include "value.h"

/* A name from somebody else's document: one plain file name, not hidden, nothing that a shell or a terminal would mind. */
static bool
name_is_safe(const char *name)
{
    size_t n = strlen(name);
    if (n == 0 || n > 128 || name[0] == '.' || name[0] == '-')
        return false;
    for (const unsigned char *p = (const unsigned char *)name; *p; p++)
        if (*p < 0x20 || *p == 0x7f || strchr("/\\:*?\"<>|", *p))
            return false;
    return true;
}

static int
write_file(struct cli *cli, const char *directory, const char *name, const void *p, size_t n)
{
    char path[1024];
    if (snprintf(path, sizeof path, "%s/%s", directory, name) >= (int)sizeof path)
        return cli_error(cli, EXIT_CANNOT_CREATE, "%s/%s: the name is too long", directory, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
    FILE *out = fd >= 0 ? fdopen(fd, "wb") : NULL;
    bool good = out && fwrite(p, 1, n, out) == n;
    if (out)
        good = fclose(out) == 0 && good;
    else if (fd >= 0)
        close(fd);
    if (!good)
        return cli_error(cli, EXIT_CANNOT_CREATE, "%s: %s", path, strerror(errno));
    if (!cli->json)
        printf("%s\n", path);
    return EXIT_DONE;
}

/* A body that is JSON with {"documents": {file name: text}} is a folder of documents: each is written as a file. */
static int
write_documents(struct cli *cli, const char *directory, const struct qiao_bytes *body, json_t *files)
{
    json_t *json = body->n ? json_loadb(body->p, body->n, 0, NULL) : NULL, *documents = json_object_get(json, "documents"), *text;
    const char *name;
    int code = EXIT_DONE;
    json_object_foreach(documents, name, text) {
        if (!json_is_string(text) || !name_is_safe(name)) {
            cli_note(cli, "left out: a document whose name is not a plain file name");
            continue;
        }
        code = write_file(cli, directory, name, json_string_value(text), json_string_length(text));
        if (code != EXIT_DONE)
            break;
        json_array_append_new(files, json_string(name));
    }
    json_decref(json);
    return code;
}

/* "body.json" when it is JSON, "body.txt" when it is text, else "body.bin"; or what the output's file_name says. */
static const char *
body_name(const struct qiao_bytes *body, const json_t *output)
{
    const char *said = json_string_value(json_object_get(output, "file_name")), *name = "body.txt";
    if (said && name_is_safe(said) && strcmp(said, "output.json") != 0 && strcmp(said, "request.json") != 0)
        return said;
    json_t *json = json_loadb(body->p, body->n, 0, NULL);
    uint32_t code;
    for (size_t i = 0, step; i < body->n && strcmp(name, "body.txt") == 0; i += step) {
        char piece[5] = "";
        memcpy(piece, (const char *)body->p + i, body->n - i < 4 ? body->n - i : 4);
        step = text_next(piece, &code);
        if (step == 0 || code == 0xfffd || (code < 0x20 && code != '\n' && code != '\r' && code != '\t'))
            name = "body.bin";
        step += step == 0;
    }
    name = json ? "body.json" : name;
    json_decref(json);
    return name;
}

static int
write_json(struct cli *cli, const char *directory, const char *name, const json_t *json, json_t *files)
{
    char *text = json_dumps(json, JSON_INDENT(2) | json_real_flags(json));
    int code = write_file(cli, directory, name, text ? text : "", text ? strlen(text) : 0);
    json_array_append_new(files, json_string(name));
    free(text);
    return code;
}

/* The output; the request with who performed and who verified it; the body. */
static int
write_all(struct cli *cli, const char *directory, const struct qiao_page *page)
{
    if (mkdir(directory, 0777) != 0 && errno != EEXIST)
        return cli_error(cli, EXIT_CANNOT_CREATE, "%s: %s", directory, strerror(errno));
    json_t *output = value_json_map(page->requests[0].output), *files = json_array();
    json_t *request = row_request(cli, &page->requests[0]);
    json_object_del(request, "output");
    int code = write_json(cli, directory, "output.json", output, files);
    if (code == EXIT_DONE)
        code = write_json(cli, directory, "request.json", request, files);
    json_decref(request);
    if (code == EXIT_DONE && page->body.n) {
        const char *name = body_name(&page->body, output);
        code = write_file(cli, directory, name, page->body.p, page->body.n);
        json_array_append_new(files, json_string(name));
        if (code == EXIT_DONE)
            code = write_documents(cli, directory, &page->body, files);
    }
    if (cli->json && code == EXIT_DONE) {
        json_t *row = json_pack("{s:s,s:O}", "directory", directory, "files", files);
        print_json(cli, row);
        json_decref(row);
    }
    json_decref(output);
    json_decref(files);
    return code;
}

int
run_output(struct cli *cli, const struct args *args)
{
    qiao_id id;
    struct qiao_page *page = NULL;
    const char *directory = args_text(args, "directory");
    int code = request_begin(cli, args, &id);
    if (code != EXIT_DONE || (code = cli_status(cli, qiao_get(cli->client, id, QIAO_WITH_OUTPUT, cli->timeout_us, &page))) != EXIT_DONE)
        return code;
    if (page->count != 1 || !qiao_task_status_is_final(page->requests[0].status)) {
        code = cli_error(cli, EXIT_CONFLICT, "it is not finished: %s", page->count ? qiao_task_status_name(page->requests[0].status) : "nothing there");
    } else if (directory) {
        code = write_all(cli, directory, page);
    } else if (args_flag(args, "body")) {
        fwrite(page->body.p, 1, page->body.n, stdout);
    } else {
        json_t *output = value_json_map(page->requests[0].output);
        print_json(cli, output);
        json_decref(output);
    }
    qiao_page_free(&page);
    return code;
}
