/*
 * Allocation failure at each call site: one session with everything in it is played again and again, and each time another
 * allocation of the library (or of a libzmq object that it asks for) finds no memory. Whatever was asked then says so, works
 * when it is asked again unless the session ended, and all memory is given back at the end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake.h"
#include "proto/writer.h"
#include "starve.h"

#define A_WHILE QIAO_SECONDS(60)

enum { TASKS = 3, KEPT_TASK = 65 + 64 * TASKS, REQUESTS = 4, WATCHED = 3 };

/* ------------------------------------------------------------- the other side */

struct broker {
    bool done[TASKS];
    uint64_t ids[64];
    uint32_t id_count;
    uint64_t seq;
};

static void
give(struct fake *fake, uint64_t task)
{
    struct proto_record record;

    proto_record_init(&record, PROTO_TASK);
    record.u.task.task = task;
    record.u.task.fence = 1000 + task;
    record.u.task.service = PROTO_STR("bench.echo");
    record.u.task.status = PROTO_STATUS_IN_PROGRESS;
    record.u.task.tenure = PROTO_TENURE_LEASED;
    record.u.task.lease = 30000000;
    fake_put(fake, &record);
}

static void
tell(struct fake *fake, struct broker *broker, uint64_t re, uint64_t id, enum proto_status status)
{
    struct proto_record record;

    proto_record_init(&record, PROTO_EVENT);
    record.re = re;
    record.u.event.id = id;
    record.u.event.seq = ++broker->seq;
    record.u.event.status = status;
    record.u.event.event = PROTO_STR("some");
    record.u.event.service = PROTO_STR("bench.echo");
    record.body = (struct proto_bin){(const uint8_t *)"result", 6};
    fake_put(fake, &record);
}

static void
submission_take(struct fake *fake, struct broker *broker, const struct proto_record *record)
{
    /* As a broker does: the same key is the same request. */
    uint64_t id = 64 * (record->u.submit.pseq + 1000);

    fake_receipt(fake, record->n, id, ++broker->seq);
    if (record->u.submit.notify != PROTO_NOTIFY_NONE) {
        broker->ids[broker->id_count++ % 64] = id;
        tell(fake, broker, 0, id, PROTO_STATUS_COMPLETED);
    }
}

static void
page_put(struct fake *fake, uint64_t re)
{
    struct proto_request row = {.id = 64, .service = PROTO_STR("bench.echo"), .status = PROTO_STATUS_READY};
    struct proto_record record;
    struct proto_buf rows;
    size_t mark;

    proto_buf_init(&rows, 65536);
    proto_list_begin(&rows, &mark);
    for (uint32_t at = 0; at < 40; at++) {
        proto_struct_encode(&rows, PROTO_STRUCT_REQUEST, &row);
    }
    proto_list_end(&rows, mark, 40);
    proto_record_init(&record, PROTO_PAGE);
    record.re = re;
    record.u.page.kind = PROTO_PAGE_KIND_REQUEST;
    record.u.page.rows = (struct proto_bin){rows.p, (uint32_t)rows.n};
    fake_put(fake, &record);
    proto_buf_fini(&rows);
}

static bool
serves(struct fake *fake, const struct proto_record *record, void *user)
{
    struct broker *broker = user;

    switch (record->type) {
    case PROTO_OFFER: /* what is not done comes again with every offer, as from a broker whose client was away */
        fake_receipt(fake, record->n, 0, 0);
        for (uint32_t at = 0; at < TASKS; at++) {
            if (!broker->done[at]) {
                give(fake, 65 + 64 * at);
            }
        }
        give(fake, KEPT_TASK);
        return true;
    case PROTO_COMPLETE:
        broker->done[(record->u.complete.task - 65) / 64] = true;
        fake_receipt(fake, record->n, 64, ++broker->seq);
        return true;
    case PROTO_SUBMIT:
        submission_take(fake, broker, record);
        return true;
    case PROTO_WATCH:
        for (uint32_t at = 0; at < broker->id_count && !record->u.watch.stop && record->u.watch.id == 0; at++) {
            tell(fake, broker, record->n, broker->ids[at % 64], PROTO_STATUS_COMPLETED);
        }
        for (uint32_t at = 0; at < WATCHED && !record->u.watch.stop && record->u.watch.id != 0; at++) {
            tell(fake, broker, record->n, record->u.watch.id, PROTO_STATUS_IN_PROGRESS);
        }
        return true;
    case PROTO_LIST: /* an event in front of the answer has to be kept meanwhile */
        tell(fake, broker, 0, 64, PROTO_STATUS_IN_PROGRESS);
        page_put(fake, record->n);
        return true;
    default:
        return false;
    }
}

/* ------------------------------------------------------------- the session */

struct story {
    struct fake *fake;
    struct broker broker;
    struct qiao_client *client;
    struct qiao_map *input;
    bool done[TASKS];
    uint32_t begun, answered, ended;
    bool no_packing;
    int tag;
};

