/*
 * Where a journal stands, as its owner's row, its mark and its last batch say; by any connection.
 */
#include "store/engine_sqlite.h"

#include <endian.h>
#include <string.h>

#include "store/crc32c.h"
#include "store/error.h"

static enum store_status
chain_of_column(sqlite3_stmt *stmt, int column, uint8_t out_chain[BATCH_CHAIN_BYTES], const char *whose,
                struct store_error *out_error)
{
    const void *chain = sqlite3_column_blob(stmt, column);

    if (chain == NULL || sqlite3_column_bytes(stmt, column) != BATCH_CHAIN_BYTES) {
        return error_set(out_error, STORE_DAMAGED, "the chain of the %s is missing", whose);
    }
    memcpy(out_chain, chain, BATCH_CHAIN_BYTES);
    return STORE_OK;
}

uint32_t
journal_mark_crc(const struct engine_state *state)
{
    uint64_t le[4] = {htole64(state->mark_seq), htole64(state->open_rows), htole64(state->open_sum),
                      htole64(state->snapshot_seq)};

    return crc32c(crc32c(0, le, sizeof(le)), state->mark_chain, BATCH_CHAIN_BYTES);
}

/* One row of one statement, so that it is one moment. */
static const char state_sql[] =
    "SELECT s.id, s.epoch, s.seq, m.seq, m.chain,"
    " (SELECT min(seq) FROM batch), (SELECT max(seq) FROM batch),"
    " (SELECT n FROM batch ORDER BY seq DESC LIMIT 1), (SELECT chain FROM batch ORDER BY seq DESC LIMIT 1),"
    " m.snapshot_seq, m.open_rows, m.open_sum, (SELECT epoch FROM batch ORDER BY seq DESC LIMIT 1), m.crc"
    " FROM shard s, mark m LIMIT 1";

static enum store_status
state_of_row(sqlite3_stmt *stmt, struct engine_state *out_state, struct store_error *out_error)
{
    struct engine_state state = {
        .shard = (uint32_t)sqlite3_column_int64(stmt, 0),
        .epoch = (uint64_t)sqlite3_column_int64(stmt, 1),
        .last_seq = (uint64_t)sqlite3_column_int64(stmt, 2),
        .mark_seq = (uint64_t)sqlite3_column_int64(stmt, 3),
        .snapshot_seq = (uint64_t)sqlite3_column_int64(stmt, 9),
        .open_rows = (uint64_t)sqlite3_column_int64(stmt, 10),
        .open_sum = (uint64_t)sqlite3_column_int64(stmt, 11),
        .last_epoch = (uint64_t)sqlite3_column_int64(stmt, 12),
    };
    enum store_status status = chain_of_column(stmt, 4, state.mark_chain, "mark", out_error);
    uint64_t end;

    if (status != STORE_OK) {
        return status;
    }
    if (journal_mark_crc(&state) != (uint32_t)sqlite3_column_int64(stmt, 13)) {
        return error_set_seq(out_error, STORE_DAMAGED, state.mark_seq, "journal.db: the mark fails its checksum");
    }
    if (sqlite3_column_type(stmt, 5) == SQLITE_NULL) {
        state.first_seq = state.last_seq + 1;
        memcpy(state.chain, state.mark_chain, BATCH_CHAIN_BYTES);
        end = state.mark_seq;
    } else {
        state.first_seq = (uint64_t)sqlite3_column_int64(stmt, 5);
        end = (uint64_t)sqlite3_column_int64(stmt, 6) + (uint64_t)sqlite3_column_int64(stmt, 7) - 1;
        status = chain_of_column(stmt, 8, state.chain, "last batch", out_error);
    }
    if (status == STORE_OK && end != state.last_seq) {
        status = error_set_seq(out_error, STORE_DAMAGED, state.last_seq,
                               "journal.db: the owner's row says that it ends at event %llu, its batches end at %llu",
                               (unsigned long long)state.last_seq, (unsigned long long)end);
    }
    if (status == STORE_OK) {
        *out_state = state;
    }
    return status;
}

enum store_status
journal_state_load(sqlite3 *db, struct engine_state *out_state, struct store_error *out_error)
{
    sqlite3_stmt *stmt = NULL;
    enum store_status status = sql_prepare(db, state_sql, &stmt, out_error);
    int rc;

    if (status != STORE_OK) {
        return status;
    }
    rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        status = state_of_row(stmt, out_state, out_error);
    } else if (rc == SQLITE_DONE) {
        status = error_set(out_error, STORE_DAMAGED, "journal.db: the owner's row or the mark is missing");
    } else {
        status = sql_error(db, rc, "journal.db", out_error);
    }
    sqlite3_finalize(stmt);
    return status;
}
