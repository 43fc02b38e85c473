/*
 * Fuzzes everything that reads bytes from outside: records, events, rows, the reader and ids.
 */
#include "fuzz.h"
#include "proto/check.h"
#include "proto/codec.h"
#include "proto/id.h"
#include "proto/reader.h"

/* Whatever decodes must encode again, and decode to the same bytes a second time. */
static void
record_fuzz(const uint8_t *p, size_t n)
{
    struct proto_record record;
    struct proto_error error;
    struct proto_buf first;
    struct proto_buf second;
    size_t used;
    if (!proto_decode(p, n, &used, &record, &error)) {
        REQUIRE(error.why != NULL && used <= n);
        return;
    }
    REQUIRE(used <= n);
    proto_buf_init(&first, 1 << 22);
    proto_buf_init(&second, 1 << 22);
    REQUIRE(proto_encode(&first, &record));
    REQUIRE(proto_decode(first.p, first.n, &used, &record, &error) && used == first.n);
    REQUIRE(proto_encode(&second, &record));
    REQUIRE(first.n == second.n && memcmp(first.p, second.p, first.n) == 0);
    if (record.type == PROTO_PAGE) {
        struct proto_iter it = proto_iter_of(record.u.page.rows);
        struct proto_request row;
        while (proto_iter_struct(&it, PROTO_STRUCT_REQUEST, &row)) {
        }
    }
    proto_buf_fini(&first);
    proto_buf_fini(&second);
}

static void
event_fuzz(const uint8_t *p, size_t n)
{
    struct proto_event event;
    struct proto_error error;
    struct proto_buf buf;
    size_t used;
    if (!proto_event_decode(p, n, &used, &event, &error)) {
        return;
    }
    proto_buf_init(&buf, 1 << 22);
    REQUIRE(proto_event_encode(&buf, &event));
    REQUIRE(proto_event_decode(buf.p, buf.n, &used, &event, &error) && used == buf.n);
    proto_buf_fini(&buf);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct proto_bin value = {p, (uint32_t)n};
    struct proto_reader reader = proto_reader_of(value);
    struct proto_error error;
    struct proto_bin found;
    uint64_t id;
    if (n > PROTO_LIMIT_FRAME_BYTES) {
        return 0;
    }
    record_fuzz(p, n);
    event_fuzz(p, n);
    (void)proto_map_find(value, PROTO_STR("service"), &found);
    (void)proto_map_check(value, &error);
    (void)proto_list_check(value, &error);
    while (proto_skip(&reader)) {
    }
    REQUIRE(reader.p <= p + n);
    (void)proto_id_parse((const char *)p, n, &id);
    return 0;
}
