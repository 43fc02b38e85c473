/* What needs no broker: maps, ids and words, contexts and their files, the table, the log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/internal.h"

/* ------------------------------------------------------------- maps */

static void
map_reads_back_as_it_was_written(void **state)
{
    struct qiao_map *map = qiao_map_new();
    struct qiao_value value, name;
    struct qiao_bytes bytes;
    struct qiao_walk walk;
    int64_t whole = 0;
    double real = 0;
    bool yes = false;
    char text[8];
    int count = 0;

    qiao_map_i64(map, "whole", -7);
    qiao_map_f64(map, "real", 1.5);
    qiao_map_bool(map, "yes", true);
    qiao_map_str(map, "text", "桥");
    qiao_map_begin_list(map, "list");
    for (int at = 0; at < 20; at++) {
        qiao_map_u64(map, NULL, (uint64_t)at);
    }
    qiao_map_end(map);
    qiao_map_begin_map(map, "map");
    qiao_map_nil(map, "nothing");
    qiao_map_bin(map, "bin", "\0\1", 2);
    qiao_map_end(map);
    assert_true(qiao_map_bytes(map, &bytes));
    assert_true(qiao_map_get_i64(bytes, "whole", &whole) && whole == -7);
    assert_true(qiao_map_get_f64(bytes, "real", &real) && real == 1.5);
    assert_true(qiao_map_get_f64(bytes, "whole", &real) && real == -7.0);
    assert_true(qiao_map_get_bool(bytes, "yes", &yes) && yes);
    assert_true(qiao_map_get_str(bytes, "text", text, sizeof text));
    assert_string_equal(text, "桥");
    assert_false(qiao_map_get_str(bytes, "text", text, 3)); /* no room for the NUL */
    assert_false(qiao_map_get_i64(bytes, "text", &whole));
    assert_false(qiao_map_get_i64(bytes, "absent", &whole));
    assert_true(qiao_map_get(bytes, "list", &value) && value.kind == QIAO_LIST && value.count == 20);
    walk = qiao_walk_of(value.encoded);
    while (qiao_walk_next(&walk, &value)) {
        assert_int_equal(value.u, count++);
    }
    assert_int_equal(count, 20);
    walk = qiao_walk_of(bytes);
    for (count = 0; qiao_walk_pair(&walk, &name, &value); count++) {
        assert_int_equal(name.kind, QIAO_STR);
    }
    assert_int_equal(count, 6);
    /* It stays open for more. */
    qiao_map_i64(map, "late", 1);
    assert_true(qiao_map_bytes(map, &bytes) && qiao_map_get_i64(bytes, "late", &whole) && whole == 1);
    qiao_map_free(map);
}

static void
mistakes_in_a_map_are_remembered(void **state)
{
    struct qiao_map *map = qiao_map_new();
    struct qiao_bytes bytes = {0};

    qiao_map_str(map, NULL, "a value without a name");
    qiao_map_i64(map, "fine", 1);
    assert_false(qiao_map_bytes(map, &bytes));
    qiao_map_reset(map);
    qiao_map_str(map, "text", "\xff");
    assert_false(qiao_map_bytes(map, &bytes));
    qiao_map_reset(map);
    qiao_map_i64(map, "twice", 1);
    qiao_map_i64(map, "twice", 2);
    assert_false(qiao_map_bytes(map, &bytes));
    qiao_map_reset(map);
    qiao_map_begin_list(map, "open");
    assert_false(qiao_map_bytes(map, &bytes));
    qiao_map_reset(map);
    for (int depth = 0; depth < 10; depth++) {
        qiao_map_begin_map(map, "deeper");
    }
    assert_false(qiao_map_bytes(map, &bytes));
    qiao_map_reset(map);
    qiao_map_end(map);
    assert_false(qiao_map_bytes(map, &bytes));
    qiao_map_reset(map);
    qiao_map_f64(map, "nan", 0.0 / 0.0 * 0);
    assert_false(qiao_map_bytes(map, &bytes));
    qiao_map_reset(map);
    for (int at = 0; at < 10000; at++) {
        char name[16];

        snprintf(name, sizeof name, "n%d", at);
        qiao_map_i64(map, name, at);
    }
    assert_false(qiao_map_bytes(map, &bytes));
    assert_null(bytes.p);
    qiao_map_reset(map);
    assert_true(qiao_map_bytes(map, &bytes));
    assert_int_equal(bytes.n, 1);
    qiao_map_free(map);
}

