/*
 * From the file to struct config, driven by the table of config_table.c.
 *
 * libcyaml gives each setting's text; the amounts are read and bounded here. All settings are looked at before the result
 * is handed out, so a bad file changes nothing.
 */
#include "shell/config.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/catalogue.h"
#include "shell/config_table.h"
#include "shell/quantity_load.h"
#include "shell/yaml_load.h"

enum {
    SETTINGS_MAX = 96,
    SECTIONS_MAX = 8,
    TEXT_BYTES_MAX = 500,
    WHAT_BYTES = 192,
};

/* What the file says of one setting; NULL: nothing. */
struct raw {
    char *text;
    char **items;
    uint32_t item_count;
};

struct raws {
    struct raw raw[SETTINGS_MAX];
};

/* ------------------------------------------------------------- libcyaml's schema, made from the table */

struct schema {
    cyaml_schema_value_t top;
    cyaml_schema_field_t top_fields[SETTINGS_MAX + SECTIONS_MAX + 1];
    cyaml_schema_field_t section_fields[SETTINGS_MAX + SECTIONS_MAX];
};

static const cyaml_schema_value_t item_schema = {CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 0, TEXT_BYTES_MAX)};

static cyaml_schema_field_t
setting_schema(unsigned index)
{
    const struct setting *setting = &config_settings[index];
    uint32_t at = (uint32_t)(offsetof(struct raws, raw) + index * sizeof(struct raw));
    cyaml_schema_field_t field = {
        .key = setting->key,
        .data_offset = at + (uint32_t)offsetof(struct raw, text),
        .value = {.type = CYAML_STRING, .flags = CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, .data_size = sizeof(char),
                  .string = {.min = 0, .max = TEXT_BYTES_MAX}},
    };
    if (setting->kind == SETTING_ENDPOINTS) {
        field.data_offset = at + (uint32_t)offsetof(struct raw, items);
        field.count_offset = at + (uint32_t)offsetof(struct raw, item_count);
        field.count_size = sizeof(uint32_t);
        field.value.type = CYAML_SEQUENCE;
        field.value.data_size = sizeof(char *);
        field.value.sequence.entry = &item_schema;
        field.value.sequence.min = 1;
        field.value.sequence.max = CONFIG_ENDPOINTS_MAX;
    }
    return field;
}

/* Sections lie at offset 0 of the one struct of raw texts, so a setting has the same place wherever it is listed. */
static void
schema_make(struct schema *schema)
{
    cyaml_schema_field_t *next = schema->section_fields;
    unsigned top = 0;
    memset(schema, 0, sizeof *schema);
    assert(config_settings_count <= SETTINGS_MAX);
    for (unsigned i = 0; i < config_settings_count;) {
        const char *section = config_settings[i].section;
        if (section[0] == '\0') {
            schema->top_fields[top++] = setting_schema(i++);
            continue;
        }
        schema->top_fields[top++] = (cyaml_schema_field_t){
            .key = section,
            .value = {.type = CYAML_MAPPING, .flags = CYAML_FLAG_OPTIONAL, .data_size = sizeof(struct raws),
                      .mapping = {.fields = next}},
        };
        while (i < config_settings_count && strcmp(config_settings[i].section, section) == 0) {
            *next++ = setting_schema(i++);
        }
        next++; /* a field without a key ends the section */
    }
    schema->top = (cyaml_schema_value_t){.type = CYAML_MAPPING, .flags = CYAML_FLAG_POINTER,
                                         .data_size = sizeof(struct raws), .mapping = {.fields = schema->top_fields}};
}

/* ------------------------------------------------------------- values */

static void
setting_name(const struct setting *setting, char *out_name, size_t n)
{
    snprintf(out_name, n, "%s%s%s", setting->section, setting->section[0] != '\0' ? "." : "", setting->key);
}

static void
amount_text(const struct setting *setting, uint64_t amount, char *out_text, size_t n)
{
    if (setting->kind == SETTING_DURATION) {
        quantity_duration_text((int64_t)amount, out_text, n);
    } else if (setting->kind == SETTING_BYTES) {
        quantity_bytes_text(amount, out_text, n);
    } else {
        snprintf(out_text, n, "%" PRIu64, amount);
    }
}

