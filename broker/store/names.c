/*
 * Names and their numbers: a hash table beside a SQLite table.
 */
#include "store/names.h"

#include <stdlib.h>

#include "store/crc32c.h"
#include "store/error.h"

enum { NAMES_SIZE_FIRST = 256, NAMES_MAX = 1 << 24 };

struct name_entry {
    char *text;
    uint32_t text_n;
    uint32_t hash;
    uint32_t number;
};

static struct name_entry *
names_slot(struct name_entry *slots, uint32_t size, const char *text, uint32_t n, uint32_t hash)
{
    uint32_t i = hash & (size - 1);

    while (slots[i].text != NULL &&
           (slots[i].hash != hash || slots[i].text_n != n || memcmp(slots[i].text, text, n) != 0)) {
        i = (i + 1) & (size - 1);
    }
    return &slots[i];
}

static bool
names_grow(struct names *names)
{
    uint32_t size = names->size > 0 ? names->size * 2 : NAMES_SIZE_FIRST;
    struct name_entry *slots = calloc(size, sizeof(slots[0]));

    if (slots == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < names->size; i++) {
        const struct name_entry *old = &names->slots[i];
        if (old->text != NULL) {
            *names_slot(slots, size, old->text, old->text_n, old->hash) = *old;
        }
    }
    free(names->slots);
    names->slots = slots;
    names->size = size;
    return true;
}

static bool
names_put(struct names *names, const char *text, uint32_t n, uint32_t number)
{
    uint32_t hash = crc32c(0, text, n);
    struct name_entry *slot;
    char *copy;

    if (names->count + 1 > names->size / 2 && !names_grow(names)) {
        return false;
    }
    copy = malloc(n + 1);
    if (copy == NULL) {
        return false;
    }
    memcpy(copy, text, n);
    slot = names_slot(names->slots, names->size, text, n, hash);
    *slot = (struct name_entry){.text = copy, .text_n = n, .hash = hash, .number = number};
    names->count++;
    return true;
}

enum store_status
names_init(struct names *names, sqlite3 *db, struct store_error *out_error)
{
    sqlite3_stmt *stmt = NULL;
    enum store_status status;
    int rc = SQLITE_DONE;

    *names = (struct names){0};
    status = names_grow(names) ? STORE_OK : error_set(out_error, STORE_NO_MEMORY, "no memory for names");
    if (status == STORE_OK) {
        status = sql_prepare(db, "INSERT OR REPLACE INTO name (id, text) VALUES (?1, ?2)", &names->insert, out_error);
    }
    if (status == STORE_OK) {
        status = sql_prepare(db, "SELECT id, text FROM name", &stmt, out_error);
    }
    while (status == STORE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(stmt, 1);
        uint32_t n = (uint32_t)sqlite3_column_bytes(stmt, 1);
        if (text == NULL || !names_put(names, text, n, (uint32_t)sqlite3_column_int64(stmt, 0))) {
            status = error_set(out_error, STORE_NO_MEMORY, "no memory for names");
        }
    }
    if (status == STORE_OK && rc != SQLITE_DONE) {
        status = sql_error(db, rc, "history.db: reading names", out_error);
    }
    sqlite3_finalize(stmt);
    return status;
}

void
names_fini(struct names *names)
{
    for (uint32_t i = 0; i < names->size; i++) {
        free(names->slots[i].text);
    }
    free(names->slots);
    sqlite3_finalize(names->insert);
    *names = (struct names){0};
}

enum store_status
names_number(struct names *names, struct proto_str name, uint32_t *out_number, struct store_error *out_error)
{
    const struct name_entry *slot;
    uint32_t number;
    int rc;

    if (name.n == 0) {
        *out_number = 0;
        return STORE_OK;
    }
    slot = names_slot(names->slots, names->size, name.p, name.n, crc32c(0, name.p, name.n));
    if (slot->text != NULL) {
        *out_number = slot->number;
        return STORE_OK;
    }
    if (names->count >= NAMES_MAX) {
        return error_set(out_error, STORE_NO_MEMORY, "history knows %u names already", names->count);
    }
    number = names->count + 1;
    sqlite3_bind_int64(names->insert, 1, number);
    sqlite3_bind_text(names->insert, 2, name.p, (int)name.n, SQLITE_STATIC);
    rc = sql_step(names->insert);
    sqlite3_clear_bindings(names->insert);
    if (rc != SQLITE_DONE) {
        return sql_error(sqlite3_db_handle(names->insert), rc, "history.db: writing a name", out_error);
    }
    if (!names_put(names, name.p, name.n, number)) {
        return error_set(out_error, STORE_NO_MEMORY, "no memory for names");
    }
    *out_number = number;
    return STORE_OK;
}
