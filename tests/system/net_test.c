/*
 * The gateway: who is let in, what is said before anything else, and whose every frame is.
 */
#include "net_harness.h"

#include <stdio.h>
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
member_says_hello_and_is_heard(void **state)
{
    struct bench *bench = *state;
    bench_open(bench);
    struct peer peer = peer_open(bench, 3);
    peer_say(&peer, PROTO_HELLO, 7);
    struct heard hello = bench_expect(bench, NET_CONNECTED);
    assert_int_equal(7, hello.n);
    assert_int_equal(3, hello.peer.member);
    assert_int_equal(103, hello.peer.party);
    peer_say(&peer, PROTO_STATS, 8);
    struct heard stats = bench_expect(bench, NET_RECORD);
    assert_int_equal(PROTO_STATS, stats.type);
    assert_int_equal(hello.conn, stats.conn);
    peer_close(&peer);
    bench_close(bench);
}

/* C2 */
static void
unknown_key_fails_its_handshake(void **state)
{
    struct bench *bench = *state;
    bench_open(bench);
    struct peer peer = peer_open(bench, PEER_UNKNOWN_KEY);
    peer_say(&peer, PROTO_HELLO, 1);
    peer_expect_shut_out(&peer);
    assert_true(figures(bench).handshakes_refused > 0);
    assert_int_equal(0, figures(bench).frames_in);
    peer_close(&peer);
    bench_close(bench);
}

/* C1, C2 */
static void
peer_without_a_key_never_reaches_the_decoder(void **state)
{
    struct bench *bench = *state;
    bench_open(bench);
    struct peer peer = peer_open(bench, PEER_NO_KEY);
    peer_say(&peer, PROTO_HELLO, 1);
    peer_expect_shut_out(&peer);
    assert_int_equal(0, figures(bench).frames_in);
    assert_int_equal(0, figures(bench).connections);
    peer_close(&peer);
    bench_close(bench);
}

/* C2 */
static void
plain_text_is_refused_beyond_loopback(void **state)
{
    struct bench *bench = *state;
    char error[NET_ERROR_BYTES] = "";
    bench->options.plain_text = true;
    bench->options.endpoints[0] = "tcp://0.0.0.0:*";
    assert_int_equal(NET_CONFIG, net_open(&bench->options, &bench->net, error));
    assert_non_null(strstr(error, "0.0.0.0"));
    assert_null(bench->net);
    bench_close(bench);
}

static void
plain_text_peer_is_the_one_party(void **state)
{
    struct bench *bench = *state;
    bench->options.plain_text = true;
    memset(bench->keys[5], 0, NET_KEY_BYTES);
    bench_open(bench);
    struct peer peer = peer_open(bench, PEER_PLAIN);
    peer_say(&peer, PROTO_HELLO, 1);
    assert_int_equal(5, bench_expect(bench, NET_CONNECTED).peer.member);
    peer_close(&peer);
    bench_close(bench);
}

static void
missing_server_key_is_a_configuration_error(void **state)
{
    struct bench *bench = *state;
    char error[NET_ERROR_BYTES] = "";
    memset(bench->options.server_secret, 0, NET_KEY_BYTES);
    assert_int_equal(NET_CONFIG, net_open(&bench->options, &bench->net, error));
    bench_close(bench);
}

static void
endpoint_in_use_is_said(void **state)
{
    struct bench *bench = *state;
    char error[NET_ERROR_BYTES] = "";
    struct net *second = NULL;
    bench_open(bench);
    bench->options.endpoints[0] = net_endpoint(bench->net, 0);
    assert_int_equal(NET_IN_USE, net_open(&bench->options, &second, error));
    assert_non_null(strstr(error, bench->options.endpoints[0]));
    assert_null(second);
    bench_close(bench);
}

