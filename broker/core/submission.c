/*
 * Checking a submission; see submission.h.
 */
#include "core/submission.h"

#include "core/party.h"

int64_t
directed_due(const struct turn *turn, const struct terms *terms, bool falls_back)
{
    int64_t limit = terms->accept_by_us > 0 ? terms->accept_by_us : terms->lease_us > 0 ? terms->lease_us : DIRECTED_SECONDS * INT64_C(1000000);
    return falls_back ? turn->now.utc_us + limit : 0;
}

/* ------------------------------------------------------------- digest */

struct digest_text {
    uint8_t bytes[8192];
    uint32_t n;
};

static void
digest_add(struct digest_text *text, const void *p, uint32_t n)
{
    assert(text->n + sizeof n + n <= sizeof text->bytes);
    memcpy(text->bytes + text->n, &n, sizeof n);
    if (n > 0) {
        memcpy(text->bytes + text->n + sizeof n, p, n);
    }
    text->n += (uint32_t)sizeof n + n;
}

/* Long ones go in as their length and their own digest. */
static void
digest_add_long(struct digest_text *text, struct proto_bin value)
{
    uint8_t digest[DIGEST_BYTES];
    if (value.n <= sizeof digest) {
        digest_add(text, value.p, value.n);
        return;
    }
    digest_bytes(value.p, value.n, digest);
    memcpy(text->bytes + text->n, &value.n, sizeof value.n);
    memcpy(text->bytes + text->n + sizeof value.n, digest, sizeof digest);
    text->n += (uint32_t)(sizeof value.n + sizeof digest);
}

/* Everything that the submission asks for; not who is told, nor trace marks. */
static void
submission_digest(const struct proto_record *record, uint8_t out[static DIGEST_BYTES])
{
    const struct proto_submit *submit = &record->u.submit;
    struct digest_text text;
    text.n = 0; /* the bytes are written before they are read */
    struct {
        uint64_t priority, fallback, located, cost;
        int64_t not_before, complete_by;
        double latitude, longitude;
    } numbers = {submit->priority, submit->fallback, submit->located, submit->cost, submit->not_before, submit->complete_by,
                 submit->latitude, submit->longitude};
    digest_add(&text, &numbers, sizeof numbers);
    digest_add(&text, submit->service.p, submit->service.n);
    digest_add(&text, submit->performer.p, submit->performer.n);
    digest_add(&text, submit->subject.p, submit->subject.n);
    digest_add(&text, submit->based_on.p, submit->based_on.n);
    digest_add_long(&text, (struct proto_bin){(const uint8_t *)submit->note.p, submit->note.n});
    digest_add_long(&text, submit->exclude);
    digest_add_long(&text, submit->prefer);
    digest_add_long(&text, submit->require);
    digest_add_long(&text, submit->input);
    digest_add_long(&text, record->body);
    digest_bytes(text.bytes, text.n, out);
}

/* ------------------------------------------------------------- checks */

static bool
key_check(struct turn *turn)
{
    const struct proto_submit *submit = &turn->record->u.submit;
    bool own = submit->key.n > 0;
    bool produced = PROTO_HAS(submit, SUBMIT, PRODUCER) || submit->pseq != 0;
    /* A forgotten producer is none: else whoever forgets it shares one window with all others that do. */
    if (own != produced && (own || (submit->producer > 0 && submit->pseq > 0))) {
        return true;
    }
    answer_refusal(turn, PROTO_REFUSAL_CODE_INVALID, !produced ? "key" : submit->pseq > 0 ? "producer" : "pseq",
                   "either a key, or a producer and a pseq, both from 1");
    return false;
}

static bool
names(struct proto_bin list, struct proto_str party)
{
    struct proto_iter it = proto_iter_of(list);
    struct proto_str name;
    while (proto_iter_str(&it, &name)) {
        if (proto_str_eq(name, party)) {
            return true;
        }
    }
    return false;
}