static enum qiao_status
step_contexts(struct story *story)
{
    struct qiao_context_list list;
    enum qiao_status status = qiao_context_list(&list);

    if (status == QIAO_OK) {
        assert_int_equal(list.count, 2);
        qiao_context_list_free(&list);
    }
    return status;
}

static enum qiao_status
step_open(struct story *story)
{
    struct qiao_context context = fake_context(story->fake);

    return qiao_client_open(&context, &(struct qiao_options){.window = 8, .no_packing = story->no_packing}, &story->client);
}

static enum qiao_status
step_offer(struct story *story)
{
    struct qiao_offer offer = {.service = "bench.echo", .capacity = TASKS + 1, .worker = "w"};

    return qiao_offer(story->client, &offer, A_WHILE);
}

static enum qiao_status
step_input(struct story *story)
{
    struct qiao_bytes bytes;
    char text[700] = "";
    bool good;

    memset(text, 'x', sizeof text - 1);
    qiao_map_free(story->input);
    story->input = qiao_map_new();
    if (!story->input) {
        return QIAO_NO_MEMORY;
    }
    qiao_map_str(story->input, "text", text);
    qiao_map_begin_list(story->input, "list");
    qiao_map_str(story->input, NULL, text);
    qiao_map_end(story->input);
    good = qiao_map_bytes(story->input, &bytes);
    return good ? QIAO_OK : QIAO_NO_MEMORY;
}

static enum qiao_status
step_submit(struct story *story)
{
    const char *exclude[] = {"bad", "worse"};
    struct qiao_submission submission = {.service = "bench.echo", .exclude = exclude, .exclude_count = 2, .notify = QIAO_NOTIFY_NONE};

    return qiao_map_bytes(story->input, &submission.input) ? qiao_submit(story->client, &submission, A_WHILE, NULL) : QIAO_NO_MEMORY;
}

static enum qiao_status
step_submit_begin(struct story *story)
{
    struct qiao_submission submission = {.service = "bench.echo", .track = true};
    enum qiao_status status = QIAO_OK;

    while (status == QIAO_OK && story->begun < REQUESTS) {
        status = qiao_submit_begin(story->client, &submission, &story->tag);
        story->begun += status == QIAO_OK;
    }
    return status;
}

static enum qiao_status
task_settle(struct story *story, qiao_id task, uint64_t fence)
{
    struct qiao_act act = {.kind = QIAO_ACT_COMPLETE, .task = task, .fence = fence, .outcome = "fine"};
    enum qiao_status status;

    if (task == KEPT_TASK) {
        return QIAO_OK;
    }
    status = qiao_act_begin(story->client, &act, &story->done[(task - 65) / 64]);
    return status == QIAO_NO_MEMORY ? qiao_act_begin(story->client, &act, &story->done[(task - 65) / 64]) : status;
}

static bool
all_is_settled(const struct story *story)
{
    bool settled = story->answered >= REQUESTS && story->ended >= REQUESTS;

    for (uint32_t at = 0; at < TASKS; at++) {
        settled = settled && story->done[at];
    }
    return settled;
}

/* Every submission is answered and over, every task is done, exactly once each. */
static enum qiao_status
step_events(struct story *story)
{
    enum qiao_status status = QIAO_OK;

    while (status == QIAO_OK && !all_is_settled(story)) {
        struct qiao_event event;

        status = qiao_next_event(story->client, A_WHILE, &event);
        if (status == QIAO_OK && event.kind == QIAO_EVENT_TASK) {
            status = task_settle(story, event.task.task, event.task.fence);
        } else if (status == QIAO_OK && event.kind == QIAO_EVENT_ANSWER && event.tag == &story->tag) {
            story->answered += event.answer.status == QIAO_OK;
        } else if (status == QIAO_OK && event.kind == QIAO_EVENT_ANSWER && event.tag) {
            *(bool *)event.tag = *(bool *)event.tag || event.answer.status == QIAO_OK;
        } else if (status == QIAO_OK && event.kind == QIAO_EVENT_CHANGE && event.tag == &story->tag) {
            story->ended++;
        }
    }
    assert_true(story->answered <= REQUESTS && story->ended <= REQUESTS);
    return status;
}

static enum qiao_status
step_list(struct story *story)
{
    struct qiao_list_query query = {0};
    struct qiao_page *page;
    enum qiao_status status = qiao_list(story->client, &query, A_WHILE, &page);

    if (status == QIAO_OK) {
        assert_int_equal(page->count, 40);
        assert_string_equal(page->requests[39].service, "bench.echo");
        qiao_page_free(&page);
    }
    return status;
}

