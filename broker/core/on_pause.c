/*
 * pause, resume, drain: of a service or of a provider.
 */
#include "core/handlers.h"
#include "core/offer.h"
#include "core/party.h"
#include "core/recall.h"

struct state_wish {
    struct proto_str service;
    struct proto_str party;
    struct proto_str message;
    bool paused;
    bool draining;
};

static void
service_change(struct turn *turn, const struct state_wish *wish)
{
    struct core *core = turn->core;
    uint32_t item = service_find(core, wish->service);
    if (item == 0) {
        answer_refusal(turn, PROTO_REFUSAL_CODE_NOT_FOUND, "service", "no such service");
        return;
    }
    struct proto_event event;
    event_begin(turn, &event, PROTO_EV_SERVICE_STATE, 0);
    event.service = name_str(&service_at(core, item)->name);
    event.message = wish->message;
    event.u.service_state.paused = wish->paused;
    event.u.service_state.draining = wish->draining;
    event_commit(turn, &event, 0);
    answer_receipt(turn, 0, 0);
    core->room_version++;
    offer_wake_all(core, item, 0);
}

static void
provider_change(struct turn *turn, const struct state_wish *wish)
{
    struct core *core = turn->core;
    uint32_t item = party_find(core, wish->party);
    if (item == 0) {
        answer_refusal(turn, PROTO_REFUSAL_CODE_NOT_FOUND, "party", "no such party");
        return;
    }
    party_state_change(turn, item, wish->paused, wish->draining, wish->message);
    answer_receipt(turn, 0, 0);
    party_offers_cover(core, item); /* groups look for candidates anew */
    if (wish->draining) {
        recall_start(core, item);
    }
}

static void
state_change(struct turn *turn, const struct state_wish *wish)
{
    if ((wish->service.n == 0) == (wish->party.n == 0)) {
        answer_refusal(turn, PROTO_REFUSAL_CODE_INVALID, "service", "either a service or a party");
    } else if (wish->service.n > 0) {
        service_change(turn, wish);
    } else {
        provider_change(turn, wish);
    }
}

void
on_pause(struct turn *turn)
{
    const struct proto_pause *record = &turn->record->u.pause;
    struct state_wish wish = {record->service, record->party, record->message, true, false};
    state_change(turn, &wish);
}

void
on_drain(struct turn *turn)
{
    const struct proto_drain *record = &turn->record->u.drain;
    struct state_wish wish = {record->service, record->party, record->message, false, true};
    state_change(turn, &wish);
}

void
on_resume(struct turn *turn)
{
    const struct proto_resume *record = &turn->record->u.resume;
    struct state_wish wish = {record->service, record->party, record->message, false, false};
    state_change(turn, &wish);
}
