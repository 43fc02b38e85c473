/*
 * history.db made anew from the journal. Rows whose events the journal no longer has are taken over from the old file.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "store/engine_sqlite.h"
#include "store/error.h"
#include "store/event.h"
#include "store/history.h"
#include "store/place.h"
#include "store/projector.h"
#include "store/seal.h"
#include "store/source.h"
#include "store/trail.h"

enum { ROUND_EVENTS_MAX = 1 << 16, CACHE_BYTES_MAX = 64 << 20, LOG_BYTES_MAX = 32 << 20 };

struct rebuild {
    struct source source;
    struct trail trail;
    struct history *history;
    struct history_reader *old; /* NULL: nothing of it is needed, or it cannot be read */
    uint64_t old_mark_seq;
    struct engine_state state;
    uint64_t rows;
    uint64_t lost;             /* rows of the old file that are not whole */
    struct store_error why;    /* the first thing of it that could not be taken over */
    enum store_status written; /* how the new file takes them */
};

static void
lost_note(struct rebuild *rebuild, const struct store_error *why)
{
    if (rebuild->why.status == STORE_OK) {
        rebuild->why = *why;
    }
}

/* ------------------------------------------------------------- the old file */

/* A row of the old file, as it was. */
static enum store_status
row_add(struct rebuild *rebuild, const struct store_finished *finished, struct store_error *out_error)
{
    struct event_glance event;
    struct history_row row;

    if (!event_look(finished->event, finished->event_n, &event)) {
        struct store_error why;
        error_set_seq(&why, STORE_DAMAGED, finished->seq, "history.db: request %llu does not decode", (unsigned long long)finished->id);
        lost_note(rebuild, &why);
        rebuild->lost++;
        return STORE_OK;
    }
    row = (struct history_row){
        .id = finished->id,
        .seq = finished->seq,
        .at_us = finished->finished_us,
        .status = finished->status,
        .service = event.service,
        .requester = event.requester,
        .performer = event.performer,
        .event = finished->event,
        .event_n = finished->event_n,
        .trail = finished->trail,
        .trail_n = finished->trail_n,
    };
    rebuild->rows++;
    rebuild->written = history_add(rebuild->history, &row, out_error);
    return rebuild->written;
}

/* A row that is not whole may be of any time: it counts as lost. */
static enum store_status
old_row(void *context, uint64_t id, const struct store_finished *row, const struct store_error *why, struct store_error *out_error)
{
    struct rebuild *rebuild = context;

    if (why->status != STORE_OK) {
        lost_note(rebuild, why);
        rebuild->lost += row == NULL;
    }
    return row != NULL && row->seq < rebuild->state.first_seq ? row_add(rebuild, row, out_error) : STORE_OK;
}

/* *out_broken: a damaged page ended the walk. */
static enum store_status
old_walk(struct rebuild *rebuild, bool backwards, bool *out_broken, struct store_error *out_error)
{
    struct store_error error;
    enum store_status status = history_walk(rebuild->old, backwards, old_row, rebuild, &error);

    *out_broken = status == STORE_DAMAGED && rebuild->written == STORE_OK;
    if (*out_broken) {
        lost_note(rebuild, &error);
        return STORE_OK;
    }
    if (status != STORE_OK && out_error != NULL) {
        *out_error = error;
    }
    return rebuild->written == STORE_OK ? place_old_error(status, out_error) : status;
}

/* Rows of requests that ended before the journal begins. What lies behind a damaged page is reached from the other end. */
static enum store_status
old_rows_take_over(struct rebuild *rebuild, struct store_error *out_error)
{
    bool broken = false;
    enum store_status status;

    if (rebuild->old == NULL) {
        return STORE_OK;
    }
    status = history_begin(rebuild->history, out_error);
    if (status == STORE_OK) {
        status = old_walk(rebuild, false, &broken, out_error);
    }
    if (status == STORE_OK && broken) {
        status = old_walk(rebuild, true, &broken, out_error);
    }
    return status == STORE_OK ? history_commit(rebuild->history, rebuild->state.first_seq - 1, out_error) : status;
}

