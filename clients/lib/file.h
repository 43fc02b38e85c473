/* Small files: read whole, written all or nothing with mode 0600. errno says what went wrong. */
#ifndef QIAOI_FILE_H
#define QIAOI_FILE_H

#include <stdbool.h>
#include <stddef.h>

/* At most size bytes; a longer file, or one that is no plain file, is an error. *out_mode (may be NULL): its permission bits. */
bool qiaoi_file_read(const char *path, char *out_bytes, size_t size, size_t *out_n, unsigned *out_mode);

/* Written beside it first, synced, then renamed; without `replace` an existing file is left alone (EEXIST). */
bool qiaoi_file_write(const char *path, const char *bytes, size_t n, bool replace);

/* Make the directories above a path, mode 0700. */
bool qiaoi_parents_make(const char *path);

#endif
