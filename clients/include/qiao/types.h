/*
 * The words of libqiao: results of calls, statuses, ids, bytes.
 *
 * Numbers of the FHIR words are those of the protocol (PROTOCOL.md). Times are microseconds of UTC since 1970,
 * durations microseconds, money minor units with an ISO 4217 code.
 */
#ifndef QIAO_TYPES_H
#define QIAO_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define QIAO_NODISCARD __attribute__((warn_unused_result))
#define QIAO_API __attribute__((visibility("default")))
#else
#define QIAO_NODISCARD
#define QIAO_API
#endif

/* Wait as long as it takes. Any negative timeout means this. */
#define QIAO_FOREVER ((int64_t)-1)
#define QIAO_SECONDS(n) ((int64_t)(n) * 1000000)

/*
 * How a call ended. 1..31 are the broker's refusals, with the numbers of the protocol: nothing was stored, and
 * qiao_last_refusal says more. From 32 on it is this side that speaks.
 */
enum qiao_status {
    QIAO_OK = 0,
    QIAO_MALFORMED = 1,    /* the broker could not read what was sent: a bug of this library */
    QIAO_UNSUPPORTED = 2,  /* the broker does not know this record */
    QIAO_FORBIDDEN = 3,    /* the role, the service or the key does not allow it */
    QIAO_NOT_FOUND = 4,    /* absent, or not for the eyes of this party: both look the same */
    QIAO_CONFLICT = 5,     /* same key with other content, or a status in which this cannot be done */
    QIAO_STALE = 6,        /* the fence is an old one: the task is no longer this performer's */
    QIAO_INVALID = 7,      /* a field is wrong; the refusal's path names it */
    QIAO_TOO_LARGE = 8,
    QIAO_QUOTA = 9,
    QIAO_RETRY_LATER = 10, /* the broker is full, draining or behind; the refusal says when to try again */

    QIAO_TIMEOUT = 32,     /* nothing came in time, and nothing was changed by this call */
    QIAO_UNCERTAIN = 33,   /* sent, but the answer never came: it may or may not have been done */
    QIAO_UNREACHABLE = 34, /* no broker answered; what the call would have said was not said */
    QIAO_CLOSED = 35,      /* the broker ended the connection for good, or a reply made no sense */
    QIAO_ARGUMENT = 36,    /* the caller's argument is wrong; nothing was sent */
    QIAO_FULL = 37,        /* the window or the backlog is full: take events first */
    QIAO_NO_MEMORY = 38,
    QIAO_SYSTEM = 39,      /* a system call failed; errno says which way */
    QIAO_CONTEXT = 40,     /* the context is absent, unreadable, too readable (not mode 0600) or incomplete */
};

/* One constant English sentence, such as "the broker did not answer in time". */
QIAO_API const char *qiao_status_text(enum qiao_status status);

/* The word of the protocol, such as "retry-later" or "timeout"; stable, for programs. */
QIAO_API const char *qiao_status_name(enum qiao_status status);

/* 1 shard + second + counter. 0 is no request. */
typedef uint64_t qiao_id;

#define QIAO_ID_CHARS 13

/* 13 characters of Crockford's base32 and a NUL. */
QIAO_API void qiao_id_text(qiao_id id, char out[QIAO_ID_CHARS + 1]);

/* Takes either case, and I, L, O for 1, 1, 0. False: text is no id, *out_id is untouched. */
QIAO_API QIAO_NODISCARD bool qiao_id_parse(const char *text, qiao_id *out_id);

/* The request that a task id belongs to. */
QIAO_API qiao_id qiao_request_of(qiao_id task);

/* Borrowed bytes. */
struct qiao_bytes {
    const void *p;
    size_t n;
};

/* FHIR Task.status; a request has one of them too, derived from its tasks. */
enum qiao_task_status {
    QIAO_TASK_DRAFT = 1,
    QIAO_TASK_REQUESTED = 2,
    QIAO_TASK_RECEIVED = 3,
    QIAO_TASK_ACCEPTED = 4,
    QIAO_TASK_REJECTED = 5,
    QIAO_TASK_READY = 6,
    QIAO_TASK_IN_PROGRESS = 7,
    QIAO_TASK_ON_HOLD = 8,
    QIAO_TASK_FAILED = 9,
    QIAO_TASK_COMPLETED = 10,
    QIAO_TASK_CANCELLED = 11,
    QIAO_TASK_ENTERED_IN_ERROR = 12,
};

