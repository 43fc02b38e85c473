/* What several commands do with one request. */
#include "request.h"

#include <string.h>

#include "rows.h"
#include "when.h"
#include "words.h"

int
request_begin(struct cli *cli, const struct args *args, qiao_id *out_id)
{
    int code = cli_id(cli, args_word(args, 0), out_id);
    if (code == EXIT_DONE)
        *out_id = qiao_request_of(*out_id);
    return code == EXIT_DONE ? cli_open(cli) : code;
}

int
receipt_print(const struct cli *cli, const struct qiao_receipt *receipt)
{
    json_t *row = row_receipt(cli, receipt);
    print_object(cli, columns_receipt, row);
    json_decref(row);
    return EXIT_DONE;
}

static bool
waits_for_somebody(const struct qiao_request *request)
{
    return request->status == QIAO_TASK_ON_HOLD &&
           (request->reason == QIAO_REASON_ATTEMPTS_EXHAUSTED || request->reason == QIAO_REASON_AWAITING_INFORMATION ||
            strcmp(request->business_status, "awaiting-information") == 0);
}

bool
request_has_settled(const struct qiao_request *request)
{
    return qiao_task_status_is_final(request->status) || waits_for_somebody(request);
}

int
request_exit(const struct qiao_request *request)
{
    switch (request->status) {
    case QIAO_TASK_FAILED:
    case QIAO_TASK_REJECTED:
    case QIAO_TASK_ENTERED_IN_ERROR: return EXIT_FAILED;
    case QIAO_TASK_CANCELLED: return EXIT_CANCELLED;
    default: return waits_for_somebody(request) ? EXIT_ON_HOLD : EXIT_DONE;
    }
}

/* ---- waiting ---- */

struct wait {
    struct cli *cli;
    qiao_id id;
    int64_t deadline_us, began_us;
    uint64_t seq; /* the last event that was seen */
    double progress;
    char status[32], message[256];
};

static void
show_waiting(const struct wait *wait)
{
    char line[512], since[WHEN_SIZE], percent[16] = "", cut[128];
    if (wait->progress > 0)
        snprintf(percent, sizeof percent, "  %.0f %%", wait->progress * 100);
    duration_format((cli_now_us() - wait->began_us) / 1000000 * 1000000, since);
    text_clean(wait->message, cut, sizeof cut);
    snprintf(line, sizeof line, "%s%s  %s  %s", wait->status, percent, since, cut);
    cli_progress(wait->cli, line);
}

/* One event, as a line on stderr for people who watch. */
static void
show_change(struct wait *wait, const struct qiao_change *change)
{
    char at[WHEN_SIZE], said[128];
    if (change->seq <= wait->seq)
        return;
    wait->seq = change->seq;
    wait->progress = change->progress;
    snprintf(wait->status, sizeof wait->status, "%s", qiao_task_status_name(change->status));
    snprintf(wait->message, sizeof wait->message, "%s", *change->message ? change->message : change->business_status);
    if (!wait->cli->err_tty || wait->cli->quiet || wait->cli->json || change->was == change->status)
        return;
    when_format_table(change->at, wait->cli->utc, at);
    cli_note(wait->cli, "%s  %s%s%s%s%s", at, wait->status, *change->performer ? wait->cli->lang == LANG_ZH ? "  服务方 " : "  by " : "", change->performer,
             change->reason ? "  " : "", change->reason ? words_in(qiao_reason_name(change->reason), wait->cli->lang, said, sizeof said) : "");
}

/* Prints the request as it is now; *out_settled says whether that is its end. */
static int
look(struct wait *wait, bool last, bool *out_settled)
{
    struct qiao_page *page = NULL;
    enum qiao_status status = qiao_get(wait->cli->client, wait->id, QIAO_WITH_OUTPUT, wait->cli->timeout_us, &page);
    if (status != QIAO_OK)
        return cli_status(wait->cli, status);
    int code = EXIT_DONE;
    if (page->count == 1) {
        const struct qiao_request *request = &page->requests[0];
        *out_settled = request_has_settled(request);
        wait->seq = request->seq > wait->seq ? request->seq : wait->seq;
        snprintf(wait->status, sizeof wait->status, "%s", qiao_task_status_name(request->status));
        if (*out_settled || last) {
            json_t *row = row_request(wait->cli, request);
            cli_progress(wait->cli, NULL);
            print_object(wait->cli, columns_request, row);
            json_decref(row);
        }
        code = *out_settled ? request_exit(request) : EXIT_DONE;
    }
    qiao_page_free(&page);
    return code;
}

