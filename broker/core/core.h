/*
 * The core: what the broker decides. A pure state machine.
 *
 *     core_decide(core, now, input, out)   appends events (facts) and effects (what shall leave) to out
 *     core_apply (core, seq, event, n)     the only writer of durable state; recovery is a fold of it over the journal
 *     core_render(core, out, effect, ...)  an effect as the bytes of a record, when it may leave
 *
 * It knows no socket, no disk, no clock, no thread and no chance: time comes in, bytes go out. It holds neither bodies nor
 * input maps; it names the event that has them by its sequence, and the shell reads it back from the store.
 *
 * Durable state (requests, parties, keys, pauses, terms) is written by apply only. Connection state (offers, credit,
 * watches, ends of leases) is written by decide only, is never journaled and starts empty.
 *
 * Nothing in an effect may leave before effect.seq is durable. Not for two threads.
 */
#ifndef CORE_CORE_H
#define CORE_CORE_H

#include "core/catalogue.h"
#include "proto/codec.h"

struct core;

/* The time of an input. Leases run on the first, business deadlines on the second. */
struct core_now {
    int64_t mono_us;
    int64_t utc_us;
};

/* Who did not care to set a field gets the default (core_settings_init). */
struct core_settings {
    uint32_t shard;                   /* 0..255, in every request id */
    uint32_t requests_max;            /* open ones */
    uint32_t finished_max;            /* finished ones that history does not have yet; at it nothing new is accepted, what is open may end */
    uint32_t requests_per_party_max;  /* default quota of open requests; a party may have its own */
    uint32_t parties_max;             /* at most 65,535 */
    uint32_t members_max;             /* keys, revoked ones included */
    uint32_t connections_max;         /* at most 65,535: the low 16 bits of a conn are a dense slot, 0 to this */
    uint32_t offers_max;              /* of all connections */
    uint32_t offers_per_connection_max;
    uint32_t watches_max;
    uint32_t watches_per_connection_max;
    uint32_t groups_max;              /* distinct sets of terms, constraints, direction, exclusions */
    uint32_t flows_max;               /* (group, requester) pairs that have open requests */
    uint32_t terms_max;               /* distinct terms of services that open requests were accepted under */
    uint32_t keys_max;                /* kept caller's keys of all parties */
    uint32_t keys_per_party_max;
    uint32_t producers_per_party_max; /* the idlest gives way */
    uint32_t producers_max;
    uint32_t names_bytes_max;         /* text of all names and business statuses */
    int64_t key_retention_us;         /* 7 days */
    int64_t retry_after_us;           /* hint in retry-later */
    uint32_t moves_per_call_max;      /* assignments and timers per core_decide; the rest follows at once */
    uint32_t rows_scanned_max;        /* per list */
    uint64_t seed;                    /* of table hashes: chance that peers cannot know; changes nothing that is decided */
};

void core_settings_init(struct core_settings *settings);

/* A new, empty core; NULL only when there is no memory. Copies the settings. */
struct core *core_new(const struct core_settings *settings);
void core_destroy(struct core **core_p);

/* ------------------------------------------------------------- input */

enum core_input_kind {
    CORE_RECORD,       /* conn, member, record: of a connected peer; hello, ping and bye are not for the core */
    CORE_CONNECTED,    /* conn, member */
    CORE_DISCONNECTED, /* conn */
    CORE_TICK,         /* core_next_deadline has come; harmless at any time */
    CORE_PROJECTED,    /* seq: history holds every finished request up to there: forget them */
    CORE_PRESSURE,     /* pressure: bits of enum core_pressure; until it is said again */
    CORE_CATALOGUE,    /* catalogue: sealed; the core takes its own reference. Refused (see out->refused) only over a cap */
    CORE_RECOVERED,    /* replay is over: timers are armed, leases get a full term. Exactly once, before any record */
    CORE_BOOTSTRAP,    /* first: makes the first operator's party and member if there is no operator yet, else nothing */
};

enum core_pressure {
    CORE_PRESSURE_HISTORY = 1, /* history lags over its cap */
    CORE_PRESSURE_DISK = 2,    /* disk over its high mark */
    CORE_PRESSURE_STOPPING = 4 /* the broker is about to stop */
};

struct core_bootstrap {
    struct proto_str party;
    struct proto_str title;
    struct proto_str member;
    uint8_t key[32];
    bool plain_requester_performer; /* also requester and performer of everything: for plain-text trial set-ups */
};

