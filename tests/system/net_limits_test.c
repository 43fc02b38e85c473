/*
 * The gateway under pressure: too much, too slow, too bad, too silent; and that it costs only the one who does it (B4).
 */
#include "net_harness.h"

#include <stdlib.h>
#include <zmq.h>

static int
setup(void **state)
{
    static struct bench bench;
    bench_init(&bench);
    *state = &bench;
    return 0;
}

static struct net_stats
figures(struct bench *bench)
{
    struct net_stats stats;
    net_stats(bench->net, &stats);
    return stats;
}

static void
event_send(struct bench *bench, uint32_t conn, uint32_t body_bytes)
{
    static uint8_t body[1 << 16];
    struct proto_record record;
    proto_record_init(&record, PROTO_EVENT);
    record.body = (struct proto_bin){body, body_bytes};
    net_send_record(bench->net, conn, &record);
}

/* B4 */
static void
slow_peer_is_dropped_alone(void **state)
{
    struct bench *bench = *state;
    bench->options.outbox_bytes_max = 4 << 20;
    bench_open(bench);
    struct peer slow = peer_open(bench, 1), quick = peer_open(bench, 2);
    uint32_t slow_conn = peer_hello(&slow);
    uint32_t quick_conn = peer_hello(&quick);
    uint64_t answered = 0;
    while (figures(bench).dropped_slow == 0) {
        for (uint32_t i = 0; i < 32; i++) {
            event_send(bench, slow_conn, 60000);
        }
        event_send(bench, quick_conn, 10);
        peer_expect(&quick, PROTO_EVENT);
        answered++;
        assert_true(answered < 1000);
    }
    struct heard gone = bench_expect(bench, NET_DISCONNECTED);
    assert_int_equal(slow_conn, gone.conn);
    assert_int_equal(0, net_room(bench->net, slow_conn));
    event_send(bench, slow_conn, 10); /* nothing happens */
    event_send(bench, quick_conn, 10);
    peer_expect(&quick, PROTO_EVENT);
    peer_close(&slow);
    peer_close(&quick);
    bench_close(bench);
}

static void
peer_that_reads_late_gets_everything_in_order(void **state)
{
    struct bench *bench = *state;
    struct proto_record record;
    bench->options.outbox_bytes_max = 64 << 20;
    bench_open(bench);
    struct peer peer = peer_open(bench, 1);
    uint32_t conn = peer_hello(&peer);
    enum { N = 400 };
    static uint8_t body[50000];
    for (uint64_t i = 1; i <= N; i++) {
        proto_record_init(&record, PROTO_EVENT);
        record.re = i;
        record.body = (struct proto_bin){body, sizeof body};
        net_send_record(bench->net, conn, &record);
        bench->now_us += 10000;
        bench_turn(bench);
    }
    for (uint64_t i = 1; i <= N; i++) {
        bench->now_us += 1000;
        assert_int_equal(i, peer_expect(&peer, PROTO_EVENT).re);
    }
    assert_int_equal(0, figures(bench).dropped_slow);
    peer_close(&peer);
    bench_close(bench);
}

/* B1 */
static void
frame_over_the_limit_is_refused_or_cuts_the_link(void **state)
{
    struct bench *bench = *state;
    bench->options.frame_bytes_max = 4096;
    bench_open(bench);
    struct peer peer = peer_open(bench, 1), other = peer_open(bench, 2);
    peer_hello(&peer);
    peer_hello(&other);
    uint8_t *big = calloc(1, 1 << 20);
    peer_send(&peer, big, 4097); /* libzmq's own limit has room for encryption: ours is exact */
    assert_int_equal(PROTO_REFUSAL_CODE_TOO_LARGE, peer_expect(&peer, PROTO_REFUSAL).u.refusal.code);
    uint64_t bytes = figures(bench).bytes_in;
    peer_send(&peer, big, 1 << 20); /* far over it: not even read */
    peer_expect_shut_out(&peer);
    assert_int_equal(bytes, figures(bench).bytes_in);
    peer_say(&other, PROTO_PING, 3);
    peer_expect(&other, PROTO_PONG);
    free(big);
    peer_close(&peer);
    peer_close(&other);
    bench_close(bench);
}

static void
malformed_records_use_up_the_budget_of_their_connection(void **state)
{
    struct bench *bench = *state;
    bench->options.malformed_max = 3;
    bench_open(bench);
    struct peer peer = peer_open(bench, 1), other = peer_open(bench, 2);
    uint32_t conn = peer_hello(&peer);
    peer_hello(&other);
    for (int i = 0; i < 3; i++) {
        peer_send(&peer, "\xc1", 1);
        assert_int_equal(PROTO_REFUSAL_CODE_MALFORMED, peer_expect(&peer, PROTO_REFUSAL).u.refusal.code);
    }
    peer_send(&peer, "\xdf\xff\xff\xff\xff", 5);
    peer_expect(&peer, PROTO_BYE);
    assert_int_equal(conn, bench_expect(bench, NET_DISCONNECTED).conn);
    /* From here on it talks to nobody. */
    peer_say(&peer, PROTO_HELLO, 1);
    peer_say(&other, PROTO_PING, 3);
    peer_expect(&other, PROTO_PONG);
    assert_int_equal(0, bench->heard_count);
    assert_int_equal(4, figures(bench).malformed);
    peer_close(&peer);
    peer_close(&other);
    bench_close(bench);
}

