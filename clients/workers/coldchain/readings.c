/* Series of readings: see readings.h. */
#include "coldchain/readings.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
readings_init(struct readings *readings)
{
    memset(readings, 0, sizeof *readings);
}

void
readings_fini(struct readings *readings)
{
    for (size_t i = 0; i < readings->series_n; i++) {
        free(readings->series[i].v);
        free(readings->series[i].extremes);
    }
    readings_init(readings);
}

static struct series *
series_of(struct readings *readings, const char *device, const char *path, struct fault *fault)
{
    for (size_t i = 0; i < readings->series_n; i++)
        if (strncmp(readings->series[i].device, device, DEVICE_BYTES - 1) == 0)
            return &readings->series[i];
    if (readings->series_n == SERIES_MAX) {
        fault_wrong(fault, path, "of at most 64 different sensors");
        return NULL;
    }
    struct series *series = &readings->series[readings->series_n++];
    snprintf(series->device, sizeof series->device, "%s", device);
    return series;
}

static bool
value_check(const struct readings *readings, double celsius, const char *path, struct fault *fault)
{
    if (!isfinite(celsius) || celsius < CELSIUS_MIN || celsius > CELSIUS_MAX) {
        fault_wrong(fault, path, "a temperature from -200 to 150 degrees Celsius");
        return false;
    }
    if (readings->total == READINGS_MAX) {
        fault_wrong(fault, path, "among at most 100,000 readings");
        return false;
    }
    return true;
}

/* Room for one more element of an array that grows at powers of two. */
static void *
array_grow(void *array, size_t n, size_t element_bytes)
{
    if (n & (n - 1))
        return array;
    return realloc(array, (n ? 2 * n : 1) * element_bytes);
}

bool
readings_add(struct readings *readings, const char *device, int64_t at_us, double celsius, const char *path, struct fault *fault)
{
    struct series *series = value_check(readings, celsius, path, fault) ? series_of(readings, device, path, fault) : NULL;
    if (!series)
        return false;
    struct reading *grown = array_grow(series->v, series->n, sizeof *grown);
    if (!grown) {
        fault_wrong(fault, path, "small enough for the worker's memory");
        return false;
    }
    series->v = grown;
    series->v[series->n++] = (struct reading){at_us, celsius};
    readings->total++;
    return true;
}

bool
readings_add_extremes(struct readings *readings, const char *device, const struct extremes *extremes, const char *path, struct fault *fault)
{
    if (!value_check(readings, extremes->low, path, fault) || !value_check(readings, extremes->high, path, fault))
        return false;
    if (extremes->low > extremes->high || extremes->from_us > extremes->to_us) {
        fault_wrong(fault, path, "a minimum below its maximum and a start before its end");
        return false;
    }
    struct series *series = series_of(readings, device, path, fault);
    if (!series)
        return false;
    struct extremes *grown = array_grow(series->extremes, series->extremes_n, sizeof *grown);
    if (!grown) {
        fault_wrong(fault, path, "small enough for the worker's memory");
        return false;
    }
    series->extremes = grown;
    series->extremes[series->extremes_n++] = *extremes;
    readings->total++;
    return true;
}

static int
reading_compare(const void *a, const void *b)
{
    const struct reading *one = a, *two = b;
    return one->at_us < two->at_us ? -1 : one->at_us > two->at_us;
}

bool
readings_settle(struct readings *readings, struct fault *fault)
{
    if (readings->total == 0 && readings->alarms + readings->sensor_errors == 0) {
        fault_missing(fault, "body.readings");
        return false;
    }
    for (size_t i = 0; i < readings->series_n; i++) {
        struct series *series = &readings->series[i];
        size_t kept = 0;
        if (series->n > 0)
            qsort(series->v, series->n, sizeof *series->v, reading_compare);
        for (size_t j = 0; j < series->n; j++) {
            bool same_time = kept > 0 && series->v[kept - 1].at_us == series->v[j].at_us;
            if (same_time && series->v[kept - 1].celsius != series->v[j].celsius) {
                fault_wrong(fault, "body.readings", "one value of a sensor for each moment");
                return false;
            }
            if (!same_time)
                series->v[kept++] = series->v[j];
        }
        readings->total -= series->n - kept;
        series->n = kept;
    }
    return true;
}