static void
hostile_bytes_are_no_value(void **state)
{
    const char *hostile[] = {"\xdf\xff\xff\xff\xff", "\xdb\xff\xff\xff\xff", "\x92\x01", "\xc1", "\x81\xa1", "\xd9"};
    struct qiao_value value;
    struct qiao_walk walk;

    for (size_t at = 0; at < sizeof hostile / sizeof *hostile; at++) {
        struct qiao_bytes bytes = {hostile[at], strlen(hostile[at])};

        assert_false(qiao_value_read(bytes, &value));
        walk = qiao_walk_of(bytes);
        while (qiao_walk_next(&walk, &value)) {
        }
        assert_false(qiao_map_get(bytes, "x", &value));
    }
}

/* ------------------------------------------------------------- words */

static void
words_go_there_and_back(void **state)
{
    char text[QIAO_ID_CHARS + 1];
    enum qiao_task_status status;
    enum qiao_priority priority;
    enum qiao_reason reason;
    qiao_id id;

    qiao_id_text(UINT64_C(0x0123456789abcdef), text);
    assert_true(qiao_id_parse(text, &id) && id == UINT64_C(0x0123456789abcdef));
    assert_false(qiao_id_parse("", &id));
    assert_false(qiao_id_parse("0000000000000U", &id));
    assert_int_equal(qiao_request_of(64 * 5 + 3), 64 * 5);
    assert_true(qiao_task_status_parse("in-progress", &status) && status == QIAO_TASK_IN_PROGRESS);
    assert_string_equal(qiao_task_status_name(QIAO_TASK_ENTERED_IN_ERROR), "entered-in-error");
    assert_true(qiao_priority_parse("stat", &priority) && priority == QIAO_STAT);
    assert_true(qiao_reason_parse("lease-expired", &reason) && reason == QIAO_REASON_LEASE_EXPIRED);
    assert_false(qiao_reason_parse("because", &reason));
    assert_string_equal(qiao_task_status_name(99), "");
    assert_string_equal(qiao_status_name(QIAO_UNCERTAIN), "uncertain");
    assert_string_equal(qiao_status_name(31), "");
    assert_true(qiao_task_status_is_final(QIAO_TASK_CANCELLED) && !qiao_task_status_is_final(QIAO_TASK_ON_HOLD));
}

/* ------------------------------------------------------------- contexts */

static const char GOOD[] = "# a comment\n\n  endpoint = tcp://127.0.0.1:7420  \n"
                           "server_key = rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7\n"
                           "public_key=Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID\r\n"
                           "secret_key = D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs\nparty = acme\nmember = alice\nunknown = 1";

static void
context_text_is_read_and_written(void **state)
{
    struct qiao_context context, again;
    char text[2048];
    size_t n;

    assert_true(qiaoi_context_parse(GOOD, sizeof GOOD - 1, "x", &context, NULL));
    assert_string_equal(context.endpoint, "tcp://127.0.0.1:7420");
    assert_string_equal(context.server_key, "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7");
    assert_string_equal(context.member, "alice");
    assert_false(context.invitation);
    context.invitation = true;
    context.expires = 1790000000000000;
    n = qiaoi_context_format(&context, text, sizeof text);
    assert_true(qiaoi_context_parse(text, n, "x", &again, NULL));
    assert_memory_equal(&context, &again, sizeof again);
}

