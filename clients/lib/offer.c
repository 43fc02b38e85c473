/*
 * Services that this client performs, and the credit that it gives. Credit is kept in balance by one sum per offer:
 * held tasks + credit that the broker still has = capacity. What is missing is given before the client waits. A second
 * sum goes over all offers: results whose receipts are late (the broker was away, and is looking them up) hold back
 * credit, so that what is given can always be settled: a worker that begins one act per task never meets QIAO_FULL.
 */
#include "lib/internal.h"

enum { OFFER_BYTES = 65536 }; /* more than the limits of its fields add up to */

static bool
offer_matches(const struct qiaoi_offer *offer, struct proto_str service)
{
    if (offer->prefix_n > 0) {
        return service.n > offer->prefix_n && memcmp(offer->service, service.p, offer->prefix_n) == 0;
    }
    return offer->service_n == service.n && service.n > 0 && memcmp(offer->service, service.p, service.n) == 0;
}

/* The exact name goes before a prefix; usually it is the same offer as the last time. */
uint8_t
qiaoi_offer_of(struct qiao_client *client, struct proto_str service)
{
    uint8_t found = 0;

    if (client->offer_last != 0) {
        const struct qiaoi_offer *last = &client->offers[client->offer_last - 1];

        if (last->prefix_n == 0 && offer_matches(last, service)) {
            return client->offer_last;
        }
    }
    for (uint8_t at = 0; at < client->offer_count; at++) {
        const struct qiaoi_offer *offer = &client->offers[at];

        if (offer_matches(offer, service) && (found == 0 || offer->prefix_n == 0)) {
            found = (uint8_t)(at + 1);
        }
    }
    client->offer_last = found;
    return found;
}

/* Tasks that may still come before there would be more acts than the window has slots for. */
static uint32_t
acts_free(const struct qiao_client *client)
{
    uint64_t most = 0, used = client->calls.acts;

    for (uint32_t at = 0; at < client->offer_count; at++) {
        most += client->offers[at].capacity;
        used += client->offers[at].held + client->offers[at].outstanding;
    }
    most = most > client->calls.window ? most : client->calls.window; /* who wants to hold more than a window may */
    most = most > used ? most - used : 0;
    return most < UINT32_MAX ? (uint32_t)most : UINT32_MAX;
}

static uint32_t
credit_free(const struct qiao_client *client, const struct qiaoi_offer *offer)
{
    uint32_t used = offer->held + offer->outstanding, most;

    if (used >= offer->capacity) {
        return 0;
    }
    most = acts_free(client);
    return offer->capacity - used < most ? offer->capacity - used : most;
}

void
qiaoi_credit_put(struct qiao_client *client)
{
    for (uint32_t at = 0; at < client->offer_count; at++) {
        struct qiaoi_offer *offer = &client->offers[at];
        uint32_t free = credit_free(client, offer);
        struct proto_record record;

        if (free == 0) {
            continue;
        }
        proto_record_init(&record, PROTO_CREDIT);
        record.u.credit.service = (struct proto_str){offer->service, offer->service_n};
        record.u.credit.credit = free;
        offer->outstanding += free;
        if (!qiaoi_wire_put_record(&client->wire, &record)) {
            qiaoi_session_lost(client);
            return;
        }
    }
}

void
qiaoi_credit_used(struct qiao_client *client, struct proto_str service)
{
    uint8_t at = qiaoi_offer_of(client, service);

    if (at != 0 && client->offers[at - 1].outstanding > 0) {
        client->offers[at - 1].outstanding--;
    }
}

/*
 * On a new connection: the broker knows none of them any more, and what it had of our credit is void. Owned tasks in hand come again,
 * each for one credit: without it neither an abort nor a reply would reach this connection.
 */
void
qiaoi_offers_again(struct qiao_client *client)
{
    for (uint32_t at = 0; at < client->offer_count; at++) {
        client->offers[at].outstanding = 0;
    }
    for (uint32_t at = 0; at < client->offer_count && client->state == QIAOI_UP; at++) {
        struct qiaoi_offer *offer = &client->offers[at];
        struct qiaoi_call *call;
        struct proto_record record;
        struct proto_error error;
        size_t used;

        if (offer->capacity == 0 || offer->record.n == 0) {
            continue; /* taken back, or not answered yet: then its own call is repeated */
        }
        call = qiaoi_call_take(&client->calls, QIAOI_CALL_OFFER, true);
        if (!call || !proto_decode(offer->record.p, offer->record.n, &used, &record, &error)) {
            if (call) {
                qiaoi_call_free(&client->calls, call);
            }
            qiaoi_session_lost(client);
            return;
        }
        offer->outstanding = credit_free(client, offer) + (offer->owned < offer->capacity ? offer->owned : offer->capacity);
        record.u.offer.credit = offer->outstanding;
        call->care = QIAOI_ONCE;
        call->silent = true;
        call->key = at + 1;
        if (qiaoi_call_send(client, call, &record) != QIAO_OK) {
            qiaoi_session_lost(client);
        }
    }
}

