/*
 * Apply: a request is accepted, held, asked about, cancelled, exhausted, requeued; see apply.h.
 */
#include "core/apply.h"
#include "core/group.h"
#include "core/kept.h"
#include "core/party.h"
#include "core/request.h"

/* ------------------------------------------------------------- accepted */

static uint8_t
tags_of_list(struct proto_bin list, uint64_t *out, uint32_t max)
{
    struct proto_iter it = proto_iter_of(list);
    struct proto_str name;
    uint32_t n = 0;
    while (n < max && proto_iter_str(&it, &name)) {
        out[n++] = party_tag(name);
    }
    return (uint8_t)n;
}

/* Sorted, each once. */
static void
tags_sort(uint64_t *tags, uint8_t *n)
{
    uint8_t kept = 0;
    for (uint8_t i = 0; i < *n; i++) {
        uint64_t tag = tags[i];
        uint8_t at = kept;
        while (at > 0 && tags[at - 1] > tag) {
            at--;
        }
        if (at > 0 && tags[at - 1] == tag) {
            continue;
        }
        memmove(tags + at + 1, tags + at, (size_t)(kept - at) * sizeof *tags);
        tags[at] = tag;
        kept++;
    }
    *n = kept;
}

void
wishes_of_event(const struct core *core, uint32_t terms, const struct proto_ev_accepted *accepted,
                struct wishes *out_wishes)
{
    memset(out_wishes, 0, sizeof *out_wishes);
    out_wishes->terms = terms;
    if (accepted->directed.n > 0) {
        out_wishes->directed = party_tag(accepted->directed);
        out_wishes->fallback = accepted->fallback == PROTO_FALLBACK_ANY;
    }
    if (accepted->exclude.n > 0) {
        out_wishes->exclude_n = tags_of_list(accepted->exclude, out_wishes->exclude, PROTO_SUBMIT_EXCLUDE_MAX);
        tags_sort(out_wishes->exclude, &out_wishes->exclude_n);
    }
    if (accepted->prefer.n > 0) {
        out_wishes->prefer_n = tags_of_list(accepted->prefer, out_wishes->prefer, PROTO_SUBMIT_PREFER_MAX);
    }
    if (accepted->located && terms_at(core, terms)->policy == PROTO_POLICY_NEAREST) {
        out_wishes->located = true;
        out_wishes->latitude_e4 = (int32_t)(accepted->latitude * 1e4);
        out_wishes->longitude_e4 = (int32_t)(accepted->longitude * 1e4);
    }
    out_wishes->require = accepted->require;
}

static void
keep_key(struct core *core, uint32_t requester, uint64_t seq, const struct proto_event *event)
{
    const struct proto_ev_accepted *accepted = &event->u.accepted;
    if (accepted->digest.n != DIGEST_BYTES || seq <= core->snapshot_seq) {
        return; /* told by the snapshot, or forgotten before it was taken */
    }
    if (accepted->key.n > 0) {
        uint8_t hash[16];
        keys_expire(core, event->at);
        key_hash(event->requester, event->service, accepted->key, hash);
        key_keep(core, requester, hash, accepted->digest.p, event->id, accepted->key_until, event->at);
    } else if (accepted->pseq > 0) {
        uint64_t digest;
        memcpy(&digest, accepted->digest.p, sizeof digest);
        producer_note(core, requester, accepted->producer, accepted->pseq, digest, event->id, seq);
    }
}

enum core_applied
apply_accepted(struct core *core, uint64_t seq, const struct proto_event *event, uint32_t *out_item)
{
    const struct proto_ev_accepted *accepted = &event->u.accepted;
    bool higher = event->id > core->id_last; /* then it cannot be here yet: ids only rise */
    core->id_last = higher ? event->id : core->id_last;
    uint32_t requester = party_find(core, event->requester);
    uint32_t terms = terms_find(core, accepted->terms);
    if (terms == 0 && accepted->terms != 0 && accepted->terms <= core->terms_last) {
        /* A snapshot holds all terms that are current or in use: this request was over and forgotten when it was made. */
        return CORE_APPLIED_BEFORE;
    }
    if (requester == 0 || terms == 0 || event->id % REQUEST_STRIDE != 0) {
        return CORE_APPLY_DAMAGED;
    }
    if (!higher && request_find(core, event->id) != 0) {
        return CORE_APPLIED_BEFORE;
    }
    /* In replay finished ones may be more than live, where history takes them away in time: they are not counted here. */
    if (requests_open(core) >= core->settings.requests_max) {
        return CORE_APPLY_FULL;
    }
    struct wishes wishes;
    wishes_of_event(core, terms, accepted, &wishes);
    uint32_t item = request_make(core, event->id, flow_make(core, group_make(core, &wishes), requester));
    struct request *request = request_at(core, item);
    request->accepted_seq = seq;
    request->authored_us = event->at;
    request->complete_by_us = accepted->complete_by;
    request->cost = accepted->cost > COST_MAX ? COST_MAX : accepted->cost == 0 ? 1 : (uint16_t)accepted->cost;
    request->priority = accepted->priority == 0 ? PROTO_PRIORITY_ROUTINE : accepted->priority & 7u;
    request->notify = accepted->notify & 3u;
    request->ordinal = 1;
    request->due_us = accepted->due;
    if (event->task_status == PROTO_STATUS_DRAFT) {
        request->flags |= FLAG_NOT_BEFORE;
        request->due_us = accepted->not_before;
    }
    if (!task_status_set(core, request, event->task_status, event)) {
        return CORE_APPLY_DAMAGED;
    }
    keep_key(core, requester, seq, event);
    *out_item = item;
    return CORE_APPLIED;
}

