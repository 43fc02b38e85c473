/* A scripted broker for tests, see fake.h. */
#include "fake.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <zmq.h>

struct fake {
    void *zmq;
    void *router;
    char endpoint[256];
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int wake;
    bool stop, break_now, restart_wanted;
    uint32_t restarts;
    fake_script *script;
    void *user;
    uint8_t peer[256];
    size_t peer_n;
    struct proto_buf out;
    struct proto_buf wanted; /* from fake_send */
    uint64_t welcome_seq, welcome_epoch;
    int64_t heartbeat_us;
    uint32_t connections, frames;
    struct fake_seen *seen;
    uint32_t seen_n;
    char server_public[41], server_secret[41];
};

static void
router_open(struct fake *fake)
{
    int zero = 0, one = 1;
    size_t n = sizeof fake->endpoint;
    const char *where = fake->endpoint[0] ? fake->endpoint : "tcp://127.0.0.1:*";
    int bound;

    fake->router = zmq_socket(fake->zmq, ZMQ_ROUTER);
    assert(fake->router);
    zmq_setsockopt(fake->router, ZMQ_LINGER, &zero, sizeof zero);
    if (fake->server_secret[0]) {
        zmq_setsockopt(fake->router, ZMQ_CURVE_SERVER, &one, sizeof one);
        zmq_setsockopt(fake->router, ZMQ_CURVE_SECRETKEY, fake->server_secret, 41);
    }
    /* The old listener closes in libzmq's own thread. */
    while ((bound = zmq_bind(fake->router, where)) != 0 && zmq_errno() == EADDRINUSE) {
        zmq_poll(NULL, 0, 1);
    }
    assert(bound == 0);
    bound = zmq_getsockopt(fake->router, ZMQ_LAST_ENDPOINT, fake->endpoint, &n);
    assert(bound == 0);
    (void)bound;
}

static void
router_restart(struct fake *fake)
{
    zmq_close(fake->router);
    router_open(fake);
    fake->peer_n = 0;
    proto_buf_reset(&fake->out);
    proto_buf_reset(&fake->wanted);
    fake->break_now = false;
    fake->restarts++;
    pthread_cond_broadcast(&fake->changed);
}

static void
frame_send(struct fake *fake, struct proto_buf *buf)
{
    if (buf->n > 0 && fake->peer_n > 0) {
        zmq_send(fake->router, fake->peer, fake->peer_n, ZMQ_SNDMORE);
        zmq_send(fake->router, buf->p, buf->n, 0);
    }
    proto_buf_reset(buf);
}

static void
seen_add(struct fake *fake, const struct proto_record *record, const uint8_t *bytes, size_t n)
{
    struct fake_seen *seen = &fake->seen[fake->seen_n];

    assert(fake->seen_n < FAKE_RECORDS_MAX);
    *seen = (struct fake_seen){.type = record->type, .n = record->n, .frame = fake->frames,
                               .connection = fake->connections, .bytes = malloc(n), .bytes_n = n};
    assert(seen->bytes);
    memcpy(seen->bytes, bytes, n);
    fake->seen_n++;
}

static void
answer_alone(struct fake *fake, const struct proto_record *record)
{
    struct proto_record answer;

    if (record->type == PROTO_HELLO) {
        proto_record_init(&answer, PROTO_WELCOME);
        answer.re = record->n;
        answer.u.welcome.version = PROTO_VERSION;
        answer.u.welcome.server = PROTO_STR("fake 1");
        answer.u.welcome.party = PROTO_STR("acme");
        answer.u.welcome.member = PROTO_STR("alice");
        answer.u.welcome.seq = fake->welcome_seq;
        answer.u.welcome.epoch = fake->welcome_epoch;
        answer.u.welcome.heartbeat = fake->heartbeat_us;
        answer.u.welcome.frame_bytes = PROTO_LIMIT_FRAME_BYTES;
        answer.u.welcome.body_bytes = PROTO_LIMIT_BODY_BYTES;
        answer.u.welcome.input_bytes = PROTO_LIMIT_INPUT_BYTES;
        fake_put(fake, &answer);
    } else if (record->type == PROTO_PING) {
        proto_record_init(&answer, PROTO_PONG);
        fake_put(fake, &answer);
    } else if (record->type == PROTO_OFFER || record->type == PROTO_RENEW) {
        fake_receipt(fake, record->n, 0, 0);
    }
}

static void
frame_handle(struct fake *fake, const uint8_t *p, size_t n)
{
    size_t at = 0;

    fake->frames++;
    while (at < n && !fake->break_now) {
        struct proto_record record;
        struct proto_error error;
        size_t used;
        bool decoded = proto_decode(p + at, n - at, &used, &record, &error);

        assert(decoded);
        (void)decoded;
        fake->connections += record.type == PROTO_HELLO;
        seen_add(fake, &record, p + at, used);
        if (!fake->script || !fake->script(fake, &record, fake->user)) {
            answer_alone(fake, &record);
        }
        at += used;
    }
    pthread_cond_broadcast(&fake->changed);
}

