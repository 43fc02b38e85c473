/*
 * A file system for SQLite that seals the pages of a database: the last 8 bytes of each page of the file (SQLite's reserved bytes, which
 * it leaves alone) hold a checksum over the page's number and its other bytes. It is set when a page is written to the file, and looked
 * at when one is read from it: one that is broken, zeroed, missing or another's is SQLITE_CORRUPT.
 *
 * Everything but the database's main file passes through untouched: SQLite has checksums of its own for its log.
 *
 * - A file says by the count of reserved bytes in its first page whether its pages are sealed. Others are read and written as they are.
 * - Whoever writes to a sealed file without this layer leaves pages that do not hold. Reading it without is well.
 * - A page that was whole at an earlier time holds: a write that the disk lost is not seen.
 */
#ifndef STORE_SEAL_H
#define STORE_SEAL_H

#include <sqlite3.h>

#include "store/store.h"

/* The name of the file system that seals above the one of that name (NULL: the default). Registered once per process; for all threads. */
enum store_status seal_vfs(const char *lower, const char **out_name, struct store_error *out_error);

/* What follows does nothing, and answers no or 0, where the connection is not by this layer. */

/* The pages will be sealed. In an empty database, after its page size is set and before its first page is made. */
void seal_begin(sqlite3 *db);

bool seal_is_on(sqlite3 *db);

/* For who saves what can be saved: from now on pages that do not hold are given as they are. */
void seal_forgive(sqlite3 *db);

/* The first page that did not hold since this was last asked; 0: all did. */
uint32_t seal_broken_page(sqlite3 *db);

#endif
