/*
 * Does an offer satisfy a request's constraints?
 *
 * Reads canonical bytes and encoded attributes and compares by what the values are; an attribute of another type than the
 * constraint's satisfies nothing. Dates are text, and their order is that of their bytes.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "core/constraint_op.h"
#include "proto/reader.h"

static const struct {
    struct proto_str name;
    unsigned types; /* bits 1 << enum attribute_type */
} ops[CONSTRAINT_OPS] = {
#define BIT(type) (1u << ATTRIBUTE_##type)
    [CONSTRAINT_EQ] = {{"eq", 2}, BIT(STRING) | BIT(NUMBER) | BIT(BOOLEAN) | BIT(DATE)},
    [CONSTRAINT_NE] = {{"ne", 2}, BIT(STRING) | BIT(NUMBER) | BIT(BOOLEAN) | BIT(DATE)},
    [CONSTRAINT_IN] = {{"in", 2}, BIT(STRING) | BIT(NUMBER) | BIT(DATE)},
    [CONSTRAINT_GE] = {{"ge", 2}, BIT(NUMBER) | BIT(DATE)},
    [CONSTRAINT_LE] = {{"le", 2}, BIT(NUMBER) | BIT(DATE)},
    [CONSTRAINT_HAS] = {{"has", 3}, BIT(SET) | BIT(RANGE)},
    [CONSTRAINT_NEAR] = {{"near", 4}, BIT(POINT)},
#undef BIT
};

bool
constraint_op_find(struct proto_str name, enum constraint_op *out_op)
{
    for (unsigned i = 0; i < CONSTRAINT_OPS; i++) {
        if (proto_str_eq(ops[i].name, name)) {
            *out_op = (enum constraint_op)i;
            return true;
        }
    }
    return false;
}

bool
constraint_op_fits(enum constraint_op op, enum attribute_type type)
{
    return (ops[op].types & (1u << type)) != 0;
}

/* ------------------------------------------------------------- comparing */

enum order {
    ORDER_BELOW,
    ORDER_SAME,
    ORDER_ABOVE,
    ORDER_NONE, /* of different types */
};

static enum order
tokens_order(const struct proto_token *a, const struct proto_token *b)
{
    double x, y;
    if (proto_token_f64(a, &x) && proto_token_f64(b, &y)) {
        return x < y ? ORDER_BELOW : x > y ? ORDER_ABOVE : ORDER_SAME;
    }
    if (a->kind == PROTO_KIND_STR && b->kind == PROTO_KIND_STR) {
        int order = memcmp(a->str.p, b->str.p, a->str.n < b->str.n ? a->str.n : b->str.n);
        if (order == 0) {
            order = (a->str.n > b->str.n) - (a->str.n < b->str.n);
        }
        return order < 0 ? ORDER_BELOW : order > 0 ? ORDER_ABOVE : ORDER_SAME;
    }
    if (a->kind == PROTO_KIND_BOOL && b->kind == PROTO_KIND_BOOL) {
        return a->b == b->b ? ORDER_SAME : a->b ? ORDER_ABOVE : ORDER_BELOW;
    }
    return ORDER_NONE;
}

static bool
list_has(struct proto_bin list, const struct proto_token *wanted)
{
    struct proto_reader reader = proto_reader_of(list);
    struct proto_token head, token;
    if (!proto_next(&reader, &head) || head.kind != PROTO_KIND_LIST) {
        return false;
    }
    for (uint32_t i = 0; i < head.count && proto_next(&reader, &token); i++) {
        if (tokens_order(&token, wanted) == ORDER_SAME) {
            return true;
        }
    }
    return false;
}

/* A list of exactly `count` numbers. */
static bool
numbers_read(struct proto_bin list, uint32_t count, double *out_numbers)
{
    struct proto_reader reader = proto_reader_of(list);
    struct proto_token token;
    if (!proto_next(&reader, &token) || token.kind != PROTO_KIND_LIST || token.count != count) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!proto_next(&reader, &token) || !proto_token_f64(&token, &out_numbers[i])) {
            return false;
        }
    }
    return true;
}

/* The value asked for is a text, a number, a list of texts or [lo, hi]. */
static bool
has_holds(struct proto_bin offered, struct proto_bin wanted)
{
    struct proto_reader reader = proto_reader_of(wanted);
    struct proto_token token;
    double range[2], asked[2];
    if (!proto_next(&reader, &token)) {
        return false;
    }
    if (token.kind == PROTO_KIND_STR) {
        return list_has(offered, &token);
    }
    if (proto_token_f64(&token, &asked[0])) {
        return numbers_read(offered, 2, range) && range[0] <= asked[0] && asked[0] <= range[1];
    }
    if (numbers_read(wanted, 2, asked)) {
        return numbers_read(offered, 2, range) && range[0] <= asked[0] && asked[1] <= range[1];
    }
    if (token.kind != PROTO_KIND_LIST) {
        return false;
    }
    for (uint32_t i = token.count; i > 0; i--) {
        if (!proto_next(&reader, &token) || !list_has(offered, &token)) {
            return false;
        }
    }
    return true;
}

