/* Service types: what may be said, how they are found, and that the same content has the same digest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/catalogue.h"
#include "proto/reader.h"

static struct service_type
plain(const char *name)
{
    struct service_type service;
    service_type_init(&service);
    service.name = proto_str_of(name);
    return service;
}

static void
refuses(const struct service_type *service, const char *path, const char *what)
{
    struct catalogue *catalogue = catalogue_new();
    struct catalogue_error error;
    assert_false(catalogue_add_service(catalogue, service, "services[7]", &error));
    assert_string_equal(error.path, path);
    if (what != NULL) {
        assert_string_equal(error.what, what);
    }
    catalogue_seal(catalogue);
    assert_int_equal(catalogue_count(catalogue), 0);
    catalogue_unref(&catalogue);
}

static struct catalogue *
catalogue_of(const struct service_type *services, size_t count)
{
    struct catalogue *catalogue = catalogue_new();
    struct catalogue_error error;
    for (size_t i = 0; i < count; i++) {
        assert_true(catalogue_add_service(catalogue, &services[i], "services[0]", &error));
    }
    catalogue_seal(catalogue);
    return catalogue;
}

static void
services_are_found_by_name_and_numbered_in_order(void **state)
{
    const struct service_type services[] = {plain("b"), plain("a.b"), plain("a"), plain("a-b"), plain("ab"), plain("c.long-name.x")};
    struct catalogue *catalogue = catalogue_of(services, 6);
    assert_int_equal(catalogue_count(catalogue), 6);
    for (size_t i = 0; i < 6; i++) {
        const struct service_type *found = catalogue_find(catalogue, services[i].name);
        assert_non_null(found);
        assert_true(proto_str_eq(found->name, services[i].name));
        assert_ptr_equal(catalogue_service(catalogue, found->index), found);
    }
    const char *absent[] = {"", "aa", "a.", "a.bc", "d", "0"};
    for (size_t i = 0; i < 6; i++) {
        assert_null(catalogue_find(catalogue, proto_str_of(absent[i])));
    }
    catalogue_unref(&catalogue);
    assert_null(catalogue);
}

static void
the_catalogue_outlives_what_it_was_made_from(void **state)
{
    char name[] = "a.service", word[] = "red", place[] = "site";
    struct proto_str values[] = {proto_str_of(word)};
    struct field field = {.name = proto_str_of(place), .type = FIELD_STRING, .required = true, .values = values, .value_count = 1};
    struct service_type service = plain(name);
    service.input = (struct field_list){.fields = &field, .count = 1};
    struct catalogue *catalogue = catalogue_of(&service, 1);
    memset(name, 'x', sizeof name - 1);
    memset(word, 'x', sizeof word - 1);
    memset(place, 'x', sizeof place - 1);
    field.type = FIELD_MAP;
    const struct service_type *kept = catalogue_find(catalogue, proto_str_of("a.service"));
    assert_non_null(kept);
    assert_string_equal(kept->input.fields[0].name.p, "site");
    assert_string_equal(kept->input.fields[0].values[0].p, "red");
    assert_int_equal(kept->input.fields[0].type, FIELD_STRING);
    assert_int_equal(kept->input.required, 1);
    catalogue_unref(&catalogue);
}

static void
a_reference_keeps_the_old_catalogue(void **state)
{
    struct service_type service = plain("a");
    struct catalogue *catalogue = catalogue_of(&service, 1);
    struct catalogue *held = catalogue_ref(catalogue);
    catalogue_unref(&catalogue);
    assert_non_null(catalogue_find(held, proto_str_of("a")));
    catalogue_unref(&held);
}

static void
the_digest_depends_on_content_and_not_on_order(void **state)
{
    struct service_type services[] = {plain("a"), plain("b")};
    struct service_type turned[] = {plain("b"), plain("a")};
    struct catalogue *first = catalogue_of(services, 2);
    struct catalogue *second = catalogue_of(turned, 2);
    assert_memory_equal(catalogue_digest(first), catalogue_digest(second), CATALOGUE_DIGEST_BYTES);
    catalogue_unref(&second);
    services[1].age_us = 1;
    second = catalogue_of(services, 2);
    assert_memory_not_equal(catalogue_digest(first), catalogue_digest(second), CATALOGUE_DIGEST_BYTES);
    catalogue_unref(&second);
    struct field field = {.name = {"x", 1}, .type = FIELD_NUMBER};
    services[1] = plain("b");
    services[1].output = (struct field_list){.fields = &field, .count = 1};
    second = catalogue_of(services, 2);
    assert_memory_not_equal(catalogue_digest(first), catalogue_digest(second), CATALOGUE_DIGEST_BYTES);
    catalogue_unref(&second);
    catalogue_unref(&first);
}

static void
names_are_well_formed(void **state)
{
    const char *good[] = {"a", "testing.release", "cdmo.cell-gene", "a.b.c", "x9.y_z"};
    const char *bad[] = {"", ".", "a.", ".a", "a..b", "A", "a b", "9a", "-a", "a.9", "a.*", "*", "\xe6\xb5\x8b"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(service_name_valid(proto_str_of(good[i]), false));
        assert_true(service_name_valid(proto_str_of(good[i]), true));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(service_name_valid(proto_str_of(bad[i]), false));
        struct service_type service = plain(bad[i]);
        refuses(&service, "services[7].name", NULL);
    }
    assert_true(service_name_valid(PROTO_STR("a.*"), true));
    assert_true(service_name_valid(PROTO_STR("*"), true));
    const char *no_pattern[] = {"a*", ".*", "*.a", "a.*.b", "a.b*", "**"};
    for (size_t i = 0; i < sizeof no_pattern / sizeof *no_pattern; i++) {
        assert_false(service_name_valid(proto_str_of(no_pattern[i]), true));
    }
    char longest[66];
    memset(longest, 'a', 65);
    assert_true(service_name_valid((struct proto_str){longest, 64}, false));
    assert_false(service_name_valid((struct proto_str){longest, 65}, false));
}

static void
a_prefix_covers_what_lies_under_it(void **state)
{
    assert_true(service_name_covers(PROTO_STR("testing.*"), PROTO_STR("testing.release")));
    assert_true(service_name_covers(PROTO_STR("testing.*"), PROTO_STR("testing.a.b")));
    assert_false(service_name_covers(PROTO_STR("testing.*"), PROTO_STR("testing")));
    assert_false(service_name_covers(PROTO_STR("testing.*"), PROTO_STR("testing.")));
    assert_false(service_name_covers(PROTO_STR("testing.*"), PROTO_STR("testingx.a")));
    assert_true(service_name_covers(PROTO_STR("*"), PROTO_STR("anything")));
    assert_true(service_name_covers(PROTO_STR("a.b"), PROTO_STR("a.b")));
    assert_false(service_name_covers(PROTO_STR("a.b"), PROTO_STR("a.b.c")));
    assert_false(service_name_covers((struct proto_str){NULL, 0}, PROTO_STR("a")));
}

static void
a_name_that_is_there_is_not_added_again(void **state)
{
    struct catalogue *catalogue = catalogue_new();
    struct catalogue_error error;
    struct service_type service = plain("a");
    assert_true(catalogue_add_service(catalogue, &service, "services[0]", &error));
    assert_false(catalogue_add_service(catalogue, &service, "services[1]", &error));
    assert_string_equal(error.path, "services[1].name");
    assert_string_equal(error.what, "a is there twice");
    catalogue_unref(&catalogue);
}

static void
limits_that_make_no_sense_are_refused(void **state)
{
    const int64_t second = 1000000;
    struct service_type service;
#define REFUSED(change, path)                                                                                        \
    do {                                                                                                             \
        service = plain("a");                                                                                        \
        change;                                                                                                      \
        refuses(&service, "services[7]" path, NULL);                                                                 \
    } while (0)
    REFUSED(service.attempts = 0, ".limits.attempts");
    REFUSED(service.attempts = 64, ".limits.attempts");
    REFUSED(service.releases_max = 10001, ".limits.releases");
    REFUSED(service.lease_us = 0, ".limits.lease");
    REFUSED(service.lease_us = 86401 * second, ".limits.lease");
    REFUSED(service.attempt_us = second, ".limits.attempt");
    REFUSED(service.attempt_us = -1, ".limits.attempt");
    REFUSED(service.accept_by_us = second, ".limits.accept_by");
    REFUSED(service.start_by_us = second, ".limits.start_by");
    REFUSED(service.backoff_us = 400 * second, ".limits.backoff_max");
    REFUSED(service.complete_by_fails = true, ".limits.complete_by");
    REFUSED(service.input_bytes_max = 0, ".limits.input");
    REFUSED(service.input_bytes_max = PROTO_LIMIT_INPUT_BYTES + 1, ".limits.input");
    REFUSED(service.body_bytes_max = PROTO_LIMIT_BODY_BYTES + 1, ".limits.body");
    REFUSED(service.waiting_max = 100000001, ".limits.waiting");
    REFUSED(service.age_us = INT64_MAX, ".limits.age");
    REFUSED(service.pattern = PROTO_PATTERN_TENDER, ".pattern");
    REFUSED(service.tenure = (enum proto_tenure)0, ".tenure");
    REFUSED(service.policy = (enum proto_policy)9, ".policy");
    REFUSED(service.category = PROTO_STR("Two Words"), ".category");
    REFUSED((service.tenure = PROTO_TENURE_OWNED, service.accept_by_us = 9 * second, service.complete_by_us = 5 * second),
            ".limits.complete_by");
#undef REFUSED
}

static void
an_owned_service_has_no_lease(void **state)
{
    struct service_type service = plain("a");
    service.tenure = PROTO_TENURE_OWNED;
    service.accept_by_us = 1000000;
    struct catalogue *catalogue = catalogue_of(&service, 1);
    assert_int_equal(catalogue_service(catalogue, 0)->lease_us, 0);
    catalogue_unref(&catalogue);
}

static void
field_refused(struct field field, const char *path)
{
    struct field both[] = {{.name = {"first", 5}, .type = FIELD_STRING}, field};
    struct service_type service = plain("a");
    service.input = (struct field_list){.fields = both, .count = 2};
    refuses(&service, path, NULL);
}

static void
fields_that_make_no_sense_are_refused(void **state)
{
    static const struct proto_str twice[] = {{"x", 1}, {"y", 1}, {"x", 1}};
    field_refused((struct field){.name = {"first", 5}}, "services[7].input[1].name");
    field_refused((struct field){.name = {"A", 1}}, "services[7].input[1].name");
    field_refused((struct field){.name = {"a.b", 3}}, "services[7].input[1].name");
    field_refused((struct field){.name = {"a", 1}, .type = FIELD_ANY}, "services[7].input[1].type");
    field_refused((struct field){.name = {"a", 1}, .type = FIELD_DATE, .has_min = true}, "services[7].input[1].min");
    field_refused((struct field){.name = {"a", 1}, .type = FIELD_LIST, .has_max = true, .max = -1}, "services[7].input[1].max");
    field_refused((struct field){.name = {"a", 1}, .type = FIELD_INTEGER, .has_min = true, .min = 2, .has_max = true, .max = 1},
                  "services[7].input[1].min");
    field_refused((struct field){.name = {"a", 1}, .type = FIELD_MONEY, .unit = {"yuan", 4}}, "services[7].input[1].unit");
    field_refused((struct field){.name = {"a", 1}, .type = FIELD_INTEGER, .values = twice, .value_count = 1}, "services[7].input[1].enum");
    field_refused((struct field){.name = {"a", 1}, .type = FIELD_STRING, .values = twice, .value_count = 3}, "services[7].input[1].enum[2]");
}

static void
attributes_and_outcomes_are_named_once(void **state)
{
    const struct attribute attributes[] = {{.name = {"a", 1}, .type = ATTRIBUTE_SET}, {.name = {"a", 1}, .type = ATTRIBUTE_SET}};
    const struct proto_str outcomes[] = {{"good", 4}, {"good", 4}};
    struct service_type service = plain("a");
    service.attributes = attributes;
    service.attribute_count = 2;
    refuses(&service, "services[7].attributes[1].name", "a is there twice");
    service.attribute_count = 1;
    service.outcomes = outcomes;
    service.outcome_count = 2;
    refuses(&service, "services[7].outcomes[1]", "is there twice");
}

static void
only_listed_outcomes_count(void **state)
{
    const struct proto_str outcomes[] = {{"good", 4}};
    struct service_type service = plain("a");
    assert_true(service_has_outcome(&service, PROTO_STR("anything")));
    service.outcomes = outcomes;
    service.outcome_count = 1;
    assert_true(service_has_outcome(&service, PROTO_STR("good")));
    assert_true(service_has_outcome(&service, (struct proto_str){NULL, 0}));
    assert_false(service_has_outcome(&service, PROTO_STR("bad")));
}

static void
every_type_has_a_name_that_finds_it(void **state)
{
    for (unsigned i = 0; i < FIELD_TYPES; i++) {
        enum field_type type;
        assert_true(field_type_find(proto_str_of(field_type_name((enum field_type)i)), &type));
        assert_int_equal(type, i);
    }
    for (unsigned i = 0; i < ATTRIBUTE_TYPES; i++) {
        enum attribute_type type;
        assert_true(attribute_type_find(proto_str_of(attribute_type_name((enum attribute_type)i)), &type));
        assert_int_equal(type, i);
    }
    enum field_type none;
    assert_false(field_type_find(PROTO_STR("float"), &none));
}

static void
a_row_says_what_the_service_type_says(void **state)
{
    const struct proto_str values[] = {{"red", 3}, {"green", 5}};
    const struct field field = {.name = {"colour", 6}, .type = FIELD_STRING, .required = true, .values = values, .value_count = 2,
                                .has_max = true, .max = 8};
    const struct attribute attribute = {.name = {"gmp", 3}, .type = ATTRIBUTE_BOOLEAN};
    struct service_type service = plain("a.b");
    struct proto_service_row row;
    struct proto_field_row shown;
    struct proto_error error;
    struct proto_buf buf;
    service.description = PROTO_STR("what it does");
    service.input = (struct field_list){.fields = &field, .count = 1};
    service.attributes = &attribute;
    service.attribute_count = 1;
    service.outcomes = values;
    service.outcome_count = 2;
    proto_buf_init(&buf, 65536);
    assert_true(service_row_encode(&service, true, &buf));
    assert_true(proto_struct_decode(buf.p, buf.n, PROTO_STRUCT_SERVICE_ROW, &row, &error));
    assert_true(proto_str_eq(row.service, service.name));
    assert_true(proto_str_eq(row.description, service.description));
    assert_int_equal(row.attempts, 3);
    struct proto_iter it = proto_iter_of(row.input);
    assert_int_equal(it.left, 1);
    assert_true(proto_iter_struct(&it, PROTO_STRUCT_FIELD_ROW, &shown));
    assert_true(proto_str_eq(shown.name, field.name) && proto_str_eq(shown.type, PROTO_STR("string")));
    assert_true(shown.required && shown.has_max && !shown.has_min);
    assert_int_equal(proto_list_count(shown.enum_), 2);
    it = proto_iter_of(row.attributes);
    assert_true(proto_iter_struct(&it, PROTO_STRUCT_FIELD_ROW, &shown));
    assert_true(proto_str_eq(shown.type, PROTO_STR("boolean")));
    struct proto_str outcome;
    it = proto_iter_of(row.outcomes);
    assert_true(proto_iter_str(&it, &outcome) && proto_str_eq(outcome, values[0]));
    assert_true(proto_iter_str(&it, &outcome) && proto_str_eq(outcome, values[1]));
    assert_false(proto_iter_str(&it, &outcome));
    size_t whole = buf.n;
    proto_buf_reset(&buf);
    assert_true(service_row_encode(&service, false, &buf));
    assert_true(buf.n < whole);
    proto_buf_fini(&buf);
    proto_buf_init(&buf, 16);
    assert_false(service_row_encode(&service, true, &buf));
    assert_int_equal(buf.n, 0);
    proto_buf_fini(&buf);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(services_are_found_by_name_and_numbered_in_order),
        cmocka_unit_test(the_catalogue_outlives_what_it_was_made_from),
        cmocka_unit_test(a_reference_keeps_the_old_catalogue),
        cmocka_unit_test(the_digest_depends_on_content_and_not_on_order),
        cmocka_unit_test(names_are_well_formed),
        cmocka_unit_test(a_prefix_covers_what_lies_under_it),
        cmocka_unit_test(a_name_that_is_there_is_not_added_again),
        cmocka_unit_test(limits_that_make_no_sense_are_refused),
        cmocka_unit_test(an_owned_service_has_no_lease),
        cmocka_unit_test(fields_that_make_no_sense_are_refused),
        cmocka_unit_test(attributes_and_outcomes_are_named_once),
        cmocka_unit_test(only_listed_outcomes_count),
        cmocka_unit_test(every_type_has_a_name_that_finds_it),
        cmocka_unit_test(a_row_says_what_the_service_type_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
