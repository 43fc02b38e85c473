/*
 * The rows that a broker gives, as JSON objects, and which of their members a table shows.
 */
#ifndef QIAO_CLI_ROWS_H
#define QIAO_CLI_ROWS_H

#include "print.h"

extern const struct column columns_request[], columns_task[], columns_transition[], columns_service[], columns_field[],
    columns_candidate[], columns_queue[], columns_worker[], columns_stat[], columns_party[], columns_receipt[];

json_t *row_request(const struct cli *cli, const struct qiao_request *request);
json_t *row_service(const struct cli *cli, const struct qiao_service *service);
json_t *row_candidate(const struct cli *cli, const struct qiao_candidate *candidate);
json_t *row_queue(const struct cli *cli, const struct qiao_queue *queue);
json_t *row_worker(const struct cli *cli, const struct qiao_worker *worker);
json_t *row_stat(const struct cli *cli, const struct qiao_stat *stat);
json_t *row_party(const struct cli *cli, const struct qiao_party *party);
json_t *row_change(const struct cli *cli, const struct qiao_change *change);
json_t *row_task(const struct cli *cli, const struct qiao_task *task);
json_t *row_receipt(const struct cli *cli, const struct qiao_receipt *receipt);

/* Appends every row of a page to an array. */
void rows_of_page(const struct cli *cli, const struct qiao_page *page, json_t *rows);

#endif
