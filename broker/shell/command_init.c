/*
 * qiaod init: a data directory from nothing. It holds keys, configuration, catalogue, and a journal in which the first
 * operator is enrolled. On a failure what was made stays to be looked at, and init refuses to go over it.
 */
#include "shell/broker.h"
#include "shell/command.h"
#include "shell/files.h"

#include <errno.h>
#include <getopt.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>
#include <zmq.h>

struct plan {
    const char *dir;
    const char *party;
    const char *member;
    const char *catalogue;
    const char *endpoint;
    const char *context;
    bool plain;
    char server_public[FILES_Z85_BYTES];
    char public_key[FILES_Z85_BYTES];
    char secret_key[FILES_Z85_BYTES];
    uint8_t key[FILES_KEY_BYTES]; /* the operator's public half; all zero for plain text */
};

static bool
plan_read(int argc, char **argv, struct plan *plan)
{
    static const struct option options[] = {
        {"party", required_argument, NULL, 'p'},    {"member", required_argument, NULL, 'm'},
        {"catalogue", required_argument, NULL, 'k'}, {"endpoint", required_argument, NULL, 'e'},
        {"context", required_argument, NULL, 'x'},  {"plain", no_argument, NULL, 'P'}, {0}};
    int option;
    while ((option = getopt_long(argc, argv, "p:m:k:e:x:P", options, NULL)) != -1) {
        switch (option) {
        case 'p':
            plan->party = optarg;
            break;
        case 'm':
            plan->member = optarg;
            break;
        case 'k':
            plan->catalogue = optarg;
            break;
        case 'e':
            plan->endpoint = optarg;
            break;
        case 'x':
            plan->context = optarg;
            break;
        case 'P':
            plan->plain = true;
            break;
        default:
            return false;
        }
    }
    if (optind + 1 != argc) {
        return false;
    }
    plan->dir = argv[optind];
    return true;
}

/* Names are shown, logged and written into files: plain characters only. */
static bool
name_check(const char *name)
{
    size_t n = strlen(name);
    return n > 0 && n < CONFIG_NAME_BYTES && n == strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_@");
}

static int
directory_make(const struct plan *plan)
{
    char path[1024];
    if (mkdir(plan->dir, 0700) != 0 && errno != EEXIST) {
        return command_fail("init", EX_CANTCREAT, "%s: %s", plan->dir, strerror(errno));
    }
    if (!files_path(path, sizeof path, plan->dir, CONFIG_FILE_NAME)) {
        return command_fail("init", EX_USAGE, "%s: the path is too long", plan->dir);
    }
    if (access(path, F_OK) == 0) {
        return command_fail("init", EX_CANTCREAT, "%s: this is a data directory already", plan->dir);
    }
    return EX_OK;
}

/* Where it was installed; or, for a program that runs from its build folder, where it came from. */
static const char *
catalogue_default(void)
{
    return access(QIAO_CATALOGUE_DIR, R_OK) == 0 ? QIAO_CATALOGUE_DIR : QIAO_CATALOGUE_SOURCE_DIR;
}

static int
catalogue_copy(const struct plan *plan)
{
    char path[1024], error[FILES_ERROR_BYTES];
    if (access(plan->catalogue, R_OK) != 0) {
        return command_fail("init", EX_NOINPUT, "no catalogue at %s: say --catalogue PATH", plan->catalogue);
    }
    if (!files_path(path, sizeof path, plan->dir, "catalogue") || !files_copy_yaml(plan->catalogue, path, error)) {
        return command_fail("init", EX_CANTCREAT, "%s", error);
    }
    return EX_OK;
}

