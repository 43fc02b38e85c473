/* qiao-testing: the program. */
#include "common/worker.h"
#include "testing/testing.h"

int
main(int argc, char **argv)
{
    static const struct worker_kind kind = {
        .program = "qiao-testing",
        .summary = "a laboratory: specification and replicates to verdicts and a certificate of analysis",
        .services = "testing.*",
        .compute = testing_compute,
        .verified_status = "published",
    };
    return worker_main(&kind, argc, argv);
}
