/*
 * What the two checks of work.h share: of a whole store, and of its files only.
 */
#ifndef TESTS_FAULTS_CHECK_H
#define TESTS_FAULTS_CHECK_H

#include "work.h"

struct check {
    const struct work_model *model;
    struct store *store;
    char *why;
    bool handed[WORK_EVENTS_MAX];
    uint64_t snapshot_seq; /* 0: none was handed over */
    uint64_t last[2];      /* by origin: OPEN, JOURNAL */
};

/* What is known of one request at the end of a recovery. */
struct known {
    uint64_t id;
    uint64_t first, last; /* events */
    bool ended;
};

struct requests {
    struct known all[WORK_EVENTS_MAX];
    uint32_t count;
};

/* `why` begins with "served: " where something that is not so was handed over as if it were; otherwise the store itself refused. */
bool wrong(struct check *check, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A store_replay_fn: what is handed over must be what was given, once and in order. */
int replay_note(void *context, enum store_origin origin, uint64_t seq, const uint8_t *p, uint32_t n);

/* The end is not below what was acknowledged, nor above what was given. */
bool end_check(struct check *check, uint64_t end);

/* From what was given up to `end`: which requests there are, and that recovery handed over what it must. */
bool prefix_check(struct check *check, uint64_t end, struct requests *requests);

/* What history answered about a request. `there`: it must have the row. */
bool row_check(struct check *check, const struct known *known, bool there, enum store_status status, const struct store_finished *row);

/* The requests of the events up to `end`. */
void requests_read(const struct work_model *model, uint64_t end, struct requests *out_requests);

#endif
