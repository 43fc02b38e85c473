/* The requester's calls, and the two shapes that most calls have: one that gives a page, one that gives a receipt. */
#include "lib/internal.h"
#include "lib/qiao_internal.h"

static bool
strs_encode(struct proto_buf *buf, const char *const *texts, size_t count)
{
    if (count > UINT16_MAX || !proto_put_list(buf, (uint32_t)count)) {
        return false;
    }
    for (size_t at = 0; at < count; at++) {
        if (!texts[at] || !proto_put_str(buf, qiaoi_str(texts[at]))) {
            return false;
        }
    }
    return true;
}

bool
qiaoi_strs_put(struct qiao_client *client, const char *const *a, size_t a_count, struct proto_bin *out_a,
               const char *const *b, size_t b_count, struct proto_bin *out_b)
{
    struct proto_buf *buf = &client->scratch;
    size_t middle;

    proto_buf_reset(buf);
    if (a_count > 0 && !strs_encode(buf, a, a_count)) {
        return false;
    }
    middle = buf->n;
    if (b_count > 0 && !strs_encode(buf, b, b_count)) {
        return false;
    }
    if (a_count > 0) {
        *out_a = (struct proto_bin){buf->p, (uint32_t)middle};
    }
    if (b_count > 0) {
        *out_b = (struct proto_bin){buf->p + middle, (uint32_t)(buf->n - middle)};
    }
    return true;
}

enum qiao_status
qiaoi_call_page(struct qiao_client *client, struct proto_record *record, int64_t timeout_us,
                struct qiao_page **out_page)
{
    enum qiao_status status = qiaoi_call_blocking(client, record, QIAOI_READ, timeout_us);

    return status == QIAO_OK ? qiaoi_page_make(&client->answer, out_page) : status;
}

enum qiao_status
qiaoi_call_receipt(struct qiao_client *client, struct proto_record *record, enum qiaoi_care care, int64_t timeout_us,
                   struct qiao_receipt *out_receipt)
{
    enum qiao_status status = qiaoi_call_blocking(client, record, care, timeout_us);

    if (status == QIAO_OK && out_receipt) {
        qiaoi_fill_receipt(&client->answer, out_receipt);
    }
    return status;
}

/* ------------------------------------------------------------- submit */

static bool
submit_record(struct qiao_client *client, const struct qiao_submission *from, struct proto_record *record)
{
    struct proto_submit *to = &record->u.submit;

    proto_record_init(record, PROTO_SUBMIT);
    to->service = qiaoi_str(from->service);
    to->key = qiaoi_str(from->key);
    to->input = qiaoi_bin(from->input);
    if (from->priority != 0) {
        to->priority = (enum proto_priority)from->priority;
    }
    to->performer = qiaoi_str(from->performer);
    to->fallback = (enum proto_fallback)from->fallback;
    to->require = qiaoi_bin(from->require);
    to->not_before = from->not_before;
    to->complete_by = from->complete_by;
    if (from->place.given) {
        to->latitude = from->place.latitude;
        to->longitude = from->place.longitude;
        to->located = true;
    }
    to->cost = from->cost;
    to->subject = qiaoi_str(from->subject);
    to->note = qiaoi_str(from->note);
    to->based_on = qiaoi_str(from->based_on);
    to->traceparent = qiaoi_str(from->traceparent);
    if (from->notify != 0) {
        to->notify = from->notify == QIAO_NOTIFY_NONE ? PROTO_NOTIFY_NONE : (enum proto_notify)from->notify;
    }
    /* Named even when it is the schema's default or 0: none differs from absent. */
    to->has |= PROTO_SUBMIT_NOTIFY;
    record->body = qiaoi_bin(from->body);
    return (from->exclude_count == 0 && from->prefer_count == 0) ||
           qiaoi_strs_put(client, from->exclude, from->exclude_count, &to->exclude, from->prefer, from->prefer_count,
                          &to->prefer);
}

