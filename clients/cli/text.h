/*
 * Texts in two languages, and how wide they are on a terminal.
 *
 * Knows nothing of commands or of the broker. No state.
 */
#ifndef QIAO_CLI_TEXT_H
#define QIAO_CLI_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum lang { LANG_EN, LANG_ZH };

struct text {
    const char *en, *zh;
};

/* The Chinese text where there is one and it is asked for, else the English one. */
const char *text_in(const struct text *text, enum lang lang);

/* From LC_ALL, LC_MESSAGES and LANG, in the order of POSIX. */
enum lang lang_of_environment(void);

/* "en..." and "zh..."; 0 after success, -1 for another language. */
int lang_parse(const char *name, enum lang *out_lang);

/* One code point from UTF-8; a byte that is no UTF-8 counts as U+FFFD of one byte. Returns its bytes, 0 at the end. */
size_t text_next(const char *p, uint32_t *out_code);

/* Columns that it takes on a terminal; East Asian wide characters take two, combining ones none. */
size_t text_width(const char *p);

/*
 * What a terminal may be shown of somebody else's text: control characters become '?', a line break a space.
 * At most size - 1 bytes, never half a character.
 */
void text_clean(const char *from, char *to, size_t size);

/* Wraps at spaces (and between Chinese characters) to the width; each line after the first begins with indent spaces. */
void text_wrap(FILE *out, const char *p, size_t indent, size_t width);

#endif
