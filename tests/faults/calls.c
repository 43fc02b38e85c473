/*
 * See calls.h. Every call goes to the kernel directly, so that nothing here depends on whom it stands in front of.
 */
#include "calls.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FILES_MAX = 4096 };

/* Names of the C library, whatever its headers make of them. */
int hook_open(const char *path, int flags, ...) __asm__("open");
int hook_open64(const char *path, int flags, ...) __asm__("open64");
int hook_close(int fd) __asm__("close");
ssize_t hook_write(int fd, const void *p, size_t n) __asm__("write");
ssize_t hook_pwrite(int fd, const void *p, size_t n, off_t offset) __asm__("pwrite");
ssize_t hook_pwrite64(int fd, const void *p, size_t n, off_t offset) __asm__("pwrite64");
ssize_t hook_pread(int fd, void *p, size_t n, off_t offset) __asm__("pread");
ssize_t hook_pread64(int fd, void *p, size_t n, off_t offset) __asm__("pread64");
int hook_ftruncate(int fd, off_t size) __asm__("ftruncate");
int hook_ftruncate64(int fd, off_t size) __asm__("ftruncate64");
int hook_fsync(int fd) __asm__("fsync");
int hook_fdatasync(int fd) __asm__("fdatasync");
int hook_rename(const char *from, const char *to) __asm__("rename");
int hook_unlink(const char *path) __asm__("unlink");
int hook_statvfs64(const char *path, struct statvfs *out) __asm__("statvfs64");

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* one call at a time: there is one order of them */
static struct calls *calls;
static calls_seen_fn *seen;
static char files[FILES_MAX][CALLS_NAME_BYTES]; /* by descriptor: the name that it was opened by, + 1 mark in front */

void
calls_set(struct calls *now, calls_seen_fn *now_seen)
{
    calls = now;
    seen = now_seen;
    memset(files, 0, sizeof(files));
}

__attribute__((constructor)) static void
calls_preloaded(void)
{
    const char *path = getenv("QIAO_FAULTS");
    int fd = path != NULL ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0) : -1;
    void *p;

    if (fd < 0) {
        return;
    }
    p = mmap(NULL, sizeof(*calls), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    syscall(SYS_close, fd);
    calls = p != MAP_FAILED ? p : NULL;
}

/* The name of a path below the directory, "" for the directory itself; NULL when it does not count. */
static const char *
name_of(const char *path)
{
    size_t n;

    if (calls == NULL || path == NULL || (n = strlen(calls->dir)) == 0 || strncmp(path, calls->dir, n) != 0) {
        return NULL;
    }
    if (path[n] == '\0') {
        return path + n;
    }
    path += n + 1;
    n = strlen(path);
    if (path[-1] != '/' || strchr(path, '/') != NULL || n + 2 > CALLS_NAME_BYTES || strcmp(path, "lock") == 0 ||
        (n > 4 && strcmp(path + n - 4, "-shm") == 0)) {
        return NULL;
    }
    return path;
}

static const char *
name_of_fd(int fd)
{
    return calls != NULL && fd >= 0 && fd < FILES_MAX && files[fd][0] != '\0' ? files[fd] + 1 : NULL;
}

