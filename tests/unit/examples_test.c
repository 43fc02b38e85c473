/*
 * The shipped request documents against the shipped catalogue: each names a service that is there, its input fits the
 * fields, its demands are about the service's attributes, and the shipped providers satisfy them. Those that are meant to
 * be refused, or to find nobody, do just that.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

#include <cmocka.h>

#include "core/constraint.h"
#include "core/input_check.h"
#include "proto/reader.h"
#include "proto/writer.h"
#include "shell/catalogue_load.h"

static const char *source_root;
static struct catalogue *catalogue;

/* ------------------------------------------------------------- YAML as msgpack, by its core schema */

static void
scalar_put(struct proto_buf *buf, const yaml_node_t *node)
{
    const char *text = (const char *)node->data.scalar.value;
    char *end;
    if (node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && text[0] != '\0') {
        long long integer = strtoll(text, &end, 10);
        if (*end == '\0') {
            proto_put_i64(buf, integer);
            return;
        }
        double number = strtod(text, &end);
        if (*end == '\0') {
            proto_put_f64(buf, number);
            return;
        }
        if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0) {
            proto_put_bool(buf, text[0] == 't');
            return;
        }
    }
    proto_put_str(buf, (struct proto_str){text, (uint32_t)node->data.scalar.length});
}

static void
node_put(struct proto_buf *buf, yaml_document_t *document, const yaml_node_t *node)
{
    if (node->type == YAML_SCALAR_NODE) {
        scalar_put(buf, node);
    } else if (node->type == YAML_SEQUENCE_NODE) {
        proto_put_list(buf, (uint32_t)(node->data.sequence.items.top - node->data.sequence.items.start));
        for (yaml_node_item_t *item = node->data.sequence.items.start; item < node->data.sequence.items.top; item++) {
            node_put(buf, document, yaml_document_get_node(document, *item));
        }
    } else {
        proto_put_map(buf, (uint32_t)(node->data.mapping.pairs.top - node->data.mapping.pairs.start));
        for (yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
            node_put(buf, document, yaml_document_get_node(document, pair->key));
            node_put(buf, document, yaml_document_get_node(document, pair->value));
        }
    }
}

/* The caller frees the buffer. */
static struct proto_buf
document_pack(const char *name)
{
    char path[1024];
    yaml_parser_t parser;
    yaml_document_t document;
    struct proto_buf buf;
    snprintf(path, sizeof path, "%s/deploy/examples/%s", source_root, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fail_msg("%s is not there", path);
    }
    assert_true(yaml_parser_initialize(&parser));
    yaml_parser_set_input_file(&parser, file);
    assert_true(yaml_parser_load(&parser, &document));
    proto_buf_init(&buf, 1 << 20);
    node_put(&buf, &document, yaml_document_get_root_node(&document));
    yaml_document_delete(&document);
    yaml_parser_delete(&parser);
    fclose(file);
    return buf;
}

/* ------------------------------------------------------------- one document */

/* What is wrong with it, as one line; empty: it fits. */
static void
document_judge(const char *name, char *out_text, size_t n)
{
    struct proto_buf buf = document_pack(name);
    struct proto_bin map = {buf.p, (uint32_t)buf.n}, input = {0}, require = {0};
    struct proto_token service_name, file_name;
    struct input_fault fault;
    uint8_t canonical[CONSTRAINT_BYTES_MAX];
    uint32_t canonical_n;
    out_text[0] = '\0';
    if (!proto_map_token(map, PROTO_STR("service"), &service_name)) {
        fail_msg("%s names no service", name);
    }
    const struct service_type *service = catalogue_find(catalogue, service_name.str);
    if (service == NULL) {
        fail_msg("%s: no service %.*s", name, PROTO_STR_ARG(service_name.str));
    }
    proto_map_find(map, PROTO_STR("input"), &input);
    proto_map_find(map, PROTO_STR("require"), &require);
    if (!input_check(&service->input, INPUT_WHOLE, "input", input, &fault) ||
        !constraint_canonical(service, require, canonical, &canonical_n, &fault)) {
        input_fault_text(&fault, out_text, n);
    }
    if (proto_map_token(map, PROTO_STR("body_file"), &file_name)) {
        char path[1200];
        snprintf(path, sizeof path, "%s/deploy/examples/%.*s", source_root, PROTO_STR_ARG(file_name.str));
        FILE *file = fopen(path, "rb");
        assert_non_null(file);
        fseek(file, 0, SEEK_END);
        assert_in_range(ftell(file), 1, service->body_bytes_max);
        fclose(file);
    }
    proto_buf_fini(&buf);
}

