/*
 * What happens to each record, and to the inputs that are no records. One file per record or small family: on_*.c.
 *
 * Every handler either refuses, and then nothing has changed, or makes its facts and answers. Before it runs, the member's
 * state and roles were checked (on_record.c).
 */
#ifndef CORE_HANDLERS_H
#define CORE_HANDLERS_H

#include "core/event.h"

void on_record(struct turn *turn);
void on_timers(struct turn *turn);
void on_catalogue_loaded(struct turn *turn, struct catalogue *catalogue);
void on_bootstrap(struct turn *turn, const struct core_bootstrap *first);

void on_submit(struct turn *turn);
void on_get(struct turn *turn);
void on_list(struct turn *turn);
void on_watch(struct turn *turn);
void on_cancel(struct turn *turn);
void on_reply(struct turn *turn);
void on_close(struct turn *turn);
void on_explain(struct turn *turn);
void on_services(struct turn *turn);
void on_enrol(struct turn *turn);

void on_offer(struct turn *turn);
void on_credit(struct turn *turn);
void on_accept(struct turn *turn);
void on_reject(struct turn *turn);
void on_start(struct turn *turn);
void on_renew(struct turn *turn);
void on_progress(struct turn *turn);
void on_hold(struct turn *turn);
void on_ask(struct turn *turn);
void on_complete(struct turn *turn);
void on_verify(struct turn *turn);
void on_fail(struct turn *turn);
void on_release(struct turn *turn);

void on_queues(struct turn *turn);
void on_workers(struct turn *turn);
void on_stats(struct turn *turn);
void on_pause(struct turn *turn);
void on_resume(struct turn *turn);
void on_drain(struct turn *turn);
void on_requeue(struct turn *turn);
void on_party(struct turn *turn);
void on_catalogue(struct turn *turn);

/* ------------------------------------------------------------- shared by handlers */

/*
 * The task that a performer's record names, checked in this order: it is known and belongs to the acting party (else
 * not-found, C3), the fence is the last one (else stale, A3). Refuses and returns 0 otherwise. A task whose request is not
 * (or no longer) in the core becomes a FINISHED effect.
 */
uint32_t task_named(struct turn *turn, uint64_t task, uint64_t fence);

/* The request that a requester's record names; of another party, or unknown: not-found. Operators may name any. */
uint32_t request_named(struct turn *turn, uint64_t id, bool operators);

/* It is not in the core: ask history what became of it. */
void answer_from_history(struct turn *turn, uint64_t id, uint64_t fence, enum core_want want);

/* Refuse as conflict, saying where the request stands. */
void refuse_status(struct turn *turn, uint32_t request, const char *message);

/* After an attempt: the number of the task that follows, or 0 at the attempt limit; and when it may start. */
uint32_t task_following(const struct core *core, uint32_t request);
int64_t backoff_until(const struct turn *turn, uint32_t request);

/* A directed task with a fallback that waits from now on is to be taken until then; 0: it has no such limit. */
int64_t fallback_due(const struct turn *turn, uint32_t request);

/* If the last fact left the request without a task, say so; then see that what waits finds a performer. */
void request_follow_up(struct turn *turn, uint32_t request);

/* Where a lost or released task goes: ready or requested. */
enum proto_status status_waiting(const struct core *core, uint32_t request);

/* A task is taken back from its performer: it gets a withdraw with the reason, and the task waits again or is over. */
void task_recall(struct turn *turn, uint32_t request, enum proto_reason reason);

/* A terminal fact of a request that ends now, told to its performer if it has one. */
void request_cancel(struct turn *turn, uint32_t request, enum proto_reason reason, struct proto_str message);

/* The request fails for good, whatever its task does. */
void request_fail(struct turn *turn, uint32_t request, enum proto_reason reason, struct proto_str message);

/* The limits' arithmetic: what is left of a limit (at least 1 if there is one), and the limit again. 0: none. */
int64_t limit_left(const struct turn *turn, int64_t limit_us);
int64_t limit_from_now(const struct turn *turn, int64_t left_us);

/* The receipt of a task that is over, while its request goes on. */
void answer_task_receipt(struct turn *turn, const struct proto_event *event);

/* Is there room for this business status? They are kept apart from requests, within a bound. Else refuses. */
bool business_fits(struct turn *turn, struct proto_str text);

/* A price in the record in hand is whole: an amount with a currency of three capitals, or none. Else refuses. */
bool charge_valid(struct turn *turn, bool has_charge, struct proto_str currency);

#endif
