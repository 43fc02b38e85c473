/*
 * worker run: performs a service with a command.
 *
 * One loop over the client and the running commands. A job's tag is its number, never its address: an answer may come after
 * the job is gone.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "command_start.h"
#include "folder.h"
#include "job.h"
#include "offer.h"
#include "print.h"
#include "table.h"
#include "value.h"
#include "when.h"
#include "words.h"

enum phase { PHASE_FREE, PHASE_RUNNING, PHASE_STOPPING, PHASE_SETTLING };

/* Why a command is being stopped. */
enum stop { STOP_NOT, STOP_WITHDRAWN, STOP_ABORTED, STOP_TOO_LONG, STOP_LEAVING };

struct work {
    enum phase phase;
    enum stop stop;
    uintptr_t number;
    qiao_id task;
    uint64_t fence;
    char service[65];
    int64_t began_us, progress_us; /* the last progress that was reported */
    struct job job;
};

struct worker {
    struct cli *cli;
    const struct args *args;
    struct offer offer;
    const char *const *words;
    bool raw, leaving;
    int64_t exec_timeout_us, left; /* tasks still to take; -1: any number */
    uintptr_t last_number;
    size_t works;
    struct work *work;
    int exit_code;
};

enum { PROGRESS_EVERY_US = 200000, GRACE_US = 5000000, COMMAND_DATA = 65 };

/* ---- saying ---- */

static void
report(const struct worker *worker, const struct work *work, const char *event, const char *detail)
{
    char at[WHEN_SIZE], id[QIAO_ID_CHARS + 1];
    const struct cli *cli = worker->cli;
    qiao_id_text(work->task, id);
    if (cli->json) {
        json_t *row = json_pack("{s:s,s:s,s:s}", "task", id, "service", work->service, "event", event);
        json_set(row, "at", json_of_time(cli, cli_now_us()));
        json_set_text(row, "detail", detail);
        print_json(cli, row);
        json_decref(row);
    } else if (!cli->quiet) {
        when_format_table(cli_now_us(), cli->utc, at);
        printf("%s  %s  %s  %s%s%s\n", at, id, work->service, event, *detail ? "  " : "", detail);
    }
    fflush(stdout);
}

/* What the broker answered: to people in their language. */
static const char *
answer_words(const struct worker *worker, const struct qiao_answer *answer, char *buf, size_t size)
{
    return words_in(answer->refusal.message, worker->cli->json ? LANG_EN : worker->cli->lang, buf, size);
}

/* ---- finding ---- */

static struct work *
work_of_task(struct worker *worker, qiao_id task)
{
    for (size_t i = 0; i < worker->works; i++)
        if (worker->work[i].phase != PHASE_FREE && worker->work[i].task == task)
            return &worker->work[i];
    return NULL;
}

static struct work *
work_of_tag(struct worker *worker, const void *tag)
{
    for (size_t i = 0; tag && i < worker->works; i++)
        if (worker->work[i].phase != PHASE_FREE && worker->work[i].number == (uintptr_t)tag)
            return &worker->work[i];
    return NULL;
}

static size_t
works_busy(const struct worker *worker)
{
    size_t n = 0;
    for (size_t i = 0; i < worker->works; i++)
        n += worker->work[i].phase != PHASE_FREE;
    return n;
}

static void
work_free(struct work *work)
{
    job_fini(&work->job);
    work->phase = PHASE_FREE;
}

/* ---- settling ---- */

/* Hands in what became of the task; the answer is awaited in the loop. */
static void
settle(struct worker *worker, struct work *work, struct qiao_act *act, const char *word)
{
    act->task = work->task;
    act->fence = work->fence;
    work->phase = PHASE_SETTLING;
    enum qiao_status status = qiao_act_begin(worker->cli->client, act, (void *)work->number);
    report(worker, work, word, status == QIAO_OK ? (act->message ? act->message : act->outcome ? act->outcome : "") : qiao_status_text(status));
    if (status != QIAO_OK)
        work_free(work);
}

static void
settle_failed(struct worker *worker, struct work *work, bool retryable, const char *message)
{
    char clean[JOB_LINE_MAX];
    text_clean(message, clean, sizeof clean);
    struct qiao_act act = { .kind = QIAO_ACT_FAIL, .retryable = retryable, .message = clean };
    settle(worker, work, &act, retryable ? "failed, may be tried again" : "failed");
}