void
qiaoi_offers_fini(struct qiao_client *client)
{
    for (uint32_t at = 0; at < client->offer_count; at++) {
        proto_buf_fini(&client->offers[at].record);
    }
}

static struct qiaoi_offer *
offer_slot(struct qiao_client *client, const char *service)
{
    for (uint32_t at = 0; at < client->offer_count; at++) {
        if (strcmp(client->offers[at].service, service) == 0) {
            return &client->offers[at];
        }
    }
    if (client->offer_count == QIAOI_OFFERS_MAX) {
        return NULL;
    }
    return &client->offers[client->offer_count];
}

static void
offer_record(const struct qiao_offer *offer, struct proto_record *record)
{
    struct proto_offer *to;

    proto_record_init(record, PROTO_OFFER);
    to = &record->u.offer;
    to->service = qiaoi_str(offer->service);
    to->capacity = offer->capacity;
    to->attributes = qiaoi_bin(offer->attributes);
    to->price = offer->price.minor_units;
    to->currency = qiaoi_str(offer->price.currency);
    to->latitude = offer->place.given ? offer->place.latitude : 0;
    to->longitude = offer->place.given ? offer->place.longitude : 0;
    to->located = offer->place.given;
    to->worker = qiaoi_str(offer->worker);
    to->verify = offer->verify_only;
}

/* As it is sent, so that it can be made again. */
static enum qiao_status
offer_encode(struct qiao_client *client, struct proto_buf *buf, const struct proto_record *record)
{
    struct proto_error error;

    proto_buf_init(buf, QIAOI_LOG_CHUNK_BYTES);
    if (proto_encode(buf, record)) {
        return QIAO_OK;
    }
    if (proto_record_check(record, &error) && !proto_buf_reserve(buf, OFFER_BYTES)) {
        proto_buf_fini(buf);
        return QIAO_NO_MEMORY;
    }
    if (proto_encode(buf, record)) {
        return QIAO_OK;
    }
    proto_buf_fini(buf);
    return qiaoi_refuse_argument(client, "attributes", "the offer is outside the limits of the protocol");
}

static void
offer_begin(struct qiao_client *client, struct qiaoi_offer *slot, struct proto_str name)
{
    if (slot == &client->offers[client->offer_count]) {
        memset(slot, 0, sizeof *slot);
        memcpy(slot->service, name.p, name.n);
        slot->service_n = (uint8_t)name.n;
        slot->prefix_n = name.n > 1 && name.p[name.n - 1] == '*' ? (uint8_t)(name.n - 1) : 0;
        client->offer_count++;
    }
}

enum qiao_status
qiao_offer(struct qiao_client *client, const struct qiao_offer *offer, int64_t timeout_us)
{
    struct proto_record record;
    struct qiaoi_offer *slot;
    struct proto_buf kept;
    enum qiao_status status;
    uint32_t before, outstanding_before;

    if (!offer || !offer->service || !offer->service[0] || strlen(offer->service) >= QIAOI_TEXT_BYTES) {
        return qiaoi_refuse_argument(client, "service", "an offer names a service of at most 64 bytes");
    }
    slot = offer_slot(client, offer->service);
    if (!slot) {
        return QIAO_FULL;
    }
    offer_record(offer, &record);
    status = offer_encode(client, &kept, &record);
    if (status != QIAO_OK) {
        return status;
    }
    offer_begin(client, slot, record.u.offer.service);
    before = slot->capacity;
    outstanding_before = slot->outstanding;
    /* Set before the answer: tasks may come in the same frame. */
    slot->capacity = offer->capacity;
    slot->outstanding = 0;
    slot->outstanding = record.u.offer.credit = credit_free(client, slot);
    status = qiaoi_call_blocking(client, &record, QIAOI_READ, timeout_us);
    if (status != QIAO_OK) {
        slot->capacity = before;
        slot->outstanding = outstanding_before;
        proto_buf_fini(&kept);
        return status;
    }
    /* The one that holds is made again after a reconnect: until here that was the one before. */
    proto_buf_fini(&slot->record);
    slot->record = kept;
    return QIAO_OK;
}