static enum qiao_status
submit_prepare(struct qiao_client *client, const struct qiao_submission *submission, bool reserve,
               struct proto_record *record, struct qiaoi_call **out_call)
{
    struct qiaoi_call *call;
    bool track = submission && submission->track && submission->notify != QIAO_NOTIFY_NONE;

    if (!submission || !submission->service || submission->input.n > PROTO_LIMIT_INPUT_BYTES ||
        submission->body.n > PROTO_LIMIT_FRAME_BYTES || submission->require.n > PROTO_LIMIT_FRAME_BYTES) {
        return qiaoi_refuse_argument(client, submission && submission->service ? "input" : "service",
                                     "a submission names a service; input and body have limits");
    }
    if (client->state == QIAOI_ENDED) {
        return client->ended;
    }
    if (!submit_record(client, submission, record)) {
        return qiaoi_refuse_argument(client, "exclude", "a list of parties is too long");
    }
    if (track && client->tracked.count + client->tracking >= client->tracked_max) {
        return QIAO_FULL;
    }
    if (track && !qiaoi_table_reserve(&client->tracked, client->tracking + 1)) {
        return QIAO_NO_MEMORY; /* now, and not when its receipt comes */
    }
    call = qiaoi_call_take(&client->calls, QIAOI_CALL_SUBMIT, reserve);
    if (!call) {
        return QIAO_FULL;
    }
    if (!submission->key || !submission->key[0]) {
        if (!qiaoi_pseq_take(&client->calls, &call->key)) {
            qiaoi_call_free(&client->calls, call);
            return QIAO_FULL;
        }
        record->u.submit.producer = client->calls.producer;
        record->u.submit.pseq = call->key;
    }
    call->care = QIAOI_SAFE;
    call->track = track;
    *out_call = call;
    return QIAO_OK;
}

enum qiao_status
qiao_submit_begin(struct qiao_client *client, const struct qiao_submission *submission, void *tag)
{
    struct proto_record record;
    struct qiaoi_call *call;
    enum qiao_status status = submit_prepare(client, submission, false, &record, &call);

    if (status != QIAO_OK) {
        return status;
    }
    call->tag = tag;
    client->tracking += call->track;
    bool track = call->track;
    status = qiaoi_call_send(client, call, &record);
    if (status != QIAO_OK) {
        client->tracking -= track;
    }
    return status;
}

enum qiao_status
qiao_submit(struct qiao_client *client, const struct qiao_submission *submission, int64_t timeout_us,
            struct qiao_receipt *out_receipt)
{
    struct proto_record record;
    struct qiaoi_call *call;
    enum qiao_status status = submit_prepare(client, submission, true, &record, &call);

    if (status != QIAO_OK) {
        return status;
    }
    call->track = false; /* the caller has the id; a tag would be no help */
    status = qiaoi_call_wait(client, call, &record, timeout_us);
    if (status == QIAO_OK && out_receipt) {
        qiaoi_fill_receipt(&client->answer, out_receipt);
    }
    return status;
}

/* ------------------------------------------------------------- reading */

enum qiao_status
qiao_get(struct qiao_client *client, qiao_id id, unsigned with, int64_t timeout_us, struct qiao_page **out_page)
{
    struct proto_record record;

    proto_record_init(&record, PROTO_GET);
    record.u.get.id = id;
    record.u.get.trail = (with & QIAO_WITH_TRAIL) != 0;
    record.u.get.output = (with & QIAO_WITH_OUTPUT) != 0;
    record.u.get.input = (with & QIAO_WITH_INPUT) != 0;
    return qiaoi_call_page(client, &record, timeout_us, out_page);
}

enum qiao_status
qiao_list(struct qiao_client *client, const struct qiao_list_query *query, int64_t timeout_us,
          struct qiao_page **out_page)
{
    const char *names[QIAO_TASK_ENTERED_IN_ERROR];
    struct proto_record record;
    struct proto_bin none = {0};
    struct proto_list *list;

