/*
 * Looking at the common fields of an event. Knows the codec, and which statuses of a request are final.
 */
#include "store/event.h"

#include "proto/reader.h"

/* Fields are numbered from 1 in the order of their bits; event_look equals event_decode by test. */
#define NUMBER(bit) (__builtin_ctzll(bit) + 1)

bool
event_decode(const uint8_t *p, uint32_t n, struct proto_event *out_event)
{
    struct proto_error error;
    size_t used;

    return proto_event_decode(p, n, &used, out_event, &error) && used == n;
}

static void
field_take(struct event_glance *glance, uint64_t number, const struct proto_token *value)
{
    switch (number) {
    case NUMBER(PROTO_EV_COMMON_ID):
        glance->id = value->kind == PROTO_KIND_UINT ? value->u : 0;
        break;
    case NUMBER(PROTO_EV_COMMON_PREV):
        glance->prev = value->kind == PROTO_KIND_UINT ? value->u : 0;
        break;
    case NUMBER(PROTO_EV_COMMON_AT):
        proto_token_i64(value, &glance->at_us);
        break;
    case NUMBER(PROTO_EV_COMMON_SERVICE):
        glance->service = value->kind == PROTO_KIND_STR ? value->str : glance->service;
        break;
    case NUMBER(PROTO_EV_COMMON_REQUESTER):
        glance->requester = value->kind == PROTO_KIND_STR ? value->str : glance->requester;
        break;
    case NUMBER(PROTO_EV_COMMON_PERFORMER):
        glance->performer = value->kind == PROTO_KIND_STR ? value->str : glance->performer;
        break;
    case NUMBER(PROTO_EV_COMMON_STATUS):
        glance->status = value->kind == PROTO_KIND_UINT ? (uint32_t)value->u : 0;
        break;
    default:
        break;
    }
}

/*
 * The usual short forms read in place: numbers below 128 and short texts, nine of ten values here. Everything else by
 * the codec's reader.
 */
static inline bool
token_next(struct proto_reader *reader, struct proto_token *out_token)
{
    uint8_t c;

    if (reader->p == reader->end) {
        return false;
    }
    c = *reader->p;
    if (c < 0x80) {
        out_token->kind = PROTO_KIND_UINT;
        out_token->u = c;
        reader->p++;
        return true;
    }
    if (c >= 0xa0 && c < 0xc0 && reader->end - reader->p > (c & 0x1f)) {
        out_token->kind = PROTO_KIND_STR;
        out_token->str = (struct proto_str){(const char *)reader->p + 1, c & 0x1fu};
        reader->p += 1 + (c & 0x1f);
        return true;
    }
    return proto_next(reader, out_token);
}

bool
event_look(const uint8_t *p, uint32_t n, struct event_glance *out_glance)
{
    struct proto_reader reader = {p, p + n};
    struct event_glance glance = {.id = 0};
    struct proto_token token, value;
    uint32_t pairs;

    if (!proto_next(&reader, &token) || token.kind != PROTO_KIND_MAP || token.count == 0) {
        return false;
    }
    for (pairs = token.count; pairs > 0; pairs--) {
        if (!token_next(&reader, &token) || token.kind != PROTO_KIND_UINT) {
            return false;
        }
        /* Keys rise, so the rest holds nothing that we look for. */
        if (token.u > NUMBER(PROTO_EV_COMMON_STATUS)) {
            break;
        }
        if (!token_next(&reader, &value)) {
            return false;
        }
        field_take(&glance, token.u, &value);
    }
    *out_glance = glance;
    return true;
}

bool
event_is_terminal(const struct event_glance *glance)
{
    if (glance->id == 0) {
        return false;
    }
    switch (glance->status) {
    case PROTO_STATUS_COMPLETED:
    case PROTO_STATUS_FAILED:
    case PROTO_STATUS_CANCELLED:
    case PROTO_STATUS_REJECTED:
    case PROTO_STATUS_ENTERED_IN_ERROR:
        return true;
    default:
        return false;
    }
}
