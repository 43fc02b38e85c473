/* The table of commands: the provider's side, a person at a desk or a program. */
#include "table.h"

#define OPTION_CHARGE { "charge", 0, OPTION_TEXT, .value = "'1250.00 CNY'", .help = { "what it costs, with its currency", "费用及币种" } }
#define OPTION_RETRYABLE { "retryable", 0, OPTION_FLAG, .help = { "another attempt may succeed", "可以重试" } }
#define REASONS "missing|misidentified|equipment-issue|environmental-issue|personnel-issue"
#define OPTION_REASON { "reason", 0, OPTION_CHOICE, .value = "REASON", .choices = REASONS, .help = { "FHIR status reason", "FHIR 状态原因" } }
#define OPTION_STATUS { "business-status", 0, OPTION_TEXT, .value = "TEXT", .help = { "the domain's own status, such as sample_received", \
    "业务状态,如 sample_received" } }
#define OPTION_OFFERED { "service", 's', OPTION_SERVICE, .many = true, .value = "SERVICE", .help = { "exact name, or prefix.*; may be given again", \
    "服务名或前缀.*;可重复" } }
#define OPTION_ATTRIBUTES { "attribute", 0, OPTION_TEXT, .many = true, .value = "NAME=VALUE", \
    .help = { "an attribute of the offer; the value is YAML, so [a, b] is a list", "供给属性,值为 YAML" } }
#define OPTION_ATTRIBUTE_FILE { "attributes", 0, OPTION_FILE, .value = "FILE", .help = { "attributes of the offer from a YAML or JSON document", \
    "从文档读取供给属性" } }
#define OPTION_CAPACITY { "capacity", 0, OPTION_NUMBER, .value = "N", .help = { "tasks at once (default 1)", "并行任务数(默认 1)" } }
#define OPTION_NAME { "name", 0, OPTION_TEXT, .value = "NAME", .help = { "how operators see this process (default: host and process id)", \
    "向运营方显示的名称" } }
#define OPTION_PRICE { "price", 0, OPTION_TEXT, .value = "'90.00 CNY'", .help = { "price of the offer, for the policy cheapest", "报价,用于最低价策略" } }
#define OPTION_LOCATION { "location", 0, OPTION_TEXT, .value = "LAT,LON", .help = { "where it is, for the policy nearest", "所在位置,用于就近策略" } }

