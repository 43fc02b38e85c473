/*
 * A requester: submits, submits again, submits something else under the same key, cancels, replies, closes, looks.
 */
#include "client.h"
#include "content.h"

static uint32_t
submission_new(struct sim *sim, uint8_t at, uint8_t service)
{
    if (sim->submission_count == sim->submission_cap) {
        sim->submission_cap = sim->submission_cap == 0 ? 1024 : sim->submission_cap * 2;
        sim->submissions = memory(sim->submissions, sim->submission_cap * sizeof *sim->submissions);
    }
    uint32_t index = sim->submission_count++;
    struct submission *submission = &sim->submissions[index];
    *submission = (struct submission){
        .seed = rng_next(&sim->rng), .party = sim->clients[at].party, .service = service, .client = at};
    if (rng_percent(&sim->rng, sim->options.later_percent)) {
        int64_t now = sim->now.utc_us;
        uint32_t which = rng_below(&sim->rng, 3);
        submission->not_before_us = which != 1 ? now + rng_between(&sim->rng, -5000000, 60000000) : 0;
        submission->complete_by_us = which != 0 ? now + rng_between(&sim->rng, 61000000, 600000000) : 0;
    }
    return index;
}

static uint32_t
submission_by_text(struct sim *sim, uint8_t at, uint8_t service)
{
    uint32_t text = rng_below(&sim->rng, sim->options.keys);
    uint32_t *slot = &sim->by_text[sim->clients[at].party][service][text];
    if (*slot == 0) {
        *slot = submission_new(sim, at, service);
        sim->submissions[*slot].text = text;
    }
    return *slot;
}

static uint32_t
submission_by_producer(struct sim *sim, uint8_t at, uint8_t service)
{
    struct client *client = &sim->clients[at];
    if (client->pseq > 0 && rng_percent(&sim->rng, sim->options.repeat_percent)) {
        uint64_t back = rng_below(&sim->rng, 40);
        return client->produced[back < client->pseq ? client->pseq - back : 1];
    }
    uint64_t pseq = ++client->pseq;
    if (pseq >= client->produced_cap) {
        uint32_t cap = client->produced_cap == 0 ? 64 : client->produced_cap * 2;
        client->produced = memory(client->produced, cap * sizeof *client->produced);
        client->produced_cap = cap;
    }
    uint32_t index = submission_new(sim, at, service);
    sim->submissions[index].pseq = pseq;
    return client->produced[pseq] = index;
}

void
requester_submit(struct sim *sim, uint8_t at)
{
    uint8_t service = (uint8_t)rng_below(&sim->rng, sim->options.services);
    bool produced = rng_percent(&sim->rng, sim->options.producer_percent);
    uint32_t index = produced ? submission_by_producer(sim, at, service) : submission_by_text(sim, at, service);
    struct pending pending = {.submission = index};
    pending.variant = (uint8_t)(rng_percent(&sim->rng, sim->options.wrong_percent) ? 1 + rng_below(&sim->rng, 2) : 0);
    struct proto_record record;
    content_submit(sim, &sim->submissions[index], pending.variant, &record);
    client_send(sim, at, &record, &pending);
}

static void
requester_end(struct sim *sim, uint8_t at)
{
    struct proto_record record;
    struct pending pending = {0};
    pending.id = client_choose_id(sim, at, &pending.expect);
    if (rng_below(&sim->rng, 4) == 0) {
        proto_record_init(&record, PROTO_CLOSE);
        record.u.close.id = pending.id;
        record.u.close.has |= PROTO_CLOSE_ID;
    } else {
        proto_record_init(&record, PROTO_CANCEL);
        record.u.cancel.id = pending.id;
        record.u.cancel.has |= PROTO_CANCEL_ID;
    }
    client_send(sim, at, &record, &pending);
}

static void
requester_reply(struct sim *sim, uint8_t at)
{
    struct proto_record record;
    struct pending pending = {0};
    pending.id = client_choose_id(sim, at, &pending.expect);
    proto_record_init(&record, PROTO_REPLY);
    record.u.reply.id = pending.id;
    record.u.reply.has |= PROTO_REPLY_ID;
    record.u.reply.message = PROTO_STR("as you asked");
    client_send(sim, at, &record, &pending);
}

void
requester_act(struct sim *sim, uint8_t at)
{
    if (rng_percent(&sim->rng, sim->options.cancel_percent)) {
        requester_end(sim, at);
        return;
    }
    switch (rng_below(&sim->rng, 8)) {
    case 0:
        requester_reply(sim, at);
        break;
    case 1:
        client_look(sim, at);
        break;
    default:
        requester_submit(sim, at);
        break;
    }
}
