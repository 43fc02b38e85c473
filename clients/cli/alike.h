/*
 * What somebody probably meant who named no command.
 *
 * Knows the table of commands and nothing else.
 */
#ifndef QIAO_CLI_ALIKE_H
#define QIAO_CLI_ALIKE_H

#include <stdbool.h>
#include <stddef.h>

/* The name of the command that is nearest to these words, or NULL when none is near. */
const char *command_alike(char *const *words, size_t count);

/* Is it the first of two words that name a command? */
bool command_is_family(const char *word);

#endif
