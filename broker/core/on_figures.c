/*
 * services, queues, workers, stats, party list: pages of what the core knows.
 *
 * Cursors are names (services, queues, parties) or numbers of offers: rows after them come next. Names are walked in the
 * order in which the core met them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/handlers.h"
#include "core/party.h"
#include "core/recall.h"
#include "core/request.h"

struct page {
    struct proto_buf rows;
    uint32_t count;
    uint32_t limit;
    char next[PROTO_PAGE_NEXT_MAX + 1];
};

static void
page_begin(struct page *page, uint32_t limit)
{
    *page = (struct page){.limit = limit == 0 ? PROTO_LIMIT_PAGE_ROWS
                                   : limit < PROTO_LIMIT_PAGE_ROWS_MAX ? limit
                                                                       : PROTO_LIMIT_PAGE_ROWS_MAX};
    proto_buf_init(&page->rows, PROTO_PAGE_ROWS_MAX - 65536);
}

/* False: the page is full; it goes on after `before`. */
static bool
page_add(struct page *page, enum proto_struct type, const void *row, uint32_t before)
{
    if (page->count < page->limit && proto_struct_encode(&page->rows, type, row)) {
        page->count++;
        return true;
    }
    snprintf(page->next, sizeof page->next, "%" PRIu32, before);
    return false;
}

static void
page_answer(struct turn *turn, struct page *page, enum proto_page_kind kind)
{
    answer_page(turn, kind, &page->rows, page->count, page->next);
    proto_buf_fini(&page->rows);
}

/* The place to begin at. A cursor that is none begins at the beginning. */
static uint32_t
cursor_place(struct proto_str after)
{
    char text[16] = "";
    memcpy(text, after.p != NULL ? after.p : "", after.n < sizeof text ? after.n : 0);
    unsigned long place = strtoul(text, NULL, 10);
    return place < UINT32_MAX ? (uint32_t)place + 1 : 1;
}

/* ------------------------------------------------------------- services */

void
on_services(struct turn *turn)
{
    const struct core *core = turn->core;
    const struct proto_services *record = &turn->record->u.services;
    struct page page;
    page_begin(&page, record->limit);
    if (record->service.n > 0) {
        const struct service_type *type = core->catalogue == NULL ? NULL : catalogue_find(core->catalogue, record->service);
        if (type == NULL) {
            proto_buf_fini(&page.rows);
            answer_refusal(turn, PROTO_REFUSAL_CODE_NOT_FOUND, "service", "no such service");
            return;
        }
        page.count = service_row_encode(type, true, &page.rows) ? 1 : 0;
    } else if (core->catalogue != NULL) {
        for (uint32_t i = cursor_place(record->after); i <= catalogue_count(core->catalogue); i++) {
            if (page.count == page.limit || !service_row_encode(catalogue_service(core->catalogue, i - 1), false, &page.rows)) {
                snprintf(page.next, sizeof page.next, "%" PRIu32, i - 1);
                break;
            }
            page.count++;
        }
    }
    page_answer(turn, &page, PROTO_PAGE_KIND_SERVICE);
}

/* ------------------------------------------------------------- queues */

static int64_t
oldest_age(const struct core *core, const struct service *service, int64_t now_us)
{
    int64_t oldest = 0;
    const struct list *lists[] = {&service->groups, &service->unmatched};
    for (unsigned which = 0; which < 2; which++) {
        uint32_t looks = GROUPS_PER_LOOK;
        for (uint32_t g = lists[which]->head; g != 0 && looks-- > 0; g = group_at(core, g)->next) {
            const struct group *group = group_at(core, g);
            for (unsigned level = 0; level < LEVELS; level++) {
                for (uint32_t f = 0; f < group->levels[level].n && f < GROUPS_PER_LOOK; f++) {
                    const struct flow *flow = flow_at(core, group->levels[level].flows[f]);
                    int64_t age = now_us - request_at(core, flow->heads[level])->authored_us;
                    oldest = age > oldest ? age : oldest;
                }
            }
        }
    }
    return oldest;
}

