/* Contexts as files: where they are, their mode, writing all or nothing. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/context.h"
#include "lib/file.h"

enum { NAMES_MAX = 10000 };

static bool
joined(char *out, size_t size, const char *a, const char *b, const char *c)
{
    int n = snprintf(out, size, "%s%s%s", a, b, c);

    return n > 0 && (size_t)n < size;
}

static bool
directory(char *out, size_t size)
{
    const char *place = getenv("QIAO_CONFIG_DIR");

    if (place && place[0]) {
        return joined(out, size, place, "", "");
    }
    place = getenv("XDG_CONFIG_HOME");
    if (place && place[0]) {
        return joined(out, size, place, "/qiao", "");
    }
    place = getenv("HOME");
    return place && place[0] && joined(out, size, place, "/.config/qiao", "");
}

static bool
ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);

    return n > m && strcmp(name + n - m, end) == 0;
}

/* What lies beside a context is none: an import that has not finished, and the witnesses of one that is used by its path. */
static bool
name_is_good(const char *name)
{
    size_t n = strlen(name);

    return n > 0 && n <= QIAO_CONTEXT_NAME_BYTES && name[0] != '.' && !ends_with(name, ".pending") && !ends_with(name, ".state") &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == n;
}

bool
qiaoi_context_path(const char *name_or_path, char *out_path, size_t size)
{
    char place[400];

    if (strchr(name_or_path, '/')) {
        return joined(out_path, size, name_or_path, "", "");
    }
    return name_is_good(name_or_path) && directory(place, sizeof place) &&
           joined(out_path, size, place, "/contexts/", name_or_path);
}

static void
state_path_set(const char *name_or_path, struct qiao_context *context)
{
    char place[400];
    bool known = strchr(name_or_path, '/')
                     ? joined(context->state_path, sizeof context->state_path, name_or_path, ".state", "")
                     : directory(place, sizeof place) &&
                           joined(context->state_path, sizeof context->state_path, place, "/state/", name_or_path);

    if (!known) {
        context->state_path[0] = '\0';
    }
}

bool
qiao_context_current(char *out_name, size_t size)
{
    const char *set = getenv("QIAO_CONTEXT");
    char place[400], path[512], name[QIAO_CONTEXT_NAME_BYTES + 2];
    size_t n;

    if (set && set[0]) {
        return joined(out_name, size, set, "", "");
    }
    if (!directory(place, sizeof place) || !joined(path, sizeof path, place, "/current", "") ||
        !qiaoi_file_read(path, name, sizeof name - 1, &n, NULL)) {
        return false;
    }
    name[n] = '\0';
    name[strcspn(name, "\r\n")] = '\0';
    return name_is_good(name) && joined(out_name, size, name, "", "");
}

static void
name_set(const char *name_or_path, struct qiao_context *context)
{
    const char *slash = strrchr(name_or_path, '/');

    snprintf(context->name, sizeof context->name, "%.*s", QIAO_CONTEXT_NAME_BYTES, slash ? slash + 1 : name_or_path);
}

enum qiao_status
qiao_context_load(const char *name_or_path, struct qiao_context *out_context, struct qiao_context_error *out_error)
{
    char current[512], path[512], text[QIAOI_CONTEXT_BYTES_MAX + 1];
    struct qiao_context context;
    unsigned mode;
    size_t n;
    bool good;

    if (!name_or_path) {
        if (!qiao_context_current(current, sizeof current)) {
            return qiaoi_context_report(out_error, "context", "none is current: import an invitation, or set QIAO_CONTEXT");
        }
        name_or_path = current;
    }
    if (!qiaoi_context_path(name_or_path, path, sizeof path)) {
        return qiaoi_context_report(out_error, name_or_path, "not a name for a context, or no home directory");
    }
    if (!qiaoi_file_read(path, text, sizeof text, &n, &mode)) {
        return qiaoi_context_report(out_error, path, strerror(errno));
    }
    good = qiaoi_context_parse(text, n, path, &context, out_error);
    sodium_memzero(text, sizeof text);
    if (!good) {
        return QIAO_CONTEXT;
    }
    if (context.secret_key[0] != '\0' && (mode & 077) != 0) {
        sodium_memzero(&context, sizeof context);
        return qiaoi_context_report(out_error, path, "others may read this secret key: chmod 600 it");
    }
    name_set(name_or_path, &context);
    state_path_set(name_or_path, &context);
    *out_context = context;
    sodium_memzero(&context, sizeof context);
    return QIAO_OK;
}

