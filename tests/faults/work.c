/*
 * The working half of work.h.
 */
#include "work.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SCRIPT_BODY = 16, SCRIPT_KEEP = 6, OPEN_MAX = 24, MARK_STEPS = 11, MARK_POLLS = 40, BODY_MAX = 3000 };

struct open_request {
    struct helper_request request;
    uint32_t number;
};

struct work {
    struct tape *tape;
    struct store *store;
    struct open_request open[OPEN_MAX];
    uint32_t count;
    uint32_t seed;
    struct proto_buf buf;
};

struct store_options
work_options(void)
{
    struct store_options options = helper_options(STORE_ENGINE_SQLITE);

    options.page_bytes = 1024;
    options.wal_bytes_max = 24 << 10;
    options.keep_events = 30;
    options.batch_bytes_max = 64 << 10;
    options.pack_bytes_min = 200; /* some batches are packed, some are not */
    /* Nobody is to be polite to others here: history and compactor rest only when they are not behind. */
    options.history_lag_max = 0;
    options.mark_distance_max = 0;
    return options;
}

static uint32_t
chance(struct work *work, uint32_t below)
{
    work->seed = work->seed * 1103515245u + 12345u;
    return (work->seed >> 8) % below;
}

/* ------------------------------------------------------------- events */

static enum store_status
event_give(struct work *work, enum proto_ev type, struct helper_request *request, enum proto_status status, uint32_t body)
{
    uint64_t seq = store_last_seq(work->store) + 1;
    enum store_status given;

    if (seq >= WORK_EVENTS_MAX) {
        return STORE_OK;
    }
    helper_event(&work->buf, type, request, status, (int64_t)seq, body);
    tape_note(work->tape, TAPE_EVENT, seq, work->buf.p, (uint32_t)work->buf.n);
    given = store_append(work->store, seq, work->buf.p, (uint32_t)work->buf.n);
    request->prev = seq;
    return given;
}

/* One event: a request begins, goes on or ends; or one of no request. */
static enum store_status
event_next(struct work *work)
{
    uint32_t what = chance(work, 10), body = chance(work, 8) == 0 ? chance(work, BODY_MAX) : chance(work, 100);
    struct open_request *one;
    enum store_status status;

    if (what == 0) {
        struct helper_request none = {.service = "", .requester = "", .performer = ""};
        return event_give(work, PROTO_EV_CATALOGUE_LOADED, &none, 0, 0);
    }
    if (work->count == 0 || (what < 4 && work->count < OPEN_MAX)) {
        one = &work->open[work->count++];
        one->number = work->tape->begun++;
        one->request = helper_request_of(one->number);
        return event_give(work, PROTO_EV_ACCEPTED, &one->request, PROTO_STATUS_READY, body);
    }
    one = &work->open[chance(work, work->count)];
    if (what < 7) {
        return event_give(work, PROTO_EV_ASSIGNED, &one->request, PROTO_STATUS_IN_PROGRESS, 0);
    }
    status = event_give(work, PROTO_EV_COMPLETED, &one->request, PROTO_STATUS_COMPLETED, body);
    *one = work->open[--work->count];
    return status;
}

/* Which requests are open, as a recovery tells it. */
static int
replay_learn(void *context, enum store_origin origin, uint64_t seq, const uint8_t *p, uint32_t n)
{
    struct work *work = context;
    struct proto_event event;
    struct proto_error why;
    uint32_t i = 0;
    size_t used;

    if (origin == STORE_FROM_SNAPSHOT || !proto_event_decode(p, n, &used, &event, &why) || event.id == 0) {
        return 0;
    }
    while (i < work->count && work->open[i].request.id != event.id) {
        i++;
    }
    if (event.status == PROTO_STATUS_COMPLETED) {
        if (i < work->count) {
            work->open[i] = work->open[--work->count];
        }
        return 0;
    }
    if (i == work->count) {
        uint32_t number = (uint32_t)((event.id >> 24) - 1700000000u) * 1000 + (uint32_t)((event.id & 0xffffff) >> 6) - 1;
        if (work->count == OPEN_MAX) {
            return 1;
        }
        work->open[work->count++] = (struct open_request){.request = helper_request_of(number), .number = number};
    }
    work->open[i].request.prev = seq;
    return 0;
}

/* ------------------------------------------------------------- steps */

static enum store_status
mark_begin(struct work *work)
{
    uint8_t snapshot[4 + 20] = {0};
    uint64_t seq = store_last_seq(work->store);
    enum store_status status;

    if (seq == 0 || seq >= WORK_EVENTS_MAX) {
        return STORE_OK;
    }
    snapshot[0] = (uint8_t)snprintf((char *)snapshot + 4, 20, "state at %llu", (unsigned long long)seq);
    tape_note(work->tape, TAPE_SNAPSHOT, seq, snapshot + 4, snapshot[0]);
    status = store_mark_advance(work->store, snapshot, 4u + snapshot[0], seq);
    return status == STORE_STOPPED ? STORE_OK : status;
}

