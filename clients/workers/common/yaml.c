/* YAML files: see yaml.h. */
#include "common/yaml.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* libcyaml tells in several lines; the first names the fault, later ones where. */
static void
log_collect(cyaml_log_t level, void *context, const char *format, va_list arguments)
{
    char *error = context, line[256];
    size_t used = strlen(error);
    if (level < CYAML_LOG_ERROR)
        return;
    vsnprintf(line, sizeof line, format, arguments);
    line[strcspn(line, "\n")] = '\0';
    if (used + 4 < YAML_ERROR_BYTES)
        snprintf(error + used, YAML_ERROR_BYTES - used, "; %s", line + (strncmp(line, "Load: ", 6) == 0 ? 6 : 0));
}

bool
yaml_file_load(const char *path, const cyaml_schema_value_t *schema, void **out_data, char error[YAML_ERROR_BYTES])
{
    cyaml_data_t *data = NULL;
    const cyaml_config_t config = {.log_fn = log_collect, .log_ctx = error, .log_level = CYAML_LOG_ERROR, .mem_fn = cyaml_mem, .flags = CYAML_CFG_NO_ALIAS};
    snprintf(error, YAML_ERROR_BYTES, "%s", path);
    cyaml_err_t status = cyaml_load_file(path, &config, schema, &data, NULL);
    if (status != CYAML_OK) {
        size_t used = strlen(error);
        snprintf(error + used, YAML_ERROR_BYTES - used, ": %s", cyaml_strerror(status));
        return false;
    }
    *out_data = data;
    return true;
}

void
yaml_file_free(const cyaml_schema_value_t *schema, void *data)
{
    const cyaml_config_t config = {.log_level = CYAML_LOG_ERROR, .mem_fn = cyaml_mem};
    if (data)
        cyaml_free(&config, schema, data, 0);
}
