/* Pages: the rows of an answer as public structs, copied into one arena that belongs to the page. */
#include <stdlib.h>

#include "lib/arena.h"
#include "lib/internal.h"

struct page {
    struct qiao_page public; /* first: a page is found by its public half */
    struct qiaoi_arena arena;
};

static const char *
text_copy(struct qiaoi_arena *arena, struct proto_str text)
{
    char *copy;

    if (text.n == 0) {
        return "";
    }
    copy = qiaoi_arena_take(arena, text.n + 1, 1);
    if (!copy) {
        return "";
    }
    memcpy(copy, text.p, text.n);
    return copy;
}

static struct qiao_bytes
bytes_copy(struct qiaoi_arena *arena, struct proto_bin bin)
{
    void *copy = bin.n > 0 ? qiaoi_arena_take(arena, bin.n, 1) : NULL;

    if (!copy) {
        return (struct qiao_bytes){0};
    }
    memcpy(copy, bin.p, bin.n);
    return (struct qiao_bytes){copy, bin.n};
}

static const char *const *
strs_copy(struct qiaoi_arena *arena, struct proto_bin list, size_t *out_count)
{
    struct proto_iter it = proto_iter_of(list);
    const char **texts = it.left > 0 ? qiaoi_arena_take(arena, it.left, sizeof *texts) : NULL;
    struct proto_str text;
    size_t count = 0;

    while (texts && proto_iter_str(&it, &text)) {
        texts[count++] = text_copy(arena, text);
    }
    *out_count = count;
    return texts;
}

/* ------------------------------------------------------------- one filler per kind of row */

static const struct qiao_transition *
trail_copy(struct qiaoi_arena *arena, struct proto_bin list, size_t *out_count)
{
    struct proto_iter it = proto_iter_of(list);
    struct qiao_transition *trail = it.left > 0 ? qiaoi_arena_take(arena, it.left, sizeof *trail) : NULL;
    struct proto_transition row;
    size_t count = 0;

    while (trail && proto_iter_struct(&it, PROTO_STRUCT_TRANSITION, &row)) {
        trail[count++] = (struct qiao_transition){
            .seq = row.seq, .at = row.at, .task = row.task,
            .was = (enum qiao_task_status)row.was, .status = (enum qiao_task_status)row.status,
            .reason = (enum qiao_reason)row.reason, .attempt = row.attempt,
            .event = text_copy(arena, row.event), .business_status = text_copy(arena, row.business_status),
            .party = text_copy(arena, row.party), .member = text_copy(arena, row.member),
            .message = text_copy(arena, row.message),
        };
    }
    *out_count = count;
    return trail;
}

static void
fill_request(struct qiaoi_arena *arena, const void *from, void *to)
{
    const struct proto_request *row = from;
    struct qiao_request *request = to;

    *request = (struct qiao_request){
        .id = row->id, .task = row->task, .fence = row->fence, .service = text_copy(arena, row->service),
        .status = (enum qiao_task_status)row->status, .reason = (enum qiao_reason)row->reason,
        .priority = (enum qiao_priority)row->priority,
        .business_status = text_copy(arena, row->business_status), .outcome = text_copy(arena, row->outcome),
        .requester = text_copy(arena, row->requester), .performer = text_copy(arena, row->performer),
        .member = text_copy(arena, row->member), .verifier = text_copy(arena, row->verifier),
        .verified_on = row->verified_on, .subject = text_copy(arena, row->subject),
        .key = text_copy(arena, row->key), .message = text_copy(arena, row->message),
        .authored_on = row->authored_on, .last_modified = row->last_modified, .not_before = row->not_before,
        .complete_by = row->complete_by, .attempt = row->attempt, .progress = row->progress,
        .charge = {row->charge, text_copy(arena, row->currency)}, .seq = row->seq, .output_seq = row->output_seq,
        .body_bytes = row->body_bytes, .input = bytes_copy(arena, row->input), .output = bytes_copy(arena, row->output),
    };
    request->trail = trail_copy(arena, row->trail, &request->trail_count);
}

