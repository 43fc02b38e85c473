/*
 * What a broker says, and what is wrong with documents and words, in Chinese: the English text is the key. %s stands for a value
 * that stays as it is, %t for a part that is looked up itself. clients/cli/tests/words_test.py holds this list against the sources.
 */
#include "words.h"

#include <stdbool.h>
#include <string.h>

static const struct text words[] = {
    /* What is not there, not allowed or not possible. */
    { "no such request", "没有该请求" },
    { "no such task", "没有该任务" },
    { "no such service", "没有该服务" },
    { "no such party", "没有该机构" },
    { "no such name", "没有该名称" },
    { "no such status", "没有该状态" },
    { "no such field", "没有该字段" },
    { "no such member of this party", "该机构没有该成员" },
    { "your party does not have the role for this", "贵方没有所需角色" },
    { "your party may not perform this service", "贵方无权提供该服务" },
    { "only a performer names a task", "只有服务方可以指定任务" },
    { "only an operator names a request", "只有运营方可以指定请求" },
    { "only for operators and observers", "仅限运营方与观察方" },
    { "this key does not count (any more)", "该密钥无效或已失效" },
    { "this key does not count any more", "该密钥已失效" },
    { "an invitation can only enrol", "邀请密钥只能用于注册" },
    { "a key enrols its own member only", "密钥只能为其所属成员注册" },
    { "an operator cannot revoke its own party", "运营方不能吊销自己的机构" },
    { "another member than the one who did the work verifies it", "须由执行者以外的成员复核" },
    { "an operator holds it", "已由运营方挂起" },
    { "this field is reserved", "该字段保留未用" },
    { "this record is not for the broker", "该记录不是发给代理的" },
    /* Where a request or a task is. */
    { "it is finished", "已结束" },
    { "it is not held", "未被挂起" },
    { "it is on hold", "已挂起" },
    { "it is not to begin yet", "未到开始时间" },
    { "it waits before the next attempt", "正在等待下一次尝试" },
    { "it waits for a free provider", "正在等待空闲的服务方" },
    { "its attempts are exhausted: an operator requeues or fails it, or its requester closes it", "尝试次数已用尽:可由运营方重新排队或判为失败,或由请求方关闭" },
    { "its performer has it", "服务方正在办理" },
    { "its performer has it, and is not connected", "服务方已受理,但目前未连接" },
    { "its performer waits for the requester's reply", "服务方正在等待请求方答复" },
    { "its result waits for another member of its performer to verify it", "结果正在等待服务方另一成员复核" },
    { "no connected provider can perform it", "已连接的服务方均不能执行" },
    { "no provider offers this service now", "目前没有服务方提供该服务" },
    { "somebody works at it: cancel it", "正在办理:请改用取消" },
    { "it cannot be given back where it is", "目前状态不能归还" },
    { "it cannot be put on hold where it is", "目前状态不能挂起" },
    { "it has had as many tasks as a request may have", "该请求的任务数已达上限" },
    { "nobody asks", "没有待答复的询问" },
    { "nobody asks to abort this task", "没有人要求停止该任务" },
    { "there is no result to verify", "没有待复核的结果" },
    { "only a request whose attempts are exhausted can be requeued", "只有尝试次数已用尽的请求可以重新排队" },
    { "only a requested task can be accepted", "只有待接受的任务可以接受" },
    { "only a requested task can be rejected", "只有待接受的任务可以谢绝" },
    { "only an accepted task can be started", "只有已接受的任务可以开始" },
    { "only a task in progress can ask back", "只有进行中的任务可以询问" },
    { "only a task in progress can be completed", "只有进行中的任务可以完成" },
    { "only a task in progress can report progress", "只有进行中的任务可以报告进度" },
    { "only a task that was started can fail", "只有已开始的任务可以报告失败" },
    { "this task was assigned anew since", "该任务已另行分派" },
    /* Why a provider is not given it. */
    { "capable", "合格" },
    { "a constraint is not met", "有硬性条件不满足" },
    { "%s: not met", "%s:不满足" },
    { "%s: not offered", "%s:未提供" },
    { "%s: not confirmed", "%s:未经运营方确认" },
    { "constraints that this version does not know", "本版本不识别的硬性条件" },
    { "only verifies results", "只复核结果" },
    { "the request is directed to another party", "请求已指定其他机构" },
    { "excluded by the requester", "已被请求方排除" },
    { "provider is paused", "服务方已暂停" },
    { "provider is draining", "服务方正在排空" },
    { "no free capacity", "没有空闲容量" },
    { "asks for no more work now", "目前不再接任务" },
    /* Used up, full, later. */
    { "the service is paused", "服务已暂停" },
    { "the service is draining", "服务正在排空" },
    { "the service's line is full", "服务的队列已满" },
    { "the broker is behind", "代理积压,暂不接收" },
    { "the broker's disk is almost full", "代理的磁盘将满" },
    { "the broker holds as many requests as it may", "代理的请求数已达上限" },
    { "as many finished requests as may be wait for history", "等待写入历史的已结束请求已达上限" },
    { "your party has as many open requests as it may", "贵方未完成的请求已达上限" },
    { "your party has as many kept keys as it may", "贵方保留的键已达上限" },
    { "as many different business statuses as there may be", "不同的业务状态已达上限" },
    { "as many keys as a member may have", "该成员的密钥已达上限" },
    { "as many keys as there may be", "密钥已达上限" },
    { "as many offers as there may be", "供给已达上限" },
    { "as many parties as there may be", "机构已达上限" },
    { "as many producers as may be", "提交端已达上限" },
    { "as many watches as there may be", "跟踪已达上限" },
    { "too many tasks in hand to look through: name one service", "在办任务过多,无法逐一查看:请指定一项服务" },
    { "too many watches catch up", "正在追赶的跟踪过多" },
    { "too many questions wait", "等待答复的查询过多" },
    { "no memory for this now", "暂无足够内存" },
    { "the store cannot answer this now", "存储暂时无法答复" },
    { "the answer is larger than a frame", "答复超过一帧的大小" },
    { "more services, or more terms that open requests still use, than the core may hold", "服务或未完成请求所用的条款超过上限" },
    { "the old catalogue stays", "保留原有服务目录" },
    /* What was given is wrong. */
    { "%s: %t, got %t", "%s:%t(所给为%t)" },
    { "required", "必填" },
    { "at least %s", "至少 %s" },
    { "at most %s", "至多 %s" },
    { "a length of at least %s", "长度至少 %s" },
    { "a length of at most %s", "长度至多 %s" },
    { "an amount of at least %s", "金额至少 %s" },
    { "an amount of at most %s", "金额至多 %s" },
    { "a number of elements of at least %s", "元素至少 %s 个" },
    { "a number of elements of at most %s", "元素至多 %s 个" },
    { "one of %s", "以下之一:%s" },
    { "currency %s", "货币 %s" },
    { "a value", "一个值" },
    { "a string", "文本" },
    { "a string of at most 256 bytes", "不超过 256 字节的文本" },
    { "a number", "数值" },
    { "an integer of 64 bits", "64 位整数" },
    { "a decimal as text, such as \"97.85\"", "以文本表示的小数,如 \"97.85\"" },
    { "true or false", "true 或 false" },
    { "a date YYYY-MM-DD", "日期 YYYY-MM-DD" },
    { "a time of RFC 3339, such as 2026-03-01T08:00:00+08:00", "RFC 3339 时间,如 2026-03-01T08:00:00+08:00" },
    { "a time, in microseconds UTC", "以微秒计的 UTC 时间" },
    { "a time in the future, and after not_before", "晚于现在且晚于 not_before 的时间" },
    { "a list", "列表" },
    { "a map", "映射" },
    { "keys that are strings", "键为文本" },
    { "money: {amount, currency}", "金额:{amount, currency}" },
    { "money: {amount: integer of minor units, currency: three capital letters}", "金额:{amount: 以分等最小单位计的整数, currency: 三个大写字母}" },
    { "an amount is minor units and the three capital letters of its currency", "金额须同时给出最小单位的数额与货币的三个大写字母" },
    { "a range [lo, hi]", "区间 [下限, 上限]" },
    { "a point [latitude, longitude]", "位置 [纬度, 经度]" },
    { "a number or [lo, hi]", "数值或 [下限, 上限]" },
    { "a string or a list of at most 32 strings", "文本,或至多 32 个文本的列表" },
    { "a list of at most 32 strings", "至多 32 个文本的列表" },
    { "a list of at most 32 numbers", "至多 32 个数值的列表" },
    { "a list of at most 32 dates", "至多 32 个日期的列表" },
    { "a list of at most 64 strings of at most 64 bytes", "至多 64 个文本的列表,每个不超过 64 字节" },
    { "[attribute, op, value]", "[属性, 运算, 值]" },
    { "a list of [attribute, op, value]", "由 [属性, 运算, 值] 组成的列表" },
    { "[latitude, longitude, km]", "[纬度, 经度, 千米]" },
    { "eq, ne, in, ge, le, has or near", "运算 eq、ne、in、ge、le、has 或 near" },
    { "an op for a %s", "适用于 %s 的运算" },
    { "an attribute of this service", "该服务的属性" },
    { "at most 16 constraints in 2048 bytes", "至多 16 个条件,共 2048 字节" },
    { "at most 2048 bytes", "至多 2048 字节" },
    { "at most 32 attributes", "至多 32 个属性" },
    { "text, number, boolean, list of strings, [lo, hi] or [lat, lon]", "文本、数值、布尔、文本列表、[下限, 上限] 或 [纬度, 经度]" },
    { "a name of lower-case letters, digits, '-' and '_'", "由小写字母、数字、'-' 与 '_' 组成的名称" },
    { "letters, digits, and after the first . - _ @", "字母与数字,首字符之后可用 . - _ @" },
    { "a name is needed", "须给出名称" },
    { "32 bytes", "32 字节" },
    { "32 bytes are needed", "须为 32 字节" },
    { "from 0 to 1", "取值 0 至 1" },
    { "not below zero", "不得小于零" },
    { "latitude -90..90, longitude -180..180", "纬度 -90..90,经度 -180..180" },
    { "requester, performer, operator or observer", "requester、performer、operator 或 observer" },
    { "a service, or prefix.*", "服务名,或前缀.*" },
    { "service names, or prefix.*", "服务名,或前缀.*" },
    { "either a service or a party", "服务与机构须给出其一,且只给一个" },
    { "either a key, or a producer and a pseq, both from 1", "须给出键,或均自 1 起的提交端与序号" },
    { "not one of the outcomes of this service", "不是该服务的结论取值" },
    { "more bytes than this service takes", "超过该服务允许的字节数" },
    { "not a cursor of this broker", "不是该代理的翻页游标" },
    { "a watch needs a number of its own", "跟踪须有自己的编号" },
    { "the request is directed to this party", "请求已指定该机构" },
    { "this key was used for another request", "该键已用于另一请求" },
    { "this key is taken", "该密钥已被占用" },
    { "this party is there already", "该机构已存在" },
    { "this number is below the producer's window", "序号已低于提交端的窗口" },
    /* What was got instead. */
    { "absent", "缺失" },
    { "nothing", "无" },
    { "null", "空值" },
    { "boolean", "布尔" },
    { "integer", "整数" },
    { "number", "数值" },
    { "string", "文本" },
    { "bytes", "字节串" },
    { "list", "列表" },
    { "map", "映射" },
    { "money", "金额" },
    { "more", "更多" },
    { "another", "其他" },
    { "another currency", "其他货币" },
    { "another shape", "其他形式" },
    { "another type", "其他类型" },
    { "another type or value", "其他类型或值" },
    { "an unknown one", "未知" },
    { "one for other types", "用于其他类型的" },
    /* Of connections. */
    { "this broker speaks QSRP/1", "该代理使用 QSRP/1" },
    { "say hello first", "须先发 hello" },
    { "this broker's journal ends before what you were told", "该代理的日志短于您已获知的内容" },
    { "too many connections", "连接过多" },
    { "too many connections of this key", "该密钥的连接过多" },
    { "do not set a routing id", "请勿设置路由标识" },
    { "a frame is one message part with records in it", "一帧为一个含记录的消息部分" },
    { "the frame is over the limit", "帧超过上限" },
    { "too many records in one frame", "一帧中的记录过多" },
    { "too many malformed records", "格式错误的记录过多" },
    { "only a broker sends this record", "只有代理发送该记录" },
    /* What the library says of its caller's words and of how a call ended. */
    { "longer than the limit", "超过长度上限" },
    { "not a finite number", "不是有限的数" },
    { "the text is not UTF-8", "文本不是 UTF-8" },
    { "outside the limits of the protocol", "超出协议限制" },
    { "the record does not fit into one frame", "记录超过一帧的大小" },
    { "the offer is outside the limits of the protocol", "供给超出协议限制" },
    { "an offer names a service of at most 64 bytes", "供给须指定服务,不超过 64 字节" },
    { "a party is added, granted, revoked or given a quota", "机构的操作为添加、授予、吊销或配额" },
    { "an invitation names a party", "邀请须指定机构" },
    { "an invitation names a member", "邀请须指定成员" },
    { "an act names its task and fence", "操作须指定任务与栅栏号" },
    { "no such act, or its list of fields is too long", "没有该操作,或字段列表过长" },
    { "a submission names a service; input and body have limits", "提交须指定服务;输入与正文有长度上限" },
    { "a list of parties is too long", "机构列表过长" },
    { "more statuses than there are", "状态过多" },
    { "no such scope", "没有该范围" },
    { "the broker's journal ends before what it once told this client", "代理的日志短于它曾告知本程序的内容" },
    { "the broker does not accept this key", "代理不接受该密钥" },
    { "done", "完成" },
    { "the broker could not read the record", "代理无法读取该记录" },
    { "the broker does not know this kind of record, or speaks another version", "代理不识别此类记录,或版本不同" },
    { "this party, role or key is not allowed to do that", "该机构、角色或密钥无权进行此操作" },
    { "there is no such thing for this party", "贵方没有该对象" },
    { "it contradicts what the broker already has", "与代理已有的内容冲突" },
    { "the fence is an old one: the task is no longer held", "栅栏号已过时:任务已不在手中" },
    { "a field is wrong", "字段有误" },
    { "a field, the body or the record is too large", "字段、正文或记录过大" },
    { "a quota of this party is used up", "贵方的配额已用尽" },
    { "the broker cannot take it now; nothing was stored", "代理目前不能接收;未存储" },
    { "nothing came in time", "未在时限内收到" },
    { "it was sent, but the answer never came: it may or may not have been done", "已发送但未收到答复:可能已生效,也可能没有" },
    { "no broker answered", "没有代理应答" },
    { "the broker ended the connection", "代理已结束连接" },
    { "the call's own arguments are wrong; nothing was sent", "参数有误;未发送" },
    { "too much is under way at once; take events first", "同时进行的过多;请先处理事件" },
    { "there is no memory", "内存不足" },
    { "a system call failed", "系统调用失败" },
    { "the context cannot be used", "连接配置不可用" },
    { "a result that this library does not know", "未知的结果" },
    /* What is wrong with a context. */
    { "none is current: import an invitation, or set QIAO_CONTEXT", "尚未选定:请导入邀请,或设置 QIAO_CONTEXT" },
    { "others may read this secret key: chmod 600 it", "他人可读取该私钥:请执行 chmod 600" },
    { "not a name for a context", "不能用作上下文名称" },
    { "not a name for a context, or no home directory", "不能用作上下文名称,或没有主目录" },
    { "no home directory", "没有主目录" },
    { "this is a context, not an invitation", "这是上下文,不是邀请" },
    { "there is such a context already", "已有同名上下文" },
    { "the new key is damaged", "新密钥已损坏" },
    { "expected key = value", "应为 键 = 值" },
    { "%s is longer than %s bytes, or holds a NUL", "%s 超过 %s 字节,或含 NUL" },
    { "%s is not %s characters of Z85", "%s 不是 %s 个 Z85 字符" },
    { "%s is not a whole number", "%s 不是整数" },
    { "%s stands here for the second time", "%s 重复出现" },
    { "more than %s bytes", "超过 %s 字节" },
    { "an endpoint and either all three keys or none are needed", "须有地址,且三个密钥须全部给出或全部省略" },
    { "no endpoint", "缺少地址" },
    { "server_key, public_key and secret_key belong together", "server_key、public_key 与 secret_key 须同时给出" },
    /* What is wrong with a document, or with the words of the command line. */
    { "expected %t, found '%s'", "应为 %t,实为 '%s'" },
    { "expected %t, found a %t", "应为 %t,实为 %t" },
    { "expected one of routine, urgent, asap, stat", "应为 routine、urgent、asap、stat 之一" },
    { "expected none or any", "应为 none 或 any" },
    { "expected an integer from 1 to 1000000", "应为 1 至 1000000 的整数" },
    { "expected a time such as 2026-12-01T09:00:00+08:00 or +2h", "应为时间,如 2026-12-01T09:00:00+08:00 或 +2h" },
    { "expected latitude and longitude in degrees, such as [39.8, 116.5]", "应为以度表示的纬度与经度,如 [39.8, 116.5]" },
    { "a text (UTF-8)", "文本(UTF-8)" },
    { "an integer", "整数" },
    { "a decimal such as 97.85", "小数,如 97.85" },
    { "a date such as 2026-11-30", "日期,如 2026-11-30" },
    { "a time such as 2026-11-30T09:00:00+08:00", "时间,如 2026-11-30T09:00:00+08:00" },
    { "an amount with its currency such as 1250.00 CNY", "带货币的金额,如 1250.00 CNY" },
    { "larger than %s bytes", "超过 %s 字节" },
    { "cannot be read", "无法读取" },
    { "no memory", "内存不足" },
    { "not YAML", "不是 YAML" },
    { "a NUL character is not allowed", "不允许 NUL 字符" },
    { "a name must be a text", "名称须为文本" },
    { "the name is not UTF-8", "名称不是 UTF-8" },
    { "stands twice", "重复出现" },
    { "nested too deep", "嵌套过深" },
    { "too many values", "值过多" },
    { "is missing", "缺失" },
    { "%s is missing", "缺少 %s" },
    { "at most 16 parties", "至多 16 个机构" },
    { "there is a body already", "已有正文" },
    { "too large (16 KiB) or too deep (8 levels)", "过大(16 KiB)或嵌套过深(8 层)" },
    { "too large or too deep", "过大或嵌套过深" },
    { "no such field; qiao help document lists them", "没有该字段;qiao help document 可列出" },
    { "not a path of names", "不是由名称组成的路径" },
    { "--%s: '%s' is not NAME=VALUE", "--%s: '%s' 不是 NAME=VALUE" },
    { "--%s: '%s' is not %t", "--%s: '%s' 应为 %t" },
    { "--require: '%s' is not ATTRIBUTE OP VALUE", "--require: '%s' 不是 ATTRIBUTE OP VALUE" },
    { "--require: the words must be UTF-8", "--require: 须为 UTF-8" },
    { "--require: the document's require is no list", "--require: 文档中的 require 不是列表" },
    { "--%s: the text is not UTF-8", "--%s: 文本不是 UTF-8" },
    { "a whole number, not negative", "非负整数" },
    { "a duration such as 90s, 5m, 2h30m, 3d", "时长,如 90s、5m、2h30m、3d" },
    { "a time such as 2026-12-01T09:00:00+08:00, 2026-12-01 or +2h", "时间,如 2026-12-01T09:00:00+08:00、2026-12-01 或 +2h" },
    { "unknown option --%s", "未知选项 --%s" },
    { "unknown option -%s", "未知选项 -%s" },
    { "unknown command '%s'", "未知命令 '%s'" },
    { "--%s takes no value", "--%s 不带值" },
    { "--%s wants a value: %s", "--%s 须带值:%s" },
    { "-%s wants a value: %s", "-%s 须带值:%s" },
    { "unexpected '%s'", "多余的 '%s'" },
    { "too many options (at most %s)", "选项过多(至多 %s 个)" },
    { "too many words (at most %s)", "词过多(至多 %s 个)" },
    /* Reasons of a status. */
    { "none", "无" },
    { "missing", "缺失" },
    { "misidentified", "标识有误" },
    { "equipment-issue", "设备问题" },
    { "environmental-issue", "环境问题" },
    { "personnel-issue", "人员问题" },
    { "lease-expired", "租期已过" },
    { "released", "已归还" },
    { "accept-by-expired", "接受时限已过" },
    { "start-by-expired", "开始时限已过" },
    { "attempt-expired", "执行时限已过" },
    { "complete-by-expired", "完成时限已过" },
    { "attempts-exhausted", "尝试次数已用尽" },
    { "rejected-by-performer", "服务方谢绝" },
    { "failed-by-performer", "服务方报告失败" },
    { "cancelled-by-requester", "请求方取消" },
    { "abort-agreed", "已同意停止" },
    { "abort-refused", "拒绝停止" },
    { "held-by-performer", "服务方挂起" },
    { "held-by-operator", "运营方挂起" },
    { "requeued-by-operator", "运营方重新排队" },
    { "failed-by-operator", "运营方判为失败" },
    { "awaiting-information", "等待补充信息" },
    { "to-be-verified", "等待复核" },
    { "verification-refused", "复核未通过" },
    { "superseded", "已被取代" },
    { "closed-by-requester", "请求方关闭" },
    { "not-before", "未到开始时间" },
    { "no-capable-provider", "没有合格的服务方" },
    { "provider-drained", "服务方排空" },
    { "provider-revoked", "服务方被吊销" },
    { "service-paused", "服务暂停" },
    { "provider-paused", "服务方暂停" },
};

