/* The requester's commands: submit, read, act on a request. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "form.h"
#include "request.h"
#include "rows.h"
#include "table.h"
#include "value.h"

/* ---- submit ---- */

static int
submit(struct cli *cli, const struct args *args, struct form *form)
{
    struct said said;
    json_t *service = NULL;
    const char *name = form_service(form, args);
    int code = cli_open(cli);
    if (code == EXIT_DONE && name)
        code = service_fields(cli, name, &service);
    if (code != EXIT_DONE)
        return code;
    bool filled = form_fill(form, service, args, cli_now_us(), &said);
    json_decref(service);
    if (!filled)
        return cli_said(cli, &said);
    if (args_flag(args, "dry-run")) {
        print_json(cli, form->json);
        return EXIT_DONE;
    }
    struct qiao_receipt receipt;
    enum qiao_status status = qiao_submit(cli->client, &form->submission, cli->timeout_us, &receipt);
    if (status != QIAO_OK)
        return cli_status_of_document(cli, status, form->document);
    int64_t most = args_number(args, "wait-at-most", 0);
    if (!args_flag(args, "wait") && !most)
        return receipt_print(cli, &receipt);
    char id[QIAO_ID_CHARS + 1];
    qiao_id_text(receipt.id, id);
    if (receipt.duplicate)
        cli_note(cli, "%s (known already)", id);
    else
        cli_note(cli, "%s", id);
    return request_wait(cli, receipt.id, most ? cli_now_us() + most : 0);
}

int
run_submit(struct cli *cli, const struct args *args)
{
    struct form form;
    struct said said;
    if (!args_word(args, 0) && !args_text(args, "service"))
        return cli_error(cli, EXIT_USAGE, "name a document, or a service with --service");
    if (!form_open(&form, args_word(args, 0), &said))
        return cli_said(cli, &said);
    int code = submit(cli, args, &form);
    form_fini(&form);
    return code;
}

/* ---- reading ---- */

int
run_get(struct cli *cli, const struct args *args)
{
    qiao_id id;
    struct qiao_page *page = NULL;
    int code = request_begin(cli, args, &id);
    if (code != EXIT_DONE)
        return code;
    bool all = args_flag(args, "all");
    unsigned with = (all || args_flag(args, "trail") ? QIAO_WITH_TRAIL : 0) | (all || args_flag(args, "input") ? QIAO_WITH_INPUT : 0) |
                    (all || args_flag(args, "output") ? QIAO_WITH_OUTPUT : 0);
    code = cli_status(cli, qiao_get(cli->client, id, with, cli->timeout_us, &page));
    if (code != EXIT_DONE)
        return code;
    if (page->count == 1) {
        json_t *row = row_request(cli, &page->requests[0]), *trail = json_object_get(row, "trail");
        print_object(cli, columns_request, row);
        if (trail && !cli->json && !cli->quiet) {
            putchar('\n');
            print_rows(cli, columns_transition, trail);
        }
        json_decref(row);
    }
    qiao_page_free(&page);
    return EXIT_DONE;
}

int
run_list(struct cli *cli, const struct args *args)
{
    enum qiao_task_status statuses[12];
    int code = cli_open(cli);
    if (code != EXIT_DONE)
        return code;
    struct qiao_list_query query = { .scope = scope_of(cli, args), .status = statuses, .status_count = status_words(args, statuses, 12),
                                     .service = args_text(args, "service"), .party = args_text(args, "party"),
                                     .since = args_number(args, "since", 0), .until = args_number(args, "until", 0),
                                     .finished = args_flag(args, "finished") };
    for (size_t i = 0; i < query.status_count; i++)
        query.finished = query.finished || qiao_task_status_is_final(statuses[i]);
    json_t *rows = json_array();
    code = list_pages(cli, &query, (size_t)args_number(args, "limit", 100), rows);
    print_rows(cli, columns_request, rows);
    json_decref(rows);
    return code;
}

int
run_explain(struct cli *cli, const struct args *args)
{
    static const struct column columns[] = { { "status", { "status", "状态" }, COLUMN_STATUS, false },
                                             { "reason", { "reason", "原因" }, COLUMN_WORDS, false },
                                             { "message", { "because", "说明" }, COLUMN_WORDS, false },
                                             { "position", { "tasks ahead of it", "前面的任务" }, COLUMN_NUMBER, false },
                                             { "estimate_s", { "likely to start in", "预计开始" }, COLUMN_DURATION, false },
                                             { 0 } };
    qiao_id id;
    struct qiao_page *page = NULL;
    int code = request_begin(cli, args, &id);
    if (code != EXIT_DONE || (code = cli_status(cli, qiao_explain(cli->client, id, cli->timeout_us, &page))) != EXIT_DONE)
        return code;
    json_t *row = json_object(), *candidates = json_array();
    json_set(row, "id", json_of_id(id));
    json_set_text(row, "status", qiao_task_status_name(page->status));
    if (page->reason != QIAO_REASON_NONE)
        json_set_text(row, "reason", qiao_reason_name(page->reason));
    json_set_text(row, "message", page->message);
    json_set(row, "position", json_integer((json_int_t)page->position));
    if (page->estimate_us >= 0)
        json_set(row, "estimate_s", json_real((double)page->estimate_us / 1e6));
    rows_of_page(cli, page, candidates);
    if (cli->json) {
        json_object_set(row, "candidates", candidates);
        print_json(cli, row);
    } else {
        print_object(cli, columns, row);
        putchar('\n');
        print_rows(cli, columns_candidate, candidates);
        if (!json_array_size(candidates))
            puts(cli->lang == LANG_ZH ? "没有服务方提供该服务。" : "No provider offers this service.");
    }
    json_decref(row);
    json_decref(candidates);
    qiao_page_free(&page);
    return EXIT_DONE;
}

