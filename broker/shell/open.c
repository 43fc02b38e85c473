/*
 * Start and stop: take the data directory, recover, open the socket; and all of it back again.
 */
#include "shell/broker.h"

#include "shell/catalogue_load.h"
#include "shell/files.h"
#include "shell/notify.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <sysexits.h>

enum {
    RENDER_BYTES_MAX = 2 << 20,
    TRAIL_BYTES_MAX = 128 << 20,
    SNAPSHOT_BYTES_MAX = 1 << 30,
    EVENTS_PER_FORGET = 4096,
    LINGER_US = 500000,
    CATCH_UP_US = 2000000,
};

static int
store_exit_code(enum store_status status)
{
    switch (status) {
    case STORE_NOT_FOUND:
        return EX_NOINPUT;
    case STORE_IN_USE:
        return EX_TEMPFAIL;
    case STORE_NEWER:
    case STORE_DAMAGED:
    case STORE_BEHIND:
        return EX_DATAERR;
    case STORE_READ_ONLY:
        return EX_NOPERM;
    case STORE_INVALID:
        return EX_CONFIG;
    case STORE_NO_MEMORY:
        return EX_OSERR;
    default:
        return EX_IOERR;
    }
}

static int
store_refused(enum store_status status, const struct store_error *store_error, char error[BROKER_ERROR_BYTES])
{
    snprintf(error, BROKER_ERROR_BYTES, "%s: %s", store_status_text(status), store_error->text);
    return store_exit_code(status);
}

struct replay {
    struct broker *broker;
    uint64_t count;
    uint64_t bad_seq;
    enum core_applied applied;
    struct proto_error error;
};

/* While replaying too: what history has need not stay in memory. At time zero no timer is due. */
static void
finished_forget(struct broker *broker)
{
    struct core_out *out = &broker->filling->out;
    store_projected(broker->store, &broker->projected);
    core_decide(broker->core, (struct core_now){0}, &(struct core_input){.kind = CORE_PROJECTED, .seq = broker->projected}, out);
    assert(out->events.n == 0 && out->effect_count == 0);
}

static int
event_apply(void *context, enum store_origin origin, uint64_t seq, const uint8_t *p, uint32_t n)
{
    struct replay *replay = context;
    replay->applied = core_apply(replay->broker->core, origin == STORE_FROM_SNAPSHOT ? 0 : seq, p, n, &replay->error);
    if (replay->applied == CORE_APPLY_DAMAGED || replay->applied == CORE_APPLY_FULL) {
        replay->bad_seq = seq;
        return 1;
    }
    if (++replay->count % EVENTS_PER_FORGET == 0) {
        finished_forget(replay->broker);
    }
    return 0;
}

/* Durable state from the journal. */
static int
recover(struct broker *broker, char error[BROKER_ERROR_BYTES])
{
    struct replay replay = {.broker = broker, .error = {.why = ""}};
    struct store_error store_error = {.text = ""};
    struct core_now begin, end;
    clock_read(&begin);
    enum store_status status = store_replay(broker->store, event_apply, &replay, &store_error);
    if (status == STORE_STOPPED && replay.applied == CORE_APPLY_FULL) {
        snprintf(error, BROKER_ERROR_BYTES, "event %llu: more than a limit of the configuration allows; raise it",
                 (unsigned long long)replay.bad_seq);
        return EX_CONFIG;
    }
    if (status == STORE_STOPPED) {
        snprintf(error, BROKER_ERROR_BYTES, "event %llu does not follow from what came before it: %s", (unsigned long long)replay.bad_seq,
                 replay.error.why ? replay.error.why : "damaged");
        return EX_DATAERR;
    }
    if (status != STORE_OK) {
        return store_refused(status, &store_error, error);
    }
    if (core_seq(broker->core) < store_last_seq(broker->store)) {
        core_seq_set(broker->core, store_last_seq(broker->store));
    }
    clock_read(&end);
    struct core_stats stats;
    core_stats(broker->core, &stats);
    log_line(CONFIG_LOG_INFO, "recovered", "events=%llu open=%u seq=%llu epoch=%llu took_ms=%lld", (unsigned long long)replay.count,
             stats.open, (unsigned long long)store_last_seq(broker->store), (unsigned long long)store_epoch(broker->store),
             (long long)(end.mono_us - begin.mono_us) / 1000);
    return EX_OK;
}

