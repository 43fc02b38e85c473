/* The rows that a broker gives, as JSON objects. */
#include "rows.h"

#include "value.h"

/* ---- values ---- */

static void
set_number(json_t *object, const char *key, int64_t value)
{
    if (value)
        json_object_set_new(object, key, json_integer(value));
}

/* u64: sequences and fences stay below 2^63. */
static void
set_count(json_t *object, const char *key, uint64_t value)
{
    json_object_set_new(object, key, json_integer((json_int_t)value));
}

static void
set_seconds(json_t *object, const char *key, int64_t us)
{
    if (us)
        json_object_set_new(object, key, json_real((double)us / 1e6));
}

static void
set_money(json_t *object, const char *key, const struct qiao_money *money)
{
    if (money->currency && *money->currency)
        json_object_set_new(object, key, json_pack("{s:I,s:s}", "amount", (json_int_t)money->minor_units, "currency", money->currency));
}

static void
set_flag(json_t *object, const char *key, bool value)
{
    json_object_set_new(object, key, json_boolean(value));
}

static void
set_list(json_t *object, const char *key, const char *const *texts, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_string(texts[i]));
    json_object_set_new(object, key, list);
}

/* ---- rows ---- */

static json_t *
row_transition(const struct cli *cli, const struct qiao_transition *t)
{
    json_t *row = json_object();
    json_set(row, "at", json_of_time(cli, t->at));
    set_count(row, "seq", t->seq);
    json_set_text(row, "event", t->event);
    json_set(row, "task", json_of_id(t->task));
    json_set_text(row, "was", qiao_task_status_name(t->was));
    json_set_text(row, "status", qiao_task_status_name(t->status));
    if (t->reason != QIAO_REASON_NONE)
        json_set_text(row, "reason", qiao_reason_name(t->reason));
    json_set_text(row, "business_status", t->business_status);
    set_number(row, "attempt", t->attempt);
    json_set_text(row, "party", t->party);
    json_set_text(row, "member", t->member);
    json_set_text(row, "message", t->message);
    return row;
}

json_t *
row_request(const struct cli *cli, const struct qiao_request *r)
{
    json_t *row = json_object();
    json_set(row, "id", json_of_id(r->id));
    json_set(row, "task", json_of_id(r->task));
    json_set_text(row, "service", r->service);
    json_set_text(row, "status", qiao_task_status_name(r->status));
    if (r->reason != QIAO_REASON_NONE)
        json_set_text(row, "reason", qiao_reason_name(r->reason));
    json_set_text(row, "business_status", r->business_status);
    json_set_text(row, "outcome", r->outcome);
    json_set_text(row, "priority", qiao_priority_name(r->priority));
    json_set_text(row, "requester", r->requester);
    json_set_text(row, "performer", r->performer);
    json_set_text(row, "member", r->member);
    json_set_text(row, "verifier", r->verifier);
    json_set(row, "verified_on", json_of_time(cli, r->verified_on));
    json_set_text(row, "subject", r->subject);
    json_set_text(row, "key", r->key);
    json_set_text(row, "message", r->message);
    json_set(row, "authored_on", json_of_time(cli, r->authored_on));
    json_set(row, "last_modified", json_of_time(cli, r->last_modified));
    json_set(row, "not_before", json_of_time(cli, r->not_before));
    json_set(row, "complete_by", json_of_time(cli, r->complete_by));
    set_number(row, "attempt", r->attempt);
    if (r->progress > 0 && !qiao_task_status_is_final(r->status))
        json_object_set_new(row, "progress", json_real(r->progress));
    set_money(row, "charge", &r->charge);
    set_number(row, "fence", (int64_t)r->fence);
    set_number(row, "body_bytes", r->body_bytes);
    set_count(row, "seq", r->seq);
    if (r->input.n)
        json_object_set_new(row, "input", value_json_map(r->input));
    if (r->output.n)
        json_object_set_new(row, "output", value_json_map(r->output));
    if (r->trail_count) {
        json_t *trail = json_array();
        for (size_t i = 0; i < r->trail_count; i++)
            json_array_append_new(trail, row_transition(cli, &r->trail[i]));
        json_object_set_new(row, "trail", trail);
    }
    return row;
}