struct core_input {
    enum core_input_kind kind;
    uint32_t conn;   /* net's handle: low 16 bits a dense slot, high 16 bits a generation, never 0 */
    uint32_t member; /* index from core_member_by_key; looked up again by the shell at each frame */
    uint32_t pressure;
    uint64_t seq;
    const struct proto_record *record; /* borrowed for the call */
    struct catalogue *catalogue;
    const struct core_bootstrap *first;
};

/* ------------------------------------------------------------- output */

enum core_effect_kind {
    /* Rendered by core_render. source and source2, where not 0, are sequences of events that it wants to see. */
    CORE_SEND,    /* a whole record, already encoded: out->bytes + offset, bytes long. Needs no rendering */
    CORE_RECEIPT, /* no source */
    CORE_TASK,    /* source: the accepted event; source2: the reply or result that goes with it, or 0 */
    CORE_EVENT,   /* source: that event; source2: the event that holds its output, or 0 */
    /* Asked of the store by the shell, then rendered. */
    CORE_DETAIL,   /* get of an open request: walk back from `source` by prev, then core_render_detail */
    CORE_FINISHED, /* request `id` is not (or no longer) in the core: find its events in history, then core_render_finished */
    CORE_LIST,     /* list: rows that want what their events say: core_listed_begin */
    CORE_HISTORY,  /* list of finished requests: the query is a struct core_query at out->bytes + offset */
    /* For the shell itself. */
    CORE_WATCH, /* `watch` wants to read events after `source`: core_watch_feed */
    CORE_CLOSE, /* say bye to conn and end it */
    CORE_RELOAD /* load the catalogue again; answer conn/re with a receipt, or a refusal (invalid, path = file:line) */
};

/* What a FINISHED effect is to become. */
enum core_want {
    CORE_WANT_GET = 1,       /* page with one request row (for get) */
    CORE_WANT_RESUBMIT,      /* receipt duplicate=true, and the terminal event again if it was asked for */
    CORE_WANT_PERFORMED,     /* a performer's record about a finished task: receipt, conflict or not-found */
    CORE_WANT_REQUESTED      /* a requester's or operator's record about a finished request: receipt, conflict or not-found */
};

struct core_effect {
    uint64_t seq; /* may leave once this sequence is durable */
    uint64_t source;
    uint64_t source2;
    uint64_t re; /* number of the record that this answers; 0: none */
    uint64_t id; /* request or task */
    uint64_t fence; /* receipts: last sequence of the request */
    int64_t due_us;
    int64_t until_us;
    uint32_t conn;
    uint32_t offset; /* into out->bytes */
    uint32_t bytes;
    uint32_t watch;
    uint32_t party; /* who looks */
    uint32_t roles;    /* of who looks, bits 1 << PROTO_ROLE_* */
    uint8_t kind;      /* enum core_effect_kind */
    uint8_t status;    /* enum proto_status */
    uint8_t want;      /* enum core_want */
    uint8_t record;    /* enum proto_type that is answered (FINISHED) */
    uint8_t attempt;
    uint8_t task;  /* ordinal of the request's task */
    uint8_t flags; /* core's own */
};

/*
 * What one or more calls of core_decide gave. The shell owns it, usually one per batch: effects and bytes must stay as they
 * are until the effects have left. events: each event is u32 little-endian length, then its encoding; the first has
 * sequence first_seq, the others follow without a gap.
 */
struct core_out {
    struct proto_buf events;
    uint32_t event_count;
    uint64_t first_seq;
    struct proto_buf bytes;
    struct core_effect *effects;
    uint32_t effect_count;
    uint32_t effect_cap;
    const char *refused; /* CORE_CATALOGUE: why the core keeps the old one; a constant text, or NULL */
};

void core_out_init(struct core_out *out);
void core_out_fini(struct core_out *out);
void core_out_reset(struct core_out *out); /* empty; keeps the memory */

/*
 * Handle one input. Appends to out; never removes. One call gives at most a few events more than
 * settings.moves_per_call_max; when there is more to do, core_next_deadline is "now".
 */
void core_decide(struct core *core, struct core_now now, const struct core_input *input, struct core_out *out);

/*
 * When core_decide(TICK) wants to be called, on the monotonic clock; now.mono_us or less: at once; INT64_MAX: never. UTC
 * deadlines are converted with this `now`, so ask again at least once a second if the wall clock may jump.
 */
int64_t core_next_deadline(const struct core *core, struct core_now now);

/* ------------------------------------------------------------- recovery, snapshot */