enum { PARTS_MAX = 4, DEPTH_MAX = 3 };

struct part {
    const char *p;
    size_t n;
};

static bool
is_part(const char *p)
{
    return p[0] == '%' && (p[1] == 's' || p[1] == 't');
}

/* What the values of a pattern stand for in a text. The first %s is as short as may be, a %t as long. */
static bool
matches(const char *pattern, const char *text, size_t n, struct part *parts)
{
    while (*pattern && !is_part(pattern)) {
        if (n == 0 || *pattern++ != *text++)
            return false;
        n--;
    }
    if (!*pattern)
        return n == 0;
    for (size_t i = 1; i <= n; i++) {
        parts->p = text;
        parts->n = pattern[1] == 's' ? i : n + 1 - i;
        if (matches(pattern + 2, text + parts->n, n - parts->n, parts + 1))
            return true;
    }
    return false;
}

static bool
text_put(char *buf, size_t size, size_t *used, const char *p, size_t n)
{
    if (n >= size - *used)
        return false;
    memcpy(buf + *used, p, n);
    *used += n;
    buf[*used] = '\0';
    return true;
}

static bool words_put(const char *text, size_t n, int depth, char *buf, size_t size, size_t *used);

static bool
parts_put(const char *chinese, const struct part *parts, int depth, char *buf, size_t size, size_t *used)
{
    for (const char *p = chinese; *p;) {
        size_t plain = 0;
        while (p[plain] && !is_part(p + plain))
            plain++;
        if (!text_put(buf, size, used, p, plain))
            return false;
        p += plain;
        if (!*p)
            break;
        if (p[1] == 't' ? !words_put(parts->p, parts->n, depth + 1, buf, size, used) : !text_put(buf, size, used, parts->p, parts->n))
            return false;
        parts++;
        p += 2;
    }
    return true;
}

