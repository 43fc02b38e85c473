/*
 * YAML and JSON documents that people write, as JSON values with the line of everything in them.
 *
 * A plain scalar has the type that its place wants: 97.90 stays "97.90" where a decimal belongs. Places without a type
 * get what the core schema of YAML 1.2 says. Knows nothing of requests or the broker.
 */
#ifndef QIAO_CLI_DOCUMENT_H
#define QIAO_CLI_DOCUMENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum { DOCUMENT_BYTES_MAX = 1 << 20, SAID_SIZE = 640 };

/* One line for people: "request.yaml:7: input.units: expected an integer, found 'many'". */
struct said {
    char text[SAID_SIZE];
    int exit_code; /* EXIT_NO_INPUT or EXIT_DATA */
};

/* Writes the line; always false, so that a function can return it. */
bool say(struct said *said, int exit_code, const char *format, ...) __attribute__((format(printf, 3, 4)));

struct document;

/* A file, or - for standard input. NULL with said. Free with document_free. */
struct document *document_read(const char *path, struct said *said);

/* Of a text, under a name for messages. NULL with said. */
struct document *document_parse(const char *name, const char *text, size_t n, struct said *said);

void document_free(struct document *document);

const char *document_name(const struct document *document);

/*
 * The whole document. types says what belongs where (may be NULL):
 *   "string" "integer" "decimal" "number" "boolean" "date" "time" "money" "any"   a value
 *   ["decimal"]                                                                   a list of such values
 *   {"name": type, ...}                                                           a map
 * Money is written "1250.00 CNY" or as a map and becomes {"amount": minor units, "currency": "CNY"}. A name that the
 * types do not know stays untyped. root begins the paths of messages ("" for the top). NULL with said.
 */
json_t *document_json(const struct document *document, const json_t *types, const char *root, struct said *said);

/* The plain text of a member of the topmost map, before any typing; NULL when it is no scalar. Lives as the document. */
const char *document_text(const struct document *document, const char *name);

/* The line of the value at a path such as "input.replicates[2]", or of the nearest thing around it; 0: not known. */
int document_line(const struct document *document, const char *path);

/* Reads a whole file (or - ), at most max bytes. NULL with said; free the result. */
char *file_read(const char *path, size_t max, size_t *out_n, struct said *said);

#endif
