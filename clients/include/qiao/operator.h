/*
 * The operator's side: look at queues and workers, step in, manage parties.
 *
 * Every act takes a message: the reason, which goes into the audit trail. Common results as in qiao/requester.h. An act of
 * an operator is not repeated by itself when the connection breaks before the answer: QIAO_UNCERTAIN; look, then decide.
 */
#ifndef QIAO_OPERATOR_H
#define QIAO_OPERATOR_H

#include <qiao/requester.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One row per service, or per offer of a worker. service and after may be NULL. */
QIAO_API QIAO_NODISCARD enum qiao_status qiao_queues(struct qiao_client *client, const char *service,
                                                     const char *after, int64_t timeout_us,
                                                     struct qiao_page **out_page);
QIAO_API QIAO_NODISCARD enum qiao_status qiao_workers(struct qiao_client *client, const char *service,
                                                      const char *after, int64_t timeout_us,
                                                      struct qiao_page **out_page);
QIAO_API QIAO_NODISCARD enum qiao_status qiao_stats(struct qiao_client *client, int64_t timeout_us,
                                                    struct qiao_page **out_page);

/* A service or a provider: exactly one of the two is given, the other is NULL. */
QIAO_API QIAO_NODISCARD enum qiao_status qiao_pause(struct qiao_client *client, const char *service,
                                                    const char *party, const char *message, int64_t timeout_us);
QIAO_API QIAO_NODISCARD enum qiao_status qiao_resume(struct qiao_client *client, const char *service,
                                                     const char *party, const char *message, int64_t timeout_us);
QIAO_API QIAO_NODISCARD enum qiao_status qiao_drain(struct qiao_client *client, const char *service,
                                                    const char *party, const char *message, int64_t timeout_us);

/* One request. out_receipt may be NULL. */
QIAO_API QIAO_NODISCARD enum qiao_status qiao_requeue(struct qiao_client *client, qiao_id id, const char *message,
                                                      int64_t timeout_us, struct qiao_receipt *out_receipt);
QIAO_API QIAO_NODISCARD enum qiao_status qiao_hold_request(struct qiao_client *client, qiao_id id,
                                                           enum qiao_reason reason, const char *message,
                                                           int64_t timeout_us, struct qiao_receipt *out_receipt);
QIAO_API QIAO_NODISCARD enum qiao_status qiao_lift_request(struct qiao_client *client, qiao_id id,
                                                           const char *message, int64_t timeout_us,
                                                           struct qiao_receipt *out_receipt);
QIAO_API QIAO_NODISCARD enum qiao_status qiao_fail_request(struct qiao_client *client, qiao_id id,
                                                           enum qiao_reason reason, const char *message,
                                                           int64_t timeout_us, struct qiao_receipt *out_receipt);

/* Load the catalogue again. QIAO_INVALID: it is wrong (message and path say where); the old one stays. */
QIAO_API QIAO_NODISCARD enum qiao_status qiao_catalogue_reload(struct qiao_client *client, int64_t timeout_us);

/* ------------------------------------------------------------- parties */

enum qiao_party_action {
    QIAO_PARTY_ADD = 1, /* a party, or (with member and key) a member of it */
    QIAO_PARTY_LIST = 2,
    QIAO_PARTY_INVITE = 3,
    QIAO_PARTY_GRANT = 4,  /* roles, services, attributes */
    QIAO_PARTY_REVOKE = 5, /* a party, or a member, or services of it */
    QIAO_PARTY_QUOTA = 6,
};

struct qiao_party_act {
    enum qiao_party_action action;
    const char *party;
    const char *title;
    const char *member;
    const char *const *roles;
    size_t role_count;
    const char *const *services;
    size_t service_count;
    const uint8_t *key; /* 32 bytes or NULL */
    int64_t expires;
    struct qiao_bytes attributes;
    uint64_t quota;
    const char *message;
};

/* ADD, GRANT, REVOKE, QUOTA. */
QIAO_API QIAO_NODISCARD enum qiao_status qiao_party_change(struct qiao_client *client,
                                                           const struct qiao_party_act *act, int64_t timeout_us);

/* Parties and their members as rows; one party when `party` is not NULL. */
QIAO_API QIAO_NODISCARD enum qiao_status qiao_party_list(struct qiao_client *client, const char *party,
                                                         const char *after, int64_t timeout_us,
                                                         struct qiao_page **out_page);

/*
 * Invite a member of a party: makes a one-time key pair here, has its public half noted by the broker until `expires`
 * (UTC; 0: 7 days from now), and fills in the invitation, which qiao_context_save writes to a file for the invited one.
 * That file is a secret until it was used. `member` names the member: what is done with the key is
 * recorded under that name.
 */
QIAO_API QIAO_NODISCARD enum qiao_status qiao_party_invite(struct qiao_client *client, const char *party,
                                                           const char *member, int64_t expires, const char *message,
                                                           int64_t timeout_us, struct qiao_context *out_invitation);

/*
 * With one's own key: add a second key to this member, for rotation. With the one-time key of an invitation: become
 * the member (qiao_context_import does all of it).
 */
QIAO_API QIAO_NODISCARD enum qiao_status qiao_enrol(struct qiao_client *client, const uint8_t key[32],
                                                    const char *member, int64_t timeout_us);

#ifdef __cplusplus
}
#endif
#endif
