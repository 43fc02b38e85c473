/* Manual pages, made from the table of commands: qiao(1) and one page per command. */
#include "command.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/*
 * Text in which roff must find no command: backslashes, hyphens, and a dot or quote at the start of a line. Between Chinese
 * characters a line may be broken.
 */
static void
roff(FILE *out, const char *p)
{
    bool start = true;
    uint32_t code;
    for (size_t n; (n = text_next(p, &code)) != 0; p += n) {
        if (start && (*p == '.' || *p == '\''))
            fputs("\\&", out);
        start = *p == '\n';
        if (*p == '\\')
            fputs("\\e", out);
        else if (*p == '-')
            fputs("\\-", out);
        else
            fwrite(p, 1, n, out);
        /* But not before a closing mark. */
        uint32_t after = 0;
        (void)text_next(p + n, &after);
        if (code >= 0x2e80 && after != 0x3002 && after != 0xff0c && after != 0x3001 && after != 0xff1b && after != 0xff09 && after != 0xff1a)
            fputs("\\:", out);
    }
}

static void
roff_line(FILE *out, const char *p)
{
    roff(out, p);
    fputc('\n', out);
}

/* Each line of a text as a paragraph of its own. */
static void
paragraphs(FILE *out, const char *p)
{
    char line[2048];
    while (*p) {
        size_t n = strcspn(p, "\n");
        snprintf(line, sizeof line, "%.*s", (int)n, p);
        fputs(".PP\n", out);
        roff_line(out, line);
        p += n + (p[n] == '\n');
    }
}

static void
section(FILE *out, const struct text *title, enum lang lang)
{
    fprintf(out, ".SH \"%s\"\n", text_in(title, lang));
}

static void
options(FILE *out, const struct option *list, enum lang lang)
{
    for (const struct option *o = list; o->name; o++) {
        fputs(".TP\n", out);
        if (o->letter)
            fprintf(out, "\\fB\\-%c\\fR, ", o->letter);
        fputs("\\fB\\-\\-", out);
        roff(out, o->name);
        fputs("\\fR", out);
        if (o->kind != OPTION_FLAG) {
            fputs(" \\fI", out);
            roff(out, o->value ? o->value : o->choices ? o->choices : "VALUE");
            fputs("\\fR", out);
        }
        fputc('\n', out);
        roff(out, text_in(&o->help, lang));
        if (o->choices && o->value) {
            fputs(lang == LANG_ZH ? ";取值:\n" : "; one of:\n", out);
            for (const char *p = o->choices; *p; p++)
                fputs(*p == '|' ? "\n" : *p == '-' ? "\\-" : (char[]){ *p, '\0' }, out);
        }
        fputc('\n', out);
    }
}

static void
exits(FILE *out, const int *own, enum lang lang)
{
    for (const struct exit_row *row = exit_rows; row->help.en; row++) {
        bool here = own == NULL || row->common || row->code == 0;
        for (const int *code = own; code && *code; code++)
            here = here || *code == row->code;
        if (here) {
            fprintf(out, ".TP\n.B %d\n", row->code);
            roff_line(out, text_in(&row->help, lang));
        }
    }
}

static const struct text name_title = { "NAME", "名称" };
static const struct text synopsis_title = { "SYNOPSIS", "用法" };
static const struct text description_title = { "DESCRIPTION", "描述" };
static const struct text options_title = { "OPTIONS", "选项" };
static const struct text common_title = { "OPTIONS OF EVERY COMMAND", "通用选项" };
static const struct text commands_title = { "COMMANDS", "命令" };
static const struct text exits_title = { "EXIT STATUS", "退出状态" };
static const struct text examples_title = { "EXAMPLES", "示例" };
static const struct text files_title = { "FILES", "文件" };
static const struct text see_title = { "SEE ALSO", "另见" };

static void
page_name(const char *command, char *name, size_t size)
{
    snprintf(name, size, "qiao%s%s", *command ? "-" : "", command);
    for (char *p = name; *p; p++)
        if (*p == ' ')
            *p = '-';
}

