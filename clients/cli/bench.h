/*
 * `qiao bench`: how many requests go through a broker, and how long each takes.
 *
 * A producer process submits, a worker process performs, both through libqiao and real sockets; a lifecycle is counted
 * when its outcome is back at the producer. bench.c reads the options and prints, bench_run.c drives the two processes,
 * bench_figures.c measures, bench_noise.c makes bodies and results. The broker is somebody else's: deploy/bench starts one.
 */
#ifndef QIAO_CLI_BENCH_H
#define QIAO_CLI_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The command: argv[0] is its name. Returns an exit code of sysexits. */
int bench_main(int argc, char **argv);

/* ------------------------------------------------------------- bench_figures.c */

enum { BENCH_SUB_BITS = 6, BENCH_BUCKETS = (64 - BENCH_SUB_BITS) << BENCH_SUB_BITS };

/* Durations in buckets that are at most 1/64 of their value wide. */
struct bench_times {
    uint64_t count;
    uint64_t max_us;
    uint64_t buckets[BENCH_BUCKETS];
};

void bench_times_add(struct bench_times *times, int64_t us);
/* The duration that this share (0..1) of all stayed at or below. */
uint64_t bench_times_at(const struct bench_times *times, double share);

/* What the kernel knows of a process; zero for one that is not there. */
struct bench_usage {
    int64_t cpu_us;
    uint64_t rss_bytes;
    uint64_t rss_peak_bytes;
};

struct bench_usage bench_usage_of(long pid);
int64_t bench_now_us(void);

/* ------------------------------------------------------------- bench_noise.c */

enum { BENCH_PIECE_MAX = 65536 };

/* Bytes of chance, made once. What is taken from it one after the other does not overlap, so a journal that packs its batches gains nothing. */
struct bench_noise {
    uint8_t *bytes;
    uint32_t at;
};

/* Not 0: another seed, other bytes. False: no memory. */
bool bench_noise_init(struct bench_noise *noise, uint64_t seed);
void bench_noise_fini(struct bench_noise *noise);
/* The next n bytes, at most BENCH_PIECE_MAX; they live as long as the noise. */
const void *bench_noise_take(struct bench_noise *noise, uint32_t n);

/* ------------------------------------------------------------- bench_run.c */

struct bench_plan {
    const char *context;        /* requester's; NULL: the current one */
    const char *worker_context; /* NULL: the same */
    const char *service;
    uint32_t window;
    int64_t warmup_us;
    int64_t seconds_us; /* 0: count decides */
    uint64_t count;     /* 0: time decides */
    uint64_t queued;    /* not 0: accept so many with no worker, then drain them */
    bool drain_only;    /* the queued ones are there already */
    uint32_t body_bytes;
    uint32_t output_bytes;
    bool no_packing;
    bool no_worker; /* somebody else performs */
    long broker_pid;
};

/* Shared between the processes of one run. */
struct bench_result {
    char said[256]; /* what went wrong; empty: nothing */
    char put_off[128];       /* what the last retry-later said */
    int64_t elapsed_us;      /* of the measured part */
    uint64_t lifecycles;     /* outcomes in it */
    uint64_t failed;         /* outcomes other than completed */
    uint64_t put_off_count;  /* retry-later */
    uint64_t accepted;       /* --queued */
    int64_t accepting_us;
    uint64_t drained;
    int64_t draining_us;
    struct bench_usage broker_before, broker_after, broker_queued;
    int64_t broker_drain_cpu_us;
    int64_t producer_cpu_us, worker_cpu_us;
    uint64_t reconnects;
    char server[65];
    struct bench_times receipt_times; /* submit to receipt */
    struct bench_times outcome_times; /* submit to outcome */
};

/* Run the plan; false: result->said tells why not. `result` is shared memory from bench_result_new. */
bool bench_run(const struct bench_plan *plan, struct bench_result *result);
struct bench_result *bench_result_new(void);
void bench_result_free(struct bench_result *result);

#endif