static const struct qiao_field *
fields_copy(struct qiaoi_arena *arena, struct proto_bin list, size_t *out_count)
{
    struct proto_iter it = proto_iter_of(list);
    struct qiao_field *fields = it.left > 0 ? qiaoi_arena_take(arena, it.left, sizeof *fields) : NULL;
    struct proto_field_row row;
    size_t count = 0;

    while (fields && proto_iter_struct(&it, PROTO_STRUCT_FIELD_ROW, &row)) {
        struct qiao_field *field = &fields[count++];

        *field = (struct qiao_field){
            .name = text_copy(arena, row.name), .type = text_copy(arena, row.type), .unit = text_copy(arena, row.unit),
            .items = text_copy(arena, row.items), .doc = text_copy(arena, row.doc), .required = row.required,
            .confirmed = row.confirmed,
            .has_min = row.has_min, .has_max = row.has_max, .min = row.min, .max = row.max,
        };
        field->choices = strs_copy(arena, row.enum_, &field->choice_count);
    }
    *out_count = count;
    return fields;
}

static void
fill_service(struct qiaoi_arena *arena, const void *from, void *to)
{
    const struct proto_service_row *row = from;
    struct qiao_service *service = to;

    *service = (struct qiao_service){
        .service = text_copy(arena, row->service), .title = text_copy(arena, row->title),
        .title_zh = text_copy(arena, row->title_zh), .category = text_copy(arena, row->category),
        .description = text_copy(arena, row->description), .pattern = (enum qiao_pattern)row->pattern,
        .tenure = (enum qiao_tenure)row->tenure, .policy = (enum qiao_policy)row->policy, .verify = row->verify,
        .attempts = row->attempts, .accept_by_us = row->accept_by, .start_by_us = row->start_by,
        .attempt_us = row->attempt, .complete_by_us = row->complete_by,
    };
    service->input = fields_copy(arena, row->input, &service->input_count);
    service->output = fields_copy(arena, row->output, &service->output_count);
    service->attributes = fields_copy(arena, row->attributes, &service->attribute_count);
    service->currency = text_copy(arena, row->currency);
    service->outcomes = strs_copy(arena, row->outcomes, &service->outcome_count);
}

static void
fill_candidate(struct qiaoi_arena *arena, const void *from, void *to)
{
    const struct proto_candidate *row = from;

    *(struct qiao_candidate *)to = (struct qiao_candidate){.party = text_copy(arena, row->party), .matches = row->matches,
                                                           .why = text_copy(arena, row->why), .free = row->free,
                                                           .running = row->running};
}

static void
fill_queue(struct qiaoi_arena *arena, const void *from, void *to)
{
    const struct proto_queue *row = from;

    *(struct qiao_queue *)to = (struct qiao_queue){
        .service = text_copy(arena, row->service), .depth = row->depth, .oldest_us = row->oldest, .running = row->running,
        .held = row->held, .providers = row->providers, .free = row->free, .unmatched = row->unmatched,
        .finished = row->finished, .paused = row->paused, .draining = row->draining,
    };
}

static void
fill_worker(struct qiaoi_arena *arena, const void *from, void *to)
{
    const struct proto_worker *row = from;

    *(struct qiao_worker *)to = (struct qiao_worker){
        .party = text_copy(arena, row->party), .member = text_copy(arena, row->member),
        .service = text_copy(arena, row->service), .worker = text_copy(arena, row->worker), .capacity = row->capacity,
        .running = row->running, .credit = row->credit, .since = row->since, .last_seen = row->last_seen,
        .paused = row->paused,
    };
}

static void
fill_stat(struct qiaoi_arena *arena, const void *from, void *to)
{
    const struct proto_stat *row = from;

    *(struct qiao_stat *)to = (struct qiao_stat){.name = text_copy(arena, row->name), .value = row->value,
                                                 .unit = text_copy(arena, row->unit), .help = text_copy(arena, row->help)};
}

