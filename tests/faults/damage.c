/*
 * Damaged bytes: every bit of a small store flipped, pages zeroed, exchanged and taken from earlier, files cut off at every length.
 * Each is detected, or changes nothing that is served (D6); of history, where SQLite keeps no checksum of a page, some are found only
 * by verify, and counted so. What is wrong with history is mended by a rebuild.
 *
 *     damage [--every N] [--seed S]    only each N-th case (default 1: all)
 *
 * Two stores: one that was closed, and one that was killed, whose logs hold what its files lack.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scene.h"

enum { STEPS = 40, KILLED_AT = 300, MESSAGES_MAX = 12, REBUILD_EVERY = 16 };

enum manner { FLIPPED, ZEROED, EXCHANGED, STALE, CUT, MANNERS };

static const char *const manner_names[] = {"bit flipped", "page zeroed", "pages exchanged", "page of earlier", "file cut off"};

struct counts {
    uint64_t cases, detected, harmless, by_verify, served, rebuilt;
};

static uint64_t every = 1;
static uint32_t told;

static size_t
page_bytes(const char *name)
{
    return strncmp(name, "history", 7) == 0 ? 8192 : 1024;
}

static uint64_t
cases_of(enum manner manner, const struct scene_file *file)
{
    size_t pages = file->n / page_bytes(file->name);

    switch (manner) {
    case FLIPPED:
        return (uint64_t)file->n * 8;
    case EXCHANGED:
        return pages > 0 ? pages - 1 : 0;
    case CUT:
        return file->n;
    default:
        return pages;
    }
}

/* The file with that damage; its length. `before`: the same file at an earlier time. */
static size_t
damage(enum manner manner, const struct scene_file *file, const struct scene_file *before, uint64_t number, uint8_t *out)
{
    size_t page = page_bytes(file->name), at = (size_t)number * page;

    memcpy(out, file->bytes, file->n);
    switch (manner) {
    case FLIPPED:
        out[number / 8] ^= (uint8_t)(1u << number % 8);
        break;
    case ZEROED:
        memset(out + at, 0, page);
        break;
    case EXCHANGED:
        memcpy(out + at, file->bytes + at + page, page);
        memcpy(out + at + page, file->bytes + at, page);
        break;
    case STALE:
        if (before != NULL && at + page <= before->n) {
            memcpy(out + at, before->bytes + at, page);
        }
        break;
    default:
        return (size_t)number;
    }
    return file->n;
}

/* True: nothing else was served than what was given. */
static bool
half_check(const struct scene *scene, bool history, const struct work_model *model, char why[WORK_WHY_BYTES])
{
    struct work_span span;
    uint64_t mark;

    return history ? work_check_history(scene->dir, model, &mark, why) : work_check_journal(scene->dir, model, &span, why);
}

static void
half_write(const struct scene *scene, const char *prefix, const char *name, const uint8_t *bytes, size_t n)
{
    scene_wipe(scene->dir);
    for (uint32_t i = 0; i < scene->count; i++) {
        const struct scene_file *file = &scene->files[i];
        if (strncmp(file->name, prefix, strlen(prefix)) == 0) {
            bool same = strcmp(file->name, name) == 0;
            scene_write(scene->dir, file->name, same ? bytes : file->bytes, same ? n : file->n);
        }
    }
}

/* A history that is refused is made anew from the journal and what is left of it. */
static bool
rebuild_check(const struct scene *scene, const char *name, const uint8_t *bytes, size_t n, const struct work_model *model,
              char why[WORK_WHY_BYTES])
{
    struct store_error error = {0};

    half_write(scene, "", name, bytes, n);
    if (store_history_rebuild(scene->dir, NULL, NULL, &error) != STORE_OK) {
        snprintf(why, WORK_WHY_BYTES, "it cannot be rebuilt: %s", error.text);
        return false;
    }
    return half_check(scene, true, model, why);
}

/* SQLite keeps no checksum of a page: a row that a page of history.db lost is missed only by whoever compares it with the journal. */
static bool
verify_finds(const struct scene *scene, const char *name, const uint8_t *bytes, size_t n)
{
    struct store_verify_result result;
    struct store_error error = {0};
    char report[4096];
    FILE *file = fmemopen(report, sizeof(report), "w");
    enum store_status status;

    half_write(scene, "", name, bytes, n);
    status = store_journal_verify(scene->dir, file, &result, &error);
    fclose(file);
    return status != STORE_OK && error.text[0] != '\0';
}

static void
case_check(const struct scene *scene, const struct scene_file *file, const char *what, const uint8_t *bytes, size_t n, uint64_t number,
           struct counts *counts)
{
    static struct work_model model;
    bool history = strncmp(file->name, "history", 7) == 0;
    char why[WORK_WHY_BYTES];
    bool ok;

