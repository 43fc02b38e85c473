/* See broker_world.h: time, connections, the journal and its replay. */
#include "world_internal.h"

#include <string.h>

#include "proto/writer.h"

#define SECONDS(n) ((n) * INT64_C(1000000))

enum { TICKS_MAX = 100000, EFFECTS_WAITING_MAX = 4096 };

/* ------------------------------------------------------------- deciding */

/* The new events go into the journal; what they tell is remembered, so that later records can name it. */
static void
events_take(struct world *world)
{
    while (world->taken < world->out.events.n) {
        const uint8_t *p = world->out.events.p + world->taken;
        uint32_t n = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
        struct proto_event event;
        struct proto_error error;
        size_t used;
        REQUIRE(n <= world->out.events.n - world->taken - 4);
        REQUIRE(proto_event_decode(p + 4, n, &used, &event, &error) && used == n);
        if (world->last == world->lines_cap) {
            world->lines_cap = world->lines_cap == 0 ? 64 : 2 * world->lines_cap;
            world->lines = realloc(world->lines, world->lines_cap * sizeof *world->lines);
            REQUIRE(world->lines != NULL);
        }
        world->lines[world->last++] = (struct line){event.id, world->journal.n, n, event.accepted_seq != 0};
        REQUIRE(proto_buf_append(&world->journal, p + 4, n));
        if (event.type == PROTO_EV_ACCEPTED) {
            world->ids[world->id_count++ % KNOWN_MAX] = event.id;
        } else if (event.type == PROTO_EV_ASSIGNED) {
            world->hands[world->hand_count++ % KNOWN_MAX] = (struct hand){event.id + event.task, event.fence};
        }
        world->taken += 4 + n;
    }
    REQUIRE(world->taken == world->out.events.n && core_seq(world->core) == world->last);
}

static void
decide_once(struct world *world, const struct core_input *input)
{
    core_decide(world->core, world->now, input, &world->out);
    events_take(world);
    if (world->out.effect_count > EFFECTS_WAITING_MAX) {
        world_flush(world);
    }
}

/* What the core left for the next call follows at once. */
void
world_decide(struct world *world, const struct core_input *input)
{
    decide_once(world, input);
    for (unsigned ticks = 0; core_next_deadline(world->core, world->now) <= world->now.mono_us; ticks++) {
        REQUIRE(ticks < TICKS_MAX);
        decide_once(world, &(struct core_input){.kind = CORE_TICK});
    }
}

void
world_flush(struct world *world)
{
    world_leave(world);
    core_out_reset(&world->out);
    world->taken = world->left = 0;
}

/* ------------------------------------------------------------- replay */

static struct core *
replay(struct world *world)
{
    struct core_out out;
    struct core *core = core_new(&world->settings);
    REQUIRE(core != NULL);
    for (uint64_t i = 0; i < world->last; i++) {
        const struct line *line = &world->lines[i];
        struct proto_error error = {.why = ""};
        enum core_applied applied = core_apply(core, i + 1, world->journal.p + line->at, line->n, &error);
        if (applied != CORE_APPLIED) {
            fprintf(stderr, "event %llu: %d %s\n", (unsigned long long)i + 1, applied, error.why);
            REQUIRE(!"the journal replays (D4)");
        }
    }
    core_out_init(&out);
    core_decide(core, world->now, &(struct core_input){.kind = CORE_PROJECTED, .seq = world->projected}, &out);
    REQUIRE(out.event_count == 0 && core_seq(core) == world->last);
    core_out_fini(&out);
    return core;
}

static void
digests_compare(const struct core *was, const struct core *now)
{
    uint8_t live[32], replayed[32];
    core_digest(was, live);
    core_digest(now, replayed);
    REQUIRE(memcmp(live, replayed, sizeof live) == 0);
}

void
world_restart(struct world *world)
{
    world_flush(world);
    struct core *core = replay(world);
    digests_compare(world->core, core);
    core_destroy(&world->core);
    world->core = core;
    for (unsigned i = 0; i < WORLD_CONNECTIONS; i++) {
        world->connections[i].handle = 0;
    }
    world->now.mono_us += SECONDS(5);
    world->now.utc_us += SECONDS(5);
    world_decide(world, &(struct core_input){.kind = CORE_RECOVERED});
    world_reload(world, world->catalogue);
    world_press(world, world->pressure);
}

/* ------------------------------------------------------------- what may happen */

static void
key_bytes(unsigned key, uint8_t out[32])
{
    memset(out, (int)key + 1, 32);
}

void
world_connect(struct world *world, unsigned slot, unsigned key)
{
    struct connection_seen *seen = &world->connections[slot];
    struct core_member_info info;
    uint8_t bytes[32];
    world_disconnect(world, slot);
    key_bytes(key, bytes);
    if (core_member_by_key(world->core, bytes, world->now.utc_us, &info)) {
        seen->generation++;
        seen->key = key;
        seen->handle = (uint32_t)seen->generation << 16 | slot;
        world_decide(world, &(struct core_input){.kind = CORE_CONNECTED, .conn = seen->handle, .member = info.member});
    }
}

