/*
 * The text of a scalar as a value of a type of the catalogue.
 *
 * Knows neither files nor documents.
 */
#ifndef QIAO_CLI_SCALAR_H
#define QIAO_CLI_SCALAR_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * type: "string" "integer" "decimal" "number" "boolean" "date" "time" "money" "list" "map"; any other is untyped: then
 * a plain text is read by the core schema of YAML 1.2, a quoted one is a string.
 * NULL when the text is no such value; expected says what would be: "an integer".
 */
json_t *scalar_json(const char *text, bool quoted, const char *type, char *expected, size_t size);

/* "an integer", "a decimal such as 97.85"; "a value" for a type it does not know. */
const char *scalar_type_text(const char *type);

#endif
