/*
 * Effects as records: receipts, tasks, events; see core.h. What the core does not hold is read from the journal's events
 * that the shell hands in.
 */
#include "core/event.h"
#include "core/render.h"
#include "core/splice.h"

#include "proto/reader.h"
#include "proto/writer.h"

bool
event_read(struct proto_bin bytes, struct proto_event *out_event)
{
    struct proto_error error;
    size_t used;
    return bytes.n > 0 && proto_event_decode(bytes.p, bytes.n, &used, out_event, &error) && used == bytes.n;
}

/* ------------------------------------------------------------- receipt */

static bool
render_receipt(const struct core_out *out, const struct core_effect *effect, struct proto_buf *buf)
{
    struct proto_buf lost; /* of a renew: rows that are encoded already */
    proto_buf_init(&lost, PROTO_LIMIT_FRAME_BYTES);
    bool fits = effect->watch == 0 ||
                (proto_put_list(&lost, effect->watch) && proto_buf_append(&lost, out->bytes.p + effect->offset, effect->bytes));
    bool verifies = (effect->flags & EFFECT_VERIFY) && effect->status == PROTO_STATUS_IN_PROGRESS;
    struct proto_str business = verifies ? PROTO_STR("to_be_verified") : (struct proto_str){0};
    struct pen pen;
    fits = fits && pen_begin(&pen, buf, PROTO_RECEIPT, effect->re, lost.n + business.n);
    if (fits) {
        pen_u64(&pen, PROTO_RECEIPT_ID, effect->id);
        pen_enum(&pen, PROTO_RECEIPT_STATUS, effect->status);
        pen_u64(&pen, PROTO_RECEIPT_SEQ, effect->fence);
        pen_bool(&pen, PROTO_RECEIPT_DUPLICATE, (effect->flags & EFFECT_DUPLICATE) != 0);
        pen_u64(&pen, PROTO_RECEIPT_TASK, effect->task != 0 ? effect->id + effect->task : 0);
        pen_raw(&pen, PROTO_RECEIPT_LOST, (struct proto_bin){lost.p, (uint32_t)lost.n});
        pen_text(&pen, PROTO_RECEIPT_BUSINESS_STATUS, business);
        pen_end(&pen, (struct proto_bin){0});
    }
    proto_buf_fini(&lost);
    return fits;
}

/* ------------------------------------------------------------- task */

/* Field numbers of events.toml, where they are taken as they are. */
enum {
    COMMON_ID = 1, COMMON_AT = 3, COMMON_SERVICE = 4, COMMON_REQUESTER = 5, COMMON_PERFORMER = 6, COMMON_MEMBER = 8,
    COMMON_WAS = 10, COMMON_STATUS = 11, COMMON_REASON = 14, COMMON_BUSINESS = 15, COMMON_MESSAGE = 16, COMMON_ATTEMPT = 17,
    COMMON_OUTCOME = 21, COMMON_CHARGE = 22, COMMON_CURRENCY = 23,
    ACCEPTED_INPUT = 38, ACCEPTED_PRIORITY = 39, ACCEPTED_COMPLETE_BY = 46, ACCEPTED_SUBJECT = 51, ACCEPTED_NOTE = 52,
    ACCEPTED_TRACEPARENT = 54, PROGRESSED_PROGRESS = 32, PROGRESSED_REMAINING = 33, PROGRESSED_OUTPUT = 34, ASKED_FIELDS = 33,
    REPLIED_INPUT = 33, PRESENTED_OUTPUT = 33, COMPLETED_OUTPUT = 32,
};

static struct proto_bin
piece(const struct pieces *pieces, unsigned number)
{
    return pieces_has(pieces, number) ? pieces->at[number] : (struct proto_bin){0};
}

