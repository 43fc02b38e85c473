/*
 * The event that begins a request: one per key (N1), of the party that asked (N3), with what it asked for.
 */
#include "audit.h"

#include <inttypes.h>

#include "content.h"
#include "fair.h"

static uint16_t
parties_of(struct proto_bin list)
{
    struct proto_iter it = proto_iter_of(list);
    struct proto_str text;
    uint16_t parties = 0;
    while (proto_iter_str(&it, &text)) {
        uint8_t party = party_of_name(text);
        parties = (uint16_t)(parties | (party != NOBODY ? 1u << party : 0));
    }
    return parties;
}

static uint32_t
submission_of(struct sim *sim, const struct proto_event *event, uint8_t requester, uint8_t service)
{
    const struct proto_ev_accepted *accepted = &event->u.accepted;
    if (accepted->key.n > 0) {
        unsigned text = content_text_of_key(accepted->key);
        return sim->by_text[requester][service][text];
    }
    const struct client *client = &sim->clients[accepted->producer - 1];
    return accepted->pseq < client->produced_cap ? client->produced[accepted->pseq] : 0;
}

static bool
same_bytes(struct proto_bin a, struct proto_bin b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* The submission in hand is what became the fact. */
static void
content_check(struct sim *sim, const struct proto_event *event)
{
    const struct proto_record *record = sim->record;
    CHECK(sim, record != NULL && record->type == PROTO_SUBMIT, "L3", "accepted-unasked", "a request that nobody submitted");
    const struct proto_submit *submit = &record->u.submit;
    const struct proto_ev_accepted *accepted = &event->u.accepted;
    CHECK(sim, party_of_name(event->requester) == sim->actor->party && party_of_name(event->party) == sim->actor->party &&
                   member_of_name(event->member) == sim->actor->member,
          "C6", "accepted-actor", "accepted from %.*s, submitted by party %u", PROTO_STR_ARG(event->requester), sim->actor->party);
    bool same = same_bytes(event->body, record->body) && same_bytes(accepted->input, submit->input) &&
                proto_str_eq(event->service, submit->service) && accepted->priority == submit->priority &&
                proto_str_eq(accepted->key, submit->key) && accepted->pseq == submit->pseq;
    CHECK(sim, same, "N1", "content", "what was accepted is not what was submitted");
}

static void
life_fill(struct sim *sim, struct life *life, const struct proto_event *event)
{
    const struct proto_ev_accepted *accepted = &event->u.accepted;
    life->authored_us = event->at;
    life->requester = party_of_name(event->requester);
    life->service = service_of_name(event->service);
    life->terms = accepted->terms;
    life->key_until_us = accepted->key_until;
    life->directed = party_of_name(accepted->directed);
    life->fallback = accepted->fallback == PROTO_FALLBACK_ANY;
    life->exclude = parties_of(accepted->exclude);
    life->impossible = content_is_impossible(accepted->require);
    life->complete_by_us = accepted->complete_by;
    life->wants = fair_wants(event);
    life->cost = accepted->cost == 0 ? 1 : (uint16_t)accepted->cost;
    life->due_us = accepted->due;
    life->ordinal = 1;
    life->task_status = (uint8_t)event->task_status;
    life->status = (uint8_t)event->status;
    if (event->task_status == PROTO_STATUS_DRAFT) {
        life->flags = LIFE_NOT_BEFORE;
        life->due_us = accepted->not_before;
    }
    (void)sim;
}

void
audit_accepted(struct sim *sim, uint64_t seq, const struct proto_event *event, struct undo *undo)
{
    struct audit *audit = &sim->audit;
    content_check(sim, event);
    CHECK(sim, event->id != 0 && event->id % 64 == 0 && life_find(audit, event->id) == NULL, "L3", "id-twice",
          "id %" PRIx64 " was given out before", event->id);
    struct life *life = life_new(audit, event->id);
    undo->kind = UNDO_LIFE;
    undo->index = life_index(audit, life);
    undo->life = (struct life){0};
    life->accepted_seq = life->last_seq = seq;
    life_fill(sim, life, event);
    const struct terms_state *terms = &audit->terms[life->terms];
    CHECK(sim, terms->attempts > 0 && terms->service == life->service, "D4", "terms-unknown", "accepted under unknown terms %u", life->terms);
    unsigned begins = (life->flags & LIFE_NOT_BEFORE) ? PROTO_STATUS_DRAFT : terms->owned ? PROTO_STATUS_REQUESTED : PROTO_STATUS_READY;
    CHECK(sim, event->task_status == begins && event->status == ((life->flags & LIFE_NOT_BEFORE) ? PROTO_STATUS_ON_HOLD : begins), "L2",
          "begins", "a request begins as %u", event->task_status);
    const struct party_state *party = &audit->parties[life->requester];
    CHECK(sim, !party->revoked && (party->roles & 1u << PROTO_ROLE_REQUESTER), "C4", "requester", "party %u may not submit", life->requester);
    CHECK(sim, !audit->services[life->service].draining, "B2", "draining", "a draining service took a request");
    life->submission = submission_of(sim, event, life->requester, life->service);
    CHECK(sim, life->submission != 0, "N3", "no-submission", "no submission has this key");
    struct submission *submission = &sim->submissions[life->submission];
    undo->sub_id = submission->id;
    undo->sub_variant = submission->variant;
    const struct life *before = life_find(audit, submission->id);
    CHECK(sim, before == NULL || key_is_over(sim, before), "N1", "accepted-twice",
          "request %" PRIx64 " has the key of %" PRIx64 ", which is kept until %" PRId64 ", now %" PRId64, life->id, submission->id,
          before != NULL ? before->key_until_us : 0, event->at);
    submission->id = life->id;
    submission->variant = content_variant_of_body(event->body);
    life->variant = submission->variant;
    sim->counts->accepted++;
}