/* Whatever commits and background work have to say. `mark`: until the mark has moved, unless that takes long. */
static enum store_status
tend(struct work *work, bool mark, struct store_error *out_error)
{
    struct pollfd poll_fd = {.fd = store_fd(work->store), .events = POLLIN};
    struct store_stats stats = {.compacting = mark};
    enum store_status status = STORE_OK;
    uint64_t durable = 0;

    for (int i = 0; status == STORE_OK && (i == 0 || (mark && stats.compacting && i < MARK_POLLS)); i++) {
        if (mark) {
            poll(&poll_fd, 1, 5);
        }
        status = store_commit_end(work->store, &durable, out_error);
        store_stats(work->store, &stats);
    }
    if (status == STORE_OK) {
        tape_note(work->tape, TAPE_ACKED, durable, NULL, 0);
    }
    return status;
}

static enum store_status
step(struct work *work, uint32_t number, struct store_error *out_error)
{
    enum store_status status = STORE_OK;

    for (uint32_t i = chance(work, 4) + 1; i > 0 && status == STORE_OK; i--) {
        status = event_next(work);
    }
    if (status == STORE_OK && chance(work, 3) == 0) {
        /* The next batch fills while this one is written. */
        store_commit_begin(work->store);
        status = event_next(work);
    }
    if (status == STORE_OK && number % MARK_STEPS == MARK_STEPS - 1) {
        status = mark_begin(work);
    }
    if (status != STORE_OK) {
        *out_error = (struct store_error){.status = status, .text = "not taken"};
        return status;
    }
    status = store_commit_wait(work->store, out_error);
    if (status == STORE_OK) {
        tape_note(work->tape, TAPE_ACKED, store_durable_seq(work->store), NULL, 0);
        status = tend(work, number % MARK_STEPS == 1 && number > 1, out_error);
    }
    return status;
}

/* D3: a store that failed takes nothing more and calls nothing more durable. */
static enum work_end
silence_check(struct work *work, enum store_status failed, const struct store_error *error)
{
    struct store_error again = {0};
    uint64_t durable = store_durable_seq(work->store), later = durable;

    snprintf(work->tape->text, sizeof(work->tape->text), "%s: %s", store_status_text(failed), error->text);
    if (store_commit_end(work->store, &later, &again) == STORE_OK || later != durable ||
        store_append(work->store, store_last_seq(work->store) + 1, "x", 1) == STORE_OK ||
        store_commit_wait(work->store, &again) == STORE_OK || store_durable_seq(work->store) != durable) {
        snprintf(work->tape->text, sizeof(work->tape->text), "it goes on after it failed with %.200s", error->text);
        return WORK_WRONG;
    }
    if (error->text[0] == '\0') {
        snprintf(work->tape->text, sizeof(work->tape->text), "it failed without a word");
        return WORK_WRONG;
    }
    return WORK_STOPPED;
}

enum work_end
work_run(struct tape *tape, uint32_t seed, uint32_t steps)
{
    struct work work = {.tape = tape, .seed = seed};
    struct store_options options = work_options();
    struct store_error error = {0};
    enum work_end end = WORK_WELL;
    enum store_status status;

    proto_buf_init(&work.buf, 1 << 20);
    status = store_open(tape->calls.dir, &options, &work.store, &error);
    if (status == STORE_OK) {
        status = store_replay(work.store, replay_learn, &work, &error);
    }
    if (status != STORE_OK) {
        snprintf(tape->text, sizeof(tape->text), "%s: %s", store_status_text(status), error.text);
        end = error.text[0] != '\0' ? WORK_STOPPED : WORK_WRONG;
    }
    /* A recovery that was told to clients is acknowledged too. */
    if (status == STORE_OK) {
        tape_note(tape, TAPE_ACKED, store_durable_seq(work.store), NULL, 0);
    }
    for (uint32_t i = 0; status == STORE_OK && i < steps; i++) {
        status = step(&work, i, &error);
        if (status != STORE_OK) {
            end = silence_check(&work, status, &error);
        }
    }
    if (work.store != NULL) {
        struct store_stats stats;
        store_stats(work.store, &stats);
        tape->packed += stats.journal_bytes_total - stats.journal_stored_total;
    }
    if (store_close(&work.store, 1000000, &error) != STORE_OK && end == WORK_WELL) {
        snprintf(tape->text, sizeof(tape->text), "at the close: %s", error.text);
        end = WORK_STOPPED;
    }
    proto_buf_fini(&work.buf);
    return end;
}

/* ------------------------------------------------------------- by letters */

static void
script_wait(struct work *work, bool mark)
{
    struct pollfd poll_fd = {.fd = store_fd(work->store), .events = POLLIN};
    struct store_error error;
    struct store_stats stats = {.compacting = mark};
    uint64_t durable = store_durable_seq(work->store), projected = 0;

    store_projected(work->store, &projected);
    while (mark ? stats.compacting : projected < durable) {
        poll(&poll_fd, 1, 10); /* the mark moves in steps of which none is told */
        if (store_commit_end(work->store, &durable, &error) != STORE_OK) {
            abort();
        }
        store_projected(work->store, &projected);
        store_stats(work->store, &stats);
    }
}

