/*
 * What a temperature curve means: excursions, gaps, mean kinetic temperature, disposition.
 *
 * Sources: USP <1160> (mean kinetic temperature), EU GDP 2013/C 343/01 (an excursion is reported to distributor and recipient), the transport
 * appendix of the Chinese GSP (readings at most 5 minutes apart, at most 2 while out of range; sensor error 0.5 degrees between 0 and 40).
 * Measured temperatures are binary floats: they carry an error far above any rounding. Knows no document and no broker.
 */
#ifndef QIAO_WORKERS_COLDCHAIN_ASSESS_H
#define QIAO_WORKERS_COLDCHAIN_ASSESS_H

#include "coldchain/readings.h"

enum { EXCURSIONS_MAX = 1000 };

struct limits {
    double low, high;
    double allowed_minutes;          /* outside for longer than this is an excursion */
    double interval_minutes;         /* between two readings at most */
    double interval_outside_minutes; /* the same after a reading out of range */
    double activation_kelvin;        /* delta H over R */
    bool has_mkt_limit;
    double mkt_limit;          /* MKT may excuse a warm excursion up to here */
    double spike_limit;        /* which itself went no higher than this */
    double mkt_window_minutes; /* the last so many; 0: the whole journey */
    bool freezes;
    double freezes_at;
    bool frozen_goods;
};

enum excursion_kind { EXCURSION_LOW = 1, EXCURSION_HIGH, EXCURSION_GAP };

struct excursion {
    enum excursion_kind kind;
    const char *device; /* borrowed from the readings */
    int64_t start_us, end_us;
    double peak; /* the farthest from the limits; a gap has none */
    double minutes, degree_minutes;
};

enum disposition { DISPOSITION_CONFORMANT = 1, DISPOSITION_HELD, DISPOSITION_NON_CONFORMANT };

enum reason_bit {
    REASON_WARM = 1 << 0,
    REASON_WARM_EXCUSED = 1 << 1, /* by MKT; a person decides */
    REASON_COLD = 1 << 2,
    REASON_FROZE = 1 << 3,
    REASON_GAP = 1 << 4,
    REASON_EXTREMES_ONLY = 1 << 5,
    REASON_ALARM = 1 << 6,
    REASON_SENSOR_ERROR = 1 << 7,
    REASON_MKT_HIGH = 1 << 8,
    REASON_TOO_MANY = 1 << 9, /* more than EXCURSIONS_MAX: the rest is counted, not listed */
    REASON_NO_READING = 1 << 10,
};
enum { REASONS_N = 11 };

struct assessment {
    enum disposition disposition;
    unsigned reasons;
    size_t readings, series, gaps;
    double minimum, maximum, mean; /* mean weighted by time; all NaN without any reading or extremes */
    bool has_mkt;
    double mkt; /* the highest of the series */
    double minutes, minutes_outside, degree_minutes; /* covered by readings; outside the limits (sums over the series) */
    int64_t from_us, to_us;
    struct excursion *excursions; /* by series, then time */
    size_t excursions_n;
};

/*
 * Mean kinetic temperature in degrees Celsius of temperatures with weights (the time each stood for). activation_kelvin is delta H over R,
 * 10,000 unless something better is known of the goods. The sum of the weights must be above 0.
 */
double mkt_of(const double *celsius, const double *weights, size_t n, double activation_kelvin);

/*
 * MKT of a series over [from, to). A reading stands for the time until the next one, but for no longer than interval_us; the last one for as
 * long as the one before it (a single one for interval_us). With equal intervals this is the plain formula of USP <1160>. False: no reading.
 */
bool series_mkt(const struct series *series, int64_t interval_us, int64_t from_us, int64_t to_us, double activation_kelvin, double *out_celsius);

/* *out has memory of its own: assessment_fini. It borrows device names from readings. */
void assess(const struct readings *readings, const struct limits *limits, struct assessment *out);
void assessment_fini(struct assessment *assessment);

const char *disposition_word(enum disposition disposition);
/* One line for people; zh for the Chinese one. bit is a single reason_bit. */
const char *reason_text(unsigned bit, bool zh);

#endif
