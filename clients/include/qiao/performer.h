/*
 * The performer's side: offer services, take tasks, report on them.
 *
 * Tasks come as QIAO_EVENT_TASK (or from qiao_next_task). Leased tasks are renewed by the client whenever the caller is
 * in a call on it; owned tasks need no renewal. Credit is handled by the client: the broker sends at most `capacity`
 * tasks that are not settled.
 *
 * Every record about a task carries its fence. QIAO_STALE means that the task went to somebody else: stop working on it;
 * nothing was changed. Common results as in qiao/requester.h.
 */
#ifndef QIAO_PERFORMER_H
#define QIAO_PERFORMER_H

#include <qiao/client.h>

#ifdef __cplusplus
extern "C" {
#endif

struct qiao_offer {
    const char *service; /* exact name, or prefix.* */
    uint32_t capacity;   /* tasks at once; 0 takes the offer back */
    struct qiao_bytes attributes; /* encoded map */
    struct qiao_money price;      /* for the policy cheapest */
    struct qiao_place place;      /* for the policy nearest */
    const char *worker;           /* name of this process, for operators */
    bool verify_only;             /* only results of other members, to verify them: no new work */
};

/*
 * Perform a service from now on; again replaces what was offered. The offer is made again after every reconnect, until
 * capacity 0 or close. At most 64 services per client. A capacity of 0 leaves running tasks where they are.
 */
QIAO_API QIAO_NODISCARD enum qiao_status qiao_offer(struct qiao_client *client, const struct qiao_offer *offer,
                                                    int64_t timeout_us);

/*
 * The next task, for simple workers: waits, and steps over other events, but not blindly: what an abort or a withdrawal
 * says is remembered for qiao_held. Valid as an event is. Answers to ..._begin calls are dropped.
 */
QIAO_API QIAO_NODISCARD enum qiao_status qiao_next_task(struct qiao_client *client, int64_t timeout_us,
                                                        struct qiao_task *out_task);

/* How it stands with a task that this client was given. Looks only at what was already received; call qiao_process. */
enum qiao_hold_state {
    QIAO_HELD_NOT = 0,   /* never given, settled, withdrawn, or the lease was lost: do not work on it */
    QIAO_HELD = 1,
    QIAO_HELD_ABORT = 2, /* held, and the requester asked to stop */
};
QIAO_API enum qiao_hold_state qiao_held(const struct qiao_client *client, qiao_id task, uint64_t fence);

/* Tasks held now. */
QIAO_API uint32_t qiao_held_count(const struct qiao_client *client);

/* ------------------------------------------------------------- acts: what is reported about a task */

enum qiao_act_kind {
    QIAO_ACT_ACCEPT = 1,   /* message */
    QIAO_ACT_REJECT,       /* reason, message */
    QIAO_ACT_START,        /* business_status */
    QIAO_ACT_PROGRESS,     /* progress, remaining_us, business_status, message, output, body; renews a lease */
    QIAO_ACT_HOLD,         /* reason, message */
    QIAO_ACT_LIFT,         /* ends a hold: message */
    QIAO_ACT_ASK,          /* message, fields, body */
    QIAO_ACT_COMPLETE,     /* outcome, output, body, business_status, charge, message */
    QIAO_ACT_VERIFY,       /* agree, message, business_status, body: takes the place of the result's, such as the document with both signatures */
    QIAO_ACT_FAIL,         /* retryable, reason, message, charge */
    QIAO_ACT_RELEASE,      /* message */
    QIAO_ACT_ACCEPT_ABORT, /* message, charge: the cost so far */
    QIAO_ACT_REFUSE_ABORT, /* reason, message, charge */
};

/* One act. Which fields count stands with its kind; the others must be zero. Everything is copied. */
struct qiao_act {
    enum qiao_act_kind kind;
    qiao_id task;
    uint64_t fence;
    enum qiao_reason reason;
    const char *message;
    const char *business_status;
    const char *outcome; /* conforming, out-of-specification, deviation, ... */
    struct qiao_bytes output;
    struct qiao_bytes body;
    struct qiao_money charge;
    double progress;
    int64_t remaining_us;
    const char *const *fields; /* input fields that are asked for */
    size_t field_count;
    bool retryable;
    bool agree;
};

/*
 * Report it and wait until the broker has it on disk. out_receipt may be NULL.
 * QIAO_UNCERTAIN: the client goes on repeating it while it is open. The same result twice is no fault: receipt.duplicate.
 */
QIAO_API QIAO_NODISCARD enum qiao_status qiao_act(struct qiao_client *client, const struct qiao_act *act,
                                                  int64_t timeout_us, struct qiao_receipt *out_receipt);

/*
 * Begin it: the answer comes as QIAO_EVENT_ANSWER with this tag. QIAO_FULL as in qiao_submit_begin; who begins one act per
 * task and offers no more capacity than its window never gets it.
 */
QIAO_API QIAO_NODISCARD enum qiao_status qiao_act_begin(struct qiao_client *client, const struct qiao_act *act,
                                                        void *tag);

/* The acts one by one, for programs that read like what they do. Texts may be NULL. */
QIAO_API QIAO_NODISCARD enum qiao_status qiao_accept(struct qiao_client *client, qiao_id task, uint64_t fence,
                                                     int64_t timeout_us);
QIAO_API QIAO_NODISCARD enum qiao_status qiao_reject(struct qiao_client *client, qiao_id task, uint64_t fence,
                                                     enum qiao_reason reason, const char *message,
                                                     int64_t timeout_us);
QIAO_API QIAO_NODISCARD enum qiao_status qiao_start(struct qiao_client *client, qiao_id task, uint64_t fence,
                                                    const char *business_status, int64_t timeout_us);
QIAO_API QIAO_NODISCARD enum qiao_status qiao_progress(struct qiao_client *client, qiao_id task, uint64_t fence,
                                                       double progress, int64_t remaining_us,
                                                       const char *business_status, const char *message,
                                                       int64_t timeout_us);
QIAO_API QIAO_NODISCARD enum qiao_status qiao_hold(struct qiao_client *client, qiao_id task, uint64_t fence,
                                                   enum qiao_reason reason, const char *message, int64_t timeout_us);
QIAO_API QIAO_NODISCARD enum qiao_status qiao_lift(struct qiao_client *client, qiao_id task, uint64_t fence,
                                                   const char *message, int64_t timeout_us);
QIAO_API QIAO_NODISCARD enum qiao_status qiao_ask(struct qiao_client *client, qiao_id task, uint64_t fence,
                                                  const char *message, const char *const *fields, size_t field_count,
                                                  int64_t timeout_us);
QIAO_API QIAO_NODISCARD enum qiao_status qiao_complete(struct qiao_client *client, qiao_id task, uint64_t fence,
                                                       const char *outcome, struct qiao_bytes output,
                                                       struct qiao_bytes body, int64_t timeout_us);
QIAO_API QIAO_NODISCARD enum qiao_status qiao_verify(struct qiao_client *client, qiao_id task, uint64_t fence,
                                                     bool agree, const char *message, int64_t timeout_us);
QIAO_API QIAO_NODISCARD enum qiao_status qiao_fail(struct qiao_client *client, qiao_id task, uint64_t fence,
                                                   bool retryable, enum qiao_reason reason, const char *message,
                                                   int64_t timeout_us);
QIAO_API QIAO_NODISCARD enum qiao_status qiao_release(struct qiao_client *client, qiao_id task, uint64_t fence,
                                                      const char *message, int64_t timeout_us);
QIAO_API QIAO_NODISCARD enum qiao_status qiao_accept_abort(struct qiao_client *client, qiao_id task, uint64_t fence,
                                                           const char *message, struct qiao_money charge,
                                                           int64_t timeout_us);
QIAO_API QIAO_NODISCARD enum qiao_status qiao_refuse_abort(struct qiao_client *client, qiao_id task, uint64_t fence,
                                                           enum qiao_reason reason, const char *message,
                                                           struct qiao_money charge, int64_t timeout_us);

/*
 * Renew the lease of one task now and wait for the answer; the client does it by itself in time. For a task that came
 * through another client of the same member (a person's desk, a second process) name its fence too.
 * QIAO_STALE: it is lost.
 */
QIAO_API QIAO_NODISCARD enum qiao_status qiao_renew(struct qiao_client *client, qiao_id task, uint64_t fence,
                                                    int64_t timeout_us);

/*
 * Work that a program starts for a task and that ends with a return value: the shortest worker.
 *
 * Takes tasks, accepts and starts those that are `requested`, calls `work`, and carries out the act that it fills in
 * (kind COMPLETE, FAIL, ...; task and fence are filled in already; kind 0: nothing, it was acted already). Answers
 * aborts that come between tasks by agreeing. Returns when *stop is not 0 (looked at every second) or a call fails with
 * something that is not about one task.
 */
typedef void qiao_work_fn(struct qiao_client *client, const struct qiao_task *task, struct qiao_act *act, void *user);
QIAO_API enum qiao_status qiao_work(struct qiao_client *client, qiao_work_fn *work, void *user,
                                    volatile const int *stop);

#ifdef __cplusplus
}
#endif
#endif
