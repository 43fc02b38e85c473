/*
 * Golden vectors: every meaning has exactly these bytes, and every hostile one is refused as the file says.
 * Guards B1 (bounded for any input) and the wire itself: once released, these bytes do not change.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "vector.h"

static struct vector *vectors;
static unsigned vector_count;

static void
store_init(struct proto_buf *store)
{
    proto_buf_init(store, 1 << 20);
    assert_true(proto_buf_reserve(store, 1 << 16));
}

static void
every_meaning_encodes_to_its_golden_bytes(void **state)
{
    (void)state;
    struct proto_buf store;
    struct proto_buf buf;
    store_init(&store);
    proto_buf_init(&buf, 1 << 20);
    for (unsigned i = 0; i < vector_count; i++) {
        if (vectors[i].refusal[0] != '\0') {
            continue;
        }
        struct proto_record record;
        struct proto_error error;
        proto_buf_reset(&store);
        proto_buf_reset(&buf);
        vector_record(&vectors[i], &store, &record);
        if (!proto_record_check(&record, &error) || !proto_encode(&buf, &record) || buf.n != vectors[i].byte_count ||
            memcmp(buf.p, vectors[i].bytes, buf.n) != 0) {
            fail_msg("%s is encoded otherwise", vectors[i].name);
        }
    }
    proto_buf_fini(&buf);
    proto_buf_fini(&store);
}

static void
every_golden_vector_decodes_to_its_meaning(void **state)
{
    (void)state;
    struct proto_buf store;
    store_init(&store);
    for (unsigned i = 0; i < vector_count; i++) {
        if (vectors[i].refusal[0] != '\0') {
            continue;
        }
        struct proto_record meant;
        struct proto_record record;
        struct proto_error error;
        size_t used;
        proto_buf_reset(&store);
        vector_record(&vectors[i], &store, &meant);
        if (!proto_decode(vectors[i].bytes, vectors[i].byte_count, &used, &record, &error)) {
            fail_msg("%s is refused: %s at %zu", vectors[i].name, error.why, error.at);
        }
        assert_int_equal(used, vectors[i].byte_count);
        if (!records_same(&meant, &record)) {
            fail_msg("%s means something else", vectors[i].name);
        }
    }
    proto_buf_fini(&store);
}

static void
every_hostile_vector_is_refused_with_its_code_and_path(void **state)
{
    (void)state;
    for (unsigned i = 0; i < vector_count; i++) {
        const struct vector *vector = &vectors[i];
        if (vector->refusal[0] == '\0') {
            continue;
        }
        struct proto_record record;
        struct proto_error error;
        size_t used;
        if (proto_decode(vector->bytes, vector->byte_count, &used, &record, &error)) {
            fail_msg("%s is accepted", vector->name);
        }
        const char *code = proto_enum_name(PROTO_ENUM_REFUSAL_CODE, error.code);
        if (strcmp(code, vector->refusal) != 0 || strcmp(error.path, vector->path) != 0 || error.why == NULL) {
            fail_msg("%s: %s '%s', not %s '%s'", vector->name, code, error.path, vector->refusal, vector->path);
        }
        /* A refusal for what a record means leaves the rest of the frame readable. */
        if (error.code != PROTO_REFUSAL_CODE_MALFORMED) {
            assert_int_equal(used, vector->byte_count);
        }
    }
}

/* Every prefix ends in the middle of something, so every prefix is refused. */
static void
every_truncation_of_every_vector_is_refused(void **state)
{
    (void)state;
    for (unsigned i = 0; i < vector_count; i++) {
        if (vectors[i].refusal[0] != '\0') {
            continue;
        }
        for (uint32_t n = 0; n < vectors[i].byte_count; n++) {
            /* A copy of exactly that size, so that a sanitizer sees a read beyond it. */
            uint8_t *copy = malloc(n + 1);
            memcpy(copy + 1, vectors[i].bytes, n);
            struct proto_record record;
            struct proto_error error;
            size_t used;
            assert_false(proto_decode(copy + 1, n, &used, &record, &error));
            assert_int_equal(error.code, PROTO_REFUSAL_CODE_MALFORMED);
            assert_int_equal(used, 0);
            free(copy);
        }
    }
}

/* A flipped bit is refused, or gives a record that encodes again. Nothing crashes; nothing is read outside. */
static void
every_single_flipped_bit_is_refused_or_decodes(void **state)
{
    (void)state;
    struct proto_buf buf;
    proto_buf_init(&buf, 1 << 20);
    unsigned decoded = 0;
    unsigned refused = 0;
    for (unsigned i = 0; i < vector_count; i++) {
        uint32_t n = vectors[i].byte_count;
        for (uint32_t bit = 0; bit < n * 8; bit++) {
            uint8_t *copy = malloc(n);
            memcpy(copy, vectors[i].bytes, n);
            copy[bit / 8] ^= (uint8_t)(1u << (bit % 8));
            struct proto_record record;
            struct proto_error error;
            size_t used;
            if (proto_decode(copy, n, &used, &record, &error)) {
                decoded++;
                assert_true(used <= n);
                proto_buf_reset(&buf);
                assert_true(proto_encode(&buf, &record));
            } else {
                refused++;
                assert_non_null(error.why);
            }
            free(copy);
        }
    }
    assert_true(decoded > 0 && refused > decoded / 10);
    proto_buf_fini(&buf);
}

static void
records_of_one_frame_are_read_one_after_the_other(void **state)
{
    (void)state;
    struct proto_buf frame;
    proto_buf_init(&frame, 1 << 20);
    unsigned packed = 0;
    for (unsigned i = 0; i < vector_count; i++) {
        if (vectors[i].refusal[0] == '\0') {
            assert_true(proto_buf_append(&frame, vectors[i].bytes, vectors[i].byte_count));
            packed++;
        }
    }
    size_t at = 0;
    unsigned read = 0;
    while (at < frame.n) {
        struct proto_record record;
        struct proto_error error;
        size_t used;
        assert_true(proto_decode(frame.p + at, frame.n - at, &used, &record, &error));
        at += used;
        read++;
    }
    assert_int_equal(read, packed);
    proto_buf_fini(&frame);
}

int
main(int argc, char **argv)
{
    if (argc != 2) {
        return 64;
    }
    vectors = vectors_load(argv[1], &vector_count);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_meaning_encodes_to_its_golden_bytes),
        cmocka_unit_test(every_golden_vector_decodes_to_its_meaning),
        cmocka_unit_test(every_hostile_vector_is_refused_with_its_code_and_path),
        cmocka_unit_test(every_truncation_of_every_vector_is_refused),
        cmocka_unit_test(every_single_flipped_bit_is_refused_or_decodes),
        cmocka_unit_test(records_of_one_frame_are_read_one_after_the_other),
    };
    int failed = cmocka_run_group_tests_name("wire vectors", tests, NULL, NULL);
    free(vectors);
    return failed;
}