static bool
near_holds(struct proto_bin offered, struct proto_bin wanted)
{
    double point[2], asked[3];
    return numbers_read(offered, 2, point) && numbers_read(wanted, 3, asked) &&
           point_distance_km(point[0], point[1], asked[0], asked[1]) <= asked[2];
}

static bool
holds(enum constraint_op op, struct proto_bin offered, struct proto_bin wanted)
{
    struct proto_reader offered_reader = proto_reader_of(offered);
    struct proto_reader wanted_reader = proto_reader_of(wanted);
    struct proto_token have, want;
    if (op == CONSTRAINT_HAS) {
        return has_holds(offered, wanted);
    }
    if (op == CONSTRAINT_NEAR) {
        return near_holds(offered, wanted);
    }
    if (!proto_next(&offered_reader, &have) || !proto_next(&wanted_reader, &want)) {
        return false;
    }
    if (op == CONSTRAINT_IN) {
        return list_has(wanted, &have);
    }
    enum order order = tokens_order(&have, &want);
    switch (op) {
    case CONSTRAINT_EQ:
        return order == ORDER_SAME;
    case CONSTRAINT_NE:
        return order == ORDER_BELOW || order == ORDER_ABOVE;
    case CONSTRAINT_GE:
        return order == ORDER_SAME || order == ORDER_ABOVE;
    default:
        return order == ORDER_SAME || order == ORDER_BELOW;
    }
}

/* ------------------------------------------------------------- telling why not */

struct text {
    char *p;
    size_t n;
    size_t room; /* NUL included */
};

__attribute__((format(printf, 2, 3))) static void
text_add(struct text *text, const char *format, ...)
{
    if (text->n + 1 >= text->room) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(text->p + text->n, text->room - text->n, format, arguments);
    va_end(arguments);
    text->n = n < 0 ? text->n : text->n + (size_t)n < text->room ? text->n + (size_t)n : text->room - 1;
}

static void
token_add(struct text *text, const struct proto_token *token)
{
    double number;
    if (token->kind == PROTO_KIND_STR) {
        text_add(text, "%.*s", PROTO_STR_ARG(token->str));
    } else if (token->kind == PROTO_KIND_BOOL) {
        text_add(text, "%s", token->b ? "true" : "false");
    } else if (proto_token_f64(token, &number)) {
        text_add(text, "%.10g", number);
    }
}

static void
value_add(struct text *text, struct proto_bin value)
{
    struct proto_reader reader = proto_reader_of(value);
    struct proto_token token;
    if (!proto_next(&reader, &token)) {
        return;
    }
    if (token.kind != PROTO_KIND_LIST) {
        token_add(text, &token);
        return;
    }
    text_add(text, "[");
    for (uint32_t i = token.count; i > 0 && proto_next(&reader, &token); i--) {
        token_add(text, &token);
        text_add(text, "%s", i > 1 ? ", " : "");
    }
    text_add(text, "]");
}

/* A cut may have gone through a character of several bytes: take its rest away too. */
static void
text_end(struct text *text)
{
    size_t at = text->n;
    while (at > 0 && ((unsigned char)text->p[at - 1] & 0xC0) == 0x80) {
        at--;
    }
    if (at > 0) {
        unsigned char lead = (unsigned char)text->p[at - 1];
        size_t needs = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
        if (needs > 1 && text->n - (at - 1) < needs) {
            text->n = at - 1;
        }
    }
    text->p[text->n] = '\0';
}

bool
constraint_eval(struct proto_bin canonical, const struct attribute_view *view, char *out_why, size_t why_n)
{
    struct proto_reader reader = proto_reader_of(canonical);
    struct proto_token head, list, name, op_name;
    if (canonical.n == 0 || !proto_next(&reader, &head)) {
        return true;
    }
    for (uint32_t i = 0; i < head.count; i++) {
        struct proto_bin wanted, offered;
        enum constraint_op op = CONSTRAINT_EQ;
        if (!proto_next(&reader, &list) || !proto_next(&reader, &name) || !proto_next(&reader, &op_name) ||
            !proto_value(&reader, &wanted) || !constraint_op_find(op_name.str, &op)) {
            if (out_why != NULL) {
                snprintf(out_why, why_n, "constraints that this version does not know");
            }
            return false;
        }
        bool there = attribute_find(view, name.str, &offered);
        if (there && holds(op, offered, wanted)) {
            continue;
        }
        if (out_why != NULL && why_n > 0) {
            struct text text = {out_why, 0, why_n};
            text_add(&text, "%.*s %.*s ", PROTO_STR_ARG(name.str), PROTO_STR_ARG(op_name.str));
            value_add(&text, wanted);
            text_add(&text, "%s", there ? ": not met" : attribute_needs_confirming(view, name.str) ? ": not confirmed" : ": not offered");
            text_end(&text);
        }
        return false;
    }
    return true;
}
