/*
 * Runs the fuzz target once over each file of the folders that are named: a corpus as a plain test, without libFuzzer.
 * A file that is named is run too, so that a finding can be looked at in a debugger.
 */
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

enum { FILE_BYTES_MAX = 1 << 20, PATH_BYTES = 4096 };

static unsigned inputs;

static int
file_run(const char *path)
{
    struct stat status;
    FILE *file = fopen(path, "rb");
    if (file == NULL || fstat(fileno(file), &status) != 0 || status.st_size > FILE_BYTES_MAX) {
        perror(path);
        return 66;
    }
    /* A block of exactly that size, so that a sanitizer sees a read beyond it. */
    size_t n = (size_t)status.st_size;
    uint8_t *bytes = malloc(n > 0 ? n : 1);
    if (bytes == NULL) {
        return 71;
    }
    size_t got = fread(bytes, 1, n, file);
    fclose(file);
    fprintf(stderr, "%s\n", path); /* the last one named is the one that failed */
    if (got == n) {
        LLVMFuzzerTestOneInput(bytes, n);
        inputs++;
    }
    free(bytes);
    return got == n ? 0 : 66;
}

static int
folder_run(const char *path)
{
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, NULL, alphasort), code = 0;
    for (int i = 0; i < count; i++) {
        char file[PATH_BYTES];
        snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.' && code == 0) {
            code = file_run(file);
        }
        free(entries[i]);
    }
    free(entries);
    return count < 0 ? 66 : code;
}

int
main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct stat status;
        bool folder = stat(argv[i], &status) == 0 && S_ISDIR(status.st_mode);
        int code = folder ? folder_run(argv[i]) : file_run(argv[i]);
        if (code != 0) {
            return code;
        }
    }
    printf("%u inputs\n", inputs);
    return inputs > 0 ? 0 : 64;
}
