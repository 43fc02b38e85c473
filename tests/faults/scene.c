/*
 * See scene.h.
 */
#include "scene.h"

#include <dirent.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/seal.h"

enum { TAPE_BYTES = 64 << 20 };

static bool
entry_counts(const char *name)
{
    size_t n = strlen(name);

    return name[0] != '.' && strcmp(name, "lock") != 0 && (n < 4 || strcmp(name + n - 4, "-shm") != 0);
}

void
scene_write(const char *dir, const char *name, const uint8_t *bytes, size_t n)
{
    char path[1024];
    int fd;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    if (bytes == NULL) {
        unlink(path);
        return;
    }
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || (n > 0 && write(fd, bytes, n) != (ssize_t)n)) {
        perror(path);
        abort();
    }
    close(fd);
}

void
scene_wipe(const char *dir)
{
    DIR *open_dir = opendir(dir);
    struct dirent *entry;

    while (open_dir != NULL && (entry = readdir(open_dir)) != NULL) {
        if (entry->d_name[0] != '.') {
            scene_write(dir, entry->d_name, NULL, 0);
        }
    }
    if (open_dir != NULL) {
        closedir(open_dir);
    }
}

static void
file_take(struct scene *scene, const char *name)
{
    struct scene_file *file = &scene->files[scene->count++];
    char path[1024];
    struct stat st;
    int fd;

    snprintf(file->name, sizeof(file->name), "%s", name);
    snprintf(path, sizeof(path), "%s/%s", scene->dir, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0) {
        perror(path);
        abort();
    }
    file->n = (size_t)st.st_size;
    file->bytes = malloc(file->n + 1);
    if (read(fd, file->bytes, file->n) != (ssize_t)file->n) {
        abort();
    }
    close(fd);
}

void
scene_take(struct scene *scene)
{
    DIR *open_dir = opendir(scene->dir);
    struct dirent *entry;

    while (scene->count > 0) {
        free(scene->files[--scene->count].bytes);
    }
    while (open_dir != NULL && scene->count < TAPE_NAMES_MAX && (entry = readdir(open_dir)) != NULL) {
        if (entry_counts(entry->d_name)) {
            file_take(scene, entry->d_name);
        }
    }
    closedir(open_dir);
    memcpy(scene->before, scene->tape, sizeof(*scene->tape) + scene->tape->used);
}

static void
scene_make(struct scene *scene)
{
    *scene = (struct scene){.count = 0};
    /* In memory where the system has such a place: nothing here needs a disk, and a disk would take hours. */
    if (access("/dev/shm", W_OK) == 0) {
        setenv("TMPDIR", "/dev/shm", 0);
    }
    scene->dir = helper_dir_make();
    scene->tape = tape_new(scene->dir, TAPE_BYTES);
    scene->before = tape_new(scene->dir, TAPE_BYTES);
    tape_clear(scene->tape);
}

static void
scene_made(struct scene *scene, int end)
{
    if (end != WORK_WELL) {
        fprintf(stderr, "the store to begin from: %d %s\n", end, scene->tape->text);
        abort();
    }
    scene_take(scene);
}

void
scene_init(struct scene *scene, uint32_t seed, uint32_t steps)
{
    scene_make(scene);
    scene_made(scene, work_in_child(scene->tape, seed, steps));
}

/* In a child, like all that opens a file by SQLite here: its locks go with its process. */
static enum work_end
headers_make(void *context)
{
    static const char *const names[] = {"journal.db", "history.db"};
    bool ok = true;

    for (int i = 0; i < 2; i++) {
        char path[1024];
        const char *vfs = NULL;
        sqlite3 *db = NULL;
        snprintf(path, sizeof(path), "%s/%s", (const char *)context, names[i]);
        ok = ok && (i == 0 || seal_vfs(NULL, &vfs, NULL) == STORE_OK) &&
             sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs) == SQLITE_OK &&
             sqlite3_exec(db, "PRAGMA page_size = 512", NULL, NULL, NULL) == SQLITE_OK;
        seal_begin(db);
        ok = ok && sqlite3_exec(db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL) == SQLITE_OK;
        sqlite3_close(db);
    }
    return ok ? WORK_WELL : WORK_WRONG;
}

void
scene_init_small(struct scene *scene, const char *letters)
{
    scene_make(scene);
    if (work_in_child_of(headers_make, scene->dir) != WORK_WELL) {
        abort();
    }
    scene_made(scene, work_script_in_child(scene->tape, letters));
}

static uint32_t
be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static enum work_end
log_leave(void *context)
{
    char path[1024];
    sqlite3 *db = NULL;

    snprintf(path, sizeof(path), "%s/history.db", (const char *)context);
    return sqlite3_open(path, &db) == SQLITE_OK && sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL) == SQLITE_OK &&
                   sqlite3_exec(db, "PRAGMA wal_autocheckpoint = 0; UPDATE finished SET trail = trail, at = at + 1; UPDATE finished SET at = at - 1",
                                NULL, NULL, NULL) == SQLITE_OK &&
                   sqlite3_close(db) == SQLITE_OK
               ? WORK_WELL : WORK_WRONG;
}

/* A log begins with 32 bytes, each of its pages with 24, the first four of which are the page's number. */
void
scene_tear_history(struct scene *scene)
{
    struct scene_file *file, *log = NULL;

    if (work_in_child_of(log_leave, scene->dir) != WORK_WELL) {
        abort();
    }
    scene_take(scene);
    file = scene_file(scene, "history.db");
    log = scene_file(scene, "history.db-wal");
    if (file == NULL || log == NULL || log->n < 64) {
        abort();
    }
    for (uint32_t page = be32(log->bytes + 8), at = 32; at + 24 + page <= log->n; at += 24 + page) {
        size_t offset = (size_t)(be32(log->bytes + at) - 1) * page;
        if (offset > 0 && offset + page <= file->n) {
            memset(file->bytes + offset, 0, page);
        }
    }
    scene_write(scene->dir, file->name, file->bytes, file->n);
}

struct scene_file *
scene_file(struct scene *scene, const char *name)
{
    for (uint32_t i = 0; i < scene->count; i++) {
        if (strcmp(scene->files[i].name, name) == 0) {
            return &scene->files[i];
        }
    }
    return NULL;
}

void
scene_fini(struct scene *scene)
{
    while (scene->count > 0) {
        free(scene->files[--scene->count].bytes);
    }
    helper_dir_remove(&scene->dir);
}

void
scene_reset(struct scene *scene, bool old)
{
    scene_wipe(scene->dir);
    tape_clear(scene->tape);
    if (!old) {
        return;
    }
    memcpy(scene->tape, scene->before, sizeof(*scene->before) + scene->before->used);
    scene->tape->calls.count = scene->tape->calls.hit = scene->tape->calls.at = 0;
    for (uint32_t i = 0; i < scene->count; i++) {
        scene_write(scene->dir, scene->files[i].name, scene->files[i].bytes, scene->files[i].n);
    }
}

void
scene_keep(const struct scene *scene, const char *what)
{
    char command[2048];

    snprintf(command, sizeof(command), "cp -r %s %s-%s", scene->dir, scene->dir, what);
    printf("# the files after it: %s-%s%s\n", scene->dir, what, system(command) == 0 ? "" : " (not copied)");
}