/* Where part of the trail was pruned, the old row knows more. NOT_FOUND: it has none, or none that is whole. */
static enum store_status
trail_take_over(struct rebuild *rebuild, uint64_t id, uint64_t seq, struct store_error *out_error)
{
    struct store_error why = {.status = STORE_OK};
    struct store_finished finished;
    enum store_status status = rebuild->old != NULL ? history_get(rebuild->old, id, &finished, &why) : STORE_NOT_FOUND;

    if (status == STORE_OK) {
        return row_add(rebuild, &finished, out_error);
    }
    if (status == STORE_DAMAGED || status == STORE_NOT_FOUND) {
        if (rebuild->old != NULL && seq <= rebuild->old_mark_seq) {
            lost_note(rebuild, &why);
            rebuild->lost++;
        }
        return STORE_NOT_FOUND;
    }
    if (out_error != NULL) {
        *out_error = why;
    }
    return place_old_error(status, out_error);
}

/*
 * SQLite's own look at its pages, and that of their checksums: rows that are out of reach come in no walk. SQLite tells a page that it
 * could not read among those that are damaged, by these words.
 */
static enum store_status
old_pages_look(struct rebuild *rebuild, struct store_error *out_error)
{
    sqlite3 *db = history_reader_db(rebuild->old);
    sqlite3_stmt *stmt = NULL;
    enum store_status status = sql_prepare(db, "PRAGMA quick_check(1)", &stmt, out_error);
    int rc = SQLITE_DONE;
    uint32_t page;

    if (status == STORE_OK) {
        rc = sqlite3_step(stmt);
    }
    if (rc == SQLITE_ROW) {
        const char *line = (const char *)sqlite3_column_text(stmt, 0);
        bool unread = line == NULL || strstr(line, "unable to get the page") != NULL || strstr(line, "failed to get page") != NULL;
        if (line == NULL || strcmp(line, "ok") != 0) {
            const char *end = line != NULL ? strchr(line, '\n') : NULL; /* of a line that only names the database */
            line = end != NULL ? end + 1 : line;
            status = error_set(out_error, unread ? STORE_IO : STORE_DAMAGED, HISTORY_NAME ": %s", line != NULL ? line : "no memory");
        }
    } else if (rc != SQLITE_DONE) {
        status = sql_error(db, rc, HISTORY_NAME, out_error);
    }
    sqlite3_finalize(stmt);
    page = seal_broken_page(db);
    if (page != 0 && (status == STORE_OK || status == STORE_DAMAGED)) {
        status = error_set(out_error, STORE_DAMAGED, HISTORY_NAME ": page %u fails its checksum", page);
    }
    return status;
}

static enum store_status
old_open(struct rebuild *rebuild, const char *dir, struct store_error *out_error)
{
    char path[DIRECTORY_PATH_BYTES];
    struct store_error why = {.status = STORE_OK};
    enum store_status status = directory_path(dir, HISTORY_NAME, path, &why);

    if (status == STORE_OK) {
        status = directory_find(dir, HISTORY_NAME, &why);
    }
    if (status == STORE_OK) {
        status = history_reader_open_forgiving(path, &rebuild->old, &why);
    }
    if (status == STORE_OK) {
        status = history_mark(rebuild->old, &rebuild->old_mark_seq, &why);
    }
    if (status == STORE_OK && rebuild->old_mark_seq + 1 < rebuild->state.first_seq) {
        status = error_set(&why, STORE_DAMAGED, "it ends at event %llu", (unsigned long long)rebuild->old_mark_seq);
    }
    if (status == STORE_OK) {
        status = old_pages_look(rebuild, &why);
    }
    /* An old file that is damaged is why one rebuilds; one that a newer Qiao wrote, or that cannot be read now, is not. */
    if (status == STORE_DAMAGED || status == STORE_NOT_FOUND) {
        lost_note(rebuild, &why);
        return STORE_OK;
    }
    if (status != STORE_OK && out_error != NULL) {
        *out_error = why;
    }
    return place_old_error(status, out_error);
}

