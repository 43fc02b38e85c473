/*
 * The command line of a worker: one table from which parsing and help come. Knows no task and no broker.
 */
#ifndef QIAO_WORKERS_OPTIONS_H
#define QIAO_WORKERS_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

enum { OPTIONS_SERVICES_MAX = 32 };

/* An option of one worker only, such as --policy FILE. */
struct worker_option {
    const char *name; /* without the dashes; NULL ends the table */
    const char *help;
    const char **value;
};

struct options {
    const char *context; /* NULL: the current one */
    char services[OPTIONS_SERVICES_MAX][65];
    int services_n;
    uint32_t capacity;
    const char *name; /* of this process, for operators; NULL: the program's */
    const char *attributes; /* a JSON file */
    int64_t price_minor;    /* for services whose policy is cheapest; with price_currency "" none is offered */
    char price_currency[4];
    bool verify;      /* this process only verifies what other members computed */
    bool decide;      /* it also decides what is held for a decision */
    double speed;     /* how much faster than in the plan milestones come */
    const char *try_service, *try_input, *try_body; /* compute once, without a broker */
};

/*
 * 0: go on; 1: help or version was printed, end with 0; else an exit code of <sysexits.h>, after a line on standard error.
 */
int options_parse(int argc, char **argv, const char *program, const char *summary, const char *services_default,
                  const struct worker_option *own, struct options *out);

#endif
