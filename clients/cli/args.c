/* The parser that walks the table of commands. */
#include "command.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "when.h"

/* Does the command's name begin words? Returns how many words it has, 0 when not. */
static size_t
name_matches(const char *name, char *const *words, size_t count)
{
    size_t used = 0;
    while (*name) {
        size_t n = strcspn(name, " ");
        if (used == count || strlen(words[used]) != n || strncmp(words[used], name, n) != 0)
            return 0;
        used++;
        name += n + (name[n] == ' ');
    }
    return used;
}

const struct command *
command_find(char *const *words, size_t count, size_t *out_used)
{
    const struct command *found = NULL;
    size_t best = 0;
    for (const struct command_group *group = command_groups; group->commands; group++)
        for (const struct command *command = group->commands; command->name; command++) {
            size_t used = name_matches(command->name, words, count);
            if (used > best) {
                best = used;
                found = command;
            }
        }
    if (found)
        *out_used = best;
    return found;
}

static const struct option *
option_in(const struct option *options, const char *name, size_t n, char letter)
{
    for (; options && options->name; options++)
        if (letter ? options->letter == letter : strlen(options->name) == n && strncmp(options->name, name, n) == 0)
            return options;
    return NULL;
}

static const struct option *
option_find(const struct command *command, const char *name, size_t n, char letter)
{
    const struct option *option = command ? option_in(command->options, name, n, letter) : NULL;
    return option ? option : option_in(common_options, name, n, letter);
}

static bool
choice_has(const char *choices, const char *text)
{
    size_t n = strlen(text);
    for (const char *p = choices; *p; p += p[strcspn(p, "|")] ? strcspn(p, "|") + 1 : strcspn(p, "|"))
        if (strcspn(p, "|") == n && strncmp(p, text, n) == 0)
            return true;
    return false;
}

static bool
number_parse(const char *text, int64_t *out)
{
    char *end;
    errno = 0;
    intmax_t value = strtoimax(text, &end, 10);
    if (errno || end == text || *end || value < 0)
        return false;
    *out = value;
    return true;
}

/* Checks the value by the option's kind and stores it. */
static bool
option_add(struct args *args, const struct option *option, const char *text, int64_t now_us, char *said, size_t size)
{
    if (args->option_count == ARGS_MAX) {
        snprintf(said, size, "too many options (at most %d)", ARGS_MAX);
        return false;
    }
    struct arg_option *slot = &args->options[args->option_count];
    *slot = (struct arg_option){ .option = option, .text = text };
    const char *expected = NULL;
    if (option->kind == OPTION_NUMBER && !number_parse(text, &slot->number))
        expected = "a whole number, not negative";
    else if (option->kind == OPTION_DURATION && !duration_parse(text, &slot->number))
        expected = "a duration such as 90s, 5m, 2h30m, 3d";
    else if (option->kind == OPTION_TIME && !when_parse(text, now_us, &slot->number))
        expected = "a time such as 2026-12-01T09:00:00+08:00, 2026-12-01 or +2h";
    else if (option->kind == OPTION_CHOICE && !choice_has(option->choices, text))
        expected = option->choices;
    if (expected) {
        snprintf(said, size, "--%s: '%s' is not %s%s", option->name, text, option->kind == OPTION_CHOICE ? "one of " : "", expected);
        return false;
    }
    args->option_count++;
    return true;
}

struct walk {
    char *const *words;
    size_t count, at;
    int64_t now_us;
    char *said;
    size_t size;
};

static bool
long_option(struct args *args, struct walk *walk)
{
    const char *name = walk->words[walk->at] + 2;
    size_t n = strcspn(name, "=");
    const struct option *option = option_find(args->command, name, n, 0);
    if (!option) {
        snprintf(walk->said, walk->size, "unknown option --%.*s", (int)n, name);
        return false;
    }
    const char *value = name[n] == '=' ? name + n + 1 : NULL;
    if (option->kind == OPTION_FLAG) {
        if (value) {
            snprintf(walk->said, walk->size, "--%s takes no value", option->name);
            return false;
        }
        return option_add(args, option, "", walk->now_us, walk->said, walk->size);
    }
    if (!value) {
        if (walk->at + 1 == walk->count) {
            snprintf(walk->said, walk->size, "--%s wants a value: %s", option->name, option->value ? option->value : "VALUE");
            return false;
        }
        value = walk->words[++walk->at];
    }
    return option_add(args, option, value, walk->now_us, walk->said, walk->size);
}

