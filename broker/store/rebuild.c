/*
 * history.db made anew from the journal. Rows whose events the journal no longer has are taken over from the old file.
 */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/engine_sqlite.h"
#include "store/error.h"
#include "store/event.h"
#include "store/history.h"
#include "store/projector.h"
#include "store/source.h"
#include "store/trail.h"

#define NEW_NAME "history.new"

enum { ROUND_EVENTS_MAX = 1 << 16, CACHE_BYTES_MAX = 64 << 20, LOG_BYTES_MAX = 32 << 20 };

struct rebuild {
    struct source source;
    struct trail trail;
    struct history *history;
    struct history_reader *old; /* NULL: there is none that can be read */
    struct engine_state state;
    uint64_t rows;
};

/* A row of the old file, as it was. NOT_FOUND where it has none that is whole. */
static enum store_status
row_take_over(struct rebuild *rebuild, uint64_t id, struct store_error *out_error)
{
    struct store_finished finished;
    struct event_glance event;
    struct history_row row;
    enum store_status status;

    if (rebuild->old == NULL) {
        return STORE_NOT_FOUND;
    }
    status = history_get(rebuild->old, id, &finished, out_error);
    if (status == STORE_DAMAGED || (status == STORE_OK && !event_look(finished.event, finished.event_n, &event))) {
        return STORE_NOT_FOUND;
    }
    if (status != STORE_OK) {
        return status;
    }
    row = (struct history_row){
        .id = id,
        .seq = finished.seq,
        .at_us = finished.finished_us,
        .status = finished.status,
        .service = event.service,
        .requester = event.requester,
        .performer = event.performer,
        .event = finished.event,
        .event_n = finished.event_n,
        .trail = finished.trail,
        .trail_n = finished.trail_n,
    };
    rebuild->rows++;
    return history_add(rebuild->history, &row, out_error);
}

/* Rows of requests that ended before the journal begins. */
static enum store_status
old_rows_take_over(struct rebuild *rebuild, struct store_error *out_error)
{
    sqlite3_stmt *stmt = NULL;
    enum store_status status;
    int rc = SQLITE_DONE;

    if (rebuild->old == NULL || rebuild->state.first_seq <= 1) {
        return STORE_OK;
    }
    status = sql_prepare(history_reader_db(rebuild->old), "SELECT id FROM finished WHERE seq < ?1", &stmt, out_error);
    if (status != STORE_OK) {
        return status;
    }
    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)rebuild->state.first_seq);
    status = history_begin(rebuild->history, out_error);
    while (status == STORE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        status = row_take_over(rebuild, (uint64_t)sqlite3_column_int64(stmt, 0), out_error);
        status = status == STORE_NOT_FOUND ? STORE_OK : status;
    }
    /* Behind a damaged page nothing can be taken over. */
    if (status == STORE_OK && rc != SQLITE_DONE && sql_status(rc) != STORE_DAMAGED) {
        status = sql_error(history_reader_db(rebuild->old), rc, "history.db: reading old rows", out_error);
    }
    sqlite3_finalize(stmt);
    return status == STORE_OK ? history_commit(rebuild->history, rebuild->state.first_seq - 1, out_error) : status;
}

static enum store_status
event_rebuild(struct rebuild *rebuild, uint64_t seq, const uint8_t *p, uint32_t n, struct store_error *out_error)
{
    struct event_glance event;

    /* Where part of the trail was pruned, the old row knows more. */
    if (rebuild->state.first_seq > 1 && event_look(p, n, &event) && event_is_terminal(&event)) {
        enum store_status status = trail_collect(&rebuild->trail, &rebuild->source, event.id, event.prev, out_error);
        if (status == STORE_OK && rebuild->trail.cut) {
            status = row_take_over(rebuild, event.id, out_error);
        }
        if (status != STORE_OK && status != STORE_NOT_FOUND) {
            return status;
        }
        if (status == STORE_OK && rebuild->trail.cut) {
            return STORE_OK;
        }
    }
    return projector_event(rebuild->history, &rebuild->source, &rebuild->trail, seq, p, n, &rebuild->rows, out_error);
}

static enum store_status
batch_rebuild(struct rebuild *rebuild, uint64_t seq, uint64_t *out_next, struct store_error *out_error)
{
    struct batch *batch = NULL;
    enum store_status status = source_batch(&rebuild->source, seq, &batch, out_error);

    if (status != STORE_OK) {
        return status;
    }
    batch_ref(batch);
    for (uint64_t at = batch->seq; status == STORE_OK && at < batch->seq + batch->n; at++) {
        const uint8_t *p;
        uint32_t n;
        if (!batch_event(batch, at, &p, &n)) {
            status = error_set_seq(out_error, STORE_DAMAGED, at, "event %llu in batch %llu fails its checksum",
                                   (unsigned long long)at, (unsigned long long)batch->seq);
        } else {
            status = event_rebuild(rebuild, at, p, n, out_error);
        }
    }
    *out_next = batch->seq + batch->n;
    batch_unref(&batch);
    return status;
}

static enum store_status
journal_rebuild(struct rebuild *rebuild, struct store_error *out_error)
{
    uint64_t next = rebuild->state.first_seq;
    enum store_status status = STORE_OK;
    bool all;

    while (status == STORE_OK && next <= rebuild->state.last_seq) {
        uint64_t end = next + ROUND_EVENTS_MAX;
        status = history_begin(rebuild->history, out_error);
        while (status == STORE_OK && next <= rebuild->state.last_seq && next < end) {
            status = batch_rebuild(rebuild, next, &next, out_error);
        }
        if (status == STORE_OK) {
            status = history_commit(rebuild->history, next - 1, out_error);
        }
        if (status == STORE_OK && history_log_bytes(rebuild->history) > LOG_BYTES_MAX) {
            status = history_checkpoint(rebuild->history, &all, out_error);
        }
    }
    /* The mark, also where the journal was pruned to nothing. */
    if (status == STORE_OK) {
        status = history_begin(rebuild->history, out_error);
    }
    return status == STORE_OK ? history_commit(rebuild->history, rebuild->state.last_seq, out_error) : status;
}

