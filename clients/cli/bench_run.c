/*
 * The two processes of a run: the producer keeps a window of requests under way, the worker completes what it is given.
 * See bench.h. They share one struct for the figures, and two pipes to start each other.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <qiao/qiao.h>

#include "bench.h"

enum { LIBRARY_WINDOW_MAX = 4096, PATIENCE_S = 120, PUT_OFF_US = 10000, STEP_US = 100000, PRODUCER_SEED = 1, WORKER_SEED = 2 };

struct bench_result *
bench_result_new(void)
{
    struct bench_result *result = mmap(NULL, sizeof *result, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    return result == MAP_FAILED ? NULL : result;
}

void
bench_result_free(struct bench_result *result)
{
    munmap(result, sizeof *result);
}

static bool
wrong(struct bench_result *result, const char *who, struct qiao_client *client, enum qiao_status status)
{
    const struct qiao_refusal *refusal = client ? qiao_last_refusal(client) : NULL;

    snprintf(result->said, sizeof result->said, "%s: %s %s", who, qiao_status_text(status), refusal ? refusal->message : "");
    return false;
}

static int64_t
own_cpu_us(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (int64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 + usage.ru_utime.tv_usec +
           usage.ru_stime.tv_usec;
}

static struct qiao_client *
client_open(const struct bench_plan *plan, uint32_t window, const char *context, const char *who, struct bench_result *result)
{
    struct qiao_options options = {.program = "qiao bench", .no_packing = plan->no_packing};
    struct qiao_client *client = NULL;
    struct qiao_context_error error = {.text = ""};
    enum qiao_status status;

    options.window = window < LIBRARY_WINDOW_MAX ? window : LIBRARY_WINDOW_MAX;
    options.tracked_max = plan->window + 1;
    status = qiao_client_open_context(context, &options, &client, &error);
    if (status != QIAO_OK) {
        snprintf(result->said, sizeof result->said, "%s: %s %.180s", who, qiao_status_text(status), error.text);
        return NULL;
    }
    return client;
}

/* ------------------------------------------------------------- worker */

static volatile sig_atomic_t worker_stop;

static void
on_stop(int number)
{
    (void)number;
    worker_stop = 1;
}

static bool
task_complete(struct qiao_client *client, const struct qiao_task *task, struct qiao_bytes output)
{
    struct qiao_act act = {.kind = QIAO_ACT_COMPLETE, .task = task->task, .fence = task->fence, .outcome = "echoed",
                           .body = output};

    return qiao_act_begin(client, &act, NULL) == QIAO_OK;
}

/* Until it is told to stop; with --queued until everything is done. */
static bool
worker_loop(const struct bench_plan *plan, struct qiao_client *client, struct bench_result *result)
{
    struct bench_noise noise;
    struct qiao_event event;
    bool good = bench_noise_init(&noise, WORKER_SEED) || wrong(result, "worker", NULL, QIAO_NO_MEMORY);
    int64_t begun_us = bench_now_us();

    while (good && !worker_stop && (plan->queued == 0 || result->drained < plan->queued)) {
        enum qiao_status status = qiao_next_event(client, STEP_US, &event);

        if (status == QIAO_TIMEOUT) {
            continue;
        }
        if (status != QIAO_OK) {
            good = wrong(result, "worker", client, status);
        } else if (event.kind == QIAO_EVENT_TASK) {
            struct qiao_bytes output = {bench_noise_take(&noise, plan->output_bytes), plan->output_bytes};

            good = task_complete(client, &event.task, output) || wrong(result, "worker", client, QIAO_FULL);
        } else if (event.kind == QIAO_EVENT_ANSWER && event.answer.status == QIAO_OK) {
            result->drained++;
        } else if (event.kind == QIAO_EVENT_ANSWER) {
            good = wrong(result, event.answer.refusal.message, NULL, event.answer.status);
        }
    }
    result->draining_us = bench_now_us() - begun_us;
    bench_noise_fini(&noise);
    return good;
}

