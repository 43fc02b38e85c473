/* Attributes and hard constraints: what may be said, one form for one meaning, and who satisfies it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/constraint.h"
#include "pack.h"

static const struct attribute attributes[] = {
    {.name = {"accreditation", 13}, .type = ATTRIBUTE_SET},    {.name = {"accredited_until", 16}, .type = ATTRIBUTE_DATE},
    {.name = {"capacity", 8}, .type = ATTRIBUTE_NUMBER},       {.name = {"gmp", 3}, .type = ATTRIBUTE_BOOLEAN},
    {.name = {"region", 6}, .type = ATTRIBUTE_STRING},         {.name = {"site", 4}, .type = ATTRIBUTE_POINT},
    {.name = {"temperature", 11}, .type = ATTRIBUTE_RANGE},
};

static const struct service_type service = {
    .name = {"test.service", 12},
    .attributes = attributes,
    .attribute_count = sizeof attributes / sizeof *attributes,
};

static const char *const provider = "{\"accreditation\": [\"CMA\", \"CNAS\"], \"accredited_until\": \"2027-05-31\", \"capacity\": 2000,"
                                    " \"gmp\": true, \"region\": \"beijing\", \"site\": [39.7284, 116.3412],"
                                    " \"temperature\": [-25, 8.5]}";

static struct proto_bin
canonical(const char *json)
{
    static uint8_t room[8][CONSTRAINT_BYTES_MAX];
    static unsigned next;
    uint8_t *bytes = room[next++ % 8];
    struct input_fault fault;
    uint32_t n = 0;
    if (!constraint_canonical(&service, pack(json), bytes, &n, &fault)) {
        fail_msg("%s was refused: %s %s", json, fault.path, fault.rule);
    }
    return (struct proto_bin){bytes, n};
}

static void
refuses(const char *json, const char *path, const char *rule)
{
    uint8_t bytes[CONSTRAINT_BYTES_MAX];
    struct input_fault fault;
    uint32_t n = 99;
    assert_false(constraint_canonical(&service, pack(json), bytes, &n, &fault));
    assert_string_equal(fault.path, path);
    assert_string_equal(fault.rule, rule);
    assert_int_equal(n, 99);
    pack_end();
}

static void
same(const char *a, const char *b)
{
    struct proto_bin left = canonical(a);
    struct proto_bin right = canonical(b);
    assert_int_equal(left.n, right.n);
    assert_memory_equal(left.p, right.p, left.n);
    pack_end();
}

static bool
offers(const char *require, const char *offered, const char *confirmed, char *why, size_t why_n)
{
    struct attribute_view view = {.offered = pack(offered)};
    if (confirmed != NULL) {
        view.confirmed = pack(confirmed);
    }
    bool holds = constraint_eval(canonical(require), &view, why, why_n);
    pack_end();
    return holds;
}

static void
holds(const char *require)
{
    char why[256] = "";
    if (!offers(require, provider, NULL, why, sizeof why)) {
        fail_msg("%s: %s", require, why);
    }
}

static void
stands_in_the_way(const char *require, const char *expected)
{
    char why[256] = "";
    assert_false(offers(require, provider, NULL, why, sizeof why));
    assert_string_equal(why, expected);
}

/* ------------------------------------------------------------- canonical form */

static void
no_constraints_are_no_bytes(void **state)
{
    uint8_t bytes[CONSTRAINT_BYTES_MAX];
    struct input_fault fault;
    uint32_t n = 99;
    assert_true(constraint_canonical(&service, (struct proto_bin){0}, bytes, &n, &fault));
    assert_int_equal(n, 0);
    assert_int_equal(canonical("[]").n, 0);
    assert_true(constraint_eval((struct proto_bin){0}, &(struct attribute_view){0}, NULL, 0));
    pack_end();
}

