/*
 * A fault at the n-th call by which a store changes (or reads) its files, for every n: the process dies there, or in the middle of
 * the write; or the call fails, once or for good. Then the store is opened again and must be in order (D1, D3, D4, D6).
 *
 *     strike [--every N] [--seed S] [--fault WORD] [--story WORD]    take each N-th call only (default 1), begin with another story,
 *                                                                    only the faults and stories whose names contain WORD
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scene.h"

enum { STEPS_BEFORE = 60, STEPS = 55, STEPS_FRESH = 6, ALL = CALLS_CHANGING | 1 << CALL_READ };

struct fault {
    const char *name;
    enum calls_act act;
    int code;
    bool for_good;
    uint32_t kinds;
};

static const struct fault faults[] = {
    {"death before a call", CALLS_DIE, 0, false, CALLS_CHANGING},
    {"death in the middle of a write", CALLS_DIE_HALF, 0, false, 1 << CALL_WRITE},
    {"EIO once", CALLS_FAIL, EIO, false, CALLS_CHANGING},
    {"EIO for good", CALLS_FAIL, EIO, true, CALLS_CHANGING},
    {"ENOSPC once", CALLS_FAIL, ENOSPC, false, 1 << CALL_CREATE | 1 << CALL_WRITE | 1 << CALL_TRUNCATE | 1 << CALL_SYNC},
    {"ENOSPC for good", CALLS_FAIL, ENOSPC, true, 1 << CALL_CREATE | 1 << CALL_WRITE},
    {"EINTR once", CALLS_FAIL, EINTR, false, CALLS_CHANGING},
    {"a short write once", CALLS_SHORT, 0, false, 1 << CALL_WRITE},
    {"short writes for good", CALLS_SHORT, 0, true, 1 << CALL_WRITE},
    {"EIO of a read once", CALLS_FAIL, EIO, false, 1 << CALL_READ},
    {"EIO of reads for good", CALLS_FAIL, EIO, true, 1 << CALL_READ},
};

/* What is struck: a store that is made, one that goes on, history rebuilt; and rebuilt where its log holds what its file lacks. */
enum story { STORY_FRESH, STORY_OLD, STORY_REBUILD, STORY_REBUILD_TORN, STORIES };

static const char *const story_names[] = {"a new store", "an old store", "a rebuild of history", "a rebuild of torn history"};

struct counts {
    uint64_t runs, well, stopped, killed, wrong;
};

static uint32_t every = 1, seed = 1;

static enum work_end
rebuild_run(void *context)
{
    struct tape *tape = context;

    tape_on(tape);
    return work_rebuild(tape);
}

static int
story_run(struct scene *scene, enum story story)
{
    switch (story) {
    case STORY_FRESH:
        return work_in_child(scene->tape, seed, STEPS_FRESH);
    case STORY_OLD:
        return work_in_child(scene->tape, seed + 1, STEPS);
    default:
        return work_in_child_of(rebuild_run, scene->tape);
    }
}

/* True: the fault came, and more calls may follow the n-th. */
static bool
strike(struct scene *scene, enum story story, const struct fault *fault, uint64_t n, struct counts *counts)
{
    static struct work_model model;
    char why[WORK_WHY_BYTES];
    int end;

    scene_reset(scene, story != STORY_FRESH);
    scene->tape->calls.at = n;
    scene->tape->calls.act = fault->act;
    scene->tape->calls.code = (uint32_t)fault->code;
    scene->tape->calls.for_good = fault->for_good;
    scene->tape->calls.kinds = fault->kinds;
    end = story_run(scene, story);
    counts->runs++;
    counts->well += end == WORK_WELL;
    counts->stopped += end == WORK_STOPPED;
    counts->killed += end == -SIGKILL;
    if (end != WORK_WELL && end != WORK_STOPPED && (end != -SIGKILL || fault->act == CALLS_FAIL || fault->act == CALLS_SHORT)) {
        printf("# %s, %s, call %llu: the process ended with %d: %s\n", story_names[story], fault->name, (unsigned long long)n, end,
               scene->tape->text);
        counts->wrong++;
    }
    /* Whatever was made of a new store, a rebuild has nothing against it. */
    if (story == STORY_FRESH && end == -SIGKILL) {
        scene->tape->calls.act = CALLS_NOTHING;
        if (work_in_child_of(rebuild_run, scene->tape) != WORK_WELL) {
            printf("# %s, %s, call %llu: no rebuild: %s\n", story_names[story], fault->name, (unsigned long long)n, scene->tape->text);
            counts->wrong++;
        }
    }
    work_model_read(&model, scene->tape);
    if (!work_check(scene->dir, &model, WORK_ON, why)) {
        printf("# %s, %s, call %llu (it ended with %d, \"%s\"): %s\n", story_names[story], fault->name, (unsigned long long)n, end,
               scene->tape->text, why);
        scene_keep(scene, "strike");
        counts->wrong++;
    }
    return scene->tape->calls.hit > 0;
}

int
main(int argc, char **argv)
{
    static const struct option options[] = {{"every", required_argument, NULL, 'e'}, {"seed", required_argument, NULL, 's'},
                                            {"fault", required_argument, NULL, 'f'}, {"story", required_argument, NULL, 't'}, {0}};
    const char *word = "", *story_word = "";
    uint64_t runs = 0, wrong = 0, cases = 0;
    struct scene scene, torn;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'e': every = (uint32_t)strtoul(optarg, NULL, 10); break;
        case 's': seed = (uint32_t)strtoul(optarg, NULL, 10); break;
        case 'f': word = optarg; break;
        case 't': story_word = optarg; break;
        default: return 64;
        }
    }
    if (every == 0) {
        return 64;
    }
    scene_init(&scene, seed, STEPS_BEFORE);
    scene_init(&torn, seed, STEPS_BEFORE);
    scene_tear_history(&torn);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        for (enum story story = STORY_FRESH; story < STORIES; story++) {
            struct counts counts = {0};
            struct scene *on = story == STORY_REBUILD_TORN ? &torn : &scene;
            if (strstr(faults[i].name, word) == NULL || strstr(story_names[story], story_word) == NULL) {
                continue;
            }
            for (uint64_t n = 1 + (i + story + seed) % every; strike(on, story, &faults[i], n, &counts); n += every) {
            }
            printf("%sok %llu - %s of %s # %llu runs: %llu killed, %llu stopped, %llu went on\n", counts.wrong > 0 ? "not " : "",
                   (unsigned long long)++cases, faults[i].name, story_names[story], (unsigned long long)counts.runs,
                   (unsigned long long)counts.killed, (unsigned long long)counts.stopped, (unsigned long long)counts.well);
            fflush(stdout);
            runs += counts.runs;
            wrong += counts.wrong;
        }
    }
    if (scene.tape->packed == 0) {
        printf("# no batch was packed: nothing was tried of what is packed\n");
        wrong++;
    }
    scene_fini(&scene);
    scene_fini(&torn);
    printf("# strike --every %u --seed %u: %llu runs, %llu wrong\n1..%llu\n", every, seed, (unsigned long long)runs,
           (unsigned long long)wrong, (unsigned long long)cases);
    return wrong == 0 && runs > 0 ? 0 : 1;
}
