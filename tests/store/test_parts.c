/*
 * Small parts of the store by themselves: checksums, batches, the glance at an event, sets, caches.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <sodium.h>
#include <stdlib.h>

#include "helper.h"
#include "store/batch.h"
#include "store/cache.h"
#include "store/crc32c.h"
#include "store/event.h"
#include "store/idset.h"
#include "store/recent.h"

static void
checksum_is_crc32c_by_instruction_and_by_table(void **state)
{
    uint8_t bytes[100];

    assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283u);
    assert_int_equal(crc32c_table(0, "123456789", 9), 0xe3069283u);
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(i * 37 + 11);
        assert_int_equal(crc32c(7, bytes, i), crc32c_table(7, bytes, i));
        assert_int_equal(crc32c(crc32c(0, bytes, i / 3), bytes + i / 3, i - i / 3), crc32c(0, bytes, i));
    }
}

static void
checksum_of_an_event_is_bound_to_its_place(void **state)
{
    assert_int_not_equal(crc32c_event(1, "x", 1), crc32c_event(2, "x", 1));
}

static struct batch *
batch_of(uint64_t seq, uint32_t n)
{
    uint8_t chain[BATCH_CHAIN_BYTES] = {1};
    struct batch *batch = batch_new(0);

    batch_reset(batch, seq, 3);
    for (uint32_t i = 0; i < n; i++) {
        char text[256];
        memset(text, 'a' + (int)(i % 26), sizeof(text));
        assert_true(batch_append(batch, text, i % 256));
    }
    batch_seal(batch, chain, UINT32_MAX);
    return batch;
}

/* As a reader does it. */
static enum store_status
batch_parse(uint64_t seq, uint32_t n, const uint8_t *chain, const uint8_t *data, uint32_t bytes, struct batch **out_batch)
{
    struct batch *batch = NULL;
    struct store_error error;
    enum store_status status = batch_take(seq, 3, n, chain, bytes, 0, &batch, &error);

    if (status == STORE_OK) {
        memcpy(batch->data, data, bytes);
        status = batch_index(batch, &error);
    }
    if (status != STORE_OK) {
        batch_unref(&batch);
        return status;
    }
    *out_batch = batch;
    return STORE_OK;
}

