/*
 * Watches; see watch.h and core.h.
 */
#include "core/watch.h"

#include "core/handlers.h"
#include "core/offer.h"
#include "core/party.h"
#include "core/render.h"

enum { HANDLE_BITS = 20, WATCH_CREDIT_MAX = 1000000 };

static uint32_t
watch_handle(const struct core *core, uint32_t item)
{
    return watch_at(core, item)->generation << HANDLE_BITS | item;
}

static uint32_t
watch_of_handle(const struct core *core, uint32_t handle)
{
    uint32_t item = handle & ((1u << HANDLE_BITS) - 1);
    return item != 0 && item < core->watches.used && watch_at(core, item)->conn != 0 && watch_handle(core, item) == handle
               ? item
               : 0;
}

static uint32_t *
scope_head(struct core *core, const struct watch *watch)
{
    switch (watch->scope) {
    case PROTO_SCOPE_REQUESTER:
        return &party_at(core, watch->party)->watch_requester;
    case PROTO_SCOPE_PERFORMER:
        return &party_at(core, watch->party)->watch_performer;
    case PROTO_SCOPE_ALL:
        break;
    }
    return &core->watch_all;
}

/* ------------------------------------------------------------- beginning and ending */

static void
watch_end(struct core *core, uint32_t item)
{
    struct watch *watch = watch_at(core, item);
    uint32_t *head = scope_head(core, watch);
    *(watch->scope_prev != 0 ? &watch_at(core, watch->scope_prev)->scope_next : head) = watch->scope_next;
    if (watch->scope_next != 0) {
        watch_at(core, watch->scope_next)->scope_prev = watch->scope_prev;
    }
    memset(watch, 0, sizeof *watch);
    pool_free(&core->watches, item);
}

void
watch_end_all(struct core *core, struct connection *connection)
{
    while (connection->watches != 0) {
        uint32_t item = connection->watches;
        connection->watches = watch_at(core, item)->next;
        watch_end(core, item);
    }
    connection->watch_count = 0;
}

static uint32_t *
watch_link(struct core *core, struct connection *connection, uint64_t re)
{
    uint32_t *link = &connection->watches;
    while (*link != 0 && watch_at(core, *link)->re != re) {
        link = &watch_at(core, *link)->next;
    }
    return link;
}

static void
watch_begin(struct turn *turn, struct connection *connection)
{
    struct core *core = turn->core;
    const struct proto_watch *record = &turn->record->u.watch;
    uint32_t item = pool_new(&core->watches);
    struct watch *watch = watch_at(core, item);
    *watch = (struct watch){.conn = turn->conn,
                            .re = turn->record->n,
                            .scope = record->scope,
                            .party = turn->party,
                            .id = record->id,
                            .seq = record->seq < core->seq ? record->seq : core->seq,
                            .next = connection->watches,
                            .generation = ++core->watch_generation & 0xfff};
    connection->watches = item;
    connection->watch_count++;
    uint32_t *head = scope_head(core, watch);
    watch->scope_next = *head;
    if (*head != 0) {
        watch_at(core, *head)->scope_prev = item;
    }
    *head = item;
    watch_credit(turn, connection, watch->re, record->credit);
}

bool
watch_credit(struct turn *turn, struct connection *connection, uint64_t re, uint32_t credit)
{
    struct core *core = turn->core;
    uint32_t item = *watch_link(core, connection, re);
    if (item == 0) {
        return false;
    }
    struct watch *watch = watch_at(core, item);
    uint32_t more = credit < WATCH_CREDIT_MAX ? credit : WATCH_CREDIT_MAX;
    watch->credit = watch->credit + more < WATCH_CREDIT_MAX ? watch->credit + more : WATCH_CREDIT_MAX;
    if (watch->credit == 0 || watch->live || watch->asked) {
        return true;
    }
    if (watch->seq >= core->seq) {
        watch->live = true;
        return true;
    }
    watch->asked = true;
    struct core_effect *effect = effect_add(turn, CORE_WATCH, watch->conn);
    effect->watch = watch_handle(core, item);
    effect->source = watch->seq;
    effect->re = watch->re;
    return true;
}

static bool
scope_allowed(const struct core *core, const struct turn *turn, enum proto_scope scope)
{
    uint32_t roles = party_at(core, turn->party)->roles;
    uint32_t needed = scope == PROTO_SCOPE_REQUESTER   ? 1u << PROTO_ROLE_REQUESTER
                      : scope == PROTO_SCOPE_PERFORMER ? 1u << PROTO_ROLE_PERFORMER
                                                       : 1u << PROTO_ROLE_OPERATOR | 1u << PROTO_ROLE_OBSERVER;
    return (roles & needed) != 0;
}

