/*
 * Exact decimal arithmetic for results, limits and money.
 *
 * Values are rationals of libgmp (mpq_t), so that a mean of six replicates or a rate of 4.8 % / 12 is exact until it is rounded, once, on
 * purpose. libgmp because it is in every Debian, has been kept for thirty years, and spares us a rounding bug of our own.
 * Knows nothing of limits, units or currencies. No state; any thread.
 */
#ifndef QIAO_WORKERS_DECIMAL_H
#define QIAO_WORKERS_DECIMAL_H

#include <gmp.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    DECIMAL_TEXT_MAX = 40,   /* characters of a decimal that is read */
    DECIMAL_PLACES_MAX = 18, /* places that a value is read with or rounded to */
    DECIMAL_BYTES = 128,     /* a buffer of this size holds any formatted value that was read, and its products */
};

/* How a final value is rounded. Which one applies is data of the specification. */
enum rounding {
    ROUNDING_USP = 1, /* USP General Notices 7.20: half up, by magnitude */
    ROUNDING_GBT8170, /* GB/T 8170-2008, 3.2: half to even */
};

/*
 * Read "[-+]digits[.digits]" into *value (initialised by the caller) and the number of places after the point into *out_places.
 * No exponent, no blanks. False, and nothing changed, for anything else or anything longer than the bounds above.
 */
bool decimal_parse(const char *text, mpq_t value, int *out_places);

/* value, rounded to places after the point. out may be the same variable. */
void decimal_round(mpq_t out, const mpq_t value, int places, enum rounding rule);

/* value rounded and written with exactly places digits after the point. Asserts that it fits. */
void decimal_format(const mpq_t value, int places, enum rounding rule, char *out, size_t size);

/* The square root of a value >= 0, half up at places after the point. */
void decimal_sqrt(mpq_t out, const mpq_t value, int places);

/* out = numerator / denominator, as whole numbers. */
void decimal_set_ratio(mpq_t out, long numerator, unsigned long denominator);

#endif
