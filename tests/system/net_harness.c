/*
 * See net_harness.h.
 */
#include "net_harness.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <zmq.h>

enum { LIMIT_S = 20 };

static time_t
seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static enum net_verdict
lookup(void *arg, const uint8_t key[NET_KEY_BYTES], struct net_peer *out_peer)
{
    struct bench *bench = arg;
    for (uint32_t i = 0; i < BENCH_PEERS; i++) {
        if (memcmp(bench->keys[i], key, NET_KEY_BYTES) == 0 && !bench->revoked[i]) {
            *out_peer = (struct net_peer){.party = 100 + i, .member = i};
            return NET_KEY_KNOWN;
        }
    }
    return NET_KEY_UNKNOWN;
}

void
bench_init(struct bench *bench)
{
    char secret[41];
    memset(bench, 0, sizeof *bench);
    bench->now_us = 1000000;
    bench->context = zmq_ctx_new();
    for (uint32_t i = 0; i < BENCH_PEERS; i++) {
        assert_int_equal(0, zmq_curve_keypair(bench->public_key[i], bench->secret_key[i]));
        assert_non_null(zmq_z85_decode(bench->keys[i], bench->public_key[i]));
    }
    net_options_init(&bench->options);
    assert_int_equal(0, zmq_curve_keypair(bench->server_key, secret));
    assert_non_null(zmq_z85_decode(bench->options.server_public, bench->server_key));
    assert_non_null(zmq_z85_decode(bench->options.server_secret, secret));
    bench->options.endpoints[0] = "tcp://127.0.0.1:*";
    bench->options.endpoint_count = 1;
    bench->options.lookup = lookup;
    bench->options.lookup_arg = bench;
}

void
bench_open(struct bench *bench)
{
    char error[NET_ERROR_BYTES] = "";
    enum net_status status = net_open(&bench->options, &bench->net, error);
    if (status != NET_OK) {
        fail_msg("net_open: %s", error);
    }
}

void
bench_close(struct bench *bench)
{
    net_close(&bench->net, 0);
    zmq_ctx_term(bench->context);
}

void
bench_turn(struct bench *bench)
{
    struct net_input input;
    while (net_next(bench->net, bench->now_us, &input)) {
        assert_true(bench->heard_count < BENCH_INPUTS);
        struct heard *heard = &bench->heard[bench->heard_count++];
        *heard = (struct heard){.kind = input.kind, .conn = input.conn, .peer = input.peer, .why = input.why};
        if (input.record) {
            heard->type = input.record->type;
            heard->n = input.record->n;
            heard->body_bytes = input.record->body.n;
        }
    }
    net_flush(bench->net, bench->now_us);
    if (!net_ready(bench->net)) {
        int fds[2];
        struct pollfd polls[2] = {{.events = POLLIN}, {.events = POLLIN}};
        net_fds(bench->net, fds);
        polls[0].fd = fds[0];
        polls[1].fd = fds[1];
        poll(polls, 2, 1); /* so that both sides' I/O threads get their turn */
    }
}

struct heard
bench_expect(struct bench *bench, enum net_input_kind kind)
{
    for (time_t begin = seconds_now(); seconds_now() - begin < LIMIT_S;) {
        bench_turn(bench);
        for (uint32_t i = 0; i < bench->heard_count; i++) {
            if (bench->heard[i].kind == kind) {
                struct heard heard = bench->heard[i];
                memmove(&bench->heard[i], &bench->heard[i + 1], (--bench->heard_count - i) * sizeof heard);
                return heard;
            }
        }
    }
    fail_msg("no input of kind %d came", (int)kind);
    return (struct heard){0};
}

