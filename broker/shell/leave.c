/*
 * Effects that may leave: rendered once, into the outbox of their connection.
 *
 * What an effect shows comes from the journal's events, read back from the store (nearly always from the batch that was
 * just committed). The shell's own records travel the same way, so that they keep their place among the core's.
 */
#include "shell/broker.h"

#include <assert.h>
#include <stdlib.h>

/* One event that an effect names. False: it could not be read; the broker stops if that means damage. */
static bool
event_read(struct broker *broker, uint64_t seq, struct proto_bin *out_event)
{
    struct store_error error;
    *out_event = (struct proto_bin){0};
    if (seq == 0) {
        return true;
    }
    enum store_status status = store_read(broker->store, seq, &out_event->p, &out_event->n, &error);
    if (status == STORE_OK) {
        return true;
    }
    log_line(CONFIG_LOG_ERROR, "event-unreadable", "seq=%llu status=\"%s\" text=\"%s\"", (unsigned long long)seq,
             store_status_text(status), error.text);
    if (status == STORE_DAMAGED) {
        error.status = status;
        broker_fail(broker, &error); /* D6: nothing corrupt is served */
    }
    return false;
}

static bool
rendered_make(struct broker *broker, const struct outlet *outlet, const struct core_effect *effect)
{
    struct proto_bin first = {0}, second = {0};
    if (effect->source2 != 0) {
        if (!event_read(broker, effect->source2, &second)) {
            return false;
        }
        proto_buf_reset(&broker->source);
        if (!proto_buf_append(&broker->source, second.p, second.n)) {
            return false;
        }
        second.p = broker->source.p;
    }
    if (!event_read(broker, effect->source, &first)) {
        return false;
    }
    proto_buf_reset(&broker->render);
    return core_render(broker->core, &outlet->out, effect, first, second, &broker->render);
}

static void
rendered_send(struct broker *broker, const struct outlet *outlet, const struct core_effect *effect)
{
    if (rendered_make(broker, outlet, effect)) {
        net_send(broker->net, effect->conn, broker->render.p, broker->render.n, 1);
        return;
    }
    /* Left out it would be waited for in vain. Its client asks again on a new connection. */
    log_line(CONFIG_LOG_ERROR, "render", "kind=%u seq=%llu text=\"an effect could not be made\"", effect->kind, (unsigned long long)effect->seq);
    net_drop(broker->net, effect->conn, "an answer could not be made");
}

static void
reload_answer(struct broker *broker, const struct core_effect *effect)
{
    char error[BROKER_ERROR_BYTES];
    uint32_t conn = effect->conn; /* the effect may move: the new catalogue makes effects of its own */
    uint64_t re = effect->re;
    if (!upkeep_reload(broker, error)) {
        leave_refusal(broker, conn, re, PROTO_REFUSAL_CODE_INVALID, error, "the old catalogue stays");
        return;
    }
    struct proto_record record;
    proto_record_init(&record, PROTO_RECEIPT);
    record.re = re;
    record.u.receipt.seq = core_seq(broker->core);
    leave_record(broker, conn, &record);
}

void
leave_effect(struct broker *broker, const struct outlet *outlet, const struct core_effect *effect)
{
    assert(effect->seq <= broker->durable); /* D2 */
    switch ((enum core_effect_kind)effect->kind) {
    case CORE_SEND:
        net_send(broker->net, effect->conn, outlet->out.bytes.p + effect->offset, effect->bytes, 1);
        break;
    case CORE_RECEIPT:
    case CORE_TASK:
    case CORE_EVENT:
        rendered_send(broker, outlet, effect);
        break;
    case CORE_DETAIL:
    case CORE_FINISHED:
    case CORE_LIST:
    case CORE_HISTORY:
        ask_push(broker, outlet, effect);
        break;
    case CORE_WATCH:
        feed_push(broker, effect);
        break;
    case CORE_CLOSE:
        net_drop(broker->net, effect->conn, "closed");
        break;
    case CORE_RELOAD:
        reload_answer(broker, effect);
        break;
    }
}

static void
effect_push(struct broker *broker, const struct core_effect *effect)
{
    struct core_out *out = &broker->filling->out;
    if (out->effect_count == out->effect_cap) {
        uint32_t cap = out->effect_cap ? 2 * out->effect_cap : 256;
        struct core_effect *grown = realloc(out->effects, cap * sizeof *grown);
        if (!grown) {
            log_line(CONFIG_LOG_ERROR, "no-memory", "effects=%u", cap);
            abort();
        }
        out->effects = grown;
        out->effect_cap = cap;
    }
    out->effects[out->effect_count++] = *effect;
}

void
leave_record(struct broker *broker, uint32_t conn, const struct proto_record *record)
{
    struct proto_buf *bytes = &broker->filling->out.bytes;
    uint32_t offset = (uint32_t)bytes->n;
    if (!proto_encode(bytes, record)) {
        log_line(CONFIG_LOG_ERROR, "encode", "record=%u text=\"an answer could not be encoded\"", record->type);
        return;
    }
    effect_push(broker, &(struct core_effect){.kind = CORE_SEND, .conn = conn, .seq = core_seq(broker->core), .offset = offset,
                                              .bytes = (uint32_t)bytes->n - offset});
}

void
leave_close(struct broker *broker, uint32_t conn)
{
    effect_push(broker, &(struct core_effect){.kind = CORE_CLOSE, .conn = conn, .seq = core_seq(broker->core)});
}

void
leave_refusal(struct broker *broker, uint32_t conn, uint64_t re, enum proto_refusal_code code, const char *path,
              const char *message)
{
    struct proto_record record;
    proto_record_init(&record, PROTO_REFUSAL);
    record.re = re;
    record.u.refusal.code = code;
    record.u.refusal.path = proto_str_of(path);
    if (record.u.refusal.path.n > PROTO_REFUSAL_PATH_MAX) {
        record.u.refusal.path.n = PROTO_REFUSAL_PATH_MAX;
    }
    record.u.refusal.message = proto_str_of(message);
    leave_record(broker, conn, &record);
}
