/* The operator's calls. None is repeated by itself: what an operator does twice may not be the same as once. */
#include <sodium.h>
#include <time.h>

#include "lib/internal.h"

#define INVITATION_US (INT64_C(7) * 24 * 3600 * 1000000)

enum qiao_status
qiao_queues(struct qiao_client *client, const char *service, const char *after, int64_t timeout_us,
            struct qiao_page **out_page)
{
    struct proto_record record;

    proto_record_init(&record, PROTO_QUEUES);
    record.u.queues.service = qiaoi_str(service);
    record.u.queues.after = qiaoi_str(after);
    return qiaoi_call_page(client, &record, timeout_us, out_page);
}

enum qiao_status
qiao_workers(struct qiao_client *client, const char *service, const char *after, int64_t timeout_us,
             struct qiao_page **out_page)
{
    struct proto_record record;

    proto_record_init(&record, PROTO_WORKERS);
    record.u.workers.service = qiaoi_str(service);
    record.u.workers.after = qiaoi_str(after);
    return qiaoi_call_page(client, &record, timeout_us, out_page);
}

enum qiao_status
qiao_stats(struct qiao_client *client, int64_t timeout_us, struct qiao_page **out_page)
{
    struct proto_record record;

    proto_record_init(&record, PROTO_STATS);
    return qiaoi_call_page(client, &record, timeout_us, out_page);
}

enum qiao_status
qiao_pause(struct qiao_client *client, const char *service, const char *party, const char *message,
           int64_t timeout_us)
{
    struct proto_record record;

    proto_record_init(&record, PROTO_PAUSE);
    record.u.pause.service = qiaoi_str(service);
    record.u.pause.party = qiaoi_str(party);
    record.u.pause.message = qiaoi_str(message);
    return qiaoi_call_receipt(client, &record, QIAOI_ONCE, timeout_us, NULL);
}

enum qiao_status
qiao_resume(struct qiao_client *client, const char *service, const char *party, const char *message,
            int64_t timeout_us)
{
    struct proto_record record;

    proto_record_init(&record, PROTO_RESUME);
    record.u.resume.service = qiaoi_str(service);
    record.u.resume.party = qiaoi_str(party);
    record.u.resume.message = qiaoi_str(message);
    return qiaoi_call_receipt(client, &record, QIAOI_ONCE, timeout_us, NULL);
}

enum qiao_status
qiao_drain(struct qiao_client *client, const char *service, const char *party, const char *message,
           int64_t timeout_us)
{
    struct proto_record record;

    proto_record_init(&record, PROTO_DRAIN);
    record.u.drain.service = qiaoi_str(service);
    record.u.drain.party = qiaoi_str(party);
    record.u.drain.message = qiaoi_str(message);
    return qiaoi_call_receipt(client, &record, QIAOI_ONCE, timeout_us, NULL);
}

enum qiao_status
qiao_requeue(struct qiao_client *client, qiao_id id, const char *message, int64_t timeout_us,
             struct qiao_receipt *out_receipt)
{
    struct proto_record record;

    proto_record_init(&record, PROTO_REQUEUE);
    record.u.requeue.id = id;
    record.u.requeue.message = qiaoi_str(message);
    return qiaoi_call_receipt(client, &record, QIAOI_ONCE, timeout_us, out_receipt);
}

static enum qiao_status
request_hold(struct qiao_client *client, qiao_id id, bool lift, enum qiao_reason reason, const char *message,
             int64_t timeout_us, struct qiao_receipt *out_receipt)
{
    struct proto_record record;

    proto_record_init(&record, PROTO_HOLD);
    record.u.hold.id = id;
    record.u.hold.lift = lift;
    record.u.hold.reason = (enum proto_reason)reason;
    record.u.hold.message = qiaoi_str(message);
    return qiaoi_call_receipt(client, &record, QIAOI_ONCE, timeout_us, out_receipt);
}

enum qiao_status
qiao_hold_request(struct qiao_client *client, qiao_id id, enum qiao_reason reason, const char *message,
                  int64_t timeout_us, struct qiao_receipt *out_receipt)
{
    return request_hold(client, id, false, reason, message, timeout_us, out_receipt);
}

enum qiao_status
qiao_lift_request(struct qiao_client *client, qiao_id id, const char *message, int64_t timeout_us,
                  struct qiao_receipt *out_receipt)
{
    return request_hold(client, id, true, QIAO_REASON_NONE, message, timeout_us, out_receipt);
}

