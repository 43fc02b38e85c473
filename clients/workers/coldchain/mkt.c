/* Mean kinetic temperature, weighted by time: see assess.h. */
#include "coldchain/assess.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#define KELVIN_AT_ZERO 273.15

double
mkt_of(const double *celsius, const double *weights, size_t n, double activation_kelvin)
{
    /* exp(-a/T) of the warmest reading is taken out of the sum, so that nothing underflows at -200 degrees. */
    double warmest = CELSIUS_MIN, sum = 0, weight = 0;
    for (size_t i = 0; i < n; i++)
        if (weights[i] > 0 && celsius[i] > warmest)
            warmest = celsius[i];
    double largest = -activation_kelvin / (warmest + KELVIN_AT_ZERO);
    for (size_t i = 0; i < n; i++) {
        sum += weights[i] * exp(-activation_kelvin / (celsius[i] + KELVIN_AT_ZERO) - largest);
        weight += weights[i];
    }
    assert(weight > 0);
    return activation_kelvin / -(log(sum / weight) + largest) - KELVIN_AT_ZERO;
}

bool
series_mkt(const struct series *series, int64_t interval_us, int64_t from_us, int64_t to_us, double activation_kelvin, double *out_celsius)
{
    double *celsius = calloc(series->n ? 2 * series->n : 1, sizeof *celsius), *weights = celsius ? celsius + series->n : NULL;
    double total = 0;
    int64_t stood_us = interval_us;
    if (!celsius)
        return false;
    for (size_t i = 0; i < series->n; i++) {
        const struct reading *reading = &series->v[i];
        if (i + 1 < series->n)
            stood_us = reading[1].at_us - reading->at_us;
        if (stood_us > interval_us)
            stood_us = interval_us;
        int64_t begin = reading->at_us > from_us ? reading->at_us : from_us;
        int64_t end = reading->at_us + stood_us < to_us ? reading->at_us + stood_us : to_us;
        celsius[i] = reading->celsius;
        weights[i] = end > begin ? (double)(end - begin) : 0;
        total += weights[i];
    }
    if (total > 0)
        *out_celsius = mkt_of(celsius, weights, series->n, activation_kelvin);
    free(celsius);
    return total > 0;
}
