/*
 * The mark, crashes and recovery. What was told must be there again (D1, D4), and the same journal must tell the same (D5).
 */
#include "audit.h"
#include "broker.h"
#include "link.h"

#include <assert.h>
#include <inttypes.h>

/* ------------------------------------------------------------- the mark */

void
broker_mark(struct sim *sim)
{
    struct journal *journal = &sim->journal;
    uint32_t count = 0;
    if (journal->durable != journal->last || journal->projected <= journal->mark) {
        return; /* the store waits until a snapshot is durable */
    }
    proto_buf_reset(&journal->snapshot);
    CHECK(sim, core_snapshot(sim->broker.core, &journal->snapshot, &count), "D4", "snapshot", "no snapshot");
    journal->snapshot_seq = journal->last;
    journal->mark = (uint64_t)rng_between(&sim->rng, (int64_t)journal->mark + 1, (int64_t)journal->projected);
    sim->counts->faults[FAULT_MARK]++;
    SAY(sim, "mark %" PRIu64 ", snapshot of %u events at %" PRIu64, journal->mark, count, journal->snapshot_seq);
}

/* ------------------------------------------------------------- replay */

static void
apply(struct sim *sim, struct core *core, uint64_t seq, const uint8_t *p, uint32_t n)
{
    struct proto_error error = {.why = ""};
    enum core_applied applied = core_apply(core, seq, p, n, &error);
    CHECK(sim, applied == CORE_APPLIED || applied == CORE_APPLIED_BEFORE, "D4", applied == CORE_APPLY_FULL ? "replay-full" : "replay",
          "event %" PRIu64 " (%s of %" PRIx64 ") is refused in replay: %d %s", seq,
          seq != 0 ? proto_ev_desc((enum proto_ev)sim->journal.facts[seq].type)->name : "snapshot",
          seq != 0 ? sim->journal.facts[seq].id : 0, applied, error.why);
}

static bool
was_open_at_mark(const struct sim *sim, const struct fact *fact)
{
    const struct life *life = life_find(&sim->audit, fact->id);
    return life != NULL && (life->end_seq == 0 || life->end_seq > sim->journal.mark);
}

/* From the mark, or (whole) from the beginning. */
static void
replay(struct sim *sim, struct core *core, bool whole)
{
    const struct journal *journal = &sim->journal;
    uint64_t mark = whole ? 0 : journal->mark;
    uint64_t snapshot_seq = mark != 0 ? journal->snapshot_seq : 0;
    for (size_t at = 0; snapshot_seq != 0 && at < journal->snapshot.n;) {
        const uint8_t *p = journal->snapshot.p + at;
        uint32_t n = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
        apply(sim, core, 0, p + 4, n);
        at += 4 + n;
    }
    for (uint64_t seq = 1; seq <= journal->last; seq++) {
        const struct fact *fact = &journal->facts[seq];
        if (seq <= mark ? fact->id != 0 && was_open_at_mark(sim, fact) : fact->id != 0 || seq > snapshot_seq) {
            apply(sim, core, seq, journal->bytes.p + fact->at, fact->n);
        }
    }
    if (core_seq(core) < journal->last) {
        core_seq_set(core, journal->last);
    }
}

/* What history holds is forgotten; without any time, so nothing else happens. */
static void
forget(struct core *core, uint64_t seq)
{
    struct core_out out;
    core_out_init(&out);
    core_decide(core, (struct core_now){0, 0}, &(struct core_input){.kind = CORE_PROJECTED, .seq = seq}, &out);
    assert(out.event_count == 0);
    core_out_fini(&out);
}

static void
core_again(struct sim *sim, bool whole, struct core **out_core)
{
    struct core_settings settings = sim->broker.settings;
    settings.seed = rng_next(&sim->rng);
    *out_core = core_new(&settings);
    replay(sim, *out_core, whole);
}

static void
digests_compare(struct sim *sim, const struct core *was, const struct core *now, const char *slug)
{
    uint8_t a[32], b[32];
    core_digest(was, a);
    core_digest(now, b);
    sim->counts->digests++;
    struct core_stats one, two;
    core_stats(was, &one);
    core_stats(now, &two);
    CHECK(sim, memcmp(a, b, sizeof a) == 0, "D5", slug,
          "the same journal up to %" PRIu64 " tells another state (open %u %u, finished %u %u, keys %u %u, producers %u %u; mark %" PRIu64 ")",
          sim->journal.last, one.open, two.open, one.finished_kept, two.finished_kept, one.kept_keys, two.kept_keys, one.producers,
          two.producers, sim->journal.mark);
}

/* D1, D4: every open request of the journal is there. */
static void
requests_check(struct sim *sim)
{
    for (uint32_t i = 1; i < sim->audit.life_count; i++) {
        const struct life *life = &sim->audit.lives[i];
        CHECK(sim, life->id == 0 || life->end_seq != 0 || core_request_is_open(sim->broker.core, life->id), "D1", "lost",
              "request %" PRIx64 " is gone after a recovery", life->id);
    }
    CHECK(sim, sim->told_seq <= sim->journal.last, "D1", "told", "%" PRIu64 " was told, the journal ends at %" PRIu64, sim->told_seq,
          sim->journal.last);
    uint64_t fence_top = sim->audit.fence_top > sim->lost_fence ? sim->audit.fence_top : sim->lost_fence;
    CHECK(sim, sim->told_fence <= fence_top, "D1", "fence", "fence %" PRIu64 " was told, the journal's last is %" PRIu64,
          sim->told_fence, fence_top);
}

