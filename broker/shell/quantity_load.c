/* Reading and writing amounts. Units are a table; the first that divides is the one that is written (7d, not 1w). */
#include "shell/quantity_load.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct unit {
    const char *name;
    uint64_t size;
};

#define SECOND UINT64_C(1000000)

static const struct unit durations[] = {
    {"y", 365 * 86400 * SECOND}, {"d", 86400 * SECOND}, {"w", 7 * 86400 * SECOND}, {"h", 3600 * SECOND},
    {"m", 60 * SECOND},          {"s", SECOND},             {"ms", 1000},          {"us", 1},
};

static const struct unit sizes[] = {
    {"GiB", UINT64_C(1) << 30}, {"MiB", UINT64_C(1) << 20}, {"KiB", UINT64_C(1) << 10}, {"", 1},
};

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* Digits, with single '_' between them. Returns what follows them, NULL if there are none or too many. */
static const char *
digits_read(const char *text, uint64_t *out_count)
{
    uint64_t count = 0;
    const char *p = text;
    if (*p < '0' || *p > '9') {
        return NULL;
    }
    for (; (*p >= '0' && *p <= '9') || (*p == '_' && p[1] >= '0' && p[1] <= '9'); p++) {
        if (*p == '_') {
            continue;
        }
        uint64_t digit = (uint64_t)(*p - '0');
        if (count > (INT64_MAX - digit) / 10) {
            return NULL;
        }
        count = count * 10 + digit;
    }
    *out_count = count;
    return p;
}

static bool
amount_read(const char *text, const struct unit *units, size_t unit_count, uint64_t *out_amount)
{
    uint64_t count;
    const char *rest = digits_read(text, &count);
    if (rest == NULL) {
        return false;
    }
    for (size_t i = 0; i < unit_count; i++) {
        if (strcmp(rest, units[i].name) == 0) {
            if (count > INT64_MAX / units[i].size) {
                return false;
            }
            *out_amount = count * units[i].size;
            return true;
        }
    }
    return false;
}

static void
amount_text(uint64_t amount, const struct unit *units, size_t unit_count, char *out_text, size_t n)
{
    for (size_t i = 0; i < unit_count; i++) {
        if (amount % units[i].size == 0) {
            snprintf(out_text, n, "%" PRIu64 "%s", amount / units[i].size, units[i].name);
            return;
        }
    }
}

bool
quantity_count(const char *text, uint64_t *out_count)
{
    uint64_t count;
    const char *rest = digits_read(text, &count);
    if (rest == NULL || *rest != '\0') {
        return false;
    }
    *out_count = count;
    return true;
}

bool
quantity_duration(const char *text, int64_t *out_us)
{
    uint64_t us;
    if (strcmp(text, "0") == 0) {
        *out_us = 0;
        return true;
    }
    if (!amount_read(text, durations, COUNT(durations), &us)) {
        return false;
    }
    *out_us = (int64_t)us;
    return true;
}

bool
quantity_bytes(const char *text, uint64_t *out_bytes)
{
    return amount_read(text, sizes, COUNT(sizes), out_bytes);
}

bool
quantity_number(const char *text, double *out_number)
{
    if (text[0] == '\0' || strspn(text, "0123456789+-.eE") != strlen(text)) {
        return false;
    }
    char *end;
    double number = strtod(text, &end);
    if (*end != '\0' || !isfinite(number)) {
        return false;
    }
    *out_number = number;
    return true;
}

bool
quantity_bool(const char *text, bool *out_value)
{
    bool is_true = strcmp(text, "true") == 0;
    if (!is_true && strcmp(text, "false") != 0) {
        return false;
    }
    *out_value = is_true;
    return true;
}

void
quantity_duration_text(int64_t us, char *out_text, size_t n)
{
    if (us == 0) {
        snprintf(out_text, n, "0");
        return;
    }
    amount_text((uint64_t)us, durations, COUNT(durations), out_text, n);
}

void
quantity_bytes_text(uint64_t bytes, char *out_text, size_t n)
{
    if (bytes == 0) {
        snprintf(out_text, n, "0");
        return;
    }
    amount_text(bytes, sizes, COUNT(sizes), out_text, n);
}
