/*
 * Connections, offers, bindings and leases; see offer.h.
 */
#include "core/offer.h"

#include <stdlib.h>

#include "core/party.h"
#include "core/request.h"
#include "core/watch.h"

/* ------------------------------------------------------------- connections */

static struct connection *
connection_slot(const struct core *core, uint32_t handle)
{
    uint32_t slot = handle & 0xffff;
    return slot <= core->settings.connections_max ? &core->connections[slot] : NULL;
}

struct connection *
connection_find(const struct core *core, uint32_t handle)
{
    struct connection *connection = connection_slot(core, handle);
    return handle != 0 && connection != NULL && connection->handle == handle ? connection : NULL;
}

void
connection_open(struct turn *turn)
{
    struct core *core = turn->core;
    struct connection *connection = connection_slot(core, turn->conn);
    assert(turn->conn != 0 && connection != NULL);
    if (connection->handle != 0) {
        connection_end(turn, connection->handle);
    }
    *connection = (struct connection){.handle = turn->conn,
                                      .member = turn->member,
                                      .party = turn->party,
                                      .since_us = turn->now.utc_us,
                                      .seen_us = turn->now.utc_us};
    core->stats.connections++;
}

/* ------------------------------------------------------------- which services an offer covers */

static void
service_offer_add(struct core *core, uint32_t item, uint32_t offer)
{
    struct service *service = service_at(core, item);
    if (service->offer_count == service->offer_cap) {
        service->offer_cap = service->offer_cap == 0 ? 4 : service->offer_cap * 2;
        service->offers = table_realloc(service->offers, service->offer_cap * sizeof *service->offers);
    }
    service->offers[service->offer_count++] = offer;
}

static void
service_offer_remove(struct core *core, uint32_t item, uint32_t offer)
{
    struct service *service = service_at(core, item);
    uint32_t at = 0;
    while (service->offers[at] != offer) {
        at++;
    }
    service->offer_count--;
    memmove(service->offers + at, service->offers + at + 1, (service->offer_count - at) * sizeof *service->offers);
}

/* Offers changed: groups look for candidates anew, also those that had none. */
static void
service_changed(struct core *core, uint32_t item)
{
    struct service *service = service_at(core, item);
    service->version++;
    while (service->unmatched.head != 0) {
        uint32_t group = service->unmatched.head;
        LIST_REMOVE(core, group, &service->unmatched, group, next, prev);
        LIST_APPEND(core, group, &service->groups, group, next, prev);
        group_at(core, group)->place = GROUP_WAITS;
    }
    if (service->avoiding > 0) {
        offer_wake_all(core, item, 0); /* who declined may be the only one left */
    }
}

static bool
offer_covers(const struct core *core, const struct offer *offer, uint32_t item)
{
    struct proto_str name = name_str(&service_at(core, item)->name);
    return offer->capacity > 0 && service_name_covers(name_str(&offer->pattern), name) &&
           party_may_perform(core, party_at(core, offer->party), name);
}

void
offer_cover(struct core *core, uint32_t item)
{
    struct offer *offer = offer_at(core, item);
    for (uint32_t i = 0; i < offer->service_count; i++) {
        service_offer_remove(core, offer->services[i], item);
        service_changed(core, offer->services[i]);
    }
    offer->service_count = 0;
    bool exact = offer->pattern.n > 0 && offer->pattern.text[offer->pattern.n - 1] != '*';
    uint32_t first = exact ? service_find(core, name_str(&offer->pattern)) : 1;
    uint32_t end = exact ? first + 1 : core->services.used;
    uint32_t cap = 0;
    for (uint32_t i = first; i != 0 && i < end; i++) {
        if (!offer_covers(core, offer, i)) {
            continue;
        }
        if (offer->service_count == cap) {
            cap = cap == 0 ? 1 : cap * 2;
            offer->services = table_realloc(offer->services, cap * sizeof *offer->services);
        }
        offer->services[offer->service_count++] = i;
        service_offer_add(core, i, item);
        service_changed(core, i);
    }
    offer_wake(core, item);
}