/* Every pair of both maps; where both have a key, the second one's value. */
static bool
map_overlay(struct proto_buf *buf, struct proto_bin base, struct proto_bin over)
{
    struct proto_bin value;
    struct proto_token head, key;
    for (int pass = 0, pairs = 0; pass < 2; pass++) {
        if (pass == 1 && !proto_put_map(buf, (uint32_t)pairs)) {
            return false;
        }
        for (int which = 0; which < 2; which++) {
            struct proto_reader reader = proto_reader_of(which == 0 ? base : over);
            if (!proto_next(&reader, &head)) {
                continue; /* an absent map */
            }
            for (uint32_t i = 0; i < head.count; i++) {
                struct proto_bin ignored;
                if (!proto_next(&reader, &key) || !proto_value(&reader, &value)) {
                    return false;
                }
                if (which == 0 && over.n > 0 && proto_map_find(over, key.str, &ignored)) {
                    continue;
                }
                pairs += pass == 0;
                if (pass == 1 && (!proto_put_str(buf, key.str) || !proto_buf_append(buf, value.p, value.n))) {
                    return false;
                }
            }
        }
    }
    return true;
}

/* What goes into a task record besides the effect's own numbers. */
struct task_content {
    struct proto_bin input;
    struct proto_bin body;
    struct proto_bin message;
    struct proto_bin output;
    bool reply;
};

/*
 * What goes along: a result to verify, or a reply. To the worker that asked, the reply alone; to one that takes the task over
 * (reply not set) the whole: input overlaid by the reply's, and the reply's body if it has one.
 */
static void
task_second_source(struct task_content *content, const struct core_effect *effect, const struct pieces *second,
                   struct proto_buf *scratch)
{
    content->message = piece(second, COMMON_MESSAGE);
    if (second->type == PROTO_EV_PRESENTED) {
        content->output = piece(second, PRESENTED_OUTPUT);
    } else if (second->type == PROTO_EV_REPLIED && (effect->flags & EFFECT_REPLY)) {
        content->reply = true;
        content->input = piece(second, REPLIED_INPUT);
        content->body = second->body;
    } else if (second->type == PROTO_EV_REPLIED) {
        if (map_overlay(scratch, content->input, piece(second, REPLIED_INPUT))) {
            content->input = (struct proto_bin){scratch->p, (uint32_t)scratch->n};
        } /* else both together are more than a record may carry: the request's own stands, `get` shows the reply */
        content->body = second->body.n > 0 ? second->body : content->body;
    }
}

static bool
task_write(const struct core_out *out, const struct core_effect *effect, const struct pieces *accepted,
           const struct task_content *content, size_t room, struct proto_buf *buf)
{
    struct pen pen;
    if (!pen_begin(&pen, buf, PROTO_TASK, 0, room + effect->bytes)) {
        return false;
    }
    pen_u64(&pen, PROTO_TASK_TASK, effect->id);
    pen_u64(&pen, PROTO_TASK_FENCE, effect->fence);
    pen_piece(&pen, PROTO_TASK_SERVICE, accepted, COMMON_SERVICE);
    pen_enum(&pen, PROTO_TASK_KIND, PROTO_TASK_KIND_FULFILL);
    pen_enum(&pen, PROTO_TASK_STATUS, effect->status);
    pen_enum(&pen, PROTO_TASK_TENURE, effect->flags & EFFECT_LEASED ? PROTO_TENURE_LEASED : PROTO_TENURE_OWNED);
    pen_u64(&pen, PROTO_TASK_ATTEMPT, effect->attempt);
    pen_enum(&pen, PROTO_TASK_PRIORITY, pieces_number(accepted, ACCEPTED_PRIORITY));
    pen_i64(&pen, PROTO_TASK_LEASE, effect->due_us);
    pen_i64(&pen, PROTO_TASK_DEADLINE, effect->until_us);
    pen_piece(&pen, PROTO_TASK_COMPLETE_BY, accepted, ACCEPTED_COMPLETE_BY);
    pen_piece(&pen, PROTO_TASK_REQUESTER, accepted, COMMON_REQUESTER);
    pen_piece(&pen, PROTO_TASK_SUBJECT, accepted, ACCEPTED_SUBJECT);
    pen_raw(&pen, PROTO_TASK_INPUT, content->input);
    pen_piece(&pen, PROTO_TASK_NOTE, accepted, ACCEPTED_NOTE);
    pen_piece(&pen, PROTO_TASK_TRACEPARENT, accepted, ACCEPTED_TRACEPARENT);
    if (effect->bytes > 0) {
        pen_text(&pen, PROTO_TASK_BUSINESS_STATUS, (struct proto_str){(const char *)out->bytes.p + effect->offset, effect->bytes});
    }
    pen_u64(&pen, PROTO_TASK_SEQ, effect->seq);
    pen_bool(&pen, PROTO_TASK_REPLY, content->reply);
    pen_raw(&pen, PROTO_TASK_MESSAGE, content->message);
    pen_raw(&pen, PROTO_TASK_OUTPUT, content->output);
    pen_end(&pen, content->body);
    return true;
}