void
world_disconnect(struct world *world, unsigned slot)
{
    uint32_t handle = world->connections[slot].handle;
    world->connections[slot].handle = 0;
    if (handle != 0) {
        world_decide(world, &(struct core_input){.kind = CORE_DISCONNECTED, .conn = handle});
    }
}

void
world_frame(struct world *world, unsigned slot, const uint8_t *p, size_t n)
{
    uint8_t key[32];
    while (n > 0 && world->connections[slot].handle != 0) {
        struct proto_record record;
        struct proto_error error;
        struct core_member_info info;
        size_t used = 0;
        bool decoded = proto_decode(p, n, &used, &record, &error);
        REQUIRE(used <= n);
        p += used;
        n = used > 0 ? n - used : 0;
        key_bytes(world->connections[slot].key, key);
        if (!core_member_by_key(world->core, key, world->now.utc_us, &info)) {
            world_disconnect(world, slot);
        } else if (!decoded) {
            world_record_refused(world, record.n, &error);
        } else if (record.type == PROTO_BYE) {
            world_disconnect(world, slot);
        } else if (proto_record_desc(record.type)->from_client && record.type != PROTO_HELLO && record.type != PROTO_STATS &&
                   record.type != PROTO_PING && record.type != PROTO_PONG) {
            world_name(world, &record);
            world_decide(world, &(struct core_input){.kind = CORE_RECORD, .conn = world->connections[slot].handle,
                                                     .member = info.member, .record = &record});
        }
    }
}

void
world_wait(struct world *world, int64_t us)
{
    int64_t end = world->now.mono_us + us;
    for (unsigned ticks = 0; ticks < 1000 && world->now.mono_us < end; ticks++) {
        int64_t next = core_next_deadline(world->core, world->now);
        int64_t until = next < end ? next : end;
        until = until > world->now.mono_us ? until : world->now.mono_us;
        world->now.utc_us += until - world->now.mono_us;
        world->now.mono_us = until;
        world_decide(world, &(struct core_input){.kind = CORE_TICK});
    }
}

void
world_jump(struct world *world, int64_t utc_us)
{
    int64_t utc = world->now.utc_us + utc_us;
    world->now.utc_us = utc > SECONDS(1) ? utc : SECONDS(1);
    world_decide(world, &(struct core_input){.kind = CORE_TICK});
}

void
world_project(struct world *world)
{
    world->projected = world->last;
    world_decide(world, &(struct core_input){.kind = CORE_PROJECTED, .seq = world->projected});
}

void
world_press(struct world *world, uint32_t pressure)
{
    world->pressure = pressure;
    world_decide(world, &(struct core_input){.kind = CORE_PRESSURE, .pressure = pressure});
}

void
world_reload(struct world *world, unsigned catalogue)
{
    world->out.refused = NULL;
    world_decide(world, &(struct core_input){.kind = CORE_CATALOGUE, .catalogue = world->catalogues[catalogue]});
    world->catalogue = world->out.refused == NULL ? catalogue : world->catalogue;
}

/* ------------------------------------------------------------- beginning and end */

static void
service_add(struct catalogue *catalogue, const char *name, unsigned variant, bool owned, bool verify)
{
    static const struct field fields[] = {{.name = {"amount", 6}, .type = FIELD_INTEGER, .has_max = true, .max = 100},
                                          {.name = {"words", 5}, .type = FIELD_LIST, .items = FIELD_STRING},
                                          {.name = {"price", 5}, .type = FIELD_MONEY}};
    static const struct attribute attributes[] = {{{"grade", 5}, ATTRIBUTE_STRING, {0}, {0}},
                                                  {{"litres", 6}, ATTRIBUTE_NUMBER, {0}, {0}},
                                                  {{"site", 4}, ATTRIBUTE_POINT, {0}, {0}},
                                                  {{"tags", 4}, ATTRIBUTE_SET, {0}, {0}}};
    struct service_type type;
    struct catalogue_error error;
    service_type_init(&type);
    type.name = type.title = proto_str_of(name);
    type.category = PROTO_STR("test");
    type.tenure = owned ? PROTO_TENURE_OWNED : PROTO_TENURE_LEASED;
    type.policy = (enum proto_policy)(1 + (strlen(name) + variant) % 4);
    type.verify = verify;
    type.attempts = 2 + variant;
    type.releases_max = 2;
    type.lease_us = owned ? 0 : SECONDS(30);
    type.accept_by_us = owned ? SECONDS(60) : 0;
    type.start_by_us = owned ? SECONDS(120) : 0;
    type.attempt_us = SECONDS(600);
    type.complete_by_us = variant == 1 ? SECONDS(3600) : 0;
    type.complete_by_fails = variant == 1;
    type.backoff_us = variant == 2 ? 0 : SECONDS(2);
    type.backoff_max_us = SECONDS(5);
    type.age_us = SECONDS(100);
    type.waiting_max = 6;
    type.input = type.output = (struct field_list){fields, 3, 0};
    type.attributes = attributes;
    type.attribute_count = 4;
    REQUIRE(catalogue_add_service(catalogue, &type, name, &error));
}

