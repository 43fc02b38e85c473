/* The desk: a person performs a provider's tasks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "form.h"
#include "money.h"
#include "offer.h"
#include "request.h"
#include "rows.h"
#include "table.h"
#include "value.h"

/* ---- looking ---- */

/* The task that a word names, with its fence: one's own, so that the broker can tell an old view from the present one. */
static int
find_task(struct cli *cli, const struct args *args, unsigned with, struct qiao_page **out_page)
{
    qiao_id id;
    struct qiao_page *page = NULL;
    int code = cli_id(cli, args_word(args, 0), &id);
    if (code == EXIT_DONE)
        code = cli_open(cli);
    if (code == EXIT_DONE)
        code = cli_status(cli, qiao_get(cli->client, qiao_request_of(id), with, cli->timeout_us, &page));
    if (code != EXIT_DONE)
        return code;
    if (page->count != 1 || (id != page->requests[0].task && id != page->requests[0].id)) {
        code = page->count == 1 && page->requests[0].task ? cli_error(cli, EXIT_STALE, "that task is over; the request has another one now")
                                                          : cli_error(cli, EXIT_NOT_FOUND, "no such task");
        qiao_page_free(&page);
        return code;
    }
    *out_page = page;
    return EXIT_DONE;
}

int
run_desk_list(struct cli *cli, const struct args *args)
{
    enum qiao_task_status statuses[12];
    int code = cli_open(cli);
    if (code != EXIT_DONE)
        return code;
    struct qiao_list_query query = { .scope = QIAO_SCOPE_PERFORMER, .status = statuses, .status_count = status_words(args, statuses, 12),
                                     .service = args_text(args, "service"), .finished = args_flag(args, "finished") };
    for (size_t i = 0; i < query.status_count; i++)
        query.finished = query.finished || qiao_task_status_is_final(statuses[i]);
    json_t *rows = json_array();
    code = list_pages(cli, &query, (size_t)args_number(args, "limit", 100), rows);
    print_rows(cli, columns_task, rows);
    json_decref(rows);
    return code;
}

int
run_desk_show(struct cli *cli, const struct args *args)
{
    struct qiao_page *page;
    int code = find_task(cli, args, QIAO_WITH_INPUT | QIAO_WITH_OUTPUT | QIAO_WITH_TRAIL, &page);
    if (code != EXIT_DONE)
        return code;
    json_t *row = row_request(cli, &page->requests[0]), *trail = json_object_get(row, "trail");
    print_object(cli, columns_request, row);
    if (trail && !cli->json && !cli->quiet) {
        putchar('\n');
        print_rows(cli, columns_transition, trail);
    }
    json_decref(row);
    qiao_page_free(&page);
    return EXIT_DONE;
}

/* ---- acting ---- */

static int
act_price(struct cli *cli, const struct args *args, struct qiao_act *act, char currency[4])
{
    const char *charge = args_text(args, "charge");
    if (charge && !money_parse(charge, &act->charge.minor_units, currency))
        return cli_error(cli, EXIT_USAGE, "--charge: '%s' is not an amount with its currency such as 1250.00 CNY", charge);
    act->charge.currency = charge ? currency : NULL;
    return EXIT_DONE;
}

/* Does the row of this command have that option? */
static bool
takes(const struct args *args, const char *name)
{
    for (const struct option *option = args->command->options; option && option->name; option++)
        if (strcmp(option->name, name) == 0)
            return true;
    return false;
}

static const char *
text_if(const struct args *args, const char *name)
{
    return takes(args, name) ? args_text(args, name) : NULL;
}

