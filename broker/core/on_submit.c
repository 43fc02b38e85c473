/*
 * submit: check it, find whether it was submitted before, accept it, and find it a performer.
 *
 * The order matters: a submission that was accepted before is answered the same way whatever has changed since (N1), so its
 * key is looked up before catalogue, quotas, pressure and drains; and everything that may refuse comes before the fact (B2).
 */
#include "core/group.h"
#include "core/handlers.h"
#include "core/kept.h"
#include "core/match.h"
#include "core/offer.h"
#include "core/party.h"
#include "core/request.h"
#include "core/submission.h"

/* ------------------------------------------------------------- submitted before? */

static void
answer_again(struct turn *turn, uint64_t id)
{
    struct core *core = turn->core;
    const struct proto_submit *submit = &turn->record->u.submit;
    core->stats.duplicates++;
    uint32_t item = request_find(core, id);
    if (item == 0) {
        answer_from_history(turn, id, 0, CORE_WANT_RESUBMIT);
        struct core_effect *effect = &turn->out->effects[turn->out->effect_count - 1];
        effect->flags = submit->notify != PROTO_NOTIFY_NONE ? EFFECT_NOTIFY : 0;
        return;
    }
    struct request *request = request_at(core, item);
    answer_duplicate(turn, item);
    if (!request_is_finished(request)) {
        request->conn = turn->conn; /* from now on this connection is told */
        return;
    }
    if (submit->notify != PROTO_NOTIFY_NONE) {
        struct core_effect *effect = effect_add(turn, CORE_EVENT, turn->conn);
        effect->source = request->last_seq;
        effect->source2 = request->flags & FLAG_VERIFY ? request->output_seq : 0;
    }
}

static void
refuse_other(struct turn *turn, uint64_t id)
{
    uint32_t item = request_find(turn->core, id);
    answer_conflict(turn, id, item != 0 ? request_at(turn->core, item)->shown : 0,
                    "this key was used for another request");
}

/* True: it is new. Otherwise it was answered. */
static bool
submission_is_new(struct turn *turn, const struct submission *submission)
{
    struct core *core = turn->core;
    const struct proto_submit *submit = &turn->record->u.submit;
    uint64_t id = 0;
    if (submit->key.n > 0) {
        uint32_t kept = key_find(core, submission->key_hash);
        if (kept == 0 || kept_key_at(core, kept)->until_us < turn->now.utc_us) {
            return true;
        }
        id = kept_key_at(core, kept)->request;
        if (memcmp(kept_key_at(core, kept)->digest, submission->digest, DIGEST_BYTES) == 0) {
            answer_again(turn, id);
        } else {
            refuse_other(turn, id);
        }
        return false;
    }
    uint64_t digest;
    memcpy(&digest, submission->digest, sizeof digest);
    switch (producer_ask(core, turn->party, submit->producer, submit->pseq, digest, &id)) {
    case PRODUCER_NEW:
        return true;
    case PRODUCER_KNOWN:
        answer_again(turn, id);
        return false;
    case PRODUCER_OTHER:
        refuse_other(turn, id);
        return false;
    case PRODUCER_STALE:
        answer_refusal(turn, PROTO_REFUSAL_CODE_STALE, "pseq", "this number is below the producer's window");
        return false;
    }
    return false;
}

/* ------------------------------------------------------------- room for it? */

static bool
submission_has_room(struct turn *turn, const struct service *service)
{
    struct core *core = turn->core;
    const struct party *party = party_at(core, turn->party);
    uint64_t quota = party->quota != 0 ? party->quota : core->settings.requests_per_party_max;
    if (service->draining) {
        answer_retry_later(turn, "the service is draining");
    } else if (core->pressure & CORE_PRESSURE_DISK) {
        answer_retry_later(turn, "the broker's disk is almost full");
    } else if (core->pressure != 0) {
        answer_retry_later(turn, "the broker is behind");
    } else if (requests_open(core) >= core->settings.requests_max || !group_has_room(core)) {
        answer_retry_later(turn, "the broker holds as many requests as it may");
    } else if (core->finished.count >= core->settings.finished_max) {
        answer_retry_later(turn, "as many finished requests as may be wait for history");
    } else if (service->type->waiting_max != 0 && service->waiting >= service->type->waiting_max) {
        answer_retry_later(turn, "the service's line is full");
    } else if (party->open >= quota) {
        answer_refusal(turn, PROTO_REFUSAL_CODE_QUOTA, "requests", "your party has as many open requests as it may");
    } else if (turn->record->u.submit.key.n > 0 && (party->kept_keys >= core->settings.keys_per_party_max ||
                                                    core->keys.count >= core->settings.keys_max)) {
        answer_refusal(turn, PROTO_REFUSAL_CODE_QUOTA, "key", "your party has as many kept keys as it may");
    } else if (turn->record->u.submit.pseq > 0 && core->producers.count >= core->settings.producers_max &&
               party->producers.count == 0) {
        answer_retry_later(turn, "as many producers as may be");
    } else {
        return true;
    }
    return false;
}

