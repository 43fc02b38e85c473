/*
 * All types of the simulation, in reading order: what is known, the simulated store, broker, network and clients, and the whole.
 *
 * One world = one seed. The core, the event codec and the record codec are the real ones; the rest is here. Nothing reads
 * a clock or takes chance from elsewhere, so a seed always tells the same story.
 */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include <setjmp.h>
#include <stdlib.h>

#include "core/core.h"
#include "option.h"

enum {
    PARTIES_MAX = 16,
    SERVICES_MAX = 8,
    KEYS_MAX = 1024, /* CURVE keys, by number */
    CLIENTS_MAX = 60,
    CONNS_MAX = 128,
    TEXTS_MAX = 512, /* of callers' keys */
    TERMS_MAX = 8192, /* numbers */
    PENDING = 32,
    HELD = 24,
    WATCHES = 3,
    UNDO = 16384, /* events that a crash may take back: more are never undurable at a time */
    CLASSES_MAX = 2048, /* of tasks that wait for the same (fair.h); a power of two */
    NOBODY = 0xff,
    RETENTION_S = 2 * 86400, /* of callers' keys */
};

/* ------------------------------------------------------------- what the journal says (audit.h) */

struct party_state {
    bool known, paused, draining, revoked;
    uint8_t roles;
    uint16_t services; /* granted: bits */
};

struct key_state {
    uint8_t state; /* enum core_member_state; 0: unknown */
    uint8_t party, member;
    int64_t expires_us; /* of an invitation; 0: never */
};

struct service_state {
    bool paused, draining;
};

struct terms_state {
    uint8_t service;
    bool owned, verify, late_fails;
    uint32_t attempts, releases_max;
    int64_t lease_us;
};

/* Flags of a life. */
enum {
    LIFE_ASKED = 1,
    LIFE_ABORT = 2,
    LIFE_VERIFY = 4,
    LIFE_BY_OPERATOR = 8,
    LIFE_OVER = 16, /* its last task is over and none follows */
    LIFE_NOT_BEFORE = 32,
    LIFE_OVERDUE = 64,
    LIFE_EXHAUSTED = 128, /* and the fact was told */
};

/* One request, as its events tell it. */
struct life {
    uint64_t id; /* 0: taken back by a crash */
    uint64_t accepted_seq, last_seq, end_seq;
    uint64_t fence, assigned_seq;
    int64_t authored_us, due_us, until_us, complete_by_us, key_until_us;
    uint64_t wants; /* fair.h */
    uint32_t submission;
    uint32_t terms;
    uint16_t cost;
    uint16_t had; /* parties that performed it: bits */
    uint16_t exclude;
    uint8_t requester, performer, service, directed;
    uint8_t status, task_status, resume;
    uint8_t ordinal, attempt, releases, flags;
    uint8_t worker, variant;
    bool fallback, impossible;
};

/* One event of the journal. */
struct fact {
    uint64_t id, prev;
    size_t at; /* in the journal's bytes */
    uint32_t n;
    uint8_t type, status, task_status;
    uint8_t requester, performer;
    bool by_person; /* names who acted */
    bool group_end; /* last of its core_decide: where a batch may end */
};

enum undo_kind { UNDO_LIFE, UNDO_PARTY, UNDO_KEY, UNDO_SERVICE, UNDO_TERMS, UNDO_NOTHING };

struct undo {
    uint64_t fence_top;
    uint64_t sub_id; /* of an accepted event: what its submission had before */
    uint32_t index;
    uint8_t kind;
    uint8_t sub_variant;
    union {
        struct life life;
        struct party_state party;
        struct key_state key;
        struct service_state service;
        struct terms_state terms;
    };
};

struct id_slot {
    uint64_t id;
    uint32_t life;
};

struct audit {
    struct party_state parties[PARTIES_MAX];
    struct key_state keys[KEYS_MAX];
    struct service_state services[SERVICES_MAX];
    struct terms_state terms[TERMS_MAX];
    struct life *lives;
    int64_t *lease_us; /* by life: when its lease was renewed last, monotonic. Not of the journal */
    uint32_t life_count, life_cap;
    struct id_slot *ids;
    uint32_t id_cap;
    struct undo *undo;
    uint64_t fence_top;
    int64_t utc_top_us; /* the latest that the wall clock ever showed: keys are kept by it */
    uint32_t open, waiting, held, finished; /* finished: all that ever did */
    uint32_t finished_unprojected;
    struct fair_class *classes[CLASSES_MAX]; /* by what they want */
    uint16_t made[CLASSES_MAX];
    uint32_t class_count;
};

