/*
 * The types of the core, in reading order. No functions but the ones that find an item by its number.
 *
 * Marked [durable]: written by apply only, in snapshots and in the digest. The rest is connection state or derived, and
 * starts empty.
 */
#ifndef CORE_STATE_H
#define CORE_STATE_H

#include "core/attribute.h"
#include "core/constraint.h"
#include "core/core.h"
#include "core/input_check.h"
#include "core/table.h"

enum {
    NAME_BYTES = 64,
    LEVELS = 4,            /* priorities */
    TASKS_MAX = 63,        /* of a request: ids between two requests' */
    REQUEST_STRIDE = 64,
    STATUSES = 16,
    AVOID_MAX = 8,         /* providers that declined and are asked again only when nobody else is there */
    PARTIES_HARD = 65535,  /* 16 bits of a request name one */
    COST_MAX = 65535,
    RELEASES_HARD = 255,
    DIRECTED_SECONDS = 3600, /* to take a directed task that may fall back, where the terms set no limit */
    GROUPS_PER_LOOK = 64,  /* groups that are looked at when an offer has room; the rest follows in the next call */
};

struct name {
    uint8_t n;
    char text[NAME_BYTES];
};

/* ------------------------------------------------------------- parties */

struct party {
    uint64_t tag;     /* of its name: by this wishes name parties, whether they are known yet or not */
    struct name name; /* [durable] down to quota */
    char title[128];
    uint8_t title_n;
    bool paused;
    bool draining;
    bool revoked;
    uint32_t roles; /* bits 1 << PROTO_ROLE_* */
    uint8_t *services; /* encoded list of patterns that it may perform */
    uint32_t services_n;
    uint8_t *attributes; /* encoded map, confirmed by the operator */
    uint32_t attributes_n;
    uint64_t quota; /* open requests; 0: the default */

    struct list mine; /* its requests, newest first: by mine_next, mine_prev */
    uint32_t open;    /* of them not finished */
    uint32_t kept_keys;
    struct list producers; /* least recently used first */
    struct list offers;
    uint32_t members;         /* first key, by member.next */
    uint32_t providers;       /* first, by provider.next */
    uint32_t watch_requester; /* first watch */
    uint32_t watch_performer;
    uint32_t finger;          /* in `mine`, near where a page of `list` ended; 0: at its front */
    bool recalling; /* in core.recall_head's list: its tasks are looked through */
    uint32_t recall_next;
};

/* One key of a member. The same member (party and name) may have several: rotation. */
struct member {
    uint32_t party; /* [durable] all */
    struct name name;
    uint8_t key[32];
    enum core_member_state state;
    int64_t expires_us;
    uint32_t next; /* of the same party */
};

/* ------------------------------------------------------------- services and terms */

/* What a service type promised when a request was accepted. */
struct terms {
    uint32_t number; /* [durable] down to age_us */
    uint32_t service;
    enum proto_tenure tenure;
    enum proto_policy policy;
    bool verify;
    bool complete_by_fails;
    uint32_t attempts;
    uint32_t releases_max;
    int64_t accept_by_us;
    int64_t start_by_us;
    int64_t attempt_us;
    int64_t lease_us;
    int64_t backoff_us;
    int64_t backoff_max_us;
    int64_t age_us;

    uint32_t groups;      /* that use them */
    uint32_t plain_group; /* the group without any wishes, while it exists */
};

struct service {
    struct name name; /* [durable] down to draining */
    bool paused;
    bool draining;

    uint32_t terms;                  /* current ones; 0: not in the catalogue now */
    const struct service_type *type; /* in the current catalogue; NULL: not in it */
    uint32_t *offers;                /* that cover it, in order of arrival */
    uint32_t offer_count;
    uint32_t offer_cap;
    uint32_t version;      /* rises when offers or what they say change */
    struct list groups;    /* with waiting tasks, and not known to be without a candidate */
    struct list unmatched; /* with waiting tasks and no candidate, as of `version` */
    uint32_t avoiding;     /* groups that wait and avoid somebody: other offers' coming and going matters to them */
    uint64_t vtime;        /* of fair sharing */
    uint32_t waiting;
    uint32_t running;
    uint32_t held;
    uint64_t finished;   /* since start */
    int64_t duration_us; /* exponential average from assignment to completion; 0: unknown */
};

/* ------------------------------------------------------------- groups of waiting tasks */