/* The second one fails late requests; the third lacks a service and has other terms. */
static struct catalogue *
catalogue_make(unsigned variant)
{
    struct catalogue *catalogue = catalogue_new();
    service_add(catalogue, "l", variant, false, false);
    service_add(catalogue, "l.v", variant, false, true);
    service_add(catalogue, "o", variant, true, false);
    if (variant != 2) {
        service_add(catalogue, "o.v", variant, true, true);
    }
    catalogue_seal(catalogue);
    return catalogue;
}

/* Made once for all worlds. */
static struct catalogue *
catalogue_of(unsigned variant)
{
    static struct catalogue *catalogues[WORLD_CATALOGUES];
    if (catalogues[variant] == NULL) {
        catalogues[variant] = catalogue_make(variant);
    }
    return catalogues[variant];
}

static void
party_add(struct world *world, const char *party, const char *member, unsigned key, const char *role)
{
    struct proto_record record;
    struct proto_error error;
    struct proto_buf roles, services, bytes;
    uint8_t key_text[32];
    key_bytes(key, key_text);
    proto_buf_init(&roles, 64);
    proto_buf_init(&services, 64);
    proto_buf_init(&bytes, 1024);
    REQUIRE(proto_put_list(&roles, 1) && proto_put_str(&roles, proto_str_of(role)));
    REQUIRE(proto_put_list(&services, 1) && proto_put_str(&services, PROTO_STR("*")));
    proto_record_init(&record, PROTO_PARTY);
    record.n = 1;
    record.u.party.action = PROTO_PARTY_ACTION_ADD;
    record.u.party.party = proto_str_of(party);
    record.u.party.member = proto_str_of(member);
    record.u.party.key = (struct proto_bin){key_text, sizeof key_text};
    record.u.party.roles = (struct proto_bin){roles.p, (uint32_t)roles.n};
    record.u.party.services = (struct proto_bin){services.p, (uint32_t)services.n};
    REQUIRE(proto_record_check(&record, &error) && proto_encode(&bytes, &record));
    uint64_t before = world->last;
    world_frame(world, 0, bytes.p, bytes.n);
    REQUIRE(world->last > before);
    proto_buf_fini(&roles);
    proto_buf_fini(&services);
    proto_buf_fini(&bytes);
}

/* Caps small enough to be met; requests_max is not, because replay may hold what history has taken from the live core. */
static void
settings_init(struct core_settings *settings)
{
    core_settings_init(settings);
    settings->requests_max = 1u << 16;
    settings->requests_per_party_max = 12;
    settings->parties_max = 10;
    settings->members_max = 16;
    settings->connections_max = WORLD_CONNECTIONS;
    settings->offers_max = 10;
    settings->offers_per_connection_max = 4;
    settings->watches_max = 8;
    settings->watches_per_connection_max = 3;
    settings->groups_max = 16;
    settings->flows_max = 24;
    settings->keys_max = 12;
    settings->keys_per_party_max = 8;
    settings->producers_per_party_max = 3;
    settings->producers_max = 6;
    settings->key_retention_us = SECONDS(3600);
    settings->moves_per_call_max = 3;
    settings->rows_scanned_max = 20;
}

struct world *
world_begin(void)
{
    struct world *world = calloc(1, sizeof *world);
    REQUIRE(world != NULL);
    settings_init(&world->settings);
    world->now = (struct core_now){.mono_us = SECONDS(1000), .utc_us = SECONDS(1800000000)};
    core_out_init(&world->out);
    proto_buf_init(&world->journal, 64u << 20);
    proto_buf_init(&world->render, 8u << 20);
    proto_buf_init(&world->scratch, 8u << 20);
    for (unsigned i = 0; i < WORLD_CATALOGUES; i++) {
        world->catalogues[i] = catalogue_of(i);
    }
    world->core = core_new(&world->settings);
    REQUIRE(world->core != NULL);
    world_decide(world, &(struct core_input){.kind = CORE_RECOVERED});
    world_reload(world, 0);
    struct core_bootstrap first = {.party = PROTO_STR("park"), .title = PROTO_STR("The park"), .member = PROTO_STR("m1")};
    key_bytes(0, first.key);
    world_decide(world, &(struct core_input){.kind = CORE_BOOTSTRAP, .first = &first});
    world_connect(world, 0, 0);
    party_add(world, "r1", "m1", 1, "requester");
    party_add(world, "r2", "m1", 2, "requester");
    party_add(world, "p1", "m1", 3, "performer");
    party_add(world, "p1", "m2", 4, "performer");
    party_add(world, "p2", "m1", 5, "performer");
    party_add(world, "eye", "m1", 6, "observer");
    for (unsigned key = 1; key < 7; key++) {
        world_connect(world, key, key);
    }
    world_flush(world);
    return world;
}

void
world_end(struct world **world_p)
{
    struct world *world = *world_p;
    *world_p = NULL;
    world_restart(world);
    core_destroy(&world->core);
    core_out_fini(&world->out);
    proto_buf_fini(&world->journal);
    proto_buf_fini(&world->render);
    proto_buf_fini(&world->scratch);
    free(world->lines);
    free(world);
}
