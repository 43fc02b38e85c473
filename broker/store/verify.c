/*
 * Checking a whole store from outside, beside a running broker or without one. Changes nothing.
 *
 * Every fault is one line; the check goes on behind it as far as it can.
 */
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>

#include "store/engine_sqlite.h"
#include "store/error.h"
#include "store/event.h"
#include "store/history.h"

struct verify {
    const char *dir;
    FILE *report;
    struct engine_reader *reader;
    struct history_reader *history; /* NULL: there is none */
    sqlite3_stmt *row;              /* a row of history by id */
    uint64_t history_mark_seq;
    struct engine_state state;
    struct store_verify_result result;
    uint8_t chain[BATCH_CHAIN_BYTES];
    bool chain_known;
    uint64_t epoch;
};

static void fault(struct verify *verify, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void
fault(struct verify *verify, const char *format, ...)
{
    va_list args;

    verify->result.faults++;
    va_start(args, format);
    vfprintf(verify->report, format, args);
    va_end(args);
    fputc('\n', verify->report);
}

/* ------------------------------------------------------------- batches */

/* A request that ended at or below history's mark must have its row, of this very event. */
static void
terminal_check(struct verify *verify, uint64_t seq, const struct event_glance *event)
{
    if (verify->row == NULL || seq > verify->history_mark_seq || !event_is_terminal(event)) {
        return;
    }
    sqlite3_bind_int64(verify->row, 1, (sqlite3_int64)event->id);
    if (sqlite3_step(verify->row) != SQLITE_ROW) {
        fault(verify, "event=%llu history has no row for request %llu", (unsigned long long)seq,
              (unsigned long long)event->id);
    } else if ((uint64_t)sqlite3_column_int64(verify->row, 0) != seq) {
        fault(verify, "event=%llu history's row for request %llu is of event %llu", (unsigned long long)seq,
              (unsigned long long)event->id, (unsigned long long)sqlite3_column_int64(verify->row, 0));
    }
    sqlite3_reset(verify->row);
}

static void
events_check(struct verify *verify, const struct batch *batch)
{
    for (uint32_t i = 0; i < batch->n; i++) {
        uint64_t seq = batch->seq + i;
        struct proto_event event;
        struct event_glance glance;
        const uint8_t *p;
        uint32_t n;
        if (!batch_event(batch, seq, &p, &n)) {
            fault(verify, "event=%llu batch=%llu its checksum is wrong", (unsigned long long)seq,
                  (unsigned long long)batch->seq);
        } else if (!event_decode(p, n, &event) || !event_look(p, n, &glance)) {
            fault(verify, "event=%llu batch=%llu it does not decode", (unsigned long long)seq,
                  (unsigned long long)batch->seq);
        } else {
            if (glance.prev >= seq) {
                fault(verify, "event=%llu it follows event %llu", (unsigned long long)seq,
                      (unsigned long long)glance.prev);
            }
            terminal_check(verify, seq, &glance);
        }
    }
}

static void
batch_verify(struct verify *verify, const struct batch *batch)
{
    uint64_t end = batch->seq + batch->n - 1, bad = 0;

    events_check(verify, batch);
    if (verify->chain_known && !batch_check(batch, verify->chain, &bad) && bad == 0) {
        fault(verify, "batch=%llu it does not continue the chain", (unsigned long long)batch->seq);
    }
    if (batch->epoch < verify->epoch || batch->epoch > verify->state.epoch) {
        fault(verify, "batch=%llu epoch %llu after epoch %llu, and the owner's is %llu", (unsigned long long)batch->seq,
              (unsigned long long)batch->epoch, (unsigned long long)verify->epoch,
              (unsigned long long)verify->state.epoch);
    }
    if (batch_has(batch, verify->state.mark_seq) &&
        (end != verify->state.mark_seq || memcmp(batch->chain, verify->state.mark_chain, BATCH_CHAIN_BYTES) != 0)) {
        fault(verify, "mark=%llu it is not the end of batch %llu with its chain",
              (unsigned long long)verify->state.mark_seq, (unsigned long long)batch->seq);
    }
    memcpy(verify->chain, batch->chain, BATCH_CHAIN_BYTES);
    verify->chain_known = true;
    verify->epoch = batch->epoch;
    verify->result.batches++;
    verify->result.events += batch->n;
    verify->result.last_seq = end;
}

/* Nothing holds `seq`, or what does cannot be read: where to go on. 0: nowhere. */
static enum store_status
batch_skip(struct verify *verify, uint64_t seq, const struct store_error *why, uint64_t *out_next,
           struct store_error *out_error)
{
    uint64_t next = 0;
    enum store_status status = journal_next_seq(verify->reader, seq, &next, out_error);

    if (status != STORE_OK) {
        return status;
    }
    if (why->status == STORE_PRUNED) {
        /* Retention moved on while we were looking. */
        verify->result.first_seq = next;
    } else {
        fault(verify, "event=%llu %s", (unsigned long long)seq, why->text);
    }
    verify->chain_known = false;
    *out_next = next;
    return STORE_OK;
}

static enum store_status
batches_verify(struct verify *verify, struct store_error *out_error)
{
    uint64_t seq = verify->state.first_seq;
    enum store_status status = STORE_OK;

    verify->result.first_seq = seq;
    if (seq == verify->state.mark_seq + 1) {
        memcpy(verify->chain, verify->state.mark_chain, BATCH_CHAIN_BYTES);
        verify->chain_known = true;
    }
    while (status == STORE_OK && seq != 0 && seq <= verify->state.last_seq) {
        struct batch *batch = NULL;
        struct store_error why;
        enum store_status read = journal_batch(verify->reader, seq, &batch, &why);
        if (read == STORE_OK && batch->seq != seq) {
            fault(verify, "event=%llu it is in batch %llu and in the batch before", (unsigned long long)seq,
                  (unsigned long long)batch->seq);
        }
        if (read == STORE_OK) {
            batch_verify(verify, batch);
            seq = batch->seq + batch->n;
        } else if (read == STORE_NO_MEMORY || read == STORE_IN_USE) {
            *out_error = why;
            status = read;
        } else {
            status = batch_skip(verify, seq, &why, &seq, out_error);
        }
        batch_unref(&batch);
    }
    return status;
}

/* ------------------------------------------------------------- the rest */

static enum store_status
open_verify(void *context, const struct engine_event *row, struct store_error *out_error)
{
    struct verify *verify = context;
    struct proto_event whole;
    struct event_glance event;

    verify->result.open_events++;
    if (!event_decode(row->p, row->n, &whole) || !event_look(row->p, row->n, &event)) {
        fault(verify, "open=%llu it does not decode", (unsigned long long)row->seq);
    } else if (event.id != row->request) {
        fault(verify, "open=%llu it is of request %llu, its row says %llu", (unsigned long long)row->seq,
              (unsigned long long)event.id, (unsigned long long)row->request);
    } else if (event_is_terminal(&event)) {
        fault(verify, "open=%llu request %llu is finished", (unsigned long long)row->seq,
              (unsigned long long)event.id);
    }
    return STORE_OK;
}

static void
marks_verify(struct verify *verify)
{
    uint8_t *snapshot = NULL;
    uint32_t n, shard;
    uint64_t seq;
    struct store_error why;

    if (journal_open_walk(verify->reader, open_verify, verify, &why) != STORE_OK) {
        fault(verify, "%s", why.text);
    }
    if (journal_snapshot(verify->reader, &snapshot, &n, &seq, &why) != STORE_OK) {
        fault(verify, "%s", why.text);
    }
    free(snapshot);
    /* Read after the witness, so a running broker is never behind it. */
    if (witness_read(verify->dir, &shard, &seq) && journal_state(verify->reader, &verify->state, &why) == STORE_OK &&
        seq > verify->state.last_seq) {
        fault(verify, "witness=%llu the journal ends at %llu", (unsigned long long)seq,
              (unsigned long long)verify->state.last_seq);
    }
}

static void
history_verify(struct verify *verify)
{
    static const char sql[] = "SELECT id, seq, event_crc, event, trail_crc, trail FROM finished";
    sqlite3 *db = history_reader_db(verify->history);
    sqlite3_stmt *stmt = NULL;
    struct store_error why;
    int rc;

    if (verify->history_mark_seq > verify->state.last_seq) {
        fault(verify, "history=%llu the journal ends at %llu", (unsigned long long)verify->history_mark_seq,
              (unsigned long long)verify->state.last_seq);
    }
    if (sql_prepare(db, sql, &stmt, &why) != STORE_OK) {
        fault(verify, "%s", why.text);
        return;
    }
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        uint64_t id = (uint64_t)sqlite3_column_int64(stmt, 0), seq = (uint64_t)sqlite3_column_int64(stmt, 1);
        for (int column = 3; column <= 5; column += 2) {
            uint32_t crc = history_event_crc(id, seq, sqlite3_column_blob(stmt, column),
                                             (uint32_t)sqlite3_column_bytes(stmt, column));
            if (crc != (uint32_t)sqlite3_column_int64(stmt, column - 1)) {
                fault(verify, "history: the %s of request %llu fails its checksum", column == 3 ? "event" : "trail",
                      (unsigned long long)id);
            }
        }
        verify->result.history_rows++;
    }
    if (rc != SQLITE_DONE) {
        sql_error(db, rc, HISTORY_NAME, &why);
        fault(verify, "%s", why.text);
    }
    sqlite3_finalize(stmt);
}

