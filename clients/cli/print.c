/* Rows and objects on standard output. */
#include "print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "money.h"
#include "when.h"
#include "words.h"

enum { CELL_SIZE = 1100 };

json_t *
json_of_time(const struct cli *cli, int64_t us)
{
    char text[WHEN_SIZE];
    if (us == 0)
        return NULL;
    when_format(us, cli->utc, true, text);
    return json_string(text);
}

json_t *
json_of_id(qiao_id id)
{
    char text[QIAO_ID_CHARS + 1];
    if (id == 0)
        return NULL;
    qiao_id_text(id, text);
    return json_string(text);
}

void
json_set(json_t *object, const char *key, json_t *value)
{
    if (value)
        json_object_set_new(object, key, value);
}

void
json_set_text(json_t *object, const char *key, const char *text)
{
    if (text && *text)
        json_object_set_new(object, key, json_string(text));
}

/* ---- cells ---- */

static void
list_cell(const json_t *value, char *cell, size_t size)
{
    size_t used = 0, i;
    json_t *member;
    json_array_foreach(value, i, member) {
        char *text = json_is_string(member) ? strdup(json_string_value(member)) : json_dumps(member, JSON_COMPACT | JSON_ENCODE_ANY | json_real_flags(member));
        int n = snprintf(cell + used, size - used, "%s%s", i ? ", " : "", text ? text : "?");
        free(text);
        if (n < 0 || (size_t)n >= size - used)
            return;
        used += (size_t)n;
    }
}

/* A number that needs no decimals, and few enough digits to show all of them. */
static bool
is_whole(double v)
{
    return v > -1e15 && v < 1e15 && v == (double)(int64_t)v;
}

void
print_cell(const struct cli *cli, const struct column *column, const json_t *value, char *cell, size_t size)
{
    char text[CELL_SIZE] = "";
    int64_t us;
    if (json_is_null(value) || !value) {
        *cell = '\0';
        return;
    }
    if (column->format == COLUMN_TIME && json_is_string(value) && when_parse(json_string_value(value), 0, &us))
        when_format_table(us, cli->utc, text);
    else if (column->format == COLUMN_DURATION && json_is_number(value) && json_number_value(value) < 9e12 && json_number_value(value) > -9e12)
        duration_format((int64_t)(json_number_value(value) * 1e6), text);
    else if (column->format == COLUMN_PERCENT && json_is_number(value))
        snprintf(text, sizeof text, "%.0f %%", json_number_value(value) * 100);
    else if (column->format == COLUMN_MONEY && json_is_object(value))
        money_format(json_integer_value(json_object_get(value, "amount")), json_string_value(json_object_get(value, "currency")), text);
    else if (column->format == COLUMN_YES)
        snprintf(text, sizeof text, "%s", json_is_true(value) ? (cli->lang == LANG_ZH ? "是" : "yes") : "");
    else if (column->format == COLUMN_WORDS && json_is_string(value)) {
        char said[CELL_SIZE];
        snprintf(text, sizeof text, "%s", words_in(json_string_value(value), cli->lang, said, sizeof said));
    } else if (json_is_array(value))
        list_cell(value, text, sizeof text);
    else if (json_is_string(value))
        snprintf(text, sizeof text, "%s", json_string_value(value));
    else if (json_is_real(value))
        snprintf(text, sizeof text, is_whole(json_real_value(value)) ? "%.15g" : "%.6g", json_real_value(value));
    else {
        char *dump = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        snprintf(text, sizeof text, "%s", dump ? dump : "?");
        free(dump);
    }
    text_clean(text, cell, size);
}

