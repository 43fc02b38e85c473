/*
 * One YAML file on its way into C structs: libyaml for its syntax and its lines, libcyaml for its shape.
 *
 * Every error names file, line and field: syntax by libyaml, unknown keys and wrong types by libcyaml, and what only
 * meaning can tell by yaml_file_blame, which looks the field's path up in the document. It knows no setting and no service.
 */
#ifndef SHELL_YAML_LOAD_H
#define SHELL_YAML_LOAD_H

#include <cyaml/cyaml.h>
#include <stdbool.h>
#include <stdint.h>
#include <yaml.h>

#include "shell/load_error.h"

enum { YAML_FILE_BYTES_MAX = 4 * 1024 * 1024 };

struct yaml_file {
    const char *path; /* borrowed */
    uint8_t *bytes;
    size_t n;
    yaml_document_t document;
};

/* Read a file of exactly one document that is not empty. On false nothing is held. */
bool yaml_file_open(const char *path, struct yaml_file *out_file, struct load_error *out_error);
void yaml_file_close(struct yaml_file *file);

/* Into a new struct of that schema; free it with yaml_file_free. The top of the schema must be a pointer. */
bool yaml_file_read(const struct yaml_file *file, const cyaml_schema_value_t *schema, void **out_data,
                    struct load_error *out_error);
void yaml_file_free(const cyaml_schema_value_t *schema, void *data);

/*
 * Fill *out_error for the field at a path such as "services[3].limits.lease". Its line is that of the deepest part of the
 * path that the document has. Always false, to be returned.
 */
bool yaml_file_blame(const struct yaml_file *file, const char *field, const char *what, struct load_error *out_error);

#endif
