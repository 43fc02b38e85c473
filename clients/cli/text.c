/* Texts in two languages, and how wide they are on a terminal. */
#include "text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

const char *
text_in(const struct text *text, enum lang lang)
{
    return lang == LANG_ZH && text->zh ? text->zh : text->en;
}

int
lang_parse(const char *name, enum lang *out_lang)
{
    if (strncmp(name, "zh", 2) == 0) {
        *out_lang = LANG_ZH;
        return 0;
    }
    if (strncmp(name, "en", 2) == 0 || strcmp(name, "C") == 0 || strncmp(name, "C.", 2) == 0 || strcmp(name, "POSIX") == 0) {
        *out_lang = LANG_EN;
        return 0;
    }
    return -1;
}

enum lang
lang_of_environment(void)
{
    static const char *const names[] = { "LC_ALL", "LC_MESSAGES", "LANG" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = getenv(names[i]);
        if (value && *value) {
            enum lang lang = LANG_EN;
            (void)lang_parse(value, &lang);
            return lang;
        }
    }
    return LANG_EN;
}

size_t
text_next(const char *p, uint32_t *out_code)
{
    const unsigned char *u = (const unsigned char *)p;
    if (!u[0])
        return 0;
    size_t n = u[0] < 0x80 ? 1 : u[0] < 0xc2 ? 0 : u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : u[0] < 0xf5 ? 4 : 0;
    uint32_t code = n == 1 ? u[0] : n == 2 ? u[0] & 0x1f : n == 3 ? u[0] & 0x0f : u[0] & 0x07;
    for (size_t i = 1; i < n; i++) {
        if ((u[i] & 0xc0) != 0x80) {
            n = 0;
            break;
        }
        code = code << 6 | (u[i] & 0x3f);
    }
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    if (n == 0 || code < least[n] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
        *out_code = 0xfffd;
        return 1;
    }
    *out_code = code;
    return n;
}

/* Unicode's East Asian Width W and F, in wide strokes: enough for CJK, Hangul, full-width forms and emoji. */
static bool
code_is_wide(uint32_t c)
{
    return (c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0x303e) || (c >= 0x3041 && c <= 0xa4cf) ||
           (c >= 0xac00 && c <= 0xd7a3) || (c >= 0xf900 && c <= 0xfaff) || (c >= 0xfe30 && c <= 0xfe6f) ||
           (c >= 0xff00 && c <= 0xff60) || (c >= 0xffe0 && c <= 0xffe6) || (c >= 0x1f300 && c <= 0x1faff) ||
           (c >= 0x20000 && c <= 0x3fffd);
}

static size_t
code_width(uint32_t c)
{
    if ((c >= 0x300 && c <= 0x36f) || c == 0x200b || c == 0x200d || (c >= 0xfe00 && c <= 0xfe0f))
        return 0;
    return code_is_wide(c) ? 2 : 1;
}

size_t
text_width(const char *p)
{
    size_t width = 0, n;
    uint32_t code;
    while ((n = text_next(p, &code)) != 0) {
        width += code_width(code);
        p += n;
    }
    return width;
}

void
text_clean(const char *from, char *to, size_t size)
{
    size_t used = 0, n;
    uint32_t code;
    while ((n = text_next(from, &code)) != 0 && used + 4 < size) {
        bool control = code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0xfffd || (code >= 0x202a && code <= 0x202e) ||
                       (code >= 0x2066 && code <= 0x2069);
        if (control)
            to[used++] = code == '\n' || code == '\t' || code == '\r' ? ' ' : '?';
        else {
            memcpy(to + used, from, n);
            used += n;
        }
        from += n;
    }
    to[used] = '\0';
}

/* Bytes of the next piece that may not be broken, and its width. A piece ends after a space or around a wide character. */
static size_t
piece_next(const char *p, size_t *out_width)
{
    size_t bytes = 0, width = 0, n;
    uint32_t code;
    while ((n = text_next(p + bytes, &code)) != 0) {
        if (code == '\n')
            break;
        if (code_is_wide(code) && bytes)
            break;
        bytes += n;
        width += code_width(code);
        if (code == ' ')
            break;
        if (code_is_wide(code)) {
            /* Closing punctuation stays with the character before it. */
            uint32_t after;
            size_t m = text_next(p + bytes, &after);
            if (m && (after == 0x3002 || after == 0xff0c || after == 0x3001 || after == 0xff1b || after == 0xff09 || after == 0xff1a)) {
                bytes += m;
                width += 2;
            }
            break;
        }
    }
    *out_width = width;
    return bytes;
}

void
text_wrap(FILE *out, const char *p, size_t indent, size_t width)
{
    size_t column = indent;
    bool space = false; /* owed before the next piece, unless a line begins there */
    while (*p) {
        if (*p == '\n') {
            fprintf(out, "\n%*s", (int)indent, "");
            column = indent;
            space = false;
            p++;
            continue;
        }
        size_t piece_width, bytes = piece_next(p, &piece_width);
        bool ends = p[bytes - 1] == ' ';
        size_t visible = piece_width - ends;
        if (column > indent && column + space + visible > width) {
            fprintf(out, "\n%*s", (int)indent, "");
            column = indent;
            space = false;
        }
        if (space)
            fputc(' ', out);
        fwrite(p, 1, bytes - ends, out);
        column += space + visible;
        space = ends;
        p += bytes;
    }
    fputc('\n', out);
}
