/*
 * scope: every state that a small world can be in, breadth first, up to so many inputs.
 *
 *     scope --kind owned --inputs 12       count and check them all
 *     scope --kind owned --path submit.A,offer.p,accept.p.1   one way, with every event
 *     scope --verify --inputs 7    also compare where all ways into a state lead from there: does its number leave nothing out?
 *     scope --tap                          the test: all kinds, as many inputs as it takes seconds (prints TAP)
 *
 * A state is known by its canonical number (canon.c); each is checked when it is reached first (everything of tests/sim that is checked
 * at a step, and everything that is counted anew: full_check, which replays the journal). Says "complete" only if no input was left out.
 */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include <sodium.h>

#include "../sim/broker.h"
#include "arena.h"
#include "world.h"

void *__real_realloc(void *p, size_t n);
void *__real_calloc(size_t count, size_t n);
void __real_free(void *p);

static const struct kind kinds[] = {{"leased", false, false, 2}, {"owned", true, false, 2}, {"directed", true, true, 2}};
enum { KINDS = sizeof kinds / sizeof *kinds, VERIFIED_INPUTS = 5 };

struct node {
    uint8_t inputs[PATH_MAX_INPUTS];
    uint8_t n;
};

struct arguments {
    const char *kind, *path;
    unsigned inputs;
    double seconds;
    uint64_t states_max;
    bool tap, verify;
};

/* --verify: what the inputs of a state lead to, and how it was reached first. */
struct ways {
    uint64_t sum;
    struct node first;
};

struct search {
    const struct kind *kind;
    uint64_t *seen; /* canonical numbers; 0: none */
    struct ways *ways;
    uint64_t seen_cap, states;
    struct node *level, *next; /* of this many inputs, and of one more */
    uint64_t level_n, next_n, next_cap;
    uint64_t transitions, by_act[ACTS];
    struct image *base, *here, *beyond;
    bool verify;
    uint64_t verified;
    uint64_t states_max;
    double deadline_s;
    bool stopped;
};

