/*
 * What the core costs (not a test): CPU per lifecycle of a leased request, with and without the encoding of its events, and
 * memory per queued request.
 *
 *     core_bench [lifecycles] [queued] [window]
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/core.h"

static struct core *core;
static struct core_out out;
static struct core_now now = {.mono_us = 1000000, .utc_us = INT64_C(1800000000) * 1000000};
static uint32_t member;

enum { CONN = 0x10001 };

static double
cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void
decide(const struct core_input *input)
{
    core_decide(core, now, input, &out);
}

static void
record(const struct proto_record *r)
{
    struct core_input input = {.kind = CORE_RECORD, .conn = CONN, .member = member, .record = r};
    decide(&input);
}

static void
set_up(uint32_t queued)
{
    struct core_settings settings;
    core_settings_init(&settings);
    settings.requests_max = queued + 100000;
    settings.requests_per_party_max = queued + 100000;
    core = core_new(&settings);
    core_out_init(&out);
    struct catalogue *catalogue = catalogue_new();
    struct service_type type;
    service_type_init(&type);
    type.name = PROTO_STR("bench.echo");
    type.title = PROTO_STR("Echo");
    type.category = PROTO_STR("bench");
    type.waiting_max = queued + 100000;
    struct catalogue_error error;
    if (!catalogue_add_service(catalogue, &type, "s", &error)) {
        printf("%s: %s\n", error.path, error.what);
        exit(1);
    }
    catalogue_seal(catalogue);
    struct core_bootstrap first = {.party = PROTO_STR("park"), .member = PROTO_STR("m1"), .plain_requester_performer = true};
    struct core_input inputs[] = {{.kind = CORE_RECOVERED},
                                  {.kind = CORE_CATALOGUE, .catalogue = catalogue},
                                  {.kind = CORE_BOOTSTRAP, .first = &first}};
    for (unsigned i = 0; i < 3; i++) {
        decide(&inputs[i]);
    }
    catalogue_unref(&catalogue);
    struct core_member_info info;
    core_member_by_name(core, PROTO_STR("park"), PROTO_STR("m1"), &info);
    member = info.member;
    struct core_input connected = {.kind = CORE_CONNECTED, .conn = CONN, .member = member};
    decide(&connected);
}

static void
offer(uint32_t capacity)
{
    struct proto_record r = {.type = PROTO_OFFER, .n = 1};
    r.u.offer.service = PROTO_STR("bench.echo");
    r.u.offer.capacity = capacity;
    r.u.offer.credit = capacity;
    record(&r);
}

static uint64_t pseq;
static uint8_t body[256];

static void
submit(void)
{
    static struct proto_record r = {.type = PROTO_SUBMIT};
    r.n = ++pseq;
    r.u.submit.service = PROTO_STR("bench.echo");
    r.u.submit.producer = 7;
    r.u.submit.pseq = pseq;
    r.u.submit.priority = PROTO_PRIORITY_ROUTINE;
    r.u.submit.notify = PROTO_NOTIFY_OUTCOME;
    r.body = (struct proto_bin){body, sizeof body};
    now.utc_us += 2;
    now.mono_us += 2;
    record(&r);
}

static void
complete(uint64_t task, uint64_t fence)
{
    static struct proto_record r = {.type = PROTO_COMPLETE};
    r.n = task;
    r.u.complete.task = task;
    r.u.complete.fence = fence;
    r.body = (struct proto_bin){body, 64};
    record(&r);
    static struct proto_record credit = {.type = PROTO_CREDIT};
    credit.u.credit.service = PROTO_STR("bench.echo");
    credit.u.credit.credit = 1;
    record(&credit);
}

struct given {
    uint64_t task, fence;
};

/* Tasks given in `out` go to the end of the ring. */
static void
take_tasks(struct given *ring, uint32_t mask, uint32_t *tail)
{
    for (uint32_t i = 0; i < out.effect_count; i++) {
        if (out.effects[i].kind == CORE_TASK) {
            ring[(*tail)++ & mask] = (struct given){out.effects[i].id, out.effects[i].fence};
        }
    }
}

static void
run(uint32_t lifecycles, uint32_t window, bool submits)
{
    uint32_t mask = 1;
    while (mask < window * 2) {
        mask *= 2;
    }
    struct given *ring = calloc(mask--, sizeof *ring);
    uint32_t head = 0, tail = 0;
    take_tasks(ring, mask, &tail);
    uint64_t events = 0, bytes = 0;
    double start = cpu_ns();
    for (uint32_t i = 0; i < lifecycles; i++) {
        core_out_reset(&out);
        if (submits) {
            submit();
        }
        take_tasks(ring, mask, &tail);
        core_out_reset(&out);
        if (tail - head >= window || !submits) {
            if (head == tail) {
                break;
            }
            complete(ring[head & mask].task, ring[head & mask].fence);
            head++;
            take_tasks(ring, mask, &tail);
            events += out.event_count;
            bytes += out.events.n;
        }
        if (i % 2048 == 0) {
            struct core_input projected = {.kind = CORE_PROJECTED, .seq = core_seq(core)};
            decide(&projected);
        }
    }
    double took = cpu_ns() - start;
    printf("%-28s %8.0f ns per lifecycle, %u lifecycles, window %u, core + event encoding\n",
           submits ? "submit, assign, complete" : "assign, complete (drain)", took / lifecycles, lifecycles, window);
    (void)events;
    (void)bytes;
    free(ring);
}

