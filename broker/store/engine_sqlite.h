/*
 * What the two halves of the SQLite engine and the tools for other processes share: names, and readers by path.
 */
#ifndef STORE_ENGINE_SQLITE_H
#define STORE_ENGINE_SQLITE_H

#include "store/directory.h"
#include "store/engine.h"
#include "store/sql.h"

#define JOURNAL_NAME "journal.db"

enum { JOURNAL_FORMAT = 2 }; /* 1: nothing was packed; read as it is, raised when it is opened for writing */

/* A reader on a journal.db that this process did not open for writing. Checks its format; NOT_FOUND: its tables were never made. */
enum store_status journal_reader_open(const char *path, const char *vfs, struct engine_reader **out_reader,
                                      struct store_error *out_error);
void journal_reader_close(struct engine_reader **reader_p);

/* The same for a directory; NOT_FOUND also where there is no journal, and BEHIND where a witness says that there was one. */
enum store_status journal_reader_at(const char *dir, struct engine_reader **out_reader, struct store_error *out_error);

/* The first batch that begins above seq; 0: none. */
enum store_status journal_next_seq(struct engine_reader *reader, uint64_t seq, uint64_t *out_seq,
                                   struct store_error *out_error);

/* The connection of such a reader; for backups. */
sqlite3 *journal_reader_db(struct engine_reader *reader);

enum store_status journal_batch(struct engine_reader *reader, uint64_t seq, struct batch **out_batch,
                                struct store_error *out_error);
enum store_status journal_open_event(struct engine_reader *reader, uint64_t seq, struct engine_event *out_event,
                                     struct store_error *out_error);
enum store_status journal_open_walk(struct engine_reader *reader, engine_event_fn *fn, void *context,
                                    struct store_error *out_error);
enum store_status journal_snapshot(struct engine_reader *reader, uint8_t **out_bytes, uint32_t *out_n,
                                   uint64_t *out_seq, struct store_error *out_error);
enum store_status journal_state(struct engine_reader *reader, struct engine_state *out_state,
                                struct store_error *out_error);

/* The checksum of the mark's row. */
uint32_t journal_mark_crc(const struct engine_state *state);

/* Where a journal stands, by any connection to it. */
enum store_status journal_state_load(sqlite3 *db, struct engine_state *out_state, struct store_error *out_error);

#endif
