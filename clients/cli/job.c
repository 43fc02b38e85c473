/* One run of a worker's command. */
#include "job.h"

#include "folder.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* ---- starting ---- */

static bool
write_whole(int fd, const void *p, size_t n)
{
    const char *at = p;
    while (n) {
        ssize_t wrote = write(fd, at, n);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return false;
        at += wrote;
        n -= (size_t)wrote;
    }
    return true;
}

static int
file_with(const char *directory, const char *name, const void *p, size_t n)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0 && (!write_whole(fd, p, n) || lseek(fd, 0, SEEK_SET) != 0)) {
        close(fd);
        return -1;
    }
    return fd;
}

struct pipes {
    int output[2], error[2], progress[2], input;
};

static void
close_all(struct pipes *pipes)
{
    int *fds[] = { pipes->output, pipes->error, pipes->progress };
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 2; j++)
            if (fds[i][j] >= 0)
                close(fds[i][j]);
    if (pipes->input >= 0)
        close(pipes->input);
}

/* In the child, between fork and exec: only what a signal handler may do. */
static void
become(pid_t parent, const struct pipes *pipes, const char *const *words, char **environment)
{
    sigset_t none;
    setpgid(0, 0);
    /* A worker that is killed leaves no command behind that goes on with a task of somebody else. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(71);
    /* 3 may be one of the ends: move them out of the way first. */
    int output = fcntl(pipes->output[1], F_DUPFD, 10), error = fcntl(pipes->error[1], F_DUPFD, 10), progress = fcntl(pipes->progress[1], F_DUPFD, 10);
    int input = fcntl(pipes->input, F_DUPFD, 10);
    if (dup2(input, 0) < 0 || dup2(output, 1) < 0 || dup2(error, 2) < 0 || dup2(progress, 3) < 0)
        _exit(71);
    close(input);
    close(output);
    close(error);
    close(progress);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    environ = environment;
    execvp(words[0], (char *const *)(uintptr_t)words);
    static const char said[] = "the command cannot be started\n";
    (void)!write(2, said, sizeof said - 1);
    _exit(127);
}

static char **
environment_of(const struct job_setup *setup, char *body_file, char *result_file)
{
    size_t n = 0, more = 0, used = 0;
    while (environ[n])
        n++;
    while (setup->environment[more])
        more++;
    char **all = calloc(n + more + 3, sizeof *all);
    if (!all)
        return NULL;
    for (size_t i = 0; i < n; i++)
        if (strncmp(environ[i], "QIAO_", 5) != 0 || strncmp(environ[i], "QIAO_CONTEXT", 12) == 0 || strncmp(environ[i], "QIAO_CONFIG_DIR", 15) == 0)
            all[used++] = environ[i];
    for (size_t i = 0; i < more; i++)
        all[used++] = (char *)(uintptr_t)setup->environment[i];
    all[used++] = body_file;
    all[used++] = result_file;
    return all;
}

static bool
prepare(struct job *job, const struct job_setup *setup, struct pipes *pipes)
{
    *pipes = (struct pipes){ { -1, -1 }, { -1, -1 }, { -1, -1 }, -1 };
    if (!folder_make(job->directory, sizeof job->directory))
        return false;
    int body = file_with(job->directory, "body", setup->body, setup->body_bytes);
    if (body < 0)
        return false;
    close(body);
    pipes->input = file_with(job->directory, "input", setup->input, setup->input_bytes);
    return pipes->input >= 0 && pipe2(pipes->output, O_CLOEXEC) == 0 && pipe2(pipes->error, O_CLOEXEC) == 0 && pipe2(pipes->progress, O_CLOEXEC) == 0;
}

bool
job_start(struct job *job, const struct job_setup *setup)
{
    struct pipes pipes;
    char body_file[300], result_file[300];
    *job = (struct job){ .pidfd = -1, .output_fd = -1, .error_fd = -1, .progress_fd = -1 };
    char **environment = NULL;
    bool good = prepare(job, setup, &pipes);
    snprintf(body_file, sizeof body_file, "QIAO_BODY_FILE=%s/body", job->directory);
    snprintf(result_file, sizeof result_file, "QIAO_RESULT_FILE=%s/result", job->directory);
    good = good && (environment = environment_of(setup, body_file, result_file)) != NULL;
    pid_t parent = getpid(), pid = good ? fork() : -1;
    if (pid == 0)
        become(parent, &pipes, setup->words, environment);
    int why = errno;
    free(environment);
    if (pid > 0) {
        setpgid(pid, pid);
        job->pid = pid;
        job->pidfd = pidfd_open(pid, 0);
        job->output_fd = pipes.output[0];
        job->error_fd = pipes.error[0];
        job->progress_fd = pipes.progress[0];
        pipes.output[0] = pipes.error[0] = pipes.progress[0] = -1;
        fcntl(job->output_fd, F_SETFL, O_NONBLOCK);
        fcntl(job->error_fd, F_SETFL, O_NONBLOCK);
        fcntl(job->progress_fd, F_SETFL, O_NONBLOCK);
    }
    close_all(&pipes);
    if (pid > 0)
        return true;
    job_fini(job);
    errno = why;
    return false;
}