/* Sends an act whose own members are set; task, fence and the options that acts share are filled in here. */
static int
send_act(struct cli *cli, const struct args *args, struct qiao_act *act)
{
    struct qiao_page *page;
    struct qiao_receipt receipt;
    struct said said;
    char currency[4], *file = NULL;
    const char *reason = text_if(args, "reason"), *body = text_if(args, "body");
    int code = takes(args, "charge") ? act_price(cli, args, act, currency) : EXIT_DONE;
    if (code == EXIT_DONE && body) {
        file = file_read(body, DOCUMENT_BYTES_MAX, &act->body.n, &said);
        act->body.p = file;
        code = file ? EXIT_DONE : cli_said(cli, &said);
    }
    if (code == EXIT_DONE)
        code = find_task(cli, args, 0, &page);
    if (code == EXIT_DONE) {
        act->task = page->requests[0].task;
        act->fence = page->requests[0].fence;
        qiao_page_free(&page);
        if (!act->fence) /* only its performer is shown it */
            code = cli_error(cli, EXIT_NOT_FOUND, "your party does not perform that task: it has no performer now, or another one");
    }
    if (code == EXIT_DONE) {
        act->message = text_if(args, "message");
        act->business_status = text_if(args, "business-status");
        act->reason = QIAO_REASON_NONE;
        if (reason && !qiao_reason_parse(reason, &act->reason))
            act->reason = QIAO_REASON_NONE;
        enum qiao_status status = qiao_act(cli->client, act, cli->timeout_us, &receipt);
        code = status == QIAO_OK ? receipt_print(cli, &receipt) : cli_status(cli, status);
    }
    free(file);
    return code;
}

static int
simple(struct cli *cli, const struct args *args, enum qiao_act_kind kind)
{
    struct qiao_act act = { .kind = kind };
    return send_act(cli, args, &act);
}

int
run_desk_accept(struct cli *cli, const struct args *args)
{
    return simple(cli, args, QIAO_ACT_ACCEPT);
}

int
run_desk_reject(struct cli *cli, const struct args *args)
{
    return simple(cli, args, QIAO_ACT_REJECT);
}

int
run_desk_start(struct cli *cli, const struct args *args)
{
    return simple(cli, args, QIAO_ACT_START);
}

int
run_desk_hold(struct cli *cli, const struct args *args)
{
    return simple(cli, args, args_flag(args, "lift") ? QIAO_ACT_LIFT : QIAO_ACT_HOLD);
}

int
run_desk_release(struct cli *cli, const struct args *args)
{
    return simple(cli, args, QIAO_ACT_RELEASE);
}

int
run_desk_abort_agree(struct cli *cli, const struct args *args)
{
    return simple(cli, args, QIAO_ACT_ACCEPT_ABORT);
}

int
run_desk_abort_refuse(struct cli *cli, const struct args *args)
{
    return simple(cli, args, QIAO_ACT_REFUSE_ABORT);
}

int
run_desk_verify(struct cli *cli, const struct args *args)
{
    struct qiao_act act = { .kind = QIAO_ACT_VERIFY, .agree = !args_flag(args, "refuse") };
    return send_act(cli, args, &act);
}

int
run_desk_fail(struct cli *cli, const struct args *args)
{
    struct qiao_act act = { .kind = QIAO_ACT_FAIL, .retryable = args_flag(args, "retryable") };
    return send_act(cli, args, &act);
}

int
run_desk_ask(struct cli *cli, const struct args *args)
{
    const char *fields[64];
    struct qiao_act act = { .kind = QIAO_ACT_ASK, .fields = fields };
    size_t at = 0;
    while (act.field_count < 64 && (fields[act.field_count] = args_next(args, "field", &at)) != NULL)
        act.field_count++;
    return send_act(cli, args, &act);
}

/* "0.4" or "40%" */
static bool
part_parse(const char *text, double *out)
{
    char *end;
    double part = strtod(text, &end);
    if (end != text && *end == '%') {
        part /= 100;
        end++;
    }
    if (end == text || *end || !(part >= 0 && part <= 1))
        return false;
    *out = part;
    return true;
}

/* The output from a document and --set, by the fields of the task's service. */
static int
set_output(struct cli *cli, const struct args *args, struct qiao_act *act, struct qiao_map **out_map)
{
    struct qiao_page *page;
    struct said said;
    json_t *service = NULL, *types = NULL, *output = NULL;
    int code = find_task(cli, args, 0, &page);
    if (code != EXIT_DONE)
        return code;
    code = service_fields(cli, page->requests[0].service, &service);
    qiao_page_free(&page);
    types = form_types(service, "output");
    if (code == EXIT_DONE && !(output = form_map(args_text(args, "output"), args, "output", types, &said)))
        code = cli_said(cli, &said);
    if (code == EXIT_DONE && json_object_size(output) && (!(*out_map = value_map(output)) || !qiao_map_bytes(*out_map, &act->output)))
        code = cli_error(cli, EXIT_DATA, "output: too large (16 KiB) or too deep (8 levels)");
    json_decref(service);
    json_decref(types);
    json_decref(output);
    return code;
}

