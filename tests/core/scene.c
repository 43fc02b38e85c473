/*
 * Scenes: time, journal, effects; see scene.h.
 */
#include "scene_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/writer.h"

/* ------------------------------------------------------------- catalogue */

static void
add_service(struct catalogue *catalogue, const char *name, enum proto_tenure tenure, enum proto_policy policy, bool verify,
            int64_t lease_us)
{
    static const struct attribute attributes[] = {{{"grade", 5}, ATTRIBUTE_STRING, {0}, {0}, false},
                                                  {{"licence", 7}, ATTRIBUTE_STRING, {0}, {0}, true},
                                                  {{"litres", 6}, ATTRIBUTE_NUMBER, {0}, {0}, false}};
    struct service_type type;
    service_type_init(&type);
    type.name = proto_str_of(name);
    type.title = type.name;
    type.category = PROTO_STR("test");
    type.tenure = tenure;
    type.policy = policy;
    type.verify = verify;
    type.attempts = 3;
    type.releases_max = 3;
    type.lease_us = tenure == PROTO_TENURE_LEASED ? lease_us : 0;
    type.accept_by_us = tenure == PROTO_TENURE_OWNED ? SECONDS(60) : 0;
    type.start_by_us = tenure == PROTO_TENURE_OWNED ? SECONDS(120) : 0;
    type.attempt_us = tenure == PROTO_TENURE_OWNED ? SECONDS(600) : 0;
    type.backoff_us = SECONDS(2);
    type.backoff_max_us = SECONDS(5);
    type.age_us = SECONDS(100);
    type.attributes = attributes;
    type.attribute_count = 3;
    type.complete_by_fails = strcmp(name, "strict") == 0;
    type.complete_by_us = type.complete_by_fails ? DAYS(1) : 0;
    struct catalogue_error error;
    if (!catalogue_add_service(catalogue, &type, name, &error)) {
        fail_msg("catalogue: %s: %s", error.path, error.what);
    }
}

static struct catalogue *
catalogue_make(int64_t lease_us)
{
    struct catalogue *catalogue = catalogue_new();
    add_service(catalogue, "leased", PROTO_TENURE_LEASED, PROTO_POLICY_LEAST_LOADED, false, lease_us);
    add_service(catalogue, "leased.verified", PROTO_TENURE_LEASED, PROTO_POLICY_LEAST_LOADED, true, SECONDS(30));
    add_service(catalogue, "owned", PROTO_TENURE_OWNED, PROTO_POLICY_LEAST_LOADED, false, 0);
    add_service(catalogue, "owned.verified", PROTO_TENURE_OWNED, PROTO_POLICY_LEAST_LOADED, true, 0);
    add_service(catalogue, "near", PROTO_TENURE_LEASED, PROTO_POLICY_NEAREST, false, SECONDS(30));
    add_service(catalogue, "cheap", PROTO_TENURE_LEASED, PROTO_POLICY_CHEAPEST, false, SECONDS(30));
    add_service(catalogue, "chosen", PROTO_TENURE_LEASED, PROTO_POLICY_PREFERRED, false, SECONDS(30));
    add_service(catalogue, "strict", PROTO_TENURE_LEASED, PROTO_POLICY_LEAST_LOADED, false, SECONDS(30));
    catalogue_seal(catalogue);
    return catalogue;
}

void
scene_reload(struct scene *scene, int lease_seconds)
{
    struct catalogue *old = scene->catalogue;
    scene->catalogue = catalogue_make(SECONDS(lease_seconds));
    struct core_input input = {.kind = CORE_CATALOGUE, .catalogue = scene->catalogue};
    scene_step(scene, &input);
    catalogue_unref(&old);
}

/* ------------------------------------------------------------- journal */

struct proto_bin
journal_at(const struct scene *scene, uint64_t seq)
{
    assert_true(seq >= 1 && seq <= scene->journal_n);
    return (struct proto_bin){scene->journal[seq - 1].p, scene->journal[seq - 1].n};
}

void
decode_event(struct proto_bin bytes, struct proto_event *event)
{
    struct proto_error error;
    size_t used;
    if (!proto_event_decode(bytes.p, bytes.n, &used, event, &error)) {
        fail_msg("an event does not decode: %s %s", error.path, error.why);
    }
}

/* L1: nothing follows a terminal event. A2: fences rise. Each event names the one before it. */
static void
journal_check(struct scene *scene, const struct proto_event *event)
{
    if (event->id != 0) {
        uint64_t prev = 0;
        for (uint32_t i = scene->journal_n; i-- > 0 && prev == 0;) {
            prev = scene->journal[i].id == event->id ? scene->journal[i].seq : 0;
        }
        assert_int_equal(event->prev, prev);
        if (prev != 0) {
            struct proto_event before;
            decode_event(journal_at(scene, prev), &before);
            assert_int_equal(event->was, before.status);
            assert_true(before.status != PROTO_STATUS_COMPLETED && before.status != PROTO_STATUS_FAILED &&
                        before.status != PROTO_STATUS_CANCELLED);
        }
    }
    if (event->type == PROTO_EV_ASSIGNED) {
        assert_true(event->fence > scene->last_fence);
        scene->last_fence = event->fence;
    }
}

