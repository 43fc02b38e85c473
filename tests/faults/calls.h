/*
 * The system calls by which a process changes its files, with a fault at the n-th of them.
 *
 * calls.c defines open, pwrite, fdatasync, rename ... over the C library's: linked into a test program, or preloaded into any
 * other. Only files of one directory count, and neither SQLite's -shm, which no crash keeps, nor the lock file, which holds nothing.
 * What is to happen stands in memory that outlives the process and that another may write.
 */
#ifndef TESTS_FAULTS_CALLS_H
#define TESTS_FAULTS_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum calls_kind {
    CALL_CREATE, /* an open that makes the file */
    CALL_WRITE,
    CALL_TRUNCATE,
    CALL_SYNC,
    CALL_RENAME,
    CALL_UNLINK,
    CALL_READ,
    CALL_KINDS,
};

enum {
    CALLS_CHANGING = (1 << CALL_READ) - 1, /* kinds as a mask: all that change something or make it durable */
    CALLS_NAME_BYTES = 32,
};

enum calls_act {
    CALLS_NOTHING,
    CALLS_DIE,      /* by SIGKILL, before the call */
    CALLS_DIE_HALF, /* after half of a write; other calls as CALLS_DIE */
    CALLS_FAIL,     /* with `code` as errno */
    CALLS_SHORT,    /* half of a write, without an error; other calls do what they should */
};

/* Shared with tests/faults/faulty.py, which writes it from another process: change both. */
struct calls {
    char dir[512];
    uint64_t count;    /* calls so far of the kinds that count */
    uint64_t at;       /* the one at which to act; 0: never */
    uint64_t hit;      /* calls that were acted upon */
    uint64_t room;     /* bytes that the files may take in all, beyond it ENOSPC; 0: no limit */
    uint64_t used;
    uint32_t kinds;    /* 1 << enum calls_kind */
    uint32_t act;      /* enum calls_act */
    uint32_t code;
    uint32_t for_good; /* and at every one after it */
};

/* A call that was made and changed something. */
struct calls_done {
    enum calls_kind kind;
    const char *name; /* below the directory; "" is the directory itself */
    const char *to;   /* of a rename */
    uint64_t offset;  /* or the new size */
    const void *p;
    size_t n;
};

typedef void calls_seen_fn(const struct calls_done *done);

/*
 * For a program that calls.c is linked into: what is to happen (NULL: nothing, nothing counts) and who is told what was done, in
 * the one order in which it was. Preloaded, it takes the file that the environment names in QIAO_FAULTS.
 */
void calls_set(struct calls *calls, calls_seen_fn *seen);

#endif
