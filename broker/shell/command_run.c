/*
 * qiaod run: open everything, say that we are ready, serve.
 */
#include "shell/broker.h"
#include "shell/command.h"
#include "shell/files.h"
#include "shell/notify.h"

#include <getopt.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

enum {
    OWN_DESCRIPTORS = 64,
    KEPT_BYTES = 1 << 20,   /* what was freed stays at hand up to this */
    APART_BYTES = 4 << 20,  /* larger blocks, such as the core's tables, are mappings of their own, which grow without a copy */
};

/*
 * Every commit takes and frees buffers of a batch's size. By default each of them is a mapping of its own, or trimmed from the
 * heap's end at once: a page fault per 4 KiB, each time. That was a sixth of what a commit costs.
 */
static void
memory_keep(void)
{
#ifdef M_MMAP_THRESHOLD
    mallopt(M_MMAP_THRESHOLD, APART_BYTES);
    mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
#endif
}

/* One descriptor per connection and some of our own. */
static bool
descriptors_reserve(const struct config *config)
{
    struct rlimit limit;
    rlim_t need = (rlim_t)config->connections_max + OWN_DESCRIPTORS;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= need) {
        return true;
    }
    limit.rlim_cur = limit.rlim_max < need ? limit.rlim_max : need;
    setrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur >= need;
}

static bool
told_in_files(const struct broker *broker, char error[FILES_ERROR_BYTES])
{
    char path[1024], text[NET_ENDPOINTS_MAX * NET_ENDPOINT_BYTES + 8] = "";
    size_t n = 0;
    for (uint32_t i = 0; i < broker->config.endpoint_count; i++) {
        n += (size_t)snprintf(text + n, sizeof text - n, "%s\n", net_endpoint(broker->net, i));
    }
    if (!files_path(path, sizeof path, broker->config.data_dir, FILES_ENDPOINT) || !files_write(path, text, 0644, error)) {
        return false;
    }
    snprintf(text, sizeof text, "%ld\n", (long)getpid());
    return files_path(path, sizeof path, broker->config.data_dir, FILES_PID) && files_write(path, text, 0644, error);
}

static void
untell_in_files(const struct config *config)
{
    char path[1024];
    if (files_path(path, sizeof path, config->data_dir, FILES_ENDPOINT)) {
        unlink(path);
    }
    if (files_path(path, sizeof path, config->data_dir, FILES_PID)) {
        unlink(path);
    }
}

static int
serve(const struct config *config)
{
    static struct broker broker;
    char error[BROKER_ERROR_BYTES], file_error[FILES_ERROR_BYTES];
    int code = EX_OK;
    int signal_fd = signals_open();
    if (signal_fd < 0) {
        return command_fail("run", EX_OSERR, "signals cannot be received");
    }
    if (!broker_open(&broker, config, error, &code)) {
        log_line(CONFIG_LOG_ERROR, "not-started", "code=%d text=\"%s\"", code, error);
        close(signal_fd);
        return code;
    }
    broker.signal_fd = signal_fd;
    if (!told_in_files(&broker, file_error)) {
        broker_close(&broker);
        return command_fail("run", EX_CANTCREAT, "%s", file_error);
    }
    printf("qiaod ready endpoint=%s pid=%ld\n", net_endpoint(broker.net, 0), (long)getpid());
    fflush(stdout);
    notify_send("READY=1");
    log_line(CONFIG_LOG_INFO, "ready", "endpoint=%s pid=%ld security=%s durability=%s", net_endpoint(broker.net, 0), (long)getpid(),
             broker.plain_text ? "none" : "curve", config->durability == CONFIG_DURABILITY_NONE ? "none" : "full");
    broker_run(&broker);
    broker_close(&broker);
    untell_in_files(config);
    close(signal_fd);
    log_line(CONFIG_LOG_INFO, "stopped", "code=%d", broker.exit_code);
    return broker.exit_code;
}

int
command_run(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'}, {0}};
    static struct config config;
    const char *path = ".";
    int option, code = EX_OK;
    while ((option = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
        if (option != 'c') {
            return command_usage("run");
        }
        path = optarg;
    }
    if (optind < argc) {
        return command_usage("run");
    }
    if (!command_config("run", path, &config, &code)) {
        return code;
    }
    log_level_set((enum config_log_level)config.log_level);
    memory_keep();
    if (!descriptors_reserve(&config)) {
        log_line(CONFIG_LOG_WARNING, "descriptors", "text=\"fewer descriptors than connections_max=%u\"", config.connections_max);
    }
    if (config.durability == CONFIG_DURABILITY_NONE) {
        log_line(CONFIG_LOG_WARNING, "durability", "text=\"none: a crash of this machine loses acknowledged requests\"");
    }
    return serve(&config);
}