static void
journal_take(struct scene *scene)
{
    const uint8_t *p = scene->out.events.p;
    for (uint32_t i = 0; i < scene->out.event_count; i++) {
        uint32_t n = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
        struct proto_event event;
        decode_event((struct proto_bin){p + 4, n}, &event);
        journal_check(scene, &event);
        if (scene->journal_n == scene->journal_cap) {
            scene->journal_cap = scene->journal_cap == 0 ? 64 : scene->journal_cap * 2;
            scene->journal = realloc(scene->journal, scene->journal_cap * sizeof *scene->journal);
        }
        struct line *line = &scene->journal[scene->journal_n++];
        *line = (struct line){scene->out.first_seq + i, malloc(n), n, event.type, event.id};
        assert_int_equal(line->seq, scene->journal_n);
        memcpy(line->p, p + 4, n);
        p += 4 + n;
    }
}

uint32_t
scene_events(struct scene *scene, enum proto_ev type)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < scene->journal_n; i++) {
        n += scene->journal[i].type == type;
    }
    return n;
}

bool
scene_last_event(struct scene *scene, enum proto_ev type, struct proto_event *out_event)
{
    for (uint32_t i = scene->journal_n; i-- > 0;) {
        if (scene->journal[i].type == type) {
            decode_event(journal_at(scene, i + 1), out_event);
            return true;
        }
    }
    return false;
}

/* ------------------------------------------------------------- effects */

static struct peer *
peer_of(struct scene *scene, uint32_t conn)
{
    for (uint32_t i = 0; i < scene->peer_count; i++) {
        if (scene->peers[i]->conn == conn && scene->peers[i]->open) {
            return scene->peers[i];
        }
    }
    return NULL;
}

static void
watch_read(struct scene *scene, const struct core_effect *effect)
{
    for (uint64_t seq; (seq = core_watch_next(scene->core, effect->watch)) != 0;) {
        enum core_feed feed = core_watch_feed(scene->core, effect->watch, seq, journal_at(scene, seq), &scene->out);
        if (feed != CORE_FEED_MORE) {
            break;
        }
    }
}

static void
effects_take(struct scene *scene)
{
    struct proto_buf buf;
    uint32_t decided = scene->out.effect_count; /* what a watch reads comes behind */
    uint64_t seq = 0;
    proto_buf_init(&buf, 8u << 20);
    for (uint32_t i = 0; i < scene->out.effect_count; i++) {
        struct core_effect effect = scene->out.effects[i];
        /* D2: the shell lets them go up to the first that is not durable. */
        assert_in_range(effect.seq, i < decided ? seq : 0, scene->journal_n);
        seq = effect.seq;
        struct peer *peer = peer_of(scene, effect.conn);
        if (effect.kind == CORE_WATCH) {
            watch_read(scene, &effect);
        } else if (effect.kind == CORE_CLOSE) {
            if (peer != NULL) {
                peer->closed_by_broker = true;
            }
        } else if (effect.kind != CORE_RELOAD && peer != NULL) {
            proto_buf_reset(&buf);
            scene_render(scene, &effect, &buf);
            peer_deliver(peer, buf.p, buf.n);
        }
    }
    proto_buf_fini(&buf);
}

void
scene_step(struct scene *scene, const struct core_input *input)
{
    core_out_reset(&scene->out);
    core_decide(scene->core, scene->now, input, &scene->out);
    journal_take(scene);
    effects_take(scene);
    for (uint32_t i = 0; i < scene->peer_count; i++) {
        struct peer *peer = scene->peers[i];
        if (peer->closed_by_broker && peer->open) {
            peer->open = false;
            struct core_input gone = {.kind = CORE_DISCONNECTED, .conn = peer->conn};
            scene_step(scene, &gone);
        }
    }
    /* What was left over for the next call follows at once. */
    if (core_next_deadline(scene->core, scene->now) <= scene->now.mono_us && input->kind != CORE_TICK) {
        struct core_input tick = {.kind = CORE_TICK};
        for (int rounds = 0; core_next_deadline(scene->core, scene->now) <= scene->now.mono_us; rounds++) {
            assert_true(rounds < 10000);
            scene_step(scene, &tick);
        }
    }
    scene_check(scene);
}

void
scene_input(struct scene *scene, const struct core_input *input)
{
    scene_step(scene, input);
}

/* ------------------------------------------------------------- time */

