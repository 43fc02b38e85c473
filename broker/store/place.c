/*
 * See place.h.
 */
#include "store/place.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "store/directory.h"
#include "store/error.h"
#include "store/seal.h"

enum store_status
place_old_error(enum store_status status, struct store_error *out_error)
{
    if (status == STORE_IO && out_error != NULL) {
        size_t n = strlen(out_error->text);
        snprintf(out_error->text + n, sizeof(out_error->text) - n,
                 ". The old history stays as it is. Try again; or move history.db away to go on without what only it has.");
    }
    return status;
}

static enum store_status
file_remove(const char *dir, const char *name, struct store_error *out_error)
{
    char path[DIRECTORY_PATH_BYTES];
    enum store_status status = directory_path(dir, name, path, out_error);

    if (status == STORE_OK && unlink(path) != 0 && errno != ENOENT) {
        status = error_set(out_error, STORE_IO, "%s: %s", path, strerror(errno));
    }
    return status;
}

enum store_status
place_clear(const char *dir, struct store_error *out_error)
{
    static const char *const names[] = {PLACE_NAME, PLACE_NAME "-wal", PLACE_NAME "-shm"};
    enum store_status status = STORE_OK;

    for (size_t i = 0; status == STORE_OK && i < sizeof(names) / sizeof(names[0]); i++) {
        status = file_remove(dir, names[i], out_error);
    }
    return status;
}

/* Without a look at the file SQLite does not know of its log: a checkpoint moves nothing then, and says that all went well. */
static enum store_status
log_move(sqlite3 *db, struct store_error *out_error)
{
    int64_t tables;
    int log = -1, moved = -1, rc;
    enum store_status status = sql_number(db, "SELECT count(*) FROM sqlite_schema", &tables, out_error);

    if (status != STORE_OK) {
        return status;
    }
    rc = sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, &log, &moved);
    if (rc != SQLITE_OK) {
        return sql_error(db, rc, "history.db: moving its log into the file", out_error);
    }
    if (log != 0 || moved != 0) {
        return error_set(out_error, STORE_IO, "history.db: its log was not moved into the file (%d pages, %d moved)", log, moved);
    }
    return STORE_OK;
}

/*
 * The old log goes before the new file comes: SQLite would read it into the new file. A power loss between the two must leave
 * the old file whole, so what its log holds is moved into it first. (If it is too damaged for that, nothing is lost with it.)
 */
static enum store_status
old_log_settle(const char *dir, struct store_error *out_error)
{
    char path[DIRECTORY_PATH_BYTES];
    sqlite3 *db = NULL;
    struct store_error error = {.status = STORE_OK};
    enum store_status status = directory_find(dir, HISTORY_NAME "-wal", &error);

    if (status == STORE_OK) {
        status = directory_find(dir, HISTORY_NAME, &error);
    }
    if (status == STORE_OK) {
        status = directory_path(dir, HISTORY_NAME, path, &error);
    }
    if (status == STORE_OK) {
        status = history_connect(path, SQL_WRITE, NULL, &db, &error);
    }
    if (status == STORE_OK) {
        seal_forgive(db);
        status = log_move(db, &error);
    }
    if (db != NULL) {
        sql_close(&db);
    }
    if (status == STORE_OK || status == STORE_NOT_FOUND || status == STORE_DAMAGED) {
        return STORE_OK;
    }
    if (out_error != NULL) {
        *out_error = error;
    }
    return place_old_error(status, out_error);
}

enum store_status
place_take(const char *dir, struct store_error *out_error)
{
    char from[DIRECTORY_PATH_BYTES], to[DIRECTORY_PATH_BYTES];
    enum store_status status = directory_path(dir, PLACE_NAME, from, out_error);

    if (status == STORE_OK) {
        status = directory_path(dir, HISTORY_NAME, to, out_error);
    }
    if (status == STORE_OK) {
        status = old_log_settle(dir, out_error);
    }
    if (status == STORE_OK) {
        status = file_remove(dir, HISTORY_NAME "-wal", out_error);
    }
    if (status == STORE_OK) {
        status = file_remove(dir, HISTORY_NAME "-shm", out_error);
    }
    if (status == STORE_OK && rename(from, to) != 0) {
        status = error_set(out_error, STORE_IO, "%s: %s", to, strerror(errno));
    }
    return status == STORE_OK ? directory_sync(dir, out_error) : status;
}
