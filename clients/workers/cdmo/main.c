/* qiao-cdmo: the program. */
#include "cdmo/cdmo.h"
#include "common/data.h"
#include "common/worker.h"

#include <stdio.h>

static const char *suites_path;
static struct cdmo_site plant_site;

static bool
open_site(void *site)
{
    char error[512];
    struct cdmo_site *own = site;
    plan_init(&own->ledger.plan);
    /* The ledger is looked at once before any work comes, so that a damaged one is found at the start. */
    if (plant_load(suites_path ? suites_path : data_path("suites.yaml"), &own->plant, error, sizeof error) && ledger_open(&own->ledger, error, sizeof error) &&
        ledger_close(&own->ledger, false, error, sizeof error))
        return true;
    fprintf(stderr, "qiao-cdmo: %s\n", error);
    return false;
}

static void
close_site(void *site)
{
    struct cdmo_site *own = site;
    plan_fini(&own->ledger.plan);
    plant_free(own->plant);
}

int
main(int argc, char **argv)
{
    static const struct worker_option options[] = {
        {"suites", "suites and processes, YAML (default: the shipped ones)", &suites_path},
        {"ledger", "the plan, shared by all workers of the provider (default: in memory only)", &plant_site.ledger.path},
        {0},
    };
    static const struct worker_kind kind = {
        .program = "qiao-cdmo",
        .summary = "contract manufacturing: stages booked on suites, milestones, yield, reconciliation, deviations",
        .services = "cdmo.*",
        .compute = cdmo_compute,
        .site = &plant_site,
        .open = open_site,
        .close = close_site,
        .dropped = cdmo_dropped,
        .verified_status = "verified",
        .options = options,
    };
    return worker_main(&kind, argc, argv);
}