enum core_applied {
    CORE_APPLIED,
    CORE_APPLIED_BEFORE, /* an event that this state already holds: nothing changed (open table and batches may overlap) */
    CORE_APPLY_DAMAGED,  /* does not decode, or does not follow from what came before: refuse to serve (D6) */
    CORE_APPLY_FULL      /* more open requests, parties ... than the settings allow: raise the cap */
};

/*
 * Replay one event of the journal: its encoding and its sequence. Order: snapshot events (seq 0), events of the `open`
 * table by sequence, then the batches after the mark. *out_error may be NULL.
 */
enum core_applied core_apply(struct core *core, uint64_t seq, const uint8_t *p, size_t n, struct proto_error *out_error);

/* The last sequence that was applied. After recovery the next event gets this plus one. */
uint64_t core_seq(const struct core *core);
/* For a journal whose tail holds nothing to replay: the next event gets seq + 1. Before CORE_RECOVERED only. */
void core_seq_set(struct core *core, uint64_t seq);

/*
 * Encode all durable state that is not in an open request's own events (parties, members, pauses, terms, kept keys,
 * producer windows, high-water marks) as events, in the layout of core_out.events. Applying them again, even over newer
 * state that is replayed afterwards, is harmless. False: out of room in buf; buf is as it was. *out_count: how many.
 */
bool core_snapshot(const struct core *core, struct proto_buf *buf, uint32_t *out_count);

/* Is it in the core: open, or finished and not yet said to be in history? */
bool core_request_is_open(const struct core *core, uint64_t id);

/* BLAKE2b-256 of the durable state in a defined order (D5). Costs a walk over everything. */
void core_digest(const struct core *core, uint8_t out_digest[32]);

/* ------------------------------------------------------------- rendering */

/*
 * Append the record(s) of a SEND, RECEIPT, TASK or EVENT effect to buf. `source` and `source2` are the encodings of the events
 * that the effect names (n = 0 where it names none); both must be valid at the same time. `out` is the one that the
 * effect came in. False: it does not fit into buf, which is as it was, or a source does not decode.
 */
bool core_render(const struct core *core, const struct core_out *out, const struct core_effect *effect,
                 struct proto_bin source, struct proto_bin source2, struct proto_buf *buf);

enum { CORE_DETAIL_EVENTS_MAX = 512 };

/*
 * The answer to a get. `events` are encodings of the request's events, oldest first, with their sequences: at most
 * CORE_DETAIL_EVENTS_MAX. If there are more, the oldest ones after the first (the accepted event, sequence effect.source2)
 * are left out.
 */
bool core_render_detail(const struct core *core, const struct core_effect *effect, const struct proto_bin *events,
                        const uint64_t *seqs, uint32_t count, struct proto_buf *buf);

/* The same for a FINISHED effect, from the request's whole trail in history; count 0: history does not know it (not-found). */
bool core_render_finished(const struct core *core, const struct core_effect *effect, const struct proto_bin *events,
                          const uint64_t *seqs, uint32_t count, struct proto_buf *buf);

/* A list of finished requests, for the store's history. Texts are NUL-terminated; empty: no such filter. */
struct core_query {
    enum proto_scope scope; /* requester: party is the requester; performer: the performer; all: party is either, or empty */
    char party[PROTO_LIST_PARTY_MAX + 1];
    char other[PROTO_LIST_PARTY_MAX + 1];     /* is requester or performer too: look at the rows for it */
    char service[PROTO_LIST_SERVICE_MAX + 1]; /* a name, or prefix.* */
    uint32_t statuses; /* bits 1 << status; 0: any */
    int64_t since_us;  /* accepted at or after; 0: none */
    int64_t until_us;  /* accepted before; 0: none. Both: look at the rows for it */
    char after[PROTO_LIST_AFTER_MAX + 1]; /* the store's own cursor, empty: from the newest */
    uint32_t limit;
    uint64_t seq_max;  /* leave out rows whose terminal event is above it: the core shows those itself */
};

/* The query of a HISTORY effect. */
void core_effect_query(const struct core_out *out, const struct core_effect *effect, struct core_query *out_query);

/* Is it a row that such a query wants, as far as the store does not see to it: other, since, until? */
bool core_query_takes(const struct core_query *query, const struct proto_request *row);

/* Take out of a row what lists leave to `get`, and what this viewer may not see. */
void core_row_trim(const struct core *core, const struct core_effect *effect, struct proto_request *row);

/* The rows of a LIST effect, one after the other. They live in the effect's bytes: copy those to keep them. */
struct core_listed {
    const uint8_t *p;
    uint32_t n, offset;
    uint32_t count;
    char next[PROTO_PAGE_NEXT_MAX + 1]; /* the page's cursor */
    uint64_t id;
    uint64_t seqs[3]; /* of the events that this row wants to see, in order; 0: not that one */
    struct proto_bin row;
};

