/*
 * Logger files: CSV with a header line. Comma, semicolon or tab, as the header shows; with a semicolon numbers may have a decimal comma.
 * Columns: time or timestamp; celsius or temperature; device or sensor (optional); others are skipped. Lines that begin with # are skipped.
 */
#include "coldchain/readings.h"

#include "common/civil.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LINE_BYTES_MAX = 1024, COLUMNS_MAX = 32 };

struct table {
    const char *at, *end;
    size_t line;
    char separator;
    int time, celsius, device; /* columns; device -1: none */
    char text[LINE_BYTES_MAX + 1]; /* the current line, cut into cells */
    char *cells[COLUMNS_MAX];
    int cells_n;
};

static bool
line_fault(const struct table *table, const char *column, const char *rule, struct fault *fault)
{
    char path[INPUT_PATH_BYTES];
    snprintf(path, sizeof path, "body.line[%zu]%s%s", table->line, *column ? "." : "", column);
    fault_wrong(fault, path, rule);
    return false;
}

/* The next line that says something; false at the end or with a fault. */
static bool
line_next(struct table *table, struct fault *fault)
{
    while (table->at < table->end) {
        const char *stop = memchr(table->at, '\n', (size_t)(table->end - table->at));
        size_t n = (size_t)((stop ? stop : table->end) - table->at);
        table->line++;
        if (n > LINE_BYTES_MAX || memchr(table->at, '\0', n))
            return line_fault(table, "", "a text line of at most 1,024 bytes", fault);
        memcpy(table->text, table->at, n);
        table->text[n] = '\0';
        table->at += n + (stop != NULL);
        if (n > 0 && table->text[n - 1] == '\r')
            table->text[n - 1] = '\0';
        if (table->text[strspn(table->text, " \t")] != '\0' && *table->text != '#')
            return true;
    }
    return false;
}

static char *
cell_trim(char *cell)
{
    cell += strspn(cell, " ");
    for (size_t n = strlen(cell); n > 0 && cell[n - 1] == ' '; n--)
        cell[n - 1] = '\0';
    return cell;
}

/* Cut the line into cells; a cell in double quotes may hold the separator. */
static bool
cells_cut(struct table *table, struct fault *fault)
{
    char *at = table->text;
    table->cells_n = 0;
    for (;;) {
        if (table->cells_n == COLUMNS_MAX)
            return line_fault(table, "", "a line of at most 32 columns", fault);
        char *cell = at, *stop;
        if (*at == '"') {
            cell = at + 1;
            stop = strchr(cell, '"');
            if (!stop || (stop[1] != '\0' && stop[1] != table->separator))
                return line_fault(table, "", "a line whose quotes are closed", fault);
            *stop++ = '\0';
        } else {
            stop = at + strcspn(at, (char[]){table->separator, '\0'});
        }
        bool last = *stop == '\0';
        *stop = '\0';
        table->cells[table->cells_n++] = cell_trim(cell);
        if (last)
            return true;
        at = stop + 1;
    }
}

static int
column_of(const struct table *table, const char *const *names)
{
    for (int i = 0; i < table->cells_n; i++)
        for (size_t j = 0; names[j]; j++)
            if (strcasecmp(table->cells[i], names[j]) == 0)
                return i;
    return -1;
}

static bool
header_read(struct table *table, struct fault *fault)
{
    static const char *const times[] = {"time", "timestamp", "eventTime", NULL};
    static const char *const values[] = {"celsius", "temperature", "temperature_c", "temp", NULL};
    static const char *const devices[] = {"device", "deviceID", "sensor", NULL};
    if (!line_next(table, fault)) {
        fault_missing(fault, "body");
        return false;
    }
    table->separator = strchr(table->text, ';') ? ';' : strchr(table->text, ',') ? ',' : '\t';
    if (!cells_cut(table, fault))
        return false;
    table->time = column_of(table, times);
    table->celsius = column_of(table, values);
    table->device = column_of(table, devices);
    if (table->time < 0 || table->celsius < 0)
        return line_fault(table, "", "a header line with the columns time and celsius", fault);
    return true;
}

/* A plain number; no hexadecimal, no "nan". */
static bool
number_read(char *text, char separator, double *out)
{
    char *end;
    char *comma = separator == ';' ? strchr(text, ',') : NULL;
    if (comma)
        *comma = '.';
    if (*text == '\0' || text[strspn(text, "0123456789+-.eE")] != '\0')
        return false;
    *out = strtod(text, &end);
    return *end == '\0';
}

static bool
row_read(struct table *table, struct readings *readings, struct fault *fault)
{
    int64_t at_us;
    double celsius;
    char path[INPUT_PATH_BYTES];
    if (!cells_cut(table, fault))
        return false;
    if (table->cells_n <= table->time || !civil_parse_time(table->cells[table->time], &at_us))
        return line_fault(table, "time", "a time such as 2026-03-31T08:00:00+08:00", fault);
    if (table->cells_n <= table->celsius || !number_read(table->cells[table->celsius], table->separator, &celsius))
        return line_fault(table, "celsius", "a number such as 5.2", fault);
    const char *device = table->device >= 0 && table->device < table->cells_n ? table->cells[table->device] : "";
    snprintf(path, sizeof path, "body.line[%zu].celsius", table->line);
    return readings_add(readings, device, at_us, celsius, path, fault);
}

bool
readings_read_csv(struct readings *readings, const char *bytes, size_t size, struct fault *fault)
{
    struct table table = {.at = bytes, .end = bytes + size};
    if (size == 0) {
        fault_missing(fault, "body");
        return false;
    }
    if (size > INPUT_BODY_BYTES_MAX) {
        fault_wrong(fault, "body", "at most 1 MiB");
        return false;
    }
    if (size >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0)
        table.at += 3;
    if (!header_read(&table, fault))
        return false;
    while (line_next(&table, fault))
        if (!row_read(&table, readings, fault))
            return false;
    return fault->kind == FAULT_NONE && readings_settle(readings, fault);
}