/* C4 */
static void
revoked_key_holds_nothing_from_its_next_message(void **state)
{
    struct bench *bench = *state;
    bench_open(bench);
    struct peer peer = peer_open(bench, 2), other = peer_open(bench, 3);
    uint32_t conn = peer_hello(&peer);
    peer_hello(&other);
    bench->revoked[2] = true;
    peer_say(&peer, PROTO_STATS, 2);
    struct proto_record refusal = peer_expect(&peer, PROTO_REFUSAL);
    assert_int_equal(PROTO_REFUSAL_CODE_FORBIDDEN, refusal.u.refusal.code);
    peer_expect(&peer, PROTO_BYE);
    assert_int_equal(conn, bench_expect(bench, NET_DISCONNECTED).conn);
    /* What it says after that is not even answered; the other goes on. */
    peer_say(&peer, PROTO_HELLO, 3);
    peer_say(&other, PROTO_STATS, 4);
    struct heard heard = bench_expect(bench, NET_RECORD);
    assert_int_equal(3, heard.peer.member);
    assert_int_equal(1, figures(bench).dropped_revoked);
    peer_close(&peer);
    peer_close(&other);
    bench_close(bench);
}

/* A peer that chose its id could be sent what is meant for another that chose the same one before. */
static void
peer_with_its_own_routing_id_is_refused(void **state)
{
    struct bench *bench = *state;
    bench_open(bench);
    static const char *const names[] = {"me", "abcde"}; /* the second as long as those that libzmq gives */
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        struct peer peer = peer_open_named(bench, 1, names[i]);
        peer_say(&peer, PROTO_HELLO, 1);
        assert_int_equal(PROTO_REFUSAL_CODE_UNSUPPORTED, peer_expect(&peer, PROTO_REFUSAL).u.refusal.code);
        assert_int_equal(0, figures(bench).connections);
        peer_close(&peer);
    }
    bench_close(bench);
}

static void
nothing_is_heard_before_hello(void **state)
{
    struct bench *bench = *state;
    bench_open(bench);
    struct peer peer = peer_open(bench, 1);
    peer_say(&peer, PROTO_PING, 41);
    struct proto_record refusal = peer_expect(&peer, PROTO_REFUSAL);
    assert_int_equal(PROTO_REFUSAL_CODE_FORBIDDEN, refusal.u.refusal.code);
    assert_int_equal(41, refusal.re);
    assert_true(proto_str_eq(refusal.u.refusal.path, PROTO_STR("hello")));
    peer_hello(&peer);
    peer_say(&peer, PROTO_PING, 42);
    assert_int_equal(42, peer_expect(&peer, PROTO_PONG).re);
    peer_close(&peer);
    bench_close(bench);
}

static void
other_version_is_unsupported(void **state)
{
    struct bench *bench = *state;
    struct proto_record record;
    bench_open(bench);
    struct peer peer = peer_open(bench, 1);
    proto_record_init(&record, PROTO_HELLO);
    record.n = 5;
    record.u.hello.version = PROTO_VERSION + 1;
    peer_record(&peer, &record);
    struct proto_record refusal = peer_expect(&peer, PROTO_REFUSAL);
    assert_int_equal(PROTO_REFUSAL_CODE_UNSUPPORTED, refusal.u.refusal.code);
    assert_int_equal(5, refusal.re);
    peer_close(&peer);
    bench_close(bench);
}

static void
record_of_a_broker_is_unsupported(void **state)
{
    struct bench *bench = *state;
    bench_open(bench);
    struct peer peer = peer_open(bench, 1);
    peer_hello(&peer);
    peer_say(&peer, PROTO_RECEIPT, 9);
    struct proto_record refusal = peer_expect(&peer, PROTO_REFUSAL);
    assert_int_equal(PROTO_REFUSAL_CODE_UNSUPPORTED, refusal.u.refusal.code);
    assert_int_equal(9, refusal.re);
    peer_close(&peer);
    bench_close(bench);
}

static void
bye_ends_a_connection_and_hello_makes_another(void **state)
{
    struct bench *bench = *state;
    bench_open(bench);
    struct peer peer = peer_open(bench, 1);
    uint32_t conn = peer_hello(&peer);
    peer_say(&peer, PROTO_BYE, 2);
    assert_int_equal(conn, bench_expect(bench, NET_DISCONNECTED).conn);
    uint32_t again = peer_hello(&peer);
    assert_int_not_equal(conn, again);
    /* The old handle is known to be over. */
    assert_int_equal(0, net_room(bench->net, conn));
    net_drop(bench->net, conn, "never mind");
    assert_true(net_room(bench->net, again) > 0);
    peer_close(&peer);
    bench_close(bench);
}

