/*
 * Status words and error texts. Knows nothing of where they come from.
 */
#include "store/error.h"

#include <stdarg.h>
#include <string.h>

static const char *const status_texts[] = {
    [STORE_OK] = "ok",
    [STORE_NOT_FOUND] = "not found",
    [STORE_PRUNED] = "pruned",
    [STORE_STOPPED] = "stopped",
    [STORE_INVALID] = "invalid",
    [STORE_IN_USE] = "in use",
    [STORE_NEWER] = "newer format",
    [STORE_DAMAGED] = "damaged",
    [STORE_BEHIND] = "behind its witness",
    [STORE_READ_ONLY] = "read-only",
    [STORE_DISK_FULL] = "disk full",
    [STORE_FENCED] = "fenced",
    [STORE_IN_DOUBT] = "in doubt",
    [STORE_IO] = "input/output error",
    [STORE_NO_MEMORY] = "out of memory",
};

const char *
store_status_text(enum store_status status)
{
    size_t i = (size_t)status;

    return i < sizeof(status_texts) / sizeof(status_texts[0]) ? status_texts[i] : "unknown";
}

static void
error_fill(struct store_error *out_error, enum store_status status, uint64_t seq, const char *format, va_list args)
{
    if (out_error == NULL) {
        return;
    }
    memset(out_error, 0, sizeof(*out_error));
    out_error->status = status;
    out_error->seq = seq;
    vsnprintf(out_error->text, sizeof(out_error->text), format, args);
}

enum store_status
error_set(struct store_error *out_error, enum store_status status, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    error_fill(out_error, status, 0, format, args);
    va_end(args);
    return status;
}

enum store_status
error_set_seq(struct store_error *out_error, enum store_status status, uint64_t seq, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    error_fill(out_error, status, seq, format, args);
    va_end(args);
    return status;
}
