/*
 * A connection to a broker, seen from a program: open, wait, take events, close.
 *
 * A client object belongs to one thread at a time and has no thread of its own (libzmq runs an I/O thread under it); it
 * does its work (sending, receiving, heartbeats, renewing leases, reconnecting) inside the calls that are made on it. A
 * program that holds leased tasks must therefore come back here, or to any call, well within the lease. Several clients
 * in one process do not know of each other; nothing is global.
 *
 * Three ways to use it:
 *   - blocking calls with a timeout (qiao_submit, qiao_get, ...): simple programs need nothing else;
 *   - qiao_..._begin calls and qiao_next_event: many calls under way at once. What is begun is packed into frames by
 *     itself and leaves when the caller waits, or by qiao_flush;
 *   - an event loop: poll qiao_fd for reading; when it is ready, call qiao_next_event with timeout 0 until it says
 *     QIAO_TIMEOUT.
 *
 * When the connection is lost the client looks for the broker again by itself, with growing, jittered pauses; then it
 * says hello, offers and watches again and repeats, byte for byte, what was not yet answered. A program learns of it
 * through QIAO_EVENT_DISCONNECTED and QIAO_EVENT_CONNECTED and may ignore both.
 *
 * Texts in what a call fills in are never NULL and end with a NUL.
 */
#ifndef QIAO_CLIENT_H
#define QIAO_CLIENT_H

#include <qiao/context.h>
#include <qiao/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct qiao_client;

/* All zero is a good choice. */
struct qiao_options {
    const char *program;        /* name and version of the program, shown to operators; at most 64 bytes */
    uint32_t window;            /* calls under way at most, acts and others each; 0: 2,048; at most 4,096 */
    uint32_t tracked_max;       /* tracked requests at most (see qiao_submission.track); 0: 65,536 */
    size_t backlog_bytes_max;   /* events kept while blocking calls wait; 0: 16 MiB */
    int64_t connect_timeout_us; /* how long qiao_client_open waits for a welcome; 0: 5 s; negative: forever */
    bool open_lazily;           /* qiao_client_open does not wait for the broker */
    bool no_packing;            /* one record a frame: for measuring what packing is worth */
    int64_t flush_every;        /* records after which a frame leaves at once although nobody waits; 0: 256 */
};

/*
 * Open a client for this context and say hello. After QIAO_OK *out_client must be closed with qiao_client_close.
 *
 * QIAO_UNREACHABLE  nobody answered in time: no broker, or it does not know the key (a broker gives no reason)
 * QIAO_FORBIDDEN    the key is revoked
 * QIAO_CONFLICT     the broker's journal ends before something it once told this context: its store lost records
 * QIAO_CONTEXT      the context cannot be used: no endpoint, half a key pair, an expired invitation
 */
QIAO_API QIAO_NODISCARD enum qiao_status qiao_client_open(const struct qiao_context *context,
                                                          const struct qiao_options *options,
                                                          struct qiao_client **out_client);

/* qiao_context_load(name) and qiao_client_open in one. */
QIAO_API QIAO_NODISCARD enum qiao_status qiao_client_open_context(const char *name, const struct qiao_options *options,
                                                                  struct qiao_client **out_client,
                                                                  struct qiao_context_error *out_error);

/*
 * Send what is ready, say goodbye, free everything, null the pointer. Waits at most linger_us for what is still to be
 * sent. Tasks that are held stay held: owned ones belong to the party, leased ones return when their lease ends.
 */
QIAO_API void qiao_client_close(struct qiao_client **client_p, int64_t linger_us);

/* Who the broker says we are, and what it allows. Filled at the first welcome; until then empty and zero. */
struct qiao_session {
    const char *server; /* program and version */
    const char *party;
    const char *member;
    uint32_t roles; /* 1 << 0 requester, 1 performer, 2 operator, 3 observer */
    uint32_t shard;
    uint64_t epoch;
    uint64_t seq;   /* highest sequence this client was told */
    int64_t heartbeat_us;
    uint32_t frame_bytes_max;
    uint32_t body_bytes_max;
    uint32_t input_bytes_max;
    bool connected;
    uint32_t reconnects;
};
/* Valid until the client is closed; it changes under calls on the client. */
QIAO_API const struct qiao_session *qiao_session(const struct qiao_client *client);

/*
 * For event loops: readable when a call on this client has something to do, timers included. Edge-like: always take
 * events until QIAO_TIMEOUT before polling (again). Belongs to the client; do not read or close it.
 */
QIAO_API int qiao_fd(struct qiao_client *client);

/* Send what is ready, read what has come, keep heartbeats, leases and the connection. Never waits. Events stay queued. */
QIAO_API enum qiao_status qiao_process(struct qiao_client *client);

/* The same, but wait until something was read or the time is over: QIAO_OK when qiao_next_event may have something. A
 * signal that was handled meanwhile ends the wait early with QIAO_TIMEOUT, here and wherever a call only waits
 * (qiao_next_event, qiao_next_task, qiao_await); a call that asked something goes on waiting for its answer. */
QIAO_API enum qiao_status qiao_wait(struct qiao_client *client, int64_t timeout_us);

/* Hand what was begun to the network now. */
QIAO_API enum qiao_status qiao_flush(struct qiao_client *client);

