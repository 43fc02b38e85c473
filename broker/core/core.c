/*
 * The core from outside: making one, replaying, deciding. What happens to a record is in the on_*.c files.
 */
#include "core/core.h"

#include <stdlib.h>

#include "core/event.h"
#include "core/group.h"
#include "core/handlers.h"
#include "core/kept.h"
#include "core/match.h"
#include "core/offer.h"
#include "core/party.h"
#include "core/recall.h"
#include "core/request.h"

void
core_settings_init(struct core_settings *settings)
{
    *settings = (struct core_settings){
        .shard = 1,
        .requests_max = 4000000,
        .finished_max = 4000000,
        .requests_per_party_max = 2000000,
        .parties_max = 16384,
        .members_max = 65536,
        .connections_max = 4096,
        .offers_max = 65536,
        .offers_per_connection_max = 64,
        .watches_max = 16384,
        .watches_per_connection_max = 64,
        .groups_max = 65536,
        .flows_max = 262144,
        .terms_max = 65535,
        .keys_max = 4000000,
        .keys_per_party_max = 2000000,
        .producers_per_party_max = 1024,
        .producers_max = 8192,
        .names_bytes_max = 64u << 20,
        .key_retention_us = INT64_C(7) * 24 * 3600 * 1000000,
        .retry_after_us = 1000000,
        .moves_per_call_max = 512,
        .rows_scanned_max = 100000,
        .seed = 0x5169616f,
    };
}

static void
tables_init(struct core *core)
{
    pool_init(&core->parties, sizeof(struct party));
    pool_init(&core->members, sizeof(struct member));
    pool_init(&core->services, sizeof(struct service));
    pool_init(&core->terms, sizeof(struct terms));
    pool_init(&core->groups, sizeof(struct group));
    pool_init(&core->flows, sizeof(struct flow));
    pool_init(&core->shares, sizeof(struct share));
    pool_init(&core->requests, sizeof(struct request));
    pool_init(&core->keys, sizeof(struct kept_key));
    pool_init(&core->producers, sizeof(struct producer));
    pool_init(&core->offers, sizeof(struct offer));
    pool_init(&core->providers, sizeof(struct provider));
    pool_init(&core->watches, sizeof(struct watch));
    pool_init(&core->texts, sizeof(struct text));
    struct index *small[] = {&core->party_by_name,   &core->member_by_key, &core->member_by_name,   &core->service_by_name,
                             &core->terms_by_number, &core->group_by_key,  &core->flow_by_pair,     &core->share_by_pair,
                             &core->key_by_hash,     &core->producer_by_pair, &core->provider_by_pair, &core->text_by_name};
    for (unsigned i = 0; i < sizeof small / sizeof *small; i++) {
        index_init(small[i], 6);
    }
    /* Requests come with rising ids: sixteen that follow each other share a line, for look-ups and for growing. */
    index_init(&core->request_by_id, 12);
    core->request_by_id.near = 4;
}

struct core *
core_new(const struct core_settings *settings)
{
    struct core *core = calloc(1, sizeof *core);
    if (core == NULL) {
        return NULL;
    }
    core->settings = *settings;
    assert(settings->connections_max > 0 && settings->connections_max <= 65535 && settings->shard <= 255);
    assert(settings->parties_max <= PARTIES_HARD);
    core->connections = table_alloc(((size_t)settings->connections_max + 1) * sizeof *core->connections);
    tables_init(core);
    return core;
}

void
core_destroy(struct core **core_p)
{
    struct core *core = *core_p;
    *core_p = NULL;
    if (core == NULL) {
        return;
    }
    party_free_all(core);
    service_free_all(core);
    group_free_all(core);
    producer_free_all(core);
    offer_free_all(core);
    catalogue_unref(&core->catalogue);
    struct pool *pools[] = {&core->parties,  &core->members,   &core->services, &core->terms,     &core->groups,
                            &core->flows,    &core->shares,    &core->requests, &core->keys,      &core->producers,
                            &core->offers,   &core->providers, &core->watches,  &core->texts};
    for (unsigned i = 0; i < sizeof pools / sizeof *pools; i++) {
        pool_fini(pools[i]);
    }
    struct index *indexes[] = {&core->party_by_name,   &core->member_by_key, &core->member_by_name,   &core->service_by_name,
                               &core->terms_by_number, &core->group_by_key,  &core->flow_by_pair,     &core->share_by_pair,
                               &core->key_by_hash,     &core->producer_by_pair, &core->provider_by_pair, &core->text_by_name,
                               &core->request_by_id};
    for (unsigned i = 0; i < sizeof indexes / sizeof *indexes; i++) {
        index_fini(indexes[i]);
    }
    free(core->timers[CLOCK_UTC].heap);
    free(core->timers[CLOCK_MONO].heap);
    free(core->connections);
    free(core);
}

/* ------------------------------------------------------------- out */

