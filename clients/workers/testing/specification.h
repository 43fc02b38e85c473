/*
 * A specification and the results against it: each test of the specification becomes one judged result.
 *
 * Which pharmacopoeia, which edition, which rounding rule and which limits apply is data of the specification; nothing of it is a constant
 * here. Knows rules.h; knows no certificate and no broker.
 */
#ifndef QIAO_WORKERS_TESTING_SPECIFICATION_H
#define QIAO_WORKERS_TESTING_SPECIFICATION_H

#include "common/input.h"
#include "testing/rules.h"

enum { SPECIFICATION_TESTS_MAX = 64 };

enum verdict {
    VERDICT_CONFORMS = 1,
    VERDICT_FAILS,
    VERDICT_STAGE_NEEDED,
};

/* The header of a specification. Texts are borrowed from its JSON. */
struct specification {
    const char *id, *version, *pharmacopoeia, *edition;
    enum rounding rounding;
    const json_t *tests;
    struct reader reader; /* of the map itself, for paths */
};

/* One judged test. Texts of the specification are borrowed from its JSON. */
struct judged {
    const char *test, *name, *name_zh, *method, *unit;
    enum verdict verdict;
    int stage;       /* of a test with stages; 0 otherwise */
    size_t more;     /* STAGE_NEEDED: further units */
    size_t n;        /* replicates */
    bool quantitative, assay;
    double value;    /* of a quantitative result, for trends only: never compared with a limit */
    char limit[160], limit_zh[160];
    char result[160], result_zh[160]; /* result_zh empty: the same */
    char detail[160]; /* mean, s, RSD or the stage; may be empty */
};

/* Read the header and check that tests is a list of 1 to 64 with different ids. False: see the fault. */
bool specification_read(const struct reader *body, struct specification *out);

/*
 * Judge test number index by results[id], with more[id + suffix] appended (both lists of decimals). more may be NULL.
 * False: see the fault; its path names the test or the replicate.
 */
bool specification_judge(const struct specification *specification, size_t index, const struct reader *results, const struct reader *more,
                         const char *suffix, struct judged *out);

const char *verdict_word(enum verdict verdict);
const char *verdict_word_zh(enum verdict verdict);

#endif
