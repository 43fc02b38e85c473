/* See content.h. */
#include "content.h"

#include <stdio.h>

#include "proto/writer.h"

#define SECOND INT64_C(1000000)

/* ------------------------------------------------------------- catalogue */

static int64_t
duration(struct rng *rng, int64_t seconds_max)
{
    return rng_below(rng, 3) == 0 ? 0 : rng_between(rng, SECOND / 2, seconds_max * SECOND);
}

static void
type_draw(struct sim *sim, unsigned service, uint32_t variant, struct service_type *type)
{
    /* Tenure and verification belong to the service; the rest changes with the catalogue. */
    struct rng fixed = {rng_mix(sim->seed * 64 + service)};
    struct rng rng = {rng_mix(sim->seed * 64 + service) + (variant / 2) * 977};
    service_type_init(type);
    type->name = service_name(service);
    type->tenure = rng_below(&fixed, 2) ? PROTO_TENURE_LEASED : PROTO_TENURE_OWNED;
    type->verify = rng_below(&fixed, 3) == 0;
    type->policy = (enum proto_policy)(1 + rng_below(&rng, 4));
    type->complete_by_fails = rng_below(&rng, 3) == 0;
    type->attempts = 1 + rng_below(&rng, 4);
    type->releases_max = rng_below(&rng, 5);
    bool owned = type->tenure == PROTO_TENURE_OWNED;
    type->accept_by_us = owned ? duration(&rng, 60) : 0;
    type->start_by_us = owned ? duration(&rng, 60) : 0;
    type->lease_us = rng_between(&rng, SECOND / 2, 40 * SECOND);
    type->attempt_us = duration(&rng, 600);
    type->attempt_us = type->attempt_us != 0 && type->attempt_us < type->lease_us ? type->lease_us : type->attempt_us;
    bool late = type->complete_by_fails || rng_below(&rng, 2);
    type->complete_by_us = late ? rng_between(&rng, 60, 3600) * SECOND : 0;
    type->backoff_us = duration(&rng, 5);
    type->backoff_max_us = type->backoff_us + rng_between(&rng, 0, 30 * SECOND);
    type->age_us = duration(&rng, 100);
    type->waiting_max = sim->options.small_caps ? 4 + rng_below(&rng, 20) : 100000;
}

struct catalogue *
content_catalogue(struct sim *sim, uint32_t variant)
{
    static const struct field fields[] = {{.name = {"amount", 6}, .type = FIELD_INTEGER}};
    static const struct attribute attributes[] = {{.name = {"grade", 5}, .type = ATTRIBUTE_NUMBER}};
    struct catalogue *catalogue = catalogue_new();
    for (unsigned i = 0; i < sim->options.services; i++) {
        struct service_type type;
        struct catalogue_error error;
        type_draw(sim, i, variant, &type);
        type.input = type.output = (struct field_list){fields, 1, 0};
        type.attributes = attributes;
        type.attribute_count = 1;
        if (variant % 2 == 1 && i + 1 == sim->options.services && i > 0) {
            continue;
        }
        if (!catalogue_add_service(catalogue, &type, "service", &error)) {
            sim_fail(sim, "setup", "catalogue", "%s: %s", error.path, error.what);
        }
    }
    catalogue_seal(catalogue);
    return catalogue;
}

/* ------------------------------------------------------------- lists and maps */

struct proto_bin
content_list(struct proto_buf *buf, const struct proto_str *texts, uint32_t n)
{
    size_t start = buf->n;
    proto_put_list(buf, n);
    for (uint32_t i = 0; i < n; i++) {
        proto_put_str(buf, texts[i]);
    }
    return (struct proto_bin){buf->p + start, (uint32_t)(buf->n - start)};
}

struct proto_bin
content_attributes(bool good, struct proto_buf *buf)
{
    size_t start = buf->n;
    proto_put_map(buf, 1);
    proto_put_key(buf, "grade");
    proto_put_u64(buf, good ? 5 : 1);
    return (struct proto_bin){buf->p + start, (uint32_t)(buf->n - start)};
}

enum { GRADE_IMPOSSIBLE = 100 };