struct peer
peer_open_named(struct bench *bench, int member, const char *routing_id)
{
    struct peer peer = {.bench = bench, .socket = zmq_socket(bench->context, ZMQ_DEALER)};
    int linger = 0, hwm = 100000;
    char name[64], public_key[41], secret_key[41];
    assert_non_null(peer.socket);
    zmq_setsockopt(peer.socket, ZMQ_LINGER, &linger, sizeof linger);
    zmq_setsockopt(peer.socket, ZMQ_SNDHWM, &hwm, sizeof hwm);
    if (routing_id) {
        zmq_setsockopt(peer.socket, ZMQ_ROUTING_ID, routing_id, strlen(routing_id));
    }
    if (member == PEER_UNKNOWN_KEY) {
        zmq_curve_keypair(public_key, secret_key);
    } else if (member >= 0) {
        memcpy(public_key, bench->public_key[member], sizeof public_key);
        memcpy(secret_key, bench->secret_key[member], sizeof secret_key);
    }
    if (member >= 0 || member == PEER_UNKNOWN_KEY) {
        assert_int_equal(0, zmq_setsockopt(peer.socket, ZMQ_CURVE_SERVERKEY, bench->server_key, 40));
        assert_int_equal(0, zmq_setsockopt(peer.socket, ZMQ_CURVE_PUBLICKEY, public_key, 40));
        assert_int_equal(0, zmq_setsockopt(peer.socket, ZMQ_CURVE_SECRETKEY, secret_key, 40));
    }
    snprintf(name, sizeof name, "inproc://monitor-%p", peer.socket);
    zmq_socket_monitor(peer.socket, name, ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
                       ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL);
    peer.monitor = zmq_socket(bench->context, ZMQ_PAIR);
    zmq_setsockopt(peer.monitor, ZMQ_LINGER, &linger, sizeof linger);
    assert_int_equal(0, zmq_connect(peer.monitor, name));
    assert_int_equal(0, zmq_connect(peer.socket, net_endpoint(bench->net, 0)));
    return peer;
}

struct peer
peer_open(struct bench *bench, int member)
{
    return peer_open_named(bench, member, NULL);
}

void
peer_close(struct peer *peer)
{
    zmq_socket_monitor(peer->socket, NULL, 0);
    zmq_close(peer->monitor);
    zmq_close(peer->socket);
    free(peer->frame);
    peer->frame = NULL;
}

void
peer_send(struct peer *peer, const void *p, size_t n)
{
    assert_int_equal((int)n, zmq_send(peer->socket, p, n, ZMQ_DONTWAIT));
}

void
peer_record(struct peer *peer, const struct proto_record *record)
{
    struct proto_buf buf;
    proto_buf_init(&buf, 1 << 21);
    assert_true(proto_encode(&buf, record));
    peer_send(peer, buf.p, buf.n);
    proto_buf_fini(&buf);
}

void
peer_say(struct peer *peer, enum proto_type type, uint64_t n)
{
    struct proto_record record;
    proto_record_init(&record, type);
    record.n = n;
    if (type == PROTO_HELLO) {
        record.u.hello.version = PROTO_VERSION;
    }
    peer_record(peer, &record);
}

uint32_t
peer_hello(struct peer *peer)
{
    peer_say(peer, PROTO_HELLO, 1);
    return bench_expect(peer->bench, NET_CONNECTED).conn;
}

bool
peer_frame_try(struct peer *peer)
{
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    bool got = zmq_msg_recv(&frame, peer->socket, ZMQ_DONTWAIT) >= 0;
    if (got) {
        free(peer->frame);
        peer->frame_bytes = zmq_msg_size(&frame);
        peer->frame = malloc(peer->frame_bytes + 1);
        memcpy(peer->frame, zmq_msg_data(&frame), peer->frame_bytes);
        peer->at = 0;
    }
    zmq_msg_close(&frame);
    return got;
}

struct proto_record
peer_expect(struct peer *peer, enum proto_type type)
{
    struct proto_record record = {0};
    for (time_t begin = seconds_now(); seconds_now() - begin < LIMIT_S;) {
        while (peer->at < peer->frame_bytes) {
            struct proto_error error;
            size_t used = 0;
            assert_true(proto_decode(peer->frame + peer->at, peer->frame_bytes - peer->at, &used, &record, &error));
            peer->at += used;
            if (record.type == type) {
                return record;
            }
        }
        if (!peer_frame_try(peer)) {
            bench_turn(peer->bench);
        }
    }
    fail_msg("no record of type %d came", (int)type);
    return record;
}

void
peer_expect_shut_out(struct peer *peer)
{
    for (time_t begin = seconds_now(); seconds_now() - begin < LIMIT_S;) {
        zmq_msg_t event;
        zmq_msg_init(&event);
        bool got = zmq_msg_recv(&event, peer->monitor, ZMQ_DONTWAIT) >= 0;
        zmq_msg_close(&event);
        if (got) {
            return;
        }
        bench_turn(peer->bench);
    }
    fail_msg("the peer was not shut out");
}
