/*
 * The rows of a list: what the core knows of them, and what only their events say (subject, key, outcome, charge).
 */
#include "core/party.h"
#include "core/render.h"
#include "core/request.h"

bool
core_listed_begin(const struct core_out *out, const struct core_effect *effect, struct core_listed *out_list)
{
    assert(effect->kind == CORE_LIST);
    return core_listed_of(out->bytes.p + effect->offset, effect->bytes, out_list);
}

bool
core_listed_of(const uint8_t *p, uint32_t n, struct core_listed *out_list)
{
    struct listed_head head;
    if (n < sizeof head) {
        return false;
    }
    memcpy(&head, p, sizeof head);
    *out_list = (struct core_listed){.p = p, .n = n, .offset = sizeof head, .count = head.count};
    memcpy(out_list->next, head.next, sizeof out_list->next);
    return true;
}

bool
core_listed_next(struct core_listed *list)
{
    struct listed_row row;
    if (list->n - list->offset < sizeof row) {
        return false;
    }
    memcpy(&row, list->p + list->offset, sizeof row);
    list->offset += sizeof row;
    assert(row.bytes <= list->n - list->offset);
    list->id = row.id;
    list->seqs[0] = row.accepted_seq;
    list->seqs[1] = row.result_seq;
    list->seqs[2] = row.finished_seq;
    list->row = (struct proto_bin){list->p + list->offset, row.bytes};
    list->offset += row.bytes;
    return true;
}

void
core_row_trim(const struct core *core, const struct core_effect *effect, struct proto_request *row)
{
    row->input.n = 0; /* `get` shows them */
    row->output.n = 0;
    row->has &= ~(uint64_t)(PROTO_REQUEST_INPUT | PROTO_REQUEST_OUTPUT);
    if (!proto_str_eq(core_party_name(core, effect->party), row->performer) && (effect->roles & 1u << PROTO_ROLE_OPERATOR) == 0) {
        row->fence = 0;
        row->has &= ~(uint64_t)PROTO_REQUEST_FENCE;
    }
}

bool
core_listed_render(const struct core *core, const struct core_effect *effect, const struct core_listed *list,
                   const struct proto_bin *events, uint32_t count, struct proto_buf *rows)
{
    struct proto_request row;
    struct proto_error error;
    if (!proto_struct_decode(list->row.p, list->row.n, PROTO_STRUCT_REQUEST, &row, &error)) {
        return false;
    }
    struct proto_event accepted, event;
    for (uint32_t i = 0; i < count; i++) {
        if (!event_read(events[i], i == 0 ? &accepted : &event)) {
            return false;
        }
        if (i > 0) {
            core_row_fold(&row, event.type == PROTO_EV_PRESENTED ? list->seqs[1] : list->seqs[2], &event);
        } else if (accepted.type == PROTO_EV_ACCEPTED) {
            row.subject = accepted.u.accepted.subject;
            row.key = accepted.u.accepted.key;
        }
    }
    core_row_trim(core, effect, &row);
    return proto_struct_encode(rows, PROTO_STRUCT_REQUEST, &row);
}
