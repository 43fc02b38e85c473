/* Money as text: see money.h. */
#include "common/money.h"

#include <stdio.h>
#include <string.h>

int
money_places(const char *currency)
{
    static const char none[] = "JPY KRW VND", three[] = "BHD KWD OMR TND";
    return strstr(none, currency) ? 0 : strstr(three, currency) ? 3 : 2;
}

void
money_format(int64_t minor, const char *currency, int with_code, char *out)
{
    char digits[24], text[40];
    int places = money_places(currency);
    size_t used = 0;
    uint64_t magnitude = minor < 0 ? -(uint64_t)minor : (uint64_t)minor;
    int n = snprintf(digits, sizeof digits, "%0*llu", places + 1, (unsigned long long)magnitude);
    if (minor < 0)
        text[used++] = '-';
    for (int i = 0; i < n; i++) {
        int left = n - places - i; /* digits before the point still to come, this one too */
        if (i > 0 && left > 0 && left % 3 == 0)
            text[used++] = ',';
        if (left == 0)
            text[used++] = '.';
        text[used++] = digits[i];
    }
    text[used] = '\0';
    snprintf(out, MONEY_TEXT_BYTES, "%s%s%.3s", text, with_code ? " " : "", with_code ? currency : "");
}
