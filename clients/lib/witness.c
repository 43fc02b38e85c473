/* The witnesses of a context: the highest sequence and epoch that its clients were told. A text of two lines. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/context.h"
#include "lib/file.h"

struct qiaoi_witness
qiaoi_witness_read(const char *state_path)
{
    struct qiaoi_witness witness = {0};
    char text[256];
    size_t n;

    if (!qiaoi_file_read(state_path, text, sizeof text - 1, &n, NULL)) {
        return witness;
    }
    text[n] = '\0';
    if (sscanf(text, "seen = %" SCNu64 "\nepoch = %" SCNu64, &witness.seen, &witness.epoch) != 2) {
        return (struct qiaoi_witness){0};
    }
    return witness;
}

void
qiaoi_witness_write(const char *state_path, struct qiaoi_witness witness)
{
    struct qiaoi_witness there = qiaoi_witness_read(state_path);
    char text[256];
    int n;

    if (there.seen > witness.seen) {
        witness.seen = there.seen;
    }
    if (there.epoch > witness.epoch) {
        witness.epoch = there.epoch;
    }
    if (there.seen == witness.seen && there.epoch == witness.epoch) {
        return;
    }
    n = snprintf(text, sizeof text, "seen = %" PRIu64 "\nepoch = %" PRIu64 "\n", witness.seen, witness.epoch);
    if (qiaoi_parents_make(state_path)) {
        qiaoi_file_write(state_path, text, (size_t)n, true);
    }
}
