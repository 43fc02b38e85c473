/*
 * The rules of one event about a request: who may make it, when, and what follows. Written from DESIGN and DOMAIN, not from the core.
 */
#include "audit.h"
#include "fair.h"

#include <inttypes.h>

#define BIT(status) (1u << PROTO_STATUS_##status)

/* DOMAIN's Task.status diagram with its additions. Row: from; bits: to. */
static const uint16_t moves[16] = {
    [PROTO_STATUS_DRAFT] = BIT(READY) | BIT(REQUESTED) | BIT(CANCELLED),
    [PROTO_STATUS_REQUESTED] = BIT(ACCEPTED) | BIT(REJECTED) | BIT(CANCELLED) | BIT(ON_HOLD),
    [PROTO_STATUS_ACCEPTED] = BIT(IN_PROGRESS) | BIT(CANCELLED) | BIT(ON_HOLD) | BIT(REQUESTED),
    [PROTO_STATUS_READY] = BIT(IN_PROGRESS) | BIT(CANCELLED) | BIT(ON_HOLD),
    [PROTO_STATUS_IN_PROGRESS] = BIT(COMPLETED) | BIT(FAILED) | BIT(ON_HOLD) | BIT(READY) | BIT(REQUESTED) | BIT(CANCELLED),
    [PROTO_STATUS_ON_HOLD] = BIT(IN_PROGRESS) | BIT(ACCEPTED) | BIT(READY) | BIT(REQUESTED) | BIT(FAILED) | BIT(CANCELLED),
};

static const struct terms_state *
terms_of(const struct sim *sim, const struct life *life)
{
    return &sim->audit.terms[life->terms];
}

static bool
life_started(const struct life *life)
{
    unsigned status = life->task_status == PROTO_STATUS_ON_HOLD ? life->resume : life->task_status;
    return status == PROTO_STATUS_IN_PROGRESS && (life->flags & (LIFE_OVER | LIFE_EXHAUSTED)) == 0;
}

/* ------------------------------------------------------------- who acted */

/* The task and fence that the record in hand names; false: it names none. */
static bool
record_task(const struct proto_record *record, uint64_t *task, uint64_t *fence)
{
    switch (record->type) {
    case PROTO_ACCEPT:
        return *task = record->u.accept.task, *fence = record->u.accept.fence, true;
    case PROTO_REJECT:
        return *task = record->u.reject.task, *fence = record->u.reject.fence, true;
    case PROTO_START:
        return *task = record->u.start.task, *fence = record->u.start.fence, true;
    case PROTO_PROGRESS:
        return *task = record->u.progress.task, *fence = record->u.progress.fence, true;
    case PROTO_HOLD:
        return *task = record->u.hold.task, *fence = record->u.hold.fence, record->u.hold.id == 0;
    case PROTO_ASK:
        return *task = record->u.ask.task, *fence = record->u.ask.fence, true;
    case PROTO_COMPLETE:
        return *task = record->u.complete.task, *fence = record->u.complete.fence, true;
    case PROTO_VERIFY:
        return *task = record->u.verify.task, *fence = record->u.verify.fence, true;
    case PROTO_FAIL:
        return *task = record->u.fail.task, *fence = record->u.fail.fence, record->u.fail.id == 0;
    case PROTO_RELEASE:
        return *task = record->u.release.task, *fence = record->u.release.fence, true;
    default:
        return false;
    }
}

/* A3, A4: only the party that has the task now, under its present fence. */
static void
by_performer(struct sim *sim, const struct proto_event *event, const struct life *life)
{
    uint64_t task = 0, fence = 0;
    const char *kind = proto_ev_desc(event->type)->name;
    CHECK(sim, sim->record != NULL && record_task(sim->record, &task, &fence), "A4", "performer-unasked", "%s without a performer's record", kind);
    CHECK(sim, task == life->id + life->ordinal && fence == life->fence, "A3", "stale",
          "%s of %" PRIx64 ".%u by task %" PRIx64 " fence %" PRIu64 ", the fence is %" PRIu64, kind, life->id, life->ordinal, task, fence,
          life->fence);
    CHECK(sim, life->performer != NOBODY && sim->actor->party == life->performer, "A4", "other-party",
          "%s by party %u, the task is with %u", kind, sim->actor->party, life->performer);
    const struct party_state *party = &sim->audit.parties[sim->actor->party];
    CHECK(sim, !party->revoked && (party->roles & 1u << PROTO_ROLE_PERFORMER), "C4", "performer", "%s by a party that may not", kind);
}

