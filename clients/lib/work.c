/* The shortest workers: the next task, and a loop around one function. */
#include "lib/internal.h"

enum { STEP_US = 1000000, CALL_US = 30000000 };

static int64_t
left_us(int64_t until_us)
{
    int64_t now_us = qiaoi_now_us();

    return until_us == INT64_MAX ? QIAO_FOREVER : until_us > now_us ? until_us - now_us : 0;
}

enum qiao_status
qiao_next_task(struct qiao_client *client, int64_t timeout_us, struct qiao_task *out_task)
{
    int64_t until_us = qiaoi_deadline(qiaoi_now_us(), timeout_us);
    struct qiao_event event;

    for (;;) {
        enum qiao_status status = qiao_next_event(client, left_us(until_us), &event);

        if (status != QIAO_OK) {
            return status;
        }
        /* Handed back since it came, while it waited here: nothing to begin with. */
        if (event.kind == QIAO_EVENT_TASK &&
            (event.task.task == 0 || qiao_held(client, event.task.task, event.task.fence) != QIAO_HELD_NOT)) {
            *out_task = event.task;
            return QIAO_OK;
        }
    }
}

/* Not about one task: the connection, or this program. */
static bool
is_grave(enum qiao_status status)
{
    return status == QIAO_CLOSED || status == QIAO_NO_MEMORY || status == QIAO_SYSTEM || status == QIAO_ARGUMENT;
}

static enum qiao_status
work_one(struct qiao_client *client, const struct qiao_task *task, qiao_work_fn *work, void *user)
{
    struct qiao_act act = {0};
    enum qiao_status status = QIAO_OK;

    if (task->status == QIAO_TASK_REQUESTED || task->status == QIAO_TASK_RECEIVED) {
        status = qiao_accept(client, task->task, task->fence, CALL_US);
    }
    if (status == QIAO_OK && (task->status == QIAO_TASK_REQUESTED || task->status == QIAO_TASK_RECEIVED ||
                              task->status == QIAO_TASK_ACCEPTED)) {
        status = qiao_start(client, task->task, task->fence, NULL, CALL_US);
    }
    if (status != QIAO_OK) {
        return status;
    }
    work(client, task, &act, user);
    if (act.kind == 0) {
        return QIAO_OK;
    }
    act.task = task->task;
    act.fence = task->fence;
    return qiao_act(client, &act, CALL_US, NULL);
}

enum qiao_status
qiao_work(struct qiao_client *client, qiao_work_fn *work, void *user, volatile const int *stop)
{
    struct qiao_money nothing = {0};

    while (!*stop) {
        struct qiao_event event;
        enum qiao_status status = qiao_next_event(client, STEP_US, &event);

        if (status == QIAO_TIMEOUT) {
            continue;
        }
        /* One that is on hold is told again when that is lifted. */
        if (status == QIAO_OK && event.kind == QIAO_EVENT_TASK && event.task.status != QIAO_TASK_ON_HOLD &&
            qiao_held(client, event.task.task, event.task.fence) != QIAO_HELD_NOT) {
            status = work_one(client, &event.task, work, user);
        } else if (status == QIAO_OK && event.kind == QIAO_EVENT_ABORT) {
            status = qiao_accept_abort(client, event.notice.task, event.notice.fence, NULL, nothing, CALL_US);
        }
        if (is_grave(status)) {
            return status;
        }
    }
    return QIAO_OK;
}
