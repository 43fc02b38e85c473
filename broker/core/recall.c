/*
 * Taking tasks back, ending connections; see recall.h.
 */
#include "core/recall.h"

#include "core/handlers.h"
#include "core/offer.h"
#include "core/party.h"
#include "core/request.h"

#include "proto/writer.h"

void
recall_start(struct core *core, uint32_t item)
{
    struct party *party = party_at(core, item);
    if (!party->recalling) {
        party->recalling = true;
        party->recall_next = core->recall_head;
        core->recall_head = item;
    }
}

/* A drained party keeps what it accepted; a revoked one keeps nothing; without its grant what it has not accepted goes. */
static bool
is_recalled(const struct core *core, const struct party *party, const struct request *request)
{
    if (party->revoked) {
        return true;
    }
    bool not_taken = request->status == PROTO_STATUS_REQUESTED;
    return not_taken && (party->draining || !party_may_perform(core, party, name_str(&request_service(core, request)->name)));
}

/* False: there may be more. */
static bool
recall_list(struct turn *turn, const struct party *party, const struct list *list)
{
    struct core *core = turn->core;
    enum proto_reason reason = party->revoked ? PROTO_REASON_PROVIDER_REVOKED : PROTO_REASON_PROVIDER_DRAINED;
    for (uint32_t i = list->head, next; i != 0; i = next) {
        const struct request *request = request_at(core, i);
        next = request->next;
        if (!is_recalled(core, party, request)) {
            continue;
        }
        if (core->moves >= core->settings.moves_per_call_max) {
            return false;
        }
        task_recall(turn, i, reason);
        core->moves++;
    }
    return true;
}

void
recall_run(struct turn *turn)
{
    struct core *core = turn->core;
    while (core->recall_head != 0) {
        struct party *party = party_at(core, core->recall_head);
        for (uint32_t p = party->providers; p != 0; p = provider_at(core, p)->next) {
            struct provider *provider = provider_at(core, p);
            if (!recall_list(turn, party, &provider->bound) || !recall_list(turn, party, &provider->orphans) ||
                !recall_list(turn, party, &provider->verify)) {
                return;
            }
        }
        party->recalling = false;
        core->recall_head = party->recall_next;
    }
}

void
connections_close(struct turn *turn, uint32_t member, uint32_t party)
{
    struct core *core = turn->core;
    for (uint32_t slot = 0; slot <= core->settings.connections_max; slot++) {
        const struct connection *connection = &core->connections[slot];
        if (connection->handle != 0 && (member != 0 ? connection->member == member : connection->party == party)) {
            effect_add(turn, CORE_CLOSE, connection->handle);
            connection_end(turn, connection->handle);
        }
    }
}

void
party_offers_cover(struct core *core, uint32_t party)
{
    for (uint32_t i = party_at(core, party)->offers.head; i != 0; i = offer_at(core, i)->party_next) {
        offer_cover(core, i);
    }
}

void
roles_encode(uint32_t roles, struct proto_buf *buf)
{
    uint32_t count = 0;
    for (unsigned role = 0; role < 32; role++) {
        count += (roles >> role & 1) != 0;
    }
    proto_put_list(buf, count);
    for (unsigned role = 0; role < 32; role++) {
        if (roles >> role & 1) {
            proto_put_str(buf, proto_str_of(proto_enum_name(PROTO_ENUM_ROLE, role)));
        }
    }
}