static void
same_demands_have_the_same_bytes(void **state)
{
    same("[[\"gmp\", \"eq\", true], [\"capacity\", \"ge\", 5]]", "[[\"capacity\", \"ge\", 5.0], [\"gmp\", \"eq\", true]]");
    same("[[\"gmp\", \"eq\", true], [\"gmp\", \"eq\", true]]", "[[\"gmp\", \"eq\", true]]");
    same("[[\"accreditation\", \"has\", [\"GMP\", \"CMA\", \"GMP\"]]]", "[[\"accreditation\", \"has\", [\"CMA\", \"GMP\"]]]");
    same("[[\"accreditation\", \"has\", [\"CMA\"]]]", "[[\"accreditation\", \"has\", \"CMA\"]]");
    same("[[\"region\", \"in\", [\"hebei\", \"beijing\"]]]", "[[\"region\", \"in\", [\"beijing\", \"hebei\", \"hebei\"]]]");
    same("[[\"capacity\", \"le\", -0.0]]", "[[\"capacity\", \"le\", 0]]");
}

static void
canonical_form_is_its_own_canonical_form(void **state)
{
    struct proto_bin once = canonical("[[\"site\", \"near\", [39.9, 116.4, 50]], [\"capacity\", \"in\", [3, 1.5, 2]],"
                                      " [\"temperature\", \"has\", [2.0, 8]], [\"accreditation\", \"has\", [\"B\", \"A\"]]]");
    uint8_t bytes[CONSTRAINT_BYTES_MAX];
    struct input_fault fault;
    uint32_t n = 0;
    assert_true(constraint_canonical(&service, once, bytes, &n, &fault));
    assert_int_equal(n, once.n);
    assert_memory_equal(bytes, once.p, n);
    pack_end();
}

static void
different_demands_have_different_bytes(void **state)
{
    struct proto_bin left = canonical("[[\"temperature\", \"has\", [2, 8]]]");
    struct proto_bin right = canonical("[[\"temperature\", \"has\", [2, 9]]]");
    assert_true(left.n != right.n || memcmp(left.p, right.p, left.n) != 0);
    pack_end();
}

static void
what_is_no_constraint_is_refused_by_its_place(void **state)
{
    refuses("{\"a\": 1}", "require[0]", "a list of [attribute, op, value]");
    refuses("[[\"gmp\", \"eq\", true], [\"gmp\", \"eq\"]]", "require[1]", "[attribute, op, value]");
    refuses("[\"gmp\"]", "require[0]", "[attribute, op, value]");
    refuses("[[\"colour\", \"eq\", 1]]", "require[0][0]", "an attribute of this service");
    refuses("[[\"gmp\", \"is\", true]]", "require[0][1]", "eq, ne, in, ge, le, has or near");
    refuses("[[\"gmp\", \"ge\", true]]", "require[0][1]", "an op for a boolean");
    refuses("[[\"site\", \"eq\", 1]]", "require[0][1]", "an op for a point");
    refuses("[[\"gmp\", \"eq\", 1]]", "require[0][2]", "true or false");
    refuses("[[\"capacity\", \"ge\", \"5\"]]", "require[0][2]", "a number");
    refuses("[[\"capacity\", \"in\", 5]]", "require[0][2]", "a list of at most 32 numbers");
    refuses("[[\"accredited_until\", \"ge\", \"2027-02-29\"]]", "require[0][2]", "a date YYYY-MM-DD");
    refuses("[[\"temperature\", \"has\", [8, 2]]]", "require[0][2]", "a number or [lo, hi]");
    refuses("[[\"temperature\", \"has\", \"cold\"]]", "require[0][2]", "a number or [lo, hi]");
    refuses("[[\"accreditation\", \"has\", []]]", "require[0][2]", "a string or a list of at most 32 strings");
    refuses("[[\"site\", \"near\", [39.7, 116.3]]]", "require[0][2]", "[latitude, longitude, km]");
    refuses("[[\"site\", \"near\", [139.7, 116.3, 5]]]", "require[0][2]", "[latitude, longitude, km]");
    refuses("[[\"site\", \"near\", [39.7, 116.3, 0]]]", "require[0][2]", "[latitude, longitude, km]");
}