/* ------------------------------------------------------------- the simulated store */

struct journal {
    struct proto_buf bytes;
    struct fact *facts; /* by sequence, from 1 */
    uint64_t last, cap;
    uint64_t durable;
    uint64_t projected;
    uint64_t top; /* the highest `last` that ever was: the undo log reaches back from there */
    /* the mark: replay begins with the snapshot, then older events of requests open at the mark, then what follows */
    uint64_t mark, snapshot_seq;
    struct proto_buf snapshot;
};

/* A copy of the data directory. */
struct backup {
    bool taken;
    uint64_t seq, projected, mark, snapshot_seq;
    struct proto_buf snapshot;
};

/* ------------------------------------------------------------- the simulated shell */

struct outlet {
    struct core_out out;
    uint32_t next;
};

enum { ASKS_MAX = 256, FEEDS_MAX = 64 };

struct ask {
    struct core_effect effect;
    struct core_query query;
};

struct broker {
    struct core *core;
    struct core_settings settings;
    struct outlet outlets[2];
    struct outlet *filling, *leaving;
    uint64_t committing; /* the last sequence of the batch in commit; 0: none */
    uint64_t projected_told;
    struct ask asks[ASKS_MAX];
    uint32_t ask_count;
    uint32_t feeds[FEEDS_MAX];
    uint32_t feed_conns[FEEDS_MAX];
    uint32_t feed_count;
    uint32_t pressure;
    uint32_t variant; /* of the catalogue */
    uint64_t budget;  /* bytes that the core's tables may take */
    struct proto_buf render;
};

/* ------------------------------------------------------------- the simulated network */

struct message {
    struct message *next;
    uint64_t durable; /* what was durable when it left the broker */
    uint32_t n;
    uint8_t bytes[];
};

struct queue {
    struct message *head, *tail;
    uint32_t count;
};

struct conn {
    bool used, client_open, broker_open, greeted;
    bool clean; /* nothing was lost, doubled or swapped */
    uint8_t client;
    uint16_t generation;
    uint32_t key;
    struct queue up, down;
};

/* ------------------------------------------------------------- clients */

/* What one party asked for under one key. It survives everything: it is the clients' memory. */
struct submission {
    uint64_t id; /* what the journal has for it now; undone by crashes */
    uint64_t told_id;
    uint64_t seed; /* of its content */
    uint64_t pseq; /* 0: by key */
    int64_t not_before_us, complete_by_us;
    uint32_t text;
    uint8_t party, service, client, variant;
};

enum expect { EXPECT_ANYTHING, EXPECT_FOREIGN, EXPECT_ABSENT };

/* A record that a client sent and waits for. */
struct pending {
    uint64_t n;
    uint64_t id; /* request or task that it named */
    uint64_t fence;
    uint32_t submission;
    uint8_t type; /* enum proto_type */
    uint8_t variant;
    uint8_t expect;
    uint8_t extra; /* complete: it was told before that this very thing is done */
};

/* A task that a performer was told of, at any time. */
struct held {
    uint64_t task, fence;
    uint8_t status; /* as told */
    uint8_t service;
    bool to_verify, abort, lost;
    bool completed; /* told: completed */
    uint64_t result_seed;
};

struct watching {
    uint64_t n; /* 0: none */
    uint64_t seq;
    uint8_t scope;
    uint32_t credit;
    bool clean;
};

struct client {
    bool alive;
    uint8_t party, member;
    uint32_t key;
    uint16_t conn; /* 0xffff: none */
    uint64_t n;
    struct pending pending[PENDING];
    struct held held[HELD];
    uint32_t held_next;
    struct watching watches[WATCHES];
    uint64_t pseq;
    uint32_t *produced; /* submission by pseq */
    uint32_t produced_cap;
    uint64_t mine[16]; /* ids that it was told of */
    uint32_t mine_next;
    bool honest; /* the end: does what it should */
    uint32_t other_key; /* 0: none. What it asked to be enrolled with; or the invitation, while it tries that one */
    bool invited;       /* by the key that it has now or by the other; not sure yet that its own counts */
    uint32_t used; /* of its credit, at the end */
};

