/*
 * qiaod check, journal and backup: looking at a data directory from outside, also while qiaod runs on it.
 */
#include "shell/catalogue_load.h"
#include "shell/command.h"
#include "shell/files.h"
#include "store/store.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

static int
store_fail(const char *name, enum store_status status, const struct store_error *error)
{
    int code = EX_IOERR;
    switch (status) {
    case STORE_NOT_FOUND:
        code = EX_NOINPUT;
        break;
    case STORE_DAMAGED:
    case STORE_BEHIND:
    case STORE_NEWER:
        code = EX_DATAERR;
        break;
    case STORE_IN_USE:
        code = EX_TEMPFAIL;
        break;
    case STORE_READ_ONLY:
        code = EX_NOPERM;
        break;
    default:
        break;
    }
    return command_fail(name, code, "%s: %s", store_status_text(status), error->text);
}

static int
verify(const char *name, const char *dir)
{
    struct store_verify_result result = {0};
    struct store_error error = {.text = ""};
    enum store_status status = store_journal_verify(dir, stdout, &result, &error);
    if (status != STORE_OK) {
        return store_fail(name, status, &error);
    }
    printf("journal: ok, %llu batches, %llu events, %llu to %llu, mark %llu, chain ", (unsigned long long)result.batches,
           (unsigned long long)result.events, (unsigned long long)result.first_seq, (unsigned long long)result.last_seq,
           (unsigned long long)result.mark_seq);
    for (size_t i = 0; i < sizeof result.chain; i++) {
        printf("%02x", result.chain[i]);
    }
    printf("\nhistory: ok, %llu requests\n", (unsigned long long)result.history_rows);
    return EX_OK;
}

int
command_check(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'}, {"settings", no_argument, NULL, 's'}, {0}};
    static struct config config;
    const char *path = ".";
    bool settings = false;
    int option, code = EX_OK;
    while ((option = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
        if (option == '?') {
            return command_usage("check");
        }
        settings = settings || option == 's';
        path = option == 'c' ? optarg : path;
    }
    if (optind < argc) {
        return command_usage("check");
    }
    if (!command_config("check", path, &config, &code)) {
        return code;
    }
    if (settings) {
        config_print(&config, stdout);
        return EX_OK;
    }
    printf("configuration: ok\n");
    struct catalogue *catalogue = NULL;
    struct load_error load_error;
    if (!catalogue_load(config.catalogue, config.input_bytes_max, config.body_bytes_max, &catalogue, &load_error)) {
        char text[1024];
        load_error_text(&load_error, text, sizeof text);
        return command_fail("check", EX_CONFIG, "%s", text);
    }
    printf("catalogue: ok, %u services\n", catalogue_count(catalogue));
    catalogue_unref(&catalogue);
    uint8_t public_half[FILES_KEY_BYTES], secret_half[FILES_KEY_BYTES];
    char error[FILES_ERROR_BYTES];
    if (config.plain_text_party[0] == '\0') {
        if (!files_server_key_read(config.data_dir, public_half, secret_half, error)) {
            return command_fail("check", EX_NOPERM, "%s", error);
        }
        printf("key: ok\n");
    }
    return verify("check", config.data_dir);
}

static int
dump(int argc, char **argv, const char *dir)
{
    static const struct option options[] = {
        {"from", required_argument, NULL, 'f'}, {"to", required_argument, NULL, 't'}, {"body", no_argument, NULL, 'b'}, {0}};
    uint64_t from = 1, to = 0;
    bool body = false;
    int option;
    optind = 1;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        char *end = NULL;
        errno = 0;
        uint64_t number = optarg ? strtoull(optarg, &end, 10) : 0;
        if (option == '?' || (optarg && (errno != 0 || end == optarg || *end != '\0'))) {
            return command_usage("journal");
        }
        if (option == 'f') {
            from = number;
        } else if (option == 't') {
            to = number;
        } else {
            body = true;
        }
    }
    if (optind < argc) {
        return command_usage("journal");
    }
    struct store_error error = {.text = ""};
    enum store_status status = store_journal_dump(dir, from, to, body, stdout, &error);
    return status == STORE_OK ? EX_OK : store_fail("journal", status, &error);
}

int
command_journal(int argc, char **argv)
{
    if (argc < 3) {
        return command_usage("journal");
    }
    const char *what = argv[1], *dir = argv[2];
    if (strcmp(what, "verify") == 0 && argc == 3) {
        return verify("journal", dir);
    }
    if (strcmp(what, "dump") == 0) {
        return dump(argc - 2, argv + 2, dir);
    }
    if (strcmp(what, "rebuild") == 0 && argc == 3) {
        struct store_error error = {.text = ""}, lost = {.status = STORE_OK};
        uint64_t rows = 0;
        enum store_status status = store_history_rebuild(dir, &rows, &lost, &error);
        if (status != STORE_OK) {
            return store_fail("journal", status, &error);
        }
        printf("history: %llu requests\n", (unsigned long long)rows);
        if (lost.status != STORE_OK) {
            fprintf(stderr, "qiaod journal: %s\n", lost.text);
        }
        return EX_OK;
    }
    return command_usage("journal");
}

/* What is needed to run the copy, beside the store itself. */
static int
companions_copy(const char *from, const char *to)
{
    char source[1024], target[1024], error[FILES_ERROR_BYTES];
    if (!files_path(source, sizeof source, from, "catalogue") || !files_path(target, sizeof target, to, "catalogue")) {
        return command_fail("backup", EX_USAGE, "%s: the path is too long", to);
    }
    if (access(source, F_OK) == 0 && !files_copy_yaml(source, target, error)) {
        return command_fail("backup", EX_CANTCREAT, "%s", error);
    }
    static const struct {
        const char *name;
        unsigned mode;
    } files[] = {{CONFIG_FILE_NAME, 0644}, {FILES_SERVER_KEY, 0600}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        if (files_path(source, sizeof source, from, files[i].name) && files_path(target, sizeof target, to, files[i].name) &&
            access(source, F_OK) == 0 && !files_copy(source, target, files[i].mode, error)) {
            return command_fail("backup", EX_CANTCREAT, "%s", error);
        }
    }
    return EX_OK;
}

int
command_backup(int argc, char **argv)
{
    if (argc != 3) {
        return command_usage("backup");
    }
    struct store_error error = {.text = ""};
    uint64_t last_seq = 0;
    enum store_status status = store_backup(argv[1], argv[2], &last_seq, &error);
    if (status != STORE_OK) {
        return store_fail("backup", status, &error);
    }
    int code = companions_copy(argv[1], argv[2]);
    if (code == EX_OK) {
        printf("copied %s to %s, events up to %llu\n", argv[1], argv[2], (unsigned long long)last_seq);
    }
    return code;
}