int
run_desk_progress(struct cli *cli, const struct args *args)
{
    struct qiao_act act = { .kind = QIAO_ACT_PROGRESS, .remaining_us = args_number(args, "remaining", 0) };
    struct qiao_map *map = NULL;
    if (!part_parse(args_word(args, 1), &act.progress))
        return cli_error(cli, EXIT_USAGE, "'%s' is no part: 0 to 1, or a percentage", args_word(args, 1));
    int code = args_text(args, "output") || args_text(args, "set") ? set_output(cli, args, &act, &map) : EXIT_DONE;
    code = code == EXIT_DONE ? send_act(cli, args, &act) : code;
    qiao_map_free(map);
    return code;
}

int
run_desk_complete(struct cli *cli, const struct args *args)
{
    struct qiao_act act = { .kind = QIAO_ACT_COMPLETE, .outcome = args_text(args, "outcome") };
    struct qiao_map *map = NULL;
    int code = args_text(args, "output") || args_text(args, "set") ? set_output(cli, args, &act, &map) : EXIT_DONE;
    code = code == EXIT_DONE ? send_act(cli, args, &act) : code;
    qiao_map_free(map);
    return code;
}

/* ---- open ---- */

static void
show_task(const struct cli *cli, const struct qiao_event *event)
{
    bool task = event->kind == QIAO_EVENT_TASK;
    json_t *row = task ? row_task(cli, &event->task) : json_object();
    if (!task) {
        json_set(row, "task", json_of_id(event->notice.task));
        json_set_text(row, "message", event->notice.message);
        json_set_text(row, "reason", event->notice.reason ? qiao_reason_name(event->notice.reason) : "");
    }
    json_set_text(row, "event", task ? "task" : event->kind == QIAO_EVENT_ABORT ? "abort" : "withdraw");
    if (cli->json)
        print_json(cli, row);
    else
        printf("%s  %-8s  %s  %s  %s%s%s\n", json_string_value(json_object_get(row, "task")), json_string_value(json_object_get(row, "event")),
               task ? event->task.service : "", task ? qiao_task_status_name(event->task.status) : "", task ? event->task.requester : event->notice.message,
               task && *event->task.subject ? "  " : "", task ? event->task.subject : "");
    fflush(stdout);
    json_decref(row);
}

int
run_desk_open(struct cli *cli, const struct args *args)
{
    struct offer offer;
    struct qiao_event event;
    uint32_t taken = 0;
    int code = cli_open(cli);
    if (code != EXIT_DONE)
        return code;
    code = offer_of(cli, args, 16, &offer);
    code = code == EXIT_DONE ? offer_make(cli, &offer, offer.capacity) : code;
    cli_catch_signals();
    if (code == EXIT_DONE)
        cli_note(cli, "open; qiao desk accept TASK takes one, Ctrl-C closes");
    while (code == EXIT_DONE && !cli_signal) {
        enum qiao_status status = qiao_next_event(cli->client, QIAO_SECONDS(1), &event);
        if (status == QIAO_TIMEOUT && taken >= offer.capacity / 2 + 1) {
            /* Others settle the tasks, so this connection does not see its credit come back: offering again renews it. */
            code = offer_make(cli, &offer, offer.capacity);
            taken = 0;
        } else if (status == QIAO_OK && event.kind == QIAO_EVENT_OFFER_ENDED) {
            code = cli_status(cli, event.answer.status);
        } else if (status == QIAO_OK && (event.kind == QIAO_EVENT_TASK || event.kind == QIAO_EVENT_ABORT || event.kind == QIAO_EVENT_WITHDRAW)) {
            taken += event.kind == QIAO_EVENT_TASK;
            show_task(cli, &event);
        } else if (status != QIAO_OK && status != QIAO_TIMEOUT && !cli_signal) {
            code = cli_status(cli, status);
        }
    }
    if (code == EXIT_DONE)
        (void)offer_make(cli, &offer, 0);
    offer_fini(&offer);
    return code;
}