/* Names of parties are not looked up (C3): one that nobody has simply never matches, and `explain` says so. */
static bool
direction_check(struct turn *turn)
{
    const struct proto_submit *submit = &turn->record->u.submit;
    if (submit->performer.n > 0 && names(submit->exclude, submit->performer)) {
        answer_refusal(turn, PROTO_REFUSAL_CODE_INVALID, "exclude", "the request is directed to this party");
        return false;
    }
    if (submit->located && !point_valid(submit->latitude, submit->longitude)) {
        answer_refusal(turn, PROTO_REFUSAL_CODE_INVALID, "latitude", "latitude -90..90, longitude -180..180");
        return false;
    }
    return true;
}

static bool
times_check(struct turn *turn)
{
    const struct proto_submit *submit = &turn->record->u.submit;
    if (submit->not_before < 0 || submit->complete_by < 0) {
        answer_refusal(turn, PROTO_REFUSAL_CODE_INVALID, submit->not_before < 0 ? "not_before" : "complete_by",
                       "a time, in microseconds UTC");
        return false;
    }
    if (submit->complete_by != 0 && (submit->complete_by <= submit->not_before || submit->complete_by <= turn->now.utc_us)) {
        answer_refusal(turn, PROTO_REFUSAL_CODE_INVALID, "complete_by", "a time in the future, and after not_before");
        return false;
    }
    return true;
}

static bool
reserved_check(struct turn *turn)
{
    const struct proto_submit *submit = &turn->record->u.submit;
    if (submit->as.n == 0 && submit->digest.n == 0 && submit->wraps.n == 0) {
        return true;
    }
    answer_refusal(turn, PROTO_REFUSAL_CODE_UNSUPPORTED, submit->as.n > 0 ? "as" : submit->digest.n > 0 ? "digest" : "wraps",
                   "this field is reserved");
    return false;
}

static bool
content_check(struct turn *turn, const struct service_type *type, struct submission *submission)
{
    const struct proto_submit *submit = &turn->record->u.submit;
    struct input_fault fault;
    if (submit->input.n > type->input_bytes_max || turn->record->body.n > type->body_bytes_max) {
        answer_refusal(turn, PROTO_REFUSAL_CODE_TOO_LARGE, submit->input.n > type->input_bytes_max ? "input" : "body",
                       "more bytes than this service takes");
        return false;
    }
    if ((type->input.required != 0 || submit->input.n > 0) &&
        !input_check(&type->input, INPUT_WHOLE, "input", submit->input, &fault)) {
        answer_invalid(turn, &fault);
        return false;
    }
    submission->require_n = 0;
    if (submit->require.n > 0 &&
        !constraint_canonical(type, submit->require, submission->require, &submission->require_n, &fault)) {
        answer_invalid(turn, &fault);
        return false;
    }
    return true;
}

bool
submission_identify(struct turn *turn, struct submission *submission)
{
    const struct proto_submit *submit = &turn->record->u.submit;
    if (!key_check(turn)) {
        return false;
    }
    submission_digest(turn->record, submission->digest);
    if (submit->key.n > 0) {
        key_hash(name_str(&party_at(turn->core, turn->party)->name), submit->service, submit->key, submission->key_hash);
    }
    return true;
}

bool
submission_check(struct turn *turn, struct submission *submission)
{
    struct core *core = turn->core;
    const struct proto_submit *submit = &turn->record->u.submit;
    submission->service = service_find(core, submit->service);
    const struct service_type *type = submission->service == 0 ? NULL : service_at(core, submission->service)->type;
    if (type == NULL) {
        answer_refusal(turn, PROTO_REFUSAL_CODE_NOT_FOUND, "service", "no such service");
        return false;
    }
    if (!reserved_check(turn) || !direction_check(turn) || !times_check(turn) ||
        !content_check(turn, type, submission)) {
        return false;
    }
    submission->deferred = submit->not_before > turn->now.utc_us;
    return true;
}