    work_model_read(&model, scene->before);
    model.mark_may_lag = true;
    half_write(scene, history ? "history" : "journal", file->name, bytes, n);
    counts->cases++;
    if (half_check(scene, history, &model, why)) {
        counts->harmless++;
        return;
    }
    ok = strncmp(why, "served: ", 8) != 0;
    counts->detected += ok;
    if (!ok && history && verify_finds(scene, file->name, bytes, n)) {
        counts->by_verify++;
        counts->rebuilt += rebuild_check(scene, file->name, bytes, n, &model, why);
        return;
    }
    counts->served += !ok;
    if (!ok && told++ < MESSAGES_MAX) {
        printf("# %s, %s %llu: %s\n", file->name, what, (unsigned long long)number, why);
    }
    /* What a rebuild cannot take from the journal (it was pruned) it takes from the old file, as far as that is whole. */
    if (ok && history && counts->detected % REBUILD_EVERY == 0) {
        counts->rebuilt += rebuild_check(scene, file->name, bytes, n, &model, why);
    }
}

static void
file_check(const struct scene *scene, const struct scene_file *file, const struct scene_file *before, const char *which,
           uint64_t *sums_cases, uint64_t *sums_served)
{
    uint8_t *bytes = malloc(file->n + 1);

    for (enum manner manner = FLIPPED; manner < MANNERS; manner++) {
        struct counts counts = {0};
        uint64_t cases = cases_of(manner, file), step = manner == FLIPPED || manner == CUT ? every : 1;
        for (uint64_t i = (manner * 7919u) % step; i < cases; i += step) {
            size_t n = damage(manner, file, before, i, bytes);
            case_check(scene, file, manner_names[manner], bytes, n, i, &counts);
        }
        printf("# %s, %s, %s: %llu cases, %llu detected, %llu change nothing, %llu by verify only, %llu served, %llu rebuilt\n", which,
               file->name, manner_names[manner], (unsigned long long)counts.cases, (unsigned long long)counts.detected,
               (unsigned long long)counts.harmless, (unsigned long long)counts.by_verify, (unsigned long long)counts.served,
               (unsigned long long)counts.rebuilt);
        fflush(stdout);
        *sums_cases += counts.cases;
        *sums_served += counts.served;
    }
    free(bytes);
}

static const struct scene_file *
file_find(const struct scene *scene, const char *name)
{
    for (uint32_t i = 0; i < scene->count; i++) {
        if (strcmp(scene->files[i].name, name) == 0) {
            return &scene->files[i];
        }
    }
    return NULL;
}

/* All files of the store as `scene` has it now; those of an earlier time are where stale pages come from. */
static void
store_check(struct scene *scene, const struct scene *earlier, const char *which, uint64_t *cases, uint64_t *served)
{
    for (uint32_t i = 0; i < scene->count; i++) {
        if (strcmp(scene->files[i].name, "journal.end") != 0) {
            file_check(scene, &scene->files[i], file_find(earlier, scene->files[i].name), which, cases, served);
        }
    }
}

int
main(int argc, char **argv)
{
    static const struct option options[] = {{"every", required_argument, NULL, 'e'}, {"seed", required_argument, NULL, 's'}, {0}};
    uint64_t cases = 0, served = 0;
    struct scene scene, earlier;
    uint32_t seed = 1;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'e': every = strtoull(optarg, NULL, 10); break;
        case 's': seed = (uint32_t)strtoul(optarg, NULL, 10); break;
        default: return 64;
        }
    }
    scene_init(&scene, seed, STEPS / 2);
    earlier = scene; /* with the files of this moment */
    scene.count = 0;
    if (work_in_child(scene.tape, seed + 2, STEPS / 2) != WORK_WELL) {
        fprintf(stderr, "the store to damage: %s\n", scene.tape->text);
        return 1;
    }
    scene_take(&scene);
    store_check(&scene, &earlier, "a closed store", &cases, &served);
    scene_reset(&scene, true);
    scene.tape->calls.act = CALLS_DIE;
    scene.tape->calls.at = KILLED_AT;
    if (work_in_child(scene.tape, seed + 1, STEPS * 2) != -SIGKILL) {
        fprintf(stderr, "it was not killed\n");
        return 1;
    }
    scene_take(&scene);
    store_check(&scene, &earlier, "a killed store", &cases, &served);
    scene_fini(&scene);
    while (earlier.count > 0) {
        free(earlier.files[--earlier.count].bytes);
    }
    printf("# damage --every %llu --seed %u: %llu cases, %llu served\n", (unsigned long long)every, seed, (unsigned long long)cases,
           (unsigned long long)served);
    printf("%sok 1 - damage_is_detected_or_changes_nothing_that_is_served\n1..1\n", served > 0 || cases == 0 || every == 0 ? "not " : "");
    return served > 0 || cases == 0 ? 1 : 0;
}
