/*
 * Power loss: every state in which the disk of a working store can be found, as many as wanted, is opened and checked
 * (D1, D4, D6).
 *
 *     power [--states N] [--seed S] [--jobs J] [--trace T]    N different states (default 2000) in J processes; T: only that trace
 *
 * A trace is some processes one after the other at one store: each works and closes, or is killed on the way. The power goes after
 * every call. Up to three writes that were not synced: all subsets, all cuts between sectors. More: by chance.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "disk.h"
#include "scene.h"

enum { EXHAUSTIVE_MAX = 3, RANDOM_PER_CALL = 14, SEEN_BITS = 18, TAPE_BYTES = 64 << 20, PRINTED_MAX = 20, DEEP_EVERY = 500, TOLD_EVERY = 100000 };

/* In shared memory: all jobs add to it. */
struct sums {
    uint64_t states, same, journals, histories, pruned, calls, exhaustive, random, deep, traces, killed, stopped, packed, wrong;
};

/* A state, or a half of one, that was looked at already, and what its file said. */
struct seen {
    uint64_t hash; /* 0: none */
    uint32_t first, last;
};

struct power {
    struct sums *sums;
    uint64_t states_max;
    uint32_t seed; /* moves on */
    char *dir;
    struct tape *tape;
    struct disk disk;
    struct work_model model;
    struct disk_choice choice;
    struct seen *states_seen, *journals, *histories; /* of one trace */
    uint32_t trace;
    uint64_t op;
    uint64_t states; /* of this job */
};

static uint32_t
chance(struct power *power, uint32_t below)
{
    power->seed = power->seed * 1103515245u + 12345u;
    return (power->seed >> 8) % below;
}

static void
add(uint64_t *sum, uint64_t n)
{
    __atomic_fetch_add(sum, n, __ATOMIC_RELAXED);
}

/* ------------------------------------------------------------- one state */

/* The place of a hash in a table: its own, or a free one. */
static struct seen *
seen_find(struct seen *table, uint64_t hash)
{
    uint64_t mask = (1ull << SEEN_BITS) - 1, at;

    hash |= 1;
    for (at = hash >> 20 & mask; table[at].hash != 0 && table[at].hash != hash; at = (at + 1) & mask) {
    }
    return &table[at];
}

/* The files of an image whose names begin like this; all others go. */
static void
image_write(struct power *power, const char *prefix)
{
    scene_wipe(power->dir);
    for (uint32_t i = 0; i < TAPE_NAMES_MAX; i++) {
        if (strncmp(power->tape->names[i], prefix, strlen(prefix)) == 0 && power->disk.image[i].bytes != NULL) {
            scene_write(power->dir, power->tape->names[i], power->disk.image[i].bytes, power->disk.image[i].n);
        }
    }
}

static void
wrong_tell(struct power *power, const char *why)
{
    uint64_t wrong = __atomic_add_fetch(&power->sums->wrong, 1, __ATOMIC_RELAXED);
    char name[64];

    if (wrong > PRINTED_MAX) {
        return;
    }
    printf("# trace %u, after call %llu, %u writes and %u names pending: %s\n#  ", power->trace, (unsigned long long)power->op,
           power->disk.pending_count, power->disk.entry_count, why);
    for (uint32_t i = 0; i < power->disk.pending_count && i < 40; i++) {
        const struct tape_op *op = power->disk.pending[i];
        printf(" %s:%llu+%u=%u", power->tape->names[op->name], (unsigned long long)op->offset, op->n, power->choice.fate[i]);
    }
    printf(" names kept %u\n", power->choice.entries);
    image_write(power, "");
    snprintf(name, sizeof(name), "power-%u-%llu", power->trace, (unsigned long long)wrong);
    scene_keep(&(struct scene){.dir = power->dir}, name);
    fflush(stdout);
}

