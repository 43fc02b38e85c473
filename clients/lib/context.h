/*
 * Contexts, inside the library. The exact format of the file stands in <qiao/context.h>; broker (qiaod init) and the
 * Python client write and read the same. Knows files and keys, not the wire.
 */
#ifndef QIAOI_CONTEXT_H
#define QIAOI_CONTEXT_H

#include <qiao/context.h>

enum { QIAOI_CONTEXT_BYTES_MAX = 16384 };

/* What a context directory remembers of the broker: see hello. */
struct qiaoi_witness {
    uint64_t seen;
    uint64_t epoch;
};

/* Read a context from text; `where` names it in the error. No file is touched. */
QIAO_NODISCARD bool qiaoi_context_parse(const char *text, size_t n, const char *where, struct qiao_context *out_context,
                                        struct qiao_context_error *out_error);

/* As text, NUL-terminated; returns its length, at most size - 1 (2 KiB are always enough). */
size_t qiaoi_context_format(const struct qiao_context *context, char *out_text, size_t size);

/* Say what is wrong with what; returns QIAO_CONTEXT. */
enum qiao_status qiaoi_context_report(struct qiao_context_error *out_error, const char *where, const char *what);

/* Can a client be opened with it? */
QIAO_NODISCARD bool qiaoi_context_check(const struct qiao_context *context, struct qiao_context_error *out_error);

/* The path of a name or path. False: a bad name, or no place is known. */
QIAO_NODISCARD bool qiaoi_context_path(const char *name_or_path, char *out_path, size_t size);

/* Absent or damaged: zero. Writing keeps the higher values of the file and this one; a failure is not reported. */
struct qiaoi_witness qiaoi_witness_read(const char *state_path);
void qiaoi_witness_write(const char *state_path, struct qiaoi_witness witness);

#endif
