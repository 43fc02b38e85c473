/* What bench measures with: a histogram of durations, and the kernel's account of a process. See bench.h. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

enum { SUB = 1 << BENCH_SUB_BITS };

int64_t
bench_now_us(void)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    return (int64_t)at.tv_sec * 1000000 + at.tv_nsec / 1000;
}

/* Below 64 each value has its bucket; above, each doubling has 64. */
static uint32_t
bucket_of(uint64_t us)
{
    uint32_t shift;

    if (us < SUB) {
        return (uint32_t)us;
    }
    shift = 63 - (uint32_t)__builtin_clzll(us) - BENCH_SUB_BITS;
    return ((shift + 1) << BENCH_SUB_BITS) + (uint32_t)(us >> shift) - SUB;
}

static uint64_t
bucket_value(uint32_t bucket)
{
    uint32_t shift = bucket >> BENCH_SUB_BITS;

    return shift == 0 ? bucket : (uint64_t)((bucket & (SUB - 1)) + SUB) << (shift - 1);
}

void
bench_times_add(struct bench_times *times, int64_t us)
{
    uint64_t value = us > 0 ? (uint64_t)us : 0;

    times->count++;
    times->buckets[bucket_of(value)]++;
    if (value > times->max_us) {
        times->max_us = value;
    }
}

uint64_t
bench_times_at(const struct bench_times *times, double share)
{
    uint64_t wanted = (uint64_t)(share * (double)times->count), seen = 0;

    for (uint32_t bucket = 0; bucket < BENCH_BUCKETS; bucket++) {
        seen += times->buckets[bucket];
        if (seen > wanted) {
            return bucket_value(bucket);
        }
    }
    return times->max_us;
}

static uint64_t
status_kib(const char *text, const char *name)
{
    const char *line = strstr(text, name);
    unsigned long long kib = 0;

    return line && sscanf(line + strlen(name), ": %llu", &kib) == 1 ? kib * 1024 : 0;
}

static bool
proc_read(long pid, const char *name, char *out, size_t size)
{
    char path[64];
    size_t n;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%ld/%s", pid, name);
    file = fopen(path, "re");
    if (!file) {
        return false;
    }
    n = fread(out, 1, size - 1, file);
    out[n] = '\0';
    fclose(file);
    return n > 0;
}

struct bench_usage
bench_usage_of(long pid)
{
    struct bench_usage usage = {0};
    unsigned long long user = 0, kernel = 0;
    char text[4096], *behind;

    if (pid <= 0) {
        return usage;
    }
    /* The program's name may hold blanks and brackets: count from the last one. Fields 14 and 15 are ticks. */
    if (proc_read(pid, "stat", text, sizeof text) && (behind = strrchr(text, ')')) &&
        sscanf(behind + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &kernel) == 2) {
        usage.cpu_us = (int64_t)((user + kernel) * 1000000 / (unsigned long long)sysconf(_SC_CLK_TCK));
    }
    if (proc_read(pid, "status", text, sizeof text)) {
        usage.rss_bytes = status_kib(text, "VmRSS");
        usage.rss_peak_bytes = status_kib(text, "VmHWM");
    }
    return usage;
}
