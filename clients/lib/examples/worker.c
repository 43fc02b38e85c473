/*
 * Perform a service: answers every task with its body in upper case.
 *
 *     worker [SERVICE [COUNT]]          uses the current context, or $QIAO_CONTEXT; ends after COUNT tasks, or on SIGTERM
 */
#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <qiao/qiao.h>

enum { BODY_BYTES_MAX = 65536 };

struct worker {
    long left; /* tasks until the end; 0: no end */
    char body[BODY_BYTES_MAX];
};

static volatile int stop;

static void
on_signal(int number)
{
    (void)number;
    stop = 1;
}

static void
shout(struct qiao_client *client, const struct qiao_task *task, struct qiao_act *act, void *user)
{
    struct worker *worker = user;
    const char *from = task->body.p;
    size_t n = task->body.n < BODY_BYTES_MAX ? task->body.n : BODY_BYTES_MAX;

    (void)client;
    for (size_t at = 0; at < n; at++) {
        worker->body[at] = (char)toupper((unsigned char)from[at]);
    }
    act->kind = QIAO_ACT_COMPLETE;
    act->outcome = "shouted";
    act->body = (struct qiao_bytes){worker->body, n};
    printf("task for %s, attempt %u, %zu bytes\n", task->requester, task->attempt, n);
    if (worker->left > 0 && --worker->left == 0) {
        stop = 1;
    }
}

int
main(int argc, char **argv)
{
    static struct worker worker;
    struct qiao_options options = {.program = "example worker"};
    struct qiao_offer offer = {.capacity = 4, .worker = "example"};
    struct qiao_context_error error = {.text = ""};
    struct qiao_client *client = NULL;
    enum qiao_status status;

    signal(SIGTERM, on_signal);
    signal(SIGINT, on_signal);
    offer.service = argc > 1 ? argv[1] : "bench.echo";
    worker.left = argc > 2 ? atol(argv[2]) : 0;
    status = qiao_client_open_context(NULL, &options, &client, &error);
    if (status == QIAO_OK) {
        status = qiao_offer(client, &offer, QIAO_SECONDS(10));
    }
    if (status == QIAO_OK) {
        puts("ready");
        fflush(stdout);
        status = qiao_work(client, shout, &worker, &stop);
    }
    if (status != QIAO_OK) {
        fprintf(stderr, "%s %s\n", qiao_status_text(status), error.text);
    }
    qiao_client_close(&client, QIAO_SECONDS(1));
    return status == QIAO_OK ? 0 : 1;
}
