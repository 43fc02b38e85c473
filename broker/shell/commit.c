/*
 * One batch in commit, one that fills; effects leave when their batch is durable.
 *
 * The first error of a commit is final: nothing of that batch leaves, in any form, and the process stops (D3).
 */
#include "shell/broker.h"

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

void
commit_step(struct broker *broker)
{
    if (broker->failed || !durable_read(broker)) {
        return;
    }
    upkeep_projected(broker);
    if (!outlet_release(broker, broker->leaving)) {
        return;
    }
    if (!outlet_release(broker, broker->filling) && !store_commit_busy(broker->store)) {
        store_commit_begin(broker->store);
        struct outlet *empty = broker->leaving;
        broker->leaving = broker->filling;
        broker->filling = empty;
    } else if (!broker->failed && store_last_seq(broker->store) > broker->durable) {
        store_commit_begin(broker->store); /* events that nobody waits for */
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
    if (outlet_release(broker, broker->leaving)) {
        outlet_release(broker, broker->filling);
    }
    while (broker->ask_count > 0 && !broker->failed) {
        ask_step(broker);
    }
}
