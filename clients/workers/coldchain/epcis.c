/*
 * GS1 EPCIS 2.0 (JSON-LD): the temperatures of sensorElementList in a document, an event list or a single event.
 *
 * sensorReport type Temperature (also as gs1:Temperature or with the vocabulary's address), uom CEL, FAH or KEL. A report has a value, or only
 * minValue and maxValue of a period (indeterminate), or an exception. Other sensor types and extensions are skipped.
 */
#include "coldchain/readings.h"

#include "common/civil.h"

#include <stdio.h>
#include <string.h>

enum { EVENTS_MAX = 10000, ELEMENTS_MAX = READINGS_MAX, REPORTS_MAX = 256 };

/* Where a report stands: what it inherits from its element and event. */
struct context {
    struct readings *readings;
    struct fault *fault;
    const json_t *event, *metadata;
    struct reader element;
    const char *seen_devices[REPORTS_MAX]; /* of the temperatures in this element so far */
    size_t seen_n;
};

static const char *
text_of(const json_t *map, const char *name)
{
    return json_string_value(json_object_get(map, name));
}

static bool
is_temperature(const json_t *report)
{
    const char *type = text_of(report, "type");
    if (!type)
        return false;
    const char *tail = strrchr(type, '/');
    type = tail ? tail + 1 : strncmp(type, "gs1:", 4) == 0 ? type + 4 : type;
    return strcmp(type, "Temperature") == 0;
}

/* In Celsius, by UN/ECE code of the unit. */
static bool
to_celsius(const struct reader *report, double value, double *out)
{
    const char *unit = read_text(report, "uom");
    if (!unit)
        return false;
    if (strcmp(unit, "CEL") == 0)
        *out = value;
    else if (strcmp(unit, "FAH") == 0)
        *out = (value - 32) * 5 / 9;
    else if (strcmp(unit, "KEL") == 0)
        *out = value - 273.15;
    else
        reader_wrong(report, "uom", "CEL, FAH or KEL");
    return report->fault->kind == FAULT_NONE;
}

/* The first of the places where a time may stand; false with a fault when there is none. */
static bool
time_of(const struct context *context, const struct reader *report, const char *metadata_name, int64_t *out_us)
{
    const char *text = text_of(report->map, "time");
    if (!text)
        text = text_of(context->metadata, metadata_name);
    if (!text)
        text = text_of(context->metadata, "time");
    if (!text)
        text = text_of(context->event, "eventTime");
    if (!text)
        reader_missing(report, "time");
    else if (!civil_parse_time(text, out_us))
        reader_wrong(report, "time", "a time such as 2026-03-31T08:00:00+08:00");
    return report->fault->kind == FAULT_NONE;
}

/* Two temperatures of one element without a device each are two places: the second is named "#2". */
static void
device_of(struct context *context, const json_t *report, char out[DEVICE_BYTES])
{
    const char *device = text_of(report, "deviceID");
    if (!device)
        device = text_of(context->metadata, "deviceID");
    if (!device)
        device = "";
    size_t same = 1;
    for (size_t i = 0; i < context->seen_n; i++)
        same += strcmp(context->seen_devices[i], device) == 0;
    if (context->seen_n < REPORTS_MAX)
        context->seen_devices[context->seen_n++] = device;
    if (same == 1)
        snprintf(out, DEVICE_BYTES, "%.80s", device);
    else
        snprintf(out, DEVICE_BYTES, "%.80s#%zu", device, same);
}

static bool
temperature_read(struct context *context, const struct reader *report)
{
    char device[DEVICE_BYTES];
    int64_t at_us;
    struct extremes extremes;
    const char *exception = text_of(report->map, "exception");
    if (exception) {
        context->readings->alarms += strcmp(exception, "ALARM_CONDITION") == 0;
        context->readings->sensor_errors += strcmp(exception, "ERROR_CONDITION") == 0;
        if (!reader_has(report, "value"))
            return true;
    }
    device_of(context, report->map, device);
    if (reader_has(report, "value")) {
        double celsius = read_number(report, "value", -1000, 1000);
        return to_celsius(report, celsius, &celsius) && time_of(context, report, "time", &at_us) &&
               readings_add(context->readings, device, at_us, celsius, report->base, report->fault);
    }
    extremes.low = read_number(report, "minValue", -1000, 1000);
    extremes.high = read_number(report, "maxValue", -1000, 1000);
    return to_celsius(report, extremes.low, &extremes.low) && to_celsius(report, extremes.high, &extremes.high) &&
           time_of(context, report, "startTime", &extremes.from_us) && time_of(context, report, "endTime", &extremes.to_us) &&
           readings_add_extremes(context->readings, device, &extremes, report->base, report->fault);
}

static bool
element_read(struct context *context)
{
    const json_t *reports = read_list(&context->element, "sensorReport", 1, REPORTS_MAX);
    context->metadata = json_object_get(context->element.map, "sensorMetadata");
    context->seen_n = 0;
    for (size_t i = 0; reports && i < json_array_size(reports); i++) {
        struct reader report = reader_element(&context->element, "sensorReport", reports, i);
        if (context->fault->kind != FAULT_NONE || (is_temperature(report.map) && !temperature_read(context, &report)))
            return false;
    }
    return context->fault->kind == FAULT_NONE;
}

static bool
event_read(struct context *context, const struct reader *event)
{
    if (!reader_has(event, "sensorElementList"))
        return event->fault->kind == FAULT_NONE;
    const json_t *elements = read_list(event, "sensorElementList", 0, ELEMENTS_MAX);
    context->event = event->map;
    for (size_t i = 0; elements && i < json_array_size(elements); i++) {
        context->element = reader_element(event, "sensorElementList", elements, i);
        if (!element_read(context))
            return false;
    }
    return event->fault->kind == FAULT_NONE;
}

bool
readings_read_epcis(struct readings *readings, const char *bytes, size_t size, struct fault *fault)
{
    json_t *document = body_parse(bytes, size, fault);
    struct context context = {.readings = readings, .fault = fault};
    struct reader body = reader_of(document, "body", fault);
    if (fault->kind == FAULT_NONE && reader_has(&body, "sensorElementList")) {
        event_read(&context, &body);
    } else if (fault->kind == FAULT_NONE) {
        struct reader inner = reader_child(&body, "epcisBody");
        const json_t *events = read_list(&inner, "eventList", 1, EVENTS_MAX);
        for (size_t i = 0; events && i < json_array_size(events); i++) {
            struct reader event = reader_element(&inner, "eventList", events, i);
            if (!event_read(&context, &event))
                break;
        }
    }
    bool settled = fault->kind == FAULT_NONE && readings_settle(readings, fault);
    json_decref(document);
    return settled;
}