static void
bad_record_in_a_frame_does_not_harm_those_before_it(void **state)
{
    struct bench *bench = *state;
    struct proto_buf buf;
    struct proto_record record;
    bench_open(bench);
    struct peer peer = peer_open(bench, 1);
    peer_hello(&peer);
    proto_buf_init(&buf, 4096);
    proto_record_init(&record, PROTO_STATS);
    record.n = 11;
    assert_true(proto_encode(&buf, &record));
    assert_true(proto_buf_append(&buf, "\x81\xa1t\xa5st", 6));
    peer_send(&peer, buf.p, buf.n);
    assert_int_equal(11, bench_expect(bench, NET_RECORD).n);
    assert_int_equal(PROTO_REFUSAL_CODE_MALFORMED, peer_expect(&peer, PROTO_REFUSAL).u.refusal.code);
    proto_buf_fini(&buf);
    peer_close(&peer);
    bench_close(bench);
}

static void
frame_of_several_parts_is_malformed(void **state)
{
    struct bench *bench = *state;
    bench_open(bench);
    struct peer peer = peer_open(bench, 1);
    peer_hello(&peer);
    zmq_send(peer.socket, "a", 1, ZMQ_SNDMORE);
    zmq_send(peer.socket, "b", 1, ZMQ_SNDMORE);
    zmq_send(peer.socket, "c", 1, 0);
    assert_int_equal(PROTO_REFUSAL_CODE_MALFORMED, peer_expect(&peer, PROTO_REFUSAL).u.refusal.code);
    peer_send(&peer, "", 0);
    assert_int_equal(PROTO_REFUSAL_CODE_MALFORMED, peer_expect(&peer, PROTO_REFUSAL).u.refusal.code);
    peer_say(&peer, PROTO_PING, 3);
    assert_int_equal(3, peer_expect(&peer, PROTO_PONG).re);
    peer_close(&peer);
    bench_close(bench);
}

static void
too_many_records_in_a_frame_are_too_large(void **state)
{
    struct bench *bench = *state;
    struct proto_buf buf;
    struct proto_record record;
    bench->options.records_per_frame_max = 4;
    bench_open(bench);
    struct peer peer = peer_open(bench, 1);
    peer_hello(&peer);
    proto_buf_init(&buf, 4096);
    for (uint64_t i = 1; i <= 6; i++) {
        proto_record_init(&record, PROTO_STATS);
        record.n = i;
        assert_true(proto_encode(&buf, &record));
    }
    peer_send(&peer, buf.p, buf.n);
    for (uint64_t i = 1; i <= 4; i++) {
        assert_int_equal(i, bench_expect(bench, NET_RECORD).n);
    }
    assert_int_equal(PROTO_REFUSAL_CODE_TOO_LARGE, peer_expect(&peer, PROTO_REFUSAL).u.refusal.code);
    assert_int_equal(0, bench->heard_count);
    proto_buf_fini(&buf);
    peer_close(&peer);
    bench_close(bench);
}

static void
silence_of_three_heartbeats_ends_a_connection(void **state)
{
    struct bench *bench = *state;
    bench->options.heartbeat_us = 5000000;
    bench_open(bench);
    struct peer silent = peer_open(bench, 1), talker = peer_open(bench, 2);
    uint32_t conn = peer_hello(&silent);
    peer_hello(&talker);
    bench->now_us += 10000000;
    peer_say(&talker, PROTO_PING, 2);
    peer_expect(&talker, PROTO_PONG);
    assert_true(net_next_deadline(bench->net) <= bench->now_us + 5000001);
    bench->now_us += 5000000;
    bench_turn(bench);
    assert_int_equal(0, bench->heard_count); /* exactly three: not yet */
    bench->now_us += 1;
    assert_int_equal(conn, bench_expect(bench, NET_DISCONNECTED).conn);
    peer_expect(&silent, PROTO_BYE);
    peer_say(&talker, PROTO_PING, 3);
    peer_expect(&talker, PROTO_PONG);
    peer_close(&silent);
    peer_close(&talker);
    bench_close(bench);
}

