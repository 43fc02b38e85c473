/* The table of commands: its sections, the options that all commands take, and the exit codes. */
#include "table.h"

const struct command_group command_groups[] = {
    { { "Requests", "请求方" }, table_requester },
    { { "Providers", "服务方" }, table_desk },
    { { "Operators", "运营方" }, table_operator },
    { { "This program", "本程序" }, table_setup },
    { { 0 }, NULL },
};

const struct option common_options[] = {
    { "context", 'c', OPTION_CONTEXT, .value = "NAME",
        .help = { "broker and key to use, by name or file (default: $QIAO_CONTEXT, then the current one)",
        "使用的连接配置,名称或文件(默认 $QIAO_CONTEXT,其次当前配置)" } },
    { "json", 'j', OPTION_FLAG, .help = { "JSON: indented on a terminal, one object a line when piped", "输出 JSON:终端上缩进,管道中每行一个对象" } },
    { "quiet", 'q', OPTION_FLAG, .help = { "only ids or names, one a line", "只输出编号或名称,每行一个" } },
    { "timeout", 0, OPTION_DURATION, .value = "DURATION", .help = { "how long to wait for the broker's answer (default 10s)", "等待代理应答的时长(默认 10s)" } },
    { "utc", 0, OPTION_FLAG, .help = { "show times in UTC instead of the local zone", "以 UTC 显示时间" } },
    { "lang", 0, OPTION_CHOICE, .choices = "en|zh", .help = { "language of help and titles (default: by the locale)", "帮助与表头的语言(默认随区域设置)" } },
    { "no-color", 0, OPTION_FLAG, .help = { "no colours, also without a NO_COLOR variable", "不使用颜色" } },
    { "help", 'h', OPTION_FLAG, .help = { "say how the command is used", "显示帮助" } },
    { 0 },
};

const struct exit_row exit_rows[] = {
    { EXIT_DONE, true, { "done", "成功" } },
    { EXIT_FAILED, false, { "the request that was waited for has failed or was rejected", "所等待的请求失败或被拒绝" } },
    { EXIT_CANCELLED, false, { "the request that was waited for was cancelled", "所等待的请求已取消" } },
    { EXIT_NOT_FOUND, true, { "no such request, task, service, party or member (another party's ids look the same)", "没有该请求、任务、服务、机构或成员" } },
    { EXIT_CONFLICT, true, { "in conflict: the key was used with other content, or the status does not allow it", "冲突:该键已用于其他内容,或当前状态不允许" } },
    { EXIT_STALE, true, { "stale: the task was assigned again meanwhile; nothing changed", "已过时:任务已另行分派,未作改变" } },
    { EXIT_ON_HOLD, false, { "the request that was waited for is on hold: it waits for your reply, or its attempts are exhausted",
        "所等待的请求被挂起:等待您的答复,或尝试次数已用尽" } },
    { EXIT_USAGE, true, { "wrong usage of this program", "用法错误" } },
    { EXIT_DATA, true, { "the document or a value in it is not valid", "文档或其中的值无效" } },
    { EXIT_NO_INPUT, true, { "a file that was named cannot be read", "无法读取指定的文件" } },
    { EXIT_UNREACHABLE, true, { "the broker cannot be reached", "无法连接代理" } },
    { EXIT_INTERNAL, true, { "an error inside this program", "程序内部错误" } },
    { EXIT_SYSTEM, true, { "the system refused something, such as memory or a process", "系统拒绝,例如内存或进程" } },
    { EXIT_CANNOT_CREATE, true, { "a file cannot be written", "无法写入文件" } },
    { EXIT_UNCERTAIN, true, { "the answer was lost: it may have been done; repeating it with the same --key settles it",
        "应答丢失:可能已生效;以相同 --key 重试即可确定" } },
    { EXIT_RETRY_LATER, true, { "not now: the broker is full, a quota is reached; nothing was stored, try later", "暂不受理:已满或超出配额;未存储,请稍后再试" } },
    { EXIT_PROTOCOL, true, { "the broker does not support this, or this program sent something malformed", "代理不支持,或本程序发送了错误格式" } },
    { EXIT_FORBIDDEN, true, { "your party may not do this, or the key is unknown or revoked", "贵机构无权执行,或密钥未知或已吊销" } },
    { EXIT_CONFIG, true, { "the context is missing or wrong", "连接配置缺失或错误" } },
    { EXIT_TIMED_OUT, false, { "the time given by --wait-at-most is over; the request goes on", "等待时间已到;请求仍在进行" } },
    { EXIT_INTERRUPTED, false, { "interrupted by a signal", "被信号中断" } },
    { 0, false, { 0 } },
};
