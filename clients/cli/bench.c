/* `qiao bench`: options and output. See bench.h. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <qiao/qiao.h>

#include "bench.h"

enum { EXIT_CODE_USAGE = 64, EXIT_CODE_FAILED = 69, WINDOW_MAX = 65536 };

static const char HELP[] =
    "usage: qiao bench [options]\n"
    "\n"
    "A producer process submits requests, a worker process completes them; both use a context that may do so.\n"
    "\n"
    "  --context NAME         of the requester (default: the current one)\n"
    "  --worker-context NAME  of the performer (default: the same)\n"
    "  --service S            what is asked for (default bench.echo)\n"
    "  --window N             requests under way at once (default 2048)\n"
    "  --seconds N            measure for so long (default 10), after --warmup seconds (default 1)\n"
    "  --count N              instead: measure so many requests\n"
    "  --latency              the same as --window 1\n"
    "  --queued N             accept N requests with no worker, then drain them\n"
    "  --drain N              only drain N requests that are queued already\n"
    "  --body N  --output N   bytes of request and result (default 256 and 64): noise, which nothing packs\n"
    "  --no-packing           one record per frame from this side\n"
    "  --no-worker            somebody else performs\n"
    "  --broker-pid PID       also show the broker's processor time and memory\n"
    "  --data-dir DIR         take the pid from DIR/pid\n"
    "  --durability TEXT      printed as given: what the broker does before it answers\n"
    "  --json                 one object\n";

struct settings {
    struct bench_plan plan;
    const char *durability;
    bool json;
};

enum option_code { OPT_CONTEXT = 256, OPT_WORKER_CONTEXT, OPT_SERVICE, OPT_WINDOW, OPT_SECONDS, OPT_WARMUP, OPT_COUNT,
                   OPT_LATENCY, OPT_QUEUED, OPT_DRAIN, OPT_BODY, OPT_OUTPUT, OPT_NO_PACKING, OPT_NO_WORKER, OPT_BROKER_PID,
                   OPT_DATA_DIR, OPT_DURABILITY, OPT_JSON, OPT_HELP };

static const struct option OPTIONS[] = {
    {"context", required_argument, NULL, OPT_CONTEXT},
    {"worker-context", required_argument, NULL, OPT_WORKER_CONTEXT},
    {"service", required_argument, NULL, OPT_SERVICE},
    {"window", required_argument, NULL, OPT_WINDOW},
    {"seconds", required_argument, NULL, OPT_SECONDS},
    {"warmup", required_argument, NULL, OPT_WARMUP},
    {"count", required_argument, NULL, OPT_COUNT},
    {"latency", no_argument, NULL, OPT_LATENCY},
    {"queued", required_argument, NULL, OPT_QUEUED},
    {"drain", required_argument, NULL, OPT_DRAIN},
    {"body", required_argument, NULL, OPT_BODY},
    {"output", required_argument, NULL, OPT_OUTPUT},
    {"no-packing", no_argument, NULL, OPT_NO_PACKING},
    {"no-worker", no_argument, NULL, OPT_NO_WORKER},
    {"broker-pid", required_argument, NULL, OPT_BROKER_PID},
    {"data-dir", required_argument, NULL, OPT_DATA_DIR},
    {"durability", required_argument, NULL, OPT_DURABILITY},
    {"json", no_argument, NULL, OPT_JSON},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

static bool
number_take(const char *name, const char *text, uint64_t least, uint64_t most, uint64_t *out)
{
    unsigned long long value;
    char *end;

    errno = 0;
    value = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || text[0] == '-' || value < least || value > most) {
        fprintf(stderr, "qiao bench: --%s wants a number from %" PRIu64 " to %" PRIu64 ", not %s\n", name, least, most, text);
        return false;
    }
    *out = value;
    return true;
}

static bool
pid_take(const char *directory, long *out_pid)
{
    char path[512];
    FILE *file;
    int got;

    snprintf(path, sizeof path, "%s/pid", directory);
    file = fopen(path, "re");
    if (!file) {
        fprintf(stderr, "qiao bench: %s: %s\n", path, strerror(errno));
        return false;
    }
    got = fscanf(file, "%ld", out_pid);
    fclose(file);
    if (got != 1) {
        fprintf(stderr, "qiao bench: %s holds no process id\n", path);
    }
    return got == 1;
}

/* The options that are numbers. */
static bool
number_option(struct bench_plan *plan, int code, const char *text)
{
    uint64_t value = 0;
    bool good = true;

    switch (code) {
    case OPT_WINDOW:
        good = number_take("window", text, 1, WINDOW_MAX, &value);
        plan->window = (uint32_t)value;
        break;
    case OPT_SECONDS:
        good = number_take("seconds", text, 1, 86400, &value);
        plan->seconds_us = QIAO_SECONDS(value);
        break;
    case OPT_WARMUP:
        good = number_take("warmup", text, 0, 3600, &value);
        plan->warmup_us = QIAO_SECONDS(value);
        break;
    case OPT_COUNT:
        good = number_take("count", text, 1, UINT64_MAX, &plan->count);
        break;
    case OPT_QUEUED:
        good = number_take("queued", text, 1, UINT64_MAX, &plan->queued);
        break;
    case OPT_DRAIN:
        plan->drain_only = true;
        good = number_take("drain", text, 1, UINT64_MAX, &plan->queued);
        break;
    case OPT_BODY:
        good = number_take("body", text, 0, BENCH_PIECE_MAX, &value);
        plan->body_bytes = (uint32_t)value;
        break;
    case OPT_OUTPUT:
        good = number_take("output", text, 0, BENCH_PIECE_MAX, &value);
        plan->output_bytes = (uint32_t)value;
        break;
    case OPT_BROKER_PID:
        good = number_take("broker-pid", text, 1, INT32_MAX, &value);
        plan->broker_pid = (long)value;
        break;
    default:
        good = false;
    }
    return good;
}

