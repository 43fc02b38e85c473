/* The loop of a worker: see worker.h. */
#include "common/worker.h"

#include "common/convert.h"
#include "common/work.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <unistd.h>

enum { ROUND_EVENTS_MAX = 256 };

static int
exit_code_of(enum qiao_status status)
{
    switch (status) {
    case QIAO_FORBIDDEN: case QIAO_NOT_FOUND: return EX_NOPERM;
    case QIAO_CONTEXT: case QIAO_CONFLICT: return EX_CONFIG;
    case QIAO_UNREACHABLE: case QIAO_TIMEOUT: case QIAO_UNCERTAIN: case QIAO_CLOSED: return EX_UNAVAILABLE;
    default: return EX_SOFTWARE;
    }
}

/* ---- offers */

static json_t *
attributes_read(const char *program, const char *path, int *out_code)
{
    json_error_t error;
    json_t *attributes = path ? json_load_file(path, JSON_REJECT_DUPLICATES, &error) : json_object();
    if (json_is_object(attributes))
        return attributes;
    fprintf(stderr, "%s: %s: %s\n", program, path, attributes ? "must be a JSON object" : error.text);
    json_decref(attributes);
    *out_code = EX_NOINPUT;
    return NULL;
}

static int
offers_make(struct worker *worker, const json_t *attributes)
{
    const json_t *site = json_object_get(attributes, "site");
    struct qiao_map *map = map_of_json(attributes);
    struct qiao_offer offer = {.capacity = worker->options.capacity, .verify_only = worker->options.verify,
        .worker = worker->options.name ? worker->options.name : worker->kind->program};
    enum qiao_status status = QIAO_OK;
    if (*worker->options.price_currency)
        offer.price = (struct qiao_money){worker->options.price_minor, worker->options.price_currency};
    if (!map || !qiao_map_bytes(map, &offer.attributes)) {
        fprintf(stderr, "%s: the attributes are too large\n", worker->kind->program);
        qiao_map_free(map);
        return EX_CONFIG;
    }
    if (json_array_size(site) == 2 && json_is_number(json_array_get(site, 0)) && json_is_number(json_array_get(site, 1)))
        offer.place = (struct qiao_place){true, json_number_value(json_array_get(site, 0)), json_number_value(json_array_get(site, 1))};
    for (int i = 0; status == QIAO_OK && i < worker->options.services_n; i++) {
        offer.service = worker->options.services[i];
        status = qiao_offer(worker->client, &offer, QIAO_SECONDS(10));
        if (status != QIAO_OK)
            fprintf(stderr, "%s: offer %s: %s (%s)\n", worker->kind->program, offer.service,
                    status < QIAO_TIMEOUT ? qiao_last_refusal(worker->client)->message : qiao_status_text(status), qiao_status_name(status));
    }
    qiao_map_free(map);
    return status == QIAO_OK ? 0 : exit_code_of(status);
}

/* ---- events */

static void
abort_answer(struct worker *worker, const struct qiao_notice *notice)
{
    struct work *work = work_find(worker, notice->task);
    struct qiao_money nothing = {0};
    enum qiao_status status = qiao_accept_abort(worker->client, notice->task, notice->fence, "stopped", nothing, QIAO_SECONDS(10));
    if (!work || work->fence != notice->fence || status != QIAO_OK)
        return;
    work_log(worker, work, "aborted", "");
    if (worker->kind->dropped)
        worker->kind->dropped(worker->kind->site, work->reference);
    work_free(work);
}

/* Not ours any more. Unless the work was done, what was booked for it is free again. */
static void
withdrawal_take(struct worker *worker, const struct qiao_notice *notice)
{
    struct work *work = work_find(worker, notice->task);
    if (!work || work->fence != notice->fence)
        return;
    work_log(worker, work, "withdrawn", qiao_reason_name(notice->reason));
    bool over = notice->status == QIAO_TASK_COMPLETED || notice->status == QIAO_TASK_IN_PROGRESS;
    if (!over && worker->kind->dropped)
        worker->kind->dropped(worker->kind->site, work->reference);
    work_free(work);
}

