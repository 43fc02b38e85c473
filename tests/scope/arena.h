/*
 * Memory that can be put back. Everything that the core, the journal and the model of a world allocate lies in one arena (malloc and
 * its kin are wrapped at link time), so that a world can be saved and restored, as often as there are inputs to try, in microseconds.
 *
 * Of a large block only a prefix is saved: tables fill from their front, and what lies behind stays zero. A guard at the end of the
 * prefix tells when that is no longer so, and the run ends.
 */
#ifndef SCOPE_ARENA_H
#define SCOPE_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* From now on memory comes from the arena; before, and while it is off, from the system. */
void arena_on(bool on);

/* Forget all blocks and ranges: another world is to be made. */
void arena_reset(void);

/* What else belongs to the world, beside blocks. */
void arena_range(void *p, size_t n);

struct image; /* a saved world */

struct image *image_new(void);
void image_free(struct image **image_p);
void arena_save(struct image *image);
void arena_restore(const struct image *image);

size_t arena_saved_bytes(void);

#endif
