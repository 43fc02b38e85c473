/* What a performer holds when the same task comes again: the newest fence counts, what belongs to an older one changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake.h"

#define A_WHILE QIAO_SECONDS(60)

static struct proto_record
task_of(uint64_t fence, enum proto_status status)
{
    struct proto_record record;

    proto_record_init(&record, PROTO_TASK);
    record.u.task.task = 65;
    record.u.task.fence = fence;
    record.u.task.service = PROTO_STR("bench.echo");
    record.u.task.status = status;
    record.u.task.tenure = PROTO_TENURE_OWNED;
    return record;
}

static void
task_send(struct fake *fake, uint64_t fence)
{
    struct proto_record record = task_of(fence, PROTO_STATUS_REQUESTED);

    fake_send(fake, &record);
}

static struct qiao_event
event_next(struct qiao_client *client, enum qiao_event_kind kind)
{
    struct qiao_event event;

    assert_int_equal(qiao_next_event(client, A_WHILE, &event), QIAO_OK);
    assert_int_equal(event.kind, kind);
    return event;
}

/* A3 */
static void
task_that_comes_again_is_held_under_its_new_fence(void **state)
{
    struct fake *fake = fake_new(NULL, NULL);
    struct qiao_client *client = fake_client(fake, NULL);
    const struct qiao_offer offer = {.service = "bench.echo", .capacity = 4};
    struct proto_record late;

    assert_int_equal(qiao_offer(client, &offer, A_WHILE), QIAO_OK);
    task_send(fake, 1000);
    event_next(client, QIAO_EVENT_TASK);
    task_send(fake, 2000);
    assert_int_equal(event_next(client, QIAO_EVENT_TASK).task.fence, 2000);
    assert_int_equal(qiao_held(client, 65, 1000), QIAO_HELD_NOT);
    assert_int_equal(qiao_held(client, 65, 2000), QIAO_HELD);

    /* What was said of the first attempt comes late. */
    proto_record_init(&late, PROTO_ABORT);
    late.u.abort.task = 65;
    late.u.abort.fence = 1000;
    fake_send(fake, &late);
    event_next(client, QIAO_EVENT_ABORT);
    assert_int_equal(qiao_held(client, 65, 2000), QIAO_HELD);
    proto_record_init(&late, PROTO_WITHDRAW);
    late.u.withdraw.task = 65;
    late.u.withdraw.fence = 1000;
    fake_send(fake, &late);
    assert_int_equal(event_next(client, QIAO_EVENT_WITHDRAW).notice.fence, 1000);
    assert_int_equal(qiao_held(client, 65, 2000), QIAO_HELD);
    assert_int_equal(qiao_held_count(client), 1);
    qiao_client_close(&client, 0);
    fake_free(&fake);
}

/* The broker of a worker without capacity left: its question is answered while its connection is gone. */
static bool
answers_while_away(struct fake *fake, const struct proto_record *record, void *user)
{
    struct proto_record receipt, again;

    (void)user;
    if (record->type == PROTO_ASK) {
        proto_record_init(&receipt, PROTO_RECEIPT);
        receipt.re = record->n;
        receipt.u.receipt.status = PROTO_STATUS_ON_HOLD;
        fake_put(fake, &receipt);
        return true;
    }
    if (record->type == PROTO_OFFER && fake_connection(fake) == 2) {
        fake_receipt(fake, record->n, 0, 0);
        again = task_of(1000, PROTO_STATUS_IN_PROGRESS);
        fake_put(fake, &again);
        return true;
    }
    return false;
}

/* L5: it is given one credit for the owned task in hand, and what was answered meanwhile is news. */
static void
question_that_was_answered_while_we_were_away_is_told(void **state)
{
    struct fake *fake = fake_new(answers_while_away, NULL);
    struct qiao_client *client = fake_client(fake, NULL);
    const struct qiao_offer offer = {.service = "bench.echo", .capacity = 1};
    struct proto_record given = task_of(1000, PROTO_STATUS_IN_PROGRESS), record;
    struct qiao_event event;

    (void)state;
    assert_int_equal(qiao_offer(client, &offer, A_WHILE), QIAO_OK);
    fake_send(fake, &given);
    event_next(client, QIAO_EVENT_TASK);
    assert_int_equal(qiao_ask(client, 65, 1000, "which?", NULL, 0, A_WHILE), QIAO_OK);
    fake_restart(fake);
    do {
        assert_int_equal(qiao_next_event(client, A_WHILE, &event), QIAO_OK);
    } while (event.kind == QIAO_EVENT_CONNECTED || event.kind == QIAO_EVENT_DISCONNECTED);
    assert_int_equal(event.kind, QIAO_EVENT_TASK);
    assert_int_equal(event.task.task, 65);
    fake_seen_at(fake, PROTO_OFFER, 1, &record);
    assert_int_equal(record.u.offer.credit, 1);
    assert_int_equal(qiao_process(client), QIAO_OK);
    assert_int_equal(fake_count(fake, PROTO_CREDIT), 0);
    qiao_client_close(&client, 0);
    fake_free(&fake);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(task_that_comes_again_is_held_under_its_new_fence),
        cmocka_unit_test(question_that_was_answered_while_we_were_away_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