/* The sentence that a text is, whole; NULL: none. */
static const struct text *
words_find(const char *text, size_t n, struct part *parts)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i].en) == n && memcmp(words[i].en, text, n) == 0 && !strchr(words[i].en, '%'))
            return &words[i];
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strchr(words[i].en, '%') && matches(words[i].en, text, n, parts))
            return &words[i];
    return NULL;
}

/* False: no room for it. */
static bool
words_put(const char *text, size_t n, int depth, char *buf, size_t size, size_t *used)
{
    struct part parts[PARTS_MAX];
    const struct text *found = depth < DEPTH_MAX ? words_find(text, n, parts) : NULL;
    return found ? parts_put(found->zh, parts, depth, buf, size, used) : text_put(buf, size, used, text, n);
}

const char *
words_in(const char *english, enum lang lang, char *buf, size_t size)
{
    size_t used = 0;
    if (lang != LANG_ZH || size == 0 || !words_put(english, strlen(english), 0, buf, size, &used))
        return english;
    return buf;
}

const char *
words_of_line(const char *english, enum lang lang, char *buf, size_t size)
{
    struct part parts[PARTS_MAX];
    for (const char *p = english; lang == LANG_ZH && size > 0; p += 2) {
        size_t n = strlen(p), used = 0;
        if (words_find(p, n, parts))
            return text_put(buf, size, &used, english, (size_t)(p - english)) && words_put(p, n, 0, buf, size, &used) ? buf : english;
        p = strstr(p, ": ");
        if (!p)
            break;
    }
    return english;
}