static json_t *
row_fields(const struct qiao_field *fields, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        const struct qiao_field *f = &fields[i];
        json_t *row = json_object();
        json_set_text(row, "name", f->name);
        json_set_text(row, "type", f->type);
        json_set_text(row, "items", f->items);
        json_set_text(row, "unit", f->unit);
        set_flag(row, "required", f->required);
        set_flag(row, "confirmed", f->confirmed);
        if (f->has_min)
            json_object_set_new(row, "min", json_real(f->min));
        if (f->has_max)
            json_object_set_new(row, "max", json_real(f->max));
        if (f->choice_count)
            set_list(row, "enum", f->choices, f->choice_count);
        json_set_text(row, "doc", f->doc);
        json_array_append_new(list, row);
    }
    return list;
}

json_t *
row_service(const struct cli *cli, const struct qiao_service *s)
{
    (void)cli;
    json_t *row = json_object();
    json_set_text(row, "service", s->service);
    json_set_text(row, "title", s->title);
    json_set_text(row, "title_zh", s->title_zh);
    json_set_text(row, "category", s->category);
    json_set_text(row, "description", s->description);
    json_set_text(row, "pattern", qiao_pattern_name(s->pattern));
    json_set_text(row, "tenure", qiao_tenure_name(s->tenure));
    json_set_text(row, "policy", qiao_policy_name(s->policy));
    set_flag(row, "verify", s->verify);
    set_number(row, "attempts", s->attempts);
    set_seconds(row, "accept_by_s", s->accept_by_us);
    set_seconds(row, "start_by_s", s->start_by_us);
    set_seconds(row, "attempt_s", s->attempt_us);
    set_seconds(row, "complete_by_s", s->complete_by_us);
    json_set_text(row, "currency", s->currency);
    json_object_set_new(row, "input", row_fields(s->input, s->input_count));
    json_object_set_new(row, "output", row_fields(s->output, s->output_count));
    json_object_set_new(row, "attributes", row_fields(s->attributes, s->attribute_count));
    if (s->outcome_count)
        set_list(row, "outcomes", s->outcomes, s->outcome_count);
    return row;
}

json_t *
row_candidate(const struct cli *cli, const struct qiao_candidate *c)
{
    (void)cli;
    json_t *row = json_object();
    json_set_text(row, "party", c->party);
    set_flag(row, "matches", c->matches);
    set_count(row, "free", c->free);
    set_count(row, "running", c->running);
    json_set_text(row, "why", c->why);
    return row;
}

json_t *
row_queue(const struct cli *cli, const struct qiao_queue *q)
{
    (void)cli;
    json_t *row = json_object();
    json_set_text(row, "service", q->service);
    set_count(row, "depth", q->depth);
    set_seconds(row, "oldest_s", q->oldest_us);
    set_count(row, "running", q->running);
    set_count(row, "held", q->held);
    set_count(row, "providers", q->providers);
    set_count(row, "free", q->free);
    set_count(row, "unmatched", q->unmatched);
    set_count(row, "finished", q->finished);
    set_flag(row, "paused", q->paused);
    set_flag(row, "draining", q->draining);
    return row;
}

json_t *
row_worker(const struct cli *cli, const struct qiao_worker *w)
{
    json_t *row = json_object();
    json_set_text(row, "worker", w->worker);
    json_set_text(row, "party", w->party);
    json_set_text(row, "member", w->member);
    json_set_text(row, "service", w->service);
    set_count(row, "capacity", w->capacity);
    set_count(row, "running", w->running);
    set_count(row, "credit", w->credit);
    json_set(row, "since", json_of_time(cli, w->since));
    json_set(row, "last_seen", json_of_time(cli, w->last_seen));
    set_flag(row, "paused", w->paused);
    return row;
}

json_t *
row_stat(const struct cli *cli, const struct qiao_stat *s)
{
    (void)cli;
    json_t *row = json_object();
    bool whole = s->value > -1e15 && s->value < 1e15 && s->value == (double)(int64_t)s->value;
    json_set_text(row, "name", s->name);
    json_object_set_new(row, "value", whole ? json_integer((json_int_t)s->value) : json_real(s->value));
    json_set_text(row, "unit", s->unit);
    json_set_text(row, "help", s->help);
    return row;
}

json_t *
row_party(const struct cli *cli, const struct qiao_party *p)
{
    json_t *row = json_object();
    json_set_text(row, "party", p->party);
    json_set_text(row, "title", p->title);
    json_set_text(row, "member", p->member);
    set_list(row, "roles", p->roles, p->role_count);
    set_list(row, "services", p->services, p->service_count);
    if (p->has_key) {
        char key[QIAO_Z85_CHARS + 1];
        qiao_key_encode(p->key, key);
        json_set_text(row, "key", key);
    }
    set_flag(row, "revoked", p->revoked);
    json_set(row, "expires", json_of_time(cli, p->expires));
    if (p->attributes.n)
        json_object_set_new(row, "attributes", value_json_map(p->attributes));
    set_number(row, "open", (int64_t)p->open);
    set_number(row, "quota", (int64_t)p->quota);
    return row;
}