static int
config_write(const struct plan *plan)
{
    struct config config;
    char path[1024], *text = NULL, error[FILES_ERROR_BYTES];
    size_t n = 0;
    config_init(&config);
    snprintf(config.data_dir, sizeof config.data_dir, ".");
    snprintf(config.catalogue, sizeof config.catalogue, "catalogue");
    if (plan->endpoint) {
        snprintf(config.endpoints[0], sizeof config.endpoints[0], "%s", plan->endpoint);
        config.endpoint_count = 1;
    }
    if (plan->plain) {
        snprintf(config.plain_text_party, sizeof config.plain_text_party, "%s", plan->party);
    }
    FILE *file = open_memstream(&text, &n);
    if (!file) {
        return command_fail("init", EX_OSERR, "no memory");
    }
    config_print(&config, file);
    bool ok = fclose(file) == 0 && files_path(path, sizeof path, plan->dir, CONFIG_FILE_NAME) && files_write(path, text, 0644, error);
    free(text);
    return ok ? EX_OK : command_fail("init", EX_CANTCREAT, "%s", error);
}

static int
keys_make(struct plan *plan)
{
    char error[FILES_ERROR_BYTES];
    if (!files_server_key_make(plan->dir, plan->server_public, error)) {
        return command_fail("init", EX_CANTCREAT, "%s", error);
    }
    if (!plan->plain && (zmq_curve_keypair(plan->public_key, plan->secret_key) != 0 || !zmq_z85_decode(plan->key, plan->public_key))) {
        return command_fail("init", EX_OSERR, "no key could be made");
    }
    return EX_OK;
}

/* The operator becomes two ordinary events of the journal. */
static int
operator_enrol(const struct plan *plan, const struct config *config)
{
    static struct broker broker;
    char error[BROKER_ERROR_BYTES];
    int code = EX_OK;
    if (!broker_open_state(&broker, config, true, error, &code)) {
        return command_fail("init", code, "%s", error);
    }
    struct core_bootstrap first = {
        .party = proto_str_of(plan->party),
        .title = proto_str_of(plan->party),
        .member = proto_str_of(plan->member),
        .plain_requester_performer = plan->plain,
    };
    memcpy(first.key, plan->key, sizeof first.key);
    if (!broker_bootstrap(&broker, &first, error)) {
        code = command_fail("init", EX_SOFTWARE, "%s", error);
    }
    broker_close(&broker);
    return code != EX_OK ? code : broker.exit_code;
}

static int
context_write(const struct plan *plan, const struct config *config)
{
    char path[1024], error[FILES_ERROR_BYTES];
    struct files_context context = {
        .endpoint = config->endpoints[0],
        .server_key = plan->plain ? NULL : plan->server_public,
        .public_key = plan->public_key,
        .secret_key = plan->secret_key,
        .party = plan->party,
        .member = plan->member,
    };
    if (plan->context) {
        snprintf(path, sizeof path, "%s", plan->context);
    } else if (!files_path(path, sizeof path, plan->dir, FILES_CONTEXT)) {
        return command_fail("init", EX_USAGE, "%s: the path is too long", plan->dir);
    }
    if (!files_context_write(path, &context, error)) {
        return command_fail("init", EX_CANTCREAT, "%s", error);
    }
    printf("made %s: operator %s of %s, context %s\n"
           "next: qiaod run -c %s\n"
           "      qiao context import %s   (or QIAO_CONTEXT=%s)\n",
           plan->dir, plan->member, plan->party, path, plan->dir, path, path);
    return EX_OK;
}

int
command_init(int argc, char **argv)
{
    static struct config config;
    struct plan plan = {.party = "park", .member = "operator", .catalogue = catalogue_default()};
    if (!plan_read(argc, argv, &plan)) {
        return command_usage("init");
    }
    if (!name_check(plan.party) || !name_check(plan.member)) {
        return command_fail("init", EX_USAGE, "names have 1 to 64 of the characters a-z A-Z 0-9 . - _ @");
    }
    log_level_set(CONFIG_LOG_WARNING);
    int code = directory_make(&plan);
    code = code == EX_OK ? catalogue_copy(&plan) : code;
    code = code == EX_OK ? keys_make(&plan) : code;
    code = code == EX_OK ? config_write(&plan) : code;
    if (code == EX_OK) {
        command_config("init", plan.dir, &config, &code);
    }
    code = code == EX_OK ? operator_enrol(&plan, &config) : code;
    code = code == EX_OK ? context_write(&plan, &config) : code;
    sodium_memzero(&plan, sizeof plan);
    return code;
}
