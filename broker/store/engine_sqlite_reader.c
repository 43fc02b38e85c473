/*
 * The SQLite engine's reading half: a read-only connection per thread or process, which never checkpoints.
 * Every read is a transaction of its own, so that no reader keeps the log from starting anew for long.
 */
#include "store/engine_sqlite.h"

#include <stdlib.h>
#include <string.h>

#include "store/crc32c.h"
#include "store/error.h"

struct engine_reader {
    sqlite3 *db;
    sqlite3_stmt *batch;
    sqlite3_stmt *open_event;
    uint8_t *copy; /* of the event that open_event handed out last */
};

void
journal_reader_close(struct engine_reader **reader_p)
{
    struct engine_reader *reader = *reader_p;

    *reader_p = NULL;
    if (reader == NULL) {
        return;
    }
    sqlite3_finalize(reader->batch);
    sqlite3_finalize(reader->open_event);
    if (reader->db != NULL) {
        sql_close(&reader->db);
    }
    free(reader->copy);
    free(reader);
}

static enum store_status
batch_prepare(struct engine_reader *reader, struct store_error *out_error)
{
    int64_t format = 0;
    enum store_status status = sql_number(reader->db, "PRAGMA user_version", &format, out_error);

    if (status != STORE_OK) {
        return status;
    }
    return sql_prepare(reader->db,
                       format < 2 ? "SELECT seq, n, epoch, chain, NULL FROM batch WHERE seq <= ?1 ORDER BY seq DESC LIMIT 1"
                                  : "SELECT seq, n, epoch, chain, size FROM batch WHERE seq <= ?1 ORDER BY seq DESC LIMIT 1",
                       &reader->batch, out_error);
}

enum store_status
journal_reader_open(const char *path, const char *vfs, struct engine_reader **out_reader,
                    struct store_error *out_error)
{
    struct engine_reader *reader = calloc(1, sizeof(*reader));
    enum store_status status;

    if (reader == NULL) {
        return error_set(out_error, STORE_NO_MEMORY, "no memory for a reader");
    }
    status = sql_open(path, SQL_READ, vfs, &reader->db, out_error);
    if (status == STORE_OK) {
        status = sql_made_check(reader->db, path, out_error);
    }
    if (status == STORE_OK) {
        status = sql_run(reader->db, "PRAGMA cache_size = -256; PRAGMA cell_size_check = ON", path, out_error);
    }
    if (status == STORE_OK) {
        status = sql_format_check(reader->db, JOURNAL_FORMAT, path, out_error);
    }
    if (status == STORE_OK) {
        status = batch_prepare(reader, out_error);
    }
    if (status == STORE_OK) {
        status = sql_prepare(reader->db,
                             "SELECT seq, request, crc, data FROM open WHERE seq = ?1 AND seq <= (SELECT seq FROM mark)",
                             &reader->open_event, out_error);
    }
    if (status != STORE_OK) {
        journal_reader_close(&reader);
        return status;
    }
    *out_reader = reader;
    return STORE_OK;
}

enum store_status
journal_reader_at(const char *dir, struct engine_reader **out_reader, struct store_error *out_error)
{
    char path[DIRECTORY_PATH_BYTES];
    enum store_status status = directory_path(dir, JOURNAL_NAME, path, out_error);

    if (status == STORE_OK && !directory_has(dir, JOURNAL_NAME)) {
        status = error_set(out_error, STORE_NOT_FOUND, "%s: no store here", dir);
    } else if (status == STORE_OK) {
        status = journal_reader_open(path, NULL, out_reader, out_error);
    }
    /* None, or none that was ever finished: right, unless something was acknowledged here. */
    if (status == STORE_NOT_FOUND) {
        enum store_status witness = witness_check(dir, 0, out_error);
        status = witness != STORE_OK ? witness : status;
    }
    return status;
}

enum store_status
journal_next_seq(struct engine_reader *reader, uint64_t seq, uint64_t *out_seq, struct store_error *out_error)
{
    char sql[96];
    int64_t next = 0;
    enum store_status status;

    sqlite3_snprintf(sizeof(sql), sql, "SELECT min(seq) FROM batch WHERE seq > %lld", (sqlite3_int64)seq);
    status = sql_number(reader->db, sql, &next, out_error);
    if (status == STORE_OK) {
        *out_seq = (uint64_t)next;
    }
    return status;
}

sqlite3 *
journal_reader_db(struct engine_reader *reader)
{
    return reader->db;
}

/* ------------------------------------------------------------- batches */

