/*
 * Walking requests in the order in which `list` shows them, with so many looks and no more (B4, B5).
 *
 * Open ones by falling id: every party's list is in that order, so everybody's is a merge of them. Finished ones that history
 * may not have yet by falling sequence of their last event, as history goes on. Where a page ended is found again from the
 * last request that it looked at, or from a finger that stays near the place: no page begins at the front again.
 */
#ifndef CORE_LISTING_H
#define CORE_LISTING_H

#include "core/event.h"

enum { LISTING_MAX = PROTO_LIMIT_PAGE_ROWS_MAX };

/* What is looked for, and how much may still be looked at. */
struct listing_query {
    const struct proto_list *record;
    uint32_t statuses; /* bits; 0: any */
    uint32_t service;  /* exact; 0: see pattern */
    struct proto_str pattern; /* prefix.*, or empty */
    uint32_t viewer;   /* party that asks */
    uint32_t party;    /* the other side; 0: any */
    uint32_t limit;
    uint32_t looks;
    bool finished;
};

struct listing_found {
    uint32_t items[LISTING_MAX];
    uint32_t n;
};

/*
 * Open ones below an id (UINT64_MAX: from the newest). False: the page is full or the looks ran out; *below is where to go on.
 * True: that was all.
 */
bool listing_open(struct core *core, struct listing_query *query, struct listing_found *found, uint64_t *below);

/* The same for tasks that the viewer has in hand. *out_many: more than may be looked at, so nothing was found out. */
bool listing_in_hand(struct core *core, struct listing_query *query, struct listing_found *found, uint64_t *below,
                     bool *out_many);

/* The same for finished ones that are not in history, below a sequence. */
bool listing_finished(struct core *core, struct listing_query *query, struct listing_found *found, uint64_t *below);

/* Before a request is forgotten: no finger may rest on it. */
static inline void
listing_let_go(struct core *core, struct party *party, uint32_t item)
{
    if (party->finger == item) {
        party->finger = request_at(core, item)->mine_prev;
    }
    if (core->finished_finger == item) {
        core->finished_finger = request_at(core, item)->next;
    }
}

#endif