/* ------------------------------------------------------------- offers */

uint32_t
offer_find(const struct core *core, const struct connection *connection, struct proto_str pattern)
{
    for (uint32_t i = connection->offers; i != 0; i = offer_at(core, i)->next) {
        if (proto_str_eq(name_str(&offer_at(core, i)->pattern), pattern)) {
            return i;
        }
    }
    return 0;
}

uint32_t
offer_covering(const struct core *core, const struct connection *connection, uint32_t service)
{
    for (uint32_t i = connection->offers; i != 0; i = offer_at(core, i)->next) {
        const struct offer *offer = offer_at(core, i);
        for (uint32_t s = 0; s < offer->service_count; s++) {
            if (offer->services[s] == service) {
                return i;
            }
        }
    }
    return 0;
}

uint32_t
offer_make(struct core *core, struct connection *connection, struct proto_str pattern)
{
    uint32_t item = pool_new(&core->offers);
    struct offer *offer = offer_at(core, item);
    *offer = (struct offer){.conn = connection->handle,
                            .party = connection->party,
                            .member = connection->member,
                            .order = ++core->offer_order,
                            .next = connection->offers};
    name_set(&offer->pattern, pattern);
    connection->offers = item;
    connection->offer_count++;
    LIST_APPEND(core, offer, &party_at(core, offer->party)->offers, item, party_next, party_prev);
    return item;
}

void
offer_wake(struct core *core, uint32_t item)
{
    struct offer *offer = offer_at(core, item);
    if (offer->hungry || offer_room(offer) == 0) {
        return;
    }
    offer->hungry = true;
    offer->hungry_next = 0;
    offer->looked = 0;
    *(core->hungry_tail != 0 ? &offer_at(core, core->hungry_tail)->hungry_next : &core->hungry_head) = item;
    core->hungry_tail = item;
    core->room_version++;
}

void
offer_wake_all(struct core *core, uint32_t service_item, uint32_t party)
{
    if (party != 0) {
        for (uint32_t i = party_at(core, party)->offers.head; i != 0; i = offer_at(core, i)->party_next) {
            offer_wake(core, i);
        }
        return;
    }
    const struct service *service = service_at(core, service_item);
    for (uint32_t i = 0; i < service->offer_count; i++) {
        offer_wake(core, service->offers[i]);
    }
}

static void
hungry_remove(struct core *core, uint32_t item)
{
    uint32_t before = 0;
    for (uint32_t i = core->hungry_head; i != item; i = offer_at(core, i)->hungry_next) {
        before = i;
    }
    uint32_t next = offer_at(core, item)->hungry_next;
    *(before != 0 ? &offer_at(core, before)->hungry_next : &core->hungry_head) = next;
    if (core->hungry_tail == item) {
        core->hungry_tail = before;
    }
    offer_at(core, item)->hungry = false;
}

static void
offer_release_tasks(struct core *core, uint32_t item)
{
    const struct offer *offer = offer_at(core, item);
    if (offer->running == 0) {
        return;
    }
    /* A task may be bound through an offer that no longer covers its service: look at all of the party's. */
    for (uint32_t p = party_at(core, offer->party)->providers; p != 0; p = provider_at(core, p)->next) {
        for (uint32_t i = provider_at(core, p)->bound.head, next; i != 0; i = next) {
            next = request_at(core, i)->next;
            if (request_at(core, i)->offer == item) {
                offer_unbind(core, i);
            }
        }
    }
}

