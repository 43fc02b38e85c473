/* Reading vectors.txt and comparing records by the tables, see vector.h. */
#include "vector.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static void
give_up(const char *what, const char *line)
{
    fprintf(stderr, "vectors: %s: %s\n", what, line);
    abort();
}

static uint32_t
hex_read(const char *text, uint8_t *out, size_t room)
{
    size_t n = strlen(text) / 2;
    if (n > room) {
        give_up("too long", text);
    }
    for (size_t i = 0; i < n; i++) {
        char pair[3] = {text[2 * i], text[2 * i + 1], '\0'};
        char *end;
        out[i] = (uint8_t)strtoul(pair, &end, 16);
        if (*end != '\0') {
            give_up("no hex", text);
        }
    }
    return (uint32_t)n;
}

static void
text_copy(char *out, size_t room, const char *text)
{
    if (strlen(text) >= room) {
        give_up("too long", text);
    }
    memcpy(out, text, strlen(text) + 1);
}

static void
record_line(struct vector *vector, char *rest)
{
    char *save;
    for (char *word = strtok_r(rest, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save)) {
        if (strncmp(word, "n=", 2) == 0) {
            vector->n = strtoull(word + 2, NULL, 10);
        } else if (strncmp(word, "re=", 3) == 0) {
            vector->re = strtoull(word + 3, NULL, 10);
        } else {
            text_copy(vector->record, sizeof vector->record, word);
        }
    }
}

static void
head_line(struct vector *vector, char *rest, bool refuse)
{
    char *save;
    memset(vector, 0, sizeof *vector);
    text_copy(vector->name, sizeof vector->name, strtok_r(rest, " ", &save));
    char *code = strtok_r(NULL, " ", &save);
    if (refuse) {
        text_copy(vector->refusal, sizeof vector->refusal, code);
        char *path = strtok_r(NULL, " ", &save);
        text_copy(vector->path, sizeof vector->path, path ? path : "");
    }
}

static void
vector_line(struct vector *vector, char *word, char *rest, const char *line)
{
    if (strncmp(line, "  ", 2) == 0) {
        if (vector->field_count == VECTOR_FIELDS_MAX) {
            give_up("too many fields", line);
        }
        unsigned i = vector->field_count++;
        text_copy(vector->fields[i].name, sizeof vector->fields[i].name, word);
        text_copy(vector->fields[i].text, sizeof vector->fields[i].text, rest);
    } else if (strcmp(word, "record") == 0) {
        record_line(vector, rest);
    } else if (strcmp(word, "body") == 0) {
        vector->body_bytes = hex_read(rest, vector->body, sizeof vector->body);
    } else if (strcmp(word, "hex") == 0) {
        vector->byte_count = hex_read(rest, vector->bytes, sizeof vector->bytes);
    } else {
        give_up("not understood", line);
    }
}

struct vector *
vectors_load(const char *path, unsigned *out_count)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        give_up(strerror(errno), path);
    }
    struct vector *vectors = NULL;
    unsigned count = 0;
    char line[8192];
    char parts[8192];
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '#' || line[0] == '\0') {
            continue;
        }
        text_copy(parts, sizeof parts, line);
        char *word = parts + strspn(parts, " ");
        char *rest = word + strcspn(word, " ");
        if (*rest != '\0') {
            *rest++ = '\0';
        }
        if (strcmp(word, "vector") == 0 || strcmp(word, "refuse") == 0) {
            vectors = realloc(vectors, (count + 1) * sizeof *vectors);
            head_line(&vectors[count++], rest, word[0] == 'r');
        } else if (count > 0) {
            vector_line(&vectors[count - 1], word, rest, line);
        }
    }
    fclose(file);
    *out_count = count;
    return vectors;
}

static struct proto_bin
stored_hex(struct proto_buf *store, const char *text)
{
    uint8_t bytes[VECTOR_BYTES_MAX];
    uint32_t n = hex_read(text, bytes, sizeof bytes);
    size_t at = store->n;
    if (store->cap - store->n < n) {
        give_up("the store must not move", text);
    }
    proto_buf_append(store, bytes, n);
    return (struct proto_bin){store->p + at, n};
}