/* Memory for what the row says and the blob has; then read, unpack, find the events. */
static enum store_status
batch_of_blob(struct engine_reader *reader, sqlite3_blob *blob, struct batch **out_batch, struct store_error *out_error)
{
    sqlite3_stmt *stmt = reader->batch;
    bool packed = sqlite3_column_type(stmt, 4) != SQLITE_NULL;
    int64_t size = packed ? sqlite3_column_int64(stmt, 4) : sqlite3_blob_bytes(blob);
    uint64_t seq = (uint64_t)sqlite3_column_int64(stmt, 0);
    uint32_t stored = (uint32_t)sqlite3_blob_bytes(blob);
    enum store_status status;
    int rc;

    if (size < 0 || size > BATCH_BYTES_MAX || stored == 0) {
        return error_set_seq(out_error, STORE_DAMAGED, seq, "batch %llu: its row is not one", (unsigned long long)seq);
    }
    status = batch_take(seq, (uint64_t)sqlite3_column_int64(stmt, 2), (uint32_t)sqlite3_column_int64(stmt, 1),
                        sqlite3_column_blob(stmt, 3), (uint32_t)size, packed ? stored : 0, out_batch, out_error);
    if (status != STORE_OK) {
        return status;
    }
    rc = sqlite3_blob_read(blob, packed ? (*out_batch)->packed : (*out_batch)->data, (int)stored, 0);
    return rc == SQLITE_OK ? batch_index(*out_batch, out_error)
                           : sql_error(reader->db, rc, "journal.db: reading a batch", out_error);
}

/* Read straight into the batch's own memory; as a column SQLite would put it together elsewhere first. */
static enum store_status
batch_of_row(struct engine_reader *reader, struct batch **out_batch, struct store_error *out_error)
{
    sqlite3_stmt *stmt = reader->batch;
    int64_t seq = sqlite3_column_int64(stmt, 0), n = sqlite3_column_int64(stmt, 1);
    struct batch *batch = NULL;
    sqlite3_blob *blob = NULL;
    enum store_status status;
    int rc;

    if (sqlite3_column_blob(stmt, 3) == NULL || sqlite3_column_bytes(stmt, 3) != BATCH_CHAIN_BYTES || n < 1 || n > UINT32_MAX) {
        return error_set_seq(out_error, STORE_DAMAGED, (uint64_t)seq, "batch %lld: its row is not one", (long long)seq);
    }
    rc = sqlite3_blob_open(reader->db, "main", "batch", "data", seq, 0, &blob);
    if (rc == SQLITE_ERROR) {
        /* Not a blob at all. */
        return error_set_seq(out_error, STORE_DAMAGED, (uint64_t)seq, "batch %lld: %s", (long long)seq,
                             sqlite3_errmsg(reader->db));
    }
    if (rc != SQLITE_OK) {
        return sql_error(reader->db, rc, "journal.db: reading a batch", out_error);
    }
    status = batch_of_blob(reader, blob, &batch, out_error);
    sqlite3_blob_close(blob);
    if (status != STORE_OK) {
        batch_unref(&batch);
        return status;
    }
    *out_batch = batch;
    return STORE_OK;
}

/* Why no batch holds it: not written yet, pruned, or a gap. */
static enum store_status
batch_absent(struct engine_reader *reader, uint64_t seq, struct store_error *out_error)
{
    struct engine_state state;
    enum store_status status = journal_state_load(reader->db, &state, out_error);

    if (status != STORE_OK) {
        return status;
    }
    if (seq == 0 || seq > state.last_seq) {
        return error_set_seq(out_error, STORE_NOT_FOUND, seq, "event %llu is not in the journal",
                             (unsigned long long)seq);
    }
    if (seq < state.first_seq) {
        return error_set_seq(out_error, STORE_PRUNED, seq, "event %llu was pruned; the journal begins at %llu",
                             (unsigned long long)seq, (unsigned long long)state.first_seq);
    }
    return error_set_seq(out_error, STORE_DAMAGED, seq, "a gap: no batch holds event %llu", (unsigned long long)seq);
}

enum store_status
journal_batch(struct engine_reader *reader, uint64_t seq, struct batch **out_batch, struct store_error *out_error)
{
    struct batch *batch = NULL;
    enum store_status status = STORE_OK;
    int rc;

    sqlite3_bind_int64(reader->batch, 1, (sqlite3_int64)seq);
    rc = sqlite3_step(reader->batch);
    if (rc == SQLITE_ROW) {
        status = batch_of_row(reader, &batch, out_error);
    } else if (rc != SQLITE_DONE) {
        status = sql_error(reader->db, rc, "journal.db: reading a batch", out_error);
    }
    sqlite3_reset(reader->batch);
    if (status != STORE_OK) {
        return status;
    }
    if (batch == NULL || !batch_has(batch, seq)) {
        batch_unref(&batch);
        return batch_absent(reader, seq, out_error);
    }
    *out_batch = batch;
    return STORE_OK;
}

/* ------------------------------------------------------------- open table, snapshot */