static bool
render_task(const struct core_out *out, const struct core_effect *effect, struct proto_bin source,
            struct proto_bin source2, struct proto_buf *buf)
{
    struct pieces accepted, second;
    if (!pieces_read(source, &accepted) || accepted.type != PROTO_EV_ACCEPTED) {
        return false;
    }
    struct task_content content = {.input = piece(&accepted, ACCEPTED_INPUT), .body = accepted.body};
    if (source2.n == 0) {
        return task_write(out, effect, &accepted, &content, source.n, buf);
    }
    if (!pieces_read(source2, &second)) {
        return false;
    }
    struct proto_buf scratch;
    proto_buf_init(&scratch, PROTO_TASK_INPUT_MAX);
    task_second_source(&content, effect, &second, &scratch);
    bool fits = task_write(out, effect, &accepted, &content, (size_t)source.n + source2.n, buf);
    proto_buf_fini(&scratch);
    return fits;
}

/* ------------------------------------------------------------- event */

/* What an event tells of the work: progress, a result, a question. */
struct event_content {
    struct proto_bin outcome, charge, currency, output, body;
    struct proto_bin progress, remaining, fields;
};

/* A result that is not verified yet is nobody's but its performer's. */
static void
event_content_read(struct event_content *content, const struct pieces *event, const struct pieces *result)
{
    *content = (struct event_content){.outcome = piece(event, COMMON_OUTCOME),
                                      .charge = piece(event, COMMON_CHARGE),
                                      .currency = piece(event, COMMON_CURRENCY),
                                      .body = event->body};
    switch (event->type) {
    case PROTO_EV_PROGRESSED:
        content->progress = piece(event, PROGRESSED_PROGRESS);
        content->remaining = piece(event, PROGRESSED_REMAINING);
        content->output = piece(event, PROGRESSED_OUTPUT);
        break;
    case PROTO_EV_COMPLETED:
        content->output = piece(event, COMPLETED_OUTPUT);
        break;
    case PROTO_EV_ASKED:
        content->fields = piece(event, ASKED_FIELDS);
        break;
    case PROTO_EV_PRESENTED:
        *content = (struct event_content){.body = {0}};
        break;
    default:
        content->body = (struct proto_bin){0};
        break;
    }
    /* A result that was presented counts when it was verified, not when the request ended otherwise. */
    if (result != NULL && result->type == PROTO_EV_PRESENTED && event->type == PROTO_EV_COMPLETED) {
        content->outcome = piece(result, COMMON_OUTCOME);
        content->charge = piece(result, COMMON_CHARGE);
        content->currency = piece(result, COMMON_CURRENCY);
        content->output = piece(result, PRESENTED_OUTPUT);
        content->body = content->body.n > 0 ? content->body : result->body; /* the verifier may have signed it */
    }
}