/* B1: bounded before anything is looked at. */
static void
too_many_constraints_are_refused(void **state)
{
    char json[4096] = "[";
    for (int i = 0; i < CONSTRAINTS_MAX + 1; i++) {
        snprintf(json + strlen(json), sizeof json - strlen(json), "%s[\"capacity\", \"ge\", %d]", i > 0 ? ", " : "", i);
    }
    strncat(json, "]", sizeof json - strlen(json) - 1);
    refuses(json, "require[16]", "at most 16 constraints in 2048 bytes");
    *strrchr(json, '[') = '\0';
    snprintf(strrchr(json, ','), 3, "]");
    assert_true(canonical(json).n > 0);
    pack_end();
}

static void
cut_bytes_are_refused_or_harmless(void **state)
{
    struct proto_bin whole = pack("[[\"accreditation\", \"has\", [\"CMA\", \"CNAS\"]], [\"site\", \"near\", [39.9, 116.4, 50]]]");
    struct proto_bin offered = pack(provider);
    struct proto_bin demand = canonical("[[\"temperature\", \"has\", [2, 8]]]");
    for (uint32_t n = 0; n < whole.n; n++) {
        uint8_t bytes[CONSTRAINT_BYTES_MAX];
        uint8_t *exact = test_malloc(n + 1);
        struct input_fault fault;
        uint32_t length;
        char why[32];
        memcpy(exact + 1, whole.p, n);
        assert_true(constraint_canonical(&service, (struct proto_bin){exact + 1, n}, bytes, &length, &fault) == (n == 0));
        (void)constraint_eval((struct proto_bin){exact + 1, n}, &(struct attribute_view){.offered = offered}, why, sizeof why);
        test_free(exact);
    }
    for (uint32_t n = 0; n < offered.n; n++) {
        uint8_t *exact = test_malloc(n + 1);
        memcpy(exact + 1, offered.p, n);
        struct attribute_view view = {.confirmed = {exact + 1, n}, .offered = {exact + 1, n}};
        (void)constraint_eval(demand, &view, NULL, 0);
        test_free(exact);
    }
    pack_end();
}

/* ------------------------------------------------------------- evaluation */

static void
every_operator_holds_where_it_should(void **state)
{
    holds("[[\"accreditation\", \"has\", \"CMA\"]]");
    holds("[[\"accreditation\", \"has\", [\"CNAS\", \"CMA\"]]]");
    holds("[[\"accredited_until\", \"ge\", \"2027-05-31\"], [\"accredited_until\", \"le\", \"2027-05-31\"]]");
    holds("[[\"accredited_until\", \"ne\", \"2027-06-01\"]]");
    holds("[[\"capacity\", \"ge\", 2000], [\"capacity\", \"le\", 2000.0], [\"capacity\", \"eq\", 2000], [\"capacity\", \"ne\", 1999]]");
    holds("[[\"capacity\", \"in\", [1, 2000]]]");
    holds("[[\"gmp\", \"eq\", true], [\"gmp\", \"ne\", false]]");
    holds("[[\"region\", \"eq\", \"beijing\"], [\"region\", \"in\", [\"hebei\", \"beijing\"]], [\"region\", \"ne\", \"hebei\"]]");
    holds("[[\"temperature\", \"has\", -25], [\"temperature\", \"has\", [2, 8]], [\"temperature\", \"has\", 8.5]]");
    holds("[[\"site\", \"near\", [39.7284, 116.3412, 0.001]], [\"site\", \"near\", [39.9042, 116.4074, 21]]]");
}

