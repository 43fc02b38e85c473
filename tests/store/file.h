/*
 * Damaging files of a store on purpose.
 */
#ifndef TESTS_STORE_FILE_H
#define TESTS_STORE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Flip one bit of the last byte wherever these bytes stand (SQLite leaves old copies in pages). False: nowhere. */
bool file_flip(const char *dir, const char *name, const void *bytes, size_t n);

/* Flip one bit at that fraction (in millionths) of the file. */
void file_flip_at(const char *dir, const char *name, uint32_t millionths);

/*
 * Put the first two leaf pages of a table (a b-tree of two levels) in each other's place; or fill the one of that number (from 0)
 * with zeros. The file has no log.
 */
void file_root_empty(const char *dir, const char *name, uint32_t page_bytes, const char *table); /* no entry is left in it */
void file_page_clear(const char *dir, const char *name, uint32_t page_bytes, const char *table, uint32_t number);
void file_pages_exchange(const char *dir, const char *name, uint32_t page_bytes, const char *table);

void file_copy(const char *dir, const char *name, const char *to_name);
void file_remove(const char *dir, const char *name);
bool file_exists(const char *dir, const char *name);
unsigned file_mode(const char *dir, const char *name);

/* Run SQL on a database in the directory, by a connection of its own; history.db's pages get their checksums. */
void file_sql(const char *dir, const char *name, const char *sql);

/* The number that a statement answers. */
int64_t file_number(const char *dir, const char *name, const char *sql);

#endif
