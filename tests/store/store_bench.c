/*
 * How fast the store is on this machine; a program, not a test.
 *
 *     store_bench [--requests N] [--window REQUESTS] [--queued N] [--page BYTES] [--wal MIB] [--no-history] [--unsynced]
 *                 [--memory]
 *
 * Prints: a single small commit; lifecycles a second appended and committed in full batches (accepted with 256 B body,
 * assigned, completed with 64 B body); history rows and its lag at the end; a restart that replays everything. With
 * --queued instead: so many accepted and left open, restarts before and after the mark has passed them, and their end.
 */
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "helper.h"

static double
clock_s(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void
die(const struct store_error *error)
{
    fprintf(stderr, "store_bench: %s: %s\n", store_status_text(error->status), error->text);
    exit(1);
}

struct counted {
    uint64_t events, requests;
};

static int
count_event(void *context, enum store_origin origin, uint64_t seq, const uint8_t *p, uint32_t n)
{
    struct counted *counted = context;
    struct proto_event event;
    struct proto_error error;
    size_t used;

    if (!proto_event_decode(p, n, &used, &event, &error)) {
        return 1;
    }
    counted->events++;
    counted->requests += event.prev == 0;
    return 0;
}

static struct store *
open_timed(const char *dir, const struct store_options *options)
{
    struct store *store = NULL;
    struct store_error error;
    struct counted counted = {0};
    double start = clock_s(CLOCK_MONOTONIC), seconds;

    if (store_open(dir, options, &store, &error) != STORE_OK ||
        store_replay(store, count_event, &counted, &error) != STORE_OK) {
        die(&error);
    }
    seconds = clock_s(CLOCK_MONOTONIC) - start;
    if (counted.events > 0) {
        printf("open and replay      %.0f events in %.3f s: %.0f events/s\n", (double)counted.events, seconds,
               (double)counted.events / seconds);
    }
    return store;
}

static void
commit_small(struct store *store, uint32_t count)
{
    struct store_stats before, after;
    double start = clock_s(CLOCK_MONOTONIC), cpu = clock_s(CLOCK_PROCESS_CPUTIME_ID);

    store_stats(store, &before);
    for (uint32_t i = 0; i < count; i++) {
        struct helper_request request = helper_request_of(i);
        struct store_error error;
        helper_append(store, PROTO_EV_ACCEPTED, &request, PROTO_STATUS_READY, 1, 256);
        if (store_commit_wait(store, &error) != STORE_OK) {
            die(&error);
        }
    }
    store_stats(store, &after);
    printf("commit of one event  %.0f us with hand-over, %.0f us in the committer, %.0f us CPU\n",
           (clock_s(CLOCK_MONOTONIC) - start) / count * 1e6,
           (double)(after.commit_us_total - before.commit_us_total) / count,
           (clock_s(CLOCK_PROCESS_CPUTIME_ID) - cpu) / count * 1e6);
}

/* Wait for the commit under way when the batch is full; otherwise only look. */
static void
commit_pump(struct store *store)
{
    struct store_error error;
    uint64_t durable;

    store_commit_begin(store);
    while (store_batch_full(store)) {
        struct pollfd poll_fd = {.fd = store_fd(store), .events = POLLIN};
        poll(&poll_fd, 1, 1000);
        if (store_commit_end(store, &durable, &error) != STORE_OK) {
            die(&error);
        }
        store_commit_begin(store);
    }
}

static void
mark_pass(struct store *store, const struct store_options *options)
{
    double start = clock_s(CLOCK_MONOTONIC), cpu = clock_s(CLOCK_PROCESS_CPUTIME_ID);
    struct store_stats stats;
    struct store_error error;
    uint64_t durable, first;

    if (options->history) {
        helper_projected(store);
    }
    store_stats(store, &stats);
    first = stats.mark_seq;
    store_mark_advance(store, "", 0, store_last_seq(store));
    do {
        struct pollfd poll_fd = {.fd = store_fd(store), .events = POLLIN};
        poll(&poll_fd, 1, 20);
        if (store_commit_end(store, &durable, &error) != STORE_OK) {
            die(&error);
        }
        store_stats(store, &stats);
    } while (stats.compacting);
    printf("mark                 passed %.0f events in %.2f s, %.2f us CPU each; journal %.0f MiB\n",
           (double)(stats.mark_seq - first), clock_s(CLOCK_MONOTONIC) - start,
           (clock_s(CLOCK_PROCESS_CPUTIME_ID) - cpu) / (double)(stats.mark_seq - first) * 1e6,
           (double)stats.journal_file_bytes / 1048576);
}

static void
run_lifecycles(struct store *store, const struct store_options *options, uint32_t count, uint32_t window)
{
    struct helper_request *open = calloc(window, sizeof(*open));
    struct store_error error;
    struct store_stats stats, before;
    double start = clock_s(CLOCK_MONOTONIC), cpu = clock_s(CLOCK_PROCESS_CPUTIME_ID), seconds;
    uint64_t projected = 0;

    store_stats(store, &before);
    for (uint32_t i = 0; i < count + window; i++) {
        struct helper_request *slot = &open[i % window];
        if (i >= window) {
            helper_append(store, PROTO_EV_COMPLETED, slot, PROTO_STATUS_COMPLETED, 1000 + i, 64);
        }
        if (i < count) {
            *slot = helper_request_of(1000 + i);
            helper_append(store, PROTO_EV_ACCEPTED, slot, PROTO_STATUS_READY, 1000 + i, 256);
            helper_append(store, PROTO_EV_ASSIGNED, slot, PROTO_STATUS_IN_PROGRESS, 1000 + i, 0);
        }
        commit_pump(store);
    }
    if (store_commit_wait(store, &error) != STORE_OK) {
        die(&error);
    }
    seconds = clock_s(CLOCK_MONOTONIC) - start;
    store_stats(store, &stats);
    store_projected(store, &projected);
    printf("lifecycles           %u in %.2f s: %.0f/s; %.0f events/s, %.2f us CPU each (all threads)\n", count, seconds,
           count / seconds, 3 * count / seconds, (clock_s(CLOCK_PROCESS_CPUTIME_ID) - cpu) / count * 1e6);
    printf("  batches            %.0f of %.0f events, %.0f KiB, %.0f us each, longest %.0f us; moved the log %.0f times,"
           " longest %.0f us\n",
           (double)(stats.batches - before.batches), 3.0 * count / (double)(stats.batches - before.batches),
           (double)(stats.journal_bytes_total - before.journal_bytes_total) / 1024 /
               (double)(stats.batches - before.batches),
           (double)(stats.commit_us_total - before.commit_us_total) / (double)(stats.batches - before.batches),
           (double)stats.commit_us_max, (double)stats.checkpoints, (double)stats.checkpoint_us_max);
    printf("  history            %.0f rows behind at the end\n", (double)(stats.durable_seq - projected) / 3);
    if (options->history && stats.projected_seq < stats.durable_seq) {
        uint64_t rows = stats.history_rows;
        start = clock_s(CLOCK_MONOTONIC);
        cpu = clock_s(CLOCK_PROCESS_CPUTIME_ID);
        helper_projected(store);
        seconds = clock_s(CLOCK_MONOTONIC) - start;
        store_stats(store, &stats);
        rows = stats.history_rows - rows;
        printf("  history alone      %.0f rows in %.2f s: %.0f/s, %.2f us CPU each; batches read back %.0f\n",
               (double)rows, seconds, (double)rows / seconds,
               (clock_s(CLOCK_PROCESS_CPUTIME_ID) - cpu) / (double)rows * 1e6, (double)stats.history_batches_read);
    }
    printf("  files              journal %.0f MiB, log %.0f MiB, history %.0f MiB\n",
           (double)stats.journal_file_bytes / 1048576, (double)stats.journal_log_bytes / 1048576,
           (double)stats.history_file_bytes / 1048576);
    mark_pass(store, options);
    free(open);
}

/* Each accepted event is read back, as for its assignment; then it is assigned and completed. */
static void
run_drain(struct store *store, uint32_t count)
{
    double start = clock_s(CLOCK_MONOTONIC), cpu = clock_s(CLOCK_PROCESS_CPUTIME_ID), seconds;
    struct store_stats stats;
    struct store_error error;

    for (uint32_t i = 0; i < count; i++) {
        struct helper_request request = helper_request_of(i);
        const uint8_t *p;
        uint32_t n;
        request.prev = i + 1;
        if (store_read(store, request.prev, &p, &n, &error) != STORE_OK) {
            die(&error);
        }
        helper_append(store, PROTO_EV_ASSIGNED, &request, PROTO_STATUS_IN_PROGRESS, 1000 + i, 0);
        helper_append(store, PROTO_EV_COMPLETED, &request, PROTO_STATUS_COMPLETED, 1000 + i, 64);
        commit_pump(store);
    }
    store_commit_wait(store, &error);
    seconds = clock_s(CLOCK_MONOTONIC) - start;
    store_stats(store, &stats);
    printf("drained              %u in %.2f s: %.0f/s, %.2f us CPU each; batches read back %.0f\n", count, seconds,
           count / seconds, (clock_s(CLOCK_PROCESS_CPUTIME_ID) - cpu) / count * 1e6, (double)stats.reads_disk);
    start = clock_s(CLOCK_MONOTONIC);
    helper_projected(store);
    printf("  history            %.2f s behind\n", clock_s(CLOCK_MONOTONIC) - start);
}

static struct store *
restart(struct store *store, const char *dir, const struct store_options *options)
{
    struct store_error error;

    store_close(&store, 0, &error);
    return open_timed(dir, options);
}

static void
memory_print(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    printf("memory               %ld MiB at most\n", usage.ru_maxrss / 1024);
}

static struct store *
run_queued(struct store *store, const char *dir, const struct store_options *options, uint32_t count)
{
    double start = clock_s(CLOCK_MONOTONIC), cpu = clock_s(CLOCK_PROCESS_CPUTIME_ID), seconds;
    struct store_error error;

    for (uint32_t i = 0; i < count; i++) {
        struct helper_request request = helper_request_of(i);
        helper_append(store, PROTO_EV_ACCEPTED, &request, PROTO_STATUS_READY, 1000 + i, 256);
        commit_pump(store);
    }
    store_commit_wait(store, &error);
    seconds = clock_s(CLOCK_MONOTONIC) - start;
    printf("queued               %u in %.2f s: %.0f/s, %.2f us CPU each\n", count, seconds, count / seconds,
           (clock_s(CLOCK_PROCESS_CPUTIME_ID) - cpu) / count * 1e6);
    memory_print();
    store = restart(store, dir, options);
    mark_pass(store, options);
    store = restart(store, dir, options);
    run_drain(store, count);
    mark_pass(store, options);
    store = restart(store, dir, options);
    memory_print();
    return store;
}

int
main(int argc, char **argv)
{
    static const struct option names[] = {
        {"requests", required_argument, NULL, 'r'}, {"window", required_argument, NULL, 'w'},
        {"queued", required_argument, NULL, 'q'},
        {"page", required_argument, NULL, 'p'},     {"wal", required_argument, NULL, 'l'},
        {"no-history", no_argument, NULL, 'h'},     {"unsynced", no_argument, NULL, 'u'},
        {"memory", no_argument, NULL, 'm'},         {NULL, 0, NULL, 0},
    };
    struct store_options options;
    uint32_t requests = 300000, window = 2048, queued = 0;
    char *dir = helper_dir_make();
    struct store_error error;
    struct store *store;
    int c;

    store_options_default(&options);
    while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
        switch (c) {
        case 'r': requests = (uint32_t)atoi(optarg); break;
        case 'w': window = (uint32_t)atoi(optarg); break;
        case 'q': queued = (uint32_t)atoi(optarg); break;
        case 'p': options.page_bytes = (uint32_t)atoi(optarg); break;
        case 'l': options.wal_bytes_max = (uint64_t)atoi(optarg) << 20; break;
        case 'h': options.history = false; break;
        case 'u': options.durability = STORE_UNSYNCED; break;
        case 'm': options.engine = STORE_ENGINE_MEMORY; break;
        default: return 64;
        }
    }
    store = open_timed(dir, &options);
    if (queued > 0) {
        store = run_queued(store, dir, &options, queued);
    } else {
        commit_small(store, 500);
        run_lifecycles(store, &options, requests, window);
        store = restart(store, dir, &options);
    }
    store_close(&store, 0, &error);
    helper_dir_remove(&dir);
    return 0;
}
