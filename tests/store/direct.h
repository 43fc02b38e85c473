/*
 * Writes past the page cache (O_DIRECT) of this program: counted, and failed as it is told. In place of the C library's calls.
 */
#ifndef TESTS_STORE_DIRECT_H
#define TESTS_STORE_DIRECT_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

enum { DIRECT_PAGE = 8192 };

struct direct {
    uint32_t writes; /* by descriptors that pass by the page cache */
    uint64_t bytes;
    int code;        /* with which they fail; 0: they do not */
    bool half;       /* they write half */
    bool odd;        /* and that in no whole pages */
    bool unknown;    /* the file system knows no such descriptors */
    sqlite3 *foreign; /* writes a row before the first of them, and is closed */
};

extern struct direct direct;

#endif
