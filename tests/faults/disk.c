/*
 * See disk.h.
 */
#include "disk.h"

#include <stdlib.h>
#include <string.h>

void
disk_init(struct disk *disk, const struct tape *tape)
{
    memset(disk, 0, sizeof(*disk));
    disk->tape = tape;
}

void
disk_fini(struct disk *disk)
{
    for (int i = 0; i < DISK_FILES_MAX; i++) {
        free(disk->files[i].bytes);
    }
    for (int i = 0; i < TAPE_NAMES_MAX; i++) {
        free(disk->image[i].bytes);
    }
    memset(disk, 0, sizeof(*disk));
}

static void
file_resize(struct disk_file *file, size_t n)
{
    if (n > file->cap || file->bytes == NULL) {
        file->cap = n > file->cap * 2 ? n + 4096 : file->cap * 2;
        file->bytes = realloc(file->bytes, file->cap);
        if (file->bytes == NULL) {
            abort();
        }
    }
    if (n > file->n) {
        memset(file->bytes + file->n, 0, n - file->n);
    }
    file->n = n;
}

uint32_t
disk_sectors(const struct tape_op *op)
{
    if (op->kind != CALL_WRITE || op->n == 0) {
        return 0;
    }
    return (uint32_t)((op->offset + op->n - 1) / DISK_SECTOR - op->offset / DISK_SECTOR + 1);
}

static bool
sector_kept(enum disk_fate fate, uint32_t sector, uint32_t sectors, uint32_t *seed)
{
    switch (fate) {
    case DISK_KEPT:
        return true;
    case DISK_HEAD:
        return sector < sectors;
    case DISK_TAIL:
        return sector >= sectors;
    case DISK_SOME:
        *seed = *seed * 1103515245u + 12345u;
        return (*seed >> 16 & 1) != 0;
    default:
        return false;
    }
}

static void
op_apply(struct disk_file *file, const struct tape_op *op, enum disk_fate fate, uint32_t sectors, uint32_t *seed)
{
    uint64_t at = op->offset, end = op->offset + op->n;

    if (fate == DISK_DROPPED) {
        return;
    }
    if (op->kind == CALL_TRUNCATE) {
        file_resize(file, (size_t)op->offset);
        return;
    }
    if (fate == DISK_SIZED) {
        if (end > file->n) {
            file_resize(file, end);
        }
        return;
    }
    for (uint32_t sector = 0; at < end; sector++) {
        uint64_t stop = (at / DISK_SECTOR + 1) * DISK_SECTOR;
        stop = stop < end ? stop : end;
        if (sector_kept(fate, sector, sectors, seed)) {
            if (stop > file->n) {
                file_resize(file, stop);
            }
            memcpy(file->bytes + at, tape_bytes(op) + (at - op->offset), stop - at);
        }
        at = stop;
    }
}

static void
entry_apply(uint32_t dir[TAPE_NAMES_MAX], const struct tape_op *op)
{
    if (op->kind == CALL_RENAME) {
        dir[op->to] = dir[op->name];
    }
    dir[op->name] = op->kind == CALL_CREATE ? op->file : 0;
}

static void
file_sync(struct disk *disk, uint32_t file)
{
    uint32_t left = 0, none = 0;

    for (uint32_t i = 0; i < disk->pending_count; i++) {
        const struct tape_op *op = disk->pending[i];
        if (op->file == file) {
            op_apply(&disk->files[file], op, DISK_KEPT, 0, &none);
        } else {
            disk->pending[left++] = op;
        }
    }
    disk->pending_count = left;
}

void
disk_step(struct disk *disk, const struct tape_op *op)
{
    if (op->file >= DISK_FILES_MAX || disk->pending_count == DISK_PENDING_MAX || disk->entry_count == DISK_PENDING_MAX) {
        abort();
    }
    switch (op->kind) {
    case CALL_CREATE:
    case CALL_UNLINK:
    case CALL_RENAME:
        disk->entries[disk->entry_count++] = op;
        break;
    case CALL_WRITE:
    case CALL_TRUNCATE:
        disk->pending[disk->pending_count++] = op;
        break;
    case CALL_SYNC:
        if (op->name < TAPE_NAMES_MAX) {
            file_sync(disk, op->file);
            break;
        }
        for (uint32_t i = 0; i < disk->entry_count; i++) {
            entry_apply(disk->dir, disk->entries[i]);
        }
        disk->entry_count = 0;
        break;
    default:
        break;
    }
}

static uint64_t
hash_add(uint64_t hash, const void *p, size_t n)
{
    const uint8_t *bytes = p;
    uint64_t word;

    for (; n >= sizeof(word); n -= sizeof(word), bytes += sizeof(word)) {
        memcpy(&word, bytes, sizeof(word));
        hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
        hash ^= hash >> 29;
    }
    for (; n > 0; n--) {
        hash = (hash ^ *bytes++) * 0x100000001b3ull;
    }
    return hash;
}

void
disk_crash(struct disk *disk, const struct disk_choice *choice)
{
    uint32_t dir[TAPE_NAMES_MAX], seed = choice->seed;

    memcpy(dir, disk->dir, sizeof(dir));
    for (uint32_t i = 0; i < choice->entries; i++) {
        entry_apply(dir, disk->entries[i]);
    }
    for (uint32_t name = 0; name < TAPE_NAMES_MAX; name++) {
        struct disk_file *image = &disk->image[name];
        const struct disk_file *file = &disk->files[dir[name]];
        if (dir[name] == 0) {
            free(image->bytes);
            *image = (struct disk_file){0};
            continue;
        }
        image->n = 0;
        file_resize(image, file->n);
        if (file->n > 0) {
            memcpy(image->bytes, file->bytes, file->n);
        }
        for (uint32_t i = 0; i < disk->pending_count; i++) {
            if (disk->pending[i]->file == dir[name]) {
                op_apply(image, disk->pending[i], (enum disk_fate)choice->fate[i], choice->sectors[i], &seed);
            }
        }
    }
}

uint64_t
disk_hash(const struct disk *disk, const char *prefix)
{
    uint64_t hash = 0xcbf29ce484222325ull;

    for (uint32_t name = 0; name < TAPE_NAMES_MAX; name++) {
        const struct disk_file *image = &disk->image[name];
        if (image->bytes != NULL && strncmp(disk->tape->names[name], prefix, strlen(prefix)) == 0) {
            hash = hash_add(hash_add(hash, &name, sizeof(name)), &image->n, sizeof(image->n));
            hash = hash_add(hash, image->bytes, image->n);
        }
    }
    return hash;
}
