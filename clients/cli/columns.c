/* Which members of a row a table shows, and under what title. The first column is what --quiet prints. */
#include "rows.h"

const struct column columns_request[] = {
    { "id", { "ID", "编号" }, COLUMN_TEXT, false },
    { "service", { "SERVICE", "服务" }, COLUMN_TEXT, false },
    { "status", { "STATUS", "状态" }, COLUMN_STATUS, false },
    { "reason", { "REASON", "原因" }, COLUMN_WORDS, false },
    { "business_status", { "BUSINESS STATUS", "业务状态" }, COLUMN_TEXT, true },
    { "outcome", { "OUTCOME", "结论" }, COLUMN_TEXT, false },
    { "progress", { "DONE", "进度" }, COLUMN_PERCENT, false },
    { "priority", { "PRIORITY", "优先级" }, COLUMN_TEXT, false },
    { "requester", { "REQUESTER", "请求方" }, COLUMN_TEXT, true },
    { "performer", { "PERFORMER", "服务方" }, COLUMN_TEXT, false },
    { "member", { "MEMBER", "成员" }, COLUMN_TEXT, true },
    { "verifier", { "VERIFIED BY", "复核人" }, COLUMN_TEXT, true },
    { "verified_on", { "VERIFIED ON", "复核时间" }, COLUMN_TIME, true },
    { "subject", { "SUBJECT", "对象" }, COLUMN_TEXT, true },
    { "key", { "KEY", "键" }, COLUMN_TEXT, true },
    { "attempt", { "ATTEMPT", "尝试" }, COLUMN_NUMBER, true },
    { "charge", { "CHARGE", "费用" }, COLUMN_MONEY, true },
    { "message", { "MESSAGE", "说明" }, COLUMN_TEXT, true },
    { "authored_on", { "AUTHORED", "提交时间" }, COLUMN_TIME, false },
    { "last_modified", { "LAST MODIFIED", "最后变更" }, COLUMN_TIME, true },
    { "not_before", { "NOT BEFORE", "最早开始" }, COLUMN_TIME, true },
    { "complete_by", { "COMPLETE BY", "要求完成" }, COLUMN_TIME, true },
    { "task", { "TASK", "任务" }, COLUMN_TEXT, true },
    { "fence", { "FENCE", "栅栏号" }, COLUMN_TEXT, true },
    { "body_bytes", { "BODY BYTES", "正文字节" }, COLUMN_NUMBER, true },
    { "input", { "INPUT", "输入" }, COLUMN_MAP, true },
    { "output", { "OUTPUT", "结果" }, COLUMN_MAP, true },
    { 0 },
};

const struct column columns_task[] = {
    { "task", { "TASK", "任务" }, COLUMN_TEXT, false },
    { "service", { "SERVICE", "服务" }, COLUMN_TEXT, false },
    { "status", { "STATUS", "状态" }, COLUMN_STATUS, false },
    { "business_status", { "BUSINESS STATUS", "业务状态" }, COLUMN_TEXT, false },
    { "reason", { "REASON", "原因" }, COLUMN_WORDS, false },
    { "outcome", { "OUTCOME", "结论" }, COLUMN_TEXT, false },
    { "progress", { "DONE", "进度" }, COLUMN_PERCENT, false },
    { "priority", { "PRIORITY", "优先级" }, COLUMN_TEXT, false },
    { "requester", { "REQUESTER", "请求方" }, COLUMN_TEXT, false },
    { "subject", { "SUBJECT", "对象" }, COLUMN_TEXT, false },
    { "complete_by", { "COMPLETE BY", "要求完成" }, COLUMN_TIME, false },
    { 0 },
};

const struct column columns_transition[] = {
    { "at", { "AT", "时间" }, COLUMN_TIME, false },
    { "event", { "EVENT", "事件" }, COLUMN_TEXT, false },
    { "was", { "WAS", "原状态" }, COLUMN_STATUS, false },
    { "status", { "STATUS", "状态" }, COLUMN_STATUS, false },
    { "reason", { "REASON", "原因" }, COLUMN_WORDS, false },
    { "business_status", { "BUSINESS STATUS", "业务状态" }, COLUMN_TEXT, false },
    { "attempt", { "ATTEMPT", "尝试" }, COLUMN_NUMBER, false },
    { "party", { "PARTY", "机构" }, COLUMN_TEXT, false },
    { "member", { "MEMBER", "成员" }, COLUMN_TEXT, false },
    { "message", { "MESSAGE", "说明" }, COLUMN_TEXT, false },
    { 0 },
};

const struct column columns_service[] = {
    { "service", { "SERVICE", "服务" }, COLUMN_TEXT, false },
    { "title", { "TITLE", "英文名" }, COLUMN_TEXT, false },
    { "title_zh", { "TITLE (ZH)", "中文名" }, COLUMN_TEXT, false },
    { "category", { "CATEGORY", "类别" }, COLUMN_TEXT, false },
    { "description", { "DESCRIPTION", "说明" }, COLUMN_TEXT, true },
    { "pattern", { "PATTERN", "模式" }, COLUMN_TEXT, false },
    { "tenure", { "TENURE", "归属" }, COLUMN_TEXT, false },
    { "policy", { "POLICY", "策略" }, COLUMN_TEXT, false },
    { "verify", { "VERIFY", "复核" }, COLUMN_YES, false },
    { "attempts", { "ATTEMPTS", "尝试上限" }, COLUMN_NUMBER, true },
    { "accept_by_s", { "ACCEPT WITHIN", "接受时限" }, COLUMN_DURATION, true },
    { "start_by_s", { "START WITHIN", "开始时限" }, COLUMN_DURATION, true },
    { "attempt_s", { "ATTEMPT WITHIN", "执行时限" }, COLUMN_DURATION, true },
    { "complete_by_s", { "COMPLETE WITHIN", "完成时限" }, COLUMN_DURATION, false },
    { "currency", { "CURRENCY", "计价货币" }, COLUMN_TEXT, true },
    { "outcomes", { "OUTCOMES", "结论取值" }, COLUMN_LIST, true },
    { 0 },
};

