/*
 * The requester's side: submit, follow, read, cancel.
 *
 * Every call with a timeout blocks until its answer is there; events that come meanwhile are kept for qiao_next_event.
 * Results common to all of them: a refusal (see qiao_last_refusal), QIAO_ARGUMENT, QIAO_NO_MEMORY, QIAO_FULL (too many
 * events are waiting to be taken), QIAO_UNREACHABLE (never sent: no connection in time), QIAO_CLOSED, and when the time is over after
 * it was sent: QIAO_TIMEOUT for calls that only read, QIAO_UNCERTAIN for calls that change something.
 */
#ifndef QIAO_REQUESTER_H
#define QIAO_REQUESTER_H

#include <qiao/client.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What is asked for. All but service may be zero. Everything is copied before the call returns. */
struct qiao_submission {
    const char *service;
    const char *key;            /* the caller's own key: the same request even after this program restarted */
    struct qiao_bytes input;    /* encoded map, from qiao_map_bytes */
    struct qiao_bytes body;     /* opaque */
    enum qiao_priority priority;
    const char *performer;      /* directed to this party ... */
    enum qiao_fallback fallback;/* ... and to whom when it does not take it */
    const char *const *exclude; /* parties that must not perform it */
    size_t exclude_count;
    const char *const *prefer;  /* parties in order of preference */
    size_t prefer_count;
    struct qiao_bytes require;  /* encoded list of [attribute, op, value]; see qiao_list_new */
    int64_t not_before;
    int64_t complete_by;
    struct qiao_place place;    /* of the requester, for the policy nearest */
    uint32_t cost;              /* declared cost, for fair share; 0: 1 */
    const char *subject;        /* FHIR Task.for: product, batch, sample */
    const char *note;
    const char *based_on;
    const char *traceparent;
    enum qiao_notify notify;    /* which events this connection is sent; 0: the outcome and what needs attention */
    bool track;                 /* keep the tag until the outcome came, and find the outcome even if the connection breaks */
};

/*
 * Hand over a request and wait until the broker has it on disk.
 *
 * After QIAO_OK the request survives a crash of the broker and out_receipt->id names it; after anything else
 * *out_receipt is untouched. Its texts are valid until the next call on this client.
 *
 * QIAO_RETRY_LATER  the service's line is full or drained; nothing was stored
 * QIAO_CONFLICT     the key was used for another content; the refusal's id names that request
 * QIAO_UNCERTAIN    the answer never came. With a key of one's own, submitting the same again is safe and settles it,
 *                   from any process; without one, the client goes on repeating this submission while it is open
 *                   (window permitting), and its answer then comes as a QIAO_EVENT_ANSWER with tag NULL.
 */
QIAO_API QIAO_NODISCARD enum qiao_status qiao_submit(struct qiao_client *client,
                                                     const struct qiao_submission *submission, int64_t timeout_us,
                                                     struct qiao_receipt *out_receipt);

/*
 * Begin to hand over a request: returns at once; the answer comes as QIAO_EVENT_ANSWER with this tag. Submissions leave
 * in order, packed into frames. Until it is answered the client keeps the bytes and repeats them after a reconnect.
 *
 * QIAO_FULL  the window is full; nothing was begun: take events, then try again
 */
QIAO_API QIAO_NODISCARD enum qiao_status qiao_submit_begin(struct qiao_client *client,
                                                           const struct qiao_submission *submission, void *tag);

/* ------------------------------------------------------------- rows */

struct qiao_transition {
    uint64_t seq;
    int64_t at;
    qiao_id task;
    enum qiao_task_status was;
    enum qiao_task_status status;
    enum qiao_reason reason;
    uint32_t attempt;
    const char *event;
    const char *business_status;
    const char *party; /* who acted */
    const char *member;
    const char *message;
};

/* One request, as it is shown. */
struct qiao_request {
    qiao_id id;
    qiao_id task; /* the live or last one */
    uint64_t fence; /* shown to its performer and to operators */
    const char *service;
    enum qiao_task_status status;
    enum qiao_reason reason;
    enum qiao_priority priority;
    const char *business_status;
    const char *outcome;
    const char *requester;
    const char *performer;
    const char *member; /* of the performer */
    const char *verifier; /* another member of it, who verified the result; "" nobody */
    int64_t verified_on;
    const char *subject;
    const char *key;
    const char *message;
    int64_t authored_on;
    int64_t last_modified;
    int64_t not_before;
    int64_t complete_by;
    uint32_t attempt;
    double progress;
    struct qiao_money charge;
    uint64_t seq;
    uint64_t output_seq;
    uint32_t body_bytes;
    struct qiao_bytes input;  /* encoded maps; n is 0 where not asked for */
    struct qiao_bytes output;
    const struct qiao_transition *trail;
    size_t trail_count;
};

