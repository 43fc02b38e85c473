/*
 * Damaged bytes: every bit of a small store flipped, its files cut off at every length, pages zeroed, exchanged and taken from earlier.
 * Each is detected with its place named, or changes nothing that is served (D6); of history, where SQLite keeps no checksum of a page,
 * some are found only by verify, and counted so. What is wrong with history is mended by a rebuild.
 *
 *     damage [--every N] [--seed S]    only each N-th bit and length (default 1: all)
 *
 * Four stores: a small one of the smallest pages, for the bits, the lengths and any two pages exchanged; and one with more in it, for
 * other pages. Each as it was closed, and as it was killed, when its logs hold what its files lack.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scene.h"

enum { STEPS = 40, KILLED_AT = 300, MESSAGES_MAX = 12, REBUILD_EVERY = 16, TOLD_EVERY = 50000 };

/* Ended and pruned, open at the mark, ended after it, begun after it; events of no request before and after the mark. */
static const char closed_letters[] = "xngecngecngecnnnncmgcecngecxc";
static const char killed_letters[] = "ngecnccegcxcwk";

enum manner { FLIPPED, CUT, ZEROED, EXCHANGED, STALE, MANNERS };

static const char *const manner_names[] = {"bit flipped", "file cut off", "page zeroed", "pages exchanged", "page of earlier"};

struct counts {
    uint64_t cases, detected, nameless, harmless, by_verify, served, rebuilt, rebuilt_less, not_rebuilt;
};

struct damaged {
    const struct scene *scene;
    const struct scene *earlier; /* where stale pages come from; NULL: none */
    const char *which;
    bool small;
    struct work_model model;
};

static uint64_t every = 1;
static uint32_t told;
static struct counts sums;

static uint32_t
be(const uint8_t *p, int n)
{
    uint32_t value = 0;

    for (int i = 0; i < n; i++) {
        value = value << 8 | p[i];
    }
    return value;
}

/* As the file itself says: a log or a database; the witness is in one piece. */
static size_t
page_bytes(const struct scene_file *file)
{
    size_t n = strlen(file->name);

    if (file->n < 32 || strcmp(file->name, "journal.end") == 0) {
        return file->n + 1;
    }
    return n > 4 && strcmp(file->name + n - 4, "-wal") == 0 ? be(file->bytes + 8, 4) : be(file->bytes + 16, 2);
}

static uint64_t
cases_of(enum manner manner, const struct damaged *damaged, const struct scene_file *file)
{
    size_t pages = file->n / page_bytes(file);

    switch (manner) {
    case FLIPPED:
        return damaged->small ? (uint64_t)file->n * 8 : 0;
    case CUT:
        return damaged->small ? file->n : 0;
    case EXCHANGED:
        return pages < 2 ? 0 : damaged->small ? pages * (pages - 1) / 2 : pages - 1;
    case STALE:
        return damaged->earlier != NULL ? pages : 0;
    default:
        return pages;
    }
}

/* The small store: any two pages; the other: neighbours. */
static void
pages_exchange(bool small, size_t page, const uint8_t *in, uint64_t number, uint8_t *out)
{
    uint64_t a = number, b = number + 1;

    for (a = small ? 0 : a, b = small ? 1 : b; small && number >= b; b++) {
        number -= b;
    }
    a = small ? number : a;
    memcpy(out + a * page, in + b * page, page);
    memcpy(out + b * page, in + a * page, page);
}