static bool
event_write(uint64_t re, uint64_t seq, const struct pieces *event, const struct event_content *content, size_t room,
            struct proto_buf *buf)
{
    struct pen pen;
    if (!pen_begin(&pen, buf, PROTO_EVENT, re, room)) {
        return false;
    }
    const struct proto_desc *desc = proto_ev_desc(event->type);
    pen_piece(&pen, PROTO_EVENT_ID, event, COMMON_ID);
    pen_u64(&pen, PROTO_EVENT_SEQ, seq);
    pen_piece(&pen, PROTO_EVENT_AT, event, COMMON_AT);
    pen_enum(&pen, PROTO_EVENT_WAS, pieces_number(event, COMMON_WAS));
    pen_enum(&pen, PROTO_EVENT_STATUS, pieces_number(event, COMMON_STATUS));
    pen_enum(&pen, PROTO_EVENT_REASON, pieces_number(event, COMMON_REASON));
    pen_piece(&pen, PROTO_EVENT_BUSINESS_STATUS, event, COMMON_BUSINESS);
    pen_raw(&pen, PROTO_EVENT_OUTCOME, content->outcome);
    pen_piece(&pen, PROTO_EVENT_PERFORMER, event, COMMON_PERFORMER);
    pen_piece(&pen, PROTO_EVENT_MEMBER, event, COMMON_MEMBER);
    pen_piece(&pen, PROTO_EVENT_ATTEMPT, event, COMMON_ATTEMPT);
    pen_raw(&pen, PROTO_EVENT_PROGRESS, content->progress);
    pen_raw(&pen, PROTO_EVENT_REMAINING, content->remaining);
    pen_piece(&pen, PROTO_EVENT_MESSAGE, event, COMMON_MESSAGE);
    pen_raw(&pen, PROTO_EVENT_OUTPUT, content->output);
    pen_raw(&pen, PROTO_EVENT_CHARGE, content->charge);
    pen_raw(&pen, PROTO_EVENT_CURRENCY, content->currency);
    pen_text(&pen, PROTO_EVENT_EVENT, (struct proto_str){desc->name, desc->name_len});
    pen_piece(&pen, PROTO_EVENT_SERVICE, event, COMMON_SERVICE);
    pen_piece(&pen, PROTO_EVENT_REQUESTER, event, COMMON_REQUESTER);
    pen_raw(&pen, PROTO_EVENT_FIELDS, content->fields);
    pen_end(&pen, content->body);
    return true;
}

bool
render_event(uint64_t re, uint64_t seq, struct proto_bin source, struct proto_bin source2, struct proto_buf *buf)
{
    struct pieces event, result;
    if (!pieces_read(source, &event) || (source2.n > 0 && !pieces_read(source2, &result))) {
        return false;
    }
    struct event_content content;
    event_content_read(&content, &event, source2.n > 0 ? &result : NULL);
    return event_write(re, seq, &event, &content, (size_t)source.n + source2.n, buf);
}

bool
core_render(const struct core *core, const struct core_out *out, const struct core_effect *effect,
            struct proto_bin source, struct proto_bin source2, struct proto_buf *buf)
{
    (void)core;
    switch ((enum core_effect_kind)effect->kind) {
    case CORE_SEND:
        return proto_buf_append(buf, out->bytes.p + effect->offset, effect->bytes);
    case CORE_RECEIPT:
        return render_receipt(out, effect, buf);
    case CORE_TASK:
        return render_task(out, effect, source, source2, buf);
    case CORE_EVENT:
        return render_event(effect->re, effect->source, source, source2, buf);
    default:
        return false;
    }
}

/* ------------------------------------------------------------- pages */

bool
core_page_render(struct proto_buf *buf, uint64_t re, enum proto_page_kind kind, struct proto_bin rows, uint32_t count,
                 struct proto_str next)
{
    struct proto_record record = {.type = PROTO_PAGE, .re = re};
    record.u.page.kind = kind;
    record.u.page.next = next;
    return page_encode(buf, &record, rows, count);
}

bool
page_encode(struct proto_buf *buf, struct proto_record *record, struct proto_bin rows, uint32_t count)
{
    struct proto_buf list;
    proto_buf_init(&list, PROTO_PAGE_ROWS_MAX + 16);
    bool fits = proto_put_list(&list, count) && proto_buf_append(&list, rows.p, rows.n);
    record->u.page.rows = (struct proto_bin){list.p, (uint32_t)list.n};
    fits = fits && proto_encode(buf, record);
    proto_buf_fini(&list);
    return fits;
}
