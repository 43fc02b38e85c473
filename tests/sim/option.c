/* Drawing and printing; see option.h. */
#include "option.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    options->sync_ppm = draw_rate(rng, 500, 20000);
    options->backup_ppm = draw_rate(rng, 200, 5000);
    options->restore_ppm = draw_rate(rng, 50, 1000);
    options->invite_ppm = draw_rate(rng, 100, 5000);
}

void
options_draw(struct options *options, struct rng *rng)
{
    *options = (struct options){
        .requesters = 1 + rng_below(rng, 6),
        .performers = 1 + rng_below(rng, 4),
        .operators = rng_below(rng, 3),
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

/* ------------------------------------------------------------- by name */

struct name_of {
    const char *name;
    size_t offset;
    bool wide; /* int64_t */
};

#define NARROW(name, field) {name, offsetof(struct options, field), false}
#define WIDE(name, field) {name, offsetof(struct options, field), true}

static const struct name_of names[] = {
    NARROW("requesters", requesters), NARROW("performers", performers), NARROW("both", both), NARROW("operators", operators), NARROW("members", members),
    NARROW("services", services), NARROW("keys", keys), WIDE("step_us", step_us), NARROW("leap", leap_ppm), NARROW("jump", jump_ppm),
    WIDE("jump_us", jump_us), NARROW("loss", loss_ppm), NARROW("twice", twice_ppm), NARROW("reorder", reorder_ppm), NARROW("cut", cut_ppm),
    NARROW("drop", drop_ppm), NARROW("zombie", zombie_percent), NARROW("crash", crash_ppm), NARROW("lost", lost_percent),
    NARROW("kept", kept_percent), NARROW("commit", commit_percent), NARROW("project", project_percent), NARROW("mark", mark_ppm),
    NARROW("moves", moves_max), NARROW("small_caps", small_caps), NARROW("wrong", wrong_percent), NARROW("operator", operator_percent),
    NARROW("reload", reload_ppm), NARROW("revoke", revoke_ppm), NARROW("pressure", pressure_ppm),
    NARROW("sync", sync_ppm), NARROW("backup", backup_ppm), NARROW("restore", restore_ppm), NARROW("invite", invite_ppm), NARROW("producer", producer_percent),
    NARROW("repeat", repeat_percent), NARROW("cancel", cancel_percent), NARROW("watch", watch_percent), NARROW("finish", finish_percent),
    NARROW("later", later_percent), NARROW("choosy", choosy_percent),
};
enum { NAMES = sizeof names / sizeof *names };

void
options_print(const struct options *options)
{
    for (unsigned i = 0; i < NAMES; i++) {
        const char *at = (const char *)options + names[i].offset;
        int64_t value = names[i].wide ? *(const int64_t *)(const void *)at : *(const uint32_t *)(const void *)at;
        printf("%s%s=%" PRId64, i % 12 == 0 ? (i == 0 ? "# " : "\n# ") : " ", names[i].name, value);
    }
    putchar('\n');
}

bool
options_set(struct options *options, const char *words)
{
    while (words != NULL && *words != '\0') {
        size_t n = strcspn(words, "=");
        unsigned i = 0;
        while (i < NAMES && (strlen(names[i].name) != n || strncmp(names[i].name, words, n) != 0)) {
            i++;
        }
        char *end;
        int64_t value = strtoll(words[n] == '=' ? words + n + 1 : words + n, &end, 10);
        if (i == NAMES || words[n] != '=' || (*end != ',' && *end != '\0')) {
            return false;
        }
        char *at = (char *)options + names[i].offset;
        if (names[i].wide) {
            *(int64_t *)(void *)at = value;
        } else {
            *(uint32_t *)(void *)at = (uint32_t)value;
        }
        words = *end == ',' ? end + 1 : end;
    }
    return true;
}
