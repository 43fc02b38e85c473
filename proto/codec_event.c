/* Journal events: number keys, see codec.h. The same walker as for records, over two tables: common fields and own. */
#include <assert.h>

#include "proto/fields.h"
#include "proto/head.h"
#include "proto/packer.h"
#include "proto/take.h"
#include "proto/writer.h"

enum { EVENT_COMMON_BELOW = 32 };

/* With body NULL only the header. */
static PACKER_FOLDED bool
event_encode(struct proto_buf *buf, const struct proto_event *event, const struct proto_bin *body)
{
    const struct proto_desc *desc = proto_ev_desc(event->type);
    assert(desc != NULL);
    uint64_t common = fields_present(&proto_event_common, event, event->has);
    uint64_t own = fields_present(desc, &event->u, event->u.has);
    uint32_t pairs = 1 + (uint32_t)__builtin_popcountll(common) + (uint32_t)__builtin_popcountll(own);
    size_t bound = fields_bound(&proto_event_common, event, common) + fields_bound(desc, &event->u, own) +
                   (body != NULL ? body->n : 0);
    struct header_room room;
    if (!header_room_begin(buf, bound, (size_t)proto_event_common.fixed_max + desc->fixed_max, &room)) {
        return false;
    }
    uint8_t *at = header_begin(room.at, desc, pairs);
    at = fields_encode(at, &proto_event_common, event, common, true);
    at = at == NULL ? NULL : fields_encode(at, desc, &event->u, own, true);
    room.at = at != NULL && body != NULL ? body_put(at, *body) : at;
    return header_room_end(buf, &room, at != NULL);
}

bool
proto_event_encode_header(struct proto_buf *buf, const struct proto_event *event)
{
    return event_encode(buf, event, NULL);
}

bool
proto_event_encode(struct proto_buf *buf, const struct proto_event *event)
{
    return event_encode(buf, event, &event->body);
}

static bool
event_fail(struct proto_error *error, enum proto_refusal_code code, const char *why, size_t at)
{
    *error = (struct proto_error){.code = code, .why = why, .at = at};
    return false;
}

/* The event number under key 0, which comes first. */
static bool
event_type_read(const struct proto_check *check, struct proto_event *event,
                struct proto_error *out_error)
{
    if (check->span_count == 0 || check->spans[0].key != 0) {
        return event_fail(out_error, PROTO_REFUSAL_CODE_MALFORMED, "the first key is not 0", 0);
    }
    struct proto_token token = check->spans[0].token;
    if (token.kind != PROTO_KIND_UINT) {
        return event_fail(out_error, PROTO_REFUSAL_CODE_MALFORMED, "the event's kind is not a number", 0);
    }
    if (token.u > UINT16_MAX || proto_ev_desc((enum proto_ev)token.u) == NULL) {
        return event_fail(out_error, PROTO_REFUSAL_CODE_UNSUPPORTED, "no event has this number", 0);
    }
    event->type = (enum proto_ev)token.u;
    return true;
}

static bool
event_body_read(const uint8_t *p, size_t n, size_t *used, struct proto_event *event, struct proto_error *out_error)
{
    struct proto_reader reader = {p + *used, p + n};
    struct proto_token body;
    if (!proto_next(&reader, &body) || body.kind != PROTO_KIND_BIN) {
        return event_fail(out_error, PROTO_REFUSAL_CODE_MALFORMED, "a bin was expected behind the header", *used);
    }
    event->body = body.bin;
    *used = (size_t)(reader.p - p);
    return true;
}

bool
event_decode_careful(const uint8_t *p, size_t n, size_t *out_used, struct proto_event *out_event,
                     struct proto_error *out_error)
{
    struct proto_span spans[PROTO_LIMIT_HEADER_FIELDS * 2];
    struct proto_check check = {.depth_max = PROTO_LIMIT_RECORD_DEPTH, .pairs_max = PROTO_LIMIT_HEADER_FIELDS * 2,
                                .number_keys = true, .spans = spans};
    size_t used;
    *out_used = 0;
    if (n == 0 || ((p[0] & 0xf0) != 0x80 && p[0] != 0xde && p[0] != 0xdf)) {
        return event_fail(out_error, PROTO_REFUSAL_CODE_MALFORMED, "an event begins with a map", 0);
    }
    if (!proto_check_value(&check, p, n, &used, out_error)) {
        return false;
    }
    memset(out_event, 0, offsetof(struct proto_event, u));
    if (!event_type_read(&check, out_event, out_error) || !event_body_read(p, n, &used, out_event, out_error)) {
        return false;
    }
    const struct proto_desc *desc = proto_ev_desc(out_event->type);
    memset(&out_event->u, 0, desc->size);
    /* The common fields come first: one order, so that the same event always has the same bytes. */
    uint32_t own = 1;
    while (own < check.span_count && spans[own].key < EVENT_COMMON_BELOW) {
        own++;
    }
    for (uint32_t i = own; i < check.span_count; i++) {
        if (spans[i].key < EVENT_COMMON_BELOW) {
            return event_fail(out_error, PROTO_REFUSAL_CODE_MALFORMED, "common fields come first", spans[i].value);
        }
    }
    struct fields_source source = {.p = p, .spans = spans + 1, .count = own - 1, .numbers = true};
    uint64_t common_has;
    uint64_t own_has;
    if (!fields_decode(&proto_event_common, &source, out_event, &common_has, out_error)) {
        return false;
    }
    source.spans = spans + own;
    source.count = check.span_count - own;
    if (!fields_decode(desc, &source, &out_event->u, &own_has, out_error)) {
        return false;
    }
    out_event->has = common_has;
    out_event->u.has = own_has;
    *out_used = used;
    return true;
}

bool
proto_event_decode(const uint8_t *p, size_t n, size_t *out_used, struct proto_event *out_event,
                   struct proto_error *out_error)
{
    return take_event(p, n, out_used, out_event) || event_decode_careful(p, n, out_used, out_event, out_error);
}