enum qiao_status
qiao_fail_request(struct qiao_client *client, qiao_id id, enum qiao_reason reason, const char *message,
                  int64_t timeout_us, struct qiao_receipt *out_receipt)
{
    struct proto_record record;

    proto_record_init(&record, PROTO_FAIL);
    record.u.fail.id = id;
    record.u.fail.reason = (enum proto_reason)reason;
    record.u.fail.message = qiaoi_str(message);
    return qiaoi_call_receipt(client, &record, QIAOI_ONCE, timeout_us, out_receipt);
}

enum qiao_status
qiao_catalogue_reload(struct qiao_client *client, int64_t timeout_us)
{
    struct proto_record record;

    proto_record_init(&record, PROTO_CATALOGUE);
    return qiaoi_call_receipt(client, &record, QIAOI_ONCE, timeout_us, NULL);
}

/* ------------------------------------------------------------- parties */

static bool
party_record(struct qiao_client *client, const struct qiao_party_act *act, struct proto_record *record)
{
    struct proto_party *to = &record->u.party;

    proto_record_init(record, PROTO_PARTY);
    to->action = (enum proto_party_action)act->action;
    to->party = qiaoi_str(act->party);
    to->title = qiaoi_str(act->title);
    to->member = qiaoi_str(act->member);
    if (act->key) {
        to->key = (struct proto_bin){act->key, 32};
    }
    to->expires = act->expires;
    to->attributes = qiaoi_bin(act->attributes);
    to->quota = act->quota;
    to->message = qiaoi_str(act->message);
    return qiaoi_strs_put(client, act->roles, act->role_count, &to->roles, act->services, act->service_count,
                          &to->services);
}

enum qiao_status
qiao_party_change(struct qiao_client *client, const struct qiao_party_act *act, int64_t timeout_us)
{
    struct proto_record record;

    if (!act || act->action == QIAO_PARTY_LIST || !party_record(client, act, &record)) {
        return qiaoi_refuse_argument(client, "action", "a party is added, granted, revoked or given a quota");
    }
    return qiaoi_call_receipt(client, &record, QIAOI_ONCE, timeout_us, NULL);
}

enum qiao_status
qiao_party_list(struct qiao_client *client, const char *party, const char *after, int64_t timeout_us,
                struct qiao_page **out_page)
{
    struct proto_record record;

    proto_record_init(&record, PROTO_PARTY);
    record.u.party.action = PROTO_PARTY_ACTION_LIST;
    record.u.party.party = qiaoi_str(party);
    record.u.party.after = qiaoi_str(after);
    return qiaoi_call_page(client, &record, timeout_us, out_page);
}

enum qiao_status
qiao_party_invite(struct qiao_client *client, const char *party, const char *member, int64_t expires,
                  const char *message, int64_t timeout_us, struct qiao_context *out_invitation)
{
    struct qiao_context invitation = {.invitation = true};
    struct qiao_party_act act = {.action = QIAO_PARTY_INVITE, .party = party, .member = member, .message = message};
    uint8_t key[32];
    struct timespec now;
    enum qiao_status status;

    if (!party || !party[0] || strlen(party) >= sizeof invitation.party) {
        return qiaoi_refuse_argument(client, "party", "an invitation names a party");
    }
    if (!member || !member[0] || strlen(member) >= sizeof invitation.member) {
        return qiaoi_refuse_argument(client, "member", "an invitation names a member");
    }
    clock_gettime(CLOCK_REALTIME, &now);
    qiao_keypair(invitation.public_key, invitation.secret_key);
    if (!qiao_key_decode(invitation.public_key, key)) {
        return QIAO_SYSTEM;
    }
    act.key = key;
    act.expires = invitation.expires = expires ? expires : (int64_t)now.tv_sec * 1000000 + INVITATION_US;
    status = qiao_party_change(client, &act, timeout_us);
    if (status == QIAO_OK) {
        memcpy(invitation.endpoint, client->context.endpoint, sizeof invitation.endpoint);
        memcpy(invitation.server_key, client->context.server_key, sizeof invitation.server_key);
        memcpy(invitation.party, party, strlen(party) + 1);
        memcpy(invitation.member, member, strlen(member) + 1);
        *out_invitation = invitation;
    }
    sodium_memzero(&invitation, sizeof invitation);
    return status;
}

enum qiao_status
qiao_enrol(struct qiao_client *client, const uint8_t key[32], const char *member, int64_t timeout_us)
{
    struct proto_record record;

    proto_record_init(&record, PROTO_ENROL);
    record.u.enrol.key = (struct proto_bin){key, 32};
    record.u.enrol.member = qiaoi_str(member);
    return qiaoi_call_receipt(client, &record, QIAOI_ONCE, timeout_us, NULL);
}
