/*
 * Files that people write: what is shipped loads, and each bad file is refused with line and field.
 *
 * Every file in bad/config and bad/catalogue begins with the error that it must give: "# expect: LINE:COLUMN: FIELD: TEXT"
 * (the part behind the file's name).
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "shell/catalogue_load.h"
#include "shell/config.h"
#include "shell/quantity_load.h"

static const char *source_root;

static const char *
path_of(const char *name)
{
    static char path[1024];
    snprintf(path, sizeof path, "%s/%s", source_root, name);
    return path;
}

static bool
load_any(bool config, const char *path, struct load_error *error)
{
    if (config) {
        struct config loaded, untouched;
        memset(&loaded, 0x5a, sizeof loaded);
        untouched = loaded;
        bool good = config_load(path, &loaded, error);
        assert_true(good || memcmp(&loaded, &untouched, sizeof loaded) == 0);
        return good;
    }
    struct catalogue *catalogue = NULL;
    bool good = catalogue_load(path, PROTO_LIMIT_INPUT_BYTES, PROTO_LIMIT_BODY_BYTES, &catalogue, error);
    assert_true(good == (catalogue != NULL));
    catalogue_unref(&catalogue);
    return good;
}

static void
file_is_refused_as_it_says(bool config, const char *path)
{
    char expected[512] = "", text[1200];
    struct load_error error;
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "# expect: %511[^\n]", expected), 1);
    fclose(file);
    if (load_any(config, path, &error)) {
        fail_msg("%s was loaded", path);
    }
    load_error_text(&error, text, sizeof text);
    assert_memory_equal(text, path, strlen(path));
    assert_string_equal(text + strlen(path) + strspn(text + strlen(path), ": "), expected);
}

static void
folder_is_refused(bool config, const char *name)
{
    char folder[1024], path[1400];
    unsigned count = 0;
    snprintf(folder, sizeof folder, "%s", path_of(name));
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (strstr(entry->d_name, ".yaml") != NULL) {
            snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
            file_is_refused_as_it_says(config, path);
            count++;
        }
    }
    closedir(dir);
    assert_true(count >= 10);
}

static void
every_bad_configuration_is_refused_with_line_and_field(void **state)
{
    folder_is_refused(true, "tests/unit/bad/config");
}

static void
every_bad_catalogue_is_refused_with_line_and_field(void **state)
{
    folder_is_refused(false, "tests/unit/bad/catalogue");
}

static void
a_file_that_is_not_there_is_named(void **state)
{
    struct load_error error;
    char text[1200];
    assert_false(load_any(true, "/nowhere/qiaod.yaml", &error));
    load_error_text(&error, text, sizeof text);
    assert_string_equal(text, "/nowhere/qiaod.yaml: No such file or directory");
    assert_false(load_any(false, "/nowhere/catalogue", &error));
    load_error_text(&error, text, sizeof text);
    assert_string_equal(text, "/nowhere/catalogue: No such file or directory");
}

static void
the_shipped_configuration_loads(void **state)
{
    struct config config;
    struct load_error error;
    assert_true(config_load(path_of("deploy/config/qiaod.yaml"), &config, &error));
    assert_string_equal(config.data_dir, "/var/lib/qiao");
    assert_string_equal(config.catalogue, path_of("deploy/config/catalogue"));
    assert_int_equal(config.open_requests_per_party_max, 200000);
    assert_int_equal(config.heartbeat_us, 5000000);
    assert_int_equal(config.durability, CONFIG_DURABILITY_FULL);
}

static void
the_shipped_catalogue_loads(void **state)
{
    static const char *const names[] = {
        "testing.release", "testing.stability", "testing.biologics-qc", "testing.device", "testing.central-lab",
        "cdmo.cell-gene", "cdmo.antibody", "cdmo.viral-vector", "cdmo.nucleic-acid", "cdmo.tcm", "cdmo.hospital-preparation",
        "cold-chain.transport", "sales.distribution", "funding.equity", "funding.fund", "funding.lease", "funding.insurance",
        "compute.target", "compute.screening", "biobank.samples", "bench.echo"};
    struct catalogue *catalogue = NULL;
    struct load_error error;
    assert_true(catalogue_load(path_of("deploy/catalogue"), PROTO_LIMIT_INPUT_BYTES, PROTO_LIMIT_BODY_BYTES, &catalogue, &error));
    assert_int_equal(catalogue_count(catalogue), sizeof names / sizeof *names);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct service_type *service = catalogue_find(catalogue, proto_str_of(names[i]));
        assert_non_null(service);
        assert_true(service->title.n > 0 && service->title_zh.n > 0 && service->category.n > 0);
    }
    const struct service_type *release = catalogue_find(catalogue, PROTO_STR("testing.release"));
    const struct service_type *central = catalogue_find(catalogue, PROTO_STR("testing.central-lab"));
    assert_true(release->verify && release->tenure == PROTO_TENURE_OWNED && release->lease_us == 0);
    assert_int_equal(release->accept_by_us, INT64_C(8) * 3600 * 1000000);
    assert_int_equal(central->input.count, release->input.count); /* the shared fields are all there */
    assert_int_equal(central->policy, PROTO_POLICY_NEAREST);
    assert_string_equal(central->currency, "CNY");
    assert_true(service_attribute(release, PROTO_STR("accreditation"))->confirmed);
    assert_false(service_attribute(release, PROTO_STR("methods"))->confirmed);
    assert_int_equal(catalogue_find(catalogue, PROTO_STR("bench.echo"))->input.count, 0);
    catalogue_unref(&catalogue);
}