/* The file with that damage; its length. */
static size_t
damage(enum manner manner, const struct damaged *damaged, const struct scene_file *file, const struct scene_file *before, uint64_t number,
       uint8_t *out)
{
    size_t page = page_bytes(file), at = (size_t)number * page;

    memcpy(out, file->bytes, file->n);
    switch (manner) {
    case FLIPPED:
        out[number / 8] ^= (uint8_t)(1u << number % 8);
        break;
    case ZEROED:
        memset(out + at, 0, page);
        break;
    case EXCHANGED:
        pages_exchange(damaged->small, page, file->bytes, number, out);
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

/*
 * A history that is refused is made anew from the journal and what is left of it: whole, or it is said what is lost, or (a newer format)
 * why not.
 */
static bool
rebuild_check(const struct damaged *damaged, const char *name, const uint8_t *bytes, size_t n, struct counts *counts, char why[WORK_WHY_BYTES])
{
    struct store_error error = {0}, lost = {0};

    half_write(damaged->scene, "", name, bytes, n);
    if (store_history_rebuild(damaged->scene->dir, NULL, &lost, &error) != STORE_OK) {
        counts->not_rebuilt++;
        return true;
    }
    if (half_check(damaged->scene, true, &damaged->model, why)) {
        counts->rebuilt++;
        return true;
    }
    counts->rebuilt_less++;
    return lost.status != STORE_OK && strncmp(why, "served: ", 8) == 0;
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

static bool
place_named(const char *why)
{
    static const char *const places[] = {"journal.db", "history.db", "history", "event ", "batch ", "open table", "the mark", "snapshot", "of shard"};
    bool named = false;

    for (size_t i = 0; !named && i < sizeof(places) / sizeof(places[0]); i++) {
        named = strstr(why, places[i]) != NULL;
    }
    return named;
}

static void
wrong_tell(const struct scene_file *file, const char *what, uint64_t number, const char *why)
{
    if (told++ < MESSAGES_MAX) {
        printf("# %s, %s %llu: %s\n", file->name, what, (unsigned long long)number, why);
    }
}

static void
case_check(const struct damaged *damaged, const struct scene_file *file, const char *what, const uint8_t *bytes, size_t n, uint64_t number,
           struct counts *counts)
{
    const struct scene *scene = damaged->scene;
    bool history = strncmp(file->name, "history", 7) == 0, detected, by_verify;
    char why[WORK_WHY_BYTES];

    half_write(scene, history ? "history" : "journal", file->name, bytes, n);
    counts->cases++;
    if (half_check(scene, history, &damaged->model, why)) {
        counts->harmless++;
        return;
    }
    detected = strncmp(why, "served: ", 8) != 0;
    by_verify = !detected && history && verify_finds(scene, file->name, bytes, n);
    counts->detected += detected;
    counts->by_verify += by_verify;
    if (detected && !place_named(why)) {
        counts->nameless++;
        wrong_tell(file, what, number, why);
    }
    if (!detected && !by_verify) {
        counts->served++;
        wrong_tell(file, what, number, why);
    }
    /* What a rebuild cannot take from the journal (it was pruned) it takes from the old file, as far as that is whole. */
    if (by_verify || (detected && history && counts->detected % REBUILD_EVERY == 0)) {
        if (!rebuild_check(damaged, file->name, bytes, n, counts, why)) {
            counts->served++;
            wrong_tell(file, "rebuilt after", number, why);
        }
    }
}

static void
counts_print(const char *which, const char *name, const char *what, const struct counts *counts)
{
    printf("# %s, %s, %s: %llu cases, %llu detected (%llu without a place), %llu change nothing, %llu by verify only, %llu served;", which,
           name, what, (unsigned long long)counts->cases, (unsigned long long)counts->detected, (unsigned long long)counts->nameless,
           (unsigned long long)counts->harmless, (unsigned long long)counts->by_verify, (unsigned long long)counts->served);
    printf(" %llu rebuilt, %llu with losses that were told, %llu not\n", (unsigned long long)counts->rebuilt,
           (unsigned long long)counts->rebuilt_less, (unsigned long long)counts->not_rebuilt);
    fflush(stdout);
}

static void
counts_add(const struct counts *counts)
{
    sums.cases += counts->cases;
    sums.detected += counts->detected;
    sums.nameless += counts->nameless;
    sums.harmless += counts->harmless;
    sums.by_verify += counts->by_verify;
    sums.served += counts->served;
    sums.rebuilt += counts->rebuilt;
    sums.rebuilt_less += counts->rebuilt_less;
    sums.not_rebuilt += counts->not_rebuilt;
}

static void
file_check(const struct damaged *damaged, const struct scene_file *file, const struct scene_file *before)
{
    uint8_t *bytes = malloc(file->n + 1);

    for (enum manner manner = FLIPPED; manner < MANNERS; manner++) {
        struct counts counts = {0};
        uint64_t cases = cases_of(manner, damaged, file), step = manner == FLIPPED || manner == CUT ? every : 1;
        for (uint64_t i = (manner * 7919u) % step; i < cases; i += step) {
            size_t n = damage(manner, damaged, file, before, i, bytes);
            case_check(damaged, file, manner_names[manner], bytes, n, i, &counts);
            if (counts.cases % TOLD_EVERY == 0) {
                printf("# %llu of %llu: %s, %s, %s\n", (unsigned long long)i, (unsigned long long)cases, damaged->which, file->name,
                       manner_names[manner]);
                fflush(stdout);
            }
        }
        if (counts.cases > 0) {
            counts_print(damaged->which, file->name, manner_names[manner], &counts);
        }
        counts_add(&counts);
    }
    free(bytes);
}

/* All files of the store as `scene` has it now. */
static void
store_check(struct scene *scene, struct scene *earlier, bool small, const char *which)
{
    static struct damaged damaged;
    size_t bytes = 0;

    damaged.scene = scene;
    damaged.earlier = earlier;
    damaged.which = which;
    damaged.small = small;
    work_model_read(&damaged.model, scene->before);
    damaged.model.mark_may_lag = true;
    for (uint32_t i = 0; i < scene->count; i++) {
        bytes += scene->files[i].n;
    }
    printf("# %s: %u files, %zu bytes, %llu events\n", which, scene->count, bytes, (unsigned long long)damaged.model.given);
    for (uint32_t i = 0; i < scene->count; i++) {
        file_check(&damaged, &scene->files[i], earlier != NULL ? scene_file(earlier, scene->files[i].name) : NULL);
    }
}

static void
small_check(void)
{
    struct scene scene;

    scene_init_small(&scene, closed_letters);
    store_check(&scene, NULL, true, "a small store, closed");
    scene_reset(&scene, true);
    if (work_script_in_child(scene.tape, killed_letters) != -SIGKILL) {
        fprintf(stderr, "it was not killed: %s\n", scene.tape->text);
        abort();
    }
    scene_take(&scene);
    store_check(&scene, NULL, true, "a small store, killed");
    scene_fini(&scene);
}

static void
large_check(uint32_t seed)
{
    struct scene scene, earlier;

    scene_init(&scene, seed, STEPS / 2);
    earlier = scene; /* with the files of this moment */
    scene.count = 0;
    if (work_in_child(scene.tape, seed + 2, STEPS / 2) != WORK_WELL) {
        fprintf(stderr, "the store to damage: %s\n", scene.tape->text);
        abort();
    }
    scene_take(&scene);
    store_check(&scene, &earlier, false, "a store, closed");
    scene_reset(&scene, true);
    scene.tape->calls.act = CALLS_DIE;
    scene.tape->calls.at = KILLED_AT;
    if (work_in_child(scene.tape, seed + 1, STEPS * 2) != -SIGKILL) {
        fprintf(stderr, "it was not killed\n");
        abort();
    }
    scene_take(&scene);
    store_check(&scene, &earlier, false, "a store, killed");
    scene_fini(&scene);
    while (earlier.count > 0) {
        free(earlier.files[--earlier.count].bytes);
    }
}

int
main(int argc, char **argv)
{
    static const struct option options[] = {{"every", required_argument, NULL, 'e'}, {"seed", required_argument, NULL, 's'}, {0}};
    char whole[64];
    uint32_t seed = 1;
    bool ok;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'e': every = strtoull(optarg, NULL, 10); break;
        case 's': seed = (uint32_t)strtoul(optarg, NULL, 10); break;
        default: return 64;
        }
    }
    if (every == 0) {
        return 64;
    }
    large_check(seed);
    small_check();
    snprintf(whole, sizeof(whole), "damage --every %llu --seed %u", (unsigned long long)every, seed);
    counts_print(whole, "all files", "all damage", &sums);
    ok = sums.served == 0 && sums.nameless == 0 && sums.cases > 0;
    printf("%sok 1 - damage_is_detected_or_changes_nothing_that_is_served\n1..1\n", ok ? "" : "not ");
    return ok ? 0 : 1;
}