static void
core_settings_from(const struct config *config, struct core_settings *settings)
{
    core_settings_init(settings);
    settings->shard = config->shard;
    settings->requests_max = config->open_requests_max;
    settings->requests_per_party_max = config->open_requests_per_party_max;
    settings->finished_max = config->finished_requests_max;
    settings->parties_max = config->parties_max;
    settings->members_max = config->members_max;
    settings->connections_max = config->connections_max;
    settings->offers_max = config->offers_max;
    settings->offers_per_connection_max = config->offers_per_connection_max;
    settings->groups_max = config->groups_max;
    settings->flows_max = config->flows_max;
    settings->terms_max = config->terms_max;
    settings->watches_max = config->watches_max;
    settings->watches_per_connection_max = config->watches_per_connection_max;
    settings->keys_max = config->keys_max;
    settings->keys_per_party_max = config->keys_per_party_max;
    settings->producers_max = config->producers_max;
    settings->producers_per_party_max = config->producers_per_party_max;
    settings->names_bytes_max = config->names_bytes_max;
    settings->key_retention_us = config->key_retention_us;
    settings->retry_after_us = config->retry_after_us;
    randombytes_buf(&settings->seed, sizeof settings->seed);
}

static void
buffers_init(struct broker *broker)
{
    for (unsigned i = 0; i < OUTLETS; i++) {
        core_out_init(&broker->outlets[i].out);
    }
    broker->filling = &broker->outlets[0];
    broker->committing = &broker->outlets[1];
    broker->leaving = &broker->outlets[2];
    proto_buf_init(&broker->render, RENDER_BYTES_MAX);
    proto_buf_init(&broker->source, RENDER_BYTES_MAX);
    proto_buf_init(&broker->rows, RENDER_BYTES_MAX);
    proto_buf_init(&broker->listed, RENDER_BYTES_MAX);
    proto_buf_init(&broker->trail, TRAIL_BYTES_MAX);
    proto_buf_init(&broker->snapshot, SNAPSHOT_BYTES_MAX);
    broker->asks = calloc(ASKS_MAX, sizeof *broker->asks);
    broker->feeds = calloc(FEEDS_MAX, sizeof *broker->feeds);
}

static int
state_open(struct broker *broker, bool create, char error[BROKER_ERROR_BYTES])
{
    const struct config *config = &broker->config;
    struct store_options options;
    struct store_error store_error = {.text = ""};
    store_options_default(&options);
    options.create = create;
    options.shard = config->shard;
    options.durability = config->durability == CONFIG_DURABILITY_NONE ? STORE_UNSYNCED : STORE_DURABLE;
    options.history = true;
    options.cache_bytes_max = config->read_cache_bytes;
    options.recent_bytes_max = config->recent_bytes_max;
    options.wal_bytes_max = config->wal_bytes_max;
    options.disk_reserve_bytes = config->disk_reserve_bytes;
    options.journal_bytes_max = config->journal_bytes_max;
    options.history_lag_max = config->history_lag_max;
    options.mark_distance = config->mark_distance;
    options.keep_events = config->keep_events == 0 ? UINT64_MAX : config->keep_events;
    enum store_status status = store_open(config->data_dir, &options, &broker->store, &store_error);
    if (status != STORE_OK) {
        return store_refused(status, &store_error, error);
    }
    struct core_settings settings;
    core_settings_from(config, &settings);
    broker->core = core_new(&settings);
    if (!broker->core || !broker->asks || !broker->feeds) {
        snprintf(error, BROKER_ERROR_BYTES, "no memory");
        return EX_OSERR;
    }
    int code = recover(broker, error);
    if (code != EX_OK) {
        return code;
    }
    clock_read(&broker->now);
    broker->started_utc_us = broker->now.utc_us;
    broker_decide(broker, &(struct core_input){.kind = CORE_RECOVERED});
    if (!upkeep_reload(broker, error)) {
        return EX_CONFIG;
    }
    commit_all(broker);
    if (broker->failed) {
        snprintf(error, BROKER_ERROR_BYTES, "the store could not commit");
        return EX_IOERR;
    }
    return EX_OK;
}

static enum net_verdict
key_lookup(void *arg, const uint8_t key[NET_KEY_BYTES], struct net_peer *out_peer)
{
    static const uint8_t zero[NET_KEY_BYTES];
    const struct broker *broker = arg;
    struct core_member_info info;
    bool none = memcmp(key, zero, sizeof zero) == 0;
    if (none != broker->plain_text || !core_member_by_key(broker->core, key, broker->now.utc_us, &info)) {
        return NET_KEY_UNKNOWN;
    }
    *out_peer = (struct net_peer){.party = info.party, .member = info.member};
    return NET_KEY_KNOWN;
}

static int
plain_text_check(struct broker *broker, char error[BROKER_ERROR_BYTES])
{
    static const uint8_t zero[NET_KEY_BYTES];
    struct core_member_info info;
    if (core_member_by_key(broker->core, zero, broker->now.utc_us, &info) &&
        proto_str_eq(info.party_name, proto_str_of(broker->config.plain_text_party))) {
        return EX_OK;
    }
    snprintf(error, BROKER_ERROR_BYTES, "party %s has no member for plain text: make the data directory with qiaod init --plain",
             broker->config.plain_text_party);
    return EX_CONFIG;
}

