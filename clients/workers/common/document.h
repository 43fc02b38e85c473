/*
 * A certificate, record, report or term sheet: fields, tables and notes, written once and rendered as text or HTML, in English or Chinese.
 *
 * A phrase is a JSON value: a plain text (the same in both languages) or {"en", "zh"}. Functions that take a json_t * take it over.
 * Knows no domain. All values are escaped for HTML here and nowhere else.
 */
#ifndef QIAO_WORKERS_DOCUMENT_H
#define QIAO_WORKERS_DOCUMENT_H

#include <jansson.h>

enum document_language { DOCUMENT_EN, DOCUMENT_ZH };
enum document_format { DOCUMENT_TEXT, DOCUMENT_HTML };

/* Never NULL; NULL texts give an empty phrase. */
json_t *phrase(const char *en, const char *zh);
json_t *phrase_plain(const char *text);

/* A document with its title; freed with json_decref. */
json_t *document_new(const char *en, const char *zh);
void document_heading(json_t *document, const char *en, const char *zh);
/* A line "label: value". Fields that follow each other stand in one block. */
void document_field(json_t *document, const char *en, const char *zh, json_t *value);
void document_note(json_t *document, json_t *value);

/* A table; columns is a list of phrases. Returns its list of rows (borrowed), each a list of phrases as long as columns. */
json_t *document_table(json_t *document, json_t *columns);

/* The caller frees it. Ends with a newline. */
char *document_render(const json_t *document, enum document_language language, enum document_format format);

/* Render all four into body.documents as NAME.en.txt, NAME.zh.txt, NAME.en.html, NAME.zh.html. */
void document_bundle(const json_t *document, const char *name, json_t *body);

#endif