/* One field of a service type. */
struct qiao_field {
    const char *name;
    const char *type; /* string integer decimal number boolean date time money list map */
    const char *unit;
    const char *items;
    const char *doc;
    bool required;
    bool confirmed; /* an attribute: counts only when the operator confirmed it for the party */
    bool has_min;
    bool has_max;
    double min;
    double max;
    const char *const *choices; /* enum */
    size_t choice_count;
};

struct qiao_service {
    const char *service;
    const char *title;
    const char *title_zh;
    const char *category;
    const char *description;
    enum qiao_pattern pattern;
    enum qiao_tenure tenure;
    enum qiao_policy policy;
    bool verify; /* a second member of the provider must verify the result */
    uint32_t attempts;
    int64_t accept_by_us; /* durations; 0 none */
    int64_t start_by_us;
    int64_t attempt_us;
    int64_t complete_by_us;
    const struct qiao_field *input;
    size_t input_count;
    const struct qiao_field *output;
    size_t output_count;
    const struct qiao_field *attributes;
    size_t attribute_count;
    const char *currency; /* of prices that the policy cheapest compares */
    const char *const *outcomes; /* that a result may have; none: any */
    size_t outcome_count;
};

/* Explain: one provider, and why it does or does not match. */
struct qiao_candidate {
    const char *party;
    bool matches;
    const char *why;
    uint32_t free;
    uint32_t running;
};

struct qiao_queue {
    const char *service;
    uint64_t depth;
    int64_t oldest_us;
    uint64_t running;
    uint64_t held;
    uint32_t providers;
    uint64_t free;
    uint64_t unmatched; /* waiting without any capable provider */
    uint64_t finished;
    bool paused;
    bool draining;
};

struct qiao_worker {
    const char *party;
    const char *member;
    const char *service;
    const char *worker;
    uint32_t capacity;
    uint32_t running;
    uint32_t credit;
    int64_t since;
    int64_t last_seen;
    bool paused;
};

struct qiao_stat {
    const char *name;
    double value;
    const char *unit;
    const char *help;
};

struct qiao_party {
    const char *party;
    const char *title;
    const char *const *roles;
    size_t role_count;
    const char *const *services;
    size_t service_count;
    const char *member;
    uint8_t key[32];
    bool has_key;
    bool revoked;
    int64_t expires;
    struct qiao_bytes attributes;
    uint64_t open;
    uint64_t quota;
};

enum qiao_page_kind {
    QIAO_PAGE_REQUEST = 1,
    QIAO_PAGE_SERVICE = 2,
    QIAO_PAGE_CANDIDATE = 3,
    QIAO_PAGE_QUEUE = 4,
    QIAO_PAGE_WORKER = 5,
    QIAO_PAGE_STAT = 6,
    QIAO_PAGE_PARTY = 7,
    QIAO_PAGE_TASK = 8, /* rows are struct qiao_request too */
};

/* Rows that were read. Belongs to the caller, with everything it points to, until qiao_page_free. */
struct qiao_page {
    enum qiao_page_kind kind;
    size_t count;
    union {
        const struct qiao_request *requests;
        const struct qiao_service *services;
        const struct qiao_candidate *candidates;
        const struct qiao_queue *queues;
        const struct qiao_worker *workers;
        const struct qiao_stat *stats;
        const struct qiao_party *parties;
    };
    const char *next;        /* give it as `after` to read on; "" at the end */
    struct qiao_bytes body;  /* qiao_get with QIAO_WITH_OUTPUT */
    uint64_t position;       /* explain: tasks ahead of it */
    int64_t estimate_us;     /* explain: until it is likely to start; -1 unknown */
    const char *message;
    enum qiao_task_status status; /* explain */
    enum qiao_reason reason;
};

/* Free a page and null the pointer; a null pointer in it is fine. */
QIAO_API void qiao_page_free(struct qiao_page **page_p);