/* SQLite's own look at its pages. */
static void
pages_verify(struct verify *verify, sqlite3 *db, const char *name)
{
    sqlite3_stmt *stmt = NULL;
    struct store_error why;

    if (sql_prepare(db, "PRAGMA quick_check(8)", &stmt, &why) != STORE_OK) {
        fault(verify, "%s: %s", name, why.text);
        return;
    }
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        const char *line = (const char *)sqlite3_column_text(stmt, 0);
        if (line == NULL || strcmp(line, "ok") != 0) {
            fault(verify, "%s: %s", name, line != NULL ? line : "unreadable");
        }
    }
    sqlite3_finalize(stmt);
}

static enum store_status
history_join(struct verify *verify, struct store_error *out_error)
{
    char path[DIRECTORY_PATH_BYTES];
    enum store_status status = directory_path(verify->dir, HISTORY_NAME, path, out_error);

    if (status != STORE_OK || !directory_has(verify->dir, HISTORY_NAME)) {
        return status;
    }
    status = history_reader_open(path, NULL, &verify->history, out_error);
    if (status == STORE_NOT_FOUND) {
        return STORE_OK;
    }
    if (status == STORE_OK) {
        status = history_mark(verify->history, &verify->history_mark_seq, out_error);
    }
    if (status == STORE_OK) {
        status = sql_prepare(history_reader_db(verify->history), "SELECT seq FROM finished WHERE id = ?1",
                             &verify->row, out_error);
    }
    return status;
}

