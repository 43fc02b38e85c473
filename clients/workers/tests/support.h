/*
 * What the tests of the workers share: running a computing part on JSON texts, and looking at its answer.
 */
#ifndef QIAO_WORKERS_TESTS_SUPPORT_H
#define QIAO_WORKERS_TESTS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/job.h"

/* 2026-03-31T08:00:00Z, the moment at which all tests compute. */
#define SUPPORT_NOW_US INT64_C(1774944000000000)

/* Run on an input (JSON text; ' stands for ") and a body of so many bytes. The caller calls answer_fini. */
void support_run(job_compute *compute, void *site, const char *service, const char *input, const char *body, size_t body_bytes, struct answer *answer);

/* As above with a JSON body, ' for ". NULL: no body. */
void support_run_json(job_compute *compute, void *site, const char *service, const char *input, const char *body, struct answer *answer);

/* The answer refuses with this path. */
void support_refused(const struct answer *answer, enum fault_kind kind, const char *path);

/* A field of the answer's output as text. */
const char *support_text(const struct answer *answer, const char *name);
long long support_integer(const struct answer *answer, const char *name);
double support_number(const struct answer *answer, const char *name);

/* A whole file below the tests' data directory (argument of the test program, $QIAO_WORKERS_DATA). The caller frees it. */
char *support_file(const char *name, size_t *out_bytes);

/* The document equals the golden file; prints both when not. */
void support_golden(const struct answer *answer, const char *document, const char *file);

#endif