static void
offer_free(struct core *core, uint32_t item)
{
    struct offer *offer = offer_at(core, item);
    offer->capacity = 0;
    offer_cover(core, item);
    offer_release_tasks(core, item);
    if (offer->hungry) {
        hungry_remove(core, item);
    }
    LIST_REMOVE(core, offer, &party_at(core, offer->party)->offers, item, party_next, party_prev);
    free(offer->attributes);
    free(offer->services);
    memset(offer, 0, sizeof *offer);
    pool_free(&core->offers, item);
}

void
offer_free_all(struct core *core)
{
    for (uint32_t i = 1; i < core->offers.used; i++) {
        struct offer *offer = offer_at(core, i);
        free(offer->attributes);
        free(offer->services);
    }
}

/* ------------------------------------------------------------- end of a connection */

void
connection_end(struct turn *turn, uint32_t handle)
{
    struct core *core = turn->core;
    struct connection *connection = connection_find(core, handle);
    if (connection == NULL) {
        return;
    }
    bool performs = connection->offers != 0;
    uint32_t party = connection->party;
    while (connection->offers != 0) {
        uint32_t offer = connection->offers;
        connection->offers = offer_at(core, offer)->next;
        offer_free(core, offer);
    }
    watch_end_all(core, connection);
    connection->handle = 0;
    core->stats.connections--;
    if (performs) {
        offer_wake_all(core, 0, party); /* the orphans that it leaves behind go to other connections of the party */
    }
}

/* ------------------------------------------------------------- binding */

void
offer_bind(struct core *core, uint32_t item, uint32_t offer)
{
    struct request *request = request_at(core, item);
    assert(request->offer == 0);
    request->offer = offer;
    offer_at(core, offer)->running++;
    request_place(core, item);
}

void
offer_unbind(struct core *core, uint32_t item)
{
    struct request *request = request_at(core, item);
    uint32_t offer = request->offer;
    if (offer != 0) {
        request->offer = 0;
        offer_at(core, offer)->running--;
        request_place(core, item);
        offer_wake(core, offer);
    }
}

void
offer_adopt(struct turn *turn, uint32_t item)
{
    struct core *core = turn->core;
    const struct request *request = request_at(core, item);
    const struct connection *connection = connection_find(core, turn->conn);
    if (request->offer != 0 || connection == NULL || request->place == PLACE_FINISHED || request->performer != turn->party) {
        return;
    }
    if ((request->flags & FLAG_VERIFY) != 0) {
        return; /* it goes to who is sent it to verify; bound to another, it would be hidden from those who may */
    }
    uint32_t offer = offer_covering(core, connection, request_group(core, request)->service);
    if (offer == 0) {
        return;
    }
    offer_bind(core, item, offer);
    /* What was said to the connection that is gone may not have been heard: that the task goes on after a reply, that it is to stop. */
    if (request->status == PROTO_STATUS_IN_PROGRESS && (request->flags & FLAG_REPLIED) != 0) {
        tell_task(turn, item, request->output_seq, false);
    }
    if ((request->flags & FLAG_ABORT) != 0) {
        tell_abort(turn, item);
    }
}

/* ------------------------------------------------------------- leases */

static bool
lease_runs(const struct core *core, const struct request *request)
{
    return request->status == PROTO_STATUS_IN_PROGRESS && (request->flags & FLAG_VERIFY) == 0 && !request_is_finished(request) &&
           !request_owned(core, request);
}

void
lease_renew(struct turn *turn, uint32_t item)
{
    struct core *core = turn->core;
    const struct request *request = request_at(core, item);
    if (lease_runs(core, request)) {
        timer_set(core, CLOCK_MONO, item, turn->now.mono_us + request_terms(core, request)->lease_us);
    }
}

void
lease_settle(struct turn *turn, uint32_t item)
{
    const struct request *request = request_at(turn->core, item);
    bool runs = lease_runs(turn->core, request);
    if (runs && request->timer_mono == 0) {
        lease_renew(turn, item);
    } else if (!runs && request->timer_mono != 0) {
        timer_set(turn->core, CLOCK_MONO, item, INT64_MAX);
    }
}