enum store_status
store_journal_verify(const char *dir, FILE *report, struct store_verify_result *out_result,
                     struct store_error *out_error)
{
    struct verify verify = {.dir = dir, .report = report};
    struct store_error error = {0};
    enum store_status status = sodium_init() < 0 ? error_set(&error, STORE_IO, "libsodium does not start") : STORE_OK;

    if (status == STORE_OK) {
        status = journal_reader_at(dir, &verify.reader, &error);
    }
    /* History's mark first: the journal that is read after it is at least as far. */
    if (status == STORE_OK) {
        status = history_join(&verify, &error);
    }
    if (status == STORE_OK) {
        status = journal_state(verify.reader, &verify.state, &error);
    }
    if (status == STORE_OK) {
        status = batches_verify(&verify, &error);
    }
    if (status == STORE_OK) {
        verify.result.mark_seq = verify.state.mark_seq;
        memcpy(verify.result.chain, verify.chain, BATCH_CHAIN_BYTES);
        marks_verify(&verify);
        pages_verify(&verify, journal_reader_db(verify.reader), JOURNAL_NAME);
        if (verify.history != NULL) {
            history_verify(&verify);
            pages_verify(&verify, history_reader_db(verify.history), HISTORY_NAME);
        }
        *out_result = verify.result;
        if (verify.result.faults > 0) {
            status = error_set(&error, STORE_DAMAGED, "%s: %llu faults", dir,
                               (unsigned long long)verify.result.faults);
        }
    }
    sqlite3_finalize(verify.row);
    history_reader_close(&verify.history);
    journal_reader_close(&verify.reader);
    if (status != STORE_OK && out_error != NULL) {
        *out_error = error;
    }
    return status;
}