enum qiao_priority { QIAO_ROUTINE = 1, QIAO_URGENT = 2, QIAO_ASAP = 3, QIAO_STAT = 4 };
enum qiao_tenure { QIAO_LEASED = 1, QIAO_OWNED = 2 };
enum qiao_task_kind { QIAO_KIND_FULFILL = 1, QIAO_KIND_QUOTE = 2, QIAO_KIND_REVIEW = 3, QIAO_KIND_ANSWER = 4 };
enum qiao_fallback { QIAO_FALLBACK_NONE = 0, QIAO_FALLBACK_ANY = 1 };
enum qiao_scope { QIAO_SCOPE_REQUESTER = 1, QIAO_SCOPE_PERFORMER = 2, QIAO_SCOPE_ALL = 3 };
enum qiao_policy { QIAO_LEAST_LOADED = 1, QIAO_NEAREST = 2, QIAO_CHEAPEST = 3, QIAO_PREFERRED = 4 };
enum qiao_pattern {
    QIAO_DIRECT = 1, QIAO_TENDER = 2, QIAO_PANEL = 3, QIAO_CALL = 4, QIAO_BOOKING = 5, QIAO_PIPELINE = 6
};

/* Which events of its own request a submitting connection is sent. 0 in a submission means QIAO_NOTIFY_OUTCOME. */
enum qiao_notify { QIAO_NOTIFY_OUTCOME = 1, QIAO_NOTIFY_ALL = 2, QIAO_NOTIFY_NONE = 3 };

/* Why a status is what it is. */
enum qiao_reason {
    QIAO_REASON_NONE = 0,
    QIAO_REASON_MISSING = 1,
    QIAO_REASON_MISIDENTIFIED = 2,
    QIAO_REASON_EQUIPMENT_ISSUE = 3,
    QIAO_REASON_ENVIRONMENTAL_ISSUE = 4,
    QIAO_REASON_PERSONNEL_ISSUE = 5,
    QIAO_REASON_LEASE_EXPIRED = 6,
    QIAO_REASON_RELEASED = 7,
    QIAO_REASON_ACCEPT_BY_EXPIRED = 8,
    QIAO_REASON_START_BY_EXPIRED = 9,
    QIAO_REASON_ATTEMPT_EXPIRED = 10,
    QIAO_REASON_COMPLETE_BY_EXPIRED = 11,
    QIAO_REASON_ATTEMPTS_EXHAUSTED = 12,
    QIAO_REASON_REJECTED_BY_PERFORMER = 13,
    QIAO_REASON_FAILED_BY_PERFORMER = 14,
    QIAO_REASON_CANCELLED_BY_REQUESTER = 15,
    QIAO_REASON_ABORT_AGREED = 16,
    QIAO_REASON_ABORT_REFUSED = 17,
    QIAO_REASON_HELD_BY_PERFORMER = 18,
    QIAO_REASON_HELD_BY_OPERATOR = 19,
    QIAO_REASON_REQUEUED_BY_OPERATOR = 20,
    QIAO_REASON_FAILED_BY_OPERATOR = 21,
    QIAO_REASON_AWAITING_INFORMATION = 22,
    QIAO_REASON_TO_BE_VERIFIED = 23,
    QIAO_REASON_VERIFICATION_REFUSED = 24,
    QIAO_REASON_SUPERSEDED = 25,
    QIAO_REASON_CLOSED_BY_REQUESTER = 26,
    QIAO_REASON_NOT_BEFORE = 27,
    QIAO_REASON_NO_CAPABLE_PROVIDER = 28,
    QIAO_REASON_PROVIDER_DRAINED = 29,
    QIAO_REASON_PROVIDER_REVOKED = 30,
    QIAO_REASON_SERVICE_PAUSED = 31,
    QIAO_REASON_PROVIDER_PAUSED = 32,
};

/* The words of the protocol for these numbers ("in-progress", "lease-expired", ...); "" for a number without one. */
QIAO_API const char *qiao_task_status_name(enum qiao_task_status status);
QIAO_API const char *qiao_priority_name(enum qiao_priority priority);
QIAO_API const char *qiao_reason_name(enum qiao_reason reason);
QIAO_API const char *qiao_tenure_name(enum qiao_tenure tenure);
QIAO_API const char *qiao_pattern_name(enum qiao_pattern pattern);
QIAO_API const char *qiao_policy_name(enum qiao_policy policy);

/* And back. False: no such word, *out_ is untouched. */
QIAO_API QIAO_NODISCARD bool qiao_task_status_parse(const char *name, enum qiao_task_status *out_status);
QIAO_API QIAO_NODISCARD bool qiao_priority_parse(const char *name, enum qiao_priority *out_priority);
QIAO_API QIAO_NODISCARD bool qiao_reason_parse(const char *name, enum qiao_reason *out_reason);

/* completed, failed, rejected, cancelled, entered-in-error: nothing follows. */
QIAO_API bool qiao_task_status_is_final(enum qiao_task_status status);

/* Money; without a currency there is none. */
struct qiao_money {
    int64_t minor_units;
    const char *currency; /* three letters, or "" or NULL */
};

/* A place in degrees; counts only when `given`. */
struct qiao_place {
    bool given;
    double latitude;
    double longitude;
};

#ifdef __cplusplus
}
#endif
#endif
