/*
 * Everything at once, every so many steps: what the step-by-step checks keep up to date is built anew from the journal and compared.
 */
#include "audit.h"
#include "broker.h"

#include <inttypes.h>

/* ------------------------------------------------------------- the journal, from its beginning */

struct again {
    uint64_t fence, last_fence_seq;
    uint32_t accepted, ended;
};

/* A2: fences rise over the whole journal. L1: one end of each request, and nothing after it. D4: no gap in a request's chain. */
static void
fact_again(struct sim *sim, uint64_t seq, struct again *again)
{
    const struct fact *fact = &sim->journal.facts[seq];
    struct proto_bin bytes = journal_event(&sim->journal, seq);
    struct proto_event event;
    struct proto_error error;
    size_t used;
    CHECK(sim, proto_event_decode(bytes.p, bytes.n, &used, &event, &error), "D6", "full-codec", "event %" PRIu64 " does not decode any more", seq);
    if (event.type == PROTO_EV_ASSIGNED) {
        CHECK(sim, event.fence > again->fence, "A2", "full-fence", "fence %" PRIu64 " at %" PRIu64 " after %" PRIu64 " at %" PRIu64, event.fence, seq,
              again->fence, again->last_fence_seq);
        again->fence = event.fence;
        again->last_fence_seq = seq;
    }
    if (fact->id == 0) {
        return;
    }
    const struct life *life = life_find(&sim->audit, fact->id);
    CHECK(sim, life != NULL, "L3", "full-unknown", "event %" PRIu64 " is about a request that the model does not have", seq);
    CHECK(sim, seq <= life->last_seq && (fact->prev == 0 ? seq == life->accepted_seq : sim->journal.facts[fact->prev].id == fact->id), "D4",
          "full-chain", "event %" PRIu64 " of %" PRIx64 " is in no chain", seq, fact->id);
    again->accepted += fact->prev == 0;
    if (status_ends(fact->status)) {
        CHECK(sim, life->end_seq == seq, "L1", "full-end", "%" PRIx64 " ends at %" PRIu64 " and at %" PRIu64, fact->id, life->end_seq, seq);
        again->ended++;
    }
}

/* ------------------------------------------------------------- the model, counted again */

static void
lives_again(struct sim *sim, const struct again *again)
{
    const struct audit *audit = &sim->audit;
    uint32_t open = 0, waiting = 0, held = 0, ended = 0;
    for (uint32_t i = 1; i < audit->life_count; i++) {
        const struct life *life = &audit->lives[i];
        if (life->id == 0) {
            continue;
        }
        bool is_open = life->end_seq == 0;
        open += is_open;
        ended += !is_open;
        waiting += life_waits(life);
        held += life->status == PROTO_STATUS_ON_HOLD;
        bool stays = is_open || life->end_seq > sim->broker.projected_told; /* until history has it */
        CHECK(sim, !stays || core_request_is_open(sim->broker.core, life->id), "L3", "full-open", "%" PRIx64 " is in the journal, not in the core",
              life->id);
        CHECK(sim, is_open == !status_ends(life->status), "L1", "full-status", "%" PRIx64 " stands as %u, end %" PRIu64, life->id, life->status,
              life->end_seq);
    }
    CHECK(sim, open == audit->open && waiting == audit->waiting && held == audit->held && ended == audit->finished, "L3", "full-sum",
          "counted %u open %u waiting %u held %u over, the sums are %u %u %u %u", open, waiting, held, ended, audit->open, audit->waiting,
          audit->held, audit->finished);
    CHECK(sim, again->accepted == open + ended && again->ended == ended, "L3", "full-accepted", "%u were accepted and %u ended, %u are open, %u over",
          again->accepted, again->ended, open, ended);
}

/* N1: of one submission, an earlier request's key was over when the later was accepted. */
static void
keys_again(struct sim *sim)
{
    uint32_t *last = calloc(sim->submission_count, sizeof *last);
    const struct life *twice = NULL;
    for (uint32_t i = 1; i < sim->audit.life_count && twice == NULL; i++) {
        const struct life *life = &sim->audit.lives[i];
        if (life->id == 0) {
            continue;
        }
        const struct life *before = &sim->audit.lives[last[life->submission]];
        bool one = before->id == 0 || key_is_over(sim, before);
        twice = one ? NULL : life;
        last[life->submission] = i;
    }
    free(last);
    CHECK(sim, twice == NULL, "N1", "full-key", "%" PRIx64 " has the key of an earlier request", twice->id);
}

/* ------------------------------------------------------------- the core */

/* A producer's window grows with its numbers, in powers of two, 16 bytes each. */
static uint64_t
windows_bytes(const struct sim *sim)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < sim->client_count; i++) {
        bytes += 16 * 2 * (sim->clients[i].pseq + 4);
    }
    return bytes;
}

/*
 * B1: nothing is over its cap. A task that was declined may stand in a group of its own: it
 * was accepted before, and is not shed; such groups are kept until the room is needed.
 */
void
caps_check(struct sim *sim)
{
    const struct core_settings *settings = &sim->broker.settings;
    struct core_stats stats;
    core_stats(sim->broker.core, &stats);
    uint32_t kept = settings->keys_per_party_max * sim->party_count;
    uint32_t producers = settings->producers_per_party_max * sim->party_count;
    uint32_t held = settings->requests_max + settings->finished_max; /* what was open when the second cap was met may end */
    const struct {
        const char *what;
        uint32_t is, cap;
    } rows[] = {{"open requests", stats.open, settings->requests_max}, {"requests", stats.open + stats.finished_kept, held},
                {"offers", stats.offers, settings->offers_max},
                {"watches", stats.watches, settings->watches_max}, {"groups", stats.groups, settings->groups_max + held},
                {"connections", stats.connections, settings->connections_max}, {"parties", stats.parties, settings->parties_max},
                {"keys", stats.kept_keys, kept < settings->keys_max ? kept : settings->keys_max},
                {"producers", stats.producers, producers < settings->producers_max ? producers : settings->producers_max}};
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        CHECK(sim, rows[i].is <= rows[i].cap, "B1", rows[i].what, "the core holds %u %s, the cap is %u", rows[i].is, rows[i].what, rows[i].cap);
    }
    uint64_t budget = sim->broker.budget + windows_bytes(sim);
    CHECK(sim, stats.bytes <= budget, "B1", "bytes", "the core's tables take %" PRIu64 " bytes of %" PRIu64, stats.bytes, budget);
}

void
full_check(struct sim *sim)
{
    struct again again = {0};
    for (uint64_t seq = 1; seq <= sim->journal.last; seq++) {
        fact_again(sim, seq, &again);
    }
    CHECK(sim, again.fence == sim->audit.fence_top, "A2", "full-top", "the last fence is %" PRIu64 ", the model's %" PRIu64, again.fence,
          sim->audit.fence_top);
    lives_again(sim, &again);
    keys_again(sim);
    audit_count(sim);
    caps_check(sim);
    recovery_rehearse(sim);
    sim->counts->full++;
}