/* One frame: who, and what. False: there is none. */
static bool
frame_take(struct fake *fake)
{
    zmq_msg_t peer, frame;
    bool taken = false;

    zmq_msg_init(&peer);
    zmq_msg_init(&frame);
    if (zmq_msg_recv(&peer, fake->router, ZMQ_DONTWAIT) >= 0 && zmq_msg_recv(&frame, fake->router, 0) >= 0) {
        fake->peer_n = zmq_msg_size(&peer);
        memcpy(fake->peer, zmq_msg_data(&peer), fake->peer_n);
        frame_handle(fake, zmq_msg_data(&frame), zmq_msg_size(&frame));
        taken = true;
    }
    zmq_msg_close(&peer);
    zmq_msg_close(&frame);
    return taken;
}

static void *
fake_run(void *arg)
{
    struct fake *fake = arg;

    pthread_mutex_lock(&fake->lock);
    while (!fake->stop) {
        zmq_pollitem_t items[2] = {{fake->router, 0, ZMQ_POLLIN, 0}, {NULL, fake->wake, ZMQ_POLLIN, 0}};
        uint64_t count;

        pthread_mutex_unlock(&fake->lock);
        zmq_poll(items, 2, -1);
        pthread_mutex_lock(&fake->lock);
        if (items[1].revents != 0 && read(fake->wake, &count, sizeof count) < 0) {
            continue;
        }
        while (!fake->break_now && frame_take(fake)) {
            if (!fake->break_now) {
                frame_send(fake, &fake->out);
            }
        }
        frame_send(fake, &fake->wanted);
        if (fake->break_now || fake->restart_wanted) {
            fake->restart_wanted = false;
            router_restart(fake);
        }
    }
    pthread_mutex_unlock(&fake->lock);
    return NULL;
}

static struct fake *
fake_start(fake_script *script, void *user, bool curve)
{
    struct fake *fake = calloc(1, sizeof *fake);
    int started;

    assert(fake);
    fake->seen = calloc(FAKE_RECORDS_MAX, sizeof *fake->seen);
    assert(fake->seen);
    fake->zmq = zmq_ctx_new();
    fake->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    fake->script = script;
    fake->user = user;
    fake->heartbeat_us = QIAO_SECONDS(5);
    fake->welcome_seq = UINT64_C(1) << 40; /* before whatever a script tells */
    proto_buf_init(&fake->out, PROTO_LIMIT_FRAME_BYTES);
    proto_buf_init(&fake->wanted, PROTO_LIMIT_FRAME_BYTES);
    pthread_mutex_init(&fake->lock, NULL);
    pthread_cond_init(&fake->changed, NULL);
    if (curve) {
        qiao_keypair(fake->server_public, fake->server_secret);
    }
    router_open(fake);
    started = pthread_create(&fake->thread, NULL, fake_run, fake);
    assert(started == 0);
    (void)started;
    return fake;
}

struct fake *
fake_new(fake_script *script, void *user)
{
    return fake_start(script, user, false);
}

struct fake *
fake_new_curve(fake_script *script, void *user)
{
    return fake_start(script, user, true);
}

static void
fake_wake(struct fake *fake)
{
    uint64_t one = 1;
    ssize_t put = write(fake->wake, &one, sizeof one);

    assert(put == sizeof one);
    (void)put;
}

void
fake_free(struct fake **fake_p)
{
    struct fake *fake = *fake_p;

    pthread_mutex_lock(&fake->lock);
    fake->stop = true;
    pthread_mutex_unlock(&fake->lock);
    fake_wake(fake);
    pthread_join(fake->thread, NULL);
    zmq_close(fake->router);
    zmq_ctx_term(fake->zmq);
    close(fake->wake);
    for (uint32_t at = 0; at < fake->seen_n; at++) {
        free(fake->seen[at].bytes);
    }
    free(fake->seen);
    proto_buf_fini(&fake->out);
    proto_buf_fini(&fake->wanted);
    pthread_mutex_destroy(&fake->lock);
    pthread_cond_destroy(&fake->changed);
    free(fake);
    *fake_p = NULL;
}

struct qiao_context
fake_context(const struct fake *fake)
{
    struct qiao_context context = {.name = "fake"};

    memcpy(context.endpoint, fake->endpoint, sizeof context.endpoint);
    if (fake->server_public[0]) {
        memcpy(context.server_key, fake->server_public, sizeof context.server_key);
        qiao_keypair(context.public_key, context.secret_key);
    }
    return context;
}

