/* See world.h. */
#include "world.h"

#include <stdio.h>

#include "../sim/audit.h"
#include "../sim/broker.h"
#include "../sim/content.h"
#include "../sim/link.h"
#include "arena.h"

enum { OPERATOR_CONN = 1, TICKS_MAX = 1000 };

struct sim world;
struct around around;

static struct kind kind;
static struct counts counts;
static struct client actor;

/* ------------------------------------------------------------- setting up */

#define SECOND INT64_C(1000000)

static struct catalogue *
small_catalogue(struct sim *sim, uint32_t variant)
{
    struct catalogue *catalogue = catalogue_new();
    struct service_type type;
    struct catalogue_error error;
    service_type_init(&type);
    type.name = service_name(0);
    type.tenure = kind.owned ? PROTO_TENURE_OWNED : PROTO_TENURE_LEASED;
    type.policy = PROTO_POLICY_LEAST_LOADED;
    type.attempts = kind.attempts;
    type.releases_max = 1;
    type.lease_us = kind.owned ? 0 : 30 * SECOND;
    type.accept_by_us = kind.owned ? 60 * SECOND : 0;
    type.attempt_us = kind.owned ? 600 * SECOND : 0;
    type.start_by_us = type.complete_by_us = type.backoff_us = type.backoff_max_us = type.age_us = 0;
    if (!catalogue_add_service(catalogue, &type, "service", &error)) {
        sim_fail(sim, "setup", "catalogue", "%s: %s", error.path, error.what);
    }
    catalogue_seal(catalogue);
    (void)variant;
    return catalogue;
}

static void
connect(uint16_t conn, uint32_t key)
{
    struct core_member_info info;
    uint8_t bytes[32];
    key_bytes(key, bytes);
    bool known = core_member_by_key(world.broker.core, bytes, world.now.utc_us, &info);
    CHECK(&world, known, "C4", "key", "key %u is unknown", key);
    world.conns[conn] = (struct conn){
        .used = true, .client_open = true, .broker_open = true, .greeted = true, .generation = ++around.generation, .key = key};
    broker_decide(&world, &(struct core_input){.kind = CORE_CONNECTED, .conn = link_handle(&world, conn), .member = info.member});
}

static void
send(uint16_t conn, struct proto_record *record)
{
    struct core_member_info info;
    uint8_t bytes[32];
    const struct key_state *state = &world.audit.keys[world.conns[conn].key];
    key_bytes(world.conns[conn].key, bytes);
    CHECK(&world, core_member_by_key(world.broker.core, bytes, world.now.utc_us, &info), "C4", "key", "a key is unknown");
    record->n = 1;
    actor = (struct client){.party = state->party, .member = state->member, .key = world.conns[conn].key};
    world.record = record;
    world.actor = &actor;
    broker_decide(&world, &(struct core_input){
                              .kind = CORE_RECORD, .conn = link_handle(&world, conn), .member = info.member, .record = record});
    world.record = NULL;
    world.actor = NULL;
}

static void
party_make(uint8_t party, enum proto_role role)
{
    struct proto_record record;
    struct proto_str word = proto_str_of(proto_enum_name(PROTO_ENUM_ROLE, role)), all = PROTO_STR("*");
    uint8_t key[32];
    key_bytes(party, key);
    proto_record_init(&record, PROTO_PARTY);
    proto_buf_reset(&world.scratch);
    record.u.party.action = PROTO_PARTY_ACTION_ADD;
    record.u.party.has |= PROTO_PARTY_ACTION;
    record.u.party.party = party_name(party);
    record.u.party.member = member_name(0);
    record.u.party.key = (struct proto_bin){key, sizeof key};
    record.u.party.roles = content_list(&world.scratch, &word, 1);
    record.u.party.services = content_list(&world.scratch, &all, 1);
    send(OPERATOR_CONN, &record);
}

