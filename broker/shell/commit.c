/*
 * One batch in commit, one that fills; effects leave when their batch is durable.
 *
 * The first error of a commit is final: nothing of that batch leaves, in any form, and the process stops (D3).
 */
#include "shell/broker.h"

#include <assert.h>

/* Let go what this outlet holds up to the durable sequence. True: nothing is left in it. */
static bool
outlet_release(struct broker *broker, struct outlet *outlet)
{
    while (outlet->next < outlet->out.effect_count && outlet->out.effects[outlet->next].seq <= broker->durable) {
        leave_effect(broker, outlet, &outlet->out.effects[outlet->next++]);
        if (broker->failed) {
            return false;
        }
    }
    if (outlet->next < outlet->out.effect_count) {
        return false;
    }
    core_out_reset(&outlet->out);
    outlet->next = 0;
    return true;
}

static bool
durable_read(struct broker *broker)
{
    struct store_error error;
    enum store_status status = store_commit_end(broker->store, &broker->durable, &error);
    if (status != STORE_OK) {
        error.status = status;
        broker_fail(broker, &error);
        return false;
    }
    return true;
}

/* The next batch goes to the disk before anything of the last one leaves: the disk is what everybody waits for. True: it began. */
static bool
commit_next(struct broker *broker)
{
    if (store_last_seq(broker->store) == broker->durable || store_commit_busy(broker->store)) {
        return false;
    }
    store_commit_begin(broker->store);
    if (!store_commit_busy(broker->store)) {
        return false; /* no memory: what fills goes on filling */
    }
    struct outlet *empty = broker->leaving;
    assert(empty->out.effect_count == 0);
    broker->leaving = broker->committing;
    broker->committing = broker->filling;
    broker->filling = empty;
    return true;
}

/* In the order in which they were decided. True: nothing is left. */
static bool
outlets_release(struct broker *broker)
{
    return outlet_release(broker, broker->leaving) && outlet_release(broker, broker->committing) &&
           outlet_release(broker, broker->filling);
}

void
commit_step(struct broker *broker)
{
    if (broker->failed || !durable_read(broker)) {
        return;
    }
    if (commit_next(broker) && !durable_read(broker)) { /* a small batch may be durable already */
        return;
    }
    outlets_release(broker);
    if (!broker->failed) {
        upkeep_projected(broker);
    }
}

void
commit_all(struct broker *broker)
{
    struct store_error error;
    enum store_status status = store_commit_wait(broker->store, &error);
    if (status != STORE_OK) {
        error.status = status;
        broker_fail(broker, &error);
        return;
    }
    broker->durable = store_durable_seq(broker->store);
    outlets_release(broker);
    while (broker->ask_count > 0 && !broker->failed) {
        ask_step(broker);
    }
}