static void
a_service_may_not_ask_for_more_than_the_configuration_gives(void **state)
{
    struct catalogue *catalogue = NULL;
    struct load_error error;
    assert_true(catalogue_load(path_of("deploy/catalogue"), 1024, 0, &catalogue, &error));
    assert_int_equal(catalogue_service(catalogue, 0)->input_bytes_max, 1024);
    assert_int_equal(catalogue_service(catalogue, 0)->body_bytes_max, 0);
    catalogue_unref(&catalogue);
}

static void
what_is_printed_reads_back_the_same(void **state)
{
    struct config config, again;
    struct load_error error;
    char path[] = "/tmp/qiao-config-XXXXXX";
    config_init(&config);
    snprintf(config.data_dir, sizeof config.data_dir, "/a \"quoted\" \\ path: #1");
    snprintf(config.catalogue, sizeof config.catalogue, "/c");
    snprintf(config.endpoints[1], sizeof config.endpoints[1], "ipc:///run/qiao");
    config.endpoint_count = 2;
    config.heartbeat_us = 1500000;
    config.durability = CONFIG_DURABILITY_NONE;
    config.disk_reserve_bytes = 12345;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "w");
    config_print(&config, file);
    fclose(file);
    bool good = config_load(path, &again, &error);
    unlink(path);
    assert_true(good);
    assert_memory_equal(&config, &again, sizeof config);
}

static void
amounts_are_read_as_people_write_them(void **state)
{
    uint64_t count;
    int64_t us;
    double number;
    assert_true(quantity_count("1_000_000", &count) && count == 1000000);
    assert_false(quantity_count("1_", &count) || quantity_count("_1", &count) || quantity_count("1__0", &count));
    assert_false(quantity_count("-1", &count) || quantity_count("", &count) || quantity_count("9223372036854775808", &count));
    assert_true(quantity_duration("0", &us) && us == 0);
    assert_true(quantity_duration("1500ms", &us) && us == 1500000);
    assert_true(quantity_duration("14d", &us) && us == INT64_C(14) * 86400 * 1000000);
    assert_false(quantity_duration("5", &us) || quantity_duration("5 s", &us) || quantity_duration("999999999y", &us));
    assert_true(quantity_bytes("64KiB", &count) && count == 65536);
    assert_true(quantity_bytes("7", &count) && count == 7);
    assert_false(quantity_bytes("1kb", &count) || quantity_bytes("99999999999GiB", &count));
    assert_true(quantity_number("-200.5", &number));
    assert_float_equal(number, -200.5, 0);
    assert_false(quantity_number("inf", &number) || quantity_number("0x10", &number) || quantity_number("1e999", &number));
}

static void
amounts_are_written_with_the_unit_that_fits(void **state)
{
    static const struct {
        int64_t us;
        const char *text;
    } cases[] = {{0, "0"}, {1, "1us"}, {1500000, "1500ms"}, {60000000, "1m"}, {INT64_C(7) * 86400 * 1000000, "7d"}};
    char text[32];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        quantity_duration_text(cases[i].us, text, sizeof text);
        assert_string_equal(text, cases[i].text);
    }
    quantity_bytes_text(UINT64_C(3) << 30, text, sizeof text);
    assert_string_equal(text, "3GiB");
    quantity_bytes_text(1025, text, sizeof text);
    assert_string_equal(text, "1025");
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_bad_configuration_is_refused_with_line_and_field),
        cmocka_unit_test(every_bad_catalogue_is_refused_with_line_and_field),
        cmocka_unit_test(a_file_that_is_not_there_is_named),
        cmocka_unit_test(the_shipped_configuration_loads),
        cmocka_unit_test(the_shipped_catalogue_loads),
        cmocka_unit_test(a_service_may_not_ask_for_more_than_the_configuration_gives),
        cmocka_unit_test(what_is_printed_reads_back_the_same),
        cmocka_unit_test(amounts_are_read_as_people_write_them),
        cmocka_unit_test(amounts_are_written_with_the_unit_that_fits),
    };
    source_root = argc > 1 ? argv[1] : ".";
    return cmocka_run_group_tests(tests, NULL, NULL);
}