static bool
journal_check(struct power *power, struct seen *seen, uint64_t hash, char why[WORK_WHY_BYTES])
{
    struct work_span span;

    if (seen->hash == 0) {
        image_write(power, "journal");
        add(&power->sums->journals, 1);
        if (!work_check_journal(power->dir, &power->model, &span, why)) {
            return false;
        }
        add(&power->sums->pruned, span.first > 1);
        *seen = (struct seen){.hash = hash | 1, .first = (uint32_t)span.first, .last = (uint32_t)span.last};
    }
    /* The same bytes later may break a promise that was made since. */
    if (seen->last < power->model.acked) {
        snprintf(why, WORK_WHY_BYTES, "D1: it ends at event %u, %llu was acknowledged", seen->last,
                 (unsigned long long)power->model.acked);
        return false;
    }
    return true;
}

static bool
history_check(struct power *power, struct seen *seen, uint64_t hash, char why[WORK_WHY_BYTES])
{
    uint64_t mark;

    if (seen->hash == 0) {
        image_write(power, "history");
        add(&power->sums->histories, 1);
        if (!work_check_history(power->dir, &power->model, &mark, why)) {
            return false;
        }
        *seen = (struct seen){.hash = hash | 1, .last = (uint32_t)mark};
    }
    return true;
}

/* Each half is opened when its bytes are new; whether they fit together is asked every time, as store_open does. */
static bool
halves_check(struct power *power, uint64_t journal_hash, uint64_t history_hash, char why[WORK_WHY_BYTES])
{
    struct seen *journal = seen_find(power->journals, journal_hash), *history = seen_find(power->histories, history_hash);

    if (!journal_check(power, journal, journal_hash, why) || !history_check(power, history, history_hash, why)) {
        return false;
    }
    if (history->last > journal->last || history->last + 1 < journal->first) {
        snprintf(why, WORK_WHY_BYTES, "history ends at %u, the journal goes from %u to %u", history->last, journal->first, journal->last);
        return false;
    }
    return true;
}

/* False: enough states. The same files under another promise are another state. */
static bool
state_check(struct power *power, uint64_t *kind)
{
    char why[WORK_WHY_BYTES];
    uint64_t journal_hash, history_hash, states;
    struct seen *seen;

    disk_crash(&power->disk, &power->choice);
    journal_hash = disk_hash(&power->disk, "journal");
    history_hash = disk_hash(&power->disk, "history");
    seen = seen_find(power->states_seen, (journal_hash ^ history_hash << 1) + power->model.acked * 0x9e3779b97f4a7c15ull);
    if (seen->hash != 0) {
        add(&power->sums->same, 1);
        return true;
    }
    seen->hash = ((journal_hash ^ history_hash << 1) + power->model.acked * 0x9e3779b97f4a7c15ull) | 1;
    if (!halves_check(power, journal_hash, history_hash, why)) {
        wrong_tell(power, why);
    } else if (++power->states % DEEP_EVERY == 0) {
        image_write(power, "");
        add(&power->sums->deep, 1);
        if (!work_check(power->dir, &power->model, WORK_ON, why)) {
            wrong_tell(power, why);
        }
    }
    add(kind, 1);
    states = __atomic_add_fetch(&power->sums->states, 1, __ATOMIC_RELAXED);
    if (states % TOLD_EVERY == 0) {
        printf("# %llu states, %llu wrong\n", (unsigned long long)states, (unsigned long long)power->sums->wrong);
        fflush(stdout);
    }
    return states < power->states_max;
}

/* ------------------------------------------------------------- all states after one call */

/* The subset `kept` of the pending writes, then each of its writes torn at each place. */
static bool
subset_check(struct power *power, uint32_t kept)
{
    const struct disk *disk = &power->disk;
    bool more;

    for (uint32_t i = 0; i < disk->pending_count; i++) {
        power->choice.fate[i] = (kept >> i & 1) != 0 ? DISK_KEPT : DISK_DROPPED;
    }
    more = state_check(power, &power->sums->exhaustive);
    for (uint32_t i = 0; more && i < disk->pending_count; i++) {
        uint32_t sectors = disk_sectors(disk->pending[i]);
        if ((kept >> i & 1) == 0 || sectors == 0) {
            continue;
        }
        power->choice.fate[i] = DISK_SIZED;
        more = state_check(power, &power->sums->exhaustive);
        for (uint32_t cut = 1; more && cut < sectors; cut++) {
            power->choice.sectors[i] = cut;
            power->choice.fate[i] = DISK_HEAD;
            more = state_check(power, &power->sums->exhaustive);
            power->choice.fate[i] = DISK_TAIL;
            more = more && state_check(power, &power->sums->exhaustive);
        }
        power->choice.fate[i] = DISK_KEPT;
    }
    return more;
}

