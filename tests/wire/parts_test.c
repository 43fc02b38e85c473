/*
 * The small parts of proto: buffer, reader, writer, ids, code tables, and the limits at their edges.
 * Guards B1 (memory within budget for any input) and B5 (no quadratic step) where named.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/check.h"
#include "proto/codec.h"
#include "proto/id.h"
#include "proto/reader.h"
#include "proto/writer.h"

static void
a_full_buffer_stays_as_it_was(void **state)
{
    (void)state;
    struct proto_buf buf;
    proto_buf_init(&buf, 700);
    uint8_t bytes[600] = {7};
    assert_true(proto_buf_append(&buf, bytes, 600));
    assert_false(proto_buf_append(&buf, bytes, 101));
    assert_false(proto_buf_reserve(&buf, SIZE_MAX));
    assert_int_equal(buf.n, 600);
    assert_true(proto_buf_append(&buf, bytes, 100));
    struct proto_record ping;
    proto_record_init(&ping, PROTO_PING);
    assert_false(proto_encode(&buf, &ping));
    assert_int_equal(buf.n, 700);
    proto_buf_consume(&buf, 100);
    assert_int_equal(buf.n, 600);
    assert_int_equal(buf.p[500], 7);
    proto_buf_fini(&buf);
}

static void
a_record_that_does_not_fit_leaves_nothing_behind(void **state)
{
    (void)state;
    struct proto_record record;
    proto_record_init(&record, PROTO_SUBMIT);
    record.u.submit.service = PROTO_STR("testing.release");
    record.body = (struct proto_bin){(const uint8_t *)"0123456789", 10};
    struct proto_buf whole;
    proto_buf_init(&whole, 1000);
    assert_true(proto_encode(&whole, &record));
    for (size_t max = 0; max < whole.n; max++) {
        struct proto_buf buf;
        proto_buf_init(&buf, max);
        assert_false(proto_encode(&buf, &record));
        assert_int_equal(buf.n, 0);
        proto_buf_fini(&buf);
    }
    proto_buf_fini(&whole);
}

static void
values_outside_the_schema_are_not_encoded(void **state)
{
    (void)state;
    char text[2000];
    memset(text, 'a', sizeof text);
    struct proto_buf buf;
    struct proto_error error;
    struct proto_record record;
    proto_buf_init(&buf, 1 << 20);
    proto_record_init(&record, PROTO_SUBMIT);
    assert_false(proto_record_check(&record, &error));
    assert_string_equal(error.path, "service");
    record.u.submit.service = (struct proto_str){text, 65};
    assert_false(proto_encode(&buf, &record));
    assert_false(proto_record_check(&record, &error));
    record.u.submit.service = (struct proto_str){"\xff", 1};
    assert_false(proto_record_check(&record, &error));
    record.u.submit.service = PROTO_STR("s");
    record.u.submit.latitude = 0.0 / 0.0;
    assert_false(proto_encode(&buf, &record));
    record.u.submit.latitude = 1;
    record.u.submit.input = (struct proto_bin){(const uint8_t *)"\x90", 1};
    assert_false(proto_encode(&buf, &record));
    record.u.submit.input = (struct proto_bin){(const uint8_t *)"\x81\xa1", 2};
    assert_false(proto_record_check(&record, &error));
    assert_string_equal(error.path, "input");
    assert_int_equal(buf.n, 0);
    proto_buf_fini(&buf);
}

static void
defaults_stand_where_nothing_was_on_the_wire(void **state)
{
    (void)state;
    struct proto_record record;
    struct proto_error error;
    size_t used;
    static const uint8_t bytes[] = "\x82\xa1t\xa6submit\xa7service\xa1s\xc4\x00";
    assert_true(proto_decode(bytes, sizeof bytes - 1, &used, &record, &error));
    assert_int_equal(record.u.submit.priority, PROTO_PRIORITY_ROUTINE);
    assert_int_equal(record.u.submit.notify, PROTO_NOTIFY_OUTCOME);
    assert_true(PROTO_HAS(&record.u.submit, SUBMIT, SERVICE));
    assert_false(PROTO_HAS(&record.u.submit, SUBMIT, PRIORITY));
}

/* Forward compatibility: a later version's field is passed over, but must be valid. */
static void
an_unknown_field_is_ignored(void **state)
{
    (void)state;
    struct proto_record record;
    struct proto_error error;
    size_t used;
    static const uint8_t bytes[] = "\x83\xa1t\xa6submit\xa5later\x81\xa1x\x01\xa7service\xa1s\xc4\x00";
    assert_true(proto_decode(bytes, sizeof bytes - 1, &used, &record, &error));
    assert_true(proto_str_eq(record.u.submit.service, PROTO_STR("s")));
}

