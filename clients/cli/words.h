/* What a broker says to people, in their language: refusals, explanations, reasons. Knows nothing of commands. No state. */
#ifndef QIAO_CLI_WORDS_H
#define QIAO_CLI_WORDS_H

#include "text.h"

/*
 * A text of the broker in that language, made in buf; one that is not in the list, or does not fit, comes back as it is.
 * For people only: programs are told the broker's own words.
 */
const char *words_in(const char *english, enum lang lang, char *buf, size_t size);

#endif
