/*
 * The answer to `stats`: one table of figures of core, store and net. Metrics and manual come from the same rows.
 */
#include "shell/broker.h"

#include "proto/writer.h"

#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

struct figures {
    struct core_stats core;
    struct store_stats store;
    struct net_stats net;
    double uptime_s;
    double memory_bytes;
    double asks, feeds;
};

enum figure_type { U64, U32, F64 };

struct figure {
    const char *name;
    const char *unit;
    const char *help;
    size_t offset;
    enum figure_type type;
};

#define FIGURE(name, unit, type, field, help) {name, unit, help, offsetof(struct figures, field), type}

static const struct figure table[] = {
    FIGURE("uptime", "s", F64, uptime_s, "since start"),
    FIGURE("memory", "bytes", F64, memory_bytes, "resident"),
    FIGURE("requests.accepted", "", U64, core.accepted, "since start"),
    FIGURE("requests.duplicates", "", U64, core.duplicates, "submissions that were known already"),
    FIGURE("requests.refused", "", U64, core.refused, "records that were refused"),
    FIGURE("requests.assigned", "", U64, core.assigned, "assignments to performers"),
    FIGURE("requests.completed", "", U64, core.completed, "since start"),
    FIGURE("requests.failed", "", U64, core.failed, "since start"),
    FIGURE("requests.cancelled", "", U64, core.cancelled, "since start"),
    FIGURE("requests.exhausted", "", U64, core.exhausted, "attempts used up, on-hold"),
    FIGURE("requests.lease-expired", "", U64, core.lease_expired, "attempts lost to silence"),
    FIGURE("requests.open", "", U32, core.open, "now"),
    FIGURE("requests.waiting", "", U32, core.waiting, "for a performer, now"),
    FIGURE("requests.running", "", U32, core.running, "now"),
    FIGURE("requests.held", "", U32, core.held, "now"),
    FIGURE("requests.finished-kept", "", U32, core.finished_kept, "finished, not in history yet"),
    FIGURE("core.offers", "", U32, core.offers, "now"),
    FIGURE("core.watches", "", U32, core.watches, "now"),
    FIGURE("core.parties", "", U32, core.parties, ""),
    FIGURE("core.kept-keys", "", U32, core.kept_keys, "callers' keys of earlier submissions"),
    FIGURE("core.producers", "", U32, core.producers, "windows of automatic keys"),
    FIGURE("core.memory", "bytes", U64, core.bytes, "of all tables"),
    FIGURE("journal.seq", "", U64, store.last_seq, "last event"),
    FIGURE("journal.durable", "", U64, store.durable_seq, "last durable event"),
    FIGURE("journal.batches", "", U64, store.batches, "commits since start"),
    FIGURE("journal.syncs", "", U64, store.syncs, "since start"),
    FIGURE("journal.commit-total", "us", U64, store.commit_us_total, "time in commits"),
    FIGURE("journal.commit-max", "us", U64, store.commit_us_max, "slowest commit"),
    FIGURE("journal.bytes", "bytes", U64, store.journal_file_bytes, "file"),
    FIGURE("journal.log-bytes", "bytes", U64, store.journal_log_bytes, "write-ahead log"),
    FIGURE("journal.mark", "", U64, store.mark_seq, "replay begins behind it"),
    FIGURE("journal.epoch", "", U64, store.epoch, "starts of this store"),
    FIGURE("history.seq", "", U64, store.projected_seq, "last event projected"),
    FIGURE("history.rows", "", U64, store.history_rows, "written since start"),
    FIGURE("history.bytes", "bytes", U64, store.history_file_bytes, "file"),
    FIGURE("disk.free", "bytes", U64, store.disk_free_bytes, ""),
    FIGURE("store.memory", "bytes", U64, store.memory_bytes, "batches in memory"),
    FIGURE("store.reads-recent", "", U64, store.reads_recent, "events read from memory"),
    FIGURE("store.reads-cached", "", U64, store.reads_cached, "events read from the cache"),
    FIGURE("store.reads-disk", "", U64, store.reads_disk, "events read from disk"),
    FIGURE("net.connections", "", U32, net.connections, "now"),
    FIGURE("net.frames-in", "", U64, net.frames_in, ""),
    FIGURE("net.frames-out", "", U64, net.frames_out, ""),
    FIGURE("net.records-in", "", U64, net.records_in, ""),
    FIGURE("net.records-out", "", U64, net.records_out, ""),
    FIGURE("net.bytes-in", "bytes", U64, net.bytes_in, ""),
    FIGURE("net.bytes-out", "bytes", U64, net.bytes_out, ""),
    FIGURE("net.malformed", "", U64, net.malformed, "records or frames"),
    FIGURE("net.handshakes-refused", "", U64, net.handshakes_refused, "unknown or revoked keys"),
    FIGURE("net.dropped-slow", "", U64, net.dropped_slow, "connections that did not read"),
    FIGURE("net.dropped-silent", "", U64, net.dropped_silent, "connections without a heartbeat"),
    FIGURE("net.dropped-revoked", "", U64, net.dropped_revoked, "connections whose key ended"),
    FIGURE("net.refused-caps", "", U64, net.refused_caps, "connections over a cap"),
    FIGURE("shell.questions", "", F64, asks, "to the store, waiting"),
    FIGURE("shell.catching-up", "", F64, feeds, "watches that read older events"),
};

static double
memory_resident(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    unsigned long size = 0, resident = 0;
    if (file) {
        if (fscanf(file, "%lu %lu", &size, &resident) != 2) {
            resident = 0;
        }
        fclose(file);
    }
    return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static double
figure_value(const struct figures *figures, const struct figure *figure)
{
    const char *at = (const char *)figures + figure->offset;
    uint64_t u64;
    uint32_t u32;
    double f64;
    switch (figure->type) {
    case U64:
        memcpy(&u64, at, sizeof u64);
        return (double)u64;
    case U32:
        memcpy(&u32, at, sizeof u32);
        return u32;
    default:
        memcpy(&f64, at, sizeof f64);
        return f64;
    }
}

void
figures_answer(struct broker *broker, uint32_t conn, uint64_t re)
{
    struct figures figures = {
        .uptime_s = (double)(broker->now.utc_us - broker->started_utc_us) / 1e6,
        .memory_bytes = memory_resident(),
        .asks = broker->ask_count,
        .feeds = broker->feed_count,
    };
    core_stats(broker->core, &figures.core);
    store_stats(broker->store, &figures.store);
    net_stats(broker->net, &figures.net);
    const uint32_t count = sizeof table / sizeof *table;
    proto_buf_reset(&broker->rows);
    bool ok = proto_put_list(&broker->rows, count);
    for (uint32_t i = 0; ok && i < count; i++) {
        struct proto_stat row = {
            .name = proto_str_of(table[i].name),
            .value = figure_value(&figures, &table[i]),
            .unit = proto_str_of(table[i].unit),
            .help = proto_str_of(table[i].help),
            .has = PROTO_STAT_VALUE, /* zero is a figure too */
        };
        ok = proto_struct_encode(&broker->rows, PROTO_STRUCT_STAT, &row);
    }
    struct proto_record record;
    proto_record_init(&record, PROTO_PAGE);
    record.re = re;
    record.u.page.kind = PROTO_PAGE_KIND_STAT;
    record.u.page.rows = (struct proto_bin){broker->rows.p, (uint32_t)broker->rows.n};
    leave_record(broker, conn, &record);
}
