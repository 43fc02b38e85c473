/*
 * What a received record means for this client, whoever reads it: which call it answers, which task is held from now
 * on, which watch went on. Called exactly once per record, in the order in which they came.
 */
#include "lib/internal.h"

static const struct qiaoi_arrival NOTHING = {0};

/* The caller who waits wants it longer than the frame lives. */
static void
answer_keep(struct qiao_client *client, enum qiaoi_care care)
{
    struct proto_error error;
    size_t used;

    client->waiting_for = 0;
    proto_buf_reset(&client->answer_bytes);
    if (!proto_buf_append(&client->answer_bytes, client->raw.p, client->raw.n)) {
        client->answer_status = care == QIAOI_READ ? QIAO_NO_MEMORY : QIAO_UNCERTAIN; /* it may have been a receipt */
        return;
    }
    client->answer_status = proto_decode(client->answer_bytes.p, client->answer_bytes.n, &used, &client->answer, &error)
                                ? QIAO_OK : QIAO_CLOSED;
}

static void
book_submit(struct qiao_client *client, const struct qiaoi_call *call, const struct proto_record *record)
{
    if (!call->track) {
        return;
    }
    client->tracking--;
    if (record->type == PROTO_RECEIPT && record->u.receipt.id != 0) {
        bool put = qiaoi_table_put(&client->tracked, record->u.receipt.id, (uint64_t)(uintptr_t)call->tag);

        assert(put); /* room was made when it was submitted */
        (void)put;
    }
}

static void
book_act(struct qiao_client *client, const struct qiaoi_call *call, const struct proto_record *record)
{
    bool done = record->type == PROTO_RECEIPT;
    bool gone = record->type == PROTO_REFUSAL && (record->u.refusal.code == PROTO_REFUSAL_CODE_STALE ||
                                                       record->u.refusal.code == PROTO_REFUSAL_CODE_NOT_FOUND);

    qiaoi_held_status(client, call->key, call->fence, done ? record->u.receipt.status : record->type == PROTO_REFUSAL ? record->u.refusal.status : 0);
    if (gone || (done && call->settles)) {
        qiaoi_held_drop(client, call->key, call->fence);
    } else if (call->settles) {
        qiaoi_held_settling(client, call->key, call->fence, false);
    } else if (done && call->act == QIAO_ACT_PROGRESS) {
        qiaoi_held_renewed(client, call->key, call->fence);
    }
}

static struct qiaoi_arrival
book_answer(struct qiao_client *client, const struct proto_record *record)
{
    struct qiaoi_call *call = qiaoi_call_find(&client->calls, record->re);
    struct qiaoi_arrival arrival = NOTHING;

    if (record->type == PROTO_RECEIPT) {
        qiaoi_session_seen(client, record->u.receipt.seq);
    }
    if (!call) {
        return NOTHING;
    }
    if (call->kind == QIAOI_CALL_SUBMIT) {
        book_submit(client, call, record);
    } else if (call->kind == QIAOI_CALL_ACT) {
        book_act(client, call, record);
    } else if (call->kind == QIAOI_CALL_RENEW && record->type == PROTO_RECEIPT) {
        qiaoi_held_lost(client, record->u.receipt.lost);
    }
    if (call->kind == QIAOI_CALL_OFFER && record->type == PROTO_REFUSAL) {
        client->offers[call->key - 1].capacity = 0;
        arrival.kind = QIAO_EVENT_OFFER_ENDED;
    } else if (call->blocking && client->waiting_for == call->n) {
        answer_keep(client, call->care);
    } else if (!call->silent) {
        arrival = (struct qiaoi_arrival){.kind = QIAO_EVENT_ANSWER, .tag = call->tag, .repeated = call->repeated};
    }
    qiaoi_call_free(&client->calls, call);
    return arrival;
}

static struct qiaoi_arrival
book_refusal(struct qiao_client *client, const struct proto_record *record)
{
    const struct proto_refusal *refusal = &record->u.refusal;
    struct qiaoi_watch *watch;

    if (client->state == QIAOI_GREETING ||
        (refusal->code == PROTO_REFUSAL_CODE_FORBIDDEN && (proto_str_eq(refusal->path, PROTO_STR("hello")) ||
                                                           proto_str_eq(refusal->path, PROTO_STR("key")))) ||
        (refusal->code == PROTO_REFUSAL_CODE_QUOTA && proto_str_eq(refusal->path, PROTO_STR("connections")))) {
        qiaoi_session_refused(client, record);
        return NOTHING;
    }
    watch = qiaoi_watch_by_number(client, record->re);
    if (watch) {
        struct qiaoi_arrival arrival = {.kind = QIAO_EVENT_WATCH_ENDED, .watch = watch->handle};
        bool internal = watch->internal;

        *watch = (struct qiaoi_watch){0};
        return internal ? NOTHING : arrival;
    }
    return book_answer(client, record);
}

