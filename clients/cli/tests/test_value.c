/* JSON to msgpack and back. */
#include "cmocka_all.h"

#include "value.h"

/* Packs the JSON, reads it back, compares as compact JSON. */
static void
round_trip(const char *text)
{
    struct qiao_bytes bytes;
    json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(json);
    struct qiao_map *map = value_map(json);
    assert_non_null(map);
    assert_true(qiao_map_bytes(map, &bytes));
    json_t *back = value_json(bytes);
    assert_non_null(back);
    assert_true(json_equal(json, back));
    json_decref(back);
    json_decref(json);
    qiao_map_free(map);
}

static void
values_survive_the_wire_exactly(void **state)
{
    round_trip("{\"a\": 1, \"b\": -1, \"c\": 9223372036854775807, \"d\": -9223372036854775808, \"e\": 128, \"f\": -129}");
    round_trip("{\"a\": 0.1, \"b\": 1e300, \"c\": -2.5, \"d\": 3.0}");
    round_trip("{\"text\": \"桥\", \"empty\": \"\", \"null\": null, \"yes\": true, \"no\": false}");
    round_trip("{\"list\": [1, [2, [3]], {\"x\": []}], \"map\": {}}");
    round_trip("{\"raw\": {\"$bin\": \"AAEC/w==\"}, \"large\": {\"$u64\": \"18446744073709551615\"}}");
}

static void
integers_and_floats_stay_what_they_are(void **state)
{
    struct qiao_bytes bytes;
    json_t *json = json_loads("{\"i\": 3, \"f\": 3.0}", 0, NULL);
    struct qiao_map *map = value_map(json);
    assert_true(qiao_map_bytes(map, &bytes));
    struct qiao_value value;
    assert_true(qiao_map_get(bytes, "i", &value));
    assert_int_equal(value.kind, QIAO_UINT);
    assert_true(qiao_map_get(bytes, "f", &value));
    assert_int_equal(value.kind, QIAO_F64);
    qiao_map_free(map);
    json_decref(json);
}

/* B1: bounded before memory is taken. */
static void
what_is_too_deep_or_malformed_is_refused(void **state)
{
    static const char *const bad[] = { "{\"a\":[[[[[[[[[1]]]]]]]]]}", "{\"a\": {\"$bin\": \"not base64!\"}}",
                                       "{\"a\": {\"$u64\": \"-1\"}}", "{\"a\": {\"$u64\": \"\"}}", "3" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        json_t *json = json_loads(bad[i], JSON_DECODE_ANY, NULL);
        assert_non_null(json);
        assert_null(value_map(json));
        json_decref(json);
    }
}

static void
bytes_that_are_no_value_give_nothing(void **state)
{
    static const uint8_t cut[] = { 0x81, 0xa1, 'a' }, huge[] = { 0xdf, 0xff, 0xff, 0xff, 0xff }, nothing[] = { 0xc1 };
    assert_null(value_json((struct qiao_bytes){ cut, sizeof cut }));
    assert_null(value_json((struct qiao_bytes){ huge, sizeof huge }));
    assert_null(value_json((struct qiao_bytes){ nothing, sizeof nothing }));
    assert_null(value_json((struct qiao_bytes){ NULL, 0 }));
    json_t *map = value_json_map((struct qiao_bytes){ NULL, 0 });
    assert_true(json_is_object(map));
    json_decref(map);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_survive_the_wire_exactly),
        cmocka_unit_test(integers_and_floats_stay_what_they_are),
        cmocka_unit_test(what_is_too_deep_or_malformed_is_refused),
        cmocka_unit_test(bytes_that_are_no_value_give_nothing),
    };
    return cmocka_run_group_tests_name("value", tests, NULL, NULL);
}
