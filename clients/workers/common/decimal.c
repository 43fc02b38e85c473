/* Exact decimal arithmetic: see decimal.h. */
#include "common/decimal.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

static void
power_of_ten(mpz_t out, int exponent)
{
    mpz_ui_pow_ui(out, 10, (unsigned long)exponent);
}

bool
decimal_parse(const char *text, mpq_t value, int *out_places)
{
    char digits[DECIMAL_TEXT_MAX + 2];
    size_t used = 0, before = 0;
    int places = -1;

    if (!text || strnlen(text, DECIMAL_TEXT_MAX + 1) > DECIMAL_TEXT_MAX)
        return false;
    if (*text == '-' || *text == '+') {
        if (*text == '-')
            digits[used++] = '-';
        text++;
    }
    for (; *text; text++) {
        if (*text == '.' && places < 0 && before > 0) {
            places = 0;
            continue;
        }
        if (!isdigit((unsigned char)*text))
            return false;
        digits[used++] = *text;
        if (places < 0)
            before++;
        else if (++places > DECIMAL_PLACES_MAX)
            return false;
    }
    if (before == 0 || places == 0)
        return false;
    digits[used] = '\0';
    if (places < 0)
        places = 0;

    int bad = mpz_set_str(mpq_numref(value), digits, 10);
    assert(bad == 0);
    power_of_ten(mpq_denref(value), places);
    mpq_canonicalize(value);
    *out_places = places;
    return true;
}

/* numerator / denominator (> 0) to the nearest whole number by the rule. */
static void
divide_rounded(mpz_t out, const mpz_t numerator, const mpz_t denominator, enum rounding rule)
{
    mpz_t quotient, twice;
    mpz_inits(quotient, twice, NULL);

    mpz_abs(twice, numerator);
    mpz_fdiv_qr(quotient, twice, twice, denominator); /* twice: the remainder */
    mpz_mul_2exp(twice, twice, 1);
    int side = mpz_cmp(twice, denominator);
    if (side > 0 || (side == 0 && (rule == ROUNDING_USP || mpz_odd_p(quotient))))
        mpz_add_ui(quotient, quotient, 1);
    if (mpz_sgn(numerator) < 0)
        mpz_neg(quotient, quotient);
    mpz_set(out, quotient);
    mpz_clears(quotient, twice, NULL);
}

/* value * 10^places, rounded to a whole number. */
static void
scale_rounded(mpz_t out, const mpq_t value, int places, enum rounding rule)
{
    assert(places >= 0 && places <= DECIMAL_PLACES_MAX);
    mpz_t scaled;
    mpz_init(scaled);
    power_of_ten(scaled, places);
    mpz_mul(scaled, scaled, mpq_numref(value));
    divide_rounded(out, scaled, mpq_denref(value), rule);
    mpz_clear(scaled);
}

void
decimal_round(mpq_t out, const mpq_t value, int places, enum rounding rule)
{
    mpz_t scaled;
    mpz_init(scaled);
    scale_rounded(scaled, value, places, rule);
    mpz_set(mpq_numref(out), scaled);
    power_of_ten(mpq_denref(out), places);
    mpq_canonicalize(out);
    mpz_clear(scaled);
}

void
decimal_format(const mpq_t value, int places, enum rounding rule, char *out, size_t size)
{
    mpz_t scaled;
    mpz_init(scaled);
    scale_rounded(scaled, value, places, rule);
    bool negative = mpz_sgn(scaled) < 0;
    mpz_abs(scaled, scaled);

    size_t room = mpz_sizeinbase(scaled, 10) + (size_t)places + 4;
    assert(room <= size);
    size_t zeros = 0, digits = mpz_sizeinbase(scaled, 10);
    char *at = out;
    if (negative)
        *at++ = '-';
    if (digits <= (size_t)places)
        zeros = (size_t)places + 1 - digits;
    memset(at, '0', zeros);
    mpz_get_str(at + zeros, 10, scaled);
    size_t length = strlen(at);
    if (length < (size_t)places + 1) { /* mpz_sizeinbase may be one too big */
        size_t lack = (size_t)places + 1 - length;
        memmove(at + lack, at, length + 1);
        memset(at, '0', lack);
        length += lack;
    }
    if (places > 0) {
        char *point = at + length - (size_t)places;
        memmove(point + 1, point, (size_t)places + 1);
        *point = '.';
    }
    mpz_clear(scaled);
}

void
decimal_sqrt(mpq_t out, const mpq_t value, int places)
{
    assert(mpq_sgn(value) >= 0);
    /* floor(sqrt(4 v 10^2p)) is floor(2 r) for r = sqrt(v) 10^p; half up of r is floor((floor(2 r) + 1) / 2). */
    mpz_t scaled;
    mpz_init(scaled);
    power_of_ten(scaled, 2 * places);
    mpz_mul(scaled, scaled, mpq_numref(value));
    mpz_mul_2exp(scaled, scaled, 2);
    mpz_fdiv_q(scaled, scaled, mpq_denref(value));
    mpz_sqrt(scaled, scaled);
    mpz_add_ui(scaled, scaled, 1);
    mpz_fdiv_q_2exp(scaled, scaled, 1);
    mpz_set(mpq_numref(out), scaled);
    power_of_ten(mpq_denref(out), places);
    mpq_canonicalize(out);
    mpz_clear(scaled);
}

void
decimal_set_ratio(mpq_t out, long numerator, unsigned long denominator)
{
    assert(denominator > 0);
    mpq_set_si(out, numerator, denominator);
    mpq_canonicalize(out);
}
