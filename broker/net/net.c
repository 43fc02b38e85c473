/*
 * Opening, closing, and the calls of net.h; what they rest on is in the other files of this room.
 */
#include "net/internal.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

enum { SCRATCH_BYTES_MAX = 64 << 10 };

void
net_options_init(struct net_options *options)
{
    memset(options, 0, sizeof *options);
    options->frame_bytes_max = 1 << 20;
    options->records_per_frame_max = 4096;
    options->connections_max = 4096;
    options->connections_per_key_max = 256;
    options->outbox_bytes_max = 16 << 20;
    options->outbox_records_max = 65536;
    options->malformed_max = 16;
    options->heartbeat_us = 5000000;
    options->handshake_us = 5000000;
    options->backlog = 1024;
}

static bool
endpoint_is_local(const char *endpoint)
{
    return strncmp(endpoint, "ipc://", 6) == 0 || strncmp(endpoint, "tcp://127.", 10) == 0;
}

static bool
options_check(const struct net_options *o, char error[NET_ERROR_BYTES])
{
    const char *why = NULL;
    static const uint8_t zero[NET_KEY_BYTES];
    if (o->endpoint_count == 0 || o->endpoint_count > NET_ENDPOINTS_MAX) {
        why = "between one and four endpoints are needed";
    } else if (!o->lookup) {
        why = "nobody could be let in without a lookup of keys";
    } else if (o->connections_max == 0 || o->connections_max > NET_CONNECTIONS_HARD || o->connections_per_key_max == 0) {
        why = "limits of connections are out of range";
    } else if (o->frame_bytes_max < 1024 || o->records_per_frame_max == 0 || o->outbox_bytes_max < o->frame_bytes_max) {
        why = "limits of frames are out of range";
    } else if (o->heartbeat_us < 1000 || o->handshake_us < 1000) {
        why = "heartbeat and handshake need at least a millisecond";
    } else if (!o->plain_text && memcmp(o->server_secret, zero, sizeof zero) == 0) {
        why = "the server's key is missing";
    }
    if (why) {
        snprintf(error, NET_ERROR_BYTES, "%s", why);
        return false;
    }
    for (uint32_t i = 0; o->plain_text && i < o->endpoint_count; i++) {
        if (!endpoint_is_local(o->endpoints[i])) {
            snprintf(error, NET_ERROR_BYTES, "plain text is for loopback and ipc only, not for %.150s", o->endpoints[i]);
            return false;
        }
    }
    return true;
}

enum net_status
net_open(const struct net_options *options, struct net **out_net, char error[NET_ERROR_BYTES])
{
    if (!options_check(options, error)) {
        return NET_CONFIG;
    }
    struct net *net = calloc(1, sizeof *net);
    if (!net) {
        snprintf(error, NET_ERROR_BYTES, "no memory");
        return NET_SYSTEM;
    }
    net->options = *options;
    proto_buf_init(&net->scratch, SCRATCH_BYTES_MAX);
    chunk_pool_init(&net->chunks, options->frame_bytes_max);
    net->context = zmq_ctx_new();
    enum net_status status = NET_SYSTEM;
    if (!net->context || !conn_table_init(&net->conns, options->connections_max)) {
        snprintf(error, NET_ERROR_BYTES, "no memory for %u connections", options->connections_max);
    } else {
        zmq_ctx_set(net->context, ZMQ_MAX_SOCKETS, 16);
        status = zap_open(net, error);
        status = status == NET_OK ? socket_open(net, error) : status;
    }
    if (status != NET_OK) {
        net_close(&net, 0);
        return status;
    }
    *out_net = net;
    return NET_OK;
}

