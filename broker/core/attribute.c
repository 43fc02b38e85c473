/* Attributes as attribute.h says: shapes, types, dates, distances. */
#include "core/attribute.h"

#include <math.h>
#include <stdio.h>

#include "proto/reader.h"

enum {
    ATTRIBUTE_TEXT_BYTES_MAX = 256,
};

#define EARTH_RADIUS_KM 6371.0088
#define RADIANS (3.14159265358979323846 / 180.0)

bool
attribute_find(const struct attribute_view *view, struct proto_str name, struct proto_bin *out_value)
{
    if (view->confirmed.n > 0 && proto_map_find(view->confirmed, name, out_value)) {
        return true;
    }
    return view->offered.n > 0 && !attribute_needs_confirming(view, name) && proto_map_find(view->offered, name, out_value);
}

bool
attribute_needs_confirming(const struct attribute_view *view, struct proto_str name)
{
    const struct attribute *attribute = view->service == NULL ? NULL : service_attribute(view->service, name);
    return attribute != NULL && attribute->confirmed;
}

/* ------------------------------------------------------------- shapes */

/* Which types a value could be of, as bits 1 << enum attribute_type. */
static unsigned
list_shapes(struct proto_reader reader, uint32_t count)
{
    double numbers[2] = {0, 0};
    uint32_t texts = 0;
    uint32_t numeric = 0;
    if (count > ATTRIBUTE_LIST_MAX) {
        return 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct proto_token token;
        if (!proto_next(&reader, &token)) {
            return 0;
        }
        if (token.kind == PROTO_KIND_STR && token.str.n > 0 && token.str.n <= CATALOGUE_NAME_BYTES_MAX) {
            texts++;
        } else if (i < 2 && proto_token_f64(&token, &numbers[i])) {
            numeric++;
        } else {
            return 0;
        }
    }
    if (texts == count) {
        return 1u << ATTRIBUTE_SET;
    }
    if (numeric != count || count != 2) {
        return 0;
    }
    return (numbers[0] <= numbers[1] ? 1u << ATTRIBUTE_RANGE : 0) |
           (point_valid(numbers[0], numbers[1]) ? 1u << ATTRIBUTE_POINT : 0);
}

static unsigned
value_shapes(struct proto_bin value)
{
    struct proto_reader reader = proto_reader_of(value);
    struct proto_token token;
    if (!proto_next(&reader, &token)) {
        return 0;
    }
    switch (token.kind) {
    case PROTO_KIND_BOOL:
        return 1u << ATTRIBUTE_BOOLEAN;
    case PROTO_KIND_UINT:
    case PROTO_KIND_INT:
    case PROTO_KIND_F64:
        return 1u << ATTRIBUTE_NUMBER;
    case PROTO_KIND_STR:
        if (token.str.n > ATTRIBUTE_TEXT_BYTES_MAX) {
            return 0;
        }
        return 1u << ATTRIBUTE_STRING | (date_valid(token.str) ? 1u << ATTRIBUTE_DATE : 0);
    case PROTO_KIND_LIST:
        return list_shapes(reader, token.count);
    default:
        return 0;
    }
}

static const char *const type_rules[ATTRIBUTE_TYPES] = {
    [ATTRIBUTE_STRING] = "a string of at most 256 bytes",
    [ATTRIBUTE_NUMBER] = "a number",
    [ATTRIBUTE_BOOLEAN] = "true or false",
    [ATTRIBUTE_RANGE] = "a range [lo, hi]",
    [ATTRIBUTE_DATE] = "a date YYYY-MM-DD",
    [ATTRIBUTE_SET] = "a list of at most 64 strings of at most 64 bytes",
    [ATTRIBUTE_POINT] = "a point [latitude, longitude]",
};

