/*
 * Look at the queues, and pause or resume a service.
 *
 *     operator                          one line per service: waiting, running, providers
 *     operator pause|resume SERVICE REASON
 */
#include <stdio.h>
#include <string.h>

#include <qiao/qiao.h>

static enum qiao_status
queues_print(struct qiao_client *client)
{
    struct qiao_page *page = NULL;
    char after[65] = "";
    enum qiao_status status;

    printf("%-32s %8s %8s %9s %6s\n", "SERVICE", "WAITING", "RUNNING", "PROVIDERS", "");
    do {
        status = qiao_queues(client, NULL, after, QIAO_SECONDS(10), &page);
        if (status != QIAO_OK) {
            return status;
        }
        for (size_t at = 0; at < page->count; at++) {
            const struct qiao_queue *queue = &page->queues[at];

            printf("%-32s %8llu %8llu %9u %6s\n", queue->service, (unsigned long long)queue->depth,
                   (unsigned long long)queue->running, queue->providers, queue->paused ? "paused" : "");
        }
        snprintf(after, sizeof after, "%s", page->next);
        qiao_page_free(&page);
    } while (after[0] != '\0');
    return QIAO_OK;
}

int
main(int argc, char **argv)
{
    struct qiao_options options = {.program = "example operator"};
    struct qiao_context_error error = {.text = ""};
    struct qiao_client *client = NULL;
    enum qiao_status status = qiao_client_open_context(NULL, &options, &client, &error);

    if (status == QIAO_OK && argc == 1) {
        status = queues_print(client);
    } else if (status == QIAO_OK && argc == 4 && strcmp(argv[1], "pause") == 0) {
        status = qiao_pause(client, argv[2], NULL, argv[3], QIAO_SECONDS(10));
    } else if (status == QIAO_OK && argc == 4 && strcmp(argv[1], "resume") == 0) {
        status = qiao_resume(client, argv[2], NULL, argv[3], QIAO_SECONDS(10));
    } else if (status == QIAO_OK) {
        fprintf(stderr, "usage: operator [pause|resume SERVICE REASON]\n");
        status = QIAO_ARGUMENT;
    }
    if (status != QIAO_OK) {
        fprintf(stderr, "%s %s%s\n", qiao_status_text(status), error.text, client ? qiao_last_refusal(client)->message : "");
    }
    qiao_client_close(&client, QIAO_SECONDS(1));
    return status == QIAO_OK ? 0 : 1;
}
