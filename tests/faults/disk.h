/*
 * What a tape's calls leave on a disk when the power goes.
 *
 * Durable is what was synced: a file's bytes by a sync of the file, its name by a sync of the directory. Everything else may have
 * reached the disk or not, each write for itself, in any order, and torn between sectors. Names are made, renamed and removed in
 * their order, as every file system with a journal does it, but as late as it likes.
 */
#ifndef TESTS_FAULTS_DISK_H
#define TESTS_FAULTS_DISK_H

#include "tape.h"

enum { DISK_FILES_MAX = 512, DISK_PENDING_MAX = 4096, DISK_SECTOR = 512 };

/* What became of one write that was not synced. */
enum disk_fate {
    DISK_DROPPED,
    DISK_KEPT,
    DISK_HEAD,    /* its first `sectors` sectors */
    DISK_TAIL,    /* all but them */
    DISK_SOME,    /* sectors by chance */
    DISK_SIZED,   /* the file has grown, its bytes are zeros */
    DISK_FATES,
};

struct disk_choice {
    uint32_t entries; /* so many of the directory's pending changes were kept */
    uint32_t seed;    /* of DISK_SOME */
    uint8_t fate[DISK_PENDING_MAX];
    uint32_t sectors[DISK_PENDING_MAX];
};

struct disk_file {
    uint8_t *bytes;
    size_t n, cap;
};

struct disk {
    const struct tape *tape;
    struct disk_file files[DISK_FILES_MAX];
    uint32_t dir[TAPE_NAMES_MAX]; /* the file of a name; 0: none */
    const struct tape_op *pending[DISK_PENDING_MAX], *entries[DISK_PENDING_MAX];
    uint32_t pending_count, entry_count;
    struct disk_file image[TAPE_NAMES_MAX]; /* what disk_crash left; bytes NULL: no such name */
};

void disk_init(struct disk *disk, const struct tape *tape);
void disk_fini(struct disk *disk);

/* The next op of the tape happens. */
void disk_step(struct disk *disk, const struct tape_op *op);

/* Sectors that a pending write touches; 0: it is no write. */
uint32_t disk_sectors(const struct tape_op *op);

/* Put `image` together. The disk itself goes on as if nothing had happened. */
void disk_crash(struct disk *disk, const struct disk_choice *choice);

/* Of the files of an image whose names begin like this. */
uint64_t disk_hash(const struct disk *disk, const char *prefix);

#endif
