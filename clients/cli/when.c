/* Points in time and durations as people write and read them. */
#include "when.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SECOND INT64_C(1000000)
#define DURATION_MAX (INT64_C(36525) * 24 * 3600 * SECOND)

static bool
unit_parse(const char **p, int64_t *out_us)
{
    static const struct {
        const char *name;
        int64_t us;
    } units[] = { { "us", 1 }, { "ms", 1000 }, { "s", SECOND }, { "min", 60 * SECOND }, { "m", 60 * SECOND },
                  { "h", 3600 * SECOND }, { "d", 86400 * SECOND }, { "w", 7 * 86400 * SECOND } };
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        size_t n = strlen(units[i].name);
        if (strncmp(*p, units[i].name, n) == 0 && !isalpha((unsigned char)(*p)[n])) {
            *p += n;
            *out_us = units[i].us;
            return true;
        }
    }
    return false;
}

bool
duration_parse(const char *p, int64_t *out_us)
{
    if (strcmp(p, "0") == 0) {
        *out_us = 0;
        return true;
    }
    int64_t sum = 0;
    do {
        int64_t whole = 0, part = 0, scale = 1, unit;
        if (!isdigit((unsigned char)*p))
            return false;
        for (; isdigit((unsigned char)*p); p++) {
            if (whole > INT64_C(1000000000000000))
                return false;
            whole = whole * 10 + (*p - '0');
        }
        if (*p == '.') {
            if (!isdigit((unsigned char)*++p))
                return false;
            for (; isdigit((unsigned char)*p); p++)
                if (scale < SECOND) {
                    part = part * 10 + (*p - '0');
                    scale *= 10;
                }
        }
        if (!unit_parse(&p, &unit) || whole > DURATION_MAX / unit)
            return false;
        sum += whole * unit + part * unit / scale;
        if (sum > DURATION_MAX)
            return false;
    } while (*p);
    *out_us = sum;
    return true;
}

/* n digits, or -1. */
static int
digits(const char **p, size_t n)
{
    int value = 0;
    for (size_t i = 0; i < n; i++) {
        if (!isdigit((unsigned char)(*p)[i]))
            return -1;
        value = value * 10 + ((*p)[i] - '0');
    }
    *p += n;
    return value;
}

static bool
date_parse(const char **p, struct tm *tm)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    int year = digits(p, 4);
    if (year < 1970 || *(*p)++ != '-')
        return false;
    int month = digits(p, 2);
    if (month < 1 || month > 12 || *(*p)++ != '-')
        return false;
    int day = digits(p, 2);
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (day < 1 || day > days[month - 1] + (month == 2 && leap))
        return false;
    *tm = (struct tm){ .tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day, .tm_isdst = -1 };
    return true;
}

/* The time of day; *us are the µs of its fraction. Seconds may be left out. */
static bool
clock_parse(const char **p, struct tm *tm, int64_t *us)
{
    *us = 0;
    tm->tm_hour = digits(p, 2);
    if (tm->tm_hour < 0 || tm->tm_hour > 23 || *(*p)++ != ':')
        return false;
    tm->tm_min = digits(p, 2);
    if (tm->tm_min < 0 || tm->tm_min > 59)
        return false;
    if (**p != ':')
        return true;
    (*p)++;
    tm->tm_sec = digits(p, 2);
    if (tm->tm_sec < 0 || tm->tm_sec > 60)
        return false;
    if (**p == '.') {
        int64_t scale = SECOND / 10;
        if (!isdigit((unsigned char)*++*p))
            return false;
        for (; isdigit((unsigned char)**p); (*p)++, scale /= 10)
            *us += (**p - '0') * scale;
    }
    return true;
}