static void
by_requester(struct sim *sim, const struct proto_event *event, const struct life *life)
{
    CHECK(sim, sim->actor != NULL && sim->actor->party == life->requester, "C3", "other-requester", "%s of %" PRIx64 " by another party",
          proto_ev_desc(event->type)->name, life->id);
}

static void
by_operator(struct sim *sim, const struct proto_event *event, const struct life *life)
{
    CHECK(sim, sim->actor != NULL && (sim->audit.parties[sim->actor->party].roles & 1u << PROTO_ROLE_OPERATOR), "C4", "operator",
          "%s of %" PRIx64 " by no operator", proto_ev_desc(event->type)->name, life->id);
}

/* C6, C4: an entry names who acted; a revoked key acts no more. */
static void
entry_check(struct sim *sim, const struct proto_event *event)
{
    if (event->party.n == 0) {
        return;
    }
    CHECK(sim, sim->actor != NULL && party_of_name(event->party) == sim->actor->party && member_of_name(event->member) == sim->actor->member,
          "C6", "entry", "%s names %.*s/%.*s, who did not act", proto_ev_desc(event->type)->name, PROTO_STR_ARG(event->party),
          PROTO_STR_ARG(event->member));
    CHECK(sim, sim->audit.keys[sim->actor->key].state == CORE_MEMBER_ACTIVE && !sim->audit.parties[sim->actor->party].revoked, "C4",
          "revoked-acts", "%s by revoked %.*s/%.*s", proto_ev_desc(event->type)->name, PROTO_STR_ARG(event->party),
          PROTO_STR_ARG(event->member));
}

/* ------------------------------------------------------------- kinds */

static void
task_lost(struct life *life)
{
    life->performer = NOBODY;
    life->worker = NOBODY;
    life->due_us = life->until_us = 0;
    life->flags &= (uint8_t)~(LIFE_ABORT | LIFE_VERIFY | LIFE_ASKED | LIFE_BY_OPERATOR);
}

static void
task_next(struct sim *sim, struct life *life, uint32_t next, int64_t next_at, int64_t due_us)
{
    task_lost(life);
    if (next == 0) {
        life->flags |= LIFE_OVER;
        return;
    }
    CHECK(sim, next > life->ordinal && next < 64, "A6", "task-number", "task %u after %u", next, life->ordinal);
    CHECK(sim, next_at == 0 || next_at > sim->now.utc_us, "L2", "next-at", "task %u of %" PRIx64 " begins in the past", next, life->id);
    life->ordinal = (uint8_t)next;
    life->due_us = next_at != 0 ? next_at : due_us;
    life->task_status = next_at != 0 ? PROTO_STATUS_DRAFT : terms_of(sim, life)->owned ? PROTO_STATUS_REQUESTED : PROTO_STATUS_READY;
}

/* Who declined it, or let it lie, was asked: its direction is over if it may fall back, and others go first. */
static void
declined(struct life *life)
{
    life->wants = fair_wants_after(life->wants, life->performer);
    if (life->fallback) {
        life->directed = NOBODY;
    }
}

static void
on_assigned(struct sim *sim, uint64_t seq, const struct proto_event *event, struct life *life)
{
    struct audit *audit = &sim->audit;
    const struct terms_state *terms = terms_of(sim, life);
    uint8_t party = party_of_name(event->performer);
    CHECK(sim, life_waits(life), "A1", "assigned-twice", "%" PRIx64 ".%u is assigned while party %u has it", life->id, life->ordinal,
          life->performer);
    CHECK(sim, event->fence > audit->fence_top, "A2", "fence", "fence %" PRIu64 " after %" PRIu64, event->fence, audit->fence_top);
    CHECK(sim, event->fence > sim->lost_fence, "D7", "fence", "fence %" PRIu64 " but %" PRIu64 " was given out before the restore", event->fence,
          sim->lost_fence);
    CHECK(sim, event->fence > sim->told_fence, "A2", "told-fence", "fence %" PRIu64 " but %" PRIu64 " was told before", event->fence,
          sim->told_fence);
    CHECK(sim, event->attempt == life->attempt + 1u && event->attempt <= terms->attempts, "A6", "attempt", "attempt %u after %u of %u",
          event->attempt, life->attempt, terms->attempts);
    CHECK(sim, party != NOBODY, "A4", "assigned-nobody", "assigned to nobody");
    const struct party_state *state = &audit->parties[party];
    CHECK(sim, (state->roles & 1u << PROTO_ROLE_PERFORMER) && !state->revoked && (state->services >> life->service & 1), "C4", "assigned",
          "assigned to party %u, which may not perform this", party);
    CHECK(sim, !state->paused && !state->draining && !audit->services[life->service].paused, "A4", "assigned-paused",
          "assigned to party %u while it or the service is paused", party);
    CHECK(sim, (life->exclude >> party & 1) == 0, "A4", "assigned-excluded", "assigned to an excluded party");
    CHECK(sim, !life->impossible, "A4", "assigned-unmet", "assigned although no offer meets its constraint");
    CHECK(sim, life->directed == NOBODY || life->directed == party, "A4", "assigned-undirected",
          "assigned to party %u, directed to %u", party, life->directed);
    audit->fence_top = event->fence;
    life->fence = event->fence;
    life->assigned_seq = seq;
    life->attempt = (uint8_t)event->attempt;
    life->performer = party;
    life->worker = member_of_name(event->worker);
    life->had = (uint16_t)(life->had | 1u << party);
    life->due_us = event->u.assigned.due;
    audit->lease_us[life_index(audit, life)] = sim->now.mono_us;
    sim->counts->assigned++;
}

