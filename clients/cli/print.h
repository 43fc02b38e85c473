/*
 * Rows and objects on standard output: aligned tables for people, JSON for programs.
 *
 * Everything that is printed is a JSON object first; a list of columns says which of its members a table shows and how.
 * JSON: times are RFC 3339 with the offset, durations seconds, money {"amount": minor units, "currency"}, ids 13 characters.
 */
#ifndef QIAO_CLI_PRINT_H
#define QIAO_CLI_PRINT_H

#include <jansson.h>

#include "cli.h"

enum column_format {
    COLUMN_TEXT,
    COLUMN_STATUS,   /* a text with a colour of its own */
    COLUMN_WORDS,    /* the broker's own words, in the reader's language */
    COLUMN_NUMBER,   /* to the right */
    COLUMN_TIME,
    COLUMN_DURATION, /* from seconds */
    COLUMN_PERCENT,  /* from 0..1 */
    COLUMN_MONEY,
    COLUMN_YES,      /* true: yes, false: nothing */
    COLUMN_LIST,
    COLUMN_MAP,      /* objects print it as indented lines below */
};

struct column {
    const char *key; /* a column without one ends the list */
    struct text title;
    enum column_format format;
    bool detail; /* only when one object is shown, not in tables */
};

/* An array of objects. Tables have a line of titles; --quiet prints the first column only; nothing for no rows. */
void print_rows(const struct cli *cli, const struct column *columns, const json_t *rows);

/* One object: a line per member that is there, or JSON. --quiet: the first column only. */
void print_object(const struct cli *cli, const struct column *columns, const json_t *object);

/* The flags with which every float in the value is written in as few digits as give it back exactly. */
size_t json_real_flags(const json_t *value);

/* One JSON value: indented on a terminal, else on one line. */
void print_json(const struct cli *cli, const json_t *value);

/* One row of a stream, in fixed widths; JSON: one object a line, at once. */
void print_event(const struct cli *cli, const json_t *event);

/* The member as it stands in a table; at most size bytes. */
void print_cell(const struct cli *cli, const struct column *column, const json_t *value, char *cell, size_t size);

/* The escape that begins the colour of a status, "" when colours are off. */
const char *print_colour(const struct cli *cli, const char *status);

/* Values for the objects. */
json_t *json_of_time(const struct cli *cli, int64_t us);
json_t *json_of_id(qiao_id id);
/* Sets it unless it is empty: "", 0, NULL. The value is taken. */
void json_set(json_t *object, const char *key, json_t *value);
void json_set_text(json_t *object, const char *key, const char *text);

#endif
