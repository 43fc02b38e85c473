/* Answers of the computing parts: see job.h. */
#include "common/job.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

void
answer_fini(struct answer *answer)
{
    json_decref(answer->output);
    json_decref(answer->body);
    for (size_t i = 0; i < answer->steps_n; i++)
        json_decref(answer->steps[i].output);
    free(answer->steps);
    memset(answer, 0, sizeof *answer);
}

struct step *
answer_step(struct answer *answer, int64_t after_us, double progress)
{
    if (!answer->steps)
        answer->steps = calloc(JOB_STEPS_MAX, sizeof *answer->steps);
    if (!answer->steps || answer->steps_n == JOB_STEPS_MAX)
        return NULL;
    struct step *step = &answer->steps[answer->steps_n++];
    step->after_us = after_us;
    step->progress = progress;
    return step;
}

void
answer_ask(struct answer *answer, const char *name)
{
    answer->kind = ANSWER_ASK;
    if (answer->fields_n == JOB_FIELDS_MAX)
        return;
    word_set(answer->fields[answer->fields_n], "%s", name);
    answer->fields_n++;
}

void
job_digest(const json_t *value, char out[JOB_DIGEST_BYTES])
{
    unsigned char hash[32];
    char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);
    assert(text);
    crypto_generichash(hash, sizeof hash, (const unsigned char *)text, strlen(text), NULL, 0);
    sodium_bin2hex(out, JOB_DIGEST_BYTES, hash, sizeof hash);
    free(text);
}

/* Drop the last document; false when there is none left. */
static bool
document_omit(json_t *body)
{
    json_t *documents = json_object_get(body, "documents");
    const char *last = NULL, *name;
    json_t *value;
    json_object_foreach(documents, name, value)
        last = name;
    if (!last)
        return false;
    json_t *omitted = json_object_get(body, "omitted");
    if (!omitted) {
        omitted = json_array();
        json_object_set_new(body, "omitted", omitted);
    }
    json_array_append_new(omitted, json_string(last));
    json_object_del(documents, last);
    return true;
}

char *
job_body(const struct answer *answer, size_t *out_bytes)
{
    if (!answer->body)
        return NULL;
    for (;;) {
        char *text = json_dumps(answer->body, JSON_COMPACT);
        if (!text)
            return NULL;
        if (strlen(text) <= JOB_BODY_BYTES_MAX || !document_omit(answer->body)) {
            *out_bytes = strlen(text);
            return text;
        }
        free(text);
    }
}

void
job_signers(const struct job *job, char computed_by[JOB_SIGNER_BYTES], char verified_by[JOB_SIGNER_BYTES])
{
    char me[JOB_SIGNER_BYTES];
    snprintf(me, sizeof me, "%s / %s", job->party, job->member);
    bool signs = job->verifying && job->computed_by;
    snprintf(computed_by, JOB_SIGNER_BYTES, "%s", signs ? job->computed_by : me);
    snprintf(verified_by, JOB_SIGNER_BYTES, "%s", signs ? me : "");
}
