/*
 * history.db: finished requests as rows. The file only; who fills it is projector.h.
 *
 * One writer (a thread), readers with a connection each. WAL, synchronous=NORMAL: after a power cut the last
 * transactions may be missing, rows and mark together, and are projected again.
 */
#ifndef STORE_HISTORY_H
#define STORE_HISTORY_H

#include "proto/types.h"
#include "store/sql.h"

#define HISTORY_NAME "history.db"

/* Format 2: the pages are sealed (seal.h). Format 1 is read and written as it is; a rebuild makes a new one. */
enum { HISTORY_FORMAT = 2, HISTORY_FORMAT_UNSEALED = 1 };

struct history;
struct history_reader;

struct history_row {
    uint64_t id;
    uint64_t seq;
    int64_t at_us;
    uint32_t status;
    struct proto_str service, requester, performer;
    const uint8_t *event;
    uint32_t event_n;
    const uint8_t *trail;
    uint32_t trail_n;
};

/* path NULL: in memory, and then the reader must come from history_reader_open_beside. The file is made if there is none. */
enum store_status history_open(const char *path, const char *vfs, struct history **out_history, uint64_t *out_mark_seq,
                               struct store_error *out_error);
void history_close(struct history **history_p);

/* A transaction: begin, rows, commit with the mark; or rollback. */
enum store_status history_begin(struct history *history, struct store_error *out_error);
enum store_status history_add(struct history *history, const struct history_row *row, struct store_error *out_error);
enum store_status history_commit(struct history *history, uint64_t mark_seq, struct store_error *out_error);
void history_rollback(struct history *history);

/* Bytes in the log since it was last moved into the file. */
uint64_t history_log_bytes(const struct history *history);

/* Move the log into the file, synced. *out_all: everything committed is in the file now. */
enum store_status history_checkpoint(struct history *history, bool *out_all, struct store_error *out_error);

/* Only reads: a connection of its own (NOT_FOUND: its tables were never made); or, for a history in memory, the writer's. */
enum store_status history_reader_open(const char *path, const char *vfs, struct history_reader **out_reader,
                                      struct store_error *out_error);

/* The same for who saves what can be saved: a page that fails its checksum is read as it is (and told by seal_broken_page). */
enum store_status history_reader_open_forgiving(const char *path, struct history_reader **out_reader, struct store_error *out_error);

enum store_status history_reader_open_beside(struct history *history, struct history_reader **out_reader,
                                             struct store_error *out_error);
void history_reader_close(struct history_reader **reader_p);
sqlite3 *history_reader_db(struct history_reader *reader);

enum store_status history_mark(struct history_reader *reader, uint64_t *out_seq, struct store_error *out_error);

/* As store_history_get and store_history_list. */
enum store_status history_get(struct history_reader *reader, uint64_t id, struct store_finished *out_finished,
                              struct store_error *out_error);
enum store_status history_list(struct history_reader *reader, const struct store_query *query, store_finished_fn *fn,
                               void *context, char *out_cursor, struct store_error *out_error);

/*
 * Every row in order of id, or from the other end. One that is not whole comes as NULL, and `why` says what is wrong; so does one
 * that comes in a wrong place (it comes all the same). Return anything but STORE_OK to end the walk with it. The bytes live until
 * it returns.
 */
typedef enum store_status history_walk_fn(void *context, uint64_t id, const struct store_finished *row, const struct store_error *why,
                                          struct store_error *out_error);
enum store_status history_walk(struct history_reader *reader, bool backwards, history_walk_fn *fn, void *context,
                               struct store_error *out_error);

/* A connection to such a file, and no look at what is in it. */
enum store_status history_connect(const char *path, enum sql_mode mode, const char *vfs, sqlite3 **out_db, struct store_error *out_error);

/* Is it of a format that is known, and are its pages sealed as that says? */
enum store_status history_format_check(sqlite3 *db, const char *path, struct store_error *out_error);

/* A reader on a connection; `owns`: closes it at the end, also when this fails. */
enum store_status history_reader_of(sqlite3 *db, bool owns, struct history_reader **out_reader,
                                    struct store_error *out_error);

/* What a row's two checksums are made over. */
uint32_t history_event_crc(uint64_t id, uint64_t seq, const void *p, uint32_t n);

#endif
