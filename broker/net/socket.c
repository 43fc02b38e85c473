/*
 * The ROUTER socket: every option set, read back where libzmq can tell, and proved where it cannot (C2).
 *
 * Opened before anybody can connect: bind comes last.
 */
#include "net/internal.h"

#include <errno.h>
#include <stdio.h>

#define ZAP_DOMAIN "qiao"

/* Released libraries honour this option, but their header lists it among the drafts. */
enum { SOCKET_ZAP_ENFORCE_DOMAIN = 93 };

struct int_option {
    int number;
    const char *name;
    int value;
};

static enum net_status
refused(char error[NET_ERROR_BYTES], const char *option)
{
    snprintf(error, NET_ERROR_BYTES, "socket option %s did not hold: %s", option, zmq_strerror(zmq_errno()));
    return NET_REFUSED;
}

static enum net_status
ints_set(struct net *net, char error[NET_ERROR_BYTES])
{
    const struct net_options *o = &net->options;
    int beat_ms = (int)(o->heartbeat_us / 1000);
    const struct int_option options[] = {
        {ZMQ_LINGER, "LINGER", 0},
        {ZMQ_IPV6, "IPV6", 0},
        {ZMQ_RCVHWM, "RCVHWM", NET_HWM_IN},
        {ZMQ_SNDHWM, "SNDHWM", NET_HWM_OUT},
        {ZMQ_BACKLOG, "BACKLOG", (int)o->backlog},
        {ZMQ_HANDSHAKE_IVL, "HANDSHAKE_IVL", (int)(o->handshake_us / 1000)},
        {ZMQ_HEARTBEAT_IVL, "HEARTBEAT_IVL", beat_ms},         /* ends links whose other machine has vanished */
        {ZMQ_HEARTBEAT_TIMEOUT, "HEARTBEAT_TIMEOUT", 3 * beat_ms},
        {SOCKET_ZAP_ENFORCE_DOMAIN, "ZAP_ENFORCE_DOMAIN", 1},     /* without it CURVE lets everybody in when no handler answers */
        {ZMQ_CURVE_SERVER, "CURVE_SERVER", 1},
    };
    size_t n = sizeof options / sizeof *options - (o->plain_text ? 1 : 0);
    for (size_t i = 0; i < n; i++) {
        int value = -1;
        size_t size = sizeof value;
        if (zmq_setsockopt(net->router, options[i].number, &options[i].value, sizeof options[i].value) != 0 ||
            zmq_getsockopt(net->router, options[i].number, &value, &size) != 0 || value != options[i].value) {
            return refused(error, options[i].name);
        }
    }
    return NET_OK;
}

static enum net_status
security_set(struct net *net, char error[NET_ERROR_BYTES])
{
    char domain[32] = "";
    size_t size = sizeof domain;
    if (zmq_setsockopt(net->router, ZMQ_ZAP_DOMAIN, ZAP_DOMAIN, strlen(ZAP_DOMAIN)) != 0 ||
        zmq_getsockopt(net->router, ZMQ_ZAP_DOMAIN, domain, &size) != 0 || strcmp(domain, ZAP_DOMAIN) != 0) {
        return refused(error, "ZAP_DOMAIN");
    }
    if (!net->options.plain_text) {
        uint8_t key[NET_KEY_BYTES];
        size = sizeof key;
        if (zmq_setsockopt(net->router, ZMQ_CURVE_SECRETKEY, net->options.server_secret, NET_KEY_BYTES) != 0 ||
            zmq_setsockopt(net->router, ZMQ_CURVE_PUBLICKEY, net->options.server_public, NET_KEY_BYTES) != 0 ||
            zmq_getsockopt(net->router, ZMQ_CURVE_PUBLICKEY, key, &size) != 0 ||
            memcmp(key, net->options.server_public, sizeof key) != 0) {
            return refused(error, "CURVE keys");
        }
    }
    int mechanism = -1;
    size = sizeof mechanism;
    if (zmq_getsockopt(net->router, ZMQ_MECHANISM, &mechanism, &size) != 0 ||
        mechanism != (net->options.plain_text ? ZMQ_NULL : ZMQ_CURVE)) {
        return refused(error, "MECHANISM");
    }
    return NET_OK;
}

/* MAXMSGSIZE counts what is on the wire: room for CURVE's own bytes. The exact limit is checked at each frame. */
static enum net_status
frame_limit_set(struct net *net, char error[NET_ERROR_BYTES])
{
    int64_t limit = (int64_t)net->options.frame_bytes_max + 64, value = -1;
    size_t size = sizeof value;
    if (zmq_setsockopt(net->router, ZMQ_MAXMSGSIZE, &limit, sizeof limit) != 0 ||
        zmq_getsockopt(net->router, ZMQ_MAXMSGSIZE, &value, &size) != 0 || value != limit) {
        return refused(error, "MAXMSGSIZE");
    }
    return NET_OK;
}

/* ROUTER_MANDATORY cannot be read back; a send to nobody tells whether it holds. HANDOVER is never set. */
static enum net_status
mandatory_prove(struct net *net, char error[NET_ERROR_BYTES])
{
    int on = 1;
    if (zmq_setsockopt(net->router, ZMQ_ROUTER_MANDATORY, &on, sizeof on) != 0) {
        return refused(error, "ROUTER_MANDATORY");
    }
    static const char nobody[ROUTING_ID_BYTES] = {0};
    if (zmq_send(net->router, nobody, sizeof nobody, ZMQ_DONTWAIT | ZMQ_SNDMORE) != -1 || zmq_errno() != EHOSTUNREACH) {
        snprintf(error, NET_ERROR_BYTES, "ROUTER_MANDATORY could not be proved: a send to nobody was not refused");
        return NET_REFUSED;
    }
    return NET_OK;
}

static enum net_status
bind_all(struct net *net, char error[NET_ERROR_BYTES])
{
    for (uint32_t i = 0; i < net->options.endpoint_count; i++) {
        const char *endpoint = net->options.endpoints[i];
        if (zmq_bind(net->router, endpoint) != 0) {
            int number = zmq_errno();
            snprintf(error, NET_ERROR_BYTES, "cannot listen on %.200s: %s", endpoint, zmq_strerror(number));
            return number == EADDRINUSE ? NET_IN_USE : number == EMFILE || number == ENFILE ? NET_SYSTEM : NET_CONFIG;
        }
        size_t size = NET_ENDPOINT_BYTES;
        if (zmq_getsockopt(net->router, ZMQ_LAST_ENDPOINT, net->endpoints[i], &size) != 0) {
            return refused(error, "LAST_ENDPOINT");
        }
    }
    return NET_OK;
}

enum net_status
socket_open(struct net *net, char error[NET_ERROR_BYTES])
{
    net->router = zmq_socket(net->context, ZMQ_ROUTER);
    if (!net->router) {
        snprintf(error, NET_ERROR_BYTES, "no socket: %s", zmq_strerror(zmq_errno()));
        return NET_SYSTEM;
    }
    enum net_status (*const steps[])(struct net *, char *) = {ints_set, security_set, frame_limit_set, mandatory_prove, bind_all};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        enum net_status status = steps[i](net, error);
        if (status != NET_OK) {
            return status;
        }
    }
    size_t size = sizeof net->router_fd;
    return zmq_getsockopt(net->router, ZMQ_FD, &net->router_fd, &size) == 0 ? NET_OK : refused(error, "FD");
}