static void
random_choose(struct power *power)
{
    const struct disk *disk = &power->disk;
    uint32_t manner = chance(power, 5), share = chance(power, 99) + 1, cut = chance(power, disk->pending_count + 1);

    power->choice.seed = chance(power, 1u << 24);
    power->choice.entries = chance(power, disk->entry_count + 1);
    for (uint32_t i = 0; i < disk->pending_count; i++) {
        uint32_t sectors = disk_sectors(disk->pending[i]);
        uint8_t fate = DISK_KEPT;
        switch (manner) {
        case 0: /* each for itself */
            fate = chance(power, 100) < share ? DISK_KEPT : DISK_DROPPED;
            break;
        case 1: /* up to one of them, which is torn */
            fate = i < cut ? DISK_KEPT : i == cut ? DISK_HEAD : DISK_DROPPED;
            break;
        case 2: /* the later ones first */
            fate = i < cut ? DISK_DROPPED : i == cut ? DISK_TAIL : DISK_KEPT;
            break;
        case 3: /* sector by sector */
            fate = chance(power, 100) < share ? DISK_SOME : DISK_KEPT;
            break;
        default:
            fate = (uint8_t)chance(power, DISK_FATES);
            break;
        }
        power->choice.fate[i] = fate;
        power->choice.sectors[i] = sectors > 1 ? 1 + chance(power, sectors - 1) : 0;
    }
}

static bool
call_check(struct power *power)
{
    const struct disk *disk = &power->disk;
    bool more = true;

    add(&power->sums->calls, 1);
    if (disk->pending_count <= EXHAUSTIVE_MAX) {
        for (uint32_t entries = 0; entries <= disk->entry_count; entries++) {
            for (uint32_t kept = 0; more && kept < 1u << disk->pending_count; kept++) {
                power->choice.entries = entries;
                more = subset_check(power, kept);
            }
        }
        return more;
    }
    for (uint32_t i = 0; more && i < RANDOM_PER_CALL; i++) {
        random_choose(power);
        more = state_check(power, &power->sums->random);
    }
    return more;
}

/* ------------------------------------------------------------- traces */

static enum work_end
rebuild_run(void *context)
{
    tape_on(context);
    return work_rebuild(context);
}

static void
trace_make(struct power *power)
{
    uint32_t phases = 2 + chance(power, 3);

    scene_wipe(power->dir);
    tape_clear(power->tape);
    for (uint32_t i = 0; i < phases; i++) {
        bool killed = chance(power, 2) == 0;
        uint32_t steps = 8 + chance(power, 40), seed = chance(power, 1u << 24);
        int end;
        power->tape->calls.act = CALLS_DIE;
        power->tape->calls.at = killed ? power->tape->calls.count + 1 + chance(power, steps * 12) : 0;
        end = i > 0 && chance(power, 6) == 0 ? work_in_child_of(rebuild_run, power->tape) : work_in_child(power->tape, seed, steps);
        add(&power->sums->killed, end == -SIGKILL);
        add(&power->sums->stopped, end == WORK_STOPPED);
        if (end != WORK_WELL && end != -SIGKILL) {
            printf("# trace %u: process %u of it ended with %d: %s\n", power->trace, i + 1, end, power->tape->text);
            scene_keep(&(struct scene){.dir = power->dir}, "process");
            add(&power->sums->wrong, 1);
        }
    }
}