/* ------------------------------------------------------------- accepting */

/* Shard 8 | UTC seconds 32 | counter 24; a request's counter is a multiple of 64, its tasks follow it. */
static uint64_t
id_next(const struct turn *turn)
{
    const struct core *core = turn->core;
    int64_t from = turn->now.utc_us > core->started_us ? turn->now.utc_us : core->started_us; /* as fences: match.c */
    int64_t seconds = from / 1000000;
    uint64_t now = (uint64_t)core->settings.shard << 56 | ((uint64_t)seconds & 0xffffffff) << 24;
    uint64_t next = core->id_last - core->id_last % REQUEST_STRIDE + REQUEST_STRIDE;
    return next > now ? next : now;
}

static void
accepted_fill(struct turn *turn, const struct submission *submission, struct proto_ev_accepted *accepted)
{
    struct core *core = turn->core;
    const struct proto_submit *submit = &turn->record->u.submit;
    const struct service *service = service_at(core, submission->service);
    const struct terms *terms = terms_at(core, service->terms);
    accepted->key = submit->key;
    accepted->producer = submit->producer;
    accepted->pseq = submit->pseq;
    accepted->digest = (struct proto_bin){submission->digest, DIGEST_BYTES};
    /* A wall clock that was set back does not shorten the retention. */
    int64_t from = turn->now.utc_us > core->expired_to_us ? turn->now.utc_us : core->expired_to_us;
    accepted->key_until = submit->key.n > 0 ? from + core->settings.key_retention_us : 0;
    accepted->terms = terms->number;
    accepted->input = submit->input;
    accepted->priority = submit->priority;
    accepted->directed = submit->performer;
    accepted->fallback = submit->fallback;
    accepted->exclude = submit->exclude;
    accepted->prefer = submit->prefer;
    accepted->require = (struct proto_bin){submission->require, submission->require_n};
    accepted->not_before = submission->deferred ? submit->not_before : 0;
    int64_t default_by = service->type->complete_by_us;
    accepted->complete_by = submit->complete_by != 0 ? submit->complete_by
                            : default_by != 0        ? turn->now.utc_us + default_by
                                                     : 0;
    accepted->located = submit->located;
    accepted->latitude = submit->latitude;
    accepted->longitude = submit->longitude;
    accepted->cost = submit->cost;
    accepted->subject = submit->subject;
    accepted->note = submit->note;
    accepted->based_on = submit->based_on;
    accepted->traceparent = submit->traceparent;
    accepted->notify = submit->notify;
    accepted->due = submission->deferred ? 0 : directed_due(turn, terms, submit->performer.n > 0 && submit->fallback == PROTO_FALLBACK_ANY);
}

static void
submission_accept(struct turn *turn, const struct submission *submission)
{
    struct core *core = turn->core;
    struct proto_event event;
    event_begin(turn, &event, PROTO_EV_ACCEPTED, 0);
    const struct service *service = service_at(core, submission->service);
    event.id = id_next(turn);
    event.service = name_str(&service->name);
    event.requester = name_str(&party_at(core, turn->party)->name);
    event.task = 1;
    bool owned = terms_at(core, service->terms)->tenure == PROTO_TENURE_OWNED;
    event.task_status = submission->deferred ? PROTO_STATUS_DRAFT : owned ? PROTO_STATUS_REQUESTED : PROTO_STATUS_READY;
    event.reason = submission->deferred ? PROTO_REASON_NOT_BEFORE : PROTO_REASON_NONE;
    event.body = turn->record->body;
    accepted_fill(turn, submission, &event.u.accepted);
    event_commit(turn, &event, 0);
    uint32_t item = turn->item;
    struct request *request = request_at(core, item);
    request->conn = turn->conn;
    core->stats.accepted++;
    answer_request_receipt(turn, item);
    match_request(turn, item);
}

void
on_submit(struct turn *turn)
{
    struct core *core = turn->core;
    struct submission submission;
    if (!submission_identify(turn, &submission) || !submission_is_new(turn, &submission) ||
        !submission_check(turn, &submission) ||
        !submission_has_room(turn, service_at(core, submission.service))) {
        return;
    }
    submission_accept(turn, &submission);
}
