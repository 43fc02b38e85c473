/* See broker_world.h: effects leave. What a peer would get is decoded here in its place. */
#include "world_internal.h"

static struct proto_bin
event_at(const struct world *world, uint64_t seq)
{
    if (seq == 0) {
        return (struct proto_bin){0};
    }
    REQUIRE(seq <= world->last);
    return (struct proto_bin){world->journal.p + world->lines[seq - 1].at, world->lines[seq - 1].n};
}

/* Our own bytes: whole records that the broker may send, with nothing behind them. */
static void
bytes_hear(const uint8_t *p, size_t n)
{
    while (n > 0) {
        struct proto_record record;
        struct proto_error error = {.why = ""};
        size_t used = 0;
        if (!proto_decode(p, n, &used, &record, &error)) {
            fprintf(stderr, "%s: %s\n", error.path, error.why);
            REQUIRE(!"what leaves decodes");
        }
        REQUIRE(proto_record_desc(record.type)->from_broker);
        p += used;
        n -= used;
    }
}

void
world_record_refused(struct world *world, uint64_t re, const struct proto_error *error)
{
    struct proto_record record;
    proto_record_init(&record, PROTO_REFUSAL);
    record.re = re;
    record.u.refusal.code = error->code;
    record.u.refusal.path = proto_str_of(error->path);
    record.u.refusal.message = proto_str_of(error->why);
    proto_buf_reset(&world->scratch);
    REQUIRE(proto_encode(&world->scratch, &record));
    bytes_hear(world->scratch.p, world->scratch.n);
}

/* ------------------------------------------------------------- from history */

static uint32_t
events_of(const struct world *world, uint64_t id, struct proto_bin *events, uint64_t *seqs)
{
    uint32_t n = 0;
    for (uint64_t i = 0; i < world->last && n < CORE_DETAIL_EVENTS_MAX; i++) {
        if (id != 0 && world->lines[i].id == id) {
            events[n] = event_at(world, i + 1);
            seqs[n++] = i + 1;
        }
    }
    return n;
}

static void
history_render(struct world *world, const struct core_effect *effect)
{
    struct core_query query;
    uint32_t count = 0;
    char cursor[PROTO_LIST_AFTER_MAX + 1];
    core_effect_query(&world->out, effect, &query);
    REQUIRE(query.limit <= PROTO_LIMIT_PAGE_ROWS_MAX);
    core_history_cursor(PROTO_STR("12"), cursor);
    proto_buf_reset(&world->scratch);
    for (uint64_t seq = world->projected; seq > 0 && count < query.limit; seq--) {
        struct proto_event event;
        struct proto_error error;
        struct proto_request row = {0};
        struct proto_bin bytes = event_at(world, seq);
        size_t used;
        if (!world->lines[seq - 1].terminal) {
            continue;
        }
        REQUIRE(proto_event_decode(bytes.p, bytes.n, &used, &event, &error));
        core_row_fold(&row, seq, &event);
        REQUIRE(proto_struct_encode(&world->scratch, PROTO_STRUCT_REQUEST, &row));
        count++;
    }
    REQUIRE(core_page_render(&world->render, effect->re, PROTO_PAGE_KIND_REQUEST,
                             (struct proto_bin){world->scratch.p, (uint32_t)world->scratch.n}, count, proto_str_of(cursor)));
}

static void
list_render(struct world *world, const struct core_effect *effect)
{
    struct core_listed list;
    uint32_t rows = 0;
    proto_buf_reset(&world->scratch);
    REQUIRE(core_listed_begin(&world->out, effect, &list));
    while (core_listed_next(&list)) {
        struct proto_bin events[3];
        uint32_t count = 0;
        for (unsigned i = 0; i < 3; i++) {
            if (list.seqs[i] != 0) {
                events[count++] = event_at(world, list.seqs[i]);
            }
        }
        REQUIRE(core_listed_render(world->core, effect, &list, events, count, &world->scratch));
        rows++;
    }
    REQUIRE(rows == list.count);
    REQUIRE(core_page_render(&world->render, effect->re, PROTO_PAGE_KIND_REQUEST,
                             (struct proto_bin){world->scratch.p, (uint32_t)world->scratch.n}, rows, proto_str_of(list.next)));
}

/* ------------------------------------------------------------- effects */

static void
effect_render(struct world *world, const struct core_effect *effect)
{
    static struct proto_bin events[CORE_DETAIL_EVENTS_MAX];
    static uint64_t seqs[CORE_DETAIL_EVENTS_MAX];
    uint32_t count = 0;
    proto_buf_reset(&world->render);
    switch ((enum core_effect_kind)effect->kind) {
    case CORE_DETAIL:
        count = events_of(world, effect->id, events, seqs);
        REQUIRE(core_render_detail(world->core, effect, events, seqs, count, &world->render));
        break;
    case CORE_FINISHED:
        count = events_of(world, effect->id, events, seqs);
        count = count > 0 && seqs[count - 1] > world->projected ? 0 : count;
        REQUIRE(core_render_finished(world->core, effect, events, seqs, count, &world->render));
        break;
    case CORE_LIST:
        list_render(world, effect);
        break;
    case CORE_HISTORY:
        history_render(world, effect);
        break;
    default:
        REQUIRE(core_render(world->core, &world->out, effect, event_at(world, effect->source), event_at(world, effect->source2),
                            &world->render));
    }
    bytes_hear(world->render.p, world->render.n);
}

static void
watch_feed(struct world *world, const struct core_effect *effect)
{
    uint64_t seq = core_watch_next(world->core, effect->watch);
    while (seq != 0 && seq <= world->last &&
           core_watch_feed(world->core, effect->watch, seq, event_at(world, seq), &world->out) == CORE_FEED_MORE) {
        seq++;
    }
}

static void
connection_close(struct world *world, uint32_t handle)
{
    for (unsigned slot = 0; slot < WORLD_CONNECTIONS; slot++) {
        if (world->connections[slot].handle == handle) {
            world_disconnect(world, slot);
        }
    }
}

void
world_leave(struct world *world)
{
    while (world->left < world->out.effect_count) {
        struct core_effect effect = world->out.effects[world->left++];
        REQUIRE(effect.seq <= world->last && effect.source <= effect.seq && effect.source2 <= effect.seq);
        switch ((enum core_effect_kind)effect.kind) {
        case CORE_SEND:
            REQUIRE(effect.offset <= world->out.bytes.n && effect.bytes <= world->out.bytes.n - effect.offset);
            bytes_hear(world->out.bytes.p + effect.offset, effect.bytes);
            break;
        case CORE_WATCH:
            watch_feed(world, &effect);
            break;
        case CORE_CLOSE:
            connection_close(world, effect.conn);
            break;
        case CORE_RELOAD:
            world_reload(world, world->catalogue);
            break;
        default:
            effect_render(world, &effect);
        }
    }
}
