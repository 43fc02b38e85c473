/*
 * What the files of this room share. Nobody else includes it.
 */
#ifndef NET_INTERNAL_H
#define NET_INTERNAL_H

#include "net/net.h"

#include <assert.h>
#include <stdatomic.h>
#include <zmq.h>

enum {
    USER_ID_CHARS = 40,     /* a key in Z85 */
    ROUTING_ID_BYTES = 5,   /* of libzmq's automatic ids: a zero, then 32 bits */
    CHUNK_CLASSES = 4,
    FRAMES_WITHOUT_INPUT_MAX = 64, /* net_next gives up its turn after so many */
    RETRY_US = 1000,        /* slow peers are tried again this often */
    RETRY_MAX = 256,        /* and at most so many of them at once */
};

/* ---- chunk.c: the memory of frames that are on their way out */

/* One frame in the making. libzmq's I/O thread gives it back. */
struct chunk {
    struct chunk *next;
    struct chunk_pool *pool;
    uint32_t size_class;
    uint32_t cap;
    uint32_t used;
    uint32_t records;
    uint8_t data[];
};

struct chunk_pool {
    uint32_t cap[CHUNK_CLASSES];
    struct chunk *free[CHUNK_CLASSES];             /* the owner's */
    _Atomic(struct chunk *) returned[CHUNK_CLASSES]; /* pushed by any thread, taken whole by the owner */
    uint64_t idle_bytes;
};

void chunk_pool_init(struct chunk_pool *pool, uint32_t frame_bytes_max);
void chunk_pool_fini(struct chunk_pool *pool);
/* A chunk of at least this class that can hold n bytes; NULL: no memory. */
struct chunk *chunk_get(struct chunk_pool *pool, uint32_t class_min, size_t n);
/* On the owner's thread. */
void chunk_put(struct chunk *chunk);
/* From any thread; the form that libzmq calls. */
void chunk_release(void *data, void *chunk);

/* ---- conn.c: the table of connections */

enum conn_state {
    CONN_FREE,
    CONN_GREETING, /* authenticated, has not said hello */
    CONN_OPEN,
    CONN_ENDED,    /* was open; waits to be reported */
    CONN_SHUT,     /* ignored until it is silent: sent too much rubbish, or its key is gone */
};

/* Lists that a connection can be in. */
enum conn_list {
    LIST_DIRTY,   /* something to send */
    LIST_BLOCKED, /* something to send, and libzmq would not take it */
    LIST_ENDED,   /* to be reported */
    CONN_LISTS,
};

struct conn {
    enum conn_state state;
    uint32_t handle;
    uint32_t routing_id;
    uint8_t key[NET_KEY_BYTES];
    char user_id[USER_ID_CHARS];
    struct net_peer peer;
    int64_t last_seen_us;
    uint32_t malformed;
    bool shut_after;      /* CONN_ENDED becomes CONN_SHUT, not CONN_FREE */
    const char *why;      /* CONN_ENDED */
    uint16_t older, newer;       /* by last_seen_us */
    uint16_t id_next, key_next;  /* hash chains */
    uint16_t free_next;
    uint16_t list_at[CONN_LISTS]; /* where it is in each list; 0: not in it */
    uint8_t class_hint;   /* how big its last frame was */
    struct chunk *out_head, *out_tail;
    uint32_t out_bytes, out_records;
};

/* Slots are numbered from 1; 0 is "none". */
struct conn_table {
    struct conn *slots;
    uint32_t cap;         /* slots[1 .. cap] */
    uint32_t used;        /* slots that were ever used: 1 .. used */
    uint32_t live;
    uint16_t free_first, free_last; /* first in, first out: handles are reused late */
    uint16_t oldest, newest;
    uint32_t bucket_mask;
    uint16_t *by_id;
    uint16_t *by_key;
    uint16_t *lists[CONN_LISTS]; /* slots, from index 1 */
    uint32_t list_n[CONN_LISTS];
};