/* D6 */
static void
every_flipped_bit_of_a_batch_is_found(void **state)
{
    uint8_t chain[BATCH_CHAIN_BYTES] = {1};
    struct batch *batch = batch_of(100, 12);

    for (uint32_t bit = 0; bit < batch->bytes * 8; bit++) {
        struct batch *read = NULL;
        uint64_t bad;
        batch->data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (batch_parse(100, 12, batch->chain, batch->data, batch->bytes, &read) == STORE_OK) {
            assert_false(batch_check(read, chain, &bad));
        }
        batch_unref(&read);
        batch->data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    batch_unref(&batch);
}

/* C6: the chain of a batch speaks for all batches before it, not for its own bytes alone. */
static void
chain_of_a_batch_holds_what_came_before(void **state)
{
    const uint8_t before[BATCH_CHAIN_BYTES] = {1}, other[BATCH_CHAIN_BYTES] = {2};
    struct batch *batch = batch_of(1, 4);
    uint64_t bad = 99;

    assert_true(batch_check(batch, before, &bad));
    assert_false(batch_check(batch, other, &bad));
    assert_int_equal(bad, 0); /* no event is to blame */
    batch_unref(&batch);
}

/* B1 */
static void
lengths_that_lead_out_of_a_batch_are_refused(void **state)
{
    struct batch *batch = batch_of(1, 4), *read = NULL;

    for (uint32_t bytes = 0; bytes < batch->bytes; bytes++) {
        uint8_t *exact = malloc(bytes + 1);
        memcpy(exact, batch->data, bytes);
        assert_int_equal(batch_parse(1, 4, batch->chain, exact, bytes, &read), STORE_DAMAGED);
        free(exact);
    }
    assert_int_equal(batch_parse(1, 3, batch->chain, batch->data, batch->bytes, &read), STORE_DAMAGED);
    assert_int_equal(batch_parse(1, 5, batch->chain, batch->data, batch->bytes, &read), STORE_DAMAGED);
    assert_int_equal(batch_parse(1, 0, batch->chain, batch->data, 0, &read), STORE_DAMAGED);
    assert_int_equal(batch_parse(1, UINT32_MAX, batch->chain, batch->data, batch->bytes, &read), STORE_DAMAGED);
    assert_null(read);
    batch_unref(&batch);
}

static void
glance_sees_what_the_decoder_sees(void **state)
{
    struct proto_buf buf;

    proto_buf_init(&buf, 1 << 16);
    for (unsigned type = 1; type < 64; type++) {
        struct helper_request request = helper_request_of(type);
        struct event_glance glance;
        struct proto_event event;
        if (proto_ev_desc((enum proto_ev)type) == NULL) {
            continue;
        }
        request.prev = type * 1000003;
        for (unsigned status = 0; status <= PROTO_STATUS_ENTERED_IN_ERROR; status++) {
            helper_event(&buf, (enum proto_ev)type, &request, (enum proto_status)status, -5 + (int64_t)type * 1000, 0);
            assert_true(event_decode(buf.p, (uint32_t)buf.n, &event));
            assert_true(event_look(buf.p, (uint32_t)buf.n, &glance));
            assert_int_equal(glance.id, event.id);
            assert_int_equal(glance.prev, event.prev);
            assert_int_equal(glance.at_us, event.at);
            assert_int_equal(glance.status, event.status);
            assert_true(proto_str_eq(glance.service, event.service));
            assert_true(proto_str_eq(glance.requester, event.requester));
            assert_true(proto_str_eq(glance.performer, event.performer));
        }
    }
    proto_buf_fini(&buf);
}

static void
glance_stays_within_the_bytes(void **state)
{
    struct helper_request request = helper_request_of(1);
    struct event_glance glance;
    struct proto_buf buf;

    proto_buf_init(&buf, 1 << 16);
    helper_event(&buf, PROTO_EV_ASSIGNED, &request, PROTO_STATUS_IN_PROGRESS, 5, 0);
    for (uint32_t n = 0; n < buf.n; n++) {
        uint8_t *exact = malloc(n + 1);
        memcpy(exact, buf.p, n);
        event_look(exact, n, &glance);
        free(exact);
    }
    proto_buf_fini(&buf);
}

static void
set_has_what_was_added(void **state)
{
    struct idset set;

    idset_init(&set);
    assert_false(idset_has(&set, 1));
    for (uint64_t id = 1; id < 20000; id += 2) {
        assert_true(idset_add(&set, id << 6));
        assert_true(idset_add(&set, id << 6));
    }
    for (uint64_t id = 1; id < 20000; id++) {
        assert_true(idset_has(&set, id << 6) == (id % 2 == 1));
    }
    idset_clear(&set);
    assert_false(idset_has(&set, 64));
    idset_fini(&set);
}

/* B1 */
static void
cache_keeps_the_latest_used_within_its_budget(void **state)
{
    struct cache cache;
    size_t each;

    cache_init(&cache, 0);
    for (uint64_t seq = 1; seq <= 100; seq += 10) {
        struct batch *batch = batch_of(seq, 10);
        each = batch_memory(batch);
        cache.bytes_max = each * 4;
        assert_true(cache_add(&cache, &batch));
        assert_non_null(cache_find(&cache, 1)); /* always in use: never leaves */
        assert_true(cache.bytes <= cache.bytes_max);
    }
    assert_non_null(cache_find(&cache, 95));
    assert_non_null(cache_find(&cache, 10));
    assert_null(cache_find(&cache, 11));
    assert_null(cache_find(&cache, 101));
    cache_fini(&cache);
}

static void
recent_batches_stay_within_their_budget_and_pins_hold(void **state)
{
    struct recent recent;
    struct batch *pinned = NULL;

    assert_true(recent_init(&recent, 64 << 10));
    for (uint64_t seq = 1; seq <= 5000; seq += 5) {
        struct batch *batch = batch_of(seq, 5);
        assert_true(recent_add(&recent, &batch));
        if (seq == 1) {
            pinned = recent_pin(&recent, 3);
        }
        assert_true(recent.bytes <= recent.bytes_max);
        assert_non_null(recent_find(&recent, seq + 4));
    }
    assert_null(recent_find(&recent, 1));
    assert_null(recent_pin(&recent, 1));
    assert_int_equal(pinned->seq, 1);
    batch_unref(&pinned);
    recent_fini(&recent);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checksum_is_crc32c_by_instruction_and_by_table),
        cmocka_unit_test(checksum_of_an_event_is_bound_to_its_place),
        cmocka_unit_test(every_flipped_bit_of_a_batch_is_found),
        cmocka_unit_test(chain_of_a_batch_holds_what_came_before),
        cmocka_unit_test(lengths_that_lead_out_of_a_batch_are_refused),
        cmocka_unit_test(glance_sees_what_the_decoder_sees),
        cmocka_unit_test(glance_stays_within_the_bytes),
        cmocka_unit_test(set_has_what_was_added),
        cmocka_unit_test(cache_keeps_the_latest_used_within_its_budget),
        cmocka_unit_test(recent_batches_stay_within_their_budget_and_pins_hold),
    };

    if (sodium_init() < 0) {
        return 64;
    }
    return cmocka_run_group_tests_name("parts", tests, NULL, NULL);
}