static bool
worker_run(const struct bench_plan *plan, struct bench_result *result, int ready)
{
    const char *context = plan->worker_context ? plan->worker_context : plan->context;
    /* Room for one more, so that no request waits until the one before it has given its credit back; and a slot for its result. */
    uint32_t window = plan->window < LIBRARY_WINDOW_MAX ? plan->window + 1 : LIBRARY_WINDOW_MAX;
    struct qiao_client *client = client_open(plan, window, context, "worker", result);
    struct qiao_offer offer = {.service = plan->service, .worker = "bench", .capacity = window};
    struct bench_usage before = bench_usage_of(plan->broker_pid);
    enum qiao_status status;
    bool good;

    if (!client) {
        return false;
    }
    snprintf(result->server, sizeof result->server, "%s", qiao_session(client)->server);
    status = qiao_offer(client, &offer, QIAO_SECONDS(10));
    good = (status == QIAO_OK || wrong(result, "offer", client, status)) && write(ready, "r", 1) == 1 &&
           worker_loop(plan, client, result);
    result->broker_drain_cpu_us = bench_usage_of(plan->broker_pid).cpu_us - before.cpu_us;
    qiao_client_close(&client, QIAO_SECONDS(1));
    result->worker_cpu_us = own_cpu_us();
    return good;
}

/* ------------------------------------------------------------- producer */

struct producer {
    const struct bench_plan *plan;
    struct bench_result *result;
    struct qiao_client *client;
    struct qiao_submission submission;
    struct bench_noise noise;
    int64_t *begun_us;   /* per slot */
    uint32_t *free_slots;
    uint32_t free_n;
    uint64_t submitted, ended;
    int64_t measure_from_us, measure_until_us;
    int64_t cpu_before_us;
    int64_t resume_us;   /* when to submit again after a retry-later */
    bool measuring, over;
};

static bool
producer_init(struct producer *producer)
{
    const struct bench_plan *plan = producer->plan;

    producer->begun_us = calloc(plan->window, sizeof *producer->begun_us);
    producer->free_slots = calloc(plan->window, sizeof *producer->free_slots);
    if (!bench_noise_init(&producer->noise, PRODUCER_SEED) || !producer->begun_us || !producer->free_slots) {
        return false;
    }
    for (uint32_t at = 0; at < plan->window; at++) {
        producer->free_slots[producer->free_n++] = at;
    }
    producer->submission = (struct qiao_submission){.service = plan->service, .track = plan->queued == 0};
    if (plan->queued > 0) {
        producer->submission.notify = QIAO_NOTIFY_NONE;
    }
    return true;
}

/* Tags are slots, counted from 1 so that none is NULL. */
static bool
submit_more(struct producer *producer, uint64_t most)
{
    if (producer->resume_us != 0) {
        if (bench_now_us() < producer->resume_us) {
            return true;
        }
        producer->resume_us = 0;
    }
    while (producer->free_n > 0 && producer->submitted < most && !producer->over) {
        uint32_t slot = producer->free_slots[producer->free_n - 1], n = producer->plan->body_bytes;
        enum qiao_status status;

        producer->submission.body = (struct qiao_bytes){bench_noise_take(&producer->noise, n), n};
        status = qiao_submit_begin(producer->client, &producer->submission, (void *)(uintptr_t)(slot + 1));
        if (status == QIAO_FULL) {
            return true;
        }
        if (status != QIAO_OK) {
            return wrong(producer->result, "submit", producer->client, status);
        }
        producer->begun_us[slot] = bench_now_us();
        producer->free_n--;
        producer->submitted++;
    }
    return true;
}

static void
slot_end(struct producer *producer, uint32_t slot, bool good, int64_t now_us)
{
    producer->free_slots[producer->free_n++] = slot;
    producer->ended++;
    if (!good) {
        producer->result->failed++;
    } else if (producer->measuring) {
        producer->result->lifecycles++;
        bench_times_add(&producer->result->outcome_times, now_us - producer->begun_us[slot]);
    }
}

