/*
 * offer and credit: what a performer's connection can do, and how much of it now.
 */
#include <stdlib.h>

#include "core/handlers.h"
#include "core/offer.h"
#include "core/party.h"
#include "core/watch.h"

enum { CREDIT_MAX = 1000000 };

static bool
attributes_check(struct turn *turn)
{
    const struct core *core = turn->core;
    const struct proto_offer *record = &turn->record->u.offer;
    if (record->attributes.n == 0) {
        return true;
    }
    struct input_fault fault;
    uint32_t service = service_find(core, record->service);
    const struct service_type *type = service == 0 ? NULL : service_at(core, service)->type;
    if (type != NULL ? attribute_check(type, record->attributes, &fault) : attribute_map_check(record->attributes, &fault)) {
        return true;
    }
    answer_invalid(turn, &fault);
    return false;
}

/* Some service must be both known and granted. */
static bool
grant_check(struct turn *turn)
{
    const struct core *core = turn->core;
    struct proto_str pattern = turn->record->u.offer.service;
    const struct party *party = party_at(core, turn->party);
    bool known = false;
    for (uint32_t i = 1; i < core->services.used; i++) {
        struct proto_str name = name_str(&service_at(core, i)->name);
        if (service_name_covers(pattern, name)) {
            known = true;
            if (party_may_perform(core, party, name)) {
                return true;
            }
        }
    }
    answer_refusal(turn, known ? PROTO_REFUSAL_CODE_FORBIDDEN : PROTO_REFUSAL_CODE_NOT_FOUND, "service",
                   known ? "your party may not perform this service" : "no such service");
    return false;
}

static bool
offer_check(struct turn *turn)
{
    const struct proto_offer *record = &turn->record->u.offer;
    if (!service_name_valid(record->service, true)) {
        answer_refusal(turn, PROTO_REFUSAL_CODE_INVALID, "service", "a service, or prefix.*");
        return false;
    }
    if (record->located && !point_valid(record->latitude, record->longitude)) {
        answer_refusal(turn, PROTO_REFUSAL_CODE_INVALID, "latitude", "latitude -90..90, longitude -180..180");
        return false;
    }
    if (!charge_valid(turn, PROTO_HAS(record, OFFER, PRICE), record->currency)) {
        return false;
    }
    if (record->price < 0) {
        answer_refusal(turn, PROTO_REFUSAL_CODE_INVALID, "price", "not below zero");
        return false;
    }
    return grant_check(turn) && attributes_check(turn);
}

static void
offer_write(struct offer *offer, const struct proto_offer *record)
{
    offer->capacity = record->capacity < CREDIT_MAX ? record->capacity : CREDIT_MAX;
    offer->credit = record->credit < CREDIT_MAX ? record->credit : CREDIT_MAX;
    offer->located = record->located;
    offer->latitude = record->latitude;
    offer->longitude = record->longitude;
    offer->has_price = PROTO_HAS(record, OFFER, PRICE);
    offer->price = record->price;
    memset(offer->currency, 0, sizeof offer->currency);
    if (record->currency.n > 0) {
        memcpy(offer->currency, record->currency.p, record->currency.n);
    }
    offer->verify = record->verify;
    name_set(&offer->worker, record->worker);
    offer->attributes = table_realloc(offer->attributes, record->attributes.n);
    if (record->attributes.n > 0) {
        memcpy(offer->attributes, record->attributes.p, record->attributes.n);
    }
    offer->attributes_n = record->attributes.n;
}

void
on_offer(struct turn *turn)
{
    struct core *core = turn->core;
    struct connection *connection = connection_find(core, turn->conn);
    uint32_t item = offer_find(core, connection, turn->record->u.offer.service);
    if (!offer_check(turn)) {
        return;
    }
    if (item == 0 && (connection->offer_count >= core->settings.offers_per_connection_max ||
                      core->offers.count >= core->settings.offers_max)) {
        answer_refusal(turn, PROTO_REFUSAL_CODE_QUOTA, "service", "as many offers as there may be");
        return;
    }
    if (item == 0) {
        item = offer_make(core, connection, turn->record->u.offer.service);
    }
    offer_write(offer_at(core, item), &turn->record->u.offer);
    offer_cover(core, item);
    answer_receipt(turn, 0, 0);
}

void
on_credit(struct turn *turn)
{
    struct core *core = turn->core;
    const struct proto_credit *record = &turn->record->u.credit;
    struct connection *connection = connection_find(core, turn->conn);
    if (record->service.n == 0) {
        watch_credit(turn, connection, turn->record->re, record->credit);
        return;
    }
    uint32_t item = offer_find(core, connection, record->service);
    if (item != 0) {
        struct offer *offer = offer_at(core, item);
        uint32_t more = record->credit < CREDIT_MAX ? record->credit : CREDIT_MAX;
        offer->credit = offer->credit + more < CREDIT_MAX ? offer->credit + more : CREDIT_MAX;
        offer_wake(core, item);
    }
}