    if (!query || query->status_count > QIAO_TASK_ENTERED_IN_ERROR) {
        return qiaoi_refuse_argument(client, "status", "more statuses than there are");
    }
    proto_record_init(&record, PROTO_LIST);
    list = &record.u.list;
    for (size_t at = 0; at < query->status_count; at++) {
        names[at] = qiao_task_status_name(query->status[at]);
    }
    if (!qiaoi_strs_put(client, names, query->status_count, &list->status, NULL, 0, &none)) {
        return QIAO_NO_MEMORY;
    }
    if (query->scope != 0) {
        list->scope = (enum proto_scope)query->scope;
    }
    list->service = qiaoi_str(query->service);
    list->party = qiaoi_str(query->party);
    list->since = query->since;
    list->until = query->until;
    list->after = qiaoi_str(query->after);
    list->limit = query->limit;
    list->finished = query->finished;
    return qiaoi_call_page(client, &record, timeout_us, out_page);
}

enum qiao_status
qiao_explain(struct qiao_client *client, qiao_id id, int64_t timeout_us, struct qiao_page **out_page)
{
    struct proto_record record;

    proto_record_init(&record, PROTO_EXPLAIN);
    record.u.explain.id = id;
    return qiaoi_call_page(client, &record, timeout_us, out_page);
}

enum qiao_status
qiao_services(struct qiao_client *client, const char *service, const char *after, int64_t timeout_us,
              struct qiao_page **out_page)
{
    struct proto_record record;

    proto_record_init(&record, PROTO_SERVICES);
    record.u.services.service = qiaoi_str(service);
    record.u.services.after = qiaoi_str(after);
    return qiaoi_call_page(client, &record, timeout_us, out_page);
}

/* ------------------------------------------------------------- acting */

enum qiao_status
qiao_cancel(struct qiao_client *client, qiao_id id, const char *message, int64_t timeout_us,
            struct qiao_receipt *out_receipt)
{
    struct proto_record record;

    proto_record_init(&record, PROTO_CANCEL);
    record.u.cancel.id = id;
    record.u.cancel.message = qiaoi_str(message);
    return qiaoi_call_receipt(client, &record, QIAOI_SAFE, timeout_us, out_receipt);
}

enum qiao_status
qiao_reply(struct qiao_client *client, qiao_id id, const char *message, struct qiao_bytes input,
           struct qiao_bytes body, int64_t timeout_us, struct qiao_receipt *out_receipt)
{
    struct proto_record record;

    proto_record_init(&record, PROTO_REPLY);
    record.u.reply.id = id;
    record.u.reply.message = qiaoi_str(message);
    record.u.reply.input = qiaoi_bin(input);
    record.body = qiaoi_bin(body);
    return qiaoi_call_receipt(client, &record, QIAOI_ONCE, timeout_us, out_receipt);
}

enum qiao_status
qiao_close_request(struct qiao_client *client, qiao_id id, const char *message, int64_t timeout_us,
                   struct qiao_receipt *out_receipt)
{
    struct proto_record record;

    proto_record_init(&record, PROTO_CLOSE);
    record.u.close.id = id;
    record.u.close.message = qiaoi_str(message);
    return qiaoi_call_receipt(client, &record, QIAOI_ONCE, timeout_us, out_receipt);
}

enum qiao_status
qiaoi_call(struct qiao_client *client, const struct proto_record *record, bool repeat, int64_t timeout_us,
           struct proto_record *out_answer)
{
    struct proto_record sent = *record;
    enum qiao_status status = qiaoi_call_blocking(client, &sent, repeat ? QIAOI_READ : QIAOI_ONCE, timeout_us);

    if (status < QIAO_TIMEOUT) {
        *out_answer = client->answer;
    }
    return status;
}
