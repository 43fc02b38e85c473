/*
 * One descriptor for event loops: an epoll set over the socket's and the monitor's descriptors and a timer. libzmq's
 * descriptor only announces changes; what is ready in spite of its silence makes the timer fire at once.
 */
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "lib/internal.h"

static int
descriptor_of(void *socket)
{
    int fd = -1;
    size_t n = sizeof fd;

    return zmq_getsockopt(socket, ZMQ_FD, &fd, &n) == 0 ? fd : -1;
}

static bool
set_add(struct qiaoi_loop *loop, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    return fd >= 0 && epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

bool
qiaoi_loop_init(struct qiaoi_loop *loop)
{
    loop->used = false;
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    loop->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    return loop->epoll >= 0 && loop->timer >= 0 && set_add(loop, loop->timer);
}

void
qiaoi_loop_fini(struct qiaoi_loop *loop)
{
    if (loop->timer >= 0) {
        close(loop->timer);
    }
    if (loop->epoll >= 0) {
        close(loop->epoll);
    }
}

void
qiaoi_loop_socket(struct qiao_client *client, bool add)
{
    void *sockets[2] = {client->wire.socket, client->wire.monitor};

    for (uint32_t at = 0; at < 2; at++) {
        int fd = sockets[at] ? descriptor_of(sockets[at]) : -1;

        if (fd >= 0 && add) {
            set_add(&client->loop, fd);
        } else if (fd >= 0) {
            epoll_ctl(client->loop.epoll, EPOLL_CTL_DEL, fd, NULL);
        }
    }
}

/* Called at the end of whatever may have used up the socket's announcement. */
void
qiaoi_loop_arm(struct qiao_client *client)
{
    struct itimerspec at = {0};
    int64_t due_us = client->drive_at_us;

    if (!client->loop.used) {
        return;
    }
    if (client->backlog || (client->has_frame && client->frame_at < zmq_msg_size(&client->frame)) ||
        client->state == QIAOI_ENDED || qiaoi_wire_readable(&client->wire)) {
        due_us = 1;
    }
    if (due_us != INT64_MAX) {
        due_us = due_us > 0 ? due_us : 1;
        at.it_value.tv_sec = due_us / 1000000;
        at.it_value.tv_nsec = due_us % 1000000 * 1000;
    }
    timerfd_settime(client->loop.timer, TFD_TIMER_ABSTIME, &at, NULL);
}

int
qiao_fd(struct qiao_client *client)
{
    client->loop.used = true;
    qiaoi_loop_arm(client);
    return client->loop.epoll;
}
