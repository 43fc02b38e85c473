/*
 * One run of the command line: how it prints, which broker it talks to, and how it says that something went wrong.
 */
#ifndef QIAO_CLI_CLI_H
#define QIAO_CLI_CLI_H

#include <stdbool.h>
#include <stdio.h>

#include <qiao/qiao.h>

#include "command.h"
#include "document.h"
#include "text.h"

struct cli {
    enum lang lang;
    bool json, quiet, utc;
    bool out_tty, err_tty, colour;
    size_t width; /* of the terminal */
    int64_t timeout_us;
    const char *context; /* --context, or NULL */
    struct qiao_client *client;
};

int64_t cli_now_us(void);

/*
 * Opens the client of the context that was asked for, once. EXIT_DONE, or the exit code after saying on stderr why not.
 * The client is closed by main.
 */
int cli_open(struct cli *cli);

/* Says how a call of the library ended, and what to do next; returns the exit code. QIAO_OK: silent, EXIT_DONE. */
int cli_status(struct cli *cli, enum qiao_status status);

/* The same for a request document: a refusal's path is given with its line. */
int cli_status_of_document(struct cli *cli, enum qiao_status status, const struct document *document);

/* "qiao: ..." on stderr (an object with --json); returns the code. */
int cli_error(struct cli *cli, int exit_code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* A line that begins with its place: "request.yaml:7: stands twice", in the reader's language; returns the code. */
int cli_line(struct cli *cli, int exit_code, const char *line);

/* What said holds. */
int cli_said(struct cli *cli, const struct said *said);

/* An id from a word of the command line; an error when it is none. */
int cli_id(struct cli *cli, const char *word, qiao_id *out_id);

/* A note for people on stderr; nothing with --quiet. */
void cli_note(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* One line that overwrites itself on stderr, only on a terminal; NULL wipes it. */
void cli_progress(const struct cli *cli, const char *line);

/* Nobody reads standard output any more, or it cannot be written: a command that prints without end is to end. */
bool cli_output_gone(void);

/* Writes what is printed and not written yet; returns the code, or EXIT_CANNOT_CREATE instead of EXIT_DONE when that failed. */
int cli_output_end(struct cli *cli, int code);

/* Set to the number of the signal once SIGINT or SIGTERM came; installed by cli_catch_signals. */
extern volatile int cli_signal;
extern volatile int cli_signal_count;
void cli_catch_signals(void);

#endif
