/* Small files, see file.h. */
#include "lib/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 640 };

bool
qiaoi_file_read(const char *path, char *out_bytes, size_t size, size_t *out_n, unsigned *out_mode)
{
    struct stat about;
    size_t n = 0;
    ssize_t got = 1;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0) {
        return false;
    }
    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) {
        close(fd);
        errno = EINVAL;
        return false;
    }
    while (got > 0 && n < size) {
        got = read(fd, out_bytes + n, size - n);
        n += got > 0 ? (size_t)got : 0;
    }
    close(fd);
    if (got < 0 || about.st_size > (off_t)size) {
        errno = got < 0 ? errno : EFBIG;
        return false;
    }
    *out_n = n;
    if (out_mode) {
        *out_mode = about.st_mode & 07777;
    }
    return true;
}

static bool
bytes_write(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t put = write(fd, bytes, n);

        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return false;
        }
        bytes += put;
        n -= (size_t)put;
    }
    return fsync(fd) == 0;
}

bool
qiaoi_file_write(const char *path, const char *bytes, size_t n, bool replace)
{
    char beside[PATH_BYTES];
    int length = snprintf(beside, sizeof beside, "%s.XXXXXX", path);
    int fd, error;
    bool good;

    if (length <= 0 || (size_t)length >= sizeof beside) {
        errno = ENAMETOOLONG;
        return false;
    }
    fd = mkostemp(beside, O_CLOEXEC); /* mode 0600 */
    if (fd < 0) {
        return false;
    }
    good = bytes_write(fd, bytes, n);
    good = close(fd) == 0 && good;
    /* link fails where rename would replace. */
    good = good && (replace ? rename(beside, path) == 0 : link(beside, path) == 0);
    error = errno;
    if (!good || !replace) {
        unlink(beside);
    }
    errno = error;
    return good;
}

bool
qiaoi_parents_make(const char *path)
{
    char above[PATH_BYTES];
    size_t n = strlen(path);

    if (n >= sizeof above) {
        errno = ENAMETOOLONG;
        return false;
    }
    memcpy(above, path, n + 1);
    for (char *slash = strchr(above + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(above, 0700) != 0 && errno != EEXIST) {
            return false;
        }
        *slash = '/';
    }
    return true;
}
