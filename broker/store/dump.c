/*
 * The journal as lines of key=value, by the codec's tables. Knows no event by name.
 */
#include <inttypes.h>
#include <time.h>

#include "proto/id.h"
#include "store/engine_sqlite.h"
#include "store/error.h"
#include "store/event.h"

/* As in logs: bare where it is one plain word, otherwise in quotes with \xNN for what is not printable. */
static void
text_print(FILE *out, struct proto_str text)
{
    bool plain = text.n > 0;

    for (uint32_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        plain = plain && c > ' ' && c != '"' && c != '\\' && c != '=' && c != 0x7f;
    }
    if (plain) {
        fwrite(text.p, 1, text.n, out);
        return;
    }
    fputc('"', out);
    for (uint32_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c < ' ' || c == '"' || c == '\\' || c == 0x7f) {
            fprintf(out, "\\x%02x", c);
        } else {
            fputc(c, out);
        }
    }
    fputc('"', out);
}

static void
bytes_print(FILE *out, struct proto_bin bytes, bool hex)
{
    if (!hex) {
        fprintf(out, "%uB", bytes.n);
        return;
    }
    for (uint32_t i = 0; i < bytes.n; i++) {
        fprintf(out, "%02x", bytes.p[i]);
    }
}

static void
field_print(FILE *out, const struct proto_field *field, const void *base, bool hex)
{
    const void *at = (const uint8_t *)base + field->offset;
    const char *name;

    fprintf(out, " %s=", field->name);
    switch ((enum proto_field_type)field->type) {
    case PROTO_FIELD_BOOL:
        fputs(*(const bool *)at ? "true" : "false", out);
        break;
    case PROTO_FIELD_U32:
        fprintf(out, "%" PRIu32, *(const uint32_t *)at);
        break;
    case PROTO_FIELD_U64:
        fprintf(out, "%" PRIu64, *(const uint64_t *)at);
        break;
    case PROTO_FIELD_I64:
        fprintf(out, "%" PRId64, *(const int64_t *)at);
        break;
    case PROTO_FIELD_F64:
        fprintf(out, "%.17g", *(const double *)at);
        break;
    case PROTO_FIELD_STR:
        text_print(out, *(const struct proto_str *)at);
        break;
    case PROTO_FIELD_ENUM:
        name = proto_enum_name((enum proto_enum)field->enum_id, *(const unsigned *)at);
        fputs(name != NULL ? name : "?", out);
        break;
    case PROTO_FIELD_BIN:
    case PROTO_FIELD_MAP:
    case PROTO_FIELD_ANY:
    case PROTO_FIELD_STRS:
    case PROTO_FIELD_STRUCTS:
        bytes_print(out, *(const struct proto_bin *)at, hex);
        break;
    }
}

static void
fields_print(FILE *out, const struct proto_desc *desc, const void *base, uint64_t has, bool hex)
{
    for (uint32_t i = 0; i < desc->count; i++) {
        const struct proto_field *field = &desc->fields[i];
        /* id and at were printed in a form for people. */
        if ((has >> i & 1) != 0 && strcmp(field->name, "id") != 0 && strcmp(field->name, "at") != 0) {
            field_print(out, field, base, hex);
        }
    }
}

static void
event_print(FILE *out, uint64_t seq, const struct proto_event *event, bool hex)
{
    const struct proto_desc *desc = proto_ev_desc(event->type);
    time_t seconds = (time_t)(event->at / 1000000);
    char id[PROTO_ID_CHARS + 1], when[32];
    struct tm utc;

    fprintf(out, "seq=%" PRIu64 " event=%s", seq, desc->name);
    if (event->at != 0 && gmtime_r(&seconds, &utc) != NULL) {
        strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &utc);
        fprintf(out, " at=%s.%06dZ", when, (int)(event->at % 1000000));
    }
    if (event->id != 0) {
        proto_id_text(event->id, id);
        fprintf(out, " id=%s", id);
    }
    fields_print(out, proto_event_common_desc(), event, event->has, hex);
    fields_print(out, desc, &event->u, event->u.has, hex);
    if (event->body.n > 0) {
        fputs(" body=", out);
        bytes_print(out, event->body, hex);
    }
    fputc('\n', out);
}

static enum store_status
batch_dump(const struct batch *batch, uint64_t from, uint64_t to, bool body, FILE *out, struct store_error *out_error)
{
    for (uint64_t seq = batch->seq; seq < batch->seq + batch->n; seq++) {
        struct proto_event event;
        const uint8_t *p;
        uint32_t n;
        if (seq < from || seq > to) {
            continue;
        }
        if (!batch_event(batch, seq, &p, &n) || !event_decode(p, n, &event)) {
            return error_set_seq(out_error, STORE_DAMAGED, seq, "event %" PRIu64 " in batch %" PRIu64
                                 " is not what was written", seq, batch->seq);
        }
        event_print(out, seq, &event, body);
    }
    return ferror(out) ? error_set(out_error, STORE_IO, "the lines cannot be written") : STORE_OK;
}

enum store_status
store_journal_dump(const char *dir, uint64_t from, uint64_t to, bool body, FILE *out, struct store_error *out_error)
{
    struct engine_reader *reader = NULL;
    struct engine_state state;
    enum store_status status = journal_reader_at(dir, &reader, out_error);

    if (status == STORE_OK) {
        status = journal_state(reader, &state, out_error);
    }
    if (status != STORE_OK) {
        journal_reader_close(&reader);
        return status;
    }
    from = from < state.first_seq ? state.first_seq : from;
    to = to == 0 || to > state.last_seq ? state.last_seq : to;
    for (uint64_t seq = from; status == STORE_OK && seq <= to;) {
        struct batch *batch = NULL;
        status = journal_batch(reader, seq, &batch, out_error);
        if (status == STORE_OK) {
            status = batch_dump(batch, from, to, body, out, out_error);
            seq = batch->seq + batch->n;
        }
        batch_unref(&batch);
    }
    journal_reader_close(&reader);
    return status;
}
