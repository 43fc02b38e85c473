/*
 * The decoding half of the walker, see fields.h. Works on spans that the validator found, so a nested map is stepped
 * over in no time.
 */
#include "proto/fields.h"

#include <stdio.h>

#include "proto/reader.h"

/* What a value may turn out to be. */
enum field_verdict { FIELD_SET, FIELD_ABSENT, FIELD_REFUSED };

struct field_where {
    const struct fields_source *source;
    const struct proto_field *field;
    struct proto_error *error;
};

static size_t
path_put(char *path, size_t at, const char *text)
{
    size_t n = strlen(text);
    size_t room = PROTO_ERROR_PATH_BYTES - 1 - at;
    n = n < room ? n : room; /* a path that is too long loses its end */
    memcpy(path + at, text, n);
    return at + n;
}

void
error_path_prepend(struct proto_error *error, const char *name, uint32_t index)
{
    char path[PROTO_ERROR_PATH_BYTES];
    char number[16] = "";
    if (index != UINT32_MAX) {
        snprintf(number, sizeof number, "[%u]", index);
    }
    size_t n = path_put(path, 0, name);
    n = path_put(path, n, number);
    n = path_put(path, n, error->path[0] != '\0' && error->path[0] != '[' ? "." : "");
    n = path_put(path, n, error->path);
    path[n] = '\0';
    memcpy(error->path, path, n + 1);
}

static enum field_verdict
field_refuse(const struct field_where *where, enum proto_refusal_code code, const char *why)
{
    *where->error = (struct proto_error){.code = code, .why = why};
    error_path_prepend(where->error, where->field->name, UINT32_MAX);
    return FIELD_REFUSED;
}

static enum field_verdict
field_invalid(const struct field_where *where, const char *why)
{
    return field_refuse(where, PROTO_REFUSAL_CODE_INVALID, why);
}

static enum field_verdict
enum_read(const struct field_where *where, const struct proto_token *token, uint8_t *at)
{
    enum proto_enum table = (enum proto_enum)where->field->enum_id;
    unsigned number = 0;
    if (where->source->numbers) {
        if (token->kind != PROTO_KIND_UINT || token->u > 255 || proto_enum_name(table, (unsigned)token->u) == NULL) {
            return field_invalid(where, "not a number of this code");
        }
        number = (unsigned)token->u;
    } else if (token->kind != PROTO_KIND_STR) {
        return field_invalid(where, "a string was expected");
    } else if (!proto_enum_number(table, token->str.p, token->str.n, &number)) {
        return where->source->lenient ? FIELD_ABSENT : field_invalid(where, "not a word of this code");
    }
    if (at != NULL) {
        memcpy(at, &number, sizeof number);
    }
    return FIELD_SET;
}

static enum field_verdict
scalar_read(const struct field_where *where, const struct proto_token *token, uint8_t *at)
{
    uint8_t nowhere[sizeof(uint64_t)];
    if (at == NULL) {
        at = nowhere;
    }
    switch ((enum proto_field_type)where->field->type) {
    case PROTO_FIELD_BOOL:
        if (token->kind != PROTO_KIND_BOOL) {
            return field_invalid(where, "true or false was expected");
        }
        memcpy(at, &token->b, sizeof token->b);
        return FIELD_SET;
    case PROTO_FIELD_U32: {
        uint32_t small = (uint32_t)token->u;
        if (token->kind != PROTO_KIND_UINT || token->u > UINT32_MAX) {
            return field_invalid(where, "an integer from 0 to 4294967295 was expected");
        }
        memcpy(at, &small, sizeof small);
        return FIELD_SET;
    }
    case PROTO_FIELD_U64:
        if (token->kind != PROTO_KIND_UINT) {
            return field_invalid(where, "an integer from 0 was expected");
        }
        memcpy(at, &token->u, sizeof token->u);
        return FIELD_SET;
    case PROTO_FIELD_I64: {
        int64_t number;
        if (!proto_token_i64(token, &number)) {
            return field_invalid(where, "an integer was expected");
        }
        memcpy(at, &number, sizeof number);
        return FIELD_SET;
    }
    default: {
        double number;
        if (!proto_token_f64(token, &number)) {
            return field_invalid(where, "a number was expected");
        }
        memcpy(at, &number, sizeof number);
        return FIELD_SET;
    }
    }
}

static enum field_verdict
bytes_read(const struct field_where *where, const struct proto_token *token, uint8_t *at)
{
    bool text = where->field->type == PROTO_FIELD_STR;
    if (token->kind != (text ? PROTO_KIND_STR : PROTO_KIND_BIN)) {
        return field_invalid(where, text ? "a string was expected" : "a bin was expected");
    }
    if (token->bin.n > where->field->limit) {
        return field_refuse(where, PROTO_REFUSAL_CODE_TOO_LARGE, "longer than the limit");
    }
    if (at != NULL) {
        memcpy(at, &token->bin, sizeof token->bin); /* proto_str and proto_bin have the same layout */
    }
    return FIELD_SET;
}

