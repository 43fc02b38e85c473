/*
 * Memory that runs out. The linker puts the functions of starve.c in the place of malloc and its like, and of what libzmq is asked
 * to make (--wrap); they fail only between begin and end, and only in the thread that began.
 */
#ifndef QIAO_TEST_STARVE_H
#define QIAO_TEST_STARVE_H

#include <stdbool.h>
#include <stdint.h>

/* From now on the allocations numbered from ... to (from 1) find nothing. */
void starve_begin(uint64_t from, uint64_t to);
/* How many were asked for, and how many were not given back. */
void starve_end(uint64_t *out_asked, int64_t *out_live);
/* For what is no part of the library under test. */
void starve_pause(bool pause);

#endif
