/*
 * What a submit record means: checked against catalogue and parties, with its digest.
 */
#ifndef CORE_SUBMISSION_H
#define CORE_SUBMISSION_H

#include "core/event.h"
#include "core/kept.h"

struct submission {
    uint32_t service;
    bool deferred; /* not-before lies ahead */
    uint8_t digest[DIGEST_BYTES];
    uint8_t key_hash[16];
    uint32_t require_n;
    uint8_t require[CONSTRAINT_BYTES_MAX]; /* canonical */
};

/* Its key and digest: by them it is known again, before anything else is looked at. False: it was refused. */
bool submission_identify(struct turn *turn, struct submission *out_submission);

/* Everything else. False: it was refused. */
bool submission_check(struct turn *turn, struct submission *out_submission);

/* Until when a directed task with a fallback must be taken before others may have it; 0: no such limit. */
int64_t directed_due(const struct turn *turn, const struct terms *terms, bool falls_back);

#endif
