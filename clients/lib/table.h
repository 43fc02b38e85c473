/*
 * A small hash table: 64-bit key (never 0) to 64-bit value. Open addressing, linear probing, deletion by shifting back,
 * so that it never fills with graves. Grows by doubling; knows nothing of clients.
 */
#ifndef QIAOI_TABLE_H
#define QIAOI_TABLE_H

#include <stdbool.h>
#include <stdint.h>

struct qiaoi_table_entry {
    uint64_t key;
    uint64_t value;
};

struct qiaoi_table {
    struct qiaoi_table_entry *entries;
    uint32_t mask; /* size - 1; entries is NULL when empty */
    uint32_t count;
};

/* Room for so many more, so that inserting them cannot fail. */
bool qiaoi_table_reserve(struct qiaoi_table *table, uint32_t more);
/* Insert or replace. False: no memory; the table is as it was. */
bool qiaoi_table_put(struct qiaoi_table *table, uint64_t key, uint64_t value);
bool qiaoi_table_get(const struct qiaoi_table *table, uint64_t key, uint64_t *out_value);
bool qiaoi_table_remove(struct qiaoi_table *table, uint64_t key, uint64_t *out_value);
void qiaoi_table_fini(struct qiaoi_table *table);

#endif
