/*
 * The walk of input_check.h over an encoded map. One function per shape of value; each steps over the value it judged.
 */
#include "core/input_check.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/attribute.h"
#include "proto/reader.h"

enum {
    DECIMAL_BYTES_MAX = 48,
    PATH_KEY_BYTES = 64,
};

/* Where a value stands, for the path of a fault: root, root.name, root.name[index] or root.name.key. */
struct place {
    const char *root;
    struct proto_str name;
    struct proto_str key;
    bool listed;
    uint32_t index;
};

static const char *
kind_name(const struct proto_token *token)
{
    switch (token->kind) {
    case PROTO_KIND_NIL:
        return "null";
    case PROTO_KIND_BOOL:
        return "boolean";
    case PROTO_KIND_UINT:
    case PROTO_KIND_INT:
        return "integer";
    case PROTO_KIND_F64:
        return "number";
    case PROTO_KIND_STR:
        return "string";
    case PROTO_KIND_BIN:
        return "bytes";
    case PROTO_KIND_LIST:
        return "list";
    case PROTO_KIND_MAP:
        return "map";
    }
    return "nothing";
}

/* Keys are the requester's own text: printable ASCII only, and not too long. */
static void
key_print(struct proto_str key, char out_text[static PATH_KEY_BYTES + 1])
{
    uint32_t n = key.n < PATH_KEY_BYTES ? key.n : PATH_KEY_BYTES;
    for (uint32_t i = 0; i < n; i++) {
        out_text[i] = key.p[i] > ' ' && key.p[i] < 127 ? key.p[i] : '?';
    }
    out_text[n] = '\0';
}

static bool
fault(const struct place *place, const char *rule, const char *got, struct input_fault *out_fault)
{
    char name[PATH_KEY_BYTES + 1];
    char key[PATH_KEY_BYTES + 1];
    key_print(place->name, name);
    key_print(place->key, key);
    const char *dot = name[0] != '\0' ? "." : "";
    if (place->listed) {
        snprintf(out_fault->path, sizeof out_fault->path, "%s%s%s[%u]", place->root, dot, name, place->index);
    } else {
        snprintf(out_fault->path, sizeof out_fault->path, "%s%s%s%s%s", place->root, dot, name,
                 place->key.n > 0 ? "." : "", key);
    }
    snprintf(out_fault->rule, sizeof out_fault->rule, "%s", rule);
    snprintf(out_fault->got, sizeof out_fault->got, "%s", got);
    return false;
}

/* ------------------------------------------------------------- single values */

static bool
digits_at(struct proto_str text, uint32_t at, uint32_t count)
{
    if (text.n < at + count) {
        return false;
    }
    for (uint32_t i = at; i < at + count; i++) {
        if (text.p[i] < '0' || text.p[i] > '9') {
            return false;
        }
    }
    return true;
}

static unsigned
digits_value(struct proto_str text, uint32_t at, uint32_t count)
{
    unsigned value = 0;
    for (uint32_t i = at; i < at + count; i++) {
        value = value * 10 + (unsigned)(text.p[i] - '0');
    }
    return value;
}

/* RFC 3339: date, 'T', hours:minutes:seconds, perhaps a fraction, 'Z' or an offset. */
static bool
time_valid(struct proto_str text)
{
    if (text.n < 20 || !date_valid((struct proto_str){text.p, 10}) || text.p[10] != 'T' || !digits_at(text, 11, 2) ||
        text.p[13] != ':' || !digits_at(text, 14, 2) || text.p[16] != ':' || !digits_at(text, 17, 2)) {
        return false;
    }
    if (digits_value(text, 11, 2) > 23 || digits_value(text, 14, 2) > 59 || digits_value(text, 17, 2) > 59) {
        return false;
    }
    uint32_t at = 19;
    if (text.p[at] == '.') {
        at++;
        uint32_t from = at;
        while (at < text.n && text.p[at] >= '0' && text.p[at] <= '9') {
            at++;
        }
        if (at == from || at - from > 9) {
            return false;
        }
    }
    if (at + 1 == text.n) {
        return text.p[at] == 'Z';
    }
    return at + 6 == text.n && (text.p[at] == '+' || text.p[at] == '-') && digits_at(text, at + 1, 2) &&
           text.p[at + 3] == ':' && digits_at(text, at + 4, 2) && digits_value(text, at + 1, 2) <= 23 &&
           digits_value(text, at + 4, 2) <= 59;
}