enum qiao_status
qiao_context_save(const char *name_or_path, const struct qiao_context *context, bool replace,
                  struct qiao_context_error *out_error)
{
    char path[512], text[QIAOI_CONTEXT_BYTES_MAX];
    size_t n;
    bool written;

    if (!qiaoi_context_check(context, out_error)) {
        return QIAO_CONTEXT;
    }
    if (!qiaoi_context_path(name_or_path, path, sizeof path)) {
        return qiaoi_context_report(out_error, name_or_path, "not a name for a context, or no home directory");
    }
    n = qiaoi_context_format(context, text, sizeof text);
    written = (strchr(name_or_path, '/') || qiaoi_parents_make(path)) && qiaoi_file_write(path, text, n, replace);
    sodium_memzero(text, sizeof text);
    return written ? QIAO_OK : qiaoi_context_report(out_error, path, strerror(errno));
}

enum qiao_status
qiao_context_use(const char *name, struct qiao_context_error *out_error)
{
    struct qiao_context context;
    char place[400], path[512], line[QIAO_CONTEXT_NAME_BYTES + 2];
    enum qiao_status status;
    int n;

    if (!name || !name_is_good(name)) {
        return qiaoi_context_report(out_error, name ? name : "context", "not a name for a context");
    }
    status = qiao_context_load(name, &context, out_error);
    if (status != QIAO_OK) {
        return status;
    }
    sodium_memzero(&context, sizeof context);
    if (!directory(place, sizeof place) || !joined(path, sizeof path, place, "/current", "")) {
        return qiaoi_context_report(out_error, name, "no home directory");
    }
    n = snprintf(line, sizeof line, "%s\n", name);
    return qiaoi_file_write(path, line, (size_t)n, true) ? QIAO_OK : qiaoi_context_report(out_error, path, strerror(errno));
}

/* ------------------------------------------------------------- all of them */

static int
names_compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool
name_add(struct qiao_context_list *list, const char *name)
{
    char **names = realloc(list->names, (list->count + 1) * sizeof *names);

    if (!names) {
        return false;
    }
    list->names = names;
    names[list->count] = strdup(name);
    if (!names[list->count]) {
        return false;
    }
    list->count++;
    return true;
}

enum qiao_status
qiao_context_list(struct qiao_context_list *out_list)
{
    struct qiao_context_list list = {0};
    char place[400], path[512];
    struct dirent *entry;
    bool good = true;
    DIR *names;

    if (!directory(place, sizeof place) || !joined(path, sizeof path, place, "/contexts", "")) {
        return QIAO_CONTEXT;
    }
    names = opendir(path);
    while (names && good && list.count < NAMES_MAX && (entry = readdir(names))) {
        if (name_is_good(entry->d_name)) {
            good = name_add(&list, entry->d_name);
        }
    }
    if (names) {
        closedir(names);
    }
    if (!good) {
        qiao_context_list_free(&list);
        return QIAO_NO_MEMORY;
    }
    if (list.count > 1) {
        qsort(list.names, list.count, sizeof *list.names, names_compare);
    }
    *out_list = list;
    return QIAO_OK;
}

void
qiao_context_list_free(struct qiao_context_list *list)
{
    for (size_t at = 0; at < list->count; at++) {
        free(list->names[at]);
    }
    free(list->names);
    *list = (struct qiao_context_list){0};
}
