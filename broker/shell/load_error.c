/* One line for a person: where, and what was expected. */
#include "shell/load_error.h"

#include <stdio.h>

void
load_error_text(const struct load_error *error, char *out_text, size_t n)
{
    char place[32] = "";
    if (error->line > 0 && error->column > 0) {
        snprintf(place, sizeof place, ":%u:%u", error->line, error->column);
    } else if (error->line > 0) {
        snprintf(place, sizeof place, ":%u", error->line);
    }
    snprintf(out_text, n, "%s%s: %s%s%s", error->file, place, error->field, error->field[0] != '\0' ? ": " : "",
             error->what);
}
