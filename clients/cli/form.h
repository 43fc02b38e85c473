/*
 * A request document, filled in: what submit, reply and the desk take from documents and options.
 *
 * The form is one JSON object with the document's own names; options of the command line overlay it. Knows the fields
 * of a service only as the JSON that rows.h makes of them.
 */
#ifndef QIAO_CLI_FORM_H
#define QIAO_CLI_FORM_H

#include <qiao/qiao.h>

#include "command.h"
#include "document.h"

/* A submission and all that it points to. Free with form_fini. */
struct form {
    json_t *json;
    struct document *document; /* NULL when there was none */
    struct qiao_map *input, *require;
    char *body;
    size_t body_bytes;
    const char *prefer[16], *exclude[16];
    struct qiao_submission submission;
};

/* The document, or an empty form for NULL. False with said. */
bool form_open(struct form *form, const char *path, struct said *said);

/* The service that the options or the document name; NULL when neither does. */
const char *form_service(const struct form *form, const struct args *args);

/*
 * Fills in the submission: the document by the service's fields (the JSON of row_service; NULL: untyped), then the options.
 * False with said.
 */
bool form_fill(struct form *form, const json_t *service, const struct args *args, int64_t now_us, struct said *said);

void form_fini(struct form *form);

/* The types of {"name": type} for the fields under "input" or "output" of a service; NULL without a service. */
json_t *form_types(const json_t *service, const char *which);

/*
 * A map from a document (NULL: none) and --set NAME=VALUE options, typed. root is the word before the names in
 * messages ("input"); names of --set may begin with it. NULL with said; an empty object when nothing was given.
 */
json_t *form_map(const char *path, const struct args *args, const char *root, const json_t *types, struct said *said);

/*
 * NAME=VALUE options as a map of untyped values, such as attributes, over those of a document (NULL: none). NULL with
 * said.
 */
json_t *form_pairs(const char *path, const struct args *args, const char *option, struct said *said);

/* "30.1,116.4" */
bool form_place(const char *text, struct qiao_place *out_place);

#endif