/* ------------------------------------------------------------- on hold, and back */

static bool
apply_hold(struct core *core, uint32_t item, const struct proto_event *event, int64_t due, int64_t until)
{
    struct request *request = request_at(core, item);
    enum proto_status was = request->status;
    request_lift(core, item);
    if (was == PROTO_STATUS_ON_HOLD || !apply_status(core, item, event)) {
        return false;
    }
    request->resume = (uint8_t)was;
    request->due_us = due;
    if (was == PROTO_STATUS_ACCEPTED) {
        request->until_us = until;
    }
    request->flags |= FLAG_CLOCKS;
    return true;
}

static bool
apply_resume(struct core *core, uint32_t item, const struct proto_event *event, int64_t due, int64_t until)
{
    struct request *request = request_at(core, item);
    if (request->status != PROTO_STATUS_ON_HOLD || !apply_status(core, item, event)) {
        return false;
    }
    request->resume = 0;
    request->due_us = due;
    if (request->status == PROTO_STATUS_ACCEPTED) {
        request->until_us = until;
    }
    request->flags &= (uint16_t)~(FLAG_CLOCKS | FLAG_ASKED | FLAG_BY_OPERATOR);
    return true;
}

static bool
apply_asked(struct core *core, uint32_t item, const struct proto_event *event)
{
    struct request *request = request_at(core, item);
    if (!apply_hold(core, item, event, event->u.asked.due, 0)) {
        return false;
    }
    request->flags |= FLAG_ASKED;
    request->complete_by_us = event->u.asked.complete_by;
    return true;
}

static bool
apply_replied(struct core *core, uint32_t item, uint64_t seq, const struct proto_event *event)
{
    if (!apply_resume(core, item, event, event->u.replied.due, 0)) {
        return false;
    }
    request_at(core, item)->complete_by_us = event->u.replied.complete_by;
    request_at(core, item)->output_seq = seq;
    request_at(core, item)->flags |= FLAG_REPLIED;
    return true;
}

static bool
apply_held(struct core *core, uint32_t item, const struct proto_event *event)
{
    if (!apply_hold(core, item, event, event->u.held.due, event->u.held.until)) {
        return false;
    }
    if (event->reason == PROTO_REASON_HELD_BY_OPERATOR) {
        request_at(core, item)->flags |= FLAG_BY_OPERATOR;
    }
    return true;
}

/* ------------------------------------------------------------- ends and new beginnings */

static bool
apply_exhausted(struct core *core, uint32_t item, const struct proto_event *event)
{
    apply_lose(core, item);
    request_at(core, item)->flags |= FLAG_EXHAUSTED;
    return apply_status(core, item, event);
}

static bool
apply_cancelled(struct core *core, uint32_t item, const struct proto_event *event)
{
    struct request *request = request_at(core, item);
    request_lift(core, item);
    request->flags |= FLAG_CANCELLED;
    return apply_status(core, item, event);
}

static bool
apply_requeued(struct core *core, uint32_t item, const struct proto_event *event)
{
    struct request *request = request_at(core, item);
    request_lift(core, item);
    struct wishes wishes = request_group(core, request)->wishes;
    wishes_fresh(&wishes);
    uint32_t group = group_make(core, &wishes);
    request_regroup(core, item, flow_make(core, group, request_requester(core, request)));
    request->flags &= (uint16_t)~FLAG_EXHAUSTED;
    request->attempt = 0;
    request->releases = 0;
    return apply_next(core, item, (struct following){event->u.requeued.next, 0, event->u.requeued.due}, event);
}

static bool
apply_woken(struct core *core, uint32_t item, const struct proto_event *event)
{
    struct request *request = request_at(core, item);
    request->flags &= (uint16_t)~FLAG_NOT_BEFORE;
    request->due_us = event->u.woken.due;
    return apply_status(core, item, event);
}

bool
apply_request(struct core *core, uint32_t item, uint64_t seq, const struct proto_event *event)
{
    struct request *request = request_at(core, item);
    switch (event->type) {
    case PROTO_EV_HELD:
        return apply_held(core, item, event);
    case PROTO_EV_LIFTED:
        return apply_resume(core, item, event, event->u.lifted.due, event->u.lifted.until);
    case PROTO_EV_ASKED:
        return apply_asked(core, item, event);
    case PROTO_EV_REPLIED:
        return apply_replied(core, item, seq, event);
    case PROTO_EV_ABORT_ASKED:
        request->flags |= FLAG_ABORT;
        return true;
    case PROTO_EV_ABORT_REFUSED:
        request->flags &= (uint16_t)~FLAG_ABORT;
        return true;
    case PROTO_EV_CANCELLED:
        return apply_cancelled(core, item, event);
    case PROTO_EV_EXHAUSTED:
        return apply_exhausted(core, item, event);
    case PROTO_EV_REQUEUED:
        return apply_requeued(core, item, event);
    case PROTO_EV_OVERDUE:
        request->flags |= FLAG_OVERDUE;
        return true;
    case PROTO_EV_WOKEN:
        return apply_woken(core, item, event);
    default:
        return false;
    }
}
