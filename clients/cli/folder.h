/* The folder that a command's body and result lie in: one per job, named after the process that made it. */
#ifndef QIAO_CLI_FOLDER_H
#define QIAO_CLI_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

/* A new one for this user only, under $TMPDIR or /tmp. False with errno. */
bool folder_make(char *path, size_t size);

/* With everything in it. */
void folder_remove(const char *path);

/* Remove the folders of this user's processes that are gone: one that was killed could not clean up. Returns how many. */
unsigned folder_sweep(void);

#endif
