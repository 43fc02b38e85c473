/*
 * Money as text: minor units and an ISO 4217 code to "149,405.92 CNY".
 */
#ifndef QIAO_WORKERS_MONEY_H
#define QIAO_WORKERS_MONEY_H

#include <stddef.h>
#include <stdint.h>

enum { MONEY_TEXT_BYTES = 48 };

/* Decimal places of a currency: 2, but 0 for JPY, KRW and VND and 3 for BHD, KWD, OMR and TND. */
int money_places(const char *currency);

/* out holds MONEY_TEXT_BYTES. With thousands separators; without the code when currency stands in the column's title (code false). */
void money_format(int64_t minor, const char *currency, int with_code, char *out);

#endif
