/*
 * The last descriptors are ours: a connection that would take one is closed at once.
 *
 * libzmq accepts until the process has no descriptors left. Then the connection stays in the kernel's queue, the listening socket stays
 * readable and the I/O thread goes round without rest; and the store, which opens files when it moves its mark, fails for good. Any
 * stranger could do that with plain connects, before a handshake. There is no option against it, so this stands in front of
 * the C library's accept4 in this process. Descriptors are given out from below: a high number means that few are left.
 */
#include <errno.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { DESCRIPTORS_KEPT = 32 };

static rlim_t
descriptors_for_peers(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return RLIM_INFINITY;
    }
    return limit.rlim_cur > 2 * DESCRIPTORS_KEPT ? limit.rlim_cur - DESCRIPTORS_KEPT : limit.rlim_cur / 2;
}

int
accept4(int fd, struct sockaddr *restrict address, socklen_t *restrict length, int flags)
{
    long peer = syscall(SYS_accept4, fd, address, length, flags);

    if (peer >= 0 && (rlim_t)peer >= descriptors_for_peers()) {
        close((int)peer);
        errno = ECONNABORTED;
        return -1;
    }
    return (int)peer;
}
