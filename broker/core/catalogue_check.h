/*
 * Is this a good service type? The rules that catalogue_add_service applies; for catalogue.c only.
 */
#ifndef CORE_CATALOGUE_CHECK_H
#define CORE_CATALOGUE_CHECK_H

#include "core/catalogue.h"

/* On false *out_error names the part, its path beginning with `path`. */
bool service_type_check(const struct service_type *service, const char *path, struct catalogue_error *out_error);

/* Fill *out_error with path + part and a formatted text; always false, to be returned. */
__attribute__((format(printf, 4, 5))) bool
catalogue_blame(struct catalogue_error *out_error, const char *path, const char *part, const char *format, ...);

#endif
