/*
 * Tasks that this client was given and has not settled: their fences, and the renewing of their leases. Knows nothing
 * of the socket beyond "put this record".
 */
#include <stdlib.h>

#include "lib/internal.h"

enum { HELD_FIRST = 64 };

struct qiaoi_held *
qiaoi_held_find(const struct qiao_client *client, qiao_id task)
{
    uint64_t at;

    return qiaoi_table_get(&client->held_at, task, &at) ? &client->held[at] : NULL;
}

static bool
held_grow(struct qiao_client *client)
{
    uint32_t cap = client->held_cap ? client->held_cap * 2 : HELD_FIRST;
    struct qiaoi_held *held;
    uint32_t *spare;

    if (cap > QIAOI_HELD_MAX) {
        return false;
    }
    held = realloc(client->held, cap * sizeof *held);
    if (!held) {
        return false;
    }
    client->held = held;
    spare = realloc(client->held_free, cap * sizeof *spare);
    if (!spare) {
        return false;
    }
    client->held_free = spare;
    for (uint32_t at = cap; at-- > client->held_cap;) {
        client->held[at].task = 0;
        client->held_free[client->held_free_n++] = at;
    }
    client->held_cap = cap;
    return true;
}

static struct qiaoi_held *
held_add(struct qiao_client *client, qiao_id task)
{
    uint32_t at;

    if (client->held_free_n == 0 && !held_grow(client)) {
        return NULL;
    }
    at = client->held_free[client->held_free_n - 1];
    if (!qiaoi_table_put(&client->held_at, task, at)) {
        return NULL;
    }
    client->held_free_n--;
    client->held_count++;
    client->held[at] = (struct qiaoi_held){.task = task};
    return &client->held[at];
}

/* A task that its offer holds, one more (1) or one less (-1). */
static void
held_count(struct qiao_client *client, const struct qiaoi_held *held, int32_t by)
{
    if (held->offer != 0) {
        client->offers[held->offer - 1].held += (uint32_t)by;
        client->offers[held->offer - 1].owned += held->owned ? (uint32_t)by : 0;
    }
}

/* A task that does not fit is still delivered; its lease then ends by itself and the broker gives it to another. */
void
qiaoi_held_arrived(struct qiao_client *client, const struct proto_task *task)
{
    struct qiaoi_held *held = qiaoi_held_find(client, task->task);
    uint8_t at;

    if (task->task == 0) {
        return;
    }
    if (!held) {
        at = qiaoi_offer_of(client, task->service);
        held = held_add(client, task->task);
        if (!held) {
            return;
        }
        held->offer = at;
        held->settling = true; /* counts from below on */
    }
    if (held->settling) {
        held->owned = task->tenure == PROTO_TENURE_OWNED;
        held_count(client, held, 1);
    }
    held->fence = task->fence;
    held->on_hold = task->status == PROTO_STATUS_ON_HOLD;
    held->lease_us = task->lease;
    held->renewed_us = client->now_us;
    held->settling = held->abort_asked = held->sent_again = false;
    if (task->lease > 0 && client->now_us + task->lease / 3 < client->renew_at_us) {
        client->renew_at_us = client->now_us + task->lease / 3;
        if (client->renew_at_us < client->drive_at_us) {
            client->drive_at_us = client->renew_at_us;
        }
    }
}

void
qiaoi_held_settling(struct qiao_client *client, qiao_id task, uint64_t fence, bool settling)
{
    struct qiaoi_held *held = qiaoi_held_find(client, task);

    if (!held || held->fence != fence || held->settling == settling) {
        return;
    }
    held->settling = settling;
    held_count(client, held, settling ? -1 : 1);
}

void
qiaoi_held_drop(struct qiao_client *client, qiao_id task, uint64_t fence)
{
    struct qiaoi_held *held = qiaoi_held_find(client, task);
    uint64_t at;

    if (!held || held->fence != fence) {
        return;
    }
    if (!held->settling) {
        held_count(client, held, -1);
    }
    qiaoi_table_remove(&client->held_at, task, &at);
    client->held[at].task = 0;
    client->held_free[client->held_free_n++] = (uint32_t)at;
    client->held_count--;
}

void
qiaoi_held_renewed(struct qiao_client *client, qiao_id task, uint64_t fence)
{
    struct qiaoi_held *held = qiaoi_held_find(client, task);

    if (held && held->fence == fence) {
        held->renewed_us = client->now_us;
    }
}

