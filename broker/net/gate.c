/*
 * Frames come in: whose they are, and whether that peer may speak at all.
 *
 * Nothing of a frame is decoded before its User-Id was looked up (C1, C4). A connection belongs to one key for life.
 */
#include "net/internal.h"

#include <stdio.h>

void
gate_release(struct net *net)
{
    if (net->frame_held) {
        zmq_msg_close(&net->frame);
        net->frame_held = false;
    }
    net->frame_left = 0;
}

/* Read the parts behind the first two and forget them; a frame is one part. True if there were any. */
static bool
surplus_discard(struct net *net, zmq_msg_t *last)
{
    bool more = zmq_msg_more(last), any = more;
    while (more) {
        zmq_msg_t part;
        zmq_msg_init(&part);
        more = zmq_msg_recv(&part, net->router, ZMQ_DONTWAIT) >= 0 && zmq_msg_more(&part);
        zmq_msg_close(&part);
    }
    return any;
}

/* libzmq's own ids only: one that a peer chose could be taken over by another after it left. */
static bool
routing_id_read(zmq_msg_t *part, uint32_t *out_id)
{
    const uint8_t *p = zmq_msg_data(part);
    if (zmq_msg_size(part) != ROUTING_ID_BYTES || p[0] != 0) {
        return false;
    }
    memcpy(out_id, p + 1, sizeof *out_id);
    return true;
}

/* The key of this frame's peer as the handshake proved it. */
static const char *
user_id_read(struct net *net)
{
    const char *user_id = zmq_msg_gets(&net->frame, "User-Id");
    return user_id && strlen(user_id) == USER_ID_CHARS ? user_id : NULL;
}

/* A peer's first frame. NULL: it may not come in; it was told why. */
static struct conn *
conn_admit(struct net *net, zmq_msg_t *routing_part, uint32_t routing_id, const char *user_id)
{
    uint8_t key[NET_KEY_BYTES];
    struct net_peer peer;
    if (!zmq_z85_decode(key, user_id) ||
        net->options.lookup(net->options.lookup_arg, key, &peer) != NET_KEY_KNOWN) {
        talk_refuse_stranger(net, routing_part, PROTO_REFUSAL_CODE_FORBIDDEN, "key", "this key does not count any more");
        return NULL;
    }
    struct conn *oldest = NULL;
    if (conn_count_of_key(&net->conns, key, &oldest) >= net->options.connections_per_key_max) {
        /* A program that is killed and started again leaves such behind; it must not lock itself out. */
        if (oldest && net->now_us - oldest->last_seen_us > 2 * net->options.heartbeat_us) {
            net_end(net, oldest, "replaced", false);
        } else {
            net->stats.refused_caps++;
            talk_refuse_stranger(net, routing_part, PROTO_REFUSAL_CODE_QUOTA, "connections", "too many connections of this key");
            return NULL;
        }
    }
    struct conn *conn = conn_new(&net->conns, routing_id, key);
    if (!conn) {
        net->stats.refused_caps++;
        talk_refuse_stranger(net, routing_part, PROTO_REFUSAL_CODE_RETRY_LATER, "connections", "too many connections");
        return NULL;
    }
    memcpy(conn->user_id, user_id, USER_ID_CHARS);
    conn->peer = peer;
    conn_touch(&net->conns, conn, net->now_us);
    return conn;
}

/* Whose frame it is, now. NULL: nobody's that may speak. */
static struct conn *
frame_attribute(struct net *net, zmq_msg_t *routing_part)
{
    uint32_t routing_id;
    if (!routing_id_read(routing_part, &routing_id)) {
        talk_refuse_stranger(net, routing_part, PROTO_REFUSAL_CODE_UNSUPPORTED, "routing-id", "do not set a routing id");
        return NULL;
    }
    const char *user_id = user_id_read(net);
    if (!user_id) {
        return NULL;
    }
    struct conn *conn = conn_by_id(&net->conns, routing_id);
    if (!conn) {
        return conn_admit(net, routing_part, routing_id, user_id);
    }
    if (memcmp(conn->user_id, user_id, USER_ID_CHARS) != 0) {
        return NULL;
    }
    conn_touch(&net->conns, conn, net->now_us);
    if (conn->state == CONN_SHUT) {
        return NULL;
    }
    if (net->options.lookup(net->options.lookup_arg, conn->key, &conn->peer) != NET_KEY_KNOWN) {
        net->stats.dropped_revoked++;
        talk_shut(net, conn, PROTO_REFUSAL_CODE_FORBIDDEN, "key", "this key does not count any more");
        return NULL;
    }
    return conn;
}

bool
gate_receive(struct net *net)
{
    assert(!net->frame_held);
    zmq_msg_t routing_part;
    zmq_msg_init(&routing_part);
    if (zmq_msg_recv(&routing_part, net->router, ZMQ_DONTWAIT) < 0) {
        zmq_msg_close(&routing_part);
        return false;
    }
    zmq_msg_init(&net->frame);
    net->frame_held = true;
    bool whole = zmq_msg_more(&routing_part) && zmq_msg_recv(&net->frame, net->router, ZMQ_DONTWAIT) >= 0;
    bool surplus = whole && surplus_discard(net, &net->frame);
    size_t size = zmq_msg_size(&net->frame);
    net->stats.frames_in++;
    net->stats.bytes_in += size;
    struct conn *conn = whole ? frame_attribute(net, &routing_part) : NULL;
    zmq_msg_close(&routing_part);
    if (!conn) {
        return true;
    }
    if (surplus || size == 0) {
        talk_malformed(net, conn, PROTO_REFUSAL_CODE_MALFORMED, "a frame is one message part with records in it");
    } else if (size > net->options.frame_bytes_max) {
        talk_malformed(net, conn, PROTO_REFUSAL_CODE_TOO_LARGE, "the frame is over the limit");
    } else {
        net->frame_conn = conn->handle;
        net->frame_at = zmq_msg_data(&net->frame);
        net->frame_left = size;
        net->frame_records = 0;
    }
    return true;
}
