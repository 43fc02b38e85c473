/* The connection against a scripted broker: greeting, heartbeats, being forgotten, being refused, witnesses, CURVE. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake.h"
#include "lib/context.h"

#define A_WHILE QIAO_SECONDS(60)

static const struct qiao_submission ECHO = {.service = "bench.echo"};

static bool
accepts(struct fake *fake, const struct proto_record *record, void *user)
{
    if (record->type != PROTO_SUBMIT) {
        return false;
    }
    fake_receipt(fake, record->n, 64, 1);
    return true;
}

static void
nobody_there_is_unreachable(void **state)
{
    struct fake *fake = fake_new(NULL, NULL);
    struct qiao_context context = fake_context(fake);
    struct qiao_options options = {.connect_timeout_us = 20000};
    struct qiao_client *client = NULL;

    fake_free(&fake);
    assert_int_equal(qiao_client_open(&context, &options, &client), QIAO_UNREACHABLE);
    assert_null(client);
    options.open_lazily = true;
    assert_int_equal(qiao_client_open(&context, &options, &client), QIAO_OK);
    assert_int_equal(qiao_submit(client, &ECHO, 20000, NULL), QIAO_UNREACHABLE);
    assert_int_equal(qiao_in_flight(client), 0);
    /* What is begun waits for a broker. */
    assert_int_equal(qiao_submit_begin(client, &ECHO, NULL), QIAO_OK);
    assert_int_equal(qiao_in_flight(client), 1);
    qiao_client_close(&client, 0);
}

static bool
refuses_hello(struct fake *fake, const struct proto_record *record, void *user)
{
    if (record->type != PROTO_HELLO) {
        return false;
    }
    fake_refuse(fake, record->n, *(enum proto_refusal_code *)user, "go away", "");
    return true;
}

static void
refused_greeting_is_final(void **state)
{
    enum proto_refusal_code code = PROTO_REFUSAL_CODE_UNSUPPORTED;
    struct fake *fake = fake_new(refuses_hello, &code);
    struct qiao_context context = fake_context(fake);
    struct qiao_client *client = NULL;

    assert_int_equal(qiao_client_open(&context, NULL, &client), QIAO_UNSUPPORTED);
    assert_null(client);
    assert_int_equal(fake_count(fake, PROTO_HELLO), 1);
    fake_free(&fake);
}

static bool
refuses_hello_twice(struct fake *fake, const struct proto_record *record, void *user)
{
    if (record->type == PROTO_HELLO && fake_connection(fake) < 3) {
        fake_refuse(fake, record->n, PROTO_REFUSAL_CODE_QUOTA, "too many", "connections");
        return true;
    }
    return accepts(fake, record, user);
}

static void
full_broker_is_tried_again(void **state)
{
    struct fake *fake = fake_new(refuses_hello_twice, NULL);
    struct qiao_client *client = fake_client(fake, NULL);

    assert_int_equal(fake_count(fake, PROTO_HELLO), 3);
    qiao_client_close(&client, 0);
    fake_free(&fake);
}

/* The broker gave the connection up, but the link stayed: every record is refused until the next hello. */
static bool
forgets_once(struct fake *fake, const struct proto_record *record, void *user)
{
    if (record->type != PROTO_HELLO && fake_connection(fake) == 1) {
        fake_refuse(fake, record->n, PROTO_REFUSAL_CODE_FORBIDDEN, "say hello first", "hello");
        return true;
    }
    return accepts(fake, record, user);
}

static void
forgotten_client_says_hello_again(void **state)
{
    struct fake *fake = fake_new(forgets_once, NULL);
    struct qiao_client *client = fake_client(fake, NULL);

    assert_int_equal(qiao_submit(client, &ECHO, A_WHILE, NULL), QIAO_OK);
    assert_int_equal(fake_count(fake, PROTO_HELLO), 2);
    assert_int_equal(fake_count(fake, PROTO_SUBMIT), 2);
    qiao_client_close(&client, 0);
    fake_free(&fake);
}

static bool
revokes(struct fake *fake, const struct proto_record *record, void *user)
{
    struct proto_record bye;

    if (record->type != PROTO_SUBMIT) {
        return false;
    }
    proto_record_init(&bye, PROTO_BYE);
    fake_refuse(fake, record->n, PROTO_REFUSAL_CODE_FORBIDDEN, "this key was revoked", "key");
    fake_put(fake, &bye);
    return true;
}

