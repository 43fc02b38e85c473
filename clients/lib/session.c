/*
 * The connection over time: hello and welcome, heartbeats, noticing that the broker is gone, trying again, and making
 * the new connection what the old one was.
 *
 *     DOWN -> GREETING (socket, hello sent) -> UP (welcome) -> DOWN (lost) ...      ENDED: for good
 */
#include <sodium.h>
#include <stdio.h>

#include "lib/internal.h"

enum {
    PAUSE_FIRST_US = 50000,
    PAUSE_MOST_US = 3000000,
    GREET_US = 5000000,
    HEARTBEAT_US = 5000000, /* until the welcome says another */
    SAVE_US = 5000000,
};

static int64_t
at_most(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void
text_copy(char *to, size_t size, struct proto_str text)
{
    size_t n = text.n < size - 1 ? text.n : size - 1;

    if (n > 0) {
        memcpy(to, text.p, n);
    }
    to[n] = '\0';
}

void
qiaoi_session_seen(struct qiao_client *client, uint64_t seq)
{
    if (seq > client->witness.seen) {
        client->witness.seen = seq;
        client->session.seq = seq;
    }
}

void
qiaoi_session_save(struct qiao_client *client)
{
    if (client->context.state_path[0] != '\0' && (client->witness.seen != client->witness_saved.seen ||
                                                  client->witness.epoch != client->witness_saved.epoch)) {
        qiaoi_witness_write(client->context.state_path, client->witness);
        client->witness_saved = client->witness;
    }
    client->save_at_us = client->now_us + SAVE_US;
}

static void
event_note(struct qiao_client *client, enum qiao_event_kind kind)
{
    struct qiao_event event = {.kind = kind};

    if (!qiaoi_event_push(client, &event)) {
        qiaoi_session_end(client, QIAO_NO_MEMORY);
    }
}

/* Between half and one and a half of the pause, so that a thousand clients do not come back at the same moment. */
static void
pause_before_retry(struct qiao_client *client)
{
    client->retry_at_us = client->now_us + client->pause_us / 2 + (int64_t)randombytes_uniform((uint32_t)client->pause_us);
    client->pause_us = at_most(client->pause_us * 2, PAUSE_MOST_US);
}

void
qiaoi_session_lost(struct qiao_client *client)
{
    if (client->state != QIAOI_UP && client->state != QIAOI_GREETING) {
        return;
    }
    qiaoi_loop_socket(client, false);
    qiaoi_wire_disconnect(&client->wire, 0);
    client->session.connected = false;
    if (client->state == QIAOI_UP) {
        client->pause_us = PAUSE_FIRST_US;
        client->state = QIAOI_DOWN;
        event_note(client, QIAO_EVENT_DISCONNECTED);
    }
    if (client->state != QIAOI_ENDED) {
        client->state = QIAOI_DOWN;
    }
    pause_before_retry(client);
    client->drive_at_us = client->retry_at_us;
}

void
qiaoi_session_end(struct qiao_client *client, enum qiao_status status)
{
    if (client->state == QIAOI_ENDED) {
        return;
    }
    qiaoi_loop_socket(client, false);
    qiaoi_wire_disconnect(&client->wire, 0);
    client->session.connected = false;
    client->state = QIAOI_ENDED;
    client->ended = status;
    qiaoi_calls_end(client, status);
}

/* The broker does not want to talk on this connection: to try again, or for good? */
void
qiaoi_session_refused(struct qiao_client *client, const struct proto_record *record)
{
    const struct proto_refusal *refusal = &record->u.refusal;
    bool greeting = client->state == QIAOI_GREETING;

    if (!greeting && proto_str_eq(refusal->path, PROTO_STR("hello"))) {
        /* It forgot us, because we were silent or slow. Greeting again needs no pause. */
        qiaoi_session_lost(client);
        client->retry_at_us = client->drive_at_us = client->now_us;
        return;
    }
    if (refusal->code == PROTO_REFUSAL_CODE_RETRY_LATER || refusal->code == PROTO_REFUSAL_CODE_QUOTA) {
        qiaoi_session_lost(client);
        return;
    }
    text_copy(client->refusal_text, sizeof client->refusal_text, refusal->message);
    text_copy(client->refusal_path, sizeof client->refusal_path, refusal->path);
    client->refusal = (struct qiao_refusal){.code = (enum qiao_status)refusal->code, .message = client->refusal_text,
                                            .path = client->refusal_path};
    qiaoi_session_end(client, (enum qiao_status)refusal->code);
}

static void
hello_send(struct qiao_client *client)
{
    struct proto_record record;

    proto_record_init(&record, PROTO_HELLO);
    record.n = client->calls.next++;
    record.u.hello.version = PROTO_VERSION;
    record.u.hello.client = qiaoi_str(client->program);
    record.u.hello.seen = client->witness.seen;
    record.u.hello.epoch = client->witness.epoch;
    if (!qiaoi_wire_put_record(&client->wire, &record) || !qiaoi_wire_flush(&client->wire)) {
        qiaoi_session_lost(client);
    }
}

static void
session_try(struct qiao_client *client)
{
    enum qiao_status status = qiaoi_wire_connect(&client->wire, &client->context);

    if (status == QIAO_SYSTEM && client->ever_up) {
        /* No descriptors or no memory just now: as bad as a broker that is away, and as little a reason to give up. */
        pause_before_retry(client);
        client->drive_at_us = client->retry_at_us;
        return;
    }
    if (status != QIAO_OK) {
        qiaoi_session_end(client, status);
        return;
    }
    client->state = QIAOI_GREETING;
    client->greet_until_us = client->now_us + GREET_US;
    client->heard_us = client->spoke_us = client->pinged_us = client->now_us;
    qiaoi_loop_socket(client, true);
    hello_send(client);
}

static uint32_t
roles_of(struct proto_bin list)
{
    struct proto_iter it = proto_iter_of(list);
    struct proto_str name;
    uint32_t roles = 0;

    while (proto_iter_str(&it, &name)) {
        unsigned number;

        if (proto_enum_number(PROTO_ENUM_ROLE, name.p, name.n, &number)) {
            roles |= UINT32_C(1) << number;
        }
    }
    return roles;
}

static void
session_fill(struct qiao_client *client, const struct proto_welcome *welcome)
{
    struct qiao_session *session = &client->session;

    text_copy(client->server, sizeof client->server, welcome->server);
    text_copy(client->party, sizeof client->party, welcome->party);
    text_copy(client->member, sizeof client->member, welcome->member);
    session->roles = roles_of(welcome->roles);
    session->shard = welcome->shard;
    session->epoch = welcome->epoch;
    session->heartbeat_us = welcome->heartbeat > 0 ? welcome->heartbeat : HEARTBEAT_US;
    session->frame_bytes_max = welcome->frame_bytes;
    session->body_bytes_max = welcome->body_bytes;
    session->input_bytes_max = welcome->input_bytes;
    session->connected = true;
    if (welcome->frame_bytes > 0 && welcome->frame_bytes < client->wire.frame_bytes_max) {
        client->wire.frame_bytes_max = welcome->frame_bytes;
    }
}

void
qiaoi_session_welcome(struct qiao_client *client, const struct proto_record *record)
{
    const struct proto_welcome *welcome = &record->u.welcome;
    uint64_t open_before = client->calls.next;

    if (client->state != QIAOI_GREETING) {
        return;
    }
    if (welcome->epoch < client->witness.epoch) {
        /* A broker that lost its shard to another one and does not know yet. */
        qiaoi_session_lost(client);
        return;
    }
    if (welcome->seq < client->witness.seen) {
        qiaoi_refuse_argument(client, "seq", "the broker's journal ends before what it once told this client");
        qiaoi_session_end(client, QIAO_CONFLICT);
        return;
    }
    client->witness.epoch = welcome->epoch;
    session_fill(client, welcome);
    client->state = QIAOI_UP;
    client->pause_us = PAUSE_FIRST_US;
    client->drive_at_us = client->now_us;
    if (client->ever_up) {
        client->session.reconnects++;
        event_note(client, QIAO_EVENT_CONNECTED);
    }
    client->ever_up = true;
    /* The offers that are made again are calls of this connection: nothing about them is in doubt. */
    qiaoi_offers_again(client);
    qiaoi_calls_repeat(client, open_before);
    qiaoi_watches_begin_again(client);
    qiaoi_held_renew(client, true);
    if (!qiaoi_wire_flush(&client->wire)) {
        qiaoi_session_lost(client);
    }
}

static void
ping_send(struct qiao_client *client)
{
    struct proto_record record;

    proto_record_init(&record, PROTO_PING);
    client->pinged_us = client->now_us;
    if (!qiaoi_wire_put_record(&client->wire, &record) || !qiaoi_wire_flush(&client->wire)) {
        qiaoi_session_lost(client);
        return;
    }
    client->spoke_us = client->now_us;
}

static void
drive_up(struct qiao_client *client)
{
    int64_t heartbeat_us = client->session.heartbeat_us;

    /* Silent for so long, because the caller was elsewhere: the broker has given this connection up by now. */
    if (client->now_us - client->spoke_us > heartbeat_us * 5 / 2 || client->now_us - client->heard_us > heartbeat_us * 3) {
        qiaoi_session_lost(client);
        client->retry_at_us = client->drive_at_us = client->now_us;
        return;
    }
    if (client->now_us - client->spoke_us >= heartbeat_us || client->now_us - client->pinged_us >= heartbeat_us) {
        ping_send(client);
    }
    if (client->state == QIAOI_UP && client->renew_at_us <= client->now_us) {
        qiaoi_held_renew(client, false);
    }
    if (client->save_at_us <= client->now_us) {
        qiaoi_session_save(client);
    }
    client->drive_at_us = at_most(at_most(client->pinged_us, client->spoke_us) + heartbeat_us,
                                  at_most(client->renew_at_us, client->save_at_us));
}

void
qiaoi_session_drive(struct qiao_client *client)
{
    enum qiaoi_wire_news news = qiaoi_wire_news(&client->wire);

    if (news == QIAOI_NEWS_DENIED) {
        qiaoi_refuse_argument(client, "key", "the broker does not accept this key");
        qiaoi_session_end(client, QIAO_FORBIDDEN);
    } else if (news == QIAOI_NEWS_LOST) {
        qiaoi_session_lost(client);
    }
    if (client->state == QIAOI_DOWN && client->retry_at_us <= client->now_us) {
        session_try(client);
    }
    if (client->state == QIAOI_GREETING) {
        if (client->greet_until_us <= client->now_us) {
            qiaoi_session_lost(client);
        } else {
            client->drive_at_us = client->greet_until_us;
        }
    }
    if (client->state == QIAOI_UP) {
        drive_up(client);
    }
    if (client->state == QIAOI_ENDED) {
        client->drive_at_us = INT64_MAX;
    }
}

bool
qiaoi_session_wait(struct qiao_client *client, int64_t until_us)
{
    int64_t now_us;
    bool quiet = true;

    if (client->state == QIAOI_UP) {
        qiaoi_credit_put(client);
        if (client->wire.out.n > 0) {
            client->spoke_us = client->now_us;
        }
        if (!qiaoi_wire_flush(&client->wire)) {
            qiaoi_session_lost(client);
        }
    }
    now_us = qiaoi_now_us();
    until_us = at_most(until_us, client->drive_at_us);
    if (until_us > now_us) {
        quiet = qiaoi_wire_wait(&client->wire, until_us == INT64_MAX ? -1 : until_us - now_us);
    }
    client->now_us = qiaoi_now_us();
    return quiet;
}