struct qiao_client *
fake_client(const struct fake *fake, const struct qiao_options *options)
{
    struct qiao_context context = fake_context(fake);
    struct qiao_client *client = NULL;
    enum qiao_status status = qiao_client_open(&context, options, &client);

    if (status != QIAO_OK) {
        fprintf(stderr, "open: %s\n", qiao_status_text(status));
        abort();
    }
    return client;
}

/* ------------------------------------------------------------- for scripts */

void
fake_put(struct fake *fake, const struct proto_record *record)
{
    bool put = proto_encode(&fake->out, record);

    assert(put);
    (void)put;
}

void
fake_put_bytes(struct fake *fake, const void *bytes, size_t n)
{
    bool put = proto_buf_append(&fake->out, bytes, n);

    assert(put);
    (void)put;
}

void
fake_receipt(struct fake *fake, uint64_t re, uint64_t id, uint64_t seq)
{
    struct proto_record receipt;

    proto_record_init(&receipt, PROTO_RECEIPT);
    receipt.re = re;
    receipt.u.receipt.id = id;
    receipt.u.receipt.seq = seq;
    receipt.u.receipt.status = PROTO_STATUS_READY;
    fake_put(fake, &receipt);
}

void
fake_refuse(struct fake *fake, uint64_t re, enum proto_refusal_code code, const char *message, const char *path)
{
    struct proto_record refusal;

    proto_record_init(&refusal, PROTO_REFUSAL);
    refusal.re = re;
    refusal.u.refusal.code = code;
    refusal.u.refusal.message = proto_str_of(message);
    refusal.u.refusal.path = proto_str_of(path);
    fake_put(fake, &refusal);
}

void
fake_break(struct fake *fake)
{
    fake->break_now = true;
}

uint32_t
fake_connection(const struct fake *fake)
{
    return fake->connections;
}

/* ------------------------------------------------------------- for tests */

void
fake_send(struct fake *fake, const struct proto_record *record)
{
    bool put;

    pthread_mutex_lock(&fake->lock);
    put = proto_encode(&fake->wanted, record);
    assert(put);
    (void)put;
    pthread_mutex_unlock(&fake->lock);
    fake_wake(fake);
}

void
fake_restart(struct fake *fake)
{
    uint32_t before;

    pthread_mutex_lock(&fake->lock);
    before = fake->restarts;
    fake->restart_wanted = true;
    fake_wake(fake);
    while (fake->restarts == before) {
        pthread_cond_wait(&fake->changed, &fake->lock);
    }
    pthread_mutex_unlock(&fake->lock);
}

void
fake_script_set(struct fake *fake, fake_script *script, void *user)
{
    pthread_mutex_lock(&fake->lock);
    fake->script = script;
    fake->user = user;
    pthread_mutex_unlock(&fake->lock);
}

void
fake_welcome_set(struct fake *fake, uint64_t seq, uint64_t epoch, int64_t heartbeat_us)
{
    pthread_mutex_lock(&fake->lock);
    fake->welcome_seq = seq;
    fake->welcome_epoch = epoch;
    fake->heartbeat_us = heartbeat_us;
    pthread_mutex_unlock(&fake->lock);
}

static uint32_t
count_of(const struct fake *fake, enum proto_type type)
{
    uint32_t count = 0;

    for (uint32_t at = 0; at < fake->seen_n; at++) {
        count += fake->seen[at].type == type;
    }
    return count;
}

void
fake_await(struct fake *fake, enum proto_type type, uint32_t count)
{
    pthread_mutex_lock(&fake->lock);
    while (count_of(fake, type) < count) {
        pthread_cond_wait(&fake->changed, &fake->lock);
    }
    pthread_mutex_unlock(&fake->lock);
}

uint32_t
fake_count(struct fake *fake, enum proto_type type)
{
    uint32_t count;

    pthread_mutex_lock(&fake->lock);
    count = count_of(fake, type);
    pthread_mutex_unlock(&fake->lock);
    return count;
}

struct fake_seen
fake_seen_at(struct fake *fake, enum proto_type type, uint32_t index, struct proto_record *out_record)
{
    struct fake_seen found = {0};
    struct proto_error error;
    size_t used;

    pthread_mutex_lock(&fake->lock);
    for (uint32_t at = 0; at < fake->seen_n && !found.bytes; at++) {
        if (fake->seen[at].type == type && index-- == 0) {
            found = fake->seen[at];
        }
    }
    pthread_mutex_unlock(&fake->lock);
    assert(found.bytes);
    if (out_record && !proto_decode(found.bytes, found.bytes_n, &used, out_record, &error)) {
        abort();
    }
    return found;
}

uint32_t
fake_frames(struct fake *fake)
{
    uint32_t frames;

    pthread_mutex_lock(&fake->lock);
    frames = fake->frames;
    pthread_mutex_unlock(&fake->lock);
    return frames;
}
