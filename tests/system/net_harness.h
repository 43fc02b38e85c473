/*
 * A gateway and its peers in one process, over real sockets on loopback, with the clock in the test's hand.
 *
 * Waiting is for a condition: both sides are turned until it holds. Only a test that fails runs into the limit.
 */
#ifndef TESTS_NET_HARNESS_H
#define TESTS_NET_HARNESS_H

#include "net/net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { BENCH_PEERS = 8, BENCH_INPUTS = 4096 };

struct heard {
    enum net_input_kind kind;
    uint32_t conn;
    struct net_peer peer;
    enum proto_type type;
    uint64_t n;
    uint32_t body_bytes;
    const char *why;
};

struct bench {
    struct net *net;
    struct net_options options;
    int64_t now_us;
    void *context;                        /* of the peers */
    uint8_t keys[BENCH_PEERS][NET_KEY_BYTES]; /* member i has key i */
    char public_key[BENCH_PEERS][41], secret_key[BENCH_PEERS][41], server_key[41];
    bool revoked[BENCH_PEERS];
    struct heard heard[BENCH_INPUTS];
    uint32_t heard_count;
    bool open;
};

struct peer {
    struct bench *bench;
    void *socket;
    void *monitor;
    uint8_t *frame; /* the last one received */
    size_t frame_bytes;
    size_t at;
};

/* Options may be changed between the two. */
void bench_init(struct bench *bench);
void bench_open(struct bench *bench);
void bench_close(struct bench *bench);

/* One round of both sides. */
void bench_turn(struct bench *bench);
/* The next input of that kind; fails the test if none comes. */
struct heard bench_expect(struct bench *bench, enum net_input_kind kind);

enum { PEER_NO_KEY = -1, PEER_UNKNOWN_KEY = -2, PEER_PLAIN = -3 };

/* `member`: whose key it uses, or one of the above. */
struct peer peer_open(struct bench *bench, int member);
/* The same with a routing id of its own choice. */
struct peer peer_open_named(struct bench *bench, int member, const char *routing_id);
void peer_close(struct peer *peer);
void peer_send(struct peer *peer, const void *p, size_t n);
void peer_record(struct peer *peer, const struct proto_record *record);
void peer_say(struct peer *peer, enum proto_type type, uint64_t n); /* an empty record of that type; hello with its version */
/* Say hello and wait until net reports it; returns the handle. */
uint32_t peer_hello(struct peer *peer);
/* The next record sent to this peer; its bytes live until the next call. */
struct proto_record peer_expect(struct peer *peer, enum proto_type type);
bool peer_frame_try(struct peer *peer); /* a whole frame, if one is there */
/* Wait until the peer's own side says that the handshake failed or the link closed. */
void peer_expect_shut_out(struct peer *peer);

#endif
