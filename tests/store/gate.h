/*
 * A disk that can be made to wait, or to fail, at its syncs, and to fail at its writes: SQLite's own file system with a gate in front
 * of xSync and xWrite, which also counts them.
 *
 * Only files whose name ends in the text given to gate_install are watched; the others are the real ones. One store at a time.
 */
#ifndef TESTS_STORE_GATE_H
#define TESTS_STORE_GATE_H

#include <stdbool.h>
#include <stdint.h>

/* Afterwards `vfs` of the store's options may be this. Once per process. */
extern const char gate_vfs[];
void gate_install(const char *watched);

/* A closed gate holds the next sync until it is opened; gate_wait returns when one stands before it. False: none ever came. */
void gate_close(void);
void gate_open(void);
bool gate_wait(void);

/* The next sync fails, as a disk does that has lost what it was given. */
void gate_fail_next(void);

/* The same for the n-th from now; 0: none after all. */
void gate_fail_sync(uint32_t nth);
void gate_fail_write(uint32_t nth);

uint32_t gate_syncs(void);                  /* that began so far */
uint32_t gate_writes(uint64_t *out_bytes); /* and how many bytes they were of, unless NULL */

#endif