static void
on_lapsed(struct sim *sim, const struct proto_event *event, struct life *life)
{
    const struct terms_state *terms = terms_of(sim, life);
    CHECK(sim, event->party.n == 0, "C6", "lapsed-by", "a limit that somebody lapsed");
    if (event->reason == PROTO_REASON_LEASE_EXPIRED) {
        int64_t left = sim->audit.lease_us[life_index(&sim->audit, life)] + terms->lease_us - sim->now.mono_us;
        CHECK(sim, !terms->owned && life->task_status == PROTO_STATUS_IN_PROGRESS && (life->flags & LIFE_VERIFY) == 0, "A5", "no-lease",
              "%" PRIx64 " has no lease that could expire", life->id);
        CHECK(sim, left <= 0, "A5", "lease-early", "the lease of %" PRIx64 " had %" PRId64 " us left", life->id, left);
    } else {
        bool until = event->reason == PROTO_REASON_ATTEMPT_EXPIRED && life->task_status == PROTO_STATUS_ACCEPTED;
        int64_t limit = until ? life->until_us : life->due_us;
        CHECK(sim, limit != 0 && limit <= sim->now.utc_us, "A5", "limit-early", "%" PRIx64 " lost its task %" PRId64 " us before its limit",
              life->id, limit - sim->now.utc_us);
    }
    life->task_status = (uint8_t)event->task_status;
    if (event->task_status == PROTO_STATUS_READY || event->task_status == PROTO_STATUS_REQUESTED) {
        task_lost(life);
        life->due_us = event->u.lapsed.due;
        return;
    }
    if (event->reason == PROTO_REASON_ACCEPT_BY_EXPIRED || event->reason == PROTO_REASON_START_BY_EXPIRED) {
        declined(life);
    }
    task_next(sim, life, event->u.lapsed.next, event->u.lapsed.next_at, 0);
}

static void
on_ended(struct sim *sim, uint64_t seq, const struct proto_event *event, struct life *life)
{
    life->end_seq = seq;
    sim->counts->finished++;
    if (event->type == PROTO_EV_CANCELLED) {
        bool started = life_started(life);
        bool agreed = event->reason == PROTO_REASON_ABORT_AGREED;
        CHECK(sim, !started || (life->flags & LIFE_ABORT), "L4", "cancelled-in-progress", "%" PRIx64 " was cancelled in progress without an abort",
              life->id);
        if (agreed) {
            by_performer(sim, event, life);
        } else if (event->party.n > 0 && sim->actor->party != life->performer && (life->flags & LIFE_ABORT) == 0) {
            by_requester(sim, event, life);
        }
    } else if (event->type == PROTO_EV_COMPLETED) {
        by_performer(sim, event, life);
        CHECK(sim, life->task_status == PROTO_STATUS_IN_PROGRESS, "L2", "completed-idle", "%" PRIx64 " completed out of %u", life->id,
              life->task_status);
        CHECK(sim, !terms_of(sim, life)->verify || ((life->flags & LIFE_VERIFY) && sim->record->type == PROTO_VERIFY &&
                                                    life->worker != sim->actor->member),
              "A4", "verified", "%" PRIx64 " completed without a second member's word", life->id);
    } else if (sim->record != NULL && sim->record->type == PROTO_FAIL && sim->record->u.fail.id != 0) {
        by_operator(sim, event, life);
    } else if (event->reason == PROTO_REASON_COMPLETE_BY_EXPIRED) {
        CHECK(sim, terms_of(sim, life)->late_fails && life->complete_by_us <= sim->now.utc_us, "A5", "failed-early",
              "%" PRIx64 " failed before its complete-by", life->id);
    } else {
        by_performer(sim, event, life);
    }
    life->task_status = (uint8_t)event->task_status;
    life->flags &= (uint8_t)~(LIFE_OVER | LIFE_EXHAUSTED);
}

