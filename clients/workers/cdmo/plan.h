/*
 * The plan: which stage of which batch has which suite from when to when.
 *
 * No suite runs two batches at once, and between two batches it has its change-over time. A stage is booked at the earliest fit after the
 * stages it waits for. A stage that slips moves what depends on it: later stages of its batch, and whoever follows on the same suites.
 * Pure data; the ledger (ledger.h) keeps it on disk.
 */
#ifndef QIAO_WORKERS_CDMO_PLAN_H
#define QIAO_WORKERS_CDMO_PLAN_H

#include "cdmo/plant.h"

enum { BATCHES_MAX = 500 };

struct booking {
    char stage[NAME_BYTES], name[NAME_BYTES], name_zh[NAME_BYTES], suite[NAME_BYTES];
    int64_t start_us, end_us;
    size_t after[AFTER_MAX]; /* bookings of the same batch */
    size_t after_n;
};

struct batch {
    char reference[NAME_BYTES];
    int64_t booked_us;
    struct booking *bookings;
    size_t bookings_n;
};

struct plan {
    struct batch batches[BATCHES_MAX];
    size_t batches_n;
};

void plan_init(struct plan *plan);
void plan_fini(struct plan *plan);

/* NULL when it is not booked. Valid until the next change of the plan. */
const struct batch *plan_find(const struct plan *plan, const char *reference);

/* Book all stages, none before earliest_us. NULL when the plan is full (BATCHES_MAX). */
const struct batch *plan_book(struct plan *plan, const struct plant *plant, const char *reference, const struct stages *stages, int64_t earliest_us,
                              int64_t now_us);

/* This stage ends so much later; everything that this touches moves. False: no such batch or stage. */
bool plan_slip(struct plan *plan, const struct plant *plant, const char *reference, const char *stage, int64_t by_us);

/* Take a batch out of the plan. Nothing moves earlier by itself. */
void plan_cancel(struct plan *plan, const char *reference);

/* Take out the batches that ended before a moment. */
void plan_prune(struct plan *plan, int64_t before_us);

int64_t batch_start(const struct batch *batch);
int64_t batch_end(const struct batch *batch);

#endif
