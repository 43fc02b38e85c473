/*
 * Scenes: effects as the records that a peer sees, and the part of the store in them: a history that is the journal.
 */
#include "scene_internal.h"

#include <stdio.h>
#include <stdlib.h>

static struct proto_bin
source_of(const struct scene *scene, uint64_t seq)
{
    return seq == 0 ? (struct proto_bin){0} : journal_at(scene, seq);
}

static uint32_t
events_of(const struct scene *scene, uint64_t id, struct proto_bin *events, uint64_t *seqs)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < scene->journal_n && n < CORE_DETAIL_EVENTS_MAX; i++) {
        if (scene->journal[i].id == id && id != 0) {
            events[n] = journal_at(scene, i + 1);
            seqs[n++] = i + 1;
        }
    }
    return n;
}

/* A row of the scene's history, if the query wants it. The store's cursor is a sequence here. */
static bool
history_row(struct scene *scene, const struct core_effect *effect, const struct core_query *query, uint32_t seq, struct proto_buf *rows)
{
    struct proto_event event, accepted, result;
    struct proto_request row = {0};
    decode_event(journal_at(scene, seq), &event);
    struct proto_str party = query->scope == PROTO_SCOPE_PERFORMER ? event.performer : event.requester;
    if (event.accepted_seq == 0 || seq > query->seq_max || (query->party[0] != 0 && !proto_str_eq(party, proto_str_of(query->party))) ||
        (query->service[0] != 0 && !service_name_covers(proto_str_of(query->service), event.service)) ||
        (query->statuses != 0 && (query->statuses >> event.status & 1) == 0)) {
        return false;
    }
    decode_event(journal_at(scene, (uint32_t)event.accepted_seq), &accepted);
    core_row_fold(&row, event.accepted_seq, &accepted);
    if (event.output_seq != 0) {
        decode_event(journal_at(scene, (uint32_t)event.output_seq), &result);
        core_row_fold(&row, event.output_seq, &result);
    }
    core_row_fold(&row, seq, &event);
    if (!core_query_takes(query, &row)) {
        return false;
    }
    core_row_trim(scene->core, effect, &row);
    assert_true(proto_struct_encode(rows, PROTO_STRUCT_REQUEST, &row));
    return true;
}

static void
answer_history(struct scene *scene, const struct core_effect *effect, struct proto_buf *buf)
{
    struct core_query query;
    struct proto_buf rows;
    uint32_t count = 0;
    char cursor[16] = "", next[PROTO_LIST_AFTER_MAX + 1] = "";
    core_effect_query(&scene->out, effect, &query);
    proto_buf_init(&rows, PROTO_PAGE_ROWS_MAX);
    uint32_t from = scene->projected < scene->journal_n ? (uint32_t)scene->projected : scene->journal_n;
    if (query.after[0] != 0) {
        from = (uint32_t)atoi(query.after) - 1;
    }
    for (uint32_t seq = from; seq > 0 && next[0] == 0; seq--) {
        count += history_row(scene, effect, &query, seq, &rows);
        if (count == query.limit) {
            snprintf(cursor, sizeof cursor, "%u", seq);
            core_history_cursor(proto_str_of(cursor), next);
        }
    }
    assert_true(core_page_render(buf, effect->re, PROTO_PAGE_KIND_REQUEST, (struct proto_bin){rows.p, (uint32_t)rows.n}, count,
                                 proto_str_of(next)));
    proto_buf_fini(&rows);
}

static void
answer_list(struct scene *scene, const struct core_effect *effect, struct proto_buf *buf)
{
    struct core_listed list;
    struct proto_buf rows;
    proto_buf_init(&rows, PROTO_PAGE_ROWS_MAX);
    assert_true(core_listed_begin(&scene->out, effect, &list));
    while (core_listed_next(&list)) {
        struct proto_bin events[3];
        uint32_t count = 0;
        for (int i = 0; i < 3; i++) {
            if (list.seqs[i] != 0) {
                events[count++] = source_of(scene, list.seqs[i]);
            }
        }
        assert_true(core_listed_render(scene->core, effect, &list, events, count, &rows));
    }
    assert_true(core_page_render(buf, effect->re, PROTO_PAGE_KIND_REQUEST, (struct proto_bin){rows.p, (uint32_t)rows.n}, list.count,
                                 proto_str_of(list.next)));
    proto_buf_fini(&rows);
}

void
scene_render(struct scene *scene, const struct core_effect *effect, struct proto_buf *buf)
{
    struct proto_bin events[CORE_DETAIL_EVENTS_MAX];
    uint64_t seqs[CORE_DETAIL_EVENTS_MAX];
    uint32_t count;
    switch ((enum core_effect_kind)effect->kind) {
    case CORE_DETAIL:
        count = events_of(scene, effect->id, events, seqs);
        assert_true(core_render_detail(scene->core, effect, events, seqs, count, buf));
        break;
    case CORE_FINISHED:
        count = events_of(scene, effect->id, events, seqs);
        if (count > 0 && seqs[count - 1] > scene->projected) {
            count = 0; /* it is still in the core, and the core should have answered */
            fail_msg("the core asks history for a request that it holds");
        }
        assert_true(core_render_finished(scene->core, effect, events, seqs, count, buf));
        break;
    case CORE_LIST:
        answer_list(scene, effect, buf);
        break;
    case CORE_HISTORY:
        answer_history(scene, effect, buf);
        break;
    default:
        assert_true(core_render(scene->core, &scene->out, effect, source_of(scene, effect->source),
                                source_of(scene, effect->source2), buf));
    }
}