const struct command table_desk[] = {
    { "worker run", { "Perform a service with a command of your own", "用自己的命令执行服务" },
      { "Runs the command once per task. It gets the input as one JSON object on standard input and the body as a file "
        "(QIAO_BODY_FILE); the environment names QIAO_REQUEST, QIAO_TASK, QIAO_FENCE, QIAO_SERVICE, QIAO_ATTEMPT, "
        "QIAO_REQUESTER, QIAO_PRIORITY, QIAO_SUBJECT, QIAO_NOTE and QIAO_DEADLINE. What it writes on standard output is the output: one JSON "
        "object, whose field \"outcome\" becomes the outcome; with --raw it is the body as it is. "
        "A file that it writes at QIAO_RESULT_FILE becomes the result's body.\n"
        "A line \"progress 0.4 half way\" on file descriptor 3, or on standard error, reports progress; other lines on "
        "standard error go to this program's, and the last one is the message.\n"
        "Exit code 0 completes the task; 65 fails it for good: the input is wrong; 75, any other code, a signal, or output "
        "that is no JSON object fails it as retryable. When the task is withdrawn or its requester asks to stop, the command gets SIGTERM, and SIGKILL 5 s "
        "later. Owned tasks are accepted and started by this program; those that the party already owns are carried on.\n"
        "SIGTERM or Ctrl-C: no new tasks, running ones are finished; a second one releases them.",
        "每个任务运行一次命令。标准输入为 JSON 输入,正文在 QIAO_BODY_FILE 所指文件;环境变量含请求、任务、栅栏号等。"
        "标准输出为结果(JSON 对象,其 outcome 字段为结论;--raw 时原样作为正文);写入 QIAO_RESULT_FILE 的文件为结果正文。\n"
        "在文件描述符 3 或标准错误上写 \"progress 0.4 说明\" 报告进度。\n"
        "退出码 0 完成;65 输入有误,不再重试;75 及其他为可重试的失败。任务被收回或请求方要求停止时,命令先收到 SIGTERM,"
        "5 秒后 SIGKILL。\n"
        "SIGTERM 或 Ctrl-C:不再接新任务,完成在办任务;再次则归还。" },
      ARGUMENTS({ "WORD", ARGUMENT_TEXT, .optional = true, .many = true, .help = { "after --: the command and its words, instead of --exec",
          "-- 之后:命令及其参数,代替 --exec" } }),
      OPTIONS(OPTION_OFFERED, { "exec", 'x', OPTION_TEXT, .value = "CMD", .help = { "the command, run by /bin/sh -c", "由 /bin/sh -c 运行的命令" } },
          OPTION_CAPACITY,
              { "raw", 0, OPTION_FLAG, .help = { "standard output is the body of the result, not JSON", "标准输出即结果正文,而非 JSON" } },
              { "count", 0, OPTION_NUMBER, .value = "N", .help = { "end after so many tasks", "完成若干任务后结束" } },
              { "exec-timeout", 0, OPTION_DURATION, .value = "DURATION", .help = { "stop the command after this time; the task fails as retryable",
                  "命令超时即停止,任务按可重试失败处理" } },
              OPTION_ATTRIBUTES, OPTION_ATTRIBUTE_FILE, OPTION_PRICE, OPTION_LOCATION, OPTION_NAME),
      .examples = EXAMPLES({ "qiao worker run --service bench.echo --raw --exec 'cat \"$QIAO_BODY_FILE\"'", { "Answer with what came in", "原样返回" } },
               { "qiao worker run -s compute.screening --capacity 2 -- ./screen --fast", { "Two at once, without a shell", "并行两个,不经 shell" } }),
      .run = run_worker },
    { "desk open", { "Offer services for people to perform, and show tasks as they come", "为人工执行开放服务,并显示到来的任务" },
      { "Keeps the offer up until Ctrl-C. Accept and complete the tasks with the other desk commands, from any terminal of the same party.",
        "保持供给直到 Ctrl-C。可在同一机构的任意终端用其他 desk 命令处理任务。" },
      NULL, OPTIONS(OPTION_OFFERED, OPTION_CAPACITY, OPTION_ATTRIBUTES, OPTION_ATTRIBUTE_FILE, OPTION_PRICE, OPTION_LOCATION, OPTION_NAME),
          .run = run_desk_open },
    { "desk list", { "List my party's tasks", "列出本方任务" }, { 0 }, NULL,
      OPTIONS({ "status", 0, OPTION_CHOICE, .many = true, .value = "STATUS", .choices = STATUSES,
                .help = { "only in this status; may be given again", "只列该状态;可重复" } },
              { "service", 0, OPTION_SERVICE, .value = "SERVICE", .help = { "only of this service", "只列该服务" } },
              { "finished", 'a', OPTION_FLAG, .help = { "finished ones too", "包括已结束的" } }, OPTION_LIMIT),
      .run = run_desk_list },
    { "desk show", { "Show a task with its input", "查看任务及其输入" }, { 0 }, ARGUMENTS(ARGUMENT_TASK), .run = run_desk_show },
    { "desk accept", { "Agree to perform a requested task", "接受任务" }, { 0 }, ARGUMENTS(ARGUMENT_TASK), OPTIONS(OPTION_MESSAGE),
        .run = run_desk_accept },
    { "desk reject", { "Decline a requested task", "谢绝任务" }, { 0 }, ARGUMENTS(ARGUMENT_TASK), OPTIONS(OPTION_MESSAGE, OPTION_REASON),
        .run = run_desk_reject },
    { "desk start", { "Start an accepted task", "开始已接受的任务" }, { 0 }, ARGUMENTS(ARGUMENT_TASK), OPTIONS(OPTION_STATUS), .run = run_desk_start },
    { "desk ask", { "Ask the requester back; the clocks stop until the reply", "向请求方询问;计时暂停至答复" }, { 0 }, ARGUMENTS(ARGUMENT_TASK),
      OPTIONS({ "message", 'm', OPTION_TEXT, .value = "TEXT", .help = { "the question", "问题" } },
              { "field", 0, OPTION_TEXT, .many = true, .value = "NAME", .help = { "an input field that is asked for", "所询问的输入字段" } },
              { "body", 'b', OPTION_FILE, .value = "FILE", .help = { "send this file along", "随附文件" } }),
      .run = run_desk_ask },
    { "desk hold", { "Put a task on hold, or lift that", "挂起任务或解除" }, { 0 }, ARGUMENTS(ARGUMENT_TASK),
      OPTIONS({ "lift", 0, OPTION_FLAG, .help = { "go on with it", "解除挂起" } }, OPTION_REASON, OPTION_MESSAGE), .run = run_desk_hold },
    { "desk progress", { "Report how far a task is", "报告任务进度" }, { 0 },
      ARGUMENTS(ARGUMENT_TASK, { "PART", ARGUMENT_TEXT, .help = { "0 to 1, or a percentage such as 40%", "0 至 1,或百分数如 40%" } }),
      OPTIONS(OPTION_MESSAGE, OPTION_STATUS, { "remaining", 0, OPTION_DURATION, .value = "DURATION", .help = { "time that it will still take",
          "预计剩余时间" } },
              { "output", 0, OPTION_FILE, .value = "FILE", .help = { "a partial result, as a document", "部分结果文档" } },
              { "set", 0, OPTION_TEXT, .many = true, .value = "NAME=VALUE", .help = { "a field of it; may be given again", "部分结果字段;可重复" } }),
      .run = run_desk_progress },
    { "desk complete", { "Complete a task with its outcome", "完成任务并给出结论" }, { 0 }, ARGUMENTS(ARGUMENT_TASK),
      OPTIONS({ "outcome", 0, OPTION_TEXT, .value = "WORD", .help = { "how it came out, in a word of the service", "结论,取服务规定的词" } },
              { "output", 0, OPTION_FILE, .value = "FILE", .help = { "the output, as a YAML or JSON document", "结果文档" } },
              { "set", 0, OPTION_TEXT, .many = true, .value = "NAME=VALUE", .help = { "a field of the output; may be given again", "结果字段;可重复" } },
              { "body", 'b', OPTION_FILE, .value = "FILE", .help = { "the body of the result, such as a certificate", "结果正文,如证书" } }, OPTION_CHARGE,
                  OPTION_STATUS, OPTION_MESSAGE),
      .examples = EXAMPLES({ "qiao desk complete 01KB3N2X4VQ81 --outcome conforming --body coa.pdf --charge '1250.00 CNY'",
          { "With a certificate and a charge", "附证书与费用" } }),
      .run = run_desk_complete },
    { "desk verify", { "Agree to another member's result, or send it back", "复核他人结果,或退回" }, { 0 }, ARGUMENTS(ARGUMENT_TASK),
      OPTIONS({ "refuse", 0, OPTION_FLAG, .help = { "send it back", "退回" } },
              { "body", 'b', OPTION_FILE, .value = "FILE", .help = { "in place of the result's body: the document with both signatures",
                  "替换结果正文:双方签字的文件" } }, OPTION_STATUS, OPTION_MESSAGE), .run = run_desk_verify },
    { "desk fail", { "Say that a task could not be done", "报告任务失败" }, { 0 }, ARGUMENTS(ARGUMENT_TASK), OPTIONS(OPTION_RETRYABLE, OPTION_REASON,
        OPTION_MESSAGE, OPTION_CHARGE), .run = run_desk_fail },
    { "desk release", { "Give a task back unharmed", "归还任务" }, { 0 }, ARGUMENTS(ARGUMENT_TASK), OPTIONS(OPTION_MESSAGE), .run = run_desk_release },
    { "desk abort-agree", { "Agree to the requester's wish to stop", "同意请求方停止" }, { 0 }, ARGUMENTS(ARGUMENT_TASK), OPTIONS(OPTION_MESSAGE,
        OPTION_CHARGE), .run = run_desk_abort_agree },
    { "desk abort-refuse", { "Refuse to stop, with the cost so far", "拒绝停止,并报告已发生费用" }, { 0 }, ARGUMENTS(ARGUMENT_TASK), OPTIONS(OPTION_MESSAGE,
        OPTION_CHARGE), .run = run_desk_abort_refuse },
    { 0 },
};
