/*
 * What was asked and not yet answered. A ring of slots by number: the numbers rise, so finding one is one look. A slot
 * whose call is still open when the numbers come round is stepped over: one late answer holds nobody up.
 *
 * A call keeps the bytes of its record, so that it can be repeated exactly as it was after a reconnect; the broker then
 * knows it again by its key or its fence. Submissions without a caller's key carry a producer and a rising number, of
 * which the broker remembers the last 8,192; never more than half of that span is open here.
 */
#include <sodium.h>
#include <stdlib.h>

#include "lib/internal.h"

enum { WORD_BITS = 64 };

bool
qiaoi_calls_init(struct qiaoi_calls *calls, uint32_t window)
{
    uint32_t size = 128;

    if (window == 0) {
        window = QIAOI_WINDOW_DEFAULT;
    }
    calls->window = window > QIAOI_WINDOW_MAX ? QIAOI_WINDOW_MAX : window;
    while (size < 2 * (calls->window + QIAOI_RESERVE)) {
        size *= 2;
    }
    calls->mask = size - 1;
    calls->next = 1;
    calls->oldest = 1;
    calls->pseq_oldest = 1;
    randombytes_buf(&calls->producer, sizeof calls->producer);
    calls->producer |= 1;
    calls->slots = calloc(size, sizeof *calls->slots);
    calls->pseq_open = calloc(QIAOI_PSEQ_SPAN_MAX / WORD_BITS, sizeof *calls->pseq_open);
    return calls->slots && calls->pseq_open;
}

void
qiaoi_calls_fini(struct qiaoi_calls *calls)
{
    for (uint32_t at = 0; calls->slots && at <= calls->mask; at++) {
        if (calls->slots[at].n != 0) {
            qiaoi_call_free(calls, &calls->slots[at]);
        }
    }
    free(calls->slots);
    free(calls->pseq_open);
    qiaoi_log_fini(&calls->log);
}

struct qiaoi_call *
qiaoi_call_take(struct qiaoi_calls *calls, enum qiaoi_call_kind kind, bool reserve)
{
    uint32_t most = calls->window + (reserve ? QIAOI_RESERVE : 0);
    uint32_t under_way = kind == QIAOI_CALL_ACT ? calls->acts : calls->in_flight - calls->acts;
    struct qiaoi_call *call;

    if (under_way >= most) {
        return NULL;
    }
    while (calls->slots[calls->next & calls->mask].n != 0) {
        calls->next++; /* ends: there are slots for both windows and their reserves */
    }
    call = &calls->slots[calls->next & calls->mask];
    *call = (struct qiaoi_call){.n = calls->next, .kind = (uint8_t)kind};
    calls->next++;
    calls->in_flight++;
    calls->acts += kind == QIAOI_CALL_ACT;
    return call;
}

struct qiaoi_call *
qiaoi_call_find(struct qiaoi_calls *calls, uint64_t n)
{
    struct qiaoi_call *call = &calls->slots[n & calls->mask];

    return n != 0 && call->n == n ? call : NULL;
}

bool
qiaoi_pseq_take(struct qiaoi_calls *calls, uint64_t *out_pseq)
{
    uint64_t pseq = calls->pseq + 1;
    uint64_t bit = pseq % QIAOI_PSEQ_SPAN_MAX;

    if (pseq - calls->pseq_oldest >= QIAOI_PSEQ_SPAN_MAX) {
        return false;
    }
    calls->pseq = pseq;
    calls->pseq_open[bit / WORD_BITS] |= UINT64_C(1) << bit % WORD_BITS;
    *out_pseq = pseq;
    return true;
}

static void
pseq_free(struct qiaoi_calls *calls, uint64_t pseq)
{
    uint64_t bit = pseq % QIAOI_PSEQ_SPAN_MAX;

    calls->pseq_open[bit / WORD_BITS] &= ~(UINT64_C(1) << bit % WORD_BITS);
    while (calls->pseq_oldest <= calls->pseq) {
        bit = calls->pseq_oldest % QIAOI_PSEQ_SPAN_MAX;
        if (calls->pseq_open[bit / WORD_BITS] >> bit % WORD_BITS & 1) {
            return;
        }
        calls->pseq_oldest++;
    }
}

void
qiaoi_call_free(struct qiaoi_calls *calls, struct qiaoi_call *call)
{
    if (call->chunk) {
        qiaoi_log_release(&calls->log, call->chunk);
    }
    if (call->kind == QIAOI_CALL_SUBMIT && call->key != 0) {
        pseq_free(calls, call->key);
    }
    call->n = 0;
    call->chunk = NULL;
    calls->in_flight--;
    calls->acts -= call->kind == QIAOI_CALL_ACT;
    while (calls->oldest < calls->next && calls->slots[calls->oldest & calls->mask].n != calls->oldest) {
        calls->oldest++;
    }
}

/* What the encoder did not take, in words for the caller. */
static enum qiao_status
encode_refused(struct qiao_client *client, const struct proto_record *record)
{
    struct proto_error error = {0};

    if (proto_record_check(record, &error)) {
        return qiaoi_refuse_argument(client, "", "the record does not fit into one frame");
    }
    return qiaoi_refuse_argument(client, error.path, error.why ? error.why : "outside the limits of the protocol");
}