/* The command's standard output as outcome and output. False with why. */
static bool
read_result(const struct worker *worker, struct work *work, struct qiao_act *act, char *outcome, struct qiao_map **out_map, const char **out_why)
{
    struct job *job = &work->job;
    if (worker->raw) {
        act->body = (struct qiao_bytes){ job->output, job->output_bytes };
        return true;
    }
    json_t *json = job->output_bytes ? json_loadb(job->output, job->output_bytes, JSON_REJECT_DUPLICATES, NULL) : json_object();
    const char *said = json_string_value(json_object_get(json, "outcome"));
    bool good = json_is_object(json);
    *out_why = "the command's output is not a JSON object";
    if (good && said) {
        snprintf(outcome, 65, "%s", said);
        json_object_del(json, "outcome");
    }
    if (good && json_object_size(json)) {
        *out_map = value_map(json);
        good = *out_map && qiao_map_bytes(*out_map, &act->output);
        *out_why = "the command's output is too large (16 KiB) or too deep (8 levels)";
    }
    json_decref(json);
    return good;
}

static void
settle_completed(struct worker *worker, struct work *work)
{
    char outcome[65] = "", *file = NULL;
    const char *why = "the command wrote more than 1 MiB";
    struct qiao_map *map = NULL;
    struct qiao_act act = { .kind = QIAO_ACT_COMPLETE, .outcome = outcome };
    if (work->job.output_over || !read_result(worker, work, &act, outcome, &map, &why)) {
        settle_failed(worker, work, true, why);
    } else {
        if (job_result(&work->job, &file, &act.body.n))
            act.body.p = file;
        settle(worker, work, &act, "completed");
    }
    qiao_map_free(map);
    free(file);
}

/* The command has ended: what that means for the task. */
static void
settle_ended(struct worker *worker, struct work *work)
{
    const struct job *job = &work->job;
    char message[JOB_LINE_MAX + 64];
    if (work->stop == STOP_WITHDRAWN) {
        report(worker, work, "withdrawn", "");
        work_free(work);
    } else if (work->stop == STOP_LEAVING) {
        struct qiao_act act = { .kind = QIAO_ACT_RELEASE, .message = "the worker leaves" };
        settle(worker, work, &act, "released");
    } else if (job->exit_code == 0 && work->stop != STOP_TOO_LONG) {
        settle_completed(worker, work);
    } else if (work->stop == STOP_ABORTED) {
        struct qiao_act act = { .kind = QIAO_ACT_ACCEPT_ABORT, .message = "stopped at the requester's wish" };
        settle(worker, work, &act, "aborted");
    } else {
        const char *what = work->stop == STOP_TOO_LONG ? "took too long" : job->exit_code > 128 ? "ended by signal" : "exit code";
        int number = job->exit_code > 128 ? job->exit_code - 128 : job->exit_code;
        if (*job->last)
            snprintf(message, sizeof message, "%s", job->last);
        else if (work->stop == STOP_TOO_LONG)
            snprintf(message, sizeof message, "%s", what);
        else
            snprintf(message, sizeof message, "%s %d", what, number);
        settle_failed(worker, work, job->exit_code != COMMAND_DATA, message);
    }
}

static void
stop_work(struct work *work, enum stop why)
{
    if (work->phase != PHASE_RUNNING && work->phase != PHASE_STOPPING)
        return;
    if (work->stop == STOP_NOT || why == STOP_WITHDRAWN)
        work->stop = why;
    work->phase = PHASE_STOPPING;
    job_stop(&work->job, cli_now_us(), GRACE_US);
}

/* ---- starting ---- */

/* Brings a task to in-progress. False: it is not to be worked on now. */
static bool
take_up(struct worker *worker, const struct qiao_task *task)
{
    struct qiao_client *client = worker->cli->client;
    int64_t timeout_us = worker->cli->timeout_us;
    enum qiao_status status = QIAO_OK;
    char said[128];
    if (task->status == QIAO_TASK_REQUESTED || task->status == QIAO_TASK_RECEIVED)
        status = qiao_accept(client, task->task, task->fence, timeout_us);
    if (status == QIAO_OK && task->tenure == QIAO_OWNED && task->status != QIAO_TASK_IN_PROGRESS)
        status = qiao_start(client, task->task, task->fence, NULL, timeout_us);
    if (status != QIAO_OK)
        cli_note(worker->cli, "a task was not taken: %s", words_in(qiao_status_text(status), worker->cli->lang, said, sizeof said));
    return status == QIAO_OK;
}