static void
the_first_thing_in_the_way_is_named(void **state)
{
    stands_in_the_way("[[\"accreditation\", \"has\", \"GMP\"]]", "accreditation has GMP: not met");
    stands_in_the_way("[[\"accreditation\", \"has\", [\"CMA\", \"GMP\"]]]", "accreditation has [CMA, GMP]: not met");
    stands_in_the_way("[[\"accredited_until\", \"ge\", \"2027-06-01\"]]", "accredited_until ge 2027-06-01: not met");
    stands_in_the_way("[[\"capacity\", \"ge\", 2000.5]]", "capacity ge 2000.5: not met");
    stands_in_the_way("[[\"gmp\", \"eq\", false]]", "gmp eq false: not met");
    stands_in_the_way("[[\"temperature\", \"has\", [2, 9]]]", "temperature has [2, 9]: not met");
    stands_in_the_way("[[\"site\", \"near\", [39.9042, 116.4074, 20]]]", "site near [39.9042, 116.4074, 20]: not met");
    stands_in_the_way("[[\"region\", \"in\", [\"hebei\", \"tianjin\"]]]", "region in [hebei, tianjin]: not met");
}

/* C3: what another party offered instead is never told. */
static void
the_reason_does_not_tell_what_was_offered(void **state)
{
    char why[256];
    assert_false(offers("[[\"region\", \"eq\", \"hebei\"]]", "{\"region\": \"secret-place\"}", NULL, why, sizeof why));
    assert_null(strstr(why, "secret"));
}

static void
what_is_not_offered_satisfies_nothing(void **state)
{
    char why[256];
    assert_false(offers("[[\"region\", \"ne\", \"hebei\"]]", "{}", NULL, why, sizeof why));
    assert_string_equal(why, "region ne hebei: not offered");
}

static void
a_value_of_another_type_satisfies_nothing(void **state)
{
    assert_false(offers("[[\"capacity\", \"ge\", 1]]", "{\"capacity\": \"2000\"}", NULL, NULL, 0));
    assert_false(offers("[[\"capacity\", \"ne\", 1]]", "{\"capacity\": \"2000\"}", NULL, NULL, 0));
    assert_false(offers("[[\"temperature\", \"has\", 5]]", "{\"temperature\": [1, 2, 3]}", NULL, NULL, 0));
    assert_false(offers("[[\"accreditation\", \"has\", \"CMA\"]]", "{\"accreditation\": \"CMA\"}", NULL, NULL, 0));
    assert_false(offers("[[\"site\", \"near\", [39, 116, 20000]]]", "{\"site\": 5}", NULL, NULL, 0));
}

static void
what_the_operator_confirmed_outranks_the_offer(void **state)
{
    assert_true(offers("[[\"capacity\", \"ge\", 10]]", "{\"capacity\": 1}", "{\"capacity\": 10}", NULL, 0));
    assert_false(offers("[[\"capacity\", \"ge\", 10]]", "{\"capacity\": 10}", "{\"capacity\": 1}", NULL, 0));
    assert_true(offers("[[\"capacity\", \"ge\", 10]]", "{\"capacity\": 10}", "{\"gmp\": true}", NULL, 0));
}

static void
a_reason_that_is_cut_stays_valid_text(void **state)
{
    for (size_t room = 1; room < 40; room++) {
        char why[64];
        memset(why, 'x', sizeof why);
        assert_false(offers("[[\"region\", \"eq\", \"\\u5317\\u4eac\\u5927\\u5174\"]]", "{}", NULL, why, room));
        size_t n = strlen(why);
        assert_true(n < room);
        size_t tail = 0;
        while (tail < n && ((unsigned char)why[n - 1 - tail] & 0xC0) == 0x80) {
            tail++;
        }
        unsigned char lead = n > tail ? (unsigned char)why[n - 1 - tail] : 'x';
        assert_int_equal(tail, lead >= 0xE0 ? 2 : 0);
    }
}

/* ------------------------------------------------------------- attributes */

static void
attributes_are_checked(const char *json, const char *path)
{
    struct input_fault fault = {.path = ""};
    bool good = attribute_check(&service, pack(json), &fault);
    assert_int_equal(good, path == NULL);
    if (path != NULL) {
        assert_string_equal(fault.path, path);
    }
    pack_end();
}