static void
file_remove(const char *dir, const char *name)
{
    char path[DIRECTORY_PATH_BYTES];

    if (directory_path(dir, name, path, NULL) == STORE_OK) {
        unlink(path);
    }
}

static void
new_file_remove(const char *dir)
{
    file_remove(dir, NEW_NAME);
    file_remove(dir, NEW_NAME "-wal");
    file_remove(dir, NEW_NAME "-shm");
}

/*
 * The old log goes before the new file comes: SQLite would read it into the new file. A power loss between the two must leave
 * the old file whole, so what its log holds is moved into it first. (If it is too damaged for that, nothing is lost with it.)
 */
static void
old_log_settle(const char *path)
{
    sqlite3 *db = NULL;

    if (sql_open(path, SQL_WRITE, NULL, &db, NULL) == STORE_OK) {
        sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    }
    if (db != NULL) {
        sql_close(&db);
    }
}

/* The new file takes the old one's place, whole or not at all. */
static enum store_status
new_file_place(const char *dir, struct store_error *out_error)
{
    char from[DIRECTORY_PATH_BYTES], to[DIRECTORY_PATH_BYTES];
    enum store_status status = directory_path(dir, NEW_NAME, from, out_error);

    if (status == STORE_OK) {
        status = directory_path(dir, HISTORY_NAME, to, out_error);
    }
    if (status != STORE_OK) {
        return status;
    }
    if (directory_has(dir, HISTORY_NAME "-wal")) {
        old_log_settle(to);
    }
    file_remove(dir, HISTORY_NAME "-wal");
    file_remove(dir, HISTORY_NAME "-shm");
    if (rename(from, to) != 0) {
        return error_set(out_error, STORE_IO, "%s: %s", to, strerror(errno));
    }
    return directory_sync(dir, out_error);
}

/*
 * What a broker that was killed left in the log may not have reached the disk. History must not hold it before it has: after a
 * power loss it would be ahead of the journal, and the store refused.
 */
static enum store_status
journal_sync(const char *dir, struct store_error *out_error)
{
    enum store_status status = directory_file_sync(dir, JOURNAL_NAME "-wal", out_error);

    if (status == STORE_OK) {
        status = directory_file_sync(dir, JOURNAL_NAME, out_error);
    }
    return status == STORE_OK ? directory_sync(dir, out_error) : status;
}

static enum store_status
rebuild_open(struct rebuild *rebuild, const char *dir, struct store_error *out_error)
{
    char path[DIRECTORY_PATH_BYTES];
    uint64_t mark_seq;
    enum store_status status = journal_sync(dir, out_error);

    rebuild->source.ops = &engine_sqlite;
    cache_init(&rebuild->source.cache, CACHE_BYTES_MAX);
    trail_init(&rebuild->trail);
    if (status == STORE_OK) {
        status = journal_reader_at(dir, &rebuild->source.reader, out_error);
    }
    if (status == STORE_OK) {
        status = journal_state(rebuild->source.reader, &rebuild->state, out_error);
    }
    if (status == STORE_OK) {
        status = directory_path(dir, HISTORY_NAME, path, out_error);
    }
    /* An old file that cannot be read is why one rebuilds. */
    if (status == STORE_OK && directory_has(dir, HISTORY_NAME)) {
        struct store_error why;
        if (history_reader_open(path, NULL, &rebuild->old, &why) != STORE_OK) {
            rebuild->old = NULL;
        }
    }
    if (status == STORE_OK) {
        new_file_remove(dir);
        status = directory_path(dir, NEW_NAME, path, out_error);
    }
    return status == STORE_OK ? history_open(path, NULL, &rebuild->history, &mark_seq, out_error) : status;
}

enum store_status
store_history_rebuild(const char *dir, uint64_t *out_rows, struct store_error *out_error)
{
    struct rebuild rebuild = {.rows = 0};
    enum store_status status;
    bool all = false;
    int fd = -1;

    if (!directory_has(dir, JOURNAL_NAME)) {
        return error_set(out_error, STORE_NOT_FOUND, "%s: no store here", dir);
    }
    status = directory_lock(dir, &fd, out_error);
    if (status != STORE_OK) {
        return status;
    }
    status = rebuild_open(&rebuild, dir, out_error);
    if (status == STORE_OK) {
        status = old_rows_take_over(&rebuild, out_error);
    }
    if (status == STORE_OK) {
        status = journal_rebuild(&rebuild, out_error);
    }
    if (status == STORE_OK) {
        status = history_checkpoint(rebuild.history, &all, out_error);
    }
    if (status == STORE_OK && !all) {
        status = error_set(out_error, STORE_IO, "%s/" NEW_NAME ": its log cannot be moved into the file", dir);
    }
    history_close(&rebuild.history);
    history_reader_close(&rebuild.old);
    trail_fini(&rebuild.trail);
    source_fini(&rebuild.source);
    if (status == STORE_OK) {
        status = directory_sync(dir, out_error);
    }
    if (status == STORE_OK) {
        status = new_file_place(dir, out_error);
    }
    if (status != STORE_OK) {
        new_file_remove(dir);
    } else if (out_rows != NULL) {
        *out_rows = rebuild.rows;
    }
    directory_unlock(&fd);
    return status;
}