/* ------------------------------------------------------------- reading */

#define QIAO_WITH_TRAIL 1u
#define QIAO_WITH_OUTPUT 2u /* output map, and its body as the page's body */
#define QIAO_WITH_INPUT 4u

/* One request as a page with one row. `with` is an or of QIAO_WITH_. */
QIAO_API QIAO_NODISCARD enum qiao_status qiao_get(struct qiao_client *client, qiao_id id, unsigned with,
                                                  int64_t timeout_us, struct qiao_page **out_page);

struct qiao_list_query {
    enum qiao_scope scope; /* 0: requests of this party */
    const enum qiao_task_status *status;
    size_t status_count;
    const char *service;
    const char *party;
    int64_t since;
    int64_t until;
    const char *after; /* cursor: the `next` of the page before */
    uint32_t limit;
    bool finished; /* finished ones too */
};

/* Newest first; open ones, then finished ones. A page may be empty and still have a `next`. */
QIAO_API QIAO_NODISCARD enum qiao_status qiao_list(struct qiao_client *client, const struct qiao_list_query *query,
                                                   int64_t timeout_us, struct qiao_page **out_page);

/*
 * Wait for a request's end: a page as of qiao_get with QIAO_WITH_OUTPUT. Works for any request of this party, whoever
 * submitted it and however often the connection breaks meanwhile. With `attention` it also returns when the request
 * needs somebody: on-hold, or asked back (see the row's status, reason and business status).
 * QIAO_TIMEOUT: not yet; also when a signal was handled.
 */
QIAO_API QIAO_NODISCARD enum qiao_status qiao_await(struct qiao_client *client, qiao_id id, bool attention,
                                                    int64_t timeout_us, struct qiao_page **out_page);

/*
 * Follow events: all of this party's requests (or tasks, or everything, by scope), or one request, from behind `seq`.
 * They come as QIAO_EVENT_CHANGE with watch = *out_watch. Nothing is skipped, not even by a reconnect or a slow reader: the broker
 * sends as many as were taken. At most 16 at once.
 */
struct qiao_watch_query {
    enum qiao_scope scope; /* 0: requests of this party */
    uint64_t seq;          /* events above this one; 0: as far back as the journal reaches */
    qiao_id id;            /* 0: of all */
    uint32_t credit;       /* events under way at most; 0: 1,024 */
};
QIAO_API QIAO_NODISCARD enum qiao_status qiao_watch_begin(struct qiao_client *client,
                                                          const struct qiao_watch_query *query, uint64_t *out_watch);
QIAO_API enum qiao_status qiao_watch_end(struct qiao_client *client, uint64_t watch);

/* Why a request is where it is: candidates as rows, position, estimate, message. */
QIAO_API QIAO_NODISCARD enum qiao_status qiao_explain(struct qiao_client *client, qiao_id id, int64_t timeout_us,
                                                      struct qiao_page **out_page);

/* The catalogue: all services without their fields, or one with them. */
QIAO_API QIAO_NODISCARD enum qiao_status qiao_services(struct qiao_client *client, const char *service,
                                                       const char *after, int64_t timeout_us,
                                                       struct qiao_page **out_page);

/* ------------------------------------------------------------- acting */

/*
 * Call a request off. receipt.status says what came of it: cancelled at once, or still in-progress: the provider is
 * asked to stop, and a later event tells whether it agreed. out_receipt may be NULL here and below.
 */
QIAO_API QIAO_NODISCARD enum qiao_status qiao_cancel(struct qiao_client *client, qiao_id id, const char *message,
                                                     int64_t timeout_us, struct qiao_receipt *out_receipt);

/* Answer a provider that asked back. message, input and body may be absent. */
QIAO_API QIAO_NODISCARD enum qiao_status qiao_reply(struct qiao_client *client, qiao_id id, const char *message,
                                                    struct qiao_bytes input, struct qiao_bytes body,
                                                    int64_t timeout_us, struct qiao_receipt *out_receipt);

/* End an own request that nobody works at: waiting, or on-hold with its attempts exhausted. */
QIAO_API QIAO_NODISCARD enum qiao_status qiao_close_request(struct qiao_client *client, qiao_id id,
                                                            const char *message, int64_t timeout_us,
                                                            struct qiao_receipt *out_receipt);

#ifdef __cplusplus
}
#endif
#endif
