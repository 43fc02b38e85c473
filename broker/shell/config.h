/*
 * The configuration of qiaod: one YAML file, read at start, never changed while it runs.
 *
 * One table (config_settings) lists every setting with its name, bounds, default and help; the parser, the defaults,
 * `config_print` and the manual come from it. It knows no socket, store or core: the loop hands the values on.
 */
#ifndef SHELL_CONFIG_H
#define SHELL_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "shell/load_error.h"

#define CONFIG_FILE_NAME "qiaod.yaml"

enum {
    CONFIG_PATH_BYTES = 512,
    CONFIG_ENDPOINTS_MAX = 4,
    CONFIG_ENDPOINT_BYTES = 256,
    CONFIG_NAME_BYTES = 65,
};

enum config_durability {
    CONFIG_DURABILITY_FULL, /* every commit is synced before anything leaves */
    CONFIG_DURABILITY_NONE, /* for benchmarks only: a crash of the machine loses acknowledged requests */
};

enum config_log_level {
    CONFIG_LOG_ERROR,
    CONFIG_LOG_WARNING,
    CONFIG_LOG_INFO,
    CONFIG_LOG_DEBUG,
};

struct config {
    char data_dir[CONFIG_PATH_BYTES];  /* absolute, or relative to the working directory */
    char catalogue[CONFIG_PATH_BYTES]; /* a file, or a folder of *.yaml */
    uint32_t shard;                    /* 0..255, first byte of every id */
    uint32_t log_level;                /* enum config_log_level */

    /* network */
    char endpoints[CONFIG_ENDPOINTS_MAX][CONFIG_ENDPOINT_BYTES];
    uint32_t endpoint_count;
    char plain_text_party[CONFIG_NAME_BYTES]; /* not empty: no encryption, every peer is this party; loopback and ipc only */
    uint32_t frame_bytes_max;
    uint32_t records_per_frame_max;
    uint32_t connections_max;
    uint32_t connections_per_key_max;
    uint32_t outbox_bytes_max;
    uint32_t outbox_records_max;
    uint32_t malformed_max;
    uint32_t backlog;
    int64_t heartbeat_us;
    int64_t handshake_us;
    int64_t spin_us;

    /* limits: caps on every table; over one of them the answer is retry-later or quota */
    uint32_t body_bytes_max;
    uint32_t input_bytes_max;
    uint32_t open_requests_max;
    uint32_t open_requests_per_party_max; /* default quota of a requester */
    uint32_t finished_requests_max;       /* that history does not have yet */
    uint32_t parties_max;
    uint32_t members_max;
    uint32_t offers_max;
    uint32_t offers_per_connection_max;
    uint32_t groups_max; /* sets of waiting tasks with the same demands */
    uint32_t flows_max;  /* (group, requester) pairs that have open requests */
    uint32_t terms_max;  /* versions of service types that open requests were accepted under */
    uint32_t watches_max;
    uint32_t watches_per_connection_max;
    uint32_t keys_max; /* callers' own keys that are kept */
    uint32_t keys_per_party_max;
    uint32_t producers_max; /* windows of automatic keys */
    uint32_t producers_per_party_max;
    uint32_t names_bytes_max;
    int64_t key_retention_us;
    int64_t retry_after_us; /* the hint in a retry-later */

    /* store */
    uint32_t durability; /* enum config_durability */
    uint64_t history_lag_max; /* events that history may be behind; beyond it no new submissions */
    uint64_t mark_distance;   /* events that a restart may have to replay before the mark is moved on */
    uint64_t keep_events;     /* journal events kept behind the mark; 0: all of them */
    uint64_t disk_reserve_bytes; /* less free than this: no new submissions */
    uint64_t journal_bytes_max;  /* 0: no limit */
    uint64_t recent_bytes_max;   /* batches just committed, kept in memory */
    uint64_t read_cache_bytes;   /* batches read back */
    uint64_t wal_bytes_max;
};

/* Every default, as config_load starts from. */
void config_init(struct config *config);

/*
 * Read and check a file. Relative paths inside are taken from the file's own folder. On false *out_config is untouched and
 * *out_error names file, line and field.
 */
bool config_load(const char *path, struct config *out_config, struct load_error *out_error);

/*
 * As YAML that config_load reads back, for `qiaod init` and `qiaod check`: every setting with its help; those that have
 * their default are commented out, a section without others too, so that one can be added below.
 */
void config_print(const struct config *config, FILE *out);

#endif
