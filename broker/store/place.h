/*
 * history.new, and how it comes in the place of history.db: whole, or not at all.
 */
#ifndef STORE_PLACE_H
#define STORE_PLACE_H

#include "store/history.h"

#define PLACE_NAME "history.new"

/* Remove it. */
enum store_status place_clear(const char *dir, struct store_error *out_error);

/* It takes the old one's place, durably. Both are closed. */
enum store_status place_take(const char *dir, struct store_error *out_error);

/*
 * Whatever was not read is no reason to leave it out: damage of the old file is one, an error of reading it is none. With that the
 * rebuild ends, and the old file stays.
 */
enum store_status place_old_error(enum store_status status, struct store_error *out_error);

#endif