static enum store_status
script_letter(struct work *work, char letter, struct store_error *out_error)
{
    struct open_request *one = &work->open[letter == 'n' ? work->count : 0];
    struct helper_request none = {.service = "", .requester = "", .performer = ""};
    enum store_status status = STORE_OK;

    switch (letter) {
    case 'n':
        one->request = helper_request_of(one->number = work->tape->begun++);
        work->count++;
        return event_give(work, PROTO_EV_ACCEPTED, &one->request, PROTO_STATUS_READY, SCRIPT_BODY);
    case 'g':
        return event_give(work, PROTO_EV_ASSIGNED, &one->request, PROTO_STATUS_IN_PROGRESS, 0);
    case 'e':
        status = event_give(work, PROTO_EV_COMPLETED, &one->request, PROTO_STATUS_COMPLETED, SCRIPT_BODY);
        memmove(one, one + 1, --work->count * sizeof(*one));
        return status;
    case 'x':
        return event_give(work, PROTO_EV_CATALOGUE_LOADED, &none, 0, 0);
    case 'c':
        status = store_commit_wait(work->store, out_error);
        tape_note(work->tape, TAPE_ACKED, store_durable_seq(work->store), NULL, 0);
        return status;
    case 'm':
        script_wait(work, false);
        status = mark_begin(work);
        script_wait(work, true);
        return status;
    case 'w':
        script_wait(work, false);
        return STORE_OK;
    default:
        raise(SIGKILL);
        abort();
    }
}

enum work_end
work_script(struct tape *tape, const char *letters)
{
    struct work work = {.tape = tape};
    struct store_options options = work_options();
    struct store_error error = {.text = "not taken"};
    enum store_status status;

    options.keep_events = SCRIPT_KEEP;
    options.wal_bytes_max = 1 << 20;
    proto_buf_init(&work.buf, 1 << 16);
    status = store_open(tape->calls.dir, &options, &work.store, &error);
    if (status == STORE_OK) {
        status = store_replay(work.store, replay_learn, &work, &error);
    }
    for (; status == STORE_OK && *letters != '\0'; letters++) {
        status = script_letter(&work, *letters, &error);
    }
    if (status == STORE_OK) {
        status = store_close(&work.store, 1000000, &error);
    }
    proto_buf_fini(&work.buf);
    snprintf(tape->text, sizeof(tape->text), "%s", status == STORE_OK ? "" : error.text);
    return status == STORE_OK ? WORK_WELL : WORK_STOPPED;
}

/* ------------------------------------------------------------- other processes */

static enum work_end
tool_end(struct tape *tape, enum store_status status, const struct store_error *error)
{
    snprintf(tape->text, sizeof(tape->text), "%s: %s", store_status_text(status), status == STORE_OK ? "" : error->text);
    if (status == STORE_OK) {
        return WORK_WELL;
    }
    return error->text[0] != '\0' ? WORK_STOPPED : WORK_WRONG;
}

/* Where nothing was ever acknowledged there may be nothing to rebuild. Of a store that is not damaged nothing is ever lost. */
enum work_end
work_rebuild(struct tape *tape)
{
    struct store_error error = {0}, lost = {.status = STORE_OK};
    enum store_status status = store_history_rebuild(tape->calls.dir, NULL, &lost, &error);

    if (status == STORE_OK && lost.status != STORE_OK) {
        snprintf(tape->text, sizeof(tape->text), "%s", lost.text);
        return WORK_WRONG;
    }
    return status == STORE_NOT_FOUND && tape->acked == 0 ? WORK_WELL : tool_end(tape, status, &error);
}

enum work_end
work_backup(struct tape *tape, const char *from)
{
    struct store_error error = {0};
    uint64_t last = 0;
    enum store_status status = store_backup(from, tape->calls.dir, &last, &error);

    if (status == STORE_OK) {
        tape_note(tape, TAPE_ACKED, last, NULL, 0);
    }
    return tool_end(tape, status, &error);
}

int
work_in_child_of(enum work_end (*run)(void *context), void *context)
{
    int status = 0;
    pid_t pid;

    fflush(stdout);
    fflush(stderr);
    pid = fork();
    if (pid == 0) {
        _exit(run(context));
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid) {
        abort();
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

struct phase {
    struct tape *tape;
    const char *letters; /* NULL: by chance */
    uint32_t seed, steps;
};

static enum work_end
phase_run(void *context)
{
    const struct phase *phase = context;

    tape_on(phase->tape);
    return phase->letters != NULL ? work_script(phase->tape, phase->letters) : work_run(phase->tape, phase->seed, phase->steps);
}

int
work_in_child(struct tape *tape, uint32_t seed, uint32_t steps)
{
    struct phase phase = {.tape = tape, .seed = seed, .steps = steps};

    return work_in_child_of(phase_run, &phase);
}

int
work_script_in_child(struct tape *tape, const char *letters)
{
    struct phase phase = {.tape = tape, .letters = letters};

    return work_in_child_of(phase_run, &phase);
}