/* What rendering costs: one task, one event, one receipt of a lifecycle, as they leave. */
static void
render(uint32_t rounds)
{
    struct core_input gone = {.kind = CORE_DISCONNECTED, .conn = CONN};
    struct core_input back = {.kind = CORE_CONNECTED, .conn = CONN, .member = member};
    core_out_reset(&out);
    decide(&gone);
    decide(&back);
    offer(1);
    core_out_reset(&out);
    submit();
    uint64_t task = 0, fence = 0;
    for (uint32_t i = 0; i < out.effect_count; i++) {
        if (out.effects[i].kind == CORE_TASK) {
            task = out.effects[i].id;
            fence = out.effects[i].fence;
        }
    }
    complete(task, fence);
    struct proto_bin sources[8];
    const uint8_t *p = out.events.p;
    for (uint32_t i = 0; i < out.event_count && i < 8; i++) {
        uint32_t n = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
        sources[i] = (struct proto_bin){p + 4, n};
        p += 4 + n;
    }
    struct proto_buf buf;
    proto_buf_init(&buf, 1 << 20);
    static const char *const names[] = {[CORE_RECEIPT] = "render a receipt", [CORE_TASK] = "render a task", [CORE_EVENT] = "render an event"};
    for (uint32_t e = 0; e < out.effect_count; e++) {
        const struct core_effect *effect = &out.effects[e];
        if (effect->kind > CORE_EVENT || effect->kind == CORE_SEND) {
            continue;
        }
        struct proto_bin source = effect->source != 0 ? sources[effect->source - out.first_seq] : (struct proto_bin){0};
        double start = cpu_ns();
        for (uint32_t i = 0; i < rounds; i++) {
            proto_buf_reset(&buf);
            if (!core_render(core, &out, effect, source, (struct proto_bin){0}, &buf)) {
                printf("not rendered\n");
            }
        }
        printf("%-28s %8.0f ns, %zu bytes\n", names[effect->kind], (cpu_ns() - start) / rounds, buf.n);
    }
    proto_buf_fini(&buf);
}

/* Replay: a journal of `queued` accepted requests that are still open. */
static void
replay(const struct core_settings *settings, const uint8_t *events, size_t n, uint32_t count, uint64_t first_seq)
{
    struct core *other = core_new(settings);
    struct proto_error error;
    const uint8_t *p = events;
    double start = cpu_ns();
    for (uint32_t i = 0; p < events + n; i++) {
        uint32_t bytes = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
        if (core_apply(other, first_seq + i, p + 4, bytes, &error) != CORE_APPLIED) {
            printf("event %u is not applied\n", i);
            break;
        }
        p += 4 + bytes;
    }
    double took = cpu_ns() - start;
    start = cpu_ns();
    struct core_input recovered = {.kind = CORE_RECOVERED};
    core_out_reset(&out);
    core_decide(other, now, &recovered, &out);
    printf("%-28s %8.0f ns per event, %u events, %.0f ms to arm what was recovered\n", "replay", took / count, count,
           (cpu_ns() - start) / 1e6);
    core_destroy(&other);
}

int
main(int argc, char **argv)
{
    uint32_t lifecycles = argc > 1 ? (uint32_t)atoi(argv[1]) : 1000000;
    uint32_t queued = argc > 2 ? (uint32_t)atoi(argv[2]) : 1000000;
    uint32_t window = argc > 3 ? (uint32_t)atoi(argv[3]) : 2048;
    set_up(queued);
    offer(window);
    run(lifecycles, window, true);
    render(1000000);
    core_out_reset(&out);
    struct core_input gone = {.kind = CORE_DISCONNECTED, .conn = CONN};
    struct core_input back = {.kind = CORE_CONNECTED, .conn = CONN, .member = member};
    decide(&gone);
    decide(&back);
    struct core_stats before, after;
    core_stats(core, &before);
    double start = cpu_ns();
    for (uint32_t i = 0; i < queued; i++) {
        core_out_reset(&out);
        submit();
    }
    double took = cpu_ns() - start;
    core_stats(core, &after);
    printf("%-28s %8.0f ns per submission, %u queued, %.1f bytes each (%.1f MB in all)\n", "queue only", took / queued, after.waiting,
           (double)(after.bytes - before.bytes) / queued, (double)after.bytes / 1e6);
    core_out_reset(&out);
    offer(window);
    run(queued, window, false);
    core_out_fini(&out);
    core_destroy(&core);

    set_up(queued);
    for (uint32_t i = 0; i < queued; i++) {
        submit();
    }
    struct core_out journal = out;
    core_out_init(&out);
    struct core_settings settings;
    core_settings_init(&settings);
    settings.requests_per_party_max = settings.requests_max = queued + 100000;
    replay(&settings, journal.events.p, journal.events.n, journal.event_count, journal.first_seq);
    core_out_fini(&journal);
    core_out_fini(&out);
    core_destroy(&core);
    return 0;
}
