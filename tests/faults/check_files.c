/*
 * The check of a store's files by the engine and history themselves, in this thread.
 */
#include "check.h"

#include <endian.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "store/directory.h"
#include "store/engine.h"
#include "store/history.h"

struct files {
    struct check *check;
    struct engine *engine;
    struct engine_reader *reader;
    struct engine_state state;
    struct history *history;
    struct history_reader *history_reader;
    uint64_t history_mark;
};

static bool
snapshot_check(struct files *files)
{
    struct store_error error = {0};
    uint8_t *bytes = NULL;
    uint32_t n = 0, length = 0;
    uint64_t seq = 0;
    bool ok = true;

    if (engine_sqlite.snapshot(files->reader, &bytes, &n, &seq, &error) != STORE_OK) {
        return wrong(files->check, "%s", error.text);
    }
    if (n > 0) {
        memcpy(&length, bytes, sizeof(length));
        ok = le32toh(length) + sizeof(length) == n || wrong(files->check, "the snapshot is cut off");
        ok = ok && replay_note(files->check, STORE_FROM_SNAPSHOT, seq, bytes + sizeof(length), le32toh(length)) == 0;
    }
    free(bytes);
    return ok;
}

static enum store_status
open_note(void *context, const struct engine_event *event, struct store_error *out_error)
{
    return replay_note(context, STORE_FROM_OPEN, event->seq, event->p, event->n) == 0 ? STORE_OK : STORE_STOPPED;
}

static bool
batches_check(struct files *files)
{
    const struct engine_state *state = &files->state;
    uint8_t chain[BATCH_CHAIN_BYTES];
    uint64_t seq = state->mark_seq + 1, epoch = 0;
    struct store_error error = {0};
    bool ok = true;

    memcpy(chain, state->mark_chain, sizeof(chain));
    while (ok && seq <= state->last_seq) {
        struct batch *batch = NULL;
        uint64_t bad = 0;
        if (engine_sqlite.batch(files->reader, seq, &batch, &error) != STORE_OK) {
            return wrong(files->check, "%s", error.text);
        }
        ok = (batch->seq == seq && batch->epoch >= epoch && batch_check(batch, chain, &bad)) ||
             wrong(files->check, "batch %llu does not follow event %llu, or fails its checksum", (unsigned long long)batch->seq,
                   (unsigned long long)seq - 1);
        for (uint32_t i = 0; ok && i < batch->n; i++) {
            const uint8_t *p = NULL;
            uint32_t n = 0;
            ok = batch_event(batch, seq + i, &p, &n) && replay_note(files->check, STORE_FROM_JOURNAL, seq + i, p, n) == 0;
        }
        memcpy(chain, batch->chain, sizeof(chain));
        epoch = batch->epoch;
        seq += batch->n;
        batch_unref(&batch);
    }
    return ok;
}

static bool
journal_check(struct files *files, const char *dir, struct requests *requests)
{
    struct store_options options = work_options();
    struct store_error error = {0};

    if (engine_sqlite.open(dir, &options, &files->engine, &files->state, &error) != STORE_OK ||
        engine_sqlite.reader_open(files->engine, &files->reader, &error) != STORE_OK) {
        return wrong(files->check, "it does not open: %s: %s", store_status_text(error.status), error.text);
    }
    if (!snapshot_check(files)) {
        return false;
    }
    if (engine_sqlite.open_walk(files->reader, open_note, files->check, &error) != STORE_OK) {
        return files->check->why[0] != '\0' ? false : wrong(files->check, "%s", error.text);
    }
    return batches_check(files) && end_check(files->check, files->state.last_seq) &&
           prefix_check(files->check, files->state.last_seq, requests);
}

/* What is up to its mark is in it, whole, and nothing else. */
static bool
rows_check(struct files *files, const char *dir, struct requests *requests)
{
    char path[DIRECTORY_PATH_BYTES];
    struct store_error error = {0};

    if (directory_path(dir, "history.db", path, &error) != STORE_OK ||
        history_open(path, NULL, &files->history, &files->history_mark, &error) != STORE_OK ||
        history_reader_open(path, NULL, &files->history_reader, &error) != STORE_OK) {
        return wrong(files->check, "history does not open: %s", error.text);
    }
    if (files->history_mark > files->check->model->given) {
        return wrong(files->check, "history goes up to %llu, %llu were given", (unsigned long long)files->history_mark,
                     (unsigned long long)files->check->model->given);
    }
    requests_read(files->check->model, files->check->model->given, requests);
    for (uint32_t i = 0; i < requests->count; i++) {
        const struct known *known = &requests->all[i];
        struct store_finished row;
        struct store_error why = {0};
        enum store_status status = history_get(files->history_reader, known->id, &row, &why);
        if (!row_check(files->check, known, known->ended && known->last <= files->history_mark, status, &row)) {
            return false;
        }
    }
    return true;
}

bool
work_check_journal(const char *dir, const struct work_model *model, struct work_span *out_span, char why[WORK_WHY_BYTES])
{
    static struct requests requests;
    struct check check = {.model = model, .why = why};
    struct files files = {.check = &check};
    bool ok;

    why[0] = '\0';
    requests.count = 0;
    ok = sodium_init() >= 0 && journal_check(&files, dir, &requests);
    if (files.reader != NULL) {
        engine_sqlite.reader_close(&files.reader);
    }
    engine_sqlite.close(&files.engine);
    *out_span = (struct work_span){.first = files.state.first_seq, .last = files.state.last_seq};
    return ok;
}

bool
work_check_history(const char *dir, const struct work_model *model, uint64_t *out_mark, char why[WORK_WHY_BYTES])
{
    static struct requests requests;
    struct check check = {.model = model, .why = why};
    struct files files = {.check = &check};
    bool ok;

    why[0] = '\0';
    ok = rows_check(&files, dir, &requests);
    history_reader_close(&files.history_reader);
    history_close(&files.history);
    *out_mark = files.history_mark;
    return ok;
}
