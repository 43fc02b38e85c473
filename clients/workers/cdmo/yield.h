/*
 * Yield and reconciliation of a batch. Exact decimals; percentages are rounded once, half up, to two places, and then compared with limits.
 *
 * Material balance after the Chinese GMP (2010 revision): what came out, in all its forms, against what went in.
 * Knows no suite, no document and no broker.
 */
#ifndef QIAO_WORKERS_CDMO_YIELD_H
#define QIAO_WORKERS_CDMO_YIELD_H

#include "common/input.h"

enum { RECOVERIES_MAX = 20, DEVIATIONS_MAX = 32 };

/* What of a unit such as "g/L" or "vg/mL" is in a volume: the factor between the volumes, and the unit of the product. */
bool yield_unit(const char *titre_unit, const char *volume_unit, long *out_factor, char *out_unit, size_t unit_bytes);

struct deviation {
    char code[80];
    char text[200], text_zh[200];
};

struct batch_yield {
    mpq_t expected; /* titre x volume x recoveries */
    char expected_text[DECIMAL_BYTES], unit[64];
    char overall_percent[DECIMAL_BYTES];
    bool has_actual, has_reconciliation;
    char actual_text[DECIMAL_BYTES], actual_percent[DECIMAL_BYTES];
    char balance_percent[DECIMAL_BYTES], packed_percent[DECIMAL_BYTES];
    struct deviation deviations[DEVIATIONS_MAX];
    size_t deviations_n;
};

void batch_yield_init(struct batch_yield *yield);
void batch_yield_fini(struct batch_yield *yield);

/* Read the fields of cdmo.* from the input and compute. False: see the fault. default_titre_unit: of the service. */
bool batch_yield_compute(const struct reader *input, const char *default_titre_unit, struct batch_yield *out);

#endif
