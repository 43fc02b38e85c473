/*
 * A copy of a store, taken from outside while the broker may run.
 *
 * History is pinned first (a read transaction), then the journal: so the journal that is copied holds at least what
 * history shows. Should retention have dropped batches in between that history had not seen yet, it is tried again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/engine_sqlite.h"
#include "store/error.h"
#include "store/history.h"
#include "store/seal.h"

enum { PIN_TRIES = 10 };

struct source_pair {
    struct engine_reader *journal;
    struct history_reader *history; /* NULL: the store has none */
    struct engine_state state;
};

static void
pair_close(struct source_pair *pair)
{
    journal_reader_close(&pair->journal);
    history_reader_close(&pair->history);
}

static enum store_status
pair_open(const char *from, struct source_pair *pair, struct store_error *out_error)
{
    char path[DIRECTORY_PATH_BYTES];
    enum store_status status = journal_reader_at(from, &pair->journal, out_error);

    if (status == STORE_OK && directory_has(from, HISTORY_NAME)) {
        status = directory_path(from, HISTORY_NAME, path, out_error);
        if (status == STORE_OK) {
            status = history_reader_open(path, NULL, &pair->history, out_error);
            status = status == STORE_NOT_FOUND ? STORE_OK : status;
        }
    }
    return status;
}

/* Hold one moment of each. *out_fits: nothing is missing between them. */
static enum store_status
pair_pin(struct source_pair *pair, bool *out_fits, struct store_error *out_error)
{
    sqlite3 *journal = journal_reader_db(pair->journal);
    uint64_t mark_seq = UINT64_MAX - 1;
    enum store_status status = STORE_OK;

    if (pair->history != NULL) {
        status = sql_run(history_reader_db(pair->history), "BEGIN", HISTORY_NAME, out_error);
        if (status == STORE_OK) {
            status = history_mark(pair->history, &mark_seq, out_error);
        }
    }
    if (status == STORE_OK) {
        status = sql_run(journal, "BEGIN", JOURNAL_NAME, out_error);
    }
    if (status == STORE_OK) {
        status = journal_state(pair->journal, &pair->state, out_error);
    }
    if (status == STORE_OK) {
        *out_fits = pair->state.first_seq <= mark_seq + 1;
    }
    if (status == STORE_OK && !*out_fits) {
        sqlite3_exec(journal, "ROLLBACK", NULL, NULL, NULL);
        sqlite3_exec(history_reader_db(pair->history), "ROLLBACK", NULL, NULL, NULL);
    }
    return status;
}

static enum store_status
file_copy(sqlite3 *from, const char *dir, const char *name, struct store_error *out_error)
{
    char path[DIRECTORY_PATH_BYTES];
    sqlite3 *to = NULL;
    sqlite3_backup *backup;
    const char *vfs = NULL; /* pages with checksums are copied as such, others not */
    enum store_status status = directory_path(dir, name, path, out_error);
    int rc;

    if (status == STORE_OK) {
        status = directory_file_make(path, out_error);
    }
    if (status == STORE_OK) {
        status = seal_is_on(from) ? seal_vfs(NULL, &vfs, out_error) : STORE_OK;
    }
    if (status == STORE_OK) {
        status = sql_open(path, SQL_WRITE, vfs, &to, out_error);
    }
    if (status != STORE_OK) {
        return status;
    }
    backup = sqlite3_backup_init(to, "main", from, "main");
    if (backup == NULL) {
        status = sql_error(to, sqlite3_errcode(to), path, out_error);
        sql_close(&to);
        return status;
    }
    rc = sqlite3_backup_step(backup, -1);
    sqlite3_backup_finish(backup);
    if (rc != SQLITE_DONE) {
        status = sql_status(rc) == STORE_DAMAGED ? sql_error(from, rc, name, out_error) : sql_error(to, rc, path, out_error);
    }
    sql_close(&to);
    return status;
}

static enum store_status
target_make(const char *to, struct store_error *out_error)
{
    if (mkdir(to, 0700) != 0 && errno != EEXIST) {
        return error_set(out_error, errno == ENOSPC ? STORE_DISK_FULL : STORE_READ_ONLY, "%s: cannot be made: %s", to,
                         strerror(errno));
    }
    if (directory_has(to, JOURNAL_NAME) || directory_has(to, HISTORY_NAME)) {
        return error_set(out_error, STORE_INVALID, "%s: there is a store already; name a folder that is new", to);
    }
    return STORE_OK;
}

enum store_status
store_backup(const char *from, const char *to, uint64_t *out_last_seq, struct store_error *out_error)
{
    struct source_pair pair = {.journal = NULL};
    enum store_status status = pair_open(from, &pair, out_error);
    bool fits = false;
    int fd = -1;

    for (int i = 0; status == STORE_OK && !fits && i < PIN_TRIES; i++) {
        status = pair_pin(&pair, &fits, out_error);
    }
    if (status == STORE_OK && !fits) {
        status = error_set(out_error, STORE_DAMAGED, "%s: history ends before the journal begins", from);
    }
    if (status == STORE_OK) {
        status = target_make(to, out_error);
    }
    if (status == STORE_OK) {
        status = directory_lock(to, &fd, out_error);
    }
    if (status == STORE_OK) {
        status = file_copy(journal_reader_db(pair.journal), to, JOURNAL_NAME, out_error);
    }
    if (status == STORE_OK && pair.history != NULL) {
        status = file_copy(history_reader_db(pair.history), to, HISTORY_NAME, out_error);
    }
    if (status == STORE_OK) {
        status = directory_sync(to, out_error); /* the names of new files must be durable too */
    }
    directory_unlock(&fd);
    pair_close(&pair);
    if (status == STORE_OK && out_last_seq != NULL) {
        *out_last_seq = pair.state.last_seq;
    }
    return status;
}