static uint64_t
unmatched_tasks(const struct core *core, const struct service *service)
{
    if (service->offer_count == 0) {
        return service->waiting;
    }
    uint64_t tasks = 0;
    uint32_t looks = 4096;
    for (uint32_t g = service->unmatched.head; g != 0 && looks-- > 0; g = group_at(core, g)->next) {
        tasks += group_at(core, g)->waiting;
    }
    return tasks;
}

static void
queue_row(const struct turn *turn, const struct service *service, struct proto_queue *row)
{
    const struct core *core = turn->core;
    *row = (struct proto_queue){.service = name_str(&service->name),
                                .depth = service->waiting,
                                .oldest = oldest_age(core, service, turn->now.utc_us),
                                .running = service->running,
                                .held = service->held,
                                .unmatched = unmatched_tasks(core, service),
                                .paused = service->paused,
                                .draining = service->draining,
                                .finished = service->finished};
    uint32_t seen = 0;
    for (uint32_t i = 0; i < service->offer_count; i++) {
        const struct offer *offer = offer_at(core, service->offers[i]);
        row->free += offer->capacity > offer->running ? offer->capacity - offer->running : 0;
        bool first = true;
        for (uint32_t j = seen; j < i && first; j++) {
            first = offer_at(core, service->offers[j])->party != offer->party;
        }
        row->providers += first;
        seen = i >= 256 ? i - 256 : 0; /* a bounded look back: near enough with thousands of workers */
    }
}

void
on_queues(struct turn *turn)
{
    const struct core *core = turn->core;
    const struct proto_queues *record = &turn->record->u.queues;
    struct page page;
    page_begin(&page, record->limit);
    for (uint32_t i = cursor_place(record->after); i < core->services.used; i++) {
        const struct service *service = service_at(core, i);
        if (record->service.n > 0 && !service_name_covers(record->service, name_str(&service->name))) {
            continue;
        }
        struct proto_queue row;
        queue_row(turn, service, &row);
        if (!page_add(&page, PROTO_STRUCT_QUEUE, &row, i - 1)) {
            break;
        }
    }
    page_answer(turn, &page, PROTO_PAGE_KIND_QUEUE);
}

/* ------------------------------------------------------------- workers */

void
on_workers(struct turn *turn)
{
    const struct core *core = turn->core;
    const struct proto_workers *record = &turn->record->u.workers;
    struct page page;
    page_begin(&page, record->limit);
    for (uint32_t i = cursor_place(record->after); i < core->offers.used; i++) {
        const struct offer *offer = offer_at(core, i);
        if (offer->conn == 0 ||
            (record->service.n > 0 && !service_name_covers(name_str(&offer->pattern), record->service) &&
             !service_name_covers(record->service, name_str(&offer->pattern)))) {
            continue;
        }
        const struct connection *connection = &core->connections[offer->conn & 0xffff];
        const struct party *party = party_at(core, offer->party);
        struct proto_worker row = {.party = name_str(&party->name),
                                   .member = name_str(&member_at(core, offer->member)->name),
                                   .service = name_str(&offer->pattern),
                                   .worker = name_str(&offer->worker),
                                   .capacity = offer->capacity,
                                   .running = offer->running,
                                   .credit = offer->credit,
                                   .since = connection->since_us,
                                   .last_seen = connection->seen_us,
                                   .paused = party->paused || party->draining};
        if (!page_add(&page, PROTO_STRUCT_WORKER, &row, i - 1)) {
            break;
        }
    }
    page_answer(turn, &page, PROTO_PAGE_KIND_WORKER);
}

/* ------------------------------------------------------------- parties */

static void
member_row(const struct core *core, const struct member *member, struct proto_party_row *row)
{
    *row = (struct proto_party_row){.party = name_str(&party_at(core, member->party)->name),
                                    .member = name_str(&member->name),
                                    .key = {member->key, 32},
                                    .revoked = member->state == CORE_MEMBER_REVOKED,
                                    .expires = member->expires_us};
}

