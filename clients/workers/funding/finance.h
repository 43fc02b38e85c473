/*
 * The arithmetic of money: annuities, internal rate of return, premiums. Money is whole minor units; rates are exact rationals.
 *
 * Rounds half up to the minor unit, once per amount that is paid. Knows no currency, no policy and no document.
 */
#ifndef QIAO_WORKERS_FUNDING_FINANCE_H
#define QIAO_WORKERS_FUNDING_FINANCE_H

#include <gmp.h>
#include <stdbool.h>
#include <stdint.h>

enum { MONTHS_MAX = 360 };
#define MONEY_MINOR_MAX INT64_C(1000000000000000)

struct lease {
    int64_t amount;
    mpq_t monthly_rate; /* 0.004 for 4.8 % a year */
    int months;
    bool in_advance;    /* each payment at the start of its month */
    int64_t balloon;    /* due at the end of the last month, beside the payments */
    int64_t fee;        /* taken at the start */
};

struct instalment {
    int month; /* 0: at the start */
    int64_t payment, interest, principal, balance;
};

struct schedule {
    struct instalment rows[MONTHS_MAX + 1]; /* the balloon has a row of its own */
    int rows_n;
    int64_t payment, last_payment, interest_total;
};

void lease_init(struct lease *lease);
void lease_fini(struct lease *lease);

/*
 * The schedule. The payment is that of the annuity, rounded; the last one takes what the rounding left, so that the principal of all rows sums
 * to the amount exactly. False when no payment can carry it: the interest of a month eats the payment.
 */
bool lease_schedule(const struct lease *lease, struct schedule *out);

/* Internal rate of return a year with the fee, in percent: twelve times the monthly rate (nominal), and compounded (effective). */
bool lease_irr(const struct lease *lease, const struct schedule *schedule, double *out_nominal, double *out_effective);

/*
 * Cargo: uplift x CIF x rate. From CFR, where the premium itself is part of CIF: uplift r C / (1 - uplift r). rate as a fraction.
 * False when 1 - uplift r is not above 0 or the premium is too large.
 */
bool premium_cargo(int64_t value, bool from_cfr, const mpq_t uplift, const mpq_t rate, int64_t *out_premium, int64_t *out_insured);

/* Liability: (expected loss + fixed cost) / (1 - commission - margin) x units. False when the divisor is not above 0 or it is too large. */
bool premium_liability(int64_t expected_loss, int64_t fixed_cost, const mpq_t commission, const mpq_t margin, int64_t units, int64_t *out_premium);

#endif
