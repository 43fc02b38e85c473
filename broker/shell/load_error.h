/*
 * What is wrong with a file that somebody wrote: which file, which line, which field, and what was expected.
 */
#ifndef SHELL_LOAD_ERROR_H
#define SHELL_LOAD_ERROR_H

#include <stddef.h>

struct load_error {
    char file[512];
    unsigned line;   /* from 1; 0: of the file as a whole */
    unsigned column; /* from 1; 0: unknown */
    char field[192]; /* such as "services[3].limits.lease"; empty: none */
    char what[256];
};

/* "catalogue/testing.yaml:14:9: services[3].limits.lease: at least 1s": one line, cut to n bytes with its NUL. */
void load_error_text(const struct load_error *error, char *out_text, size_t n);

#endif
