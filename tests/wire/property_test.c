/*
 * Properties of the codec over random records, rows and journal events: decoding undoes encoding, `has` says what was
 * there, encoding is stable, random bytes never crash. One case with a seed: property_test --seed 7
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "chance.h"
#include "proto/reader.h"
#include "proto/id.h"
#include "vector.h"

enum { ROUNDS = 60, STORE_BYTES = 1 << 22 };

static uint64_t seed = 1;

static void
bufs_init(struct proto_buf *store, struct proto_buf *buf)
{
    proto_buf_init(store, STORE_BYTES);
    proto_buf_init(buf, STORE_BYTES);
    assert_true(proto_buf_reserve(store, STORE_BYTES));
}

static void
record_make(struct chance *chance, enum proto_type type, struct proto_buf *store, struct proto_record *out)
{
    const struct proto_desc *desc = proto_record_desc(type);
    uint64_t has;
    proto_buf_reset(store);
    proto_record_init(out, type);
    chance_fields(chance, desc, store, &out->u, &has);
    memcpy(&out->u, &has, sizeof has);
    out->n = chance_below(chance, 2) ? chance_sized(chance) : 0;
    out->re = chance_below(chance, 2) ? chance_sized(chance) : 0;
    if (desc->body) {
        out->body = (struct proto_bin){store->p, chance_below(chance, 300)};
    }
}

static void
decoding_undoes_encoding_for_every_record(void **state)
{
    (void)state;
    struct chance chance = {seed};
    struct proto_buf store;
    struct proto_buf buf;
    struct proto_buf again;
    bufs_init(&store, &buf);
    proto_buf_init(&again, STORE_BYTES);
    for (unsigned type = 1; type < proto_records_count; type++) {
        for (int round = 0; proto_record_desc((enum proto_type)type) != NULL && round < ROUNDS; round++) {
            struct proto_record record;
            struct proto_record read;
            struct proto_error error;
            size_t used;
            record_make(&chance, (enum proto_type)type, &store, &record);
            proto_buf_reset(&buf);
            assert_true(proto_record_check(&record, &error));
            assert_true(proto_encode(&buf, &record));
            if (!proto_decode(buf.p, buf.n, &used, &read, &error)) {
                fail_msg("%s: %s %s", proto_record_desc((enum proto_type)type)->name, error.path, error.why);
            }
            assert_int_equal(used, buf.n);
            assert_true(records_same(&record, &read));
            assert_memory_equal(&record.u, &read.u, sizeof(uint64_t)); /* has */
            proto_buf_reset(&again);
            assert_true(proto_encode(&again, &read));
            assert_int_equal(again.n, buf.n);
            assert_memory_equal(again.p, buf.p, buf.n);
        }
    }
    proto_buf_fini(&again);
    proto_buf_fini(&buf);
    proto_buf_fini(&store);
}

static void
decoding_undoes_encoding_for_every_row(void **state)
{
    (void)state;
    struct chance chance = {seed};
    struct proto_buf store;
    struct proto_buf buf;
    bufs_init(&store, &buf);
    for (unsigned type = 1; type < proto_structs_count; type++) {
        const struct proto_desc *desc = proto_struct_desc((enum proto_struct)type);
        void *row = desc ? calloc(1, desc->size) : NULL;
        void *read = desc ? calloc(1, desc->size) : NULL;
        for (int round = 0; desc != NULL && round < ROUNDS; round++) {
            uint64_t has;
            struct proto_error error;
            memset(row, 0, desc->size);
            proto_buf_reset(&store);
            proto_buf_reset(&buf);
            chance_fields(&chance, desc, &store, row, &has);
            memcpy(row, &has, sizeof has);
            assert_true(proto_struct_encode(&buf, (enum proto_struct)type, row));
            assert_true(proto_struct_decode(buf.p, buf.n, (enum proto_struct)type, read, &error));
            assert_true(fields_same(desc, row, read));
        }
        free(row);
        free(read);
    }
    proto_buf_fini(&buf);
    proto_buf_fini(&store);
}

