/*
 * Waiting for a request's end, whoever submitted it: read it; if it is not over, watch it from there; at its end read it
 * again with its output. A lost connection in between is the watch's affair.
 */
#include <string.h>

#include "lib/internal.h"

static bool
is_over(enum qiao_task_status status, const char *business_status, bool attention)
{
    return qiao_task_status_is_final(status) ||
           (attention && (status == QIAO_TASK_ON_HOLD || strcmp(business_status, "awaiting-information") == 0));
}

static int64_t
left_us(int64_t until_us)
{
    int64_t now_us = qiaoi_now_us();

    return until_us == INT64_MAX ? QIAO_FOREVER : until_us > now_us ? until_us - now_us : 0;
}

/* Until an event of this watch says that it is over. Other events wait in the backlog for the caller. */
static enum qiao_status
watch_wait(struct qiao_client *client, uint64_t watch, bool attention, int64_t until_us)
{
    struct qiaoi_node **at;

    for (;;) {
        qiaoi_receive_all(client);
        for (at = client->backlog ? &client->backlog : NULL; at && *at;) {
            const struct qiao_event *event = &(*at)->event;

            if (event->watch != watch) {
                at = &(*at)->next;
                continue;
            }
            if (event->kind == QIAO_EVENT_WATCH_ENDED || is_over(event->change.status, event->change.business_status,
                                                                 attention)) {
                return QIAO_OK;
            }
            qiaoi_backlog_remove(client, at);
        }
        if (client->state == QIAOI_ENDED) {
            return client->ended;
        }
        if (client->backlog_bytes > client->backlog_bytes_max) {
            return QIAO_FULL;
        }
        if (client->now_us >= until_us || !qiaoi_session_wait(client, until_us)) {
            return QIAO_TIMEOUT;
        }
    }
}

enum qiao_status
qiao_await(struct qiao_client *client, qiao_id id, bool attention, int64_t timeout_us, struct qiao_page **out_page)
{
    int64_t until_us = qiaoi_deadline(qiaoi_now_us(), timeout_us);

    for (;;) {
        struct qiao_watch_query query = {.id = id, .scope = QIAO_SCOPE_REQUESTER};
        struct qiao_page *page;
        uint64_t watch;
        /* A first look is always taken, even with no time at all. */
        int64_t look_us = left_us(until_us);
        enum qiao_status status = qiao_get(client, id, QIAO_WITH_OUTPUT, look_us == 0 ? QIAO_SECONDS(1) : look_us, &page);

        if (status != QIAO_OK) {
            return status;
        }
        if (page->count == 1 && is_over(page->requests[0].status, page->requests[0].business_status, attention)) {
            *out_page = page;
            return QIAO_OK;
        }
        query.seq = page->count == 1 ? page->requests[0].seq : 0;
        qiao_page_free(&page);
        if (left_us(until_us) == 0) {
            return QIAO_TIMEOUT;
        }
        status = qiao_watch_begin(client, &query, &watch);
        if (status != QIAO_OK) {
            return status;
        }
        status = watch_wait(client, watch, attention, until_us);
        qiao_watch_end(client, watch);
        qiaoi_backlog_remove_watch(client, watch);
        if (status != QIAO_OK) {
            return status;
        }
    }
}
