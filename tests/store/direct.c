/* See direct.h. */
#include "direct.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

struct direct direct;

ssize_t hook_pwrite(int fd, const void *p, size_t n, off_t at) __asm__("pwrite");
ssize_t hook_pwrite64(int fd, const void *p, size_t n, off_t at) __asm__("pwrite64");
int hook_open(const char *path, int flags, ...) __asm__("open");
int hook_open64(const char *path, int flags, ...) __asm__("open64");

static void
foreign_write(void)
{
    sqlite3 *db = direct.foreign;

    if (sqlite3_exec(db, "INSERT INTO t (data) VALUES (randomblob(9))", NULL, NULL, NULL) == SQLITE_OK) {
        direct.foreign = NULL;
    }
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_close(db);
}

ssize_t
hook_pwrite64(int fd, const void *p, size_t n, off_t at)
{
    if (fcntl(fd, F_GETFL) & O_DIRECT) {
        direct.writes++;
        if (direct.foreign != NULL) {
            foreign_write();
        }
        direct.bytes += n;
        if (direct.code != 0) {
            errno = direct.code;
            return -1;
        }
        if (direct.half) {
            syscall(SYS_pwrite64, fd, p, n / 2 / DIRECT_PAGE * DIRECT_PAGE, at);
            return (ssize_t)(direct.odd ? n / 2 - 1 : n / 2 / DIRECT_PAGE * DIRECT_PAGE);
        }
    }
    return syscall(SYS_pwrite64, fd, p, n, at);
}

ssize_t
hook_pwrite(int fd, const void *p, size_t n, off_t at)
{
    return hook_pwrite64(fd, p, n, at);
}

static int
open_any(const char *path, int flags, mode_t mode)
{
    if ((flags & O_DIRECT) != 0 && direct.unknown) {
        errno = EINVAL;
        return -1;
    }
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

#define HOOK(name)                                                                                                                 \
    int name(const char *path, int flags, ...)                                                                                     \
    {                                                                                                                              \
        va_list rest;                                                                                                              \
        mode_t mode;                                                                                                               \
        va_start(rest, flags);                                                                                                     \
        mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;                                                                  \
        va_end(rest);                                                                                                              \
        return open_any(path, flags, mode);                                                                                        \
    }
HOOK(hook_open)
HOOK(hook_open64)
#undef HOOK