static void
event_make(struct chance *chance, enum proto_ev type, struct proto_buf *store, struct proto_event *out)
{
    const struct proto_desc *desc = proto_ev_desc(type);
    uint64_t has;
    proto_buf_reset(store);
    memset(out, 0, sizeof *out);
    out->type = type;
    chance_fields(chance, proto_event_common_desc(), store, out, &has);
    out->has = has;
    chance_fields(chance, desc, store, &out->u, &has);
    out->u.has = has;
    out->body = (struct proto_bin){store->p, chance_below(chance, 300)};
}

/* The journal holds these bytes for years: D5 rests on the same event having the same bytes. */
static void
decoding_undoes_encoding_for_every_journal_event(void **state)
{
    (void)state;
    struct chance chance = {seed};
    struct proto_buf store;
    struct proto_buf buf;
    struct proto_buf again;
    bufs_init(&store, &buf);
    proto_buf_init(&again, STORE_BYTES);
    for (unsigned type = 1; type < proto_evs_count; type++) {
        const struct proto_desc *desc = proto_ev_desc((enum proto_ev)type);
        for (int round = 0; desc != NULL && round < ROUNDS; round++) {
            struct proto_event event;
            struct proto_event read;
            struct proto_error error;
            size_t used;
            event_make(&chance, (enum proto_ev)type, &store, &event);
            proto_buf_reset(&buf);
            assert_true(proto_event_encode(&buf, &event));
            if (!proto_event_decode(buf.p, buf.n, &used, &read, &error)) {
                fail_msg("%s: %s %s", desc->name, error.path, error.why);
            }
            assert_int_equal(used, buf.n);
            assert_true(read.type == event.type && read.has == event.has && read.u.has == event.u.has);
            assert_true(fields_same(proto_event_common_desc(), &event, &read));
            assert_true(fields_same(desc, &event.u, &read.u));
            proto_buf_reset(&again);
            assert_true(proto_event_encode(&again, &read));
            assert_true(again.n == buf.n && memcmp(again.p, buf.p, buf.n) == 0);
            for (size_t n = 0; round < 2 && n < buf.n; n++) {
                assert_false(proto_event_decode(buf.p, n, &used, &read, &error));
            }
        }
    }
    proto_buf_fini(&again);
    proto_buf_fini(&buf);
    proto_buf_fini(&store);
}

/* B1: random bytes with a plausible beginning. */
static void
random_bytes_never_do_harm(void **state)
{
    (void)state;
    struct chance chance = {seed};
    for (int round = 0; round < 20000; round++) {
        uint32_t n = chance_below(&chance, 120) + 1;
        uint8_t *bytes = malloc(n);
        for (uint32_t i = 0; i < n; i++) {
            bytes[i] = (uint8_t)chance_u64(&chance);
        }
        bytes[0] = (uint8_t)(0x80 | (bytes[0] & 0x0f));
        struct proto_record record;
        struct proto_event event;
        struct proto_error error;
        size_t used;
        assert_true(!proto_decode(bytes, n, &used, &record, &error) || used <= n);
        assert_true(!proto_event_decode(bytes, n, &used, &event, &error) || used <= n);
        struct proto_reader reader = {bytes, bytes + n};
        while (proto_skip(&reader)) {
        }
        assert_true(reader.p <= bytes + n);
        free(bytes);
    }
}

static void
an_id_and_its_text_name_each_other(void **state)
{
    (void)state;
    struct chance chance = {seed};
    for (int round = 0; round < 5000; round++) {
        uint64_t id = chance_sized(&chance);
        uint64_t read = 0;
        char text[PROTO_ID_CHARS + 1];
        proto_id_text(id, text);
        assert_true(proto_id_parse(text, PROTO_ID_CHARS, &read));
        assert_true(read == id);
        assert_true(proto_id_make(proto_id_shard(id), proto_id_seconds(id), proto_id_counter(id)) == id);
    }
}

int
main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--seed") == 0) {
        seed = strtoull(argv[2], NULL, 10);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decoding_undoes_encoding_for_every_record),
        cmocka_unit_test(decoding_undoes_encoding_for_every_row),
        cmocka_unit_test(decoding_undoes_encoding_for_every_journal_event),
        cmocka_unit_test(random_bytes_never_do_harm),
        cmocka_unit_test(an_id_and_its_text_name_each_other),
    };
    return cmocka_run_group_tests_name("wire properties", tests, NULL, NULL);
}