const char *
print_colour(const struct cli *cli, const char *status)
{
    static const struct {
        const char *status, *escape;
    } colours[] = { { "completed", "\033[32m" }, { "in-progress", "\033[36m" }, { "accepted", "\033[36m" }, { "failed", "\033[31m" },
                    { "rejected", "\033[31m" },  { "on-hold", "\033[33m" },     { "cancelled", "\033[90m" } };
    if (!cli->colour)
        return "";
    for (size_t i = 0; i < sizeof colours / sizeof *colours; i++)
        if (strcmp(colours[i].status, status) == 0)
            return colours[i].escape;
    return "";
}

static bool
column_is_right(const struct column *column)
{
    return column->format == COLUMN_NUMBER || column->format == COLUMN_PERCENT || column->format == COLUMN_MONEY;
}

/* ---- tables ---- */

static void
print_aligned(const struct cli *cli, const struct column *column, const char *cell, size_t width, bool last)
{
    size_t used = text_width(cell), space = width > used ? width - used : 0;
    const char *escape = column->format == COLUMN_STATUS ? print_colour(cli, cell) : "";
    if (column_is_right(column))
        printf("%*s%s%s", (int)space, "", cell, last ? "" : "  ");
    else
        printf("%s%s%s%*s", escape, cell, *escape ? "\033[0m" : "", last ? 0 : (int)space + 2, "");
}

static void
print_table(const struct cli *cli, const struct column *columns, const json_t *rows)
{
    enum { COLUMNS_MAX = 32 };
    size_t widths[COLUMNS_MAX] = { 0 }, shown[COLUMNS_MAX], count = 0, i;
    char cell[CELL_SIZE];
    json_t *row;
    for (size_t c = 0; columns[c].key && count < COLUMNS_MAX; c++)
        if (!columns[c].detail) {
            widths[count] = text_width(text_in(&columns[c].title, cli->lang));
            shown[count++] = c;
        }
    json_array_foreach(rows, i, row)
        for (size_t c = 0; c < count; c++) {
            print_cell(cli, &columns[shown[c]], json_object_get(row, columns[shown[c]].key), cell, sizeof cell);
            size_t width = text_width(cell);
            widths[c] = width > widths[c] ? width : widths[c];
        }
    if (cli->colour)
        fputs("\033[1m", stdout);
    for (size_t c = 0; c < count; c++)
        print_aligned(cli, &columns[shown[c]], text_in(&columns[shown[c]].title, cli->lang), widths[c], c + 1 == count);
    fputs(cli->colour ? "\033[0m\n" : "\n", stdout);
    json_array_foreach(rows, i, row) {
        for (size_t c = 0; c < count; c++) {
            print_cell(cli, &columns[shown[c]], json_object_get(row, columns[shown[c]].key), cell, sizeof cell);
            print_aligned(cli, &columns[shown[c]], cell, widths[c], c + 1 == count);
        }
        putchar('\n');
    }
}

/* How many digits the floats in the value need: 15 where that is exact for all of them. */
static int
real_digits(const json_t *value)
{
    const char *key;
    json_t *member;
    size_t i;
    int digits = 15, wanted;
    if (json_is_real(value)) {
        char text[40];
        for (; digits < 17; digits++) {
            snprintf(text, sizeof text, "%.*g", digits, json_real_value(value));
            if (strtod(text, NULL) == json_real_value(value))
                break;
        }
    }
    if (json_is_array(value))
        json_array_foreach(value, i, member)
            digits = (wanted = real_digits(member)) > digits ? wanted : digits;
    if (json_is_object(value))
        json_object_foreach((json_t *)(uintptr_t)value, key, member)
            digits = (wanted = real_digits(member)) > digits ? wanted : digits;
    return digits;
}

size_t
json_real_flags(const json_t *value)
{
    return JSON_REAL_PRECISION(real_digits(value));
}

void
print_json(const struct cli *cli, const json_t *value)
{
    json_dumpf(value, stdout, (cli->out_tty ? JSON_INDENT(2) : JSON_COMPACT) | JSON_ENCODE_ANY | json_real_flags(value));
    putchar('\n');
}

