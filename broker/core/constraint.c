/*
 * Canonical form of a request's constraints. Evaluation is in constraint_eval.c.
 *
 * Canonical: each constraint [attribute, op, value] with whole numbers as integers, lists sorted and without doubles, a
 * list of one text under `has` as that text; then the constraints sorted by their bytes, without doubles. Nothing but a
 * short float grows by it; what would not fit any more is refused.
 */
#include "core/constraint.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/constraint_op.h"
#include "proto/reader.h"
#include "proto/writer.h"

/* Where an encoded piece lies in the scratch bytes. */
struct piece {
    const uint8_t *p;
    uint32_t n;
};

static bool
fault(uint32_t index, const char *part, const char *rule, const char *got, struct input_fault *out_fault)
{
    snprintf(out_fault->path, sizeof out_fault->path, "require[%u]%s", index, part);
    snprintf(out_fault->rule, sizeof out_fault->rule, "%s", rule);
    snprintf(out_fault->got, sizeof out_fault->got, "%s", got);
    return false;
}

/* ------------------------------------------------------------- writing into bytes that do not grow */

/* Never more than the room it is given: then an append fails, and the constraint is refused. */
static struct proto_buf
fixed_buf(uint8_t *p, size_t n)
{
    return (struct proto_buf){.p = p, .cap = n, .max = n};
}

static bool
number_put(struct proto_buf *buf, double number)
{
    if (number == floor(number) && fabs(number) <= 9007199254740992.0) {
        return proto_put_i64(buf, (int64_t)number);
    }
    return proto_put_f64(buf, number);
}

static int
piece_order(const void *a, const void *b)
{
    const struct piece *left = a;
    const struct piece *right = b;
    int order = memcmp(left->p, right->p, left->n < right->n ? left->n : right->n);
    return order != 0 ? order : (left->n > right->n) - (left->n < right->n);
}

/* Sort, drop doubles; how many are left. */
static uint32_t
pieces_unique(struct piece *pieces, uint32_t count)
{
    uint32_t kept = 0;
    if (count > 0) {
        qsort(pieces, count, sizeof *pieces, piece_order);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (kept == 0 || piece_order(&pieces[kept - 1], &pieces[i]) != 0) {
            pieces[kept++] = pieces[i];
        }
    }
    return kept;
}

static bool
pieces_put(struct proto_buf *buf, const struct piece *pieces, uint32_t count)
{
    bool fits = proto_put_list(buf, count);
    for (uint32_t i = 0; fits && i < count; i++) {
        fits = proto_buf_append(buf, pieces[i].p, pieces[i].n);
    }
    return fits;
}

/* ------------------------------------------------------------- one value */

/* A single value of the attribute's type, in canonical form. */
static bool
scalar_put(struct proto_buf *buf, enum attribute_type type, const struct proto_token *token)
{
    double number;
    switch (type) {
    case ATTRIBUTE_BOOLEAN:
        return token->kind == PROTO_KIND_BOOL && proto_put_bool(buf, token->b);
    case ATTRIBUTE_NUMBER:
    case ATTRIBUTE_RANGE:
        return proto_token_f64(token, &number) && number_put(buf, number);
    case ATTRIBUTE_DATE:
        return token->kind == PROTO_KIND_STR && date_valid(token->str) && proto_put_str(buf, token->str);
    case ATTRIBUTE_STRING:
    case ATTRIBUTE_SET:
        return token->kind == PROTO_KIND_STR && token->str.n > 0 && proto_put_str(buf, token->str);
    default:
        return false;
    }
}

/* A list of single values, sorted. `alone`: a list of one is written as the value itself. */
static bool
list_put(struct proto_buf *buf, enum attribute_type type, struct proto_reader *reader, uint32_t count, bool alone)
{
    uint8_t scratch[CONSTRAINT_BYTES_MAX];
    struct proto_buf values = fixed_buf(scratch, sizeof scratch);
    struct piece pieces[CONSTRAINT_VALUES_MAX];
    if (count == 0 || count > CONSTRAINT_VALUES_MAX) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct proto_token token;
        size_t from = values.n;
        if (!proto_next(reader, &token) || !scalar_put(&values, type, &token)) {
            return false;
        }
        pieces[i] = (struct piece){scratch + from, (uint32_t)(values.n - from)};
    }
    uint32_t kept = pieces_unique(pieces, count);
    if (alone && kept == 1) {
        return proto_buf_append(buf, pieces[0].p, pieces[0].n);
    }
    return pieces_put(buf, pieces, kept);
}

/* `count` numbers in their own order. */
static bool
numbers_put(struct proto_buf *buf, struct proto_reader *reader, uint32_t count, double out_numbers[static 3])
{
    bool fits = proto_put_list(buf, count);
    for (uint32_t i = 0; fits && i < count; i++) {
        struct proto_token token;
        fits = proto_next(reader, &token) && proto_token_f64(&token, &out_numbers[i]) &&
               number_put(buf, out_numbers[i]);
    }
    return fits;
}

