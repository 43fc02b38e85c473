/*
 * The plant: suites and processes, read from a YAML file. Data of the provider; no code changes when a suite is built.
 */
#ifndef QIAO_WORKERS_CDMO_PLANT_H
#define QIAO_WORKERS_CDMO_PLANT_H

#include "common/input.h"

#include <stddef.h>
#include <stdint.h>

enum { SUITES_MAX = 64, STAGES_MAX = 50, AFTER_MAX = 8, NAME_BYTES = 64, STAGE_HOURS_MAX = 24 * 730 };

struct suite {
    char *name, *suite_class;
    unsigned changeover_hours; /* between two batches: cleaning, line clearance */
};

/* One stage of a batch, as it is booked. */
struct stage {
    char id[NAME_BYTES], name[NAME_BYTES], name_zh[NAME_BYTES], suite_class[NAME_BYTES];
    int64_t length_us;
    size_t after[AFTER_MAX]; /* indexes of stages before it */
    size_t after_n;
};

struct stages {
    struct stage v[STAGES_MAX]; /* what a stage waits for stands before it */
    size_t n;
};

struct plant;

/* False: error names file and fault. */
bool plant_load(const char *path, struct plant **out, char *error, size_t error_bytes);
void plant_free(struct plant *plant);

size_t plant_suites(const struct plant *plant, const struct suite **out);

/* The provider's own process for a service; false when it has none. titre_unit is borrowed from the plant. */
bool plant_process(const struct plant *plant, const char *service, struct stages *out, const char **out_titre_unit);

/* Stages given in a request's body ({"stages": [...]}). False: see the fault. */
bool stages_read(const struct plant *plant, const struct reader *body, struct stages *out);

#endif
