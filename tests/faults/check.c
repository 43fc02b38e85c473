/*
 * The checking half of work.h.
 */
#include "check.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool
wrong(struct check *check, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(check->why, WORK_WHY_BYTES, format, args);
    va_end(args);
    return false;
}

void
work_model_note(struct work_model *model, const struct tape_op *op)
{
    if (op->kind == TAPE_EVENT) {
        struct proto_event event;
        struct proto_error why;
        size_t used;
        if (!proto_event_decode(tape_bytes(op), op->n, &used, &event, &why)) {
            abort();
        }
        model->event[op->offset] = op;
        model->request[op->offset] = event.id;
        model->ends[op->offset] = event.status == PROTO_STATUS_COMPLETED;
        model->given = op->offset;
    } else if (op->kind == TAPE_ACKED && op->offset > model->acked) {
        model->acked = op->offset;
    } else if (op->kind == TAPE_SNAPSHOT) {
        model->snapshot[op->offset] = op;
    }
}

void
work_model_read(struct work_model *model, const struct tape *tape)
{
    memset(model, 0, sizeof(*model));
    for (const struct tape_op *op = tape_first(tape); op != NULL; op = tape_next(tape, op)) {
        work_model_note(model, op);
    }
}

static bool
same(const struct tape_op *op, const uint8_t *p, uint32_t n)
{
    return op != NULL && op->n == n && memcmp(tape_bytes(op), p, n) == 0;
}

/* ------------------------------------------------------------- recovery */

int
replay_note(void *context, enum store_origin origin, uint64_t seq, const uint8_t *p, uint32_t n)
{
    struct check *check = context;
    uint64_t *last = &check->last[origin == STORE_FROM_JOURNAL];

    if (origin == STORE_FROM_SNAPSHOT) {
        check->snapshot_seq = seq;
        return seq < WORK_EVENTS_MAX && same(check->model->snapshot[seq], p, n) ? 0
               : !wrong(check, "served: the snapshot at %llu is not what was given", (unsigned long long)seq);
    }
    if (seq >= WORK_EVENTS_MAX || !same(check->model->event[seq], p, n)) {
        return !wrong(check, "served: event %llu is not what was given", (unsigned long long)seq);
    }
    if (seq <= *last || check->handed[seq]) {
        return !wrong(check, "served: event %llu came after event %llu", (unsigned long long)seq, (unsigned long long)*last);
    }
    *last = seq;
    check->handed[seq] = true;
    return 0;
}

static struct known *
known_find(struct requests *requests, uint64_t id)
{
    for (uint32_t i = 0; i < requests->count; i++) {
        if (requests->all[i].id == id) {
            return &requests->all[i];
        }
    }
    requests->all[requests->count] = (struct known){.id = id};
    return &requests->all[requests->count++];
}

void
requests_read(const struct work_model *model, uint64_t end, struct requests *out_requests)
{
    out_requests->count = 0;
    for (uint64_t seq = 1; seq <= end; seq++) {
        struct known *known;
        if (model->request[seq] == 0) {
            continue;
        }
        known = known_find(out_requests, model->request[seq]);
        known->first = known->first == 0 ? seq : known->first;
        known->last = seq;
        known->ended = model->ends[seq];
    }
}

bool
prefix_check(struct check *check, uint64_t end, struct requests *requests)
{
    const struct work_model *model = check->model;

    for (uint64_t seq = 1; seq <= end; seq++) {
        if (model->event[seq] == NULL) {
            return wrong(check, "served: event %llu of %llu was never given", (unsigned long long)seq, (unsigned long long)end);
        }
        if (model->request[seq] == 0 && !check->handed[seq] && seq > check->snapshot_seq) {
            return wrong(check, "served: event %llu of no request is missing, the snapshot is of %llu", (unsigned long long)seq,
                         (unsigned long long)check->snapshot_seq);
        }
    }
    requests_read(model, end, requests);
    for (uint64_t seq = 1; seq <= end; seq++) {
        if (model->request[seq] != 0 && !check->handed[seq] && !known_find(requests, model->request[seq])->ended) {
            return wrong(check, "served: event %llu of open request %llu is missing", (unsigned long long)seq,
                         (unsigned long long)model->request[seq]);
        }
    }
    return true;
}

bool
end_check(struct check *check, uint64_t end)
{
    if (end < check->model->acked) {
        return wrong(check, "served: D1: it ends at event %llu, but event %llu was acknowledged", (unsigned long long)end,
                     (unsigned long long)check->model->acked);
    }
    if (end > check->model->given) {
        return wrong(check, "served: it ends at event %llu, but only %llu were given", (unsigned long long)end,
                     (unsigned long long)check->model->given);
    }
    if (check->last[0] > end || check->last[1] > end) {
        return wrong(check, "served: D4: an event after the end, %llu", (unsigned long long)end);
    }
    return true;
}

/* ------------------------------------------------------------- history */