static bool
blame(struct proto_str name, const char *rule, const char *got, struct input_fault *out_fault)
{
    char shown[CATALOGUE_NAME_BYTES_MAX + 1];
    uint32_t n = name.n < CATALOGUE_NAME_BYTES_MAX ? name.n : CATALOGUE_NAME_BYTES_MAX;
    for (uint32_t i = 0; i < n; i++) {
        shown[i] = name.p[i] > ' ' && name.p[i] < 127 ? name.p[i] : '?';
    }
    shown[n] = '\0';
    snprintf(out_fault->path, sizeof out_fault->path, "attributes%s%s", n > 0 ? "." : "", shown);
    snprintf(out_fault->rule, sizeof out_fault->rule, "%s", rule);
    snprintf(out_fault->got, sizeof out_fault->got, "%s", got);
    return false;
}

static bool
attribute_name_valid(struct proto_str name)
{
    return service_name_valid(name, false) && memchr(name.p, '.', name.n) == NULL;
}

static bool
attributes_walk(const struct service_type *service, struct proto_bin map, struct input_fault *out_fault)
{
    struct proto_reader reader = proto_reader_of(map);
    struct proto_token head;
    struct proto_str none = {NULL, 0};
    if (map.n == 0) {
        return true;
    }
    if (!proto_next(&reader, &head) || head.kind != PROTO_KIND_MAP) {
        return blame(none, "a map", "another", out_fault);
    }
    if (head.count > ATTRIBUTE_SET_MAX) {
        return blame(none, "at most 32 attributes", "more", out_fault);
    }
    for (uint32_t i = 0; i < head.count; i++) {
        struct proto_token key;
        struct proto_bin value;
        if (!proto_next(&reader, &key) || key.kind != PROTO_KIND_STR || !proto_value(&reader, &value)) {
            return blame(none, "keys that are strings", "another", out_fault);
        }
        if (!attribute_name_valid(key.str)) {
            return blame(key.str, "a name of lower-case letters, digits, '-' and '_'", "another", out_fault);
        }
        unsigned shapes = value_shapes(value);
        if (shapes == 0) {
            return blame(key.str, "text, number, boolean, list of strings, [lo, hi] or [lat, lon]", "another",
                         out_fault);
        }
        const struct attribute *attribute = service != NULL ? service_attribute(service, key.str) : NULL;
        if (attribute != NULL && (shapes & (1u << attribute->type)) == 0) {
            return blame(key.str, type_rules[attribute->type], "another type", out_fault);
        }
    }
    return true;
}

bool
attribute_map_check(struct proto_bin map, struct input_fault *out_fault)
{
    return attributes_walk(NULL, map, out_fault);
}

bool
attribute_check(const struct service_type *service, struct proto_bin map, struct input_fault *out_fault)
{
    return attributes_walk(service, map, out_fault);
}

/* ------------------------------------------------------------- dates and places */

static bool
digits_read(const char *p, unsigned count, unsigned *out_number)
{
    unsigned number = 0;
    for (unsigned i = 0; i < count; i++) {
        if (p[i] < '0' || p[i] > '9') {
            return false;
        }
        number = number * 10 + (unsigned)(p[i] - '0');
    }
    *out_number = number;
    return true;
}

bool
date_valid(struct proto_str text)
{
    static const unsigned days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    unsigned year, month, day;
    if (text.n != 10 || text.p[4] != '-' || text.p[7] != '-' || !digits_read(text.p, 4, &year) ||
        !digits_read(text.p + 5, 2, &month) || !digits_read(text.p + 8, 2, &day) || month < 1 || month > 12) {
        return false;
    }
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return day >= 1 && day <= days[month - 1] + (month == 2 && leap);
}

bool
point_valid(double latitude, double longitude)
{
    return latitude >= -90 && latitude <= 90 && longitude >= -180 && longitude <= 180;
}

double
point_distance_km(double latitude_a, double longitude_a, double latitude_b, double longitude_b)
{
    double half_latitude = sin((latitude_b - latitude_a) * RADIANS / 2);
    double half_longitude = sin((longitude_b - longitude_a) * RADIANS / 2);
    double h = half_latitude * half_latitude +
               cos(latitude_a * RADIANS) * cos(latitude_b * RADIANS) * half_longitude * half_longitude;
    return 2 * EARTH_RADIUS_KM * asin(sqrt(h < 1 ? h : 1));
}
