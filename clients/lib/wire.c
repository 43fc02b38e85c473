/*
 * The socket: a DEALER, its monitor, and the frame that is being filled. Knows frames and keys, not what records mean.
 *
 * libzmq's own reconnecting is off: it would send what waits in its pipe to a broker that was not greeted yet, and at
 * its own pace. Each try is a new socket; the monitor tells when it is lost. The monitor is read in every call, so it
 * cannot fill up: one socket makes a handful of events.
 */
#include <errno.h>
#include <stdio.h>

#include "lib/internal.h"

enum {
    HANDSHAKE_MS = 5000,
    FRAME_BYTES = 1048576,
    FRAME_RECORDS = 4096,
    FLUSH_EVERY = 256,
};

enum qiao_status
qiaoi_wire_init(struct qiaoi_wire *wire, const struct qiao_options *options)
{
    wire->zmq = zmq_ctx_new();
    if (!wire->zmq) {
        return QIAO_NO_MEMORY;
    }
    wire->frame_bytes_max = FRAME_BYTES;
    wire->records_max = FRAME_RECORDS;
    wire->flush_every = options->flush_every > 0 && options->flush_every < FRAME_RECORDS
                            ? (uint32_t)options->flush_every : FLUSH_EVERY;
    if (options->no_packing) {
        wire->flush_every = 1;
    }
    proto_buf_init(&wire->out, FRAME_BYTES);
    return QIAO_OK;
}

void
qiaoi_wire_disconnect(struct qiaoi_wire *wire, int64_t linger_us)
{
    int linger_ms = linger_us < 0 ? -1 : (int)(linger_us / 1000 > 3600000 ? 3600000 : linger_us / 1000);

    if (wire->socket) {
        zmq_socket_monitor(wire->socket, NULL, 0);
        zmq_close(wire->monitor);
        zmq_setsockopt(wire->socket, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
        zmq_close(wire->socket);
        wire->socket = NULL;
        wire->monitor = NULL;
    }
    proto_buf_reset(&wire->out);
    wire->out_records = 0;
}

void
qiaoi_wire_fini(struct qiaoi_wire *wire, int64_t linger_us)
{
    qiaoi_wire_disconnect(wire, linger_us);
    if (wire->zmq) {
        while (zmq_ctx_term(wire->zmq) != 0 && errno == EINTR) {
        }
    }
    proto_buf_fini(&wire->out);
}

static bool
option_int(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

static bool
security_set(void *socket, const struct qiao_context *context)
{
    if (context->server_key[0] == '\0') {
        return true;
    }
    return zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, context->server_key, QIAO_Z85_CHARS + 1) == 0 &&
           zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, context->public_key, QIAO_Z85_CHARS + 1) == 0 &&
           zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, context->secret_key, QIAO_Z85_CHARS + 1) == 0;
}

static bool
monitor_open(struct qiaoi_wire *wire)
{
    /* Monitors meet at a name; it need only be unique within this client's own context. */
    char name[64];
    int events = ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CLOSED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                 ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;

    snprintf(name, sizeof name, "inproc://monitor-%p", wire->socket);
    if (zmq_socket_monitor(wire->socket, name, events) != 0) {
        return false;
    }
    wire->monitor = zmq_socket(wire->zmq, ZMQ_PAIR);
    return wire->monitor && option_int(wire->monitor, ZMQ_LINGER, 0) && zmq_connect(wire->monitor, name) == 0;
}

enum qiao_status
qiaoi_wire_connect(struct qiaoi_wire *wire, const struct qiao_context *context)
{
    enum qiao_status status = QIAO_SYSTEM;

    assert(!wire->socket);
    wire->socket = zmq_socket(wire->zmq, ZMQ_DEALER);
    if (!wire->socket) {
        return QIAO_SYSTEM;
    }
    if (option_int(wire->socket, ZMQ_LINGER, 0) && option_int(wire->socket, ZMQ_RECONNECT_IVL, -1) &&
        option_int(wire->socket, ZMQ_SNDHWM, 0) && option_int(wire->socket, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS) &&
        zmq_setsockopt(wire->socket, ZMQ_MAXMSGSIZE, &(int64_t){FRAME_BYTES}, sizeof(int64_t)) == 0 &&
        security_set(wire->socket, context) && monitor_open(wire)) {
        if (zmq_connect(wire->socket, context->endpoint) == 0) {
            return QIAO_OK;
        }
        status = errno == EMFILE || errno == ENOMEM || errno == EMTHREAD ? QIAO_SYSTEM : QIAO_CONTEXT;
    }
    if (!wire->monitor) {
        zmq_close(wire->socket);
        wire->socket = NULL;
    } else {
        qiaoi_wire_disconnect(wire, 0);
    }
    return status;
}

