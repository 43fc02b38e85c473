/*
 * One run of a worker's command: its process, its files, what it says and how it ends.
 *
 * Knows nothing of the broker: it is given texts and bytes, and gives back output, progress lines and an exit. The command
 * is the leader of its own process group, so that what it started ends with it. Nothing here blocks.
 */
#ifndef QIAO_CLI_JOB_H
#define QIAO_CLI_JOB_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { JOB_LINE_MAX = 1024, JOB_OUTPUT_MAX = 1 << 20, JOB_FDS = 4, JOB_ENVIRONMENT_MAX = 16 };

struct job_setup {
    const char *const *words; /* the command and its words, NULL at the end */
    const char *const *environment; /* NAME=VALUE, NULL at the end; added to this program's own */
    const void *input; /* what it reads on standard input */
    size_t input_bytes;
    const void *body; /* the file that QIAO_BODY_FILE names */
    size_t body_bytes;
};

struct job {
    pid_t pid; /* 0: no process */
    int pidfd, output_fd, error_fd, progress_fd;
    char directory[256]; /* with the body and, when the command writes one, the result's body */
    char *output;
    size_t output_bytes;
    bool output_over; /* it wrote more than JOB_OUTPUT_MAX */
    struct job_line {
        char text[JOB_LINE_MAX];
        size_t used;
    } error_line, progress_line;
    char last[JOB_LINE_MAX]; /* last line on standard error that was no progress */
    bool has_progress;
    double progress;
    char message[JOB_LINE_MAX];
    int64_t kill_at_us; /* SIGKILL then; 0: never. The caller's clock */
    bool ended;
    int exit_code; /* 128 + n after signal n */
};

/* Starts it. False with errno; nothing is left behind. */
bool job_start(struct job *job, const struct job_setup *setup);

/* The descriptors to poll, at most JOB_FDS. */
size_t job_fds(const struct job *job, struct pollfd *fds);

/* Reads what is there; sets ended when the process is gone. Lines on standard error that are no progress are passed on. */
void job_read(struct job *job);

/* SIGTERM to its group now, SIGKILL at now_us + grace_us (job_tick sends it). */
void job_stop(struct job *job, int64_t now_us, int64_t grace_us);
void job_tick(struct job *job, int64_t now_us);

/* The body of the result that the command wrote into QIAO_RESULT_FILE; false when it wrote none. Free *out_p. */
bool job_result(const struct job *job, char **out_p, size_t *out_n);

/* Kills what still runs, removes its files, frees memory. */
void job_fini(struct job *job);

#endif