static void
on_task(struct worker *worker, const struct qiao_task *task)
{
    struct work *work = work_of_task(worker, task->task);
    if (work && work->fence == task->fence)
        return; /* sent again after a reconnect: it runs already */
    if (work)
        stop_work(work, STOP_WITHDRAWN);
    if (worker->leaving || worker->left == 0) {
        struct qiao_act act = { .kind = QIAO_ACT_RELEASE, .task = task->task, .fence = task->fence, .message = "the worker leaves" };
        if (task->status == QIAO_TASK_REQUESTED || task->tenure == QIAO_LEASED) /* an owned one stays with the party */
            if (qiao_act_begin(worker->cli->client, &act, NULL) != QIAO_OK)
                cli_note(worker->cli, "a task stays until its lease ends");
        return;
    }
    /* On hold, or waiting for another member's eyes: nothing to compute. */
    if (task->status == QIAO_TASK_ON_HOLD || strcmp(task->business_status, "to_be_verified") == 0)
        return;
    work = NULL;
    for (size_t i = 0; i < worker->works && !work; i++)
        work = worker->work[i].phase == PHASE_FREE ? &worker->work[i] : NULL;
    if (!work || !take_up(worker, task))
        return;
    *work = (struct work){ .phase = PHASE_RUNNING, .number = ++worker->last_number, .task = task->task, .fence = task->fence, .began_us = cli_now_us() };
    snprintf(work->service, sizeof work->service, "%s", task->service);
    worker->left -= worker->left > 0;
    if (command_start(&work->job, worker->words, task))
        report(worker, work, "started", "");
    else
        settle_failed(worker, work, true, strerror(errno));
}

/* ---- events ---- */

static void
on_answer(struct worker *worker, const struct qiao_event *event)
{
    struct work *work = work_of_tag(worker, event->tag);
    const struct qiao_answer *answer = &event->answer;
    char message[640], said[512];
    if (!work || answer->status == QIAO_UNCERTAIN)
        return; /* repeated by the library */
    bool settling = work->phase == PHASE_SETTLING;
    if (answer->status == QIAO_OK) {
        if (settling)
            work_free(work);
        return;
    }
    if (answer->status == QIAO_STALE || answer->status == QIAO_NOT_FOUND) {
        report(worker, work, "lost", answer_words(worker, answer, said, sizeof said));
        if (settling)
            work_free(work);
        else
            stop_work(work, STOP_WITHDRAWN);
        return;
    }
    if (!settling)
        return; /* progress that was refused changes nothing */
    snprintf(message, sizeof message, "%s%s%s", answer->refusal.path, *answer->refusal.path ? ": " : "",
             answer_words(worker, answer, said, sizeof said));
    report(worker, work, qiao_status_name(answer->status), message);
    snprintf(message, sizeof message, "%s%s%s", answer->refusal.path, *answer->refusal.path ? ": " : "", answer->refusal.message);
    if (answer->status == QIAO_INVALID || answer->status == QIAO_TOO_LARGE) {
        /* Its result is not what the catalogue promises. A failure has no output, so that this cannot come twice. */
        work->number = ++worker->last_number;
        settle_failed(worker, work, false, message);
    } else {
        work_free(work);
    }
}

static void
on_event(struct worker *worker, const struct qiao_event *event)
{
    struct work *work;
    switch (event->kind) {
    case QIAO_EVENT_TASK:
        on_task(worker, &event->task);
        break;
    case QIAO_EVENT_WITHDRAW:
        if ((work = work_of_task(worker, event->notice.task)) != NULL && work->fence <= event->notice.fence)
            stop_work(work, STOP_WITHDRAWN);
        break;
    case QIAO_EVENT_ABORT:
        if ((work = work_of_task(worker, event->notice.task)) != NULL && work->fence == event->notice.fence)
            stop_work(work, STOP_ABORTED);
        break;
    case QIAO_EVENT_ANSWER:
        on_answer(worker, event);
        break;
    case QIAO_EVENT_OFFER_ENDED:
        worker->exit_code = cli_status(worker->cli, event->answer.status);
        worker->leaving = true;
        break;
    case QIAO_EVENT_DISCONNECTED:
        cli_note(worker->cli, "the connection is lost; trying again");
        break;
    case QIAO_EVENT_CONNECTED:
        cli_note(worker->cli, "connected again");
        break;
    default:
        break;
    }
}

/* ---- the loop ---- */

static void
send_progress(struct worker *worker, struct work *work, int64_t now_us)
{
    char clean[JOB_LINE_MAX];
    if (!work->job.has_progress || now_us - work->progress_us < PROGRESS_EVERY_US)
        return;
    work->progress_us = now_us;
    text_clean(work->job.message, clean, sizeof clean);
    struct qiao_act act = { .kind = QIAO_ACT_PROGRESS, .task = work->task, .fence = work->fence, .progress = work->job.progress, .message = clean };
    /* With a full window it is tried again with the next look. */
    work->job.has_progress = qiao_act_begin(worker->cli->client, &act, (void *)work->number) != QIAO_OK;
}

