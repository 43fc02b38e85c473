/* One run of the command line: its broker, its errors, its signals. */
#include "cli.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "notes.h"
#include "print.h"
#include "when.h"
#include "words.h"

int64_t
cli_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* What each result of the library means for whoever called this program. */
static const struct outcome {
    enum qiao_status status;
    int exit_code;
    struct text next;
} outcomes[] = {
    { QIAO_MALFORMED, EXIT_PROTOCOL, { "report this: broker and program do not understand each other", "请报告此问题:代理与本程序无法互通" } },
    { QIAO_UNSUPPORTED, EXIT_PROTOCOL, { "the broker is older than this program; update it", "代理版本较旧,请升级" } },
    { QIAO_FORBIDDEN, EXIT_FORBIDDEN, { "ask the operator for the role or the service (qiao party grant)", "请运营方授予角色或服务(qiao party grant)" } },
    { QIAO_NOT_FOUND, EXIT_NOT_FOUND, { "check the id or the name; qiao list and qiao service list show what there is",
        "请核对编号或名称;qiao list 与 qiao service list 可列出" } },
    { QIAO_CONFLICT, EXIT_CONFLICT, { "see where it is: qiao get ID --trail", "查看现状: qiao get ID --trail" } },
    { QIAO_STALE, EXIT_STALE, { "stop working on it; it was assigned again", "请停止处理;任务已另行分派" } },
    { QIAO_INVALID, EXIT_DATA, { "correct it and try again; qiao service show SERVICE lists the fields", "请更正后重试;qiao service show 列出字段" } },
    { QIAO_TOO_LARGE, EXIT_DATA, { "make it smaller: body at most 64 KiB, input at most 16 KiB, words at most 1 KiB, a key 128 bytes",
        "请缩小:正文不超过 64 KiB,输入不超过 16 KiB,文字不超过 1 KiB,键不超过 128 字节" } },
    { QIAO_QUOTA, EXIT_RETRY_LATER, { "wait until some of your requests are finished, or ask the operator for a larger quota", "请等待已有请求完成,或请运营方提高配额" } },
    { QIAO_RETRY_LATER, EXIT_RETRY_LATER, { "nothing was stored; try again later", "未存储;请稍后重试" } },
    { QIAO_TIMEOUT, EXIT_UNREACHABLE, { "see whether the broker runs; --timeout waits longer", "请确认代理是否运行;--timeout 可延长等待" } },
    { QIAO_UNCERTAIN, EXIT_UNCERTAIN, { "it may have been done: look (qiao list), or submit again with the same --key",
        "可能已生效:请查看(qiao list),或以相同 --key 重新提交" } },
    { QIAO_UNREACHABLE, EXIT_UNREACHABLE, { "see whether the broker runs and the context is right (qiao context list)", "请确认代理运行且连接配置正确(qiao context list)" } },
    { QIAO_CLOSED, EXIT_UNREACHABLE, { "the key may have been revoked; ask the operator", "密钥可能已吊销,请联系运营方" } },
    { QIAO_ARGUMENT, EXIT_DATA, { "a value is out of its bounds", "数值超出范围" } },
    { QIAO_FULL, EXIT_RETRY_LATER, { "try again later", "请稍后重试" } },
    { QIAO_NO_MEMORY, EXIT_SYSTEM, { "free some memory", "请释放内存" } },
    { QIAO_SYSTEM, EXIT_SYSTEM, { "see the system's message", "参见系统信息" } },
    { QIAO_CONTEXT, EXIT_CONFIG, { "import an invitation: qiao context import FILE", "请导入邀请文件: qiao context import FILE" } },
};

static const struct outcome *
outcome_of(enum qiao_status status)
{
    static const struct outcome unknown = { 0, EXIT_INTERNAL, { "report this", "请报告此问题" } };
    for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++)
        if (outcomes[i].status == status)
            return &outcomes[i];
    return &unknown;
}

