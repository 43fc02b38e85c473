/* The arithmetic of money: see finance.h. */
#include "funding/finance.h"

#include "common/decimal.h"

#include <math.h>
#include <string.h>

void
lease_init(struct lease *lease)
{
    memset(lease, 0, sizeof *lease);
    mpq_init(lease->monthly_rate);
}

void
lease_fini(struct lease *lease)
{
    mpq_clear(lease->monthly_rate);
}

/* Half up to a whole number; false when it is over the limit of money. */
static bool
minor_of(const mpq_t value, int64_t *out)
{
    mpq_t rounded;
    mpq_init(rounded);
    decimal_round(rounded, value, 0, ROUNDING_USP);
    bool fits = mpz_cmpabs_ui(mpq_numref(rounded), (unsigned long)MONEY_MINOR_MAX) <= 0;
    if (fits)
        *out = mpz_get_si(mpq_numref(rounded));
    mpq_clear(rounded);
    return fits;
}

static void
set_minor(mpq_t out, int64_t minor)
{
    decimal_set_ratio(out, (long)minor, 1);
}

/* amount * rate, rounded. */
static int64_t
interest_of(int64_t amount, const mpq_t rate)
{
    int64_t interest = 0;
    mpq_t value;
    mpq_init(value);
    set_minor(value, amount);
    mpq_mul(value, value, rate);
    minor_of(value, &interest);
    mpq_clear(value);
    return interest;
}

/* amount / (1 + rate), rounded. */
static int64_t
discounted(int64_t amount, const mpq_t rate)
{
    int64_t value_minor = 0;
    mpq_t value, factor;
    mpq_inits(value, factor, NULL);
    set_minor(factor, 1);
    mpq_add(factor, factor, rate);
    set_minor(value, amount);
    mpq_div(value, value, factor);
    minor_of(value, &value_minor);
    mpq_clears(value, factor, NULL);
    return value_minor;
}

/* (P - B v^n) i / (1 - v^n), in advance divided by 1 + i; without interest (P - B) / n. */
static int64_t
annuity_payment(const struct lease *lease)
{
    int64_t payment = 0;
    mpq_t one, factor, v, value, rest;
    mpq_inits(one, factor, v, value, rest, NULL);
    set_minor(one, 1);
    if (mpq_sgn(lease->monthly_rate) == 0) {
        decimal_set_ratio(value, (long)(lease->amount - lease->balloon), (unsigned long)lease->months);
    } else {
        mpq_add(factor, one, lease->monthly_rate);
        mpz_pow_ui(mpq_numref(v), mpq_denref(factor), (unsigned long)lease->months); /* v^n: the inverse of the factor's power */
        mpz_pow_ui(mpq_denref(v), mpq_numref(factor), (unsigned long)lease->months);
        mpq_canonicalize(v);
        set_minor(value, lease->amount);
        set_minor(rest, lease->balloon);
        mpq_mul(rest, rest, v);
        mpq_sub(value, value, rest);
        mpq_mul(value, value, lease->monthly_rate);
        mpq_sub(rest, one, v);
        mpq_div(value, value, rest);
        if (lease->in_advance)
            mpq_div(value, value, factor);
    }
    minor_of(value, &payment);
    mpq_clears(one, factor, v, value, rest, NULL);
    return payment;
}

static void
row_add(struct schedule *schedule, int month, int64_t interest, int64_t principal, int64_t *balance)
{
    struct instalment *row = &schedule->rows[schedule->rows_n++];
    *balance -= principal;
    *row = (struct instalment){.month = month, .payment = interest + principal, .interest = interest, .principal = principal, .balance = *balance};
    schedule->interest_total += interest;
}

bool
lease_schedule(const struct lease *lease, struct schedule *out)
{
    int64_t balance = lease->amount;
    /* What is still owed after the last payment: the balloon, or in advance (a month earlier) its value of that day. */
    int64_t rest = lease->in_advance ? discounted(lease->balloon, lease->monthly_rate) : lease->balloon;
    memset(out, 0, sizeof *out);
    out->payment = annuity_payment(lease);
    for (int k = 1; k <= lease->months; k++) {
        bool at_start = lease->in_advance && k == 1;
        int64_t interest = at_start ? 0 : interest_of(balance, lease->monthly_rate);
        int64_t principal = k == lease->months ? balance - rest : out->payment - interest;
        if (principal < 0 || principal > balance)
            return false;
        row_add(out, lease->in_advance ? k - 1 : k, interest, principal, &balance);
    }
    out->last_payment = out->rows[out->rows_n - 1].payment;
    if (lease->balloon > 0)
        row_add(out, lease->months, lease->balloon - rest, rest, &balance);
    return balance == 0;
}

/* Present value of the schedule at a monthly rate, less what was handed out. */
static double
present_value(const struct lease *lease, const struct schedule *schedule, double rate)
{
    double value = -(double)(lease->amount - lease->fee);
    for (int i = 0; i < schedule->rows_n; i++)
        value += (double)schedule->rows[i].payment * pow(1 + rate, -schedule->rows[i].month);
    return value;
}

bool
lease_irr(const struct lease *lease, const struct schedule *schedule, double *out_nominal, double *out_effective)
{
    double low = -0.5, high = 10;
    if (present_value(lease, schedule, low) < 0 || present_value(lease, schedule, high) > 0)
        return false;
    for (int i = 0; i < 200; i++) { /* the value falls as the rate rises */
        double middle = (low + high) / 2;
        if (present_value(lease, schedule, middle) > 0)
            low = middle;
        else
            high = middle;
    }
    *out_nominal = 1200 * low;
    *out_effective = 100 * (pow(1 + low, 12) - 1);
    return true;
}

bool
premium_cargo(int64_t value, bool from_cfr, const mpq_t uplift, const mpq_t rate, int64_t *out_premium, int64_t *out_insured)
{
    int64_t premium = 0, insured = 0;
    mpq_t share, insured_value, divisor;
    mpq_inits(share, insured_value, divisor, NULL);
    mpq_mul(share, uplift, rate);
    set_minor(insured_value, value);
    mpq_mul(insured_value, insured_value, uplift);
    set_minor(divisor, 1);
    if (from_cfr)
        mpq_sub(divisor, divisor, share);
    bool sound = mpq_sgn(divisor) > 0;
    if (sound) {
        mpq_div(insured_value, insured_value, divisor);
        sound = minor_of(insured_value, &insured);
        mpq_mul(insured_value, insured_value, rate);
        sound = sound && minor_of(insured_value, &premium);
    }
    mpq_clears(share, insured_value, divisor, NULL);
    if (sound) {
        *out_premium = premium;
        *out_insured = insured;
    }
    return sound;
}

bool
premium_liability(int64_t expected_loss, int64_t fixed_cost, const mpq_t commission, const mpq_t margin, int64_t units, int64_t *out_premium)
{
    mpq_t value, divisor, count;
    mpq_inits(value, divisor, count, NULL);
    set_minor(divisor, 1);
    mpq_sub(divisor, divisor, commission);
    mpq_sub(divisor, divisor, margin);
    bool sound = mpq_sgn(divisor) > 0;
    if (sound) {
        set_minor(value, expected_loss + fixed_cost);
        set_minor(count, units);
        mpq_mul(value, value, count);
        mpq_div(value, value, divisor);
        sound = minor_of(value, out_premium);
    }
    mpq_clears(value, divisor, count, NULL);
    return sound;
}
