/*
 * Small files of the data directory. See files.h.
 */
#include "shell/files.h"

#include <czmq.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COPY_BYTES_MAX = 8 << 20 };

static bool
fail(char error[FILES_ERROR_BYTES], const char *path, const char *what)
{
    snprintf(error, FILES_ERROR_BYTES, "%.400s: %s", path, what);
    return false;
}

bool
files_path(char *out_path, size_t size, const char *dir, const char *name)
{
    int n = snprintf(out_path, size, "%s/%s", dir, name);
    return n > 0 && (size_t)n < size;
}

static bool
bytes_write(const char *path, const char *p, size_t n, unsigned mode, char error[FILES_ERROR_BYTES])
{
    char temporary[1024];
    int length = snprintf(temporary, sizeof temporary, "%s.new", path);
    if (length < 0 || (size_t)length >= sizeof temporary) {
        return fail(error, path, "the path is too long");
    }
    unlink(temporary);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0) {
        return fail(error, temporary, strerror(errno));
    }
    bool ok = fchmod(fd, mode) == 0;
    for (size_t at = 0; ok && at < n;) {
        ssize_t written = write(fd, p + at, n - at);
        ok = written > 0 || (written < 0 && errno == EINTR);
        at += written > 0 ? (size_t)written : 0;
    }
    ok = ok && fsync(fd) == 0;
    int number = errno;
    close(fd);
    if (!ok || rename(temporary, path) != 0) {
        number = ok ? errno : number;
        unlink(temporary);
        return fail(error, path, strerror(number));
    }
    return true;
}

bool
files_write(const char *path, const char *text, unsigned mode, char error[FILES_ERROR_BYTES])
{
    return bytes_write(path, text, strlen(text), mode, error);
}

bool
files_server_key_make(const char *dir, char out_public_z85[FILES_Z85_BYTES], char error[FILES_ERROR_BYTES])
{
    char path[1024];
    struct stat st;
    if (!files_path(path, sizeof path, dir, FILES_SERVER_KEY)) {
        return fail(error, dir, "the path is too long");
    }
    if (lstat(path, &st) == 0) {
        return fail(error, path, "there is a server key already");
    }
    zcert_t *cert = zcert_new();
    if (!cert) {
        return fail(error, path, "no key could be made");
    }
    zcert_set_meta(cert, "name", "qiaod");
    bool ok = zcert_save_secret(cert, path) == 0 && chmod(path, 0600) == 0;
    int number = errno;
    snprintf(out_public_z85, FILES_Z85_BYTES, "%s", zcert_public_txt(cert));
    zcert_destroy(&cert);
    return ok ? true : fail(error, path, strerror(number));
}

static bool
secret_check(const char *path, char error[FILES_ERROR_BYTES])
{
    struct stat st;
    if (stat(path, &st) != 0) {
        return fail(error, path, strerror(errno));
    }
    if (!S_ISREG(st.st_mode)) {
        return fail(error, path, "is not a file");
    }
    if ((st.st_mode & 0177) != 0) {
        char what[96];
        snprintf(what, sizeof what, "mode is %04o, must be 0600: others could read the key", (unsigned)(st.st_mode & 07777));
        return fail(error, path, what);
    }
    if (st.st_uid != geteuid()) {
        return fail(error, path, "belongs to another user");
    }
    return true;
}

bool
files_server_key_read(const char *dir, uint8_t out_public[FILES_KEY_BYTES], uint8_t out_secret[FILES_KEY_BYTES],
                      char error[FILES_ERROR_BYTES])
{
    char path[1024];
    if (!files_path(path, sizeof path, dir, FILES_SERVER_KEY)) {
        return fail(error, dir, "the path is too long");
    }
    if (!secret_check(path, error)) {
        return false;
    }
    zcert_t *cert = zcert_load(path);
    static const uint8_t zero[FILES_KEY_BYTES];
    if (!cert || memcmp(zcert_secret_key(cert), zero, sizeof zero) == 0) {
        zcert_destroy(&cert);
        return fail(error, path, "is not a certificate with a secret key");
    }
    uint8_t derived[FILES_KEY_BYTES];
    bool pair = crypto_scalarmult_base(derived, zcert_secret_key(cert)) == 0 &&
                memcmp(derived, zcert_public_key(cert), sizeof derived) == 0;
    if (pair) {
        memcpy(out_public, zcert_public_key(cert), FILES_KEY_BYTES);
        memcpy(out_secret, zcert_secret_key(cert), FILES_KEY_BYTES);
    }
    zcert_destroy(&cert);
    return pair ? true : fail(error, path, "the two halves of the key do not belong together");
}

bool
files_context_write(const char *path, const struct files_context *context, char error[FILES_ERROR_BYTES])
{
    char text[2048];
    int n = snprintf(text, sizeof text, "# a member of a Qiao broker; whoever has this file is that member\nendpoint = %s\n",
                     context->endpoint);
    if (context->server_key) {
        n += snprintf(text + n, sizeof text - (size_t)n, "server_key = %s\npublic_key = %s\nsecret_key = %s\n",
                      context->server_key, context->public_key, context->secret_key);
    }
    n += snprintf(text + n, sizeof text - (size_t)n, "party = %s\nmember = %s\n", context->party, context->member);
    if ((size_t)n >= sizeof text) {
        return fail(error, path, "values are too long");
    }
    bool ok = files_write(path, text, 0600, error);
    sodium_memzero(text, sizeof text);
    return ok;
}

bool
files_copy(const char *from, const char *to, unsigned mode, char error[FILES_ERROR_BYTES])
{
    FILE *file = fopen(from, "re");
    if (!file) {
        return fail(error, from, strerror(errno));
    }
    char *bytes = malloc(COPY_BYTES_MAX);
    size_t n = bytes ? fread(bytes, 1, COPY_BYTES_MAX, file) : 0;
    bool ok = bytes && !ferror(file) && n < COPY_BYTES_MAX;
    fclose(file);
    ok = ok ? bytes_write(to, bytes, n, mode, error) : fail(error, from, "cannot be read, or is over 8 MiB");
    free(bytes);
    return ok;
}

bool
files_copy_yaml(const char *from, const char *to_dir, char error[FILES_ERROR_BYTES])
{
    char source[1024], target[1024];
    if (mkdir(to_dir, 0755) != 0 && errno != EEXIST) {
        return fail(error, to_dir, strerror(errno));
    }
    DIR *dir = opendir(from);
    if (!dir) {
        if (errno != ENOTDIR) {
            return fail(error, from, strerror(errno));
        }
        const char *slash = strrchr(from, '/');
        return files_path(target, sizeof target, to_dir, slash ? slash + 1 : from) ? files_copy(from, target, 0644, error)
                                                                                   : fail(error, from, "the path is too long");
    }
    bool ok = true;
    uint32_t copied = 0;
    for (struct dirent *entry; ok && (entry = readdir(dir));) {
        size_t n = strlen(entry->d_name);
        if (n < 6 || strcmp(entry->d_name + n - 5, ".yaml") != 0) {
            continue;
        }
        ok = files_path(source, sizeof source, from, entry->d_name) && files_path(target, sizeof target, to_dir, entry->d_name)
                 ? files_copy(source, target, 0644, error)
                 : fail(error, from, "the path is too long");
        copied++;
    }
    closedir(dir);
    return ok && copied == 0 ? fail(error, from, "has no *.yaml file") : ok;
}
