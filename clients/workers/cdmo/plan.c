/* Booking stages on suites: see plan.h. */
#include "cdmo/plan.h"

#include "common/civil.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

void
plan_init(struct plan *plan)
{
    memset(plan, 0, sizeof *plan);
}

void
plan_fini(struct plan *plan)
{
    for (size_t i = 0; i < plan->batches_n; i++)
        free(plan->batches[i].bookings);
    plan_init(plan);
}

static struct batch *
batch_find(struct plan *plan, const char *reference)
{
    for (size_t i = 0; i < plan->batches_n; i++)
        if (strcmp(plan->batches[i].reference, reference) == 0)
            return &plan->batches[i];
    return NULL;
}

const struct batch *
plan_find(const struct plan *plan, const char *reference)
{
    return batch_find((struct plan *)plan, reference);
}

int64_t
batch_start(const struct batch *batch)
{
    int64_t start = INT64_MAX;
    for (size_t i = 0; i < batch->bookings_n; i++)
        start = batch->bookings[i].start_us < start ? batch->bookings[i].start_us : start;
    return start;
}

int64_t
batch_end(const struct batch *batch)
{
    int64_t end = INT64_MIN;
    for (size_t i = 0; i < batch->bookings_n; i++)
        end = batch->bookings[i].end_us > end ? batch->bookings[i].end_us : end;
    return end;
}

/*
 * The earliest start from from_us on at which the suite is free for so long: whoever is in the way pushes the start behind its end and its
 * change-over, until nobody is. Batches change over; stages of one batch follow each other at once.
 */
static int64_t
suite_fit(const struct plan *plan, const struct suite *suite, const struct batch *own, int64_t from_us, int64_t length_us)
{
    int64_t start = from_us, changeover_us = suite->changeover_hours * CIVIL_HOUR_US;
    for (bool moved = true; moved;) {
        moved = false;
        for (size_t i = 0; i < plan->batches_n; i++) {
            const struct batch *batch = &plan->batches[i];
            int64_t between_us = batch == own ? 0 : changeover_us;
            for (size_t j = 0; j < batch->bookings_n; j++) {
                const struct booking *other = &batch->bookings[j];
                if (strcmp(other->suite, suite->name) == 0 && start < other->end_us + between_us && other->start_us < start + length_us + between_us) {
                    start = other->end_us + between_us;
                    moved = true;
                }
            }
        }
    }
    return start;
}

static void
stage_book(struct plan *plan, const struct plant *plant, struct batch *batch, const struct stage *stage, int64_t earliest_us)
{
    const struct suite *suites, *best = NULL;
    int64_t best_us = INT64_MAX;
    size_t suites_n = plant_suites(plant, &suites);
    for (size_t i = 0; i < stage->after_n; i++) {
        int64_t end_us = batch->bookings[stage->after[i]].end_us;
        earliest_us = end_us > earliest_us ? end_us : earliest_us;
    }
    for (size_t i = 0; i < suites_n; i++) {
        if (strcmp(suites[i].suite_class, stage->suite_class) != 0)
            continue;
        int64_t start_us = suite_fit(plan, &suites[i], batch, earliest_us, stage->length_us);
        if (start_us < best_us) {
            best_us = start_us;
            best = &suites[i];
        }
    }
    struct booking *booking = &batch->bookings[batch->bookings_n];
    *booking = (struct booking){.start_us = best_us, .end_us = best_us + stage->length_us, .after_n = stage->after_n};
    memcpy(booking->after, stage->after, sizeof booking->after);
    snprintf(booking->stage, NAME_BYTES, "%s", stage->id);
    snprintf(booking->name, NAME_BYTES, "%s", stage->name);
    snprintf(booking->name_zh, NAME_BYTES, "%s", stage->name_zh);
    snprintf(booking->suite, NAME_BYTES, "%s", best->name);
    batch->bookings_n++;
}