static bool
option_take(struct settings *settings, int code)
{
    struct bench_plan *plan = &settings->plan;

    switch (code) {
    case OPT_CONTEXT:
        plan->context = optarg;
        return true;
    case OPT_WORKER_CONTEXT:
        plan->worker_context = optarg;
        return true;
    case OPT_SERVICE:
        plan->service = optarg;
        return true;
    case OPT_LATENCY:
        plan->window = 1;
        return true;
    case OPT_NO_PACKING:
        plan->no_packing = true;
        return true;
    case OPT_NO_WORKER:
        plan->no_worker = true;
        return true;
    case OPT_DATA_DIR:
        return pid_take(optarg, &plan->broker_pid);
    case OPT_DURABILITY:
        settings->durability = optarg;
        return true;
    case OPT_JSON:
        settings->json = true;
        return true;
    default:
        return optarg && number_option(plan, code, optarg);
    }
}

/* ------------------------------------------------------------- output */

static double
per_second(uint64_t count, int64_t us)
{
    return us > 0 ? (double)count * 1e6 / (double)us : 0;
}

static const double SHARES[] = {0.5, 0.9, 0.99, 0.999};
static const char *const SHARE_NAMES[] = {"p50", "p90", "p99", "p99.9"};
enum { SHARE_COUNT = 4 };

static void
times_print(const char *name, const struct bench_times *times)
{
    printf("%-12s", name);
    for (int at = 0; at < SHARE_COUNT; at++) {
        printf(" %s %.3f ms ", SHARE_NAMES[at], (double)bench_times_at(times, SHARES[at]) / 1e3);
    }
    printf(" max %.3f ms\n", (double)times->max_us / 1e3);
}

static void
times_json(const char *name, const struct bench_times *times)
{
    printf(",\"%s\":{", name);
    for (int at = 0; at < SHARE_COUNT; at++) {
        printf("\"%s\":%" PRIu64 ",", SHARE_NAMES[at], bench_times_at(times, SHARES[at]));
    }
    printf("\"max\":%" PRIu64 "}", times->max_us);
}

static double
mib(uint64_t bytes)
{
    return (double)bytes / 1048576;
}

/* The broker's processor time, in part of one processor and per request. */
static void
broker_print(const struct bench_plan *plan, int64_t cpu_us, int64_t elapsed_us, uint64_t count)
{
    if (plan->broker_pid > 0 && elapsed_us > 0 && count > 0) {
        printf("broker       %.0f %% of a processor, %.2f µs per request\n", (double)cpu_us * 100 / (double)elapsed_us,
               (double)cpu_us / (double)count);
    }
}

static void
queued_print(const struct bench_plan *plan, const struct bench_result *result)
{
    if (!plan->drain_only) {
        printf("accepted     %" PRIu64 " in %.2f s: %.0f/s\n", result->accepted, (double)result->accepting_us / 1e6,
               per_second(result->accepted, result->accepting_us));
        broker_print(plan, result->broker_after.cpu_us - result->broker_before.cpu_us, result->accepting_us,
                     result->accepted);
        times_print("receipt", &result->receipt_times);
        if (plan->broker_pid > 0) {
            printf("memory       %.1f MiB before, %.1f MiB with all of them queued\n",
                   mib(result->broker_before.rss_bytes), mib(result->broker_queued.rss_bytes));
        }
    }
    if (!plan->no_worker) {
        printf("drained      %" PRIu64 " in %.2f s: %.0f/s\n", result->drained, (double)result->draining_us / 1e6,
               per_second(result->drained, result->draining_us));
        broker_print(plan, result->broker_drain_cpu_us, result->draining_us, result->drained);
    }
}

