/* Term sheets: see terms.h. */
#include "funding/terms.h"

#include "common/money.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *service, *en, *zh;
} instruments[] = {
    {"funding.equity", "Equity investment (pre-screen)", "直接投资（预筛）"},
    {"funding.fund", "Fund investment (pre-screen)", "基金投资（预筛）"},
    {"funding.lease", "Financial leasing", "融资租赁"},
    {"funding.insurance", "Insurance", "保险"},
};

static json_t *
verdict_phrase(enum policy_verdict verdict)
{
    switch (verdict) {
    case POLICY_ELIGIBLE: return phrase("eligible", "符合条件");
    case POLICY_REFER: return phrase("a person decides", "需人工决定");
    case POLICY_NOT_ELIGIBLE: return phrase("not eligible", "不符合条件");
    }
    return phrase("", "");
}

json_t *
terms_new(const char *service, const char *applicant, const struct policy *policy, const struct eligibility *eligibility)
{
    char text[160];
    json_t *document = document_new("Term sheet", "条款清单");
    document_field(document, "Applicant", "申请企业", phrase_plain(applicant));
    for (size_t i = 0; i < sizeof instruments / sizeof *instruments; i++)
        if (strcmp(instruments[i].service, service) == 0)
            document_field(document, "Instrument", "金融工具", phrase(instruments[i].en, instruments[i].zh));
    document_field(document, "Eligibility", "资格", verdict_phrase(eligibility->verdict));
    snprintf(text, sizeof text, "%d / %d", eligibility->score, eligibility->score_max);
    document_field(document, "Score", "评分", phrase_plain(text));
    snprintf(text, sizeof text, "%s, %s", policy_name(policy), policy_version(policy));
    document_field(document, "Policy", "政策", phrase_plain(text));
    return document;
}

void
terms_money(json_t *document, const char *en, const char *zh, int64_t minor, const char *currency)
{
    char text[MONEY_TEXT_BYTES];
    money_format(minor, currency, 1, text);
    document_field(document, en, zh, phrase_plain(text));
}

void
terms_close(json_t *document, const struct eligibility *eligibility, const char *computed_by)
{
    static const char *const verdicts[][3] = {{"met", "met", "满足"}, {"not-met", "not met", "不满足"}, {"knock-out", "not met: decides alone", "不满足：一票否决"}};
    static const char *const titles[][2] = {{"Criterion", "条件"}, {"Verdict", "结论"}, {"Weight", "权重"}};
    size_t i;
    const json_t *criterion;
    json_t *columns = json_array();
    for (i = 0; i < 3; i++)
        json_array_append_new(columns, phrase(titles[i][0], titles[i][1]));
    document_heading(document, "Criteria", "评审条件");
    json_t *rows = document_table(document, columns);
    json_array_foreach(eligibility->criteria, i, criterion) {
        char weight[16];
        json_t *row = json_array();
        const char *verdict = json_string_value(json_object_get(criterion, "verdict"));
        json_array_append_new(row, phrase(json_string_value(json_object_get(criterion, "title")), json_string_value(json_object_get(criterion, "title_zh"))));
        for (size_t j = 0; j < 3; j++)
            if (strcmp(verdicts[j][0], verdict) == 0)
                json_array_append_new(row, phrase(verdicts[j][1], verdicts[j][2]));
        snprintf(weight, sizeof weight, "%lld", (long long)json_integer_value(json_object_get(criterion, "weight")));
        json_array_append_new(row, phrase_plain(weight));
        json_array_append_new(rows, row);
    }
    document_field(document, "Computed by", "计算人", phrase_plain(computed_by));
}

json_t *
terms_schedule(const struct schedule *schedule, const char *currency)
{
    static const char *const titles[][2] = {{"Month", "月"}, {"Payment", "租金"}, {"Interest", "利息"}, {"Principal", "本金"}, {"Balance", "余额"}};
    json_t *columns = json_array(), *document = document_new("Payment schedule", "租金支付表");
    document_field(document, "Currency", "币种", phrase_plain(currency));
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        json_array_append_new(columns, phrase(titles[i][0], titles[i][1]));
    json_t *rows = document_table(document, columns);
    for (int i = 0; i < schedule->rows_n; i++) {
        const struct instalment *line = &schedule->rows[i];
        const int64_t amounts[] = {line->payment, line->interest, line->principal, line->balance};
        char text[MONEY_TEXT_BYTES];
        json_t *row = json_array();
        snprintf(text, sizeof text, "%d", line->month);
        json_array_append_new(row, phrase_plain(text));
        for (size_t j = 0; j < 4; j++) {
            money_format(amounts[j], currency, 0, text);
            json_array_append_new(row, phrase_plain(text));
        }
        json_array_append_new(rows, row);
    }
    return document;
}
