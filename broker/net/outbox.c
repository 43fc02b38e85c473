/*
 * What is still to be sent to whom: bounded, packed into frames, and never waiting for anybody (B4).
 *
 * A chunk becomes a frame and is given to libzmq without a copy. A peer that does not read keeps its own chunks until they
 * reach the limit; then it loses the connection, and nobody else notices.
 */
#include "net/internal.h"

#include <errno.h>

void
outbox_clear(struct conn *conn)
{
    while (conn->out_head) {
        struct chunk *chunk = conn->out_head;
        conn->out_head = chunk->next;
        chunk_put(chunk);
    }
    conn->out_tail = NULL;
    conn->out_bytes = 0;
    conn->out_records = 0;
}

/* A chunk with room for n bytes at the end of the outbox; each new one a size larger than the one before. NULL: no memory. */
static struct chunk *
tail_get(struct net *net, struct conn *conn, size_t n, uint32_t records)
{
    struct chunk *tail = conn->out_tail;
    if (tail && tail->cap - tail->used >= n && tail->records + records <= net->options.records_per_frame_max) {
        return tail;
    }
    uint32_t class_min = conn->class_hint;
    if (tail) {
        class_min = tail->size_class < CHUNK_CLASSES - 2 ? tail->size_class + 1 : CHUNK_CLASSES - 2;
    }
    struct chunk *chunk = chunk_get(&net->chunks, class_min, n);
    if (!chunk) {
        return NULL;
    }
    if (tail) {
        tail->next = chunk;
    } else {
        conn->out_head = chunk;
    }
    conn->out_tail = chunk;
    return chunk;
}

void
outbox_append(struct net *net, struct conn *conn, const struct proto_bin *parts, uint32_t part_count, uint32_t records)
{
    size_t n = 0;
    for (uint32_t i = 0; i < part_count; i++) {
        n += parts[i].n;
    }
    assert(n <= net->options.frame_bytes_max);
    bool fits = conn->out_bytes + n <= net->options.outbox_bytes_max &&
                conn->out_records + records <= net->options.outbox_records_max;
    struct chunk *chunk = fits ? tail_get(net, conn, n, records) : NULL;
    if (!chunk) {
        net->stats.dropped_slow++;
        net_end(net, conn, "it does not read what it is sent", false);
        return;
    }
    for (uint32_t i = 0; i < part_count; i++) {
        if (parts[i].n > 0) {
            memcpy(chunk->data + chunk->used, parts[i].p, parts[i].n);
            chunk->used += parts[i].n;
        }
    }
    chunk->records += records;
    conn->out_bytes += (uint32_t)n;
    conn->out_records += records;
    if (!conn->list_at[LIST_BLOCKED]) {
        conn_list_add(&net->conns, LIST_DIRTY, conn);
    }
}

/* The first chunk as one frame. */
static enum outbox_result
chunk_send(struct net *net, struct conn *conn)
{
    struct chunk *chunk = conn->out_head;
    uint8_t routing_id[ROUTING_ID_BYTES] = {0};
    memcpy(routing_id + 1, &conn->routing_id, sizeof conn->routing_id);
    if (zmq_send(net->router, routing_id, sizeof routing_id, ZMQ_DONTWAIT | ZMQ_SNDMORE) < 0) {
        return zmq_errno() == EAGAIN ? OUTBOX_BLOCKED : OUTBOX_GONE;
    }
    conn->out_head = chunk->next;
    if (!conn->out_head) {
        conn->out_tail = NULL;
    }
    conn->out_bytes -= chunk->used;
    conn->out_records -= chunk->records;
    conn->class_hint = (uint8_t)(chunk->size_class < CHUNK_CLASSES - 1 ? chunk->size_class : CHUNK_CLASSES - 2);
    while (conn->class_hint > 0 && chunk->used < net->chunks.cap[conn->class_hint - 1]) {
        conn->class_hint--;
    }
    net->stats.frames_out++;
    net->stats.records_out += chunk->records;
    net->stats.bytes_out += chunk->used;
    zmq_msg_t frame;
    bool made = zmq_msg_init_data(&frame, chunk->data, chunk->used, chunk_release, chunk) == 0;
    if (!made) {
        chunk_put(chunk);
        zmq_msg_init(&frame); /* no memory; the routing id has gone, so something must follow it */
    }
    if (zmq_msg_send(&frame, net->router, ZMQ_DONTWAIT) < 0) {
        zmq_msg_close(&frame);
        made = false;
    }
    return made ? OUTBOX_EMPTY : OUTBOX_GONE; /* what is lost ends the connection: its client asks again */
}

enum outbox_result
outbox_push(struct net *net, struct conn *conn)
{
    enum outbox_result result = OUTBOX_EMPTY;
    while (conn->out_head && result == OUTBOX_EMPTY) {
        result = chunk_send(net, conn);
    }
    return result;
}

static void
conn_flush(struct net *net, struct conn *conn)
{
    switch (outbox_push(net, conn)) {
    case OUTBOX_EMPTY:
        conn_list_remove(&net->conns, LIST_BLOCKED, conn);
        break;
    case OUTBOX_BLOCKED:
        conn_list_add(&net->conns, LIST_BLOCKED, conn);
        break;
    case OUTBOX_GONE:
        net_end(net, conn, "gone", false);
        break;
    }
}

void
outbox_flush(struct net *net)
{
    struct conn_table *table = &net->conns;
    struct conn *conn;
    bool retry = table->list_n[LIST_BLOCKED] > 0 && net->now_us >= net->retry_at_us;
    if (retry) {
        uint32_t n = table->list_n[LIST_BLOCKED] < RETRY_MAX ? table->list_n[LIST_BLOCKED] : RETRY_MAX;
        for (; n > 0 && table->list_n[LIST_BLOCKED] > 0; n--) {
            uint32_t at = 1 + net->retry_cursor++ % table->list_n[LIST_BLOCKED];
            conn_flush(net, &table->slots[table->lists[LIST_BLOCKED][at]]);
        }
    }
    /* The last first: a task or an outcome before the receipt of the record that led to it (core counts on that: on_complete.c). */
    while ((conn = conn_list_last(table, LIST_DIRTY))) {
        conn_list_remove(table, LIST_DIRTY, conn);
        conn_flush(net, conn);
    }
    if (retry || net->retry_at_us < net->now_us) {
        net->retry_at_us = net->now_us + RETRY_US;
    }
}
