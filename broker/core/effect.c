/*
 * Effects and answers; see event.h.
 */
#include "core/event.h"

#include <stdlib.h>

#include "core/offer.h"
#include "core/party.h"
#include "core/request.h"

struct core_effect *
effect_add(struct turn *turn, enum core_effect_kind kind, uint32_t conn)
{
    struct core_out *out = turn->out;
    if (out->effect_count == out->effect_cap) {
        out->effect_cap = out->effect_cap == 0 ? 256 : out->effect_cap * 2;
        out->effects = table_realloc(out->effects, out->effect_cap * sizeof *out->effects);
    }
    struct core_effect *effect = &out->effects[out->effect_count++];
    *effect = (struct core_effect){.seq = turn->core->seq, .kind = (uint8_t)kind, .conn = conn};
    return effect;
}

void
effect_last_to(struct turn *turn, uint32_t at)
{
    struct core_effect *effects = turn->out->effects;
    uint32_t last = turn->out->effect_count - 1;
    struct core_effect moved = effects[last];
    for (; last > at && effects[last - 1].seq == moved.seq; last--) {
        effects[last] = effects[last - 1];
    }
    effects[last] = moved;
}

void
effect_send(struct turn *turn, uint32_t conn, const struct proto_record *record)
{
    struct core_effect *effect = effect_add(turn, CORE_SEND, conn);
    effect->offset = (uint32_t)turn->out->bytes.n;
    bool fits = proto_encode(&turn->out->bytes, record);
    assert(fits);
    effect->bytes = (uint32_t)turn->out->bytes.n - effect->offset;
}

/* ------------------------------------------------------------- answers */

void
answer_receipt(struct turn *turn, uint64_t id, enum proto_status status)
{
    if (turn->record->n == 0) {
        return;
    }
    struct core_effect *effect = effect_add(turn, CORE_RECEIPT, turn->conn);
    effect->re = turn->record->n;
    effect->id = id;
    effect->status = (uint8_t)status;
    effect->fence = turn->core->seq;
}

void
answer_request_receipt(struct turn *turn, uint32_t item)
{
    if (turn->record->n == 0) {
        return;
    }
    const struct request *request = request_at(turn->core, item);
    struct core_effect *effect = effect_add(turn, CORE_RECEIPT, turn->conn);
    effect->re = turn->record->n;
    effect->id = request->id;
    effect->status = request->shown;
    effect->fence = request->last_seq;
    effect->task = request->ordinal;
    effect->flags = request->flags & FLAG_VERIFY ? EFFECT_VERIFY : 0;
}

void
answer_duplicate(struct turn *turn, uint32_t item)
{
    if (turn->record->n == 0) {
        return;
    }
    answer_request_receipt(turn, item);
    turn->out->effects[turn->out->effect_count - 1].flags |= EFFECT_DUPLICATE;
}

static void
refuse(struct turn *turn, struct proto_record *record, enum proto_refusal_code code, const char *path,
       const char *message)
{
    turn->core->stats.refused++;
    record->type = PROTO_REFUSAL;
    record->re = turn->record->n;
    record->u.refusal.code = code;
    record->u.refusal.path = proto_str_of(path);
    record->u.refusal.message = proto_str_of(message);
    if (record->u.refusal.message.n > PROTO_REFUSAL_MESSAGE_MAX) {
        record->u.refusal.message.n = PROTO_REFUSAL_MESSAGE_MAX;
    }
    effect_send(turn, turn->conn, record);
}

void
answer_refusal(struct turn *turn, enum proto_refusal_code code, const char *path, const char *message)
{
    struct proto_record record = {0};
    refuse(turn, &record, code, path, message);
}

void
answer_invalid(struct turn *turn, const struct input_fault *fault)
{
    char text[PROTO_REFUSAL_MESSAGE_MAX];
    input_fault_text(fault, text, sizeof text);
    struct proto_record record = {0};
    refuse(turn, &record, PROTO_REFUSAL_CODE_INVALID, fault->path, text);
}