const struct batch *
plan_book(struct plan *plan, const struct plant *plant, const char *reference, const struct stages *stages, int64_t earliest_us, int64_t now_us)
{
    if (plan->batches_n == BATCHES_MAX)
        return NULL;
    struct batch *batch = &plan->batches[plan->batches_n];
    *batch = (struct batch){.booked_us = now_us, .bookings = calloc(stages->n, sizeof *batch->bookings)};
    if (!batch->bookings)
        return NULL;
    snprintf(batch->reference, NAME_BYTES, "%s", reference);
    plan->batches_n++;
    for (size_t i = 0; i < stages->n; i++)
        stage_book(plan, plant, batch, &stages->v[i], earliest_us);
    return batch;
}

/* Put a booking behind what its batch has to wait for; true when it moved. */
static bool
behind_stages(struct batch *batch, struct booking *booking)
{
    bool moved = false;
    for (size_t i = 0; i < booking->after_n; i++) {
        int64_t lag_us = batch->bookings[booking->after[i]].end_us - booking->start_us;
        if (lag_us > 0) {
            booking->start_us += lag_us;
            booking->end_us += lag_us;
            moved = true;
        }
    }
    return moved;
}

static int64_t
changeover_of(const struct plant *plant, const char *name)
{
    const struct suite *suites;
    size_t n = plant_suites(plant, &suites);
    for (size_t i = 0; i < n; i++)
        if (strcmp(suites[i].name, name) == 0)
            return suites[i].changeover_hours * CIVIL_HOUR_US;
    return 0;
}

/* One of two bookings of a suite that are too close: the later starter moves behind the other (ties: the later booked). */
static bool
behind_suite(const struct plant *plant, const struct batch *one_batch, const struct booking *one, const struct batch *two_batch, struct booking *two)
{
    if (one == two || strcmp(one->suite, two->suite) != 0)
        return false;
    bool one_first = one->start_us < two->start_us ||
                     (one->start_us == two->start_us && (one_batch < two_batch || (one_batch == two_batch && one < two)));
    int64_t between_us = one_batch == two_batch ? 0 : changeover_of(plant, one->suite);
    int64_t lag_us = one->end_us + between_us - two->start_us;
    if (!one_first || lag_us <= 0)
        return false;
    two->start_us += lag_us;
    two->end_us += lag_us;
    return true;
}

/* Move later whatever is in anybody's way, until nothing is. Bookings only ever move later, behind ones that started before them. */
static void
plan_settle(struct plan *plan, const struct plant *plant)
{
    for (bool moved = true; moved;) {
        moved = false;
        for (size_t i = 0; i < plan->batches_n; i++)
            for (size_t j = 0; j < plan->batches[i].bookings_n; j++) {
                struct booking *booking = &plan->batches[i].bookings[j];
                moved = behind_stages(&plan->batches[i], booking) || moved;
                for (size_t k = 0; k < plan->batches_n; k++)
                    for (size_t l = 0; l < plan->batches[k].bookings_n; l++)
                        moved = behind_suite(plant, &plan->batches[k], &plan->batches[k].bookings[l], &plan->batches[i], booking) || moved;
            }
    }
}

bool
plan_slip(struct plan *plan, const struct plant *plant, const char *reference, const char *stage, int64_t by_us)
{
    struct batch *batch = batch_find(plan, reference);
    for (size_t i = 0; batch && i < batch->bookings_n; i++)
        if (strcmp(batch->bookings[i].stage, stage) == 0) {
            batch->bookings[i].end_us += by_us;
            plan_settle(plan, plant);
            return true;
        }
    return false;
}

static void
batch_remove(struct plan *plan, size_t index)
{
    free(plan->batches[index].bookings);
    memmove(&plan->batches[index], &plan->batches[index + 1], (plan->batches_n - index - 1) * sizeof *plan->batches);
    plan->batches_n--;
}

void
plan_cancel(struct plan *plan, const char *reference)
{
    struct batch *batch = batch_find(plan, reference);
    if (batch)
        batch_remove(plan, (size_t)(batch - plan->batches));
}

void
plan_prune(struct plan *plan, int64_t before_us)
{
    for (size_t i = plan->batches_n; i-- > 0;)
        if (batch_end(&plan->batches[i]) < before_us)
            batch_remove(plan, i);
}