/* Everything is durable, and everybody was told. */
static void
come_to_rest(void)
{
    for (unsigned n = 0; core_next_deadline(world.broker.core, world.now) <= world.now.mono_us; n++) {
        CHECK(&world, n < TICKS_MAX, "B5", "spin", "the core wants to be called at once, %d times", TICKS_MAX);
        broker_decide(&world, &(struct core_input){.kind = CORE_TICK});
    }
    world.journal.durable = world.told_seq = world.journal.last;
    world.told_fence = world.audit.fence_top;
    core_out_reset(&world.broker.filling->out);
    for (unsigned which = 0; which < around.count; which++) {
        const struct life *life = life_find(&world.audit, around.ids[which]);
        for (unsigned who = 0; life != NULL && who < WHOS; who++) {
            struct fence_of *has = &around.has[who][which];
            bool live = life->performer == party_of_performer(who);
            if (has->fence != 0 && (!live || has->fence != life->fence)) {
                around.lost[who][which] = *has;
            }
            *has = live ? (struct fence_of){life->id + life->ordinal, life->fence} : (struct fence_of){0};
        }
    }
}

static void
ranges_register(void)
{
    uint8_t *base = (uint8_t *)&world;
    arena_range(&world.rng, offsetof(struct sim, clients) - offsetof(struct sim, rng));
    arena_range(&world.journal, sizeof world.journal);
    arena_range(world.audit.parties, sizeof world.audit.parties);
    arena_range(world.audit.keys, 16 * sizeof *world.audit.keys);
    arena_range(world.audit.services, sizeof world.audit.services);
    arena_range(world.audit.terms, 16 * sizeof *world.audit.terms);
    arena_range(&world.audit.lives, sizeof world.audit - offsetof(struct audit, lives));
    arena_range(&world.broker, offsetof(struct broker, asks));
    arena_range(&world.broker.ask_count, sizeof world.broker - offsetof(struct broker, ask_count));
    arena_range(world.conns, 8 * sizeof *world.conns);
    arena_range(&world.told_seq, offsetof(struct sim, by_text) - offsetof(struct sim, told_seq));
    arena_range(base + offsetof(struct sim, notes), sizeof world - offsetof(struct sim, notes));
    arena_range(&around, sizeof around);
}

void
world_make(const struct kind *which)
{
    kind = *which;
    around = (struct around){0};
    world = (struct sim){.seed = 1, .counts = &counts, .rng = {1}, .faults_over = true, .catalogue = small_catalogue};
    world.now = (struct core_now){SECOND, INT64_C(1790000000) * SECOND};
    world.options = (struct options){.requesters = 2, .performers = 2, .members = 1, .services = 1, .moves_max = 512, .kept_percent = 100};
    world.party_count = 5;
    world.key_count = 5;
    world.submissions = memory(NULL, 8 * sizeof *world.submissions);
    memset(world.submissions, 0, 8 * sizeof *world.submissions);
    world.submission_count = 1;
    for (unsigned who = 0; who < WHOS; who++) {
        for (unsigned text = 0; text < REQUESTS; text++) {
            world.by_text[party_of_requester(who)][0][text] = world.submission_count;
            world.submissions[world.submission_count++] = (struct submission){.party = party_of_requester(who), .text = text};
        }
    }
    proto_buf_init(&world.encode, 1u << 16);
    proto_buf_init(&world.scratch, 1u << 16);
    proto_buf_grow(&world.scratch, 4096);
    journal_init(&world.journal);
    proto_buf_grow(&world.journal.bytes, 65536);
    audit_init(&world.audit);
    broker_init(&world);
    connect(OPERATOR_CONN, 0);
    for (unsigned who = 0; who < WHOS; who++) {
        party_make(party_of_requester(who), PROTO_ROLE_REQUESTER);
        party_make(party_of_performer(who), PROTO_ROLE_PERFORMER);
    }
    come_to_rest();
    ranges_register();
}

bool
world_is_lopsided(void)
{
    return kind.directed;
}

/* ------------------------------------------------------------- inputs */

static const char *const act_names[ACTS] = {"submit", "cancel",   "offer", "credit",  "cut",  "accept",  "reject", "start",
                                            "complete", "stale", "foreign", "fail", "release", "requeue", "pass",   "crash"};

/* Which acts name whom and what: in the text, and which inputs there are. */
static const char act_names_who[ACTS] = {1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0};
static const char act_names_which[ACTS] = {0, 1, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0};

void
act_text(uint8_t input, char out[32])
{
    unsigned act = input >> 2, who = input >> 1 & 1, which = input & 1;
    char name[3] = {'.', act == ACT_SUBMIT ? "AB"[who] : "pq"[who], 0}, number[3] = {'.', "12"[which], 0};
    snprintf(out, 32, "%s%s%s", act_names[act], act_names_who[act] ? name : "", act_names_which[act] ? number : "");
}

