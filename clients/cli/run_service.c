/* The catalogue as a requester sees it: service list, service show, template. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "rows.h"
#include "table.h"

static const char *
text_of(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    return text ? text : "";
}

int
run_service_list(struct cli *cli, const struct args *args)
{
    (void)args;
    char after[128] = "";
    int code = cli_open(cli);
    json_t *rows = json_array();
    while (code == EXIT_DONE) {
        struct qiao_page *page = NULL;
        code = cli_status(cli, qiao_services(cli->client, NULL, *after ? after : NULL, cli->timeout_us, &page));
        if (code != EXIT_DONE)
            break;
        rows_of_page(cli, page, rows);
        snprintf(after, sizeof after, "%s", page->next);
        qiao_page_free(&page);
        if (!*after)
            break;
    }
    if (code == EXIT_DONE)
        print_rows(cli, columns_service, rows);
    json_decref(rows);
    return code;
}

/* One service as JSON; NULL after an error, *out_code says which. */
static json_t *
service_row(struct cli *cli, const struct args *args, int *out_code)
{
    struct qiao_page *page = NULL;
    json_t *row = NULL;
    *out_code = cli_open(cli);
    if (*out_code == EXIT_DONE)
        *out_code = cli_status(cli, qiao_services(cli->client, args_word(args, 0), NULL, cli->timeout_us, &page));
    if (*out_code != EXIT_DONE)
        return NULL;
    if (page->count == 1)
        row = row_service(cli, &page->services[0]);
    else
        *out_code = cli_error(cli, EXIT_NOT_FOUND, "no service '%s'; qiao service list shows them", args_word(args, 0));
    qiao_page_free(&page);
    return row;
}

static void
print_fields(const struct cli *cli, const json_t *row, const char *key, const struct text *title)
{
    const json_t *fields = json_object_get(row, key);
    if (!json_array_size(fields))
        return;
    printf("\n%s:\n", text_in(title, cli->lang));
    print_rows(cli, columns_field, fields);
}

int
run_service_show(struct cli *cli, const struct args *args)
{
    static const struct text input = { "INPUT", "输入" }, output = { "OUTPUT", "结果" }, attributes = { "ATTRIBUTES", "供给属性" };
    int code;
    json_t *row = service_row(cli, args, &code);
    if (!row)
        return code;
    print_object(cli, columns_service, row);
    if (!cli->json && !cli->quiet) {
        print_fields(cli, row, "input", &input);
        print_fields(cli, row, "output", &output);
        print_fields(cli, row, "attributes", &attributes);
    }
    json_decref(row);
    return EXIT_DONE;
}

/* ---- template ---- */

/* What may stand in a field, as one comment. */
static void
print_rule(const struct cli *cli, const json_t *field)
{
    bool zh = cli->lang == LANG_ZH;
    const json_t *choices = json_object_get(field, "enum"), *min = json_object_get(field, "min"), *max = json_object_get(field, "max");
    printf("%s", text_of(field, "type"));
    if (*text_of(field, "items"))
        printf(zh ? "(%s)" : " of %s", text_of(field, "items"));
    if (*text_of(field, "unit"))
        printf(", %s", text_of(field, "unit"));
    if (min && max)
        printf(zh ? ", %.15g 至 %.15g" : ", %.15g to %.15g", json_number_value(min), json_number_value(max));
    else if (min)
        printf(zh ? ", 至少 %.15g" : ", at least %.15g", json_number_value(min));
    else if (max)
        printf(zh ? ", 至多 %.15g" : ", at most %.15g", json_number_value(max));
    size_t i;
    json_t *choice;
    json_array_foreach(choices, i, choice)
        printf("%s%s", i ? ", " : zh ? ", 取值 " : ", one of ", json_string_value(choice));
    if (json_is_true(json_object_get(field, "required")))
        fputs(zh ? "; 必填" : "; required", stdout);
    else
        fputs(zh ? "; 可选" : "; optional", stdout);
}

