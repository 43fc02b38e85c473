/*
 * The reading half of history.db: connections, and one request. Pages of them are in history_list.c.
 */
#include "store/history_reader.h"

#include <stdlib.h>

#include "store/error.h"
#include "store/seal.h"

#define WHOLE_COLUMNS HISTORY_ROW_COLUMNS ", trail_crc, trail"

static const char get_sql[] = "SELECT " WHOLE_COLUMNS " FROM finished WHERE id = ?1";

void
history_reader_close(struct history_reader **reader_p)
{
    struct history_reader *reader = *reader_p;

    *reader_p = NULL;
    if (reader == NULL) {
        return;
    }
    sqlite3_finalize(reader->get);
    sqlite3_finalize(reader->name);
    sqlite3_finalize(reader->service_after);
    if (reader->owns) {
        sql_close(&reader->db);
    }
    free(reader->copy);
    free(reader);
}

enum store_status
history_reader_of(sqlite3 *db, bool owns, struct history_reader **out_reader, struct store_error *out_error)
{
    struct history_reader *reader = calloc(1, sizeof(*reader));
    enum store_status status;

    if (reader == NULL) {
        if (owns) {
            sql_close(&db);
        }
        return error_set(out_error, STORE_NO_MEMORY, "no memory for a reader");
    }
    reader->db = db;
    reader->owns = owns;
    status = sql_prepare(db, get_sql, &reader->get, out_error);
    if (status == STORE_OK) {
        status = sql_prepare(db, "SELECT id FROM name WHERE text = ?1", &reader->name, out_error);
    }
    if (status == STORE_OK) {
        status = sql_prepare(db,
                             "SELECT service FROM finished INDEXED BY finished_service WHERE service > ?1"
                             " ORDER BY service LIMIT 1",
                             &reader->service_after, out_error);
    }
    if (status != STORE_OK) {
        history_reader_close(&reader);
        return status;
    }
    *out_reader = reader;
    return STORE_OK;
}

static enum store_status
reader_open(const char *path, const char *vfs, bool forgiving, struct history_reader **out_reader, struct store_error *out_error)
{
    sqlite3 *db = NULL;
    enum store_status status = history_connect(path, SQL_READ, vfs, &db, out_error);

    if (status != STORE_OK) {
        return status;
    }
    if (forgiving) {
        seal_forgive(db);
    }
    status = sql_made_check(db, path, out_error);
    if (status == STORE_OK) {
        status = sql_run(db, "PRAGMA cache_size = -512; PRAGMA cell_size_check = ON", path, out_error);
    }
    if (status == STORE_OK) {
        status = history_format_check(db, path, out_error);
    }
    if (status != STORE_OK) {
        sql_close(&db);
        return status;
    }
    return history_reader_of(db, true, out_reader, out_error);
}

enum store_status
history_reader_open(const char *path, const char *vfs, struct history_reader **out_reader,
                    struct store_error *out_error)
{
    return reader_open(path, vfs, false, out_reader, out_error);
}

enum store_status
history_reader_open_forgiving(const char *path, struct history_reader **out_reader, struct store_error *out_error)
{
    return reader_open(path, NULL, true, out_reader, out_error);
}

sqlite3 *
history_reader_db(struct history_reader *reader)
{
    return reader->db;
}

enum store_status
history_mark(struct history_reader *reader, uint64_t *out_seq, struct store_error *out_error)
{
    int64_t seq = -1;
    enum store_status status = sql_number(reader->db, "SELECT seq FROM mark WHERE id = 1", &seq, out_error);

    if (status == STORE_OK && seq < 0) {
        return error_set(out_error, STORE_DAMAGED, "history.db: its mark is missing");
    }
    if (status == STORE_OK) {
        *out_seq = (uint64_t)seq;
    }
    return status;
}

/* ------------------------------------------------------------- one row */

enum store_status
history_row_read(sqlite3_stmt *stmt, struct store_finished *out_row, struct store_error *out_error)
{
    struct store_finished row = {
        .id = (uint64_t)sqlite3_column_int64(stmt, 0),
        .seq = (uint64_t)sqlite3_column_int64(stmt, 1),
        .finished_us = sqlite3_column_int64(stmt, 2),
        .status = (uint32_t)sqlite3_column_int64(stmt, 3),
        .event = sqlite3_column_blob(stmt, 5),
        .event_n = (uint32_t)sqlite3_column_bytes(stmt, 5),
    };

    if (history_event_crc(row.id, row.seq, row.event, row.event_n) != (uint32_t)sqlite3_column_int64(stmt, 4)) {
        return error_set_seq(out_error, STORE_DAMAGED, row.seq, "history.db: request %llu fails its checksum",
                             (unsigned long long)row.id);
    }
    *out_row = row;
    return STORE_OK;
}