const struct column columns_field[] = {
    { "name", { "NAME", "字段" }, COLUMN_TEXT, false },
    { "type", { "TYPE", "类型" }, COLUMN_TEXT, false },
    { "items", { "ITEMS", "元素" }, COLUMN_TEXT, false },
    { "unit", { "UNIT", "单位" }, COLUMN_TEXT, false },
    { "required", { "REQUIRED", "必填" }, COLUMN_YES, false },
    { "confirmed", { "CONFIRMED", "须经确认" }, COLUMN_YES, false },
    { "min", { "MIN", "最小" }, COLUMN_NUMBER, false },
    { "max", { "MAX", "最大" }, COLUMN_NUMBER, false },
    { "enum", { "ONE OF", "取值" }, COLUMN_LIST, false },
    { "doc", { "MEANING", "含义" }, COLUMN_TEXT, false },
    { 0 },
};

const struct column columns_candidate[] = {
    { "party", { "PROVIDER", "服务方" }, COLUMN_TEXT, false },
    { "matches", { "CAPABLE", "合格" }, COLUMN_YES, false },
    { "free", { "FREE", "空闲" }, COLUMN_NUMBER, false },
    { "running", { "RUNNING", "在办" }, COLUMN_NUMBER, false },
    { "why", { "WHY", "原因" }, COLUMN_WORDS, false },
    { 0 },
};

const struct column columns_queue[] = {
    { "service", { "SERVICE", "服务" }, COLUMN_TEXT, false },
    { "depth", { "WAITING", "等待" }, COLUMN_NUMBER, false },
    { "oldest_s", { "OLDEST", "最久" }, COLUMN_DURATION, false },
    { "running", { "RUNNING", "在办" }, COLUMN_NUMBER, false },
    { "held", { "ON HOLD", "挂起" }, COLUMN_NUMBER, false },
    { "providers", { "PROVIDERS", "服务方" }, COLUMN_NUMBER, false },
    { "free", { "FREE", "空闲" }, COLUMN_NUMBER, false },
    { "unmatched", { "UNMATCHED", "无合格方" }, COLUMN_NUMBER, false },
    { "finished", { "FINISHED", "已结束" }, COLUMN_NUMBER, false },
    { "paused", { "PAUSED", "暂停" }, COLUMN_YES, false },
    { "draining", { "DRAINING", "排空" }, COLUMN_YES, false },
    { 0 },
};

const struct column columns_worker[] = {
    { "worker", { "WORKER", "执行程序" }, COLUMN_TEXT, false },
    { "party", { "PARTY", "机构" }, COLUMN_TEXT, false },
    { "member", { "MEMBER", "成员" }, COLUMN_TEXT, false },
    { "service", { "SERVICE", "服务" }, COLUMN_TEXT, false },
    { "capacity", { "CAPACITY", "容量" }, COLUMN_NUMBER, false },
    { "running", { "RUNNING", "在办" }, COLUMN_NUMBER, false },
    { "credit", { "CREDIT", "额度" }, COLUMN_NUMBER, false },
    { "paused", { "PAUSED", "暂停" }, COLUMN_YES, false },
    { "since", { "SINCE", "起始" }, COLUMN_TIME, false },
    { "last_seen", { "LAST SEEN", "最近" }, COLUMN_TIME, false },
    { 0 },
};

const struct column columns_stat[] = {
    { "name", { "NAME", "指标" }, COLUMN_TEXT, false },
    { "value", { "VALUE", "值" }, COLUMN_NUMBER, false },
    { "unit", { "UNIT", "单位" }, COLUMN_TEXT, false },
    { "help", { "MEANING", "含义" }, COLUMN_TEXT, false },
    { 0 },
};

const struct column columns_party[] = {
    { "party", { "PARTY", "机构" }, COLUMN_TEXT, false },
    { "title", { "TITLE", "名称" }, COLUMN_TEXT, false },
    { "member", { "MEMBER", "成员" }, COLUMN_TEXT, false },
    { "roles", { "ROLES", "角色" }, COLUMN_LIST, false },
    { "services", { "SERVICES", "服务" }, COLUMN_LIST, false },
    { "open", { "OPEN", "未完成" }, COLUMN_NUMBER, false },
    { "quota", { "QUOTA", "配额" }, COLUMN_NUMBER, false },
    { "revoked", { "REVOKED", "已吊销" }, COLUMN_YES, false },
    { "expires", { "EXPIRES", "到期" }, COLUMN_TIME, false },
    { "key", { "KEY", "公钥" }, COLUMN_TEXT, false },
    { 0 },
};

const struct column columns_receipt[] = {
    { "id", { "request", "请求" }, COLUMN_TEXT, false },
    { "task", { "task", "任务" }, COLUMN_TEXT, false },
    { "status", { "status", "状态" }, COLUMN_STATUS, false },
    { "business_status", { "business status", "业务状态" }, COLUMN_TEXT, false },
    { "duplicate", { "known already", "重复提交" }, COLUMN_YES, false },
    { "message", { "message", "说明" }, COLUMN_TEXT, false },
    { 0 },
};
