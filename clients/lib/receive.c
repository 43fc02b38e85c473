/*
 * From frames to booked records, and from these to events. Two readers:
 *
 *   - qiaoi_receive_event hands out one event after the other, straight from the frame that lies open;
 *   - qiaoi_receive_all serves blocking calls: it books everything, and keeps copies of what is an event for later. The
 *     frame of the event that the caller is looking at stays as it is.
 */
#include <stdlib.h>

#include "lib/internal.h"

/* The next record of n bytes at *at. Skips what is unknown; false at the end. */
static bool
record_next(struct qiao_client *client, const uint8_t *p, size_t n, size_t *at, struct proto_record *record)
{
    while (*at < n) {
        struct proto_error error;
        size_t used;

        if (proto_decode(p + *at, n - *at, &used, record, &error)) {
            client->raw = (struct proto_bin){p + *at, (uint32_t)used};
            *at += used;
            client->wire.records_read++;
            return true;
        }
        if (used == 0 || error.code != PROTO_REFUSAL_CODE_UNSUPPORTED) {
            /* Not our protocol, or damaged: nothing behind it can be trusted. */
            *at = n;
            qiaoi_session_lost(client);
            return false;
        }
        *at += used;
    }
    return false;
}

static void
node_free(struct qiaoi_node **node_p)
{
    free(*node_p);
    *node_p = NULL;
}

static void
node_append(struct qiao_client *client, struct qiaoi_node *node)
{
    node->next = NULL;
    if (!client->backlog) {
        client->backlog_end = &client->backlog;
    }
    *client->backlog_end = node;
    client->backlog_end = &node->next;
    client->backlog_bytes += sizeof *node + node->n;
}

bool
qiaoi_event_push(struct qiao_client *client, const struct qiao_event *event)
{
    struct qiaoi_node *node = malloc(sizeof *node);

    if (!node) {
        return false;
    }
    node->event = *event;
    node->n = 0;
    node_append(client, node);
    return true;
}

/* Keep a copy of the record that was just booked, as an event. */
static void
record_keep(struct qiao_client *client, struct proto_bin raw, const struct qiaoi_arrival *arrival)
{
    struct qiaoi_node *node = malloc(sizeof *node + raw.n);
    struct proto_error error;
    size_t used;
    bool decoded;

    if (!node) {
        qiaoi_session_end(client, QIAO_NO_MEMORY);
        return;
    }
    memcpy(node->bytes, raw.p, raw.n);
    node->n = raw.n;
    decoded = proto_decode(node->bytes, node->n, &used, &node->record, &error);
    assert(decoded);
    (void)decoded;
    qiaoi_fill_event(&node->record, arrival, &node->event);
    node_append(client, node);
}

static void
frame_book(struct qiao_client *client, const uint8_t *p, size_t n, size_t *at)
{
    while (record_next(client, p, n, at, &client->booked)) {
        struct proto_bin raw = client->raw;
        struct qiaoi_arrival arrival = qiaoi_book(client, &client->booked);

        if (arrival.kind != 0) {
            record_keep(client, raw, &arrival);
        }
    }
}

static bool
frame_read(struct qiao_client *client, zmq_msg_t *frame)
{
    if (!qiaoi_wire_read(&client->wire, frame)) {
        return false;
    }
    client->heard_us = client->now_us;
    return true;
}

void
qiaoi_receive_all(struct qiao_client *client)
{
    zmq_msg_t frame;

    client->now_us = qiaoi_now_us();
    if (client->has_frame) {
        frame_book(client, zmq_msg_data(&client->frame), zmq_msg_size(&client->frame), &client->frame_at);
    }
    zmq_msg_init(&frame);
    while (client->backlog_bytes <= client->backlog_bytes_max && frame_read(client, &frame)) {
        size_t at = 0;

        frame_book(client, zmq_msg_data(&frame), zmq_msg_size(&frame), &at);
        zmq_msg_close(&frame);
        zmq_msg_init(&frame);
    }
    zmq_msg_close(&frame);
    qiaoi_session_drive(client);
}

static void
node_deliver(struct qiao_client *client, struct qiao_event *out_event)
{
    struct qiaoi_node *node = client->backlog;

    client->backlog = node->next;
    client->backlog_bytes -= sizeof *node + node->n;
    client->delivered = node;
    client->event_record = node->n > 0 ? &node->record : NULL;
    *out_event = node->event;
}

/* The next frame to look at; what the caller did meanwhile leaves first. */
static bool
frame_turn(struct qiao_client *client)
{
    client->now_us = qiaoi_now_us();
    if (client->state == QIAOI_UP) {
        qiaoi_credit_put(client);
        if (client->wire.out.n > 0) {
            client->spoke_us = client->now_us;
        }
        if (!qiaoi_wire_flush(&client->wire)) {
            qiaoi_session_lost(client);
        }
    }
    if (client->has_frame) {
        zmq_msg_close(&client->frame);
        client->has_frame = false;
    }
    zmq_msg_init(&client->frame);
    client->has_frame = frame_read(client, &client->frame);
    client->frame_at = 0;
    if (!client->has_frame) {
        zmq_msg_close(&client->frame);
    }
    if (!client->has_frame || client->now_us >= client->drive_at_us) {
        qiaoi_session_drive(client);
    }
    return client->has_frame;
}

enum qiaoi_got
qiaoi_receive_event(struct qiao_client *client, struct qiao_event *out_event)
{
    node_free(&client->delivered);
    for (;;) {
        if (client->backlog) {
            node_deliver(client, out_event);
            return QIAOI_GOT_EVENT;
        }
        while (client->has_frame && record_next(client, zmq_msg_data(&client->frame), zmq_msg_size(&client->frame),
                                                &client->frame_at, &client->record)) {
            struct qiaoi_arrival arrival = qiaoi_book(client, &client->record);

            if (arrival.kind != 0) {
                client->event_record = &client->record;
                qiaoi_fill_event(&client->record, &arrival, out_event);
                return QIAOI_GOT_EVENT;
            }
        }
        if (!frame_turn(client) && !client->backlog) {
            return client->state == QIAOI_ENDED ? QIAOI_GOT_ENDED : QIAOI_GOT_NOTHING;
        }
    }
}

void
qiaoi_backlog_remove(struct qiao_client *client, struct qiaoi_node **at)
{
    struct qiaoi_node *node = *at;

    *at = node->next;
    if (client->backlog_end == &node->next) {
        client->backlog_end = at;
    }
    client->backlog_bytes -= sizeof *node + node->n;
    free(node);
}

void
qiaoi_backlog_remove_watch(struct qiao_client *client, uint64_t watch)
{
    struct qiaoi_node **at = &client->backlog;

    while (*at) {
        if ((*at)->event.watch == watch) {
            qiaoi_backlog_remove(client, at);
        } else {
            at = &(*at)->next;
        }
    }
}

void
qiaoi_receive_fini(struct qiao_client *client)
{
    if (client->has_frame) {
        zmq_msg_close(&client->frame);
        client->has_frame = false;
    }
    node_free(&client->delivered);
    while (client->backlog) {
        struct qiaoi_node *node = client->backlog;

        client->backlog = node->next;
        free(node);
    }
}
