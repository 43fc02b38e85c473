/*
 * See file.h.
 */
#include "file.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/seal.h"

static char *
path_of(const char *dir, const char *name)
{
    static char paths[2][1024];
    static int turn;
    char *path = paths[turn++ % 2];

    snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
    return path;
}

static uint8_t *
file_read(const char *path, size_t *out_n)
{
    FILE *file = fopen(path, "rb");
    struct stat st;
    uint8_t *bytes;

    if (file == NULL || fstat(fileno(file), &st) != 0) {
        abort();
    }
    bytes = malloc((size_t)st.st_size + 1);
    *out_n = fread(bytes, 1, (size_t)st.st_size, file);
    fclose(file);
    return bytes;
}

static void
byte_flip(const char *path, size_t at)
{
    FILE *file = fopen(path, "r+b");
    int c;

    if (file == NULL || fseek(file, (long)at, SEEK_SET) != 0) {
        abort();
    }
    c = fgetc(file);
    fseek(file, (long)at, SEEK_SET);
    fputc(c ^ 1, file);
    fclose(file);
}

bool
file_flip(const char *dir, const char *name, const void *bytes, size_t n)
{
    const char *path = path_of(dir, name);
    size_t size;
    uint8_t *all = file_read(path, &size);
    const uint8_t *at = all, *found;
    bool any = false;

    while ((found = memmem(at, size - (size_t)(at - all), bytes, n)) != NULL) {
        byte_flip(path, (size_t)(found - all) + n - 1);
        at = found + n;
        any = true;
    }
    free(all);
    return any;
}

void
file_flip_at(const char *dir, const char *name, uint32_t millionths)
{
    const char *path = path_of(dir, name);
    struct stat st;

    if (stat(path, &st) != 0 || st.st_size == 0) {
        abort();
    }
    byte_flip(path, (size_t)st.st_size * millionths / 1000000);
}

static uint32_t
root_page(const char *path, const char *table)
{
    sqlite3_stmt *stmt = NULL;
    sqlite3 *db = NULL;
    uint32_t root;

    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(db, "SELECT rootpage FROM sqlite_schema WHERE name = ?1", -1, &stmt, NULL) != SQLITE_OK ||
        sqlite3_bind_text(stmt, 1, table, -1, SQLITE_STATIC) != SQLITE_OK || sqlite3_step(stmt) != SQLITE_ROW) {
        abort();
    }
    root = (uint32_t)sqlite3_column_int(stmt, 0);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return root;
}

static uint32_t
be(const uint8_t *p, int n)
{
    uint32_t value = 0;

    for (int i = 0; i < n; i++) {
        value = value << 8 | p[i];
    }
    return value;
}

/* The file format's pages: an inner page of a table is of type 5, its cells begin with the child's number; a leaf is of type 13. */
static uint8_t *
leaf_of(uint8_t *all, uint32_t root, uint32_t page_bytes, uint32_t number)
{
    uint8_t *page = all + (size_t)(root - 1) * page_bytes, *leaf;

    if (page[0] != 5 || be(page + 3, 2) <= number) {
        abort();
    }
    leaf = all + (size_t)(be(page + be(page + 12 + 2 * number, 2), 4) - 1) * page_bytes;
    if (leaf[0] != 13) {
        abort();
    }
    return leaf;
}

static void
file_write(const char *path, const uint8_t *all, size_t n)
{
    FILE *file = fopen(path, "r+b");

    if (file == NULL || fwrite(all, 1, n, file) != n) {
        abort();
    }
    fclose(file);
}

void
file_pages_exchange(const char *dir, const char *name, uint32_t page_bytes, const char *table)
{
    const char *path = path_of(dir, name);
    uint32_t root = root_page(path, table);
    size_t n;
    uint8_t *all = file_read(path, &n), *a = leaf_of(all, root, page_bytes, 0), *b = leaf_of(all, root, page_bytes, 1);
    uint8_t *copy = malloc(page_bytes);

    memcpy(copy, a, page_bytes);
    memcpy(a, b, page_bytes);
    memcpy(b, copy, page_bytes);
    file_write(path, all, n);
    free(copy);
    free(all);
}

void
file_root_empty(const char *dir, const char *name, uint32_t page_bytes, const char *table)
{
    const char *path = path_of(dir, name);
    size_t n;
    uint8_t *all = file_read(path, &n);

    memset(all + (size_t)(root_page(path, table) - 1) * page_bytes + 3, 0, 2); /* how many cells it has */
    file_write(path, all, n);
    free(all);
}

void
file_page_clear(const char *dir, const char *name, uint32_t page_bytes, const char *table, uint32_t number)
{
    const char *path = path_of(dir, name);
    size_t n;
    uint8_t *all = file_read(path, &n);

    memset(leaf_of(all, root_page(path, table), page_bytes, number), 0, page_bytes);
    file_write(path, all, n);
    free(all);
}

void
file_copy(const char *dir, const char *name, const char *to_name)
{
    size_t n;
    uint8_t *bytes = file_read(path_of(dir, name), &n);
    FILE *file = fopen(path_of(dir, to_name), "wb");

    if (file == NULL || fwrite(bytes, 1, n, file) != n) {
        abort();
    }
    fclose(file);
    free(bytes);
}

void
file_remove(const char *dir, const char *name)
{
    unlink(path_of(dir, name));
}

bool
file_exists(const char *dir, const char *name)
{
    struct stat st;

    return stat(path_of(dir, name), &st) == 0;
}

unsigned
file_mode(const char *dir, const char *name)
{
    struct stat st;

    return stat(path_of(dir, name), &st) == 0 ? (unsigned)st.st_mode & 0777 : 0;
}

void
file_sql(const char *dir, const char *name, const char *sql)
{
    const char *vfs = NULL;
    sqlite3 *db = NULL;
    char *message = NULL;

    if ((strcmp(name, "history.db") == 0 && seal_vfs(NULL, &vfs, NULL) != STORE_OK) ||
        sqlite3_open_v2(path_of(dir, name), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs) != SQLITE_OK ||
        sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK) {
        fprintf(stderr, "%s: %s\n", sql, message != NULL ? message : "?");
        abort();
    }
    sqlite3_close(db);
}

int64_t
file_number(const char *dir, const char *name, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    int64_t number;

    if (sqlite3_open(path_of(dir, name), &db) != SQLITE_OK || sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK ||
        sqlite3_step(stmt) != SQLITE_ROW) {
        fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(db));
        abort();
    }
    number = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return number;
}