int
act_of_text(const char *text, size_t n)
{
    for (unsigned input = 0; input < ACTS << 2; input++) {
        char one[32];
        act_text((uint8_t)input, one);
        if (strlen(one) == n && memcmp(one, text, n) == 0) {
            return (int)input;
        }
    }
    return -1;
}

/* What a performer has now of a request. */
static bool
holds(unsigned who, const struct life *life)
{
    return life != NULL && life->performer == party_of_performer(who) && life->id != 0;
}

static bool
performer_can(enum act act, unsigned who, unsigned which)
{
    const struct life *life = life_find(&world.audit, around.ids[which]);
    if (!around.up[who] || life == NULL) {
        return false;
    }
    bool has = holds(who, life);
    switch (act) {
    case ACT_ACCEPT:
        return has && ((life->flags & LIFE_ABORT) || life->task_status == PROTO_STATUS_REQUESTED);
    case ACT_REJECT:
        return has && ((life->flags & LIFE_ABORT) || life->task_status == PROTO_STATUS_REQUESTED);
    case ACT_START:
        return has && life->task_status == PROTO_STATUS_ACCEPTED;
    case ACT_COMPLETE:
        return has && (life->task_status == PROTO_STATUS_IN_PROGRESS || life->task_status == PROTO_STATUS_COMPLETED);
    case ACT_STALE:
        return around.lost[who][which].fence != 0;
    case ACT_FOREIGN:
        return holds(1 - who, life);
    case ACT_FAIL:
        return has && life->task_status == PROTO_STATUS_IN_PROGRESS;
    default: /* ACT_RELEASE */
        return has && life->end_seq == 0;
    }
}

bool
act_can(uint8_t input)
{
    enum act act = (enum act)(input >> 2);
    unsigned who = input >> 1 & 1, which = input & 1;
    if ((who != 0 && !act_names_who[act]) || (which != 0 && !act_names_which[act])) {
        return false; /* the same input by another number */
    }
    const struct life *life = life_find(&world.audit, around.ids[which]);
    switch (act) {
    case ACT_SUBMIT:
        return around.count < REQUESTS;
    case ACT_CANCEL:
        return life != NULL;
    case ACT_OFFER:
        return true;
    case ACT_CREDIT:
    case ACT_CUT:
        return around.up[who];
    case ACT_REQUEUE:
        return life != NULL && (life->flags & LIFE_EXHAUSTED) && life->ordinal < 60;
    case ACT_PASS:
        return core_next_deadline(world.broker.core, world.now) != INT64_MAX;
    case ACT_CRASH:
        return around.count > 0;
    default:
        return performer_can(act, who, which);
    }
}

static void
do_submit(unsigned who)
{
    struct proto_record record;
    uint8_t body[1] = {0};
    char key[4];
    snprintf(key, sizeof key, "k%u", around.count % 10u);
    proto_record_init(&record, PROTO_SUBMIT);
    record.u.submit.service = service_name(0);
    record.u.submit.key = proto_str_of(key);
    record.u.submit.priority = PROTO_PRIORITY_ROUTINE;
    record.u.submit.notify = PROTO_NOTIFY_ALL;
    record.u.submit.has |= PROTO_SUBMIT_NOTIFY;
    if (kind.directed) {
        record.u.submit.performer = party_name(party_of_performer(0));
        record.u.submit.fallback = PROTO_FALLBACK_ANY;
    }
    record.body = (struct proto_bin){body, 1};
    uint16_t conn = (uint16_t)(2 + who);
    if (!world.conns[conn].used) {
        connect(conn, party_of_requester(who));
    }
    uint32_t before = world.audit.life_count;
    send(conn, &record);
    CHECK(&world, world.audit.life_count == before + 1, "B2", "submit", "a submission was not accepted");
    around.ids[around.count++] = world.audit.lives[before].id;
}

static void
do_offer(enum act act, unsigned who)
{
    struct proto_record record;
    uint16_t conn = (uint16_t)(4 + who);
    if (!around.up[who]) {
        connect(conn, party_of_performer(who));
        around.up[who] = true;
    }
    proto_record_init(&record, act == ACT_OFFER ? PROTO_OFFER : PROTO_CREDIT);
    if (act == ACT_OFFER) {
        record.u.offer.service = service_name(0);
        record.u.offer.has |= PROTO_OFFER_SERVICE;
        record.u.offer.capacity = 2;
        record.u.offer.credit = 1;
    } else {
        record.u.credit.service = service_name(0);
        record.u.credit.credit = 1;
        record.u.credit.has |= PROTO_CREDIT_CREDIT;
    }
    send(conn, &record);
}

