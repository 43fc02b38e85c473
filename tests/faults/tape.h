/*
 * What a store's process did to its files, call by call, and what it was told and told others in between: written into memory that
 * outlives the process, by any number of processes one after the other.
 */
#ifndef TESTS_FAULTS_TAPE_H
#define TESTS_FAULTS_TAPE_H

#include "calls.h"

enum tape_kind {
    TAPE_EVENT = CALL_KINDS, /* event `offset` was given to the store, with these bytes */
    TAPE_ACKED,              /* the store said that `offset` is durable */
    TAPE_SNAPSHOT,           /* a snapshot made at `offset` was given to the store */
};

enum { TAPE_NAMES_MAX = 16 };

/* One thing that was done, in the order of doing. */
struct tape_op {
    uint32_t kind;   /* enum calls_kind or tape_kind */
    uint32_t name;   /* which name; TAPE_NAMES_MAX: the directory */
    uint32_t to;     /* of a rename */
    uint32_t file;   /* which file: a name's next file has another number */
    uint64_t offset;
    uint32_t n;      /* bytes that follow */
    uint32_t next;   /* where the next op begins, from this one */
};

struct tape {
    struct calls calls;
    char text[512];      /* the last words of the process */
    uint64_t acked;      /* the highest sequence that the store called durable */
    uint64_t given;      /* the last event that it was given */
    uint32_t begun;      /* requests that were begun */
    uint64_t packed;     /* bytes that packing saved, in all */
    uint32_t files;      /* files that were made */
    uint32_t file_of[TAPE_NAMES_MAX];
    char names[TAPE_NAMES_MAX][CALLS_NAME_BYTES];
    uint64_t used, cap;  /* of bytes */
    uint64_t ops;
    uint8_t bytes[] __attribute__((aligned(8)));
};

/* In shared memory; never given back. */
struct tape *tape_new(const char *dir, uint64_t cap);
void tape_clear(struct tape *tape);

/* This process writes on it from now on. */
void tape_on(struct tape *tape);
void tape_off(void);

/* One of TAPE_EVENT ... */
void tape_note(struct tape *tape, enum tape_kind kind, uint64_t seq, const void *p, uint32_t n);

/* The first op, and the one after `op`; NULL at the end. */
const struct tape_op *tape_first(const struct tape *tape);
const struct tape_op *tape_next(const struct tape *tape, const struct tape_op *op);

static inline const uint8_t *
tape_bytes(const struct tape_op *op)
{
    return (const uint8_t *)(op + 1);
}

#endif