static bool
event_take(struct producer *producer, const struct qiao_event *event, bool outcome_wanted)
{
    uint32_t slot = (uint32_t)(uintptr_t)event->tag - 1;
    int64_t now_us = bench_now_us();

    if (!event->tag) {
        return true;
    }
    if (event->kind == QIAO_EVENT_ANSWER) {
        if (event->answer.status == QIAO_RETRY_LATER) {
            /* The broker is behind: leave it alone for a moment, but not for the whole second that it would like. */
            snprintf(producer->result->put_off, sizeof producer->result->put_off, "%s", event->answer.refusal.message);
            producer->result->put_off_count++;
            producer->resume_us = now_us + PUT_OFF_US;
            producer->free_slots[producer->free_n++] = slot;
            producer->submitted--;
        } else if (event->answer.status != QIAO_OK) {
            return wrong(producer->result, event->answer.refusal.message, NULL, event->answer.status);
        } else {
            if (producer->measuring) {
                bench_times_add(&producer->result->receipt_times, now_us - producer->begun_us[slot]);
            }
            if (!outcome_wanted) {
                slot_end(producer, slot, true, now_us);
            }
        }
    } else if (event->kind == QIAO_EVENT_CHANGE && qiao_task_status_is_final(event->change.status)) {
        slot_end(producer, slot, event->change.status == QIAO_TASK_COMPLETED, now_us);
    }
    return true;
}

static void
measure_begin(struct producer *producer, int64_t now_us)
{
    producer->measuring = true;
    producer->measure_from_us = now_us;
    producer->cpu_before_us = own_cpu_us();
    producer->result->broker_before = bench_usage_of(producer->plan->broker_pid);
}

static void
measure_end(struct producer *producer, int64_t now_us)
{
    producer->measuring = false;
    producer->over = true;
    producer->result->elapsed_us = now_us - producer->measure_from_us;
    producer->result->broker_after = bench_usage_of(producer->plan->broker_pid);
    producer->result->producer_cpu_us = own_cpu_us() - producer->cpu_before_us;
}

/* By count: everything is measured. By time: from the end of the warm-up on. */
static void
measure_turn(struct producer *producer)
{
    const struct bench_plan *plan = producer->plan;
    int64_t now_us = bench_now_us();

    if (producer->over) {
        return;
    }
    if (!producer->measuring && now_us >= producer->measure_from_us) {
        measure_begin(producer, now_us);
    }
    if (producer->measuring && (plan->count > 0 ? producer->ended >= plan->count
                                                : now_us - producer->measure_from_us >= plan->seconds_us)) {
        measure_end(producer, now_us);
    }
}

static bool
producer_loop(struct producer *producer, uint64_t most, bool outcome_wanted)
{
    int64_t quiet_since_us = bench_now_us();
    uint64_t turns = 0;

    while (!producer->over || producer->ended < producer->submitted) {
        struct qiao_event event;
        enum qiao_status status;

        if ((turns++ & 63) == 0 || producer->ended >= most) {
            measure_turn(producer);
        }
        if (!submit_more(producer, most)) {
            return false;
        }
        status = qiao_next_event(producer->client, producer->resume_us != 0 ? PUT_OFF_US : STEP_US, &event);
        if (status == QIAO_TIMEOUT) {
            turns = 0;
            if (bench_now_us() - quiet_since_us > QIAO_SECONDS(PATIENCE_S)) {
                return wrong(producer->result, "producer", NULL, QIAO_TIMEOUT);
            }
            continue;
        }
        if (status != QIAO_OK) {
            return wrong(producer->result, "producer", producer->client, status);
        }
        if ((turns & 1023) == 0) {
            quiet_since_us = bench_now_us();
        }
        if (!event_take(producer, &event, outcome_wanted)) {
            return false;
        }
    }
    return true;
}

