/*
 * What several commands do with one request: read it, wait for its end, print a receipt.
 */
#ifndef QIAO_CLI_REQUEST_H
#define QIAO_CLI_REQUEST_H

#include <jansson.h>

#include "cli.h"

/* Opens the broker and takes the request's id from the first word; a task's id stands for its request. */
int request_begin(struct cli *cli, const struct args *args, qiao_id *out_id);

/* The exit code that a status of a request stands for: EXIT_DONE for completed, EXIT_ON_HOLD only where somebody must act. */
int request_exit(const struct qiao_request *request);

/* True when nothing more will happen by itself: final, or on hold until its requester or an operator acts. */
bool request_has_settled(const struct qiao_request *request);

/*
 * Follows a request until it has settled, shows the way there on stderr, prints what came of it on stdout, and returns its
 * exit code. deadline_us is UTC, 0: none.
 */
int request_wait(struct cli *cli, qiao_id id, int64_t deadline_us);

/* Prints it and returns EXIT_DONE. */
int receipt_print(const struct cli *cli, const struct qiao_receipt *receipt);

/* The words of --status as a list for queries; how many. */
size_t status_words(const struct args *args, enum qiao_task_status *out, size_t max);

/* What is listed and watched when --scope does not say: by the roles of the party. */
enum qiao_scope scope_of(const struct cli *cli, const struct args *args);

/* Reads pages until limit rows are in the array. */
int list_pages(struct cli *cli, struct qiao_list_query *query, size_t limit, json_t *rows);

/* The fields of a service as JSON. EXIT_DONE with NULL when the catalogue does not know it: the broker will say so. */
int service_fields(struct cli *cli, const char *service, json_t **out_row);

#endif
