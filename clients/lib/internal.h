/*
 * What a client object is made of. Read it in this order: wire (socket and packing), calls (what awaits an answer),
 * arrivals (what a received record means), session (hello, heartbeat, reconnecting), then the sides.
 *
 * Rules that hold everywhere:
 *   - a record that was received is booked at once (book.c), whoever reads it; whether it is delivered to the caller is
 *     another matter: it is filled into an event at once, or kept as a node of the backlog;
 *   - only what the broker welcomed us for is sent: before that, calls wait in their slots;
 *   - nothing is allocated per record in the steady state. What is allocated per frame is libzmq's message.
 */
#ifndef QIAOI_INTERNAL_H
#define QIAOI_INTERNAL_H

#include <assert.h>
#include <zmq.h>

#include <qiao/qiao.h>

#include "lib/context.h"
#include "lib/table.h"
#include "proto/codec.h"
#include "proto/reader.h"
#include "proto/writer.h"

enum {
    QIAOI_OFFERS_MAX = 64,
    QIAOI_WATCHES_MAX = 16,
    QIAOI_WINDOW_DEFAULT = 2048,
    QIAOI_WINDOW_MAX = 4096,
    QIAOI_RESERVE = 64,           /* slots beyond the window, for blocking calls and the library's own */
    QIAOI_PSEQ_SPAN_MAX = 4096,   /* half of what the broker remembers of a producer */
    QIAOI_TRACKED_DEFAULT = 65536,
    QIAOI_HELD_MAX = 1048576,
    QIAOI_RENEW_ROWS = 1024,
    QIAOI_LOG_CHUNK_BYTES = 262144,
    QIAOI_TEXT_BYTES = 65,
};

/* ------------------------------------------------------------- wire.c */

/* The socket and the frame that is being filled. Knows no record's meaning. */
struct qiaoi_wire {
    void *zmq;
    void *socket;  /* NULL while down */
    void *monitor;
    struct proto_buf out;
    uint32_t out_records;
    uint32_t flush_every;
    uint32_t frame_bytes_max;
    uint32_t records_max;
    uint64_t frames_sent, records_sent, frames_read, records_read;
};

enum qiaoi_wire_news { QIAOI_NEWS_NONE, QIAOI_NEWS_LOST, QIAOI_NEWS_DENIED };

enum qiao_status qiaoi_wire_init(struct qiaoi_wire *wire, const struct qiao_options *options);
void qiaoi_wire_fini(struct qiaoi_wire *wire, int64_t linger_us);
enum qiao_status qiaoi_wire_connect(struct qiaoi_wire *wire, const struct qiao_context *context);
void qiaoi_wire_disconnect(struct qiaoi_wire *wire, int64_t linger_us);
/* Append one encoded record; a frame that would grow too large leaves first. False: no memory, or the socket is gone. */
bool qiaoi_wire_put(struct qiaoi_wire *wire, const uint8_t *p, size_t n);
/*
 * The two halves of qiaoi_wire_put_record, for who needs to see the bytes in between: they stand at *out_at.
 * QIAO_ARGUMENT: no such record, or larger than a frame; QIAO_NO_MEMORY; QIAO_CLOSED: what stood before it could not leave.
 */
enum qiao_status qiaoi_wire_encode(struct qiaoi_wire *wire, const struct proto_record *record, size_t *out_at);
bool qiaoi_wire_added(struct qiaoi_wire *wire);
bool qiaoi_wire_put_record(struct qiaoi_wire *wire, const struct proto_record *record);
bool qiaoi_wire_flush(struct qiaoi_wire *wire);
/* True: *frame (initialised, empty) holds a frame. */
bool qiaoi_wire_read(struct qiaoi_wire *wire, zmq_msg_t *frame);
enum qiaoi_wire_news qiaoi_wire_news(struct qiaoi_wire *wire);
bool qiaoi_wire_readable(struct qiaoi_wire *wire);
/* Until something can be read or happened, or the time is over. False: a signal came. */
bool qiaoi_wire_wait(struct qiaoi_wire *wire, int64_t timeout_us);

/* ------------------------------------------------------------- log.c: bytes of records that may have to be repeated */

struct qiaoi_chunk {
    struct qiaoi_chunk *next;
    uint32_t live;
    uint32_t used;
    uint32_t size;
    uint8_t bytes[];
};

struct qiaoi_log {
    struct qiaoi_chunk *current;
    struct qiaoi_chunk *free;
};

/* A copy that stays until qiaoi_log_release; NULL: no memory. */
const uint8_t *qiaoi_log_keep(struct qiaoi_log *log, const uint8_t *p, size_t n, struct qiaoi_chunk **out_chunk);
void qiaoi_log_release(struct qiaoi_log *log, struct qiaoi_chunk *chunk);
void qiaoi_log_fini(struct qiaoi_log *log);

