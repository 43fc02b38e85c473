/*
 * Another process for the store's tests.
 *
 *     store_tool write DIR     open, then commit lifecycles for ever; print what is durable after each commit
 *     store_tool hold DIR      open, print "ready", wait for the end of stdin
 *     store_tool open DIR      open and close; print how it went
 *     store_tool nobody DIR    the same as a user who may not write there
 *     store_tool backup FROM TO
 *     store_tool verify DIR
 *
 * Prints the status in words; exit code 0 when it was ok.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "helper.h"

static int
say(enum store_status status, const struct store_error *error)
{
    printf("%s pid=%d seq=%llu %s\n", store_status_text(status), status == STORE_OK ? 0 : error->pid,
           status == STORE_OK ? 0 : (unsigned long long)error->seq, status == STORE_OK ? "" : error->text);
    return status == STORE_OK ? 0 : 1;
}

/* Requests overlap: each ends when the one IN_FLIGHT later begins; so some are always open, and killed ones for ever. */
enum { IN_FLIGHT = 300 };

static int
run_write(const char *dir)
{
    static struct helper_request open[IN_FLIGHT];
    struct store_options options = helper_options(STORE_ENGINE_SQLITE);
    struct store *store;
    uint32_t number;

    options.mark_distance = options.mark_distance_max = 3000;
    options.keep_events = 5000;
    store = helper_open(dir, &options);
    number = (uint32_t)store_last_seq(store); /* no number is used twice */
    for (;; number++) {
        struct helper_request *slot = &open[number % IN_FLIGHT];
        if (slot->id != 0) {
            helper_append(store, PROTO_EV_COMPLETED, slot, PROTO_STATUS_COMPLETED, number, 64);
        }
        *slot = helper_request_of(number);
        helper_append(store, PROTO_EV_ACCEPTED, slot, PROTO_STATUS_READY, number, 256);
        helper_append(store, PROTO_EV_ASSIGNED, slot, PROTO_STATUS_IN_PROGRESS, number, 0);
        if (number % 7 == 0) {
            helper_commit(store);
            printf("%llu\n", (unsigned long long)store_durable_seq(store));
            fflush(stdout);
        }
        if (store_mark_due(store)) {
            store_mark_advance(store, "", 0, store_last_seq(store));
        }
    }
    return 0;
}

static int
run_open(const char *dir, bool hold)
{
    struct store_options options = helper_options(STORE_ENGINE_SQLITE);
    struct store_error error = {0};
    struct store *store = NULL;
    enum store_status status = store_open(dir, &options, &store, &error);
    char byte;

    if (status == STORE_OK && hold) {
        puts("ready");
        fflush(stdout);
        while (read(STDIN_FILENO, &byte, 1) > 0) {
        }
    }
    if (status == STORE_OK) {
        status = store_close(&store, 0, &error);
    }
    return say(status, &error);
}

int
main(int argc, char **argv)
{
    struct store_verify_result result;
    struct store_error error = {0};
    const char *what = argc > 2 ? argv[1] : "";

    if (strcmp(what, "write") == 0) {
        return run_write(argv[2]);
    }
    if (strcmp(what, "open") == 0 || strcmp(what, "hold") == 0) {
        return run_open(argv[2], what[0] == 'h');
    }
    if (strcmp(what, "nobody") == 0) {
        if (geteuid() == 0 && setuid(65534) != 0) {
            return 2;
        }
        return run_open(argv[2], false);
    }
    if (strcmp(what, "backup") == 0 && argc == 4) {
        return say(store_backup(argv[2], argv[3], NULL, &error), &error);
    }
    if (strcmp(what, "verify") == 0) {
        return say(store_journal_verify(argv[2], stdout, &result, &error), &error);
    }
    return 64;
}
