/*
 * The quick way of decoding (proto/take.h) against the careful one: whatever the quick way takes, the careful way takes too,
 * and both read the same; and what the encoder writes goes the quick way. Over random records, rows and journal events,
 * each as it is, with bytes changed, cut short, and with pairs doubled. One case with a seed: take_test --seed 7
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "chance.h"
#include "proto/take.h"
#include "vector.h"

enum { ROUNDS = 20, CHANGES = 150, STORE_BYTES = 1 << 22 };

static uint64_t seed = 1;

/* Bytes that a header has a use for come up more often than others. */
static uint8_t
byte_make(struct chance *chance)
{
    static const uint8_t likely[] = {0x00, 0x01, 0x20, 0x7f, 0x80, 0x81, 0x8f, 0x90, 0xa0, 0xa1, 0xbf, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4,
                                     0xca, 0xcb, 0xcc, 0xcd, 0xce, 0xcf, 0xd0, 0xd3, 0xd9, 0xda, 0xdc, 0xde, 0xdf, 0xe0, 0xff};
    return chance_below(chance, 2) ? likely[chance_below(chance, sizeof likely)] : (uint8_t)chance_u64(chance);
}

/* A changed copy, in memory of exactly its size, so that a sanitizer sees every step outside. */
static uint8_t *
changed_copy(struct chance *chance, const uint8_t *p, size_t n, size_t *out_n)
{
    uint8_t *copy = malloc(n + 24);
    size_t at = chance_below(chance, (uint32_t)n);
    size_t head = at < 48 ? at : chance_below(chance, 48); /* most of what is interesting stands in front */
    assert_non_null(copy);
    memcpy(copy, p, n);
    switch (chance_below(chance, 5)) {
    case 0: /* cut short */
        n = at > 0 ? at : 1;
        break;
    case 1: { /* some bytes stand twice */
        size_t more = 1 + chance_below(chance, 20);
        more = more < n - at ? more : n - at;
        memmove(copy + at + more, copy + at, n - at);
        n += more;
        copy[0] = chance_below(chance, 2) ? (uint8_t)(copy[0] + 1) : copy[0]; /* one pair more */
        break;
    }
    case 2:
        copy[at] ^= (uint8_t)(1u << chance_below(chance, 8));
        break;
    case 3:
        copy[at] = byte_make(chance);
        copy[head] = byte_make(chance);
        break;
    default:
        copy[head] = byte_make(chance);
        break;
    }
    uint8_t *exact = malloc(n);
    assert_non_null(exact);
    memcpy(exact, copy, n);
    free(copy);
    *out_n = n;
    return exact;
}

/* Returns whether the quick way took it. */
static bool
record_compare(const uint8_t *p, size_t n)
{
    struct proto_record quick;
    struct proto_record careful;
    struct proto_error error;
    size_t quick_used = 0;
    size_t used = 0;
    if (!take_record(p, n, &quick_used, &quick)) {
        return false;
    }
    if (!decode_careful(p, n, &used, &careful, &error)) {
        fail_msg("only the quick way takes it: %s %s at %zu", error.path, error.why, error.at);
    }
    assert_int_equal(quick_used, used);
    assert_true(quick.type == careful.type && quick.n == careful.n && quick.re == careful.re);
    assert_true(quick.body.p == careful.body.p && quick.body.n == careful.body.n);
    assert_memory_equal(&quick.u, &careful.u, sizeof(uint64_t)); /* has */
    assert_true(records_same(&quick, &careful));
    return true;
}

static bool
event_compare(const uint8_t *p, size_t n)
{
    struct proto_event quick;
    struct proto_event careful;
    struct proto_error error;
    size_t quick_used = 0;
    size_t used = 0;
    if (!take_event(p, n, &quick_used, &quick)) {
        return false;
    }
    if (!event_decode_careful(p, n, &used, &careful, &error)) {
        fail_msg("only the quick way takes it: %s %s at %zu", error.path, error.why, error.at);
    }
    assert_int_equal(quick_used, used);
    assert_true(quick.type == careful.type && quick.has == careful.has && quick.u.has == careful.u.has);
    assert_true(quick.body.p == careful.body.p && quick.body.n == careful.body.n);
    assert_true(fields_same(proto_event_common_desc(), &quick, &careful));
    assert_true(fields_same(proto_ev_desc(quick.type), &quick.u, &careful.u));
    return true;
}

