/* Help on the terminal and the README's table, made from the table of commands. */
#include "command.h"

#include <stdio.h>
#include <string.h>

static const struct text title_usage = { "Usage", "用法" };
static const struct text title_arguments = { "Arguments", "参数" };
static const struct text title_options = { "Options", "选项" };
static const struct text title_common = { "Options of every command", "通用选项" };
static const struct text title_exits = { "Exit codes of its own", "专有退出码" };
static const struct text title_examples = { "Examples", "示例" };

void
usage_line(const struct command *command, char *line, size_t size)
{
    size_t n = (size_t)snprintf(line, size, "qiao %s%s", command->name, command->options || command->verbatim ? " [OPTION]..." : "");
    for (const struct argument *a = command->arguments; a && a->name && n < size; a++)
        n += (size_t)snprintf(line + n, size - n, a->optional ? " [%s]%s" : " %s%s", a->name, a->many ? "..." : "");
}

/* What it does and, where the left side does not show them, the words that it takes. */
static void
option_right(const struct option *option, enum lang lang, char *right, size_t size)
{
    size_t n = (size_t)snprintf(right, size, "%s", text_in(&option->help, lang));
    if (!option->choices || !option->value || n >= size)
        return;
    n += (size_t)snprintf(right + n, size - n, lang == LANG_ZH ? ";取值:" : "; one of: ");
    for (const char *p = option->choices; *p && n + 3 < size; p++)
        if (*p == '|') {
            right[n++] = ',';
            right[n++] = ' ';
        } else {
            right[n++] = *p;
        }
    right[n] = '\0';
}

/* "-k, --key KEY" */
static void
option_left(const struct option *option, char *left, size_t size)
{
    char letter[8] = "    ";
    if (option->letter)
        snprintf(letter, sizeof letter, "-%c, ", option->letter);
    const char *value = option->kind == OPTION_FLAG ? "" : option->value ? option->value : option->choices ? option->choices : "VALUE";
    snprintf(left, size, "%s--%s%s%s", letter, option->name, *value ? " " : "", value);
}

static void
print_pair(FILE *out, const char *left, const char *right, size_t column, size_t width)
{
    size_t used = 2 + text_width(left);
    fprintf(out, "  %s", left);
    if (used + 2 > column)
        fprintf(out, "\n%*s", (int)column, "");
    else
        fprintf(out, "%*s", (int)(column - used), "");
    text_wrap(out, right, column, width);
}

static void
print_options(FILE *out, const struct option *options, enum lang lang, size_t width)
{
    char left[128], right[512];
    for (const struct option *o = options; o->name; o++) {
        option_left(o, left, sizeof left);
        option_right(o, lang, right, sizeof right);
        print_pair(out, left, right, 30, width);
    }
}

static const char *
exit_text(int code, enum lang lang)
{
    for (const struct exit_row *row = exit_rows; row->help.en; row++)
        if (row->code == code)
            return text_in(&row->help, lang);
    return "";
}

void
help_print(FILE *out, const struct command *command, enum lang lang, size_t width)
{
    char line[256];
    usage_line(command, line, sizeof line);
    fprintf(out, "%s\n\n%s: %s\n", text_in(&command->summary, lang), text_in(&title_usage, lang), line);
    if (command->about.en) {
        fputc('\n', out);
        text_wrap(out, text_in(&command->about, lang), 0, width);
    }
    if (command->arguments) {
        fprintf(out, "\n%s:\n", text_in(&title_arguments, lang));
        for (const struct argument *a = command->arguments; a->name; a++)
            print_pair(out, a->name, text_in(&a->help, lang), 30, width);
    }
    if (command->options) {
        fprintf(out, "\n%s:\n", text_in(&title_options, lang));
        print_options(out, command->options, lang, width);
    }
    if (!command->verbatim) {
        fprintf(out, "\n%s:\n", text_in(&title_common, lang));
        print_options(out, common_options, lang, width);
    }
    if (command->exits) {
        fprintf(out, "\n%s:\n", text_in(&title_exits, lang));
        for (const int *code = command->exits; *code; code++) {
            snprintf(line, sizeof line, "%d", *code);
            print_pair(out, line, exit_text(*code, lang), 8, width);
        }
    }
    if (command->examples) {
        fprintf(out, "\n%s:\n", text_in(&title_examples, lang));
        for (const struct example *e = command->examples; e->line; e++) {
            fprintf(out, "  # ");
            text_wrap(out, text_in(&e->says, lang), 4, width);
            fprintf(out, "  %s\n", e->line);
        }
    }
}

void
help_print_all(FILE *out, enum lang lang, size_t width)
{
    fprintf(out, lang == LANG_ZH ? "qiao:提交、查看、执行和值守服务请求。\n\n用法: qiao [选项]... 命令 [参数]...\n"
                                 : "qiao: submit, follow, perform and watch over service requests.\n\nUsage: qiao [OPTION]... COMMAND [ARGUMENT]...\n");
    for (const struct command_group *group = command_groups; group->commands; group++) {
        fprintf(out, "\n%s:\n", text_in(&group->title, lang));
        for (const struct command *command = group->commands; command->name; command++)
            print_pair(out, command->name, text_in(&command->summary, lang), 22, width);
    }
    fprintf(out, "\n%s:\n", text_in(&title_common, lang));
    print_options(out, common_options, lang, width);
    fprintf(out, lang == LANG_ZH ? "\n命令的帮助: qiao help 命令。退出码: qiao help exit-codes。文档格式: qiao help document。\n"
                                 : "\nMore on one: qiao help COMMAND. Exit codes: qiao help exit-codes. Documents: qiao help document.\n");
}

bool
help_print_family(FILE *out, const char *word, enum lang lang, size_t width)
{
    size_t n = strlen(word);
    bool any = false;
    for (const struct command_group *group = command_groups; group->commands; group++)
        for (const struct command *command = group->commands; command->name; command++)
            if (strncmp(command->name, word, n) == 0 && command->name[n] == ' ') {
                if (!any)
                    fprintf(out, "%s: qiao %s ...\n\n", text_in(&title_usage, lang), word);
                any = true;
                print_pair(out, command->name, text_in(&command->summary, lang), 22, width);
            }
    return any;
}

/* A bar would end the cell. */
static void
print_cell(FILE *out, const char *p)
{
    for (; *p; p++) {
        if (*p == '|')
            fputc('\\', out);
        fputc(*p, out);
    }
}

void
help_print_markdown(FILE *out, enum lang lang)
{
    for (const struct command_group *group = command_groups; group->commands; group++) {
        fprintf(out, "| %s | |\n| --- | --- |\n", text_in(&group->title, lang));
        for (const struct command *command = group->commands; command->name; command++) {
            char line[256];
            usage_line(command, line, sizeof line);
            fputs("| `", out);
            print_cell(out, line);
            fputs("` | ", out);
            print_cell(out, text_in(&command->summary, lang));
            fputs(" |\n", out);
        }
        fputc('\n', out);
    }
}
