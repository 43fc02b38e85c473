/*
 * The broker as a whole: core, store and net, and the loop between them.
 *
 * Only this room knows all three. The rule that it keeps: nothing leaves before the sequence it is tagged with is durable
 * (D2), and nothing at all leaves after a commit failed (D3). One thread; store and libzmq have theirs underneath.
 */
#ifndef SHELL_BROKER_H
#define SHELL_BROKER_H

#include "core/core.h"
#include "net/net.h"
#include "shell/config.h"
#include "shell/log.h"
#include "store/store.h"

enum {
    BROKER_ERROR_BYTES = 768,
    ASKS_MAX = 4096,      /* questions to the store that wait; beyond it the answer is retry-later */
    FEEDS_MAX = 4096,     /* watches that catch up */
    OUTLETS = 3,
};

/* What the core decided while one batch filled: effects wait here until that batch is durable. */
struct outlet {
    struct core_out out;
    uint32_t next; /* the first effect that has not left */
};

/* An effect that needs the store's history or a walk through the journal: done a few per round, so that nobody waits (B4). */
struct ask {
    struct core_effect effect;
    struct core_query query; /* of a HISTORY effect */
    uint8_t *listed;         /* of a LIST effect: a copy of its rows */
    uint32_t listed_offset;  /* of the row that comes next */
};

/* A watch that reads older events. */
struct feed {
    uint32_t watch;
    uint32_t conn;
};

struct broker {
    struct config config;
    char *config_path;
    struct core *core;
    struct store *store;
    struct net *net;
    struct core_now now;
    bool plain_text;

    struct outlet outlets[OUTLETS];
    struct outlet *filling;    /* what is decided now goes here */
    struct outlet *committing; /* its batch is in commit */
    struct outlet *leaving;    /* its batch is durable: on its way out */
    uint64_t durable;
    uint64_t projected;
    uint32_t pressure;

    struct ask *asks; /* a ring */
    uint32_t ask_first, ask_count;
    struct feed *feeds;
    uint32_t feed_count, feed_next;

    struct proto_buf render;  /* a record on its way to an outbox */
    struct proto_buf source;  /* a copy of an effect's source */
    struct proto_buf trail;   /* events of one request */
    struct proto_buf rows;    /* rows of one page, within one call */
    struct proto_buf listed;  /* rows of the list under way, over several rounds */
    struct proto_buf snapshot;

    int signal_fd;
    bool came_quickly; /* what was waited for, the last time */
    int64_t upkeep_at_us;
    int64_t watchdog_us, watchdog_at_us;
    int64_t started_utc_us;
    bool stopping;
    bool failed;   /* a commit or a read failed: nothing more may leave */
    int exit_code;
};

/* ---- open.c */

/* Take the data directory, recover, open the socket. On false everything is closed again, error is filled, *out_exit is sysexits. */
bool broker_open(struct broker *broker, const struct config *config, char error[BROKER_ERROR_BYTES], int *out_exit);
/* Only core and store, without a socket: for init. `options_create`: make the store. */
bool broker_open_state(struct broker *broker, const struct config *config, bool create, char error[BROKER_ERROR_BYTES],
                       int *out_exit);
/* Enrol the first operator, if there is none; durable when this returns true. */
bool broker_bootstrap(struct broker *broker, const struct core_bootstrap *first, char error[BROKER_ERROR_BYTES]);
void broker_close(struct broker *broker);

/* ---- loop.c */

/* Serve until a signal or an error; returns an exit code. */
int broker_run(struct broker *broker);

/* One input into the core; its events go into the batch that fills, its effects into `filling`. */
void broker_decide(struct broker *broker, const struct core_input *input);
void broker_fail(struct broker *broker, const struct store_error *error);
void clock_read(struct core_now *out_now);

/* ---- wait.c */

/* Wait until there is something to do; only look when there is `more` already. */
void wait_step(struct broker *broker, bool more);

/* ---- commit.c */

/* Take note of a commit that ended, start the next, let go what the ended one made durable. */
void commit_step(struct broker *broker);
void commit_all(struct broker *broker); /* wait until everything is durable and has left for net */

/* ---- intake.c */

/* Read what clients sent, until there is no more, the batch is full, or enough was read. True: there may be more. */
bool intake_step(struct broker *broker);

/* ---- leave.c: an effect that may leave */
void leave_effect(struct broker *broker, const struct outlet *outlet, const struct core_effect *effect);
/* Records that the shell itself answers with leave in order with the core's: as an effect. */
void leave_record(struct broker *broker, uint32_t conn, const struct proto_record *record);
void leave_refusal(struct broker *broker, uint32_t conn, uint64_t re, enum proto_refusal_code code, const char *path,
                   const char *message);

void leave_close(struct broker *broker, uint32_t conn); /* bye, when what came before has left */

/* ---- ask.c: questions to history */
void ask_push(struct broker *broker, const struct outlet *outlet, const struct core_effect *effect);
void ask_step(struct broker *broker);
void ask_fini(struct broker *broker);

/* ---- feed.c: watches that catch up */
void feed_push(struct broker *broker, const struct core_effect *effect);
bool feed_step(struct broker *broker); /* true: there is more to do at once */

/* ---- upkeep.c: what is done now and then */
void upkeep_step(struct broker *broker);
void upkeep_projected(struct broker *broker);
/* Load the catalogue again; on false the old one stays and `error` says why. */
bool upkeep_reload(struct broker *broker, char error[BROKER_ERROR_BYTES]);
int64_t upkeep_deadline(const struct broker *broker);

/* ---- figures.c: the answer to `stats` */
void figures_answer(struct broker *broker, uint32_t conn, uint64_t re);

/* ---- signals.c */
int signals_open(void); /* -1: no */
void signals_step(struct broker *broker);

#endif
