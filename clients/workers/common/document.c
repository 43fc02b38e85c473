/* Documents in two languages and two formats: see document.h. */
#include "common/document.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMN_WIDTH_MAX = 44, COLUMNS_MAX = 12 };

json_t *
phrase_plain(const char *text)
{
    json_t *value = json_string(text ? text : "");
    return value ? value : json_string("?"); /* not UTF-8: a value that was refused before it came here */
}

json_t *
phrase(const char *en, const char *zh)
{
    json_t *value = json_object();
    json_object_set_new(value, "en", phrase_plain(en));
    json_object_set_new(value, "zh", phrase_plain(zh));
    return value;
}

static const char *
phrase_text(const json_t *value, enum document_language language)
{
    if (json_is_object(value))
        value = json_object_get(value, language == DOCUMENT_ZH ? "zh" : "en");
    return json_is_string(value) ? json_string_value(value) : "";
}

json_t *
document_new(const char *en, const char *zh)
{
    json_t *document = json_object();
    json_object_set_new(document, "title", phrase(en, zh));
    json_object_set_new(document, "parts", json_array());
    return document;
}

static json_t *
part_new(json_t *document, const char *kind)
{
    json_t *part = json_object();
    json_object_set_new(part, "kind", json_string(kind));
    json_array_append_new(json_object_get(document, "parts"), part);
    return part;
}

static const char *
part_kind(const json_t *part)
{
    return json_string_value(json_object_get(part, "kind"));
}

void
document_heading(json_t *document, const char *en, const char *zh)
{
    json_object_set_new(part_new(document, "heading"), "text", phrase(en, zh));
}

void
document_note(json_t *document, json_t *value)
{
    json_object_set_new(part_new(document, "note"), "text", value);
}

void
document_field(json_t *document, const char *en, const char *zh, json_t *value)
{
    json_t *parts = json_object_get(document, "parts");
    size_t n = json_array_size(parts);
    json_t *part = n > 0 ? json_array_get(parts, n - 1) : NULL;
    if (!part || strcmp(part_kind(part), "fields") != 0) {
        part = part_new(document, "fields");
        json_object_set_new(part, "rows", json_array());
    }
    json_t *row = json_array();
    json_array_append_new(row, phrase(en, zh));
    json_array_append_new(row, value);
    json_array_append_new(json_object_get(part, "rows"), row);
}

json_t *
document_table(json_t *document, json_t *columns)
{
    assert(json_array_size(columns) <= COLUMNS_MAX);
    json_t *part = part_new(document, "table"), *rows = json_array();
    json_object_set_new(part, "columns", columns);
    json_object_set_new(part, "rows", rows);
    return rows;
}

/* ---- text */

/* Columns of a terminal: Chinese characters and full-width forms take two. */
static int
text_width(const char *text)
{
    int width = 0;
    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        if ((*at & 0xc0) == 0x80)
            continue;
        bool wide = *at >= 0xe2 && !(*at == 0xe2 && at[1] < 0xba); /* from U+2E80 */
        width += wide ? 2 : 1;
    }
    return width;
}

static void
text_padded(FILE *out, const char *text, int width)
{
    fputs(text, out);
    for (int i = text_width(text); i < width; i++)
        fputc(' ', out);
}

static void
text_fields(FILE *out, const json_t *part, enum document_language language)
{
    int width = 0;
    size_t i;
    const json_t *row, *rows = json_object_get(part, "rows");
    json_array_foreach(rows, i, row) {
        int w = text_width(phrase_text(json_array_get(row, 0), language));
        width = w > width ? w : width;
    }
    json_array_foreach(rows, i, row) {
        text_padded(out, phrase_text(json_array_get(row, 0), language), width);
        fprintf(out, "  %s\n", phrase_text(json_array_get(row, 1), language));
    }
}

static void
text_row(FILE *out, const json_t *row, const int *widths, enum document_language language)
{
    size_t i, n = json_array_size(row);
    const json_t *cell;
    while (n > 1 && *phrase_text(json_array_get(row, n - 1), language) == '\0')
        n--; /* no blanks at the end of a line */
    json_array_foreach(row, i, cell) {
        if (i == n)
            break;
        const char *text = phrase_text(cell, language);
        if (i + 1 == n)
            fputs(text, out);
        else
            text_padded(out, text, widths[i] + 2);
    }
    fputc('\n', out);
}

static void
text_table(FILE *out, const json_t *part, enum document_language language)
{
    int widths[COLUMNS_MAX] = {0};
    size_t i, j;
    const json_t *columns = json_object_get(part, "columns"), *rows = json_object_get(part, "rows"), *row, *cell;
    json_array_foreach(columns, j, cell)
        widths[j] = text_width(phrase_text(cell, language));
    json_array_foreach(rows, i, row)
        json_array_foreach(row, j, cell) {
            int w = text_width(phrase_text(cell, language));
            if (j < COLUMNS_MAX && w > widths[j])
                widths[j] = w < COLUMN_WIDTH_MAX ? w : COLUMN_WIDTH_MAX;
        }
    text_row(out, columns, widths, language);
    for (j = 0; j < json_array_size(columns); j++) {
        for (int k = 0; k < widths[j]; k++)
            fputc('-', out);
        fputs(j + 1 < json_array_size(columns) ? "  " : "\n", out);
    }
    json_array_foreach(rows, i, row)
        text_row(out, row, widths, language);
}

