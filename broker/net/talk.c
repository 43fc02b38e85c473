/*
 * Records about the connection itself: hello first, ping, bye, refusals of what cannot be read.
 *
 * Everything else is handed to the caller. A connection that keeps sending rubbish is refused once more and then ignored.
 */
#include "net/internal.h"

#include <stdio.h>

static void
record_send(struct net *net, struct conn *conn, const struct proto_record *record)
{
    proto_buf_reset(&net->scratch);
    bool encoded = proto_encode(&net->scratch, record);
    assert(encoded);
    struct proto_bin bytes = {net->scratch.p, (uint32_t)net->scratch.n};
    outbox_append(net, conn, &bytes, 1, 1);
}

static struct proto_record
refusal_make(uint64_t re, enum proto_refusal_code code, struct proto_str path, const char *message)
{
    struct proto_record record;
    proto_record_init(&record, PROTO_REFUSAL);
    record.re = re;
    record.u.refusal.code = code;
    record.u.refusal.path = path;
    record.u.refusal.message = proto_str_of(message);
    return record;
}

void
talk_refuse(struct net *net, struct conn *conn, uint64_t re, enum proto_refusal_code code, struct proto_str path,
            const char *message)
{
    struct proto_record record = refusal_make(re, code, path, message);
    record_send(net, conn, &record);
}

void
talk_refuse_stranger(struct net *net, zmq_msg_t *routing_id, enum proto_refusal_code code, const char *path,
                     const char *message)
{
    struct proto_record record = refusal_make(0, code, proto_str_of(path), message);
    proto_buf_reset(&net->scratch);
    bool encoded = proto_encode(&net->scratch, &record);
    assert(encoded);
    if (zmq_send(net->router, zmq_msg_data(routing_id), zmq_msg_size(routing_id), ZMQ_DONTWAIT | ZMQ_SNDMORE) >= 0) {
        zmq_send(net->router, net->scratch.p, net->scratch.n, ZMQ_DONTWAIT);
    }
}

void
talk_bye(struct net *net, struct conn *conn, const char *why)
{
    struct proto_record record;
    proto_record_init(&record, PROTO_BYE);
    record.u.bye.reason = proto_str_of(why);
    record_send(net, conn, &record);
}

void
talk_shut(struct net *net, struct conn *conn, enum proto_refusal_code code, const char *path, const char *message)
{
    uint32_t handle = conn->handle;
    talk_refuse(net, conn, 0, code, proto_str_of(path), message);
    if (conn_by_handle(&net->conns, handle) == conn && conn->state != CONN_ENDED) {
        talk_bye(net, conn, message);
    }
    if (conn_by_handle(&net->conns, handle) == conn && conn->state != CONN_ENDED) {
        outbox_push(net, conn);
        net_end(net, conn, message, true);
    }
}

/* One more bad record; the budget may be at its end. */
static void
malformed_count(struct net *net, struct conn *conn)
{
    net->stats.malformed++;
    conn->malformed++;
    if (conn->malformed > net->options.malformed_max) {
        talk_shut(net, conn, PROTO_REFUSAL_CODE_MALFORMED, "", "too many malformed records");
    }
}

void
talk_malformed(struct net *net, struct conn *conn, enum proto_refusal_code code, const char *message)
{
    uint32_t handle = conn->handle;
    talk_refuse(net, conn, 0, code, PROTO_STR(""), message);
    if (conn_by_handle(&net->conns, handle) == conn && conn->state != CONN_ENDED) {
        malformed_count(net, conn);
    }
}

/* The next record of the frame, or NULL: it was refused. Moves the frame on. */
static bool
record_read(struct net *net, struct conn *conn, uint32_t *out_bytes)
{
    struct proto_error error = {0};
    size_t used = 0;
    if (++net->frame_records > net->options.records_per_frame_max) {
        net->frame_left = 0;
        talk_malformed(net, conn, PROTO_REFUSAL_CODE_TOO_LARGE, "too many records in one frame");
        return false;
    }
    bool decoded = proto_decode(net->frame_at, net->frame_left, &used, &net->record, &error);
    assert(used <= net->frame_left);
    net->frame_at += used;
    net->frame_left = used > 0 ? net->frame_left - used : 0;
    if (!decoded) {
        uint32_t handle = conn->handle;
        talk_refuse(net, conn, net->record.n, error.code, proto_str_of(error.path), error.why);
        if (error.code == PROTO_REFUSAL_CODE_MALFORMED && conn_by_handle(&net->conns, handle) == conn && conn->state != CONN_ENDED) {
            malformed_count(net, conn);
        }
        return false;
    }
    net->stats.records_in++;
    if (!proto_record_desc(net->record.type)->from_client) {
        talk_refuse(net, conn, net->record.n, PROTO_REFUSAL_CODE_UNSUPPORTED, PROTO_STR("t"), "only a broker sends this record");
        return false;
    }
    *out_bytes = (uint32_t)used;
    return true;
}

/* A connection that has not said hello yet. True: now it has. */
static bool
hello_hear(struct net *net, struct conn *conn)
{
    if (net->record.type != PROTO_HELLO) {
        net->frame_left = 0;
        talk_refuse(net, conn, net->record.n, PROTO_REFUSAL_CODE_FORBIDDEN, PROTO_STR("hello"), "say hello first");
        return false;
    }
    if (net->record.u.hello.version != PROTO_VERSION) {
        net->frame_left = 0;
        talk_refuse(net, conn, net->record.n, PROTO_REFUSAL_CODE_UNSUPPORTED, PROTO_STR("version"), "this broker speaks QSRP/1");
        return false;
    }
    conn->state = CONN_OPEN;
    return true;
}

/* ping, pong and bye of an open connection. False: it is for the caller. */
static bool
own_record_hear(struct net *net, struct conn *conn)
{
    switch (net->record.type) {
    case PROTO_PING: {
        struct proto_record pong;
        proto_record_init(&pong, PROTO_PONG);
        pong.re = net->record.n;
        record_send(net, conn, &pong);
        return true;
    }
    case PROTO_PONG:
        return true;
    case PROTO_BYE:
        net_end(net, conn, "bye", false);
        return true;
    default:
        return false;
    }
}

bool
talk_next(struct net *net, struct net_input *out_input)
{
    while (net->frame_left > 0) {
        struct conn *conn = conn_by_handle(&net->conns, net->frame_conn);
        if (!conn || (conn->state != CONN_GREETING && conn->state != CONN_OPEN)) {
            net->frame_left = 0;
            return false;
        }
        uint32_t bytes = 0;
        if (!record_read(net, conn, &bytes)) {
            continue;
        }
        bool fresh = conn->state == CONN_GREETING;
        if (fresh ? !hello_hear(net, conn) : own_record_hear(net, conn)) {
            continue;
        }
        *out_input = (struct net_input){.kind = fresh ? NET_CONNECTED : NET_RECORD, .conn = conn->handle,
                                        .peer = conn->peer, .record = &net->record, .record_bytes = bytes};
        return true;
    }
    return false;
}
