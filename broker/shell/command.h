/*
 * The subcommands of qiaod. Each gets its own argc and argv (argv[0] is its name) and returns a sysexits code.
 */
#ifndef SHELL_COMMAND_H
#define SHELL_COMMAND_H

#include "shell/config.h"

struct command {
    const char *name;
    const char *arguments;
    const char *help; /* one line */
    int (*run)(int argc, char **argv);
};

extern const struct command commands[];
extern const unsigned command_count;

int command_init(int argc, char **argv);
int command_run(int argc, char **argv);
int command_check(int argc, char **argv);
int command_journal(int argc, char **argv);
int command_backup(int argc, char **argv);

/* "qiaod NAME: " and the reason on stderr; returns code. */
int command_fail(const char *name, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
int command_usage(const char *name);

/* Load DIR/qiaod.yaml or a file; writes the reason itself. */
bool command_config(const char *name, const char *path, struct config *out_config, int *out_code);

/* No core files, no ptrace by others, files for us alone, no signal handlers of czmq. */
void command_harden(void);

#endif