/* What the answer to an act tells of it: a refusal names the status too. */
void
qiaoi_held_status(struct qiao_client *client, qiao_id task, uint64_t fence, enum proto_status status)
{
    struct qiaoi_held *held = qiaoi_held_find(client, task);

    if (held && held->fence == fence && status != 0) {
        held->on_hold = status == PROTO_STATUS_ON_HOLD;
    }
}

/* The broker names what a renewal could not keep. A task whose result is on its way is answered by that result. */
void
qiaoi_held_lost(struct qiao_client *client, struct proto_bin lost)
{
    struct proto_iter it = proto_iter_of(lost);
    struct proto_held row;

    while (proto_iter_struct(&it, PROTO_STRUCT_HELD, &row)) {
        struct qiaoi_held *held = qiaoi_held_find(client, row.task);
        struct qiao_event event = {.kind = QIAO_EVENT_WITHDRAW};

        if (!held || held->fence != row.fence || held->settling) {
            continue;
        }
        event.notice = (struct qiao_notice){.task = row.task, .fence = row.fence, .reason = QIAO_REASON_LEASE_EXPIRED,
                                            .message = ""};
        qiaoi_held_drop(client, row.task, row.fence);
        if (!qiaoi_event_push(client, &event)) {
            qiaoi_session_end(client, QIAO_NO_MEMORY);
            return;
        }
    }
}

static void
renew_send(struct qiao_client *client, struct proto_buf *rows, size_t mark, uint32_t count)
{
    struct qiaoi_call *call = qiaoi_call_take(&client->calls, QIAOI_CALL_RENEW, true);
    struct proto_record record = {.type = PROTO_RENEW};
    uint64_t n;

    if (!call) {
        return; /* so much is unanswered that this is tried again at the next turn */
    }
    proto_list_end(rows, mark, count);
    record.u.renew.held = (struct proto_bin){rows->p + mark, (uint32_t)(rows->n - mark)};
    call->care = QIAOI_ONCE;
    call->silent = true;
    n = call->n;
    if (qiaoi_call_send(client, call, &record) == QIAO_OK && call->n == n && !call->sent) {
        qiaoi_call_free(&client->calls, call); /* of another connection's time by then */
    }
}

/* Every lease whose third has passed, or `all` after a reconnect. */
void
qiaoi_held_renew(struct qiao_client *client, bool all)
{
    int64_t next_us = INT64_MAX;
    struct proto_buf *rows = &client->scratch;
    uint32_t count = 0;
    size_t mark = 0;

    for (uint32_t at = 0; at < client->held_cap && client->state == QIAOI_UP; at++) {
        struct qiaoi_held *held = &client->held[at];
        struct proto_held row = {.task = held->task, .fence = held->fence};

        if (held->task == 0) {
            continue;
        }
        held->sent_again = held->sent_again || all;
        if (held->lease_us == 0) {
            continue;
        }
        /* A quarter already counts: so that one turn renews together what came nearly together. */
        if (all || client->now_us - held->renewed_us >= held->lease_us / 4) {
            if (count == 0) {
                proto_buf_reset(rows);
                proto_list_begin(rows, &mark);
            }
            proto_struct_encode(rows, PROTO_STRUCT_HELD, &row);
            held->renewed_us = client->now_us;
            if (++count == QIAOI_RENEW_ROWS) {
                renew_send(client, rows, mark, count);
                count = 0;
            }
        }
        if (held->renewed_us + held->lease_us / 3 < next_us) {
            next_us = held->renewed_us + held->lease_us / 3;
        }
    }
    if (count > 0) {
        renew_send(client, rows, mark, count);
    }
    client->renew_at_us = next_us;
}

void
qiaoi_held_fini(struct qiao_client *client)
{
    qiaoi_table_fini(&client->held_at);
    free(client->held);
    free(client->held_free);
}

enum qiao_hold_state
qiao_held(const struct qiao_client *client, qiao_id task, uint64_t fence)
{
    const struct qiaoi_held *held = qiaoi_held_find(client, task);

    if (!held || held->fence != fence) {
        return QIAO_HELD_NOT;
    }
    return held->abort_asked ? QIAO_HELD_ABORT : QIAO_HELD;
}

uint32_t
qiao_held_count(const struct qiao_client *client)
{
    return client->held_count;
}
