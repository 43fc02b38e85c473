/*
 * A file system for SQLite above another one: what all of ours (gather.h, bypass.h, seal.h) share. Everything goes to the one below, and what is
 * not passed on is the layer's own.
 */
#ifndef STORE_PASS_H
#define STORE_PASS_H

#include <sqlite3.h>

#include "store/store.h"

/* A file of a layer begins with it. The file of the file system below lies behind the layer's in the same memory. */
struct pass_file {
    sqlite3_file base;
    sqlite3_file *lower;
};

struct pass_layer {
    const char *name;
    int file_bytes; /* of its own files; a multiple of 8 */
    int (*open)(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags);
};

/* The layer above the file system of that name (NULL: the default). Registered once per process; for all threads. */
enum store_status pass_vfs(const struct pass_layer *layer, const char *lower, const char **out_name, struct store_error *out_error);

/* For a layer's open: a file that it leaves alone; or one of its own, zeroed but for its beginning. */
int pass_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags);
int pass_open_own(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, const sqlite3_io_methods *methods, int flags, int *out_flags);

/* Any number of bytes, in writes that the file system below can make in one. */
int pass_write_long(sqlite3_file *lower, const uint8_t *p, int n, sqlite3_int64 at);

/* Methods that do what the file below does. */
int pass_close(sqlite3_file *file);
int pass_truncate(sqlite3_file *file, sqlite3_int64 size);
int pass_sync(sqlite3_file *file, int flags);
int pass_size(sqlite3_file *file, sqlite3_int64 *out_size);
int pass_lock(sqlite3_file *file, int lock);
int pass_unlock(sqlite3_file *file, int lock);
int pass_check_reserved_lock(sqlite3_file *file, int *out);
int pass_control(sqlite3_file *file, int op, void *arg);
int pass_sector_size(sqlite3_file *file);
int pass_characteristics(sqlite3_file *file);
int pass_shm_map(sqlite3_file *file, int page, int page_bytes, int extend, void volatile **out);
int pass_shm_lock(sqlite3_file *file, int offset, int n, int flags);
void pass_shm_barrier(sqlite3_file *file);
int pass_shm_unmap(sqlite3_file *file, int remove);

#endif