static void
text_render(FILE *out, const json_t *document, enum document_language language)
{
    size_t i;
    const json_t *part;
    const char *title = phrase_text(json_object_get(document, "title"), language);
    fprintf(out, "%s\n", title);
    for (int k = text_width(title); k > 0; k--)
        fputc('=', out);
    fputc('\n', out);
    json_array_foreach(json_object_get(document, "parts"), i, part) {
        const char *kind = part_kind(part);
        fputc('\n', out);
        if (strcmp(kind, "fields") == 0)
            text_fields(out, part, language);
        else if (strcmp(kind, "table") == 0)
            text_table(out, part, language);
        else
            fprintf(out, "%s\n", phrase_text(json_object_get(part, "text"), language));
    }
}

/* ---- HTML */

static void
html_text(FILE *out, const char *text)
{
    for (; *text; text++)
        switch (*text) {
        case '&': fputs("&amp;", out); break;
        case '<': fputs("&lt;", out); break;
        case '>': fputs("&gt;", out); break;
        case '"': fputs("&quot;", out); break;
        case '\'': fputs("&#39;", out); break;
        default: fputc(*text, out);
        }
}

static void
html_element(FILE *out, const char *tag, const json_t *value, enum document_language language)
{
    fprintf(out, "<%s>", tag);
    html_text(out, phrase_text(value, language));
    fprintf(out, "</%s>", tag);
}

static void
html_row(FILE *out, const json_t *row, const char *first_tag, const char *tag, enum document_language language)
{
    size_t i;
    const json_t *cell;
    fputs("<tr>", out);
    json_array_foreach(row, i, cell)
        html_element(out, i == 0 ? first_tag : tag, cell, language);
    fputs("</tr>\n", out);
}

static void
html_part(FILE *out, const json_t *part, enum document_language language)
{
    size_t i;
    const json_t *row;
    const char *kind = part_kind(part);
    if (strcmp(kind, "heading") == 0 || strcmp(kind, "note") == 0) {
        html_element(out, *kind == 'h' ? "h2" : "p", json_object_get(part, "text"), language);
        fputc('\n', out);
        return;
    }
    bool fields = strcmp(kind, "fields") == 0;
    fputs("<table>\n", out);
    if (!fields)
        html_row(out, json_object_get(part, "columns"), "th", "th", language);
    json_array_foreach(json_object_get(part, "rows"), i, row)
        html_row(out, row, fields ? "th" : "td", "td", language);
    fputs("</table>\n", out);
}

static void
html_render(FILE *out, const json_t *document, enum document_language language)
{
    size_t i;
    const json_t *part, *title = json_object_get(document, "title");
    fprintf(out, "<!DOCTYPE html>\n<html lang=\"%s\">\n<meta charset=\"utf-8\">\n", language == DOCUMENT_ZH ? "zh-CN" : "en");
    html_element(out, "title", title, language);
    fputs("\n<style>body{font:15px/1.5 sans-serif;margin:2em auto;max-width:60em;padding:0 1em}table{border-collapse:collapse;margin:1em 0}"
          "th,td{border:1px solid #bbb;padding:.2em .6em;text-align:left;vertical-align:top}</style>\n", out);
    html_element(out, "h1", title, language);
    fputc('\n', out);
    json_array_foreach(json_object_get(document, "parts"), i, part)
        html_part(out, part, language);
    fputs("</html>\n", out);
}

char *
document_render(const json_t *document, enum document_language language, enum document_format format)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert(out);
    if (format == DOCUMENT_HTML)
        html_render(out, document, language);
    else
        text_render(out, document, language);
    fclose(out);
    return text;
}

void
document_bundle(const json_t *document, const char *name, json_t *body)
{
    static const struct {
        const char *ending;
        enum document_language language;
        enum document_format format;
    } kinds[] = {
        {"en.txt", DOCUMENT_EN, DOCUMENT_TEXT}, {"zh.txt", DOCUMENT_ZH, DOCUMENT_TEXT},
        {"en.html", DOCUMENT_EN, DOCUMENT_HTML}, {"zh.html", DOCUMENT_ZH, DOCUMENT_HTML},
    };
    json_t *documents = json_object_get(body, "documents");
    if (!documents) {
        documents = json_object();
        json_object_set_new(body, "documents", documents);
    }
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char key[96];
        char *text = document_render(document, kinds[i].language, kinds[i].format);
        snprintf(key, sizeof key, "%s.%s", name, kinds[i].ending);
        json_object_set_new(documents, key, json_string(text));
        free(text);
    }
}
