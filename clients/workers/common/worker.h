/*
 * The loop of a worker over libqiao: takes tasks, computes, plays the answer's steps as progress, completes; verifies what other members of
 * the provider computed; agrees to aborts; leaves on SIGTERM.
 *
 * Tasks of a provider are owned by it: one that this process was given again (after a reconnect, or another worker's crash) is simply computed
 * again. Computing takes milliseconds, so the loop is never away from the connection for long. One thread.
 */
#ifndef QIAO_WORKERS_WORKER_H
#define QIAO_WORKERS_WORKER_H

#include "common/job.h"
#include "common/options.h"

struct worker_kind {
    const char *program, *summary;
    const char *services; /* offered unless the command line says otherwise */
    job_compute *compute;
    void *site; /* handed to compute and dropped */
    /* Read what the options name; false after a line on standard error. May be NULL. */
    bool (*open)(void *site);
    void (*close)(void *site);
    /* The work under this reference will not be done. May be NULL. */
    void (*dropped)(void *site, const char *reference);
    const char *verified_status; /* business status of a result that was verified */
    const struct worker_option *options;
};

/* The whole program; its exit code. */
int worker_main(const struct worker_kind *kind, int argc, char **argv);

#endif
