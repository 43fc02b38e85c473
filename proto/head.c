/* The msgpack heads with a type byte from 0xc0 to 0xdf: one row each. See head.h. */
#include "proto/head.h"

/* What follows a type byte: how many bytes of number, and the smallest number that needs this form. */
struct head_form {
    uint8_t kind; /* enum proto_kind, or FORM_* */
    uint8_t bytes;
    uint64_t least;
};

enum { FORM_REFUSED = 100, FORM_F32, FORM_SIGNED };

static const struct head_form head_forms[32] = {
    [0x00] = {PROTO_KIND_NIL, 0, 0},
    [0x01] = {FORM_REFUSED, 0, 0},
    [0x02] = {PROTO_KIND_BOOL, 0, 0},
    [0x03] = {PROTO_KIND_BOOL, 0, 0},
    [0x04] = {PROTO_KIND_BIN, 1, 0},
    [0x05] = {PROTO_KIND_BIN, 2, 0x100},
    [0x06] = {PROTO_KIND_BIN, 4, 0x10000},
    [0x07] = {FORM_REFUSED, 0, 0}, /* ext 8, 16, 32 */
    [0x08] = {FORM_REFUSED, 0, 0},
    [0x09] = {FORM_REFUSED, 0, 0},
    [0x0a] = {FORM_F32, 4, 0},
    [0x0b] = {PROTO_KIND_F64, 8, 0},
    [0x0c] = {PROTO_KIND_UINT, 1, 0x80},
    [0x0d] = {PROTO_KIND_UINT, 2, 0x100},
    [0x0e] = {PROTO_KIND_UINT, 4, 0x10000},
    [0x0f] = {PROTO_KIND_UINT, 8, 0x100000000},
    [0x10] = {FORM_SIGNED, 1, 0x20}, /* least: the number's distance below zero */
    [0x11] = {FORM_SIGNED, 2, 0x80},
    [0x12] = {FORM_SIGNED, 4, 0x8000},
    [0x13] = {FORM_SIGNED, 8, 0x80000000},
    [0x14] = {FORM_REFUSED, 0, 0}, /* fixext 1, 2, 4, 8, 16 */
    [0x15] = {FORM_REFUSED, 0, 0},
    [0x16] = {FORM_REFUSED, 0, 0},
    [0x17] = {FORM_REFUSED, 0, 0},
    [0x18] = {FORM_REFUSED, 0, 0},
    [0x19] = {PROTO_KIND_STR, 1, 0x20},
    [0x1a] = {PROTO_KIND_STR, 2, 0x100},
    [0x1b] = {PROTO_KIND_STR, 4, 0x10000},
    [0x1c] = {PROTO_KIND_LIST, 2, 0x10},
    [0x1d] = {PROTO_KIND_LIST, 4, 0x10000},
    [0x1e] = {PROTO_KIND_MAP, 2, 0x10},
    [0x1f] = {PROTO_KIND_MAP, 4, 0x10000},
};

static const char *
head_signed(uint64_t raw, const struct head_form *form, struct proto_head *out)
{
    unsigned shift = 64 - 8u * form->bytes;
    int64_t value = (int64_t)(raw << shift) >> shift;
    /* ~value is the distance below -1; a value from 0 up has an unsigned form of its own. */
    if (value >= 0 || ~(uint64_t)value < form->least) {
        return "an integer is not in its shortest form";
    }
    out->kind = PROTO_KIND_INT;
    out->i = value;
    return NULL;
}

static const char *
head_float(uint64_t raw, bool wide, struct proto_head *out)
{
    double value;
    if (wide) {
        memcpy(&value, &raw, sizeof value);
    } else {
        uint32_t half = (uint32_t)raw;
        float f;
        memcpy(&f, &half, sizeof f);
        value = f;
    }
    if (!(value - value == 0)) {
        return "a float is not a finite number";
    }
    out->kind = PROTO_KIND_F64;
    out->f = value;
    return NULL;
}

const char *
head_read_long(const uint8_t *p, size_t n, struct proto_head *out)
{
    const struct head_form *form = &head_forms[p[0] & 0x1fu];
    if (form->kind == FORM_REFUSED) {
        return p[0] == 0xc1 ? "the byte c1 is no value" : "ext types are not used";
    }
    if (form->bytes > n - 1) {
        return "the bytes end in the middle of a value";
    }
    uint64_t raw = head_be(p + 1, form->bytes);
    out->bytes = 1u + form->bytes;
    if (form->kind == FORM_SIGNED) {
        return head_signed(raw, form, out);
    }
    if (form->kind == FORM_F32 || form->kind == PROTO_KIND_F64) {
        return head_float(raw, form->kind == PROTO_KIND_F64, out);
    }
    if (raw < form->least) {
        return form->kind == PROTO_KIND_UINT ? "an integer is not in its shortest form"
                                             : "a length is not in its shortest form";
    }
    out->kind = form->kind;
    out->u = form->kind == PROTO_KIND_BOOL ? p[0] & 1u : raw;
    return NULL;
}