/* What a request wants of its performer, resolved to numbers. Requests that want the same share a group. */
struct wishes {
    uint32_t terms;
    bool fallback;     /* directed, and anybody else if that party does not take it */
    bool located;
    uint8_t exclude_n, prefer_n, avoid_n;
    uint64_t directed; /* party (its tag); 0: nobody in particular */
    uint64_t exclude[PROTO_SUBMIT_EXCLUDE_MAX]; /* sorted */
    uint64_t prefer[PROTO_SUBMIT_PREFER_MAX];   /* in the requester's order */
    uint64_t avoid[AVOID_MAX];                  /* sorted; declined before */
    int32_t latitude_e4, longitude_e4;          /* only where the policy is nearest */
    struct proto_bin require;                   /* canonical */
};

struct level {
    uint32_t *flows; /* a heap: least start tag first */
    uint32_t n;
    uint32_t cap;
};

enum group_place { GROUP_RESTS, GROUP_WAITS, GROUP_UNMATCHED, GROUP_IDLE };

struct group {
    struct wishes wishes; /* require points into `key` */
    uint8_t *key;         /* the wishes as bytes: what makes two groups the same */
    uint32_t key_n;
    uint32_t service;
    uint32_t flows;
    uint32_t waiting;
    struct level levels[LEVELS];
    uint64_t *candidates; /* a bit per position in service.offers */
    uint32_t candidate_words;
    uint32_t candidate_count;
    uint32_t version; /* of the service, when candidates were found */
    uint32_t room_seen; /* core.room_version when nobody had room */
    enum group_place place;
    uint32_t next, prev; /* in service.groups, service.unmatched or core.idle_groups */
};

/* The tasks of one requester in one group. */
struct flow {
    uint32_t group;
    uint32_t requester;
    uint32_t share;
    uint32_t open; /* requests of the core that belong here, finished ones too */
    uint32_t waiting;
    uint32_t counts[LEVELS];
    uint32_t heads[LEVELS];
    uint32_t tails[LEVELS];
    uint32_t at[LEVELS];   /* position in the level's heap, from 1; 0: not in */
    uint64_t keys[LEVELS]; /* start tag as of when it was put there; share.start may have risen since */
    uint32_t next, prev;   /* in core.idle_flows while open is 0 */
};

/* What one requester has had of one service: start-time fair queueing over all its flows. */
struct share {
    uint32_t service;
    uint32_t requester;
    uint64_t start;   /* start tag of its next task */
    uint64_t running; /* cost of its tasks in progress */
    uint32_t waiting;
    uint32_t flows;
};

/* ------------------------------------------------------------- requests */

enum place {
    PLACE_NONE,     /* draft, held before it was assigned, exhausted */
    PLACE_QUEUE,    /* waits for a performer */
    PLACE_BOUND,    /* a performer has it and knows it, or a lost lease runs out */
    PLACE_ORPHAN,   /* owned by a party; no connection of it was told, or that one is gone */
    PLACE_VERIFY,   /* waits for a second member of its performer */
    PLACE_FINISHED, /* until history has it */
};

enum {
    FLAG_EXHAUSTED = 1 << 0,   /* its last task is over and none follows */
    FLAG_FAILED = 1 << 1,      /* the request failed, whatever became of its task */
    FLAG_NOT_BEFORE = 1 << 2,  /* a draft that waits for not-before */
    FLAG_ASKED = 1 << 3,       /* on hold until the requester replies */
    FLAG_ABORT = 1 << 4,       /* the performer was asked to stop */
    FLAG_VERIFY = 1 << 5,      /* its result waits to be verified */
    FLAG_OVERDUE = 1 << 6,     /* complete-by has passed and was told */
    FLAG_KEY = 1 << 7,         /* came with a caller's key */
    FLAG_BY_OPERATOR = 1 << 8, /* held by an operator */
    FLAG_CANCELLED = 1 << 10,  /* the request was cancelled, whatever became of its task */
    FLAG_REPLIED = 1 << 11,    /* output_seq names the requester's last reply */
    FLAG_CLOCKS = 1 << 9,      /* due_us and until_us are what is left, not when */
};

/*
 * A request and its live (or last) task: two cache lines of 64 bytes, the numbers of 64 bits and all the rest. A pool's chunks begin
 * on a page, so no request lies across a third.
 */
