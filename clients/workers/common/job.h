/*
 * What a worker is given and what it answers, without any broker in it: the joint between the computing parts and the loop.
 *
 * A computing part is one function of (job, site) to answer. It opens no socket and reads no clock; the loop plays the answer: it sends the
 * steps as progress when their time has come, and then the end.
 */
#ifndef QIAO_WORKERS_JOB_H
#define QIAO_WORKERS_JOB_H

#include "common/input.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    JOB_WORD_BYTES = 64,
    JOB_FIELDS_MAX = 16,  /* that one ask names */
    JOB_STEPS_MAX = 256,
    JOB_BODY_BYTES_MAX = 60 * 1024, /* of an answer; the wire's limit is 64 KiB */
};

struct job {
    const char *service;
    const char *reference; /* names the task in documents; safe as part of a file name */
    const json_t *input; /* the request's, overlaid with the replies' */
    const void *body;
    size_t body_bytes;
    int64_t now_us; /* UTC */
    const char *party, *member; /* who computes */
    bool verifying; /* somebody else did the work: compute it again and leave nothing behind */
    const char *computed_by; /* verifying: who did it, as the result says; may be NULL */
};

/* Who signs the documents: "party / member". *verified_by is "" while nobody has verified it. */
enum { JOB_SIGNER_BYTES = 160 };
void job_signers(const struct job *job, char computed_by[JOB_SIGNER_BYTES], char verified_by[JOB_SIGNER_BYTES]);

/* One report of progress. */
struct step {
    int64_t after_us; /* from the start of the work, before the speed-up */
    double progress;  /* 0..1 */
    char business_status[JOB_WORD_BYTES];
    char message[160];
    json_t *output; /* partial result; may be NULL */
};

enum answer_kind {
    ANSWER_NONE = 0,
    ANSWER_DONE,    /* outcome, output, body */
    ANSWER_ASK,     /* message and fields: the requester is asked back */
    ANSWER_REFUSED, /* fault: fails, and trying again does not help */
    ANSWER_TROUBLE, /* message: our own trouble (a file, a full plan); another attempt may work */
};

struct answer {
    enum answer_kind kind;
    char outcome[JOB_WORD_BYTES];
    char business_status[JOB_WORD_BYTES];
    char message[320];
    json_t *output; /* a map */
    json_t *body;   /* a map, written as JSON; see job_body */
    char fields[JOB_FIELDS_MAX][JOB_WORD_BYTES];
    size_t fields_n;
    struct fault fault;
    struct step *steps;
    size_t steps_n;
    int64_t length_us; /* when the work is done, from its start, before the speed-up */
    int64_t lead_us;   /* until the work starts; waited for only when time is not compressed */
    int64_t begun_us;  /* UTC when it was first taken up, if that was earlier (another worker's crash); 0: now */
    bool needs_decision; /* a person decides: an automatic verifier leaves it alone */
};

/* site is what the worker read at start: suites, policies; NULL where it needs nothing. *answer is zeroed by the caller. */
typedef void job_compute(const struct job *job, void *site, struct answer *answer);

void answer_fini(struct answer *answer);

/* Set a text of fixed size; cut where it does not fit. */
#define word_set(word, ...) snprintf((word), sizeof(word), __VA_ARGS__)

/* A new step at the end; NULL when there are JOB_STEPS_MAX already. Lives until the next call or answer_fini. */
struct step *answer_step(struct answer *answer, int64_t after_us, double progress);

/* Ask for a field; more than JOB_FIELDS_MAX are asked in a second round. */
void answer_ask(struct answer *answer, const char *name);

/* BLAKE2b-256 of the value's canonical JSON, as 64 hex digits and a NUL. */
enum { JOB_DIGEST_BYTES = 65 };
void job_digest(const json_t *value, char out[JOB_DIGEST_BYTES]);

/*
 * The answer's body as bytes. Documents that would carry it over JOB_BODY_BYTES_MAX are left out, the last first, and named in "omitted".
 * The caller frees it. NULL when the answer has no body.
 */
char *job_body(const struct answer *answer, size_t *out_bytes);

#endif