static void
wrong_context_names_the_line(void **state)
{
    struct {
        const char *text;
        int line;
    } wrong[] = {
        {"endpoint = tcp://a:1\nno equals sign\n", 2},
        {"endpoint = a\nendpoint = b\n", 2},
        {"endpoint = a\n\npublic_key = short\n", 3},
        {"party = acme\n", 0},
        {"endpoint = a\nserver_key = rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7\n", 0},
        {"endpoint = a\nexpires = soon\n", 2},
    };
    struct qiao_context context;
    struct qiao_context_error error;

    for (size_t at = 0; at < sizeof wrong / sizeof *wrong; at++) {
        assert_false(qiaoi_context_parse(wrong[at].text, strlen(wrong[at].text), "x", &context, &error));
        assert_int_equal(error.line, wrong[at].line);
        assert_non_null(strstr(error.text, "x"));
    }
}

static void
contexts_live_in_their_directory(void **state)
{
    char place[] = "/tmp/qiao-config-XXXXXX", path[256], name[128];
    struct qiao_context context, again;
    struct qiao_context_error error;
    struct qiao_context_list list;
    struct stat about;

    assert_non_null(mkdtemp(place));
    setenv("QIAO_CONFIG_DIR", place, 1);
    unsetenv("QIAO_CONTEXT");
    assert_true(qiaoi_context_parse(GOOD, sizeof GOOD - 1, "x", &context, NULL));
    assert_int_equal(qiao_context_list(&list), QIAO_OK);
    assert_int_equal(list.count, 0);
    assert_int_equal(qiao_context_load(NULL, &again, &error), QIAO_CONTEXT);
    assert_int_equal(qiao_context_save("beta", &context, false, &error), QIAO_OK);
    assert_int_equal(qiao_context_save("alpha", &context, false, &error), QIAO_OK);
    assert_int_equal(qiao_context_save("alpha", &context, false, &error), QIAO_CONTEXT);
    assert_int_equal(qiao_context_save("alpha", &context, true, &error), QIAO_OK);
    assert_int_equal(qiao_context_save("al pha", &context, false, NULL), QIAO_CONTEXT);
    assert_int_equal(qiao_context_save(".alpha", &context, false, NULL), QIAO_CONTEXT);
    assert_int_equal(qiao_context_use("gamma", &error), QIAO_CONTEXT);
    assert_int_equal(qiao_context_use("alpha", &error), QIAO_OK);
    assert_true(qiao_context_current(name, sizeof name));
    assert_string_equal(name, "alpha");
    /* What lies beside them is none: a state that was kept by path, an import that is not finished. */
    snprintf(path, sizeof path, "%s/contexts/alpha", place);
    assert_int_equal(qiao_context_load(path, &again, &error), QIAO_OK);
    FILE *witnesses = fopen(again.state_path, "w");
    assert_non_null(witnesses);
    fclose(witnesses);
    snprintf(path, sizeof path, "%s/contexts/beta.pending", place);
    assert_int_equal(qiao_context_save(path, &context, false, &error), QIAO_OK);
    assert_int_equal(qiao_context_save("beta.state", &context, false, NULL), QIAO_CONTEXT);
    assert_int_equal(qiao_context_save("beta.pending", &context, true, NULL), QIAO_CONTEXT);
    assert_int_equal(qiao_context_list(&list), QIAO_OK);
    assert_int_equal(list.count, 2);
    unlink(again.state_path);
    unlink(path);
    assert_string_equal(list.names[0], "alpha");
    qiao_context_list_free(&list);
    assert_int_equal(qiao_context_load(NULL, &again, &error), QIAO_OK);
    assert_string_equal(again.name, "alpha");
    snprintf(path, sizeof path, "%s/state/alpha", place);
    assert_string_equal(again.state_path, path);
    snprintf(path, sizeof path, "%s/contexts/alpha", place);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    /* C2: a key that others may read is no key. */
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(qiao_context_load("alpha", &again, &error), QIAO_CONTEXT);
    assert_non_null(strstr(error.text, "chmod 600"));
    assert_int_equal(chmod(path, 0600), 0);
    setenv("QIAO_CONTEXT", path, 1);
    assert_int_equal(qiao_context_load(NULL, &again, &error), QIAO_OK);
    unlink(path);
    assert_int_equal(qiao_context_load(NULL, &again, &error), QIAO_CONTEXT);
    unsetenv("QIAO_CONTEXT");
    snprintf(path, sizeof path, "%s/contexts/beta", place);
    unlink(path);
    snprintf(path, sizeof path, "%s/contexts", place);
    rmdir(path);
    snprintf(path, sizeof path, "%s/current", place);
    unlink(path);
    assert_int_equal(rmdir(place), 0);
}

