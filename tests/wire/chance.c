/* Random field values by the tables, see chance.h. */
#include "chance.h"

#include <stdlib.h>

#include "proto/writer.h"

uint64_t
chance_u64(struct chance *chance)
{
    /* splitmix64 */
    uint64_t z = chance->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint32_t
chance_below(struct chance *chance, uint32_t below)
{
    return (uint32_t)(chance_u64(chance) % below);
}

uint64_t
chance_sized(struct chance *chance)
{
    return chance_u64(chance) >> chance_below(chance, 64);
}

static void
text_put(struct chance *chance, struct proto_buf *store, uint32_t bytes)
{
    static const char *const pieces[] = {"a", "Z", "7", "-", "é", "冷", "链", "😀", " "};
    uint32_t put = 0;
    while (put < bytes) {
        const char *piece = pieces[chance_below(chance, sizeof pieces / sizeof pieces[0])];
        uint32_t n = (uint32_t)strlen(piece);
        if (put + n > bytes) {
            piece = "x";
            n = 1;
        }
        proto_buf_append(store, piece, n);
        put += n;
    }
}

static struct proto_str
text_make(struct chance *chance, struct proto_buf *store, uint32_t bytes)
{
    size_t at = store->n;
    text_put(chance, store, bytes);
    return (struct proto_str){(const char *)store->p + at, bytes};
}

static double
float_make(struct chance *chance)
{
    double value;
    uint64_t raw = chance_u64(chance) & UINT64_C(0xbfffffffffffffff); /* the exponent never says infinite */
    memcpy(&value, &raw, sizeof value);
    return value;
}

static void
value_put(struct chance *chance, struct proto_buf *store, unsigned deeper)
{
    uint8_t text[64];
    struct proto_buf piece = {.p = text, .cap = sizeof text, .max = sizeof text};
    uint32_t kind = chance_below(chance, deeper > 0 ? 9 : 7);
    uint32_t count = chance_below(chance, 4);
    switch (kind) {
    case 0:
        proto_put_nil(store);
        break;
    case 1:
        proto_put_bool(store, chance_below(chance, 2) == 1);
        break;
    case 2:
        proto_put_u64(store, chance_sized(chance));
        break;
    case 3:
        proto_put_i64(store, -(int64_t)(chance_sized(chance) >> 1));
        break;
    case 4:
        proto_put_f64(store, float_make(chance));
        break;
    case 5:
        text_put(chance, &piece, chance_below(chance, 40));
        proto_put_str(store, (struct proto_str){(const char *)text, (uint32_t)piece.n});
        break;
    case 6:
        proto_put_bin(store, (struct proto_bin){text, 0});
        break;
    case 7:
        proto_put_list(store, count);
        for (uint32_t i = 0; i < count; i++) {
            value_put(chance, store, deeper - 1);
        }
        break;
    default:
        proto_put_map(store, count);
        for (uint32_t i = 0; i < count; i++) {
            char key[2] = {(char)('a' + i), '\0'};
            proto_put_key(store, key);
            value_put(chance, store, deeper - 1);
        }
        break;
    }
}

static void
rows_put(struct chance *chance, enum proto_struct type, struct proto_buf *store, uint32_t rows)
{
    const struct proto_desc *desc = proto_struct_desc(type);
    struct proto_buf bytes; /* values of the rows; the rows themselves go to the store */
    proto_buf_init(&bytes, 1 << 20);
    void *row = malloc(desc->size);
    if (row == NULL || !proto_buf_reserve(&bytes, 1 << 18)) {
        abort();
    }
    for (uint32_t i = 0; i < rows; i++) {
        memset(row, 0, desc->size);
        proto_buf_reset(&bytes);
        uint64_t has;
        chance_fields(chance, desc, &bytes, row, &has);
        memcpy(row, &has, sizeof has);
        if (!proto_struct_encode(store, type, row)) {
            abort();
        }
    }
    free(row);
    proto_buf_fini(&bytes);
}

static struct proto_bin
container_make(struct chance *chance, const struct proto_field *field, struct proto_buf *store)
{
    size_t at = store->n;
    uint32_t count = chance_below(chance, 4);
    if (field->type == PROTO_FIELD_MAP) {
        proto_put_map(store, count);
    } else {
        proto_put_list(store, count);
    }
    for (uint32_t i = 0; i < count; i++) {
        char key[2] = {(char)('k' + i), '\0'};
        uint8_t text[16];
        struct proto_buf piece = {.p = text, .cap = sizeof text, .max = sizeof text};
        switch ((enum proto_field_type)field->type) {
        case PROTO_FIELD_MAP:
            proto_put_key(store, key);
            value_put(chance, store, 3);
            break;
        case PROTO_FIELD_ANY:
            value_put(chance, store, 3);
            break;
        case PROTO_FIELD_STRS:
            text_put(chance, &piece, chance_below(chance, 12));
            proto_put_str(store, (struct proto_str){(const char *)text, (uint32_t)piece.n});
            break;
        default:
            rows_put(chance, (enum proto_struct)field->struct_id, store, 1);
            break;
        }
    }
    return (struct proto_bin){store->p + at, (uint32_t)(store->n - at)};
}

static void
enum_make(struct chance *chance, const struct proto_field *field, void *at)
{
    const struct proto_enum_desc *desc = proto_enum_desc((enum proto_enum)field->enum_id);
    unsigned number;
    do {
        number = chance_below(chance, desc->count);
    } while (desc->names[number].n == 0);
    memcpy(at, &number, sizeof number);
}

static void
field_make(struct chance *chance, const struct proto_field *field, struct proto_buf *store, void *at)
{
    switch ((enum proto_field_type)field->type) {
    case PROTO_FIELD_BOOL:
        *(bool *)at = chance_below(chance, 2) == 1;
        break;
    case PROTO_FIELD_U32:
        *(uint32_t *)at = (uint32_t)chance_sized(chance);
        break;
    case PROTO_FIELD_U64:
        *(uint64_t *)at = chance_sized(chance);
        break;
    case PROTO_FIELD_I64:
        *(uint64_t *)at = chance_below(chance, 2) ? chance_sized(chance) >> 1 : ~(chance_sized(chance) >> 1);
        break;
    case PROTO_FIELD_F64:
        *(double *)at = float_make(chance);
        break;
    case PROTO_FIELD_STR:
        *(struct proto_str *)at = text_make(chance, store, chance_below(chance, field->limit + 1));
        break;
    case PROTO_FIELD_BIN: {
        struct proto_str bytes = text_make(chance, store, chance_below(chance, field->limit + 1));
        memcpy(at, &bytes, sizeof bytes);
        break;
    }
    case PROTO_FIELD_ENUM:
        enum_make(chance, field, at);
        break;
    default:
        *(struct proto_bin *)at = container_make(chance, field, store);
        break;
    }
}

void
chance_fields(struct chance *chance, const struct proto_desc *desc, struct proto_buf *store, void *base,
              uint64_t *out_has)
{
    uint64_t has = 0;
    for (unsigned i = 0; i < desc->count; i++) {
        const struct proto_field *field = &desc->fields[i];
        if (field->required || chance_below(chance, 2) == 1) {
            field_make(chance, field, store, (uint8_t *)base + field->offset);
            has |= UINT64_C(1) << i;
        }
    }
    *out_has = has;
}