/* Kinds that keep the performer. */
static bool
on_working(struct sim *sim, uint64_t seq, const struct proto_event *event, struct life *life)
{
    switch (event->type) {
    case PROTO_EV_AGREED:
        by_performer(sim, event, life);
        life->due_us = event->u.agreed.due;
        life->until_us = event->u.agreed.until;
        life->worker = member_of_name(event->member);
        return true;
    case PROTO_EV_STARTED:
        by_performer(sim, event, life);
        life->due_us = event->u.started.due;
        life->until_us = 0;
        life->worker = member_of_name(event->member);
        return true;
    case PROTO_EV_PROGRESSED:
        by_performer(sim, event, life);
        CHECK(sim, life->task_status == PROTO_STATUS_IN_PROGRESS && (life->flags & LIFE_VERIFY) == 0, "L2", "progress",
              "progress of %" PRIx64 " that is not worked at", life->id);
        sim->audit.lease_us[life_index(&sim->audit, life)] = sim->now.mono_us;
        return true;
    case PROTO_EV_PRESENTED:
        by_performer(sim, event, life);
        CHECK(sim, terms_of(sim, life)->verify && (life->flags & LIFE_VERIFY) == 0, "L2", "presented", "%" PRIx64 " presented twice", life->id);
        life->flags |= LIFE_VERIFY;
        life->due_us = event->u.presented.due;
        life->worker = member_of_name(event->member);
        return true;
    case PROTO_EV_SENT_BACK:
        by_performer(sim, event, life);
        CHECK(sim, life->flags & LIFE_VERIFY, "L2", "sent-back", "%" PRIx64 " has no result to send back", life->id);
        CHECK(sim, life->worker != sim->actor->member, "A4", "sent-back-self", "a member judged its own work");
        life->flags &= (uint8_t)~LIFE_VERIFY;
        life->due_us = event->u.sent_back.due;
        sim->audit.lease_us[life_index(&sim->audit, life)] = sim->now.mono_us;
        return true;
    case PROTO_EV_ABORT_ASKED:
        by_requester(sim, event, life);
        CHECK(sim, life_started(life), "L4", "abort-idle", "abort of %" PRIx64 " that nobody works at", life->id);
        life->flags |= LIFE_ABORT;
        return true;
    case PROTO_EV_ABORT_REFUSED:
        by_performer(sim, event, life);
        CHECK(sim, life->flags & LIFE_ABORT, "L4", "abort-unasked", "nobody asked to abort %" PRIx64, life->id);
        life->flags &= (uint8_t)~LIFE_ABORT;
        return true;
    default:
        (void)seq;
        return false;
    }
}

/* What is left of a limit while its clock stands still, and the limit when it runs again. */
static void
clock_stops(struct sim *sim, const struct proto_event *event, int64_t limit_us, int64_t left_us)
{
    int64_t left = limit_us == 0 ? 0 : limit_us > sim->now.utc_us ? limit_us - sim->now.utc_us : 1;
    CHECK(sim, left == left_us, "A5", "clock-stop", "%s keeps %" PRId64 " us of a limit that has %" PRId64, proto_ev_desc(event->type)->name,
          left_us, left);
}

static void
clock_runs(struct sim *sim, const struct proto_event *event, int64_t left_us, int64_t limit_us)
{
    int64_t limit = left_us == 0 ? 0 : sim->now.utc_us + left_us;
    CHECK(sim, limit == limit_us, "A5", "clock-run", "%s sets a limit at %" PRId64 ", it should be %" PRId64, proto_ev_desc(event->type)->name,
          limit_us, limit);
}

