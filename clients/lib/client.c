/*
 * A client object: opening, closing, waiting, events.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/internal.h"
#include "lib/qiao_internal.h"

enum { CONNECT_US = 5000000, BACKLOG_BYTES = 16 << 20, SCRATCH_BYTES = 65536, ANSWER_BYTES = 4096 };

static const struct qiao_options DEFAULTS = {0};

enum qiao_status
qiaoi_refuse_argument(struct qiao_client *client, const char *path, const char *why)
{
    size_t path_n = strnlen(path, sizeof client->refusal_path - 1), why_n = strnlen(why, sizeof client->refusal_text - 1);

    memcpy(client->refusal_path, path, path_n);
    client->refusal_path[path_n] = '\0';
    memcpy(client->refusal_text, why, why_n);
    client->refusal_text[why_n] = '\0';
    client->refusal = (struct qiao_refusal){.code = QIAO_ARGUMENT, .message = client->refusal_text,
                                            .path = client->refusal_path};
    return QIAO_ARGUMENT;
}

const struct qiao_refusal *
qiao_last_refusal(const struct qiao_client *client)
{
    return &client->refusal;
}

static bool
buffers_init(struct qiao_client *client, const struct qiao_options *options)
{
    proto_buf_init(&client->answer_bytes, PROTO_LIMIT_FRAME_BYTES);
    proto_buf_init(&client->scratch, SCRATCH_BYTES);
    client->backlog_bytes_max = options->backlog_bytes_max ? options->backlog_bytes_max : BACKLOG_BYTES;
    client->tracked_max = options->tracked_max ? options->tracked_max : QIAOI_TRACKED_DEFAULT;
    /* Lists of names and fences, and receipts, always find room: only pages can be too large for the memory there is. */
    return proto_buf_reserve(&client->scratch, SCRATCH_BYTES) && proto_buf_reserve(&client->answer_bytes, ANSWER_BYTES) &&
           qiaoi_calls_init(&client->calls, options->window);
}

static void
session_init(struct qiao_client *client)
{
    client->session.server = client->server;
    client->session.party = client->party;
    client->session.member = client->member;
    client->refusal.message = client->refusal.path = "";
    client->state = QIAOI_DOWN;
    client->pause_us = 50000;
    client->renew_at_us = INT64_MAX;
    client->now_us = qiaoi_now_us();
    client->retry_at_us = client->drive_at_us = client->now_us;
    if (client->context.state_path[0] != '\0') {
        client->witness = client->witness_saved = qiaoi_witness_read(client->context.state_path);
        client->session.seq = client->witness.seen;
    }
}

static void
client_free(struct qiao_client *client, int64_t linger_us)
{
    qiaoi_receive_fini(client);
    qiaoi_loop_socket(client, false);
    qiaoi_wire_fini(&client->wire, linger_us);
    qiaoi_loop_fini(&client->loop);
    qiaoi_calls_fini(&client->calls);
    qiaoi_held_fini(client);
    qiaoi_offers_fini(client);
    qiaoi_table_fini(&client->tracked);
    proto_buf_fini(&client->answer_bytes);
    proto_buf_fini(&client->scratch);
    sodium_memzero(&client->context, sizeof client->context);
    free(client);
}

/* Wait for the first welcome. */
static enum qiao_status
client_greet(struct qiao_client *client, int64_t timeout_us)
{
    int64_t until_us = qiaoi_deadline(client->now_us, timeout_us == 0 ? CONNECT_US : timeout_us);

    for (;;) {
        qiaoi_receive_all(client);
        if (client->state == QIAOI_UP) {
            return QIAO_OK;
        }
        if (client->state == QIAOI_ENDED) {
            return client->ended;
        }
        if (client->now_us >= until_us) {
            return QIAO_UNREACHABLE;
        }
        qiaoi_session_wait(client, until_us);
    }
}

static bool
expired(const struct qiao_context *context)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return context->invitation && context->expires != 0 && context->expires < (int64_t)now.tv_sec * 1000000;
}

