/*
 * A performer's worker: offers, takes tasks, works, asks, holds, gives back, falls silent; and acts on tasks that it lost long
 * ago, with their old fences, or on those of others.
 */
#include "client.h"
#include "content.h"

#include "proto/writer.h"

void
performer_offer(struct sim *sim, uint8_t at, bool whole)
{
    struct proto_record record;
    proto_record_init(&record, PROTO_OFFER);
    struct proto_offer *offer = &record.u.offer;
    uint32_t which = rng_below(&sim->rng, sim->options.services + 1);
    bool all = whole || which == sim->options.services;
    offer->service = all ? PROTO_STR("*") : service_name(which);
    offer->has |= PROTO_OFFER_SERVICE;
    offer->capacity = whole ? 8 : rng_below(&sim->rng, 8);
    offer->credit = whole ? 8 : rng_below(&sim->rng, 12);
    proto_buf_reset(&sim->scratch);
    if (whole || rng_below(&sim->rng, 4) != 0) {
        offer->attributes = content_attributes(whole || rng_below(&sim->rng, 3) != 0, &sim->scratch);
    }
    if (rng_below(&sim->rng, 2)) {
        offer->price = rng_below(&sim->rng, 100);
        offer->currency = PROTO_STR("CNY");
        offer->has |= PROTO_OFFER_PRICE;
        offer->located = true;
        offer->latitude = rng_below(&sim->rng, 90);
        offer->longitude = rng_below(&sim->rng, 180);
    }
    client_send(sim, at, &record, &(struct pending){0});
}

/* ------------------------------------------------------------- what it is told */

static struct held *
held_find(struct client *client, uint64_t task, uint64_t fence)
{
    for (unsigned i = 0; i < HELD; i++) {
        if (client->held[i].task == task && client->held[i].fence == fence) {
            return &client->held[i];
        }
    }
    return NULL;
}

static void
task_told(struct sim *sim, struct client *client, const struct proto_task *task)
{
    struct held *held = held_find(client, task->task, task->fence);
    if (held == NULL) {
        held = &client->held[client->held_next++ % HELD];
        *held = (struct held){.task = task->task, .fence = task->fence, .result_seed = rng_next(&sim->rng)};
    }
    client->used += !task->reply;
    held->status = (uint8_t)task->status;
    held->to_verify = proto_str_eq(task->business_status, PROTO_STR("to_be_verified"));
    held->service = service_of_name(task->service);
    held->lost = false;
}

void
performer_told(struct sim *sim, uint8_t at, const struct proto_record *record)
{
    struct client *client = &sim->clients[at];
    struct held *held;
    switch (record->type) {
    case PROTO_TASK:
        task_told(sim, client, &record->u.task);
        break;
    case PROTO_ABORT:
        held = held_find(client, record->u.abort.task, record->u.abort.fence);
        if (held != NULL) {
            held->abort = true;
        }
        break;
    case PROTO_WITHDRAW:
        held = held_find(client, record->u.withdraw.task, record->u.withdraw.fence);
        if (held != NULL) {
            held->lost = true;
        }
        break;
    default:
        break;
    }
}

/* ------------------------------------------------------------- records about a task */