/* ------------------------------------------------------------- calls.c: what awaits an answer */

enum qiaoi_call_kind {
    QIAOI_CALL_NONE,
    QIAOI_CALL_SUBMIT,
    QIAOI_CALL_ACT,
    QIAOI_CALL_OTHER,
    QIAOI_CALL_OFFER,
    QIAOI_CALL_RENEW,
};

/* What becomes of a call when the connection, or the caller's patience, ends before its answer. */
enum qiaoi_care {
    QIAOI_READ, /* repeated; forgotten at a timeout */
    QIAOI_SAFE, /* changes something, but twice is the same as once: repeated until it is answered */
    QIAOI_ONCE, /* changes something: never repeated; uncertain */
};

struct qiaoi_call {
    uint64_t n;   /* 0: free */
    void *tag;
    uint64_t key; /* SUBMIT: pseq, 0 with a caller's key; ACT, RENEW: task; OFFER: index */
    const uint8_t *bytes;
    struct qiaoi_chunk *chunk;
    uint32_t bytes_n;
    uint8_t kind;
    uint8_t act;      /* ACT: enum qiao_act_kind */
    uint8_t care;     /* enum qiaoi_care */
    bool sent;
    bool repeated;
    bool track;
    bool blocking;    /* a caller waits for it: the answer goes to client->answer, not into an event */
    bool silent;      /* nobody wants the answer */
    bool settles;     /* ACT: its task is over for us when it is answered well */
    uint64_t fence;
};

struct qiaoi_calls {
    struct qiaoi_call *slots;
    uint32_t mask;
    uint32_t window;
    uint32_t in_flight;
    uint32_t acts;    /* of these, a performer's: they have a window of their own */
    uint64_t next;    /* number of the next call */
    uint64_t oldest;  /* no call below it is open */
    uint64_t producer;
    uint64_t pseq;    /* last one given */
    uint64_t pseq_oldest; /* no submission below it is open */
    uint64_t *pseq_open;  /* bits, QIAOI_PSEQ_SPAN_MAX of them */
    struct qiaoi_log log;
};

/* ------------------------------------------------------------- held.c, tracked tasks and requests */

struct qiaoi_held {
    qiao_id task;
    uint64_t fence;
    int64_t lease_us;   /* 0: none runs */
    int64_t renewed_us; /* monotonic */
    uint8_t offer;      /* index + 1; 0: none */
    bool settling;      /* a result is on its way */
    bool sent_again;    /* the connection is a new one: the broker may send this task again, which is no news */
    bool abort_asked;
    bool owned;         /* by the party: comes again on a new connection */
    bool on_hold;       /* as far as we were told */
};

struct qiaoi_offer {
    char service[QIAOI_TEXT_BYTES]; /* empty: free */
    uint8_t service_n;
    uint8_t prefix_n; /* of prefix.*: bytes before the star; else 0 */
    uint32_t capacity;
    uint32_t held;        /* held tasks that are not settling */
    uint32_t owned;       /* of these: that come again on a new connection */
    uint32_t outstanding; /* credit that the broker still has */
    struct proto_buf record; /* the encoded record, to be offered again */
};

struct qiaoi_watch {
    uint64_t handle; /* 0: free */
    uint64_t n;      /* number of the record that is in force */
    uint64_t seq;    /* last one delivered */
    qiao_id id;
    uint32_t credit;
    uint32_t taken;
    uint8_t scope;
    bool internal;   /* for tracked requests after a reconnect */
};

/* ------------------------------------------------------------- events that wait */

struct qiaoi_node {
    struct qiaoi_node *next;
    struct proto_record record;
    struct qiao_event event;
    size_t n;
    uint8_t bytes[];
};

/* What a booked record is to the caller. */
struct qiaoi_arrival {
    enum qiao_event_kind kind; /* 0: nothing */
    void *tag;
    uint64_t watch;
    bool repeated;
};

enum qiaoi_state { QIAOI_DOWN, QIAOI_GREETING, QIAOI_UP, QIAOI_ENDED };

struct qiaoi_loop {
    int epoll;
    int timer;
    bool used; /* somebody asked for the descriptor */
};

struct qiao_client {
    struct qiao_context context;
    char program[QIAOI_TEXT_BYTES];
    struct qiaoi_wire wire;
    struct qiaoi_calls calls;

    /* session.c */
    enum qiaoi_state state;
    enum qiao_status ended; /* why, in state ENDED */
    struct qiao_session session;
    char server[QIAOI_TEXT_BYTES], party[QIAOI_TEXT_BYTES], member[QIAOI_TEXT_BYTES];
    struct qiaoi_witness witness;
    struct qiaoi_witness witness_saved;
    int64_t now_us;     /* monotonic, of the last look at the clock */
    int64_t retry_at_us;
    int64_t pause_us;   /* of the next try */
    int64_t greet_until_us;
    int64_t heard_us, spoke_us, pinged_us;
    int64_t renew_at_us;
    int64_t drive_at_us; /* when qiaoi_session_drive has something to do */
    int64_t save_at_us;
    bool ever_up;