static uint64_t
size_of(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static void
die(void)
{
    syscall(SYS_kill, getpid(), SIGKILL);
    for (;;) {
        pause();
    }
}

/* What becomes of this call; with the lock held. CALLS_FAIL has set errno. */
static enum calls_act
judge(enum calls_kind kind)
{
    uint64_t number;

    if ((calls->kinds >> kind & 1) == 0) {
        return CALLS_NOTHING;
    }
    number = ++calls->count;
    if (calls->at == 0 || number < calls->at || (number > calls->at && !calls->for_good)) {
        return CALLS_NOTHING;
    }
    calls->hit++;
    if (calls->act == CALLS_DIE || (calls->act == CALLS_DIE_HALF && kind != CALL_WRITE)) {
        die();
    }
    errno = (int)calls->code;
    return (enum calls_act)calls->act;
}

static void
tell(const struct calls_done *done)
{
    if (seen != NULL) {
        seen(done);
    }
}

/* ------------------------------------------------------------- files */

static int
open_any(const char *path, int flags, mode_t mode)
{
    const char *name = name_of(path);
    struct stat st;
    bool makes;
    int fd;

    if (name == NULL) {
        return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    }
    pthread_mutex_lock(&lock);
    makes = (flags & O_CREAT) != 0 && stat(path, &st) != 0;
    if (makes && judge(CALL_CREATE) == CALLS_FAIL) {
        fd = -1;
    } else {
        fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    }
    if (fd >= 0 && fd < FILES_MAX) {
        files[fd][0] = '/';
        snprintf(files[fd] + 1, sizeof(files[fd]) - 1, "%s", name);
    }
    if (fd >= 0 && makes) {
        tell(&(struct calls_done){.kind = CALL_CREATE, .name = name});
    }
    pthread_mutex_unlock(&lock);
    return fd;
}

int
hook_open(const char *path, int flags, ...)
{
    va_list args;
    mode_t mode;

    va_start(args, flags);
    mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(args, mode_t) : 0;
    va_end(args);
    return open_any(path, flags, mode);
}

int
hook_open64(const char *path, int flags, ...)
{
    va_list args;
    mode_t mode;

    va_start(args, flags);
    mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(args, mode_t) : 0;
    va_end(args);
    return open_any(path, flags, mode);
}

int
hook_close(int fd)
{
    if (fd >= 0 && fd < FILES_MAX) {
        files[fd][0] = '\0';
    }
    return (int)syscall(SYS_close, fd);
}

int
hook_rename(const char *from, const char *to)
{
    const char *name = name_of(from), *to_name = name_of(to);
    struct stat st;
    int rc = -1;

    if (name == NULL || to_name == NULL) {
        return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
    }
    pthread_mutex_lock(&lock);
    if (judge(CALL_RENAME) != CALLS_FAIL) {
        uint64_t gone = stat(to, &st) == 0 ? (uint64_t)st.st_size : 0;
        rc = (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
        if (rc == 0) {
            calls->used -= gone < calls->used ? gone : calls->used;
            tell(&(struct calls_done){.kind = CALL_RENAME, .name = name, .to = to_name});
        }
    }
    pthread_mutex_unlock(&lock);
    return rc;
}

int
hook_unlink(const char *path)
{
    const char *name = name_of(path);
    struct stat st;
    int rc = -1;

    if (name == NULL || stat(path, &st) != 0) {
        return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    }
    pthread_mutex_lock(&lock);
    if (judge(CALL_UNLINK) != CALLS_FAIL) {
        rc = (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
        if (rc == 0) {
            uint64_t gone = (uint64_t)st.st_size;
            calls->used -= gone < calls->used ? gone : calls->used;
            tell(&(struct calls_done){.kind = CALL_UNLINK, .name = name});
        }
    }
    pthread_mutex_unlock(&lock);
    return rc;
}

/* ------------------------------------------------------------- bytes */

/* How much of a write to a file of that size there is room for; with the lock held. */
static size_t
room_for(uint64_t size, size_t n, uint64_t offset)
{
    uint64_t end_max = size + (calls->room > calls->used ? calls->room - calls->used : 0);

    return calls->room == 0 || offset + n <= end_max ? n : end_max > offset ? (size_t)(end_max - offset) : 0;
}

/* offset < 0: where the descriptor stands. */
static ssize_t
write_any(int fd, const void *p, size_t n, off_t offset)
{
    const char *name = name_of_fd(fd);
    enum calls_act act;
    ssize_t done = -1;

    if (name == NULL) {
        return offset < 0 ? syscall(SYS_write, fd, p, n) : syscall(SYS_pwrite64, fd, p, n, offset);
    }
    pthread_mutex_lock(&lock);
    act = judge(CALL_WRITE);
    if (act != CALLS_FAIL) {
        size_t some = act == CALLS_NOTHING || n < 2 ? n : n / 2;
        uint64_t at = offset < 0 ? (uint64_t)syscall(SYS_lseek, fd, 0, SEEK_CUR) : (uint64_t)offset;
        uint64_t size = size_of(fd);
        some = room_for(size, some, at);
        errno = ENOSPC;
        done = some > 0 || n == 0 ? syscall(SYS_pwrite64, fd, p, some, (off_t)at) : -1;
        if (done > 0) {
            calls->used += at + (uint64_t)done > size ? at + (uint64_t)done - size : 0;
            tell(&(struct calls_done){.kind = CALL_WRITE, .name = name, .offset = at, .p = p, .n = (size_t)done});
        }
        if (done > 0 && offset < 0) {
            syscall(SYS_lseek, fd, (off_t)at + done, SEEK_SET);
        }
    }
    if (act == CALLS_DIE_HALF) {
        die();
    }
    pthread_mutex_unlock(&lock);
    return done;
}

ssize_t
hook_write(int fd, const void *p, size_t n)
{
    return write_any(fd, p, n, -1);
}

ssize_t
hook_pwrite(int fd, const void *p, size_t n, off_t offset)
{
    return write_any(fd, p, n, offset);
}

ssize_t
hook_pwrite64(int fd, const void *p, size_t n, off_t offset)
{
    return write_any(fd, p, n, offset);
}

static ssize_t
read_any(int fd, void *p, size_t n, off_t offset)
{
    if (name_of_fd(fd) != NULL && (calls->kinds >> CALL_READ & 1) != 0) {
        enum calls_act act;
        pthread_mutex_lock(&lock);
        act = judge(CALL_READ);
        pthread_mutex_unlock(&lock);
        if (act == CALLS_FAIL) {
            return -1;
        }
        n = act == CALLS_SHORT && n > 1 ? n / 2 : n;
    }
    return syscall(SYS_pread64, fd, p, n, offset);
}

ssize_t
hook_pread(int fd, void *p, size_t n, off_t offset)
{
    return read_any(fd, p, n, offset);
}

ssize_t
hook_pread64(int fd, void *p, size_t n, off_t offset)
{
    return read_any(fd, p, n, offset);
}

static int
truncate_any(int fd, off_t size)
{
    const char *name = name_of_fd(fd);
    int rc = -1;

    if (name == NULL) {
        return (int)syscall(SYS_ftruncate, fd, size);
    }
    pthread_mutex_lock(&lock);
    if (judge(CALL_TRUNCATE) != CALLS_FAIL) {
        uint64_t before = size_of(fd), gone = before > (uint64_t)size ? before - (uint64_t)size : 0;
        rc = (int)syscall(SYS_ftruncate, fd, size);
        if (rc == 0) {
            calls->used -= gone < calls->used ? gone : calls->used;
            tell(&(struct calls_done){.kind = CALL_TRUNCATE, .name = name, .offset = (uint64_t)size});
        }
    }
    pthread_mutex_unlock(&lock);
    return rc;
}

int
hook_ftruncate(int fd, off_t size)
{
    return truncate_any(fd, size);
}

int
hook_ftruncate64(int fd, off_t size)
{
    return truncate_any(fd, size);
}

static int
sync_any(int fd, long number)
{
    const char *name = name_of_fd(fd);
    int rc = -1;

    if (name == NULL) {
        return (int)syscall(number, fd);
    }
    pthread_mutex_lock(&lock);
    if (judge(CALL_SYNC) != CALLS_FAIL) {
        rc = (int)syscall(number, fd);
        if (rc == 0) {
            tell(&(struct calls_done){.kind = CALL_SYNC, .name = name});
        }
    }
    pthread_mutex_unlock(&lock);
    return rc;
}

int
hook_fsync(int fd)
{
    return sync_any(fd, SYS_fsync);
}

int
hook_fdatasync(int fd)
{
    return sync_any(fd, SYS_fdatasync);
}

/* What is free is what the room has left. */
int
hook_statvfs64(const char *path, struct statvfs *out)
{
    int (*real)(const char *, struct statvfs *) = (int (*)(const char *, struct statvfs *))dlsym(RTLD_NEXT, "statvfs64");
    int rc = real != NULL ? real(path, out) : -1;

    if (rc == 0 && calls != NULL && calls->room != 0 && name_of(path) != NULL) {
        uint64_t left = calls->room > calls->used ? calls->room - calls->used : 0;
        out->f_bavail = out->f_bfree = left / out->f_frsize;
    }
    return rc;
}
