/* Records, rows and events by the quick way, see take.h. Knows their frames; the fields are fields_take.c's. */
#include "proto/take.h"

#include "proto/fields.h"
#include "proto/text.h"

enum { EVENT_COMMON_BELOW = 32, KEY_NUMBER_BELOW = 128 };

static bool
name_take(struct take *take, enum proto_type *out_type)
{
    size_t left = (size_t)(take->end - take->at);
    if (left < 3 || take->at[0] != 0xa1 || take->at[1] != 't' || (take->at[2] & 0xe0) != 0xa0) {
        return false;
    }
    size_t n = take->at[2] & 0x1fu;
    if (n > left - 3) {
        return false;
    }
    *out_type = proto_record_type((const char *)take->at + 3, n);
    take->at += 3 + n;
    return *out_type != 0;
}

/* "n", then "re", as far as they are there. */
static bool
numbers_take(struct take *take, struct proto_record *record, uint32_t *pairs)
{
    record->n = 0;
    record->re = 0;
    if (*pairs > 0 && take->end - take->at > 2 && take->at[0] == 0xa1 && take->at[1] == 'n') {
        take->at += 2;
        if (!take_number(take, &record->n)) {
            return false;
        }
        (*pairs)--;
    }
    if (*pairs > 0 && take->end - take->at > 3 && take->at[0] == 0xa2 && take->at[1] == 'r' && take->at[2] == 'e') {
        take->at += 3;
        if (!take_number(take, &record->re)) {
            return false;
        }
        (*pairs)--;
    }
    return true;
}

bool
take_record(const uint8_t *p, size_t n, size_t *out_used, struct proto_record *out_record)
{
    struct take take = {.at = p, .end = p + n, .depth = 1};
    uint32_t pairs;
    if (n > UINT32_MAX || !take_map(&take, &pairs) || pairs < 1 || pairs > PROTO_LIMIT_HEADER_FIELDS ||
        !name_take(&take, &out_record->type)) {
        return false;
    }
    pairs--;
    const struct proto_desc *desc = proto_records[out_record->type];
    take.lenient = !desc->from_client;
    memset(&out_record->u, 0, desc->size);
    fields_default(desc, &out_record->u);
    uint64_t has;
    if (!numbers_take(&take, out_record, &pairs) ||
        !take_fields(&take, desc, (uint8_t *)&out_record->u, pairs, &has) || !take_body(&take, &out_record->body)) {
        return false;
    }
    if ((desc->from_client && take.depth > PROTO_LIMIT_DEPTH + 1) || out_record->body.n > PROTO_LIMIT_BODY_BYTES ||
        (out_record->body.n > 0 && !desc->body)) {
        return false;
    }
    memcpy(&out_record->u, &has, sizeof has);
    *out_used = (size_t)(take.at - p);
    return true;
}

bool
take_row(const uint8_t *p, size_t n, const struct proto_desc *desc, void *out_row)
{
    struct take take = {.at = p, .end = p + n, .depth = 1, .lenient = true};
    uint32_t pairs;
    uint64_t has;
    if (n > UINT32_MAX || !take_map(&take, &pairs) || pairs > PROTO_LIMIT_HEADER_FIELDS) {
        return false;
    }
    memset(out_row, 0, desc->size);
    fields_default(desc, out_row);
    if (!take_fields(&take, desc, out_row, pairs, &has) || take.at != take.end) {
        return false;
    }
    memcpy(out_row, &has, sizeof has);
    return true;
}

bool
take_event(const uint8_t *p, size_t n, size_t *out_used, struct proto_event *out_event)
{
    struct take take = {.at = p, .end = p + n, .depth = 1, .numbers = true};
    uint32_t pairs;
    uint64_t number;
    if (n > UINT32_MAX || !take_map(&take, &pairs) || pairs < 1 || pairs > 2 * PROTO_LIMIT_HEADER_FIELDS ||
        take.at == take.end || *take.at != 0) {
        return false;
    }
    take.at++;
    pairs--;
    if (!take_number(&take, &number) || number > UINT16_MAX || proto_ev_desc((enum proto_ev)number) == NULL) {
        return false;
    }
    memset(out_event, 0, offsetof(struct proto_event, u));
    out_event->type = (enum proto_ev)number;
    const struct proto_desc *desc = proto_evs[number];
    memset(&out_event->u, 0, desc->size);
    fields_default(&proto_event_common, out_event);
    fields_default(desc, &out_event->u);
    uint64_t common;
    uint64_t own;
    if (!take_numbered(&take, &proto_event_common, (uint8_t *)out_event, EVENT_COMMON_BELOW, &pairs, &common) ||
        !take_numbered(&take, desc, (uint8_t *)&out_event->u, KEY_NUMBER_BELOW, &pairs, &own) || pairs > 0 ||
        !take_body(&take, &out_event->body)) {
        return false;
    }
    out_event->has = common;
    out_event->u.has = own;
    *out_used = (size_t)(take.at - p);
    return true;
}
