/* qiao-funding: the program. */
#include "common/data.h"
#include "common/worker.h"
#include "funding/funding.h"

#include <stdio.h>

static const char *policy_path;
static struct policies *policies;

static void
compute(const struct job *job, void *site, struct answer *answer)
{
    (void)site;
    funding_compute(job, policies, answer);
}

static bool
open_site(void *site)
{
    char error[512];
    (void)site;
    if (policies_load(policy_path ? policy_path : data_path("policy.yaml"), &policies, error, sizeof error))
        return true;
    fprintf(stderr, "qiao-funding: %s\n", error);
    return false;
}

static void
close_site(void *site)
{
    (void)site;
    policies_free(policies);
}

int
main(int argc, char **argv)
{
    static const struct worker_option options[] = {{"policy", "eligibility policies, YAML (default: the shipped ones)", &policy_path}, {0}};
    static const struct worker_kind kind = {
        .program = "qiao-funding",
        .summary = "a funder: eligibility by policy, schedules, premiums, term sheets",
        .services = "funding.*",
        .compute = compute,
        .open = open_site,
        .close = close_site,
        .verified_status = "verified",
        .options = options,
    };
    return worker_main(&kind, argc, argv);
}