static void
an_unknown_word_from_a_newer_broker_is_taken_as_absent(void **state)
{
    (void)state;
    struct proto_record record;
    struct proto_error error;
    size_t used;
    static const uint8_t bytes[] = "\x82\xa1t\xa7receipt\xa6status\xa5later\xc4\x00";
    assert_true(proto_decode(bytes, sizeof bytes - 1, &used, &record, &error));
    assert_int_equal(record.u.receipt.status, 0);
    assert_false(PROTO_HAS(&record.u.receipt, RECEIPT, STATUS));
}

static void
a_refused_record_still_tells_its_number_and_its_end(void **state)
{
    (void)state;
    struct proto_record record;
    struct proto_error error;
    size_t used;
    static const uint8_t bytes[] = "\x82\xa1t\xa6submit\xa1n\x07\xc4\x00\xff\xff";
    assert_false(proto_decode(bytes, sizeof bytes - 1, &used, &record, &error));
    assert_int_equal(error.code, PROTO_REFUSAL_CODE_INVALID);
    assert_string_equal(error.path, "service");
    assert_true(record.n == 7 && record.type == PROTO_SUBMIT);
    assert_int_equal(used, sizeof bytes - 1 - 2);
}

/* A record with `pairs` more header fields than t and service, or an input that nests or a body that is long. */
static bool
submit_decodes(uint32_t more_pairs, uint32_t nesting, uint32_t body_bytes, struct proto_error *error, size_t *used)
{
    struct proto_buf buf;
    proto_buf_init(&buf, 1 << 20);
    proto_put_map(&buf, 2 + more_pairs + (nesting > 0));
    proto_put_key(&buf, "t");
    proto_put_str(&buf, PROTO_STR("submit"));
    proto_put_key(&buf, "service");
    proto_put_str(&buf, PROTO_STR("s"));
    for (uint32_t i = 0; i < more_pairs; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%u", i);
        proto_put_key(&buf, key);
        proto_put_nil(&buf);
    }
    if (nesting > 0) {
        proto_put_key(&buf, "input");
        for (uint32_t i = 0; i < nesting; i++) {
            proto_put_map(&buf, 1);
            proto_put_key(&buf, "a");
        }
        proto_put_nil(&buf);
    }
    uint8_t *body = calloc(1, body_bytes + 1);
    proto_put_bin(&buf, (struct proto_bin){body, body_bytes});
    struct proto_record record;
    bool ok = proto_decode(buf.p, buf.n, used, &record, error);
    assert_true(*used == 0 || *used == buf.n);
    free(body);
    proto_buf_fini(&buf);
    return ok;
}

static void
limits_hold_at_their_edges(void **state)
{
    (void)state;
    struct proto_error error;
    size_t used;
    assert_true(submit_decodes(PROTO_LIMIT_HEADER_FIELDS - 2, 0, 0, &error, &used));
    assert_false(submit_decodes(PROTO_LIMIT_HEADER_FIELDS - 1, 0, 0, &error, &used));
    assert_int_equal(error.code, PROTO_REFUSAL_CODE_MALFORMED);
    assert_true(submit_decodes(0, PROTO_LIMIT_DEPTH, 0, &error, &used));
    assert_false(submit_decodes(0, PROTO_LIMIT_DEPTH + 1, 0, &error, &used));
    assert_int_equal(error.code, PROTO_REFUSAL_CODE_MALFORMED);
    assert_true(submit_decodes(0, 0, PROTO_LIMIT_BODY_BYTES, &error, &used));
    assert_false(submit_decodes(0, 0, PROTO_LIMIT_BODY_BYTES + 1, &error, &used));
    assert_int_equal(error.code, PROTO_REFUSAL_CODE_TOO_LARGE);
    assert_string_equal(error.path, "body");
    assert_true(used > 0);
}

