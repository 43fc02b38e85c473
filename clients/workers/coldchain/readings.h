/*
 * Temperatures over time, by sensor, as read from a CSV file or a GS1 EPCIS 2.0 document.
 *
 * Knows no limits and judges nothing. Every bound is checked before memory is taken.
 */
#ifndef QIAO_WORKERS_COLDCHAIN_READINGS_H
#define QIAO_WORKERS_COLDCHAIN_READINGS_H

#include "common/input.h"

#include <stddef.h>
#include <stdint.h>

enum {
    READINGS_MAX = 100000, /* of all series together */
    SERIES_MAX = 64,
    DEVICE_BYTES = 96,
};

#define CELSIUS_MIN (-200.0)
#define CELSIUS_MAX 150.0

struct reading {
    int64_t at_us;
    double celsius;
};

/* A report of a period that tells only its extremes. */
struct extremes {
    int64_t from_us, to_us;
    double low, high;
};

/* One sensor: readings by rising time. */
struct series {
    char device[DEVICE_BYTES]; /* "" where the source names none */
    struct reading *v;
    size_t n;
    struct extremes *extremes;
    size_t extremes_n;
};

struct readings {
    struct series series[SERIES_MAX];
    size_t series_n;
    size_t total;        /* readings and extremes in all series */
    size_t alarms;       /* ALARM_CONDITION of a temperature sensor */
    size_t sensor_errors; /* ERROR_CONDITION */
};

void readings_init(struct readings *readings);
void readings_fini(struct readings *readings);

/*
 * Read bytes of the CSV or EPCIS kind into *readings (initialised). False: see the fault, whose path names the line or the element. A text
 * without any temperature is a fault too.
 */
bool readings_read_csv(struct readings *readings, const char *bytes, size_t size, struct fault *fault);
bool readings_read_epcis(struct readings *readings, const char *bytes, size_t size, struct fault *fault);

/* For the two readers: append to the series of this device. False, with a fault at path, when a bound is reached or the value is no temperature. */
bool readings_add(struct readings *readings, const char *device, int64_t at_us, double celsius, const char *path, struct fault *fault);
bool readings_add_extremes(struct readings *readings, const char *device, const struct extremes *extremes, const char *path, struct fault *fault);

/* Sort by time; the same reading twice is one. False, with a fault, for two different values of a sensor at one moment, or nothing at all. */
bool readings_settle(struct readings *readings, struct fault *fault);

#endif
