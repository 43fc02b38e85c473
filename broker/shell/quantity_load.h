/* Amounts as people write them in files: "30s", "14d", "64KiB", "1_000_000". Knows no file. */
#ifndef SHELL_QUANTITY_LOAD_H
#define SHELL_QUANTITY_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A whole number from 0; '_' may part its digits. */
bool quantity_count(const char *text, uint64_t *out_count);

/* A whole number with us, ms, s, m, h, d, w or y (365 days); a bare 0 too. Never negative. */
bool quantity_duration(const char *text, int64_t *out_us);

/* A whole number of bytes, or with KiB, MiB, GiB. */
bool quantity_bytes(const char *text, uint64_t *out_bytes);

/* A finite number, as in 0.35 or -200; no hexadecimal, no words. */
bool quantity_number(const char *text, double *out_number);

/* "true" or "false", nothing else. */
bool quantity_bool(const char *text, bool *out_value);

/* A short text that reads back as the same amount. */
void quantity_duration_text(int64_t us, char *out_text, size_t n);
void quantity_bytes_text(uint64_t bytes, char *out_text, size_t n);

#endif
