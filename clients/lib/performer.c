/* The performer's acts, as records; and their short forms. */
#include "lib/internal.h"

/* ------------------------------------------------------------- one act as a record */

static void
act_abort(const struct qiao_act *act, struct proto_record *record)
{
    if (act->kind == QIAO_ACT_ACCEPT || act->kind == QIAO_ACT_ACCEPT_ABORT) {
        proto_record_init(record, PROTO_ACCEPT);
        record->u.accept.task = act->task;
        record->u.accept.fence = act->fence;
        record->u.accept.code = act->kind == QIAO_ACT_ACCEPT ? PROTO_CODE_FULFILL : PROTO_CODE_ABORT;
        record->u.accept.message = qiaoi_str(act->message);
        record->u.accept.charge = act->charge.minor_units;
        record->u.accept.currency = qiaoi_str(act->charge.currency);
        return;
    }
    proto_record_init(record, PROTO_REJECT);
    record->u.reject.task = act->task;
    record->u.reject.fence = act->fence;
    record->u.reject.code = act->kind == QIAO_ACT_REJECT ? PROTO_CODE_FULFILL : PROTO_CODE_ABORT;
    record->u.reject.reason = (enum proto_reason)act->reason;
    record->u.reject.message = qiaoi_str(act->message);
    record->u.reject.charge = act->charge.minor_units;
    record->u.reject.currency = qiaoi_str(act->charge.currency);
}

static void
act_progress(const struct qiao_act *act, struct proto_record *record)
{
    struct proto_progress *to = &record->u.progress;

    proto_record_init(record, PROTO_PROGRESS);
    to->task = act->task;
    to->fence = act->fence;
    to->progress = act->progress;
    to->remaining = act->remaining_us;
    to->business_status = qiaoi_str(act->business_status);
    to->message = qiaoi_str(act->message);
    to->output = qiaoi_bin(act->output);
    record->body = qiaoi_bin(act->body);
}

static void
act_hold(const struct qiao_act *act, struct proto_record *record)
{
    proto_record_init(record, PROTO_HOLD);
    record->u.hold.task = act->task;
    record->u.hold.fence = act->fence;
    record->u.hold.lift = act->kind == QIAO_ACT_LIFT;
    record->u.hold.reason = (enum proto_reason)act->reason;
    record->u.hold.message = qiaoi_str(act->message);
}

static void
act_complete(const struct qiao_act *act, struct proto_record *record)
{
    struct proto_complete *to = &record->u.complete;

    proto_record_init(record, PROTO_COMPLETE);
    to->task = act->task;
    to->fence = act->fence;
    to->outcome = qiaoi_str(act->outcome);
    to->output = qiaoi_bin(act->output);
    to->business_status = qiaoi_str(act->business_status);
    to->charge = act->charge.minor_units;
    to->currency = qiaoi_str(act->charge.currency);
    to->message = qiaoi_str(act->message);
    record->body = qiaoi_bin(act->body);
}

static void
act_fail(const struct qiao_act *act, struct proto_record *record)
{
    struct proto_fail *to = &record->u.fail;

    proto_record_init(record, PROTO_FAIL);
    to->task = act->task;
    to->fence = act->fence;
    to->retryable = act->retryable;
    to->reason = (enum proto_reason)act->reason;
    to->message = qiaoi_str(act->message);
    to->charge = act->charge.minor_units;
    to->currency = qiaoi_str(act->charge.currency);
}

static void
act_verify(const struct qiao_act *act, struct proto_record *record)
{
    struct proto_verify *to = &record->u.verify;

    proto_record_init(record, PROTO_VERIFY);
    to->task = act->task;
    to->fence = act->fence;
    to->agree = act->agree;
    to->has |= PROTO_VERIFY_AGREE;
    record->body = qiaoi_bin(act->body);
    to->message = qiaoi_str(act->message);
    to->business_status = qiaoi_str(act->business_status);
}

/* start, ask, release */
static bool
act_other(struct qiao_client *client, const struct qiao_act *act, struct proto_record *record)
{
    struct proto_bin none = {0};

    switch (act->kind) {
    case QIAO_ACT_START:
        proto_record_init(record, PROTO_START);
        record->u.start.task = act->task;
        record->u.start.fence = act->fence;
        record->u.start.business_status = qiaoi_str(act->business_status);
        return true;
    case QIAO_ACT_ASK:
        proto_record_init(record, PROTO_ASK);
        record->u.ask.task = act->task;
        record->u.ask.fence = act->fence;
        record->u.ask.message = qiaoi_str(act->message);
        record->body = qiaoi_bin(act->body);
        return qiaoi_strs_put(client, act->fields, act->field_count, &record->u.ask.fields, NULL, 0, &none);
    case QIAO_ACT_RELEASE:
        proto_record_init(record, PROTO_RELEASE);
        record->u.release.task = act->task;
        record->u.release.fence = act->fence;
        record->u.release.message = qiaoi_str(act->message);
        return true;
    default:
        return false;
    }
}