/* The row that a statement of WHOLE_COLUMNS stands on, with its trail. */
static enum store_status
whole_row_read(sqlite3_stmt *stmt, struct store_finished *out_row, struct store_error *out_error)
{
    struct store_finished row;
    enum store_status status = history_row_read(stmt, &row, out_error);

    if (status != STORE_OK) {
        return status;
    }
    row.trail = sqlite3_column_blob(stmt, 7);
    row.trail_n = (uint32_t)sqlite3_column_bytes(stmt, 7);
    if (history_event_crc(row.id, row.seq, row.trail, row.trail_n) != (uint32_t)sqlite3_column_int64(stmt, 6)) {
        return error_set_seq(out_error, STORE_DAMAGED, row.seq, "history.db: the trail of request %llu fails its"
                             " checksum", (unsigned long long)row.id);
    }
    *out_row = row;
    return STORE_OK;
}

/* A row of the statement, copied: a statement that stays on its row would keep the reader at that moment for ever. */
static enum store_status
row_copy(struct history_reader *reader, struct store_finished *out_row, struct store_error *out_error)
{
    struct store_finished row;
    enum store_status status = whole_row_read(reader->get, &row, out_error);
    uint8_t *copy;

    if (status != STORE_OK) {
        return status;
    }
    copy = realloc(reader->copy, (size_t)row.event_n + row.trail_n + 1);
    if (copy == NULL) {
        return error_set(out_error, STORE_NO_MEMORY, "no memory for a row of history");
    }
    memcpy(copy, row.event, row.event_n);
    if (row.trail_n > 0) {
        memcpy(copy + row.event_n, row.trail, row.trail_n);
    }
    reader->copy = copy;
    row.event = copy;
    row.trail = copy + row.event_n;
    *out_row = row;
    return STORE_OK;
}

enum store_status
history_get(struct history_reader *reader, uint64_t id, struct store_finished *out_finished,
            struct store_error *out_error)
{
    enum store_status status;
    int rc;

    sqlite3_bind_int64(reader->get, 1, (sqlite3_int64)id);
    rc = sqlite3_step(reader->get);
    if (rc == SQLITE_ROW) {
        status = row_copy(reader, out_finished, out_error);
    } else if (rc == SQLITE_DONE) {
        status = error_set(out_error, STORE_NOT_FOUND, "history does not know request %llu", (unsigned long long)id);
    } else {
        status = sql_error(reader->db, rc, "history.db: reading a row", out_error);
    }
    sqlite3_reset(reader->get);
    return status;
}

/* ------------------------------------------------------------- all rows */

/* The row that the statement stands on; its step may have failed: then the walk is over. */
static enum store_status
walk_row(sqlite3_stmt *stmt, history_walk_fn *fn, void *context, uint64_t *before, bool backwards, struct store_error *out_error)
{
    uint64_t id = (uint64_t)sqlite3_column_int64(stmt, 0);
    struct store_error why = {.status = STORE_OK};
    struct store_finished row;
    enum store_status status = whole_row_read(stmt, &row, &why);
    bool whole = status == STORE_OK, follows = *before == 0 || (backwards ? id < *before : id > *before);

    if (whole && !follows) {
        error_set_seq(&why, STORE_DAMAGED, row.seq, "history.db: request %llu comes after request %llu", (unsigned long long)id,
                      (unsigned long long)*before);
    }
    *before = id;
    return fn(context, id, whole ? &row : NULL, &why, out_error);
}

enum store_status
history_walk(struct history_reader *reader, bool backwards, history_walk_fn *fn, void *context, struct store_error *out_error)
{
    sqlite3_stmt *stmt = NULL;
    enum store_status status = sql_prepare(reader->db, backwards ? "SELECT " WHOLE_COLUMNS " FROM finished ORDER BY id DESC"
                                                                 : "SELECT " WHOLE_COLUMNS " FROM finished ORDER BY id",
                                           &stmt, out_error);
    uint64_t before = 0;
    int rc = SQLITE_DONE;

    while (status == STORE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        status = walk_row(stmt, fn, context, &before, backwards, out_error);
    }
    if (status == STORE_OK && rc != SQLITE_DONE) {
        status = sql_error(reader->db, rc, "history.db: reading its rows", out_error);
    }
    sqlite3_finalize(stmt);
    return status;
}