/* False: the connection is over for good. */
static bool
events_take(struct worker *worker, enum qiao_status *out_status)
{
    struct qiao_event event;
    for (int i = 0; i < ROUND_EVENTS_MAX; i++) {
        enum qiao_status status = qiao_next_event(worker->client, 0, &event);
        if (status == QIAO_TIMEOUT)
            return true;
        if (status != QIAO_OK) {
            *out_status = status;
            return false;
        }
        switch (event.kind) {
        case QIAO_EVENT_TASK:
            if (!work_take(worker, &event.task))
                fprintf(stderr, "%s: no room for a task; it stays with the party\n", worker->kind->program);
            break;
        case QIAO_EVENT_ABORT: abort_answer(worker, &event.notice); break;
        case QIAO_EVENT_WITHDRAW: withdrawal_take(worker, &event.notice); break;
        case QIAO_EVENT_OFFER_ENDED:
            fprintf(stderr, "%s: the broker takes the offer no more\n", worker->kind->program);
            *out_status = QIAO_FORBIDDEN;
            return false;
        default: break;
        }
    }
    return true;
}

/* ---- the loop */

static int64_t
works_move(struct worker *worker)
{
    int64_t next_us = INT64_MAX;
    for (size_t i = 0; i < worker->works_n; i++) {
        struct work *work = &worker->works[i];
        if (work->state != WORK_FREE && work->due_us <= clock_mono_us())
            work_move(worker, work);
        if (work->state != WORK_FREE && work->due_us < next_us)
            next_us = work->due_us;
    }
    return next_us;
}

static void
stop_look(struct worker *worker, int signals)
{
    struct signalfd_siginfo info;
    if (read(signals, &info, sizeof info) == (ssize_t)sizeof info)
        worker->stopping = true;
}

static enum qiao_status
worker_loop(struct worker *worker, int signals)
{
    enum qiao_status status = QIAO_OK;
    while (!worker->stopping) {
        /* An act that waits takes in events too: look for them before going to sleep. */
        int64_t next_us = works_move(worker);
        if (!events_take(worker, &status))
            return status;
        for (size_t i = 0; i < worker->works_n; i++)
            if (worker->works[i].state != WORK_FREE && worker->works[i].due_us < next_us)
                next_us = worker->works[i].due_us;
        int64_t wait_us = next_us == INT64_MAX ? QIAO_SECONDS(1) : next_us - clock_mono_us();
        wait_us = wait_us < 0 ? 0 : wait_us > QIAO_SECONDS(1) ? QIAO_SECONDS(1) : wait_us;
        struct pollfd polls[] = {{.fd = qiao_fd(worker->client), .events = POLLIN}, {.fd = signals, .events = POLLIN}};
        if (poll(polls, 2, (int)((wait_us + 999) / 1000)) < 0 && errno != EINTR)
            return QIAO_SYSTEM;
        if (polls[1].revents)
            stop_look(worker, signals);
    }
    return QIAO_OK;
}

/* Leased tasks are given back; owned ones stay with the party, whose other workers carry on. */
static void
worker_leave(struct worker *worker)
{
    size_t left = 0;
    for (size_t i = 0; i < worker->works_n; i++) {
        struct work *work = &worker->works[i];
        if (work->state == WORK_FREE)
            continue;
        if (work->leased && qiao_release(worker->client, work->task, work->fence, "the worker stops", QIAO_SECONDS(2)) == QIAO_OK)
            work_log(worker, work, "released", "");
        else
            left++;
        work_free(work);
    }
    printf("%s stopped, %zu tasks stay with the party\n", worker->kind->program, left);
    fflush(stdout);
}

static int
worker_run(struct worker *worker, int signals)
{
    int code = 0;
    struct qiao_options options = {.program = worker->kind->program};
    struct qiao_context_error error = {0};
    json_t *attributes = attributes_read(worker->kind->program, worker->options.attributes, &code);
    if (!attributes)
        return code;
    enum qiao_status status = qiao_client_open_context(worker->options.context, &options, &worker->client, &error);
    if (status != QIAO_OK) {
        fprintf(stderr, "%s: %s%s%s\n", worker->kind->program, qiao_status_text(status), *error.text ? ": " : "", error.text);
        json_decref(attributes);
        return exit_code_of(status);
    }
    code = offers_make(worker, attributes);
    json_decref(attributes);
    if (code == 0) {
        const struct qiao_session *session = qiao_session(worker->client);
        printf("%s ready party=%s member=%s capacity=%u%s\n", worker->kind->program, session->party, session->member, worker->options.capacity,
               worker->options.verify ? " verify" : "");
        fflush(stdout);
        status = worker_loop(worker, signals);
        if (status != QIAO_OK)
            fprintf(stderr, "%s: %s\n", worker->kind->program, qiao_status_text(status));
        code = status == QIAO_OK ? 0 : exit_code_of(status);
        worker_leave(worker);
    }
    qiao_client_close(&worker->client, QIAO_SECONDS(2));
    return code;
}