/* What a client may send, the broker must be able to show: in a page, as a row's input, with a trail beside it. */
static void
the_deepest_input_fits_into_a_page(void **state)
{
    (void)state;
    struct proto_buf input;
    struct proto_buf rows;
    struct proto_buf page;
    proto_buf_init(&input, 1000);
    proto_buf_init(&rows, 10000);
    proto_buf_init(&page, 10000);
    for (uint32_t i = 0; i < PROTO_LIMIT_DEPTH; i++) {
        proto_put_map(&input, 1);
        proto_put_key(&input, "a");
    }
    proto_put_nil(&input);
    struct proto_request row = {.id = 5, .input = {input.p, (uint32_t)input.n}};
    size_t mark;
    assert_true(proto_list_begin(&rows, &mark));
    assert_true(proto_struct_encode(&rows, PROTO_STRUCT_REQUEST, &row));
    proto_list_end(&rows, mark, 1);
    struct proto_record record;
    struct proto_error error;
    size_t used;
    proto_record_init(&record, PROTO_PAGE);
    record.u.page.rows = (struct proto_bin){rows.p, (uint32_t)rows.n};
    assert_true(proto_encode(&page, &record));
    assert_true(proto_decode(page.p, page.n, &used, &record, &error));
    struct proto_iter it = proto_iter_of(record.u.page.rows);
    assert_int_equal(it.left, 1);
    assert_true(proto_iter_struct(&it, PROTO_STRUCT_REQUEST, &row));
    assert_true(row.id == 5 && row.input.n == input.n);
    assert_false(proto_iter_struct(&it, PROTO_STRUCT_REQUEST, &row));
    proto_buf_fini(&page);
    proto_buf_fini(&rows);
    proto_buf_fini(&input);
}

static void
a_list_of_unknown_length_gets_the_shortest_head(void **state)
{
    (void)state;
    static const uint32_t counts[] = {0, 1, 15, 16, 1000};
    for (size_t k = 0; k < sizeof counts / sizeof counts[0]; k++) {
        struct proto_buf buf;
        struct proto_error error;
        size_t mark;
        proto_buf_init(&buf, 1 << 20);
        assert_true(proto_put_bool(&buf, true));
        assert_true(proto_list_begin(&buf, &mark));
        for (uint32_t i = 0; i < counts[k]; i++) {
            assert_true(proto_put_u64(&buf, i));
        }
        proto_list_end(&buf, mark, counts[k]);
        struct proto_bin list = {buf.p + 1, (uint32_t)buf.n - 1};
        assert_true(proto_list_check(list, &error));
        assert_int_equal(proto_list_count(list), counts[k]);
        assert_false(proto_map_check(list, &error));
        proto_buf_fini(&buf);
    }
}

static void
a_map_gives_the_value_under_a_key(void **state)
{
    (void)state;
    struct proto_buf buf;
    proto_buf_init(&buf, 1000);
    proto_put_map(&buf, 3);
    proto_put_key(&buf, "list");
    proto_put_list(&buf, 2);
    proto_put_i64(&buf, -5);
    proto_put_f64(&buf, 2.5);
    proto_put_key(&buf, "text");
    proto_put_str(&buf, PROTO_STR("value"));
    proto_put_key(&buf, "none");
    proto_put_nil(&buf);
    struct proto_bin map = {buf.p, (uint32_t)buf.n};
    struct proto_token token;
    struct proto_bin value;
    double number;
    assert_true(proto_map_token(map, PROTO_STR("text"), &token));
    assert_true(token.kind == PROTO_KIND_STR && proto_str_eq(token.str, PROTO_STR("value")));
    assert_true(proto_map_find(map, PROTO_STR("list"), &value));
    struct proto_reader reader = proto_reader_of(value);
    assert_true(proto_next(&reader, &token) && token.kind == PROTO_KIND_LIST && token.count == 2);
    assert_true(proto_next(&reader, &token) && token.kind == PROTO_KIND_INT && token.i == -5);
    assert_true(proto_next(&reader, &token) && proto_token_f64(&token, &number) && number == 2.5);
    assert_false(proto_next(&reader, &token));
    assert_false(proto_map_find(map, PROTO_STR("absent"), &value));
    assert_int_equal(proto_map_count(map), 3);
    proto_buf_fini(&buf);
}

/* B5: keys chosen so that their prints agree; the cap on pairs bounds the work. */
static void
a_map_with_too_many_pairs_is_refused(void **state)
{
    (void)state;
    for (uint32_t pairs = PROTO_LIMIT_MAP_FIELDS; pairs <= PROTO_LIMIT_MAP_FIELDS + 1; pairs++) {
        struct proto_buf buf;
        struct proto_error error;
        struct proto_check check = {.depth_max = 8, .pairs_max = PROTO_LIMIT_MAP_FIELDS};
        size_t used;
        proto_buf_init(&buf, 1 << 20);
        proto_put_list(&buf, 1);
        proto_put_map(&buf, pairs);
        for (uint32_t i = 0; i < pairs; i++) {
            char key[32];
            snprintf(key, sizeof key, "same%04u_same_same", i);
            proto_put_key(&buf, key);
            proto_put_nil(&buf);
        }
        assert_int_equal(proto_check_value(&check, buf.p, buf.n, &used, &error), pairs == PROTO_LIMIT_MAP_FIELDS);
        proto_buf_fini(&buf);
    }
}