static bool
producer_run(const struct bench_plan *plan, struct bench_result *result)
{
    struct producer producer = {.plan = plan, .result = result};
    bool good;

    producer.client = client_open(plan, plan->window, plan->context, "producer", result);
    if (!producer.client) {
        return false;
    }
    if (!producer_init(&producer)) {
        return wrong(result, "producer", NULL, QIAO_NO_MEMORY);
    }
    snprintf(result->server, sizeof result->server, "%s", qiao_session(producer.client)->server);
    producer.measure_from_us = bench_now_us() + (plan->count > 0 ? 0 : plan->warmup_us);
    good = producer_loop(&producer, plan->count > 0 ? plan->count : UINT64_MAX, plan->queued == 0);
    result->reconnects = qiao_session(producer.client)->reconnects;
    qiao_client_close(&producer.client, QIAO_SECONDS(1));
    bench_noise_fini(&producer.noise);
    free(producer.begun_us);
    free(producer.free_slots);
    return good;
}

/* ------------------------------------------------------------- processes */

static pid_t
child_start(void)
{
    pid_t parent = getpid(), child = fork();

    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != parent) {
            _exit(1);
        }
    }
    return child;
}

static pid_t
worker_start(const struct bench_plan *plan, struct bench_result *result)
{
    struct sigaction stop = {.sa_handler = on_stop};
    int ready[2];
    pid_t child;
    char byte;

    if (pipe(ready) != 0) {
        return -1;
    }
    child = child_start();
    if (child == 0) {
        close(ready[0]);
        sigaction(SIGTERM, &stop, NULL);
        _exit(worker_run(plan, result, ready[1]) ? 0 : 1);
    }
    close(ready[1]);
    if (child > 0 && read(ready[0], &byte, 1) != 1) {
        waitpid(child, NULL, 0);
        child = -1;
    }
    close(ready[0]);
    return child;
}

static bool
child_wait(pid_t child)
{
    int code = 1;

    while (waitpid(child, &code, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(code) && WEXITSTATUS(code) == 0;
}

static bool
producer_wait(const struct bench_plan *plan, struct bench_result *result)
{
    pid_t child = child_start();

    if (child == 0) {
        _exit(producer_run(plan, result) ? 0 : 1);
    }
    return child > 0 && child_wait(child);
}

/* A producer whose worker is gone would wait for ever: whoever fails first ends the run. */
static bool
pair_wait(const struct bench_plan *plan, struct bench_result *result, pid_t worker)
{
    pid_t producer = child_start(), first = -1;
    int code = 1;
    bool good;

    if (producer == 0) {
        _exit(producer_run(plan, result) ? 0 : 1);
    }
    while (producer > 0 && (first = waitpid(0, &code, 0)) < 0 && errno == EINTR) {
    }
    good = first == producer && first > 0 && WIFEXITED(code) && WEXITSTATUS(code) == 0;
    if (first != worker) {
        kill(worker, SIGTERM);
        good = child_wait(worker) && good;
    } else {
        kill(producer, SIGTERM);
        child_wait(producer);
    }
    return good;
}

/* Accept with nobody to perform, look at the broker's memory, then let a worker drain it. */
static bool
queued_run(const struct bench_plan *plan, struct bench_result *result)
{
    struct bench_plan accepting = *plan;
    pid_t worker;

    accepting.count = plan->queued;
    if (plan->drain_only) {
        worker = worker_start(plan, result);
        return worker > 0 && child_wait(worker);
    }
    if (!producer_wait(&accepting, result)) {
        return false;
    }
    result->accepted = plan->queued - result->failed;
    result->accepting_us = result->elapsed_us;
    result->broker_queued = bench_usage_of(plan->broker_pid);
    if (plan->no_worker) {
        return true;
    }
    worker = worker_start(plan, result);
    return worker > 0 && child_wait(worker);
}

bool
bench_run(const struct bench_plan *plan, struct bench_result *result)
{
    pid_t worker = 0;

    if (plan->queued > 0) {
        return queued_run(plan, result);
    }
    if (!plan->no_worker) {
        worker = worker_start(plan, result);
        if (worker < 0) {
            return false;
        }
    }
    return worker > 0 ? pair_wait(plan, result, worker) : producer_wait(plan, result);
}
