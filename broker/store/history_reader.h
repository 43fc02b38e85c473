/*
 * Inside history: what its reading files share.
 */
#ifndef STORE_HISTORY_READER_H
#define STORE_HISTORY_READER_H

#include "store/history.h"

#define HISTORY_ROW_COLUMNS "id, seq, at, status, event_crc, event"

struct history_reader {
    sqlite3 *db;
    bool owns;
    sqlite3_stmt *get;
    sqlite3_stmt *name;
    sqlite3_stmt *service_after;
    uint8_t *copy; /* of the row that was handed out last */
};

/* The row that a statement of HISTORY_ROW_COLUMNS stands on, without a trail; its bytes live until the next step. */
enum store_status history_row_read(sqlite3_stmt *stmt, struct store_finished *out_row, struct store_error *out_error);

#endif
