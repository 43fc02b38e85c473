/*
 * sim: simulated worlds, one per seed.
 *
 *     sim --seed 7 --steps 20000 --trace      one world, step by step
 *     sim --seed 1 --seeds 500 --steps 20000  five hundred of them
 *     sim --seed 7 --steps 900 --set loss=0   the same with an option that is not drawn (tests/sim/shrink finds those)
 *     sim --seconds 20                        as many as fit (the test; prints TAP)
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "sim.h"

struct arguments {
    uint64_t seed, seeds, steps;
    double seconds;
    bool trace, tap;
    const char *set;
};

static volatile uint64_t current_seed, current_steps;

/* An assertion of the core: say which world it was. */
static void
on_abort(int number)
{
    char line[160];
    int n = snprintf(line, sizeof line, "VIOLATION assert seed=%" PRIu64 " (signal %d) | replay: sim --seed %" PRIu64 " --steps %" PRIu64 " --trace\n",
                     current_seed, number, current_seed, current_steps);
    fflush(stdout);
    (void)!write(STDOUT_FILENO, line, (size_t)n);
    _exit(99);
}

static bool
arguments_read(int argc, char **argv, struct arguments *arguments)
{
    *arguments = (struct arguments){.seed = 1, .seeds = 1, .steps = 20000};
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(name, "--trace") == 0) {
            arguments->trace = true;
            continue;
        }
        if (strcmp(name, "--seed") == 0) {
            arguments->seed = strtoull(value, NULL, 10);
        } else if (strcmp(name, "--seeds") == 0) {
            arguments->seeds = strtoull(value, NULL, 10);
        } else if (strcmp(name, "--steps") == 0) {
            arguments->steps = strtoull(value, NULL, 10);
        } else if (strcmp(name, "--seconds") == 0) {
            arguments->seconds = strtod(value, NULL);
            arguments->tap = true;
        } else if (strcmp(name, "--set") == 0) {
            struct options none;
            arguments->set = value;
            if (!options_set(&none, value)) {
                return false;
            }
        } else {
            return false;
        }
        i++;
    }
    return true;
}

static double
now_s(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void
counts_print(const struct counts *counts, double took_s)
{
    printf("# seeds=%" PRIu64 " steps=%" PRIu64 " events=%" PRIu64 " records=%" PRIu64 " told=%" PRIu64 " accepted=%" PRIu64 " assigned=%" PRIu64
           " finished=%" PRIu64 " enrolled=%" PRIu64 " digests=%" PRIu64 " fair=%" PRIu64 " full=%" PRIu64 "\n# faults",
           counts->worlds, counts->steps, counts->events, counts->records, counts->told, counts->accepted, counts->assigned, counts->finished,
           counts->enrolled, counts->digests, counts->fair, counts->full);
    for (unsigned i = 0; i < FAULTS; i++) {
        printf(" %s=%" PRIu64, fault_names[i], counts->faults[i]);
    }
    printf("\n# events");
    for (unsigned i = 1; i < 64; i++) {
        if (counts->kinds[i] > 0) {
            printf(" %s=%" PRIu64, proto_ev_desc((enum proto_ev)i)->name, counts->kinds[i]);
        }
    }
    printf("\n# answers receipt=%" PRIu64, counts->answers[0]);
    for (unsigned i = 1; i < 16; i++) {
        if (counts->answers[i] > 0) {
            printf(" %s=%" PRIu64, proto_enum_name(PROTO_ENUM_REFUSAL_CODE, i), counts->answers[i]);
        }
    }
    printf("\n# violations=%" PRIu64 " steps_per_s=%.0f\n", counts->violations,
           (double)counts->steps / (took_s > 0 ? took_s : 1));
}

int
main(int argc, char **argv)
{
    struct arguments arguments;
    struct counts counts = {0};
    if (!arguments_read(argc, argv, &arguments)) {
        fprintf(stderr, "usage: sim [--seed N] [--seeds N] [--steps N] [--seconds S] [--set NAME=VALUE,...] [--trace]\n");
        return 64;
    }
    if (sodium_init() < 0) {
        return 70;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGABRT, on_abort);
    signal(SIGSEGV, on_abort);
    current_steps = arguments.steps;
    double start = now_s();
    for (uint64_t n = 0; arguments.seconds > 0 ? now_s() - start < arguments.seconds : n < arguments.seeds; n++) {
        current_seed = arguments.seed + n;
        struct world world = {current_seed, arguments.steps, arguments.trace, arguments.set};
        sim_run(&world, &counts);
    }
    counts_print(&counts, now_s() - start);
    if (arguments.tap) {
        printf("%s 1 - no simulated world breaks an invariant\n1..1\n", counts.violations == 0 ? "ok" : "not ok");
    }
    return counts.violations == 0 ? 0 : 1;
}
