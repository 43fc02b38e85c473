/* qiao-coldchain: the program. */
#include "coldchain/coldchain.h"
#include "common/worker.h"

int
main(int argc, char **argv)
{
    static const struct worker_kind kind = {
        .program = "qiao-coldchain",
        .summary = "cold-chain transport: logger readings to excursions, mean kinetic temperature and a disposition",
        .services = "cold-chain.*",
        .compute = coldchain_compute,
        .verified_status = "verified",
    };
    return worker_main(&kind, argc, argv);
}