static bool
row_compare(const uint8_t *p, size_t n, const struct proto_desc *desc)
{
    uint64_t quick[128];
    uint64_t careful[128];
    struct proto_error error;
    assert_true(desc->size <= sizeof quick);
    if (!take_row(p, n, desc, quick)) {
        return false;
    }
    if (!row_decode_careful(p, n, desc, careful, &error)) {
        fail_msg("only the quick way takes it: %s %s at %zu", error.path, error.why, error.at);
    }
    assert_true(quick[0] == careful[0] && fields_same(desc, quick, careful));
    return true;
}

static void
bufs_init(struct proto_buf *store, struct proto_buf *buf)
{
    proto_buf_init(store, STORE_BYTES);
    proto_buf_init(buf, STORE_BYTES);
    assert_true(proto_buf_reserve(store, STORE_BYTES));
}

/* B1, B2 */
static void
quick_and_careful_read_the_same_record(void **state)
{
    (void)state;
    struct chance chance = {seed};
    struct proto_buf store;
    struct proto_buf buf;
    unsigned taken = 0;
    bufs_init(&store, &buf);
    for (unsigned round = 0; round < ROUNDS * proto_records_count; round++) {
        enum proto_type type = (enum proto_type)(round % proto_records_count);
        const struct proto_desc *desc = proto_record_desc(type);
        struct proto_record record;
        uint64_t has;
        if (desc == NULL) {
            continue;
        }
        proto_buf_reset(&store);
        proto_buf_reset(&buf);
        proto_record_init(&record, type);
        chance_fields(&chance, desc, &store, &record.u, &has);
        memcpy(&record.u, &has, sizeof has);
        record.n = chance_below(&chance, 2) ? chance_sized(&chance) : 0;
        record.re = chance_below(&chance, 2) ? chance_sized(&chance) : 0;
        record.body = (struct proto_bin){store.p, desc->body ? chance_below(&chance, 40) : 0};
        assert_true(proto_encode(&buf, &record));
        assert_true(record_compare(buf.p, buf.n));
        for (unsigned i = 0; i < CHANGES; i++) {
            size_t n;
            uint8_t *bytes = changed_copy(&chance, buf.p, buf.n, &n);
            taken += record_compare(bytes, n);
            free(bytes);
        }
    }
    assert_true(taken > 0);
    proto_buf_fini(&buf);
    proto_buf_fini(&store);
}

/* B1, D5 */
static void
quick_and_careful_read_the_same_journal_event(void **state)
{
    (void)state;
    struct chance chance = {seed};
    struct proto_buf store;
    struct proto_buf buf;
    unsigned taken = 0;
    bufs_init(&store, &buf);
    for (unsigned round = 0; round < ROUNDS * proto_evs_count; round++) {
        struct proto_event event = {.type = (enum proto_ev)(round % proto_evs_count)};
        const struct proto_desc *desc = proto_ev_desc(event.type);
        uint64_t has;
        if (desc == NULL) {
            continue;
        }
        proto_buf_reset(&store);
        proto_buf_reset(&buf);
        chance_fields(&chance, proto_event_common_desc(), &store, &event, &has);
        event.has = has;
        chance_fields(&chance, desc, &store, &event.u, &has);
        event.u.has = has;
        event.body = (struct proto_bin){store.p, chance_below(&chance, 40)};
        assert_true(proto_event_encode(&buf, &event));
        assert_true(event_compare(buf.p, buf.n));
        for (unsigned i = 0; i < CHANGES; i++) {
            size_t n;
            uint8_t *bytes = changed_copy(&chance, buf.p, buf.n, &n);
            taken += event_compare(bytes, n);
            free(bytes);
        }
    }
    assert_true(taken > 0);
    proto_buf_fini(&buf);
    proto_buf_fini(&store);
}

