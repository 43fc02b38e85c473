/*
 * Small numbers for names of parties and services, so that rows and indexes of history are short.
 * A table in history.db, held in memory by the one who writes it.
 */
#ifndef STORE_NAMES_H
#define STORE_NAMES_H

#include "proto/types.h"
#include "store/sql.h"

struct names {
    struct name_entry *slots; /* open addressing, a power of two */
    uint32_t size, count;
    sqlite3_stmt *insert;
};

/* Reads the table. */
enum store_status names_init(struct names *names, sqlite3 *db, struct store_error *out_error);
void names_fini(struct names *names);

/* The number of a name, from 1; a new one is written within the open transaction. The empty name is 0. */
enum store_status names_number(struct names *names, struct proto_str name, uint32_t *out_number,
                               struct store_error *out_error);

#endif
