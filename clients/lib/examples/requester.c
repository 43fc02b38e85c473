/*
 * Ask for a service and wait for its outcome.
 *
 *     requester SERVICE [TEXT]          uses the current context, or $QIAO_CONTEXT
 *
 * Exit code: 0 completed, 2 ended otherwise, 1 something went wrong.
 */
#include <stdio.h>
#include <string.h>

#include <qiao/qiao.h>

static int
complain(struct qiao_client *client, const char *what, enum qiao_status status)
{
    const struct qiao_refusal *refusal = client ? qiao_last_refusal(client) : NULL;

    fprintf(stderr, "%s: %s", what, qiao_status_text(status));
    if (refusal && refusal->code != QIAO_OK) {
        fprintf(stderr, ": %s %s", refusal->message, refusal->path);
    }
    fputc('\n', stderr);
    qiao_client_close(&client, 0);
    return 1;
}

int
main(int argc, char **argv)
{
    struct qiao_options options = {.program = "example requester"};
    struct qiao_submission submission = {0};
    struct qiao_context_error error;
    struct qiao_client *client = NULL;
    struct qiao_receipt receipt;
    struct qiao_page *page = NULL;
    char id[QIAO_ID_CHARS + 1];
    enum qiao_status status;
    int completed;

    if (argc < 2) {
        fprintf(stderr, "usage: requester SERVICE [TEXT]\n");
        return 1;
    }
    status = qiao_client_open_context(NULL, &options, &client, &error);
    if (status != QIAO_OK) {
        return complain(NULL, status == QIAO_CONTEXT ? error.text : "no broker", status);
    }
    submission.service = argv[1];
    if (argc > 2) {
        submission.body = (struct qiao_bytes){argv[2], strlen(argv[2])};
    }
    status = qiao_submit(client, &submission, QIAO_SECONDS(10), &receipt);
    if (status != QIAO_OK) {
        return complain(client, "submit", status);
    }
    qiao_id_text(receipt.id, id);
    printf("request %s is on the broker's disk\n", id);
    status = qiao_await(client, receipt.id, false, QIAO_SECONDS(60), &page);
    if (status != QIAO_OK) {
        return complain(client, "await", status);
    }
    completed = page->count == 1 && page->requests[0].status == QIAO_TASK_COMPLETED;
    if (page->count == 1) {
        printf("%s, outcome %s, by %s\n", qiao_task_status_name(page->requests[0].status), page->requests[0].outcome,
               page->requests[0].performer);
    }
    printf("%.*s\n", (int)page->body.n, page->body.n ? (const char *)page->body.p : "");
    qiao_page_free(&page);
    qiao_client_close(&client, QIAO_SECONDS(1));
    return completed ? 0 : 2;
}