/* -12, 97.85, 0.5: digits, perhaps a point with digits on both sides, no exponent. */
static bool
decimal_read(struct proto_str text, double *out_number)
{
    uint32_t at = text.n > 0 && text.p[0] == '-' ? 1 : 0;
    uint32_t from = at;
    if (text.n > DECIMAL_BYTES_MAX) {
        return false;
    }
    while (at < text.n && text.p[at] >= '0' && text.p[at] <= '9') {
        at++;
    }
    if (at == from) {
        return false;
    }
    if (at < text.n) {
        from = at + 1;
        if (text.p[at] != '.') {
            return false;
        }
        for (at = from; at < text.n && text.p[at] >= '0' && text.p[at] <= '9'; at++) {
        }
        if (at == from || at < text.n) {
            return false;
        }
    }
    char copy[DECIMAL_BYTES_MAX + 1];
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    *out_number = strtod(copy, NULL);
    return true;
}

static uint32_t
characters(struct proto_str text)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < text.n; i++) {
        count += ((unsigned char)text.p[i] & 0xC0) != 0x80;
    }
    return count;
}

static bool
bounds_check(const struct field *field, double number, const char *of, const struct place *place, const char *got,
             struct input_fault *out_fault)
{
    char rule[96];
    if (field->has_min && number < field->min) {
        snprintf(rule, sizeof rule, "%sat least %.15g", of, field->min);
        return fault(place, rule, got, out_fault);
    }
    if (field->has_max && number > field->max) {
        snprintf(rule, sizeof rule, "%sat most %.15g", of, field->max);
        return fault(place, rule, got, out_fault);
    }
    return true;
}

static bool
values_check(const struct field *field, struct proto_str text, const struct place *place, struct input_fault *out_fault)
{
    char rule[sizeof out_fault->rule] = "one of ";
    size_t n = strlen(rule);
    for (uint32_t i = 0; i < field->value_count; i++) {
        if (proto_str_eq(field->values[i], text)) {
            return true;
        }
        if (n + field->values[i].n + 8 < sizeof rule) {
            n += (size_t)snprintf(rule + n, sizeof rule - n, "%s%.*s", i > 0 ? ", " : "",
                                  PROTO_STR_ARG(field->values[i]));
        } else if (rule[n - 1] != '.') {
            n += (size_t)snprintf(rule + n, sizeof rule - n, ", ...");
        }
    }
    return field->value_count == 0 || fault(place, rule, "string", out_fault);
}

/* Amount and currency, in any order, nothing else. The reader stands behind the map's head. */
static bool
money_check(const struct field *field, struct proto_reader *reader, uint32_t pairs, bool bounded,
            const struct place *place, struct input_fault *out_fault)
{
    const char *rule = "money: {amount: integer of minor units, currency: three capital letters}";
    int64_t amount = 0;
    struct proto_str currency = {NULL, 0};
    bool has_amount = false;
    if (pairs != 2) {
        return fault(place, rule, "map", out_fault);
    }
    for (uint32_t i = 0; i < pairs; i++) {
        struct proto_token key, value;
        if (!proto_next(reader, &key) || !proto_next(reader, &value) || key.kind != PROTO_KIND_STR) {
            return fault(place, rule, "map", out_fault);
        }
        if (proto_str_eq(key.str, PROTO_STR("amount")) && proto_token_i64(&value, &amount)) {
            has_amount = value.kind == PROTO_KIND_UINT || value.kind == PROTO_KIND_INT;
        } else if (proto_str_eq(key.str, PROTO_STR("currency")) && value.kind == PROTO_KIND_STR) {
            currency = value.str;
        }
    }
    bool letters = currency.n == 3;
    for (uint32_t i = 0; letters && i < 3; i++) {
        letters = currency.p[i] >= 'A' && currency.p[i] <= 'Z';
    }
    if (!has_amount || !letters) {
        return fault(place, rule, "map", out_fault);
    }
    if (field->unit.n > 0 && !proto_str_eq(field->unit, currency)) {
        char text[32];
        snprintf(text, sizeof text, "currency %.*s", PROTO_STR_ARG(field->unit));
        return fault(place, text, "another currency", out_fault);
    }
    return !bounded || bounds_check(field, (double)amount, "an amount of ", place, "money", out_fault);
}