/* What to do next, where the place that a refusal names knows better than its code. */
static const struct text *
next_of(const struct outcome *outcome, const struct qiao_refusal *refusal)
{
    static const struct hint {
        enum qiao_status status;
        const char *path; /* NULL: refused before there was a connection */
        struct text next;
    } hints[] = {
        { QIAO_FORBIDDEN, NULL, { "the key or the invitation is unknown, used up, expired or revoked: ask the operator for an invitation (qiao party invite)",
            "密钥或邀请未知、已用、过期或已吊销:请向运营方索取邀请(qiao party invite)" } },
        { QIAO_FORBIDDEN, "member", { "another member of your party does it, with a context of its own", "请由贵方另一成员以其自己的连接配置执行" } },
        { QIAO_CONFLICT, "party", { "see what there is: qiao party list", "查看现有机构: qiao party list" } },
        { QIAO_CONFLICT, "key", { "see what there is: qiao party list", "查看现有机构: qiao party list" } },
    };
    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
        if (outcome->status == hints[i].status && (hints[i].path ? refusal && !refusal->id && strcmp(refusal->path, hints[i].path) == 0 : !refusal))
            return &hints[i].next;
    return &outcome->next;
}

static void
print_error_json(const char *code, const char *message, int exit_code, const struct qiao_refusal *refusal, const char *next)
{
    json_t *error = json_pack("{s:s,s:s,s:i}", "error", code, "message", message, "exit_code", exit_code);
    if (refusal && *refusal->path)
        json_object_set_new(error, "path", json_string(refusal->path));
    if (refusal && refusal->retry_after_us)
        json_object_set_new(error, "retry_after_s", json_real((double)refusal->retry_after_us / 1e6));
    if (refusal && refusal->id) {
        char id[QIAO_ID_CHARS + 1];
        qiao_id_text(refusal->id, id);
        json_object_set_new(error, "id", json_string(id));
    }
    if (next)
        json_object_set_new(error, "next", json_string(next));
    json_dumpf(error, stderr, JSON_COMPACT);
    fputc('\n', stderr);
    json_decref(error);
}

int
cli_error(struct cli *cli, int exit_code, const char *format, ...)
{
    char line[SAID_SIZE], clean[SAID_SIZE];
    va_list list;
    va_start(list, format);
    vsnprintf(line, sizeof line, cli->json ? format : note_in(format, cli->lang), list);
    va_end(list);
    cli_progress(cli, NULL);
    if (cli->json) {
        print_error_json("local", line, exit_code, NULL, NULL);
        return exit_code;
    }
    text_clean(line, clean, sizeof clean);
    fprintf(stderr, "qiao: %s\n", clean);
    return exit_code;
}

int
cli_line(struct cli *cli, int exit_code, const char *line)
{
    char words[SAID_SIZE];
    return cli_error(cli, exit_code, "%s", words_of_line(line, cli->json ? LANG_EN : cli->lang, words, sizeof words));
}

int
cli_said(struct cli *cli, const struct said *said)
{
    return cli_line(cli, said->exit_code, said->text);
}

static void
print_refusal(const struct cli *cli, const struct qiao_refusal *refusal, const struct document *document)
{
    char clean[512], text[WHEN_SIZE], id[QIAO_ID_CHARS + 1];
    bool zh = cli->lang == LANG_ZH;
    if (*refusal->path) {
        int line = document ? document_line(document, refusal->path) : 0;
        text_clean(refusal->path, clean, sizeof clean);
        fprintf(stderr, "  %s: %s", zh ? "位置" : "where", clean);
        if (line)
            fprintf(stderr, " (%s:%d)", document_name(document), line);
        fputc('\n', stderr);
    }
    if (refusal->id) {
        qiao_id_text(refusal->id, id);
        fprintf(stderr, "  %s: %s (%s)\n", zh ? "请求" : "request", id, qiao_task_status_name(refusal->status));
    }
    if (refusal->retry_after_us) {
        duration_format(refusal->retry_after_us, text);
        fprintf(stderr, "  %s: %s\n", zh ? "多久后重试" : "try again in", text);
    }
}

