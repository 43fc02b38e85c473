/* Data files of the providers: see data.h. */
#include "common/data.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { FOLDER_BYTES = PATH_MAX - 256 };

const char *
data_path(const char *name)
{
    static char path[PATH_MAX];
    char folder[FOLDER_BYTES];
    ssize_t n = readlink("/proc/self/exe", folder, sizeof folder - 1);
    if (n <= 0)
        n = snprintf(folder, sizeof folder, ".");
    folder[n] = '\0';
    char *slash = strrchr(folder, '/');
    if (slash)
        *slash = '\0';
    snprintf(path, sizeof path, "%s/%.128s", folder, name);
    if (access(path, R_OK) != 0)
        snprintf(path, sizeof path, "%s/../share/qiao/%.128s", folder, name);
    return path;
}
