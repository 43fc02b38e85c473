/* Contexts as text: parsing, formatting, keys. The format stands in <qiao/context.h>. Touches no file. */
#include "lib/context.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

enum { LINES_MAX = 200, KEYS_MAX = 32 };

void
qiao_keypair(char out_public[QIAO_Z85_CHARS + 1], char out_secret[QIAO_Z85_CHARS + 1])
{
    int made = zmq_curve_keypair(out_public, out_secret);

    if (made != 0) {
        abort(); /* a libzmq without CURVE: this library cannot be used with it */
    }
}

static bool
is_z85(char c)
{
    return c != '\0' && strchr("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#", c);
}

bool
qiao_key_decode(const char *z85, uint8_t out_key[32])
{
    uint8_t key[32];

    for (size_t at = 0; at < QIAO_Z85_CHARS; at++) {
        if (!is_z85(z85[at])) {
            return false;
        }
    }
    if (z85[QIAO_Z85_CHARS] != '\0' || !zmq_z85_decode(key, z85)) {
        return false;
    }
    memcpy(out_key, key, sizeof key);
    sodium_memzero(key, sizeof key);
    return true;
}

void
qiao_key_encode(const uint8_t key[32], char out_z85[QIAO_Z85_CHARS + 1])
{
    zmq_z85_encode(out_z85, key, 32);
}

enum qiao_status
qiaoi_context_report(struct qiao_context_error *out_error, const char *where, const char *what)
{
    if (out_error) {
        out_error->line = 0;
        snprintf(out_error->text, sizeof out_error->text, "%.*s: %s", 600, where, what);
    }
    return QIAO_CONTEXT;
}

/* ------------------------------------------------------------- parsing */

struct parse {
    const char *where;
    struct qiao_context context;
    struct qiao_context_error *error;
    uint32_t seen; /* bit per known key */
    int line;
};

__attribute__((format(printf, 2, 3))) static bool
wrong(struct parse *parse, const char *format, ...)
{
    if (parse->error) {
        va_list args;
        int n = parse->line > 0 ? snprintf(parse->error->text, sizeof parse->error->text, "%s line %d: ", parse->where, parse->line)
                                : snprintf(parse->error->text, sizeof parse->error->text, "%s: ", parse->where);

        parse->error->line = parse->line;
        if (n > 0 && (size_t)n < sizeof parse->error->text) {
            va_start(args, format);
            vsnprintf(parse->error->text + n, sizeof parse->error->text - (size_t)n, format, args);
            va_end(args);
        }
    }
    return false;
}

static bool
text_take(struct parse *parse, const char *key, char *to, size_t size, const char *value, size_t n)
{
    if (n >= size || memchr(value, '\0', n)) {
        return wrong(parse, "%s is longer than %zu bytes, or holds a NUL", key, size - 1);
    }
    memcpy(to, value, n);
    to[n] = '\0';
    return true;
}

static bool
key_take(struct parse *parse, const char *key, char to[QIAO_Z85_CHARS + 1], const char *value, size_t n)
{
    uint8_t bytes[32];
    char text[QIAO_Z85_CHARS + 1] = {0};

    if (n == QIAO_Z85_CHARS) {
        memcpy(text, value, n);
    }
    if (!qiao_key_decode(text, bytes)) {
        return wrong(parse, "%s is not %d characters of Z85", key, QIAO_Z85_CHARS);
    }
    memcpy(to, text, sizeof text);
    sodium_memzero(text, sizeof text);
    sodium_memzero(bytes, sizeof bytes);
    return true;
}

static bool
number_take(struct parse *parse, const char *key, int64_t *to, const char *value, size_t n)
{
    char text[32], *end;

    if (n == 0 || n >= sizeof text) {
        return wrong(parse, "%s is not a whole number", key);
    }
    memcpy(text, value, n);
    text[n] = '\0';
    *to = strtoll(text, &end, 10);
    return *end == '\0' || wrong(parse, "%s is not a whole number", key);
}

enum context_key { KEY_ENDPOINT, KEY_SERVER, KEY_PUBLIC, KEY_SECRET, KEY_PARTY, KEY_MEMBER, KEY_EXPIRES, KEY_INVITATION };

static const char *const KEYS[] = {"endpoint", "server_key", "public_key", "secret_key",
                                   "party", "member", "expires", "invitation"};

