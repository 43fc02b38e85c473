/*
 * Points in time and durations as people write and read them.
 *
 * Times are µs since 1970 UTC, durations µs. Reads no clock: now comes in.
 */
#ifndef QIAO_CLI_WHEN_H
#define QIAO_CLI_WHEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WHEN_SIZE = 48 };

/* 90s, 5m, 2h30m, 3d, 1w, 1.5h, 250ms; a bare 0 too. False when it is none, negative, or beyond 100 years. */
bool duration_parse(const char *p, int64_t *out_us);

/* RFC 3339 with an offset or Z (seconds may be left out), a date (midnight, local), or +duration from now. */
bool when_parse(const char *p, int64_t now_us, int64_t *out_us);

/* "2026-11-22T05:14:31+08:00" in the local zone (or Z), with µs when asked. Empty for 0: "not set". */
void when_format(int64_t us, bool utc, bool fine, char out[WHEN_SIZE]);

/* "2026-11-22 05:14:31 +0800": for tables. */
void when_format_table(int64_t us, bool utc, char out[WHEN_SIZE]);

/* "250ms", "12s", "2m 5s", "3h 10m", "14d 2h": the two largest units. */
void duration_format(int64_t us, char out[WHEN_SIZE]);

#endif