static bool
amount_read(const struct setting *setting, const char *text, uint64_t *out_amount, char what[static WHAT_BYTES])
{
    uint64_t amount = 0;
    int64_t us = 0;
    const char *shape = "a whole number";
    bool good;
    if (setting->kind == SETTING_DURATION) {
        good = quantity_duration(text, &us);
        amount = (uint64_t)us;
        shape = "a duration such as 30s, 15m, 8h, 14d";
    } else if (setting->kind == SETTING_BYTES) {
        good = quantity_bytes(text, &amount);
        shape = "a size such as 64KiB, 16MiB, 1GiB";
    } else {
        good = quantity_count(text, &amount);
    }
    if (!good || amount < setting->min || amount > setting->max) {
        char low[32], high[32];
        amount_text(setting, setting->min, low, sizeof low);
        amount_text(setting, setting->max, high, sizeof high);
        snprintf(what, WHAT_BYTES, "%s, from %s to %s", shape, low, high);
        return false;
    }
    *out_amount = amount;
    return true;
}

static void
amount_store(const struct setting *setting, uint64_t amount, void *place)
{
    if (setting->size == sizeof(uint32_t)) {
        uint32_t narrow = (uint32_t)amount;
        assert(narrow == amount);
        memcpy(place, &narrow, sizeof narrow);
    } else {
        memcpy(place, &amount, sizeof amount);
    }
}

static bool
word_read(const struct setting *setting, const char *text, uint64_t *out_number, char what[static WHAT_BYTES])
{
    for (uint32_t i = 0; setting->words[i] != NULL; i++) {
        if (strcmp(setting->words[i], text) == 0) {
            *out_number = i;
            return true;
        }
    }
    snprintf(what, WHAT_BYTES, "%s", setting->help);
    return false;
}

/* `base` is the folder of the file, NULL: leave relative paths as they are. */
static bool
text_read(const struct setting *setting, const char *text, const char *base, char *place, char what[static WHAT_BYTES])
{
    bool relative = setting->kind == SETTING_PATH && text[0] != '/' && base != NULL;
    if (strlen(text) < setting->min) {
        snprintf(what, WHAT_BYTES, "not empty");
        return false;
    }
    int n = relative ? snprintf(place, setting->size, "%s/%s", base, text)
                     : snprintf(place, setting->size, "%s", text);
    if (n < 0 || (size_t)n >= setting->size) {
        snprintf(what, WHAT_BYTES, "at most %zu bytes", setting->size - 1);
        return false;
    }
    return true;
}

static bool
setting_read(const struct setting *setting, const char *text, const char *base, struct config *config,
             char what[static WHAT_BYTES])
{
    void *place = (char *)config + setting->offset;
    uint64_t amount = 0;
    switch (setting->kind) {
    case SETTING_TEXT:
    case SETTING_PATH:
        return text_read(setting, text, base, place, what);
    case SETTING_WORD:
        if (!word_read(setting, text, &amount, what)) {
            return false;
        }
        break;
    default:
        if (!amount_read(setting, text, &amount, what)) {
            return false;
        }
        break;
    }
    amount_store(setting, amount, place);
    return true;
}

/* ------------------------------------------------------------- endpoints */

static bool
endpoint_is_local(const char *endpoint)
{
    return strncmp(endpoint, "ipc://", 6) == 0 || strncmp(endpoint, "tcp://127.", 10) == 0;
}

static bool
endpoint_is_good(const char *endpoint)
{
    const char *colon = strrchr(endpoint, ':');
    uint64_t port;
    if (strlen(endpoint) >= CONFIG_ENDPOINT_BYTES) {
        return false;
    }
    if (strncmp(endpoint, "ipc://", 6) == 0) {
        return endpoint[6] != '\0';
    }
    return strncmp(endpoint, "tcp://", 6) == 0 && colon > endpoint + 6 &&
           (strcmp(colon + 1, "*") == 0 || (quantity_count(colon + 1, &port) && port <= 65535));
}