/* ------------------------------------------------------------- the journal */

static enum store_status
event_rebuild(struct rebuild *rebuild, uint64_t seq, const uint8_t *p, uint32_t n, struct store_error *out_error)
{
    struct event_glance event;

    if (rebuild->state.first_seq > 1 && event_look(p, n, &event) && event_is_terminal(&event)) {
        enum store_status status = trail_collect(&rebuild->trail, &rebuild->source, event.id, event.prev, out_error);
        if (status == STORE_OK && rebuild->trail.pruned) {
            status = trail_take_over(rebuild, event.id, seq, out_error);
            if (status != STORE_NOT_FOUND) {
                return status;
            }
            status = STORE_OK;
        }
        if (status != STORE_OK) {
            return status;
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
    if (status == STORE_OK && rebuild->state.first_seq > 1) {
        status = old_open(rebuild, dir, out_error);
    }
    if (status == STORE_OK) {
        status = place_clear(dir, out_error);
    }
    if (status == STORE_OK) {
        status = directory_path(dir, PLACE_NAME, path, out_error);
    }
    return status == STORE_OK ? history_open(path, NULL, &rebuild->history, &mark_seq, out_error) : status;
}

/* What the operator must know of a rebuild that went well. */
static void
lost_tell(const struct rebuild *rebuild, struct store_error *out_lost)
{
    *out_lost = (struct store_error){.status = STORE_OK};
    if (rebuild->why.status != STORE_OK) {
        error_set_seq(out_lost, STORE_DAMAGED, rebuild->state.first_seq,
                      "the old history was not whole: requests that ended before event %llu are missing where it alone had them, or their"
                      " trails are (%llu rows seen that are not whole); first: %s",
                      (unsigned long long)rebuild->state.first_seq, (unsigned long long)rebuild->lost, rebuild->why.text);
    }
}

/* All of the new file, and it alone. */
static enum store_status
new_file_make(struct rebuild *rebuild, const char *dir, struct store_error *out_error)
{
    enum store_status status = rebuild_open(rebuild, dir, out_error);
    bool all = false;

    if (status == STORE_OK) {
        status = old_rows_take_over(rebuild, out_error);
    }
    if (status == STORE_OK) {
        status = journal_rebuild(rebuild, out_error);
    }
    if (status == STORE_OK) {
        status = history_checkpoint(rebuild->history, &all, out_error);
    }
    if (status == STORE_OK && !all) {
        status = error_set(out_error, STORE_IO, "%s/" PLACE_NAME ": its log cannot be moved into the file", dir);
    }
    history_close(&rebuild->history);
    history_reader_close(&rebuild->old);
    trail_fini(&rebuild->trail);
    source_fini(&rebuild->source);
    return status == STORE_OK ? directory_sync(dir, out_error) : status;
}

enum store_status
store_history_rebuild(const char *dir, uint64_t *out_rows, struct store_error *out_lost, struct store_error *out_error)
{
    struct rebuild rebuild = {.rows = 0};
    enum store_status status = directory_find(dir, JOURNAL_NAME, out_error);
    int fd = -1;

    if (status == STORE_NOT_FOUND) {
        status = witness_check(dir, 0, out_error);
        return status != STORE_OK ? status : error_set(out_error, STORE_NOT_FOUND, "%s: no store here", dir);
    }
    if (status == STORE_OK) {
        status = directory_lock(dir, &fd, out_error);
    }
    if (status != STORE_OK) {
        return status;
    }
    status = new_file_make(&rebuild, dir, out_error);
    if (status == STORE_OK) {
        status = place_take(dir, out_error);
    }
    if (status != STORE_OK) {
        place_clear(dir, NULL);
    } else {
        if (out_rows != NULL) {
            *out_rows = rebuild.rows;
        }
        if (out_lost != NULL) {
            lost_tell(&rebuild, out_lost);
        }
    }
    directory_unlock(&fd);
    return status;
}