static bool
status_is_final(enum proto_status status)
{
    return qiao_task_status_is_final((enum qiao_task_status)status);
}

/* An event of a request that is tracked: to whom, and is that its last one? */
static bool
tracked_tag(struct qiao_client *client, const struct proto_event_record *event, void **out_tag)
{
    uint64_t tag;
    bool tracked = status_is_final(event->status) ? qiaoi_table_remove(&client->tracked, event->id, &tag)
                                                  : qiaoi_table_get(&client->tracked, event->id, &tag);

    if (tracked) {
        *out_tag = (void *)(uintptr_t)tag;
    }
    return tracked;
}

static struct qiaoi_arrival
book_event(struct qiao_client *client, const struct proto_record *record)
{
    const struct proto_event_record *event = &record->u.event;
    struct qiaoi_arrival arrival = {.kind = QIAO_EVENT_CHANGE};
    struct qiaoi_watch *watch = record->re != 0 ? qiaoi_watch_by_number(client, record->re) : NULL;

    qiaoi_session_seen(client, event->seq);
    if (record->re == 0) {
        tracked_tag(client, event, &arrival.tag);
        return arrival;
    }
    if (!watch) {
        return NOTHING;
    }
    qiaoi_watch_taken(client, watch, event->seq);
    if (!watch->internal) {
        arrival.watch = watch->handle;
        return arrival;
    }
    /* Only for what is tracked, and only what a submitting connection would have been sent. */
    if (!status_is_final(event->status) && event->status != PROTO_STATUS_ON_HOLD) {
        return NOTHING;
    }
    if (!tracked_tag(client, event, &arrival.tag)) {
        arrival = NOTHING;
    }
    qiaoi_tracked_settle(client);
    return arrival;
}

static struct qiaoi_arrival
book_task(struct qiao_client *client, const struct proto_record *record)
{
    const struct proto_task *task = &record->u.task;
    struct qiaoi_held *held = qiaoi_held_find(client, task->task);

    qiaoi_session_seen(client, task->seq);
    /* Each task costs credit, also one that comes again on a new connection; only a reply to a question comes for nothing. */
    if (!held || held->fence != task->fence || held->sent_again) {
        qiaoi_credit_used(client, task->service);
    }
    if (held && held->fence == task->fence && held->sent_again && !task->reply && !(held->on_hold && task->status != PROTO_STATUS_ON_HOLD)) {
        held->sent_again = false;
        return NOTHING; /* it goes on as it was; one that was answered or lifted meanwhile is news */
    }
    qiaoi_held_arrived(client, task);
    return (struct qiaoi_arrival){.kind = QIAO_EVENT_TASK};
}

static struct qiaoi_arrival
book_abort(struct qiao_client *client, const struct proto_record *record)
{
    struct qiaoi_held *held = qiaoi_held_find(client, record->u.abort.task);

    if (held && held->fence == record->u.abort.fence) {
        held->abort_asked = true;
    }
    return (struct qiaoi_arrival){.kind = QIAO_EVENT_ABORT};
}

struct qiaoi_arrival
qiaoi_book(struct qiao_client *client, const struct proto_record *record)
{
    switch (record->type) {
    case PROTO_RECEIPT:
    case PROTO_PAGE:
        return book_answer(client, record);
    case PROTO_REFUSAL:
        return book_refusal(client, record);
    case PROTO_EVENT:
        return book_event(client, record);
    case PROTO_TASK:
        return book_task(client, record);
    case PROTO_ABORT:
        return book_abort(client, record);
    case PROTO_WITHDRAW:
        qiaoi_held_drop(client, record->u.withdraw.task, record->u.withdraw.fence);
        return (struct qiaoi_arrival){.kind = QIAO_EVENT_WITHDRAW};
    case PROTO_WELCOME:
        qiaoi_session_welcome(client, record);
        return NOTHING;
    case PROTO_BYE:
        qiaoi_session_lost(client);
        return NOTHING;
    case PROTO_PING: {
        struct proto_record pong = {.type = PROTO_PONG, .re = record->n};

        if (client->state == QIAOI_UP && !qiaoi_wire_put_record(&client->wire, &pong)) {
            qiaoi_session_lost(client);
        }
        return NOTHING;
    }
    default:
        return NOTHING; /* pong, and what a newer broker may say */
    }
}
