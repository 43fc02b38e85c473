/* The text of a scalar as a value of a type of the catalogue. */
#include "scalar.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "money.h"
#include "when.h"

static bool
is_one_of(const char *text, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(text, *words) == 0)
            return true;
    return false;
}

static json_t *
read_boolean(const char *text)
{
    static const char *const yes[] = { "true", "True", "TRUE", NULL }, *const no[] = { "false", "False", "FALSE", NULL };
    return is_one_of(text, yes) ? json_true() : is_one_of(text, no) ? json_false() : NULL;
}

static json_t *
read_integer(const char *text)
{
    const char *p = text + (*text == '-' || *text == '+');
    if (!isdigit((unsigned char)*p))
        return NULL;
    errno = 0;
    char *end;
    bool hex = p[0] == '0' && p[1] == 'x', octal = p[0] == '0' && p[1] == 'o';
    if ((hex || octal) && p != text)
        return NULL;
    long long v = strtoll(octal ? p + 2 : text, &end, hex ? 16 : octal ? 8 : 10);
    return *end || errno || end == text ? NULL : json_integer(v);
}

/* Digits, a point, an exponent: what JSON and the core schema share. */
static bool
looks_like_number(const char *p)
{
    size_t digits = 0;
    p += *p == '-' || *p == '+';
    for (; isdigit((unsigned char)*p); p++)
        digits++;
    if (*p == '.')
        for (p++; isdigit((unsigned char)*p); p++)
            digits++;
    if (!digits)
        return false;
    if (*p == 'e' || *p == 'E') {
        p += 1 + (p[1] == '-' || p[1] == '+');
        if (!isdigit((unsigned char)*p))
            return false;
        while (isdigit((unsigned char)*p))
            p++;
    }
    return *p == '\0';
}

static json_t *
read_number(const char *text)
{
    json_t *integer = read_integer(text);
    if (integer)
        return integer;
    /* json_real refuses what is not finite, such as 1e999. */
    return looks_like_number(text) ? json_real(strtod(text, NULL)) : NULL;
}

/* A plain decimal: sign, digits, a point. No exponent, no thousands. */
static json_t *
read_decimal(const char *text)
{
    return looks_like_number(text) && !strpbrk(text, "eE") && *text != '+' ? json_string(text) : NULL;
}

static json_t *
read_date(const char *text)
{
    int64_t us;
    return strlen(text) == 10 && when_parse(text, 0, &us) ? json_string(text) : NULL;
}

/* RFC 3339; a time without an offset is taken as local and written with one. */
static json_t *
read_time(const char *text)
{
    char line[WHEN_SIZE];
    int64_t us;
    if (*text == '+' || strlen(text) < 11 || !when_parse(text, 0, &us))
        return NULL;
    size_t n = strlen(text);
    if (text[n - 1] == 'Z' || (n > 6 && (text[n - 6] == '+' || text[n - 6] == '-') && text[n - 3] == ':'))
        return json_string(text);
    when_format(us, false, us % 1000000 != 0, line);
    return json_string(line);
}

static json_t *
read_money(const char *text)
{
    int64_t minor;
    char currency[4];
    return money_parse(text, &minor, currency) ? json_pack("{s:I,s:s}", "amount", (json_int_t)minor, "currency", currency) : NULL;
}

static json_t *
read_any(const char *text)
{
    static const char *const nothing[] = { "", "~", "null", "Null", "NULL", NULL };
    if (is_one_of(text, nothing))
        return json_null();
    json_t *value = read_boolean(text);
    value = value ? value : read_number(text);
    return value ? value : json_string(text);
}

static json_t *
read_never(const char *text)
{
    (void)text;
    return NULL;
}

static const struct kind {
    const char *type, *text;
    bool plain_only; /* a quoted scalar is not taken for one */
    json_t *(*read)(const char *text);
} kinds[] = {
    { "string", "a text (UTF-8)", false, json_string },
    { "integer", "an integer", true, read_integer },
    { "decimal", "a decimal such as 97.85", false, read_decimal },
    { "number", "a number", true, read_number },
    { "boolean", "true or false", true, read_boolean },
    { "date", "a date such as 2026-11-30", false, read_date },
    { "time", "a time such as 2026-11-30T09:00:00+08:00", false, read_time },
    { "money", "an amount with its currency such as 1250.00 CNY", false, read_money },
    { "list", "a list", false, read_never },
    { "map", "a map", false, read_never },
};

static const struct kind *
kind_of(const char *type)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].type, type) == 0)
            return &kinds[i];
    return NULL;
}

const char *
scalar_type_text(const char *type)
{
    const struct kind *kind = kind_of(type);
    return kind ? kind->text : "a value";
}

json_t *
scalar_json(const char *text, bool quoted, const char *type, char *expected, size_t size)
{
    const struct kind *kind = kind_of(type);
    snprintf(expected, size, "%s", kind ? kind->text : "a text (UTF-8)");
    if (!kind)
        return quoted ? json_string(text) : read_any(text);
    return quoted && kind->plain_only ? NULL : kind->read(text);
}