void
net_close(struct net **net_p, int64_t linger_us)
{
    struct net *net = *net_p;
    *net_p = NULL;
    if (!net) {
        return;
    }
    gate_release(net);
    for (uint32_t i = 1; i <= net->conns.used; i++) {
        outbox_clear(&net->conns.slots[i]);
    }
    if (net->router) {
        int linger_ms = (int)(linger_us / 1000);
        zmq_setsockopt(net->router, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
        zmq_close(net->router);
    }
    if (net->zap) {
        zmq_close(net->zap);
    }
    if (net->context) {
        zmq_ctx_term(net->context); /* after this no chunk is out any more */
    }
    conn_table_fini(&net->conns);
    chunk_pool_fini(&net->chunks);
    proto_buf_fini(&net->scratch);
    sodium_memzero(net->options.server_secret, sizeof net->options.server_secret);
    free(net);
}

const char *
net_endpoint(const struct net *net, uint32_t index)
{
    assert(index < net->options.endpoint_count);
    return net->endpoints[index];
}

uint32_t
net_fds(const struct net *net, int out_fds[2])
{
    out_fds[0] = net->router_fd;
    out_fds[1] = net->zap_fd;
    return 2;
}

static bool
socket_readable(void *socket)
{
    int events = 0;
    size_t size = sizeof events;
    return zmq_getsockopt(socket, ZMQ_EVENTS, &events, &size) == 0 && (events & ZMQ_POLLIN) != 0;
}

bool
net_ready(struct net *net)
{
    return net->frame_left > 0 || net->conns.list_n[LIST_ENDED] > 0 || socket_readable(net->router) || socket_readable(net->zap);
}

void
net_end(struct net *net, struct conn *conn, const char *why, bool shut_after)
{
    assert(conn->state == CONN_GREETING || conn->state == CONN_OPEN || conn->state == CONN_SHUT);
    outbox_clear(conn);
    conn_list_remove(&net->conns, LIST_DIRTY, conn);
    conn_list_remove(&net->conns, LIST_BLOCKED, conn);
    if (net->frame_conn == conn->handle) {
        net->frame_left = 0;
    }
    if (conn->state == CONN_OPEN) {
        conn->state = CONN_ENDED;
        conn->why = why;
        conn->shut_after = shut_after;
        conn_list_add(&net->conns, LIST_ENDED, conn);
    } else if (shut_after) {
        conn->state = CONN_SHUT;
    } else {
        conn_free(&net->conns, conn);
    }
}

static void
ended_report(struct net *net, struct conn *conn, struct net_input *out_input)
{
    *out_input = (struct net_input){.kind = NET_DISCONNECTED, .conn = conn->handle, .peer = conn->peer, .why = conn->why};
    conn_list_remove(&net->conns, LIST_ENDED, conn);
    if (conn->shut_after) {
        conn->state = CONN_SHUT;
    } else {
        conn_free(&net->conns, conn);
    }
}

/* End those that were silent for three heartbeats. Only when the socket is empty: after a pause of ours their pings wait there. */
static bool
silent_end(struct net *net)
{
    struct conn_table *table = &net->conns;
    int64_t limit_us = 3 * net->options.heartbeat_us;
    bool any = false;
    while (table->oldest && net->now_us - table->slots[table->oldest].last_seen_us > limit_us) {
        struct conn *conn = &table->slots[table->oldest];
        if (conn->state == CONN_ENDED) {
            break; /* reported first */
        }
        if (conn->state == CONN_OPEN) {
            net->stats.dropped_silent++;
            net_drop(net, conn->handle, "silent");
        } else {
            net_end(net, conn, "silent", false);
        }
        any = true;
    }
    return any;
}

bool
net_next(struct net *net, int64_t now_us, struct net_input *out_input)
{
    net->now_us = now_us;
    for (uint32_t frames = 0; frames < FRAMES_WITHOUT_INPUT_MAX;) {
        struct conn *ended = conn_list_last(&net->conns, LIST_ENDED);
        if (ended) {
            ended_report(net, ended, out_input);
            return true;
        }
        if (net->frame_left > 0) {
            if (talk_next(net, out_input)) {
                return true;
            }
            continue;
        }
        gate_release(net);
        frames++;
        if (!gate_receive(net)) {
            zap_serve(net);
            if (!silent_end(net)) {
                return false;
            }
        }
    }
    return false;
}

static struct conn *
open_conn(const struct net *net, uint32_t handle)
{
    struct conn *conn = conn_by_handle(&net->conns, handle);
    return conn && conn->state == CONN_OPEN ? conn : NULL;
}

void
net_send(struct net *net, uint32_t handle, const uint8_t *p, size_t n, uint32_t records)
{
    struct conn *conn = open_conn(net, handle);
    if (conn && n > 0) {
        struct proto_bin part = {p, (uint32_t)n};
        outbox_append(net, conn, &part, 1, records);
    }
}

void
net_send_parts(struct net *net, uint32_t handle, struct proto_bin header, struct proto_bin body)
{
    struct conn *conn = open_conn(net, handle);
    if (!conn) {
        return;
    }
    proto_buf_reset(&net->scratch);
    bool encoded = proto_encode_body_head(&net->scratch, body.n);
    assert(encoded);
    struct proto_bin parts[3] = {header, {net->scratch.p, (uint32_t)net->scratch.n}, body};
    outbox_append(net, conn, parts, 3, 1);
}

void
net_send_record(struct net *net, uint32_t handle, const struct proto_record *record)
{
    struct conn *conn = open_conn(net, handle);
    if (!conn) {
        return;
    }
    proto_buf_reset(&net->scratch);
    bool encoded = proto_encode(&net->scratch, record);
    assert(encoded);
    struct proto_bin part = {net->scratch.p, (uint32_t)net->scratch.n};
    outbox_append(net, conn, &part, 1, 1);
}

size_t
net_room(const struct net *net, uint32_t handle)
{
    struct conn *conn = open_conn(net, handle);
    if (!conn || conn->out_records >= net->options.outbox_records_max) {
        return 0;
    }
    return net->options.outbox_bytes_max - conn->out_bytes;
}

void
net_flush(struct net *net, int64_t now_us)
{
    net->now_us = now_us;
    outbox_flush(net);
    zap_serve(net);
}

void
net_drop(struct net *net, uint32_t handle, const char *why)
{
    struct conn *conn = open_conn(net, handle);
    if (!conn) {
        return;
    }
    talk_bye(net, conn, why);
    if (conn->state == CONN_OPEN) {
        outbox_push(net, conn);
        net_end(net, conn, why, false);
    }
}

void
net_bye_all(struct net *net, const char *why)
{
    for (uint32_t i = 1; i <= net->conns.used; i++) {
        struct conn *conn = &net->conns.slots[i];
        if (conn->state == CONN_OPEN) {
            talk_bye(net, conn, why);
        }
    }
    outbox_flush(net);
}

int64_t
net_next_deadline(const struct net *net)
{
    const struct conn_table *table = &net->conns;
    int64_t deadline = INT64_MAX;
    if (table->oldest) {
        deadline = table->slots[table->oldest].last_seen_us + 3 * net->options.heartbeat_us + 1;
    }
    if (table->list_n[LIST_BLOCKED] > 0 && net->retry_at_us < deadline) {
        deadline = net->retry_at_us;
    }
    return deadline;
}

void
net_stats(const struct net *net, struct net_stats *out_stats)
{
    *out_stats = net->stats;
    out_stats->connections = net->conns.live;
}