json_t *
row_change(const struct cli *cli, const struct qiao_change *c)
{
    json_t *row = json_object();
    json_set(row, "at", json_of_time(cli, c->at));
    json_set(row, "id", json_of_id(c->id));
    set_count(row, "seq", c->seq);
    json_set_text(row, "event", c->event);
    json_set_text(row, "was", qiao_task_status_name(c->was));
    json_set_text(row, "status", qiao_task_status_name(c->status));
    if (c->reason != QIAO_REASON_NONE)
        json_set_text(row, "reason", qiao_reason_name(c->reason));
    json_set_text(row, "business_status", c->business_status);
    json_set_text(row, "outcome", c->outcome);
    json_set_text(row, "service", c->service);
    json_set_text(row, "requester", c->requester);
    json_set_text(row, "performer", c->performer);
    json_set_text(row, "member", c->member);
    set_number(row, "attempt", c->attempt);
    if (c->progress > 0)
        json_object_set_new(row, "progress", json_real(c->progress));
    set_seconds(row, "remaining_s", c->remaining_us);
    json_set_text(row, "message", c->message);
    set_money(row, "charge", &c->charge);
    if (c->output.n)
        json_object_set_new(row, "output", value_json_map(c->output));
    if (c->fields.n)
        json_set(row, "fields", value_json(c->fields));
    return row;
}

json_t *
row_task(const struct cli *cli, const struct qiao_task *t)
{
    json_t *row = json_object();
    json_set(row, "task", json_of_id(t->task));
    json_set(row, "request", json_of_id(t->request));
    set_count(row, "fence", t->fence);
    json_set_text(row, "service", t->service);
    json_set_text(row, "status", qiao_task_status_name(t->status));
    json_set_text(row, "tenure", qiao_tenure_name(t->tenure));
    json_set_text(row, "priority", qiao_priority_name(t->priority));
    set_number(row, "attempt", t->attempt);
    json_set(row, "deadline", json_of_time(cli, t->deadline));
    json_set(row, "complete_by", json_of_time(cli, t->complete_by));
    json_set_text(row, "requester", t->requester);
    json_set_text(row, "subject", t->subject);
    json_set_text(row, "note", t->note);
    json_set_text(row, "business_status", t->business_status);
    json_set_text(row, "message", t->message);
    if (t->reply)
        set_flag(row, "reply", true);
    json_object_set_new(row, "input", value_json_map(t->input));
    set_number(row, "body_bytes", (int64_t)t->body.n);
    return row;
}

json_t *
row_receipt(const struct cli *cli, const struct qiao_receipt *r)
{
    (void)cli;
    json_t *row = json_object();
    json_set(row, "id", json_of_id(r->id));
    json_set(row, "task", json_of_id(r->task));
    json_set_text(row, "status", qiao_task_status_name(r->status));
    json_set_text(row, "business_status", r->business_status);
    set_flag(row, "duplicate", r->duplicate);
    json_set_text(row, "message", r->message);
    set_count(row, "seq", r->seq);
    return row;
}

void
rows_of_page(const struct cli *cli, const struct qiao_page *page, json_t *rows)
{
    for (size_t i = 0; i < page->count; i++) {
        json_t *row = NULL;
        switch (page->kind) {
        case QIAO_PAGE_REQUEST:
        case QIAO_PAGE_TASK: row = row_request(cli, &page->requests[i]); break;
        case QIAO_PAGE_SERVICE: row = row_service(cli, &page->services[i]); break;
        case QIAO_PAGE_CANDIDATE: row = row_candidate(cli, &page->candidates[i]); break;
        case QIAO_PAGE_QUEUE: row = row_queue(cli, &page->queues[i]); break;
        case QIAO_PAGE_WORKER: row = row_worker(cli, &page->workers[i]); break;
        case QIAO_PAGE_STAT: row = row_stat(cli, &page->stats[i]); break;
        case QIAO_PAGE_PARTY: row = row_party(cli, &page->parties[i]); break;
        }
        if (row)
            json_array_append_new(rows, row);
    }
}
