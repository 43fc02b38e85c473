/*
 * Threads with signals blocked, and a monotonic clock.
 */
#include "store/thread.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "store/error.h"

enum { PACER_REST_FACTOR = 12, PACER_REST_US_MAX = 100000 };

enum store_status
thread_start(const char *name, void *(*run)(void *), void *context, pthread_t *out_thread,
             struct store_error *out_error)
{
    sigset_t all, before;
    int code;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    code = pthread_create(out_thread, NULL, run, context);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (code != 0) {
        return error_set(out_error, STORE_IO, "the thread %s cannot be started: %s", name, strerror(code));
    }
    pthread_setname_np(*out_thread, name);
    return STORE_OK;
}

void
thread_background(int niceness)
{
    struct sched_param param = {0};

    /* Both only make it politer; where they are forbidden it works all the same. */
    pthread_setschedparam(pthread_self(), SCHED_BATCH, &param);
    setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), niceness);
}

uint64_t
thread_clock_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

static uint64_t
thread_cpu_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

void
pacer_init(struct pacer *pacer)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);

    *pacer = (struct pacer){.fd = open("/proc/loadavg", O_RDONLY | O_CLOEXEC)};
    pacer->processors = processors > 0 ? (unsigned)processors : 1;
}

void
pacer_fini(struct pacer *pacer)
{
    if (pacer->fd >= 0) {
        close(pacer->fd);
    }
    pacer->fd = -1;
}

void
pacer_begin(struct pacer *pacer)
{
    pacer->wall_us = thread_clock_us();
    pacer->cpu_us = thread_cpu_us();
}

/* Threads that want to run now, this one included; 0: not known. The line is "0.20 0.18 0.12 RUNNABLE/ALL PID". */
static unsigned
threads_runnable(const struct pacer *pacer)
{
    char line[64];
    unsigned runnable = 0;
    ssize_t n = pread(pacer->fd, line, sizeof(line) - 1, 0);

    if (n <= 0) {
        return 0;
    }
    line[n] = '\0';
    return sscanf(line, "%*s %*s %*s %u/", &runnable) == 1 ? runnable : 0;
}

uint64_t
pacer_rest_us(const struct pacer *pacer)
{
    uint64_t wall_us = thread_clock_us() - pacer->wall_us, cpu_us = thread_cpu_us() - pacer->cpu_us;
    uint64_t rest_us = wall_us * PACER_REST_FACTOR;

    if (cpu_us * 2 >= wall_us && threads_runnable(pacer) <= pacer->processors) {
        return 0;
    }
    return rest_us < PACER_REST_US_MAX ? rest_us : PACER_REST_US_MAX;
}

void
thread_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attr;

    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attr);
    pthread_condattr_destroy(&attr);
}

void
thread_cond_wait_us(pthread_cond_t *cond, pthread_mutex_t *lock, uint64_t timeout_us)
{
    uint64_t until = thread_clock_us() + timeout_us;
    struct timespec at = {.tv_sec = (time_t)(until / 1000000u), .tv_nsec = (long)(until % 1000000u) * 1000};

    pthread_cond_timedwait(cond, lock, &at);
}

void
thread_wake(int event_fd)
{
    uint64_t one = 1;

    /* Fails only when the counter is full, and then the other side is awake anyway. */
    if (write(event_fd, &one, sizeof(one)) != (ssize_t)sizeof(one)) {
        return;
    }
}
