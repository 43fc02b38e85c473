/*
 * qiaod: which subcommand, and what they share.
 */
#include "shell/command.h"
#include "shell/files.h"

#include <czmq.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

const struct command commands[] = {
    {"init", "DIR [--party P] [--member M] [--catalogue PATH] [--endpoint E] [--plain] [--context FILE]",
     "make a data directory with keys, configuration, catalogue and the first operator", command_init},
    {"run", "[-c FILE|DIR]", "serve, in the foreground, until SIGTERM", command_run},
    {"check", "[-c FILE|DIR] [--settings]",
     "check configuration, catalogue, key and store, changing nothing; or print every setting with its help", command_check},
    {"journal", "verify DIR | dump DIR [--from SEQ] [--to SEQ] [--body] | rebuild DIR",
     "check the journal, print its events, or make history anew from it", command_journal},
    {"backup", "DIR DEST", "copy a data directory, also while qiaod runs on it", command_backup},
};
const unsigned command_count = sizeof commands / sizeof *commands;

int
command_fail(const char *name, int code, const char *format, ...)
{
    va_list args;
    fprintf(stderr, "qiaod %s: ", name);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return code;
}

static const struct command *
command_find(const char *name)
{
    for (unsigned i = 0; i < command_count; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

int
command_usage(const char *name)
{
    const struct command *command = command_find(name);
    fprintf(stderr, "usage: qiaod %s %s\n", command->name, command->arguments);
    return EX_USAGE;
}

bool
command_config(const char *name, const char *path, struct config *out_config, int *out_code)
{
    char file[CONFIG_PATH_BYTES];
    struct stat st;
    struct load_error error;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        if (!files_path(file, sizeof file, path, CONFIG_FILE_NAME)) {
            *out_code = command_fail(name, EX_USAGE, "%s: the path is too long", path);
            return false;
        }
        path = file;
    }
    if (!config_load(path, out_config, &error)) {
        char text[1024];
        load_error_text(&error, text, sizeof text);
        bool there = stat(path, &st) == 0;
        *out_code = command_fail(name, there ? EX_CONFIG : EX_NOINPUT, "%s%s", text, there ? "" : "; qiaod init DIR makes one, -c names it");
        return false;
    }
    return true;
}

/*
 * Without memory, or when one of its own rules is broken, the process ends at once: here, in libzmq, or in the C++ library, which may
 * have no memory left to say so. What was acknowledged is in the journal.
 */
static void
aborted(int number)
{
    static const char text[] = "level=error event=aborted code=70 text=\"out of memory, or a rule of our own is broken; what was acknowledged is kept\"\n";

    _exit(write(STDERR_FILENO, text, sizeof text - 1) < 0 ? EX_OSERR : EX_SOFTWARE);
}

void
command_harden(void)
{
    struct rlimit none = {0, 0};
    signal(SIGABRT, aborted);
    umask(0077);
    zsys_handler_set(NULL);
    prctl(PR_SET_DUMPABLE, 0); /* keys and bodies do not end up in core files (C5) */
    setrlimit(RLIMIT_CORE, &none);
}

static int
command_help(const struct command *command)
{
    printf("usage: qiaod %s %s\n%s\n", command->name, command->arguments, command->help);
    return EX_OK;
}

static bool
help_wanted(int argc, char **argv)
{
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            return true;
        }
    }
    return false;
}

static int
help(FILE *out)
{
    fputs("qiaod, the broker of Qiao\n\n", out);
    for (unsigned i = 0; i < command_count; i++) {
        fprintf(out, "  qiaod %s %s\n      %s\n", commands[i].name, commands[i].arguments, commands[i].help);
    }
    fputs("  qiaod --help | --version\n\n"
          "Exit codes are those of sysexits.h: 64 usage, 65 damaged data, 66 no such directory, 69 endpoint in use,\n"
          "70 internal, 71 system, 73 there is something already, 74 a write failed, 75 data directory in use, 77 permissions, 78 configuration.\n",
          out);
    return EX_OK;
}

int
main(int argc, char **argv)
{
    if (argc < 2) {
        help(stderr);
        return EX_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        return help(stdout);
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("qiaod " QIAO_VERSION);
        return EX_OK;
    }
    const struct command *command = command_find(argv[1]);
    if (!command) {
        fprintf(stderr, "qiaod: no command %s; see qiaod --help\n", argv[1]);
        return EX_USAGE;
    }
    if (help_wanted(argc, argv)) {
        return command_help(command);
    }
    command_harden();
    char name[32]; /* with it getopt begins what it finds wrong */
    snprintf(name, sizeof name, "qiaod %s", command->name);
    argv[1] = name;
    return command->run(argc - 1, argv + 1);
}