#define NAMED(record, lower, UPPER, held)                                                                               \
    ((record).u.lower.task = (held)->task, (record).u.lower.fence = (held)->fence,                                      \
     (record).u.lower.has |= PROTO_##UPPER##_TASK | PROTO_##UPPER##_FENCE)

static void
charge_put(struct rng *rng, int64_t *charge, struct proto_str *currency)
{
    if (rng_below(rng, 3) == 0) {
        *charge = 1 + rng_below(rng, 10000);
        *currency = PROTO_STR("CNY");
    }
}

/* The same result for the same task and fence: N4. */
static void
complete_fill(struct sim *sim, struct proto_record *record, const struct held *held)
{
    struct rng rng = {held->result_seed};
    proto_record_init(record, PROTO_COMPLETE);
    NAMED(*record, complete, COMPLETE, held);
    proto_buf_reset(&sim->scratch);
    proto_put_map(&sim->scratch, 1);
    proto_put_key(&sim->scratch, "amount");
    proto_put_u64(&sim->scratch, rng_below(&rng, 1000));
    record->u.complete.output = (struct proto_bin){sim->scratch.p, (uint32_t)sim->scratch.n};
    record->u.complete.outcome = PROTO_STR("conforming");
    if (rng_below(&rng, 3) == 0) {
        record->u.complete.charge = 1 + rng_below(&rng, 10000);
        record->u.complete.currency = PROTO_STR("CNY");
        record->u.complete.has |= PROTO_COMPLETE_CHARGE;
    }
}

static void
abort_fill(struct sim *sim, struct proto_record *record, const struct held *held)
{
    if (rng_below(&sim->rng, 2)) {
        proto_record_init(record, PROTO_ACCEPT);
        NAMED(*record, accept, ACCEPT, held);
        record->u.accept.code = PROTO_CODE_ABORT;
        charge_put(&sim->rng, &record->u.accept.charge, &record->u.accept.currency);
    } else {
        proto_record_init(record, PROTO_REJECT);
        NAMED(*record, reject, REJECT, held);
        record->u.reject.code = PROTO_CODE_ABORT;
    }
}

/* The step that leads on, as far as the worker knows where the task is. */
static void
onward_fill(struct sim *sim, struct proto_record *record, struct held *held)
{
    if (held->abort && rng_below(&sim->rng, 2)) {
        abort_fill(sim, record, held);
        return;
    }
    uint32_t step = held->status == PROTO_STATUS_REQUESTED  ? 0
                    : held->status == PROTO_STATUS_ACCEPTED ? 1
                    : held->to_verify                       ? 3
                                                            : 2;
    step = rng_below(&sim->rng, 8) == 0 ? rng_below(&sim->rng, 4) : step;
    switch (step) {
    case 0:
        proto_record_init(record, PROTO_ACCEPT);
        NAMED(*record, accept, ACCEPT, held);
        held->status = PROTO_STATUS_ACCEPTED;
        break;
    case 1:
        proto_record_init(record, PROTO_START);
        NAMED(*record, start, START, held);
        held->status = PROTO_STATUS_IN_PROGRESS;
        break;
    case 2:
        complete_fill(sim, record, held);
        break;
    default:
        proto_record_init(record, PROTO_VERIFY);
        NAMED(*record, verify, VERIFY, held);
        record->u.verify.agree = rng_below(&sim->rng, 4) != 0;
        record->u.verify.has |= PROTO_VERIFY_AGREE;
        break;
    }
}

static void
aside_fill(struct sim *sim, struct proto_record *record, const struct held *held)
{
    switch (rng_below(&sim->rng, 7)) {
    case 0:
        proto_record_init(record, PROTO_REJECT);
        NAMED(*record, reject, REJECT, held);
        break;
    case 1:
        proto_record_init(record, PROTO_PROGRESS);
        NAMED(*record, progress, PROGRESS, held);
        record->u.progress.progress = rng_below(&sim->rng, 101) / 100.0;
        break;
    case 2:
        proto_record_init(record, PROTO_HOLD);
        NAMED(*record, hold, HOLD, held);
        record->u.hold.lift = rng_below(&sim->rng, 2);
        break;
    case 3:
        proto_record_init(record, PROTO_ASK);
        NAMED(*record, ask, ASK, held);
        record->u.ask.message = PROTO_STR("which?");
        break;
    case 4:
        proto_record_init(record, PROTO_FAIL);
        NAMED(*record, fail, FAIL, held);
        record->u.fail.retryable = rng_below(&sim->rng, 4) != 0;
        break;
    case 5:
        proto_record_init(record, PROTO_RELEASE);
        NAMED(*record, release, RELEASE, held);
        break;
    default:
        abort_fill(sim, record, held);
        break;
    }
}

static void
renew_send(struct sim *sim, uint8_t at)
{
    const struct client *client = &sim->clients[at];
    struct proto_record record;
    uint32_t n = 0;
    proto_record_init(&record, PROTO_RENEW);
    proto_buf_reset(&sim->scratch);
    for (unsigned i = 0; i < HELD; i++) {
        n += client->held[i].task != 0;
    }
    proto_put_list(&sim->scratch, n);
    for (unsigned i = 0; i < HELD; i++) {
        const struct held *held = &client->held[i];
        struct proto_held row = {.task = held->task, .fence = held->fence, .has = PROTO_HELD_TASK | PROTO_HELD_FENCE};
        if (held->task != 0) {
            proto_struct_encode(&sim->scratch, PROTO_STRUCT_HELD, &row);
        }
    }
    record.u.renew.held = (struct proto_bin){sim->scratch.p, (uint32_t)sim->scratch.n};
    record.u.renew.has |= PROTO_RENEW_HELD;
    client_send(sim, at, &record, &(struct pending){0});
}

/* ------------------------------------------------------------- acts */

/* One's own, mostly; else a made-up or another's task, a wrong fence. */
static struct held
held_choose(struct sim *sim, uint8_t at, uint8_t *out_expect)
{
    const struct client *client = &sim->clients[at];
    uint32_t back = rng_below(&sim->rng, 4) == 0 ? rng_below(&sim->rng, HELD) : rng_below(&sim->rng, 4);
    struct held held = client->held[(client->held_next + HELD - 1 - back) % HELD];
    *out_expect = EXPECT_ANYTHING;
    if (held.task != 0 && !rng_percent(&sim->rng, sim->options.wrong_percent)) {
        return held;
    }
    if (held.task != 0 && rng_below(&sim->rng, 3) == 0) {
        held.fence += rng_between(&sim->rng, -2, 2);
        held.completed = false;
        return held;
    }
    held = (struct held){.result_seed = 1};
    uint64_t id = client_choose_id(sim, at, out_expect);
    held.task = id + 1 + rng_below(&sim->rng, 3);
    const struct life *life = life_find(&sim->audit, id);
    held.fence = life != NULL && rng_below(&sim->rng, 2) ? life->fence : rng_next(&sim->rng) >> 8;
    if (life != NULL && life->ordinal != 0 && rng_below(&sim->rng, 2)) {
        held.task = id + life->ordinal;
    }
    return held;
}

static bool
expects_silence(const struct held *held, const struct proto_record *record)
{
    return held->completed && record->type == PROTO_COMPLETE;
}

void
performer_act(struct sim *sim, uint8_t at)
{
    struct client *client = &sim->clients[at];
    uint32_t roll = rng_below(&sim->rng, 16);
    if (roll == 0) {
        performer_offer(sim, at, false);
        return;
    }
    struct proto_record record;
    if (roll <= 2) {
        proto_record_init(&record, PROTO_CREDIT);
        record.u.credit.service = rng_below(&sim->rng, 2) ? PROTO_STR("*") : service_name(rng_below(&sim->rng, sim->options.services));
        record.u.credit.credit = 1 + rng_below(&sim->rng, 5);
        record.u.credit.has |= PROTO_CREDIT_CREDIT;
        client_send(sim, at, &record, NULL);
        return;
    }
    if (roll == 3) {
        renew_send(sim, at);
        return;
    }
    if (client->held_next == 0 && !rng_percent(&sim->rng, sim->options.wrong_percent)) {
        client_look(sim, at);
        return;
    }
    struct pending pending = {0};
    struct held held = held_choose(sim, at, &pending.expect);
    if (rng_percent(&sim->rng, sim->options.finish_percent)) {
        onward_fill(sim, &record, &held);
        struct held *mine = held_find(client, held.task, held.fence);
        if (mine != NULL) {
            mine->status = held.status;
        }
    } else {
        aside_fill(sim, &record, &held);
    }
    pending.id = held.task;
    pending.fence = held.fence;
    pending.extra = expects_silence(&held, &record);
    pending.expect = pending.extra ? EXPECT_ANYTHING : pending.expect;
    client_send(sim, at, &record, &pending);
}
