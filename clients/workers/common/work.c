/* Tasks in the hands of a worker: see work.h. */
#include "common/work.h"

#include "common/convert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RETRY_US = 1000000, HELD_RETRY_US = 60000000 };
#define CALL_US QIAO_SECONDS(10)

static int64_t
clock_us(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

int64_t
clock_mono_us(void)
{
    return clock_us(CLOCK_MONOTONIC);
}

int64_t
clock_utc_us(void)
{
    return clock_us(CLOCK_REALTIME);
}

void
work_log(const struct worker *worker, const struct work *work, const char *what, const char *detail)
{
    char task[QIAO_ID_CHARS + 1];
    qiao_id_text(work->task, task);
    printf("%s task=%s service=%s %s%s%s\n", worker->kind->program, task, work->service, what, *detail ? " " : "", detail);
    fflush(stdout);
}

struct work *
work_find(struct worker *worker, qiao_id task)
{
    for (size_t i = 0; i < worker->works_n; i++)
        if (worker->works[i].state != WORK_FREE && worker->works[i].task == task)
            return &worker->works[i];
    return NULL;
}

void
work_free(struct work *work)
{
    answer_fini(&work->answer);
    json_decref(work->input);
    json_decref(work->output);
    free(work->body);
    memset(work, 0, sizeof *work);
}

static struct work *
work_room(struct worker *worker)
{
    for (size_t i = 0; i < worker->works_n; i++)
        if (worker->works[i].state == WORK_FREE)
            return &worker->works[i];
    return NULL;
}

static enum work_state
state_of(const struct qiao_task *task)
{
    switch (task->status) {
    case QIAO_TASK_REQUESTED: case QIAO_TASK_RECEIVED: return WORK_TO_ACCEPT;
    case QIAO_TASK_ACCEPTED: return WORK_TO_START;
    case QIAO_TASK_IN_PROGRESS:
        return strcmp(task->business_status, "to_be_verified") == 0         ? WORK_TO_VERIFY
               : strcmp(task->business_status, "verification_refused") == 0 ? WORK_SENT_BACK
                                                                            : WORK_TO_COMPUTE;
    case QIAO_TASK_ON_HOLD: return strcmp(task->business_status, "awaiting-information") == 0 ? WORK_ASKED : WORK_TO_START;
    default: return WORK_FREE;
    }
}

/* The body is kept unless a reply brings a new one. */
static bool
body_keep(struct work *work, struct qiao_bytes body)
{
    void *copy = body.n > 0 ? malloc(body.n) : NULL;
    if (body.n == 0)
        return true;
    if (!copy)
        return false;
    memcpy(copy, body.p, body.n);
    free(work->body);
    work->body = copy;
    work->body_bytes = body.n;
    return true;
}

/* A reply overlays the input that was there before. */
static bool
reply_take(struct work *work, const struct qiao_task *task)
{
    json_t *fields = json_of_map(task->input);
    bool taken = fields && json_object_update(work->input, fields) == 0 && body_keep(work, task->body);
    json_decref(fields);
    return taken;
}

static bool
task_take(struct work *work, const struct qiao_task *task)
{
    work->task = task->task;
    work->leased = task->tenure == QIAO_LEASED;
    snprintf(work->service, sizeof work->service, "%s", task->service);
    qiao_id_text(task->request, work->reference);
    work->input = json_of_map(task->input);
    work->output = json_of_map(task->output);
    return work->input && work->output && body_keep(work, task->body);
}

bool
work_take(struct worker *worker, const struct qiao_task *task)
{
    struct work *work = work_find(worker, task->task);
    bool taken = true, unseen = task->reply && !work;
    if (task->reply && work) {
        answer_fini(&work->answer);
        taken = reply_take(work, task);
    } else if (work && work->fence == task->fence && work->held && task->status != QIAO_TASK_ON_HOLD) {
        work->held = false; /* the hold was lifted: the same act again, at once */
        work->due_us = clock_mono_us();
        work_log(worker, work, "lifted", "");
        return true;
    } else if (work && work->fence == task->fence && work->state == state_of(task)) {
        return true; /* told again after a reconnect */
    } else if (work && work->fence == task->fence && work->state == WORK_PLAYING && state_of(task) == WORK_TO_COMPUTE) {
        return true; /* under way already */
    } else {
        if (work)
            work_free(work);
        work = work_room(worker);
        taken = work && task_take(work, task);
    }
    if (!work)
        return false;
    work->fence = task->fence;
    work->held = task->status == QIAO_TASK_ON_HOLD;
    work->state = !taken ? WORK_FREE : unseen ? WORK_UNSEEN : state_of(task);
    work->due_us = clock_mono_us();
    work_log(worker, work, qiao_task_status_name(task->status), task->reply ? "reply" : task->business_status);
    if (work->state == WORK_FREE)
        work_free(work);
    return taken;
}

/* ---- acts */

/* What the answer to an act means for the task. */
enum fate { FATE_DONE, FATE_GONE, FATE_LATER, FATE_WRONG };

static enum fate
act(struct worker *worker, struct work *work, struct qiao_act *what)
{
    what->task = work->task;
    what->fence = work->fence;
    enum qiao_status status = qiao_act(worker->client, what, CALL_US, NULL);
    if (status == QIAO_CONFLICT && qiao_last_refusal(worker->client)->status == QIAO_TASK_ON_HOLD) {
        /* Somebody holds it. The broker tells when that is lifted; the same act is tried now and then all the same. */
        if (!work->held)
            work_log(worker, work, "held", "");
        work->held = true;
        work->due_us = clock_mono_us() + HELD_RETRY_US;
        return FATE_LATER;
    }
    work->held = false;
    switch (status) {
    case QIAO_OK: return FATE_DONE;
    case QIAO_STALE: case QIAO_NOT_FOUND: case QIAO_CONFLICT: case QIAO_FORBIDDEN:
        work_log(worker, work, "gone", qiao_status_name(status));
        return FATE_GONE;
    case QIAO_INVALID: case QIAO_TOO_LARGE: case QIAO_MALFORMED: case QIAO_UNSUPPORTED: case QIAO_ARGUMENT:
        work_log(worker, work, "refused", qiao_last_refusal(worker->client)->path);
        return FATE_WRONG;
    default: /* no answer or no connection: the same act again is no fault */
        work_log(worker, work, "later", qiao_status_name(status));
        return FATE_LATER;
    }
}

static void
task_fail(struct worker *worker, struct work *work, bool retryable, enum qiao_reason reason, const char *message)
{
    struct qiao_act fail = {.kind = QIAO_ACT_FAIL, .retryable = retryable, .reason = reason, .message = message};
    enum fate fate = act(worker, work, &fail);
    if (fate == FATE_LATER)
        return;
    work_log(worker, work, "failed", qiao_reason_name(reason));
    if (worker->kind->dropped)
        worker->kind->dropped(worker->kind->site, work->reference);
    work_free(work);
}

static void
task_ask(struct worker *worker, struct work *work)
{
    const char *fields[JOB_FIELDS_MAX];
    for (size_t i = 0; i < work->answer.fields_n; i++)
        fields[i] = work->answer.fields[i];
    struct qiao_act ask = {.kind = QIAO_ACT_ASK, .message = work->answer.message, .fields = fields, .field_count = work->answer.fields_n};
    enum fate fate = act(worker, work, &ask);
    if (fate == FATE_DONE) {
        work->state = WORK_ASKED;
        work->due_us = INT64_MAX;
        work_log(worker, work, "asked", "");
    } else if (fate != FATE_LATER) {
        work_free(work);
    }
}

static void
task_complete(struct worker *worker, struct work *work)
{
    size_t body_bytes = 0;
    struct qiao_map *map = map_of_json(work->answer.output);
    char *body = job_body(&work->answer, &body_bytes);
    struct qiao_act complete = {.kind = QIAO_ACT_COMPLETE, .outcome = work->answer.outcome, .business_status = work->answer.business_status,
                                .message = work->answer.message, .body = {body, body_bytes}};
    enum fate fate = map && qiao_map_bytes(map, &complete.output) ? act(worker, work, &complete) : FATE_WRONG;
    qiao_map_free(map);
    free(body);
    if (fate == FATE_WRONG) {
        task_fail(worker, work, false, QIAO_REASON_NONE, "the result does not fit the service's output");
    } else if (fate != FATE_LATER) {
        work_log(worker, work, fate == FATE_DONE ? "completed" : "lost", work->answer.outcome);
        work_free(work);
    }
}

/* ---- computing */

static void
work_compute(struct worker *worker, struct work *work)
{
    const struct qiao_session *session = qiao_session(worker->client);
    int64_t now_us = clock_utc_us();
    struct job job = {.service = work->service, .reference = work->reference, .input = work->input, .body = work->body, .body_bytes = work->body_bytes,
                      .now_us = now_us, .party = session->party, .member = session->member, .verifying = work->state == WORK_TO_VERIFY,
                      .computed_by = json_string_value(json_object_get(work->output, "computed_by"))};
    answer_fini(&work->answer);
    work->step = 0;
    worker->kind->compute(&job, worker->kind->site, &work->answer);
    work->base_us = clock_mono_us();
    if (work->answer.begun_us > 0 && work->answer.begun_us < now_us)
        work->base_us -= now_us - work->answer.begun_us;
}

/* When something of the answer is due: after so long from the start of the work, in compressed time. */
static int64_t
due_of(const struct worker *worker, const struct work *work, int64_t after_us)
{
    double speed = worker->options.speed;
    int64_t lead_us = speed > 1 ? 0 : work->answer.lead_us; /* compressed time does not wait for a day that is far away */
    return work->base_us + lead_us + (int64_t)((double)after_us / speed);
}

/* Tell the latest step that is due; the ones before it are history already. False: the work is over, or held. */
static bool
steps_tell(struct worker *worker, struct work *work, int64_t now_us)
{
    const struct step *due = NULL;
    while (work->step < work->answer.steps_n && due_of(worker, work, work->answer.steps[work->step].after_us) <= now_us)
        due = &work->answer.steps[work->step++];
    if (!due)
        return true;
    struct qiao_map *map = due->output ? map_of_json(due->output) : NULL;
    int64_t left_us = due_of(worker, work, work->answer.length_us) - now_us;
    struct qiao_act progress = {.kind = QIAO_ACT_PROGRESS, .progress = due->progress, .remaining_us = left_us > 0 ? left_us : 0,
                                .business_status = due->business_status, .message = due->message};
    if (map)
        (void)!qiao_map_bytes(map, &progress.output);
    enum fate fate = act(worker, work, &progress);
    qiao_map_free(map);
    if (fate == FATE_GONE)
        work_free(work);
    return fate != FATE_GONE && !work->held;
}

static void
work_play(struct worker *worker, struct work *work)
{
    int64_t now_us = clock_mono_us();
    if (!steps_tell(worker, work, now_us))
        return;
    bool ended = work->step == work->answer.steps_n && due_of(worker, work, work->answer.length_us) <= now_us;
    if (ended) {
        task_complete(worker, work);
        return;
    }
    work->due_us = due_of(worker, work, work->step < work->answer.steps_n ? work->answer.steps[work->step].after_us : work->answer.length_us);
}

/* The answer decides what follows; ANSWER_DONE is played. */
static void
work_answer(struct worker *worker, struct work *work)
{
    const struct answer *answer = &work->answer;
    switch (answer->kind) {
    case ANSWER_DONE:
        work->state = WORK_PLAYING;
        work_log(worker, work, "working", "");
        work_play(worker, work);
        break;
    case ANSWER_ASK: task_ask(worker, work); break;
    case ANSWER_REFUSED:
        task_fail(worker, work, false, answer->fault.kind == FAULT_MISSING ? QIAO_REASON_MISSING : QIAO_REASON_MISIDENTIFIED, answer->fault.message);
        break;
    case ANSWER_TROUBLE: case ANSWER_NONE: task_fail(worker, work, true, QIAO_REASON_EQUIPMENT_ISSUE, answer->message); break;
    }
}

/* ---- verifying */

/* What was asked back and given stands in the result, so that the same input can be computed again. */
static void
work_verify(struct worker *worker, struct work *work)
{
    char digest[JOB_DIGEST_BYTES] = "";
    const char *claimed = json_string_value(json_object_get(work->output, "digest"));
    json_t *answers = json_object_get(work->output, "answers");
    if (json_is_object(answers))
        json_object_update_missing(work->input, answers); /* what the requester wrote stays as it is */
    work_compute(worker, work);
    if (work->answer.kind == ANSWER_DONE)
        snprintf(digest, sizeof digest, "%s", json_string_value(json_object_get(work->answer.output, "digest")));
    bool agree = claimed && *digest && strcmp(digest, claimed) == 0;
    if (agree && work->answer.needs_decision && !worker->options.decide) {
        work_log(worker, work, "waits", "for a person's decision");
        work->state = WORK_RESTS;
        work->due_us = INT64_MAX;
        return;
    }
    size_t body_bytes = 0;
    char *body = agree ? job_body(&work->answer, &body_bytes) : NULL; /* the documents with both names */
    struct qiao_act verify = {.kind = QIAO_ACT_VERIFY, .agree = agree, .body = {body, body_bytes},
        .message = agree ? "computed again with the same result" : "computed again with another result"};
    if (agree)
        verify.business_status = work->answer.needs_decision ? "deviation-accepted" : worker->kind->verified_status;
    enum fate fate = act(worker, work, &verify);
    free(body);
    if (fate == FATE_LATER)
        return;
    work_log(worker, work, agree ? "verified" : "sent-back", "");
    work_free(work);
}

/* Put it on hold for a person; once that is lifted it is computed again. */
static void
work_hold(struct worker *worker, struct work *work)
{
    struct qiao_act hold = {.kind = QIAO_ACT_HOLD, .reason = QIAO_REASON_PERSONNEL_ISSUE,
        .message = "another member of the provider did not agree with the result: a person decides"};
    enum fate fate = act(worker, work, &hold);
    if (fate == FATE_LATER)
        return;
    if (fate != FATE_DONE) {
        work_free(work);
        return;
    }
    work_log(worker, work, "held", "sent back");
    work->state = WORK_TO_START;
    work->held = true;
    work->due_us = clock_mono_us() + HELD_RETRY_US;
}

void
work_move(struct worker *worker, struct work *work)
{
    struct qiao_act accept = {.kind = QIAO_ACT_ACCEPT}, start = {.kind = QIAO_ACT_START};
    enum fate fate = FATE_DONE;
    work->due_us = clock_mono_us() + RETRY_US;
    if (work->state == WORK_TO_ACCEPT) {
        fate = act(worker, work, &accept);
        work->state = fate == FATE_DONE ? WORK_TO_START : work->state;
    }
    if (work->state == WORK_TO_START && fate == FATE_DONE) {
        fate = act(worker, work, &start);
        work->state = fate == FATE_DONE ? WORK_TO_COMPUTE : work->state;
    }
    if (fate == FATE_GONE || fate == FATE_WRONG) {
        work_free(work);
        return;
    }
    if (work->state == WORK_TO_COMPUTE) {
        if (work->answer.kind == ANSWER_NONE)
            work_compute(worker, work);
        work_answer(worker, work);
    } else if (work->state == WORK_PLAYING) {
        work_play(worker, work);
    } else if (work->state == WORK_TO_VERIFY) {
        work_verify(worker, work);
    } else if (work->state == WORK_SENT_BACK) {
        work_hold(worker, work);
    } else if (work->state == WORK_UNSEEN) {
        task_fail(worker, work, true, QIAO_REASON_EQUIPMENT_ISSUE, "the reply came without the request: it has to be seen whole");
    } else if (work->state == WORK_ASKED || work->state == WORK_RESTS) {
        work->due_us = INT64_MAX;
    }
}
