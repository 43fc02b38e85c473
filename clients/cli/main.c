/*
 * qiao: the command line for requesters, providers and operators.
 *
 * Finds the command in the table, parses the rest by its row, and calls its function.
 */
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "alike.h"
#include "cli.h"

static size_t
terminal_width(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40)
        return size.ws_col < 120 ? size.ws_col : 120;
    return 80;
}

/* What the common options say; words before the command and behind it count alike. */
static void
settings(struct cli *cli, const struct args *args)
{
    const char *lang = args_text(args, "lang"), *no_colour = getenv("NO_COLOR");
    if (lang)
        (void)lang_parse(lang, &cli->lang);
    cli->json = cli->json || args_flag(args, "json");
    cli->quiet = cli->quiet || args_flag(args, "quiet");
    cli->utc = cli->utc || args_flag(args, "utc");
    cli->timeout_us = args_number(args, "timeout", cli->timeout_us);
    if (args_text(args, "context"))
        cli->context = args_text(args, "context");
    if (args_flag(args, "no-color") || (no_colour && *no_colour) || cli->json)
        cli->colour = false;
}

static int
usage_error(struct cli *cli, const struct command *command, const char *said)
{
    char line[256];
    cli_line(cli, EXIT_USAGE, said);
    if (cli->json)
        return EXIT_USAGE;
    if (command)
        usage_line(command, line, sizeof line);
    fprintf(stderr, "%s: %s\n", cli->lang == LANG_ZH ? "用法" : "usage", command ? line : "qiao [OPTION]... COMMAND [ARGUMENT]...");
    fprintf(stderr, cli->lang == LANG_ZH ? "帮助: qiao help%s%s\n" : "help: qiao help%s%s\n", command ? " " : "", command ? command->name : "");
    return EXIT_USAGE;
}

/* Words that are no command: which one was probably meant, and when the first names a family, what is in it. */
static int
unknown_command(struct cli *cli, char *const *words, size_t count, bool asked)
{
    char said[512];
    const char *alike = command_alike(words, count);
    bool family = command_is_family(words[0]);
    if (family && (asked || count == 1)) {
        help_print_family(asked ? stdout : stderr, words[0], cli->lang, cli->width);
        return asked ? EXIT_DONE : EXIT_USAGE;
    }
    snprintf(said, sizeof said, "unknown command '%s%s%s'", words[0], family ? " " : "", family ? words[1] : "");
    if (cli->json || (!family && !alike))
        return usage_error(cli, NULL, said);
    cli_line(cli, EXIT_USAGE, said);
    if (alike)
        fprintf(stderr, cli->lang == LANG_ZH ? "您是否想用: qiao %s\n" : "did you mean: qiao %s\n", alike);
    if (family)
        help_print_family(stderr, words[0], cli->lang, cli->width);
    else
        fprintf(stderr, cli->lang == LANG_ZH ? "帮助: qiao help\n" : "help: qiao help\n");
    return EXIT_USAGE;
}

static int
run(struct cli *cli, int argc, char **argv)
{
    static struct args before, args;
    char said[512];
    size_t used = 0, named = 0;
    char **words = argv + 1;
    size_t count = (size_t)argc - 1;
    if (count == 1 && (strcmp(words[0], "--version") == 0 || strcmp(words[0], "-V") == 0)) {
        puts("qiao " QIAO_VERSION);
        return EXIT_DONE;
    }
    if (!args_parse(&before, NULL, words, count, cli_now_us(), &used, said, sizeof said))
        return usage_error(cli, NULL, said);
    settings(cli, &before);
    words += used;
    count -= used;
    if (count == 0) {
        help_print_all(args_flag(&before, "help") ? stdout : stderr, cli->lang, cli->width);
        return args_flag(&before, "help") ? EXIT_DONE : EXIT_USAGE;
    }
    const struct command *command = command_find(words, count, &named);
    if (!command)
        return unknown_command(cli, words, count,
                               args_flag(&before, "help") || (count == 2 && (strcmp(words[1], "--help") == 0 || strcmp(words[1], "-h") == 0)));
    if (command->verbatim && !(count > named && (strcmp(words[named], "--help") == 0 || strcmp(words[named], "-h") == 0))) {
        if (cli->context)
            setenv("QIAO_CONTEXT", cli->context, 1);
        return command->raw((int)(count - named) + 1, words + named - 1);
    }
    if (!args_parse(&args, command, words + named, count - named, cli_now_us(), NULL, said, sizeof said) && !command->verbatim)
        return usage_error(cli, command, said);
    settings(cli, &args);
    if (args_flag(&before, "help") || args_flag(&args, "help") || command->verbatim) {
        help_print(stdout, command, cli->lang, cli->width);
        return EXIT_DONE;
    }
    return command->run(cli, &args);
}

int
main(int argc, char **argv)
{
    setlocale(LC_ALL, "");
    setlocale(LC_NUMERIC, "C");
    signal(SIGPIPE, SIG_IGN);
    const char *term = getenv("TERM");
    bool plain = term && strcmp(term, "dumb") == 0;
    struct cli cli = { .lang = lang_of_environment(), .out_tty = isatty(STDOUT_FILENO), .err_tty = isatty(STDERR_FILENO) && !plain,
                       .width = terminal_width(), .timeout_us = QIAO_SECONDS(10) };
    cli.colour = cli.out_tty && !plain;
    int code = run(&cli, argc, argv);
    if (cli.client)
        qiao_client_close(&cli.client, QIAO_SECONDS(1));
    return cli_output_end(&cli, code);
}
