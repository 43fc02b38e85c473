/*
 * One world: how it is set up, what a step is, how it ends. See sim.h.
 */
#include "sim.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "audit.h"
#include "broker.h"
#include "client.h"
#include "content.h"
#include "link.h"
#include "settle.h"

const char *const fault_names[FAULTS] = {"loss", "twice", "reorder", "cut", "drop", "zombie", "crash-lost", "crash-kept",
                                         "crash-cut", "crash-torn", "sync", "jump", "leap", "reload", "revoke", "invite",
                                         "pressure", "mark", "backup", "restore"};

/* ------------------------------------------------------------- saying and failing */

void *
memory(void *p, size_t bytes)
{
    p = realloc(p, bytes);
    if (p == NULL) {
        abort();
    }
    return p;
}

void
sim_say(const struct sim *sim, const char *format, ...)
{
    va_list args;
    printf("%" PRIu64 " %.6f ", sim->step, (double)sim->now.mono_us / 1e6);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

void
sim_fail(struct sim *sim, const char *name, const char *slug, const char *format, ...)
{
    va_list args;
    printf("VIOLATION %s %s seed=%" PRIu64 " step=%" PRIu64 ": ", name, slug, sim->seed, sim->step);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf(" | replay: sim --seed %" PRIu64 " --steps %" PRIu64 "%s%s --trace", sim->seed, sim->steps, sim->set != NULL ? " --set " : "",
           sim->set != NULL ? sim->set : "");
    if (sim->set == NULL) {
        printf(" | shorter: tests/sim/shrink %" PRIu64 " --steps %" PRIu64, sim->seed, sim->steps);
    }
    putchar('\n');
    sim->counts->violations++;
    longjmp(sim->end, 1);
}

/* ------------------------------------------------------------- names */

struct proto_str
party_name(unsigned party)
{
    static char names[PARTIES_MAX][8];
    snprintf(names[party], sizeof names[party], "pa%02u", party % 100);
    return (struct proto_str){names[party], 4};
}

struct proto_str
member_name(unsigned member)
{
    static char names[64][8];
    snprintf(names[member % 64], sizeof names[0], "m%02u", member % 64);
    return (struct proto_str){names[member % 64], 3};
}

struct proto_str
service_name(unsigned service)
{
    static char names[SERVICES_MAX][8];
    snprintf(names[service], sizeof names[service], "svc.s%u", service);
    return (struct proto_str){names[service], 6};
}

static uint8_t
two_digits(const char *p)
{
    return (uint8_t)((p[0] - '0') * 10 + p[1] - '0');
}

uint8_t
party_of_name(struct proto_str name)
{
    return name.n == 4 ? two_digits(name.p + 2) : NOBODY;
}

uint8_t
member_of_name(struct proto_str name)
{
    return name.n == 3 ? two_digits(name.p + 1) : NOBODY;
}

uint8_t
service_of_name(struct proto_str name)
{
    return name.n == 6 ? (uint8_t)(name.p[5] - '0') : NOBODY;
}

void
key_bytes(uint32_t key, uint8_t out[32])
{
    memset(out, 0xab, 32);
    memcpy(out, &key, sizeof key);
}

/* ------------------------------------------------------------- setting up */

static void
party_setup(struct sim *sim, uint8_t party, unsigned roles)
{
    struct proto_record record;
    struct proto_str words[4];
    uint32_t n = 0;
    for (unsigned role = 0; role < 4; role++) {
        if (roles >> role & 1) {
            words[n++] = proto_str_of(proto_enum_name(PROTO_ENUM_ROLE, role));
        }
    }
    uint32_t members = 1 + rng_below(&sim->rng, sim->options.members);
    for (uint32_t member = 0; member < members; member++) {
        uint32_t key = sim->key_count++;
        uint8_t bytes[32];
        struct proto_str all = PROTO_STR("*");
        key_bytes(key, bytes);
        proto_record_init(&record, PROTO_PARTY);
        proto_buf_reset(&sim->scratch);
        record.u.party.action = PROTO_PARTY_ACTION_ADD;
        record.u.party.has |= PROTO_PARTY_ACTION;
        record.u.party.party = party_name(party);
        record.u.party.member = member_name(member);
        record.u.party.key = (struct proto_bin){bytes, sizeof bytes};
        if (member == 0) {
            record.u.party.roles = content_list(&sim->scratch, words, n);
            record.u.party.services = content_list(&sim->scratch, &all, 1);
        }
        client_send(sim, 0, &record, &(struct pending){0});
        client_new(sim, party, (uint8_t)member, key);
    }
}

static void
setup(struct sim *sim)
{
    const struct options *options = &sim->options;
    sim->now = (struct core_now){1000000, INT64_C(1790000000) * 1000000};
    sim->submission_count = 1;
    sim->submission_cap = 1024;
    sim->submissions = memory(NULL, sim->submission_cap * sizeof *sim->submissions);
    sim->submissions[0] = (struct submission){0};
    proto_buf_init(&sim->encode, 4u << 20);
    proto_buf_init(&sim->scratch, 1u << 20);
    proto_buf_grow(&sim->scratch, 65536); /* records point into it while it fills */
    journal_init(&sim->journal);
    proto_buf_init(&sim->backup.snapshot, UINT32_MAX);
    audit_init(&sim->audit);
    broker_init(sim);
    sim->faults_over = true;
    sim->key_count = 1;
    client_new(sim, 0, 0, 0);
    sim->party_count = 2 + options->requesters + options->performers + options->both + options->operators;
    client_act(sim, 0);
    party_setup(sim, 1, 1u << PROTO_ROLE_OBSERVER);
    uint8_t party = 2;
    for (uint32_t i = 0; i < options->requesters; i++) {
        party_setup(sim, party++, 1u << PROTO_ROLE_REQUESTER);
    }
    for (uint32_t i = 0; i < options->performers; i++) {
        party_setup(sim, party++, 1u << PROTO_ROLE_PERFORMER);
    }
    for (uint32_t i = 0; i < options->both; i++) {
        party_setup(sim, party++, 1u << PROTO_ROLE_REQUESTER | 1u << PROTO_ROLE_PERFORMER);
    }
    for (uint32_t i = 0; i < options->operators; i++) {
        party_setup(sim, party++, 1u << PROTO_ROLE_OPERATOR);
    }
    settle_drain(sim);
    sim->faults_over = false;
}

static void
teardown(struct sim *sim)
{
    link_free_all(sim);
    free(sim->arriving);
    core_destroy(&sim->spare[0]);
    core_destroy(&sim->spare[1]);
    for (uint32_t i = 0; i < sim->client_count; i++) {
        free(sim->clients[i].produced);
    }
    broker_fini(sim);
    journal_fini(&sim->journal);
    proto_buf_fini(&sim->backup.snapshot);
    audit_fini(&sim->audit);
    free(sim->submissions);
    free(sim->notes);
    proto_buf_fini(&sim->encode);
    proto_buf_fini(&sim->scratch);
    free(sim);
}

/* ------------------------------------------------------------- steps */

static void
time_pass(struct sim *sim)
{
    int64_t step_us = rng_between(&sim->rng, 0, 2 * sim->options.step_us);
    if (rng_ppm(&sim->rng, sim->options.leap_ppm)) {
        int64_t next = core_next_deadline(sim->broker.core, sim->now);
        step_us = next != INT64_MAX && next > sim->now.mono_us ? next - sim->now.mono_us : step_us;
        sim->counts->faults[FAULT_LEAP]++;
    }
    sim->now.mono_us += step_us;
    sim->now.utc_us += step_us;
    if (rng_ppm(&sim->rng, sim->options.jump_ppm)) {
        int64_t jump = rng_between(&sim->rng, -sim->options.jump_us, sim->options.jump_us);
        SAY(sim, "the wall clock jumps by %" PRId64 " us", jump);
        sim->now.utc_us += jump;
        sim->counts->faults[FAULT_JUMP]++;
    }
    sim->audit.utc_top_us = sim->now.utc_us > sim->audit.utc_top_us ? sim->now.utc_us : sim->audit.utc_top_us;
}

static bool
misfortune(struct sim *sim)
{
    const struct options *options = &sim->options;
    if (rng_ppm(&sim->rng, options->crash_ppm)) {
        uint64_t keep = journal_cut(&sim->journal, &sim->rng, options->lost_percent, options->kept_percent);
        sim->counts->faults[keep == sim->journal.durable ? FAULT_CRASH_LOST : keep == sim->journal.last ? FAULT_CRASH_KEPT : FAULT_CRASH_CUT]++;
        broker_crash(sim, keep);
    } else if (rng_ppm(&sim->rng, options->reload_ppm)) {
        sim->counts->faults[FAULT_RELOAD]++;
        broker_reload(sim, rng_below(&sim->rng, 8));
    } else if (rng_ppm(&sim->rng, options->revoke_ppm)) {
        overseer_revoke(sim);
    } else if (rng_ppm(&sim->rng, options->pressure_ppm)) {
        sim->counts->faults[FAULT_PRESSURE]++;
        sim->broker.pressure = rng_below(&sim->rng, 3) == 0 ? rng_below(&sim->rng, 8) : 0;
        broker_decide(sim, &(struct core_input){.kind = CORE_PRESSURE, .pressure = sim->broker.pressure});
    } else if (rng_ppm(&sim->rng, options->mark_ppm)) {
        broker_mark(sim);
    } else if (rng_ppm(&sim->rng, options->backup_ppm)) {
        backup_take(sim);
    } else if (rng_ppm(&sim->rng, options->restore_ppm)) {
        return backup_restore(sim);
    } else if (rng_ppm(&sim->rng, options->invite_ppm)) {
        overseer_invite(sim);
    } else if (rng_ppm(&sim->rng, options->drop_ppm)) {
        uint16_t conn = (uint16_t)(1 + rng_below(&sim->rng, CONNS_MAX - 1));
        if (!sim->conns[conn].used || !sim->conns[conn].broker_open) {
            return false;
        }
        sim->counts->faults[FAULT_DROP]++;
        SAY(sim, "the broker drops conn %u", conn);
        broker_decide(sim, &(struct core_input){.kind = CORE_DISCONNECTED, .conn = link_handle(sim, conn)});
        link_drop(sim, conn);
    } else {
        return false;
    }
    return true;
}

static void
chore(struct sim *sim)
{
    switch (rng_below(&sim->rng, 8)) {
    case 0:
        broker_ask(sim);
        break;
    case 1:
        broker_feed(sim);
        break;
    case 2:
        if (rng_percent(&sim->rng, sim->options.project_percent)) {
            broker_project(sim);
        }
        break;
    default:
        if (rng_percent(&sim->rng, sim->options.commit_percent) || sim->journal.last - sim->journal.durable > UNDO / 2) {
            broker_commit(sim);
        }
        break;
    }
}

/* A connection with something on its way, beginning at a random one; 0: none. */
static uint16_t
conn_choose(struct sim *sim, bool up)
{
    uint16_t first = (uint16_t)(rng_below(&sim->rng, CONNS_MAX - 1));
    for (uint16_t n = 0; n < CONNS_MAX - 1; n++) {
        uint16_t at = (uint16_t)(1 + (first + n) % (CONNS_MAX - 1));
        const struct conn *conn = &sim->conns[at];
        bool any = up ? conn->up.head != NULL || (conn->broker_open && !conn->client_open)
                      : conn->down.head != NULL || (conn->client_open && conn->greeted && !conn->broker_open);
        if (conn->used && any) {
            return at;
        }
    }
    return 0;
}

static void
someone_acts(struct sim *sim)
{
    uint8_t at = (uint8_t)rng_below(&sim->rng, sim->client_count);
    uint8_t roles = sim->audit.parties[sim->clients[at].party].roles;
    if ((roles & 1u << PROTO_ROLE_OPERATOR) && sim->clients[at].conn != 0xffff && !rng_percent(&sim->rng, sim->options.operator_percent)) {
        return;
    }
    uint16_t conn = sim->clients[at].conn;
    if (sim->clients[at].alive && (conn == 0xffff || sim->conns[conn].up.count < 16)) {
        client_act(sim, at);
    }
}

static void
step(struct sim *sim)
{
    time_pass(sim);
    if (misfortune(sim)) {
        return;
    }
    if (core_next_deadline(sim->broker.core, sim->now) <= sim->now.mono_us && rng_below(&sim->rng, 3) == 0) {
        broker_tick(sim);
        return;
    }
    uint32_t roll = rng_below(&sim->rng, 100);
    uint16_t conn;
    if (roll < 30 && (conn = conn_choose(sim, true)) != 0) {
        broker_deliver(sim, conn);
    } else if (roll < 55 && (conn = conn_choose(sim, false)) != 0) {
        client_deliver(sim, conn);
    } else if (roll < 72) {
        chore(sim);
    } else {
        someone_acts(sim);
    }
}

bool
sim_run(const struct world *world, struct counts *counts)
{
    struct sim *sim = calloc(1, sizeof *sim);
    if (sim == NULL) {
        abort();
    }
    *sim = (struct sim){.seed = world->seed,
                        .steps = world->steps,
                        .trace = world->trace,
                        .set = world->set,
                        .catalogue = content_catalogue,
                        .counts = counts,
                        .rng = {rng_mix(world->seed + 1)}};
    options_draw(&sim->options, &sim->rng);
    options_set(&sim->options, world->set);
    if (world->trace) {
        options_print(&sim->options);
    }
    counts->worlds++;
    volatile bool passed = false;
    if (setjmp(sim->end) == 0) {
        setup(sim);
        for (sim->step = 1; sim->step <= world->steps; sim->step++) {
            step(sim);
            if (sim->step % 64 == 0) {
                audit_count(sim);
                caps_check(sim);
            }
            if (sim->step % 1000 == 0) {
                full_check(sim);
            }
        }
        settle(sim);
        passed = true;
    }
    counts->steps += sim->step;
    teardown(sim);
    return passed;
}
