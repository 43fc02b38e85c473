/* A small hash table, see table.h. */
#include "lib/table.h"

#include <stdlib.h>

enum { SIZE_FIRST = 64 };

static uint32_t
place_of(const struct qiaoi_table *table, uint64_t key)
{
    return (uint32_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & table->mask;
}

static struct qiaoi_table_entry *
entry_find(const struct qiaoi_table *table, uint64_t key)
{
    uint32_t at = place_of(table, key);

    while (table->entries[at].key != 0 && table->entries[at].key != key) {
        at = (at + 1) & table->mask;
    }
    return &table->entries[at];
}

static bool
table_grow(struct qiaoi_table *table)
{
    uint32_t size = table->entries ? (table->mask + 1) * 2 : SIZE_FIRST;
    struct qiaoi_table bigger = {calloc(size, sizeof(struct qiaoi_table_entry)), size - 1, table->count};

    if (!bigger.entries) {
        return false;
    }
    for (uint32_t at = 0; table->entries && at <= table->mask; at++) {
        if (table->entries[at].key != 0) {
            *entry_find(&bigger, table->entries[at].key) = table->entries[at];
        }
    }
    free(table->entries);
    *table = bigger;
    return true;
}

bool
qiaoi_table_reserve(struct qiaoi_table *table, uint32_t more)
{
    while (!table->entries || table->count + more > (table->mask + 1) / 2) {
        if (!table_grow(table)) {
            return false;
        }
    }
    return true;
}

bool
qiaoi_table_put(struct qiaoi_table *table, uint64_t key, uint64_t value)
{
    struct qiaoi_table_entry *entry;

    if (!qiaoi_table_reserve(table, 1)) {
        return false;
    }
    entry = entry_find(table, key);
    if (entry->key == 0) {
        table->count++;
    }
    *entry = (struct qiaoi_table_entry){key, value};
    return true;
}

bool
qiaoi_table_get(const struct qiaoi_table *table, uint64_t key, uint64_t *out_value)
{
    const struct qiaoi_table_entry *entry;

    if (!table->entries || key == 0) {
        return false;
    }
    entry = entry_find(table, key);
    if (entry->key == 0) {
        return false;
    }
    *out_value = entry->value;
    return true;
}

bool
qiaoi_table_remove(struct qiaoi_table *table, uint64_t key, uint64_t *out_value)
{
    struct qiaoi_table_entry *entry;
    uint32_t hole, at;

    if (!table->entries || key == 0) {
        return false;
    }
    entry = entry_find(table, key);
    if (entry->key == 0) {
        return false;
    }
    *out_value = entry->value;
    hole = (uint32_t)(entry - table->entries);
    for (at = (hole + 1) & table->mask; table->entries[at].key != 0; at = (at + 1) & table->mask) {
        uint32_t home = place_of(table, table->entries[at].key);

        /* Move it into the hole unless its home lies between the hole and itself. */
        if (((at - home) & table->mask) >= ((at - hole) & table->mask)) {
            table->entries[hole] = table->entries[at];
            hole = at;
        }
    }
    table->entries[hole].key = 0;
    table->count--;
    return true;
}

void
qiaoi_table_fini(struct qiaoi_table *table)
{
    free(table->entries);
    *table = (struct qiaoi_table){0};
}
