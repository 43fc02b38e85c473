/*
 * Signals come in through a descriptor: SIGTERM and SIGINT stop, SIGHUP loads the catalogue again.
 */
#include "shell/broker.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* Before any thread is made, so that they all inherit the mask. */
int
signals_open(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a write that fails is the store's affair */
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0) {
        return -1;
    }
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

void
signals_step(struct broker *broker)
{
    struct signalfd_siginfo info;
    while (read(broker->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGHUP) {
            char error[BROKER_ERROR_BYTES];
            upkeep_reload(broker, error); /* it logs what came of it */
        } else {
            log_line(CONFIG_LOG_INFO, "stopping", "signal=%u", info.ssi_signo);
            broker->stopping = true;
        }
    }
}
