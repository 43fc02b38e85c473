/* qiao bench as a program of its own: deploy/bench uses it. */
#include "bench.h"

int
main(int argc, char **argv)
{
    return bench_main(argc, argv);
}
