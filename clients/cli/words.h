/*
 * What is said to people, in their language: a broker's refusals, explanations and reasons; what is wrong with a document or an option.
 * Knows nothing of commands. No state.
 */
#ifndef QIAO_CLI_WORDS_H
#define QIAO_CLI_WORDS_H

#include "text.h"

/*
 * A sentence in that language, made in buf; one that is not in the list, or does not fit, comes back as it is.
 * For people only: programs are told the English words.
 */
const char *words_in(const char *english, enum lang lang, char *buf, size_t size);

/*
 * The same of a line that begins with places: "request.yaml:7: input.units: expected an integer, found 'many'". What stands before
 * the first part that is in the list stays.
 */
const char *words_of_line(const char *english, enum lang lang, char *buf, size_t size);

#endif