/* C4, from this side: no trying again with a key that no longer counts. */
static void
revoked_key_ends_the_client(void **state)
{
    struct fake *fake = fake_new(revokes, NULL);
    struct qiao_client *client = fake_client(fake, NULL);
    struct qiao_event event;

    assert_int_equal(qiao_submit_begin(client, &ECHO, &event), QIAO_OK);
    assert_int_equal(qiao_next_event(client, A_WHILE, &event), QIAO_OK);
    assert_int_equal(event.kind, QIAO_EVENT_ANSWER);
    assert_int_equal(event.answer.status, QIAO_UNCERTAIN);
    assert_int_equal(qiao_next_event(client, A_WHILE, &event), QIAO_CLOSED);
    assert_int_equal(qiao_last_refusal(client)->code, QIAO_FORBIDDEN);
    assert_int_equal(qiao_submit(client, &ECHO, A_WHILE, NULL), QIAO_FORBIDDEN);
    assert_int_equal(fake_count(fake, PROTO_HELLO), 1);
    qiao_client_close(&client, 0);
    fake_free(&fake);
}

static bool
falls_silent(struct fake *fake, const struct proto_record *record, void *user)
{
    return fake_connection(fake) == 1 && record->type != PROTO_HELLO;
}

/* The link is there, but nothing comes: three heartbeats later the client looks for the broker again. */
static void
silence_of_three_heartbeats_ends_the_connection(void **state)
{
    struct fake *fake = fake_new(falls_silent, NULL);
    struct qiao_client *client;
    struct qiao_event event;

    fake_welcome_set(fake, 0, 0, 100000);
    client = fake_client(fake, NULL);
    assert_int_equal(qiao_next_event(client, A_WHILE, &event), QIAO_OK);
    assert_int_equal(event.kind, QIAO_EVENT_DISCONNECTED);
    assert_int_equal(qiao_next_event(client, A_WHILE, &event), QIAO_OK);
    assert_int_equal(event.kind, QIAO_EVENT_CONNECTED);
    assert_true(fake_count(fake, PROTO_PING) >= 2);
    qiao_client_close(&client, 0);
    fake_free(&fake);
}

static bool
sends_rubbish(struct fake *fake, const struct proto_record *record, void *user)
{
    if (record->type == PROTO_SUBMIT && fake_connection(fake) == 1) {
        fake_put_bytes(fake, "\xdf\xff\xff\xff\xff", 5);
        return true;
    }
    return accepts(fake, record, user);
}

static void
rubbish_from_the_broker_ends_the_connection(void **state)
{
    struct fake *fake = fake_new(sends_rubbish, NULL);
    struct qiao_client *client = fake_client(fake, NULL);

    assert_int_equal(qiao_submit(client, &ECHO, A_WHILE, NULL), QIAO_OK);
    assert_int_equal(qiao_session(client)->reconnects, 1);
    qiao_client_close(&client, 0);
    fake_free(&fake);
}

/* A record of a newer protocol is stepped over. */
static bool
says_something_new(struct fake *fake, const struct proto_record *record, void *user)
{
    if (record->type == PROTO_SUBMIT) {
        fake_put_bytes(fake, "\x81\xa1t\xa6newest\xc4\x00", 12);
    }
    return accepts(fake, record, user);
}

static void
unknown_record_is_stepped_over(void **state)
{
    struct fake *fake = fake_new(says_something_new, NULL);
    struct qiao_client *client = fake_client(fake, NULL);

    assert_int_equal(qiao_submit(client, &ECHO, A_WHILE, NULL), QIAO_OK);
    assert_int_equal(qiao_session(client)->reconnects, 0);
    qiao_client_close(&client, 0);
    fake_free(&fake);
}

/* D6, from this side: what a broker once told us must still be there. */
static void
shorter_journal_is_refused(void **state)
{
    char path[] = "/tmp/qiao-state-XXXXXX";
    int fd = mkstemp(path);
    struct fake *fake = fake_new(accepts, NULL);
    struct qiao_context context = fake_context(fake);
    struct qiao_client *client = NULL;
    struct proto_record record;

    assert_true(fd >= 0);
    close(fd);
    memcpy(context.state_path, path, sizeof path);
    fake_welcome_set(fake, 500, 3, QIAO_SECONDS(5));
    qiaoi_witness_write(path, (struct qiaoi_witness){.seen = 400, .epoch = 3});
    assert_int_equal(qiao_client_open(&context, NULL, &client), QIAO_OK);
    fake_seen_at(fake, PROTO_HELLO, 0, &record);
    assert_int_equal(record.u.hello.seen, 400);
    assert_int_equal(record.u.hello.epoch, 3);
    qiao_client_close(&client, 0);
    qiaoi_witness_write(path, (struct qiaoi_witness){.seen = 501, .epoch = 3});
    assert_int_equal(qiao_client_open(&context, NULL, &client), QIAO_CONFLICT);
    unlink(path);
    fake_free(&fake);
}