static void
field_set(const struct proto_field *field, const char *text, struct proto_buf *store, uint8_t *at)
{
    unsigned number = 0;
    switch ((enum proto_field_type)field->type) {
    case PROTO_FIELD_BOOL:
        *(bool *)at = strcmp(text, "true") == 0;
        break;
    case PROTO_FIELD_U32:
        *(uint32_t *)at = (uint32_t)strtoul(text, NULL, 10);
        break;
    case PROTO_FIELD_U64:
        *(uint64_t *)at = strtoull(text, NULL, 10);
        break;
    case PROTO_FIELD_I64:
        *(int64_t *)at = strtoll(text, NULL, 10);
        break;
    case PROTO_FIELD_F64:
        *(double *)at = strtod(text, NULL);
        break;
    case PROTO_FIELD_STR:
        *(struct proto_str *)at = proto_str_of(text);
        break;
    case PROTO_FIELD_ENUM:
        if (!proto_enum_number((enum proto_enum)field->enum_id, text, strlen(text), &number)) {
            give_up("no such word", text);
        }
        memcpy(at, &number, sizeof number);
        break;
    default:
        *(struct proto_bin *)at = stored_hex(store, text);
        break;
    }
}

void
vector_record(const struct vector *vector, struct proto_buf *store, struct proto_record *out_record)
{
    enum proto_type type = proto_record_type(vector->record, strlen(vector->record));
    const struct proto_desc *desc = proto_record_desc(type);
    if (desc == NULL) {
        give_up("no such record", vector->record);
    }
    proto_record_init(out_record, type);
    out_record->n = vector->n;
    out_record->re = vector->re;
    out_record->body = (struct proto_bin){vector->body, vector->body_bytes};
    for (unsigned i = 0; i < vector->field_count; i++) {
        unsigned k = 0;
        while (k < desc->count && strcmp(desc->fields[k].name, vector->fields[i].name) != 0) {
            k++;
        }
        if (k == desc->count) {
            give_up("no such field", vector->fields[i].name);
        }
        field_set(&desc->fields[k], vector->fields[i].text, store, (uint8_t *)&out_record->u + desc->fields[k].offset);
        uint64_t has;
        memcpy(&has, &out_record->u, sizeof has);
        has |= UINT64_C(1) << k;
        memcpy(&out_record->u, &has, sizeof has);
    }
}

static bool
field_same(const struct proto_field *field, const uint8_t *a, const uint8_t *b)
{
    switch ((enum proto_field_type)field->type) {
    case PROTO_FIELD_BOOL:
        return *(const bool *)a == *(const bool *)b;
    case PROTO_FIELD_U32:
    case PROTO_FIELD_ENUM:
        return memcmp(a, b, sizeof(uint32_t)) == 0;
    case PROTO_FIELD_U64:
    case PROTO_FIELD_I64:
    case PROTO_FIELD_F64:
        return memcmp(a, b, sizeof(uint64_t)) == 0;
    default: {
        const struct proto_bin *x = (const struct proto_bin *)a;
        const struct proto_bin *y = (const struct proto_bin *)b;
        return x->n == y->n && (x->n == 0 || memcmp(x->p, y->p, x->n) == 0);
    }
    }
}

bool
fields_same(const struct proto_desc *desc, const void *a, const void *b)
{
    for (unsigned i = 0; i < desc->count; i++) {
        unsigned at = desc->fields[i].offset;
        if (!field_same(&desc->fields[i], (const uint8_t *)a + at, (const uint8_t *)b + at)) {
            return false;
        }
    }
    return true;
}

bool
records_same(const struct proto_record *a, const struct proto_record *b)
{
    return a->type == b->type && a->n == b->n && a->re == b->re && a->body.n == b->body.n &&
           (a->body.n == 0 || memcmp(a->body.p, b->body.p, a->body.n) == 0) &&
           fields_same(proto_record_desc(a->type), &a->u, &b->u);
}
