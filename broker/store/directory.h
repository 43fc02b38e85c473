/*
 * The data directory: who holds it, how much room it has, and how far its journal reached when it was last written.
 * Knows file names and the operating system, but no SQL.
 */
#ifndef STORE_DIRECTORY_H
#define STORE_DIRECTORY_H

#include "store/store.h"

enum { DIRECTORY_PATH_BYTES = 1024 };

/* dir/name into out. INVALID when it is too long. */
enum store_status directory_path(const char *dir, const char *name, char out[DIRECTORY_PATH_BYTES],
                                 struct store_error *out_error);

/* Make an empty file that only its owner can read, if there is none: SQLite gives its other files the same mode. */
enum store_status directory_file_make(const char *path, struct store_error *out_error);

bool directory_has(const char *dir, const char *name);

/* NOT_FOUND only where it is known that there is none. */
enum store_status directory_find(const char *dir, const char *name, struct store_error *out_error);

/* Take the directory for this process: a lock that goes with the process, however it ends. *out_fd holds it. */
enum store_status directory_lock(const char *dir, int *out_fd, struct store_error *out_error);
void directory_unlock(int *fd_p);

/* Make the names in it durable; and the bytes of one file in it, if it is there. Not of one that this process has open with SQLite. */
enum store_status directory_sync(const char *dir, struct store_error *out_error);
enum store_status directory_file_sync(const char *dir, const char *name, struct store_error *out_error);

uint64_t directory_bytes_free(const char *dir);
uint64_t directory_file_bytes(const char *dir, const char *name);

/*
 * The witness: a small file that is rewritten after each durable commit, without a sync, with the last sequence. One
 * flipped bit in SQLite's log makes it drop the commits after it without a word; then the journal ends before the
 * witness. After a power cut the witness may be old, which is harmless.
 */
enum store_status witness_open(const char *dir, int *out_fd, struct store_error *out_error);
void witness_write(int fd, uint32_t shard, uint64_t seq);

/* False: there is none, or it is not whole. */
bool witness_read(const char *dir, uint32_t *out_shard, uint64_t *out_seq);

/* BEHIND: a journal that ends at last_seq does not reach as far as its witness. */
enum store_status witness_check(const char *dir, uint64_t last_seq, struct store_error *out_error);

#endif