static void
lower_epoch_is_not_believed(void **state)
{
    char path[] = "/tmp/qiao-state-XXXXXX";
    int fd = mkstemp(path);
    struct fake *fake = fake_new(accepts, NULL);
    struct qiao_context context = fake_context(fake);
    struct qiao_options options = {.connect_timeout_us = 20000};
    struct qiao_client *client = NULL;

    assert_true(fd >= 0);
    close(fd);
    memcpy(context.state_path, path, sizeof path);
    fake_welcome_set(fake, 500, 3, QIAO_SECONDS(5));
    qiaoi_witness_write(path, (struct qiaoi_witness){.seen = 1, .epoch = 4});
    assert_int_equal(qiao_client_open(&context, &options, &client), QIAO_UNREACHABLE);
    unlink(path);
    fake_free(&fake);
}

static void
keys_are_used_and_a_wrong_server_key_reaches_nobody(void **state)
{
    struct fake *fake = fake_new_curve(accepts, NULL);
    struct qiao_client *client = fake_client(fake, NULL);
    struct qiao_context context = fake_context(fake);
    struct qiao_options options = {.connect_timeout_us = 200000};
    char secret[QIAO_Z85_CHARS + 1];

    assert_int_equal(qiao_submit(client, &ECHO, A_WHILE, NULL), QIAO_OK);
    qiao_client_close(&client, 0);
    qiao_keypair(context.server_key, secret);
    assert_int_equal(qiao_client_open(&context, &options, &client), QIAO_UNREACHABLE);
    memset(context.server_key, 0, sizeof context.server_key);
    assert_int_equal(qiao_client_open(&context, &options, &client), QIAO_CONTEXT);
    fake_free(&fake);
}

static void
two_clients_of_one_process_do_not_meet(void **state)
{
    struct fake *fake = fake_new(accepts, NULL);
    struct qiao_client *a = fake_client(fake, NULL), *b = fake_client(fake, NULL);
    struct qiao_event event;

    assert_int_equal(qiao_submit_begin(a, &ECHO, NULL), QIAO_OK);
    assert_int_equal(qiao_next_event(a, A_WHILE, &event), QIAO_OK);
    assert_int_equal(qiao_next_event(b, 0, &event), QIAO_TIMEOUT);
    qiao_client_close(&a, 0);
    assert_int_equal(qiao_submit(b, &ECHO, A_WHILE, NULL), QIAO_OK);
    qiao_client_close(&b, 0);
    fake_free(&fake);
}

static void
closing_says_goodbye(void **state)
{
    struct fake *fake = fake_new(accepts, NULL);
    struct qiao_client *client = fake_client(fake, NULL);

    assert_int_equal(qiao_submit_begin(client, &ECHO, NULL), QIAO_OK);
    qiao_client_close(&client, A_WHILE);
    fake_await(fake, PROTO_BYE, 1);
    assert_int_equal(fake_count(fake, PROTO_SUBMIT), 1);
    fake_free(&fake);
}

static void
on_alarm(int number)
{
}

static void
handled_signal_ends_a_wait_but_not_a_call(void **state)
{
    struct sigaction action = {.sa_handler = on_alarm}, before;
    struct itimerval soon = {.it_value.tv_usec = 1000, .it_interval.tv_usec = 1000}, never = {0};
    struct fake *fake = fake_new(accepts, NULL);
    struct qiao_client *client = fake_client(fake, NULL);
    struct qiao_event event;

    assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
    setitimer(ITIMER_REAL, &soon, NULL);
    assert_int_equal(qiao_next_event(client, QIAO_FOREVER, &event), QIAO_TIMEOUT);
    assert_int_equal(qiao_wait(client, QIAO_FOREVER), QIAO_TIMEOUT);
    for (int round = 0; round < 100; round++) {
        assert_int_equal(qiao_submit(client, &ECHO, QIAO_FOREVER, NULL), QIAO_OK);
    }
    setitimer(ITIMER_REAL, &never, NULL);
    sigaction(SIGALRM, &before, NULL);
    qiao_client_close(&client, 0);
    fake_free(&fake);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_there_is_unreachable),
        cmocka_unit_test(refused_greeting_is_final),
        cmocka_unit_test(full_broker_is_tried_again),
        cmocka_unit_test(forgotten_client_says_hello_again),
        cmocka_unit_test(revoked_key_ends_the_client),
        cmocka_unit_test(silence_of_three_heartbeats_ends_the_connection),
        cmocka_unit_test(rubbish_from_the_broker_ends_the_connection),
        cmocka_unit_test(unknown_record_is_stepped_over),
        cmocka_unit_test(shorter_journal_is_refused),
        cmocka_unit_test(lower_epoch_is_not_believed),
        cmocka_unit_test(keys_are_used_and_a_wrong_server_key_reaches_nobody),
        cmocka_unit_test(two_clients_of_one_process_do_not_meet),
        cmocka_unit_test(closing_says_goodbye),
        cmocka_unit_test(handled_signal_ends_a_wait_but_not_a_call),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
