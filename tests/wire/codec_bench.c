/*
 * Time and size of the codec on the records of the hot path; prints a table, asserts nothing. Not a test.
 *
 *     codec_bench [seconds per line]
 *
 * The last column unpacks the same header with msgpack-c's zone, which a decoder over msgpack-c would pay on top of the
 * validator.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <msgpack.h>

#include "proto/codec.h"
#include "proto/writer.h"

static double
now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static uint8_t body_bytes[256];
static uint8_t input_bytes[256];
static struct proto_bin input;

static struct proto_record
submit_make(void)
{
    struct proto_record record;
    proto_record_init(&record, PROTO_SUBMIT);
    record.n = 70000;
    record.u.submit.service = PROTO_STR("testing.release");
    record.u.submit.producer = UINT64_C(0x1234567890abcdef);
    record.u.submit.pseq = 70000;
    record.u.submit.input = input;
    record.body = (struct proto_bin){body_bytes, 256};
    return record;
}

static struct proto_record
task_make(void)
{
    struct proto_record record;
    proto_record_init(&record, PROTO_TASK);
    struct proto_task *task = &record.u.task;
    task->task = UINT64_C(0x0167890abc000041);
    task->fence = UINT64_C(1790000000000000);
    task->service = PROTO_STR("testing.release");
    task->kind = PROTO_TASK_KIND_FULFILL;
    task->status = PROTO_STATUS_IN_PROGRESS;
    task->tenure = PROTO_TENURE_LEASED;
    task->attempt = 1;
    task->priority = PROTO_PRIORITY_ROUTINE;
    task->lease = 30000000;
    task->requester = PROTO_STR("nuohe-bio");
    task->input = input;
    record.body = (struct proto_bin){body_bytes, 256};
    return record;
}

static struct proto_record
complete_make(void)
{
    struct proto_record record;
    proto_record_init(&record, PROTO_COMPLETE);
    record.n = 70001;
    record.u.complete.task = UINT64_C(0x0167890abc000041);
    record.u.complete.fence = UINT64_C(1790000000000000);
    record.u.complete.outcome = PROTO_STR("conforming");
    record.body = (struct proto_bin){body_bytes, 256};
    return record;
}

static struct proto_record
receipt_make(void)
{
    struct proto_record record;
    proto_record_init(&record, PROTO_RECEIPT);
    record.re = 70000;
    record.u.receipt.id = UINT64_C(0x0167890abc000040);
    record.u.receipt.status = PROTO_STATUS_READY;
    record.u.receipt.seq = 123456;
    return record;
}

enum { BATCH = 1000 };

/* The best batch counts: what other programs on the machine take away is not the codec's. */
static double
best_ns(void (*step)(struct proto_buf *buf, const struct proto_record *record), struct proto_buf *buf,
        const struct proto_record *record, double seconds)
{
    double best = 1e9;
    double end = now_s() + seconds;
    for (double from = now_s(); from < end; from = now_s()) {
        for (int i = 0; i < BATCH; i++) {
            step(buf, record);
        }
        double took = now_s() - from;
        best = took < best ? took : best;
    }
    return best / BATCH * 1e9;
}

static void
encode_step(struct proto_buf *buf, const struct proto_record *record)
{
    proto_buf_reset(buf);
    if (!proto_encode(buf, record)) {
        abort();
    }
}

static void
decode_step(struct proto_buf *buf, const struct proto_record *record)
{
    struct proto_record out;
    struct proto_error error;
    size_t used;
    (void)record;
    if (!proto_decode(buf->p, buf->n, &used, &out, &error)) {
        abort();
    }
    __asm__ volatile("" ::"r"(&out) : "memory");
}

static void
unpack_step(struct proto_buf *buf, const struct proto_record *record)
{
    size_t at = 0;
    msgpack_unpacked unpacked;
    (void)record;
    msgpack_unpacked_init(&unpacked);
    if (msgpack_unpack_next(&unpacked, (const char *)buf->p, buf->n, &at) < 0) {
        abort();
    }
    msgpack_unpacked_destroy(&unpacked);
}

static void
line(const char *name, struct proto_record record, double seconds)
{
    struct proto_buf buf;
    proto_buf_init(&buf, 1 << 20);
    double encode = best_ns(encode_step, &buf, &record, seconds);
    double decode = best_ns(decode_step, &buf, &record, seconds);
    double unpack = best_ns(unpack_step, &buf, &record, seconds);
    printf("%-10s %6zu bytes   encode %6.0f ns   decode %6.0f ns   (msgpack-c unpacking alone %6.0f ns)\n", name, buf.n,
           encode, decode, unpack);
    proto_buf_fini(&buf);
}

