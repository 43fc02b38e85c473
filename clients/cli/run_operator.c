/* The operator's commands about queues, workers and services. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "rows.h"
#include "table.h"

typedef enum qiao_status pages_fn(struct qiao_client *client, const char *service, const char *after, int64_t timeout_us, struct qiao_page **out_page);

/* All pages of a list into rows. */
static int
read_rows(struct cli *cli, pages_fn *function, const char *filter, json_t *rows)
{
    char after[128] = "";
    int code = cli_open(cli);
    while (code == EXIT_DONE) {
        struct qiao_page *page = NULL;
        code = cli_status(cli, function(cli->client, filter, *after ? after : NULL, cli->timeout_us, &page));
        if (code != EXIT_DONE)
            break;
        rows_of_page(cli, page, rows);
        snprintf(after, sizeof after, "%s", page->next);
        qiao_page_free(&page);
        if (!*after)
            break;
    }
    return code;
}

static int
print_pages(struct cli *cli, const struct args *args, pages_fn *function, const struct column *columns)
{
    json_t *rows = json_array();
    int code = read_rows(cli, function, args_word(args, 0), rows);
    if (code == EXIT_DONE)
        print_rows(cli, columns, rows);
    json_decref(rows);
    return code;
}

int
run_queues(struct cli *cli, const struct args *args)
{
    return print_pages(cli, args, qiao_queues, columns_queue);
}

int
run_workers(struct cli *cli, const struct args *args)
{
    return print_pages(cli, args, qiao_workers, columns_worker);
}

int
run_party_list(struct cli *cli, const struct args *args)
{
    return print_pages(cli, args, qiao_party_list, columns_party);
}

int
run_stats(struct cli *cli, const struct args *args)
{
    (void)args;
    struct qiao_page *page = NULL;
    int code = cli_open(cli);
    if (code != EXIT_DONE || (code = cli_status(cli, qiao_stats(cli->client, cli->timeout_us, &page))) != EXIT_DONE)
        return code;
    json_t *rows = json_array();
    rows_of_page(cli, page, rows);
    print_rows(cli, columns_stat, rows);
    json_decref(rows);
    qiao_page_free(&page);
    return EXIT_DONE;
}

/* ---- pause, resume, drain ---- */

typedef enum qiao_status switch_fn(struct qiao_client *client, const char *service, const char *party, const char *message, int64_t timeout_us);

static int
turn(struct cli *cli, const struct args *args, switch_fn *function)
{
    const char *service = args_word(args, 0), *party = args_text(args, "party");
    if ((service != NULL) == (party != NULL))
        return cli_error(cli, EXIT_USAGE, "name a service, or a provider with --party");
    int code = cli_open(cli);
    return code == EXIT_DONE ? cli_status(cli, function(cli->client, service, party, args_text(args, "message"), cli->timeout_us)) : code;
}

int
run_pause(struct cli *cli, const struct args *args)
{
    return turn(cli, args, qiao_pause);
}

int
run_resume(struct cli *cli, const struct args *args)
{
    return turn(cli, args, qiao_resume);
}

int
run_drain(struct cli *cli, const struct args *args)
{
    return turn(cli, args, qiao_drain);
}

int
run_catalogue_reload(struct cli *cli, const struct args *args)
{
    (void)args;
    int code = cli_open(cli);
    return code == EXIT_DONE ? cli_status(cli, qiao_catalogue_reload(cli->client, cli->timeout_us)) : code;
}