enum qiao_status
qiao_client_open(const struct qiao_context *context, const struct qiao_options *options, struct qiao_client **out_client)
{
    struct qiao_client *client;
    enum qiao_status status;

    if (!options) {
        options = &DEFAULTS;
    }
    if (sodium_init() < 0) {
        return QIAO_SYSTEM;
    }
    if (!qiaoi_context_check(context, NULL) || expired(context)) {
        return QIAO_CONTEXT;
    }
    client = calloc(1, sizeof *client);
    if (!client) {
        return QIAO_NO_MEMORY;
    }
    client->context = *context;
    if (options->program) {
        memcpy(client->program, options->program, strnlen(options->program, sizeof client->program - 1));
    }
    client->loop = (struct qiaoi_loop){-1, -1, false};
    if (!qiaoi_loop_init(&client->loop)) {
        client_free(client, 0);
        return QIAO_SYSTEM;
    }
    status = qiaoi_wire_init(&client->wire, options);
    if (status == QIAO_OK && !buffers_init(client, options)) {
        status = QIAO_NO_MEMORY;
    }
    if (status != QIAO_OK) {
        client_free(client, 0);
        return status;
    }
    session_init(client);
    if (!options->open_lazily) {
        status = client_greet(client, options->connect_timeout_us);
    }
    if (status != QIAO_OK) {
        client_free(client, 0);
        return status;
    }
    *out_client = client;
    return QIAO_OK;
}

enum qiao_status
qiao_client_open_context(const char *name, const struct qiao_options *options, struct qiao_client **out_client,
                         struct qiao_context_error *out_error)
{
    struct qiao_context context;
    enum qiao_status status = qiao_context_load(name, &context, out_error);

    if (status == QIAO_OK) {
        status = qiao_client_open(&context, options, out_client);
    }
    sodium_memzero(&context, sizeof context);
    return status;
}

void
qiao_client_close(struct qiao_client **client_p, int64_t linger_us)
{
    struct qiao_client *client = *client_p;
    struct proto_record bye;

    if (!client) {
        return;
    }
    *client_p = NULL;
    if (client->state == QIAOI_UP) {
        proto_record_init(&bye, PROTO_BYE);
        qiaoi_wire_put_record(&client->wire, &bye);
        qiaoi_wire_flush(&client->wire);
    }
    qiaoi_session_save(client);
    client_free(client, linger_us);
}

const struct qiao_session *
qiao_session(const struct qiao_client *client)
{
    return &client->session;
}

enum qiao_status
qiao_process(struct qiao_client *client)
{
    qiaoi_receive_all(client);
    qiao_flush(client);
    return client->state == QIAOI_ENDED ? client->ended : QIAO_OK;
}

enum qiao_status
qiao_flush(struct qiao_client *client)
{
    if (client->state == QIAOI_UP) {
        qiaoi_credit_put(client);
        if (client->wire.out.n > 0) {
            client->spoke_us = client->now_us;
        }
        if (!qiaoi_wire_flush(&client->wire)) {
            qiaoi_session_lost(client);
        }
    }
    qiaoi_loop_arm(client);
    return client->state == QIAOI_ENDED ? client->ended : QIAO_OK;
}

static bool
something_waits(const struct qiao_client *client)
{
    return client->backlog || (client->has_frame && client->frame_at < zmq_msg_size(&client->frame));
}

enum qiao_status
qiao_wait(struct qiao_client *client, int64_t timeout_us)
{
    int64_t until_us = qiaoi_deadline(qiaoi_now_us(), timeout_us);

    for (;;) {
        qiaoi_receive_all(client);
        if (something_waits(client)) {
            return QIAO_OK;
        }
        if (client->state == QIAOI_ENDED) {
            return QIAO_CLOSED;
        }
        if (client->now_us >= until_us || !qiaoi_session_wait(client, until_us)) {
            return QIAO_TIMEOUT;
        }
    }
}

enum qiao_status
qiao_next_event(struct qiao_client *client, int64_t timeout_us, struct qiao_event *out_event)
{
    int64_t until_us = -1;

    for (;;) {
        switch (qiaoi_receive_event(client, out_event)) {
        case QIAOI_GOT_EVENT:
            return QIAO_OK;
        case QIAOI_GOT_ENDED:
            return QIAO_CLOSED;
        case QIAOI_GOT_NOTHING:
            break;
        }
        if (until_us < 0) {
            until_us = qiaoi_deadline(client->now_us, timeout_us);
        }
        if (client->now_us >= until_us || !qiaoi_session_wait(client, until_us)) {
            qiaoi_loop_arm(client);
            return QIAO_TIMEOUT;
        }
    }
}

uint32_t
qiao_in_flight(const struct qiao_client *client)
{
    return client->calls.in_flight;
}

uint32_t
qiao_tracked(const struct qiao_client *client)
{
    return client->tracked.count;
}

const struct proto_record *
qiaoi_event_record(const struct qiao_client *client)
{
    return client->event_record;
}