struct request {
    uint64_t id;           /* [durable] down to notify, but not shown */
    uint64_t accepted_seq; /* the event that holds input and body */
    uint64_t last_seq;
    uint64_t fence;         /* of the last assignment */
    int64_t authored_us;
    int64_t due_us;         /* next limit of the task, UTC; 0: none */
    int64_t complete_by_us; /* UTC; what is left while asked; 0: none */
    union {
        int64_t until_us;    /* accepted: end of the attempt */
        uint64_t output_seq; /* FLAG_VERIFY: the event that holds the result; FLAG_REPLIED: that holds the reply */
    };

    uint32_t flow;       /* names group, terms, service and requester */
    uint32_t member;     /* of the performer, who works at it or did */
    uint32_t business;   /* interned text */
    uint32_t modified_s; /* seconds after authored_us */
    uint16_t performer;  /* party; 0: none */
    uint16_t former;     /* party that lost it last */
    uint16_t progress_e4; /* ten-thousandths */
    uint16_t cost;
    uint16_t flags : 12; /* FLAG_* */
    uint16_t shown : 4;  /* request status as counted */
    uint8_t status : 4;  /* of the task: written by task_status_set only */
    uint8_t resume : 4;  /* on-hold: the task's status before */
    uint8_t reason;      /* of the request's status */
    uint8_t ordinal;     /* which task */
    uint8_t attempt;
    uint8_t releases;
    uint8_t priority : 3; /* PROTO_PRIORITY_* */
    uint8_t notify : 2;   /* PROTO_NOTIFY_* */

    uint8_t place : 3; /* enum place: which list next and prev are in */
    uint32_t next, prev;
    uint32_t mine_next, mine_prev;
    uint32_t offer; /* bound to; 0: none */
    uint32_t conn;  /* that submitted it */
    uint32_t timer_utc, timer_mono; /* positions in the heaps, from 1; 0: not in */
};

struct timer {
    int64_t at_us;
    uint32_t order; /* breaks ties: earlier set, earlier fired */
    uint32_t request;
};

enum clock { CLOCK_UTC, CLOCK_MONO, CLOCKS };

struct timers {
    struct timer *heap;
    uint32_t n;
    uint32_t cap;
};

/* ------------------------------------------------------------- kept keys */

struct kept_key {
    uint8_t hash[16]; /* [durable] all: of requester, service and key */
    uint8_t digest[16];
    uint64_t request;
    int64_t until_us;
    uint32_t requester;
    uint32_t next, prev; /* in core.kept: in the order in which they were kept */
};

enum { PRODUCER_WINDOW = 8192, PRODUCER_ROOM_MIN = 8 };

struct producer_entry {
    uint64_t digest;
    uint64_t request; /* 0: nothing was accepted under this number */
};

/* The library's own keys: rising numbers, of which a window is remembered. Number p lies in entries[p % room]. */
struct producer {
    uint32_t party; /* [durable] down to entries */
    uint64_t producer;
    uint64_t top;      /* highest number that was accepted */
    uint64_t used_seq; /* of its last accepted event */
    uint64_t lowest; /* that was accepted */
    struct producer_entry *entries;
    uint32_t room; /* grows to PRODUCER_WINDOW; numbers up to top - room are below it */
    uint32_t next, prev; /* in party.producers */
};

/* ------------------------------------------------------------- connections */

struct connection {
    uint32_t handle; /* 0: nobody */
    uint32_t member;
    uint32_t party;
    uint32_t offers; /* first, by offer.next */
    uint32_t offer_count;
    uint32_t watches; /* first, by watch.next */
    uint32_t watch_count;
    int64_t since_us;
    int64_t seen_us;
};

struct offer {
    uint32_t conn; /* handle */
    uint32_t party;
    uint32_t member;
    struct name pattern;
    struct name worker;
    uint32_t capacity;
    uint32_t credit;
    uint32_t running; /* tasks bound to it */
    uint32_t order;   /* of arrival */
    bool located;
    double latitude, longitude;
    int64_t price;
    uint8_t *attributes;
    uint32_t attributes_n;
    uint32_t *services; /* that it covers, by rising number */
    uint32_t service_count;
    char currency[4];
    bool has_price;
    bool verify; /* takes only results of other members to verify */
    bool hungry; /* in core.hungry: has room, and there may be work that was not looked at yet */
    uint32_t hungry_next;
    uint32_t looked; /* groups looked at in vain since something was assigned to it */
    uint32_t next;   /* of the same connection */
    uint32_t party_next, party_prev;
};

/* One party at one service: the tasks that it has. */
struct provider {
    uint32_t party;
    uint32_t service;
    struct list bound;
    struct list orphans;
    struct list verify;
    uint32_t next; /* of the same party */
};

