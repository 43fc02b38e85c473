/* The plan on disk: see ledger.h. */
#include "cdmo/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { LEDGER_FILE_BYTES_MAX = 16 << 20 };

static json_t *
booking_write(const struct booking *booking)
{
    json_t *row = json_object(), *after = json_array();
    json_object_set_new(row, "stage", json_string(booking->stage));
    json_object_set_new(row, "name", json_string(booking->name));
    json_object_set_new(row, "name_zh", json_string(booking->name_zh));
    json_object_set_new(row, "suite", json_string(booking->suite));
    json_object_set_new(row, "start_us", json_integer(booking->start_us));
    json_object_set_new(row, "end_us", json_integer(booking->end_us));
    for (size_t i = 0; i < booking->after_n; i++)
        json_array_append_new(after, json_integer((json_int_t)booking->after[i]));
    json_object_set_new(row, "after", after);
    return row;
}

static json_t *
plan_write(const struct plan *plan)
{
    json_t *root = json_object(), *batches = json_array();
    for (size_t i = 0; i < plan->batches_n; i++) {
        json_t *batch = json_object(), *bookings = json_array();
        for (size_t j = 0; j < plan->batches[i].bookings_n; j++)
            json_array_append_new(bookings, booking_write(&plan->batches[i].bookings[j]));
        json_object_set_new(batch, "reference", json_string(plan->batches[i].reference));
        json_object_set_new(batch, "booked_us", json_integer(plan->batches[i].booked_us));
        json_object_set_new(batch, "bookings", bookings);
        json_array_append_new(batches, batch);
    }
    json_object_set_new(root, "batches", batches);
    return root;
}

static void
name_read(const struct reader *reader, const char *name, char out[NAME_BYTES])
{
    const char *text = read_text(reader, name);
    snprintf(out, NAME_BYTES, "%s", text ? text : "");
}

static void
booking_read(const struct reader *reader, size_t index, struct booking *out)
{
    name_read(reader, "stage", out->stage);
    name_read(reader, "name", out->name);
    name_read(reader, "name_zh", out->name_zh);
    name_read(reader, "suite", out->suite);
    out->start_us = read_integer(reader, "start_us", INT64_MIN / 2, INT64_MAX / 2);
    out->end_us = read_integer(reader, "end_us", out->start_us, INT64_MAX / 2);
    const json_t *after = read_list(reader, "after", 0, AFTER_MAX);
    for (size_t i = 0; after && i < json_array_size(after); i++) {
        json_int_t before = json_integer_value(json_array_get(after, i));
        if (before < 0 || (size_t)before >= index)
            reader_wrong(reader, "after", "bookings before it");
        else
            out->after[out->after_n++] = (size_t)before;
    }
}

static void
plan_read(const json_t *root, struct plan *out, struct fault *fault)
{
    struct reader top = reader_of(root, "plan", fault);
    const json_t *batches = read_list(&top, "batches", 0, BATCHES_MAX);
    for (size_t i = 0; batches && i < json_array_size(batches); i++) {
        struct reader reader = reader_element(&top, "batches", batches, i);
        struct batch *batch = &out->batches[out->batches_n];
        name_read(&reader, "reference", batch->reference);
        batch->booked_us = read_integer(&reader, "booked_us", INT64_MIN / 2, INT64_MAX / 2);
        const json_t *bookings = read_list(&reader, "bookings", 1, STAGES_MAX);
        if (!bookings)
            return;
        batch->bookings = calloc(json_array_size(bookings), sizeof *batch->bookings);
        if (!batch->bookings)
            return;
        batch->bookings_n = json_array_size(bookings);
        out->batches_n++;
        for (size_t j = 0; j < batch->bookings_n; j++) {
            struct reader row = reader_element(&reader, "bookings", bookings, j);
            booking_read(&row, j, &batch->bookings[j]);
        }
    }
}

/* The file's text; NULL with errno 0 when it is absent or empty. */
static char *
file_read(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        errno = errno == ENOENT ? 0 : errno;
        return NULL;
    }
    char *text = calloc(1, LEDGER_FILE_BYTES_MAX + 1);
    size_t n = text ? fread(text, 1, LEDGER_FILE_BYTES_MAX, file) : 0;
    int error = text ? (ferror(file) ? EIO : 0) : ENOMEM;
    fclose(file);
    if (n == 0 || error) {
        free(text);
        text = NULL;
    }
    errno = error;
    return text;
}

static bool
file_load(struct ledger *ledger, char *error, size_t error_bytes)
{
    struct fault fault = {0};
    char *text = file_read(ledger->path);
    if (!text) {
        if (errno)
            snprintf(error, error_bytes, "%s: %s", ledger->path, strerror(errno));
        return errno == 0;
    }
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    free(text);
    if (root)
        plan_read(root, &ledger->plan, &fault);
    if (!root || fault.kind != FAULT_NONE)
        snprintf(error, error_bytes, "%s: is no plan: %s", ledger->path, root ? fault.message : "no JSON");
    json_decref(root);
    return root && fault.kind == FAULT_NONE;
}

bool
ledger_open(struct ledger *ledger, char *error, size_t error_bytes)
{
    char lock_path[PATH_MAX];
    if (!ledger->path)
        return true;
    snprintf(lock_path, sizeof lock_path, "%s.lock", ledger->path);
    ledger->lock_fd = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (ledger->lock_fd < 0 || flock(ledger->lock_fd, LOCK_EX) != 0) {
        snprintf(error, error_bytes, "%s: %s", lock_path, strerror(errno));
        if (ledger->lock_fd >= 0)
            close(ledger->lock_fd);
        return false;
    }
    plan_fini(&ledger->plan);
    if (file_load(ledger, error, error_bytes))
        return true;
    close(ledger->lock_fd);
    return false;
}

static bool
file_replace(const char *path, const char *text)
{
    char beside[PATH_MAX];
    size_t n = strlen(text);
    snprintf(beside, sizeof beside, "%s.new", path);
    int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    bool written = write(fd, text, n) == (ssize_t)n && fsync(fd) == 0;
    written = close(fd) == 0 && written;
    return written && rename(beside, path) == 0;
}

bool
ledger_close(struct ledger *ledger, bool changed, char *error, size_t error_bytes)
{
    bool kept = true;
    if (!ledger->path)
        return true;
    if (changed) {
        json_t *root = plan_write(&ledger->plan);
        char *text = json_dumps(root, JSON_INDENT(1));
        kept = text && file_replace(ledger->path, text);
        if (!kept)
            snprintf(error, error_bytes, "%s: %s", ledger->path, strerror(errno));
        free(text);
        json_decref(root);
    }
    close(ledger->lock_fd);
    return kept;
}
