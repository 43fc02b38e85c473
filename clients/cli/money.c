/* Money as people write it. */
#include "money.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

int
money_decimals(const char *currency)
{
    /* ISO 4217:2015, the codes whose minor unit is not 2. */
    static const char none[] = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF";
    static const char three[] = "BHD IQD JOD KWD LYD OMR TND";
    if (strlen(currency) != 3)
        return 2;
    return strstr(none, currency) ? 0 : strstr(three, currency) ? 3 : strcmp(currency, "CLF") == 0 ? 4 : 2;
}

static bool
code_parse(const char **p, char out[4])
{
    for (int i = 0; i < 3; i++)
        if (!isupper((unsigned char)(*p)[i]))
            return false;
    if (isalnum((unsigned char)(*p)[3]))
        return false;
    memcpy(out, *p, 3);
    out[3] = '\0';
    *p += 3;
    return true;
}

/* Digits with separators of thousands and at most one point; the end of them is given back. */
static bool
amount_parse(const char *p, const char **out_end, int64_t *out_whole, int64_t *out_part, int *out_decimals)
{
    int64_t whole = 0, part = 0;
    int decimals = 0;
    if (!isdigit((unsigned char)*p))
        return false;
    for (; isdigit((unsigned char)*p) || (*p == ',' && isdigit((unsigned char)p[1])); p++) {
        if (*p == ',')
            continue;
        if (whole > INT64_MAX / 100000)
            return false;
        whole = whole * 10 + (*p - '0');
    }
    if (*p == '.') {
        if (!isdigit((unsigned char)*++p))
            return false;
        for (; isdigit((unsigned char)*p); p++) {
            if (++decimals > 4)
                return false;
            part = part * 10 + (*p - '0');
        }
    }
    *out_end = p;
    *out_whole = whole;
    *out_part = part;
    *out_decimals = decimals;
    return true;
}

bool
money_parse(const char *p, int64_t *out_minor, char out_currency[4])
{
    char currency[4] = "";
    int64_t whole, part;
    int decimals, sign = 1;
    bool first = code_parse(&p, currency);
    while (*p == ' ')
        p++;
    if (*p == '-') {
        sign = -1;
        p++;
    }
    if (!amount_parse(p, &p, &whole, &part, &decimals))
        return false;
    while (*p == ' ')
        p++;
    if ((!first && !code_parse(&p, currency)) || *p)
        return false;
    int places = money_decimals(currency);
    if (decimals > places)
        return false;
    for (; decimals < places; decimals++)
        part *= 10;
    int64_t scale = 1;
    for (int i = 0; i < places; i++)
        scale *= 10;
    if (whole > (INT64_MAX - part) / scale)
        return false;
    *out_minor = sign * (whole * scale + part);
    memcpy(out_currency, currency, 4);
    return true;
}

void
money_format(int64_t minor, const char *currency, char out[MONEY_SIZE])
{
    int places = money_decimals(currency);
    uint64_t size = minor < 0 ? -(uint64_t)minor : (uint64_t)minor, scale = 1;
    for (int i = 0; i < places; i++)
        scale *= 10;
    char digits[24], grouped[40];
    int n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)(size / scale)), used = 0;
    for (int i = 0; i < n; i++) {
        if (i && (n - i) % 3 == 0)
            grouped[used++] = ',';
        grouped[used++] = digits[i];
    }
    grouped[used] = '\0';
    const char *sign = minor < 0 ? "-" : "";
    if (places)
        snprintf(out, MONEY_SIZE, "%s%s.%0*llu%s%.3s", sign, grouped, places, (unsigned long long)(size % scale), *currency ? " " : "", currency);
    else
        snprintf(out, MONEY_SIZE, "%s%s%s%.3s", sign, grouped, *currency ? " " : "", currency);
}
