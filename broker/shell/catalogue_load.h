/*
 * Read the catalogue of service types from YAML: one file, or all *.yaml of a folder in order of their names.
 *
 * All or nothing: on an error the caller keeps what it had. It knows no running broker.
 */
#ifndef SHELL_CATALOGUE_LOAD_H
#define SHELL_CATALOGUE_LOAD_H

#include "core/catalogue.h"
#include "shell/load_error.h"

enum {
    CATALOGUE_FILES_MAX = 256,
};

/*
 * On true *out_catalogue is sealed and the caller's own (catalogue_unref). Service types may not ask for more than these
 * two limits of the configuration. On false *out_catalogue is untouched and *out_error names file, line and field.
 */
bool catalogue_load(const char *path, uint32_t input_bytes_max, uint32_t body_bytes_max,
                    struct catalogue **out_catalogue, struct load_error *out_error);

#endif
