/* The commands about this program: help, man, completion, version. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"
#include "table.h"

static const struct text document_help = {
    "A request document is YAML or JSON. `qiao template SERVICE` prints one to fill in.\n\n"
    "  service: testing.release          which service (qiao service list)\n"
    "  key: batch-B7                     your own key: the same key and content give the same request\n"
    "  priority: urgent                  routine, urgent, asap, stat\n"
    "  subject: Batch B7                 product, batch or sample\n"
    "  input:                            the service's fields (qiao service show SERVICE)\n"
    "    batch: B7\n"
    "  body: |                           text; a map or a list is sent as JSON\n"
    "  body_file: results.json           or a file, relative to the document\n"
    "  require:                          hard constraints: [attribute, op, value]; ops eq ne in ge le has near\n"
    "    - [accreditation, has, CNAS]\n"
    "  performer: biolab                 this provider, and otherwise:\n"
    "  fallback: any                     none (default) or any\n"
    "  prefer: [biolab]                  in order\n"
    "  exclude: [otherlab]\n"
    "  not_before: 2026-12-01            times are RFC 3339, a date, or +2h from now\n"
    "  complete_by: +14d\n"
    "  location: [39.8, 116.5]           where you are, for the policy nearest\n"
    "  cost: 5                           declared cost, for the fair share\n"
    "  note: handle with care\n"
    "  based_on: order-4711\n"
    "  traceparent: 00-...\n\n"
    "A value has the type of its field: 97.90 stays exactly that where a decimal belongs; money is written 1250.00 CNY.\n"
    "Bytes inside a map are written {\"$bin\": \"base64\"}.\n",
    "请求文档为 YAML 或 JSON。qiao template 服务 可输出待填写的模板。\n\n"
    "  service: testing.release          服务(qiao service list)\n"
    "  key: batch-B7                     自定键:相同的键和内容得到同一请求\n"
    "  priority: urgent                  routine、urgent、asap、stat\n"
    "  subject: Batch B7                 产品、批次或样品\n"
    "  input:                            服务字段(qiao service show 服务)\n"
    "    batch: B7\n"
    "  body: |                           文本;映射或列表按 JSON 发送\n"
    "  body_file: results.json           或文件,相对于文档所在目录\n"
    "  require:                          硬性条件 [属性, 运算, 值];运算 eq ne in ge le has near\n"
    "    - [accreditation, has, CNAS]\n"
    "  performer: biolab                 指定服务方,否则:\n"
    "  fallback: any                     none(默认)或 any\n"
    "  prefer: [biolab]                  按顺序优先\n"
    "  exclude: [otherlab]               排除\n"
    "  not_before: 2026-12-01            时间为 RFC 3339、日期或 +2h\n"
    "  complete_by: +14d\n"
    "  location: [39.8, 116.5]           所在位置,用于就近策略\n"
    "  cost: 5                           申报成本,用于公平份额\n"
    "  note: 小心轻放\n"
    "  based_on: order-4711\n"
    "  traceparent: 00-...\n\n"
    "值按字段类型解释:小数字段 97.90 原样保留;金额写作 1250.00 CNY。二进制写作 {\"$bin\": \"base64\"}。\n"
};

static void
print_exits(const struct cli *cli)
{
    for (const struct exit_row *row = exit_rows; row->help.en; row++) {
        printf("%5d  ", row->code);
        text_wrap(stdout, text_in(&row->help, cli->lang), 7, cli->width);
    }
}

/* The command of these words; NULL after an error. */
static const struct command *
command_of(struct cli *cli, const struct args *args)
{
    size_t used = 0;
    const struct command *command = command_find((char *const *)(uintptr_t)args->words, args->word_count, &used);
    if (command && used == args->word_count)
        return command;
    cli_error(cli, EXIT_USAGE, "unknown command '%s%s%s'", args->words[0], args->word_count > 1 ? " " : "",
              args->word_count > 1 ? args->words[1] : "");
    return NULL;
}

int
run_help(struct cli *cli, const struct args *args)
{
    const char *word = args_word(args, 0);
    if (args_flag(args, "markdown"))
        help_print_markdown(stdout, cli->lang);
    else if (!word)
        help_print_all(stdout, cli->lang, cli->width);
    else if (strcmp(word, "exit-codes") == 0)
        print_exits(cli);
    else if (strcmp(word, "document") == 0)
        fputs(text_in(&document_help, cli->lang), stdout);
    else if (args->word_count > 1 || !help_print_family(stdout, word, cli->lang, cli->width)) {
        const struct command *command = command_of(cli, args);
        if (!command)
            return EXIT_USAGE;
        help_print(stdout, command, cli->lang, cli->width);
    }
    return EXIT_DONE;
}

int
run_completion(struct cli *cli, const struct args *args)
{
    const char *shell = args_word(args, 0);
    if (strcmp(shell, "bash") == 0)
        completion_print_bash(stdout);
    else if (strcmp(shell, "zsh") == 0)
        completion_print_zsh(stdout);
    else
        return cli_error(cli, EXIT_USAGE, "no completion for '%s': bash or zsh", shell);
    return EXIT_DONE;
}

static int
write_page(struct cli *cli, const char *directory, const struct command *command)
{
    char path[1024];
    int n = snprintf(path, sizeof path, "%s/qiao%s%s", directory, command ? "-" : "", command ? command->name : "");
    for (char *p = path + strlen(directory); *p; p++)
        if (*p == ' ')
            *p = '-';
    snprintf(path + n, sizeof path - (size_t)n, ".1");
    FILE *out = fopen(path, "w");
    if (!out)
        return cli_error(cli, EXIT_CANNOT_CREATE, "%s: %s", path, strerror(errno));
    man_print(out, command, cli->lang, QIAO_VERSION);
    return fclose(out) == 0 ? EXIT_DONE : cli_error(cli, EXIT_CANNOT_CREATE, "%s: %s", path, strerror(errno));
}

int
run_man(struct cli *cli, const struct args *args)
{
    const char *directory = args_text(args, "directory");
    if (directory) {
        if (strlen(directory) > 900 || (mkdir(directory, 0777) != 0 && errno != EEXIST))
            return cli_error(cli, EXIT_CANNOT_CREATE, "%s: %s", directory, strerror(errno));
        int code = write_page(cli, directory, NULL);
        for (const struct command_group *group = command_groups; group->commands; group++)
            for (const struct command *command = group->commands; command->name && code == EXIT_DONE; command++)
                code = write_page(cli, directory, command);
        return code;
    }
    const struct command *command = args->word_count ? command_of(cli, args) : NULL;
    if (args->word_count && !command)
        return EXIT_USAGE;
    man_print(stdout, command, cli->lang, QIAO_VERSION);
    return EXIT_DONE;
}

int
run_version(struct cli *cli, const struct args *args)
{
    (void)args;
    printf(cli->json ? "{\"version\": \"%s\"}\n" : "qiao %s\n", QIAO_VERSION);
    return EXIT_DONE;
}