/* A party's row, then those of its keys. The cursor counts parties: a page ends between two of them. */
static bool
party_rows(const struct core *core, struct page *page, uint32_t item)
{
    const struct party *party = party_at(core, item);
    struct proto_buf roles;
    proto_buf_init(&roles, 256);
    roles_encode(party->roles, &roles);
    struct proto_party_row row = {.party = name_str(&party->name),
                                  .title = {party->title, party->title_n},
                                  .roles = {roles.p, (uint32_t)roles.n},
                                  .services = {party->services, party->services_n},
                                  .revoked = party->revoked,
                                  .attributes = {party->attributes, party->attributes_n},
                                  .open = party->open,
                                  .quota = party->quota};
    bool added = page_add(page, PROTO_STRUCT_PARTY_ROW, &row, item - 1);
    proto_buf_fini(&roles);
    if (!added) {
        return false;
    }
    for (uint32_t i = party->members; i != 0; i = member_at(core, i)->next) {
        struct proto_party_row key;
        member_row(core, member_at(core, i), &key);
        page->count += proto_struct_encode(&page->rows, PROTO_STRUCT_PARTY_ROW, &key);
    }
    return true;
}

void
party_list(struct turn *turn)
{
    const struct core *core = turn->core;
    const struct proto_party *record = &turn->record->u.party;
    struct page page;
    page_begin(&page, record->limit);
    for (uint32_t i = cursor_place(record->after); i < core->parties.used; i++) {
        if (record->party.n > 0 && !proto_str_eq(record->party, name_str(&party_at(core, i)->name))) {
            continue;
        }
        if (!party_rows(core, &page, i)) {
            break;
        }
    }
    page_answer(turn, &page, PROTO_PAGE_KIND_PARTY);
}

/* ------------------------------------------------------------- stats */

void
on_stats(struct turn *turn)
{
    struct core_stats s;
    core_stats(turn->core, &s);
    const struct {
        const char *name, *unit, *help;
        double value;
    } rows[] = {
        {"accepted", "requests", "accepted since start", (double)s.accepted},
        {"duplicates", "requests", "submitted again and answered the same", (double)s.duplicates},
        {"refused", "records", "refused since start", (double)s.refused},
        {"assigned", "tasks", "given to a provider since start", (double)s.assigned},
        {"completed", "requests", "completed since start", (double)s.completed},
        {"failed", "requests", "failed since start", (double)s.failed},
        {"cancelled", "requests", "cancelled since start", (double)s.cancelled},
        {"exhausted", "requests", "put on hold because their attempts were exhausted, since start", (double)s.exhausted},
        {"lease_expired", "leases", "ran out since start", (double)s.lease_expired},
        {"open", "requests", "not finished now", s.open},
        {"waiting", "tasks", "waiting for a provider now", s.waiting},
        {"running", "tasks", "with a provider now", s.running},
        {"held", "requests", "on hold now", s.held},
        {"finished_kept", "requests", "finished, and not in history yet", s.finished_kept},
        {"connections", "connections", "now", s.connections},
        {"offers", "offers", "now", s.offers},
        {"watches", "watches", "now", s.watches},
        {"groups", "groups", "of waiting tasks that want the same", s.groups},
        {"parties", "parties", "known", s.parties},
        {"kept_keys", "keys", "of callers, kept", s.kept_keys},
        {"producers", "producers", "whose numbers are remembered", s.producers},
        {"sequence", "events", "last event decided", (double)turn->core->seq},
        {"core_bytes", "bytes", "memory of the core's tables", (double)s.bytes},
    };
    struct page page;
    page_begin(&page, 0);
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct proto_stat row = {.name = proto_str_of(rows[i].name),
                                 .value = rows[i].value,
                                 .unit = proto_str_of(rows[i].unit),
                                 .help = proto_str_of(rows[i].help)};
        page_add(&page, PROTO_STRUCT_STAT, &row, 0);
    }
    page_answer(turn, &page, PROTO_PAGE_KIND_STAT);
}