    /* receive.c */
    zmq_msg_t frame;
    bool has_frame;
    size_t frame_at;
    struct proto_record record; /* of the last event that was handed out from the frame */
    struct proto_record booked; /* the last one that was booked without that */
    struct proto_bin raw;       /* the bytes of the last one of both */
    const struct proto_record *event_record;
    struct qiaoi_node *backlog, **backlog_end;
    struct qiaoi_node *delivered; /* lives until the next event is taken */
    size_t backlog_bytes, backlog_bytes_max;

    /* a blocking call */
    uint64_t waiting_for; /* its number; 0: none, or answered */
    struct proto_buf answer_bytes;
    struct proto_record answer;
    enum qiao_status answer_status; /* QIAO_OK: `answer` is the broker's */
    struct qiao_refusal refusal;
    char refusal_text[512 + 1], refusal_path[256 + 1];
    struct proto_buf scratch; /* lists that are encoded for a record */

    /* performer */
    struct qiaoi_table held_at; /* task -> index into held */
    struct qiaoi_held *held;
    uint32_t held_cap, held_count;
    uint32_t *held_free;
    uint32_t held_free_n;
    struct qiaoi_offer offers[QIAOI_OFFERS_MAX];
    uint32_t offer_count;
    uint8_t offer_last;

    /* requester */
    struct qiaoi_table tracked; /* request -> tag */
    uint32_t tracked_max, tracking; /* tracked ones whose receipt has not come count too */
    struct qiaoi_watch watches[QIAOI_WATCHES_MAX + 1];
    uint64_t watch_handle;

    struct qiaoi_loop loop;
};

/* clock.c */
int64_t qiaoi_now_us(void);
int64_t qiaoi_deadline(int64_t now_us, int64_t timeout_us);

/* calls.c */
bool qiaoi_calls_init(struct qiaoi_calls *calls, uint32_t window);
void qiaoi_calls_fini(struct qiaoi_calls *calls);
/* A slot for the next number; NULL: full. `reserve`: may use what is kept back for blocking calls. */
struct qiaoi_call *qiaoi_call_take(struct qiaoi_calls *calls, enum qiaoi_call_kind kind, bool reserve);
struct qiaoi_call *qiaoi_call_find(struct qiaoi_calls *calls, uint64_t n);
void qiaoi_call_free(struct qiaoi_calls *calls, struct qiaoi_call *call);
/* The next number of the library's own keys; false: too many submissions are open. Its call must be freed with it. */
bool qiaoi_pseq_take(struct qiaoi_calls *calls, uint64_t *out_pseq);
/*
 * Encode the record under the call's number, keep its bytes, and send it if the broker welcomed us. On failure
 * the call is freed.
 */
enum qiao_status qiaoi_call_send(struct qiao_client *client, struct qiaoi_call *call, struct proto_record *record);
/*
 * After a welcome: everything below that number which may be repeated, in the order of its numbers; the rest is answered
 * QIAO_UNCERTAIN.
 */
void qiaoi_calls_repeat(struct qiao_client *client, uint64_t end);
/* The connection ended for good: every open call is answered with this. */
void qiaoi_calls_end(struct qiao_client *client, enum qiao_status status);
/* Take, send, wait: the whole of a blocking call. On QIAO_OK and refusals client->answer is the answer. */
enum qiao_status qiaoi_call_wait(struct qiao_client *client, struct qiaoi_call *call, struct proto_record *record,
                                 int64_t timeout_us);
enum qiao_status qiaoi_call_blocking(struct qiao_client *client, struct proto_record *record, enum qiaoi_care care,
                                     int64_t timeout_us);

/* session.c */
void qiaoi_session_drive(struct qiao_client *client); /* time passed: hello, heartbeat, renewals, reconnecting */
void qiaoi_session_lost(struct qiao_client *client);
void qiaoi_session_end(struct qiao_client *client, enum qiao_status status);
void qiaoi_session_welcome(struct qiao_client *client, const struct proto_record *record);
/* Wait for something to read or to do, at most until then. False: a signal was handled meanwhile. */
bool qiaoi_session_wait(struct qiao_client *client, int64_t until_us);
void qiaoi_session_save(struct qiao_client *client);
void qiaoi_session_seen(struct qiao_client *client, uint64_t seq);
void qiaoi_session_refused(struct qiao_client *client, const struct proto_record *record);

