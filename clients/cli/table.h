/*
 * The sections of the table of commands, and the functions that their rows name.
 *
 * A function gets its parsed words and returns an exit code; it has said on stderr what went wrong.
 */
#ifndef QIAO_CLI_TABLE_H
#define QIAO_CLI_TABLE_H

#include "command.h"

extern const struct command table_requester[], table_desk[], table_operator[], table_setup[];

/* Short forms for the rows. */
#define ARGUMENTS(...) ((const struct argument[]){ __VA_ARGS__, { 0 } })
#define OPTIONS(...) ((const struct option[]){ __VA_ARGS__, { 0 } })
#define EXAMPLES(...) ((const struct example[]){ __VA_ARGS__, { 0 } })
#define EXITS(...) ((const int[]){ __VA_ARGS__, 0 })

#define OPTION_MESSAGE { "message", 'm', OPTION_TEXT, .value = "TEXT", .help = { "say why; it stands in the trail", "说明原因,记入轨迹" } }
#define OPTION_LIMIT { "limit", 'n', OPTION_NUMBER, .value = "N", .help = { "at most so many rows (default 100)", "最多显示行数(默认 100)" } }
#define ARGUMENT_REQUEST { "ID", ARGUMENT_ID, .help = { "the request's id", "请求编号" } }
#define ARGUMENT_TASK { "TASK", ARGUMENT_ID, .help = { "the task's id, or its request's", "任务编号或其请求编号" } }
#define PRIORITIES "routine|urgent|asap|stat"
#define STATUSES "draft|requested|received|accepted|rejected|ready|in-progress|on-hold|failed|completed|cancelled|entered-in-error"

int run_submit(struct cli *cli, const struct args *args);
int run_template(struct cli *cli, const struct args *args);
int run_get(struct cli *cli, const struct args *args);
int run_output(struct cli *cli, const struct args *args);
int run_list(struct cli *cli, const struct args *args);
int run_watch(struct cli *cli, const struct args *args);
int run_cancel(struct cli *cli, const struct args *args);
int run_reply(struct cli *cli, const struct args *args);
int run_close(struct cli *cli, const struct args *args);
int run_explain(struct cli *cli, const struct args *args);
int run_service_list(struct cli *cli, const struct args *args);
int run_service_show(struct cli *cli, const struct args *args);

int run_worker(struct cli *cli, const struct args *args);
int run_desk_open(struct cli *cli, const struct args *args);
int run_desk_list(struct cli *cli, const struct args *args);
int run_desk_show(struct cli *cli, const struct args *args);
int run_desk_accept(struct cli *cli, const struct args *args);
int run_desk_reject(struct cli *cli, const struct args *args);
int run_desk_start(struct cli *cli, const struct args *args);
int run_desk_ask(struct cli *cli, const struct args *args);
int run_desk_hold(struct cli *cli, const struct args *args);
int run_desk_progress(struct cli *cli, const struct args *args);
int run_desk_complete(struct cli *cli, const struct args *args);
int run_desk_verify(struct cli *cli, const struct args *args);
int run_desk_fail(struct cli *cli, const struct args *args);
int run_desk_release(struct cli *cli, const struct args *args);
int run_desk_abort_agree(struct cli *cli, const struct args *args);
int run_desk_abort_refuse(struct cli *cli, const struct args *args);

int run_queues(struct cli *cli, const struct args *args);
int run_workers(struct cli *cli, const struct args *args);
int run_stats(struct cli *cli, const struct args *args);
int run_top(struct cli *cli, const struct args *args);
int run_pause(struct cli *cli, const struct args *args);
int run_resume(struct cli *cli, const struct args *args);
int run_drain(struct cli *cli, const struct args *args);
int run_hold(struct cli *cli, const struct args *args);
int run_requeue(struct cli *cli, const struct args *args);
int run_fail(struct cli *cli, const struct args *args);
int run_party_add(struct cli *cli, const struct args *args);
int run_party_invite(struct cli *cli, const struct args *args);
int run_party_list(struct cli *cli, const struct args *args);
int run_party_grant(struct cli *cli, const struct args *args);
int run_party_revoke(struct cli *cli, const struct args *args);
int run_catalogue_reload(struct cli *cli, const struct args *args);

int run_keygen(struct cli *cli, const struct args *args);
int run_context_import(struct cli *cli, const struct args *args);
int run_context_use(struct cli *cli, const struct args *args);
int run_context_list(struct cli *cli, const struct args *args);
int run_help(struct cli *cli, const struct args *args);
int run_completion(struct cli *cli, const struct args *args);
int run_man(struct cli *cli, const struct args *args);
int run_version(struct cli *cli, const struct args *args);

#endif
