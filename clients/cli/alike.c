/* Nearest: by letters put in, left out, exchanged, or in the wrong order (the restricted distance of Damerau and Levenshtein). */
#include "alike.h"

#include <stdio.h>
#include <string.h>

#include "command.h"

enum { WORD_MAX = 32, FAR = WORD_MAX * 2 };

static size_t
least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t
distance(const char *a, const char *b)
{
    size_t rows[3][WORD_MAX + 1], a_n = strlen(a), b_n = strlen(b);
    size_t *before = rows[0], *last = rows[1], *now = rows[2];
    if (a_n > WORD_MAX || b_n > WORD_MAX)
        return FAR;
    for (size_t j = 0; j <= b_n; j++)
        last[j] = j;
    for (size_t i = 1; i <= a_n; i++) {
        now[0] = i;
        for (size_t j = 1; j <= b_n; j++) {
            now[j] = least(least(last[j], now[j - 1]) + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = least(now[j], before[j - 2] + 1);
        }
        size_t *spare = before;
        before = last;
        last = now;
        now = spare;
    }
    return last[b_n];
}

const char *
command_alike(char *const *words, size_t count)
{
    const char *found = NULL;
    size_t best = FAR;
    char said[WORD_MAX * 2 + 2];
    for (const struct command_group *group = command_groups; group->commands; group++)
        for (const struct command *command = group->commands; command->name; command++) {
            bool two = strchr(command->name, ' ') != NULL && count > 1;
            snprintf(said, sizeof said, two ? "%s %s" : "%s", words[0], two ? words[1] : "");
            size_t far = distance(said, command->name);
            if (far < best) {
                best = far;
                found = command->name;
            }
        }
    /* Of a short word two letters are half of it: that is another word. */
    return found && best <= 2 && best * 3 <= strlen(found) ? found : NULL;
}

bool
command_is_family(const char *word)
{
    size_t n = strlen(word);
    for (const struct command_group *group = command_groups; group->commands; group++)
        for (const struct command *command = group->commands; command->name; command++)
            if (strncmp(command->name, word, n) == 0 && command->name[n] == ' ')
                return true;
    return false;
}