static struct proto_event
event_make(enum proto_ev type)
{
    struct proto_event event = {.type = type, .id = UINT64_C(0x0167890abc000040), .at = 1790000000000000, .task = 1,
                                .service = PROTO_STR("testing.release"), .requester = PROTO_STR("nuohe-bio"),
                                .party = PROTO_STR("nuohe-bio"), .member = PROTO_STR("lin"), .prev = 123456,
                                .was = PROTO_STATUS_READY, .status = PROTO_STATUS_IN_PROGRESS,
                                .fence = UINT64_C(1790000000000000), .attempt = 1};
    event.body = (struct proto_bin){body_bytes, 256};
    return event;
}

static void
event_line(const char *name, enum proto_ev type, double seconds)
{
    struct proto_buf buf;
    struct proto_event event = event_make(type);
    double best[2] = {1e9, 1e9};
    proto_buf_init(&buf, 1 << 20);
    double end = now_s() + seconds;
    while (now_s() < end) {
        double from = now_s();
        for (int i = 0; i < BATCH; i++) {
            proto_buf_reset(&buf);
            if (!proto_event_encode(&buf, &event)) {
                abort();
            }
        }
        double middle = now_s();
        for (int i = 0; i < BATCH; i++) {
            struct proto_event out;
            struct proto_error error;
            size_t used;
            if (!proto_event_decode(buf.p, buf.n, &used, &out, &error)) {
                abort();
            }
            __asm__ volatile("" ::"r"(&out) : "memory");
        }
        double took = now_s() - middle;
        best[0] = middle - from < best[0] ? middle - from : best[0];
        best[1] = took < best[1] ? took : best[1];
    }
    printf("%-10s %6zu bytes   encode %6.0f ns   decode %6.0f ns   (journal event)\n", name, buf.n,
           best[0] / BATCH * 1e9, best[1] / BATCH * 1e9);
    proto_buf_fini(&buf);
}

/* The dearest megabyte for the validator: maps with as many pairs as are allowed, so that each key is compared to many. */
static void
hostile_line(void)
{
    struct proto_buf buf;
    struct proto_record record;
    struct proto_error error;
    size_t used;
    size_t mark;
    uint32_t maps = 0;
    proto_buf_init(&buf, PROTO_LIMIT_FRAME_BYTES);
    proto_put_map(&buf, 2);
    proto_put_key(&buf, "t");
    proto_put_str(&buf, PROTO_STR("ping"));
    proto_put_key(&buf, "x");
    proto_list_begin(&buf, &mark);
    while (buf.n < PROTO_LIMIT_FRAME_BYTES - 2000) {
        proto_put_map(&buf, PROTO_LIMIT_MAP_FIELDS);
        for (uint32_t i = 0; i < PROTO_LIMIT_MAP_FIELDS; i++) {
            char key[4] = {(char)('0' + (i >> 4)), (char)('0' + (i & 15)), '\0'};
            proto_put_key(&buf, key);
            proto_put_nil(&buf);
        }
        maps++;
    }
    proto_list_end(&buf, mark, maps);
    proto_put_bin(&buf, (struct proto_bin){body_bytes, 0});
    double from = now_s();
    bool taken = proto_decode(buf.p, buf.n, &used, &record, &error);
    printf("hostile    %zu bytes of the fullest maps: %s in %.1f ms\n", buf.n, taken ? "valid" : error.why,
           (now_s() - from) * 1e3);
    proto_buf_fini(&buf);
}

int
main(int argc, char **argv)
{
    double seconds = argc > 1 ? atof(argv[1]) : 0.3;
    struct proto_buf buf;
    proto_buf_init(&buf, sizeof input_bytes);
    proto_put_map(&buf, 2);
    proto_put_key(&buf, "batch");
    proto_put_str(&buf, PROTO_STR("B-2026-0117"));
    proto_put_key(&buf, "count");
    proto_put_u64(&buf, 12);
    memcpy(input_bytes, buf.p, buf.n);
    input = (struct proto_bin){input_bytes, (uint32_t)buf.n};
    proto_buf_fini(&buf);
    line("submit", submit_make(), seconds);
    line("receipt", receipt_make(), seconds);
    line("task", task_make(), seconds);
    line("complete", complete_make(), seconds);
    event_line("accepted", PROTO_EV_ACCEPTED, seconds);
    event_line("completed", PROTO_EV_COMPLETED, seconds);
    hostile_line();
    return 0;
}