/* ---- acting ---- */

typedef enum qiao_status act_fn(struct qiao_client *client, qiao_id id, const char *message, int64_t timeout_us, struct qiao_receipt *out_receipt);

static int
act(struct cli *cli, const struct args *args, act_fn *function)
{
    qiao_id id;
    struct qiao_receipt receipt;
    int code = request_begin(cli, args, &id);
    if (code != EXIT_DONE)
        return code;
    enum qiao_status status = function(cli->client, id, args_text(args, "message"), cli->timeout_us, &receipt);
    return status == QIAO_OK ? receipt_print(cli, &receipt) : cli_status(cli, status);
}

static enum qiao_status
cancel(struct qiao_client *client, qiao_id id, const char *message, int64_t timeout_us, struct qiao_receipt *out_receipt)
{
    return qiao_cancel(client, id, message, timeout_us, out_receipt);
}

static enum qiao_status
close_request(struct qiao_client *client, qiao_id id, const char *message, int64_t timeout_us, struct qiao_receipt *out_receipt)
{
    return qiao_close_request(client, id, message, timeout_us, out_receipt);
}

static enum qiao_status
requeue(struct qiao_client *client, qiao_id id, const char *message, int64_t timeout_us, struct qiao_receipt *out_receipt)
{
    return qiao_requeue(client, id, message, timeout_us, out_receipt);
}

static enum qiao_status
fail(struct qiao_client *client, qiao_id id, const char *message, int64_t timeout_us, struct qiao_receipt *out_receipt)
{
    return qiao_fail_request(client, id, QIAO_REASON_NONE, message, timeout_us, out_receipt);
}

static enum qiao_status
hold(struct qiao_client *client, qiao_id id, const char *message, int64_t timeout_us, struct qiao_receipt *out_receipt)
{
    return qiao_hold_request(client, id, QIAO_REASON_NONE, message, timeout_us, out_receipt);
}

static enum qiao_status
lift(struct qiao_client *client, qiao_id id, const char *message, int64_t timeout_us, struct qiao_receipt *out_receipt)
{
    return qiao_lift_request(client, id, message, timeout_us, out_receipt);
}

int
run_cancel(struct cli *cli, const struct args *args)
{
    return act(cli, args, cancel);
}

int
run_close(struct cli *cli, const struct args *args)
{
    return act(cli, args, close_request);
}

int
run_requeue(struct cli *cli, const struct args *args)
{
    return act(cli, args, requeue);
}

int
run_fail(struct cli *cli, const struct args *args)
{
    return act(cli, args, fail);
}

int
run_hold(struct cli *cli, const struct args *args)
{
    return act(cli, args, args_flag(args, "lift") ? lift : hold);
}

/* ---- reply ---- */

/* The fields of the service of a request, for the types of a reply. */
static int
fields_of_request(struct cli *cli, qiao_id id, json_t **out_types)
{
    struct qiao_page *page = NULL;
    json_t *service = NULL;
    *out_types = NULL;
    int code = cli_status(cli, qiao_get(cli->client, id, 0, cli->timeout_us, &page));
    if (code == EXIT_DONE && page->count == 1)
        code = service_fields(cli, page->requests[0].service, &service);
    *out_types = form_types(service, "input");
    json_decref(service);
    qiao_page_free(&page);
    return code;
}

int
run_reply(struct cli *cli, const struct args *args)
{
    qiao_id id;
    json_t *types = NULL, *input = NULL;
    struct said said;
    struct qiao_bytes bytes = { NULL, 0 }, body = { NULL, 0 };
    char *file = NULL;
    struct qiao_map *map = NULL;
    struct qiao_receipt receipt;
    int code = request_begin(cli, args, &id);
    if (code == EXIT_DONE)
        code = fields_of_request(cli, id, &types);
    if (code == EXIT_DONE && !(input = form_map(args_word(args, 1), args, "input", types, &said)))
        code = cli_said(cli, &said);
    if (code == EXIT_DONE && json_object_size(input) && (!(map = value_map(input)) || !qiao_map_bytes(map, &bytes)))
        code = cli_error(cli, EXIT_DATA, "input: too large (16 KiB) or too deep (8 levels)");
    if (code == EXIT_DONE && args_text(args, "body")) {
        file = file_read(args_text(args, "body"), DOCUMENT_BYTES_MAX, &body.n, &said);
        body.p = file;
        code = file ? EXIT_DONE : cli_said(cli, &said);
    }
    if (code == EXIT_DONE) {
        enum qiao_status status = qiao_reply(cli->client, id, args_text(args, "message"), bytes, body, cli->timeout_us, &receipt);
        code = status == QIAO_OK ? receipt_print(cli, &receipt) : cli_status(cli, status);
    }
    free(file);
    qiao_map_free(map);
    json_decref(input);
    json_decref(types);
    return code;
}
