/*
 * Loading a YAML file by a libcyaml schema, with the library's own words for what is wrong (line, column, field).
 * Named yaml_file_..., because libyaml exports a yaml_free of its own.
 */
#ifndef QIAO_WORKERS_YAML_H
#define QIAO_WORKERS_YAML_H

#include <cyaml/cyaml.h>
#include <stdbool.h>

enum { YAML_ERROR_BYTES = 512 };

/* *out_data is freed with yaml_file_free. False: error names the file and what is wrong. */
bool yaml_file_load(const char *path, const cyaml_schema_value_t *schema, void **out_data, char error[YAML_ERROR_BYTES]);
void yaml_file_free(const cyaml_schema_value_t *schema, void *data);

#endif
