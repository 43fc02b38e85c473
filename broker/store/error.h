/*
 * Filling a store_error in one line. Every refusal of this room is made here, so that all read alike.
 */
#ifndef STORE_ERROR_H
#define STORE_ERROR_H

#include "store/store.h"

/* Fill *out_error (which may be NULL) and return the status, so that a caller can say `return error_set(...)`. */
enum store_status error_set(struct store_error *out_error, enum store_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same, naming the event or witness that it is about. */
enum store_status error_set_seq(struct store_error *out_error, enum store_status status, uint64_t seq,
                                const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