static void
attributes_have_the_types_of_the_service(void **state)
{
    attributes_are_checked(provider, NULL);
    attributes_are_checked("{}", NULL);
    attributes_are_checked("{\"of-another-service\": [1, 2]}", NULL);
    attributes_are_checked("{\"capacity\": \"2000\"}", "attributes.capacity");
    attributes_are_checked("{\"gmp\": 1}", "attributes.gmp");
    attributes_are_checked("{\"temperature\": [8, 2]}", "attributes.temperature");
    attributes_are_checked("{\"site\": [139.7, 116.3]}", "attributes.site");
    attributes_are_checked("{\"accredited_until\": \"soon\"}", "attributes.accredited_until");
    attributes_are_checked("{\"accreditation\": \"CMA\"}", "attributes.accreditation");
    attributes_are_checked("{\"accreditation\": [\"CMA\", 5]}", "attributes.accreditation");
}

static void
attributes_of_no_known_shape_are_refused(void **state)
{
    struct input_fault fault;
    assert_false(attribute_map_check(pack("{\"a\": {\"b\": 1}}"), &fault));
    assert_false(attribute_map_check(pack("{\"a\": null}"), &fault));
    assert_false(attribute_map_check(pack("{\"A b\": 1}"), &fault));
    assert_string_equal(fault.path, "attributes.A?b");
    assert_false(attribute_map_check(pack("{\"a.b\": 1}"), &fault));
    assert_false(attribute_map_check(pack("[1]"), &fault));
    assert_true(attribute_map_check(pack("{\"a\": [], \"b\": [1.5, 2], \"c\": \"x\", \"d\": false}"), &fault));
    pack_end();
}

static void
attributes_are_bounded(void **state)
{
    char json[1024] = "{";
    struct input_fault fault;
    for (int i = 0; i <= ATTRIBUTE_SET_MAX; i++) {
        snprintf(json + strlen(json), sizeof json - strlen(json), "%s\"a%d\": 1", i > 0 ? ", " : "", i);
    }
    strncat(json, "}", sizeof json - strlen(json) - 1);
    assert_false(attribute_map_check(pack(json), &fault));
    pack_end();
}

static void
distance_is_great_circle(void **state)
{
    /* One degree of latitude on a sphere of 6,371.0088 km is 111.195 km; half the equator is 20,015.1. */
    assert_float_equal(point_distance_km(0, 0, 1, 0), 111.1951, 0.001);
    assert_float_equal(point_distance_km(0, 0, 0, 180), 20015.115, 0.01);
    assert_float_equal(point_distance_km(39.9042, 116.4074, 39.9042, 116.4074), 0, 0);
    assert_float_equal(point_distance_km(39.9042, 116.4074, 31.2304, 121.4737), 1067.3, 1.0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_constraints_are_no_bytes),
        cmocka_unit_test(same_demands_have_the_same_bytes),
        cmocka_unit_test(canonical_form_is_its_own_canonical_form),
        cmocka_unit_test(different_demands_have_different_bytes),
        cmocka_unit_test(what_is_no_constraint_is_refused_by_its_place),
        cmocka_unit_test(too_many_constraints_are_refused),
        cmocka_unit_test(cut_bytes_are_refused_or_harmless),
        cmocka_unit_test(every_operator_holds_where_it_should),
        cmocka_unit_test(the_first_thing_in_the_way_is_named),
        cmocka_unit_test(the_reason_does_not_tell_what_was_offered),
        cmocka_unit_test(what_is_not_offered_satisfies_nothing),
        cmocka_unit_test(a_value_of_another_type_satisfies_nothing),
        cmocka_unit_test(what_the_operator_confirmed_outranks_the_offer),
        cmocka_unit_test(a_reason_that_is_cut_stays_valid_text),
        cmocka_unit_test(attributes_have_the_types_of_the_service),
        cmocka_unit_test(attributes_of_no_known_shape_are_refused),
        cmocka_unit_test(attributes_are_bounded),
        cmocka_unit_test(distance_is_great_circle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