void
on_watch(struct turn *turn)
{
    struct core *core = turn->core;
    const struct proto_watch *record = &turn->record->u.watch;
    struct connection *connection = connection_find(core, turn->conn);
    uint32_t *link = watch_link(core, connection, record->stop ? turn->record->re : turn->record->n);
    if (record->stop) {
        if (*link != 0) {
            uint32_t item = *link;
            *link = watch_at(core, item)->next;
            connection->watch_count--;
            watch_end(core, item);
        }
    } else if (turn->record->n == 0 || *link != 0) {
        answer_refusal(turn, PROTO_REFUSAL_CODE_INVALID, "n", "a watch needs a number of its own");
    } else if (!scope_allowed(core, turn, record->scope)) {
        answer_refusal(turn, PROTO_REFUSAL_CODE_FORBIDDEN, "scope", "your party does not have the role for this");
    } else if (connection->watch_count >= core->settings.watches_per_connection_max ||
               core->watches.count >= core->settings.watches_max || core->watches.used >= 1u << HANDLE_BITS) {
        answer_refusal(turn, PROTO_REFUSAL_CODE_QUOTA, "watch", "as many watches as there may be");
    } else {
        watch_begin(turn, connection);
    }
}

/* ------------------------------------------------------------- live */

static void
publish_to(struct turn *turn, uint32_t head, uint64_t seq, const struct proto_event *event)
{
    struct core *core = turn->core;
    for (uint32_t i = head; i != 0; i = watch_at(core, i)->scope_next) {
        struct watch *watch = watch_at(core, i);
        if (!watch->live) {
            continue;
        }
        bool matches = watch->id == 0 || watch->id == event->id;
        if (matches && watch->credit == 0) {
            watch->live = false; /* slow: it reads from the journal when there is credit again */
            continue;
        }
        watch->seq = seq;
        if (matches) {
            watch->credit--;
            struct core_effect *effect = effect_add(turn, CORE_EVENT, watch->conn);
            effect->re = watch->re;
            effect->source = seq;
            effect->source2 = event->output_seq;
        }
    }
}

void
watch_publish(struct turn *turn, uint64_t seq, const struct proto_event *event, const struct request *request)
{
    struct core *core = turn->core;
    if (core->watches.count == 0) {
        return;
    }
    publish_to(turn, core->watch_all, seq, event);
    publish_to(turn, party_at(core, request_requester(core, request))->watch_requester, seq, event);
    if (event->performer.n > 0) {
        uint32_t performer = party_find(core, event->performer);
        publish_to(turn, party_at(core, performer)->watch_performer, seq, event);
    }
}

/* ------------------------------------------------------------- catching up */

uint64_t
core_watch_next(const struct core *core, uint32_t handle)
{
    uint32_t item = watch_of_handle(core, handle);
    return item == 0 ? 0 : watch_at(core, item)->seq + 1;
}

static bool
watch_matches(const struct core *core, const struct watch *watch, const struct proto_event *event)
{
    if (event->id == 0 || (watch->id != 0 && watch->id != event->id)) {
        return false;
    }
    struct proto_str party = name_str(&party_at(core, watch->party)->name);
    return watch->scope == PROTO_SCOPE_ALL ||
           proto_str_eq(party, watch->scope == PROTO_SCOPE_REQUESTER ? event->requester : event->performer);
}

enum core_feed
core_watch_feed(struct core *core, uint32_t handle, uint64_t seq, struct proto_bin bytes, struct core_out *out)
{
    uint32_t item = watch_of_handle(core, handle);
    if (item == 0) {
        return CORE_FEED_GONE;
    }
    struct watch *watch = watch_at(core, item);
    struct proto_event event;
    if (seq > watch->seq && event_read(bytes, &event) && watch_matches(core, watch, &event)) {
        if (watch->credit == 0) {
            watch->asked = false;
            return CORE_FEED_WAIT;
        }
        watch->credit--;
        struct turn turn = {.core = core, .out = out};
        struct core_effect *effect = effect_add(&turn, CORE_EVENT, watch->conn);
        effect->seq = seq;
        effect->re = watch->re;
        effect->source = seq;
        effect->source2 = event.output_seq;
    }
    watch->seq = seq > watch->seq ? seq : watch->seq;
    if (watch->seq >= core->seq) {
        watch->live = true;
        watch->asked = false;
        return CORE_FEED_LIVE;
    }
    return CORE_FEED_MORE;
}
