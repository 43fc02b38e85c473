/*
 * The ZAP handler (RFC 27): libzmq asks it at each handshake, it asks `lookup`.
 *
 * It gives each peer its key as User-Id, in Z85, so that every frame says by itself whose it is. In plain text there is no
 * key; the all-zero one stands for the one party that the configuration names. Served on the loop's own thread: the table
 * of keys has one reader and no lock. (zauth walks a directory of certificates at each handshake instead.)
 */
#include "net/internal.h"

#include <stdio.h>

enum { PARTS = 7 }; /* version, request id, domain, address, identity, mechanism, credentials */

enum net_status
zap_open(struct net *net, char error[NET_ERROR_BYTES])
{
    net->zap = zmq_socket(net->context, ZMQ_REP);
    int linger = 0;
    size_t size = sizeof net->zap_fd;
    if (!net->zap || zmq_setsockopt(net->zap, ZMQ_LINGER, &linger, sizeof linger) != 0 ||
        zmq_bind(net->zap, "inproc://zeromq.zap.01") != 0 || zmq_getsockopt(net->zap, ZMQ_FD, &net->zap_fd, &size) != 0) {
        snprintf(error, NET_ERROR_BYTES, "the handler of handshakes does not start: %s", zmq_strerror(zmq_errno()));
        return NET_SYSTEM;
    }
    return NET_OK;
}

static bool
part_is(zmq_msg_t *part, const char *text)
{
    return zmq_msg_size(part) == strlen(text) && memcmp(zmq_msg_data(part), text, strlen(text)) == 0;
}

/* Is this peer let in? Fills the key. */
static bool
peer_admit(struct net *net, zmq_msg_t parts[PARTS], uint32_t count, uint8_t key[NET_KEY_BYTES])
{
    memset(key, 0, NET_KEY_BYTES);
    if (count < PARTS - 1 || !part_is(&parts[0], "1.0")) {
        return false;
    }
    if (net->options.plain_text) {
        if (!part_is(&parts[5], "NULL")) {
            return false;
        }
    } else {
        if (count != PARTS || !part_is(&parts[5], "CURVE") || zmq_msg_size(&parts[6]) != NET_KEY_BYTES) {
            return false;
        }
        memcpy(key, zmq_msg_data(&parts[6]), NET_KEY_BYTES);
    }
    struct net_peer peer;
    return net->options.lookup(net->options.lookup_arg, key, &peer) == NET_KEY_KNOWN;
}

static void
answer(struct net *net, zmq_msg_t *request_id, bool admitted, const uint8_t key[NET_KEY_BYTES])
{
    char user_id[USER_ID_CHARS + 1] = "";
    if (admitted) {
        zmq_z85_encode(user_id, key, NET_KEY_BYTES);
    } else {
        net->stats.handshakes_refused++;
    }
    const char *code = admitted ? "200" : "400", *text = admitted ? "OK" : "unknown key";
    zmq_send(net->zap, "1.0", 3, ZMQ_SNDMORE);
    zmq_send(net->zap, zmq_msg_data(request_id), zmq_msg_size(request_id), ZMQ_SNDMORE);
    zmq_send(net->zap, code, strlen(code), ZMQ_SNDMORE);
    zmq_send(net->zap, text, strlen(text), ZMQ_SNDMORE);
    zmq_send(net->zap, user_id, strlen(user_id), ZMQ_SNDMORE);
    zmq_send(net->zap, "", 0, 0);
}

/* One request: all its parts, then the answer that REP owes. False: none waits. */
static bool
serve_one(struct net *net)
{
    zmq_msg_t parts[PARTS];
    uint32_t count = 0;
    bool more = true;
    while (more) {
        zmq_msg_t part;
        zmq_msg_init(&part);
        if (zmq_msg_recv(&part, net->zap, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close(&part);
            break;
        }
        more = zmq_msg_more(&part);
        if (count < PARTS) {
            zmq_msg_init(&parts[count]);
            zmq_msg_move(&parts[count++], &part);
        }
        zmq_msg_close(&part);
    }
    bool served = count > 0;
    if (served) {
        uint8_t key[NET_KEY_BYTES];
        bool admitted = peer_admit(net, parts, count, key);
        answer(net, &parts[count > 1 ? 1 : 0], admitted, key);
    }
    for (uint32_t i = 0; i < count; i++) {
        zmq_msg_close(&parts[i]);
    }
    return served;
}

void
zap_serve(struct net *net)
{
    while (serve_one(net)) {
    }
}
