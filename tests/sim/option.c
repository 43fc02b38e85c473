/* Drawing and printing; see option.h. */
#include "option.h"

#include <inttypes.h>
#include <stdio.h>

/* Nothing at all in a third of the worlds, else between low and high, small values as likely as big ones. */
static uint32_t
draw_rate(struct rng *rng, uint32_t low, uint32_t high)
{
    if (rng_below(rng, 3) == 0) {
        return 0;
    }
    uint32_t top = low;
    while (top < high && rng_below(rng, 4) != 0) {
        top *= 2;
    }
    top = top < high ? top : high;
    return low + rng_below(rng, top - low + 1);
}

static int64_t
draw_scale(struct rng *rng, int64_t low, unsigned decades)
{
    for (uint32_t n = rng_below(rng, decades + 1); n > 0; n--) {
        low *= 10;
    }
    return rng_between(rng, low, low * 9);
}

static void
draw_faults(struct options *options, struct rng *rng)
{
    options->leap_ppm = draw_rate(rng, 200, 20000);
    options->jump_ppm = draw_rate(rng, 200, 10000);
    options->jump_us = draw_scale(rng, 1000, 8);
    options->loss_ppm = draw_rate(rng, 1000, 100000);
    options->twice_ppm = draw_rate(rng, 1000, 100000);
    options->reorder_ppm = draw_rate(rng, 1000, 200000);
    options->cut_ppm = draw_rate(rng, 200, 20000);
    options->drop_ppm = draw_rate(rng, 200, 10000);
    options->zombie_percent = rng_below(rng, 101);
    options->crash_ppm = draw_rate(rng, 100, 5000);
    options->lost_percent = rng_below(rng, 101);
    options->kept_percent = rng_below(rng, 101 - options->lost_percent);
    options->reload_ppm = draw_rate(rng, 100, 5000);
    options->revoke_ppm = draw_rate(rng, 50, 2000);
    options->pressure_ppm = draw_rate(rng, 100, 3000);
    options->mark_ppm = draw_rate(rng, 500, 20000);
}

void
options_draw(struct options *options, struct rng *rng)
{
    *options = (struct options){
        .requesters = 1 + rng_below(rng, 5),
        .performers = 1 + rng_below(rng, 4),
        .both = rng_below(rng, 3),
        .members = 1 + rng_below(rng, 3),
        .services = 1 + rng_below(rng, 6),
        .keys = 1u << rng_below(rng, 9),
        .step_us = draw_scale(rng, 10, 4),
        .commit_percent = 5 + rng_below(rng, 96),
        .project_percent = rng_below(rng, 101),
        .moves_max = rng_below(rng, 2) ? 512 : 1 + rng_below(rng, 8),
        .small_caps = rng_below(rng, 4) == 0,
        .wrong_percent = draw_rate(rng, 1, 40),
        .operator_percent = draw_rate(rng, 1, 15),
        .producer_percent = rng_below(rng, 101),
        .repeat_percent = rng_below(rng, 60),
        .cancel_percent = draw_rate(rng, 1, 40),
        .watch_percent = draw_rate(rng, 1, 20),
        .finish_percent = 20 + rng_below(rng, 80),
        .later_percent = draw_rate(rng, 1, 60),
        .choosy_percent = draw_rate(rng, 1, 80),
    };
    draw_faults(options, rng);
}

void
options_print(const struct options *o)
{
    printf("# requesters=%u performers=%u both=%u members=%u services=%u keys=%u step_us=%" PRId64 " moves=%u caps=%s\n",
           o->requesters, o->performers, o->both, o->members, o->services, o->keys, o->step_us, o->moves_max,
           o->small_caps ? "small" : "large");
    printf("# loss=%u twice=%u reorder=%u cut=%u drop=%u zombie%%=%u leap=%u jump=%u jump_us=%" PRId64 "\n", o->loss_ppm,
           o->twice_ppm, o->reorder_ppm, o->cut_ppm, o->drop_ppm, o->zombie_percent, o->leap_ppm, o->jump_ppm, o->jump_us);
    printf("# crash=%u lost%%=%u kept%%=%u commit%%=%u project%%=%u mark=%u reload=%u revoke=%u pressure=%u\n", o->crash_ppm,
           o->lost_percent, o->kept_percent, o->commit_percent, o->project_percent, o->mark_ppm, o->reload_ppm, o->revoke_ppm,
           o->pressure_ppm);
    printf("# wrong%%=%u operator%%=%u producer%%=%u repeat%%=%u cancel%%=%u watch%%=%u finish%%=%u later%%=%u choosy%%=%u\n",
           o->wrong_percent, o->operator_percent, o->producer_percent, o->repeat_percent, o->cancel_percent, o->watch_percent,
           o->finish_percent, o->later_percent, o->choosy_percent);
}