/* The bytes of one frame leave; the buffer stays for the next. */
bool
qiaoi_wire_flush(struct qiaoi_wire *wire)
{
    zmq_msg_t frame;

    if (wire->out.n == 0) {
        return true;
    }
    if (!wire->socket || zmq_msg_init_size(&frame, wire->out.n) != 0) {
        return false;
    }
    memcpy(zmq_msg_data(&frame), wire->out.p, wire->out.n);
    if (zmq_msg_send(&frame, wire->socket, ZMQ_DONTWAIT) < 0) {
        zmq_msg_close(&frame);
        return false;
    }
    wire->frames_sent++;
    wire->records_sent += wire->out_records;
    proto_buf_reset(&wire->out);
    wire->out_records = 0;
    return true;
}

bool
qiaoi_wire_added(struct qiaoi_wire *wire)
{
    wire->out_records++;
    return wire->out_records < wire->flush_every || qiaoi_wire_flush(wire);
}

bool
qiaoi_wire_put(struct qiaoi_wire *wire, const uint8_t *p, size_t n)
{
    if (wire->out.n + n > wire->frame_bytes_max && !qiaoi_wire_flush(wire)) {
        return false;
    }
    return proto_buf_append(&wire->out, p, n) && qiaoi_wire_added(wire);
}

enum qiao_status
qiaoi_wire_encode(struct qiaoi_wire *wire, const struct proto_record *record, size_t *out_at)
{
    size_t at = wire->out.n;
    struct proto_error error;

    if (proto_encode(&wire->out, record)) {
        *out_at = at;
        return QIAO_OK;
    }
    if (!proto_record_check(record, &error)) {
        return QIAO_ARGUMENT;
    }
    /* Perhaps there is only no room behind the others, */
    if (at > 0 && !qiaoi_wire_flush(wire)) {
        return QIAO_CLOSED;
    }
    /* or no memory: what does not fit where there is room for a whole frame never does. */
    if (!proto_buf_reserve(&wire->out, wire->out.max)) {
        return QIAO_NO_MEMORY;
    }
    if (!proto_encode(&wire->out, record)) {
        return QIAO_ARGUMENT;
    }
    *out_at = 0;
    return QIAO_OK;
}

bool
qiaoi_wire_put_record(struct qiaoi_wire *wire, const struct proto_record *record)
{
    size_t at;

    return qiaoi_wire_encode(wire, record, &at) == QIAO_OK && qiaoi_wire_added(wire);
}

bool
qiaoi_wire_read(struct qiaoi_wire *wire, zmq_msg_t *frame)
{
    if (!wire->socket) {
        return false;
    }
    while (zmq_msg_recv(frame, wire->socket, ZMQ_DONTWAIT) < 0) {
        if (errno != EINTR) {
            return false;
        }
    }
    wire->frames_read++;
    return true;
}

/* One monitor event is two parts: event and value, then the endpoint. */
enum qiaoi_wire_news
qiaoi_wire_news(struct qiaoi_wire *wire)
{
    enum qiaoi_wire_news news = QIAOI_NEWS_NONE;

    while (wire->monitor) {
        uint8_t head[6], endpoint[256];
        uint16_t event;
        uint32_t value;

        if (zmq_recv(wire->monitor, head, sizeof head, ZMQ_DONTWAIT) != (int)sizeof head) {
            return news;
        }
        if (zmq_recv(wire->monitor, endpoint, sizeof endpoint, ZMQ_DONTWAIT) < 0) {
            return news;
        }
        memcpy(&event, head, sizeof event);
        memcpy(&value, head + sizeof event, sizeof value);
        if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH && value == 400) {
            news = QIAOI_NEWS_DENIED;
        } else if (news == QIAOI_NEWS_NONE) {
            news = QIAOI_NEWS_LOST;
        }
    }
    return news;
}

bool
qiaoi_wire_readable(struct qiaoi_wire *wire)
{
    int events = 0;
    size_t n = sizeof events;

    return wire->socket && zmq_getsockopt(wire->socket, ZMQ_EVENTS, &events, &n) == 0 && (events & ZMQ_POLLIN) != 0;
}

bool
qiaoi_wire_wait(struct qiaoi_wire *wire, int64_t timeout_us)
{
    zmq_pollitem_t items[2] = {{wire->socket, 0, ZMQ_POLLIN, 0}, {wire->monitor, 0, ZMQ_POLLIN, 0}};
    long timeout_ms = timeout_us < 0 || timeout_us > 3600000000LL ? 3600000 : (long)((timeout_us + 999) / 1000);

    return zmq_poll(items, wire->socket ? 2 : 0, timeout_ms) >= 0 || errno != EINTR;
}