/* A value that the field's rule allows, in buf or elsewhere. */
static const char *
sample_of(const json_t *field, char buf[32])
{
    static const struct {
        const char *type, *sample;
    } samples[] = { { "list", "[]" }, { "map", "{}" }, { "money", "0.00 CNY" }, { "date", "2026-01-31" }, { "time", "2026-01-31T09:00:00+08:00" },
                    { "boolean", "false" }, { "integer", "0" }, { "decimal", "0.0" }, { "number", "0" } };
    const char *type = text_of(field, "type");
    bool figure = strcmp(type, "integer") == 0 || strcmp(type, "decimal") == 0 || strcmp(type, "number") == 0;
    if (figure && json_number_value(json_object_get(field, "min")) > 0) {
        snprintf(buf, 32, "%.15g", json_number_value(json_object_get(field, "min")));
        return buf;
    }
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++)
        if (strcmp(samples[i].type, type) == 0)
            return samples[i].sample;
    return "";
}

/* Optional fields are commented out and have a sample; required ones are left to fill in. */
static void
print_field(const struct cli *cli, const json_t *field)
{
    char buf[32];
    const json_t *first = json_array_get(json_object_get(field, "enum"), 0);
    bool required = json_is_true(json_object_get(field, "required"));
    const char *sample = first ? json_string_value(first) : required ? "" : sample_of(field, buf);
    if (*text_of(field, "doc"))
        printf("  # %s\n", text_of(field, "doc"));
    printf("  %s%s:%s%s   # ", required ? "" : "# ", text_of(field, "name"), *sample ? " " : "", sample);
    print_rule(cli, field);
    putchar('\n');
}

static const struct text template_head = {
    "# Fill in, then: qiao submit FILE --wait\n\nservice: %s\n"
    "# key: my-own-key          # the same key and content give the same request\n"
    "priority: routine          # routine, urgent, asap, stat\n"
    "# subject:                 # product, batch or sample\n"
    "# complete_by: +14d        # RFC 3339, a date, or +duration\n"
    "# performer:               # this provider; with fallback: any\n"
    "# require:                 # hard constraints: [attribute, op, value]; ops eq ne in ge le has near\n",
    "# 填好后提交: qiao submit 文件 --wait\n\nservice: %s\n"
    "# key: my-own-key          # 自定键;相同的键和内容得到同一请求\n"
    "priority: routine          # routine、urgent、asap、stat\n"
    "# subject:                 # 产品、批次或样品\n"
    "# complete_by: +14d        # RFC 3339 时间、日期或 +时长\n"
    "# performer:               # 指定服务方;可加 fallback: any\n"
    "# require:                 # 硬性条件 [属性, 运算, 值];运算 eq ne in ge le has near\n",
};
static const struct text template_body = { "# body_file: results.json  # the body, beside this document; or body: |",
                                           "# body_file: results.json  # 正文文件,相对于本文档;或 body: |" };
static const struct text template_empty = { "\n# input: {}                # this service has no input fields", "\n# input: {}                # 该服务没有输入字段" };
static const struct text template_outcomes = { "\n# outcomes: ", "\n# 结论: " };

int
run_template(struct cli *cli, const struct args *args)
{
    int code;
    json_t *row = service_row(cli, args, &code), *field;
    if (!row)
        return code;
    if (cli->json) {
        print_json(cli, row);
        json_decref(row);
        return EXIT_DONE;
    }
    const json_t *input = json_object_get(row, "input"), *attributes = json_object_get(row, "attributes");
    size_t i;
    printf("# %s", text_of(row, "title"));
    if (*text_of(row, "title_zh"))
        printf(" · %s", text_of(row, "title_zh"));
    putchar('\n');
    if (*text_of(row, "description")) {
        printf("# ");
        text_wrap(stdout, text_of(row, "description"), 0, 100000);
    }
    printf(text_in(&template_head, cli->lang), text_of(row, "service"));
    json_array_foreach(attributes, i, field) {
        printf("#   %s: ", text_of(field, "name"));
        print_rule(cli, field);
        putchar('\n');
    }
    puts(text_in(&template_body, cli->lang));
    puts(json_array_size(input) ? "\ninput:" : text_in(&template_empty, cli->lang));
    json_array_foreach(input, i, field)
        print_field(cli, field);
    json_array_foreach(json_object_get(row, "outcomes"), i, field)
        printf("%s%s", i ? ", " : text_in(&template_outcomes, cli->lang), json_string_value(field));
    if (json_object_get(row, "outcomes"))
        putchar('\n');
    json_decref(row);
    return EXIT_DONE;
}
