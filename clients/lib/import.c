/*
 * Becoming a member: an invitation file turns into a context. The new key pair is on disk before its public half is
 * sent, so that an answer that was lost costs nothing: importing again uses the same pair.
 */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/file.h"
#include "lib/internal.h"

/* The context to be, from an earlier try or with a new pair. */
static enum qiao_status
pending_make(const struct qiao_context *invitation, const char *pending_path, const char *member,
             struct qiao_context *out_context, struct qiao_context_error *error)
{
    struct qiao_context context = {0};
    enum qiao_status status;

    if (access(pending_path, F_OK) == 0) {
        status = qiao_context_load(pending_path, &context, error);
        if (status == QIAO_OK && strcmp(context.server_key, invitation->server_key) == 0) {
            *out_context = context;
            sodium_memzero(&context, sizeof context);
            return QIAO_OK;
        }
    }
    memset(&context, 0, sizeof context);
    memcpy(context.endpoint, invitation->endpoint, sizeof context.endpoint);
    memcpy(context.server_key, invitation->server_key, sizeof context.server_key);
    memcpy(context.party, invitation->party, sizeof context.party);
    snprintf(context.member, sizeof context.member, "%s", member && member[0] ? member : invitation->member);
    qiao_keypair(context.public_key, context.secret_key);
    status = qiaoi_parents_make(pending_path) ? qiao_context_save(pending_path, &context, true, error)
                                            : qiaoi_context_report(error, pending_path, strerror(errno));
    if (status == QIAO_OK) {
        *out_context = context;
    }
    sodium_memzero(&context, sizeof context);
    return status;
}

/* With the one-time key. When it is refused, an earlier try may have worked: then the new key is known already. */
static enum qiao_status
enrol(const struct qiao_context *invitation, const struct qiao_context *context, int64_t timeout_us,
      struct qiao_context_error *error)
{
    struct qiao_options options = {.program = "qiao context import", .connect_timeout_us = timeout_us};
    struct qiao_client *client = NULL;
    uint8_t key[32];
    enum qiao_status status;

    if (!qiao_key_decode(context->public_key, key)) {
        return qiaoi_context_report(error, context->name, "the new key is damaged");
    }
    status = qiao_client_open(invitation, &options, &client);
    if (status == QIAO_OK) {
        status = qiao_enrol(client, key, context->member[0] ? context->member : NULL, timeout_us);
        if (status > QIAO_OK && status < QIAO_TIMEOUT) {
            qiaoi_context_report(error, "enrolment", qiao_last_refusal(client)->message);
        }
        qiao_client_close(&client, QIAO_SECONDS(1));
    }
    if (status == QIAO_OK || status == QIAO_UNCERTAIN) {
        return status;
    }
    if (qiao_client_open(context, &options, &client) == QIAO_OK) {
        qiao_client_close(&client, QIAO_SECONDS(1));
        return QIAO_OK;
    }
    return status;
}

enum qiao_status
qiao_context_import(const char *invitation_path, const char *name, const char *member, int64_t timeout_us,
                    struct qiao_context *out_context, struct qiao_context_error *out_error)
{
    struct qiao_context invitation, context;
    char path[512], pending[sizeof path + 8], current[512];
    enum qiao_status status;

    if (out_error) {
        *out_error = (struct qiao_context_error){0};
    }
    if (!strchr(invitation_path, '/')) {
        snprintf(path, sizeof path, "./%s", invitation_path);
        invitation_path = path;
    }
    status = qiao_context_load(invitation_path, &invitation, out_error);
    if (status != QIAO_OK) {
        return status;
    }
    invitation.state_path[0] = '\0';
    if (!invitation.invitation) {
        return qiaoi_context_report(out_error, invitation_path, "this is a context, not an invitation");
    }
    if (!qiaoi_context_path(name, path, sizeof path)) {
        return qiaoi_context_report(out_error, name, "not a name for a context, or no home directory");
    }
    if (access(path, F_OK) == 0) {
        return qiaoi_context_report(out_error, path, "there is such a context already");
    }
    snprintf(pending, sizeof pending, "%s.pending", path);
    status = pending_make(&invitation, pending, member, &context, out_error);
    if (status == QIAO_OK) {
        status = enrol(&invitation, &context, timeout_us, out_error);
    }
    if (status == QIAO_OK) {
        status = qiao_context_save(name, &context, false, out_error);
    }
    sodium_memzero(&invitation, sizeof invitation);
    if (status == QIAO_OK) {
        unlink(pending);
        if (!strchr(name, '/') && !qiao_context_current(current, sizeof current)) {
            status = qiao_context_use(name, out_error);
        }
        if (status == QIAO_OK) {
            status = qiao_context_load(name, out_context, out_error);
        }
    }
    sodium_memzero(&context, sizeof context);
    return status;
}