static bool
value_put(struct proto_buf *buf, enum attribute_type type, enum constraint_op op, struct proto_bin value)
{
    struct proto_reader reader = proto_reader_of(value);
    struct proto_token token;
    double numbers[3] = {0};
    if (!proto_next(&reader, &token)) {
        return false;
    }
    bool list = token.kind == PROTO_KIND_LIST;
    if (op == CONSTRAINT_IN) {
        return list && list_put(buf, type, &reader, token.count, false);
    }
    if (op == CONSTRAINT_NEAR) {
        return list && token.count == 3 && numbers_put(buf, &reader, 3, numbers) &&
               point_valid(numbers[0], numbers[1]) && numbers[2] > 0;
    }
    if (op == CONSTRAINT_HAS && list) {
        if (type == ATTRIBUTE_SET) {
            return list_put(buf, type, &reader, token.count, true);
        }
        return token.count == 2 && numbers_put(buf, &reader, 2, numbers) && numbers[0] <= numbers[1];
    }
    return scalar_put(buf, type, &token);
}

/* ------------------------------------------------------------- one constraint */

static const char *
value_rule(enum attribute_type type, enum constraint_op op)
{
    if (op == CONSTRAINT_NEAR) {
        return "[latitude, longitude, km]";
    }
    if (op == CONSTRAINT_HAS) {
        return type == ATTRIBUTE_SET ? "a string or a list of at most 32 strings" : "a number or [lo, hi]";
    }
    switch (type) {
    case ATTRIBUTE_NUMBER:
        return op == CONSTRAINT_IN ? "a list of at most 32 numbers" : "a number";
    case ATTRIBUTE_BOOLEAN:
        return "true or false";
    case ATTRIBUTE_DATE:
        return op == CONSTRAINT_IN ? "a list of at most 32 dates" : "a date YYYY-MM-DD";
    default:
        return op == CONSTRAINT_IN ? "a list of at most 32 strings" : "a string";
    }
}

static bool
constraint_put(const struct service_type *service, uint32_t index, struct proto_bin one, struct proto_buf *buf,
               struct input_fault *out_fault)
{
    struct proto_reader reader = proto_reader_of(one);
    struct proto_token head, name, op_name;
    struct proto_bin value;
    enum constraint_op op;
    if (!proto_next(&reader, &head) || head.kind != PROTO_KIND_LIST || head.count != 3 ||
        !proto_next(&reader, &name) || name.kind != PROTO_KIND_STR || !proto_next(&reader, &op_name) ||
        op_name.kind != PROTO_KIND_STR || !proto_value(&reader, &value)) {
        return fault(index, "", "[attribute, op, value]", "another shape", out_fault);
    }
    const struct attribute *attribute = service_attribute(service, name.str);
    if (attribute == NULL) {
        return fault(index, "[0]", "an attribute of this service", "an unknown one", out_fault);
    }
    if (!constraint_op_find(op_name.str, &op)) {
        return fault(index, "[1]", "eq, ne, in, ge, le, has or near", "an unknown one", out_fault);
    }
    if (!constraint_op_fits(op, attribute->type)) {
        char rule[64];
        snprintf(rule, sizeof rule, "an op for a %s", attribute_type_name(attribute->type));
        return fault(index, "[1]", rule, "one for other types", out_fault);
    }
    if (!proto_put_list(buf, 3) || !proto_put_str(buf, name.str) || !proto_put_str(buf, op_name.str) ||
        !value_put(buf, attribute->type, op, value)) {
        return fault(index, "[2]", value_rule(attribute->type, op), "another type or value", out_fault);
    }
    return true;
}

bool
constraint_canonical(const struct service_type *service, struct proto_bin require,
                     uint8_t out_bytes[static CONSTRAINT_BYTES_MAX], uint32_t *out_n, struct input_fault *out_fault)
{
    uint8_t scratch[CONSTRAINT_BYTES_MAX];
    struct proto_buf all = fixed_buf(scratch, sizeof scratch);
    struct piece pieces[CONSTRAINTS_MAX];
    struct proto_reader reader = proto_reader_of(require);
    struct proto_token head = {.kind = PROTO_KIND_LIST};
    if (require.n > 0 && (!proto_next(&reader, &head) || head.kind != PROTO_KIND_LIST)) {
        return fault(0, "", "a list of [attribute, op, value]", "another", out_fault);
    }
    if (require.n > CONSTRAINT_BYTES_MAX || head.count > CONSTRAINTS_MAX) {
        return fault(CONSTRAINTS_MAX, "", "at most 16 constraints in 2048 bytes", "more", out_fault);
    }
    for (uint32_t i = 0; i < head.count; i++) {
        struct proto_bin one;
        size_t from = all.n;
        if (!proto_value(&reader, &one)) {
            return fault(i, "", "[attribute, op, value]", "nothing", out_fault);
        }
        if (!constraint_put(service, i, one, &all, out_fault)) {
            return false;
        }
        pieces[i] = (struct piece){scratch + from, (uint32_t)(all.n - from)};
    }
    struct proto_buf out = fixed_buf(out_bytes, CONSTRAINT_BYTES_MAX);
    uint32_t kept = pieces_unique(pieces, head.count);
    if (kept > 0 && !pieces_put(&out, pieces, kept)) {
        return fault(0, "", "at most 2048 bytes", "more", out_fault);
    }
    *out_n = (uint32_t)out.n;
    return true;
}
