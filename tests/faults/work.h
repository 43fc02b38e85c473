/*
 * A store at work under faults, and what must hold when it is opened again afterwards.
 *
 * The work is scripted by a seed: requests that begin, go on and end, commits, two batches at a time, marks with snapshots,
 * pruning, moved logs, closing. It tells a tape what it gave and what it was told. The check knows nothing but that.
 */
#ifndef TESTS_FAULTS_WORK_H
#define TESTS_FAULTS_WORK_H

#include "../store/helper.h"
#include "tape.h"

enum { WORK_EVENTS_MAX = 4096, WORK_WHY_BYTES = 640 };

/* Small pages, a small log and a short memory, so that all that can happen does. */
struct store_options work_options(void);

enum work_end {
    WORK_WELL = 0,    /* all steps, closed */
    WORK_STOPPED = 1, /* the store said no; the tape has its words */
    WORK_WRONG = 2,   /* it did something that it must not; the tape says what */
};

/*
 * Open, work so many steps, close: in the directory of the tape, and on it. To be called in a process of its own, as faults end
 * it. A store that stopped must stay silent (D3), or it is WORK_WRONG.
 */
enum work_end work_run(struct tape *tape, uint32_t seed, uint32_t steps);

/*
 * Open, do what the letters say, close: a few small events, so that the files are as small as can be. Files that are there with SQLite's
 * header only keep their page size.
 *     n a new request    g the oldest open one goes on    e it ends    x an event of no request
 *     c commit    m move the mark and prune    w wait until history has everything    k die
 */
enum work_end work_script(struct tape *tape, const char *letters);

/* Like it, but history is rebuilt, or a backup made into the directory of the tape. */
enum work_end work_rebuild(struct tape *tape);
enum work_end work_backup(struct tape *tape, const char *from);

/* In a child. Its exit code, or minus the signal that ended it. */
int work_in_child(struct tape *tape, uint32_t seed, uint32_t steps);
int work_script_in_child(struct tape *tape, const char *letters);
int work_in_child_of(enum work_end (*run)(void *context), void *context);

/* What was given and acknowledged up to an op of a tape (NULL: all of it). */
struct work_model {
    const struct tape_op *event[WORK_EVENTS_MAX];
    const struct tape_op *snapshot[WORK_EVENTS_MAX];
    uint64_t request[WORK_EVENTS_MAX]; /* of an event; 0: none */
    bool ends[WORK_EVENTS_MAX];        /* it is the request's last */
    uint64_t given, acked;
    bool mark_may_lag; /* a mark of history that is too low is no harm: the same rows are made again */
};

void work_model_note(struct work_model *model, const struct tape_op *op);
void work_model_read(struct work_model *model, const struct tape *tape);

enum work_depth {
    WORK_JOURNAL, /* it opens, and recovery hands over a prefix without gaps that has every acknowledged event (D1, D4, D6) */
    WORK_HISTORY, /* and history has every request that ended, whole, and no other */
    WORK_ON,      /* and it goes on: commits, closes, opens again, and verify finds no fault */
};

/* Is the store there in order? False: `why` says what is not. */
bool work_check(const char *dir, const struct work_model *model, enum work_depth depth, char why[WORK_WHY_BYTES]);

/*
 * The same of the two files apart, by engine and history themselves and without threads, so that a million of them is possible.
 * What they say must then fit: mark <= last, first <= mark + 1.
 */
struct work_span {
    uint64_t first, last;
};

bool work_check_journal(const char *dir, const struct work_model *model, struct work_span *out_span, char why[WORK_WHY_BYTES]);
bool work_check_history(const char *dir, const struct work_model *model, uint64_t *out_mark, char why[WORK_WHY_BYTES]);

#endif
