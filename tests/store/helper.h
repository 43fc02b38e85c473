/*
 * What the store's tests share: a directory that goes away, events of made-up requests, opening and closing.
 */
#ifndef TESTS_STORE_HELPER_H
#define TESTS_STORE_HELPER_H

#include <sqlite3.h>

#include "proto/codec.h"
#include "store/store.h"

/* A fresh directory under the system's temporary one; helper_dir_remove takes it away with all files in it. */
char *helper_dir_make(void);
void helper_dir_remove(char **dir_p);

/* SQL on a connection that the test has; the one number that a statement answers. They fail the test when it does not work. */
void helper_run(sqlite3 *db, const char *sql);
int64_t helper_number(sqlite3 *db, const char *sql);

/* Options for tests: small budgets, no waiting for disk space. */
struct store_options helper_options(enum store_engine engine);

/* Open and replay into nothing. Fails the test when it does not work. */
struct store *helper_open(const char *dir, const struct store_options *options);
void helper_close(struct store **store_p);

/* One request as it is written: its events are appended one after the other. */
struct helper_request {
    uint64_t id;
    uint64_t prev;
    const char *service, *requester, *performer;
};

struct helper_request helper_request_of(uint32_t number);

/*
 * Encode an event of a request into buf (reset first). body_bytes of a pattern follow. A status of COMPLETED, FAILED
 * or CANCELLED ends the request.
 */
void helper_event(struct proto_buf *buf, enum proto_ev type, const struct helper_request *request,
                  enum proto_status status, int64_t at_us, uint32_t body_bytes);

/* The same, appended to the store as its next event. Returns its sequence. */
uint64_t helper_append(struct store *store, enum proto_ev type, struct helper_request *request,
                       enum proto_status status, int64_t at_us, uint32_t body_bytes);

/* accepted, assigned, completed. */
void helper_lifecycle(struct store *store, struct helper_request *request, int64_t at_us);

/* Commit everything, and wait until history has it. */
void helper_commit(struct store *store);
void helper_projected(struct store *store);

#endif