/* Events until one says that it may have settled. */
static int
follow(struct wait *wait, bool *out_changed)
{
    struct qiao_event event;
    while (!cli_signal && (!wait->deadline_us || cli_now_us() < wait->deadline_us)) {
        enum qiao_status status = qiao_next_event(wait->cli->client, QIAO_SECONDS(1) / 2, &event);
        if (status == QIAO_TIMEOUT || (status != QIAO_OK && cli_signal)) {
            show_waiting(wait);
            continue;
        }
        if (status != QIAO_OK)
            return cli_status(wait->cli, status);
        if (event.kind == QIAO_EVENT_WATCH_ENDED)
            return cli_status(wait->cli, event.answer.status ? event.answer.status : QIAO_CLOSED);
        if (event.kind == QIAO_EVENT_DISCONNECTED)
            cli_note(wait->cli, "the connection is lost; trying again");
        if (event.kind != QIAO_EVENT_CHANGE || event.change.id != wait->id)
            continue;
        show_change(wait, &event.change);
        show_waiting(wait);
        if (qiao_task_status_is_final(event.change.status) || event.change.status == QIAO_TASK_ON_HOLD) {
            *out_changed = true;
            return EXIT_DONE;
        }
    }
    return cli_signal ? EXIT_INTERRUPTED : EXIT_TIMED_OUT;
}

int
request_wait(struct cli *cli, qiao_id id, int64_t deadline_us)
{
    struct wait wait = { .cli = cli, .id = id, .deadline_us = deadline_us, .began_us = cli_now_us() };
    bool settled = false, changed = true;
    uint64_t watch = 0;
    int code;
    char text[QIAO_ID_CHARS + 1];
    cli_catch_signals();
    code = look(&wait, false, &settled);
    if (code == EXIT_DONE && !settled) {
        struct qiao_watch_query query = { .seq = wait.seq, .id = id };
        code = cli_status(cli, qiao_watch_begin(cli->client, &query, &watch));
    }
    while (code == EXIT_DONE && !settled && changed) {
        changed = false;
        code = follow(&wait, &changed);
        if (code == EXIT_DONE)
            code = look(&wait, false, &settled);
    }
    if (watch)
        (void)qiao_watch_end(cli->client, watch);
    cli_progress(cli, NULL);
    qiao_id_text(id, text);
    if (code == EXIT_TIMED_OUT || code == EXIT_INTERRUPTED) {
        cli_note(cli, "%s goes on; qiao watch %s follows it, qiao cancel %s stops it", text, text, text);
        if (code == EXIT_TIMED_OUT)
            (void)look(&wait, true, &settled);
    }
    if (code == EXIT_ON_HOLD)
        cli_note(cli, "it waits for somebody: qiao get %s --trail says for what; qiao reply, close or cancel", text);
    return code;
}

/* ---- lists ---- */

size_t
status_words(const struct args *args, enum qiao_task_status *out, size_t max)
{
    size_t n = 0, at = 0;
    const char *word;
    while (n < max && (word = args_next(args, "status", &at)) != NULL)
        n += qiao_task_status_parse(word, &out[n]);
    return n;
}

enum qiao_scope
scope_of(const struct cli *cli, const struct args *args)
{
    const char *word = args_text(args, "scope");
    if (word)
        return strcmp(word, "all") == 0 ? QIAO_SCOPE_ALL : strcmp(word, "performer") == 0 ? QIAO_SCOPE_PERFORMER : QIAO_SCOPE_REQUESTER;
    uint32_t roles = qiao_session(cli->client)->roles;
    return roles & 1u ? QIAO_SCOPE_REQUESTER : roles & (1u << 2 | 1u << 3) ? QIAO_SCOPE_ALL : QIAO_SCOPE_PERFORMER;
}

int
list_pages(struct cli *cli, struct qiao_list_query *query, size_t limit, json_t *rows)
{
    char after[128] = "";
    while (json_array_size(rows) < limit) {
        size_t left = limit - json_array_size(rows);
        struct qiao_page *page = NULL;
        query->after = *after ? after : NULL;
        query->limit = left < 1000 ? (uint32_t)left : 1000;
        int code = cli_status(cli, qiao_list(cli->client, query, cli->timeout_us, &page));
        if (code != EXIT_DONE)
            return code;
        rows_of_page(cli, page, rows);
        snprintf(after, sizeof after, "%s", page->next);
        qiao_page_free(&page);
        if (!*after)
            break;
    }
    if (*after)
        cli_note(cli, "(there are more; --limit shows more)");
    return EXIT_DONE;
}

int
service_fields(struct cli *cli, const char *service, json_t **out_row)
{
    struct qiao_page *page = NULL;
    enum qiao_status status = qiao_services(cli->client, service, NULL, cli->timeout_us, &page);
    *out_row = NULL;
    /* An unknown or forbidden service is for the submission's own answer to say. */
    if (status == QIAO_NOT_FOUND || status == QIAO_FORBIDDEN)
        return EXIT_DONE;
    if (status != QIAO_OK)
        return cli_status(cli, status);
    if (page->count == 1)
        *out_row = row_service(cli, &page->services[0]);
    qiao_page_free(&page);
    return EXIT_DONE;
}