static void
quick_and_careful_read_the_same_row(void **state)
{
    (void)state;
    struct chance chance = {seed};
    struct proto_buf store;
    struct proto_buf buf;
    unsigned taken = 0;
    bufs_init(&store, &buf);
    for (unsigned round = 0; round < ROUNDS * proto_structs_count; round++) {
        enum proto_struct type = (enum proto_struct)(round % proto_structs_count);
        const struct proto_desc *desc = proto_struct_desc(type);
        uint64_t row[128] = {0};
        uint64_t has;
        if (desc == NULL) {
            continue;
        }
        proto_buf_reset(&store);
        proto_buf_reset(&buf);
        chance_fields(&chance, desc, &store, row, &has);
        row[0] = has;
        assert_true(proto_struct_encode(&buf, type, row));
        assert_true(row_compare(buf.p, buf.n, desc));
        for (unsigned i = 0; i < CHANGES; i++) {
            size_t n;
            uint8_t *bytes = changed_copy(&chance, buf.p, buf.n, &n);
            taken += row_compare(bytes, n, desc);
            free(bytes);
        }
    }
    assert_true(taken > 0);
    proto_buf_fini(&buf);
    proto_buf_fini(&store);
}

/* The largest number that has a shorter form, and the smallest that has none: the edges that chance hardly meets. */
static void
a_number_in_a_longer_form_is_refused_at_the_edge(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        uint64_t number; /* 0: refused */
    } cases[] = {
        {"\xcc\x7f", 2, 0},
        {"\xcc\x80", 2, 0x80},
        {"\xcd\x00\xff", 3, 0},
        {"\xcd\x01\x00", 3, 0x100},
        {"\xce\x00\x00\xff\xff", 5, 0},
        {"\xce\x00\x01\x00\x00", 5, 0x10000},
        {"\xcf\x00\x00\x00\x00\xff\xff\xff\xff", 9, 0},
        {"\xcf\x00\x00\x00\x01\x00\x00\x00\x00", 9, UINT64_C(0x100000000)},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct proto_buf buf;
        struct proto_record record;
        struct proto_error error;
        size_t used;
        proto_buf_init(&buf, 100);
        /* The body is long enough for the quick way's look ahead. */
        assert_true(proto_buf_append(&buf, "\x82\xa1t\xa4ping\xa1n", 10) && proto_buf_append(&buf, cases[i].bytes, cases[i].n) &&
                    proto_buf_append(&buf, "\xc4\x00\x00\x00\x00\x00\x00\x00\x00\x00", 10));
        bool taken = proto_decode(buf.p, buf.n, &used, &record, &error);
        assert_int_equal(taken, cases[i].number != 0);
        assert_true(!taken || record.n == cases[i].number);
        proto_buf_fini(&buf);
    }
}

/* The encoder asks for more room than it needs; a buffer that ends just behind the record must do nevertheless. */
static void
a_record_fits_a_buffer_of_exactly_its_size(void **state)
{
    (void)state;
    struct chance chance = {seed};
    struct proto_buf store;
    struct proto_buf buf;
    bufs_init(&store, &buf);
    for (unsigned type = 1; type < proto_records_count; type++) {
        const struct proto_desc *desc = proto_record_desc((enum proto_type)type);
        struct proto_record record;
        struct proto_buf tight;
        uint64_t has;
        if (desc == NULL) {
            continue;
        }
        proto_buf_reset(&store);
        proto_buf_reset(&buf);
        proto_record_init(&record, (enum proto_type)type);
        chance_fields(&chance, desc, &store, &record.u, &has);
        memcpy(&record.u, &has, sizeof has);
        assert_true(proto_encode(&buf, &record));
        proto_buf_init(&tight, buf.n + 3);
        assert_true(proto_buf_append(&tight, "abc", 3));
        assert_true(proto_encode(&tight, &record));
        assert_int_equal(tight.n, buf.n + 3);
        assert_memory_equal(tight.p + 3, buf.p, buf.n);
        proto_buf_fini(&tight);
        proto_buf_init(&tight, buf.n + 2);
        assert_true(proto_buf_append(&tight, "abc", 3));
        assert_false(proto_encode(&tight, &record));
        assert_int_equal(tight.n, 3);
        proto_buf_fini(&tight);
    }
    proto_buf_fini(&buf);
    proto_buf_fini(&store);
}

int
main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--seed") == 0) {
        seed = strtoull(argv[2], NULL, 10);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quick_and_careful_read_the_same_record),
        cmocka_unit_test(quick_and_careful_read_the_same_journal_event),
        cmocka_unit_test(quick_and_careful_read_the_same_row),
        cmocka_unit_test(a_number_in_a_longer_form_is_refused_at_the_edge),
        cmocka_unit_test(a_record_fits_a_buffer_of_exactly_its_size),
    };
    return cmocka_run_group_tests_name("wire quick and careful", tests, NULL, NULL);
}