static enum qiao_status
step_watch(struct story *story)
{
    struct qiao_watch_query query = {.id = 128};
    enum qiao_status status;
    uint64_t watch;
    uint32_t seen = 0;

    status = qiao_watch_begin(story->client, &query, &watch);
    while (status == QIAO_OK && seen < WATCHED) {
        struct qiao_event event;

        status = qiao_next_event(story->client, A_WHILE, &event);
        seen += status == QIAO_OK && event.watch == watch;
    }
    return status == QIAO_OK ? qiao_watch_end(story->client, watch) : status;
}

static enum qiao_status
step_reconnect(struct story *story)
{
    starve_pause(true);
    fake_restart(story->fake);
    starve_pause(false);
    return qiao_renew(story->client, KEPT_TASK, 1000 + KEPT_TASK, A_WHILE);
}

static enum qiao_status (*const STEPS[])(struct story *) = {
    step_contexts, step_open, step_offer, step_input, step_submit, step_submit_begin, step_events, step_list, step_watch, step_reconnect,
    step_submit, step_list,
};

/* True: it went to its end; false: the session was ended by what was missing, and said so. */
static bool
story_play(struct story *story, uint64_t from, uint64_t to)
{
    for (size_t at = 0; at < sizeof STEPS / sizeof *STEPS; at++) {
        enum qiao_status status = STEPS[at](story);

        for (uint64_t tries = 0; status != QIAO_OK && tries <= to - from; tries++) {
            bool over = story->client && qiao_process(story->client) != QIAO_OK;

            if (over && (status == QIAO_CLOSED || status == QIAO_UNCERTAIN || status == QIAO_NO_MEMORY)) {
                assert_int_equal(qiao_process(story->client), QIAO_NO_MEMORY);
                return false;
            }
            if (status != QIAO_NO_MEMORY && status != QIAO_UNCERTAIN && !(status == QIAO_SYSTEM && STEPS[at] == step_open)) {
                fail_msg("step %zu said %s when allocation %llu failed", at, qiao_status_text(status), (unsigned long long)from);
            }
            status = STEPS[at](story);
        }
        if (status != QIAO_OK) {
            fail_msg("step %zu still said %s after allocation %llu had failed", at, qiao_status_text(status), (unsigned long long)from);
        }
    }
    return true;
}

/* Returns whether an allocation was missing at all. */
static bool
story_tell(uint64_t from, uint64_t to, bool no_packing, uint32_t *ended)
{
    struct story story = {.no_packing = no_packing};
    uint64_t asked;
    int64_t live;

    story.fake = fake_new(serves, &story.broker);
    fake_welcome_set(story.fake, UINT64_C(1) << 40, 1, QIAO_SECONDS(5));
    story.broker.seq = 1000;
    starve_begin(from, to);
    *ended += !story_play(&story, from, to);
    qiao_map_free(story.input);
    qiao_client_close(&story.client, 0);
    starve_end(&asked, &live);
    fake_free(&story.fake);
    if (live != 0) {
        fail_msg("%lld allocations were not given back when allocation %llu failed", (long long)live, (unsigned long long)from);
    }
    return asked >= from;
}

static void
every_allocation_may_fail(void **state)
{
    uint64_t at = 1;
    uint32_t ended = 0;

    while (story_tell(at, at, false, &ended)) {
        at++;
    }
    print_message("# %llu allocations, %u of them ended the session\n", (unsigned long long)at - 1, ended);
    assert_true(at > 30); /* otherwise nothing was put in malloc's place */
}

/* Each record leaves at once here, so that losing the connection and having no memory to say so meet inside each call. */
static void
two_allocations_in_a_row_may_fail(void **state)
{
    uint64_t at = 1;
    uint32_t ended = 0;

    while (story_tell(at, at + 1, true, &ended)) {
        at++;
    }
    assert_true(at > 30);
}

static int
contexts_make(void **state)
{
    static char home[] = "/tmp/qiao-memory-XXXXXX";
    char path[128];

    if (!mkdtemp(home) || setenv("QIAO_CONFIG_DIR", home, 1) != 0) {
        return -1;
    }
    snprintf(path, sizeof path, "%s/contexts", home);
    mkdir(path, 0700);
    for (int at = 0; at < 2; at++) {
        FILE *file;

        snprintf(path, sizeof path, "%s/contexts/c%d", home, at);
        file = fopen(path, "w");
        if (!file || fclose(file) != 0) {
            return -1;
        }
    }
    *state = home;
    return 0;
}

static int
contexts_remove(void **state)
{
    char path[128];

    for (int at = 0; at < 2; at++) {
        snprintf(path, sizeof path, "%s/contexts/c%d", (char *)*state, at);
        unlink(path);
    }
    snprintf(path, sizeof path, "%s/contexts", (char *)*state);
    return rmdir(path) == 0 && rmdir(*state) == 0 ? 0 : -1;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(two_allocations_in_a_row_may_fail),
    };

    return cmocka_run_group_tests(tests, contexts_make, contexts_remove);
}