/* -n VALUE, -nVALUE, and flags together: -jq. */
static bool
short_options(struct args *args, struct walk *walk)
{
    for (const char *p = walk->words[walk->at] + 1; *p; p++) {
        const struct option *option = option_find(args->command, NULL, 0, *p);
        if (!option) {
            snprintf(walk->said, walk->size, "unknown option -%c", *p);
            return false;
        }
        if (option->kind == OPTION_FLAG) {
            if (!option_add(args, option, "", walk->now_us, walk->said, walk->size))
                return false;
            continue;
        }
        const char *value = p[1] ? p + 1 : NULL;
        if (!value && walk->at + 1 == walk->count) {
            snprintf(walk->said, walk->size, "-%c wants a value: %s", *p, option->value ? option->value : "VALUE");
            return false;
        }
        return option_add(args, option, value ? value : walk->words[++walk->at], walk->now_us, walk->said, walk->size);
    }
    return true;
}

/* Are there as many words as the row wants? */
static bool
words_fit(const struct args *args, char *said, size_t size)
{
    size_t wanted = 0, most = 0;
    const struct argument *argument = args->command->arguments, *missing = NULL;
    for (; argument && argument->name; argument++) {
        if (!argument->optional && !missing && args->word_count <= wanted)
            missing = argument;
        wanted += !argument->optional;
        most = argument->many ? SIZE_MAX : most == SIZE_MAX ? most : most + 1;
    }
    if (missing && !(args->word_count >= wanted)) {
        snprintf(said, size, "%s is missing", missing->name);
        return false;
    }
    if (args->word_count > most) {
        snprintf(said, size, "unexpected '%s'", args->words[most]);
        return false;
    }
    return true;
}

bool
args_parse(struct args *args, const struct command *command, char *const *words, size_t count, int64_t now_us,
           size_t *out_used, char *said, size_t said_size)
{
    struct walk walk = { words, count, 0, now_us, said, said_size };
    args->command = command;
    for (; walk.at < count; walk.at++) {
        const char *word = words[walk.at];
        if (!args->words_cut && strcmp(word, "--") == 0 && command) {
            args->words_cut = true;
            args->words_cut_at = args->word_count;
        } else if (!args->words_cut && word[0] == '-' && word[1]) {
            if (!(word[1] == '-' ? long_option(args, &walk) : short_options(args, &walk)))
                return false;
        } else if (!command) {
            break;
        } else if (args->word_count == ARGS_MAX) {
            snprintf(said, said_size, "too many words (at most %d)", ARGS_MAX);
            return false;
        } else {
            args->words[args->word_count++] = word;
        }
    }
    if (out_used)
        *out_used = walk.at;
    /* Who asks for help is not told that something is missing. */
    return !command || args_flag(args, "help") || words_fit(args, said, said_size);
}

static const struct arg_option *
args_last(const struct args *args, const char *name)
{
    assert(option_find(args->command, name, strlen(name), 0) && "an option that is not in the table");
    for (size_t i = args->option_count; i-- > 0;)
        if (strcmp(args->options[i].option->name, name) == 0)
            return &args->options[i];
    return NULL;
}

const char *
args_text(const struct args *args, const char *name)
{
    const struct arg_option *slot = args_last(args, name);
    return slot ? slot->text : NULL;
}

bool
args_flag(const struct args *args, const char *name)
{
    return args_last(args, name) != NULL;
}

int64_t
args_number(const struct args *args, const char *name, int64_t fallback)
{
    const struct arg_option *slot = args_last(args, name);
    return slot ? slot->number : fallback;
}

const char *
args_next(const struct args *args, const char *name, size_t *at)
{
    assert(option_find(args->command, name, strlen(name), 0) && "an option that is not in the table");
    for (; *at < args->option_count; ++*at)
        if (strcmp(args->options[*at].option->name, name) == 0)
            return args->options[(*at)++].text;
    return NULL;
}

const char *
args_word(const struct args *args, size_t at)
{
    return at < args->word_count ? args->words[at] : NULL;
}
