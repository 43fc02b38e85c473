/*
 * A file system for SQLite that gathers what a commit writes to the log (`-wal`) and writes it in one when the log is synced.
 *
 * SQLite writes each frame in two, a header of 24 bytes and a page; a large batch is dozens of small writes. Everything but a
 * log passes through untouched, to the very file of the file system below.
 *
 * Only for the one connection that writes, with synchronous=FULL: SQLite then writes the frames of a commit, syncs the log, and only
 * after that tells of them in the shared index, where others learn how far they may read (walFrames in its wal.c; test_gather.c stands
 * in the sync and looks). So nobody misses what is still gathered. Where the file system below does not promise
 * SQLITE_IOCAP_POWERSAFE_OVERWRITE, SQLite fills the log's last sector up after the sync: there nothing is gathered.
 *
 * - What SQLite reads back by this connection is what it wrote. The order of writes to different places is kept.
 * - The first failure of a write or a sync is final: nothing is written or synced after it, however often it is asked for (D3).
 * - What was not synced when the file is closed was taken back, and is dropped.
 * - Memory: GATHER_BYTES_MAX at most; more is written through, as it is when there is none (B1).
 */
#ifndef STORE_GATHER_H
#define STORE_GATHER_H

#include <sqlite3.h>

#include "store/store.h"

enum { GATHER_BYTES_MAX = 4 << 20 };

/* The name of the file system that gathers above the one of that name (NULL: the default). Registered once per process; for all threads. */
enum store_status gather_vfs(const char *lower, const char **out_name, struct store_error *out_error);

/* Drop what is gathered for this connection's log; its writes and syncs fail from now on. Nothing where nothing is gathered. */
void gather_stop(sqlite3 *db);

#endif
