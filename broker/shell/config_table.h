/* Every setting of qiaod, once. The parser, the defaults and config_print walk this table. */
#ifndef SHELL_CONFIG_TABLE_H
#define SHELL_CONFIG_TABLE_H

#include "shell/config.h"

enum setting_kind {
    SETTING_TEXT,      /* char[size] */
    SETTING_PATH,      /* char[size]; relative to the file's folder */
    SETTING_ENDPOINTS, /* the list of endpoints */
    SETTING_COUNT,     /* uint32_t or uint64_t, by size */
    SETTING_BYTES,     /* the same, written with KiB, MiB, GiB */
    SETTING_DURATION,  /* int64_t microseconds */
    SETTING_WORD,      /* uint32_t: position in `words` */
};

struct setting {
    const char *section; /* "" at the top */
    const char *key;
    enum setting_kind kind;
    size_t offset; /* in struct config */
    size_t size;
    uint64_t min;
    uint64_t max;
    const char *fallback; /* as it would stand in the file */
    const char *const *words;
    const char *help;
};

extern const struct setting config_settings[];
extern const unsigned config_settings_count;

#endif
