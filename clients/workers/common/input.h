/*
 * Reading a task's input map and a JSON body field by field, with the first fault kept by its path.
 *
 * A reader is sticky: after the first fault every further read gives its neutral value (NULL, 0, false), so that a caller reads all it needs
 * and looks at the fault once. Messages name the field and the rule, never the value.
 * Borrowed texts live as long as the JSON value that was read. Knows no service and no file.
 */
#ifndef QIAO_WORKERS_INPUT_H
#define QIAO_WORKERS_INPUT_H

#include "common/decimal.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    INPUT_TEXT_BYTES_MAX = 256, /* of one text */
    INPUT_BODY_BYTES_MAX = 1 << 20,
    INPUT_PATH_BYTES = 160,
    INPUT_LIST_MAX = 1000,
};

/* FHIR statusReason of a task that fails because of its input. */
enum fault_kind { FAULT_NONE = 0, FAULT_MISSING, FAULT_MISIDENTIFIED };

struct fault {
    enum fault_kind kind;
    char path[INPUT_PATH_BYTES];
    char message[384];
};

/* Note a fault at path. The first one stays. rule says what was expected: "a decimal such as 97.9". */
void fault_missing(struct fault *fault, const char *path);
void fault_wrong(struct fault *fault, const char *path, const char *rule);

struct reader {
    const json_t *map; /* borrowed; NULL reads as empty */
    char base[INPUT_PATH_BYTES];
    struct fault *fault;
};

struct money {
    int64_t minor;
    char currency[4];
};

struct reader reader_of(const json_t *map, const char *base, struct fault *fault);

/* The map or the element of a list inside; faults when it is no map. */
struct reader reader_child(const struct reader *reader, const char *name);
struct reader reader_element(const struct reader *reader, const char *name, const json_t *list, size_t index);

/* The full path of a field: base, point, name. */
void reader_path(const struct reader *reader, const char *name, char out[INPUT_PATH_BYTES]);
bool reader_has(const struct reader *reader, const char *name);
void reader_wrong(const struct reader *reader, const char *name, const char *rule);
void reader_missing(const struct reader *reader, const char *name);

/* Required fields. A text has 1 to INPUT_TEXT_BYTES_MAX bytes. */
const char *read_text(const struct reader *reader, const char *name);
int64_t read_integer(const struct reader *reader, const char *name, int64_t min, int64_t max);
double read_number(const struct reader *reader, const char *name, double min, double max);
bool read_decimal(const struct reader *reader, const char *name, mpq_t value, int *out_places);
bool read_money(const struct reader *reader, const char *name, struct money *out);
const json_t *read_list(const struct reader *reader, const char *name, size_t min, size_t max);
/* One of the words of a NULL-terminated list; its index. */
int read_word(const struct reader *reader, const char *name, const char *const *words);

/* Optional fields: the fallback when absent or null; a fault when present and wrong. */
const char *read_text_or(const struct reader *reader, const char *name, const char *fallback);
int64_t read_integer_or(const struct reader *reader, const char *name, int64_t min, int64_t max, int64_t fallback);
double read_number_or(const struct reader *reader, const char *name, double min, double max, double fallback);
bool read_flag_or(const struct reader *reader, const char *name, bool fallback);
void read_decimal_or(const struct reader *reader, const char *name, const char *fallback, mpq_t value, int *out_places);
int read_word_or(const struct reader *reader, const char *name, const char *const *words, int fallback);
/* True when it was there. */
bool read_date(const struct reader *reader, const char *name, int64_t *out_day);
bool read_time(const struct reader *reader, const char *name, int64_t *out_us);

/* An element of a list as an exact decimal: a text, or a JSON number of at most 15 digits. */
bool decimal_of_json(const json_t *value, mpq_t out, int *out_places);

/* A whole JSON document; NULL and a fault at "body" when it is none, too big, or has a key twice. The caller frees it. */
json_t *body_parse(const void *bytes, size_t size, struct fault *fault);

#endif