void
scene_advance_to(struct scene *scene, int64_t time_us)
{
    struct core_input tick = {.kind = CORE_TICK};
    int64_t end = SECONDS(1000) + time_us; /* the monotonic clock began at 1,000 s */
    for (int rounds = 0;; rounds++) {
        assert_true(rounds < 1000000);
        int64_t next = core_next_deadline(scene->core, scene->now);
        int64_t until = next < end ? next : end;
        if (until > scene->now.mono_us) {
            scene->now.utc_us += until - scene->now.mono_us;
            scene->now.mono_us = until;
        }
        if (next > end) {
            return;
        }
        scene_step(scene, &tick);
    }
}

void
scene_jump_wall_clock(struct scene *scene, int64_t by_us)
{
    scene->now.utc_us += by_us;
    struct core_input tick = {.kind = CORE_TICK};
    scene_step(scene, &tick);
}

void
scene_project(struct scene *scene)
{
    scene->projected = scene->journal_n;
    struct core_input input = {.kind = CORE_PROJECTED, .seq = scene->projected};
    scene_step(scene, &input);
}

struct core *
scene_core(struct scene *scene)
{
    return scene->core;
}

struct core_now
scene_now(const struct scene *scene)
{
    return scene->now;
}

/* ------------------------------------------------------------- beginning, restart, end */

static void
trace_take(void *arg, const char *line)
{
    struct scene *scene = arg;
    int n = snprintf(scene->trace + scene->trace_n, sizeof scene->trace - scene->trace_n, "%s\n", line);
    if (n > 0 && (size_t)n < sizeof scene->trace - scene->trace_n) {
        scene->trace_n += (size_t)n;
    }
}

static void
core_begin(struct scene *scene)
{
    scene->core = core_new(&scene->settings);
    for (uint32_t i = 0; i < scene->journal_n; i++) {
        struct proto_error error;
        assert_int_equal(core_apply(scene->core, i + 1, scene->journal[i].p, scene->journal[i].n, &error), CORE_APPLIED);
    }
    core_trace(scene->core, trace_take, scene);
    struct core_input recovered = {.kind = CORE_RECOVERED};
    scene_step(scene, &recovered);
    if (scene->projected != 0) {
        struct core_input projected = {.kind = CORE_PROJECTED, .seq = scene->projected};
        scene_step(scene, &projected);
    }
    struct core_input catalogue = {.kind = CORE_CATALOGUE, .catalogue = scene->catalogue};
    scene_step(scene, &catalogue);
}

struct scene *
scene_new_with(const struct core_settings *settings)
{
    struct scene *scene = calloc(1, sizeof *scene);
    scene->settings = *settings;
    scene->now = (struct core_now){.mono_us = SECONDS(1000), .utc_us = INT64_C(1800000000) * 1000000};
    scene->start_utc_us = scene->now.utc_us;
    scene->catalogue = catalogue_make(SECONDS(30));
    core_out_init(&scene->out);
    core_begin(scene);
    struct core_bootstrap first = {.party = PROTO_STR("park"), .title = PROTO_STR("The park"), .member = PROTO_STR("m1")};
    memset(first.key, 255, sizeof first.key);
    struct core_input bootstrap = {.kind = CORE_BOOTSTRAP, .first = &first};
    scene_step(scene, &bootstrap);
    scene->operator = scene_connect(scene, "park");
    return scene;
}

struct scene *
scene_new(void)
{
    struct core_settings settings;
    core_settings_init(&settings);
    settings.requests_max = 10000;
    settings.connections_max = 256;
    return scene_new_with(&settings);
}

void
scene_restart(struct scene *scene)
{
    for (uint32_t i = 0; i < scene->peer_count; i++) {
        scene->peers[i]->open = false;
    }
    core_destroy(&scene->core);
    scene->now.mono_us += SECONDS(5);
    scene->now.utc_us += SECONDS(5);
    core_begin(scene);
    scene->operator = scene_connect(scene, "park");
    scene_forget_trace(scene);
}

void
scene_end(struct scene *scene)
{
    scene_check_replay(scene);
    for (uint32_t i = 0; i < scene->peer_count; i++) {
        peer_forget(scene->peers[i]);
        free(scene->peers[i]->inbox);
        free(scene->peers[i]);
    }
    for (uint32_t i = 0; i < scene->journal_n; i++) {
        free(scene->journal[i].p);
    }
    free(scene->journal);
    core_destroy(&scene->core);
    core_out_fini(&scene->out);
    catalogue_unref(&scene->catalogue);
    free(scene);
}

/* ------------------------------------------------------------- trace */

void
scene_forget_trace(struct scene *scene)
{
    scene->trace_n = 0;
    scene->trace[0] = 0;
}

void
scene_expect_(struct scene *scene, const char *text, const char *file, int line)
{
    if (strcmp(scene->trace, text) != 0) {
        print_error("expected:\n%sgot:\n%s", text, scene->trace);
        _fail(file, line);
    }
    scene_forget_trace(scene);
}