static bool
act_record(struct qiao_client *client, const struct qiao_act *act, struct proto_record *record)
{
    switch (act->kind) {
    case QIAO_ACT_ACCEPT:
    case QIAO_ACT_REJECT:
    case QIAO_ACT_ACCEPT_ABORT:
    case QIAO_ACT_REFUSE_ABORT:
        act_abort(act, record);
        return true;
    case QIAO_ACT_PROGRESS:
        act_progress(act, record);
        return true;
    case QIAO_ACT_HOLD:
    case QIAO_ACT_LIFT:
        act_hold(act, record);
        return true;
    case QIAO_ACT_COMPLETE:
        act_complete(act, record);
        return true;
    case QIAO_ACT_FAIL:
        act_fail(act, record);
        return true;
    case QIAO_ACT_VERIFY:
        act_verify(act, record);
        return true;
    default:
        return act_other(client, act, record);
    }
}

/* ------------------------------------------------------------- calls */

static bool
act_settles(enum qiao_act_kind kind)
{
    return kind == QIAO_ACT_REJECT || kind == QIAO_ACT_COMPLETE || kind == QIAO_ACT_VERIFY || kind == QIAO_ACT_FAIL ||
           kind == QIAO_ACT_RELEASE || kind == QIAO_ACT_ACCEPT_ABORT;
}

static enum qiao_status
act_prepare(struct qiao_client *client, const struct qiao_act *act, bool reserve, struct proto_record *record,
            struct qiaoi_call **out_call)
{
    struct qiaoi_call *call;

    if (!act || act->task == 0) {
        return qiaoi_refuse_argument(client, "task", "an act names its task and fence");
    }
    if (client->state == QIAOI_ENDED) {
        return client->ended;
    }
    if (!act_record(client, act, record)) {
        return qiaoi_refuse_argument(client, "kind", "no such act, or its list of fields is too long");
    }
    call = qiaoi_call_take(&client->calls, QIAOI_CALL_ACT, reserve);
    if (!call) {
        return QIAO_FULL;
    }
    call->care = QIAOI_SAFE;
    call->act = (uint8_t)act->kind;
    call->key = act->task;
    call->fence = act->fence;
    call->settles = act_settles(act->kind);
    *out_call = call;
    return QIAO_OK;
}

enum qiao_status
qiao_act_begin(struct qiao_client *client, const struct qiao_act *act, void *tag)
{
    struct proto_record record;
    struct qiaoi_call *call;
    enum qiao_status status = act_prepare(client, act, false, &record, &call);
    bool settles;

    if (status != QIAO_OK) {
        return status;
    }
    call->tag = tag;
    settles = call->settles;
    status = qiaoi_call_send(client, call, &record);
    if (status == QIAO_OK && settles) {
        qiaoi_held_settling(client, act->task, act->fence, true);
    }
    return status;
}

enum qiao_status
qiao_act(struct qiao_client *client, const struct qiao_act *act, int64_t timeout_us, struct qiao_receipt *out_receipt)
{
    struct proto_record record;
    struct qiaoi_call *call;
    enum qiao_status status = act_prepare(client, act, true, &record, &call);

    if (status != QIAO_OK) {
        return status;
    }
    if (call->settles) {
        qiaoi_held_settling(client, act->task, act->fence, true);
    }
    status = qiaoi_call_wait(client, call, &record, timeout_us);
    if (status == QIAO_ARGUMENT || status == QIAO_UNREACHABLE || status == QIAO_NO_MEMORY) {
        qiaoi_held_settling(client, act->task, act->fence, false);
    }
    if (status == QIAO_OK && out_receipt) {
        qiaoi_fill_receipt(&client->answer, out_receipt);
    }
    return status;
}

enum qiao_status
qiao_renew(struct qiao_client *client, qiao_id task, uint64_t fence, int64_t timeout_us)
{
    struct proto_held row = {.task = task, .fence = fence};
    struct proto_record record;
    struct proto_iter it;
    enum qiao_status status;
    size_t mark;

    proto_record_init(&record, PROTO_RENEW);
    proto_buf_reset(&client->scratch);
    if (!proto_list_begin(&client->scratch, &mark) || !proto_struct_encode(&client->scratch, PROTO_STRUCT_HELD, &row)) {
        return QIAO_NO_MEMORY;
    }
    proto_list_end(&client->scratch, mark, 1);
    record.u.renew.held = (struct proto_bin){client->scratch.p, (uint32_t)client->scratch.n};
    status = qiaoi_call_blocking(client, &record, QIAOI_READ, timeout_us);
    if (status != QIAO_OK) {
        return status;
    }
    it = proto_iter_of(client->answer.u.receipt.lost);
    while (proto_iter_struct(&it, PROTO_STRUCT_HELD, &row)) {
        if (row.task == task) {
            qiaoi_held_drop(client, task, fence);
            return QIAO_STALE;
        }
    }
    qiaoi_held_renewed(client, task, fence);
    return QIAO_OK;
}