static void
result_print(const struct settings *settings, const struct bench_result *result)
{
    const struct bench_plan *plan = &settings->plan;

    printf("broker       %s\n", result->server);
    printf("durability   %s\n", settings->durability);
    printf("window       %u, packing %s, body %u B and output %u B of noise, service %s\n", plan->window,
           plan->no_packing ? "off" : "on", plan->body_bytes, plan->output_bytes, plan->service);
    if (plan->queued > 0) {
        queued_print(plan, result);
    } else {
        printf("lifecycles   %" PRIu64 " in %.2f s: %.0f/s\n", result->lifecycles, (double)result->elapsed_us / 1e6,
               per_second(result->lifecycles, result->elapsed_us));
        times_print("outcome", &result->outcome_times);
        times_print("receipt", &result->receipt_times);
        broker_print(plan, result->broker_after.cpu_us - result->broker_before.cpu_us, result->elapsed_us,
                     result->lifecycles);
        if (plan->broker_pid > 0) {
            printf("memory       %.1f MiB, peak %.1f MiB\n", mib(result->broker_after.rss_bytes),
                   mib(result->broker_after.rss_peak_bytes));
        }
    }
    printf("processors   producer %.2f s, worker %.2f s\n", (double)result->producer_cpu_us / 1e6,
           (double)result->worker_cpu_us / 1e6);
    if (result->failed > 0 || result->put_off_count > 0 || result->reconnects > 0) {
        printf("not well     %" PRIu64 " failed, %" PRIu64 " put off, %" PRIu64 " reconnects %s\n", result->failed,
               result->put_off_count, result->reconnects, result->put_off);
    }
}

static void
result_json(const struct settings *settings, const struct bench_result *result)
{
    const struct bench_plan *plan = &settings->plan;
    int64_t cpu_us = result->broker_after.cpu_us - result->broker_before.cpu_us;

    printf("{\"broker\":\"%s\",\"durability\":\"%s\",\"window\":%u,\"packing\":%s,\"body_bytes\":%u,\"output_bytes\":%u,"
           "\"service\":\"%s\"", result->server, settings->durability, plan->window, plan->no_packing ? "false" : "true",
           plan->body_bytes, plan->output_bytes, plan->service);
    if (plan->queued > 0) {
        printf(",\"accepted\":%" PRIu64 ",\"accepted_per_s\":%.0f", result->accepted,
               per_second(result->accepted, result->accepting_us));
        printf(",\"drained\":%" PRIu64 ",\"drained_per_s\":%.0f", result->drained,
               per_second(result->drained, result->draining_us));
        printf(",\"broker_rss_queued_bytes\":%" PRIu64 ",\"broker_drain_cpu_us\":%" PRId64,
               result->broker_queued.rss_bytes, result->broker_drain_cpu_us);
    } else {
        printf(",\"lifecycles\":%" PRIu64 ",\"lifecycles_per_s\":%.0f", result->lifecycles,
               per_second(result->lifecycles, result->elapsed_us));
        times_json("outcome_us", &result->outcome_times);
    }
    times_json("receipt_us", &result->receipt_times);
    printf(",\"elapsed_us\":%" PRId64 ",\"broker_cpu_us\":%" PRId64 ",\"broker_rss_before_bytes\":%" PRIu64
           ",\"broker_rss_bytes\":%" PRIu64 ",\"broker_rss_peak_bytes\":%" PRIu64, result->elapsed_us, cpu_us,
           result->broker_before.rss_bytes, result->broker_after.rss_bytes, result->broker_after.rss_peak_bytes);
    printf(",\"producer_cpu_us\":%" PRId64 ",\"worker_cpu_us\":%" PRId64 ",\"failed\":%" PRIu64 ",\"put_off\":%" PRIu64 ",\"reconnects\":%" PRIu64
           "}\n", result->producer_cpu_us, result->worker_cpu_us, result->failed, result->put_off_count,
           result->reconnects);
}

int
bench_main(int argc, char **argv)
{
    struct settings settings = {.plan = {.service = "bench.echo", .window = 2048, .warmup_us = QIAO_SECONDS(1),
                                         .seconds_us = QIAO_SECONDS(10), .body_bytes = 256, .output_bytes = 64},
                                .durability = "as the broker is configured"};
    struct bench_result *result;
    int code;
    bool good;

    optind = 1;
    while ((code = getopt_long(argc, argv, "h", OPTIONS, NULL)) >= 0) {
        if (code == OPT_HELP || code == 'h') {
            fputs(HELP, stdout);
            return 0;
        }
        if (code == '?' || !option_take(&settings, code)) {
            fputs("qiao bench --help tells the options\n", stderr);
            return EXIT_CODE_USAGE;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "qiao bench: %s is one word too many\n", argv[optind]);
        return EXIT_CODE_USAGE;
    }
    result = bench_result_new();
    if (!result) {
        fprintf(stderr, "qiao bench: %s\n", strerror(errno));
        return EXIT_CODE_FAILED;
    }
    fflush(NULL);
    good = bench_run(&settings.plan, result);
    if (good) {
        (settings.json ? result_json : result_print)(&settings, result);
    } else {
        fprintf(stderr, "qiao bench: %s\n", result->said[0] ? result->said : "a process of it ended early");
    }
    bench_result_free(result);
    return good ? 0 : EXIT_CODE_FAILED;
}