/* ---- once, without a broker */

static char *
file_read(const char *program, const char *path, size_t *out_bytes)
{
    FILE *file = fopen(path, "rb");
    char *bytes = file ? calloc(1, INPUT_BODY_BYTES_MAX + 1) : NULL;
    if (bytes)
        *out_bytes = fread(bytes, 1, INPUT_BODY_BYTES_MAX + 1, file);
    if (!bytes)
        fprintf(stderr, "%s: %s: %s\n", program, path, strerror(errno));
    if (file)
        fclose(file);
    return bytes;
}

static int
try_print(const struct answer *answer)
{
    json_t *shown = json_object(), *fields = json_array();
    if (answer->kind == ANSWER_REFUSED)
        json_object_set_new(shown, "refused", json_string(answer->fault.message));
    if (*answer->message)
        json_object_set_new(shown, "message", json_string(answer->message));
    for (size_t i = 0; i < answer->fields_n; i++)
        json_array_append_new(fields, json_string(answer->fields[i]));
    json_object_set_new(shown, "asks_for", fields);
    json_object_set_new(shown, "outcome", json_string(answer->outcome));
    if (answer->output)
        json_object_set(shown, "output", answer->output);
    if (answer->body)
        json_object_set(shown, "body", answer->body);
    json_dumpf(shown, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(shown);
    return answer->kind == ANSWER_REFUSED ? EX_DATAERR : answer->kind == ANSWER_TROUBLE ? EX_SOFTWARE : 0;
}

static int
worker_try(const struct worker *worker)
{
    json_error_t error;
    size_t body_bytes = 0;
    const struct options *options = &worker->options;
    char *body = options->try_body ? file_read(worker->kind->program, options->try_body, &body_bytes) : NULL;
    json_t *input = json_load_file(options->try_input, JSON_REJECT_DUPLICATES, &error);
    int code = EX_NOINPUT;
    if (!input)
        fprintf(stderr, "%s: %s, line %d: %s\n", worker->kind->program, options->try_input, error.line, error.text);
    if (input && (body || !options->try_body)) {
        struct answer answer = {0};
        struct job job = {.service = options->try_service, .reference = "TRIED", .input = input, .body = body, .body_bytes = body_bytes,
                          .now_us = clock_utc_us(), .party = "nobody", .member = "nobody", .verifying = true};
        worker->kind->compute(&job, worker->kind->site, &answer);
        code = try_print(&answer);
        answer_fini(&answer);
    }
    json_decref(input);
    free(body);
    return code;
}

/* ---- the program */

/* SIGTERM and SIGINT come through a descriptor. Blocked before libzmq starts its threads, so that no thread of it takes them. */
static int
signals_open(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

int
worker_main(const struct worker_kind *kind, int argc, char **argv)
{
    struct worker worker = {.kind = kind};
    int code = options_parse(argc, argv, kind->program, kind->summary, kind->services, kind->options, &worker.options);
    if (code != 0)
        return code == 1 ? 0 : code;
    if (sodium_init() < 0)
        return EX_SOFTWARE;
    if (kind->open && !kind->open(kind->site))
        return EX_CONFIG;
    if (worker.options.try_service) {
        code = worker_try(&worker);
    } else {
        int signals = signals_open();
        worker.works_n = 2 * worker.options.capacity + 8; /* tasks told again after a reconnect may overlap with new ones */
        worker.works = calloc(worker.works_n, sizeof *worker.works);
        code = worker.works && signals >= 0 ? worker_run(&worker, signals) : EX_OSERR;
        free(worker.works);
        close(signals);
    }
    if (kind->close)
        kind->close(kind->site);
    return code;
}