/* What clients were told of one request, whatever has become of the broker since. */
struct note {
    uint64_t end_seq; /* 0: no end was told */
    uint8_t end;      /* status */
};

/* ------------------------------------------------------------- the whole */

enum fault {
    FAULT_LOSS, FAULT_TWICE, FAULT_REORDER, FAULT_CUT, FAULT_DROP, FAULT_ZOMBIE, FAULT_CRASH_LOST, FAULT_CRASH_KEPT,
    FAULT_CRASH_CUT, FAULT_CRASH_TORN, FAULT_SYNC, FAULT_JUMP, FAULT_LEAP, FAULT_RELOAD, FAULT_REVOKE, FAULT_INVITE, FAULT_PRESSURE, FAULT_MARK,
    FAULT_BACKUP, FAULT_RESTORE, FAULTS
};

struct counts {
    uint64_t steps, events, records, told, worlds;
    uint64_t faults[FAULTS];
    uint64_t digests, violations;
    uint64_t accepted, finished, assigned, enrolled;
    uint64_t fair, full; /* comparisons of shares; checks of everything */
    uint64_t kinds[64]; /* events by number */
    uint64_t answers[16]; /* refusals by code; 0: receipts */
};

extern const char *const fault_names[FAULTS];

struct sim {
    uint64_t seed;
    uint64_t step, steps;
    bool trace;
    const char *set;  /* options that are not drawn */
    struct catalogue *(*catalogue)(struct sim *sim, uint32_t variant);
    jmp_buf end;
    struct rng rng;
    struct options options;
    struct counts *counts;
    struct core_now now;
    bool faults_over;
    bool at_rest; /* nothing moves any more: figures must agree */

    uint32_t party_count;
    uint32_t key_count;
    uint32_t client_count;
    struct client clients[CLIENTS_MAX];
    uint16_t services_all; /* bits */

    struct journal journal;
    struct audit audit;
    struct broker broker;
    struct conn conns[CONNS_MAX];
    uint64_t told_seq; /* the highest sequence that anybody was told */
    uint64_t told_fence;
    uint64_t lost_fence; /* the highest that was given out before a restore took it back */
    struct backup backup;

    struct submission *submissions;
    uint32_t submission_count, submission_cap;
    uint32_t by_text[PARTIES_MAX][SERVICES_MAX][TEXTS_MAX];
    struct note *notes; /* by life */
    uint32_t note_cap;
    uint64_t absent_answer[128]; /* hash of the refusal for what does not exist, by record type */

    /* what a violation would leave behind */
    struct core *spare[2];
    struct message *arriving;
    struct {
        uint32_t n;
        uint8_t bytes[512];
    } torn; /* of an event that had not quite reached the disk */

    /* the record that the core is deciding about */
    const struct proto_record *record;
    const struct client *actor;
    struct proto_buf encode;
    struct proto_buf scratch;
};

/* ------------------------------------------------------------- sim.c */

struct world {
    uint64_t seed, steps; /* steps before faults stop */
    bool trace;
    const char *set;
};

/* Run one world. False: a violation; it was printed. */
bool sim_run(const struct world *world, struct counts *counts);

/* A violation: `name` is the invariant, `slug` tells it from others of the same name. Does not return: the world ends. */
void sim_fail(struct sim *sim, const char *name, const char *slug, const char *format, ...)
    __attribute__((noreturn, format(printf, 4, 5)));

void sim_say(const struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
#define SAY(sim, ...) ((sim)->trace ? sim_say(sim, __VA_ARGS__) : (void)0)

#define CHECK(sim, condition, name, slug, ...) ((condition) ? (void)0 : sim_fail(sim, name, slug, __VA_ARGS__))

void *memory(void *p, size_t bytes); /* realloc or abort */

/* Names carry their numbers: party "rq02", member "m1", service "svc.s3". */
struct proto_str party_name(unsigned party);
struct proto_str member_name(unsigned member);
struct proto_str service_name(unsigned service);
uint8_t party_of_name(struct proto_str name); /* NOBODY: no name */
uint8_t member_of_name(struct proto_str name);
uint8_t service_of_name(struct proto_str name);
void key_bytes(uint32_t key, uint8_t out[32]);

static inline bool
status_ends(unsigned status)
{
    return status == PROTO_STATUS_COMPLETED || status == PROTO_STATUS_FAILED || status == PROTO_STATUS_CANCELLED;
}

#endif
