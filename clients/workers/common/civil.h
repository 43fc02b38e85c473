/*
 * Calendar dates and RFC 3339 times as microseconds since 1970-01-01 UTC, and back. No clock, no locale, no time zone database.
 */
#ifndef QIAO_WORKERS_CIVIL_H
#define QIAO_WORKERS_CIVIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CIVIL_SECOND_US INT64_C(1000000)
#define CIVIL_MINUTE_US (60 * CIVIL_SECOND_US)
#define CIVIL_HOUR_US (60 * CIVIL_MINUTE_US)
#define CIVIL_DAY_US (24 * CIVIL_HOUR_US)

enum { CIVIL_TEXT_BYTES = 32 };

/* "YYYY-MM-DD", years 1900 to 2999, the day must exist. */
bool civil_parse_date(const char *text, int64_t *out_day);

/* RFC 3339 with offset or Z; seconds may have a fraction (kept to microseconds). A leap second counts as the second after it. */
bool civil_parse_time(const char *text, int64_t *out_us);

/* "YYYY-MM-DDThh:mm:ssZ". out holds CIVIL_TEXT_BYTES. */
void civil_format_time(int64_t us, char *out);

/* "YYYY-MM-DD" of a day number. */
void civil_format_date(int64_t day, char *out);

/* The same day of the month, months later; the last day of the month where that does not exist. */
int64_t civil_add_months(int64_t day, int months);

#endif
