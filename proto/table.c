/* Look-ups in the generated tables, and rows of lists. See codec.h. */
#include <assert.h>

#include "proto/fields.h"
#include "proto/reader.h"
#include "proto/take.h"
#include "proto/text.h"

const struct proto_desc *
proto_record_desc(enum proto_type type)
{
    return (unsigned)type < proto_records_count ? proto_records[type] : NULL;
}

const struct proto_desc *
proto_struct_desc(enum proto_struct type)
{
    return (unsigned)type < proto_structs_count ? proto_structs[type] : NULL;
}

const struct proto_desc *
proto_ev_desc(enum proto_ev type)
{
    return (unsigned)type < proto_evs_count ? proto_evs[type] : NULL;
}

const struct proto_desc *
proto_event_common_desc(void)
{
    return &proto_event_common;
}

enum proto_type
proto_record_type(const char *name, size_t n)
{
    if (n == 0) {
        return (enum proto_type)0;
    }
    enum proto_type type =
        (enum proto_type)proto_name_slots[proto_word_slot(name, n, proto_name_factors, proto_name_slots_count)];
    const struct proto_desc *desc = proto_record_desc(type);
    bool same = desc != NULL && desc->name_len == n && bytes_same(desc->name, name, n);
    return same ? type : (enum proto_type)0;
}

bool
proto_struct_type(const char *name, size_t n, enum proto_struct *out_type)
{
    for (unsigned i = 0; i < proto_structs_count; i++) {
        const struct proto_desc *desc = proto_structs[i];
        if (desc != NULL && desc->name_len == n && memcmp(desc->name, name, n) == 0) {
            *out_type = (enum proto_struct)i;
            return true;
        }
    }
    return false;
}

bool
proto_page_struct(enum proto_page_kind kind, enum proto_struct *out_type)
{
    /* The kind's name is the struct's, but for two whose struct would clash with a record's. */
    static const char *const rows[][2] = {{"service", "service_row"}, {"party", "party_row"}, {"task", "request"}};
    const char *name = proto_enum_name(PROTO_ENUM_PAGE_KIND, kind);
    if (name == NULL) {
        return false;
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i][0], name) == 0) {
            name = rows[i][1];
            break;
        }
    }
    return proto_struct_type(name, strlen(name), out_type);
}

const struct proto_enum_desc *
proto_enum_desc(enum proto_enum table)
{
    assert((unsigned)table < proto_enums_count);
    return &proto_enums[table];
}

const char *
proto_enum_name(enum proto_enum table, unsigned number)
{
    const struct proto_enum_desc *desc = proto_enum_desc(table);
    return number < desc->count ? desc->names[number].p : NULL;
}

bool
proto_enum_number(enum proto_enum table, const char *name, size_t n, unsigned *out_number)
{
    return word_find(proto_enum_desc(table), name, n, out_number);
}

/* ------------------------------------------------------------- rows */

PACKER_FOLDED bool
proto_struct_encode(struct proto_buf *buf, enum proto_struct type, const void *row)
{
    const struct proto_desc *desc = proto_struct_desc(type);
    assert(desc != NULL);
    uint64_t has;
    memcpy(&has, row, sizeof has);
    uint64_t present = fields_present(desc, row, has);
    struct header_room room;
    if (!header_room_begin(buf, fields_bound(desc, row, present), desc->fixed_max, &room)) {
        return false;
    }
    uint8_t *at = header_begin(room.at, desc, (uint32_t)__builtin_popcountll(present));
    room.at = fields_encode(at, desc, row, present, false);
    return header_room_end(buf, &room, room.at != NULL);
}

bool
proto_struct_decode(const uint8_t *p, size_t n, enum proto_struct type, void *out_row, struct proto_error *out_error)
{
    const struct proto_desc *desc = proto_struct_desc(type);
    assert(desc != NULL);
    return (out_row != NULL && take_row(p, n, desc, out_row)) || row_decode_careful(p, n, desc, out_row, out_error);
}

bool
row_decode_careful(const uint8_t *p, size_t n, const struct proto_desc *desc, void *out_row,
                   struct proto_error *out_error)
{
    struct proto_span spans[PROTO_LIMIT_HEADER_FIELDS];
    struct proto_check check = {.depth_max = PROTO_LIMIT_RECORD_DEPTH, .pairs_max = PROTO_LIMIT_HEADER_FIELDS,
                                .spans = spans};
    size_t used;
    if (out_row != NULL) {
        memset(out_row, 0, desc->size);
    }
    if (n == 0 || ((p[0] & 0xf0) != 0x80 && p[0] != 0xde && p[0] != 0xdf)) {
        *out_error = (struct proto_error){.code = PROTO_REFUSAL_CODE_INVALID, .why = "a map was expected"};
        return false;
    }
    if (!proto_check_value(&check, p, n, &used, out_error)) {
        return false;
    }
    if (used != n) {
        *out_error = (struct proto_error){.code = PROTO_REFUSAL_CODE_MALFORMED, .why = "bytes stand behind the value",
                                          .at = used};
        return false;
    }
    struct fields_source source = {.p = p, .spans = spans, .count = check.span_count, .lenient = true};
    uint64_t has;
    if (!fields_decode(desc, &source, out_row, &has, out_error)) {
        if (out_row != NULL) {
            memset(out_row, 0, desc->size);
        }
        return false;
    }
    if (out_row != NULL) {
        memcpy(out_row, &has, sizeof has);
    }
    return true;
}

struct proto_iter
proto_iter_of(struct proto_bin list)
{
    struct proto_reader reader = proto_reader_of(list);
    struct proto_token token;
    if (list.n == 0 || !proto_next(&reader, &token) || token.kind != PROTO_KIND_LIST) {
        return (struct proto_iter){0};
    }
    return (struct proto_iter){reader.p, reader.end, token.count};
}

bool
proto_iter_value(struct proto_iter *it, struct proto_bin *out_value)
{
    struct proto_reader reader = {it->p, it->end};
    if (it->left == 0 || !proto_value(&reader, out_value)) {
        return false;
    }
    it->p = reader.p;
    it->left--;
    return true;
}

bool
proto_iter_str(struct proto_iter *it, struct proto_str *out_text)
{
    struct proto_reader reader = {it->p, it->end};
    struct proto_token token;
    if (it->left == 0 || !proto_next(&reader, &token) || token.kind != PROTO_KIND_STR) {
        return false;
    }
    it->p = reader.p;
    it->left--;
    *out_text = token.str;
    return true;
}

bool
proto_iter_struct(struct proto_iter *it, enum proto_struct type, void *out_row)
{
    struct proto_iter next = *it;
    struct proto_bin value;
    struct proto_error error;
    if (!proto_iter_value(&next, &value) || !proto_struct_decode(value.p, value.n, type, out_row, &error)) {
        return false;
    }
    *it = next;
    return true;
}
