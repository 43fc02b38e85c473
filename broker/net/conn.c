/*
 * The table of connections: by routing id, by key, by handle, and by how long they have been silent.
 *
 * A fixed array of slots, taken once. Slots are reused first in, first out, so that a handle's generation comes round
 * late. It knows no socket.
 */
#include "net/internal.h"

#include <stdlib.h>

bool
conn_table_init(struct conn_table *table, uint32_t cap)
{
    assert(cap > 0 && cap <= NET_CONNECTIONS_HARD);
    memset(table, 0, sizeof *table);
    uint32_t buckets = 16;
    while (buckets < cap) {
        buckets *= 2;
    }
    table->slots = calloc((size_t)cap + 1, sizeof *table->slots);
    table->by_id = calloc(buckets, sizeof *table->by_id);
    table->by_key = calloc(buckets, sizeof *table->by_key);
    bool lists = true;
    for (uint32_t i = 0; i < CONN_LISTS; i++) {
        table->lists[i] = calloc((size_t)cap + 1, sizeof *table->lists[i]);
        lists = lists && table->lists[i];
    }
    if (!table->slots || !table->by_id || !table->by_key || !lists) {
        conn_table_fini(table);
        return false;
    }
    table->cap = cap;
    table->bucket_mask = buckets - 1;
    return true;
}

void
conn_table_fini(struct conn_table *table)
{
    free(table->slots);
    free(table->by_id);
    free(table->by_key);
    for (uint32_t i = 0; i < CONN_LISTS; i++) {
        free(table->lists[i]);
    }
    memset(table, 0, sizeof *table);
}

/* Routing ids are libzmq's own counter: no peer chooses them, so any mixing will do. */
static uint32_t
id_bucket(const struct conn_table *table, uint32_t routing_id)
{
    return (routing_id * 2654435761u >> 8) & table->bucket_mask;
}

/* Keys are points of a curve that enrolment let in. */
static uint32_t
key_bucket(const struct conn_table *table, const uint8_t key[NET_KEY_BYTES])
{
    uint32_t word;
    memcpy(&word, key, sizeof word);
    return (word * 2654435761u >> 8) & table->bucket_mask;
}

struct conn *
conn_by_id(struct conn_table *table, uint32_t routing_id)
{
    for (uint16_t at = table->by_id[id_bucket(table, routing_id)]; at; at = table->slots[at].id_next) {
        if (table->slots[at].routing_id == routing_id) {
            return &table->slots[at];
        }
    }
    return NULL;
}

struct conn *
conn_by_handle(const struct conn_table *table, uint32_t handle)
{
    uint32_t slot = handle & 0xffffu;
    if (slot == 0 || slot > table->used || table->slots[slot].handle != handle || table->slots[slot].state == CONN_FREE) {
        return NULL;
    }
    return &table->slots[slot];
}

uint32_t
conn_count_of_key(struct conn_table *table, const uint8_t key[NET_KEY_BYTES], struct conn **out_oldest)
{
    uint32_t n = 0;
    struct conn *oldest = NULL;
    for (uint16_t at = table->by_key[key_bucket(table, key)]; at; at = table->slots[at].key_next) {
        struct conn *conn = &table->slots[at];
        if (memcmp(conn->key, key, NET_KEY_BYTES) != 0) {
            continue;
        }
        n++;
        if (conn->state != CONN_ENDED && (!oldest || conn->last_seen_us < oldest->last_seen_us)) {
            oldest = conn;
        }
    }
    *out_oldest = oldest;
    return n;
}

static void
age_link(struct conn_table *table, struct conn *conn)
{
    uint16_t slot = conn_slot(conn);
    conn->older = table->newest;
    conn->newer = 0;
    if (table->newest) {
        table->slots[table->newest].newer = slot;
    } else {
        table->oldest = slot;
    }
    table->newest = slot;
}

static void
age_unlink(struct conn_table *table, struct conn *conn)
{
    if (conn->older) {
        table->slots[conn->older].newer = conn->newer;
    } else {
        table->oldest = conn->newer;
    }
    if (conn->newer) {
        table->slots[conn->newer].older = conn->older;
    } else {
        table->newest = conn->older;
    }
}

struct conn *
conn_new(struct conn_table *table, uint32_t routing_id, const uint8_t key[NET_KEY_BYTES])
{
    uint16_t slot;
    if (table->used < table->cap) {
        slot = (uint16_t)++table->used;
    } else if (table->free_first) {
        slot = table->free_first;
        table->free_first = table->slots[slot].free_next;
        if (!table->free_first) {
            table->free_last = 0;
        }
    } else {
        return NULL;
    }
    struct conn *conn = &table->slots[slot];
    uint32_t generation = (conn->handle >> 16) + 1;
    generation = generation > 0xffff ? 1 : generation;
    memset(conn, 0, sizeof *conn);
    conn->state = CONN_GREETING;
    conn->handle = generation << 16 | slot;
    conn->routing_id = routing_id;
    memcpy(conn->key, key, NET_KEY_BYTES);
    uint16_t *id_head = &table->by_id[id_bucket(table, routing_id)];
    conn->id_next = *id_head;
    *id_head = slot;
    uint16_t *key_head = &table->by_key[key_bucket(table, key)];
    conn->key_next = *key_head;
    *key_head = slot;
    age_link(table, conn);
    table->live++;
    return conn;
}

void
conn_free(struct conn_table *table, struct conn *conn)
{
    assert(conn->state != CONN_FREE && !conn->out_head);
    for (uint32_t i = 0; i < CONN_LISTS; i++) {
        conn_list_remove(table, i, conn);
    }
    uint16_t slot = conn_slot(conn);
    uint16_t *at = &table->by_id[id_bucket(table, conn->routing_id)];
    while (*at != slot) {
        at = &table->slots[*at].id_next;
    }
    *at = conn->id_next;
    at = &table->by_key[key_bucket(table, conn->key)];
    while (*at != slot) {
        at = &table->slots[*at].key_next;
    }
    *at = conn->key_next;
    age_unlink(table, conn);
    conn->state = CONN_FREE;
    conn->free_next = 0;
    if (table->free_last) {
        table->slots[table->free_last].free_next = slot;
    } else {
        table->free_first = slot;
    }
    table->free_last = slot;
    table->live--;
}

void
conn_touch(struct conn_table *table, struct conn *conn, int64_t now_us)
{
    conn->last_seen_us = now_us;
    if (table->newest != conn_slot(conn)) {
        age_unlink(table, conn);
        age_link(table, conn);
    }
}

void
conn_list_add(struct conn_table *table, enum conn_list list, struct conn *conn)
{
    if (conn->list_at[list] == 0) {
        uint32_t at = ++table->list_n[list];
        table->lists[list][at] = conn_slot(conn);
        conn->list_at[list] = (uint16_t)at;
    }
}

void
conn_list_remove(struct conn_table *table, enum conn_list list, struct conn *conn)
{
    uint16_t at = conn->list_at[list];
    if (at == 0) {
        return;
    }
    uint16_t last = table->lists[list][table->list_n[list]--];
    table->lists[list][at] = last;
    table->slots[last].list_at[list] = at;
    conn->list_at[list] = 0;
}
