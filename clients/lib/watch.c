/*
 * Watches: streams of events, each with the last sequence that was taken, so that a new connection goes on exactly
 * there. One of them is the library's own: it finds the outcomes of tracked requests that a lost connection would have
 * been told.
 */
#include "lib/internal.h"

enum { CREDIT_DEFAULT = 1024, CREDIT_MOST = 65536 };

struct qiaoi_watch *
qiaoi_watch_by_number(struct qiao_client *client, uint64_t n)
{
    for (uint32_t at = 0; n != 0 && at < QIAOI_WATCHES_MAX + 1; at++) {
        if (client->watches[at].handle != 0 && client->watches[at].n == n) {
            return &client->watches[at];
        }
    }
    return NULL;
}

static void
watch_send(struct qiao_client *client, struct qiaoi_watch *watch)
{
    struct proto_record record;

    if (client->state != QIAOI_UP) {
        return; /* it begins with the next welcome */
    }
    proto_record_init(&record, PROTO_WATCH);
    watch->n = record.n = client->calls.next++;
    watch->taken = 0;
    record.u.watch.scope = (enum proto_scope)watch->scope;
    record.u.watch.seq = watch->seq;
    record.u.watch.id = watch->id;
    record.u.watch.credit = watch->credit;
    if (!qiaoi_wire_put_record(&client->wire, &record)) {
        qiaoi_session_lost(client);
    }
}

static void
watch_stop(struct qiao_client *client, struct qiaoi_watch *watch)
{
    struct proto_record record;

    if (client->state == QIAOI_UP && watch->n != 0) {
        proto_record_init(&record, PROTO_WATCH);
        record.re = watch->n;
        record.u.watch.stop = true;
        if (!qiaoi_wire_put_record(&client->wire, &record)) {
            qiaoi_session_lost(client);
        }
    }
    *watch = (struct qiaoi_watch){0};
}

/* Half of the credit was used: give it back, so that the stream never stops for a reader who keeps up. */
void
qiaoi_watch_taken(struct qiao_client *client, struct qiaoi_watch *watch, uint64_t seq)
{
    struct proto_record record;

    if (seq > watch->seq) {
        watch->seq = seq;
    }
    watch->taken++;
    if (watch->taken < (watch->credit + 1) / 2 || client->state != QIAOI_UP) {
        return;
    }
    proto_record_init(&record, PROTO_CREDIT);
    record.re = watch->n;
    record.u.credit.credit = watch->taken;
    watch->taken = 0;
    if (!qiaoi_wire_put_record(&client->wire, &record)) {
        qiaoi_session_lost(client);
    }
}

/* No tracked request is left that the lost connection knew of. */
void
qiaoi_tracked_settle(struct qiao_client *client)
{
    struct qiaoi_watch *own = &client->watches[QIAOI_WATCHES_MAX];

    if (own->handle != 0 && client->tracked.count == 0) {
        watch_stop(client, own);
    }
}

void
qiaoi_watches_begin_again(struct qiao_client *client)
{
    struct qiaoi_watch *own = &client->watches[QIAOI_WATCHES_MAX];

    if (client->tracked.count > 0 && own->handle == 0) {
        *own = (struct qiaoi_watch){.handle = UINT64_MAX, .seq = client->witness.seen, .credit = CREDIT_DEFAULT,
                                    .scope = QIAO_SCOPE_REQUESTER, .internal = true};
    }
    for (uint32_t at = 0; at < QIAOI_WATCHES_MAX + 1; at++) {
        if (client->watches[at].handle != 0) {
            watch_send(client, &client->watches[at]);
        }
    }
}

enum qiao_status
qiao_watch_begin(struct qiao_client *client, const struct qiao_watch_query *query, uint64_t *out_watch)
{
    if (!query || query->scope > QIAO_SCOPE_ALL) {
        return qiaoi_refuse_argument(client, "scope", "no such scope");
    }
    if (client->state == QIAOI_ENDED) {
        return client->ended;
    }
    for (uint32_t at = 0; at < QIAOI_WATCHES_MAX; at++) {
        struct qiaoi_watch *watch = &client->watches[at];

        if (watch->handle != 0) {
            continue;
        }
        *watch = (struct qiaoi_watch){.handle = ++client->watch_handle, .seq = query->seq, .id = query->id};
        watch->scope = (uint8_t)(query->scope ? query->scope : QIAO_SCOPE_REQUESTER);
        watch->credit = query->credit ? query->credit : CREDIT_DEFAULT;
        if (watch->credit > CREDIT_MOST) {
            watch->credit = CREDIT_MOST;
        }
        *out_watch = watch->handle;
        watch_send(client, watch);
        return QIAO_OK;
    }
    return QIAO_FULL;
}

enum qiao_status
qiao_watch_end(struct qiao_client *client, uint64_t watch)
{
    for (uint32_t at = 0; at < QIAOI_WATCHES_MAX; at++) {
        if (client->watches[at].handle == watch && watch != 0) {
            watch_stop(client, &client->watches[at]);
            return QIAO_OK;
        }
    }
    return QIAO_ARGUMENT;
}
