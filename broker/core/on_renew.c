/*
 * renew: a worker keeps the leases of what it holds, and hears what it has lost.
 */
#include "core/handlers.h"
#include "core/offer.h"
#include "core/request.h"

#include "proto/writer.h"

static bool
held_is_mine(const struct turn *turn, const struct proto_held *held, uint32_t *out_item)
{
    const struct core *core = turn->core;
    uint64_t ordinal = held->task % REQUEST_STRIDE;
    uint32_t item = ordinal == 0 ? 0 : request_find(core, held->task - ordinal);
    if (item == 0) {
        return false;
    }
    const struct request *request = request_at(core, item);
    *out_item = item;
    return request->performer == turn->party && request->ordinal == ordinal && request->fence == held->fence &&
           !request_is_finished(request);
}

void
on_renew(struct turn *turn)
{
    struct core_out *out = turn->out;
    struct proto_iter it = proto_iter_of(turn->record->u.renew.held);
    struct proto_held held;
    uint32_t lost = 0, item = 0;
    while (proto_iter_struct(&it, PROTO_STRUCT_HELD, &held)) {
        if (held_is_mine(turn, &held, &item)) {
            lease_renew(turn, item);
            offer_adopt(turn, item);
        }
    }
    /* Only now: the rows stand together in the bytes, and an adopted task may be told something. */
    uint32_t start = (uint32_t)out->bytes.n;
    it = proto_iter_of(turn->record->u.renew.held);
    while (proto_iter_struct(&it, PROTO_STRUCT_HELD, &held)) {
        if (!held_is_mine(turn, &held, &item)) {
            bool fits = proto_struct_encode(&out->bytes, PROTO_STRUCT_HELD, &held);
            assert(fits);
            lost++;
        }
    }
    if (turn->record->n == 0) {
        proto_buf_cut(&out->bytes, start);
        return;
    }
    struct core_effect *effect = effect_add(turn, CORE_RECEIPT, turn->conn);
    effect->re = turn->record->n;
    effect->offset = start;
    effect->bytes = (uint32_t)out->bytes.n - start;
    effect->watch = lost;
}