/* Kinds that stop and restart the clocks. */
static bool
on_clocks(struct sim *sim, const struct proto_event *event, struct life *life)
{
    switch (event->type) {
    case PROTO_EV_HELD:
        if (event->reason == PROTO_REASON_HELD_BY_OPERATOR) {
            by_operator(sim, event, life);
            life->flags |= LIFE_BY_OPERATOR;
        } else {
            by_performer(sim, event, life);
        }
        clock_stops(sim, event, life->due_us, event->u.held.due);
        life->resume = life->task_status;
        life->due_us = event->u.held.due;
        life->until_us = event->u.held.until;
        return true;
    case PROTO_EV_ASKED:
        by_performer(sim, event, life);
        life->resume = life->task_status;
        life->flags |= LIFE_ASKED;
        clock_stops(sim, event, life->due_us, event->u.asked.due);
        clock_stops(sim, event, life->complete_by_us, event->u.asked.complete_by);
        life->due_us = event->u.asked.due;
        life->complete_by_us = event->u.asked.complete_by;
        return true;
    case PROTO_EV_REPLIED:
        by_requester(sim, event, life);
        CHECK(sim, life->flags & LIFE_ASKED, "L2", "reply-unasked", "a reply to %" PRIx64 " that nobody asked", life->id);
        clock_runs(sim, event, life->due_us, event->u.replied.due);
        clock_runs(sim, event, life->complete_by_us, event->u.replied.complete_by);
        life->complete_by_us = event->u.replied.complete_by;
        life->due_us = event->u.replied.due;
        break;
    case PROTO_EV_LIFTED:
        CHECK(sim, (life->flags & LIFE_ASKED) == 0, "L2", "lift-asked", "%" PRIx64 " waits for an answer and was lifted", life->id);
        if (life->flags & LIFE_BY_OPERATOR) {
            by_operator(sim, event, life);
        }
        clock_runs(sim, event, life->due_us, event->u.lifted.due);
        life->due_us = event->u.lifted.due;
        life->until_us = event->u.lifted.until;
        break;
    default:
        return false;
    }
    CHECK(sim, event->task_status == life->resume, "L2", "resume", "%" PRIx64 " resumes as %u, was %u", life->id, event->task_status, life->resume);
    life->resume = 0;
    life->flags &= (uint8_t)~(LIFE_ASKED | LIFE_BY_OPERATOR);
    sim->audit.lease_us[life_index(&sim->audit, life)] = sim->now.mono_us;
    return true;
}

/* The task is over or given back, or a new one begins. */
static void
on_turned(struct sim *sim, const struct proto_event *event, struct life *life)
{
    switch (event->type) {
    case PROTO_EV_REJECTED:
        by_performer(sim, event, life);
        life->task_status = (uint8_t)event->task_status;
        declined(life);
        task_next(sim, life, event->u.rejected.next, event->u.rejected.next_at, 0);
        break;
    case PROTO_EV_FAILED:
        by_performer(sim, event, life);
        life->task_status = (uint8_t)event->task_status;
        task_next(sim, life, event->u.failed.next, event->u.failed.next_at, event->u.failed.due);
        break;
    case PROTO_EV_LAPSED:
        on_lapsed(sim, event, life);
        break;
    case PROTO_EV_RELEASED:
        if (event->reason == PROTO_REASON_RELEASED) {
            by_performer(sim, event, life);
        }
        CHECK(sim, life->performer != NOBODY, "A1", "released-idle", "%" PRIx64 " was given back by nobody", life->id);
        life->attempt--;
        life->releases++;
        task_lost(life);
        life->due_us = event->u.released.due;
        life->task_status = (uint8_t)event->task_status;
        break;
    case PROTO_EV_EXHAUSTED: {
        const struct terms_state *terms = terms_of(sim, life);
        bool spent = life->attempt >= terms->attempts || life->releases > terms->releases_max || life->ordinal >= 63;
        CHECK(sim, (life->flags & LIFE_OVER) || (life_waits(life) && spent), "A6", "exhausted-early", "%" PRIx64 " is exhausted at attempt %u of %u",
              life->id, life->attempt, terms->attempts);
        task_lost(life);
        life->flags |= LIFE_OVER | LIFE_EXHAUSTED;
        life->task_status = (uint8_t)event->task_status;
        break;
    }
    case PROTO_EV_REQUEUED:
        by_operator(sim, event, life);
        CHECK(sim, life->flags & LIFE_EXHAUSTED, "L2", "requeued", "%" PRIx64 " was requeued although it is not exhausted", life->id);
        life->flags &= (uint8_t)~(LIFE_OVER | LIFE_EXHAUSTED);
        life->attempt = life->releases = 0;
        life->wants = fair_wants_after(life->wants, NOBODY + 1);
        task_next(sim, life, event->u.requeued.next, 0, event->u.requeued.due);
        break;
    case PROTO_EV_OVERDUE:
        CHECK(sim, (life->flags & LIFE_OVERDUE) == 0 && life->complete_by_us != 0 && life->complete_by_us <= sim->now.utc_us, "A5", "overdue",
              "%" PRIx64 " is told overdue", life->id);
        life->flags |= LIFE_OVERDUE;
        break;
    case PROTO_EV_WOKEN:
        CHECK(sim, life->task_status == PROTO_STATUS_DRAFT && life->due_us <= sim->now.utc_us, "A5", "woken", "%" PRIx64 " woke early", life->id);
        life->flags &= (uint8_t)~LIFE_NOT_BEFORE;
        life->due_us = event->u.woken.due;
        life->task_status = (uint8_t)event->task_status;
        break;
    default:
        sim_fail(sim, "D4", "event-kind", "event %s about a request", proto_ev_desc(event->type)->name);
    }
}

