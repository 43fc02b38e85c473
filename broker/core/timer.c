/*
 * Timers of requests: one heap per clock, ties in the order in which they were set; see request.h.
 */
#include "core/request.h"

static uint32_t *
timer_slot(struct core *core, enum clock clock, uint32_t request)
{
    struct request *owner = request_at(core, request);
    return clock == CLOCK_UTC ? &owner->timer_utc : &owner->timer_mono;
}

static bool
timer_less(const struct timer *a, const struct timer *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : (int32_t)(a->order - b->order) < 0;
}

static void
timer_put(struct core *core, enum clock clock, uint32_t at, struct timer timer)
{
    core->timers[clock].heap[at] = timer;
    *timer_slot(core, clock, timer.request) = at + 1;
}

static void
timer_sift(struct core *core, enum clock clock, uint32_t at, struct timer timer)
{
    struct timers *timers = &core->timers[clock];
    while (at > 0 && timer_less(&timer, &timers->heap[(at - 1) / 2])) {
        timer_put(core, clock, at, timers->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    for (uint32_t child = at * 2 + 1; child < timers->n; child = at * 2 + 1) {
        if (child + 1 < timers->n && timer_less(&timers->heap[child + 1], &timers->heap[child])) {
            child++;
        }
        if (!timer_less(&timers->heap[child], &timer)) {
            break;
        }
        timer_put(core, clock, at, timers->heap[child]);
        at = child;
    }
    timer_put(core, clock, at, timer);
}

void
timer_set(struct core *core, enum clock clock, uint32_t request, int64_t at_us)
{
    struct timers *timers = &core->timers[clock];
    uint32_t *slot = timer_slot(core, clock, request);
    if (at_us == INT64_MAX) {
        if (*slot != 0) {
            uint32_t at = *slot - 1;
            *slot = 0;
            struct timer last = timers->heap[--timers->n];
            if (at < timers->n) {
                timer_sift(core, clock, at, last);
            }
        }
        return;
    }
    struct timer timer = {at_us, ++core->timer_order, request};
    if (*slot != 0) {
        timer_sift(core, clock, *slot - 1, timer);
        return;
    }
    if (timers->n == timers->cap) {
        timers->cap = timers->cap == 0 ? 64 : timers->cap * 2;
        timers->heap = table_realloc(timers->heap, timers->cap * sizeof *timers->heap);
    }
    timers->n++;
    timer_sift(core, clock, timers->n - 1, timer);
}

uint32_t
timer_due(const struct core *core, enum clock clock, int64_t now_us)
{
    const struct timers *timers = &core->timers[clock];
    return timers->n > 0 && timers->heap[0].at_us <= now_us ? timers->heap[0].request : 0;
}

int64_t
timer_next(const struct core *core, enum clock clock)
{
    const struct timers *timers = &core->timers[clock];
    return timers->n > 0 ? timers->heap[0].at_us : INT64_MAX;
}

int64_t
request_limit(const struct request *request)
{
    int64_t limit = INT64_MAX;
    if (request_is_finished(request)) {
        return limit;
    }
    if ((request->flags & (FLAG_OVERDUE | FLAG_ASKED)) == 0 && request->complete_by_us != 0) {
        limit = request->complete_by_us;
    }
    if ((request->flags & (FLAG_CLOCKS | FLAG_EXHAUSTED)) == 0) {
        if (request->due_us != 0 && request->due_us < limit) {
            limit = request->due_us;
        }
        if (request->status == PROTO_STATUS_ACCEPTED && request->until_us != 0 && request->until_us < limit) {
            limit = request->until_us;
        }
    }
    return limit;
}

void
request_arm(struct core *core, uint32_t item)
{
    struct request *request = request_at(core, item);
    int64_t limit = request_limit(request);
    if (limit != INT64_MAX || request->timer_utc != 0) {
        timer_set(core, CLOCK_UTC, item, limit);
    }
}