/*
 * One value that is not a list or map of its own. `bounded` is false for elements: min and max of a list are about their
 * number.
 */
static bool
scalar_check(const struct field *field, enum field_type type, bool bounded, const struct proto_token *token,
             const struct place *place, struct input_fault *out_fault)
{
    const char *got = kind_name(token);
    bool text = token->kind == PROTO_KIND_STR;
    int64_t integer;
    double number = 0;
    switch (type) {
    case FIELD_STRING:
        if (!text) {
            return fault(place, "a string", got, out_fault);
        }
        return values_check(field, token->str, place, out_fault) &&
               (!bounded || bounds_check(field, characters(token->str), "a length of ", place, got, out_fault));
    case FIELD_INTEGER:
        if ((token->kind != PROTO_KIND_UINT && token->kind != PROTO_KIND_INT) || !proto_token_i64(token, &integer)) {
            return fault(place, "an integer of 64 bits", got, out_fault);
        }
        return !bounded || bounds_check(field, (double)integer, "", place, got, out_fault);
    case FIELD_DECIMAL:
        if (!text || !decimal_read(token->str, &number)) {
            return fault(place, "a decimal as text, such as \"97.85\"", got, out_fault);
        }
        return !bounded || bounds_check(field, number, "", place, got, out_fault);
    case FIELD_NUMBER:
        if (!proto_token_f64(token, &number)) {
            return fault(place, "a number", got, out_fault);
        }
        return !bounded || bounds_check(field, number, "", place, got, out_fault);
    case FIELD_BOOLEAN:
        return token->kind == PROTO_KIND_BOOL || fault(place, "true or false", got, out_fault);
    case FIELD_DATE:
        return (text && date_valid(token->str)) || fault(place, "a date YYYY-MM-DD", got, out_fault);
    case FIELD_TIME:
        return (text && time_valid(token->str)) ||
               fault(place, "a time of RFC 3339, such as 2026-03-01T08:00:00+08:00", got, out_fault);
    default:
        return true;
    }
}

/* ------------------------------------------------------------- values with values inside */

static bool
element_check(const struct field *field, struct proto_reader *reader, const struct place *place,
              struct input_fault *out_fault)
{
    struct proto_reader ahead = *reader;
    struct proto_token token;
    enum field_type type = field->items;
    if (!proto_next(&ahead, &token) || !proto_skip(reader)) {
        return fault(place, "a value", "nothing", out_fault);
    }
    switch (type) {
    case FIELD_MONEY:
        if (token.kind != PROTO_KIND_MAP) {
            return fault(place, "money: {amount, currency}", kind_name(&token), out_fault);
        }
        return money_check(field, &ahead, token.count, false, place, out_fault);
    case FIELD_LIST:
        return token.kind == PROTO_KIND_LIST || fault(place, "a list", kind_name(&token), out_fault);
    case FIELD_MAP:
        return token.kind == PROTO_KIND_MAP || fault(place, "a map", kind_name(&token), out_fault);
    default:
        return scalar_check(field, type, false, &token, place, out_fault);
    }
}

