/* watch: events as they happen. */
#include <string.h>

#include "cli.h"
#include "request.h"
#include "rows.h"
#include "table.h"

struct watching {
    struct cli *cli;
    qiao_id id; /* 0: all of the scope */
    int64_t left, deadline_us;
    int exit_code;
};

/* What happened to one request before now, from its trail. */
static int
print_past(struct watching *watching, uint64_t *out_seq, bool *out_final)
{
    struct cli *cli = watching->cli;
    struct qiao_page *page = NULL;
    int code = cli_status(cli, qiao_get(cli->client, watching->id, QIAO_WITH_TRAIL, cli->timeout_us, &page));
    if (code != EXIT_DONE)
        return code;
    if (page->count == 1) {
        const struct qiao_request *request = &page->requests[0];
        json_t *row = row_request(cli, request), *step;
        size_t i;
        json_array_foreach(json_object_get(row, "trail"), i, step) {
            json_set(step, "id", json_of_id(request->id));
            json_set_text(step, "service", request->service);
            if (watching->left != 0)
                print_event(cli, step);
            watching->left -= watching->left > 0;
        }
        json_decref(row);
        *out_seq = request->seq;
        *out_final = qiao_task_status_is_final(request->status);
        watching->exit_code = *out_final ? request_exit(request) : EXIT_DONE;
    }
    qiao_page_free(&page);
    return EXIT_DONE;
}

/* One event; true when the watching is over. */
static bool
print_change(struct watching *watching, const struct qiao_change *change)
{
    json_t *row = row_change(watching->cli, change);
    print_event(watching->cli, row);
    json_decref(row);
    if (watching->left > 0 && --watching->left == 0)
        return true;
    if (watching->id && qiao_task_status_is_final(change->status)) {
        struct qiao_request end = { .status = change->status, .business_status = "" };
        watching->exit_code = request_exit(&end);
        return true;
    }
    return false;
}

static int
follow(struct watching *watching)
{
    struct cli *cli = watching->cli;
    struct qiao_event event;
    while (watching->left != 0 && !cli_signal && !cli_output_gone() && (!watching->deadline_us || cli_now_us() < watching->deadline_us)) {
        enum qiao_status status = qiao_next_event(cli->client, QIAO_SECONDS(1) / 4, &event);
        if (status == QIAO_TIMEOUT || (status != QIAO_OK && cli_signal))
            continue;
        if (status != QIAO_OK)
            return cli_status(cli, status);
        if (event.kind == QIAO_EVENT_WATCH_ENDED)
            return cli_status(cli, event.answer.status ? event.answer.status : QIAO_CLOSED);
        if (event.kind == QIAO_EVENT_DISCONNECTED)
            cli_note(cli, "the connection is lost; trying again");
        if (event.kind == QIAO_EVENT_CONNECTED)
            cli_note(cli, "connected again");
        if (event.kind == QIAO_EVENT_CHANGE && event.watch && print_change(watching, &event.change))
            return watching->exit_code;
    }
    return cli_signal ? EXIT_INTERRUPTED : watching->exit_code;
}

int
run_watch(struct cli *cli, const struct args *args)
{
    struct watching watching = { .cli = cli, .left = args_number(args, "count", -1) };
    const char *word = args_word(args, 0);
    bool final = false;
    uint64_t watch = 0;
    int code = word ? cli_id(cli, word, &watching.id) : EXIT_DONE;
    if (code == EXIT_DONE)
        code = cli_open(cli);
    if (code != EXIT_DONE)
        return code;
    struct qiao_watch_query query = { .scope = scope_of(cli, args), .id = watching.id ? qiao_request_of(watching.id) : 0 };
    watching.id = query.id;
    int64_t most = args_number(args, "for", 0);
    watching.deadline_us = most ? cli_now_us() + most : 0;
    cli_catch_signals();
    if (args_text(args, "from"))
        query.seq = (uint64_t)args_number(args, "from", 0);
    else if (!query.id)
        query.seq = qiao_session(cli->client)->seq;
    else
        code = print_past(&watching, &query.seq, &final);
    if (code != EXIT_DONE || final)
        return code != EXIT_DONE ? code : watching.exit_code;
    code = cli_status(cli, qiao_watch_begin(cli->client, &query, &watch));
    if (code == EXIT_DONE) {
        code = follow(&watching);
        (void)qiao_watch_end(cli->client, watch);
    }
    return code;
}