static bool
projected_wait(struct check *check)
{
    uint64_t projected = 0, durable = store_durable_seq(check->store);
    struct store_error error = {0};

    store_projected(check->store, &projected);
    while (projected < durable) {
        struct pollfd poll_fd = {.fd = store_fd(check->store), .events = POLLIN};
        if (poll(&poll_fd, 1, 30000) != 1) {
            return wrong(check, "history stands still at %llu", (unsigned long long)projected);
        }
        if (store_commit_end(check->store, &durable, &error) != STORE_OK) {
            return wrong(check, "history: %s", error.text);
        }
        store_projected(check->store, &projected);
    }
    return true;
}

static bool
trail_check(struct check *check, const struct known *known, const struct store_finished *row)
{
    uint64_t seq = 0, want = known->first;
    uint32_t offset = 0, n;
    const uint8_t *p;

    while (store_trail_next(row->trail, row->trail_n, &offset, &seq, &p, &n)) {
        while (want < seq && check->model->request[want] != known->id) {
            want++;
        }
        if (seq != want++ || !same(check->model->event[seq], p, n)) {
            return wrong(check, "served: history: the trail of request %llu lacks event %llu, or has another", (unsigned long long)known->id,
                         (unsigned long long)(want - 1));
        }
    }
    for (; want < known->last; want++) {
        if (check->model->request[want] == known->id) {
            return wrong(check, "served: history: the trail of request %llu lacks event %llu", (unsigned long long)known->id,
                         (unsigned long long)want);
        }
    }
    return true;
}

bool
row_check(struct check *check, const struct known *known, bool there, enum store_status status, const struct store_finished *row)
{
    there = there || (check->model->mark_may_lag && known->ended && status == STORE_OK);
    if (status != (there ? STORE_OK : STORE_NOT_FOUND)) {
        return wrong(check, "%shistory says \"%s\" of request %llu, whose last event is %llu",
                     status == STORE_OK || status == STORE_NOT_FOUND ? "served: " : "",
                     store_status_text(status), (unsigned long long)known->id, (unsigned long long)known->last);
    }
    if (there && (row->seq != known->last || !same(check->model->event[row->seq], row->event, row->event_n))) {
        return wrong(check, "served: history: request %llu did not end with event %llu", (unsigned long long)known->id,
                     (unsigned long long)row->seq);
    }
    return !there || trail_check(check, known, row);
}

static bool
history_check(struct check *check, const struct requests *requests)
{
    struct store_error error = {0};

    for (uint32_t i = 0; i < requests->count; i++) {
        const struct known *known = &requests->all[i];
        struct store_finished row;
        enum store_status status = store_history_get(check->store, known->id, &row, &error);
        if (!row_check(check, known, known->ended, status, &row)) {
            return false;
        }
    }
    return true;
}

/* ------------------------------------------------------------- all of it */

static bool
store_check(struct check *check, const char *dir, enum work_depth depth)
{
    struct store_options options = work_options();
    struct store_error error = {0};
    static struct requests requests;
    uint64_t end;

    options.history = depth >= WORK_HISTORY;
    if (store_open(dir, &options, &check->store, &error) != STORE_OK) {
        return wrong(check, "it does not open: %s: %s", store_status_text(error.status), error.text);
    }
    if (store_replay(check->store, replay_note, check, &error) != STORE_OK) {
        return check->why[0] != '\0' ? false : wrong(check, "it does not recover: %s", error.text);
    }
    end = store_last_seq(check->store);
    if (!end_check(check, end) || !prefix_check(check, end, &requests)) {
        return false;
    }
    return depth < WORK_HISTORY || (projected_wait(check) && history_check(check, &requests));
}

/* One more event, a clean end, and nothing that verify would complain of. */
static bool
on_check(struct check *check, const char *dir)
{
    struct helper_request none = {.service = "", .requester = "", .performer = ""};
    struct store_options options = work_options();
    struct store_verify_result result;
    struct store_error error = {0};
    char report[2048] = "";
    FILE *file = fmemopen(report, sizeof(report), "w");
    uint64_t seq = helper_append(check->store, PROTO_EV_CATALOGUE_LOADED, &none, 0, 1, 10);
    enum store_status status = store_commit_wait(check->store, &error);

    if (status == STORE_OK) {
        status = store_close(&check->store, 1000000, &error);
    }
    if (status == STORE_OK) {
        status = store_journal_verify(dir, file, &result, &error);
    }
    fclose(file);
    if (status == STORE_OK) {
        status = store_open(dir, &options, &check->store, &error);
    }
    if (status != STORE_OK) {
        return wrong(check, "it does not go on: %s %.300s", error.text, report);
    }
    if (store_last_seq(check->store) != seq || result.last_seq != seq) {
        return wrong(check, "it goes on with event %llu, and ends at %llu", (unsigned long long)seq,
                     (unsigned long long)store_last_seq(check->store));
    }
    return true;
}

bool
work_check(const char *dir, const struct work_model *model, enum work_depth depth, char why[WORK_WHY_BYTES])
{
    struct check check = {.model = model, .why = why};
    struct store_error error;
    bool ok;

    why[0] = '\0';
    ok = store_check(&check, dir, depth) && (depth < WORK_ON || on_check(&check, dir));
    store_close(&check.store, 0, &error);
    return ok;
}