static bool
endpoints_read(const struct raw *raw, const struct yaml_file *file, struct config *config, struct load_error *out_error)
{
    for (uint32_t i = 0; i < raw->item_count; i++) {
        if (!endpoint_is_good(raw->items[i])) {
            char field[64];
            snprintf(field, sizeof field, "network.endpoints[%u]", i);
            return yaml_file_blame(file, field, "tcp://ADDRESS:PORT or ipc://PATH", out_error);
        }
        snprintf(config->endpoints[i], sizeof config->endpoints[i], "%s", raw->items[i]);
    }
    config->endpoint_count = raw->item_count;
    return true;
}

/* ------------------------------------------------------------- the whole */

void
config_init(struct config *config)
{
    memset(config, 0, sizeof *config);
    for (unsigned i = 0; i < config_settings_count; i++) {
        const struct setting *setting = &config_settings[i];
        char what[WHAT_BYTES];
        if (setting->kind == SETTING_ENDPOINTS) {
            snprintf(config->endpoints[0], sizeof config->endpoints[0], "%s", setting->fallback);
            config->endpoint_count = 1;
        } else if (!setting_read(setting, setting->fallback, NULL, config, what)) {
            assert(!"a default is outside its own bounds");
        }
    }
}

/* What no single setting can tell. */
static bool
config_check(const struct config *config, const struct yaml_file *file, struct load_error *out_error)
{
    struct proto_str party = proto_str_of(config->plain_text_party);
    for (uint32_t i = 0; party.n > 0 && i < config->endpoint_count; i++) {
        if (!endpoint_is_local(config->endpoints[i])) {
            return yaml_file_blame(file, "network.plain_text_party",
                                   "without encryption every endpoint must be tcp://127.* or ipc://", out_error);
        }
    }
    if (config->outbox_bytes_max < config->frame_bytes_max) {
        return yaml_file_blame(file, "network.outbox", "at least one frame", out_error);
    }
    return true;
}

static bool
raws_read(const struct raws *raws, const struct yaml_file *file, struct config *out_config,
          struct load_error *out_error)
{
    struct config config;
    char base[CONFIG_PATH_BYTES];
    const char *slash = strrchr(file->path, '/');
    config_init(&config);
    snprintf(base, sizeof base, "%.*s", slash != NULL ? (int)(slash - file->path) : 1, slash != NULL ? file->path : ".");
    if (slash == file->path) {
        snprintf(base, sizeof base, "/.");
    }
    for (unsigned i = 0; i < config_settings_count; i++) {
        const struct setting *setting = &config_settings[i];
        const char *text = raws->raw[i].text;
        char what[WHAT_BYTES];
        if (setting->kind == SETTING_ENDPOINTS) {
            if (raws->raw[i].items != NULL && !endpoints_read(&raws->raw[i], file, &config, out_error)) {
                return false;
            }
            continue;
        }
        if (text == NULL && setting->kind != SETTING_PATH) {
            continue;
        }
        if (!setting_read(setting, text != NULL ? text : setting->fallback, base, &config, what)) {
            char name[64];
            setting_name(setting, name, sizeof name);
            return yaml_file_blame(file, name, what, out_error);
        }
    }
    if (!config_check(&config, file, out_error)) {
        return false;
    }
    *out_config = config;
    return true;
}

bool
config_load(const char *path, struct config *out_config, struct load_error *out_error)
{
    struct schema schema;
    struct yaml_file file;
    void *raws = NULL;
    schema_make(&schema);
    if (!yaml_file_open(path, &file, out_error)) {
        return false;
    }
    bool good = yaml_file_read(&file, &schema.top, &raws, out_error) && raws_read(raws, &file, out_config, out_error);
    if (raws != NULL) {
        yaml_file_free(&schema.top, raws);
    }
    yaml_file_close(&file);
    return good;
}

/* ------------------------------------------------------------- printing */

