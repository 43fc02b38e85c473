/*
 * Running store_tool beside a test: spawn, read its lines, kill by its id.
 */
#ifndef TESTS_STORE_PROCESS_H
#define TESTS_STORE_PROCESS_H

#include <stdio.h>
#include <sys/types.h>

struct process {
    pid_t pid;
    int in;    /* its stdin */
    FILE *out; /* its stdout */
};

/* Where store_tool is; before the first process_start. */
void process_tool(const char *path);

struct process process_start(const char *what, const char *a, const char *b);

/* Its next line without the newline; the empty text at the end. */
const char *process_line(struct process *process);

/* Close its stdin and wait; its exit code, or -signal. */
int process_end(struct process *process);

/* kill -9 and wait. */
void process_kill(struct process *process);

#endif