static int
gateway_open(struct broker *broker, char error[BROKER_ERROR_BYTES])
{
    const struct config *config = &broker->config;
    struct net_options options;
    char why[FILES_ERROR_BYTES];
    net_options_init(&options);
    for (uint32_t i = 0; i < config->endpoint_count; i++) {
        options.endpoints[i] = config->endpoints[i];
    }
    options.endpoint_count = config->endpoint_count;
    options.plain_text = broker->plain_text;
    options.lookup = key_lookup;
    options.lookup_arg = broker;
    options.frame_bytes_max = config->frame_bytes_max;
    options.records_per_frame_max = config->records_per_frame_max;
    options.connections_max = config->connections_max;
    options.connections_per_key_max = config->connections_per_key_max;
    options.outbox_bytes_max = config->outbox_bytes_max;
    options.outbox_records_max = config->outbox_records_max;
    options.malformed_max = config->malformed_max;
    options.heartbeat_us = config->heartbeat_us;
    options.handshake_us = config->handshake_us;
    options.backlog = config->backlog;
    if (broker->plain_text) {
        int code = plain_text_check(broker, error);
        if (code != EX_OK) {
            return code;
        }
    } else if (!files_server_key_read(config->data_dir, options.server_public, options.server_secret, why)) {
        snprintf(error, BROKER_ERROR_BYTES, "%s", why);
        return EX_NOPERM;
    }
    char net_error[NET_ERROR_BYTES];
    switch (net_open(&options, &broker->net, net_error)) {
    case NET_OK:
        return EX_OK;
    case NET_CONFIG:
        snprintf(error, BROKER_ERROR_BYTES, "%s", net_error);
        return EX_CONFIG;
    case NET_IN_USE:
        snprintf(error, BROKER_ERROR_BYTES, "%s", net_error);
        return EX_UNAVAILABLE;
    default:
        snprintf(error, BROKER_ERROR_BYTES, "%s", net_error);
        return EX_OSERR;
    }
}

bool
broker_open_state(struct broker *broker, const struct config *config, bool create, char error[BROKER_ERROR_BYTES],
                  int *out_exit)
{
    memset(broker, 0, sizeof *broker);
    broker->config = *config;
    broker->plain_text = config->plain_text_party[0] != '\0';
    broker->signal_fd = -1;
    buffers_init(broker);
    int code = state_open(broker, create, error);
    if (code != EX_OK) {
        broker_close(broker);
        *out_exit = code;
        return false;
    }
    return true;
}

bool
broker_open(struct broker *broker, const struct config *config, char error[BROKER_ERROR_BYTES], int *out_exit)
{
    if (!broker_open_state(broker, config, false, error, out_exit)) {
        return false;
    }
    broker->watchdog_us = notify_watchdog_us();
    int code = gateway_open(broker, error);
    if (code != EX_OK) {
        broker_close(broker);
        *out_exit = code;
        return false;
    }
    return true;
}

bool
broker_bootstrap(struct broker *broker, const struct core_bootstrap *first, char error[BROKER_ERROR_BYTES])
{
    clock_read(&broker->now);
    broker_decide(broker, &(struct core_input){.kind = CORE_BOOTSTRAP, .first = first});
    commit_all(broker);
    if (broker->failed || !core_has_operator(broker->core)) {
        snprintf(error, BROKER_ERROR_BYTES, "%s", broker->failed ? "the store could not commit" : "the first operator could not be enrolled");
        return false;
    }
    return true;
}

void
broker_close(struct broker *broker)
{
    net_close(&broker->net, broker->failed ? 0 : LINGER_US);
    struct store_error store_error = {.text = ""};
    if (broker->store) {
        enum store_status status = store_close(&broker->store, broker->failed ? 0 : CATCH_UP_US, &store_error);
        if (status != STORE_OK && !broker->failed) {
            log_line(CONFIG_LOG_ERROR, "store-close", "status=\"%s\" text=\"%s\"", store_status_text(status), store_error.text);
            broker->exit_code = EX_IOERR;
        }
    }
    core_destroy(&broker->core);
    for (unsigned i = 0; i < OUTLETS; i++) {
        core_out_fini(&broker->outlets[i].out);
    }
    proto_buf_fini(&broker->render);
    proto_buf_fini(&broker->source);
    proto_buf_fini(&broker->rows);
    proto_buf_fini(&broker->listed);
    proto_buf_fini(&broker->trail);
    proto_buf_fini(&broker->snapshot);
    ask_fini(broker);
    free(broker->feeds);
    broker->feeds = NULL;
}
