/*
 * Money: i64 minor units and an ISO 4217 code, as people write it: "1250.00 CNY".
 *
 * How many decimals a currency has is ISO 4217's; a code that is not listed here has two.
 */
#ifndef QIAO_CLI_MONEY_H
#define QIAO_CLI_MONEY_H

#include <stdbool.h>
#include <stdint.h>

enum { MONEY_SIZE = 48 };

/* "1250 CNY", "1250.00 CNY", "CNY 1,250.00". False when it is none or has more decimals than the currency. */
bool money_parse(const char *p, int64_t *out_minor, char out_currency[4]);

/* "1,250.00 CNY" */
void money_format(int64_t minor, const char *currency, char out[MONEY_SIZE]);

int money_decimals(const char *currency);

#endif
