/*
 * What a handler works with: the turn in hand, facts and effects.
 *
 * A turn is one call of core_decide. A handler reads the state, refuses or makes facts (event_begin, fill in,
 * event_commit), and appends effects. It writes no durable state: event_commit applies.
 */
#ifndef CORE_EVENT_H
#define CORE_EVENT_H

#include "core/state.h"

struct turn {
    struct core *core;
    struct core_now now;
    struct core_out *out;
    uint32_t conn;   /* handle; 0: nobody asked */
    uint32_t member; /* who acts; 0: the broker itself */
    uint32_t party;
    const struct proto_record *record;
    uint32_t item; /* the request that the last fact was about */
};

/* ------------------------------------------------------------- facts */

/* A new fact about a request (0: about none): zero, then who, when, and the request as it stands. */
void event_begin(struct turn *turn, struct proto_event *event, enum proto_ev type, uint32_t request);

/* The same, acted by the broker: timers, drains. */
void event_begin_broker(struct turn *turn, struct proto_event *event, enum proto_ev type, uint32_t request);

/*
 * Apply it, append it to the journal's bytes, tell its requester's connection and the watches, set timers. The caller has
 * set task_status (where the task moves to; it begins as where it is). Returns its sequence.
 */
uint64_t event_commit(struct turn *turn, struct proto_event *event, uint32_t request);

/* Fill in what a terminal event sums up. */
void event_sum_up(const struct core *core, struct proto_event *event, uint32_t request);

/*
 * Apply one fact: the only writer of durable state. *item: the request that it is about if the caller knows it, else 0;
 * afterwards the request.
 */
enum core_applied event_apply(struct core *core, uint64_t seq, const struct proto_event *event, uint32_t *item);

/* ------------------------------------------------------------- effects */

enum { /* core_effect.flags */
    EFFECT_DUPLICATE = 1 << 0,
    EFFECT_LEASED = 1 << 1,
    EFFECT_REPLY = 1 << 2,
    EFFECT_VERIFY = 1 << 3,
    EFFECT_TRAIL = 1 << 4,
    EFFECT_OUTPUT = 1 << 5,
    EFFECT_INPUT = 1 << 6,
    EFFECT_NOTIFY = 1 << 7, /* the terminal event follows the receipt */
};

/* A new effect, tagged with the last sequence. Valid until the next one. */
struct core_effect *effect_add(struct turn *turn, enum core_effect_kind kind, uint32_t conn);

/* Put the newest effect before those from position `at` on, as far as they have its sequence: effects stay in its order. */
void effect_last_to(struct turn *turn, uint32_t at);

/* Encode a record now and send it when what was decided before it is durable. */
void effect_send(struct turn *turn, uint32_t conn, const struct proto_record *record);

/* To the record in hand; nothing if its sender gave it no number. */
void answer_receipt(struct turn *turn, uint64_t id, enum proto_status status);
void answer_request_receipt(struct turn *turn, uint32_t request); /* its id, status, task, last sequence */
void answer_duplicate(struct turn *turn, uint32_t request);
void answer_refusal(struct turn *turn, enum proto_refusal_code code, const char *path, const char *message);
void answer_invalid(struct turn *turn, const struct input_fault *fault);
void answer_retry_later(struct turn *turn, const char *message);
void answer_conflict(struct turn *turn, uint64_t id, enum proto_status status, const char *message);
/* A page of rows already encoded, `count` of them. */
void answer_page(struct turn *turn, enum proto_page_kind kind, const struct proto_buf *rows, uint32_t count,
                 const char *next);

/* To the performer's connection of a bound task; nothing when there is none. */
void tell_task(struct turn *turn, uint32_t request, uint64_t source2, bool reply);
void tell_abort(struct turn *turn, uint32_t request);

/* Let go of the connection that has a task; tell it (withdraw) unless it is the one that acted. */
void task_unbind(struct turn *turn, uint32_t request, const struct proto_event *event);

#endif
