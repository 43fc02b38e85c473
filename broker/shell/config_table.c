/* The settings. One row each: where, what, bounds, default, help. Sections stay together. */
#include "shell/config_table.h"

#include <stddef.h>

#include "proto/codec.h"

#define SECOND UINT64_C(1000000)
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)
#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

#define AT(field) .offset = offsetof(struct config, field), .size = sizeof(((struct config *)0)->field)

static const char *const log_levels[] = {"error", "warning", "info", "debug", NULL};
static const char *const durabilities[] = {"full", "none", NULL};

const struct setting config_settings[] = {
    {"", "data_dir", SETTING_PATH, AT(data_dir), 1, 0, ".", NULL, "folder of journal, history and keys"},
    {"", "catalogue", SETTING_PATH, AT(catalogue), 1, 0, "catalogue", NULL,
     "service types: a file, or a folder of *.yaml"},
    {"", "shard", SETTING_COUNT, AT(shard), 0, 255, "0", NULL, "first byte of every request id; never change it"},
    {"", "log_level", SETTING_WORD, AT(log_level), 0, 0, "info", log_levels, "error, warning, info or debug"},

    {"network", "endpoints", SETTING_ENDPOINTS, AT(endpoints), 1, 0, "tcp://127.0.0.1:7420", NULL,
     "where to listen: tcp://ADDRESS:PORT (port 0: a free one) or ipc://PATH, at most 4"},
    {"network", "plain_text_party", SETTING_TEXT, AT(plain_text_party), 0, 0, "", NULL,
     "for trials on one machine: no encryption, and every peer is this party; only loopback and ipc"},
    {"network", "frame", SETTING_BYTES, AT(frame_bytes_max), 128 * KIB, 16 * MIB, "1MiB", NULL,
     "largest message from a peer"},
    {"network", "records_per_frame", SETTING_COUNT, AT(records_per_frame_max), 1, 65536, "4096", NULL,
     "records in one message"},
    {"network", "connections", SETTING_COUNT, AT(connections_max), 1, 65535, "4096", NULL, "connections in all"},
    {"network", "connections_per_key", SETTING_COUNT, AT(connections_per_key_max), 1, 65535, "256", NULL,
     "connections of one member's key"},
    {"network", "outbox", SETTING_BYTES, AT(outbox_bytes_max), 2 * MIB, 1 * GIB, "16MiB", NULL,
     "what may wait for one slow peer; beyond it that peer is dropped"},
    {"network", "outbox_records", SETTING_COUNT, AT(outbox_records_max), 1024, 16777216, "65536", NULL,
     "the same, in records"},
    {"network", "malformed", SETTING_COUNT, AT(malformed_max), 0, 10000, "16", NULL,
     "bad records of a connection before it is shut out"},
    {"network", "backlog", SETTING_COUNT, AT(backlog), 16, 65535, "1024", NULL, "connections that wait to be taken"},
    {"network", "heartbeat", SETTING_DURATION, AT(heartbeat_us), SECOND / 10, HOUR, "5s", NULL,
     "silence of three of them ends a connection"},
    {"network", "handshake", SETTING_DURATION, AT(handshake_us), SECOND / 2, 60 * SECOND, "5s", NULL,
     "time for a peer to prove its key"},
    {"network", "spin", SETTING_DURATION, AT(spin_us), 0, SECOND / 100, "150us", NULL,
     "while answers come quickly, look so long for the next before sleeping; 0: sleep at once"},

    {"limits", "body", SETTING_BYTES, AT(body_bytes_max), 0, PROTO_LIMIT_BODY_BYTES, "64KiB", NULL,
     "largest body of a request or outcome"},
    {"limits", "input", SETTING_BYTES, AT(input_bytes_max), 256, PROTO_LIMIT_INPUT_BYTES, "16KiB", NULL,
     "largest input or output map"},
    {"limits", "open_requests", SETTING_COUNT, AT(open_requests_max), 16, 16000000, "2_000_000", NULL,
     "requests that are not finished, all together"},
    {"limits", "open_requests_per_party", SETTING_COUNT, AT(open_requests_per_party_max), 1, 16000000, "2_000_000", NULL,
     "the same for one requester, unless it has its own quota"},
    {"limits", "finished_requests", SETTING_COUNT, AT(finished_requests_max), 16, 16000000, "4_000_000", NULL,
     "finished requests that wait in memory for history, about 140 bytes each"},
    {"limits", "parties", SETTING_COUNT, AT(parties_max), 1, 65535, "4096", NULL, "parties"},
    {"limits", "members", SETTING_COUNT, AT(members_max), 1, 1000000, "16384", NULL, "members' keys, old ones included"},
    {"limits", "offers", SETTING_COUNT, AT(offers_max), 1, 1000000, "16384", NULL, "offers of all connections"},
    {"limits", "offers_per_connection", SETTING_COUNT, AT(offers_per_connection_max), 1, 4096, "64", NULL,
     "offers of one connection"},
    {"limits", "groups", SETTING_COUNT, AT(groups_max), 16, 1000000, "4096", NULL,
     "distinct sets of demands among open requests"},
    {"limits", "flows", SETTING_COUNT, AT(flows_max), 16, 1000000, "65536", NULL, "pairs of such a set and a requester"},
    {"limits", "terms", SETTING_COUNT, AT(terms_max), 16, 65535, "4096", NULL,
     "versions of service types that open requests were accepted under"},
    {"limits", "watches", SETTING_COUNT, AT(watches_max), 1, 1000000, "4096", NULL, "watches of all connections"},
    {"limits", "watches_per_connection", SETTING_COUNT, AT(watches_per_connection_max), 1, 65535, "64", NULL,
     "watches of one connection"},
    {"limits", "keys", SETTING_COUNT, AT(keys_max), 1, 100000000, "2_000_000", NULL, "callers' keys that are kept"},
    {"limits", "keys_per_party", SETTING_COUNT, AT(keys_per_party_max), 1, 100000000, "1_000_000", NULL,
     "the same for one requester"},
    {"limits", "producers", SETTING_COUNT, AT(producers_max), 1, 65535, "256", NULL, "windows of automatic keys"},
    {"limits", "producers_per_party", SETTING_COUNT, AT(producers_per_party_max), 1, 4096, "16", NULL,
     "the same for one requester; the idlest gives way"},
    {"limits", "names", SETTING_BYTES, AT(names_bytes_max), 64 * KIB, 1 * GIB, "16MiB", NULL,
     "text of all names in memory"},
    {"limits", "key_retention", SETTING_DURATION, AT(key_retention_us), 60 * SECOND, 3650 * DAY, "7d", NULL,
     "how long a caller's key is remembered"},
    {"limits", "retry_after", SETTING_DURATION, AT(retry_after_us), SECOND / 1000, HOUR, "1s", NULL,
     "the hint in a retry-later"},

    {"store", "durability", SETTING_WORD, AT(durability), 0, 0, "full", durabilities,
     "full, or none for benchmarks only: none loses acknowledged requests when the machine fails"},
    {"store", "history_lag", SETTING_COUNT, AT(history_lag_max), 1024, 1000000000000, "20_000_000", NULL,
     "events that history may be behind; beyond it no new submissions"},
    {"store", "mark_distance", SETTING_COUNT, AT(mark_distance), 1024, 1000000000000, "1_000_000", NULL,
     "events that a restart may have to replay"},
    {"store", "keep_events", SETTING_COUNT, AT(keep_events), 0, 1000000000000000, "0", NULL,
     "journal events that are kept behind the mark; 0: all of them"},
    {"store", "disk_reserve", SETTING_BYTES, AT(disk_reserve_bytes), 0, 1024 * 1024 * GIB, "256MiB", NULL,
     "less free space than this: no new submissions"},
    {"store", "journal", SETTING_BYTES, AT(journal_bytes_max), 0, 1024 * 1024 * GIB, "0", NULL,
     "largest journal; 0: no limit but the disk"},
    {"store", "recent", SETTING_BYTES, AT(recent_bytes_max), 1 * MIB, 64 * GIB, "2MiB", NULL,
     "memory for batches just committed"},
    {"store", "read_cache", SETTING_BYTES, AT(read_cache_bytes), 1 * MIB, 64 * GIB, "4MiB", NULL,
     "memory for batches read back"},
    {"store", "wal", SETTING_BYTES, AT(wal_bytes_max), 1 * MIB, 64 * GIB, "8MiB", NULL,
     "size of the journal's log at which it is moved into the journal"},
};

const unsigned config_settings_count = sizeof config_settings / sizeof *config_settings;