/* What YAML would fold into a blank, or not take as it is: control characters, other line ends, byte order marks. */
static unsigned
special_take(const char *text, unsigned *out_length)
{
    static const struct {
        const char *bytes;
        unsigned code;
    } others[] = {{"\xe2\x80\xa8", 0x2028}, {"\xe2\x80\xa9", 0x2029}, {"\xef\xbb\xbf", 0xfeff}, {"\xef\xbf\xbe", 0xfffe}, {"\xef\xbf\xbf", 0xffff}};
    const unsigned char *c = (const unsigned char *)text;
    *out_length = c[0] == 0xc2 ? 2 : 1;
    if (c[0] < 0x20 || c[0] == 0x7f) {
        return c[0];
    }
    if (c[0] == 0xc2 && c[1] < 0xa0) {
        return c[1];
    }
    *out_length = 3;
    for (unsigned i = 0; i < sizeof others / sizeof *others; i++) {
        if (strncmp(text, others[i].bytes, 3) == 0) {
            return others[i].code;
        }
    }
    return 0;
}

/* In double quotes, so that any path survives. */
static void
quoted_print(const char *text, FILE *out)
{
    fputc('"', out);
    while (*text != '\0') {
        unsigned length, code = special_take(text, &length);
        if (code != 0) {
            fprintf(out, "\\u%04x", code);
            text += length;
            continue;
        }
        if (*text == '"' || *text == '\\') {
            fputc('\\', out);
        }
        fputc(*text++, out);
    }
    fputc('"', out);
}

static void
value_print(const struct setting *setting, const struct config *config, FILE *out)
{
    const char *place = (const char *)config + setting->offset;
    uint64_t amount = 0;
    char text[32];
    if (setting->kind == SETTING_TEXT || setting->kind == SETTING_PATH) {
        quoted_print(place, out);
        return;
    }
    if (setting->kind == SETTING_ENDPOINTS) {
        for (uint32_t i = 0; i < config->endpoint_count; i++) {
            fputs(i > 0 ? ", " : "[", out);
            quoted_print(config->endpoints[i], out);
        }
        fputc(']', out);
        return;
    }
    if (setting->size == sizeof(uint32_t)) {
        uint32_t narrow;
        memcpy(&narrow, place, sizeof narrow);
        amount = narrow;
    } else {
        memcpy(&amount, place, sizeof amount);
    }
    if (setting->kind == SETTING_WORD) {
        fputs(setting->words[amount], out);
        return;
    }
    amount_text(setting, amount, text, sizeof text);
    fputs(text, out);
}

/* Paths are always told: what they mean depends on where the file lies. */
static bool
is_default(const struct setting *setting, const struct config *config, const struct config *defaults)
{
    if (setting->kind == SETTING_ENDPOINTS && config->endpoint_count != defaults->endpoint_count) {
        return false;
    }
    return setting->kind != SETTING_PATH && memcmp((const char *)config + setting->offset,
                                                   (const char *)defaults + setting->offset, setting->size) == 0;
}

static bool
section_is_default(const char *section, const struct config *config, const struct config *defaults)
{
    for (unsigned i = 0; i < config_settings_count; i++) {
        if (strcmp(config_settings[i].section, section) == 0 && !is_default(&config_settings[i], config, defaults)) {
            return false;
        }
    }
    return true;
}

void
config_print(const struct config *config, FILE *out)
{
    struct config defaults;
    const char *section = "";
    config_init(&defaults);
    fputs("# What stands behind '#' is the default.\n\n", out);
    for (unsigned i = 0; i < config_settings_count; i++) {
        const struct setting *setting = &config_settings[i];
        if (strcmp(section, setting->section) != 0) {
            section = setting->section;
            fprintf(out, "\n%s%s:\n", section_is_default(section, config, &defaults) ? "#" : "", section);
        }
        const char *indent = section[0] != '\0' ? "  " : "";
        fprintf(out, "%s# %s\n%s%s%s: ", indent, setting->help,
                is_default(setting, config, &defaults) ? "#" : "", indent, setting->key);
        value_print(setting, config, out);
        fputc('\n', out);
    }
}