/* D6: half an event is no event, and leaves everything as it was. */
static void
torn_refused(struct sim *sim)
{
    uint8_t before[32], after[32];
    struct core *core = sim->broker.core;
    if (sim->torn.n == 0) {
        return;
    }
    core_digest(core, before);
    enum core_applied applied = core_apply(core, sim->journal.last + 1, sim->torn.bytes, sim->torn.n, NULL);
    core_digest(core, after);
    CHECK(sim, applied == CORE_APPLY_DAMAGED && memcmp(before, after, sizeof before) == 0, "D6", "torn", "%u bytes of a torn event were taken: %d",
          sim->torn.n, applied);
    sim->torn.n = 0;
}


/* ------------------------------------------------------------- stop and start */

/* The broker is gone, and of the journal everything after `keep`. What it held is in sim->spare[0] until it has started again. */
void
broker_stop(struct sim *sim, uint64_t keep)
{
    struct broker *broker = &sim->broker;
    audit_undo(sim, keep);
    journal_truncate(&sim->journal, keep);
    link_crash(sim);
    for (unsigned i = 0; i < 2; i++) {
        core_out_reset(&broker->outlets[i].out);
        broker->outlets[i].next = 0;
    }
    broker->committing = 0;
    broker->ask_count = broker->feed_count = 0;
    sim->spare[0] = broker->core;
    broker->core = NULL;
}

/*
 * D7 rests on the wall clock of the last start before the first fence after a restore: the core knows no other witness of the lost
 * time. If the clock stands before that time again when the broker starts once more, and nothing that was given out since is in the
 * journal, nothing is promised.
 */
static void
promise_check(struct sim *sim)
{
    if (sim->audit.fence_top < sim->lost_fence && sim->now.utc_us <= (int64_t)sim->lost_fence) {
        SAY(sim, "the clock stands in the lost time again");
        sim->lost_fence = 0;
        sim->told_fence = sim->told_fence < sim->audit.fence_top ? sim->told_fence : sim->audit.fence_top;
    }
}

/* `same`: nothing was lost, so the state must be what it was. */
void
broker_start(struct sim *sim, bool same)
{
    struct broker *broker = &sim->broker;
    struct core **before = &sim->spare[0], **whole = &sim->spare[1];
    bool twice = rng_below(&sim->rng, 4) == 0;
    if (twice) {
        core_again(sim, true, whole);
    }
    core_again(sim, false, &broker->core);
    CHECK(sim, core_seq(broker->core) == sim->journal.last, "D4", "seq", "recovered up to %" PRIu64 ", the journal ends at %" PRIu64,
          core_seq(broker->core), sim->journal.last);
    forget(broker->core, broker->projected_told);
    if (same) {
        digests_compare(sim, *before, broker->core, "digest-live");
    }
    if (twice) {
        forget(*whole, broker->projected_told);
        digests_compare(sim, *whole, broker->core, "digest-whole");
    }
    torn_refused(sim);
    promise_check(sim);
    core_destroy(before);
    core_destroy(whole);
    audit_recovered(sim);
    requests_check(sim);
    broker_decide(sim, &(struct core_input){.kind = CORE_RECOVERED});
    broker_reload(sim, broker->variant);
    if (broker->pressure != 0) {
        broker_decide(sim, &(struct core_input){.kind = CORE_PRESSURE, .pressure = broker->pressure});
    }
}

/* Some of the first event that is not kept had reached the disk already. */
static void
tail_tears(struct sim *sim, uint64_t keep)
{
    struct proto_bin event = journal_event(&sim->journal, keep + 1);
    sim->torn.n = 0;
    if (event.n > 1 && rng_below(&sim->rng, 2)) {
        sim->torn.n = rng_below(&sim->rng, event.n - 1) + 1;
        memcpy(sim->torn.bytes, event.p, sim->torn.n < sizeof sim->torn.bytes ? sim->torn.n : sizeof sim->torn.bytes);
        sim->torn.n = sim->torn.n < sizeof sim->torn.bytes ? sim->torn.n : (uint32_t)sizeof sim->torn.bytes;
        sim->counts->faults[FAULT_CRASH_TORN]++;
    }
}

void
broker_crash(struct sim *sim, uint64_t keep)
{
    bool same = keep == sim->journal.last;
    SAY(sim, "crash: %" PRIu64 " durable, %" PRIu64 " kept of %" PRIu64, sim->journal.durable, keep, sim->journal.last);
    tail_tears(sim, keep);
    broker_stop(sim, keep);
    broker_start(sim, same);
}

/* D4, D5: if it stopped now, it would come back as it is. */
void
recovery_rehearse(struct sim *sim)
{
    struct core **again = &sim->spare[0];
    core_again(sim, false, again);
    forget(*again, sim->broker.projected_told);
    digests_compare(sim, sim->broker.core, *again, "digest-full");
    core_destroy(again);
}
