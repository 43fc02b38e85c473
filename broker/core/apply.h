/*
 * The only writers of durable state, by topic; event_apply (apply.c) calls them. All return false, with the state in no
 * defined shape, when the fact does not follow from what came before: live that is our bug, in replay the journal is damaged.
 */
#ifndef CORE_APPLY_H
#define CORE_APPLY_H

#include "core/event.h"

/* About parties, services, terms, and pieces of snapshots. */
bool apply_other(struct core *core, const struct proto_event *event);

/* The request as such. */
enum core_applied apply_accepted(struct core *core, uint64_t seq, const struct proto_event *event, uint32_t *out_item);
bool apply_request(struct core *core, uint32_t item, uint64_t seq, const struct proto_event *event);

/* The life of its task. */
bool apply_task(struct core *core, uint32_t item, uint64_t seq, const struct proto_event *event);

/* The task moves to event->task_status, if it is not there. */
bool apply_status(struct core *core, uint32_t item, const struct proto_event *event);

/* Its performer has it no longer. */
void apply_lose(struct core *core, uint32_t item);

/* The task that follows. */
struct following {
    uint32_t ordinal; /* 0: none follows */
    int64_t at_us;    /* it is a draft until then; 0: it waits at once */
    int64_t due_us;   /* it waits at once, is directed and may fall back: to be taken until then; 0: no such limit */
};

bool apply_next(struct core *core, uint32_t item, struct following next, const struct proto_event *event);

/* The wishes of an accepted event. */
void wishes_of_event(const struct core *core, uint32_t terms, const struct proto_ev_accepted *accepted,
                     struct wishes *out_wishes);

#endif