static enum store_status
event_of_row(sqlite3_stmt *stmt, struct engine_event *out_event, struct store_error *out_error)
{
    struct engine_event event = {
        .seq = (uint64_t)sqlite3_column_int64(stmt, 0),
        .request = (uint64_t)sqlite3_column_int64(stmt, 1),
        .p = sqlite3_column_blob(stmt, 3),
        .n = (uint32_t)sqlite3_column_bytes(stmt, 3),
    };

    if (event.p == NULL || crc32c_event(event.seq, event.p, event.n) != (uint32_t)sqlite3_column_int64(stmt, 2)) {
        return error_set_seq(out_error, STORE_DAMAGED, event.seq, "open table: event %llu fails its checksum",
                             (unsigned long long)event.seq);
    }
    *out_event = event;
    return STORE_OK;
}

/* Copied: a statement that stays on its row would keep the log from starting anew. */
static enum store_status
open_event_copy(struct engine_reader *reader, struct engine_event *out_event, struct store_error *out_error)
{
    struct engine_event event;
    enum store_status status = event_of_row(reader->open_event, &event, out_error);
    uint8_t *copy;

    if (status != STORE_OK) {
        return status;
    }
    copy = realloc(reader->copy, event.n);
    if (copy == NULL) {
        return error_set(out_error, STORE_NO_MEMORY, "no memory for an event");
    }
    memcpy(copy, event.p, event.n);
    reader->copy = copy;
    event.p = copy;
    *out_event = event;
    return STORE_OK;
}

enum store_status
journal_open_event(struct engine_reader *reader, uint64_t seq, struct engine_event *out_event,
                   struct store_error *out_error)
{
    enum store_status status;
    int rc;

    sqlite3_bind_int64(reader->open_event, 1, (sqlite3_int64)seq);
    rc = sqlite3_step(reader->open_event);
    if (rc == SQLITE_ROW) {
        status = open_event_copy(reader, out_event, out_error);
    } else if (rc == SQLITE_DONE) {
        status = error_set_seq(out_error, STORE_NOT_FOUND, seq, "event %llu is not in the open table",
                               (unsigned long long)seq);
    } else {
        status = sql_error(reader->db, rc, "journal.db: reading the open table", out_error);
    }
    sqlite3_reset(reader->open_event);
    return status;
}

/* For a sum over rows that does not depend on their order. */
static uint64_t
row_mix(uint64_t request, uint64_t seq)
{
    uint64_t mixed = (request * 0x9e3779b97f4a7c15ull ^ seq) * 0xbf58476d1ce4e5b9ull;

    return mixed ^ mixed >> 29;
}

/*
 * By the index a request's rows are found when it has ended. Rows that it does not know, or not in their place, would stay, and a
 * later recovery hand over a request as open that has its outcome.
 */
static enum store_status
open_index_check(struct engine_reader *reader, uint64_t want_rows, uint64_t want_mix, struct store_error *out_error)
{
    static const char sql[] = "SELECT request, seq FROM open INDEXED BY open_request ORDER BY request, seq";
    sqlite3_stmt *stmt = NULL;
    uint64_t rows = 0, mix = 0, last_request = 0, last_seq = 0;
    enum store_status status = sql_prepare(reader->db, sql, &stmt, out_error);
    int rc = SQLITE_DONE;

    while (status == STORE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        uint64_t request = (uint64_t)sqlite3_column_int64(stmt, 0), seq = (uint64_t)sqlite3_column_int64(stmt, 1);
        if (rows > 0 && (request < last_request || (request == last_request && seq <= last_seq))) {
            status = error_set_seq(out_error, STORE_DAMAGED, seq, "open table: in its index event %llu comes after event %llu",
                                   (unsigned long long)seq, (unsigned long long)last_seq);
        }
        last_request = request;
        last_seq = seq;
        mix += row_mix(request, seq);
        rows++;
    }
    if (status == STORE_OK && rc != SQLITE_DONE) {
        status = sql_error(reader->db, rc, "journal.db: reading the open table's index", out_error);
    }
    if (status == STORE_OK && (rows != want_rows || mix != want_mix)) {
        status = error_set(out_error, STORE_DAMAGED, "open table: its index has %llu rows instead of %llu, or not the same",
                           (unsigned long long)rows, (unsigned long long)want_rows);
    }
    sqlite3_finalize(stmt);
    return status;
}

/* The rows of one moment, against the tally and the mark of the same moment. */
static enum store_status
open_walk_pinned(struct engine_reader *reader, sqlite3_stmt *stmt, engine_event_fn *fn, void *context,
                 struct store_error *out_error)
{
    struct engine_state state;
    uint64_t rows = 0, sum = 0, mix = 0, last = 0;
    enum store_status status = journal_state_load(reader->db, &state, out_error);
    int rc = SQLITE_DONE;