static bool
trace_check(struct power *power)
{
    size_t size = sizeof(struct seen) << SEEN_BITS;
    bool more = true;

    power->states_seen = calloc(1, size);
    power->journals = calloc(1, size);
    power->histories = calloc(1, size);
    memset(&power->model, 0, sizeof(power->model));
    disk_init(&power->disk, power->tape);
    power->op = 0;
    for (const struct tape_op *op = tape_first(power->tape); more && op != NULL; op = tape_next(power->tape, op)) {
        power->op++;
        if (op->kind >= CALL_KINDS) {
            work_model_note(&power->model, op);
            continue;
        }
        disk_step(&power->disk, op);
        more = call_check(power);
    }
    disk_fini(&power->disk);
    free(power->states_seen);
    free(power->journals);
    free(power->histories);
    return more;
}

static void
job_run(struct power *power, uint32_t seed, uint32_t job, uint32_t jobs, uint32_t only)
{
    if (access("/dev/shm", W_OK) == 0) {
        setenv("TMPDIR", "/dev/shm", 0);
    }
    power->dir = helper_dir_make();
    power->tape = tape_new(power->dir, TAPE_BYTES);
    for (power->trace = only > 0 ? only : job + 1;; power->trace += jobs) {
        bool more;
        power->seed = seed * 7919 + power->trace * 104729;
        trace_make(power);
        add(&power->sums->packed, power->tape->packed);
        power->tape->packed = 0;
        more = trace_check(power);
        add(&power->sums->traces, 1);
        if (!more || only > 0) {
            break;
        }
    }
    helper_dir_remove(&power->dir);
}

static bool
jobs_run(struct power *power, uint32_t seed, uint32_t jobs, uint32_t only)
{
    bool ok = true;

    for (uint32_t job = 0; job < jobs; job++) {
        pid_t pid = fork();
        if (pid < 0) {
            abort();
        }
        if (pid == 0) {
            job_run(power, seed, job, jobs, only);
            fflush(stdout);
            _exit(0);
        }
    }
    for (uint32_t job = 0; job < jobs; job++) {
        int status;
        ok = wait(&status) > 0 && status == 0 && ok;
    }
    return ok;
}

int
main(int argc, char **argv)
{
    static const struct option options[] = {{"states", required_argument, NULL, 'n'}, {"seed", required_argument, NULL, 's'},
                                            {"jobs", required_argument, NULL, 'j'}, {"trace", required_argument, NULL, 't'}, {0}};
    static struct power power = {.states_max = 2000};
    uint32_t seed = 1, jobs = 1, only = 0;
    const struct sums *sums;
    bool ok;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'n': power.states_max = strtoull(optarg, NULL, 10); break;
        case 's': seed = (uint32_t)strtoul(optarg, NULL, 10); break;
        case 'j': jobs = (uint32_t)strtoul(optarg, NULL, 10); break;
        case 't': only = (uint32_t)strtoul(optarg, NULL, 10); jobs = 1; break;
        default: return 64;
        }
    }
    power.sums = mmap(NULL, sizeof(*power.sums), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    sums = power.sums;
    ok = jobs > 0 && jobs_run(&power, seed, jobs, only);
    if (sums->packed == 0) {
        printf("# no batch was packed: nothing was tried of what is packed\n");
    }
    ok = ok && sums->packed > 0 && sums->wrong == 0 && (sums->states >= power.states_max || only > 0);
    printf("# power --states %llu --seed %u: %llu states (%llu exhaustive, %llu random, %llu more seen before; %llu journals, of which"
           " %llu pruned, and %llu histories opened), after %llu calls in %llu traces with %llu kills; %llu also opened and worked on; %llu wrong\n",
           (unsigned long long)power.states_max, seed, (unsigned long long)sums->states, (unsigned long long)sums->exhaustive,
           (unsigned long long)sums->random, (unsigned long long)sums->same, (unsigned long long)sums->journals, (unsigned long long)sums->pruned,
           (unsigned long long)sums->histories,
           (unsigned long long)sums->calls,
           (unsigned long long)sums->traces, (unsigned long long)sums->killed, (unsigned long long)sums->deep,
           (unsigned long long)sums->wrong);
    printf("%sok 1 - whatever_a_power_loss_leaves_is_a_prefix_with_all_that_was_acknowledged\n1..1\n", ok ? "" : "not ");
    return ok ? 0 : 1;
}
