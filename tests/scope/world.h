/*
 * The small world: requesters A and B, performers p and q, an operator, one service; at most two requests. Its inputs, one byte each, and
 * which of them can happen now. Core, journal and model are those of tests/sim; everything is durable at once.
 */
#ifndef SCOPE_WORLD_H
#define SCOPE_WORLD_H

#include "../sim/sim.h"

enum { WHOS = 2, REQUESTS = 2, PATH_MAX_INPUTS = 14 };

/* An input: act << 2 | who << 1 | which request. */
enum act {
    ACT_SUBMIT,   /* who: requester */
    ACT_CANCEL,   /* its requester */
    ACT_OFFER,    /* who: performer; connects if it must, and offers room for two, credit for one */
    ACT_CREDIT,   /* one more, when it has none left */
    ACT_CUT,      /* its connection ends */
    ACT_ACCEPT,   /* what it has now: the task, or the abort */
    ACT_REJECT,
    ACT_START,
    ACT_COMPLETE, /* also again, after the end */
    ACT_STALE,    /* completes what it had, under the fence that it had it with */
    ACT_FOREIGN,  /* completes what the other one has, under that one's fence */
    ACT_FAIL,     /* retryable */
    ACT_RELEASE,
    ACT_REQUEUE, /* the operator */
    ACT_PASS,     /* time passes to the next deadline */
    ACT_CRASH,    /* and recovery; connections are gone */
    ACTS
};

struct kind {
    const char *name;
    bool owned;
    bool directed; /* requests are directed to p, and may fall back */
    uint32_t attempts;
};

struct fence_of {
    uint64_t task, fence;
};

/* What the core does not know of the world. */
struct around {
    uint64_t ids[REQUESTS];
    uint8_t count;
    bool up[WHOS]; /* performers' connections */
    uint16_t generation;
    struct fence_of has[WHOS][REQUESTS];  /* what each performer was given of each request, while it is live */
    struct fence_of lost[WHOS][REQUESTS]; /* and what it had last before that */
};

extern struct sim world;
extern struct around around;

void world_make(const struct kind *kind); /* once; registers what belongs to it with the arena */
bool act_can(uint8_t input);
void act_do(uint8_t input); /* and whatever is due then; violations end in world.end */
void act_text(uint8_t input, char out[32]);
int act_of_text(const char *text, size_t n); /* -1: no such input */

static inline uint8_t
party_of_requester(unsigned who)
{
    return (uint8_t)(1 + who);
}

static inline uint8_t
party_of_performer(unsigned who)
{
    return (uint8_t)(3 + who);
}

/* canon.c: what of all this decides what can happen next, as a number; the same for worlds that differ in names only. */
uint64_t world_canon(void);
bool world_is_lopsided(void); /* requests are directed to p */

/* rest.c: L5 of a world that has come to rest. */
void rest_check(void);

#endif
