/*
 * A copy of the data directory, and the day on which somebody has to go back to it. What was acknowledged since is gone, and
 * everybody may still act on it; what remains is D7: every fence is higher than any that was ever given out, so that no worker of
 * the lost time can record anything.
 */
#include "audit.h"
#include "broker.h"
#include "link.h"

#include <inttypes.h>

enum { SECOND = 1000000 };

void
backup_take(struct sim *sim)
{
    const struct journal *journal = &sim->journal;
    struct backup *backup = &sim->backup;
    backup->taken = true;
    backup->seq = journal->durable;
    backup->projected = journal->projected;
    backup->mark = journal->mark;
    backup->snapshot_seq = journal->snapshot_seq;
    proto_buf_reset(&backup->snapshot);
    if (journal->snapshot.n > 0 && !proto_buf_append(&backup->snapshot, journal->snapshot.p, journal->snapshot.n)) {
        abort();
    }
    sim->counts->faults[FAULT_BACKUP]++;
    SAY(sim, "backup up to %" PRIu64, backup->seq);
}

/* What anybody was told of the lost time does not bind the broker any more. */
static void
notebooks_void(struct sim *sim, uint64_t last)
{
    sim->told_seq = sim->told_seq < last ? sim->told_seq : last;
    for (uint32_t i = 0; i < sim->note_cap; i++) {
        if (sim->notes[i].end_seq > last) {
            sim->notes[i] = (struct note){0};
        }
    }
    for (uint32_t i = 1; i < sim->submission_count; i++) {
        struct submission *submission = &sim->submissions[i];
        submission->told_id = life_find(&sim->audit, submission->told_id) != NULL ? submission->told_id : 0;
    }
    for (uint32_t i = 0; i < sim->client_count; i++) {
        struct client *client = &sim->clients[i];
        memset(client->pending, 0, sizeof client->pending);
        memset(client->watches, 0, sizeof client->watches);
        for (unsigned h = 0; h < HELD; h++) {
            client->held[h].completed = false; /* the task and its old fence it keeps, and will try */
        }
    }
    link_silence(sim);
}

/* Finding the copy takes time; and fences hold as long as the clock is not set to before they were given out. */
static void
time_passes(struct sim *sim)
{
    int64_t took = rng_between(&sim->rng, 10 * SECOND, INT64_C(1800) * SECOND);
    sim->now.mono_us += took;
    sim->now.utc_us += took;
    if (sim->now.utc_us < sim->audit.utc_top_us + 10 * SECOND) {
        sim->now.utc_us = sim->audit.utc_top_us + 10 * SECOND;
    }
    sim->audit.utc_top_us = sim->now.utc_us;
}

bool
backup_restore(struct sim *sim)
{
    struct journal *journal = &sim->journal;
    const struct backup *backup = &sim->backup;
    if (!backup->taken || backup->seq >= journal->durable || journal->top - backup->seq >= UNDO) {
        return false;
    }
    SAY(sim, "restore of the backup up to %" PRIu64 ", the journal is at %" PRIu64, backup->seq, journal->last);
    sim->counts->faults[FAULT_RESTORE]++;
    sim->lost_fence = sim->audit.fence_top > sim->lost_fence ? sim->audit.fence_top : sim->lost_fence;
    time_passes(sim);
    broker_stop(sim, backup->seq);
    notebooks_void(sim, backup->seq);
    journal->projected = backup->projected;
    sim->broker.projected_told = sim->broker.projected_told < backup->projected ? sim->broker.projected_told : backup->projected;
    journal->mark = backup->mark;
    journal->snapshot_seq = backup->snapshot_seq;
    proto_buf_reset(&journal->snapshot);
    if (backup->snapshot.n > 0 && !proto_buf_append(&journal->snapshot, backup->snapshot.p, backup->snapshot.n)) {
        abort();
    }
    broker_start(sim, false);
    return true;
}
