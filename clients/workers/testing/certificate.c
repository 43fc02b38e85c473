/* The certificate of analysis: see certificate.h. */
#include "testing/certificate.h"

#include <stdio.h>
#include <string.h>

static void
field_unless_empty(json_t *document, const char *en, const char *zh, const char *value)
{
    if (value && *value)
        document_field(document, en, zh, phrase_plain(value));
}

json_t *
certificate_new(const struct certificate *certificate)
{
    char version[16], standard[600], specification[600];
    const struct specification *spec = certificate->specification;
    json_t *document = document_new("Certificate of analysis", "检验报告书");
    snprintf(version, sizeof version, "%d", certificate->version);
    snprintf(specification, sizeof specification, "%s, %s", spec->id, spec->version);
    snprintf(standard, sizeof standard, "%s%s%s", spec->pharmacopoeia, *spec->edition ? ", " : "", spec->edition);

    document_field(document, "Certificate number", "报告书编号", phrase_plain(certificate->number));
    document_field(document, "Version", "版本", phrase_plain(version));
    document_field(document, "Product", "品名", phrase_plain(certificate->product));
    document_field(document, "Batch", "批号", phrase_plain(certificate->batch));
    document_field(document, "Sample", "样品编号", phrase_plain(certificate->sample));
    field_unless_empty(document, "Manufacturer", "生产单位", certificate->manufacturer);
    field_unless_empty(document, "Storage condition", "贮存条件", certificate->condition);
    document_field(document, "Specification", "质量标准", phrase_plain(specification));
    field_unless_empty(document, "Pharmacopoeia", "药典", standard);
    document_field(document, "Rounding", "修约规则", phrase(spec->rounding == ROUNDING_USP ? "USP General Notices 7.20" : "GB/T 8170",
                                                        spec->rounding == ROUNDING_USP ? "USP 凡例 7.20" : "GB/T 8170"));
    field_unless_empty(document, "Sampled on", "取样日期", certificate->sampled_on);
    field_unless_empty(document, "Received on", "收样日期", certificate->received_on);
    field_unless_empty(document, "Tested on", "检验日期", certificate->tested_on);
    field_unless_empty(document, "Expires on", "有效期至", certificate->expires_on);
    return document;
}

json_t *
certificate_tests(json_t *document, int months)
{
    static const char *const titles[][2] = {
        {"Test", "检验项目"}, {"Method", "检验方法"}, {"Limit", "标准规定"}, {"Result", "检验结果"}, {"Verdict", "单项结论"}, {"Details", "说明"},
    };
    if (months >= 0) {
        char en[48], zh[48];
        snprintf(en, sizeof en, "After %d months", months);
        snprintf(zh, sizeof zh, "第 %d 个月", months);
        document_heading(document, en, zh);
    }
    json_t *columns = json_array();
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        json_array_append_new(columns, phrase(titles[i][0], titles[i][1]));
    return document_table(document, columns);
}

/* A stage that is still to come is the one result that is a sentence. */
static json_t *
result_phrase(const struct judged *judged)
{
    char zh[64];
    if (judged->verdict != VERDICT_STAGE_NEEDED)
        return *judged->result_zh ? phrase(judged->result, judged->result_zh) : phrase_plain(judged->result);
    snprintf(zh, sizeof zh, "需进行第 %d 阶段，另取 %zu 个单位", judged->stage, judged->more);
    return phrase(judged->result, zh);
}

void
certificate_test_add(json_t *rows, const struct judged *judged)
{
    json_t *row = json_array();
    json_array_append_new(row, phrase(judged->name, judged->name_zh));
    json_array_append_new(row, phrase_plain(judged->method));
    json_array_append_new(row, phrase(judged->limit, judged->limit_zh));
    json_array_append_new(row, result_phrase(judged));
    json_array_append_new(row, phrase(verdict_word(judged->verdict), verdict_word_zh(judged->verdict)));
    json_array_append_new(row, phrase_plain(judged->detail));
    json_array_append_new(rows, row);
}

void
certificate_close(json_t *document, const struct certificate *certificate)
{
    static const struct {
        const char *outcome, *en, *zh;
    } words[] = {
        {"conforming", "The sample conforms to the specification.", "本品按上述质量标准检验，结果符合规定。"},
        {"out-of-specification", "The sample does not conform to the specification.", "本品按上述质量标准检验，结果不符合规定。"},
        {"further-stage-required", "A further stage of testing is required.", "尚需进行下一阶段检验。"},
        {"reported", "The results are reported with their reference intervals.", "结果及参考区间如上所报告。"},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i].outcome, certificate->outcome) == 0)
            document_note(document, phrase(words[i].en, words[i].zh));
    document_field(document, "Computed by", "检验人", phrase_plain(certificate->computed_by));
    document_field(document, "Verified by", "复核人",
                   certificate->verified_by ? phrase_plain(certificate->verified_by) : phrase("to be verified by another member", "待另一人员复核"));
    document_field(document, "Issued at", "签发时间", phrase_plain(certificate->issued_at));
    if (!certificate->verified_by)
        document_note(document, phrase("Valid only once the request's trail in the broker shows it as verified.", "仅在服务代理记录显示已复核后有效。"));
}