/* ------------------------------------------------------------- all kinds */

static unsigned
status_derived(const struct sim *sim, const struct proto_event *event, const struct life *life)
{
    if (life->end_seq != 0) {
        return event->type == PROTO_EV_COMPLETED ? PROTO_STATUS_COMPLETED
               : event->type == PROTO_EV_CANCELLED ? PROTO_STATUS_CANCELLED
                                                   : PROTO_STATUS_FAILED;
    }
    if (life->flags & (LIFE_OVER | LIFE_EXHAUSTED | LIFE_NOT_BEFORE)) {
        return PROTO_STATUS_ON_HOLD;
    }
    if (life->task_status == PROTO_STATUS_DRAFT) {
        return terms_of(sim, life)->owned ? PROTO_STATUS_REQUESTED : PROTO_STATUS_READY;
    }
    return life->task_status;
}

static void
chain_check(struct sim *sim, uint64_t seq, const struct proto_event *event, const struct life *life)
{
    const char *kind = proto_ev_desc(event->type)->name;
    CHECK(sim, life->end_seq == 0, "L1", "after-end", "%s at %" PRIu64 " after the end of %" PRIx64 " at %" PRIu64, kind, seq, life->id,
          life->end_seq);
    CHECK(sim, event->prev == life->last_seq, "D4", "prev", "%s of %" PRIx64 " follows %" PRIu64 ", the last is %" PRIu64, kind, life->id,
          event->prev, life->last_seq);
    CHECK(sim, event->task == life->ordinal && event->task_was == life->task_status && event->was == life->status, "L2", "was",
          "%s of %" PRIx64 ".%u: was %u/%u, the event says task %u %u/%u", kind, life->id, life->ordinal, life->status, life->task_status,
          event->task, event->was, event->task_was);
    CHECK(sim, event->task_status == event->task_was || (moves[event->task_was] >> event->task_status & 1), "L2", "move",
          "%s moves a task from %u to %u", kind, event->task_was, event->task_status);
    CHECK(sim, party_of_name(event->requester) == life->requester && service_of_name(event->service) == life->service, "L3", "whose",
          "%s of %" PRIx64 " names another requester or service", kind, life->id);
}

void
audit_about(struct sim *sim, uint64_t seq, const struct proto_event *event, struct life *life)
{
    chain_check(sim, seq, event, life);
    entry_check(sim, event);
    bool ends = event->type == PROTO_EV_COMPLETED || event->type == PROTO_EV_CANCELLED ||
                (event->type == PROTO_EV_FAILED && !event->u.failed.retryable);
    if (ends) {
        on_ended(sim, seq, event, life);
    } else if (event->type == PROTO_EV_ASSIGNED) {
        on_assigned(sim, seq, event, life);
        life->task_status = (uint8_t)event->task_status;
    } else if (on_working(sim, seq, event, life) || on_clocks(sim, event, life)) {
        life->task_status = (uint8_t)event->task_status;
    } else {
        on_turned(sim, event, life);
    }
    unsigned derived = status_derived(sim, event, life);
    CHECK(sim, event->status == derived, "L2", "derived", "%s leaves %" PRIx64 " as %u, it should be %u", proto_ev_desc(event->type)->name,
          life->id, event->status, derived);
    life->status = (uint8_t)event->status;
    life->last_seq = seq;
}