enum qiao_status
qiaoi_call_send(struct qiao_client *client, struct qiaoi_call *call, struct proto_record *record)
{
    struct qiaoi_wire *wire = &client->wire;
    bool up = client->state == QIAOI_UP;
    size_t at;

    enum qiao_status status;

    record->n = call->n;
    status = qiaoi_wire_encode(wire, record, &at);
    if (status == QIAO_CLOSED) {
        /* What stood before it in the frame could not leave. This one waits for the next connection. */
        qiaoi_session_lost(client);
        up = false;
        status = client->state == QIAOI_ENDED ? QIAO_OK : qiaoi_wire_encode(wire, record, &at);
    }
    if (client->state == QIAOI_ENDED) {
        return QIAO_OK; /* it was answered with all the others */
    }
    if (status != QIAO_OK) {
        qiaoi_call_free(&client->calls, call);
        return status == QIAO_ARGUMENT ? encode_refused(client, record) : status;
    }
    if (call->care != QIAOI_ONCE || !up) {
        call->bytes_n = (uint32_t)(wire->out.n - at);
        call->bytes = qiaoi_log_keep(&client->calls.log, wire->out.p + at, call->bytes_n, &call->chunk);
        if (!call->bytes) {
            proto_buf_cut(&wire->out, at);
            qiaoi_call_free(&client->calls, call);
            return QIAO_NO_MEMORY;
        }
    }
    if (!up) {
        proto_buf_cut(&wire->out, at);
        return QIAO_OK;
    }
    call->sent = true;
    if (!qiaoi_wire_added(wire)) {
        qiaoi_session_lost(client);
    }
    return QIAO_OK;
}

/* This side answers, because the broker did not. The call is gone before anybody hears of it: that may end the session. */
static void
call_answer(struct qiao_client *client, struct qiaoi_call *call, enum qiao_status status)
{
    struct qiao_event event = {.kind = QIAO_EVENT_ANSWER, .tag = call->tag};
    bool waited = call->blocking && client->waiting_for == call->n, silent = call->silent;

    event.answer.status = status;
    event.answer.repeated = call->repeated;
    if (call->track) {
        client->tracking--;
    }
    qiaoi_call_free(&client->calls, call);
    if (waited) {
        client->waiting_for = 0;
        client->answer_status = status;
    } else if (!silent) {
        qiaoi_fill_receipt(NULL, &event.answer.receipt);
        qiaoi_fill_refusal(NULL, &event.answer.refusal);
        if (!qiaoi_event_push(client, &event)) {
            qiaoi_session_end(client, QIAO_NO_MEMORY);
        }
    }
}

void
qiaoi_calls_repeat(struct qiao_client *client, uint64_t end)
{
    for (uint64_t n = client->calls.oldest; n < end; n++) {
        struct qiaoi_call *call = qiaoi_call_find(&client->calls, n);

        if (!call) {
            continue;
        }
        if (call->kind == QIAOI_CALL_RENEW) {
            qiaoi_call_free(&client->calls, call);
        } else if (call->care == QIAOI_ONCE && call->sent) {
            call_answer(client, call, QIAO_UNCERTAIN);
        } else {
            call->repeated = call->sent;
            call->sent = true;
            if (!qiaoi_wire_put(&client->wire, call->bytes, call->bytes_n)) {
                qiaoi_session_lost(client);
                return;
            }
        }
    }
}

void
qiaoi_calls_end(struct qiao_client *client, enum qiao_status status)
{
    for (uint64_t n = client->calls.oldest; n < client->calls.next; n++) {
        struct qiaoi_call *call = qiaoi_call_find(&client->calls, n);

        if (call) {
            call_answer(client, call, call->sent && call->care != QIAOI_READ ? QIAO_UNCERTAIN : status);
        }
    }
}

/* The caller's patience is over. */
static enum qiao_status
call_abandon(struct qiao_client *client, struct qiaoi_call *call, enum qiao_status status)
{
    client->waiting_for = 0;
    if (call->care != QIAOI_READ && call->sent) {
        status = QIAO_UNCERTAIN;
        if (call->care == QIAOI_SAFE) {
            call->blocking = false;
            return status;
        }
    } else if (client->state != QIAOI_UP && status == QIAO_TIMEOUT) {
        status = QIAO_UNREACHABLE;
    }
    if (call->track) {
        client->tracking--;
    }
    qiaoi_call_free(&client->calls, call);
    return status;
}

static enum qiao_status
answer_status(struct qiao_client *client)
{
    if (client->answer_status != QIAO_OK || client->answer.type != PROTO_REFUSAL) {
        return client->answer_status;
    }
    qiaoi_fill_refusal(&client->answer, &client->refusal);
    return client->refusal.code;
}

enum qiao_status
qiaoi_call_wait(struct qiao_client *client, struct qiaoi_call *call, struct proto_record *record, int64_t timeout_us)
{
    uint64_t n = call->n;
    enum qiao_status status;
    int64_t until_us;

    call->blocking = true;
    client->refusal.code = QIAO_OK;
    if (client->state == QIAOI_ENDED) {
        qiaoi_call_free(&client->calls, call);
        return client->ended;
    }
    client->waiting_for = n;
    status = qiaoi_call_send(client, call, record);
    if (status != QIAO_OK) {
        client->waiting_for = 0;
        return status;
    }
    until_us = qiaoi_deadline(qiaoi_now_us(), timeout_us);
    for (;;) {
        qiaoi_receive_all(client);
        if (client->waiting_for == 0) {
            return answer_status(client);
        }
        if (client->backlog_bytes > client->backlog_bytes_max) {
            return call_abandon(client, call, QIAO_FULL);
        }
        if (client->now_us >= until_us) {
            return call_abandon(client, call, QIAO_TIMEOUT);
        }
        qiaoi_session_wait(client, until_us);
    }
}

enum qiao_status
qiaoi_call_blocking(struct qiao_client *client, struct proto_record *record, enum qiaoi_care care, int64_t timeout_us)
{
    struct qiaoi_call *call = qiaoi_call_take(&client->calls, QIAOI_CALL_OTHER, true);

    if (!call) {
        return QIAO_FULL;
    }
    call->care = (uint8_t)care;
    return qiaoi_call_wait(client, call, record, timeout_us);
}