static void
every_document_fits_the_catalogue(void **state)
{
    char folder[1024], text[512];
    unsigned count = 0;
    snprintf(folder, sizeof folder, "%s/deploy/examples", source_root);
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (strstr(entry->d_name, ".yaml") == NULL) {
            continue;
        }
        document_judge(entry->d_name, text, sizeof text);
        if (strcmp(entry->d_name, "invalid.yaml") == 0) {
            assert_string_equal(text, "input.months: at most 360, got integer");
        } else if (text[0] != '\0') {
            fail_msg("%s: %s", entry->d_name, text);
        }
        count++;
    }
    closedir(dir);
    assert_true(count >= 16);
}

static void
documents_that_wait_fit_too(void **state)
{
    static const char *const names[] = {"bench-echo", "biobank-samples", "compute-screening", "compute-target", "sales-distribution"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char name[64], text[512];
        snprintf(name, sizeof name, "waiting/%s.yaml", names[i]);
        document_judge(name, text, sizeof text);
        assert_string_equal(text, "");
    }
}

static void
the_reply_fits_the_service_that_asked(void **state)
{
    struct proto_buf buf = document_pack("replies/testing-release-asks-back.yaml");
    struct input_fault fault;
    const struct service_type *service = catalogue_find(catalogue, PROTO_STR("testing.release"));
    assert_true(input_check(&service->input, INPUT_PARTIAL, "input", (struct proto_bin){buf.p, (uint32_t)buf.n}, &fault));
    proto_buf_fini(&buf);
}

/* ------------------------------------------------------------- providers */

static bool
provider_can(const char *document, const char *provider, char *why, size_t why_n)
{
    struct proto_buf request = document_pack(document), offered = document_pack(provider);
    struct proto_bin map = {request.p, (uint32_t)request.n}, require = {0};
    struct attribute_view view = {.offered = {offered.p, (uint32_t)offered.n}};
    struct proto_token name;
    struct input_fault fault;
    uint8_t canonical[CONSTRAINT_BYTES_MAX];
    uint32_t n;
    assert_true(proto_map_token(map, PROTO_STR("service"), &name));
    const struct service_type *service = catalogue_find(catalogue, name.str);
    proto_map_find(map, PROTO_STR("require"), &require);
    assert_true(constraint_canonical(service, require, canonical, &n, &fault));
    if (!attribute_check(service, view.offered, &fault)) {
        fail_msg("%s: %s %s", provider, fault.path, fault.rule);
    }
    bool can = constraint_eval((struct proto_bin){canonical, n}, &view, why, why_n);
    proto_buf_fini(&request);
    proto_buf_fini(&offered);
    return can;
}

static void
the_shipped_providers_satisfy_the_demands(void **state)
{
    static const char *const pairs[][2] = {
        {"testing-release.yaml", "providers/testing.json"},     {"testing-biologics-qc.yaml", "providers/testing.json"},
        {"cdmo-antibody.yaml", "providers/cdmo.json"},          {"cold-chain-vaccine.yaml", "providers/coldchain.json"},
        {"cold-chain-insulin.yaml", "providers/coldchain.json"}, {"funding-lease.yaml", "providers/funding.json"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char why[256] = "";
        if (!provider_can(pairs[i][0], pairs[i][1], why, sizeof why)) {
            fail_msg("%s by %s: %s", pairs[i][0], pairs[i][1], why);
        }
    }
}

static void
nobody_can_do_what_nobody_should(void **state)
{
    char why[256] = "";
    assert_false(provider_can("nobody.yaml", "providers/testing.json", why, sizeof why));
    assert_string_equal(why, "biosafety_level ge 4: not met");
}

static int
catalogue_open(void **state)
{
    char path[1024];
    struct load_error error;
    snprintf(path, sizeof path, "%s/deploy/catalogue", source_root);
    return catalogue_load(path, PROTO_LIMIT_INPUT_BYTES, PROTO_LIMIT_BODY_BYTES, &catalogue, &error) ? 0 : -1;
}

static int
catalogue_close(void **state)
{
    catalogue_unref(&catalogue);
    return 0;
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_document_fits_the_catalogue),
        cmocka_unit_test(documents_that_wait_fit_too),
        cmocka_unit_test(the_reply_fits_the_service_that_asked),
        cmocka_unit_test(the_shipped_providers_satisfy_the_demands),
        cmocka_unit_test(nobody_can_do_what_nobody_should),
    };
    source_root = argc > 1 ? argv[1] : ".";
    return cmocka_run_group_tests(tests, catalogue_open, catalogue_close);
}
