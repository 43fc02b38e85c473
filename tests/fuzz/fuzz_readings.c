/*
 * Fuzzes what a logger wrote: temperatures as CSV or as a GS1 EPCIS document, read, judged and reported as the cold-chain
 * worker does it. The same bytes are given to both readers.
 */
#include "fuzz.h"

#include <string.h>

#include "coldchain/assess.h"
#include "coldchain/coldchain.h"

enum { TEXT_BYTES_MAX = 1 << 16 };

/* What a reader promises of its series. */
static void
readings_check(const struct readings *readings)
{
    size_t total = 0;
    REQUIRE(readings->series_n <= SERIES_MAX);
    for (size_t i = 0; i < readings->series_n; i++) {
        const struct series *series = &readings->series[i];
        REQUIRE(memchr(series->device, '\0', DEVICE_BYTES) != NULL);
        for (size_t j = 0; j < series->n; j++) {
            REQUIRE(series->v[j].celsius >= CELSIUS_MIN && series->v[j].celsius <= CELSIUS_MAX);
            REQUIRE(j == 0 || series->v[j - 1].at_us < series->v[j].at_us);
        }
        total += series->n + series->extremes_n;
    }
    REQUIRE(total == readings->total && total <= READINGS_MAX);
}

static bool
read_fuzz(const char *p, size_t n, bool epcis)
{
    static struct readings readings;
    struct fault fault = {0};
    readings_init(&readings);
    bool sound = epcis ? readings_read_epcis(&readings, p, n, &fault) : readings_read_csv(&readings, p, n, &fault);
    if (sound) {
        readings_check(&readings);
    } else {
        REQUIRE(fault.kind != FAULT_NONE && fault.path[0] != '\0' && fault.message[0] != '\0');
    }
    readings_fini(&readings);
    return sound;
}

/* The whole work on it, up to the bytes of the answer. */
static void
work_fuzz(const char *p, size_t n, bool epcis)
{
    static json_t *inputs[2];
    struct answer answer = {0};
    size_t bytes = 0;
    if (inputs[epcis] == NULL) {
        inputs[epcis] = json_pack("{s:s, s:s, s:s, s:f, s:f, s:f, s:f}", "shipment", "S-1", "product", "vaccine", "format",
                                  epcis ? "epcis" : "csv", "limit_low", 2.0, "limit_high", 8.0, "allowed_minutes", 10.0, "mkt_limit", 8.0);
    }
    struct job job = {.service = "cold-chain.transport", .reference = "R1", .input = inputs[epcis], .body = p, .body_bytes = n,
                      .party = "carrier", .member = "m1"};
    coldchain_compute(&job, NULL, &answer);
    REQUIRE(answer.kind == ANSWER_DONE);
    REQUIRE(answer.output != NULL && answer.outcome[0] != '\0');
    char *body = job_body(&answer, &bytes);
    REQUIRE(body != NULL && bytes <= JOB_BODY_BYTES_MAX);
    free(body);
    answer_fini(&answer);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    if (n > TEXT_BYTES_MAX) {
        return 0;
    }
    for (int epcis = 0; epcis < 2; epcis++) {
        if (read_fuzz((const char *)p, n, epcis)) {
            work_fuzz((const char *)p, n, epcis);
        }
    }
    return 0;
}
