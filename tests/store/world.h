/*
 * The setting of most stories about a store: a directory of its own, options, and one handle.
 */
#ifndef TESTS_STORE_WORLD_H
#define TESTS_STORE_WORLD_H

#include "helper.h"

struct world {
    char *dir;
    struct store_options options;
    struct store *store; /* NULL: closed */
};

/* The engine of the stories by its name, "memory" or "sqlite" (which it is at first). */
void world_engine_set(const char *name);

/* For cmocka: an empty directory without a store, whatever becomes of it. */
int world_setup(void **state);
int world_teardown(void **state);

/* The same with an open store, which must close well at the end. */
int world_setup_open(void **state);
int world_teardown_open(void **state);

/* A closed store of that many finished requests, in batches of one each. */
void world_fill(struct world *world, uint32_t from, uint32_t to);

/*
 * A closed store with a mark in the middle, an open table, a snapshot and batches after it: 24 requests, every third of them
 * cancelled, the others open.
 */
void world_fill_with_mark(struct world *world);

/* Move the mark as far as it goes, and wait until it is there. */
void world_mark_move(struct world *world, const void *snapshot, size_t snapshot_bytes);

/* Open and replay; closed again in any case. */
enum store_status world_open_status(struct world *world, struct store_error *out_error);

/* Verify from outside; the report as text. */
enum store_status world_verify_status(struct world *world, char *out_report, size_t n);

#endif