static double
now_s(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* ------------------------------------------------------------- known states */

/* Where its number stands, or would stand. */
static uint64_t
seen_at(const struct search *search, uint64_t canon)
{
    uint64_t at = canon & (search->seen_cap - 1);
    while (search->seen[at] != 0 && search->seen[at] != canon) {
        at = (at + 1) & (search->seen_cap - 1);
    }
    return at;
}

static void
seen_grow(struct search *search)
{
    uint64_t *old = search->seen, cap = search->seen_cap;
    struct ways *old_ways = search->ways;
    search->seen_cap = cap == 0 ? 1u << 16 : cap * 2;
    search->seen = __real_calloc(search->seen_cap, sizeof *search->seen);
    search->ways = search->verify ? __real_calloc(search->seen_cap, sizeof *search->ways) : NULL;
    if (search->seen == NULL || (search->verify && search->ways == NULL)) {
        abort();
    }
    for (uint64_t i = 0; i < cap; i++) {
        if (old[i] != 0) {
            uint64_t at = seen_at(search, old[i]);
            search->seen[at] = old[i];
            if (search->verify) {
                search->ways[at] = old_ways[i];
            }
        }
    }
    __real_free(old);
    __real_free(old_ways);
}

/* True: it is new. */
static bool
seen_add(struct search *search, uint64_t canon)
{
    if (search->states * 2 >= search->seen_cap) {
        seen_grow(search);
    }
    uint64_t at = seen_at(search, canon);
    if (search->seen[at] == canon) {
        return false;
    }
    search->seen[at] = canon;
    search->states++;
    return true;
}

static void
next_add(struct search *search, const struct node *from, uint8_t input)
{
    if (search->next_n == search->next_cap) {
        search->next_cap = search->next_cap == 0 ? 1024 : search->next_cap * 2;
        search->next = __real_realloc(search->next, search->next_cap * sizeof *search->next);
        if (search->next == NULL) {
            abort();
        }
    }
    struct node *node = &search->next[search->next_n++];
    *node = *from;
    node->inputs[node->n++] = input;
}

/* ------------------------------------------------------------- one state */

static void
path_print(const struct kind *kind, const struct node *node, int last)
{
    printf("replay: scope --kind %s --path ", kind->name);
    for (unsigned i = 0; i < node->n; i++) {
        char text[32];
        act_text(node->inputs[i], text);
        printf("%s%s", i > 0 ? "," : "", text);
    }
    if (last >= 0) {
        char text[32];
        act_text((uint8_t)last, text);
        printf("%s%s", node->n > 0 ? "," : "", text);
    }
    putchar('\n');
}

/* What the inputs of the state at hand lead to, as a number in which their order does not matter. */
static uint64_t
ways_of(struct search *search)
{
    uint64_t sum = 1;
    arena_save(search->beyond);
    for (unsigned input = 0; input < ACTS << 2; input++) {
        if (act_can((uint8_t)input)) {
            act_do((uint8_t)input);
            sum += rng_mix(world_canon());
            arena_restore(search->beyond);
        }
    }
    return sum;
}

/* Two worlds of one number must lead to the same, or numbers leave out something that matters. */
static void
merge_verify(struct search *search, uint64_t canon, bool is_new, const struct node *node)
{
    struct ways ways = {.sum = ways_of(search), .first = *node}, *known = &search->ways[seen_at(search, canon)];
    *known = is_new ? ways : *known;
    search->verified += !is_new;
    if (known->sum != ways.sum) {
        path_print(search->kind, &known->first, -1);
    }
    CHECK(&world, known->sum == ways.sum, "scope", "canon", "two worlds have the number %016" PRIx64 " and lead to different ones", canon);
}

/* Try every input of a state; false: an invariant was broken. */
static bool
node_expand(struct search *search, const struct node *node)
{
    volatile int last = -1;
    if (setjmp(world.end) != 0) {
        path_print(search->kind, node, last);
        return false;
    }
    arena_restore(search->base);
    for (unsigned i = 0; i < node->n; i++) {
        act_do(node->inputs[i]);
    }
    arena_save(search->here);
    for (unsigned input = 0; input < ACTS << 2; input++) {
        if (!act_can((uint8_t)input)) {
            continue;
        }
        last = (int)input;
        act_do((uint8_t)input);
        search->transitions++;
        search->by_act[input >> 2]++;
        rest_check();
        uint64_t canon = world_canon();
        bool is_new = seen_add(search, canon);
        if (is_new) {
            full_check(&world);
            next_add(search, node, (uint8_t)input);
        }
        if (search->verify) {
            struct node way = *node;
            way.inputs[way.n++] = (uint8_t)input;
            merge_verify(search, canon, is_new, &way);
        }
        arena_restore(search->here);
    }
    return true;
}

/* ------------------------------------------------------------- breadth first */

static bool
level_run(struct search *search)
{
    for (uint64_t i = 0; i < search->level_n; i++) {
        if (search->states >= search->states_max || (i % 64 == 0 && now_s() > search->deadline_s)) {
            search->stopped = true;
            return true;
        }
        if (!node_expand(search, &search->level[i])) {
            return false;
        }
    }
    __real_free(search->level);
    search->level = search->next;
    search->level_n = search->next_n;
    search->next = NULL;
    search->next_n = search->next_cap = 0;
    return true;
}

static void
acts_print(const struct search *search)
{
    printf("#  ");
    for (unsigned act = 0; act < ACTS; act++) {
        char text[32];
        act_text((uint8_t)(act << 2), text);
        text[strcspn(text, ".")] = '\0';
        printf(" %s=%" PRIu64, text, search->by_act[act]);
    }
    putchar('\n');
}

/* False: an invariant was broken. *out_inputs: how many inputs are complete. */
static bool
kind_run(const struct kind *kind, const struct arguments *arguments, unsigned inputs, bool verify, unsigned *out_inputs)
{
    struct search search = {.kind = kind, .verify = verify, .states_max = arguments->states_max, .deadline_s = now_s() + arguments->seconds};
    search.base = image_new();
    search.here = image_new();
    search.beyond = image_new();
    double start_s = now_s();
    arena_reset();
    bool passed = setjmp(world.end) == 0;
    if (passed) {
        arena_on(true);
        world_make(kind);
        arena_save(search.base);
        seen_add(&search, world_canon());
        if (verify) {
            merge_verify(&search, world_canon(), true, &(struct node){.n = 0});
        }
        next_add(&search, &(struct node){.n = 0}, 0);
        search.next[0].n = 0;
        search.level = search.next;
        search.level_n = 1;
        search.next = NULL;
        search.next_n = search.next_cap = 0;
    }
    unsigned depth = 0;
    while (passed && !search.stopped && depth < inputs && search.level_n > 0) {
        passed = level_run(&search);
        depth += passed && !search.stopped;
        printf("# %s: %u inputs: %" PRIu64 " states, %" PRIu64 " transitions, %" PRIu64 " new\n", kind->name, depth, search.states, search.transitions,
               search.stopped ? search.next_n : search.level_n);
        fflush(stdout);
    }
    arena_on(false);
    *out_inputs = depth;
    const char *end = !passed                ? "VIOLATION"
                      : search.stopped       ? "stopped: not complete"
                      : search.level_n == 0 ? "complete, for any number of inputs"
                                             : "complete";
    printf("# %s: %s to %u inputs; visited %" PRIu64 " states by %" PRIu64 " transitions, %.0f s, %zu bytes a world\n", kind->name, end, depth, search.states,
           search.transitions, now_s() - start_s, arena_saved_bytes());
    if (verify) {
        printf("# %s: %" PRIu64 " times a known state was reached another way, and led to the same\n", kind->name, search.verified);
    }
    acts_print(&search);
    image_free(&search.base);
    image_free(&search.here);
    image_free(&search.beyond);
    __real_free(search.seen);
    __real_free(search.ways);
    __real_free(search.level);
    __real_free(search.next);
    return passed;
}

static int
path_run(const struct kind *kind, const char *const whole)
{
    if (setjmp(world.end) != 0) {
        return 1;
    }
    world_make(kind);
    world.trace = true;
    for (const char *path = whole; *path != '\0';) {
        size_t n = strcspn(path, ",");
        int input = act_of_text(path, n);
        if (input < 0) {
            fprintf(stderr, "scope: no such input: %.*s\n", (int)n, path);
            return 64;
        }
        printf("%.*s%s\n", (int)n, path, act_can((uint8_t)input) ? "" : "  (cannot happen here)");
        act_do((uint8_t)input);
        full_check(&world);
        rest_check();
        printf("  state %016" PRIx64 "\n", world_canon());
        path += n + (path[n] == ',');
    }
    return 0;
}

/* ------------------------------------------------------------- arguments */

static bool
arguments_read(int argc, char **argv, struct arguments *arguments)
{
    *arguments = (struct arguments){.inputs = 12, .seconds = 1e9, .states_max = UINT64_C(200000000)};
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(name, "--tap") == 0) {
            arguments->tap = true;
            continue;
        }
        if (strcmp(name, "--verify") == 0) {
            arguments->verify = true;
            continue;
        }
        if (strcmp(name, "--kind") == 0) {
            arguments->kind = value;
        } else if (strcmp(name, "--path") == 0) {
            arguments->path = value;
        } else if (strcmp(name, "--inputs") == 0) {
            arguments->inputs = (unsigned)strtoul(value, NULL, 10);
        } else if (strcmp(name, "--seconds") == 0) {
            arguments->seconds = strtod(value, NULL);
        } else if (strcmp(name, "--states") == 0) {
            arguments->states_max = strtoull(value, NULL, 10);
        } else {
            return false;
        }
        i++;
    }
    return arguments->inputs <= PATH_MAX_INPUTS;
}

