/*
 * One task in the hands of a worker: what it was given, what was computed, what has been told. Inside of the loop; see worker.h.
 */
#ifndef QIAO_WORKERS_WORK_H
#define QIAO_WORKERS_WORK_H

#include "common/worker.h"

#include <qiao/qiao.h>

enum work_state {
    WORK_FREE = 0,
    WORK_TO_ACCEPT,  /* requested: accept, start, compute */
    WORK_TO_START,   /* accepted */
    WORK_TO_COMPUTE, /* in progress */
    WORK_PLAYING,    /* computed: steps, then the end */
    WORK_ASKED,      /* the requester has to reply */
    WORK_TO_VERIFY,  /* another member's result */
    WORK_UNSEEN,     /* a reply to a question that another process asked: without the request it cannot be computed */
    WORK_SENT_BACK,  /* another member did not agree: computing it again would only say the same */
    WORK_RESTS,      /* a result that is held for a person's decision */
};

struct work {
    enum work_state state;
    qiao_id task;
    uint64_t fence;
    bool leased, held; /* held: on hold when we last heard of it */
    char service[65];
    char reference[QIAO_ID_CHARS + 1];
    json_t *input, *output; /* output: of a result to verify */
    void *body;
    size_t body_bytes;
    struct answer answer;
    size_t step;       /* the next one to tell */
    int64_t base_us;   /* monotonic: when the work began */
    int64_t due_us;    /* monotonic: when to look at it again */
};

struct worker {
    const struct worker_kind *kind;
    struct options options;
    struct qiao_client *client;
    struct work *works;
    size_t works_n;
    bool stopping;
};

int64_t clock_mono_us(void);
int64_t clock_utc_us(void);

/* Take a task as it came. False: no room or no memory; it stays with the party. */
bool work_take(struct worker *worker, const struct qiao_task *task);
struct work *work_find(struct worker *worker, qiao_id task);
void work_free(struct work *work);

/* Do what is due; due_us is set anew. A work that is over becomes free. */
void work_move(struct worker *worker, struct work *work);

/* One line about a task on standard output: ids and words, never values of a request. */
void work_log(const struct worker *worker, const struct work *work, const char *what, const char *detail);

#endif
