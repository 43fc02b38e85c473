/*
 * The shape of the one table of commands, and the parser that walks it.
 *
 * Everything that is said about a command is said in its row: parsing, help in two languages, manual pages, completion
 * and the table of the README are all made from it. The rows are in table_*.c; table.c lists them.
 * Knows nothing of the broker.
 */
#ifndef QIAO_CLI_COMMAND_H
#define QIAO_CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text.h"

struct cli;
struct args;

enum option_kind {
    OPTION_FLAG,
    OPTION_TEXT,
    OPTION_FILE,
    OPTION_DIRECTORY,
    OPTION_NUMBER,   /* a whole number, not negative */
    OPTION_DURATION, /* 90s, 5m, 2h30m, 3d; µs after parsing */
    OPTION_TIME,     /* RFC 3339, a date, or +duration from now; µs UTC after parsing */
    OPTION_CHOICE,   /* one of choices */
    OPTION_SERVICE,
    OPTION_CONTEXT,
};

struct option {
    const char *name; /* without the dashes; a row without one ends the list */
    char letter;      /* short form, or 0 */
    enum option_kind kind;
    bool many;           /* may be given again */
    const char *value;   /* what the value is called in help */
    const char *choices; /* "a|b|c" for OPTION_CHOICE */
    struct text help;
};

enum argument_kind { ARGUMENT_TEXT, ARGUMENT_FILE, ARGUMENT_ID, ARGUMENT_SERVICE, ARGUMENT_CONTEXT, ARGUMENT_COMMAND };

struct argument {
    const char *name; /* a row without one ends the list */
    enum argument_kind kind;
    bool optional, many;
    struct text help;
};

struct example {
    const char *line; /* a row without one ends the list */
    struct text says;
};

struct command {
    const char *name; /* one or two words; a row without one ends the list */
    struct text summary;
    struct text about;
    const struct argument *arguments;
    const struct option *options;
    const int *exits; /* exit codes with a meaning of their own here, ended by 0; the common ones are not repeated */
    const struct example *examples;
    bool verbatim; /* its words go to raw() as they are */
    int (*run)(struct cli *cli, const struct args *args);
    int (*raw)(int argc, char **argv);
};

struct command_group {
    struct text title;
    const struct command *commands;
};

/* Ended by a group without commands. */
extern const struct command_group command_groups[];

/* Options that every command takes. */
extern const struct option common_options[];

/* ---- exit codes: sysexits where it has a word for it ---- */
enum exit_code {
    EXIT_DONE = 0,
    EXIT_FAILED = 2,
    EXIT_CANCELLED = 3,
    EXIT_NOT_FOUND = 4,
    EXIT_CONFLICT = 5,
    EXIT_STALE = 6,
    EXIT_ON_HOLD = 7,
    EXIT_USAGE = 64,
    EXIT_DATA = 65,
    EXIT_NO_INPUT = 66,
    EXIT_UNREACHABLE = 69,
    EXIT_INTERNAL = 70,
    EXIT_SYSTEM = 71,
    EXIT_CANNOT_CREATE = 73,
    EXIT_UNCERTAIN = 74,
    EXIT_RETRY_LATER = 75,
    EXIT_PROTOCOL = 76,
    EXIT_FORBIDDEN = 77,
    EXIT_CONFIG = 78,
    EXIT_TIMED_OUT = 124,
    EXIT_INTERRUPTED = 130,
};

struct exit_row {
    int code;
    bool common; /* any command that talks to a broker may end so */
    struct text help;
};

/* Ended by a row without text. */
extern const struct exit_row exit_rows[];

/* ---- parsing ---- */

enum { ARGS_MAX = 256 };

struct args {
    const struct command *command;
    size_t option_count, word_count;
    struct arg_option {
        const struct option *option;
        const char *text;
        int64_t number; /* of OPTION_NUMBER, _DURATION, _TIME */
    } options[ARGS_MAX];
    const char *words[ARGS_MAX];
    bool words_cut; /* "--" was met: words[words_cut_at...] stood behind it */
    size_t words_cut_at;
};

/* The command that the first words name, the longest match; *out_used words. NULL when none does. */
const struct command *command_find(char *const *words, size_t count, size_t *out_used);

/*
 * The words behind a command's name, by its row. With command NULL only common options are taken, up to the first word
 * that is none: *out_used says how many. False: said says what is wrong.
 * The strings stay the caller's and must outlive args.
 */
bool args_parse(struct args *args, const struct command *command, char *const *words, size_t count, int64_t now_us,
                size_t *out_used, char *said, size_t said_size);

/* The option's last value; NULL or the fallback when it was not given. The name must be in the command's row. */
const char *args_text(const struct args *args, const char *name);
bool args_flag(const struct args *args, const char *name);
int64_t args_number(const struct args *args, const char *name, int64_t fallback);
/* Walks an option that may be given again: *at starts at 0; NULL at the end. */
const char *args_next(const struct args *args, const char *name, size_t *at);
/* The argument at a place, or NULL. */
const char *args_word(const struct args *args, size_t at);

/* ---- what is made from the table ---- */

void help_print_all(FILE *out, enum lang lang, size_t width);
void help_print(FILE *out, const struct command *command, enum lang lang, size_t width);
void help_print_markdown(FILE *out, enum lang lang);
/* All commands whose first word this is; false when there is none. */
bool help_print_family(FILE *out, const char *word, enum lang lang, size_t width);
/* "qiao submit [options] FILE"; size bytes are always enough for 256. */
void usage_line(const struct command *command, char *line, size_t size);
void man_print(FILE *out, const struct command *command, enum lang lang, const char *version);
void completion_print_bash(FILE *out);
void completion_print_zsh(FILE *out);

#endif