/* Z or an offset; *local when there is neither. */
static bool
zone_parse(const char *p, int64_t *out_seconds, bool *local)
{
    *local = false;
    *out_seconds = 0;
    if (*p == '\0') {
        *local = true;
        return true;
    }
    if ((*p == 'Z' || *p == 'z') && p[1] == '\0')
        return true;
    if (*p != '+' && *p != '-')
        return false;
    int sign = *p++ == '-' ? -1 : 1;
    int hours = digits(&p, 2);
    if (*p == ':')
        p++;
    int minutes = digits(&p, 2);
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59 || *p)
        return false;
    *out_seconds = sign * (hours * 3600 + minutes * 60);
    return true;
}

bool
when_parse(const char *p, int64_t now_us, int64_t *out_us)
{
    if (*p == '+') {
        int64_t after;
        if (!duration_parse(p + 1, &after))
            return false;
        *out_us = now_us + after;
        return true;
    }
    struct tm tm;
    int64_t us = 0, offset;
    bool local;
    if (!date_parse(&p, &tm))
        return false;
    if (*p == 'T' || *p == 't' || *p == ' ') {
        p++;
        if (!clock_parse(&p, &tm, &us))
            return false;
        if (*p == ' ')
            p++;
        if (!zone_parse(p, &offset, &local))
            return false;
    } else if (*p == '\0') {
        offset = 0;
        local = true;
    } else {
        return false;
    }
    time_t seconds = local ? mktime(&tm) : timegm(&tm);
    if (seconds == (time_t)-1)
        return false;
    *out_us = ((int64_t)seconds - offset) * SECOND + us;
    return true;
}

static void
split(int64_t us, bool utc, struct tm *tm, int64_t *fraction)
{
    *fraction = ((us % SECOND) + SECOND) % SECOND;
    time_t seconds = (time_t)((us - *fraction) / SECOND);
    if (utc)
        gmtime_r(&seconds, tm);
    else
        localtime_r(&seconds, tm);
}

void
when_format(int64_t us, bool utc, bool fine, char out[WHEN_SIZE])
{
    out[0] = '\0';
    if (us == 0)
        return;
    struct tm tm;
    int64_t fraction;
    split(us, utc, &tm, &fraction);
    size_t n = strftime(out, WHEN_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
    if (fine)
        n += (size_t)snprintf(out + n, WHEN_SIZE - n, ".%06d", (int)fraction);
    if (utc) {
        snprintf(out + n, WHEN_SIZE - n, "Z");
        return;
    }
    long offset = tm.tm_gmtoff;
    long size = labs(offset);
    snprintf(out + n, WHEN_SIZE - n, "%c%02ld:%02ld", offset < 0 ? '-' : '+', size / 3600 % 100, size / 60 % 60);
}

void
when_format_table(int64_t us, bool utc, char out[WHEN_SIZE])
{
    out[0] = '\0';
    if (us == 0)
        return;
    struct tm tm;
    int64_t fraction;
    split(us, utc, &tm, &fraction);
    strftime(out, WHEN_SIZE, "%Y-%m-%d %H:%M:%S %z", &tm);
}

void
duration_format(int64_t us, char out[WHEN_SIZE])
{
    const char *sign = us < 0 ? "-" : "";
    if (us < 0)
        us = us == INT64_MIN ? INT64_MAX : -us;
    long long s = us / SECOND;
    if (us < 1000)
        snprintf(out, WHEN_SIZE, us ? "%s%lldus" : "0s", sign, (long long)us);
    else if (us < SECOND)
        snprintf(out, WHEN_SIZE, "%s%lldms", sign, (long long)us / 1000);
    else if (s < 60)
        snprintf(out, WHEN_SIZE, "%s%llds", sign, s);
    else if (s < 3600)
        snprintf(out, WHEN_SIZE, s % 60 ? "%s%lldm %llds" : "%s%lldm", sign, s / 60, s % 60);
    else if (s < 86400)
        snprintf(out, WHEN_SIZE, s / 60 % 60 ? "%s%lldh %lldm" : "%s%lldh", sign, s / 3600, s / 60 % 60);
    else
        snprintf(out, WHEN_SIZE, s / 3600 % 24 ? "%s%lldd %lldh" : "%s%lldd", sign, s / 86400, s / 3600 % 24);
}