/* receive.c */
enum qiaoi_got { QIAOI_GOT_NOTHING, QIAOI_GOT_EVENT, QIAOI_GOT_ENDED };
/* Read until there is an event (delivered into *out_event), nothing more is there, or the session ended. */
enum qiaoi_got qiaoi_receive_event(struct qiao_client *client, struct qiao_event *out_event);
/* Read what is there; events go to the backlog. Ends early when the blocking call was answered. */
void qiaoi_receive_all(struct qiao_client *client);
/* An event that came from no record. False: no memory. */
bool qiaoi_event_push(struct qiao_client *client, const struct qiao_event *event);
/* Take one node out of the backlog; *at is then the next one. And all of one watch. */
void qiaoi_backlog_remove(struct qiao_client *client, struct qiaoi_node **at);
void qiaoi_backlog_remove_watch(struct qiao_client *client, uint64_t watch);
void qiaoi_receive_fini(struct qiao_client *client);

/* book.c */
struct qiaoi_arrival qiaoi_book(struct qiao_client *client, const struct proto_record *record);

/* fill.c: records as public structs. Puts a NUL behind each text, in place: see there */
const char *qiaoi_text(struct proto_str text);
void qiaoi_fill_receipt(const struct proto_record *record, struct qiao_receipt *out_receipt);
void qiaoi_fill_refusal(const struct proto_record *record, struct qiao_refusal *out_refusal);
void qiaoi_fill_event(const struct proto_record *record, const struct qiaoi_arrival *arrival,
                      struct qiao_event *out_event);

/* page.c */
enum qiao_status qiaoi_page_make(const struct proto_record *record, struct qiao_page **out_page);

/* requester.c */
enum qiao_status qiaoi_call_page(struct qiao_client *client, struct proto_record *record, int64_t timeout_us,
                                 struct qiao_page **out_page);
enum qiao_status qiaoi_call_receipt(struct qiao_client *client, struct proto_record *record, enum qiaoi_care care,
                                    int64_t timeout_us, struct qiao_receipt *out_receipt);
enum qiao_status qiaoi_refuse_argument(struct qiao_client *client, const char *path, const char *why);
/*
 * Up to two lists of texts as encoded lists. They live in client->scratch until the next use of it, which is long enough to
 * encode a record. An empty list is an absent one.
 */
bool qiaoi_strs_put(struct qiao_client *client, const char *const *a, size_t a_count, struct proto_bin *out_a,
                    const char *const *b, size_t b_count, struct proto_bin *out_b);

/* watch.c */
void qiaoi_watches_begin_again(struct qiao_client *client);
struct qiaoi_watch *qiaoi_watch_by_number(struct qiao_client *client, uint64_t n);
void qiaoi_watch_taken(struct qiao_client *client, struct qiaoi_watch *watch, uint64_t seq);
void qiaoi_tracked_settle(struct qiao_client *client);

/* held.c */
struct qiaoi_held *qiaoi_held_find(const struct qiao_client *client, qiao_id task);
void qiaoi_held_arrived(struct qiao_client *client, const struct proto_task *task);
void qiaoi_held_drop(struct qiao_client *client, qiao_id task, uint64_t fence);
void qiaoi_held_settling(struct qiao_client *client, qiao_id task, uint64_t fence, bool settling);
void qiaoi_held_renewed(struct qiao_client *client, qiao_id task, uint64_t fence);
void qiaoi_held_status(struct qiao_client *client, qiao_id task, uint64_t fence, enum proto_status status);
void qiaoi_held_lost(struct qiao_client *client, struct proto_bin lost);
void qiaoi_held_renew(struct qiao_client *client, bool all);
void qiaoi_held_fini(struct qiao_client *client);

/* offer.c */
uint8_t qiaoi_offer_of(struct qiao_client *client, struct proto_str service); /* index + 1; 0: none */
void qiaoi_offers_again(struct qiao_client *client);
void qiaoi_credit_put(struct qiao_client *client);
void qiaoi_credit_used(struct qiao_client *client, struct proto_str service); /* a task came for it */
void qiaoi_offers_fini(struct qiao_client *client);

/* loop.c */
bool qiaoi_loop_init(struct qiaoi_loop *loop);
void qiaoi_loop_fini(struct qiaoi_loop *loop);
void qiaoi_loop_socket(struct qiao_client *client, bool add);
void qiaoi_loop_arm(struct qiao_client *client);

static inline struct proto_str
qiaoi_str(const char *text)
{
    return proto_str_of(text);
}

static inline struct proto_bin
qiaoi_bin(struct qiao_bytes bytes)
{
    /* More than 4 GiB is over every limit, and stays so. */
    return (struct proto_bin){bytes.p, bytes.n > UINT32_MAX ? UINT32_MAX : (uint32_t)bytes.n};
}

#endif