int
cli_status_of_document(struct cli *cli, enum qiao_status status, const struct document *document)
{
    if (status == QIAO_OK)
        return EXIT_DONE;
    const struct qiao_refusal *refusal = (status < QIAO_TIMEOUT || status == QIAO_ARGUMENT) && cli->client ? qiao_last_refusal(cli->client) : NULL;
    if (refusal && refusal->code != status)
        refusal = NULL;
    /* What is over a limit of the protocol the library keeps back; the broker would have answered just that. */
    if (status == QIAO_ARGUMENT && refusal && strcmp(refusal->message, "longer than the limit") == 0)
        status = QIAO_TOO_LARGE;
    const struct outcome *outcome = outcome_of(status);
    const struct text *next = next_of(outcome, refusal);
    const char *message = refusal && *refusal->message ? refusal->message : qiao_status_text(status);
    cli_progress(cli, NULL);
    if (cli->json) {
        print_error_json(qiao_status_name(status), message, outcome->exit_code, refusal, next->en);
        return outcome->exit_code;
    }
    char clean[512], said[512];
    text_clean(words_in(message, cli->lang, said, sizeof said), clean, sizeof clean);
    fprintf(stderr, "qiao: %s: %s\n", qiao_status_name(status), clean);
    if (status == QIAO_SYSTEM && errno)
        fprintf(stderr, "  %s\n", strerror(errno));
    if (refusal)
        print_refusal(cli, refusal, document);
    fprintf(stderr, "  %s: %s\n", cli->lang == LANG_ZH ? "下一步" : "next", text_in(next, cli->lang));
    return outcome->exit_code;
}

int
cli_status(struct cli *cli, enum qiao_status status)
{
    return cli_status_of_document(cli, status, NULL);
}

int
cli_open(struct cli *cli)
{
    if (cli->client)
        return EXIT_DONE;
    struct qiao_context context;
    struct qiao_context_error error = { "", 0 };
    enum qiao_status status = qiao_context_load(cli->context, &context, &error);
    if (status != QIAO_OK) {
        cli_line(cli, EXIT_CONFIG, *error.text ? error.text : qiao_status_text(status));
        if (!cli->json)
            fprintf(stderr, "  %s: %s\n", cli->lang == LANG_ZH ? "下一步" : "next", text_in(&outcome_of(QIAO_CONTEXT)->next, cli->lang));
        return EXIT_CONFIG;
    }
    struct qiao_options options = { .program = "qiao " QIAO_VERSION, .connect_timeout_us = cli->timeout_us };
    status = qiao_client_open(&context, &options, &cli->client);
    if (status == QIAO_UNREACHABLE && !cli->json)
        fprintf(stderr, "qiao: %s\n", context.endpoint);
    return cli_status(cli, status);
}

int
cli_id(struct cli *cli, const char *word, qiao_id *out_id)
{
    if (qiao_id_parse(word, out_id))
        return EXIT_DONE;
    return cli_error(cli, EXIT_USAGE, "'%s' is no id: 13 characters such as 01KB3N2X4VQ80", word);
}

void
cli_note(const struct cli *cli, const char *format, ...)
{
    if (cli->quiet)
        return;
    va_list list;
    cli_progress(cli, NULL);
    va_start(list, format);
    vfprintf(stderr, note_in(format, cli->lang), list);
    va_end(list);
    fputc('\n', stderr);
}

void
cli_progress(const struct cli *cli, const char *line)
{
    static bool shown;
    if (!cli->err_tty || cli->quiet || (!line && !shown))
        return;
    fprintf(stderr, "\r\033[K%s", line ? line : "");
    fflush(stderr);
    shown = line != NULL;
}

bool
cli_output_gone(void)
{
    struct pollfd out = { .fd = STDOUT_FILENO };
    return ferror(stdout) || (poll(&out, 1, 0) == 1 && (out.revents & (POLLERR | POLLNVAL)));
}

int
cli_output_end(struct cli *cli, int code)
{
    struct pollfd out = { .fd = STDOUT_FILENO };
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    /* Whoever read has gone, as `head` does: no news for anybody. */
    if (poll(&out, 1, 0) != 1 || !(out.revents & POLLERR))
        cli_error(cli, EXIT_CANNOT_CREATE, "cannot write to standard output; what was printed is not whole");
    return code == EXIT_DONE ? EXIT_CANNOT_CREATE : code;
}

volatile int cli_signal;
volatile int cli_signal_count;

static void
on_signal(int number)
{
    cli_signal = number;
    cli_signal_count++;
}

void
cli_catch_signals(void)
{
    struct sigaction action = { .sa_handler = on_signal };
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}