    while (status == STORE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct engine_event event = {.seq = 0};
        status = event_of_row(stmt, &event, out_error);
        /* SQLite takes the order of its pages on trust: exchanged ones hand over whole rows, the later ones first. */
        if (status == STORE_OK && event.seq <= last) {
            status = error_set_seq(out_error, STORE_DAMAGED, event.seq, "open table: event %llu comes after event %llu",
                                   (unsigned long long)event.seq, (unsigned long long)last);
        }
        last = event.seq;
        mix += row_mix(event.request, event.seq);
        rows++;
        sum += (uint64_t)sqlite3_column_int64(stmt, 2);
        if (status == STORE_OK && event.seq <= state.mark_seq) {
            status = fn(context, &event, out_error);
        }
    }
    if (status == STORE_OK && rc != SQLITE_DONE) {
        status = sql_error(reader->db, rc, "journal.db: reading the open table", out_error);
    }
    if (status == STORE_OK && (rows != state.open_rows || sum != state.open_sum)) {
        status = error_set(out_error, STORE_DAMAGED, "open table: %llu rows instead of %llu, or not the same",
                           (unsigned long long)rows, (unsigned long long)state.open_rows);
    }
    return status == STORE_OK ? open_index_check(reader, rows, mix, out_error) : status;
}

enum store_status
journal_open_walk(struct engine_reader *reader, engine_event_fn *fn, void *context, struct store_error *out_error)
{
    sqlite3_stmt *stmt = NULL;
    enum store_status status = sql_prepare(reader->db, "SELECT seq, request, crc, data FROM open ORDER BY seq", &stmt,
                                           out_error);

    if (status == STORE_OK) {
        status = sql_run(reader->db, "BEGIN", JOURNAL_NAME, out_error);
    }
    if (status == STORE_OK) {
        status = open_walk_pinned(reader, stmt, fn, context, out_error);
        sqlite3_reset(stmt);
        sqlite3_exec(reader->db, "COMMIT", NULL, NULL, NULL);
    }
    sqlite3_finalize(stmt);
    return status;
}

static enum store_status
snapshot_of_row(sqlite3_stmt *stmt, uint8_t **out_bytes, uint32_t *out_n, uint64_t *out_seq,
                struct store_error *out_error)
{
    uint64_t seq = (uint64_t)sqlite3_column_int64(stmt, 0);
    const void *data = sqlite3_column_blob(stmt, 2);
    uint32_t n = (uint32_t)sqlite3_column_bytes(stmt, 2);
    uint8_t *bytes;

    if (crc32c_event(seq, data, n) != (uint32_t)sqlite3_column_int64(stmt, 1)) {
        return error_set_seq(out_error, STORE_DAMAGED, seq, "the snapshot at event %llu fails its checksum",
                             (unsigned long long)seq);
    }
    bytes = malloc(n > 0 ? n : 1);
    if (bytes == NULL) {
        return error_set(out_error, STORE_NO_MEMORY, "no memory for a snapshot of %u bytes", n);
    }
    if (n > 0) {
        memcpy(bytes, data, n);
    }
    *out_bytes = bytes;
    *out_n = n;
    *out_seq = seq;
    return STORE_OK;
}

/* The row and the mark that names it, of one moment. */
static const char snapshot_sql[] =
    "SELECT s.seq, s.crc, s.data, m.snapshot_seq FROM mark m LEFT JOIN snapshot s ON s.seq = m.snapshot_seq";

enum store_status
journal_snapshot(struct engine_reader *reader, uint8_t **out_bytes, uint32_t *out_n, uint64_t *out_seq,
                 struct store_error *out_error)
{
    sqlite3_stmt *stmt = NULL;
    enum store_status status;
    int rc;

    *out_bytes = NULL;
    *out_n = 0;
    *out_seq = 0;
    status = sql_prepare(reader->db, snapshot_sql, &stmt, out_error);
    if (status != STORE_OK) {
        return status;
    }
    rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW && sqlite3_column_type(stmt, 0) != SQLITE_NULL) {
        status = snapshot_of_row(stmt, out_bytes, out_n, out_seq, out_error);
    } else if (rc == SQLITE_ROW && sqlite3_column_int64(stmt, 3) != 0) {
        status = error_set(out_error, STORE_DAMAGED, "the snapshot at event %lld is missing",
                           (long long)sqlite3_column_int64(stmt, 3));
    } else if (rc != SQLITE_ROW) {
        status = sql_error(reader->db, rc, "journal.db: reading the snapshot", out_error);
    }
    sqlite3_finalize(stmt);
    return status;
}

/* ------------------------------------------------------------- state */

enum store_status
journal_state(struct engine_reader *reader, struct engine_state *out_state, struct store_error *out_error)
{
    return journal_state_load(reader->db, out_state, out_error);
}
