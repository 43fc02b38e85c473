/*
 * A record arrives: may this member send it (C4: asked at every record), and who handles it.
 */
#include "core/handlers.h"
#include "core/offer.h"
#include "core/party.h"

typedef void handler(struct turn *turn);

static handler *const handlers[] = {
    [PROTO_SUBMIT] = on_submit,     [PROTO_GET] = on_get,           [PROTO_LIST] = on_list,
    [PROTO_WATCH] = on_watch,       [PROTO_CANCEL] = on_cancel,     [PROTO_REPLY] = on_reply,
    [PROTO_CLOSE] = on_close,       [PROTO_EXPLAIN] = on_explain,   [PROTO_SERVICES] = on_services,
    [PROTO_ENROL] = on_enrol,       [PROTO_OFFER] = on_offer,       [PROTO_CREDIT] = on_credit,
    [PROTO_ACCEPT] = on_accept,     [PROTO_REJECT] = on_reject,     [PROTO_START] = on_start,
    [PROTO_RENEW] = on_renew,       [PROTO_PROGRESS] = on_progress, [PROTO_HOLD] = on_hold,
    [PROTO_ASK] = on_ask,           [PROTO_COMPLETE] = on_complete, [PROTO_VERIFY] = on_verify,
    [PROTO_FAIL] = on_fail,         [PROTO_RELEASE] = on_release,   [PROTO_QUEUES] = on_queues,
    [PROTO_WORKERS] = on_workers,   [PROTO_STATS] = on_stats,       [PROTO_PAUSE] = on_pause,
    [PROTO_RESUME] = on_resume,     [PROTO_DRAIN] = on_drain,       [PROTO_REQUEUE] = on_requeue,
    [PROTO_PARTY] = on_party,       [PROTO_CATALOGUE] = on_catalogue,
};

static void
close_connection(struct turn *turn)
{
    effect_add(turn, CORE_CLOSE, turn->conn);
}

/* True: go on. Otherwise it was refused. */
static bool
member_may(struct turn *turn)
{
    const struct core *core = turn->core;
    const struct member *member = member_at(core, turn->member);
    const struct party *party = party_at(core, turn->party);
    bool expired = member->expires_us != 0 && member->expires_us <= turn->now.utc_us;
    if (member->state == CORE_MEMBER_REVOKED || party->revoked || expired) {
        answer_refusal(turn, PROTO_REFUSAL_CODE_FORBIDDEN, "key", "this key does not count (any more)");
        close_connection(turn);
        return false;
    }
    if (member->state == CORE_MEMBER_INVITED && turn->record->type != PROTO_ENROL) {
        answer_refusal(turn, PROTO_REFUSAL_CODE_FORBIDDEN, "key", "an invitation can only enrol");
        return false;
    }
    uint32_t roles = proto_record_desc(turn->record->type)->roles;
    if (roles != 0 && (roles & party->roles) == 0) {
        answer_refusal(turn, PROTO_REFUSAL_CODE_FORBIDDEN, "role", "your party does not have the role for this");
        return false;
    }
    return true;
}

void
on_record(struct turn *turn)
{
    enum proto_type type = turn->record->type;
    struct connection *connection = connection_find(turn->core, turn->conn);
    if (connection == NULL) {
        return; /* it ended while the record was on its way */
    }
    connection->seen_us = turn->now.utc_us;
    if (!member_may(turn)) {
        return;
    }
    if ((unsigned)type >= sizeof handlers / sizeof *handlers || handlers[type] == NULL) {
        answer_refusal(turn, PROTO_REFUSAL_CODE_UNSUPPORTED, NULL, "this record is not for the broker");
        return;
    }
    handlers[type](turn);
}
