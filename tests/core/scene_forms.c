/*
 * Short forms for scenes: records as most tests want them, and encoded values; see scene.h.
 */
#include "scene_internal.h"

#include <string.h>

#include "proto/writer.h"

static struct proto_str
str_of(const char *text)
{
    return proto_str_of(text);
}

uint64_t
scene_submit(struct scene *scene, struct peer *requester, const char *service)
{
    struct proto_record record = scene_record(PROTO_SUBMIT);
    record.u.submit.service = str_of(service);
    record.u.submit.producer = requester->conn;
    record.u.submit.pseq = requester->n + 1;
    record.body = (struct proto_bin){(const uint8_t *)"body", 4};
    scene_send(scene, requester, &record);
    const struct proto_record *answer = peer_answer(requester);
    if (answer->type != PROTO_RECEIPT) {
        fail_msg("refused: %.*s", PROTO_STR_ARG(answer->u.refusal.message));
    }
    return answer->u.receipt.id;
}

void
scene_offer(struct scene *scene, struct peer *performer, const char *service, uint32_t capacity)
{
    struct proto_record record = scene_record(PROTO_OFFER);
    record.u.offer.service = str_of(service);
    record.u.offer.capacity = capacity;
    record.u.offer.credit = 1000;
    scene_send(scene, performer, &record);
    assert_int_equal(peer_answer(performer)->type, PROTO_RECEIPT);
}

void
scene_credit(struct scene *scene, struct peer *performer, const char *service, uint32_t credit)
{
    struct proto_record record = scene_record(PROTO_CREDIT);
    record.u.credit.service = str_of(service);
    record.u.credit.credit = credit;
    scene_send(scene, performer, &record);
}

struct hand
peer_hand(struct peer *peer)
{
    const struct proto_record *record = peer_got(peer, PROTO_TASK, -1);
    assert_non_null(record);
    return (struct hand){record->u.task.task, record->u.task.fence};
}

void
scene_complete(struct scene *scene, struct peer *peer, struct hand hand)
{
    struct proto_record record = scene_record(PROTO_COMPLETE);
    record.u.complete.task = hand.task;
    record.u.complete.fence = hand.fence;
    record.u.complete.outcome = str_of("conforming");
    record.body = (struct proto_bin){(const uint8_t *)"result", 6};
    scene_send(scene, peer, &record);
}

void
scene_accept(struct scene *scene, struct peer *peer, struct hand hand)
{
    struct proto_record record = scene_record(PROTO_ACCEPT);
    record.u.accept.task = hand.task;
    record.u.accept.fence = hand.fence;
    scene_send(scene, peer, &record);
}

void
scene_start(struct scene *scene, struct peer *peer, struct hand hand)
{
    struct proto_record record = scene_record(PROTO_START);
    record.u.start.task = hand.task;
    record.u.start.fence = hand.fence;
    scene_send(scene, peer, &record);
}

enum proto_status
scene_status(struct scene *scene, uint64_t id)
{
    struct proto_record record = scene_record(PROTO_GET);
    record.u.get.id = id;
    uint64_t n = scene_send(scene, scene->operator, &record);
    const struct proto_record *page = peer_answer_to(scene->operator, n);
    assert_int_equal(page->type, PROTO_PAGE);
    struct proto_iter it = proto_iter_of(page->u.page.rows);
    struct proto_request row;
    assert_true(proto_iter_struct(&it, PROTO_STRUCT_REQUEST, &row));
    assert_int_equal(row.id, id);
    return row.status;
}

struct proto_record
scene_submission(const char *service)
{
    static uint64_t pseq;
    struct proto_record record = scene_record(PROTO_SUBMIT);
    record.u.submit.service = str_of(service);
    record.u.submit.producer = 99;
    record.u.submit.pseq = ++pseq;
    return record;
}

uint64_t
scene_submit_record(struct scene *scene, struct peer *requester, struct proto_record *record)
{
    scene_send(scene, requester, record);
    const struct proto_record *answer = peer_answer(requester);
    if (answer->type != PROTO_RECEIPT) {
        fail_msg("refused: %.*s %.*s", PROTO_STR_ARG(answer->u.refusal.path), PROTO_STR_ARG(answer->u.refusal.message));
    }
    return answer->u.receipt.id;
}

uint64_t
scene_send_hand(struct scene *scene, struct peer *performer, enum proto_type type, struct hand hand)
{
    struct proto_record record = scene_record(type);
    /* task and fence are the first fields of every performer's record, by the schema. */
    switch (type) {
    case PROTO_RELEASE:
        record.u.release.task = hand.task;
        record.u.release.fence = hand.fence;
        break;
    case PROTO_ASK:
        record.u.ask.task = hand.task;
        record.u.ask.fence = hand.fence;
        record.u.ask.message = PROTO_STR("which batch?");
        record.u.ask.fields = list_of("batch", NULL);
        break;
    case PROTO_PROGRESS:
        record.u.progress.task = hand.task;
        record.u.progress.fence = hand.fence;
        record.u.progress.progress = 0.25;
        record.u.progress.business_status = PROTO_STR("sample_received");
        break;
    case PROTO_HOLD:
        record.u.hold.task = hand.task;
        record.u.hold.fence = hand.fence;
        record.u.hold.reason = PROTO_REASON_EQUIPMENT_ISSUE;
        break;
    case PROTO_REJECT:
        record.u.reject.task = hand.task;
        record.u.reject.fence = hand.fence;
        break;
    default:
        fail_msg("no short form of record %d", (int)type);
    }
    return scene_send(scene, performer, &record);
}