/* Calls begun and not yet answered; tracked requests whose outcome has not come. */
QIAO_API uint32_t qiao_in_flight(const struct qiao_client *client);
QIAO_API uint32_t qiao_tracked(const struct qiao_client *client);

/* ------------------------------------------------------------- refusals and receipts */

/* The broker's no. */
struct qiao_refusal {
    enum qiao_status code;
    const char *message;
    const char *path;       /* invalid: the field, such as "input.units" */
    int64_t retry_after_us; /* retry-later */
    qiao_id id;             /* conflict: the first request */
    enum qiao_task_status status;
};

/* Of the last call on this client that ended in a refusal; code QIAO_OK when there was none. Valid until the next call. */
QIAO_API const struct qiao_refusal *qiao_last_refusal(const struct qiao_client *client);

/* The broker's yes: done, and on disk. */
struct qiao_receipt {
    qiao_id id;
    qiao_id task;
    enum qiao_task_status status;
    uint64_t seq;
    bool duplicate; /* this was known already: the first one counts */
    const char *message;
    const char *business_status;
};

/* ------------------------------------------------------------- events */

enum qiao_event_kind {
    QIAO_EVENT_ANSWER = 1,   /* to a ..._begin call: .answer */
    QIAO_EVENT_CHANGE,       /* something happened to a request: .change */
    QIAO_EVENT_TASK,         /* work: .task */
    QIAO_EVENT_ABORT,        /* the requester asks to stop a task: .notice; answer with qiao_accept_abort / _refuse_abort */
    QIAO_EVENT_WITHDRAW,     /* a task is no longer ours under that fence: .notice; stop working on it */
    QIAO_EVENT_CONNECTED,    /* the broker welcomed us again */
    QIAO_EVENT_DISCONNECTED, /* no sign of the broker; the client goes on trying */
    QIAO_EVENT_WATCH_ENDED,  /* the broker refused or ended a watch: .answer, .watch */
    QIAO_EVENT_OFFER_ENDED,  /* the broker refused an offer when it was made again: .answer; tag: none */
};

struct qiao_answer {
    enum qiao_status status;     /* QIAO_OK: receipt; 1..31: refusal; QIAO_UNCERTAIN: see qiao_status */
    struct qiao_receipt receipt;
    struct qiao_refusal refusal;
    bool repeated;               /* it was sent more than once, because the connection was lost in between */
};

/* One event of a request. `event` is the journal's word for it, such as "accepted", "assigned", "progressed". */
struct qiao_change {
    qiao_id id;
    uint64_t seq;
    int64_t at;
    enum qiao_task_status was;
    enum qiao_task_status status;
    enum qiao_reason reason;
    const char *event;
    const char *business_status;
    const char *outcome;
    const char *service;
    const char *requester;
    const char *performer;
    const char *member;
    uint32_t attempt;
    double progress;      /* 0..1 */
    int64_t remaining_us; /* 0: not said */
    const char *message;
    struct qiao_money charge;
    struct qiao_bytes output; /* encoded map, see qiao/map.h */
    struct qiao_bytes body;
    struct qiao_bytes fields; /* encoded list: the input fields that a performer asks for */
};

/* Work for this performer. `status` says what is sought. */
struct qiao_task {
    qiao_id task;
    uint64_t fence; /* goes back with every record about the task */
    qiao_id request;
    enum qiao_task_kind kind;
    enum qiao_task_status status; /* requested: accept or reject; in-progress: do it; other: it is ours already */
    enum qiao_tenure tenure;
    enum qiao_priority priority;
    uint32_t attempt;
    int64_t lease_us;    /* 0 for owned tasks; the client renews by itself */
    int64_t deadline;    /* end of this attempt, UTC; 0 none */
    int64_t complete_by;
    const char *service;
    const char *requester;
    const char *subject;
    const char *note;
    const char *traceparent;
    const char *business_status; /* "to_be_verified": somebody else of the provider must qiao_verify it */
    const char *message;
    bool reply;              /* input and body are the requester's reply to an ask */
    struct qiao_bytes input; /* encoded map */
    struct qiao_bytes body;
    struct qiao_bytes output; /* of a result that is to be verified */
    uint64_t seq;
};

struct qiao_notice {
    qiao_id task;
    uint64_t fence;
    enum qiao_reason reason;
    enum qiao_task_status status;
    const char *message;
};

struct qiao_event {
    enum qiao_event_kind kind;
    void *tag;      /* ANSWER: of the ..._begin call; CHANGE: of the tracked submission, else NULL */
    uint64_t watch; /* CHANGE: the watch that it came through, 0: because we submitted it */
    union {
        struct qiao_answer answer;
        struct qiao_change change;
        struct qiao_task task;
        struct qiao_notice notice;
    };
};

/*
 * The next event, waiting for it at most that long. Everything that *out_event points to stays valid until the next
 * qiao_next_event or qiao_next_task on this client; other calls in between are fine.
 *
 * QIAO_TIMEOUT  none came, or a signal was handled
 * QIAO_CLOSED   the broker ended the connection for good (the key was revoked, the protocol broken): close the client
 */
QIAO_API QIAO_NODISCARD enum qiao_status qiao_next_event(struct qiao_client *client, int64_t timeout_us,
                                                         struct qiao_event *out_event);

#ifdef __cplusplus
}
#endif
#endif