static void
witness_only_rises(void **state)
{
    char path[] = "/tmp/qiao-witness-XXXXXX";
    int fd = mkstemp(path);
    struct qiaoi_witness witness;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, "rubbish", 7), 7);
    close(fd);
    witness = qiaoi_witness_read(path);
    assert_int_equal(witness.seen, 0);
    qiaoi_witness_write(path, (struct qiaoi_witness){.seen = 10, .epoch = 2});
    qiaoi_witness_write(path, (struct qiaoi_witness){.seen = 5, .epoch = 3});
    witness = qiaoi_witness_read(path);
    assert_int_equal(witness.seen, 10);
    assert_int_equal(witness.epoch, 3);
    unlink(path);
}

/* ------------------------------------------------------------- the parts inside */

static void
table_finds_what_is_in_it_and_nothing_else(void **state)
{
    struct qiaoi_table table = {0};
    uint64_t value, present = 0;
    static bool in[5000];
    uint32_t seed = 7;

    for (int round = 0; round < 200000; round++) {
        uint64_t key;

        seed = seed * 1664525 + 1013904223;
        key = (seed >> 8) % 5000;
        if (key == 0) {
            assert_false(qiaoi_table_get(&table, key, &value));
        } else if (in[key]) {
            assert_true(qiaoi_table_remove(&table, key * 64, &value));
            assert_int_equal(value, key);
            in[key] = false;
            present--;
        } else {
            assert_false(qiaoi_table_get(&table, key * 64, &value));
            assert_true(qiaoi_table_put(&table, key * 64, key));
            in[key] = true;
            present++;
        }
        assert_int_equal(table.count, present);
    }
    for (uint64_t key = 1; key < 5000; key++) {
        assert_int_equal(qiaoi_table_get(&table, key * 64, &value), in[key]);
    }
    qiaoi_table_fini(&table);
}

static void
log_keeps_bytes_until_they_are_released(void **state)
{
    struct qiaoi_log log = {0};
    struct qiaoi_chunk *chunks[64];
    const uint8_t *kept[64];
    static uint8_t bytes[30000];

    for (int round = 0; round < 1000; round++) {
        int at = round % 64;

        if (round >= 64) {
            for (size_t byte = 0; byte < sizeof bytes; byte += 999) {
                assert_int_equal(kept[at][byte], (uint8_t)(round - 64));
            }
            qiaoi_log_release(&log, chunks[at]);
        }
        memset(bytes, (uint8_t)round, sizeof bytes);
        kept[at] = qiaoi_log_keep(&log, bytes, sizeof bytes, &chunks[at]);
        assert_non_null(kept[at]);
    }
    for (int at = 0; at < 64; at++) {
        qiaoi_log_release(&log, chunks[at]);
    }
    qiaoi_log_fini(&log);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(map_reads_back_as_it_was_written),
        cmocka_unit_test(mistakes_in_a_map_are_remembered),
        cmocka_unit_test(hostile_bytes_are_no_value),
        cmocka_unit_test(words_go_there_and_back),
        cmocka_unit_test(context_text_is_read_and_written),
        cmocka_unit_test(wrong_context_names_the_line),
        cmocka_unit_test(contexts_live_in_their_directory),
        cmocka_unit_test(witness_only_rises),
        cmocka_unit_test(table_finds_what_is_in_it_and_nothing_else),
        cmocka_unit_test(log_keeps_bytes_until_they_are_released),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