static void
heading(FILE *out, const char *command, const struct text *summary, enum lang lang, const char *version)
{
    char name[96];
    page_name(command, name, sizeof name);
    fputs(".TH \"", out);
    for (const char *p = name; *p; p++)
        *p == '-' ? fputs("\\-", out) : fputc(toupper((unsigned char)*p), out);
    fprintf(out, "\" 1 \"\" \"qiao %s\" \"Qiao\"\n.nh\n.ad l\n", version);
    section(out, &name_title, lang);
    roff(out, name);
    fputs(" \\- ", out);
    roff_line(out, text_in(summary, lang));
}

static void
page_of_all(FILE *out, enum lang lang, const char *version)
{
    static const struct text summary = { "submit, follow, perform and watch over service requests", "提交、查看、执行和值守服务请求" };
    static const struct text about = {
        "Qiao is a durable service-request broker: enterprises submit requests, the broker routes them to providers, workers and desks "
        "perform them, operators watch the queues. This program is the command line for all of them.",
        "Qiao(桥)是可靠的服务请求代理:企业提交请求,代理将其分派给服务平台,由程序或人员执行,运营方值守队列。本程序是各方共用的命令行。"
    };
    heading(out, "", &summary, lang, version);
    section(out, &synopsis_title, lang);
    fputs(".B qiao\n[\\fIOPTION\\fR]... \\fICOMMAND\\fR [\\fIARGUMENT\\fR]...\n", out);
    section(out, &description_title, lang);
    roff_line(out, text_in(&about, lang));
    section(out, &commands_title, lang);
    for (const struct command_group *group = command_groups; group->commands; group++) {
        fprintf(out, ".SS \"%s\"\n", text_in(&group->title, lang));
        for (const struct command *command = group->commands; command->name; command++) {
            char name[96];
            page_name(command->name, name, sizeof name);
            fputs(".TP\n.BR ", out);
            roff(out, name);
            fputs(" (1)\n", out);
            roff_line(out, text_in(&command->summary, lang));
        }
    }
    section(out, &options_title, lang);
    options(out, common_options, lang);
    section(out, &exits_title, lang);
    exits(out, NULL, lang);
    section(out, &files_title, lang);
    fputs(".TP\n.I ~/.config/qiao/contexts/NAME\n", out);
    roff_line(out, lang == LANG_ZH ? "一个代理和一把密钥;权限须为 0600。QIAO_CONFIG_DIR 和 QIAO_CONTEXT 可另行指定。"
                                   : "One broker and one key; its mode must be 0600. QIAO_CONFIG_DIR and QIAO_CONTEXT name others.");
}

static void
page_of_one(FILE *out, const struct command *command, enum lang lang, const char *version)
{
    char line[256];
    heading(out, command->name, &command->summary, lang, version);
    section(out, &synopsis_title, lang);
    usage_line(command, line, sizeof line);
    fputs(".B ", out);
    roff_line(out, line);
    section(out, &description_title, lang);
    paragraphs(out, text_in(command->about.en ? &command->about : &command->summary, lang));
    for (const struct argument *a = command->arguments; a && a->name; a++) {
        fputs(".TP\n.I ", out);
        roff_line(out, a->name);
        roff_line(out, text_in(&a->help, lang));
    }
    if (command->options) {
        section(out, &options_title, lang);
        options(out, command->options, lang);
    }
    if (!command->verbatim) {
        section(out, &common_title, lang);
        options(out, common_options, lang);
    }
    static const int none[] = { 0 };
    section(out, &exits_title, lang);
    exits(out, command->exits ? command->exits : none, lang);
    if (command->examples) {
        section(out, &examples_title, lang);
        for (const struct example *e = command->examples; e->line; e++) {
            fputs(".PP\n", out);
            roff_line(out, text_in(&e->says, lang));
            fputs(".PP\n.nf\n.RS 4\n", out);
            roff_line(out, e->line);
            fputs(".RE\n.fi\n", out);
        }
    }
    section(out, &see_title, lang);
    fputs(".BR qiao (1)\n", out);
}

void
man_print(FILE *out, const struct command *command, enum lang lang, const char *version)
{
    if (command)
        page_of_one(out, command, lang, version);
    else
        page_of_all(out, lang, version);
}
