/*
 * A directory in memory with a store in it, its tape, and a copy of both from which each run begins.
 */
#ifndef TESTS_FAULTS_SCENE_H
#define TESTS_FAULTS_SCENE_H

#include "work.h"

struct scene_file {
    char name[CALLS_NAME_BYTES];
    uint8_t *bytes;
    size_t n;
};

struct scene {
    char *dir;
    struct tape *tape;
    struct tape *before; /* the tape of the store that is copied */
    struct scene_file files[TAPE_NAMES_MAX];
    uint32_t count;
};

/* Makes the store that is copied: so many steps, and closed. */
void scene_init(struct scene *scene, uint32_t seed, uint32_t steps);

/* The same, by the letters of work.h, with the smallest pages that SQLite has. */
void scene_init_small(struct scene *scene, const char *letters);

void scene_fini(struct scene *scene);

/* One of the files; NULL: there is none of that name. */
struct scene_file *scene_file(struct scene *scene, const char *name);

/*
 * History as a death in the middle of a checkpoint leaves it: its log holds every row anew, and the pages that are in it are
 * not whole in the file.
 */
void scene_tear_history(struct scene *scene);

/* The directory and the tape as they were then; without `old` both empty. */
void scene_reset(struct scene *scene, bool old);

/* Take the files of the directory as the ones to begin from. */
void scene_take(struct scene *scene);

/* Leave a copy of the directory behind for whoever looks for the reason, and print where. */
void scene_keep(const struct scene *scene, const char *what);

/* One file of the directory, written whole; NULL: removed. Not on the tape. */
void scene_write(const char *dir, const char *name, const uint8_t *bytes, size_t n);

/* Remove all files of the directory. */
void scene_wipe(const char *dir);

#endif
