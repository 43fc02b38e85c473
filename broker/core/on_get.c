/*
 * get: one request in full. The core says who may see it; its events say the rest.
 */
#include "core/handlers.h"
#include "core/party.h"
#include "core/request.h"

void
on_get(struct turn *turn)
{
    const struct core *core = turn->core;
    const struct proto_get *record = &turn->record->u.get;
    const struct party *party = party_at(core, turn->party);
    uint8_t flags = (uint8_t)((record->trail ? EFFECT_TRAIL : 0) | (record->output ? EFFECT_OUTPUT : 0) |
                              (record->input ? EFFECT_INPUT : 0));
    uint32_t item = request_find(core, record->id);
    if (item == 0) {
        answer_from_history(turn, record->id, 0, CORE_WANT_GET);
        turn->out->effects[turn->out->effect_count - 1].flags = flags;
        return;
    }
    const struct request *request = request_at(core, item);
    bool oversees = party_has_role(party, PROTO_ROLE_OPERATOR) || party_has_role(party, PROTO_ROLE_OBSERVER);
    if (!oversees && request_requester(core, request) != turn->party && request->performer != turn->party) {
        answer_refusal(turn, PROTO_REFUSAL_CODE_NOT_FOUND, "id", "no such request");
        return;
    }
    struct core_effect *effect = effect_add(turn, CORE_DETAIL, turn->conn);
    effect->re = turn->record->n;
    effect->id = request->id;
    effect->source = request->last_seq;
    effect->source2 = request->accepted_seq;
    effect->party = turn->party;
    effect->roles = party->roles;
    effect->flags = flags;
}