#define NAME(lower, UPPER, named)                                                                                       \
    (proto_record_init(&record, PROTO_##UPPER), record.u.lower.task = (named).task, record.u.lower.fence = (named).fence, \
     record.u.lower.has |= PROTO_##UPPER##_TASK | PROTO_##UPPER##_FENCE)

static void
do_performer(enum act act, unsigned who, unsigned which)
{
    const struct life *life = life_find(&world.audit, around.ids[which]);
    struct fence_of now = {life->id + life->ordinal, life->fence};
    struct proto_record record;
    switch (act) {
    case ACT_ACCEPT:
        NAME(accept, ACCEPT, now);
        record.u.accept.code = life->flags & LIFE_ABORT ? PROTO_CODE_ABORT : 0;
        break;
    case ACT_REJECT:
        NAME(reject, REJECT, now);
        record.u.reject.code = life->flags & LIFE_ABORT ? PROTO_CODE_ABORT : 0;
        break;
    case ACT_START:
        NAME(start, START, now);
        break;
    case ACT_STALE:
        NAME(complete, COMPLETE, around.lost[who][which]);
        break;
    case ACT_FAIL:
        NAME(fail, FAIL, now);
        record.u.fail.retryable = true;
        break;
    case ACT_RELEASE:
        NAME(release, RELEASE, now);
        break;
    default: /* complete, foreign */
        NAME(complete, COMPLETE, now);
        break;
    }
    uint64_t last = world.journal.last;
    send((uint16_t)(4 + who), &record);
    CHECK(&world, act != ACT_STALE || world.journal.last == last, "A3", "stale-changed", "a stale fence changed something");
    CHECK(&world, act != ACT_FOREIGN || world.journal.last == last, "A4", "foreign-changed", "another's fence changed something");
}

static void
do_crash(void)
{
    broker_crash(&world, world.journal.last);
    memset(world.conns, 0, sizeof *world.conns * 8);
    around.up[0] = around.up[1] = false;
    connect(OPERATOR_CONN, 0);
}

static void
do_pass(void)
{
    int64_t wait = core_next_deadline(world.broker.core, world.now) - world.now.mono_us;
    world.now.mono_us += wait;
    world.now.utc_us += wait;
    world.audit.utc_top_us = world.now.utc_us;
    broker_decide(&world, &(struct core_input){.kind = CORE_TICK});
}

static void
do_named(enum act act, unsigned which)
{
    struct proto_record record;
    uint64_t id = around.ids[which];
    if (act == ACT_CANCEL) {
        uint8_t party = life_find(&world.audit, id)->requester;
        uint16_t conn = (uint16_t)(1 + party);
        if (!world.conns[conn].used) {
            connect(conn, party);
        }
        proto_record_init(&record, PROTO_CANCEL);
        record.u.cancel.id = id;
        record.u.cancel.has |= PROTO_CANCEL_ID;
        send(conn, &record);
    } else {
        proto_record_init(&record, PROTO_REQUEUE);
        record.u.requeue.id = id;
        record.u.requeue.has |= PROTO_REQUEUE_ID;
        send(OPERATOR_CONN, &record);
    }
}

void
act_do(uint8_t input)
{
    enum act act = (enum act)(input >> 2);
    unsigned who = input >> 1 & 1, which = input & 1;
    switch (act) {
    case ACT_SUBMIT:
        do_submit(who);
        break;
    case ACT_CANCEL:
    case ACT_REQUEUE:
        do_named(act, which);
        break;
    case ACT_OFFER:
    case ACT_CREDIT:
        do_offer(act, who);
        break;
    case ACT_CUT:
        broker_decide(&world, &(struct core_input){.kind = CORE_DISCONNECTED, .conn = link_handle(&world, (uint16_t)(4 + who))});
        world.conns[4 + who].used = false;
        around.up[who] = false;
        break;
    case ACT_PASS:
        do_pass();
        break;
    case ACT_CRASH:
        do_crash();
        break;
    default:
        do_performer(act, who, which);
        break;
    }
    come_to_rest();
}