/* ---- reading ---- */

size_t
job_fds(const struct job *job, struct pollfd *fds)
{
    const int all[JOB_FDS] = { job->pidfd, job->output_fd, job->error_fd, job->progress_fd };
    size_t n = 0;
    for (size_t i = 0; i < JOB_FDS; i++)
        if (all[i] >= 0)
            fds[n++] = (struct pollfd){ .fd = all[i], .events = POLLIN };
    return n;
}

static bool
is_progress(struct job *job, const char *line)
{
    double part;
    int used = 0;
    if (sscanf(line, "progress %lf%n", &part, &used) != 1 || !used)
        return false;
    const char *rest = line + used;
    if (*rest == '%') {
        part /= 100;
        rest++;
    }
    if ((*rest && *rest != ' ') || !(part >= 0 && part <= 1))
        return false;
    job->has_progress = true;
    job->progress = part;
    snprintf(job->message, sizeof job->message, "%s", rest + (*rest == ' '));
    return true;
}

/* Whole lines out of what was read; a line that is too long is cut. */
static void
take_lines(struct job *job, struct job_line *line, const char *p, size_t n, bool errors)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] != '\n') {
            if (line->used < JOB_LINE_MAX - 1)
                line->text[line->used++] = p[i];
            continue;
        }
        line->text[line->used] = '\0';
        line->used = 0;
        if (is_progress(job, line->text) || !errors)
            continue;
        fprintf(stderr, "%s\n", line->text);
        if (line->text[0])
            memcpy(job->last, line->text, sizeof job->last);
    }
}

/* Nothing more comes from it: closes it. */
static void
end_fd(int *fd)
{
    close(*fd);
    *fd = -1;
}

static void
read_lines(struct job *job, int *fd, struct job_line *line, bool errors)
{
    char piece[4096];
    while (*fd >= 0) {
        ssize_t n = read(*fd, piece, sizeof piece);
        if (n > 0)
            take_lines(job, line, piece, (size_t)n, errors);
        else if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        else
            end_fd(fd);
    }
    if (line->used)
        take_lines(job, line, "\n", 1, errors);
}

static void
read_output(struct job *job)
{
    char piece[65536];
    while (job->output_fd >= 0) {
        ssize_t n = read(job->output_fd, piece, sizeof piece);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n <= 0) {
            end_fd(&job->output_fd);
            return;
        }
        char *grown = job->output_bytes + (size_t)n <= JOB_OUTPUT_MAX ? realloc(job->output, job->output_bytes + (size_t)n + 1) : NULL;
        if (!grown) {
            job->output_over = true;
            continue;
        }
        job->output = grown;
        memcpy(job->output + job->output_bytes, piece, (size_t)n);
        job->output_bytes += (size_t)n;
        job->output[job->output_bytes] = '\0';
    }
}

void
job_read(struct job *job)
{
    /*
     * The exit first: what was written before it is then read below. It is not reaped before job_fini: until then nobody
     * else can have its number, so that its group can be killed safely.
     */
    siginfo_t info = { .si_pid = 0 };
    if (job->pid && !job->ended && waitid(P_PID, (id_t)job->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == job->pid) {
        job->ended = true;
        job->exit_code = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
    }
    read_output(job);
    read_lines(job, &job->error_fd, &job->error_line, true);
    read_lines(job, &job->progress_fd, &job->progress_line, false);
}

/* ---- ending ---- */

void
job_stop(struct job *job, int64_t now_us, int64_t grace_us)
{
    if (!job->pid || job->ended || job->kill_at_us)
        return;
    kill(-job->pid, SIGTERM);
    job->kill_at_us = now_us + grace_us;
}

void
job_tick(struct job *job, int64_t now_us)
{
    if (job->kill_at_us && now_us >= job->kill_at_us && !job->ended) {
        kill(-job->pid, SIGKILL);
        job->kill_at_us = INT64_MAX;
    }
}

bool
job_result(const struct job *job, char **out_p, size_t *out_n)
{
    char path[300];
    struct stat about;
    snprintf(path, sizeof path, "%s/result", job->directory);
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return false;
    char *p = NULL;
    bool good = fstat(fd, &about) == 0 && S_ISREG(about.st_mode) && about.st_size <= JOB_OUTPUT_MAX && (p = malloc((size_t)about.st_size + 1)) &&
                read(fd, p, (size_t)about.st_size) == about.st_size;
    close(fd);
    if (!good) {
        free(p);
        return false;
    }
    *out_p = p;
    *out_n = (size_t)about.st_size;
    return true;
}

void
job_fini(struct job *job)
{
    if (job->pid) {
        kill(-job->pid, SIGKILL);
        waitpid(job->pid, NULL, 0);
    }
    int *fds[] = { &job->pidfd, &job->output_fd, &job->error_fd, &job->progress_fd };
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        if (*fds[i] >= 0)
            end_fd(fds[i]);
    if (*job->directory)
        folder_remove(job->directory);
    free(job->output);
    *job = (struct job){ .pidfd = -1, .output_fd = -1, .error_fd = -1, .progress_fd = -1 };
}