/* After a pause of the broker's own, what peers said meanwhile counts before their silence does. */
static void
pause_of_the_broker_ends_nobody_who_spoke(void **state)
{
    struct bench *bench = *state;
    bench_open(bench);
    struct peer peer = peer_open(bench, 1);
    peer_hello(&peer);
    peer_say(&peer, PROTO_PING, 2);
    while (!net_ready(bench->net)) {
    }
    bench->now_us += 60000000;
    peer_expect(&peer, PROTO_PONG);
    assert_int_equal(0, figures(bench).dropped_silent);
    peer_close(&peer);
    bench_close(bench);
}

static void
peer_that_is_gone_is_noticed_at_the_next_send(void **state)
{
    struct bench *bench = *state;
    bench_open(bench);
    struct peer peer = peer_open(bench, 1);
    uint32_t conn = peer_hello(&peer);
    peer_close(&peer);
    while (bench->heard_count == 0) {
        event_send(bench, conn, 10);
        bench_turn(bench);
    }
    assert_int_equal(NET_DISCONNECTED, bench->heard[0].kind);
    assert_int_equal(0, figures(bench).connections);
    bench_close(bench);
}

static void
connections_of_one_key_are_capped(void **state)
{
    struct bench *bench = *state;
    bench->options.connections_per_key_max = 2;
    bench_open(bench);
    struct peer first = peer_open(bench, 1), second = peer_open(bench, 1), third = peer_open(bench, 1), other = peer_open(bench, 2);
    uint32_t first_conn = peer_hello(&first);
    bench->now_us += 1;
    peer_hello(&second);
    peer_say(&third, PROTO_HELLO, 1);
    assert_int_equal(PROTO_REFUSAL_CODE_QUOTA, peer_expect(&third, PROTO_REFUSAL).u.refusal.code);
    peer_hello(&other);
    /* One that has been silent for two heartbeats gives way to a new one of its own key. */
    bench->now_us += 2 * bench->options.heartbeat_us - 1;
    peer_say(&third, PROTO_HELLO, 2);
    assert_int_equal(PROTO_REFUSAL_CODE_QUOTA, peer_expect(&third, PROTO_REFUSAL).u.refusal.code);
    bench->now_us += 1;
    peer_hello(&third);
    assert_int_equal(first_conn, bench_expect(bench, NET_DISCONNECTED).conn);
    peer_close(&first);
    peer_close(&second);
    peer_close(&third);
    peer_close(&other);
    bench_close(bench);
}

static void
all_connections_are_capped(void **state)
{
    struct bench *bench = *state;
    bench->options.connections_max = 2;
    bench_open(bench);
    struct peer first = peer_open(bench, 1), second = peer_open(bench, 2), third = peer_open(bench, 3);
    peer_hello(&first);
    peer_hello(&second);
    peer_say(&third, PROTO_HELLO, 1);
    assert_int_equal(PROTO_REFUSAL_CODE_RETRY_LATER, peer_expect(&third, PROTO_REFUSAL).u.refusal.code);
    peer_say(&first, PROTO_BYE, 1);
    bench_expect(bench, NET_DISCONNECTED);
    peer_hello(&third);
    peer_close(&first);
    peer_close(&second);
    peer_close(&third);
    bench_close(bench);
}

static void
stopping_broker_says_bye_to_all(void **state)
{
    struct bench *bench = *state;
    bench_open(bench);
    struct peer first = peer_open(bench, 1), second = peer_open(bench, 2);
    peer_hello(&first);
    peer_hello(&second);
    net_bye_all(bench->net, "the broker stops");
    struct proto_record bye = peer_expect(&first, PROTO_BYE);
    assert_true(proto_str_eq(bye.u.bye.reason, PROTO_STR("the broker stops")));
    peer_expect(&second, PROTO_BYE);
    peer_close(&first);
    peer_close(&second);
    bench_close(bench);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(slow_peer_is_dropped_alone, setup),
        cmocka_unit_test_setup(peer_that_reads_late_gets_everything_in_order, setup),
        cmocka_unit_test_setup(frame_over_the_limit_is_refused_or_cuts_the_link, setup),
        cmocka_unit_test_setup(malformed_records_use_up_the_budget_of_their_connection, setup),
        cmocka_unit_test_setup(bad_record_in_a_frame_does_not_harm_those_before_it, setup),
        cmocka_unit_test_setup(frame_of_several_parts_is_malformed, setup),
        cmocka_unit_test_setup(too_many_records_in_a_frame_are_too_large, setup),
        cmocka_unit_test_setup(silence_of_three_heartbeats_ends_a_connection, setup),
        cmocka_unit_test_setup(pause_of_the_broker_ends_nobody_who_spoke, setup),
        cmocka_unit_test_setup(peer_that_is_gone_is_noticed_at_the_next_send, setup),
        cmocka_unit_test_setup(connections_of_one_key_are_capped, setup),
        cmocka_unit_test_setup(all_connections_are_capped, setup),
        cmocka_unit_test_setup(stopping_broker_says_bye_to_all, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
