/* The acts one by one: each fills one struct qiao_act. */
#include "lib/internal.h"

enum qiao_status
qiao_accept(struct qiao_client *client, qiao_id task, uint64_t fence, int64_t timeout_us)
{
    struct qiao_act act = {.kind = QIAO_ACT_ACCEPT, .task = task, .fence = fence};

    return qiao_act(client, &act, timeout_us, NULL);
}

enum qiao_status
qiao_reject(struct qiao_client *client, qiao_id task, uint64_t fence, enum qiao_reason reason, const char *message,
            int64_t timeout_us)
{
    struct qiao_act act = {.kind = QIAO_ACT_REJECT, .task = task, .fence = fence, .reason = reason, .message = message};

    return qiao_act(client, &act, timeout_us, NULL);
}

enum qiao_status
qiao_start(struct qiao_client *client, qiao_id task, uint64_t fence, const char *business_status, int64_t timeout_us)
{
    struct qiao_act act = {.kind = QIAO_ACT_START, .task = task, .fence = fence, .business_status = business_status};

    return qiao_act(client, &act, timeout_us, NULL);
}

enum qiao_status
qiao_progress(struct qiao_client *client, qiao_id task, uint64_t fence, double progress, int64_t remaining_us,
              const char *business_status, const char *message, int64_t timeout_us)
{
    struct qiao_act act = {.kind = QIAO_ACT_PROGRESS, .task = task, .fence = fence, .progress = progress,
                           .remaining_us = remaining_us, .business_status = business_status, .message = message};

    return qiao_act(client, &act, timeout_us, NULL);
}

enum qiao_status
qiao_hold(struct qiao_client *client, qiao_id task, uint64_t fence, enum qiao_reason reason, const char *message,
          int64_t timeout_us)
{
    struct qiao_act act = {.kind = QIAO_ACT_HOLD, .task = task, .fence = fence, .reason = reason, .message = message};

    return qiao_act(client, &act, timeout_us, NULL);
}

enum qiao_status
qiao_lift(struct qiao_client *client, qiao_id task, uint64_t fence, const char *message, int64_t timeout_us)
{
    struct qiao_act act = {.kind = QIAO_ACT_LIFT, .task = task, .fence = fence, .message = message};

    return qiao_act(client, &act, timeout_us, NULL);
}

enum qiao_status
qiao_ask(struct qiao_client *client, qiao_id task, uint64_t fence, const char *message, const char *const *fields,
         size_t field_count, int64_t timeout_us)
{
    struct qiao_act act = {.kind = QIAO_ACT_ASK, .task = task, .fence = fence, .message = message, .fields = fields,
                           .field_count = field_count};

    return qiao_act(client, &act, timeout_us, NULL);
}

enum qiao_status
qiao_complete(struct qiao_client *client, qiao_id task, uint64_t fence, const char *outcome, struct qiao_bytes output,
              struct qiao_bytes body, int64_t timeout_us)
{
    struct qiao_act act = {.kind = QIAO_ACT_COMPLETE, .task = task, .fence = fence, .outcome = outcome,
                           .output = output, .body = body};

    return qiao_act(client, &act, timeout_us, NULL);
}

enum qiao_status
qiao_verify(struct qiao_client *client, qiao_id task, uint64_t fence, bool agree, const char *message,
            int64_t timeout_us)
{
    struct qiao_act act = {.kind = QIAO_ACT_VERIFY, .task = task, .fence = fence, .agree = agree, .message = message};

    return qiao_act(client, &act, timeout_us, NULL);
}

enum qiao_status
qiao_fail(struct qiao_client *client, qiao_id task, uint64_t fence, bool retryable, enum qiao_reason reason,
          const char *message, int64_t timeout_us)
{
    struct qiao_act act = {.kind = QIAO_ACT_FAIL, .task = task, .fence = fence, .retryable = retryable,
                           .reason = reason, .message = message};

    return qiao_act(client, &act, timeout_us, NULL);
}

enum qiao_status
qiao_release(struct qiao_client *client, qiao_id task, uint64_t fence, const char *message, int64_t timeout_us)
{
    struct qiao_act act = {.kind = QIAO_ACT_RELEASE, .task = task, .fence = fence, .message = message};

    return qiao_act(client, &act, timeout_us, NULL);
}

enum qiao_status
qiao_accept_abort(struct qiao_client *client, qiao_id task, uint64_t fence, const char *message,
                  struct qiao_money charge, int64_t timeout_us)
{
    struct qiao_act act = {.kind = QIAO_ACT_ACCEPT_ABORT, .task = task, .fence = fence, .message = message,
                           .charge = charge};

    return qiao_act(client, &act, timeout_us, NULL);
}

enum qiao_status
qiao_refuse_abort(struct qiao_client *client, qiao_id task, uint64_t fence, enum qiao_reason reason,
                  const char *message, struct qiao_money charge, int64_t timeout_us)
{
    struct qiao_act act = {.kind = QIAO_ACT_REFUSE_ABORT, .task = task, .fence = fence, .reason = reason,
                           .message = message, .charge = charge};

    return qiao_act(client, &act, timeout_us, NULL);
}
