/*
 * Starting a thread of this room, and the clock that its figures are measured with.
 */
#ifndef STORE_THREAD_H
#define STORE_THREAD_H

#include <pthread.h>

#include "store/store.h"

/* Signals stay with the thread that started the store: a thread of ours takes none. The name has at most 15 characters. */
enum store_status thread_start(const char *name, void *(*run)(void *), void *context, pthread_t *out_thread,
                               struct store_error *out_error);

/* The calling thread gives way to others: niceness, and long time slices. */
void thread_background(int niceness);

/* Monotonic. */
uint64_t thread_clock_us(void);

/*
 * A background thread that finds out by itself whether it is in the way: either its work took much longer than the
 * processor time it got, or more threads want to run than there are processors. No priority is needed for it, which
 * often does not reach across processes; and a thread that has just rested is let in first, whatever its priority.
 */
struct pacer {
    int fd; /* of the kernel's count of threads that want to run; -1: there is none */
    unsigned processors;
    uint64_t wall_us, cpu_us;
};

void pacer_init(struct pacer *pacer);
void pacer_fini(struct pacer *pacer);

/* Work begins. */
void pacer_begin(struct pacer *pacer);

/* How long to rest after the work since then: 0 when nobody else wanted the processor. */
uint64_t pacer_rest_us(const struct pacer *pacer);

/* Wait on a condition at most that long; the condition must come from thread_cond_init. */
void thread_cond_init(pthread_cond_t *cond);
void thread_cond_wait_us(pthread_cond_t *cond, pthread_mutex_t *lock, uint64_t timeout_us);

/* Make an eventfd readable. */
void thread_wake(int event_fd);

#endif