void
scene_verify(struct scene *scene, struct peer *peer, struct hand hand, bool agree)
{
    struct proto_record record = scene_record(PROTO_VERIFY);
    record.u.verify.task = hand.task;
    record.u.verify.fence = hand.fence;
    record.u.verify.agree = agree;
    record.u.verify.has = PROTO_VERIFY_AGREE;
    scene_send(scene, peer, &record);
}

void
scene_cancel(struct scene *scene, struct peer *requester, uint64_t id)
{
    struct proto_record record = scene_record(PROTO_CANCEL);
    record.u.cancel.id = id;
    scene_send(scene, requester, &record);
}

void
scene_answer_abort(struct scene *scene, struct peer *performer, struct hand hand, bool agree)
{
    struct proto_record record = scene_record(agree ? PROTO_ACCEPT : PROTO_REJECT);
    if (agree) {
        record.u.accept.task = hand.task;
        record.u.accept.fence = hand.fence;
        record.u.accept.code = PROTO_CODE_ABORT;
        record.u.accept.charge = 12500;
        record.u.accept.currency = PROTO_STR("CNY");
    } else {
        record.u.reject.task = hand.task;
        record.u.reject.fence = hand.fence;
        record.u.reject.code = PROTO_CODE_ABORT;
        record.u.reject.charge = 7000;
        record.u.reject.currency = PROTO_STR("CNY");
    }
    scene_send(scene, performer, &record);
}

struct proto_request
scene_row(struct scene *scene, struct peer *viewer, uint64_t id)
{
    struct proto_record record = scene_record(PROTO_GET);
    record.u.get.id = id;
    record.u.get.trail = record.u.get.output = record.u.get.input = true;
    scene_send(scene, viewer, &record);
    struct proto_request row;
    memset(&row, 0, sizeof row);
    const struct proto_record *answer = peer_answer(viewer);
    assert_int_equal(answer->type, PROTO_PAGE);
    struct proto_iter it = proto_iter_of(answer->u.page.rows);
    assert_true(proto_iter_struct(&it, PROTO_STRUCT_REQUEST, &row));
    return row;
}

/* ------------------------------------------------------------- encoded values */

static struct proto_buf *
scratch(void)
{
    static struct proto_buf bufs[8];
    static uint8_t memory[8][1024];
    static unsigned next;
    struct proto_buf *buf = &bufs[next % 8];
    *buf = (struct proto_buf){memory[next % 8], 0, sizeof memory[0], sizeof memory[0]};
    next++;
    return buf;
}

struct proto_bin
map_of(const char *key, const char *value)
{
    struct proto_buf *buf = scratch();
    proto_put_map(buf, 1);
    proto_put_str(buf, str_of(key));
    proto_put_str(buf, str_of(value));
    return (struct proto_bin){buf->p, (uint32_t)buf->n};
}

struct proto_bin
list_of(const char *a, const char *b)
{
    struct proto_buf *buf = scratch();
    proto_put_list(buf, b == NULL ? 1 : 2);
    proto_put_str(buf, str_of(a));
    if (b != NULL) {
        proto_put_str(buf, str_of(b));
    }
    return (struct proto_bin){buf->p, (uint32_t)buf->n};
}

struct proto_bin
require_one(const char *attribute, const char *op, const char *value)
{
    struct proto_buf *buf = scratch();
    proto_put_list(buf, 1);
    proto_put_list(buf, 3);
    proto_put_str(buf, str_of(attribute));
    proto_put_str(buf, str_of(op));
    proto_put_str(buf, str_of(value));
    return (struct proto_bin){buf->p, (uint32_t)buf->n};
}

struct hand
scene_owned_in_progress(struct scene *scene, struct peer *requester, struct peer *performer, const char *service, uint64_t *out_id)
{
    scene_offer(scene, performer, service, 5);
    *out_id = scene_submit(scene, requester, service);
    struct hand hand = peer_hand(performer);
    scene_accept(scene, performer, hand);
    scene_start(scene, performer, hand);
    peer_expect_receipt(performer, PROTO_STATUS_IN_PROGRESS);
    return hand;
}

const struct proto_event_record *
peer_last_event(struct peer *peer)
{
    const struct proto_record *record = peer_got(peer, PROTO_EVENT, -1);
    assert_non_null(record);
    return &record->u.event;
}