void
print_rows(const struct cli *cli, const struct column *columns, const json_t *rows)
{
    char cell[CELL_SIZE];
    size_t i;
    json_t *row;
    if (!cli->json && !cli->quiet) {
        if (json_array_size(rows))
            print_table(cli, columns, rows);
        return;
    }
    json_array_foreach(rows, i, row) {
        if (cli->json) {
            print_json(cli, row);
            continue;
        }
        print_cell(cli, columns, json_object_get(row, columns->key), cell, sizeof cell);
        puts(cell);
    }
}

/* ---- one object ---- */

/* A map or list of any shape as indented lines. */
static void
print_nested(const json_t *value, int indent)
{
    char *dump = json_dumps(value, JSON_INDENT(2) | JSON_ENCODE_ANY | json_real_flags(value));
    for (char *line = dump, *end; line; line = end) {
        end = strchr(line, '\n');
        if (end)
            *end++ = '\0';
        printf("%*s%s\n", indent, "", line);
    }
    free(dump);
}

void
print_object(const struct cli *cli, const struct column *columns, const json_t *object)
{
    char cell[CELL_SIZE];
    if (cli->json) {
        print_json(cli, object);
        return;
    }
    if (cli->quiet) {
        print_cell(cli, columns, json_object_get(object, columns->key), cell, sizeof cell);
        puts(cell);
        return;
    }
    size_t width = 0;
    for (const struct column *c = columns; c->key; c++)
        if (json_object_get(object, c->key)) {
            size_t n = text_width(text_in(&c->title, cli->lang));
            width = n > width ? n : width;
        }
    for (const struct column *c = columns; c->key; c++) {
        const json_t *value = json_object_get(object, c->key);
        const char *title = text_in(&c->title, cli->lang);
        if (!value)
            continue;
        if (c->format == COLUMN_MAP) {
            printf("%s:\n", title);
            print_nested(value, 2);
            continue;
        }
        print_cell(cli, c, value, cell, sizeof cell);
        const char *escape = c->format == COLUMN_STATUS ? print_colour(cli, cell) : "";
        if (*cell)
            printf("%s:%*s %s%s%s\n", title, (int)(width - text_width(title)), "", escape, cell, *escape ? "\033[0m" : "");
    }
}

/* ---- events ---- */

void
print_event(const struct cli *cli, const json_t *event)
{
    if (cli->json) {
        print_json(cli, event);
        fflush(stdout);
        return;
    }
    static const struct column time = { "at", { 0 }, COLUMN_TIME, false }, plain = { "", { 0 }, COLUMN_TEXT, false };
    static const struct column words = { "", { 0 }, COLUMN_WORDS, false };
    static const struct {
        const char *key, *before;
    } extras[] = { { "reason", "" }, { "business_status", "" }, { "outcome", "outcome " }, { "performer", "by " }, { "message", "" } };
    char cell[CELL_SIZE];
    print_cell(cli, &time, json_object_get(event, "at"), cell, sizeof cell);
    printf("%s  ", cell);
    print_cell(cli, &plain, json_object_get(event, "id"), cell, sizeof cell);
    printf("%s  ", cell);
    print_cell(cli, &plain, json_object_get(event, "status"), cell, sizeof cell);
    const char *escape = print_colour(cli, cell);
    printf("%s%-11s%s  ", escape, cell, *escape ? "\033[0m" : "");
    print_cell(cli, &plain, json_object_get(event, "event"), cell, sizeof cell);
    printf("%-14s", cell);
    const json_t *progress = json_object_get(event, "progress");
    if (progress)
        printf("  %.0f %%", json_number_value(progress) * 100);
    for (size_t i = 0; i < sizeof extras / sizeof *extras; i++) {
        print_cell(cli, i == 0 ? &words : &plain, json_object_get(event, extras[i].key), cell, sizeof cell);
        if (*cell)
            printf("  %s%s", extras[i].before, cell);
    }
    putchar('\n');
    fflush(stdout);
}
