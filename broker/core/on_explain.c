/*
 * explain: why a request is where it is. Candidates with the first thing in the way, position, estimate.
 */
#include "core/candidate.h"
#include "core/handlers.h"
#include "core/party.h"
#include "core/queue.h"
#include "core/render.h"
#include "core/request.h"

enum { CANDIDATES_MAX = 100, AHEAD_STEPS = 20000 };

struct explained {
    struct proto_buf rows;
    uint32_t count;
    uint32_t capable; /* parties that could do it, now or later */
    uint64_t slots;   /* their capacity together */
};

/* One row per party: its best offer speaks for it. */
static void
explain_party(struct turn *turn, struct explained *explained, uint32_t group, const uint32_t *offers, uint32_t offer_count,
              uint32_t from)
{
    const struct core *core = turn->core;
    uint32_t party = offer_at(core, offers[from])->party;
    struct proto_candidate row = {.party = name_str(&party_at(core, party)->name)};
    char why[PROTO_LIMIT_TEXT_BYTES / 4], best[sizeof why] = "";
    bool able = false;
    for (uint32_t i = from; i < offer_count; i++) {
        const struct offer *offer = offer_at(core, offers[i]);
        if (offer->party != party) {
            continue;
        }
        const char *obstacle = match_obstacle(core, group, offers[i], why, sizeof why);
        bool capable = match_capable(core, group, offers[i]);
        row.running += offer->running;
        row.free += offer->capacity > offer->running ? offer->capacity - offer->running : 0;
        explained->slots += capable ? offer->capacity : 0;
        able = able || capable;
        if (obstacle == NULL) {
            row.matches = true;
        } else if (best[0] == 0 || capable) {
            size_t n = strlen(obstacle) < sizeof best - 1 ? strlen(obstacle) : sizeof best - 1;
            memcpy(best, obstacle, n);
            best[n] = 0;
        }
    }
    row.why = row.matches ? PROTO_STR("capable") : proto_str_of(best);
    explained->capable += able;
    if (explained->count < CANDIDATES_MAX) {
        bool fits = proto_struct_encode(&explained->rows, PROTO_STRUCT_CANDIDATE, &row);
        assert(fits);
        explained->count++;
    }
}

static bool
party_seen(const struct core *core, const uint32_t *offers, uint32_t at)
{
    for (uint32_t i = 0; i < at; i++) {
        if (offer_at(core, offers[i])->party == offer_at(core, offers[at])->party) {
            return true;
        }
    }
    return false;
}

static void
explain_candidates(struct turn *turn, struct explained *explained, const struct request *request)
{
    const struct core *core = turn->core;
    const struct service *service = request_service(core, request);
    uint32_t group = flow_at(core, request->flow)->group;
    for (uint32_t i = 0; i < service->offer_count && explained->count < CANDIDATES_MAX; i++) {
        if (!party_seen(core, service->offers, i)) {
            explain_party(turn, explained, group, service->offers, service->offer_count, i);
        }
    }
}

static const char *
explain_words(const struct core *core, const struct request *request, const struct explained *explained)
{
    const struct service *service = request_service(core, request);
    if (request_is_finished(request)) {
        return "it is finished";
    }
    if (request->flags & FLAG_EXHAUSTED) {
        return "its attempts are exhausted: an operator requeues or fails it, or its requester closes it";
    }
    if (request->flags & FLAG_ASKED) {
        return "its performer waits for the requester's reply";
    }
    if (request->flags & FLAG_VERIFY) {
        return "its result waits for another member of its performer to verify it";
    }
    if (request->flags & FLAG_NOT_BEFORE) {
        return "it is not to begin yet";
    }
    if (request->status == PROTO_STATUS_DRAFT) {
        return "it waits before the next attempt";
    }
    if (request->status == PROTO_STATUS_ON_HOLD) {
        return "it is on hold";
    }
    if (request->performer != 0) {
        return request->place == PLACE_ORPHAN ? "its performer has it, and is not connected" : "its performer has it";
    }
    if (service->paused) {
        return "the service is paused";
    }
    if (service->offer_count == 0) {
        return "no provider offers this service now";
    }
    return explained->capable == 0 ? "no connected provider can perform it" : "it waits for a free provider";
}

/* -1: unknown. */
static int64_t
explain_estimate(const struct core *core, const struct request *request, const struct explained *explained, uint64_t ahead)
{
    int64_t each = request_service(core, request)->duration_us;
    if (each <= 0 || explained->slots == 0 || ahead > (uint64_t)(INT64_MAX / each) - 1) {
        return -1;
    }
    return (int64_t)(ahead + 1) * each / (int64_t)explained->slots;
}

void
on_explain(struct turn *turn)
{
    struct core *core = turn->core;
    uint32_t item = request_find(core, turn->record->u.explain.id);
    if (item == 0) {
        answer_from_history(turn, turn->record->u.explain.id, 0, CORE_WANT_REQUESTED);
        return;
    }
    const struct request *request = request_at(core, item);
    const struct party *party = party_at(core, turn->party);
    bool oversees = party_has_role(party, PROTO_ROLE_OPERATOR) || party_has_role(party, PROTO_ROLE_OBSERVER);
    if (!oversees && request_requester(core, request) != turn->party) {
        answer_refusal(turn, PROTO_REFUSAL_CODE_NOT_FOUND, "id", "no such request");
        return;
    }
    struct explained explained = {.count = 0};
    proto_buf_init(&explained.rows, PROTO_PAGE_ROWS_MAX);
    explain_candidates(turn, &explained, request);
    struct proto_record record = {.type = PROTO_PAGE, .re = turn->record->n};
    record.u.page.kind = PROTO_PAGE_KIND_CANDIDATE;
    record.u.page.status = (enum proto_status)request->shown;
    record.u.page.reason = (enum proto_reason)request->reason;
    record.u.page.message = proto_str_of(explain_words(core, request, &explained));
    record.u.page.estimate = -1;
    if (request->place == PLACE_QUEUE) {
        uint64_t ahead = queue_ahead(core, item, AHEAD_STEPS);
        record.u.page.position = ahead;
        record.u.page.estimate = explain_estimate(core, request, &explained, ahead);
        if (explained.capable == 0) {
            record.u.page.reason = PROTO_REASON_NO_CAPABLE_PROVIDER;
        }
    }
    struct core_effect *effect = effect_add(turn, CORE_SEND, turn->conn);
    effect->offset = (uint32_t)turn->out->bytes.n;
    bool fits = page_encode(&turn->out->bytes, &record, (struct proto_bin){explained.rows.p, (uint32_t)explained.rows.n},
                            explained.count);
    assert(fits);
    effect->bytes = (uint32_t)turn->out->bytes.n - effect->offset;
    proto_buf_fini(&explained.rows);
}