bool conn_table_init(struct conn_table *table, uint32_t cap);
void conn_table_fini(struct conn_table *table);
struct conn *conn_by_id(struct conn_table *table, uint32_t routing_id);
struct conn *conn_by_handle(const struct conn_table *table, uint32_t handle); /* NULL: ended */
/* How many connections this key has, and the one of them that is silent for longest. */
uint32_t conn_count_of_key(struct conn_table *table, const uint8_t key[NET_KEY_BYTES], struct conn **out_oldest);
struct conn *conn_new(struct conn_table *table, uint32_t routing_id, const uint8_t key[NET_KEY_BYTES]); /* NULL: full */
void conn_free(struct conn_table *table, struct conn *conn);
void conn_touch(struct conn_table *table, struct conn *conn, int64_t now_us);
void conn_list_add(struct conn_table *table, enum conn_list list, struct conn *conn);    /* twice is once */
void conn_list_remove(struct conn_table *table, enum conn_list list, struct conn *conn); /* absent is fine */

static inline struct conn *
conn_list_last(const struct conn_table *table, enum conn_list list)
{
    return table->list_n[list] ? &table->slots[table->lists[list][table->list_n[list]]] : NULL;
}

static inline uint16_t
conn_slot(const struct conn *conn)
{
    return (uint16_t)(conn->handle & 0xffffu);
}

/* ---- net */

struct net {
    struct net_options options;
    void *context;
    void *router;
    void *zap;
    int router_fd, zap_fd;
    char endpoints[NET_ENDPOINTS_MAX][NET_ENDPOINT_BYTES];
    struct conn_table conns;
    struct chunk_pool chunks;
    struct proto_buf scratch;     /* records that this room writes */
    int64_t retry_at_us;          /* for the blocked ones */
    uint32_t retry_cursor;
    int64_t now_us;               /* of the running net_next or net_flush */

    zmq_msg_t frame;              /* the frame that is being read */
    bool frame_held;
    uint32_t frame_conn;          /* handle */
    const uint8_t *frame_at;
    size_t frame_left;
    uint32_t frame_records;
    struct proto_record record;   /* the one that was handed out */
    struct net_stats stats;
};

/* socket.c */
enum net_status socket_open(struct net *net, char error[NET_ERROR_BYTES]);

/* zap.c */
enum net_status zap_open(struct net *net, char error[NET_ERROR_BYTES]);
void zap_serve(struct net *net); /* answers the handshakes that wait */

/* gate.c: frames come in, and whose they are */
bool gate_receive(struct net *net); /* false: none waits. True: one was read; there may be records of it now */
void gate_release(struct net *net);

/* talk.c: what is said about the connection itself */
bool talk_next(struct net *net, struct net_input *out_input); /* the next record of the frame that is meant for the caller */
void talk_malformed(struct net *net, struct conn *conn, enum proto_refusal_code code, const char *message);
void talk_refuse(struct net *net, struct conn *conn, uint64_t re, enum proto_refusal_code code, struct proto_str path,
                 const char *message);
/* To a peer without a connection, if it can be sent at once. */
void talk_refuse_stranger(struct net *net, zmq_msg_t *routing_id, enum proto_refusal_code code, const char *path,
                          const char *message);
/* Refuse once more, say bye, and hear nothing more from it. */
void talk_shut(struct net *net, struct conn *conn, enum proto_refusal_code code, const char *path, const char *message);
void talk_bye(struct net *net, struct conn *conn, const char *why);

/* outbox.c */
enum outbox_result {
    OUTBOX_EMPTY,   /* all of it is with libzmq */
    OUTBOX_BLOCKED, /* the peer is slow */
    OUTBOX_GONE,    /* there is no such peer any more */
};

void outbox_append(struct net *net, struct conn *conn, const struct proto_bin *parts, uint32_t part_count, uint32_t records);
void outbox_clear(struct conn *conn);
enum outbox_result outbox_push(struct net *net, struct conn *conn);
void outbox_flush(struct net *net); /* everybody's */

/* net.c: the connection is over; reported if its hello was */
void net_end(struct net *net, struct conn *conn, const char *why, bool shut_after);

#endif
