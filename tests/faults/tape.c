/*
 * See tape.h.
 */
#include "tape.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static struct tape *current;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

struct tape *
tape_new(const char *dir, uint64_t cap)
{
    struct tape *tape = mmap(NULL, sizeof(*tape) + cap, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (tape == MAP_FAILED) {
        abort();
    }
    tape->cap = cap;
    snprintf(tape->calls.dir, sizeof(tape->calls.dir), "%s", dir);
    tape->calls.kinds = CALLS_CHANGING;
    return tape;
}

void
tape_clear(struct tape *tape)
{
    struct calls fresh = {.kinds = CALLS_CHANGING};

    memcpy(fresh.dir, tape->calls.dir, sizeof(fresh.dir));
    tape->calls = fresh;
    tape->text[0] = '\0';
    tape->acked = tape->given = tape->used = tape->ops = 0;
    tape->begun = tape->files = 0;
    memset(tape->names, 0, sizeof(tape->names));
    memset(tape->file_of, 0, sizeof(tape->file_of));
}

static void
op_add(struct tape *tape, struct tape_op op, const void *p)
{
    uint64_t size = (sizeof(op) + op.n + 7) & ~7ull;

    pthread_mutex_lock(&lock);
    if (tape->used + size > tape->cap) {
        fprintf(stderr, "the tape is full\n");
        abort();
    }
    op.next = (uint32_t)size;
    memcpy(tape->bytes + tape->used, &op, sizeof(op));
    if (op.n > 0) {
        memcpy(tape->bytes + tape->used + sizeof(op), p, op.n);
    }
    tape->used += size;
    tape->ops++;
    pthread_mutex_unlock(&lock);
}

static uint32_t
name_number(struct tape *tape, const char *name)
{
    uint32_t i = 0;

    if (name == NULL || name[0] == '\0') {
        return TAPE_NAMES_MAX;
    }
    while (i < TAPE_NAMES_MAX && tape->names[i][0] != '\0' && strcmp(tape->names[i], name) != 0) {
        i++;
    }
    if (i == TAPE_NAMES_MAX) {
        abort();
    }
    snprintf(tape->names[i], sizeof(tape->names[i]), "%s", name);
    return i;
}

/* Called in the order in which the calls were made. */
static void
call_seen(const struct calls_done *done)
{
    struct tape *tape = current;
    struct tape_op op = {.kind = done->kind, .name = name_number(tape, done->name), .to = name_number(tape, done->to),
                         .offset = done->offset, .n = (uint32_t)done->n};

    if (done->kind == CALL_CREATE) {
        tape->file_of[op.name] = ++tape->files;
    }
    op.file = op.name < TAPE_NAMES_MAX ? tape->file_of[op.name] : 0;
    if (done->kind == CALL_RENAME) {
        tape->file_of[op.to] = op.file;
        tape->file_of[op.name] = 0;
    }
    op_add(tape, op, done->p);
}

void
tape_on(struct tape *tape)
{
    current = tape;
    calls_set(&tape->calls, call_seen);
}

void
tape_off(void)
{
    calls_set(NULL, NULL);
    current = NULL;
}

void
tape_note(struct tape *tape, enum tape_kind kind, uint64_t seq, const void *p, uint32_t n)
{
    if (kind == TAPE_ACKED && seq > tape->acked) {
        __atomic_store_n(&tape->acked, seq, __ATOMIC_SEQ_CST);
    }
    if (kind == TAPE_EVENT) {
        tape->given = seq;
    }
    op_add(tape, (struct tape_op){.kind = kind, .offset = seq, .n = n}, p);
}

const struct tape_op *
tape_first(const struct tape *tape)
{
    return tape->used > 0 ? (const struct tape_op *)tape->bytes : NULL;
}

const struct tape_op *
tape_next(const struct tape *tape, const struct tape_op *op)
{
    const uint8_t *at = (const uint8_t *)op + op->next;

    return at < tape->bytes + tape->used ? (const struct tape_op *)at : NULL;
}
