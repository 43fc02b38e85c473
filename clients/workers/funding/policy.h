/*
 * Eligibility by a policy table from a YAML file: criterion, operator, value, weight, knock-out.
 *
 * The table is data: a funder edits the file, no code changes. Fields are those of the request's input. What a policy needs and the input does
 * not have is asked for. Knows no schedule and no premium.
 */
#ifndef QIAO_WORKERS_FUNDING_POLICY_H
#define QIAO_WORKERS_FUNDING_POLICY_H

#include "common/job.h"

enum { POLICY_CRITERIA_MAX = 64 };

enum policy_verdict { POLICY_ELIGIBLE = 1, POLICY_REFER, POLICY_NOT_ELIGIBLE };

struct policies; /* what a file held */
struct policy;

/* All policies of a file. False: error says what is wrong, where. */
bool policies_load(const char *path, struct policies **out, char *error, size_t error_bytes);
void policies_free(struct policies *policies);

/* The policy for a service; NULL when there is none. */
const struct policy *policy_for(const struct policies *policies, const char *service);
const char *policy_name(const struct policy *policy);
const char *policy_version(const struct policy *policy);

struct eligibility {
    enum policy_verdict verdict;
    int score, score_max;
    json_t *criteria; /* list of {criterion, title, title_zh, value, verdict, weight}; the caller's */
    char missing[JOB_FIELDS_MAX][JOB_WORD_BYTES]; /* fields to ask for; then nothing else is set */
    size_t missing_n;
};

/*
 * Judge the input at a day (days since 1970). A knock-out that is not met decides; else the score against the policy's marks.
 * False: a field has the wrong type, see the fault.
 */
bool policy_judge(const struct policy *policy, const struct reader *input, int64_t today, struct eligibility *out);

#endif