bool
elements_check(const struct proto_field *field, struct proto_bin value, struct proto_error *out_error)
{
    struct field_where where = {NULL, field, out_error};
    struct proto_iter it = proto_iter_of(value);
    if (it.left > field->limit) {
        field_refuse(&where, PROTO_REFUSAL_CODE_TOO_LARGE, "more elements than the limit");
        return false;
    }
    for (uint32_t i = 0; it.left > 0; i++) {
        struct proto_str text;
        struct proto_bin row;
        if (field->type == PROTO_FIELD_STRS) {
            bool is_text = proto_iter_str(&it, &text);
            if (!is_text || text.n > PROTO_LIMIT_LIST_STR_BYTES) {
                if (is_text) {
                    field_refuse(&where, PROTO_REFUSAL_CODE_TOO_LARGE, "longer than the limit");
                } else {
                    field_invalid(&where, "a string was expected");
                }
                out_error->path[0] = '\0';
                error_path_prepend(out_error, field->name, i);
                return false;
            }
        } else if (!proto_iter_value(&it, &row) ||
                   !proto_struct_decode(row.p, row.n, (enum proto_struct)field->struct_id, NULL, out_error)) {
            error_path_prepend(out_error, field->name, i);
            return false;
        }
    }
    return true;
}

static enum field_verdict
container_read(const struct field_where *where, const struct proto_token *token, struct proto_bin value, uint8_t *at)
{
    bool map = where->field->type == PROTO_FIELD_MAP;
    if (token->kind != (map ? PROTO_KIND_MAP : PROTO_KIND_LIST)) {
        return field_invalid(where, map ? "a map was expected" : "a list was expected");
    }
    if (where->field->type == PROTO_FIELD_STRS || where->field->type == PROTO_FIELD_STRUCTS) {
        if (!elements_check(where->field, value, where->error)) {
            return FIELD_REFUSED;
        }
    } else if (value.n > where->field->limit) {
        return field_refuse(where, PROTO_REFUSAL_CODE_TOO_LARGE, "longer than the limit");
    }
    if (at != NULL) {
        memcpy(at, &value, sizeof value);
    }
    return FIELD_SET;
}

static enum field_verdict
field_read(const struct field_where *where, const struct proto_span *span, uint8_t *at)
{
    struct proto_bin value = {where->source->p + span->value, span->end - span->value};
    switch ((enum proto_field_type)where->field->type) {
    case PROTO_FIELD_STR:
    case PROTO_FIELD_BIN:
        return bytes_read(where, &span->token, at);
    case PROTO_FIELD_ENUM:
        return enum_read(where, &span->token, at);
    case PROTO_FIELD_MAP:
    case PROTO_FIELD_ANY:
    case PROTO_FIELD_STRS:
    case PROTO_FIELD_STRUCTS:
        return container_read(where, &span->token, value, at);
    default:
        return scalar_read(where, &span->token, at);
    }
}

/* Encoders write fields in the table's order, so the search begins behind the field that was found last. */
static const struct proto_field *
field_find(const struct proto_desc *desc, const struct fields_source *source, const struct proto_span *span,
           unsigned *next)
{
    const uint8_t *key = source->p + span->key;
    for (unsigned tried = 0, i = *next; tried < desc->count; tried++, i++) {
        if (i >= desc->count) {
            i = 0;
        }
        const struct proto_field *field = &desc->fields[i];
        bool same = source->numbers ? field->number == span->key
                                    : field->name_len == span->key_n && field->name[0] == (char)key[0] &&
                                          memcmp(field->name, key, span->key_n) == 0;
        if (same) {
            *next = i + 1;
            return field;
        }
    }
    return NULL;
}

void
fields_default(const struct proto_desc *desc, void *base)
{
    for (uint64_t left = desc->defaulted; left != 0; left &= left - 1) {
        const struct proto_field *field = &desc->fields[__builtin_ctzll(left)];
        unsigned number = (unsigned)field->fallback; /* only enums have one */
        memcpy((uint8_t *)base + field->offset, &number, sizeof number);
    }
}

bool
fields_decode(const struct proto_desc *desc, const struct fields_source *source, void *base, uint64_t *out_has,
              struct proto_error *out_error)
{
    if (base != NULL) {
        fields_default(desc, base);
    }
    uint64_t has = 0;
    unsigned next = 0;
    for (uint32_t i = 0; i < source->count; i++) {
        const struct proto_field *field = field_find(desc, source, &source->spans[i], &next);
        if (field == NULL) {
            continue;
        }
        struct field_where where = {source, field, out_error};
        enum field_verdict verdict =
            field_read(&where, &source->spans[i], base == NULL ? NULL : (uint8_t *)base + field->offset);
        if (verdict == FIELD_REFUSED) {
            out_error->at = source->spans[i].value;
            return false;
        }
        if (verdict == FIELD_SET) {
            has |= UINT64_C(1) << (field - desc->fields);
        }
    }
    uint64_t missing = desc->required & ~has;
    if (missing != 0) {
        struct field_where where = {source, &desc->fields[__builtin_ctzll(missing)], out_error};
        field_invalid(&where, "required");
        return false;
    }
    *out_has = has;
    return true;
}
