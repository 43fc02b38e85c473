/*
 * The gateway: one ROUTER socket, who is behind each connection, and what is still to be sent to whom.
 *
 * It turns frames into valid records of known members and records into frames. What it answers by itself: ping, bye,
 * records before hello, malformed ones, keys that no longer count. It does not know what a record means, no party's
 * name, no store. Everything here runs on the caller's thread; libzmq has its own I/O thread underneath.
 *
 *     the loop:  while (net_next(net, now, &input)) handle it;   net_flush(net, now);   poll net_fds unless net_ready(net)
 *
 * Security (C1, C2, C4): with CURVE every peer passes our own ZAP handler, which asks `lookup` for the key. Every frame is
 * attributed by the User-Id that the handler gave its peer, and `lookup` is asked again at every frame, so a revoked key
 * holds nothing from its next frame on. Options that can be read back are; ROUTER_MANDATORY is proved by a send to nobody.
 *
 * A connection's handle is never 0: low 16 bits a dense slot (1 to connections_max), high 16 bits a generation. Handles
 * of ended connections are recognised and ignored.
 *
 * Memory: connections_max * (a small struct + outbox_bytes_max), at most, on our side; inside libzmq per peer at most
 * RCVHWM frames in and SNDHWM frames out (NET_HWM_*).
 */
#ifndef NET_NET_H
#define NET_NET_H

#include "proto/codec.h"

enum {
    NET_KEY_BYTES = 32,
    NET_ENDPOINTS_MAX = 4,
    NET_ENDPOINT_BYTES = 256,
    NET_CONNECTIONS_HARD = 65535,
    NET_HWM_IN = 16,  /* frames of one peer that wait inside libzmq to be read */
    NET_HWM_OUT = 8,  /* frames to one peer that wait inside libzmq to be sent */
    NET_ERROR_BYTES = 256,
};

/* What a key stands for; the numbers are the caller's own. */
struct net_peer {
    uint32_t party;
    uint32_t member;
};

enum net_verdict {
    NET_KEY_KNOWN,   /* *out_peer is set */
    NET_KEY_UNKNOWN, /* never heard of it, or revoked */
};

/* Asked at each handshake and at each frame; must be quick. The key of plain-text peers is all zeros. */
typedef enum net_verdict net_lookup(void *arg, const uint8_t key[NET_KEY_BYTES], struct net_peer *out_peer);

struct net_options {
    const char *endpoints[NET_ENDPOINTS_MAX]; /* tcp://ADDRESS:PORT (port 0 or *: a free one) or ipc://PATH */
    uint32_t endpoint_count;
    bool plain_text; /* no CURVE at all; refused unless every endpoint is loopback or ipc */
    uint8_t server_public[NET_KEY_BYTES];
    uint8_t server_secret[NET_KEY_BYTES];
    net_lookup *lookup;
    void *lookup_arg;
    uint32_t frame_bytes_max;
    uint32_t records_per_frame_max;
    uint32_t connections_max;
    uint32_t connections_per_key_max;
    uint32_t outbox_bytes_max;   /* per connection; beyond it the connection is dropped (B4) */
    uint32_t outbox_records_max; /* likewise */
    uint32_t malformed_max;      /* bad records that a connection may send before it is shut out */
    int64_t heartbeat_us;        /* three of them without a frame end a connection */
    int64_t handshake_us;        /* a peer must have finished its handshake by then */
    uint32_t backlog;
};

/* Sensible values for everything but endpoints, keys and lookup. */
void net_options_init(struct net_options *options);

struct net;

enum net_status {
    NET_OK,
    NET_CONFIG,  /* the options contradict each other or the rules */
    NET_IN_USE,  /* the endpoint is taken */
    NET_REFUSED, /* an option did not hold, or could not be proved: not safe to serve */
    NET_SYSTEM,  /* memory, descriptors */
};

/* Opens and proves everything before the first peer is let in. On anything but NET_OK *out_net is untouched and `error` says why. */
enum net_status net_open(const struct net_options *options, struct net **out_net, char error[NET_ERROR_BYTES]);

/* Sends nothing more than what libzmq can send within `linger_us`. Nulls the pointer. */
void net_close(struct net **net_p, int64_t linger_us);

/* The endpoint in use, with the port that was chosen. Lives as long as net. */
const char *net_endpoint(const struct net *net, uint32_t index);

/* Descriptors to poll for reading; edge-triggered, so ask net_ready first, always. Returns how many (2). */
uint32_t net_fds(const struct net *net, int out_fds[2]);

/* Is there something to read, or to send again, right now? */
bool net_ready(struct net *net);

enum net_input_kind {
    NET_CONNECTED,    /* a peer said a valid hello; record holds it; the first of its connection */
    NET_RECORD,       /* a valid record of a connected peer (a later hello too) */
    NET_DISCONNECTED, /* silence, bye, refusal, overflow or gone; exactly once after NET_CONNECTED */
};

struct net_input {
    enum net_input_kind kind;
    uint32_t conn;
    struct net_peer peer;        /* at this very frame */
    struct proto_record *record; /* not for NET_DISCONNECTED; it and its bytes live until the next net_next */
    uint32_t record_bytes;       /* its length on the wire */
    const char *why;             /* NET_DISCONNECTED: a constant text */
};

/*
 * The next thing that happened, or false: nothing now. Reads at most one frame from the socket per call and answers
 * connection-level records on the way. Also the place where silence is noticed.
 */
bool net_next(struct net *net, int64_t now_us, struct net_input *out_input);

/*
 * Queue encoded bytes (one or more whole records) for a connection; they are copied. Nothing happens when the connection
 * has ended. A connection whose outbox would overflow is dropped: its disconnection comes out of net_next.
 */
void net_send(struct net *net, uint32_t conn, const uint8_t *p, size_t n, uint32_t records);

/* The same for a header and a body that lie apart; puts the body's head between them. */
void net_send_parts(struct net *net, uint32_t conn, struct proto_bin header, struct proto_bin body);

/* Encode and queue one record. */
void net_send_record(struct net *net, uint32_t conn, const struct proto_record *record);

/* Bytes that may still be queued for this connection before it is dropped; 0 when it has ended. For catching up in portions. */
size_t net_room(const struct net *net, uint32_t conn);

/* Hand what is queued to libzmq, as few frames as possible. Peers that are slow keep theirs; it is tried again later. */
void net_flush(struct net *net, int64_t now_us);

/* Say bye and end this connection. Its disconnection is reported. */
void net_drop(struct net *net, uint32_t conn, const char *why);

/* The same for all, when the broker stops; nothing is reported. */
void net_bye_all(struct net *net, const char *why);

/* When net_next wants to be called even if no descriptor is ready (same clock as now_us); INT64_MAX: never. */
int64_t net_next_deadline(const struct net *net);

struct net_stats {
    uint64_t frames_in, frames_out, records_in, records_out, bytes_in, bytes_out;
    uint64_t malformed;        /* records or frames that were refused */
    uint64_t handshakes_refused;
    uint64_t dropped_slow;     /* connections that ended because their outbox overflowed */
    uint64_t dropped_silent;
    uint64_t dropped_revoked;
    uint64_t refused_caps;     /* peers over a cap of connections */
    uint32_t connections;
};

void net_stats(const struct net *net, struct net_stats *out_stats);

#endif