static struct proto_bin
constraint(struct proto_buf *buf, unsigned grade)
{
    size_t start = buf->n;
    proto_put_list(buf, 1);
    proto_put_list(buf, 3);
    proto_put_str(buf, PROTO_STR("grade"));
    proto_put_str(buf, PROTO_STR("ge"));
    proto_put_u64(buf, grade);
    return (struct proto_bin){buf->p + start, (uint32_t)(buf->n - start)};
}

bool
content_is_impossible(struct proto_bin require)
{
    return require.n > 0 && require.p[require.n - 1] == GRADE_IMPOSSIBLE;
}

/* ------------------------------------------------------------- submissions */

unsigned
content_text_of_key(struct proto_str key)
{
    unsigned text = 0;
    for (uint32_t i = 1; i < key.n; i++) {
        text = text * 10 + (unsigned)(key.p[i] - '0');
    }
    return text % TEXTS_MAX;
}

unsigned
content_variant_of_body(struct proto_bin body)
{
    return body.n > 0 ? body.p[0] : 0;
}

static struct proto_str
put_text(struct proto_buf *buf, const char *text)
{
    size_t n = strlen(text);
    if (!proto_buf_append(buf, text, n)) {
        abort();
    }
    return (struct proto_str){(const char *)buf->p + buf->n - n, (uint32_t)n};
}

static void
choose_parties(struct sim *sim, struct rng *rng, struct proto_submit *submit)
{
    struct proto_str one = party_name(rng_below(rng, sim->party_count));
    switch (rng_below(rng, 6)) {
    case 0:
        submit->performer = one;
        break;
    case 1:
        submit->performer = one;
        submit->fallback = PROTO_FALLBACK_ANY;
        break;
    case 2:
        submit->exclude = content_list(&sim->scratch, &one, 1);
        break;
    case 3:
        submit->prefer = content_list(&sim->scratch, &one, 1);
        break;
    case 4:
        submit->require = constraint(&sim->scratch, 3);
        break;
    default:
        submit->require = constraint(&sim->scratch, rng_below(rng, 3) == 0 ? GRADE_IMPOSSIBLE : 1);
        break;
    }
}

void
content_submit(struct sim *sim, const struct submission *submission, unsigned variant, struct proto_record *record)
{
    struct rng rng = {submission->seed + variant * 7919};
    proto_buf_reset(&sim->scratch);
    proto_record_init(record, PROTO_SUBMIT);
    struct proto_submit *submit = &record->u.submit;
    submit->service = service_name(submission->service);
    if (submission->pseq != 0) {
        submit->producer = submission->client + 1u;
        submit->pseq = submission->pseq;
        submit->has |= PROTO_SUBMIT_PRODUCER;
    } else {
        char text[16];
        snprintf(text, sizeof text, "k%u", submission->text);
        submit->key = put_text(&sim->scratch, text);
    }
    uint8_t body[40] = {(uint8_t)variant};
    uint32_t n = 1 + rng_below(&rng, 32);
    memset(body + 1, (int)rng_below(&rng, 256), sizeof body - 1);
    size_t at = sim->scratch.n;
    proto_buf_append(&sim->scratch, body, n);
    record->body = (struct proto_bin){sim->scratch.p + at, n};
    if (rng_below(&rng, 2)) {
        at = sim->scratch.n;
        proto_put_map(&sim->scratch, 1);
        proto_put_key(&sim->scratch, "amount");
        proto_put_u64(&sim->scratch, rng_below(&rng, 1000));
        submit->input = (struct proto_bin){sim->scratch.p + at, (uint32_t)(sim->scratch.n - at)};
    }
    submit->priority = (enum proto_priority)(1 + rng_below(&rng, 4));
    submit->cost = rng_below(&rng, 5);
    submit->not_before = submission->not_before_us;
    submit->complete_by = submission->complete_by_us;
    submit->notify = (enum proto_notify)rng_below(&rng, 3);
    submit->has |= PROTO_SUBMIT_NOTIFY;
    if (rng_below(&rng, 4) == 0) {
        submit->located = true;
        submit->latitude = rng_below(&rng, 90);
        submit->longitude = rng_below(&rng, 180);
    }
    if (rng_percent(&rng, sim->options.choosy_percent)) {
        choose_parties(sim, &rng, submit);
    }
}