/* B1: the nesting ends where the caller said, not where the validator itself would. */
static void
nesting_ends_at_the_depth_that_was_asked_for(void **state)
{
    (void)state;
    for (uint32_t depth_max = 1; depth_max < 12; depth_max++) {
        for (uint32_t depth = depth_max; depth <= depth_max + 1; depth++) {
            struct proto_buf buf;
            struct proto_error error;
            struct proto_check check = {.depth_max = depth_max, .pairs_max = 8};
            size_t used;
            proto_buf_init(&buf, 100);
            for (uint32_t i = 0; i < depth; i++) {
                proto_put_list(&buf, 1);
            }
            proto_put_nil(&buf);
            assert_int_equal(proto_check_value(&check, buf.p, buf.n, &used, &error), depth == depth_max);
            proto_buf_fini(&buf);
        }
    }
}

static void
ids_are_read_as_people_write_them(void **state)
{
    (void)state;
    uint64_t id = 0;
    char text[PROTO_ID_CHARS + 1];
    proto_id_text(UINT64_MAX, text);
    assert_string_equal(text, "FZZZZZZZZZZZZ");
    proto_id_text(proto_id_make(1, 0x66900000, 64), text);
    assert_true(proto_id_parse(text, PROTO_ID_CHARS, &id));
    assert_int_equal(proto_id_shard(id), 1);
    assert_int_equal(proto_id_seconds(id), 0x66900000);
    assert_int_equal(proto_id_counter(id), 64);
    assert_true(proto_id_parse("fzzzzzzzzzzzz", 13, &id) && id == UINT64_MAX);
    assert_true(proto_id_parse("oOiIlL0000000", 13, &id) && id == UINT64_C(0x4210800000000));
    id = 77;
    assert_false(proto_id_parse("GZZZZZZZZZZZZ", 13, &id)); /* 65 bits */
    assert_false(proto_id_parse("0000000000000", 12, &id));
    assert_false(proto_id_parse("000000000000U", 13, &id));
    assert_false(proto_id_parse("000000000000-", 13, &id));
    assert_true(id == 77);
}

static void
codes_and_their_numbers_name_each_other(void **state)
{
    (void)state;
    for (unsigned table = 0; table < proto_enums_count; table++) {
        unsigned words = 0;
        for (unsigned number = 0; number < proto_enum_desc((enum proto_enum)table)->count; number++) {
            const char *name = proto_enum_name((enum proto_enum)table, number);
            unsigned back;
            if (name != NULL) {
                assert_true(proto_enum_number((enum proto_enum)table, name, strlen(name), &back));
                assert_int_equal(back, number);
                words++;
            }
        }
        assert_true(words > 0);
    }
    unsigned number = 9;
    assert_false(proto_enum_number(PROTO_ENUM_STATUS, "", 0, &number));
    assert_false(proto_enum_number(PROTO_ENUM_STATUS, "done", 4, &number));
    assert_int_equal(number, 9);
    assert_null(proto_enum_name(PROTO_ENUM_STATUS, 0));
    assert_null(proto_enum_name(PROTO_ENUM_STATUS, 4000000000u));
}

static void
every_kind_of_page_has_a_struct_for_its_rows(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < proto_enum_desc(PROTO_ENUM_PAGE_KIND)->count; kind++) {
        enum proto_struct type;
        bool named = proto_enum_name(PROTO_ENUM_PAGE_KIND, kind) != NULL;
        assert_int_equal(proto_page_struct((enum proto_page_kind)kind, &type), named);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_buffer_stays_as_it_was),
        cmocka_unit_test(a_record_that_does_not_fit_leaves_nothing_behind),
        cmocka_unit_test(values_outside_the_schema_are_not_encoded),
        cmocka_unit_test(defaults_stand_where_nothing_was_on_the_wire),
        cmocka_unit_test(an_unknown_field_is_ignored),
        cmocka_unit_test(an_unknown_word_from_a_newer_broker_is_taken_as_absent),
        cmocka_unit_test(a_refused_record_still_tells_its_number_and_its_end),
        cmocka_unit_test(limits_hold_at_their_edges),
        cmocka_unit_test(the_deepest_input_fits_into_a_page),
        cmocka_unit_test(a_list_of_unknown_length_gets_the_shortest_head),
        cmocka_unit_test(a_map_gives_the_value_under_a_key),
        cmocka_unit_test(a_map_with_too_many_pairs_is_refused),
        cmocka_unit_test(nesting_ends_at_the_depth_that_was_asked_for),
        cmocka_unit_test(ids_are_read_as_people_write_them),
        cmocka_unit_test(codes_and_their_numbers_name_each_other),
        cmocka_unit_test(every_kind_of_page_has_a_struct_for_its_rows),
    };
    return cmocka_run_group_tests_name("wire parts", tests, NULL, NULL);
}