void
answer_retry_later(struct turn *turn, const char *message)
{
    struct proto_record record = {0};
    record.u.refusal.retry_after = turn->core->settings.retry_after_us;
    refuse(turn, &record, PROTO_REFUSAL_CODE_RETRY_LATER, NULL, message);
}

void
answer_conflict(struct turn *turn, uint64_t id, enum proto_status status, const char *message)
{
    struct proto_record record = {0};
    record.u.refusal.id = id;
    record.u.refusal.status = status;
    refuse(turn, &record, PROTO_REFUSAL_CODE_CONFLICT, NULL, message);
}

void
answer_page(struct turn *turn, enum proto_page_kind kind, const struct proto_buf *rows, uint32_t count, const char *next)
{
    struct core_effect *effect = effect_add(turn, CORE_SEND, turn->conn);
    effect->offset = (uint32_t)turn->out->bytes.n;
    bool fits = core_page_render(&turn->out->bytes, turn->record->n, kind, (struct proto_bin){rows->p, (uint32_t)rows->n},
                                 count, proto_str_of(next));
    assert(fits);
    effect->bytes = (uint32_t)turn->out->bytes.n - effect->offset;
}

/* ------------------------------------------------------------- to performers */

void
tell_task(struct turn *turn, uint32_t item, uint64_t source2, bool reply)
{
    struct core *core = turn->core;
    const struct request *request = request_at(core, item);
    if (request->offer == 0) {
        return;
    }
    const struct terms *terms = request_terms(core, request);
    struct core_effect *effect = effect_add(turn, CORE_TASK, offer_at(core, request->offer)->conn);
    effect->source = request->accepted_seq;
    effect->source2 = source2;
    effect->id = request->id + request->ordinal;
    effect->fence = request->fence;
    effect->status = request->status;
    effect->attempt = request->attempt;
    bool leased = terms->tenure == PROTO_TENURE_LEASED;
    bool leases = leased && request->status == PROTO_STATUS_IN_PROGRESS && (request->flags & FLAG_VERIFY) == 0;
    effect->due_us = leases ? terms->lease_us : 0;
    int64_t limit = request->flags & FLAG_CLOCKS ? 0 : request->due_us;
    if (request->status == PROTO_STATUS_ACCEPTED && request->until_us != 0) {
        limit = request->until_us;
    }
    effect->until_us = limit;
    effect->flags = (uint8_t)((leased ? EFFECT_LEASED : 0) | (reply ? EFFECT_REPLY : 0) |
                              (request->flags & FLAG_VERIFY ? EFFECT_VERIFY : 0));
    struct proto_str business = text_str(core, request->business);
    effect->offset = (uint32_t)turn->out->bytes.n;
    effect->bytes = business.n;
    bool fits = proto_buf_append(&turn->out->bytes, business.p, business.n);
    assert(fits);
}

void
tell_abort(struct turn *turn, uint32_t item)
{
    const struct request *request = request_at(turn->core, item);
    if (request->offer == 0) {
        return;
    }
    struct proto_record record = {.type = PROTO_ABORT};
    record.u.abort.task = request->id + request->ordinal;
    record.u.abort.fence = request->fence;
    if (turn->record != NULL && turn->record->type == PROTO_CANCEL) {
        record.u.abort.message = turn->record->u.cancel.message;
    }
    effect_send(turn, offer_at(turn->core, request->offer)->conn, &record);
}

static void
tell_withdraw(struct turn *turn, uint32_t conn, const struct proto_event *event)
{
    struct proto_record record = {.type = PROTO_WITHDRAW};
    record.u.withdraw.task = event->id + event->task;
    record.u.withdraw.fence = event->fence;
    record.u.withdraw.reason = event->reason;
    record.u.withdraw.status = event->task_status;
    effect_send(turn, conn, &record);
}

void
task_unbind(struct turn *turn, uint32_t item, const struct proto_event *event)
{
    struct core *core = turn->core;
    uint32_t offer = request_at(core, item)->offer;
    if (offer == 0) {
        return;
    }
    uint32_t conn = offer_at(core, offer)->conn;
    offer_unbind(core, item);
    if (conn != turn->conn) {
        tell_withdraw(turn, conn, event);
    }
}
