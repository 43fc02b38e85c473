/* Words and numbers of <qiao/types.h>. The words come from the protocol's tables; that the numbers agree is checked here. */
#include "lib/internal.h"
#include "proto/id.h"

_Static_assert((int)QIAO_RETRY_LATER == (int)PROTO_REFUSAL_CODE_RETRY_LATER && (int)QIAO_MALFORMED == (int)PROTO_REFUSAL_CODE_MALFORMED, "refusals");
_Static_assert((int)QIAO_TASK_ENTERED_IN_ERROR == (int)PROTO_STATUS_ENTERED_IN_ERROR, "statuses");
_Static_assert((int)QIAO_STAT == (int)PROTO_PRIORITY_STAT, "priorities");
_Static_assert((int)QIAO_OWNED == (int)PROTO_TENURE_OWNED, "tenures");
_Static_assert((int)QIAO_KIND_ANSWER == (int)PROTO_TASK_KIND_ANSWER, "task kinds");
_Static_assert((int)QIAO_FALLBACK_ANY == (int)PROTO_FALLBACK_ANY, "fallbacks");
_Static_assert((int)QIAO_SCOPE_ALL == (int)PROTO_SCOPE_ALL, "scopes");
_Static_assert((int)QIAO_PREFERRED == (int)PROTO_POLICY_PREFERRED, "policies");
_Static_assert((int)QIAO_PIPELINE == (int)PROTO_PATTERN_PIPELINE, "patterns");
_Static_assert((int)QIAO_NOTIFY_OUTCOME == (int)PROTO_NOTIFY_OUTCOME && (int)QIAO_NOTIFY_ALL == (int)PROTO_NOTIFY_ALL, "notify");
_Static_assert((int)QIAO_REASON_PROVIDER_PAUSED == (int)PROTO_REASON_PROVIDER_PAUSED, "reasons");
_Static_assert((int)QIAO_PAGE_TASK == (int)PROTO_PAGE_KIND_TASK, "page kinds");
_Static_assert((int)QIAO_PARTY_QUOTA == (int)PROTO_PARTY_ACTION_QUOTA, "party actions");
_Static_assert(QIAO_ID_CHARS == PROTO_ID_CHARS, "ids");

struct status_row {
    enum qiao_status status;
    const char *name;
    const char *text;
};

static const struct status_row STATUSES[] = {
    {QIAO_OK, "ok", "done"},
    {QIAO_MALFORMED, "malformed", "the broker could not read the record"},
    {QIAO_UNSUPPORTED, "unsupported", "the broker does not know this kind of record, or speaks another version"},
    {QIAO_FORBIDDEN, "forbidden", "this party, role or key is not allowed to do that"},
    {QIAO_NOT_FOUND, "not-found", "there is no such thing for this party"},
    {QIAO_CONFLICT, "conflict", "it contradicts what the broker already has"},
    {QIAO_STALE, "stale", "the fence is an old one: the task is no longer held"},
    {QIAO_INVALID, "invalid", "a field is wrong"},
    {QIAO_TOO_LARGE, "too-large", "a field, the body or the record is too large"},
    {QIAO_QUOTA, "quota", "a quota of this party is used up"},
    {QIAO_RETRY_LATER, "retry-later", "the broker cannot take it now; nothing was stored"},
    {QIAO_TIMEOUT, "timeout", "nothing came in time"},
    {QIAO_UNCERTAIN, "uncertain", "it was sent, but the answer never came: it may or may not have been done"},
    {QIAO_UNREACHABLE, "unreachable", "no broker answered"},
    {QIAO_CLOSED, "closed", "the broker ended the connection"},
    {QIAO_ARGUMENT, "argument", "the call's own arguments are wrong; nothing was sent"},
    {QIAO_FULL, "full", "too much is under way at once; take events first"},
    {QIAO_NO_MEMORY, "no-memory", "there is no memory"},
    {QIAO_SYSTEM, "system", "a system call failed"},
    {QIAO_CONTEXT, "context", "the context cannot be used"},
};

static const struct status_row *
status_row(enum qiao_status status)
{
    for (size_t at = 0; at < sizeof STATUSES / sizeof *STATUSES; at++) {
        if (STATUSES[at].status == status) {
            return &STATUSES[at];
        }
    }
    return NULL;
}

const char *
qiao_status_text(enum qiao_status status)
{
    const struct status_row *row = status_row(status);

    return row ? row->text : "a result that this library does not know";
}

const char *
qiao_status_name(enum qiao_status status)
{
    const struct status_row *row = status_row(status);

    return row ? row->name : "";
}

void
qiao_id_text(qiao_id id, char out[QIAO_ID_CHARS + 1])
{
    proto_id_text(id, out);
}

bool
qiao_id_parse(const char *text, qiao_id *out_id)
{
    return text && proto_id_parse(text, strnlen(text, QIAO_ID_CHARS + 1), out_id);
}

/* A request's counter is a multiple of 64; its tasks are the 63 numbers behind it. */
qiao_id
qiao_request_of(qiao_id task)
{
    return task & ~UINT64_C(63);
}

static const char *
name_of(enum proto_enum table, unsigned number)
{
    const char *name = proto_enum_name(table, number);

    return name ? name : "";
}

const char *
qiao_task_status_name(enum qiao_task_status status)
{
    return name_of(PROTO_ENUM_STATUS, status);
}

const char *
qiao_priority_name(enum qiao_priority priority)
{
    return name_of(PROTO_ENUM_PRIORITY, priority);
}

const char *
qiao_reason_name(enum qiao_reason reason)
{
    return reason == QIAO_REASON_NONE ? "" : name_of(PROTO_ENUM_REASON, reason);
}

const char *
qiao_tenure_name(enum qiao_tenure tenure)
{
    return name_of(PROTO_ENUM_TENURE, tenure);
}

const char *
qiao_pattern_name(enum qiao_pattern pattern)
{
    return name_of(PROTO_ENUM_PATTERN, pattern);
}

const char *
qiao_policy_name(enum qiao_policy policy)
{
    return name_of(PROTO_ENUM_POLICY, policy);
}

bool
qiao_task_status_parse(const char *name, enum qiao_task_status *out_status)
{
    unsigned number;

    if (!name || !proto_enum_number(PROTO_ENUM_STATUS, name, strlen(name), &number)) {
        return false;
    }
    *out_status = (enum qiao_task_status)number;
    return true;
}

bool
qiao_priority_parse(const char *name, enum qiao_priority *out_priority)
{
    unsigned number;

    if (!name || !proto_enum_number(PROTO_ENUM_PRIORITY, name, strlen(name), &number)) {
        return false;
    }
    *out_priority = (enum qiao_priority)number;
    return true;
}

bool
qiao_reason_parse(const char *name, enum qiao_reason *out_reason)
{
    unsigned number;

    if (!name || !proto_enum_number(PROTO_ENUM_REASON, name, strlen(name), &number)) {
        return false;
    }
    *out_reason = (enum qiao_reason)number;
    return true;
}

bool
qiao_task_status_is_final(enum qiao_task_status status)
{
    switch (status) {
    case QIAO_TASK_COMPLETED:
    case QIAO_TASK_FAILED:
    case QIAO_TASK_REJECTED:
    case QIAO_TASK_CANCELLED:
    case QIAO_TASK_ENTERED_IN_ERROR:
        return true;
    default:
        return false;
    }
}
