/*
 * The little of SQLite that several files here need: opening with our settings, one-line queries, errors as statuses.
 * Knows no table.
 */
#ifndef STORE_SQL_H
#define STORE_SQL_H

#include <sqlite3.h>

#include "store/store.h"

enum { SQL_APPLICATION_ID = 0x5169616f }; /* "Qiao" */

/* How SQLite works in this process. Before anything else is asked of it; sql_open does it by itself. */
void sql_setup(void);

/* What a failed call means before anything was written: full, read-only, damaged, in use, no memory, or io. */
enum store_status sql_status(int rc);

/* Fill the error from the connection's last message: "<what>: <message>". Returns sql_status(rc). */
enum store_status sql_error(sqlite3 *db, int rc, const char *what, struct store_error *out_error);

enum sql_mode {
    SQL_READ,        /* never writes, never checkpoints, not even on close */
    SQL_WRITE,       /* the file must exist */
    SQL_WRITE_CREATE,
    SQL_MEMORY,      /* no file, the path counts for nothing; this one may be used by two threads */
};

/* For one thread. On failure *out_db is untouched. */
enum store_status sql_open(const char *path, enum sql_mode mode, const char *vfs, sqlite3 **out_db,
                           struct store_error *out_error);
void sql_close(sqlite3 **db_p);

/* Run statements that give no rows. `what` is the subject of the error's sentence. */
enum store_status sql_run(sqlite3 *db, const char *sql, const char *what, struct store_error *out_error);

/* The same with a number put in for the one %lld. */
enum store_status sql_run_number(sqlite3 *db, const char *format, int64_t number, const char *what,
                                 struct store_error *out_error);

/* The first column of the first row; 0 rows leave *out_number alone. */
enum store_status sql_number(sqlite3 *db, const char *sql, int64_t *out_number, struct store_error *out_error);

/* Run a setting and read back that it took. `want` is the text SQLite answers with. */
enum store_status sql_setting(sqlite3 *db, const char *sql, const char *want, struct store_error *out_error);

/* NEWER when the file's format is above ours, DAMAGED when it is not one of ours. */
enum store_status sql_format_check(sqlite3 *db, int format, const char *path, struct store_error *out_error);

/*
 * Is it a file in which nothing was made yet? A start that was killed, or found no room, before its tables were committed
 * leaves an empty file, or one with SQLite's header only: as good as none.
 */
enum store_status sql_is_bare(sqlite3 *db, bool *out_bare, struct store_error *out_error);

/* For who only reads, before anything else is asked: NOT_FOUND in such a file. */
enum store_status sql_made_check(sqlite3 *db, const char *path, struct store_error *out_error);

enum store_status sql_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out_stmt, struct store_error *out_error);

/* Step and reset a statement that gives no row. The SQLite code: SQLITE_DONE when it went well. */
int sql_step(sqlite3_stmt *stmt);

#endif
