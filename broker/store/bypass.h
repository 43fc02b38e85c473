/*
 * A file system for SQLite by which the pages that a checkpoint moves from the log into the database go to the disk in long writes,
 * past the page cache (O_DIRECT).
 *
 * SQLite writes them one by one, in the order of their numbers. A journal only grows: in the page cache its pages take memory that
 * nobody reads, and copying them there costs more than all else of a checkpoint (tests/bench/RESULTS.md). Everything but the database's
 * main file passes through untouched.
 *
 * Only for the one connection that writes, in WAL mode. What is held back is written before the file is synced, cut, read, sized or
 * unlocked, and before SQLite says that its checkpoint is done (SQLITE_FCNTL_CKPT_DONE): only after that others read these pages from
 * the file and not from the log (walCheckpoint in its wal.c; test_bypass.c stands in the sync and looks).
 *
 * - Nothing is held back in a checkpoint that a reader keeps from moving all of the log. SQLite asks for no answer after its last
 *   page then, and tells others at once that the pages are in the file. It cuts and syncs the file where all is moved, and hears of a
 *   write that failed. That a reader stands in the way is seen in the locks of the log's index (in SQLite's documents of the WAL format).
 * - Short runs of pages, and all of them where the file system knows no O_DIRECT, are written as SQLite would.
 * - A long write that fails is made again in SQLite's way, whose answer counts. A sync is never made again.
 * - A failure where SQLite asks for no answer is the answer of its next call. If there is none, as when a foreign writer has made the log
 *   longer meanwhile, others may read pages that were never written: bypass_failed says so after a checkpoint, and then only a start that
 *   nobody else has the file open at makes it whole, from the log.
 * - It is closed after all other connections of this process to the file: its descriptor takes their locks along.
 * - Memory: BYPASS_BYTES a file at most, once it has been needed; where there is none, as SQLite would (B1).
 */
#ifndef STORE_BYPASS_H
#define STORE_BYPASS_H

#include <sqlite3.h>

#include "store/store.h"

enum { BYPASS_BYTES = 1 << 20 };

/* The name of the file system that bypasses above the one of that name (NULL: the default). Registered once per process; for all threads. */
enum store_status bypass_vfs(const char *lower, const char **out_name, struct store_error *out_error);

/* A failure that SQLite was not told of. False where this connection's pages do not go this way, whatever lies above it. */
bool bypass_failed(sqlite3 *db);

#endif