static void
look_after(struct worker *worker)
{
    int64_t now_us = cli_now_us();
    for (size_t i = 0; i < worker->works; i++) {
        struct work *work = &worker->work[i];
        if (work->phase != PHASE_RUNNING && work->phase != PHASE_STOPPING)
            continue;
        job_read(&work->job);
        job_tick(&work->job, now_us);
        if (work->job.ended) {
            settle_ended(worker, work);
            continue;
        }
        if (work->phase == PHASE_RUNNING)
            send_progress(worker, work, now_us);
        if (worker->exec_timeout_us && now_us - work->began_us >= worker->exec_timeout_us)
            stop_work(work, STOP_TOO_LONG);
        if (cli_signal_count > 1)
            stop_work(work, STOP_LEAVING);
    }
}

/* Sleeps until the broker or a command has something, at most a moment. */
static void
sleep_until_ready(struct worker *worker)
{
    static struct pollfd fds[1 + 1024 * JOB_FDS];
    size_t n = 1;
    int timeout_ms = 1000;
    fds[0] = (struct pollfd){ .fd = qiao_fd(worker->cli->client), .events = POLLIN };
    for (size_t i = 0; i < worker->works; i++) {
        const struct work *work = &worker->work[i];
        if (work->phase != PHASE_RUNNING && work->phase != PHASE_STOPPING)
            continue;
        n += job_fds(&work->job, fds + n);
        timeout_ms = work->job.has_progress || work->phase == PHASE_STOPPING ? 100 : timeout_ms;
    }
    (void)poll(fds, n, timeout_ms);
}

static void
begin_leaving(struct worker *worker)
{
    if (worker->leaving)
        return;
    worker->leaving = true;
    (void)offer_make(worker->cli, &worker->offer, 0);
    if (works_busy(worker) && cli_signal)
        cli_note(worker->cli, "no new tasks; waiting for %zu to finish, once more to release them", works_busy(worker));
}

static int
loop(struct worker *worker)
{
    struct qiao_event event;
    while (!(worker->leaving && works_busy(worker) == 0)) {
        enum qiao_status status;
        while ((status = qiao_next_event(worker->cli->client, 0, &event)) == QIAO_OK)
            on_event(worker, &event);
        if (status != QIAO_TIMEOUT && !(cli_signal && status == QIAO_SYSTEM))
            return cli_status(worker->cli, status);
        look_after(worker);
        if (cli_signal || worker->left == 0)
            begin_leaving(worker);
        if (worker->leaving && works_busy(worker) == 0)
            break;
        (void)qiao_flush(worker->cli->client);
        sleep_until_ready(worker);
    }
    return worker->exit_code;
}

/* The command: the words behind --, or --exec for the shell. */
static int
set_command(struct worker *worker, const char *words[ARGS_MAX + 1])
{
    const struct args *args = worker->args;
    const char *line = args_text(args, "exec");
    if ((line != NULL) == (args->word_count != 0))
        return cli_error(worker->cli, EXIT_USAGE, "name a command with --exec, or behind --");
    if (line) {
        words[0] = "/bin/sh";
        words[1] = "-c";
        words[2] = line;
        words[3] = NULL;
    } else {
        memcpy(words, args->words, args->word_count * sizeof *words);
        words[args->word_count] = NULL;
    }
    worker->words = words;
    return EXIT_DONE;
}

int
run_worker(struct cli *cli, const struct args *args)
{
    static const char *words[ARGS_MAX + 1];
    struct worker worker = { .cli = cli, .args = args, .raw = args_flag(args, "raw"), .exec_timeout_us = args_number(args, "exec-timeout", 0),
                             .left = args_number(args, "count", -1) };
    int code = set_command(&worker, words);
    if (code == EXIT_DONE)
        code = offer_of(cli, args, 1, &worker.offer);
    if (code == EXIT_DONE)
        code = cli_open(cli);
    if (code == EXIT_DONE) {
        worker.works = worker.offer.capacity;
        worker.work = calloc(worker.works, sizeof *worker.work);
        code = worker.work ? EXIT_DONE : cli_error(cli, EXIT_SYSTEM, "no memory");
    }
    cli_catch_signals();
    if (code == EXIT_DONE)
        (void)folder_sweep();
    if (code == EXIT_DONE)
        code = offer_make(cli, &worker.offer, worker.offer.capacity);
    if (code == EXIT_DONE) {
        cli_note(cli, "%s waits for tasks", worker.offer.name);
        code = loop(&worker);
    }
    for (size_t i = 0; worker.work && i < worker.works; i++)
        if (worker.work[i].phase != PHASE_FREE)
            work_free(&worker.work[i]);
    free(worker.work);
    offer_fini(&worker.offer);
    return code;
}