static bool
elements_check(const struct field *field, struct proto_reader *reader, const struct proto_token *head,
               struct place *place, struct input_fault *out_fault)
{
    bool list = field->type == FIELD_LIST;
    if (!bounds_check(field, head->count, "a number of elements of ", place, kind_name(head), out_fault)) {
        return false;
    }
    for (uint32_t i = 0; i < head->count; i++) {
        struct proto_token key;
        place->listed = list;
        place->index = i;
        if (!list) {
            if (!proto_next(reader, &key) || key.kind != PROTO_KIND_STR) {
                return fault(place, "keys that are strings", "another", out_fault);
            }
            place->key = key.str;
        }
        if (!element_check(field, reader, place, out_fault)) {
            return false;
        }
    }
    return true;
}

static bool
value_check(const struct field *field, struct proto_reader *reader, struct place *place, struct input_fault *out_fault)
{
    struct proto_token token;
    if (!proto_next(reader, &token)) {
        return fault(place, "a value", "nothing", out_fault);
    }
    switch (field->type) {
    case FIELD_MONEY:
        if (token.kind != PROTO_KIND_MAP) {
            return fault(place, "money: {amount, currency}", kind_name(&token), out_fault);
        }
        return money_check(field, reader, token.count, true, place, out_fault);
    case FIELD_LIST:
        if (token.kind != PROTO_KIND_LIST) {
            return fault(place, "a list", kind_name(&token), out_fault);
        }
        return elements_check(field, reader, &token, place, out_fault);
    case FIELD_MAP:
        if (token.kind != PROTO_KIND_MAP) {
            return fault(place, "a map", kind_name(&token), out_fault);
        }
        return elements_check(field, reader, &token, place, out_fault);
    default:
        return scalar_check(field, field->type, true, &token, place, out_fault);
    }
}

/* ------------------------------------------------------------- the whole map */

static uint32_t
field_index(const struct field_list *list, struct proto_str name)
{
    uint32_t i = 0;
    while (i < list->count && !proto_str_eq(list->fields[i].name, name)) {
        i++;
    }
    return i;
}

static bool
pairs_check(const struct field_list *list, const char *root, struct proto_reader *reader, uint32_t pairs,
            uint64_t *out_seen, struct input_fault *out_fault)
{
    uint64_t seen = 0;
    for (uint32_t i = 0; i < pairs; i++) {
        struct proto_token key;
        struct place place = {.root = root};
        if (!proto_next(reader, &key) || key.kind != PROTO_KIND_STR) {
            return fault(&place, "keys that are strings", "another", out_fault);
        }
        place.name = key.str;
        uint32_t index = field_index(list, key.str);
        if (index == list->count) {
            struct proto_token value = {.kind = PROTO_KIND_NIL};
            proto_next(reader, &value);
            return fault(&place, "no such field", kind_name(&value), out_fault);
        }
        if (!value_check(&list->fields[index], reader, &place, out_fault)) {
            return false;
        }
        seen |= UINT64_C(1) << index;
    }
    *out_seen = seen;
    return true;
}

bool
input_check(const struct field_list *list, enum input_mode mode, const char *root, struct proto_bin map,
            struct input_fault *out_fault)
{
    uint64_t seen = 0;
    if (map.n > 0) {
        struct proto_reader reader = proto_reader_of(map);
        struct proto_token head = {.kind = PROTO_KIND_NIL};
        if (!proto_next(&reader, &head) || head.kind != PROTO_KIND_MAP) {
            return fault(&(struct place){.root = root}, "a map", kind_name(&head), out_fault);
        }
        if (!pairs_check(list, root, &reader, head.count, &seen, out_fault)) {
            return false;
        }
    }
    uint64_t missing = mode == INPUT_WHOLE ? list->required & ~seen : 0;
    if (missing != 0) {
        struct place place = {.root = root, .name = list->fields[__builtin_ctzll(missing)].name};
        return fault(&place, "required", "absent", out_fault);
    }
    return true;
}

void
input_fault_text(const struct input_fault *fault_found, char *out_text, size_t n)
{
    snprintf(out_text, n, "%s: %s, got %s", fault_found->path, fault_found->rule, fault_found->got);
}