int
main(int argc, char **argv)
{
    struct arguments arguments;
    if (!arguments_read(argc, argv, &arguments)) {
        fprintf(stderr, "usage: scope [--kind leased|owned|directed] [--inputs N] [--seconds S] [--states N] [--path INPUT,...] [--verify] [--tap]\n");
        return 64;
    }
    if (sodium_init() < 0) {
        return 70;
    }
    unsigned failed = 0, ran = 0;
    for (unsigned i = 0; i < KINDS; i++) {
        if (arguments.kind != NULL && strcmp(arguments.kind, kinds[i].name) != 0) {
            continue;
        }
        if (arguments.path != NULL) {
            return path_run(&kinds[i], arguments.path);
        }
        unsigned inputs = 0;
        if (arguments.tap) {
            failed += !kind_run(&kinds[i], &arguments, VERIFIED_INPUTS, true, &inputs);
        }
        bool passed = kind_run(&kinds[i], &arguments, arguments.inputs, arguments.verify, &inputs);
        bool whole = inputs == arguments.inputs || !arguments.tap;
        ran++;
        failed += !passed || !whole;
        if (arguments.tap) {
            printf("%s %u - every state of a small world, %s, up to %u inputs, keeps the invariants\n", passed && whole ? "ok" : "not ok", ran,
                   kinds[i].name, arguments.inputs);
        }
    }
    if (arguments.tap) {
        printf("1..%u\n", ran);
    }
    return failed == 0 && ran > 0 ? 0 : 1;
}