static void
frame_may_hold_many_records(void **state)
{
    struct bench *bench = *state;
    struct proto_buf buf;
    struct proto_record record;
    bench_open(bench);
    struct peer peer = peer_open(bench, 1);
    proto_buf_init(&buf, 1 << 20);
    proto_record_init(&record, PROTO_HELLO);
    record.u.hello.version = PROTO_VERSION;
    assert_true(proto_encode(&buf, &record));
    for (uint64_t i = 1; i <= 100; i++) {
        proto_record_init(&record, PROTO_STATS);
        record.n = i;
        assert_true(proto_encode(&buf, &record));
    }
    peer_send(&peer, buf.p, buf.n);
    bench_expect(bench, NET_CONNECTED);
    for (uint64_t i = 1; i <= 100; i++) {
        assert_int_equal(i, bench_expect(bench, NET_RECORD).n);
    }
    assert_int_equal(1, figures(bench).frames_in);
    proto_buf_fini(&buf);
    peer_close(&peer);
    bench_close(bench);
}

static void
what_is_ready_at_the_same_moment_leaves_as_one_frame(void **state)
{
    struct bench *bench = *state;
    struct proto_record record;
    bench_open(bench);
    struct peer peer = peer_open(bench, 1);
    uint32_t conn = peer_hello(&peer);
    uint64_t frames = figures(bench).frames_out;
    for (uint64_t i = 1; i <= 20; i++) {
        proto_record_init(&record, PROTO_RECEIPT);
        record.re = i;
        net_send_record(bench->net, conn, &record);
    }
    for (uint64_t i = 1; i <= 20; i++) {
        assert_int_equal(i, peer_expect(&peer, PROTO_RECEIPT).re);
    }
    assert_int_equal(frames + 1, figures(bench).frames_out);
    peer_close(&peer);
    bench_close(bench);
}

static void
header_and_body_may_lie_apart(void **state)
{
    struct bench *bench = *state;
    struct proto_record record;
    struct proto_buf header;
    static uint8_t body[60000];
    bench_open(bench);
    struct peer peer = peer_open(bench, 1);
    uint32_t conn = peer_hello(&peer);
    memset(body, 'x', sizeof body);
    proto_buf_init(&header, 4096);
    proto_record_init(&record, PROTO_EVENT);
    record.u.event.id = 77;
    assert_true(proto_encode_header(&header, &record));
    net_send_parts(bench->net, conn, (struct proto_bin){header.p, (uint32_t)header.n}, (struct proto_bin){body, sizeof body});
    record = peer_expect(&peer, PROTO_EVENT);
    assert_int_equal(77, record.u.event.id);
    assert_int_equal(sizeof body, record.body.n);
    assert_memory_equal(body, record.body.p, sizeof body);
    proto_buf_fini(&header);
    peer_close(&peer);
    bench_close(bench);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(member_says_hello_and_is_heard, setup),
        cmocka_unit_test_setup(unknown_key_fails_its_handshake, setup),
        cmocka_unit_test_setup(peer_without_a_key_never_reaches_the_decoder, setup),
        cmocka_unit_test_setup(plain_text_is_refused_beyond_loopback, setup),
        cmocka_unit_test_setup(plain_text_peer_is_the_one_party, setup),
        cmocka_unit_test_setup(missing_server_key_is_a_configuration_error, setup),
        cmocka_unit_test_setup(endpoint_in_use_is_said, setup),
        cmocka_unit_test_setup(revoked_key_holds_nothing_from_its_next_message, setup),
        cmocka_unit_test_setup(peer_with_its_own_routing_id_is_refused, setup),
        cmocka_unit_test_setup(nothing_is_heard_before_hello, setup),
        cmocka_unit_test_setup(other_version_is_unsupported, setup),
        cmocka_unit_test_setup(record_of_a_broker_is_unsupported, setup),
        cmocka_unit_test_setup(bye_ends_a_connection_and_hello_makes_another, setup),
        cmocka_unit_test_setup(frame_may_hold_many_records, setup),
        cmocka_unit_test_setup(what_is_ready_at_the_same_moment_leaves_as_one_frame, setup),
        cmocka_unit_test_setup(header_and_body_may_lie_apart, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
