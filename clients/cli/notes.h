/* What the program says while it runs: notes and errors of its own. */
#ifndef QIAO_CLI_NOTES_H
#define QIAO_CLI_NOTES_H

#include "text.h"

/*
 * A format of cli_note or cli_error in that language, with the same conversions in the same order. One that is not in the list
 * comes back as it is; clients/cli/tests/notes_test.py sees to it that only formats without words are left out.
 */
const char *note_in(const char *english, enum lang lang);

#endif