bool core_listed_begin(const struct core_out *out, const struct core_effect *effect, struct core_listed *out_list);
bool core_listed_of(const uint8_t *p, uint32_t n, struct core_listed *out_list); /* the effect's bytes, copied */
bool core_listed_next(struct core_listed *list); /* false: that was the last */

/* Append the row, encoded. `events` are the ones that it wants to see; none: what they say is left out. */
bool core_listed_render(const struct core *core, const struct core_effect *effect, const struct core_listed *list,
                        const struct proto_bin *events, uint32_t count, struct proto_buf *rows);

/*
 * Fold one event of a request into the row that shows it; start with a zero row and the oldest event. Texts, maps point into
 * the event's bytes. A terminal event alone gives a row without what only the accepted event says (subject, key ...).
 */
void core_row_fold(struct proto_request *row, uint64_t seq, const struct proto_event *event);

/* Append a page. rows: `count` encoded maps one after the other (proto_struct_encode). `next` is the cursor; empty: the end. */
bool core_page_render(struct proto_buf *buf, uint64_t re, enum proto_page_kind kind, struct proto_bin rows,
                      uint32_t count, struct proto_str next);

/* A cursor of the history's list as the wire carries it: the core tells its own from the store's by a first letter. */
void core_history_cursor(struct proto_str store_cursor, char out_text[PROTO_LIST_AFTER_MAX + 1]);

/* ------------------------------------------------------------- watches that catch up */

enum core_feed {
    CORE_FEED_MORE, /* go on with the next sequence */
    CORE_FEED_WAIT, /* out of credit: stop; a new WATCH effect comes with new credit */
    CORE_FEED_LIVE, /* caught up: it goes on by itself */
    CORE_FEED_GONE  /* the watch or its connection has ended */
};

/* The first sequence that a watch has not seen; 0: the watch is gone. */
uint64_t core_watch_next(const struct core *core, uint32_t watch);

/*
 * Show a watch the event `seq` (it may lie in the batch that fills). Sequences come in order without a gap, but events of the
 * store's `open` table and pruned parts of the journal may be jumped over: then say the sequence that really comes next.
 * May append an EVENT effect whose source is seq, and its own sequence as effect.seq.
 */
enum core_feed core_watch_feed(struct core *core, uint32_t watch, uint64_t seq, struct proto_bin event,
                               struct core_out *out);

/* ------------------------------------------------------------- parties and members */

enum core_member_state { CORE_MEMBER_ACTIVE = 1, CORE_MEMBER_INVITED, CORE_MEMBER_REVOKED };

/* What net needs to know of a key, and the shell for `welcome`. Texts live as long as the core. */
struct core_member_info {
    uint32_t member;
    uint32_t party;
    struct proto_str party_name;
    struct proto_str member_name;
    enum core_member_state state;
    uint32_t roles; /* bits 1 << PROTO_ROLE_* */
    int64_t expires_us; /* of an invitation; 0: none */
};

/*
 * Who has this CURVE key? False: nobody, revoked, party revoked, or an invitation that has expired. For the ZAP handler and
 * for every frame. The index stays the same for the life of the process.
 */
bool core_member_by_key(const struct core *core, const uint8_t key[32], int64_t utc_us, struct core_member_info *out_info);
bool core_member_by_name(const struct core *core, struct proto_str party, struct proto_str member,
                         struct core_member_info *out_info);
bool core_member_info(const struct core *core, uint32_t member, struct core_member_info *out_info);
struct proto_str core_party_name(const struct core *core, uint32_t party);
bool core_has_operator(const struct core *core);

/* ------------------------------------------------------------- figures, trace */

struct core_stats {
    uint64_t accepted, duplicates, refused; /* since start */
    uint64_t assigned, completed, failed, cancelled, exhausted, lease_expired;
    uint32_t open, waiting, running, held, finished_kept; /* now */
    uint32_t offers, watches, connections, groups, parties, kept_keys, producers;
    uint64_t bytes; /* memory of all tables */
};

void core_stats(const struct core *core, struct core_stats *out_stats);

/*
 * One line per transition of a task, such as
 *     "30.000 #1 in-progress -> ready  lease of p1 ran out"
 * (seconds since the first, request by order of acceptance since start). For scenes, and for a debug log. NULL: none.
 */
typedef void core_trace_fn(void *arg, const char *line);
void core_trace(struct core *core, core_trace_fn *trace, void *arg);

#endif