static bool
pair_take(struct parse *parse, enum context_key key, const char *value, size_t n)
{
    struct qiao_context *context = &parse->context;
    int64_t number = 0;

    switch (key) {
    case KEY_ENDPOINT:
        return text_take(parse, KEYS[key], context->endpoint, sizeof context->endpoint, value, n);
    case KEY_SERVER:
        return key_take(parse, KEYS[key], context->server_key, value, n);
    case KEY_PUBLIC:
        return key_take(parse, KEYS[key], context->public_key, value, n);
    case KEY_SECRET:
        return key_take(parse, KEYS[key], context->secret_key, value, n);
    case KEY_PARTY:
        return text_take(parse, KEYS[key], context->party, sizeof context->party, value, n);
    case KEY_MEMBER:
        return text_take(parse, KEYS[key], context->member, sizeof context->member, value, n);
    case KEY_EXPIRES:
        return number_take(parse, KEYS[key], &context->expires, value, n);
    case KEY_INVITATION:
        if (!number_take(parse, KEYS[key], &number, value, n)) {
            return false;
        }
        context->invitation = number != 0;
        return true;
    }
    return false;
}

static void
trim(const char **text, size_t *n)
{
    while (*n > 0 && strchr(" \t\r", (*text)[0]) && (*text)[0] != '\0') {
        ++*text;
        --*n;
    }
    while (*n > 0 && strchr(" \t\r", (*text)[*n - 1]) && (*text)[*n - 1] != '\0') {
        --*n;
    }
}

static bool
line_take(struct parse *parse, const char *line, size_t n)
{
    const char *equals, *value;
    size_t key_n, value_n;

    trim(&line, &n);
    if (n == 0 || line[0] == '#') {
        return true;
    }
    equals = memchr(line, '=', n);
    if (!equals) {
        return wrong(parse, "expected key = value");
    }
    key_n = (size_t)(equals - line);
    value = equals + 1;
    value_n = n - key_n - 1;
    trim(&line, &key_n);
    trim(&value, &value_n);
    for (unsigned at = 0; at < sizeof KEYS / sizeof *KEYS; at++) {
        if (strlen(KEYS[at]) != key_n || memcmp(KEYS[at], line, key_n) != 0) {
            continue;
        }
        if (parse->seen >> at & 1) {
            return wrong(parse, "%s stands here for the second time", KEYS[at]);
        }
        parse->seen |= 1u << at;
        return pair_take(parse, (enum context_key)at, value, value_n);
    }
    return true;
}

bool
qiaoi_context_parse(const char *text, size_t n, const char *where, struct qiao_context *out_context,
                    struct qiao_context_error *out_error)
{
    struct parse parse = {.where = where, .error = out_error};
    bool good = true;

    if (n > QIAOI_CONTEXT_BYTES_MAX) {
        return wrong(&parse, "more than %d bytes", QIAOI_CONTEXT_BYTES_MAX);
    }
    while (good && n > 0) {
        const char *end = memchr(text, '\n', n);
        size_t line_n = end ? (size_t)(end - text) : n;

        parse.line++;
        good = line_take(&parse, text, line_n);
        text += line_n + (end ? 1 : 0);
        n -= line_n + (end ? 1 : 0);
    }
    parse.line = 0;
    good = good && (qiaoi_context_check(&parse.context, NULL) ||
                    wrong(&parse, "an endpoint and either all three keys or none are needed"));
    if (good) {
        *out_context = parse.context;
    }
    sodium_memzero(&parse.context, sizeof parse.context);
    return good;
}

bool
qiaoi_context_check(const struct qiao_context *context, struct qiao_context_error *out_error)
{
    struct parse parse = {.where = context->name[0] ? context->name : "context", .error = out_error};
    int keys = (context->server_key[0] != '\0') + (context->public_key[0] != '\0') + (context->secret_key[0] != '\0');

    if (context->endpoint[0] == '\0') {
        return wrong(&parse, "no endpoint");
    }
    return keys == 0 || keys == 3 || wrong(&parse, "server_key, public_key and secret_key belong together");
}

size_t
qiaoi_context_format(const struct qiao_context *context, char *out_text, size_t size)
{
    const char *const values[] = {context->endpoint, context->server_key, context->public_key, context->secret_key,
                                  context->party, context->member};
    size_t n = 0;
    int added = snprintf(out_text, size, "# Qiao %s: keep it secret, mode 0600.\n",
                         context->invitation ? "invitation" : "context");

    n += added > 0 ? (size_t)added : 0;
    for (unsigned at = 0; at < sizeof values / sizeof *values && n < size; at++) {
        if (values[at][0] != '\0') {
            added = snprintf(out_text + n, size - n, "%s = %s\n", KEYS[at], values[at]);
            n += added > 0 ? (size_t)added : 0;
        }
    }
    if (context->invitation && n < size) {
        added = snprintf(out_text + n, size - n, "expires = %" PRId64 "\ninvitation = 1\n", context->expires);
        n += added > 0 ? (size_t)added : 0;
    }
    return n < size ? n : size - 1;
}