struct watch {
    uint32_t conn;
    uint64_t re;
    enum proto_scope scope;
    uint32_t party;
    uint64_t id;   /* only of this request; 0: of all */
    uint64_t seq;  /* everything up to here was shown or did not match */
    uint32_t credit;
    bool live;     /* sees events as they are decided */
    bool asked;    /* a WATCH effect is with the shell */
    uint32_t next; /* of the same connection */
    uint32_t scope_next, scope_prev;
    uint32_t generation;
};

/* Text that comes and goes with requests. */
struct text {
    uint32_t refs;
    struct name name;
};

/* ------------------------------------------------------------- the whole */

struct core {
    struct core_settings settings;
    struct catalogue *catalogue;

    uint64_t seq; /* [durable] down to recovered */
    uint64_t id_last;
    uint64_t fence_last;
    uint32_t terms_last; /* highest number */
    int64_t expired_to_us; /* keys that ended before are gone */
    uint64_t snapshot_seq; /* of the snapshot that replay began with: it tells all keys and producers as of then */
    uint8_t catalogue_digest[CATALOGUE_DIGEST_BYTES];

    bool recovered;
    int64_t started_us; /* UTC at the end of recovery: ids and fences are higher, however far back the journal ends (D7) */
    uint32_t pressure;

    struct pool parties, members, services, terms, groups, flows, shares, requests, keys, producers, offers, providers,
        watches, texts;
    struct index party_by_name, member_by_key, member_by_name, service_by_name, terms_by_number, group_by_key, flow_by_pair,
        share_by_pair, request_by_id, key_by_hash, producer_by_pair, provider_by_pair, text_by_name;
    struct connection *connections; /* by slot */

    struct list finished;    /* by rising terminal sequence */
    uint32_t finished_finger; /* near where a page of `list` ended; 0: at the newest */
    uint64_t projected;      /* history has everything up to there */
    struct list idle_groups; /* without requests, oldest first; kept to be used again */
    struct list idle_flows;
    struct list kept; /* keys */
    uint32_t hungry_head, hungry_tail;
    uint32_t recall_head;
    uint32_t watch_all;
    uint32_t watch_generation;
    uint32_t offer_order;
    uint32_t room_version; /* rises when an offer gets room */
    struct timers timers[CLOCKS];
    uint32_t timer_order;
    uint32_t by_status[STATUSES]; /* requests in the core */
    uint32_t moves;               /* in the call in hand */

    struct core_stats stats;
    core_trace_fn *trace;
    void *trace_arg;
    int64_t trace_start_us;
    uint64_t trace_first_id;
};

#define ITEM(type, table)                                                                                               \
    static inline struct type *type##_at(const struct core *core, uint32_t item)                                        \
    {                                                                                                                   \
        return pool_at(&core->table, item);                                                                             \
    }
ITEM(party, parties)
ITEM(member, members)
ITEM(service, services)
ITEM(terms, terms)
ITEM(group, groups)
ITEM(flow, flows)
ITEM(share, shares)
ITEM(request, requests)
ITEM(kept_key, keys)
ITEM(producer, producers)
ITEM(offer, offers)
ITEM(provider, providers)
ITEM(watch, watches)
ITEM(text, texts)
#undef ITEM

static_assert(sizeof(struct request) == 128, "two cache lines; a queued request costs at most 140 bytes in all tables");
static_assert(offsetof(struct request, flow) == 64, "the numbers of 64 bits fill the first");

static inline struct proto_str
name_str(const struct name *name)
{
    return (struct proto_str){name->text, name->n};
}

/* Names come checked against the schema's limits. */
static inline void
name_set(struct name *name, struct proto_str text)
{
    assert(text.n <= NAME_BYTES);
    name->n = (uint8_t)text.n;
    if (text.n > 0) {
        memcpy(name->text, text.p, text.n);
    }
}

static inline struct group *
request_group(const struct core *core, const struct request *request)
{
    return group_at(core, flow_at(core, request->flow)->group);
}

static inline struct terms *
request_terms(const struct core *core, const struct request *request)
{
    return terms_at(core, request_group(core, request)->wishes.terms);
}

static inline struct service *
request_service(const struct core *core, const struct request *request)
{
    return service_at(core, request_group(core, request)->service);
}

static inline uint32_t
request_requester(const struct core *core, const struct request *request)
{
    return flow_at(core, request->flow)->requester;
}

#endif
