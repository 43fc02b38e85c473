/* Folders of jobs: see folder.h. */
#include "folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *
place(void)
{
    const char *said = getenv("TMPDIR");
    return said && *said ? said : "/tmp";
}

bool
folder_make(char *path, size_t size)
{
    if (snprintf(path, size, "%s/qiao-%ld-XXXXXX", place(), (long)getpid()) < (int)size && mkdtemp(path))
        return true;
    *path = '\0';
    return false;
}

static int
entry_remove(const char *path, const struct stat *about, int kind, struct FTW *where)
{
    (void)about, (void)kind, (void)where;
    (void)remove(path);
    return 0;
}

void
folder_remove(const char *path)
{
    (void)nftw(path, entry_remove, 8, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

/* Is it "qiao-", a number, "-" and six more? *out_pid: the number. */
static bool
name_parse(const char *name, pid_t *out_pid)
{
    char *end;
    if (strncmp(name, "qiao-", 5) != 0 || name[5] < '1' || name[5] > '9')
        return false;
    errno = 0;
    long pid = strtol(name + 5, &end, 10);
    *out_pid = (pid_t)pid;
    return errno == 0 && pid == *out_pid && *end == '-' && strlen(end + 1) == 6;
}

unsigned
folder_sweep(void)
{
    unsigned swept = 0;
    DIR *directory = opendir(place());
    struct dirent *entry;
    while (directory && (entry = readdir(directory)) != NULL) {
        char path[512];
        struct stat about;
        pid_t pid;
        /* A number that was given to another process since keeps the folder until that one is gone too. */
        if (!name_parse(entry->d_name, &pid) || kill(pid, 0) == 0 || errno != ESRCH)
            continue;
        if (fstatat(dirfd(directory), entry->d_name, &about, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(about.st_mode) || about.st_uid != geteuid())
            continue;
        if (snprintf(path, sizeof path, "%s/%s", place(), entry->d_name) < (int)sizeof path) {
            folder_remove(path);
            swept++;
        }
    }
    if (directory)
        closedir(directory);
    return swept;
}
