/*
 * Lock, witness and free space of a data directory.
 */
#include "store/directory.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "store/crc32c.h"
#include "store/error.h"

static const char lock_name[] = "lock";
static const char witness_name[] = "journal.end";

enum store_status
directory_path(const char *dir, const char *name, char out[DIRECTORY_PATH_BYTES], struct store_error *out_error)
{
    int n = snprintf(out, DIRECTORY_PATH_BYTES, "%s/%s", dir, name);

    if (n < 0 || n >= DIRECTORY_PATH_BYTES) {
        return error_set(out_error, STORE_INVALID, "the path of the data directory is too long");
    }
    return STORE_OK;
}

bool
directory_has(const char *dir, const char *name)
{
    char path[DIRECTORY_PATH_BYTES];
    struct stat st;

    return directory_path(dir, name, path, NULL) == STORE_OK && stat(path, &st) == 0;
}

enum store_status
directory_find(const char *dir, const char *name, struct store_error *out_error)
{
    char path[DIRECTORY_PATH_BYTES];
    struct stat st;
    enum store_status status = directory_path(dir, name, path, out_error);

    if (status == STORE_OK && stat(path, &st) != 0) {
        status = error_set(out_error, errno == ENOENT ? STORE_NOT_FOUND : STORE_IO, "%s: %s", path, strerror(errno));
    }
    return status;
}

static enum store_status
open_error(const char *path, int code, struct store_error *out_error)
{
    switch (code) {
    case ENOENT:
    case ENOTDIR:
        return error_set(out_error, STORE_NOT_FOUND, "%s: the data directory does not exist", path);
    case EACCES:
    case EPERM:
    case EROFS:
        return error_set(out_error, STORE_READ_ONLY, "%s: cannot be written: %s", path, strerror(code));
    case ENOSPC:
    case EDQUOT:
        return error_set(out_error, STORE_DISK_FULL, "%s: %s", path, strerror(code));
    default:
        return error_set(out_error, STORE_IO, "%s: %s", path, strerror(code));
    }
}

enum store_status
directory_file_make(const char *path, struct store_error *out_error)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd >= 0) {
        close(fd);
        return STORE_OK;
    }
    /* One that is there is not opened: closing it would drop this process's own locks on it. */
    return errno == EEXIST ? STORE_OK : open_error(path, errno, out_error);
}

static int
lock_owner(int fd)
{
    char text[16] = "";

    return pread(fd, text, sizeof(text) - 1, 0) > 0 ? (int)strtol(text, NULL, 10) : 0;
}

enum store_status
directory_lock(const char *dir, int *out_fd, struct store_error *out_error)
{
    char path[DIRECTORY_PATH_BYTES], text[16];
    enum store_status status = directory_path(dir, lock_name, path, out_error);
    int fd, n;

    if (status != STORE_OK) {
        return status;
    }
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return open_error(path, errno, out_error);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        int pid = lock_owner(fd);
        close(fd);
        status = error_set(out_error, STORE_IN_USE, "%s: in use by process %d", dir, pid);
        if (out_error != NULL) {
            out_error->pid = pid;
        }
        return status;
    }
    /* The number is for people; the lock is what counts. So a failed write is no failure. */
    n = snprintf(text, sizeof(text), "%d\n", (int)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)n, 0) != n) {
        errno = 0;
    }
    *out_fd = fd;
    return STORE_OK;
}

void
directory_unlock(int *fd_p)
{
    if (*fd_p >= 0) {
        close(*fd_p);
    }
    *fd_p = -1;
}

static enum store_status
path_sync(const char *path, int flags, struct store_error *out_error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | flags), code;

    if (fd < 0) {
        return errno == ENOENT ? STORE_OK : open_error(path, errno, out_error);
    }
    code = fsync(fd) == 0 ? 0 : errno;
    close(fd);
    return code == 0 ? STORE_OK : error_set(out_error, STORE_IO, "%s: %s", path, strerror(code));
}

enum store_status
directory_sync(const char *dir, struct store_error *out_error)
{
    return path_sync(dir, O_DIRECTORY, out_error);
}

enum store_status
directory_file_sync(const char *dir, const char *name, struct store_error *out_error)
{
    char path[DIRECTORY_PATH_BYTES];
    enum store_status status = directory_path(dir, name, path, out_error);

    return status == STORE_OK ? path_sync(path, 0, out_error) : status;
}

uint64_t
directory_bytes_free(const char *dir)
{
    struct statvfs st;

    return statvfs(dir, &st) == 0 ? (uint64_t)st.f_bavail * st.f_frsize : 0;
}

uint64_t
directory_file_bytes(const char *dir, const char *name)
{
    char path[DIRECTORY_PATH_BYTES];
    struct stat st;

    if (directory_path(dir, name, path, NULL) != STORE_OK || stat(path, &st) != 0) {
        return 0;
    }
    return (uint64_t)st.st_size;
}

/* ------------------------------------------------------------- witness */

/* One write within one sector; a torn or foreign one fails its checksum and counts for nothing. */
struct witness {
    char magic[8];
    uint64_t seq;
    uint32_t shard;
    uint32_t crc;
};

static const char witness_magic[8] = {'q', 'i', 'a', 'o', 'e', 'n', 'd', '1'};

static uint32_t
witness_crc(const struct witness *witness)
{
    return crc32c(0, witness, offsetof(struct witness, crc));
}

enum store_status
witness_open(const char *dir, int *out_fd, struct store_error *out_error)
{
    char path[DIRECTORY_PATH_BYTES];
    enum store_status status = directory_path(dir, witness_name, path, out_error);
    int fd;

    if (status != STORE_OK) {
        return status;
    }
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return open_error(path, errno, out_error);
    }
    *out_fd = fd;
    return STORE_OK;
}

void
witness_write(int fd, uint32_t shard, uint64_t seq)
{
    struct witness witness = {.seq = htole64(seq), .shard = htole32(shard)};

    memcpy(witness.magic, witness_magic, sizeof(witness.magic));
    witness.crc = htole32(witness_crc(&witness));
    /* A witness that could not be written only witnesses less; the commit itself is durable. */
    if (pwrite(fd, &witness, sizeof(witness), 0) != (ssize_t)sizeof(witness)) {
        errno = 0;
    }
}

bool
witness_read(const char *dir, uint32_t *out_shard, uint64_t *out_seq)
{
    char path[DIRECTORY_PATH_BYTES];
    struct witness witness;
    ssize_t n;
    int fd;

    if (directory_path(dir, witness_name, path, NULL) != STORE_OK) {
        return false;
    }
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    n = pread(fd, &witness, sizeof(witness), 0);
    close(fd);
    if (n != (ssize_t)sizeof(witness) || memcmp(witness.magic, witness_magic, sizeof(witness_magic)) != 0 ||
        le32toh(witness.crc) != witness_crc(&witness)) {
        return false;
    }
    *out_shard = le32toh(witness.shard);
    *out_seq = le64toh(witness.seq);
    return true;
}

enum store_status
witness_check(const char *dir, uint64_t last_seq, struct store_error *out_error)
{
    uint32_t shard;
    uint64_t seq;

    if (witness_read(dir, &shard, &seq) && seq > last_seq) {
        return error_set_seq(out_error, STORE_BEHIND, seq,
                             "%s: the journal ends at event %llu, but event %llu was durable: acknowledged requests are"
                             " missing. Restore a backup; or remove journal.end to serve without them.",
                             dir, (unsigned long long)last_seq, (unsigned long long)seq);
    }
    return STORE_OK;
}