static void
fill_party(struct qiaoi_arena *arena, const void *from, void *to)
{
    const struct proto_party_row *row = from;
    struct qiao_party *party = to;

    *party = (struct qiao_party){
        .party = text_copy(arena, row->party), .title = text_copy(arena, row->title),
        .member = text_copy(arena, row->member), .has_key = row->key.n == sizeof party->key, .revoked = row->revoked,
        .expires = row->expires, .attributes = bytes_copy(arena, row->attributes), .open = row->open,
        .quota = row->quota,
    };
    if (party->has_key) {
        memcpy(party->key, row->key.p, sizeof party->key);
    }
    party->roles = strs_copy(arena, row->roles, &party->role_count);
    party->services = strs_copy(arena, row->services, &party->service_count);
}

/* ------------------------------------------------------------- pages */

struct row_kind {
    enum proto_struct type;
    size_t size;
    void (*fill)(struct qiaoi_arena *arena, const void *from, void *to);
};

static const struct row_kind KINDS[] = {
    [PROTO_PAGE_KIND_REQUEST] = {PROTO_STRUCT_REQUEST, sizeof(struct qiao_request), fill_request},
    [PROTO_PAGE_KIND_SERVICE] = {PROTO_STRUCT_SERVICE_ROW, sizeof(struct qiao_service), fill_service},
    [PROTO_PAGE_KIND_CANDIDATE] = {PROTO_STRUCT_CANDIDATE, sizeof(struct qiao_candidate), fill_candidate},
    [PROTO_PAGE_KIND_QUEUE] = {PROTO_STRUCT_QUEUE, sizeof(struct qiao_queue), fill_queue},
    [PROTO_PAGE_KIND_WORKER] = {PROTO_STRUCT_WORKER, sizeof(struct qiao_worker), fill_worker},
    [PROTO_PAGE_KIND_STAT] = {PROTO_STRUCT_STAT, sizeof(struct qiao_stat), fill_stat},
    [PROTO_PAGE_KIND_PARTY] = {PROTO_STRUCT_PARTY_ROW, sizeof(struct qiao_party), fill_party},
    [PROTO_PAGE_KIND_TASK] = {PROTO_STRUCT_REQUEST, sizeof(struct qiao_request), fill_request},
};

union any_row {
    struct proto_request request;
    struct proto_service_row service;
    struct proto_candidate candidate;
    struct proto_queue queue;
    struct proto_worker worker;
    struct proto_stat stat;
    struct proto_party_row party;
};

static void
rows_fill(struct page *page, const struct row_kind *kind, struct proto_bin rows)
{
    struct proto_iter it = proto_iter_of(rows);
    uint8_t *to = it.left > 0 ? qiaoi_arena_take(&page->arena, it.left, kind->size) : NULL;
    union any_row row;

    page->public.requests = (const struct qiao_request *)(const void *)to;
    while (to && proto_iter_struct(&it, kind->type, &row)) {
        kind->fill(&page->arena, &row, to + page->public.count * kind->size);
        page->public.count++;
    }
}

enum qiao_status
qiaoi_page_make(const struct proto_record *record, struct qiao_page **out_page)
{
    const struct proto_page *from = &record->u.page;
    struct page *page;

    if (record->type != PROTO_PAGE) {
        return QIAO_CLOSED;
    }
    page = calloc(1, sizeof *page);
    if (!page) {
        return QIAO_NO_MEMORY;
    }
    page->public.kind = (enum qiao_page_kind)from->kind;
    page->public.next = text_copy(&page->arena, from->next);
    page->public.message = text_copy(&page->arena, from->message);
    page->public.body = bytes_copy(&page->arena, record->body);
    page->public.position = from->position;
    page->public.estimate_us = from->estimate;
    page->public.status = (enum qiao_task_status)from->status;
    page->public.reason = (enum qiao_reason)from->reason;
    if (from->kind > 0 && from->kind < sizeof KINDS / sizeof *KINDS) {
        rows_fill(page, &KINDS[from->kind], from->rows);
    }
    if (page->arena.failed) {
        qiaoi_arena_fini(&page->arena);
        free(page);
        return QIAO_NO_MEMORY;
    }
    *out_page = &page->public;
    return QIAO_OK;
}

void
qiao_page_free(struct qiao_page **page_p)
{
    struct page *page = (struct page *)(void *)*page_p;

    if (page) {
        qiaoi_arena_fini(&page->arena);
        free(page);
        *page_p = NULL;
    }
}
