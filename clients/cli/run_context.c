/* The commands about keys and contexts. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "print.h"
#include "table.h"

static const struct column columns_context[] = {
    { "name", { "NAME", "名称" }, COLUMN_TEXT, false },
    { "current", { "CURRENT", "当前" }, COLUMN_YES, false },
    { "endpoint", { "ENDPOINT", "地址" }, COLUMN_TEXT, false },
    { "party", { "PARTY", "机构" }, COLUMN_TEXT, false },
    { "member", { "MEMBER", "成员" }, COLUMN_TEXT, false },
    { "security", { "SECURITY", "安全" }, COLUMN_TEXT, false },
    { "error", { "ERROR", "错误" }, COLUMN_TEXT, false },
    { 0 },
};

static int
context_error(struct cli *cli, enum qiao_status status, const struct qiao_context_error *error)
{
    if (status == QIAO_CONTEXT || (*error->text && status >= QIAO_TIMEOUT))
        return cli_line(cli, status == QIAO_CONTEXT ? EXIT_CONFIG : EXIT_UNREACHABLE, *error->text ? error->text : qiao_status_text(status));
    return cli_status(cli, status);
}

int
run_context_list(struct cli *cli, const struct args *args)
{
    (void)args;
    struct qiao_context_list list;
    enum qiao_status status = qiao_context_list(&list);
    if (status != QIAO_OK)
        return cli_status(cli, status);
    char current[1024] = "";
    bool any = qiao_context_current(current, sizeof current);
    json_t *rows = json_array();
    for (size_t i = 0; i < list.count; i++) {
        struct qiao_context context;
        struct qiao_context_error error = { "", 0 };
        json_t *row = json_pack("{s:s,s:b}", "name", list.names[i], "current", any && strcmp(current, list.names[i]) == 0);
        if (qiao_context_load(list.names[i], &context, &error) == QIAO_OK) {
            json_set_text(row, "endpoint", context.endpoint);
            json_set_text(row, "party", context.party);
            json_set_text(row, "member", context.member);
            json_set_text(row, "security", *context.server_key ? "curve" : "plain");
        } else {
            json_set_text(row, "error", error.text);
        }
        json_array_append_new(rows, row);
    }
    print_rows(cli, columns_context, rows);
    if (!list.count)
        cli_note(cli, "no contexts; import an invitation: qiao context import FILE");
    json_decref(rows);
    qiao_context_list_free(&list);
    return EXIT_DONE;
}

int
run_context_use(struct cli *cli, const struct args *args)
{
    struct qiao_context_error error = { "", 0 };
    enum qiao_status status = qiao_context_use(args_word(args, 0), &error);
    return status == QIAO_OK ? EXIT_DONE : context_error(cli, status, &error);
}

/* A path is told from a name by its slash. */
static const char *
as_path(const char *file, char *path, size_t size)
{
    if (strchr(file, '/'))
        return file;
    snprintf(path, size, "./%s", file);
    return path;
}

int
run_context_import(struct cli *cli, const struct args *args)
{
    char path[1024], name[QIAO_CONTEXT_NAME_BYTES + 1];
    struct qiao_context context;
    struct qiao_context_error error = { "", 0 };
    const char *file = as_path(args_word(args, 0), path, sizeof path), *wanted = args_text(args, "name"), *member = args_text(args, "member");
    if (access(file, R_OK) != 0)
        return cli_error(cli, EXIT_NO_INPUT, "%s: %s", file, strerror(errno));
    enum qiao_status status = qiao_context_load(file, &context, &error);
    if (status != QIAO_OK)
        return context_error(cli, status, &error);
    if (snprintf(name, sizeof name, "%s", wanted ? wanted : context.party) >= (int)sizeof name || !*name)
        return cli_error(cli, EXIT_USAGE, "give the context a name of at most %d characters: --name NAME", QIAO_CONTEXT_NAME_BYTES);
    bool invitation = context.invitation;
    if (!member)
        member = *context.member ? context.member : "member";
    if (invitation) {
        char invited[sizeof path];
        snprintf(invited, sizeof invited, "%s", file);
        status = qiao_context_import(invited, name, member, cli->timeout_us, &context, &error);
    } else {
        status = qiao_context_save(name, &context, false, &error);
    }
    if (status != QIAO_OK)
        return context_error(cli, status, &error);
    char current[1024];
    if ((args_flag(args, "use") || !qiao_context_current(current, sizeof current)) && (status = qiao_context_use(name, &error)) != QIAO_OK)
        return context_error(cli, status, &error);
    json_t *row = json_pack("{s:s,s:s,s:s,s:s}", "name", name, "endpoint", context.endpoint, "party", context.party, "member",
                            invitation ? member : context.member);
    print_object(cli, columns_context, row);
    json_decref(row);
    return EXIT_DONE;
}

int
run_keygen(struct cli *cli, const struct args *args)
{
    const char *file = args_text(args, "output");
    char public[QIAO_Z85_CHARS + 1], secret[QIAO_Z85_CHARS + 1];
    file = file ? file : "qiao.key";
    int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!out) {
        int code = cli_error(cli, EXIT_CANNOT_CREATE, "%s: %s", file, strerror(errno));
        if (fd >= 0)
            close(fd);
        return code;
    }
    qiao_keypair(public, secret);
    fprintf(out, "public_key = %s\nsecret_key = %s\n", public, secret);
    explicit_bzero(secret, sizeof secret);
    if (fclose(out) != 0) {
        unlink(file);
        return cli_error(cli, EXIT_CANNOT_CREATE, "%s: %s", file, strerror(errno));
    }
    if (cli->json) {
        json_t *row = json_pack("{s:s,s:s}", "public_key", public, "file", file);
        print_json(cli, row);
        json_decref(row);
    } else {
        printf("%s\n", public);
        cli_note(cli, "the pair is in %s; keep it to yourself", file);
    }
    return EXIT_DONE;
}