void
core_out_init(struct core_out *out)
{
    *out = (struct core_out){0};
    proto_buf_init(&out->events, UINT32_MAX);
    proto_buf_init(&out->bytes, UINT32_MAX);
}

void
core_out_fini(struct core_out *out)
{
    proto_buf_fini(&out->events);
    proto_buf_fini(&out->bytes);
    free(out->effects);
    *out = (struct core_out){0};
}

void
core_out_reset(struct core_out *out)
{
    proto_buf_reset(&out->events);
    proto_buf_reset(&out->bytes);
    out->event_count = 0;
    out->first_seq = 0;
    out->effect_count = 0;
    out->refused = NULL;
}

/* ------------------------------------------------------------- replay */

enum core_applied
core_apply(struct core *core, uint64_t seq, const uint8_t *p, size_t n, struct proto_error *out_error)
{
    struct proto_event event;
    struct proto_error error;
    size_t used;
    assert(!core->recovered);
    if (!proto_event_decode(p, n, &used, &event, out_error != NULL ? out_error : &error) || used != n) {
        return CORE_APPLY_DAMAGED;
    }
    uint32_t item = 0;
    return event_apply(core, seq, &event, &item);
}

uint64_t
core_seq(const struct core *core)
{
    return core->seq;
}

void
core_seq_set(struct core *core, uint64_t seq)
{
    assert(!core->recovered);
    core->seq = seq > core->seq ? seq : core->seq;
}

bool
core_request_is_open(const struct core *core, uint64_t id)
{
    return request_find(core, id) != 0;
}

/* ------------------------------------------------------------- deciding */

static void
recover(struct turn *turn)
{
    struct core *core = turn->core;
    assert(!core->recovered);
    core->recovered = true;
    core->started_us = turn->now.utc_us > 0 ? turn->now.utc_us : 0;
    for (uint32_t i = 1; i < core->requests.used; i++) {
        if (request_at(core, i)->id != 0) {
            request_arm(core, i);
            lease_settle(turn, i);
        }
    }
    for (uint32_t i = 1; i < core->parties.used; i++) {
        if (party_at(core, i)->revoked || party_at(core, i)->draining) {
            recall_start(core, i); /* it may not have been finished */
        }
    }
}

/* Finished requests leave in the order of their last events. */
enum { FORGET_PER_CALL = 8192 };

static bool
forget_is_due(const struct core *core)
{
    return core->finished.head != 0 && request_at(core, core->finished.head)->last_seq <= core->projected;
}

static void
forget(struct core *core)
{
    for (uint32_t n = 0; n < FORGET_PER_CALL && forget_is_due(core); n++) {
        request_forget(core, core->finished.head);
    }
}

static void
handle_input(struct turn *turn, const struct core_input *input)
{
    switch (input->kind) {
    case CORE_RECORD:
        on_record(turn);
        break;
    case CORE_CONNECTED:
        connection_open(turn);
        break;
    case CORE_DISCONNECTED:
        connection_end(turn, input->conn);
        break;
    case CORE_TICK:
        break;
    case CORE_PROJECTED:
        turn->core->projected = input->seq > turn->core->projected ? input->seq : turn->core->projected;
        break;
    case CORE_PRESSURE:
        turn->core->pressure = input->pressure;
        break;
    case CORE_CATALOGUE:
        on_catalogue_loaded(turn, input->catalogue);
        break;
    case CORE_RECOVERED:
        recover(turn);
        break;
    case CORE_BOOTSTRAP:
        on_bootstrap(turn, input->first);
        break;
    }
}

void
core_decide(struct core *core, struct core_now now, const struct core_input *input, struct core_out *out)
{
    struct turn turn = {.core = core, .now = now, .out = out, .conn = input->conn, .record = input->record};
    if (input->kind == CORE_RECORD || input->kind == CORE_CONNECTED) {
        turn.member = input->member;
        turn.party = member_at(core, input->member)->party;
    }
    core->moves = 0;
    handle_input(&turn, input);
    if (input->kind != CORE_RECORD) {
        forget(core);
    }
    struct turn own = {.core = core, .now = now, .out = out};
    if (input->kind != CORE_RECORD) {
        on_timers(&own);
    }
    if (core->recall_head != 0) {
        recall_run(&own);
    }
    if (core->hungry_head != 0) {
        match_run(&own);
    }
}

int64_t
core_next_deadline(const struct core *core, struct core_now now)
{
    if (core->hungry_head != 0 || core->recall_head != 0 || forget_is_due(core)) {
        return now.mono_us;
    }
    int64_t next = timer_next(core, CLOCK_MONO);
    int64_t utc = timer_next(core, CLOCK_UTC);
    if (utc != INT64_MAX) {
        int64_t wait = utc > now.utc_us ? utc - now.utc_us : 0;
        next = next < now.mono_us + wait ? next : now.mono_us + wait;
    }
    return next;
}

void
core_trace(struct core *core, core_trace_fn *trace, void *arg)
{
    core->trace = trace;
    core->trace_arg = arg;
}
