/*
 * Until there is something to do: look, for a little while keep looking, then sleep.
 *
 * To wake a processor that sleeps takes about as long as a sync. Where a client waits for each answer before it goes on, a
 * lifecycle is a chain of such wake-ups. So while what is waited for came quickly the last time, the loop keeps looking for
 * `network.spin` before it sleeps, and lets others run between two looks. A broker with nothing to do, or with little, sleeps.
 */
#include "shell/broker.h"

#include <poll.h>
#include <sched.h>

enum {
    SLEEP_US_MAX = 60000000,
    FDS = 4,
};

static int64_t
mono_us(void)
{
    struct core_now now;
    clock_read(&now);
    return now.mono_us;
}

static int64_t
earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Until when we may sleep. A wall clock that jumps is noticed within the upkeep's period. */
static int64_t
sleep_until(const struct broker *broker)
{
    int64_t until = upkeep_deadline(broker);
    if (!store_batch_full(broker->store)) {
        until = earlier(until, core_next_deadline(broker->core, broker->now));
    }
    return earlier(until, net_next_deadline(broker->net));
}

static bool
look(struct broker *broker, struct pollfd fds[static FDS], int64_t us)
{
    struct timespec timeout = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
    if (ppoll(fds, FDS, &timeout, NULL) <= 0) {
        return false;
    }
    if (fds[0].revents) {
        signals_step(broker);
    }
    return true;
}

/* Until then, without sleeping. True: something came. */
static bool
spin(struct broker *broker, struct pollfd fds[static FDS], int64_t until_us)
{
    do {
        if (look(broker, fds, 0)) {
            return true;
        }
        sched_yield();
    } while (mono_us() < until_us);
    return false;
}

void
wait_step(struct broker *broker, bool more)
{
    int net_fd[2];
    net_fds(broker->net, net_fd);
    /* A full batch takes nothing in: then only the end of a commit matters (back-pressure). */
    bool full = store_batch_full(broker->store);
    struct pollfd fds[FDS] = {
        {.fd = broker->signal_fd, .events = POLLIN},
        {.fd = store_fd(broker->store), .events = POLLIN},
        {.fd = full ? -1 : net_fd[0], .events = POLLIN},
        {.fd = full ? -1 : net_fd[1], .events = POLLIN},
    };
    if (!full && (more || net_ready(broker->net))) {
        look(broker, fds, 0);
        return;
    }
    int64_t began_us = mono_us(), until_us = earlier(sleep_until(broker), began_us + SLEEP_US_MAX);
    int64_t spin_us = broker->config.spin_us;
    if (!broker->came_quickly || !spin(broker, fds, earlier(until_us, began_us + spin_us))) {
        int64_t left_us = until_us - mono_us();
        look(broker, fds, left_us > 0 ? left_us : 0);
    }
    broker->came_quickly = mono_us() - began_us < 2 * spin_us;
}
